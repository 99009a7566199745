"""Zeros by Newton's method: they agree with certified ones, and say no more than was found."""

import json

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from tanh_network import TanhNetwork, small_network

from adamsym import (
    Adam,
    AdamField,
    AdamW,
    Empirical,
    InputError,
    PerRowGradients,
    Problem,
    VectorField,
    find_zero,
    find_zeros,
    read_problem,
)
from adamsym.dynamics import critical_points, newton, spectrum, zero_search
from adamsym.expressions.errors import NotApplicable
from adamsym.field import memory_bias
from adamsym.field.bias import leading_gradient
from adamsym.plots import draw_zero_point

THREE = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
GAME = VectorField(["x + y + z", "y - x + z**2"], ["x", "y"], Empirical({"z": [-1, 0, 3]}))
ADAM = Adam("0.9", "0.99", "0.001")


def test_the_zero_of_the_readme_is_the_certified_one():
    field = AdamField(THREE, Adam())
    found, [certified] = find_zero(field, [1.0]), find_zeros(field, [[0.9, 1.1]]).zeros
    assert found.outcome == "converged"
    assert abs(found.theta[0] - 0.9995039667) < 1e-10
    assert abs(found.theta[0] - certified.midpoint[0]) < 1e-13
    assert (found.stability, certified.stability) == ("attracting", "attracting")
    np.testing.assert_allclose(found.eigenvalues, field.jacobian(found.theta)[0], rtol=1e-9)
    one = found.critical_point
    assert one.theta == [1.0]
    assert (one.kind, one.least_eigenvalue) == ("minimum", 1.0)
    assert one.distance == pytest.approx(1 - 0.9995039667, abs=1e-10)
    assert one.loss_excess == pytest.approx(one.distance**2 / 2, rel=1e-6)
    assert one.predicted_distance == pytest.approx(0.0005, rel=1e-6)
    assert one.predicted_excess == pytest.approx(0.0005**2 / 2, rel=1e-6)
    assert repr(found).startswith("<ZeroPoint: floating point: converged: 1 parameter at (0.999504) with max |f| = ")
    assert "attracting; 0.000496 from a minimum of the loss (leading order: 0.0005)>" in repr(found)
    assert json.loads(json.dumps(found.to_dict()))["critical_point"]["kind"] == "minimum"
    assert "leading order" in found._repr_html_()


@settings(max_examples=8, deadline=None)
@given(st.data())
def test_zeros_are_zeros_with_the_jacobians_eigenvalues(data):
    numbers = st.lists(st.integers(-4, 4), min_size=3, max_size=4, unique=True)
    x, y = data.draw(numbers), data.draw(numbers)
    n = min(len(x), len(y))
    law = Empirical({"x": x[:n], "y": y[:n]})
    source = data.draw(
        st.sampled_from(
            [
                Problem("(a - x)**2/2 + (a + b - y)**2/2", ["a", "b"], law),
                Problem("log(1 + exp(a*x)) - a*x/3 + (b - a*y)**2/2 + a**2/2", ["a", "b"], law, 2),
                VectorField(["a + 2*b - x", "b - 2*a + y"], ["a", "b"], law),
            ]
        )
    )
    field = AdamField(source, data.draw(st.sampled_from([ADAM, Adam("0.5", "0.8", "0.1"), AdamW()])))
    found = find_zero(field, [0.5, -0.5])
    assert found.outcome == "converged"
    assert np.abs(field(found.theta)).max() <= max(1.1e-10, 2 * found.error)
    eigenvalues = np.linalg.eigvals(field.jacobian(found.theta))
    np.testing.assert_allclose(sorted(found.eigenvalues.real), sorted(eigenvalues.real), atol=1e-9)
    assert found.stability == ("attracting" if eigenvalues.real.max() < 0 else "not attracting")
    assert (found.critical_point is None) == isinstance(source, VectorField)
    if found.critical_point is not None:
        assert np.abs(source.gradient(found.critical_point.theta)).max() < 1e-9
        assert found.critical_point.kind == "minimum"
    if found.critical_point is not None and found.critical_point.predicted is not None:
        points = draw_zero_point(Figure().add_subplot(), found)
        np.testing.assert_array_equal(points.get_ydata(), found.theta - found.critical_point.theta)


