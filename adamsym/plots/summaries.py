"""What a result says, in a verdict and a line of words; "certified" is said of proven bounds alone."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from adamsym.certify import LyapunovRegion, Zeros
from adamsym.certify.digits import interval_text, rounded_down
from adamsym.dynamics import Basins, Flow, PseudoTrajectory
from adamsym.dynamics.flow import UNFINISHED, about_solution
from adamsym.gradients import Problem

Verdict = Literal["holds", "refuted", "undecided", "not applicable"]


class Summary(NamedTuple):
    """A verdict and its reason."""

    verdict: Verdict
    text: str


def about_zeros(found: Zeros) -> Summary:
    """Say how many zeros are certified, and whether they may be all."""
    number = len(found.zeros)
    count = f"{number} zero" + ("" if number == 1 else "s")
    off = sum(zero.critical_point == "no" for zero in found.zeros)
    critical = f"; {off} of {number} proven to be no critical point of L" if number else ""
    if found.beyond:
        critical += f"; not counted: {len(found.beyond)} beyond the box, or on its border"
    if found.complete:
        return Summary("holds", f"certified: exactly {count} in the box{critical}")
    left = len(found.undecided)
    boxes = f"{left} box" + (" is left that" if left == 1 else "es are left that")
    others = sum(cluster.holds_zero for cluster in found.clusters)
    more = "" if not others else f"; {others} group{'s' if others > 1 else ''} of them proven to hold at least one"
    return Summary("undecided", f"{count} certified{critical}; {boxes} may hold others{more} ({_reasons(found)})")


def about_region(found: LyapunovRegion) -> Summary:
    """Say where the loss is certified to decrease along the flow."""
    if found.witness is not None and found.witness_bounds is not None:
        bounds, names = interval_text(*found.witness_bounds), found.problem.names
        point = ", ".join(f"{name} = {x!r}" for name, x in zip(names, found.witness.tolist(), strict=True))
        return Summary(
            "refuted",
            f"at {point} L increases along the flow: <grad L, f> is certified to lie in {bounds}",
        )
    if found.verdict == "certified":
        rate = "" if found.rate is None else f"; L decays at least like exp(-{rounded_down(found.rate, 4)} t)"
        return Summary(
            "holds",
            f"certified: L decreases along the flow in all of the box, but where every row's gradient vanishes{rate}",
        )
    left = len(found.undecided)
    share = f"certified on {rounded_down(100 * found.share, 4)}% of the box; {left} box" + (
        " is" if left == 1 else "es are"
    )
    return Summary("undecided", f"{share} left ({_reasons(found)})")


def _reasons(found: Zeros | LyapunovRegion) -> str:
    """Why boxes are undecided: the two reasons met most often."""
    counts: dict[str, int] = {}
    for _, outcome in found.leaves:
        if outcome["by"] == "undecided":
            counts[outcome["reason"]] = counts.get(outcome["reason"], 0) + 1
    return "; ".join(sorted(counts, key=lambda reason: -counts[reason])[:2])


def about_windows(found: PseudoTrajectory) -> Summary:
    """Say whether Adam stays within the proven bound of its distance from the flow."""
    windows = found.windows
    within = sum(window.holds is True for window in windows)
    empty = sum(window.holds is None for window in windows)
    text = f"measured distance within the proven bound in {within} of {len(windows)} windows"
    if empty:
        text += f"; in {empty} no chain stayed in the bound's region"
    if found.order is not None:
        text += f"; order in the step {found.order.value:.2f} (99%: {found.order.low:.2f} to {found.order.high:.2f})"
    return Summary("undecided" if found.holds is None else "holds" if found.holds else "refuted", text)


def about_flow(found: Flow, problem: Problem) -> str:
    """Say where one flow ends, and how the loss changed: floating point."""
    known = np.flatnonzero(found.times <= found.reached)[-1]
    first, last = problem.mean_loss(found.theta[0]), problem.mean_loss(found.theta[known])
    rest = "; ".join(about_solution(found))
    end = point_text(problem.names, found.theta[known])
    return f"{rest}; at time {found.times[known]:g} at {end}; loss {first:.6g} to {last:.6g}"


def told_flow(found: Flow, problem: Problem) -> Summary:
    """Say the same with a verdict: undecided where the flow was not followed to its last time."""
    return Summary("undecided" if found.outcome.item() in UNFINISHED else "holds", about_flow(found, problem))


def about_basins(found: Basins) -> str:
    """Say how many starts reached an attracting zero: floating point."""
    reached = int((found.index >= 0).sum())
    return f"{reached} of {found.index.size} starts reach a zero that is certified to be attracting"


def point_text(names: Sequence[str], point: Sequence[float] | np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    """Return a point in words, the first four parameters named."""
    named = [f"{name} = {x:.6g}" for name, x in list(zip(names, point, strict=True))[:4]]
    return ", ".join(named) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
