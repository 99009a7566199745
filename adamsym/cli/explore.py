"""The command that makes an interactive page about a problem, or serves one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adamsym.cli.assignments import parse_box
from adamsym.cli.executors import Cluster, executor_of
from adamsym.cli.options import HOLDS, POINT_HELP, File, Json, read_problem_and_point
from adamsym.cli.output import check_writable, print_json, tell, write_output
from adamsym.cli.sweep import parse_over
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.explorer import Explorer
    from adamsym.explorer.bokeh_page import Page

_PORT, _BUDGET = 5006, 2_000
_BOX = "theta=-5:5; of the parameters drawn, or of all: then of more than two parameters it is searched too."
_CERTIFY = ("own", "all", "none")


def explore(
    file: File,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="One self-contained .html file.", show_default="a local server"),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option("--box", help=_BOX, show_default="around the flow's path"),
    ] = None,
    plane: Annotated[
        str | None, typer.Option("--plane", help="Two parameters, a,b, of more.", show_default="the first two")
    ] = None,
    at: Annotated[list[str] | None, typer.Option("--at", help=POINT_HELP, show_default=False)] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--values",
            help="Of a slider: beta2=0.9,0.99 or beta2=0.5:0.9999:9; beta1, eps, batch_size, another number of the "
            "method, data.x[2]=-1:5:9; repeated.",
            show_default="usual ones",
        ),
    ] = None,
    certify: Annotated[
        str, typer.Option("--certify", help="With -o: at the file's own values, at all positions, or none.")
    ] = "own",
    time: Annotated[
        float | None, typer.Option("--time", help="Of flow lines and run.", show_default="the box's width")
    ] = None,
    step_size: Annotated[
        str | None,
        typer.Option("--step-size", help="Of the run, an expression in the step number n.", show_default="time/2000"),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the run.", min=0)] = 0,
    budget: Annotated[int, typer.Option("--budget", help="Most boxes of a certified search.", min=1)] = _BUDGET,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes, with -o.", min=1, show_default="one")
    ] = None,
    cluster: Cluster = None,
    port: Annotated[
        int, typer.Option("--port", help="Of the local server; 0 for any that is free.", min=0, max=65_535)
    ] = _PORT,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the server's page in a browser.")] = False,
    as_json: Json = False,
) -> int:
    """Explore a problem with sliders: its field, zeros and minima moving apart, flow and runs."""
    check_writable(output, (".html",))
    if certify not in _CERTIFY:
        raise InputError(f"--certify: {certify[:20]!r} is not allowed; allowed are own, all and none")
    if output is None and (as_json or certify != "own"):
        raise InputError("--certify, --json: they go with -o; the local server certifies every position")
    if output is None and (workers, cluster) != (None, None):
        raise InputError("--workers, --cluster: they go with -o; the local server computes one position at a time")
    from adamsym.expressions.optional import library

    library("bokeh")
    explorer = _explorer(
        file, box, plane, at, values, {"time": time, "step_size": step_size, "seed": seed, "budget": budget}
    )
    if output is None:
        explorer.serve(port, open_browser=open_browser, started=_tell_address)
        return HOLDS
    from adamsym.expressions.progress import progress_bar

    with executor_of(workers, cluster) as executor, progress_bar("positions of the sliders") as progress:
        page = explorer.page(certify=certify, executor=executor, progress=progress)
    _write(explorer, page, output, as_json)
    return HOLDS


def _write(explorer: "Explorer", page: "Page", output: Path, as_json: bool) -> None:
    write_output(output, page.html)
    size = len(page.html.encode())
    if as_json:
        print_json({"page": str(output), "bytes": size, "words": page.words} | explorer.to_dict())
        return
    print(f"by number: {page.words['headline']}")
    if page.words["proof"]:
        print(page.words["proof"])
    print(f"{explorer.summary}\nwritten to {output}: {size / 1e6:.1f} MB")


def _tell_address(address: str) -> None:
    tell(f"{address} is ready; Control-C ends it")


def _explorer(
    file: Path,
    box: list[str] | None,
    plane: str | None,
    at: list[str] | None,
    values: list[str] | None,
    options: dict[str, Any],
) -> "Explorer":
    source, start = read_problem_and_point(file, at, "--at", default=1.0)
    from adamsym.explorer import explore as explorer_of
    from adamsym.field import AdamField
    from adamsym.plots.context import plane_of

    names = source.problem.names
    chosen = [name.strip() for name in plane.split(",")] if plane else []
    shown = [names[k] for k in plane_of(names, chosen)]
    given = {part.partition("=")[0].strip() for text in box or () for part in text.split(",")}
    boxed = names if given & (set(names) - set(shown)) else shown
    sides = parse_box(box, boxed, "--box") if box else None
    field = AdamField(source.problem, source.adam)
    wanted = parse_over(values, "--values") if values else None
    return explorer_of(field, sides, start=start, plane=chosen, values=wanted, title=file.stem, **options)
