"""Enclosures and the work of the quadrature beside recorded numbers: no proven bound moves unnoticed, nor the cost.

The records are no independent truth: they were taken when all other tests of the field passed. A wider bound holds as
well and a narrower one may hold by luck, so that tests of soundness alone do not see every change. Where a change is
wanted, record anew: python tests/field/test_recorded_field.py
"""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from adamsym.field import AdamField, law_quotient, quotient
from adamsym.field.ball import enclosure
from adamsym.field.laws.gradient_laws import Exponential, Normal, Uniform
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamEpsInsideRoot

RECORDS = Path(__file__).with_name("recorded.json")

MEAN = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
LINE = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 2]}), batch_size=2)
COSH = Problem("log(cosh(a*theta - x))", ["theta"], Empirical({"a": [1, 3, 1], "x": [0, 1, -2]}))
FITTED = Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": ["1", "2", "-0.5"], "y": ["1", "2", "-0.5"]}))
ENCLOSED = {
    "a point": (MEAN, Adam("0.9", "0.999", "1e-8"), [[0.9995, 0.9995]]),
    "a narrow box": (MEAN, Adam("0.5", "0.6", "0.1"), [[0.77, 0.78]]),
    "a wide box": (MEAN, Adam("0.5", "0.6", "0.1"), [[-2, 5]]),
    "a plane": (LINE, Adam("0.5", "0.9", "0.01"), [[0.4, 0.5], [-0.1, 0.1]]),
    "curved": (COSH, Adam("0.8", "0.95", "1e-3"), [[0.2, 0.25]]),
    "large eps": (COSH, Adam("0.1", "0.3", "10"), [[-1, -0.98]]),
    "interpolation": (FITTED, Adam("0.9", "0.99", "0.1"), [[0.99, 1.01], [0.99, 1.01]]),
    "interpolation, small eps": (FITTED, Adam("0.9", "0.99", "1e-8"), [[1, 1.0000001], [1, 1.0000001]]),
    "no memory": (MEAN, Adam(0, "0.1", "1"), [[1, 1.5]]),
}

METHODS = [
    Adam("0.9", "0.999", "1e-8"),
    Adam("0.5", "0.6", "0.1"),
    Adam(0, "0.95", "30"),
    AdamEpsInsideRoot("0.9", "0.999", "1e-6"),
    AdamEpsInsideRoot("0.5", "0.9", "2"),
]
LAWS = [[-1.0, 0.5, 4.0], [1e-9, 1e-9, 2e-9], [0.0, 1.0, 1.0], [-300.0, 0.1, 0.1], [1.0, 1.0, 1.0]]


def bounds(case: str) -> dict[str, list[float]]:
    problem, adam, box = ENCLOSED[case]
    field = AdamField(problem, adam)
    parts = {"field": field.enclose(box), "jacobian": field.enclose_jacobian(box)}
    found = {}
    for name, part in parts.items():
        low, high = part.reshape(-1, 2).T
        found[name], found[f"{name}: width"] = ((low + high) / 2).tolist(), (high - low).tolist()
    return found


def coefficient_bounds(case: str) -> list[float]:
    """The bounds M of the power series' functions, by which remainders are bounded."""
    problem, adam, box = ENCLOSED[case]
    found: list[float] = []
    original = enclosure.enclose_law

    def watched(law, *arguments):
        from adamsym.field.ball.lag_series import LagSeries

        tops = LagSeries(law, adam.laplace, 1.0)._coefficient_bounds()
        # The records leave out Adam's factor 1 - beta1 of the numerator.
        found.extend(float(top.mid()) / (1 - adam.beta1 if k % 2 else 1) for k, top in enumerate(tops))
        return original(law, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enclosure, "enclose_law", watched)
        AdamField(problem, adam).enclose_jacobian(box)
    return found


def work() -> dict[str, list[float]]:
    found = {}
    probabilities = np.array([0.3, 0.6, 0.1])
    for method in METHODS:
        spent = quotient(np.array(LAWS), probabilities, method)
        found[f"{method}"] = spent.exponentials.tolist()
        laws = (Normal(0.3, 1), Uniform(-1, 4), Exponential(0, 2))
        found[f"{method}: estimates"] = [law_quotient(law, method).error for law in laws] + spent.error.tolist()
    return found


def recorded(name: str):
    return json.loads(RECORDS.read_text())[name]


@pytest.mark.parametrize("case", ENCLOSED)
def test_no_bound_has_moved(case):
    found, known = bounds(case), recorded(case)
    assert found.keys() == known.keys()
    for name, values in found.items():
        widths = np.array(known[name if "width" in name else f"{name}: width"])
        # Ends are rounded outwards to floats.
        allowed = 1e-5 * widths + 4e-16 * np.abs(known[name.removesuffix(": width")])
        assert (np.abs(np.array(values) - known[name]) <= allowed).all(), f"{name}: {values}, recorded {known[name]}"


@pytest.mark.parametrize("case", ["a narrow box", "a plane", "curved"])
def test_no_bound_of_the_series_has_moved(case):
    np.testing.assert_allclose(coefficient_bounds(case), recorded(f"{case}: series"), rtol=1e-9)


def test_no_cost_has_moved():
    for name, values in work().items():
        # Another machine's last bits may cost a node, and change an estimate that is rounding.
        spread = {"rtol": 0.5, "atol": 1e-15} if "estimates" in name else {"atol": 1}
        np.testing.assert_allclose(values, recorded("work")[name], **({"rtol": 0.02} | spread), err_msg=name)


def test_a_bound_that_has_moved_is_noticed(monkeypatch, request):
    # What the changed function leaves in the cache must not reach other tests.
    request.addfinalizer(enclosure.minibatches.cache_clear)
    enclosure.minibatches.cache_clear()
    original = enclosure.ball
    monkeypatch.setattr(enclosure, "ball", lambda x: original(x) * original(Fraction(1001, 1000)))
    with pytest.raises(AssertionError, match="recorded"):
        test_no_bound_has_moved("a plane")


if __name__ == "__main__":
    everything = {case: bounds(case) for case in ENCLOSED} | {"work": work()}
    everything |= {f"{case}: series": coefficient_bounds(case) for case in ("a narrow box", "a plane", "curved")}
    RECORDS.write_text(json.dumps(everything, indent=1) + "\n")
