"""The report: verdicts in words, everything escaped, nothing from elsewhere, what was cut short is undecided."""

import itertools
import re
from concurrent.futures import Future
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from adamsym import InputError, read_problem
from adamsym.claims import ClaimReport
from adamsym.claims import Settings as ClaimSettings
from adamsym.claims.report import ControlReport, EvidenceReport
from adamsym.view.gathering import (
    Check,
    Picture,
    about_field,
    derivation_not_gathered,
    gather_rest,
    gather_windows,
    joined,
    rest_not_gathered,
    windows_not_gathered,
)
from adamsym.view.page import render_page, statement_markup
from adamsym.view.report import Places, Report, find_places, part_or_undecided
from adamsym.view.settings import Settings
from adamsym.view.study import Study

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
    assert "the budget is spent" in verdicts["all zeros of the field"].text
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
    assert verdicts["Adam near its flow"].verdict == "undecided"
    assert found.figures[-1].svg == b""
    text = render_page(report_of(found))
    assert faults(text) == []
    assert "Not drawn: " in text
    assert "the file has no [start]" in text


def test_a_value_outside_its_bounds_is_undecided(problem_file, quick):
    source = read_problem(problem_file)
    study = Study(source, (2.0,), quick, (0,))
    assert about_field(study).verdict == "holds"
    field = study.field
    vars(study)["field"] = SimpleNamespace(evaluate=field.evaluate, enclose=lambda box: field.enclose(box) + 1e-9)
    told = about_field(study)
    assert told.verdict == "undecided"
    assert "1.0e-09 outside its proven bounds" in told.text


def test_searches_stop_after_a_time(plane, monkeypatch):
    from adamsym import Adam, AdamField, find_zeros
    from adamsym.view import searching
    from adamsym.view.searching import search_within

    # Each look at the clock takes a second.
    monkeypatch.setattr(searching, "time", SimpleNamespace(monotonic=partial(next, itertools.count())))
    search = partial(find_zeros, AdamField(plane.problem, Adam("0.5", "0.6", "1")), plane.box)
    found, stopped = search_within(search, 400, 5.0)
    assert stopped
    assert found.undecided
    assert found.examined < plane.zeros.examined
    found, stopped = search_within(search, 20, 1000.0)
    assert not stopped
    assert found.examined == 20


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
