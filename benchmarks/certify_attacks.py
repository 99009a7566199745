"""Attempts to break enclosures and certificates, by the thousand: held against other arithmetic, or one digit changed."""

import copy
import json
import os
import random
import sys
import time
from pathlib import Path

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
    find_zeros,
    read_problem,
)
from adamsym.field import quotient
from adamsym.parallel import map_tasks

ROOT = Path(__file__).parents[1]
PER_PROBLEM, LAWS_A_JOB = 500, 1_000
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


def enclosures_of_one(_: None, arguments: tuple[int, int]) -> tuple[int, int, int]:
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
    results = list(map_tasks(enclosures_of_one, jobs, executor=os.cpu_count()))
    return *(sum(column) for column in zip(*results, strict=True)), time.perf_counter() - begin


def intervals_of_some(_: None, job: int) -> tuple[int, int, int]:
    """Enclose boxes around random and hostile laws in float64 intervals; return misses, finite ones and all."""
    sys.path.insert(0, str(ROOT / "tests" / "field"))
    from interval_soundness import trials

    return trials(LAWS_A_JOB, seed=1000 + job)


def intervals(count: int) -> tuple[int, int, int, float]:
    """Return misses of that many float64 enclosures against balls, how many were finite, all, and the seconds."""
    begin = time.perf_counter()
    results = list(map_tasks(intervals_of_some, range(max(1, count // (16 * LAWS_A_JOB))), executor=os.cpu_count()))
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


def corruption_trial(contents, seed: int) -> tuple[bool, bool, str, bool]:
    """Corrupt a certificate; return whether digest and proofs reject it, the place, and whether anything was raised."""
    changed, place = corrupted(contents[seed % 2], random.Random(seed))
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
    begin = time.perf_counter()
    outcomes = list(map_tasks(corruption_trial, range(count), shared=contents, executor=os.cpu_count()))
    return outcomes, time.perf_counter() - begin
