"""The commands zeros, lyapunov and check: promised keys, exit codes, certificates, journals."""

import json
import re
import signal
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from adamsym.__main__ import main
from adamsym.certify.lyapunov.box_task import LyapunovTask
from adamsym.certify.zeros.zero_task import ZeroTask
from adamsym.checker import check_certificate, needed_work

FILE = str(Path(__file__).parents[2] / "examples" / "three_points.toml")


def test_zeros_and_their_certificate(run, tmp_path):
    found = run("zeros", FILE, "--box", "theta=-5:5", "-o", "zeros.json", "--json")
    assert found["complete"] is True
    assert found["undecided"] == []
    [zero] = found["zeros"]
    assert {"box", "midpoint", "unique", "stability"} <= set(zero)
    assert zero["unique"] is True
    assert zero["midpoint"][0] == pytest.approx(0.9995039667)
    assert [path.name for path in tmp_path.iterdir()] == ["zeros.json"]
    for options in ([], ["--slow"]):
        assert run("check", "zeros.json", "--workers", "1", *options, "--json")["valid"] is True
    assert run("zeros", FILE, "--box", "theta=-5:5").startswith("certified: exactly 1 zero in the box")
    content = json.loads((tmp_path / "zeros.json").read_text())
    content["zeros"][0]["stability"] = "repelling"
    (tmp_path / "false.json").write_text(json.dumps(content))
    refused = run("check", "false.json", "--workers", "1", "--json", code=1)
    assert set(refused) == {"verdict", "valid", "reason", "proofs"}
    assert refused["valid"] is False
    for options in ([], ["--slow"]):
        assert run("check", "false.json", "--workers", "1", *options, code=1).startswith("NOT valid: the digest")
    given_up = run("check", "zeros.json", "--workers", "1", "--budget", "1000", "--json", code=3)
    assert (given_up["valid"], given_up["undecided"]) == (False, True)
    assert run("check", "zeros.json", "--workers", "1", "--budget", "1000", code=3).startswith("undecided: ")


def test_a_budget_that_goes_on_is_told(run, tmp_path, monkeypatch):
    """From what is told to what is told next, a check comes to its end; the maker says it at once."""
    printed = run("zeros", FILE, "--box", "theta=-5:5", "-o", "zeros.json")
    assert "--budget" not in printed
    content, budget, proofs = json.loads((tmp_path / "zeros.json").read_text()), 1000, []
    while (found := check_certificate(content, operations=budget)).undecided:
        assert found.budget > budget
        proofs.append(found.proofs)
        text = run("check", "zeros.json", "--workers", "1", "--budget", str(budget), code=3)
        assert f"--budget {found.budget} goes on" in text
        budget = found.budget
    assert found.valid
    assert proofs == sorted(proofs)
    assert 0 < len(proofs) < 20
    monkeypatch.setattr(needed_work, "FEW", 1)
    monkeypatch.setattr(needed_work, "BUDGET", 1000)
    printed = run("zeros", FILE, "--box", "theta=-5:5", "-o", "zeros.json")
    (told,) = re.findall(r"adamsym check zeros\.json --budget (\d+)$", printed, re.MULTILINE)
    assert run("check", "zeros.json", "--workers", "1", "--budget", told).startswith("valid: ")


def test_what_is_left_is_said(run):
    found = run("zeros", FILE, "--box", "theta=-5:5", "--budget", "3", "--json", code=3)
    assert found["complete"] is False
    assert found["undecided"]
    assert run("zeros", FILE, "--box", "theta=-5:5", "--budget", "3", code=3).startswith("undecided: 0 zeros certified")


