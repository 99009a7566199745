"""Many independent Adam runs at once, to their end."""

import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.dynamics.checkpoint import load_checkpoint, run_digest, save_checkpoint
from adamsym.dynamics.origin import Origin, names_in_columns
from adamsym.dynamics.projection import checked_projection
from adamsym.dynamics.run import Run, check_integers, checked_starts, multiples
from adamsym.expressions.arguments import checked_arguments, takes_field
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, counted, plain
from adamsym.gradients import StochasticGradient
from adamsym.methods import Method, StepSizeSchedule
from adamsym.parallel import map_tasks

SECONDS_BETWEEN_CHECKPOINTS = 10.0
SECONDS_BETWEEN_REPORTS = 0.2

CHAINS_OF_A_PART = 64
"""Chains that are sent to an executor together: as many as advance side by side."""


@dataclass(frozen=True, repr=False)
class Ensemble(Result):
    """The states of independent Adam chains.

    Attributes
    ----------
    theta
        The parameters after ``steps`` steps, shape (chains, d); nan where a chain has diverged.
    steps
        Number of steps.
    diverged
        For each chain the step at which it diverged (a gradient that is not finite or does not exist, or an
        overflow), or 0, shape (chains,).
    recorded_steps, recorded
        The steps whose states were kept, shape (r,), and the parameters after them, shape (r, chains, d).
    origin
        The problem and the method; None where they are not known.
    """

    theta: FloatArray
    steps: int
    diverged: NDArray[np.int64]
    recorded_steps: NDArray[np.int64]
    recorded: FloatArray
    origin: Origin | None = field(default=None, repr=False)

    @property
    def verdict(self) -> str:
        """Floating point."""
        return "floating point"

    @property
    def summary(self) -> str:
        """How many chains ran, and how many diverged."""
        gone = int((self.diverged > 0).sum())
        chains = f"{counted(len(self.theta), 'chain')} in {counted(self.theta.shape[-1], 'parameter')}"
        return f"{chains} after {counted(self.steps, 'step')}; {gone or 'none'} diverged"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym simulate --json`` prints it."""
        result: dict[str, Any] = {
            "theta": plain(self.theta),
            "steps": self.steps,
            "failed": [{"chain": chain, "step": step} for chain, step in enumerate(self.diverged.tolist()) if step],
        }
        if len(self.recorded_steps):
            result["recorded"] = {"steps": plain(self.recorded_steps), "theta": plain(self.recorded)}
        return result

    def columns(self, names: Sequence[str] | None = None) -> dict[str, NDArray[Any]]:
        """Return one row for each chain after each recorded step and after the last one, as columns by name.

        ``chain``, counted from 0; ``step``; the parameters, by ``names`` or else those of the problem; and
        ``diverged``, the step at which the chain diverged, or 0.
        """
        named = names_in_columns(names, self.origin, self.theta.shape[-1], ("chain", "step", "diverged"))
        ends = [] if self.steps in self.recorded_steps[-1:] else [self.steps]
        steps, chains = np.append(self.recorded_steps, np.array(ends, np.int64)), len(self.theta)
        last = self.theta[None][: len(ends)]
        parameters = {
            name: np.concatenate((self.recorded[..., k], last[..., k])).reshape(-1) for k, name in enumerate(named)
        }
        return {
            "chain": np.tile(np.arange(chains), len(steps)),
            "step": np.repeat(steps, chains),
            **parameters,
            "diverged": np.tile(self.diverged, len(steps)),
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return how each parameter is spread after the last step over the chains that have not diverged."""
        ran = self.theta[self.diverged == 0]
        named = names_in_columns(None, self.origin, self.theta.shape[-1], ())
        rows = [
            [name, f"{x.mean():.10g}", f"{x.std():.3g}", f"{x.min():.10g}", f"{x.max():.10g}"]
            for name, x in zip(named, ran.T, strict=True)
            if len(ran)
        ]
        return ["parameter", "mean", "deviation", "smallest", "largest"], rows


@takes_field
@checked_arguments
def simulate(
    problem: StochasticGradient,
    method: Method,
    schedule: StepSizeSchedule,
    theta0: ArrayLike,
    steps: int,
    chains: int,
    seed: int,
    *,
    record_every: int | None = None,
    project: ArrayLike | None = None,
    threads: int | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: Callable[[int], None] | None = None,
    executor: Executor | int | None = None,
) -> Ensemble:
    """Return the states of ``chains`` independent runs of Adam, or of another method, after ``steps`` steps.

    Adam: theta_n = theta_{n-1} - gamma_n mhat_n/(sqrt(vhat_n) + eps), with the usual bias corrections and
    m_0 = v_0 = 0 (Kingma and Ba 2015), rounded as ``torch.optim.Adam`` rounds in float64; other methods take their own
    steps. Chain k draws from a generator of its own: its path depends neither on the number of chains nor
    on that of threads. A chain that diverges is marked, and the others go on.

    Parameters
    ----------
    schedule
        Step sizes gamma_n, n = 1, 2, ...
    theta0
        Start, shape (d,) for all chains or (chains, d).
    steps, chains
        Positive integers.
    seed
        A non-negative integer.
    record_every
        Keep the states after every so many steps; none if omitted.
    project
        A box, shape (d, 2), onto which theta is projected after each step: each parameter is put to the nearer end if
        the step leads beyond (Reddi, Kale and Kumar 2018). -inf and inf leave a side open; none if omitted.
    threads
        Threads to use; as many as processors if omitted.
    checkpoint
        A .npz file to which everything is written, whole or not at all, at once, every ten seconds and at the end.
    resume
        Go on from that file; if it is missing, from the start. The numbers are those of a run without interruption.
    progress
        Called with the number of steps done, some times a second.
    executor
        A number of processes, or any ``concurrent.futures`` executor, to which some chains at a time are sent; in this
        process if omitted. The chains do not depend on where they run.

    Raises
    ------
    InputError
        If an argument is out of range, a step size is not positive, the checkpoint is not one of this run, or there
        is an executor beside it.
    BrokenProcessPool
        If chains end their worker process again and again.
    """
    check_integers("simulate", {"steps": (steps, 1), "record_every": (1 if record_every is None else record_every, 1)})
    asked = _Chains(problem, method, schedule, theta0, steps, seed, record_every or 0, project)
    origin = Origin(problem, method)
    if executor is None:
        return replace(_here(asked, chains, threads, checkpoint, resume, progress), origin=origin)
    if checkpoint is not None or threads is not None:
        raise InputError("executor: it goes neither with checkpoints nor with threads, which are of this process")
    start = checked_starts(problem, theta0, chains, seed)
    checked_projection(project, problem, start, "simulate")
    return replace(_elsewhere(replace(asked, start=start), chains, executor, progress), origin=origin)


