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

from adamsym.certify import certificate, certify_lyapunov, find_zeros
from adamsym.field import AdamField
from adamsym.optimizer import Adam
from adamsym.problem import Empirical, Problem

DEFAULTS = Adam()


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
        """<grad L, f> at a point, in floats."""
        return float(self.field.problem.gradient(theta) @ self.field(theta))


def root(field: AdamField, low: float, high: float) -> float:
    """The zero of f between two points at which it has opposite signs, by bisection in floats."""
    sign = np.sign(field([low])[0])
    assert sign * field([high])[0] < 0
    while high - low > 1e-13 * max(1.0, abs(low)):
        middle = low + (high - low) / 2
        low, high = (middle, high) if field([middle])[0] * sign > 0 else (low, middle)
    return low


THREE_POINTS = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), DEFAULTS)
PAIRS = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}), batch_size=2), DEFAULTS)
SYMMETRIC = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]})), DEFAULTS)
HILL = AdamField(Problem("-(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), DEFAULTS)
PLANE = AdamField(
    Problem("(a - x)**2/2 + (b - y)**2", ["a", "b"], Empirical({"x": [0, 0, 3], "y": [1, -2, 0.5]})), DEFAULTS
)
SADDLE = AdamField(Problem("(a**2 - b**2)*x", ["a", "b"], Empirical({"x": [1, 2]})), DEFAULTS)
CUBIC = AdamField(Problem("theta**3*x", ["theta"], Empirical({"x": [1, 2]})), DEFAULTS)
TRAP = AdamField(
    Problem("s*30*theta**2/2 + (1 - s)*sin(theta)**2/2", ["theta"], Empirical({"s": [1, 0]}, weights=["0.02", "0.98"])),
    Adam("0.5", "0.9", "0.01"),
)
HYPERBOLA = AdamField(
    Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": [1, 2, -0.5], "y": [1, 2, -0.5]})), Adam(0.5, 0.9, 0.01)
)

AROUND = ((-4.0, 6.0),)
PLANE_AROUND = ((-4.0, 6.0), (-5.0, 5.0))


def three_points(field: AdamField = THREE_POINTS) -> tuple[Known, ...]:
    return (Known((root(field, 0.5, 1.5),), "attracting", False),)


def plane() -> tuple[Known, ...]:
    first = AdamField(Problem("(a - x)**2/2", ["a"], Empirical({"x": [0, 0, 3]})), DEFAULTS)
    second = AdamField(Problem("(b - y)**2", ["b"], Empirical({"y": [1, -2, 0.5]})), DEFAULTS)
    return (Known((root(first, 0.5, 1.5), root(second, -1.0, 1.0)), "attracting", False),)


def zeros_of(field, box, **options):
    return lambda: find_zeros(field, box, **({"width": 1e-6} | options))


def region_of(field, box, **options):
    return lambda: certify_lyapunov(field, box, **options)


MAKERS: dict[str, tuple[AdamField, Callable, Callable, tuple]] = {
    "attracting": (THREE_POINTS, zeros_of(THREE_POINTS, [[-2, 3]]), three_points, AROUND),
    "pairs": (PAIRS, zeros_of(PAIRS, [[-2, 3]]), lambda: three_points(PAIRS), AROUND),
    "repelling": (
        HILL,
        zeros_of(HILL, [[-2, 3]]),
        lambda: (Known((root(HILL, 0.5, 1.5),), "repelling", False),),
        AROUND,
    ),
    "plane": (PLANE, zeros_of(PLANE, [[0, 2], [-1.5, 1]]), plane, PLANE_AROUND),
    "saddle": (
        SADDLE,
        zeros_of(SADDLE, [[-0.02, 0.03], [-0.02, 0.025]]),
        lambda: (Known((0.0, 0.0), "saddle", True),),
        PLANE_AROUND,
    ),
    "empty": (THREE_POINTS, zeros_of(THREE_POINTS, [[1.25, 5]]), three_points, AROUND),
    "beyond": (
        SYMMETRIC,
        zeros_of(SYMMETRIC, [[1e-4, 0.5]]),
        lambda: (Known((0.0,), "attracting", False),),
        AROUND,
    ),
    "cluster": (
        CUBIC,
        zeros_of(CUBIC, [[-1, 1.5]], budget=40),
        lambda: (Known((0.0,), "undecided", True),),
        AROUND,
    ),
    "incomplete": (THREE_POINTS, zeros_of(THREE_POINTS, [[-2, 3]], budget=3), three_points, AROUND),
    "by sign": (THREE_POINTS, region_of(THREE_POINTS, [[1.25, 4]]), three_points, AROUND),
    "by minimum": (TRAP, region_of(TRAP, [[-0.25, 0.25]]), tuple, ((-0.25, 0.25),)),
    "by factor": (HYPERBOLA, region_of(HYPERBOLA, [[0.5, 2], [0.5, 2]]), tuple, ((0.5, 2.0), (0.5, 2.0))),
    "refuted": (TRAP, region_of(TRAP, [[2.2, 2.3]]), tuple, ((2.2, 2.3),)),
    "undecided": (THREE_POINTS, region_of(THREE_POINTS, [[0.5, 4]], budget=5), three_points, AROUND),
}


@cache
def base(name: str) -> Base:
    """Make a base, once in a run."""
    field, make, zeros, ambient = MAKERS[name]
    return Base(name, json.loads(json.dumps(certificate(make()))), field, zeros(), ambient)
