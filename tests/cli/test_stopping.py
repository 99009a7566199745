"""Long commands that are stopped say what is kept, whichever signal it is; those that are not stopped say nothing."""

import importlib
import json
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from adamsym.__main__ import main
from adamsym.cli import signals, verify

FILE = str(Path(__file__).parents[2] / "examples" / "three_points.toml")
PROBLEM = """[problem]
loss = "(theta - x)**2/2"
parameters = ["theta"]

[data]
x = [0.0, 0.0, 3.0]

[adam]
beta1 = 0.9
beta2 = 0.99
eps = 1e-3

[start]
theta = 0.5
"""
CLAIM = """
from adamsym.claims import Claim, holds, refuted
claim = Claim("{name}", title="t", statement="s", source="here")
@claim.evidence("symbolic")
def evidence():
    return holds("yes", cases=1)
@claim.control("one")
def one():
    return refuted("as it should")
@claim.control("two")
def two():
    return refuted("as it should")
"""
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
COMMANDS = {
    "sweep": ("adamsym.continuation.sweep", ["sweep", "p.toml", "--over", "beta2=0.5:0.9", "--points", "4"]),
    "map": (
        "adamsym.continuation.map_zeros",
        ["map", "p.toml", "--over", "beta2=0.5:0.9", "--over", "eps=1e-3:1e-2", "--points", "2"],
    ),
    "map of the loss": (
        "adamsym.continuation.map_lyapunov",
        ["map", "p.toml", "--over", "beta2=0.9,0.99", "--over", "eps=0.1,1", "--of", "lyapunov", "--box", "theta=2:3"],
    ),
    "certified branch": (
        "adamsym.continuation.certify_branch",
        ["sweep", "p.toml", "--over", "beta2=0.9:0.91", "--certify"],
    ),
    "certified map": (
        "adamsym.continuation.certify_zeros_over",
        ["map", "p.toml", "--over", "beta2=0.9:0.91", "--over", "eps=0.1:0.2", "--box", "theta=0:1", "--certify"],
    ),
}
WITHOUT = {
    "track": ("adamsym.dynamics.pseudo_trajectory", ["track", "p.toml", "--starts", "1000", "--chains", "4"]),
    "flow": ("adamsym.dynamics.flow", ["flow", "p.toml", "--time", "1"]),
    "field": ("adamsym.gradients.reading.read_problem", ["field", "p.toml"]),
    "plot": ("adamsym.gradients.reading.read_problem", ["plot", "flow", "p.toml", "-o", "x.svg"]),
}
"""Commands that keep nothing."""