def test_lyapunov(run):
    found = run("lyapunov", FILE, "--box", "theta=1.5:4", "--json", "-o", "region.json")
    assert {"verdict", "region", "witness", "undecided"} <= set(found)
    assert found["verdict"] == "certified"
    assert found["region"]["rate"] > 0
    assert run("check", "region.json", "--workers", "1").startswith("valid: all")
    assert "N-Theorem 2" in run("lyapunov", FILE, "--box", "theta=1.5:4")
    refuted = run("lyapunov", FILE, "--box", "theta=0.99:1.01", "--json", code=1)
    assert refuted["verdict"] == "refuted"
    assert refuted["witness"]["bounds"][0] > 0
    assert run("lyapunov", FILE, "--box", "theta=0.99:1.01", code=1).startswith("refuted: at theta = 0.9996")
    undecided = run("lyapunov", FILE, "--box", "theta=0.5:1.7", "--budget", "2", "--json", code=3)
    assert undecided["verdict"] == "undecided"


def test_journals_are_gone_on_from(run, tmp_path, monkeypatch):
    original, rounds = ZeroTask.all_examined, []

    def counted(task, boxes):
        rounds.append(len(boxes))
        if len(rounds) == 4:
            raise BrokenProcessPool("killed")
        return original(task, boxes)

    monkeypatch.setattr(ZeroTask, "all_examined", counted)
    monkeypatch.setattr(ZeroTask, "first_operations", 0)
    line = run("zeros", FILE, "--box", "theta=-5:5", "-o", "out.json", code=2)
    assert "--resume" in line
    assert not (tmp_path / "out.json").exists()
    assert (tmp_path / "out.json.journal").read_text().count("\n") == 1 + sum(rounds[:3])
    assert "exists already" in run("zeros", FILE, "--box", "theta=-5:5", "-o", "out.json", code=2)
    found = run("zeros", FILE, "--box", "theta=-5:5", "-o", "out.json", "--resume", "--json")
    assert found["complete"] is True
    assert sum(rounds) == found["examined"] + rounds[3]
    assert not (tmp_path / "out.json.journal").exists()


SYMMETRIC = str(Path(__file__).parents[1] / "cases" / "sym.toml")


def test_a_zero_beyond_the_box_is_listed_but_not_counted(run):
    found = run("zeros", SYMMETRIC, "--box", "theta=1e-12:5", "--json", "-o", "beside.json")
    assert found["complete"] is True
    assert found["zeros"] == found["undecided"] == found["clusters"] == []
    [zero] = found["beyond"]
    assert zero["box"][0][0] < 0 < zero["box"][0][1] < 1e-12
    assert run("check", "beside.json", "--workers", "1", "--json")["valid"] is True
    words = run("zeros", SYMMETRIC, "--box", "theta=1e-12:5")
    assert words.startswith("certified: exactly 0 zeros in the box\nbeyond the box, or on its border; not counted:")
    border = run("zeros", SYMMETRIC, "--box", "theta=0:5", code=3)
    assert border.startswith("undecided: 0 zeros certified in the box, and 1 box is left")
    assert "widen the box" in border


SHORT_MEMORY = "[adam]\nbeta1 = 0.5\nbeta2 = 0.9\neps = 0.1\n"


@pytest.mark.parametrize("adam", [SHORT_MEMORY, pytest.param("", marks=pytest.mark.slow)], ids=["short", "default"])
def test_multiple_zeros_are_counted_in_words(run, adam):
    file = Path("double_root.toml")
    file.write_text(Path(SYMMETRIC).with_name(file.name).read_text() + adam)
    words = run("zeros", str(file), "--box", "t=-1:1", code=3)
    assert words.startswith("undecided: 0 zeros certified one by one in the box, and 2 boxes are left with at least 1")


def test_a_loss_that_is_nowhere_zero_has_no_rate(run):
    file = str(Path(SYMMETRIC).with_name("r1b.toml"))
    found = run("lyapunov", file, "--box", "theta=-1:1", "--json", "-o", "region.json")
    assert found["verdict"] == "certified"
    assert found["region"]["rate"] is None
    assert found["regions"]["mu"] is None
    assert run("check", "region.json", "--workers", "1", "--json")["valid"] is True
    assert "decays" not in run("lyapunov", file, "--box", "theta=-1:1")


