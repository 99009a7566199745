"""The Adam field of a small network at its trained point: where the loss rests, Adam does not.

Trains a network tanh 10-3-1 on 442 patients to a minimum of its loss and prints, for some minibatches and beta2, the
Adam field there, and how far away the zero of the field lies to which Adam tends. It takes some 20 seconds. Needs
PyTorch: ``pip install adamsym[torch]``, then ``python examples/diabetes_network.py``.
"""

from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from scipy.optimize import minimize

from adamsym import Adam, AdamField, find_zero
from adamsym.networks import TorchGradients

TABLE = Path(__file__).with_name("diabetes.csv")
HIDDEN = 3
RIDGE = 0.02
"""Of the loss RIDGE |theta|^2/2, without which the largest weights are hardly determined."""

SETTINGS = [(1, "0.999"), (1, "0.99"), (32, "0.999"), (32, "0.99")]
"""Batch sizes and beta2."""


def half_square(output, target):
    return (output[0] - target) ** 2 / 2


def ridge(parameters):
    return RIDGE / 2 * sum((weights**2).sum() for weights in parameters.values())


def network(batch_size: int, seed: int = 0) -> TorchGradients:
    """Return the network's gradients, for standardized columns; the last is the target."""
    table = np.loadtxt(TABLE, delimiter=",", skiprows=1)
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    torch.manual_seed(seed)
    layers = torch.nn.Linear(10, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 1)
    module = torch.nn.Sequential(*layers).double()
    return TorchGradients(module, half_square, table[:, :-1], table[:, -1], batch_size, regularizer=ridge)


def trained(source: TorchGradients) -> np.ndarray:
    """Return a critical point of the mean loss: BFGS, then Newton's method on the gradient."""
    theta = minimize(source.mean_loss, source.theta, jac=source.gradient, method="BFGS", options={"gtol": 1e-6}).x
    shares = np.broadcast_to(source.law.probabilities, (source.dimension, len(source.law.probabilities)))
    for _ in range(4):
        theta = theta - np.linalg.solve(source.weighted_jacobian(theta, shares), source.gradient(theta))
    return theta


def main() -> None:
    source = network(1)
    theta = trained(source)
    gradient = np.abs(source.gradient(theta)).max()
    print(f"{source}\nloss {source.mean_loss(theta):.6f}, largest entry of its gradient {gradient:.1e}")
    table = Table(
        "minibatch", "beta2", "max |f| at the minimum", "max |f| at the zero", "stability", "distance", "excess"
    )
    for batch_size, beta2 in SETTINGS:
        field = AdamField(network(batch_size), Adam(beta2=beta2))
        found = find_zero(field, theta)
        row = [f"{np.abs(field(theta)).max():.3g}", f"{found.largest:.0e}", found.stability]
        beside = found.critical_point
        row += ["none found", ""] if beside is None else [f"{beside.distance:.3g}", f"{beside.loss_excess:.2g}"]
        table.add_row(str(batch_size), beta2, *row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
