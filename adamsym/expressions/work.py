"""Budgets of work: problems and certificates come from strangers, and work is counted before it is done.

The unit is about one operation on balls, or on the checker's intervals. What is counted depends on what is asked alone:
not on the processor, on its load, on the number of processes, or on what is remembered from before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class OutOfWork(Exception):
    """Something needs more work than is left, or more than this arithmetic is for."""


@dataclass
class Meter:
    """Operations that are left; and whether some proof was cut short that more work might have finished."""

    left: int
    cut_short: bool = False


_meter: ContextVar[Meter | None] = ContextVar("meter", default=None)


@contextmanager
def budget(most: int) -> Iterator[Meter]:
    """Allow ``most`` operations within; :func:`spend` raises OutOfWork beyond them."""
    meter = Meter(most)
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


def spend(operations: int) -> None:
    """Count operations that are about to be done; without a budget nothing is counted.

    Raises
    ------
    OutOfWork
        If more are needed than are left.
    """
    meter = _meter.get()
    if meter is not None:
        if operations > meter.left:
            meter.left = 0
            raise OutOfWork("the budget of work is spent")
        meter.left -= operations


def operations_left() -> int | None:
    """Return how many operations are left; None without a budget."""
    meter = _meter.get()
    return None if meter is None else meter.left


def cut_short() -> None:
    """Note that a bound was left wider than it need be, to save work."""
    meter = _meter.get()
    if meter is not None:
        meter.cut_short = True


def is_cut_short() -> bool:
    """Return whether that has happened in this proof: then finer parts of a box would only take more work."""
    meter = _meter.get()
    return meter is not None and meter.cut_short
