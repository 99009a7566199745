"""Chains and flows that are projected onto a box: Reddi's example, closed forms, stationary points on the border."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem, StepSizeSchedule, VectorField, flow, simulate
from adamsym.cli.app import run as run_command
from adamsym.dynamics import Run
from adamsym.dynamics.projection import tangent
from adamsym.methods import AMSGrad, NAdam

IN_TURN = Problem("g*theta", ["theta"], Empirical({"g": [3, -1, -1]}), sampling="cyclic")
REDDI = Problem("g*theta", ["theta"], Empirical({"g": [1010, -10]}, ["1/100", "99/100"]))
LINE = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 5]}), batch_size=2)
STEPS = StepSizeSchedule("0.5/sqrt(n)")
BOX = [[-1, 1]]


def in_turn(method, box=BOX):
    return simulate(IN_TURN, method, STEPS, [0.0], 3000, 1, 0, project=box, record_every=1).recorded[:, 0, 0]


def test_adam_goes_to_the_wrong_end_and_amsgrad_to_the_right_one():
    # Theorem 1 of Reddi, Kale and Kumar: beta1 = 0, beta2 = 1/(1 + C^2), C = 3; the best point of [-1, 1] is -1.
    adam, amsgrad = in_turn(Adam(0, Fraction(1, 10), "1e-8")), in_turn(AMSGrad(0, Fraction(1, 10), "1e-8"))
    # At the start of each epoch, late in the run.
    assert (adam[1500::3] > 0.98).all()
    assert (adam[1502::3] == 1).all()
    assert (amsgrad[1500::3] == -1).all()
    assert amsgrad[1500:].max() < -0.98
    for path in (adam, amsgrad):
        assert np.abs(path).max() == 1
    # What does it is the short memory: with a long one Adam goes to the right end, and without a box nothing ends.
    assert in_turn(Adam(0, "0.99", "1e-8"))[1500:].max() < -0.95
    assert in_turn(Adam(0, Fraction(1, 10), "1e-8"), None)[-1] > 5


@pytest.mark.parametrize(("beta2", "end"), [("0.99", 1), ("0.9999", -1)])
def test_the_flow_of_the_stochastic_example_ends_where_claim_c19_has_its_sign(beta2, end):
    # The threshold is at 1 - beta2 = 4.014e-4.
    found = flow(AdamField(REDDI, Adam("0.9", beta2, "1e-8")), [0.5], [0, 1e4], project=BOX)
    assert found.theta[-1] == end
    assert found.outcome == "border"
    assert np.isnan(found.zero)
    assert f"theta = {end}; it is attracting" in found.notes[0][0]


def test_chains_of_the_stochastic_example_gather_at_the_wrong_end():
    found = simulate(REDDI, Adam("0.9", "0.99", "1e-8"), STEPS, [0.0], 20_000, 64, 1, project=BOX)
    assert found.theta.mean() > 0.9
    assert found.theta.max() <= 1
    free = simulate(REDDI, Adam("0.9", "0.99", "1e-8"), STEPS, [0.0], 20_000, 64, 1)
    assert free.theta.max() > 2


# --- Chains ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, init=False)
class OwnNAdam(NAdam):
    """NAdam, but not compiled."""

    def step(self, state, gradient, theta, n):
        return super().step(state, gradient, theta, n)


def test_each_step_is_the_free_step_projected():
    # From any state: one step of a projected run is one step of a free run, put back.
    box = np.array([[-0.2, 0.6], [0.4, np.inf]])
    run, free = (
        Run(LINE, NAdam(), StepSizeSchedule("0.3"), [0.5, 0.5], 20, 7, project=b)
        for b in (box, [[-np.inf, np.inf]] * 2)
    )
    beyond = 0
    for n in range(60):
        free.restore(n, run.state())
        run.advance(1)
        free.advance(1)
        beyond += int((free.theta != run.theta).sum())
        np.testing.assert_array_equal(run.theta, np.clip(free.theta, *box.T))
        for ours, theirs in zip(run.state()[1:], free.state()[1:], strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert beyond > 100


def test_own_steps_are_projected_as_compiled_ones(tmp_path):
    box = [[-0.2, 0.6], [0.4, 0.9]]
    arguments = (LINE, NAdam(), StepSizeSchedule("0.1/n**0.3"), [0.5, 0.5], 150, 20, 7)
    whole = simulate(*arguments, project=box, record_every=1)
    own = simulate(LINE, OwnNAdam(), *arguments[2:], project=box, record_every=1)
    np.testing.assert_allclose(own.recorded, whole.recorded, rtol=1e-9, atol=1e-10)
    assert (whole.recorded == 0.6).any()
    assert (whole.recorded == 0.4).any()
    # In parts, elsewhere, and resumed: the same numbers.
    path = tmp_path / "c.npz"
    simulate(*arguments[:4], 60, 20, 7, project=box, record_every=1, checkpoint=path)
    resumed = simulate(*arguments, project=box, record_every=1, checkpoint=path, resume=True)
    np.testing.assert_array_equal(resumed.recorded, whole.recorded)
    with ThreadPoolExecutor(1) as executor:
        elsewhere = simulate(*arguments, project=box, executor=executor)
    np.testing.assert_array_equal(elsewhere.theta, whole.theta)
    for other in ([[-0.2, 0.6], [0.4, 1.9]], None):
        with pytest.raises(InputError, match=r"another problem, .* or projection"):
            simulate(*arguments, project=other, record_every=1, checkpoint=path, resume=True)


def test_what_is_no_number_is_not_put_back():
    loss = Problem("sqrt(theta)*x", ["theta"], Empirical({"x": [1.0]}))
    found = simulate(loss, Adam(), StepSizeSchedule("1"), [0.5], 5, 1, 0, project=[[-1, 1]])
    assert found.diverged == [2]
    assert np.isnan(found.theta).all()
    kept = simulate(loss, Adam(), StepSizeSchedule("1"), [0.5], 5, 1, 0, project=[[0.1, 1]])
    assert kept.diverged == [0]
    assert kept.theta == 0.1


walks = st.lists(st.tuples(st.integers(-4, 4), st.integers(-4, 4)), min_size=1, max_size=30)


def apart(steps, starts=(0, 0), low=-2, high=2):
    """The largest distances of two projected walks, and of what drives them."""
    (x, y), e, distance, error = starts, starts[0] - starts[1], 0, abs(starts[0] - starts[1])
    for a, b in steps:
        x, y, e = min(max(x + a, low), high), min(max(y + b, low), high), e + a - b
        distance, error = max(distance, abs(x - y)), max(error, abs(e))
    return distance, error


@given(walks, st.tuples(st.integers(-2, 2), st.integers(-2, 2)))
def test_projected_walks_are_at_most_twice_as_far_apart_as_free_ones(steps, starts):
    distance, error = apart(steps, starts)
    assert distance <= 2 * error


def test_twice_is_needed():
    # Both rise to the upper end, one by 1 more, and then fall, one by 2 more.
    assert apart([(2, 3), (-1, -3)]) == (2, 1)


# --- The flow --------------------------------------------------------------------------------------------------------


def test_the_flow_holds_and_releases_as_in_closed_form():
    # One row: f_i = -g_i/(|g_i| + eps). a rises at the speed c; b is held at 0 until a is 1/2, and then rises.
    eps = 0.25
    source = VectorField(["-x + 0*a", "x/2 - a + 0*b"], ["a", "b"], Empirical({"x": [1]}))
    times = np.linspace(0, 3, 31)
    found = flow(AdamField(source, Adam("0.9", "0.999", eps)), [0.0, 0.0], times, project=[[0, 1], [0, 0.5]])
    c = 1 / (1 + eps)
    a = np.minimum(c * times, 1)
    u = np.clip(a - 0.5, 0, None)
    b = (u - eps * np.log1p(u / eps)) / c + np.where(a == 1, (times - 1 / c) * 0.5 / (0.5 + eps), 0)
    np.testing.assert_allclose(found.theta, np.stack([a, np.minimum(b, 0.5)], axis=1), atol=3e-9)
    assert found.outcome == "border"
    assert "a = 1, b = 0.5; it is attracting" in found.notes[0][0]
    # The free flow is another one, and so is one that is never released.
    free = flow(AdamField(source, Adam("0.9", "0.999", eps)), [0.0, 0.0], times)
    assert abs(free.theta[:5] - found.theta[:5]).max() > 0.1


@given(st.lists(st.tuples(st.floats(-2, 2), st.sampled_from([-1.0, -0.3, 0.0, 1.0])), min_size=1, max_size=4))
def test_the_tangent_part_is_the_slope_of_the_projection(pairs):
    velocity, theta = np.array(pairs).T
    box, h = np.array([[-1.0, 1.0]] * len(theta)), 2.0**-20
    slope = (np.clip(theta + h * velocity, -1, 1) - theta) / h
    np.testing.assert_allclose(tangent(velocity, theta, box), slope, atol=1e-9)


def test_projected_runs_follow_the_projected_flow():
    # Stable at the border in w, with a zero of the other component; from another start the same point.
    adam, box = Adam("0.5", "0.9", "0.1"), [[-1, 0.7], [-3, 3]]
    found = flow(AdamField(LINE, adam), [[0.5, 2.5], [-0.9, -2.0]], [0, 60], project=box)
    assert (found.outcome == "border").all()
    assert all("w = 0.7; it is attracting" in notes[-1] for notes in found.notes)
    np.testing.assert_allclose(found.theta[0, -1], found.theta[1, -1], atol=1e-8)
    # On the way there, while one parameter is at its end and the other moves: after 1,000 and 3,000 steps.
    runs = simulate(LINE, adam, StepSizeSchedule("0.001"), [0.5, 2.5], 3000, 64, 0, project=box, record_every=1000)
    way = flow(AdamField(LINE, adam), [0.5, 2.5], [0, 1, 3], project=box)
    np.testing.assert_allclose(runs.recorded[[0, 2]].mean(axis=1), way.theta[1:], atol=0.01)
    free = flow(AdamField(LINE, adam), [0.5, 2.5], [0, 1, 3, 60])
    assert np.abs(free.theta[2] - way.theta[2]).max() > 0.1
    assert np.abs(free.theta[-1] - found.theta[0, -1]).max() > 0.1


def test_a_saddle_on_the_border_is_said_not_to_attract():
    # f = (outwards, b): the point (1, 0) is stationary, and repels along the border.
    source = VectorField(["-x + 0*a", "-b*x"], ["a", "b"], Empirical({"x": [1]}))
    found = flow(AdamField(source, Adam("0.9", "0.999", 0.1)), [0.5, 0.0], [0, 5], project=[[0, 1], [-1, 1]])
    assert found.outcome == "border"
    assert "it is not attracting" in found.notes[0][-1]
    # Where f just touches 0 at the border nothing is said.
    touching = VectorField(["(1 - a)*x", "b*x"], ["a", "b"], Empirical({"x": [-1]}))
    found = flow(AdamField(touching, Adam("0.9", "0.999", 0.1)), [1.0, 0.0], [0, 5], project=[[0, 1], [0, 1]])
    assert found.outcome == "zero"


def test_a_parameter_may_be_fixed_and_the_budget_ends():
    found = flow(AdamField(LINE, Adam()), [0.5, 0.5], [0, 30], project=[[0.5, 0.5], [-np.inf, np.inf]])
    assert (found.theta[:, 0] == 0.5).all()
    assert abs(found.theta[-1, 1] - 1.5) < 0.01
    short = flow(AdamField(LINE, Adam()), [0.5, 0.5], [0, 30], project=[[0, 1], [0, 1]], budget=5)
    assert short.outcome == "budget"
    assert np.isnan(short.theta[-1]).all()


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([[0, 1]], r"shape \(1, 2\); allowed are a lower and an upper end for each parameter, shape \(2, 2\)"),
        ([[0, 1], [2, 1]], "project from 2 to 1 in b is not allowed"),
        ([[0, 1], [np.nan, 1]], "project from nan to 1 in b"),
        ([[0, 1], [np.inf, np.inf]], "project from inf to inf in b"),
        ([[0, 1], [0.6, 1]], r"a start lies outside of \[0.6, 1\] in b"),
    ],
)
def test_bad_boxes(box, message):
    with pytest.raises(InputError, match="simulate.*" + message):
        simulate(LINE, Adam(), STEPS, [0.5, 0.5], 5, 2, 0, project=box)
    with pytest.raises(InputError, match="simulate.*" + message):
        simulate(LINE, Adam(), STEPS, [0.5, 0.5], 5, 2, 0, project=box, executor=1)
    with pytest.raises(InputError, match="flow.*" + message):
        flow(AdamField(LINE, Adam()), [0.5, 0.5], [0, 1], project=box)


def test_what_is_no_box():
    with pytest.raises(InputError, match="project: 'box' is not allowed; allowed is a list or array"):
        simulate(LINE, Adam(), STEPS, [0.5, 0.5], 5, 2, 0, project="box")


def test_flows_that_cannot_be_projected():
    kinked = Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1]}))
    with pytest.raises(InputError, match="flow: a loss with kinks cannot be projected onto a box"):
        flow(AdamField(kinked, Adam()), [0.5], [0, 1], project=BOX)
    with pytest.raises(InputError, match="flow: explicit methods cannot be projected onto a box"):
        flow(AdamField(LINE, Adam()), [0.5, 0.5], [0, 1], project=[[0, 1]] * 2, method="RK45")


def test_the_commands(tmp_path, capsys):
    file, table = tmp_path / "p.toml", tmp_path / "s.csv"
    file.write_text('[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n[data]\nx = [0.0, 0.0, 3.0]\n')
    start = [str(file), "--from", "theta=0", "--project"]
    assert run_command(["simulate", *start, "theta=:0.25", "--steps", "500", "-o", str(table)]) == 0
    values = np.loadtxt(table, delimiter=",", skiprows=1)[:, 2]
    assert values.max() <= 0.25
    assert (values == 0.25).any()
    assert run_command(["flow", *start, "theta=:0.25"]) == 0
    assert "at rest on the border of the box" in capsys.readouterr().out
    for wrong in ("theta=1:0", "theta=0.1:1", "x=0:1", "theta=a:1", "theta"):
        assert run_command(["flow", *start, wrong]) == 2
        error = capsys.readouterr().err
        assert "project" in error
        assert error.count("\n") == 1
