"""The command that follows zeros along hyper-parameters."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adamsym.cli.assignments import parse_box
from adamsym.cli.certified_cells import certified_cells, is_interval
from adamsym.cli.executors import Cluster, executor_of
from adamsym.cli.options import (
    HOLDS,
    POINT_HELP,
    UNDECIDED,
    File,
    Json,
    Output,
    Quiet,
    as_given,
    read_file,
    read_problem_and_point,
    read_start_or_box,
)
from adamsym.cli.output import (
    about_certificate,
    check_resume,
    check_table,
    check_writable,
    hint,
    print_result,
    print_table,
    write_output,
    write_table,
)
from adamsym.cli.signals import said_when_stopped
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.continuation import Sweep

_POINTS = 60


def sweep(
    file: File,
    over: Annotated[
        list[str] | None,
        typer.Option("--over", help="beta2=0.5:0.9999, batch_size=1,8,64, eps=1e-8:1:20, data.x[2]=1:3; repeated."),
    ] = None,
    at: Annotated[list[str] | None, typer.Option("--at", help=POINT_HELP, show_default=False)] = None,
    box: Annotated[
        list[str] | None,
        typer.Option("--box", help="In place of --at: all zeros in theta=-5:5 to begin with.", show_default=False),
    ] = None,
    points: Annotated[int, typer.Option("--points", help="Zeros across an interval.", min=4, max=10_000)] = _POINTS,
    certify: Annotated[
        bool,
        typer.Option(
            "--certify",
            help="Prove one branch over an interval; with --box all zeros, for every value of an interval or each of a "
            "list; -o writes a certificate (.json).",
        ),
    ] = False,
    output: Output = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes, for several listed values.", min=1, show_default="one")
    ] = None,
    cluster: Cluster = None,
    journal: Annotated[Path | None, typer.Option("--journal", help="Keep what is finished in this file.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the journal.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Follow zeros of the field as a hyper-parameter, the batch size or the data change."""
    wanted = parse_over(over)
    if certify:
        if points != _POINTS or ((workers, cluster) != (None, None) and not box):
            raise InputError(
                "--points goes without --certify; beside it --workers and --cluster go with --box: without a box it "
                "proves one branch"
            )
        check_resume(journal, resume)
        if not box:
            return _certified(file, wanted, at, output, journal, as_json)
        if not at and all(is_interval(name, values) for name, values in wanted.items()):
            return certified_cells(file, wanted, box, output, workers, cluster, journal, as_json)
        if journal is not None:
            raise InputError("--journal: with --certify and --box it goes with intervals, not with a list of values")
        return _certified_lists(file, wanted, at, box, workers, cluster, output, as_json)
    check_resume(journal, resume)
    check_table(output)
    source, start, region = read_start_or_box(file, at, box, "a box with all zeros to begin with")
    from adamsym.continuation import sweep as sweep_of
    from adamsym.expressions.progress import progress_bar
    from adamsym.field import AdamField

    field = AdamField(source.problem, source.adam)
    kept = f" What is finished is in {journal}: add --resume." if journal else ""
    options: dict[str, Any] = {"start": start, "box": region, "points": points, "journal": journal}
    with (
        said_when_stopped(journal, "--journal", lambda partial: _show(partial, output, as_json)),
        executor_of(workers, cluster, kept) as executor,
        progress_bar("hundredths of a combination followed") as progress,
    ):
        found = sweep_of(field, wanted, executor=executor, progress=progress, **options)
    _show(found, output, as_json)
    if not as_json and len(over or ()) == 1 and not box:
        hint(quiet, "plot", "branches", file, *as_given("--sweep", over), "-o", "branches.svg")
    return HOLDS if found.branches and not found.not_followed else UNDECIDED


