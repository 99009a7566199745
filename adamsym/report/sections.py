"""What the report shows of one problem: every section of the registry, computed to its end or said to be undecided."""

import inspect
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import sympy as sp

from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.results import counted
from adamsym.field import AdamField
from adamsym.gradients import Empirical, SymbolicGradient
from adamsym.gradients.reading import ProblemFile, read_problem
from adamsym.plots.context import PlotContext, plane_of
from adamsym.plots.figures import figure_of
from adamsym.plots.findings import point_text
from adamsym.plots.names import typeset
from adamsym.plots.registry import Finding, Grade, Picture, Question, Section, Table, Verdict
from adamsym.plots.saving import figure_bytes
from adamsym.plots.settings import Settings
from adamsym.symbolic.derivation import Step
from adamsym.symbolic.rendering import formula, symbol_names

Sides = tuple[tuple[float, float], ...]

_COLUMNS = 6
"""Columns of the data that are summarised one by one."""

_LONGEST = 500
"""Characters of a finding or of a reason."""


@dataclass(frozen=True)
class Check:
    """One line of the summary: a question and what was found."""

    what: str
    grade: Grade
    verdict: Verdict
    text: str
    of_theory: bool


@dataclass(frozen=True)
class Image:
    """A figure as SVG; empty, with the reason in ``caption``, where it could not be drawn."""

    title: str
    caption: str
    svg: bytes


@dataclass(frozen=True)
class SectionReport:
    """One section of the page.

    Attributes
    ----------
    heading
        Sections that follow each other under one heading share it.
    check
        Its line in the summary; None if it has none.
    images, table, facts, steps
        What it shows.
    fault
        The traceback of an error that is a fault of the program; empty if there is none.
    """

    heading: str
    check: Check | None = None
    images: tuple[Image, ...] = ()
    table: Table | None = None
    facts: tuple[tuple[str, str], ...] = ()
    steps: tuple[Step, ...] = ()
    fault: str = ""

    @property
    def is_shown(self) -> bool:
        """Whether anything stands under its heading."""
        return bool(self.images or self.table or self.steps)


@dataclass(frozen=True)
class ProblemReport:
    """What the report shows of one problem.

    Attributes
    ----------
    name, file
        The file's name without ending, and its path.
    written
        LaTeX of the loss, or of the components of a field.
    origin
        Labels and values: parameters, data, method, start.
    sections
        In the registry's order.
    seconds
        How long they took, one after the other.
    """

    name: str
    file: str
    written: str
    origin: tuple[tuple[str, str], ...]
    sections: tuple[SectionReport, ...]
    seconds: float

    @property
    def checks(self) -> tuple[Check, ...]:
        """The summary."""
        return tuple(one.check for one in self.sections if one.check is not None)

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Labels and values."""
        return (*self.origin, *(fact for one in self.sections for fact in one.facts))

    @property
    def headings(self) -> tuple[tuple[str, tuple[SectionReport, ...]], ...]:
        """The sections that show something, by heading."""
        shown = [one for one in self.sections if one.is_shown]
        return tuple((heading, tuple(group)) for heading, group in groupby(shown, lambda one: one.heading))

    @property
    def faults(self) -> tuple[str, ...]:
        """The tracebacks of the faults of the program."""
        return tuple(one.fault for one in self.sections if one.fault)

    @property
    def verdict(self) -> Verdict:
        """Refuted if a statement of the theory is; undecided if any check is, or nothing is decided; else holds."""
        verdicts = {check.verdict for check in self.checks}
        if "internal error" in verdicts:
            return "internal error"
        if any(check.of_theory and check.verdict == "refuted" for check in self.checks):
            return "refuted"
        return "undecided" if "undecided" in verdicts or verdicts <= {"not applicable"} else "holds"


def problem_report(path: str | Path, sections: Sequence[SectionReport], seconds: float) -> ProblemReport:
    """Return the report of one problem file out of its sections.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    source = read_problem(path)
    written = source.problem.written
    entry = written[0] if len(written) == 1 else sp.ImmutableMatrix(written)
    shown = formula(entry, symbol_names(source.problem))
    return ProblemReport(Path(path).stem, str(path), shown, _origin(source), tuple(sections), seconds)


