"""An independent evaluator for tests: the product over all lags in ball arithmetic, lag by lag (theory T5).

With G(s) = E[M exp(-s V)], F = int w(s) G(s) dx, s = e^x, w(s) = s rho(s). Over all lags P(s) = prod_k B(s_k) and
G(s) = (1-alpha) N(s) obey P(s) = B(t) P(beta s), N(s) = A(t) P(beta s) + alpha B(t) N(beta s), t = (1-beta) s: products
and sums alone, so that nothing divides by a ball that may hold zero. The trapezoidal rule with step h, on all of the
real line, errs by at most 2 K/(cos a (e^(2 pi a/h) - 1)) for every a < pi/2, K = E|M|/(sqrt V + eps).
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import flint

from adamsym.expressions.errors import InputError
from adamsym.field.ball.arithmetic import ball, step_bound, symmetric
from adamsym.methods import Adam

_TERMS = 20
_SERIES_RANGE = 0.25
"""For t max g^2 up to this the Taylor remainder (1/4)^20/20! is below 1e-30."""

_LARGEST_STEP = 0.2
"""The rule's step h: its error is then below 1e-19 of the step bound."""

_TRUNCATION = 1e-18
"""Share of the scale min(1, sqrt(E g^2)/eps) that each truncation of the integral may have."""

MOST_LATTICE_POINTS = 3_000_000
"""Points at which the transforms may be evaluated: minutes."""


class BallLaw:
    """A law of gradient atoms, each a ball, with probabilities that sum to 1, each a ball.

    Moments E g, E|g|, E g^2, ... are balls that hold the moments of every law whose atoms lie in the given balls.
    """

    def __init__(self, atoms: Sequence[flint.arb], probabilities: Sequence[flint.arb]) -> None:
        self.atoms, self.probabilities = list(atoms), list(probabilities)
        self.squares = [_square(atom) for atom in self.atoms]
        self.mean = self._expect(self.atoms)
        self.mean_magnitude = self._expect([abs(atom) for atom in self.atoms])
        self.mean_square = self._expect(self.squares)
        self.mean_cube = self._expect([abs(g) * q for g, q in zip(self.atoms, self.squares, strict=True)])
        self._signed_cube = self._expect([g * q for g, q in zip(self.atoms, self.squares, strict=True)])
        self._fourth = self._expect([q**2 for q in self.squares])
        self._fifth = self._expect([abs(g) * q**2 for g, q in zip(self.atoms, self.squares, strict=True)])
        self._series_end = flint.arb(_SERIES_RANGE) / max((q.upper() for q in self.squares), key=float, default=1)
        self._series = self._taylor()

    def _expect(self, values: Sequence[flint.arb]) -> flint.arb:
        return sum((p * value for p, value in zip(self.probabilities, values, strict=True)), flint.arb(0))

    def _taylor(self) -> tuple[flint.arb_poly, flint.arb_poly, flint.arb, flint.arb]:
        """Taylor polynomials of A and B in t, and the factors of t^J that bound their remainders."""
        power = [flint.arb(1)] * len(self.atoms)
        a, b = [], []
        for order in range(_TERMS):
            factor = flint.arb((-1) ** order) / math.factorial(order)
            a.append(factor * self._expect([g * q for g, q in zip(self.atoms, power, strict=True)]))
            b.append(factor * self._expect(power))
            power = [q * square for q, square in zip(power, self.squares, strict=True)]
        last = flint.arb(1) / math.factorial(_TERMS)
        a_rest = last * self._expect([abs(g) * q for g, q in zip(self.atoms, power, strict=True)])
        return flint.arb_poly(a), flint.arb_poly(b), a_rest.upper(), (last * self._expect(power)).upper()

    def transforms(self, t: flint.arb) -> tuple[flint.arb, flint.arb]:
        """Return balls around A(t) and B(t) for t > 0."""
        if t < self._series_end:
            a, b, a_rest, b_rest = self._series
            power = (t**_TERMS).upper()
            # |exp(-x) - Taylor polynomial of degree J - 1| <= x^J/J! for x >= 0.
            return a(t) + flint.arb(0, a_rest * power), b(t) + flint.arb(0, b_rest * power)
        kernel = [p * (-t * square).exp() for p, square in zip(self.probabilities, self.squares, strict=True)]
        return sum((k * g for k, g in zip(kernel, self.atoms, strict=True)), flint.arb(0)), sum(kernel, flint.arb(0))

    def start_values(self, s: flint.arb, alpha: flint.arb, beta: flint.arb) -> tuple[flint.arb, flint.arb]:
        """Return balls around P(s) = E exp(-s V) and N(s) = E[M exp(-s V)]/(1-alpha) for small s > 0.

        By Jensen and Taylor P(s) lies between exp(-s c) and 1 - s c + s^2 E g^4/2, c = E g^2, and E[M exp(-s V)] within
        s^2 E|g|^5/2 of mu - s E[M V], E[M V] = mu c + (E g^3 - mu c) (1-alpha)(1-beta)/(1-alpha beta).
        """
        mu, c = self.mean, self.mean_square
        product = (-s * c).exp().union(1 - s * c + s**2 * self._fourth / 2)
        mixed = mu * c + (self._signed_cube - mu * c) * (1 - alpha) * (1 - beta) / (1 - alpha * beta)
        numerator = mu - s * mixed + flint.arb(0, (s**2 * self._fifth / 2).upper())
        return product, numerator / (1 - alpha)


