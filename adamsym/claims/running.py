"""Running of claim modules in processes of their own, with a time limit and a record of what each has found so far."""

import concurrent.futures
import importlib.util
import multiprocessing
import os
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, cast

import pebble

from adamsym.claims.claim import Claim
from adamsym.claims.discovery import ClaimModule, discover
from adamsym.claims.finding import Grade
from adamsym.claims.journal import Journal, Record
from adamsym.claims.report import ClaimReport, not_run, run_claim
from adamsym.claims.settings import Effort, Settings, checking_with
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError

_POLL = 0.2
"""Seconds between two looks at the processes."""

_IMPORTED_ONCE = ("adamsym.claims", "adamsym.certify", "adamsym.dynamics", "adamsym.symbolic", "scipy.stats")
"""What nearly all claims import; importing it takes a second."""

State = Literal["waiting", "running", "done"]


@dataclass(frozen=True)
class Selection:
    """Which claims to run, by name and by grade of evidence; all if empty."""

    names: tuple[str, ...] = ()
    grade: Grade | None = None

    def has(self, claim: Claim) -> bool:
        """Return whether a claim is selected."""
        named = not self.names or claim.name.lower() in {name.lower() for name in self.names}
        graded = self.grade is None or any(grade == self.grade for grade, _ in claim.evidence_checks)
        return named and graded


@dataclass(frozen=True)
class ModuleProgress:
    """How far one module is: its state, what its claims have found so far, and its reports once it is done."""

    module: ClaimModule
    state: State
    seconds: float
    records: tuple[Record, ...]
    reports: tuple[ClaimReport, ...]


Progress = Callable[[tuple[ModuleProgress, ...]], None]


