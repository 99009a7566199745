"""The constants of a bound over a box, found once for all commands and pictures that ask for the same ones."""

import importlib
import json
from contextlib import contextmanager

import pytest

from adamsym.dynamics.bound.hypotheses import hypotheses
from adamsym.gradients.record import problem_record

KNOWN = {}


def found_once(problem, adam, region):
    asked = (json.dumps(problem_record(problem, adam)), region.tobytes())
    if asked not in KNOWN:
        KNOWN[asked] = hypotheses(problem, adam, region)
    return KNOWN[asked]


@contextmanager
def constants_found_once():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("adamsym.dynamics.pseudo_trajectory"), "hypotheses", found_once)
        yield
