"""The field of reshuffled rows, against all histories of few epochs listed one by one, and against simulation."""

import itertools
import json

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.cli.app import run
from adamsym.dynamics import find_zero, flow
from adamsym.expressions.errors import NotApplicable
from adamsym.field import AdamField, monte_carlo
from adamsym.field.ball.lag_series import LagSeries
from adamsym.field.epochs import shuffled_ball
from adamsym.field.epochs.tables import Table
from adamsym.gradients import Empirical, PerRowGradients, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, NAdam, RMSprop

ROWS = [1.0, -2.0, 0.5, 3.0, -1.0, 0.7]


def source_of(rows, size=1, drop_last=False, sampling="reshuffled"):
    return PerRowGradients(np.array(rows)[:, None], batch_size=size).changed(sampling=sampling, drop_last=drop_last)


def means(orders, size, drop_last):
    """The minibatches' means of orders (n, rows), (n, batches)."""
    rows = orders.shape[1]
    parts = [orders[:, k : k + size].mean(axis=1) for k in range(0, rows, size)]
    return np.stack(parts[: rows // size] if drop_last else parts, axis=1)


def listed(rows, method, epochs, size=1, drop_last=False):
    """-F over all orders of the present epoch and of some before it; those further back are left out."""
    form = method.laplace
    orders = means(np.array(list(itertools.permutations(rows))), size, drop_last)
    count, eps = orders.shape[1], float(form.kernel.epsilon)
    lags = count * (epochs + 1)
    c = np.array([float(form.weights.weight(k)) for k in range(lags)])
    w = float(1 - form.beta) * float(form.beta) ** np.arange(lags)
    value = 0.0
    for j in range(1, count + 1):
        m, v = orders[:, :j] @ c[:j][::-1], orders[:, :j] ** 2 @ w[:j][::-1]
        for e in range(epochs):
            part = slice(j + e * count, j + (e + 1) * count)
            own = np.stack([orders @ c[part][::-1], orders**2 @ w[part][::-1]], axis=1)
            # Equal sums are listed once.
            own, numbers = np.unique(own, axis=0, return_counts=True)
            assert (numbers == numbers[0]).all()
            m, v = (m[:, None] + own[:, 0]).ravel(), (v[:, None] + own[:, 1]).ravel()
        inside = isinstance(method, AdamEpsInsideRoot)
        value += (m / (np.sqrt(v + eps) if inside else np.sqrt(v) + eps)).mean() / count
    return -value


CASES = [
    (3, Adam("0.05", "0.01", "1e-8"), 4, 1, False),
    (3, NAdam("0.02", "0.01", "0.1"), 4, 1, False),
    (4, Adam("0.02", "0.005", "1e-3"), 3, 1, False),
    (4, AdamEpsInsideRoot("0.03", "0.01", "1e-2"), 3, 1, False),
    (5, Adam("0.01", "0.003", "1e-3"), 2, 1, False),
    (5, Adam("0.002", "0.0001", "1e-3"), 3, 2, False),
    (5, Adam("0.0001", "0.000001", "1e-8"), 2, 2, True),
    (6, RMSprop("0.004", "1e-8"), 1, 1, False),
]


def linear(rows, size=1, drop_last=False, sampling="reshuffled"):
    """The same gradients, by an expression: what is enclosed."""
    return Problem("c*theta", ["theta"], Empirical({"c": list(rows)}), size, sampling, drop_last)


@pytest.mark.parametrize(("rows", "method", "epochs", "size", "drop_last"), CASES, ids=str)
def test_the_field_is_the_mean_over_all_orders(rows, method, epochs, size, drop_last):
    count = rows // size if drop_last else -(-rows // size)
    form = method.laplace
    # What is left out is beyond ``back`` lags (theory T2): with equality the roots of V's parts would add.
    back, largest, eps = count * epochs + 1, max(map(abs, ROWS)), float(form.kernel.epsilon)
    field = AdamField(source_of(ROWS[:rows], size, drop_last), method)
    beyond = sum(abs(float(form.weights.weight(k))) for k in range(back, back + 200))
    left = largest * (beyond + field.step_bound * float(form.beta) ** (back / 2))
    least = (
        np.sqrt(float(1 - form.beta))
        * np.abs(means(np.array(list(itertools.permutations(ROWS[:rows]))), size, drop_last)).min()
    )
    found = field.evaluate([0.0])
    expected = listed(ROWS[:rows], method, epochs, size, drop_last)
    assert abs(found.value[0] - expected) <= found.error[0] + left / (least + eps)
    assert abs(found.value[0] - expected) < 1e-12
    assert found.error[0] < 1e-10
    [[low, high]] = AdamField(linear(ROWS[:rows], size, drop_last), method).enclose([[0.0, 0.0]])
    assert low - left / (least + eps) <= expected <= high + left / (least + eps)
    assert high - low < 1e-15
    # The order counts: neither the rows' own order nor independent draws have this field.
    for sampling in ("cyclic", "replacement"):
        other = source_of(ROWS[:rows], size, drop_last and sampling == "cyclic", sampling)
        assert abs(AdamField(other, method)([0.0])[0] - expected) > 1e-6


@pytest.mark.parametrize("method", [Adam("0.5", "0.9", "0.01"), AdamW("0.9", "0.95", "1e-8", "0.1")], ids=str)
@pytest.mark.parametrize(("size", "drop_last"), [(1, False), (2, False), (2, True)])
def test_the_field_is_the_time_average(method, size, drop_last):
    law = Empirical({"x": [0, 1, 3, -2, 5.5]})
    problem = Problem("(theta - x)**2/2 + theta**4/100", ["theta"], law, size, "reshuffled", drop_last)
    field, theta = AdamField(problem, method), [0.7]
    found = monte_carlo(problem, method, theta, seed=1, steps=4000, chains=32)
    deviation = (found.value - field(theta)) / found.standard_error
    assert (np.abs(deviation) <= 5).all()
    independent = AdamField(problem.changed(sampling="replacement", drop_last=False), method)(theta)
    assert (np.abs(found.value - independent) > 5 * found.standard_error).all()
    jacobian = (field([0.7 + 1e-6]) - field([0.7 - 1e-6])) / 2e-6
    np.testing.assert_allclose(field.jacobian(theta)[0], jacobian, atol=1e-8)


@given(st.permutations(ROWS[:4]), st.sampled_from([1, 2]), st.sampled_from([Adam(), Adam("0.5", "0.9", "0.1")]))
@settings(max_examples=10)
def test_the_rows_own_order_does_not_matter(rows, size, method):
    first, second = (AdamField(source_of(one, size), method).evaluate([0.0]) for one in (ROWS[:4], rows))
    assert abs(first.value[0] - second.value[0]) <= first.error[0] + second.error[0]


def test_equal_rows_are_listed_once():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}), sampling="reshuffled")
    field, rows = AdamField(problem, Adam()), source_of([0.5, 0.5, -2.5])
    assert len(field.arrangements.prefixes[-1].probabilities) == 3
    assert field([0.5]) == pytest.approx(AdamField(rows, Adam())([0.0]), abs=1e-14)
    many = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0] * 20 + [3]}), sampling="reshuffled")
    assert len(AdamField(many, Adam()).arrangements.prefixes[-1].probabilities) == 21


