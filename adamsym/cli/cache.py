"""The command that shows what is kept between runs, and removes it."""

from typing import Annotated

import typer

from adamsym.cli.options import HOLDS, Json
from adamsym.cli.output import print_json
from adamsym.expressions.cache import VARIABLE, cache_folder, sizes
from adamsym.expressions.cache import clear as remove


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove it.")] = False,
    as_json: Json = False,
) -> int:
    """Show what is kept between runs: problems made ready for evaluation. It only saves time."""
    folder = cache_folder()
    entries, size = remove() if clear else sizes()
    if as_json:
        print_json({"folder": None if folder is None else str(folder), "entries": entries, "bytes": size})
    elif folder is None:
        print(f"nothing is kept: {VARIABLE} is off")
    else:
        print(f"{'removed from' if clear else 'kept in'} {folder}: {entries} problems, {size / 2**20:.1f} MB")
    return HOLDS
