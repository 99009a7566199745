"""Losses with kinks: enclosures across them, where gradients are continuous, zeros and regions; and what is refused."""

import random
from collections import Counter

import numpy as np
import pytest
from kinked_losses import ROWS, box_at_kinks, gradients_at, kinked, points_in

from adamsym import Adam, AdamField, Empirical, PerRowGradients, Problem, VectorField, check_certificate
from adamsym.certify import certificate, certify_lyapunov, certify_zero, find_zeros
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.balls import Balls
from adamsym.checker.law import row_gradients, row_jacobians
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.expressions.errors import InputError
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.enclosure import hulls
from adamsym.field.interval.field import IntervalRows
from adamsym.field.interval.tape import NotCovered
from adamsym.gradients.jumps import Crossing, JumpError

CHEAP = Adam("0.5", "0.82", "0.1")
HUBER = "((theta - x)**2 - Max(Abs(theta - x) - 1, 0)**2)/2"


def by_balls(problem, box):
    """The rows' gradients and Jacobians over a box as searches have them; no Jacobians where gradients may jump."""
    with ball_arithmetic():
        theta = hulls(box)
        gradients = [[outward(x) for x in row] for row in problem.row_gradients_ball(theta)]
        try:
            jacobians = [[[outward(x) for x in line] for line in row] for row in problem.row_jacobians_ball(theta)]
        except JumpError:
            jacobians = None
    return gradients, jacobians


def by_checker(using):
    """The same as the checker has them."""

    def over(problem, box):
        def ends(x):
            return float(using.lower(x)), float(using.upper(x))

        d, places = problem.dimension, {pair: k for k, pair in enumerate(problem.jacobian_places)}
        with using.working():
            theta = [using.between(float(low), float(high)) for low, high in box]
            gradients = [[ends(x) for x in row] for row in row_gradients(using, problem, theta)]
            try:
                rows = row_jacobians(using, problem, theta)
            except NotCheckable:
                return gradients, None
            whole = [[[row[places[min(i, j), max(i, j)]] for j in range(d)] for i in range(d)] for row in rows]
            return gradients, [[[ends(x) for x in line] for line in row] for row in whole]

    return over


def by_floats(problem, box):
    """The same in float64 intervals; of nothing that these leave to balls."""
    try:
        field = IntervalRows(problem)
    except NotCovered:
        return by_balls(problem, box)
    rows = field.rows_over(box[None], box.mean(axis=1)[None])
    if not rows.known[0]:
        return by_balls(problem, box)[0], None
    return np.moveaxis(rows.plain[0], 0, 1), np.moveaxis(rows.slopes[0], 2, 0)


EVALUATIONS = {
    "floats": by_floats,
    "balls": by_balls,
    "checker": by_checker(Balls(90)),
    "mpmath": by_checker(MpmathIntervals(90)),
}


def misses(problem, box, found, rng):
    """How often a gradient at a point is outside, or a difference of two that no matrix within the Jacobians gives."""
    gradients, jacobians = found
    points = points_in(rng, box, 10)
    exact = gradients_at(problem, points)
    sizes = 1 + np.abs(exact)
    low, high = np.moveaxis(np.array(gradients), -1, 0)
    count = int(((exact < low - 1e-11 * sizes) | (exact > high + 1e-11 * sizes)).sum())
    if jacobians is not None:
        shifts, differences = points[:, None] - points[None], exact[:, None] - exact[None]
        products = np.array(jacobians) * shifts[:, :, None, None, :, None]
        low, high = products.min(axis=-1).sum(axis=-1), products.max(axis=-1).sum(axis=-1)
        error = 1e-10 * (sizes[:, None] + sizes[None])
        count += int(((differences < low - error) | (differences > high + error)).sum())
    return count


def swept(seeds, evaluations, boxes):
    """Misses over random losses and boxes across kinks; and what was met."""
    met = Counter()
    for seed in seeds:
        rng = random.Random(seed)
        dimension = rng.choice([1, 2, 2])
        problem = kinked(rng, dimension)
        for _ in range(boxes if problem is not None else 0):
            box = box_at_kinks(rng, dimension)
            try:
                found = {name: evaluation(problem, box) for name, evaluation in evaluations.items()}
            except (NotCheckable, InputError):
                continue
            for name, one in found.items():
                met[name, "continuous" if one[1] is not None else "jump"] += 1
                met["missed"] += misses(problem, box, one, rng)
            proven = [found[name][1] is not None for name in ("balls", "checker") if name in found]
            met["not re-proven"] += proven == [True, False]
    return met


