"""Linear forms of the mean gradient beyond what the sign lemmas leave open: what the checker says of boxes is true."""

import numpy as np
import pytest
from arithmetics import BALLS, in_both, in_both_by_long_tests

from adamsym.checker.form import form_of
from adamsym.checker.mean_gradient import sign_beyond_noise
from adamsym.checker.zeros import middle, sides
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem, VectorField
from adamsym.methods import Adam, AdamEpsInsideRoot

ROWS = Empirical({"x": ["0.5", -1, 2], "y": [1, "-0.5", 2]}, weights=["0.2", "0.3", "0.5"])
MANY = {"x": [k / 8 for k in range(-6, 6)], "y": [(k * k) % 7 - 3 for k in range(12)]}
FIELDS = {
    "least squares": AdamField(Problem("(a + b*x - y)**2/2", ["a", "b"], ROWS), Adam("0.9", "0.99", "1e-3")),
    "a neuron": AdamField(
        Problem("(a*tanh(b*x) - y)**2/2", ["a", "b"], ROWS), AdamEpsInsideRoot("0.9", "0.99", "1e-3")
    ),
    "batches that are not listed": AdamField(
        Problem("(a + b*x - y)**2/2", ["a", "b"], Empirical(MANY), batch_size=6), Adam("0.9", "0.99", "1e-3")
    ),
    "a game": AdamField(VectorField(["a + b + x", "b - a + y*cos(a)"], ["a", "b"], ROWS), Adam("0.5", "0.82", "0.1")),
}


def noise(field, theta):
    """The least q sigma of N-Lemma 4 (a), (b), (c) in floats."""
    rows, p = field.problem.row_gradients(theta), field.problem.law.probabilities
    m, beta, eps = p @ rows, float(field.adam.beta2), float(field.adam.eps)
    largest = abs(rows).max(axis=0)
    if isinstance(field.adam, AdamEpsInsideRoot):
        r = np.sqrt((largest**2 + eps) / (beta * largest**2 + eps)) - 1
    else:
        r = (1 - np.sqrt(beta)) * largest / (np.sqrt(beta) * largest + eps)
    apart, size = abs(rows - m), field.problem.batch_size
    variance = p @ apart**2
    # Fourth cumulants of draws add, and no mean lies farther from m than some row.
    fourth = (p @ apart**4 + 3 * (size - 1) * variance**2) / size**3
    return m, np.min([np.sqrt(r * variance / size), r * apart.max(axis=0), (r**3 * (1 + r) * fourth) ** 0.25], axis=0)


def answers(using, name, count):
    """Boxes, directions and what is said of them; directions are near the best ones, or at random."""
    field, rng = FIELDS[name], np.random.default_rng(5)
    form = form_of(using, field.adam.laplace)
    for _ in range(count):
        low = rng.uniform(-2, 2, 2)
        box = np.stack([low, low + 10.0 ** rng.uniform(-5, 0, 2)], axis=-1).tolist()
        y = rng.normal(size=2)
        if rng.random() < 0.5:
            y = np.linalg.solve(field.jacobian(middle(box)).T, y)
        with using.working():
            points = [using.number(x) for x in middle(box)]
            yield box, y, sign_beyond_noise(field.problem, form, sides(using, box), points, y.tolist())


@in_both_by_long_tests
@pytest.mark.parametrize("name", FIELDS)
def test_what_is_proven_is_true_at_points_and_excludes_zeros(using, name):
    field, rng, proven = FIELDS[name], np.random.default_rng(6), 0
    for box, y, sign in answers(using, name, 15):
        proven += bool(sign)
        for _ in range(5 if sign else 0):
            theta = [rng.uniform(low, high) for low, high in box]
            m, left_open = noise(field, theta)
            assert sign * (y @ m) > (abs(y) @ left_open) * (1 - 1e-9)
            f = field(theta)
            assert any(f * y * sign < 0)
    assert proven > 3


@in_both
@pytest.mark.parametrize("name", FIELDS)
def test_what_is_false_at_a_point_is_not_proven(using, name):
    field, rng = FIELDS[name], np.random.default_rng(7)
    for box, _, _ in answers(using, name, 10):
        m, left_open = noise(field, [rng.uniform(low, high) for low, high in box])
        y = np.array([-m[1], m[0]])
        # Within the bound at one point of the box, by a tenth.
        y += 0.9 * (abs(y) @ left_open) * m / (m @ m)
        form = form_of(using, field.adam.laplace)
        with using.working():
            points = [using.number(x) for x in middle(box)]
            assert not sign_beyond_noise(field.problem, form, sides(using, box), points, y.tolist())


def test_the_mean_value_form_proves_what_values_alone_do_not():
    """Along (1, -1) the mean gradient of a steep valley hardly varies, though each coordinate does."""
    field = AdamField(Problem("50*(a + b - x)**2 + (a - b - y)**2/2", ["a", "b"], ROWS), Adam())
    using, box = BALLS, [[2.0, 2.5], [-1.5, -1.0]]
    form = form_of(using, field.adam.laplace)
    with using.working():
        points = [using.number(x) for x in middle(box)]
        theta = sides(using, box)
        assert sign_beyond_noise(field.problem, form, theta, points, [1.0, -1.0]) == 1
        # The control: either coordinate may be within its bound, if nowhere both.
        assert not sign_beyond_noise(field.problem, form, theta, points, [1.0, 0.0])
        assert not sign_beyond_noise(field.problem, form, theta, points, [0.0, 1.0])
