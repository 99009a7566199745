"""Measured distances from the flow against the proven bound: on drawn problems, and on problems known well."""

import functools
import importlib
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from adamsym.dynamics import Run, flow, pseudo_trajectory, simulate
from adamsym.dynamics.bound.hypotheses import CELLS, field_bounds, hypotheses, largest_gradients
from adamsym.dynamics.bound.theorems import Steps, memory, window_bound
from adamsym.dynamics.pseudo_trajectory import (
    MARGIN,
    _thinning,
    _travel,
    _widened,
    fitted_order,
    root_mean_square,
)
from adamsym.dynamics.windows import Window
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import divided
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam, RMSprop, StepSizeSchedule
from adamsym.testing import strategies

pseudo_trajectory_module = importlib.import_module("adamsym.dynamics.pseudo_trajectory")

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, 2]}, weights=[3, 5, 2]))
ADAM = Adam("0.9", "0.99", "0.1")
SCHEDULE = StepSizeSchedule("0.1/n**0.75")

problems = st.one_of(*(strategies.problems(kind) for kind in ("quadratic", "robust", "regression")))
adams = st.sampled_from(
    [
        Adam("0.9", "0.99", "0.1"),
        Adam("0.5", "0.9", "0.5"),
        Adam(0, "0.95", "0.2"),
        Adam("0.8", "0.95", "1e-3"),
        Adam("0.9", "0.99", "1e-8"),
    ]
)


def check_every_window(problem, adam, schedule, length, seed, starts, chains):
    theta0 = [0.5] * problem.dimension
    found = pseudo_trajectory(problem, adam, schedule, theta0, starts, length, chains=chains, seed=seed)
    assert len(found.windows) == len(starts)
    # Each run is beyond its bound with probability at most 0.05: more than so many have probability 1e-3 at most.
    most = scipy.stats.binom.isf(1e-3, chains, 0.05)
    for window in found.windows:
        assert window.inside > 0
        assert window.measured.value <= window.bound.mean_square.total
        assert window.bound.mean_square.total <= window.bound.closed_form * (1 + 1e-9)
        assert window.exceeding * chains <= most + 0.5
    assert found.holds


arguments = (problems, adams, strategies.schedules(fastest="0.6"), st.sampled_from([0.2, 0.5]), st.integers(0, 2**32))
unhurried = [HealthCheck.too_slow, HealthCheck.data_too_large]
# Each example takes seconds: the first that falls will do.
unsimplified = [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]


@settings(
    max_examples=1,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=unhurried,
    phases=unsimplified,
)
@given(*arguments)
def test_measured_is_at_most_the_bound(problem, adam, schedule, length, seed):
    check_every_window(problem, adam, schedule, length, seed, [300], chains=12)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, database=None, suppress_health_check=unhurried, phases=unsimplified)
@given(*arguments)
def test_measured_is_at_most_the_bound_on_200_problems(problem, adam, schedule, length, seed):
    check_every_window(problem, adam, schedule, length, seed, [0, 300, 6000], chains=40)


@pytest.fixture(scope="module")
def skewed():
    return pseudo_trajectory(SKEWED, ADAM, SCHEDULE, [1.0], [10_000, 30_000, 100_000], 0.5, chains=200, seed=1)


def test_small_steps(skewed):
    """The order is 1/2 and the bound within a factor of 10: a tenth of it would be refuted."""
    assert skewed.holds
    assert 0.4 <= skewed.order.value <= 0.6
    assert skewed.order.low < 0.5 < skewed.order.high
    for window in skewed.windows:
        assert window.inside == 200
        assert 1 < window.looseness < 10
        bound = window.bound.mean_square
        assert bound.total == pytest.approx(
            bound.growth * (bound.martingale + bound.drift + bound.bias + bound.discretization)
        )
        assert window.measured.low < window.measured.value < window.measured.high
        for q, quantile in window.quantiles.items():
            assert quantile.low <= quantile.value <= quantile.high, q
    last = skewed.windows[-1]
    assert last.length == pytest.approx(0.5, abs=last.step)
    assert last.effective_step < last.step


def test_the_flow_of_another_field_is_far_away(monkeypatch):
    """Against the gradient flow the distance does not shrink with the step, and exceeds the bound."""

    class Gradient(AdamField):
        def __call__(self, theta):
            return -self.problem.gradient(theta)

        def jacobian(self, theta):
            return -np.ones((*np.shape(theta), 1))

    monkeypatch.setattr(importlib.import_module("adamsym.dynamics.pseudo_trajectory"), "AdamField", Gradient)
    start = [0.8]
    found = pseudo_trajectory(
        SKEWED, ADAM, StepSizeSchedule("1e-5"), start, [7000], 0.5, chains=20, seed=1, region=[[0, 1]]
    )
    assert found.holds is False


