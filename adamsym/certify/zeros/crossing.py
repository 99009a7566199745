"""A proven change of sign of a field of one parameter: where there are bounds at points and none of the derivative."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flint
import numpy as np
import scipy.optimize

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic, hull
from adamsym.field.ball.continuous_gradients import continuous_gradients
from adamsym.field.ball.enclosure import may_jump, rows_over
from adamsym.field.signs.enclosure import finite_lags
from adamsym.field.signs.sign_field import SignField
from adamsym.gradients import Empirical, Independent
from adamsym.gradients.symbolic import SymbolicGradient, require_expressions

_WIDEN, _MOST_TRIES = 4.0, 20
"""The interval around a zero in floats grows by this factor until signs are proven at its ends, so often at most."""

_MOST_PIECES = 256
"""Parts of an interval in which some two rows are proven to have different gradients."""


@dataclass(frozen=True, repr=False)
class Crossing(Result):
    """Where the field of one parameter changes its sign, proven.

    Attributes
    ----------
    name
        The parameter's.
    low, high
        The ends of an interval; within the one that was asked for.
    ends
        Proven bounds of f at both, (2, 2).
    is_continuous
        Whether f is proven to be continuous in between: then it has a zero there. Else it may jump across 0.
    """

    name: str
    low: float
    high: float
    ends: FloatArray
    is_continuous: bool

    @property
    def direction(self) -> int:
        """-1 if f changes from positive to negative, so that flows come there; 1 if back; 0 if neither is proven."""
        (left, right) = (int(one[0] > 0) - int(one[1] < 0) for one in self.ends)
        return (right - left) // 2 if left == -right else 0

    @property
    def verdict(self) -> str:
        """Certified if f changes its sign, else undecided."""
        return "certified" if self.direction else "undecided"

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        place = f"for {self.name} from {self.low!r} to {self.high!r}"
        if not self.direction:
            return f"no change of sign is proven {place}"
        way = "positive to negative" if self.direction < 0 else "negative to positive"
        what = "and has a zero there" if self.is_continuous else "by a zero or a jump"
        return f"the field changes from {way} {place}, {what}"

    def to_dict(self) -> dict[str, Any]:
        """Return the ends, the bounds there, the direction, and whether a zero is proven."""
        return {
            "verdict": self.verdict,
            "low": self.low,
            "high": self.high,
            "bounds": self.ends.tolist(),
            "direction": self.direction,
            "zero": bool(self.direction) and self.is_continuous,
        }


@checked_arguments
def certify_crossing(field: AdamField, low: float, high: float) -> Crossing:
    """Return where a field of one parameter is proven to change its sign between two points.

    For what :func:`certify_zero` cannot take: fields of signs, which need not be differentiable, and of reshuffled
    rows. f is enclosed at both ends, and then at the ends of an interval around the zero in floats that grows until the
    signs are proven. That f is continuous in between, and so has a zero, is proven where the rows' gradients are
    bounded and continuous; for sign methods where infinitely many past gradients count, too, and some two rows'
    gradients differ everywhere (theory N-Proposition 15(d)). Nothing is said of other zeros.

    Raises
    ------
    InputError
        Unless the problem has one parameter, and ``low`` < ``high`` are finite.
    NotApplicable
        If the field has no enclosure.

    Examples
    --------
    >>> from adamsym import AdamField, Empirical, Problem
    >>> from adamsym.methods import Signum
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> found = certify_crossing(AdamField(problem, Signum("0.9")), 0.5, 1.5)
    >>> found.verdict, bool(0.9876 < found.low < found.high < 0.9878), found.is_continuous
    ('certified', True, True)
    """
    if field.problem.dimension != 1:
        raise InputError(f"certify_crossing: {field.problem.dimension} parameters; allowed is one")
    if not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"certify_crossing: low = {low}, high = {high}; allowed are finite numbers, the lower first")
    problem = require_expressions(field.problem, "a change of sign")
    outer = _at(field, problem.names[0], low, high)
    found = _narrow(field, outer) if outer.direction else outer
    with ball_arithmetic():
        continuous = bool(found.direction) and _is_continuous(field, problem, found.low, found.high)
    return Crossing(found.name, found.low, found.high, found.ends, continuous)


def _at(field: AdamField, name: str, low: float, high: float) -> Crossing:
    return Crossing(name, float(low), float(high), field.enclose([[[low, low]], [[high, high]]])[:, 0], False)


def _narrow(field: AdamField, outer: Crossing) -> Crossing:
    """A change of sign in a smaller interval, or the same: as where floats lead to points at which no loss is real."""
    try:
        return _smaller(field, outer)
    except DomainError:
        return outer


def _smaller(field: AdamField, outer: Crossing) -> Crossing:
    def value(x: float) -> float:
        return float(field([x])[0])

    if value(outer.low) * value(outer.high) > 0:
        # Next to the zero floats may have another sign than is proven.
        return outer
    middle = scipy.optimize.brentq(value, outer.low, outer.high, xtol=1e-15)
    half = 2.0**-50 * max(abs(middle), 2.0**-1000)
    # How far its bounds reach, over how fast f falls.
    [[least, most]] = field.enclose([[middle, middle]])
    far = (outer.high - outer.low) / 64
    left, right = max(outer.low, middle - far), min(outer.high, middle + far)
    slope = abs(value(right) - value(left)) / (right - left)
    half = max(half, (most - least) / slope if slope > 0 else 0.0)
    for _ in range(_MOST_TRIES):
        low, high = float(max(outer.low, middle - half)), float(min(outer.high, middle + half))
        if (low, high) == (outer.low, outer.high):
            break
        found = _at(field, outer.name, low, high)
        if found.direction == outer.direction:
            return found
        half *= _WIDEN
    return outer


def _is_continuous(field: AdamField, problem: SymbolicGradient, low: float, high: float) -> bool:
    """Whether f is proven to be continuous; call within ``ball_arithmetic()``.

    At a pole of the gradients, or where the loss is not real, f changes its sign without a zero.
    """
    theta = [hull(low, high)]
    try:
        if isinstance(problem.law, Independent):
            continuous_gradients(problem).laws(theta, slopes=False)
        else:
            rows_over(problem, theta, slopes=False)
        if may_jump(problem, theta):
            return False
        if not isinstance(field, SignField):
            return True
        return finite_lags(field.sign) is None and _rows_differ(problem, low, high)
    except InputError:
        return False


def _rows_differ(problem: SymbolicGradient, low: float, high: float) -> bool:
    """Whether at every point some two rows have different gradients."""
    assert isinstance(problem.law, Empirical)
    likely = [p > 0 for p in problem.law.exact_probabilities]
    pieces, count = [(low, high)], 0
    while pieces:
        left, right = pieces.pop()
        rows, _ = rows_over(problem, [hull(left, right)], slopes=False)
        if not _disjoint([row[0] for row, counts in zip(rows, likely, strict=True) if counts]):
            middle, count = left + (right - left) / 2, count + 1
            if count > _MOST_PIECES or not left < middle < right:
                return False
            pieces += [(left, middle), (middle, right)]
    return True


def _disjoint(values: Sequence[flint.arb]) -> bool:
    """Whether some two of the balls have no number in common: then the lowest upper end is below some lower one."""
    lowest = min(values, key=lambda x: float(x.upper())).upper()
    return any(x.lower() > lowest for x in values)
