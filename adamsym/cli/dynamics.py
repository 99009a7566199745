"""The commands that follow Adam in time: its flow, and Adam itself."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adamsym.cli.assignments import parse_box
from adamsym.cli.executors import executor_of
from adamsym.cli.options import (
    HOLDS,
    POINT_HELP,
    REFUTED,
    UNDECIDED,
    File,
    Json,
    Output,
    Quiet,
    as_given,
    read_problem_and_point,
    whole_numbers,
)
from adamsym.cli.output import check_table, hint, print_result, print_table, working, write_table
from adamsym.cli.signals import said_when_stopped
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.dynamics import Ensemble, PseudoTrajectory
    from adamsym.gradients.reading import ProblemFile

_FLOW_VALUES = 600
"""Values of the field along its flow, about: for fewer than are worth it no loops are compiled."""

_MOST_RECORDED = 10**8
_MOST_STEPS = 10**12
"""Steps of all chains together without a checkpoint: some hours of one processor, which would be lost."""

Project = Annotated[
    list[str] | None,
    typer.Option("--project", help="Keep theta in a box, theta=-1:1; theta=0: is open above.", show_default=False),
]
Start = Annotated[list[str] | None, typer.Option("--from", help=POINT_HELP, show_default=False)]


def flow(
    file: File,
    start: Start = None,
    time: Annotated[float, typer.Option("--time", help="End time.")] = 10.0,
    samples: Annotated[int, typer.Option("--samples", help="Times printed, equally spaced.", min=2, max=100_001)] = 11,
    project: Project = None,
    output: Output = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Solve theta' = f(theta), across kinks of the loss and along them."""
    if not 0 < time <= sys.float_info.max:
        raise InputError(f"--time: {time} is not allowed; allowed are positive numbers")
    check_table(output)
    source, theta = read_problem_and_point(file, start, "--from")
    import numpy as np

    from adamsym.dynamics import flow as flow_of
    from adamsym.dynamics.solutions import UNFINISHED, about_solution
    from adamsym.field import AdamField
    from adamsym.field.small import is_small

    backend = "numpy" if is_small(source.problem, source.adam, values=_FLOW_VALUES) else "numba"
    field = AdamField(source.problem, source.adam, backend=backend)
    with working("solving"):
        found = flow_of(field, theta, np.linspace(0.0, time, samples), project=_box(project, source))
    code = UNDECIDED if found.outcome.item() in UNFINISHED else HOLDS
    if output is not None:
        write_table(output, found.columns(source.problem.names))
    if as_json:
        print_result(found, source.problem.names)
        return code
    for line in about_solution(found):
        print(line)
    names, known = source.problem.names, found.times <= found.reached
    states = zip(found.times[known], found.theta[known], strict=True)
    rows = [[f"{t:.6g}", *(f"{x:.10g}" for x in state)] for t, state in states]
    print_table(["time", *names], rows, numbers=["time", *names])
    if output is not None:
        print(f"written to {output}")
    hint(quiet, "simulate", file, *as_given("--from", start), "--steps", 2000)
    return code


