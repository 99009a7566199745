"""Laws of a gradient coordinate: transforms against quadrature in 30 digits, fields against simulation."""

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import scipy.integrate
import scipy.stats
import sympy as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adamsym.field.adam_field import AdamField
from adamsym.field.batches.batch_mean import BatchMean
from adamsym.field.float.laplace_quadrature import quotient
from adamsym.field.laws.gradient_laws import Atoms, Density, Exponential, Mixture, Normal, Uniform
from adamsym.field.laws.law_quotient import TransformAdjoints, law_quotient
from adamsym.field.simulated import time_average
from adamsym.gradients import Independent, Problem
from adamsym.methods import Adam
from adamsym.testing import strategies

X = sp.Symbol("x", real=True)

DENSITIES = {
    "normal": (Normal(0.7, 1.3), lambda x: mpmath.npdf(x, 0.7, 1.3), [-mpmath.inf, -1, 0, 1, mpmath.inf]),
    "narrow normal": (Normal(3, 0.01), lambda x: mpmath.npdf(x, 3, 0.01), [2.8 + k / 100 for k in range(41)]),
    "uniform around 0": (Uniform(-0.5, 2), lambda x: mpmath.mpf(2) / 5, [-0.5, 0, 2]),
    "uniform left": (Uniform(-3, 0.2), lambda x: 1 / (3 + mpmath.mpf(0.2)), [-3, 0, 0.2]),
    "uniform off 0": (Uniform(1, 2), lambda x: mpmath.mpf(1), [1, 1.005, 1.01, 1.02, 1.04, 1.07, 1.12, 1.2, 1.4, 2]),
    "exponential": (Exponential(-1, 2), lambda x: mpmath.exp(-(x + 1) / 2) / 2, [-1, 0, 1, 5, mpmath.inf]),
    "exponential off 0": (
        Exponential(0.5, 1),
        lambda x: mpmath.exp(-(x - 0.5)),
        [0.5, 0.51, 0.55, 0.7, 1, 5, mpmath.inf],
    ),
    "exponential down": (Exponential(1, -2), lambda x: mpmath.exp((x - 1) / 2) / 2, [-mpmath.inf, -5, -1, 0, 1]),
    "density": (
        Density(2 * sp.exp(-2 * X), X, 0, math.inf),
        lambda x: 2 * mpmath.exp(-2 * x),
        [0, 0.01, 0.1, 1, mpmath.inf],
    ),
}


@pytest.mark.parametrize(("law", "density", "breaks"), DENSITIES.values(), ids=DENSITIES)
def test_transforms_are_the_integrals(law, density, breaks):
    times = np.array([1e-6, 0.019, 0.3, 100.0])
    log_b, ratio = law.transforms(times)
    # Quadrature has an absolute error: the largest factor exp(-t x^2) is taken out.
    lowest = mpmath.mpf(breaks[0]) if breaks[0] > 0 else mpmath.mpf(0)
    with mpmath.workdps(30):
        for t, found_b, found_ratio in zip(times, log_b, ratio, strict=True):
            largest = mpmath.exp(-t * lowest**2)
            b = largest * mpmath.quad(lambda x, t=t: density(x) * mpmath.exp(-t * (x * x - lowest**2)), breaks)
            a = largest * mpmath.quad(lambda x, t=t: density(x) * x * mpmath.exp(-t * (x * x - lowest**2)), breaks)
            assert found_b == pytest.approx(float(mpmath.log(b)), rel=2e-13, abs=0)
            assert found_ratio == pytest.approx(float(a / b), rel=2e-12, abs=1e-14)
            # A fault of one part in a million would be seen.
            assert found_b * (1 + 1e-6) != pytest.approx(float(mpmath.log(b)), rel=2e-13, abs=0)
        for k, moment in enumerate(law.moments, start=1):
            assert moment == pytest.approx(float(mpmath.quad(lambda x, k=k: density(x) * x**k, breaks)), rel=1e-10)


