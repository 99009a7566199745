"""Problems are made ready where that is worth it: rows, minibatches, epochs, laws in closed form; and little work."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.functions import implementations
from adamsym.expressions.running import NAMESPACE
from adamsym.expressions.running_code import operations
from adamsym.field.arrays.laws import FormNumbers
from adamsym.field.epochs.arrangements import arrangements_of
from adamsym.field.float.forms import FloatForm, float_form
from adamsym.field.float.rules import FEW_ATOMS, INTERPOLATED_FOR_FEW, ladder, rule_of
from adamsym.field.gradient_errors import row_errors
from adamsym.field.laws.closed_forms import written_forms
from adamsym.field.prepared.closed_laws import PreparedLaws
from adamsym.field.prepared.epochs import PreparedEpochs, is_written
from adamsym.field.prepared.problem import TOLERANCE, IntegerArray, PreparedProblem
from adamsym.field.prepared.program import OPERATIONS, Program, Step
from adamsym.field.prepared.reading import Prepared
from adamsym.field.prepared.rows import PreparedRows
from adamsym.field.values import MOST_REPAIRED
from adamsym.gradients import Empirical, StochasticGradient, SymbolicGradient
from adamsym.gradients.sampling import Epoch
from adamsym.methods import LaplaceForm, Method

MOST_ATOMS = 2**22
"""Gradients of rows in all parameters, each parameter counted as some thousand more: NumPy takes a few seconds."""

_OF_A_LAW = 2**12
"""Gradients that take as long as what a law takes besides."""

_MOST_EXACT = 2**17
"""Numbers in the data that are kept as fractions: two megabytes."""

_GRIDS = 3
"""Grids that are made ready: the others are hardly ever needed."""


def prepared(
    problem: StochasticGradient, adam: Method, start: dict[str, float] | None = None, dropped: int = 0
) -> Prepared | None:
    """Return a problem and its method made ready for evaluation; None where :class:`adamsym.AdamField` is needed."""
    if not isinstance(problem, SymbolicGradient) or adam.laplace is None:
        return None
    if not isinstance(problem.law, Empirical):
        return _of_laws(problem, adam, start, dropped)
    if problem.epoch is not None:
        return _of_epochs(problem, problem.law, problem.epoch, adam.laplace, start, dropped)
    return _of_batches(problem, problem.law, adam, start, dropped)


def _of_batches(
    problem: SymbolicGradient, law: Empirical, adam: Method, start: dict[str, float] | None, dropped: int
) -> PreparedProblem | None:
    if not problem.lists_batches():
        return None
    shares, probabilities = problem.batches()
    numbers = form_numbers(float_form(adam), len(probabilities))
    if numbers is None or work_of(problem.dimension, len(probabilities)) > MOST_ATOMS:
        return None
    rows = _of_rows(problem, law, start, dropped)
    if rows is None:
        return None
    few = len(law.rows) <= MOST_REPAIRED and law.rows.size <= _MOST_EXACT
    exact = _exact(law, rows.row_errors) if few else None
    return PreparedProblem(**vars(rows), shares=shares, probabilities=probabilities, form=numbers, exact_rows=exact)


def _of_epochs(
    problem: SymbolicGradient,
    law: Empirical,
    epoch: Epoch,
    form: LaplaceForm,
    start: dict[str, float] | None,
    dropped: int,
) -> PreparedEpochs | None:
    kinds: tuple[int, ...] = ()
    if epoch.is_shuffled:
        arrangements = arrangements_of(law, epoch)
        # The field of many orders is estimated, and that of some methods refused.
        if not arrangements.are_few or not float_form(form).parts:
            return None
        kinds = arrangements.kinds
    rows = _of_rows(problem, law, start, dropped) if is_written(form) else None
    return None if rows is None else PreparedEpochs(**vars(rows), epoch=epoch, kinds=kinds, form=form)


def _of_rows(
    problem: SymbolicGradient, law: Empirical, start: dict[str, float] | None, dropped: int
) -> PreparedRows | None:
    """The gradients of the rows; None if they are too many, or their program or kinks are not known."""
    switches = problem.pieces
    if not (problem.is_smooth or switches is not None) or work_of(problem.dimension, len(law.rows)) > MOST_ATOMS:
        return None
    conditions = [(condition.expression, condition.relation) for condition in problem.domain]
    conditions += [(switch, "nonzero") for switch in (switches.written_switches if switches is not None else ())]
    symbols = [*problem.parameters, *problem.columns]
    program = recorded(symbols, [*problem.gradient_expressions, *(expression for expression, _ in conditions)])
    if program is None:
        return None
    relations = tuple(relation for _, relation in conditions)
    return PreparedRows(problem.names, start, dropped, program, relations, law.rows, row_errors(problem))


def _of_laws(
    problem: SymbolicGradient, adam: Method, start: dict[str, float] | None, dropped: int
) -> PreparedLaws | None:
    forms = written_forms(problem) if problem.is_smooth else []
    numbers = form_numbers(float_form(adam), 1)
    if not forms or numbers is None:
        return None
    program = recorded(problem.parameters, [one for _, pair in forms for one in pair])
    if program is None:
        return None
    return PreparedLaws(problem.names, start, dropped, program, tuple(law for law, _ in forms), numbers)


def _exact(law: Empirical, errors: FloatArray) -> IntegerArray | None:
    """The rows as they are written, as pairs of integers; None if one is too long."""
    found = [
        [(0, 0) if error == 0 else _pair(x) for x, error in zip(*row, strict=True)]
        for row in zip(law.exact_rows, errors.tolist(), strict=True)
    ]
    try:
        return np.array(np.moveaxis(np.array(found, dtype=np.int64), -1, 0))
    except OverflowError:
        return None


def _pair(x: Fraction) -> tuple[int, int]:
    """Numerator and denominator; of small decimals, whose denominators are long, m and -k, for m/10**k."""
    above, below = x.numerator, x.denominator
    if below < 2**63:
        return above, below
    twos = (below & -below).bit_length() - 1
    fives = round(math.log(below >> twos, 5))
    if 5**fives != below >> twos:
        return above, below
    k = max(twos, fives)
    return above * (10**k // below), -k


def work_of(laws: int, atoms: int) -> int:
    """Return how many gradients take as long as so many laws of so many gradients each."""
    return laws * (atoms + _OF_A_LAW)


def form_numbers(form: FloatForm, atoms: int) -> FormNumbers | None:
    """Return what the quadrature needs of a form for laws of so many atoms; None if it has more than one part."""
    if len(form.parts) != 1 or form.parts[0][0] != 1:
        return None
    part = form.parts[0][1]
    share = INTERPOLATED_FOR_FEW if atoms <= FEW_ATOMS else 1.0
    rules = tuple(rule_of(part, per_octave, share) for per_octave in ladder(TOLERANCE)[:_GRIDS])
    return FormNumbers(
        form.step_bound,
        form.largest,
        form.total,
        form.absolute,
        form.size,
        form.eps,
        float(form.form.decay),
        rules,
    )


def recorded(symbols: Sequence[sp.Symbol], expressions: Sequence[sp.Expr]) -> Program | None:
    """Return expressions as a program; None if programs do not know a function."""
    recorder = _Recorder(len(symbols))
    # A function whose implementation is the user's own is not in the list of operations.
    known = implementations("rounded", NAMESPACE)
    if any(NAMESPACE.get(name) is not function for name, function in known.items()):
        return None
    namespace = {name: recorder.function(name) for name in known}
    try:
        found = operations(symbols, expressions, namespace)(*map(recorder.value, range(len(symbols))))
    except NotImplementedError:
        return None
    return Program(len(symbols), tuple(recorder.steps), tuple(_plain(one) for one in found))


class _Recorder:
    """Writes down what is done to its values."""

    def __init__(self, inputs: int) -> None:
        self.inputs, self.steps = inputs, list[Step]()

    def value(self, number: int) -> "_Recorded":
        """Return what stands for a value."""
        return _Recorded(self, number)

    def function(self, name: str) -> Callable[..., "_Recorded"]:
        """Return what writes down an operation, and returns what stands for its value."""
        assert name in OPERATIONS

        def record(*operands: "_Recorded | float | str") -> _Recorded:
            self.steps.append((name, tuple(map(_plain, operands))))
            return self.value(self.inputs + len(self.steps) - 1)

        return record


def _plain(operand: "_Recorded | float | str") -> int | float | str:
    return operand.number if isinstance(operand, _Recorded) else operand if isinstance(operand, str) else float(operand)


class _Recorded:
    """Stands for a value; Python's operators on it are written down."""

    def __init__(self, recorder: _Recorder, number: int) -> None:
        self.recorder, self.number = recorder, number

    def __neg__(self) -> "_Recorded":
        return self.recorder.function("neg")(self)

    def __add__(self, other: "_Recorded | float") -> "_Recorded":
        return self.recorder.function("add")(self, other)

    def __radd__(self, other: float) -> "_Recorded":
        return self.recorder.function("add")(other, self)

    def __sub__(self, other: "_Recorded | float") -> "_Recorded":
        return self.recorder.function("sub")(self, other)

    def __rsub__(self, other: float) -> "_Recorded":
        return self.recorder.function("sub")(other, self)

    def __mul__(self, other: "_Recorded | float") -> "_Recorded":
        return self.recorder.function("mul")(self, other)

    def __rmul__(self, other: float) -> "_Recorded":
        return self.recorder.function("mul")(other, self)

    def __truediv__(self, other: "_Recorded | float") -> "_Recorded":
        return self.recorder.function("truediv")(self, other)

    def __rtruediv__(self, other: float) -> "_Recorded":
        return self.recorder.function("truediv")(other, self)

    def __pow__(self, other: "_Recorded | float") -> "_Recorded":
        return self.recorder.function("pow")(self, other)
