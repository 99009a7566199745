"""The spectral quadrature against direct products in ball arithmetic, which share none of its shortcuts."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import direct_product
import flint
import numpy as np
import pytest
from direct_product import BallLaw, enclose_quotient
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_laws import laws

from adamsym.expressions.errors import InputError
from adamsym.field.ball.arithmetic import ball
from adamsym.field.float import laplace_quadrature, rules
from adamsym.field.float.laplace_quadrature import quotient
from adamsym.methods import Adam, AdamEpsInsideRoot, LagWeights, LaplaceForm
from adamsym.methods.kernels import RootPlusEps
from adamsym.testing.strategies import adams

LONG = LagWeights((Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)), ())
"""Weights that only ball arithmetic takes."""


def spectral(law, adam, **options):
    atoms, weights = np.array(law, dtype=float).T
    return quotient(atoms[None], weights / weights.sum(), adam, **options)


def exact(law, adam):
    """F to a double's precision, and the scale min(C, E|g|/eps)."""
    with flint.ctx.workprec(128):
        total = sum(weight for _, weight in law)
        atoms = [ball(Fraction(g)) for g, _ in law]
        found = enclose_quotient(BallLaw(atoms, [ball(Fraction(w, total)) for _, w in law]), adam)
        assert float(found.rad()) < 1e-15
        mean = sum(abs(g) * w for g, w in law) / total
        return float(found.mid()), min(adam.step_bound, mean / adam.eps)


def agrees(value, law, adam):
    expected, scale = exact(law, adam)
    return abs(value - expected) <= 2e-14 * scale


@settings(deadline=None, max_examples=12, derandomize=True)
@given(laws, adams())
def test_agrees_with_direct_products(law, adam):
    found = spectral(law, adam)
    expected, scale = exact(law, adam)
    assert abs(found.value[0] - expected) <= 2e-14 * scale
    assert abs(found.value[0] - expected) <= found.error[0] + 1e-15 * scale


def test_the_comparison_rejects_small_faults():
    law, adam = [(-1.0, 3), (0.5, 5), (4.0, 1)], Adam("0.9", "0.999", "1e-3")
    value = spectral(law, adam).value[0]
    assert agrees(value, law, adam)
    assert not agrees(value * (1 + 1e-12), law, adam)
    assert not agrees(value, law, Adam("0.9", "0.999", "0.00100000001"))
    assert not agrees(value, law, Adam("0.9", "0.9990000001", "1e-3"))
    assert not agrees(value, law, Adam("0.901", "0.999", "1e-3"))
    assert not agrees(-value, law, adam)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(laws, adams(), st.integers(-20, 20))
def test_homogeneous_and_odd(law, adam, exponent):
    factor = 2.0**exponent
    scaled = Adam(adam.alpha, adam.beta, adam.epsilon * Fraction(factor))
    value = spectral(law, adam).value[0]
    _, scale = exact(law, adam)
    assert spectral([(factor * g, w) for g, w in law], scaled).value[0] == pytest.approx(value, abs=4e-14 * scale)
    assert spectral([(-g, w) for g, w in law], adam).value[0] == pytest.approx(-value, abs=1e-15 * scale)


@settings(deadline=None, max_examples=8, derandomize=True)
@given(laws, adams())
def test_symmetric_laws_give_zero(law, adam):
    symmetric = law + [(-g, w) for g, w in law]
    _, scale = exact(symmetric, adam)
    assert abs(spectral(symmetric, adam).value[0]) <= 1e-15 * scale


@settings(deadline=None, max_examples=15, derandomize=True)
@given(laws, adams())
def test_splitting_an_atom_changes_nothing(law, adam):
    (g, w), *others = law
    split = [(g, w / 4), (g, 3 * w / 4), *others]
    _, scale = exact(law, adam)
    assert spectral(split, adam).value[0] == pytest.approx(spectral(law, adam).value[0], abs=1e-14 * scale)


