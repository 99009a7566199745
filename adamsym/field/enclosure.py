"""Rigorous enclosures of the Adam field in ball arithmetic: every truncation is bounded (theory T5).

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
import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.field.ball_transforms import BallLaw
from adamsym.optimizer import Adam
from adamsym.problem import Empirical, Problem
from adamsym.problem.batches import batch_numbers

_BITS = 128

_LARGEST_STEP = 0.2
"""The rule's step h: its error is then below 1e-19 of the step bound."""

_TRUNCATION = 1e-18
"""Share of the scale min(1, sqrt(E g^2)/eps) that each truncation of the integral may have."""

MOST_LATTICE_POINTS = 3_000_000
"""Points at which the transforms may be evaluated: minutes."""


def enclose(problem: Problem, adam: Adam, box: ArrayLike) -> FloatArray:
    """Return proven lower and upper bounds of f over boxes; see :meth:`AdamField.enclose`."""
    boxes = np.asarray(box, dtype=np.float64)
    if boxes.ndim not in (2, 3) or boxes.shape[-2:] != (problem.dimension, 2):
        raise InputError(f"box: shape {boxes.shape} is not allowed; give ({problem.dimension}, 2) or (n, .., 2)")
    if not np.isfinite(boxes).all() or (boxes[..., 0] > boxes[..., 1]).any():
        raise InputError("box: each parameter needs finite ends, the lower first")
    with flint.ctx.workprec(_BITS):
        bounds = [_over_one_box(problem, adam, one) for one in boxes.reshape(-1, problem.dimension, 2)]
    return np.array(bounds).reshape(boxes.shape)


def _over_one_box(problem: Problem, adam: Adam, box: FloatArray) -> list[tuple[float, float]]:
    theta = [flint.arb(float(low)).union(flint.arb(float(high))) for low, high in box]
    gradients = problem.row_gradients_ball(theta)
    for row, gradient in enumerate(gradients):
        if not all(entry.is_finite() for entry in gradient):
            raise InputError(f"problem.loss: the gradient at data row {row} is not bounded over the box")
    batches = _minibatches(problem)
    found = []
    for coordinate in range(problem.dimension):
        atoms = [_batch_mean([gradient[coordinate] for gradient in gradients], shares) for shares, _ in batches]
        law = BallLaw(atoms, [probability for _, probability in batches])
        found.append(outward(-enclose_quotient(law, adam)))
    return found


def _minibatches(problem: Problem) -> list[tuple[list[tuple[int, Fraction]], flint.arb]]:
    """Every minibatch as pairs (row, share), with its exact probability as a ball."""
    assert isinstance(problem.law, Empirical)
    probabilities, size = problem.law.exact_probabilities, problem.batch_size
    if size == 1:
        return [([(row, Fraction(1))], ball(probability)) for row, probability in enumerate(probabilities)]
    listed = []
    for numbers in batch_numbers(len(probabilities), size):
        drawn = [(row, int(number)) for row, number in enumerate(numbers) if number]
        orders = math.factorial(size) // math.prod(math.factorial(number) for _, number in drawn)
        weight = math.prod((probabilities[row] ** number for row, number in drawn), start=Fraction(orders))
        listed.append(([(row, Fraction(number, size)) for row, number in drawn], ball(weight)))
    return listed


def _batch_mean(gradients: Sequence[flint.arb], shares: Sequence[tuple[int, Fraction]]) -> flint.arb:
    return sum((ball(share) * gradients[row] for row, share in shares), flint.arb(0))


def ball(value: Fraction) -> flint.arb:
    """Return a ball around an exact fraction."""
    return flint.arb(value.numerator) / value.denominator


def outward(value: flint.arb) -> tuple[float, float]:
    """Return floats below and above every point of a ball."""
    low, high = float(value.lower()), float(value.upper())
    # float() rounds to nearest: one step outward is enough.
    return math.nextafter(low, -math.inf), math.nextafter(high, math.inf)


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
    eps, bound = ball(adam.epsilon), step_bound(adam)
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
    bound = step_bound(adam)
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
            total += kernel(s, eps) * ((1 - alpha) * numerator - control)
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


def kernel(s: flint.arb, eps: flint.arb) -> flint.arb:
    """Return s rho(s) = s eps U(3/2, 3/2, eps^2 s)/(2 sqrt(pi)), U Tricomi's function (DLMF 13.4.4)."""
    order = flint.arb(3) / 2
    return s * eps * (eps**2 * s).hypgeom_u(order, order) / (2 * flint.arb.pi().sqrt())


def step_bound(adam: Adam) -> flint.arb:
    """Return a ball around C of T1."""
    alpha, beta = ball(adam.alpha), ball(adam.beta)
    rest = alpha**2 / beta if adam.alpha else flint.arb(0)
    return (1 - alpha) / ((1 - beta) * (1 - rest)).sqrt()


def _smaller(left: flint.arb, right: flint.arb) -> flint.arb:
    """The smaller of two exact numbers."""
    return left if left < right else right


def symmetric(radius: flint.arb) -> flint.arb:
    """Return a ball around 0 that holds every number of magnitude at most ``radius``."""
    return flint.arb(0, radius.upper())
