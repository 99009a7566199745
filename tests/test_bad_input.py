"""Bad input through the command line: one clear line, exit code 2, nothing printed, written or executed."""

import subprocess
import sys
from pathlib import Path

import pytest

from adamsym.__main__ import main

GOOD = """
[problem]
loss = "(theta - x)**2/2"
parameters = ["theta"]
batch_size = 1
[data]
x = [0.0, 0.0, 3.0]
weights = [1, 1, 1]
[adam]
beta1 = 0.9
beta2 = 0.999
eps = 1e-8
"""
GOOD_CSV = GOOD.replace("x = [0.0, 0.0, 3.0]\nweights = [1, 1, 1]", 'file = "rows.csv"')
ROWS = "x,y\n0,1\n0,2\n3,4\n"

CLAIMS = str(Path(__file__).parents[1] / "proofs_checks")
TOWER = "9**9**9**9"


def with_loss(loss: str) -> str:
    return GOOD.replace('"(theta - x)**2/2"', loss)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


PROBLEMS = {
    "malformed TOML": (GOOD + "[", "TOML"),
    "a key without a value": (GOOD + "beta3 =", "TOML"),
    "the same table twice": (GOOD + "[adam]\n", "TOML"),
    "no TOML at all": ("\x01", "TOML"),
    "an integer of 10,000 digits": (changed("[0.0, 0.0, 3.0]", "[0, 0, " + "9" * 10_000 + "]"), "TOML"),
    "nested arrays": (changed("[0.0, 0.0, 3.0]", "[" * 5000), "TOML|nested"),
    "empty file": ("", "[problem]"),
    "no data": (GOOD.replace("[data]\nx = [0.0, 0.0, 3.0]\nweights = [1, 1, 1]\n", ""), "[data]"),
    "unknown table": (GOOD + "[extra]\na = 1\n", "extra: unknown key"),
    "unknown key of the problem": (changed("batch_size", "batch"), "problem.batch: unknown key"),
    "unknown key of adam": (changed("eps =", "epsilon ="), "adam.epsilon: unknown key"),
    "no loss": (changed('loss = "(theta - x)**2/2"', ""), "problem: give one of loss"),
    "no parameters": (changed('parameters = ["theta"]', ""), "problem.parameters: missing"),
    "parameters of the wrong type": (changed('["theta"]', "3"), "problem.parameters: 3"),
    "a parameter twice": (changed('["theta"]', '["theta", "theta"]'), "stands twice"),
    "a parameter named like a dunder": (changed('["theta"]', '["__theta"]'), "cannot be a name"),
    "a parameter that is a column": (changed('["theta"]', '["theta", "x"]'), "data.x"),
    "a negative length": (changed('["theta"]', "{ theta = -1 }"), "problem.parameters.theta"),
    "a huge length": (changed('["theta"]', "{ theta = 1000000000 }"), "problem.parameters.theta"),
    "unknown name": (with_loss('"(theta - z)**2"'), "unknown name"),
    "misspelt name": (with_loss('"(thetta - x)**2"'), "did you mean theta"),
    "unknown function": (with_loss('"eval(theta - x)"'), "unknown function"),
    "attribute": (with_loss('"theta.__class__ + x"'), "attributes"),
    "dunder call": (with_loss('"__import__(theta) + x"'), "unknown function"),
    "text in the loss": (with_loss("\"__import__('os').system('true')\""), "text is not allowed"),
    "lambda": (with_loss('"(lambda: theta)() + x"'), "':' at character"),
    "indexing": (with_loss('"theta[0] - x"'), "indexing"),
    "comparison": (with_loss('"(theta < x)"'), "comparisons"),
    "assignment": (with_loss('"theta = x"'), "comparisons and assignments"),
    "caret": (with_loss('"(theta - x)^2"'), "write **"),
    "keyword argument": (with_loss('"exp(x=theta)"'), "comparisons and assignments"),
    "two arguments": (with_loss('"exp(theta, x)"'), "exp takes 1"),
    "missing parenthesis": (with_loss('"((theta - x)**2"'), "expected )"),
    "empty loss": (with_loss('""'), "expected a number"),
    "loss of the wrong type": (with_loss("[1, 2]"), "problem.loss: [1, 2]"),
    "exponent tower": (with_loss(f'"(theta - x)**2 + {TOWER}"'), "exponent"),
    "tower of exponentials": (with_loss('"theta*x*exp(exp(exp(exp(9))))"'), "constant"),
    "powers of powers": (with_loss('"((((theta - x)**99)**99)**99)**99"'), "exponent"),
    "huge literal": (with_loss('"theta*x*1e999999999"'), "out of range"),
    "complex constant": (with_loss('"theta*x*sqrt(-1)"'), "real"),
    "division by zero": (with_loss('"theta*x/0"'), "division by zero"),
    "10 MB of parentheses": (with_loss('"' + "(" * 10_000_000 + '"'), "characters"),
    "deep parentheses": (with_loss('"' + "(" * 9000 + "theta - x" + ")" * 9000 + '"'), "nested too deeply"),
    "loss without its parameter": (changed('["theta"]', '["theta", "mu"]'), "does not depend on the parameter mu"),
    "kink at a data row": (with_loss('"Abs(theta - x)"'), "not differentiable at data row 2"),
    "logarithm of zero data": (with_loss('"theta*log(x)"'), "data row 0"),
    "lengths that differ": (changed("x = [0.0, 0.0, 3.0]", "x = [0.0, 3.0]\ny = [1.0]"), "data.y"),
    "nan": (changed("3.0]", "nan]"), "data.x[2]"),
    "inf": (changed("3.0]", "-inf]"), "data.x[2]"),
    "text among numbers": (changed("3.0]", '"three"]'), "data.x[2]"),
    "true among numbers": (changed("3.0]", "true]"), "data.x[2]"),
    "empty data": (changed("[0.0, 0.0, 3.0]\nweights = [1, 1, 1]", "[]"), "data.x: no entries"),
    "no columns": (GOOD.replace("x = [0.0, 0.0, 3.0]\n", ""), "data: no column"),
    "a negative weight": (changed("[1, 1, 1]", "[1, -1, 1]"), "data.weights[1]"),
    "a zero weight": (changed("[1, 1, 1]", "[1, 0, 1]"), "data.weights[1]"),
    "too few weights": (changed("[1, 1, 1]", "[1, 1]"), "data.weights"),
    "unknown distribution": (changed("[0.0, 0.0, 3.0]\nweights = [1, 1, 1]", '"Cauchy(0, 1)"'), "data.x"),
    "code as a distribution": (changed("[0.0, 0.0, 3.0]\nweights = [1, 1, 1]", "\"Normal(0, open('f'))\""), "data.x"),
    "a negative deviation": (changed("[0.0, 0.0, 3.0]\nweights = [1, 1, 1]", '"Normal(0, -1)"'), "deviation > 0"),
    "beta1^2 = beta2": (changed("0.999", "0.81"), "beta1**2"),
    "beta1 = 1": (changed("beta1 = 0.9", "beta1 = 1"), "adam.beta1"),
    "beta2 negative": (changed("0.999", "-0.1"), "adam.beta2"),
    "eps 0": (changed("1e-8", "0"), "adam.eps"),
    "eps nan": (changed("1e-8", "nan"), "adam.eps"),
    "an unknown method": (changed("[adam]", '[adam]\nmethod = "SGD"'), "adam.method"),
    "a method that is no text": (changed("[adam]", "[adam]\nmethod = 3"), "adam.method"),
    "beta1 for RMSprop": (changed("[adam]", '[adam]\nmethod = "RMSprop"'), "adam.beta1: RMSprop has no such number"),
    "weight decay for Adam": (changed("[adam]", "[adam]\nweight_decay = 0.1"), "adam.weight_decay"),
    "negative weight decay": (
        changed("[adam]", '[adam]\nmethod = "AdamW"\nweight_decay = -1'),
        "adam.weight_decay: -1 is not allowed",
    ),
    "eps text": (changed("1e-8", '"small"'), "adam.eps"),
    "batch of 0": (changed("batch_size = 1", "batch_size = 0"), "problem.batch_size"),
    "batch of 1.5": (changed("batch_size = 1", "batch_size = 1.5"), "problem.batch_size"),
    "unknown library loss": ('[problem]\nlibrary = "nets"\n[data]\nx = [1]\n', "problem.library"),
    "unknown option": (
        '[problem]\nlibrary = "mean_estimation"\noptions = { depth = 3 }\n[data]\nx = [1]\n',
        "problem.options",
    ),
    "a network too large": (
        '[problem]\nlibrary = "tanh_network"\noptions = { hidden = [9, 9, 9, 9, 9, 9, 9] }\n[data]\nx = [1]\ny = [1]\n',
        "paths",
    ),
    "start of another parameter": (GOOD + "[start]\nmu = 1\n", "start.mu"),
    "csv file missing": (GOOD_CSV.replace("rows.csv", "none.csv"), "no such file"),
    "csv is a folder": (GOOD_CSV.replace("rows.csv", "."), "regular file"),
    "csv column missing": (GOOD_CSV.replace("- x)", "- z)"), "columns are x, y"),
}

