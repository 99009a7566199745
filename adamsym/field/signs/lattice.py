"""Proven bounds of E sign M, M = sum_k c_k g_k, by the law of the first lags' sum on a lattice.

Each product is rounded to the lattice, older lags first, since they are small, and the lattice is made coarser as sums
grow. Probabilities are sums of products of numbers from 0 up, in floating point: their relative errors are bounded. Of
what rounding to the lattice adds up to there are two bounds: the worst case, and Hoeffding's inequality, since the
errors of different lags are independent. M has a sign where the sum exceeds these and what later lags may add; what is
left undecided is the width.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import flint
import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.running import UNIT
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball
from adamsym.methods import SignForm

MOST_CELLS, LEAST_CELLS = 2**20, 2**10
"""Of the lattice; ..."""

MOST_OPERATIONS = 2**29
"""... fewer where cells, lags and atoms together would take more than these."""

MOST_PRODUCTS = 200_000
"""Products of lag weights and gradients: of many rows fewer lags are taken, or none, and more is left undecided."""

_FINER = 16
"""So much finer than what later lags may add is the first lattice."""

_RARE = 1e-13
"""The probability with which rounding errors may add up to more than Hoeffding's inequality allows."""

_NEGLIGIBLE = 1e-18
"""Probability at an end of the lattice that is dropped at a time, and so left undecided."""

_UNDERFLOW = 1e-290
"""What numbers that are too small for floating point may lose in all."""


@dataclass(frozen=True)
class Atom:
    """A gradient's middle, an exact ball; its radius; its exact probability."""

    value: flint.arb
    radius: flint.arb
    probability: Fraction