def test_stability_is_that_of_the_certified_zeros():
    source = read_problem("examples/parabola_or_sine.toml")
    field = AdamField(source.problem, source.adam)
    certified = find_zeros(field, [[1.0, 3.5]]).zeros
    assert [zero.stability for zero in certified] == ["repelling", "attracting"]
    for zero, expected in zip(certified, ("not attracting", "attracting"), strict=True):
        found = find_zero(field, zero.midpoint + 0.01)
        assert abs(found.theta - zero.midpoint).max() < 1e-9
        assert found.stability == expected
        # The only critical point is 0: neither zero is near it.
        assert found.critical_point is None
        assert "stalls where max |dL/dtheta| = 0." in found.no_critical_point


def test_a_field_that_is_no_gradient_has_no_critical_point():
    found = find_zero(AdamField(GAME, ADAM), [0.3, 0.3])
    assert found.stability == "attracting"
    assert np.iscomplex(found.eigenvalues).all()
    assert found.critical_point is None
    assert found.no_critical_point == "no critical point: VectorField gives no loss"
    with pytest.raises(InputError, match="gives no loss"):
        found.plot(Figure().add_subplot())


def test_weight_decay_leaves_no_prediction():
    field = AdamField(THREE, AdamW("0.9", "0.99", "0.001", "0.1"))
    found = find_zero(field, [0.3])
    assert abs(field(found.theta)[0]) < 1e-10
    assert found.critical_point.distance > 0.1
    assert found.critical_point.predicted is None
    assert "leading order" not in repr(found)
    with pytest.raises(InputError, match="no prediction"):
        found.plot(Figure().add_subplot())


def test_a_kink_is_named_where_the_search_stalls():
    source = Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1, 5]}))
    found = find_zero(AdamField(source, ADAM), [0.3])
    assert found.outcome == "stalled"
    assert found.theta == pytest.approx([1.0])
    assert "a kink of the loss lies there" in found.reason
    assert np.isnan(found.largest)
    assert repr(found).startswith("<ZeroPoint: undecided: stalled: 1 parameter at (1); a kink")
    assert found.to_dict()["largest"] is None
    assert found.critical_point is None


def test_where_there_is_no_zero_none_is_claimed():
    drift = VectorField(["1 + x**2 + z"], ["x"], Empirical({"z": [-0.5, 0, 1]}))
    found = find_zero(AdamField(drift, ADAM), [0.0])
    assert found.outcome == "out of budget"
    assert found.stability == "not decided"
    assert len(found.eigenvalues) == 0
    spent = find_zero(AdamField(THREE, Adam()), [400.0], budget=5)
    assert (spent.outcome, spent.stability) == ("out of budget", "not decided")
    assert spent.reason == "the budget of 5 evaluations and products is spent"
    assert spent.spent <= 5


@pytest.mark.parametrize("loss", ["exp(-theta*x)", "softplus(-theta*x)", "x/(1 + theta**2)"])
def test_a_field_that_tends_to_0_at_infinity_has_no_zero_there(loss):
    """As cross entropy on separable rows has it; nor has the loss a minimum, where weight decay makes a zero."""
    problem = Problem(loss, ["theta"], Empirical({"x": [1, 2]}))
    found = find_zero(AdamField(problem, Adam()), [1.0])
    assert found.largest <= 1e-10
    assert (found.outcome, found.stability, found.critical_point) == ("stalled", "not decided", None)
    assert "Newton's step to a zero is" in found.reason
    decaying = find_zero(AdamField(problem, AdamW("0.9", "0.99", "0.1", weight_decay="0.1")), [1.0])
    assert (decaying.outcome, decaying.stability) == ("converged", "attracting")
    assert decaying.critical_point is None
    assert "dL/dtheta falls to 0" in decaying.no_critical_point


