"""One page on the Adam field of a network: its zero, the critical point beside it, and where an optimizer ended."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.dynamics import find_zero
from adamsym.dynamics.zero_point import ZeroPoint
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, counted
from adamsym.expressions.whole_files import write_whole
from adamsym.field import AdamField
from adamsym.networks.comparison import Comparison
from adamsym.networks.drawing import draw_comparison
from adamsym.networks.source import NetworkGradients
from adamsym.plots.figures import figure_of
from adamsym.plots.registry import Finding, Picture, Question, Table
from adamsym.plots.saving import figure_bytes
from adamsym.report.collection import Report, versions
from adamsym.report.page import render_page
from adamsym.report.sections import Check, Image, ProblemReport, SectionReport

SURE = 5.0
"""Standard errors by which an end must be nearer to one of two points."""

COINCIDE = 1e-9
"""A mean gradient below this share of the rows' root mean square gradients is 0 by rounding."""


@dataclass(frozen=True, repr=False)
class NetworkReport(Result):
    """The page, and what it shows.

    Attributes
    ----------
    zero
        The zero of the field.
    comparison
        Where an optimizer ended; None if that was not given.
    page
        What the page is made from.
    """

    zero: ZeroPoint
    comparison: Comparison | None
    page: Report

    @property
    def verdict(self) -> str:
        """The page's."""
        return self.page.verdict

    @property
    def summary(self) -> str:
        """What was found, in one line."""
        ended = "" if self.comparison is None else f"; the optimizer ended {self.comparison.side}"
        return f"{self.zero.summary}{ended}"

    def to_dict(self) -> dict[str, Any]:
        """Return the verdicts, the zero and the comparison in lists, numbers, texts and None."""
        compared = None if self.comparison is None else self.comparison.to_dict()
        return {**self.page.to_dict(), "zero": self.zero.to_dict(), "comparison": compared}

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each question."""
        return ["check", "verdict", "what was found"], [
            [check.what, check.verdict, check.text] for check in self.page.problems[0].checks
        ]

    @property
    def html(self) -> str:
        """The page: no scripts, nothing from elsewhere."""
        return render_page(self.page)

    def save(self, path: str | Path) -> None:
        """Write the page to a .html file.

        Raises
        ------
        InputError
            For another ending, or if the file cannot be written; what was there then stays.
        """
        file = Path(path)
        if file.suffix != ".html":
            raise InputError(f"path: {str(file)[:80]!r} has no known ending; allowed is .html")
        text = self.html.encode()
        write_whole(file, lambda opened: opened.write(text), "report")


@checked_arguments
def report(
    field: AdamField,
    theta: ArrayLike | None = None,
    *,
    comparison: Comparison | None = None,
    name: str = "network",
    zero: ZeroPoint | None = None,
) -> NetworkReport:
    """Return a page on the field of a network: first the verdicts, then the numbers.

    It has the field at theta, the zero that :func:`adamsym.find_zero` reaches from there, its stability, the critical
    point of the loss beside it, distance and loss excess with their leading orders, and, if given, where an optimizer
    ended. All is floating point: evidence, no certificate.

    Parameters
    ----------
    field
        The Adam field of a network.
    theta
        Where training has ended, shape (d,); the network's present parameters if omitted.
    comparison
        What :func:`compare` returned for runs of an optimizer.
    name
        The page's name for the network.
    zero
        What :func:`adamsym.find_zero` returned for this field, if it is known; it is searched for if omitted.

    Raises
    ------
    InputError
        If an argument does not fit, or max |f| at the zero is not what it says.
    """
    source = field.problem
    if not isinstance(source, NetworkGradients):
        raise InputError(f"field: its source is a {type(source).__name__}; give the field of a network")
    begin = time.perf_counter()
    present = getattr(source, "theta", None) if theta is None else theta
    if present is None:
        raise InputError(f"theta: a {type(source).__name__} has no present parameters; give a point")
    given = source.points(present)
    if given.ndim != 1:
        raise InputError(f"theta: shape {given.shape} is not allowed; a report is on one point ({source.dimension},)")
    zero = find_zero(field, given) if zero is None else _checked_zero(field, zero)
    sections = [_of_the_zero(field, zero), _beside_it(field, zero)]
    if comparison is not None:
        sections.append(_of_the_end(comparison))
    origin = (*_origin(field), *_at_the_start(field, given))
    page = ProblemReport(name, repr(source), "", origin, tuple(sections), time.perf_counter() - begin)
    return NetworkReport(zero, comparison, Report((page,), (), None, "adamsym.networks.report", versions()))


def _checked_zero(field: AdamField, zero: ZeroPoint) -> ZeroPoint:
    """The zero, if it is one of this field as much as it says."""
    found = field.evaluate(field.problem.points(zero.theta))
    if zero.theta.ndim != 1 or not abs(np.abs(found.value).max() - zero.largest) <= zero.error + found.error.max():
        raise InputError("zero: max |f| there is not what it says; give what find_zero returned for this field")
    return zero


def _origin(field: AdamField) -> tuple[tuple[str, str], ...]:
    source = field.problem
    return (
        (counted(source.dimension, "parameter"), ", ".join(source.names[:4]) + (", ..." * (source.dimension > 4))),
        ("data", counted(len(source.law.discretise(0)[1]), "row")),
        ("minibatch", counted(source.batch_size, "row")),
        ("method", repr(field.adam)),
    )


def _at_the_start(field: AdamField, theta: Any) -> tuple[tuple[str, str], ...]:
    found = field.evaluate(theta)
    largest = int(np.abs(found.value).argmax())
    size = f"max |f| = {abs(found.value[largest]):.3g}, of {field.problem.names[largest]}"
    return (
        ("field at the given point", f"{size}; |f| = {np.linalg.norm(found.value):.3g}; error {found.error.max():.0e}"),
        ("loss there", f"{float(field.problem.mean_loss(theta)):.8g}"),
    )


def _check(what: str, verdict: Any, text: str, grade: Any = "floating point") -> Check:
    question, finding = Question(what, grade), Finding(verdict, text)
    return Check(question.text, question.grade, finding.verdict, " ".join(finding.text.split())[:500], False)


def _of_the_zero(field: AdamField, zero: ZeroPoint) -> SectionReport:
    converged = zero.outcome == "converged"
    text = f"max |f| = {zero.largest:.1e}, error {zero.error:.0e}, |theta| = {np.linalg.norm(zero.theta):.4g}"
    away = f"{zero.outcome}: {zero.reason}"
    check = _check("The field has a zero", "holds" if converged else "undecided", text if converged else away)
    facts = [("loss at the zero", f"{float(field.problem.mean_loss(zero.theta)):.8g}")] if converged else []
    facts.append(("evaluations and products", str(zero.spent)))
    return SectionReport("The zero", check, facts=tuple(facts))


def _beside_it(field: AdamField, zero: ZeroPoint) -> SectionReport:
    """Stability and the critical point: their lines of the summary have one section, with a table."""
    columns, rows = zero.table()
    table = Table("The zero and the critical point beside it", tuple(columns), tuple(map(tuple, rows)))
    if zero.outcome != "converged":
        return SectionReport("", _check("Adam rests away from the critical point", "undecided", "no zero was reached"))
    source = field.problem
    gradient, rows_there = source.gradient(zero.theta), source.row_gradients(zero.theta)
    size, scale = np.abs(gradient).max(), float(np.sqrt(np.mean(rows_there**2)))
    point = zero.critical_point
    text = f"{zero.stability} zero with max |dL/dtheta| = {size:.2g}"
    text += (
        f"; {zero.no_critical_point}" if point is None else f"; {point.summary}, loss excess {point.loss_excess:.3g}"
    )
    verdict = "holds" if size > COINCIDE * scale else "refuted"
    if verdict == "holds" and zero.stability != "attracting":
        verdict = "refuted" if zero.stability == "not attracting" else "undecided"
    what = "The zero attracts, and is no critical point of the loss"
    return SectionReport("The zero", _check(what, verdict, text), table=table)


def _of_the_end(comparison: Comparison) -> SectionReport:
    by = comparison.end.standard_errors_closer
    # From the zero itself: that chains are still there says little.
    came = by >= SURE and not comparison.began_at_zero
    verdict = "holds" if came else "refuted" if by <= -SURE else "undecided"
    if comparison.copies_overlap:
        verdict = "undecided"
    what = f"The optimizer ends nearer to the zero than to the critical point, by {SURE:g} standard errors"
    columns, rows = comparison.table()
    caption = (
        "Distances of the mean iterate to the predicted zero and to the critical point against the step size; bars: "
        "root mean square deviations from the chance of the minibatches."
    )
    picture = Picture("Where the optimizer ends", caption, lambda axes: draw_comparison(comparison, axes))
    image = Image(picture.title, caption, figure_bytes(figure_of([picture]), "svg"))
    table = Table("Mean iterates by step size; the last row is extrapolated", tuple(columns), tuple(map(tuple, rows)))
    check = _check(what, verdict, comparison.summary, "statistical")
    return SectionReport("Where the optimizer ends", check, (image,), table)
