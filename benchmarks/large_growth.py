"""How what a problem takes grows with its rows and its parameters: figures, fitted exponents and a picture.

Run with ``--measure`` it prints the CPU seconds of one run, and the memory of the commands, as JSON;
``benchmarks/large_problems.py`` runs it, and writes what it finds on its page.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
ROWS = (1_000, 10_000, 100_000, 1_000_000)
PARAMETERS = (10, 30, 100, 200)
ROWS_OF_JACOBIANS = 300
BATCH = 32
LOSS = "(w*x + b*z - y)**2/2"

OF_ROWS = {
    "read": "a table of 3 columns read",
    "field": "the first value of the field",
    "evaluate": "the first value with an error estimate",
    "minibatch": f"a value for minibatches of {BATCH}",
    "command": "`adamsym field FILE --at w=0.8,b=1.8`, first time",
    "again": "the same again",
}
MEMORY = "memory of the command, first time, MB"
OF_PARAMETERS = {"first": "the first Jacobian", "another": "another Jacobian"}

Figures = dict[str, dict[str, float]]
"""CPU seconds, or megabytes, by what is done and the size as text."""


def timed(run: Callable[[], object]) -> tuple[object, float]:
    """What something returns, and the CPU seconds that it took."""
    begin = time.process_time()
    found = run()
    return found, time.process_time() - begin


def write_problem(folder: Path, rows: int) -> Path:
    """Write a problem file with a table of 3 columns in 6 to 17 digits, drawn from a seed."""
    generator = np.random.default_rng(rows)
    x = generator.normal(size=(rows, 2))
    # Of heavier tails more rows hold larger ones, for which minibatches take more nodes.
    y = x @ [1, 2] + generator.normal(size=rows)
    digits = generator.integers(6, 18, (rows, 3)).tolist()
    numbers = np.column_stack([x, y]).tolist()
    lines = (
        ",".join([f"{value:.{count}g}" for value, count in zip(*row, strict=True)])
        for row in zip(numbers, digits, strict=True)
    )
    (folder / "t.csv").write_text("x,z,y\n" + "\n".join(lines) + "\n")
    file = folder / "p.toml"
    adam = "[adam]\nbeta1 = 0.9\nbeta2 = 0.999\neps = 1e-8\n"
    file.write_text(f'[problem]\nloss = "{LOSS}"\nparameters = ["w", "b"]\n[data]\nfile = "t.csv"\n{adam}')
    return file


COMMAND = """
import sys
from adamsym.__main__ import main
code = main(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak.split()[1], file=sys.stderr)
sys.exit(code)
"""
"""The command, and the kilobytes that it held at most: what the system says of a child counts its parent's too."""


def command(file: Path) -> tuple[float, float]:
    """The CPU seconds and the megabytes of ``adamsym field`` in a process of its own, with the cache beside the file."""
    arguments = ["field", str(file), "--at", "w=0.8,b=1.8", "-q"]
    environment = {**os.environ, "ADAMSYM_CACHE": str(file.parent / "kept")}
    before = os.times()
    run = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, int(run.stderr.split()[-1]) / 1024


def of_rows(rows: int, found: Figures) -> None:
    """Measure what is done with a table of so many rows."""
    from adamsym import Adam, AdamField, Problem, read_problem

    with tempfile.TemporaryDirectory() as folder:
        file = write_problem(Path(folder), rows)
        found["command"][str(rows)], found[MEMORY][str(rows)] = command(file)
        found["again"][str(rows)], _ = command(file)
        source, found["read"][str(rows)] = timed(lambda: read_problem(file))
    problem = source.problem  # type: ignore[attr-defined]
    field = AdamField(problem, Adam())
    found["field"][str(rows)] = timed(lambda: field([0.9, 1.9]))[1]
    found["evaluate"][str(rows)] = timed(lambda: field.evaluate([0.8, 1.8]))[1]
    batches = AdamField(Problem(LOSS, ["w", "b"], problem.law, BATCH), Adam())
    batches([0.7, 1.7])
    found["minibatch"][str(rows)] = timed(lambda: batches([0.9, 1.9]))[1]


