"""The hypotheses of the bound as constants over a box K, from ball enclosures of gradients, Hessians and the field.

K is cut into cells; over each cell the gradient atoms and their slopes are enclosed, and the constants are the worst of
the cells. The enclosures are rigorous; sums and roots of them are float64, raised by a part in 1e12.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np

from adamsym.dynamics.bound.denominators import DenominatorLaw, denominator_law
from adamsym.dynamics.bound.moments import LARGEST_EXPONENT
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field.ball_law import BallLaw
from adamsym.field.balls import ball_arithmetic, outward
from adamsym.field.enclosure import field_of, gradient_laws, hulls
from adamsym.optimizer import Adam
from adamsym.problem import Empirical, Problem

CELLS = 36
"""Cells of K at most."""

_RAISED = 1 + 1e-12


@dataclass(frozen=True)
class Coordinate:
    """Constants of one coordinate g of the stochastic gradient, each a supremum over K.

    Attributes
    ----------
    largest
        G >= |g|.
    slope
        L >= |grad g|, Euclidean.
    mean
        |E g|.
    root_mean_square
        (E g^2)^(1/2).
    moments, square_moments
        Bounds of |E(g - E g)^k| and |E(g^2 - E g^2)^k|, k = 0, 1, ..., 24.
    product_means, product_moments
        For each parameter, |E g d_p g| and bounds of |E(g d_p g - E g d_p g)^k|.
    denominators
        A law below every denominator r, scaled by (beta)^(1/2) (Lemma 0).
    """

    largest: float
    slope: float
    mean: float
    root_mean_square: float
    moments: dict[int, float]
    square_moments: dict[int, float]
    product_means: tuple[float, ...]
    product_moments: tuple[dict[int, float], ...]
    denominators: DenominatorLaw

    @property
    def product_mean(self) -> float:
        """Nu, the Euclidean norm of ``product_means``: the mean of g^2 is Lipschitz with constant 2 nu."""
        return math.hypot(*self.product_means)


@dataclass(frozen=True)
class Hypotheses:
    """All constants over K.

    ``lipschitz`` is that of f in the Euclidean norm; ``one_sided`` the largest eigenvalue of its symmetrised Jacobian,
    so that <f(x) - f(y), x - y> <= one_sided |x - y|^2.
    """

    region: FloatArray
    coordinates: tuple[Coordinate, ...]
    lipschitz: float
    one_sided: float


@dataclass(frozen=True)
class _Cell:
    """Lower and upper ends of the atoms (d, n) and slopes (d, d, n), probabilities (n,), and f's Jacobian (d, d)."""

    atoms: tuple[FloatArray, FloatArray]
    slopes: tuple[FloatArray, FloatArray]
    probabilities: FloatArray
    jacobian: tuple[FloatArray, FloatArray] | None


def hypotheses(problem: Problem, adam: Adam, region: FloatArray) -> Hypotheses:
    """Return the constants over the box ``region``, shape (d, 2).

    Raises
    ------
    InputError
        If the data are not finitely many rows, the loss has kinks, or its gradients are not bounded over the box.
    """
    if not isinstance(problem.law, Empirical):
        raise InputError("data: the bound needs bounded gradients: finitely many rows, not a continuous law")
    if not problem.is_smooth:
        raise InputError("problem.loss: the bound needs a loss without Abs, Max or Min")
    with ball_arithmetic():
        cells = [_enclosed(problem, adam, cell) for cell in _cells(region)]
    if not all(np.isfinite(end).all() for cell in cells for end in (*cell.atoms, *cell.slopes)):
        raise InputError("problem.loss: its gradient or Hessian is not bounded over the region; take a smaller one")
    coordinates = tuple(_coordinate(cells, i, adam) for i in range(problem.dimension))
    lipschitz, one_sided = _field_slopes(cells)
    return Hypotheses(region, coordinates, lipschitz, one_sided)


def largest_gradients(problem: Problem, region: FloatArray) -> FloatArray:
    """Return an upper bound of |g_i| over a box (d, 2) for each coordinate i, shape (d,)."""
    with ball_arithmetic():
        laws = [gradient_laws(problem, hulls(cell), slopes=False) for cell in _cells(region)]
        return np.array([max(outward(law[i].largest)[1] for law in laws) for i in range(problem.dimension)])


def _cells(region: FloatArray) -> Iterator[FloatArray]:
    pieces = max(1, int(CELLS ** (1 / len(region)) + 1e-9))
    sides = []
    for low, high in region:
        ends = np.linspace(low, high, (1 if low == high else pieces) + 1)
        ends[-1] = high
        sides.append(list(itertools.pairwise(ends)))
    return (np.array(cell) for cell in itertools.product(*sides))


def _enclosed(problem: Problem, adam: Adam, cell: FloatArray) -> _Cell:
    laws = gradient_laws(problem, hulls(cell), slopes=True)
    atoms = np.array([[outward(atom) for atom in law.atoms] for law in laws])
    slopes = np.array([[[outward(slope) for slope in column] for column in law.slopes] for law in laws])
    upper = np.array([outward(p)[1] for p in laws[0].probabilities])
    return _Cell((atoms[..., 0], atoms[..., 1]), (slopes[..., 0], slopes[..., 1]), upper, _jacobian_ends(laws, adam))


