"""A statement that a proof assistant accepts.

For the data 0, 0, 3 Adam's field is positive at 0.998 and negative at the mean 1, so that a zero lies between and Adam
does not tend to the mean. The statement and its proof, from Adam's recursion on, are a file for Coq.
"""

from pathlib import Path

import numpy as np

from adamsym import AdamField, read_problem
from adamsym.formal import prove_zero

EXAMPLES = Path(__file__).parents[1]
ALT = "The field from 0.997 to 1.001: positive at 0.998, where it is marked, negative at 1, and 0 between."


def draw(figure):
    source = read_problem(EXAMPLES / "three_points.toml")
    found = prove_zero(source.problem, source.adam, "0.998", 1)
    theta = np.linspace(0.997, 1.001, 101)
    field = AdamField(source.problem, source.adam)
    axes = figure.add_subplot(xlabel="θ", ylabel="f")
    axes.plot(theta, field(theta[:, None]))
    axes.plot([0.998, 1], field([[0.998], [1.0]])[:, 0], "o", label="signs that Coq checks")
    axes.axhline(0, color="0.6", linewidth=0.8)
    axes.legend()
    return f"{'stated' if found.decided else 'undecided'}: {found.statement}"