def simulate(
    file: File,
    start: Start = None,
    steps: Annotated[int, typer.Option("--steps", help="Steps of each chain.", min=1)] = 10_000,
    chains: Annotated[int, typer.Option("--chains", help="Independent chains.", min=1, max=1_000_000)] = 100,
    step_size: Annotated[str, typer.Option("--step-size", help="Expression in the step number n.")] = "0.1/n**0.7",
    seed: Annotated[int, typer.Option("--seed", help="Seed of all randomness.", min=0)] = 0,
    threads: Annotated[
        int | None, typer.Option("--threads", help="Threads.", min=1, max=1024, show_default="processors")
    ] = None,
    record: Annotated[
        int | None, typer.Option("--record", help="Keep the states after every so many steps.", min=1)
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="A .npz file to go on from.", show_default=False)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint.")] = False,
    project: Project = None,
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", help="Run them in a cluster: a Dask scheduler, tcp://HOST:PORT.", show_default=False),
    ] = None,
    output: Output = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Run many chains of Adam itself."""
    check_table(output)
    if cluster is not None and (threads, checkpoint, resume) != (None, None, False):
        raise InputError(
            "--cluster: it does not go with --threads, --checkpoint and --resume, which are of this machine"
        )
    source, theta = read_problem_and_point(file, start, "--from")
    if record is not None and (steps // record) * chains * len(theta) > _MOST_RECORDED:
        raise InputError(f"--record: more than {_MOST_RECORDED} numbers; record fewer states or chains")
    if checkpoint is None and steps * chains > _MOST_STEPS:
        raise InputError(
            f"--steps: {steps} steps of {chains} chains are more than {_MOST_STEPS:.0e} in all; take fewer, or name a "
            "--checkpoint that keeps what is done"
        )
    from adamsym.dynamics import simulate as ensemble_of
    from adamsym.methods import StepSizeSchedule

    options: dict[str, Any] = {"record_every": record, "threads": threads, "checkpoint": checkpoint, "resume": resume}
    options["project"] = _box(project, source)
    schedule = StepSizeSchedule(step_size)
    with (
        said_when_stopped(checkpoint, "" if cluster else "--checkpoint", what="The chains are"),
        executor_of(None, cluster) as executor,
        _progress(f"running {chains} chains", steps) as progress,
    ):
        options |= {"progress": progress, "executor": executor}
        found = ensemble_of(source.problem, source.adam, schedule, theta, steps, chains, seed, **options)
    if output is not None:
        write_table(output, found.columns(source.problem.names))
    if as_json:
        print_result(found, source.problem.names)
    else:
        print(_verdict(found))
        print(f"{chains} chains after {steps} steps of size {step_size}, seed {seed}")
        columns, rows = found.table()
        if rows:
            print_table(columns, rows, numbers=columns[1:])
        if output is not None:
            print(f"all states are in {output}")
        elif len(found.recorded_steps):
            print(f"{len(found.recorded_steps)} states recorded: -o states.csv writes them, and --json prints them")
        hint(quiet, "plot", "flow", file, *as_given("--from", start), "-o", "flow.svg")
    return REFUTED if found.diverged.any() else HOLDS


def track(
    file: File,
    start: Start = None,
    starts: Annotated[
        list[str] | None,
        typer.Option("--starts", help="Steps at which windows begin, by commas.", show_default="1000,10000,100000"),
    ] = None,
    length: Annotated[float, typer.Option("--length", help="Length of the windows, in sums of step sizes.")] = 1.0,
    chains: Annotated[int, typer.Option("--chains", help="Independent chains.", min=2, max=100_000)] = 200,
    step_size: Annotated[str, typer.Option("--step-size", help="Expression in the step number n.")] = "0.1/n**0.7",
    seed: Annotated[int, typer.Option("--seed", help="Seed of all randomness.", min=0)] = 0,
    region: Annotated[
        list[str] | None,
        typer.Option("--region", help="Box of the bound, theta=-1:2.", show_default="around 64 other chains"),
    ] = None,
    level: Annotated[float, typer.Option("--level", help="Probability that one run exceeds its bound.")] = 0.05,
    output: Output = None,
    as_json: Json = False,
) -> int:
    """Measure how far Adam gets from its flow, beside the proven bound."""
    check_table(output)
    source, theta = read_problem_and_point(file, start, "--from")
    numbers = whole_numbers(starts, "--starts", (1_000, 10_000, 100_000))
    box = parse_box(region, source.problem.names, "--region") if region else None
    from adamsym.dynamics import pseudo_trajectory
    from adamsym.methods import StepSizeSchedule, require_adam

    adam = require_adam(source.adam, "the pseudo-trajectory bound")
    schedule = StepSizeSchedule(step_size)

    def show(found: "PseudoTrajectory") -> None:
        if output is not None:
            write_table(output, found.columns(source.problem.names))
        if as_json:
            print_result(found, source.problem.names)
            return
        _print_track(found, chains)
        if output is not None:
            print(f"the windows are in {output}")

    with said_when_stopped(None, show=show), _progress("windows", len(numbers)) as progress:
        found = pseudo_trajectory(
            source.problem,
            adam,
            schedule,
            theta,
            numbers,
            length,
            chains,
            seed,
            box,
            level,
            progress,
        )
    show(found)
    return UNDECIDED if found.holds is None else HOLDS if found.holds else REFUTED


def _box(texts: list[str] | None, source: "ProblemFile") -> list[list[float]] | None:
    """The box onto which theta is projected, if any."""
    return parse_box(texts, source.problem.names, "--project", is_open=True) if texts else None


def _print_track(found: "PseudoTrajectory", chains: int) -> None:
    windows = found.windows
    within, empty = sum(w.holds is True for w in windows), sum(w.holds is None for w in windows)
    verdict = "undecided" if found.holds is None else "within the bound" if found.holds else "beyond the bound"
    unseen = f"; in {empty} no chain stayed in the region" if empty else ""
    print(f"{verdict}: {within} of {len(windows)} windows of {chains} chains are within{unseen}")
    if found.order is not None:
        order = found.order
        print(f"order of the distance in the step: {order.value:.3f} (99%: {order.low:.3f} to {order.high:.3f})")
    columns = ["start", "step", "measured", "bound", "bound/measured", "in region", "one run", "exceeding"]
    rows = [
        [
            str(w.start),
            f"{w.effective_step:.2e}",
            f"{w.measured.value:.3g}",
            f"{w.bound.mean_square.total:.3g}",
            f"{w.looseness:.1f}",
            str(w.inside),
            f"{w.bound.per_run:.3g}",
            f"{w.exceeding:.0%}",
        ]
        for w in windows
    ]
    print_table(columns, rows, numbers=columns)
    print("What the bound is made of: its growth times the sum of four pieces, at most the ceiling")
    pieces = ["start", "martingale", "drift", "bias", "discretization", "growth", "ceiling", "by G, L, eps alone"]
    print_table(pieces, [[str(w.start), *(f"{x:.3g}" for x in w.pieces.values())] for w in windows], numbers=pieces)


def _verdict(found: "Ensemble") -> str:
    failed, chains = found.diverged, len(found.diverged)
    if not failed.any():
        return f"all {chains} chains ran"
    first = min((step, chain) for chain, step in enumerate(failed.tolist()) if step)
    return f"{(failed > 0).sum()} of {chains} chains diverged, first chain {first[1]} at step {first[0]}"


@contextmanager
def _progress(text: str, steps: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error, or lines."""
    from adamsym.expressions.progress import progress_bar

    with progress_bar(text) as progress:
        yield lambda done: progress(done, steps)
