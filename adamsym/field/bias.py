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
from adamsym.gradients import Empirical, StochasticGradient
from adamsym.gradients.sampling import require_replacement
from adamsym.methods import Kernel, LagWeights, LaplaceForm, Method, require_laplace
from adamsym.methods.kernels import RootOfSum, RootPlusEps, complementary_ratio

_SPACING = 0.05
"""Step of the trapezoidal rule in log s, with which it errs by far less than rounding."""

_NEGLIGIBLE = math.log(1e-18)

_ENTRIES_AT_ONCE = 2**21
"""Nodes times lags, or rows times parameters, that are held in memory."""


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
    1/B and 1/B^2 of a row's. So a zero lies at about theta + H^(-1) of it, H the Hessian of the loss (theory T7).

    Raises
    ------
    NotApplicable
        If the method has no Laplace form, has weight decay, or negative lag weights: zeros need not be near critical
        points then.
    """
    require_replacement(source.sampling, "the expansion of the bias")
    form = _form_near_the_mean(method)
    gradients, p = source.row_atoms(theta, source.law.levels - 1)
    second, third = np.empty((2, source.dimension))
    width = max(1, _ENTRIES_AT_ONCE // len(p))
    for part in (slice(first, first + width) for first in range(0, source.dimension, width)):
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

    At least 11 digits. The lags, some 40/(1 - beta2), are summed one by one: seconds at beta2 = 0.999.

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
    form = _form_near_the_mean(adam)
    _moments(law, batch_size)
    second, third, *_ = _moments(law, 1)
    if form.beta == 0:
        raise InputError("batch_bias: beta2 = 0 is not allowed; the expansion needs beta2 > 0")
    if type(form.kernel) not in (RootPlusEps, RootOfSum):
        raise NotApplicable("batch_bias: the expansion is proved for the denominators sqrt(v) + eps and sqrt(v + eps)")
    eps = float(form.kernel.epsilon)
    # Eps in units of the batch mean's deviation; inside the root, its square.
    e = (
        math.sqrt(eps * batch_size / second)
        if isinstance(form.kernel, RootOfSum)
        else eps * math.sqrt(batch_size / second)
    )
    return -third / (2 * second * batch_size) * _capital_lambda(form, e)


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


def _capital_lambda(form: LaplaceForm, e: float) -> float:
    """Lambda of the lag weights, beta and e: both integrals over s, by the trapezoidal rule in log s."""
    # Both w_k and c_k have to be negligible in the end: next to beta1^2 = beta2 those of Adam fall half as fast.
    beta = float(form.beta)
    slowest = max([beta, *(float(ratio) for _, ratio in form.weights.terms)])
    lags = np.arange(math.ceil(_NEGLIGIBLE / math.log(slowest)) + 1.0 + len(form.weights.head))
    weights, shares = (1 - beta) * beta**lags, np.zeros_like(lags)
    for amount, ratio in form.weights.terms:
        shares += float(amount) * float(ratio) ** lags
    shares[: len(form.weights.head)] += [float(weight) for weight in form.weights.head]
    # rho is like s^(-1/2) up to s = 1/e^2 and falls beyond: for large e the denominator comes from around there.
    s = np.exp(np.arange(-60 - 2 * math.log(max(e, 1)), 60, _SPACING))
    size = max(1, _ENTRIES_AT_ONCE // len(lags))
    parts = [_integrands(s[first : first + size], weights, shares) for first in range(0, len(s), size)]
    above, below = (np.concatenate(part) for part in zip(*parts, strict=True))
    # s rho(s), up to a factor.
    inside = isinstance(form.kernel, RootOfSum)
    measure = np.sqrt(s) * (np.exp(-(e**2) * s) if inside else complementary_ratio(e * np.sqrt(s)))
    return float((measure @ above) / (measure @ below))


def _integrands(s: FloatArray, weights: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray]:
    twice = 2 * s[:, None] * weights
    product = np.exp(-0.5 * np.log1p(twice).sum(axis=1))
    return product * ((twice / (1 + twice) ** 2) @ shares), product * ((1 / (1 + twice)) @ shares)
