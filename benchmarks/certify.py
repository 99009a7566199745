"""Certified zeros and Lyapunov regions: what they take, before and now; and attempts to break enclosures and certificates.

Run with ``make benchmarks``: writes docs/benchmark_certify.md and docs/benchmark_certify.svg. All figures come from one
run. ``--against COMMIT`` measures an earlier version in the same run, in a worktree that git makes for it and that is
removed afterwards. ``--share 0.01`` makes a hundredth of the random trials; names of cases measure and print these alone.
"""

import argparse
import contextlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import flint
import matplotlib
import numpy as np
from certify_attacks import corruptions, intervals, soundness
from certify_cases import CASES, Figure

from adamsym import Adam, AdamField, Empirical, Problem, certify_lyapunov, compare_regions, find_zeros, read_problem

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
ENCLOSURES, INTERVALS, CORRUPTIONS = 100_000, 1_000_000, 1_000
LIMIT, LONGER = 400, {"neuron": 400}
"""CPU seconds that a case may take, and those that the earlier version may take for some cases whatever the limit for
it: what is not done by then is said to take longer."""
COLOURS = {"sign": "#dddddd", "gradient": "#009e73", "direction": "#56b4e9", "zero": "#d55e00", "undecided": "#000000"}


# --- Before and now -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def version(commit: str) -> Iterator[Path]:
    """Check an earlier version out for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        where = Path(folder) / "adamsym"
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(where), commit], check=True)
        try:
            yield where
        finally:
            subprocess.run([*git, "remove", "--force", str(where)], check=True)


@dataclass(frozen=True)
class Measured:
    """What a case has printed, and whether it came to its end."""

    figures: list[Figure]
    ended: bool

    def text(self, what: str, limit: int, place: int) -> str:
        """Return one figure, the case's of this place, to three digits; what it is at least, if the case ended there."""
        found = [one for one in self.figures if one["what"] == what]
        if found:
            amount = found[0]["amount"]
            return f"{amount:,.0f} /s" if found[0]["rate"] else f"{float(format(amount, '.3g')):g} s"
        if self.ended:
            return "-"
        if place > len(self.figures):
            return "not reached"
        spent = sum(one["amount"] for one in self.figures if not one["rate"])
        return f"more than {limit - spent:.0f} s"

    def times(self, now: Figure) -> str:
        """Return how many times better another version does."""
        found = [one["amount"] for one in self.figures if one["what"] == now["what"]]
        return f"{now['amount'] / found[0] if now['rate'] else found[0] / now['amount']:.3g}" if found else ""


def measured(root: Path, case: str, limit: int) -> Measured:
    """Run a case by the version in a folder, in a process of its own."""
    limited = partial(resource.setrlimit, resource.RLIMIT_CPU, (limit, limit))
    command = [sys.executable, str(ROOT / "benchmarks" / "certify_cases.py"), case]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    found = subprocess.run(
        command,
        env=os.environ | threads | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        preexec_fn=limited,
        check=False,
    )
    if found.returncode > 0:
        raise RuntimeError(f"{case}: {found.stderr}")
    return Measured([json.loads(line) for line in found.stdout.splitlines()], found.returncode == 0)


def compared(before: Measured, now: Measured, name: str, most: int) -> list[str]:
    """Return the rows of one case: before, in at most so many seconds, now, how many times better, what was found."""
    rows = [
        f"| {one['what']} | {before.text(one['what'], most, place)} | {now.text(one['what'], LIMIT, place)} "
        f"| {before.times(one)} | {one['found']} |"
        for place, one in enumerate(now.figures)
    ]
    return rows if now.ended else [*rows, f"| {name}: not all done | | more than {LIMIT} s | | |"]


def case_rows(cases: Sequence[str], against: str | None, limit: int) -> list[str]:
    """Return the table of cases, each measured by an earlier version, if one is named, and by this one in turn."""
    rows = []
    with version(against) if against else contextlib.nullcontext() as earlier:
        for root in (earlier, ROOT) if earlier else (ROOT,):
            measured(root, "iris_logistic", LIMIT)  # compiles what all need
        for case in cases:
            most = max(limit, LONGER.get(case, 0))
            before = measured(earlier, case, most) if earlier else Measured([], True)
            found = compared(before, measured(ROOT, case, LIMIT), case, most)
            print("\n".join(found), flush=True)
            rows += found
    return rows


