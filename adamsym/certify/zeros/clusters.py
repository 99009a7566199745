"""Undecided boxes that lie side by side, taken together, and proofs that there is a zero among them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np

from adamsym.certify.box_function import BoxFunction, Undefined, along, values_at, values_in_middle
from adamsym.certify.boxes import Box, Point, box_of, halves, meet, middle, simplest_point
from adamsym.certify.tasks import MOST_OPERATIONS
from adamsym.certify.zeros.winding import winding_number
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.work import OutOfWork, budget
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import hulls

TOLERANCE = 1e-12
FACE_DEPTH = 4
"""A face may be halved so many times until f has one sign along a direction on each part."""

MOST_TRIED = 16
"""Undecided boxes of one cluster in which a point is tried, and clusters for which a proof is tried."""


Proof = Literal["point", "faces", "turns", "undecided"]


@dataclass(frozen=True)
class Cluster:
    """A box (d, 2) around ``leaves`` undecided boxes that lie side by side, none of which touches another cluster's.

    ``by`` says why it holds at least one zero, and none of those that are listed as certified: f is exactly 0 at the
    rational ``point`` in it; or the coordinates of ``preconditioner`` times f have opposite signs on opposite
    faces (Poincare and Miranda; Kulpa, Amer. Math. Monthly 104, 1997); or, in two parameters, f ``turns`` around 0
    along its edges. Nothing is said of how many zeros there are, or of their multiplicity. ``undecided``: it may hold
    zeros. ``reason`` says why its boxes are undecided.
    """

    box: FloatArray
    leaves: int
    by: Proof
    point: Point | None
    preconditioner: FloatArray | None
    reason: str

    @property
    def holds_zero(self) -> bool:
        """Whether it is proven to hold at least one zero."""
        return self.by != "undecided"


def clusters_of(
    function: BoxFunction, undecided: Sequence[tuple[Box, str]], known: Sequence[FloatArray]
) -> tuple[Cluster, ...]:
    """Return undecided boxes with their reasons as clusters, of which no two touch.

    Zeros in the boxes ``known`` are listed already: a cluster that meets one is not said to hold a zero. Together the
    proofs take no more operations than the search of one box may.
    """
    found = []
    with budget(MOST_OPERATIONS):
        for k, members in enumerate(groups_of(np.array([box for box, _ in undecided]))):
            boxes = np.array([undecided[member][0] for member in members])
            hull = hull_of(boxes)
            reason = Counter(undecided[member][1] for member in members).most_common(1)[0][0]
            point, preconditioner, turns = None, None, False
            if k < MOST_TRIED and not any(meet(hull, other) for other in known):
                with suppress(OutOfWork):
                    point = _point_in(function, hull, boxes)
                    preconditioner = _faces(function, hull) if point is None else None
                    turns = point is None and preconditioner is None and winding_number(function, hull, TOLERANCE) != 0
            by: Proof = "point" if point is not None else "faces" if preconditioner is not None else "undecided"
            by = "turns" if turns else by
            found.append(Cluster(hull, len(members), by, point, preconditioner, reason))
    return tuple(sorted(found, key=lambda cluster: tuple(cluster.box[:, 0])))


def hull_of(boxes: FloatArray) -> FloatArray:
    """Return the box (d, 2) around boxes (n, d, 2)."""
    return np.stack([boxes[..., 0].min(axis=0), boxes[..., 1].max(axis=0)], axis=1)


def groups_of(boxes: FloatArray) -> list[list[int]]:
    """Return numbers of boxes (n, d, 2) in groups whose hulls do not touch each other."""
    hulls_of_groups, groups = np.empty_like(boxes), list[list[int]]()
    for number, box in enumerate(boxes):
        hull, members = box, [number]
        while True:
            others = hulls_of_groups[: len(groups)]
            touched = np.flatnonzero(((others[..., 0] <= hull[:, 1]) & (hull[:, 0] <= others[..., 1])).all(axis=1))
            if not len(touched):
                break
            hull = hull_of(np.concatenate([others[touched], hull[None]]))
            members += [member for k in touched for member in groups[k]]
            kept = np.setdiff1d(np.arange(len(groups)), touched)
            hulls_of_groups[: len(kept)] = others[kept]
            groups = [groups[k] for k in kept]
        hulls_of_groups[len(groups)] = hull
        groups.append(members)
    return [sorted(members) for members in groups]


def _point_in(function: BoxFunction, hull: FloatArray, boxes: FloatArray) -> Point | None:
    """A rational point in the hull, simple there or in one of the boxes, at which f is exactly 0."""
    for box in (hull, *boxes[:MOST_TRIED]):
        point = simplest_point(box)
        if point is not None and function.vanishes(point):
            return point
    return None


def _faces(function: BoxFunction, box: FloatArray) -> FloatArray | None:
    """Y for which (Y f)_i < 0 on the face where x_i is least, and > 0 on the opposite one; None if none is found.

    None too unless f is proven to be continuous in all of the box: at a pole f changes its sign without a zero.

    Y is the inverse of f's mean slopes between the faces' midpoints.
    """
    if not (box[:, 0] < box[:, 1]).all():
        return None
    d = len(box)
    try:
        with ball_arithmetic():
            function.enclose(hulls(box), False, TOLERANCE)
            slopes = np.empty((d, d))
            for j in range(d):
                low, high = (values_at(function, point, TOLERANCE) for point in _ends(middle(box), box, j))
                slopes[:, j] = np.array([float((b - a).mid()) for a, b in zip(low, high, strict=True)])
            if not np.isfinite(slopes).all() or np.linalg.matrix_rank(slopes) < d:
                return None
            rows = np.asarray(np.linalg.inv(slopes), dtype=np.float64)
            if not np.isfinite(rows).all():
                return None
            for i, row in enumerate(rows):
                for sign, end in ((-1, box[i, 0]), (1, box[i, 1])):
                    face = box.copy()
                    face[i] = end
                    if not _is_positive(function, face, sign * row, FACE_DEPTH):
                        return None
    except Undefined:
        return None
    return rows


def _ends(center: FloatArray, box: FloatArray, j: int) -> Iterator[FloatArray]:
    for end in box[j]:
        point = center.copy()
        point[j] = end
        yield point


def _is_positive(function: BoxFunction, face: FloatArray, direction: FloatArray, depth: int) -> bool:
    """Whether y f > 0 over a box; seen at its midpoint first, for most boxes fail there."""
    if not along(direction.tolist(), values_in_middle(function, face, TOLERANCE)) > 0:
        return False
    if along(direction.tolist(), function.enclose(hulls(face), False, TOLERANCE).value) > 0:
        return True
    if depth == 0 or not (face[:, 0] < face[:, 1]).any():
        return False
    parts = halves(box_of(face), int(np.argmax(face[:, 1] / 2 - face[:, 0] / 2)))
    return all(_is_positive(function, np.array(part), direction, depth - 1) for part in parts)
