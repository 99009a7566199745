"""Discovery of claims in folders, without importing anything."""

import ast
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adamsym.expressions.errors import InputError


@dataclass(frozen=True)
class ClaimModule:
    """One Python file of a claims folder, and the names of its claims where they stand there as text.

    ``names`` is None where they do not: only running the file can tell.
    """

    path: Path
    names: tuple[str, ...] | None


def discover(folders: Sequence[str | os.PathLike[str]], claims: Sequence[str] = ()) -> tuple[ClaimModule, ...]:
    """Return the claim modules of the folders in alphabetical order: Python files whose names start with a letter.

    Nothing is imported here.

    Parameters
    ----------
    claims
        Names of claims, whose modules alone are returned; upper and lower case are the same.

    Raises
    ------
    InputError
        If a folder is missing, is no folder, or holds no such file; if a name is certainly no claim's.
    """
    found: list[ClaimModule] = []
    for folder in folders:
        path = Path(folder)
        if not path.is_dir():
            raise InputError(f"{path}: no such folder; give a folder of claims such as proofs_checks")
        modules = [ClaimModule(file, _names(file)) for file in sorted(path.glob("*.py")) if file.name[0].isalpha()]
        if not modules:
            raise InputError(f"{path}: no claims; a folder of claims holds Python files that define Claim objects")
        found += modules
    if not claims:
        return tuple(found)
    wanted = {claim.lower() for claim in claims}
    known = [name for module in found for name in module.names or ()]
    unknown = [claim for claim in claims if claim.lower() not in {name.lower() for name in known}]
    if unknown and all(module.names is not None for module in found):
        raise InputError(f"--claim: there is no claim {unknown[0][:80]!r} here; there are {', '.join(known)[:400]}")
    return tuple(module for module in found if module.names is None or wanted & {name.lower() for name in module.names})


def _names(file: Path) -> tuple[str, ...] | None:
    """The first arguments of the calls of ``Claim`` in a file, if all are text and the file can be read."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError):
        return None
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Claim":
            given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
            if not given or not isinstance(given[0], ast.Constant) or not isinstance(given[0].value, str):
                return None
            names.append(given[0].value)
    return tuple(names) or None
