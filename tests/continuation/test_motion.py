"""How fast zeros move with beta2: derivatives hold difference quotients, and speeds those between certified zeros."""

import itertools
from dataclasses import replace
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import (
    Adam,
    AdamEpsInsideRoot,
    AdamField,
    AdamW,
    Empirical,
    InputError,
    NAdam,
    Problem,
    RMSprop,
    certify_branch,
    find_zero,
)
from adamsym.certify.certificate import certificate
from adamsym.checker import check_certificate, moving, pushes
from adamsym.checker.balls import Balls
from adamsym.checker.coordinate_law import Law
from adamsym.checker.form import form_of
from adamsym.continuation import enclose_motion
from adamsym.expressions.errors import NotApplicable
from adamsym.field.ball.arithmetic import ball, ball_arithmetic
from adamsym.field.ball.enclosure import gradient_laws
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.slopes import slope_in_beta, slope_in_eps, slope_in_ratio

METHODS = [Adam("0.3", "0.9", "1e-4"), Adam(0, "0.9", "1"), NAdam("0.3", "0.9", "1e-3"), RMSprop("0.9", "1e-8")]
METHODS.append(AdamEpsInsideRoot("0.5", "0.9", "1e-3"))
THREE = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
atoms = st.integers(1, 30).flatmap(lambda k: st.sampled_from([k / 10, -k / 10]))
betas = st.sampled_from(["0.3", "0.7", "0.9", "0.99", "0.999"])
SLOPES = {
    "beta2": (slope_in_beta, moving.slope_in_beta),
    "beta1": (slope_in_ratio, moving.slope_in_ratio),
    "eps": (slope_in_eps, pushes.slope_in_eps),
}


def varied(draw):
    """A method, the number that is varied, and its first value; with 1 less that value, or the value, as the scale."""
    name = draw(st.sampled_from(sorted(SLOPES)))
    if name == "beta2":
        return draw(st.sampled_from(METHODS)), name, Fraction(draw(betas))
    if name == "beta1":
        return Adam(0, draw(st.sampled_from(["0.9", "0.99"])), "1e-4"), name, Fraction(draw(st.integers(0, 8)), 10)
    method = draw(st.sampled_from([one for one in METHODS if type(one) is not AdamEpsInsideRoot]))
    return method, name, Fraction(draw(st.sampled_from(["1e-8", "1e-3", "0.1", "2"])))


@settings(max_examples=15)
@given(st.data(), st.lists(atoms, min_size=1, max_size=4), st.integers(1, 100))
def test_slopes_hold_difference_quotients(data, values, length):
    method, name, low = varied(data.draw)
    high = low + (low if name == "eps" else 1 - low) * Fraction(length, 10_000)
    whole = method.laplace_over(name, low, high)
    with ball_arithmetic():
        law = BallLaw([flint.arb(x) for x in values], [flint.arb(1) / len(values)] * len(values))
        slope = SLOPES[name][0](law, whole)
        ends = [enclose_law(law, method.laplace_over(name, end, end)).value for end in (low, high)]
        quotient = (ends[1] - ends[0]) / ball(high - low)
        # The mean value theorem: it is the derivative somewhere between.
        assert slope.overlaps(quotient)
        if not quotient.contains(0) and abs(quotient).lower() > slope.rad():
            assert not slope.overlaps(-quotient)
        bounds = [float(end) for end in (quotient.lower(), quotient.upper())]
        width = float(slope.rad())
    # The checker's own bounds hold it too, and are not much wider: 2 to 12 times on a grid of such cases.
    with (using := Balls()).working():
        law = Law(using, list(map(using.number, values)), [using.number(1) / len(values)] * len(values), [])
        own = SLOPES[name][1](law, form_of(using, whole))
        assert not own < bounds[0]
        assert not own > bounds[1]
        assert using.width(own) < 16 * width + 1e-6 * float(using.magnitude(own)) + 1e-8


@given(st.integers(-20, 20))
@settings(max_examples=10)
def test_slopes_are_narrow_and_hold_those_of_boxes(tenths):
    theta, beta = 0.95 + tenths / 1000, Fraction(99, 100)
    with ball_arithmetic():
        form, around = Adam().laplace_over("beta2", beta, beta), flint.arb(theta, 0.01)
        points = [gradient_laws(THREE, [x], False)[0] for x in (flint.arb(theta), around)]
        one, over = (slope_in_beta(law, form) for law in points)
        assert one.rad() < 1e-7
        assert over.contains(one)
        assert over.rad() < 0.05


def test_slopes_are_infinite_or_bounded_where_gradients_may_vanish():
    with ball_arithmetic():
        law = BallLaw([flint.arb(0, 1), flint.arb(2)], [flint.arb("0.5")] * 2)
        found = slope_in_beta(law, Adam().laplace_over("beta2", Fraction(9, 10), Fraction(9, 10)))
        assert found.contains(0)
        assert slope_in_beta(BallLaw([flint.arb(0)], [flint.arb(1)]), Adam().laplace) == 0


@settings(max_examples=1)
@given(st.sampled_from([[0, 0, 3], [0, 3, 3], [-1, 0, 4]]), st.sampled_from(["0.9", "0.99", "0.999"]))
def test_speeds_hold_those_between_zeros(data, start):
    low = Fraction(start)
    high = low + (1 - low) / 40
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": data}))
    field = AdamField(problem, AdamW("0.5", "0.9", "1e-3", "0.1"))
    branch = certify_branch(field, "beta2", low, high, [1.0])
    assert branch.complete
    motion = enclose_motion(branch)
    assert [motion[0].low, motion[-1].high] == [low, high]
    assert all(left.high == right.low for left, right in itertools.pairwise(motion))
    at = [find_zero(AdamField(problem, AdamW("0.5", value, "1e-3", "0.1")), [1.0]).theta[0] for value in (low, high)]
    least = sum(piece.speed[0, 0] * float(piece.high - piece.low) for piece in motion)
    most = sum(piece.speed[0, 1] * float(piece.high - piece.low) for piece in motion)
    # By number, to rounding.
    assert least - 1e-12 <= at[1] - at[0] <= most + 1e-12
    # The tubes' own bounds are wider, and the checker proves them; narrower ones without the truth it refuses.
    speeds = np.array([tube.speed[0] for tube in branch.tubes])
    lengths = np.array([float(tube.high - tube.low) for tube in branch.tubes])
    assert speeds[:, 0] @ lengths <= least
    assert most <= speeds[:, 1] @ lengths
    content = certificate(replace(branch, tubes=branch.tubes[:1], joints=()))
    assert check_certificate(content).valid
    low, high = content["tubes"][0]["speed"][0]
    content["tubes"][0]["speed"] = [[low, low + (high - low) / 1000]]
    found = check_certificate(content, digest=False)
    assert not found.valid
    assert "speed in tube 0" in found.reason
    # Skewed to the right the mean is approached from below.
    assert {piece.signs for piece in motion} == {(1 if sum(data) / 3 > sorted(data)[1] else -1,)}


def test_what_is_not_enclosed_is_said():
    field = AdamField(THREE, AdamEpsInsideRoot("0.5", "0.9", "0.1"))
    branch = certify_branch(field, "eps", "0.1", "0.101", [0.9])
    assert branch.complete
    assert all(tube.speed is None for tube in branch.tubes)
    assert "with eps" not in branch.summary
    with pytest.raises(NotApplicable, match="eps"):
        enclose_motion(branch)
    with pytest.raises(InputError, match="branch"):
        enclose_motion("branch.json")
