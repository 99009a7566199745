"""Valid certificates to forge, each with what is known of the truth by other means than certificates and checker.

A new kind of certificate is one more :class:`Base` here, and functions with ``@forgery`` or ``@rewriting`` beside
those of ``forgeries.py``.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from lone_folds import lone_fold, noisy

from adamsym.certify import (
    certificate,
    certify_lyapunov,
    certify_lyapunov_ball,
    certify_lyapunov_globally,
    certify_zero,
    find_zeros,
)
from adamsym.continuation import certify_branch, certify_zeros_over, find_zeros_at_each, tubes, turns
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem, VectorField
from adamsym.methods import Adam, AdamEpsInsideRoot, AdamW, AdamWithoutMomentum, Method, NAdam, RMSprop

DEFAULTS = Adam()

CHEAP = Adam("0.5", "0.82", "0.1")
"""The checker's quadrature takes few nodes, and one lag for each."""


@dataclass(frozen=True)
class Known:
    """A zero of f: where it is, to 1e-8, and its stability. None of the others is within 1e-3."""

    point: tuple[float, ...]
    stability: str
    critical: bool


@dataclass(frozen=True)
class Base:
    """A valid certificate, the field that it is about, and all zeros of f in ``ambient``."""

    name: str
    content: dict[str, Any]
    field: AdamField
    zeros: tuple[Known, ...]
    ambient: tuple[tuple[float, float], ...]

    @property
    def kind(self) -> str:
        return self.content["kind"]

    def holds_a_zero(self, box, margin=2e-8) -> bool | None:
        """Whether a closed box holds a zero of f; None where that is not known."""
        if any(a < low or high < b for (a, b), (low, high) in zip(box, self.ambient, strict=True)):
            return None
        sure = [all(a + margin < x < b - margin for x, (a, b) in zip(k.point, box, strict=True)) for k in self.zeros]
        if any(sure):
            return True
        near = [all(a - margin < x < b + margin for x, (a, b) in zip(k.point, box, strict=True)) for k in self.zeros]
        return None if any(near) else False

    def product(self, theta) -> float:
        """<grad L, f>, or <grad V, f>, at a point, in floats."""
        return product(self.field, self.content.get("function"), theta)


def product(field: AdamField, function: str | None, theta) -> float:
    """The slope along f of the loss, or of another function and its mean over the data, in floats."""
    problem = field.problem
    source = problem if function is None else Problem(function, list(problem.names), problem.law)
    return float(source.gradient(theta) @ field(theta))


def root(field: AdamField, low: float, high: float) -> float:
    """The zero of f between two points at which it has opposite signs, by bisection in floats."""
    sign = np.sign(field([low])[0])
    assert sign * field([high])[0] < 0
    while high - low > 1e-13 * max(1.0, abs(low)):
        middle = low + (high - low) / 2
        low, high = (middle, high) if field([middle])[0] * sign > 0 else (low, middle)
    return low


def squares(loss: str, method: Method = CHEAP, **options) -> AdamField:
    """A loss in theta, of rows x = 0 with probability 2/3 and x = 3."""
    return AdamField(Problem(loss, ["theta"], Empirical({"x": [0, 3]}, weights=["2/3", "1/3"]), **options), method)


