"""The field by quadrature beside two Monte-Carlo evaluators, and its cost as the problem grows.

Run with ``make benchmarks``: writes docs/benchmark_field.md and docs/benchmark_field.svg. All figures come from one run
on one thread; those that are extrapolated say so.
"""

import platform
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import flint
import matplotlib
import numba
import numpy as np

from adamsym import Adam, AdamField, Empirical, Problem
from adamsym.field.ball.arithmetic import ball, ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.float.laplace_quadrature import quotient
from adamsym.field.simulated import time_average

matplotlib.use("Agg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).parents[1] / "docs"
ADAM = Adam("0.9", "0.999", "1e-8")
ATOMS = [0.9, 0.9, -2.1]
CHAINS = 64
BURN_IN = 12_000
BETAS = ("0.9", "0.99", "0.999", "0.9999", "0.99999")
TARGETS = (1e-2, 1e-3)
EXTRAPOLATED = 1e-6


def seconds(run: Callable[[], object], least: float = 0.2) -> float:
    """Return the best of three mean times of a call, each over at least ``least``/3 seconds."""
    run()
    count, best = 1, float("inf")
    for _ in range(3):
        while True:
            start = time.perf_counter()
            for _ in range(count):
                run()
            passed = time.perf_counter() - start
            if passed >= least / 3:
                break
            count *= 2
        best = min(best, passed / count)
    return best


@numba.njit
def compiled_averages(atoms, alpha, beta, eps, steps, burn_in, chains, generator):
    """Return the time average of m/(sqrt(v) + eps) of each chain."""
    averages = np.empty(chains)
    for chain in range(chains):
        m, v, total = 0.0, (atoms**2).mean(), 0.0
        for step in range(-burn_in, steps):
            g = atoms[int(generator.random() * len(atoms))]
            m += (1 - alpha) * (g - m)
            v += (1 - beta) * (g * g - v)
            if step >= 0:
                total += m / (np.sqrt(v) + eps)
        averages[chain] = total / steps
    return averages


def by_numpy(steps: int, seed: int) -> np.ndarray:
    """Return the vectorized NumPy estimate and its standard error."""
    atoms = np.array(ATOMS)
    found = time_average(lambda g, shape: g.choice(atoms, shape)[..., None], ADAM, seed, steps, CHAINS)
    return np.array([found.value[0], found.standard_error[0]])


def by_numba(steps: int, seed: int) -> np.ndarray:
    """Return the compiled estimate and its standard error."""
    generator = np.random.default_rng(seed)
    found = compiled_averages(np.array(ATOMS), ADAM.beta1, ADAM.beta2, ADAM.eps, steps, BURN_IN, CHAINS, generator)
    return np.array([found.mean(), found.std(ddof=1) / np.sqrt(CHAINS)])


def monte_carlo_times(estimate: Callable[[int, int], np.ndarray], exact: float) -> list[tuple[float, float, float]]:
    """Return (target, seconds, measured relative error): steps double until the standard error meets the target."""
    estimate(10, 0)
    rows, steps = [], 100
    for target in TARGETS:
        while True:
            start = time.perf_counter()
            value, standard_error = estimate(steps, steps)
            passed = time.perf_counter() - start
            if standard_error <= target * abs(exact):
                break
            steps *= 2
        rows.append((target, passed, abs(value - exact) / abs(exact)))
    return rows


def exact_value() -> float:
    """Return the mean of M/(sqrt V + eps) by enclosures in ball arithmetic."""
    with ball_arithmetic():
        law = BallLaw([ball(Fraction(g)) for g in ATOMS], [flint.arb(1) / 3] * 3)
        return float(enclose_law(law, ADAM.laplace).value.mid())


def accuracy_table() -> tuple[list[str], list[tuple[str, list[tuple[float, float, bool]]]]]:
    """Return the lines of the first table, and the curves of the first plot."""
    exact, atoms, p = exact_value(), np.array([ATOMS]), np.full(3, 1 / 3)
    spectral = seconds(lambda: quotient(atoms, p, ADAM))
    error = abs(quotient(atoms, p, ADAM).value[0] - exact) / abs(exact)
    lines = [
        "| evaluator | relative error | seconds | times the quadrature's | |",
        "| --- | --- | --- | --- | --- |",
        f"| quadrature | {error:.0e} | {spectral:.2g} | 1 | measured |",
    ]
    curves = [("quadrature", [(spectral, max(error, 1e-16), False)])]
    for name, estimate in (("Monte Carlo, NumPy", by_numpy), ("Monte Carlo, Numba", by_numba)):
        rows = monte_carlo_times(estimate, exact)
        points = []
        for target, passed, _ in rows:
            lines.append(
                f"| {name} | {target:.0e} (standard error) | {passed:.2g} | {passed / spectral:.1g} | measured |"
            )
            points.append((passed, target, False))
        target, passed, _ = rows[-1]
        longer = passed * (target / EXTRAPOLATED) ** 2
        lines.append(f"| {name} | 1e-06 | {longer:.2g} | {longer / spectral:.1g} | extrapolated |")
        curves.append((name, [*points, (longer, EXTRAPOLATED, True)]))
    return lines, curves


def laws(size: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return normal gradient atoms (count, size) with mean 0.3, and their probabilities."""
    return np.random.default_rng(size).normal(0.3, 1, size=(count, size)), np.full(size, 1 / size)


def single_law_table() -> list[str]:
    """Return times of one law, of a batch, and of value with derivative, as beta2 grows."""
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3, 1, 2]}))
    lines = [
        "| beta2 | 3 atoms, kernel (ms) | 5 atoms, `AdamField(...)` (ms) | each of 1,000 laws of 5 atoms (µs) | "
        "10,000 atoms (ms) | with dF/dg for all atoms, 1,000 laws | exponentials per atom |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [beta_row(AdamField(problem, Adam("0.9", beta, "1e-8"))) for beta in BETAS]
    return lines


def beta_row(field: AdamField) -> str:
    """Return one row of times."""
    adam, one, many, large = field.adam, laws(3, 1), laws(5, 1000), laws(10_000, 1)
    batch = seconds(lambda: quotient(*many, adam))
    slopes = seconds(lambda: quotient(*many, adam, sensitivity=True))
    cells = [
        f"{adam.beta2}",
        f"{1e3 * seconds(lambda: quotient(*one, adam)):.3f}",
        f"{1e3 * seconds(lambda: field([0.4])):.3f}",
        f"{1e3 * batch:.1f}",
        f"{1e3 * seconds(lambda: quotient(*large, adam)):.1f}",
        f"{slopes / batch:.1f} times",
        f"{quotient(*many, adam).exponentials.max()}",
    ]
    return "| " + " | ".join(cells) + " |"


def growth() -> list[tuple[str, Sequence[int], list[float]]]:
    """Return (what grows, sizes, seconds)."""
    curves = []
    sizes = [10, 100, 1000, 10_000, 100_000]
    curves.append(("rows", sizes, [seconds(lambda n=n: quotient(*laws(n, 1), ADAM)) for n in sizes]))
    counts = [1, 10, 100, 1000]
    mean = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3, 1, 2]}))
    points = {n: np.linspace(-1, 4, n)[:, None] for n in counts}
    field = AdamField(mean, ADAM)
    curves.append(("points", counts, [seconds(lambda n=n: field(points[n])) for n in counts]))
    dimensions, times = [1, 4, 16, 64], []
    for d in dimensions:
        data = np.random.default_rng(d).normal(size=(20, d)).round(3)
        terms = " + ".join(f"w{k}*x{k}" for k in range(d))
        columns = {f"x{k}": data[:, k].tolist() for k in range(d)} | {"y": [float(k % 3) for k in range(20)]}
        regression = AdamField(Problem(f"({terms} - y)**2/2", {"w": d}, Empirical(columns)), ADAM)
        times.append(seconds(lambda f=regression, d=d: f(np.ones(d))))
    curves.append(("coordinates", dimensions, times))
    return curves


def plot(accuracy, curves) -> None:
    """Draw accuracy against time, and time against size."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), constrained_layout=True)
    for (name, points), colour, mark in zip(accuracy, ("#000000", "#0072b2", "#d55e00"), ("*", "o", "s"), strict=True):
        times, errors = [p[0] for p in points], [p[1] for p in points]
        measured = [k for k, p in enumerate(points) if not p[2]]
        left.plot(times, errors, "--", color=colour, linewidth=1)
        left.plot([times[k] for k in measured], [errors[k] for k in measured], mark, color=colour, label=name)
        if len(measured) < len(points):
            left.plot(times[-1:], errors[-1:], mark, color=colour, fillstyle="none")
    left.set(xscale="log", yscale="log", xlabel="seconds", ylabel="relative error", title="one law, 3 atoms")
    left.legend(title="hollow: extrapolated")
    for (name, sizes, times), colour, mark in zip(curves, ("#000000", "#0072b2", "#d55e00"), "os^", strict=True):
        right.plot(sizes, times, mark + "-", color=colour, label=name)
    right.set(xscale="log", yscale="log", xlabel="number", ylabel="seconds", title="one evaluation of the field")
    right.legend(title="what grows")
    figure.savefig(DOCS / "benchmark_field.svg", metadata={"Date": None})
    figure.savefig(DOCS / "benchmark_field.png", dpi=110)


def main() -> None:
    """Measure, and write the page and the plot."""
    first, accuracy = accuracy_table()
    second, curves = single_law_table(), growth()
    third = ["| what grows | " + "numbers and seconds |", "| --- | --- |"]
    third += [
        f"| {name} | " + ", ".join(f"{n:,}: {t:.2g}" for n, t in zip(sizes, times, strict=True)) + " |"
        for name, sizes, times in curves
    ]
    plot(accuracy, curves)
    text = f"""# How fast the field is evaluated

Written by `make benchmarks` in one run on one thread ({platform.machine()}, Python {platform.python_version()}, NumPy
{np.__version__}, Numba {numba.__version__}). beta1 = 0.9, beta2 = 0.999 and eps = 1e-8 unless said otherwise.

## Accuracy against time

Data 0, 0, 3 and the loss (θ-x)²/2 at θ = 0.9: the field is {-exact_value():.6f}. The quadrature's error is that
against enclosures in ball arithmetic. Monte Carlo simulates {CHAINS} frozen chains; its work is doubled until the
standard error meets the target, and its last row is extrapolated from the measured 1e-3 by the square-root law.
At a given cost its relative error grows like 1/|f| towards a zero.

{chr(10).join(first)}

![Accuracy against time, and time against size](benchmark_field.svg)

## One law, and many

{chr(10).join(second)}

## Growth

{chr(10).join(third)}
"""
    (DOCS / "benchmark_field.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
