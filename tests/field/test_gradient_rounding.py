"""Rounding of the gradients is in the error estimates, and no value stands outside its own enclosure."""

import json
from fractions import Fraction
from pathlib import Path

import flint
import independent
import numpy as np
import pytest
import sympy as sp

from adamsym.field import AdamField, FieldValue, adam_field
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam

CASES = Path(__file__).parents[1] / "cases"


def truth(gradients, probabilities, adam):
    """F to 25 digits for gradients that are balls."""
    law = independent.FiniteLaw(gradients, [independent.ball(p) for p in probabilities])
    return independent.quotient(law, independent.Method(adam.alpha, adam.beta, adam.epsilon))[0]


def off(value, exact):
    return float(abs(exact - flint.arb(float(value))).upper())


def cancelling(theta, x):
    """The derivative of (1 - cos(theta x))/(theta x)^2 in theta, at 1024 bits."""
    with flint.ctx.workprec(1024):
        z = flint.arb(theta) * x
        return x * (z.sin() * z - 2 * (1 - z.cos())) / z**3


CANCELLING = Problem("(1-cos(t*x))/(t*x)**2", ["t"], Empirical({"x": [1, 2]}))


@pytest.mark.parametrize("theta", [1e-8, 1e-6, 1e-4, 1e-2, 0.3])
@pytest.mark.parametrize("adam", [Adam(), Adam("0.5", "0.9", "1e-20")], ids=str)
def test_cancelling_gradients(theta, adam):
    field = AdamField(CANCELLING, adam)
    found = field.evaluate([theta])
    with flint.ctx.workprec(independent.BITS):
        exact = -truth([cancelling(theta, x) for x in (1, 2)], [Fraction(1, 2)] * 2, adam)
        assert off(found.value[0], exact) <= found.error[0]
    assert found.error[0] < 1e-13
    low, high = field.enclose([[theta, theta]])[0]
    assert low - found.error[0] <= found.value[0] <= high + found.error[0]
    if theta == 1e-8:
        # The gradients of float64 have no right digit there: the estimate of the quadrature alone says nothing.
        plain = field([theta])[0]
        assert not low <= plain <= high


def test_estimates_count_the_rounding_that_is_not_mended(monkeypatch):
    monkeypatch.setattr(adam_field, "MOST_REPAIRED", 0)
    for theta in (1e-8, 1e-6, 1e-4, 1e-2):
        found = AdamField(CANCELLING, Adam()).evaluate([theta])
        with flint.ctx.workprec(independent.BITS):
            exact = -truth([cancelling(theta, x) for x in (1, 2)], [Fraction(1, 2)] * 2, Adam())
            wrong = off(found.value[0], exact)
        assert wrong <= found.error[0]
        assert wrong > 1e-14 or theta == 1e-2


@pytest.mark.parametrize("eps", ["1e-8", "1e-18", "1e-30"])
def test_a_residual_that_float64_takes_for_zero(eps):
    # x = 1/10 is no float; at theta = 0.1 the float64 gradient of the first row is 0, and the exact one is 5.6e-18.
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": ["0.1", "3"]}, weights=[999, 1]))
    adam = Adam("0.5", "0.6", eps)
    found = AdamField(problem, adam).evaluate([0.1])
    with flint.ctx.workprec(independent.BITS):
        rows = [flint.arb(0.1) - independent.ball(Fraction(x)) for x in ("1/10", "3")]
        exact = -truth(rows, [Fraction(999, 1000), Fraction(1, 1000)], adam)
        assert off(found.value[0], exact) <= found.error[0]
    assert found.error[0] < 1e-13


def test_minibatches_whose_mean_cancels():
    problem = Problem("theta*x", ["theta"], Empirical({"x": ["0.1", "0.2", "-0.3"]}), batch_size=3)
    adam = Adam(0, "0.5", "1e-18")
    found = AdamField(problem, adam).evaluate([1.0])
    p = {}
    xs = [Fraction(1, 10), Fraction(2, 10), Fraction(-3, 10)]
    for a in xs:
        for b in xs:
            for c in xs:
                p[(a + b + c) / 3] = p.get((a + b + c) / 3, 0) + Fraction(1, 27)
    with flint.ctx.workprec(independent.BITS):
        exact = -truth([independent.ball(g) for g in p], list(p.values()), adam)
        assert off(found.value[0], exact) <= found.error[0]


def test_large_eps_and_a_rare_atom():
    problem = Problem("x*theta", ["theta"], Empirical({"x": [0, 2]}, weights=["0.999999", "1e-6"]))
    for adam in (Adam(0, "0.9", "1e3"), Adam("0.5", "0.9", "1e6"), Adam(0, "0.5", "1e-2")):
        found = AdamField(problem, adam).evaluate([1.0])
        with flint.ctx.workprec(independent.BITS):
            exact = -truth([flint.arb(0), flint.arb(2)], [1 - Fraction(1, 10**6), Fraction(1, 10**6)], adam)
            assert off(found.value[0], exact) <= found.error[0]


def test_parameters_of_closed_forms_that_cancel():
    # The mean theta + 10^6 - 10^6 - 1 of the gradient loses ten digits: beside the same problem written plainly.
    plain = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(1, 2)"}))
    loss = sp.sympify("(theta*10**6 - x)**2/2", locals={s.name: s for s in (*plain.parameters, *plain.columns)})
    shifted = Problem(loss, ["theta"], Independent({"x": "Normal(1000000, 2)"}))
    adam = Adam("0.5", "0.9", "0.01")
    theta = 1.0000001
    found = AdamField(shifted, adam).evaluate([theta])
    # g = 10^6 (10^6 theta - x): with the mean written out exactly.
    mean = Fraction(theta) * 10**12 - 10**12
    with flint.ctx.workprec(independent.BITS):
        law = independent.normal_law(mean, Fraction(2 * 10**6))
        exact = -independent.quotient(law, independent.Method(adam.alpha, adam.beta, adam.epsilon))[0]
        assert off(found.value[0], exact) <= found.error[0]


def test_values_within_bounds():
    plain = FieldValue(np.array([0.5, 2.0, -1.0, 1.125, 0.75]), np.array([1e-3, 0.1, 0.1, 0.25, 0.875]))
    found = plain.within([[0, 1], [0, 1], [-1.01, -0.99], [0, 1], [0, 1]])
    np.testing.assert_array_equal(found.value, [0.5, 0.5, -1, 1, 0.5])
    np.testing.assert_allclose(found.error, [1e-3, 0.5, 0.01, 0.375, 0.5])


def test_the_command_prints_no_value_outside_its_bounds(capsys, monkeypatch):
    from adamsym.__main__ import main

    def shown():
        assert main(["field", str(CASES / "cancel.toml"), "--enclose", "--json"]) == 0
        output = capsys.readouterr()
        result = json.loads(output.out)
        (value,), (error,), ((low, high),) = result["field"], result["error"], result["enclosure"]
        assert low <= value <= high
        assert low < 0.16760476739572952 < high
        assert abs(value - 0.16760476739572952) <= error
        return output.err

    assert "float64 fails" not in shown()
    # Even if an estimate is too small.
    monkeypatch.setattr(AdamField, "evaluate", lambda self, theta: FieldValue(np.array([-0.625]), np.array([1e-14])))
    assert "float64 fails" in shown()