@pytest.mark.parametrize("size", [1e-6, 1e-10, 1e-14])
def test_relative_accuracy_near_interpolation(size):
    adam = Adam("0.9", "0.999", "1e-2")
    law = [(size * g, w) for g, w in [(-1.0, 2), (0.7, 1), (2.0, 1)]]
    expected, _ = exact(law, adam)
    assert spectral(law, adam).value[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [1e-40, 1e-200, 1e-308, 5e-324])
def test_gradients_too_small_to_square(size):
    law = [(size * g, w) for g, w in [(-1.0, 2), (7.0, 1)]]
    found = spectral(law, Adam("0.5", "0.9", "0.1"), sensitivity=True)
    assert found.value[0] == pytest.approx(size * 50 / 3, rel=1e-14, abs=1e-322)
    np.testing.assert_allclose(found.sensitivity[0], [20 / 3, 10 / 3], rtol=1e-14)


@pytest.mark.parametrize("eps", ["1e-12", "1", "1e12"])
def test_estimates_are_in_units_of_the_scale(eps):
    """F is of the size 1/(1 + eps), or (1 + eps)^(-1/2) where eps is inside the root, for gradients of size 1."""
    atoms, probabilities = np.array([[-1.0, 1.0, 1.0]]), np.array([0.3, 0.3, 0.4])
    for method, scale in (
        (Adam("0.5", "0.9", eps), 1 / (1 + float(eps))),
        (AdamEpsInsideRoot("0.5", "0.9", eps), (1 + float(eps)) ** -0.5),
    ):
        found = quotient(atoms, probabilities, method)
        assert 0.2 * scale < found.value[0] < 0.9 * scale
        assert 2e-15 * scale < found.error[0] < 3e-14 * scale


def test_a_deterministic_gradient():
    adam = Adam("0.9", "0.999", "0.1")
    for g in (1e-9, 0.3, -7.0, 1e6):
        assert spectral([(g, 1)], adam).value[0] == pytest.approx(g / (abs(g) + 0.1), rel=1e-14)


@pytest.mark.parametrize("rare", [1e-15, 1e-17, 1e-39, 1e-300])
@pytest.mark.parametrize("beta2", ["0.6", "0.99"])
def test_an_atom_at_zero_may_be_rarer_than_rounding(rare, beta2):
    """As in large minibatches: it changes F by no more than its share in the memory, and the slopes likewise."""
    adam, others = Adam("0.5", beta2, "1e-8"), np.array([0.25, 0.75])
    without = quotient(np.array([[1.0, -2.0]]), others, adam, sensitivity=True)
    found = quotient(np.array([[0.0, 1.0, -2.0]]), np.array([rare, *others]), adam, sensitivity=True)
    allowed = 2e-14 + rare / (1 - adam.beta2)
    assert abs(found.value[0] - without.value[0]) <= allowed
    np.testing.assert_allclose(found.sensitivity[0, 1:], without.sensitivity[0], atol=allowed)


def test_no_memory_is_the_plain_mean():
    adam = Adam(0, 0, "0.1")
    law = [(-1.0, 3), (0.5, 5), (4.0, 1), (0.0, 2)]
    expected = sum(w * g / (abs(g) + 0.1) for g, w in law) / sum(w for _, w in law)
    assert spectral(law, adam).value[0] == pytest.approx(expected, rel=1e-14)