@pytest.fixture(autouse=True)
def interruptible():
    """A run in the background may ignore Control-C: here it counts."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "p.toml").write_text(PROBLEM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("command", COMMANDS)
def test_sweeps_and_maps_say_what_is_kept(command, number, folder, monkeypatch, capsys):
    where, arguments = COMMANDS[command]

    def stopped(*given, **options):
        signal.raise_signal(number)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(where, stopped)
    assert main(arguments) == CODES[number]
    said = "adamsym: interrupted. Nothing is kept; with --journal FILE what is finished is.\n"
    assert capsys.readouterr() == ("", said)
    assert main([*arguments, "--journal", "kept.journal"]) == CODES[number]
    said = "adamsym: interrupted. Nothing is finished, and kept.journal is not written.\n"
    assert capsys.readouterr() == ("", said)

    def stopped_later(*given, journal, **options):
        Path(journal).write_text("kept")
        signal.raise_signal(number)

    monkeypatch.setattr(where, stopped_later)
    assert main([*arguments, "--journal", "kept.journal"]) == CODES[number]
    said = "adamsym: interrupted. What is finished is in kept.journal: add --resume.\n"
    assert capsys.readouterr() == ("", said)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("command", WITHOUT)
def test_commands_that_keep_nothing_say_so(command, number, folder, monkeypatch, capsys):
    where, arguments = WITHOUT[command]
    module, name = where.rsplit(".", 1)

    def stopped(*given, **options):
        signal.raise_signal(number)

    monkeypatch.setattr(importlib.import_module(module), name, stopped)
    assert main(arguments) == CODES[number]
    assert capsys.readouterr() == ("", "adamsym: interrupted. Nothing is kept.\n")
    assert not (folder / "x.svg").exists()


@pytest.mark.parametrize("number", CODES)
def test_chains_say_where_they_are(number, folder, monkeypatch, capsys):
    def stopped(*given, checkpoint, **options):
        checkpoint.write_bytes(b"kept")
        signal.raise_signal(number)

    monkeypatch.setattr("adamsym.dynamics.simulate", stopped)
    assert main(["simulate", "p.toml", "--checkpoint", "run.npz"]) == CODES[number]
    assert capsys.readouterr().err == "adamsym: interrupted. The chains are in run.npz: add --resume.\n"
    monkeypatch.setattr("adamsym.dynamics.simulate", lambda *given, **options: signal.raise_signal(number))
    assert main(["simulate", "p.toml"]) == CODES[number]
    assert "Nothing is kept; with --checkpoint FILE what is finished is." in capsys.readouterr().err


def test_a_run_of_claims_gives_what_is_done(folder, monkeypatch, capsys):
    for name in ("T1", "T2"):
        (folder / f"{name.lower()}.py").write_text(CLAIM.format(name=name))

    @contextmanager
    def stopped():
        def look(modules):
            if any(module.state == "done" for module in modules):
                signal.raise_signal(signal.SIGTERM)

        yield look

    monkeypatch.setattr(verify, "_live", stopped)
    assert main(["verify", str(folder), "--workers", "1", "--junit", "part.xml"]) == 143
    printed = capsys.readouterr()
    assert "interrupted: 1 of 2 files done" in printed.err
    assert printed.out.startswith("1 of 1 claims hold")
    assert "T1" in printed.out
    assert "T2" not in printed.out
    assert "T1" in (folder / "part.xml").read_text()
    # What is done holds; of all claims together that is not known.
    assert main(["verify", str(folder), "--workers", "1", "--json"]) == 143
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], [claim["verdict"] for claim in found["claims"]]) == ("undecided", ["holds"])


def test_other_threads_have_no_signals():
    seen = []

    def play():
        with signals.ends_like_ctrl_c():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=play)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["sweep", FILE, "--over", "eps=0.1,0.2", "--over", "beta2=0.9,0.95,0.99", "--at", "theta=1"], "branch"),
        (
            ["track", FILE, "--from", "theta=1", "--starts", "2000,3000,4000", "--length", "0.01", "--chains", "4"],
            "window",
        ),
    ],
)
def test_what_is_finished_is_shown(command, shown, monkeypatch, capsys):
    """Ctrl-C after the first part: that one is printed; before it, nothing is."""
    part = {"sweep": "adamsym.continuation.sweep._combination", "track": "adamsym.dynamics.pseudo_trajectory._window"}
    module, name = part[command[0]].rsplit(".", 1)
    importlib.import_module(module)
    original, calls = getattr(sys.modules[module], name), []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return original(*arguments)

    monkeypatch.setattr(sys.modules[module], name, interrupted)
    assert main(command) == 130
    printed = capsys.readouterr()
    assert "what is finished so far" in printed.err
    assert shown in printed.out
    assert main(command) == 130  # the control: now the first part is stopped already
    again = capsys.readouterr()
    assert again.out == ""
    assert again.err.startswith("adamsym: interrupted. Nothing is kept")


def test_the_pairs_of_values_of_a_map_of_the_loss_that_are_done_are_shown(folder, monkeypatch, capsys):
    """Ctrl-C at the third of four pairs, or at the first one: then nothing is shown."""
    lyapunov = importlib.import_module("adamsym.continuation.maps.lyapunov")
    original, left = lyapunov.worst_cosine, 2

    def interrupted(*given):
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return original(*given)

    monkeypatch.setattr(lyapunov, "worst_cosine", interrupted)
    over = ["--over", "beta2=0.9,0.99", "--over", "eps=0.1,0.2"]
    command = ["map", "p.toml", *over, "--of", "lyapunov", "--box", "theta=2:3"]
    assert main([*command, "-o", "map.csv"]) == 130
    printed = capsys.readouterr()
    assert "what is finished so far:" in printed.err
    assert "by samples: 2 x 2 pairs of beta2 and eps, stopped: the loss no increase found at 2, not reached at 2" in (
        printed.out
    )
    verdicts = [line.split(",")[2] for line in (folder / "map.csv").read_text().splitlines()]
    assert verdicts == ["verdict", *["no increase found"] * 2, *["not reached"] * 2]
    left = 1
    assert main([*command, "-o", "map.svg"]) == 130
    assert (folder / "map.svg").exists()
    capsys.readouterr()
    left = 0
    assert main([*command, "-o", "none.csv"]) == 130
    assert capsys.readouterr().out == ""
    assert not (folder / "none.csv").exists()


def test_the_nodes_of_a_map_that_are_reached_are_shown(folder, monkeypatch, capsys):
    """Ctrl-C after the first node and one led from it: those are counted, others are not reached; or nothing is."""
    command = ["map", "p.toml", "--over", "beta2=0.9,0.95,0.99", "--over", "eps=0.1,0.2", "--at", "theta=1"]
    mapping = importlib.import_module("adamsym.continuation.maps.mapping")
    original, most = mapping.all_done, 3

    def interrupted(grid, tasks):
        nonlocal most
        for found in original(grid, tasks):
            most -= 1
            if most < 0:
                raise KeyboardInterrupt
            yield found

    monkeypatch.setattr(mapping, "all_done", interrupted)
    assert main([*command, "-o", "map.csv"]) == 130
    printed = capsys.readouterr()
    assert "what is finished so far" in printed.err
    assert "3 x 2 pairs of beta2 and eps, stopped, so far: 1 zero at 3" in printed.out
    assert [line.split(",")[2] for line in (folder / "map.csv").read_text().splitlines()].count("not reached") == 3
    most = 0
    assert main([*command, "-o", "none.csv"]) == 130
    assert capsys.readouterr().out == ""
    assert not (folder / "none.csv").exists()
