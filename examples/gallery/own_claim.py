"""A claim of one's own, with near misses that must fail.

Claimed: for symmetric data Adam's field vanishes at the mean. The data are -1, 0 and x, symmetric for x = 1 only. A
claim holds if its evidence does and each control, a near miss, is refuted.
"""

import numpy as np

from adamsym import Adam, AdamField, Claim, Empirical, Problem
from adamsym.claims import holds, refuted, run_claim

ALT = "The field at the mean of -1, 0 and x over x from 0 to 2: a curve through 0 at x = 1."


def at_mean(x):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, x]}))
    return AdamField(problem, Adam(0.9, 0.99, 1e-8)).enclose([[(x - 1) / 3] * 2])[0]


def draw(figure):
    claim = Claim("M1", title="symmetric data", statement="$f(EX)=0$ if $X-EX$ is symmetric.", source="an exercise")

    def verdict(x):
        return (holds if at_mean(x)[0] <= 0 <= at_mean(x)[1] else refuted)(f"f in {at_mean(x)}", cases=1)

    claim.evidence("certified")(lambda: verdict(1.0))
    claim.control("a little to the right")(lambda: verdict(1.01))
    claim.control("a little to the left")(lambda: verdict(0.99))
    places = np.linspace(0, 2, 41)
    axes = figure.add_subplot(xlabel="x", ylabel="f at the mean of -1, 0, x")
    axes.plot(places, [at_mean(float(x))[0] for x in places])
    axes.axhline(0, color="0.6", linewidth=0.8)
    report = run_claim(claim)
    return f"{report.verdict}: {report.summary}"