def test_enclosures_across_kinks_hold_gradients_and_their_differences():
    met = swept(range(4), EVALUATIONS, boxes=2)
    assert met["missed"] == met["not re-proven"] == 0
    assert min(met[name, kind] for name in EVALUATIONS for kind in ("continuous", "jump")) > 0


@pytest.mark.slow
def test_enclosures_across_many_kinks_hold_gradients_and_their_differences():
    met = swept(range(1000, 3000), EVALUATIONS, boxes=4)
    assert met["missed"] == 0
    # Where terms of a switch cancel over a wide box, the checker's interval of it may hold 0 and the search's not.
    assert met["not re-proven"] <= met["balls", "continuous"] / 500


def test_jumps_taken_for_continuous_are_noticed(monkeypatch):
    """The control: with every crossing called continuous, differences are found that no Jacobian gives."""
    monkeypatch.setattr(Crossing, "is_continuous", lambda self, signs: True)
    assert swept(range(3), {"balls": by_balls}, boxes=4)["missed"] > 10
    jumping = AdamField(Problem("Abs(theta - x) + theta**2/9", ["theta"], Empirical({"x": [0, 1, 5]})), CHEAP)
    found = find_zeros(jumping, [[-1, 6]], executor=1)
    wrong = certificate(found)
    assert not check_certificate(wrong).valid or not found.zeros


@pytest.mark.parametrize("count", [3, pytest.param(1000, marks=pytest.mark.slow)])
def test_enclosures_of_the_field_hold_it_for_every_choice_between_both_sides(count):
    rng, tried = random.Random(1), 0
    generator = np.random.default_rng(1)
    while tried < count:
        dimension = rng.choice([1, 2])
        problem = kinked(rng, dimension)
        box = box_at_kinks(rng, dimension)
        if problem is None:
            continue
        try:
            bounds = AdamField(problem, CHEAP).enclose(box)
        except InputError:
            continue
        point = points_in(rng, box, 1)[0]
        beside = gradients_at(problem, point + 1e-13 * generator.standard_normal((8, dimension)))
        if not np.isfinite(beside).all():
            continue
        tried += 1
        # Each row takes a gradient of its own between those next to the point.
        shares = generator.dirichlet(np.full(8, 0.3), len(ROWS["x"]))
        chosen = np.einsum("rk,krd->rd", shares, beside)
        value = AdamField(PerRowGradients(chosen, list(problem.names)), CHEAP)([0.0] * dimension)
        assert (bounds[:, 0] - 1e-9 <= value).all(), problem.text
        assert (value <= bounds[:, 1] + 1e-9).all(), problem.text


def searched(seed, searches, budget):
    """Search for zeros of random losses with kinks; check certificates, and against changes of sign in floats."""
    rng, met = random.Random(seed), Counter()
    while met["searches"] < searches:
        problem = kinked(rng, 1)
        if problem is None:
            continue
        field = AdamField(problem, CHEAP)
        low = rng.randint(-8, 4) / 4 + rng.choice([0, 0.01])
        found = find_zeros(field, [[low, low + 1.5]], width=1e-6, budget=budget, executor=1)
        met["searches"] += 1
        met["zeros"] += len(found.zeros)
        met["undecided"] += len(found.undecided) > 0
        for slow in (False, True):
            check = check_certificate(certificate(found), slow=slow and met["searches"] % 4 == 0)
            assert check.valid, (problem.text, check.reason)
        grid = np.linspace(low, low + 1.5, 400) + 1e-9
        try:
            values = field(grid[:, None])[:, 0]
        except InputError:
            continue
        for k in np.flatnonzero(values[1:] * values[:-1] < 0):
            near = (grid[k] - 1e-6, grid[k + 1] + 1e-6)
            zeros = [z for z in (*found.zeros, *found.beyond) if near[0] <= z.midpoint[0] <= near[1]]
            assert zeros or any(a[0][0] <= near[1] and near[0] <= a[0][1] for a in found.undecided), problem.text
        for zero in found.zeros:
            a, b = zero.unique_in[0]
            inside = (grid[1:] < b) & (grid[:-1] > a)
            assert (values[1:] * values[:-1] < 0)[inside].sum() <= 1, problem.text
    return met


