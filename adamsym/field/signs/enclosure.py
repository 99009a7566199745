"""Proven bounds of the field of signs over boxes, for data that are rows (theory N-Proposition 15).

Where all past gradients count, the law of M is bounded on a lattice; see :mod:`adamsym.field.signs.lattice`. Where M is
a sum of few products, all histories are listed in rational numbers, so that a sum of exactly 0 is known
to have no sign.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from fractions import Fraction

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, outward, symmetric
from adamsym.field.ball.enclosure import checked_boxes, hulls, rows_over
from adamsym.field.signs.lattice import MOST_OPERATIONS, Atom, by_lattice
from adamsym.gradients import Empirical, SymbolicGradient
from adamsym.gradients.batches import batch_numbers
from adamsym.methods import SignForm
from adamsym.parallel import map_tasks

MOST_HISTORIES = 2**12
"""Sums of few products that are listed."""


def enclose_signs(
    problem: SymbolicGradient, form: SignForm, box: ArrayLike, executor: Executor | int | None = None
) -> FloatArray:
    """Return proven bounds of f = -E sign M - decay theta over boxes; see :meth:`AdamField.enclose`.

    Raises
    ------
    NotApplicable
        If the law of the data is continuous.
    """
    if not isinstance(problem.law, Empirical):
        raise NotApplicable("data: an enclosure of a sign method's field is available for a list of rows alone")
    boxes = checked_boxes(problem, box)
    each = boxes.reshape(-1, problem.dimension, 2)
    return np.array(list(map_tasks(_bounds, each, shared=(problem, form), executor=executor))).reshape(boxes.shape)


def _bounds(of: tuple[SymbolicGradient, SignForm], box: FloatArray) -> list[tuple[float, float]]:
    with ball_arithmetic():
        return [outward(value) for value in signs_over(*of, hulls(box))]


def signs_over(problem: SymbolicGradient, form: SignForm, theta: Sequence[flint.arb]) -> list[flint.arb]:
    """Return balls around f over the balls ``theta``; call within ``ball_arithmetic()``."""
    assert isinstance(problem.law, Empirical)
    gradients, _ = rows_over(problem, theta, slopes=False)
    probabilities, found = problem.law.exact_probabilities, []
    for i, x in enumerate(theta):
        values = [gradient[i] for gradient in gradients]
        signs = enclose_sign_mean(values, probabilities, form, problem.batch_size, MOST_OPERATIONS // len(theta))
        found.append(-signs - ball(form.decay) * x)
    return found


def enclose_sign_mean(
    values: Sequence[flint.arb],
    probabilities: Sequence[Fraction],
    form: SignForm,
    size: int = 1,
    operations: int = MOST_OPERATIONS,
) -> flint.arb:
    """Return a ball that holds E sign M for means of ``size`` draws of gradients within balls ``values``.

    Fewer ``operations`` make it wider. Call within ``ball_arithmetic()``.
    """
    atoms, lags = _merged(values, probabilities), finite_lags(form)
    if lags is not None and math.comb(len(atoms) + size - 1, size) ** len(lags) <= MOST_HISTORIES:
        return _listed(atoms, lags, size)
    if len(atoms) == 1:
        [one] = atoms
        return _sign(one.value * ball(form.weights.total) + symmetric(one.radius * ball(form.weights.absolute_bound)))
    sign = _common_sign(atoms) if lags is None and form.weights.nonnegative else None
    return by_lattice(atoms, form, size, operations) if sign is None else flint.arb(sign)


def _common_sign(atoms: Sequence[Atom]) -> int | None:
    """The sign of all gradients but those that are 0: where infinitely many count, some is none of these."""
    for sign in (1, -1):
        least = [sign * one.value - one.radius for one in atoms]
        if all(x >= 0 for x in least) and any(
            x > 0 and one.probability > 0 for x, one in zip(least, atoms, strict=True)
        ):
            return sign
    return None


def _sign(value: flint.arb) -> flint.arb:
    """The sign of every number in a ball; of 0 it is 0."""
    if value == 0:
        return flint.arb(0)
    return flint.arb(1 if value > 0 else -1) if value != 0 else flint.arb(0, 1)


def _merged(values: Sequence[flint.arb], probabilities: Sequence[Fraction]) -> list[Atom]:
    """Atoms with different middles, in increasing order."""
    found: dict[tuple[int, int], Atom] = {}
    for value, probability in zip(values, probabilities, strict=True):
        middle, radius = value.mid(), value.rad().upper()
        mantissa, exponent = middle.man_exp()
        key = int(mantissa), int(exponent)
        if key in found:
            radius, probability = radius.max(found[key].radius), probability + found[key].probability
        found[key] = Atom(middle, radius, probability)
    return sorted(found.values(), key=lambda one: float(one.value))


def finite_lags(form: SignForm) -> list[Fraction] | None:
    """Return the weights that are not 0; None if there are infinitely many."""
    amounts: dict[Fraction, Fraction] = {}
    for amount, ratio in form.weights.terms:
        amounts[ratio] = amounts.get(ratio, Fraction(0)) + amount
    # Of different ratios the largest decides from some lag on; terms of the same may cancel.
    if any(amount and ratio for ratio, amount in amounts.items()):
        return None
    return [w for w in map(form.weights.weight, range(len(form.weights.head) + 1)) if w]


def _listed(atoms: Sequence[Atom], lags: Sequence[Fraction], size: int) -> flint.arb:
    """E sign M over all histories of the lags that count, in rational numbers."""
    drawn = list(_sums(atoms, size))
    low = high = Fraction(0)
    for history in itertools.product(drawn, repeat=len(lags)):
        chance = math.prod((one[2] for one in history), start=Fraction(1))
        value = sum((w * one[0] for w, one in zip(lags, history, strict=True)), Fraction(0))
        radius = sum((abs(w) * one[1] for w, one in zip(lags, history, strict=True)), Fraction(0))
        if abs(value) > radius:
            sign = 1 if value > 0 else -1
            low, high = low + sign * chance, high + sign * chance
        elif radius:
            low, high = low - chance, high + chance
    return ball(low).union(ball(high))


def _sums(atoms: Sequence[Atom], size: int) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """The sums of ``size`` draws, how far they may be off, and their probabilities."""
    values, radii = (
        [_fraction(part) for part in parts] for parts in zip(*((a.value, a.radius) for a in atoms), strict=True)
    )
    for numbers in batch_numbers(len(atoms), size):
        counts = [int(number) for number in numbers]
        orders = math.factorial(size) // math.prod(map(math.factorial, counts))
        chance = math.prod((a.probability**n for a, n in zip(atoms, counts, strict=True)), start=Fraction(orders))
        yield (
            sum((n * v for n, v in zip(counts, values, strict=True)), Fraction(0)),
            sum((n * r for n, r in zip(counts, radii, strict=True)), Fraction(0)),
            chance,
        )


def _fraction(exact: flint.arb) -> Fraction:
    mantissa, exponent = map(int, exact.man_exp())
    return Fraction(mantissa) * Fraction(2) ** exponent
