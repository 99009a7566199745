"""Lyapunov regions: what is certified decreases, what is refuted has a witness, what is neither is said to be open."""

import dataclasses
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.certify import certificate, certify_lyapunov, compare_regions
from adamsym.certify.lyapunov import box_decrease, box_task
from adamsym.certify.lyapunov.decrease_constants import Noise, level_theorem_1, theorem_2b, theorem_6
from adamsym.certify.lyapunov.theorem_regions import level_t6, pointwise_smoothness
from adamsym.certify.minima import common_factor, common_minima
from adamsym.checker import check_certificate
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import gradient_laws, hulls
from adamsym.field.ball.law import BallLaw
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, RMSprop

HYPERBOLA = Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": [1, 2, -0.5], "y": [1, 2, -0.5]}))
TRAP = Problem(
    "s*30*theta**2/2 + (1 - s)*sin(theta)**2/2", ["theta"], Empirical({"s": [1, 0]}, weights=["0.02", "0.98"])
)
CONVEX_TRAP = Problem(
    "(u*a + v*b)**2/2", ["a", "b"], Empirical({"u": [10, -1], "v": ["0", "1.1"]}, weights=["0.02", "0.98"])
)
SHARED_MINIMUM = Problem(
    "(u*a + v*b)**2/2 + (a**2 + b**2)*w/2", ["a", "b"], Empirical({"u": [1, -1], "v": [0.5, 2], "w": [1, 2]})
)


def slope_along(field, theta):
    """<grad L, f> in float64."""
    return float(field.problem.gradient(theta) @ field(theta))


def test_around_a_curve_of_minima():
    found = certify_lyapunov(AdamField(HYPERBOLA, Adam(0.5, 0.9, 0.01)), [[0.5, 2], [0.5, 2]])
    assert found.verdict == "certified"
    assert found.share == pytest.approx(1)
    assert {outcome.by for _, outcome in found.leaves} <= {"factor", "sign", "enclosure"}
    assert str(common_factor(HYPERBOLA).factor) in ("a*b - 1", "1 - a*b")
    # The rate is proven: nowhere does L decrease more slowly, next to the curve and far from it.
    generator = np.random.default_rng(0)
    field = AdamField(HYPERBOLA, Adam(0.5, 0.9, 0.01))
    for theta in generator.uniform(0.5, 2, size=(200, 2)):
        assert slope_along(field, theta) <= -found.rate * HYPERBOLA.mean_loss(theta) * (1 - 1e-9)
    for a in (0.6, 1, 1.7):
        theta = [a, (1 + 1e-5) / a]
        assert slope_along(field, theta) <= -found.rate * HYPERBOLA.mean_loss(theta)
    assert found.rate > 0.01


@pytest.mark.parametrize(
    ("problem", "adam", "region", "expected"),
    [
        (TRAP, Adam("0.5", "0.9", "0.01"), [[2.2, 2.2 + 2**-20]], 0.2228),
        (CONVEX_TRAP, Adam("0.5", "0.9", "1e-8"), [[0.5, 1.5], [0.5, 1.5]], 0.0760),
    ],
    ids=["N1", "N2"],
)
def test_the_controls_are_refuted(problem, adam, region, expected):
    found = certify_lyapunov(AdamField(problem, adam), region)
    assert found.verdict == "refuted"
    low, high = found.witness_bounds
    assert 0 < low <= high
    assert low == pytest.approx(expected, rel=1e-3)
    assert slope_along(AdamField(problem, adam), found.witness) == pytest.approx(low, rel=1e-9)


