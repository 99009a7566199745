"""What an exploration shows, without a browser: zeros and distances by number, sliders, verdicts, refusals."""

import pickle
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    Independent,
    InputError,
    Problem,
    RMSprop,
    VectorField,
    explore,
    find_zero,
    find_zeros,
)
from adamsym.__main__ import main
from adamsym.explorer.bokeh_page import reproducible, views_of
from adamsym.explorer.captions import CERTIFIED, DESCENT, FIELD, LINES, RUN, captions
from adamsym.explorer.points import zeros_in_plane, zeros_on_line
from adamsym.explorer.scene import distance_between, zeros_from_seeds
from adamsym.explorer.sliders import finer
from adamsym.explorer.view import proof_text, view_of

LOSS = "(theta - x)**2/2"
LAW = Empirical({"x": [0, 0, 3]})
THREE = AdamField(Problem(LOSS, ["theta"], LAW), Adam("0.5", "0.9", "0.01"))
BOX = [[-5, 5]]
PLANE = AdamField(Problem("(a - x)**2/2 + (b - a*x)**2/4", ["a", "b"], LAW), Adam("0.5", "0.9", "0.01"))


def matches(found, proven):
    """Whether zeros by number are exactly those that are proven."""
    boxes = [zero.box for zero in proven]
    inside = [[bool(((box[:, 0] - 1e-9 <= x) & (x <= box[:, 1] + 1e-9)).all()) for box in boxes] for x in found]
    return len(found) == len(boxes) and all(map(any, inside)) and all(map(any, zip(*inside, strict=True)))


@settings(max_examples=5)
@given(
    st.lists(st.integers(-3, 3), min_size=3, max_size=5),
    st.sampled_from(["0.3", "0.7", "0.9", "0.99"]),
    st.sampled_from(["0.01", "0.5"]),
)
def test_zeros_by_number_are_those_that_are_proven(x, beta2, eps):
    field = AdamField(Problem(LOSS, ["theta"], Empirical({"x": x})), Adam("0.5", "0.9", "0.1"))
    explorer = explore(field, [[-4.03, 4.01]], start=[1.0])
    scene = explorer.scene(beta2=beta2, eps=eps)
    moved = AdamField(field.problem, Adam("0.5", beta2, eps))
    proven = find_zeros(moved, explorer.landscape.box, budget=2_000)
    assert proven.complete
    assert matches([zero.theta for zero in scene.zeros], proven.zeros)
    assert not matches([zero.theta + 1e-6 for zero in scene.zeros], proven.zeros)
    assert [zero.kind for zero in scene.zeros] == [zero.stability for zero in proven.zeros]
    assert explorer.landscape.reference == pytest.approx([np.mean(x)], abs=1e-12)
    found = find_zero(moved, [1.0])
    assert scene.distance == pytest.approx(abs(found.theta[0] - np.mean(x)), abs=1e-9)


def test_zeros_in_a_plane():
    explorer = explore(PLANE, [[-2, 3], [-2, 6]], start=[2.0, 1.0], time=1.0)
    scene, verdict = explorer.scene(), explorer.certify()
    assert verdict.verdict == "certified"
    assert [zero.kind for zero in scene.zeros] == ["attracting"]
    assert np.abs(verdict.zeros - scene.zeros[0].theta).max() < 1e-8
    assert scene.distance == pytest.approx(find_zero(PLANE, [1.0, 1.0]).critical_point.distance, rel=1e-6)


