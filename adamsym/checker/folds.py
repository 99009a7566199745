"""Re-checks of folds: where two zeros of a box meet and vanish as the parameter runs from one value to another.

At the value ``present`` two boxes hold one zero each, by Krawczyk's operator, and no other part of the box X holds one;
at ``absent`` no part of X does; on the border of X f is not 0 for any value between, and in X it is continuous.
:mod:`adamsym.checker.nondegenerate`: there is no other fold in X, and it is nondegenerate.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from adamsym.certificates.branch_form import FoldEntry, FoldLeaf, JointEntry, TubeEntry
from adamsym.certificates.parts import Box
from adamsym.checker import nondegenerate
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.law import require_continuous
from adamsym.checker.pushes import Over, parameter_of
from adamsym.checker.tiling import fills
from adamsym.checker.zeros import DIRECTION_DEPTH, contains, direction_holds, maps_inside, meet, sides
from adamsym.expressions.numbers import exact_rational
from adamsym.expressions.work import is_cut_short

DEPTH = 6
"""A part of the values that is not settled whole may be halved so many times."""

Values = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class FoldStatement:
    """One of the two zeros of a fold, or that none is in a leaf: at one of the values, or on the border at all.

    About nothing of these: that f is continuous in the box for all values. About a leaf with ``at`` = "turns": that for
    all values curves of zeros turn there as at the fold, if at all.
    """

    fold: FoldEntry
    about: JointEntry | FoldLeaf | None
    at: Literal["present", "absent", "all", "turns"]


def boxes(fold: FoldEntry) -> list[Box]:
    """Return all boxes in what is said of a fold."""
    turning = () if fold.nondegenerate is None else fold.nondegenerate.leaves
    leaves = (*fold.at_present, *fold.at_absent, *fold.border, *turning)
    return [fold.box, *(zero.box for zero in fold.zeros), *(leaf.box for leaf in leaves)]


def form_fault(fold: FoldEntry, before: TubeEntry, after: TubeEntry) -> str | None:
    """Return what is wrong before any analysis: with the zeros' boxes, or with how the leaves fill the box; or None."""
    for zero, tube in zip(fold.zeros, (before, after), strict=True):
        if not (contains(tube.box, zero.box) and contains(fold.box, zero.box)):
            return "a zero does not lie in its tube and in the box"
    if meet(fold.zeros[0].box, fold.zeros[1].box):
        return "the two zeros may be one"
    if not all(low < high for low, high in fold.box):
        return "the box has no inside"
    for leaf in fold.at_present:
        if leaf.zero is not None and not contains(fold.zeros[leaf.zero].box, leaf.box):
            return "a box does not lie in that of its zero"
    leaves = (*fold.at_present, *fold.at_absent, *fold.border)
    if any((leaf.direction is None) == (leaf.zero is None) for leaf in leaves):
        return "a box does not name what its proof needs, and nothing else"
    if any(leaf.zero is not None for leaf in (*fold.at_absent, *fold.border)):
        return "a zero is named where there is to be none"
    named = [leaf.direction for leaf in leaves if leaf.direction is not None]
    if any(len(direction) != len(fold.box) or not any(direction) for direction in named):
        return "a box names no direction"
    for part in (fold.at_present, fold.at_absent):
        if not fills(fold.box, [leaf.box for leaf in part]):
            return "the boxes do not fill that of the fold by halving"
    fault = None if fold.nondegenerate is None else nondegenerate.form_fault(fold, fold.nondegenerate)
    return fault or _border_fault(fold)


def _border_fault(fold: FoldEntry) -> str | None:
    """What is wrong with how boxes fill the faces: each lies in the face of a coordinate, and they fill that."""
    left = len(fold.border)
    for axis, ends in enumerate(fold.box):
        for end in ends:
            face: Box = [*fold.box[:axis], [end, end], *fold.box[axis + 1 :]]
            own = [leaf.box for leaf in fold.border if leaf.box[axis] == [end, end]]
            left -= len(own)
            if not own or not fills(face, own):
                return "the boxes do not fill the border by halving"
    return None if left == 0 else "a box does not lie on the border"


