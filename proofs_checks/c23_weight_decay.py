r"""C23: AdamW is no L2 penalty: its zeros lie in the box |theta| <= Phi/lambda, and elsewhere than the penalty's.

Cited: the abstract of arXiv 2404.04454 says of full batches, and steps that do not increase and whose sum is infinite,
that a limit of AdamW is a KKT point of the loss under the constraint that no |theta_i| exceeds 1/lambda. Added here: a
box for noisy gradients, and three zeros.

AdamW's field is f - lambda theta with Adam's f. At a zero lambda |theta_i| = |f_i| < Phi, with Phi = 1 for
beta1 <= beta2 (N-Lemma 2); and outside of the box the field points inward in that coordinate. For the quadratic loss,
the data 0, 0, 3, lambda = 0.1, beta1 = 0.9, beta2 = 0.999 and eps = 1e-8, AdamW has one zero in [-30, 30], so one at
all, and Adam with lambda theta^2/2 in the loss has another one there. As beta2 -> 1 AdamW's field tends to
(1 - theta)/(sqrt((1 - theta)^2 + 2) + eps) - lambda theta (T9): it falls, and its zero is near the first; of its eps
nothing is seen in five digits, and at beta2 = 1 - 1e-6 the field changes its sign in the same interval.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import cache

import flint
from hypothesis import strategies as st

from adamsym import Adam, AdamField, AdamW, Claim, Empirical, Problem, find_zeros
from adamsym.claims import Finding, all_of, check_property, holds, refuted, rounding_interval, rounds_to, undecided

claim = Claim(
    "C23",
    title="AdamW's zeros lie in a box of half width Phi/lambda, apart from those of an L2 penalty",
    statement=(
        r"Zeros of AdamW's field have $|\theta_i| < \Phi/\lambda$, $\Phi=1$ for $\beta_1\le\beta_2$. For "
        r"$(\theta-X)^2/2$, data $0,0,3$, $\lambda=0.1$ and the usual parameters, its one zero is "
        r"$0.87516$, with $\lambda\theta^2/2$ in the loss $0.90864$; for $\beta_2\to1$ it tends to $0.87568$."
    ),
    source="arXiv 2404.04454; N-Lemma 2, T9",
)

LAW = Empirical({"x": [0, 0, 3]})
DECAY = "0.1"
BOX = (-30, 30)


@cache
def decoupled(beta2: str = "0.999", decay: str = DECAY) -> AdamField:
    return AdamField(Problem("(theta - x)**2/2", ["theta"], LAW), AdamW("0.9", beta2, "1e-8", decay))


@cache
def penalised(beta2: str = "0.999", decay: str = DECAY) -> AdamField:
    loss = f"(theta - x)**2/2 + {decay}*theta**2/2"
    return AdamField(Problem(loss, ["theta"], LAW), Adam("0.9", beta2, "1e-8"))


# --- Zeros -----------------------------------------------------------------------------------------------------------


def only_zero(field: AdamField, digits: str) -> Finding:
    """Is exactly one zero in the box certified, attracting, and does it round to these five digits?"""
    found = find_zeros(field, [BOX])
    if not found.complete:
        return undecided("the search is not complete")
    zeros = [(zero.box[0], zero.stability) for zero in found.zeros]
    text = f"zeros in {list(BOX)}: " + "; ".join(f"[{low:.9f}, {high:.9f}], {kind}" for (low, high), kind in zeros)
    if len(zeros) != 1 or zeros[0][1] != "attracting":
        return refuted(f"{text}; claimed one at {digits}", cases=found.examined)
    return rounds_to(digits, tuple(zeros[0][0]), f"{text}: zero")


@claim.evidence("certified")
def the_zeros_of_both() -> Finding:
    return all_of([only_zero(decoupled(), "0.87516"), only_zero(penalised(), "0.90864")])


@claim.control("the penalty's zero for AdamW")
def zeros_exchanged() -> Finding:
    return only_zero(decoupled(), "0.90864")


@claim.control("AdamW with a decay of 0.2")
def another_decay() -> Finding:
    return only_zero(decoupled(decay="0.2"), "0.87516")


def limit_is(digits: str, root: Callable[[flint.arb], flint.arb]) -> Finding:
    """Has (1 - theta)/root - lambda theta a change of sign where theta rounds to these digits?

    And has AdamW's field with beta2 = 1 - 1e-6 one there too?
    """
    ends = rounding_interval(digits)
    points = [flint.arb(flint.fmpq(end.numerator, end.denominator)) for end in ends]
    values = [(1 - point) / root((1 - point) ** 2 + 2) - flint.arb(1) / 10 * point for point in points]
    near = [decoupled("0.999999").enclose([[float(end), float(end)]])[0] for end in ends]
    text = f"limit field at {[float(end) for end in ends]}: {', '.join(value.str(4) for value in values)}; "
    text += f"at beta2 = 1 - 1e-6: {near[0][0]:.3g}, {near[1][1]:.3g}"
    if values[0] > 0 > values[1] and near[0][0] > 0 > near[1][1]:
        return holds(text, cases=2)
    return refuted(text) if values[0] < 0 or values[1] > 0 else undecided(text)


@claim.evidence("certified")
def the_limit() -> Finding:
    return limit_is("0.87568", lambda square: square.sqrt())


@claim.control("the zero at beta2 = 0.999, for the limit")
def zero_before_the_limit() -> Finding:
    return limit_is("0.87516", lambda square: square.sqrt())


@claim.control("the limit without the root")
def without_the_root() -> Finding:
    return limit_is("0.87568", lambda square: square)


# --- The box ---------------------------------------------------------------------------------------------------------


def points_inward(fraction: float, coupled: bool) -> Finding:
    """Is the field proven to point inward at theta = +-``fraction`` Phi/lambda, for drawn data and decays?"""

    def inward(data: list[int], decay: Fraction, beta2: str) -> None:
        law = Empirical({"x": [100 * value for value in data]})
        loss = f"(theta - x)**2/2 + {decay}*theta**2/2" if coupled else "(theta - x)**2/2"
        method = Adam("0.9", beta2, "1e-8") if coupled else AdamW("0.9", beta2, "1e-8", decay)
        field, edge = AdamField(Problem(loss, ["theta"], law), method), fraction / float(decay)
        left, right = (field.enclose([[point, point]])[0] for point in (-edge, edge))
        assert left[0] > 0 > right[1], f"at -+{edge}: {left}, {right}"

    decays = st.sampled_from([Fraction(1, 100), Fraction(1, 10), Fraction(1, 2)])
    data = st.lists(st.integers(-9, 9), min_size=3, max_size=4).filter(lambda values: abs(sum(values)) > 9)
    return check_property(inward, data, decays, st.sampled_from(["0.9", "0.99"]), examples=40)


@claim.evidence("property")
def the_box_is_entered() -> Finding:
    return points_inward(1, coupled=False)


@claim.control("a box of half that width")
def half_the_box() -> Finding:
    return points_inward(0.5, coupled=False)


@claim.control("an L2 penalty, which has no box")
def penalty_has_no_box() -> Finding:
    return points_inward(1, coupled=True)
