"""Enclosures hold the truth; each bound in them is needed and suffices."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import direct_product
import flint
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_laws import laws

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.field.ball import lag_series, quadrature_nodes
from adamsym.field.ball import quadrature as ball_quadrature
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, outward, step_bound
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.float.laplace_quadrature import quotient
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam
from adamsym.testing.strategies import adams

LAWS = {
    "skewed": ([(-1, 3), (2, 1), (0, 1)], Adam("0.9", "0.99", "0.1")),
    "no zero atom, tiny eps": ([(-1, 1), (3, 2)], Adam("0.5", "0.9", "1e-8")),
    "large eps": ([(-1, 3), (2, 1)], Adam("0.3", "0.5", "50")),
    "no memory": ([(-1, 3), (2, 1), (0, 5)], Adam(0, 0, "0.5")),
    "short memory": ([(-1, 3), (2, 1)], Adam(0, "0.001", "0.5")),
    "rare atom": ([(-1, 500), (4, 1), (0, 500)], Adam("0.5", "0.99", "0.01")),
    "long memory": ([(-1, 3), (2, 1), (0.5, 1)], Adam("0.9", "0.999", "1e-8")),
}
SLOPES = [0.7, -1.3, 0.4]


def law_of(kind, law, slopes=False):
    total = sum(weight for _, weight in law)
    atoms = [ball(Fraction(g)) for g, _ in law]
    probabilities = [ball(Fraction(weight, total)) for _, weight in law]
    return (
        kind(atoms, probabilities, [[flint.arb(h) for h in SLOPES[: len(law)]]])
        if slopes
        else kind(atoms, probabilities)
    )


def rule_for(law, adam):
    return ball_quadrature._Rule(law, adam.laplace, law.mean_square.mid(), 1e-18, step_bound(adam.laplace))


def enclosed(law, adam, tolerance=1e-18):
    """F and its derivative along SLOPES."""
    with ball_arithmetic():
        found = enclose_law(law_of(BallLaw, law, slopes=True), adam.laplace, tolerance)
    return [found.value, *found.slopes]


def contains(outer, inner):
    return all(x.contains(y.mid()) for x, y in zip(outer, inner, strict=True))


@pytest.mark.parametrize(("law", "adam"), LAWS.values(), ids=LAWS)
def test_agrees_with_the_direct_product(law, adam):
    value, slope = enclosed(law, adam)
    with ball_arithmetic():
        expected = direct_product.enclose_quotient(law_of(direct_product.BallLaw, law), adam)
        assert value.overlaps(expected)
        assert float(value.rad()) < 2e-18
        # The derivative against a difference quotient of direct products, whose error is of second order.
        step = Fraction(1, 10**7)
        moved = []
        for sign in (1, -1):
            atoms = [
                (Fraction(g) + sign * step * Fraction(h), w) for (g, w), h in zip(law, SLOPES[: len(law)], strict=True)
            ]
            moved.append(direct_product.enclose_quotient(law_of(direct_product.BallLaw, atoms), adam))
        quotient = (moved[0] - moved[1]) / (2 * ball(step))
        assert abs(float(quotient.mid() - slope.mid())) < 1e-6 * (1 + abs(float(slope)))
        assert float(slope.rad()) < 1e-17 / adam.eps + 1e-16


@settings(deadline=None, max_examples=25, derandomize=True)
@given(laws, adams())
def test_random_laws_agree_with_the_direct_product(law, adam):
    with ball_arithmetic():
        found = enclose_law(law_of(BallLaw, law), adam.laplace).value
        expected = direct_product.enclose_quotient(law_of(direct_product.BallLaw, law), adam)
        assert found.overlaps(expected)
        scale = min(adam.step_bound, sum(abs(g) * w for g, w in law) / sum(w for _, w in law) / adam.eps)
        assert float(found.rad()) <= 1e-16 * scale


@pytest.mark.parametrize(("law", "adam"), LAWS.values(), ids=LAWS)
def test_truncation_bounds_suffice_and_are_needed(law, adam, monkeypatch):
    fine = enclosed(law, adam)
    coarse = enclosed(law, adam, tolerance=1e-3)
    assert contains(coarse, fine)
    monkeypatch.setattr(ball_quadrature, "LARGEST_STEPS", (0.2,))  # Leaves no error but the tails.
    monkeypatch.setattr(ball_quadrature._Rule, "left_tails", lambda self, chunk: [flint.arb(0)] * 2)
    right_tails = ball_quadrature._Rule._right_tails

    def without(self, *arguments):
        return [flint.arb(0) if tail < 1e-3 else tail for tail in right_tails(self, *arguments)]

    monkeypatch.setattr(ball_quadrature._Rule, "_right_tails", without)
    cut = enclosed(law, adam, tolerance=1e-3)
    assert not any(x.contains(y.mid()) for x, y in zip(cut, fine, strict=True))


@pytest.mark.parametrize("name", ["skewed", "long memory"])
def test_the_inequalities_of_the_tails(name):
    """|G - mu e^(-cs)| <= k s, |G'| <= H (P(s) + (4/e) C P(s/2)), and the like: they hold."""
    law, adam = LAWS[name]
    with ball_arithmetic():
        balls = law_of(BallLaw, law, slopes=True)
        rule = rule_for(balls, adam)
        series = lag_series.LagSeries(balls, adam.laplace, 1e9)
        factors, bound = rule._left_factors(), step_bound(adam.laplace)

        def at(s):
            t = (1 - ball(adam.beta)) * s
            row = series.values(flint.arb_mat([[t**j for j in range(series.terms)]]), t)[0]
            product, values = ball_quadrature._from_series(row, s * series.center)
            return product, values

        slopes_needed = False
        for s in [float(series.end) * 2.0**-k for k in range(1, 40)]:
            product, (value, slope) = at(flint.arb(s))
            earlier, _ = at(flint.arb(s) / 2)
            decay = (-rule.center * s).exp()
            largest = balls.max_abs_slopes[0]
            assert abs(value) <= balls.max_abs * product.upper() * (1 + flint.arb("1e-9"))
            assert abs(slope) <= largest * (product + 4 / flint.arb(1).exp() * bound * earlier)
            slopes_needed |= bool(abs(slope) > largest * product)
            tails = rule._right_tails(flint.arb(s), product.upper(), earlier.upper(), decay)
            weights = tails[0] / (balls.max_abs * product.upper() + abs(balls.mean) * decay)
            assert tails[1] * (1 + flint.arb("1e-9")) >= weights * (abs(slope) + abs(balls.mean_slopes[0]) * decay)
            assert abs(value - balls.mean * decay) <= factors[0] * s
            assert abs(slope - balls.mean_slopes[0] * decay) <= factors[1] * s
        assert slopes_needed


