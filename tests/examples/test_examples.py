"""Every problem file of examples/ runs, and the ones that promise something keep it."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from adamsym import AdamField, Problem, StepSizeSchedule, derive, flow, read_problem, simulate
from adamsym.symbolic import DerivationError

FOLDER = Path(__file__).parents[2] / "examples"
FILES = sorted(FOLDER.glob("*.toml"))


def start(source):
    return np.array([source.start[name] for name in source.problem.names])


def test_there_are_examples_on_real_data():
    assert len(FILES) >= 6
    real = [path for path in FILES if "file = " in path.read_text()]
    assert len(real) >= 4


main_jobs = [
    pytest.param(
        path, marks=pytest.mark.slow if path.stem in ("random_features", "breast_cancer") else (), id=path.stem
    )
    for path in FILES
]


@pytest.mark.parametrize("path", main_jobs)
def test_the_main_job(path):
    source = read_problem(path)
    problem, adam, theta = source.problem, source.adam, start(source)
    field = AdamField(problem, adam)
    found = field.evaluate(theta)
    assert np.isfinite(found.value).all()
    assert found.error.max() < 1e-12
    assert np.abs(found.value).max() > 1e-3
    solution = flow(field, theta, [0.0, 0.5])
    assert np.isfinite(solution.theta).all()
    assert np.abs(solution.theta[-1] - theta).max() > 1e-4
    chains = simulate(problem, adam, StepSizeSchedule("0.01"), theta, steps=50, chains=4, seed=1)
    assert chains.theta.shape == (4, problem.dimension)
    assert np.isfinite(chains.theta).all()
    # 50 steps of size 0.01 follow the flow for time 0.5, up to the noise of the first steps.
    assert np.abs(chains.theta.mean(axis=0) - solution.theta[-1]).max() < 0.4


# That of three_points is derived below, as part of its script.
longer = [
    pytest.param(name, marks=pytest.mark.slow) for name in ("three_points", "diabetes_regression", "iris_logistic")
]


@pytest.mark.parametrize("name", ["exponential", *longer])
def test_derivations(name):
    source = read_problem(FOLDER / f"{name}.toml")
    derivation = derive(source.problem, source.adam)
    assert len(derivation.steps) >= 8
    assert all(step.ok for step in derivation.steps)


def gauss_newton(problem, theta, steps=50):
    """Minimise a sum of squares by SciPy, whose Jacobian comes from the problem's own gradients."""
    for _ in range(steps):
        gradients = problem.row_gradients(theta)
        residuals = np.sqrt(2 * problem.row_losses(theta))
        if residuals.max() < 1e-12:
            break
        # l = r^2/2 has the gradient r r'; signs of r cancel in r' r.
        jacobian = gradients / np.maximum(residuals, 1e-300)[:, None]
        theta = theta - np.linalg.lstsq(jacobian, residuals, rcond=1e-12)[0]
    return theta


@pytest.mark.parametrize("name", [pytest.param("random_features", marks=pytest.mark.slow), "tanh_network"])
def test_the_overparametrized_examples_interpolate(name):
    source = read_problem(FOLDER / f"{name}.toml")
    problem, adam = source.problem, source.adam
    rows = len(problem.law.rows)
    assert 10 <= rows <= 20 < problem.dimension
    minimum = gauss_newton(problem, start(source))
    assert problem.mean_loss(minimum) < 1e-20
    assert problem.row_losses(minimum).max() < 1e-19
    # Near the minimum the field nearly vanishes, and the loss decreases along the flow (C7).
    field = AdamField(problem, adam)
    assert np.abs(field(minimum)).max() < 1e-7
    nearby = minimum + 1e-4 * np.sin(np.arange(problem.dimension))
    losses = problem.mean_loss(flow(field, nearby, np.linspace(0, 0.05, 6)).theta)
    assert (np.diff(losses) < 0).all()