def _certified(
    file: Path,
    wanted: dict[str, str],
    at: list[str] | None,
    output: Path | None,
    journal: Path | None,
    as_json: bool,
) -> int:
    name, ends = next(iter(wanted.items()))
    parts = ends.split(":")
    if len(wanted) > 1 or len(parts) != 2:
        raise InputError("--certify: give one interval, such as --over beta2=0.82:0.9999")
    check_writable(output, (".json",))
    source, start = read_problem_and_point(file, at, "--at")
    from adamsym.certify import certificate
    from adamsym.continuation import certify_branch
    from adamsym.expressions.progress import progress_bar
    from adamsym.field import AdamField

    field, low, high = AdamField(source.problem, source.adam), parts[0].strip(), parts[1].strip()
    with (
        said_when_stopped(journal, "--journal"),
        progress_bar("thousandths of the interval certified") as progress,
    ):
        found = certify_branch(field, name, low, high, start, journal=journal, progress=progress)
    written = output if found.tubes else None
    if written is not None:
        write_output(written, json.dumps(certificate(found)))
    if as_json:
        print_result(found, source.problem.names)
    else:
        print(found.summary)
        if found.tubes:
            columns, rows = found.table()
            print_table(columns, rows, numbers=columns[:-1])
        if written is not None:
            print(about_certificate(written))
    return HOLDS if found.complete else UNDECIDED


def _certified_lists(
    file: Path,
    wanted: dict[str, str],
    at: list[str] | None,
    box: list[str],
    workers: int | None,
    cluster: str | None,
    output: Path | None,
    as_json: bool,
) -> int:
    name, values = next(iter(wanted.items()))
    if len(wanted) > 1 or at:
        raise InputError("--certify: with --box, and without --at, give one list, such as --over batch_size=1,2,4")
    check_writable(output, (".json",))
    source = read_file(file)
    region = parse_box(box, source.problem.names, "--box")
    from adamsym.certify import certificate
    from adamsym.continuation import find_zeros_at_each
    from adamsym.expressions.progress import progress_bar
    from adamsym.field import AdamField

    field = AdamField(source.problem, source.adam)
    with executor_of(workers, cluster) as executor, progress_bar("values, of all") as progress:
        found = find_zeros_at_each(field, name, values, region, executor=executor, progress=progress)
    if output is not None:
        write_output(output, json.dumps(certificate(found)))
    if as_json:
        print_result(found, source.problem.names)
    else:
        print(found.summary)
        columns, rows = found.table()
        print_table(columns, rows, numbers=columns[:-2])
        if output is not None:
            print(about_certificate(output))
    return HOLDS if found.complete else UNDECIDED


def parse_over(texts: list[str] | None, option: str = "--over") -> dict[str, str]:
    """Return names with their values, as texts, of the options ``--over``, or of another.

    Raises
    ------
    InputError
        If there are none, a name is given twice, or a text has another form.
    """
    wanted: dict[str, str] = {}
    for text in texts or ():
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not name or not values:
            raise InputError(f"{option}: {text[:40]!r} is not allowed; write name=low:high or name=1,8,64")
        if name in wanted:
            raise InputError(f"{option}: {name[:40]} is given twice; give each once")
        wanted[name] = values
    if not wanted:
        raise InputError(f"{option}: say what to vary, such as {option} beta2=0.5:0.9999")
    return wanted


def _show(found: "Sweep", output: Path | None, as_json: bool) -> None:
    if output is not None:
        write_table(output, found.columns())
    if as_json:
        print_result(found)
    else:
        _print_sweep(found, output)


def _print_sweep(found: "Sweep", output: Path | None) -> None:
    print(f"followed by number, not certified: {found.summary}" if found.branches else found.summary)
    for fixed, reason in found.not_followed if found.branches else ():
        where = ", ".join(f"{name} = {value:g}" for name, value in fixed.items())
        print(f"not followed{f' at {where}' if where else ''}: {reason}")
    if not found.branches:
        return
    columns, rows = found.table()
    print_table(columns, rows, numbers=[name for name in columns if name not in ("", "stability")])
    print(
        f"all zeros are in {output}" if output is not None else "all zeros of each branch: add -o zeros.csv, or --json"
    )
