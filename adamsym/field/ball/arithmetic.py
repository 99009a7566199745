"""Ball arithmetic for the enclosures: small tools, and the step bound C."""

import math
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction

import flint

from adamsym.methods import LaplaceForm

BITS = 128
"""Working precision of the enclosures."""

MOST_TERMS = 48
"""Terms of power series at most."""

_CONTEXT = threading.RLock()


@contextmanager
def ball_arithmetic(bits: int = BITS) -> Iterator[None]:
    """Compute with so many bits and ``MOST_TERMS`` terms; flint's settings are global, so one thread at a time."""
    with _CONTEXT, flint.ctx.workprec(bits):
        previous, flint.ctx.cap = flint.ctx.cap, MOST_TERMS
        try:
            yield
        finally:
            flint.ctx.cap = previous


def ball(value: Fraction) -> flint.arb:
    """Return a ball around an exact fraction."""
    return flint.arb(value.numerator) / value.denominator


def hull(low: float, high: float) -> flint.arb:
    """Return a ball that holds the interval between two floats."""
    return flint.arb(low).union(flint.arb(high))


def outward(value: flint.arb) -> tuple[float, float]:
    """Return floats below and above every point of a ball."""
    low, high = float(value.lower()), float(value.upper())
    # float() rounds to nearest: one step outward is enough.
    return math.nextafter(low, -math.inf), math.nextafter(high, math.inf)


def symmetric(radius: flint.arb) -> flint.arb:
    """Return a ball around 0 that holds every number of magnitude at most ``radius``."""
    return flint.arb(0, radius.upper())


def smaller(left: flint.arb, right: flint.arb) -> flint.arb:
    """Return the smaller of two exact numbers."""
    return left if left < right else right


def larger(left: flint.arb, right: flint.arb) -> flint.arb:
    """Return the larger of two exact numbers."""
    return left if left > right else right


def norm_bound(entries: Iterable[flint.arb]) -> flint.arb:
    """Return an upper bound of the Euclidean norm of every point of the balls."""
    return sum((entry.abs_upper() ** 2 for entry in entries), flint.arb(0)).sqrt()


def square(value: flint.arb) -> flint.arb:
    """Return the square of a ball; never negative."""
    low, high = value.abs_lower(), value.abs_upper()
    return low**2 if low == high else (low**2).union(high**2)


def step_bound(form: LaplaceForm) -> flint.arb:
    """Return a ball around C of T1."""
    return ball(form.square_bound).sqrt()
