"""The checker's field and Jacobian over drawn boxes hold those at points inside, which the makers' code encloses."""

import numpy as np
import pytest
from arithmetics import BALLS, SLOW, ends, meet, width

from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.field import field_over
from adamsym.checker.form import form_of
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, NAdam, RMSprop

LOSSES = [
    "(a*tanh(b*x) - y)**2/2",
    "(a*atan(b*x) - y)**2/2",
    "(a*erf(b*x) - y)**2/2",
    "softplus(a*x + b) - y*b/3 + a**2/9",
    "logsumexp(a*x, b, y) + a**2*b/9",
    "log(1 + (a*x + b*y)**2) + cosh(a/4)*(1 + y**2)/9",
    "sigmoid(a*x + b)*sin(b) + sqrt(1 + (a - y)**2)*Max(Abs(x), 1)",
    "(a - x)**2/2 + (b - y)**2*Min(1, x**2)",
]
METHODS = [
    Adam("0.9", "0.99", "1e-8"),
    Adam("0.5", "0.9", "0.01"),
    Adam(0, 0, 1),
    RMSprop("0.9", "1e-3"),
    NAdam("0.5", "0.82", "0.1"),
    AdamEpsInsideRoot("0.5", "0.9", "0.01"),
    AdamW("0.5", "0.9", "0.1", "0.3"),
]


def drawn(rng):
    """A problem of one to three rows, a method, and a box, which may be as narrow as a point."""
    rows = int(rng.integers(1, 4))
    columns = {name: np.round(rng.normal(0, 1.5, rows), 3).tolist() for name in ("x", "y")}
    problem = Problem(str(rng.choice(LOSSES)), ["a", "b"], Empirical(columns, rng.choice([1, 2, 5, 50], rows).tolist()))
    low = rng.uniform(-2, 2, 2)
    return problem, METHODS[rng.integers(len(METHODS))], low, low + 10 ** rng.uniform(-9, -0.5) * rng.uniform(0, 1, 2)


def entries(using, problem, method, low, high):
    with using.working():
        box = [using.between(float(a), float(b)) for a, b in zip(low, high, strict=True)]
        found = field_over(problem, form_of(using, method.laplace), box, slopes=True, tolerance=1e-11)
    return [*found.value, *(x for row in found.jacobian for x in row)]


@pytest.mark.parametrize(
    ("using", "count"),
    [(BALLS, 12), pytest.param(BALLS, 600, marks=pytest.mark.slow), pytest.param(SLOW, 60, marks=pytest.mark.slow)],
)
def test_what_is_inside_is_held(using, count):
    rng, narrow = np.random.default_rng(21), 0
    for _ in range(count):
        try:
            problem, method, low, high = drawn(rng)
            found = entries(using, problem, method, low, high)
        except (InputError, NotCheckable):
            continue  # a loss that does not depend on a parameter for these rows
        theta = np.clip(low + rng.uniform(0, 1, 2) * (high - low), low, high)
        field, at = AdamField(problem, method), np.stack([theta, theta], axis=1)
        known = np.concatenate([field.enclose(at), field.enclose_jacobian(at).reshape(4, 2)])
        for over, sides in zip(found, known, strict=True):
            assert meet(over, *sides), (problem, method, low, high)
            # The control: what lies beyond the bounds by their width is not held.
            bottom, top = ends(over)
            off = width(over) + abs(sides[1] - sides[0]) + 1e-12 * abs(sides[0]) + 1e-300
            assert not bottom <= sides[1] + 2 * off <= top
            narrow += width(over) < 1e-6 * (1 + abs(sides[0]))
    assert narrow > count
