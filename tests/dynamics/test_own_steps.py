"""Chains whose methods take their own steps: as compiled ones where both exist, resumable, and marked alike."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, Empirical, InputError, Problem, StepSizeSchedule, simulate
from adamsym.dynamics import Run, ensemble
from adamsym.gradients import Independent
from adamsym.methods import Adamax, AMSGrad, Lion, Method, NAdam

SCHEDULE = StepSizeSchedule("0.1/n**0.3")
PROBLEMS = {
    "batches": Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 5]}), batch_size=2),
    "weights": Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 3]}, weights=[1, 2, 7])),
    "one row": Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [1]})),
    "continuous": Problem(
        "(w*x + b - y)**2/2 + tanh(w)", ["w", "b"], Independent({"x": "Normal(0, 1)", "y": "Gamma(2, 1)"}), batch_size=2
    ),
}


@dataclass(frozen=True, init=False)
class OwnNAdam(NAdam):
    """NAdam, but not compiled."""

    def step(self, state, gradient, theta, n):
        return super().step(state, gradient, theta, n)


def run(method, problem, chains=20, **options):
    start = np.full(problem.dimension, 0.5)
    options = {"steps": 150, "seed": 7, "schedule": SCHEDULE, "theta0": start} | options
    return simulate(problem, method, chains=chains, **options)


@pytest.mark.parametrize("name", PROBLEMS)
def test_own_steps_are_the_compiled_ones(name):
    problem, start = PROBLEMS[name], [0.5] * PROBLEMS[name].dimension
    own, compiled = (Run(problem, method, SCHEDULE, start, 20, 7) for method in (OwnNAdam(), NAdam()))
    recorded = own.advance(150, 7), compiled.advance(150, 7)
    np.testing.assert_allclose(*recorded, rtol=1e-9, atol=1e-10)
    for ours, theirs in zip(own.state(), compiled.state(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10)
    np.testing.assert_array_equal(own.state()[-2], compiled.state()[-2])
    if name != "one row":
        other = run(OwnNAdam(), problem, seed=8)
        assert np.abs(other.theta - compiled.theta).max() > 1e-3


@settings(max_examples=12, deadline=None)
@given(st.data())
def test_neither_the_division_nor_the_number_of_chains_nor_threads_matter(data):
    problem = PROBLEMS[data.draw(st.sampled_from(sorted(PROBLEMS)))]
    method = data.draw(st.sampled_from([Lion(), Adamax("0.5", "0.9"), AMSGrad()]))
    chains = data.draw(st.integers(1, 70))
    every = data.draw(st.none() | st.integers(1, 40))
    pieces = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=5))

    def fresh(count, threads=None):
        return Run(problem, method, SCHEDULE, [0.5] * problem.dimension, count, 3, threads)

    whole, divided, more = fresh(chains), fresh(chains, 3), fresh(chains + 20, 1)
    recorded = whole.advance(sum(pieces), every)
    parts = [divided.advance(piece, every) for piece in pieces]
    more.advance(sum(pieces))
    np.testing.assert_array_equal(np.concatenate(parts), recorded)
    for ours, theirs, others in zip(divided.state(), whole.state(), more.state(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
        np.testing.assert_array_equal(others[:chains], theirs)


def test_rows_drawn_ahead_do_not_matter(monkeypatch):
    expected = run(Lion(), PROBLEMS["continuous"]).theta
    monkeypatch.setattr("adamsym.dynamics.run._DRAWS_AT_ONCE", 700)
    monkeypatch.setattr("adamsym.dynamics.run._STEPS_AT_ONCE", 11)
    np.testing.assert_array_equal(run(Lion(), PROBLEMS["continuous"]).theta, expected)


def test_divergence_is_marked_as_in_compiled_chains():
    @dataclass(frozen=True, init=False)
    class OwnAdam(Adam):
        def step(self, state, gradient, theta, n):
            return super().step(state, gradient, theta, n)

    problem = Problem("-exp(exp(theta*x))", ["theta"], Empirical({"x": [0, 1]}))
    found = [
        simulate(problem, kind(0, 0, "1e-300"), 3, [0.5], steps=8, chains=100, seed=0, record_every=1)
        for kind in (Adam, OwnAdam)
    ]
    np.testing.assert_array_equal(found[0].diverged, found[1].diverged)
    np.testing.assert_array_equal(np.isnan(found[0].recorded), np.isnan(found[1].recorded))
    assert 0 < (found[1].diverged > 0).sum() < 100
    # Lion's steps stay finite where the gradient does not: it is marked all the same.
    lion = simulate(problem, Lion(weight_decay=0), 3, [0.5], steps=8, chains=100, seed=0)
    assert 0 < (lion.diverged > 0).sum() < 100
    assert (np.isnan(lion.theta[:, 0]) == (lion.diverged > 0)).all()


def test_a_state_that_is_infinite_from_the_start_is_no_divergence():
    @dataclass(frozen=True)
    class SmallestGradient(Method):
        """Divides by the smallest absolute gradient so far."""

        memory: float = field(default=float("inf"))

        def initial_state(self, shape):
            return (np.full(shape, np.inf),)

        def step(self, state, gradient, theta, n):
            smallest = np.minimum(state[0], np.abs(gradient) + 0.1)
            return (smallest,), -gradient / smallest

    assert not run(SmallestGradient(), PROBLEMS["weights"]).diverged.any()


@pytest.mark.parametrize("name", ["batches", "continuous"])
def test_checkpoints_hold_the_open_state(name, tmp_path, monkeypatch):
    monkeypatch.setattr(ensemble, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    monkeypatch.setattr(ensemble, "SECONDS_BETWEEN_REPORTS", 0)
    monkeypatch.setattr("adamsym.dynamics.run._STEPS_AT_ONCE", 50)
    problem, path = PROBLEMS[name], tmp_path / "run.npz"

    def stop(step):
        if step >= 100:
            raise KeyboardInterrupt

    whole = run(AMSGrad(), problem, steps=220, record_every=30)
    with pytest.raises(KeyboardInterrupt):
        run(AMSGrad(), problem, steps=220, record_every=30, checkpoint=path, progress=stop)
    resumed = run(AMSGrad(), problem, steps=220, record_every=30, checkpoint=path, resume=True)
    np.testing.assert_array_equal(resumed.theta, whole.theta)
    np.testing.assert_array_equal(resumed.recorded, whole.recorded)
    with np.load(path, allow_pickle=False) as file:
        assert {"theta", "state0", "state1", "state2", "random", "diverged"} < set(file.files)
    for other in (AMSGrad(beta2="0.99"), Adamax(), Lion()):
        with pytest.raises(InputError, match="another problem, method"):
            run(other, problem, steps=300, record_every=30, checkpoint=path, resume=True)


def own(name="Own", start=lambda shape: (np.zeros(shape),), step=lambda s, g, theta, n: (s, -g)):
    methods = {
        "initial_state": lambda self, shape: start(shape),
        "step": lambda self, state, gradient, theta, n: step(state, gradient, theta, n),
        "memory": 1.0,
    }
    return type(name, (Method,), methods)()


def test_a_class_of_one_s_own():
    for start in (lambda shape: (np.zeros(shape),), lambda shape: ()):
        plain = run(own(start=start), PROBLEMS["one row"], schedule=StepSizeSchedule("0.1"), steps=3)
        np.testing.assert_allclose(plain.theta, 1 - 0.5 * 0.9**3)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"start": lambda shape: np.zeros(shape)}, "the state must be a tuple of arrays"),
        (
            {"start": lambda shape: (np.zeros(3),)},
            r"shape \(3,\) and type float64; .* of shape \(20, k\)",
        ),
        ({"start": lambda shape: (np.full(shape, "a"),)}, "type <U1"),
        ({"step": lambda s, g, t, n: -g}, "step must return two things"),
        ({"step": lambda s, g, t, n: (s, -g[0])}, r"a change of theta's shape \(20, 1\), not \(1,\)"),
        ({"step": lambda s, g, t, n: ((np.zeros((20, 2)),), -g)}, "a state of the shapes that it was given"),
        ({"step": lambda s, g, t, n: ((), -g)}, "a state of the shapes that it was given"),
    ],
)
def test_what_is_no_recursion_is_refused(wrong, words):
    with pytest.raises(InputError, match=f"Own: .*{words}"):
        run(own(**wrong), PROBLEMS["one row"])
