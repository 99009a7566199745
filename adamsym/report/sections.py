"""What the report shows of one problem, computed: verdicts first, every check to its end or said to be undecided."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from matplotlib.figure import Figure

from adamsym.certify import LyapunovRegion, Zeros
from adamsym.certify.digits import shared_digits
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.reading import ProblemFile, read_problem
from adamsym.methods import require_adam
from adamsym.plots.captions import counted, of_flow, of_loss, of_portrait, of_windows, runs_are_drawn
from adamsym.plots.context import PlotContext, plane_of
from adamsym.plots.figures import TITLES, flow_figure, loss_figure, portrait_figure, windows_figure
from adamsym.plots.portraits import Of
from adamsym.plots.saving import figure_bytes
from adamsym.plots.settings import Settings
from adamsym.plots.summaries import Summary, Verdict, about_region, about_windows, about_zeros, point_text, told_flow
from adamsym.symbolic import DerivationError, derive
from adamsym.symbolic.derivation import Derivation, Step
from adamsym.symbolic.rendering import formula, symbol_names

Grade = Literal["symbolic", "certified", "statistical", "floating point"]

Result = TypeVar("Result")

Sides = tuple[tuple[float, float], ...]

_DERIVATION: tuple[str, Grade] = ("the derivation of the field", "symbolic")
_WINDOWS: tuple[str, Grade] = ("Adam near its flow", "statistical")
_DISTANCE = "Adam's distance from its flow"

_COLUMNS = 6
"""Columns of the data that are summarised one by one."""


@dataclass(frozen=True)
class Check:
    """One line of the summary.

    ``of_theory`` tells statements that hold for every problem, whose refutation is a fault, from questions about this
    one, whose answer may be no.
    """

    what: str
    grade: Grade
    verdict: Verdict
    text: str
    of_theory: bool


@dataclass(frozen=True)
class Picture:
    """A figure as SVG; empty with the reason in ``caption`` where it could not be drawn."""

    title: str
    caption: str
    alternative: str
    svg: bytes


@dataclass(frozen=True)
class ProblemReport:
    """What the report shows of one problem.

    Attributes
    ----------
    name, file
        The file's name without ending, and its path.
    loss
        LaTeX.
    facts
        Labels and values: data, parameters, method.
    checks
        The summary.
    derivation
        Its steps; empty if there is none.
    portraits, figures
        The pair of portraits, and what follows.
    zero_columns, zeros
        The table of certified zeros.
    seconds
        How long it took.
    """

    name: str
    file: str
    loss: str
    facts: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]
    derivation: tuple[Step, ...]
    portraits: tuple[Picture, ...]
    figures: tuple[Picture, ...]
    zero_columns: tuple[str, ...]
    zeros: tuple[tuple[str, ...], ...]
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """Refuted if a statement of the theory is; undecided if any check is, or nothing is decided; else holds."""
        verdicts = {check.verdict for check in self.checks}
        if any(check.of_theory and check.verdict == "refuted" for check in self.checks):
            return "refuted"
        return "undecided" if "undecided" in verdicts or verdicts <= {"not applicable"} else "holds"


@dataclass(frozen=True)
class DerivationPart:
    """The derivation's line of the summary, and its steps."""

    check: Check
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class WindowsPart:
    """The windows' line of the summary, and their figure."""

    check: Check
    picture: Picture


def gather_problem(path: str | Path, settings: Settings, box: Sides | None = None) -> ProblemReport:
    """Return what the report shows of one problem file, without a limit of time.

    Parameters
    ----------
    path
        The problem file.
    settings
        Budgets, times, seeds.
    box
        For portraits and certified searches; chosen around the flow's path if omitted.

    Raises
    ------
    InputError
        If the file cannot be read.
    """
    return joined(gather_rest(path, settings, box), gather_derivation(path), gather_windows(path, settings))


def joined(rest: ProblemReport, derivation: DerivationPart, windows: WindowsPart) -> ProblemReport:
    """Return the report of one problem out of its parts."""
    return replace(
        rest,
        checks=(derivation.check, *rest.checks, windows.check),
        derivation=derivation.steps,
        figures=(*rest.figures, windows.picture),
    )


def gather_derivation(path: str | Path) -> DerivationPart:
    """Return the derivation of the field."""
    source = read_problem(path)
    found: list[Derivation] = []
    check = _attempt(*_DERIVATION, lambda: _derive(source, found), of_theory=True)
    return DerivationPart(check, found[0].steps if found else ())


