"""Problem files that are made ready for evaluation once, and kept by their content and that of their table."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from adamsym.cli.output import tell
from adamsym.expressions.cache import keep, kept, key_of
from adamsym.expressions.errors import InputError
from adamsym.expressions.files import read_bytes

if TYPE_CHECKING:
    from adamsym.field.prepared.reading import Prepared
    from adamsym.gradients.reading import ProblemFile

_LARGEST = 50 * 2**20
"""Bytes of files that are looked up by their content; larger ones are read as they are."""


def kept_problem(key: str | None) -> "Prepared | None":
    """Return what was made ready of a problem file with this key, or None."""
    content = None if key is None else kept(key)
    if content is None:
        return None
    from adamsym.field.prepared.reading import from_bytes

    return from_bytes(content)


def prepared_problem(source: "ProblemFile", key: str | None) -> "Prepared | None":
    """Make a problem that was read ready; None where :class:`adamsym.AdamField` is needed.

    It is kept under the key that its file had before it was read, if it still has that: what is kept under a content
    must be made of it.
    """
    from adamsym.field.prepared.preparing import prepared

    found = prepared(source.problem, source.adam, source.start, source.dropped)
    if found is not None and key is not None and key == content_key(source.path):
        keep(key, found.to_bytes())
    return found


def tell_dropped(file: Path, dropped: int) -> None:
    """Say on standard error how many rows were left out."""
    if dropped:
        rows = f"{dropped} row" + ("s" if dropped > 1 else "")
        tell(f"adamsym: {file.name}: {rows} with missing numbers left out")


def content_key(file: Path) -> str | None:
    """Return a name for the content of a problem file and its table; None where reading it has more to say."""
    try:
        content = read_bytes(file, _LARGEST, "")
        data = tomllib.loads(content.decode("utf-8-sig")).get("data", {})
        table = data.get("file") if isinstance(data, dict) else None
        if not isinstance(table, str):
            return key_of(b"prepared", content)
        return key_of(b"prepared", content, read_bytes(file.parent / table, _LARGEST, ""))
    except (InputError, ValueError, RecursionError):
        return None
