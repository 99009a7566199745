"""Curves of zeros with known shapes: circles, folds, Hopf and branch points, continua."""

import math

import numpy as np
import pytest

from adamsym.continuation.curves import Limits, Lost, NotIsolated, System, follow, on_curve

LIMITS = Limits(None, 1e6, 1 / 40, 4000)


def system(value, jacobian):
    return System(lambda theta, u: np.array(value(theta, u)), lambda theta, u: np.array(jacobian(theta, u)), 1.0)


CIRCLE = system(lambda x, u: [x[0] ** 2 + (u - 0.5) ** 2 - 0.04], lambda x, u: [[2 * x[0]]])


def test_a_circle_closes_after_two_folds():
    start = on_curve(CIRCLE, np.array([0.19]), 0.5, 1.0)
    curve = follow(CIRCLE, start, LIMITS)
    assert curve.end == "closed"
    assert sorted(turn.u for turn in curve.turns) == pytest.approx([0.3, 0.7], abs=1e-9)
    radii = [math.hypot(point.theta[0], point.u - 0.5) for point in curve.points]
    assert radii == pytest.approx([0.2] * len(radii), abs=1e-10)
    angles = np.unwrap([math.atan2(point.theta[0], point.u - 0.5) for point in curve.points])
    assert abs(angles[-1] - angles[0]) == pytest.approx(2 * math.pi, abs=0.3)


def test_a_curve_ends_exactly_on_the_interval():
    line = system(lambda x, u: [x[0] - 3 * u], lambda x, u: [[1.0]])
    curve = follow(line, on_curve(line, np.array([0.0]), 0.25, 1.0), LIMITS)
    assert (curve.end, curve.points[-1].u) == ("end of the interval", 1.0)
    assert curve.points[-1].theta == pytest.approx([3.0], abs=1e-9)


def test_curves_end_out_of_the_box_and_out_of_bounds():
    line = system(lambda x, u: [x[0] - 3 * u], lambda x, u: [[1.0]])
    start = on_curve(line, np.array([0.0]), 0.0, 1.0)
    boxed = follow(line, start, Limits(np.array([[-1.0, 1.0]]), 1e6, 1 / 40, 4000))
    assert boxed.end == "out of the box"
    pole = system(lambda x, u: [x[0] * (0.5 - u) - 1], lambda x, u: [[0.5 - u]])
    far = follow(pole, on_curve(pole, np.array([2.0]), 0.0, 1.0), Limits(None, 1e3, 1 / 40, 4000))
    assert far.end == "unbounded"
    assert far.points[-1].u == pytest.approx(0.5, abs=2e-3)


def test_hopf_points_are_seen():
    turning = system(
        lambda x, u: [(u - 0.55) * x[0] - x[1], x[0] + (u - 0.55) * x[1]],
        lambda x, u: [[u - 0.55, -1.0], [1.0, u - 0.55]],
    )
    curve = follow(turning, on_curve(turning, np.zeros(2), 0.0, 1.0), LIMITS)
    (change,) = curve.changes
    assert change.u == pytest.approx(0.55, abs=1e-9)
    assert abs(change.eigenvalues[0].imag) == pytest.approx(1)
    assert not curve.turns


def test_a_pitchfork_is_passed_and_seen():
    fork = system(lambda x, u: [x[0] * (u - 0.55 - x[0] ** 2)], lambda x, u: [[u - 0.55 - 3 * x[0] ** 2]])
    curve = follow(fork, on_curve(fork, np.zeros(1), 0.0, 1.0), LIMITS)
    (change,) = curve.changes
    assert change.u == pytest.approx(0.55, abs=1e-6)
    assert curve.end == "end of the interval"


def test_a_line_of_zeros_is_not_followed():
    flat = system(lambda x, u: [(x[0] + x[1] - u) * 1.0, 0.0], lambda x, u: [[1.0, 1.0], [0.0, 0.0]])
    with pytest.raises(NotIsolated) as error:
        on_curve(flat, np.zeros(2), 0.0, 1.0)
    assert error.value.args == (1,)


def test_no_zero_is_no_curve():
    with pytest.raises(Lost):
        on_curve(CIRCLE, np.array([0.1]), 0.95, 1.0)
