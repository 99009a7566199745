"""The commands that certify, and the one that re-checks."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adamsym.cli.assignments import parse_box
from adamsym.cli.crossings import border_point, change_of_sign, has_bounds_alone, no_zero_near
from adamsym.cli.executors import Cluster, Workers, executor_of
from adamsym.cli.lyapunov_ball import certify_around_point
from adamsym.cli.options import (
    HOLDS,
    POINT_HELP,
    REFUTED,
    UNDECIDED,
    File,
    Json,
    Quiet,
    as_given,
    read_file,
    read_problem_and_point,
)
from adamsym.cli.output import about_certificate, check_writable, hint, print_result, print_table, working, write_output
from adamsym.cli.searching import search
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.certify import LyapunovRegion, OneZero, Zero, Zeros
    from adamsym.checker import Check
    from adamsym.gradients.reading import ProblemFile

BoxOption = Annotated[
    list[str] | None, typer.Option("--box", help="theta=-5:5; several by commas or repetition.", show_default=False)
]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", help="Write the certificate (.json).", show_default=False)
]
Budget = Annotated[int, typer.Option("--budget", help="Most boxes to examine; dear ones count like several.", min=1)]
Journal = Annotated[
    Path | None,
    typer.Option("--journal", help="Keep finished boxes in this file.", show_default="OUTPUT.journal, with -o"),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the journal.")]
_WIDTH, _BUDGET = 1e-10, 20_000
_LISTED = 10
"""Undecided boxes that are printed; --json lists all."""

_AT_LEAST_ONE = "at least one, multiplicity not resolved"


def zeros(
    file: File,
    box: BoxOption = None,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", help="In place of --box: the point theta=1; the rest from [start].", show_default=False),
    ] = None,
    project: Annotated[
        list[str] | None,
        typer.Option(
            "--project", help="theta is kept in a box, theta=-1:1, and --at is on its border.", show_default=False
        ),
    ] = None,
    output: Output = None,
    width: Annotated[float, typer.Option("--width", help="Wanted width of the boxes around zeros.")] = _WIDTH,
    budget: Budget = _BUDGET,
    workers: Workers = None,
    cluster: Cluster = None,
    journal: Journal = None,
    resume: Resume = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Find all zeros of the field in a box, each certified; or certify the one, or the set of minima, near a point.

    Of sign methods and reshuffled rows, with one parameter, --box certifies a change of sign.
    """
    searches = (width, budget, journal, resume, cluster) != (_WIDTH, _BUDGET, None, False, None)
    if at:
        if searches:
            raise InputError(
                "--width, --budget, --journal, --resume and --cluster go with --box: --at searches no boxes"
            )
        if box:
            raise InputError("--at, --box: give one of them: the one zero near a point, or all in a box")
        if project:
            return border_point(file, at, project, output, as_json, quiet)
        return _zero_near(file, at, output, as_json, quiet)
    if project:
        raise InputError("--project: it goes with --at, a point on the border of the box")
    source, sides = _problem_and_box(file, box, output, "--at for the one zero near a point")
    from adamsym.certify import certificate, find_zeros
    from adamsym.field import AdamField

    field = AdamField(source.problem, source.adam)
    if has_bounds_alone(source):
        if searches:
            raise InputError(
                "--width, --budget, --journal, --resume and --cluster: this field has no bounds of its Jacobian, and "
                "no boxes are searched"
            )
        return change_of_sign(source, field, sides, output, as_json)
    with search(output, journal, resume, workers, cluster) as options:
        found = find_zeros(field, sides, width=width, budget=budget, **options)
    if output is not None:
        write_output(output, json.dumps(certificate(found)))
    if as_json:
        print_result(found, source.problem.names)
    else:
        _print_zeros(found, source.problem.names, output)
        hint(quiet, "plot", "zeros", file, *as_given("--box", box), "-o", "zeros.svg")
    return HOLDS if found.complete else UNDECIDED


def _zero_near(file: Path, at: list[str], output: Path | None, as_json: bool, quiet: bool) -> int:
    check_writable(output, (".json",))
    source, theta = read_problem_and_point(file, at, "--at")
    if has_bounds_alone(source):
        raise no_zero_near(source)
    from adamsym.certify import certificate, certify_zero
    from adamsym.field import AdamField
    from adamsym.methods.record import parameters_of

    with working("certifying"):
        found = certify_zero(AdamField(source.problem, source.adam), theta)
    written = output if found.certified else None
    if written is not None:
        write_output(written, json.dumps(certificate(found)))
    if as_json:
        print_result(found, source.problem.names)
    else:
        _print_zero(found, written)
        if "beta2" in parameters_of(source.adam):
            hint(quiet, "sweep", file, *as_given("--at", at), "--over", "beta2=0.9:0.9999")
    return HOLDS if found.certified else UNDECIDED


