"""Work in parallel: writes docs/benchmark_parallel.md. Run as ``python benchmarks/parallel.py [TASKS] [RUNS]``.

On a machine that others use too, elapsed seconds say little. So the CPU seconds of the workers are counted as well, and
the share of the time for which they had something to do: from these follows what two workers would gain on two processors
of their own.
"""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

# One thread for each process, here and in the workers, which inherit it.
os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")

import distributed
from certify_cases import logistic, neuron

from adamsym import Adam, AdamField, Empirical, Problem, certificate, certify_zero, find_zeros, sweep
from adamsym.parallel import cluster, map_tasks, open_workers
from adamsym.parallel.remote import Done

ROOT = Path(__file__).parents[1]
TASKS = 100_000
RUNS = 3
SECONDS = 0.005
POINTS = 200
WORKERS = 2


@dataclass(frozen=True)
class Timed(Done):
    """The results of a batch, and the CPU seconds of the thread that it was done in."""

    cpu: float


def timed(function: Callable[..., Any], *arguments: Any) -> Any:
    """Do a batch, and count its CPU seconds."""
    begin = time.thread_time()
    found = function(*arguments)
    return Timed(**vars(found), cpu=time.thread_time() - begin) if isinstance(found, Done) else found


@dataclass
class Measured(Executor):
    """An executor that counts the seconds that its workers spend on batches, and their CPU seconds."""

    inner: Executor
    workers: int
    busy: float = 0.0
    cpu: float = 0.0

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        """Submit a batch, and count it when it is done."""
        future = self.inner.submit(timed, function, *arguments, **named)
        future.add_done_callback(self.count)
        return future

    def count(self, future: "Future[Any]") -> None:
        """Count a batch that is done."""
        if not future.cancelled() and future.exception() is None and isinstance(future.result(), Timed):
            self.busy += future.result().seconds
            self.cpu += future.result().cpu


@dataclass
class Run:
    """One run of a job: elapsed seconds, the share for which workers were busy, CPU seconds of the batches and here."""

    elapsed: float
    share: float
    cpu: float
    here: float


@dataclass
class Job:
    """What is done, and its runs by the number of workers."""

    name: str
    do: Callable[[Executor], str]
    found: set[str] = field(default_factory=set)
    runs: dict[int, list[Run]] = field(default_factory=dict)

    def measure(self, executor: Measured) -> None:
        """Do the job once."""
        workers, executor.busy, executor.cpu = executor.workers, 0.0, 0.0
        here = time.process_time()
        begin = time.perf_counter()
        self.found.add(self.do(executor))
        took = time.perf_counter() - begin
        run = Run(took, executor.busy / (workers * took), executor.cpu, time.process_time() - here)
        print(self.name, workers, run, flush=True)
        self.runs.setdefault(workers, []).append(run)

    def median(self, workers: int, figure: str) -> float:
        """Return the median of a figure."""
        return statistics.median(getattr(run, figure) for run in self.runs[workers])

    def row(self) -> str:
        """Return a row of the table."""
        [_] = self.found
        (one, busy, alone, _), (two, both, shared, here) = (
            [self.median(workers, figure) for figure in ("elapsed", "share", "cpu", "here")] for workers in (1, WORKERS)
        )
        alone_on_one = alone / busy
        together_on_two = max(shared / (WORKERS * both), (shared + here) / WORKERS)
        figures = f"{one:.1f} | {two:.1f} | {one / two:.2f} | {busy:.0%} | {both:.0%} | {alone:.1f} | {shared:.1f} | {here:.1f}"
        return f"| {self.name} | {figures} | {alone_on_one / together_on_two:.2f} |"


@contextmanager
def dask(workers: int) -> Iterator[Measured]:
    """Give the executor of a local cluster, whose workers have imported and loaded what they need."""
    options = {"threads_per_worker": 1, "dashboard_address": ":0"}
    with (
        distributed.LocalCluster(n_workers=workers, **options) as local,
        distributed.Client(local, set_as_default=False) as client,
        cluster(local.scheduler_address) as executor,
    ):
        client.run(loaded)
        yield Measured(executor, workers)


def loaded() -> None:
    """Load what was compiled before, by small jobs."""
    certified(three_points(), 0.9)
    small(three_points())
    list(map_tasks(certified, [0.9], shared=three_points()))
    for problem, adam in (neuron(), (logistic(2), Adam())):
        find_zeros(AdamField(problem, adam), [[0.7, 0.701]] * problem.dimension, budget=20, executor=_Here())


