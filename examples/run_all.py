"""The main job on every problem file of this folder: derive, evaluate, flow, simulate. ``make verify`` runs it.

A vector field that is given without a loss has no derivation and no losses along its paths.

Prints one line per problem; the exit code is 1 if a derivation's step fails or a number is not what it should be.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pebble
from rich.console import Console
from rich.table import Table

from adamsym import AdamField, InputError, Problem, StepSizeSchedule, derive, flow, read_problem, simulate
from adamsym.symbolic import DerivationError

FOLDER = Path(__file__).parent
LARGEST_ERROR = 1e-10
TIME_LIMIT = 170.0


@dataclass(frozen=True)
class Outcome:
    """What the main job found for one problem file; no ``steps`` without a loss."""

    name: str
    faults: list[str]
    steps: int | None
    field: float
    error: float
    flow: str
    adam: str
    seconds: float


def run(path: Path) -> Outcome:
    """Run the main job on one problem file."""
    begin = time.perf_counter()
    source = read_problem(path)
    problem, adam = source.problem, source.adam
    assert source.start is not None, f"{path.name} has no [start]"
    theta = [source.start[name] for name in problem.names]
    faults, steps = [], None
    if isinstance(problem, Problem):
        try:
            steps = len(derive(problem, adam).steps)
        except DerivationError as error:
            steps, faults = 0, [f"derivation: {error}"]
    field = AdamField(problem, adam)
    value = field.evaluate(theta)
    if not value.error.max() <= LARGEST_ERROR:
        faults.append(f"error estimate {value.error.max():.1e}")
    solution = flow(field, theta, np.linspace(0.0, 2.0, 5))
    chains = simulate(problem, adam, StepSizeSchedule("0.1/n**0.7"), theta, steps=1000, chains=32, seed=1)
    if not (np.isfinite(solution.theta).all() and np.isfinite(chains.theta).all()):
        faults.append("a path diverged")
    path_of_losses = ends = "-"
    if isinstance(problem, Problem):
        losses = problem.mean_loss(np.stack([theta, solution.theta[-1], *chains.theta]))
        path_of_losses = f"{losses[0]:.4g} -> {losses[1]:.4g}"
        ends = f"{losses[0]:.4g} -> {losses[2:].mean():.4g}"
    seconds = time.perf_counter() - begin
    size = float(np.abs(value.value).max())
    return Outcome(path.stem, faults, steps, size, float(value.error.max()), path_of_losses, ends, seconds)


def main() -> int:
    paths = sorted(FOLDER.glob("*.toml"))
    outcomes, failed = [], not paths
    with pebble.ProcessPool() as pool:
        futures = [pool.schedule(run, args=(path,), timeout=TIME_LIMIT) for path in paths]
        for path, future in zip(paths, futures, strict=True):
            try:
                outcomes.append(future.result())
            except (InputError, TimeoutError, AssertionError) as error:
                failed = True
                print(f"{path.name}: {type(error).__name__}: {error}", file=sys.stderr)
    failed |= any(outcome.faults for outcome in outcomes)
    good = sum(not outcome.faults for outcome in outcomes)
    fields = sum(outcome.steps is None for outcome in outcomes)
    derived = "derived" if not fields else f"derived ({fields} without a loss: not)"
    print(f"{good} of {len(paths)} problem files {derived}, evaluated, flowed and simulated")
    table = Table("problem", "steps checked", "max |f| at start", "error", "loss along flow", "loss of Adam", "seconds")
    for o in outcomes:
        row = (
            "-" if o.steps is None else str(o.steps),
            f"{o.field:.6f}",
            f"{o.error:.0e}",
            o.flow,
            o.adam,
            f"{o.seconds:.1f}",
        )
        table.add_row(o.name, *row)
    Console(width=130).print(table)
    for outcome in outcomes:
        for fault in outcome.faults:
            print(f"{outcome.name}: {fault}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
