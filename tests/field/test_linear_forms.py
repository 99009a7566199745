"""Linear forms y c + (y J)(X - m) that are beyond their margins: what is found is true, and what there is is found."""

from fractions import Fraction

import interval_soundness as soundness
import numpy as np
from scipy.optimize import linprog

from adamsym.field.interval import exclusion


def drawn(generator, d):
    """Centers, Jacobians, X - m and margins of one box: intervals, some of them narrow."""
    width = 10.0 ** generator.uniform(-8, -2)
    jacobian, reach = generator.normal(size=(d, d)), 10.0 ** generator.uniform(-2, 0, d)
    center = jacobian @ (reach * generator.uniform(-2, 2, d))
    jacobians = np.stack([jacobian - width * generator.random((d, d)), jacobian], axis=-1)
    centers = np.stack([center, center + width * generator.random(d)], axis=-1)
    margins = 0.1 * np.abs(jacobian @ reach) * generator.random(d)
    return centers, jacobians, np.stack([-reach, reach], axis=-1), margins


def best(centers, jacobians, shifts, margins):
    """The largest y c beside what the rest may be for any y, by linear programming in floats."""
    d, reach = len(margins), shifts[:, 1]
    middle = jacobians.mean(axis=-1)
    sizes = margins + np.ptp(centers, axis=-1) / 2 + np.ptp(jacobians, axis=-1) @ reach / 2
    # Unknown are y, a >= |y|, b >= |y A|: sizes a + reach b is least for y c = 1.
    eye, none = np.eye(d), np.zeros((d, d))
    upper = np.block([[eye, -eye, none], [-eye, -eye, none], [middle.T, none, -eye], [-middle.T, none, -eye]])
    found = linprog(
        np.concatenate([np.zeros(d), sizes, reach]),
        A_ub=upper,
        b_ub=np.zeros(4 * d),
        A_eq=[np.concatenate([centers.mean(axis=-1), np.zeros(2 * d)])],
        b_eq=[1.0],
        bounds=[(None, None)] * d + [(0, None)] * (2 * d),
    )
    assert found.status == 0
    return 1 / found.fun


def searched(count, module=exclusion):
    generator, results = np.random.default_rng(8), []
    for k in range(count):
        box = drawn(generator, 1 + k % 4)
        found = np.zeros((1, 1 + k % 4))
        [ratio] = module.directions(*(entry[None] for entry in box), 0.0, found)
        results.append((box, ratio, found[0]))
    return results


def is_beyond(box, y):
    """Whether |y c + (y J)(X - m)| > sum |y_i| margin_i, by exact arithmetic with fractions."""
    centers, jacobians, shifts, margins = (entry.astype(object) for entry in box)
    exact = np.vectorize(Fraction, otypes=[object])
    centers, jacobians, shifts, margins, y = map(exact, (centers, jacobians, shifts, margins, y))
    low = high = Fraction(0)
    for i, a in enumerate(y):
        products = a * centers[i]
        low, high = low + min(products), high + max(products)
    for j in range(len(y)):
        slopes = [sorted(a * jacobians[i, j]) for i, a in enumerate(y)]
        ends = [s * x for s in (sum(s for s, _ in slopes), sum(s for _, s in slopes)) for x in shifts[j]]
        low, high = low + min(ends), high + max(ends)
    margin = sum(abs(a) * m for a, m in zip(y, margins, strict=True))
    return low > margin or high < -margin


def test_forms_that_are_found_are_beyond_their_margins():
    results = searched(400)
    found = [(box, y) for box, ratio, y in results if ratio == -1.0]
    assert len(found) > 100
    assert all(is_beyond(box, y) for box, y in found)


def test_nearly_all_that_there_are_are_found():
    results = [(best(*box), ratio == -1.0) for box, ratio, _ in searched(200)]
    assert not any(found for share, found in results if share < 0.999)
    clear = [found for share, found in results if share > 1.02]
    assert len(clear) > 50
    assert np.mean(clear) > 0.97


def test_forms_along_the_axes_and_by_one_step_alone_would_be_too_few():
    module = soundness.copy_with("exclusion", "STEPS, LEAST = 6, 1e-3", "STEPS, LEAST = 0, 1e-3").exclusion
    few = sum(ratio == -1.0 for _, ratio, _ in searched(200, module))
    assert few < 0.9 * sum(ratio == -1.0 for _, ratio, _ in searched(200))


def test_margins_that_are_left_out_are_noticed():
    part = "margin += abs(y[i]) * margins[k, i]\n            low, high"
    module = soundness.copy_with("exclusion", part, "margin += 0.0\n            low, high").exclusion
    assert not all(is_beyond(box, y) for box, ratio, y in searched(100, module) if ratio == -1.0)
