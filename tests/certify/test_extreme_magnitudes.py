"""Data, eps, weights and boxes at the ends of the range of floats: answered, or refused in one line; and it checks."""

import json
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, AdamW, Empirical, NAdam, Problem, RMSprop, VectorField
from adamsym.certify import certificate, certify_lyapunov, find_zeros
from adamsym.certify.lyapunov.theorem_regions import compare_regions
from adamsym.checker import check_certificate
from adamsym.expressions.errors import InputError

LOSSES = [
    "(theta - x)**2/2",
    "theta**4*x",
    "(theta - x)**3",
    "exp(theta*x)",
    "cosh(theta)*x",
    "sin(theta*x)",
    "tanh(theta - x)",
    "sqrt(theta**2 + x**2 + 1)",
    "1/(theta - x)",
    "log(theta - x)",
    "theta**(5/2)*x",
]
exponents = st.sampled_from([-299, -250, -200, -155, -150, -100, -50, -8, 0, 8, 50, 100, 150, 155, 200, 250, 290, 299])
numbers = st.one_of(
    st.sampled_from([0.0, 1.0, -1.0, 3.0]),
    st.builds(lambda sign, x, e: sign * x * 10.0**e, st.sampled_from([-1, 1]), st.floats(1, 9), exponents),
)
eps = st.sampled_from(["1e-8", "1e-300", "1e-250", "1e-100", "1", "1e250", "1e300"])
betas = st.sampled_from(["0", "1e-200", "0.5", "0.9", "0.999", "0.999999999"])
methods = st.one_of(
    st.builds(lambda b, e: Adam("0.9" if b in ("0.9", "0.999", "0.999999999") else "0", b, e), betas, eps),
    st.builds(lambda e, d: AdamW("0.5", "0.9", e, d), eps, st.sampled_from(["0.1", "1e-250", "1e250"])),
    st.builds(RMSprop, betas, eps),
    st.builds(lambda e: NAdam("0.5", "0.9", e), eps),
)
rows = st.lists(st.tuples(numbers, st.sampled_from([1, 10**12, 10**250])), min_size=1, max_size=3)


@st.composite
def boxes(draw):
    low, high = sorted([draw(numbers), draw(numbers)])
    if draw(st.booleans()):
        high = float(np.nextafter(low, math.inf))
    return [[low, high]]


def field_of(loss, data, method, batch_size=1, lyapunov=None):
    law = Empirical({"x": [x for x, _ in data]}, weights=[Fraction(w) for _, w in data])
    if lyapunov is not None:
        return AdamField(VectorField(["theta**3 - x"], ["theta"], law, lyapunov=lyapunov), method)
    return AdamField(Problem(loss, ["theta"], law, batch_size), method)


def assert_it_checks(found):
    """A certificate is there, as JSON, and nothing in it is refused."""
    content = json.loads(json.dumps(certificate(found), allow_nan=False))
    json.dumps(found.to_dict(), allow_nan=False)
    checked = check_certificate(content, operations=20_000)
    assert checked.valid or checked.undecided, checked.reason


@settings(max_examples=2)
@given(st.sampled_from(LOSSES), rows, methods, boxes(), st.integers(1, 2))
@example("theta**4*x", [(1.2e-50, 10**12), (-6.5e290, 1)], AdamW("0", "0.9", "1", "1e250"), [[-9.1e-155, 6.9e-50]], 1)
@example("(theta - x)**2/2", [(0.0, 1)], Adam("0", "0.5", "1e300"), [[-2.4e290, -85.0]], 1)
@example("cosh(theta)*x", [(-1e-250, 1), (-7e150, 10**250)], Adam("0.9", "0.9", "1e300"), [[-7.6e-299, -7.5e-299]], 1)
@example("sin(theta*x)", [(-1.0, 1)], Adam("0.5", "0.9", "1"), [[-6.0e250, -5.9e250]], 1)
def test_zeros_are_answered(loss, data, method, box, batch_size):
    try:
        field = field_of(loss, data, method, batch_size)
        bounds, slopes = field.enclose(box), field.enclose_jacobian(box)
        found = find_zeros(field, box, budget=4, executor=1)
    except InputError:
        return
    assert not np.isnan(bounds).any()
    assert not np.isnan(slopes).any()
    assert_it_checks(found)


@settings(max_examples=2)
@given(st.sampled_from(LOSSES), rows, methods, boxes(), st.sampled_from([None, None, "(theta - 1)**2"]))
@example("theta**2*x**2/2", [(-1.0, 1)], RMSprop("0.9", "1e300"), [[6.4e-250, 5.7e250]], None)
@example("theta**(5/2)*x", [(-1e-154, 1), (-1.0, 1)], AdamW("0", "0.5", "1e-100", "1e250"), [[1e-155, 3e155]], None)
@example("(theta - x)**3", [(-2.7e-299, 1), (-1.0, 1)], Adam("0.5", "0.9", "1e250"), [[4e-290, 9e-50]], None)
@example("theta**4*x", [(0.0, 1), (1.0, 1)], NAdam("0.5", "0.9", "1e-8"), [[0.0, 1.0]], None)  # A gradient 0.
@example("", [(4e-8, 1), (5e-155, 1)], Adam("0", "0.999", "1e-8"), [[0.0, 5e-324]], "(theta - 1)**2")
@example("exp(theta*x)", [(0.0, 1), (8e-250, 10**12)], Adam("0.9", "0.9", "1e-100"), [[1.74e-100, 1.75e-100]], None)
def test_regions_are_answered(loss, data, method, box, lyapunov):
    try:
        found = certify_lyapunov(field_of(loss, data, method, 1, lyapunov), box, budget=4, executor=1)
    except InputError:
        return
    assert 0 <= found.share <= 1 + 1e-9
    compare_regions(found)
    assert_it_checks(found)


def test_a_slope_beyond_all_floats_is_no_witness():
    """Its bounds could not be written down."""
    law = Empirical({"x": [1]})
    steep = Problem("-1e200*theta**2*x", ["theta"], law)
    found = certify_lyapunov(AdamField(steep, AdamW("0", "0.5", "1e-100", "1e200")), [[1e10, 2e10]], budget=3)
    assert found.verdict == "undecided"
    assert certify_lyapunov(AdamField(steep, AdamW("0", "0.5", "1e-100", "1e50")), [[1e10, 2e10]]).verdict == "refuted"


def test_a_slope_below_all_floats_is_no_witness():
    """Its lower bound could only be written down as 0."""
    law = Empirical({"x": [1, -1]})
    for size, verdict in (("1e-300", "undecided"), ("1e10", "refuted")):
        field = VectorField(["theta + x/2"], ["theta"], law, lyapunov=f"-{size}*theta**2")
        found = certify_lyapunov(AdamField(field, Adam("0.5", "0.9", "1e300")), [[0.5, 0.75]], budget=3)
        assert found.verdict == verdict
        assert_it_checks(found)


@pytest.mark.parametrize("magnitude", [1e-320, 1e-300, 1, 1e300])
def test_shares_of_regions_are_shares(magnitude):
    field = AdamField(Problem("(theta*x)**2/2", ["theta"], Empirical({"x": [1, 2]})), Adam("0.5", "0.9", "0.1"))
    found = certify_lyapunov(field, [[magnitude, 1.5 * magnitude]], budget=3)
    assert found.share == pytest.approx(1)
