"""Where Adam really ends: torch.optim.Adam on the small network of ``diabetes_network.py``, and one page about it.

Runs 64 chains of the real optimizer from the minimum of the loss for 2^14 steps, with minibatches of 8 rows and
beta2 = 0.9; compares where they end with the zero of the Adam field and with the minimum; and writes
``diabetes_network.html``, or the file that is named. It takes some minutes, most of them for zeros. Needs PyTorch:
``pip install adamsym[torch]``, then ``python examples/diabetes_training.py``.
"""

import sys
from functools import partial

import torch
from diabetes_network import network, trained

from adamsym import Adam, AdamField, find_zero
from adamsym.networks import compare, hidden_layers, report, train

BATCH_SIZE, BETA2 = 8, 0.9
SCHEDULE = "10/(n + 1000)"


def main() -> None:
    source = network(BATCH_SIZE)
    minimum = trained(source)
    field = AdamField(source, Adam(beta2=BETA2), tolerance=1e-10)
    zero = find_zero(field, minimum)
    print(zero)
    optimizer = partial(torch.optim.Adam, betas=(0.9, BETA2), fused=True)
    layers = hidden_layers(source)
    runs = train(source, optimizer, SCHEDULE, minimum, steps=2**14, chains=64, seed=0, layers=layers)
    print(runs)
    ends = compare(runs, zero.theta, minimum, layers=layers)
    print(ends)
    path = sys.argv[1] if len(sys.argv) > 1 else "diabetes_network.html"
    report(field, minimum, comparison=ends, name="diabetes, tanh 10-3-1", zero=zero).save(path)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
