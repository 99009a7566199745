"""An attractor where the loss is not least.

All rows are fitted at 0, and every critical point of the mean loss is such a minimum, by a PL inequality. Yet Adam's
field has an attracting zero near π: the row whose loss is steep is drawn twice in a hundred steps only.
"""

from pathlib import Path

from adamsym import AdamField, find_zeros, phase_portrait, read_problem
from adamsym.plots import draw_portrait, draw_zeros, place_legend

EXAMPLES = Path(__file__).parents[1]
ALT = "The field over θ from 1 to 4: up through a repelling zero near 1.58, down through an attracting one near 3.12."


def draw(figure):
    source = read_problem(EXAMPLES / "parabola_or_sine.toml")
    field = AdamField(source.problem, source.adam)
    zeros = find_zeros(field, [[1, 4]])
    axes = figure.add_subplot()
    draw_portrait(axes, phase_portrait(field, [[1, 4]], 201), source.problem.names)
    draw_zeros(axes, zeros)
    place_legend(axes)
    places = " and ".join(f"{zero.midpoint[0]:.6f} ({zero.stability})" for zero in zeros.zeros)
    return f"{zeros.verdict}: zeros at {places}, and no other from 1 to 4"
