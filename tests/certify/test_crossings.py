"""Changes of sign of fields of one parameter that have bounds at points alone."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, Independent, InputError, PerRowGradients, Problem
from adamsym.certify import Crossing, certify_crossing, certify_zero
from adamsym.expressions.errors import NotApplicable
from adamsym.field.signs import lattice
from adamsym.methods import LagWeights, Lion, SignForm, Signum

SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


class Cancelled(Signum):
    """Signum(0), its weights written as 1 + 1/2^k - 1/2^k at k = 0."""

    @property
    def sign_form(self):
        half = Fraction(1, 2)
        return SignForm(LagWeights((Fraction(1),), ((Fraction(1), half), (Fraction(-1), half))))


@pytest.fixture(autouse=True, scope="module")
def coarse():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lattice, "MOST_CELLS", 2**16)
        yield


@pytest.mark.parametrize(
    ("method", "zero"),
    [(Signum("0.9"), 0.9877023), (Lion(weight_decay=0), 0.9599983), (Lion("0.8", "0.9", "0.1"), None)],
)
def test_the_zeros_of_sign_methods_are_proven(method, zero):
    found = certify_crossing(AdamField(SKEWED, method), 0.5, 1.5)
    assert found.verdict == "certified"
    assert found.direction == -1
    assert found.is_continuous
    assert found.high - found.low < 0.01
    assert zero is None or found.low < zero < found.high
    assert not found.low < 1 < found.high
    assert "and has a zero there" in found.summary


def test_of_reshuffled_rows_and_of_rows_in_order_digits_are_proven():
    for sampling in ("reshuffled", "cyclic", "replacement"):
        field = AdamField(SKEWED.changed(sampling=sampling), Adam("0.5", "0.9", "0.01"))
        found = certify_crossing(field, 0.0, 2.0)
        assert found.is_continuous
        assert found.high - found.low < 1e-13
        if sampling != "reshuffled":
            [low, high] = certify_zero(field, [0.9]).zero.box[0]
            assert max(low, found.low) <= min(high, found.high)


def test_jumps_are_no_zeros():
    # Without memory the field is -P(X < theta) + P(X > theta): it jumps at 0, the median.
    found = certify_crossing(AdamField(SKEWED, Signum(0)), -1.0, 1.0)
    assert found.direction == -1
    assert not found.is_continuous
    assert found.to_dict()["zero"] is False
    assert "by a zero or a jump" in found.summary
    assert found.low < 0 < found.high
    # One row alone: its sign jumps whatever the memory.
    constant = SKEWED.changed(law=Empirical({"x": [1, 1]}))
    assert not certify_crossing(AdamField(constant, Signum("0.9")), 0.0, 3.0).is_continuous
    # Geometric weights that cancel leave the newest gradient alone.
    found = certify_crossing(AdamField(SKEWED, Cancelled("0.5")), -1.0, 1.0)
    assert found.direction == -1
    assert not found.is_continuous
    assert "np.float64" not in found.summary
    # Gradients that jump themselves.
    kink = Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 0, 3]}))
    assert not certify_crossing(AdamField(kink, Signum("0.9")), -1.0, 1.0).is_continuous
    # A repelling one.
    hill = Problem("-(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    assert certify_crossing(AdamField(hill, Signum("0.8")), 0.0, 2.0).direction == 1


@pytest.mark.parametrize("loss", ["x*log(theta**2)", "x/(theta - 1/3)**2", "log(Abs(theta - x))"])
@pytest.mark.parametrize("sampling", ["replacement", "reshuffled", "cyclic"])
def test_poles_are_no_zeros(loss, sampling):
    problem = Problem(loss, ["theta"], Empirical({"x": [1, 2]}), sampling=sampling)
    for method in (Adam("0.5", "0.9", "0.1"), *([Signum("0.5")] if sampling == "replacement" else [])):
        found = certify_crossing(AdamField(problem, method), -1.0, 2.5)
        assert found.direction != 0
        assert not found.is_continuous
        assert "by a zero or a jump" in found.summary


def test_poles_of_continuous_data_are_no_zeros():
    uniform = Independent({"x": "Uniform(1, 2)"})
    found = certify_crossing(AdamField(Problem("x*log(theta**2)", ["theta"], uniform), Adam()), -1.0, 2.0)
    assert found.direction == -1
    assert not found.is_continuous
    away = certify_crossing(AdamField(Problem("x*(theta - 1)**2", ["theta"], uniform), Adam()), 0.0, 3.0)
    assert away.is_continuous


def test_the_field_is_asked_for_inside_of_the_interval_alone():
    # The loss is not real a little below it.
    problem = Problem("theta*(1 + x) - log(theta)", ["theta"], Empirical({"x": [0, 0, 3]}))
    found = certify_crossing(AdamField(problem, Signum("0.3")), 1e-5, 100.0)
    assert found.direction == -1
    assert found.high - found.low < 0.1


def test_floats_of_another_sign_than_is_proven_end_the_search(monkeypatch):
    field = AdamField(SKEWED.changed(sampling="cyclic"), Adam("0.5", "0.9", "0.01"))
    monkeypatch.setattr(type(field), "__call__", lambda self, theta: [-1e-17])
    found = certify_crossing(field, 0.9, 1.0)
    assert (found.low, found.high) == (0.9, 1.0)
    assert found.direction == -1


def test_without_a_change_of_sign_nothing_is_certified():
    found = certify_crossing(AdamField(SKEWED, Signum("0.9")), 1.5, 2.0)
    assert found.verdict == "undecided"
    assert found.direction == 0
    assert not found.is_continuous
    assert found.summary == "no change of sign is proven for theta from 1.5 to 2.0"


@settings(max_examples=4, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=3, max_size=3, unique=True), st.sampled_from(["0.6", "0.8"]))
def test_drawn_laws_have_their_median_in_the_interval(data, beta1):
    law = Empirical({"x": data})
    field = AdamField(SKEWED.changed(law=law), Signum(beta1))
    found = certify_crossing(field, -6.0, 6.0)
    assert isinstance(found, Crossing)
    assert found.direction == -1
    assert field([found.low])[0] > 0 > field([found.high])[0]


def test_what_is_refused():
    field = AdamField(SKEWED, Signum("0.9"))
    for low, high in ((1.0, 1.0), (2.0, 1.0), (0.0, float("inf"))):
        with pytest.raises(InputError, match="the lower first"):
            certify_crossing(field, low, high)
    plane = Problem("(a - x)**2 + b**2", ["a", "b"], Empirical({"x": [0, 1]}))
    with pytest.raises(InputError, match="2 parameters; allowed is one"):
        certify_crossing(AdamField(plane, Signum("0.9")), 0.0, 1.0)
    with pytest.raises(NotApplicable, match="a change of sign"):
        certify_crossing(AdamField(PerRowGradients([[1.0], [-1.0]]), Signum("0.9")), 0.0, 1.0)