@dataclass(frozen=True)
class _Chains:
    """What is asked of an ensemble, but for how many chains: its parts share it."""

    problem: StochasticGradient
    method: Method
    schedule: StepSizeSchedule
    start: ArrayLike
    steps: int
    seed: int
    every: int
    project: ArrayLike | None

    def run(self, part: tuple[int, int]) -> Ensemble:
        """Run the chains from one to before another, on one thread."""
        first, last = part
        start = np.asarray(self.start)
        start = start if start.ndim == 1 else start[first:last]
        run = Run(self.problem, self.method, self.schedule, start, last - first, self.seed, 1, first, self.project)
        recorded = run.advance(self.steps, self.every or None)
        return _ensemble(run.theta, run.step, run.diverged, self.every, recorded)


def _here(
    asked: _Chains,
    chains: int,
    threads: int | None,
    checkpoint: str | Path | None,
    resume: bool,
    progress: Callable[[int], None] | None,
) -> Ensemble:
    """Run an ensemble in this process."""
    run = Run(asked.problem, asked.method, asked.schedule, asked.start, chains, asked.seed, threads, 0, asked.project)
    every = asked.every
    recorded = _room((multiples(0, asked.steps, every), chains, run.problem.dimension))
    path, digest = _checked_path(checkpoint, resume), ""
    if path is not None:
        digest = run_digest(run, asked.start, asked.seed, every)
        if path.exists():
            load_checkpoint(path, digest, run, asked.steps, recorded, every)

    def save() -> None:
        if path is not None:
            save_checkpoint(path, digest, run, recorded[: multiples(0, run.step, every)])

    _advance(run, asked.steps, every, recorded, save, progress)
    return _ensemble(run.theta, run.step, run.diverged, every, recorded)


def _advance(
    run: Run,
    steps: int,
    every: int,
    recorded: FloatArray,
    save: Callable[[], None],
    progress: Callable[[int], None] | None,
) -> None:
    """Take a run's steps, which are saved and told from time to time."""
    # The first checkpoint comes at once: a place that cannot be written to is better known before the work.
    reported, saved = time.monotonic(), -math.inf
    while run.step < steps:
        count = min(run.steps_at_once, steps - run.step)
        kept = slice(multiples(0, run.step, every), multiples(0, run.step + count, every))
        run.advance(count, every or None, recorded[kept])
        now, last = time.monotonic(), run.step == steps
        if progress is not None and (last or now >= reported + SECONDS_BETWEEN_REPORTS):
            progress(run.step)
            reported = now
        if last or now >= saved + SECONDS_BETWEEN_CHECKPOINTS:
            save()
            saved = now


def _ensemble(theta: FloatArray, steps: int, diverged: NDArray[np.int64], every: int, recorded: FloatArray) -> Ensemble:
    return Ensemble(theta, steps, diverged, min(every, steps) * np.arange(1, len(recorded) + 1), recorded)


def _elsewhere(
    shared: _Chains, chains: int, executor: Executor | int, progress: Callable[[int], None] | None
) -> Ensemble:
    """Run an ensemble in parts, wherever they are run."""
    ends = [*range(0, chains, CHAINS_OF_A_PART), chains]
    theta = np.empty((chains, shared.problem.dimension))
    diverged = np.empty(chains, np.int64)
    recorded = _room((multiples(0, shared.steps, shared.every), *theta.shape))
    parts = list(pairwise(ends))
    for (first, last), found in zip(
        parts, map_tasks(_Chains.run, parts, shared=shared, executor=executor), strict=True
    ):
        theta[first:last], diverged[first:last], recorded[:, first:last] = found.theta, found.diverged, found.recorded
        if progress is not None:
            progress(shared.steps * last // chains)
    return _ensemble(theta, shared.steps, diverged, shared.every, recorded)


def _room(shape: tuple[int, ...]) -> FloatArray:
    try:
        return np.empty(shape)
    except (MemoryError, ValueError, OverflowError):
        raise InputError(f"simulate: no memory for {shape[0]} recorded states; record fewer") from None


def _checked_path(checkpoint: str | Path | None, resume: bool) -> Path | None:
    if checkpoint is None:
        if resume:
            raise InputError("checkpoint: to resume, name the file to go on from")
        return None
    path = Path(checkpoint)
    shown = str(path)[:80]
    if path.suffix != ".npz":
        raise InputError(f"checkpoint: {shown!r} has no known ending; allowed is .npz")
    if not path.parent.is_dir():
        raise InputError(f"checkpoint: the folder {str(path.parent)[:80]!r} does not exist; make it first")
    if path.exists() and not resume:
        raise InputError(f"checkpoint: {shown!r} exists already; resume from it, or remove it")
    return path
