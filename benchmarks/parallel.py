"""Work in parallel: writes docs/benchmark_parallel.md. Run as ``python benchmarks/parallel.py [TASKS]``.

On a machine that others use too, elapsed seconds say little; the share of the time that workers are busy says what the
distribution itself costs.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import distributed
from certify_cases import neuron

from adamsym import Adam, AdamField, Empirical, Problem, certificate, certify_zero, find_zeros
from adamsym.parallel import cluster, map_tasks, open_workers
from adamsym.parallel.remote import Done

ROOT = Path(__file__).parents[1]
TASKS = 100_000
SECONDS = 0.005
POINTS = 200
WORKERS = 2


@dataclass
class Measured(Executor):
    """An executor that counts the seconds that its workers spend on tasks."""

    inner: Executor
    busy: float = 0.0

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        """Submit a batch, and count it when it is done."""
        future = self.inner.submit(function, *arguments, **named)
        future.add_done_callback(self.count)
        return future

    def count(self, future: "Future[Any]") -> None:
        """Count a batch that is done."""
        if not future.cancelled() and future.exception() is None and isinstance(future.result(), Done):
            self.busy += future.result().seconds


@contextmanager
def dask(workers: int) -> Iterator[Measured]:
    """Give the executor of a local cluster, whose workers have imported what they need."""
    options = {"threads_per_worker": 1, "dashboard_address": ":0"}
    with distributed.LocalCluster(n_workers=workers, **options) as local, cluster(local.scheduler_address) as executor:
        for result in map_tasks(certified, [0.9] * 2 * workers, shared=three_points(), executor=executor):
            assert result
        yield Measured(executor)


def spin(_: None, tasks: list[int]) -> Iterator[tuple[int, int, float]]:
    """Take 5 ms a task, and more where others use the processor; return tasks, the process and the seconds."""
    for task in tasks:
        begin = time.perf_counter()
        while (now := time.perf_counter()) < begin + SECONDS:
            pass
        yield task, os.getpid(), now - begin


def three_points() -> Problem:
    """Return the problem of the rows 0, 0 and 3."""
    return Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


def certified(problem: Problem, beta2: float) -> str:
    """Certify the zero at one beta2, as one point of a sweep: the certificate as text."""
    return json.dumps(certificate(certify_zero(AdamField(problem, Adam(0.9, beta2, 1e-8)), [0.99])))


def sweep(executor: Executor) -> str:
    """Certify the zero at 200 values of beta2."""
    betas = [1 - 10 ** -(0.75 + 2.75 * k / POINTS) for k in range(POINTS)]
    return "\n".join(map_tasks(certified, betas, shared=three_points(), executor=executor))


def search(executor: Executor) -> str:
    """Find all zeros of the neuron with an offset in a box of three dimensions; the certificate as text."""
    problem, adam = neuron(offset=True)
    found = find_zeros(AdamField(problem, adam), [[-3, 3], [-4, 4], [-3, 3]], budget=400_000, executor=executor)
    return json.dumps(certificate(found))


def busy_share(executor: Executor | int, count: int) -> str:
    """Say which share of the time two workers that have started are busy with tasks of 5 ms."""
    with open_workers(spin, None, executor) as workers:
        while len({process for _, process, _ in workers.results(range(100))}) < WORKERS:
            pass
        begin, busy = time.perf_counter(), 0.0
        for k, (task, _, seconds) in enumerate(workers.results(range(count))):
            assert task == k
            busy += seconds
        took = time.perf_counter() - begin
    return f"{busy / (WORKERS * took):.1%} of {took:.1f} s"


def measured(executor: Measured, job: Callable[[Executor], Any]) -> tuple[Any, float, float]:
    """Return what a job gives, its seconds, and the share of them that the workers were busy."""
    executor.busy = 0.0
    begin = time.perf_counter()
    found = job(executor)
    took = time.perf_counter() - begin
    return found, took, executor.busy


def compared(name: str, job: Callable[[Executor], Any]) -> str:
    """Return a row of the table: a job by one worker and by two."""
    found = []
    for workers in (1, WORKERS):
        with dask(workers) as executor:
            found.append(measured(executor, job))
    (one, alone, busy), (other, together, both) = found
    assert one == other, "the results differ"
    share = both / (WORKERS * together)
    row = f"| {name} | {alone:.1f} | {together:.1f} | {alone / together:.2f} | {busy / alone:.0%} | {share:.0%} | yes |"
    print(row, flush=True)
    return row


def main() -> None:
    """Measure, and write the page."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else TASKS
    own = busy_share(WORKERS, count)
    print(own, flush=True)
    with dask(WORKERS) as executor:
        other = busy_share(executor, count)
    print(other, flush=True)
    rows = [
        compared(f"the zero at {POINTS} values of β₂, each certified", sweep),
        compared("all zeros of the neuron with an offset, d = 3", search),
    ]
    table = "\n".join(rows)
    text = f"""# Work in parallel

Written by `python benchmarks/parallel.py {count}` with {os.cpu_count()} processors ({platform.machine()}, Python
{platform.python_version()}, distributed {distributed.__version__}), {os.getloadavg()[0]:.1f} of whose threads were wanted at a time on average: seconds
are elapsed ones, so they are to be believed only where nothing else runs, while the share of the time that the workers
were busy is about right in any case.

Of {count:,} tasks of {1000 * SECONDS:.0f} ms two processes are busy {own}, and two workers of a local cluster of Dask {other}.

A local cluster of Dask with one worker and with two; the results are the same to the last digit:

| job | seconds, 1 worker | 2 workers | ratio | busy, 1 worker | 2 workers | same JSON |
| --- | --- | --- | --- | --- | --- | --- |
{table}
"""
    (ROOT / "docs" / "benchmark_parallel.md").write_text(text)


if __name__ == "__main__":
    main()
