"""Laws of means of minibatches that are not listed: beside lists of all minibatches, and beside the float path."""

import math
import random
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.field import AdamField
from adamsym.field.ball import enclosure
from adamsym.field.ball.arithmetic import ball, ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.batches import ball_rule
from adamsym.field.batches.ball_law import MeanLaw
from adamsym.field.batches.ball_rule import MeanRule
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.batches import batch_numbers
from adamsym.methods import Adam, NAdam, RMSprop

METHODS = [
    Adam(),
    Adam("0.9", "0.99", "1e-3"),
    Adam("0.5", "0.9", "0.1"),
    NAdam("0.9", "0.97", "0.01"),
    RMSprop("0.8", "1e-2"),
]
KINDS = ["plain", "rare", "equal", "symmetric", "zeros", "far from 0"]


def listed(rows, shares, size, slopes):
    """The law of the mean, minibatch by minibatch."""
    batches = batch_numbers(len(rows), size).astype(int).tolist()

    def means(values):
        return [sum((n * v for n, v in zip(batch, values, strict=True)), flint.arb(0)) / size for batch in batches]

    chances = []
    for batch in batches:
        chance = Fraction(math.factorial(size))
        for number, share in zip(batch, shares, strict=True):
            chance *= share**number / math.factorial(number)
        chances.append(ball(chance))
    return BallLaw(means(rows), chances, [means(column) for column in slopes])