def test_the_measurement_is_that_of_a_plain_loop():
    found = pseudo_trajectory(SKEWED, ADAM, SCHEDULE, [1.0], [50], 0.2, chains=3, seed=5).windows[0]
    path = simulate(SKEWED, ADAM, SCHEDULE, [1.0], found.stop, 3, 5, record_every=1).recorded
    clock = np.cumsum(SCHEDULE(np.arange(51, found.stop + 1)))
    assert clock[-1] <= 0.2 < clock[-1] + SCHEDULE(found.stop + 1)
    for chain in range(3):
        times = np.concatenate(([0.0], clock))
        exact = flow(AdamField(SKEWED, ADAM), path[49, chain], times).theta
        distance = np.abs(path[49:, chain] - exact).max()
        assert distance == pytest.approx(found.distances[chain], rel=1e-6)


def test_runs_that_leave_the_region_do_not_count():
    found = pseudo_trajectory(SKEWED, ADAM, SCHEDULE, [1.0], [200], 0.2, chains=50, seed=2, region=[[0.4, 1.1]])
    window = found.windows[0]
    assert 0 < window.inside < 50
    assert np.isnan(window.distances).sum() == 50 - window.inside
    nowhere = pseudo_trajectory(SKEWED, ADAM, SCHEDULE, [1.0], [200], 0.2, chains=5, seed=2, region=[[3, 4]])
    assert nowhere.windows[0].inside == 0
    assert nowhere.holds is None


def test_a_flow_that_leaves_the_region_does_not_count_either():
    adam, schedule = Adam("0.9", "0.99", "0.1"), StepSizeSchedule("0.05")
    exact = flow(AdamField(SKEWED, adam), [1.0], [0.0, 0.05]).theta[-1, 0]
    above = simulate(SKEWED, adam, schedule, [1.0], 1, 40, 1).theta[:, 0] > 1
    assert 0 < above.sum() < 40
    # One step upward stays in a box that ends where the flow, which goes down, has come half way.
    for low, inside in ((exact - 1e-6, above.sum()), ((1 + exact) / 2, 0)):
        found = pseudo_trajectory(SKEWED, adam, schedule, [1.0], [0], 0.05, chains=40, seed=1, region=[[low, 1.2]])
        assert found.windows[0].inside == inside


def test_warm_up_steps_count_in_the_path_before_the_lookback():
    schedule = StepSizeSchedule("n**2*exp(-n/20)/400 + 1e-4/n**0.5")
    problem, adam = SKEWED, Adam("0.5", "0.8", "0.1")
    steps = Steps(schedule(np.arange(1701, 2003)), 1700, 2000)
    run = Run(problem, adam, schedule, [1.0], 4, 3)
    path = Run(problem, adam, schedule, [1.0], 4, 3).advance(1700, record_every=1)
    earlier = _travel(run, steps, None).earlier
    assert (earlier[..., 0] <= path.min(axis=0)).all()
    assert (earlier[..., 1] >= path.max(axis=0)).all()


def test_between_states_that_are_looked_at_the_largest_step_is_allowed_for():
    # No run moves; step sizes grow up to the window, and the last 3617 steps are looked at every fourth.
    still = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0]}))
    schedule = StepSizeSchedule("n/1000000")
    steps = Steps(schedule(np.arange(20_002, 20_004)), 20_001, 20_002)
    earlier = _travel(Run(still, ADAM, schedule, [0.0], 2, 3), steps, None).earlier
    assert earlier[..., 1] == pytest.approx(ADAM.step_bound * 0.020_001 * 3, rel=1e-15)
    np.testing.assert_array_equal(earlier[..., 0], -earlier[..., 1])


def test_bounds_grow_with_the_region_and_the_window():
    @functools.cache
    def constants(region):
        box = np.array([region])
        return hypotheses(SKEWED, ADAM, box), largest_gradients(SKEWED, box)

    def bound(region, length):
        sizes = SCHEDULE(np.arange(1, 20_000))
        start = 10_000
        stop = start + int(np.searchsorted(np.cumsum(sizes[start:]), length))
        steps = Steps(sizes[start - memory(ADAM) : stop], start - memory(ADAM), start)
        over, largest = constants(region)
        return window_bound(ADAM, over, steps, largest).mean_square

    small, large = bound((0.0, 0.3), 0.3), bound((-0.5, 1.0), 0.3)
    assert small.martingale < large.martingale
    assert small.drift < large.drift
    assert small.growth <= large.growth
    assert bound((0.0, 0.3), 0.1).martingale < small.martingale


