"""The report: problems and claims gathered from files and folders, each part in a process with a time limit."""

import concurrent.futures
import importlib.metadata
import multiprocessing
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pebble

from adamsym.claims import ClaimReport, discover, run_claims
from adamsym.expressions.errors import InputError
from adamsym.gradients.reading import read_problem
from adamsym.plots.settings import Settings
from adamsym.plots.summaries import Verdict
from adamsym.report.sections import (
    ProblemReport,
    Sides,
    derivation_not_gathered,
    gather_derivation,
    gather_rest,
    gather_windows,
    joined,
    rest_not_gathered,
    windows_not_gathered,
)

Part = TypeVar("Part")

PACKAGES = ("adamsym", "numpy", "scipy", "sympy", "python-flint", "mpmath", "numba", "hypothesis", "matplotlib")


@dataclass(frozen=True)
class Places:
    """What a report is about: problem files and folders of claims."""

    problems: tuple[Path, ...]
    claims: tuple[Path, ...]


@dataclass(frozen=True)
class Report:
    """All that a page shows."""

    problems: tuple[ProblemReport, ...]
    claims: tuple[ClaimReport, ...]
    settings: Settings
    command: str
    versions: tuple[tuple[str, str], ...]

    @property
    def verdict(self) -> Verdict:
        """Refuted if a claim, or a statement of the theory about a problem, is; else undecided if anything is."""
        found = {*(claim.verdict for claim in self.claims), *(problem.verdict for problem in self.problems)}
        return "refuted" if "refuted" in found else "holds" if found == {"holds"} else "undecided"

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
        If a box is given for more than one problem.
    """
    if box is not None and len(places.problems) != 1:
        raise InputError(f"--box: {len(places.problems)} problems; a box is for one problem alone")
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
    reports = []
    # "spawn": a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    with pebble.ProcessPool(max_workers=workers or os.cpu_count() or 1, context=context) as pool:

        def scheduled(part: Callable[..., Any], *arguments: object) -> "pebble.ProcessFuture[Any]":
            return pool.schedule(part, args=arguments, timeout=time_limit)

        tasks = [
            (
                scheduled(gather_windows, str(file), settings),
                scheduled(gather_rest, str(file), settings, box),
                scheduled(gather_derivation, str(file)),
            )
            for file in files
        ]
        try:
            for file, (windows, rest, derivation) in zip(files, tasks, strict=True):
                report = joined(
                    part_or_undecided(rest, time_limit, partial(rest_not_gathered, file)),
                    part_or_undecided(derivation, time_limit, derivation_not_gathered),
                    part_or_undecided(windows, time_limit, windows_not_gathered),
                )
                reports.append(report)
                progress(report.name)
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]
            raise
    return tuple(reports)


def part_or_undecided(
    future: "concurrent.futures.Future[Any]", limit: float | None, otherwise: Callable[[str], Part]
) -> Part:
    """Return a part of a problem's report; the undecided one if it took too long or its process failed."""
    try:
        found: Part = future.result()
    except concurrent.futures.TimeoutError:
        return otherwise(f"took longer than {limit:g} seconds")
    except Exception as error:
        return otherwise(f"{type(error).__name__}: {error}")
    return found


def versions() -> tuple[tuple[str, str], ...]:
    """Return the versions of Python and of what the numbers depend on."""
    found = [("Python", platform.python_version())]
    for package in PACKAGES:
        try:
            found.append((package, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            found.append((package, "not installed"))
    return tuple(found)
