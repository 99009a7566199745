"""Tables of results by -o, and points from tables: what is in the files is what --json prints, to the last bit."""

import csv
from pathlib import Path

import numpy as np
import pytest

from adamsym import Adam, AdamField, Empirical, Problem, StepSizeSchedule, flow, simulate

EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = str(EXAMPLES / "three_points.toml")
TRAP = str(EXAMPLES / "parabola_or_sine.toml")
PLANE = """[problem]
loss = "(step - x)**2/2 + b**2*(1 + x)"
parameters = ["step", "b"]
[data]
x = [0, 0, 3]
[start]
step = 2
b = 1
"""


def columns_of(path):
    """The columns of a table as arrays, by other readers than adamsym's."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    if path.suffix == ".parquet":
        found = pytest.importorskip("pyarrow.parquet").read_table(path)
        return {name: found[name].to_numpy() for name in found.column_names}
    rows = list(csv.reader(path.read_text().splitlines()))
    return {name: np.array([row[k] for row in rows[1:]]) for k, name in enumerate(rows[0])}


@pytest.fixture(params=[".csv", ".npz", ".parquet"])
def table(request, tmp_path):
    if request.param == ".parquet":
        pytest.importorskip("pyarrow")
    return tmp_path / f"table{request.param}"


def test_chains(run, table):
    Path("plane.toml").write_text(PLANE)
    options = ("simulate", "plane.toml", "--chains", "3", "--steps", "50", "--record", "20", "--threads", "1")
    found = run(*options, "-o", str(table), "--json")
    columns = columns_of(table)
    assert list(columns) == ["chain", "step", "parameter.step", "b", "diverged"]
    assert columns["step"].astype(int).tolist() == [20] * 3 + [40] * 3 + [50] * 3
    assert columns["chain"].astype(int).tolist() == [0, 1, 2] * 3
    states = np.array([*found["recorded"]["theta"], found["theta"]])
    for k, name in enumerate(("parameter.step", "b")):
        np.testing.assert_array_equal(columns[name].astype(float), states[..., k].ravel())
    assert "all states are in" in run(*options, "-o", str(table))


def test_chains_that_were_recorded_at_the_end_are_there_once():
    problem = Problem("Abs(theta - x)", ["theta"], Empirical({"x": [0, 3]}))
    found = simulate(problem, Adam(), StepSizeSchedule("1"), [0.0], 4, 20, 0, record_every=2)
    columns = found.columns()
    assert columns["step"].tolist() == [2] * 20 + [4] * 20
    np.testing.assert_array_equal(columns["theta"], found.recorded.ravel())
    assert columns["diverged"].tolist() == found.diverged.tolist() * 2
    assert np.isnan(columns["theta"][columns["diverged"] == 1]).all()
    bare = simulate(problem, Adam(), StepSizeSchedule("1"), [0.0], 4, 20, 0).columns()
    np.testing.assert_array_equal(bare["theta"], found.theta[:, 0])
    assert bare["step"].tolist() == [4] * 20


def test_a_flow(run, table):
    found = run("flow", FILE, "--samples", "5", "-o", str(table), "--json")
    columns = columns_of(table)
    assert columns["time"].astype(float).tolist() == found["times"]
    assert columns["theta"].astype(float).tolist() == [theta for [theta] in found["theta"]]
    assert set(columns["outcome"].tolist()) == {found["outcome"]}


def test_flows_from_several_starts():
    plane = Problem("(a - x)**2/2 + b**2", ["a", "b"], Empirical({"x": [0, 0, 3]}))
    found = flow(AdamField(plane, Adam()), [[[0.0, 1.0], [1.0, 2.0]]], [0, 1, 2])
    columns = found.columns(["a", "b"])
    assert columns["start"].tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(columns["b"].reshape(1, 2, 3), found.theta[..., 1])
    assert list(found.columns())[2:4] == ["a", "b"]


def test_windows(run, table):
    options = ("track", FILE, "--chains", "4", "--starts", "10,50", "--length", "0.1")
    found = run(*options, "-o", str(table), "--json")
    columns = columns_of(table)
    for name in ("start", "measured", "bound", "one_run", "exceeding"):
        assert columns[name].astype(float).tolist() == [window[name] for window in found["windows"]]
    assert columns["verdict"].tolist() == ["within"] * 2
    assert columns["lower.theta"].astype(float).tolist() == [window["region"][0][0] for window in found["windows"]]


def test_the_field_at_the_points_of_a_table(run, table, tmp_path):
    (tmp_path / "points.csv").write_text("note,theta\nfirst,0.1\nsecond,3.1235815\nthird,-1e-7\n")
    found = run("field", TRAP, "--points", "points.csv", "-o", str(table), "--json")
    columns = columns_of(table)
    assert columns["theta"].astype(float).tolist() == [0.1, 3.1235815, -1e-7]
    assert columns["f.theta"].astype(float).tolist() == [value for [value] in found["field"]]
    assert columns["error.theta"].astype(float).tolist() == [error for [error] in found["error"]]
    # A table is a file of points again, and gives the same numbers.
    assert run("field", TRAP, "--points", str(table), "--json") == found
    text = run("field", TRAP, "--points", str(table))
    assert text.startswith("f at 3 points, none of them zeros")
    alone = run("field", TRAP, "--at", "theta=0.1", "-o", "one.csv", "--json")
    # One point goes another way than many: both are within what they state.
    (difference,) = np.subtract(alone["field"], found["field"][0])
    assert abs(difference) <= alone["error"][0] + found["error"][0][0]
    assert float(columns_of(tmp_path / "one.csv")["f.theta"][0]) == alone["field"][0]


def test_proven_bounds_at_many_points(run, tmp_path):
    points = np.linspace(-1, 4, 25)
    np.savez(tmp_path / "points.npz", theta=points)
    text = run("field", TRAP, "--points", "points.npz", "--enclose", "-o", "bounds.npz")
    assert text.endswith("written to bounds.npz\n")
    columns = columns_of(tmp_path / "bounds.npz")
    assert (columns["lower.theta"] <= columns["f.theta"]).all()
    assert (columns["f.theta"] <= columns["upper.theta"]).all()
    assert (np.maximum(columns["upper.theta"] - columns["f.theta"], 0) <= 1e-13).all()
    assert "and 5 more points" in run("field", TRAP, "--points", "points.npz")


@pytest.mark.parametrize("command", ["field", "flow", "simulate", "track", "sweep"])
@pytest.mark.parametrize(
    ("name", "message"),
    [("x.txt", "no known ending; allowed: .csv, .npz, .parquet"), ("none/x.csv", "does not exist"), (".", "ending")],
)
def test_names_that_cannot_be_written(run, command, name, message):
    options = ("--over", "beta2=0.9,0.99") if command == "sweep" else ()
    assert message in run(command, FILE, *options, "-o", name, code=2)


def test_folders_that_cannot_be_written_are_known_before_the_work(run, monkeypatch, tmp_path):
    import tempfile

    def refused(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    assert "cannot write to" in run("simulate", FILE, "--steps", "1000000000", "-o", "x.csv", code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("x\n1\n", [], "points.csv: no column 'theta'; the columns are x"),
        (
            "theta\n1\nnan\n",
            [],
            "points.csv, line 3, column theta: 'nan' is no number; fill it in, or leave the row out",
        ),
        ("theta;x\n1;2\n", [], "write commas in their place"),
        ("theta\n", [], "no rows below the header"),
        ("theta\n1\n", ["--at", "theta=1"], "--at, --points: give one of them"),
    ],
)
def test_wrong_points_are_one_line(run, tmp_path, text, options, message):
    (tmp_path / "points.csv").write_text(text)
    assert message in run("field", FILE, "--points", "points.csv", *options, code=2)
    assert "cannot read: no such file" in run("field", FILE, "--points", "none.csv", code=2)