# --- The page -------------------------------------------------------------------------------------------------------


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


def plot(found) -> None:
    """Draw the boxes of the neuron's search by the proof that settled each, and the zeros."""
    figure, axes = plt.subplots(figsize=(6, 6), constrained_layout=True)
    for box, outcome in found.leaves:
        (a, b), (c, d) = box
        axes.add_patch(Rectangle((a, c), b - a, d - c, facecolor=COLOURS[outcome.by], edgecolor="white", linewidth=0.3))
    marks = {"attracting": "o", "saddle": "x", "repelling": "s", "undecided": "d"}
    for zero in found.zeros:
        axes.plot(*zero.midpoint, marks[zero.stability], color="black")
    names = {
        "sign": "sign lemma",
        "gradient": "mean gradient",
        "direction": "mean-value form",
        "zero": "a zero is alone there",
    }
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"print these alone, of: {', '.join(CASES)}")
    parser.add_argument("--against", metavar="COMMIT", help="an earlier version, measured in the same run")
    parser.add_argument("--share", type=float, default=1.0, help="of the random trials; 1 if omitted")
    parser.add_argument(
        "--limit", type=int, default=LIMIT, metavar="SECONDS", help=f"for the earlier one; {LIMIT} if omitted"
    )
    given = parser.parse_args()
    load = os.getloadavg()[0]
    cases = case_rows(given.cases or list(CASES), given.against, given.limit)
    if given.cases:
        return
    rows, neuron = zero_rows()
    plot(neuron)
    regions = region_rows()
    missed, finite, tried, interval_seconds = intervals(int(given.share * INTERVALS))
    trials, misses, exceptions, sound_seconds = soundness(int(given.share * ENCLOSURES))
    outcomes, corruption_seconds = corruptions(int(given.share * CORRUPTIONS))
    accepted = Counter(place for _, by_proofs, place, _ in outcomes if not by_proofs)
    listed = ", ".join(f"{place} ({number})" for place, number in accepted.most_common())
    text = f"""# Certified zeros and regions

Written by `make benchmarks` in one run on {os.cpu_count()} processors ({platform.machine()}, Python {platform.python_version()},
python-flint {flint.__version__}), which had {load:.1f} other processes to run when it began.

## Before and now

CPU seconds of one thread, each in a process of its own, after what Numba compiles once is compiled. "Before" is
{f"the version {given.against}, which searched in balls alone and checked in mpmath's intervals, measured in the same run" if given.against else "an earlier version: not measured in this run"}.
A dash: that version had no such function.

| case | before | now | times better | found |
| --- | --- | --- | --- | --- |
{chr(10).join(cases)}

## Zeros of the field

Seconds of a clock, with the start of worker processes.

| problem | zeros | which | widest box | complete | boxes | seconds |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

N1 is interpolating and its mean loss satisfies a PL inequality, yet it has an attracting zero where ∇L is proven not to
vanish: Adam provably has a wrong attractor there.

![How each box of the neuron's search was settled](benchmark_certify.svg)

## Lyapunov regions

| problem and box | verdict | certified share | what is proven | regions of the theorems (share of the box) | boxes | seconds |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(regions)}

## Enclosures

{tried:,} float64 enclosures of F and two derivatives, over boxes of widths 1e-17 to 2 around random and hostile laws (rare
rows, atoms from 1e-300 to 1e300, ties), were held against balls at a point inside: {missed} misses; {finite:,} of them are
finite. {interval_seconds:.0f} s.

{trials:,} enclosures by balls over random problems and boxes (widths 1e-9 to 0.3) were held against the value at a random
point inside, from gradients with 40 digits by the float64 quadrature, to about 1e-14: {misses} misses, {exceptions} exceptions,
in {sound_seconds:.0f} s.

## Corrupted certificates

In {len(outcomes):,} certificates one digit was changed somewhere. Rejected by the digest: {sum(one for one, *_ in outcomes):,}. With
the digest ignored, rejected by form and proofs alone: {sum(two for _, two, *_ in outcomes):,}; accepted, since what they state
does not depend on that digit or stays true: {listed or "none"}. Exceptions: {sum(raised for *_, raised in outcomes)}. {corruption_seconds:.0f} s.
"""
    (DOCS / "benchmark_certify.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
