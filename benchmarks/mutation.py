"""Mutation tests of field, symbolic and dynamics: formulas are broken one at a time; tests and claims must notice.

``make mutation`` draws a sample, tries it and the core formulas, and writes docs/benchmark_mutation.md; it takes hours.
Work is done in copies below ``--work``; what is found is kept there line by line, so that ``--resume`` goes on.
"""

import argparse
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from core_mutants import control_mutants, core_mutants, tested_mutants
from mutants import Mutant, all_mutants, sample
from mutation_page import write_page
from mutation_runs import ROOT, Copy, Measured, importers_of

FIRST_LOOK = 30.0
"""Seconds of tests that a mutant of the sample meets first."""

SECOND_LOOK = 240.0
"""Seconds of tests for those that survive, before all claims."""

SEED = 2026
SIZE = 370

CLAIMS_FIRST = {
    "field": ("c05", "c02", "c11", "c10", "c00", "c12", "c07", "c14"),
    "symbolic": ("c00", "c10"),
    "dynamics": ("c00", "c03", "c08", "c11", "c04", "c12"),
    "methods": ("c01", "c00"),
}
"""Fast claims that say much about a package come first."""


@dataclass
class Task:
    """One mutant, why it is tried, and how: ``kind`` is sample, core, tested or control.

    ``tests`` is the file or folder of tests that a tested one meets.
    """

    mutant: Mutant
    kind: str
    meaning: str = ""
    again: bool = False
    tests: str = ""


@dataclass
class Session:
    """What is known so far, and the journal of outcomes."""

    work: Path
    measured: Measured = field(default_factory=Measured)
    claims: dict[str, float] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def journal(self) -> Path:
        """One line for each outcome; of two for the same mutant the later counts."""
        return self.work / "journal.jsonl"

    def load(self) -> None:
        """Read the journal."""
        if self.journal.exists():
            for line in self.journal.read_text().splitlines():
                self._keep(json.loads(line))

    def _keep(self, outcome: dict[str, Any]) -> None:
        self.outcomes[outcome["kind"], outcome["key"]] = outcome

    def record(self, task: Task, found: dict[str, Any], seconds: float) -> None:
        """Write down what became of a mutant."""
        mutant = task.mutant
        outcome = {
            "kind": task.kind,
            "key": mutant.key,
            "package": mutant.package,
            "path": mutant.path,
            "line": mutant.line,
            "operator": mutant.operator,
            "text": mutant.text,
            "before": mutant.before,
            "after": mutant.after,
            "meaning": task.meaning,
            "again": task.again,
            "seconds": round(seconds, 1),
            **found,
        }
        with self.lock:
            self._keep(outcome)
            with self.journal.open("a") as file:
                file.write(json.dumps(outcome) + "\n")
            verdict = f"killed by {found['killed']}: {found['by'][:80]}" if found["killed"] else "SURVIVES"
            print(f"{task.kind} {seconds:5.0f} s  {mutant.path}:{mutant.line} {mutant.operator}: {verdict}", flush=True)

    def claims_for(self, mutant: Mutant) -> dict[str, float]:
        """Return all claim modules with their seconds, those first that say most about a package."""
        first = {number: k for k, number in enumerate(CLAIMS_FIRST[mutant.package])}
        return dict(sorted(self.claims.items(), key=lambda item: first.get(Path(item[0]).name[:3], 99)))

    def try_mutant(self, copy: Copy, task: Task) -> None:
        """Run tests and claims on one mutant: claims alone on core formulas, at first tests alone on the sample.

        A tested one meets the tests named, and nothing else.
        """
        begin = time.monotonic()
        tests, claims = [], {} if task.kind == "tested" else self.claims_for(task.mutant)
        if task.kind == "tested":
            tests = [test for test in self.measured.durations if test.startswith(task.tests)]
        elif task.kind != "core":
            limit = SECOND_LOOK if task.again else FIRST_LOOK
            tests = self.measured.tests_for(task.mutant, importers_of(copy.root), limit)
            if not task.again:
                claims = dict(list(claims.items())[:3]) if task.kind == "control" else {}
        found = copy.tried(task.mutant, tests, self.measured.durations, claims)
        self.record(task, found, time.monotonic() - begin)


def measure(session: Session, copies: list[Copy]) -> None:
    """Run all tests and claims without a mutant: everything must pass, else nothing is tried."""
    file = session.work / "measured.json"
    if not file.exists():
        tests = [
            str(path.relative_to(copies[0].root))
            for path in sorted((copies[0].root / "tests").iterdir())
            if (path.is_dir() and any(path.rglob("test_*.py"))) or path.name.startswith("test_")
        ]
        slowest_first = sorted(tests, key=lambda path: -len(list((ROOT / path).rglob("*.py"))))
        in_parallel(copies, ["claims", *slowest_first], lambda copy, part: _measured(session, copy, part))
        parts = [_measured(session, copies[0], part) for part in ["claims", *slowest_first]]
        whole = Measured()
        for part in parts:
            if "lines" in part:
                whole.add(part)
        claims = next(part["seconds"] for part in parts if "lines" not in part)
        file.write_text(json.dumps({"durations": whole.durations, "lines": whole.lines, "claims": claims}))
    known = json.loads(file.read_text())
    session.measured = Measured(known["durations"], known["lines"])
    session.claims = known["claims"]


