"""The quotient of many long laws: CPU seconds and memory as they grow, beside one exponential for each atom and node.

Run with ``python benchmarks/long_laws.py``: prints tables, one run on one thread. The gradients are drawn with heavy
tails, four in ten of them zero, as those of networks are.
"""

import resource
import time
from collections.abc import Callable
from functools import partial

import numba
import numpy as np

from adamsym import Adam
from adamsym.field import quotient

SIZES = [(600, 1_000), (600, 10_000), (600, 100_000), (100, 10_000), (1_797, 9_610), (10_000, 300)]
"""Rows and parameters."""


def gradients(rows: int, parameters: int) -> np.ndarray:
    """Return gradients (rows, parameters), as sources give them."""
    generator, found = np.random.default_rng(0), np.empty((rows, parameters))
    for row in found:
        row[:] = generator.standard_t(3, parameters) * np.exp(0.8 * generator.standard_normal(parameters))
        row *= generator.random(parameters) < 0.6
    return found


@numba.njit(error_model="numpy")
def by_exponentials(atoms: np.ndarray, nodes: int, spacing: float) -> float:
    """Return a sum of A and B of each law, at so many nodes from t max g^2 = 1/2 on, by one exponential for each."""
    total = 0.0
    for g in atoms:
        y = g * g
        t = 0.5 / y.max()
        for _ in range(nodes):
            for a in range(len(g)):
                factor = np.exp(-t * y[a])
                total += g[a] * factor + factor
            t *= np.exp(spacing)
    return total


def seconds(run: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    """Print the tables."""
    adam = Adam()
    small = gradients(40, 20).T
    for options in ({}, {"sensitivity": True}):
        quotient(small, np.full(40, 1 / 40), adam, **options)
    by_exponentials(np.ascontiguousarray(small), 1, 0.2)
    print(
        "rows parameters | s at 1e-10, 1e-13, with dF/dg | ns for each atom at 1e-10 | 30 exponentials for each atom, s"
    )
    for rows, parameters in SIZES:
        laws, p = gradients(rows, parameters).T, np.full(rows, 1 / rows)
        # Two arrays more would not fit.
        slopes = rows * parameters < 3e7
        runs = [{"tolerance": 1e-10}, {}, {"tolerance": 1e-10, "sensitivity": True}][: 3 if slopes else 2]
        spent = [seconds(partial(quotient, laws, p, adam, **options)) for options in runs]
        part = np.ascontiguousarray(laws[: max(1, parameters // 100)])
        # The nodes that grids of spacing 0.2 had right of the series' range.
        plain = seconds(partial(by_exponentials, part, 30, 0.2)) * parameters / len(part)
        shown = ", ".join(f"{one:.2f}" for one in spent)
        print(f"{rows} {parameters} | {shown} | {1e9 * spent[0] / rows / parameters:.0f} | {plain:.1f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    for beta in ("0.5", "0.9", "0.99", "0.999", "0.9999"):
        laws, adam = gradients(600, 1000).T, Adam("0.5", beta)
        fine, found = (quotient(laws, np.full(600, 1 / 600), adam, tolerance=one) for one in (1e-14, 1e-10))
        print(f"beta2 {beta}: farthest from tolerance 1e-14, in units of C: ", end="")
        print(f"{np.abs(fine.value - found.value).max() / adam.step_bound:.1e}")


if __name__ == "__main__":
    main()
