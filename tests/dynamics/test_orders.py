"""Simulated epochs: torch's own DataLoader and Adam on the same rows, step by step; and the orders themselves."""

from collections import Counter

import numpy as np
import pytest

from adamsym.dynamics import simulate
from adamsym.dynamics.orders import Orders
from adamsym.dynamics.randomness import generator_states
from adamsym.dynamics.run import Run
from adamsym.expressions.errors import InputError
from adamsym.gradients import Empirical, PerRowGradients, Problem
from adamsym.gradients.sampling import Epoch
from adamsym.methods import Adam, StepSizeSchedule, make_method

X, STEP, SEED = [0, 0, 3, 1, 5], StepSizeSchedule("0.01"), 5


def problem_of(sampling, size=1, drop_last=False):
    return Problem("(theta - x)**2/2", ["theta"], Empirical({"x": X}), size, sampling, drop_last)


def orders_of(chain, rows, epochs):
    """The orders of a chain's first epochs."""
    words = generator_states(SEED, chain + 1)[chain]
    whole = Orders(Epoch(rows, 1, False, True), 1, 1)
    return whole.rows(0, words, 0, rows * epochs)[:, 0].reshape(epochs, rows)


def run_of_torch(orders, size, drop_last, steps):
    """Theta after each step of torch.optim.Adam on the minibatches of a DataLoader; in the rows' order if None."""
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X, dtype=torch.float64))
    theta = torch.tensor([2.0], dtype=torch.float64, requires_grad=True)
    optimizer, found, epoch = torch.optim.Adam([theta], lr=0.01), [], 0
    while len(found) < steps:
        order = {"shuffle": False} if orders is None else {"sampler": orders[epoch].tolist()}
        for (batch,) in torch.utils.data.DataLoader(data, batch_size=size, drop_last=drop_last, **order):
            optimizer.zero_grad()
            ((theta - batch) ** 2 / 2).mean().backward()
            optimizer.step()
            found.append(theta.item())
        epoch += 1
    return np.array(found[:steps])


@pytest.mark.parametrize("sampling", ["cyclic", "reshuffled"])
@pytest.mark.parametrize(("size", "drop_last"), [(1, False), (2, False), (2, True), (3, False)])
def test_runs_are_those_of_a_data_loader(sampling, size, drop_last):
    chain, steps = 1, 23
    found = simulate(problem_of(sampling, size, drop_last), Adam(), STEP, [2.0], steps, 3, SEED, record_every=1)
    orders = None if sampling == "cyclic" else orders_of(chain, len(X), steps)
    expected = run_of_torch(orders, size, drop_last, steps)
    np.testing.assert_array_equal(found.recorded[:, chain, 0], expected)
    if orders is not None:
        assert (run_of_torch(orders[::-1], size, drop_last, steps) != expected).any()


def test_all_rows_at_once_are_one_batch():
    found = simulate(problem_of("full"), Adam(), STEP, [2.0], 9, 1, SEED, record_every=1).recorded[:, 0, 0]
    np.testing.assert_array_equal(found, run_of_torch(None, len(X), False, 9))


@pytest.mark.parametrize("method", [Adam(), make_method("Lion", {})], ids=["compiled", "own steps"])
@pytest.mark.parametrize("sampling", ["cyclic", "reshuffled"])
def test_divided_runs_are_the_same(method, sampling):
    problem = problem_of(sampling, 2)
    whole = simulate(problem, method, STEP, [2.0], 40, 70, SEED)
    run = Run(problem, method, STEP, [2.0], 70, SEED)
    for steps in (7, 1, 20):
        run.advance(steps)
    other = Run(problem, method, STEP, [2.0], 70, SEED)
    other.restore(run.step, run.state())
    other.advance(12)
    np.testing.assert_array_equal(other.theta, whole.theta)
    assert len(np.unique(whole.theta)) == (1 if sampling == "cyclic" else 70)
    few = simulate(problem, method, STEP, [2.0], 40, 3, SEED)
    np.testing.assert_array_equal(few.theta, whole.theta[:3])


def test_own_steps_take_the_gradients_of_the_compiled_ones():
    class Own(Adam):
        has_factors = False

    for sampling in ("cyclic", "reshuffled"):
        problem = problem_of(sampling, 2)
        own, compiled = (simulate(problem, one, STEP, [2.0], 23, 5, SEED).theta for one in (Own(), Adam()))
        np.testing.assert_allclose(own, compiled, rtol=0, atol=1e-13)


def test_rows_from_python_come_in_the_same_order():
    source = PerRowGradients(lambda theta: theta - np.array(X, float)[:, None], ["theta"], batch_size=2)
    for sampling in ("cyclic", "reshuffled"):
        found = simulate(source.changed(sampling=sampling), Adam(), STEP, [2.0], 12, 2, SEED).theta
        np.testing.assert_array_equal(found, simulate(problem_of(sampling, 2), Adam(), STEP, [2.0], 12, 2, SEED).theta)


def test_orders_are_uniform_and_independent():
    orders = orders_of(0, 3, 6000)
    assert (np.sort(orders, axis=1) == [0, 1, 2]).all()
    singles = Counter(map(tuple, orders.tolist()))
    pairs = Counter(tuple(pair) for pair in orders.reshape(-1, 6).tolist())
    for counts, kinds in ((singles, 6), (pairs, 36)):
        expected = sum(counts.values()) / kinds
        assert len(counts) == kinds
        # Chi-squared: within five of its standard deviations.
        squares = sum((number - expected) ** 2 / expected for number in counts.values())
        assert squares < kinds - 1 + 5 * np.sqrt(2 * (kinds - 1))
    assert (orders_of(1, 3, 50) != orders[:50]).any()


def test_checkpoints_are_of_one_sampling(tmp_path):
    path = tmp_path / "run.npz"
    simulate(problem_of("cyclic"), Adam(), STEP, [2.0], 10, 2, SEED, checkpoint=path)
    whole = simulate(problem_of("cyclic"), Adam(), STEP, [2.0], 20, 2, SEED, checkpoint=path, resume=True)
    np.testing.assert_array_equal(whole.theta, simulate(problem_of("cyclic"), Adam(), STEP, [2.0], 20, 2, SEED).theta)
    with pytest.raises(InputError, match="is of another problem"):
        simulate(problem_of("reshuffled"), Adam(), STEP, [2.0], 30, 2, SEED, checkpoint=path, resume=True)


def test_too_many_orders_are_refused():
    with pytest.raises(InputError, match="too much memory"):
        Orders(Epoch(10**8, 1, False, True), 64, 1)
