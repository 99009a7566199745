"""The checker's laws of minibatches that are not listed: beside its lists, in both arithmetics."""

import json
import math
import random
from fractions import Fraction

import pytest
from arithmetics import BALLS, SLOW, in_both
from bases import base
from forgeries import signed
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.checker import batch_law, check_certificate
from adamsym.checker.batch_law import BatchLaw
from adamsym.checker.field import quotient
from adamsym.checker.form import form_of
from adamsym.checker.law import Law
from adamsym.gradients.batches import batch_numbers
from adamsym.methods import Adam, NAdam

METHODS = [Adam(), Adam("0.9", "0.99", "1e-3"), Adam("0.5", "0.9", "0.1"), NAdam("0.9", "0.97", "0.01")]
KINDS = ["plain", "rare", "equal", "symmetric", "zeros", "far from 0"]


class Listed(Law):
    """The law of means, listed: the rule's errors are bounded by what is known of means in general."""

    lowest = BatchLaw.lowest


def drawn(using, seed, kind, count, size, radius):
    """The law of the mean of rows that are intervals, and that of points within them, listed; two slopes."""
    rng = random.Random(seed)
    weights = [10**5 * rng.randint(1, 9) for _ in range(count)]
    rows = [rng.gauss(0.3, 1) for _ in range(count)]
    if kind == "rare":
        weights[0], rows[0] = 20, 40.0
    rows = {
        "equal": [rows[0]] * count,
        "symmetric": [(-1) ** k * rows[k // 2] for k in range(count)],
        "zeros": [x * (k == 0) for k, x in enumerate(rows)],
        "far from 0": [5 + 0.01 * x for x in rows],
    }.get(kind, rows)
    columns = [[rng.gauss(0, 1) for _ in range(count)] for _ in range(2)]
    shares = [Fraction(w, sum(weights)) for w in weights]
    batches = batch_numbers(count, size).astype(int).tolist()

    def means(values):
        moved = [using.number(x) + using.number(radius) * rng.choice([-1, 1]) for x in values]
        return [using.total(n * x for n, x in zip(batch, moved, strict=True)) / size for batch in batches]

    chances = []
    for batch in batches:
        chance = Fraction(math.factorial(size))
        for number, share in zip(batch, shares, strict=True):
            chance *= share**number / math.factorial(number)
        chances.append(using.exact(chance))
    truth = Listed(using, means(rows), chances, [means(column) for column in columns])

    def around(values):
        return [using.number(x) + using.around_zero(using.number(radius)) for x in values]

    known = [using.exact(share) for share in shares]
    return BatchLaw(using, around(rows), known, list(map(around, columns)), size), truth


def meet(x, y):
    return not (x < y or x > y)


def agree(using, seed, kind, count, size, radius, method):
    with using.working():
        law, truth = drawn(using, seed, kind, count, size, radius)
        form = form_of(using, method.laplace)
        for x, y in zip(quotient(law, form, 1e-13), quotient(truth, form, 1e-15), strict=True):
            assert meet(x, y)
            assert radius > 0 or using.width(x) <= 20 * using.width(y) + 1e-12 * (1 + abs(float(using.middle(y))))


drawn_laws = given(
    st.integers(0, 10**6),
    st.sampled_from(KINDS),
    st.integers(2, 4),
    st.integers(2, 5),
    st.sampled_from([0, 0, 1e-9, 1e-3, 1e-2]),
    st.sampled_from(METHODS),
)


@drawn_laws
@settings(max_examples=8)
def test_the_field_is_that_of_all_minibatches(seed, kind, count, size, radius, method):
    agree(BALLS, seed, kind, count, size, radius, method)


@pytest.mark.slow
@drawn_laws
@settings(max_examples=30)
def test_the_field_is_that_of_all_minibatches_in_intervals(seed, kind, count, size, radius, method):
    agree(SLOW, seed, kind, count, size, radius, method)


def both_transforms(law, truth, t):
    using = law.using
    found, factor = [], using.exponential(-t * truth.least)
    for own, scale in ((law.transforms(t), using.number(1)), (truth.transforms(t), factor)):
        a, b, slopes = own
        found.append([scale * x for x in (a, b, *(x for pair in slopes for x in pair))])
    return found


@in_both
@given(
    st.integers(0, 10**6),
    st.sampled_from(KINDS),
    st.integers(2, 4),
    st.integers(2, 4),
    st.sampled_from([0, 0, 1e-6, 1e-2, 0.3]),
    st.integers(-8, 5),
)
@settings(max_examples=8)
def test_transforms_are_those_of_all_minibatches(using, seed, kind, count, size, radius, power):
    with using.working():
        law, truth = drawn(using, seed, kind, count, size, radius)
        t = using.number(2.0**power) / using.middle(law.mean_square)
        for x, y in zip(*both_transforms(law, truth, t), strict=True):
            assert meet(x, y)
            assert radius > 0 or using.width(x) <= 1e-16 * (1 + float(using.upper(law.mean_square))) ** 2


@in_both
@pytest.mark.parametrize("what", ["edge", "tail", "moved", "moved halved", "next moment", "next moment halved"])
def test_each_bound_is_needed(using, what, monkeypatch):
    """Controls: where the rule or the polynomial is coarse, or the box wide, the truth is missed without its bound."""
    with using.working():
        if "moment" not in what:
            even = BatchLaw._even
            # So that Taylor's polynomials are not used.
            monkeypatch.setattr(BatchLaw, "_even", lambda self, k: even(self, k) * (10**30 if k == 22 else 1))
        half, one = [using.number(0.5)] * 2, using.number(1)
        radius = 1e-3 if "moved" in what else 0
        law = BatchLaw(using, [one + using.around_zero(using.number(radius))] * 2, half, [], 2)
        truth = Law(using, [one + radius] * 2, half, [])
        t, keep = using.number(0.5), 0.5 if "halved" in what else 0
        if "moment" in what:
            monkeypatch.setattr(batch_law, "_ERROR", 1.0)
            monkeypatch.setattr(batch_law, "_TERMS", 3)
            original = BatchLaw._by_moments
            replaced = "_by_moments", lambda self, t, rest: original(self, t, keep * rest)
            # The remainder of exp(-t) alternates: by half it is small already for small t.
            t = using.number(0.125)
        elif "moved" in what:
            moved = BatchLaw._moved
            replaced = "_moved", lambda self, t: [tuple(keep * x for x in row) for row in moved(self, t)]
        else:
            monkeypatch.setattr(batch_law, "_ERROR", 1.0 if what == "edge" else 1e-21)
            monkeypatch.setattr(batch_law, "_STEP", 26.0 if what == "edge" else 6.0)
            monkeypatch.setattr(batch_law, "_LAST_NODE", 10.5 if what == "edge" else 2.8)
            nodes = BatchLaw._by_nodes

            def without(self, t, known):
                a, b, slopes = nodes(self, t, known)
                middle = self.using.middle
                return middle(a), middle(b), slopes

            replaced = "_by_nodes", without
        found, exact = both_transforms(law, truth, t)
        assert meet(found[1], exact[1])
        monkeypatch.setattr(BatchLaw, *replaced)
        law = BatchLaw(using, law.atoms, half, [], 2)
        found, exact = both_transforms(law, truth, t)
        assert not meet(found[1], exact[1])


@pytest.mark.parametrize("size", [None, 1, 4, 6, 40])
def test_certificates_hold_for_their_own_batch_size_alone(size):
    content = json.loads(json.dumps(base("one zero of many minibatches").content))
    if size is not None:
        content["problem"]["batch_size"] = size
    assert check_certificate(signed(content)).valid == (size is None)


@in_both
def test_means_of_rows_are_those_of_the_list(using):
    """Moments, and what a box may move: of constant slopes and distances the mean of the products is the product."""
    with using.working():
        law, truth = drawn(using, 4, "plain", 3, 4, 0)
        for name in ("mean", "mean_square", "variance", "fourth_deviation"):
            assert meet(getattr(law, name), getattr(truth, name)), name
        rows, chances = [using.between(k, k + 0.5) for k in range(3)], law.probabilities
        moved, [(_, both)] = BatchLaw(using, rows, chances, [[using.number(2)] * 3], 4)._distances
        assert 0.25 <= float(using.upper(moved)) < 0.25 + 1e-6
        assert 0.5 - 1e-12 <= float(using.upper(both)) < 0.5 + 1e-6
