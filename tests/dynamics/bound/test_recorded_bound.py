"""Every ingredient of the bound beside its recorded numbers: nothing moves unnoticed.

The records are no independent truth: they were taken when all other tests of the bound passed. Where a formula is
changed on purpose, record anew: python tests/dynamics/bound/test_recorded_bound.py

Numbers are compared to a part in 1e7, which no change of a formula hides in and no processor's rounding reaches: they
are products, quotients, roots and powers, to the 24th at most, of sums of positive terms, each operation off by a unit
roundoff u = 1.1e-16. Only means and odd central moments are sums whose terms cancel. What is left of them may be as
small as 1e-12, the part by which the constants are raised, and is off by (n + 2) u for n atoms, n <= 9, relative to the
largest term: ``scale``, which stands beside them. What independent arithmetic says of them is tested at the end.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from adamsym.dynamics.bound import drift, theorems
from adamsym.dynamics.bound import hypotheses as hypotheses_module
from adamsym.dynamics.bound.drift import CoordinateBounds, Sensitivity
from adamsym.dynamics.bound.hypotheses import Hypotheses, hypotheses
from adamsym.dynamics.bound.lags import LagBounds
from adamsym.dynamics.bound.theorems import Steps
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam

RECORDS = Path(__file__).with_name("recorded.json")
LAGS = np.array([0.0, 1, 2, 5, 10, 25, 60, 150, 400, 1000])

MEAN = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, 2]}, weights=[3, 5, 2]))
COSH = Problem("log(cosh(2*(theta - x)))/2", ["theta"], Empirical({"x": ["-0.5", 1]}, weights=[4, 6]))
LINE = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 2]}), batch_size=2)
CASES = {
    "defaults": (MEAN, Adam("0.9", "0.999", "1e-8"), [[0.1, 0.1]]),
    "short memory": (MEAN, Adam("0.5", "0.8", "0.2"), [[-0.2, 0.6]]),
    "large eps": (COSH, Adam("0.8", "0.9", "5"), [[-0.3, 0.4]]),
    "small eps": (COSH, Adam("0.6", "0.95", "1e-4"), [[0.1, 0.15]]),
    "no momentum": (MEAN, Adam(0, "0.9", "0.3"), [[-1.1, -0.9]]),
    "a plane": (LINE, Adam("0.5", "0.9", "0.1"), [[0.2, 0.3], [0.3, 0.35]]),
}


ROUNDING = 11 * 2.0**-53

Numbers = Iterator[tuple[str, list[float]]]


def scales(constants: Hypotheses) -> dict[str, float]:
    """The largest term of the sums behind the numbers of a name, where their terms cancel."""
    found = {}
    for i, one in enumerate(constants.coordinates):
        found[f"constants {i}"] = max(1.0, one.slope) * one.largest
        # Central moments are those of x/scale, at most 1.
        found |= {f"moments of {name} {i}": 1.0 for name in ("g", "g^2", "g dg")}
    return found


def of_hypotheses(constants: Hypotheses, adam: Adam) -> Numbers:
    yield "field", [constants.field_size, constants.lipschitz, constants.one_sided]
    for i, one in enumerate(constants.coordinates):
        yield f"constants {i}", [one.largest, one.slope, one.mean, one.root_mean_square, one.product_mean]
        for name, moments in (
            ("g", one.moments),
            ("g^2", one.square_moments),
            *(("g dg", m) for m in one.product_moments),
        ):
            yield f"moments of {name} {i}", [moments.scale, moments.deviation, *moments.values.values()]
        law = one.denominators
        yield f"denominators {i}", [law.norm(lambda r: 1 / (r + 0.1), p) for p in (1, 2, 7)]
        yield f"quantiles {i}", [law.quantile(p) for p in (1e-12, 1e-4, 0.01, 0.3)]


def of_lags(constants: Hypotheses, adam: Adam) -> Numbers:
    for i, one in enumerate(constants.coordinates):
        bounds = LagBounds(adam, one.largest)
        yield f"increment {i}", [bounds.increment, *bounds.root_change(10.0 ** np.arange(-9, 2))]
        for name in ("oscillation", "mixing"):
            yield f"{name} {i}", list(getattr(bounds, name)(LAGS))
        yield f"start {i}", list(bounds.start(LAGS[1:]))


def of_drift(constants: Hypotheses, adam: Adam) -> Numbers:
    yield "largest slope", [drift.largest_slope(adam)]
    for i, one in enumerate(constants.coordinates):
        bounds = CoordinateBounds(adam, one)
        for name in ("momentum", "increment", "second_moments", "products"):
            yield f"{name} {i}", list(getattr(bounds, name).values())
        yield f"thresholds {i}", bounds.thresholds
        yield f"deviations {i}", list(bounds.deviations(LAGS))
        yield f"field slope {i}", [bounds.field_slope]
        speed = bounds.increment
        for threshold in bounds.thresholds:
            for factors in ([], [speed]):
                yield (
                    f"decay {i} {len(factors)} {threshold:.6g}",
                    list(vars(bounds.decay(factors, threshold, 0.7)).values()),
                )
        for name, joint in (("alone", None), ("joint", speed)):
            found = Sensitivity(bounds, constants.lipschitz, bounds.lag_bounds.increment, joint)
            yield f"sensitivity {name} {i}", [found.cap, *found.inverse.values(), *found.at(LAGS[1:], 0.003)]
            yield f"worst case {name} {i}", list(found._worst_case(LAGS[1:], 1e-3))


def of_windows(constants: Hypotheses, adam: Adam) -> Numbers:
    largest = 1.5 * np.array([one.largest for one in constants.coordinates])
    for first, start, stop in ((0, 0, 60), (0, 40, 300), (200, 500, 900)):
        steps = Steps(0.01 / np.arange(first + 1, stop + 1) ** 0.6, first, start)
        found = theorems.window_bound(adam, constants, steps, largest)
        for bracket in ("mean_square", "one_run"):
            yield f"{bracket} {start}", list(vars(getattr(found, bracket)).values())
        yield f"window {start}", [found.closed_form, found.per_run, steps.length, found.mean_square.total]


PARTS = (of_hypotheses, of_lags, of_drift, of_windows)


@cache
def constants_of(case: str) -> Hypotheses:
    problem, adam, region = CASES[case]
    return hypotheses(problem, adam, np.array(region))


def numbers(case: str, part) -> dict[str, list[float]]:
    return {name: [float(x) for x in values] for name, values in part(constants_of(case), CASES[case][1])}


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
@pytest.mark.parametrize("case", CASES)
def test_no_number_has_moved(case, part):
    recorded = json.loads(RECORDS.read_text())[f"{case}: {part.__name__}"]
    found = numbers(case, part)
    compare(found, recorded, scales(constants_of(case)))


def compare(found, recorded, largest):
    assert found.keys() == recorded.keys()
    for name, values in found.items():
        rounding = ROUNDING * largest.get(name, 0.0)
        np.testing.assert_allclose(values, recorded[name], rtol=1e-7, atol=rounding, err_msg=name)


def raised_by_a_hundredth(case: str) -> dict[str, list[float]]:
    """The constants where roundings upwards and downwards are of a hundredth, so that each one shows."""
    problem, adam, region = CASES[case]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hypotheses_module, "_RAISED", 1.01)
        found = hypotheses(problem, adam, np.array(region))
    return {name: [float(x) for x in values] for name, values in of_hypotheses(found, adam)}


@pytest.mark.parametrize("case", ["short memory", "small eps", pytest.param("a plane", marks=pytest.mark.slow)])
def test_no_rounding_has_turned(case):
    recorded = json.loads(RECORDS.read_text())[f"{case}: raised"]
    found, plain = raised_by_a_hundredth(case), numbers(case, of_hypotheses)
    assert found != plain
    compare(found, recorded, scales(constants_of(case)))


def test_a_number_that_has_moved_is_noticed(monkeypatch):
    monkeypatch.setattr(drift, "_ROOT_CONSTANT", 1.0001 * drift._ROOT_CONSTANT)
    with pytest.raises(AssertionError, match="worst case"):
        test_no_number_has_moved("large eps", of_drift)


@pytest.mark.parametrize("part", [of_hypotheses, of_lags])
@pytest.mark.parametrize("case", ["defaults", "a plane"])
def test_what_is_smaller_than_the_rounding_alone_may_move(case, part):
    """Each number moved by a part in 1e6, or by a hundred times the rounding that is allowed, is noticed."""
    found, largest = numbers(case, part), scales(constants_of(case))
    compare(found, found, largest)
    for name, values in found.items():
        for k, value in enumerate(values):
            moved = values.copy()
            moved[k] += 1e-6 * abs(value) + 100 * ROUNDING * largest.get(name, 0.0)
            if moved[k] != value:
                with pytest.raises(AssertionError):
                    compare(found | {name: moved}, found, largest)


def exact_constants(problem: Problem, theta: float) -> dict[str, Fraction]:
    """The constants of MEAN's problem at one point, in rational arithmetic: g = theta - x, and g' = 1."""
    rows, probabilities = problem.law.exact_rows, problem.law.exact_probabilities
    atoms = [Fraction(theta) - row[0] for row in rows]

    def expect(function):
        return sum((p * function(g) for p, g in zip(probabilities, atoms, strict=True)), Fraction(0))

    found = {"largest": max(map(abs, atoms)), "mean": abs(expect(lambda g: g)), "square": expect(lambda g: g * g)}
    for name, power in (("g", 1), ("g^2", 2)):
        mean = expect(lambda g, power=power: g**power)
        scale = max(abs(g**power - mean) for g in atoms)
        found[f"scale of {name}"] = scale
        for k in range(2, 25):
            central = abs(expect(lambda g, power=power, mean=mean, scale=scale, k=k: ((g**power - mean) / scale) ** k))
            found[f"{name} {k}"] = central
    return found


@pytest.mark.parametrize("theta", [0.1, 0.125, 2.0])
def test_the_constants_at_a_point_are_those_of_rational_arithmetic(theta):
    """Never below what they bound, and above it by the part in 1e12 by which they are raised, to each power."""
    exact = exact_constants(MEAN, theta)
    one = hypotheses(MEAN, Adam("0.5", "0.8", "0.2"), np.array([[theta, theta]])).coordinates[0]
    found = {"largest": one.largest, "mean": one.mean, "square": one.root_mean_square**2}
    for name, moments in (("g", one.moments), ("g^2", one.square_moments)):
        found[f"scale of {name}"] = moments.scale
        found |= {f"{name} {k}": moments.values[k] for k in range(2, 25)}
    assert found.keys() == exact.keys()
    for name, value in found.items():
        size = exact["largest"] if name == "mean" else max(exact[name], Fraction(1) if name[-1].isdigit() else 0)
        # Moments of g/scale bound those of the exactly scaled g only together with the scale, which is raised.
        least = exact[name] * (1 - Fraction(1, 10**10)) if name[-1].isdigit() else exact[name]
        assert least <= Fraction(value) <= exact[name] + size / 10**10, name


if __name__ == "__main__":
    found = {f"{case}: {part.__name__}": numbers(case, part) for case in CASES for part in PARTS}
    found |= {f"{case}: raised": raised_by_a_hundredth(case) for case in ("short memory", "small eps", "a plane")}
    RECORDS.write_text(json.dumps(found, indent=1) + "\n")
