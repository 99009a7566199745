"""The command that counts zeros over two parameters."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adamsym.cli.assignments import parse_box
from adamsym.cli.executors import Cluster, executor_of
from adamsym.cli.options import HOLDS, POINT_HELP, UNDECIDED, File, Json, read_file, read_problem_and_point
from adamsym.cli.output import check_resume, check_writable, print_json, print_table, write_output
from adamsym.cli.sweep import parse_over
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.continuation import ZeroMap

_TABLES, _PICTURES = (".csv", ".npz", ".parquet"), (".svg", ".png", ".pdf")


def map_(
    file: File,
    over: Annotated[
        list[str] | None,
        typer.Option("--over", help="Twice: beta1=0.5:0.99, beta2=0.9:0.9999:20, batch_size=1,2,4, data.x[2]=1:3."),
    ] = None,
    at: Annotated[list[str] | None, typer.Option("--at", help=POINT_HELP, show_default=False)] = None,
    box: Annotated[
        list[str] | None,
        typer.Option("--box", help="In place of --at: zeros in theta=-5:5 are counted.", show_default=False),
    ] = None,
    points: Annotated[int, typer.Option("--points", help="Values of each interval.", min=2, max=1000)] = 40,
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
    """Count the zeros of the field, and the attracting ones, over a grid of two parameters."""
    wanted = parse_over(over)
    check_resume(journal, resume)
    check_writable(output, (*_TABLES, *_PICTURES))
    if at and box:
        raise InputError("--at, --box: give one of them: a point near a zero, or a box in which zeros are counted")
    if box:
        source = read_file(file)
        region, start = parse_box(box, source.problem.names, "--box"), None
    else:
        source, start = read_problem_and_point(file, at, "--at")
        region = None
    from adamsym.continuation import map_zeros
    from adamsym.expressions.columns import check_ending
    from adamsym.expressions.progress import progress_bar
    from adamsym.field import AdamField

    if output is not None and output.suffix in _TABLES:
        check_ending(output)
    field = AdamField(source.problem, source.adam)
    kept = f" What is finished is in {journal}: add --resume." if journal else ""
    where = nullcontext() if workers is None and cluster is None else executor_of(workers, cluster, kept)
    options: dict[str, Any] = {"start": start, "box": region, "points": points, "journal": journal}
    with where as executor, progress_bar("pairs of values reached") as progress:
        found = map_zeros(field, wanted, executor=executor, progress=progress, **options)
    if output is not None:
        _write(found, output, file.stem)
    if as_json:
        print_json(found.to_dict())
    else:
        _print(found, output)
    return UNDECIDED if found.reason else HOLDS


def _write(found: "ZeroMap", output: Path, title: str) -> None:
    if output.suffix in _TABLES:
        from adamsym.expressions.columns import write_columns
        from adamsym.gradients.writing import write_whole

        write_whole(output, lambda opened: write_columns(opened, output.suffix, found.columns()), "-o")
        return
    from adamsym.plots.maps import map_figure
    from adamsym.plots.saving import figure_bytes

    write_output(output, figure_bytes(map_figure(found, title), output.suffix[1:]))


def _print(found: "ZeroMap", output: Path | None) -> None:
    print(found.summary if found.reason else f"followed by number, not certified: {found.summary}")
    if found.reason:
        return
    columns, rows = found.table()
    print_table(columns, rows, numbers=columns)
    print(
        f"written to {output}" if output is not None else "all pairs of values: add -o map.csv, -o map.svg, or --json"
    )
