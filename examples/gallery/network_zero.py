"""Where Adam ends beside the minimum of a network.

A neuron of PyTorch with tanh, on six patients, one patient a step. At a minimum of its loss the field of Adam is not 0;
it vanishes at a point nearby, found by Newton's method on field and gradient, by number.
"""

import numpy as np
import torch
from scipy.optimize import minimize

from adamsym import Adam, AdamField, find_zero
from adamsym.networks import TorchGradients

ALT = "How far each of four parameters is from the minimum, against its leading order: points close to the diagonal."
X, Y = [-0.88, -0.6, -0.68, -0.8, 0.8, -1.48], [-1.0, -0.2, -0.707, -0.16, 2.133, -0.653]


def draw(figure):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Tanh(), torch.nn.Linear(1, 1)).double()
    source = TorchGradients(
        module,
        lambda output, target: (output[0] - target) ** 2 / 2,
        np.array(X)[:, None],
        np.array(Y),
        regularizer=lambda parameters: 0.01 * sum((weights**2).sum() for weights in parameters.values()),
    )
    minimum = minimize(source.mean_loss, source.theta, jac=source.gradient, method="BFGS").x
    found = find_zero(AdamField(source, Adam(0.9, 0.99, 1e-8)), minimum)
    found.plot(figure.add_subplot())
    return (
        f"{found.verdict}: {found.stability}, {found.critical_point.distance:.5f} from the {found.critical_point.kind}"
    )
