"""F of minibatches by Gauss rules, beside every minibatch listed and beside the exact transforms."""

import importlib
import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField, BatchMean, batch_quotient, law_quotient, quotient
from adamsym.field.batches.batch_slopes import chebyshev_coefficients, chebyshev_places, chebyshev_values
from adamsym.field.batches.gauss_rules import mean_rules, rules_of_means
from adamsym.gradients import Empirical, PerRowGradients, Problem
from adamsym.gradients.batches import batch_numbers
from adamsym.methods import Adam
from adamsym.methods.kernels import RootPlusEps
from adamsym.methods.laplace import LagWeights, LaplaceForm

module = importlib.import_module("adamsym.field.batches.batch_quotient")
BETAS = ["0", "0.5", "0.9", "0.99", "0.999", "0.9999"]


def listed(atoms, p, size):
    """Every mean of ``size`` draws, added up exactly, and its probability."""
    counts = batch_numbers(len(atoms), size)
    exact = [Fraction(float(g)) for g in atoms]
    means = [float(sum((int(k) * g for k, g in zip(row, exact, strict=True)), Fraction(0)) / size) for row in counts]
    logs = [
        math.lgamma(size + 1) + sum(k * math.log(q) - math.lgamma(k + 1) for k, q in zip(row, p, strict=True))
        for row in counts
    ]
    weights = np.exp(logs)
    return np.array(means)[weights > 0], weights[weights > 0] / weights.sum()


def misses(found, atoms, p, size, method):
    """By how much an estimate is below the error, beside the listing and its own estimate."""
    means, weights = listed(atoms, p, size)
    truth = quotient(means[None], weights, method)
    return abs(found.value[0] - truth.value[0]) - found.error[0] - truth.error[0]


def drawn_law(rng):
    """Few atoms of one of several kinds, most of them hard for a rule."""
    n = int(rng.integers(1, 7))
    atoms = rng.normal(size=n)
    kind = rng.integers(8)
    if kind == 1:
        atoms = atoms * 10 ** rng.uniform(-8, 8, size=n)
    elif kind == 2:
        atoms = np.append(np.zeros(2), atoms)
    elif kind == 3:
        atoms = 1 + 10 ** rng.uniform(-9, 0) * atoms
    elif kind == 4:
        atoms = np.append(1e-6 * atoms, 10 ** rng.uniform(0, 6))
    elif kind == 5:
        atoms = np.full(n, atoms[0])
    elif kind == 6:
        atoms = rng.choice([-1.0, 0.0, 1.0], size=n) + 10 ** rng.uniform(-10, -1) * atoms
    elif kind == 7:
        atoms = rng.standard_cauchy(size=n)
    p = rng.dirichlet(np.full(len(atoms), 10 ** rng.uniform(-1, 1))) + 1e-12
    if kind == 2:
        p[0] = 9 * p[1:].sum()
    if rng.random() < 0.3:
        p *= 10 ** rng.uniform(-9, 0, size=len(atoms))
    return atoms, p / p.sum()


def drawn_case(seed):
    rng = np.random.default_rng([seed, 3])
    atoms, p = drawn_law(rng)
    beta = str(rng.choice(BETAS))
    alpha = "0" if beta == "0" else str(rng.choice(["0", "0.5"]))
    adam = Adam(alpha, beta, str(rng.choice(["1e-14", "1e-8", "1e-3", "1"])))
    size = int(rng.integers(1, 9))
    while math.comb(size + len(atoms) - 1, size) > 2000:
        size -= 1
    return atoms, p, size, adam, float(rng.choice([1e-13, 1e-10, 1e-6]))


def check_within_its_estimate(seeds):
    made = 0
    for seed in seeds:
        atoms, p, size, adam, tolerance = drawn_case(seed)
        try:
            found = batch_quotient(atoms[None], p, size, adam, tolerance=tolerance)
        except InputError:
            # Neither rules nor transforms: only without memory to speak of.
            assert adam.beta2 < 0.9
            continue
        made += 1
        assert misses(found, atoms, p, size, adam) <= 0, seed
    return made


def test_minibatches_are_within_their_own_estimate_of_the_listing():
    assert check_within_its_estimate(range(60)) > 45


@pytest.mark.slow
def test_many_minibatches_are_within_their_own_estimate_of_the_listing():
    assert check_within_its_estimate(range(60, 3000)) > 2200