@pytest.mark.parametrize(("start", "scale"), [(-1.0, 2.0), (1.0, 0.5), (-3.0, -0.1), (0.0, 1.0)])
def test_exponential_laws_at_every_time(start, scale):
    # Around start = -scale x the exponents z^2 and t start^2 nearly cancel, and each alone is huge.
    times = np.array([1e-8, 1e-2, 0.03, 1.0, 1e4, 1e10, 1e18])
    log_b, ratio = Exponential(start, scale).transforms(times)
    with mpmath.workdps(60):
        for t, found_b, found_ratio in zip(times, log_b, ratio, strict=True):
            sign, a, b = np.sign(scale), mpmath.mpf(start) * np.sign(scale), mpmath.mpf(abs(scale))
            t = mpmath.mpf(t)
            c = 1 / (2 * b * mpmath.sqrt(t))
            z = a * mpmath.sqrt(t) + c
            value = mpmath.sqrt(mpmath.pi) * c * mpmath.exp(a / b + c * c) * mpmath.erfc(z)
            mean = (mpmath.exp(-t * a * a) / value - 1) / (2 * t * b)
            assert found_b == pytest.approx(float(mpmath.log(value)), rel=1e-12, abs=1e-15)
            assert found_ratio == pytest.approx(float(sign * mean), rel=1e-10, abs=1e-14)


@pytest.mark.parametrize(
    "kind", [Uniform, *(pytest.param(kind, marks=pytest.mark.slow) for kind in (Exponential, Normal))]
)
def test_closed_forms_are_those_of_sympy(kind):
    t, a, b = sp.symbols("t a b", positive=True)
    x = sp.Symbol("x", positive=True)
    point = {t: sp.Rational(7, 5), a: sp.Rational(1, 3), b: sp.Rational(5, 4)}
    at = np.array([float(point[t])])
    start, end = float(point[a]), float(point[b])
    integrals = {
        Uniform(start, start + end): lambda g: sp.integrate(g / b, (x, a, a + b)),
        Exponential(start, end): lambda g: sp.integrate(g.subs(x, a + b * x) * sp.exp(-x), (x, 0, sp.oo)),
        Normal(start, end): lambda g: sp.integrate(
            g * sp.exp(-((x - a) ** 2) / (2 * b**2)) / (b * sp.sqrt(2 * sp.pi)), (x, -sp.oo, sp.oo)
        ),
    }
    [(law, integral)] = [(law, integral) for law, integral in integrals.items() if type(law) is kind]
    second = sp.N(integral(sp.exp(-t * x**2)).subs(point), 30)
    first = sp.N(integral(x * sp.exp(-t * x**2)).subs(point), 30)
    log_b, ratio = law.transforms(at)
    assert log_b[0] == pytest.approx(float(sp.log(second)), rel=1e-13)
    assert ratio[0] == pytest.approx(float(first / second), rel=1e-13)


LAWS = {
    "normal": Normal(0.3, 1),
    "uniform": Uniform(-0.5, 2),
    "exponential": Exponential(-1, 2),
    "bernoulli": Atoms.bernoulli(0.3),
    "mixture": Mixture((Normal(-1, 0.1), Uniform(0, 4), Atoms((2.0,), (1.0,))), (0.5, 0.3, 0.2)),
    "density": Density(sp.Rational(3, 4) * (1 - X**2), X, -1, 1),
    "batch": BatchMean(np.array([-1.0, 0.5, 4.0]), np.array([0.3, 0.5, 0.2]), 5),
}


@pytest.mark.parametrize("adam", [Adam("0.9", "0.99", "1e-2"), Adam("0.5", "0.9", "1e-8")], ids=str)
@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_the_field_of_a_law_is_its_time_average(law, adam):
    estimate = time_average(lambda generator, shape: law.sample(generator, shape)[..., None], adam, 1, 4000, 32)
    found = law_quotient(law, adam)
    assert 0 < estimate.standard_error[0] < 0.03
    assert abs(found.value - estimate.value[0]) <= 5 * estimate.standard_error[0]
    # Another law, moved by a tenth, is told apart by longer runs: see the exact comparisons below.
    assert found.error < 1e-12


PAIRS = {
    "uniform": (Uniform(-0.5, 2), Density(sp.Rational(2, 5), X, -0.5, 2)),
    "uniform off 0": (Uniform(1, 2), Density(sp.Integer(1), X, 1, 2)),
    "exponential": (Exponential(-1, 2), Density(sp.exp(-(X + 1) / 2) / 2, X, -1, math.inf)),
    "normal": (Normal(0.5, 2), Density(sp.exp(-((X - 0.5) ** 2) / 8) / (2 * sp.sqrt(2 * sp.pi)), X)),
    "mixture": (
        Mixture((Normal(0, 1), Normal(0, 1), Uniform(0, 1)), (0.25, 0.25, 0.5)),
        Mixture((Normal(0, 1), Density(sp.Integer(1), X, 0, 1)), (0.5, 0.5)),
    ),
}
ADAMS = [
    Adam("0.9", "0.999"),
    Adam("0.9", "0.99999", "1e-3"),
    Adam("0.9", "0.9", "0.1"),
    Adam("0.3", "0.5"),
    Adam("0.1", "0.02", "1e-4"),
    Adam(0, 0, "0.1"),
]


