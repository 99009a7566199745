"""Bifurcation diagrams with all that belongs to them, and the report's section of a sweep."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from adamsym import Adam, InputError, RMSprop, read_problem
from adamsym.__main__ import main
from adamsym.continuation import Axis, Branch, BranchPoint, Sweep
from adamsym.continuation.turns import Fold
from adamsym.methods import AdamW
from adamsym.plots import draw_branches, draw_distances, draw_tubes
from adamsym.plots.context import PlotContext
from adamsym.plots.figures import plot
from adamsym.plots.registry import sections
from adamsym.plots.settings import Settings
from adamsym.plots.sweeps import check_varied, values_of
from adamsym.report.collection import Report, joined
from adamsym.report.page import render_page
from adamsym.report.sections import compute_sections, context_of

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
NARROW = Settings(sweep=("beta2", "0.995:0.9955"), certify=True)
ENTRIES = [sections()["branches"], sections()["certified_branch"]]


def pad():
    return Figure().add_subplot()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sweeps") / "three.toml"
    path.write_text(
        '[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n[data]\nx = [0, 0, 3]\n[start]\ntheta = 1\n'
    )
    return path


@pytest.fixture(scope="module", autouse=True)
def few_points():
    """Drawings of few zeros are as good a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("adamsym.plots.context.POINTS", 6)
        yield


@pytest.fixture(scope="module")
def context(file):
    return context_of(read_problem(file), NARROW)


def line(axes, label):
    return next(one for one in axes.lines if one.get_label() == label)


def test_tubes_predictions_and_the_minimum_are_in_one_picture(context):
    axes = pad()
    (drawn,) = draw_branches(axes, context.sweep, certified=[context.branch])
    (branch,) = context.sweep.branches
    assert drawn.get_ydata().tolist() == branch.zeros[:, 0].tolist()
    for label, name in (("leading order in 1 − β₂", "predicted"), ("leading order in 1/B", "batch_predicted")):
        wanted = [getattr(point, name)[0] for point in branch.points]
        assert line(axes, label).get_ydata().tolist() == wanted
    assert line(axes, "critical point of the loss").get_ydata() == pytest.approx(np.ones(len(branch.points)))
    (tubes,) = (one for one in axes.collections if isinstance(one, PolyCollection))
    assert len(tubes.get_paths()) == len(context.branch.tubes)
    # Each zero lies in the tube over its value, as it must.
    for point in branch.points:
        boxes = [path.get_extents() for path in tubes.get_paths()]
        over = [box for box in boxes if box.xmin - 1e-15 <= 1 - point.value <= box.xmax + 1e-15]
        assert any(box.ymin < point.zero[0] < box.ymax for box in over)
    other = replace(context.branch, axis=Axis("eps", (Fraction(1), Fraction(2)), True))
    with pytest.raises(InputError, match="a branch over eps, beside a sweep over beta2"):
        draw_branches(pad(), context.sweep, certified=[other])


heights = st.integers(1, 400).map(lambda k: k / 16)


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(heights, st.one_of(st.just(float("nan")), heights)), min_size=1, max_size=6))
def test_distances_and_predictions_are_drawn_as_they_are(drawn):
    points = tuple(
        BranchPoint(
            0.5 + k / 100, np.array([away]), "attracting", 0j, np.zeros(1), away, 0.0,
            np.array([guess]), guess, 0.0, np.array([-guess]), guess / 2, 0.0,
        )
        for k, (away, guess) in enumerate(drawn)
    )  # fmt: skip
    axis = Axis("beta2", (Fraction(1, 2), Fraction(9, 10)), True)
    found = Sweep(("theta",), (axis,), (Branch("beta2", {}, points, (), (), ("lost", "lost")),), ())
    axes = pad()
    (one,) = draw_distances(axes, found)
    assert one.get_ydata().tolist() == [away for away, _ in drawn]
    guesses = np.array([guess for _, guess in drawn])
    labels = {other.get_label(): other.get_ydata() for other in axes.lines}
    assert ("leading order in 1/B" in labels) is bool(np.isfinite(guesses).any())
    if "leading order in 1/B" in labels:
        np.testing.assert_array_equal(labels["leading order in 1/B"], guesses / 2)
        np.testing.assert_array_equal(labels["leading order in 1 − β₂"], guesses)
    # In the diagram what is far beyond the branch and the minimum, here 0, is left out.
    axes = pad()
    draw_branches(axes, found)
    top = max(away for away, _ in drawn)
    for other in axes.lines:
        shown = np.asarray(other.get_ydata(), float)
        assert not (shown[np.isfinite(shown)] > 1.25 * top).any()
        assert not (shown[np.isfinite(shown)] < -0.25 * top).any()
    none = replace(
        found, branches=(replace(found.branches[0], points=tuple(replace(p, distance=np.nan) for p in points)),)
    )
    with pytest.raises(InputError, match="no critical point of the loss beside these zeros is known"):
        draw_distances(pad(), none)


