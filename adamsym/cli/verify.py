"""The command that checks claims: live table, verdicts, JUnit file."""

import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adamsym.cli.options import HOLDS, REFUTED, UNDECIDED, Json
from adamsym.cli.output import check_writable, print_json, print_table, tell, write_output
from adamsym.cli.signals import Interrupted
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from adamsym.claims import ClaimReport, EvidenceReport, ModuleProgress
    from adamsym.claims.finding import Verdict
    from adamsym.claims.running import Progress
    from adamsym.claims.settings import Effort

FOLDER = Path("proofs_checks")

CODES: "dict[Verdict, int]" = {"holds": HOLDS, "refuted": REFUTED, "undecided": UNDECIDED}


class Grade(StrEnum):
    """The grades of evidence."""

    SYMBOLIC = "symbolic"
    CERTIFIED = "certified"
    PROPERTY = "property"
    STATISTICAL = "statistical"
    FORMAL = "formal"


def verify(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Folders of claims; their Python is run.", show_default=str(FOLDER))
    ] = None,
    claim: Annotated[
        list[str] | None, typer.Option("--claim", help="Only this claim, such as C7; may be repeated.")
    ] = None,
    grade: Annotated[
        Grade | None, typer.Option("--grade", help="Only evidence of this grade, and all controls.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer cases: about a minute for the claims of adamsym.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Three times the cases.")] = False,
    seed: Annotated[int, typer.Option("--seed", help="Another seed: other random inputs.", min=0)] = 0,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write a JUnit file (.xml) as well.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes.", min=1, show_default="processors")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option("--time-limit", help="Seconds for each file; then it is undecided.", min=0.1, show_default="none"),
    ] = None,
    as_json: Json = False,
) -> int:
    """Check claims: evidence must hold, controls must be rejected."""
    if quick and full:
        raise InputError("--quick and --full exclude each other; give one, or none for the usual number of cases")
    effort: Effort = "quick" if quick else "full" if full else "usual"
    check_writable(junit, (".xml",), option="--junit")
    places = folders or [FOLDER]
    from adamsym.claims import discover, run_claims

    seen: tuple[ModuleProgress, ...] = ()

    def note(modules: "tuple[ModuleProgress, ...]") -> None:
        nonlocal seen
        seen = modules
        show(modules)

    try:
        with _live() as show:
            reports = run_claims(
                places,
                claims=claim or (),
                grade=None if grade is None else grade.value,
                effort=effort,
                seed=seed,
                workers=workers,
                time_limit=time_limit,
                progress=note,
            )
    except KeyboardInterrupt:
        _flush(seen, junit, _replay(places, effort, seed, grade), as_json)
        raise Interrupted from None
    if junit is not None:
        _write_junit(junit, reports)
    found = {report.name for report in reports}
    named = [name for module in discover(places, claim or ()) for name in module.names or ()]
    left_out = [name for name in named if name not in found] if grade else []
    if as_json:
        claims = [report.to_dict() for report in reports]
        print_json({"verdict": _worst(reports), "claims": claims, "left_out": left_out})
    else:
        _print_reports(reports, left_out, _replay(places, effort, seed, grade))
    return CODES[_worst(reports)]


def _worst(reports: "Sequence[ClaimReport]") -> "Verdict":
    """The verdict of all claims together: the exit code says the same."""
    # What lacks a library was not checked: it does not count, and alone it is nothing that holds.
    verdicts = {report.verdict for report in reports} - {"not applicable"}
    return "refuted" if "refuted" in verdicts else "holds" if verdicts == {"holds"} else "undecided"


def _flush(modules: "tuple[ModuleProgress, ...]", junit: Path | None, replay: str, as_json: bool) -> None:
    """What is known of the files that were done when the run was stopped."""
    done = [module for module in modules if module.state == "done"]
    tell(f"adamsym: interrupted: {len(done)} of {len(modules)} files done")
    reports = [report for module in done for report in module.reports]
    if junit is not None and reports:
        _write_junit(junit, reports)
    if as_json:
        # Of what was not done nothing is known.
        verdict = "refuted" if _worst(reports) == "refuted" else "undecided"
        print_json({"verdict": verdict, "claims": [report.to_dict() for report in reports], "interrupted": True})
    elif reports:
        _print_reports(reports, [], replay)


