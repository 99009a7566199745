r"""R4: near an interpolating minimum the loss decreases along RMSprop's flow; for large batches everywhere.

Two losses, both 0 at 0 alone: 15 theta^2 in one row of fifty, else sin(theta)^2/2. By N-Theorem 1 and N-Theorem 2(a)
(alpha = 0) <grad L, f> < 0 near 0, and wherever L > 0 in batches of 8 rows: K/mu <= 147.1 gives
(K/mu - 1)(0.9^(-1/2) - 1) < 7.91. ``certify_lyapunov`` proves it box by box. Enclosures are for Adam: Adam with
beta1 = 0 has the field of ``RMSprop``, with or without bias correction.
"""

from adamsym import Adam, AdamField, Claim, Empirical, Problem, certify_lyapunov
from adamsym.claims import Finding, holds, refuted, undecided

claim = Claim(
    "R4",
    title="Near an interpolating minimum the loss is a strict Lyapunov function of RMSprop's flow",
    statement=(
        r"For the losses $15\theta^2$ in one row of fifty, else $\frac12\sin^2\theta$, and RMSprop with $\beta_2=0.9$, "
        r"$\varepsilon=0.01$: $L'f<0$ for $0<|\theta|\le1$, and in batches of $8$ rows for $0<|\theta|\le6$."
    ),
    source="N-Theorem 1, N-Theorem 2",
)

RMSPROP = Adam(0, "0.9", "0.01")


def two_losses(batch: int = 1) -> Problem:
    law = Empirical({"a": [1, 0]}, ["1/50", "49/50"])
    return Problem("a*15*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], law, batch)


def decreases(problem: Problem, low: float, high: float) -> Finding:
    """Is <grad L, f> < 0 off the minima in [low, high]?"""
    found = certify_lyapunov(AdamField(problem, RMSPROP), [[low, high]])
    text = f"in [{low:g}, {high:g}]: {found.verdict}, {found.examined} boxes"
    if found.witness is not None and found.witness_bounds is not None:
        return refuted(f"{text}; L' f >= {found.witness_bounds[0]:.3g} at {found.witness[0]:.4g}", cases=found.examined)
    if found.verdict != "certified":
        return undecided(text)
    return holds(f"{text}; -L' f >= {found.rate:.3g} L", cases=found.examined)


@claim.evidence("certified")
def next_to_the_minimum() -> Finding:
    return decreases(two_losses(), -1.0, 1.0)


@claim.evidence("certified")
def further_out_in_batches() -> Finding:
    return decreases(two_losses(batch=8), -6.0, 6.0)


@claim.control("N1: batches of one row, further out")
def one_row_further_out() -> Finding:
    return decreases(two_losses(), -0.5, 3.5)


@claim.control("batches of two rows, further out")
def two_rows_further_out() -> Finding:
    return decreases(two_losses(batch=2), -0.5, 3.5)


@claim.control("data that no parameter fits")
def no_interpolation() -> Finding:
    return decreases(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), 0.5, 1.5)
