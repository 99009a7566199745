"""C5: a zero of the Adam field need not be a critical point of the loss, nor a critical point a zero.

Cited: the abstract of arXiv 2511.04622 has the limit of Adam as a zero of the field rather than a critical point. Added
here: explicit data for which the two are proved to differ.

Data {0, 0, 3}, loss (theta - x)^2/2, usual Adam: enclosures prove f(0.9995) > 0 > f(0.9996). As f is continuous (C1)
it has a zero in between, where L' = theta - 1 is negative; and at the only critical point theta = 1, f < 0.
"""

from collections.abc import Sequence
from fractions import Fraction

from adamsym import Adam, AdamField, Claim, Empirical, Problem
from adamsym.claims import Finding, holds, refuted, undecided
from adamsym.formal import FormalStatement, check_with_coq, prove_not_zero, prove_zero

claim = Claim(
    "C5",
    title="Zeros of the field and critical points of the loss differ",
    statement=(
        r"A zero of $f$ need not be a critical point of $L$, nor a critical point a zero: for $l=(\theta-x)^2/2$, "
        r"the data $0,0,3$ and the usual Adam, $f(\theta)=0\ne L'(\theta)$ for some $\theta$ in $(0.9995,0.9996)$,"
        r" and $L'(1)=0\ne f(1)$."
    ),
    source="arXiv 2511.04622",
)

SKEWED = [Fraction(0), Fraction(0), Fraction(3)]
SYMMETRIC = [Fraction(0), Fraction(0), Fraction(3), Fraction(3)]
USUAL = Adam(beta1="0.9", beta2="0.999", eps="1e-8")


def enclosure(data: Sequence[Fraction], adam: Adam, theta: float) -> tuple[float, float]:
    """Proven bounds of f(theta) for the loss (theta - x)^2/2."""
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": data})), adam)
    low, high = field.enclose([[theta, theta]])[0]
    return low, high


def zero_off_the_critical_point(data: Sequence[Fraction], adam: Adam, left: float, right: float) -> Finding:
    """Do enclosures prove a sign change of f on [left, right], where L' = theta - mean has no zero?"""
    mean = sum(data) / len(data)
    if Fraction(left) <= mean <= Fraction(right):
        return refuted(f"[{left}, {right}] holds the critical point {mean}")
    (low, _), (_, high) = enclosure(data, adam, left), enclosure(data, adam, right)
    text = f"f({left}) >= {low:.3e}, f({right}) <= {high:.3e}, critical point {mean}"
    return holds(text, cases=2) if low > 0 > high else refuted(f"no proven sign change: {text}", cases=2)


def critical_point_that_is_no_zero(data: Sequence[Fraction], adam: Adam) -> Finding:
    """Does an enclosure prove f != 0 at the mean, the only critical point?"""
    mean = sum(data) / len(data)
    if Fraction(float(mean)) != mean:
        return undecided(f"the mean {mean} is no float: enclose a box around it")
    low, high = enclosure(data, adam, float(mean))
    text = f"f({mean}) lies in [{low:.6e}, {high:.6e}]"
    return holds(text, cases=1) if low > 0 or high < 0 else refuted(f"{text}, which contains 0", cases=1)


@claim.evidence("certified")
def a_zero_that_is_no_critical_point() -> Finding:
    return zero_off_the_critical_point(SKEWED, USUAL, 0.9995, 0.9996)


@claim.evidence("certified")
def a_critical_point_that_is_no_zero() -> Finding:
    return critical_point_that_is_no_zero(SKEWED, USUAL)


@claim.evidence("formal")
def both_from_the_recursion_by_coq() -> Finding:
    """For every beta1 a zero lies in (0.998, 1), and 1 is critical and no zero: from Adam's recursion."""
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": SKEWED}))
    return accepted(prove_zero(problem, USUAL, "0.998", 1), prove_not_zero(problem, USUAL, [1]))


def accepted(*statements: FormalStatement) -> Finding:
    """Does Coq accept all statements?"""
    for statement in statements:
        if not statement.decided:
            return undecided(statement.statement)
        report = check_with_coq(statement.text)
        if not report.accepted:
            return refuted(f"{statement.statement}: {report.summary}")
    return holds("; ".join(statement.statement for statement in statements), cases=len(statements))


@claim.control("an interval next to the zero")
def interval_without_a_zero() -> Finding:
    return zero_off_the_critical_point(SKEWED, USUAL, 0.9994, 0.9995)


@claim.control("symmetric data: the zero is the mean")
def symmetric_zero() -> Finding:
    return zero_off_the_critical_point(SYMMETRIC, USUAL, 1.4995, 1.4999)


@claim.control("symmetric data: the field vanishes at the mean")
def symmetric_critical_point() -> Finding:
    return critical_point_that_is_no_zero(SYMMETRIC, USUAL)


@claim.control("large eps: the zero returns to the mean")
def gradient_descent_limit() -> Finding:
    return zero_off_the_critical_point(SKEWED, Adam(beta1="0.9", beta2="0.999", eps="1e6"), 0.9995, 0.9996)
