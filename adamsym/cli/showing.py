"""The commands that draw: one plot, and the report."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adamsym.cli.assignments import parse_box
from adamsym.cli.options import HOLDS, POINT_HELP, File, Json, read_problem_and_point, whole_numbers
from adamsym.cli.output import check_writable, print_json, working, write_whole
from adamsym.expressions.errors import InputError
from adamsym.view.kinds import KINDS
from adamsym.view.settings import Settings

if TYPE_CHECKING:
    from adamsym.view.study import Study

_DEFAULT = Settings()
_FORMATS = (".svg", ".png", ".pdf")

Box = Annotated[
    list[str] | None,
    typer.Option("--box", help="theta=-5:5; several by commas or repetition.", show_default="around the flow's path"),
]
Time = Annotated[float, typer.Option("--time", help="End time of the flow.")]
StepSize = Annotated[str, typer.Option("--step-size", help="Expression in the step number n.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of all randomness.", min=0)]
Budget = Annotated[int, typer.Option("--budget", help="Most boxes that each certified search examines.", min=1)]
Chains = Annotated[int, typer.Option("--chains", help="Chains in windows; the flow shows ten.", min=2, max=100_000)]
Starts = Annotated[
    list[str] | None,
    typer.Option("--starts", help="Steps at which windows begin, by commas.", show_default="1000,10000,100000"),
]
Length = Annotated[float, typer.Option("--length", help="Length of the windows, in sums of step sizes.")]
Resolution = Annotated[int, typer.Option("--resolution", help="Points along each of two parameters.", min=5, max=1000)]


def plot(
    kind: Annotated[str, typer.Argument(help="; ".join(f"{name}: {one.summary}" for name, one in KINDS.items()) + ".")],
    file: File,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The .svg, .png or .pdf file.", show_default=False)
    ] = None,
    box: Box = None,
    plane: Annotated[
        str | None, typer.Option("--plane", help="Two parameters, a,b, of more.", show_default="the first two")
    ] = None,
    start: Annotated[list[str] | None, typer.Option("--from", help=POINT_HELP, show_default=False)] = None,
    time: Time = _DEFAULT.time,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", help="Of each run.", min=1, max=10_000_000, show_default="until --time, at most 100000"
        ),
    ] = None,
    chains: Chains = _DEFAULT.chains,
    step_size: StepSize = _DEFAULT.step_size,
    seed: Seed = _DEFAULT.seed,
    budget: Budget = _DEFAULT.budget,
    resolution: Resolution = _DEFAULT.resolution,
    starts: Starts = None,
    length: Length = _DEFAULT.length,
    as_json: Json = False,
) -> int:
    """Draw one plot of a problem."""
    if kind not in KINDS:
        raise InputError(f"plot: {kind[:40]!r} is no kind of plot; allowed are {', '.join(KINDS)}")
    if output is None:
        raise InputError(f"-o: no file to write; give one, such as -o {kind}.svg")
    check_writable(output, _FORMATS)
    settings = Settings(
        _positive(time, "--time"),
        step_size,
        steps,
        chains,
        seed,
        budget,
        resolution,
        whole_numbers(starts, "--starts", _DEFAULT.starts),
        length,
    )
    study = _study(file, start, box, plane, settings)
    from adamsym.view.saving import figure_bytes

    with working(f"drawing {kind}"):
        drawn = KINDS[kind].make(study)
        write_whole(output, figure_bytes(drawn.figure, output.suffix[1:]))
    if as_json:
        print_json({"plot": str(output), "kind": kind, "finding": drawn.finding})
    else:
        print(f"{drawn.finding}\nwritten to {output}")
    return HOLDS


def _study(
    file: Path, start: Sequence[str] | None, box: Sequence[str] | None, plane: str | None, settings: Settings
) -> "Study":
    source, theta = read_problem_and_point(file, start, "--from")
    from adamsym.view.study import Study, plane_of

    names = source.problem.names
    shown = plane_of(names, [name.strip() for name in plane.split(",")] if plane else ())
    sides = None
    if box:
        ranges = parse_box(box, [names[k] for k in shown], "--box")
        for k, (low, high) in zip(shown, ranges, strict=True):
            if not low < high:
                raise InputError(f"--box: {names[k]}={low:g}:{high:g} has no width; give a lower end below the upper")
        sides = tuple((low, high) for low, high in ranges)
    return Study(source, tuple(theta), settings, shown, sides)


def _positive(value: float, option: str) -> float:
    if not 0 < value <= sys.float_info.max:
        raise InputError(f"{option}: {value} is not allowed; allowed are positive numbers")
    return value
