"""Problems of many rows or many parameters, and searches at a short memory: CPU seconds, an earlier version beside this.

Run ``python benchmarks/large_problems.py --old FOLDER`` with a checkout of an earlier version: it writes
docs/benchmark_large_problems.md and the picture on it, with how this version grows (``large_growth.py``). Each version is measured in processes of its own that run one after the other in turn,
the first of which compiles what is kept on disk and does not count; of the others, as many as RUNS, the least time is taken.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import large_growth

ROOT = Path(__file__).parents[1]
ROWS, RUNS = 100_000, 1
PARAMETERS = (30, 100)
WHAT = {
    "read": f"a table of {ROWS:,} rows and 3 columns read",
    "arrays": "the same from arrays",
    "field": "its first value of the field",
    "again": "another value",
    "evaluate": "its first value with an error estimate",
    "minibatch": "a value for minibatches of 32",
    **{f"jacobian {d}": f"the first Jacobian of {d} parameters" for d in PARAMETERS},
    "search": "all zeros at beta2 = 1e-6, three of them",
    "batches": "200 fields of minibatches of 128 of 3 rows",
}


def measure() -> dict[str, float]:
    """Return the CPU seconds of each; what is imported and compiled once for all problems is done before."""
    import numpy as np

    from adamsym import Adam, AdamField, Empirical, Problem, find_zeros, read_problem

    def field_of(data, loss="(theta - x)**2/2", names=("theta",), batch=1, adam=None):
        return AdamField(Problem(loss, list(names), Empirical(data), batch), adam or Adam())

    small = field_of({"x": [0, 0, 3]})
    small.evaluate([0.3])
    small.jacobian([0.3])
    find_zeros(field_of({"x": [0, 0, 3]}, adam=Adam("0.5", "0.9", "0.1")), [[-1, 4]])
    found = {}

    def timed(name: str, run: Callable[[], object]) -> object:
        begin = time.process_time()
        result = run()
        found[name] = time.process_time() - begin
        return result

    generator = np.random.default_rng(0)
    x = generator.normal(size=(ROWS, 2))
    y = x @ [1, 2] + generator.standard_t(3, ROWS)
    loss = "(w*x + b*z - y)**2/2"
    columns = {"x": x[:, 0], "z": x[:, 1], "y": y}
    with tempfile.TemporaryDirectory() as folder:
        table, file = Path(folder) / "t.csv", Path(folder) / "p.toml"
        table.write_text(
            "x,z,y\n" + "".join(f"{a!r},{b!r},{c!r}\n" for (a, b), c in zip(x.tolist(), y.tolist(), strict=True))
        )
        file.write_text(f'[problem]\nloss = "{loss}"\nparameters = ["w", "b"]\n[data]\nfile = "t.csv"\n')
        field = AdamField(timed("read", lambda: read_problem(file)).problem, Adam())
    timed("field", lambda: field([0.9, 1.9]))
    timed("again", lambda: field([0.8, 1.8]))
    timed("evaluate", lambda: field.evaluate([0.8, 1.8]))
    timed("arrays", lambda: Empirical(columns))
    batches = field_of(columns, loss, ("w", "b"), 32)
    batches([0.7, 1.7])
    timed("minibatch", lambda: batches([0.9, 1.9]))
    for d in PARAMETERS:
        x = generator.normal(size=(300, d))
        predicted = "+".join(f"t{i}*x{i}" for i in range(d))
        data = {f"x{i}": x[:, i] for i in range(d)} | {"y": np.sign(x[:, 0])}
        wide = field_of(data, f"log(1+exp(-y*({predicted})))", [f"t{i}" for i in range(d)])
        wide(np.zeros(d))
        timed(f"jacobian {d}", partial(wide.jacobian, np.zeros(d)))
    law = Empirical({"x": [-1, 0, 125]}, ["0.307", "0.307", "0.386"])
    three = AdamField(Problem("(theta - x)**2/2", ["theta"], law), Adam("9.99e-4", "1e-6", "1e-8"))
    timed("search", lambda: find_zeros(three, [[-2, 130]]))
    timed("batches", lambda: [field_of({"x": [0, 0, 3]}, batch=128)([1.0 + k / 1e3]) for k in range(200)])
    return found


def measured(root: Path, script: str = __file__) -> dict[str, Any]:
    """Return the figures of a checkout, from a process of its own with one thread."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    environment = {**os.environ, **one, "PYTHONPATH": str(root)}
    command = [sys.executable, str(Path(script).resolve()), "--measure"]
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def main() -> None:
    """Measure both versions in turn, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", type=Path, help="a checkout of an earlier version")
    parser.add_argument("--measure", action="store_true", help="print the figures of the version that is imported")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure()))
        return
    if given.old is None:
        parser.error("--old: give the folder of a checkout of an earlier version")
    old, new, growth = [], [], []
    load = [os.getloadavg()[0]]
    for run in range(1 + RUNS):
        old.append(measured(given.old.resolve()))
        new.append(measured(ROOT))
        if run:
            growth.append(measured(ROOT, large_growth.__file__))
            print(json.dumps(growth[-1]), flush=True)
        load.append(os.getloadavg()[0])
    rows = [(text, *(min(run[name] for run in runs[1:]) for runs in (old, new))) for name, text in WHAT.items()]
    table = "\n".join(f"| {text} | {a:.3f} | {b:.3f} | {a / b:.2g} |" for text, a, b in rows)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=given.old, capture_output=True, text=True, check=True
    ).stdout.strip()
    large_growth.plot(growth, ROOT / "docs" / "benchmark_large_problems.svg")
    by_rows = large_growth.table(
        growth, large_growth.OF_ROWS | {large_growth.MEMORY: large_growth.MEMORY}, large_growth.ROWS, "rows"
    )
    by_parameters = large_growth.table(
        growth, large_growth.OF_PARAMETERS, large_growth.PARAMETERS, "parameters, of 300 rows"
    )
    text = f"""# Many rows, many parameters, short memory

