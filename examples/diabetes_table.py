"""Where Adam ends on real data, for 10 values of beta2 and 10 batch sizes: zeros, held against PyTorch's Adam.

The parameter is the mean of a skewed quantity, the disease progression of 442 patients, and the minimum of the loss is
1.5213; Adam ends below it, and the more so the shorter its memory and the smaller its minibatches. At three of the
hundred places ``torch.optim.Adam`` is run in 512 chains, with minibatches drawn with replacement: their averages over
time agree with the zeros, to four standard errors and the step size, and where the zero is far enough from the minimum
they do not agree with that. Needs PyTorch for this: ``pip install adamsym[torch]``, then
``python examples/diabetes_table.py``.
"""

import math
import resource
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adamsym import AdamField, read_problem, sweep
from adamsym.continuation import Sweep

FILE = Path(__file__).with_name("diabetes_mean.toml")
BETAS = tuple(float(1 - gap) for gap in np.geomspace(1e-4, 0.1, 10))
"""From the longest memory on, where zeros are the quickest to find: each is sought from the one before."""
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 442)
PLACES = ((0.9, 1), (0.9, 4), (BETAS[6], 1))
STEP, CHAINS, STEPS, BURN_IN, BLOCKS = 5e-4, 512, 24_000, 8_000, 16


def progression() -> np.ndarray:
    """Return the data, in hundreds, shape (442,)."""
    law = read_problem(FILE).problem.law
    return law.rows[:, law.names.index("progression")] / 100


def zeros(betas: tuple[float, ...], sizes: tuple[int, ...], processes: int | None) -> np.ndarray:
    """Return the zero for each beta2 and batch size, shape (betas, sizes)."""
    given = read_problem(FILE)
    found: Sweep = sweep(
        AdamField(given.problem, given.adam),
        {"beta2": list(betas), "batch_size": list(sizes)},
        start=[given.start["theta"]],
        executor=processes,
    )
    assert len(found.branches) == len(sizes), found.not_followed
    return np.column_stack([branch.zeros[:, 0] for branch in found.branches])


@dataclass(frozen=True)
class Average:
    """The average of the runs over time, and its standard error, of blocks of chains."""

    theta: float
    error: float

    def agrees(self, theta: float) -> bool:
        """Whether that is within four standard errors, and the step size, which shifts the average in proportion."""
        return abs(self.theta - theta) <= 4 * self.error + STEP


def torch_average(beta2: float, size: int, start: float, steps: int = STEPS, burn_in: int = BURN_IN) -> Average:
    """Run PyTorch's Adam in independent chains, one entry of a tensor each, and average over time."""
    import torch

    rows = torch.tensor(progression())
    generator = torch.Generator().manual_seed(0)
    theta = torch.full((CHAINS,), start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=STEP, betas=(0.9, beta2), eps=1e-8)
    total = torch.zeros(CHAINS, dtype=torch.float64)
    for step in range(steps):
        batch = rows[torch.randint(len(rows), (CHAINS, size), generator=generator)]
        optimizer.zero_grad()
        ((theta[:, None] - batch) ** 2 / 2).mean(dim=1).sum().backward()
        optimizer.step()
        if step >= burn_in:
            total += theta.detach()
    blocks = (total / (steps - burn_in)).reshape(BLOCKS, -1).mean(dim=1).numpy()
    return Average(float(blocks.mean()), float(blocks.std(ddof=1) / math.sqrt(BLOCKS)))


def main() -> None:
    """Print the table, and the comparison."""
    table = zeros(BETAS, SIZES, 2)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("beta2 \\ B " + "".join(f"{size:>9}" for size in SIZES))
    for beta2, row in zip(BETAS, table, strict=True):
        print(f"{beta2:<10.5f}" + "".join(f"{theta:9.5f}" for theta in row))
    print(
        f"{table.size} zeros in {used.ru_utime + used.ru_stime:.0f} CPU seconds of two processes, their start included"
    )
    minimum = float(progression().mean())
    for beta2, size in PLACES:
        zero = table[BETAS.index(beta2), SIZES.index(size)]
        runs = torch_average(beta2, size, zero)
        print(
            f"beta2 = {beta2:.5f}, B = {size}: torch ends at {runs.theta:.5f} +- {runs.error:.5f}; the zero {zero:.5f} "
            f"{'agrees' if runs.agrees(zero) else 'DISAGREES'}, the minimum {minimum:.5f} "
            f"{'agrees' if runs.agrees(minimum) else 'does not agree'}"
        )


if __name__ == "__main__":
    main()
