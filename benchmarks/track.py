"""The pseudo-trajectory bound beside what is measured: four problems known from the literature, and 200 drawn ones.

Run with ``make benchmarks``: writes docs/benchmark_track.md and docs/benchmark_track.svg. Every figure is of one run.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np

from adamsym import Adam, Empirical, Problem, StepSizeSchedule, pseudo_trajectory
from adamsym.dynamics import PseudoTrajectory
from adamsym.dynamics.pseudo_trajectory import fitted_order

matplotlib.use("Agg")
import matplotlib.pyplot as plt

DOCS = Path(__file__).parents[1] / "docs"
CHAINS = 400
DRAWN = 200
DRAWN_CHAINS = 100
STARTS = [0, 100, 1000, 10_000, 100_000, 1_000_000]

SKEWED = Empirical({"x": [-1, 0, 2]}, weights=[3, 5, 2])
TRIPLE = Empirical({"x": [1, -1, "0.5"], "y": [0, "0.5", -1]})
KNOWN = {
    "P1": (
        Problem("(theta - x)**2/2", ["theta"], SKEWED),
        Adam("0.9", "0.99", "0.1"),
        StepSizeSchedule("0.1/n**0.75"),
        0.5,
        STARTS,
    ),
    "P2": (
        Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]})),
        Adam("0.5", "0.9", 1),
        StepSizeSchedule("0.3/n**0.75"),
        1.0,
        STARTS[:5],
    ),
    "P3": (
        Problem("log(cosh(2*(theta - x)))/2", ["theta"], Empirical({"x": ["-0.5", 1]}, weights=[4, 6])),
        Adam(0, "0.95", "0.5"),
        StepSizeSchedule("0.2/n**0.6"),
        1.0,
        STARTS[:5],
    ),
    "P4": (
        Problem("(a**2 + a*b + b**2)/2 - a*x - b*y", ["a", "b"], TRIPLE),
        Adam("0.8", "0.95", "0.5"),
        StepSizeSchedule("0.2/n**0.75"),
        1.0,
        STARTS[:5],
    ),
    "defaults": (
        Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})),
        Adam(),
        StepSizeSchedule("0.1/n**0.7"),
        1.0,
        STARTS,
    ),
}
"""P1 to P4 with their step sizes and windows; and Adam's default parameters, eps = 1e-8."""

LOSSES = [
    ("(theta - x)**2/2", ["theta"]),
    ("log(cosh(theta - x))", ["theta"]),
    ("log(1 + exp(theta - x)) - theta/2", ["theta"]),
    ("(theta*x - y)**2/2 + theta**2/8", ["theta"]),
    ("(w*x + b - y)**2/2", ["w", "b"]),
]
ADAMS = [
    Adam("0.9", "0.99", "0.1"),
    Adam("0.5", "0.9", "0.5"),
    Adam(0, "0.95", "0.2"),
    Adam("0.8", "0.95", "1e-3"),
    Adam("0.9", "0.99", "1e-8"),
]


def known() -> dict[str, tuple[PseudoTrajectory, float]]:
    """Return the windows of the known problems, and the seconds they took."""
    found = {}
    for name, (problem, adam, schedule, length, starts) in KNOWN.items():
        begin = time.perf_counter()
        result = pseudo_trajectory(problem, adam, schedule, [0.8] * problem.dimension, starts, length, CHAINS, seed=1)
        found[name] = result, time.perf_counter() - begin
    return found


def drawn() -> Iterator[PseudoTrajectory]:
    """The windows of problems with random losses, data, batches, Adam parameters and step sizes."""
    generator = np.random.default_rng(0)
    for seed in range(DRAWN):
        loss, names = LOSSES[generator.integers(len(LOSSES))]
        rows = int(generator.integers(2, 5))
        columns = {
            name: (generator.integers(-6, 7, rows) / 2).tolist() for name in "xy" if name in loss.split("exp")[-1]
        }
        problem = Problem(loss, names, Empirical(columns), batch_size=int(generator.integers(1, 3)))
        adam = ADAMS[generator.integers(len(ADAMS))]
        schedule = StepSizeSchedule(
            f"{generator.choice(['0.03', '0.1'])}/n**{generator.choice(['0.5', '0.6', '0.75'])}"
        )
        starts = [300, 8000, 40_000, 200_000]
        yield pseudo_trajectory(problem, adam, schedule, [0.5] * len(names), starts, 0.3, DRAWN_CHAINS, seed=seed)


