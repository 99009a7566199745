"""The field of rows in their own order as a function over boxes: a finite sum, so that its zeros are certified."""

import json
from collections.abc import Callable, Sequence
from functools import lru_cache

import flint

from adamsym.certify.box_function import BoxFunction, Undefined
from adamsym.certify.boxes import Point
from adamsym.certify.exact_points import vanishes
from adamsym.certify.field_function import JUMPS, NOT_REAL, UNBOUNDED, FieldFunction
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic, outward, step_bound
from adamsym.field.ball.enclosure import BoxEnclosure, field_over, hulls, may_jump
from adamsym.field.epochs.epoch_field import EpochField
from adamsym.field.epochs.periodic_ball import require_periodic
from adamsym.gradients.record import problem_of_record, problem_record, problem_text
from adamsym.gradients.symbolic import require_expressions
from adamsym.methods import Method, require_laplace
from adamsym.methods.kernels import supposition


class EpochFunction(BoxFunction):
    """The field of minibatches that repeat, as a function over boxes.

    Raises
    ------
    NotApplicable
        For gradients without expressions, a kernel that is not built in, and for reshuffled rows.
    """

    def __init__(self, field: EpochField) -> None:
        what = "a proof over boxes"
        self.problem, self.method = require_expressions(field.problem, what), field.adam
        self.form, self.dimension = require_laplace(self.method, what), field.problem.dimension
        require_periodic(field.epoch, what)
        if supposition(self.form.kernel.name) is not None:
            raise NotApplicable(f"data.sampling: with 'cyclic' and 'full' {what} needs a kernel that is built in")
        with ball_arithmetic():
            self.scale = 1 + float(step_bound(self.form).upper())

    def __reduce__(self) -> tuple[Callable[..., "EpochFunction"], tuple[object, ...]]:
        """A problem's compiled expressions cannot be pickled: its record travels, and the method."""
        return _received, (json.dumps(problem_record(self.problem, self.method)), self.method)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return self.problem.names

    @property
    def identity(self) -> str:
        """The problem, with its sampling, and the method's Laplace form, exactly."""
        return f"{problem_text(self.problem)}\n{self.form}"

    def enclose(self, theta: Sequence[flint.arb], slopes: bool, tolerance: float) -> BoxEnclosure:
        """Return the field, and its Jacobian if ``slopes``, over a box in which it is proven to be continuous."""
        try:
            if may_jump(self.problem, theta):
                raise Undefined(JUMPS)
            return field_over(self.problem, self.form, theta, slopes, tolerance)
        except DomainError:
            raise Undefined(NOT_REAL) from None
        except Undefined:
            raise
        except InputError:
            raise Undefined(UNBOUNDED) from None

    def mean_gradient(self, sides: FloatArray) -> list[tuple[float, float]]:
        """Return proven bounds of the mean gradient over a box (d, 2); call within ``ball_arithmetic()``."""
        rows = self.problem.row_gradients_ball(hulls(sides))
        return [outward(sum(column, flint.arb(0)) / len(rows)) for column in zip(*rows, strict=True)]

    def vanishes(self, point: Point) -> bool:
        """Whether all rows' gradients, and the decay, are proven to be 0 at a point: in any order M = 0 then."""
        return (self.form.decay == 0 or not any(point)) and vanishes(self.problem, point)


@lru_cache(maxsize=4)
def _received(record: str, method: Method) -> EpochFunction:
    """The function in another process: read once, however often it arrives."""
    field = AdamField(problem_of_record(json.loads(record)), method)
    assert isinstance(field, EpochField)
    return EpochFunction(field)


def function_of(field: AdamField | BoxFunction) -> BoxFunction:
    """Return a field as a function over boxes, or what is one."""
    if isinstance(field, EpochField):
        return EpochFunction(field)
    return FieldFunction(field) if isinstance(field, AdamField) else field
