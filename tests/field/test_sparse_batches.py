"""Minibatches of which most draws are 0, beside every minibatch listed and beside the exact transforms."""

import importlib
import math

import numpy as np
import pytest

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField, batch_quotient, quotient
from adamsym.field.batches.sparse_batches import change_of_law, levels, mixtures, sparse_law
from adamsym.field.float.forms import float_form
from adamsym.gradients import PerRowGradients
from adamsym.gradients.batches import batch_counts
from adamsym.methods import Adam

by_rules = importlib.import_module("adamsym.field.batches.batch_quotient")
sparse = importlib.import_module("adamsym.field.batches.sparse_batches")


def drawn(seed, n=300, most=4):
    """A law of a few values that are not 0, among many zeros, and its values and probabilities, 0 last."""
    rng = np.random.default_rng([seed, 9])
    nonzero = int(rng.integers(2, most + 1))
    atoms = np.zeros(n)
    atoms[rng.choice(n, nonzero, replace=False)] = rng.normal(0.3, 1.0, size=nonzero) * 10 ** rng.uniform(-3, 0)
    values = np.append(atoms[atoms != 0], 0.0)
    return atoms, values, np.append(np.full(nonzero, 1 / n), 1 - nonzero / n)


def truth(values, p, size, adam, sensitivity=False):
    shares, weights = batch_counts(p, size)
    found = quotient((shares @ values)[None], weights, adam, sensitivity)
    return found, found.sensitivity @ shares if sensitivity else None


def beyond(found, exact):
    return abs(found.value[0] - exact.value[0]) - found.error[0] - exact.error[0]


@pytest.mark.parametrize("beta", ["0", "0.5", "0.9", "0.99"])
def test_zeros_apart_agree_with_the_listing(beta):
    adam = Adam("0", beta, "1e-3")
    for seed in range(3):
        atoms, values, p = drawn(seed)
        found = batch_quotient(atoms[None], np.full(300, 1 / 300), 8, adam)
        exact, _ = truth(values, p, 8, adam)
        assert beyond(found, exact) <= 0
        assert found.error[0] < 1e-11 * adam.step_bound + 1e-9 * abs(exact.value[0])


@pytest.mark.parametrize("most", [2**17, 5])
def test_slopes_with_zeros_apart_are_those_of_the_listing(most, monkeypatch):
    monkeypatch.setattr(by_rules, "_NODES", ())
    monkeypatch.setattr(by_rules, "MOST_SUMS", most)
    monkeypatch.setattr(by_rules, "_RARE", 1.0)
    # What would be taken if these rules did not meet the tolerance.
    monkeypatch.setattr(by_rules, "_otherwise", None)
    atoms, values, p = drawn(3, 60)
    adam = Adam("0.5", "0.9", "1e-3")
    found = batch_quotient(atoms[None], np.full(60, 1 / 60), 6, adam, sensitivity=True)
    exact, slopes = truth(values, p, 6, adam, True)
    assert beyond(found, exact) <= 0
    zeros = atoms == 0
    np.testing.assert_allclose(found.sensitivity[0, ~zeros], slopes[0, :-1], rtol=1e-8)
    assert found.sensitivity[0, zeros].sum() == pytest.approx(slopes[0, -1], rel=1e-8)


def test_many_values_go_by_rules_beyond_those_listed(monkeypatch):
    monkeypatch.setattr(by_rules, "_NODES", ())
    monkeypatch.setattr(by_rules, "MOST_SUMS", 200)
    rng, adam, p = np.random.default_rng(4), Adam("0.9", "0.9", "1e-2"), np.full(200, 1 / 200)
    atoms = np.zeros((2, 200))
    atoms[:, :15] = rng.normal(0.2, 1.0, size=(2, 15))
    found = batch_quotient(atoms, p, 4, adam, tolerance=1e-3)
    for k in range(2):
        assert sparse_law(atoms[k], p, 4, float_form(adam), 200).listed == 2
        exact, _ = truth(np.append(atoms[k, :15], 0.0), np.append(p[:15], 185 / 200), 4, adam)
        assert abs(found.value[k] - exact.value[0]) <= found.error[k] + exact.error[0]
        assert found.exponentials[k] > 0
        assert found.error[k] < 1e-4