@pytest.mark.parametrize("adam", ADAMS, ids=str)
@pytest.mark.parametrize(("first", "second"), PAIRS.values(), ids=PAIRS)
def test_two_ways_to_one_law(first, second, adam):
    one, other = law_quotient(first, adam), law_quotient(second, adam)
    assert one.value == pytest.approx(other.value, abs=5e-13 * adam.step_bound)


@pytest.mark.parametrize("adam", ADAMS, ids=str)
def test_atoms_agree_with_the_compiled_path(adam):
    law = Atoms((-1.0, 0.5, 4.0), (0.3, 0.5, 0.2))
    expected = quotient(np.array([law.values]), np.array(law.probabilities), adam).value[0]
    assert law_quotient(law, adam).value == pytest.approx(expected, abs=1e-13 * adam.step_bound)
    shifted = Atoms((-1.0, 0.5, 4.0 + 1e-9), (0.3, 0.5, 0.2))
    assert law_quotient(shifted, adam).value != pytest.approx(expected, abs=1e-13 * adam.step_bound)


@pytest.mark.parametrize(
    "law",
    [Exponential(-18.68, 0.0173), Exponential(18.68, -0.0173), Atoms((-29.0, 30.0), (1e-300, 1.0))],
    ids=str,
)
def test_transforms_stay_finite_where_all_factors_underflow(law):
    """exp(-t g^2) is below every float for all atoms that have a weight."""
    t = np.geomspace(0.1, 3, 9)
    log_b, ratio = law.transforms(t)
    nearest, farthest = (17.0, 18.7) if isinstance(law, Exponential) else (29.0, 30.0)
    assert (-t * farthest**2 - 1e-9 <= log_b).all()
    assert (log_b <= -t * nearest**2 + 1e-9).all()
    assert (np.abs(ratio) >= nearest - 1e-9).all()
    assert (np.abs(ratio) <= farthest + 1e-9).all()


def test_times_beyond_all_floats_are_refused_or_not_needed():
    for law in (Exponential(-0.0379, 0.142), Exponential(0.0379, -0.142), Exponential(0.0, 1.0)):
        with pytest.raises(ValueError, match="raise beta2 or eps"):
            law_quotient(law, Adam(0, 0, "1e-300"))
        assert abs(law_quotient(law, Adam(0, "0.5", "1e-300")).value) < 1


def listed(law):
    """The law of the mean with every ordered minibatch listed."""
    draws = list(itertools.product(range(len(law.atoms)), repeat=law.size))
    means = np.array([law.atoms[list(draw)].mean() for draw in draws])
    weights = np.array([law.probabilities[list(draw)].prod() for draw in draws])
    return quotient_atoms(means, weights / weights.sum())


def quotient_atoms(values, probabilities):
    return lambda adam: quotient(values[None], probabilities, adam).value[0]


@pytest.mark.parametrize("adam", [a for a in ADAMS if a.beta2 >= 0.5], ids=str)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_batches_agree_with_listing(size, adam):
    laws = [([-1.0, 0.5, 4.0], [0.3, 0.5, 0.2]), ([10.0, 10.5, 11.0], [0.2, 0.2, 0.6])]
    if adam.beta2 >= 0.9:
        laws.append(([-1.0, 1.0], [0.5, 0.5]))
    for atoms, probabilities in laws:
        law = BatchMean(np.array(atoms), np.array(probabilities), size)
        found = law_quotient(law, adam).value
        assert found == pytest.approx(listed(law)(adam), abs=2e-13 * adam.step_bound)