def two_scales(rng):
    """Many atoms near 0, at a scale of their own, and many far off: what tempts few nodes to agree."""
    n = int(rng.integers(20, 45))
    near = rng.random(n) < rng.choice([0.3, 0.9, 0.99])
    width = 10 ** rng.uniform(-6, -0.5)
    atoms = np.where(near, width, 1.0) * (rng.normal(size=n) if rng.random() < 0.5 else rng.standard_t(2, size=n))
    p = np.where(near, 10 ** rng.uniform(0, 3), 1.0)
    return atoms, p / p.sum()


@pytest.mark.parametrize("count", [6, pytest.param(300, marks=pytest.mark.slow)])
def test_laws_of_two_scales_are_within_their_own_estimate_of_the_listing(count):
    for seed in range(count):
        rng = np.random.default_rng([seed, 5])
        atoms, p = two_scales(rng)
        adam = Adam("0", str(rng.choice(["0.3", "0.5", "0.7", "0.9", "0.99"])), str(rng.choice(["1e-8", "1"])))
        try:
            found = batch_quotient(atoms[None], p, 2, adam, tolerance=float(rng.choice([1e-13, 1e-6])))
        except InputError:
            continue
        assert misses(found, atoms, p, 2, adam) <= 0, seed


def test_few_nodes_without_a_second_rule_are_found_out():
    rng = np.random.default_rng(1)
    atoms, p, size, adam = rng.normal(size=6), np.full(6, 1 / 6), 5, Adam("0.5", "0.9", "1e-8")
    rule = np.empty((1, 3)), np.empty((1, 3))
    mean_rules(atoms[None], p[None], size, size, (rule,))
    alone = quotient(rule[0], rule[1] / rule[1].sum(), adam)
    assert misses(alone, atoms, p, size, adam) > 1e-6
    found = batch_quotient(atoms[None], p, size, adam)
    assert misses(found, atoms, p, size, adam) <= 0
    assert found.error[0] < 1e-12


@pytest.mark.parametrize("size", [2, 3, 7, 12])
def test_rules_have_twice_as_many_moments_as_nodes(size):
    rng = np.random.default_rng(size)
    atoms, p = [-1.0, 0.2, 1.5] + 0.2 * rng.normal(size=(11, 3)), np.array([0.3, 0.3, 0.4])
    rules = [(np.empty((11, m)), np.empty((11, m))) for m in (2, 4, 5)]
    mean_rules(atoms, p[None], size, size + 1, tuple(rules))
    for law, row in enumerate(atoms):
        means, weights = listed(row, p, size)
        sums = means * size / (size + 1)
        for nodes, own in rules:
            degrees = np.arange(2 * nodes.shape[1])
            known = weights @ sums[:, None] ** degrees
            largest = weights @ np.abs(sums[:, None]) ** degrees
            np.testing.assert_allclose(own[law] @ nodes[law][:, None] ** degrees, known, atol=1e-12 * largest.max())
            # One moment more is another one.
            next_one = weights @ sums ** (2 * nodes.shape[1])
            if len(means) > nodes.shape[1]:
                assert own[law] @ nodes[law] ** (2 * nodes.shape[1]) < next_one * (1 - 1e-9)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=10)
def test_rules_that_are_kept_are_those_that_were_asked_for(seed):
    rng = np.random.default_rng(seed)
    atoms, p = rng.normal(size=(2, 5)), rng.dirichlet(np.ones(5))
    changed = [
        (atoms, p, 7, 7),
        (atoms * (1 + 2**-52), p, 7, 7),
        (atoms, p[::-1].copy(), 7, 7),
        (atoms, p, 6, 7),
        (atoms, p, 7, 6),
        (atoms[:1], p, 7, 7),
    ]
    asked = [*changed, *changed]
    rng.shuffle(asked)
    for law, own, draws, divisor in asked:
        nodes, weights = np.empty((2, len(law), 4))
        mean_rules(law, own[None], draws, divisor, ((nodes, weights),))
        ((kept_nodes, kept_weights),) = rules_of_means(law, own[None], draws, divisor, (4,))
        assert np.array_equal(nodes, kept_nodes), "another law's rule"
        assert np.array_equal(weights, kept_weights), "another law's rule"
        with pytest.raises(ValueError, match="read-only"):
            kept_nodes[0] = 0.0


