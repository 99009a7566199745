"""Copies of the project in which mutants are tried: tests chosen by what they cover, and claims."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from mutants import Mutant

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent

_LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".mutation", "__pycache__"
)
_SLOWER = 4
"""A run that takes so many times as long as without a mutant is ended ..."""

_PATIENCE = 90
"""... but not before so many seconds more: compilation takes some."""


@dataclass
class Measured:
    """Durations of all tests, and which of them execute a line: file to line to tests."""

    durations: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, part: dict[str, Any]) -> None:
        """Add what one run of pytest has measured."""
        self.durations |= part["durations"]
        for file, by_line in part["lines"].items():
            known = self.lines.setdefault(file, {})
            for line, tests in by_line.items():
                known[line] = sorted({*known.get(line, []), *tests})

    @cached_property
    def by_file(self) -> dict[str, set[str]]:
        """The tests that execute anything of a file."""
        return {file: {test for tests in known.values() for test in tests} for file, known in self.lines.items()}

    def tests_for(self, mutant: Mutant, importers: dict[str, set[str]], limit: float) -> list[str]:
        """Return tests for a mutant: those that execute its lines, those of its file, those of its users.

        Each kind the fastest first, up to ``limit`` seconds together. Machine code shows no lines, and what is kept in
        caches shows them to one test alone: so the other kinds are needed too.
        """
        last = mutant.line + mutant.before.count("\n") + 1
        own = self.lines.get(mutant.path, {})
        direct = {test for line in range(mutant.line, last + 1) for test in own.get(str(line), [])}
        kinds = [direct, self.by_file.get(mutant.path, set())]
        seen, files = {mutant.path}, {mutant.path}
        while files and (not any(kinds) or len(kinds) < 3):
            files = {user for file in files for user in importers.get(file, set())} - seen
            seen |= files
            kinds.append({test for file in files for test in self.by_file.get(file, set())})
        mirrored = mutant.path.replace("adamsym/", "tests/").removesuffix(".py").rpartition("/")
        near = f"{mirrored[0]}/test_{mirrored[2]}.py"
        kinds.append({test for test in self.durations if test.startswith((near, mirrored[0] + "/"))})
        chosen: dict[str, None] = {}
        spent = 0.0
        for kind in kinds:
            for test in sorted(kind - chosen.keys(), key=lambda test: (self.durations.get(test, 0.0), test)):
                spent += self.durations.get(test, 0.0)
                if spent > limit:
                    break
                chosen[test] = None
        return list(chosen)


def importers_of(root: Path) -> dict[str, set[str]]:
    """Return which files import which: file to its users."""
    found: dict[str, set[str]] = {}
    for path in sorted((root / "adamsym").rglob("*.py")):
        if path.name == "__init__.py":
            continue
        user = path.relative_to(root).as_posix()
        for module, names in re.findall(r"^\s*from (adamsym[\w.]*) import ([^\n]*)", path.read_text(), re.MULTILINE):
            base = module.replace(".", "/")
            for file in [f"{base}.py", *(f"{base}/{name.strip()}.py" for name in names.split(","))]:
                found.setdefault(file, set()).add(user)
    return found


def _failed_test(printed: str) -> str | None:
    """Return the first test that pytest's summary names; its name may hold spaces, but for those around hyphens."""
    found = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", printed, re.MULTILINE)
    return found[1] if found else None


def compiled_files(root: Path) -> set[str]:
    """Return the files with compiled functions and those that these import: a change there needs new machine code."""
    users = importers_of(root)
    own = {
        path.relative_to(root).as_posix()
        for path in (root / "adamsym").rglob("*.py")
        if re.search(r"^@compiled|= compiled\(|return compiled\(|^@_?inlined", path.read_text(), re.MULTILINE)
    }
    return own | {file for file, by in users.items() if by & own} | {"adamsym/field/compiled.py"}


