"""Maps of where the loss is a Lyapunov function: beside proofs, a proven increase, and borders that are known."""

import json
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    InputError,
    Problem,
    VectorField,
    certify_lyapunov_globally,
    map_lyapunov,
)
from adamsym.continuation import LyapunovMap
from adamsym.continuation.families import field_at
from adamsym.continuation.maps.lyapunov import theorem_border

# Fitted by (0, 0); N-Theorem 6's problem (3) with a heavier row: p = 0.01.
LIGHT = AdamField(
    Problem(
        "(x*u + y*w)**2/2",
        ["u", "w"],
        Empirical({"x": ["0.98013", "-0.22526"], "y": ["-0.45827", "1"]}, ["0.01", "0.99"]),
    ),
    Adam("0.9", "0.999", "1e-8"),
)
BOX = [[-10, 10], [-10, 10]]
OVER = {"beta1": [0.0, 0.9], "beta2": [0.9, 0.97, 0.99]}


def test_verdicts_are_those_of_proofs_and_the_border_is_where_the_worst_cosine_changes_its_sign():
    found = map_lyapunov(LIGHT, OVER, BOX, certify=True)
    assert found.verdicts == (("increases, proven", "increases, proven", "decreases"),) * 2
    assert ((found.worst > 0) == [[True, True, False]] * 2).all()
    for i, j in ((0, 0), (1, 2)):
        one = field_at(LIGHT, {axis: axis.values[k] for axis, k in zip(found.axes, (i, j), strict=True)})
        f, slope = one(found.witnesses[i, j]), one.problem.gradient(found.witnesses[i, j])
        cosine = f @ slope / np.linalg.norm(f) / np.linalg.norm(slope)
        assert cosine == pytest.approx(found.worst[i, j], abs=1e-9)
        assert (certify_lyapunov_globally(one).verdict == "certified") == (j == 2)
    # The theorem's border p = 1 - sqrt(beta2) lies above the border found: between, more is true than it says.
    for (values, edge), (_, theorem) in zip(found.border, found.theorem, strict=True):
        assert edge[0][0] == edge[1][0]
        assert values[1] < theorem < 0.99
        assert theorem == pytest.approx(0.99**2, abs=1e-3)
    # The border does not depend on beta1 in the theorem; the one found does.
    assert found.theorem[0][1] == found.theorem[1][1]
    assert abs(found.border[0][0][1] - found.border[1][0][1]) > 1e-5


def test_a_problem_that_is_not_fitted_increases_at_its_minimum_for_all_values():
    three = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
    over = {"beta1": [0.5, 0.9], "beta2": [0.9, 0.99]}
    assert set(sum(map_lyapunov(three, over, [[0.0, 2.0]]).verdicts, ())) == {"increases"}
    # A control: the box beside the minimum and the zeros.
    assert set(sum(map_lyapunov(three, over, [[1.5, 2.0]]).verdicts, ())) == {"no increase found"}


@given(st.fractions(Fraction(1, 1000), Fraction(1, 10)), st.integers(1, 40))
@settings(max_examples=4)
def test_the_theorems_border_is_where_the_theorem_ends(p, batch_size):
    law = Empirical({"x": [1, 2], "y": [3, 1]}, [p, 1 - p])
    field = AdamField(Problem("(x*u + y*w)**2/2", ["u", "w"], law, batch_size), Adam("0.9", "0.999", "1e-8"))
    over = {"beta1": [0.1, 0.2], "beta2": (0.03, 0.999999)}
    found = map_lyapunov(field, over, [[1, 2], [1, 2]], points=2)
    assert isinstance(found, LyapunovMap)
    assert found.theorem == theorem_border(field, found.axes)
    gap = 1 - np.sqrt(found.theorem[0][1])
    if batch_size == 1:
        assert gap == pytest.approx(float(p), rel=0.1)
    else:
        # Batches allow a shorter memory.
        assert gap > 1.1 * float(p)


def test_processes_and_journals_change_nothing(tmp_path):
    journal = tmp_path / "journal"
    over = {"beta1": [0.9], "beta2": [0.97, 0.99, 0.5]}
    alone = map_lyapunov(LIGHT, over, BOX, journal=journal)
    assert alone.verdicts[0][2] == "not allowed"
    assert np.isnan(alone.worst[0, 2])
    text = json.dumps(alone.to_dict())
    with ThreadPoolExecutor(2) as executor:
        assert json.dumps(map_lyapunov(LIGHT, over, BOX, executor=executor).to_dict()) == text
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:2]))
    assert json.dumps(map_lyapunov(LIGHT, over, BOX, journal=journal).to_dict()) == text
    assert journal.read_text() == "".join(lines)
    assert alone.columns()["verdict"][:2] == ["increases", "no increase found"]


@pytest.mark.parametrize(
    ("field", "box", "over", "message"),
    [
        (LIGHT, [[0, 1]], OVER, "box"),
        (LIGHT, [[0, 0], [0, 1]], OVER, "sides have a length"),
        (LIGHT, BOX, {"beta2": (0.9, 0.99)}, "a map has two parameters"),
        (LIGHT, BOX, {"beta1": [0.99], "beta2": [0.5]}, "must be below beta2"),
        (AdamField(VectorField(["x*theta"], ["theta"], Empirical({"x": [1]})), Adam()), [[0, 1]], OVER, "loss"),
    ],
)
def test_bad_arguments(field, box, over, message):
    with pytest.raises(InputError, match=message):
        map_lyapunov(field, over, box)
