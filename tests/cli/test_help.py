"""Help, its examples, what may come next, and completion: all of it runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from adamsym.__main__ import main
from adamsym.cli.app import app
from adamsym.cli.examples import EXAMPLES
from adamsym.cli.output import Printed

ROOT = Path(__file__).parents[2]
SIGNS = """[problem]
loss = "(theta - x)**2/2"
parameters = ["theta"]

[data]
x = [0, 0, 3]

[adam]
method = "Signum"
beta1 = 0.9
"""
SLOW = ("explore", "derive", "verify", "report", "map", "track", "sweep", "plot", "check")
"""Commands whose examples only `make test-long` runs."""


def names():
    return [one.name for one in app.registered_commands]


@pytest.fixture
def terminal(monkeypatch):
    """What is printed goes to a terminal."""
    monkeypatch.setattr(Printed, "isatty", lambda self: True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with data.csv and signs.toml, in which the examples follow from one another."""
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("x,y\n1,1.1\n2,1.9\n3,3.2\n4,9\n")
    Path("signs.toml").write_text(SIGNS)
    return tmp_path


def test_every_command_has_a_summary_and_examples(run):
    assert set(names()) == set(EXAMPLES)
    whole = run("-h")
    for one in app.registered_commands:
        assert re.search(rf"^  {one.name} +{re.escape(one.short_help)}$", whole, re.MULTILINE)


@pytest.mark.parametrize("name", EXAMPLES)
def test_help_shows_examples_as_they_are_typed(run, name):
    shown = run(name, "-h")
    assert shown == run(name, "--help")
    at_the_end = shown[shown.index("Examples:") :].splitlines()[1:]
    assert tuple(line.strip() for line in at_the_end if line.strip()) == EXAMPLES[name]


def run_examples(name):
    for line in EXAMPLES[name]:
        program, *arguments = shlex.split(line)
        assert program == "adamsym"
        assert main(arguments) == 0, line


@pytest.mark.usefixtures("folder")
def test_examples_run(capsys):
    for name in (name for name in EXAMPLES if name not in SLOW):
        run_examples(name)
    assert capsys.readouterr().err == ""
    assert {path.name for path in Path().iterdir()} >= {"problem.toml", "data.toml", "zero.json", "region.json"}


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_longer_examples_run(name, folder):
    if name == "verify":
        shutil.copytree(ROOT / "proofs_checks", "proofs_checks")
    run_examples("init")
    if name == "check":
        run_examples("zeros")
        run_examples("lyapunov")
    run_examples(name)


@pytest.mark.parametrize("name", SLOW)
def test_longer_examples_have_options_that_exist(name):
    """They are parsed without being run."""
    import typer

    command = typer.main.get_command(app).commands[name]
    for line in EXAMPLES[name]:
        command.make_context(name, shlex.split(line)[2:])
    with pytest.raises(typer.TyperException):
        command.make_context(name, ["--no-such-option"])


# --- what may come next -------------------------------------------------------------------------------------------

CHAIN = [
    ["init"],
    ["flow", "problem.toml", "--from", "theta=1.5", "--time", "1"],
    ["simulate", "problem.toml", "--steps", "10", "--chains", "2"],
    ["zeros", "problem.toml", "--box", "theta=0.9:1.1"],
    ["lyapunov", "problem.toml", "--box", "theta=2:4"],
    ["field", "problem.toml", "--at", "theta=2"],
]


@pytest.mark.usefixtures("folder")
def test_commands_say_what_may_come_next_on_a_terminal(capsys, terminal):
    found = []
    for arguments in CHAIN:
        assert main(arguments) == 0
        found.append(capsys.readouterr().out.splitlines()[-1])
    for arguments in (["init", "--force", "-q"], ["field", "problem.toml", "--quiet"]):
        assert main(arguments) == 0
        assert "next:" not in capsys.readouterr().out
    assert found == [
        "next: adamsym field problem.toml",
        "next: adamsym simulate problem.toml --from theta=1.5 --steps 2000",
        "next: adamsym plot flow problem.toml -o flow.svg",
        "next: adamsym plot zeros problem.toml --box theta=0.9:1.1 -o zeros.svg",
        "next: adamsym plot lyapunov problem.toml --box theta=2:4 -o lyapunov.svg",
        "next: adamsym zeros problem.toml --at theta=2",
    ]
    # Each is what may be typed: it leads on.
    for line in (found[0], found[1], found[-1]):
        assert main(shlex.split(line.removeprefix("next: adamsym "))) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("next: adamsym sweep problem.toml --at theta=2 --over")


@pytest.mark.slow
@pytest.mark.usefixtures("folder", "terminal")
def test_every_hint_leads_on(capsys):
    waiting, seen = [["init"]], []
    while waiting:
        arguments = waiting.pop()
        assert main(arguments) in (0, 3), arguments
        seen.append(arguments[0])
        last = capsys.readouterr().out.splitlines()[-1]
        if last.startswith("next: adamsym "):
            waiting.append(shlex.split(last)[2:])
    assert seen == ["init", "field", "zeros", "sweep", "plot", "report"]


@pytest.mark.usefixtures("folder")
def test_nothing_of_it_reaches_a_file_or_a_program(capsys, monkeypatch):
    assert main(["init"]) == 0
    assert "next:" not in capsys.readouterr().out
    monkeypatch.setattr(Printed, "isatty", lambda self: True)
    assert main(["field", "problem.toml", "--json"]) == 0
    assert "next:" not in capsys.readouterr().out


def test_file_names_are_quoted(folder, capsys, terminal):
    assert main(["init", "-o", "my problem.toml"]) == 0
    assert capsys.readouterr().out.endswith("next: adamsym field 'my problem.toml'\n")


# --- completion ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("adamsym fi", {"field"}),
        ("adamsym field --enc", {"--enclose"}),
        ("adamsym plot z", {"zeros"}),
        ("adamsym init --loss h", {"huber", "hinge"}),
    ],
)
def test_names_are_completed(monkeypatch, capsys, words, found):
    monkeypatch.setenv("_ADAMSYM_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    assert main([]) == 0
    printed = capsys.readouterr()
    assert set(printed.out.split()) == found
    assert printed.err == ""


def test_the_script_of_completion_is_printed(monkeypatch, capsys):
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "zsh")
    assert main(["--show-completion"]) == 0
    printed = capsys.readouterr()
    assert "#compdef adamsym" in printed.out
    assert printed.err == ""
