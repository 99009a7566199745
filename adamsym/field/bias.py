"""How far the field's zeros lie from critical points of the loss, to leading orders (N-section 2).

For l = (theta - X)^2/2 that is from the mean EX (N-section 2(d)). Both expansions hold for every zero of f. With
sigma^2 = Var X and mu3 the third central moment of one row, the first terms are
-(1 - beta) mu3/(2 sigma B (sigma + eps sqrt B)) and -mu3 Lambda/(2 sigma^2 B).
"""

import math
from fractions import Fraction

import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field.epochs.bias import epoch_moments
from adamsym.gradients import Empirical, StochasticGradient
from adamsym.gradients.sampling import require_replacement
from adamsym.methods import Kernel, LagWeights, LaplaceForm, Method, require_laplace
from adamsym.methods.kernels import RootOfSum, RootPlusEps, complementary_ratio

_SPACING = 0.05
"""Step of the trapezoidal rule in log s, with which it errs by far less than rounding."""

_NEGLIGIBLE = math.log(1e-18)

_ENTRIES_AT_ONCE = 2**21
"""Nodes times lags, or rows times parameters, that are held in memory."""

_SERIES, _POWERS = 0.25, 28
"""The power series of log(1 + x) up to this x, and its terms: the rest is below 1e-18 of it."""

_VANISHED = 93.0
"""-2 log of a product that counts as 0."""


def memory_bias(law: Empirical, adam: Method, batch_size: int = 1) -> tuple[float, float]:
    """Return b_1, b_2 of theta* - EX = b_1 (1 - beta2) + b_2 (1 - beta2)^2 + O((1 - beta2)^3), theta* a zero of f.

    They depend on the lag weights and eps, not on beta2. Floats: accurate to rounding, amplified where moments cancel.

    Parameters
    ----------
    law
        Data of one column X, not constant.

    Raises
    ------
    InputError
        If there are several columns, X is constant or near the limits of floats, or the batch size is below 1; if the
        method has no Laplace form, has weight decay, or negative lag weights: then zeros need not be near EX.

    Notes
    -----
    Those b_1, b_2 with which F, by N-section 2(a), vanishes: with g = theta - X and phi, for Adam 1/(sqrt v + eps), at
    v = E g^2, b_1 = -phi' E g^3/phi, b_2 = -(b_1 A_1' + A_2)/phi at theta = EX.

    Examples
    --------
    >>> from adamsym import Adam
    >>> first, second = memory_bias(Empirical({"x": [0, 0, 3]}), Adam())
    >>> round(first, 6), round(second, 6)
    (-0.5, 4.0)
    """
    form = _form_near_the_mean(adam)
    second, third, fourth, fifth = _moments(law, batch_size)
    first_slope, second_slope, third_slope = _logarithmic_slopes(form.kernel, second)
    square, odd, mixed = fourth - second**2, -third, -fifth + 2 * second * third  # Var g^2, E g^3, E g (g^2 - v)^2
    b_1 = -first_slope / second * odd
    slope = 2 * first_slope + second_slope / second**2 * square / 4
    a_2 = (
        -_mean_lag(form.weights) * first_slope / second * odd
        + second_slope / second**2 * mixed / 2
        + third_slope / second**3 * odd * square / 4
    )
    return b_1, -(b_1 * slope + a_2)


