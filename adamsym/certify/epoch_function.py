"""The field of rows in their own order as a function over boxes: a finite sum, so that its zeros are certified."""

from collections.abc import Sequence

import flint

from adamsym.certify.box_function import BoxFunction, Undefined
from adamsym.certify.field_function import JUMPS, NOT_REAL, UNBOUNDED, FieldFunction
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic, step_bound
from adamsym.field.ball.enclosure import BoxEnclosure, field_over, may_jump
from adamsym.field.epochs.epoch_field import EpochField
from adamsym.field.epochs.periodic_ball import require_periodic
from adamsym.gradients.record import problem_text
from adamsym.gradients.symbolic import require_expressions
from adamsym.methods import require_laplace
from adamsym.methods.kernels import supposition


class EpochFunction(BoxFunction):
    """The field of minibatches that repeat, as a function over boxes. There are no certificates of it.

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


def function_of(field: AdamField | BoxFunction) -> BoxFunction:
    """Return a field as a function over boxes, or what is one."""
    if isinstance(field, EpochField):
        return EpochFunction(field)
    return FieldFunction(field) if isinstance(field, AdamField) else field
