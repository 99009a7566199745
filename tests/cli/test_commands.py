"""The commands: promised JSON keys, verdict first, exit codes, files written whole."""

import functools
import subprocess
import sys
from pathlib import Path

import pytest

from adamsym import derive, read_problem
from adamsym.__main__ import main

FILE = str(Path(__file__).parents[2] / "examples" / "three_points.toml")


def test_field(run):
    values = []
    for theta in (0.9995, 0.9996, 1.0):
        found = run("field", FILE, "--at", f"theta={theta}", "--enclose", "--json")
        assert found["parameters"] == ["theta"]
        assert found["at"] == [theta]
        assert 0 < found["error"][0] < 1e-13
        [[low, high]] = found["enclosure"]
        assert low - 1e-15 <= found["field"][0] <= high + 1e-15
        values.append(found["field"][0])
    assert values[0] > 0 > values[1]
    assert values[2] < -1e-4
    assert "enclosure" not in run("field", FILE, "--json")
    assert run("field", FILE).startswith("no zero: max |f| = 0.577")
    assert "proven lower bound" in run("field", FILE, "--enclose")


def test_what_cannot_be_understood_points_to_the_help_of_its_command(run):
    assert run("map", "-z", code=2) == "adamsym: No such option: -z; see adamsym map --help\n"
    assert run("plot", code=2).endswith("; see adamsym plot --help\n")
    assert run("fild", code=2).endswith("Did you mean 'field'? See adamsym --help\n")


SHORT_MEMORY = "[adam]\nbeta1 = 0.5\nbeta2 = 0.9\neps = 0.1\n"


@pytest.mark.parametrize(
    ("adam", "late"),
    [(SHORT_MEMORY, 1000), pytest.param(None, 20_000, marks=pytest.mark.slow)],
    ids=["short", "default"],
)
def test_track(run, adam, late):
    file = FILE
    if adam is not None:
        text, file = Path(FILE).read_text(), "short.toml"
        Path(file).write_text(text.split("[adam]")[0] + adam)
    command = ("track", file, "--from", "theta=1.2", "--starts", f"0,{late}", "--length", "0.1", "--chains", "20")
    found = run(*command, "--json")
    assert found["holds"] is True
    assert found["order"] is None
    assert [window["start"] for window in found["windows"]] == [0, late]
    for window in found["windows"]:
        assert window["measured"] <= window["bound"]
        assert window["measured_interval"][0] <= window["measured"] <= window["measured_interval"][1]
        assert set(window["pieces"]) == {
            "martingale",
            "drift",
            "bias",
            "discretization",
            "growth",
            "ceiling",
            "closed_form",
        }
    printed = run(*command)
    assert printed.startswith("within the bound: 2 of 2 windows of 20 chains are within")
    assert "martingale" in printed
    outside = run(*command, "--region", "theta=5:6", code=3)
    assert outside.startswith("undecided: 0 of 2 windows of 20 chains are within; in 2 no chain stayed in the region")


def test_derive(run, tmp_path, monkeypatch):
    # One derivation serves for all that is printed of it.
    once = functools.cache(lambda: derive(read_problem(FILE).problem, read_problem(FILE).adam))
    monkeypatch.setattr("adamsym.symbolic.derive", lambda problem, adam: once())
    found = run("derive", FILE, "--json")
    assert len(found["steps"]) >= 8
    assert all(set(step) == {"title", "latex", "check", "ok"} and step["ok"] is True for step in found["steps"])
    assert run("derive", FILE).startswith("derived: all")
    for name, mark in (("out.md", "# "), ("out.tex", r"\documentclass"), ("out.html", "<!DOCTYPE html>")):
        assert f"written to {name}" in run("derive", FILE, "-o", name)
        assert (tmp_path / name).read_text().lstrip().startswith(mark)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_derivation_that_fails_is_refuted_and_writes_nothing(capsys, tmp_path, monkeypatch):
    import adamsym.symbolic

    def failing(problem, adam):
        raise adamsym.symbolic.DerivationError("Step bound: not shown")

    monkeypatch.setattr(adamsym.symbolic, "derive", failing)
    assert main(["derive", FILE, "-o", str(tmp_path / "out.md")]) == 1
    assert "Step bound" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_flow(run):
    found = run("flow", FILE, "--from", "theta=2", "--time", "3", "--samples", "4", "--json")
    assert found["times"] == [0, 1, 2, 3]
    assert [len(state) for state in found["theta"]] == [1] * 4
    assert found["theta"][0] == [2.0]
    assert found["theta"][3][0] < found["theta"][1][0] < 2
    assert found["zero"] is None
    assert run("flow", FILE).startswith("no zero reached")
    assert run("flow", FILE, "--time", "1000").startswith("at a zero")


