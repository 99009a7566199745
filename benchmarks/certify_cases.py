"""What certification takes, case by case: ``python benchmarks/certify_cases.py CASE`` prints each figure as JSON.

Only names are used that the first version of the search for zeros had as well, or names that are looked for: so one
process runs a case by this version of adamsym, and another, with an earlier one on its path, by that. CPU seconds of
one thread, after what Numba compiles once is compiled.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import flint
import numpy as np

import adamsym
from adamsym import Adam, AdamField, Empirical, Problem, certificate, check_certificate, find_zeros, read_problem

EXAMPLES = Path(__file__).parents[1] / "examples"
BUDGET = 400_000
"""Boxes that a search may examine."""
MOST_OPERATIONS = 10**10
LAWS = 2_000

Figure = dict[str, Any]
"""``what`` was measured, its ``amount``, whether it is a ``rate`` (else CPU seconds), and what was ``found``."""


def figure(what: str, amount: float, found: str = "", rate: bool = False) -> Figure:
    """Return one figure of a case."""
    return {"what": what, "amount": amount, "found": found, "rate": rate}


def seconds(run: Callable[[], Any]) -> tuple[Any, float]:
    """Return a result and the CPU seconds of this process."""
    begin = time.process_time()
    return run(), time.process_time() - begin


def checks(content: Any, name: str, slow: bool = False) -> Iterator[Figure]:
    """Return what the checks of a certificate take, in both arithmetics if there are two and ``slow`` is wanted."""
    content = json.loads(json.dumps(content))
    for words, options in [("its check", {}), ("its check, --slow", {"slow": True})][: 1 + slow]:
        try:
            check, took = seconds(partial(check_certificate, content, operations=MOST_OPERATIONS, **options))
        except TypeError:
            continue  # before there were two arithmetics
        said = f"valid, {check.proofs:,} proofs" if check.valid else f"NOT valid: {check.reason}"
        yield figure(f"{name}: {words}", took, said)


# --- Enclosures -----------------------------------------------------------------------------------------------------


def three_points() -> Iterator[Figure]:
    """Enclosures of F a second, of laws of 3 atoms at beta2 = 0.999: in float64 intervals where there are some."""
    from adamsym.field.ball.arithmetic import ball_arithmetic, outward
    from adamsym.field.ball.law import BallLaw
    from adamsym.field.ball.quadrature import enclose_law

    form = Adam("0.9", "0.999", "1e-8").laplace
    atoms = np.random.default_rng(0).normal(0.3, 1, (LAWS, 3))
    with ball_arithmetic():
        third = flint.arb(1) / 3
        try:
            from adamsym.field.interval.law import enclose_laws
            from adamsym.field.interval.tables import tables_of
        except ImportError:
            laws = [BallLaw([flint.arb(float(g)) for g in row], [third] * 3) for row in atoms[: LAWS // 10]]
            _, took = seconds(lambda: [enclose_law(law, form, 1e-9) for law in laws])
            yield figure("three points: enclosures a second", len(laws) / took, rate=True)
            return
        points, slopes = np.stack([atoms, atoms], axis=-1), np.zeros((LAWS, 0, 3, 2))
        given, found = (tables_of(form), points, np.array([outward(third)] * 3), slopes, 1e-9), np.empty((LAWS, 1, 2))
        enclose_laws(*given, found)
        _, took = seconds(lambda: enclose_laws(*given, found))
        yield figure("three points: enclosures a second", LAWS / took, rate=True)


# --- All zeros in a box ---------------------------------------------------------------------------------------------


def logistic(dimension: int, rows: int = 20) -> Problem:
    """Return logistic regression with a ridge on random rows."""
    generator = np.random.default_rng(0)
    columns = np.round(generator.normal(size=(rows, dimension - 1)), 2)
    labels = (generator.random(rows) < 0.5).astype(int)
    z = "w0" + "".join(f" + w{j}*x{j}" for j in range(1, dimension))
    ridge = " + ".join(f"w{j}**2" for j in range(dimension))
    data = {f"x{j}": columns[:, j - 1].tolist() for j in range(1, dimension)} | {"y": labels.tolist()}
    loss = f"softplus({z}) - y*({z}) + 0.05*({ridge})"
    return Problem(loss, [f"w{j}" for j in range(dimension)], Empirical(data))


def poisson() -> Problem:
    """Return Poisson regression on 50 random rows."""
    generator = np.random.default_rng(1)
    x = np.round(generator.normal(size=50), 2)
    y = generator.poisson(np.exp(0.4 + 0.3 * x))
    return Problem("exp(a + b*x) - y*(a + b*x)", ["a", "b"], Empirical({"x": x.tolist(), "y": y.tolist()}))


def neuron(offset: bool = False) -> tuple[Problem, Adam]:
    """Return the neuron on six patients, with an offset or without, and its method."""
    given = read_problem(EXAMPLES / "neuron.toml")
    if not offset:
        return given.problem, given.adam
    return Problem("(a*tanh(b*x) + c - y)**2/2", ["a", "b", "c"], given.problem.law), given.adam


def all_zeros(name: str, problem: Problem, adam: Adam, box: list[list[float]], slow: bool = False) -> Iterator[Figure]:
    """Search a box for zeros, with the certificate, and check it."""
    field, alone = AdamField(problem, adam), ThreadPoolExecutor(1)
    find_zeros(field, [[low, low + (high - low) / 1000] for low, high in box], budget=20, executor=alone)

    def run() -> tuple[Any, Any]:
        found = find_zeros(field, box, budget=BUDGET, executor=alone)
        return found, certificate(found)

    (found, content), took = seconds(run)
    complete = "complete" if found.complete else f"{len(found.undecided)} boxes left"
    said = f"{len(found.zeros)} zero{'s'[: len(found.zeros) != 1]}, {complete}, {found.examined:,} boxes"
    yield figure(f"{name}: all zeros, with certificate", took, said)
    yield from checks(content, name, slow)


# --- One zero -------------------------------------------------------------------------------------------------------


def network() -> Problem:
    """Return a tanh network of 30 weights, 2-3-4-1, on 12 random rows."""
    generator = np.random.default_rng(2)
    first = [[f"u{i}{j}" for j in range(3)] for i in range(3)]
    second = [[f"v{i}{j}" for j in range(4)] for i in range(4)]
    last = [f"w{i}" for i in range(5)]
    hidden = [f"tanh({a}*x + {b}*z + {c})" for a, b, c in first]
    hidden = [f"tanh({' + '.join(f'{w}*{h}' for w, h in zip(row, hidden, strict=False))} + {row[3]})" for row in second]
    output = " + ".join(f"{w}*{h}" for w, h in zip(last, hidden, strict=False)) + f" + {last[4]}"
    columns = {name: np.round(generator.normal(size=12), 2).tolist() for name in ("x", "z", "y")}
    names = [name for row in (*first, *second, last) for name in row]
    return Problem(f"({output} - y)**2/2", names, Empirical(columns))


def one_zero(name: str, problem: Problem, adam: Adam, start: np.ndarray | None = None) -> Iterator[Figure]:
    """Certify the zero near a start, and check it."""
    certify_zero = getattr(adamsym, "certify_zero", None)
    if certify_zero is None:
        return
    small = read_problem(EXAMPLES / "three_points.toml")
    certify_zero(AdamField(small.problem, small.adam), [1.0])
    at = np.zeros(problem.dimension) if start is None else start
    found, took = seconds(lambda: certify_zero(AdamField(problem, adam), at))
    if found.zero is None:
        yield figure(f"{name}: one zero", took, f"undecided: {found.reason}")
        return
    said = found.summary.removeprefix("certified: ").split(" in the widest")[0]
    yield figure(f"{name}: one zero", took, f"{said}, {found.zero.stability}")
    yield from checks(certificate(found), name)


def one_zero_of(file: str) -> Iterator[Figure]:
    """Certify the zero near an example's start."""
    given = read_problem(EXAMPLES / f"{file}.toml")
    yield from one_zero(file, given.problem, given.adam)


