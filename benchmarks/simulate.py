"""Chains of Adam beside torch, optax, NumPy and a scalar compiled loop, on least squares.

Run with ``make benchmarks``: writes docs/benchmark_simulate.md and docs/benchmark_simulate.svg. All evaluators draw rows
at random, take the same gradient and the same steps in float64; on data of one row they must agree first.
"""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import matplotlib
import numba
import numpy as np
import optax
import torch

from adamsym import Adam, Empirical, Problem, StepSizeSchedule
from adamsym.dynamics import Run

matplotlib.use("Agg")
import matplotlib.pyplot as plt

jax.config.update("jax_enable_x64", True)

DOCS = Path(__file__).parents[1] / "docs"
ADAM, RATE = Adam("0.9", "0.999", "1e-8"), 1e-3
ROWS = 20
DIMENSIONS, CHAINS = (1, 10, 100), (1, 100, 10_000)
SECONDS, REPETITIONS, PASSES = 0.1, 3, 3
Steps = Callable[[int], np.ndarray]


def data(d: int, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs (rows, d) and outputs (rows,)."""
    generator = np.random.default_rng(d)
    return generator.normal(size=(rows, d)).round(3), generator.normal(size=rows).round(3)


def problem(x: np.ndarray, y: np.ndarray) -> Problem:
    """Return least squares."""
    d = x.shape[1]
    columns = {f"x{k}": x[:, k].tolist() for k in range(d)} | {"y": y.tolist()}
    terms = " + ".join(f"w{k}*x{k}" for k in range(d))
    return Problem(f"({terms} - y)**2/2", {"w": d}, Empirical(columns))


def ours(x: np.ndarray, y: np.ndarray, chains: int, threads: int) -> Steps:
    """Return adamsym's steps: a function of their number that goes on where it stopped and returns theta."""
    run = Run(problem(x, y), ADAM, StepSizeSchedule(RATE), np.zeros(x.shape[1]), chains, 0, threads)

    def steps(count: int) -> np.ndarray:
        run.advance(count)
        return run.theta

    return steps


def by_numpy(x: np.ndarray, y: np.ndarray, chains: int) -> Steps:
    """Return vectorised NumPy's, in place."""
    generator, n = np.random.default_rng(0), 0
    theta, m, v = (np.zeros((chains, x.shape[1])) for _ in range(3))

    def steps(count: int) -> np.ndarray:
        nonlocal n
        for _ in range(count):
            n += 1
            rows = generator.integers(len(x), size=chains)
            g = x[rows]
            g = g * (np.einsum("cd,cd->c", g, theta) - y[rows])[:, None]
            np.add(m, 0.1 * (g - m), out=m)
            np.add(0.999 * v, 0.001 * g * g, out=v)
            root = np.sqrt(v)
            root /= (1 - 0.999**n) ** 0.5
            root += 1e-8
            np.subtract(theta, RATE / (1 - 0.9**n) * m / root, out=theta)
        return theta

    return steps


@numba.njit(error_model="numpy")
def scalar_steps(generator, x, y, theta, m, v, first, count):
    """Take ``count`` steps with each chain in turn."""
    rows, d = x.shape
    for chain in range(len(theta)):
        power1, power2 = 0.9**first, 0.999**first
        for _ in range(count):
            power1 *= 0.9
            power2 *= 0.999
            row = int(generator.random() * rows)
            residual = -y[row]
            for k in range(d):
                residual += x[row, k] * theta[chain, k]
            root, size = np.sqrt(1 - power2), RATE / (1 - power1)
            for k in range(d):
                g = x[row, k] * residual
                m[chain, k] += 0.1 * (g - m[chain, k])
                v[chain, k] = 0.999 * v[chain, k] + 0.001 * g * g
                theta[chain, k] -= size * m[chain, k] / (np.sqrt(v[chain, k]) / root + 1e-8)


def by_numba(x: np.ndarray, y: np.ndarray, chains: int) -> Steps:
    """Return those of a plain compiled loop on one thread."""
    state, n = [np.zeros((chains, x.shape[1])) for _ in range(3)], 0
    generator = np.random.default_rng(0)

    def steps(count: int) -> np.ndarray:
        nonlocal n
        scalar_steps(generator, x, y, *state, n, count)
        n += count
        return state[0]

    return steps


def by_torch(x: np.ndarray, y: np.ndarray, chains: int, **options: bool) -> Steps:
    """Return torch.optim.Adam's on one parameter of shape (chains, d)."""
    inputs, outputs = torch.from_numpy(x), torch.from_numpy(y)
    parameter = torch.nn.Parameter(torch.zeros((chains, x.shape[1]), dtype=torch.float64))
    optimizer = torch.optim.Adam([parameter], RATE, **options)

    @torch.no_grad()
    def steps(count: int) -> np.ndarray:
        for _ in range(count):
            rows = torch.randint(len(inputs), (chains,))
            g = inputs[rows]
            parameter.grad = g * ((g * parameter).sum(1) - outputs[rows])[:, None]
            optimizer.step()
        return parameter.numpy()

    return steps


def by_optax(x: np.ndarray, y: np.ndarray, chains: int, ahead: bool) -> Steps:
    """Return optax.adam's: scan over the steps, vmap over the chains, all in one jit.

    The rows are drawn ``ahead`` for all steps in one call, or at each step from a key of its own.
    """
    optimizer, inputs, outputs = optax.adam(RATE), jax.numpy.asarray(x), jax.numpy.asarray(y)

    def one(theta, state, row):
        update, state = optimizer.update(inputs[row] * (inputs[row] @ theta - outputs[row]), state)
        return optax.apply_updates(theta, update), state

    def advance(carry, key, count):
        def draw(now, shape):
            return jax.random.randint(now, shape, 0, len(x))

        def step(carry, now):
            return jax.vmap(one)(*carry, now if ahead else draw(now, (chains,))), None

        inputs_of_steps = draw(key, (count, chains)) if ahead else jax.random.split(key, count)
        return jax.lax.scan(step, carry, inputs_of_steps)[0]

    compiled = jax.jit(advance, static_argnums=2)
    start = jax.numpy.zeros((chains, x.shape[1]))
    carry, key = (start, jax.vmap(optimizer.init)(start)), jax.random.key(0)

    def steps(count: int) -> np.ndarray:
        nonlocal carry, key
        key, now = jax.random.split(key)
        carry = jax.block_until_ready(compiled(carry, now, count))
        return np.asarray(carry[0])

    return steps


THREADS = os.cpu_count() or 1
EVALUATORS: dict[str, Callable[[np.ndarray, np.ndarray, int], Steps]] = {
    f"adamsym, {THREADS} threads": lambda x, y, chains: ours(x, y, chains, THREADS),
    "adamsym, 1 thread": lambda x, y, chains: ours(x, y, chains, 1),
    "scalar Numba loop": by_numba,
    "NumPy": by_numpy,
    "optax": lambda x, y, chains: by_optax(x, y, chains, ahead=False),
    "optax, rows ahead": lambda x, y, chains: by_optax(x, y, chains, ahead=True),
    "torch foreach": lambda x, y, chains: by_torch(x, y, chains, foreach=True),
    "torch fused": lambda x, y, chains: by_torch(x, y, chains, fused=True),
}


def check_agreement() -> float:
    """Return the largest difference of the evaluators on data of one row, where all paths are the same."""
    x, y = data(3, 1)
    ends = [make(x, y, 2)(500) for make in EVALUATORS.values()]
    difference = float(max(np.abs(end - ends[0]).max() for end in ends))
    assert difference < 1e-12, difference
    return difference


def times(steps: Steps, chains: int) -> tuple[float, float]:
    """Return the best and the worst nanoseconds for a step of one chain."""
    count = 10
    while True:
        steps(count)  # compiles for this number of steps, where that matters
        begin = time.perf_counter()
        steps(count)
        passed = time.perf_counter() - begin
        if passed > SECONDS:
            break
        count = int(count * max(2, min(100, 1.2 * SECONDS / passed)))
    found = []
    for _ in range(REPETITIONS):
        begin = time.perf_counter()
        steps(count)
        found.append((time.perf_counter() - begin) / count / chains * 1e9)
    return min(found), max(found)


def measure() -> dict[tuple[int, int], list[tuple[float, float]]]:
    """Return times by dimension and chains, one for each evaluator: the extremes of passes that lie minutes apart."""
    found = {(d, chains): [(np.inf, 0.0)] * len(EVALUATORS) for d in DIMENSIONS for chains in CHAINS}
    for _ in range(PASSES):
        for d, chains in found:
            now = [times(make(*data(d), chains), chains) for make in EVALUATORS.values()]
            found[d, chains] = [(min(a, c), max(b, e)) for (a, b), (c, e) in zip(found[d, chains], now, strict=True)]
            print(d, chains, [f"{best:.3g}" for best, _ in now], flush=True)
    return found


COMPILE = """
import sys, time
sys.path.insert(0, sys.argv[1])
import simulate
x, y = simulate.data(int(sys.argv[2]))
simulate.problem(*simulate.data(2)).lane_gradient(64)
start = time.perf_counter()
least = simulate.problem(x, y)
middle = time.perf_counter()
least.lane_gradient(64)
print(middle - start, time.perf_counter() - middle)
"""

MEMORY = """
import resource, sys
from adamsym import Adam, Empirical, Problem, StepSizeSchedule, simulate
problem = Problem("(w*x - y)**2/2", ["w"], Empirical({"x": [1, 2, -1], "y": [1, 0, 2]}))
simulate(problem, Adam(), StepSizeSchedule("0.1/n**0.7"), [0.0], int(sys.argv[1]), 1000, 0)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def in_a_process(script: str, *arguments: str) -> list[float]:
    """Return the numbers that a script prints."""
    # By way of a shell: the peak memory of a child counts that of the process which starts it.
    command = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def plot(found: dict[tuple[int, int], list[tuple[float, float]]]) -> None:
    """Draw nanoseconds against chains, one panel for each dimension."""
    figure, panels = plt.subplots(1, 3, figsize=(12, 4.2), constrained_layout=True, sharey=True)
    colours = ("#000000", "#666666", "#009e73", "#0072b2", "#cc79a7", "#882255", "#d55e00", "#e69f00")
    for panel, d in zip(panels, DIMENSIONS, strict=True):
        for k, (name, colour, mark) in enumerate(zip(EVALUATORS, colours, "*.osv<^D", strict=True)):
            panel.plot(CHAINS, [found[d, c][k][0] for c in CHAINS], mark + "-", color=colour, label=name)
        panel.set(xscale="log", yscale="log", xlabel="chains", title=f"d = {d}")
    panels[0].set_ylabel("ns for a step of one chain")
    panels[0].legend(fontsize="small")
    figure.savefig(DOCS / "benchmark_simulate.svg", metadata={"Date": None})
    figure.savefig(DOCS / "benchmark_simulate.png", dpi=110)


def main() -> None:
    """Measure, and write the page and the plot."""
    agreement, found = check_agreement(), measure()
    plot(found)
    lines = ["| d | chains | " + " | ".join(EVALUATORS) + " |", "| --- | --- |" + " --- |" * len(EVALUATORS)]
    for (d, chains), cells in found.items():
        lines.append(f"| {d} | {chains:,} | " + " | ".join(f"{low:.3g} to {high:.3g}" for low, high in cells) + " |")
    compiling = ["| d | reading and differentiating | compiling |", "| --- | --- | --- |"]
    for d in (*DIMENSIONS, 300):
        first, second = in_a_process(COMPILE, str(Path(__file__).parent), str(d))
        compiling.append(f"| {d} | {first:.2f} | {second:.2f} |")
    memory = ["| steps | peak memory (MB) |", "| --- | --- |"]
    memory += [f"| {steps:,} | {in_a_process(MEMORY, str(steps))[0]:.0f} |" for steps in (10**4, 10**5, 10**6)]
    text = f"""# How fast chains run

Written by `make benchmarks` in one run ({platform.machine()}, {THREADS} processors, Python {platform.python_version()},
NumPy {np.__version__}, Numba {numba.__version__}, torch {torch.__version__}, JAX {jax.__version__}, optax
{optax.__version__}). Least squares with {ROWS} rows, one row drawn with replacement at each step, beta1 = 0.9,
beta2 = 0.999, eps = 1e-8, step size {RATE}, float64. On data of one row all evaluators agree to {agreement:.0e}.

## Nanoseconds for a step of one chain

Best to worst of {REPETITIONS} runs in each of {PASSES} passes over the table, each run of at least {SECONDS} seconds: what
else the machine does shows in the worst, not in the best. Compilation is not counted. torch and JAX use as many
threads as they choose, NumPy and the scalar loop one. torch's parameter is one tensor (chains, d); optax runs in one
`jit` of `scan` over the steps of `vmap` over the chains, its rows drawn at each step, or ahead for all steps at once.

{chr(10).join(lines)}

![Nanoseconds against chains](benchmark_simulate.svg)

## Seconds to compile a problem

Once for each problem and process, by the number of parameters; the loops that no problem changes are kept on disk.

{chr(10).join(compiling)}

## Memory

Peak memory of a whole process with 1,000 chains in d = 1; the part that does not grow is Python and its packages.

{chr(10).join(memory)}
"""
    (DOCS / "benchmark_simulate.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
