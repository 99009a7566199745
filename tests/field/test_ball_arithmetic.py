"""The precision of balls: set while an arithmetic is entered, restored whatever happens, one thread at a time."""

import threading

import flint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adamsym.field.ball.arithmetic import BITS, MOST_TERMS, BallArithmetic, ball_arithmetic


@given(st.lists(st.tuples(st.integers(53, 300), st.integers(2, 60)), min_size=1, max_size=4))
def test_nested_arithmetics_are_restored_in_order(sizes):
    before = flint.ctx.prec, flint.ctx.cap

    def enter(remaining):
        if not remaining:
            return
        outside = flint.ctx.prec, flint.ctx.cap
        with BallArithmetic(*remaining[0]).entered():
            assert (flint.ctx.prec, flint.ctx.cap) == remaining[0]
            enter(remaining[1:])
            assert (flint.ctx.prec, flint.ctx.cap) == remaining[0]
        assert (flint.ctx.prec, flint.ctx.cap) == outside

    enter(sizes)
    assert (flint.ctx.prec, flint.ctx.cap) == before


def test_an_error_restores_the_precision():
    before = flint.ctx.prec, flint.ctx.cap

    def failing():
        with ball_arithmetic(99):
            assert (flint.ctx.prec, flint.ctx.cap) == (99, MOST_TERMS)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert (flint.ctx.prec, flint.ctx.cap) == before


def test_the_default_is_that_of_enclosures():
    with ball_arithmetic():
        assert flint.ctx.prec == BITS


def test_another_thread_waits():
    """Two threads with different precisions never see each other's."""
    entered, seen = threading.Event(), []

    def other():
        entered.set()
        with ball_arithmetic(200):
            seen.append(flint.ctx.prec)

    with ball_arithmetic(100):
        thread = threading.Thread(target=other)
        thread.start()
        entered.wait()
        assert [flint.ctx.prec for _ in range(1000)] == [100] * 1000
        assert seen == []
    thread.join()
    assert seen == [200]