def test_zeros_of_random_losses_with_kinks():
    """Each certificate is valid; where f, in floats, changes its sign, a zero or what is undecided is listed."""
    assert searched(3, searches=2, budget=40)["searches"] == 2


@pytest.mark.slow
def test_zeros_of_many_random_losses_with_kinks():
    met = searched(4, searches=200, budget=300)
    assert met["zeros"] > 20
    assert 0 < met["undecided"] < met["searches"]


def test_hubers_loss_is_certified_across_its_kinks():
    """Its gradient is continuous, so f is Lipschitz: the zero, alone in a region in which there is a kink."""
    problem = Problem(HUBER + " + theta**2", ["theta"], Empirical({"x": [-1, 1]}))
    field = AdamField(problem, CHEAP)
    found = certify_zero(field, [0.3])
    assert found.zero is not None
    assert check_certificate(certificate(found)).valid
    # It is 0 by symmetry, and there both rows have their kinks.
    low, high = found.zero.unique_in[0]
    assert low < -1e-7 < 1e-7 < high
    assert found.zero.stability == "attracting"
    listed = find_zeros(field, [[-3, 3.1]], executor=1)
    assert listed.complete
    assert [abs(zero.midpoint[0]) < 1e-9 for zero in listed.zeros] == [True]
    assert check_certificate(certificate(listed)).valid


@pytest.mark.parametrize(
    "loss",
    [
        "Abs(theta - x)",
        "Abs(theta - x) + (theta - x)**2/100",
        "Max(0, 1 - theta)**2 + Abs(theta - 1)",
        pytest.param("Max(theta - x, 0) - Min(theta - x, 0)/2", marks=pytest.mark.slow),
        pytest.param("Abs(theta - 1) + (theta - x)**2/9", marks=pytest.mark.slow),
    ],
)
def test_a_change_of_sign_by_a_jump_is_no_zero(loss):
    """Across the jump f is nowhere 0, or not defined: no zero is certified, nor found in a cluster."""
    field = AdamField(Problem(loss, ["theta"], Empirical({"x": [0, 1, 5]})), CHEAP)
    assert field([1 - 1e-7])[0] * field([1 + 1e-7])[0] < 0
    found = find_zeros(field, [[0.5, 1.6]], executor=1)
    assert not found.zeros
    assert not found.complete
    assert not any(cluster.holds_zero for cluster in found.clusters)
    assert "jump" in found.clusters[0].reason
    assert certify_zero(field, [1.3]).zero is None
    claimed = certificate(found)
    assert check_certificate(claimed).valid
    cluster = claimed["clusters"][0]
    cluster["box"] = [[0.9, 1.1]] if cluster["box"][0][0] > 0.9 and cluster["box"][0][1] < 1.1 else cluster["box"]
    cluster |= {"by": "faces", "preconditioner": [[-1.0]], "point": None}
    refused = check_certificate(claimed, digest=False)
    assert not refused.valid
    assert "jump" in refused.reason or "undecided box" in refused.reason or "not proven" in refused.reason


def test_a_loss_decreases_across_its_kinks():
    field = AdamField(Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1, 5]})), CHEAP)
    found = certify_lyapunov(field, [[1.01, 8]], executor=1)
    assert found.verdict == "certified"
    for slow in (False, True):
        assert check_certificate(certificate(found), slow=slow).valid
    # Where the loss is least it has no derivative: no box around that point is certified.
    assert certify_lyapunov(field, [[0.5, 2]], executor=1).verdict == "undecided"


def test_a_vector_field_with_kinks_is_continuous():
    """Its components are what moves, not their derivatives: fixed points of networks of Max(0, z)."""
    field = AdamField(
        VectorField(["a - Max(b + x, 0)/2", "b + Abs(a - 1)/2"], ["a", "b"], Empirical({"x": [0, 1]})), CHEAP
    )
    found = certify_zero(field, [0.2, -0.4])
    assert found.zero is not None
    assert check_certificate(certificate(found)).valid
    bounds = field.enclose_jacobian([[0, 0.2], [-0.1, 0.1]])
    # Where b + x changes its sign the generalized Jacobian holds the slopes of both sides.
    assert bounds[0, 1, 0] <= 0 < bounds[0, 1, 1]
