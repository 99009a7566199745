"""Ball arithmetic for the enclosures: small tools, and the step bound C."""

import math
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import flint

from adamsym.expressions.precision import ball_bits
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import ball as ball

BITS = 128
"""Working precision of the enclosures."""

MOST_TERMS = 48
"""Terms of power series at most."""


@dataclass(frozen=True)
class BallArithmetic:
    """The precision of ball arithmetic: bits of every midpoint, and terms of power series.

    flint takes its precision from a global, ``flint.ctx``, and has no argument for it. A public function enters an
    arithmetic once, around its computation; what lies within reads ``flint.ctx.prec``, also as the key of what it
    caches. Nothing stays changed afterwards.
    """

    bits: int = BITS
    terms: int = MOST_TERMS

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Compute with this precision; another thread waits until it is left."""
        with ball_bits(self.bits):
            previous, flint.ctx.cap = flint.ctx.cap, self.terms
            try:
                yield
            finally:
                flint.ctx.cap = previous


def ball_arithmetic(bits: int = BITS) -> AbstractContextManager[None]:
    """Return the arithmetic of enclosures, with so many bits, to be entered by ``with``."""
    return BallArithmetic(bits).entered()


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
