"""F = E[M phi(V)] for means of minibatches, by Gauss rules of their laws.

The field sees a law through E[exp(-t g^2)] and E[g exp(-t g^2)] alone, entire functions of g: a Gauss rule with few
nodes has them to rounding, unless beta2 is small. A rule of m nodes is held against one of 2m nodes (theory T4).
"""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.progress import Progress, counted_off
from adamsym.expressions.running import UNIT
from adamsym.field.batches.batch_mean import BatchMean
from adamsym.field.batches.batch_slopes import chebyshev_places, row_slopes
from adamsym.field.batches.gauss_rules import LANES, rules_of_means
from adamsym.field.batches.sparse_batches import MOST_SUMS, Mixture, change_of_law, mixtures, sparse_law
from adamsym.field.float.forms import FloatForm, float_form
from adamsym.field.float.laplace_quadrature import Quotient, check_laws, quotient
from adamsym.field.float.records import Indices
from adamsym.field.laws.law_quotient import law_quotient
from adamsym.field.values import RefusedLaws
from adamsym.gradients.batches import batch_counts, can_list
from adamsym.methods import LaplaceForm, Method

_NODES = (6, 12, 24, 48)
"""Numbers of nodes m tried in turn, each against 2m; beyond them the exact transforms cost less."""

_LAWS_AT_ONCE = 256
"""Laws that share the arrays of a step: some megabytes for each thread."""

_LEAST_ACCURACY = 1e-6
"""Errors beyond this, in units of the bound of |F|, are refused rather than stated."""

_SAFETY = 4.0
"""The estimate in units of what two differences of rules suggest."""

_LEAST_MEMORY = Fraction(1, 4)
"""For a smaller beta2, as good as no memory, single small means decide, which no polynomial sees: rules are then used
where they hold every mean."""

_NODE_ERROR = 4 * UNIT
"""Rounding errors of nodes, in units of the largest."""

_NEGLIGIBLE, _NO_WEIGHT = 1e-24, 1e-100
"""Shares of the mass and of the second moment below the first are left out; the second stands for weight 0."""

_PLACES = (16, 32, 64, 128, 256)
"""Chebyshev places tried in turn."""

_MOST_MEANS = 2**15
"""Means at which derivatives are taken one by one: some tens of milliseconds."""

_SLOPE_TOLERANCE = 10.0
"""Errors of derivatives that are allowed, in units of the tolerance and of the largest derivative."""

_MOST_DERIVATIVES = 2**18
"""The same where zeros are apart."""

_FEW_SUMS = 2**12
"""Where so few sums stand for a law with its zeros apart, they cost less than further rules."""

_RARE = 0.1
"""Sums that are not listed are so rare where the zeros apart are tried before the exact transforms."""

