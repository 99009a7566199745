"""Certified zeros and Lyapunov regions: sizes and seconds; and attempts to break enclosures and certificates.

Run with ``make benchmarks``: writes docs/benchmark_certify.md and docs/benchmark_certify.svg. All figures come from one
run. ``python benchmarks/certify.py 0.01`` makes a hundredth of the random trials.
"""

import copy
import json
import os
import platform
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import flint
import matplotlib
import mpmath
import numpy as np

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    InputError,
    Problem,
    certificate,
    certify_lyapunov,
    check_certificate,
    compare_regions,
    find_zeros,
    read_problem,
)
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, step_bound
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.float.laplace_quadrature import quotient

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ENCLOSURES, CORRUPTIONS, PER_PROBLEM = 100_000, 1_000, 500
MOST_OPERATIONS = 10**9
LOSSES = (
    ("(theta - x)**2/2", 1),
    ("(tanh(theta*x) - y)**2/2", 1),
    ("softplus(theta*x) - y*theta/3", 1),
    ("sin(theta - x)**2 + y*theta**2/50", 1),
    ("(a*tanh(b*x) - y)**2/2", 2),
    ("(a*x + b - y)**4/4", 2),
    ("log(1 + (a*x + b*y)**2) + exp(a/4)*(1 + y**2)/9", 2),
)
ADAMS = (
    ("0.9", "0.999"),
    ("0.9", "0.99"),
    ("0.5", "0.9"),
    ("0", "0.5"),
    ("0.02", "0.001"),
    ("0", "0"),
    ("0.5", "0.9999"),
)
COLOURS = {"sign": "#dddddd", "direction": "#56b4e9", "zero": "#d55e00", "undecided": "#000000"}


def timed(run):
    """Return a result and its seconds."""
    begin = time.perf_counter()
    return run(), time.perf_counter() - begin


def zero_rows() -> tuple[list[str], object]:
    """Return the rows of certified zeros, and the neuron's result for the plot."""
    trap = Problem(
        "s*30*theta**2/2 + (1 - s)*sin(theta)**2/2", ["theta"], Empirical({"s": [1, 0]}, weights=["0.02", "0.98"])
    )
    three = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, 125]}, weights=["0.307", "0.307", "0.386"]))
    neuron = read_problem(ROOT / "examples" / "neuron.toml")
    cases = [
        (
            "data 0, 0, 3 on [-5, 5]",
            Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})),
            Adam(),
            [[-5, 5]],
        ),
        ("three-zero law on [-2, 130]", three, Adam("9.99e-4", "1e-6", "1e-8"), [[-2, 130]]),
        ("N1 (row 2) on [-1, 5]", trap, Adam("0.5", "0.9", "0.01"), [[-1, 5]]),
        ("neuron, 6 real rows, on [-3, 3] x [-4, 4]", neuron.problem, neuron.adam, [[-3, 3], [-4, 4]]),
    ]
    rows, found = [], None
    for name, problem, adam, box in cases:
        found, passed = timed(lambda p=problem, a=adam, b=box: find_zeros(AdamField(p, a), b))
        listed = "; ".join(
            f"({', '.join(f'{x:.8g}' for x in zero.midpoint)}) {zero.stability}"
            + (", no critical point" if zero.critical_point == "no" else "")
            for zero in found.zeros
        )
        widest = max(np.ptp(zero.box, axis=1).max() for zero in found.zeros)
        complete = "yes" if found.complete else f"no, {len(found.undecided)} boxes left"
        rows.append(
            f"| {name} | {len(found.zeros)} | {listed} | {widest:.0e} | {complete} | {found.examined:,} | {passed:.1f} |"
        )
    return rows, found