TABLES = {
    "text in a number column": ("x,y\n0,1\nzero,2\n", "line 3, column x"),
    "empty cell": ("x,y\n0,1\n,2\n", "line 3, column x"),
    "nan in a table": ("x,y\n0,1\nnan,2\n", "line 3, column x"),
    "ragged row": ("x,y\n0,1\n0\n", "line 3"),
    "column twice": ("x,x\n0,1\n", "stands twice"),
    "header alone": ("x,y\n", "no rows"),
    "empty table": ("", "empty"),
    "unclosed quote": ('x,y\n"0,1\n', "CSV"),
}

ARGUMENTS = {
    "no file": (["field"], "file"),
    "file missing": (["field", "none.toml"], "no such file"),
    "unknown command": (["evaluate"], "evaluate"),
    "unknown option": (["field", "good.toml", "--at", "theta=1", "--fast"], "--fast"),
    "no point": (["field", "good.toml"], "--at"),
    "unknown parameter": (["field", "good.toml", "--at", "mu=1"], "'mu' is no parameter"),
    "twice": (["field", "good.toml", "--at", "theta=1,theta=2"], "set twice"),
    "no number": (["field", "good.toml", "--at", "theta=one"], "--at"),
    "nan at": (["field", "good.toml", "--at", "theta=nan"], "--at"),
    "too large at": (["field", "good.toml", "--at", "theta=1e399"], "out of range"),
    "unknown ending": (["derive", "good.toml", "-o", "out.pdf"], ".md, .tex, .html"),
    "no folder": (["derive", "good.toml", "-o", "none/out.md"], "does not exist"),
    "negative time": (["flow", "good.toml", "--from", "theta=1", "--time", "-1"], "--time"),
    "no chains": (["simulate", "good.toml", "--from", "theta=1", "--chains", "0"], "chains"),
    "negative steps": (
        ["simulate", "good.toml", "--from", "theta=1", "--step-size", "-1/n"],
        "step size",
    ),
    "code as a step size": (["simulate", "good.toml", "--from", "theta=1", "--step-size", "exit()"], "step size"),
    "no starts": (["track", "good.toml", "--from", "theta=1", "--starts", "1,x"], "--starts"),
    "negative start": (["track", "good.toml", "--from", "theta=1", "--starts", "-5"], "--starts"),
    "long start": (["track", "good.toml", "--from", "theta=1", "--starts", "9" * 40], "--starts"),
    "no length": (["track", "good.toml", "--from", "theta=1", "--length", "0"], "length"),
    "one chain": (["track", "good.toml", "--from", "theta=1", "--chains", "1"], "chains"),
    "a level of 1": (["track", "good.toml", "--from", "theta=1", "--level", "1"], "level"),
    "half a region": (["track", "good.toml", "--from", "theta=1", "--region", "theta=1"], "--region"),
    "no threads": (["simulate", "good.toml", "--from", "theta=1", "--threads", "0"], "threads"),
    "steps without end": (["simulate", "good.toml", "--from", "theta=1", "--steps", "1000000000000"], "--checkpoint"),
    "record nothing": (["simulate", "good.toml", "--from", "theta=1", "--record", "0"], "record"),
    "record too much": (
        ["simulate", "good.toml", "--from", "theta=1", "--record", "1", "--steps", "9999999"],
        "record",
    ),
    "resume from nothing": (["simulate", "good.toml", "--from", "theta=1", "--resume"], "checkpoint"),
    "checkpoint's ending": (["simulate", "good.toml", "--from", "theta=1", "--checkpoint", "a.txt"], ".npz"),
    "checkpoint's folder": (["simulate", "good.toml", "--from", "theta=1", "--checkpoint", "none/a.npz"], "folder"),
    "no claims folder": (["verify", "none"], "none"),
    "no claims in it": (["verify", "."], "no claims"),
    "no such claim": (["verify", CLAIMS, "--claim", "C99"], "C99"),
    "no such grade": (["verify", CLAIMS, "--grade", "proven"], "certified"),
    "no evidence of the grade": (["verify", CLAIMS, "--claim", "C5", "--grade", "statistical"], "statistical"),
    "quick and full": (["verify", CLAIMS, "--quick", "--full"], "--quick"),
    "a negative seed": (["verify", CLAIMS, "--seed", "-1"], "seed"),
    "junit's ending": (["verify", CLAIMS, "--junit", "found.txt"], ".xml"),
    "junit's folder": (["verify", CLAIMS, "--junit", "none/found.xml"], "--junit"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.toml").write_text(GOOD)
    (tmp_path / "rows.csv").write_text(ROWS)
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def rejected(arguments, fragment, folder, capsys):
    """Assert that the command refuses: one line that names the place, code 2, nothing else."""
    before = contents(folder)
    code = main(arguments)
    printed = capsys.readouterr()
    assert code == 2, printed
    assert printed.out == ""
    assert printed.err.startswith("adamsym: ")
    assert printed.err.count("\n") == 1
    assert len(printed.err) < 500
    assert any(part in printed.err for part in fragment.split("|")), printed.err
    assert "Traceback" not in printed.err
    assert contents(folder) == before


def test_there_are_at_least_forty_cases():
    assert len(PROBLEMS) + len(TABLES) + len(ARGUMENTS) >= 90


@pytest.mark.parametrize(("text", "fragment"), PROBLEMS.values(), ids=PROBLEMS)
def test_problem_files(text, fragment, folder, capsys):
    (folder / "bad.toml").write_text(text, encoding="utf-8")
    rejected(["field", "bad.toml", "--at", "theta=3"], fragment, folder, capsys)


@pytest.mark.parametrize(("table", "fragment"), TABLES.values(), ids=TABLES)
def test_tables(table, fragment, folder, capsys):
    (folder / "bad.toml").write_text(GOOD_CSV)
    (folder / "rows.csv").write_text(table)
    rejected(["field", "bad.toml", "--at", "theta=3"], fragment, folder, capsys)


@pytest.mark.parametrize(("arguments", "fragment"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_arguments(arguments, fragment, folder, capsys):
    rejected(arguments, fragment, folder, capsys)


def test_bytes_that_are_no_text(folder, capsys):
    (folder / "bad.toml").write_bytes(b"\xff\xfe[problem]")
    before = (folder / "bad.toml").read_bytes()
    assert main(["field", "bad.toml"]) == 2
    assert "UTF-8" in capsys.readouterr().err
    assert (folder / "bad.toml").read_bytes() == before


@pytest.mark.parametrize("text", [GOOD, GOOD_CSV], ids=["lists", "table"])
def test_the_good_file_that_all_cases_alter_is_accepted(text, folder, capsys):
    (folder / "file.toml").write_text(text)
    assert main(["field", "file.toml", "--at", "theta=0.5"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "theta" in printed.out


MORE = ("malformed TOML", "exponent tower", "text in the loss")


@pytest.mark.parametrize("name", ["10 MB of parentheses", *(pytest.param(k, marks=pytest.mark.slow) for k in MORE)])
def test_in_a_process_of_its_own(name, folder):
    text, fragment = PROBLEMS[name]
    (folder / "bad.toml").write_text(text)
    before = contents(folder)
    arguments = [sys.executable, "-m", "adamsym", "field", "bad.toml", "--at", "theta=1"]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert fragment in done.stderr
    assert contents(folder) == before