def compute_sections(
    path: str | Path, settings: Settings, box: Sides | None, entries: Sequence[Section]
) -> tuple[tuple[SectionReport, ...], float]:
    """Return sections of one problem file, which share what is computed once, and the seconds that they took.

    Parameters
    ----------
    path
        The problem file.
    settings
        Budgets, times, seeds.
    box
        For portraits and certified searches; chosen around the flow's path if None.
    entries
        Of the registry.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    begin = time.perf_counter()
    source = read_problem(path)
    context = context_of(source, settings, box, Path(path).stem)
    found = tuple(section_report(entry, context) for entry in entries)
    return found, time.perf_counter() - begin


def context_of(source: ProblemFile, settings: Settings, box: Sides | None = None, name: str = "") -> PlotContext:
    """Return the context of a problem file: its start, or 1 for every parameter."""
    field = AdamField(source.problem, source.adam)
    return PlotContext(field, _start(source), settings, plane_of(source.problem.names), box, name)


def section_report(entry: Section, context: PlotContext) -> SectionReport:
    """Return one section.

    What the input does not allow is undecided or not applicable, with the reason; so is what the system refuses, such
    as memory. Any other error is a fault of the program, and the section says so.
    """
    try:
        content = entry.make(context)
        images = tuple(_image(one, context.title(content.varied)) for one in content.pictures)
    except NotApplicable as error:
        return unfinished(entry, Finding("not applicable", str(error)))
    except InputError as error:
        return unfinished(entry, Finding("undecided", str(error)))
    except (MemoryError, OSError) as error:
        return unfinished(entry, Finding("undecided", f"the system refuses: {error or type(error).__name__}"))
    except Exception as error:
        return unfinished(entry, Finding("internal error", f"{type(error).__name__}: {error}"), traceback.format_exc())
    check = None if entry.question is None or content.finding is None else _check(entry.question, content.finding)
    return SectionReport(entry.heading, check, images, content.table, content.facts, content.steps)


def _image(picture: Picture, title: str) -> Image:
    return Image(picture.title, picture.caption, figure_bytes(figure_of([picture], title), "svg"))


def unfinished(entry: Section, finding: Finding, fault: str = "") -> SectionReport:
    """Return the section that says why there is none."""
    question = entry.question
    if question is None and fault:
        question = Question(entry.summary, "floating point")
    check = None if question is None else _check(question, finding)
    images = (Image(entry.summary[0].upper() + entry.summary[1:], f"Not drawn: {_line(finding.text)}", b""),)
    return SectionReport(entry.heading, check, images if entry.drawn else (), fault=fault)


def _check(question: Question, finding: Finding) -> Check:
    return Check(question.text, question.grade, finding.verdict, _line(finding.text), question.of_theory)


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]


def _start(source: ProblemFile) -> tuple[float, ...]:
    names = source.problem.names
    return (1.0,) * len(names) if source.start is None else tuple(source.start[name] for name in names)


def _origin(source: ProblemFile) -> tuple[tuple[str, str], ...]:
    problem, method = source.problem, source.adam
    names = ", ".join(map(typeset, problem.names[:8])) + (", ..." if problem.dimension > 8 else "")
    numbers = [f"{typeset(name)} = {getattr(method, name)}" for name in inspect.signature(type(method)).parameters]
    missing = "" if source.start else "; the file has no [start], so that all parameters start at 1"
    left_out = f"; {counted(source.dropped, 'row')} with missing numbers left out" if source.dropped else ""
    return (
        (counted(problem.dimension, "parameter"), names),
        ("data", _data(problem) + left_out),
        ("minibatch", counted(problem.batch_size, "row")),
        (type(method).__name__, ", ".join(numbers)),
        ("start", f"{point_text(problem.names, _start(source))}{missing}"),
    )


def _data(problem: SymbolicGradient) -> str:
    law = problem.law
    if not isinstance(law, Empirical):
        return repr(law)
    rows = law.rows
    weights = "equal weights" if len(set(law.exact_probabilities)) == 1 else "unequal weights"
    means = law.probabilities @ rows
    columns = [
        f"{name}: mean {means[k]:.4g}, from {rows[:, k].min():.4g} to {rows[:, k].max():.4g}"
        for k, name in enumerate(law.names[:_COLUMNS])
    ]
    more = f"; and {len(law.names) - _COLUMNS} more columns" if len(law.names) > _COLUMNS else ""
    return f"{counted(len(rows), 'row')}, {weights}; " + "; ".join(columns) + more
