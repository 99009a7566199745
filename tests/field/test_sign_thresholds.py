"""Thresholds of the sign lemmas in float64 intervals are above those in balls; the checker proves their leaves."""

import itertools
import json
import math
from collections import Counter

import flint
import interval_soundness as soundness
import numpy as np
import pytest

from adamsym import Adam, AdamField, Empirical, Problem, find_zeros
from adamsym.certify import certificate
from adamsym.certify.sign_lemma import sign_factor, sign_threshold
from adamsym.checker import check_certificate
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.law import BallLaw
from adamsym.field.interval import exclusion
from adamsym.field.interval.field import IntervalField
from adamsym.field.interval.linear import expectations
from adamsym.field.interval.tables import tables_of
from adamsym.methods import AdamEpsInsideRoot

CASES = 120
FORMS = [*soundness.FORMS, AdamEpsInsideRoot().laplace]


def random_batches(generator):
    """Atoms and probabilities, exact, of the mean of B = 1, 2 or 3 draws of rows, some of them rare."""
    n, size = int(generator.integers(1, 6)), int(generator.integers(1, 4))
    rows = generator.normal(0.3, 1, n) * 10.0 ** generator.uniform(-12, 12)
    chances = generator.integers(1, 10, n) * 10.0 ** -generator.choice([0.0, 6.0], n, p=[0.7, 0.3])
    with ball_arithmetic(500):
        shares = soundness.exact_shares(chances)
    atoms, probabilities = [], []
    for drawn in itertools.combinations_with_replacement(range(n), size):
        orders = math.factorial(size) // math.prod(math.factorial(k) for k in Counter(drawn).values())
        atoms.append(float(np.mean(rows[list(drawn)])))
        with ball_arithmetic(500):
            probabilities.append(math.prod((shares[k] for k in drawn), start=flint.arb(orders)))
    return np.array(atoms), probabilities


def thresholds(module=exclusion, count=CASES):
    """Pairs of a threshold in floats of a box around a law, and that of the law in balls; which part was the least."""
    generator, found, least = np.random.default_rng(4), [], set()
    for k in range(count):
        form = FORMS[k % len(FORMS)]
        atoms, probabilities = random_batches(generator)
        with ball_arithmetic():
            tables, shares = tables_of(form), np.array([outward(p) for p in probabilities])
        over = soundness.boxes_around(atoms, generator, np.array([0.0, 1e-9, 0.1]) * (k % 4 > 0))[:, None]
        with np.errstate(all="ignore"):
            means = expectations(over, shares)
            apart = module.deviations(over, means)
            floats = module.thresholds(over, apart, shares, tables.constants, tables.root_plus_eps)
        with ball_arithmetic(500):
            law = BallLaw([flint.arb(x) for x in atoms], probabilities)
            threshold = sign_threshold(law, law, form)
            least.add(bool(threshold < sign_factor(law, form) * law.variance.upper().sqrt()))
        found += [(x, threshold) for x in floats[:, 0].tolist()]
    return found, least


def misses(found):
    with ball_arithmetic(500):
        return sum(not flint.arb(x) >= threshold for x, threshold in found)


def test_thresholds_in_floats_are_above_those_in_balls():
    found, least = thresholds()
    assert least == {True, False}
    assert misses(found) == 0
    # Those of points are near them.
    assert sum(x <= float(threshold) * (1 + 1e-5) + 1e-70 for x, threshold in found) > len(found) / 3


@pytest.mark.parametrize(
    ("module", "part", "by"),
    [
        ("rounding", "return x + (abs(x) * _SHARE + _LEAST)", "return x - (abs(x) * _SHARE + _LEAST)"),
        ("exclusion", "up(growth * farthest)", "up(growth * math.sqrt(variance))"),
        ("exclusion", "(1 + growth) / growth", "(1 + growth)"),
    ],
    ids=["rounded down", "p = 1/2 for every law", "a factor of (c) left out"],
)
def test_thresholds_that_are_too_small_are_caught(module, part, by):
    assert misses(thresholds(soundness.copy_with(module, part, by).exclusion)[0]) > 0


ROWS = Empirical({"x": ["0.5", -1, 2], "y": [1, "-0.5", 2]})
EXAMPLES = {
    "least squares": (
        Problem("(a + b*x - y)**2/2", ["a", "b"], ROWS),
        Adam("0.5", "0.82", "0.1"),
        [[0, 1], [0.5, 1.5]],
    ),
    "minibatches": (Problem("(a*x - y)**2/2 + a**4/40", ["a"], ROWS, batch_size=2), Adam(), [[-2, 2]]),
    "eps inside the root": (Problem("log(1 + exp(a*x)) - a*y/3 + a**2/5", ["a"], ROWS), AdamEpsInsideRoot(), [[-3, 3]]),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_checker_proves_leaves_that_the_smaller_thresholds_found(name, tmp_path):
    problem, method, box = EXAMPLES[name]
    found = find_zeros(AdamField(problem, method), box)
    assert found.complete
    path = tmp_path / "zeros.json"
    path.write_text(json.dumps(certificate(found)))
    assert check_certificate(path).valid


def test_some_boxes_are_excluded_by_the_smaller_thresholds_alone():
    problem, method, _ = EXAMPLES["least squares"]
    field = IntervalField(problem, method.laplace)
    low = np.stack(np.meshgrid(np.linspace(0, 1, 20), np.linspace(0.5, 1.5, 20)), axis=-1).reshape(-1, 2)
    boxes = np.stack([low, low + 0.01], axis=-1)
    rows = field.rows_over(boxes, boxes.mean(axis=-1))
    sharper, means = field.sign_thresholds(rows, plain=True), np.abs(field.means(rows.plain)).min(axis=-1)
    # N-Lemma 1's at the midpoints is no more than over the boxes.
    atoms = rows.centers.mean(axis=-1)
    root, largest = math.sqrt(0.82), np.abs(atoms).max(axis=-1)
    first = np.sqrt((1 - root) * largest / (root * largest + 0.1)) * atoms.std(axis=-1)
    assert ((means > sharper) & (means < first)).any()


def test_thresholds_in_mean_value_form_are_smaller_and_hold_those_of_points():
    problem, method, _ = EXAMPLES["eps inside the root"]
    field, generator = IntervalField(problem, method.laplace), np.random.default_rng(6)
    low = generator.uniform(-3, 3, (200, 1))
    boxes = np.stack([low, low + 10.0 ** generator.uniform(-6, 0, (200, 1))], axis=-1)
    rows = field.rows_over(boxes, boxes.mean(axis=-1))
    narrow, plain = field.sign_thresholds(rows, plain=False), field.sign_thresholds(rows, plain=True)
    assert (narrow <= plain).all()
    assert (narrow < 0.9 * plain).mean() > 0.1
    for _ in range(20):
        points = low + generator.random(low.shape) * np.ptp(boxes, axis=-1)
        at = field.rows_over(np.stack([points, points], axis=-1), points)
        assert (field.sign_thresholds(at, plain=True) <= narrow * (1 + 1e-5)).all()
