"""Where beta is in a range the checker's nodes share their lags: what they hold, against single values of it."""

from fractions import Fraction

import pytest
from arithmetics import BALLS, SLOW
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamWithoutMomentum, NAdam
from adamsym.checker import shared_lags
from adamsym.checker.batch_law import BatchLaw
from adamsym.checker.coordinate_law import Law
from adamsym.checker.field import quotient
from adamsym.checker.form import form_of
from adamsym.checker.products import LARGEST_STEP, Products, step_of
from adamsym.expressions.ranges import Range

METHODS = {
    "Adam": Adam("0.5", "0.9", "0.01"),
    "small eps": Adam("0.9", "0.9", "1e-8"),
    "NAdam": NAdam("0.8", "0.9", "0.01"),
    "no momentum": AdamWithoutMomentum("0.9", "0.1"),
}
ROWS = {
    "two": ([0.3, -1.0], [0.5, 0.5], [0.7, -1.3]),
    "rare": ([30.0, -0.4], [0.02, 0.98], [1.0, 0.5]),
    "alike": ([1.0, 1.1, 1.2], [0.2, 0.3, 0.5], [1.0, 0.0, -2.0]),
}


def law_of(using, name, radius=0.0, size=1):
    atoms, chances, slopes = ROWS[name]
    around = [using.number(g) + using.around_zero(using.number(radius)) for g in atoms]
    rest = (list(map(using.number, chances)), [list(map(using.number, slopes))])
    return Law(using, around, *rest) if size == 1 else BatchLaw(using, around, *rest, size)


def enclosed(using, method, low, high, law):
    found = METHODS[method].laplace_over("beta2", low, high)
    return quotient(law, form_of(using, found), 1e-15)


def within(using, inner, outer):
    return [using.lower(y) <= using.middle(x) <= using.upper(y) for x, y in zip(inner, outer, strict=True)]


def holds(using, method, rows, low, width, share, radius, size):
    high = low + (1 - low) * width
    at = low + (high - low) * share
    with using.working():
        over = enclosed(using, method, low, high, law_of(using, rows, radius, size))
        point = enclosed(using, method, at, at, law_of(using, rows, 0.0, size))
        assert all(within(using, point, over))
        return over, point


drawn = given(
    st.sampled_from(sorted(METHODS)),
    st.sampled_from(sorted(ROWS)),
    st.sampled_from([Fraction(83, 100), Fraction(9, 10), Fraction(97, 100)]),
    st.sampled_from([Fraction(1, 10**6), Fraction(1, 100), Fraction(1, 10), Fraction(3, 4)]),
    st.fractions(0, 1, max_denominator=8),
    st.sampled_from([0.0, 1e-3, 0.05]),
    st.sampled_from([1, 1, 3]),
)


@drawn
@settings(max_examples=12)
def test_a_range_holds_what_each_of_its_values_gives(method, rows, low, width, share, radius, size):
    holds(BALLS, method, rows, low, width, share, radius, size)


@pytest.mark.slow
@drawn
@settings(max_examples=20)
def test_a_range_holds_what_each_of_its_values_gives_in_intervals(method, rows, low, width, share, radius, size):
    holds(SLOW, method, rows, low, width, share, radius, size)


@pytest.mark.parametrize("rows", sorted(ROWS))
def test_each_node_holds_the_products_of_single_values(rows):
    low, high = Fraction(97, 100), Fraction(9701, 10000)
    with BALLS.working():
        law, method = law_of(BALLS, rows), METHODS["Adam"]
        shared = shared_lags.SharedLags(law, form_of(BALLS, method.laplace_over("beta2", low, high)))
        _, step = step_of(BALLS, Range(low, high), LARGEST_STEP)
        for j in range(-6, 24):
            s = BALLS.exponential(step * j) / law.mean_square.mid()
            product, found = shared.at(s, shared.lags_at(s))
            singles = []
            for value in (low, (2 * low + high) / 3, high):
                one = Products(law, form_of(BALLS, method.laplace_over("beta2", value, value)))
                singles.append(one.at(s, one.lags_at(s)))
            for single, numbers in singles:
                assert all(within(BALLS, [single, *numbers], [product, *found]))
            # P is a few times as wide as it varies at most.
            way = abs(float((singles[0][0] - singles[-1][0]).mid()))
            assert BALLS.width(product) < 5 * way + 1e-4 * float(product.mid())


def test_how_log_b_moves_with_beta_counts(monkeypatch):
    low, high = Fraction(96, 100), Fraction(97, 100)
    with BALLS.working():
        law = law_of(BALLS, "rare")
        over = enclosed(BALLS, "Adam", low, high, law)
        first, last = (enclosed(BALLS, "Adam", end, end, law) for end in (low, high))
        assert all(within(BALLS, first, over) + within(BALLS, last, over))
        # It is no wider than a few times what lies between the ends.
        assert BALLS.width(over[0]) < 4 * abs(float((first[0] - last[0]).mid()))
        # Without M, and with A/B at the middle of what it is over all t.
        known = shared_lags.SharedLags._known

        def still(self, lags):
            rows = known(self, lags)
            self.moves = [BALLS.number(0)] * len(self.moves)
            return [tuple(map(BALLS.middle, row)) for row in rows]

        monkeypatch.setattr(shared_lags.SharedLags, "_known", still)
        narrow = enclosed(BALLS, "Adam", low, high, law)
        assert not all(within(BALLS, first, narrow) + within(BALLS, last, narrow))
