"""Runs of Adam beside the flow of its field.

Step sizes that tend to 0 make Adam follow the flow of its field, here from 3 for the data 0, 0, 3. Fifty runs of Adam
itself are drawn on the flow's clock, the sum of the step sizes.
"""

from pathlib import Path

import numpy as np

from adamsym import AdamField, StepSizeSchedule, flow, read_problem, simulate
from adamsym.plots import draw_flow, draw_runs, place_legend, recorded_runs

EXAMPLES = Path(__file__).parents[1]
ALT = "θ over time: the flow falls from 3 towards 1, and a band of runs of Adam stays around it."


def draw(figure):
    source = read_problem(EXAMPLES / "three_points.toml")
    steps = StepSizeSchedule("0.1/n**0.7")
    end = simulate(source.problem, source.adam, steps, [3.0], steps=5000, chains=50, seed=0, record_every=50)
    runs = recorded_runs(end, steps, [3.0])
    axes = figure.add_subplot()
    draw_runs(axes, runs, ["theta"])
    draw_flow(axes, flow(AdamField(source.problem, source.adam), [3.0], runs.times), ["theta"])
    place_legend(axes)
    return f"after {len(end.theta)} runs of 5000 steps their mean is {np.mean(end.theta):.2f}"
