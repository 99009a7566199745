"""Lyapunov regions around interpolating points, and global ones: what they assert holds at points of the region."""

from pathlib import Path

import flint
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adamsym.certify import certificate, certify_lyapunov_ball, certify_lyapunov_globally
from adamsym.certify.interpolation.bounds import balances_at, bounds_around
from adamsym.certify.interpolation.outputs import outputs_of
from adamsym.certify.interpolation.regions import NO_POINT
from adamsym.checker import check_certificate
from adamsym.dynamics import flow
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.gradients import Empirical, Problem, VectorField
from adamsym.gradients.reading import read_problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, NAdam, RMSprop

EXAMPLES = Path(__file__).parents[2] / "examples"
DEFAULTS = Adam("0.9", "0.999", "1e-8")

numbers = st.integers(-20, 20).map(lambda k: k / 10)
LOSSES = {
    "linear": ("(a*x + b*y + c - z)**2/2", False),
    "weighted": ("(1 + x**2)*(a*x + b*y + c - z)**2", False),
    "tanh": ("(a*tanh(b*x + c) + b*y - z)**2/2", True),
    "product": ("(a*b + c*x + y*a - z)**2/3", True),
}
TWO_OUTPUTS = {
    "linear": ("((a*x + b - y)**2 + (c*x + d - 3*b - z)**2)/2", False),
    "weighted": ("(1 + y**2)*(2*(a*x + b - z)**2 + (c*x + d - a)**2/3)", False),
    "tanh": ("(a*tanh(b*x) + c*y - z)**2/2 + (d*x + b*y - a)**2", True),
}
"""Rows with two residuals each, of four parameters."""


def assert_checked(found, slow=False):
    """The certificate is valid, and not if it says that there is hardly any noise."""
    content = certificate(found)
    assert check_certificate(content, slow=slow).valid
    content["decrease"]["c_0"] = 0.999
    assert not check_certificate(content, slow=slow, digest=False).valid


def example(name, method, batch=1):
    """The field of an example with another method and batch, and the example's start."""
    source = read_problem(EXAMPLES / f"{name}.toml")
    problem = Problem(source.problem.text, source.problem.names, source.problem.law, batch)
    return AdamField(problem if batch > 1 else source.problem, method), list(source.start.values())


def assert_it_holds_at(field, found, theta, where=""):
    """The inequalities that the result's bounds state, at a point, in floats."""
    problem, proof = field.problem, found.proof
    loss, gradient = float(problem.mean_loss(theta)), problem.gradient(theta)
    rows, weights = problem.row_gradients(theta), np.array([float(p) for p in problem.law.exact_probabilities])
    square = gradient @ gradient
    spread = (weights @ (rows**2).sum(axis=1) - square) / problem.batch_size
    eta, share = float(proof.noise.eta), float(proof.best.share)
    assert spread <= eta * square * (1 + 1e-9) + 1e-13 * (weights @ (rows**2).sum(axis=1)), where
    assert square >= 2 * float(proof.bounds.pl) * loss * (1 - 1e-9), where
    decrease = -gradient @ field(theta)
    scale = field.adam.laplace.kernel.of(np.array((1 + eta) * square))
    noise = 1e-11 * np.abs(gradient).sum()
    assert decrease >= share * square * scale * (1 - 1e-9) - noise, where
    if found.level is None or loss <= found.level:
        assert decrease >= found.rate * loss * (1 - 1e-9) - noise, where