def test_the_remainder_of_the_series_is_what_cauchys_estimates_leave():
    """Coefficients as large as M r^-j from the first that is left out: all of them together fit, and hardly less."""
    law, adam = LAWS["skewed"]
    with ball_arithmetic():
        series = lag_series.LagSeries(law_of(BallLaw, law), adam.laplace, 1e9)
        last = flint.arb(series.end) * (1 - ball(adam.beta))
        powers = flint.arb_mat([[last**j for j in range(series.terms)]])
        ratio = last * series.width / flint.arb("1.4")
        left_out = sum(ratio**j for j in range(series.terms, series.terms + 200))
        (with_rest,), tops = series.values(powers, last), series._tops
        series._tops = [flint.arb(0)] * len(tops)
        (bare,) = series.values(powers, last)
        for top, one, other in zip(tops, with_rest, bare, strict=True):
            assert (
                top * left_out * (1 - flint.arb("1e-6")) < one.rad() - other.rad() < top * left_out * flint.arb("1.1")
            )


@pytest.mark.parametrize("size", [Fraction(1, 50), Fraction(50)])
@pytest.mark.parametrize("beta", ["0.999", "0.999999"])
def test_the_series_reach_as_far_as_the_integrand(size, beta):
    """To s with s E g^2 = 200, where exp(-s V) has vanished, if they hold there: beyond, lags are walked one by one."""
    adam = Adam("0.5", beta, "1e-4")
    with ball_arithmetic():
        balls = law_of(BallLaw, [(-size, 3), (2 * size, 1)])
        rule = rule_for(balls, adam)
        holds_up_to = lag_series.RANGE / (float(rule.series.width) * float(1 - adam.beta))
        assert rule.series.end == pytest.approx(min(200 / float(rule.center), holds_up_to), rel=1e-9)


