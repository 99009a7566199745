"""Decrease of L in float64 intervals: what is said of a box holds at every point of it, by balls and by fractions."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, Problem, VectorField, certify_lyapunov
from adamsym.certify import certificate
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.lyapunov import interval_vectors
from adamsym.certify.lyapunov.box_task import LyapunovTask
from adamsym.certify.lyapunov.given_function import GivenFunctionTask
from adamsym.certify.lyapunov.interval_vectors import largest_size, least_size, lengths, overlap, plus, product, total
from adamsym.certify.outcomes import Decrease, Split
from adamsym.checker import check_certificate
from adamsym.checker.lyapunov import NEVER, proven_in_parts
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.methods import AdamW

PLANE = Empirical({"x": ["0.5", -1, "1.5", 2], "y": [1, "-0.5", "0.25", 1]})
CASES = [
    ("(a*tanh(b*x) - y)**2/2", Adam(), 1),
    ("softplus(a*x + b) - y*(a*x + b) + (a**2 + b**2)/20", Adam("0.5", "0.9", "0.1"), 1),
    ("(a*x + b - y)**2/2", Adam("0.9", "0.99", "1e-3"), 2),
    ("exp(a*x/2) + b**2*(1 + y**2) - a", AdamW("0.9", "0.9", "0.01", weight_decay="0.01"), 1),
]


def task_of(loss, method, batch, start):
    problem = Problem(loss, ["a", "b"], PLANE, batch_size=batch)
    return LyapunovTask(FieldFunction(AdamField(problem, method)), start, ())


def boxes_of(generator, count):
    """Boxes of widths from 1e-6 to 2."""
    middles, widths = generator.uniform(-2, 2, (count, 2)), 10.0 ** generator.uniform(-6, 0.3, (count, 2))
    return [
        tuple(zip((m - w / 2).tolist(), (m + w / 2).tolist(), strict=True))
        for m, w in zip(middles, widths, strict=True)
    ]


def slope_and_loss(task, point):
    """<grad L, f>, L and |grad L|^2 at a point, in balls."""
    at = task.function.at([flint.arb(x) for x in point])
    means = [law.mean for law in at.laws]
    field = at.enclosure(slopes=False, tolerance=1e-14).value
    losses = task.problem.row_losses_ball(at.theta)
    loss = sum((x / len(losses) for x in losses), flint.arb(0))
    product = sum((m * f for m, f in zip(means, field, strict=True)), flint.arb(0))
    return product, loss, sum((m**2 for m in means), flint.arb(0))


@pytest.mark.parametrize(("loss", "method", "batch"), CASES)
def test_what_is_said_of_boxes_holds_at_points_in_them(loss, method, batch):
    generator = np.random.default_rng(1)
    task, boxes = task_of(loss, method, batch, ((-4.0, 4.0), (-4.0, 4.0))), boxes_of(generator, 40)
    found = task.intervals.examined(boxes)
    # Each alone says the same.
    assert found[:5] == [task.intervals.examined([box])[0] for box in boxes[:5]]
    kinds = [outcome.by for outcome, _ in found if isinstance(outcome, Decrease)]
    assert len(kinds) > 5
    with ball_arithmetic():
        for box, (outcome, _) in zip(boxes, found, strict=True):
            if not isinstance(outcome, Decrease):
                continue
            point = [low + share * (high - low) for (low, high), share in zip(box, generator.random(2), strict=True)]
            slope, value, square = slope_and_loss(task, point)
            assert slope < 0
            assert outcome.loss[0] <= value <= outcome.loss[1]
            if outcome.rate is not None:
                assert slope <= -outcome.rate * value
                assert square >= 2 * outcome.pl * value
            hessians = task.problem.row_jacobians_ball([flint.arb(x) for x in point])
            for hessian in hessians:
                assert np.linalg.norm([[float(x) for x in row] for row in hessian]) <= outcome.smoothness


def misses(vectors, generator, count=400):
    """Results of sums and products that miss what fractions say, each of points at the ends."""
    low = generator.normal(size=(2, count)) * 10.0 ** generator.integers(-160, 140, (2, count))
    x, y = np.stack([low, low], axis=-1)
    sums, products = vectors.plus(x, y), vectors.product(x, y)
    whole = vectors.total(np.stack([x, y, x]), 0)
    missed = 0
    for k in range(count):
        a, b = Fraction(low[0, k]), Fraction(low[1, k])
        for (below, above), exact in ((sums[k], a + b), (products[k], a * b), (whole[k], 2 * a + b)):
            missed += not Fraction(below) <= exact <= Fraction(above)
    return missed


def test_sums_and_products_of_arrays_hold_the_exact_results():
    assert misses(interval_vectors, np.random.default_rng(2)) == 0


def test_ends_that_are_not_rounded_outward_are_caught(monkeypatch):
    monkeypatch.setattr(interval_vectors, "outward", lambda low, high: np.stack([low, high], axis=-1))
    assert misses(interval_vectors, np.random.default_rng(2)) > 100


intervals = st.tuples(st.floats(-1e9, 1e9), st.floats(0, 1e9)).map(lambda ends: (ends[0], ends[0] + ends[1]))


@settings(deadline=None, max_examples=100)
@given(intervals, intervals, st.floats(0, 1), st.floats(0, 1))
def test_arrays_hold_all_points_of_their_arguments(one, other, s, t):
    x, y = np.array([one]), np.array([other])
    a, b = (Fraction(low + share * (high - low)) for (low, high), share in ((one, s), (other, t)))
    a, b = (max(Fraction(low), min(Fraction(high), z)) for (low, high), z in ((one, a), (other, b)))
    for found, exact in ((plus(x, y), a + b), (product(x, y), a * b), (total(np.stack([x, y]), 0), a + b)):
        assert Fraction(found[0, 0]) <= exact <= Fraction(found[0, 1])
    assert Fraction(least_size(x)[0]) <= abs(a) <= Fraction(largest_size(x)[0])
    assert a**2 + b**2 <= Fraction(lengths(np.stack([x, y], axis=1))[0]) ** 2
    wider = np.array([[min(one[0], float(a)) - 1, np.nan]])
    assert overlap(x, wider).tolist() == x.tolist()


def test_infinite_ends_prove_nothing():
    whole = np.array([[-np.inf, np.inf]])
    with np.errstate(all="ignore"):
        for found in (product(whole, np.zeros((1, 2))), plus(whole, whole), product(whole, whole)):
            assert not (found[:, 1] < 0).any()
            assert not (found[:, 0] > 0).any()


def test_a_function_of_ones_own_has_the_rows_of_its_own():
    law = Empirical({"p": [1, 1, -2], "q": [0, 1, -1]})
    field = AdamField(
        VectorField(["x + y + p", "y - x + q"], ["x", "y"], law, lyapunov="x**2 + 2*y**2"), Adam("0.5", "0.9", "0.1")
    )
    task = GivenFunctionTask(FieldFunction(field), ((-4.0, 4.0), (-4.0, 4.0)), (), "x**2 + 2*y**2")
    boxes = boxes_of(np.random.default_rng(3), 48)
    decided = [
        box
        for box, (found, _) in zip(boxes, task.intervals.examined(boxes), strict=True)
        if isinstance(found, Decrease)
    ]
    assert len(decided) > 10
    middles = np.array(decided).mean(axis=2)
    assert ((field(middles) * [2, 4] * middles).sum(axis=1) < 0).all()


def test_where_the_loss_rises_nothing_but_halves_is_asked_for():
    """At N1's trap <grad L, f> > 0: intervals leave the box to balls, which find the witness."""
    trap = Problem(
        "s*30*theta**2/2 + (1 - s)*sin(theta)**2/2", ["theta"], Empirical({"s": [1, 0]}, weights=["0.02", "0.98"])
    )
    function = FieldFunction(AdamField(trap, Adam("0.5", "0.9", "0.01")))
    task = LyapunovTask(function, ((-1.0, 4.0),), ())
    found = [outcome for outcome, _ in task.intervals.examined([((2.15, 2.25),), ((1.5, 2.9),), ((0.5, 2.6),)])]
    assert not any(isinstance(one, Decrease) for one in found)
    assert found[0] is None
    assert all(one is None or isinstance(one, Split) for one in found)


