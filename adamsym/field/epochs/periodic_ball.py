"""The field of gradients that repeat, in ball arithmetic: a finite sum, so that nothing is truncated."""

from collections.abc import Callable, Sequence
from functools import lru_cache, reduce

import flint
import sympy as sp

from adamsym.expressions.compilation import compile_ball
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball, larger, square, symmetric
from adamsym.gradients.sampling import Epoch
from adamsym.methods import LaplaceForm
from adamsym.methods.laplace import Kernel

MOST_BATCHES = 10_000
"""Minibatches of an epoch that are summed over."""

Balls = list[flint.arb]


def require_periodic(epoch: Epoch, what: str) -> None:
    """Raise NotApplicable unless the minibatches repeat, and are few enough."""
    if epoch.is_shuffled:
        raise NotApplicable(f"data.sampling: {what} is available for 'replacement', 'cyclic' and 'full' alone")
    if epoch.batches > MOST_BATCHES:
        raise NotApplicable(f"data.sampling: {what} sums over at most {MOST_BATCHES} minibatches of an epoch")


def batch_means(rows: Sequence[flint.arb], epoch: Epoch) -> Balls:
    """Return the means of the rows' values over each minibatch, in the order of the rows."""
    size = epoch.batch_size
    starts = range(0, epoch.batches * size, size)
    return [
        sum(rows[start : start + epoch.size(k)], flint.arb(0)) / epoch.size(k) if size > 1 else rows[start]
        for k, start in enumerate(starts)
    ]


def periodic_quotient(
    gradients: Sequence[flint.arb], slopes: Sequence[Sequence[flint.arb]], form: LaplaceForm
) -> tuple[flint.arb, Balls]:
    """Return balls around F of one coordinate's minibatch gradients, in order, and its derivatives.

    ``slopes`` hold for each parameter the gradients' derivatives h. Where V may be 0, |M phi'(V) V'| is at most
    2 C max|h| b phi(0), with C of T1 for sums over one period and b of T4: there they hold the generalized derivatives.
    """
    count = len(gradients)
    spend(count.bit_length() * count * 4 * (1 + len(slopes)))
    numerator, squares = _numerator(gradients, form), _squares([square(g) for g in gradients], form)
    phi = [_phi(v, form.kernel) for v in squares]
    value = _mean([m * p for m, p in zip(numerator, phi, strict=True)])
    if not slopes:
        return value, []
    outer = [m * _ball_slope(form.kernel)(v)[0] if v > 0 else None for m, v in zip(numerator, squares, strict=True)]
    bound = _period_bound(count, form) * 2 * ball(form.kernel.slope_share) * form.kernel.ball_of(flint.arb(0))
    derivatives = []
    for own in slopes:
        moved = _squares([2 * g * h for g, h in zip(gradients, own, strict=True)], form)
        most = symmetric(bound * reduce(larger, [h.abs_upper() for h in own]))
        parts = zip(_numerator(own, form), phi, outer, moved, strict=True)
        derivatives.append(_mean([m * p + (most if q is None else q * v) for m, p, q, v in parts]))
    return value, derivatives


def _period_bound(count: int, form: LaplaceForm) -> flint.arb:
    """C with |M| <= C sqrt(V), from the lag weights summed over all periods (theory T1)."""
    unit = [flint.arb(1)] + [flint.arb(0)] * (count - 1)
    pairs = zip(_numerator(unit, form), _squares(unit, form), strict=True)
    # Where beta = 0, only the newest gradient has a weight.
    return sum((c**2 / w for c, w in pairs if not (c == 0 and w == 0)), flint.arb(0)).sqrt()


def _phi(v: flint.arb, kernel: Kernel) -> flint.arb:
    """Phi, which decreases, at v >= 0: a ball around such numbers may reach below 0."""
    return kernel.ball_of(v) if v > 0 else kernel.ball_of(flint.arb(0)).union(kernel.ball_of(v.abs_upper()))


def _mean(values: Sequence[flint.arb]) -> flint.arb:
    return sum(values, flint.arb(0)) / len(values)


def _squares(values: Sequence[flint.arb], form: LaplaceForm) -> Balls:
    return periodic_sum(values, 1 - ball(form.beta), ball(form.beta))


def _numerator(values: Sequence[flint.arb], form: LaplaceForm) -> Balls:
    count = len(values)
    total = [flint.arb(0)] * count
    for k, head in enumerate(form.weights.head):
        total = [one + ball(head) * values[(j - k) % count] for j, one in enumerate(total)]
    for amount, ratio in form.weights.terms:
        summed = periodic_sum(values, ball(amount), ball(ratio))
        total = [one + other for one, other in zip(total, summed, strict=True)]
    return total


def periodic_sum(values: Sequence[flint.arb], amount: flint.arb, ratio: flint.arb) -> Balls:
    """Return sum_{k>=0} amount ratio^k x_{j-k}, indices modulo their number: by doubling the number of lags.

    No value enters a sum twice, so that wide balls grow no wider than they must.
    """
    count, done, length, block = len(values), 0, 1, list(values)
    total = [flint.arb(0)] * count
    while length <= count:
        if count & length:
            total = [one + ratio**done * block[(j - done) % count] for j, one in enumerate(total)]
            done += length
        block = [one + ratio**length * block[(j - length) % count] for j, one in enumerate(block)]
        length *= 2
    factor = amount / (1 - ratio**count)
    return [factor * one for one in total]


@lru_cache(maxsize=16)
def _ball_slope(kernel: Kernel) -> Callable[..., Balls]:
    """phi' as a function of balls."""
    v, eps = sp.symbols("v epsilon", positive=True)
    epsilon = sp.Rational(kernel.epsilon.numerator, kernel.epsilon.denominator)
    return compile_ball([v], [sp.diff(kernel.symbolic(v, eps), v).subs(eps, epsilon)])
