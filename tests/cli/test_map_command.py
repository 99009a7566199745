"""``adamsym map``: what it prints and writes, and that it is what the function returns."""

import csv
import json
from pathlib import Path

import pytest

from adamsym import map_zeros
from adamsym.field import AdamField
from adamsym.gradients.reading import read_problem

EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = str(EXAMPLES / "three_points.toml")
OVER = ["--over", "beta1=0.5,0.9", "--over", "beta2=0.9:0.99"]


def test_a_map_is_that_of_the_function(run, tmp_path):
    source = read_problem(FILE)
    field = AdamField(source.problem, source.adam)
    wanted = map_zeros(field, {"beta1": [0.5, 0.9], "beta2": (0.9, 0.99)}, start=[2.0], points=3)
    assert run("map", FILE, *OVER, "--points", "3", "--json", "-o", "map.csv") == json.loads(
        json.dumps({"verdict": wanted.verdict} | wanted.to_dict())
    )
    rows = list(csv.DictReader((tmp_path / "map.csv").read_text().splitlines()))
    assert [float(row["beta2"]) for row in rows[:3]] == [float(value) for value in wanted.axes[1].values]
    assert {(row["zeros"], row["attracting"], row["state"]) for row in rows} == {("1", "1", "counted")}


def test_a_map_says_what_it_found_and_draws_it(run, tmp_path):
    printed = run("map", FILE, *OVER, "--points", "2", "-o", "map.svg")
    assert printed.startswith("followed by number, not certified: 2 x 2 pairs of beta1 and beta2: 1 zero at 4")
    assert "written to map.svg" in printed
    assert (tmp_path / "map.svg").read_bytes().startswith(b"<?xml")


def test_where_nothing_is_counted_the_words_and_the_exit_code_say_so(run, tmp_path):
    (tmp_path / "line.toml").write_text(
        '[problem]\nloss = "(a + b - x)**2/2"\nparameters = ["a", "b"]\n[data]\nx = [1, 1]\n[start]\na = 0\nb = 2\n'
    )
    printed = run("map", "line.toml", "--over", "beta1=0.5,0.9", "--over", "beta2=0.9,0.99", code=3)
    assert printed.startswith("nothing was counted: the zeros are not isolated there: Df has rank")


def test_where_the_loss_decreases_is_told_and_drawn(run, tmp_path):
    asked = ["--of", "lyapunov", "--box", "theta=1.5:2", "--points", "2", "--certify"]
    printed = run("map", FILE, *OVER, *asked, "-o", "map.png")
    assert printed.startswith("by samples: 2 x 2 pairs of beta1 and beta2: the loss decreases (proven) at 4")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert run("map", FILE, *OVER, *asked, "--json")["verdicts"] == [["decreases"] * 2] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--over: say what to vary"),
        (["--over", "beta2=0.9:0.99"], "a map has two parameters"),
        ([*OVER, "--over", "eps=1,2"], "a map has two parameters"),
        ([*OVER, "--over", "beta1=0.9"], "given twice"),
        (["--over", "beta1=0.5,0.9", "--over", "beta3=1"], "'beta3' is unknown"),
        ([*OVER, "-o", "x.txt"], "no known ending"),
        ([*OVER, "--at", "theta=1", "--box", "theta=0:1"], "give one of them"),
        ([*OVER, "--resume"], "no journal to go on from"),
        (["--over", "beta1=0.99", "--over", "beta2=0.5"], "must be below beta2"),
        ([*OVER, "--of", "folds"], "allowed are zeros and lyapunov"),
        ([*OVER, "--of", "lyapunov"], "give the box"),
        ([*OVER, "--certify"], "it takes --box"),
        ([*OVER, "--workers", "2", "--cluster", "tcp://127.0.0.1:1"], "give one of them"),
    ],
)
def test_errors_are_one_line(run, options, message):
    assert message in run("map", FILE, *options, code=2)


def test_a_certified_map(run):
    options = ("--over", "beta1=0.3:0.5", "--over", "eps=1:2", "--box", "theta=0.5:1.5", "--certify")
    text = run("map", FILE, *options, "-o", "map.json")
    assert text.startswith("certified: for every beta1 from 0.3 to 0.5 and eps from 1 to 2 exactly 1 zero, attracting")
    assert run("check", "map.json").startswith("valid: ")
    assert "it takes --box" in run("map", FILE, *options[:4], "--certify", code=2)
    assert "beta1 is no interval" in run("map", FILE, "--over", "beta1=0.3,0.5", *options[2:], code=2)
