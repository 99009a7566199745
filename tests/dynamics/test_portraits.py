"""Phase portraits beside the field itself; basins beside certified zeros, symmetries, and near misses."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.certify import find_zeros
from adamsym.dynamics import basins, flow, phase_portrait
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.reading import read_problem
from adamsym.methods import Adam
from adamsym.testing import strategies

EXAMPLES = Path(__file__).parents[2] / "examples"


def example(name):
    source = read_problem(EXAMPLES / name)
    return AdamField(source.problem, source.adam)


SINE = example("parabola_or_sine.toml")
NEURON = example("neuron.toml")
NEURON_ZERO = np.array([0.938805816, 1.655298742])
"""With its mirror image and the saddle at 0 all that `adamsym zeros` certifies in the box of the file, in a minute."""


@pytest.fixture(scope="module")
def sine_zeros():
    found = find_zeros(SINE, [[-0.5, 3.5]])
    assert found.complete
    assert [zero.stability for zero in found.zeros] == ["attracting", "repelling", "attracting"]
    return found.zeros


def test_the_portrait_is_the_field_and_minus_the_gradient():
    portrait = phase_portrait(NEURON, [[-1, 1], [0, 2]], [3, 5])
    assert portrait.points.shape == portrait.field.shape == portrait.descent.shape == (3, 5, 2)
    np.testing.assert_array_equal(portrait.points[2, 1], [1.0, 0.5])
    np.testing.assert_allclose(portrait.field[2, 1], NEURON([1.0, 0.5]), atol=1e-14)
    np.testing.assert_allclose(portrait.descent[2, 1], -NEURON.problem.gradient([1.0, 0.5]), atol=1e-14)
    assert np.abs(portrait.field - portrait.descent).max() > 0.1


def test_equal_ends_fix_a_parameter():
    portrait = phase_portrait(NEURON, [[0.5, 0.5], [0, 2]], 4)
    assert portrait.field.shape == (4, 2)
    assert (portrait.points[:, 0] == 0.5).all()
    np.testing.assert_allclose(portrait.field[-1], NEURON([0.5, 2.0]), atol=1e-14)


def test_points_without_a_gradient_are_nan_and_no_others():
    field = AdamField(Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1]})), Adam("0.9", "0.999", "1e-3"))
    portrait = phase_portrait(field, [[-1, 2]], 13)
    kinks = np.isin(portrait.points[:, 0], [0.0, 1.0])
    assert kinks.sum() == 2
    np.testing.assert_array_equal(np.isnan(portrait.field[:, 0]), kinks)
    np.testing.assert_array_equal(np.isnan(portrait.descent[:, 0]), kinks)
    ends = basins(field, [[-1, 2]], 13, [[0.5]], time=0.1, radius=0.3)
    # Midway both gradients cancel: a zero. Every other flow stays away from the kinks until then, or meets one: nan.
    assert (ends.index[kinks] == -1).all()
    assert ends.index[np.isclose(ends.points[:, 0], 0.5)] == 0


@pytest.mark.parametrize("resolution", [9, pytest.param(33, marks=pytest.mark.slow)])
def test_the_boundary_of_the_basins_is_the_certified_repelling_zero(sine_zeros, resolution):
    low, edge, high = (zero.midpoint[0] for zero in sine_zeros)
    attracting = [zero.stability == "attracting" for zero in sine_zeros]
    zeros = [zero.midpoint for zero in sine_zeros]
    for box, points, time in (([[-0.5, 3.5]], resolution, 60.0), ([[edge - 1e-4, edge + 1e-4]], 6, 200.0)):
        found = basins(SINE, box, points, zeros, time, 1e-3, attracting=attracting)
        np.testing.assert_array_equal(found.index, np.where(found.points[:, 0] < edge, 0, 2))
        np.testing.assert_allclose(found.ends[found.index == 2, 0], high, atol=1e-4)
        np.testing.assert_allclose(found.ends[found.index == 0, 0], low, atol=1e-4)


def test_starts_that_have_not_arrived_are_followed_on_while_more_arrive(sine_zeros):
    """Time 0.5 is too short; doubled until all are there it gives what that time at once gives."""
    low, edge, high = (zero.midpoint[0] for zero in sine_zeros)
    box, radius = [[0.5, 3.0]], 1e-3
    short = basins(SINE, box, 6, [[low], [high]], 0.5, radius)
    assert (short.index == -1).all()
    few = basins(SINE, box, 6, [[low], [high]], 0.5, radius, doublings=1)
    assert few.time == 1
    assert (few.index == -1).any()
    all_of_them = basins(SINE, box, 6, [[low], [high]], 0.5, radius, doublings=20)
    assert (all_of_them.index == np.where(all_of_them.points[:, 0] < edge, 0, 1)).all()
    half = basins(SINE, box, 6, [[low], [high]], all_of_them.time / 2, radius)
    assert (half.index == -1).any()
    assert (basins(SINE, box, 6, [[low], [high]], all_of_them.time, radius).index == all_of_them.index).all()
    # The others never arrive: the time is not doubled to its end.
    alone = basins(SINE, box, 6, [[high]], 0.5, radius, doublings=20)
    assert alone.index.tolist() == [-1, -1, -1, 0, 0, 0]
    assert alone.time < 0.5 * 2**10
    with pytest.raises(InputError, match="doublings 21 is not allowed; allowed are 0 to 20"):
        basins(SINE, box, 6, [[high]], 0.5, radius, doublings=21)


@pytest.fixture
def each_flow_once(monkeypatch):
    """One flow serves for all that is asked of its end."""
    known = {}

    def once(field, starts, times, **options):
        asked = (id(field), starts.tobytes(), tuple(times), *options.values())
        if asked not in known:
            known[asked] = flow(field, starts, times, **options)
        return known[asked]

    monkeypatch.setattr("adamsym.dynamics.portraits.flow", once)


@pytest.mark.usefixtures("each_flow_once")
def test_zeros_omitted_shifted_or_not_reached_get_no_start(sine_zeros):
    low, edge, high = (zero.midpoint[0] for zero in sine_zeros)

    def index(zeros, time=60.0, **options):
        return basins(SINE, [[0.5, 3.0]], 6, zeros, time, 1e-3, **options).index.tolist()

    assert index([[low], [high]]) == [0, 0, 0, 1, 1, 1]
    assert index([[high]]) == [-1, -1, -1, 0, 0, 0]
    assert index([]) == [-1] * 6
    assert index([[low], [high + 2e-3]]) == [0, 0, 0, -1, -1, -1]
    assert index([[low], [high]], attracting=[True, False]) == [0, 0, 0, -1, -1, -1]
    assert index([[low], [high]], time=0.1) == [-1] * 6
    # Next to the repelling zero the flow has not left yet: near, but not attracted.
    near = [[edge - 1e-5, edge + 1e-5]]
    assert basins(SINE, near, 2, [[edge]], 0.1, 1e-3).index.tolist() == [0, 0]
    assert basins(SINE, near, 2, [[edge]], 0.1, 1e-3, attracting=False).index.tolist() == [-1, -1]


@pytest.mark.parametrize(("resolution", "least"), [(4, 6), pytest.param(6, 15, marks=pytest.mark.slow)])
def test_the_basins_of_the_neuron_are_mirror_images(resolution, least):
    zeros = [-NEURON_ZERO, [0.0, 0.0], NEURON_ZERO]
    assert np.abs(NEURON(zeros)).max() < 1e-8
    assert (np.linalg.eigvals(NEURON.jacobian(NEURON_ZERO)).real < 0).all()
    assert np.linalg.det(NEURON.jacobian([0.0, 0.0])) < 0
    found = basins(NEURON, [[-2, 2], [-2.5, 2.5]], resolution, zeros, 150.0, 1e-3, attracting=[True, False, True])
    index = found.index
    np.testing.assert_array_equal(index[::-1, ::-1], np.where(index == -1, -1, 2 - index))
    # a and b of one sign lead to the zero of that sign.
    same = (found.points > 0).all(axis=-1)
    assert (index[same] == 2).all()
    assert (index == 0).sum() == (index == 2).sum() >= least


def test_starts_that_leave_where_the_loss_is_defined_get_none():
    field = AdamField(Problem("theta**(3/2) + 0*x", ["theta"], Empirical({"x": [1, -2]})), Adam("0.5", "0.9", "0.1"))
    found = basins(field, [[0.25, 9.25]], 4, [[0.0]], 1.0, 0.5)
    assert found.index.tolist() == [-1] * 4
    assert np.isnan(found.ends[:, 0]).tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("box", "resolution", "fragment"),
    [
        ([[0, 1]], 3, "box"),
        ([[0, 1], [1, 0]], 3, "box"),
        ([[0, 1], [0, np.inf]], 3, "box"),
        ([[0, 0], [1, 1]], 3, "0 parameters vary"),
        ([[0, 1], [0, 1]], 1, "resolution"),
        ([[0, 1], [0, 1]], 2.5, "resolution"),
        ([[0, 1], [0, 1]], [3, 3, 3], "resolution"),
        ([[0, 1], [0, 0]], [3, 3], "resolution"),
    ],
)
def test_bad_grids(box, resolution, fragment):
    with pytest.raises(InputError, match=fragment):
        phase_portrait(NEURON, box, resolution)


def test_three_varying_parameters_are_refused():
    loss = Problem("(a*x + b*x**2 + c - y)**2/2", ["a", "b", "c"], Empirical({"x": [0, 1], "y": [1, 3]}))
    field = AdamField(loss, Adam())
    with pytest.raises(InputError, match="3 parameters vary"):
        phase_portrait(field, [[0, 1]] * 3, 3)
    assert phase_portrait(field, [[0, 1], [2, 2], [0, 1]], 3).field.shape == (3, 3, 3)


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"time": 0.0}, "time"),
        ({"time": np.nan}, "time"),
        ({"radius": -1.0}, "radius"),
        ({"zeros": [0.0, 1.0]}, "zeros"),
        ({"zeros": [[[0.0]]]}, "zeros"),
        ({"attracting": [True, False]}, "attracting"),
        ({"tolerance": 1.0}, "tolerance"),
    ],
)
def test_bad_arguments_of_basins(change, fragment):
    arguments = {"zeros": [[0.0]], "time": 1.0, "radius": 0.1} | change
    with pytest.raises(InputError, match=fragment):
        basins(SINE, [[0, 1]], 2, **arguments)


# --- drawn problems ---------------------------------------------------------------------------------------------------

planes = strategies.problems("regression")
wide_boxes = strategies.boxes(2).map(lambda sides: [[low, high + 0.25] for low, high in sides])


@settings(max_examples=20, deadline=None)
@given(planes, strategies.adams(), wide_boxes, st.integers(2, 5), st.integers(2, 5))
def test_a_slice_of_a_portrait_is_the_portrait_of_a_slice(problem, adam, box, rows, columns):
    field = AdamField(problem, adam)
    whole = phase_portrait(field, box, [rows, columns])
    assert whole.points.shape == (rows, columns, 2)
    np.testing.assert_array_equal(whole.points[[0, -1], [0, -1]], np.transpose(box))
    first = float(whole.points[1, 0, 0])
    part = phase_portrait(field, [[first, first], box[1]], columns)
    np.testing.assert_array_equal(part.points, whole.points[1])
    np.testing.assert_allclose(part.field, whole.field[1], rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(part.descent, whole.descent[1], rtol=1e-12, atol=1e-12)
    # Each coordinate of f is at most the step bound.
    assert (np.abs(whole.field) <= adam.step_bound * (1 + 1e-12)).all()


@settings(max_examples=8, deadline=None)
@given(
    strategies.problems("several minima"), strategies.boxes(), st.lists(strategies.points(1, 2), max_size=4), st.data()
)
def test_starts_count_for_the_nearest_attracting_point_in_reach(problem, box, points, data):
    [[low, high]] = box
    attracting = data.draw(st.lists(st.booleans(), min_size=len(points), max_size=len(points)))
    field, radius = AdamField(problem, Adam("0.5", "0.9", "0.1")), data.draw(st.sampled_from([0.1, 0.5, 3.0]))
    found = basins(field, [[low, high + 0.5]], 4, points, 2.0, radius, attracting=attracting or True)
    ends = flow(field, found.points, [0.0, 2.0], tolerance=1e-6).theta[:, -1]
    np.testing.assert_allclose(found.ends, ends, rtol=1e-9, atol=1e-12)
    for end, index in zip(ends[:, 0], found.index, strict=True):
        distances = [abs(end - point) for [point] in points]
        nearest = min(distances, default=np.inf)
        if index >= 0:
            assert attracting[index]
            assert distances[index] == nearest <= radius
        else:
            assert nearest > radius or not attracting[distances.index(nearest)]
