"""Searches for zeros in float64 intervals beside those in balls alone: writes docs/benchmark_certify_scale.md.

CPU seconds of this process, which starts no other. Run it as ``python benchmarks/certify_scale.py``, or with the names of
some searches, and ``--intervals`` to leave out those by balls alone.
"""

import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import flint
import numpy as np

from adamsym import Adam, AdamField, Empirical, Problem, find_zeros
from adamsym.certify.field_function import FieldFunction
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.interval.law import enclose_laws
from adamsym.field.interval.tables import tables_of
from adamsym.gradients.reading import read_problem

ROOT = Path(__file__).parents[1]
LAWS = 2_000
BUDGET = 400_000


def logistic(dimension: int) -> tuple[Problem, Adam, list[list[float]]]:
    """Return logistic regression with ridge on 20 random rows, on [-4, 4]^d."""
    generator = np.random.default_rng(0)
    columns = np.round(generator.normal(size=(20, dimension - 1)), 2)
    labels = (generator.random(20) < 0.5).astype(int)
    z = "w0" + "".join(f" + w{j}*x{j}" for j in range(1, dimension))
    ridge = " + ".join(f"w{j}**2" for j in range(dimension))
    data = {f"x{j}": columns[:, j - 1].tolist() for j in range(1, dimension)} | {"y": labels.tolist()}
    names = [f"w{j}" for j in range(dimension)]
    loss = f"softplus({z}) - y*({z}) + 0.05*({ridge})"
    return Problem(loss, names, Empirical(data)), Adam(), [[-4, 4]] * dimension


def poisson() -> tuple[Problem, Adam, list[list[float]]]:
    """Return Poisson regression on 50 random rows, on [0, 1]^2."""
    generator = np.random.default_rng(1)
    x = np.round(generator.normal(size=50), 2)
    y = generator.poisson(np.exp(0.4 + 0.3 * x))
    problem = Problem("exp(a + b*x) - y*(a + b*x)", ["a", "b"], Empirical({"x": x.tolist(), "y": y.tolist()}))
    return problem, Adam(), [[0, 1], [0, 1]]


def neuron(offset: bool = False) -> tuple[Problem, Adam, list[list[float]]]:
    """Return the neuron on six patients, with an offset or without."""
    found = read_problem(ROOT / "examples" / "neuron.toml")
    if not offset:
        return found.problem, found.adam, [[-3, 3], [-4, 4]]
    problem = Problem("(a*tanh(b*x) + c - y)**2/2", ["a", "b", "c"], found.problem.law)
    return problem, found.adam, [[-3, 3], [-4, 4], [-3, 3]]


SEARCHES = {
    "neuron, 6 rows, d = 2": neuron,
    "Poisson regression, 50 rows, d = 2": poisson,
    "logistic regression with ridge, 20 rows, d = 3": lambda: logistic(3),
    "the same, d = 4": lambda: logistic(4),
    "the same, d = 5": lambda: logistic(5),
    "neuron with an offset, d = 3": lambda: neuron(offset=True),
}
BY_BALLS = ("neuron, 6 rows, d = 2",)
"""Those that are done in balls alone as well."""


def rates() -> tuple[float, float]:
    """Return enclosures of F a second, of a law of 3 atoms at beta2 = 0.999: by intervals, and by balls."""
    form, generator = Adam("0.9", "0.999", "1e-8").laplace, np.random.default_rng(0)
    atoms = generator.normal(0.3, 1, (LAWS, 3))
    with ball_arithmetic():
        tables, third = tables_of(form), flint.arb(1) / 3
        points, slopes = np.stack([atoms, atoms], axis=-1), np.zeros((LAWS, 0, 3, 2))
        shares, found = np.array([outward(third)] * 3), np.empty((LAWS, 1, 2))
        enclose_laws(tables, points[:1], shares, slopes[:1], 1e-9, found[:1])
        begin = time.process_time()
        enclose_laws(tables, points, shares, slopes, 1e-9, found)
        fast = LAWS / (time.process_time() - begin)
        begin = time.process_time()
        for row in atoms[: LAWS // 20]:
            enclose_law(BallLaw([flint.arb(float(g)) for g in row], [third] * 3), form, 1e-9)
        return fast, LAWS / 20 / (time.process_time() - begin)


def searched(name: str, balls: bool) -> str:
    """Return a row of the table: a search, by intervals first or by balls alone."""
    problem, adam, box = SEARCHES[name]()
    function = FieldFunction(AdamField(problem, adam))
    if balls:
        function.intervals = None
    else:
        find_zeros(function, [[low, low + (high - low) / 1000] for low, high in box], budget=20)
    begin = time.process_time()
    with ThreadPoolExecutor(1) as alone:
        found = find_zeros(function, box, budget=BUDGET, executor=alone)
    passed = time.process_time() - begin
    complete = "yes" if found.complete else f"no, {len(found.undecided)} boxes left"
    how = "balls" if balls else "intervals, then balls"
    return f"| {name} | {how} | {len(found.zeros)} | {complete} | {found.examined:,} | {passed:.1f} |"


def main() -> None:
    """Measure, and write the page."""
    chosen = [name for name in sys.argv[1:] if name != "--intervals"] or list(SEARCHES)
    fast, slow = rates()
    rows = []
    for name in chosen:
        rows.append(searched(name, balls=False))
        print(rows[-1], flush=True)
        if name in BY_BALLS and "--intervals" not in sys.argv:
            rows.append(searched(name, balls=True))
            print(rows[-1], flush=True)
    text = f"""# Searches in float64 intervals

Written by `python benchmarks/certify_scale.py` in one run on one of {os.cpu_count()} processors ({platform.machine()}, Python
{platform.python_version()}, python-flint {flint.__version__}), in CPU seconds, after what is compiled once is compiled.

A law of 3 atoms at β₂ = 0.999 is enclosed {fast:,.0f} times a second in float64 intervals, and {slow:,.0f} times in balls.

| search | arithmetic | zeros | complete | boxes | CPU seconds |
| --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}
"""
    (ROOT / "docs" / "benchmark_certify_scale.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