def statements(fold: FoldEntry) -> list[tuple[str, FoldStatement]]:
    """Return what a fold asserts, each with a name for messages."""
    turning = () if fold.nondegenerate is None else fold.nondegenerate.leaves
    return [
        ("its box", FoldStatement(fold, None, "all")),
        *((f"zero {k}", FoldStatement(fold, zero, "present")) for k, zero in enumerate(fold.zeros)),
        *((f"box {k} where two are", FoldStatement(fold, leaf, "present")) for k, leaf in enumerate(fold.at_present)),
        *((f"box {k} where none is", FoldStatement(fold, leaf, "absent")) for k, leaf in enumerate(fold.at_absent)),
        *((f"box {k} on the border", FoldStatement(fold, leaf, "all")) for k, leaf in enumerate(fold.border)),
        *((f"box {k} of the only fold", FoldStatement(fold, leaf, "turns")) for k, leaf in enumerate(turning)),
    ]


def statement_fault(over: Over, statement: FoldStatement, parameter: str) -> str | None:
    """Return what is wrong with one statement of good form, or None; the parameter is named."""
    fold, about = statement.fold, statement.about
    present, absent = (exact_rational(text, "certificate.folds") for text in (fold.present, fold.absent))
    low, high = sorted((present, absent))
    if about is None:
        # Data that are varied may put a pole between those of both ends.
        for part in parts_of(low, high, fold.parts):
            problem, form = over(*part)
            require_continuous(form.using, problem, sides(form.using, fold.box))
        return None
    if isinstance(about, JointEntry):
        holds = maps_inside(*over(present, present), about.box, about.preconditioner)
        return None if holds else "Krawczyk's operator does not prove a zero in it"
    if about.direction is None:
        if statement.at != "turns":
            return None
        turns = _turns(over, fold, about, parameter, (low, high), nondegenerate.DEPTH)
        return None if turns else "Df may be singular, or the curve of zeros may turn otherwise"
    if statement.at in ("present", "absent"):
        low = high = present if statement.at == "present" else absent
    parts = parts_of(low, high, fold.parts if low < high else 1)
    holds = all(_clear(over, about.box, about.direction, part, DEPTH) for part in parts)
    return None if holds else "the field may vanish along its direction"


def _clear(over: Over, box: Box, direction: list[float], values: Values, depth: int) -> bool:
    """Whether f along a direction is not 0 in a box, for all of some values."""
    low, high = values
    if direction_holds(*over(low, high), box, direction, DIRECTION_DEPTH if low == high else 2, None):
        return True
    if depth == 0 or low == high or is_cut_short():
        return False
    return all(_clear(over, box, direction, half, depth - 1) for half in parts_of(low, high, 2))


def _turns(over: Over, fold: FoldEntry, leaf: FoldLeaf, parameter: str, values: Values, depth: int) -> bool:
    """Whether a curve of zeros in a leaf turns as at the fold, if at all, for all of some values."""
    entry, (low, high) = fold.nondegenerate, values
    assert entry is not None
    rises = exact_rational(fold.absent, "certificate.folds") > exact_rational(fold.present, "certificate.folds")
    problem, form = over(low, high)
    varied = parameter_of(parameter, over, low, high)
    try:
        if nondegenerate.holds(entry, leaf, problem, form, varied, 1 if rises else -1):
            return True
    except NotCheckable:
        if depth == 0:
            raise
    if depth == 0 or is_cut_short():
        return False
    return all(_turns(over, fold, leaf, parameter, half, depth - 1) for half in parts_of(low, high, 2))


def parts_of(low: Fraction, high: Fraction, parts: int) -> list[Values]:
    """Return intervals of equal length, one after the other."""
    cuts = [low + (high - low) * Fraction(k, parts) for k in range(parts + 1)]
    return [(cuts[k], cuts[k + 1]) for k in range(parts)]
