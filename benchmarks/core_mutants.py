"""Mutants by hand, from core_mutants.toml: the core formulas, and changes that change nothing."""

import tomllib
from pathlib import Path

from mutants import Mutant, replaced

LISTED = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def core_mutants(root: Path) -> list[tuple[Mutant, str]]:
    """Return the mutants of the core formulas, with what each breaks; every line must still be there."""
    return _read(root, "core")


def tested_mutants(root: Path) -> list[tuple[Mutant, str, str]]:
    """Return the mutants of formulas that no claim speaks of, with what each breaks and the tests that must notice."""
    return [
        (replaced(root, f"adamsym/{path}", line, before, after), meaning, tests)
        for path, line, before, after, meaning, tests in LISTED["tested"]
    ]


def control_mutants(root: Path) -> list[tuple[Mutant, str]]:
    """Return the changes that change nothing: they must survive, or the harness kills by itself."""
    return _read(root, "controls")


def _read(root: Path, name: str) -> list[tuple[Mutant, str]]:
    found = []
    for path, line, before, after, meaning, *count in LISTED[name]:
        found.append((replaced(root, f"adamsym/{path}", line, before, after, *count), meaning))
    return found
