"""The functions of the grammar in ball arithmetic."""

from collections.abc import Callable
from typing import Any

import flint


def integer_power(z: flint.arb, exponent: int) -> flint.arb:
    """z**exponent, exponent >= 1; from the ends where flint's own power is nan or so wide that it holds 0."""
    holds_zero = z.contains(0)
    if not holds_zero or z.rad() == 0:
        power = z**exponent
        if not power.contains(0) or z.rad() == 0:
            return power
    if exponent % 2:
        return (z.lower() ** exponent).union(z.upper() ** exponent)
    least = flint.arb(0) if holds_zero else z.abs_lower() ** exponent
    return least.union(z.abs_upper() ** exponent)


def _ball_increasing(function: Callable[[flint.arb], flint.arb]) -> Callable[[Any], flint.arb]:
    """An increasing function over a ball from its values at the ends: finite and tight for wide balls too."""

    def over(z: Any) -> flint.arb:
        ball = flint.arb(z)
        if ball.rad() == 0 or not ball.is_finite():
            return function(ball)
        return function(ball.lower()).union(function(ball.upper()))

    return over


def _ball_logsumexp(*values: Any) -> flint.arb:
    """From the ends, for it increases in each argument."""
    balls = [flint.arb(value) for value in values]
    if not all(ball.is_finite() for ball in balls):
        return flint.arb("nan")
    low, high = _logsumexp([ball.lower() for ball in balls]), _logsumexp([ball.upper() for ball in balls])
    return low.union(high)


def _logsumexp(numbers: list[flint.arb]) -> flint.arb:
    largest = max(range(len(numbers)), key=lambda k: numbers[k])
    rest = [(z - numbers[largest]).exp() for k, z in enumerate(numbers) if k != largest]
    return numbers[largest] + sum(rest, flint.arb(0)).log1p()


def _softplus(z: flint.arb) -> flint.arb:
    # log1p(exp(-|z|)) + max(z, 0) keeps the ball small for large |z|.
    return (-abs(z)).exp().log1p() + z.max(flint.arb(0))


def _sigmoid(z: flint.arb) -> flint.arb:
    e = (-abs(z)).exp()
    return 1 / (1 + e) if z > 0 else e / (1 + e)


def _ball_pick(side: Any, first: Any, second: Any) -> flint.arb:
    ball = flint.arb(side)
    if ball > 0:
        return flint.arb(first)
    return flint.arb(second) if ball < 0 else flint.arb(first).union(flint.arb(second))


def _ball_sign(z: flint.arb) -> flint.arb:
    # Any value in [-1, 1] at a kink: the enclosure then holds every generalised derivative.
    return flint.arb(0, 1) if z.contains(0) else z.sgn()


def _ball_heaviside(z: flint.arb, _at_zero: object = None) -> flint.arb:
    return (1 + _ball_sign(z)) / 2


def _ball_extremum(pick: Callable[[flint.arb, flint.arb], flint.arb]) -> Callable[..., flint.arb]:
    def extremum(*values: Any) -> flint.arb:
        result = flint.arb(values[0])
        for value in values[1:]:
            result = pick(result, flint.arb(value))
        return result

    return extremum


def _method(name: str) -> Callable[[Any], Any]:
    def call(z: Any) -> Any:
        return getattr(flint.arb(z), name)()

    return call


BALLS: dict[str, Callable[..., Any]] = {
    **{name: _method(name) for name in ("exp", "sin", "cos", "sinh", "cosh", "atan", "erf", "log", "log1p", "sqrt")},
    "tanh": _ball_increasing(lambda z: z.tanh()),
    "sigmoid": _ball_increasing(_sigmoid),
    "softplus": _ball_increasing(_softplus),
    "logsumexp": _ball_logsumexp,
    "Abs": abs,
    "Max": _ball_extremum(lambda a, b: a.max(b)),
    "Min": _ball_extremum(lambda a, b: a.min(b)),
}
"""The functions that a loss may hold, by name."""

BALL_NAMESPACE: dict[str, Any] = {
    "integer_power": integer_power,
    "Pick": _ball_pick,
    "sign": _ball_sign,
    "Heaviside": _ball_heaviside,
}
"""Those that gradients may hold besides."""