def test_next_to_a_single_minimum():
    found = certify_lyapunov(AdamField(TRAP, Adam("0.5", "0.9", "0.01")), [[-1, 1.2]])
    assert found.verdict == "certified"
    assert found.minima == ((0,),)
    assert "minimum" in {outcome.by for _, outcome in found.leaves}
    # A larger batch certifies what one row does not (N-Theorem 2: B >= 8).
    large = Problem(str(TRAP.loss), ["theta"], TRAP.law, batch_size=8)
    assert certify_lyapunov(AdamField(large, Adam("0.5", "0.9", "0.01")), [[2.1, 2.3]]).verdict == "certified"
    assert certify_lyapunov(AdamField(TRAP, Adam("0.5", "0.9", "0.01")), [[2.1, 2.3]]).verdict == "refuted"


def test_next_to_a_minimum_in_the_plane():
    adam = Adam("0.9", "0.999", "0.01")
    found = certify_lyapunov(AdamField(SHARED_MINIMUM, adam), [[-0.5, 0.6], [-0.5, 0.6]])
    assert found.verdict == "certified"
    assert found.minima == ((0, 0),)
    field = AdamField(SHARED_MINIMUM, adam)
    for theta in np.random.default_rng(1).uniform(-0.01, 0.01, size=(50, 2)):
        assert slope_along(field, theta) <= -found.rate * SHARED_MINIMUM.mean_loss(theta)


def test_without_interpolation_nothing_near_the_mean_is_certified():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    found = certify_lyapunov(field, [[0.99, 1.01]])
    assert found.minima == ()
    assert found.verdict == "refuted"
    assert 0.9995 < found.witness[0] < 1
    assert certify_lyapunov(field, [[1.01, 4]]).verdict == "certified"
    zero = certify_lyapunov(field, [[1 - 2**-40, 1 + 2**-30]], budget=200)
    assert zero.verdict != "certified"


def test_a_saddle_of_the_loss_is_not_certified():
    field = AdamField(
        Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": [1, 2], "y": [1, 2]})), Adam(0.5, 0.9, 0.1)
    )
    found = certify_lyapunov(field, [[-0.1, 0.1], [-0.1, 0.13]], budget=200)
    assert found.verdict == "undecided"
    assert any(low[0] <= 0 <= low[1] and high[0] <= 0 <= high[1] for low, high in found.undecided)


@settings(deadline=None, max_examples=8, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=4),
    st.sampled_from([Adam(), Adam("0.5", "0.9", "0.1"), Adam(0, 0, 1), Adam("0.3", "0.3", "0.01")]),
    st.floats(-2, 2),
    st.floats(-2, 2),
    st.floats(0.01, 0.5),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_certified_boxes_hold_no_counterexample(rows, adam, a, b, width, first, second):
    columns = {"x": [x for x, _ in rows], "y": [y for _, y in rows]}
    if not any(columns["x"]):
        return
    problem = Problem("(a*x + tanh(b*x) - y)**2/2", ["a", "b"], Empirical(columns))
    field = AdamField(problem, adam)
    found = certify_lyapunov(field, [[a, a + width], [b, b + width]], budget=20)
    for box, outcome in found.certified:
        theta = [low + share * (high - low) for (low, high), share in zip(box, (first, second), strict=True)]
        value = slope_along(field, theta)
        assert value <= 1e-14
        assert value <= -outcome.rate * problem.mean_loss(theta) + 1e-12
    if found.witness is not None:
        assert slope_along(field, found.witness) > 0


def test_each_condition_of_the_proofs_is_needed():
    """Without the noise terms the lemmas would certify the trap."""
    theta = hulls(np.array([[2.2, 2.2]]))
    adam = Adam("0.5", "0.9", "0.01")
    with ball_arithmetic():
        laws = gradient_laws(TRAP, theta, slopes=False)
        assert box_decrease.by_signs(laws, laws, adam.laplace, None, "sign") is None
        square, variance = laws[0].mean ** 2, laws[0].variance
        assert box_decrease.by_spread(square, variance, laws, adam.laplace, None, "sign") is None
        assert box_decrease.by_spread(square, flint.arb(0), laws, adam.laplace, None, "sign") is not None
        # Small noise is enough for both.
        quiet = gradient_laws(TRAP, theta, slopes=False)
        quiet[0].variance = flint.arb("1e-6")
        assert box_decrease.by_signs(quiet, quiet, adam.laplace, None, "sign") is not None