def by_lattice(atoms: Sequence[Atom], form: SignForm, size: int, operations: int = MOST_OPERATIONS) -> flint.arb:
    """Return a ball around E sign M for means of ``size`` draws from different atoms.

    Call within ``ball_arithmetic()``.
    """
    draws, least = len(atoms) * size, atoms[0].value
    if draws > MOST_PRODUCTS:
        return flint.arb(0, 1)
    reach, absolute = _largest(abs(one.value - least) for one in atoms), ball(form.weights.absolute_bound)
    lags = min(_lags(form), max(1, MOST_PRODUCTS // draws))
    cells = max(LEAST_CELLS, min(MOST_CELLS, operations // (lags * draws)))
    spend(lags * draws * (20 + cells // 100))
    beyond = _beyond(form, lags) * reach
    law = _Lattice(beyond / _FINER if beyond > 0 else absolute * reach / cells, cells)
    chances = [ball(one.probability) for one in atoms]
    for weight in (_weight(form, lag) for lag in reversed(range(lags))):
        for _ in range(size):
            law.add([weight * (one.value - least) / size for one in atoms], chances)
    moved = beyond + absolute * _largest(one.radius for one in atoms)
    return law.sign_of(ball(form.weights.total) * least, moved)


def _lags(form: SignForm) -> int:
    """How many lags leave less than a cell beyond them, or all."""
    most, lags = form.weights.absolute_bound / (8 * MOST_CELLS), len(form.weights.head) + 1
    while _beyond(form, lags) > ball(most):
        lags += 1 + lags // 8
    return lags


def _beyond(form: SignForm, lags: int) -> flint.arb:
    """A bound of the sum of |c_k| over the lags from this number on; the head may be cut short."""
    end = max(lags, len(form.weights.head))
    head = (abs(_weight(form, lag)) for lag in range(lags, end))
    terms = ((abs(amount), ratio) for amount, ratio in form.weights.terms if amount and ratio)
    geometric = (ball(amount) * ball(ratio) ** end / ball(1 - ratio) for amount, ratio in terms)
    return sum((*head, *geometric), flint.arb(0)).upper()


def _weight(form: SignForm, lag: int) -> flint.arb:
    head = form.weights.head
    own = ball(head[lag]) if lag < len(head) else flint.arb(0)
    return own + sum((ball(amount) * ball(ratio) ** lag for amount, ratio in form.weights.terms), flint.arb(0))


class _Lattice:
    """The law of a sum of independent products, each rounded to a multiple of a cell, and bounds of the roundings.

    The sum is a multiple of the cell, of probability at least ``mass`` but for ``roundings`` in floating point, plus
    independent errors between ``low`` and ``high``, of mean ``mean`` and sum of squared ranges ``squares``, plus
    ``coarser``, from 0 up.
    """

    def __init__(self, width: flint.arb, cells: int) -> None:
        self.exponent, self.cells = math.floor(float(width.log() / flint.arb(2).log())), cells
        self.mass, self.origin, self.roundings = np.ones(1), 0, 0
        self.low, self.high, self.mean, self.squares, self.coarser = (flint.arb(0) for _ in range(5))

    @property
    def cell(self) -> flint.arb:
        """The lattice's width, a power of 2."""
        return flint.arb(2) ** self.exponent

    def add(self, products: Sequence[flint.arb], chances: Sequence[flint.arb]) -> None:
        """Add an independent product."""
        span = _largest(products) - reduce(flint.arb.min, products)
        # A newest gradient may weigh a billion times what the others do.
        while len(self.mass) + float((span / self.cell).upper()) > 2 * self.cells:
            self._halve()
        places = [round(float(x / self.cell)) for x in products]
        errors = [x - place * self.cell for x, place in zip(products, places, strict=True)]
        low, high = reduce(flint.arb.min, errors).lower(), reduce(flint.arb.max, errors).upper()
        self.low, self.high, self.squares = self.low + low, self.high + high, self.squares + (high - low) ** 2
        self.mean += sum((p * error for p, error in zip(chances, errors, strict=True)), flint.arb(0))
        first, size = min(places), len(self.mass)
        mass = np.zeros(size + max(places) - first)
        for place, chance in zip(places, chances, strict=True):
            mass[place - first : place - first + size] += float(chance) * self.mass
        self.mass, self.origin, self.roundings = mass, self.origin + first, self.roundings + len(places) + 2
        while len(self.mass) > self.cells:
            self._cut()
            if len(self.mass) > self.cells:
                self._halve()

    def _cut(self) -> None:
        """Drop ends of hardly any probability."""
        first = int(np.searchsorted(np.cumsum(self.mass), _NEGLIGIBLE))
        last = int(np.searchsorted(np.cumsum(self.mass[::-1]), _NEGLIGIBLE))
        self.mass, self.origin = self.mass[first : len(self.mass) - last], self.origin + first

    def _halve(self) -> None:
        """Take pairs of cells for one: sums of the upper ones lie a cell above it."""
        mass = np.concatenate([np.zeros(self.origin % 2), self.mass])
        mass = np.concatenate([mass, np.zeros(len(mass) % 2)])
        self.mass, self.origin = mass[::2] + mass[1::2], self.origin // 2
        self.coarser, self.roundings = self.coarser + self.cell, self.roundings + 1
        self.exponent += 1

    def sign_of(self, shift: flint.arb, moved: flint.arb) -> flint.arb:
        """Return a ball around E sign of the sum and ``shift``, and of what moves it by no more than ``moved``."""
        # Hoeffding: errors of ranges r_k exceed their mean by t with a probability of at most exp(-2 t^2/sum r_k^2).
        likely = (self.squares * math.log(1 / _RARE) / 2).sqrt()
        low = shift - moved + self.low.max(self.mean - likely)
        high = shift + moved + self.coarser + self.high.min(self.mean + likely)
        positive = math.floor(math.nextafter(float((-low / self.cell).upper()), math.inf)) + 1
        negative = math.ceil(math.nextafter(float((-high / self.cell).lower()), -math.inf)) - 1
        above = self.mass[max(0, positive - self.origin) :]
        below = self.mass[: max(0, negative - self.origin + 1)]
        return (2 * self._at_least(above) - 1).union(1 - 2 * self._at_least(below))

    def _at_least(self, part: FloatArray) -> flint.arb:
        """A lower bound of the probability of cells, without what is rare."""
        share = 1 - (self.roundings + len(part)) * flint.arb(UNIT)
        return (flint.arb(float(part.sum())) * share - 2 * _RARE - _UNDERFLOW).max(flint.arb(0)).lower()


def _largest(values: Iterable[flint.arb]) -> flint.arb:
    return reduce(flint.arb.max, values).upper()