def test_flow_along_a_kink(run, tmp_path):
    kink = tmp_path / "kink.toml"
    kink.write_text('[problem]\nloss = "Abs(theta - x)"\nparameters = ["theta"]\n[data]\nx = [0.0, 1.0, 3.0]\n')
    assert "it rests on a kink from time" in run("flow", str(kink), "--from", "theta=4", "--time", "10")
    hill = tmp_path / "hill.toml"
    hill.write_text('[problem]\nloss = "-Abs(theta)+0*x"\nparameters = ["theta"]\n[data]\nx = [0.0]\n')
    assert run("flow", str(hill), "--from", "theta=0", code=3).startswith("undecided: followed until time 0 only")


def test_simulate(run):
    arguments = ["simulate", FILE, "--from", "theta=2", "--steps", "50", "--chains", "3", "--step-size", "0.1/n**0.7"]
    found = run(*arguments, "--seed", "1", "--json")
    assert found["steps"] == 50
    assert [len(state) for state in found["theta"]] == [1] * 3
    assert run(*arguments, "--seed", "1", "--json") == found
    assert run(*arguments, "--seed", "2", "--json") != found
    assert found["failed"] == []
    assert "recorded" not in found
    assert run(*arguments).startswith("all 3 chains ran\n3 chains after 50 steps")


def test_simulate_records_and_resumes(run):
    arguments = ["simulate", FILE, "--from", "theta=2", "--chains", "3", "--json", "--record", "20", "--threads", "1"]
    whole = run(*arguments, "--steps", "50")
    assert whole["recorded"]["steps"] == [20, 40]
    assert [len(states) for states in whole["recorded"]["theta"]] == [3, 3]
    run(*arguments, "--steps", "30", "--checkpoint", "c.npz")
    assert run(*arguments, "--steps", "50", "--checkpoint", "c.npz", "--resume") == whole
    assert "2 states recorded" in run(*[a for a in arguments if a != "--json"], "--steps", "50")


def test_simulate_says_which_chains_left_the_numbers(run):
    # At a step of 1 Adam lands on the kink of the row 0 at once.
    Path("kink.toml").write_text('[problem]\nloss = "Abs(theta - x)"\nparameters = ["theta"]\n[data]\nx = [0, 3]\n')
    arguments = ["simulate", "kink.toml", "--from", "theta=0", "--chains", "40", "--steps", "1"]
    found = run(*arguments, "--json", code=1)
    chains = [failure["chain"] for failure in found["failed"]]
    assert {failure["step"] for failure in found["failed"]} == {1}
    assert [k for k, [theta] in enumerate(found["theta"]) if theta is None] == chains
    assert 5 < len(chains) < 35
    text = run(*arguments, code=1)
    assert text.startswith(f"{len(chains)} of 40 chains diverged, first chain {chains[0]} at step 1")


def test_interruptions(monkeypatch):
    import adamsym.gradients.reading

    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(adamsym.gradients.reading, "read_problem", interrupted)
    assert main(["field", FILE]) == 130


def test_a_closed_pipe_is_quiet():
    script = f"{sys.executable} -m adamsym flow {FILE} --time 1 --samples 6000 --json | head -c 10"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert len(done.stdout) == 10
    assert done.stderr == ""


def test_version_and_help(run):
    assert run("--version").startswith("adamsym 0.")
    assert "Exit codes: 0 all holds" in run()
