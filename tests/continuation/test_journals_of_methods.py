"""Journals know the method exactly: numbers that print alike are not the same."""

import pytest

from adamsym import Adam, AdamField, Empirical, InputError, Problem, map_lyapunov, map_zeros, sweep

PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
NEXT = "0.1000000000000000000000001"
"""Prints as 0.1."""


@pytest.mark.parametrize(
    "made",
    [
        lambda field, journal: map_lyapunov(field, {"beta1": [0.1], "beta2": [0.5]}, [[2, 3]], journal=journal),
        lambda field, journal: map_zeros(field, {"beta1": [0.1], "beta2": [0.5]}, start=[1.0], journal=journal),
        lambda field, journal: sweep(field, {"beta2": [0.5]}, start=[1.0], journal=journal),
    ],
    ids=["map of decrease", "map of zeros", "sweep"],
)
def test_a_journal_is_of_one_method_alone(made, tmp_path):
    fields = [AdamField(PROBLEM, Adam("0.1", "0.5", eps)) for eps in ("0.1", NEXT)]
    assert repr(fields[0].adam) == repr(fields[1].adam)
    made(fields[0], tmp_path / "journal")
    made(fields[0], tmp_path / "journal")
    with pytest.raises(InputError, match="journal"):
        made(fields[1], tmp_path / "journal")
