"""Certificates of the examples are valid in both arithmetics, and false ones about them in neither."""

import json
from functools import cache
from pathlib import Path

import pytest
from forgeries import signed

from adamsym.certify import certificate, certify_lyapunov, find_zeros
from adamsym.checker import check_certificate
from adamsym.field import AdamField
from adamsym.gradients.reading import read_problem

EXAMPLES = Path(__file__).parents[2] / "examples"
LONG = pytest.mark.slow
SEARCHES = [
    ("three_points", find_zeros, [[-5, 5]]),
    ("three_points", certify_lyapunov, [[1.5, 4]]),
    ("hyperbola", certify_lyapunov, [[0.5, 2], [0.5, 2]]),
    ("parabola_or_sine", certify_lyapunov, [[-1, 2.5]]),
    pytest.param("parabola_or_sine", find_zeros, [[-1, 5]], marks=LONG),
    pytest.param("noisy_rotation", find_zeros, [[-1, 1], [-1, 1.1]], marks=LONG),
    pytest.param("damped_game", find_zeros, [[-1, 1], [-1, 1.1]], marks=LONG),
    pytest.param("diabetes_mean", certify_lyapunov, [[2.5, 4]], marks=LONG),
    pytest.param("iris_logistic", certify_lyapunov, [[1, 1.01], [1, 1.01], [0, 0.01]], marks=LONG),
    pytest.param("diabetes_regression", certify_lyapunov, [[2, 2.01], [1, 1.01], [1, 1.01]], marks=LONG),
    pytest.param("neuron", find_zeros, [[-3, 3], [-4, 4]], marks=LONG),
]


@cache
def made(example, search, box):
    file = read_problem(EXAMPLES / f"{example}.toml")
    found = search(AdamField(file.problem, file.adam), json.loads(box))
    return json.loads(json.dumps(certificate(found)))


def opposite(content):
    """Something else than what is proven, by the same means."""
    if content["kind"] == "zeros":
        wrong = {"attracting": "repelling", "repelling": "saddle", "saddle": "attracting", "undecided": "attracting"}
        for zero in content["zeros"]:
            zero["stability"] = wrong[zero["stability"]]
    elif content["verdict"] == "certified":
        # Twice as much may be true: of halves the checker proves more.
        content["rate"] = 100 * (content["rate"] or 1)
    else:
        _, high = content["witness"]["bounds"]
        content["witness"]["bounds"] = [high, 2 * high]
    return content


@pytest.mark.parametrize("slow", [False, True], ids=["balls", "mpmath"])
@pytest.mark.parametrize(("example", "search", "box"), SEARCHES)
def test_certificates_of_examples_are_valid_and_false_ones_not(example, search, box, slow):
    content = made(example, search, json.dumps(box))
    found = check_certificate(content, slow=slow)
    assert found.valid, found.reason
    if example != "neuron":
        false = check_certificate(signed(opposite(json.loads(json.dumps(content)))), slow=slow)
        assert not false.valid
        assert not false.undecided