def gather_windows(path: str | Path, settings: Settings) -> WindowsPart:
    """Return Adam's distance from its flow in windows of time."""
    source = read_problem(path)
    start, _ = _start(source)
    study = PlotContext(source, start, settings, plane_of(source.problem.names))
    check = _attempt(*_WINDOWS, lambda: about_windows(study.windows), of_theory=True)
    if "windows" not in vars(study):
        return WindowsPart(check, _no_windows(check.text))
    caption = of_windows(study, study.windows)
    picture = _picture(_DISTANCE, caption, caption, lambda: windows_figure(study.windows))
    return WindowsPart(check, picture)


def gather_rest(path: str | Path, settings: Settings, box: Sides | None = None) -> ProblemReport:
    """Return all but the derivation and the windows, which may take long: see :func:`gather_problem`."""
    begin = time.perf_counter()
    source = read_problem(path)
    problem = source.problem
    start, origin = _start(source)
    study = PlotContext(source, start, settings, plane_of(problem.names), box)
    checks = (
        _attempt("the field at the start", "certified", lambda: about_field(study), of_theory=True),
        _attempt("all zeros of the field", "certified", lambda: about_zeros(study.zeros)),
        _attempt("L as a Lyapunov function of the flow", "certified", lambda: about_region(study.region)),
        _attempt("the flow from the start", "floating point", lambda: told_flow(study.flow, problem)),
    )
    facts = (*_facts(source), ("start", f"{point_text(problem.names, start)}{origin}"), _box_fact(study))
    return ProblemReport(
        name=Path(path).stem,
        file=str(path),
        loss=formula(problem.loss, symbol_names(problem)),
        facts=facts,
        checks=checks,
        derivation=(),
        portraits=_portraits(study),
        figures=_figures(study),
        zero_columns=(*problem.names, "width of the box", "stability", "critical point of L"),
        zeros=_zero_rows(study),
        seconds=time.perf_counter() - begin,
    )


def derivation_not_gathered(reason: str) -> DerivationPart:
    """Return the part of a derivation that did not come to its end."""
    return DerivationPart(_attempt(*_DERIVATION, lambda: Summary("undecided", reason), of_theory=True), ())


def windows_not_gathered(reason: str) -> WindowsPart:
    """Return the part of windows that did not come to their end."""
    return WindowsPart(_attempt(*_WINDOWS, lambda: Summary("undecided", reason), of_theory=True), _no_windows(reason))


def _no_windows(reason: str) -> Picture:
    return Picture(_DISTANCE, f"Not drawn: {reason}", "", b"")


def rest_not_gathered(path: str | Path, reason: str) -> ProblemReport:
    """Return the report of a problem whose searches and flow did not come to their end."""
    check = _attempt(
        "the field, its zeros, the Lyapunov region, the flow", "certified", lambda: Summary("undecided", reason)
    )
    return ProblemReport(Path(path).stem, str(path), "", (), (check,), (), (), (), (), (), 0.0)


def _attempt(what: str, grade: Grade, make: Callable[[], Summary], of_theory: bool = False) -> Check:
    """A check's line; undecided if it cannot be made, whatever the reason, unless nothing can be decided here."""
    try:
        told = make()
    except DerivationError as error:
        told = Summary("refuted", f"a step fails its check: {error}")
    except NotApplicable as error:
        told = Summary("not applicable", str(error))
    except InputError as error:
        told = Summary("undecided", str(error))
    except Exception as error:
        told = Summary("undecided", f"{type(error).__name__}: {error}")
    return Check(what, grade, told.verdict, " ".join(told.text.split())[:500], of_theory)


def _start(source: ProblemFile) -> tuple[tuple[float, ...], str]:
    names = source.problem.names
    if source.start is None:
        return (1.0,) * len(names), "; the file has no [start], so that all parameters start at 1"
    return tuple(source.start[name] for name in names), ""


def _derive(source: ProblemFile, found: list[Derivation]) -> Summary:
    found.append(derive(source.problem, source.adam))
    return Summary("holds", f"all {len(found[0].steps)} steps passed their checks")