def one_zero_of_the_network() -> Iterator[Figure]:
    """Certify the zero of AdamW near which it ends from a random start."""
    if not hasattr(adamsym, "certify_zero"):
        return
    problem, method = network(), adamsym.AdamW("0.9", "0.999", "1e-8", weight_decay="0.1")
    start = np.random.default_rng(4).normal(0, 0.8, problem.dimension)
    reached = adamsym.find_zero(AdamField(problem, method), start)
    yield from one_zero("network, d = 30, with decay", problem, method, reached.theta)


# --- Lyapunov regions of networks -----------------------------------------------------------------------------------


def region(file: str, batch: int) -> Iterator[Figure]:
    """Certify an example's loss as a Lyapunov function, with Adam's defaults and minibatches, and check it."""
    if not hasattr(adamsym, "certify_lyapunov_ball"):
        return
    given = read_problem(EXAMPLES / f"{file}.toml")
    problem = Problem(given.problem.loss, given.problem.names, given.problem.law, batch_size=batch)
    field, at = AdamField(problem, Adam("0.9", "0.999", "1e-8")), [given.start[name] for name in problem.names]
    everywhere = file == "random_features"
    certify = adamsym.certify_lyapunov_globally if everywhere else adamsym.certify_lyapunov_ball
    found, took = seconds(lambda: certify(field, at))
    name = f"{file}, minibatches of {batch}"
    if found.verdict != "certified":
        yield figure(f"{name}: Lyapunov region", took, found.summary)
        return
    best, where = found.proof.best, "all of space" if everywhere else f"half-width {found.radius:.3g}"
    said = f"{where}, {best.theorem} with c_0 = {float(best.share):.3f}"
    if not everywhere and found.trapped is not None:
        said += f", all starts within {found.trapped.radius:.2g} converge"
    if not everywhere and found.tube is not None:
        said += f", so do those within {found.tube.radius:.2g} with L <= {found.tube.level:.2g}"
    yield figure(f"{name}: Lyapunov region", took, said)
    yield from checks(certificate(found), name)


CASES: dict[str, Callable[[], Iterator[Figure]]] = {
    "three points": three_points,
    "neuron": lambda: all_zeros("neuron", *neuron(), [[-3, 3], [-4, 4]], slow=True),
    "Poisson": lambda: all_zeros("Poisson regression, 50 rows", poisson(), Adam(), [[0, 1]] * 2),
    "offset": lambda: all_zeros("neuron with an offset, d = 3", *neuron(offset=True), [[-3, 3], [-4, 4], [-3, 3]]),
}
for _d in (3, 4, 5):
    CASES[f"ridge {_d}"] = partial(
        lambda d: all_zeros(f"logistic regression with ridge, d = {d}", logistic(d), Adam(), [[-4, 4]] * d), _d
    )
for _file in ("iris_logistic", "diabetes_regression", "breast_cancer"):
    CASES[_file] = partial(one_zero_of, _file)
CASES["network"] = one_zero_of_the_network
CASES["ridge 100"] = lambda: one_zero("logistic regression with ridge, 150 rows, d = 100", logistic(100, 150), Adam())
for _file in ("random_features", "tanh_network"):
    for _batch in (1, 4, 32):
        CASES[f"{_file} {_batch}"] = partial(region, _file, _batch)


if __name__ == "__main__":
    for _one in CASES[sys.argv[1]]():
        print(json.dumps(_one), flush=True)