def test_the_left_tail_needs_both_parts_of_its_factor():
    """Without memory G(s) = A(s), and |A - mu e^(-cs)| is nearly E|g|^3 + |mu| c: mu and E g^3 have opposite signs."""
    law, adam = [(-100, 1), (2, 99)], Adam(0, 0, 1)
    with ball_arithmetic():
        balls = law_of(BallLaw, law)
        rule = rule_for(balls, adam)
        s, (factor,) = flint.arb("1e-9"), rule._left_factors()
        transform = sum(p * g * (-s * g * g).exp() for g, p in zip(balls.atoms, balls.probabilities, strict=True))
        needed = abs(transform - balls.mean * (-rule.center * s).exp()) / s
        assert balls.mean_cube < needed < factor
        assert factor < needed * flint.arb("1.01")


def clear_caches():
    for cached in (
        quadrature_nodes.lattice,
        quadrature_nodes._nodes,
        quadrature_nodes.powers,
        quadrature_nodes._powers_at,
    ):
        cached.cache_clear()


@pytest.fixture
def long_steps(monkeypatch):
    monkeypatch.setattr(ball_quadrature, "LARGEST_STEPS", (2.5,))
    clear_caches()
    yield
    clear_caches()


@pytest.mark.parametrize(("law", "adam"), LAWS.values(), ids=LAWS)
def test_the_trapezoidal_bound_suffices_and_is_needed(law, adam, monkeypatch, request):
    fine = enclosed(law, adam)
    request.getfixturevalue("long_steps")
    coarse = enclosed(law, adam)
    assert contains(coarse, fine)
    monkeypatch.setattr(ball_quadrature._Rule, "trapezoidal_errors", lambda self, _: [flint.arb(0)] * 2)
    cut = enclosed(law, adam)
    assert not any(x.contains(y.mid()) for x, y in zip(cut, fine, strict=True))


@pytest.mark.parametrize(("law", "adam"), LAWS.values(), ids=LAWS)
def test_the_series_remainders_suffice_and_are_needed(law, adam, monkeypatch):
    fine = enclosed(law, adam)
    monkeypatch.setattr(lag_series, "MOST_TERMS", 6)
    coarse = enclosed(law, adam)
    assert contains(coarse, fine)
    if adam.beta2 < 0.99:  # Beyond, six terms are enough.
        assert float(coarse[0].rad()) > 1e-12
        monkeypatch.setattr(lag_series.LagSeries, "_coefficient_bounds", lambda *_: [flint.arb(0)] * 4)
        cut = enclosed(law, adam)
        assert not any(x.contains(y.mid()) for x, y in zip(cut, fine, strict=True))


@pytest.mark.parametrize(("radius", "step"), [(0, 0.2), (1e-7, 0.3), (0.1, 0.4)])
def test_wide_atoms_are_summed_with_coarser_steps(radius, step):
    with ball_arithmetic():
        law = BallLaw([flint.arb(1, radius), flint.arb(-2, radius)], [flint.arb(1) / 3, flint.arb(2) / 3])
        rule = ball_quadrature._Rule(law, Adam(0, 0, 1).laplace, law.mean_square.mid(), 1e-18, flint.arb(1))
    assert rule.lattice.largest_step == step
    assert all(error <= allowed for error, allowed in zip(rule.errors, rule.tolerances, strict=True))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    st.lists(
        st.tuples(st.floats(-5, 5), st.floats(0, 0.1), st.floats(-2, 2), st.floats(0, 0.1)), min_size=1, max_size=4
    ),
    st.floats(0, 1),
    st.sampled_from([Adam(), Adam("0.5", "0.9", "0.1"), Adam(0, 0, 1), Adam("0.02", "0.001", "1e-8")]),
)
def test_laws_within_balls(atoms, share, adam):
    """Balls of laws hold value and slope of every law inside."""
    probability = [flint.arb(1) / len(atoms)] * len(atoms)
    with ball_arithmetic():
        wide = enclose_law(
            BallLaw(
                [flint.arb(g, r) for g, r, _, _ in atoms], probability, [[flint.arb(h, r) for _, _, h, r in atoms]]
            ),
            adam.laplace,
        )
        inside = enclose_law(
            BallLaw(
                [flint.arb(g) + flint.arb(r) * (2 * share - 1) for g, r, _, _ in atoms],
                probability,
                [[flint.arb(h) + flint.arb(r) * (1 - 2 * share) for _, _, h, r in atoms]],
            ),
            adam.laplace,
        )
    assert wide.value.overlaps(inside.value)
    assert wide.slopes[0].overlaps(inside.slopes[0])


