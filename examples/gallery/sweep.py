"""How the bias shrinks as the memory grows.

For the data 0, 0, 3 the zero of Adam's field lies below the mean. It is followed from β₂ = 0.82 to 0.9999; its distance
from the mean is nearly proportional to 1-β₂, as theory says to leading order.
"""

from pathlib import Path

from adamsym import AdamField, read_problem, sweep
from adamsym.plots import draw_distances, place_legend

EXAMPLES = Path(__file__).parents[1]
ALT = "The distance of the zero from the mean over β₂, in logarithms: a falling line, beside the leading orders."


def draw(figure):
    source = read_problem(EXAMPLES / "three_points.toml")
    found = sweep(AdamField(source.problem, source.adam), {"beta2": (0.82, 0.9999)}, start=[1.0])
    axes = figure.add_subplot()
    draw_distances(axes, found)
    place_legend(axes)
    distances = found.columns()["distance"]
    return f"{found.verdict}: the distance falls from {distances[0]:.3g} to {distances[-1]:.3g}"
