"""The commands zeros, lyapunov and check: promised keys, exit codes, certificates, journals."""

import json
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from adamsym.certify import zeros as zeros_module

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
    assert run("check", "zeros.json", "--workers", "1", "--json")["valid"] is True
    assert run("zeros", FILE, "--box", "theta=-5:5").startswith("certified: exactly 1 zero in the box")
    content = json.loads((tmp_path / "zeros.json").read_text())
    content["zeros"][0]["stability"] = "repelling"
    (tmp_path / "false.json").write_text(json.dumps(content))
    refused = run("check", "false.json", "--workers", "1", "--json", code=1)
    assert set(refused) == {"valid", "reason"}
    assert refused["valid"] is False
    assert run("check", "false.json", "--workers", "1", code=1).startswith("NOT valid: the digest")


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
    original, calls = zeros_module._examine, []

    def counted(*arguments):
        calls.append(arguments)
        if len(calls) == 5:
            raise BrokenProcessPool("killed")
        return original(*arguments)

    monkeypatch.setattr(zeros_module, "_examine", counted)
    line = run("zeros", FILE, "--box", "theta=-5:5", "-o", "out.json", code=2)
    assert "--resume" in line
    assert not (tmp_path / "out.json").exists()
    assert (tmp_path / "out.json.journal").read_text().count("\n") == 5
    assert "exists already" in run("zeros", FILE, "--box", "theta=-5:5", "-o", "out.json", code=2)
    found = run("zeros", FILE, "--box", "theta=-5:5", "-o", "out.json", "--resume", "--json")
    assert found["complete"] is True
    assert len(calls) == found["examined"] + 1
    assert not (tmp_path / "out.json.journal").exists()


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["zeros", FILE], "no range for theta"),
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
