"""A local server: a position that is asked for is answered by number, then certified; in a browser too."""

import json
import re
import subprocess
import sys
from concurrent.futures import Future

import numpy as np
import pytest
from bokeh.document import Document
from devtools import Browser

from adamsym import Adam, AdamField, Empirical, Problem, explore, find_zero
from adamsym.explorer.bokeh_server import Session

PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
FIELD = AdamField(PROBLEM, Adam("0.5", "0.9", "0.01"))


class Later:
    """An executor whose tasks run when they are told to."""

    def __init__(self):
        self.tasks = []

    def submit(self, function, *arguments):
        future = Future()
        self.tasks.append((future, function, arguments))
        return future

    def run(self, number):
        future, function, arguments = self.tasks[number]
        future.set_result(function(*arguments))


@pytest.fixture
def opened():
    document, executor = Document(), Later()
    values = {"beta2": ["0.9", "0.9999"], "beta1": ["0.5"], "batch_size": [1]}
    session = Session(explore(FIELD, [[-5, 5]], values=values, time=0.5), document, executor)
    return session, document, executor


def answer(document):
    return json.loads(document.get_model_by_name("answer").data["text"][0])


def told(document):
    """Run what waits for the next turn of the loop."""
    for one in list(document.session_callbacks):
        document.remove_next_tick_callback(one)
        one.callback()


def ask(document, position):
    document.get_model_by_name("asked").data = {"position": position}


def test_a_position_is_answered_by_number_and_then_certified(opened):
    session, document, executor = opened
    own = document.get_model_by_name("asked").data["position"]
    ask(document, [3, *own[1:]])
    beta2 = session._fine.sliders[0].axis.values[3]
    expected = find_zero(AdamField(PROBLEM, Adam("0.5", beta2, "0.01")), [1.0]).theta
    assert document.get_model_by_name("zeros_columns").data["x"] == pytest.approx(expected, abs=1e-9)
    assert answer(document)["words"]["verdict"] == ""
    executor.run(1)
    told(document)
    words = answer(document)["words"]
    assert words["verdict"] == "certified"
    assert f"β₂ = {float(beta2)!r}" in words["proof"]
    assert document.get_model_by_name("certified_columns").data["x"] == pytest.approx(expected, abs=1e-9)


def test_a_verdict_for_another_position_is_not_shown(opened):
    _, document, executor = opened
    own = document.get_model_by_name("asked").data["position"]
    ask(document, [3, *own[1:]])
    ask(document, [30, *own[1:]])
    executor.run(1)
    told(document)
    assert answer(document)["words"]["verdict"] == ""
    assert len(document.get_model_by_name("certified_columns").data["x"]) == 0
    executor.run(2)
    told(document)
    assert answer(document)["words"]["verdict"] == "certified"


def test_with_an_entry_of_the_data_the_minimum_moves_too():
    document, executor = Document(), Later()
    values = {"beta2": ["0.9"], "beta1": ["0.5"], "data.x[2]": [-1, 5]}
    session = Session(explore(FIELD, [[-5, 5]], values=values, time=0.5), document, executor)
    entries = [slider for slider in session._fine.sliders if slider.name == "data.x[2]"]
    assert len(entries[0].axis.values) > 90
    own = document.get_model_by_name("asked").data["position"]
    assert document.get_model_by_name("rests_columns").data["x"] == pytest.approx([1], abs=1e-9)
    ask(document, [*own[:-1], 20])
    entry = entries[0].axis.values[20]
    changed = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, entry]})), FIELD.adam)
    expected = find_zero(changed, [1.0]).theta
    assert document.get_model_by_name("rests_columns").data["x"] == pytest.approx([float(entry / 3)], abs=1e-9)
    assert document.get_model_by_name("zeros_columns").data["x"] == pytest.approx(expected, abs=1e-9)
    assert f"{float(entry / 3):.5g}"[:5] in document.get_model_by_name("close_x_axis").axis_label
    executor.run(1)
    told(document)
    assert (
        f"data.x[2] = {float(entry)!r} and theta in [-5, 5]: certified: exactly 1" in answer(document)["words"]["proof"]
    )


def test_a_position_that_is_none_changes_nothing(opened):
    _, document, _ = opened
    before = np.array(document.get_model_by_name("zeros_columns").data["x"])
    for position in ([], [0], [10**6, 0, 0, 0], [-1, 0, 0, 0]):
        ask(document, position)
        assert (document.get_model_by_name("zeros_columns").data["x"] == before).all()


FILE = """
[problem]
loss = "(theta - x)**2/2"
parameters = ["theta"]
[data]
x = [0, 0, 3]
[adam]
beta1 = 0.5
beta2 = 0.9
eps = 0.01
"""


UNTIL = """
new Promise(done => {
  const look = () => window.adamsym?.shown?.words.%s ? done(adamsym.shown.words.state) : setTimeout(look, 5);
  look();
})
"""


@pytest.mark.slow
def test_in_a_browser(tmp_path):
    (tmp_path / "problem.toml").write_text(FILE)
    command = [sys.executable, "-m", "adamsym", "explore", "problem.toml", "--box", "theta=-5:5", "--port", "0"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    browser = Browser(tmp_path)
    try:
        address = next(found[1] for line in process.stderr if (found := re.search(r"(http://localhost:\S+)", line)))
        browser.open(address)
        assert "β₂ = 0.9," in browser.run(UNTIL % "verdict === 'certified'")
        browser.run("document.getElementById('slider-beta2').focus()")
        browser.press("Home", 36)
        browser.run(UNTIL % "verdict === ''")
        assert "β₂ = 0.9999," in browser.run(UNTIL % "verdict === 'certified'")
        expected = find_zero(AdamField(PROBLEM, Adam("0.5", "0.9999", "0.01")), [1.0]).theta[0]
        [row] = browser.run("adamsym.shown.rows")
        assert float(row[0]) == pytest.approx(expected, abs=1e-9)
        assert browser.console == []
        assert all(one.startswith(("data:", "http://localhost:")) for one in browser.requests)
    finally:
        browser.close()
        process.terminate()
        process.wait()
        process.stderr.close()
