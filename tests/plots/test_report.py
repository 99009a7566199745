"""The report: verdicts in words, everything escaped, nothing from elsewhere, what was cut short is undecided."""

import inspect
import re
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from adamsym import InputError, read_problem
from adamsym.claims import ClaimReport, run_claims
from adamsym.claims import Settings as ClaimSettings
from adamsym.claims.report import ControlReport, EvidenceReport
from adamsym.plots.captions import of_flow, of_loss, of_region, of_windows, of_zeros
from adamsym.plots.context import PlotContext
from adamsym.plots.settings import Settings
from adamsym.plots.trajectories import Runs
from adamsym.report.collection import Places, Report, find_places, gather_report, part_or_undecided
from adamsym.report.page import render_page, statement_markup
from adamsym.report.sections import (
    Check,
    Picture,
    about_field,
    derivation_not_gathered,
    gather_derivation,
    gather_rest,
    gather_windows,
    joined,
    rest_not_gathered,
    windows_not_gathered,
)

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
    assert len(page.all("img")) == 5
    assert len(page.all("math")) > 10
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("caption")) == len(page.all("table")) == 2
    assert all("scope" in attributes for attributes in page.all("th"))
    for words in ("certified: exactly 1 zero", "attracting", "x: mean 1, from 0 to 3", "beta2 = 0.6", "all 9 steps"):
        assert words in text, words
    verdicts = {check.what: check.verdict for check in problem.checks}
    assert verdicts["all zeros of the field"] == "holds"
    assert verdicts["Adam near its flow"] == "holds"
    assert problem.zeros[0][-2] == "attracting"


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
        loss=rf"\text{{{HOSTILE}}}",
        facts=((HOSTILE, HOSTILE),),
        checks=(Check(HOSTILE, "symbolic", "holds", HOSTILE, True),),
        derivation=(replace(problem.derivation[0], title=HOSTILE, check=HOSTILE, equations=(HOSTILE,)),),
        figures=(Picture(HOSTILE, HOSTILE, HOSTILE, b"<svg/>"),),
        zero_columns=(HOSTILE,),
        zeros=((HOSTILE,),),
    )
    bad = claim(HOSTILE, title=HOSTILE, detail=HOSTILE, source=HOSTILE)
    bad = replace(bad, statement=f"{HOSTILE} $\\text{{{HOSTILE}}}$")
    text = render_page(replace(report_of(hostile, claims=[bad]), command=HOSTILE))
    assert faults(text) == []
    assert len(Page(text).all("img")) == 3
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
    assert re.findall(r"<td>(yes|no)</td>", text) == ["yes", "no"] * 3


def test_statements_without_formulas_are_text():
    assert statement_markup("costs $5 <b>") == "costs $5 &lt;b&gt;"


def test_verdicts(problem):
    lyapunov = next(check for check in problem.checks if "Lyapunov" in check.what)
    assert not lyapunov.of_theory
    assert report_of(replace(problem, checks=(replace(lyapunov, verdict="refuted"),))).verdict == "holds"
    derivation = replace(problem.checks[0], verdict="refuted")
    assert report_of(replace(problem, checks=(derivation,))).verdict == "refuted"
    assert report_of(problem, claims=[claim(verdict="undecided")]).verdict == "undecided"
    assert report_of(problem, claims=[claim(verdict="undecided"), claim(verdict="refuted")]).verdict == "refuted"


def test_what_is_cut_short_is_undecided(problem_file):
    short = gather_rest(problem_file, replace(QUICK, budget=1))
    verdicts = {check.what: check for check in short.checks}
    assert verdicts["all zeros of the field"].verdict == "undecided"
    assert "the budget was spent" in verdicts["all zeros of the field"].text
    assert "No zero is listed" in render_page(report_of(short))
    gone = rest_not_gathered(problem_file, "took longer than 1 seconds")
    assert gone.verdict == "undecided"
    assert "took longer than 1 seconds" in render_page(report_of(gone))


def test_many_parameters_and_relatives_of_adam_are_said(tmp_path):
    file = tmp_path / "relative.toml"
    file.write_text(
        '[problem]\nloss = "(a - x)**2 + (b - x)**2/2 + (c - 1)**2"\nparameters = ["a", "b", "c"]\n'
        '[data]\nx = [0, 1]\n[adam]\nmethod = "RMSprop"\nbeta2 = 0.6\neps = 1\n'
    )
    found = joined(gather_rest(file, QUICK), derivation_not_gathered("not asked for"), gather_windows(file, QUICK))
    verdicts = {check.what: check for check in found.checks}
    for what in ("all zeros of the field", "L as a Lyapunov function of the flow"):
        assert verdicts[what].verdict == "undecided"
        assert "this problem has 3" in verdicts[what].text
    for what in ("Adam near its flow", "the field at the start"):
        assert verdicts[what].verdict == "not applicable"
        assert "available for Adam alone" in verdicts[what].text
    assert found.figures[-1].svg == b""
    assert found.figures[0].title == "The flow"
    assert "Runs of RMSprop are not drawn: with more than two parameters" in found.figures[0].caption
    assert "Over it 4 runs of RMSprop" in found.figures[1].caption
    for picture in found.portraits:
        assert "; 1 other parameter as at the start." in picture.caption
        assert "zero" not in picture.caption
    text = render_page(report_of(found))
    assert faults(text) == []
    assert "Not drawn: " in text
    assert "the file has no [start]" in text


