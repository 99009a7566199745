"""An optimizer of one's own, held against Adam.

Here ε stands inside the square root, a common slip. The check probes which recursion the steps follow, and tests the
mean of many runs against the field. The picture shows what the slip does to the field where gradients are small.
"""

import numpy as np

from adamsym import Adam, AdamEpsInsideRoot, AdamField, Empirical, Problem
from adamsym.testing import Recursion, check_optimizer, update_adapter

ALT = "Two curves over θ: the field of Adam crosses 0 steeply, that with ε inside the root flatly."


def my_adam(step_size):
    def update(gradient, state, theta):
        n, m, v = state[0] + 1, 0.9 * state[1] + 0.1 * gradient, 0.99 * state[2] + 0.01 * gradient**2
        return theta - step_size * m / (1 - 0.9**n) / np.sqrt(v / (1 - 0.99**n) + 1e-4), (n, m, v)

    return lambda theta: (0, np.zeros_like(theta), np.zeros_like(theta)), update


def draw(figure):
    found = check_optimizer(update_adapter(my_adam, Recursion(beta1=0.9, beta2=0.99, eps=1e-4), name="my Adam"))
    axes = figure.add_subplot(xlabel="θ", ylabel="f", title="ε = 1e-4, data ± 0.01")
    problem, theta = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-0.01, 0.01]})), np.linspace(-0.1, 0.1, 81)
    for method in (Adam(0.9, 0.99, 1e-4), AdamEpsInsideRoot(0.9, 0.99, 1e-4)):
        axes.plot(theta, AdamField(problem, method)(theta[:, None]), label=type(method).__name__)
    axes.legend()
    return f"{'conforms' if found.conforms else 'does not conform'}: {found.differences[0]}"
