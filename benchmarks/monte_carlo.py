"""The field of a network by quadrature beside a compiled Monte-Carlo estimate of the same field, and by each backend.

Run with ``make benchmarks``: writes docs/benchmark_monte_carlo.md. All figures are CPU seconds of one run, all
threads together; those that are extrapolated say so.
"""

import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numba
import numpy as np
import torch

from adamsym import Adam, AdamField, PerRowGradients
from adamsym.field import quotient
from adamsym.field.jax.laws import jax_quotient
from adamsym.networks import TorchGradients

HERE = Path(__file__).parents[1]
ADAM = Adam("0.9", "0.999", "1e-8")
HIDDEN = 133
"""Units of the hidden layer: 9,985 parameters."""

COORDINATES = 128
"""The coordinates that Monte Carlo estimates: its cost, and the quadrature's, is the same for each."""

AT_ONCE = 64
"""Coordinates whose moments and gradients stay in the processor's cache."""

THINNING = 5
"""Steps between two values of m/(sqrt(v) + eps): m forgets more slowly than that, and so little is lost."""

BURN_IN = 7_000
TARGET, EXTRAPOLATED = 1e-4, 1e-6


def digits_network() -> TorchGradients:
    """A network 64-133-10 of the digits, tanh, cross entropy, trained for a while with Adam."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    table = np.loadtxt(HERE / "examples" / "digits.csv", delimiter=",", skiprows=1)
    inputs, targets = torch.tensor(table[:, :-1] / 16), torch.tensor(table[:, -1], dtype=torch.int64)
    module = torch.nn.Sequential(torch.nn.Linear(64, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 10)).double()
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    for _ in range(300):
        rows = torch.randint(len(inputs), (32,))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(inputs[rows]), targets[rows]).backward()
        optimizer.step()
    return TorchGradients(module, torch.nn.functional.cross_entropy, inputs, targets, batch_size=1)


@numba.njit(error_model="numpy")
def time_averages(atoms, rows, alpha, beta, eps, burn_in, every, sums):
    """Fill sums with the means of m/(sqrt v + eps), m, v and m v of a chain that draws ``rows`` (steps, batch)."""
    width = atoms.shape[1]
    m, v, g = np.zeros(width), np.zeros(width), np.zeros(width)
    for a in range(len(atoms)):
        for i in range(width):
            m[i] += atoms[a, i] / len(atoms)
            v[i] += atoms[a, i] ** 2 / len(atoms)
    if rows.shape[1] > 1:
        v /= rows.shape[1]
    share, count = 1.0 / rows.shape[1], 0
    for n in range(len(rows)):
        g[:] = atoms[rows[n, 0]]
        for k in range(1, rows.shape[1]):
            row = atoms[rows[n, k]]
            for i in range(width):
                g[i] += row[i]
        for i in range(width):
            x = g[i] * share
            m[i] = alpha * m[i] + (1.0 - alpha) * x
            v[i] = beta * v[i] + (1.0 - beta) * x * x
        if n >= burn_in and n % every == 0:
            count += 1
            for i in range(width):
                sums[0, i] += m[i] / (np.sqrt(v[i]) + eps)
                sums[1, i] += m[i]
                sums[2, i] += v[i]
                sums[3, i] += m[i] * v[i]
    sums /= count


def monte_carlo(atoms: np.ndarray, batch: int, steps: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return F by time averages, and with control variates: m, v and m v, whose means are known (theory T7)."""
    alpha, beta, eps = ADAM.beta1, ADAM.beta2, ADAM.eps
    rows = np.random.default_rng(seed).integers(len(atoms), size=(BURN_IN + steps, batch), dtype=np.int16)
    sums = np.zeros((4, atoms.shape[1]))
    for start in range(0, atoms.shape[1], AT_ONCE):
        part, own = np.ascontiguousarray(atoms[:, start : start + AT_ONCE]), np.zeros((4, AT_ONCE))
        time_averages(part, rows, alpha, beta, eps, BURN_IN, THINNING, own[:, : part.shape[1]])
        sums[:, start : start + AT_ONCE] = own[:, : part.shape[1]]
    mean = atoms.mean(axis=0)
    centred = atoms - mean
    variance, third = (centred**2).mean(axis=0) / batch, (centred**3).mean(axis=0) / batch**2
    square = mean**2 + variance
    # Cov(g, g^2) of a batch's mean, and Cov(M, V).
    covariance = (1 - alpha) * (1 - beta) / (1 - alpha * beta) * (third + 2 * mean * variance)
    root = np.sqrt(square)
    phi, slope = 1 / (root + eps), -0.5 / root / (root + eps) ** 2
    # phi(v) m to first order in v - E V, less its mean.
    variate = (phi - slope * square) * (sums[1] - mean) + slope * (sums[3] - mean * square - covariance)
    return sums[0], sums[0] - variate


