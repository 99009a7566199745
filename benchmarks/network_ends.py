"""Where torch.optim.Adam ends on a network, against the zero of its field and the critical point of its loss.

``python benchmarks/network_ends.py`` trains (some 500 CPU seconds), writes docs/networks_adam.json and draws
docs/networks_adam.png and networks_orders.png; ``--draw`` draws what was written before; ``--trainings FOLDER`` keeps the
runs there, or reads them where they are.

Fixed beforehand, from the leading eigenvalues of Df at the zeros (-0.11 for B = 8, -0.04 for B = 1): 256 chains, 2^17
steps c/(n + 100 c) with c = 40 for B = 8 and c = 100 for B = 1, seed 20; half of the chains start at the critical point,
half at PyTorch's initialization with seeds 0 to 127.
"""

import argparse
import json
import pickle
import sys
import time
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

RUNS = [(8, 0.9, 40), (1, 0.99, 100), (1, 0.9, 100)]
"""B, beta2 and c of the schedule."""

CHAINS, STEPS, SEED, WINDOWS = 256, 2**17, 20, 7
RADIUS = 1.5
ORDERS = [(batch, beta2) for batch in (1, 8, 32) for beta2 in (0.9, 0.99, 0.999, 0.9999)]
"""B and beta2 for which zeros are found."""


def starts(critical):
    """Half of the chains at the critical point, half as PyTorch initializes the network."""
    found = [critical] * (CHAINS // 2)
    for seed in range(CHAINS - len(found)):
        torch.manual_seed(seed)
        module = torch.nn.Sequential(torch.nn.Linear(10, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 1)).double()
        found.append(torch.nn.utils.parameters_to_vector(module.parameters()).detach().numpy())
    return np.array(found)


def runs_of(batch, beta2, c, critical, folder):
    """Runs of torch.optim.Adam, from the folder where they are."""
    file = None if folder is None else folder / f"training_{batch}_{beta2}.pkl"
    if file is not None and file.exists():
        return pickle.loads(file.read_bytes())
    optimizer = partial(torch.optim.Adam, betas=(0.9, beta2), fused=True)
    schedule = f"{c}/(n + {100 * c})"
    found = train(network(batch), optimizer, schedule, starts(critical), STEPS, CHAINS, SEED, windows=WINDOWS)
    if file is not None:
        file.write_bytes(pickle.dumps(found))
    return found


def zero_of(batch, beta2, critical):
    """The zero of the field next to the critical point, and its numbers."""
    field = AdamField(network(batch), Adam(beta2=beta2), tolerance=1e-10)
    begin = time.process_time()
    found = find_zero(field, critical)
    point = found.critical_point
    return found.theta, {
        "B": batch,
        "beta2": beta2,
        "outcome": found.outcome,
        "stability": found.stability,
        "max_f": found.largest,
        "leading_eigenvalue": float(found.eigenvalues[0].real) if len(found.eigenvalues) else None,
        "distance": float(np.linalg.norm(found.theta - critical)),
        "excess": float(network(1).mean_loss(found.theta) - network(1).mean_loss(critical)),
        "predicted_distance": None if point is None else point.predicted_distance,
        "predicted_excess": None if point is None else point.predicted_excess,
        "cpu_seconds": time.process_time() - begin,
    }


def fitted(zeros, beta2_from=0.99):
    """The order in 1 - beta2 and in 1/B of distance and excess: least squares of logarithms, for beta2 near 1."""
    near = [zero for zero in zeros if zero["beta2"] >= beta2_from]
    columns = np.array([[1.0, np.log(1 - zero["beta2"]), -np.log(zero["B"])] for zero in near])
    return {
        name: dict(
            zip(
                ("constant", "in_1_minus_beta2", "in_1_over_B"),
                np.linalg.lstsq(columns, np.log([zero[name] for zero in near]), rcond=None)[0].tolist(),
                strict=True,
            )
        )
        for name in ("distance", "excess")
    }


def measured(folder):
    """All numbers."""
    torch.set_num_threads(1)
    critical = trained(network(1))
    layers = hidden_layers(network(1))
    zeros, points = [], {}
    for batch, beta2 in ORDERS:
        points[batch, beta2], zero = zero_of(batch, beta2, critical)
        print(zero, flush=True)
        zeros.append(zero)
    compared = []
    for batch, beta2, c in RUNS:
        runs = runs_of(batch, beta2, c, critical, folder)
        halves = {"all": None, "from_the_critical_point": range(CHAINS // 2), "initialized": range(CHAINS // 2, CHAINS)}
        found = {
            name: compare(runs, points[batch, beta2], critical, layers=layers, radius=RADIUS, chains=chains)
            for name, chains in halves.items()
        }
        print(batch, beta2, found["all"], flush=True)
        parts = {name: {k: v for k, v in one.to_dict().items() if k != "theta"} for name, one in found.items()}
        compared.append({"B": batch, "beta2": beta2, "schedule": f"{c}/(n + {100 * c})", **parts})
    return {
        "generator": "benchmarks/network_ends.py",
        "network": "tanh 10-3-1 on examples/diabetes.csv, ridge 0.02, d = 37",
        "chains": CHAINS,
        "steps": STEPS,
        "seed": SEED,
        "runs": compared,
        "zeros": zeros,
        "orders_for_beta2_from_0.99": fitted(zeros),
    }


def drawn_ends(result):
    """Distances against the step size, a panel for each run."""
    figure = Figure(figsize=(11, 4.4), layout="constrained")
    panels = figure.subplots(1, len(result["runs"]))
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
        ends = np.array([1e-4 / 32, 0.1])
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
