"""Rigorous enclosures of a field with a Laplace form and its Jacobian over boxes of parameters, in ball arithmetic.

A box X with midpoint m gives f(X) and, by the mean-value theorem, f(m) + Df(X) (X - m): their intersection, whose
excess shrinks with the square of the width. Every truncation is bounded; see :mod:`adamsym.field.ball.quadrature`.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, hull, outward
from adamsym.field.ball.continuous_gradients import continuous_gradients
from adamsym.field.ball.law import BallLaw, EnclosedLaw, Law
from adamsym.field.ball.quadrature import MOST_OPERATIONS, TOLERANCE, LawEnclosure, enclose_law
from adamsym.field.batches.ball_law import MeanLaw
from adamsym.field.epochs.arrangements import arrangements_of
from adamsym.field.epochs.periodic_ball import batch_means, periodic_quotient, require_periodic
from adamsym.field.epochs.shuffled_ball import require_few, shuffled_quotient
from adamsym.gradients import Empirical, Independent, StochasticGradient, SymbolicGradient
from adamsym.gradients.batches import batch_numbers, can_list
from adamsym.gradients.jumps import JumpError
from adamsym.gradients.sampling import require_replacement
from adamsym.methods import LaplaceForm
from adamsym.parallel import map_tasks

MOST_LISTED = 1_000
"""Minibatches up to which they are listed: then that takes about as long as not to."""


@dataclass(frozen=True)
class BoxEnclosure:
    """Balls that hold f_i, and df_i/dtheta_j if it was asked for, at every point of a box."""

    value: list[flint.arb]
    jacobian: list[list[flint.arb]]


def enclose(
    problem: SymbolicGradient, form: LaplaceForm, box: ArrayLike, executor: Executor | int | None = None
) -> FloatArray:
    """Return proven lower and upper bounds of f over boxes; see :meth:`AdamField.enclose`."""
    boxes = checked_boxes(problem, box)
    each = boxes.reshape(-1, problem.dimension, 2)
    return np.array(list(map_tasks(_bounds, each, shared=(problem, form), executor=executor))).reshape(boxes.shape)


def enclose_jacobian(
    problem: SymbolicGradient, form: LaplaceForm, box: ArrayLike, executor: Executor | int | None = None
) -> FloatArray:
    """Return proven bounds of Df over boxes; see :meth:`AdamField.enclose_jacobian`."""
    boxes = checked_boxes(problem, box)
    d = problem.dimension
    found = list(map_tasks(_slopes, boxes.reshape(-1, d, 2), shared=(problem, form), executor=executor))
    return np.array(found).reshape(*boxes.shape[:-2], d, d, 2)


def checked_boxes(problem: StochasticGradient, box: ArrayLike) -> FloatArray:
    """Return boxes (d, 2) or (n, d, 2) as an array, or raise InputError."""
    boxes = real_array(box, "box")
    if boxes.ndim not in (2, 3) or boxes.shape[-2:] != (problem.dimension, 2):
        raise InputError(
            f"box: shape {boxes.shape} is not allowed; give ({problem.dimension}, 2) or (n, .., 2), a lower and an "
            "upper end for each parameter; for a point both are equal"
        )
    if not np.isfinite(boxes).all() or (boxes[..., 0] > boxes[..., 1]).any():
        raise InputError("box: each parameter needs finite ends, the lower first")
    return boxes


def hulls(box: FloatArray) -> list[flint.arb]:
    """Return the balls of a box's sides."""
    return [hull(float(low), float(high)) for low, high in box]


def divided(box: FloatArray, most: float) -> Iterator[FloatArray]:
    """Cut a box (d, 2) into at most ``most`` equal cells (d, 2), with as many parts in each side that has a length."""
    parts = max(1, int(most ** (1 / len(box)) + 1e-9))
    sides = [list(itertools.pairwise(np.linspace(low, high, (1 if low == high else parts) + 1))) for low, high in box]
    return (np.array(cell) for cell in itertools.product(*sides))


