"""The field of a method as a function over boxes, from the laws of its gradients."""

import json
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache

import flint
import numpy as np

from adamsym.certify.box_function import BoxFunction, Over, Undefined
from adamsym.certify.boxes import Point, middle
from adamsym.certify.exact_points import vanishes
from adamsym.certify.sign_lemma import drift_agrees, proven_sign
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError
from adamsym.expressions.pickling import shallow_copy
from adamsym.expressions.work import spend
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic, outward, step_bound
from adamsym.field.ball.continuous_gradients import continuous_gradients
from adamsym.field.ball.enclosure import BoxEnclosure, field_of, hulls, laws_of_rows, may_jump, with_decay
from adamsym.field.ball.law import EnclosedLaw
from adamsym.field.ball.quadrature import WIDE_LAGS
from adamsym.field.interval.field import IntervalField, IntervalRows
from adamsym.field.interval.tape import NotCovered
from adamsym.field.small import is_small
from adamsym.gradients import Independent
from adamsym.gradients.record import problem_of_record, problem_record, problem_text
from adamsym.gradients.sampling import require_replacement
from adamsym.gradients.symbolic import SymbolicGradient, require_expressions
from adamsym.methods import LaplaceForm, Method, require_laplace
from adamsym.methods.kernels import supposition

NOT_REAL = "the loss is not proved real and finite there"
"""Why a box that reaches over the edge of the loss's domain stays undecided."""

UNBOUNDED = "the gradient is not bounded over the box"

JUMPS = "the gradient of a row may jump there, as where what is within Abs, Max or Min changes its sign"
"""Why a box stays undecided across which f is not continuous."""


_FIRST_OPERATIONS = 1_000_000
"""Operations on balls, about a third of a second, that a search does before it asks float64 intervals: the loops of
these take a quarter of a minute to compile, once, and many searches have ended by then."""


def operations_before_intervals(function: BoxFunction) -> int:
    """Return how many operations on balls a search does before it asks float64 intervals, if these cover a function."""
    small = isinstance(function, FieldFunction) and is_small(function.problem, function.method, boxes=1)
    return _FIRST_OPERATIONS if small else 0


class FieldFunction(BoxFunction):
    """The field of a problem, or of a vector field; of continuous data where the gradients' laws are known.

    Where a loss has a kink, its gradients jump, and f is no function: :class:`FieldOver` then holds f for every choice
    of a gradient between those on both sides, but what rests on continuity is refused. Where the gradients are
    continuous, and only have no derivatives, as those of Max(0, z)**2, f is Lipschitz continuous, and Jacobians hold
    Clarke's generalized Jacobian.

    Raises
    ------
    InputError
        For gradients without expressions, a method without an enclosure, or a continuous law of the data with
        gradients that are not affine in it.
    """

    def __init__(self, field: AdamField) -> None:
        self.problem = require_expressions(field.problem, "a proof over boxes")
        self.method = field.adam
        self.form = require_laplace(self.method, "a proof over boxes")
        require_replacement(self.problem.sampling, "a proof by the law of one minibatch")
        # Said before the search and not after it: what cannot be written into a certificate.
        problem_record(self.problem, self.method)
        if isinstance(self.problem.law, Independent):
            continuous_gradients(self.problem)
        self.dimension = self.problem.dimension
        with ball_arithmetic():
            self.scale = 1 + float(step_bound(self.form).upper())

    def __reduce__(self) -> tuple[Callable[..., "FieldFunction"], tuple[object, ...]]:
        """A problem's compiled expressions cannot be pickled: its record travels, and the method."""
        return _received, (json.dumps(problem_record(self.problem, self.method)), self.method)

    def with_form(self, form: LaplaceForm) -> "FieldFunction":
        """Return the field of another Laplace form, whose numbers may be ranges: enclosures hold for all in them."""
        # Compiled once for all forms.
        assert self.rows is None or self.rows.dimension == self.dimension
        found = shallow_copy(self)
        found.form = form
        found.__dict__.pop("intervals", None)
        return found

    def with_problem(self, problem: SymbolicGradient) -> "FieldFunction":
        """Return the field of the same expressions over other rows, whose numbers may be ranges."""
        found = shallow_copy(self)
        found.problem = problem
        for name in ("rows", "intervals"):
            found.__dict__.pop(name, None)
        return found

    @cached_property
    def rows(self) -> IntervalRows | None:
        """The gradients in float64 intervals; None if these do not cover them."""
        try:
            return IntervalRows(self.problem)
        except NotCovered:
            return None

    @cached_property
    def intervals(self) -> IntervalField | None:
        """The same in float64 intervals, for searches and ranges; None if these do not cover it."""
        try:
            return None if self.rows is None else self.rows.with_form(self.form)
        except NotCovered:
            return None

    @cached_property
    def is_affine(self) -> bool:
        """Whether the gradient of every row is affine in the parameters."""
        symbols = set(self.problem.parameters)
        return not any(entry.free_symbols & symbols for entry in self.problem.jacobian_expressions)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return self.problem.names

    @property
    def supposes(self) -> str | None:
        """What proofs suppose of the method's kernel; nothing of a built-in one."""
        return supposition(self.form.kernel.name)

    @property
    def identity(self) -> str:
        """The problem and the method's Laplace form, exactly."""
        return f"{problem_text(self.problem)}\n{self.form}"

    def at(self, theta: Sequence[flint.arb]) -> "FieldOver":
        """Return the field over a box, with the gradients evaluated there."""
        return FieldOver(self, theta)

    def enclose(self, theta: Sequence[flint.arb], slopes: bool, tolerance: float) -> BoxEnclosure:
        """Return the field, and its Jacobian if ``slopes``, over a box in which it is proven to be continuous.

        Over a range of the form's numbers in float64 intervals where these cover it: they take a fortieth of the time.
        """
        return self.enclose_each([theta], slopes, tolerance)[0]

    def enclose_each(self, boxes: Sequence[Sequence[flint.arb]], slopes: bool, tolerance: float) -> list[BoxEnclosure]:
        """Return the same over each of several boxes."""
        found = self._by_intervals(boxes, slopes, tolerance) if self.form.is_over_range else [None] * len(boxes)
        return [
            self._by_balls(theta, slopes, tolerance) if one is None else one
            for theta, one in zip(boxes, found, strict=True)
        ]

    def _by_balls(self, theta: Sequence[flint.arb], slopes: bool, tolerance: float) -> BoxEnclosure:
        at = self.at(theta)
        if not at.is_continuous:
            raise Undefined(JUMPS)
        return at.enclosure(slopes=slopes, tolerance=tolerance)

    def _by_intervals(
        self, boxes: Sequence[Sequence[flint.arb]], slopes: bool, tolerance: float
    ) -> list[BoxEnclosure | None]:
        """Those in float64 intervals; None where these know nothing."""
        field = self.intervals
        if field is None:
            return [None] * len(boxes)
        sides = np.array([[_ends(x) for x in theta] for theta in boxes])
        rows = field.rows_over(sides, middle(sides))
        are_points = bool((sides[..., 0] == sides[..., 1]).all())
        found, lags = field.at_middles(rows, tolerance) if are_points and not slopes else field.over(rows, tolerance)
        result = list[BoxEnclosure | None]()
        for entries, known, walked in zip(found, rows.known, lags, strict=True):
            if known:
                spend(field.operations + field.quadrature_operations(int(walked)))
            if not known or not np.isfinite(entries).all():
                result.append(None)
                continue
            balls = [hulls(row) for row in entries]
            result.append(BoxEnclosure([row[0] for row in balls], [row[1:] for row in balls] if slopes else []))
        return result

    def undefined(self, theta: Sequence[flint.arb]) -> str | None:
        """Return why the loss is real nowhere in a box; None if that is not proven."""
        if isinstance(self.problem.law, Independent):
            return None
        reason = self.problem.refute_domain(theta)
        return None if reason is None else f"the loss is real and finite nowhere in it: {reason}"

    def vanishes(self, point: Point) -> bool:
        """Whether all rows' gradients, and the decay, are proven to be 0 at a point."""
        return (self.form.decay == 0 or not any(point)) and vanishes(self.problem, point)

    def mean_gradient(self, sides: FloatArray) -> list[tuple[float, float]]:
        """Return proven bounds of the mean gradient over a box (d, 2); call within ``ball_arithmetic()``."""
        return [outward(law.mean) for law in self.at(hulls(sides)).laws]


