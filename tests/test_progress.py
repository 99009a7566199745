"""Long computations tell how far they are, and what they return does not depend on it."""

import io
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tanh_network import small_network

from adamsym import Adam, AdamField, find_zero, progress_bar
from adamsym.field import batch_quotient, quotient
from adamsym.field.float import laplace_quadrature

LAWS = np.random.default_rng(0).normal(size=(700, 3))
P = np.full(3, 1 / 3)


@settings(max_examples=6)
@given(st.integers(1, 700), st.integers(1, 3), st.booleans(), st.sampled_from([1, 30]))
def test_all_laws_are_counted_and_nothing_changes(number, threads, slopes, size):
    told = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(laplace_quadrature, "_ENTRIES_AT_ONCE", 600)
        options = {"sensitivity": slopes, "threads": threads}
        arguments = (LAWS[:number], P, size, Adam())
        found = batch_quotient(*arguments, **options, progress=lambda *pair: told.append(pair))
        alone = batch_quotient(*arguments, **options)
    done = [one for one, _ in told]
    assert told[-1] == (number, number)
    assert {total for _, total in told} == {number}
    assert done == sorted(set(done))
    assert len(told) >= number / (256 if size > 1 else 200)
    np.testing.assert_array_equal(found.value, alone.value)
    np.testing.assert_array_equal(found.error, alone.error)
    if slopes:
        np.testing.assert_array_equal(found.sensitivity, alone.sensitivity)


def test_an_interrupted_callback_ends_the_work():
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quotient(LAWS, P, Adam(), progress=stop)


def test_a_search_for_a_zero_tells_what_is_spent():
    source = small_network(1)
    told, laws = [], []
    field = AdamField(source, Adam("0.9", "0.9", "1e-2"), 1e-10, progress=lambda *pair: laws.append(pair))
    quiet = AdamField(source, Adam("0.9", "0.9", "1e-2"), 1e-10)
    start = np.full(source.dimension, 0.1)
    found = find_zero(field, start, budget=300, progress=lambda *pair: told.append(pair))
    alone = find_zero(quiet, start, budget=300)
    assert told[-1] == (found.spent, 300)
    assert [one for one, _ in told] == sorted(one for one, _ in told)
    assert set(laws) == {(source.dimension, source.dimension)}
    np.testing.assert_array_equal(found.theta, alone.theta)
    assert found.spent == alone.spent


def test_the_bar_is_on_terminals_alone(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    seen = Terminal()
    monkeypatch.setattr(sys, "stderr", seen)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("the field") as progress:
        AdamField(LAWS[:3].T, Adam(), progress=progress)(np.zeros(3))
    assert "the field" in seen.getvalue()
    assert "3/3" in seen.getvalue()


@given(st.lists(st.integers(0, 10**6), max_size=20), st.sampled_from([0.0, math.inf]))
def test_elsewhere_there_are_lines_and_not_too_many(steps, seconds):
    quiet = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", quiet)
        patch.setattr("adamsym.expressions.progress.SECONDS_BETWEEN_LINES", seconds)
        with progress_bar("the field") as progress:
            for done in steps:
                progress(done, 10**6)
    told = steps if seconds == 0 else []
    assert quiet.getvalue() == "".join(f"adamsym: the field: {done} of 1000000\n" for done in told)


def test_lines_that_cannot_be_written_do_not_end_the_work(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError("no space left")

    monkeypatch.setattr(sys, "stderr", Full())
    monkeypatch.setattr("adamsym.expressions.progress.SECONDS_BETWEEN_LINES", 0.0)
    with progress_bar("the field") as progress:
        progress(1, 3)