@pytest.mark.slow
def test_all_zeros_of_three_parameters_that_starts_over_the_plane_lead_to():
    """Coordinates of this field do not depend on each other: its zeros are proven on the line of the first."""
    well = "(a**2 - 1)**2/4 + a*x/10"
    adam, law = Adam("0.5", "0.9", "0.1"), Empirical({"x": [-1, 1]})
    names = ["a", "b", "c"]
    field = AdamField(Problem(f"{well} + (b - x)**2/2 + (c - x - 1)**2/2", names, law), adam)
    explorer = explore(field, [[-2, 2], [-2, 2]], start=[1.1, 0.1, 1.1], time=0.1, values={"batch_size": [1]})
    zeros, verdict = zeros_from_seeds(explorer.landscape, field), explorer.certify()
    proven = find_zeros(AdamField(Problem(well, ["a"], law), adam), [[-2, 2]], budget=2_000)
    assert proven.complete
    assert len(proven.zeros) == 3
    assert matches([zero.theta[:1] for zero in zeros], proven.zeros)
    assert all(np.abs(zero.theta[1:] - [0, 1]).max() < 1e-9 for zero in zeros)
    assert [zero.kind for zero in zeros] == ["attracting", "attracting", "saddle"]
    assert verdict.verdict == "certified"
    assert verdict.text.startswith("certified: 3 zeros near points found by number, and there may be others: a = ")
    assert np.abs(verdict.zeros - [zero.theta for zero in zeros]).max() < 1e-8
    assert "searched" not in verdict.text
    boxed = explore(field, [[-2, 2], [-1, 1], [0, 2]], start=[1.1, 0.1, 1.1], time=0.1, values={"batch_size": [1]})
    assert len(boxed.landscape.seeds) == len(explorer.landscape.seeds) + 8
    whole = boxed.certify()
    assert whole.text.startswith("certified: exactly 3 zeros in the box: a = ")
    assert sorted(whole.zeros[:, 0]) == pytest.approx(sorted(zero.midpoint[0] for zero in proven.zeros), abs=1e-8)
    assert " and a in [-2, 2] and b in [-1, 1] and c in [0, 2]: certified" in proof_text(boxed.landscape, whole)
    left = explore(field, [[-2, 2], [-1, 1], [0, 2]], start=[1.1, 0.1, 1.1], time=0.1, budget=3).certify()
    assert left.verdict == "undecided"
    assert "By other means: certified: 3 zeros near points found by number, and there may be others" in left.text
    fewer = explore(field, [[0.9, 1.2], [-2, 2]], start=[1.1, 0.1, 1.1], time=0.1, values={"batch_size": [1]})
    assert not matches([zero.theta[:1] for zero in zeros_from_seeds(fewer.landscape, field)], proven.zeros)


def test_distances_that_are_rounding_are_none():
    assert distance_between(np.array([3.0, 4e-13]), np.array([3.0, 0.0])) == 0
    assert distance_between(np.array([3.0, 4e-12]), np.array([3.0, 0.0])) == 4e-12


def test_two_zeros_between_points_of_the_grid_are_not_seen_and_jumps_are_told_from_zeros():
    places = np.linspace(-1, 1, 5)

    def parabola(theta):
        return (theta - 0.1) * (theta - 0.2)

    assert zeros_on_line(parabola, places, parabola(places)) == []
    fine = np.linspace(-1, 1, 22)
    found = zeros_on_line(parabola, fine, parabola(fine))
    assert [round(zero.theta[0], 12) for zero in found] == [0.1, 0.2]
    assert [zero.kind for zero in found] == ["attracting", "repelling"]
    [jump] = zeros_on_line(lambda theta: np.sign(0.3 - theta), places, np.sign(0.3 - places))
    assert jump.jumps
    assert jump.kind == "attracting"


def test_zeros_in_the_plane_of_a_known_function():
    def function(z):
        return np.stack([1 - z[:, 0] ** 2, z[:, 0] * z[:, 1] - 0.5], axis=1)

    def jacobian(z):
        zero = np.zeros(len(z))
        return np.stack([np.stack([-2 * z[:, 0], zero], 1), np.stack([z[:, 1], z[:, 0]], 1)], axis=1)

    axes = np.linspace(-2, 2, 10)
    points = np.stack(np.meshgrid(axes, axes, indexing="ij"), axis=-1)
    found = zeros_in_plane(function, jacobian, points, function(points.reshape(-1, 2)).reshape(points.shape))
    at = {tuple(zero.theta.round(9)): zero.kind for zero in found}
    assert at == {(1.0, 0.5): "saddle", (-1.0, -0.5): "saddle"}
    beside = points + 10
    assert zeros_in_plane(function, jacobian, beside, function(beside.reshape(-1, 2)).reshape(points.shape)) == []
    # A cell changes signs, but the derivative is no number.
    assert zeros_in_plane(function, lambda z: np.nan * jacobian(z), points, points) == []


