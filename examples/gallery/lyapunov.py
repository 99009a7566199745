"""Where the loss of a network decreases along Adam's flow.

The network x ↦ a·b·x fits all its rows on the curve ab = 1. Adam's flow is no gradient flow, but in the whole box
around that curve the loss decreases along it: a Lyapunov function, by proof.
"""

from pathlib import Path

import numpy as np

from adamsym import AdamField, certify_lyapunov, flow, read_problem
from adamsym.plots import draw_lyapunov, place_legend

EXAMPLES = Path(__file__).parents[1]
ALT = "The plane of a and b, tinted where the loss decreases; paths of the flow end on the hyperbola ab = 1."


def draw(figure):
    source = read_problem(EXAMPLES / "hyperbola.toml")
    field = AdamField(source.problem, source.adam)
    box = [[0.5, 2], [0.5, 2]]
    region = certify_lyapunov(field, box)
    axes = figure.add_subplot()
    draw_lyapunov(axes, region)
    starts = [[a, b] for a in (0.6, 1, 1.4, 1.8) for b in (0.6, 1, 1.4, 1.8)]
    axes.plot(*flow(field, starts, np.linspace(0, 3, 61)).theta.transpose(2, 1, 0), color="black", linewidth=1)
    axes.plot(*np.transpose(starts), ".", color="black", label="starts of the flow")
    curve = np.linspace(0.5, 2, 61)
    axes.plot(curve, 1 / curve, color="tab:red", linestyle="dashed", label="ab = 1")
    place_legend(axes)
    return f"{region.verdict}: along the flow the loss decreases in {region.share:.0%} of the box"
