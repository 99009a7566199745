"""Sums and products of intervals in float64, rounded outward.

A float operation rounds its exact result x to the nearest float c. With u = 2^-53, the floats next to c are at most
2 u |c|, or the least subnormal float 2^-1074, away from it, and x lies between them. And c - e, e more than u |c| and
more than 2^-1075, is nearer to the lower neighbour than to c, or below it, and rounds to no more than that (Rump,
Zimmermann, Boldo and Melquiond, BIT 49, 2009). ``down`` and ``up`` so bound x, where c is finite. Callers see to it
that nothing overflows: numbers that are multiplied are below 1e150, or results are tested afterwards.

Numba compiles this without reassociation; fused products and sums would only make the errors smaller.
"""

from adamsym.field.compiled import compiled, inner

_SHARE = 2.0**-53 * (1 + 2.0**-20)
_LEAST = 1e-320


@inner
def down(x: float) -> float:
    """Return a float below the exact result of which x is the rounding."""
    return x - (abs(x) * _SHARE + _LEAST)


@inner
def up(x: float) -> float:
    """Return a float above the exact result of which x is the rounding."""
    return x + (abs(x) * _SHARE + _LEAST)


@compiled
def add(a: float, b: float, c: float, d: float) -> tuple[float, float]:
    """Return [a, b] + [c, d]."""
    return down(a + c), up(b + d)


@compiled
def subtract(a: float, b: float, c: float, d: float) -> tuple[float, float]:
    """Return [a, b] - [c, d]."""
    return down(a - d), up(b - c)


@compiled
def multiply(a: float, b: float, c: float, d: float) -> tuple[float, float]:
    """Return [a, b] [c, d]."""
    p, q, r, s = a * c, a * d, b * c, b * d
    return down(min(min(p, q), min(r, s))), up(max(max(p, q), max(r, s)))


@compiled
def scale(a: float, b: float, c: float, d: float) -> tuple[float, float]:
    """Return [a, b] [c, d] for 0 <= c."""
    low = a * c if a >= 0 else a * d
    high = b * d if b >= 0 else b * c
    return down(low), up(high)


@compiled
def square(a: float, b: float) -> tuple[float, float]:
    """Return the squares of the points of [a, b]."""
    x, y = abs(a), abs(b)
    large = max(x, y)
    small = 0.0 if a <= 0 <= b else min(x, y)
    return max(0.0, down(small * small)), up(large * large)
