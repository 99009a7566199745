"""Boxes that searches exclude by the mean gradient: few enclosures of f are left; the checker repeats the proofs."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from adamsym import Adam, AdamField, Empirical, Problem, find_zeros, read_problem
from adamsym.certify import certificate
from adamsym.certify.zeros import interval_search
from adamsym.checker import check_certificate
from adamsym.methods import AdamW

EXAMPLES = Path(__file__).parents[2] / "examples"
ROWS = Empirical({"x": ["0.3", "-1.2", "0.7", "1.9"], "y": [1, "-0.5", "0.2", 2]})
LOGISTIC = "softplus(a + b*x + c*y) - (1 - x)*(a + b*x + c*y)/2 + (a**2 + b**2 + c**2)/5"
BOX = [[-3, 3], [-3, 3.5], [-2, 3]]


def searched(method):
    found = find_zeros(AdamField(Problem(LOGISTIC, ["a", "b", "c"], ROWS), method), BOX)
    return found, json.loads(json.dumps(certificate(found)))


def pulls(leaf):
    """Whether decay pulls a coordinate against the way that the proof needs, by the mean gradient at the midpoint."""
    box, y = np.array(leaf["box"]), np.array(leaf["direction"])
    mean = Problem(LOGISTIC, ["a", "b", "c"], ROWS).gradient(box.mean(axis=1))
    pushed = y * np.sign(y @ mean)
    return bool(((pushed > 0) & (box[:, 0] < 0) | (pushed < 0) & (box[:, 1] > 0)).any())


def test_nearly_all_boxes_are_excluded_without_an_enclosure():
    found, content = searched(Adam())
    assert found.complete
    assert len(found.zeros) == 1
    kinds = Counter(leaf["by"] for leaf in content["leaves"])
    assert kinds["gradient"] > 10
    assert kinds["direction"] < 0.1 * kinds["gradient"]
    # Linear forms of several coordinates among them, which the sign lemma knows nothing of.
    assert sum(np.count_nonzero(leaf["direction"]) > 1 for leaf in content["leaves"] if leaf["by"] == "gradient") > 5
    check = check_certificate(content)
    assert check.valid, check.reason


def test_with_decay_only_those_count_that_decay_does_not_pull_back(monkeypatch):
    method = AdamW("0.9", "0.99", "1e-3", weight_decay="0.05")
    found, content = searched(method)
    leaves = [leaf for leaf in content["leaves"] if leaf["by"] == "gradient"]
    assert found.complete
    assert len(leaves) > 1
    assert not any(map(pulls, leaves))
    # The control: without that condition the search finds more, which the checker refuses.
    monkeypatch.setattr(interval_search, "_drift_agrees", lambda pushed, boxes: np.ones(len(boxes), dtype=bool))
    _, careless = searched(method)
    assert any(pulls(leaf) for leaf in careless["leaves"] if leaf["by"] == "gradient")
    check = check_certificate(careless)
    assert not check.valid
    assert "sign lemma" in check.reason


@pytest.mark.slow
def test_a_neuron_with_an_offset_is_searched_and_checked():
    given = read_problem(EXAMPLES / "neuron.toml")
    problem = Problem("(a*tanh(b*x) + c - y)**2/2", ["a", "b", "c"], given.problem.law)
    found = find_zeros(AdamField(problem, given.adam), [[-3, 3], [-4, 4], [-3, 3]])
    assert found.complete
    assert len(found.zeros) == 3
    assert found.examined < 6000
    assert check_certificate(json.loads(json.dumps(certificate(found)))).valid