@settings(deadline=None, max_examples=10, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(-3, 3).map(lambda g: round(g, 2)), st.integers(1, 9)), min_size=1, max_size=5),
    adams().filter(lambda adam: adam.eps >= 0.1),
)
def test_sensitivity_is_the_derivative(law, adam):
    atoms, weights = np.array(law, dtype=float).T
    probabilities = weights / weights.sum()
    sensitivity = quotient(atoms[None], probabilities, adam, sensitivity=True).sensitivity[0]

    def central(step):
        shifts = step * np.eye(len(atoms))
        forward = quotient(atoms + shifts, probabilities, adam).value
        return (forward - quotient(atoms - shifts, probabilities, adam).value) / (2 * step)

    # |g| makes F twice but not thrice differentiable where V can vanish: step away from it.
    if np.abs(atoms).min() > 0.1:
        expected = (4 * central(1e-3) - central(2e-3)) / 3
        np.testing.assert_allclose(sensitivity, expected, atol=2e-8)
    # Euler's identity for F(c g; c eps) = F(g; eps): sum g dF/dg = -eps dF/deps, here by central differences in eps.
    step = Fraction(1, 10**4) * adam.epsilon

    def at(epsilon):
        return quotient(atoms[None], probabilities, Adam(adam.alpha, adam.beta, epsilon)).value[0]

    slope = (at(adam.epsilon + step) - at(adam.epsilon - step)) / float(2 * step)
    assert atoms @ sensitivity == pytest.approx(-adam.eps * slope, abs=1e-7)


def exact_slope(law, adam, chosen):
    """dF/dg of one atom by differences of order 8 in ball arithmetic: about 1e-15."""
    coefficients = {1: Fraction(4, 5), 2: Fraction(-1, 5), 3: Fraction(4, 105), 4: Fraction(-1, 280)}
    step, total = Fraction(1, 512), sum(weight for _, weight in law)
    with flint.ctx.workprec(128):
        probabilities = [ball(Fraction(weight, total)) for _, weight in law]

        def at(shift):
            atoms = [ball(Fraction(g) + (shift if k == chosen else 0)) for k, (g, _) in enumerate(law)]
            return enclose_quotient(BallLaw(atoms, probabilities), adam)

        slope = sum(ball(c) * (at(k * step) - at(-k * step)) for k, c in coefficients.items()) / ball(step)
        return float(slope.mid())


SKEWED, POSITIVE = [(-1.0, 3), (0.5, 5), (4.0, 1)], [(1.0, 3), (1.5, 5), (3.0, 1)]


