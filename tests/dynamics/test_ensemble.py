"""Ensembles of Adam runs against a plain loop, the flow, and themselves."""

import itertools
import math
import multiprocessing
import pickle
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import plain_chains
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.dynamics import Run, ensemble, flow, simulate
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam, AdaptiveMethod, NAdam, StepSizeSchedule
from adamsym.testing import strategies

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
LINE = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 5]}), batch_size=2)


@pytest.mark.parametrize("adam", [Adam(), Adam("0.5", "0.9", "0.1"), Adam(0, 0, 1), Adam(0, "0.9", "1e-8")], ids=str)
def test_equals_the_textbook_loop(adam):
    problem = Problem("(w*x + b - y)**4/4", ["w", "b"], Empirical({"x": [2], "y": [1]}))
    found = simulate(problem, adam, StepSizeSchedule("0.1/n**0.5"), [0.3, -0.5], steps=200, chains=3, seed=0)
    sizes = 0.1 / np.sqrt(np.arange(1, 201))
    expected = plain_chains.textbook_adam(lambda theta, _: problem.gradient(theta), adam, sizes, np.array([0.3, -0.5]))
    assert found.theta.shape == (3, 2)
    assert found.steps == 200
    np.testing.assert_allclose(found.theta, np.tile(expected, (3, 1)), rtol=1e-12)
    wrong = plain_chains.textbook_adam(
        lambda theta, _: problem.gradient(theta), adam, sizes[:-1], np.array([0.3, -0.5])
    )
    assert np.abs(found.theta - wrong).max() > 1e-6


def run(chains, seed=7, steps=300, **options):
    problem = options.pop("problem", LINE)
    schedule, start = StepSizeSchedule("0.1/n**0.3"), [0.0] * problem.dimension
    return simulate(problem, Adam(), schedule, start, steps=steps, chains=chains, seed=seed, **options)


def test_random_rows_reproduce_by_seed():
    many = run(6).theta
    assert len(np.unique(many[:, 0])) == 6
    np.testing.assert_array_equal(run(6).theta, many)
    assert np.abs(run(6, seed=8).theta - many).min() > 0