THREE_POINTS = squares("(theta - x)**2/2")
WITH_DEFAULTS = squares("(theta - x)**2/2", DEFAULTS)
PAIRS = squares("(theta - x)**2/2", batch_size=2)
TWELVE_ROWS = Empirical({"x": [k * k % 7 + k for k in range(12)]})
MANY_BATCHES = AdamField(Problem("(theta - x)**2/2", ["theta"], TWELVE_ROWS, batch_size=5), CHEAP)
"""There are 4,368 minibatches."""
EXPONENTIAL = AdamField(Problem("(theta - x)**2/2", ["theta"], {"x": "Exponential(1)"}), CHEAP)
NORMAL_BATCHES = AdamField(Problem("(theta - x)**2/2 + theta**4/20", ["theta"], {"x": "Normal(1, 1/2)"}, 3), CHEAP)
UNIFORM = AdamField(Problem("(theta**2 - x)**2/4", ["theta"], {"x": "Uniform(1/2, 2)"}), CHEAP)
HILL = squares("-(theta - x)**2/2")
SYMMETRIC = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]})), CHEAP)
WELLS = AdamField(Problem("(theta**2 - 1)**2/4 - x*theta", ["theta"], Empirical({"x": [-0.01, 0.03]})), CHEAP)
PLANE = AdamField(Problem("(a - x)**2/2 + (b - y)**2", ["a", "b"], Empirical({"x": [0, 3], "y": [1, -1.5]})), CHEAP)
TURNED = AdamField(
    Problem("9*(a + b - x)**2/2 + (a - b - y)**2/2", ["a", "b"], Empirical({"x": [0, 3], "y": [1, -1.5]})),
    Adam("0.9", "0.999", "1e-3"),
)
SADDLE = AdamField(Problem("(a**2 - b**2)*x", ["a", "b"], Empirical({"x": [1, 2]})), CHEAP)
CUBIC = AdamField(Problem("theta**3*x", ["theta"], Empirical({"x": [1, 2]})), CHEAP)
TRIPLE = AdamField(Problem("theta**4/4 - x*theta", ["theta"], Empirical({"x": [-1, 1]})), CHEAP)
TRAP = AdamField(
    Problem("s*30*theta**2/2 + (1 - s)*sin(theta)**2/2", ["theta"], Empirical({"s": [1, 0]}, weights=["0.02", "0.98"])),
    Adam("0.5", "0.9", "0.01"),
)
HYPERBOLA = AdamField(
    Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": [1, 2, -0.5], "y": [1, 2, -0.5]})), Adam(0.5, 0.9, 0.01)
)
GAME = AdamField(
    VectorField(["x + y + p", "y - x + q"], ["x", "y"], Empirical({"p": [1, 1, -2], "q": [0, 1, -1]})), CHEAP
)

LINE = VectorField(["theta - x"], ["theta"], Empirical({"x": [0, 3]}, weights=["2/3", "1/3"]))
"""The same field as that of ``THREE_POINTS``, without a loss."""


def with_function(text: str, field: VectorField = LINE, method: Method = CHEAP) -> AdamField:
    return AdamField(VectorField(list(field.texts), list(field.names), field.law, lyapunov=text), method)


TO_THE_MEAN = with_function("(theta - 1)**2")
OVER_THE_DATA = with_function("exp(theta/2)/9 + (theta - x)**2/2")
UPHILL = with_function("-theta**3/3", method=AdamW("0.5", "0.82", "0.1", "0.1"))
OF_THE_GAME = with_function("x**2 + y**2 - x*y/9", GAME.problem)

QUADRATIC = "(theta - x)**2/2"
DECAYED = squares(QUADRATIC, AdamW("0.5", "0.82", "0.1", "0.1"))
NEWEST_ALONE = squares(QUADRATIC, RMSprop("0.82", "0.1"))
CORRECTED = squares(QUADRATIC, AdamWithoutMomentum("0.5", "0.1"))
LOOK_AHEAD = squares(QUADRATIC, NAdam("0.5", "0.82", "0.1"))
INSIDE = squares(QUADRATIC, AdamEpsInsideRoot("0.5", "0.82", "0.01"))
STRONGLY_DECAYED = AdamField(
    Problem(QUADRATIC, ["theta"], Empirical({"x": ["2.9", "3.1"]})), AdamW("0.5", "0.82", "0.1", 2)
)
"""Where the loss falls towards 3 and the weights decay towards 0, the sign lemma alone would say that f is positive."""
DECAYED_MINIMUM = AdamField(
    Problem("(theta*x)**2/2", ["theta"], Empirical({"x": [1, 2]})), AdamW("0.5", "0.82", "0.1", "0.1")
)

