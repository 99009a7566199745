"""A zero of the field and the critical point of the loss beside it, both marked, with their distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from adamsym.certify import OneZero
from adamsym.certify.digits import shared_digits
from adamsym.certify.outcomes import Stability
from adamsym.dynamics import PhasePortrait, ZeroPoint
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.plots.style import BLUE, CRITICAL, GREY, STABILITIES, VERMILLION, paper, wide

CLOSE = 0.04
"""A zero and a critical point that are nearer than this share of both sides of the picture are shown enlarged too."""

_ENLARGED = 2.5
"""Distances between the two that the enlarged part reaches to each side of their middle."""

_SIDE = 0.36
"""Of the enlarged part, as a share of the picture's."""

_LISTED = 3
"""Distances that a caption tells."""


@dataclass(frozen=True)
class Pair:
    """A zero, the critical point beside it, shapes (d,), and how far they are apart, in digits that are known.

    Attributes
    ----------
    zero, critical
        The two points.
    kind
        "minimum", "maximum", "saddle", or "critical point" where that is not decided.
    stability
        Of the zero: whether it attracts.
    distance
        Euclidean, as text.
    certified
        Whether both points are proven; else they are known by number.
    """

    zero: FloatArray
    critical: FloatArray
    kind: str
    stability: Stability
    distance: str
    certified: bool


def pair_of(found: OneZero | ZeroPoint) -> Pair | None:
    """Return the zero that was found and the critical point beside it; None where either is not known."""
    if isinstance(found, ZeroPoint):
        one = found.critical_point
        if found.outcome != "converged" or one is None:
            return None
        kind = "critical point" if one.kind == "not decided" else one.kind
        stability: Stability = "attracting" if found.stability == "attracting" else "undecided"
        return Pair(found.theta, one.theta, kind, stability, f"{one.distance:.4g}", False)
    if found.zero is None or found.critical is None:
        return None
    beside = found.critical
    kind = "critical point" if beside.kind == "undecided" else beside.kind
    digits = shared_digits(*beside.distance)
    return Pair(found.zero.midpoint, beside.midpoint, kind, found.zero.stability, digits, True)


@checked_arguments
def draw_pairs(axes: Axes, pairs: Sequence[Pair], *, zeros: bool = True) -> list[Line2D]:
    """Mark the critical points of the loss beside zeros of the field, and the zeros; the legend tells their distances.

    Over one parameter both lie on the line f = 0.

    Parameters
    ----------
    axes
        Where to draw, after what they belong to.
    pairs
        Of :func:`pair_of`, in one or two parameters.
    zeros
        Whether the zeros are marked too; not where :func:`draw_zeros` has marked them.

    Returns
    -------
    list
        A line of markers for each kind of critical points, then the zeros, if they are marked.
    """
    lines = []
    for kind in dict.fromkeys(pair.kind for pair in pairs):
        own = [pair for pair in pairs if pair.kind == kind]
        proven = " (certified)" if all(pair.certified for pair in own) else ""
        # The caption has the distances of several; in a legend they would not find room.
        distances = {pair.distance for pair in own}
        apart = f", {distances.pop()} from the zero" if len(distances) == 1 else ""
        label = f"{kind} of L{proven}{apart}"
        lines += axes.plot(*_flat([pair.critical for pair in own]).T, **CRITICAL.options(), label=label)
    if pairs and zeros:
        for stability in dict.fromkeys(pair.stability for pair in pairs):
            own = [pair for pair in pairs if pair.stability == stability]
            proven = " (certified)" if all(pair.certified for pair in own) else ""
            word = "" if stability == "undecided" else f"{stability} "
            label = f"{word}zero of f{proven}"
            lines += axes.plot(*_flat([pair.zero for pair in own]).T, **STABILITIES[stability].options(), label=label)
    return lines


def of_pairs(pairs: Sequence[Pair]) -> str:
    """Return what a caption says of the pairs that are marked, after a space; empty if there are none."""
    if not pairs:
        return ""
    kinds = list(dict.fromkeys(pair.kind for pair in pairs))
    which = kinds[0] if len(kinds) == 1 else "critical point"
    several = "s" if len(pairs) > 1 else ""
    proven = "certified" if all(pair.certified for pair in pairs) else "by number"
    beside = f"the zero{several}, {_apart(pairs)} away" if not several else f"the zeros, {_apart(pairs)} away"
    return f" Triangle{several}: the {which}{several} of L beside {beside} ({proven})."


def of_levels(pairs: Sequence[Pair]) -> str:
    """Return what a caption says of the levels that are drawn, after a space; empty if there are none."""
    if not pairs:
        return ""
    return f" Dotted: the zero of f; dashed: the {pairs[0].kind} of L, {pairs[0].distance} away (by number)."


def draw_levels(axes: Axes, pair: Pair) -> list[Line2D]:
    """Draw the levels of a zero and of the critical point beside it over time, of one parameter.

    Returns
    -------
    list
        The zero's line, and the critical point's.
    """
    style = {"linewidth": wide(1.1), "zorder": 2}
    label = f"{pair.kind} of L, {pair.distance} from the zero"
    # Where both levels are one on the picture, dots are seen between the dashes.
    dashes = (0, (4, 4))
    return [
        axes.axhline(pair.zero[0], color=BLUE, linestyle=":", label="zero of f", **style),
        axes.axhline(pair.critical[0], color=VERMILLION, linestyle=dashes, label=label, **style),
    ]


