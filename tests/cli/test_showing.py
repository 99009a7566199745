"""The commands plot and report: files written, the same on every run; bad input in one line."""

import json
import re
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from adamsym.__main__ import main
from adamsym.field import adam_field, backends, small
from adamsym.plots.registry import plot_kinds, sections

EXAMPLES = Path(__file__).parents[2] / "examples"
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
THREE = """
[problem]
loss = "(a*x + b - c)**2/2 + c**4"
parameters = ["a", "b", "c"]
[data]
x = [0, 1]
[adam]
beta1 = 0.5
beta2 = 0.6
eps = 0.1
[start]
a = 1
b = 0
c = 1
"""
QUICK = ["--time", "2", "--chains", "4", "--starts", "10,50,100", "--length", "0.2"]
STARTS = {".svg": b"<?xml", ".png": b"\x89PNG", ".pdf": b"%PDF"}


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.toml").write_text(PROBLEM)

    def command(*arguments, code=0):
        assert main(list(arguments)) == code
        printed = capsys.readouterr()
        return printed.out if code in (0, 1, 3) else printed.err

    return command


def test_plots_of_few_values_of_a_small_problem_compile_no_loops(run, monkeypatch):
    asked = []

    def quotient_of(backend):
        asked.append(backend)
        return backends.quotient_of(backend)

    monkeypatch.setattr(adam_field, "quotient_of", quotient_of)
    run("plot", "loss", "p.toml", "-o", "one.svg")
    assert set(asked) == {"numpy"}
    monkeypatch.setattr(small, "MOST", 1)
    run("plot", "loss", "p.toml", "-o", "two.svg")
    assert "numba" in asked


DEAR = ("branches", "windows")
"""What these show takes a second each time."""

DRAWN = [(kind, ("one.svg",) if kind in DEAR else ("one.svg", "two.svg")) for kind in plot_kinds()]
DRAWN += [pytest.param(kind, ("one.svg", "two.svg"), marks=pytest.mark.slow) for kind in DEAR]


@pytest.mark.parametrize(("kind", "names"), DRAWN)
def test_every_kind_is_drawn_and_the_same_again(run, tmp_path, kind, names):
    for name in names:
        assert f"written to {name}" in run("plot", kind, "p.toml", "-o", name, *QUICK)
    drawn = (tmp_path / "one.svg").read_bytes()
    assert drawn.startswith(b"<?xml")
    assert drawn.count(b"<path") > 20
    assert all((tmp_path / name).read_bytes() == drawn for name in names)
    assert not re.search(rb"<dc:date>|Matplotlib v", drawn)


@pytest.mark.parametrize("ending", [pytest.param(".svg", marks=pytest.mark.slow), ".png", ".pdf"])
def test_formats(run, tmp_path, ending):
    contents = []
    for name in ("one", "two"):
        run("plot", "portrait", "p.toml", "-o", name + ending)
        contents.append((tmp_path / (name + ending)).read_bytes())
    assert contents[0].startswith(STARTS[ending])
    assert contents[0] == contents[1]
    run("plot", "portrait", "p.toml", "-o", "two" + ending, "--box", "theta=0:1")
    assert contents[0] != (tmp_path / ("two" + ending)).read_bytes()


def test_plot_as_json(run):
    found = json.loads(run("plot", "zeros", "p.toml", "-o", "z.svg", "--json"))
    assert found["plot"] == "z.svg"
    assert found["finding"].startswith("certified: exactly 1 zero in the box")


def test_the_flow_of_three_parameters_has_no_runs_and_says_so(run, tmp_path):
    three = PROBLEM.replace("(theta - x)**2/2", "(theta - x)**2/2 + a**2 + b**2*a").replace(
        '"theta"]', '"theta", "a", "b"]'
    )
    (tmp_path / "three.toml").write_text(three + "a = 1.0\nb = 1.0\n")
    text = run("plot", "flow", "three.toml", "-o", "f.svg", *QUICK)
    assert "Runs of Adam are not drawn: with more than two parameters" in text
    assert "Over it 4 runs of Adam" in run("plot", "flow", "p.toml", "-o", "g.svg", *QUICK)
    assert "Over it 4 runs of Adam" in run("plot", "loss", "three.toml", "-o", "h.svg", *QUICK)