TWO_ROWS = Empirical({"x": ["0.3", "1.2"], "y": ["0.5", "-0.7"], "z": [1, "0.2"]}, weights=["0.4", "0.6"])
CURVED = AdamField(Problem("(a*tanh(b*x + c) + y - z)**2/2", ["a", "b", "c"], TWO_ROWS), CHEAP)
CURVED_PAIRS = AdamField(
    Problem("(1 + x)*(a*b*x + c - z)**2", ["a", "b", "c"], TWO_ROWS, batch_size=2),
    AdamEpsInsideRoot("0.5", "0.9", "0.01"),
)
ONE_PRODUCT = AdamField(Problem("(a*b - x)**2/2", ["a", "b"], Empirical({"x": [1]})), NAdam("0.9", "0.99", "1e-3"))
"""At a = b = 0 the gradient vanishes and the loss does not."""
TWO_OUTPUTS = AdamField(
    Problem(
        "(a*tanh(b*x + e) + y - z)**2/2 + (c*x + d + a*z - y)**2", ["a", "b", "c", "d", "e"], TWO_ROWS, batch_size=2
    ),
    CHEAP,
)
LINEAR = AdamField(Problem("(a*x + b*y + c - z)**2/3", ["a", "b", "c"], TWO_ROWS), Adam("0.9", "0.99", "1e-3"))
SHORT_MEMORY = AdamField(Problem("(a*x + b*b*y - z)**2/2", ["a", "b"], TWO_ROWS), RMSprop("0.2", "0.1"))
"""With p < 1 - sqrt(beta2) only N-Theorem 1 holds, near the interpolating point."""

NEAR_DUPLICATES = Empirical({"x": ["0.3", "1.2", "1.2"], "y": ["0.5", "-0.7", "-0.7"], "z": [1, "0.2", "0.2"]})
REPEATED = AdamField(Problem("(1 + x)*(a*tanh(b*x + c) + d*y - z)**2/2", ["a", "b", "c", "d"], NEAR_DUPLICATES), CHEAP)
"""A row twice: two residuals of three count."""

MONKEY_SADDLE = AdamField(
    Problem("x*((a - sqrt(2)/10)**3/3 - (a - sqrt(2)/10)*b**2)", ["a", "b"], Empirical({"x": [1]})), CHEAP
)
HUBER = squares("((theta - x)**2 - Max(Abs(theta - x) - 1, 0)**2)/2")
"""Its gradient is continuous: f has one zero, and kinks at -1, 1, 2 and 4."""
MEDIAN = AdamField(Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 1, 5]})), CHEAP)
KINKED_WELLS = AdamField(Problem("(theta - x)**2/2 - Abs(theta)", ["theta"], Empirical({"x": [-0.01, 0.03]})), CHEAP)
"""At 0 f jumps from one sign to the other, and has no zero there."""

IN_ORDER = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 3, -1]}), 1, "cyclic"), CHEAP)
"""Another field than that of independent rows, or of another order."""
IN_PAIRS = AdamField(
    Problem("(a - x)**2/2 + (b - y)**2 + a*b/4", ["a", "b"], Empirical({"x": [0, 1, 3], "y": [1, -1, 1]}), 2, "cyclic"),
    NAdam("0.5", "0.82", "0.1"),
)
AT_ONCE = AdamField(
    Problem("(theta - x)**4/4 + theta**2", ["theta"], Empirical({"x": [0, 1, 3]}), sampling="full"), CHEAP
)

AROUND = ((-4.0, 6.0),)
PLANE_AROUND = ((-4.0, 6.0), (-5.0, 5.0))


def known(field: AdamField, low: float, high: float, stability: str = "attracting") -> Known:
    """A zero that is no critical point of the loss."""
    return Known((root(field, low, high),), stability, False)