CPU seconds of one thread ({platform.machine()}, Python {platform.python_version()}), this version beside commit {commit}.
What is compiled once for all problems is kept on disk, and does not count: each version is run once before it is
measured{"" if RUNS == 1 else f", {RUNS} times, of which the least counts"}. The machine, of {os.cpu_count()} cores, did other work too: {min(load):.0f} to {max(load):.0f} processes
wanted them (load average), which makes CPU seconds longer by some tenths. Written by `python benchmarks/large_problems.py --old FOLDER`.

| what | before | now | times |
| --- | --- | --- | --- |
{table}

The losses are (wx + bz - y)²/2 for the table, with Adam's usual numbers, and that of a logistic regression of 300 rows
for the Jacobians. The search is that of claim C14's three zeros, for data -1, 0, 125.

## How it grows

CPU seconds of this version at several sizes, and the exponents of their growth: the slope of log time over log size, by
least squares over all sizes, which what takes as long at any size makes smaller, and between the last two sizes. Numbers in
the tables have 6 to 17 digits. The command's seconds are those of its whole process, the first time with an empty cache of
adamsym; of a million rows nothing is kept.

{by_rows}

{by_parameters}

![CPU seconds over rows and over parameters, both on logarithmic axes](benchmark_large_problems.svg)

A value with an error estimate of up to 20,000 rows is computed again in balls where the gradients' rounding is the larger part
of its error, as for the 10,000 here. Rows are drawn with normal errors. With errors of heavy tails, as above, larger tables hold larger outliers, and minibatches take
Gauss rules of more nodes, up to four times as long. `adamsym field` for minibatches of {large_growth.BATCH} of many rows compiles
loops, once on a machine, for some twenty seconds.
"""
    (ROOT / "docs" / "benchmark_large_problems.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