def _print_zero(found: "OneZero", output: Path | None) -> None:
    print(found.summary)
    _print_supposed(found.supposes)
    if not found.certified:
        return
    columns, rows = found.table()
    print_table(columns, rows, numbers=columns[1:])
    if found.minima is not None:
        print(found.minima.explanation)
    critical = {"yes": "it is", "no": "it is not", "undecided": "it is not known whether it is"}
    if found.zero is not None and found.zero.critical_point is not None:
        print(f"{critical[found.zero.critical_point]} a critical point of L")
        if found.no_critical:
            print(found.no_critical)
    if output is not None:
        print(about_certificate(output))


def lyapunov(
    file: File,
    box: BoxOption = None,
    output: Output = None,
    budget: Budget = _BUDGET,
    workers: Workers = None,
    cluster: Cluster = None,
    journal: Journal = None,
    resume: Resume = False,
    ball: Annotated[
        str | None,
        typer.Option("--ball", help="Half the width of a box around an interpolating point, or: largest."),
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--global", help="In all of space; [start] or 0 is where L is told.")
    ] = False,
    at: Annotated[list[str] | None, typer.Option("--at", help=POINT_HELP, show_default=False)] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Which theorem it rests on, and its numbers.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Certify the loss as a Lyapunov function of the flow in a box, around an interpolating point, or everywhere."""
    if sum((bool(box), ball is not None, everywhere)) > 1:
        raise InputError("--box, --ball and --global name three different regions; give one of them")
    if ball is not None or everywhere:
        if journal is not None or resume:
            raise InputError("--journal and --resume go with --box: there is no search to go on with")
        if budget != _BUDGET or cluster is not None:
            raise InputError("--budget and --cluster go with --box: --ball and --global search no boxes")
        return certify_around_point(file, ball, at, output, explain, as_json)
    if explain or at:
        raise InputError("--explain and --at go with --ball or --global")
    source, sides = _problem_and_box(file, box, output, "--ball or --global for a region around minima")
    from adamsym.certify import certificate, certify_lyapunov
    from adamsym.field import AdamField

    with search(output, journal, resume, workers, cluster) as options:
        found = certify_lyapunov(AdamField(source.problem, source.adam), sides, budget=budget, **options)
    if output is not None:
        write_output(output, json.dumps(certificate(found)))
    if as_json:
        print_result(found, source.problem.names)
    else:
        _print_region(found, source.problem.names, output)
        hint(quiet, "plot", "lyapunov", file, *as_given("--box", box), "-o", "lyapunov.svg")
    return {"certified": HOLDS, "refuted": REFUTED, "undecided": UNDECIDED}[found.verdict]


def check(
    certificate: Annotated[Path, typer.Argument(help="A certificate (JSON).", show_default=False)],
    workers: Workers = None,
    cluster: Cluster = None,
    budget: Annotated[
        int | None, typer.Option("--budget", help="Most operations.", min=1, show_default="300000000")
    ] = None,
    slow: Annotated[bool, typer.Option("--slow", help="Compute with mpmath's intervals, not with balls.")] = False,
    as_json: Json = False,
) -> int:
    """Re-check a certificate with other code, trusting nothing in it."""
    from adamsym.checker import check_certificate
    from adamsym.checker.checking import BUDGET
    from adamsym.expressions.progress import progress_bar

    with executor_of(workers, cluster) as executor, progress_bar("proofs checked") as progress:
        found = check_certificate(
            certificate,
            executor=executor if isinstance(executor, Executor) else None,
            processes=workers or os.cpu_count() or 1,
            operations=BUDGET if budget is None else budget,
            slow=slow,
            progress=progress,
        )
    if as_json:
        print_result(found)
    else:
        verdict = "valid" if found.valid else "undecided" if found.undecided else "NOT valid"
        print(f"{verdict}: {found.reason}{_more_work(found)}")
    return HOLDS if found.valid else UNDECIDED if found.undecided else REFUTED


def _more_work(found: "Check") -> str:
    """What would decide where the check was given up."""
    if not found.undecided:
        return ""
    more = "this would take more work than is allowed"
    return f"; {more}: --budget {found.budget} goes on" if found.budget is not None else f"; {more} for one bound"


def _problem_and_box(
    file: Path, texts: list[str] | None, output: Path | None, otherwise: str
) -> "tuple[ProblemFile, list[list[float]]]":
    check_writable(output, (".json",))
    source = read_file(file)
    if not texts:
        names = source.problem.names
        raise InputError(f"--box: no range for {', '.join(names)[:80]}; give --box {names[0]}=-5:5, or {otherwise}")
    return source, parse_box(texts, source.problem.names, "--box")


def _print_zeros(found: "Zeros", names: tuple[str, ...], output: Path | None) -> None:
    _print_stopped(found.stopped, found.examined)
    from adamsym.certify.results import counted_zeros, set_rows

    count = counted_zeros(found)
    if found.complete:
        print(f"certified: exactly {count} in the box")
    else:
        left = len(found.undecided)
        boxes = f"{left} box is left" if left == 1 else f"{left} boxes are left"
        proven = sum(cluster.holds_zero for cluster in found.clusters)
        alone, others = (" one by one", f"with at least {proven} more") if proven else ("", "where there may be others")
        print(f"undecided: {count} certified{alone} in the box, and {boxes} {others}")
    _print_supposed(found.supposes)
    _print_zero_table(found.zeros, names)
    if found.sets:
        columns, rows = set_rows(found)
        print_table(columns, rows[:_LISTED])
        _print_more(len(rows))
    if found.beyond:
        print("beyond the box, or on its border; not counted:")
        _print_zero_table(found.beyond, names)
    if found.clusters:
        rows = [
            [
                _box_text(cluster.box, names),
                _AT_LEAST_ONE if cluster.holds_zero else "may contain zeros",
                cluster.reason,
            ]
            for cluster in found.clusters[:_LISTED]
        ]
        print_table(["undecided boxes, side by side", "zeros", "why undecided"], rows)
        _print_more(len(found.clusters))
    _print_end(found, output)


def _print_zero_table(zeros: "Sequence[Zero]", names: tuple[str, ...]) -> None:
    from adamsym.certify.results import zero_rows

    columns, rows = [*names, "box width", "stability", "critical point of L"], zero_rows(zeros)
    if rows:
        print_table(columns, rows, numbers=columns[:-2])


def _print_supposed(text: str | None) -> None:
    if text is not None:
        print(f"supposing that {text}")


def _print_stopped(stopped: bool, examined: int) -> None:
    if stopped:
        print(f"stopped by Ctrl-C after {examined} boxes: what is known so far")


def _print_region(found: "LyapunovRegion", names: tuple[str, ...], output: Path | None) -> None:
    from adamsym.certify import compare_regions
    from adamsym.certify.digits import interval_text, rounded_down, rounded_up
    from adamsym.certify.outcomes import Undecided

    _print_stopped(found.stopped, found.examined)
    if found.verdict == "refuted" and found.witness is not None and found.witness_bounds is not None:
        # The witness is this float and no other.
        point = ", ".join(f"{name} = {x!r}" for name, x in zip(names, found.witness.tolist(), strict=True))
        bounds = interval_text(*found.witness_bounds)
        print(f"refuted: at {point} the loss increases: <grad L, f> is proven to lie in {bounds}")
    elif found.verdict == "certified":
        print("certified: L decreases along the flow in all of the box, but where every row's gradient vanishes")
        if found.rate is not None:
            print(f"there L decays at least like exp(-{rounded_down(found.rate)} t)")
    else:
        print(f"undecided: certified on {100 * found.share:.4g}% of the box, {len(found.undecided)} boxes left")
    _print_supposed(found.supposes)
    regions = compare_regions(found)
    if regions.level_t6 is not None and regions.smoothness and regions.pl:
        print_table(["region", "what it says", "share of the box"], _region_rows(regions), numbers=["share of the box"])
        constants = f"K = {rounded_up(regions.smoothness)}, mu = {rounded_down(regions.pl)}"
        print(f"{constants}: proven on the box if no row's loss is negative. Shares of levels are sampled.")
    if found.verdict == "undecided":
        _print_undecided(
            [(box, outcome.reason) for box, outcome in found.leaves if isinstance(outcome, Undecided)], names
        )
    _print_end(found, output)


def _region_rows(regions: Any) -> list[list[str]]:
    def share(name: str) -> str:
        value = regions.shares[name]
        return "-" if value is None else f"{100 * value:.4g}%"

    def everywhere(applies: bool) -> str:
        return "applies: everywhere" if applies else "does not apply"

    return [
        ["T6", f"L < {regions.level_t6:.3g}", share("T6")],
        ["N-Theorem 1", f"L < {regions.level_theorem_1:.3g}", share("N-Theorem 1")],
        ["N-Theorem 2", everywhere(regions.theorem_2), share("N-Theorem 2")],
        ["N-Theorem 6", everywhere(regions.theorem_6), share("N-Theorem 6")],
        ["certified", "boxes, each proven", share("certified")],
    ]


def _print_undecided(leaves: list[tuple[Any, str]], names: tuple[str, ...]) -> None:
    if not leaves:
        return
    rows = [[_box_text(box, names), reason] for box, reason in leaves[:_LISTED]]
    print_table(["undecided box", "why"], rows)
    _print_more(len(leaves))


def _box_text(box: Any, names: tuple[str, ...]) -> str:
    from adamsym.certify.digits import interval_text

    return ", ".join(f"{name} in {interval_text(*side)}" for name, side in zip(names, box, strict=True))


def _print_more(number: int) -> None:
    if number > _LISTED:
        print(f"and {number - _LISTED} more: --json lists them")


def _print_end(found: "Zeros | LyapunovRegion", output: Path | None) -> None:
    from adamsym.certify.outcomes import SPENT

    boxes = "1 box" if found.examined == 1 else f"{found.examined} boxes"
    spent = any(getattr(outcome, "reason", None) == SPENT for _, outcome in found.leaves)
    work = f": the budget is spent, with {found.operations:.2g} operations (--budget)" if spent else ""
    print(f"{boxes} examined{work}" + (f"; {about_certificate(output)}" if output else ""))