@pytest.mark.parametrize("alpha", ["0", "0.9"])
def test_bounds_without_a_quadrature(alpha):
    """Next to interpolation F = E g/eps up to E g^2/eps^2: the bound holds, and the linear term alone does not."""
    law, adam = [(Fraction(-1, 1000), 3), (Fraction(2, 1000), 1)], Adam(alpha, "0.99", "0.1")
    fine = enclosed(law, adam)
    with ball_arithmetic():
        balls = law_of(BallLaw, law, slopes=True)
        crude = enclose_law(balls, adam.laplace, tolerance=1.0)  # G < tolerance eps: no quadrature
        assert contains([crude.value, *crude.slopes], fine)
        assert 0 < float(crude.value.rad()) < 1e-3
        assert 0 < float(crude.slopes[0].rad()) < 1
        eps = ball(adam.epsilon)
        assert not fine[0].overlaps(balls.mean / eps)
        assert not fine[1].overlaps(balls.mean_slopes[0] / eps)


def test_work_beyond_the_budget_leaves_wide_balls(monkeypatch):
    law, adam = LAWS["rare atom"]
    fine = enclosed(law, adam)
    monkeypatch.setattr(ball_quadrature, "MOST_LAGS", 10)
    coarse = enclosed(law, adam)
    assert contains(coarse, fine)
    assert float(coarse[0].rad()) > 1e-6


@pytest.mark.parametrize("beta", [1 - Fraction(1, 10**k) for k in (5, 9)])
@pytest.mark.parametrize("radius", [0.5, 3])
def test_no_more_lags_are_walked_than_the_budget(beta, radius, monkeypatch):
    """A node may be more lags long than there are to spend; and none is walked where the series alone suffice."""
    steps, step = [], quadrature_nodes.LagRecursion._step
    monkeypatch.setattr(quadrature_nodes.LagRecursion, "_step", lambda self: steps.append(1) or step(self))
    adam = Adam("0.9", beta, "1e-8")
    with ball_arithmetic():
        law = BallLaw([flint.arb(1, radius), flint.arb(-2, radius)], [flint.arb(1) / 2] * 2)
        found = enclose_law(law, adam.laplace).value
    assert len(steps) <= ball_quadrature.MOST_LAGS
    if radius == 0.5:
        assert not steps
        assert float(found.rad()) < 1
    inside = quotient(np.array([[1.25, -1.75]]), np.full(2, 0.5), adam)
    assert found.contains(flint.arb(inside.value[0]))


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e-119, 1e-60, 1e60, 1e99, 1e150, 1e160, 1e299])
@pytest.mark.parametrize("eps", ["1e-300", "1", "1e300", None])
@pytest.mark.parametrize("slope", [1e-300, 1, 1e300])
def test_any_size_of_gradients_is_enclosed(size, eps, slope):
    """F for g and eps is that for g/size and eps/size."""
    adam = Adam("0.5", "0.9", Fraction(size) if eps is None else eps)
    with ball_arithmetic():
        law = BallLaw([flint.arb(size), -flint.arb(size) / 2], [flint.arb(1) / 2] * 2, [[flint.arb(slope)] * 2])
        found = enclose_law(law, adam.laplace)
    assert found.value.is_finite()
    assert found.slopes[0].is_finite()
    unit = adam.epsilon / Fraction(size)
    if 1e-60 < unit < 1e60:
        inside = quotient(np.array([[1, -0.5]]), np.full(2, 0.5), Adam("0.5", "0.9", Fraction(float(unit))))
        assert found.value.overlaps(flint.arb(inside.value[0], inside.error[0]))


@settings(deadline=None, max_examples=12)
@given(
    st.floats(-4, 4),
    st.floats(0, 0.5),
    st.floats(0, 1),
    st.sampled_from([Adam(), Adam("0.5", "0.9", "0.1"), Adam(0, 0, 1)]),
)
def test_boxes_hold_the_values_inside(low, width, share, adam):
    problem = Problem("(theta - x)**2/2 + tanh(theta*x)", ["theta"], Empirical({"x": [0, 1, -3]}))
    field = AdamField(problem, adam)
    found = field.enclose([[low, low + width]])
    theta = min(max(low + share * width, low), low + width)
    # In float64 theta - 1 + 1 loses what 1/eps magnifies: the atoms come from 40 digits.
    with mpmath.workdps(40):
        atoms = np.array([[float(row[0]) for row in problem.row_gradients_mpmath([mpmath.mpf(theta)])]])
    inside = quotient(atoms, np.full(3, 1 / 3), adam)
    assert found[0, 0] <= -inside.value[0] + inside.error[0]
    assert -inside.value[0] - inside.error[0] <= found[0, 1]
    assert np.abs(found).max() <= adam.step_bound * (1 + 1e-8)