def about_field(study: PlotContext) -> Summary:
    """Say what the field is at the start; the value should lie in its proven bounds, to within its error estimate."""
    require_adam(study.source.adam, "an enclosure")
    found = study.field.evaluate(study.start)
    bounds = study.field.enclose([[x, x] for x in study.start])
    outside = np.maximum(bounds[:, 0] - found.value, found.value - bounds[:, 1])
    worst = int(np.argmax(np.abs(found.value)))
    low, high = bounds[worst]
    size = f"largest entry {study.names[worst]}: f = {found.value[worst]:.12g}"
    text = f"{size}, certified to lie in [{low:.16g}, {high:.16g}]; error estimate {found.error.max():.1e}"
    if (outside > found.error).any():
        # No fault of the theory: the estimate leaves out how gradients are rounded (docs/accuracy.md).
        off = f"a floating-point value lies {outside.max():.1e} outside its proven bounds, more than its error estimate"
        return Summary("undecided", f"{off}: the rounding of gradients; {text}")
    return Summary("holds", text)


def _facts(source: ProblemFile) -> tuple[tuple[str, str], ...]:
    problem, method = source.problem, source.adam
    names = ", ".join(problem.names[:8]) + (", ..." if problem.dimension > 8 else "")
    numbers = [f"beta1 = {method.beta1:g}", f"beta2 = {method.beta2:g}", f"eps = {method.eps:g}"]
    if method.decay:
        numbers.append(f"weight_decay = {method.decay:g}")
    count = f"{problem.dimension} parameter" + ("s" if problem.dimension > 1 else "")
    return (
        (count, names),
        ("data", _data(problem) + _left_out(source)),
        ("minibatch", f"{problem.batch_size} row" + ("s" if problem.batch_size > 1 else "")),
        (type(method).__name__, ", ".join(numbers)),
    )


def _left_out(source: ProblemFile) -> str:
    return f"; {counted(source.dropped, 'row')} with missing numbers left out" if source.dropped else ""


def _data(problem: Problem) -> str:
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
    return f"{len(rows)} row{'s' if len(rows) > 1 else ''}, {weights}; " + "; ".join(columns) + more


def _box_fact(study: PlotContext) -> tuple[str, str]:
    try:
        sides = study.sides
    except Exception as error:
        return "box", f"undecided: {type(error).__name__}: {error}"
    ranges = [f"{study.names[k]} from {a:g} to {b:g}" for k, (a, b) in zip(study.plane, sides, strict=True)]
    fixed = "; the other parameters as at the start" if len(study.names) > 2 else ""
    origin = "" if study.given_box is not None else ", around the flow's path"
    return "box of portraits and searches", ", ".join(ranges) + fixed + origin


def _zero_rows(study: PlotContext) -> tuple[tuple[str, ...], ...]:
    try:
        found = study.zeros.zeros
    except Exception:  # the summary says why
        return ()
    return tuple(
        (
            *(shared_digits(*side) for side in zero.box.tolist()),
            f"{np.ptp(zero.box, axis=1).max():.1e}",
            zero.stability,
            zero.critical_point,
        )
        for zero in found
    )


def _portraits(study: PlotContext) -> tuple[Picture, ...]:
    zeros, _ = _tried(lambda: study.zeros)
    region, _ = _tried(lambda: study.region)
    return tuple(_portrait(study, of, zeros, region) for of in TITLES)


def _portrait(study: PlotContext, of: Of, zeros: Zeros | None, region: LyapunovRegion | None) -> Picture:
    title, caption = TITLES[of][0].upper() + TITLES[of][1:], of_portrait(study, of, zeros, region)
    return _picture(
        title,
        caption,
        caption,
        lambda: portrait_figure(study.portrait, study.names, (of,), zeros, region, title=False),
    )


def _figures(study: PlotContext) -> tuple[Picture, ...]:
    runs, missing = _tried(lambda: study.runs)
    of_both, of_losses = of_flow(study, runs, missing), of_loss(study, runs, missing)
    title = f"The flow, and {type(study.source.adam).__name__}" if runs_are_drawn(study) else "The flow"
    return (
        _picture(title, of_both, of_both, lambda: flow_figure(study.flow, runs, study.names)),
        _picture("The loss", of_losses, of_losses, lambda: loss_figure(study.flow, runs, study.problem)),
    )


def _tried(make: Callable[[], Result]) -> tuple[Result | None, str]:
    """What is made, or None and the reason."""
    try:
        return make(), ""
    except Exception as error:
        return None, " ".join(str(error).split())[:300]


def _picture(title: str, caption: str, alternative: str, make: Callable[[], Figure]) -> Picture:
    try:
        return Picture(title, caption, alternative, figure_bytes(make(), "svg"))
    except Exception as error:
        return Picture(title, f"Not drawn: {' '.join(str(error).split())[:300]}", alternative, b"")
