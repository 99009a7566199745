"""Fields in closed form: against long runs at a point, and what has none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem
from adamsym.expressions.errors import NotApplicable
from adamsym.field import enclose_long_run_field, long_run_field, monte_carlo
from adamsym.gradients import Independent
from adamsym.methods import ADOPT, Adafactor, Adamax, AdamClippedByNorm, AdamClippedByValue, AMSGrad, Yogi

PLANE = Problem("(a - x)**2/2 + (b + x)**2", ["a", "b"], Empirical({"x": [0, 0, 3]}))
PLACE = [0.7, -0.4]


def mean_change(method, steps, forgotten, chains=1024, seed=0):
    """The mean change of chains held at PLACE, and its standard error."""
    generator, rows = np.random.default_rng(seed), PLANE.row_gradients(PLACE)
    theta = np.broadcast_to(PLACE, (chains, 2))
    state, total = method.initial_state((chains, 2)), np.zeros((chains, 2))
    for n in range(1, forgotten + steps + 1):
        state, change = method.step(state, rows[generator.integers(0, 3, chains)], theta, n)
        total += change * (n > forgotten)
    averages = total / steps
    return averages.mean(axis=0), averages.std(axis=0, ddof=1) / np.sqrt(chains)


@pytest.mark.parametrize(
    ("method", "near_miss", "forgotten"),
    [
        # The largest v is within a relative 0.1^7 of its limit where 7 large gradients came in a row.
        (AMSGrad("0.5", "0.1", "0.1"), AMSGrad("0.5", "0.1", "0.4"), 4000),
        (Adafactor("0.7", "1e-3", "0.9"), Adafactor("0.7", "1e-3", "0.8"), 4000),
        (AdamClippedByValue("0.5", "0.8", "0.1", "1.5"), AdamClippedByValue("0.5", "0.8", "0.1", "1.2"), 100),
        (AdamClippedByNorm("0.5", "0.8", "0.1", "1.5"), AdamClippedByNorm("0.5", "0.8", "0.1", "1.2"), 100),
    ],
)
def test_a_long_run_at_a_point_has_this_mean(method, near_miss, forgotten):
    expected = long_run_field(PLANE, method, PLACE)
    found, error = mean_change(method, 400, forgotten)
    # Adafactor's v is off by a share of n^(-0.7)/2 of its variance.
    assert (np.abs(found - expected.value) <= 5 * error + 1e-3).all()
    assert (np.abs(found - long_run_field(PLANE, near_miss, PLACE).value) > 5 * error + 1e-3).any()
    assert (expected.error < 1e-13).all()


def test_the_product_of_adopt():
    generator, rows = np.random.default_rng(1), PLANE.row_gradients(PLACE)
    v = (0.2 * 0.8 ** np.arange(100)) @ rows[generator.integers(0, 3, (20_000, 100))] ** 2
    inverse = 1 / np.sqrt(v)
    expected, error = -rows.mean(axis=0) * inverse.mean(axis=0), inverse.std(axis=0) / np.sqrt(20_000)
    found = monte_carlo(PLANE, ADOPT("0.5", "0.8", "1e-6"), PLACE, seed=0, steps=4000)
    allowed = 5 * np.hypot(found.standard_error, np.abs(rows.mean(axis=0)) * error)
    assert (np.abs(found.value - expected) <= allowed).all()
    assert (np.abs(found.value - AdamField(PLANE, Adam("0.5", "0.8", "1e-6"))(PLACE)) > allowed).any()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=5), st.floats(-3, 3), st.integers(1, 3))
def test_the_largest_gradient_divides_whatever_the_batch_size(data, theta, size):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": data}), batch_size=size)
    found = long_run_field(problem, AMSGrad(eps="0.5"), [theta])
    g = theta - np.array(data)
    expected = -g.mean() / (np.abs(g).max() + 0.5)
    assert abs(found.value[0] - expected) <= found.error[0] + 1e-15
    one = long_run_field(problem, Adafactor(clip=100), [theta]).value[0]
    spread = g.var() / size + g.mean() ** 2
    assert one == pytest.approx(-g.mean() / np.sqrt(spread + 1e-30), abs=1e-12)


def test_without_effect_clipping_leaves_adam_s_field():
    for kind in (AdamClippedByValue, AdamClippedByNorm):
        found = long_run_field(PLANE, kind("0.9", "0.99", "1e-3", 100), PLACE)
        np.testing.assert_allclose(found.value, AdamField(PLANE, Adam("0.9", "0.99", "1e-3"))(PLACE), atol=1e-12)
        assert not np.allclose(long_run_field(PLANE, kind("0.9", "0.99", "1e-3", 1), PLACE).value, found.value)


METHODS = [
    AMSGrad("0.5", "0.1", "0.1"),
    Adafactor("0.7", "1e-3", "0.9"),
    Adafactor(),
    AdamClippedByValue("0.5", "0.8", "0.1", "1.5"),
    AdamClippedByNorm("0.5", "0.8", "0.1", "1.5"),
]


@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from(METHODS),
    st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    st.sampled_from([0, 2**-10, 0.25]),
    st.integers(1, 2),
)
def test_bounds_hold_the_formula_at_points_and_over_boxes(method, place, half, size):
    problem = PLANE.changed(batch_size=size)
    box = np.stack([np.array(place) - half, np.array(place) + half], axis=-1)
    bounds = enclose_long_run_field(problem, method, box)
    for theta in (place, box[:, 0], box[:, 1], (box[0, 0], box[1, 1])):
        found = long_run_field(problem, method, theta)
        assert (bounds[:, 0] <= found.value + found.error).all()
        assert (found.value - found.error <= bounds[:, 1]).all()
    if half == 0:
        assert (bounds[:, 1] - bounds[:, 0] < 1e-14).all()
    assert (enclose_long_run_field(problem, method, [box, box]) == bounds).all()


@pytest.mark.parametrize("method", METHODS)
def test_over_boxes_where_gradients_may_be_0_bounds_are_finite(method):
    # Where all rows may have the gradient 0, too, and every divisor may be small.
    for law in (Empirical({"x": [0, 0, 3]}), Empirical({"x": [0]})):
        problem = PLANE.changed(law=law)
        box = np.array([[-1.0, 2.0], [-0.5, 1.0]])
        bounds = enclose_long_run_field(problem, method, box)
        assert np.isfinite(bounds).all()
        for theta in ((0.0, 0.0), (-1.0, 1.0), (2.0, -0.5), (1e-3, 1e-3)):
            found = long_run_field(problem, method, theta)
            assert (bounds[:, 0] <= found.value + found.error).all()
            assert (found.value - found.error <= bounds[:, 1]).all()


def test_bounds_do_not_hold_a_near_miss():
    boxes = [[PLACE[0]] * 2, [PLACE[1]] * 2]
    for method, other in (
        (METHODS[0], AMSGrad("0.5", "0.1", "0.1001")),
        (METHODS[1], Adafactor("0.7", "1.01e-3", "0.9")),
        (METHODS[3], AdamClippedByValue("0.5", "0.8", "0.1", "1.501")),
        (METHODS[4], AdamClippedByNorm("0.5", "0.8", "0.1001", "1.5")),
    ):
        bounds, found = enclose_long_run_field(PLANE, method, boxes), long_run_field(PLANE, other, PLACE).value
        assert ((found < bounds[:, 0]) | (bounds[:, 1] < found)).any()


def test_what_has_no_formula_is_refused():
    with pytest.raises(NotApplicable, match="no formula is known for Yogi"):
        enclose_long_run_field(PLANE, Yogi(), [[0, 1], [0, 1]])
    with pytest.raises(NotApplicable, match="law of one minibatch"):
        enclose_long_run_field(PLANE.changed(sampling="cyclic"), AMSGrad(), [[0, 1], [0, 1]])
    with pytest.raises(InputError, match="box: shape"):
        enclose_long_run_field(PLANE, AMSGrad(), [0, 1])
    for method in (Adamax(), Yogi(), Adam()):
        with pytest.raises(NotApplicable, match=f"no formula is known for {type(method).__name__}; known are those of"):
            long_run_field(PLANE, method, PLACE)
    normal = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"}))
    with pytest.raises(NotApplicable, match="the data must be a list of rows"):
        long_run_field(normal, AMSGrad(), [1.0])
    with pytest.raises(NotApplicable, match="law of one minibatch"):
        long_run_field(PLANE.changed(sampling="cyclic"), AMSGrad(), PLACE)
    with pytest.raises(InputError, match="give one point"):
        long_run_field(PLANE, AMSGrad(), [PLACE])
