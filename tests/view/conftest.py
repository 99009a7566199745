"""Small problems with everything that is drawn of them, computed once."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    Problem,
    StepSizeSchedule,
    basins,
    certify_lyapunov,
    find_zeros,
    flow,
    phase_portrait,
    pseudo_trajectory,
    simulate,
)

ADAM = Adam("0.5", "0.6", "0.1")
SCHEDULE = StepSizeSchedule("0.05/n**0.7")


def everything(problem, box, start):
    field = AdamField(problem, ADAM)
    zeros = find_zeros(field, box, budget=400)
    points = [zero.midpoint for zero in zeros.zeros]
    return SimpleNamespace(
        problem=problem,
        names=problem.names,
        box=np.array(box, dtype=float),
        portrait=phase_portrait(field, box, 15),
        zeros=zeros,
        region=certify_lyapunov(field, box, budget=40),
        flow=flow(field, start, np.linspace(0, 3, 31)),
        ensemble=simulate(problem, ADAM, SCHEDULE, start, 200, 3, 0, record_every=20),
        start=start,
        schedule=SCHEDULE,
        basins=basins(field, box, 9, points, 30.0, 1e-2, attracting=[z.stability == "attracting" for z in zeros.zeros]),
    )


@pytest.fixture(scope="session")
def line():
    """One parameter: the zero is not the mean, so that the region is refuted or left open near it."""
    found = everything(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), [[-1.0, 3.0]], [2.0])
    found.windows = pseudo_trajectory(found.problem, ADAM, SCHEDULE, [2.0], [10, 100, 1000], 0.2, chains=20)
    return found


@pytest.fixture(scope="session")
def plane():
    """Two parameters: zeros attracting and a saddle."""
    problem = Problem("(a**2 - x)**2/4 + (b - x)**2/2", ["a", "b"], Empirical({"x": [1, "1.5"]}))
    return everything(problem, [[-2.0, 2.1], [0.0, 2.0]], [0.5, 0.5])


@pytest.fixture
def axes():
    return Figure(figsize=(4, 4), layout="constrained").add_subplot()
