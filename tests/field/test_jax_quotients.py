"""The vectorised quadrature in JAX against the compiled one. One shape of laws for all: each takes a compilation."""

from fractions import Fraction

import jax
import numpy as np
import pytest
from test_laplace_quadrature import exact

from adamsym import Adam, AdamField, Empirical, PerRowGradients, Problem
from adamsym.expressions.errors import InputError
from adamsym.field import backends
from adamsym.field.float.forms import float_form
from adamsym.field.float.laplace_quadrature import quotient
from adamsym.field.jax import laws as jax_laws
from adamsym.field.jax.laws import jax_quotient
from adamsym.methods import AdamEpsInsideRoot, LagWeights, LaplaceForm, NAdam, RMSprop
from adamsym.methods.kernels import RootPlusEps

LAWS, N = 64, 12
METHODS = [
    Adam(),
    Adam("0.9", "0.9999", "1e-8"),
    Adam("0.9", "0.99", "1e-3"),
    Adam("0.5", "0.9", "1e-8"),
    Adam(0, "0.5", "1e-2"),
    Adam(0, 0, "0.1"),
    AdamEpsInsideRoot("0.9", "0.999", "1e-8"),
    AdamEpsInsideRoot("0.5", "0.9", "1e-2"),
    NAdam("0.9", "0.99", "1e-8"),
    RMSprop("0.99", "1e-4"),
    LaplaceForm(
        LagWeights((Fraction(1, 2),), ((Fraction(1, 4), Fraction(1, 2)), (Fraction(-1, 9), Fraction(1, 3)))),
        Fraction(9, 10),
        RootPlusEps(Fraction(1, 1000)),
    ),
]


def nasty_laws(seed=0):
    """Ordinary, sparse, widely spread, large and small, rare, and constant laws, and the law of 0."""
    generator = np.random.default_rng(seed)
    atoms = generator.normal(size=(LAWS, N)) + generator.normal(size=(LAWS, 1))
    atoms[10:20] *= generator.random((10, N)) < 0.1
    atoms[20:30] *= 10.0 ** generator.uniform(-8, 8, (10, N))
    atoms[30:40] *= 10.0 ** generator.integers(-30, 30, (10, 1))
    atoms[40:50, :2] *= 10.0 ** generator.uniform(2, 4, (10, 2))
    atoms[50:54] = atoms[50:54, :1]
    atoms[54] = 0.0
    probabilities = np.full((LAWS, N), 1 / N)
    probabilities[40:50, :2] = 1e-7
    return atoms, probabilities / probabilities.sum(axis=1, keepdims=True)


def scales(atoms, probabilities, method, compiled):
    """Units of F and of dF/dg: what T1 and T2 bound these by."""
    form = float_form(method)
    bound = np.minimum(form.step_bound, (np.abs(atoms) * probabilities).sum(axis=1) / form.size)
    return bound, ((form.absolute + form.step_bound) * compiled.inverse)[:, None]


def farthest(found, compiled, atoms, probabilities, method):
    value, slope = scales(atoms, probabilities, method, compiled)
    far = np.abs(found.value - compiled.value) / (value + np.finfo(float).tiny)
    return far.max(), (np.abs(found.sensitivity - compiled.sensitivity) / slope).max()


@pytest.mark.parametrize("methods", [METHODS[4::3], pytest.param(METHODS, marks=pytest.mark.slow)], ids=["few", "all"])
def test_agrees_with_the_compiled_path(methods):
    atoms, probabilities = nasty_laws()
    handed_over = 0
    for method in methods:
        found = jax_quotient(atoms, probabilities, method, sensitivity=True)
        compiled = quotient(atoms, probabilities, method, sensitivity=True)
        value, slope = farthest(found, compiled, atoms, probabilities, method)
        assert value <= 1e-14
        assert slope <= 1e-13
        assert (np.abs(found.value - compiled.value) <= found.error + compiled.error).all()
        # The bounds count what lies left of their own grids, at most 2 sqrt(1e-6/pi) of it.
        np.testing.assert_allclose(found.inverse, compiled.inverse, rtol=2e-3)
        # Its own work: the compiled path has computed the law of 0 and those of long grids, and no others.
        assert found.handed_over[54]
        assert not found.handed_over[:10].any()
        handed_over += found.handed_over.sum()
    assert len(methods) < handed_over < 0.4 * LAWS * len(methods)
    assert not jax.config.jax_enable_x64