def test_the_interval_around_the_own_value():
    assert values_of(Adam(), "beta2", "") == (Fraction(99, 100), Fraction(9999, 10000))
    low, high = values_of(Adam("0.9", "0.85", "1"), "beta2", "")
    assert (low, high) == ((Fraction(81, 100) + Fraction(85, 100)) / 2, Fraction(985, 1000))
    assert values_of(RMSprop("0.5", "1"), "beta2", "")[0] == Fraction(1, 4)
    assert values_of(Adam(), "eps", "1:2") == "1:2"
    for method, name in ((Adam(), "eps"), (Adam(), "batch_size")):
        with pytest.raises(InputError, match=f"no values of {name}; give some, such as {name}=low:high"):
            values_of(method, name, "")


def test_the_report_shows_a_sweep_that_is_asked_for(file, context):
    sections, seconds = compute_sections(file, NARROW, None, ENTRIES)
    problem = joined(file, [ENTRIES], [(sections, seconds)])
    page = render_page(Report((problem,), (), NARROW, "adamsym report", ()))
    followed, certified = problem.checks
    assert (followed.verdict, followed.grade) == ("holds", "floating point")
    assert followed.text.startswith("followed by number: 1 branch of zeros; at beta2 = 0.995 θ = 0.997")
    assert (certified.verdict, certified.grade) == ("holds", "certified")
    assert certified.text == context.branch.summary
    assert "How the zero moves" in page
    assert len(sections[1].table.rows) == min(20, len(context.branch.tubes))
    assert "Shaded: boxes in each of which exactly one zero is certified." in page
    assert "leading order in 1/B" in page
    # Of what is not asked for the page says nothing.
    bare, _ = compute_sections(file, Settings(), None, ENTRIES)
    assert not any(section.is_shown or section.check for section in bare)


def test_what_cannot_be_followed_or_certified_is_undecided(tmp_path, file):
    decaying = read_problem(file)
    from adamsym import AdamField

    problem = decaying.problem
    bad = PlotContext(AdamField(problem, AdamW("0.9", "0.99", "0.1", "0.5")), (1.0,), NARROW, (0,))
    content = ENTRIES[0].make(bad)
    assert len(content.pictures) >= 1
    # A list has no branch that could be certified, and is drawn all the same.
    listed = context_of(decaying, Settings(sweep=("batch_size", "1,2"), certify=True))
    content = ENTRIES[0].make(listed)
    assert len(content.table.rows) == 2
    with pytest.raises(InputError, match="give an interval"):
        ENTRIES[1].make(listed)
    unknown = context_of(decaying, Settings(sweep=("beta3", "0:1")))
    with pytest.raises(InputError, match="'beta3' is unknown"):
        ENTRIES[0].make(unknown)
    with pytest.raises(InputError, match="nothing is asked for"):
        plot("branches", context_of(decaying, Settings()))


def test_the_report_shows_a_map_that_is_asked_for(file, monkeypatch):
    monkeypatch.setattr("adamsym.plots.context.MAP_POINTS", 2)
    entry = sections()["zero_map"]
    asked = Settings(map_over=(("beta1", "0.5:0.6"), ("beta2", "0.9:0.99")))
    problem = joined(file, [[entry]], [compute_sections(file, asked, None, [entry])])
    (check,) = problem.checks
    assert (check.verdict, check.text) == ("holds", "followed by number: 2 x 2 pairs of beta1 and beta2: 1 zero at 4")
    page = render_page(Report((problem,), (), asked, "adamsym report", ()))
    assert "How many zeros are reached from the start, over beta1 and beta2" in page
    ((bare,), _) = compute_sections(file, Settings(), None, [entry])
    assert not bare.is_shown
    assert bare.check is None


