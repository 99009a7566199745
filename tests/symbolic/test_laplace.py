"""Frozen chain, kernel and Laplace form: every check rejects a near miss; reference values of F come out."""

import json
from pathlib import Path

import mpmath
import numpy as np
import pytest
import scipy.special
import sympy as sp

from adamsym.expressions.errors import InputError
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam
from adamsym.symbolic import SymbolicField, enumeration, laplace, point_checks, stationary_moments
from adamsym.symbolic.expectation import MOST_ATOMS, gradient_atoms
from adamsym.symbolic.symbols import alpha, beta, epsilon, k, s, t

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 4]}, weights=[3, 2, 1]))
REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "field_reference.json").read_text())["entries"]


def test_weights_solve_the_recursions():
    assert stationary_moments.weights_check(stationary_moments.numerator_weight, alpha).ok
    assert stationary_moments.weights_check(stationary_moments.denominator_weight, beta).ok


@pytest.mark.parametrize("weight", [1 - alpha, alpha**k, (1 - alpha) * alpha ** (k + 1), (1 - beta) * beta**k])
def test_control_wrong_weights(weight):
    assert not stationary_moments.weights_check(weight, alpha).ok


def test_step_bound_and_controls():
    bound = stationary_moments.step_bound_squared
    assert stationary_moments.step_bound_check().ok
    assert not stationary_moments.step_bound_check(bound / 4).ok
    assert not stationary_moments.step_bound_check((1 - alpha) ** 2 / ((1 - beta) * (1 - alpha / beta))).ok
    for adam in (Adam(), Adam(0, 0, 1), Adam(0, "0.5", 1), Adam("0.3", "0.1", 1)):
        assert point_checks.step_bound_number_check(adam, bound).ok
        assert not point_checks.step_bound_number_check(adam, 2 * bound).ok


def test_kernel_and_controls():
    assert laplace.kernel_check().ok
    assert point_checks.kernel_number_check(laplace.kernel).ok
    wrong = 1 / sp.sqrt(sp.pi * s) + epsilon * sp.exp(epsilon**2 * s) * sp.erfc(epsilon * sp.sqrt(s))
    inside_root = sp.exp(-epsilon * s) / sp.sqrt(sp.pi * s)
    for kernel in (wrong, inside_root, 2 * laplace.kernel):
        assert not laplace.kernel_check(kernel).ok
        assert not point_checks.kernel_number_check(kernel).ok


def test_the_laplace_form_matches_all_histories():
    assert point_checks.laplace_check(SKEWED, 0).ok


@pytest.mark.parametrize("miss", ["sign", "decay", "weights", "swapped"])
def test_control_wrong_transforms(miss):
    first, second = laplace.transforms(SKEWED, 0)
    reweighted = Problem(SKEWED.loss, ["theta"], Empirical({"x": [0, 1, 4]}, weights=[3, 2, "1.0000001"]))
    pair = {
        "sign": (-first, second),
        "decay": (first, second.subs(t, 2 * t)),
        "weights": laplace.transforms(reweighted, 0),
        "swapped": (second, first),
    }[miss]
    check = point_checks.laplace_check(SKEWED, 0, pair, points=1)
    assert check.text.startswith("refuted")


def test_control_a_dropped_power_of_alpha(monkeypatch):
    monkeypatch.setattr(laplace, "numerator_weight", 1 - alpha)
    assert point_checks.laplace_check(SKEWED, 0, points=1).text.startswith("refuted")


def test_control_a_shifted_lag(monkeypatch):
    monkeypatch.setattr(laplace, "denominator_weight", (1 - beta) * beta ** (k + 1))
    assert point_checks.laplace_check(SKEWED, 0, points=1).text.startswith("refuted")


@pytest.mark.parametrize("batch_size", [1, 2])
def test_transforms_of_finite_laws_and_controls(batch_size):
    problem = Problem("a**2*x - sin(b*x)", ["a", "b"], Empirical({"x": [0, 1, 4]}, [3, 2, 1]), batch_size=batch_size)
    other = Problem(problem.loss, ["a", "b"], Empirical({"x": [0, 1, 4]}, [3, 2, "1.0000001"]), batch_size=batch_size)
    assert point_checks.can_be_listed(problem, 1)
    first, second = laplace.transforms(problem, 1)
    assert point_checks.transforms_check(problem, 1, (first, second)).ok
    for pair in ((-first, second), (first, second.subs(t, 2 * t)), laplace.transforms(other, 1)):
        assert not point_checks.transforms_check(problem, 1, pair).ok