@given(
    st.sampled_from(sorted(LOSSES)),
    st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=2),
    st.sampled_from(
        [
            Adam("0.9", "0.99", "1e-3"),
            Adam("0.5", "0.9", "0.1"),
            NAdam("0.5", "0.95", "0.1"),
            RMSprop("0.9", "1e-2"),
            AdamEpsInsideRoot("0.5", "0.9", "0.01"),
        ]
    ),
    st.integers(1, 3),
    st.sampled_from([None, 0.01, 0.1]),
    st.randoms(use_true_random=False),
)
@settings(max_examples=8)
def test_drawn_regions_hold_at_points_in_them(name, rows, method, batch, radius, random):
    loss, curved = LOSSES[name]
    law = Empirical({key: [row[k] for row in rows] for k, key in enumerate("xyz")})
    field = AdamField(Problem(loss, ["a", "b", "c"], law, batch_size=batch), method)
    at = [1.0, 0.5, -0.5]
    found = certify_lyapunov_ball(field, at, radius=radius)
    assume(found.verdict == "certified")
    side = np.random.default_rng(random.randrange(2**32))
    for reach in (found.radius, 0.1 * found.radius):
        theta = found.center + reach * side.uniform(-1, 1, 3)
        assert_it_holds_at(field, found, theta)
    assert float(field.problem.mean_loss(found.center)) <= 1e-20
    everywhere = certify_lyapunov_globally(field, at)
    assert (everywhere.verdict == "certified") >= (not curved)
    if everywhere.verdict == "certified":
        assert_it_holds_at(field, everywhere, side.normal(0, 10, 3))


FEATURES = {("0.999", 1): 0.535, ("0.999", 4): 0.535, ("0.999", 32): 0.886}
FEATURES |= {("0.9999", 1): 0.962, ("0.9999", 4): 0.962, ("0.9999", 32): 0.987}


@pytest.mark.parametrize(
    ("beta2", "batch"),
    [pytest.param(*key, marks=pytest.mark.slow) for key in FEATURES],
)
def test_random_features_have_a_global_lyapunov_function(beta2, batch):
    """Those of the default beta2 also stand in docs/certificates.md, which each run of the tests compares."""
    field, start = example("random_features", Adam("0.9", beta2, "1e-8"), batch)
    found = certify_lyapunov_globally(field, start)
    assert found.verdict == "certified"
    assert found.is_global
    assert found.to_dict()["region"]["ball"]["radius"] is None
    assert found.explanation.carried_by == "N-Theorem 6"
    assert float(found.proof.best.share) == pytest.approx(FEATURES[beta2, batch], abs=6e-4)
    assert found.level == pytest.approx(0.4129255833)
    assert_checked(found)


TRAPPED = {1: 1.1e-7, 4: 2.2e-7, 32: 7.7e-7}


@pytest.mark.parametrize("batch", [1, *(pytest.param(batch, marks=pytest.mark.slow) for batch in (4, 32))])
def test_tanh_network_has_a_region_and_traps_flow_lines(batch):
    """The trap is some eight times as wide as N-Corollary 3 gives on the box that Weyl's inequality gives."""
    field, start = example("tanh_network", DEFAULTS, batch)
    found = certify_lyapunov_ball(field, start)
    assert found.verdict == "certified"
    assert found.radius >= 0.0251
    assert found.near < 1e-13
    assert found.trapped_radius > TRAPPED[batch]
    assert found.tube.radius + 1e-9 < found.tube.within <= found.radius
    assert found.tube.level > 5e-13
    assert certify_lyapunov_ball(field, start, radius=2 * found.radius).verdict == "undecided"
    assert_checked(found)


def test_a_region_stops_short_of_a_critical_point_with_a_loss():
    """At a = b = 0 the gradient of (a b - 1)^2/2 vanishes and the loss is 1/2: no box that holds it is certified."""
    field = AdamField(Problem("(a*b - x)**2/2", ["a", "b"], {"x": [1]}), DEFAULTS)
    assert certify_lyapunov_ball(field, [1, 1], radius=0.45).verdict == "certified"
    assert certify_lyapunov_ball(field, [1, 1], radius=1.001).verdict == "undecided"
    assert certify_lyapunov_ball(field, [1, 1]).radius < 1
    assert certify_lyapunov_globally(field, [1, 1]).verdict == "undecided"


