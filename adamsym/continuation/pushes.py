"""How f changes with a number of the method or the data: df/dp over boxes and ranges of values, enclosed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import flint
import sympy as sp

from adamsym.certify.field_function import FieldFunction
from adamsym.continuation.axes import Axis
from adamsym.continuation.tube_proofs import Over
from adamsym.expressions.compilation import compile_ball
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.sizes import FORMING, derivative_sizes
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball
from adamsym.field.ball.enclosure import laws_of_rows
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.slopes import slope_in_beta, slope_in_eps, slope_in_ratio
from adamsym.gradients import Empirical
from adamsym.gradients.entries import DataEntry
from adamsym.methods import LagWeights, LaplaceForm
from adamsym.methods.kernels import RootPlusEps

Push = Callable[[FieldFunction, Sequence[flint.arb], Sequence[object]], list[flint.arb] | None]
"""Returns df/dp from a function over values, a box, and the laws there; None where minibatches are not listed."""

SlopeOf = Callable[[BallLaw, LaplaceForm], flint.arb]


def push_of(over: Over, axis: Axis) -> Push | None:
    """Return the derivative in a parameter; None where none is known.

    Known are beta2 where it is the memory of the second moment alone; beta1 where the lag weights are (1 - beta1)
    beta1^k, and no more depends on it; eps in 1/(sqrt(v) + eps); weight decay; and entries of the data.
    """
    if axis.entry is not None:
        return None if axis.entry.column == "weights" else _in_entry(over(*axis.values[:1] * 2), axis.entry)
    ends = axis.values[0], axis.values[-1]
    forms = [over(p, p).form for p in ends]
    whole, first = over(*ends).form, forms[0]

    def follows(of: Callable[[LaplaceForm], object], value: Callable[[Fraction], object], **others: object) -> bool:
        """Whether a number of the form is the parameter, and no other one depends on it."""
        try:
            # A range is no number: then another one varies too.
            return all(of(form) == value(p) for form, p in zip(forms, ends, strict=True)) and (
                replace(whole, **others) == first  # type: ignore[arg-type]
            )
        except NotApplicable:
            return False

    if follows(lambda form: form.decay, lambda p: p, decay=first.decay):
        return lambda function, theta, laws: [-x for x in theta]
    if follows(lambda form: form.beta, lambda p: p, beta=first.beta):
        return _by_laws(slope_in_beta)
    if follows(lambda form: form.weights, lambda p: LagWeights((), ((1 - p, p),)), weights=first.weights):
        return _by_laws(slope_in_ratio)
    if follows(lambda form: form.kernel, RootPlusEps, kernel=first.kernel):
        return _by_laws(slope_in_eps)
    return None


def _by_laws(slope_of: SlopeOf) -> Push:
    """F's derivative, law by law."""

    def pushed(function: FieldFunction, theta: Sequence[flint.arb], laws: Sequence[object]) -> list[flint.arb] | None:
        listed = [law for law in laws if isinstance(law, BallLaw)]
        return [-slope_of(law, function.form) for law in listed] if len(listed) == len(laws) else None

    return pushed


@dataclass(frozen=True)
class _InEntry:
    """The rows' derivatives move the laws."""

    entry: DataEntry
    derivatives: Callable[..., list[flint.arb]]

    def __call__(
        self, function: FieldFunction, theta: Sequence[flint.arb], laws: Sequence[object]
    ) -> list[flint.arb] | None:
        moved = [
            self.derivatives(*theta, *row) if self.entry.row in (None, k) else [flint.arb(0)] * len(theta)
            for k, row in enumerate(rows_of(function))
        ]
        found = []
        for law, one in zip(laws, laws_of_rows(function.problem, moved), strict=True):
            if not isinstance(law, BallLaw) or not isinstance(one, BallLaw):
                return None
            found.append(-enclose_law(BallLaw(law.atoms, law.probabilities, [one.atoms]), function.form).slopes[0])
        return found


def _in_entry(function: FieldFunction, entry: DataEntry) -> Push:
    problem = function.problem
    column = problem.columns[problem.law.names.index(entry.column)]
    spend(FORMING * sum(derivative_sizes(one, [column])[1] for one in problem.gradient_expressions))
    expressions = [sp.diff(one, column) for one in problem.gradient_expressions]
    return _InEntry(entry, compile_ball((*problem.parameters, *problem.columns), expressions))


def rows_of(function: FieldFunction) -> list[list[flint.arb]]:
    """Return the rows of the data, as balls around what may be ranges."""
    law = function.problem.law
    assert isinstance(law, Empirical)
    return [[ball(x) for x in row] for row in law.exact_rows]