def three_points(field: AdamField = THREE_POINTS, stability: str = "attracting") -> tuple[Known, ...]:
    return (known(field, 0.5, 1.5, stability),)


def wells() -> tuple[Known, ...]:
    return known(WELLS, -2, -0.5), known(WELLS, -0.5, 0.5, "repelling"), known(WELLS, 0.5, 2)


def game() -> tuple[Known, ...]:
    """The zero of a game of two players, by Newton's method in floats; there is no loss."""
    point = np.zeros(2)
    for _ in range(20):
        point = point - np.linalg.solve(GAME.jacobian(point), GAME(point))
    assert np.abs(GAME(point)).max() < 1e-14
    assert (np.linalg.eigvals(GAME.jacobian(point)).real < 0).all()
    return (Known(tuple(point.tolist()), "attracting", False),)


def of_pairs() -> tuple[Known, ...]:
    """The zero of pairs in order, by Newton's method in floats."""
    point = np.array([1.2, 0.1])
    for _ in range(30):
        point = point - np.linalg.solve(IN_PAIRS.jacobian(point), IN_PAIRS(point))
    assert np.abs(IN_PAIRS(point)).max() < 1e-13
    assert (np.linalg.eigvals(IN_PAIRS.jacobian(point)).real < 0).all()
    return (Known(tuple(point.tolist()), "attracting", False),)


def symmetric_plane() -> tuple[Known, ...]:
    """In the middle of two rows of the same probability f is odd."""
    return (Known((1.5, -0.25), "attracting", False),)


def turned_plane() -> tuple[Known, ...]:
    """The same with a + b = 1.5 and a - b = -0.25."""
    return (Known((0.625, 0.875), "attracting", False),)


def zeros_of(field, box, **options):
    return lambda: find_zeros(field, box, **({"width": 1e-6} | options))


def zero_near(field, theta):
    return lambda: certify_zero(field, theta)


def region_of(field, box, **options):
    return lambda: certify_lyapunov(field, box, **options)