def known_table(found: dict[str, tuple[PseudoTrajectory, float]]) -> list[str]:
    """Return the table of the known problems."""
    lines = [
        "| problem | start | step | measured | bound | **bound/measured** | martingale | drift | bias | growth | one run, 95% | largest run |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, (result, _) in found.items():
        for w in result.windows:
            b = w.bound.mean_square
            lines.append(
                f"| {name} | {w.start:,} | {w.effective_step:.1e} | {w.measured.value:.2e} | {b.total:.2e} | "
                f"**{w.looseness:.1f}** | {b.martingale:.1e} | {b.drift:.1e} | {b.bias:.1e} | {b.growth:.2f} | "
                f"{w.bound.per_run:.2e} | {np.nanmax(w.distances):.2e} |"
            )
    lines += ["", "| problem | order in the step, from step 1,000 on | seconds |", "| --- | --- | --- |"]
    for name, (result, seconds) in found.items():
        order = fitted_order([w for w in result.windows if w.start >= 1000])
        lines.append(f"| {name} | {order.value:.3f} (99%: {order.low:.3f} to {order.high:.3f}) | {seconds:.0f} |")
    return lines


def drawn_table(results: list[PseudoTrajectory]) -> list[str]:
    """Return the summary of the drawn problems."""
    windows = [w for result in results for w in result.windows if w.inside and w.measured.value > 0]
    beyond = sum(w.holds is False for w in windows)
    exceeding = max(w.exceeding for w in windows)
    lines = [
        f"{len(results)} problems, {len(windows)} windows in which something moves at random: {beyond} beyond the bound. "
        f"The largest share of runs beyond the bound of one run (level 0.05): {exceeding:.2f}.",
        "",
        "| start | windows | bound/measured: least | median | 90% | largest | drift/martingale, median |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for start in sorted({w.start for w in windows}):
        these = [w for w in windows if w.start == start]
        loose = np.array([w.looseness for w in these])
        drift = np.median([w.bound.mean_square.drift / w.bound.mean_square.martingale for w in these])
        lines.append(
            f"| {start:,} | {len(these)} | {loose.min():.1f} | {np.median(loose):.1f} | {np.quantile(loose, 0.9):.1f} | "
            f"{loose.max():.3g} | {drift:.2f} |"
        )
    noisy = [r for r in results if min(w.measured.value / w.effective_step for w in r.windows) > 1]
    fits = [fitted_order(r.windows[1:]) for r in noisy]
    orders = np.array([fit.value for fit in fits if fit is not None])
    near = np.mean(np.abs(orders - 0.5) <= 0.1)
    lines += [
        "",
        f"Orders over the windows from step 8,000 on, of the {len(orders)} problems whose distances exceed their steps (the",
        f"others interpolate, or do not move): median {np.median(orders):.3f}, from {orders.min():.3f} to {orders.max():.3f}; "
        f"{near:.0%} within 0.5 ± 0.1.",
    ]
    return lines


def plot(found: dict[str, tuple[PseudoTrajectory, float]]) -> None:
    """Draw measured and bound against the step."""
    figure, axes = plt.subplots(figsize=(7, 4.6), layout="constrained")
    colors = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#000000"]
    for (name, (result, _)), color in zip(found.items(), colors, strict=True):
        steps = [w.effective_step for w in result.windows]
        axes.loglog(steps, [w.measured.value for w in result.windows], "o-", color=color, label=f"{name}: measured")
        axes.loglog(steps, [w.bound.mean_square.total for w in result.windows], "s--", color=color, mfc="none")
    axes.loglog([], [], "s--", color="gray", mfc="none", label="bound, same colour")
    axes.set(xlabel="effective step size", ylabel="largest distance from the flow (root mean square)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    for suffix in ("svg", "png"):
        figure.savefig(DOCS / f"benchmark_track.{suffix}", dpi=150)


def main() -> None:
    """Measure and write the page."""
    found = known()
    begin = time.perf_counter()
    results = list(drawn())
    seconds = time.perf_counter() - begin
    plot(found)
    text = [
        "# How tight the pseudo-trajectory bound is",
        "",
        "Written by `make benchmarks` in one run. *Measured* is the root mean square over the chains of the largest distance",
        "between Adam and the flow in a window; *bound* is Theorem 8 of [pseudo_trajectory.md](pseudo_trajectory.md) over a box",
        f"around {64} other chains. Its pieces stand before growth.",
        "",
        f"## Known problems, {CHAINS} chains",
        "",
        *known_table(found),
        "",
        "![Measured distance and bound against the step](benchmark_track.svg)",
        "",
        "In windows that begin before some 60/(1-β₂) steps the box must hold the whole path from the start, and the bound is its",
        "ceiling or near it. With |m| ≤ C√v in place of moments, and one box for the whole run, the ratios of P1 to P4 at the",
        "smallest steps were 26, 6.9, 33 and 32.",
        "",
        f"## Drawn problems, {DRAWN_CHAINS} chains",
        "",
        *drawn_table(results),
        "",
        f"{seconds:.0f} seconds.",
    ]
    (DOCS / "benchmark_track.md").write_text("\n".join(text) + "\n")


if __name__ == "__main__":
    main()
