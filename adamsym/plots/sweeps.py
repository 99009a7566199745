"""Sweeps as plots and the report show them: the interval where none is given, and what is said of the zeros found."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from adamsym.continuation import Branch, BranchPoint, CertifiedBranch, Sweep, ZeroMap
from adamsym.continuation.axes import axes_of
from adamsym.continuation.families import check_axis
from adamsym.dynamics import ZeroPoint
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.gradients.reading import ProblemFile
from adamsym.methods import Method
from adamsym.methods.record import parameters_of
from adamsym.plots.findings import point_text
from adamsym.plots.names import typeset
from adamsym.plots.registry import Finding, Table
from adamsym.plots.settings import Settings

POINTS = 24
"""Zeros on a branch across an interval: enough for a drawing."""

MAP_POINTS = 13
"""Values of each interval of a map; up to 12 values would be labelled one by one."""

_TUBES = 20
"""Of a certified branch that the page lists."""

_COORDINATES = 8
"""Of a zero whose bias is told."""

_AROUND = 10
"""By what factor 1 - beta2 varies to both sides where no interval is given."""


def values_of(method: Method, name: str, values: str) -> Any:
    """Return what a sweep varies over: the text given, or the interval around the value of beta2 that the method has.

    Raises
    ------
    InputError
        If none is given for another parameter, or the method has no beta2.
    """
    if values:
        return values
    own = parameters_of(method)
    if name != "beta2" or "beta2" not in own:
        raise InputError(f"--sweep: no values of {name[:40]}; give some, such as {name[:40]}=low:high")
    value = Fraction(own["beta2"])
    # Fields need beta1^2 < beta2; near it the memory of beta1 is the longer one.
    least = (Fraction(own.get("beta1", 0)) ** 2 + value) / 2
    return max(1 - _AROUND * (1 - value), least), 1 - (1 - value) / _AROUND


def check_varied(sources: Sequence[ProblemFile], settings: Settings) -> None:
    """Raise InputError if a sweep or map of the settings varies what no problem has, or to values that none allows.

    What only some of them lack is said of these, where it is computed.
    """
    for option, over in (("--sweep", [settings.sweep] if settings.sweep else []), ("--map", settings.map_over)):
        for name, values in over:
            faults = [_fault(source, name, values) for source in sources]
            if faults and None not in faults:
                raise InputError(f"{option}: {str(faults[0]).removeprefix('over: ').removeprefix('--sweep: ')}")


def _fault(source: ProblemFile, name: str, values: str) -> InputError | None:
    """Why a problem cannot vary a parameter so; None where it can, or where problems of its kind have no sweeps."""
    try:
        (axis,) = axes_of({name: values_of(source.adam, name, values)})
        check_axis(AdamField(source.problem, source.adam), axis)
    except NotApplicable:
        return None
    except InputError as error:
        return error
    return None


def about_sweep(found: Sweep) -> Finding:
    """Say how many branches were followed, and where the first begins and ends."""
    if not found.branches:
        return Finding("undecided", found.summary)
    text = f"followed by number: {found.summary}"
    first = found.branches[0]
    ends = [first.points[0], *([first.points[-1]] if len(first.points) > 1 else [])]
    text += "".join(f"; {_end(found, first, point)}" for point in ends)
    reasons = "".join(f"; not followed: {reason}" for _, reason in found.not_followed)
    return Finding("undecided" if found.not_followed else "holds", text + reasons)


def _end(found: Sweep, branch: Branch, point: BranchPoint) -> str:
    away = "" if point.critical_point is None else f", {point.distance:.3g} from the critical point of L"
    return f"at {branch.parameter} = {point.value:g} {point_text(found.names, point.zero)}{away}"


def table_of_sweep(found: Sweep) -> Table:
    """Return the ends of each branch, or its listed values, with folds and other changes between."""
    columns, rows = found.table()
    note = (
        "Distance from the critical point of L beside the zero, and what it should be to leading order, in 1 - beta2 "
    )
    return Table(
        "Followed by number, not certified",
        tuple(columns),
        tuple(map(tuple, rows)),
        note + "and in 1/B.",
        f"No zero is listed: {found.summary}",
    )


def table_of_bias(found: ZeroPoint, names: Sequence[str]) -> Table:
    """Return the zero beside the critical point of the loss, then distance and loss excess, found and predicted."""
    one = found.critical_point
    caption = "The zero near the start, and the critical point of the loss beside it: floating point"
    columns = ("", "zero", "critical point of L", "leading order in 1 − β₂")
    if found.outcome != "converged" or one is None:
        return Table(caption, columns, (), empty=found.no_critical_point or found.reason)
    nan = math.nan
    predicted = [nan] * len(names) if one.predicted is None else one.predicted.tolist()
    points = zip(names[:_COORDINATES], found.theta.tolist(), one.theta.tolist(), predicted, strict=False)
    rows = [(typeset(name), f"{a:.10g}", f"{b:.10g}", _number(c, 10)) for name, a, b, c in points]
    pairs = {"distance": (one.distance, one.predicted_distance), "loss excess": (one.loss_excess, one.predicted_excess)}
    rows += [(name, f"{value:.6g}", "0", _number(guess, 6)) for name, (value, guess) in pairs.items()]
    left = len(names) - _COORDINATES
    more = f"And {left} more parameters. " if left > 0 else ""
    note = f"{more}The critical point is a {one.kind}." if one.kind != "not decided" else more
    return Table(caption, columns, tuple(rows), note.strip())


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}g}"


def about_branch(found: CertifiedBranch) -> Finding:
    """Say over which values a branch of zeros is certified."""
    return Finding("holds" if found.complete else "undecided", found.summary.removeprefix("undecided: "))


def table_of_branch(found: CertifiedBranch) -> Table:
    """Return the certified tubes, the first of many."""
    columns, rows = found.table()
    left = len(rows) - _TUBES
    return Table(
        "Certified: for every value in each row, exactly one zero within the half-width of the point",
        tuple(columns),
        tuple(map(tuple, rows[:_TUBES])),
        f"And {left} more: adamsym sweep --certify lists them." if left > 0 else "",
        f"Nothing is certified: {found.reason}",
    )


def about_map(found: ZeroMap) -> Finding:
    """Say how many zeros there are at how many pairs of values."""
    if found.reason:
        return Finding("undecided", found.summary)
    return Finding("holds", f"followed by number: {found.summary}")


def table_of_map(found: ZeroMap) -> Table:
    """Return a row for each number of zeros, and from where to where they are so many."""
    columns, rows = found.table()
    caption = "The number of zeros that are reached from the start, followed by number, not certified"
    return Table(caption, tuple(columns), tuple(map(tuple, rows)), empty=f"Nothing was counted: {found.reason}")


def caption_of_map(found: ZeroMap) -> str:
    """Return the caption of a map."""
    first, second = (axis.name for axis in found.axes)
    return f"How many zeros are reached from the start, over {first} and {second}; lines where zeros vanish or change."


def caption_of_sweep(found: Sweep, is_certified: bool, shows_predictions: bool) -> str:
    """Return the caption of a bifurcation diagram."""
    axis = found.axes[0]
    low, high = min(axis.values), max(axis.values)
    text = f"Zeros of the Adam field as {axis.name} varies from {float(low):g} to {float(high):g}, from the start on: "
    text += "solid where they attract, dashed where they do not."
    if any(point.critical_point is not None for branch in found.branches for point in branch.points):
        text += " Grey: the critical point of L beside them."
    if shows_predictions:
        text += " Thin: where they should be to leading order."
    return text + (" Shaded: boxes in each of which exactly one zero is certified." if is_certified else "")
