"""Where torch.optim.Adam ends on a network, against the zero of its field and the critical point of its loss.

``python benchmarks/network_ends.py`` trains (some 1,000 CPU seconds), writes docs/networks_adam.json and draws
docs/networks_adam.png and networks_orders.png; ``--draw`` draws what was written before; ``--trainings FOLDER`` keeps the
runs there, or reads them where they are.

Chosen from the leading eigenvalues of Df at the zeros (-0.11 for B = 8, -0.04 for B = 1): the chains, steps and schedules
of RUNS; for B = 8 and 32 before any run, for B = 1 once more after first runs (c = 100, 256 chains, 2^17 steps) whose
windows had
averaged different copies of a chain. Half of the chains start at the critical point, the others where PyTorch initializes
the network, or at normal distances of 0.3 in each parameter. Hidden units are matched every 512 steps.
"""

import argparse
import json
import pickle
import sys
from functools import partial
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from adamsym import Adam, AdamField, find_zero
from adamsym.networks import compare, hidden_layers, train
from adamsym.plots import place_legend, save_figure
from adamsym.plots.labels import label_axes
from adamsym.plots.style import BLUE, GREY, SERIES, VERMILLION

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples"))

from diabetes_network import HIDDEN, network, trained  # noqa: E402

RUNS = [
    {"B": 8, "beta2": 0.9, "c": 40, "chains": 256, "steps": 2**17, "seed": 20, "spread": None},
    {"B": 32, "beta2": 0.9, "c": 40, "chains": 256, "steps": 2**17, "seed": 22, "spread": 0.3},
    {"B": 8, "beta2": 0.99, "c": 40, "chains": 256, "steps": 2**17, "seed": 23, "spread": 0.3},
    {"B": 1, "beta2": 0.9, "c": 30, "chains": 128, "steps": 2**16, "seed": 21, "spread": 0.3},
    {"B": 1, "beta2": 0.99, "c": 60, "chains": 128, "steps": 2**16, "seed": 21, "spread": 0.3},
]
"""Steps are c/(n + 100 c); ``spread`` is that of the starts of half of the chains, None for PyTorch's initialization."""

WINDOWS = 6
RADIUS = 1.5
ORDERS = [(1, 0.9), (1, 0.99), (1, 0.999), (8, 0.9), (8, 0.99), (32, 0.9)]
"""B and beta2 for which zeros are found."""


def starts(run, critical):
    """Half of the chains at the critical point, half elsewhere."""
    half = run["chains"] // 2
    found = np.repeat(critical[None], run["chains"], axis=0)
    if run["spread"] is not None:
        found[half:] += run["spread"] * np.random.default_rng(run["seed"]).normal(size=found[half:].shape)
        return found
    for seed in range(half):
        torch.manual_seed(seed)
        module = torch.nn.Sequential(torch.nn.Linear(10, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 1)).double()
        found[half + seed] = torch.nn.utils.parameters_to_vector(module.parameters()).detach().numpy()
    return found


def schedule(run):
    """The step sizes of a run."""
    return f"{run['c']}/(n + {100 * run['c']})"


def runs_of(run, critical, folder):
    """Runs of torch.optim.Adam, from the folder where they are."""
    file = None if folder is None else folder / f"training_{run['B']}_{run['beta2']}.pkl"
    if file is not None and file.exists():
        return pickle.loads(file.read_bytes())
    source = network(run["B"])
    found = train(
        source,
        partial(torch.optim.Adam, betas=(0.9, run["beta2"]), fused=True),
        schedule(run),
        starts(run, critical),
        run["steps"],
        run["chains"],
        run["seed"],
        windows=WINDOWS,
        layers=hidden_layers(source),
        reference=critical,
    )
    if file is not None:
        file.write_bytes(pickle.dumps(found))
    return found


def zero_of(batch, beta2, critical):
    """The zero of the field next to the critical point, and its numbers."""
    field = AdamField(network(batch), Adam(beta2=beta2), tolerance=1e-10)
    found = find_zero(field, critical)
    if found.outcome != "converged":
        raise ArithmeticError(found.reason)
    return found.theta, {
        "B": batch,
        "beta2": beta2,
        "max_f": found.largest,
        "leading_eigenvalue": float(found.eigenvalues[0].real),
        "distance": float(np.linalg.norm(found.theta - critical)),
        "excess": float(field.problem.mean_loss(found.theta) - field.problem.mean_loss(critical)),
    }


def orders(zeros):
    """The orders in 1 - beta2, from beta2 = 0.99 to 0.999 for B = 1, and in 1/B, from B = 1 to 8 for beta2 = 0.99."""
    by = {(zero["B"], zero["beta2"]): zero for zero in zeros}
    return {
        name: {
            "in_1_minus_beta2": float(np.log10(by[1, 0.99][name] / by[1, 0.999][name])),
            "in_1_over_B": float(np.log(by[1, 0.99][name] / by[8, 0.99][name]) / np.log(8)),
        }
        for name in ("distance", "excess")
    }