MAKERS: dict[str, tuple[AdamField, Callable, Callable, tuple]] = {
    "rows in order": (IN_ORDER, zeros_of(IN_ORDER, [[0.3, 2]]), lambda: (known(IN_ORDER, 0.3, 2),), AROUND),
    "one zero of pairs in order": (IN_PAIRS, zero_near(IN_PAIRS, [1.2, 0.1]), of_pairs, PLANE_AROUND),
    "all rows at once": (AT_ONCE, zero_near(AT_ONCE, [0.8]), lambda: (known(AT_ONCE, 0.3, 2),), AROUND),
    "attracting": (THREE_POINTS, zeros_of(THREE_POINTS, [[0.8, 1.2]]), three_points, AROUND),
    "defaults": (WITH_DEFAULTS, zeros_of(WITH_DEFAULTS, [[0.99, 1.2]]), lambda: three_points(WITH_DEFAULTS), AROUND),
    "pairs": (PAIRS, zeros_of(PAIRS, [[0.8, 1.2]]), lambda: three_points(PAIRS), AROUND),
    "many minibatches": (
        MANY_BATCHES,
        zeros_of(MANY_BATCHES, [[7.3, 7.6]]),
        lambda: (known(MANY_BATCHES, 5, 10),),
        ((0.0, 17.0),),
    ),
    "one zero of many minibatches": (
        MANY_BATCHES,
        zero_near(MANY_BATCHES, [7.5]),
        lambda: (known(MANY_BATCHES, 5, 10),),
        ((0.0, 17.0),),
    ),
    "exponential data": (
        EXPONENTIAL,
        zeros_of(EXPONENTIAL, [[0.7, 1.2]]),
        lambda: (known(EXPONENTIAL, 0.5, 1.5),),
        ((-4.0, 6.0),),
    ),
    "one zero of normal batches": (
        NORMAL_BATCHES,
        zero_near(NORMAL_BATCHES, [0.8]),
        lambda: (known(NORMAL_BATCHES, 0.4, 1.5),),
        ((-4.0, 6.0),),
    ),
    "uniform data": (
        UNIFORM,
        zeros_of(UNIFORM, [[0.9, 1.4]]),
        lambda: (known(UNIFORM, 0.8, 1.5),),
        ((0.2, 3.0),),
    ),
    "exponential data by sign": (
        EXPONENTIAL,
        region_of(EXPONENTIAL, [[2.5, 4]]),
        lambda: (known(EXPONENTIAL, 0.5, 1.5),),
        ((-4.0, 6.0),),
    ),
    "uniform data by enclosure": (
        UNIFORM,
        region_of(UNIFORM, [[1.15, 1.18]]),
        lambda: (known(UNIFORM, 0.8, 1.5),),
        ((0.2, 3.0),),
    ),
    "repelling": (HILL, zeros_of(HILL, [[0.8, 1.2]]), lambda: three_points(HILL, "repelling"), AROUND),
    "two zeros": (WELLS, zeros_of(WELLS, [[-0.03, 1.02]]), wells, AROUND),
    "plane": (PLANE, zeros_of(PLANE, [[1.4, 1.7], [-0.26, -0.2]]), symmetric_plane, PLANE_AROUND),
    "saddle": (
        SADDLE,
        zeros_of(SADDLE, [[-0.005, 0.006], [-0.005, 0.007]]),
        lambda: (Known((0.0, 0.0), "saddle", True),),
        PLANE_AROUND,
    ),
    "game": (GAME, zeros_of(GAME, [[-0.1, 0.1], [-0.1, 0.1]]), game, ((-0.5, 0.5), (-0.5, 0.5))),
    "empty": (THREE_POINTS, zeros_of(THREE_POINTS, [[1.25, 5]]), three_points, AROUND),
    "by gradients": (TURNED, zeros_of(TURNED, [[0.725, 1.625], [-0.125, 0.775]]), turned_plane, PLANE_AROUND),
    "beyond": (
        SYMMETRIC,
        zeros_of(SYMMETRIC, [[1e-3, 0.2]]),
        lambda: (Known((0.0,), "attracting", False),),
        AROUND,
    ),
    "cluster at a point": (
        CUBIC,
        zeros_of(CUBIC, [[-1, 1.5]], budget=40),
        lambda: (Known((0.0,), "undecided", True),),
        AROUND,
    ),
    "cluster by turns": (
        MONKEY_SADDLE,
        zeros_of(MONKEY_SADDLE, [[-0.2, 0.45], [-0.3, 0.35]], budget=1),
        lambda: (Known((2**0.5 / 10, 0.0), "undecided", False),),
        PLANE_AROUND,
    ),
    "cluster by faces": (
        TRIPLE,
        zeros_of(TRIPLE, [[-1, 1.5]], budget=20),
        lambda: (Known((0.0,), "undecided", False),),
        AROUND,
    ),
    "incomplete": (THREE_POINTS, zeros_of(THREE_POINTS, [[0.8, 1.6]], budget=3), three_points, AROUND),
    "kinks that are smoothed": (
        HUBER,
        zeros_of(HUBER, [[0.4, 1.2]]),
        lambda: (known(HUBER, 0.2, 0.9),),
        AROUND,
    ),
    "one zero with kinks": (HUBER, zero_near(HUBER, [0.5]), lambda: (known(HUBER, 0.2, 0.9),), AROUND),
    "kinks": (
        KINKED_WELLS,
        zeros_of(KINKED_WELLS, [[-0.05, 1.1]], budget=40),
        lambda: (known(KINKED_WELLS, -2, -0.5), known(KINKED_WELLS, 0.5, 2)),
        AROUND,
    ),
    "kinks by sign": (MEDIAN, region_of(MEDIAN, [[1.25, 4]]), tuple, AROUND),
    "AdamW": (DECAYED, zeros_of(DECAYED, [[0.6, 1.2]]), lambda: three_points(DECAYED), AROUND),
    "RMSprop": (NEWEST_ALONE, zeros_of(NEWEST_ALONE, [[0.8, 1.2]]), lambda: three_points(NEWEST_ALONE), AROUND),
    "NAdam": (LOOK_AHEAD, zeros_of(LOOK_AHEAD, [[0.8, 1.2]]), lambda: three_points(LOOK_AHEAD), AROUND),
    "eps inside": (INSIDE, zeros_of(INSIDE, [[0.8, 1.2]]), lambda: three_points(INSIDE), AROUND),
    "strong decay": (
        STRONGLY_DECAYED,
        zeros_of(STRONGLY_DECAYED, [[0.3, 0.7]]),
        lambda: (known(STRONGLY_DECAYED, 0.1, 0.9),),
        ((0.0, 2.0),),
    ),
    "strong decay refuted": (
        STRONGLY_DECAYED,
        region_of(STRONGLY_DECAYED, [[0.7, 0.9]]),
        lambda: (known(STRONGLY_DECAYED, 0.1, 0.9),),
        ((0.0, 2.0),),
    ),
    "AdamW at a minimum": (
        DECAYED_MINIMUM,
        zeros_of(DECAYED_MINIMUM, [[-0.05, 0.1]]),
        lambda: (Known((0.0,), "attracting", True),),
        AROUND,
    ),
    "one zero of the wells": (WELLS, zero_near(WELLS, [0.0]), wells, ((-2.0, 2.0),)),
    "one zero": (DECAYED, zero_near(DECAYED, [1.0]), lambda: three_points(DECAYED), AROUND),
    "one zero at the minimum": (
        SYMMETRIC,
        zero_near(SYMMETRIC, [0.1]),
        lambda: (Known((0.0,), "attracting", False),),
        AROUND,
    ),
    "one zero of the game": (GAME, zero_near(GAME, [0.0, 0.0]), game, ((-0.5, 0.5), (-0.5, 0.5))),
    "AdamW by sign": (DECAYED, region_of(DECAYED, [[2, 4]]), lambda: three_points(DECAYED), AROUND),
    "AdamW refuted": (DECAYED, region_of(DECAYED, [[0.9, 0.95]]), lambda: three_points(DECAYED), AROUND),
    "without momentum by sign": (CORRECTED, region_of(CORRECTED, [[3, 4]]), lambda: three_points(CORRECTED), AROUND),
    "NAdam by enclosure": (LOOK_AHEAD, region_of(LOOK_AHEAD, [[1.1, 1.3]]), lambda: three_points(LOOK_AHEAD), AROUND),
    "eps inside by sign": (INSIDE, region_of(INSIDE, [[2, 4]]), lambda: three_points(INSIDE), AROUND),
    "by sign": (THREE_POINTS, region_of(THREE_POINTS, [[2, 4]]), three_points, AROUND),
    "by minimum": (TRAP, region_of(TRAP, [[-0.25, 0.25]]), tuple, ((-0.25, 0.25),)),
    "by factor": (HYPERBOLA, region_of(HYPERBOLA, [[0.5, 2], [0.5, 2]]), tuple, ((0.5, 2.0), (0.5, 2.0))),
    "by enclosure": (THREE_POINTS, region_of(THREE_POINTS, [[1.1, 1.3]]), three_points, AROUND),
    "refuted": (TRAP, region_of(TRAP, [[2.2, 2.3]]), tuple, ((2.2, 2.3),)),
    "undecided": (THREE_POINTS, region_of(THREE_POINTS, [[0.5, 4]], budget=2), three_points, AROUND),
    "function": (TO_THE_MEAN, region_of(TO_THE_MEAN, [[1.5, 2.1]]), three_points, AROUND),
    "function of the data": (OVER_THE_DATA, region_of(OVER_THE_DATA, [[1.2, 1.5]]), three_points, AROUND),
    "function refuted": (UPHILL, region_of(UPHILL, [[1.5, 1.7]]), lambda: three_points(DECAYED), AROUND),
    "function undecided": (TO_THE_MEAN, region_of(TO_THE_MEAN, [[0.5, 2]], budget=2), three_points, AROUND),
    "function of the game": (OF_THE_GAME, region_of(OF_THE_GAME, [[0.5, 0.6], [0.5, 0.6]]), game, ((-0.5, 0.5),) * 2),
}
"""Field, certificate, known zeros, and the box in which they are all; a check takes about a second at most."""

