"""A game of two players.

One player makes a payoff small, the other large, both by Adam, from noisy gradients. There is no loss at all; the field
has one rest point, which is not that of the mean game at 0, since the noise is skewed.
"""

from pathlib import Path

from adamsym import AdamField, certify_zero, phase_portrait, read_problem
from adamsym.plots import draw_portrait

EXAMPLES = Path(__file__).parents[1]
ALT = "Streamlines of the field in the plane of x and y, spiralling into a rest point beside 0, which is marked."


def draw(figure):
    source = read_problem(EXAMPLES / "damped_game.toml")
    field = AdamField(source.problem, source.adam)
    found = certify_zero(field, [0, 0])
    axes = figure.add_subplot()
    draw_portrait(axes, phase_portrait(field, [[-2, 2], [-2, 2]], 31), source.problem.names)
    axes.plot(*found.zero.midpoint, "o", color="tab:red", label="rest point of Adam's field")
    axes.plot(0, 0, "x", color="black", label="rest point of the mean game")
    axes.legend(loc="upper right")
    x, y = found.zero.midpoint
    return f"{found.verdict}: one rest point near ({x:.4f}, {y:.4f}), {found.zero.stability}"