def _bounds(of: tuple[SymbolicGradient, LaplaceForm], box: FloatArray) -> list[tuple[float, float]]:
    with ball_arithmetic():
        return [outward(value) for value in enclose_box(*of, box).value]


def _slopes(of: tuple[SymbolicGradient, LaplaceForm], box: FloatArray) -> list[list[tuple[float, float]]]:
    with ball_arithmetic():
        return [[outward(entry) for entry in row] for row in field_over(*of, hulls(box), slopes=True).jacobian]


def enclose_box(
    problem: SymbolicGradient, form: LaplaceForm, box: FloatArray, tolerance: float = TOLERANCE
) -> BoxEnclosure:
    """Return f over one box (d, 2), and Df, by the mean-value form; alone and without it where f may jump.

    Call within ``ball_arithmetic()``.
    """
    theta = hulls(box)
    if (box[:, 0] == box[:, 1]).all() or is_shuffled(problem) or may_jump(problem, theta):
        return field_over(problem, form, theta, slopes=False, tolerance=tolerance)
    middle = [flint.arb(_midpoint(float(low), float(high))) for low, high in box]
    whole = field_over(problem, form, theta, slopes=True, tolerance=tolerance)
    center = field_over(problem, form, middle, slopes=False, tolerance=tolerance)
    return BoxEnclosure(mean_value_form(whole, center.value, theta, middle), whole.jacobian)


def may_jump(problem: SymbolicGradient, theta: Sequence[flint.arb]) -> bool:
    """Whether some row's gradient is not proven to be continuous over balls; call within ``ball_arithmetic()``."""
    try:
        problem.require_continuous(theta)
    except JumpError:
        return True
    return False


def _midpoint(low: float, high: float) -> float:
    # The difference of two large numbers may be out of range.
    return low + (high - low) / 2 if math.isfinite(high - low) else low / 2 + high / 2


def mean_value_form(
    whole: BoxEnclosure, center: Sequence[flint.arb], theta: Sequence[flint.arb], middle: Sequence[flint.arb]
) -> list[flint.arb]:
    """Return f(m) + Df(X) (X - m), intersected with f(X)."""
    found = []
    for value, at_middle, row in zip(whole.value, center, whole.jacobian, strict=True):
        shift = sum((slope * (x - m) for slope, x, m in zip(row, theta, middle, strict=True)), flint.arb(0))
        linear = at_middle + shift
        found.append(value.intersection(linear) if linear.is_finite() else value)
    return found


def field_over(
    problem: SymbolicGradient, form: LaplaceForm, theta: Sequence[flint.arb], slopes: bool, tolerance: float = TOLERANCE
) -> BoxEnclosure:
    """Return f, and Df if ``slopes``, with all atoms evaluated over the balls ``theta``.

    Call within ``ball_arithmetic()``.

    Raises
    ------
    NotApplicable
        If too many rows are reshuffled to sum over their orders, or ``slopes`` are asked for of these.
    """
    if problem.epoch is not None:
        own = _shuffled if problem.epoch.is_shuffled else _periodic
        return with_decay(own(problem, form, theta, slopes), form, theta)
    return with_decay(field_of(gradient_laws(problem, theta, slopes), form, tolerance), form, theta)


def is_shuffled(problem: StochasticGradient) -> bool:
    """Whether rows are drawn in reshuffled epochs: of their field there are bounds, but none of its Jacobian."""
    return problem.epoch is not None and problem.epoch.is_shuffled


def _shuffled(problem: SymbolicGradient, form: LaplaceForm, theta: Sequence[flint.arb], slopes: bool) -> BoxEnclosure:
    """The field of reshuffled rows."""
    if slopes:
        raise NotApplicable("data.sampling: of reshuffled rows the field's Jacobian is not enclosed")
    law, epoch = problem.law, problem.epoch
    assert isinstance(law, Empirical)
    assert epoch is not None
    orders = arrangements_of(law, epoch)
    require_few(orders, form, "an enclosure")
    gradients, _ = rows_over(problem, theta, slopes=False)
    first = [orders.kinds.index(kind) for kind in range(len(orders.numbers))]
    columns = ([gradients[row][i] for row in first] for i in range(problem.dimension))
    return BoxEnclosure([-shuffled_quotient(kinds, form, orders) for kinds in columns], [])