def cpu(run: Callable[[], Any]) -> tuple[float, Any]:
    """Return the CPU seconds of a second call, and its result."""
    run()
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def root_mean_square(x: np.ndarray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(x**2)))


def comparison(atoms: np.ndarray, batch: int) -> list[str]:
    """Rows of the table for one batch size."""
    source = PerRowGradients(atoms, batch_size=batch)
    theta = np.zeros(atoms.shape[1])
    exact = -AdamField(source, ADAM)(theta)
    taken, found = cpu(lambda: -AdamField(source, ADAM, tolerance=1e-10)(theta))
    rows = [
        f"| {batch} | quadrature, tolerance 1e-10 | {np.abs(found - exact).max():.0e} | {taken:.2f} | 1 | measured |"
    ]
    monte_carlo(atoms[:, :AT_ONCE], batch, 1000, 0)
    for kind, name in enumerate(("Monte Carlo", "Monte Carlo, control variates")):
        steps, error = 20_000, np.inf
        while error > 1.2 * TARGET:
            steps = steps if np.isinf(error) else int(steps * (error / TARGET) ** 2)
            start = time.process_time()
            estimate = monte_carlo(atoms, batch, steps, kind + 1)[kind]
            spent, error = time.process_time() - start, root_mean_square(estimate - exact)
        rows.append(f"| {batch} | {name} | {error:.0e} | {spent:.3g} | {spent / taken:.2g} | measured |")
        cost = spent * (error / EXTRAPOLATED) ** 2
        rows.append(f"| {batch} | {name} | {EXTRAPOLATED:.0e} | {cost:.2g} | {cost / taken:.1g} | extrapolated |")
    print(*rows, sep="\n", flush=True)
    return rows


def backends(atoms: np.ndarray) -> list[str]:
    """Rows of the table of backends, for all coordinates."""
    laws, p = np.ascontiguousarray(atoms.T), np.full(len(atoms), 1 / len(atoms))
    exact = quotient(laws, p, ADAM).value
    rows = []
    for name, evaluate in (("numba", quotient), ("jax", jax_quotient)):
        for tolerance in (1e-10, 1e-13):
            run = partial(evaluate, laws, p, ADAM, tolerance=tolerance)
            value, slopes = cpu(run), cpu(partial(run, sensitivity=True))
            far = np.abs(value[1].value - exact).max()
            rows.append(f"| {name} | {tolerance:.0e} | {value[0]:.1f} | {slopes[0]:.1f} | {far:.0e} |")
            print(rows[-1], flush=True)
    return rows


def main() -> None:
    """Measure, and write the page."""
    source = digits_network()
    start = time.process_time()
    atoms = source.row_gradients(source.theta)
    gradients = time.process_time() - start
    moving = np.flatnonzero(np.abs(atoms).max(axis=0) > 0)
    chosen = np.random.default_rng(0).choice(moving, COORDINATES, replace=False)
    listed = [*comparison(atoms[:, chosen], 1), *comparison(atoms[:, chosen], 32)]
    by_backend = backends(atoms)
    text = f"""# Fields of networks beside Monte Carlo, and by backend

Written by `make benchmarks` in one run ({platform.machine()}, Python {platform.python_version()}, NumPy
{np.__version__}, Numba {numba.__version__}, JAX {jax.__version__}). beta1 = 0.9, beta2 = 0.999, eps = 1e-8. Seconds
are those of the processor, all threads together. The network
is a digits classifier 64-{HIDDEN}-10 with tanh and cross entropy, {source.dimension:,} parameters and 1,797 rows, after
300 steps of Adam. The gradients of all rows take {gradients:.2f} s, which is not counted here.

## Beside Monte Carlo

{COORDINATES} coordinates drawn from those whose gradients are not all 0. Monte Carlo is a compiled chain at the frozen
parameters: it draws minibatches, updates m and v, and averages m/(sqrt(v) + eps) every {THINNING} steps. Control variates
are m, v and m v to first order around E V, whose means are known. Its error is the root mean square over the
coordinates, that of the quadrature the largest; |f| is at most 7.3 and mostly far below 1. Extrapolated by the
square-root law.

| batch | evaluator | error | CPU seconds | times the quadrature's | |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(listed)}

## Backends

All {source.dimension:,} coordinates on the processor, compiled before; the backend "jax" is made for accelerators.

| backend | tolerance | value | with dF/dg | difference of values |
| --- | --- | --- | --- | --- |
{chr(10).join(by_backend)}
"""
    (HERE / "docs" / "benchmark_monte_carlo.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
