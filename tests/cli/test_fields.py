"""The commands with a vector field in place of a loss: what has a meaning works, what needs a loss says so."""

import json
from pathlib import Path

import numpy as np
import pytest

from adamsym import InputError, VectorField, read_problem
from adamsym.report.sections import problem_report

FILE = str(Path(__file__).parents[2] / "examples" / "damped_game.toml")
TEXT = Path(FILE).read_text()


def test_a_file_holds_a_field(tmp_path):
    source = read_problem(FILE)
    assert isinstance(source.problem, VectorField)
    assert source.problem.texts == ("r*x + (1 + a)*y + p", "r*y - (1 + a)*x + q")
    assert source.problem.lyapunov_text is None
    (tmp_path / "table.csv").write_text("p,unused,q\n1,x,0\n-1,y,0.5\n")
    text = '[problem]\nfield = ["x + p", "y - x + q"]\nparameters = ["x", "y"]\nlyapunov = "x**2 + y**2"\n'
    (tmp_path / "file.toml").write_text(text + '[data]\nfile = "table.csv"\n')
    read = read_problem(tmp_path / "file.toml").problem
    assert read.law.names == ("p", "q")
    assert read.lyapunov_text == "x**2 + y**2"
    np.testing.assert_array_equal(read.row_gradients([1.0, 2.0]), [[2, 1], [0, 1.5]])


FAULTS = {
    "a loss too": (("[problem]\n", '[problem]\nloss = "x"\n'), "give one of loss"),
    "one component": ((', "r*y - (1 + a)*x + q"', ""), "1 components for 2 parameters"),
    "a number": (('"r*x + (1 + a)*y + p"', "3"), "problem.field"),
    "text": (('["r*x + (1 + a)*y + p", "r*y - (1 + a)*x + q"]', '"x"'), "problem.field"),
    "a slip": (('"r*x + ', '"r*z + '), r"problem.field\[0\]"),
    "a Lyapunov function of a loss": (
        ('field = ["r*x + (1 + a)*y + p", "r*y - (1 + a)*x + q"]', 'loss = "x*y*a"\nlyapunov = "x**2"'),
        "problem.lyapunov: allowed only beside problem.field",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_named(fault, tmp_path):
    change, message = FAULTS[fault]
    assert change[0] in TEXT
    (tmp_path / "file.toml").write_text(TEXT.replace(*change))
    with pytest.raises(InputError, match=message):
        read_problem(tmp_path / "file.toml")


def test_field_flow_and_simulate(run):
    found = run("field", FILE, "--enclose", "--json")
    for value, (low, high) in zip(found["field"], found["enclosure"], strict=True):
        assert low - 1e-14 <= value <= high + 1e-14
        assert high - low < 1e-12
    ends = run("flow", FILE, "--time", "8", "--samples", "3", "--json")["theta"][-1]
    runs = run("simulate", FILE, "--steps", "1000", "--step-size", "0.008", "--chains", "20", "--json")
    assert np.abs(np.array(ends)).max() < 0.1
    assert np.abs(np.mean(runs["theta"], axis=0) - ends).max() < 0.1


@pytest.mark.parametrize(
    ("command", "what"),
    [(("derive", FILE), "a derivation needs a loss"), (("plot", "loss", FILE, "-o", "loss.svg"), "needs a loss")],
)
def test_what_needs_a_loss_says_so(run, command, what):
    assert what in run(*command, code=2)


def test_zeros_and_plots(run):
    found = run("zeros", FILE, "--box", "x=-0.1:0.1,y=-0.1:0.1", "-o", "game.json", "--json")
    assert found["complete"] is True
    [zero] = found["zeros"]
    assert zero["stability"] == "attracting"
    assert zero["critical_point"] is None
    assert "not applicable" in run("zeros", FILE, "--box", "x=-0.1:0.1,y=-0.1:0.1")
    assert "field" in json.loads(Path("game.json").read_text())["problem"]
    for kind in ("flow", "portrait"):
        said = run("plot", kind, FILE, "-o", f"{kind}.png")
        assert "gradient of L" not in said
        assert Path(f"{kind}.png").read_bytes().startswith(b"\x89PNG")


def test_reports_write_the_components_as_a_column():
    shown = problem_report(FILE, (), 0.0).written
    assert shown.count(r"\\") == 1
    first, second = shown.split(r"\\")
    assert "{p}" in first
    assert "{q}" in second


@pytest.mark.slow
def test_the_report(run):
    found = run("report", FILE, "-o", "report.html", "--box", "x=-0.1:0.1,y=-0.1:0.1", "--json")
    verdicts = {check["what"]: check["verdict"] for check in found["problems"][0]["checks"]}
    assert verdicts["all zeros of the field"] == "holds"
    assert verdicts["the derivation of the field"] == "not applicable"
    assert "internal error" not in verdicts.values()
