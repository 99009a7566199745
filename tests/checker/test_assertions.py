"""Each thing that a certificate asserts (docs/certificates.md), once false: it is refused, with a reason of its own."""

import copy
import json
import math
from pathlib import Path

import pytest

from adamsym.certificates.form import digest_of
from adamsym.certify import certificate, certify_lyapunov, find_zeros
from adamsym.checker import check_certificate
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam

CASES = Path(__file__).parents[1] / "cases"
QUICK = Adam("0.5", "0.9", "0.1")
SYMMETRIC = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]})), QUICK)
SKEWED = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), QUICK)
INTERPOLATING = AdamField(Problem("(theta*x)**2/2", ["theta"], Empirical({"x": [1, 2]})), QUICK)


def written(found):
    return json.loads(json.dumps(certificate(found), allow_nan=False))


@pytest.fixture(scope="module")
def contents():
    """True certificates by name."""
    return {
        "inside": written(find_zeros(SYMMETRIC, [[-0.05, 0.1]])),
        "wide": written(find_zeros(SYMMETRIC, [[-0.05, 2]])),
        "beside": written(find_zeros(SYMMETRIC, [[1e-3, 0.1]])),
        "border": written(find_zeros(SYMMETRIC, [[0, 0.1]])),
        "common": written(find_zeros(INTERPOLATING, [[-0.05, 0.1]])),
        "certified": written(certify_lyapunov(SKEWED, [[3, 4]])),
        "refuted": written(certify_lyapunov(SKEWED, [[0.99, 1.01]])),
        "minimum": written(certify_lyapunov(INTERPOLATING, [[-1, 1]])),
        "open": written(certify_lyapunov(SKEWED, [[0.9, 0.9999999]], budget=1)),
    }


def first_leaf(content, by):
    return next(leaf for leaf in content["leaves"] if leaf["by"] == by)


def swap(one, other):
    """Move the first of one list to the other."""

    def change(content):
        content[other].append(content[one].pop())

    return change


def at(*path, **values):
    """Set values at a place."""

    def change(content):
        place = content
        for key in path:
            place = first_leaf(content, key[5:]) if str(key).startswith("leaf ") else place[key]
        place.update(values)

    return change


def decided(verdict, **values):
    """Say of all undecided leaves that they are proven."""

    def change(content):
        for leaf in content["leaves"]:
            if leaf["by"] == "undecided":
                leaf.update(values)
        if content["kind"] == "zeros":
            content.update(complete=True, clusters=[])
        else:
            content.update(verdict=verdict)

    return change


BARE = {"coordinate": None, "direction": None, "zero": None, "region": None}

ZEROS = [
    ("inside", swap("zeros", "beyond"), "lies in it"),
    ("beside", swap("beyond", "zeros"), "not proven to lie in the box"),
    ("border", swap("beyond", "zeros"), "not proven to lie in the box"),
    ("inside", at("zeros", 0, unique=False), "unique"),
    ("inside", at("zeros", 0, midpoint=[1e-30]), "midpoint"),
    ("inside", at("zeros", 0, box=[[1e-12, 1e-10]], midpoint=[1e-12 + (1e-10 - 1e-12) / 2]), "Krawczyk"),
    ("inside", at("zeros", 0, stability="repelling"), "stability"),
    ("inside", at("zeros", 0, stability="saddle"), "stability"),
    ("inside", at("zeros", 0, critical_point="no"), "critical point"),
    ("inside", at("zeros", 0, critical_point="yes"), "critical point"),
    # The mean gradient is 0 there, but not every row's.
    ("inside", at("zeros", 0, critical_point="yes", point=["0"]), "rows' gradients"),
    ("common", at("zeros", 0, critical_point="undecided"), "critical point"),
    ("common", at("zeros", 0, point=["1/7"]), "rows' gradients"),
    ("common", at("zeros", 0, point=["0", "0"]), "number of parameters"),
    ("inside", lambda c: c["zeros"].append(c["zeros"][0]), "may be one"),
    ("beside", lambda c: c["beyond"].append(c["beyond"][0]), "may be one"),
    ("inside", at("zeros", 0, "regions", 0, box=[[-50.0, 50.0]]), "alone in its region"),
    ("inside", at("zeros", 0, "regions", 0, box=[[0.5, 1.0]]), "region of its zero"),
    ("border", at(complete=True), "complete"),
    ("inside", at(complete=False), "complete"),
    # A box that the zero beyond may reach into is no longer decided by it.
    ("border", decided("undecided", by="beyond", zero=0, region=0, reason=None), "may hold a zero"),
    ("border", decided("undecided", by="sign", coordinate=0, reason=None), "sign lemma"),
    ("border", decided("undecided", by="gradient", direction=[1.0], reason=None), "within the sign lemma's"),
    ("border", decided("undecided", by="direction", direction=[1.0], reason=None), "may vanish"),
    ("beside", at("leaf beyond", by="zero"), "names no zero"),
    ("inside", at("leaf zero", by="beyond"), "names no zero"),
    ("inside", at("leaf zero", zero=1), "names no zero"),
    ("inside", at("leaf zero", region=99), "names no zero"),
    ("inside", at("leaf zero", by="undecided", **BARE), "complete"),
    ("inside", at("leaf zero", coordinate=0), "nothing else"),
    ("wide", at("leaf sign", by="zero", coordinate=None, zero=0, region=0), "not within the region"),
    ("wide", at("leaf sign", coordinate=1), "names no coordinate"),
    ("wide", at("leaf sign", by="gradient"), "nothing else"),
    ("wide", at("leaf sign", by="gradient", coordinate=None, direction=[0.0]), "names no direction"),
    ("wide", at("leaf sign", by="gradient", coordinate=None, direction=[1.0, 1.0]), "names no direction"),
    ("wide", lambda c: c["leaves"].pop(), "fill"),
    ("inside", lambda c: c["leaves"].append(c["leaves"][0]), "fill"),
    ("inside", at(box=[[-1.0, 3.0]]), "fill"),
    ("inside", at("problem", "columns", x=["-1", "2"]), "Krawczyk"),
    ("inside", at("problem", "method", "parameters", beta1="9/10", beta2="1/10", eps="1/1000000000"), ""),
]

