"""Adam misses the mean of real data.

The loss (θ-x)²/2 is least at the mean of the data, here the progression of diabetes in 442 patients, in hundreds, one
patient a step. The data are skewed, so that the field of Adam vanishes elsewhere, proven with β₂ = 0.99.
"""

from pathlib import Path

import numpy as np

from adamsym import AdamField, certify_zero, read_problem

EXAMPLES = Path(__file__).parents[1]
ALT = "Left, the skewed data and their mean; right, the field of Adam close to it, which is 0 left of the mean."


def draw(figure):
    source = read_problem(EXAMPLES / "diabetes_mean.toml")
    field = AdamField(source.problem, source.adam)
    found = certify_zero(field, [1.5])
    zero = found.zero.midpoint[0]
    rows = np.loadtxt(EXAMPLES / "diabetes.csv", delimiter=",", skiprows=1)[:, -1] / 100
    left = figure.add_subplot(1, 2, 1, xlabel="progression / 100", ylabel="patients")
    left.hist(rows, bins=30, color="0.7")
    left.axvline(rows.mean(), color="black", linestyle="dashed")
    right = figure.add_subplot(1, 2, 2, xlabel="θ", ylabel="f, the Adam field")
    theta = np.linspace(rows.mean() - 0.003, rows.mean() + 0.003, 50)
    right.plot(theta, field(theta[:, None]))
    right.axhline(0, color="0.6", linewidth=0.8)
    right.axvline(rows.mean(), color="black", linestyle="dashed", label=f"mean {rows.mean():.4f}")
    right.plot(zero, 0, "o", color="tab:red", label=f"zero of f {zero:.4f}")
    right.legend()
    return f"{found.verdict}: the zero of the field is {zero:.6f}, which is {rows.mean() - zero:.4f} below the mean"