@pytest.mark.parametrize(
    "adam", [Adam("0.9", "0.99", "1e-2"), Adam("0.5", "0.9", "1"), Adam("0.3", "0.5", "0.1")], ids=str
)
@pytest.mark.parametrize("size", [1, 4, 60])
@pytest.mark.parametrize("count", [3, 80])
def test_sensitivity_of_a_batch_mean(count, size, adam):
    generator = np.random.default_rng(count)
    atoms, p = generator.normal(2.0, 1.0, size=count), generator.dirichlet(np.ones(count))
    law = BatchMean(atoms, p, size)
    found = law.sensitivity(law_quotient(law, adam, adjoints=True).adjoints)
    for chosen in (0, count - 1):
        step = np.zeros(count)
        step[chosen] = 1e-4
        ends = [law_quotient(BatchMean(atoms + sign * step, p, size), adam).value for sign in (1, -1)]
        expected = (ends[0] - ends[1]) / 2e-4
        assert found[chosen] == pytest.approx(expected, rel=1e-5, abs=2e-11)
        assert found[chosen] * 1.01 != pytest.approx(expected, rel=1e-5, abs=2e-11)


def test_large_batches():
    # At mean 0 the field is that of the skewness, which falls like B^(-1/2) (theory T7).
    generator = np.random.default_rng(1)
    atoms = generator.exponential(size=300)
    atoms -= atoms.mean()
    found = {}
    for size in (16, 128, 1024):
        batch = law_quotient(BatchMean(atoms, np.full(300, 1 / 300), size), Adam("0.9", "0.999", "1e-6"))
        assert batch.error < 1e-13
        found[size] = batch.value * math.sqrt(size)
    skewness = (atoms**3).mean() / (atoms**2).mean() ** 1.5
    expected = -0.5 * skewness * 0.001 * 0.1 / (1 - 0.9 * 0.999)
    assert found[1024] == pytest.approx(expected, rel=0.02)
    assert found[128] == pytest.approx(found[1024], rel=0.01)
    assert found[16] == pytest.approx(found[1024], rel=0.05)


def test_a_batch_mean_that_is_often_0_needs_memory():
    law = BatchMean(np.array([-1.0, 1.0]), np.array([0.5, 0.5]), 2)
    with pytest.raises(ValueError, match="raise eps or beta2, or list them"):
        law_quotient(law, Adam("0.3", "0.5"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Normal(0, 0),
        lambda: Normal(math.nan, 1),
        lambda: Uniform(1, 1),
        lambda: Exponential(0, 0),
        lambda: Exponential(math.inf, 1),
        lambda: Atoms((), ()),
        lambda: Atoms((1.0,), (0.5,)),
        lambda: Atoms.bernoulli(1.5),
        lambda: Mixture((), ()),
        lambda: Mixture((Normal(0, 1),), (0.5,)),
        lambda: Mixture((Normal(0, 1), Uniform(0, 1)), (1.0, 0.0)),
        lambda: Density(sp.exp(-X), X, 1, 0),
        lambda: Density(sp.exp(-X), X, 0, 1),
        lambda: Density(X, X, -1, 1),
        lambda: Density(sp.Symbol("y") * X, X, 0, 1),
        lambda: BatchMean(np.array([1.0]), np.array([1.0]), 0),
        lambda: BatchMean(np.array([np.nan]), np.array([1.0]), 2),
        lambda: BatchMean(np.array([]), np.array([]), 2),
    ],
)
def test_bad_laws(make):
    with pytest.raises(ValueError, match=r"\w+: "):
        make()


def test_moments_of_batch_means_are_those_of_listed_minibatches():
    atoms, p = np.array([-1.0, 0.25, 3.0]), np.array([0.5, 0.3, 0.2])
    for size in (1, 2, 4):
        drawn = np.array(list(itertools.product(range(3), repeat=size)))
        means, weights = atoms[drawn].mean(axis=1), p[drawn].prod(axis=1)
        expected = [weights @ means**k for k in (1, 2, 3, 4)]
        np.testing.assert_allclose(BatchMean(atoms, p, size).moments, expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("law", "frozen", "share"),
    [
        (Normal(0, 2), scipy.stats.norm(0, 2), 1e-20),
        (Normal(-3, 0.5), scipy.stats.norm(-3, 0.5), 1e-20),
        (Exponential(0, 2), scipy.stats.expon(0, 2), 1e-14),
        (Exponential(1, 0.5), scipy.stats.expon(1, 0.5), 1e-14),
    ],
)
def test_hardly_anything_lies_beyond_the_extent(law, frozen, share):
    ends = [(law.magnitude_bound, np.inf), (-np.inf, -law.magnitude_bound)]
    beyond = sum(scipy.integrate.quad(lambda g: g * g * frozen.pdf(g), *end)[0] for end in ends)
    assert beyond < share * law.moments[1]


