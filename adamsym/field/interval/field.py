"""The gradients' laws and the field over many boxes at once, in float64 intervals rounded outward."""

from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.ranges import Range
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, outward
from adamsym.field.ball.enclosure import lists_minibatches, minibatches
from adamsym.field.interval.arrays import BoolArray, IntArray
from adamsym.field.interval.exclusion import deviations, thresholds
from adamsym.field.interval.instructions import evaluate
from adamsym.field.interval.law import enclose_laws
from adamsym.field.interval.linear import batch_means, expectations, field_of_quotients, meet_mean_value_form, shifts_of
from adamsym.field.interval.tables import tables_of
from adamsym.field.interval.tape import NotCovered, Tape, interval_of, tape_of
from adamsym.gradients import Empirical, Problem, SymbolicGradient
from adamsym.methods import LaplaceForm


@dataclass(frozen=True)
class RowsOver:
    """Rows' gradients over boxes X (m, d, 2), those at points ``middles`` in them, and their Jacobians.

    ``shifts`` hold X - m. The gradients over X are ``plain`` (m, d, n, 2), and as ``atoms`` met with their mean-value
    forms; ``centers`` are those at the points; ``slopes`` are (m, d, d, n, 2); n numbers the minibatches. ``known``
    (m,) says where they are proven to be finite and, of every row, continuous; the rest has no meaning.
    """

    boxes: FloatArray
    middles: FloatArray
    shifts: FloatArray
    plain: FloatArray
    atoms: FloatArray
    centers: FloatArray
    slopes: FloatArray
    known: BoolArray

    def of(self, chosen: IntArray) -> "RowsOver":
        """Return some of the boxes."""
        return RowsOver(*(np.ascontiguousarray(entry[chosen]) for entry in vars(self).values()))


class IntervalRows:
    """The gradients of a problem's rows over many boxes at once. All that it returns depends on each box alone.

    Raises
    ------
    NotCovered
        For expressions that this arithmetic does not cover; those are left to balls. Expressions that are real only
        under conditions are among them.
    """

    def __init__(self, problem: SymbolicGradient) -> None:
        if problem.domain or not isinstance(problem.law, Empirical):
            raise NotCovered("conditions or continuous laws")
        if not lists_minibatches(problem):
            raise NotCovered("minibatches that are not listed")
        self.dimension = problem.dimension
        symbols = (*problem.parameters, *problem.columns)
        with ball_arithmetic():
            self._gradient = tape_of(symbols, problem.gradient_expressions)
            self._both = tape_of(symbols, (*problem.gradient_expressions, *problem.jacobian_expressions))
            self._loss = tape_of(symbols, [problem.loss]) if isinstance(problem, Problem) else None
            self._columns = np.array([[interval_of(x) for x in row] for row in problem.law.exact_rows])
            batches = minibatches(problem)
            self.shares = np.array([outward(probability) for _, probability in batches])
            self._starts = np.cumsum([0, *(len(shares) for shares, _ in batches)])
            self._rows = np.array([row for shares, _ in batches for row, _ in shares])
            self._portions = np.array([interval_of(share) for shares, _ in batches for _, share in shares])
            self._pieces = problem.pieces
            self._switches = None if self._pieces is None else tape_of(symbols, self._pieces.written_switches)
        self._columns = self._columns.reshape(len(problem.law.exact_rows), len(problem.columns), 2)
        self._listed = problem.batch_size > 1
        self._places, self._symmetric = problem.jacobian_places, problem.is_symmetric
        self.operations = len(self._both.code) + len(self._gradient.code)
        self.operations = 1 + self.operations * len(self._columns) // SPEED

    def with_form(self, form: LaplaceForm) -> "IntervalField":
        """Return the field of a form, whose numbers may be ranges: what it returns holds for all in them.

        Raises
        ------
        NotCovered
            For forms that this arithmetic does not cover.
        """
        found = IntervalField.__new__(IntervalField)
        vars(found).update(vars(self))
        found._take(form)
        return found

    def rows_over(self, boxes: FloatArray, middles: FloatArray) -> RowsOver:
        """Return the gradients over boxes (m, d, 2) and at points ``middles`` (m, d) in them."""
        d, points = self.dimension, np.stack([middles, middles], axis=-1)
        values, known = self._evaluated(self._both, boxes)
        centers, known_centers = self._evaluated(self._gradient, points)
        entries = values[:, d:]
        slopes = np.empty((len(boxes), d, d, *values.shape[2:]))
        for k, (i, j) in enumerate(self._places):
            slopes[:, i, j] = entries[:, k]
            if self._symmetric:
                slopes[:, j, i] = entries[:, k]
        plain, shifts = np.ascontiguousarray(values[:, :d]), shifts_of(boxes, middles)
        atoms = plain.copy()
        meet_mean_value_form(atoms, slopes, centers, shifts)
        known &= known_centers & self._are_continuous(boxes)
        return RowsOver(boxes, middles, shifts, plain, atoms, centers, slopes, known)

    def _are_continuous(self, boxes: FloatArray) -> BoolArray:
        """Whether every row's gradient is proven to be continuous over each of the boxes (m,)."""
        if self._pieces is None or self._switches is None:
            return np.ones(len(boxes), dtype=np.bool_)
        values, known = self._of_rows(self._switches, boxes)
        signs = np.moveaxis((values[..., 0] > 0).astype(np.int64) - (values[..., 1] < 0), 1, -1)
        patterns, which = np.unique(signs.reshape(-1, signs.shape[-1]), axis=0, return_inverse=True)
        allowed = np.array([self._pieces.is_continuous(pattern.tolist()) for pattern in patterns])
        return np.asarray(known & allowed[which].reshape(signs.shape[:-1]).all(axis=-1))

    def means(self, values: FloatArray) -> FloatArray:
        """Return the means (m, .., 2) of values (m, .., n, 2) over the minibatches."""
        flat = np.ascontiguousarray(values).reshape(len(values), -1, *values.shape[-2:])
        return expectations(flat, self.shares).reshape(*values.shape[:-2], 2)

    def _evaluated(self, tape: Tape, boxes: FloatArray) -> tuple[FloatArray, BoolArray]:
        values, known = self._of_rows(tape, boxes)
        return (batch_means(values, self._starts, self._rows, self._portions) if self._listed else values), known

    def _of_rows(self, tape: Tape, boxes: FloatArray) -> tuple[FloatArray, BoolArray]:
        values = np.zeros((len(boxes), len(tape.outputs), len(self._columns), 2))
        known = np.empty(len(boxes), dtype=np.bool_)
        evaluate(tape.code, tape.first, tape.second, tape.constants, tape.outputs, boxes, self._columns, values, known)
        values[~known] = 0.0
        return values, known

    def losses(self, boxes: FloatArray) -> FloatArray:
        """Return the mean loss over boxes, (m, 2); nan where it is not proved to be finite."""
        assert self._loss is not None
        values, known = self._evaluated(self._loss, boxes)
        found = self.means(values)[:, 0]
        found[~known] = np.nan
        return found


