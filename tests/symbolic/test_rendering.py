"""Derivations as JSON, LaTeX, Markdown and HTML: well formed, escaped, and with names set apart."""

import html.parser
import json
import re

import pytest
import sympy as sp

from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam
from adamsym.symbolic import Derivation, Step, derive
from adamsym.symbolic.rendering import formula, latex_text, mathml, symbol_names


@pytest.fixture(scope="module")
def clashing():
    """Names that are letters of the derivation, and one with LaTeX's special characters."""
    law = Empirical({"S": [1, 2], "x__y": [1, 3]})
    return derive(Problem("(alpha*beta - S)**2/2 + beta**2*x__y", ["alpha", "beta"], law, batch_size=2), Adam())


def test_json_has_the_promised_keys(clashing):
    steps = json.loads(json.dumps(clashing.to_dict()))["steps"]
    assert len(steps) == 8
    assert all(list(step) == ["title", "latex", "check", "ok"] for step in steps)


def balanced(text):
    depth = 0
    for piece in re.findall(r"\\.|[{}]", text):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if depth < 0:
            return False
    return depth == 0


def test_latex_is_balanced(
    clashing,
):
    text = clashing.to_latex()
    assert balanced(text)
    assert text.count(r"\begin{document}") == text.count(r"\end{document}") == 1
    assert text.count(r"\left") == text.count(r"\right")
    for step in clashing.steps:
        assert balanced(step.latex)
    assert not balanced("{{}")
    assert not balanced("}{")


def test_every_formula_is_shown(clashing):
    equations = [equation for step in clashing.steps for equation in step.equations]
    assert len(equations) > 10
    for text in (clashing.to_latex(), clashing.to_markdown()):
        assert [equation for equation in equations if equation not in text] == []
    assert clashing.to_html().count('<div class="formula">') == len(equations)


class Tags(html.parser.HTMLParser):
    """Fails on tags that do not nest; collects names and attributes."""

    void = frozenset({"meta", "mspace", "br"})

    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.open, self.seen, self.attributes = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        self.attributes += attributes
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    tags = Tags()
    tags.feed(text)
    tags.close()
    assert tags.open == []
    return tags


def test_html_is_well_formed_and_self_contained(
    clashing,
):
    text = clashing.to_html()
    tags = parsed(text)
    assert tags.seen.count("math") == sum(
        len(step.equations) + step.statement_text.count("$") // 2 for step in clashing.steps
    )
    assert not {"script", "link", "img", "iframe", "object", "code"} & set(tags.seen)
    assert not [name for name, _ in tags.attributes if name.startswith("on") or name in ("src", "href")]
    assert re.search(r"&(?!#?\w+;)", text) is None


def test_control_the_parser_sees_bad_nesting():
    with pytest.raises(AssertionError):
        parsed("<p><b></p></b>")


def test_steps_are_counted_from_one():
    steps = tuple(Step(title, "", ("x",), "", True) for title in ("First", "Second"))
    derivation = Derivation("Two steps", steps)
    assert re.findall(r"## (.*)", derivation.to_markdown()) == ["1. First", "2. Second"]
    assert re.findall(r"<h2>(.*)</h2>", derivation.to_html()) == ["1. First", "2. Second"]


def test_hostile_text_is_escaped():
    evil = "<script>alert('&')</script> \\input{/etc/passwd} $x$ `a`"
    step = Step(evil, evil.replace("$x$", ""), (r"\unknown <b> & \text{</math><script>}",), evil, True)
    derivation = Derivation(evil, (step,))
    page = derivation.to_html()
    assert "script" not in parsed(page).seen
    assert "<b>" not in page
    assert r"\input{" not in derivation.to_latex()
    assert re.search(r"(?<!\\)[<$`]", derivation.to_markdown().split("$$")[0]) is None


def test_a_formula_that_cannot_be_converted_is_shown_as_text():
    assert mathml(r"x^2^3").startswith("<code>")
    assert mathml(r"\text{<b>x</b>}") == r"<code>\text{&lt;b&gt;x&lt;/b&gt;}</code>"
    assert mathml(r"\href{javascript:x}{y}").count("href=") == 0
    assert mathml("x < 1").startswith("<math")


def test_clashing_names_are_set_apart(clashing):
    equations = clashing.steps[0].equations
    assert r"\mathtt{alpha}" in equations[0]
    assert r"\mathtt{S}" in equations[0]
    assert r"\mathtt{x\_\_y}" in equations[0]
    assert r"\alpha" not in equations[0]


def test_long_formulas_are_described():
    x = sp.symbols("x0:400")
    text = formula(sp.Add(*(sp.sin(v) for v in x)))
    assert "not shown" in text
    assert "799 operations" in text


def test_small_helpers():
    problem = Problem("theta*x", ["theta"], Empirical({"x": [1]}))
    assert symbol_names(problem) == {}
    assert latex_text("a_b^c\\") == r"a\_b\textasciicircum{}c\textbackslash{}"
    assert formula(sp.Heaviside(problem.parameters[0])) == r"\mathbf{1}_{\theta > 0}"


NAMES = {
    "exam": r"\mathrm{exam}",
    "admitted": r"\mathrm{admitted}",
    "exam2": r"\mathrm{exam}_{2}",
    "mean_radius": r"\mathrm{mean\_radius}",
    "w1_0_2": "w_{1 0 2}",
    "gamma1": r"\gamma_{1}",
    "theta": r"\theta",
    "xbar": r"\mathrm{xbar}",
    "hbar": r"\mathrm{hbar}",
    "w": "w",
    "t": r"\mathtt{t}",
}


def test_names_of_several_letters_are_upright_words():
    columns = {name: [1] for name in NAMES if name != "w"}
    problem = Problem(f"w*({' + '.join(columns)})", ["w"], Empirical(columns))
    names = symbol_names(problem)
    for symbol in (*problem.parameters, *problem.columns):
        assert formula(symbol, names) == NAMES[symbol.name]
    exam, admitted = problem.columns[:2]
    # Words side by side stand apart, and are one identifier each.
    assert formula(exam**2 * admitted, names) == r"\mathrm{admitted} \, \mathrm{exam}^{2}"
    shown = mathml(formula(exam * admitted, names))
    assert "<mi>admitted</mi>" in shown
    assert "<mi>exam</mi>" in shown
    assert "<mspace" in shown
    # The control: SymPy alone sets products of letters.
    assert formula(exam * admitted) == "admitted exam"
    assert "<mi>exam</mi>" not in mathml(formula(exam * admitted))


def test_names_that_would_look_alike_are_told_apart():
    columns = {"x1": [1], "x_1": [1], "exam3": [1], "exam_3": [1], "x2": [1]}
    problem = Problem("w*(x1 + x_1 + exam3 + exam_3 + x2)", ["w"], Empirical(columns))
    names = symbol_names(problem)
    printed = [formula(symbol, names) for symbol in problem.columns]
    assert len(set(printed)) == 5
    assert printed[-1] == "x_{2}"


def test_a_derivation_with_names_has_no_products_of_letters():
    law = Empirical({"exam": [1, 2], "admitted": [0, 1]})
    derivation = derive(Problem("(w*exam - admitted)**2/2", ["w"], law), Adam())
    text = derivation.to_latex()
    for word in ("exam", "admitted"):
        assert rf"\mathrm{{{word}}}" in text
        assert re.findall(rf"(?<!\\mathrm{{){word}", "".join(e for s in derivation.steps for e in s.equations)) == []
    assert "<mi>exam</mi>" in derivation.to_html()