def test_one_batch_of_all_rows_is_deterministic():
    for size, rows in ((1, [1.5]), (3, ROWS[:3])):
        field = AdamField(source_of(rows, size), Adam("0.9", "0.999", "0.1"))
        mean = np.mean(rows)
        assert field([0.0])[0] == pytest.approx(-mean / (abs(mean) + 0.1), abs=1e-14)
    nothing = AdamField(source_of([0.0, 0.0]), Adam()).evaluate([0.0])
    assert nothing.value == nothing.error == 0


def test_zeros_and_flows():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}), sampling="reshuffled")
    field = AdamField(problem, Adam("0.5", "0.9", "0.01"))
    zero = find_zero(field, [1.0]).theta
    np.testing.assert_allclose(zero, 0.98344394, atol=1e-8)
    end = flow(field, [1.2], [0.0, 6.0], tolerance=1e-6).theta[-1]
    assert abs(end[0] - zero[0]) < 0.02 * abs(1.2 - zero[0])


def test_many_rows_are_estimated(tmp_path, capsys):
    law = Empirical({"x": list(range(12))})
    problem = Problem("(theta - x)**2/2", ["theta"], law, sampling="reshuffled")
    with pytest.raises(NotApplicable, match="monte_carlo"):
        AdamField(problem, Adam())([5.0])
    file = tmp_path / "problem.toml"
    file.write_text(
        '[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n[data]\nsampling = "reshuffled"\n'
        f"x = {list(range(12))}\n[adam]\nbeta2 = 0.9\nbeta1 = 0.5\n"
    )
    assert run(["field", str(file), "--at", "theta=5.0", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["estimated"] is True
    assert 0 < found["error"][0] < 0.01
    assert run(["field", str(file), "--at", "theta=5.0", "--enclose"]) == 2
    assert "an enclosure of reshuffled rows sums over all orders of few rows" in capsys.readouterr().err


def test_tables_interpolate_and_sum():
    table, x = Table(-40.0, 4.0), np.linspace(-9, 3.9, 50)
    samples = 1 / (1 + np.exp(-table.nodes))
    assert table.error(samples) < 1e-14
    np.testing.assert_allclose(table.values(samples, table.basis(x)), 1 / (1 + np.exp(-x)), atol=1e-14)
    assert table.values(samples, table.basis(np.array([-49.0])))[0] == samples[0]
    constant = table.summed(np.ones_like(samples), 0.3, -np.log(0.9))
    np.testing.assert_allclose(constant, 10.0, rtol=1e-13)
    summed = table.values(table.summed(samples, 0.7, np.log(2)), table.basis(x))
    expected = sum(0.5**e * table.values(samples, table.basis(x - 0.7 * e)) for e in range(60))
    np.testing.assert_allclose(summed, expected, atol=1e-13)
    assert table.error(np.abs(table.nodes - 0.1)) > 1e-6


# --- bounds -----------------------------------------------------------------------------------------------------------

METHODS = [Adam(), NAdam("0.8", "0.95"), RMSprop("0.99"), AdamW("0.9", "0.99", "0.1", "0.3"), Adam(0, 0, "0.1")]


@pytest.mark.parametrize("method", [*METHODS, AdamEpsInsideRoot("0.9", "0.9999", "1e-4")], ids=str)
@pytest.mark.parametrize(("rows", "size", "drop_last"), [(1, 1, False), (3, 1, False), (4, 3, False), (5, 2, True)])
def test_bounds_are_a_unit_apart_and_hold_the_float_field(method, rows, size, drop_last):
    field = AdamField(linear(ROWS[:rows], size, drop_last), method)
    [[low, high]], found = field.enclose([[0.3, 0.3]]), field.evaluate([0.3])
    assert low - found.error[0] <= found.value[0] <= high + found.error[0]
    assert high - low < 1e-15


def test_boxes_hold_their_points_and_a_change_of_sign_is_proven():
    law = Empirical({"x": [0, 1, 3], "y": [1, 2, 0]})
    problem = Problem("(tanh(a*x) + b - y)**2/2", ["a", "b"], law, sampling="reshuffled")
    field, theta = AdamField(problem, Adam("0.5", "0.9", "0.01")), np.array([0.3, 0.7])
    box = np.stack([theta - 0.01, theta + 0.01], axis=-1)
    bounds, points = field.enclose(box), np.random.default_rng(0).uniform(box[:, 0], box[:, 1], (20, 2))
    values = field(points)
    assert ((bounds[:, 0] <= values) & (values <= bounds[:, 1])).all()
    assert (bounds[:, 1] - bounds[:, 0] < 0.5).all()
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}), sampling="reshuffled")
    field = AdamField(problem, Adam("0.5", "0.9", "0.01"))
    left, right = field.enclose([[[0.983443938] * 2], [[0.983443942] * 2]])[:, 0]
    assert left[0] > 0 > right[1]