def _periodic(problem: SymbolicGradient, form: LaplaceForm, theta: Sequence[flint.arb], slopes: bool) -> BoxEnclosure:
    """The field of minibatches in the order of the rows."""
    epoch = problem.epoch
    assert epoch is not None
    require_periodic(epoch, "an enclosure")
    gradients, hessians = rows_over(problem, theta, slopes)
    found = []
    for i in range(problem.dimension):
        columns = [[hessian[i][j] for hessian in hessians] for j in range(problem.dimension)] if slopes else []
        means = [batch_means(column, epoch) for column in columns]
        found.append(periodic_quotient(batch_means([gradient[i] for gradient in gradients], epoch), means, form))
    return BoxEnclosure([-value for value, _ in found], [[-slope for slope in row] for _, row in found])


def with_decay(found: BoxEnclosure, form: LaplaceForm, theta: Sequence[flint.arb]) -> BoxEnclosure:
    """Return what ``field_of`` leaves out as well: f = -E[M phi(V)] - decay theta, and its Jacobian if there is one."""
    if form.decay == 0:
        return found
    decay = ball(form.decay)
    value = [entry - decay * x for entry, x in zip(found.value, theta, strict=True)]
    jacobian = [
        [entry - (decay if i == j else 0) for j, entry in enumerate(row)] for i, row in enumerate(found.jacobian)
    ]
    return BoxEnclosure(value, jacobian)


def field_of(
    laws: Sequence[EnclosedLaw], form: LaplaceForm, tolerance: float = TOLERANCE, wide_lags: int | None = None
) -> BoxEnclosure:
    """Return -E[M phi(V)], and its Jacobian if the laws have slopes, from the law of each coordinate.

    The form's decay is left out: laws do not know theta. The coordinates share the operations that walks over lags may
    take; ``wide_lags`` as in ``enclose_law``. Call within ``ball_arithmetic()``.
    """
    operations = MOST_OPERATIONS // max(1, len(laws))
    found: list[LawEnclosure] = [enclose_law(law, form, tolerance, operations, wide_lags) for law in laws]
    return BoxEnclosure([-one.value for one in found], [[-slope for slope in one.slopes] for one in found])


def gradient_laws(problem: SymbolicGradient, theta: Sequence[flint.arb], slopes: bool) -> Sequence[EnclosedLaw]:
    """Return the law of each coordinate of the minibatch gradient over the balls ``theta``.

    Raises
    ------
    NotApplicable
        If the data's law is continuous, and that of the gradient has no closed form.
    InputError
        If the loss is not proved real over the balls (``DomainError``), or its gradient is not bounded there.
    """
    if isinstance(problem.law, Independent):
        return continuous_gradients(problem).laws(theta, slopes)
    return laws_of_rows(problem, *rows_over(problem, theta, slopes))


def listed_laws(problem: SymbolicGradient, theta: Sequence[flint.arb]) -> list[BallLaw]:
    """Return the laws of ``gradient_laws`` with slopes, as lists of all minibatches; InputError if too many."""
    return _listed(problem, *rows_over(problem, theta, slopes=True))


_Rows = tuple[Sequence[Sequence[flint.arb]], Sequence[Sequence[Sequence[flint.arb]]]]


def rows_over(problem: SymbolicGradient, theta: Sequence[flint.arb], slopes: bool) -> _Rows:
    """Return the gradients of all rows over balls, and their Hessians if ``slopes``; InputError if one is unbounded."""
    gradients = problem.row_gradients_ball(theta)
    for row, gradient in enumerate(gradients):
        if not all(entry.is_finite() for entry in gradient):
            raise InputError(f"{problem.place}: {problem.component} at data row {row} is not bounded over the box")
    return gradients, problem.row_jacobians_ball(theta) if slopes else []