def test_a_slice_of_many_parameters(run, tmp_path):
    file = "three.toml"
    (tmp_path / file).write_text(THREE)
    run("plot", "portrait", file, "-o", "p.svg", "--time", "0.1", "--resolution", "5")
    run(
        "plot",
        "portrait",
        file,
        "-o",
        "q.svg",
        "--plane",
        "a,c",
        "--box",
        "a=-3:0,c=-3:0",
        "--resolution",
        "5",
    )
    assert (tmp_path / "p.svg").read_bytes() != (tmp_path / "q.svg").read_bytes()
    assert "this problem has 3" in run("plot", "zeros", file, "-o", "z.svg", code=2)
    assert "--plane: 'x' is no parameter" in run("plot", "portrait", file, "-o", "z.svg", "--plane", "x,a", code=2)
    assert "give 2 different" in run("plot", "portrait", file, "-o", "z.svg", "--plane", "a", code=2)


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["plot", "picture", "p.toml", "-o", "x.svg"], "allowed are portrait, zeros"),
        (["plot", "zeros", "p.toml"], "-o: no file to write"),
        (["plot", "zeros", "p.toml", "-o", "x.gif"], "allowed: .svg, .png, .pdf"),
        (["plot", "zeros", "none.toml", "-o", "x.svg"], "none.toml"),
        (["plot", "zeros", "p.toml", "-o", "x.svg", "--box", "theta=1:1"], "has no width"),
        (["plot", "zeros", "p.toml", "-o", "x.svg", "--box", "x=0:1"], "no parameter"),
        (["plot", "flow", "p.toml", "-o", "x.svg", "--time", "0"], "--time"),
        (["plot", "flow", "p.toml", "-o", "x.svg", "--step-size", "-1"], "step size"),
        (["plot", "windows", "p.toml", "-o", "x.svg", "--starts", "a"], "--starts"),
        (["report", "p.toml"], "-o: no file to write"),
        (["report", "p.toml", "-o", "x.pdf"], "allowed: .html"),
        (["report", "none.toml", "-o", "x.html"], "none.toml"),
        (["report", ".", "p.toml", "empty", "-o", "x.html"], "empty"),
        (["report", "p.toml", "-o", "x.html", "--step-size", "m"], "step size"),
        (["report", "claims", "-o", "x.html", "--box", "theta=0:1"], "--box: 0 problems"),
    ],
)
def test_bad_input(run, tmp_path, arguments, fragment):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "c.py").write_text("")
    message = run(*arguments, code=2)
    assert fragment in message
    assert message.count("\n") == 1
    assert not list(tmp_path.glob("x.*"))


CLAIM = """
from adamsym.claims import Claim, holds, refuted
claim = Claim("T1", title="t", statement="s", source="here")
@claim.evidence("symbolic")
def evidence():
    return {evidence}
@claim.control("one")
def one():
    return refuted("as it should")
@claim.control("two")
def two():
    return refuted("as it should")
"""


@pytest.mark.parametrize(
    ("evidence", "verdict", "code"),
    [("holds('yes', cases=1)", "holds", 0), ("refuted('no')", "refuted", 1), ("1/0", "undecided", 3)],
)
def test_a_report_of_claims(run, tmp_path, evidence, verdict, code):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / "t1.py").write_text(CLAIM.format(evidence=evidence))
    found = json.loads(run("report", "claims", "-o", "r.html", "--json", code=code))
    assert found["report"] == "r.html"
    assert found["problems"] == []
    assert [claim["verdict"] for claim in found["claims"]] == [verdict]
    assert f"</span> {verdict}</span>" in (tmp_path / "r.html").read_text()


class PoolInThisProcess:
    """Does at once what pebble's pool does in processes of its own, each of which imports everything."""

    def __init__(self, **options):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        pass

    def schedule(self, function, args, timeout):
        done = Future()
        done.set_result(function(*args))
        return done


def test_a_report_of_a_problem_without_its_derivation(run, tmp_path, monkeypatch):
    monkeypatch.setattr("pebble.ProcessPool", PoolInThisProcess)
    quick = {name: one for name, one in sections().items() if name != "derivation"}
    monkeypatch.setattr("adamsym.report.collection.sections", lambda: quick)
    text = run("report", "p.toml", "-o", "r.html", "--box", "theta=0:2", *QUICK)
    assert text.startswith("holds: 1 problem; written to r.html")
    page = (tmp_path / "r.html").read_text()
    assert "θ from 0 to 2" in page
    assert "certified: exactly 1 zero in the box" in page
    assert "The derivation" not in page


def test_a_fault_of_the_program_is_a_fault_of_the_report(run, tmp_path, monkeypatch):
    def broken(context):
        raise KeyError("a bug")

    [entry] = [one for name, one in sections().items() if name == "field"]
    monkeypatch.setattr("pebble.ProcessPool", PoolInThisProcess)
    monkeypatch.setattr("adamsym.report.collection.sections", lambda: {"field": replace(entry, make=broken)})
    message = run("report", "p.toml", "-o", "r.html", *QUICK, code=70)
    assert "KeyError: 'a bug'" in message
    assert message.endswith("adamsym: this is a fault of adamsym, not of its input; please report it\n")
    assert "internal error" in (tmp_path / "r.html").read_text()


@pytest.mark.slow
def test_a_report_of_a_problem(run, tmp_path):
    text = run("report", "p.toml", "-o", "r.html", "--box", "theta=0:2", *QUICK)
    assert text.startswith("holds: 1 problem; written to r.html")
    page = (tmp_path / "r.html").read_text()
    assert "θ from 0 to 2" in page
    assert "certified: exactly 1 zero in the box" in page