def test_gradients_that_cancel():
    """The enclosure is right where the gradients themselves cancel in float64, and the float64 field is not."""
    problem = Problem("(theta - x)**2/2 + tanh(theta*x)", ["theta"], Empirical({"x": [0, 1, -3]}))
    field, theta = AdamField(problem, Adam()), 2.6869836113624123e-11
    with mpmath.workdps(40):
        exact = float(sum(row[0] for row in problem.row_gradients_mpmath([mpmath.mpf(theta)])) / 3)
    low, high = field.enclose([[theta, theta]])[0]
    # Next to interpolation f = -E g/eps up to a relative max |g|/eps.
    assert low <= -exact / 1e-8 * (1 - 1e-2)
    assert -exact / 1e-8 <= high * (1 + 1e-12)
    assert high - low < 1e-15
    assert not low <= field([theta])[0] <= high


def test_unbounded_hessians_leave_the_jacobian_unbounded():
    """Over this box the Hessian of one row is nan in ball arithmetic: its bound must not be that of the others."""
    rows = [[-4.617, 0.578], [1.437, 2.741], [0.104, 0.048], [1.977, -0.774]]
    law = Empirical({"x": [x for x, _ in rows], "y": [y for _, y in rows]}, [1, 50, 50, 1])
    problem = Problem("log(1 + (a*x + b*y)**2) + exp(a/4)*(1 + y**2)/9", ["a", "b"], law)
    field, corner = AdamField(problem, Adam("0", "0.5", "10")), np.array([2.15906670087077, -0.9223592138434781])
    box = np.stack([corner, corner + 0.2], axis=1)
    bounds, value = field.enclose(box), field(corner)
    assert (bounds[:, 0] <= value).all()
    assert (value <= bounds[:, 1]).all()
    assert np.ptp(bounds, axis=1).max() < 1
    jacobian, slopes = field.enclose_jacobian(box), field.jacobian(corner)
    assert (jacobian[..., 0] <= slopes).all()
    assert (slopes <= jacobian[..., 1]).all()


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_slope_that_is_not_finite_is_never_lost(place):
    with ball_arithmetic():
        slopes = [flint.arb(1)] * 3
        slopes[place] = flint.arb("nan")
        law = BallLaw([flint.arb(g) for g in (1, 2, -1)], [flint.arb(1) / 3] * 3, [slopes])
        assert not law.max_abs_slopes[0].is_finite()
        found = enclose_law(law, Adam("0.5", "0.9", "0.1").laplace)
        assert found.value.is_finite()
        assert not found.slopes[0].is_finite()


def test_boxes_shrink_to_the_value_and_exclude_others():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    widths = [1e-1, 1e-3, 1e-5, 0.0]
    sizes = [float(np.ptp(field.enclose([[0.5, 0.5 + width]]))) for width in widths]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1e-15
    low, high = field.enclose([[0.5, 0.5]])[0]
    elsewhere = field([0.5001])[0]
    assert not low <= elsewhere <= high


def test_the_field_of_the_readme_changes_sign_off_the_mean():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam(0.9, 0.999, 1e-8))
    left, right, mean = field.enclose([[[0.9995, 0.9995]], [[0.9996, 0.9996]], [[1.0, 1.0]]])[:, 0]
    assert left[0] > 0
    assert right[1] < 0
    assert mean[1] < -3e-4


def test_minibatches_are_enclosed():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 5]}, weights=[1, 2, 4]), batch_size=3)
    field = AdamField(problem, Adam("0.5", "0.9", "0.01"))
    value, (low, high) = field([2.0])[0], field.enclose([[2.0, 2.0]])[0]
    assert low - 1e-15 <= value <= high + 1e-15
    assert high - low < 1e-14


def test_the_excess_shrinks_with_the_square_of_the_width():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    excess = []
    for width in (1e-2, 1e-3):
        low, high = field.enclose([[0.9, 0.9 + width]])[0]
        ends = field([[0.9], [0.9 + width]])[:, 0]
        excess.append((high - low) - abs(ends[1] - ends[0]))
    assert 0 < excess[1] < excess[0] / 50


