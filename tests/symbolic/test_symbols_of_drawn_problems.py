"""Formulas of drawn problems: at a point they have the values of the numerical field, and they hold for every Adam."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.field import AdamField
from adamsym.methods import Adam
from adamsym.symbolic import Derivation, DerivationError, Step, SymbolicField, derive, lyapunov_derivative
from adamsym.symbolic.symbols import adam_values, alpha, epsilon, eta
from adamsym.testing import strategies

few = settings(max_examples=5, deadline=None)
# Of more minibatches formulas keep sums over rows.
with_point = strategies.problems(batch_sizes=1).flatmap(
    lambda p: st.tuples(st.just(p), strategies.points(p.dimension, 3))
)


def values(expressions, problem, theta, **letters):
    """Expressions in the parameters and in other symbols, by name, as numbers."""
    point = dict(zip(problem.parameters, map(sp.Rational, theta), strict=True))
    named = {symbol: letters[symbol.name] for e in expressions for symbol in e.free_symbols if symbol.name in letters}
    return np.array([float(expression.xreplace(point | named)) for expression in expressions])


@few
@given(with_point, st.sampled_from(["1", "0.1", "1e-4"]))
def test_the_limits_are_those_of_the_numerical_field(drawn, eps):
    problem, theta = drawn
    limits, exact = SymbolicField(problem, Adam(eps=eps)).limits, sp.Rational(eps)
    found = {name: values(expressions, problem, theta, epsilon=exact) for name, expressions in limits.items()}
    no_memory = AdamField(problem, Adam(0, 0, eps))(theta)
    np.testing.assert_allclose(-found["alpha = beta = 0"], no_memory, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(found["epsilon -> oo"], problem.gradient(theta), rtol=1e-11, atol=1e-12)
    slow = [AdamField(problem, Adam(0, 1 - sp.Rational(1, 10**k), eps))(theta) for k in (5, 7)]
    far, near = (np.abs(value + found["beta -> 1"]) for value in slow)
    assert ((near <= far / 20) | (near <= 1e-11)).all()


@few
@given(strategies.problems("quadratic", "asymmetric", 1), strategies.points(), strategies.adams())
def test_the_expansion_begins_at_the_limit_and_is_written_out_as_evaluated(problem, theta, adam):
    field = SymbolicField(problem, adam)
    numbers = adam_values(adam)
    [limit] = values(field.limits["beta -> 1"], problem, theta, epsilon=numbers[epsilon])
    assert float(field.expansion(0).evaluate(theta)[0]) == pytest.approx(limit, rel=1e-12, abs=1e-14)
    first = field.expansion(1)
    letters = {letter.name: numbers[letter] for letter in (alpha, epsilon, eta)}
    [explicit] = values([first.explicit()], problem, theta, **letters)
    assert float(first.evaluate(theta)[0]) == pytest.approx(explicit, rel=1e-10, abs=1e-12)


@few
@given(strategies.problems("regression", batch_sizes=1), strategies.adams(), strategies.points(2, 3))
def test_the_lyapunov_derivative_is_the_slope_of_the_loss_along_the_field(problem, adam, theta):
    found, value = lyapunov_derivative(problem), AdamField(problem, adam)(theta)
    gradient = problem.gradient(theta)
    np.testing.assert_allclose(values(found.gradient, problem, theta), gradient, rtol=1e-11, atol=1e-12)
    quotients = {f"F_{i + 1}": sp.Float(-float(f), 30) for i, f in enumerate(value)}
    [slope] = values([found.derivative], problem, theta, **quotients)
    assert slope == pytest.approx(gradient @ value, rel=1e-10, abs=1e-12)


@few
@given(strategies.problems(batch_sizes=9))
def test_the_lyapunov_bound_is_negative_up_to_its_level(problem):
    found = lyapunov_derivative(problem)
    # Where the bound changes its sign, |grad L|_oo <= |grad L| <= sqrt(2 K L) makes the level of the loss.
    letters = {symbol.name: symbol for symbol in found.bound.free_symbols | found.region.free_symbols}
    [largest] = sp.solve(found.bound, letters[r"D_{\infty}"])
    assert sp.simplify(largest**2 - 2 * letters["K"] * found.region) == 0


@settings(max_examples=1, deadline=None)
@given(strategies.problems("quadratic", batch_sizes=1), strategies.adams(), strategies.adams())
def test_the_formulas_of_a_derivation_hold_for_every_adam(problem, first, second):
    one, other = derive(problem, first), derive(problem, second)
    assert [step.equations for step in one.steps] == [step.equations for step in other.steps]
    assert [step["latex"] for step in one.to_dict()["steps"]] == [step.latex for step in one.steps]
    assert all(step.latex in one.to_markdown() for step in one.steps if len(step.equations) == 1)


@given(st.lists(st.booleans(), max_size=5))
def test_no_derivation_has_a_step_that_failed(outcomes):
    steps = tuple(Step(f"step {n}", "", ("x",), f"check {n}", ok) for n, ok in enumerate(outcomes))
    if outcomes and all(outcomes):
        assert Derivation("drawn", steps).steps == steps
    else:
        first = f"^step {outcomes.index(False)}: check {outcomes.index(False)}$" if outcomes else "no steps"
        with pytest.raises(DerivationError, match=first):
            Derivation("drawn", steps)