def test_transforms_of_rules_keep_to_the_bound_of_the_theory():
    """|B_m - B| <= 4 e^-tau sum_{k >= m} I_k(tau), tau = t G^2/2, and |A_m - A| at most G times that (theory T4)."""
    rng, closest = np.random.default_rng(8), 0.0
    for _ in range(40):
        atoms, p = rng.normal(size=(1, 20)), rng.dirichlet(np.ones(20))
        nodes, weights = np.empty((2, 1, int(rng.integers(2, 8))))
        mean_rules(atoms, p[None], 1, 1, ((nodes, weights),))
        largest = np.abs(atoms).max()
        for t in 10 ** rng.uniform(-1, 1.5, size=4) / largest**2:
            bound = 4 * scipy.special.ive(np.arange(nodes.size, nodes.size + 200), t * largest**2 / 2).sum()
            b = np.exp(-t * nodes**2) @ weights[0] - np.exp(-t * atoms**2) @ p
            a = (nodes * np.exp(-t * nodes**2)) @ weights[0] - (atoms * np.exp(-t * atoms**2)) @ p
            assert abs(b[0]) <= bound + 1e-14
            assert abs(a[0]) <= largest * bound + 1e-14
            closest = max(closest, abs(b[0]) / bound)
    assert closest > 0.03


def networks_law(rng, n=300):
    """Heavy tails and many zeros, as in a network's gradients."""
    atoms = rng.standard_t(3, size=n) * rng.exponential(size=n)
    atoms[rng.random(n) < 0.5] = 0.0
    return atoms + 0.01 * rng.normal()


@pytest.mark.parametrize(
    ("beta", "size", "tolerance"),
    [
        ("0.999", 32, 1e-13),
        ("0.99", 7, 1e-13),
        pytest.param("0.9", 256, 1e-10, marks=pytest.mark.slow),
        ("0.999", 4096, 1e-13),
    ],
)
def test_rules_agree_with_the_exact_transforms(beta, size, tolerance):
    rng = np.random.default_rng(size)
    laws, adam, p = np.array([networks_law(rng) for _ in range(2)]), Adam("0.9", beta, "1e-8"), np.full(300, 1 / 300)
    found = batch_quotient(laws, p, size, adam, sensitivity=True, tolerance=tolerance)
    assert (found.exponentials > 0).all()
    for k, law in enumerate(laws):
        mean = BatchMean(law, p, size)
        exact = law_quotient(mean, adam, adjoints=True)
        slopes = mean.sensitivity(exact.adjoints)
        assert abs(found.value[k] - exact.value) <= found.error[k] + exact.error
        assert found.error[k] < 2 * tolerance + 1e-12 * adam.step_bound
        allowed = (1e-11 + 2 * tolerance) * np.abs(slopes).max()
        np.testing.assert_allclose(found.sensitivity[k], slopes, atol=allowed, rtol=0)
        assert not np.allclose(found.sensitivity[k] * (1 + 1e-9), slopes, atol=allowed, rtol=0)


@pytest.mark.parametrize(("beta", "size"), [("0.9", 5), ("0.999", 2)])
def test_sensitivities_are_differences(beta, size):
    rng = np.random.default_rng(2)
    atoms, p, adam = networks_law(rng, 40), rng.dirichlet(np.ones(40)), Adam("0.5", beta, "1e-8")
    direction = rng.normal(size=40) / np.sqrt(40)
    found = batch_quotient(atoms[None], p, size, adam, sensitivity=True).sensitivity[0]
    step = 1e-3 * np.sqrt(p @ atoms**2)
    shifts = np.array([1, -1, 2, -2])
    one, back, two, far = batch_quotient(atoms + step * shifts[:, None] * direction, p, size, adam).value
    difference = (8 * (one - back) - (two - far)) / (12 * step)
    assert found @ direction == pytest.approx(difference, abs=1e-9 * np.abs(found).sum())