def _measured(session: Session, copy: Copy, part: str) -> dict[str, Any]:
    """What one part of the tests, or the claims, takes; known parts are not measured again."""
    file = session.work / f"measured-{part.replace('/', '-')}.json"
    if not file.exists():
        found = copy.measured_claims() if part == "claims" else copy.measured([part])
        print(f"without a mutant {part}: all is well", flush=True)
        file.write_text(json.dumps(found))
    return dict(json.loads(file.read_text()))


def in_parallel(copies: list[Copy], tasks: list[Any], run: Any, deadline: float = float("inf")) -> None:
    """Run each task with a copy that no other uses at the time; none is begun after the deadline."""
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def one(task: Any) -> None:
        copy = free.get()
        try:
            if time.monotonic() < deadline:
                run(copy, task)
        finally:
            free.put(copy)

    with ThreadPoolExecutor(len(copies)) as pool:
        for future in [pool.submit(one, task) for task in tasks]:
            future.result()


def tasks_of(session: Session, size: int, again: bool, reasons: dict[str, Any]) -> list[Task]:
    """Return what is still to be tried: samples and core formulas mixed, then the tested ones and the controls.

    With ``again`` the survivors of the sample and the core that no reason is known for, or that show a gap.
    """
    controls = [Task(mutant, "control", meaning) for mutant, meaning in control_mutants(ROOT)]
    core = [Task(mutant, "core", meaning) for mutant, meaning in core_mutants(ROOT)]
    tested = [Task(mutant, "tested", meaning, tests=tests) for mutant, meaning, tests in tested_mutants(ROOT)]
    drawn = [Task(mutant, "sample") for mutant in sample(all_mutants(ROOT), size, SEED)]
    if again:
        survivors = [task for task in (*drawn, *core) if _survives(session, task, reasons)]
        for task in survivors:
            task.again = True
        return survivors
    mixed = [task for k, task in enumerate(drawn) for task in (*core[k // 3 : k // 3 + (k % 3 == 0)], task)]
    mixed += core[(len(drawn) + 2) // 3 :] + tested + controls
    return [task for task in mixed if (task.kind, task.mutant.key) not in session.outcomes]


def current(session: Session, drawn: Sequence[Mutant]) -> list[dict[str, Any]]:
    """Return the outcomes of mutants that the code of today still has."""
    listed = [found[0] for found in (*core_mutants(ROOT), *tested_mutants(ROOT), *control_mutants(ROOT))]
    known = {mutant.key for mutant in (*drawn, *listed)}
    return [outcome for (_, key), outcome in session.outcomes.items() if key in known]


def _survives(session: Session, task: Task, reasons: dict[str, Any]) -> bool:
    outcome = session.outcomes.get((task.kind, task.mutant.key))
    known = reasons.get(task.mutant.key, {}).get("kind")
    return outcome is not None and outcome["killed"] is None and known in (None, "gap")


def main() -> None:
    """Measure, try, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / ".mutation", help="folder for copies and the journal")
    parser.add_argument("--size", type=int, default=SIZE, help="mutants in the sample")
    parser.add_argument("--workers", type=int, default=2, help="mutants at a time")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no mutant after so many minutes")
    parser.add_argument("--resume", action="store_true", help="go on from the journal")
    parser.add_argument("--again", action="store_true", help="try survivors again: more tests, new ones, all claims")
    parser.add_argument(
        "--kinds", nargs="+", default=["control", "core", "tested", "sample"], help="which mutants to try"
    )
    parser.add_argument("--page", action="store_true", help="only write the page")
    options = parser.parse_args()
    deadline = time.monotonic() + 60 * options.minutes
    options.work.mkdir(exist_ok=True)
    session = Session(options.work.resolve())
    if options.resume or options.again or options.page:
        session.load()
    elif session.journal.exists():
        parser.error(f"{session.journal} exists: go on with --resume, or remove the folder")
    reasons_file = Path(__file__).with_name("mutation_survivors.json")
    reasons = json.loads(reasons_file.read_text()) if reasons_file.exists() else {}
    if not options.page:
        copies = [Copy(session.work / f"copy{k}") for k in range(options.workers)]
        measure(session, copies)
        tasks = [task for task in tasks_of(session, options.size, options.again, reasons) if task.kind in options.kinds]
        print(f"{len(tasks)} mutants to try", flush=True)
        in_parallel(copies, tasks, session.try_mutant, deadline)
    mutants = all_mutants(ROOT)
    write_page(current(session, sample(mutants, options.size, SEED)), reasons, len(mutants), options.size, SEED)


if __name__ == "__main__":
    main()