BoolArray = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def batch_quotient(
    atoms: FloatArray,
    probabilities: FloatArray,
    size: int,
    method: Method | LaplaceForm,
    sensitivity: bool = False,
    tolerance: float = 1e-13,
    threads: int = 1,
    progress: Progress | None = None,
) -> Quotient:
    """Return F = E[M phi(V)] where each gradient is the mean of ``size`` independent draws from a law of atoms.

    Parameters
    ----------
    atoms
        Atoms of one draw, shape (laws, n), finite.
    probabilities
        Their probabilities, shape (n,), positive, summing to 1.
    size
        Draws in a minibatch.
    method, sensitivity, tolerance, threads, progress
        As for :func:`quotient`; ``sensitivity`` is dF/dg_a for the atoms of one draw.

    Raises
    ------
    InputError
        As for :func:`quotient`; and, naming the laws, where neither Gauss rules nor the zeros apart nor the exact
        transforms (:class:`BatchMean`) come to six digits, which takes a small beta2.

    Notes
    -----
    The error estimate is the difference of two Gauss rules, of m and of 2m nodes, plus the quadrature's own, plus what
    the rounding of the nodes can change (theory T2). Gauss rules converge geometrically or faster, so that the rule of
    2m nodes errs far less than the two differ. Where 96 nodes do not meet the tolerance, laws
    of mostly zeros go by their zeros apart (:mod:`adamsym.field.batches.sparse_batches`). Otherwise the exact
    transforms are used, and where these are refused the minibatches of the values that differ, if they are few enough
    to be listed.
    """
    if size == 1 and probabilities.ndim == 1:
        return quotient(atoms, probabilities, method, sensitivity, tolerance, threads, progress)
    check_laws(atoms, probabilities, tolerance, threads)
    if probabilities.ndim != 1:
        raise InputError(
            f"probabilities: shape {probabilities.shape} is not allowed; allowed is (n,), for all laws alike"
        )
    if size < 1:
        raise InputError(f"size: {size!r} is not allowed; allowed are integers from 1 up")
    result = _empty(len(atoms), atoms.shape[1] if sensitivity else None)
    batches = _Batches(probabilities / probabilities.sum(), size, float_form(method), tolerance)

    def on(start: int) -> list[tuple[int, InputError]]:
        part = slice(start, start + _LAWS_AT_ONCE)
        found = _fill(batches, np.ascontiguousarray(atoms[part]), _rows(result, part))
        return [(start + k, error) for k, error in found]

    starts = range(0, len(atoms), _LAWS_AT_ONCE)
    sizes = (len(atoms[start : start + _LAWS_AT_ONCE]) for start in starts)
    if threads == 1 or len(starts) == 1:
        parts = list(counted_off(map(on, starts), sizes, len(atoms), progress))
    else:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(counted_off(pool.map(on, starts), sizes, len(atoms), progress))
    refused = [one for found in parts for one in found]
    if refused:
        raise RefusedLaws([k for k, _ in refused], len(atoms), refused[0][1])
    return result


class _Rules(NamedTuple):
    """Gauss rules of some laws: nodes and weights, each (laws, m)."""

    nodes: FloatArray
    weights: FloatArray

    def of(self, chosen: Indices) -> "_Rules":
        return _Rules(self.nodes[chosen], self.weights[chosen])


@dataclass(frozen=True)
class _Batches:
    """What all laws share."""

    probabilities: FloatArray
    size: int
    form: FloatForm
    tolerance: float

    def rules(self, laws: FloatArray, counts: tuple[int, ...], draws: int) -> list[_Rules]:
        """The Gauss rules of so many nodes for the sum of some draws, divided by B; the last has the most."""
        found = rules_of_means(laws, self.probabilities[None], draws, self.size, counts)
        return [_without_negligible(_Rules(*one)) for one in found]

    def are_exact(self, laws: FloatArray, nodes: int) -> BoolArray:
        """Whether so many nodes are enough for every mean that there is."""
        n = laws.shape[1]
        few = math.comb(self.size + n - 1, n - 1) <= nodes
        return np.asarray((laws.min(axis=1) == laws.max(axis=1)) | few)

    def bound(self, means: FloatArray, probabilities: FloatArray) -> FloatArray:
        """What |F| is at most, for means and probabilities (..., m)."""
        size = (np.abs(means) * probabilities).sum(axis=-1)
        return np.asarray(np.minimum(self.form.largest, self.form.absolute * size / self.form.size))

    def moved(self, means: FloatArray, found: Quotient) -> FloatArray:
        """What rounding of the means (laws, m) may change (theory T2)."""
        rounding = _NODE_ERROR * np.abs(means).max(axis=1)
        return np.asarray(rounding * (self.form.absolute + self.form.step_bound) * found.inverse)

    def unit(self, rules: _Rules) -> FloatArray:
        """What errors of F are measured in, shape (laws,): min(1, root mean square of g over 1/phi(0))."""
        squares = (rules.nodes**2 * rules.weights).sum(axis=1)
        return np.asarray(np.minimum(1.0, np.sqrt(squares) / self.form.size) + np.finfo(float).tiny)

    def stated(self, error: FloatArray, rules: _Rules) -> FloatArray:
        """An error estimate, no larger than what two values of F may differ by."""
        return np.asarray(np.minimum(error, 2 * self.bound(*rules) + np.finfo(float).tiny))

    def quotient(self, rules: _Rules, sensitivity: bool = False) -> Quotient:
        return quotient(rules.nodes, rules.weights, self.form.form, sensitivity, self.tolerance)


