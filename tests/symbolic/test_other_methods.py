"""Derivations, expansions and limits for other methods than Adam: beside numbers, and what they must reject."""

from fractions import Fraction

import pytest
import sympy as sp

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import (
    Adam,
    AdamEpsInsideRoot,
    AdamW,
    AdamWithoutMomentum,
    LagWeights,
    LaplaceForm,
    NAdam,
    RMSprop,
)
from adamsym.methods.kernels import RootPlusEps
from adamsym.symbolic import SymbolicField, derive, expansion_checks, laplace, point_checks
from adamsym.symbolic.equality import Check
from adamsym.symbolic.method import SymbolicMethod, symbolic_method
from adamsym.symbolic.symbols import alpha

MEAN = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
METHODS = [
    NAdam("0.5", "0.9", "0.1"),
    RMSprop("0.9", "0.1"),
    AdamWithoutMomentum("0.9", "0.1"),
    AdamEpsInsideRoot("0.5", "0.9", "0.1"),
    AdamW("0.5", "0.9", "0.1", "0.25"),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_letters_have_the_weights_of_the_form(method):
    found, weights = symbolic_method(method), method.laplace.weights
    for lag in range(6):
        assert found.at_values(found.weight(lag)) == sp.Rational(weights.weight(lag))
    assert found.at_values(found.total) == sp.Rational(weights.total)
    assert found.at_values(found.bound_squared) == sp.Rational(method.laplace.square_bound)
    lags = sum((k * weights.weight(k) for k in range(200)), Fraction(0))
    assert float(found.at_values(found.mean_lag)) == pytest.approx(float(lags), rel=1e-12)


SLOW = [pytest.param(method, marks=pytest.mark.slow) for method in (METHODS[0], METHODS[2], METHODS[4])]


@pytest.mark.parametrize("method", [METHODS[1], METHODS[3], *SLOW], ids=lambda method: type(method).__name__)
def test_expansions_are_those_of_the_field(method):
    """The rest falls like the third power of 1 - beta2; Adam's expansion leaves more where the method is another."""
    kind, rests, others = type(method), [], []
    for h in (Fraction(1, 2**7), Fraction(1, 2**9)):
        numbers = {"beta2": 1 - h, "eps": "0.1"}
        own = kind(**numbers) if method.beta1 == 0 else kind(beta1="0.5", **numbers)
        value = -AdamField(MEAN, own)([0.4])[0] - own.decay * 0.4
        rests.append(abs(float(SymbolicField(MEAN, own).expansion(2).evaluate([0.4])[0]) - value))
        adam = Adam("0.5", 1 - h, "0.1")
        others.append(abs(float(SymbolicField(MEAN, adam).expansion(2).evaluate([0.4])[0]) - value))
    assert rests[1] < rests[0] / 30
    if kind is not AdamW:
        assert others[1] > 20 * rests[1]


def test_coefficients_are_the_published_ones_and_not_those_of_other_weights():
    nadam, adam = symbolic_method(METHODS[0]), symbolic_method(Adam("0.5", "0.9", "0.1"))
    assert expansion_checks.published_check(method=nadam).ok
    found = SymbolicField(MEAN, METHODS[0]).expansion(2).coefficients
    assert not expansion_checks.published_check(found, adam).ok
    heavy = LaplaceForm(
        LagWeights((Fraction(2),), ((Fraction(1, 8), Fraction(1, 2)),)), Fraction(9, 10), RootPlusEps(Fraction(1))
    )
    assert expansion_checks.published_check(method=symbolic_method(heavy)).ok


@pytest.mark.parametrize("method", [METHODS[0], METHODS[3]], ids=lambda method: type(method).__name__)
def test_the_laplace_form_is_the_list_of_histories(method):
    own = symbolic_method(method)
    assert point_checks.laplace_check(MEAN, 0, lags=4, points=1, method=own).ok
    head, terms = own.weights
    doubled = SymbolicMethod((tuple(2 * x for x in head), terms), own.kernel, own.values)
    limits = SymbolicField(MEAN, method).coordinate_limits(0)
    assert point_checks.limits_check(MEAN, limits, 0, own).ok
    if head:
        assert not point_checks.limits_check(MEAN, limits, 0, doubled).ok


def test_the_kernel_inside_the_root():
    inside, outside = symbolic_method(METHODS[3]), symbolic_method(METHODS[0])
    assert laplace.own_kernel_check(inside).ok
    assert point_checks.kernel_number_check(inside.rho, inside.phi(sp.Symbol("v", positive=True))).ok
    assert not point_checks.kernel_number_check(inside.rho).ok
    assert not point_checks.kernel_number_check(outside.rho, inside.phi(sp.Symbol("v", positive=True))).ok


def test_a_derivation_with_decay_has_the_drift_and_no_lyapunov_bound(monkeypatch):
    for slow in ("laplace.kernel_check", "point_checks.laplace_check", "point_checks.kernel_number_check"):
        monkeypatch.setattr(f"adamsym.symbolic.{slow}", lambda *_, **__: Check(True, "left out in this test"))
    derivation = derive(MEAN, METHODS[4])
    assert all(step.ok for step in derivation.steps)
    assert r"f = -F - \lambda\, \theta" in derivation.steps[1].equations
    assert not any("Lyapunov" in step.title for step in derivation.steps)
    with pytest.raises(InputError, match="no decay"):
        _ = SymbolicField(MEAN, METHODS[4]).lyapunov_derivative


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_derivations_of_relatives(method):
    derivation = derive(MEAN, method)
    assert all(step.ok for step in derivation.steps)
    assert ("Lyapunov" in derivation.steps[-1].title) == (not isinstance(method, AdamEpsInsideRoot | AdamW))
    assert derivation.steps[1].equations[0].startswith("F = ")


def test_lag_sums_in_letters():
    found = symbolic_method(METHODS[0])
    x = sp.Rational(1, 3)
    listed = sum(found.weight(lag).subs(alpha, sp.Rational(1, 2)) * x**lag for lag in range(60))
    assert float(found.lag_sum(x).subs(alpha, sp.Rational(1, 2))) == pytest.approx(float(listed), rel=1e-14)