SKEWED_WEIGHTS = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 3]}, weights=[1, 2, 7]))
CONTINUOUS = Problem(
    "(w*x + b - y)**2/2 + tanh(w)", ["w", "b"], Independent({"x": "Normal(0, 1)", "y": "Gamma(2, 1)"}), batch_size=2
)
PROBLEMS = {"batches": LINE, "weights": SKEWED_WEIGHTS, "continuous": CONTINUOUS}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_chain_depends_neither_on_the_number_of_chains_nor_on_threads_nor_on_segments(name, monkeypatch):
    problem = PROBLEMS[name]
    expected = run(200, problem=problem, steps=100, threads=1, record_every=7)
    assert expected.recorded_steps.tolist() == list(range(7, 101, 7))
    np.testing.assert_array_equal(run(200, problem=problem, steps=98).theta, expected.recorded[-1])
    # One, 8 and 64 lanes.
    for chains in (1, 2, 8, 9, 16, 17, 64, 65):
        np.testing.assert_array_equal(run(chains, problem=problem, steps=100).theta, expected.theta[:chains])
    monkeypatch.setattr("adamsym.dynamics.run._WORTH_A_THREAD", 0)
    monkeypatch.setattr("adamsym.dynamics.run._STEPS_AT_ONCE", 11)
    monkeypatch.setattr("adamsym.dynamics.run._DRAWS_AT_ONCE", 1000)
    for threads in (1, 2, 3, 7):
        found = run(200, problem=problem, steps=100, threads=threads, record_every=7)
        np.testing.assert_array_equal(found.theta, expected.theta)
        np.testing.assert_array_equal(found.recorded, expected.recorded)
    # Control: another seed is another path.
    assert (run(200, problem=problem, steps=100, seed=8).theta != expected.theta).all()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_division_into_advances_gives_the_same(data):
    problem = PROBLEMS[data.draw(st.sampled_from(sorted(PROBLEMS)))]
    chains = data.draw(st.integers(1, 70))
    every = data.draw(st.none() | st.integers(1, 40))
    pieces = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=8))

    def fresh():
        return Run(problem, NAdam(), StepSizeSchedule("0.1/n**0.3"), [0.5] * problem.dimension, chains, seed=3)

    whole, divided = fresh(), fresh()
    recorded = whole.advance(sum(pieces), every)
    parts = [divided.advance(piece, every) for piece in pieces]
    assert whole.step == divided.step == sum(pieces)
    np.testing.assert_array_equal(divided.theta, whole.theta)
    np.testing.assert_array_equal(np.concatenate(parts), recorded)
    if every is not None:
        assert len(recorded) == sum(pieces) // every
    for ours, theirs in zip(divided.state(), whole.state(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_minibatches_are_means_of_the_rows_drawn():
    adam, steps = Adam("0.9", "0.99", "1e-3"), 200
    found = simulate(LINE, adam, StepSizeSchedule("0.01"), [0.3, 0.1], steps=steps, chains=3, seed=4)
    rows = np.reshape(plain_chains.rows_of_chain(4, 2, 2 * steps, 3), (steps, 2))

    def gradient(theta, step, batch=2):
        return LINE.row_gradients(theta)[rows[step - 1, :batch]].mean(axis=0)

    sizes = np.full(steps, 0.01)
    expected = plain_chains.textbook_adam(gradient, adam, sizes, np.array([0.3, 0.1]))
    np.testing.assert_allclose(found.theta[2], expected, rtol=1e-11)
    first_row = plain_chains.textbook_adam(lambda t, n: gradient(t, n, 1), adam, sizes, np.array([0.3, 0.1]))
    assert np.abs(found.theta[2] - first_row).max() > 1e-3


def test_small_steps_follow_the_flow():
    adam = Adam("0.5", "0.9", "0.1")
    field = AdamField(SKEWED, adam)
    ends = flow(field, [2.0], [0.0, 1.0]).theta[-1, 0]
    distances = []
    for steps in (100, 1000):
        found = simulate(SKEWED, adam, StepSizeSchedule(1 / steps), [2.0], steps=steps, chains=400, seed=1)
        distances.append(abs(found.theta.mean() - ends))
    assert distances[1] < 0.01
    # Gradient descent's flow ends elsewhere: exp(-1) from 2 to the mean 1.
    assert abs(ends - (1 + math.exp(-1))) > 0.05


def test_chains_end_at_the_zero_and_not_at_the_mean():
    # beta2 small: the zero of f is far from the mean 1.
    adam = Adam(0, "0.5", "1e-8")
    found = simulate(SKEWED, adam, StepSizeSchedule("0.5/n**0.8"), [0.5], steps=20_000, chains=64, seed=2)
    field = AdamField(SKEWED, adam)
    mean, error = found.theta.mean(), found.theta.std() / 8
    assert field([mean - 6 * error - 0.02])[0] > 0 > field([mean + 6 * error + 0.02])[0]
    assert abs(mean - 1) > 0.3


def test_starts_of_their_own():
    starts = np.array([[0.0, 0.0], [1.0, 2.0]])
    found = simulate(LINE, Adam(), StepSizeSchedule("1e-9"), starts, steps=1, chains=2, seed=1)
    np.testing.assert_allclose(found.theta, starts, atol=2e-9)


def test_continuous_laws():
    problem = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Exponential(1)"}), batch_size=4)
    adam = Adam("0.9", "0.999", "1e-8")
    found = simulate(problem, adam, StepSizeSchedule("0.2/n**0.7"), [3.0], steps=5000, chains=16, seed=3)
    assert abs(found.theta.mean() - 1) < 0.1


@pytest.mark.parametrize(
    ("change", "fragment"),
    [
        ({"steps": 0}, "steps"),
        ({"chains": 0}, "chains"),
        ({"seed": -1}, "seed"),
        ({"steps": 2.5}, "steps"),
        ({"theta0": [[0.0, 0.0]]}, "start"),
        ({"theta0": [0.0]}, "theta"),
        ({"record_every": 0}, "record_every"),
        ({"threads": 0}, "threads"),
        ({"resume": True}, "checkpoint"),
        ({"steps": 10**18, "record_every": 1}, "record"),
        ({"checkpoint": "here.txt"}, "checkpoint"),
        ({"checkpoint": "no_such_folder/here.npz"}, "folder"),
    ],
)
def test_bad_arguments(change, fragment):
    arguments = {"theta0": [0.0, 0.0], "steps": 10, "chains": 2, "seed": 0} | change
    with pytest.raises(InputError, match=fragment):
        simulate(LINE, Adam(), StepSizeSchedule("0.1"), **arguments)


def test_chains_that_leave_the_numbers_are_marked_and_the_others_go_on():
    # exp overflows where the row is 1 once theta is large; those chains alone fail, each at its own step.
    problem = Problem("-exp(exp(theta*x))", ["theta"], Empirical({"x": [0, 1]}))
    found = simulate(
        problem, Adam(0, 0, "1e-300"), StepSizeSchedule(3), [0.5], steps=8, chains=100, seed=0, record_every=1
    )
    rows = np.array([plain_chains.rows_of_chain(0, chain, 8, 2) for chain in range(100)])
    # A row of 1 moves theta by 3, so that the square of the third such gradient overflows.
    third = np.array([np.flatnonzero(row)[2] + 1 if row.sum() >= 3 else 0 for row in rows])
    np.testing.assert_array_equal(found.diverged, third)
    assert 0 < (third == 0).sum() < 100
    np.testing.assert_array_equal(np.isnan(found.theta[:, 0]), third > 0)
    np.testing.assert_array_equal(
        np.isnan(found.recorded[..., 0]), (third > 0) & (third <= found.recorded_steps[:, None])
    )
    alone = simulate(problem, Adam(0, 0, "1e-300"), StepSizeSchedule(3), [0.5], steps=8, chains=1, seed=0)
    np.testing.assert_array_equal(alone.theta, found.theta[:1])


def test_equal_gradients_are_compiled_once_and_others_apart():
    def gradient(loss, parameter="theta", lanes=8):
        return Problem(loss, [parameter], Empirical({"x": [1, 2]})).lane_gradient(lanes)

    known = gradient("(theta - x)**2/7")
    assert gradient("(theta - x)**2/7") is known
    others = (gradient("(theta - x)**2/9"), gradient("(a - x)**2/7", "a"), gradient("(theta - x)**2/7", lanes=1))
    assert all(other is not known for other in others)


@pytest.mark.parametrize(("loss", "start"), [("Abs(theta - x)", 3.0), ("Max(theta, x)", 3.0), ("Min(x, theta)", 0.0)])
def test_kinks_are_marked(loss, start):
    problem = Problem(loss, ["theta"], Empirical({"x": [0, 3]}))
    found = simulate(problem, Adam(), StepSizeSchedule("1e-3"), [start], steps=1, chains=50, seed=0)
    at_kink = np.array([plain_chains.rows_of_chain(0, c, 1, 2)[0] for c in range(50)]) == (1 if start else 0)
    np.testing.assert_array_equal(found.diverged, at_kink)
    beside = simulate(problem, Adam(), StepSizeSchedule("1e-3"), [start + 0.01], steps=1, chains=50, seed=0)
    assert not beside.diverged.any()
    # Where the slope does not jump there is no kink.
    smooth = Problem("(theta - x)*Abs(theta - x)", ["theta"], Empirical({"x": [0, 3]}))
    assert not simulate(smooth, Adam(), StepSizeSchedule(1), [start], steps=1, chains=50, seed=0).diverged.any()


GRAMMAR = [
    "sigmoid(theta*x) + softplus(-3*theta + x) + Abs(theta)/7",
    "exp(theta)*log(x + 2 + theta**2) + sqrt(1 + theta**2)/3 + (1 + theta**2)**(-1/2)",
    "sin(theta) + cos(x*theta) + tanh(theta) + sinh(theta/2)*x + cosh(theta/3) + atan(theta) + erf(theta*x)",
    "Max(theta, x, 0.3)**2 + Min(theta*x, 2, x)**3 + (theta + pi*x)**3/3 + 2.5*theta**-2 + theta**2.5",
    "(theta + 12345678901234567890123*x)**2/12345678901234567890123456789 + (theta**2 + 1)**x",
]


@pytest.mark.parametrize("loss", GRAMMAR)
def test_compiled_gradients_are_those_of_numpy(loss):
    problem = Problem(loss, ["theta"], Empirical({"x": [1]}))
    starts = np.array([[0.1], [0.7], [1.9], [3.0]])
    # One step of plain descent of size 1 shows the gradient.
    found = Run(problem, PlainDescent(), StepSizeSchedule(1), starts, 4, seed=0)
    found.advance(1)
    expected = problem.row_gradients(starts)[:, 0]
    np.testing.assert_allclose(starts - found.theta, expected, rtol=1e-13, atol=1e-13)
    assert np.abs(starts - found.theta - problem.row_gradients(starts * 1.001)[:, 0]).min() > 1e-6


@dataclass(frozen=True, init=False)
class PlainDescent(AdaptiveMethod):
    """theta - size * g: no momentum, no denominator."""

    denominator = "1"

    def __init__(self, beta1=0, beta2=0):
        super().__init__(beta1, beta2, 1)

    def step_factors(self, first, sizes):
        return super().step_factors(first, sizes)._replace(momentum=sizes)


@pytest.mark.parametrize(
    "denominator", ["sqrt(v) + eps", pytest.param("sqrt(v + eps)", marks=pytest.mark.slow), "v + eps", "1"]
)
def test_every_denominator(denominator):
    method = type("Method", (AdaptiveMethod,), {"denominator": denominator, "__module__": __name__})(
        "0.5", "0.9", "0.1"
    )
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [1]}))
    found = simulate(problem, method, StepSizeSchedule("0.25"), [0.0], steps=15, chains=2, seed=0)
    theta = m = v = 0.0
    for n in range(1, 16):
        m, v = 0.5 * m + 0.5 * (theta - 1), 0.9 * v + 0.1 * (theta - 1) ** 2
        m_hat, v_hat = m / (1 - 0.5**n), v / (1 - 0.9**n)
        theta -= 0.25 * m_hat / method.divisor(np.array(v_hat))
    np.testing.assert_allclose(found.theta, theta, rtol=1e-12)
    if not denominator.startswith("sqrt"):
        with pytest.raises(InputError, match=r"no Laplace form.*monte_carlo"):
            AdamField(problem, method)