@pytest.mark.parametrize(
    ("law", "adam"),
    [
        (SKEWED, Adam("0.5", "0.5", "0.1")),
        (SKEWED, Adam("0.9", "0.9", "1")),
        pytest.param(SKEWED, Adam("0.5", "0.99", "0.1"), marks=pytest.mark.slow),
        (SKEWED, Adam(0, 0, "1")),
        # Here the control variate's own derivative matters in the twelfth digit.
        pytest.param(POSITIVE, Adam("0.9", "0.999", "0.1"), marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_sensitivity_to_thirteen_digits(law, adam):
    found = spectral(law, adam, sensitivity=True).sensitivity[0]
    for chosen in range(3):
        expected = exact_slope(law, adam, chosen)
        assert found[chosen] == pytest.approx(expected, abs=3e-13)
        assert found[chosen] + 1e-12 != pytest.approx(expected, abs=3e-13)


def test_laws_together_equal_laws_apart():
    generator = np.random.default_rng(3)
    atoms = generator.normal(size=(20, 4)) * 10.0 ** generator.integers(-3, 3, size=(20, 1))
    probabilities = np.array([0.1, 0.2, 0.3, 0.4])
    adam = Adam()
    together = quotient(atoms, probabilities, adam).value
    apart = [quotient(row[None], probabilities, adam).value[0] for row in atoms]
    np.testing.assert_allclose(together, apart, atol=1e-14)


def test_a_law_does_not_depend_on_the_others_beside_it():
    generator = np.random.default_rng(5)
    atoms, probabilities = generator.normal(size=(50, 3)), np.array([0.2, 0.3, 0.5])
    whole = quotient(atoms, probabilities, Adam(), sensitivity=True)
    alone = [quotient(row[None], probabilities, Adam(), sensitivity=True) for row in atoms]
    np.testing.assert_array_equal(whole.value, [one.value[0] for one in alone])
    np.testing.assert_array_equal(whole.sensitivity, [one.sensitivity[0] for one in alone])


@pytest.mark.parametrize("beta", ["0.9", "0.99", "0.999", "0.99999"])
def test_exponentials_on_ordinary_laws(beta):
    generator = np.random.default_rng(6)
    for size in (2, 5, 10, 300):
        atoms = generator.normal(size=(40, size)) + generator.normal(size=(40, 1))
        spent = quotient(atoms, np.full(size, 1 / size), Adam("0.9", beta)).exponentials
        # Eight octaves of three nodes at most on the first grid; finer ones where the filters do not do.
        assert spent.max() <= 80 * size
        assert spent.max() > 4 * size or beta == "0.99999"


@pytest.mark.parametrize("beta", ["0.5", "0.9", "0.999"])
def test_spread_atoms_and_zeros_cost_no_more(beta):
    # An atom takes part in few octaves of t, whatever the others are; zeros in none.
    atoms = np.array([10.0 ** np.linspace(-6, 0, 40), np.append(np.zeros(30), np.linspace(1, 2, 10))])
    wide, sparse = quotient(atoms, np.full(40, 1 / 40), Adam("0.5", beta), tolerance=1e-3).exponentials
    assert 0 < wide <= 40 * 30
    assert 0 < sparse <= 10 * 30


SPREAD = [10.0**k * (-1) ** k for k in range(-6, 7)]


@pytest.mark.parametrize(
    ("law", "adam"),
    [
        ([(g, 1) for g in SPREAD], Adam("0.9", "0.99", "1e-3")),
        ([(g, round(1e6 / abs(g) ** 0.5)) for g in SPREAD], Adam("0.5", "0.9", "1e-8")),
        ([(0.0, 10**6), (1.0, 1)], Adam("0.9", "0.95", "1e-8")),
        # Rare large atoms: E g^3 is far above (E g^2)^(3/2).
        ([(1.0, 10**10), (-2.0, 10**10), (1e5, 1)], Adam("0.5", "0.5", "1e-8")),
        ([(1.0, 10**14), (-2.0, 10**14), (1e7, 1)], Adam("0.5", "0.9", "1e-8")),
        ([(1.0, 10**14), (-2.0, 10**14), (-1e7, 1)], Adam("0.9", "0.99", "1e-8")),
        ([(0.0, 1), (-2.0, 3)], Adam("0.7", "0.5", "1e-12")),
        ([(-1.0, 1), (3.0, 2)], Adam("0.948", "0.9", "1e-8")),
        ([(-1.0, 1), (3.0, 2)], Adam("0.9", "0.99999", "1e-8")),
        ([(-1.0, 1), (3.0, 2)], Adam("0", "0.9", "1e3")),
        ([(-1.0, 1), (3.0, 2)], Adam("0.9", "0.999", "1e-12")),
        ([(-1e150, 1), (3e150, 2)], Adam("0.9", "0.99", "1e-8")),
        ([(-1e-150, 1), (3e-150, 2)], Adam("0.9", "0.99", "1e-8")),
    ],
    ids=lambda x: None,
)
def test_corners(law, adam):
    if adam.beta2 == 0.99999:
        # Direct products would take too long; the expansion in 1 - beta2 differs from F by its square.
        found, expected, scale = spectral(law, adam).value[0], 5 / 3 / np.sqrt(19 / 3), 1e-4
        assert 1e-7 < abs(found - expected) < scale
        return
    assert agrees(spectral(law, adam).value[0], law, adam)


def test_a_hundred_thousand_atoms():
    generator = np.random.default_rng(7)
    atoms = generator.normal(size=(1, 100_000)) + 0.3
    found = quotient(atoms, np.full(100_000, 1e-5), Adam())
    assert found.error[0] < 2e-14
    # Repeating every atom of a smaller law gives the same law.
    few = quotient(np.tile(atoms[:, :500], 200), np.full(100_000, 1e-5), Adam()).value[0]
    assert few == pytest.approx(quotient(atoms[:, :500], np.full(500, 1 / 500), Adam()).value[0], abs=1e-14)


def test_laws_have_probabilities_of_their_own():
    generator = np.random.default_rng(4)
    atoms, p = generator.normal(size=(30, 4)), generator.uniform(0.1, 1, size=(30, 4))
    atoms[7], atoms[11] = 0.0, 1e-60
    p /= p.sum(axis=1, keepdims=True)
    for method in (Adam("0.9", "0.99", "1e-3"), LaplaceForm(LONG, Fraction(99, 100), RootPlusEps(Fraction(1, 10)))):
        few = slice(0, 30 if isinstance(method, Adam) else 2)
        together = quotient(atoms[few], p[few], method, sensitivity=True, threads=2)
        apart = [quotient(g[None], own, method, sensitivity=True) for g, own in zip(atoms[few], p[few], strict=True)]
        np.testing.assert_array_equal(together.value, [one.value[0] for one in apart])
        np.testing.assert_array_equal(together.error, [one.error[0] for one in apart])
        np.testing.assert_array_equal(together.inverse, [one.inverse[0] for one in apart])
        np.testing.assert_array_equal(together.sensitivity, [one.sensitivity[0] for one in apart])
        # The control: they matter.
        assert quotient(atoms[few], p[0], method).value[1] != pytest.approx(together.value[1], rel=1e-3)


def test_a_law_of_zeros_is_at_rest():
    found = quotient(np.zeros((2, 3)), np.full(3, 1 / 3), Adam("0.5", "0.9", "0.1"), sensitivity=True)
    assert (found.value == 0).all()
    assert (found.error > 0).all()
    assert (found.error < 1e-300).all()
    np.testing.assert_allclose(found.sensitivity, 10 / 3, rtol=1e-14)
    assert (found.exponentials == 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": 1e-15}, "tolerance"),
        ({"tolerance": 0.1}, "tolerance"),
        ({"tolerance": np.nan}, "tolerance"),
        ({"threads": 0}, "threads"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        quotient(np.ones((1, 2)), np.full(2, 0.5), Adam(), **options)


@pytest.mark.parametrize(
    ("atoms", "probabilities", "message"),
    [
        ([[np.nan, 1.0]], [0.5, 0.5], "atoms"),
        ([[np.inf, 1.0]], [0.5, 0.5], "atoms"),
        ([[]], [], "atoms"),
        ([1.0, 2.0], [0.5, 0.5], "atoms"),
        ([[1.0, 2.0]], [1.0], "probabilities"),
        ([[1.0, 2.0]], [0.5, 0.6], "probabilities"),
        ([[1.0, 2.0]], [1.0, 0.0], "probabilities"),
        ([[1.0, 2.0]], [np.nan, 0.5], "probabilities"),
        ([[1.0, 2.0]], [[0.5, 0.6]], "probabilities"),
        ([[1.0, 2.0]], [[0.5, 0.5], [0.5, 0.5]], "probabilities"),
    ],
)
def test_bad_laws(atoms, probabilities, message):
    with pytest.raises(ValueError, match=message):
        quotient(np.array(atoms), np.array(probabilities), Adam())


def test_threads_do_not_matter():
    generator = np.random.default_rng(9)
    atoms, p = generator.normal(size=(200, 6)), np.full(6, 1 / 6)
    alone = quotient(atoms, p, Adam(), sensitivity=True)
    together = quotient(atoms, p, Adam(), sensitivity=True, threads=3)
    np.testing.assert_array_equal(alone.value, together.value)
    np.testing.assert_array_equal(alone.error, together.error)
    np.testing.assert_array_equal(alone.sensitivity, together.sensitivity)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda part: quotient(part, p, Adam(), sensitivity=True), np.split(atoms, 8)))
    np.testing.assert_array_equal(alone.value, np.concatenate([one.value for one in found]))
    np.testing.assert_array_equal(alone.sensitivity, np.concatenate([one.sensitivity for one in found]))


@pytest.mark.slow
def test_two_thousand_random_laws():
    generator = np.random.default_rng(2026)
    for _ in range(2000):
        size = generator.integers(1, 7)
        atoms = generator.choice([-1, 1], size) * 10 ** generator.uniform(-4, 4, size)
        atoms *= generator.choice([0, 1, 1, 1, 1], size)
        law = list(zip(atoms.tolist(), generator.integers(1, 60, size).tolist(), strict=True))
        beta = generator.choice(["0.01", "0.3", "0.5", "0.8", "0.85", "0.9", "0.95", "0.99", "0.999"])
        alpha = str(round(generator.choice([0, 0.5, 0.9, 0.99]) * float(beta) ** 0.5, 3))
        adam = Adam(alpha, str(beta), str(generator.choice(["1e-12", "1e-8", "1e-4", "0.1", "1", "1000"])))
        found = spectral(law, adam)
        expected, scale = exact(law, adam)
        assert abs(found.value[0] - expected) <= 1e-13 * scale
        assert abs(found.value[0] - expected) <= found.error[0] + 1e-15 * scale


@pytest.mark.parametrize("tolerance", [1e-3, 1e-6, 1e-10, 1e-13])
def test_a_tolerance_is_kept_and_coarser_ones_cost_less(tolerance):
    generator = np.random.default_rng(12)
    # More atoms than those whose lags divide the grid.
    atoms = generator.normal(size=(12, 40)) ** 3
    for beta in ("0.5", "0.82", "0.9", "0.99", "0.9999"):
        adam = Adam("0.7", beta, "1e-8")
        fine, found = (quotient(atoms, np.full(40, 1 / 40), adam, tolerance=one) for one in (1e-14, tolerance))
        assert (np.abs(found.value - fine.value) <= tolerance * adam.step_bound).all()
        assert (np.abs(found.value - fine.value) <= found.error + fine.error).all()
        assert (found.error <= tolerance * adam.step_bound + 1.01e-14).all()
        if tolerance > 1e-12 and beta in ("0.82", "0.9"):
            assert found.exponentials.sum() < fine.exponentials.sum()
        if tolerance >= 1e-6:
            # The control: they are other numbers.
            assert (found.value != fine.value).all()


@settings(deadline=None, max_examples=12, derandomize=True)
@given(laws, adams(), st.sampled_from([1e-3, 1e-6, 1e-10, 1e-12]))
def test_no_estimate_is_below_the_error(law, adam, tolerance):
    found = spectral(law, adam, tolerance=tolerance)
    expected, scale = exact(law, adam)
    assert abs(found.value[0] - expected) <= found.error[0] + 1e-15 * scale
    assert abs(found.value[0] - expected) <= tolerance * scale
    assert found.error[0] <= tolerance * scale + 1.01e-14


def test_rare_large_gradients_take_a_finer_grid(monkeypatch):
    # The control variate's slope is large: on the first grid its bound alone is eight times the tolerance.
    generator = np.random.default_rng(13)
    atoms, p, adam = generator.standard_t(3, (20, 600)), np.full(600, 1 / 600), Adam("0.5", "0.5", "1e-8")
    fine, found = (quotient(atoms, p, adam, tolerance=one) for one in (1e-14, 1e-10))
    assert (np.abs(found.value - fine.value) <= found.error + fine.error).all()
    assert (found.error <= 1e-10 * adam.step_bound).all()
    # No exponential is spent on the first grid. The control: there is no finer one, and the estimate says so.
    assert found.exponentials.sum() <= fine.exponentials.sum()
    monkeypatch.setattr(rules, "PER_OCTAVE", (2,))
    alone = quotient(atoms, p, adam, tolerance=1e-10)
    assert alone.error.max() > 2e-10 * adam.step_bound
    assert (np.abs(alone.value - fine.value) <= alone.error + fine.error).all()
    assert (alone.value != found.value).any()


def hard_laws(generator, number, size):
    """Rare atoms and spread ones, where log B has singularities next to the real axis."""
    spread = generator.choice([-1.0, 1.0], (number, size)) * 10 ** generator.uniform(-2, 2, (number, size))
    atoms = np.where(generator.random((number, 1)) < 0.5, spread, generator.normal(size=(number, size)))
    atoms[::3, 0] = 0.0
    probabilities = generator.random((number, size)) ** generator.choice([1, 4, 10], (number, 1)) + 1e-12
    return atoms, probabilities / probabilities.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("per_octave", [1, 2, 3])
def test_estimates_of_the_filters_hold_where_log_b_is_hard_to_interpolate(per_octave, monkeypatch):
    generator, closest = np.random.default_rng(per_octave), 0.0
    for beta in ("0.82", "0.9", "0.95", "0.99"):
        adam = Adam("0.5", beta, "1e-8")
        atoms, p = hard_laws(generator, 400, 34)
        # Here every lag falls on a node, or filters are far finer.
        monkeypatch.setattr(rules, "PER_OCTAVE", (24,))
        expected = quotient(atoms, p, adam)
        monkeypatch.setattr(rules, "PER_OCTAVE", (per_octave,))
        found = quotient(atoms, p, adam, tolerance=1e-3)
        share = np.abs(found.value - expected.value) / found.error
        assert share.max() <= 1
        closest = max(closest, share.max())
    # The control: estimates that are twenty times smaller would be wrong.
    assert closest > 0.05


def test_filters_that_change_too_much_are_replaced_by_those_of_a_finer_grid(monkeypatch):
    # B is next to 0 near the real axis, so that log B is hard to interpolate.
    law, adam = [(0.0, 1), (1.0, 999)], Adam("0.5", "0.85", "1e-8")
    expected, scale = exact(law, adam)
    # Lags are interpolated, as those of many atoms are.
    monkeypatch.setattr(laplace_quadrature, "FEW_ATOMS", 0)
    assert agrees(spectral(law, adam).value[0], law, adam)
    monkeypatch.setattr(rules, "PER_OCTAVE", (3,))
    alone = spectral(law, adam)
    error = abs(alone.value[0] - expected)
    assert 2e-14 * scale < error <= alone.error[0]


@pytest.mark.slow
def test_beta2_next_to_one(monkeypatch):
    # A direct product over eight million lags: it shares nothing with the filters of the coarse grid.
    monkeypatch.setattr(direct_product, "MOST_LATTICE_POINTS", 20_000_000)
    law, adam = [(-1.0, 4), (0.25, 3), (3.0, 1)], Adam("0.9", "0.99999", "1e-8")
    assert agrees(spectral(law, adam).value[0], law, adam)
    wrong = Adam("0.9", "0.99998", "1e-8")
    assert not agrees(spectral(law, wrong).value[0], law, adam)


def test_gradients_that_are_out_of_range_in_units_of_eps_are_refused_in_one_line():
    """No warning of an overflow comes before; a little less and F is there."""
    atoms, half = np.array([[6.7427157e54, 1.8809101e54]]), np.array([0.5, 0.5])
    with pytest.raises(InputError, match="beyond the range of float64"):
        quotient(atoms, half, Adam("0.9", "0.999", "1e-300"))
    found = quotient(atoms, half, Adam("0.9", "0.999", "1e-240"))
    small = quotient(atoms / 1e54, half, Adam("0.9", "0.999", "1e-294"))
    assert abs(found.value[0] - small.value[0]) <= found.error[0] + small.error[0] < 1e-12
