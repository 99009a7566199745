"""The derivatives of F = E[M phi(V)] in numbers of the method, enclosed (theory N-Proposition 8).

In beta, the memory of the second moment, and in r of the lag weights (1 - r) r^k they are int s rho(s) D(s) dx,
s = e^x, D(s) that of E[M exp(-s V)]. In eps of phi(v) = 1/(sqrt(v) + eps) it is -E[M/(sqrt(V) + eps)^2]: the field of
another kernel. All numbers may be ranges, and the law's atoms balls.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

import flint
import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.ranges import Range
from adamsym.field.ball.arithmetic import ball, smaller, symmetric
from adamsym.field.ball.form_bounds import bounds_of
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.slopes.moving_products import Moving, MovingProducts
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import RootPlusEps, StieltjesKernel

TOLERANCE = 1e-12
"""Share of K that each truncation may have."""

_STEP = 0.2

_MOST_NODES = 2000

_MOST_LAGS = 100_000

_BEYOND_HALF = 2 / flint.arb(1).exp()
"""The largest x exp(-x/2)."""


def slope_in_beta(law: BallLaw, form: LaplaceForm, tolerance: float = TOLERANCE) -> flint.arb:
    """Return a ball around dF/dbeta, for all laws and numbers that the law and the form hold.

    The lag weights are not to depend on beta, which is to be above 0. Infinite for a kernel of whose slope no bound is
    known. Call within ``ball_arithmetic()``.
    """
    bounds, rest = bounds_of(form), ball(1 - form.beta)
    cubes = (2 * bounds.absolute * law.max_abs**3 / rest).upper()
    return _slope(law, form, "beta", _bound_in_beta(law, form), cubes, tolerance)


def slope_in_ratio(law: BallLaw, form: LaplaceForm, tolerance: float = TOLERANCE) -> flint.arb:
    """Return a ball around dF/dr where the lag weights are (1 - r) r^k; otherwise as :func:`slope_in_beta`."""
    ((_, r),) = form.weights.terms
    bounds, ratio, beta = bounds_of(form), ball(r), ball(form.beta)
    # With c_k' = -r^k + k (1 - r) r^(k-1) the sum of c_k'^2/((1 - beta) beta^k), of twice the squares of both.
    share = (ratio**2 / beta).upper()
    squares = 2 / (1 - share) + 2 * (1 - ratio) ** 2 / beta * (1 + share) / (1 - share) ** 3
    whole = (squares / (1 - beta)).sqrt() * bounds.root if share < 1 else flint.arb("inf")
    cubes = (_size_in_ratio(form) * law.max_abs**3).upper()
    return _slope(law, form, "ratio", whole.upper(), cubes, tolerance)


def slope_in_eps(law: BallLaw, form: LaplaceForm) -> flint.arb:
    """Return a ball around dF/deps, for all laws and numbers that the law and the form hold.

    Call within ``ball_arithmetic()``.

    Raises
    ------
    NotApplicable
        For another kernel than 1/(sqrt(v) + eps).
    """
    if not isinstance(form.kernel, RootPlusEps):
        raise NotApplicable(f"{form.kernel.name}: no enclosure of the derivative in eps is known")
    return -enclose_law(law.without_slopes(), replace(form, kernel=_Squared(form.kernel.epsilon))).value


@dataclass(frozen=True)
class _Squared(StieltjesKernel):
    """phi(v) = 1/(sqrt(v) + eps)^2: rho(s) = U(3/2, 1/2, eps^2 s)/sqrt(pi), U Tricomi's (DLMF 13.4.4).

    Its argument's imaginary part has one sign in the upper half plane, as that of sqrt(v) + eps is below pi/2: so phi
    is a Stieltjes function.
    """

    epsilon: Fraction
    name: ClassVar[str] = "1/(sqrt(v) + eps)^2"

    @property
    def root_bound(self) -> Fraction:
        """1/(4 eps), at sqrt v = eps."""
        return 1 / (4 * self.epsilon)

    @property
    def root_slope(self) -> Fraction:
        """2/eps^3, the limit at 0."""
        return 2 / self.epsilon**3

    @property
    def slope_share(self) -> Fraction:
        """4/27, at sqrt v = eps/2."""
        return Fraction(4, 27)

    def of(self, v: FloatArray) -> FloatArray:
        """Return phi(v), elementwise, for v >= 0."""
        return 1 / (np.sqrt(v) + float(self.epsilon)) ** 2

    def ball_of(self, v: flint.arb) -> flint.arb:
        """Return a ball around phi(v)."""
        return 1 / (v.sqrt() + ball(self.epsilon)) ** 2

    def ball_weight(self, s: flint.arb) -> flint.arb:
        """Return a ball around s rho(s): U falls, since it is an integral of exp(-z t)."""
        if isinstance(self.epsilon, Range):
            ends = [_Squared(end).ball_weight(s) for end in (self.epsilon.low, self.epsilon.high)]
            return ends[0].union(ends[1])
        tricomi = (ball(self.epsilon) ** 2 * s).hypgeom_u(flint.arb(3) / 2, flint.arb(1) / 2)
        return s * tricomi / flint.arb.pi().sqrt()

    def symbolic(self, v: sp.Expr, epsilon: sp.Expr) -> sp.Expr:
        """Return phi(v)."""
        return 1 / (sp.sqrt(v) + epsilon) ** 2

    def density(self, s: sp.Expr, epsilon: sp.Expr) -> sp.Expr:
        """Return rho(s)."""
        e = epsilon * sp.sqrt(s)
        return (1 + 2 * e**2) * sp.exp(e**2) * sp.erfc(e) - 2 * e / sp.sqrt(sp.pi)


def _slope(
    law: BallLaw, form: LaplaceForm, moving: Moving, whole: flint.arb, cubes: flint.arb, tolerance: float
) -> flint.arb:
    """The integral, where the magnitude is at most K = ``whole`` and |D(s)| at most s times ``cubes``."""
    if law.max_abs == 0:
        return flint.arb(0)
    bounds = bounds_of(form)
    if not whole.is_finite() or not cubes.is_finite() or not bounds.root_slope.is_finite():
        return flint.arb(0, "inf")
    step = flint.arb(_STEP)
    allowed = (tolerance * whole).upper()
    # The nodes left of s add up to about s^(3/2) times this.
    first = math.floor(math.log(float(allowed / cubes)) * 2 / 3 / _STEP)
    total = symmetric(cubes * form.kernel.weights_left((step * first).exp(), step))
    tails = _beyond_in_beta(law, form, step) if moving == "beta" else _beyond_in_ratio(law, form, step)
    run, lags, products = MovingProducts(law, form, moving), 0, list[flint.arb]()
    half = math.ceil(math.log(2) / _STEP) + 1
    tail = whole
    for number in itertools.count(first):
        s = (step * number).exp()
        needed = run.lags_at(s)
        lags += needed
        if lags > _MOST_LAGS or number - first > _MOST_NODES:
            return symmetric(whole)
        product, slope = run.at(s, needed)
        total += step * form.kernel.ball_weight(s) * slope
        products.append(product.upper())
        if number % 4 == 0 and len(products) > half:
            tail = tails(s, products[-1], products[-1 - half])
            if tail <= allowed or tail <= total.rad() / 100:
                break
    frequency = 2 * flint.arb.pi() / step
    angle = frequency.atan().mid()
    error = 2 / (angle * frequency).expm1() * whole / angle.cos() ** 2
    found = total + symmetric(tail + error)
    return found.intersection(symmetric(whole)) if found.is_finite() else symmetric(whole)


def _bound_in_beta(law: BallLaw, form: LaplaceForm) -> flint.arb:
    """E|M| |V'| (-phi'(V)) or above.

    |V'| <= V/(1 - beta) + U/beta, U = sum_j u_j over j >= 1, u_j = beta^j (V of the gradients j steps older) <= V. And
    |M| <= C sqrt V, -phi'(V) <= phi(V)/V, phi(V)/sqrt V <= phi(u)/sqrt u for u <= V; sqrt(u) phi(u) is at most R, and
    at most G phi(0) beta^(j/2) at u_j.
    """
    bounds, beta = bounds_of(form), ball(form.beta)
    if not bounds.root.is_finite() or not law.max_abs.is_finite() or not beta > 0:
        return flint.arb("inf")
    top = (law.max_abs * bounds.at_zero).upper()
    root = beta.upper().sqrt()
    first = max(0, math.ceil(math.log(max(1.0, float(top / bounds.root))) / -math.log(float(root))))
    whole = bounds.root * first + top * root ** (first + 1) / (1 - root)
    return (bounds.step * (bounds.root / (1 - beta) + whole / beta)).upper()


def _size_in_ratio(form: LaplaceForm) -> flint.arb:
    """The sum of |c_k'| or above: both parts of c_k' add up to 1/(1 - r)."""
    ((_, r),) = form.weights.terms
    return 2 / (1 - ball(r))


Tail = Callable[[flint.arb, flint.arb, flint.arb], flint.arb]
"""A bound of the nodes right of s, from s, P(s) and a bound of P(s/2)."""


def _weights_right(form: LaplaceForm, s: flint.arb, step: flint.arb) -> flint.arb:
    """The sum of h u rho(u) over the nodes u > s, or above: at most about phi(0)."""
    return smaller(form.kernel.weights_right(s, step).upper(), (flint.arb("1.001") * bounds_of(form).at_zero).upper())


def _beyond_in_ratio(law: BallLaw, form: LaplaceForm, step: flint.arb) -> Tail:
    size = _size_in_ratio(form) * law.max_abs
    return lambda s, product, _: (size * product * _weights_right(form, s, step)).upper()


def _beyond_in_beta(law: BallLaw, form: LaplaceForm, step: flint.arb) -> Tail:
    """|D(u)| <= u E|M| (V/(1 - beta) + U/beta) exp(-u V); u u_j exp(-u V) <= min(2/e, u G^2 beta^j) exp(-u V/2).

    Over j these add up to L(u) <= L(s) + 2/(e (1 - beta)) log(u/s).
    """
    bounds, beta, rest = bounds_of(form), ball(form.beta), ball(1 - form.beta).lower()
    highest, size = beta.upper(), bounds.absolute * law.max_abs

    def tail(s: flint.arb, _: flint.arb, earlier: flint.arb) -> flint.arb:
        most = (s * law.max_square).upper()
        first = max(0, math.ceil(math.log(max(1.0, float(most))) / -math.log(float(highest))))
        at_s = _BEYOND_HALF * first + most * highest ** (first + 1) / rest
        plain, growing = _weights_right(form, s, step), _growing_weights_right(form, s, step)
        own = (_BEYOND_HALF / rest + at_s / beta.lower()) * plain + _BEYOND_HALF / rest / beta.lower() * growing
        return (size * earlier * own).upper()

    return tail


def _growing_weights_right(form: LaplaceForm, s: flint.arb, step: flint.arb) -> flint.arb:
    """The sum of h u rho(u) log(u/s) over the nodes u > s, or above: that of the bounds beyond s, e s, e^2 s, ...

    Each is at most 1.001 phi(0), and h/(1 - e^-h) (phi(0) - phi(1/u)) with phi(0) - phi(1/u) <= D/sqrt(u).
    """
    bounds = bounds_of(form)
    most = (flint.arb("1.001") * bounds.at_zero).upper()
    falling = (step / -(-step).expm1() * bounds.root_slope / s.sqrt()).upper()
    first = max(0, math.ceil(2 * math.log(max(1.0, float(falling / most)))))
    return most * first + falling * (-flint.arb(first) / 2).exp() / -(-flint.arb(1) / 2).expm1()