def region_rows() -> list[str]:
    """Return the rows of Lyapunov regions."""
    hyperbola = read_problem(ROOT / "examples" / "hyperbola.toml")
    trap = Problem(
        "s*30*theta**2/2 + (1 - s)*sin(theta)**2/2", ["theta"], Empirical({"s": [1, 0]}, weights=["0.02", "0.98"])
    )
    convex = Problem(
        "(u*a + v*b)**2/2", ["a", "b"], Empirical({"u": [10, -1], "v": ["0", "1.1"]}, weights=["0.02", "0.98"])
    )
    large = Problem(str(trap.loss), ["theta"], trap.law, batch_size=8)
    adam, sharp = Adam("0.5", "0.9", "0.01"), Adam("0.5", "0.9", "1e-8")
    cases = [
        ("(a b x - y)², hyperbola, [0.5, 2]²", hyperbola.problem, hyperbola.adam, [[0.5, 2], [0.5, 2]]),
        ("the same, beta2 = 0.9, eps = 0.01", hyperbola.problem, adam, [[0.5, 2], [0.5, 2]]),
        ("N1 (row 2) on [-1, 1.2]", trap, adam, [[-1, 1.2]]),
        ("N1 (row 2) on [-1, 2.5]", trap, adam, [[-1, 2.5]]),
        ("N1 with batches of 8 on [-1, 2.5]", large, adam, [[-1, 2.5]]),
        ("N2 on [0.5, 1.5]²", convex, sharp, [[0.5, 1.5], [0.5, 1.5]]),
    ]
    rows = []
    for name, problem, method, box in cases:
        found, passed = timed(lambda p=problem, a=method, b=box: certify_lyapunov(AdamField(p, a), b))
        regions = compare_regions(found)
        if found.witness is None:
            what = f"decay rate {found.rate:.3g}"
        else:
            what = f"⟨∇L, f⟩ ≥ {found.witness_bounds[0]:.4g} at {', '.join(f'{x:.6g}' for x in found.witness)}"
        levels = "-"
        if regions.level_t6 is not None:
            shares = regions.shares
            two = "everywhere" if regions.theorem_2 or regions.theorem_6 else "no"
            levels = (
                f"T6: L < {regions.level_t6:.1e} ({shares['T6']:.1%}); Theorem 1: L < {regions.level_theorem_1:.1e} "
                f"({shares['N-Theorem 1']:.1%}); Theorems 2 and 6: {two}"
            )
        rows.append(
            f"| {name} | {found.verdict} | {found.share:.0%} | {what} | {levels} | {found.examined} | {passed:.2f} |"
        )
    return rows


def check_text(content) -> str:
    """Return what the checks of a certificate take: the processor's seconds of both arithmetics, and those of a clock."""
    seconds, verdicts = [], []
    for slow in (False, True):
        begin = time.process_time()
        verdicts.append(check_certificate(content, operations=MOST_OPERATIONS, slow=slow))
        seconds.append(time.process_time() - begin)
    shared, passed = timed(lambda: check_certificate(content, operations=MOST_OPERATIONS, processes=os.cpu_count()))
    balls, intervals = ("valid" if found.valid else f"NOT valid, {found.reason}" for found in verdicts)
    return f"""The certificate of the neuron, {verdicts[0].proofs:,} proofs, was re-checked by `adamsym check`: {balls}, in
{seconds[0]:.1f} s of one processor. With `--slow`, in mpmath's intervals: {intervals}, in {seconds[1]:.0f} s of one processor, which is
{seconds[1] / seconds[0]:.0f} times as long. With {os.cpu_count()} processes and balls it took {passed:.1f} s by the clock, with the same answer:
{"yes" if shared == verdicts[0] else "NO"}."""


def random_problem(generator: np.random.Generator) -> tuple[Problem, Adam]:
    """Return a random problem with 1 to 4 rows, and Adam."""
    loss, dimension = LOSSES[generator.integers(len(LOSSES))]
    size = int(generator.integers(1, 5))
    columns = {name: np.round(generator.normal(0, 1.5, size), 3).tolist() for name in ("x", "y")}
    weights = [int(w) for w in generator.choice([1, 1, 2, 5, 50], size)]
    beta1, beta2 = ADAMS[generator.integers(len(ADAMS))]
    adam = Adam(beta1, beta2, str(generator.choice(["1e-8", "1e-3", "0.1", "10"])))
    return Problem(loss, ["theta"] if dimension == 1 else ["a", "b"], Empirical(columns, weights)), adam


