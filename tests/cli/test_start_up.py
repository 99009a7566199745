"""What the command line loads: help nothing heavy, a value of a problem that was made ready before NumPy alone."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adamsym.__main__ import main
from adamsym.cli.app import app
from adamsym.cli.prepared import content_key
from adamsym.expressions.cache import keep, kept
from adamsym.field.prepared.reading import from_bytes

HEAVY = ["numba", "sympy", "scipy", "mpmath", "flint", "pandas", "torch", "jax", "matplotlib", "hypothesis", "jinja2"]
PROBLEM = """[problem]
loss = "(a*x - y)**2/2"
parameters = ["a"]

[data]
file = "table.csv"

[adam]
beta1 = 0.9
beta2 = 0.99
eps = 1e-3

[start]
a = 0.5
"""
TABLE = "x,y\n1,0.7\n2,-1\n0.3,2\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "problem.toml").write_text(PROBLEM)
    (tmp_path / "table.csv").write_text(TABLE)
    return tmp_path


def run(folder, *commands, cache="kept"):
    """What commands print in a process of its own, and the heavy modules that are loaded then."""
    script = (
        "import sys, json\nfrom adamsym.__main__ import main\n"
        f"code = max([main(one) for one in {list(commands)}])\n"
        f"sys.stderr.write(json.dumps([m for m in {HEAVY} if m in sys.modules]))\nsys.exit(code)"
    )
    environment = {**os.environ, "ADAMSYM_CACHE": str(folder / cache) if cache != "off" else cache}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=folder, env=environment
    )
    return done.stdout, json.loads(done.stderr)


def test_a_value_loads_numpy_alone_once_the_problem_is_ready(folder):
    first, loaded = run(folder, ["field", "problem.toml", "--json"])
    assert "sympy" in loaded  # the control: this is how it looks where more is needed
    assert "numba" not in loaded
    again, loaded = run(folder, ["field", "problem.toml", "--json"])
    assert again == first
    assert loaded == []
    moved, loaded = run(folder, ["field", "problem.toml", "--at", "a=0.25", "--json"])
    assert loaded == []
    assert json.loads(moved)["field"] != json.loads(first)["field"]


def test_a_derivation_of_rows_loads_neither_scipy_nor_what_makes_pages(folder):
    loaded = run(folder, ["derive", "problem.toml"])[1]
    assert "sympy" in loaded
    assert not {"scipy", "numba", "jinja2"} & set(loaded)
    assert "jinja2" in run(folder, ["derive", "problem.toml", "-o", "page.html"])[1]  # the control


@pytest.mark.parametrize(
    ("data", "allowed"),
    [
        ('x = "Exponential(1)"\ny = "Normal(0, 1)"', []),
        ('x = "Uniform(1, 2)"', []),
        ('file = "table.csv"\nsampling = "cyclic"', ["flint"]),
        ('file = "table.csv"\nsampling = "reshuffled"', ["flint"]),
    ],
)
def test_a_value_of_continuous_data_or_epochs_loads_little_more(folder, data, allowed):
    text = PROBLEM.replace('file = "table.csv"', data)
    text = text if "table" in data else text.replace("(a*x - y)**2/2", "a**2*x/2" + ("" if "Un" in data else " + b*y"))
    if "b*y" in text:
        text = text.replace('["a"]', '["a", "b"]').replace("a = 0.5", "a = 0.5\nb = 0.5")
    (folder / "problem.toml").write_text(text)
    first, loaded = run(folder, ["field", "problem.toml", "--json"])
    assert "sympy" in loaded
    assert "numba" not in loaded
    again, loaded = run(folder, ["field", "problem.toml", "--json"])
    assert again == first
    assert loaded == allowed


def test_entries_are_of_the_content_and_whole_or_none(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ADAMSYM_CACHE", str(folder / "kept"))

    def value():
        assert main(["field", "problem.toml", "--json"]) == 0
        return capsys.readouterr().out

    first = value()
    (entry,) = (folder / "kept").glob("*.kept")
    content = entry.read_bytes()
    entry.write_bytes(content[:-1])
    assert value() == first
    assert entry.read_bytes() == content  # it was made again
    (folder / "table.csv").write_text(TABLE + "1,1\n")
    assert json.loads(value())["field"] != json.loads(first)["field"]
    assert len(list((folder / "kept").glob("*.kept"))) == 2


def test_the_entry_of_another_problem_under_this_name_is_none(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ADAMSYM_CACHE", str(folder / "kept"))
    values, keys = [], []
    for rows in ("", "1,1\n"):
        (folder / "table.csv").write_text(TABLE + rows)
        keys.append(content_key(Path("problem.toml")))
        assert main(["field", "problem.toml", "--json"]) == 0
        values.append(capsys.readouterr().out)
    assert values[0] != values[1]
    one, other = (folder / "kept" / f"{key}.kept" for key in keys)
    other.write_bytes(one.read_bytes())
    assert kept(keys[0]) is not None  # the control: under its own name it is there
    assert kept(keys[1]) is None
    assert main(["field", "problem.toml", "--json"]) == 0
    assert capsys.readouterr().out == values[1]


def test_a_planted_entry_that_cannot_be_evaluated_is_none(folder, monkeypatch, capsys):
    """Numbers of the right types may be nonsense all the same."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("ADAMSYM_CACHE", str(folder / "kept"))
    assert main(["field", "problem.toml", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    key = content_key(Path("problem.toml"))
    good = from_bytes(kept(key))
    rule = good.form.rules[0]
    nonsense = rule._replace(cutoff=rule.cutoff._replace(values=np.empty(0)))
    keep(key, dataclasses.replace(good, form=dataclasses.replace(good.form, rules=(nonsense,))).to_bytes())
    planted = from_bytes(kept(key))
    with pytest.raises((ValueError, LookupError)):
        planted.evaluate(np.array([0.5]))
    assert main(["field", "problem.toml", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["field"] == pytest.approx(first["field"], rel=1e-10)


def test_help_of_every_command_loads_nothing(folder):
    commands = [[], *([one.name] for one in app.registered_commands)]
    assert ["zeros"] in commands
    assert run(folder, *([*one, "-h"] for one in commands))[1] == []


def test_what_is_kept_is_shown_and_removed(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def told(*arguments):
        assert main(list(arguments)) == 0
        return capsys.readouterr().out

    assert told("cache") == "nothing is kept: ADAMSYM_CACHE is off\n"
    monkeypatch.setenv("ADAMSYM_CACHE", str(folder / "kept"))
    told("field", "problem.toml")
    (entry,) = (folder / "kept").glob("*.kept")
    shown = json.loads(told("cache", "--json"))
    assert shown == {"folder": str(folder / "kept"), "entries": 1, "bytes": entry.stat().st_size}
    assert told("cache", "--clear").endswith("kept: 1 problems, 0.0 MB\n")
    assert not entry.exists()
    assert json.loads(told("cache", "--json"))["entries"] == 0