def test_the_minimum_may_leave_the_plane_that_is_drawn_as_an_entry_moves():
    problem = Problem("(a - x)**2/2 + (b - x)**2", ["a", "b"], Empirical({"x": [0, 0, 3]}))
    explorer = explore(AdamField(problem, THREE.adam), [[-2, 3], [-2, 6]], time=0.1, values={"data.x[2]": [3, 300]})
    shown = [view_of(explorer, explorer.scene(**{"data.x[2]": x}), [], None).points["rests"]["x"] for x in (3, 300)]
    assert list(map(len, shown)) == [1, 0]


def test_sliders_hold_the_problems_own_values_exactly():
    explorer = explore(THREE, BOX, values={"beta2": "0.5:0.99:3", "eps": [1], "batch_size": [1, 2]})
    values = {slider.name: slider.axis.values for slider in explorer.sliders}
    assert values["beta2"][0] == Fraction("0.99")
    assert Fraction("0.9") in values["beta2"]
    assert values["eps"] == (Fraction(1, 100), 1)
    own = {"beta2": Fraction("0.9"), "beta1": Fraction("0.5"), "eps": Fraction(1, 100), "batch_size": 1}
    assert explorer.values(explorer.own) == own
    assert len(explorer.states) == 4 * 3 * 2 * 2
    texts = [slider.text(slider.axis.values[slider.own]) for slider in explorer.sliders]
    assert texts == ["−1.00, β₂ = 0.9", "0.5", "−2.00, ε = 0.01", "1"]


def test_other_methods_have_the_sliders_of_their_numbers():
    explorer = explore(AdamField(THREE.problem, RMSprop(0.9, 0.01)), BOX)
    assert [slider.name for slider in explorer.sliders] == ["beta2", "eps", "batch_size"]


def test_sliders_of_a_server_are_finer():
    for slider in explore(THREE, BOX, values={"batch_size": [1, 4]}).sliders:
        fine = finer(slider)
        assert set(slider.axis.values) <= set(fine.axis.values)
        assert fine.axis.values[fine.own] == slider.axis.values[slider.own]
        assert len(fine.axis.values) > 60 or slider.name == "batch_size"
        assert list(map(fine.scaled, fine.axis.values)) == sorted(map(fine.scaled, fine.axis.values))


def test_where_there_is_no_field_the_page_says_why():
    explorer = explore(THREE, BOX)
    scene = explorer.scene(beta2="0.2")
    assert "beta1**2 = 0.25 must be below beta2 = 0.2" in scene.reason
    view = view_of(explorer, scene, [], explorer.certify(beta2="0.2"))
    assert view.words["headline"].startswith("There is no field here: ")
    assert view.words["verdict"] == "not applicable"
    assert view.rows == []
    other = view_of(explorer, explorer.scene(), [], None)
    assert {name: len(column["y"]) for name, column in view.drawn.items() if "y" in column} == {
        name: len(column["y"]) for name, column in other.drawn.items() if "y" in column
    }


def test_games_are_compared_with_the_zeros_of_their_mean_field():
    game = VectorField(["x + p + y", "y - x + q"], ["x", "y"], Empirical({"p": [1, 1, -2], "q": [0, 1, -1]}))
    explorer = explore(AdamField(game, Adam("0.5", "0.9", "0.01")), [[-1, 1], [-1, 1]], start=[0.9, 0.9], time=0.5)
    assert explorer.landscape.reference == pytest.approx([0, 0], abs=1e-12)
    view = view_of(explorer, explorer.scene(), [], None)
    assert "from the zero of the mean field at x = " in view.words["headline"]


def test_minima_that_are_a_curve_have_no_distance():
    curve = AdamField(
        Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": [1, 2], "y": [1, 2]})), Adam(0.5, 0.9, 0.1)
    )
    explorer = explore(curve, [[0.5, 2], [0.5, 2]], start=[1.5, 1.5], time=0.5)
    assert explorer.landscape.rests
    assert explorer.landscape.reference is None
    assert "are not isolated" in view_of(explorer, explorer.scene(), [], None).words["headline"]
    assert set(captions(explorer)) == {"field", "descent"}
    assert set(captions(explore(PLANE, [[-2, 3], [-2, 6]]))) == {"field", "descent", "close", "curve"}