def test_jacobians_are_enclosed():
    problem = Problem("(a*tanh(b*x) - y)**2/2", ["a", "b"], Empirical({"x": [0.5, -1, 2], "y": [0.3, -0.7, 0.8]}))
    field = AdamField(problem, Adam(0.9, 0.99, 1e-3))
    box = np.array([[0.9, 0.91], [1.0, 1.01]])
    bounds = field.enclose_jacobian(box)
    assert bounds.shape == (2, 2, 2)
    for theta in ([0.9, 1.0], [0.903, 1.009], [0.91, 1.01]):
        exact = field.jacobian(theta)
        assert (bounds[..., 0] < exact).all()
        assert (exact < bounds[..., 1]).all()
        # The transposed matrix, a common slip, lies outside.
        assert not ((bounds[..., 0] < exact.T) & (bounds[..., 1] > exact.T)).all()
    assert field.enclose_jacobian(np.array([box, box])).shape == (2, 2, 2, 2)
    kinked = AdamField(Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1]})), Adam())
    with pytest.raises(InputError, match="Abs"):
        kinked.enclose_jacobian([[0, 1]])


def test_zero_gradients_give_zero():
    field = AdamField(Problem("(theta*x)**2/2", ["theta"], Empirical({"x": [1, 2]})), Adam())
    low, high = field.enclose([[0.0, 0.0]])[0]
    assert low <= 0 <= high
    assert high - low < 1e-300


def test_kinks_are_enclosed_whole():
    field = AdamField(Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1]})), Adam("0.5", "0.9", "0.1"))
    low, high = field.enclose([[-0.1, 0.1]])[0]
    for theta in (-0.05, 0.05):
        assert low <= field([theta])[0] <= high


def test_outward_rounding():
    with ball_arithmetic():
        third = flint.arb(1) / 3
        low, high = outward(third)
        assert flint.arb(low) < third < flint.arb(high)
        assert high - low <= 2**-51


@pytest.mark.parametrize(
    ("box", "fragment"),
    [([0, 1], "shape"), ([[1, 0]], "lower first"), ([[0, np.inf]], "finite"), ([[0, 1], [0, 1]], "shape")],
)
def test_bad_boxes(box, fragment):
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    with pytest.raises(InputError, match=fragment):
        field.enclose(box)


def test_what_cannot_be_enclosed_says_so():
    continuous = AdamField(Problem("(theta - x**2)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"})), Adam())
    with pytest.raises(InputError, match="affine in Normal columns"):
        continuous.enclose([[0.0, 0.0]])
    logarithm = AdamField(Problem("log(theta) + x*theta", ["theta"], Empirical({"x": [1]})), Adam())
    with pytest.raises(InputError, match=r"not proved real and finite over the box at data row 0, where log\(theta\)"):
        logarithm.enclose([[-1.0, 1.0]])
    steep = AdamField(Problem("Abs(theta)**(1/2) + x*theta", ["theta"], Empirical({"x": [1]})), Adam())
    with pytest.raises(InputError, match="not bounded"):
        steep.enclose([[-1.0, 1.0]])


def test_the_left_tail_is_the_sum_of_its_nodes():
    """h times the sum of w(s) k s over all nodes left of the first, w(s) = sqrt(s/pi), k as in _left_factors."""
    with ball_arithmetic():
        law, adam = BallLaw([flint.arb(1), flint.arb(-2)], [flint.arb(1) / 3, flint.arb(2) / 3]), Adam("0.5", "0.6", 1)
        rule = rule_for(law, adam)
        (found,), (factor,) = rule.left_tails(-2), rule._left_factors()
        step, first = float(rule.step), float(quadrature_nodes.nodes(rule.lattice, adam.laplace.kernel, -2).s[0])
    s = first * np.exp(-step * np.arange(1, 400))
    assert float(found) == pytest.approx(float(factor) * step * float((np.sqrt(s / np.pi) * s).sum()), rel=1e-12)


def test_boxes_of_almost_all_floats_are_enclosed():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam("0.5", "0.9", "0.1"))
    ((low, high),) = field.enclose([[-1.5e308, 1.5e308]])
    assert -2 < low < field([5.0])[0] < field([-5.0])[0] < high < 2


@settings(max_examples=5, deadline=None)
@given(adams(), st.lists(st.floats(-2, 2), max_size=4))
def test_many_boxes_are_enclosed_by_an_executor_as_alone(adam, points):
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 3]})), adam)
    boxes = np.array([[[x, x + 0.1]] for x in points]).reshape(-1, 1, 2)
    with ThreadPoolExecutor(2) as pool:
        np.testing.assert_array_equal(field.enclose(boxes, executor=pool), field.enclose(boxes))
        np.testing.assert_array_equal(field.enclose_jacobian(boxes, executor=pool), field.enclose_jacobian(boxes))
    assert field.enclose(boxes).shape == boxes.shape