@pytest.mark.parametrize("scale", [0.0, 1e-200, 1e-60, 1e-8, 1e8, 1e60, 1e200])
def test_bounds_of_gradients_of_every_size(scale):
    rows = [scale * x for x in (1, -2, 4)]
    field = AdamField(linear(rows), Adam("0.5", "0.9", "0.01"))
    [[low, high]], found = field.enclose([[0.0, 0.0]]), field.evaluate([0.0])
    assert low - found.error[0] <= found.value[0] <= high + found.error[0]
    assert high - low <= (1e-14 if 1e-80 < scale < 1e80 else 9) * min(1, 100 * scale) + 1e-300


def test_each_bound_of_what_is_left_out_is_needed(monkeypatch):
    rows, method, exact = (
        linear(ROWS[:3]),
        Adam("0.5", "0.9", "0.01"),
        AdamField(linear(ROWS[:3]), Adam("0.5", "0.9", "0.01"))([0.0])[0],
    )

    def bounds():
        [[low, high]] = AdamField(rows, method).enclose([[0.0, 0.0]])
        return low, high

    def holds():
        return bounds()[0] <= exact <= bounds()[1]

    with monkeypatch.context() as patch:
        patch.setattr(shuffled_ball, "_STEP", 2.5)
        assert holds()
        patch.setattr(shuffled_ball, "_rule_error", lambda step, size: flint.arb(0))
        assert not holds()
    with monkeypatch.context() as patch:
        patch.setattr(shuffled_ball, "_TOLERANCE", 1e-2)
        assert holds()
        patch.setattr(shuffled_ball, "symmetric", lambda radius: flint.arb(0) if radius < 0.5 else flint.arb(0, radius))
        assert not holds()
    with monkeypatch.context() as patch:
        patch.setattr(LagSeries, "values", lambda self, powers, last: (powers * self._coefficients).tolist())
        patch.setattr(LagSeries, "__init__", few_terms(LagSeries.__init__))
        assert not holds()


def few_terms(own):
    def init(self, law, form, farthest):
        own(self, law, form, farthest)
        self._coefficients = flint.arb_mat(
            [[x if j < 3 else 0 for x in row] for j, row in enumerate(self._coefficients.tolist())]
        )

    return init
