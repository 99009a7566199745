"""Text of the report and lines of plots stand out from their paper: contrast ratios of WCAG 2.1."""

import re
from importlib.resources import files

import pytest
from matplotlib.colors import to_rgb

from adamsym.plots.style import BLACK, BLUE, CRITICAL, GREY, SERIES, UNDECIDED, VERMILLION, blended

CSS = files("adamsym.report").joinpath("templates/report.css").read_text(encoding="utf-8")
TEXT, LINES = 4.5, 3.0
"""Least ratios of text, and of what is no text."""


def luminance(color):
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def long(color):
    return "#" + "".join(2 * c for c in color[1:]) if len(color) == 4 else color


def pairs(css):
    """Each colour of text in a style sheet, with its background."""
    names = dict(re.findall(r"(--[a-z]+): (#[0-9a-fA-F]{3,6})", css))
    for selector, rules in re.findall(r"([^{}]+){([^{}]*)}", css):
        color = re.search(r"(?<![-\w])color: ([^;}\s]+)", rules)
        ground = re.search(r"background: (#[0-9a-fA-F]{3,6})", rules)
        if color is not None and color[1] != "inherit":
            shown = names.get(color[1].removeprefix("var(").removesuffix(")"), color[1])
            yield selector.strip(), long(shown), long(ground[1]) if ground else "#ffffff"


def faint(css):
    return [selector for selector, color, ground in pairs(css) if contrast(color, ground) < TEXT]


def test_all_text_of_the_report_is_readable():
    assert len(list(pairs(CSS))) > 8
    assert faint(CSS) == []
    assert faint(CSS.replace("--soft: #555", "--soft: #999")) != []


@pytest.mark.parametrize("color", [BLACK, BLUE, VERMILLION, GREY, CRITICAL.face, *SERIES[:3]])
def test_lines_and_marks_stand_out_on_paper(color):
    assert contrast(color, "white") > LINES
    assert contrast("#CCCCCC", "white") < LINES


def test_the_tint_behind_a_hatch_is_opaque_and_as_light():
    """Printed, a transparent tint behind a hatch would hide what lies below it."""
    assert blended("none") == "none"
    assert blended("#00000080") == "#7f7f7f"
    assert len(UNDECIDED.face) == 9
    assert len(blended(UNDECIDED.face)) == 7
    assert contrast(UNDECIDED.edge, blended(UNDECIDED.face)) > LINES
