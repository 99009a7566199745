"""Random losses in Abs, Max and Min, whose kinks lie at multiples of 1/2, and what is known of their gradients."""

import random

import numpy as np

from adamsym import Empirical, InputError, Problem

PARAMETERS = ("a", "b")
ROWS = {"x": [-1, 1, 2], "y": [1, 0, -1]}


def linear(rng: random.Random, names) -> str:
    """A linear function, with small integers or halves."""
    terms = [f"{rng.choice([-2, -1, 1, 2])}*{rng.choice(names)}" for _ in range(rng.choice([1, 1, 2]))]
    terms.append(rng.choice(["x", "-x", "y", "0", "1", "-1/2", "x*y"]))
    if rng.random() < 0.3:
        terms[0] += rng.choice(["*x", "*y"])
    return "(" + " + ".join(terms) + ")"


def part(rng: random.Random, names, depth: int) -> str:
    """A kink, a power or a product of some, or a smooth function."""
    if depth == 0 or rng.random() < 0.15:
        return linear(rng, names)
    inner, other = part(rng, names, depth - 1), part(rng, names, depth - 1)
    return rng.choice(
        [
            f"Abs({inner})",
            f"Max({inner}, {other})",
            f"Min({inner}, {other})",
            f"Max({inner}, 0)**2",
            f"Max({inner}, 0)**2",
            f"Min({inner}, 0)**3",
            f"Abs({inner})**3",
            f"({inner})*Abs({inner})",
            f"({inner})**2 - Max(Abs({inner}) - 1/2, 0)**2",
            f"tanh({inner})",
            f"({inner})*({other})",
            f"Max({inner}, 0, {other})**2",
            f"Max({inner}, {other})**2",
            f"Abs(({inner})*({other}))",
            f"Max(tanh({inner}), 0)**2",
        ]
    )


def kinked(rng: random.Random, dimension: int = 2, batch: int = 1) -> Problem | None:
    """A problem with kinks; None if the text drawn is none."""
    names = PARAMETERS[:dimension]
    text = f"{part(rng, names, 2)} + {part(rng, names, 1)}"
    try:
        problem = Problem(text, names, Empirical(ROWS), batch)
        return None if problem.is_smooth else problem
    except InputError:
        return None


def box_at_kinks(rng: random.Random, dimension: int):
    """A box around a point of the grid on which the kinks lie, or beside it."""
    center = np.array([rng.randint(-4, 4) / 4 for _ in range(dimension)])
    reach = np.array([rng.choice([0.0, 1e-6, 1e-2, 0.1, 0.3]) for _ in range(dimension)])
    return np.stack([center - reach * rng.random(), center + reach], axis=1)


def points_in(rng: random.Random, box, count: int):
    """Points of a box, some of them on the grid."""
    points = [[low + (high - low) * rng.random() for low, high in box] for _ in range(count)]
    for point in points:
        for j, (low, high) in enumerate(box):
            nearest = round(point[j] * 4) / 4
            if rng.random() < 0.3 and low <= nearest <= high:
                point[j] = nearest
    return np.array(points)


def gradients_at(problem: Problem, points):
    """The rows' gradients at points (n, rows, d); nan where a row has none."""
    found = np.full((len(points), 3, problem.dimension), np.nan)
    for k, point in enumerate(points):
        for row in range(3):
            data = np.array([[values[row] for values in ROWS.values()]], dtype=float)
            try:
                found[k, row] = problem.row_gradients(point, data)[0]
            except InputError:
                continue
    return found