def test_the_spread_counts_noise_twice():
    """Q = 1 - q sqrt(eta) - q^2 eta x/4: with q sqrt(eta) = 0.8 and x = 3 the last term decides."""
    law = BallLaw([flint.arb(-3), flint.arb(3)], [flint.arb("0.5")] * 2)  # x = 3 for eps = 1
    adam = Adam("0.5", "0.9", "1")
    with ball_arithmetic():
        q = box_decrease.sign_factor(law, adam.laplace)
        eta = (flint.arb("0.8") / q) ** 2
        assert 1 - q * eta.sqrt() > 0
        assert box_decrease.by_spread(flint.arb(1), eta, [law], adam.laplace, None, "sign") is None
        less = box_decrease.by_spread(flint.arb(1), eta / 4, [law], adam.laplace, flint.arb(1), "sign")
        assert less.rate == pytest.approx((1 - 0.4 - 0.16 * 3 / 4) / 4)
        # For two equal rows q is its own square: q sqrt(eta) = 0.8 q.
        q = float(q)
        rows = box_decrease.by_spread(flint.arb(1), eta, [law], adam.laplace, flint.arb(1), "sign", (Fraction(1, 2), 1))
        assert rows.rate == pytest.approx((1 - 0.8 * q - 0.64 * q**2 * 3 / 4) / 4)


def test_the_spread_of_matrices():
    half = [flint.arb("0.5")] * 2
    entries = [BallLaw([flint.arb(a), flint.arb(b)], half) for a, b in ((1, 3), (0, 0), (0, 0), (3, 1))]
    with ball_arithmetic():
        square, variance = box_decrease.spread_of_matrices(entries, [[0.5, 0], [0, 0.5]])
    assert 1 < square <= 4
    assert 2 <= variance <= 2.001


@pytest.mark.parametrize("adam", [Adam(), Adam("0.5", "0.9", "1e-8"), RMSprop("0.999", "1e-8")])
def test_one_box_about_a_minimum_is_certified_for_every_eps(adam):
    """By N-Theorem 6 the box need not be small beside eps; with a rare row (N2) it says nothing, and the loss rises."""
    found = certify_lyapunov(AdamField(SHARED_MINIMUM, adam), [[-1, 1], [-1, 1]], budget=5)
    assert (found.verdict, found.examined) == ("certified", 1)
    assert check_certificate(certificate(found)).valid
    rare = certify_lyapunov(AdamField(CONVEX_TRAP, Adam("0.5", "0.9", "1e-8")), [[-2, 2], [-2, 2]], budget=5)
    assert rare.verdict != "certified"


def test_mean_hessians_reach_to_the_minimum():
    """On [0.4, 0.8] the Hessian of theta^4/4 is 3 theta^2, but the gradient over theta is theta^2."""
    quartic = Problem("theta**4/4", ["theta"], Empirical({"x": [1]}))
    theta = hulls(np.array([[0.4, 0.8]]))
    with ball_arithmetic():
        laws = gradient_laws(quartic, theta, slopes=False)
        assert box_task._around(quartic, Adam().laplace, theta, [flint.arb(0)], laws, True) is None
        square = Problem("theta**2/2", ["theta"], Empirical({"x": [1]}))
        laws = gradient_laws(square, theta, slopes=False)
        assert box_task._around(square, Adam().laplace, theta, [flint.arb(0)], laws, True) is not None


def test_common_minima_are_exact():
    assert common_minima(TRAP, np.array([[-1, 2]])) == [(0,)]
    assert common_minima(TRAP, np.array([[1, 2]])) == []
    nearly = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": ["1", "1.0000000001"]}))
    assert common_minima(nearly, np.array([[0, 2]])) == []
    assert common_factor(nearly) is None
    assert common_factor(TRAP) is None