def test_at_a_fold_nothing_is_decided():
    """At 0 all gradients vanish, f < 0 on both sides: beside it Df is negative, and so is f."""
    found = find_zero(AdamField(Problem("x*theta**3", ["theta"], Empirical({"x": [1, 2]})), Adam()), [1e-6])
    assert found.eigenvalues[0].real < -1e-3
    assert (found.outcome, found.stability, found.critical_point.kind) == ("converged", "not decided", "not decided")
    upright = find_zero(AdamField(Problem("x*theta**2", ["theta"], Empirical({"x": [1, 2]})), Adam()), [1e-6])
    assert (upright.stability, upright.critical_point.kind) == ("attracting", "minimum")


def test_interpolation_is_reached_to_the_rounding_of_theta():
    source = read_problem("examples/hyperbola.toml")
    found = find_zero(AdamField(source.problem, source.adam), [0.8, 1.3])
    assert found.outcome == "converged"
    assert found.theta.prod() == pytest.approx(1.0, abs=4e-16)
    # On the curve of minima one eigenvalue is 0: neither stability nor the kind can be told.
    assert found.stability == "not decided"
    assert found.critical_point.kind == "not decided"
    assert found.largest <= 1e-10 or "lost in the rounding of theta" in found.reason


# --- networks --------------------------------------------------------------------------------------------------------


def test_a_network_by_krylov_methods_alone(monkeypatch):
    # Without the direct solvers, which take over for few parameters.
    network = small_network(rows=20, columns=4, hidden=6, ridge=0.2)
    field = AdamField(network, Adam("0.9", "0.95", "1e-8"))
    assert network.dimension > newton.DENSE
    direct = find_zero(field, np.full(network.dimension, 0.1))
    monkeypatch.setattr(spectrum, "DENSE", 20)
    monkeypatch.setattr(newton, "DENSE_IF_SLOW", 0)
    found = find_zero(field, direct.theta + 0.01)
    assert found.outcome == "converged"
    assert np.abs(field(found.theta)).max() <= 1e-10
    np.testing.assert_allclose(found.theta, direct.theta, atol=1e-7)
    assert found.stability == direct.stability == "attracting"
    np.testing.assert_allclose(found.eigenvalues[0], direct.eigenvalues[0], rtol=1e-3)
    one, other = found.critical_point, direct.critical_point
    assert one.kind == other.kind == "minimum"
    assert one.least_eigenvalue == pytest.approx(other.least_eigenvalue, rel=0.1)
    assert one.distance == pytest.approx(other.distance, rel=1e-6)
    # What the Lanczos method did not find positive is not called a minimum.
    saddle = critical_points.kind_of(lambda v: np.append(-0.1, np.ones(len(v) - 1)) * v, 50, newton.Work(1000))
    assert saddle[0] == "saddle"


class Upside(TanhNetwork):
    """Its loss is not the one of its gradients."""

    def mean_loss(self, theta):
        return -super().mean_loss(theta)


@pytest.mark.parametrize("kind", [TanhNetwork, Upside])
def test_the_loss_excess_is_that_of_the_hessian(kind):
    network = small_network(rows=20, ridge=0.1)
    network = kind(network.inputs, network.targets, network.hidden, network.ridge)
    found = find_zero(AdamField(network, Adam("0.9", "0.999")), np.full(network.dimension, 0.3))
    shift = found.theta - found.critical_point.theta
    hessian = network.hessian_products(found.critical_point.theta, shift[None]).mean(axis=0)
    agrees = found.critical_point.loss_excess == pytest.approx(shift @ hessian / 2, rel=0.02)
    assert agrees == (kind is TanhNetwork)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hidden", "beta2", "distance", "excess"),
    [(3, "0.99", 0.1123, 1.552e-4), (3, "0.9", 0.348, 1.17e-3), (83, "0.99", 0.1008, 1.326e-4)],
)
def test_the_zero_of_a_network_on_the_diabetes_data(hidden, beta2, distance, excess):
    table = np.loadtxt("examples/diabetes.csv", delimiter=",", skiprows=1)
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    network = TanhNetwork(table[:, :10], table[:, 10], hidden)
    start = np.random.default_rng(0).normal(size=network.dimension) * 0.3

    def loss(theta):
        return float(network.mean_loss(theta)), network.gradient(theta)

    trained = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000}).x
    found = find_zero(AdamField(network, Adam("0.9", beta2)), trained)
    assert (found.outcome, found.stability, found.critical_point.kind) == ("converged", "attracting", "minimum")
    assert found.largest <= 1e-10
    assert found.critical_point.distance == pytest.approx(distance, rel=2e-3)
    assert found.critical_point.loss_excess == pytest.approx(excess, rel=2e-3)