def _square(ball: flint.arb) -> flint.arb:
    """The square of a ball; never negative."""
    low, high = ball.abs_lower(), ball.abs_upper()
    return low**2 if low == high else (low**2).union(high**2)


@dataclass(frozen=True)
class _Lattice:
    """Points s = s_0 e^(j spacing): ``stride`` of them to the lag -log(beta), every ``per_node``-th a node."""

    spacing: flint.arb
    stride: int
    per_node: int

    @property
    def step(self) -> flint.arb:
        return self.spacing * self.per_node


def _lattice(beta: Fraction) -> _Lattice:
    if beta == 0:
        return _Lattice(flint.arb(_LARGEST_STEP), 0, 1)
    lag = -ball(beta).log()
    stride = max(1, math.ceil(float(lag) / _LARGEST_STEP))
    return _Lattice(lag / stride, stride, max(1, int(_LARGEST_STEP / float(lag))) if stride == 1 else 1)


def enclose_quotient(law: BallLaw, adam: Adam) -> flint.arb:
    """Return a ball that holds F = E[M/(sqrt V + eps)] for every law within ``law``.

    At points the radius is about 1e-18 of the scale; it grows with the atoms' radii. Call with
    ``flint.ctx.workprec(128)``.

    Raises
    ------
    InputError
        If beta is so near 1 that more than ``MOST_LATTICE_POINTS`` lattice points would be needed.
    """
    eps, bound = ball(adam.epsilon), step_bound(adam.laplace)
    universal = _smaller(bound.upper(), (law.mean_magnitude / eps).upper())
    if universal == 0:
        return flint.arb(0)
    lattice = _lattice(adam.beta)
    square = law.mean_square.mid()
    scale = _smaller(flint.arb(1), (square.sqrt() / eps).mid())
    cube = law.mean_cube + abs(law.mean) * square
    first = (_TRUNCATION * scale / cube.mid()) ** (flint.arb(2) / 3)
    integral = _trapezoidal_sum(law, adam, lattice, first.mid(), square, _TRUNCATION * scale)
    # Trapezoidal errors of the integrand and of the control variate int w(s) exp(-c s) dx = 1/(sqrt c + eps).
    control = 1 / (square.sqrt() + eps)
    rule = 2 * (universal + abs(law.mean) * control) * _strip_factor(lattice.step)
    result = law.mean * control + integral + symmetric(rule)
    everywhere = symmetric(universal)
    return result.intersection(everywhere) if result.is_finite() else everywhere


