"""The report: problems and claims gathered from files and folders, each part in a process with a time limit."""

import concurrent.futures
import importlib.metadata
import multiprocessing
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pebble

from adamsym.claims import ClaimReport, discover, run_claims
from adamsym.expressions.errors import InputError
from adamsym.gradients.reading import read_problem
from adamsym.plots.registry import Finding, Section, Verdict, sections
from adamsym.plots.settings import Settings
from adamsym.plots.sweeps import check_varied
from adamsym.report.sections import (
    ProblemReport,
    SectionReport,
    Sides,
    compute_sections,
    problem_report,
    unfinished,
)

Part = tuple[tuple[SectionReport, ...], float]
"""Sections computed in one process, and the seconds that they took."""

PACKAGES = ("adamsym", "numpy", "scipy", "sympy", "python-flint", "mpmath", "numba", "hypothesis", "matplotlib")


@dataclass(frozen=True)
class Places:
    """What a report is about: problem files and folders of claims."""

    problems: tuple[Path, ...]
    claims: tuple[Path, ...]


@dataclass(frozen=True)
class Report:
    """All that a page shows; ``settings`` is None where nothing depends on them."""

    problems: tuple[ProblemReport, ...]
    claims: tuple[ClaimReport, ...]
    settings: Settings | None
    command: str
    versions: tuple[tuple[str, str], ...]

    @property
    def verdict(self) -> Verdict:
        """Refuted if a claim, or a statement of the theory about a problem, is; else undecided if anything is.

        An internal error comes before all of these.
        """
        found: set[str] = {*(claim.verdict for claim in self.claims), *(problem.verdict for problem in self.problems)}
        if "internal error" in found:
            return "internal error"
        # Claims that lack a library were not checked: they do not count, and alone they are nothing that holds.
        return "refuted" if "refuted" in found else "holds" if found - {"not applicable"} == {"holds"} else "undecided"

    @property
    def faults(self) -> tuple[str, ...]:
        """The tracebacks of the faults of the program."""
        return tuple(fault for problem in self.problems for fault in problem.faults)

    def to_dict(self) -> dict[str, Any]:
        """Return the verdicts as JSON's dictionaries, under the keys that ``adamsym report --json`` promises."""
        problems = [
            {
                "name": problem.name,
                "file": problem.file,
                "verdict": problem.verdict,
                "seconds": problem.seconds,
                "checks": [vars(check).copy() for check in problem.checks],
            }
            for problem in self.problems
        ]
        return {"verdict": self.verdict, "problems": problems, "claims": [claim.to_dict() for claim in self.claims]}


def find_places(places: Sequence[str | os.PathLike[str]]) -> Places:
    """Return the problem files and the folders of claims among files and folders.

    A folder that holds problem files (TOML) stands for these; another must be a folder of claims.

    Raises
    ------
    InputError
        If a place is neither, or a problem file cannot be read.
    """
    problems: list[Path] = []
    claims: list[Path] = []
    for place in map(Path, places):
        files = sorted(place.glob("*.toml")) if place.is_dir() else [place]
        if files:
            problems += files
        else:
            discover([place])
            claims.append(place)
    # Bad files are better known before the work.
    for file in problems:
        read_problem(file)
    return Places(tuple(dict.fromkeys(problems)), tuple(dict.fromkeys(claims)))


def gather_report(
    places: Places,
    settings: Settings,
    command: str,
    box: Sides | None = None,
    workers: int | None = None,
    time_limit: float | None = None,
    progress: Callable[[str], None] = lambda done: None,
) -> Report:
    """Return all that a page shows.

    Parameters
    ----------
    places
        Of :func:`find_places`. Claims are Python and are run.
    settings
        Budgets, times, seeds.
    command
        What made the report, for its last lines.
    box
        Of the portraits and searches of the only problem.
    workers
        Processes at a time; the number of processors if omitted.
    time_limit
        Seconds for each part of a problem and each file of claims; one that takes longer is undecided. None is no
        limit: what is found then is the same on a fast machine and on a slow one.
    progress
        Called with the name of each problem and claim that is done.

    Raises
    ------
    InputError
        If a box is given for more than one problem, or what a sweep or map varies is in no problem.
    """
    if box is not None and len(places.problems) != 1:
        raise InputError(f"--box: {len(places.problems)} problems; a box is for one problem alone")
    if settings.sweep or settings.map_over:
        check_varied([read_problem(file) for file in places.problems], settings)
    problems = _gathered(places.problems, settings, box, workers, time_limit, progress)
    claims: tuple[ClaimReport, ...] = ()
    if places.claims:
        claims = run_claims(places.claims, seed=settings.seed, workers=workers, time_limit=time_limit)
        for claim in claims:
            progress(claim.name)
    return Report(problems, claims, settings, command, versions())


def _gathered(
    files: Sequence[Path],
    settings: Settings,
    box: Sides | None,
    workers: int | None,
    time_limit: float | None,
    progress: Callable[[str], None],
) -> tuple[ProblemReport, ...]:
    if not files:
        return ()
    groups = groups_of(list(sections().values()))
    reports = []
    # "spawn": a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    with pebble.ProcessPool(max_workers=workers or os.cpu_count() or 1, context=context) as pool:
        tasks = [
            [
                pool.schedule(compute_sections, args=(str(file), settings, box, group), timeout=time_limit)
                for group in groups
            ]
            for file in files
        ]
        try:
            for file, parts in zip(files, tasks, strict=True):
                found = [part_or_undecided(part, time_limit, group) for part, group in zip(parts, groups, strict=True)]
                reports.append(joined(file, groups, found))
                progress(reports[-1].name)
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]
            raise
    return tuple(reports)


def gather_problem(path: str | Path, settings: Settings, box: Sides | None = None) -> ProblemReport:
    """Return what the report shows of one problem file, computed in this process and without a limit of time.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    groups = groups_of(list(sections().values()))
    return joined(path, groups, [compute_sections(path, settings, box, group) for group in groups])


def groups_of(entries: Sequence[Section]) -> tuple[tuple[Section, ...], ...]:
    """Return the entries that the report shows, by group: what may take long for itself first."""
    names = sorted({one.group for one in entries if one.group is not None}, reverse=True)
    return tuple(tuple(one for one in entries if one.group == name) for name in names)


def joined(path: str | Path, groups: Sequence[Sequence[Section]], parts: Sequence[Part]) -> ProblemReport:
    """Return the report of one problem, its sections in the registry's order again."""
    found = {
        entry.name: made
        for group, (mades, _) in zip(groups, parts, strict=True)
        for entry, made in zip(group, mades, strict=True)
    }
    ordered = [found[name] for name in sections() if name in found]
    return problem_report(path, ordered, sum(seconds for _, seconds in parts))


def part_or_undecided(future: "concurrent.futures.Future[Any]", limit: float | None, group: Sequence[Section]) -> Part:
    """Return what a process has computed; undecided sections if it took too long or was ended from outside."""
    try:
        found: Part = future.result()
    except concurrent.futures.TimeoutError:
        reason = f"took longer than {limit:g} seconds"
    except (pebble.ProcessExpired, MemoryError, OSError) as error:
        reason = f"{type(error).__name__}: {error}"
    else:
        return found
    return tuple(unfinished(entry, Finding("undecided", reason)) for entry in group), 0.0


def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of Python and of what the numbers depend on."""
    found = [("Python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            found.append((package, "not installed"))
    return tuple(found)