def test_bounded_nonlinearity_is_certified_globally():
    field = AdamField(Problem("(3*a*x + sin(a*x) - y)**2/2", ["a"], {"x": [1], "y": [2]}), DEFAULTS)
    found = certify_lyapunov_globally(field)
    assert found.verdict == "certified"
    assert_it_holds_at(field, found, np.array([2.5]))
    steeper = AdamField(Problem("(a*x + 3*sin(a*x) - y)**2/2", ["a"], {"x": [1], "y": [2]}), DEFAULTS)
    assert certify_lyapunov_globally(steeper).verdict == "undecided"


@pytest.mark.parametrize("rows", [{"x": [1, 1], "y": [0, 1]}, {"x": [1, 2, 3], "y": [1, 1, 1]}])
def test_data_that_no_parameters_fit_stay_undecided(rows):
    field = AdamField(Problem("(a*x + b - y)**2/2", ["a", "b"], rows | {"y": [0, 1, 5][: len(rows["x"])]}), DEFAULTS)
    for found in (certify_lyapunov_ball(field, [0, 0]), certify_lyapunov_globally(field)):
        assert found.verdict == "undecided"
        assert found.reason == NO_POINT
        assert "must be linearly independent" in NO_POINT
        assert found.rate is None


def test_what_fails_is_named_and_what_would_do():
    """Five rows and a short memory of second moments: q sqrt(eta) is above 1. A batch or a longer memory helps."""
    rows = {"x": [1, 0, 0, 0, 1], "y": [0, 1, 0, 0, 1], "z": [0, 0, 1, 0, 1]}
    problem = Problem("(a*x + b*y + c*z + d*x*y + e - x)**2/2", ["a", "b", "c", "d", "e"], rows)
    found = certify_lyapunov_globally(AdamField(problem, Adam("0.5", "0.9", "1e-8")))
    assert found.verdict == "undecided"
    assert "N-Theorem 6 needs" in found.reason
    explained = found.explanation
    assert explained.carried_by is None
    assert explained.rows_a_draw == pytest.approx(5)
    assert explained.limit == pytest.approx(19.487, abs=1e-3)
    for batch, beta2 in ((explained.smallest_batch, 0.9), (1, explained.smallest_beta2)):
        other = Problem(problem.text, problem.names, problem.law, batch)
        assert certify_lyapunov_globally(AdamField(other, Adam("0.5", beta2, "1e-8"))).verdict == "certified"


def test_balanced_singular_values_hold_and_reach_farther():
    """|A^T S u| >= s |u| at points of the box; without balances s is smaller, and 0 on a box that is still narrow."""
    field, start = example("tanh_network", DEFAULTS)
    residuals = outputs_of(field.problem)
    center = residuals.interpolating_point(np.array(start))
    slopes = residuals.at(center)[1]
    inverse, shares = np.linalg.pinv(slopes), np.array([float(p) for p in residuals.probabilities])
    balances, generator = balances_at(slopes, shares), np.random.default_rng(3)
    lengths = np.linalg.norm(slopes, axis=1)
    with ball_arithmetic():
        for radius, farther in ((1e-3, 1.0), (0.02, 3.0)):
            with_balances = bounds_around(residuals, center, inverse, radius, balances)
            without = bounds_around(residuals, center, inverse, radius)
            assert float(with_balances.pl) >= farther * float(without.pl)
            assert float(without.kappa) >= farther * float(with_balances.kappa)
            stretch = float(without.kappa) ** 0.5
            for _ in range(20):
                moved = residuals.at(center + radius * generator.uniform(-1, 1, len(center)))[1]
                plain = np.linalg.svd(moved * np.sqrt(shares)[:, None], compute_uv=False)[-1]
                assert plain**2 >= float(with_balances.pl)
                least = np.linalg.svd(moved * (np.sqrt(shares) / lengths)[:, None], compute_uv=False)[-1]
                ratio = (np.linalg.norm(moved, axis=1) / lengths).max() / least
                assert ratio <= float(with_balances.kappa) ** 0.5 <= stretch
        assert isinstance(bounds_around(residuals, center, inverse, 0.024), str)
        assert not isinstance(bounds_around(residuals, center, inverse, 0.024, balances), str)


