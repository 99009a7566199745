"""Branches over a list of values: at each, zeros are sought from those at the value before."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from adamsym.continuation.axes import Axis
from adamsym.continuation.branches import Branch, BranchPoint
from adamsym.continuation.curves import RANK
from adamsym.continuation.families import field_at
from adamsym.continuation.paths import (
    EIGENVALUES,
    SAME,
    Followed,
    Search,
    branch_point,
    jacobian,
    not_isolated,
    zeros_in_box,
)
from adamsym.dynamics import ZeroPoint, find_zero
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.progress import Progress
from adamsym.field import AdamField

JACOBIANS = 200
"""Up to so many parameters it is looked whether zeros are isolated."""


@dataclass
class _Open:
    points: list[BranchPoint]
    begins: str
    ends: str = ""


def branches_over_list(
    base: AdamField, axis: Axis, fixed: Mapping[str, float], search: Search, progress: Progress | None
) -> Followed:
    """Return the zeros at each value of a list, in branches: each from the one at the value before."""
    found, branches = Followed(), list[_Open]()
    for number, value in enumerate(axis.values):
        one = field_at(base, {axis: value})
        _go_on(one, value, branches)
        for theta in _new_zeros(one, search, number == 0, {**fixed, axis.name: float(value)}, found):
            if not any(not branch.ends and _same(branch.points[-1].zero, theta) for branch in branches):
                _begin(one, value, theta, branches, "end of the list" if number == 0 else "appears", found, fixed)
        if progress is not None:
            progress(number + 1, len(axis.values))
    found.branches = [
        Branch(axis.name, fixed, tuple(one.points), (), (), (one.begins, one.ends or "end of the list"))
        for one in branches
    ]
    return found


def _new_zeros(
    one: AdamField, search: Search, is_first: bool, fixed: Mapping[str, float], found: Followed
) -> list[FloatArray]:
    if search.box is not None:
        zeros, reason = zeros_in_box(one, search)
        if reason:
            found.not_followed.append((fixed, reason))
        return zeros
    return [search.start] if is_first and search.start is not None else []


def _begin(
    one: AdamField,
    value: Fraction,
    theta: FloatArray,
    branches: list[_Open],
    begins: str,
    found: Followed,
    fixed: Mapping[str, float],
) -> None:
    reached = _reached(one, theta)
    if isinstance(reached, str):
        found.not_followed.append((fixed, reached))
    else:
        branches.append(_Open([branch_point(one, float(value), reached)], begins))


def _go_on(one: AdamField, value: Fraction, branches: list[_Open]) -> None:
    """Lead the branches that have not ended on to the next value."""
    taken = list[FloatArray]()
    for branch in branches:
        if branch.ends:
            continue
        reached = _reached(one, branch.points[-1].zero)
        if isinstance(reached, str):
            branch.ends = reached
        elif any(_same(reached.theta, other) for other in taken):
            branch.ends = "leads to the zero of another branch"
        else:
            taken.append(reached.theta)
            branch.points.append(branch_point(one, float(value), reached))


def _reached(one: AdamField, theta: FloatArray) -> ZeroPoint | str:
    """The zero that Newton's method reaches, or why there is none."""
    try:
        reached = find_zero(one, theta, eigenvalues=min(EIGENVALUES, len(theta)))
    except InputError as error:
        return str(error)
    if reached.outcome != "converged":
        return f"lost: {reached.reason}"
    d = len(theta)
    if d <= JACOBIANS:
        singular = np.linalg.svd(jacobian(one, reached.theta), compute_uv=False)
        rank = int((singular > RANK * singular[0]).sum())
        if rank < d:
            return not_isolated(d, rank)
    return reached


def _same(left: FloatArray, right: FloatArray) -> bool:
    return bool(np.abs(left - right).max() < SAME * max(1.0, float(np.abs(right).max())))