BALLS: dict[str, tuple[AdamField, Callable]] = {
    "ball": (CURVED, lambda: certify_lyapunov_ball(CURVED, [1, 0.5, 0.3], radius=0.05)),
    "ball of pairs": (CURVED_PAIRS, lambda: certify_lyapunov_ball(CURVED_PAIRS, [1, 0.5, 0.3], radius=0.01)),
    "ball of two outputs": (TWO_OUTPUTS, lambda: certify_lyapunov_ball(TWO_OUTPUTS, [1, 0.5, 0.3, 0, 0.2])),
    "ball of one row": (ONE_PRODUCT, lambda: certify_lyapunov_ball(ONE_PRODUCT, [1, 1], radius=0.4)),
    "ball by N-Theorem 1": (SHORT_MEMORY, lambda: certify_lyapunov_ball(SHORT_MEMORY, [1, 1])),
    "ball undecided": (CURVED, lambda: certify_lyapunov_ball(CURVED, [1, 0.5, 0.3], radius=4.0)),
    "everywhere": (LINEAR, lambda: certify_lyapunov_globally(LINEAR)),
}
"""Lyapunov regions around interpolating points: field and certificate."""
MAKERS |= {name: (field, make, tuple, ()) for name, (field, make) in BALLS.items()}

ORIGIN = Known((0.0, 0.0), "saddle", True)
ON_THE_CURVE = Known((1.0, 1.0), "undecided", True)
MAKERS |= {
    "set of minima": (CURVED, zero_near(CURVED, [1, 0.5, 0.3]), tuple, ()),
    "set of minima of a row twice": (REPEATED, zero_near(REPEATED, [1, 0.5, 0.3, 0.2]), tuple, ()),
    "set of minima of one curve": (HYPERBOLA, zero_near(HYPERBOLA, [1.1, 1.0]), lambda: (ORIGIN,), ()),
    "set of minima in space": (LINEAR, zero_near(LINEAR, [0, 0, 0]), tuple, ()),
    "curve in a box": (
        HYPERBOLA,
        zeros_of(HYPERBOLA, [[0.2, 3], [-1, 2]]),
        lambda: (ORIGIN, ON_THE_CURVE),
        ((0.5, 1.05), (0.5, 1.05)),
    ),
}

