"""Standard output that cannot be written, full disks: one line, exit code 2, and older files as they were."""

import io
import json
import os
import resource
import subprocess
import sys
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from adamsym.__main__ import main
from adamsym.cli.output import deliver

FILE = str(Path(__file__).parents[2] / "examples" / "three_points.toml")
BOX = ["--box", "theta=1.5:2"]
COMMANDS = [
    ["--version"],
    ["--help"],
    ["field", FILE],
    ["field", FILE, "--json"],
    ["flow", FILE, "--time", "1"],
    ["zeros", FILE, *BOX, "-o", "out.json"],
    ["lyapunov", FILE, *BOX, "-o", "out.json"],
    ["plot", "portrait", FILE, "-o", "out.png", *BOX],
    *([name, "--help"] for name in ("derive", "check", "simulate", "track", "verify", "report")),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_full_standard_output_is_one_line(folder, capsys, arguments):
    with open("/dev/full", "w") as full, redirect_stdout(full):
        assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error == "adamsym: standard output cannot be written: No space left on device\n"
    # What -o asks for is there whole, or not at all.
    for path in folder.glob("out.json"):
        json.loads(path.read_text())
    assert not list(folder.glob("*.journal"))
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("arguments", [["field", FILE], ["--help"]], ids=" ".join)
def test_a_pipe_without_a_reader_is_quiet(folder, capsys, arguments):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe, redirect_stdout(pipe):
        assert main(arguments) == 141
    assert capsys.readouterr().err == ""


def test_nothing_is_printed_before_the_end(folder, monkeypatch):
    """A command whose output cannot be written is not stopped half way."""
    seen = []

    class Watched(io.StringIO):
        def write(self, text):
            seen.append((Path("out.json").exists(), len(text)))
            return super().write(text)

    stream = Watched()
    with redirect_stdout(stream):
        assert main(["zeros", FILE, *BOX, "-o", "out.json"]) == 0
    assert [there for there, _ in seen] == [True]
    assert stream.getvalue().startswith("certified: exactly 0 zeros")


def test_characters_that_a_terminal_lacks_are_escaped():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    deliver("\u03b8 = 1 \u2500", stream)
    assert raw.getvalue() == rb"\u03b8 = 1 \u2500"


@pytest.mark.parametrize(
    ("redirection", "code", "words"),
    [
        (">/dev/full", 2, "standard output cannot be written: No space left on device"),
        (">&-", 2, "standard output is closed"),
        (">/dev/null 2>&-", 0, ""),
        (">/dev/null 2>/dev/full", 0, ""),
        ("| head -c 0", 0, ""),
    ],
)
def test_in_a_process_of_its_own(folder, redirection, code, words):
    script = f"{sys.executable} -m adamsym --help {redirection}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == (1 if words else 0)


def test_a_fault_of_adamsym_is_no_refutation(capsys, monkeypatch):
    def failing(*arguments):
        raise KeyError("a fault")

    monkeypatch.setattr("adamsym.cli.field.prepared_problem", failing)
    assert main(["field", FILE]) == 70
    error = capsys.readouterr().err
    assert "KeyError: 'a fault'" in error
    assert error.endswith("adamsym: this is a fault of adamsym, not of its input; please report it\n")


# --- full disks ---------------------------------------------------------------------------------------------------


@contextmanager
def full_disk(size):
    """No file may grow beyond so many bytes: what a write to a full disk does to a process.

    For the command alone: what runs the tests may write to files of its own.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


WRITING = {
    "zeros": (["zeros", FILE, "--box", "theta=-5:5", "-o", "out.json"], "out.json"),
    "lyapunov": (["lyapunov", FILE, *BOX, "-o", "out.json"], "out.json"),
    "plot": (["plot", "portrait", FILE, *BOX, "-o", "out.png"], "out.png"),
}


@pytest.mark.parametrize("name", WRITING)
def test_a_full_disk_is_one_line_and_leaves_what_was_there(folder, capsys, name):
    arguments, output = WRITING[name]
    (folder / output).write_text("older")
    with full_disk(200):
        code = main(arguments)
    printed = capsys.readouterr()
    assert code == 2, printed
    assert printed.out == ""
    assert printed.err.startswith("adamsym: ")
    assert printed.err.count("\n") == 1
    assert "File too large" in printed.err
    assert (folder / output).read_text() == "older"
    assert [path.name for path in folder.iterdir() if path.name not in (output, f"{output}.journal")] == []


def test_a_checkpoint_on_a_full_disk(folder, capsys):
    run = ["simulate", FILE, "--chains", "50", "--checkpoint", "out.npz", "--threads", "1"]
    with full_disk(10**6):  # the control: the same limit, with room enough
        assert main([*run, "--steps", "2"]) == 0
    older = (folder / "out.npz").read_bytes()
    capsys.readouterr()
    with full_disk(200):
        code = main([*run, "--steps", "4", "--resume"])
    assert code == 2
    assert capsys.readouterr().err == "adamsym: checkpoint: cannot write 'out.npz': File too large\n"
    assert (folder / "out.npz").read_bytes() == older
    with full_disk(10**6):
        assert main([*run, "--steps", "4", "--resume"]) == 0
    assert np.load(folder / "out.npz")["step"] == 4


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(24, "Too many open files", "/a/file"), "the system refuses: Too many open files: '/a/file'"),
        (BrokenPipeError(32, "Broken pipe"), "another process that this one needs has ended"),
        (EOFError(), "another process that this one needs has ended"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_what_the_system_refuses_is_no_refutation(capsys, monkeypatch, error, words):
    def failing(*arguments):
        raise error

    monkeypatch.setattr("adamsym.cli.field.prepared_problem", failing)
    assert main(["field", FILE]) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""
    assert printed.err.strip().count("\n") == 0


@pytest.mark.parametrize("command", ["zeros", "lyapunov"])
def test_a_continuous_law_without_a_closed_form_cannot_be_certified(folder, capsys, command):
    text = Path(FILE).read_text().replace("(theta - x)**2", "(theta - x**2)**2")
    (folder / "normal.toml").write_text(text.replace("x = [0.0, 0.0, 3.0]", 'x = "Normal(0, 1)"'))
    assert main([command, "normal.toml", *BOX, "-o", "out.json"]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith("adamsym: data: proofs for continuous laws need gradients that are affine in Normal")
    assert printed.err.count("\n") == 1
    assert printed.out == ""
    assert [path.name for path in folder.iterdir()] == ["normal.toml"]