def test_certificates_of_the_first_format_are_bad_input(run):
    for name in ("f1_zero_outside", "F2_witness_outside_region"):
        assert "format 1" in run("check", str(Path(SYMMETRIC).with_name(f"{name}.json")), code=2)


@pytest.mark.parametrize(
    ("command", "task", "box", "number"),
    [("zeros", ZeroTask, "theta=-5:5", signal.SIGTERM), ("lyapunov", LyapunovTask, "theta=0.5:1.7", signal.SIGINT)],
)
def test_what_is_known_when_it_is_interrupted_is_said_and_written(
    command, task, box, number, tmp_path, monkeypatch, capsys
):
    """Ctrl-C, or SIGTERM, during the third box: that one is finished, the rest is undecided; the journal stays."""
    monkeypatch.chdir(tmp_path)
    original, rounds = task.all_examined, []

    def interrupted(searched, boxes):
        rounds.append(len(boxes))
        if sum(rounds) == 3:
            signal.raise_signal(number)
        return original(searched, boxes)

    monkeypatch.setattr(task, "all_examined", interrupted)
    monkeypatch.setattr(task, "first_operations", 0)
    before = signal.getsignal(number)
    assert main([command, FILE, "--box", box, "-o", "part.json"]) == 3
    assert signal.getsignal(number) is before
    printed = capsys.readouterr()
    assert printed.out.startswith("stopped by Ctrl-C after 3 boxes: what is known so far\nundecided: ")
    assert printed.err.startswith("adamsym: stopping;")
    assert "add --resume" in printed.err
    assert sum(rounds) == 3
    assert check_certificate(tmp_path / "part.json").valid
    assert json.loads((tmp_path / "part.json").read_text())["leaves"][-1]["reason"].startswith("the search was stopped")
    monkeypatch.setattr(task, "all_examined", original)
    done = main([command, FILE, "--box", box, "-o", "part.json", "--resume", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["stopped"] is False
    assert found["examined"] > 3
    assert done == (0 if command == "zeros" else 1)
    assert not (tmp_path / "part.json.journal").exists()


def test_a_second_interrupt_breaks_off(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def interrupted(*arguments):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ZeroTask, "all_examined", interrupted)
    monkeypatch.setattr(ZeroTask, "first_operations", 0)
    try:
        code = main(["zeros", FILE, "--box", "theta=-5:5", "-o", "none.json"])
    except KeyboardInterrupt:
        code = None
    assert code not in (0, 1, 2, 3)
    assert not (tmp_path / "none.json").exists()


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["zeros", FILE], "no range for theta; give --box theta=-5:5, or --at for the one zero near a point"),
        (["lyapunov", FILE], "no range for theta; give --box theta=-5:5, or --ball or --global"),
        (["zeros", FILE, "--box", "theta=5"], "low:high"),
        (["zeros", FILE, "--box", "theta=5:1"], "lower end above"),
        (["zeros", FILE, "--box", "x=0:1"], "no parameter"),
        (["zeros", FILE, "--box", "theta=0:nan"], "finite"),
        (["zeros", FILE, "--box", "theta=0:1,theta=0:1"], "twice"),
        (["zeros", FILE, "--box", "theta=0:1", "-o", "out.txt"], ".json"),
        (["zeros", FILE, "--box", "theta=0:1", "--resume"], "no journal"),
        (["zeros", FILE, "--box", "theta=0:1", "--width", "-1"], "must be positive"),
        (["lyapunov", FILE, "--box", "theta=1:1"], "lower end below"),
        (["check", FILE], "no JSON"),
        (["check", "none.json"], "cannot read"),
    ],
)
def test_bad_input(run, arguments, fragment):
    assert fragment in run(*arguments, code=2)


