"""A Lyapunov function of the user's own, for a field that has no loss: certified, refuted, or undecided."""

import json
from pathlib import Path

import numpy as np
import pytest

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    InputError,
    VectorField,
    certificate,
    certify_lyapunov,
    check_certificate,
)
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.lyapunov.given_function import GivenFunctionTask
from adamsym.certify.outcomes import Decrease

LAW = Empirical({"p": [1, 1, -2], "q": [0, 1, -1]})
ADAM = Adam("0.5", "0.9", "0.1")


def game(lyapunov):
    return AdamField(VectorField(["x + y + p", "y - x + q"], ["x", "y"], LAW, lyapunov=lyapunov), ADAM)


def slope(field, gradient, points):
    return (gradient(points) * field(points)).sum(axis=-1)


def inside(region, count=200):
    return np.random.default_rng(1).uniform(*np.array(region, dtype=float).T, size=(count, 2))


def test_a_function_that_decreases_is_certified():
    field, region = game("x**2 + y**2"), [[0.5, 1.0], [0.25, 0.75]]
    found = certify_lyapunov(field, region)
    assert found.verdict == "certified"
    assert (slope(field, lambda theta: 2 * theta, inside(region)) < 0).all()
    content = certificate(found)
    assert (content["kind"], content["function"]) == ("lyapunov function", "x**2 + y**2")
    assert "lyapunov" not in content["problem"]


def test_the_mean_of_a_function_of_the_data_counts():
    """E (x + p)**2 = x**2 + E p**2, as E p = 0: the same slope."""
    region = [[0.5, 0.75], [0.5, 0.75]]
    found = certify_lyapunov(game("(x + p)**2 + y**2"), region)
    assert found.verdict == "certified"


def test_one_that_increases_is_refuted_with_a_witness():
    found = certify_lyapunov(game("-x**2 - y**2"), [[0.5, 1.0], [0.25, 0.75]])
    assert found.verdict == "refuted"
    low, high = found.witness_bounds
    exact = slope(game(None), lambda theta: -2 * theta, found.witness)
    assert 0 < low - 1e-12 <= exact <= high + 1e-12
    # Of the function with the other sign the point is no witness.
    wrong = json.loads(json.dumps(certificate(found)))
    wrong["function"] = "x**2 + y**2"
    verdict = check_certificate(wrong, digest=False)
    assert not verdict.valid
    assert verdict.reason.endswith("<grad V, f> is not proven positive at the witness")


@pytest.mark.slow
def test_a_box_with_a_zero_is_never_decided():
    """Of symmetric data, whose field is odd: 0 is the zero, and V is least there."""
    law = Empirical({"p": [1, -1]})
    field = AdamField(VectorField(["x + y + p", "y - x + p"], ["x", "y"], law, lyapunov="x**2 + y**2"), ADAM)
    found = certify_lyapunov(field, [[-0.5, 0.5], [-0.5, 0.5]], budget=250)
    assert found.verdict == "undecided"
    assert any(all(low <= 0 <= high for low, high in box) for box in found.undecided)
    assert 0.5 < found.share < 1
    for box, outcome in found.leaves:
        if isinstance(outcome, Decrease):
            assert (slope(field, lambda theta: 2 * theta, inside(box, 20)) < 0).all()


@pytest.mark.slow
def test_one_whose_minimum_is_beside_the_zero_is_refuted_between_them():
    field = game("(x + 1/24)**2 + (y + 1/24)**2")
    found = certify_lyapunov(field, [[-0.5, 0.5], [-0.5, 0.5]], budget=600)
    assert found.verdict == "refuted"
    assert 0 < slope(field, lambda theta: 2 * (theta + 1 / 24), found.witness) <= found.witness_bounds[1] + 1e-12
    assert (np.abs(found.witness + 1 / 48) < 1 / 48).all()


def test_a_task_knows_its_function():
    function = FieldFunction(game("x**2 + y**2"))
    start = ((0.5, 1.0), (0.25, 0.75))
    tasks = [GivenFunctionTask(function, start, (), text) for text in ("x**2 + y**2", "x**2 + 2*y**2")]
    assert tasks[0].identity != tasks[1].identity
    rebuild, arguments = tasks[0].__reduce__()
    assert rebuild(*arguments).identity == tasks[0].identity
    assert json.dumps(tasks[0].problem.text) == '"x**2 + y**2"'


@pytest.mark.parametrize(
    ("text", "message"),
    [("x**2", "does not depend on the parameter y"), ("Abs(x) + y", "problem.lyapunov: Abs"), ("x + w + y", "'w'")],
)
def test_functions_that_are_none_are_refused(text, message):
    with pytest.raises(InputError, match=message) as caught:
        game(text)
    assert str(caught.value).startswith("problem.lyapunov")


def test_the_command_writes_a_certificate_that_checks(tmp_path, monkeypatch, capsys):
    from adamsym.__main__ import main

    text = (Path(__file__).parents[2] / "examples" / "damped_game.toml").read_text()
    (tmp_path / "game.toml").write_text(text.replace("[data]", 'lyapunov = "x**2 + y**2"\n[data]'))
    monkeypatch.chdir(tmp_path)
    assert main(["lyapunov", "game.toml", "--box", "x=0.8:0.82,y=0.4:0.42", "-o", "region.json"]) == 0
    assert "certified" in capsys.readouterr().out
    assert main(["check", "region.json", "--workers", "1"]) == 0
    assert capsys.readouterr().out == "valid: all 1 proofs hold\n"