def test_batch_means_take_as_many_nodes_as_are_allowed(monkeypatch):
    law = BatchMean(np.array([-1.0, 0.25, 3.0]), np.array([0.5, 0.3, 0.2]), 4)
    most = len(law._rule(10.0)[0]) - 1
    monkeypatch.setattr("adamsym.field.batches.batch_mean._MOST_NODES", most)
    assert len(law._rule(10.0)[0]) == most + 1
    monkeypatch.setattr("adamsym.field.batches.batch_mean._MOST_NODES", most - 1)
    with pytest.raises(ValueError, match="too large"):
        law._rule(10.0)


@pytest.mark.parametrize("size", [1, 2, 7])
def test_derivatives_of_the_moments_of_batch_means(size):
    """E y, E y^2 and Cov(y, y^2) in each atom, by differences."""
    atoms, p, h = np.array([-1.0, 0.25, 3.0]), np.array([0.5, 0.3, 0.2]), 1e-5

    def used(atoms):
        first, second, third, _ = BatchMean(atoms, p, size).moments
        return np.array([first, second, third - first * second])

    shifts = h * np.eye(3)
    known = [
        (used(atoms + shift) - used(atoms - shift)) / (2 * h * weight) for shift, weight in zip(shifts, p, strict=True)
    ]
    law, none = BatchMean(atoms, p, size), np.empty(0)
    found = [law._from_moments(TransformAdjoints(none, none, none, *one)) for one in np.eye(3)]
    np.testing.assert_allclose([np.broadcast_to(one, 3) for one in found], np.transpose(known), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("part", [0, 1])
def test_transforms_that_are_not_numbers_somewhere_are_refused(monkeypatch, part):
    transforms = Normal.transforms

    def one_is_missing(self, t):
        found = [np.array(one) for one in transforms(self, t)]
        found[part][len(t) // 2] = math.nan
        return tuple(found)

    law_quotient(Normal(1, 2), Adam("0.5", "0.9", "0.1"))
    monkeypatch.setattr(Normal, "transforms", one_is_missing)
    with pytest.raises(ValueError, match="not finite"):
        law_quotient(Normal(1, 2), Adam("0.5", "0.9", "0.1"))


# --- drawn laws -------------------------------------------------------------------------------------------------------

few = settings(max_examples=10, deadline=None)
sizes = st.integers(1, 40).map(lambda k: k / 8)
places = st.integers(-40, 40).map(lambda k: k / 8)
factors = st.sampled_from([0.25, 3.0, -1.0, -0.5])
times = st.lists(st.integers(-6, 3).map(lambda k: 10.0**k), min_size=1, max_size=4).map(np.array)
atoms_and_weights = strategies.laws().map(lambda law: (law.rows[:, 0], law.probabilities))
KINDS = {
    Normal: (lambda a, b: Normal(a, b), lambda law, c: Normal(c * law.mean, abs(c) * law.deviation)),
    Uniform: (lambda a, b: Uniform(a, a + b), lambda law, c: Uniform(*sorted((c * law.low, c * law.high)))),
    Exponential: (lambda a, b: Exponential(a, b), lambda law, c: Exponential(c * law.start, c * law.scale)),
    Atoms: (
        lambda a, b: Atoms((a, b), (0.75, 0.25)),
        lambda law, c: Atoms(tuple(c * x for x in law.values), (0.75, 0.25)),
    ),
    Mixture: (
        lambda a, b: Mixture((Normal(a, b), Uniform(a, a + b)), (0.25, 0.75)),
        lambda law, c: Mixture(tuple(times_factor(part, c) for part in law.components), law.weights),
    ),
}
"""Laws made of a place and a size, and each law of the gradient times a factor."""

drawn_laws = st.builds(
    lambda kind, place, size: KINDS[kind][0](place, size), st.sampled_from(list(KINDS)), places, sizes
)


def times_factor(law, factor):
    return KINDS[type(law)][1](law, factor)


@given(drawn_laws, factors, times)
def test_a_gradient_times_a_factor_has_the_transforms_at_another_time(law, factor, t):
    log_b, ratio = times_factor(law, factor).transforms(t)
    expected_b, expected_ratio = law.transforms(factor**2 * t)
    np.testing.assert_allclose(log_b, expected_b, rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(ratio, factor * expected_ratio, rtol=1e-10, atol=1e-13)
    powers = factor ** np.arange(1, 5)
    np.testing.assert_allclose(times_factor(law, factor).moments, powers * law.moments, rtol=1e-12, atol=1e-12)


@few
@given(drawn_laws, st.sampled_from([0.25, 3.0]), strategies.adams())
def test_a_gradient_and_eps_times_a_factor_have_the_same_field(law, factor, adam):
    value = law_quotient(law, adam)
    again = law_quotient(times_factor(law, factor), Adam(adam.alpha, adam.beta, adam.epsilon * Fraction(factor)))
    assert again.value == pytest.approx(value.value, abs=1e-11 * adam.step_bound)
    mirrored = law_quotient(times_factor(law, -1.0), adam)
    assert mirrored.value == pytest.approx(-value.value, abs=1e-11 * adam.step_bound)
    assert abs(value.value) <= adam.step_bound * (1 + 1e-12)


@few
@given(atoms_and_weights, strategies.adams())
def test_drawn_atoms_have_the_field_of_the_compiled_path(drawn, adam):
    values, weights = drawn
    expected = quotient(values[None], weights, adam).value[0]
    alone = Mixture(tuple(Atoms((x,), (1.0,)) for x in values), tuple(weights))
    for law in (Atoms(tuple(values), tuple(weights)), alone):
        assert law_quotient(law, adam).value == pytest.approx(expected, abs=1e-12 * adam.step_bound)


@few
@given(st.sampled_from([Normal, Uniform, Exponential]), places, sizes, times)
def test_drawn_densities_have_the_transforms_of_their_closed_forms(kind, place, size, t):
    # Panels are as wide as they are far from 0 and from the ends: too wide for a peak that is narrow and far.
    assume(kind is not Normal or abs(place) <= 8 * size)
    exact = {"a": sp.Rational(place), "b": sp.Rational(size)}
    density, low, high = {
        Normal: (
            sp.exp(-((X - exact["a"]) ** 2) / (2 * exact["b"] ** 2)) / (exact["b"] * sp.sqrt(2 * sp.pi)),
            -np.inf,
            np.inf,
        ),
        Uniform: (1 / exact["b"], place, place + size),
        Exponential: (sp.exp(-(X - exact["a"]) / exact["b"]) / exact["b"], place, np.inf),
    }[kind]
    closed = KINDS[kind][0](place, size)
    found = Density(density, X, low, high)
    for one, other in zip(found.transforms(t), closed.transforms(t), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-11)
    np.testing.assert_allclose(found.moments, closed.moments, rtol=1e-9, atol=1e-9)


@few
@given(atoms_and_weights, st.integers(1, 3), strategies.adams())
def test_the_mean_of_a_drawn_batch_is_that_of_its_listed_draws(drawn, size, adam):
    atoms, weights = drawn
    law = BatchMean(atoms, weights, size)
    draws = np.array(list(itertools.product(range(len(atoms)), repeat=size)))
    means, chances = atoms[draws].mean(axis=1), weights[draws].prod(axis=1)
    np.testing.assert_allclose(law.moments, [chances @ means**k for k in (1, 2, 3, 4)], rtol=1e-11, atol=1e-12)
    t = np.array([1e-4, 0.01, 0.3])
    log_b, ratio = law.transforms(t)
    terms = chances * np.exp(-t[:, None] * means**2)
    # Its accuracy is absolute: log B is cut where exp(-t g^2) is rounding error.
    np.testing.assert_allclose(np.exp(log_b), terms.sum(axis=1), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(np.exp(log_b) * ratio, terms @ means, atol=1e-12 * (1 + np.abs(means).max()))


@pytest.mark.parametrize("law", ["Normal(1, 2)", "Uniform(0, 1)", "Exponential(2)"])
def test_where_the_noise_vanishes_the_gradient_is_one_atom(law):
    """g = a x + b at a = 0: f = -b/(|b| + eps), and the field is continuous there."""
    field = AdamField(Problem("a*b*x + b**2/2", ["a", "b"], Independent({"x": law})), Adam("0.5", "0.9", "0.1"))
    at, near = field([[0.0, 0.7], [1e-7, 0.7]])[:, 1]
    assert at == pytest.approx(-0.7 / 0.8, rel=1e-13)
    assert abs(at - near) < 1e-6