def lists_minibatches(problem: SymbolicGradient) -> bool:
    """Whether enclosures list the minibatches of finitely many rows, drawn with replacement."""
    require_replacement(problem.sampling, "a law of one minibatch")
    assert isinstance(problem.law, Empirical)
    rows, size = len(problem.law.exact_probabilities), problem.batch_size
    return size == 1 or math.comb(rows + size - 1, size) <= MOST_LISTED


def laws_of_rows(
    problem: SymbolicGradient,
    gradients: Sequence[Sequence[flint.arb]],
    hessians: Sequence[Sequence[Sequence[flint.arb]]] = (),
) -> Sequence[Law]:
    """Return the laws of the entries of the minibatch mean of the rows' vectors ``gradients``.

    Few minibatches are listed; for others see :mod:`adamsym.field.batches.ball_law`.
    """
    if lists_minibatches(problem):
        return _listed(problem, gradients, hessians)
    assert isinstance(problem.law, Empirical)
    probabilities = [ball(probability) for probability in problem.law.exact_probabilities]
    size, listed = problem.batch_size, can_list(len(gradients), problem.batch_size)

    def law(i: int) -> Law:
        values = [gradient[i] for gradient in gradients]
        slopes = [[hessian[i][j] for hessian in hessians] for j in range(problem.dimension)] if hessians else []
        others = partial(_one_listed, problem, values, slopes) if listed else None
        return MeanLaw(values, probabilities, size, slopes, others)

    return [law(i) for i in range(len(gradients[0]))]


def _listed(
    problem: SymbolicGradient,
    gradients: Sequence[Sequence[flint.arb]],
    hessians: Sequence[Sequence[Sequence[flint.arb]]],
) -> list[BallLaw]:
    return [
        _one_listed(
            problem,
            [gradient[i] for gradient in gradients],
            [[hessian[i][j] for hessian in hessians] for j in range(problem.dimension)] if hessians else [],
        )
        for i in range(len(gradients[0]))
    ]


def _one_listed(problem: SymbolicGradient, rows: Sequence[flint.arb], slopes: Sequence[Sequence[flint.arb]]) -> BallLaw:
    batches = minibatches(problem)
    spend(2 * (1 + len(slopes)) * sum(len(shares) for shares, _ in batches))

    def means(values: Sequence[flint.arb]) -> Sequence[flint.arb]:
        return values if problem.batch_size == 1 else [_batch_mean(values, shares) for shares, _ in batches]

    return BallLaw(means(rows), [probability for _, probability in batches], [means(column) for column in slopes])


@lru_cache(maxsize=8)
def minibatches(problem: SymbolicGradient) -> list[tuple[list[tuple[int, Fraction]], flint.arb]]:
    """Return every minibatch as pairs (row, share), with its exact probability as a ball."""
    require_replacement(problem.sampling, "a law of one minibatch")
    assert isinstance(problem.law, Empirical)
    probabilities, size = problem.law.exact_probabilities, problem.batch_size
    if size == 1:
        return [([(row, Fraction(1))], ball(probability)) for row, probability in enumerate(probabilities)]
    listed = []
    for numbers in batch_numbers(len(probabilities), size):
        drawn = [(row, int(number)) for row, number in enumerate(numbers) if number]
        orders = math.factorial(size) // math.prod(math.factorial(number) for _, number in drawn)
        weight = math.prod((probabilities[row] ** number for row, number in drawn), start=Fraction(orders))
        listed.append(([(row, Fraction(number, size)) for row, number in drawn], ball(weight)))
    return listed


def _batch_mean(gradients: Sequence[flint.arb], shares: Sequence[tuple[int, Fraction]]) -> flint.arb:
    if len(shares) == 1 and shares[0][1] == 1:
        return gradients[shares[0][0]]
    return sum((ball(share) * gradients[row] for row, share in shares), flint.arb(0))