def test_the_leading_order_is_of_second_order_in_one_less_beta2():
    network = small_network(rows=30, columns=2, hidden=2, ridge=0.05)
    start, rests, distances = np.full(network.dimension, 0.3), [], []
    start = find_zero(AdamField(network, Adam("0.9", "0.99")), start).theta
    for beta in ("0.999", "0.9999"):
        critical = find_zero(AdamField(network, Adam("0.9", beta)), start).critical_point
        found = find_zero(AdamField(network, Adam("0.9", beta)), start)
        rests.append(np.linalg.norm(found.theta - critical.predicted))
        distances.append(critical.distance)
    assert distances[0] == pytest.approx(10 * distances[1], rel=0.1)
    assert rests[0] == pytest.approx(100 * rests[1], rel=0.1)
    assert rests[0] < 0.1 * distances[0]


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.integers(-5, 5), min_size=2, max_size=4, unique=True), st.integers(1, 9), st.sampled_from(["1e-8", "1"])
)
def test_the_leading_gradient_is_the_memory_bias(x, batch_size, eps):
    law, adam = Empirical({"x": x}), Adam("0.9", "0.99", eps)
    problem = Problem("(theta - x)**2/2", ["theta"], law, batch_size)
    expected = memory_bias(law, adam, batch_size)[0] * 0.01
    found = leading_gradient(problem, adam, np.array([law.rows.mean()]))
    np.testing.assert_allclose(found, [expected], rtol=1e-9, atol=1e-15)


def test_the_picture_shows_found_against_predicted_shifts():
    network = small_network(rows=20)
    found = find_zero(AdamField(network, ADAM), np.full(network.dimension, 0.3))
    points = draw_zero_point(Figure().add_subplot(), found)
    one = found.critical_point
    np.testing.assert_array_equal(points.get_xdata(), one.predicted - one.theta)
    np.testing.assert_array_equal(points.get_ydata(), found.theta - one.theta)
    assert found.plot(Figure().add_subplot()).get_ylabel() == "zero less critical point"


# --- the parts -------------------------------------------------------------------------------------------------------


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32), st.integers(120, 200))
def test_leading_eigenvalues_are_those_of_the_matrix(seed, d):
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(d, d)) / np.sqrt(d) - 3 * np.eye(d)
    matrix[0, 0] = 2.0
    found = spectrum.leading_eigenvalues(lambda v: matrix @ v, d, 2, newton.Work(5000))
    assert found.is_complete
    expected = np.linalg.eigvals(matrix)
    assert found.eigenvalues[0].real == pytest.approx(expected.real.max(), rel=1e-3)
    assert (found.residuals < 1e-2).all()
    stopped = spectrum.leading_eigenvalues(lambda v: matrix @ v, d, 2, newton.Work(30))
    assert (stopped.is_complete, len(stopped.eigenvalues)) == (False, 0)
    assert zero_search._stability(stopped, 1e-13, 0.0) == "not decided"
    symmetric = (matrix + matrix.T) / 2
    for least, place in ((True, 0), (False, -1)):
        value, doubt = spectrum.extreme_eigenvalue(lambda v: symmetric @ v, d, newton.Work(5000), least=least)
        assert abs(value - np.linalg.eigvalsh(symmetric)[place]) <= max(doubt, 1e-3)
    assert spectrum.extreme_eigenvalue(lambda v: symmetric @ v, d, newton.Work(10)) is None