def test_a_problem_that_does_not_interpolate_is_seen():
    source = read_problem(FOLDER / "diabetes_regression.toml")
    assert source.problem.mean_loss(gauss_newton(source.problem, start(source), steps=3)) > 0.1


def test_three_points_stop_off_the_mean():
    source = read_problem(FOLDER / "three_points.toml")
    field = AdamField(source.problem, source.adam)
    left, right, mean = field([[0.9995], [0.9996], [1.0]])[:, 0]
    assert left > 0 > right > mean


def test_the_flow_of_the_spurious_zero_climbs_and_larger_batches_do_not():
    source = read_problem(FOLDER / "parabola_or_sine.toml")
    problem = source.problem
    end = flow(AdamField(problem, source.adam), [2.2], [0.0, 60.0]).theta[-1, 0]
    assert end == pytest.approx(3.12358, abs=1e-4)
    assert problem.mean_loss([end]) > problem.mean_loss([2.2])
    batches = Problem(problem.loss, problem.names, problem.law, batch_size=8)
    assert abs(flow(AdamField(batches, source.adam), [2.2], [0.0, 60.0]).theta[-1, 0]) < 0.01


def test_the_exponential_example_ends_below_the_mean():
    source = read_problem(FOLDER / "exponential.toml")
    found = flow(AdamField(source.problem, source.adam), [2.0], [0.0, 200.0])
    assert found.zero < 200
    assert found.theta[-1, 0] < 0.97


def test_the_data_are_the_tables_of_the_script():
    names = {"diabetes.csv", "diabetes_12_rows.csv", "iris_two_species.csv", "digits.csv", "breast_cancer.csv"}
    script = (FOLDER / "make_data.py").read_text()
    assert names == {path.name for path in FOLDER.glob("*.csv")}
    assert all(name in script for name in names)
    few = (FOLDER / "diabetes_12_rows.csv").read_text().splitlines()[1]
    first = dict(
        zip(*(line.split(",") for line in (FOLDER / "diabetes.csv").read_text().splitlines()[:2]), strict=True)
    )
    scaled = [(float(first["bmi"]) - 26) / 5, (float(first["bp"]) - 95) / 15, (float(first["progression"]) - 150) / 75]
    assert [float(x) for x in few.split(",")] == pytest.approx(scaled, abs=6e-4)


@pytest.fixture(scope="module")
def script():
    specification = importlib.util.spec_from_file_location("run_all", FOLDER / "run_all.py")
    module = importlib.util.module_from_spec(specification)
    sys.modules["run_all"] = module
    specification.loader.exec_module(module)
    return module


def test_the_script_reports_faults(script, monkeypatch):
    good = script.run(FOLDER / "three_points.toml")
    assert good.faults == []
    assert good.steps >= 8
    monkeypatch.setattr(script, "derive", lambda *_: SimpleNamespace(steps=range(9)))
    monkeypatch.setattr(script, "LARGEST_ERROR", 1e-18)
    assert script.run(FOLDER / "three_points.toml").faults


def test_the_script_takes_vector_fields_without_a_loss_and_losses_not_without_a_derivation(script, monkeypatch):
    def fails(*arguments):
        raise DerivationError("a step")

    monkeypatch.setattr(script, "derive", fails)
    for name in ("damped_game", "noisy_rotation"):
        found = script.run(FOLDER / f"{name}.toml")
        assert (found.faults, found.steps, found.flow, found.adam) == ([], None, "-", "-")
    assert script.run(FOLDER / "three_points.toml").faults == ["derivation: a step"]


def test_enclosures_hold_the_field_of_real_data():
    source = read_problem(FOLDER / "random_features.toml")
    theta = start(source)
    field = AdamField(source.problem, source.adam)
    bounds, found = field.enclose(np.stack([theta, theta], axis=-1)), field.evaluate(theta)
    assert (bounds[:, 0] <= found.value + found.error).all()
    assert (found.value - found.error <= bounds[:, 1]).all()
    assert np.ptp(bounds, axis=-1).max() < 1e-14
