"""The one zero of a field near a point: proven to be there, alone in a region; and L's critical point beside it.

Or the set of minima there, where all rows are fitted by a manifold of parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.box_function import BoxFunction, Undefined
from adamsym.certify.boxes import middle
from adamsym.certify.epoch_function import EpochFunction, function_of
from adamsym.certify.field_function import JUMPS, NOT_REAL, UNBOUNDED, FieldFunction
from adamsym.certify.interpolation.fitted import fitted_rows
from adamsym.certify.interpolation.minima_set import MinimaSet, minima_near
from adamsym.certify.outcomes import Matrix, Stability
from adamsym.certify.results import one_zero_columns, one_zero_dict, one_zero_summary, one_zero_table
from adamsym.certify.zeros.all_zeros import Zero, described
from adamsym.certify.zeros.isolation import Isolated, NotIsolated, Values, isolated, newton
from adamsym.certify.zeros.stability import stability_of
from adamsym.expressions.arguments import checked_arguments, real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, own_names
from adamsym.expressions.work import OutOfWork, budget
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, outward
from adamsym.field.ball.enclosure import BoxEnclosure, gradient_laws, hulls
from adamsym.field.small import is_small
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.jumps import JumpError

MOST_ENCLOSURES = 24
"""Enclosures of Df that are computed by default, at most."""

MOST_OPERATIONS = 5_000_000_000
"""Operations on balls for each of the two points: beyond, it is undecided."""

_NEWTON_STEPS = 20
"""Steps of Newton's method, more than it needs, by which is decided whether loops are worth compiling."""

_ROUNDING = 2.0**-40

_NO_MINIMUM = 1e-6
"""Share of the loss at the given point above which a critical point is none where all rows are fitted."""

Kind = Literal["minimum", "maximum", "saddle", "undecided"]
_KINDS: dict[Stability, Kind] = {"attracting": "minimum", "repelling": "maximum", "saddle": "saddle"}


@dataclass(frozen=True)
class CriticalPoint:
    """The critical point of the loss that Newton's method reaches from a zero of f, certified.

    Attributes
    ----------
    box, preconditioner, unique_in
        Exactly one critical point is in ``box``, shape (d, 2), and no other one in ``unique_in``.
    kind
        What the Hessian's signature says of it; ``kind_matrix`` proves it.
    distance
        Bounds of its Euclidean distance from the zero.
    nearest
        Whether no critical point of L is proven to be nearer to the zero.
    """

    box: FloatArray
    preconditioner: FloatArray
    unique_in: FloatArray
    kind: Kind
    kind_matrix: FloatArray
    distance: tuple[float, float]
    nearest: bool

    @property
    def midpoint(self) -> FloatArray:
        """The middle of ``box``, shape (d,)."""
        return middle(self.box)


