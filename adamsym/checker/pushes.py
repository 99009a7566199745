"""How f changes with the parameter of a branch: df/dp over boxes and ranges of values, in intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

import sympy as sp

from adamsym.checker.arithmetic import Interval, NotCheckable
from adamsym.checker.coordinate_law import Law
from adamsym.checker.field import quotient
from adamsym.checker.form import Form
from adamsym.checker.kernels import RootPlusEpsBounds, SquaredRootPlusEpsBounds
from adamsym.checker.law import gradient_laws, laws_of_rows, row_values
from adamsym.checker.moving import slope_in_beta, slope_in_ratio
from adamsym.expressions.ranges import Range
from adamsym.expressions.sizes import FORMING, derivative_sizes
from adamsym.expressions.work import spend
from adamsym.gradients import SymbolicGradient
from adamsym.gradients.entries import DataEntry
from adamsym.methods import LagWeights, LaplaceForm

FINEST = 1e-18
"""Share of the scale that truncations may have: differences of close numbers are taken."""

Over = Callable[[Fraction, Fraction], tuple[SymbolicGradient, Form]]
"""The problem and the form over all values of the parameter from one to another."""

Number = Literal["decay", "beta", "ratio", "eps"]


@dataclass(frozen=True)
class Parameter:
    """What the parameter of a branch is: a number of the form on which no other one depends, or one in the data."""

    number: Number | None
    entry: DataEntry | None = None


def parameter_of(name: str, over: Over, low: Fraction, high: Fraction) -> Parameter:
    """Return what the parameter of a name is, by what varies in the form as it runs from ``low`` to ``high``.

    Raises
    ------
    NotCheckable
        If no derivative in it is known.
    """
    entry = DataEntry.named(name)
    if entry is not None and entry.column != "weights":
        return Parameter(None, entry)
    if entry is None and low < high:
        ends = [(p, over(p, p)[1].laplace) for p in (low, high)]
        varies = _varying(over(low, high)[1].laplace)
        known: dict[Number, Callable[[LaplaceForm, Fraction], bool]] = {
            "decay": lambda form, p: form.decay == p,
            "beta": lambda form, p: form.beta == p,
            "ratio": lambda form, p: form.weights == LagWeights((), ((1 - p, p),)),
            "eps": lambda form, p: form.kernel.epsilon == p,
        }
        for number, follows in known.items():
            if varies == {number} and all(follows(form, p) for p, form in ends):
                return Parameter(number)
    raise NotCheckable(f"no derivative in {name} is known")


def _varying(form: LaplaceForm) -> set[str]:
    """Which numbers of a form are ranges; those of the lag weights are one."""
    weights = (*form.weights.head, *(number for term in form.weights.terms for number in term))
    numbers = {"decay": [form.decay], "beta": [form.beta], "eps": [form.kernel.epsilon], "ratio": weights}
    return {name for name, values in numbers.items() if any(isinstance(value, Range) for value in values)}


def pushed(problem: SymbolicGradient, form: Form, theta: Sequence[Interval], parameter: Parameter) -> list[Interval]:
    """Return intervals around df_i/dp over a box, for all values in the problem and the form."""
    if parameter.entry is not None:
        return _by_entry(problem, form, theta, parameter.entry)
    if parameter.number == "decay":
        return [-x for x in theta]
    laws = [_listed(law) for law in gradient_laws(form.using, problem, theta, slopes=False)]
    slope = (
        slope_in_beta if parameter.number == "beta" else slope_in_ratio if parameter.number == "ratio" else slope_in_eps
    )
    return [-slope(law, form) for law in laws]


def slope_in_eps(law: Law, form: Form) -> Interval:
    """Return an interval around dF/deps: minus the field of the kernel phi^2, as that is -dphi/deps.

    Raises
    ------
    NotCheckable
        For another kernel than 1/(sqrt(v) + eps).
    """
    if not isinstance(form.kernel, RootPlusEpsBounds):
        raise NotCheckable("a derivative in eps of another kernel")
    squared = replace(form, kernel=SquaredRootPlusEpsBounds(form.using, form.kernel.epsilon))
    return -quotient(law, squared, FINEST)[0]


def _listed(law: Law) -> Law:
    if not law.is_listed:
        raise NotCheckable("a derivative over minibatches that are not listed")
    return law


def _by_entry(problem: SymbolicGradient, form: Form, theta: Sequence[Interval], entry: DataEntry) -> list[Interval]:
    """The rows' derivatives in a number of the data move the laws."""
    using = form.using
    column = problem.columns[problem.law.names.index(entry.column)]
    spend(FORMING * sum(derivative_sizes(g, [column])[1] for g in problem.gradient_expressions))
    slopes = row_values(using, problem, [sp.diff(g, column) for g in problem.gradient_expressions], theta)
    rows = [row if entry.row in (None, k) else [using.number(0)] * len(theta) for k, row in enumerate(slopes)]
    laws = zip(gradient_laws(using, problem, theta, slopes=False), laws_of_rows(using, problem, rows), strict=True)
    found = [replace(_listed(law), slopes=[_listed(other).atoms]) for law, other in laws]
    return [-quotient(law, form, FINEST)[1] for law in found]