def measured(folder):
    """All numbers."""
    torch.set_num_threads(1)
    critical = trained(network(1))
    zeros, points = [], {}
    for batch, beta2 in ORDERS:
        points[batch, beta2], zero = zero_of(batch, beta2, critical)
        print(zero, flush=True)
        zeros.append(zero)
    trainings = [runs_of(run, critical, folder) for run in RUNS]
    return gathered(critical, zeros, points, trainings, hidden_layers(network(1)))


def gathered(critical, zeros, points, trainings, layers):
    """What is written down of zeros and runs."""
    compared = []
    for run, training in zip(RUNS, trainings, strict=True):
        half, chains = run["chains"] // 2, run["chains"]
        zero = points[run["B"], run["beta2"]]
        parts = {}
        for name, used in (
            ("all", None),
            ("from_the_critical_point", range(half)),
            ("from_elsewhere", range(half, chains)),
        ):
            found = compare(training, zero, critical, layers=layers, radius=RADIUS, chains=used)
            print(run["B"], run["beta2"], name, found, flush=True)
            parts[name] = {key: value for key, value in found.to_dict().items() if key != "theta"}
        compared.append({**run, "schedule": schedule(run), **parts})
    return {
        "generator": "benchmarks/network_ends.py",
        "network": "tanh 10-3-1 on examples/diabetes.csv, ridge 0.02, d = 37",
        "runs": compared,
        "zeros": zeros,
        "orders": orders(zeros),
    }


def drawn_ends(result):
    """Distances against the step size, a panel for each run."""
    figure = Figure(figsize=(11, 8), layout="constrained")
    panels = figure.subplots(2, 3).ravel()
    for axes in panels[len(result["runs"]) :]:
        axes.set_axis_off()
    panels = panels[: len(result["runs"])]
    for axes, run in zip(panels, result["runs"], strict=True):
        windows, end = run["all"]["windows"], run["all"]["end"]
        sizes = [one["step_size"] for one in windows]
        for name, color, marker, label in (
            ("to_critical", VERMILLION, "s", "to the critical point of the loss"),
            ("to_zero", BLUE, "o", "to the predicted zero of the field"),
        ):
            noise = [one["noise"] for one in windows]
            axes.errorbar(
                sizes, [one[name] for one in windows], noise, color=color, marker=marker, capsize=3, label=label
            )
            axes.errorbar([0], [end[name]], [end["noise"]], color=color, marker=marker, mfc="white", capsize=3,
                          linestyle="none", label=f"{label}, extrapolated")  # fmt: skip
        axes.axhline(run["all"]["distance"], color=GREY, linestyle="--", label="from the zero to the critical point")
        label_axes(axes, "mean step size of the window", "distance of the mean iterate")
        axes.set_ylim(bottom=0)
        axes.set_title(f"B = {run['B']}, beta2 = {run['beta2']}", fontsize=10)
    place_legend(*panels, columns=3)
    return figure


def drawn_orders(result):
    """Distance and loss excess against (1 - beta2)/B."""
    figure = Figure(figsize=(9, 4.2), layout="constrained")
    panels = figure.subplots(1, 2)
    for axes, name, label, power in zip(
        panels, ("distance", "excess"), ("distance from zero to critical point", "loss excess at the zero"), (1, 2),
        strict=True,
    ):  # fmt: skip
        for batch, color, marker in zip((1, 8, 32), SERIES, "osD", strict=False):
            own = [zero for zero in result["zeros"] if zero["B"] == batch]
            small = [(1 - zero["beta2"]) / batch for zero in own]
            axes.loglog(
                small, [zero[name] for zero in own], color=color, marker=marker, linestyle="none", label=f"B = {batch}"
            )
        ends = np.array([5e-4, 0.1])
        near = [zero for zero in result["zeros"] if zero["beta2"] >= 0.99]
        factor = np.exp(np.mean([np.log(zero[name] / ((1 - zero["beta2"]) / zero["B"]) ** power) for zero in near]))
        axes.loglog(ends, factor * ends**power, color=GREY, linewidth=1, label="slope 1 on the left, 2 on the right")
        label_axes(axes, "(1 - beta2)/B", label)
    place_legend(*panels, columns=4)
    return figure


def main():
    """Measure, unless told not to, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draw", action="store_true")
    parser.add_argument("--trainings", type=Path)
    given = parser.parse_args()
    file = ROOT / "docs" / "networks_adam.json"
    if not given.draw:
        file.write_text(json.dumps(measured(given.trainings), indent=1) + "\n")
    result = json.loads(file.read_text())
    save_figure(drawn_ends(result), ROOT / "docs" / "networks_adam.png")
    save_figure(drawn_orders(result), ROOT / "docs" / "networks_orders.png")


if __name__ == "__main__":
    main()
