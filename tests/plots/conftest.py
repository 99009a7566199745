"""Small problems with everything that is drawn of them, computed once."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from known_constants import constants_found_once
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
from adamsym.plots.settings import Settings
from adamsym.report.collection import gather_problem

ADAM = Adam("0.5", "0.6", "1")
PROBLEM = """
[problem]
loss = "(theta - x)**2/2"
parameters = ["theta"]
[data]
x = [0.0, 0.0, 3.0]
[adam]
beta1 = 0.5
beta2 = 0.6
eps = 0.1
[start]
theta = 2.0
"""
QUICK = Settings(time=2.0, chains=4, starts=(10, 50, 100), length=0.2, budget=200)
SCHEDULE = StepSizeSchedule("0.05/n**0.7")


def everything(problem, box, start, region=None):
    field = AdamField(problem, ADAM)
    # Boxes are few: processes would take longer to start.
    with ThreadPoolExecutor(1) as executor:
        zeros = find_zeros(field, box, budget=2000, executor=executor)
        certified = certify_lyapunov(field, box if region is None else region, budget=40, executor=executor)
    points = [zero.midpoint for zero in zeros.zeros]
    return SimpleNamespace(
        problem=problem,
        names=problem.names,
        box=np.array(box, dtype=float),
        portrait=phase_portrait(field, box, 15),
        zeros=zeros,
        region=certified,
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
    with constants_found_once():
        found.windows = pseudo_trajectory(found.problem, ADAM, SCHEDULE, [2.0], [10, 100, 1000], 0.2, chains=20)
    return found


@pytest.fixture(scope="session")
def plane():
    """Two parameters: zeros attracting and a saddle."""
    loss = "a**4/4 - a**2/2 - a*x/4 + (b - x)**2/2"
    problem = Problem(loss, ["a", "b"], Empirical({"x": [-1, 1, "0.3"]}))
    return everything(problem, [[-1.6, 1.7], [-0.2, 0.4]], [0.5, 0.5], [[1.15, 1.7], [0.0, 1.2]])


@pytest.fixture
def axes():
    return Figure(figsize=(4, 4), layout="constrained").add_subplot()


@pytest.fixture(scope="session")
def quick():
    """Settings for a report of a second or two."""
    return QUICK


@pytest.fixture(scope="session")
def problem_file(tmp_path_factory):
    """A problem file with a name that does not fit on a phone."""
    file = tmp_path_factory.mktemp("problems") / "a_problem_with_a_rather_long_name_for_phones.toml"
    file.write_text(PROBLEM)
    return file


@pytest.fixture(scope="session")
def problem(problem_file, quick):
    """What the report shows of it."""
    with constants_found_once():
        return gather_problem(problem_file, quick)