def test_laws_and_threads_do_not_matter_to_each_other(monkeypatch):
    rng = np.random.default_rng(7)
    laws, p = np.array([networks_law(rng, 30) for _ in range(45)]), rng.dirichlet(np.ones(30))
    laws[3], laws[17] = 0.0, 2.5
    monkeypatch.setattr(module, "_LAWS_AT_ONCE", 16)
    adam = Adam("0.9", "0.99", "1e-8")
    alone = batch_quotient(laws, p, 5, adam, sensitivity=True)
    together = batch_quotient(laws, p, 5, adam, sensitivity=True, threads=3)
    mirrored = batch_quotient(laws[::-1], p, 5, adam, sensitivity=True)
    for name in ("value", "error", "inverse", "sensitivity", "exponentials"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(together, name))
        np.testing.assert_array_equal(getattr(alone, name), getattr(mirrored, name)[::-1])


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(-100, 100).filter(lambda g: abs(g) > 1e-3 or g == 0))
def test_batches_of_one_value_are_that_value(size, value):
    found = batch_quotient(np.full((1, 5), value), np.full(5, 0.2), size + 1, Adam("0", "0", "0.1"), sensitivity=True)
    exact = value / (abs(value) + 0.1)
    assert abs(found.value[0] - exact) <= found.error[0] <= 1e-12
    # Each draw has a part in the mean, and all of them together move it as one.
    assert found.sensitivity.sum() == pytest.approx((0.1 / (abs(value) + 0.1) ** 2), rel=1e-8)


def test_what_has_no_rule_goes_by_the_exact_transforms(monkeypatch):
    rng = np.random.default_rng(3)
    law, p, adam = rng.normal(2.0, 1.0, size=(1, 30)), np.full(30, 1 / 30), Adam("0.3", "0.9", "0.1")
    monkeypatch.setattr(module, "_NODES", (2,))
    found = batch_quotient(law, p, 4, adam, sensitivity=True)
    mean = BatchMean(law[0], p, 4)
    exact = law_quotient(mean, adam, adjoints=True)
    assert found.value[0] == pytest.approx(exact.value, abs=1e-14)
    assert found.error[0] == pytest.approx(exact.error, rel=1e-3)
    assert found.exponentials[0] == 0
    slopes = mean.sensitivity(exact.adjoints)
    np.testing.assert_allclose(found.sensitivity[0], slopes, atol=1e-12 * np.abs(slopes).max(), rtol=0)
    # An atom that is listed twice has its probability divided, and so is the derivative.
    halves = np.append(p, p[0] / 2)
    halves[0] /= 2
    twice = batch_quotient(np.append(law, law[:, :1], axis=1), halves, 4, adam, sensitivity=True)
    assert twice.value[0] == pytest.approx(exact.value, abs=1e-14)
    joined = np.append(twice.sensitivity[0, 0] + twice.sensitivity[0, -1], twice.sensitivity[0, 1:-1])
    np.testing.assert_allclose(joined, slopes, atol=1e-12 * np.abs(slopes).max(), rtol=0)

    # Where those fail too, minibatches are listed if they are few; else the rules' value stands with what it is worth,
    # or is refused.
    def refuse(*_arguments, **_options):
        raise InputError("too large")

    monkeypatch.setattr(module, "law_quotient", refuse)
    by_listing = batch_quotient(law, p, 4, adam, sensitivity=True)
    assert by_listing.exponentials[0] > 0
    assert abs(by_listing.value[0] - exact.value) <= by_listing.error[0] + exact.error
    assert by_listing.error[0] < 1e-12
    np.testing.assert_allclose(by_listing.sensitivity[0], slopes, atol=1e-11 * np.abs(slopes).max(), rtol=0)
    monkeypatch.setattr(module, "can_list", lambda _values, _size: False)
    monkeypatch.setattr(module, "_LEAST_ACCURACY", 0.5)
    rough = batch_quotient(law, p, 4, adam)
    assert abs(rough.value[0] - exact.value) <= rough.error[0] + exact.error
    assert rough.error[0] > 1e-9
    monkeypatch.setattr(module, "_LEAST_ACCURACY", 1e-12)
    with pytest.raises(InputError, match="too large"):
        batch_quotient(law, p, 4, adam)


