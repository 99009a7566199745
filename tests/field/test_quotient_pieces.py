"""Pieces of the quadrature by themselves, and the quotient by listing all histories of a short memory."""

import itertools
import math

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.field import law_quotient, quotient
from adamsym.field.float.nodes import place_nodes, workspace
from adamsym.field.float.quadrature import control_integrals
from adamsym.field.float.rules import alias_bounds, rule_of
from adamsym.field.float.sorted_atoms import (
    atom_moments,
    block_dot,
    octave_range,
    sort_atoms,
    sorted_workspace,
    sum_octaves,
)
from adamsym.field.float.transforms import log_one_plus, transforms
from adamsym.field.laws.gradient_laws import Atoms
from adamsym.methods import Adam, AdamEpsInsideRoot


def transforms_at(t, g, p, beta="0.99"):
    """A(t), B(t) - 1 and B(t), on a grid that has come to t by octaves, or where beta is small by steps."""
    rule = rule_of(Adam("0.1", beta, 1).laplace, 3)
    y = np.empty(len(g))
    atom_moments(g, p, y)
    top, octaves = octave_range(y)
    atoms = sorted_workspace(len(g), 1, octaves)
    sort_atoms(g, p, y, top, octaves, atoms)
    sum_octaves(top, octaves, atoms)
    atoms.active[:], atoms.dead[:] = 0, 0
    samples = workspace(61)
    samples.s[:] = t / rule.one_less_beta * 2.0 ** np.arange(-60, 1)
    transforms(0, 61, octaves, rule, atoms, samples)
    return samples.a[60], samples.b_less_one[60], samples.b[60]


@pytest.mark.parametrize("spacing", [0.6, 0.1, 0.02, 0.0131, 0.0072])
def test_the_bounds_of_aliases_are_those_of_fine_grids_too(spacing):
    a = mpmath.atan(2 * mpmath.pi / spacing)
    expected = 2 / (mpmath.cos(a) * mpmath.expm1(2 * mpmath.pi * a / spacing))
    # At the finest they are subnormal, or below all floats.
    exact = (float(expected), float(expected / mpmath.cos(a)))
    assert alias_bounds(spacing) == pytest.approx(exact, rel=1e-12, abs=1e-320)


METHODS = {"eps outside the root": Adam, "eps inside the root": AdamEpsInsideRoot}
outside_or_inside = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
quickly = settings(max_examples=10, deadline=None)
unhurried = settings(deadline=None)

LAGS = 16
"""At alpha = 0.1, beta = 0.12 older gradients weigh less than 2e-15."""

sizes = st.floats(-3, 3).filter(lambda x: abs(x) > 0.3)
exponents = st.integers(-4, 4)


def listed(method, atoms, p, eps):
    """F by all 2^LAGS histories of a law of two atoms."""
    histories = np.array(list(itertools.product([0, 1], repeat=LAGS)))
    g, probability = np.array(atoms)[histories], np.array([1 - p, p])[histories].prod(axis=1)
    lags = np.arange(LAGS)
    m, v = g @ (0.9 * 0.1**lags), g**2 @ (0.88 * 0.12**lags)
    root = np.sqrt(v) + eps if method is Adam else np.sqrt(v + eps)
    return float(probability @ (m / root))


@outside_or_inside
@quickly
@given(first=sizes, second=sizes, p=st.floats(0.05, 0.95), exponent=exponents)
def test_quotients_are_the_means_over_all_histories(method, first, second, p, exponent):
    eps = 10.0**exponent
    adam = method("0.1", "0.12", eps)
    expected = listed(method, [first, second], p, eps)
    scale = max(abs(first), abs(second)) / (eps if method is Adam else math.sqrt(eps))
    allowed = 1e-12 * min(adam.step_bound, scale)
    found = quotient(np.array([[first, second]]), np.array([1 - p, p]), adam)
    assert abs(found.value[0] - expected) <= allowed
    assert abs(law_quotient(Atoms([first, second], [1 - p, p]), adam).value - expected) <= allowed


@outside_or_inside
@quickly
@given(first=sizes, second=sizes, exponent=st.integers(2, 8))
def test_estimates_are_small_beside_small_quotients(method, first, second, exponent):
    adam = method("0.9", "0.99", 10.0**exponent)
    size = adam.eps if method is Adam else math.sqrt(adam.eps)
    largest = max(abs(first), abs(second))
    found = quotient(np.array([[first, second]]), np.array([0.3, 0.7]), adam)
    alone = law_quotient(Atoms([first, second], [0.3, 0.7]), adam)
    assert 0 < found.error[0] <= 1e-13 * largest / size
    assert 0 < alone.error <= 1e-13 * largest / size


@pytest.mark.parametrize("eps", [1e-8, 0.1, 1.0, 40.0])
def test_control_integrals_are_those_of_the_kernel(eps):
    def outside(s):
        return 1 / np.sqrt(np.pi * s) - eps * scipy.special.erfcx(eps * np.sqrt(s))

    def inside(s):
        return np.exp(-eps * s) / np.sqrt(np.pi * s)

    for method, kernel in ((Adam, outside), (AdamEpsInsideRoot, inside)):
        found = control_integrals(eps, rule_of(method("0.9", "0.99", "0.1").laplace, 6))
        # s = x^2 takes the kernel's singularity away.
        x, weights = scipy.special.roots_legendre(400)
        x, weights = 6 * (x + 1), 6 * weights
        plain = weights @ (2 * x * kernel(x * x) * np.exp(-x * x))
        linear = weights @ (2 * x**3 * kernel(x * x) * np.exp(-x * x))
        assert found == pytest.approx((plain, linear), abs=1e-10)