def _write_junit(path: Path, reports: "Sequence[ClaimReport]") -> None:
    from adamsym.cli.junit import as_junit

    write_output(path, as_junit(reports))


def _replay(places: Sequence[Path], effort: str, seed: int, grade: Grade | None) -> str:
    """The command that repeats the run of one claim, but for its name at the end."""
    words = ["adamsym", "verify", *map(str, places), "--seed", str(seed)]
    words += [] if effort == "usual" else [f"--{effort}"]
    words += [] if grade is None else ["--grade", grade.value]
    return shlex.join([*words, "--claim"])


def _grade_text(evidence: "EvidenceReport") -> str:
    return f"{evidence.grade} (not run)" if evidence.verdict == "not run" else evidence.grade


def _print_reports(reports: "Sequence[ClaimReport]", left_out: list[str], replay: str) -> None:
    holding = sum(report.verdict == "holds" for report in reports)
    # A claim whose library is missing leaves all of its evidence out, and says so itself.
    partly = any(report.omitted and report.verdict != "not applicable" for report in reports)
    print(f"{holding} of {len(reports)} claims hold{' by the evidence asked for' if partly else ''}")
    rows = []
    for report in reports:
        grades = ", ".join(dict.fromkeys(map(_grade_text, report.evidence))) or "-"
        cases = sum(evidence.cases for evidence in report.evidence)
        rejected = sum(control.rejected for control in report.controls)
        controls = f"{rejected} of {len(report.controls)}"
        times = [f"{report.seconds:.1f}", f"{report.cpu_seconds:.1f}"]
        rows.append([report.name, report.title, report.verdict, grades, str(cases), controls, *times])
    columns = ["claim", "title", "verdict", "evidence", "cases", "controls rejected", "seconds", "of CPU"]
    print_table(columns, rows, numbers=columns[4:])
    if left_out:
        print(f"left out, having no such evidence: {', '.join(left_out)}")
    for report in reports:
        if report.verdict != "holds":
            print(f"{report.name}: {report.verdict}: {report.detail}")
            # A file that cannot be run has no claim to name.
            print(f"  again: {replay} {report.name}" if report.title else f"  in {report.source}")
    first = reports[0].settings
    print(f"seed {first.seed}, {first.effort} number of cases. One claim again: {replay} {reports[0].name}")


@contextmanager
def _live() -> "Iterator[Progress]":
    """A table on standard error that shows what each module is at; a line now and then if that is no terminal."""
    if not sys.stderr.isatty():
        from adamsym.expressions.progress import lines

        told = lines("files of claims done")
        yield lambda modules: told(sum(module.state == "done" for module in modules), len(modules))
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True, markup=False, highlight=False), transient=True, auto_refresh=False) as live:
        yield lambda modules: live.update(_table(modules), refresh=True)


def _table(modules: "tuple[ModuleProgress, ...]") -> "Table":
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    done = sum(module.state == "done" for module in modules)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, caption=f"{done} of {len(modules)} files done")
    for column in ("file", "state", "seconds", "what it found"):
        table.add_column(column, justify="right" if column == "seconds" else "left", no_wrap=True)
    for module in modules:
        seconds = f"{module.seconds:.0f}" if module.state != "waiting" else ""
        table.add_row(module.module.path.stem, module.state, seconds, _found(module))
    return table


def _found(module: "ModuleProgress") -> str:
    if module.state == "done":
        return ", ".join(f"{report.name}: {report.verdict}" for report in module.reports)
    if not module.records:
        return ""
    last = module.records[-1]
    name = last.evidence.name if last.evidence else last.control.name if last.control else ""
    evidence = sum(record.evidence is not None for record in module.records)
    return f"{evidence} evidence, {len(module.records) - evidence} controls; last: {name}"