def drawn(seed, kind, count, size, radius):
    """The law of the mean of rows that are balls, and that of points within them, listed; two slopes."""
    rng = random.Random(seed)
    weights = [rng.randint(1, 9) for _ in range(count)]
    shares = [Fraction(w, sum(weights)) for w in weights]
    rows = [rng.gauss(0.3, 1) for _ in range(count)]
    if kind == "rare":
        shares = [Fraction(1, 10**4), *[Fraction(9999, 10**4 * (count - 1))] * (count - 1)]
        rows[0] *= 50
    rows = {
        "equal": [rows[0]] * count,
        "symmetric": [(-1) ** k * rows[k // 2] for k in range(count)],
        "zeros": [x * (k == 0) for k, x in enumerate(rows)],
        "far from 0": [5 + 0.01 * x for x in rows],
    }.get(kind, rows)
    columns = [[rng.gauss(0, 1) for _ in range(count)] for _ in range(2)]

    def moved(x):
        return flint.arb(x) + flint.arb(radius) * flint.arb(rng.choice([-1, 1, rng.uniform(-1, 1)]))

    wide = [[flint.arb(x, radius) for x in values] for values in (rows, *columns)]
    exact = [[moved(x) for x in values] for values in (rows, *columns)]
    balls = [ball(share) for share in shares]
    return MeanLaw(wide[0], balls, size, wide[1:]), listed(exact[0], shares, size, exact[1:])


@given(
    st.integers(0, 10**6),
    st.sampled_from(KINDS),
    st.integers(2, 5),
    st.integers(2, 6),
    st.sampled_from([0, 0, 1e-9, 1e-3, 1e-2]),
    st.sampled_from(METHODS),
)
@settings(max_examples=8)
def test_the_field_is_that_of_all_minibatches(seed, kind, count, size, radius, method):
    """Enclosures hold the field of points within; and at points they are as narrow as the list's."""
    with ball_arithmetic():
        law, truth = drawn(seed, kind, count, size, radius)
        found, exact = enclose_law(law, method.laplace), enclose_law(truth, method.laplace)
        for x, y in zip([found.value, *found.slopes], [exact.value, *exact.slopes], strict=True):
            assert x.overlaps(y)
            assert radius > 0 or float(x.rad()) <= 10 * float(y.rad()) + 1e-15 * (1 + float(abs(y)))


def both_transforms(law, truth, t):
    a, b, slopes = law.transforms(t)
    other_a, other_b, others = truth.transforms(t)
    factor = (-t * truth.min_square).exp()
    found = [a, b, *(x for pair in slopes for x in pair)]
    exact = [other_a, other_b, *(x for pair in others for x in pair)]
    return found, [factor * x for x in exact]


@given(
    st.integers(0, 10**6),
    st.sampled_from(KINDS),
    st.integers(2, 4),
    st.integers(2, 5),
    st.sampled_from([0, 0, 1e-6, 1e-2, 0.3]),
    st.integers(-6, 5),
)
@settings(max_examples=25)
def test_transforms_are_those_of_all_minibatches(seed, kind, count, size, radius, power):
    with ball_arithmetic():
        law, truth = drawn(seed, kind, count, size, radius)
        found, exact = both_transforms(law, truth, flint.arb(2) ** power / law.mean_square.mid())
        for x, y in zip(found, exact, strict=True):
            assert x.overlaps(y)
            assert radius > 0 or float(x.rad()) <= 1e-19 * (1 + float(law.mean_square)) ** 2


@pytest.mark.parametrize("what", ["edge", "edge halved", "tail", "tail halved"])
def test_the_errors_of_the_rule_suffice_and_are_needed(what, monkeypatch):
    """Controls: with a coarse rule, or one that ends early, its bounds hold; without them, or halved, they do not."""
    share = 0.5 if "halved" in what else 0
    steps = (2.5, 10.5) if "edge" in what else (0.02, 2.2)
    monkeypatch.setattr(ball_rule, "_ERROR", 1.0)
    monkeypatch.setattr(ball_rule, "_STEP", steps[0])
    monkeypatch.setattr(ball_rule, "_END", steps[1])
    original = MeanRule._rule_errors
    held = []
    for factor in (1, share):
        monkeypatch.setattr(
            MeanRule, "_rule_errors", lambda self, t, table, k=factor: [k * x for x in original(self, t, table)]
        )
        with ball_arithmetic():
            for seed in range(4):
                tiny, chances = [flint.arb(1e-9 * (seed + 1))] * 2, [flint.arb("0.5")] * 2
                one = [[flint.arb(1)] * 2]
                law, truth = MeanLaw(tiny, chances, 2, one), BallLaw(tiny, chances, one)
                # The first t of a table, for which its rule is the coarsest; and exp(i w y) is nearly 1 at all nodes.
                t = flint.arb(1) / (1024 * law.mean_square.mid())
                found, exact = both_transforms(law, truth, t)
                held.append(bool(found[1].overlaps(exact[1])))
                assert factor < 1 or all(x.overlaps(y) for x, y in zip(found, exact, strict=True))
    assert held[:4] == [True] * 4
    assert not any(held[4:])


@pytest.mark.parametrize("share", [0, 0.5])
def test_what_a_box_moves_is_needed(share, monkeypatch):
    """Controls: rows that move as far as their balls allow are missed if that counts by half, or not at all."""
    original = MeanRule._moved

    def less(self, t):
        return [[share * x for x in row] for row in original(self, t)]

    radius, place = 1e-6, {"b": math.sqrt(0.5), "a": 1e-3, "da": 0.52, "db": 1e-3}
    with ball_arithmetic():
        for number, name in enumerate(["a", "b", "da", "db"]):
            middle = flint.arb(place[name])
            chances, one = [flint.arb("0.5")] * 2, [flint.arb(1)] * 2
            for patched in (False, True):
                with pytest.MonkeyPatch.context() as patch:
                    if patched:
                        patch.setattr(MeanRule, "_moved", less)
                    law = MeanLaw([flint.arb(place[name], radius)] * 2, chances, 2, [one])
                    truth = BallLaw([middle + radius] * 2, chances, [one])
                    found, exact = both_transforms(law, truth, flint.arb(1))
                assert found[number].overlaps(exact[number]) != patched, name


@given(st.integers(0, 10**6), st.sampled_from(KINDS), st.integers(2, 4), st.integers(2, 5))
@settings(max_examples=15)
def test_bounds_on_the_circle_hold(seed, kind, count, size):
    """At complex t, by the list: log B and A/B, and their derivatives, stay below their bounds on the circle."""
    with ball_arithmetic():
        law, truth = drawn(seed, kind, count, size, 0)
        bounds = law.circle_bounds()
        r = flint.arb(1.4) / law.width
        for k in range(12):
            t = flint.acb(r) * flint.acb(0, flint.arb(k) * flint.arb.pi() / 6).exp()
            weights = [p * (-t * q).exp() for p, q in zip(truth.probabilities, truth.squares, strict=True)]
            b = sum(weights, flint.acb(0))
            a = sum((w * g for w, g in zip(weights, truth.atoms, strict=True)), flint.acb(0))
            assert b.log().abs_lower() <= bounds.log
            assert (a / b).abs_lower() <= bounds.ratio
            for column, (log_slope, ratio_slope) in zip(truth.slopes, bounds.slopes, strict=True):
                triples = list(zip(weights, truth.atoms, column, strict=True))
                db = sum((-2 * t * w * g * h for w, g, h in triples), flint.acb(0))
                da = sum((w * h * (1 - 2 * t * g**2) for w, g, h in triples), flint.acb(0))
                assert (db / b).abs_lower() <= log_slope
                assert (da / b - a * db / b**2).abs_lower() <= ratio_slope


def test_moments_are_exact():
    with ball_arithmetic():
        law, truth = drawn(3, "plain", 4, 5, 0)
        for k, x in enumerate(law._moments[0][:30]):
            assert x.overlaps(truth.expect([g**k for g in truth.atoms]))
        for column, own in zip(truth.slopes, law._moments[1:], strict=True):
            for k, x in enumerate(own[:30]):
                assert x.overlaps(truth.expect([h * g**k for g, h in zip(truth.atoms, column, strict=True)]))
        for share in (1, 60):
            r = share / law.max_abs**2
            for power in (0, 2):
                bound = law._exponential_moment(r, power)
                assert bound >= truth.expect([g**power * (r * g**2).exp() for g in truth.atoms]).lower()
        for name in ("mean", "mean_square", "variance", "mean_fourth_deviation"):
            assert getattr(law, name).overlaps(getattr(truth, name)), name
        for name in ("mean_magnitude", "mean_cube", "max_abs", "max_square_deviation"):
            assert float(getattr(law, name)) >= float(getattr(truth, name)) * (1 - 1e-12), name


def regression(size, count=50, beta2="0.999"):
    rng = np.random.default_rng(5)
    x = np.round(rng.normal(size=count), 3)
    y = np.round(0.7 * x - 0.2 + 0.4 * rng.normal(size=count), 3)
    law = Empirical({"x": x.tolist(), "y": y.tolist()})
    return AdamField(Problem("(a*x + b - y)**2/2", ["a", "b"], law, batch_size=size), Adam("0.9", beta2, "1e-8"))


@pytest.mark.parametrize("size", [8, 32])
@pytest.mark.parametrize("beta2", ["0.9", "0.999"])
def test_large_minibatches_of_many_rows(size, beta2):
    """The float path's value, which goes by Gauss rules, and its estimate; an enclosure of less than 1e-10."""
    field = regression(size, beta2=beta2)
    for theta in ([0.1, 0.2], [0.68, -0.21]):
        bounds = field.enclose(np.array([theta, theta]).T)
        found = field.evaluate(theta)
        assert (bounds[:, 1] - bounds[:, 0] < 1e-10).all()
        assert (bounds[:, 0] - found.error <= found.value).all()
        assert (found.value <= bounds[:, 1] + found.error).all()


def test_boxes_hold_their_points():
    field, box = regression(32), np.array([[0.67, 0.69], [-0.22, -0.21]])
    bounds, slopes = field.enclose(box), field.enclose_jacobian(box)
    rng = np.random.default_rng(1)
    for theta in rng.uniform(box[:, 0], box[:, 1], size=(4, 2)):
        value, jacobian = field(theta), field.jacobian(theta)
        assert ((bounds[:, 0] - 1e-12 <= value) & (value <= bounds[:, 1] + 1e-12)).all()
        assert ((slopes[..., 0] - 1e-8 <= jacobian) & (jacobian <= slopes[..., 1] + 1e-8)).all()


def test_the_list_steps_in_where_the_rule_does_not_reach(monkeypatch):
    """Without memory B falls like a power of t: only a list of the minibatches says how."""
    monkeypatch.setattr(enclosure, "MOST_LISTED", 5)
    law = Empirical({"x": [0, 1, 3, 4]})
    problem = Problem("(theta - x)**2/2", ["theta"], law, batch_size=3)
    field = AdamField(problem, Adam(0, 0, "0.1"))
    assert not enclosure.lists_minibatches(problem)
    low, high = field.enclose([[0.4, 0.4]])[0]
    found = field.evaluate([0.4])
    assert low - found.error[0] <= found.value[0] <= high + found.error[0]
    assert high - low < 1e-12