def test_losses_with_a_domain():
    field = AdamField(Problem("theta*x - log(theta)", ["theta"], Empirical({"x": [1, 2]})), Adam("0.5", "0.9", "0.1"))
    assert certify_lyapunov(field, [[0.9, 3]]).verdict == "certified"
    assert certify_lyapunov(field, [[-1, 3]], budget=60).verdict == "undecided"


def test_regions_side_by_side():
    adam = Adam("0.5", "0.9", "0.01")
    found = compare_regions(certify_lyapunov(AdamField(HYPERBOLA, adam), [[0.5, 2], [0.5, 2]]))
    # K bounds every row's Hessian norm, mu the PL ratio: compare with points.
    hessians = HYPERBOLA.row_jacobians(np.random.default_rng(2).uniform(0.5, 2, size=(100, 2)))
    assert found.smoothness >= np.abs(np.linalg.eigvalsh(hessians)).max()
    points = np.random.default_rng(3).uniform(0.5, 2, size=(1000, 2))
    ratios = (HYPERBOLA.gradient(points) ** 2).sum(axis=1) / (2 * HYPERBOLA.mean_loss(points))
    assert 0.5 * ratios.min() < found.pl <= ratios.min()
    assert found.level_t6 == pytest.approx(found.pl**2 * 1e-4 / (2 * found.smoothness**3))
    assert found.shares["certified"] == pytest.approx(1)
    assert found.shares["T6"] < 0.01
    open_region = certify_lyapunov(AdamField(TRAP, adam), [[-1, 2.5]])
    assert compare_regions(open_region).level_t6 is None


@pytest.mark.parametrize(
    ("loss", "rows", "box"),
    [
        ("a*(sqrt(1 + theta**2) - 1)", {"a": [1, 2]}, [[50, 50.1]]),
        ("a*(sqrt(1 + theta**2) - 1)", {"a": [1, 2]}, [[20, 20.5]]),
        ("a*log(cosh(theta))", {"a": [1, 3]}, [[-0.5, 4]]),
        ("a*(theta**2 + w**2)/(1 + theta**2)", {"a": [1, 2]}, [[0.5, 2], [-1, 1]]),
    ],
)
def test_smoothness_is_what_the_theorems_need(loss, rows, box):
    names = ["theta", "w"][: len(box)]
    problem, box = Problem(loss, names, Empirical(rows)), np.array(box, dtype=float)
    points = np.random.default_rng(1).uniform(*box.T, size=(2000, len(box)))
    hessians = float(np.linalg.norm(problem.row_jacobians(points), axis=(-2, -1)).max())
    needed = ((problem.row_gradients(points) ** 2).sum(axis=-1) / (2 * problem.row_losses(points))).max()
    found = pointwise_smoothness(problem, box, 1.001 * hessians)
    assert found >= needed
    assert found <= 40 * max(needed, hessians)


def test_a_hessian_bound_on_the_box_alone_is_not_enough():
    # Far out the Hessian is small but the loss still had to come down from there.
    problem = Problem("a*(sqrt(1 + theta**2) - 1)", ["theta"], Empirical({"a": [1, 2]}))
    region = certify_lyapunov(AdamField(problem, Adam("0.5", "0.9", "0.1")), [[50, 50.1]])
    found = compare_regions(region)
    assert region.verdict == "certified"
    assert max(outcome.smoothness for _, outcome in region.certified) < 0.001
    assert found.smoothness >= 0.0204
    assert found.pl <= found.smoothness