def test_a_wrong_beta2_is_noticed():
    atoms, probabilities = nasty_laws()
    compiled = quotient(atoms, probabilities, Adam(), sensitivity=True)
    wrong = jax_quotient(atoms, probabilities, Adam(beta2="0.99900001"), sensitivity=True)
    value, slope = farthest(wrong, compiled, atoms, probabilities, Adam())
    assert value > 1e-12
    assert slope > 1e-12


def test_errors_are_within_the_estimates():
    atoms, probabilities = nasty_laws()
    probabilities[:] = 1 / N
    for method in (Adam("0.9", "0.9", "1e-3"), Adam("0.5", "0.97", "1e-2")):
        found = jax_quotient(atoms, probabilities, method, sensitivity=True)
        for k in (0, 1, 25, 52):
            expected, scale = exact([(g, 1) for g in atoms[k]], method)
            assert not found.handed_over[k]
            assert abs(found.value[k] - expected) <= found.error[k] + 1e-15 * scale
            assert found.error[k] <= 1e-13 * scale


def test_the_order_of_the_laws_and_the_size_of_a_chunk_do_not_matter(monkeypatch):
    atoms, probabilities = nasty_laws()
    together = jax_quotient(atoms, probabilities, Adam(), sensitivity=True)
    order = np.random.default_rng(1).permutation(LAWS)
    shuffled = jax_quotient(atoms[order], probabilities[order], Adam(), sensitivity=True)
    value, _ = scales(atoms, probabilities, Adam(), together)
    assert (np.abs(shuffled.value - together.value[order]) <= 1e-15 * value[order]).all()
    # Three times as many laws, in chunks of the same size, where they stand in another order.
    monkeypatch.setattr(jax_laws, "_MOST_LAWS", LAWS)
    thrice = jax_quotient(np.tile(atoms, (3, 1)), np.tile(probabilities, (3, 1)), Adam(), sensitivity=True)
    np.testing.assert_allclose(thrice.value, np.tile(together.value, 3), rtol=0, atol=1e-15 * value.max())
    np.testing.assert_array_equal(thrice.handed_over, np.tile(together.handed_over, 3))


def test_laws_that_do_not_fit_are_handed_over_and_counted(monkeypatch):
    atoms, probabilities = nasty_laws()
    compiled = quotient(atoms, probabilities, Adam(0, "0.5", "1e-2"), sensitivity=True)
    told = []
    found = jax_quotient(
        atoms, probabilities, Adam(0, "0.5", "1e-2"), sensitivity=True, progress=lambda *pair: told.append(pair)
    )
    assert told == sorted(told)
    assert told[-1] == (LAWS, LAWS)
    assert found.handed_over[10:20].any()
    np.testing.assert_array_equal(found.value[found.handed_over], compiled.value[found.handed_over])
    # Without a grid that serves nothing is left to JAX.
    monkeypatch.setattr(jax_laws, "GRIDS", 0)
    assert jax_quotient(atoms, probabilities, Adam(), sensitivity=True).handed_over.all()


def problem():
    return Problem(
        "(a - x)**2/2 + (b*x - a)**2/3",
        parameters=["a", "b"],
        law=Empirical({"x": np.random.default_rng(2).normal(size=N).tolist()}),
    )


def rows():
    """A field that is no gradient, of N rows."""
    x = np.random.default_rng(3).normal(size=(N, 2))

    def jacobians(theta):
        result = np.tile(np.eye(2), (N, 1, 1))
        result[:, 0, 1], result[:, 1, 0] = np.cos(theta[1]) * x[:, 0], np.cos(theta[0]) * x[:, 1]
        return result

    return PerRowGradients(lambda theta: theta + np.sin(theta[::-1]) * x, ["a", "b"], rows=N, jacobians=jacobians)


