"""The field of reshuffled rows: exact expectations over the orders of few rows (theory N-Proposition 11).

The orders of different epochs are independent, so that E[M exp(-s V)] is made of one epoch's expectations B(s) =
E exp(-s V_P) and A(s) = E[M_P exp(-s V_P)], at s, s beta^P, s beta^2P, ...: log B and A/B are interpolated in log s,
and sums over all past epochs come from doubling their number. Then the trapezoidal rule of T5 in log s.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.running import UNIT
from adamsym.field.epochs.arrangements import Arrangements
from adamsym.field.epochs.periodic import EpochValue, remaining
from adamsym.field.epochs.tables import Table
from adamsym.field.float.forms import FloatForm, require_parts
from adamsym.methods.kernels import complementary_ratio

_SPACING = 0.2
"""Of the rule: it errs by 1e-18 of the step bound (theory T5)."""

_LEFT = math.log(1e-34)
"""What lies left of s = 1e-34/(1 + eps)^2, where E g^2 = 1, is 1e-17 of the whole."""

_NODES_AT_ONCE = 2**22
"""Exponentials that are held at once."""

_STEP = 1e-30
"""The complex step, as a share of the gradients' size: its square is lost in rounding."""


def shuffled_field(
    rows: FloatArray,
    form: FloatForm,
    arrangements: Arrangements,
    errors: FloatArray | None = None,
    sensitivity: bool = False,
) -> EpochValue:
    """Return F of rows' gradients (n, rows, d); ``errors`` bounds how far they may be off.

    Raises
    ------
    NotApplicable
        If the method has another kernel than those built in, or lag weights beyond the newest that are not geometric.
    """
    require_parts(form, "the field of reshuffled rows")
    first = [arrangements.kinds.index(kind) for kind in range(len(arrangements.numbers))]
    value, error = np.empty((len(rows), rows.shape[2])), np.empty((len(rows), rows.shape[2]))
    slopes = np.empty_like(rows)
    for n, i in np.ndindex(value.shape):
        kinds = rows[n, first, i]
        found = shuffled_quotient(kinds, form, arrangements)
        off = 0.0 if errors is None else errors[n, :, i].max() + 8 * UNIT * np.abs(kinds).max()
        value[n, i], error[n, i] = found.value.real, found.error
        error[n, i] += off * (form.absolute + form.step_bound) * found.inverse if off else 0.0
        if sensitivity:
            slopes[n, :, i] = shuffled_slopes(kinds, form, arrangements)[list(arrangements.kinds)]
    return EpochValue(value, error, slopes if sensitivity else None)


@dataclass(frozen=True)
class ShuffledValue:
    """F of one coordinate, an estimate of its error, and E phi(V), by which changes of the gradients change F."""

    value: complex
    error: float
    inverse: float


@dataclass(frozen=True)
class _Step:
    """What the present epoch adds to M and V at one of its steps, for each sequence of batches up to there."""

    numerator: FloatArray
    squares: FloatArray
    probabilities: FloatArray


class _Epoch:
    """The expectations over one epoch for the gradients of the kinds of rows, scaled to E g^2 = 1."""

    def __init__(self, kinds: FloatArray, form: FloatForm, arrangements: Arrangements) -> None:
        self.form, weights = form.form, form.form.weights
        self.beta, self.count = float(self.form.beta), arrangements.epoch.batches
        self.ratios = [float(ratio) for _, ratio in weights.terms]
        self.decay, self.decays = _decay(self.form.beta), [_decay(ratio) for _, ratio in weights.terms]
        batches = arrangements.shares @ kinds
        lags = np.arange(self.count, dtype=np.float64)
        each = [float(amount) * _powers(float(ratio), lags) for amount, ratio in weights.terms]
        numerator = sum(each, np.zeros(self.count))
        numerator[: len(weights.head)] += [float(head) for head in weights.head]
        squares = float(1 - self.form.beta) * _powers(self.beta, lags)
        self.steps = []
        for prefix in arrangements.prefixes:
            newest_first = batches[prefix.batches[:, ::-1]]
            size = newest_first.shape[1]
            parts = newest_first @ numerator[:size], newest_first**2 @ squares[:size]
            self.steps.append(_Step(*parts, prefix.probabilities))
        self.past = [newest_first @ one for one in each]
        # The least V: what the present epoch has at least, and the past ones.
        whole = self.steps[-1].squares.real.min() / (remaining(self.form.beta, self.count))
        own = [step.squares.real.min() + self.beta ** (j + 1) * whole for j, step in enumerate(self.steps)]
        self.least = max(0.0, min(own))


def _decay(ratio: Fraction) -> float:
    """-log(ratio), to a few units in the last place also near 1."""
    return -math.log1p(-float(1 - ratio)) if ratio else math.inf


def _powers(ratio: float, lags: FloatArray) -> FloatArray:
    return np.asarray(ratio**lags)


