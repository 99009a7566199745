"""With weight decay a point where all rows' gradients vanish is no zero of f, unless it is 0; and signs are others."""

import copy
import json

import pytest
from bases import base
from forgeries import signed

from adamsym.certify import certificate, certify_lyapunov, find_zeros
from adamsym.checker import check_certificate
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import AdamW
from adamsym.methods.record import method_record

NAMELESS = dict.fromkeys(("coordinate", "direction", "zero", "region", "reason"))
SHIFTED = Problem("(theta*x - x)**2/2", ["theta"], Empirical({"x": [1, 2]}))


@pytest.fixture(scope="module")
def decayed_a_little():
    """The zero is 4e-14 left of the minimum 1, in a box with it."""
    field = AdamField(SHIFTED, AdamW("0.5", "0.82", "0.1", "1e-12"))
    return json.loads(json.dumps(certificate(find_zeros(field, [[0.99, 1.02]]))))


def test_the_minimum_beside_a_zero_is_not_the_zero(decayed_a_little):
    content = copy.deepcopy(decayed_a_little)
    [zero] = content["zeros"]
    assert zero["box"][0][0] < 1 < zero["box"][0][1]
    assert zero["critical_point"] != "yes"
    assert check_certificate(content).valid
    zero.update(critical_point="yes", point=["1"])
    assert "the weight decay are proven to be 0" in check_certificate(signed(content)).reason
    # The control: without the decay it is the zero.
    content["problem"]["method"] = method_record(AdamW("0.5", "0.82", "0.1", 0))
    assert check_certificate(signed(content)).valid


def test_a_cluster_around_a_minimum_need_not_hold_a_zero():
    """f < 0 for all theta > 0: each row's gradient is 3 (theta - 1)^2 x >= 0, and the weights decay."""
    content = copy.deepcopy(base("cluster at a point").content)
    [cluster] = content["clusters"]
    content["problem"]["loss"] = "(theta - 1)**3*x"
    leaf = NAMELESS | {"box": [[0.5, 1.5]], "by": "undecided"}
    cluster.update(box=[[0.5, 1.5]], point=["1"])
    content.update(box=[[0.5, 1.5]], leaves=[leaf], zeros=[], beyond=[], complete=False)
    assert check_certificate(signed(content)).valid
    content["problem"]["method"] = method_record(AdamW("0.5", "0.82", "0.1", "0.01"))
    assert "the weight decay are proven to be 0" in check_certificate(signed(content)).reason


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("strong decay", {"by": "sign", "coordinate": 0}),
        ("strong decay", {"by": "gradient", "direction": [-2.0]}),
        ("strong decay refuted", {"by": "sign"}),
    ],
)
def test_the_sign_lemma_alone_proves_nothing_against_the_decay(name, how):
    content = copy.deepcopy(base(name).content)
    if content["kind"] == "zeros":
        leaf = NAMELESS | {"box": content["box"]} | how
        content.update(zeros=[], leaves=[leaf], clusters=[], complete=True)
        reason = "sign lemma"
    else:
        leaf = {"box": content["box"], "by": "sign", "reason": None}
        content.update(leaves=[leaf], witness=None, verdict="certified")
        reason = "not proven"
    assert reason in check_certificate(signed(content)).reason
    # The control: without the decay it does prove this.
    content["problem"]["method"] = method_record(AdamW("0.5", "0.82", "0.1", 0))
    assert check_certificate(signed(content)).valid


@pytest.mark.parametrize("by", ["factor", "minimum"])
def test_factor_and_minimum_prove_nothing_with_decay(by):
    field = AdamField(Problem("(theta*x)**2/2", ["theta"], Empirical({"x": [1, 2]})), AdamW("0.5", "0.82", "0.1", 0))
    content = json.loads(json.dumps(certificate(certify_lyapunov(field, [[-0.25, 0.25]]))))
    for leaf in content["leaves"]:
        leaf["by"] = by
    content.update(rate=None, factor="theta", minima=[["0"]])
    assert check_certificate(signed(content)).valid
    content["problem"]["method"] = method_record(AdamW("0.5", "0.82", "0.1", "0.1"))
    assert f"with weight decay nothing is proven by {by}" in check_certificate(signed(content)).reason
