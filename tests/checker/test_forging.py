"""No false statement is accepted, however well it is written; true ones are, however they are written."""

import copy
import random
from collections import Counter

import pytest
from bases import MAKERS, base
from forgeries import FORGERIES, signed
from rewritings import REWRITINGS

from adamsym.checker import check_certificate
from adamsym.expressions.errors import InputError

QUICK = [name for name in MAKERS if name not in ("plane", "saddle", "cluster")]
"""Bases of which a check takes less than a second."""

OPERATIONS = 3_000_000


def drawn(table, names, count, seed):
    """Changed certificates, one after the other of each function in the table: base, function, certificate."""
    rng = random.Random(seed)
    turns = [(name, function) for name in names for function in table[base(name).kind]]
    rng.shuffle(turns)
    made = 0
    while made < count:
        before = made
        for name, function in turns:
            source = base(name)
            changed = function(source, copy.deepcopy(source.content), rng)
            if changed is not None and changed != source.content:
                made += 1
                yield name, function.__name__, signed(changed)
                if made == count:
                    return
        assert made > before


def outcome(content):
    """How a check ends: valid, not valid, undecided, or refused as malformed."""
    try:
        found = check_certificate(content, operations=OPERATIONS)
    except InputError:
        return "malformed"
    assert not (found.valid and found.undecided)
    return "valid" if found.valid else "undecided" if found.undecided else "not valid"


def assert_none_is_accepted(names, count, seed):
    outcomes = Counter()
    for name, change, content in drawn(FORGERIES, names, count, seed):
        found = outcome(content)
        assert found != "valid", (name, change, content)
        outcomes[found] += 1
    assert outcomes.total() == count
    # They are rejected for what they say, not for how they are written or for the work that they take.
    assert outcomes["not valid"] > 0.9 * count, outcomes


def assert_all_are_accepted(names, count, seed):
    for name, change, content in drawn(REWRITINGS, names, count, seed):
        found = check_certificate(content, operations=OPERATIONS)
        assert found.valid, (name, change, found.reason, content)


@pytest.mark.parametrize("name", QUICK)
def test_the_originals_are_accepted(name):
    assert outcome(base(name).content) == "valid"


def test_no_forgery_is_accepted():
    assert_none_is_accepted(QUICK, 90, seed=1)


def test_every_rewriting_is_accepted():
    assert_all_are_accepted(QUICK, 20, seed=2)


@pytest.mark.slow
def test_no_forgery_is_accepted_of_thousands():
    assert_none_is_accepted(QUICK, 1900, seed=3)
    assert_none_is_accepted(["plane", "saddle", "cluster"], 100, seed=4)


@pytest.mark.slow
def test_every_rewriting_of_hundreds_is_accepted():
    assert_all_are_accepted(QUICK, 180, seed=5)
    assert_all_are_accepted(["plane", "saddle", "cluster"], 20, seed=6)
