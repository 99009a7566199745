"""A precision is that of one thread at a time, and nothing stays changed."""

import threading

import flint
import mpmath
import pytest
from mpmath import iv

from adamsym.checker.balls import Balls
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.expressions.precision import ball_bits, decimal_digits, interval_bits

ENTERED = [
    (decimal_digits, lambda: mpmath.mp.dps, 40, 60),
    (interval_bits, lambda: iv.prec, 100, 200),
    (ball_bits, lambda: flint.ctx.prec, 100, 200),
    (lambda bits: MpmathIntervals(bits).working(), lambda: iv.prec, 100, 200),
    (lambda bits: Balls(bits).working(), lambda: flint.ctx.prec, 100, 200),
]


@pytest.mark.parametrize(("entered", "current", "one", "other"), ENTERED)
def test_nothing_stays_changed(entered, current, one, other):
    before = current()
    with entered(one):
        assert current() == one
        with entered(other):
            assert current() == other
        assert current() == one
    assert current() == before
    with pytest.raises(ZeroDivisionError), entered(one):
        raise ZeroDivisionError
    assert current() == before


@pytest.mark.parametrize(("entered", "current", "one", "other"), ENTERED)
def test_another_thread_waits(entered, current, one, other):
    """It never sees the first one's precision, nor the first one its, and both leave what was there before."""
    before, started, seen = current(), threading.Event(), []

    def compute():
        started.set()
        with entered(other):
            seen.append(current())

    with entered(one):
        thread = threading.Thread(target=compute)
        thread.start()
        started.wait()
        assert [current() for _ in range(1000)] == [one] * 1000
        assert seen == []
    thread.join()
    assert seen == [other]
    assert current() == before
