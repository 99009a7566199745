"""Which theorem carries a Lyapunov region of a network, with its numbers; and what it would take where none does."""

from dataclasses import asdict, dataclass
from typing import Any

from adamsym.certify.interpolation.decrease import BallDecrease
from adamsym.certify.lyapunov.decrease_constants import Decrease, root_gap, smallest_batch, smallest_beta2
from adamsym.expressions.results import plain
from adamsym.field.ball.arithmetic import ball


@dataclass(frozen=True)
class TheoremNumbers:
    """The numbers of one theorem, as floats near the proved bounds; ``fails`` lists the hypotheses not proved.

    ``factor`` bounds Lambda of N-Theorem 6, Phi of N-Theorem 2(b), and phi(0)/phi of the largest E g_i^2 in
    N-Theorem 1; None if it is not finite.
    """

    theorem: str
    holds: bool
    share: float | None
    q: float | None
    q_by: str
    factor: float | None
    fails: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """The constants of a region, what each theorem makes of them, and the smallest B and beta2 for N-Theorem 6.

    ``rows_a_draw`` is 1/(p B), N/B for N equal rows; ``limit`` is 1/(1 - sqrt(beta2)), which it should not exceed.
    ``smallest_batch`` and ``smallest_beta2`` are for the same bounds kappa and mu, all else unchanged; None if none.
    """

    radius: float
    carried_by: str | None
    kappa: float
    mu: float
    eta: float
    rows_a_draw: float
    limit: float
    theorems: tuple[TheoremNumbers, ...]
    smallest_batch: int | None
    smallest_beta2: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        found = {key: plain(value) for key, value in asdict(self).items()}
        return found | {"theorems": [{k: plain(v) for k, v in vars(one).items()} for one in self.theorems]}


def explanation_of(proof: BallDecrease) -> Explanation:
    """Return the explanation of what is proved, or not, on a box; call within ``ball_arithmetic()``."""
    least = proof.noise.least
    assert least is not None
    beta2 = smallest_beta2(proof.form, proof.noise)
    return Explanation(
        proof.bounds.radius,
        proof.best.theorem if proof.best.holds else None,
        float(proof.bounds.kappa),
        float(proof.bounds.pl),
        float(proof.noise.eta),
        float(ball(1 / least) / proof.noise.batch),
        float(1 / root_gap(proof.form.beta)),
        tuple(_numbers(one) for one in proof.tried),
        smallest_batch(proof.form, proof.noise),
        None if beta2 is None else float(beta2),
    )


def _numbers(found: Decrease) -> TheoremNumbers:
    share, q, factor = (plain(float(x)) for x in (found.share, found.q, found.harm))
    return TheoremNumbers(found.theorem, found.holds, share, q, found.by, factor, found.fails)
