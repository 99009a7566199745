"""The Adam field of a classifier of handwritten digits with some ten thousand parameters: how large, how fast.

Trains a network tanh 64-128-8-10 on 1,797 digits for a while, and prints the Adam field there for single rows and for
minibatches of 32, with the CPU time and memory that it took. It takes some minutes. Needs PyTorch:
``pip install adamsym[torch]``, then ``python examples/digits_network.py``.
"""

import itertools
import resource
import time
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize

from adamsym import Adam, AdamField
from adamsym.networks import TorchGradients

TABLE = Path(__file__).with_name("digits.csv")
WIDTHS = (64, 128, 8, 10)
RIDGE = 1e-3
"""Of the loss RIDGE |theta|^2/2."""

BATCH_SIZES = 1, 32

TOLERANCE = 1e-10
TRAINING = 200
"""Iterations of L-BFGS."""


def ridge(parameters):
    return RIDGE / 2 * sum((weights**2).sum() for weights in parameters.values())


def network(batch_size: int, widths: tuple[int, ...] = WIDTHS, seed: int = 0) -> TorchGradients:
    """Return the network's gradients; pixels are scaled to 0 .. 1, the last column is the digit."""
    table = np.loadtxt(TABLE, delimiter=",", skiprows=1)
    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.Tanh()]
    module = torch.nn.Sequential(*layers[:-1]).double()
    row_loss = torch.nn.functional.cross_entropy
    return TorchGradients(module, row_loss, table[:, :-1] / 16, table[:, -1].astype(int), batch_size, regularizer=ridge)


def trained(source: TorchGradients, iterations: int = TRAINING) -> np.ndarray:
    """Return the parameters after some iterations on the mean loss; not a minimum."""
    options = {"maxiter": iterations}
    found = minimize(source.mean_loss, source.theta, jac=source.gradient, method="L-BFGS-B", options=options)
    return found.x


def main() -> None:
    source = network(1)
    theta = trained(source)
    gradient = np.abs(source.gradient(theta)).max()
    print(f"{source}\nloss {source.mean_loss(theta):.4f}, largest entry of its gradient {gradient:.1e}")
    AdamField(network(32, (64, 1, 10)), Adam(), TOLERANCE)(np.zeros(85))  # compiles
    for batch_size in BATCH_SIZES:
        field = AdamField(network(batch_size), Adam(), TOLERANCE)
        begin = time.process_time()
        sizes = np.abs(field(theta))
        seconds, memory = time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"minibatches of {batch_size}: |f| at most {sizes.max():.3g}, in the median {np.median(sizes):.2g}; "
            f"{seconds:.1f} s, at most {memory:.2f} GB in all",
            flush=True,
        )


if __name__ == "__main__":
    main()
