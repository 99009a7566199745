"""The report: verdicts in words, everything escaped, nothing from elsewhere, what was cut short is undecided."""

import inspect
import re
from concurrent.futures import Future
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from adamsym import InputError, read_problem
from adamsym.claims import ClaimReport, run_claims
from adamsym.claims import Settings as ClaimSettings
from adamsym.claims.report import ControlReport, EvidenceReport
from adamsym.plots.captions import of_flow, of_loss, of_region, of_windows, of_zeros
from adamsym.plots.findings import about_field
from adamsym.plots.registry import Content, Finding, Question, Section, Table, sections
from adamsym.plots.settings import Settings
from adamsym.plots.trajectories import Runs
from adamsym.report.collection import (
    Places,
    Report,
    find_places,
    gather_problem,
    gather_report,
    groups_of,
    joined,
    part_or_undecided,
)
from adamsym.report.page import render_page
from adamsym.report.sections import (
    Check,
    Image,
    ProblemReport,
    SectionReport,
    compute_sections,
    context_of,
    section_report,
)
from adamsym.symbolic.rendering import prose_markup

HOSTILE = '<script>alert("1")</script><img src=x onerror=alert(2)>&{{ 7*7 }}'
QUICK = Settings(time=2.0, chains=4, starts=(10, 50, 100), length=0.2, budget=200)
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """The elements of a page, and faults of its nesting."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.faults, self._open = [], [], []
        self.feed(text)
        self.faults += self._open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.faults.append(tag)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def report_of(*problems, claims=()):
    return Report(tuple(problems), tuple(claims), QUICK, "adamsym report", (("Python", "3"),))


EMPTY = ProblemReport("three", "three.toml", "", (), (), 0.0)


def claim(name="C1", verdict="holds", **changes):
    found = ClaimReport(
        name,
        title="A title",
        statement="$f = 0$ at the mean.",
        source="theory T1",
        verdict=verdict,
        detail="all evidence holds",
        evidence=(EvidenceReport("symbolic", "algebra", "holds", "differs by 0", 3, 0.1),),
        controls=(
            ControlReport("a near miss", True, "rejected as it should", 0.1),
            ControlReport("another", False, "?", 0.1),
        ),
        seconds=0.2,
        omitted=0,
        settings=ClaimSettings("quick", 3),
    )
    return replace(found, **changes)


def faults(text):
    """Why a page is none that may be sent to others: scripts, requests, bad nesting, figures without words."""
    page = Page(text)
    found = list(page.faults)
    for tag, attributes in page.elements:
        if tag in ("script", "link", "iframe", "object", "embed", "base", "form"):
            found.append(tag)
        for name, value in attributes.items():
            if name.startswith("on") or (name in ("src", "href", "action") and not re.match("#|data:image/svg", value)):
                found.append(f"{name}={value}")
        if tag == "img" and not attributes.get("alt"):
            found.append("no alternative text")
    if re.search(r"@import|url\(|https?://(?!www\.w3\.org/)", text):
        found.append("a request")
    return found


def test_the_page_of_a_problem(problem):
    text = render_page(report_of(problem))
    assert faults(text) == []
    page = Page(text)
    assert len(page.all("img")) == 7
    assert len(page.all("math")) > 10
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("caption")) == len(page.all("table")) == 3
    assert all("scope" in attributes for attributes in page.all("th"))
    for words in ("certified: exactly 1 zero", "attracting", "x: mean 1, from 0 to 3", "β₂ = 0.6", "all 9 steps"):
        assert words in text, words
    verdicts = {check.what: check.verdict for check in problem.checks}
    assert verdicts["all zeros of the field"] == "holds"
    assert verdicts["Adam near its flow"] == "holds"
    table, bias = [one.table for one in problem.sections if one.table]
    assert table.rows[0][-2] == "attracting"
    assert verdicts["the bias of the zero"] == "holds"
    # The zero is the one that is certified; the minimum is the mean of the data, around which L is 1/2 (theta - 1)^2.
    (name, zero, minimum, _), (_, distance, *_), (_, excess, *_) = bias.rows
    assert (name, minimum) == ("θ", "1")
    assert float(zero) == pytest.approx(float(table.rows[0][0]), abs=1e-9)
    assert float(distance) == pytest.approx(1 - float(zero), rel=1e-5)
    assert float(excess) == pytest.approx(float(distance) ** 2 / 2, rel=1e-4)
    assert all(float(row[3]) for row in bias.rows)
    assert bias.note == "The critical point is a minimum."
    for what in ("the zero near the start", "L as a Lyapunov function around an interpolating point"):
        assert verdicts[what] == "not applicable"
    assert [heading for heading, _ in problem.headings] == [
        "Where Adam goes, and where the gradient flow goes",
        "Zeros of the Adam field",
        "Where the loss decreases along the flow",
        "How far the zero is from the minimum of the loss",
        "The flow, and the optimizer beside it",
        "The derivation",
    ]


THREE = """
[problem]
loss = "{loss}"
parameters = ["a", "b", "c"]
[data]
x = [1.0, {more}0.0]
y = [0.0, {more}1.0]
[adam]
beta1 = 0.5
beta2 = {beta2}
eps = {eps}
[start]
a = 0.5
b = 0.0
c = 0.1
"""
FITTED, RIDGE = "(a*x + b*y + c - x + y)**2/2", "(a*x + b*y + c - x + y)**2/2 + (a**2 + b**2 + c**2)/20"


def around_points(tmp_path, loss, more="", beta2="0.9", eps="0.1"):
    """The sections about one point, of a problem of three parameters and two rows, or three."""
    file = tmp_path / "three.toml"
    file.write_text(THREE.format(loss=loss, more=more, beta2=beta2, eps=eps))
    entries = [one for name, one in sections().items() if name in ("one_zero", "ball")]
    return compute_sections(file, QUICK, None, entries)[0]


def test_what_is_certified_around_one_point(tmp_path):
    zero, ball = around_points(tmp_path, FITTED)
    assert (zero.check.verdict, ball.check.verdict) == ("holds", "holds")
    assert zero.check.text.startswith("certified: a set of minima of dimension 1")
    assert "in all of space" in ball.check.text
    rows = {name: values for name, *values in ball.table.rows}
    assert rows["verdict"] == ["certified", "certified"]
    assert all(value.startswith("N-Theorem") for value in rows["theorem"])
    assert all(0 < float(value) < 1 for value in rows["c_0"])
    text = render_page(report_of(replace(EMPTY, sections=(zero, ball))))
    assert faults(text) == []
    # The verdict stands before the numbers.
    shown = text[text.index("<h3>Where") :]
    assert 0 < shown.index("in all of space, wherever") < shown.index("<td>c_0</td>")


def test_one_zero_of_three_parameters_is_listed_and_no_ball_where_rows_cannot_be_fitted(tmp_path):
    zero, ball = around_points(tmp_path, RIDGE, more="-1.0, 2.0, ")
    assert zero.check.verdict == "holds"
    assert "attracting; the" in zero.check.text
    assert [row[0] for row in zero.table.rows] == ["a", "b", "c"]
    assert (ball.check.verdict, ball.is_shown) == ("not applicable", False)
    assert ball.check.text == "more rows than parameters: in general no point fits all rows"


def test_what_is_not_certified_around_a_point_is_not_said_to_be(tmp_path):
    _, ball = around_points(tmp_path, FITTED, beta2="0.3", eps="1e-8")
    rows = {name: values for name, *values in ball.table.rows}
    assert rows["verdict"] == ["certified", "undecided"]
    assert (rows["c_0"][1], rows["flow lines that stay"][1]) == ("", "")
    assert 0.3 < float(rows["N-Theorem 6 would hold from a beta2 of"][1]) <= 0.5
    _, ball = around_points(tmp_path, "((a + b)*(x + y) + c - x + y)**2/2")
    rows = {name: values for name, *values in ball.table.rows}
    assert ball.check.verdict == "undecided"
    assert rows["verdict"] == ["undecided", "undecided"]
    assert not {"c_0", "theorem", "where"} & rows.keys()
    _, ball = around_points(tmp_path, f"{FITTED} + exp(a + b + c)/9")
    assert ball.check.verdict == "not applicable"


@pytest.mark.parametrize(
    "bad",
    [
        "<script>1</script>",
        '<img src="http://a.b/c.png" alt="x">',
        '<a onclick="f()">x</a>',
        "<p>",
        '<img src="data:image/svg+xml,">',
    ],
)
def test_a_bad_page_is_seen(problem, bad):
    assert faults(render_page(report_of(problem)).replace("<main>", "<main>" + bad)) != []


def test_everything_is_escaped(problem):
    hostile = replace(
        problem,
        name=HOSTILE,
        file=HOSTILE,
        written=rf"\text{{{HOSTILE}}}",
        origin=((HOSTILE, HOSTILE),),
        sections=(
            SectionReport(
                HOSTILE,
                Check(HOSTILE, "symbolic", "holds", HOSTILE, True),
                (Image(HOSTILE, HOSTILE, b"<svg/>"), Image(HOSTILE, HOSTILE, b"<svg/>")),
                Table(HOSTILE, (HOSTILE,), ((HOSTILE,),), HOSTILE),
                ((HOSTILE, HOSTILE),),
                (replace(problem.sections[-1].steps[0], title=HOSTILE, check=HOSTILE, equations=(HOSTILE,)),),
                HOSTILE,
            ),
            SectionReport(HOSTILE, table=Table(HOSTILE, (HOSTILE,), (), empty=HOSTILE)),
        ),
    )
    bad = claim(HOSTILE, title=HOSTILE, detail=HOSTILE, source=HOSTILE)
    bad = replace(bad, statement=f"{HOSTILE} $\\text{{{HOSTILE}}}$")
    text = render_page(replace(report_of(hostile, claims=[bad]), command=HOSTILE))
    assert faults(text) == []
    assert len(Page(text).all("img")) == 2
    assert "{{ 7*7 }}" in text
    assert " 49" not in re.sub(r"base64,\S+", "", text).replace("&{{ 7*7 }}", "")
    assert "&lt;script&gt;" in text


def test_the_page_of_claims():
    told = claim(statement=r"For $\beta < 1$ it <holds>.", settings=ClaimSettings("full", 17), omitted=2)
    text = render_page(report_of(claims=[told, claim("C2", "undecided", detail="took too long"), claim("C3", "holds")]))
    assert faults(text) == []
    for words in (
        "2 of 3 claims hold",
        "took too long",
        "a near miss",
        "rejected as it should",
        "Seed 17, full number of cases",
        "2 pieces of evidence",
        "&lt;holds&gt;",
    ):
        assert words in text, words
    assert len(Page(text).all("math")) == 3
    assert re.findall(r'<td data-label="rejected">(yes|no)</td>', text) == ["yes", "no"] * 3


def test_statements_without_formulas_are_text():
    assert prose_markup("costs $5 <b>") == "costs $5 &lt;b&gt;"


def with_checks(problem, *checks):
    return replace(problem, sections=tuple(SectionReport("", check) for check in checks))


def test_verdicts(problem):
    lyapunov = next(check for check in problem.checks if "Lyapunov" in check.what)
    assert not lyapunov.of_theory
    assert report_of(with_checks(problem, replace(lyapunov, verdict="refuted"))).verdict == "holds"
    assert report_of(with_checks(problem, replace(problem.checks[-1], verdict="refuted"))).verdict == "refuted"
    assert report_of(problem, claims=[claim(verdict="undecided")]).verdict == "undecided"
    assert report_of(problem, claims=[claim(verdict="undecided"), claim(verdict="refuted")]).verdict == "refuted"
    broken = with_checks(problem, replace(lyapunov, verdict="internal error"))
    assert report_of(broken, claims=[claim(verdict="refuted")]).verdict == "internal error"


def some_sections(*names):
    return [one for name, one in sections().items() if name in names]


def test_what_is_cut_short_is_undecided(problem_file, problem):
    made, _ = compute_sections(problem_file, replace(QUICK, budget=1), None, some_sections("zeros"))
    [check] = [one.check for one in made]
    assert check.verdict == "undecided"
    assert "the budget was spent" in check.text
    assert "No zero is listed" in render_page(report_of(replace(problem, sections=made)))


def test_many_parameters_and_relatives_of_adam_are_said(tmp_path):
    file = tmp_path / "relative.toml"
    file.write_text(
        '[problem]\nloss = "(a - x)**2 + (b - x)**2/2 + (c - 1)**2"\nparameters = ["a", "b", "c"]\n'
        '[data]\nx = [0, 1]\n[adam]\nmethod = "RMSprop"\nbeta2 = 0.6\neps = 1\n'
    )
    entries = some_sections("field", "portrait", "zeros", "lyapunov", "flow", "loss", "windows")
    found = joined(file, [entries], [compute_sections(file, QUICK, None, entries)])
    verdicts = {check.what: check for check in found.checks}
    for what in ("all zeros of the field", "L as a Lyapunov function of the flow"):
        assert verdicts[what].verdict == "undecided"
        assert "this problem has 3" in verdicts[what].text
    assert verdicts["Adam near its flow"].verdict == "not applicable"
    assert "available for Adam alone" in verdicts["Adam near its flow"].text
    assert verdicts["the field at the start"].verdict == "holds"
    assert "certified to lie in" in verdicts["the field at the start"].text
    images = {image.title: image for one in found.sections for image in one.images}
    assert [title for title, image in images.items() if not image.svg] == [
        "The field with its certified zeros, and boxes that may contain others",
        "The field with the region where the loss is certified to decrease",
        "Adam's distance from its flow in windows of time, beside the proven bound",
    ]
    assert "Runs of RMSprop are not drawn: with more than two parameters" in images["The flow"].caption
    assert "Over it 4 runs of RMSprop" in images["The loss"].caption
    for title in ("The Adam field", "Minus the gradient of L"):
        assert "; 1 other parameter as at the start." in images[title].caption
    text = render_page(report_of(found))
    assert faults(text) == []
    assert "Not drawn: " in text
    assert "the file has no [start]" in text


def test_a_value_outside_its_bounds_is_undecided(problem_file, quick):
    source = read_problem(problem_file)
    context = context_of(source, quick)
    field = context.field
    assert about_field(field, context.start, context.names).verdict == "holds"
    moved = SimpleNamespace(adam=field.adam, evaluate=field.evaluate, enclose=lambda box: field.enclose(box) + 1e-9)
    found = about_field(moved, context.start, context.names)
    assert found.verdict == "undecided"
    assert "1.0e-09 outside its proven bounds" in found.text


def test_a_continuous_law_is_not_applicable_where_nothing_can_be_decided(tmp_path):
    file = tmp_path / "continuous.toml"
    file.write_text(
        '[problem]\nloss = "(theta - x**2)**2/2"\nparameters = ["theta"]\n[data]\nx = "Normal(0, 1)"\n'
        "[adam]\nbeta1 = 0.5\nbeta2 = 0.6\neps = 1\n"
    )
    settings = replace(QUICK, time=0.5)
    found = gather_problem(file, settings)
    verdicts = {check.what: check.verdict for check in found.checks}
    assert verdicts == {
        "the derivation of the field": "holds",
        "the field at the start": "not applicable",
        "all zeros of the field": "not applicable",
        "L as a Lyapunov function of the flow": "not applicable",
        "the flow from the start": "holds",
        "Adam near its flow": "not applicable",
        "the bias of the zero": "holds",
        "the zero near the start": "not applicable",
        "L as a Lyapunov function around an interpolating point": "not applicable",
    }
    reasons = [check.text for check in found.checks if check.verdict == "not applicable"]
    assert sum("continuous law" in reason for reason in reasons) == 4
    assert found.verdict == report_of(found).verdict == "holds"
    text = render_page(report_of(found))
    assert faults(text) == []
    assert text.count("</span> not applicable</span>") == 6
    # Where nothing at all is decided, nothing holds.
    inapplicable = [check for check in found.checks if check.verdict == "not applicable"]
    assert with_checks(found, *inapplicable).verdict == "undecided"
    assert with_checks(found).verdict == "undecided"


def test_captions_say_what_is_drawn(problem_file):
    """Runs that could not be made, none certified, chains that diverge: each caption is true."""
    source = read_problem(problem_file)
    context = context_of(source, QUICK)
    assert "Over it 4 runs of Adam, step size 0.1/n**0.7, seed 0." in of_flow(context, context.runs, "")
    assert of_flow(context, None, "why not").endswith("Runs of Adam are not drawn: why not.")
    assert "4 runs" not in of_loss(context, None, "why not")
    gone = Runs(context.runs.times, context.runs.theta.copy())
    gone.theta[-1, :3] = float("nan")
    assert "3 runs diverged and end there." in of_flow(context, gone, "")
    short = Runs(context.runs.times[:2], context.runs.theta[:2])
    assert "The runs end after" in of_flow(context, short, "")
    assert "The runs end after" not in of_flow(context, context.runs, "")
    none = SimpleNamespace(zeros=(), undecided=(), sets=())
    assert of_zeros(none) == "No certified zero of the Adam field marked."
    some = SimpleNamespace(zeros=(1, 2), undecided=(1,), sets=(1,))
    assert of_zeros(some).startswith("2 certified zeros of the Adam field marked.")
    assert "Tinted" in of_zeros(some)
    assert of_zeros(some).endswith("Hatched boxes may contain others.")
    assert "Tinted" not in of_zeros(none)
    region = SimpleNamespace(certified=(), undecided=(1,), witness=None)
    assert of_region(region).startswith("In no part of the box")
    assert "Star" not in of_region(region)
    assert "Star" in of_region(SimpleNamespace(certified=(1,), undecided=(), witness=1))


def test_captions_of_windows(problem_file):
    source = read_problem(problem_file)
    context = context_of(source, QUICK)

    def window(inside, value, total):
        return SimpleNamespace(
            inside=inside,
            measured=SimpleNamespace(value=value),
            bound=SimpleNamespace(mean_square=SimpleNamespace(total=total)),
        )

    seen = SimpleNamespace(windows=[window(4, 0.1, 1.0)])
    assert "drawn" not in of_windows(context, seen)
    unseen = SimpleNamespace(windows=[window(4, 0.1, 1.0), window(0, 0.0, float("inf"))])
    assert "No distance is drawn for 1 window of 2: none was measured there" in of_windows(context, unseen)
    still = SimpleNamespace(windows=[window(4, 0.1, 1.0), window(4, 0.0, 1.0)])
    assert "No distance is drawn for 1 window of 2: there it is 0" in of_windows(context, still)
    assert "measured there" not in of_windows(context, still)
    assert "No bound is drawn for 1 window of 2: it is infinite" in of_windows(context, unseen)


def test_budgets_are_counts(problem_file):
    """Nothing that decides on a verdict is a time: the settings hold none, and no limit is the default."""
    assert not [name for name in vars(QUICK) if "time" in name and name != "time"]
    for function in (gather_report, run_claims):
        assert inspect.signature(function).parameters["time_limit"].default is None
    context = context_of(read_problem(problem_file), replace(QUICK, budget=7))
    assert context.zeros.examined <= 7
    assert context.region.examined <= 7


@pytest.mark.parametrize(
    ("error", "words"),
    [(TimeoutError(), "took longer than 3 seconds"), (ProcessLookupError("died"), "ProcessLookupError: died")],
)
def test_parts_that_do_not_come_to_their_end_are_undecided(problem_file, error, words):
    future = Future()
    future.set_exception(error)
    groups = groups_of(list(sections().values()))
    assert [[one.name for one in group] for group in groups] == [
        ["windows"],
        ["branches", "certified_branch", "zero_map"],
        ["field", "portrait", "zeros", "lyapunov", "flow", "loss"],
        ["one_zero", "bias", "ball"],
        ["derivation"],
    ]
    found = joined(problem_file, groups, [part_or_undecided(future, 3, group) for group in groups])
    assert [check.verdict for check in found.checks] == ["undecided"] * 12
    assert all(check.text == words for check in found.checks)
    text = render_page(report_of(found))
    assert faults(text) == []
    # In the summary, and in place of each figure.
    assert text.count(words) == 12 + 7


def test_a_fault_of_the_program_is_no_verdict(problem_file, problem):
    """An error that no input explains is shown as what it is; the rest of the report stands."""

    def wrong(context):
        return Content(Finding("holds", str(1 // (len(context.names) - 1))))

    def refused(context):
        raise InputError("the box has no width")

    def starved(context):
        raise MemoryError

    context = context_of(read_problem(problem_file), QUICK)

    asked = Question("is it?", "certified")

    def made(make, question=asked):
        return section_report(Section("one", "one", make, True, "One", question, "searches"), context)

    found = made(wrong)
    assert (found.check.verdict, found.check.text) == (
        "internal error",
        "ZeroDivisionError: integer division or modulo by zero",
    )
    assert "return Content(Finding(" in found.fault
    # One that answers no question still shows that it failed.
    assert made(wrong, None).check.verdict == "internal error"
    assert (made(refused).check.verdict, made(refused).fault) == ("undecided", "")
    assert (made(starved).check.verdict, made(starved).fault) == ("undecided", "")
    report = report_of(replace(problem, sections=(*problem.sections, found)))
    assert report.verdict == "internal error"
    assert report.faults == (found.fault,)
    text = render_page(report)
    assert faults(text) == []
    assert "A fault of adamsym, not of its input" in text


def test_a_fault_in_another_process_surfaces():
    """A part whose process raises what is no input error is no undecided part."""
    future = Future()
    future.set_exception(KeyError("a bug"))
    with pytest.raises(KeyError):
        part_or_undecided(future, None, ())


def test_places(tmp_path, problem_file):
    (tmp_path / "problems").mkdir()
    (tmp_path / "claims").mkdir()
    with pytest.raises(InputError, match="no claims"):
        find_places([tmp_path / "claims"])
    with pytest.raises(InputError, match=r"none\.toml"):
        find_places([tmp_path / "none.toml"])
    (tmp_path / "problems" / "a.toml").write_text(problem_file.read_text())
    (tmp_path / "problems" / "b.py").write_text("raise SystemExit")
    (tmp_path / "claims" / "c.py").write_text("")
    found = find_places([tmp_path / "claims", tmp_path / "problems", tmp_path / "problems" / "a.toml"])
    assert found == Places((tmp_path / "problems" / "a.toml",), (tmp_path / "claims",))
    (tmp_path / "problems" / "c.toml").write_text("[")
    with pytest.raises(InputError, match=r"c\.toml: not valid TOML"):
        find_places([tmp_path / "problems"])