POINTS = np.random.default_rng(4).normal(size=(LAWS // 2, 2))


@pytest.mark.parametrize("source", [problem, rows])
def test_a_field_by_this_backend(source):
    numba, vectorized = (AdamField(source(), Adam("0.9", "0.99", "1e-3"), backend=name) for name in ("numba", "jax"))
    np.testing.assert_allclose(vectorized(POINTS), numba(POINTS), rtol=0, atol=1e-14)
    expected, found = numba.evaluate(POINTS), vectorized.evaluate(POINTS)
    assert (np.abs(found.value - expected.value) <= expected.error + found.error).all()
    np.testing.assert_allclose(found.error, expected.error, rtol=0.5, atol=2e-14)
    jacobian = numba.jacobian(POINTS)
    np.testing.assert_allclose(vectorized.jacobian(POINTS), jacobian, rtol=0, atol=1e-12 * np.abs(jacobian).max())


@pytest.mark.slow
def test_other_calls_of_a_field_by_this_backend():
    for source in (problem(), rows()):
        numba, vectorized = (AdamField(source, Adam("0.9", "0.99", "1e-3"), backend=name) for name in ("numba", "jax"))
        vector = np.array([0.3, -1.0])
        expected, found = numba.linearize(POINTS[0]), vectorized.linearize(POINTS[0])
        np.testing.assert_allclose(found.jvp(vector), expected.jvp(vector), rtol=1e-12)
        np.testing.assert_allclose(found.vjp(vector), expected.vjp(vector), rtol=1e-12)
        one, other = (field.hyperparameter_derivatives(POINTS[0]) for field in (numba, vectorized))
        np.testing.assert_allclose(other.beta2, one.beta2, rtol=1e-6)


@pytest.mark.slow
def test_one_law_alone_and_long_laws():
    atoms, probabilities = nasty_laws()
    for method in METHODS[:4]:
        together = jax_quotient(atoms, probabilities, method, sensitivity=True)
        value, _ = scales(atoms, probabilities, method, together)
        for k in (0, 15, 25, 35, 45, 52, 54):
            alone = jax_quotient(atoms[k : k + 1], probabilities[k], method, sensitivity=True)
            assert abs(alone.value[0] - together.value[k]) <= 1e-15 * value[k]
        # For more atoms there is a program of its own, without derivatives.
        alike = jax_quotient(np.tile(atoms, (32, 1)), np.tile(probabilities, (32, 1)), method)
        assert alike.sensitivity is None
        assert (np.abs(alike.value - np.tile(together.value, 32)) <= 1e-15 * np.tile(value, 32)).all()
    long = np.random.default_rng(5).normal(size=(2, 100_000)) + 0.3
    shares = np.full(100_000, 1e-5)
    found, compiled = jax_quotient(long, shares, Adam()), quotient(long, shares, Adam())
    assert not found.handed_over.any()
    np.testing.assert_allclose(found.value, compiled.value, rtol=0, atol=1e-14)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_many_nasty_laws(seed):
    atoms, probabilities = nasty_laws(seed + 100)
    for method in METHODS:
        for tolerance in (1e-13, 1e-10, 1e-6):
            found = jax_quotient(atoms, probabilities, method, True, tolerance)
            compiled = quotient(atoms, probabilities, method, sensitivity=True)
            value, slope = farthest(found, compiled, atoms, probabilities, method)
            assert value <= max(1e-12, tolerance)
            # Of several terms each keeps the tolerance.
            terms, (bound, _) = len(float_form(method).parts), scales(atoms, probabilities, method, compiled)
            assert terms > 1 or (found.error <= tolerance * bound + 1.01e-14).all()
            assert slope <= max(1e-12, 100 * tolerance)
            assert (np.abs(found.value - compiled.value) <= found.error + compiled.error).all()


def test_backends_that_are_refused(monkeypatch):
    with pytest.raises(InputError, match=r"^backend: 'cuda' is not allowed; allowed are 'numba', 'numpy', 'jax'$"):
        AdamField(problem(), Adam(), backend="cuda")
    with pytest.raises(InputError, match="probabilities: they must be positive and sum to 1"):
        jax_quotient(np.ones((1, 2)), np.array([0.5, 0.6]), Adam())
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"^backend: jax is not installed; install adamsym"):
        AdamField(problem(), Adam(), backend="jax")
    assert AdamField(problem(), Adam()).backend == "numba"
