"""The field of minibatches of networks: cost and errors of Gauss rules beside the exact transforms.

Run with ``python benchmarks/networks.py``: writes docs/benchmark_networks.md. CPU seconds of one thread, one run.
"""

import platform
import resource
import time
from pathlib import Path

import numpy as np
import torch

from adamsym import Adam, AdamField
from adamsym.expressions.errors import InputError
from adamsym.field import BatchMean, batch_quotient, law_quotient
from adamsym.networks import TorchGradients

ROOT = Path(__file__).parents[1]
SETTINGS = [
    ("0.9999", 32, 1e-10),
    ("0.999", 8, 1e-10),
    ("0.999", 32, 1e-10),
    ("0.999", 32, 1e-13),
    ("0.999", 4096, 1e-10),
    ("0.99", 32, 1e-10),
    ("0.9", 32, 1e-10),
]
"""beta2, batch size, tolerance."""

COMPARED = 12
"""Coordinates that are compared with the exact transforms."""

FEWER = {"0.99": 8, "0.9": 64}
"""For a small beta2 every so-manieth coordinate is measured, and the time is multiplied."""


def digits_network(hidden: int = 128, seed: int = 0) -> TorchGradients:
    """Return a classifier of the digits (1,797 rows), ReLU 64-128-10, as it is made: 9,610 parameters."""
    table = np.loadtxt(ROOT / "examples" / "digits.csv", delimiter=",", skiprows=1)
    torch.manual_seed(seed)
    layers = torch.nn.Linear(64, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10)
    module = torch.nn.Sequential(*layers).double()
    return TorchGradients(
        module, torch.nn.functional.cross_entropy, table[:, :64] / 16, table[:, 64].astype(np.int64), batch_size=32
    )


def cpu(run):
    """Return what a call returns, and its CPU seconds."""
    start = time.process_time()
    found = run()
    return found, time.process_time() - start


def refused(laws: np.ndarray, p: np.ndarray, size: int, adam: Adam, tolerance: float) -> np.ndarray:
    """Return which laws have no value to six digits."""
    found = []
    for law in laws:
        try:
            batch_quotient(law[None], p, size, adam, tolerance=tolerance)
            found.append(False)
        except InputError:
            found.append(True)
    return np.array(found)


def minibatch_rows(gradients: np.ndarray) -> list[str]:
    """Return a table's rows: cost and errors of ``batch_quotient`` on gradients (rows, d), beside the transforms."""
    n, d = gradients.shape
    p = np.full(n, 1 / n)
    order = np.random.default_rng(1).permutation(d)
    rows = []
    for beta2, size, tolerance in SETTINGS:
        adam, every = Adam("0.9", beta2, "1e-8"), FEWER.get(beta2, 1)
        laws = gradients.T if every == 1 else gradients.T[order[::every]]
        bad = refused(laws, p, size, adam, tolerance) if beta2 == "0.9" else np.zeros(len(laws), bool)
        good = laws[~bad]
        found, seconds = cpu(lambda: batch_quotient(good, p, size, adam, tolerance=tolerance))  # noqa: B023
        constant = good.max(axis=1) == good.min(axis=1)
        often = np.flatnonzero((good != 0).sum(axis=1) > n // 10)
        compared = often[:: len(often) // COMPARED][:COMPARED]
        exact, theirs = cpu(lambda: [law_quotient(BatchMean(good[k], p, size), adam) for k in compared])  # noqa: B023
        off = np.abs(found.value[compared] - [one.value for one in exact])
        assert (off <= found.error[compared] + [one.error for one in exact]).all()
        by_transforms = ((found.exponentials == 0) & ~constant).mean()
        rows.append(
            f"| {beta2} | {size} | {tolerance:.0e} | {seconds * every:.1f}{' (extrapolated)' if every > 1 else ''} | "
            f"{theirs / len(compared) * d:.0f} | {off.max():.0e} | {found.error.max():.0e} | {100 * by_transforms:.1f}% | "
            f"{100 * bad.mean():.1f}% |"
        )
        print(rows[-1], flush=True)
    return rows


def minibatch_field() -> list[str]:
    """Return lines on the whole field of the digits network, as a user calls it."""
    source = digits_network()
    field = AdamField(source, Adam("0.9", "0.999", "1e-8"), tolerance=1e-10)
    gradients, alone = cpu(lambda: source.row_gradients(source.theta))
    found, seconds = cpu(lambda: field(source.theta))
    line, linear = cpu(lambda: field.linearize(source.theta))
    vector = np.random.default_rng(0).normal(size=source.dimension)
    _, product = cpu(lambda: line.jvp(vector))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    assert found.shape == (source.dimension,)
    return [
        f"Gradients {alone:.1f} s; `field(theta)` {seconds:.1f} s; `field.linearize(theta)` {linear:.1f} s; one product "
        f"with Df {product:.1f} s; peak memory {peak:.1f} GB, of which the gradients {gradients.nbytes / 2**30:.2f} GB.",
    ]


def main() -> None:
    """Write the page."""
    torch.set_num_threads(1)
    source = digits_network()
    gradients = source.row_gradients(source.theta)
    batch_quotient(gradients.T[:8], np.full(len(gradients), 1 / len(gradients)), 2, Adam(), sensitivity=True)
    zeros = 100 * (gradients == 0).mean()
    page = [
        "# Benchmark: minibatches of networks",
        "",
        f"`python benchmarks/networks.py` on {platform.machine()}, Python {platform.python_version()}, NumPy "
        f"{np.__version__}, torch {torch.__version__}; CPU seconds of one thread, one run.",
        "",
        f"The digits (1,797 rows), a network ReLU 64-128-10 with {source.dimension:,} parameters as it is made; {zeros:.0f}% of "
        "the rows' gradients are 0. `batch_quotient` for all coordinates, beside the transforms of `BatchMean`, "
        f"extrapolated from {COMPARED} coordinates, on which the two are compared (in others they refuse, for too many zeros). Exact: coordinates that rules leave to "
        "the transforms, whose equal atoms are merged first. Refused: coordinates without a value to six digits, as a few "
        "nonzero gradients among 1,797 make them.",
        "",
        "| beta2 | batch | tolerance | seconds | transforms, seconds | largest error | largest estimate | exact | refused |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *minibatch_rows(gradients),
        "",
        "At beta2 = 0.999, batches of 32 and tolerance 1e-10:",
        *minibatch_field(),
    ]
    (ROOT / "docs" / "benchmark_networks.md").write_text("\n".join(page) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