def is_close(pair: Pair, sides: FloatArray) -> bool:
    """Return whether the two points of a pair could not be told apart in a picture of a box (p, 2) that shows them."""
    inside = all(((sides[:, 0] <= point) & (point <= sides[:, 1])).all() for point in (pair.zero, pair.critical))
    apart = np.abs(pair.zero - pair.critical)
    return bool(inside and apart.any() and (apart < CLOSE * np.ptp(sides, axis=1)).all())


def enlarged_box(pair: Pair) -> FloatArray:
    """Return the box (d, 2) that the enlarged part of the picture shows of the parameters."""
    middle = (pair.zero + pair.critical) / 2
    half = _ENLARGED * np.abs(pair.zero - pair.critical).max()
    return np.column_stack((middle - half, middle + half))


@checked_arguments
def draw_enlarged(axes: Axes, pair: Pair, portrait: PhasePortrait | None = None) -> Axes:
    """Draw the surroundings of a close pair enlarged, in the corner of the picture where least is drawn.

    Parameters
    ----------
    axes
        Where to draw, after all else.
    pair
        In one or two parameters.
    portrait
        Over :func:`enlarged_box`, of one parameter; then f and minus the gradient are drawn.

    Returns
    -------
    Axes
        The enlarged part.
    """
    axes.autoscale_view()
    corner = _emptiest_corner(axes)
    inset = axes.inset_axes((*corner, _SIDE, _SIDE), zorder=8)
    box = enlarged_box(pair)
    inset.set_xlim(*box[0])
    if portrait is not None:
        x, heights = portrait.points[:, 0], (portrait.field[:, 0], portrait.descent[:, 0])
        inset.axhline(0.0, color=GREY, linewidth=wide(0.8), zorder=1)
        for y, colour, dashes in zip(heights, (BLUE, VERMILLION), ("-", "--"), strict=True):
            inset.plot(x, y, color=colour, linestyle=dashes, linewidth=wide(1.4), zorder=3)
        reach = 1.1 * float(np.nanmax(np.abs(portrait.field)))
        inset.set_ylim(-reach, reach)
    elif len(box) == 2:
        inset.set_ylim(*box[1])
        ends = np.array([pair.zero, pair.critical])
        inset.plot(*ends.T, color=GREY, linestyle=":", linewidth=wide(1.4), zorder=4)
    for line in axes.lines:
        # All marks of the picture, such as a witness between the two, stand in its part too.
        if line.get_linestyle() == "None" and line.get_transform() == axes.transData:
            mark = Line2D(*line.get_data())
            mark.update_from(line)
            mark.set_transform(inset.transData)
            inset.add_artist(mark)
    _label_ticks(inset, sorted((pair.zero[0], pair.critical[0])) if len(box) == 1 else [])
    side: Literal["left", "right"] = "left" if corner[0] < 0.5 else "right"
    plain = {"facecolor": paper(), "edgecolor": "none", "pad": 1.5}
    # Long digits reach over other lines of the picture, never out of it.
    inset.set_title(f"distance {pair.distance}", fontsize="small", parse_math=False, loc=side, bbox=plain)
    axes.indicate_inset_zoom(inset, edgecolor=GREY)
    return inset


def _label_ticks(axes: Axes, places: Sequence[float]) -> None:
    """Label the two places that the ticks mark, the left one to its left and the right one to its right."""
    axes.set_yticks([])
    axes.set_xticks(places, [f"{x:.6g}" for x in places], fontsize="x-small")
    for number, label in enumerate(axes.get_xticklabels()):
        label.set_horizontalalignment("left" if number else "right")


def _apart(pairs: Sequence[Pair]) -> str:
    """The distances of a caption, equal ones once."""
    distances = list(dict.fromkeys(pair.distance for pair in pairs))
    return ", ".join(distances[:_LISTED]) + (", ..." if len(distances) > _LISTED else "")


def _flat(points: Sequence[FloatArray]) -> FloatArray:
    """Points of the plane; of one parameter on the line f = 0."""
    found = np.array(points)
    return found if found.shape[1] == 2 else np.column_stack((found, np.zeros(len(found))))


def _emptiest_corner(axes: Axes) -> tuple[float, float]:
    """The lower left of the corner with the fewest points of lines, in shares of the picture; the upper right first."""
    room = _SIDE + 0.02
    corners = [(0.98 - _SIDE, 0.9 - _SIDE), (0.04, 0.12), (0.04, 0.9 - _SIDE), (0.98 - _SIDE, 0.12)]
    lines = [line for line in axes.lines if line.get_transform() == axes.transData]
    points = [axes.transLimits.transform(np.column_stack(line.get_data())) for line in lines]
    flat = np.concatenate(points) if points else np.empty((0, 2))

    def crowd(corner: tuple[float, float]) -> int:
        low = np.array(corner) - 0.05
        return int(((flat > low) & (flat < low + room + 0.1)).all(axis=1).sum())

    return min(corners, key=crowd)
