"""What sweeps and certified branches cost as they grow: writes docs/benchmark_sweeps.md. Run ``python benchmarks/sweeps.py``.

CPU seconds of one thread, after a first sweep and branch that load what was compiled before.
"""

import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from adamsym import Adam, AdamField, Empirical, Problem, certify_branch, sweep

ROOT = Path(__file__).parents[1]


def regression(rows: int, dimension: int) -> AdamField:
    """Return the field of a linear regression on random rows, with targets of skewed noise."""
    generator = np.random.default_rng(0)
    columns = {f"x{j}": np.round(generator.normal(size=rows), 2).tolist() for j in range(1, dimension)}
    columns["y"] = np.round(generator.exponential(size=rows), 2).tolist()
    output = "w0" + "".join(f" + w{j}*x{j}" for j in range(1, dimension))
    names = [f"w{j}" for j in range(dimension)]
    return AdamField(Problem(f"({output} - y)**2/2", names, Empirical(columns)), Adam("0.9", "0.99", "1e-3"))


def swept(rows: int, dimension: int, points: int) -> tuple[float, str]:
    """Return CPU seconds of a sweep over beta2, and what was found."""
    field = regression(rows, dimension)
    begin = time.process_time()
    found = sweep(field, {"beta2": (0.9, 0.999)}, start=np.full(dimension, 0.5), points=points)
    took = time.process_time() - begin
    [branch] = found.branches
    return took, f"{len(branch.points)} zeros"


def certified(rows: int, dimension: int, end: str) -> tuple[float, str]:
    """Return CPU seconds of a certified branch over beta2 from 0.99 on, and what was found."""
    field = regression(rows, dimension)
    begin = time.process_time()
    found = certify_branch(field, "beta2", "0.99", end, np.full(dimension, 0.5))
    assert found.summary.startswith("certified: one branch"), found.summary
    return time.process_time() - begin, found.summary.split(": ")[-1]


def growth(name: str, sizes: Sequence[Any], run: Callable[[Any], tuple[float, str]]) -> str:
    """Return rows of the table: what each size costs, beside the one before."""
    rows, before = [], None
    for size in sizes:
        took, found = run(size)
        ratio = "" if before is None else f"{took / before:.1f}"
        rows.append(f"| {name} | {size} | {took:.2f} | {ratio} | {found} |")
        print(rows[-1], flush=True)
        before = took
    return "\n".join(rows)


def main() -> None:
    """Measure, and write the page."""
    swept(3, 2, 4)
    certified(3, 2, "0.9901")
    tables = [
        growth("sweep, 8 rows, d = 2, by points", (20, 40, 80), lambda points: swept(8, 2, points)),
        growth("sweep, d = 2, 20 points, by rows", (10, 40, 160), lambda rows: swept(rows, 2, 20)),
        growth("sweep, 40 rows, 20 points, by d", (2, 4, 8), lambda d: swept(40, d, 20)),
        growth("certified, 3 rows, d = 1, by the end", ("0.991", "0.993", "0.997"), lambda end: certified(3, 1, end)),
        growth("certified to 0.991, d = 1, by rows", (3, 6, 12), lambda rows: certified(rows, 1, "0.991")),
        growth("certified to 0.9905, 12 rows, by d", (1, 2, 3), lambda d: certified(12, d, "0.9905")),
    ]
    table = "\n".join(tables)
    text = f"""# What sweeps cost

Written by `python benchmarks/sweeps.py` ({platform.machine()}, Python {platform.python_version()}): CPU seconds of one thread,
for linear regressions on random rows over β₂, from 0.9 to 0.999 by number and from 0.99 on certified. *Ratio* is to the line
above. Processors that others use too make CPU seconds larger, by up to a half.

| what | size | CPU seconds | ratio | found |
| --- | --- | --- | --- | --- |
{table}
"""
    (ROOT / "docs" / "benchmark_sweeps.md").write_text(text)


if __name__ == "__main__":
    sys.exit(main())