def _jacobian_ends(laws: list[BallLaw], adam: Adam) -> tuple[FloatArray, FloatArray]:
    ends = np.array([[outward(entry) for entry in row] for row in field_of(laws, adam).jacobian])
    return ends[..., 0], ends[..., 1]


def _field_slopes(cells: list[_Cell]) -> tuple[float, float]:
    """Lipschitz and one-sided Lipschitz constants of f, from the middle and the radius of its Jacobian's enclosures."""
    lipschitz, one_sided = 0.0, -math.inf
    for cell in cells:
        assert cell.jacobian is not None
        low, high = cell.jacobian
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise InputError("the field's Jacobian is not bounded over the region; take a smaller one")
        middle, radius = (low + high) / 2, float(np.linalg.norm((high - low) / 2)) * _RAISED
        lipschitz = max(lipschitz, float(np.linalg.norm(middle, 2)) + radius)
        one_sided = max(one_sided, float(np.linalg.eigvalsh((middle + middle.T) / 2)[-1]) + radius)
    rounding = 1e-12 * lipschitz
    return lipschitz + rounding, one_sided + rounding


def _coordinate(cells: list[_Cell], i: int, adam: Adam) -> Coordinate:
    atoms = [(cell.atoms[0][i], cell.atoms[1][i]) for cell in cells]
    slopes = [(cell.slopes[0][i], cell.slopes[1][i]) for cell in cells]
    weights = [cell.probabilities for cell in cells]
    products = [
        [_product(g, (low[p], high[p])) for g, (low, high) in zip(atoms, slopes, strict=True)]
        for p in range(len(slopes[0][0]))
    ]
    squares = [_power(g, 2) for g in atoms]
    minorant, masses = _minorant(squares, weights[0])
    return Coordinate(
        largest=max(float(_magnitude(g).max()) for g in atoms),
        slope=max(float(np.linalg.norm(_magnitude(slope), axis=0).max()) for slope in slopes) * _RAISED,
        mean=_worst_mean(atoms, weights),
        root_mean_square=max(math.sqrt(float(p @ q[1])) for p, q in zip(weights, squares, strict=True)) * _RAISED,
        moments=_central_moments(atoms, weights),
        square_moments=_central_moments(squares, weights),
        product_means=tuple(_worst_mean(product, weights) for product in products),
        product_moments=tuple(_central_moments(product, weights) for product in products),
        denominators=denominator_law(minorant, masses, adam.beta2),
    )


Interval = tuple[FloatArray, FloatArray]


def _magnitude(x: Interval) -> FloatArray:
    return np.maximum(np.abs(x[0]), np.abs(x[1]))


def _product(x: Interval, y: Interval) -> Interval:
    ends = np.stack([a * b for a in x for b in y])
    slack = (_RAISED - 1) * np.abs(ends).max(axis=0)
    return ends.min(axis=0) - slack, ends.max(axis=0) + slack


def _mean(x: Interval, p: FloatArray) -> tuple[float, float]:
    low, high = float(p @ x[0]), float(p @ x[1])
    slack = (_RAISED - 1) * float(p @ _magnitude(x))
    return low - slack, high + slack


def _worst_mean(values: list[Interval], weights: list[FloatArray]) -> float:
    return max(max(map(abs, _mean(x, p))) for x, p in zip(values, weights, strict=True))


def _central_moments(values: list[Interval], weights: list[FloatArray]) -> dict[int, float]:
    """Bounds of |E(x - Ex)^k|, k = 0, 1, ..., over all cells."""
    found = {0: 1.0, 1: 0.0}
    for k in range(2, LARGEST_EXPONENT + 1):
        found[k] = 0.0
        for x, p in zip(values, weights, strict=True):
            low, high = _mean(x, p)
            power = _power((x[0] - high, x[1] - low), k)
            found[k] = max(found[k], *map(abs, _mean(power, p)))
    return found


def _power(x: Interval, k: int) -> Interval:
    if k % 2:
        return x[0] ** k, x[1] ** k
    least = np.where((x[0] <= 0) & (x[1] >= 0), 0.0, np.minimum(np.abs(x[0]), np.abs(x[1])))
    return least**k, _magnitude(x) ** k


def _minorant(squares: list[Interval], probabilities: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Values and probabilities of G: P(G >= y) is the least over the cells of P(lower end of |g| >= y)."""
    lows = [np.sqrt(square[0]) / _RAISED for square in squares]
    values = np.unique(np.concatenate(lows))
    survivals = [_survival(low, probabilities, values) for low in lows]
    survival = reduce(np.minimum, survivals)
    survival[0] = 1.0
    masses = survival - np.append(survival[1:], 0.0)
    return values[masses > 0], masses[masses > 0]


def _survival(lows: FloatArray, probabilities: FloatArray, values: FloatArray) -> FloatArray:
    """P(|g| >= v) for each value v."""
    order = np.argsort(lows)
    tails = np.append(np.cumsum(probabilities[order][::-1])[::-1], 0.0)
    return np.asarray(tails[np.searchsorted(lows[order], values, side="left")] / _RAISED)