def test_a_method_of_ones_own():
    single = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [1]}))
    found = simulate(single, PlainDescent("0.5", "0.9"), StepSizeSchedule("0.25"), [0.0], steps=20, chains=2, seed=0)
    theta = m = 0.0
    for _ in range(20):
        m = 0.5 * m + 0.5 * (theta - 1)
        theta -= 0.25 * m
    np.testing.assert_allclose(found.theta, theta, rtol=1e-14)
    adam = simulate(single, Adam("0.5", "0.9", 1), StepSizeSchedule("0.25"), [0.0], steps=20, chains=2, seed=0)
    assert np.abs(adam.theta - theta).min() > 1e-3


def test_many_parameters_are_compiled_in_parts():
    size = 34
    terms = " + ".join(f"w{k}*x{k}" for k in range(size))
    data = np.random.default_rng(0).normal(size=(3, size)).round(3)
    columns = {f"x{k}": data[:, k].tolist() for k in range(size)} | {"y": [1, 2, 3]}
    problem = Problem(f"sigmoid({terms}) + ({terms} - y)**2/2", {"w": size}, Empirical(columns))
    starts = np.linspace(-1, 1, 20 * size).reshape(20, size)
    run = Run(problem, PlainDescent(), StepSizeSchedule(1), starts, 20, seed=0)
    run.advance(1)
    # 34 terms in parts of 32, and more statements than one loop takes.
    assert run._gradient.scratch >= 4
    assert len(run._gradient.addresses) > 1
    rows = [plain_chains.rows_of_chain(0, chain, 1, 3)[0] for chain in range(20)]
    expected = problem.row_gradients(starts)[np.arange(20), rows]
    np.testing.assert_allclose(starts - run.theta, expected, rtol=1e-11, atol=1e-12)