@pytest.mark.parametrize(("certify", "proofs"), [("own", 1), ("all", 2), ("none", 0)])
def test_each_proof_names_the_position_that_it_is_about(certify, proofs):
    values = {"beta2": ["0.9", "0.99"], "beta1": ["0.5"], "eps": ["0.01"], "batch_size": [1]}
    explorer = explore(THREE, [[-1, 3]], start=[2.0], time=0.1, values=values)
    views = views_of(explorer, certify)
    assert sum(bool(view.words["proof"]) for view in views) == proofs
    for view in views:
        if view.words["proof"]:
            assert view.words["proof"].startswith(
                f"For {view.words['state']} and theta in [-1, 3]: certified: exactly 1"
            )
            [zero], [proven] = view.points["zeros"]["x"], view.points["certified"]["x"]
            assert zero == pytest.approx(proven, abs=1e-9)
    places = [view.points["here"] for view in views]
    assert [round(place["x"][0], 9) for place in places] == [-2.0, -1.0]
    assert [list(view.points["curve"]["y"]) for view in views] == [[float(place["y"][0]) for place in places]] * 2


TWO = {"beta2": ["0.9", "0.99"], "beta1": ["0.5"], "eps": ["0.01"], "batch_size": [1]}


def test_a_page_is_the_same_wherever_its_positions_are_computed():
    explorer = explore(THREE, [[-1, 3]], start=[2.0], time=0.1, values=TWO)
    page = explorer.to_html(certify="all")
    sent = pickle.loads(pickle.dumps(explorer))
    with ThreadPoolExecutor(2) as executor:
        assert sent.to_html(certify="all", executor=executor) == page
    assert explorer.to_html(certify="none") != page
    assert re.findall('"id":"(p[0-9]+)"', page.partition("<body>")[2])[:2] == ["p1", "p2"]


def test_texts_that_look_like_names_of_bokeh_stay():
    one, other = "fb4f7ac6-2c41-4bc5-93a3-ffc617f4558f", "a4b5e2d1-9c41-4bc5-93a3-ffc617f4558f"
    given = (
        f'<body><h1>{other}</h1><div id="{one}" data-root-id="p1017"></div>{{"id":"p1017","text":"p1017"}}'
        f'getElementById(\'{one}\').textContent const render_items = [{{"roots":{{"p1017":"{one}"}}}}];'
    )
    assert reproducible(given) == (
        f'<body><h1>{other}</h1><div id="bokeh-1" data-root-id="p1"></div>{{"id":"p1","text":"p1017"}}'
        'getElementById(\'bokeh-1\').textContent const render_items = [{"roots":{"p1":"bokeh-1"}}];'
    )


@pytest.mark.slow
def test_pages_of_one_and_two_processes_are_the_same_to_the_last_byte(tmp_path, capsys):
    (tmp_path / "problem.toml").write_text(FILE)
    options = ["--box", "theta=-1:3", "--values", "beta1=0.5", "--values", "eps=0.01", "--values", "batch_size=1,2"]
    pages = []
    for workers in ([], ["--workers", "1"], ["--workers", "2"]):
        page = tmp_path / "page.html"
        assert main(["explore", str(tmp_path / "problem.toml"), "-o", str(page), *options, *workers]) == 0
        pages.append(page.read_bytes())
    assert pages[0] == pages[1] == pages[2]


def test_of_continuous_laws_no_entry_is_varied():
    field = AdamField(Problem(LOSS, ["theta"], Independent({"x": "Exponential(2)"})), Adam("0.5", "0.9", "0.1"))
    with pytest.raises(InputError, match=r"over data.x\[0\]: a continuous law has no rows; list rows in \[data\]"):
        explore(field, BOX, values={"data.x[0]": [1, 2]})


def with_data(x, weights=None):
    return AdamField(Problem(LOSS, ["theta"], Empirical({"x": x}, weights)), Adam("0.5", "0.9", "0.01"))