def test_normal_closed_forms_and_controls():
    assert laplace.normal_check().ok
    assert not laplace.normal_check(lambda c, v: laplace.normal_transforms(c, v / 2)).ok
    assert not laplace.normal_check(lambda c, v: laplace.normal_transforms(-c, v)).ok


@pytest.mark.parametrize(
    ("loss", "law"),
    [
        ("(theta - x)**2/2", {"x": "Normal(1, 2)"}),
        ("(theta - x)**4/4", {"x": "Exponential(2)"}),
        ("softplus(theta*x)", {"x": "Beta(0.5, 2)"}),
        ("theta*x", {"x": "Uniform(-1, 2)"}),
        ("theta*x + theta**2", {"x": "Gamma(2, 0.5)"}),
    ],
)
def test_transforms_of_continuous_laws(loss, law):
    problem = Problem(loss, ["theta"], Independent(law))
    first, second = laplace.transforms(problem, 0)
    assert point_checks.rule_check(problem, 0, (first, second)).ok
    assert not point_checks.rule_check(problem, 0, (-first, second)).ok
    assert not point_checks.rule_check(problem, 0, (first, second * sp.Rational(1000001, 1000000))).ok


def test_normal_batches_have_a_smaller_variance():
    problem = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(1, 2)"}), batch_size=4)
    assert laplace.normal_gradient(problem, 0) == (problem.parameters[0] - 1, 1)
    assert laplace.normal_gradient(Problem("theta*x**2", ["theta"], problem.law), 0) is None


def test_atoms_are_merged_and_batches_exact():
    problem = Problem("theta*x", ["theta"], Empirical({"x": [0, 0, 3]}), batch_size=2)
    assert gradient_atoms(problem, 0) == {sp.S.Zero: sp.Rational(4, 9), sp.Rational(3, 2): sp.Rational(4, 9),
                                          sp.Integer(3): sp.Rational(1, 9)}  # fmt: skip


@pytest.mark.parametrize(("rows", "batch_size", "kind"), [(40, 1, sp.Sum), (40, 3, sp.Sum), (MOST_ATOMS, 1, None)])
def test_large_laws_keep_a_sum(rows, batch_size, kind):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": list(range(rows))}), batch_size=batch_size)
    first, _ = laplace.transforms(problem, 0)
    assert first.has(sp.Sum) == (kind is not None)
    assert sp.count_ops(first) < 200


@pytest.mark.parametrize("weights", [list(range(1, 15)), [1] * 14])
def test_a_sum_over_rows_has_the_value_of_its_terms(weights):
    columns = {"x": [n * n for n in range(14)], "y": [1] * 7 + [2] * 7}
    problem = Problem("(theta*y - x)**2/2", ["theta"], Empirical(columns, weights=weights))
    first, _ = laplace.transforms(problem, 0)
    bases = {str(base.label): base for base in first.atoms(sp.IndexedBase)}
    values = {bases[name][n + 1]: columns[name][n] for name in columns for n in range(14)}
    if "p" in bases:
        values |= {bases["p"][n + 1]: sp.Rational(weight, sum(weights)) for n, weight in enumerate(weights)}
    found = first.doit().subs(values).subs({problem.parameters[0]: 2, t: sp.Rational(1, 50)}).evalf(20)
    g = np.array([(2 * y - x) * y for x, y in zip(columns["x"], columns["y"], strict=True)])
    expected = np.array(weights) / sum(weights) @ (g * np.exp(-(g**2) / 50.0))
    assert float(found) == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize("entry", [e for e in REFERENCE if e["beta"] <= 0.99][:12])
def test_reference_values_come_out_of_the_transforms(entry):
    """F at 25 digits, by others: the product form with this package's A, B and rho, in float64."""
    problem = Problem("theta*x", ["theta"], Empirical({"x": entry["atoms"]}, weights=entry["weights"]))
    field = SymbolicField(problem, Adam(entry["alpha"], entry["beta"], entry["eps"]))
    first, second = (sp.lambdify(t, x[0], "numpy") for x in (field.laplace.A, field.laplace.B))
    a, b, eps = field.adam.beta1, field.adam.beta2, field.adam.eps
    h = 0.2
    s_values = np.exp(np.arange(-95.0, 60.0, h))
    rho = 1 / np.sqrt(np.pi * s_values) - eps * scipy.special.erfcx(eps * np.sqrt(s_values))
    lags = 2 if b == 0 else int(np.log(1e-40) / np.log(b))
    total, logs = np.zeros_like(s_values), np.zeros_like(s_values)
    with np.errstate(all="ignore"):
        for lag in range(lags):
            time = s_values * (1 - b) * b**lag
            low = second(time) + 0 * time
            total += np.where(low > 0, (1 - a) * a**lag * first(time) / low, 0)
            logs += np.log(low)
        value = h * np.sum(s_values * rho * total * np.exp(logs))
    assert value == pytest.approx(float(entry["value"]), abs=2e-11 * max(1, entry["C"]))