@pytest.mark.parametrize("start", [[0.0, 0.0, 0.0], [2.0, -1.0, 3.0]])
def test_paths_are_as_short_as_n_corollary_3_says(start):
    """int |f|_inf dt <= Phi sqrt(2 (1 + eta) L_0/mu)/c_0, Phi = 1, and the sharper bound of the region's own too."""
    law = Empirical({"x": [1, -0.5], "y": [0.5, 1], "z": [1, 0.25]})
    field = AdamField(Problem("(a*x + b*y + c - z)**2/2", ["a", "b", "c"], law), Adam("0.9", "0.99", "1e-3"))
    proof = certify_lyapunov_globally(field, start).proof
    loss, times = float(field.problem.mean_loss(start)), np.linspace(0, 12, 1201)
    theta = flow(field, start, times).theta
    path = np.trapezoid(np.abs(field(theta)).max(axis=1), times)
    assert field.problem.mean_loss(theta[-1]) < 1e-6 * loss
    share, eta, mu = (float(x) for x in (proof.best.share, proof.noise.eta, proof.bounds.pl))
    whole = (2 * (1 + eta) * loss / mu) ** 0.5 / share
    with ball_arithmetic():
        sharper = float(proof.path(flint.arb(2 * loss).sqrt()))
    assert path <= sharper * (1 + 1e-6)
    assert sharper <= whole * (1 + 1e-9)
    # Nor is it a bound by chance, of something far longer.
    assert path >= sharper / 30


@pytest.mark.parametrize("name", sorted(TWO_OUTPUTS))
@pytest.mark.parametrize("method", [Adam("0.5", "0.99", "0.1"), RMSprop("0.99", "1e-2")])
def test_regions_of_rows_with_two_residuals_hold_at_points_in_them(name, method):
    loss, curved = TWO_OUTPUTS[name]
    law = Empirical({"x": [1, -0.5], "y": [0.5, 1], "z": [1, 0.25]}, weights=["0.25", "0.75"])
    field, at = AdamField(Problem(loss, ["a", "b", "c", "d"], law, batch_size=2), method), [1.0, 0.5, -0.5, 1.0]
    found = certify_lyapunov_ball(field, at)
    assert found.verdict == "certified"
    side = np.random.default_rng(1)
    for reach in (found.radius, 0.1 * found.radius):
        for _ in range(5):
            assert_it_holds_at(field, found, found.center + reach * side.uniform(-1, 1, 4))
    # What it takes is nearly attained: bounds of one row's gradients are not those of its residuals taken apart.
    rows = [field.problem.row_gradients(found.center + 1e-3 * side.uniform(-1, 1, 4)) for _ in range(200)]
    ratios = [0.25 * (r[0] ** 2).sum() + 0.75 * (r[1] ** 2).sum() for r in rows]
    means = [((0.25 * r[0] + 0.75 * r[1]) ** 2).sum() for r in rows]
    assert max(np.divide(ratios, means)) <= float(found.proof.bounds.kappa)
    assert_checked(found)
    if not curved:
        everywhere = certify_lyapunov_globally(field, at)
        assert everywhere.verdict == "certified"
        assert_checked(everywhere)


def test_the_network_with_two_outputs():
    field, at = example("two_outputs", DEFAULTS)
    found = certify_lyapunov_ball(field, at, radius=0.1)
    assert found.verdict == "certified"
    assert found.explanation.carried_by == "N-Theorem 6"
    side = np.random.default_rng(2)
    for reach in (found.radius, 1e-3):
        assert_it_holds_at(field, found, found.center + reach * side.uniform(-1, 1, len(at)))
    assert check_certificate(certificate(found)).valid