class Copy:
    """A copy of the project; what is tried in it never touches the project itself."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "project"
        if self.root.exists():
            shutil.rmtree(self.root)
        shutil.copytree(ROOT, self.root, ignore=_LEFT_OUT)
        self.changing_code = compiled_files(self.root)

    def python(
        self, arguments: Sequence[str], limit: float, keeps_code: bool = True, code: Path | None = None, **more: str
    ) -> tuple[int | None, str]:
        """Run Python here and return its exit code, None if it took too long, and what it printed."""
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(self.root), os.environ.get("PYTHONPATH", ""), str(HERE)]),
            "NUMBA_CACHE_DIR": str(code or self.folder / "code"),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            **more,
        }
        if keeps_code:
            environment["MUTATION_KEEPS_CODE"] = "1"
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self.root,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status: int | None = process.wait(limit)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                # What it started ends with it.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            output.seek(0)
            return status, output.read()

    def measured(self, tests: Sequence[str]) -> dict[str, Any]:
        """Run tests, all of which must pass, and return their durations and the lines they execute."""
        target = self.folder / "measured.json"
        for _ in range(2):
            status, printed = self.pytest(tests, 3600, MUTATION_MEASURE=str(target))
            if status == 0:
                break
        else:
            raise SystemExit(f"without a mutant {' '.join(tests)} fails:\n{printed[-3000:]}")
        return dict(json.loads(target.read_text()))

    def measured_claims(self) -> dict[str, Any]:
        """Run all claims, which must hold, and return the seconds of each module."""
        paths = sorted(str(path.relative_to(self.root)) for path in (self.root / "proofs_checks").glob("c*.py"))
        _, printed = self.python([str(HERE / "mutation_inside.py"), *paths], 3600)
        found = json.loads(printed.strip().splitlines()[-1])
        if found["claim"] is not None:
            raise SystemExit(f"without a mutant a claim fails: {found}")
        return dict(found)

    def pytest(self, tests: Iterable[str], limit: float, **more: Any) -> tuple[int | None, str]:
        """Run pytest up to the first failure."""
        arguments = ["-m", "pytest", "-x", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "mutation_inside", *tests]
        return self.python(arguments, limit, **more)

    def tried(
        self, mutant: Mutant, tests: list[str], durations: dict[str, float], claims: dict[str, float]
    ) -> dict[str, Any]:
        """Return what kills a mutant: the first test that fails, or else the first claim that does not hold.

        ``durations`` are those of all known tests; ``claims`` are modules with their seconds, in their order.
        """
        path = self.root / mutant.path
        original, times = path.read_bytes(), path.stat()
        keeps_code = mutant.path not in self.changing_code
        with tempfile.TemporaryDirectory(dir=self.folder) as fresh:
            code = None if keeps_code else Path(fresh)
            more = {"keeps_code": keeps_code, "code": code, "PYTHONDONTWRITEBYTECODE": "1"}
            try:
                path.write_bytes(mutant.applied(original))
                found = self._by_tests(tests, durations, more) if tests else None
                return found or self._by_claims(claims, more) or {"killed": None}
            finally:
                path.write_bytes(original)
                os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    def _by_tests(self, tests: list[str], durations: dict[str, float], more: dict[str, Any]) -> dict[str, Any] | None:
        """Return the first test that fails here and, run alone, fails again: not one that others made fail."""
        chosen = self.folder / "chosen.json"
        left, known = tests, list(durations)
        while left:
            chosen.write_text(json.dumps({"chosen": left, "known": known}))
            files = dict.fromkeys(test.split("::")[0] for test in left)
            limit = _SLOWER * sum(durations[test] for test in left) + _PATIENCE
            status, printed = self.pytest(files, limit, MUTATION_TESTS=str(chosen), **more)
            if status is None:
                return {"killed": "time-out", "by": "tests"}
            if status == 0:
                return None
            failed = _failed_test(printed)
            if failed is None or self.pytest([failed], limit, **more)[0] != 0:
                return {"killed": "tests", "by": failed or printed.strip().splitlines()[-1][:200]}
            known.append(failed)
            # Where files cannot be collected together, it is a file that is named.
            left = [test for test in left if test != failed and not test.startswith(f"{failed}::")]
        return None

    def _by_claims(self, claims: dict[str, float], more: dict[str, Any]) -> dict[str, Any] | None:
        if not claims:
            return None
        limit = _SLOWER * sum(claims.values()) + _PATIENCE
        status, printed = self.python([str(HERE / "mutation_inside.py"), *claims], limit, **more)
        if status is None:
            return {"killed": "time-out", "by": "claims"}
        try:
            found = json.loads(printed.strip().splitlines()[-1])
        except (IndexError, ValueError):
            return {"killed": "claims", "by": "no claim can be run", "detail": printed[-300:]}
        if found["claim"] is None:
            return None
        return {"killed": "claims", "by": found["claim"], "detail": f"{found['verdict']}: {found['detail']}"}