def test_what_is_left_out_counts_in_the_estimate(monkeypatch):
    """With a large part left out, the value is off by far more than the estimate would be without it."""
    monkeypatch.setattr(by_rules, "_NODES", ())
    monkeypatch.setattr(sparse, "_NEGLECTED", 3.0)
    atoms, values, p = drawn(5)
    adam, size = Adam("0", "0.5", "0.1"), 8
    law = sparse_law(atoms, np.full(300, 1 / 300), size, float_form(adam))
    assert 1e-6 < law.neglected < 1e-1
    exact, _ = truth(values, p, size, adam)
    found = batch_quotient(atoms[None], np.full(300, 1 / 300), size, adam)
    assert beyond(found, exact) <= 0
    monkeypatch.setattr(by_rules, "change_of_law", lambda _form, _largest: 0.0)
    assert beyond(batch_quotient(atoms[None], np.full(300, 1 / 300), size, adam), exact) > 1e-9


def test_laws_near_in_total_variation_have_near_fields():
    """|F_P - F_Q| <= D d (theory T4), and D is less than a thousand times what happens."""
    rng, closest = np.random.default_rng(6), 0.0
    for _ in range(30):
        atoms = rng.normal(size=5) * 10 ** rng.uniform(-2, 2)
        p, q = rng.dirichlet(np.ones(5), size=2)
        adam = Adam("0", str(rng.choice(["0", "0.3", "0.9", "0.99"])), str(rng.choice(["1e-4", "1"])))
        one, other = (quotient(atoms[None], w, adam).value[0] for w in (p, q))
        bound = change_of_law(float_form(adam), np.abs(atoms).max()) * np.abs(p - q).sum() / 2
        assert abs(one - other) <= bound * (1 + 1e-12)
        closest = max(closest, abs(one - other) / bound)
    assert closest > 1e-3


def test_sums_are_all_multisets_with_their_probabilities():
    values, p, size = np.array([0.3, -1.0, 2.5]), np.array([0.2, 0.5, 0.3]), 4
    shares, weights = batch_counts(p, size)
    level = levels(values, p, size)[-1]
    order, known = np.argsort(level.sums), np.argsort(shares @ values)
    np.testing.assert_allclose(level.sums[order], size * (shares @ values)[known], rtol=1e-14)
    np.testing.assert_allclose(level.probabilities[order], weights[known], rtol=1e-14)
    atoms = np.append(values, np.zeros(7))
    law = sparse_law(atoms, np.full(10, 0.1), size, float_form(Adam("0", "0.9", "1")))
    (mixture,) = mixtures([law], size)
    assert law.is_listed
    assert law.counts.sum() + law.neglected == pytest.approx(1, abs=1e-14)
    y, weights = mixture.means(-1)
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-14)
    assert float((y * weights).sum()) == pytest.approx(atoms.mean(), rel=1e-14)
    assert len(y[0]) == law.sums == math.comb(7, 4)
    assert sparse_law(values, p, size, float_form(Adam())) is None


def test_a_refused_coordinate_is_named(monkeypatch):
    def refuse(*_arguments, **_options):
        raise InputError("too large")

    monkeypatch.setattr(by_rules, "_NODES", ())
    monkeypatch.setattr(by_rules, "law_quotient", refuse)
    monkeypatch.setattr(by_rules, "_LEAST_ACCURACY", 0.0)
    rows = np.zeros((60, 3))
    rows[0], rows[:, 1] = 1.0, np.random.default_rng(7).normal(size=60)
    with pytest.raises(InputError, match="too large; this concerns 1 of 3 laws: 1"):
        batch_quotient(rows.T, np.full(60, 1 / 60), 30, Adam("0", "0.9", "0.1"))
    source = PerRowGradients(rows)
    source.batch_size = 30
    with pytest.raises(InputError, match="this concerns 1 of 3 coordinates: 1"):
        AdamField(source, Adam("0", "0.9", "0.1"))(np.zeros(3))