class FieldOver(Over):
    """The field over a box of balls: every row's gradient is evaluated once, and every Hessian when it is wanted."""

    function: FieldFunction

    def __init__(self, function: FieldFunction, theta: Sequence[flint.arb]) -> None:
        super().__init__(function, theta)
        self.problem = function.problem
        self.has_continuous_data = isinstance(self.problem.law, Independent)
        if self.has_continuous_data:
            self.laws: Sequence[EnclosedLaw] = self._continuous(slopes=False)
            return
        try:
            self._gradients = self.problem.row_gradients_ball(theta)
        except DomainError:
            raise Undefined(NOT_REAL) from None
        if not all(entry.is_finite() for gradient in self._gradients for entry in gradient):
            raise Undefined(UNBOUNDED)
        self.laws = laws_of_rows(self.problem, self._gradients)

    @cached_property
    def is_continuous(self) -> bool:
        """Whether every row's gradient is proven to be continuous."""
        return self.has_continuous_data or not may_jump(self.problem, self.theta)

    def _continuous(self, slopes: bool) -> Sequence[EnclosedLaw]:
        try:
            return continuous_gradients(self.problem).laws(self.theta, slopes)
        except DomainError:
            raise Undefined(NOT_REAL) from None
        except InputError:
            raise Undefined(UNBOUNDED) from None

    @cached_property
    def hessians(self) -> list[list[list[flint.arb]]]:
        """Every row's Hessian, where the gradients are continuous; none of continuous data."""
        return [] if self.has_continuous_data else self.problem.row_jacobians_ball(self.theta)

    @cached_property
    def sloped_laws(self) -> Sequence[EnclosedLaw]:
        """The laws of the gradient's coordinates with their derivatives in the parameters."""
        if self.has_continuous_data:
            return self._continuous(slopes=True)
        return laws_of_rows(self.problem, self._gradients, self.hessians)

    def enclosure(self, *, slopes: bool, tolerance: float) -> BoxEnclosure:
        """Return the field, and its Jacobian if ``slopes``, which asks for ``is_continuous``."""
        form = self.function.form
        laws = self.sloped_laws if slopes else self.laws
        return with_decay(field_of(laws, form, tolerance, WIDE_LAGS), form, self.theta)

    def nonzero(self) -> int | None:
        """Return a coordinate whose sign the sign lemmas (N-Lemma 1, N-Lemma 4) prove."""
        form, laws = self.function.form, zip(self.laws, self.theta, strict=True)
        signs = (proven_sign(law, form) if drift_agrees(law, form, x) else 0 for law, x in laws)
        return next((i for i, sign in enumerate(signs) if sign), None)


def _ends(x: flint.arb) -> tuple[float, float]:
    """Floats around a ball: those that are given come back as they are."""
    point = float(x)
    return (point, point) if x == point else outward(x)


@lru_cache(maxsize=4)
def _received(record: str, method: Method) -> FieldFunction:
    """The function in another process: read once, however often it arrives."""
    return FieldFunction(AdamField(problem_of_record(json.loads(record)), method))