@checked_arguments
def run_claims(
    folders: Sequence[str | os.PathLike[str]],
    *,
    claims: Sequence[str] = (),
    grade: Grade | None = None,
    effort: Effort = "usual",
    seed: int = 0,
    workers: int | None = None,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> tuple[ClaimReport, ...]:
    """Return the reports of the claims in the folders, in the order of their files.

    Each file runs in a process of its own. One that takes longer than ``time_limit`` seconds, if there is a limit, dies
    or cannot be imported gives an undecided report. The files are Python and are executed: run folders that you trust.

    Parameters
    ----------
    claims
        Names of the claims to run, such as ``["C7"]``; all if empty.
    grade
        The only grade of evidence to run. Claims that have none of it are left out; all controls of the others run.
    effort
        "quick", "usual" or "full": how many cases the checks try.
    seed
        Another seed gives other random inputs; equal seeds give equal findings.
    workers
        Processes at a time; the number of processors if omitted.
    progress
        Called several times a second with the progress of every module.

    Raises
    ------
    InputError
        As :func:`discover`; if a name is no claim's, or no claim has evidence of the grade.
    """
    settings = Settings(effort, seed)
    modules = discover(folders, claims)
    selection = Selection(tuple(claims), grade)
    processes = min(workers or os.cpu_count() or 1, len(modules))
    context = _processes_of_their_own()
    # pebble documents the name mp_context, and versions of it read the name context.
    options: dict[str, Any] = {"daemon": False, "timeout": time_limit, "mp_context": context, "context": context}
    run = cast(Any, pebble.concurrent).process(**options)(run_module)
    with tempfile.TemporaryDirectory(prefix="adamsym-") as place:
        running = [
            _Running(module, Journal(Path(place) / f"{number}.jsonl"), settings, time_limit)
            for number, module in enumerate(modules)
        ]
        try:
            _run_all(
                running, processes, lambda one: run(str(one.module.path), selection, settings, one.journal), progress
            )
        finally:
            for one in running:
                one.cancel()
        reports = tuple(report for one in running for report in one.reports())
    _check_found(reports, selection)
    return reports


def _processes_of_their_own() -> Any:
    """Return how processes are begun: by a fork of a server that has imported what claims need, where there are forks.

    A fork of this process itself, which has threads, may hang.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_IMPORTED_ONCE))
    return context


class _Running:
    """One module while it runs."""

    def __init__(self, module: ClaimModule, journal: Journal, settings: Settings, time_limit: float | None) -> None:
        self.module, self.journal, self.settings, self.time_limit = module, journal, settings, time_limit
        self.future: Any = None
        self.started: float | None = None
        self.ended: float | None = None
        self._reports: tuple[ClaimReport, ...] | None = None

    def progress(self) -> ModuleProgress:
        now, done = time.perf_counter(), self.future is not None and self.future.done()
        if self.started is None and self.future is not None:
            self.started = now
        if self.ended is None and done:
            self.ended = now
        seconds = 0.0 if self.started is None else (self.ended or now) - self.started
        if done:
            return ModuleProgress(self.module, "done", seconds, (), self.reports())
        state: State = "waiting" if self.started is None else "running"
        return ModuleProgress(self.module, state, seconds, self.journal.read(), ())

    def reports(self) -> tuple[ClaimReport, ...]:
        if self._reports is None:
            self._reports = self._result()
        return self._reports

    def cancel(self) -> None:
        """End the module's process, if it has begun and has not ended."""
        if self.future is not None:
            self.future.cancel()

    def _result(self) -> tuple[ClaimReport, ...]:
        try:
            return tuple(self.future.result())
        except concurrent.futures.TimeoutError:
            seconds = self.time_limit or 0.0
            return self._unfinished(f"took longer than {seconds:g} seconds", seconds)
        except pebble.ProcessExpired:
            return self._unfinished("its process ended without an answer", 0.0)
        except (Exception, SystemExit) as error:
            return self._unfinished(f"{type(error).__name__}: {error}", 0.0)

    def _unfinished(self, reason: str, seconds: float) -> tuple[ClaimReport, ...]:
        """Undecided reports of the claims that had begun, or of the module if none had."""
        records = self.journal.read()
        source = str(self.module.path)
        names = list(dict.fromkeys(record.claim for record in records)) or [self.module.path.stem]
        found = []
        for name in names:
            own = [record for record in records if record.claim == name]
            evidence = tuple(record.evidence for record in own if record.evidence is not None)
            controls = tuple(record.control for record in own if record.control is not None)
            found.append(not_run(name, source, reason, self.settings, seconds, evidence, controls))
        return tuple(found)


def _run_all(
    running: "Sequence[_Running]", processes: int, begin: "Callable[[_Running], Any]", progress: Progress | None
) -> None:
    """Run all modules, in order, so many at a time."""
    ahead, active = deque(running), set[Any]()
    while ahead or active:
        while ahead and len(active) < processes:
            one = ahead.popleft()
            one.future = begin(one)
            active.add(one.future)
        timeout = None if progress is None else _POLL
        _, active = concurrent.futures.wait(active, timeout, return_when=concurrent.futures.FIRST_COMPLETED)
        if progress is not None:
            progress(tuple(one.progress() for one in running))


def _check_found(reports: Sequence[ClaimReport], selection: Selection) -> None:
    if not reports:
        raise InputError(f"--grade: no claim here has {selection.grade} evidence")
    # A module that failed stands for its claims: their names are not known.
    known = {report.name.lower() for report in reports}
    unknown = [name for name in selection.names if name.lower() not in known]
    if unknown and all(report.title for report in reports) and selection.grade is None:
        raise InputError(f"--claim: there is no claim {unknown[0][:80]!r} here")


def run_module(path: str, selection: Selection, settings: Settings, journal: Journal | None) -> tuple[ClaimReport, ...]:
    """Import one file and run the selected claims that it defines at its top level."""
    start = time.perf_counter()
    file = Path(path)
    try:
        claims = import_claims(file)
    except (Exception, SystemExit) as error:
        reason = f"cannot be imported: {type(error).__name__}: {error}"
        return (not_run(file.stem, path, reason, settings, time.perf_counter() - start),)
    if not claims:
        return (not_run(file.stem, path, "defines no Claim at its top level", settings),)
    with checking_with(settings):
        return tuple(
            run_claim(claim, selection.grade, None if journal is None else journal.writer(claim.name))
            for claim in claims
            if selection.has(claim)
        )


def import_claims(file: Path) -> list[Claim]:
    """Import one file, whose Python is executed, and return the claims that it defines at its top level."""
    return list(dict.fromkeys(value for value in vars(_imported(file)).values() if isinstance(value, Claim)))


def _imported(file: Path) -> ModuleType:
    name = f"adamsym_claims_{file.stem}"
    specification = importlib.util.spec_from_file_location(name, file)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # Dataclasses and pickling look their module up by name.
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module