def _fill(batches: _Batches, laws: FloatArray, result: Quotient) -> list[tuple[int, InputError]]:
    """Fill the rows of ``result`` for a few laws; returns those that are refused."""
    pending: Indices = np.arange(len(laws))
    for nodes in _NODES:
        rules = batches.rules(laws[pending], (nodes // 2, nodes, 2 * nodes), batches.size)
        found, accepted = _by_rules(batches, laws[pending], rules)
        _put(result, pending, found)
        if result.sensitivity is not None:
            right = np.flatnonzero(accepted)
            slopes, slope_error = _slopes(batches, laws[pending[right]], nodes, rules[-1].of(right))
            result.sensitivity[pending[right]] = slopes
            accepted[right] = slope_error <= _SLOPE_TOLERANCE * batches.tolerance
        pending = pending[~accepted]
        if nodes == _NODES[0]:
            pending = _apart(batches, laws, result, pending, _FEW_SUMS, 0.0)
        if not len(pending):
            return []
    refused = []
    for k in _apart(batches, laws, result, pending, MOST_SUMS, _RARE):
        try:
            _put(result, np.array([k]), _otherwise(batches, laws[k], _rows(result, slice(k, k + 1))))
        except InputError as error:
            refused.append((int(k), error))
    return refused


def _apart(batches: _Batches, laws: FloatArray, result: Quotient, pending: Indices, most: int, rare: float) -> Indices:
    """Fill rows of laws whose zeros apart meet the tolerance; returns the others.

    Tried are laws of which at most ``most`` sums are listed and the others have no more than the probability ``rare``.
    Others keep what has the smaller error.
    """
    apart = {int(k): sparse_law(laws[k], batches.probabilities, batches.size, batches.form, most) for k in pending}
    chosen = [(k, law) for k, law in apart.items() if law is not None and law.counts[law.listed + 1 :].sum() <= rare]
    done = []
    for begin in range(0, len(chosen), LANES):
        group = chosen[begin : begin + LANES]
        for (k, _), mixture in zip(group, mixtures([law for _, law in group], batches.size), strict=True):
            found, right = _of_mixture(batches, mixture, result.sensitivity is not None)
            if right or found.error[0] < result.error[k]:
                _put(result, np.array([k]), found)
            if right:
                done.append(k)
    return pending[~np.isin(pending, done)]


def _of_mixture(batches: _Batches, mixture: Mixture, sensitivity: bool) -> tuple[Quotient, bool]:
    """The value from a law with its zeros apart, and whether it meets the tolerance."""
    form, law = batches.form, mixture.law
    rules = [_without_negligible(_Rules(*mixture.means(which))) for which in (0, 1, 2)]
    found, unit = batches.quotient(rules[-1], sensitivity), float(batches.unit(rules[-1])[0])
    error = 0.0
    if not law.is_listed:
        low, middle = (float(batches.quotient(one).value[0]) for one in rules[:2])
        last = abs(float(found.value[0]) - middle)
        error = _SAFETY * max(last, (middle - low) ** 2 / (unit * mixture.tail + np.finfo(float).tiny))
        if form.form.beta < _LEAST_MEMORY:
            error = math.inf
    largest = float(np.abs(law.values).max())
    # Sums of K values are rounded K times.
    moved = batches.moved(rules[-1].nodes, found) * (1 + law.listed / 4)
    stated = batches.stated(found.error + error + moved + law.neglected * change_of_law(form, largest), rules[-1])
    slopes, right = None, bool(error <= batches.tolerance * unit)
    if found.sensitivity is not None:
        adjoint = found.sensitivity[0, : law.sums]
        slopes, slope_error = _mixture_slopes(batches, mixture, adjoint, rules[-1])
        right = right and slope_error <= _SLOPE_TOLERANCE * batches.tolerance
    return Quotient(found.value, stated, found.inverse, slopes, found.exponentials), right


def _mixture_slopes(batches: _Batches, mixture: Mixture, adjoint: FloatArray, rule: _Rules) -> tuple[FloatArray, float]:
    """dF/dg_a (1, n) and its error, in units of the largest before the probabilities."""
    law = mixture.law

    def derivatives(places: FloatArray) -> FloatArray:
        return np.asarray(_derivatives(batches, rule, places[None])[0])

    if (len(law.values) + 1) * sum(len(one[-1][0]) for one in mixture.rules) > _MOST_DERIVATIVES:
        return np.zeros((1, len(law.places))), math.inf
    fine = mixture.slopes(adjoint, -1, derivatives)
    coarse = fine if law.is_listed else mixture.slopes(adjoint, -2, derivatives)
    largest = float(np.abs(fine).max())
    error = float(np.abs(fine - coarse).max()) / largest if largest > 0 else 0.0
    return (batches.probabilities * fine[law.places])[None], error


def _by_rules(batches: _Batches, laws: FloatArray, rules: Sequence[_Rules]) -> tuple[Quotient, BoolArray]:
    """Values from rules of 2m nodes with their estimates, and which of them meet the tolerance.

    The rules of m/2, m and 2m nodes; convergence at least doubles the digits, or the last difference is luck.
    """
    low, middle = (batches.quotient(one).value for one in rules[:2])
    found = batches.quotient(rules[-1])
    unit = batches.unit(rules[-1])
    error = _SAFETY * np.maximum(np.abs(found.value - middle), (middle - low) ** 2 / unit)
    if batches.form.form.beta < _LEAST_MEMORY:
        error[~batches.are_exact(laws, rules[0].nodes.shape[1])] = np.inf
    stated = batches.stated(found.error + error + batches.moved(rules[-1].nodes, found), rules[-1])
    return Quotient(found.value, stated, found.inverse, None, found.exponentials), error <= batches.tolerance * unit


def _slopes(batches: _Batches, laws: FloatArray, nodes: int, rules: _Rules) -> tuple[FloatArray, FloatArray]:
    """dF/dg_a for the atoms of one draw (laws, n), and their errors in units of the largest, given F's own rules."""
    rests = batches.rules(laws, (nodes, 2 * nodes), batches.size - 1)
    low = laws.min(axis=1) / batches.size + rests[1].nodes.min(axis=1)
    high = laws.max(axis=1) / batches.size + rests[1].nodes.max(axis=1)
    slopes, error = np.empty_like(laws), np.empty(len(laws))
    pending = np.arange(len(laws))
    for count in _PLACES:
        if not len(pending):
            break
        middle, half = (low + high)[pending] / 2, (high - low)[pending] / 2
        psi = _derivatives(batches, rules.of(pending), middle[:, None] + half[:, None] * chebyshev_places(count))
        others = (*rests[0].of(pending), *rests[1].of(pending))
        own, own_error = np.empty((len(pending), laws.shape[1])), np.empty(len(pending))
        row_slopes(
            laws[pending], batches.probabilities, batches.size, low[pending], high[pending], psi, others, own, own_error
        )
        slopes[pending], error[pending] = own, own_error
        pending = pending[own_error > _SLOPE_TOLERANCE * batches.tolerance]
    for k in pending:
        one = np.array([k])
        slopes[k], error[k] = _slopes_one_by_one(batches, laws[k], rules.of(one), [rest.of(one) for rest in rests])
    return slopes, error


def _slopes_one_by_one(
    batches: _Batches, law: FloatArray, rule: _Rules, rests: Sequence[_Rules]
) -> tuple[FloatArray, float]:
    """The same for one law, with the derivative in every mean that is needed: sparse laws have few.

    Where the mean is often 0, small means matter that no polynomial shows.
    """
    values, places = np.unique(law, return_inverse=True)
    found = []
    for rest in rests:
        kept = rest.weights[0] > _NO_WEIGHT
        nodes, weights = rest.nodes[0, kept], rest.weights[0, kept]
        if len(values) * len(nodes) > _MOST_MEANS:
            return np.zeros_like(law), math.inf
        means = (values / batches.size)[:, None] + nodes
        found.append(_derivatives(batches, rule, means.reshape(1, -1)).reshape(means.shape) @ weights)
    largest = float(np.abs(found[1]).max())
    error = float(np.abs(found[1] - found[0]).max()) / largest if largest > 0 else 0.0
    return batches.probabilities * found[1][places], error


def _derivatives(batches: _Batches, rules: _Rules, places: FloatArray) -> FloatArray:
    """dF/dy per unit of probability at means y, shape (laws, places)."""
    # Means of next to no probability do not change the law; the adjoint gives the derivative there all the same.
    weights = np.full(places.shape, _NO_WEIGHT)
    joined = _Rules(np.hstack([rules.nodes, places]), np.hstack([rules.weights, weights]))
    found = batches.quotient(joined, sensitivity=True).sensitivity
    assert found is not None
    return found[:, rules.nodes.shape[1] :] / _NO_WEIGHT


def _otherwise(batches: _Batches, law: FloatArray, by_rules: Quotient) -> Quotient:
    """The value from the exact transforms; where these fail from minibatches of the values there are, if they are few.

    Else that of the rules, if there is anything in it. Sparse laws have few values.
    """
    values, places = np.unique(law, return_inverse=True)
    counted: FloatArray = np.asarray(np.bincount(places, batches.probabilities), dtype=np.float64)
    p = counted / math.fsum(counted)
    sensitivity = by_rules.sensitivity is not None
    try:
        found = _by_transforms(batches, values, p, sensitivity)
    except InputError:
        if can_list(len(values), batches.size):
            found = _by_listing(batches, values, p, sensitivity)
        elif not sensitivity and by_rules.error[0] <= _LEAST_ACCURACY * batches.bound(law, batches.probabilities):
            return by_rules
        else:
            raise
    if found.sensitivity is None:
        return found
    slopes = (batches.probabilities * (found.sensitivity[0] / p)[places])[None]
    return Quotient(found.value, found.error, found.inverse, slopes, found.exponentials)


def _by_transforms(batches: _Batches, values: FloatArray, p: FloatArray, sensitivity: bool) -> Quotient:
    mean = BatchMean(values, p, batches.size)
    found = law_quotient(mean, batches.form.form, adjoints=sensitivity)
    slopes = None if found.adjoints is None else mean.sensitivity(found.adjoints)[None]
    value, error, inverse = np.array([[found.value], [found.error], [found.inverse]])
    return Quotient(value, error, inverse, slopes, np.zeros(1, dtype=np.int_))


def _by_listing(batches: _Batches, values: FloatArray, p: FloatArray, sensitivity: bool) -> Quotient:
    shares, weights = batch_counts(p, batches.size)
    means = (shares @ values)[None]
    found = quotient(means, weights, batches.form.form, sensitivity, batches.tolerance)
    slopes = None if found.sensitivity is None else found.sensitivity @ shares
    return Quotient(found.value, found.error + batches.moved(means, found), found.inverse, slopes, found.exponentials)


def _without_negligible(rules: _Rules) -> _Rules:
    """The rules with nodes of next to no probability moved to the heaviest: they would only widen the grid."""
    y, p = rules
    square = (y**2 * p).sum(axis=1, keepdims=True)
    share = p * np.maximum(1.0, y**2 / np.where(square > 0, square, 1.0))
    heaviest = np.take_along_axis(y, p.argmax(axis=1, keepdims=True), axis=1)
    kept = share > _NEGLIGIBLE
    return _Rules(np.where(kept, y, heaviest), np.where(kept, p, _NO_WEIGHT))


def _empty(laws: int, atoms: int | None) -> Quotient:
    slopes = None if atoms is None else np.empty((laws, atoms))
    value, error, inverse = np.empty((3, laws))
    return Quotient(value, error, inverse, slopes, np.zeros(laws, dtype=np.int_))


def _rows(result: Quotient, part: slice) -> Quotient:
    """A view of some rows."""
    slopes = None if result.sensitivity is None else result.sensitivity[part]
    return Quotient(result.value[part], result.error[part], result.inverse[part], slopes, result.exponentials[part])


def _put(result: Quotient, rows: Indices, found: Quotient) -> None:
    result.value[rows], result.error[rows], result.inverse[rows] = found.value, found.error, found.inverse
    result.exponentials[rows] = found.exponentials
    if result.sensitivity is not None and found.sensitivity is not None:
        result.sensitivity[rows] = found.sensitivity
