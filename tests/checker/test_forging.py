"""No false statement is accepted, however well it is written; true ones are, however they are written."""

import copy
import random
from collections import Counter

import forged_balls  # noqa: F401 - it registers forgeries and rewritings
import forged_branches  # noqa: F401 - so does it
import forged_epochs  # noqa: F401 - this one as well
import forged_kinks  # noqa: F401 - so does it
import forged_lists  # noqa: F401 - so does it
import forged_minima  # noqa: F401 - so does it
import forged_single_zeros  # noqa: F401 - and it
import forged_zeros_over  # noqa: F401 - this one too
import pytest
from bases import MAKERS, base
from forgeries import FORGERIES, signed
from rewritings import REWRITINGS

from adamsym.checker import check_certificate
from adamsym.expressions.errors import InputError

OPERATIONS = 3_000_000
OPERATIONS_OVER_RANGES = 60_000_000
"""For what is said of ranges of a parameter, which has up to 850 proofs. Short of that all would be undecided."""

DEAR = {
    *("many minibatches", "one zero of many minibatches"),
    *("defaults", "pairs", "two zeros", "plane", "saddle", "game", "cluster by faces"),
    *(
        "function of the game",
        "AdamW",
        "RMSprop",
        "NAdam",
        "eps inside",
        "NAdam by enclosure",
        "AdamW at a minimum",
        "strong decay",
        "one zero of the game",
        "branch over beta1",
        "branch over a probability",
        "branch of the game",
        "zeros over beta2",
        "zeros over a fold",
        "zeros beside a fold",
        "branch around a fold",
        "branch with a Hopf point",
    ),
}
"""Bases of which a check takes a second or more: left to the long run, with what is forged of them alone."""


FEW = ("by sign", "eps inside by sign", "by minimum")
"""Bases that the slow arithmetic checks by default."""

in_either = pytest.mark.parametrize("slow", [False, True], ids=["balls", "mpmath"])


def drawn(table, count, seed):
    """Changed certificates, one after the other of each function in the table: base, function, certificate."""
    rng = random.Random(seed)
    turns = [(name, function) for name in MAKERS for function in table[base(name).kind]]
    rng.shuffle(turns)
    made = 0
    while made < count:
        before = made
        for name, function in turns:
            content = changed(name, function, rng)
            if content is not None:
                made += 1
                yield name, function, content
                if made == count:
                    return
        assert made > before


def covering(table, seed, left_out=frozenset()):
    """One certificate by each function of the table that applies to a base, and one of each base."""
    rng, uses = random.Random(seed), Counter()
    for kind, functions in table.items():
        names = [name for name in MAKERS if name not in left_out and base(name).kind == kind]
        for function in functions:
            # In a few tries, since not every draw is false for sure.
            order = sorted(names, key=lambda name: (uses[name], rng.random()))
            tries = ((name, changed(name, function, rng)) for _ in range(5) for name in order)
            name, content = next(((name, content) for name, content in tries if content is not None), (None, None))
            if name is None:
                continue
            uses[name] += 1
            yield name, function, content
        for name in names:
            if not uses[name]:
                tries = ((function, changed(name, function, rng)) for _ in range(5) for function in functions)
                function, content = next((function, content) for function, content in tries if content is not None)
                yield name, function, content


def changed(name, function, rng):
    """A base's certificate, changed and signed anew; None where the function does not apply."""
    source = base(name)
    content = function(source, copy.deepcopy(source.content), rng)
    return None if content is None or content == source.content else signed(content)


def operations_for(content):
    """The budget in which the originals of a kind are proven."""
    return OPERATIONS_OVER_RANGES if content["kind"] in {"branch", "zeros over parameters"} else OPERATIONS


def outcome(content, slow):
    """How a check ends: valid, not valid, undecided, or refused as malformed."""
    try:
        found = check_certificate(content, operations=operations_for(content), slow=slow)
    except InputError:
        return "malformed"
    assert not (found.valid and found.undecided)
    return "valid" if found.valid else "undecided" if found.undecided else "not valid"


def assert_none_is_accepted(forged, slow):
    outcomes = Counter()
    for name, function, content in forged:
        found = outcome(content, slow)
        assert found != "valid", (name, function.__name__, content)
        outcomes[found] += 1
    # They are rejected for what they say, not for how they are written or for the work that they take.
    assert outcomes["not valid"] > 0.9 * outcomes.total() > 0, outcomes


def assert_all_are_accepted(rewritten, slow):
    for name, function, content in rewritten:
        found = check_certificate(content, operations=operations_for(content), slow=slow)
        assert found.valid, (name, function.__name__, found.reason, content)


@pytest.mark.slow
@pytest.mark.parametrize(("table", "seed"), [(FORGERIES, 1), (REWRITINGS, 2)])
def test_all_functions_and_bases_are_drawn(table, seed):
    found = [(name, function) for name, function, _ in covering(table, seed)]
    assert {name for name, _ in found} == set(MAKERS)
    assert {function for _, function in found} == {function for functions in table.values() for function in functions}


def test_no_forgery_is_accepted():
    forged = list(covering(FORGERIES, seed=1, left_out=DEAR))
    assert len({name for name, _, _ in forged}) == len(MAKERS) - len(DEAR)
    assert len({function for _, function, _ in forged}) >= 25
    assert_none_is_accepted(forged, slow=False)


def test_every_rewriting_is_accepted():
    rewritten = list(covering(REWRITINGS, seed=2, left_out=DEAR))
    assert len({name for name, _, _ in rewritten}) == len(MAKERS) - len(DEAR)
    assert_all_are_accepted(rewritten, slow=False)


def test_some_are_told_apart_by_the_slow_arithmetic():
    rng = random.Random(6)
    tries = [(name, function) for name in FEW for function in FORGERIES[base(name).kind]]
    forged = [(name, function, changed(name, function, rng)) for name, function in tries]
    assert_none_is_accepted([one for one in forged if one[2] is not None], slow=True)
    assert all(outcome(base(name).content, slow=True) == "valid" for name in FEW)


@pytest.mark.slow
@in_either
@pytest.mark.parametrize("name", MAKERS)
def test_the_originals_are_accepted(name, slow):
    assert outcome(base(name).content, slow) == "valid"


@pytest.mark.slow
@in_either
def test_no_forgery_is_accepted_of_thousands(slow):
    assert_none_is_accepted(drawn(FORGERIES, 500 if slow else 2000, seed=3), slow)


@pytest.mark.slow
@in_either
def test_every_rewriting_of_hundreds_is_accepted(slow):
    assert_all_are_accepted(drawn(REWRITINGS, 200, seed=5), slow)