class IntervalField(IntervalRows):
    """A field with a Laplace form, over many boxes at once.

    Raises
    ------
    NotCovered
        As for the rows, and for forms that this arithmetic does not cover.
    """

    def __init__(self, problem: SymbolicGradient, form: LaplaceForm) -> None:
        super().__init__(problem)
        self._take(form)

    def _take(self, form: LaplaceForm) -> None:
        with ball_arithmetic():
            tables = tables_of(form)
            if tables is None:
                raise NotCovered("the form")
            decay = outward(ball(form.decay)) if isinstance(form.decay, Range) else interval_of(form.decay)
        self.tables, self.decay = tables, np.array(decay)
        self._signed = form.weights.nonnegative and form.weights.total > 0

    def sign_thresholds(self, rows: RowsOver, plain: bool) -> FloatArray:
        """Return bounds of q sigma_i (m, d), which |E g_i| does not exceed where F_i = 0, or infinity.

        With ``plain`` they are those of the plain atoms with N-Lemma 4's q, as checkers have them; else N-Lemma 1's, of
        the atoms in mean-value form.
        """
        if not self._signed:
            return np.full(rows.boxes.shape[:2], np.inf)
        constants, root_plus_eps = self.tables.constants, self.tables.root_plus_eps
        apart = deviations(rows.plain, self.means(rows.plain))
        if not plain:
            slopes = rows.slopes.reshape(len(rows.boxes), -1, *rows.slopes.shape[-2:])
            around = deviations(slopes, self.means(slopes)).reshape(rows.slopes.shape)
            centers = deviations(rows.centers, self.means(rows.centers))
            meet_mean_value_form(apart, around, centers, rows.shifts)
        atoms = rows.plain if plain else rows.atoms
        return thresholds(atoms, apart, self.shares, constants, root_plus_eps)

    def over(self, rows: RowsOver, tolerance: float) -> tuple[FloatArray, IntArray]:
        """Return f and Df over the boxes, (m, d, 1 + d, 2), and the lags walked for each, -1 if out of range: (m,)."""
        return self._field(rows.atoms, rows.slopes, rows.boxes, tolerance)

    def at_middles(self, rows: RowsOver, tolerance: float) -> tuple[FloatArray, IntArray]:
        """Return the same of f at the midpoints, (m, d, 1, 2)."""
        points = np.stack([rows.middles, rows.middles], axis=-1)
        return self._field(rows.centers, rows.slopes[:, :, :0], points, tolerance)

    def _field(
        self, atoms: FloatArray, slopes: FloatArray, boxes: FloatArray, tolerance: float
    ) -> tuple[FloatArray, IntArray]:
        m, d, n = atoms.shape[:3]
        k = slopes.shape[2]
        found = np.empty((m * d, 1 + k, 2))
        flat = np.ascontiguousarray(slopes).reshape(m * d, k, n, 2)
        lags = enclose_laws(self.tables, atoms.reshape(m * d, n, 2), self.shares, flat, tolerance, found)
        found = found.reshape(m, d, 1 + k, 2)
        field_of_quotients(found, self.decay, boxes)
        lags = lags.reshape(m, d)
        return found, np.where(lags.min(axis=1) < 0, -1, lags.sum(axis=1))

    def quadrature_operations(self, lags: int) -> int:
        """Return what budgets count for f and its derivatives over a box, for which so many lags were walked."""
        atoms, d = len(self.shares), self.dimension
        return (200 * atoms * d * (3 + 3 * d) + max(0, lags) * atoms * (12 + 4 * d)) // SPEED


SPEED = 40
"""Operations on these intervals in the time of one on balls, about: what budgets count."""
