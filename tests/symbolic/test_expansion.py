"""The expansion near beta = 1: each coefficient, the cumulants behind it, and an oracle that shares no code."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.special
import sympy as sp

from adamsym.expressions.errors import InputError
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam
from adamsym.symbolic import SymbolicField
from adamsym.symbolic import expansion_checks as checks
from adamsym.symbolic.expansion import (
    centred_moment,
    cumulants,
    expansion_coefficients,
    kernel_derivative,
    published_coefficients,
)
from adamsym.symbolic.moments import batch_moments, moment_numbers
from adamsym.symbolic.symbols import alpha, eta


def oracle(atoms, weights, a, b, eps, lags):
    """F by the direct product over lags (theory T4), vectorised in float64."""
    atoms, weights = np.array(atoms, dtype=float), np.array(weights, dtype=float)
    h = 0.15
    s = np.exp(np.arange(-75.0, 20.0, h))
    rho = 1 / np.sqrt(np.pi * s) - eps * scipy.special.erfcx(eps * np.sqrt(s))
    log_b, ratios = np.zeros_like(s), np.zeros_like(s)
    for k in range(lags):
        decay = np.exp(-(s * (1 - b) * b**k)[:, None] * atoms**2)
        lag = decay @ weights
        keep = lag > 0
        ratios[keep] += (1 - a) * a**k * (decay @ (weights * atoms))[keep] / lag[keep]
        with np.errstate(divide="ignore"):
            log_b += np.log(lag)
    return h * float(np.sum(s * rho * ratios * np.exp(log_b)))


LAWS = [
    ([1.0, -2.0, 0.5], [0.5, 0.3, 0.2], Fraction(9, 10), Fraction(1, 10)),
    ([3.0, 1.0, -1.0], [0.2, 0.5, 0.3], Fraction(0), Fraction(1, 2)),
    ([2.0, -1.0], [0.25, 0.75], Fraction(1, 2), Fraction(1, 100)),
]


def linear(atoms, weights):
    """A problem whose gradient atoms are given: the loss theta x."""
    return Problem("theta*x", ["theta"], Empirical({"x": atoms}, weights=weights))


def residuals(atoms, weights, a, eps, order, perturb=0.0):
    field = SymbolicField(linear(atoms, weights), Adam(a, "0.99", eps))
    found = []
    for step in (Fraction(1, 50), Fraction(1, 100)):
        predicted = float(field.expansion(order).evaluate([0], Adam(a, 1 - step, eps))[0])
        exact = oracle(atoms, weights, float(a), float(1 - step), float(eps), int(35 / step))
        found.append(exact - predicted - perturb * float(step) ** order)
    return found


@pytest.mark.parametrize(("atoms", "weights", "a", "eps"), LAWS)
def test_the_residual_is_of_third_order(atoms, weights, a, eps):
    coarse, fine = residuals(atoms, weights, a, eps, 2)
    assert 7 < coarse / fine < 9


def test_the_residual_is_of_the_next_order_for_every_order():
    atoms, weights, a, eps = LAWS[2]
    for order, low, high in ((0, 1.8, 2.2), (1, 3.6, 4.4), (3, 14, 18)):
        coarse, fine = residuals(atoms, weights, a, eps, order)
        assert low < coarse / fine < high


def test_control_a_perturbed_coefficient_spoils_the_order():
    coarse, fine = residuals(*LAWS[1][:2], LAWS[1][2], LAWS[1][3], 2, perturb=0.05)
    assert not 7 < coarse / fine < 9


def test_the_figures_of_an_asymmetric_law():
    """N-section 2(a) for the law {1, -2, 1/2} with weights 5:2:3, alpha = 0.9, eps = 0.1."""
    field = SymbolicField(linear([1, -2, "0.5"], [5, 2, 3]), Adam("0.9", "0.99", "0.1"))
    values = [float(field.expansion(n).evaluate([0], Adam("0.9", "0.99", "0.1"))[0]) for n in range(3)]
    assert (values[1] - values[0]) / 0.01 == pytest.approx(0.40135, abs=5e-6)
    assert (values[2] - values[1]) / 0.01**2 == pytest.approx(-3.40421, abs=5e-6)


def test_the_derived_coefficients_are_the_published_ones():
    assert checks.published_check().ok


SECOND_ORDER_TERMS = sp.Add.make_args(sp.expand(published_coefficients()[2]))


@pytest.mark.parametrize("term", SECOND_ORDER_TERMS, ids=str)
def test_control_every_second_order_term_matters(term):
    zeroth, first, second = expansion_coefficients(2)
    changed = second + term / 100
    assert not checks.published_check((zeroth, first, changed)).ok


def test_the_second_order_has_six_terms_and_alone_depends_on_alpha():
    assert len(SECOND_ORDER_TERMS) == 6
    assert checks.alpha_free_check().ok
    assert sp.diff(expansion_coefficients(2)[2], alpha) != 0


def test_control_the_first_order_term_matters():
    zeroth, first, second = expansion_coefficients(2)
    changed = first.subs(kernel_derivative(2), 2 * kernel_derivative(2))
    assert not checks.published_check((zeroth, changed, second)).ok
    assert not checks.published_check((-zeroth, first, second)).ok


def test_recursions_match_listed_histories_and_higher_moments_are_small():
    assert checks.recursion_check(5).ok
    assert checks.order_check(1).ok
    assert checks.order_check(2).ok
    assert checks.kernel_derivatives_check().ok


def test_control_a_wrong_cumulant_is_seen(monkeypatch):
    def wrong(order):
        single, joint = cumulants(order)
        return single, [*joint[:2], joint[2] + centred_moment(2), *joint[3:]]

    monkeypatch.setattr(checks, "cumulants", wrong)
    assert not checks.recursion_check().ok


def test_cumulants_are_the_textbook_ones():
    single, _ = cumulants(4)
    assert single[2:] == [centred_moment(2), centred_moment(3), centred_moment(4) - 3 * centred_moment(2) ** 2]


def test_batch_moments_match_listed_batches():
    raw = [1, *(mpmath.mpf(2**n + 3 * (-1) ** n) / 4 for n in range(1, 6))]
    listed = [sum(p * mpmath.mpf(v) ** n for v, p in ((2, 1 / 16), (0.5, 6 / 16), (-1, 9 / 16))) for n in range(6)]
    assert all(mpmath.almosteq(x, y) for x, y in zip(batch_moments(raw, 2), listed, strict=True))


@pytest.mark.parametrize(
    ("problem", "accuracy"),
    [
        (Problem("(theta - x)**4/4 + sin(theta*x)", ["theta"], Empirical({"x": [0, 1, 3]}), batch_size=2), 1e-14),
        (Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Uniform(-1, 2)"})), 1e-12),
        pytest.param(
            Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Exponential(2)"})), 1e-8, marks=pytest.mark.slow
        ),
    ],
)
def test_symbolic_and_numerical_moments_agree(problem, accuracy):
    field = SymbolicField(problem, Adam("0.9", "0.99", "0.1"))
    found = field.expansion(2)
    theta = sp.Rational(7, 10)
    with mpmath.workdps(20):
        numbers = moment_numbers(problem, [mpmath.mpf("0.7")], 2)[0]
        exprs = found.moments[0]
        known = dict(list(exprs.items())[:2])
        for letter, value in exprs.items():
            exact = value.xreplace(known).xreplace({problem.parameters[0]: theta}).doit().evalf(20)
            assert float(numbers[letter]) == pytest.approx(float(exact), rel=accuracy)


def test_the_explicit_form_has_the_value():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    field = SymbolicField(problem, Adam("0.9", "0.99", "0.1"))
    explicit = field.expansion(2).explicit().xreplace({problem.parameters[0]: sp.Rational(1, 2)}).xreplace(field.values)
    assert float(explicit) == pytest.approx(float(field.expansion(2).evaluate([0.5])[0]), rel=1e-13)
    assert explicit.free_symbols == set()
    assert field.expansion(1).generic.has(eta)


@pytest.mark.parametrize("order", [-1, 5, 1.0, True, "2"])
def test_orders_out_of_range_are_refused(order):
    with pytest.raises(InputError, match="allowed are 0 to 4"):
        SymbolicField(linear([1, 2], None), Adam()).expansion(order)


def test_a_vanishing_gradient_and_a_wrong_length_are_refused():
    found = SymbolicField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [1, 1]})), Adam()).expansion(1)
    with pytest.raises(InputError, match="vanishes"):
        found.evaluate([1])
    with pytest.raises(InputError, match="2 numbers"):
        found.evaluate([1, 2])


def test_the_zero_moves_as_theory_says():
    assert checks.zero_shift_check().ok
    assert checks.zero_shift_check(batch_size=5).ok


def test_control_wrong_shifts_are_refused():
    shift = checks.zero_shift()
    assert not checks.zero_shift_check(-shift).ok
    assert not checks.zero_shift_check(2 * shift).ok
    assert not checks.zero_shift_check(shift, batch_size=2).ok


def test_the_shift_is_where_the_expansion_vanishes():
    """Bernoulli(1/5): the first-order zero at eta = 1e-4 is E x - eta kappa_3/(2 sigma (sigma + eps)) up to eta**2."""
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1]}, weights=[4, 1]))
    field = SymbolicField(problem, Adam("0.9", "0.9999", "0.3"))
    shift = checks.zero_shift().xreplace(
        {checks.deviation: sp.Rational(2, 5), checks.third_moment: sp.Rational(12, 125)}
    )
    shift = float(shift.xreplace(field.values)) * 1e-4
    values = [float(field.expansion(1).evaluate([0.2 + c * shift])[0]) for c in (0.99, 1.01)]
    assert values[0] * values[1] < 0


def test_which_problems_are_mean_estimation():
    data = Empirical({"x": [1, 2], "y": [1, 3]})
    assert checks.is_mean_estimation(Problem("(theta - x)**2/2", ["theta"], data))
    assert checks.is_mean_estimation(Problem("theta**2/2 - theta*x*y", ["theta"], data))
    assert not checks.is_mean_estimation(Problem("(theta - x)**2", ["theta"], data))
    assert not checks.is_mean_estimation(Problem("y*(theta - x)**2/2", ["theta"], data))
    assert not checks.is_mean_estimation(Problem("(a - x)**2/2 + (b - y)**2/2", ["a", "b"], data))
