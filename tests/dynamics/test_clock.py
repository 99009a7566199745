"""Windows on Adam's clock."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adamsym.dynamics import clock
from adamsym.dynamics.clock import window_sizes
from adamsym.expressions.errors import InputError
from adamsym.methods import StepSizeSchedule


@given(st.integers(0, 10**6), st.floats(0.01, 3), st.sampled_from(["0.01", "0.01/n**0.3", "0.002*(2 + sin(n))"]))
def test_the_longest_window(start, length, text):
    schedule = StepSizeSchedule(text)
    if float(schedule(start + 1)) > length:
        with pytest.raises(InputError, match="length"):
            window_sizes(schedule, start, length)
        return
    sizes = window_sizes(schedule, start, length)
    np.testing.assert_array_equal(sizes, schedule(np.arange(start + 1, start + len(sizes) + 1)))
    assert sizes.sum() <= length * (1 + 1e-9) < sizes.sum() + schedule(start + len(sizes) + 1) + 1e-9


def test_a_step_that_just_ends_the_window_belongs_to_it():
    assert len(window_sizes(StepSizeSchedule("0.1"), 0, 1.0)) == 10


def test_long_windows(monkeypatch):
    assert len(window_sizes(StepSizeSchedule("1e-5"), 3, 2.0)) == 200_000
    monkeypatch.setattr(clock, "MOST_STEPS", 100_000)
    with pytest.raises(InputError, match="100000 steps"):
        window_sizes(StepSizeSchedule("1e-5"), 3, 2.0)