def of_parameters(d: int, found: Figures) -> None:
    """Measure Jacobians of a logistic regression of so many parameters."""
    from adamsym import Adam, AdamField, Empirical, Problem

    generator = np.random.default_rng(d)
    x = generator.normal(size=(ROWS_OF_JACOBIANS, d))
    predicted = "+".join(f"t{i}*x{i}" for i in range(d))
    data = {f"x{i}": x[:, i] for i in range(d)} | {"y": np.sign(x[:, 0])}
    problem = Problem(f"log(1+exp(-y*({predicted})))", [f"t{i}" for i in range(d)], Empirical(data))
    field = AdamField(problem, Adam())
    field(np.zeros(d))
    for name, at in (("first", 0.0), ("another", 0.01)):
        found[name][str(d)] = timed(partial(field.jacobian, np.full(d, at)))[1]


def measure() -> Figures:
    """Return the figures of one run; what is compiled once for all problems is compiled before."""
    found: Figures = {name: {} for name in (*OF_ROWS, MEMORY, *OF_PARAMETERS)}
    for rows in (30, *ROWS):
        of_rows(rows, found)
    for d in (3, *PARAMETERS):
        of_parameters(d, found)
    return found


def exponents(sizes: Sequence[int], seconds: Sequence[float]) -> tuple[float, float]:
    """The slope of log time over log size: by least squares over all, and between the last two."""
    x, y = np.log(sizes), np.log(seconds)
    return float(np.polyfit(x, y, 1)[0]), float((y[-1] - y[-2]) / (x[-1] - x[-2]))


def table(runs: Sequence[Figures], names: dict[str, str], sizes: Sequence[int], of: str) -> str:
    """The least figures of some runs, a row for each of ``names``, with the exponents by which they grow."""
    head = [of, *(f"{size:,}" for size in sizes), "exponent", "of the last two"]
    lines = [f"| {' | '.join(head)} |", f"| --- {'| ---: ' * (len(head) - 1)}|"]
    for name, text in names.items():
        least = [min(run[name][str(size)] for run in runs) for size in sizes]
        shown = [f"{one:.0f}" if one >= 100 else f"{one:.2g}" for one in least]
        lines.append(f"| {text} | {' | '.join([*shown, *(f'{one:.2f}' for one in exponents(sizes, least))])} |")
    return "\n".join(lines)


def plot(runs: Sequence[Figures], file: Path) -> None:
    """Draw the CPU seconds over rows and over parameters, with lines of slope 1 and 2."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "adamsym"
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(10.5, 5.4), constrained_layout=True)
    for axes, names, sizes, of, slope in (
        (panels[0], OF_ROWS, ROWS, "rows", 1),
        (panels[1], OF_PARAMETERS, PARAMETERS, "parameters", 2),
    ):
        for (name, text), mark in zip(names.items(), "osv^Dx", strict=False):
            least = [min(run[name][str(size)] for run in runs) for size in sizes]
            axes.loglog(sizes, least, f"{mark}-", label=text.replace("`", "").replace(" FILE --at w=0.8,b=1.8", ""))
        largest = max(run[name][str(sizes[-1])] for run in runs for name in names)
        line = [largest * (size / sizes[-1]) ** slope for size in sizes]
        axes.loglog(sizes, line, ":", color="grey", label=f"slope {slope}")
        axes.set(xlabel=of, ylabel="CPU seconds")
        axes.legend(fontsize=9, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    """Print the figures of one run."""
    if sys.argv[1:] != ["--measure"]:
        raise SystemExit("run benchmarks/large_problems.py, which runs this")
    print(json.dumps(measure()))


if __name__ == "__main__":
    main()