@pytest.mark.parametrize("case", range(2))
def test_certificates_of_what_intervals_prove_are_accepted(case):
    loss, method, batch = CASES[case]
    field = AdamField(Problem(loss, ["a", "b"], PLANE, batch_size=batch), method)
    with ThreadPoolExecutor(1) as alone:
        found = certify_lyapunov(field, [[2, 2.75], [2, 2.5]], budget=300, executor=alone)
    assert found.verdict == "certified"
    content = certificate(found)
    assert content["rate"] > 0
    assert check_certificate(content).valid


def test_boxes_are_halved_where_the_rate_is_wanted():
    """On [low, high] the proof gives 1/(high - low): 8 takes three halvings, and 9 is not reached with three."""

    def rate(box):
        [(low, high)] = box
        return 1 / (high - low)

    assert proven_in_parts(rate, ((0.0, 1.0),), 1.0, 3) == 1
    assert proven_in_parts(rate, ((0.0, 1.0),), 8.0, 3) == 8
    assert proven_in_parts(rate, ((0.0, 1.0),), 9.0, 3) == 8
    # What a part does not prove leaves what the whole does; where there is no rate none is found.
    assert proven_in_parts(lambda box: 1.0 if box == ((0.0, 1.0),) else None, ((0.0, 1.0),), 2.0, 3) == 1
    assert proven_in_parts(lambda box: NEVER if box[0][0] > 0.6 else None, ((0.0, 1.0),), 0.0, 9) is None
