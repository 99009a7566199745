"""Laws of many atoms in NumPy: series where exponents are small, parts elsewhere, and the same values."""

import math

import numpy as np
import pytest

from adamsym import Adam, AdamEpsInsideRoot, Empirical, Problem
from adamsym.field import quotient
from adamsym.field.arrays import atoms as array_atoms
from adamsym.field.arrays import quadrature
from adamsym.field.arrays.laws import values_of_laws
from adamsym.field.float.forms import float_form
from adamsym.field.prepared.preparing import MOST_ATOMS, form_numbers, prepared, work_of

N = 9000
generator = np.random.default_rng(0)
DRAWN = generator.standard_t(3, N) + 0.2
LAWS = {
    "heavy": DRAWN,
    "one outlier": np.append(DRAWN[1:], 1e4),
    "signs": np.sign(DRAWN),
    "mostly zero": np.where(generator.random(N) < 0.99, 0.0, DRAWN),
    "two sizes": np.where(generator.random(N) < 0.5, 1.0, -1.0 - 1e-9),
}
UNEQUAL = generator.random(N) + 0.5
WEIGHTS = {"equal": np.full(N, 1 / N), "unequal": UNEQUAL / UNEQUAL.sum()}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("method", [Adam(), Adam(0.5, 0.3, 1e-2), AdamEpsInsideRoot(0.9, 0.99, 1e-6)], ids=repr)
def test_many_atoms_have_the_value_of_the_compiled_loops(name, method):
    atoms, p = LAWS[name], WEIGHTS["unequal"]
    found = values_of_laws([atoms], p, form_numbers(float_form(method), N), 1e-13)
    wanted = quotient(atoms[None], p, method)
    value, error, inverse = (float(part[0]) for part in (found.value, found.error, found.inverse))
    assert abs(value - wanted.value[0]) <= error + wanted.error[0]
    assert error <= 2 * wanted.error[0] + 1e-300
    assert inverse == pytest.approx(wanted.inverse[0], rel=1e-6)


def transforms_of(atoms, p, t):
    size = np.abs(atoms)
    y = (size - size.min()) * (size + size.min())
    return y, array_atoms._Law(y, p, p * atoms).transforms(t)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_transforms_are_exact_to_rounding_at_all_nodes(name, weights):
    """Against sums that round once: at exponents from far below those of the series to far beyond."""
    atoms, p = LAWS[name], WEIGHTS[weights]
    y = transforms_of(atoms, p, np.ones(1))[0]
    t = np.geomspace(1e-14, 1e4, 40) / max(float(y.max()), 1e-9)
    _, (less_one, b, a) = transforms_of(atoms, p, t)
    for k, at in enumerate(t):
        fall = np.exp(-at * y)
        exact = math.fsum(p * np.expm1(-at * y))
        assert less_one[k] == pytest.approx(exact, rel=1e-14, abs=1e-300)
        assert b[k] == pytest.approx(math.fsum(p * fall), rel=1e-14)
        assert abs(a[k] - math.fsum(p * atoms * fall)) <= 1e-14 * math.fsum(p * np.abs(atoms) * fall)


def test_a_series_of_fewer_terms_or_for_larger_exponents_is_seen(monkeypatch):
    """The control: the bound of what is left out is not far from what it is."""
    atoms, p = LAWS["signs"] * np.where(np.arange(N) % 2, 1.0, 2.0), WEIGHTS["equal"]
    t = np.array([0.24 / 3, 0.25 / 3])
    exact = [math.fsum(p * np.expm1(-at * transforms_of(atoms, p, t)[0])) for at in t]
    assert transforms_of(atoms, p, t)[1][0] == pytest.approx(exact, rel=2e-16 * 8)
    monkeypatch.setattr(array_atoms, "_SERIES_TERMS", 8)
    assert np.abs(transforms_of(atoms, p, t)[1][0] / exact - 1).max() > 1e-12
    monkeypatch.setattr(array_atoms, "_SERIES_TERMS", 12)
    monkeypatch.setattr(array_atoms, "_SERIES_UP_TO", 2.5)
    far = np.array([0.8])
    exact = math.fsum(p * np.expm1(-0.8 * transforms_of(atoms, p, t)[0]))
    assert abs(transforms_of(atoms, p, far)[1][0][0] / exact - 1) > 1e-8


def test_exponentials_of_many_atoms_are_taken_at_some_nodes_and_held_in_parts(monkeypatch):
    """Sizes of arrays, no times: a megabyte at once, at less than two thirds of the nodes, and once each."""
    sizes, nodes = {"exp": [], "expm1": []}, []

    class Counting:
        def __getattr__(self, name):
            function = getattr(np, name)
            if name not in sizes:
                return function

            def counted(x, **named):
                sizes[name].append(np.size(x))
                return function(x, **named)

            return counted

    placed = quadrature._placed
    monkeypatch.setattr(quadrature, "_placed", lambda j, *others: nodes.append(len(j)) or placed(j, *others))
    monkeypatch.setattr(array_atoms, "np", Counting())
    p, form = WEIGHTS["equal"], form_numbers(float_form(Adam()), N)
    assert values_of_laws([DRAWN], p, form, 1e-13) is not None
    taken = {name: sum(size for size in found if size > 1000) for name, found in sizes.items()}
    assert max(map(max, sizes.values())) <= 32 * 2**12
    assert 0.2 * N * sum(nodes) < taken["exp"] < 0.65 * N * sum(nodes)


def test_a_million_rows_of_two_parameters_are_made_ready():
    """And ten parameters of as many are not: the work is bounded."""
    law = Empirical({"x": np.zeros(10**6)})
    loss = "+".join(f"(a{k} - x)**2" for k in range(10))
    assert prepared(Problem("(a - x)**2/2 + b**2*x", ["a", "b"], law), Adam()) is not None
    assert prepared(Problem(loss, [f"a{k}" for k in range(10)], law), Adam()) is None


def test_each_law_counts_as_work():
    assert work_of(2, 10**6) < MOST_ATOMS < work_of(2000, 3)
