"""What results have in common: a short repr, a table for notebooks, a dictionary for JSON, one natural picture."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    InputError,
    Problem,
    StepSizeSchedule,
    certify_lyapunov,
    find_zero,
    find_zeros,
    flow,
    increment_test,
    phase_portrait,
    pseudo_trajectory,
    simulate,
)
from adamsym.__main__ import main
from adamsym.expressions.results import Drawable, Result, counted, plain
from adamsym.testing.conformance.checking import Conformance
from adamsym.testing.conformance.recursion import Recursion

ADAM = Adam("0.5", "0.6", "1")
PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
PLANE = Problem("(a - x)**2/2 + b**2", ["a", "b"], Empirical({"x": [0, 0, 3]}))
SPACE = Problem("(a - x)**2/2 + b**2 + c**2", ["a", "b", "c"], Empirical({"x": [0, 0, 3]}))
FIELD = AdamField(PROBLEM, ADAM)
SCHEDULE = StepSizeSchedule("0.05/n**0.7")
BOX = [[0.0, 2.0]]


def everything():
    with ThreadPoolExecutor(1) as executor:
        yield find_zeros(FIELD, BOX, executor=executor), "exactly 1 zero in the box, certified"
        yield find_zeros(FIELD, BOX, budget=1, executor=executor), "0 zeros certified; "
        yield certify_lyapunov(FIELD, [[1.5, 2.0]], executor=executor), "certified: the loss decreases"
        yield certify_lyapunov(FIELD, BOX, budget=2, executor=executor), ""
    yield find_zero(FIELD, [1.0]), "converged: 1 parameter at ("
    yield flow(FIELD, [2.0], [0, 1]), "1 solution in 1 parameter at 2 times; end"
    yield flow(FIELD, [[2.0], [1.0]], [0, 1, 2]), "2 solutions in 1 parameter at 3 times; end"
    yield simulate(PROBLEM, ADAM, SCHEDULE, [2.0], 50, 4, 0), "4 chains in 1 parameter after 50 steps; none diverged"
    yield simulate(PLANE, ADAM, SCHEDULE, [2.0, 1.0], 50, 4, 0), "4 chains in 2 parameters"
    yield pseudo_trajectory(PROBLEM, ADAM, SCHEDULE, [2.0], [10, 50], 0.1, chains=4), "within the bound: 2 of 2 windows"
    yield increment_test(PROBLEM, ADAM, FIELD, StepSizeSchedule("0.001"), [1.5], 20, 0.01, chains=4), "p = "
    yield phase_portrait(FIELD, BOX, 5), "the field on a grid of 5 points in 1 parameter"


@pytest.fixture(scope="module")
def results():
    return list(everything())


def test_every_result_is_short_and_complete(results):
    for found, words in results:
        assert isinstance(found, Result)
        assert repr(found).startswith(f"<{type(found).__name__}: {words}"), repr(found)
        assert len(repr(found)) < 200
        assert "\n" not in repr(found)
        written = json.dumps(found.to_dict(), allow_nan=False)
        assert json.loads(written) == found.to_dict()
        html = found._repr_html_()
        assert html.startswith(f"<p><strong>{type(found).__name__}</strong>: ")


def test_natural_pictures(results):
    for found, _ in results:
        if not isinstance(found, Drawable):
            assert not hasattr(found, "plot")
            continue
        axes = Figure().add_subplot()
        assert found.plot(axes) is axes
        assert axes.has_data(), found
        with pytest.raises(InputError, match="ax: ndarray is no Axes; give Axes, such as"):
            found.plot(np.array([axes]))


def test_a_figure_is_made_where_none_is_given(results):
    axes = results[0][0].plot()
    assert axes.get_figure() is pyplot.gcf()
    pyplot.close(axes.get_figure())


def test_zeros_are_a_table_in_a_notebook(results):
    html = results[0][0]._repr_html_()
    assert "<th>theta</th><th>box width</th><th>stability</th>" in html
    assert "<td>attracting</td>" in html


def test_what_has_no_picture_says_so():
    with pytest.raises(InputError, match="an ensemble in 3 parameters cannot be drawn; one or two can"):
        simulate(SPACE, ADAM, SCHEDULE, [2.0, 1.0, 1.0], 5, 4, 0).plot(Figure().add_subplot())


def test_values_of_the_field():
    found = FIELD.evaluate([2.0])
    assert found.to_dict() == {"field": found.value.tolist(), "error": found.error.tolist()}


def test_a_conformance_is_a_result():
    declared = Recursion(beta1=0.9, beta2=0.999)
    found = Conformance("mine <b>", True, declared, declared, (), None, None)
    assert repr(found) == "<Conformance: mine <b>: conforms>"
    assert "mine &lt;b&gt;" in found._repr_html_()
    assert json.loads(json.dumps(found.to_dict()))["declared"] == repr(declared)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([[1.0, np.nan]]), [[1.0, None]]),
        (np.float64("inf"), None),
        ((1, (2.5, "a")), [1, [2.5, "a"]]),
        (np.array("end"), "end"),
    ],
)
def test_plain_values(value, expected):
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)


def test_counts():
    assert [counted(k, "chain") for k in (0, 1, 2)] == ["0 chains", "1 chain", "2 chains"]


def test_the_command_line_prints_what_to_dict_returns(tmp_path, capsys):
    file = tmp_path / "p.toml"
    file.write_text(
        '[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n[data]\nx = [0, 0, 3]\n'
        "[adam]\nbeta1 = 0.5\nbeta2 = 0.6\neps = 1\n"
    )
    expected = {
        ("zeros", "--box", "theta=0:2"): find_zeros(FIELD, BOX).to_dict(),
        ("flow", "--from", "theta=2", "--time", "1", "--samples", "3"): flow(FIELD, [2.0], [0, 0.5, 1]).to_dict(),
        ("simulate", "--from", "theta=2", "--steps", "5", "--chains", "2"): simulate(
            PROBLEM, ADAM, StepSizeSchedule("0.1/n**0.7"), [2.0], 5, 2, 0
        ).to_dict(),
    }
    for (command, *options), found in expected.items():
        main([command, str(file), *options, "--json"])
        assert json.loads(capsys.readouterr().out) == found
