"""The commands that draw: one plot, and the report."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from typer.core import TyperArgument, TyperCommand

from adamsym.cli.assignments import parse_box
from adamsym.cli.options import (
    FAULT,
    HOLDS,
    POINT_HELP,
    REFUTED,
    UNDECIDED,
    File,
    Json,
    Quiet,
    read_file,
    read_problem_and_point,
    whole_numbers,
)
from adamsym.cli.output import check_writable, hint, print_json, print_table, tell, working, write_output
from adamsym.cli.sweep import parse_over
from adamsym.expressions.errors import InputError
from adamsym.plots.registry import known_kind, plot_kinds
from adamsym.plots.settings import Settings

if TYPE_CHECKING:
    from adamsym.gradients.reading import ProblemFile
    from adamsym.plots.context import PlotContext
    from adamsym.report.collection import Report

_DEFAULT = Settings()
_FORMATS = (".svg", ".png", ".pdf")

_VALUES = {"loss": 600, "flow": 600, "zeros": 2500, "portrait": 2500, "basins": 60_000}
"""Values of the field in a plot of a plane at the usual resolution, about; in one parameter there are a tenth.

Plots with fewer values than are worth it compile no loops.
"""

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
Sweep = Annotated[
    str | None,
    typer.Option(
        "--sweep",
        help="Over what the zero near the start is followed: beta2=0.9:0.9999, batch_size=1,8,64; beta2 alone: around "
        "its own value.",
        show_default=False,
    ),
]
Certify = Annotated[bool, typer.Option("--certify", help="Prove the branch of zeros of --sweep over its interval.")]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map", help="Twice: over what zeros are counted, beta1=0.5:0.9 and beta2=0.9:0.99.", show_default=False
    ),
]
Resolution = Annotated[int, typer.Option("--resolution", help="Points along each of two parameters.", min=5, max=1000)]


class PlotCommand(TyperCommand):
    """The command ``plot``, whose help lists the kinds that are registered when it is asked for."""

    def format_help(self, *given: Any) -> None:
        """Write the help."""
        try:
            text = "; ".join(f"{name}: {one.summary}" for name, one in plot_kinds().items()) + "."
        except InputError as error:
            text = str(error)
        kind = next(parameter for parameter in self.params if parameter.name == "kind")
        cast(TyperArgument, kind).help = text
        super().format_help(*given)


def plot(
    kind: Annotated[str, typer.Argument(autocompletion=lambda: sorted(plot_kinds()))],
    file: File,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The .svg, .png or .pdf file.", show_default=False)
    ] = None,
    box: Box = None,
    plane: Annotated[
        str | None, typer.Option("--plane", help="Two parameters, a,b, of more.", show_default="the first two")
    ] = None,
    start: Annotated[list[str] | None, typer.Option("--from", help=POINT_HELP, show_default=False)] = None,
    time: Annotated[
        float | None,
        typer.Option(
            "--time", help="End time of the flow.", show_default="10; of basins up to 640, while more starts arrive"
        ),
    ] = None,
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
    sweep: Sweep = None,
    certify: Certify = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Draw one plot of a problem."""
    entry = known_kind(kind)
    if output is None:
        raise InputError(f"-o: no file to write; give one, such as -o {kind}.svg")
    check_writable(output, _FORMATS)
    settings = Settings(
        _positive(_DEFAULT.time if time is None else time, "--time"),
        step_size,
        steps,
        chains,
        seed,
        budget,
        resolution=resolution,
        starts=whole_numbers(starts, "--starts", _DEFAULT.starts),
        length=_positive(length, "--length"),
        sweep=_swept(sweep or "beta2", certify),
        certify=certify,
        doublings=_DEFAULT.doublings if time is None else 0,
    )
    context = _context(kind, file, start, box, plane, settings)
    from adamsym.plots.figures import plot as plot_of
    from adamsym.plots.saving import figure_bytes

    with working(f"drawing {kind}"):
        drawn = plot_of(entry, context)
        write_output(output, figure_bytes(drawn.figure, output.suffix[1:]))
    if as_json:
        print_json({"plot": str(output), "kind": kind, "finding": drawn.text})
    else:
        print(f"{drawn.text}\nwritten to {output}")
        hint(quiet, "report", file, "-o", "report.html")
    return HOLDS