def test_a_value_outside_its_bounds_is_undecided(problem_file, quick):
    source = read_problem(problem_file)
    study = PlotContext(source, (2.0,), quick, (0,))
    assert about_field(study).verdict == "holds"
    field = study.field
    vars(study)["field"] = SimpleNamespace(evaluate=field.evaluate, enclose=lambda box: field.enclose(box) + 1e-9)
    told = about_field(study)
    assert told.verdict == "undecided"
    assert "1.0e-09 outside its proven bounds" in told.text


def test_a_continuous_law_is_not_applicable_where_nothing_can_be_decided(tmp_path):
    file = tmp_path / "continuous.toml"
    file.write_text(
        '[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n[data]\nx = "Normal(0, 1)"\n'
        "[adam]\nbeta1 = 0.5\nbeta2 = 0.6\neps = 1\n"
    )
    settings = replace(QUICK, time=0.5)
    found = joined(gather_rest(file, settings), gather_derivation(file), gather_windows(file, settings))
    verdicts = {check.what: check.verdict for check in found.checks}
    assert verdicts == {
        "the derivation of the field": "holds",
        "the field at the start": "not applicable",
        "all zeros of the field": "not applicable",
        "L as a Lyapunov function of the flow": "not applicable",
        "the flow from the start": "holds",
        "Adam near its flow": "not applicable",
    }
    assert all("continuous law" in check.text for check in found.checks if check.verdict == "not applicable")
    assert found.verdict == report_of(found).verdict == "holds"
    text = render_page(report_of(found))
    assert faults(text) == []
    assert text.count("</span> not applicable</span>") == 4
    # Where nothing at all is decided, nothing holds.
    inapplicable = tuple(check for check in found.checks if check.verdict == "not applicable")
    assert replace(found, checks=inapplicable).verdict == "undecided"
    assert replace(found, checks=()).verdict == "undecided"


def test_captions_say_what_is_drawn(problem_file):
    """Runs that could not be made, none certified, chains that diverge: each caption is true."""
    source = read_problem(problem_file)
    study = PlotContext(source, (2.0,), QUICK, (0,))
    assert "Over it 4 runs of Adam, step size 0.1/n**0.7, seed 0." in of_flow(study, study.runs, "")
    assert of_flow(study, None, "why not").endswith("Runs of Adam are not drawn: why not.")
    assert "4 runs" not in of_loss(study, None, "why not")
    gone = Runs(study.runs.times, study.runs.theta.copy())
    gone.theta[-1, :3] = float("nan")
    assert "3 runs left the finite numbers and end there." in of_flow(study, gone, "")
    short = Runs(study.runs.times[:2], study.runs.theta[:2])
    assert "The runs end after" in of_flow(study, short, "")
    assert "The runs end after" not in of_flow(study, study.runs, "")
    none = SimpleNamespace(zeros=(), undecided=())
    assert of_zeros(none) == ["No certified zero of the Adam field marked."]
    some = SimpleNamespace(zeros=(1, 2), undecided=(1,))
    assert of_zeros(some) == ["2 certified zeros of the Adam field marked. Hatched boxes may hold others."]
    assert of_zeros(None) == of_region(None) == []
    region = SimpleNamespace(certified=(), undecided=(1,), witness=None)
    assert of_region(region)[0].startswith("In no part of the box")
    assert "Star" not in " ".join(of_region(region))
    assert "Star" in " ".join(of_region(SimpleNamespace(certified=(1,), undecided=(), witness=1)))


def test_captions_of_windows(problem_file):
    source = read_problem(problem_file)
    study = PlotContext(source, (2.0,), QUICK, (0,))

    def window(inside, value, total):
        return SimpleNamespace(
            inside=inside,
            measured=SimpleNamespace(value=value),
            bound=SimpleNamespace(mean_square=SimpleNamespace(total=total)),
        )

    seen = SimpleNamespace(windows=[window(4, 0.1, 1.0)])
    assert "drawn" not in of_windows(study, seen)
    unseen = SimpleNamespace(windows=[window(4, 0.1, 1.0), window(0, 0.0, float("inf"))])
    assert "No distance is drawn for 1 window of 2" in of_windows(study, unseen)
    assert "No bound is drawn for 1 window of 2: it is infinite" in of_windows(study, unseen)


def test_budgets_are_counts(problem_file):
    """Nothing that decides on a verdict is a time: the settings hold none, and no limit is the default."""
    assert not [name for name in vars(QUICK) if "time" in name and name != "time"]
    for function in (gather_report, run_claims):
        assert inspect.signature(function).parameters["time_limit"].default is None
    study = PlotContext(read_problem(problem_file), (2.0,), replace(QUICK, budget=7), (0,))
    assert study.zeros.examined <= 7
    assert study.region.examined <= 7


@pytest.mark.parametrize(
    ("error", "words"),
    [(TimeoutError(), "took longer than 3 seconds"), (ProcessLookupError("died"), "ProcessLookupError: died")],
)
def test_parts_that_do_not_come_to_their_end_are_undecided(problem_file, error, words):
    future = Future()
    future.set_exception(error)
    parts = [
        part_or_undecided(future, 3, otherwise)
        for otherwise in (partial(rest_not_gathered, problem_file), derivation_not_gathered, windows_not_gathered)
    ]
    found = joined(*parts)
    assert [check.verdict for check in found.checks] == ["undecided"] * 3
    assert all(check.text == words for check in found.checks)
    text = render_page(report_of(found))
    assert faults(text) == []
    assert text.count(words) == 4


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
