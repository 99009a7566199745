"""Discovery of claims in folders, and their running in processes of their own with a time limit."""

import concurrent.futures
import importlib.util
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pebble

from adamsym.claims.claim import Claim
from adamsym.claims.report import ClaimReport, not_run, run_claim
from adamsym.expressions.errors import InputError

TIME_LIMIT = 600.0
"""Seconds that one module of claims may take."""


@dataclass(frozen=True)
class ClaimModule:
    """One Python file of a claims folder."""

    path: Path


def discover(folders: Sequence[str | os.PathLike[str]]) -> tuple[ClaimModule, ...]:
    """Return the claim modules of the folders in alphabetical order: Python files whose names start with a letter.

    Nothing is imported here.

    Raises
    ------
    InputError
        If a folder is missing, is no folder, or holds no such file.
    """
    found: list[ClaimModule] = []
    for folder in folders:
        path = Path(folder)
        if not path.is_dir():
            raise InputError(f"{path}: no such folder; give a folder of claims such as proofs_checks")
        modules = [ClaimModule(file) for file in sorted(path.glob("*.py")) if file.name[0].isalpha()]
        if not modules:
            raise InputError(f"{path}: no claims; a folder of claims holds Python files that define Claim objects")
        found += modules
    return tuple(found)


def run_claims(
    folders: Sequence[str | os.PathLike[str]],
    workers: int | None = None,
    time_limit: float = TIME_LIMIT,
    progress: Callable[[ClaimReport], None] | None = None,
) -> tuple[ClaimReport, ...]:
    """Return the reports of all claims in the folders, in the order of their files.

    Each file runs in a process of its own. One that takes longer than ``time_limit`` seconds, dies or cannot be
    imported gives an undecided report. The files are Python and are executed: run folders that you trust.

    Parameters
    ----------
    workers
        Processes at a time; the number of processors if omitted.
    progress
        Called with every report as soon as it is there, in order.

    Raises
    ------
    InputError
        As :func:`discover`.
    """
    modules = discover(folders)
    reports: list[ClaimReport] = []
    processes = min(workers or os.cpu_count() or 1, len(modules))
    # "spawn": a fork of a process with threads may hang.
    context = multiprocessing.get_context("spawn")
    with pebble.ProcessPool(max_workers=processes, max_tasks=1, context=context) as pool:
        futures = [pool.schedule(run_module, args=(str(module.path),), timeout=time_limit) for module in modules]
        try:
            for module, future in zip(modules, futures, strict=True):
                for report in _result(module, future, time_limit):
                    reports.append(report)
                    if progress is not None:
                        progress(report)
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]
            raise
    return tuple(reports)


def _result(
    module: ClaimModule, future: "pebble.ProcessFuture[tuple[ClaimReport, ...]]", time_limit: float
) -> tuple[ClaimReport, ...]:
    name, source = module.path.stem, str(module.path)
    try:
        return tuple(future.result())
    except concurrent.futures.TimeoutError:
        return (not_run(name, source, f"took longer than {time_limit:g} seconds", time_limit),)
    except (Exception, SystemExit) as error:
        return (not_run(name, source, f"{type(error).__name__}: {error}"),)


def run_module(path: str) -> tuple[ClaimReport, ...]:
    """Import one file and run every claim that it defines at its top level."""
    start = time.perf_counter()
    file = Path(path)
    try:
        module = _imported(file)
    except (Exception, SystemExit) as error:
        reason = f"cannot be imported: {type(error).__name__}: {error}"
        return (not_run(file.stem, path, reason, time.perf_counter() - start),)
    claims = [value for value in vars(module).values() if isinstance(value, Claim)]
    if not claims:
        return (not_run(file.stem, path, "defines no Claim at its top level"),)
    return tuple(run_claim(claim) for claim in dict.fromkeys(claims))


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