@pytest.mark.parametrize("nonzero", [1, 2, 7])
def test_laws_of_a_few_nonzero_atoms(nonzero):
    """The mean is nearly always 0, so that its smallest values count and no transform has nodes enough."""
    rng = np.random.default_rng(nonzero)
    atoms, p, adam = np.zeros((1, 400)), np.full(400, 1 / 400), Adam("0.5", "0.9", "1e-6")
    chosen = rng.choice(400, nonzero, replace=False)
    atoms[0, chosen] = rng.normal(0.5, 1.0, size=nonzero)
    few = np.append(atoms[0, chosen], 0.0)
    shares = np.append(p[chosen], 1 - nonzero / 400)
    found = batch_quotient(atoms, p, 2, adam, sensitivity=True)
    assert misses(found, few, shares, 2, adam) <= 0
    with pytest.raises(InputError, match="too large"):
        law_quotient(BatchMean(few, shares, 2), adam)
    # The derivative along the atoms themselves is that in their scale.
    step = 1e-2
    ends = [batch_quotient((1 + sign * step) * atoms, p, 2, adam).value[0] for sign in (1, -1)]
    size = np.abs(found.sensitivity[0] * atoms[0]).sum()
    assert found.sensitivity[0] @ atoms[0] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-9 * size + 1e-9)


def test_without_memory_rules_are_not_trusted():
    rng = np.random.default_rng(11)
    atoms, p = rng.normal(size=40) * 10 ** rng.uniform(-9, 0, size=40), np.full(40, 1 / 40)
    with pytest.raises(InputError, match="raise eps or beta2"):
        batch_quotient(atoms[None], p, 8, Adam("0", "0", "1e-8"))


def test_other_forms_have_minibatches_too():
    rng = np.random.default_rng(4)
    atoms, p = rng.normal(0.2, 1.0, size=3), np.full(3, 1 / 3)
    long = LaplaceForm(
        LagWeights((Fraction(1, 2), Fraction(1, 4), Fraction(1, 8)), ()),
        Fraction(99, 100),
        RootPlusEps(Fraction(1, 10)),
    )
    found = batch_quotient(atoms[None], p, 2, long)
    assert misses(found, atoms, p, 2, long) <= 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size"),
        ({"tolerance": 0.0}, "tolerance"),
        ({"threads": 0}, "threads"),
        ({"probabilities": np.full(3, 0.5)}, "probabilities"),
        ({"probabilities": np.full((2, 3), 1 / 3)}, "probabilities"),
        ({"atoms": np.full((2, 3), np.nan)}, "atoms"),
    ],
)
def test_wrong_arguments(arguments, message):
    given = {"atoms": np.ones((2, 3)), "probabilities": np.full(3, 1 / 3), "size": 4, "method": Adam(), **arguments}
    with pytest.raises(InputError, match=message):
        batch_quotient(**given)


@given(st.integers(1, 30), st.integers(0, 10**6))
def test_chebyshev_series(count, seed):
    coefficients = np.random.default_rng(seed).normal(size=count)
    places, found, values = chebyshev_places(count), np.empty(count), np.empty(count)
    known = np.polynomial.chebyshev.chebval(places, coefficients)
    chebyshev_values(coefficients, places, values)
    chebyshev_coefficients(known, found)
    np.testing.assert_allclose(values, known, atol=1e-11)
    np.testing.assert_allclose(found, coefficients, atol=1e-11)


def test_the_field_of_large_minibatches():
    rng = np.random.default_rng(5)
    rows = rng.exponential(size=(200, 3)) - 0.8
    source = PerRowGradients(rows)
    source.batch_size = 16
    field = AdamField(source, Adam("0.9", "0.99", "1e-8"), threads=2)
    found = field.evaluate(np.zeros(3))
    for k in range(3):
        exact = law_quotient(BatchMean(rows[:, k], np.full(200, 1 / 200), 16), field.adam)
        assert abs(found.value[k] + exact.value) <= found.error[k] + exact.error


def test_the_jacobian_of_large_minibatches():
    rng = np.random.default_rng(6)
    x = rng.exponential(size=60).round(3)
    problem = Problem("(tanh(w*x) - b)**2/2", ["w", "b"], Empirical({"x": x.tolist()}), batch_size=20)
    field, at, h = AdamField(problem, Adam("0.5", "0.99", "1e-4")), np.array([0.4, 0.3]), 2e-4
    shifts = h * np.eye(2)
    differences = [
        (8 * (field(at + s) - field(at - s)) - (field(at + 2 * s) - field(at - 2 * s))) / (12 * h) for s in shifts
    ]
    scale = np.abs(differences).max()
    np.testing.assert_allclose(field.jacobian(at), np.transpose(differences), atol=1e-9 * scale, rtol=0)
