"""Zeros, regions and certificates of drawn problems whose answers are known."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.certify import certificate, certify_lyapunov, compare_regions, find_zeros
from adamsym.checker import check_certificate
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam
from adamsym.testing.properties import assert_loss_decreases

few = settings(max_examples=2, deadline=None)
adams = st.sampled_from([Adam("0.5", "0.9", "0.1"), Adam(0, "0.5", "1"), Adam("0.3", "0.3", "0.01")])
data = st.lists(st.integers(-6, 6), min_size=2, max_size=4).filter(lambda x: len(set(x)) > 1)


def quadratic(x):
    return Problem("(theta - x)**2/2", ["theta"], Empirical({"x": x}))


def zeros(x, adam):
    return find_zeros(AdamField(quadratic(x), adam), [[min(x) - 1, max(x) + 1]])


@few
@given(data, adams, st.integers(-3, 3))
def test_the_one_zero_of_a_quadratic_problem_moves_with_its_data(x, adam, shift):
    # N-Theorem 4: for beta1 <= beta2 there is one zero, and it attracts; it lies between the data.
    found = zeros(x, adam)
    (zero,) = found.zeros
    assert found.complete
    assert zero.stability == "attracting"
    assert min(x) <= zero.midpoint[0] <= max(x)
    (moved,) = zeros([value + shift for value in x], adam).zeros
    (mirrored,) = zeros([-value for value in x], adam).zeros
    assert moved.midpoint[0] == pytest.approx(zero.midpoint[0] + shift, abs=2e-9)
    assert mirrored.midpoint[0] == pytest.approx(-zero.midpoint[0], abs=2e-9)


@pytest.mark.slow
@settings(max_examples=3, deadline=None)
@given(data, adams)
def test_certificates_of_drawn_zeros_are_confirmed_and_false_ones_are_not(x, adam):
    content = json.loads(json.dumps(certificate(zeros(x, adam))))
    assert check_certificate(content).valid
    (zero,) = content["zeros"]
    zero["box"] = [[low + 0.01, high + 0.01] for low, high in zero["box"]]
    assert not check_certificate(content, digest=False).valid


@pytest.mark.slow
@few
@given(st.integers(1, 9), st.integers(1, 9), adams, st.floats(0.1, 0.9))
def test_regions_of_parabolas_have_their_curvatures(first, second, adam, start):
    # l_j = c_j theta^2/2: K is the larger c, mu their mean; L falls along the flow everywhere.
    problem = Problem("c*theta**2/2", ["theta"], Empirical({"c": [first, second]}))
    field = AdamField(problem, adam)
    region = certify_lyapunov(field, [[-1, 1]])
    found = compare_regions(region)
    assert region.verdict == "certified"
    assert max(first, second) <= found.smoothness <= 1.1 * max(first, second)
    assert 0.9 * (first + second) / 2 <= found.pl <= (first + second) / 2 * (1 + 1e-12)
    assert found.level_t6 == pytest.approx(found.pl**2 * adam.eps**2 / (2 * found.smoothness**3))
    assert_loss_decreases(field, region, [start], 1.0)
