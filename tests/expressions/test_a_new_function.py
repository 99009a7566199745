"""A function of the grammar is one entry: float, compiled, balls, mpmath, rounding, the checker, derivatives."""

import math

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import iv

from adamsym import Adam, AdamField, Empirical, InputError, Problem, StepSizeSchedule, find_zeros, simulate
from adamsym.certify import certificate
from adamsym.checker import check_certificate
from adamsym.expressions.functions import FUNCTIONS, Function
from adamsym.expressions.running import Running

LOSS, ROWS, ADAM = "asinh(theta - x)**2/2", Empirical({"x": [0, 0, 1]}), Adam("0.5", "0.8", "0.1")


def bounds(x):
    """The inverse hyperbolic sine, which increases, at the ends of an interval."""

    def at(end):
        size = abs(iv.mpf(end))
        value = iv.log(size + iv.sqrt(size**2 + 1))
        return value if end >= 0 else -value

    low, high = at(x.a), at(x.b)
    return iv.mpf([low.a, high.b])


def rounded(z):
    value = np.arcsinh(z.value)
    return Running(value, z.error + 4 * np.spacing(np.abs(value)))


ENTRY = Function(
    sp.asinh,
    lambda z: flint.arb(z).asinh(),
    array=np.arcsinh,
    scalar=math.asinh,
    precise=mpmath.asinh,
    rounded=rounded,
    interval=bounds,
)


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setitem(FUNCTIONS, "asinh", ENTRY)


def by_hand(theta):
    """The gradients of the rows."""
    z = theta - np.array([0.0, 0.0, 1.0])
    return np.arcsinh(z) / np.sqrt(1 + z**2)


@pytest.mark.usefixtures("known")
def test_one_entry_serves_every_arithmetic():
    problem = Problem(LOSS, ["theta"], ROWS)
    field = AdamField(problem, ADAM)
    assert problem.row_gradients([0.3])[:, 0] == pytest.approx(by_hand(0.3), rel=1e-15)
    found = field.evaluate([0.3])
    [[low, high]] = field.enclose([[0.3, 0.3]])
    assert low - found.error[0] <= found.value[0] <= high + found.error[0]
    assert found.error[0] < 1e-12
    zeros = find_zeros(field, [[-1, 2]], width=1e-6)
    assert zeros.complete
    assert [zero.stability for zero in zeros.zeros] == ["attracting"]
    checked = check_certificate(certificate(zeros))
    assert checked.valid, checked.reason


@pytest.mark.usefixtures("known")
def test_chains_are_compiled_with_it():
    problem = Problem(LOSS, ["theta"], Empirical({"x": [1]}))
    one = simulate(problem, Adam(0, 0, 1), StepSizeSchedule("0.5"), [3.0], steps=1, chains=1, seed=0).theta[0, 0]
    g = math.asinh(2) / math.sqrt(5)
    assert one == pytest.approx(3 - 0.5 * g / (g + 1), rel=1e-15)


def test_without_its_bounds_the_checker_proves_nothing(monkeypatch):
    monkeypatch.setitem(FUNCTIONS, "asinh", ENTRY)
    content = certificate(find_zeros(AdamField(Problem(LOSS, ["theta"], ROWS), ADAM), [[-1, 2]], width=1e-3))
    monkeypatch.setitem(FUNCTIONS, "asinh", Function(sp.asinh, ENTRY.ball))
    assert "asinh has no interval bounds" in check_certificate(content).reason
    # Bounds of another function prove other things.
    monkeypatch.setitem(FUNCTIONS, "asinh", Function(sp.asinh, ENTRY.ball, interval=lambda x: bounds(x) + 1))
    assert not check_certificate(content).valid


def test_without_the_entry_it_is_unknown():
    with pytest.raises(InputError, match="'asinh' at character 1: unknown function"):
        Problem(LOSS, ["theta"], ROWS)
