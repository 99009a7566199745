"""The hypotheses of the bound as constants over a box K, from enclosures of gradients, Hessians and the field.

K is cut into cells; over each cell the gradient atoms and their slopes are enclosed, and the constants are the worst of
the cells. The enclosures are rigorous; sums and roots of them are float64, raised by a part in 1e12.
"""

import math
from dataclasses import dataclass
from functools import reduce

import numpy as np

from adamsym.dynamics.bound.denominators import DenominatorLaw, denominator_law
from adamsym.dynamics.bound.moments import LARGEST_EXPONENT, CentralMoments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.enclosure import divided, field_of, gradient_laws, hulls, listed_laws
from adamsym.field.interval.field import IntervalField
from adamsym.field.interval.tape import NotCovered
from adamsym.gradients import Empirical, SymbolicGradient
from adamsym.methods import Adam, LaplaceForm, require_laplace

CELLS = 36
"""Cells of K at most, for the gradients' constants."""

FIELD_CELLS = 64
"""Cells at most for the field's; each costs some milliseconds in balls."""

TOLERANCE = 1e-9
"""Share of the scale that what the intervals leave out may have: the cells' widths add far more."""

SMALL_EXCESS = 0.03
"""Share of |Df| that the width of cells may add before they are halved."""

_RAISED = 1 + 1e-12

Interval = tuple[FloatArray, FloatArray]


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
        Central moments of g and of g^2.
    product_means, product_moments
        For each parameter p, |E g d_p g| and the central moments of g d_p g.
    denominators
        A law below every denominator r, scaled by (beta)^(1/2) (Lemma 0).
    """

    largest: float
    slope: float
    mean: float
    root_mean_square: float
    moments: CentralMoments
    square_moments: CentralMoments
    product_means: tuple[float, ...]
    product_moments: tuple[CentralMoments, ...]
    denominators: DenominatorLaw

    @property
    def product_mean(self) -> float:
        """Nu, the Euclidean norm of ``product_means``: the mean of g^2 is Lipschitz with constant 2 nu."""
        return math.hypot(*self.product_means)


@dataclass(frozen=True)
class Hypotheses:
    """All constants over K.

    Attributes
    ----------
    field_size
        An upper bound of |f|, Euclidean.
    lipschitz
        L_f, a Lipschitz constant of f in the Euclidean norm.
    one_sided
        l, the largest eigenvalue of f's symmetrised Jacobian: <f(x) - f(y), x - y> <= l |x - y|^2.
    """

    coordinates: tuple[Coordinate, ...]
    field_size: float
    lipschitz: float
    one_sided: float


@dataclass(frozen=True)
class _Cell:
    """Lower and upper ends of the atoms (d, n) and slopes (d, d, n), and probabilities (n,)."""

    atoms: Interval
    slopes: Interval
    probabilities: FloatArray


def hypotheses(problem: SymbolicGradient, adam: Adam, region: FloatArray) -> Hypotheses:
    """Return the constants over the box ``region``, shape (d, 2).

    Raises
    ------
    InputError
        If the data are not finitely many rows, the loss has kinks, or its gradients are not bounded over the box.
    """
    if not isinstance(problem.law, Empirical):
        raise NotApplicable("data: the bound needs bounded gradients: finitely many rows, not a continuous law")
    if not problem.is_smooth:
        raise NotApplicable(f"{problem.place}: the bound needs expressions without Abs, Max or Min")
    with ball_arithmetic():
        cells = [_enclosed(problem, cell) for cell in divided(region, CELLS)]
        if not all(np.isfinite(end).all() for cell in cells for end in (*cell.atoms, *cell.slopes)):
            what = f"{problem.component} or its Jacobian"
            raise InputError(f"{problem.place}: {what} is not bounded over the region; take a smaller one")
        field_size, lipschitz, one_sided = field_bounds(problem, adam, region)
    coordinates = tuple(_coordinate(cells, i, adam) for i in range(problem.dimension))
    return Hypotheses(coordinates, field_size, lipschitz, one_sided)


def largest_gradients(problem: SymbolicGradient, region: FloatArray) -> FloatArray:
    """Return an upper bound of |g_i| over a box (d, 2) for each coordinate i, shape (d,)."""
    with ball_arithmetic():
        laws = [gradient_laws(problem, hulls(cell), slopes=False) for cell in divided(region, CELLS)]
        return np.array([max(outward(law[i].max_abs)[1] for law in laws) for i in range(problem.dimension)])


def _enclosed(problem: SymbolicGradient, cell: FloatArray) -> _Cell:
    laws = listed_laws(problem, hulls(cell))
    atoms = np.array([[outward(atom) for atom in law.atoms] for law in laws])
    slopes = np.array([[[outward(slope) for slope in column] for column in law.slopes] for law in laws])
    upper = np.array([outward(p)[1] for p in laws[0].probabilities])
    return _Cell((atoms[..., 0], atoms[..., 1]), (slopes[..., 0], slopes[..., 1]), upper)


@dataclass(frozen=True)
class _FieldCell:
    """Bounds over one cell: |f|, |Df|, its symmetric part's largest eigenvalue; ``excess`` is what the width adds."""

    cell: FloatArray
    size: float
    norm: float
    eigenvalue: float
    excess: float


