"""The field of rows in their own order: a finite sum, against the recursion itself run until it repeats."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.dynamics import find_zero, flow
from adamsym.expressions.errors import NotApplicable
from adamsym.field import AdamField
from adamsym.field.epochs.epoch_field import EpochField
from adamsym.gradients import Empirical, PerRowGradients, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, NAdam, RMSprop

METHODS = [
    Adam(),
    Adam(0, "0.1", "1e-300"),
    Adam("0.5", "0.9", "0.01"),
    NAdam("0.8", "0.95", "1e-8"),
    RMSprop("0.99"),
    AdamW("0.9", "0.99", "0.1", "0.3"),
    AdamEpsInsideRoot("0.9", "0.99", "1e-4"),
    Adam(0, 0, "0.1"),
]
EPOCHS = [(1, False), (2, False), (2, True), (3, False), (5, False)]


def iterated(batches, method, theta):
    """Minus the mean step of the recursion in extended precision, after its start is forgotten."""
    form, g = method.laplace, np.asarray(batches, np.longdouble)
    count, beta = len(g), np.longdouble(form.beta.numerator) / form.beta.denominator
    eps = np.longdouble(form.kernel.epsilon.numerator) / form.kernel.epsilon.denominator
    memory = 1 if beta == 0 else int(50 / -np.log(float(beta))) + 1
    terms = [[np.longdouble(x.numerator) / x.denominator for x in term] for term in form.weights.terms]
    sums, v = [np.zeros(g.shape[1:], np.longdouble) for _ in terms], np.zeros(g.shape[1:], np.longdouble)
    total, steps = np.zeros(g.shape[1:], np.longdouble), count * (memory // count + 2)
    for n in range(steps):
        new = g[n % count]
        v = beta * v + (1 - beta) * new**2
        sums = [ratio * old + amount * new for old, (amount, ratio) in zip(sums, terms, strict=True)]
        if n >= steps - count:
            heads = sum((np.longdouble(float(c)) * g[(n - k) % count] for k, c in enumerate(form.weights.head)), 0)
            inside = isinstance(method, AdamEpsInsideRoot)
            total += (heads + sum(sums)) / (np.sqrt(v + eps) if inside else np.sqrt(v) + eps)
    return np.asarray(-total / count, float) - float(form.decay) * np.asarray(theta)


def batches_of(gradients, size, drop_last):
    parts = [gradients[k : k + size].mean(axis=0) for k in range(0, len(gradients), size)]
    return [part for k, part in enumerate(parts) if not drop_last or (k + 1) * size <= len(gradients)]


@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize(("size", "drop_last"), EPOCHS)
def test_the_finite_sum_is_the_recursion_repeated(method, size, drop_last):
    gradients = np.array([[1.0, -0.3], [-2.0, 0.1], [0.5, 7.0], [0.25, 0.0], [3.0, -1.0]])
    source = PerRowGradients(gradients, batch_size=size).changed(sampling="cyclic", drop_last=drop_last)
    field, theta = AdamField(source, method), np.array([0.5, -2.0])
    expected = iterated(batches_of(gradients, size, drop_last), method, theta)
    np.testing.assert_allclose(field(theta), expected, rtol=0, atol=1e-14 * max(1, np.abs(expected).max()))
    found = field.evaluate(theta)
    assert (np.abs(found.value - expected) <= found.error + 2e-15 * np.abs(expected)).all()
    assert (found.error < 1e-13 * field.step_bound).all()


def test_the_order_counts():
    rows = np.array([[1.0], [-2.0], [0.5], [3.0]])
    adam, orders = Adam("0.5", "0.9", "1e-8"), ([0, 1, 2, 3], [1, 2, 3, 0], [0, 2, 1, 3])
    fields = [AdamField(PerRowGradients(rows[order]).changed(sampling="cyclic"), adam) for order in orders]
    values = [field([0.0])[0] for field in fields]
    assert abs(values[0] - values[1]) < 1e-14
    assert abs(values[0] - values[2]) > 1e-4
    assert abs(values[0] - AdamField(rows, adam)([0.0])[0]) > 1e-4


def test_reddis_cycle_has_the_known_values():
    def value(c, adam):
        problem = Problem("c*theta", ["theta"], Empirical({"c": [c, -1, -1]}), sampling="cyclic")
        return AdamField(problem, adam)([0.0])[0]

    found = [value(c, Adam(0, Fraction(1, 1 + c * c), "1e-300")) for c in (3, 5, 15)]
    np.testing.assert_allclose(found, [0.2269832, 0.2307482, 0.2350241], atol=5e-8)
    # By hand: V runs through three values.
    for c, one in zip((3, 5, 15), found, strict=True):
        beta = 1 / (1 + c * c)
        squares = np.array([c * c, 1, 1])
        v = [(1 - beta) / (1 - beta**3) * sum(beta**k * squares[j - k] for k in range(3)) for j in range(3)]
        assert one == pytest.approx(-np.mean(np.array([c, -1, -1]) / np.sqrt(v)), abs=1e-14)
    assert value(15, Adam()) == pytest.approx(-0.498140, abs=5e-7)


@given(
    st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=6),
    st.sampled_from(["0.5", "0.9", "0.999"]),
    st.sampled_from(["1e-8", "0.1", "10"]),
)
@settings(max_examples=20)
def test_all_rows_at_once_give_the_deterministic_field(values, beta, eps):
    problem = Problem("theta*x", ["theta"], Empirical({"x": values}), sampling="full")
    mean = problem.gradient([0.0])
    found = AdamField(problem, Adam("0.3", beta, eps)).evaluate([0.0])
    assert np.abs(found.value + mean / (np.abs(mean) + float(eps))) <= found.error + 1e-15


def test_enclosures_hold_the_field_and_its_derivative():
    law = Empirical({"x": [0, 0, 3, 1, 2], "y": [1, 2, 0, 5, -1]})
    problem = Problem("(tanh(a*x) + b - y)**2/2", ["a", "b"], law, batch_size=2, sampling="cyclic")
    for method in (Adam(), NAdam("0.5", "0.9", "0.01"), AdamW("0.9", "0.99", "1e-3", "0.1")):
        field, theta = AdamField(problem, method), np.array([0.3, 0.7])
        found, bounds = field.evaluate(theta), field.enclose(np.stack([theta, theta], axis=-1))
        assert (bounds[:, 1] - bounds[:, 0] < 1e-14).all()
        assert (np.abs(found.value - bounds.mean(axis=1)) <= found.error).all()
        jacobian, entries = field.jacobian(theta), field.enclose_jacobian(np.stack([theta, theta], axis=-1))
        assert (np.abs(jacobian - entries.mean(axis=-1)) < 1e-12).all()
        step = 1e-6 * np.eye(2)
        differences = np.stack([(field(theta + e) - field(theta - e)) / 2e-6 for e in step], axis=-1)
        np.testing.assert_allclose(jacobian, differences, atol=1e-7)
        np.testing.assert_allclose(field.linearize(theta).jvp([1.0, 2.0]), jacobian @ [1, 2], atol=1e-14)
        box = np.stack([theta - 0.01, theta + 0.01], axis=-1)
        wide, points = field.enclose(box), np.random.default_rng(0).uniform(box[:, 0], box[:, 1], (50, 2))
        values = field(points)
        assert ((wide[:, 0] <= values) & (values <= wide[:, 1])).all()
        assert (wide[:, 1] - wide[:, 0] < 4 * np.ptp(values, axis=0) + 1e-3).all()


def test_zeros_and_flows_are_those_of_the_order():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}), sampling="cyclic")
    field = AdamField(problem, Adam(0, "0.9", "1e-8"))
    zero = find_zero(field, [1.0]).theta
    assert np.abs(field(zero)).max() < 1e-12
    low, high = field.enclose([[[zero[0] - 1e-9] * 2], [[zero[0] + 1e-9] * 2]])[:, 0]
    assert low[0] > 0 > high[1]
    end = flow(field, [2.0], [0.0, 40.0]).theta[-1]
    np.testing.assert_allclose(end, zero, atol=1e-6)
    other = find_zero(AdamField(problem.changed(sampling="replacement"), field.adam), [1.0]).theta
    assert abs(other[0] - zero[0]) > 1e-2


def test_epoch_fields_travel_and_refuse():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}), sampling="cyclic")
    field = AdamField(problem, Adam())
    assert isinstance(field, EpochField)
    assert pickle.loads(pickle.dumps(field))([0.5]) == field([0.5])
    with pytest.raises(NotApplicable, match="a Jacobian needs"):
        AdamField(PerRowGradients([[1.0]]).changed(sampling="cyclic"), Adam()).jacobian([0.0])
    with pytest.raises(NotApplicable, match="Jacobian is not enclosed"):
        AdamField(problem.changed(sampling="reshuffled"), Adam()).enclose_jacobian([[0.0, 1.0]])