def _trapezoidal_sum(
    law: BallLaw, adam: Adam, lattice: _Lattice, first: flint.arb, square: flint.arb, tolerance: flint.arb
) -> flint.arb:
    """h sum w(s) [G(s) - mu exp(-c s)] over all nodes, the far ones enclosed by bounds."""
    alpha, beta, eps = ball(adam.alpha), ball(adam.beta), ball(adam.epsilon)
    step, growth = lattice.step, lattice.spacing.exp()
    bound = step_bound(adam.laplace)
    half = math.ceil(math.log(2) / float(step)) + 1
    back = [law.start_values(first * growth**-k, alpha, beta) for k in range(lattice.stride, 0, -1)]
    before = deque(back, maxlen=max(lattice.stride, 1))
    products: list[flint.arb] = []
    total, s = flint.arb(0), first
    for j in range(MOST_LATTICE_POINTS):
        a, b = law.transforms((1 - beta) * s)
        product, numerator = (b, a)
        if lattice.stride:
            earlier_product, earlier_numerator = before[0]
            product, numerator = b * earlier_product, a * earlier_product + alpha * b * earlier_numerator
            before.append((product, numerator))
        if j % lattice.per_node == 0:
            control = law.mean * (-square * s).exp()
            total += adam.laplace.kernel.ball_weight(s) * ((1 - alpha) * numerator - control)
            products.append(product)
            if len(products) > half:
                right = _right_tail(bound * products[-1 - half].upper(), abs(control), s, eps, step)
                if right < tolerance or total.rad() * step > bound:
                    return step * total + symmetric(right + _left_tail(law, square, first, step))
        s *= growth
    raise InputError(
        f"adam.beta2: an enclosure at {adam.beta2} needs more than {MOST_LATTICE_POINTS} products; take beta2 lower"
    )


def _left_tail(law: BallLaw, square: flint.arb, first: flint.arb, step: flint.arb) -> flint.arb:
    """Bound of the nodes left of ``first``: |G(s) - mu exp(-c s)| <= s (E|g|^3 + |mu| c), w(s) <= sqrt(s/pi)."""
    ratio = (-step * 3 / 2).exp()
    cube = law.mean_cube + abs(law.mean) * square
    return step * cube * first * (first / flint.arb.pi()).sqrt() * ratio / (1 - ratio)


def _right_tail(
    bound_times_product: flint.arb, control: flint.arb, s: flint.arb, eps: flint.arb, step: flint.arb
) -> flint.arb:
    """Bound of the nodes right of s: w(u) <= u^(-1/2)/(2 sqrt(pi) eps^2).

    |M| <= C sqrt V gives |G(u)| <= C E[exp(-u V/2)] max_v sqrt(v) exp(-u v/2) <= C P(s/2)/sqrt(e u).
    """
    kernel_bound = 1 / (2 * flint.arb.pi().sqrt() * eps**2)
    ratio = (-step).exp()
    field_part = bound_times_product / (flint.arb(1).exp().sqrt() * s) * ratio / (1 - ratio)
    control_part = control / s.sqrt() * ratio.sqrt() / (1 - ratio.sqrt())
    return step * kernel_bound * (field_part + control_part)


def _strip_factor(step: flint.arb) -> flint.arb:
    """1/(cos a (e^(2 pi a/h) - 1)) at the nearly best a: tan a = 2 pi/h."""
    frequency = 2 * flint.arb.pi() / step
    a = frequency.atan().mid()
    return 1 / (a.cos() * (a * frequency).expm1())


def _smaller(left: flint.arb, right: flint.arb) -> flint.arb:
    """The smaller of two exact numbers."""
    return left if left < right else right