@pytest.mark.parametrize(
    ("loss", "rows", "box"),
    [
        # Certified next to the minimum of all rows, a maximum of one of them.
        ("c*(cosh(theta) - 1)", {"c": [3, -1]}, [[-1, 1]]),
        # No loss is negative in the box, but one is where a step along its gradient ends.
        ("theta**2 - c", {"c": [1, 0]}, [[1.01, 2]]),
    ],
)
def test_the_theorems_have_no_levels_where_a_loss_is_negative(loss, rows, box):
    region = certify_lyapunov(AdamField(Problem(loss, ["theta"], Empirical(rows)), Adam("0.5", "0.9", "0.1")), box)
    found = compare_regions(region)
    assert region.verdict == "certified"
    assert found.pl > 0
    assert found.smoothness is found.level_t6 is found.level_theorem_1 is found.theorem_2 is found.theorem_6 is None


def noise(spread: float, least: Fraction, batch: int, dimension: int) -> Noise:
    return Noise(flint.arb(spread), least, batch, dimension - 1)


def test_levels_of_the_theorems():
    # docs/theory.md: defaults, kappa = 100: T6 x < .01.
    assert level_t6(100.0, 1.0, 1.0) == pytest.approx(0.01**2 / (2 * 100))
    with ball_arithmetic():
        adam = Adam(eps=1).laplace
        # N-Theorem 1 for single rows: x = 62.8 for many of them, where q is q_0; L = eps^2 x^2/(2 K).
        many = level_theorem_1(adam, noise(99, Fraction(1, 10**9), 1, 5), flint.arb(2))
        assert many == pytest.approx(62.77**2 / (2 * 2), rel=2e-3)
        fewer = level_theorem_1(adam, noise(99, Fraction(1, 100), 1, 5), flint.arb(2))
        # Up to the x where q^2 eta x/4 = 1 - q sqrt(eta), q = q_0^2 sqrt(99) at most.
        q = (0.999**-0.5 - 1) * 99**0.5
        assert fewer == pytest.approx((4 * (1 - q * 99**0.5) / (q**2 * 99)) ** 2 / 4, rel=0.02)
        assert level_theorem_1(adam, noise(0, Fraction(1), 1, 5), flint.arb(2)) == pytest.approx(2.0**80 / 4)
        # The level is that of the explicit region at least: x = 1/(4 (1 - sqrt beta) eta sqrt N).
        x = 1 / (4 * (1 - 0.999**0.5) * 1000 * 3)
        assert level_theorem_1(adam, noise(1000, Fraction(1, 9), 1, 5), flint.arb(2)) >= x**2 / 4


def test_the_theorems_on_all_of_space():
    with ball_arithmetic():
        usual, short = Adam().laplace, Adam("0.5", "0.9", "0.1").laplace
        # kappa = 100 in batches of 256, whatever the rows.
        assert theorem_2b(usual, noise(99, None, 256, 2000)).holds
        assert not theorem_2b(usual, noise(99, None, 256, 9000)).holds
        # Row 2 of N1: kappa = 146.7, B >= 7 by the kurtosis; N-Lemma 1 asks for 8.
        for proved in (theorem_2b, theorem_6):
            assert proved(short, noise(145.7, Fraction(1, 50), 7, 1)).holds
            assert not proved(short, noise(145.7, Fraction(1, 50), 6, 1)).holds
            assert not proved(short, noise(145.7, None, 7, 1)).holds
        # A beta2 that is 1 as a float is below 1: the noise is not 0.
        slow = dataclasses.replace(usual, beta=Fraction(10**20 - 1, 10**20))
        assert not theorem_2b(slow, noise(1e21, None, 1, 1)).holds
        assert not theorem_2b(slow, noise(1e21, None, 1, 2)).holds


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"region": [[1, 0]]}, "lower first"),
        ({"region": [[1, 1]]}, "below its upper"),
        ({"region": [[0, 1]], "minima": [[0.5]]}, "do not all vanish"),
        ({"region": [[0, 1]], "minima": [[0, 0]]}, "2 numbers"),
        ({"region": [0, 1]}, "shape"),
    ],
)
def test_bad_input(options, fragment):
    with pytest.raises(InputError, match=fragment):
        certify_lyapunov(AdamField(TRAP, Adam()), **options)