class _Here(Executor):
    """Calls at once."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(function(*arguments, **named))
        return future


def spin(_: None, tasks: list[int]) -> Iterator[tuple[int, int, float]]:
    """Take 5 ms a task, and more where others use the processor; return tasks, the process and the seconds."""
    for task in tasks:
        begin = time.perf_counter()
        while (now := time.perf_counter()) < begin + SECONDS:
            pass
        yield task, os.getpid(), now - begin


def sleep(_: None, tasks: list[int]) -> Iterator[tuple[int, int, float]]:
    """The same, without work: what is measured depends less on what else the machine does."""
    for task in tasks:
        begin = time.perf_counter()
        time.sleep(SECONDS)
        yield task, os.getpid(), time.perf_counter() - begin


def three_points() -> Problem:
    """Return the problem of the rows 0, 0 and 3."""
    return Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


def certified(problem: Problem, beta2: float) -> str:
    """Certify the zero at one beta2, as one point of a sweep: the certificate as text."""
    return json.dumps(certificate(certify_zero(AdamField(problem, Adam(0.9, beta2, 1e-8)), [0.99])))


def betas(count: int) -> list[float]:
    """Return so many values of beta2."""
    return [1 - 10 ** -(0.75 + 2.75 * k / count) for k in range(count)]


def certified_points(executor: Executor) -> str:
    """Certify the zero at 200 values of beta2."""
    return "\n".join(map_tasks(certified, betas(POINTS), shared=three_points(), executor=executor))


def small(problem: Problem) -> None:
    """Sweep over two values."""
    sweep(AdamField(problem, Adam()), {"beta2": [0.9, 0.99]}, start=[1.0])


def swept_points(executor: Executor) -> str:
    """Sweep over 10 values of beta2 and 20 batch sizes: Newton's method at 200 points."""
    over = {"beta2": betas(10), "batch_size": list(range(1, 21))}
    found = sweep(AdamField(three_points(), Adam()), over, start=[1.0], executor=executor)
    return json.dumps([branch.to_dict() for branch in found.branches])


def search(problem: Problem, adam: Adam, box: list[list[float]], executor: Executor) -> str:
    """Find all zeros in a box; the certificate as text."""
    return json.dumps(certificate(find_zeros(AdamField(problem, adam), box, budget=400_000, executor=executor)))


JOBS = [
    Job(f"the zero at {POINTS} values of β₂, each certified", certified_points),
    Job(f"a sweep over 10 values of β₂ and 20 batch sizes, {POINTS} points", swept_points),
    Job("all zeros of the neuron, d = 2", partial(search, *neuron(), [[-3, 3], [-4, 4]])),
    Job(
        "all zeros of the neuron with an offset, d = 3",
        partial(search, *neuron(offset=True), [[-3, 3], [-4, 4], [-3, 3]]),
    ),
    Job("all zeros of a logistic regression, d = 5", partial(search, logistic(5), Adam(), [[-4, 4]] * 5)),
]


def busy_share(function: Callable[..., Any], executor: Executor | int, count: int) -> str:
    """Say which share of the time two workers that have started are busy with tasks of 5 ms."""
    with open_workers(function, None, executor) as workers:
        while len({process for _, process, _ in workers.results(range(100))}) < WORKERS:
            pass
        begin, busy = time.perf_counter(), 0.0
        for k, (task, _, seconds) in enumerate(workers.results(range(count))):
            assert task == k
            busy += seconds
        took = time.perf_counter() - begin
    said = f"{busy / (WORKERS * took):.1%} of {took:.0f} s"
    print(function.__name__, executor, count, said, os.getloadavg(), flush=True)
    return said


def shares(count: int) -> str:
    """Return the table of busy shares: tasks that sleep, and a tenth as many that spin, in processes and by Dask."""
    rows = []
    for function, tasks, words in ((sleep, count, "sleep"), (spin, count // 10, "keep a processor busy")):
        own = busy_share(function, WORKERS, tasks)
        with dask(WORKERS) as executor:
            other = busy_share(function, executor.inner, tasks)
        rows.append(f"| {tasks:,} | {words} | {own} | {other} |")
    return "\n".join(rows)


def main() -> None:
    """Measure, and write the page."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else TASKS
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    busy = shares(count)
    load = []
    for _ in range(runs):
        for workers in (1, WORKERS):
            with dask(workers) as executor:
                for job in JOBS:
                    job.measure(executor)
                    load.append(os.getloadavg()[0])
    table = "\n".join(job.row() for job in JOBS)
    text = f"""# Work in parallel

Written by `python benchmarks/parallel.py {count} {runs}` with {os.cpu_count()} processors ({platform.machine()}, Python
{platform.python_version()}, distributed {distributed.__version__}), for which {min(load):.1f} to {max(load):.1f} threads waited at a time. So elapsed seconds
are to be believed only as far as that goes; CPU seconds and shares of the time that workers are busy depend less on it.

## Many short tasks

The share of the time for which two workers were busy with tasks of {1000 * SECONDS:.0f} ms, once both had started:

| tasks | which | two processes | two workers of a local cluster of Dask |
| --- | --- | --- | --- |
{busy}

## One worker and two

A local cluster of Dask with one worker and with two, both started and with all loaded that was compiled before; medians of
{runs} runs, one after the other in turn. The results of all runs are the same JSON to the last digit. *Free* is what the ratio of
elapsed seconds would be on two processors that nothing else wants. Where the workers are busy for the shares b1 and b2 of the
time, their batches take w1 and w2 CPU seconds, and the caller c, these are w1 / b1 seconds, and the larger one of w2 / (2 b2)
and (w2 + c) / 2, since two workers and the caller share two processors.

| job | seconds, 1 worker | 2 workers | ratio | busy, 1 worker | 2 workers | CPU seconds, 1 worker | 2 workers | of the caller, 2 workers | free |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
{table}

The caller's CPU seconds are those of its process, which the scheduler of the local cluster is in, too; the longer a job
waits for processors, the more these are.
"""
    (ROOT / "docs" / "benchmark_parallel.md").write_text(text)


if __name__ == "__main__":
    main()
