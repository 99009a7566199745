"""Re-checks of folds, with certificates written by hand: zeros that meet in a pole are no fold."""

import copy
import json

from adamsym import AdamField, AdamW, Empirical, VectorField, check_certificate
from adamsym.certificates.form import digest_of
from adamsym.certify import certificate
from adamsym.checker import folds
from adamsym.continuation import certify_branch

REACH = 0.445
"""Where x = -1/4 the zeros, with theta**2 = -x - x**2 - c, lie between 0.42 and this, and below 0."""


def field(c):
    """A field without memory, of one row, with the sign of -1 - x/(theta**2 + x**2 + c)."""
    text = f"1 + x/(theta**2 + x**2 + {c})"
    return AdamField(VectorField([text], ["theta"], Empirical({"x": ["-1/4"]})), AdamW("0", "0", "1", "0"))


def signed(content):
    return content | {"digest": digest_of(content)}


def meeting_zeros(c):
    """What a branch says whose two zeros meet for some x < 1/4, and are gone there."""
    start = json.loads(json.dumps(certificate(certify_branch(field(c), "data.x[0]", "-0.25001", "-0.25", [0.43]))))
    plain = {"stability": "undecided", "speed": None, "velocity": None, "cells": 1, "slope_parts": 1, "parts": 1}
    first = start["tubes"][0] | plain | {"low": "-1/4", "high": "-1/4", "box": [[0.42, REACH]]}
    turned = [[-entry for entry in row] for row in first["preconditioner"]]
    second = first | {"box": [[-REACH, -0.42]], "preconditioner": turned}
    zeros = [{key: tube[key] for key in ("box", "preconditioner")} for tube in (first, second)]
    fold = {
        "after": 0,
        "present": "-1/4",
        "absent": "1/4",
        "box": [[-1.0, 1.0]],
        "zeros": zeros,
        "at_present": halves(-1.0, 1.0, [zero["box"][0] for zero in zeros]),
        "at_absent": [{"box": [[-1.0, 1.0]], "direction": [1.0]}],
        "border": [{"box": [[end, end]], "direction": [1.0]} for end in (-1.0, 1.0)],
        "parts": 4,
    }
    branch = {"tubes": [first, second], "joints": [], "folds": [fold], "changes": []}
    return start | branch | {"low": "-1/4", "high": "-1/4", "stability": "undecided"}


def halves(low, high, zeros):
    """Parts of an interval by halving, each within that of a zero or outside of all."""
    for k, (start, end) in enumerate(zeros):
        if start <= low and high <= end:
            return [{"box": [[low, high]], "zero": k}]
    if all(end < low or high < start for start, end in zeros) or high - low < 1 / 128:
        return [{"box": [[low, high]], "direction": [1.0]}]
    middle = (low + high) / 2
    return halves(low, middle, zeros) + halves(middle, high, zeros)


def test_zeros_that_meet_in_a_pole_are_no_fold(monkeypatch):
    smooth = meeting_zeros("1/1000")
    assert check_certificate(signed(smooth)).valid
    # With c = 0 both zeros run into the pole at theta = x = 0; f' is nowhere 0.
    pole = copy.deepcopy(smooth)
    pole["problem"]["field"] = ["1 + x/(theta**2 + x**2)"]
    found = check_certificate(signed(pole))
    assert not found.valid
    assert "fold after tube 0: its box" in found.reason
    # Nothing else in the certificate is wrong.
    monkeypatch.setattr(folds, "require_continuous", lambda *_: None)
    assert check_certificate(signed(pole)).valid