def test_the_command_draws_it(file, tmp_path, capsys):
    target = tmp_path / "branches.svg"
    assert main(["plot", "branches", str(file), "--sweep", "beta2=0.99:0.995", "-o", str(target)]) == 0
    assert "followed by number: 1 branch of zeros" in capsys.readouterr().out
    assert target.read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--sweep", "eps"], "--sweep: no values of eps"),
        (["--sweep", "beta2="], "write name=low:high"),
        (["--sweep", "beta2=0.99:0.9"], "the lower end comes first"),
        (["--certify"], "--certify: say what to vary"),
        (["--map", "beta2=0.9:0.99"], "--map: give it twice"),
        (["--map", "beta2"], "--map: 'beta2' is not allowed; write name=low:high"),
        (["--map", "beta1=0.5:0.9", "--map", "beta2=0.9:2"], "over beta2: 2.0 is not allowed"),
    ],
)
def test_wrong_sweeps_are_one_line(file, tmp_path, capsys, options, message):
    assert main(["report", str(file), "-o", str(tmp_path / "report.html"), *options]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_certified_folds_and_hopf_points_are_marked(context):
    proven = context.branch
    tube = proven.tubes[0]
    ends = [Fraction(k, 10) for k in range(5, 10)]
    kinds = ("attracting", "undecided", "saddle", "saddle")
    tubes = tuple(
        replace(tube, low=low, high=high, stability=kind, box=np.array([[k, k + 1.0]]))
        for k, (low, high, kind) in enumerate(zip(ends, ends[1:], kinds, strict=False))
    )
    fold = Fold(Fraction(9, 10), Fraction(91, 100), np.array([[4.0, 6.0]]), (), (), (), (), 1)
    axes = pad()
    draw_tubes(axes, replace(proven, tubes=tubes, folds=((3, fold),)))
    mark = line(axes, "fold (certified)")
    assert (mark.get_xdata().tolist(), mark.get_ydata().tolist()) == ([pytest.approx(1 - 0.905)], [5.0])
    mark = line(axes, "Hopf (certified)")
    # Between the tubes in which the stability is proven.
    assert (mark.get_xdata().tolist(), mark.get_ydata().tolist()) == ([pytest.approx(1 - 0.65)], [1.5])
    bare = pad()
    draw_tubes(bare, proven)
    assert not bare.lines


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sweep": ("foo", "1:2")}, "--sweep: 'foo' is unknown; Adam has beta1"),
        ({"sweep": ("data.y", "1:2")}, "--sweep: "),
        ({"sweep": ("beta2", "0.5:0.6")}, "--sweep: "),
        ({"map_over": (("beta2", "0.9:0.99"), ("foo", "1:2"))}, "--map: 'foo' is unknown"),
    ],
)
def test_what_no_problem_has_is_said_at_once(file, changes, message):
    source = read_problem(file)
    check_varied([source], Settings(sweep=("beta2", "0.9:0.99")))
    check_varied([], Settings(**changes))
    with pytest.raises(InputError, match="^" + re.escape(message)):
        check_varied([source, source], Settings(**changes))


def test_what_some_problem_has_is_left_to_each(file):
    other = read_problem(EXAMPLES / "parabola_or_sine.toml")
    (name,) = set(other.problem.columns) - {"x"}
    wanted = Settings(sweep=(f"data.{name}[0]", "1:2"))
    check_varied([read_problem(file), other], wanted)
    with pytest.raises(InputError):
        check_varied([read_problem(file)], wanted)


def test_an_unknown_parameter_ends_the_report_before_it_begins(file, capsys):
    assert main(["report", str(file), "-o", str(file.with_name("none.html")), "--sweep", "foo=1:2"]) == 2
    assert capsys.readouterr().err.startswith("adamsym: --sweep: 'foo' is unknown; Adam has beta1")
    assert not file.with_name("none.html").exists()
