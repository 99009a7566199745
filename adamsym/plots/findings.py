"""What a result says: a verdict and a line of text. "Certified" is said of proven bounds alone."""

from collections.abc import Callable, Sequence

import numpy as np

from adamsym.certify import LyapunovRegion, Zeros
from adamsym.certify.digits import interval_text, rounded_down
from adamsym.certify.outcomes import Undecided
from adamsym.certify.results import counted_zeros
from adamsym.dynamics import Basins, Flow, PseudoTrajectory, ZeroPoint
from adamsym.dynamics.solutions import UNFINISHED, about_solution
from adamsym.expressions.compilation import FloatArray
from adamsym.field import AdamField
from adamsym.plots.names import typeset
from adamsym.plots.registry import Finding

_MOST_NAMED = 4
"""Parameters whose values are shown of a point."""


def about_field(field: AdamField, point: Sequence[float], names: Sequence[str]) -> Finding:
    """Say what the field is at a point; the value should lie in its proven bounds, to within its error estimate."""
    found = field.evaluate(point)
    bounds = field.enclose([[x, x] for x in point])
    outside = np.maximum(bounds[:, 0] - found.value, found.value - bounds[:, 1])
    worst = int(np.argmax(np.abs(found.value)))
    low, high = bounds[worst]
    size = f"largest entry {typeset(names[worst])}: f = {found.value[worst]:.12g}"
    text = f"{size}, certified to lie in [{low:.16g}, {high:.16g}]; error estimate {found.error.max():.1e}"
    if (outside > found.error).any():
        # No fault of the theory: the estimate leaves out how gradients are rounded (docs/accuracy.md).
        off = f"a floating-point value lies {outside.max():.1e} outside its proven bounds, more than its error estimate"
        return Finding("undecided", f"{off}: the rounding of gradients; {text}")
    return Finding("holds", text)


def about_zeros(found: Zeros) -> Finding:
    """Say how many zeros are certified, and whether they may be all."""
    number, count = len(found.zeros), counted_zeros(found)
    off = sum(zero.critical_point == "no" for zero in found.zeros)
    has_loss = any(zero.critical_point is not None for zero in found.zeros)
    critical = f"; {off} of {number} proven to be no critical point of L" if has_loss else ""
    if found.beyond:
        critical += f"; not counted: {len(found.beyond)} beyond the box, or on its border"
    if found.complete:
        return Finding("holds", f"certified: exactly {count} in the box{critical}")
    left = len(found.undecided)
    boxes = f"{left} box" + (" is left that" if left == 1 else "es are left that")
    others = sum(cluster.holds_zero for cluster in found.clusters)
    more = "" if not others else f"; {others} group{'s' if others > 1 else ''} of them proven to contain at least one"
    return Finding("undecided", f"{count} certified{critical}; {boxes} may contain others{more} ({_reasons(found)})")


def zero_points(found: Zeros) -> FloatArray:
    """Return the certified zeros' midpoints, shape (zeros, d)."""
    return np.array([zero.midpoint for zero in found.zeros]).reshape(-1, len(found.box))


def about_region(found: LyapunovRegion) -> Finding:
    """Say where the loss is certified to decrease along the flow."""
    if found.witness is not None and found.witness_bounds is not None:
        bounds, names = interval_text(*found.witness_bounds), found.problem.names
        point = ", ".join(f"{typeset(name)} = {x!r}" for name, x in zip(names, found.witness.tolist(), strict=True))
        return Finding(
            "refuted",
            f"at {point} L increases along the flow: <grad L, f> is certified to lie in {bounds}",
        )
    if found.verdict == "certified":
        rate = "" if found.rate is None else f"; L decays at least like exp(-{rounded_down(found.rate, 4)} t)"
        return Finding(
            "holds",
            f"certified: L decreases along the flow in all of the box, but where every row's gradient vanishes{rate}",
        )
    left = len(found.undecided)
    share = f"certified on {rounded_down(100 * found.share, 4)}% of the box; {left} box" + (
        " is" if left == 1 else "es are"
    )
    return Finding("undecided", f"{share} left ({_reasons(found)})")


def _reasons(found: Zeros | LyapunovRegion) -> str:
    """Why boxes are undecided: the two reasons met most often."""
    counts: dict[str, int] = {}
    for _, outcome in found.leaves:
        if isinstance(outcome, Undecided):
            counts[outcome.reason] = counts.get(outcome.reason, 0) + 1
    return "; ".join(sorted(counts, key=lambda reason: -counts[reason])[:2])


def about_windows(found: PseudoTrajectory) -> Finding:
    """Say whether Adam stays within the proven bound of its distance from the flow."""
    windows = found.windows
    within = sum(window.holds is True for window in windows)
    empty = sum(window.holds is None for window in windows)
    text = f"measured distance within the proven bound in {within} of {len(windows)} windows"
    if empty:
        text += f"; in {empty} no chain stayed in the bound's region"
    if found.order is not None:
        text += f"; order in the step {found.order.value:.2f} (99%: {found.order.low:.2f} to {found.order.high:.2f})"
    return Finding("undecided" if found.holds is None else "holds" if found.holds else "refuted", text)


def about_flow(found: Flow, names: Sequence[str], mean_loss: Callable[[FloatArray], FloatArray] | None) -> Finding:
    """Say where one flow ends, and how a loss changed; undecided where it was not followed to its last time."""
    known = np.flatnonzero(found.times <= found.reached)[-1]
    rest = "; ".join(about_solution(found))
    end = point_text(names, found.theta[known])
    text = f"{rest}; at time {found.times[known]:g} at {end}"
    if mean_loss is not None:
        text += f"; loss {mean_loss(found.theta[0]):.6g} to {mean_loss(found.theta[known]):.6g}"
    return Finding("undecided" if found.outcome.item() in UNFINISHED else "holds", text)


def about_basins(found: Basins) -> str:
    """Say how many starts reached an attracting zero, and how many none: floating point."""
    reached, size = int((found.index >= 0).sum()), found.index.size
    text = f"{reached} of {size} starts reach a zero that is certified to be attracting, by time {found.time:g}"
    return text if reached == size else f"{text}; {size - reached} reach none of those in the box by then"


def about_bias(found: ZeroPoint) -> Finding:
    """Say how far a zero is from the critical point of the loss, by number; undecided where either was not found."""
    one = found.critical_point
    if found.outcome != "converged" or one is None:
        return Finding("undecided", found.no_critical_point or f"{found.outcome}: {found.reason}")
    kind = "a critical point" if one.kind == "not decided" else f"a {one.kind}"
    order = "" if one.predicted is None else f", {one.predicted_distance:.4g} to leading order in 1 − β₂"
    excess = f"; the loss there is {one.loss_excess:.3g} above that"
    return Finding("holds", f"the zero is {one.distance:.4g} from {kind} of L{order}{excess}")


def point_text(names: Sequence[str], point: Sequence[float] | np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    """Return a point as text, the first four parameters named."""
    named = [f"{typeset(name)} = {x:.6g}" for name, x in list(zip(names, point, strict=True))[:_MOST_NAMED]]
    return ", ".join(named) + (f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else "")
