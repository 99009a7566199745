"""What the commands share: exit codes, common arguments, the reading of problem files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adamsym.cli.assignments import parse_box, parse_point
from adamsym.cli.output import working
from adamsym.cli.prepared import tell_dropped
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.gradients.reading import ProblemFile

HOLDS, REFUTED, BAD_INPUT, UNDECIDED = 0, 1, 2, 3
"""Exit codes."""

FAULT = 70
"""Exit code where adamsym itself is at fault: as for an internal error in sysexits.h."""

INTERRUPTED, NOBODY_READS, TERMINATED = 130, 141, 143
"""Exit codes as those of a process that a signal ends: Control-C, a pipe whose reader has gone, and SIGTERM."""

File = Annotated[Path, typer.Argument(help="A problem file (TOML).", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]

Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing of what may come next.")]

Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write a .csv, .npz or .parquet table.", show_default=False)
]

POINT_HELP = "theta=0.5; several by commas or repetition; w=[1,2] for w0=1,w1=2. Default: the file's [start]."


def read_file(file: Path) -> "ProblemFile":
    """Read a problem file, saying so on a terminal."""
    with working("reading the problem"):
        from adamsym.gradients.reading import read_problem

        found = read_problem(file)
    tell_dropped(file, found.dropped)
    return found


def read_problem_and_point(
    file: Path, texts: Sequence[str] | None, option: str, default: float | None = None
) -> "tuple[ProblemFile, list[float]]":
    """Read a problem file and the point that ``option`` gives, or the file's own start, or else the default."""
    source = read_file(file)
    start = {} if default is None else dict.fromkeys(source.problem.names, default)
    return source, parse_point(texts or (), source.problem.names, option, start | (source.start or {}))


def read_start_or_box(
    file: Path, at: Sequence[str] | None, box: Sequence[str] | None, region: str
) -> "tuple[ProblemFile, list[float] | None, list[list[float]] | None]":
    """Read a problem file, and a start from ``--at`` or the file, or in its place the region that ``--box`` gives."""
    if at and box:
        raise InputError(f"--at, --box: give one of them: a point near a zero, or {region}")
    if box:
        source = read_file(file)
        return source, None, parse_box(box, source.problem.names, "--box")
    return *read_problem_and_point(file, at, "--at"), None


def as_given(option: str, texts: Sequence[str] | None) -> list[str]:
    """Return an option with each of its texts, as it was given."""
    return [word for text in texts or () for word in (option, text)]


def whole_numbers(texts: Sequence[str] | None, option: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """Return the integers of texts such as ``1000,10000``; the default if there is no text."""
    found = []
    for text in ",".join(texts).split(",") if texts else ():
        if not (text.strip().isdecimal() and text.isascii() and len(text.strip()) <= 12):
            raise InputError(f"{option}: {text.strip()[:40]!r} is not allowed; allowed are integers such as 1000,10000")
        found.append(int(text))
    return tuple(found) or default
