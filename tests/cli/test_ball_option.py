"""adamsym lyapunov --ball and --global: promised keys, exit codes, what is explained, certificates."""

from pathlib import Path

import pytest

from adamsym.__main__ import main

LINEAR = """
[problem]
loss = "(a*x + b*y - z)**2/2"
parameters = ["a", "b"]

[data]
x = [1.0, 0.5]
y = [0.5, -1.0]
z = [1.0, 2.0]

[adam]
beta1 = 0.9
beta2 = 0.999
eps = 1e-8

[start]
a = 0.0
b = 0.0
"""


@pytest.fixture
def file(tmp_path):
    (tmp_path / "linear.toml").write_text(LINEAR)
    (tmp_path / "curved.toml").write_text(LINEAR.replace("a*x", "tanh(a)*x").replace("= 0.999", "= 0.9"))
    (tmp_path / "two.toml").write_text(LINEAR.replace("**2/2", "**2/2 + a"))
    return "linear.toml"


def test_everywhere(run, file):
    found = run("lyapunov", file, "--global", "-o", "all.json", "--json")
    assert {"verdict", "region", "witness", "undecided"} <= set(found)
    assert (found["verdict"], found["witness"], found["undecided"]) == ("certified", None, [])
    assert found["region"]["ball"]["radius"] is None
    assert found["region"]["rate"] > 0
    assert found["explanation"]["carried_by"] == "N-Theorem 6"
    assert run("check", "all.json", "--workers", "1").startswith("valid: all 2 proofs hold")
    assert run("lyapunov", file, "--global").startswith("certified: L decreases along the flow in all of space")


def test_everywhere_starts_at_0_if_no_start_is_given(run, file):
    Path("none.toml").write_text(Path(file).read_text().partition("[start]")[0])
    found = run("lyapunov", "none.toml", "--global", "--json")["region"]
    at = run("lyapunov", "none.toml", "--global", "--at", "a=0,b=0", "--json")["region"]
    assert found == at
    assert found != run("lyapunov", "none.toml", "--global", "--at", "a=1,b=0", "--json")["region"]
    assert "no value for a" in run("lyapunov", "none.toml", "--ball", "0.25", code=2)


def test_a_box_around_a_point(run, file):
    found = run("lyapunov", file, "--ball", "0.25", "-o", "ball.json", "--json")
    region = found["region"]
    assert {"ball", "rate", "trapped_radius"} <= set(region)
    assert region["ball"]["radius"] == 0.25
    assert region["ball"]["center"] == pytest.approx([1.6, -1.2])
    assert 0 < region["trapped_radius"] < 0.25
    assert region["tube"]["level"] > 0
    assert run("check", "ball.json", "--workers", "1").startswith("valid: all 4 proofs hold")
    text = run("lyapunov", file, "--ball", "largest", "--at", "a=1", "--explain")
    assert "half-width 10.0" in text
    assert "carries the verdict" in text


def test_what_is_not_proved_is_explained(run, file):
    text = run("lyapunov", "curved.toml", "--ball", "0.5", code=3)
    assert text.startswith("undecided on the box of half-width 0.5: no interpolating point is found near")
    text = run("lyapunov", "curved.toml", "--ball", "0.5", "--at", "a=-1,b=-1.2", "-o", "open.json", code=3)
    assert text.startswith("undecided")
    found = run("lyapunov", "curved.toml", "--global", "--json", code=3)
    assert found["undecided"]
    assert found["region"]["rate"] is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ball", "0"], "--ball: 0 is not allowed; allowed are positive numbers, and largest"),
        (
            ["--ball", "wide"],
            "--ball: 'wide' is not a finite real number; write it as -3, 0.5 or 1e-8; largest is allowed too",
        ),
        (["--ball", "1", "--global"], "--box, --ball and --global name three different regions"),
        (["--global", "--journal", "j"], "--journal and --resume go with --box"),
        (["--global", "--budget", "7"], "--budget and --cluster go with --box"),
        (["--box", "a=0:1,b=0:1", "--explain"], "--explain and --at go with --ball or --global"),
        (["--global", "--at", "c=1"], "--at: 'c' is no parameter"),
        (["--global", "-o", "out.txt"], "-o: 'out.txt' has no known ending"),
    ],
)
def test_bad_input_is_one_line(file, tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    assert main(["lyapunov", file, *options]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""


def test_a_loss_that_is_no_square_is_refused(file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["lyapunov", "two.toml", "--global"]) == 2
    assert "written as a square" in capsys.readouterr().err