@pytest.mark.parametrize(
    ("values", "changed"),
    [
        ({"data.x[2]": "2.5"}, with_data([0, 0, "2.5"])),
        ({"data.weights[0]": "0.2"}, with_data([0, 0, 3], ["0.2", "0.4", "0.4"])),
    ],
)
def test_a_slider_for_an_entry_of_the_data_moves_the_loss_too(values, changed):
    """All that is shown and proven is of the problem with that entry, also in the plane, and beside other sliders."""
    explorer = explore(THREE, BOX, start=[2.0], values={name: [value] for name, value in values.items()})
    other = explore(changed, BOX, start=[2.0])
    assert len(explorer.states) == 2 * len(explorer.sliders[0].axis.values) * len(explorer.sliders[1].axis.values)
    scene, verdict = explorer.scene(**values), explorer.certify(**values)
    view, expected = view_of(explorer, scene, [], verdict), view_of(other, other.scene(), [], other.certify())
    assert view.rows == expected.rows
    assert view.labels == expected.labels
    assert view.words["headline"] == expected.words["headline"]
    assert view.points["rests"]["x"] == pytest.approx(other.landscape.rests[0].theta)
    assert (verdict.zeros == other.certify().zeros).all()
    [(name, value)] = values.items()
    assert f"{name} = {value} and theta in [-5, 5]: certified: exactly 1 zero" in view.words["proof"]
    own, plain = view_of(explorer, explorer.scene(), [], None), explore(THREE, BOX, start=[2.0])
    assert own.words["headline"] == view_of(plain, plain.scene(), [], None).words["headline"]
    assert own.rows != view.rows
    assert abs(own.drawn["descent"]["y"] - view.drawn["descent"]["y"]).max() > 0.01


def test_entries_are_varied_in_the_plane_and_what_other_sliders_do_not_change_is_drawn_once():
    values = {"beta2": ["0.9"], "beta1": ["0.5"], "data.x[1]": [0, 1]}
    explorer = explore(PLANE, [[-2, 3], [-2, 6]], start=[2.0, 1.0], time=0.1, values=values)
    law = Empirical({"x": [0, 1, 3]})
    changed = AdamField(Problem("(a - x)**2/2 + (b - a*x)**2/4", ["a", "b"], law), PLANE.adam)
    rests = explore(changed, [[-2, 3], [-2, 6]], start=[2.0, 1.0], time=0.1).landscape.rests
    view = view_of(explorer, explorer.scene(**{"data.x[1]": 1}), [], None)
    assert [view.points["rests"]["x"][0], view.points["rests"]["y"][0]] == pytest.approx(rests[0].theta)
    assert {"arrows_descent", "lines_descent"} <= set(view.drawn)
    without = explore(PLANE, [[-2, 3], [-2, 6]], start=[2.0, 1.0], time=0.1)
    assert not {"arrows_descent", "lines_descent"} & set(view_of(without, without.scene(), [], None).drawn)


def test_sliders_of_a_server_for_entries_have_few_digits_on_their_own_scale():
    [*_, slider] = explore(THREE, BOX, values={"data.x[2]": ["3", "3.001"]}).sliders
    fine = finer(slider).axis.values
    assert len(fine) == 101
    assert all(value * 10**6 == int(value * 10**6) for value in fine)