TURNING = AdamField(
    Problem("(theta**2 - 1)**2 + theta/2 + x", ["theta"], Empirical({"x": [0]})), AdamW("0", "0", "1", "1.18")
)
SPIRAL = AdamField(
    VectorField(["-x/2 + y + x**3 + n", "-x - y/2 + y**3"], ["x", "y"], Empirical({"n": [-1, 1]})),
    AdamW("0", "0.9", "1", "0.1"),
)
PARABOLA = noisy("(theta-1)**2 - x")


def around_a_fold():
    """A branch that turns back, with fewer tubes than usual: they end farther from the fold."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tubes, "_FOLD", 0.15)
        patched.setattr(turns, "proven_nondegenerate", lambda *_: None)
        return certify_branch(TURNING, "weight_decay", "1.18", "1.3", [0.4])


MAKERS |= {
    "branch": (THREE_POINTS, lambda: certify_branch(THREE_POINTS, "beta2", "0.9", "0.97", [1.0]), tuple, ()),
    "branch over beta1": (
        THREE_POINTS,
        lambda: certify_branch(THREE_POINTS, "beta1", "0.1", "0.4", [1.0]),
        tuple,
        (),
    ),
    "branch around a fold": (TURNING, around_a_fold, tuple, ()),
    "two zeros and their fold": (
        PARABOLA,
        lambda: lone_fold(PARABOLA, "data.x", "1e-3", "-1e-3", ([0.968], [1.032])),
        tuple,
        (),
    ),
    "branch with a Hopf point": (
        SPIRAL,
        lambda: certify_branch(SPIRAL, "weight_decay", "0.365", "0.372", [0.0, 0.0]),
        tuple,
        (),
    ),
    "branch over an entry": (
        THREE_POINTS,
        lambda: certify_branch(THREE_POINTS, "data.x[1]", "2.9", "3.1", [1.0]),
        tuple,
        (),
    ),
    "branch over a probability": (
        THREE_POINTS,
        lambda: certify_branch(THREE_POINTS, "data.weights[1]", "0.3", "0.33", [1.0]),
        tuple,
        (),
    ),
    "branch of the game": (GAME, lambda: certify_branch(GAME, "eps", "0.01", "0.03", [0.0, 0.0]), tuple, ()),
}
"""Branches over an interval of a number of the method or of the data."""

FOLDED = AdamField(
    Problem("(theta**2 - 1)**2*(1 + x) + theta/2", ["theta"], Empirical({"x": [0, 0, "0.5"]})),
    AdamW("0", "0.82", "1", "0.1"),
)
"""Weight decay draws a minimum towards 0, until it meets a maximum and vanishes."""

THREE_ZEROS = AdamField(
    Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, 125]}, ["0.307", "0.307", "0.386"])),
    Adam("9e-4", "1e-6", "1e-8"),
)
"""Two zeros vanish in a fold next to 0.008: slopes there are narrow by nodes alone."""

MAKERS |= {
    "zeros over beta2": (
        THREE_POINTS,
        lambda: certify_zeros_over(THREE_POINTS, {"beta2": ("0.82", "0.97")}, [[0.5, 1.5]]),
        tuple,
        (),
    ),
    "zeros over two": (
        THREE_POINTS,
        lambda: certify_zeros_over(THREE_POINTS, {"beta1": ("0.3", "0.5"), "eps": ("0.1", "0.2")}, [[0.75, 1.25]]),
        tuple,
        (),
    ),
    "zeros over a fold": (
        FOLDED,
        lambda: certify_zeros_over(FOLDED, {"weight_decay": ("1.2", "1.8")}, [[-2, 2]], operations=3_000_000),
        tuple,
        (),
    ),
    "zeros beside a fold": (
        THREE_ZEROS,
        lambda: certify_zeros_over(THREE_ZEROS, {"beta1": ("9.46e-4", "9.48e-4")}, [[0.004, 0.016]]),
        tuple,
        (),
    ),
}
"""All zeros for values of one or two parameters."""

MAKERS |= {
    "batch sizes": (
        THREE_POINTS,
        lambda: find_zeros_at_each(THREE_POINTS, "batch_size", [1, 2], [[-1, 3]]),
        tuple,
        (),
    ),
    "values of an entry": (
        THREE_POINTS,
        lambda: find_zeros_at_each(THREE_POINTS, "data.x[1]", ["3", "7/2"], [[-1, 3]]),
        tuple,
        (),
    ),
}
"""All zeros in a box for each value of a list."""


@cache
def base(name: str) -> Base:
    """Make a base, once in a run."""
    field, make, zeros, ambient = MAKERS[name]
    return Base(name, json.loads(json.dumps(certificate(make()))), field, zeros(), ambient)