@dataclass(frozen=True, repr=False)
class OneZero(Result):
    """What is certified about the zero of f near a point.

    Attributes
    ----------
    function
        f.
    start
        The point, shape (d,).
    zero
        The zero, alone in ``zero.unique_in``; None if none is proven, for a ``reason``.
    critical
        The critical point of the loss beside it; None if none is proven or there is no loss, for ``no_critical``.
    minima
        In place of one zero: the set of minima of the loss near the point, of a dimension of 1 or more, all of them
        zeros; None if none is proven.
    """

    function: BoxFunction
    start: FloatArray
    zero: Zero | None
    reason: str
    critical: CriticalPoint | None
    no_critical: str
    minima: MinimaSet | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return self.function.names

    @property
    def certified(self) -> bool:
        """Whether one zero or a set of minima is proven."""
        return self.zero is not None or self.minima is not None

    @property
    def supposes(self) -> str | None:
        """What the proofs suppose, of a kernel that is not built in; None if nothing."""
        return self.function.supposes if isinstance(self.function, FieldFunction) else None

    @property
    def verdict(self) -> str:
        """Certified if one zero or a set of minima is proven, else undecided."""
        return "certified" if self.certified else "undecided"

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        return one_zero_summary(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym zeros --at --json`` prints it."""
        return one_zero_dict(self)

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each parameter: the zero, where it is alone, and the critical point beside it."""
        return one_zero_columns(self, own_names(names, self.names))

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return columns and rows for a notebook: a row for each parameter."""
        return one_zero_table(self)


class MeanGradient(BoxFunction):
    """The gradient of a loss, the mean over the data, as a function over boxes."""

    def __init__(self, problem: Problem) -> None:
        self.problem, self.dimension = problem, problem.dimension

    def enclose(self, theta: Sequence[flint.arb], slopes: bool, tolerance: float) -> BoxEnclosure:
        """Return the mean gradient, and the Hessian if ``slopes``, over a box; the tolerance plays no part."""
        law = self.problem.law
        try:
            if not isinstance(law, Empirical):
                laws = gradient_laws(self.problem, theta, slopes)
                return BoxEnclosure([one.mean for one in laws], [one.mean_slopes for one in laws if slopes])
            gradients = self.problem.row_gradients_ball(theta)
            self.problem.require_continuous(theta)
            hessians = self.problem.row_jacobians_ball(theta) if slopes else []
        except DomainError:
            raise Undefined(NOT_REAL) from None
        except JumpError:
            raise Undefined(JUMPS) from None
        weights = flint.arb_mat([[ball(p) for p in law.exact_probabilities]])
        value = (weights * flint.arb_mat(gradients)).tolist()[0]
        if not all(entry.is_finite() for entry in value):
            raise Undefined(UNBOUNDED)
        d = self.dimension
        rows = [(weights * flint.arb_mat([hessian[i] for hessian in hessians])).tolist()[0] for i in range(d) if slopes]
        return BoxEnclosure(value, rows)


@checked_arguments
def certify_zero(field: AdamField | BoxFunction, theta: ArrayLike, *, most: int = MOST_ENCLOSURES) -> OneZero:
    """Return the zero of f that Newton's method reaches from theta, certified: that it exists, alone in a region.

    No box is searched: d may be 100, and nothing is said of zeros elsewhere. The region is the largest that is proven
    on a grid of radii, each sqrt(10) times the one before, in the shape that the inverse Jacobian gives to a cube.
    Beside the zero, the critical point of the loss that Newton's method reaches from it is certified, and its distance
    enclosed.

    Where more parameters than rows fit all rows, zeros are not alone: of a loss that is written as a square, without
    weight decay, a set of minima is certified in place of one zero, unless a critical point of another kind is nearer.
    At other multiple zeros and curves of zeros, and where f is nearly 0 but has no zero,
    nothing is certified: ``zero`` and ``minima`` are None.

    Parameters
    ----------
    field
        The field, of expressions; or any function that can be enclosed over boxes.
    theta
        Where to begin, shape (d,): near the zero, as where :func:`adamsym.find_zero` or training has ended.
    most
        Most enclosures of Df to compute from where Newton's method ends, from 1 up; as many again from where it ends
        with steps of the mean gradient, if the first lead to nothing.

    Raises
    ------
    InputError
        For a bad point, gradients without expressions, or continuous data without a closed form.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> found = certify_zero(AdamField(problem, Adam("0.9", "0.999", "1e-8")), [1.0])
    >>> print(found.summary.split("; ")[0])
    certified: one zero, alone within 0.316 of it in the widest coordinate
    """
    if most < 1:
        raise InputError(f"certify_zero: most = {most} is not allowed; allowed are integers from 1 up")
    function = function_of(field)
    start = real_array(theta, "theta")
    if start.shape != (function.dimension,) or not np.isfinite(start).all():
        raise InputError(f"theta: shape {start.shape} is not allowed; give {function.dimension} finite numbers")
    values = _values(field)
    values(start[None])
    minima = _minima(function, start)
    if not isinstance(minima, MinimaSet):
        return _one_zero(function, values, start, most)
    if _another_is_nearer(function, start, minima):
        found = _one_zero(function, values, start, most)
        if found.zero is not None:
            return found
    return OneZero(function, start, None, "", None, "", minima)


def _another_is_nearer(function: BoxFunction, start: FloatArray, minima: MinimaSet) -> bool:
    """Whether a critical point that is no minimum is nearer, in floats: then a zero is first looked for beside that."""
    assert isinstance(function, FieldFunction)
    problem = function.problem
    assert isinstance(problem, Problem)
    critical, _ = newton(problem.gradient, start)
    nearer = np.abs(critical - start).max() < np.abs(minima.center - start).max()
    return bool(nearer and problem.mean_loss(critical) > _NO_MINIMUM * problem.mean_loss(start))


def _minima(function: BoxFunction, start: FloatArray) -> MinimaSet | str:
    """The set of minima near a point, or why there is none."""
    if not isinstance(function, FieldFunction):
        return "there is no loss"
    with ball_arithmetic(), budget(MOST_OPERATIONS):
        try:
            fitted = fitted_rows(function.problem, function.form)
            return fitted if isinstance(fitted, str) else minima_near(fitted, start)
        except OutOfWork as error:
            return str(error)


def _one_zero(function: BoxFunction, values: Values, start: FloatArray, most: int) -> OneZero:
    with ball_arithmetic():
        try:
            with budget(MOST_OPERATIONS):
                found = _isolated(function, values, start, most)
                zero = described(function, _zero_of(function, found))
        except (NotIsolated, InputError, OutOfWork) as error:
            return OneZero(function, start, None, str(error), None, "no zero is certified, beside which one could lie")
        critical, why = _critical_point(function, zero, most)
    return OneZero(function, start, zero, "", critical, why)


def _isolated(function: BoxFunction, values: Values, start: FloatArray, most: int) -> Isolated:
    """The zero that Newton's method reaches from a point, or else from where it takes the mean gradient from there.

    Next to a point that all rows fit, f changes within eps of it from one side's limit to the other's: steps by f alone
    end beside it.
    """
    try:
        return isolated(function, values, start, most)
    except NotIsolated:
        if not isinstance(function, FieldFunction | EpochFunction):
            raise
        other, _ = newton(function.problem.gradient, start)
        if np.linalg.norm(values(other[None])[0]) >= np.linalg.norm(values(start[None])[0]):
            raise
        return isolated(function, values, other, most)


def _values(field: AdamField | BoxFunction) -> Values:
    """The function in floats."""
    if not isinstance(field, AdamField):
        return _middles(field)
    values = _NEWTON_STEPS * (1 + field.problem.dimension)
    plain = type(field) is AdamField and field.backend == "numba"
    if not plain or not is_small(field.problem, field.adam, values=values):
        return field
    return AdamField(field.problem, field.adam, field.tolerance, field.threads, backend="numpy")


def _middles(function: BoxFunction) -> Values:
    """The middles of enclosures at points, in place of a function in floats."""

    def values(points: FloatArray) -> FloatArray:
        try:
            with ball_arithmetic():
                found = [function.enclose([flint.arb(float(x)) for x in one], False, 1e-13).value for one in points]
        except Undefined as error:
            raise InputError(f"theta: {error}") from None
        return np.array([[float(entry.mid()) for entry in value] for value in found])

    return values


def _signature(function: BoxFunction, found: Isolated, sign: int) -> tuple[Stability, Matrix]:
    """The stability of a zero of f, or of -f, by Df over the region, or else over the zero's own box."""
    stability, matrix = stability_of([[sign * entry for entry in row] for row in found.jacobians[0]])
    for jacobian in found.jacobians[1:]:
        if stability == "undecided":
            stability, matrix = stability_of([[sign * entry for entry in row] for row in jacobian])
    if stability == "undecided":
        jacobian = function.enclose(hulls(found.box), True, 1e-9).jacobian
        stability, matrix = stability_of([[sign * entry for entry in row] for row in jacobian])
    return stability, matrix


def _zero_of(function: BoxFunction, found: Isolated) -> Zero:
    stability, matrix = _signature(function, found, 1)
    regions = ((found.region, found.preconditioner),)
    return Zero(found.box, found.preconditioner, stability, np.array(matrix), regions, gradient=None, point=None)


def _critical_point(function: BoxFunction, zero: Zero, most: int) -> tuple[CriticalPoint | None, str]:
    """The critical point of the loss beside a zero, or None and why."""
    if not isinstance(function, FieldFunction | EpochFunction) or not isinstance(function.problem, Problem):
        return None, "there is no loss"
    gradient = MeanGradient(function.problem)
    try:
        with budget(MOST_OPERATIONS):
            found = isolated(gradient, function.problem.gradient, zero.midpoint, most)
            stability, matrix = _signature(gradient, found, -1)
    except (NotIsolated, Undefined, OutOfWork, InputError) as error:
        return None, f"no critical point of the loss is certified beside it: {error}"
    differences = [x - y for x, y in zip(hulls(zero.box), hulls(found.box), strict=True)]
    shortest, longest = (
        outward(sum((size**2 for size in sizes), flint.arb(0)).sqrt())
        for sizes in ([x.abs_lower() for x in differences], [x.abs_upper() for x in differences])
    )
    # Rounded so that another arithmetic finds them true as well.
    low, high = shortest[0] * (1 - _ROUNDING), longest[1] * (1 + _ROUNDING)
    reach = np.nextafter(np.stack([zero.box[:, 0] - high, zero.box[:, 1] + high], axis=1), [-np.inf, np.inf])
    nearest = bool((found.region[:, 0] <= reach[:, 0]).all() and (reach[:, 1] <= found.region[:, 1]).all())
    critical = CriticalPoint(
        found.box,
        found.preconditioner,
        found.region,
        _KINDS.get(stability, "undecided"),
        np.array(matrix),
        (max(0.0, low), high),
        nearest,
    )
    return critical, ""
