"""Re-checks of how fast the zero of a tube moves: Df dtheta/dp = -df/dp, enclosed where the zero may be.

A tube's own proof says that there is exactly one zero z in its box X for each value, with Df regular. With any matrix Y
and point c of X, z = c - Y f(c) + (1 - Y A)(z - c) for some A in the enclosure of Df over X: so z is in a smaller box.
"""

from fractions import Fraction

from adamsym.certificates.branch_form import TubeEntry
from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.field import field_over
from adamsym.checker.pushes import Over, Parameter, pushed
from adamsym.checker.zeros import middle, sides
from adamsym.expressions.numbers import exact_rational
from adamsym.expressions.work import is_cut_short, spend

DEPTH = 8
"""The values of a tube may be halved so many times."""

_REFINEMENTS = 6


def form_fault(tube: TubeEntry) -> str | None:
    """Return what is wrong with what is said of the speed before any analysis, or None."""
    if tube.speed is None:
        return None
    if len(tube.speed) != len(tube.box) or any(low > high for low, high in tube.speed):
        return "bounds of a speed do not fit the problem"
    return None


def fault(over: Over, tube: TubeEntry, parameter: Parameter) -> str | None:
    """Return what is wrong with what is said of a tube's speed, or None."""
    low, high = (exact_rational(text, "certificate.tubes") for text in (tube.low, tube.high))
    return None if _holds(over, tube, parameter, low, high, DEPTH) else "the speed of its zero is not proven"


def _holds(over: Over, tube: TubeEntry, parameter: Parameter, low: Fraction, high: Fraction, depth: int) -> bool:
    try:
        found = _speed(over, tube, parameter, low, high)
    except NotCheckable:
        if depth == 0 or low == high:
            raise
        found = None
    assert tube.speed is not None
    if found is not None and all(x > a and x < b for x, (a, b) in zip(found, tube.speed, strict=True)):
        return True
    if depth == 0 or low == high or is_cut_short():
        return False
    between = (low + high) / 2
    return all(_holds(over, tube, parameter, a, b, depth - 1) for a, b in ((low, between), (between, high)))


def _speed(over: Over, tube: TubeEntry, parameter: Parameter, low: Fraction, high: Fraction) -> list[Interval] | None:
    """Intervals around dtheta/dp for all of some values; None if Df may be singular."""
    problem, form = over(low, high)
    using, theta = form.using, sides(form.using, tube.box)
    center = [using.number(x) for x in middle(tube.box)]
    for _ in range(2):
        value = field_over(problem, form, center, slopes=False).value
        slopes = field_over(problem, form, theta, slopes=True).jacobian
        theta = _image(using, tube.preconditioner, value, slopes, theta, center)
        center = [using.middle(x) for x in theta]
    slopes = field_over(problem, form, theta, slopes=True).jacobian
    right = [-x for x in pushed(problem, form, theta, parameter)]
    return _solved(using, tube.preconditioner, slopes, right)


def _image(
    using: Arithmetic,
    inverse: list[list[float]],
    value: list[Interval],
    slopes: list[list[Interval]],
    theta: list[Interval],
    center: list[Interval],
) -> list[Interval]:
    """What of the box the zeros are in."""
    d, found = len(theta), []
    spend(2 * d**3)
    for i, row in enumerate(inverse):
        place = center[i] - using.dot(row, value)
        for j in range(d):
            entry = int(i == j) - using.dot(row, (line[j] for line in slopes))
            place += entry * (theta[j] - center[j])
        found.append(using.overlap(theta[i], place))
    return found


def _solved(
    using: Arithmetic, inverse: list[list[float]], slopes: list[list[Interval]], right: list[Interval]
) -> list[Interval] | None:
    """The solution x of A x = ``right`` for all A within ``slopes``: x = Y right + (1 - Y A) x."""
    d = len(right)
    spend(4 * d**3)
    if d == 1:
        ((slope,),) = slopes
        return [right[0] / slope] if using.least_magnitude(slope) > 0 else None
    product = using.matrix_product([list(map(using.number, row)) for row in inverse], slopes)
    defect = [[int(i == j) - x for j, x in enumerate(row)] for i, row in enumerate(product)]
    norm = using.largest(using.total(map(using.magnitude, row)) for row in defect)
    if not norm < 1:
        return None
    first = [using.dot(row, right) for row in inverse]
    reach = using.upper(using.largest(map(using.magnitude, first)) / (1 - norm))
    found = [using.around_zero(reach)] * d
    for _ in range(_REFINEMENTS):
        found = [using.overlap(x, y + using.dot(row, found)) for x, y, row in zip(found, first, defect, strict=True)]
    return found