@pytest.mark.parametrize(
    ("values", "residual", "expected"),
    [
        ([-0.1, -0.2], 0.01, "attracting"),
        ([-0.1, -0.2], 0.2, "not decided"),
        ([0.1, -0.2], 0.01, "not attracting"),
        ([0.1, -0.2], 0.2, "not decided"),
        ([1e-14, -1.0], 0.0, "not decided"),
        ([-1e-14, -1.0], 0.0, "not decided"),
    ],
)
def test_a_sign_within_the_residual_is_not_decided(values, residual, expected):
    found = spectrum.Spectrum(np.array(values, complex), np.full(2, residual), True, 1.0)
    assert zero_search._stability(found, 1e-13, 0.0) == expected
    assert zero_search._stability(found, 1e-13, 1.0) == "not decided"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: find_zero(AdamField(THREE, ADAM), [[1.0]]), r"one point, shape \(d,\)"),
        (lambda: find_zero(AdamField(THREE, ADAM), [1.0], tolerance=1.0), "tolerance from 1e-14 to 1e-2"),
        (lambda: find_zero(AdamField(THREE, ADAM), [1.0], budget=0), "budget"),
        (lambda: find_zero(AdamField(THREE, ADAM), [1.0], eigenvalues=21), "up to 20 eigenvalues"),
        (lambda: find_zero(AdamField([[1.0], [2.0]], ADAM), [1.0]), "find_zero needs gradients at every theta"),
        (lambda: find_zero(AdamField(PerRowGradients(lambda t: [t], ["a"]), ADAM), [1.0]), "has neither"),
    ],
)
def test_refusals_are_one_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, NotApplicable) == ("needs" in message or "neither" in message)


def newton_of(theta, value, slope, error=0.0, most_error=1e-6):
    """Newton's method for one equation in one unknown."""

    def linearize(at):
        return newton.Linear(np.array([value(at[0])]), np.array([error]), lambda vector: slope(at[0]) * vector)

    system = newton.System(lambda at: np.array([value(at[0])]), linearize)
    return newton.Newton(system, np.array([theta]), 1e-12, most_error, newton.Work(100))


def test_the_last_step_leads_to_the_zero_and_df_is_compared_beyond_it():
    found = newton_of(1.0001, lambda x: x**3 - 1, lambda x: 3 * x**2)
    [step] = found.last_step()
    assert abs(1.0001 + step - 1) < 1.1e-8
    assert found.change_near() == pytest.approx(abs(3 * (1.0001 + 3 * step) ** 2 - 3 * 1.0001**2), rel=1e-6)


def test_errors_are_allowed_for_up_to_the_largest():
    for error, most, solved in ((1e-7, 1e-6, True), (1e-5, 1e-6, False), (1e-9, 1e-6, False)):
        assert newton_of(1 + 2e-8, lambda x: x**2 - 1, lambda x: 2 * x, error, most).is_solved is solved


@pytest.mark.parametrize(("cut", "second"), [(1e-6, 0.0), (None, 1e9)])
def test_what_is_nearly_singular_is_cut_off_if_asked(cut, second):
    found = newton.solved(lambda vector: np.array([1.0, 1e-9]) * vector, np.ones(2), 0.1, newton.Work(9), False, cut)
    np.testing.assert_allclose(found, [1.0, second], rtol=1e-6)


@pytest.mark.parametrize("start", [[1e-300, 1e-301], [1e-310, 2e-310]])
def test_a_start_within_subnormal_numbers_of_a_zero_raises_no_warning(start):
    law = Empirical({"x": ["0.98", "-0.23"], "y": ["-0.46", 1]}, weights=["0.01", "0.99"])
    found = find_zero(AdamField(Problem("(x*u + y*w)**2/2", ["u", "w"], law), Adam()), start)
    assert found.outcome == "converged"
    assert np.abs(found.theta).max() < 1e-290