def independent_value(problem: Problem, adam: Adam, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return f with an error estimate: gradients with 40 digits, then the float64 quadrature."""
    with mpmath.workdps(40):
        rows = problem.row_gradients_mpmath([mpmath.mpf(float(x)) for x in theta])
    found = quotient(np.array([[float(x) for x in row] for row in rows]).T.copy(), problem.law.probabilities, adam)
    return -found.value, found.error


def enclosures_of_one(arguments: tuple[int, int]) -> tuple[int, int, int]:
    """Enclose random boxes of one random problem; return trials, misses and exceptions."""
    seed, count = arguments
    generator = np.random.default_rng(seed)
    trials = misses = exceptions = 0
    while trials < count:
        try:
            problem, adam = random_problem(generator)
        except InputError:
            continue  # a loss that does not depend on a parameter for these rows
        field, d = AdamField(problem, adam), problem.dimension
        for _ in range(count):
            low = generator.uniform(-3, 3, d)
            box = np.stack([low, low + 10 ** generator.uniform(-9, -0.5) * generator.uniform(0, 1, d)], axis=1)
            theta = box[:, 0] + generator.uniform(0, 1, d) * (box[:, 1] - box[:, 0])
            theta = np.clip(theta, box[:, 0], box[:, 1])
            trials += 1
            try:
                bounds, (value, error) = field.enclose(box), independent_value(problem, adam, theta)
            except Exception:
                exceptions += 1
                continue
            misses += bool(((value + error < bounds[:, 0]) | (value - error > bounds[:, 1])).any())
    return trials, misses, exceptions


def soundness(trials: int) -> tuple[int, int, int, float]:
    """Return enclosures tried, misses, exceptions and seconds."""
    jobs = [(seed, min(PER_PROBLEM, trials)) for seed in range(max(1, trials // PER_PROBLEM))]
    begin = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        results = list(pool.map(enclosures_of_one, jobs))
    return *(sum(column) for column in zip(*results, strict=True)), time.perf_counter() - begin


def digits(content, path=()):
    """Yield the paths of all numbers and texts with digits."""
    if isinstance(content, bool):
        return
    if isinstance(content, (int, float)) or (isinstance(content, str) and any(c.isdigit() for c in content)):
        yield path
    elif isinstance(content, (list, dict)):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from digits(value, (*path, key))


def corrupted(content, generator: random.Random):
    """Return a certificate with one digit changed, and where."""
    paths = list(digits(content))
    while True:
        path = generator.choice(paths)
        changed = copy.deepcopy(content)
        place = changed
        for key in path[:-1]:
            place = place[key]
        old = place[path[-1]]
        text = old if isinstance(old, str) else repr(old)
        k = generator.choice([k for k, c in enumerate(text) if c.isdigit()])
        text = text[:k] + generator.choice([c for c in "0123456789" if c != text[k]]) + text[k + 1 :]
        try:
            place[path[-1]] = text if isinstance(old, str) else type(old)(float(text))
        except (ValueError, OverflowError):
            continue
        if place[path[-1]] != old:
            return changed, ".".join(key for key in path if isinstance(key, str))


def rejected(content, digest: bool) -> bool:
    """Whether the checker rejects a certificate."""
    try:
        return not check_certificate(content, digest=digest).valid
    except InputError:
        return True


def corruption_trial(arguments) -> tuple[bool, bool, str, bool]:
    """Corrupt a certificate; return whether digest and proofs reject it, the place, and whether anything was raised."""
    content, seed = arguments
    changed, place = corrupted(content, random.Random(seed))
    try:
        return rejected(changed, digest=True), rejected(changed, digest=False), place, False
    except Exception:
        return False, False, place, True


def corruptions(count: int) -> tuple[list[tuple[bool, bool, str, bool]], float]:
    """Return the outcomes of corrupting a certificate of zeros and one of a region in turn, and the seconds."""
    zeros = find_zeros(
        AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam()), [[-5, 5]]
    )
    hyperbola = read_problem(ROOT / "examples" / "hyperbola.toml")
    region = certify_lyapunov(AdamField(hyperbola.problem, Adam("0.5", "0.9", "0.01")), [[0.5, 2], [0.5, 2]])
    contents = [json.loads(json.dumps(certificate(found))) for found in (zeros, region)]
    jobs = [(contents[seed % 2], seed) for seed in range(count)]
    begin = time.perf_counter()
    with ProcessPoolExecutor() as pool:
        return list(pool.map(corruption_trial, jobs, chunksize=8)), time.perf_counter() - begin


def enclosures_per_second() -> tuple[float, float]:
    """Return enclosures per second of a law of 3 atoms at beta2 = 0.999, and the largest width in units of C."""
    adam, generator = Adam("0.9", "0.999", "1e-8"), np.random.default_rng(0)
    widest, count = 0.0, 300
    with ball_arithmetic():
        bound = float(step_bound(adam.laplace))
        laws = [
            BallLaw([ball(Fraction(float(g))) for g in generator.normal(0.3, 1, 3)], [flint.arb(1) / 3] * 3)
            for _ in range(count)
        ]
        enclose_law(laws[0], adam.laplace)
        begin = time.perf_counter()
        for law in laws:
            widest = max(widest, 2 * float(enclose_law(law, adam.laplace).value.rad()) / bound)
        return count / (time.perf_counter() - begin), widest


def plot(found) -> None:
    """Draw the boxes of the neuron's search by the proof that settled each, and the zeros."""
    figure, axes = plt.subplots(figsize=(6, 6), constrained_layout=True)
    for box, outcome in found.leaves:
        (a, b), (c, d) = box
        axes.add_patch(Rectangle((a, c), b - a, d - c, facecolor=COLOURS[outcome.by], edgecolor="white", linewidth=0.3))
    marks = {"attracting": "o", "saddle": "x", "repelling": "s", "undecided": "d"}
    for zero in found.zeros:
        axes.plot(*zero.midpoint, marks[zero.stability], color="black")
    names = {"sign": "sign lemma", "direction": "mean-value form", "zero": "a zero is alone there"}
    handles = [Rectangle((0, 0), 1, 1, facecolor=COLOURS[key], label=text) for key, text in names.items()]
    for key in sorted({zero.stability for zero in found.zeros}):
        handles += axes.plot([], [], marks[key], color="black", label=f"{key} zero")
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, frameon=False)
    (a, b), (c, d) = found.box
    axes.set(
        xlim=(a, b), ylim=(c, d), xlabel="a", ylabel="b", title="one neuron, six patients: how each box was settled"
    )
    figure.savefig(DOCS / "benchmark_certify.svg", metadata={"Date": None})
    figure.savefig(DOCS / "benchmark_certify.png", dpi=110)


