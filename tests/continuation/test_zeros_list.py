"""Lists of all zeros for several values of a parameter, certified: where their number changes is proven."""

import copy
import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    Independent,
    InputError,
    Problem,
    certificate,
    check_certificate,
    find_zero,
    find_zeros_at_each,
    read_problem,
)
from adamsym.certificates.form import json_schema
from adamsym.continuation import NumberChange, ZerosList

N1 = AdamField(
    Problem("15*a*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], Empirical({"a": [1, 0]}, ["0.02", "0.98"])),
    Adam("0.5", "0.9", "0.01"),
)
THREE = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


def content_of(found):
    content = json.loads(json.dumps(certificate(found)))
    jsonschema.validate(content, json_schema())
    return content


def test_the_spurious_zero_of_n1_vanishes_between_two_batch_sizes():
    found = find_zeros_at_each(N1, "batch_size", [3, 4], [[1.5, 4]])
    assert found.complete
    assert found.changes == (NumberChange(Fraction(3), Fraction(4), 2, 0),)
    assert [zero.stability for zero in found.lists[0].zeros] == ["repelling", "attracting"]
    content = content_of(found)
    assert check_certificate(content).valid
    # Not for other batch sizes, and not if zeros are left out.
    other = copy.deepcopy(content)
    other["at"][1]["value"] = "3"
    assert not check_certificate(other, digest=False).valid
    emptied = content | {"at": [one | {"zeros": []} for one in content["at"]]}
    assert not check_certificate(emptied, digest=False).valid
    _, rows = found.table()
    assert len(rows) == 3
    assert rows[2][0] == "4"
    assert "no zero in the box" in rows[2]
    assert found.to_dict()["changes"] == [{"between": [3.0, 4.0], "zeros": [2, 0]}]


@settings(max_examples=2)
@given(
    st.sampled_from([("beta2", ["0.9", "0.95"]), ("data.x[2]", "2,3"), ("data.weights[0]", ["1/9", "1/5"])]),
    st.integers(1, 2),
)
def test_drawn_lists_hold_what_newton_finds_and_are_checked(drawn, size):
    name, values = drawn
    field = AdamField(THREE.changed(batch_size=size), Adam("0.3", "0.9", "0.1"))
    found = find_zeros_at_each(field, name, values, [[-4, 4]])
    assert isinstance(found, ZerosList)
    assert found.complete
    assert check_certificate(content_of(found)).valid
    for one in found.lists:
        (zero,) = one.zeros
        reached = find_zero(AdamField(one.function.problem, one.function.method), zero.midpoint).theta
        assert abs(reached - zero.midpoint).max() < 1e-9
    assert found.changes == ()
    assert found.summary.endswith(f"2 values of {name}: 1 zero at each")
    emptied = replace(found, lists=(found.lists[0], replace(found.lists[1], zeros=())))
    (change,) = emptied.changes
    assert change == NumberChange(*sorted(found.axis.values), 1, 0)
    assert not check_certificate(content_of(emptied)).valid


def test_continuous_data_and_what_is_undecided():
    normal = AdamField(Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"})), Adam("0.5", "0.9"))
    found = find_zeros_at_each(normal, "eps", ["1"], [[-0.1, 0.15]])
    assert check_certificate(content_of(found)).valid
    left = find_zeros_at_each(N1, "batch_size", [1, 8], [[1.5, 4]], budget=2)
    assert not left.complete
    assert left.changes == ()
    assert left.summary.startswith("undecided: ")


def test_wrong_lists_are_named():
    field = AdamField(THREE, Adam())
    for values, reason in (
        ((("beta2", "0.9:0.99")), "an interval is no list"),
        ((("beta3", [1])), "beta3"),
        ((("batch_size", [0])), "integers from 1 up"),
        ((("data.x[7]", [0])), "there is no row 7"),
        ((("batch_size", [1, 1])), "stands twice"),
        ((("batch_size", list(range(1, 1002)))), "1001 values are too many; a certificate holds 1000"),
    ):
        with pytest.raises(InputError, match=reason):
            find_zeros_at_each(field, *values, [[-1, 1]])


@pytest.mark.slow
def test_two_of_three_zeros_vanish_in_a_fold_known_to_a_millionth():
    field = read_problem(Path(__file__).parents[2] / "examples" / "three_zeros.toml")
    found = find_zeros_at_each(AdamField(field.problem, field.adam), "beta1", ["9.4493e-4", "9.4495e-4"], [[-2, 130]])
    assert [len(one.zeros) for one in found.lists] == [1, 3]
    assert check_certificate(certificate(found)).valid
