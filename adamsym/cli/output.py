"""What commands print: JSON or plain English on standard output, progress on standard error."""

import io
import json
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.expressions.columns import Columns
    from adamsym.expressions.results import Result

_WIDTH_IN_FILES = 160


class Printed(io.StringIO):
    """What a command prints, kept until it ends; it is a terminal if ``stream`` is."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def isatty(self) -> bool:
        """Return whether what is printed goes to a terminal."""
        # Colorama, where it is installed, asks at the end of the process.
        return not self._stream.closed and self._stream.isatty()


def deliver(text: str, stream: TextIO) -> None:
    """Write text to a stream to its end; characters that the stream's encoding lacks are escaped.

    Raises
    ------
    OSError
        If the stream cannot be written; it then goes nowhere, so that the interpreter does not complain at its end.
    """
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise


def tell(line: str) -> None:
    """Print a line on standard error, if that can be written: what else could be said, and where?"""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def complain(message: str) -> None:
    """Print a message on standard error, in one line."""
    tell("adamsym: " + " ".join(message.split()))


def hint(quiet: bool, *words: object) -> None:
    """Print as the last line on a terminal, unless that is not wanted, the command that may come next."""
    if sys.stdout.isatty() and not quiet:
        print(f"next: {shlex.join(['adamsym', *map(str, words)])}")


def print_result(found: "Result", names: Sequence[str] = (), **more: Any) -> None:
    """Print a result as one JSON object: its verdict, the parameters' names in order, what it holds, and ``more``."""
    named = {"parameters": list(names)} if names else {}
    print_json({"verdict": found.verdict} | named | found.to_dict() | more)


def print_json(value: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(value, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str] = ()) -> None:
    """Print a table; the columns named in ``numbers`` are aligned to the right."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else _WIDTH_IN_FILES).print(table)


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show on standard error, if it is a terminal, that something is under way."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def check_writable(path: Path | None, suffixes: Sequence[str], option: str = "-o") -> None:
    """Raise InputError unless ``path`` has an allowed suffix and its folder exists."""
    if path is None:
        return
    if path.suffix not in suffixes:
        raise InputError(f"{option}: {str(path)[:80]!r} has no known ending; allowed: {', '.join(suffixes)}")
    if not path.parent.is_dir():
        raise InputError(f"{option}: the folder {str(path.parent)[:80]!r} does not exist; make it first")
    if path.is_dir():
        raise InputError(f"{option}: {str(path)[:80]!r} is a folder; give a file")


def check_resume(journal: Path | None, resume: bool) -> None:
    """Raise InputError unless a journal is there exactly if it is to be gone on from."""
    if resume and (journal is None or not journal.exists()):
        raise InputError("--resume: there is no journal to go on from; name it with --journal")
    if journal is not None and journal.exists() and not resume:
        raise InputError(
            f"--journal: {str(journal)[:80]!r} exists already; add --resume to go on from it, or remove it"
        )


def write_output(path: Path, content: str | bytes) -> None:
    """Write what ``-o`` asks for so that the file is there whole or not at all."""
    from adamsym.expressions.whole_files import write_whole

    content = content.encode() if isinstance(content, str) else content
    write_whole(path, lambda file: file.write(content), "-o")


def about_certificate(path: Path) -> str:
    """Return where a certificate is, and the command that checks it, with the budget that this may take."""
    from adamsym.checker.needed_work import budget_for

    budget = budget_for(path)
    return f"certificate in {path}: adamsym check {path}" + ("" if budget is None else f" --budget {budget}")


def check_table(path: Path | None) -> None:
    """Raise InputError unless ``-o`` names a table that can be written: better known before the work than after it."""
    if path is None:
        return
    from adamsym.expressions.columns import ENDINGS, check_ending

    check_writable(path, ENDINGS)
    check_ending(path)
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise InputError(f"-o: cannot write to {str(path.parent)[:80]!r}: {error.strerror}") from None


def write_table(path: Path, columns: "Columns") -> None:
    """Write the table that ``-o`` asks for so that the file is there whole or not at all."""
    from adamsym.expressions.columns import write_columns
    from adamsym.expressions.whole_files import write_whole

    write_whole(path, lambda file: write_columns(file, path.suffix, columns), "-o")
