"""The command sweep: promised keys, tables in files, journals, and its errors in one line."""

import csv
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = str(EXAMPLES / "three_points.toml")


def test_an_interval_is_followed(run, tmp_path):
    found = run("sweep", FILE, "--over", "beta2=0.9:0.999", "--points", "5", "-o", "zeros.csv", "--json")
    assert found["complete"] is False
    (branch,) = found["branches"]
    assert {"parameter", "points", "folds"} <= set(branch)
    assert branch["parameter"] == "beta2"
    first, last = branch["points"][0], branch["points"][-1]
    assert {"value", "zero", "stability", "enclosure"} <= set(first)
    # By number: nothing is enclosed.
    assert first["enclosure"] is None
    assert (first["value"], last["value"]) == (0.9, 0.999)
    assert last["zero"][0] == pytest.approx(0.9995039667)
    rows = list(csv.DictReader((tmp_path / "zeros.csv").read_text().splitlines()))
    assert [float(row["theta"]) for row in rows] == [point["zero"][0] for point in branch["points"]]
    text = run("sweep", FILE, "--over", "beta2=0.9:0.999", "--points", "5")
    assert text.startswith("followed by number, not certified: 1 branch of zeros")


def test_arrays_are_written_without_objects(run, tmp_path):
    run("sweep", FILE, "--over", "batch_size=1,4", "-o", "zeros.npz")
    with np.load(tmp_path / "zeros.npz", allow_pickle=False) as arrays:
        assert arrays["batch_size"].tolist() == [1, 4]
        assert arrays["stability"].tolist() == ["attracting"] * 2


def test_a_parquet_table_needs_its_package(run, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    run("sweep", FILE, "--over", "batch_size=1,4", "-o", "zeros.parquet")
    assert parquet.read_table(tmp_path / "zeros.parquet")["batch_size"].to_pylist() == [1, 4]


FITTED = """
[problem]
loss = "(a + b - x)**2/2"
parameters = ["a", "b"]
[data]
x = [1, 1]
[start]
a = 0.3
b = 0.2
"""


@pytest.mark.parametrize("example", [None, pytest.param("random_features.toml", marks=pytest.mark.slow)])
def test_a_set_of_zeros_is_undecided(run, tmp_path, example):
    (tmp_path / "fitted.toml").write_text(FITTED)
    file = EXAMPLES / example if example else "fitted.toml"
    text = run("sweep", str(file), "--over", "beta2=0.9:0.99", code=3)
    assert text.startswith("no zero was followed: the zeros are not isolated there")


def test_a_journal_needs_the_word_to_go_on(run):
    options = ("sweep", FILE, "--over", "batch_size=1,4", "--journal", "kept")
    first = run(*options, "--json")
    assert run(*options, "--resume", "--json") == first
    assert "add --resume" in run(*options, code=2)


def test_a_list_is_certified_and_checked(run):
    options = ("--over", "data.x[2]=3,3.5", "--box", "theta=-1:3", "--certify")
    text = run("sweep", FILE, *options, "-o", "lists.json")
    assert text.startswith("certified: all zeros in the box for 2 values of data.x[2]: 1 zero at each")
    assert run("check", "lists.json").startswith("valid: ")
    found = run("sweep", FILE, *options, "--json")
    assert [len(one["zeros"]) for one in found["at"]] == [1, 1]


def test_all_zeros_over_an_interval_are_certified_and_checked(run, tmp_path):
    options = ("--over", "eps=1e-8:1e-7", "--box", "theta=0.5:1.5", "--certify")
    text = run("sweep", FILE, *options, "-o", "cells.json", "--journal", "kept")
    assert text.startswith("certified: for every eps from 1e-08 to 1e-07 exactly 1 zero, attracting")
    assert run("check", "cells.json").startswith("valid: ")
    assert "exists already; add --resume" in run("sweep", FILE, *options, "--journal", "kept", code=2)
    found = run("sweep", FILE, *options, "--json", "-o", "cells.svg", "--journal", "kept", "--resume")
    assert found["complete"]
    assert all(len(cell["zeros"]) == 1 for cell in found["cells"])
    assert (tmp_path / "cells.svg").read_bytes().startswith(b"<?xml")


def test_a_certified_branch_goes_on_from_its_journal(run, tmp_path):
    options = ("--over", "eps=1e-8:2e-8", "--certify", "-o", "branch.json")
    first = run("sweep", FILE, *options, "--journal", "kept")
    assert "exists already; add --resume" in run("sweep", FILE, *options, "--journal", "kept", code=2)
    written = (tmp_path / "branch.json").read_text()
    assert run("sweep", FILE, *options, "--journal", "kept", "--resume") == first
    assert (tmp_path / "branch.json").read_text() == written


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--over: say what to vary"),
        (["--over", "beta2"], "write name=low:high"),
        (["--over", "beta2=0.9", "--over", "beta2=0.8"], "given twice"),
        (["--over", "beta3=1"], "'beta3' is unknown"),
        (["--over", "beta2=0.9:0.99", "-o", "x.txt"], "no known ending"),
        (["--over", "beta2=0.9:0.99", "--at", "theta=1", "--box", "theta=0:1"], "give one of them"),
        (["--over", "beta2=0.9:0.99", "--resume"], "no journal to go on from"),
        (["--over", "beta2=0.9:0.99", "--certify", "--workers", "2"], "it proves one branch"),
        (["--over", "beta2=0.9,0.99", "--certify"], "give one interval"),
        (["--over", "beta2=0.9,0.99", "--certify", "--box", "theta=0:1", "--at", "theta=1"], "without --at"),
        (["--over", "beta2=0.9,0.99", "--certify", "--box", "theta=0:1", "--points", "9"], "goes without --certify"),
        (["--over", "beta2=0.9,0.99", "--certify", "--box", "theta=0:1", "--journal", "j"], "it goes with intervals"),
        (["--over", "beta2=0.9:0.99", "--certify", "--resume"], "no journal to go on from"),
    ],
)
def test_errors_are_one_line(run, options, message):
    assert message in run("sweep", FILE, *options, code=2)