def shuffled_quotient(kinds: FloatArray, form: FloatForm, arrangements: Arrangements) -> ShuffledValue:
    """Return F of one coordinate of the gradients of the kinds of rows, (kinds,), real or complex next to real."""
    numbers = arrangements.numbers
    largest = float(np.abs(kinds.real).max())
    if largest == 0:
        return ShuffledValue(0.0, 0.0, 1 / form.size)
    # No square leaves the range of floats.
    scale = largest * math.sqrt(float((numbers * (kinds.real / largest) ** 2).sum() / numbers.sum()))
    eps = form.eps / scale**2 if form.eps_inside_root else form.eps / scale
    size = math.sqrt(eps) if form.eps_inside_root else eps
    epoch = _Epoch(kinds / scale, form, arrangements)
    # Beyond the last node exp(-s V), or what is left of the kernel, is lost in rounding.
    right = (78 - 2 * math.log(size)) if size < 1 else 78.0
    if epoch.least > 0:
        right = min(right, math.log((45 - min(0.0, math.log(size))) / epoch.least))
    left = _LEFT - 2 * math.log1p(size)
    x = _SPACING * np.arange(math.floor(left / _SPACING), math.ceil(right / _SPACING) + 1, dtype=np.float64)
    s = np.exp(x)
    cutoff = np.exp(-eps * s) if form.eps_inside_root else complementary_ratio(eps * np.sqrt(s))
    weights = _SPACING * np.sqrt(s / np.pi) * cutoff
    sums = _Past(epoch, x[-1])
    integrand, mass, moduli = np.zeros(len(x), complex), np.zeros(len(x)), np.zeros(len(x))
    for j, step in enumerate(epoch.steps, start=1):
        added = _of_step(epoch, sums, step, j, x)
        integrand, mass, moduli = integrand + added[0], mass + added[1], moduli + added[2]
    value = complex(weights @ integrand) / epoch.count
    whole = float(weights @ moduli) / epoch.count
    error = whole * (64 * UNIT + 2 * sums.error) + 1e-17 * form.most(np.array(scale)).item()
    return ShuffledValue(value, error, float(weights @ mass) / epoch.count / scale)


def shuffled_slopes(kinds: FloatArray, form: FloatForm, arrangements: Arrangements) -> FloatArray:
    """Return dF/dg for a row of each kind, (kinds,), by complex steps: no differences cancel."""
    size = float(np.abs(kinds).max()) * _STEP or _STEP
    found = []
    for kind, number in enumerate(arrangements.numbers):
        moved = kinds.astype(complex)
        moved[kind] += 1j * size
        found.append(shuffled_quotient(moved, form, arrangements).value.imag / size / number)
    return np.array(found)


class _Past:
    """Sums over all epochs before the present one, as functions of log s where they are 1."""

    def __init__(self, epoch: _Epoch, right: float) -> None:
        self.epoch, last = epoch, epoch.steps[-1]
        self.error = 0.0
        if epoch.beta == 0:
            return
        shift = epoch.count * epoch.decay
        left = math.log(1e-17 / max(float(last.squares.real.max()), 1e-300))
        table = Table(left, max(right, left + 1))
        exponents, ratios = _transforms(last, epoch.past, table.nodes)
        self.error = max(table.error(one) for one in (exponents, *ratios))
        self.exponent = table.summed(exponents, shift, shift)
        self.numerators = [
            table.summed(one, shift, epoch.count * decay) for one, decay in zip(ratios, epoch.decays, strict=True)
        ]
        self.table = table

    def at(self, x: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
        """Return sum_e beta^(eP) U(s beta^(eP)), U = -log B/s, and each term's sum_e r^(eP) A/B."""
        if self.epoch.beta == 0:
            return np.zeros(len(x)), [np.zeros(len(x)) for _ in self.epoch.ratios]
        basis = self.table.basis(x)
        return self.table.values(self.exponent, basis), [self.table.values(one, basis) for one in self.numerators]


def _transforms(step: _Step, numerators: list[FloatArray], x: FloatArray) -> tuple[FloatArray, list[FloatArray]]:
    """U = -log B/s and each A/B at s = exp(x), for a whole epoch."""
    s, least = np.exp(x), float(step.squares.real.min())
    excess, p = step.squares - least, step.probabilities
    exponents, ratios = np.empty(x.shape, excess.dtype), [np.empty(x.shape, one.dtype) for one in numerators]
    # While all exponentials are near 1 their logarithm must not lose what is left; beyond, no difference is taken.
    near = int(np.searchsorted(s * max(float(excess.real.max()), 1e-300), 0.5))
    width = max(1, _NODES_AT_ONCE // len(p))
    ends = sorted({*range(0, len(x), width), near, len(x)})
    for part in (slice(first, last) for first, last in pairwise(ends)):
        powers, own = -s[part, None] * excess, (np.expm1 if part.start < near else np.exp)
        powers = own(powers)
        less = powers @ p
        exponents[part] = least - (np.log1p(less) if part.start < near else np.log(less)) / s[part]
        for ratio, one in zip(ratios, numerators, strict=True):
            weighed = powers @ (one * p)
            ratio[part] = (one @ p + weighed) / (1 + less) if part.start < near else weighed / less
    return exponents, ratios


def _of_step(
    epoch: _Epoch, past: _Past, step: _Step, j: int, x: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """E[M exp(-s V)] at the j-th step of an epoch, E exp(-s V), and the first with the moduli of M's parts."""
    shifted = x if epoch.beta == 0 else x - j * epoch.decay
    exponent, numerators = past.at(shifted)
    carried = sum((r**j * one for r, one in zip(epoch.ratios, numerators, strict=True)), np.zeros(len(x)))
    s, scaled = np.exp(x), np.exp(shifted) * exponent
    found = np.zeros(len(x), complex), np.zeros(len(x)), np.zeros(len(x))
    width = max(1, _NODES_AT_ONCE // len(step.squares))
    for part in (slice(start, start + width) for start in range(0, len(x), width)):
        powers = np.exp(-s[part, None] * step.squares - scaled[part, None]) * step.probabilities
        mass = powers.sum(axis=1)
        found[0][part] = powers @ step.numerator + mass * carried[part]
        found[1][part] = mass.real
        found[2][part] = np.abs(powers) @ np.abs(step.numerator) + np.abs(mass * carried[part])
    return found