def leading_gradient(source: StochasticGradient, method: Method, theta: FloatArray) -> FloatArray:
    """Return the mean gradient, shape (d,), that zeros of f near a critical point theta (d,) have to leading order.

    It is -(1 - beta2) phi'(v)/phi(v) mu3 + O((1 - beta2)^2) in each coordinate, v the variance and mu3 the third
    central moment of the minibatch's gradient at theta: for small eps about (1 - beta2) mu3/(2 v), v and mu3 being
    1/B and 1/B^2 of a row's. So a zero lies at about theta + H^(-1) of it, H the Hessian of the loss (theory T7). Where
    rows are drawn in epochs mu3 is lim Cov(M, V)/(1 - beta2) (theory N-Proposition 13).

    Raises
    ------
    NotApplicable
        If the method has no Laplace form, has weight decay, or negative lag weights: zeros need not be near critical
        points then; if reshuffled rows are drawn in batches of several sizes.
    """
    form, epoch = _form_near_the_mean(method), source.epoch
    gradients, p = source.row_atoms(theta, source.law.levels - 1)
    second, third = np.empty((2, source.dimension))
    width = max(1, _ENTRIES_AT_ONCE // len(p))
    for part in (slice(first, first + width) for first in range(0, source.dimension, width)):
        if epoch is not None:
            second[part], third[part] = epoch_moments(gradients[:, part], epoch, form)
            continue
        deviations = gradients[:, part] - p @ gradients[:, part]
        second[part], third[part] = p @ deviations**2 / source.batch_size, p @ deviations**3 / source.batch_size**2
    v, eps = sp.symbols("v epsilon", positive=True)
    slope = sp.diff(sp.log(form.kernel.symbolic(v, eps)), v).subs(eps, sp.Rational(form.kernel.epsilon))
    found = np.zeros_like(second)
    # Where all rows agree there is no bias.
    spread = (second > 0) & (third != 0)
    slopes = np.broadcast_to(sp.lambdify(v, slope, "numpy")(second[spread]), third[spread].shape)
    found[spread] = -(1 - float(form.beta)) * slopes * third[spread]
    return found


def _form_near_the_mean(method: Method) -> LaplaceForm:
    """The form, if the sign lemma keeps the zeros near EX."""
    form = require_laplace(method, "the expansion of the bias")
    if form.decay != 0:
        raise NotApplicable("adam: the expansion of the bias is that of a field without weight decay")
    if not (form.weights.nonnegative and form.weights.total > 0):
        raise NotApplicable("adam: the expansion of the bias needs lag weights that are not negative")
    return form


def _mean_lag(weights: LagWeights) -> float:
    """The sum of k c_k over that of c_k: beta1/(1 - beta1) for Adam."""
    head = sum((k * weight for k, weight in enumerate(weights.head)), Fraction(0))
    rest = sum((amount * ratio / (1 - ratio) ** 2 for amount, ratio in weights.terms), Fraction(0))
    return float((head + rest) / weights.total)


def _logarithmic_slopes(kernel: Kernel, second: float) -> list[float]:
    """v^n phi^(n)(v)/phi(v) at v = ``second``, n = 1, 2, 3; from SymPy's derivatives, to 15 digits and more."""
    v, eps = sp.symbols("v epsilon", positive=True)
    values = {v: sp.Rational(second), eps: sp.Rational(kernel.epsilon)}
    phi = kernel.symbolic(v, eps)
    whole = phi.xreplace(values)
    return [float((v**n * sp.diff(phi, v, n)).xreplace(values).evalf(40) / whole.evalf(40)) for n in (1, 2, 3)]


def batch_bias(law: Empirical, adam: Method, batch_size: int) -> float:
    """Return -mu3 Lambda/(2 sigma^2 B), which is theta* - EX + O(B^-2), uniformly in eps; theta* a zero of f.

    At least 11 digits, in some hundredths of a second.

    Raises
    ------
    InputError
        As :func:`memory_bias`; if beta2 is 0, or the kernel is one of your own, where the expansion is not proved.

    Examples
    --------
    >>> from adamsym import Adam
    >>> round(batch_bias(Empirical({"x": [0, 0, 3]}), Adam("0.5", "0.9", "1e-9"), 100), 8)
    -0.00035459
    """
    form = _form_in_batches(adam)
    _moments(law, batch_size)
    second, third, *_ = _moments(law, 1)
    e = _eps_in_batches(form, np.array(second), batch_size)
    return float(-third / (2 * second * batch_size) * _capital_lambda(form, e))


def leading_batch_gradient(source: StochasticGradient, method: Method, theta: FloatArray) -> FloatArray:
    """Return the mean gradient, shape (d,), that zeros of f near a critical point theta (d,) have to order 1/B.

    It is mu3 Lambda/(2 sigma^2 B) + O(B^-2) in each coordinate, sigma^2 the variance and mu3 the third central moment
    of a row's gradient at theta, at fixed beta1 and beta2 (N-section 2(d)). So a zero lies at about theta + H^(-1) of
    it, H the Hessian of the loss. :func:`leading_gradient` is its counterpart for a long memory.

    Raises
    ------
    InputError
        If beta2 is 0.
    NotApplicable
        As :func:`leading_gradient`; and for kernels of one's own.
    """
    require_replacement(source.sampling, "the expansion of the bias")
    form = _form_in_batches(method)
    gradients, p = source.row_atoms(theta, source.law.levels - 1)
    second, third = np.empty((2, source.dimension))
    width = max(1, _ENTRIES_AT_ONCE // len(p))
    for part in (slice(first, first + width) for first in range(0, source.dimension, width)):
        deviations = gradients[:, part] - p @ gradients[:, part]
        second[part], third[part] = p @ deviations**2, p @ deviations**3
    found = np.zeros_like(second)
    spread = (second > 0) & (third != 0)
    if spread.any():
        share = _capital_lambda(form, _eps_in_batches(form, second[spread], source.batch_size))
        found[spread] = third[spread] / (2 * second[spread] * source.batch_size) * share
    return found


def _form_in_batches(method: Method) -> LaplaceForm:
    """The form, if the expansion in 1/B is proved for it."""
    form = _form_near_the_mean(method)
    if form.beta == 0:
        raise InputError("batch_bias: beta2 = 0 is not allowed; the expansion needs beta2 > 0")
    if type(form.kernel) not in (RootPlusEps, RootOfSum):
        raise NotApplicable("batch_bias: the expansion is proved for the denominators sqrt(v) + eps and sqrt(v + eps)")
    return form


def _eps_in_batches(form: LaplaceForm, second: FloatArray, batch_size: int) -> FloatArray:
    """Eps in units of the batch mean's deviation; inside the root, its square."""
    eps = float(form.kernel.epsilon)
    found = eps * batch_size / second if isinstance(form.kernel, RootOfSum) else eps * np.sqrt(batch_size / second)
    return np.sqrt(found) if isinstance(form.kernel, RootOfSum) else found


def _moments(law: Empirical, batch_size: int) -> tuple[float, float, float, float]:
    """The central moments 2, ..., 5 of the mean of ``batch_size`` rows, by cumulants: kappa_k/B^(k-1)."""
    if len(law.names) != 1:
        raise InputError(f"data: {len(law.names)} columns are not allowed; the bias is that of one column")
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise InputError(f"batch_size: {batch_size!r} is not allowed; allowed are integers from 1 on")
    rows = [(p, row[0]) for p, row in zip(law.exact_probabilities, law.exact_rows, strict=True)]
    mean = sum((p * x for p, x in rows), Fraction(0))
    second, third, fourth, fifth = (sum((p * (x - mean) ** k for p, x in rows), Fraction(0)) for k in (2, 3, 4, 5))
    if second == 0:
        raise InputError("data: the column is constant; the bias needs at least two values")
    fourth, fifth = (fourth - 3 * second**2) / batch_size**3, (fifth - 10 * second * third) / batch_size**4
    second, third = second / batch_size, third / batch_size**2
    moments = (second, third, fourth + 3 * second**2, fifth + 10 * second * third)
    if not 1e-120 < second < 1e120:
        raise InputError("data: the column's variance is not between 1e-120 and 1e120; rescale it, and eps with it")
    found = tuple(map(float, moments))
    return found[0], found[1], found[2], found[3]


def _capital_lambda(form: LaplaceForm, e: FloatArray | float) -> FloatArray:
    """Lambda of the lag weights and beta for each e, of e's shape: both integrals by the trapezoidal rule in log s."""
    given = np.asarray(e, dtype=np.float64)
    # rho is like s^(-1/2) up to s = 1/e^2 and falls beyond: for large e the denominator comes from around there.
    s = np.exp(np.arange(-60 - 2 * math.log(max(float(given.max()), 1)), 60, _SPACING))
    product = np.exp(_log_product(s, 1 - float(form.beta)))
    s, product = s[product > 0], product[product > 0]
    shares = _shares(form.weights)
    weights = (1 - float(form.beta)) * float(form.beta) ** np.arange(len(shares), dtype=np.float64)
    size = max(1, _ENTRIES_AT_ONCE // len(shares))
    parts = [_lag_sums(s[first : first + size], weights, shares) for first in range(0, len(s), size)]
    above, below = (product * np.concatenate(part) for part in zip(*parts, strict=True))
    inside = isinstance(form.kernel, RootOfSum)
    found = np.empty(given.size)
    width = max(1, _ENTRIES_AT_ONCE // len(s))
    for first in range(0, given.size, width):
        part = given.reshape(-1, 1)[first : first + width]
        # s rho(s), up to a factor.
        measure = np.sqrt(s) * (np.exp(-(part**2) * s) if inside else complementary_ratio(part * np.sqrt(s)))
        found[first : first + width] = (measure @ above) / (measure @ below)
    return found.reshape(given.shape)


def _log_product(s: FloatArray, eta: float) -> FloatArray:
    """log P(s), P the product of (1 + 2 s w_k)^(-1/2) over all lags, w_k = eta (1 - eta)^k; -inf where P < 1e-20.

    The first lags one by one, and from where x = 2 s w_k is at most 1/4 on the power series
    sum_n (-1)^(n+1) x^n/(n (1 - (1 - eta)^n)) of the sum of the others: so the work does not grow as eta falls.
    """
    x, logarithm = 2 * eta * s, np.zeros_like(s)
    going = np.flatnonzero(x > _SERIES)
    while len(going):
        logarithm[going] += np.log1p(x[going])
        x[going] *= 1 - eta
        going = going[(x[going] > _SERIES) & (logarithm[going] < _VANISHED)]
    within = x <= _SERIES
    n = np.arange(1, _POWERS + 1)
    factors = (-1.0) ** (n + 1) / (n * -np.expm1(n * np.log1p(-eta)))
    logarithm[within] += np.polynomial.polynomial.polyval(x[within], np.append(0.0, factors))
    return np.where(within, -0.5 * logarithm, -np.inf)


def _shares(weights: LagWeights) -> FloatArray:
    """The lag weights c_k as far as they are not negligible."""
    slowest = max((float(ratio) for _, ratio in weights.terms), default=0.0)
    further = math.ceil(_NEGLIGIBLE / math.log(slowest)) if slowest > 0 else 0
    lags = np.arange(len(weights.head) + 1.0 + further)
    shares = np.zeros_like(lags)
    for amount, ratio in weights.terms:
        shares += float(amount) * float(ratio) ** lags
    shares[: len(weights.head)] += [float(weight) for weight in weights.head]
    return shares


def _lag_sums(s: FloatArray, weights: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The sums of c_k 2 s w_k (1 + 2 s w_k)^(-2), and of c_k (1 + 2 s w_k)^(-1)."""
    twice = 2 * s[:, None] * weights
    return (twice / (1 + twice) ** 2) @ shares, (1 / (1 + twice)) @ shares