REGIONS = [
    ("refuted", at("witness", point=[2.0]), "not lie in its box"),
    ("refuted", at("witness", point=[]), "not lie in its box"),
    ("refuted", at("witness", bounds=[1.0, 2.0]), "bounds"),
    ("refuted", at("witness", bounds=[-1.0, 2.0]), "bounds"),
    ("refuted", lambda c: c["witness"].update(bounds=[c["witness"]["bounds"][0]] * 2), "bounds"),
    ("refuted", at(witness=None), "witness"),
    ("refuted", at(verdict="certified"), "verdict"),
    ("refuted", at(verdict="undecided"), "verdict"),
    ("refuted", at("leaf witness", by="undecided"), "witness"),
    ("refuted", at(rate=0.0), "rate"),
    ("open", at(rate=0.0), "rate"),
    ("open", at(verdict="certified"), "verdict"),
    *(("open", decided("certified", by=by, reason=None), "not proven") for by in ("enclosure", "sign", "minimum")),
    # -<grad L, f> is .47607 L at 4.
    ("certified", at(rate=0.48), "rate"),
    ("certified", at(rate=-1.0), "rate"),
    ("certified", at(verdict="refuted"), "verdict"),
    ("certified", at(witness={"point": [2.0], "bounds": [1.0, 2.0]}), "witness"),
    # What no leaf rests on is asserted all the same.
    ("certified", at(minima=[["1"]]), "vanish"),
    ("certified", at(minima=[["1", "2"]]), "number of parameters"),
    ("certified", at(factor="theta"), "divide"),
    ("minimum", at(minima=[["0"], ["1e-200"]]), "vanish"),
    ("minimum", at(factor="theta**2"), "divide"),
    ("minimum", at(factor="0"), "factor"),
]


def refusal(content):
    """Why a certificate is refused."""
    try:
        found = check_certificate(content)
    except InputError as error:
        return str(error)
    assert not found.valid
    return found.reason


@pytest.mark.parametrize(
    ("name", "change", "words"), ZEROS + REGIONS, ids=[str(k) for k in range(len(ZEROS + REGIONS))]
)
def test_what_is_false_is_refused(contents, name, change, words):
    content = copy.deepcopy(contents[name])
    change(content)
    assert content != contents[name]
    content["digest"] = digest_of(content)
    said = refusal(content)
    assert words in said
    assert "digest" not in said


def test_what_is_true_in_other_words_is_accepted(contents):
    """The order of leaves, regions and zeros, wider bounds, smaller rates, weaker statements."""
    for name, content in contents.items():
        other = copy.deepcopy(content)
        other["leaves"] = other["leaves"][::-1]
        other["made_by"] = {"somebody": "else"}
        if other["kind"] == "lyapunov":
            if other["witness"]:
                low, high = other["witness"]["bounds"]
                other["witness"]["bounds"] = [low / 2, 2 * high]
            if other["rate"] is not None:
                other["rate"] /= 2
        else:
            for zero in (*other["zeros"], *other["beyond"]):
                zero.update(stability="undecided")
                if zero["critical_point"] == "no":
                    zero.update(critical_point="undecided")
        other["digest"] = digest_of(other)
        result = check_certificate(other)
        assert result.valid, (name, result.reason)


@pytest.mark.parametrize("case", ["f1_zero_outside", "F2_witness_outside_region"])
def test_certificates_of_the_first_format_are_refused_with_what_to_do(case):
    with pytest.raises(InputError, match=r"format 1 .* make a new one: adamsym (zeros|lyapunov) FILE --box"):
        check_certificate(CASES / f"{case}.json")


@pytest.mark.parametrize("case", ["f1_zero_outside", "F2_witness_outside_region"])
def test_what_was_false_in_them_is_false_in_the_second_format(case):
    """As they were: a zero outside of the box, and a witness outside of the region."""
    content = json.loads((CASES / f"{case}.json").read_text())
    assert content["format"] == "adamsym certificate 1"
    content["format"] = "adamsym certificate 2"
    if content["kind"] == "zeros":
        content.update(beyond=[], clusters=[])
        content["zeros"][0]["point"] = None
    content["digest"] = digest_of(content)
    found = check_certificate(content)
    assert not found.valid
    words = "not proven to lie in the box" if content["kind"] == "zeros" else "witness does not lie in its box"
    assert words in found.reason


def test_the_second_to_last_float_is_enough_to_be_outside(contents):
    """A witness on the border of its box lies in it, one float further it does not."""
    content = copy.deepcopy(contents["refuted"])
    [leaf] = [leaf for leaf in content["leaves"] if leaf["by"] == "witness"]
    low = leaf["box"][0][0]
    content["witness"]["point"] = [math.nextafter(low, -math.inf)]
    assert "not lie" in check_certificate(content, digest=False).reason
    content["witness"]["point"] = [low]
    assert "not lie" not in check_certificate(content, digest=False).reason
