"""Quantiles in both tails, against mpmath's distribution functions; draws, and the ends of supports."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.gradients.continuous import DISTRIBUTIONS, Column, double_exponential_rule, parse_distribution

P, Q, _ = double_exponential_rule(17)


def tails(text):
    """The distribution function and its complement, by mpmath."""
    column = parse_distribution(text, "x")
    numbers = [mpmath.mpf(p.numerator) / p.denominator for p in column.parameters]
    if column.distribution == "Normal":
        m, s = numbers
        return lambda x: mpmath.ncdf((x - m) / s), lambda x: mpmath.ncdf((m - x) / s)
    if column.distribution == "Uniform":
        a, b = numbers
        return lambda x: (x - a) / (b - a), lambda x: (b - x) / (b - a)
    if column.distribution == "Exponential":
        [r] = numbers
        return lambda x: -mpmath.expm1(-r * x), lambda x: mpmath.exp(-r * x)
    if column.distribution == "Gamma":
        k, s = numbers
        return (
            lambda x: mpmath.gammainc(k, 0, x / s, regularized=True),
            lambda x: mpmath.gammainc(k, x / s, mpmath.inf, regularized=True),
        )
    a, b = numbers
    return (
        lambda x: mpmath.betainc(a, b, 0, x, regularized=True),
        lambda x: mpmath.betainc(b, a, 0, 1 - x, regularized=True),
    )


CASES = ["Normal(0, 1)", "Uniform(0, 1)", "Uniform(-1, 0)", "Exponential(3)", "Gamma(1/2, 2)", "Gamma(50, 1)"]
CASES += ["Beta(1/2, 3)", "Beta(3, 2)"]


@pytest.mark.parametrize("text", CASES)
def test_quantiles_keep_their_relative_accuracy_in_both_tails(text):
    """A quantile's own rounding moves the distribution function by its slope times it; no tail is worse than that."""
    below, above = tails(text)
    found = parse_distribution(text, "x").quantile(P, Q)
    assert (np.diff(found) >= 0).all()
    with mpmath.workdps(40):
        for p, q, x in zip(P, Q, found.tolist(), strict=True):
            tail, wanted = (below, p) if p < q else (above, q)
            moved = 1e-13 * abs(mpmath.mpf(x)) + mpmath.mpf(10) ** -300
            near = sorted([tail(mpmath.mpf(x) - moved), tail(mpmath.mpf(x) + moved)], key=float)
            assert near[0] * (1 - 1e-12) <= wanted <= near[1] * (1 + 1e-12), (text, p, q, x)


def test_a_lost_tail_is_seen():
    """The control: a quantile that is 1/2 far in the tail, as a library has returned it."""
    below, _ = tails("Beta(1/2, 3)")
    assert below(mpmath.mpf("0.5")) > 1e15 * 6e-17


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(CASES), st.integers(0, 2**32 - 1))
def test_draws_lie_in_the_support_and_are_the_same_again(text, seed):
    column = parse_distribution(text, "x")
    first, again = (column.law.rvs(size=(50, 2), random_state=np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    low, high = column.ends
    assert low <= first.min() <= first.max() <= high
    assert np.isfinite([low, high]).all()


def test_every_distribution_is_tried():
    assert {text.partition("(")[0] for text in CASES} == set(DISTRIBUTIONS)


def by_quadrature(column, n, nodes=513):
    """E x**n by the double-exponential rule in the quantile, which shares nothing with the closed forms."""
    p, q, weights = double_exponential_rule(nodes)
    values = weights * column.quantile(p, q) ** n
    return values.sum(), np.abs(values).sum()


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@settings(max_examples=10)
@given(data=st.data())
def test_moments_are_exact(name, data):
    """Against quadrature; the control: a moment off by a millionth is another number."""
    count = len(DISTRIBUTIONS[name].parameters)
    drawn = st.fractions(min_value="1/2", max_value=3, max_denominator=7)
    parameters = data.draw(st.tuples(*[drawn] * count).filter(lambda p: DISTRIBUTIONS[name].is_allowed(*p)))
    column, n = Column(name, parameters), data.draw(st.integers(0, 8))
    found, (wanted, size) = column.moment(n), by_quadrature(column, n)
    assert isinstance(found, Fraction)
    assert abs(float(found) - wanted) < 1e-9 * size
    assert abs(float(found * Fraction(1000001, 1000000)) - wanted) > 1e-8 * abs(wanted)
