"""Three zeros for a convex loss.

With hardly any memory the mean of three values is not the only zero: the field of the quadratic loss has three. All are
found, far from the mean 47.9, and it is proven that from -5 to 125 there are no others.
"""

from pathlib import Path

from adamsym import AdamField, find_zeros, phase_portrait, read_problem
from adamsym.plots import draw_portrait, draw_zeros, place_legend

EXAMPLES = Path(__file__).parents[1]
ALT = "The field over θ from -0.002 to 0.025, which crosses 0 three times, with the three certified zeros marked."


def draw(figure):
    source = read_problem(EXAMPLES / "three_zeros.toml")
    field = AdamField(source.problem, source.adam)
    zeros = find_zeros(field, [[-5, 125]])
    axes = figure.add_subplot()
    draw_portrait(axes, phase_portrait(field, [[-0.002, 0.025]], 401), source.problem.names)
    draw_zeros(axes, zeros)
    axes.set(xlim=(-0.002, 0.025), ylim=(-0.02, 0.03))
    place_legend(axes)
    places = ", ".join(f"{zero.midpoint[0]:.4f} {zero.stability}" for zero in zeros.zeros)
    return f"{zeros.verdict}: exactly {len(zeros.zeros)} zeros, {places}; the loss is least at 47.9"