def test_residuals_that_depend_on_each_other_are_left_undecided():
    """The same square twice, and a ridge: neither has an interpolating point whose gradients are independent."""
    for loss in ("(a*x + b*y - z)**2 + (2*a*x + 2*b*y - 2*z)**2", "(a*x + b*y - z)**2 + a**2/10"):
        found = certify_lyapunov_globally(
            AdamField(Problem(loss, ["a", "b"], {"x": [1, 2], "y": [1, -1], "z": [0, 1]}), DEFAULTS)
        )
        assert (found.verdict, found.reason) == ("undecided", NO_POINT)


def test_inputs_that_do_not_apply():
    linear = Problem("(a*x + b - y)**2/2", ["a", "b"], {"x": [1, 2], "y": [1, 1]})
    for loss in ("(a*x + b - y)**2/2 + a", "exp(a + b*x*y)", "-(a*x + b - y)**2/2", "(a*x + b - y)**4/x**3*(x - 1)"):
        with pytest.raises(NotApplicable, match="square"):
            certify_lyapunov_globally(AdamField(Problem(loss, ["a", "b"], linear.law), DEFAULTS))
    with pytest.raises(InputError, match="loss"):
        certify_lyapunov_globally(AdamField(VectorField(["a - x"], ["a"], {"x": [1]}), DEFAULTS))
    for radius in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(InputError, match="radius"):
            certify_lyapunov_ball(AdamField(linear, DEFAULTS), [0, 0], radius=radius)
    with pytest.raises(InputError, match="at: shape"):
        certify_lyapunov_ball(AdamField(linear, DEFAULTS), [[0, 0]])
    with pytest.raises(InputError, match="range of floats"):
        certify_lyapunov_globally(AdamField(linear, DEFAULTS), [1e200, 0])
    decayed = certify_lyapunov_globally(AdamField(linear, AdamW("0.9", "0.999", "1e-8", "0.1")))
    assert decayed.verdict == "undecided"
    assert "no weight decay" in decayed.reason


def test_a_certificate_of_a_region_without_the_point_does_not_say_that_it_is_there():
    field = AdamField(Problem("(a*x + b*y - 1/3)**2/2", ["a", "b"], {"x": [1, 2], "y": [1, -1]}), DEFAULTS)
    found = certify_lyapunov_ball(field, [0, 0], radius=1e-300)
    assert found.verdict == "undecided"
    content = certificate(found)
    assert check_certificate(content).valid
    assert not check_certificate(content | {"near": 1e-300}, digest=False).valid


@pytest.mark.slow
@pytest.mark.parametrize("beta2", ["0.999", "0.9999"])
@pytest.mark.parametrize("batch", [1, 4, 32])
def test_certificates_of_networks_in_both_arithmetics(beta2, batch):
    field, start = example("tanh_network", Adam("0.9", beta2, "1e-8"), batch)
    assert_checked(certify_lyapunov_ball(field, start), slow=True)
    field, start = example("random_features", Adam("0.9", beta2, "1e-8"), batch)
    assert_checked(certify_lyapunov_globally(field, start), slow=True)


@pytest.mark.slow
@given(
    st.sampled_from(sorted(LOSSES)),
    st.lists(st.tuples(numbers, numbers, numbers), min_size=1, max_size=3),
    st.sampled_from([Adam("0.9", "0.99", "1e-3"), Adam("0.5", "0.8", "0.1"), AdamEpsInsideRoot("0.5", "0.9", "0.01")]),
    st.integers(1, 40),
)
@settings(max_examples=150)
def test_drawn_certificates_are_accepted(name, rows, method, batch):
    """What is proved is proved again, in both arithmetics, with the margin that certificates leave."""
    law = Empirical({key: [row[k] for row in rows] for k, key in enumerate("xyz")})
    field = AdamField(Problem(LOSSES[name][0], ["a", "b", "c"], law, batch_size=batch), method)
    for found in (certify_lyapunov_ball(field, [1.0, 0.5, -0.5]), certify_lyapunov_globally(field, [1.0, 0.5, -0.5])):
        for slow in (False, True):
            assert check_certificate(certificate(found), slow=slow).valid
