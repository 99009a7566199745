"""Formulas of the report on paper: none is wider than the page, short ones keep their size.

Without Chromium the tests in a browser are skipped, or fail where ADAMSYM_NEEDS_BROWSER is set, as in .ci/run.
"""

from dataclasses import replace

import pytest
from devtools import Browser
from test_report import EMPTY, report_of

from adamsym.report.page import render_page
from adamsym.report.sections import SectionReport
from adamsym.report.widths import formula_width
from adamsym.symbolic.derivation import Step
from adamsym.symbolic.rendering import mathml

ROW = r"\frac{e^{- t (\theta - \frac{1}{1000})^{2}} \tanh(\theta)}{6}"
FORMULAS = (
    r"S = \theta^{2} - 2 \theta + 2",
    " + ".join([ROW] * 6),
    rf"\frac{{{' + '.join([ROW] * 8)}}}{{\epsilon + \sqrt{{{' + '.join([ROW] * 8)}}}}}",
    " + ".join(f"x_{{{k}}}" for k in range(90)),
    r"\text{<script>}" + " - y" * 100,
)
PAPER = 680
"""Dots of a page's width, less its margins."""

SIZES = """
[...document.querySelectorAll('.step .formula')].map(one => {
  const right = Math.max(...[...one.querySelectorAll('*')].map(part => part.getBoundingClientRect().right));
  const found = one.querySelector('math');
  return [right <= one.getBoundingClientRect().right + 1, found ? parseFloat(getComputedStyle(found).fontSize) : null];
})
"""


def page():
    step = Step("A step", "It is long.", FORMULAS, "by sight", True)
    section = SectionReport("The derivation", None, (), None, (), (step,))
    return render_page(report_of(replace(EMPTY, written=FORMULAS[0], sections=(section,))))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = Browser(tmp_path_factory.mktemp("browser"))
    yield found
    found.close()


def measured(browser, folder, text):
    file = folder / "page.html"
    file.write_text(text, encoding="utf-8")
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.open(file.as_uri(), PAPER)
    return browser.run(SIZES)


def test_no_formula_is_wider_than_the_page(browser, tmp_path):
    found = measured(browser, tmp_path, page())
    assert len(found) == len(FORMULAS)
    assert [fits for fits, _ in found] == [True] * len(FORMULAS)
    assert found[0][1] > 12
    assert found[2][1] < found[1][1] < found[0][1]


def test_a_formula_that_is_too_wide_is_seen(browser, tmp_path):
    """The control."""
    text = page()
    assert "calc(175mm / var(--width))" in text
    found = measured(browser, tmp_path, text.replace("calc(175mm / var(--width))", "1em"))
    assert [fits for fits, _ in found] == [True, False, False, False, True]


def test_widths_grow_with_what_is_side_by_side_and_not_with_what_is_above():
    one, two, above = (formula_width(mathml(text)) for text in ("a + b", "a + b + a + b", r"\frac{a + b}{a + b}"))
    assert 2 * one <= two <= 3 * one
    assert one < above < 1.5 * one
    assert formula_width(mathml("x^{a + b}")) < formula_width(mathml("x (a + b)"))
    assert formula_width("<code>a &lt; b</code>") > 0
