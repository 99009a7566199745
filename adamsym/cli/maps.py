"""The command that counts zeros over two parameters."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adamsym.cli.certified_cells import PICTURES, certified_cells
from adamsym.cli.executors import Cluster, executor_of
from adamsym.cli.options import HOLDS, POINT_HELP, UNDECIDED, File, Json, read_start_or_box
from adamsym.cli.output import (
    check_resume,
    check_table,
    check_writable,
    print_result,
    print_table,
    write_output,
    write_table,
)
from adamsym.cli.signals import said_when_stopped
from adamsym.cli.sweep import parse_over
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.continuation import LyapunovMap, ZeroMap

_TABLES = (".csv", ".npz", ".parquet")
_POINTS = 40


def map_(
    file: File,
    over: Annotated[
        list[str] | None,
        typer.Option("--over", help="Twice: beta1=0.5:0.99, beta2=0.9:0.9999:20, batch_size=1,2,4, data.x[2]=1:3."),
    ] = None,
    of: Annotated[
        str, typer.Option("--of", help="zeros: how many; lyapunov: whether the loss decreases in all of the box.")
    ] = "zeros",
    at: Annotated[list[str] | None, typer.Option("--at", help=POINT_HELP, show_default=False)] = None,
    box: Annotated[
        list[str] | None,
        typer.Option("--box", help="In place of --at: zeros in theta=-5:5 are counted.", show_default=False),
    ] = None,
    points: Annotated[int, typer.Option("--points", help="Values of each interval.", min=2, max=1000)] = _POINTS,
    certify: Annotated[
        bool,
        typer.Option("--certify", help="Prove it: all zeros in --box (-o a certificate), or that the loss decreases."),
    ] = False,
    budget: Annotated[
        int | None,
        typer.Option(
            "--budget",
            help="Of --certify for zeros: operations, each about a microsecond of work.",
            min=1,
            show_default="400000000",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A .csv, .npz or .parquet table, or a picture (.svg, .png, .pdf)."),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes.", min=1, show_default="one")] = None,
    cluster: Cluster = None,
    journal: Annotated[Path | None, typer.Option("--journal", help="Keep what is finished in this file.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the journal.")] = False,
    as_json: Json = False,
) -> int:
    """Count zeros over a grid of two parameters, or see where the loss decreases along the flow."""
    wanted = parse_over(over)
    _check_of(of, at, box)
    if certify and of == "zeros":
        check_resume(journal, resume)
        if box and not at and points == _POINTS:
            return certified_cells(file, wanted, box, output, workers, cluster, journal, as_json, budget)
        raise InputError("--certify: it takes --box, and neither --at nor --points")
    if budget is not None:
        raise InputError("--budget: it is for the proofs of --certify that count zeros")
    check_resume(journal, resume)
    check_writable(output, (*_TABLES, *PICTURES))
    if output is not None and output.suffix in _TABLES:
        check_table(output)
    with said_when_stopped(journal, "--journal", lambda partial: _show(partial, of, output, as_json, file.stem)):
        found = _found(file, wanted, of, at, box, workers, cluster, journal, points=points, certify=certify)
    _show(found, of, output, as_json, file.stem)
    return UNDECIDED if _reason(found) else HOLDS


def _found(
    file: Path,
    wanted: dict[str, str],
    of: str,
    at: list[str] | None,
    box: list[str] | None,
    workers: int | None,
    cluster: str | None,
    journal: Path | None,
    *,
    points: int,
    certify: bool,
) -> "ZeroMap | LyapunovMap":
    source, start, region = read_start_or_box(file, at, box, "a box in which zeros are counted")
    from adamsym.continuation import map_lyapunov, map_zeros
    from adamsym.expressions.progress import progress_bar
    from adamsym.field import AdamField

    field = AdamField(source.problem, source.adam)
    kept = f" What is finished is in {journal}: add --resume." if journal else ""
    options: dict[str, Any] = {"points": points, "journal": journal}
    with (
        executor_of(workers, cluster, kept) as executor,
        progress_bar("pairs of values reached") as progress,
    ):
        options |= {"executor": executor, "progress": progress}
        if region is not None and of == "lyapunov":
            return map_lyapunov(field, wanted, region, certify=certify, **options)
        return map_zeros(field, wanted, start=start, box=region, **options)


def _show(found: "ZeroMap | LyapunovMap", of: str, output: Path | None, as_json: bool, title: str) -> None:
    if output is not None:
        _write(found, output, title)
    if as_json:
        print_result(found)
    else:
        _print(found, of, output)


def _check_of(of: str, at: list[str] | None, box: list[str] | None) -> None:
    if of not in ("zeros", "lyapunov"):
        raise InputError(f"--of: {of[:40]!r} is not allowed; allowed are zeros and lyapunov")
    if of == "lyapunov" and (at or not box):
        raise InputError("--of lyapunov: give the box in which the loss is to decrease, --box theta=-5:5, and no --at")


def _reason(found: "ZeroMap | LyapunovMap") -> str:
    """Why nothing was counted."""
    return str(getattr(found, "reason", ""))


def _write(found: "ZeroMap | LyapunovMap", output: Path, title: str) -> None:
    if output.suffix in _TABLES:
        write_table(output, found.columns())
        return
    from adamsym.plots.maps import map_figure
    from adamsym.plots.saving import figure_bytes

    write_output(output, figure_bytes(map_figure(found, title), output.suffix[1:]))


def _print(found: "ZeroMap | LyapunovMap", of: str, output: Path | None) -> None:
    prefix = "" if _reason(found) else "followed by number, not certified: " if of == "zeros" else "by samples: "
    print(f"{prefix}{found.summary}")
    if _reason(found):
        return
    columns, rows = found.table()
    print_table(columns, rows, numbers=[name for name in columns if name != "the loss"])
    print(
        f"written to {output}" if output is not None else "all pairs of values: add -o map.csv, -o map.svg, or --json"
    )
