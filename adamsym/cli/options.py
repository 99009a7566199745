"""What the commands share: exit codes, common arguments, the reading of problem files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adamsym.cli.output import working

if TYPE_CHECKING:
    from adamsym.problem.reading import ProblemFile

HOLDS, REFUTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3
"""Exit codes."""

File = Annotated[Path, typer.Argument(help="A problem file (TOML).", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


def read_file(file: Path) -> "ProblemFile":
    """Read a problem file, saying so on a terminal."""
    with working("reading the problem"):
        from adamsym.problem.reading import read_problem

        return read_problem(file)