def test_constants_over_a_box():
    found = hypotheses(SKEWED, ADAM, np.array([[0.0, 0.5]]))
    one = found.coordinates[0]
    # g = theta - x with x = -1, 0, 2: the largest is 2 at theta = 0.
    assert 2 <= one.largest <= 2 * (1 + 1e-9)
    assert 1 <= one.slope <= 1 + 1e-9
    assert 0.4 <= one.mean <= 0.4 + 1e-9
    # Var g = E x^2 - (E x)^2 = 1.1 - 0.01.
    assert 1.09 <= one.moments.deviation**2 <= 1.09 * 1.05
    theta = np.linspace(0, 0.5, 101)[:, None]
    slopes = AdamField(SKEWED, ADAM).jacobian(theta)[:, 0, 0]
    assert np.abs(slopes).max() <= found.lipschitz <= 1.05 * np.abs(slopes).max()
    assert slopes.max() <= found.one_sided <= 0.95 * slopes.max()
    gradients = np.abs(SKEWED.row_gradients(theta)[..., 0])
    law = one.denominators
    assert law.roots[-1] <= gradients.max()


def test_field_bounds_refine_boxes_too_wide_to_enclose():
    problem = Problem("log(cosh(2*(theta - x)))/2", ["theta"], Empirical({"x": ["-0.5", 1]}, weights=[4, 6]))
    adam, region = Adam(0, "0.95", "0.5"), [-0.3, 1.3]
    with ball_arithmetic():
        size, lipschitz, one_sided = field_bounds(problem, adam, np.array([region]))
    theta = np.linspace(*region, 301)[:, None]
    field = AdamField(problem, adam)
    slopes = field.jacobian(theta)[:, 0, 0]
    assert np.abs(field(theta)).max() <= size < 3
    assert np.abs(slopes).max() <= lipschitz <= 1.5 * np.abs(slopes).max()
    assert slopes.max() <= one_sided < 0.5 * lipschitz


def test_every_bound_of_the_field_is_raised(monkeypatch):
    with ball_arithmetic():
        usual = field_bounds(SKEWED, ADAM, np.array([[0.3, 0.4]]))
        monkeypatch.setattr("adamsym.dynamics.bound.hypotheses._RAISED", 1.5)
        raised = field_bounds(SKEWED, ADAM, np.array([[0.3, 0.4]]))
    assert raised == pytest.approx((1.5 * usual[0], 1.5 * usual[1], usual[2] + 0.5 * usual[1]), rel=1e-9)


def test_the_minorant_lies_below_the_gradients_everywhere_in_wide_cells():
    """P(G >= y) <= P(|g| >= y) for all gradients in the cells, the smallest of which are the hardest."""
    region = np.array([[-0.6, 0.9]])
    law = hypotheses(SKEWED, ADAM, region).coordinates[0].denominators
    for theta in np.linspace(-0.6, 0.9, 61):
        atoms, probabilities = (x.ravel() for x in SKEWED.gradient_atoms([theta]))
        mean_square, least = float(probabilities @ atoms**2), float(np.abs(atoms).min())
        weight = law.probabilities / law.probabilities.sum()
        # W = (1-beta) sum beta^l G_l^2 has the mean E G^2, and is at least min G^2; r^2 is beta W.
        assert ADAM.beta2 * mean_square >= float(weight @ law.roots**2) - 1e-9
        assert law.roots[0] <= math.sqrt(ADAM.beta2) * least + 1e-9


def test_means_with_intervals():
    generator = np.random.default_rng(0)
    caught = 0
    for _ in range(200):
        found = root_mean_square(np.abs(generator.normal(size=400)))
        caught += found.low <= 1 <= found.high
    assert caught >= 190
    assert root_mean_square(np.array([3.0, np.nan, 3.0, np.nan])).value == pytest.approx(3 / math.sqrt(2))
    # Student's interval of the mean square of few values, as SciPy computes it.
    few = np.array([3.0, 4.0, 3.5, 5.0])
    ends = scipy.stats.ttest_1samp(few**2, 0.0).confidence_interval(0.99)
    found = root_mean_square(few)
    assert (found.low**2, found.high**2) == pytest.approx((max(0.0, ends.low), ends.high), rel=1e-12)


