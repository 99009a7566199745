"""No caption says what its figure does not show: each phrase is held against the marks, lines and boxes drawn."""

import re
from dataclasses import replace

import pytest
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from adamsym import Adam, AdamField, Empirical, Problem
from adamsym.plots.context import PlotContext
from adamsym.plots.registry import plot_kinds
from adamsym.plots.settings import Settings
from adamsym.plots.style import CERTIFIED, CRITICAL, STABILITIES, UNDECIDED, UNDECIDED_ZEROS, WITNESS

SETTINGS = Settings(time=2.0, budget=300, steps=40, chains=3, resolution=9, starts=(20,), length=0.1)
LINE = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam("0.5", "0.6", "1"))
CLOSE = AdamField(LINE.problem, Adam(0.9, 0.999, 1e-8))
PLANE = AdamField(Problem("(a - x)**2/2 + (b - x)**2", ["a", "b"], Empirical({"x": [0, 0, 3]})), LINE.adam)
CONTEXTS = {
    "line": PlotContext(LINE, (2.0,), SETTINGS, (0,), ((0.0, 3.0),)),
    "close": PlotContext(CLOSE, (2.0,), SETTINGS, (0,), ((0.5, 1.5),)),
    "no zero": PlotContext(LINE, (2.0,), SETTINGS, (0,), ((1.5, 3.0),)),
    "left undecided": PlotContext(LINE, (2.0,), replace(SETTINGS, budget=1), (0,), ((0.0, 3.0),)),
    "plane": PlotContext(
        PLANE, (2.0, 1.5), replace(SETTINGS, budget=40, resolution=7), (0, 1), ((0.5, 2.5), (0.6, 2.0))
    ),
}
KINDS = ("portrait", "zeros", "lyapunov", "flow", "loss", "windows", "branches")


def drawn(picture):
    axes = Figure().add_subplot()
    picture.draw(axes)
    return axes


def points_of(axes, *marks):
    kinds = {mark.marker for mark in marks}
    return sum(len(line.get_xdata()) for line in axes.lines if line.get_marker() in kinds)


def boxes_of(axes, shade):
    polygons = [one for one in axes.collections if isinstance(one, PolyCollection)]
    return sum(len(one.get_paths()) for one in polygons if (one.get_hatch() or "") == shade.hatch)


def lines_of(axes, words):
    return [line for line in axes.lines if words in str(line.get_label())]


def faults(caption, axes):
    """The phrases of a caption that the figure does not bear out, and what it shows and the caption leaves out."""
    shown = {
        "Triangle": points_of(axes, CRITICAL) > 0,
        "Star": points_of(axes, WITNESS) > 0,
        "Tinted": boxes_of(axes, CERTIFIED) > 0,
        "Hatched": boxes_of(axes, UNDECIDED) + boxes_of(axes, UNDECIDED_ZEROS) > 0,
        "Dotted: the zero of f; dashed": bool(lines_of(axes, "zero of f")) and not points_of(axes, CRITICAL),
        "Streamlines": bool(axes.patches),
        "Grey: the critical point of L": bool(lines_of(axes, "critical point of the loss")),
        "Thin: where they should be": bool(lines_of(axes, "leading order")),
        "solid where they attract": bool(lines_of(axes, "attracting")) and "1 −" in axes.get_xlabel(),
    }
    found = [phrase for phrase, there in shown.items() if (phrase in caption) != there]
    counts = {
        r"(\d+) runs? of": sum(line.get_alpha() == 0.6 for line in axes.lines),
        r"(\d+) certified zeros? of": points_of(axes, *STABILITIES.values()),
    }
    for pattern, number in counts.items():
        said = re.search(pattern, caption)
        if said is not None and int(said[1]) not in (number, number / 2):
            found.append(said[0])
    return found


def pictures(name):
    context = CONTEXTS[name]
    for kind in KINDS:
        # What takes long is drawn once.
        if (kind in ("windows", "branches") and name != "line") or (name == "plane" and kind not in ("zeros", "flow")):
            continue
        yield from plot_kinds()[kind].make(context).pictures


@pytest.mark.parametrize("name", CONTEXTS)
def test_captions_say_what_is_drawn_and_nothing_else(name):
    seen = list(pictures(name))
    assert len(seen) >= (3 if name == "plane" else 6)
    for picture in seen:
        assert faults(picture.caption, drawn(picture)) == [], (picture.title, picture.caption)


def test_a_caption_of_another_figure_is_rejected():
    zeros = {name: plot_kinds()["zeros"].make(CONTEXTS[name]).pictures[0] for name in ("line", "no zero")}
    assert faults(zeros["line"].caption, drawn(zeros["no zero"])) == ["Triangle", "1 certified zero of"]
    assert faults(zeros["no zero"].caption, drawn(zeros["line"])) == ["Triangle"]
    region = {name: plot_kinds()["lyapunov"].make(CONTEXTS[name]).pictures[0] for name in ("line", "no zero")}
    assert "Star" in faults(region["no zero"].caption, drawn(region["line"]))
    flow = plot_kinds()["flow"].make(CONTEXTS["line"]).pictures[0]
    assert faults(flow.caption, drawn(flow)) == []
    assert faults(flow.caption.replace("3 runs", "5 runs"), drawn(flow)) == ["5 runs of"]