def test_recording_less_often_than_there_are_steps():
    for every in (301, 10**18):
        found = run(3, record_every=every)
        assert found.recorded.shape == (0, 3, 2)
        assert found.recorded_steps.shape == (0,)
    assert run(3, record_every=300).recorded_steps.tolist() == [300]


def in_another_process(pipe):
    pipe.send(run(200, threads=2).theta)


def test_a_forked_process_has_threads_of_its_own(monkeypatch):
    monkeypatch.setattr("adamsym.dynamics.run._WORTH_A_THREAD", 0)
    expected = run(200, threads=2).theta
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=in_another_process, args=(theirs,))
    with warnings.catch_warnings():
        # Python 3.12 warns of forks beside threads, which is what is tested; so does JAX, once it has been imported.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
        process.start()
    np.testing.assert_array_equal(ours.recv(), expected)
    process.join()


def test_progress_is_reported():
    seen = []
    run(10, steps=2000, progress=seen.append)
    assert seen[-1] == 2000
    assert seen == sorted(seen)


def test_progress_is_told_when_its_time_has_come(monkeypatch):
    # Half of the time between reports passes with each block of steps.
    clock = itertools.count(1000, ensemble.SECONDS_BETWEEN_REPORTS / 2)
    monkeypatch.setattr(ensemble, "time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr("adamsym.dynamics.run._STEPS_AT_ONCE", 10)
    seen = []
    run(10, steps=95, progress=seen.append)
    assert seen == [20, 40, 60, 80, 95]


@pytest.mark.parametrize(("chains", "problem"), [(2**12, SKEWED), (3, SKEWED), (2**20, LINE), (2**26, SKEWED)])
def test_steps_at_once_are_bounded_work(chains, problem):
    run = Run.__new__(Run)
    run.problem, run.chains, run._compiled = problem, chains, Adam()
    numbers = (problem.dimension + len(problem.columns)) * problem.batch_size
    expected = min(2**14, 2**24 // (chains * numbers)) or 1
    assert run.steps_at_once == expected


def test_what_an_ensemble_is_of_can_be_sent():
    # What has been compiled of a problem cannot.
    LINE.gradient([0.5, 0.5])
    LINE.mean_loss([0.5, 0.5])
    shared = ensemble._Chains(LINE, Adam(), StepSizeSchedule("0.1/n**0.3"), [0.0, 1.0], 5, 3, 2, None)
    sent = pickle.loads(pickle.dumps(shared))
    np.testing.assert_array_equal(sent.run((2, 4)).theta, shared.run((0, 5)).theta[2:4])


@settings(max_examples=3, deadline=None)
@given(
    strategies.problems(), strategies.adam_relatives(), strategies.schedules(False), st.integers(0, 2**32), st.data()
)
def test_fewer_chains_and_fewer_steps_are_parts_of_the_whole(problem, method, schedule, seed, data):
    theta = data.draw(strategies.points(problem.dimension, 2))
    whole = simulate(problem, method, schedule, theta, 40, 5, seed, record_every=10)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(ensemble, "CHAINS_OF_A_PART", 2)
        done = []
        sent = simulate(
            problem, method, schedule, theta, 40, 5, seed, record_every=10, executor=pool, progress=done.append
        )
    assert done == [16, 32, 40]
    for name in ("theta", "diverged", "recorded_steps", "recorded"):
        np.testing.assert_array_equal(getattr(sent, name), getattr(whole, name))
    part = simulate(problem, method, schedule, theta, 30, 3, seed)
    np.testing.assert_array_equal(part.theta, whole.recorded[2, :3])
    np.testing.assert_array_equal(whole.recorded[-1], whole.theta)
    # A step is at most its size times C, and the correction of m at most 1/(1 - beta1).
    sizes = schedule(np.arange(1, 11)).sum()
    assert np.abs(whole.recorded[0] - theta).max() <= sizes * method.step_bound / (1 - method.beta1) * (1 + 1e-9)