def test_orders():
    def window(step, value):
        return Window(
            0, 1, step, step, 1.0, np.zeros(2), root_mean_square(np.full(2, value)), {}, None, np.zeros((1, 2))
        )

    found = fitted_order([window(step, 2 * step**0.7) for step in (1e-1, 1e-2, 1e-3, 1e-4)])
    assert found.value == pytest.approx(0.7)
    # Student's interval of a slope, written out.
    steps, values = np.array([1e-1, 1e-2, 1e-3, 1e-4, 1e-5]), np.array([0.5, 0.2, 0.04, 0.02, 0.005])
    found = fitted_order([window(*pair) for pair in zip(steps, values, strict=True)])
    x, y = np.log(steps), np.log(values)
    (slope, _), residual, *_ = np.polyfit(x, y, 1, full=True)
    half = scipy.stats.t.ppf(0.995, 3) * np.sqrt(residual[0] / 3 / np.sum((x - x.mean()) ** 2))
    assert (found.low, found.value, found.high) == pytest.approx((slope - half, slope, slope + half), rel=1e-9)
    assert fitted_order([window(0.1, 1.0), window(0.1, 2.0), window(0.01, 1.0)]) is None


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"starts": []}, "starts"),
        ({"starts": [-1]}, "starts"),
        ({"length": 0.0}, "length"),
        ({"length": math.nan}, "length"),
        ({"length": 1e-9}, "length"),
        ({"chains": 1}, "chains"),
        ({"level": 1.0}, "level"),
        ({"schedule": StepSizeSchedule("0.01 + 0.001*sin(n)")}, "increase"),
        ({"region": [[0, 1], [0, 1]]}, "box"),
        ({"region": [[1, 0]]}, "box"),
        ({"region": [[[0, 1]]]}, "one box"),
        ({"theta0": [[1.0]]}, "start"),
        ({"adam": RMSprop()}, "a RMSprop is no Adam"),
        ({"problem": Problem("(theta - x)**2", ["theta"], Independent({"x": "Normal(0, 1)"}))}, "finitely many"),
        ({"problem": Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1]}))}, "Abs"),
    ],
)
def test_bad_arguments(change, fragment):
    defaults = {"problem": SKEWED, "adam": ADAM, "schedule": SCHEDULE, "theta0": [0.7], "starts": [10], "length": 0.1}
    with pytest.raises(InputError, match=fragment):
        pseudo_trajectory(**(defaults | {"chains": 2} | change))


def test_the_flow_is_looked_at_up_to_the_end_of_the_window():
    steps = Steps(np.full(200, 0.005), 0, 0)
    found = _travel(Run(SKEWED, ADAM, StepSizeSchedule("0.005"), [1.5], 3, 1), steps, AdamField(SKEWED, ADAM))
    end = flow(AdamField(SKEWED, ADAM), [1.5], [0.0, 1.0]).theta[-1]
    # The flow decreases from 1.5 all the time.
    np.testing.assert_allclose(found.flow, np.tile([[[end[0], 1.5]]], (3, 1, 1)), rtol=1e-6)


@pytest.mark.parametrize(("dimension", "count"), [(1, 36), (2, 36), (3, 27)])
def test_cells_cover_the_region(dimension, count):
    region = np.array([[0.0, 1.0], [-2.0, 5.0], [3.0, 3.5]])[:dimension]
    cells = list(divided(region, CELLS))
    assert len(cells) == count
    assert sum(np.prod(cell[:, 1] - cell[:, 0]) for cell in cells) == pytest.approx(np.prod(np.ptp(region, axis=1)))
    assert len(list(divided(np.array([[0.0, 1.0], [2.0, 2.0]]), CELLS))) == 6


def test_regions_have_a_margin_on_both_sides():
    boxes = np.array([[[0.0, 1.0], [5.0, 6.0]], [[-1.0, 0.5], [5.5, 9.0]], [[0.0, 0.1], [5.0, 5.1]]])
    margin = MARGIN * np.array([2.0, 4.0])
    expected = np.array([[-1 - margin[0], 1 + margin[0]], [5 - margin[1], 9 + margin[1]]])
    np.testing.assert_allclose(_widened(boxes), expected)
    np.testing.assert_allclose(
        _widened(boxes, np.array([[-9.0, 0.0], [6.0, 99.0]])), [[-9, expected[0, 1]], [expected[1, 0], 99]]
    )


@pytest.mark.parametrize(("step", "between"), [(0, 1), (4096, 1), (8192, 2), (2**20, 64)])
def test_late_steps_are_looked_at_less_often(step, between):
    assert _thinning(step) == between


def parts_of(chains, problem, monkeypatch):
    """How many steps each part of a run of 3000 takes, of which 100 in the window."""
    taken, advance = [], Run.advance

    def watched(self, steps, *arguments, **options):
        taken.append(steps)
        return advance(self, steps, *arguments, **options)

    monkeypatch.setattr(Run, "advance", watched)
    schedule = StepSizeSchedule("0.001")
    run = Run(problem, ADAM, schedule, [0.5] * problem.dimension, chains, 1)
    _travel(run, Steps(np.full(3000, 0.001), 0, 2900), None)
    assert sum(taken) == 3000
    return taken


def test_a_run_comes_in_few_parts_of_bounded_size(monkeypatch):
    plane = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 2]}))
    assert parts_of(4, plane, monkeypatch) == [2900, 100]
    monkeypatch.setattr(pseudo_trajectory_module, "_NUMBERS_AT_ONCE", 8000)
    assert set(parts_of(4, plane, monkeypatch)) == {1000, 900, 100}
