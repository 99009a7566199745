"""The field of gradients that repeat: after P steps the moments do so too, and f is a mean over P steps.

With g_0, ..., g_{P-1} in the order of the steps and indices modulo P, a geometric lag weight a r^k has
sum_{k>=0} a r^k g_{j-k} = a/(1 - r^P) sum_{k<P} r^k g_{j-k}, and F = (1/P) sum_j M_j phi(V_j): a finite sum.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.running import UNIT
from adamsym.field.float.forms import FloatForm
from adamsym.gradients.sampling import Epoch, batch_means
from adamsym.methods import LaplaceForm
from adamsym.methods.laplace import Kernel

_STEPS = 24
"""Roundings of a product, a root and a quotient, beside those of the sums."""


@dataclass(frozen=True)
class EpochValue:
    """F, with what rounding may have done and what errors of the gradients change, each (n, d).

    ``sensitivity`` holds the derivatives of F in the rows' gradients, shape (n, rows, d), if it was asked for.
    """

    value: FloatArray
    error: FloatArray
    sensitivity: FloatArray | None = None


def periodic_field(
    rows: FloatArray, form: FloatForm, epoch: Epoch, errors: FloatArray | None = None, sensitivity: bool = False
) -> EpochValue:
    """Return F of rows' gradients (n, rows, d), always in this order; ``errors`` bounds how far they may be off.

    Exact up to rounding, about log2(P) units in the last place of the sum of |c_k g_k| phi(V).
    """
    exact, gradients, count = form.form, batch_means(rows, epoch), epoch.batches
    numerator, squares = _numerator(gradients, exact), periodic_sum(gradients**2, *_square_weights(exact), count)
    phi = exact.kernel.of(squares)
    own = UNIT * (_STEPS + 4 * math.log2(count)) * _numerator(np.abs(gradients), exact, absolute=True)
    if errors is not None:
        summing = 2 * UNIT * math.log2(2 * epoch.batch_size) * np.abs(rows) if epoch.batch_size > 1 else 0.0
        off = batch_means(errors + summing, epoch)
        roots = np.sqrt(periodic_sum(off**2, *_square_weights(exact), count))
        own += _numerator(off, exact, absolute=True) + form.step_bound * roots
    value, error = (numerator * phi).mean(axis=1), (own * phi).mean(axis=1)
    if not sensitivity:
        return EpochValue(value, error)
    sizes = np.array([epoch.size(k) for k in range(count)])
    slopes = np.zeros_like(rows)
    found = _sensitivity(gradients, numerator, squares, phi, exact) / sizes[:, None]
    slopes[:, : epoch.used] = np.repeat(found, sizes, axis=1)
    return EpochValue(value, error, slopes)


def _sensitivity(
    gradients: FloatArray, numerator: FloatArray, squares: FloatArray, phi: FloatArray, form: LaplaceForm
) -> FloatArray:
    """The derivatives of F in the gradients: the sums over lags, transposed."""
    count = gradients.shape[1]
    slope = np.zeros_like(squares)
    positive = squares > 0
    slope[positive] = numerator[positive] * kernel_slope(form.kernel)(squares[positive])
    by_numerator = _numerator(np.flip(phi, 1), form)
    by_squares = periodic_sum(np.flip(slope, 1), *_square_weights(form), count)
    return np.asarray((np.flip(by_numerator, 1) + 2 * gradients * np.flip(by_squares, 1)) / count)


def periodic_sum(values: FloatArray, amount: Fraction, ratio: Fraction, count: int) -> FloatArray:
    """Return sum_{k>=0} amount ratio^k x_{j-k} for x (n, P, d), indices modulo P = ``count``; ratio^0 is 1.

    By doubling the number of lags: all terms have the sign of the amount, and nothing cancels that does not in x.
    """
    total, done, r = np.zeros_like(values), 0, float(ratio)
    for length, block in _doubled(values, r, count):
        if count & length:
            total += r**done * np.roll(block, done, axis=1)
            done += length
    return total * (float(amount) / remaining(ratio, count))


def _doubled(values: FloatArray, ratio: float, count: int) -> Iterator[tuple[int, FloatArray]]:
    """Sums over 1, 2, 4, ... lags, up to ``count``."""
    length, block = 1, values
    while length <= count:
        yield length, block
        block = block + ratio**length * np.roll(block, length, axis=1)
        length *= 2


def remaining(ratio: Fraction, count: int) -> float:
    """Return 1 - ratio^count to a few units in the last place."""
    return -math.expm1(count * math.log1p(-float(1 - ratio))) if ratio else 1.0


def _numerator(values: FloatArray, form: LaplaceForm, absolute: bool = False) -> FloatArray:
    """The sums M_j of values (n, P, d) with the lag weights, or with their magnitudes."""
    weights, count = form.weights, values.shape[1]
    sized = abs if absolute else Fraction
    total = np.zeros_like(values)
    for k, head in enumerate(weights.head):
        total += float(sized(head)) * np.roll(values, k, axis=1)
    for amount, ratio in weights.terms:
        total += periodic_sum(values, sized(amount), ratio, count)
    return total


def _square_weights(form: LaplaceForm) -> tuple[Fraction, Fraction]:
    return 1 - form.beta, form.beta


@lru_cache(maxsize=16)
def kernel_slope(kernel: Kernel):  # type: ignore[no-untyped-def]
    """Return phi' as a function of arrays v > 0."""
    import sympy as sp

    v, eps = sp.symbols("v epsilon", positive=True)
    slope = sp.diff(kernel.symbolic(v, eps), v).subs(eps, sp.Rational(kernel.epsilon))
    # As a float: a fraction of long integers is no number for NumPy.
    return sp.lambdify(v, slope.evalf(25), "numpy")
