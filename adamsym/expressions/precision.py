"""Precisions of mpmath and flint, which have one each for the whole process, and no argument for it.

A function enters a precision around its computation. It is left as it was, also by exceptions, and another thread waits
until then: else a value could be rounded with one precision and its error bounded with another.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import flint

_IN_USE = threading.RLock()


@contextmanager
def decimal_digits(digits: int) -> Iterator[None]:
    """Compute mpmath's numbers with so many digits."""
    import mpmath

    with _IN_USE, mpmath.workdps(digits):
        yield


@contextmanager
def interval_bits(bits: int) -> Iterator[None]:
    """Compute mpmath's intervals with so many bits."""
    import mpmath

    with _IN_USE:
        previous, mpmath.iv.prec = mpmath.iv.prec, bits
        try:
            yield
        finally:
            mpmath.iv.prec = previous


@contextmanager
def ball_bits(bits: int) -> Iterator[None]:
    """Compute flint's balls with so many bits."""
    with _IN_USE, flint.ctx.workprec(bits):
        yield