@unhurried
@given(st.one_of(st.floats(-0.06, 0), st.floats(-1, 0, exclude_min=True)))
def test_log_one_plus_is_the_logarithm(x):
    with mpmath.workdps(40):
        exact = mpmath.log1p(mpmath.mpf(x))
        assert abs(log_one_plus(x) - exact) <= 4e-16 * abs(exact) + 1e-320


@pytest.mark.parametrize("beta", ["0.99", "0.1"], ids=["octaves", "steps"])
@unhurried
@given(
    exponent=st.floats(-9, 2.5),
    sizes=st.lists(st.floats(-2.5, 0.5).map(lambda x: 10**x), min_size=1, max_size=8),
    rare=st.floats(-15, 0).map(lambda x: 10**x),
)
def test_transforms_are_their_sums(beta, exponent, sizes, rare):
    # Of y = g^2 - min g^2; relative to sums of moduli, as terms of A may cancel. B itself is right where it is tiny.
    t, g = 10.0**exponent, np.array(sizes) * (-1.0) ** np.arange(len(sizes))
    p = np.where(np.abs(g) == np.abs(g).min(), rare, 1.0)
    p /= p.sum()
    a, b_less_one, b = transforms_at(t, g, p, beta)
    y = (np.abs(g) - np.abs(g).min()) * (np.abs(g) + np.abs(g).min())
    with mpmath.workdps(40):
        factors = [mpmath.exp(-mpmath.mpf(t) * mpmath.mpf(float(one))) for one in y]
        exact_a = mpmath.fsum(w * x * f for w, x, f in zip(p, g, factors, strict=True))
        exact_less = mpmath.fsum(w * (f - 1) for w, f in zip(p, factors, strict=True))
        exact_b = mpmath.fsum(w * f for w, f in zip(p, factors, strict=True))
        size = mpmath.fsum(w * abs(x) * f for w, x, f in zip(p, g, factors, strict=True))
    assert abs(a - exact_a) <= 1e-13 * size
    assert abs(b_less_one - exact_less) <= 2e-15 * abs(exact_less)
    assert abs(b - exact_b) <= 1e-13 * exact_b
    # The control: a little later they are other numbers.
    later = transforms_at(t * (1 + 1e-10), g, p, beta)[1]
    assert abs(later - exact_less) > 2e-15 * abs(exact_less) or min(p[y > 0], default=0) * t * y.max() < 1e-3 or t > 1


@outside_or_inside
@pytest.mark.parametrize("power", [-60, -20, 20, 60])
def test_units_do_not_matter_however_small_or_large(method, power):
    # F(c g; c eps) = F(g; eps), and c^2 eps where eps stands inside the root.
    scale, atoms, p = 2.0**power, np.array([-1.0, 0.5, 4.0]), np.array([0.3, 0.6, 0.1])
    eps = scale if method is Adam else scale**2
    expected = quotient(atoms[None], p, method("0.9", "0.99", 0.125)).value[0]
    changed = method("0.9", "0.99", 0.125 * eps)
    assert quotient(scale * atoms[None], p, changed).value[0] == pytest.approx(expected, rel=1e-13)
    assert law_quotient(Atoms(tuple(scale * atoms), tuple(p)), changed).value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("count", [1, 255, 256, 257, 513])
def test_sums_in_blocks_leave_no_atom_out(count):
    x, y = np.random.default_rng(count).uniform(0.5, 1, size=(2, count))
    assert block_dot(x, y) == pytest.approx(x @ y, rel=1e-13)
    y /= y.sum()
    excess = x**2 - (x**2).min()
    a, b_less_one, b = transforms_at(0.3, x, y)
    assert a == pytest.approx((y * x * np.exp(-0.3 * excess)).sum(), rel=1e-13)
    assert b_less_one == pytest.approx((y * np.expm1(-0.3 * excess)).sum(), rel=1e-13)
    assert b == pytest.approx((y * np.exp(-0.3 * excess)).sum(), rel=1e-13)


def test_exponentials_are_counted():
    # Where t g^2 is small a series serves; beyond, each node takes an exponential or a square, until these are nothing.
    found = quotient(np.array([[-1.0, 0.5, 4.0]]), np.array([0.3, 0.6, 0.1]), Adam("0.9", "0.999", "1e-3"))
    assert 10 <= found.exponentials[0] <= 115
    assert found.sensitivity is None


@outside_or_inside
@pytest.mark.parametrize("eps", [1e-6, 0.1, 30.0])
def test_nodes_have_their_weights_and_the_control_variates_exponential(method, eps):
    """h s rho(s) and exp(-s) on the lattice in log s; rho as a Laplace density of the denominator."""
    rule, samples, room = rule_of(method("0.9", "0.99", eps).laplace, 2), workspace(400), 400
    place_nodes(0, room, -200, eps, rule, samples)
    s = samples.s
    np.testing.assert_allclose(np.diff(np.log(s)), rule.grid.spacing, rtol=1e-12)
    np.testing.assert_allclose(samples.control, np.exp(-s), rtol=1e-15, atol=1e-300)
    near = s < 1e10 / eps**2
    root = np.sqrt(s[near])
    if method is Adam:
        density = 1 / (root * np.sqrt(np.pi)) - eps * scipy.special.erfcx(eps * root)
        # The difference cancels where eps^2 s is large: rho is like 1/(2 sqrt(pi) eps^2 s^(3/2)) there.
        allowed = 1e-14 / root
    else:
        density = np.exp(-eps * s[near]) / (root * np.sqrt(np.pi))
        allowed = 1e-13 * (1 + eps * s[near]) * density
    weight = rule.grid.spacing * s[near] * density
    assert (np.abs(samples.weight[near] - weight) <= rule.grid.spacing * s[near] * allowed + 1e-300).all()