def main() -> None:
    """Measure, and write the page and the plot."""
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rows, neuron = zero_rows()
    plot(neuron)
    regions = region_rows()
    rate, width = enclosures_per_second()
    checked = check_text(json.loads(json.dumps(certificate(neuron))))
    trials, misses, exceptions, sound_seconds = soundness(int(share * ENCLOSURES))
    outcomes, corruption_seconds = corruptions(int(share * CORRUPTIONS))
    accepted = Counter(place for _, by_proofs, place, _ in outcomes if not by_proofs)
    listed = ", ".join(f"{place} ({number})" for place, number in accepted.most_common())
    text = f"""# Certified zeros and regions

Written by `make benchmarks` in one run on {os.cpu_count()} processors ({platform.machine()}, Python {platform.python_version()},
python-flint {flint.__version__}). Seconds include the start of worker processes.

## Zeros of the field

| problem | zeros | which | widest box | complete | boxes | seconds |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

N1 is interpolating and its mean loss satisfies a PL inequality, yet it has an attracting zero where ∇L is proven not to
vanish: Adam provably has a wrong attractor there.

![How each box of the neuron's search was settled](benchmark_certify.svg)

{checked}

## Lyapunov regions

| problem and box | verdict | certified share | what is proven | regions of the theorems (share of the box) | boxes | seconds |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(regions)}

## Enclosures

A law of 3 atoms at beta2 = 0.999 is enclosed {rate:.0f} times a second on one processor, to a width of at most {width:.0e} of the
step bound.

{trials:,} enclosures over random problems and boxes (widths 1e-9 to 0.3) were held against the value at a random point
inside, from gradients with 40 digits by the float64 quadrature, to about 1e-14: {misses} misses, {exceptions} exceptions, in {sound_seconds:.0f} s.

## Corrupted certificates

In {len(outcomes):,} certificates one digit was changed somewhere. Rejected by the digest: {sum(one for one, *_ in outcomes):,}. With
the digest ignored, rejected by form and proofs alone: {sum(two for _, two, *_ in outcomes):,}; accepted, since what they state
does not depend on that digit or stays true: {listed or "none"}. Exceptions: {sum(raised for *_, raised in outcomes)}. {corruption_seconds:.0f} s.
"""
    (DOCS / "benchmark_certify.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