def report(
    places: Annotated[
        list[Path],
        typer.Argument(
            help="Problem files, folders of them, folders of claims (whose Python is run).", show_default=False
        ),
    ],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The .html file.", show_default=False)] = None,
    box: Box = None,
    time: Time = _DEFAULT.time,
    chains: Chains = _DEFAULT.chains,
    step_size: StepSize = _DEFAULT.step_size,
    seed: Seed = _DEFAULT.seed,
    budget: Budget = _DEFAULT.budget,
    starts: Starts = None,
    length: Length = _DEFAULT.length,
    sweep: Sweep = None,
    certify: Certify = False,
    map_over: Map = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes.", min=1, show_default="processors")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit",
            help="Seconds for each part of a problem and each file of claims; then it is undecided.",
            min=0.1,
            show_default="none",
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Write one page about problems and claims."""
    if output is None:
        raise InputError("-o: no file to write; give one, such as -o report.html")
    check_writable(output, (".html",))
    windows = whole_numbers(starts, "--starts", _DEFAULT.starts)
    settings = Settings(
        _positive(time, "--time"),
        step_size,
        None,
        chains,
        seed,
        budget,
        starts=windows,
        length=_positive(length, "--length"),
        sweep=_swept(sweep, certify),
        certify=certify,
        map_over=_mapped(map_over),
    )
    from adamsym.methods import StepSizeSchedule
    from adamsym.report.collection import find_places, gather_report
    from adamsym.report.page import render_page

    StepSizeSchedule(step_size)
    with working("gathering the report"):
        found = find_places(places)
        sides = _only_box(found.problems, box) if box else None
        command = shlex.join(["adamsym", *sys.argv[1:]])
        gathered = gather_report(found, settings, command, sides, workers, time_limit, _say)
        write_output(output, render_page(gathered))
    if as_json:
        print_json({"report": str(output)} | gathered.to_dict())
    else:
        _print_report(gathered, output)
    for fault in gathered.faults:
        tell(f"{fault}adamsym: this is a fault of adamsym, not of its input; please report it")
    codes = {"holds": HOLDS, "refuted": REFUTED, "undecided": UNDECIDED, "internal error": FAULT}
    return codes[gathered.verdict]


def _say(done: str) -> None:
    if sys.stderr.isatty():
        print(f"{done}: done", file=sys.stderr)


def _only_box(problems: Sequence[Path], box: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """The box of the only problem's plane."""
    if len(problems) != 1:
        raise InputError(f"--box: {len(problems)} problems; a box is for one problem alone")
    return _sides(box, read_file(problems[0]).problem.names[:2])


def _print_report(found: "Report", output: Path) -> None:
    number = len(found.problems)
    counts = [f"{number} problem" + ("s" if number > 1 else "")] if number else []
    if found.claims:
        holding = sum(claim.verdict == "holds" for claim in found.claims)
        counts.append(f"{holding} of {len(found.claims)} claims hold")
    print(f"{found.verdict}: {', '.join(counts)}; written to {output}")
    rows = [[one.name, check.what, check.verdict, check.grade] for one in found.problems for check in one.checks]
    rows += [[claim.name, claim.title, claim.verdict, "claim"] for claim in found.claims]
    print_table(["problem or claim", "what", "verdict", "grade"], rows)


def _context(
    kind: str,
    file: Path,
    start: Sequence[str] | None,
    box: Sequence[str] | None,
    plane: str | None,
    settings: Settings,
) -> "PlotContext":
    source, theta = read_problem_and_point(file, start, "--from")
    from adamsym.plots.context import PlotContext, plane_of

    names = source.problem.names
    from adamsym.field import AdamField

    shown = plane_of(names, [name.strip() for name in plane.split(",")] if plane else ())
    sides = _sides(box, [names[k] for k in shown]) if box else None
    field = AdamField(source.problem, source.adam, backend=_backend(kind, source, len(shown), settings))
    return PlotContext(field, tuple(theta), settings, shown, sides, file.stem)


def _backend(kind: str, source: "ProblemFile", parameters: int, settings: Settings) -> str:
    """Where the field of a plot is evaluated: by arrays if compiling loops for its values would take longer."""
    from adamsym.field.small import is_small

    finer = max(1.0, settings.resolution / _DEFAULT.resolution) ** 2
    values = _VALUES.get(kind, 0) * finer * (1 if parameters > 1 else 0.1)
    return "numpy" if values and is_small(source.problem, source.adam, values=round(values)) else "numba"


def _sides(box: Sequence[str], names: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """The ranges of the parameters that are drawn."""
    ranges = parse_box(box, names, "--box")
    for name, (low, high) in zip(names, ranges, strict=True):
        if not low < high:
            raise InputError(f"--box: {name}={low:g}:{high:g} has no width; give a lower end below the upper")
    return tuple((low, high) for low, high in ranges)


def _swept(text: str | None, certify: bool) -> tuple[str, str] | None:
    """The parameter of a sweep, and its values; those around its own if they are empty."""
    if text is None:
        if certify:
            raise InputError("--certify: say what to vary, such as --sweep beta2=0.9:0.999")
        return None
    name, equals, values = (part.strip() for part in text.partition("="))
    if not name or (equals and not values):
        raise InputError(f"--sweep: {text[:40]!r} is not allowed; write name=low:high, name=1,8,64 or beta2")
    if values:
        from adamsym.continuation.axes import axes_of

        axes_of({name: values})
    elif name != "beta2":
        raise InputError(f"--sweep: no values of {name[:40]}; give some, such as {name[:40]}=low:high")
    return name, values


def _mapped(texts: list[str] | None) -> tuple[tuple[str, str], ...]:
    """The two parameters of a map with their values; none if there is no option."""
    if not texts:
        return ()
    from adamsym.continuation.axes import axes_of

    wanted = parse_over(texts, "--map")
    if len(wanted) != 2:
        raise InputError("--map: give it twice, such as --map beta1=0.5:0.9 --map beta2=0.9:0.99")
    for name, values in wanted.items():
        axes_of({name: values})
    return tuple(wanted.items())


def _positive(value: float, option: str) -> float:
    if not 0 < value <= sys.float_info.max:
        raise InputError(f"{option}: {value} is not allowed; allowed are positive numbers")
    return value
