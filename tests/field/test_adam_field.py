"""AdamField: shapes, the theory's exact statements, the Jacobian."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField, monte_carlo, values
from adamsym.field.laws.closed_forms import written_form
from adamsym.field.values import require_room
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam

REGRESSION = Problem(
    "(w*x + b - y)**2/2",
    ["w", "b"],
    Empirical({"x": [0, 1, 2, 3], "y": [1, 0, 2, 5]}, weights=[1, 2, 2, 1]),
)
MEAN = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


def test_the_zero_of_a_skewed_law_is_not_the_mean():
    field = AdamField(MEAN, Adam(beta1=0.9, beta2=0.999, eps=1e-8))
    left, right, mean = field([[0.9995], [0.9996], [1.0]])[:, 0]
    assert left > 0 > right
    assert mean < -1e-4
    assert abs(MEAN.gradient([1.0])[0]) < 1e-15


def test_leading_axes():
    field = AdamField(REGRESSION, Adam(0.5, 0.9, 1e-2))
    points = np.random.default_rng(1).normal(size=(3, 5, 2))
    values = field(points)
    assert values.shape == (3, 5, 2)
    np.testing.assert_allclose(values[1, 3], field(points[1, 3]), atol=1e-14)
    assert field.jacobian(points).shape == (3, 5, 2, 2)
    np.testing.assert_allclose(field.jacobian(points)[2, 0], field.jacobian(points[2, 0]), atol=1e-12)
    assert field(np.empty((0, 2))).shape == (0, 2)


def test_chunks_of_points_do_not_matter(monkeypatch):
    field = AdamField(REGRESSION, Adam())
    points = np.random.default_rng(2).normal(size=(20, 2))
    whole = field(points)
    monkeypatch.setattr("adamsym.field.adam_field._ENTRIES_AT_ONCE", 1)
    np.testing.assert_allclose(field(points), whole, atol=1e-14)


def test_a_thousand_points_are_evaluated_together():
    assert len(list(AdamField(REGRESSION, Adam())._parts(1000, 0))) == 1
    assert len(list(AdamField(REGRESSION, Adam())._parts(10**6, 0))) > 10


@pytest.mark.parametrize("theta", [[1.0], [[1.0, 2.0, 3.0]], [np.nan, 0.0], [np.inf, 0.0], 1.0])
def test_bad_points(theta):
    with pytest.raises(InputError, match="theta"):
        AdamField(REGRESSION, Adam())(theta)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    st.lists(st.floats(-5, 5).map(lambda x: round(x, 2)), min_size=1, max_size=5),
    st.floats(-5, 5),
    st.sampled_from([Adam(), Adam("0.9", "0.99", "1e-3"), Adam("0.5", "0.5", "1"), Adam(0, 0, "0.1")]),
)
def test_bounded_by_the_step_bound_and_by_the_mean_gradient(data, theta, adam):
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": data})), adam)
    magnitude = np.mean([abs(theta - x) for x in data])
    assert abs(field([theta])[0]) <= min(adam.step_bound, magnitude / adam.eps) * (1 + 1e-12)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=5), st.sampled_from([Adam(), Adam("0.5", "0.9", "0.1")]))
def test_zero_at_the_centre_of_symmetric_data(data, adam):
    symmetric = data + [2 - x for x in data]
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": symmetric})), adam)
    assert abs(field([1.0])[0]) < 1e-14


def test_decreasing_in_theta_when_beta1_is_at_most_beta2():
    theta = np.linspace(-1, 4, 200)[:, None]
    values = AdamField(MEAN, Adam("0.9", "0.9", "1e-3"))(theta)[:, 0]
    assert (np.diff(values) < 0).all()
    # Beyond, monotonicity fails (N-Theorem 4): X = -1, 1 and (alpha, beta) = (.3, .1).
    two = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]}))
    at = AdamField(two, Adam("0.3", "0.1", "1e-8"))([[1.5], [2.0], [3.0]])[:, 0]
    np.testing.assert_allclose(at, [-1.007208, -1.011404, -1.007188], atol=5e-7)


def test_three_zeros_in_the_explicit_case():
    # N-Theorem 4: three zeros; the field changes sign at each.
    law = Empirical({"x": [-1, 0, 125]}, weights=["0.307", "0.307", "0.386"])
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], law), Adam("9.99e-4", "1e-6", "1e-8"))
    zeros = np.array([0.00063138, 0.00310726, 0.01970947])
    below, above = field((zeros - 2e-8)[:, None])[:, 0], field((zeros + 2e-8)[:, None])[:, 0]
    np.testing.assert_array_equal(np.sign(below), [1, -1, 1])
    np.testing.assert_array_equal(np.sign(above), [-1, 1, -1])


def test_large_eps_is_gradient_descent():
    theta = np.array([0.3, -0.7])
    field = AdamField(REGRESSION, Adam("0.9", "0.999", "1e6"))
    np.testing.assert_allclose(1e6 * field(theta), -REGRESSION.gradient(theta), rtol=1e-5)


def test_a_mean_over_a_large_batch_tends_to_the_full_gradient():
    theta = [0.5]
    full = -MEAN.gradient(theta)[0] / (abs(MEAN.gradient(theta)[0]) + 0.1)
    distances = []
    for size in (1, 10, 100):
        problem = Problem("(theta - x)**2/2", ["theta"], MEAN.law, batch_size=size)
        distances.append(abs(AdamField(problem, Adam("0.9", "0.999", "0.1"))(theta)[0] - full))
    assert distances[0] > 2 * distances[1] > 8 * distances[2]


@pytest.mark.parametrize(
    ("problem", "theta"),
    [
        (REGRESSION, [0.3, -0.7]),
        (Problem("(tanh(w*x) - y)**2/2", ["w"], REGRESSION.law, batch_size=2), [0.4]),
        (Problem("(theta - x)**4/4", ["theta"], Independent({"x": "Exponential(1)"})), [0.4]),
    ],
    ids=["regression", "network in batches of 2", "continuous law"],
)
@pytest.mark.parametrize("adam", [Adam(), Adam("0.5", "0.9", "0.1"), Adam(0, "0.01", "0.1")], ids=str)
def test_jacobian_is_the_derivative(problem, theta, adam):
    field = AdamField(problem, adam)
    theta = np.array(theta)

    def central(step):
        shifts = step * np.eye(len(theta))
        return (field(theta + shifts) - field(theta - shifts)).T / (2 * step)

    expected = (4 * central(1e-3) - central(2e-3)) / 3
    found = field.jacobian(theta)
    np.testing.assert_allclose(found, expected, atol=1e-7 * np.abs(expected).max())
    # The comparison sees a fault of one part in a million.
    assert np.abs(found * (1 + 1e-5) - expected).max() > 1e-7 * np.abs(expected).max()


def test_jacobian_at_interpolation_is_minus_the_hessian_over_eps():
    problem = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 3, 5]}))
    jacobian = AdamField(problem, Adam("0.9", "0.999", "1e-4")).jacobian([2.0, 1.0])
    hessian = np.array([[5 / 3, 1.0], [1.0, 1.0]])
    np.testing.assert_allclose(jacobian, -hessian / 1e-4, rtol=1e-12)


def test_continuous_laws_converge_and_say_how_far():
    # The exact values are those of a finer rule in 30 digits: closed form for alpha = beta = 0 and Uniform data.
    problem = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Uniform(0, 1)"}))
    found = AdamField(problem, Adam(0, 0, 1)).evaluate([0.25])
    # -E[g/(|g| + 1)], g = theta - x: integral of u/(1+u) from 0 to r is r - log(1 + r).
    exact = (0.75 - np.log(1.75)) - (0.25 - np.log(1.25))
    assert found.value[0] == pytest.approx(exact, abs=1e-10)
    assert abs(found.value[0] - exact) <= found.error[0]


def test_the_error_covers_a_rule_in_the_data_that_converges_slowly():
    # The gradient jumps in x: f = (P(x > theta) - P(x < theta))/2, and the levels differ by far more than rounding.
    # Next to 1/2 no node lies between, so that all levels agree; elsewhere the last two may by chance.
    problem = Problem("Abs(theta - x)", ["theta"], Independent({"x": "Uniform(0, 1)"}))
    points = np.append(np.linspace(0.05, 0.95, 91), [0.49999, 0.50001, 0.5001])
    found = AdamField(problem, Adam(0, 0, 1)).evaluate(points[:, None])
    off = np.abs(found.value[:, 0] - (0.5 - points))
    assert (off <= found.error[:, 0]).all()
    assert (found.error < 1e-2).all()
    assert np.median(off) > 1e-5


def test_a_loss_that_is_not_differentiable_says_so():
    field = AdamField(Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1]})), Adam())
    assert np.isfinite(field([0.5])).all()
    with pytest.raises(InputError, match="data row 1"):
        field([1.0])


def test_minibatches_that_are_too_many_to_list():
    # 300 rows in batches of 20; against a large sample of listed minibatches, within five standard errors.
    generator = np.random.default_rng(8)
    rows = generator.exponential(size=300).round(4)
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": rows.tolist()}), batch_size=20)
    adam = Adam("0.9", "0.99", "1e-2")
    found = AdamField(problem, adam).evaluate([[1.0], [rows.mean()]])
    assert (found.error < 1e-12).all()
    estimate = monte_carlo(problem, adam, [1.0], seed=1, steps=1000, chains=16)
    assert abs(found.value[0, 0] - estimate.value[0]) <= 5 * estimate.standard_error[0]
    single = AdamField(Problem("(theta - x)**2/2", ["theta"], problem.law), adam)([1.0])
    assert abs(single[0] - estimate.value[0]) > 5 * estimate.standard_error[0]
    # dF/dg of every row in one pass, against differences.
    step = 1e-4
    ends = AdamField(problem, adam)([[1 + step], [1 - step]])[:, 0]
    assert AdamField(problem, adam).jacobian([1.0])[0, 0] == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-6)


def test_listed_and_unlisted_minibatches_agree(monkeypatch):
    problem = Problem("(tanh(w*x) - y)**2/2", ["w"], REGRESSION.law, batch_size=6)
    adam = Adam("0.9", "0.99", "1e-2")
    listed, slope = AdamField(problem, adam)([0.4]), AdamField(problem, adam).jacobian([0.4])
    monkeypatch.setattr("adamsym.gradients.batches.MOST_ENTRIES", 10)
    np.testing.assert_allclose(AdamField(problem, adam)([0.4]), listed, atol=1e-12)
    np.testing.assert_allclose(AdamField(problem, adam).jacobian([0.4]), slope, rtol=1e-10)


CONTINUOUS = {
    "normal": ("(theta - x)**2/2", {"x": "Normal(1, 2)"}, 1),
    "uniform": ("(theta - x)**2/2", {"x": "Uniform(-1, 2)"}, 1),
    "exponential": ("(theta - x)**2/2", {"x": "Exponential(2)"}, 1),
    "batches of normal data": ("(theta - x)**2/2", {"x": "Normal(1, 2)"}, 50),
}


@pytest.mark.parametrize(("loss", "columns", "size"), CONTINUOUS.values(), ids=CONTINUOUS)
def test_closed_forms_of_continuous_laws(loss, columns, size, monkeypatch):
    problem = Problem(loss, ["theta"], Independent(columns), batch_size=size)
    estimate = monte_carlo(problem, Adam("0.9", "0.99", "1e-2"), [0.4], seed=1, steps=4000, chains=32)
    found = AdamField(problem, Adam("0.9", "0.99", "1e-2")).evaluate([0.4])
    assert abs(found.value[0] - estimate.value[0]) <= 5 * estimate.standard_error[0]
    assert found.error[0] < 1e-12
    # Without closed forms: the rule in the data, and minibatches of its nodes.
    monkeypatch.setattr("adamsym.field.laws.closed_forms.written_form", lambda problem, coordinate: None)
    again = AdamField(problem, Adam("0.9", "0.99", "1e-2")).evaluate([0.4])
    assert again.value[0] == pytest.approx(found.value[0], abs=1e-10)
    assert again.error[0] > 0


@pytest.mark.parametrize(("rows", "size"), [("x", 2), ("x + z", 1), ("x + z", 2)])
def test_closed_forms_of_uniform_data_are_for_one_column_and_single_rows(rows, size):
    law = Independent({"x": "Uniform(0, 1)", "z": "Uniform(0, 1)"})
    assert written_form(Problem("(theta - x)**2/2", ["theta"], law), 0) is not None
    assert written_form(Problem(f"(theta - {rows})**2/2", ["theta"], law, batch_size=size), 0) is None


def test_closed_forms_hold_where_quadrature_in_the_data_is_slow():
    # alpha = beta = 0, Uniform data: -E[g/(|g| + eps)] is an elementary integral.
    problem = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Uniform(0, 1)"}))
    for eps in (1.0, 1e-3, 1e-6):
        found = AdamField(problem, Adam(0, 0, eps)).evaluate([0.25])

        def part(r, eps=eps):
            return r - eps * np.log1p(r / eps)

        assert found.value[0] == pytest.approx(part(0.75) - part(0.25), abs=1e-12)


def test_rules_in_the_data_are_taken_one_after_the_other(monkeypatch):
    field = AdamField(
        Problem("sin(theta - x)**2/2", ["theta"], Independent({"x": "Uniform(0, 1)"})), Adam("0.5", "0.9", "0.1")
    )
    seen, at_level = [], AdamField._at_level
    monkeypatch.setattr(AdamField, "_at_level", lambda self, p, level: seen.append(level) or at_level(self, p, level))
    field([0.3])
    assert seen == list(range(len(seen)))
    assert 3 <= len(seen) < field.problem.law.levels


def test_gradients_that_would_not_fit_in_memory_are_refused_in_advance():
    with pytest.raises(InputError, match=r"gradients of 60,000 data rows in 100,000 parameters would take 48 GB"):
        require_room(60_000, 100_000)
    require_room(600, 100_000)


def test_a_field_asks_for_room_before_it_asks_for_gradients(monkeypatch):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    field = AdamField(problem, Adam("0.5", "0.9", "1"))
    assert np.isfinite(field([1.0])).all()
    monkeypatch.setattr(values, "MOST_GRADIENTS", 2)
    with pytest.raises(InputError, match="3 data rows in 1 parameters"):
        field([1.0])