def test_the_one_zero_near_a_point(run, tmp_path):
    found = run("zeros", FILE, "--at", "theta=1.2", "-o", "zero.json", "--json")
    assert found["complete"] is None
    [zero] = found["zeros"]
    assert {"box", "midpoint", "unique", "stability", "critical_point", "nearest_minimum"} <= set(zero)
    assert zero["midpoint"][0] == pytest.approx(0.9995039667)
    [[low, high]] = found["unique_in"]
    assert low < zero["midpoint"][0] < high
    assert zero["nearest_minimum"]["kind"] == "minimum"
    assert zero["nearest_minimum"]["distance"][0] == pytest.approx(1 - 0.9995039667, abs=1e-9)
    assert run("check", "zero.json", "--workers", "1", "--json")["valid"] is True
    content = json.loads((tmp_path / "zero.json").read_text())
    content["zero"]["stability"] = "saddle"
    (tmp_path / "false.json").write_text(json.dumps(content))
    assert run("check", "false.json", "--workers", "1", "--json", code=1)["valid"] is False
    assert run("zeros", FILE, "--at", "theta=1").startswith("certified: one zero")
    (tmp_path / "flat.toml").write_text(
        '[problem]\nloss = "theta**4/4 - x*theta"\nparameters = ["theta"]\n[data]\nx = [-1, 1]\n'
        "[adam]\nbeta1 = 0.5\nbeta2 = 0.9\neps = 0.1\n"
    )
    flat = run("zeros", "flat.toml", "--at", "theta=0.01", "-o", "none.json", "--json", code=3)
    assert (flat["zeros"], flat["undecided"]) == ([], [[[0.01, 0.01]]])
    assert not (tmp_path / "none.json").exists()
    assert main(["zeros", FILE, "--at", "x=1"]) == 2
    assert main(["zeros", FILE, "--at", "theta=1", "--box", "theta=0:1"]) == 2
    for option in (["--width", "1e-5"], ["--budget", "7"], ["--journal", "j"], ["--resume"]):
        assert main(["zeros", FILE, "--at", "theta=1", *option]) == 2


FITTED = """[problem]
loss = "(a*b*x - y)**2/2"
parameters = ["a", "b"]
[data]
x = [1, 2]
y = [1, 2]
[adam]
beta1 = 0.5
beta2 = 0.9
eps = 0.1
[start]
a = 1.2
b = 1
"""


def test_sets_of_minima(run, tmp_path):
    """Near a point and in a box; of contradicting rows there is none, and nothing is written."""
    (tmp_path / "fitted.toml").write_text(FITTED)
    (tmp_path / "contradicting.toml").write_text(FITTED.replace("y = [1, 2]", "y = [1, 2.1]"))
    text = run("zeros", "fitted.toml", "--at", "b=1.1", "-o", "set.json")
    assert text.startswith("certified: a set of minima of dimension 1: in the box of half-width")
    assert "2 parameters less 1 residual with linearly independent gradients" in text
    assert run("check", "set.json", "--workers", "1").startswith("valid: all 3 proofs hold")
    found = run("zeros", "fitted.toml", "--at", "b=1.1", "--json")
    assert (found["zeros"], found["undecided"], found["complete"]) == ([], [], None)
    assert (found["minima"]["dimension"], found["minima"]["rows"]) == (1, [0])
    assert 0 < found["minima"]["alone"]["radius"] <= found["minima"]["radius"]
    text = run("zeros", "fitted.toml", "--box", "a=0.5:2,b=0.5:2", "-o", "sets.json")
    assert text.startswith("certified: exactly 1 set of minima of dimension 1 in the box")
    assert "within a in [0.5, 2], b in [0.5, 2]" in text
    assert run("check", "sets.json", "--workers", "1", "--json")["valid"] is True
    found = run("zeros", "fitted.toml", "--box", "a=0.5:2,b=0.5:2", "--json")
    assert found["complete"] is True
    [one] = found["sets"]
    assert one["dimension"] == 1
    assert one["center"][0] * one["center"][1] == pytest.approx(1, abs=1e-12)
    other = run("zeros", "contradicting.toml", "--at", "b=1", "-o", "none.json", "--json", code=3)
    assert other["minima"] is None
    assert not (tmp_path / "none.json").exists()
