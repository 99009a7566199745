"""The checker has the maker's constants for Lyapunov regions of networks, by other code; no claim has much room."""

import copy
import random
from fractions import Fraction

import flint
import numpy as np
import pytest
from bases import base
from hypothesis import example, given, settings
from hypothesis import strategies as st

from adamsym.certify.lyapunov.decrease_constants import Noise, theorem_1, theorem_2b, theorem_6
from adamsym.checker import check_certificate
from adamsym.checker.arithmetic import BITS
from adamsym.checker.balls import Balls
from adamsym.checker.checking import BUDGET
from adamsym.checker.form import form_of
from adamsym.checker.interpolation.constants import Draws, best_share
from adamsym.checker.interpolation.matrices import spectral_bound
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.expressions.work import budget
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.methods import Adam, AdamEpsInsideRoot, NAdam, RMSprop

METHODS = st.one_of(
    st.builds(Adam, st.sampled_from(["0", "0.9"]), st.sampled_from(["0.85", "0.999", "0.9999"]), st.just("1e-3")),
    st.builds(AdamEpsInsideRoot, st.just("0.5"), st.sampled_from(["0.9", "0.999"]), st.just("0.1")),
    st.builds(NAdam, st.just("0.9"), st.sampled_from(["0.95", "0.999"]), st.just("1e-8")),
    st.builds(RMSprop, st.sampled_from(["0.5", "0.999"]), st.just("0.1")),
    st.just(Adam("0.4", "0.3", "0.1")),
)


@given(
    METHODS,
    st.integers(1, 2000),
    st.sampled_from([1, 2, 7, 64, 4096]),
    st.sampled_from([1, 2, 30, 10**6]),
    st.floats(-4, 7),
    st.tuples(st.floats(-9, 3), st.floats(-9, 3)),
    st.booleans(),
)
@settings(max_examples=60)
@example(Adam("0.9", "0.99", "1e-3"), 1, 1, 2, 0.0, (0.0, 0.0), True)
def test_both_find_the_same_share(method, rows, batch, dimension, logarithm, sizes, slow):
    spread, (largest, mean_square) = 10**logarithm, (10**size for size in sizes)
    laplace, least = method.laplace, Fraction(1, rows)
    with ball_arithmetic():
        noise = Noise(flint.arb(spread), least, batch, dimension - 1)
        made = [theorem_6(laplace, noise), theorem_2b(laplace, noise)]
        made.append(theorem_1(laplace, noise, flint.arb(largest), flint.arb(mean_square)))
        wanted = max((float(one.share) for one in made if one.holds), default=None)
    using = (MpmathIntervals if slow else Balls)(BITS)
    with using.working():
        eta = using.upper(using.number(spread) / batch)
        form, draws = form_of(using, laplace), Draws(least, batch, dimension)
        found = best_share(form, laplace, draws, eta, using.number(largest), using.number(mean_square))
        share = None if found is None else float(found.c_0 if not slow else found.c_0.mid)
    if wanted is None or wanted < 1e-9:
        assert share is None or share < 2e-9
    else:
        assert share == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("slow", [False, True])
def test_spectral_norms_are_near_their_bounds(slow):
    using = (MpmathIntervals if slow else Balls)(BITS)
    with using.working():
        bound = spectral_bound(using, [[using.number(x) for x in row] for row in ([3, 0], [4, 5])])
        assert bound >= using.root(using.number(45))
        assert bound <= using.root(using.number(45)) * 1.001
        assert spectral_bound(using, [[using.number(0)] * 2] * 2) <= 0


@pytest.mark.parametrize("slow", [False, True])
def test_a_small_norm_is_bounded_by_rows_and_columns_alone(slow):
    using = (MpmathIntervals if slow else Balls)(BITS)
    with using.working(), budget(10**6) as meter:
        small = spectral_bound(using, [[using.number(1e-15)] * 8 for _ in range(8)])
        spent = 10**6 - meter.left
        assert using.number(8e-15) <= small
        assert small <= 1e-14
        spectral_bound(using, [[using.number(1.0)] * 8 for _ in range(8)])
    assert spent == 0
    assert 10**6 - meter.left > 0


def test_a_hundred_rows_of_two_hundred_parameters_are_within_the_budget():
    """Seven norms and four products of them are what a statement takes; there are up to four statements."""
    using, generator = Balls(BITS), random.Random(0)
    with using.working(), budget(BUDGET // 30) as meter:
        matrix = [[using.number(generator.gauss(0, 1)) for _ in range(100)] for _ in range(200)]
        bound = float(spectral_bound(using, matrix))
        assert 20 < bound < 30
        exact = np.linalg.norm([[float(x) for x in row] for row in matrix], 2)
        assert exact <= bound <= exact * 1.01
    assert meter.left > 0


CLAIMS = [("decrease", None, key) for key in ("eta", "mu", "c_0", "rate")]
CLAIMS += [("starts", k, key) for k in (0, 1) for key in ("radius", "rate", "within")]
CLAIMS += [("starts", 1, "level"), ("near", None, None)]


NAMES = ["ball", "ball of pairs", "ball of two outputs", "ball by N-Theorem 1", "ball of one row"]


@pytest.mark.parametrize(
    ("name", "part", "number", "key"),
    # The center of the last is a point with L = 0 itself, and so as near as one likes.
    [(name, *claim) for name in NAMES for claim in CLAIMS if name != NAMES[-1] or claim[0] != "near"],
)
def test_a_claim_that_says_a_quarter_more_is_not_proven(name, part, number, key):
    """However true it may be: so each bound of the checker counts, and has the size that it is to have."""
    content = copy.deepcopy(base(name).content)
    less = key in ("eta", "within") or part == "near"
    factor = 0.75 if less else 1.25
    if part == "near":
        content["near"] *= factor
    else:
        holder = content[part] if number is None else content[part][number]
        if part == "starts" and key != "rate":
            holder["rate"] = 0.0  # So that it is not the rate that is too much.
        holder[key] *= factor
    found = check_certificate(content, digest=False)
    assert not found.valid
    assert not found.undecided


def test_an_inverse_that_is_none_proves_no_point():
    """With it y - R(center + C y) moves away from the fixed point, though the residuals are as small."""
    content = copy.deepcopy(base("ball undecided").content)
    assert check_certificate(content).valid
    content["inverse"] = [[-x for x in row] for row in content["inverse"]]
    assert "interpolating point" in check_certificate(content, digest=False).reason
