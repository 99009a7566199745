"""What Coq itself says of a file: accepted or not, and the axioms that its theorems rest on."""

import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.results import Result
from adamsym.formal.prove import library_files, write_library

_SILENT = ("-w", "-ambiguous-paths")
_OPEN = ExitStack()
"""Keeps the folder of the compiled library until the process ends."""


@dataclass(frozen=True, repr=False)
class KernelReport(Result):
    """What ``coqc`` said of a file.

    Attributes
    ----------
    accepted
        Whether it compiled: every theorem in it is then proved.
    axioms
        Names of the axioms that the theorems rest on whose assumptions the file prints.
    message
        Coq's error, if there is one.
    version
        Of Coq.
    """

    accepted: bool
    axioms: tuple[str, ...]
    message: str
    version: str

    @property
    def verdict(self) -> str:
        """ "formal" or "refuted"."""
        return "formal" if self.accepted else "refuted"

    def to_dict(self) -> dict[str, Any]:
        """Return whether it was accepted, the axioms, Coq's message and its version as JSON data."""
        return {
            "accepted": self.accepted,
            "axioms": list(self.axioms),
            "message": self.message,
            "version": self.version,
        }

    @property
    def summary(self) -> str:
        """The verdict in one line."""
        verdict = "accepted by" if self.accepted else f"NOT accepted ({' '.join(self.message.split())[:120]}) by"
        return f"{verdict} coqc {self.version}"


def coq_version() -> str | None:
    """Return the version of ``coqc``; None where it is not installed."""
    program = shutil.which("coqc")
    if program is None:
        return None
    printed = subprocess.run([program, "--print-version"], capture_output=True, text=True, check=False).stdout.split()
    return printed[0] if printed else None


def check_with_coq(text: str) -> KernelReport:
    """Return what ``coqc`` says of a file that :func:`adamsym.formal.prove_sign` or one of its kin wrote.

    The library is compiled once in a process, in a folder for the time being.

    Raises
    ------
    NotApplicable
        If ``coqc``, Coquelicot or Interval is not installed.
    """
    version = coq_version()
    if version is None:
        raise NotApplicable("coqc is not installed; on Debian: apt install coq libcoq-interval libcoq-coquelicot")
    library = compiled_library()
    with tempfile.TemporaryDirectory(prefix="adamsym-coq-") as folder:
        path = Path(folder) / "statement.v"
        path.write_text(text, encoding="utf-8")
        ran = _coqc(library, path)
    return KernelReport(ran.returncode == 0, assumptions(ran.stdout), ran.stderr.strip()[-500:], version)


@lru_cache(maxsize=1)
def compiled_library() -> Path:
    """Return a folder with the compiled library; it is removed when the process ends."""
    folder = Path(_OPEN.enter_context(tempfile.TemporaryDirectory(prefix="adamsym-coq-library-")))
    write_library(folder)
    for name in _in_order():
        ran = _coqc(folder, folder / name)
        if ran.returncode:
            raise NotApplicable(f"the Coq library does not compile, at {name}: {' '.join(ran.stderr.split())[:200]}")
    return folder


def assumptions(printed: str) -> tuple[str, ...]:
    """Return the axioms that ``Print Assumptions`` names, from all that Coq printed."""
    found = re.findall(r"^([A-Za-z_][\w.']*)(?= :|\n  +:)", printed, re.MULTILINE)
    return tuple(sorted(set(found)))


def _in_order() -> list[str]:
    return [line for line in library_files()["_CoqProject"].splitlines() if line.endswith(".v")]


def _coqc(library: Path, path: Path) -> "subprocess.CompletedProcess[str]":
    command = ["coqc", *_SILENT, "-R", str(library), "Adamsym", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)