def test_rows_in_epochs_are_not_explored():
    epochs = Problem(LOSS, ["theta"], LAW, sampling="reshuffled")
    with pytest.raises(InputError, match="supposes rows drawn independently"):
        explore(AdamField(epochs, Adam("0.5", "0.9", "0.01")), BOX)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"box": [[5, -5]]}, "box: give a lower and a higher end"),
        ({"box": [[0, 1], [0, 1]]}, "shape (1, 2)"),
        ({"start": [1, 2]}, "theta: shape (2,)"),
        ({"start": [[1], [2]]}, "start: shape (2, 1)"),
        ({"plane": ["a", "b"]}, "--plane: 'a' is no parameter"),
        ({"values": {"beta3": [1]}}, "'beta3' is unknown"),
        ({"values": {"data.y[2]": [1]}}, "over data.y[2]: there is no column y; there are x"),
        ({"values": {"data.x[3]": [1]}}, "over data.x[3]: there is no row 3; there are 3, counted from 0"),
        ({"values": {"data.x": [1]}}, "values data.x: its rows differ; give one of them, such as data.x[0]"),
        ({"values": {"data.weights[2]": ["0.5", "1.5", "0.6"]}}, "over data.weights[2]: 1.5 is not allowed"),
        ({"values": {"data.weights[2]": ["-0.5", "0.5"]}}, "over data.weights[2]: -0.5 is not allowed"),
        ({"values": {"data.weights[1]": ["0.5"], "data.weights[0]": ["0.5"]}}, "it changes what data.weights[1]"),
        ({"values": {"data.x[2]": "1:500:500"}}, "positions of the sliders; allowed are 1,000"),
        (
            {"values": {"data.x[2]": (1, 5)}},
            "data.x[2]: an interval is not allowed; give a list, or low:high:number, such as data.x[2]=1:5:9",
        ),
        ({"values": {"beta2": (0.5, 0.9)}}, "an interval is not allowed"),
        ({"values": {"beta2": [2]}}, "allowed are numbers from 0 on, below 1"),
        ({"values": {"batch_size": [1.5]}}, "allowed are integers from 1 up"),
        ({"values": {"beta2": "0.5:0.9:500"}}, "positions of the sliders; allowed are 1,000"),
        ({"time": -1.0}, "time: -1.0 is not allowed"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_arguments_are_refused(options, words):
    with pytest.raises(InputError, match=re.escape(words)):
        explore(THREE, **options)


def test_wrong_values_are_refused():
    explorer = explore(THREE, BOX)
    with pytest.raises(InputError, match="'beta3' has no slider; there are beta2, beta1, eps, batch_size"):
        explorer.scene(beta3=1)
    with pytest.raises(InputError, match="certify: 'some' is not allowed"):
        explorer.to_html(certify="some")
    with pytest.raises(InputError, match="port: 70000 is not allowed"):
        explorer.serve(70_000)


def test_a_page_that_would_be_too_large_is_refused_before_its_fields_are_computed(monkeypatch):
    explorer = explore(THREE, BOX, values={"beta2": "0.3:0.99:200", "beta1": [0.5], "eps": [1], "batch_size": [1]})
    monkeypatch.setattr("adamsym.explorer.packing.MOST_BYTES", 100_000)
    monkeypatch.setattr("adamsym.explorer.exploration.scene_of", None)
    with pytest.raises(InputError, match="make a page of 2 MB; allowed are 0"):
        explorer.to_html()


FILE = f"""
[problem]
loss = "{LOSS}"
parameters = ["theta"]
[data]
x = [0, 0, 3]
[adam]
beta1 = 0.5
beta2 = 0.9
eps = 0.01
"""


@pytest.fixture
def refusal(capsys, tmp_path):
    (tmp_path / "problem.toml").write_text(FILE)

    def command(*options):
        assert main(["explore", str(tmp_path / "problem.toml"), *options]) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1
        return message

    return command


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "page.pdf"], "allowed: .html"),
        (["-o", "page.html", "--certify", "some"], "--certify: 'some' is not allowed"),
        (["--json"], "they go with -o"),
        (["--workers", "2"], "--workers, --cluster: they go with -o"),
        (["-o", "page.html", "--box", "x=0:1"], "--box: 'x' is no parameter"),
        (["-o", "page.html", "--plane", "theta,phi"], "--plane: 'phi' is no parameter"),
        (["-o", "page.html", "--values", "beta2"], "--values: 'beta2' is not allowed"),
        (["-o", "page.html", "--at", "phi=1"], "--at: 'phi' is no parameter"),
    ],
)
def test_wrong_options_are_refused_in_one_line(refusal, options, words):
    assert words in refusal(*options)


def test_without_bokeh_the_command_says_what_to_install(refusal, monkeypatch):
    monkeypatch.setitem(sys.modules, "bokeh", None)
    assert "bokeh: not installed; install adamsym[explore]" in refusal("-o", "page.html")


def luminance(colour):
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [FIELD, DESCENT, LINES, RUN, CERTIFIED])
def test_lines_are_told_from_white(colour):
    assert 1.05 / (luminance(colour) + 0.05) > 4.5
    assert 1.05 / (luminance("#dddddd") + 0.05) < 3