def field_bounds(problem: SymbolicGradient, adam: Adam, region: FloatArray) -> tuple[float, float, float]:
    """Return bounds of |f|, of |Df| and of the largest eigenvalue of its symmetric part, from enclosures.

    Cells that bound |Df| or the eigenvalue are halved until their width adds little, or the budget is spent.
    """
    form = require_laplace(adam, "the pseudo-trajectory bound")
    intervals = _intervals(problem, form)
    cells = _fields_over(problem, form, intervals, [region])
    while len(cells) < FIELD_CELLS:
        steepest = max(range(len(cells)), key=lambda k: cells[k].norm)
        highest = max(range(len(cells)), key=lambda k: cells[k].eigenvalue)
        allowed = SMALL_EXCESS * cells[steepest].norm
        wide = [k for k in (steepest, highest) if cells[k].excess == math.inf or cells[k].excess > allowed]
        if not wide:
            break
        cells += _fields_over(problem, form, intervals, _halves(cells.pop(wide[len(cells) % len(wide)]).cell))
    largest = [max(one.size for one in cells), max(one.norm for one in cells), max(one.eigenvalue for one in cells)]
    if not np.isfinite(largest).all():
        return math.inf, math.inf, math.inf
    size, lipschitz, one_sided = largest
    return size * _RAISED, lipschitz * _RAISED, one_sided + (_RAISED - 1) * lipschitz


def _intervals(problem: SymbolicGradient, form: LaplaceForm) -> IntervalField | None:
    """The field in float64 intervals, a tenth of the balls' cost; None if these do not cover it."""
    try:
        return IntervalField(problem, form)
    except NotCovered:
        return None


def _fields_over(
    problem: SymbolicGradient, form: LaplaceForm, intervals: IntervalField | None, cells: list[FloatArray]
) -> list[_FieldCell]:
    """Bounds over cells, by float64 intervals where these are in range, else by balls."""
    if intervals is None:
        return [_field_over(problem, form, cell) for cell in cells]
    boxes = np.array(cells)
    rows = intervals.rows_over(boxes, boxes.mean(axis=-1))
    ends, lags = intervals.over(rows, TOLERANCE)
    return [
        _cell(cell, own[:, 0], own[:, 1:]) if known and walked >= 0 else _field_over(problem, form, cell)
        for cell, own, known, walked in zip(cells, ends, rows.known, lags, strict=True)
    ]


def _field_over(problem: SymbolicGradient, form: LaplaceForm, cell: FloatArray) -> _FieldCell:
    found = field_of(gradient_laws(problem, hulls(cell), slopes=True), form)
    values = np.array([outward(value) for value in found.value])
    return _cell(cell, values, np.array([[outward(entry) for entry in row] for row in found.jacobian]))


def _cell(cell: FloatArray, values: FloatArray, ends: FloatArray) -> _FieldCell:
    """The bounds from the ends of f (d, 2) and of Df (d, d, 2)."""
    size = math.hypot(*np.abs(values).max(axis=-1))
    if not np.isfinite(ends).all():
        return _FieldCell(cell, size, math.inf, math.inf, math.inf)
    middle, radius = ends.mean(axis=-1), float(np.linalg.norm((ends[..., 1] - ends[..., 0]) / 2))
    norm = float(np.linalg.norm(middle, 2)) + radius
    return _FieldCell(cell, size, norm, float(np.linalg.eigvalsh((middle + middle.T) / 2)[-1]) + radius, radius)


def _halves(cell: FloatArray) -> list[FloatArray]:
    side = int(np.argmax(cell[:, 1] - cell[:, 0]))
    middle = float(cell[side].mean())
    lower, upper = cell.copy(), cell.copy()
    lower[side, 1] = upper[side, 0] = middle
    return [lower, upper]


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


def _central_moments(values: list[Interval], weights: list[FloatArray]) -> CentralMoments:
    centred = []
    for x, p in zip(values, weights, strict=True):
        low, high = _mean(x, p)
        centred.append((x[0] - high, x[1] - low))
    scale = max(float(_magnitude(x).max()) for x in centred)
    found = {0: 1.0, 1: 0.0}
    for k in range(2, LARGEST_EXPONENT + 1):
        powers = [_power((x[0] / (scale or 1.0), x[1] / (scale or 1.0)), k) for x in centred]
        found[k] = max(max(map(abs, _mean(x, p))) for x, p in zip(powers, weights, strict=True))
    return CentralMoments(scale * _RAISED, found)


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