def test_listing_is_bounded():
    with pytest.raises(ValueError, match="too many"):
        enumeration.listed_quotient([1, 2, 3], [1, 1, 1], 0, 0, 1, 40)


def test_as_many_histories_as_allowed_are_listed(monkeypatch):
    monkeypatch.setattr(enumeration, "_MOST_HISTORIES", 2**5)
    assert enumeration.listed_quotient([1, 1], [mpmath.mpf(1) / 2] * 2, 0, 0, 1, 5) == mpmath.mpf(1) / 2
    with pytest.raises(ValueError, match="too many"):
        enumeration.listed_quotient([1, 1], [mpmath.mpf(1) / 2] * 2, 0, 0, 1, 6)


def test_listing_one_atom_is_the_deterministic_recursion():
    with mpmath.workdps(20):
        m = 3 * (1 - mpmath.mpf(1) / 4**3)
        v = 9 * (1 - mpmath.mpf(1) / 2**3)
        found = enumeration.listed_quotient([3], [1], mpmath.mpf(1) / 4, mpmath.mpf(1) / 2, 1, 3)
        assert mpmath.almosteq(found, m / (mpmath.sqrt(v) + 1))


def test_gradient_check_and_its_controls():
    problem = Problem("sin(a*x) + a*b**2", ["a", "b"], Empirical({"x": [1, 2]}))
    good = problem.gradient_expressions
    assert point_checks.gradient_check(problem, good, [0, 1]).ok
    assert not point_checks.gradient_check(problem, (-good[0], good[1]), [0, 1]).ok
    assert not point_checks.gradient_check(problem, (good[0], good[1] / 2), [0, 1]).ok
    assert not point_checks.gradient_check(problem, (good[0] + sp.Rational(1, 10**20), good[1]), [0]).ok


def test_limits_and_controls():
    small = SKEWED
    limits = SymbolicField(small, Adam()).coordinate_limits(0)
    assert set(limits) == {"beta -> 1", "alpha = beta = 0", "epsilon -> oo", "deterministic"}
    assert point_checks.limits_check(small, limits, 0).ok
    for name in limits:
        changed = limits | {name: limits[name] * sp.Rational(1000001, 1000000)}
        assert not point_checks.limits_check(small, changed, 0).ok
    assert SymbolicField(small, Adam()).limits["beta -> 1"] == (limits["beta -> 1"],)
    swapped = limits | {"beta -> 1": limits["deterministic"]}
    assert not point_checks.limits_check(small, swapped, 0).ok


def test_a_loss_without_gradients_is_refused():
    with pytest.raises(InputError, match="not all zero"):
        point_checks.small_problem(Problem("theta*x", ["theta"], Empirical({"x": [0]})), 0)


@pytest.mark.parametrize(("size", "ratio"), [("1e-6", 3), ("1", 3), ("1e6", 3), ("1", "1e-3")])
def test_the_integral_has_its_digits_whatever_the_sizes(size, ratio):
    # Without memory and with one gradient g the integral of rho(s) g exp(-s g^2) is g/(|g| + eps).
    with mpmath.workdps(30):
        g, eps = mpmath.mpf(size), mpmath.mpf(size) / mpmath.mpf(ratio)

        def integrand(s_value):
            root = eps * mpmath.sqrt(s_value)
            rho = 1 / mpmath.sqrt(mpmath.pi * s_value) - eps * mpmath.exp(root**2) * mpmath.erfc(root)
            return rho * g * mpmath.exp(-s_value * g**2)

        found = enumeration.half_line_integral(integrand, [g], 1, eps, 25)
        assert abs(found - g / (g + eps)) < mpmath.mpf("1e-24") * g / (g + eps)


def test_a_series_over_few_lags_is_its_terms():
    g, values = stationary_moments.gradients, {alpha: sp.Rational(1, 3), beta: sp.Rational(1, 2), epsilon: 1}
    found = stationary_moments.series(3).subs(values).doit().subs({g[0]: 3, g[1]: -1, g[2]: 2})
    m = sp.Rational(2, 3) * (3 - sp.Rational(1, 3) + sp.Rational(2, 9))
    v = sp.Rational(1, 2) * (9 + sp.Rational(1, 2) + sp.Rational(4, 4))
    assert sp.simplify(found - m / (sp.sqrt(v) + 1)) == 0
