"""All zeros in a box, for every value of one or two hyper-parameters: by branch and bound over values and theta.

The rectangle of values is a cell, and is halved where something is left open; what is proven over a cell holds over its
parts, which are asked only of the boxes that it left open. So the cells that are divided far are those next to folds.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.boxes import Box, lies_in
from adamsym.certify.certificate import Certifiable, head_of
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.outcomes import NoZeroBySign, Stability
from adamsym.certify.search import starting_box
from adamsym.continuation.axes import Axis, axes_of
from adamsym.continuation.cells import Asked, Leaf, Over, Question, Region, numbered
from adamsym.continuation.families import check_axis
from adamsym.continuation.recorded_cells import Cells, cells_of
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.progress import Progress
from adamsym.expressions.results import counted, ends_of, plain
from adamsym.field import AdamField
from adamsym.gradients import Empirical
from adamsym.gradients.symbolic import require_expressions
from adamsym.methods.method import require_formulas

BUDGET = 400_000_000
"""Operations on balls by default: about one to two minutes of a processor."""

_SMALLEST = 2.0**-24
"""Cells smaller than this share of the rectangle are divided no further."""


@dataclass(frozen=True)
class Cell:
    """For every value in ``over`` exactly the zeros of the ``regions`` with these numbers; None if it is undecided."""

    over: Over
    regions: tuple[int, ...] | None


@dataclass(frozen=True, repr=False)
class ZerosOver(Certifiable):
    """What is certified of the zeros in a box for all values of one or two hyper-parameters.

    Attributes
    ----------
    field
        The field with the values that it has itself.
    axes
        The hyper-parameters and their intervals.
    box
        The box of theta, shape (d, 2).
    cells
        What the rectangle of values is divided into.
    regions
        Boxes with exactly one zero for every value in a cell; each cell names those of its zeros.
    leaves
        The proofs that there are no others.
    operations
        Those on balls that it took.
    """

    field: AdamField
    axes: tuple[Axis, ...]
    box: FloatArray
    cells: tuple[Cell, ...]
    regions: tuple[Region, ...]
    leaves: tuple[Leaf, ...]
    operations: int

    @property
    def complete(self) -> bool:
        """Whether no cell is undecided."""
        return all(cell.regions is not None for cell in self.cells)

    def zeros(self, cell: Cell) -> tuple[Region, ...]:
        """Return the regions of a cell's zeros."""
        return tuple(self.regions[number] for number in cell.regions or ())

    def stabilities(self, cell: Cell) -> tuple[Stability, ...]:
        """Return the stabilities of a cell's zeros, from left to right in the first parameter."""
        return tuple(zero.stability for zero in sorted(self.zeros(cell), key=lambda zero: zero.box))

    @cached_property
    def shares(self) -> dict[int | None, float]:
        """The shares of the rectangle, by area, with so many zeros; with None what is undecided."""
        found, whole = dict[int | None, Fraction](), _area(tuple(axis.values for axis in self.axes))  # type: ignore[misc]
        for cell in self.cells:
            number = None if cell.regions is None else len(cell.regions)
            found[number] = found.get(number, Fraction(0)) + _area(cell.over)
        return {number: float(area / whole) for number, area in found.items()}

    @property
    def undecided_share(self) -> float:
        """The share of the rectangle, by area, of which nothing is known."""
        return self.shares.get(None, 0.0)

    @property
    def verdict(self) -> str:
        """Certified if no cell is undecided."""
        return "certified" if self.complete else "undecided"

    @property
    def summary(self) -> str:
        """What is certified, in one line."""
        ends = " and ".join(f"{a.name} from {float(a.values[0]):g} to {float(a.values[1]):g}" for a in self.axes)
        decided = [cell for cell in self.cells if cell.regions is not None]
        if not decided:
            return f"undecided: nothing is certified for {ends}"
        kinds = {self.stabilities(cell) for cell in decided}
        if self.complete and len(kinds) == 1:
            return f"certified: for every {ends} exactly {_zeros(kinds.pop())}: {counted(len(self.cells), 'cell')}"
        parts = [
            f"exactly {counted(number, 'zero')} on {_percent(share)} of the values"
            for number, share in sorted((n, share) for n, share in self.shares.items() if n is not None)
        ]
        left = "" if self.complete else f"; undecided on {_percent(self.undecided_share)}"
        state = "certified" if self.complete else "certified in part"
        return f"{state}: for {ends} {', '.join(parts)}{left}: {counted(len(self.cells), 'cell')}"

    def certificate_content(self) -> dict[str, Any]:
        """Return what a certificate says.

        Raises
        ------
        NotApplicable
            If no cell is decided.
        """
        if all(cell.regions is None for cell in self.cells):
            raise NotApplicable("found: no cell is certified, of which there could be a certificate")
        return head_of(require_expressions(self.field.problem, "a certificate"), self.field.adam) | {
            "kind": "zeros over parameters",
            "box": self.box.tolist(),
            "parameters": [axis.name for axis in self.axes],
            "over": _texts(tuple(axis.values for axis in self.axes)),  # type: ignore[misc]
            "cells": [
                {
                    "over": _texts(cell.over),
                    "zeros": None if cell.regions is None else list(cell.regions),
                }
                for cell in self.cells
            ],
            "regions": [
                {
                    "over": _texts(region.over),
                    "box": [list(side) for side in region.box],
                    "preconditioner": [list(row) for row in region.preconditioner],
                    "stability": region.stability,
                    "stability_matrix": [list(row) for row in region.stability_matrix],
                }
                for region in self.regions
            ],
            "proofs": [_leaf(leaf) for leaf in self.leaves],
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the result as the command line prints it with ``--json``."""
        cells = [
            {
                "over": [[float(low), float(high)] for low, high in cell.over],
                "zeros": None
                if cell.regions is None
                else [{"box": plain(np.array(zero.box)), "stability": zero.stability} for zero in self.zeros(cell)],
            }
            for cell in self.cells
        ]
        return {
            "parameters": list(self.field.problem.names),
            "over": [axis.name for axis in self.axes],
            "box": plain(self.box),
            "complete": self.complete,
            "undecided_share": self.undecided_share,
            "cells": cells,
        }

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each cell of values: its ends, how many zeros there are, and how many attracting ones."""
        numbers = [None if cell.regions is None else self.stabilities(cell) for cell in self.cells]
        over = [[[float(end) for end in side] for side in cell.over] for cell in self.cells]
        return {
            **ends_of(over, [axis.name for axis in self.axes]),
            "zeros": [-1 if one is None else len(one) for one in numbers],
            "attracting": [-1 if one is None else one.count("attracting") for one in numbers],
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each kind of cells: how many zeros of which stabilities, and the share of the values."""
        kinds = Counter[tuple[Stability, ...] | None]()
        areas = dict[tuple[Stability, ...] | None, Fraction]()
        for cell in self.cells:
            kind = None if cell.regions is None else self.stabilities(cell)
            kinds[kind] += 1
            areas[kind] = areas.get(kind, Fraction(0)) + _area(cell.over)
        whole = sum(areas.values())
        order = sorted(kinds, key=lambda kind: (kind is None, len(kind or ()), kind or ()))
        rows = [
            [
                "undecided" if kind is None else str(len(kind)),
                "" if kind is None else ", ".join(kind),
                str(kinds[kind]),
                _percent(float(areas[kind] / whole)),
            ]
            for kind in order
        ]
        return ["zeros", "stabilities", "cells", "share of the values"], rows


@checked_arguments
def certify_zeros_over(
    field: AdamField,
    over: Mapping[str, Any],
    box: ArrayLike,
    *,
    operations: int = BUDGET,
    executor: Executor | int | None = None,
    journal: str | Path | None = None,
    progress: Progress | None = None,
) -> ZerosOver:
    """Return all zeros in a box for every value of one or two hyper-parameters, certified cell by cell.

    Next to folds, where zeros meet and vanish, cells stay undecided, the smaller the more operations are allowed.

    Parameters
    ----------
    field
        The field, of expressions without kinks and an empirical law.
    over
        One or two of beta1, beta2, eps and weight_decay with intervals: {"beta2": (0.9, 0.99)}, or text "0.9:0.99".
    box
        Lower and upper end of each parameter theta, shape (d, 2).
    operations
        Operations on balls, at most: no cell is begun once they are spent.
    executor
        Where cells are examined: a number of processes, or any ``concurrent.futures`` executor; here if omitted.
    journal
        A file to which each cell is appended once it is examined; what it holds already is not examined again, and
        counts as before. With more operations than before the search goes on where they were spent.
    progress
        Called with the share of the rectangle that is decided, in thousandths.

    Raises
    ------
    InputError
        For bad intervals, or a bad box; for a journal of another search, or one that cannot be written to.
    NotApplicable
        For a parameter or a method over whose ranges no form is known; for gradients that are no expressions.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem, certify_zeros_over
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> certify_zeros_over(AdamField(problem, Adam()), {"beta2": ("0.9", "0.91")}, [[-5, 5]]).complete
    True
    """
    if operations < 1:
        raise InputError(f"operations: {operations} is not allowed; allowed are integers from 1 up")
    axes = _intervals(field, over)
    function = FieldFunction(field)
    sides, start = starting_box(function, box, "box")
    question = Question(function, tuple(axis.name for axis in axes), start)
    whole: Over = tuple((axis.values[0], axis.values[1]) for axis in axes)
    # Says at once what is not known over ranges.
    question.over(whole)
    with cells_of(question, None if journal is None else Path(journal)) as cells:
        return _Search(field, axes, sides, cells, operations, progress).found(whole, executor)


def _intervals(field: AdamField, over: Mapping[str, Any]) -> tuple[Axis, ...]:
    if not isinstance(over, Mapping) or not 1 <= len(over) <= 2:
        raise InputError('over: give one or two hyper-parameters with intervals: {"beta2": (0.9, 0.99)}')
    axes = tuple(axes_of({name: values})[0] for name, values in over.items())
    require_formulas(field.adam, "a proof over a range of its numbers")
    if not require_expressions(field.problem, "a proof over ranges").is_smooth:
        raise NotApplicable("loss: a proof over a range of the method's numbers needs expressions without kinks")
    if not isinstance(field.problem.law, Empirical):
        raise NotApplicable("data: a proof over a range of the method's numbers needs listed rows")
    for axis in axes:
        if not axis.is_interval:
            raise InputError(f"over {axis.name}: give an interval, such as 0.9:0.99; lists are no interval")
        if len(axes) == 1:
            check_axis(field, axis)
    return axes


class _Search:
    def __init__(
        self,
        field: AdamField,
        axes: tuple[Axis, ...],
        sides: FloatArray,
        asked_of: Cells,
        operations: int,
        progress: Progress | None,
    ) -> None:
        self.field, self.axes, self.sides, self.asked_of = field, axes, sides, asked_of
        self.left, self.spent, self.progress = operations, 0, progress
        self.cells, self.regions, self.leaves = list[Cell](), list[Region](), list[Leaf]()
        self.whole_of = dict[Over, Over]()

    def found(self, whole: Over, executor: Executor | int | None) -> ZerosOver:
        """Search in rounds: the cells of one are halved for the next."""
        area, decided = _area(whole), Fraction(0)
        round_ = [Asked(whole, (self.asked_of.question.start,), ())]
        while round_:
            following = list[Asked]()
            answers = self.asked_of.answers(round_, executor)
            for number, asked in enumerate(round_):
                if self.spent >= self.left:
                    self.cells += [Cell(one.over, None) for one in round_[number:]]
                    break
                answer = numbered(next(answers), len(self.regions))
                self.spent += answer.operations
                self.regions += answer.regions
                self.leaves += answer.leaves
                known = [
                    *asked.regions,
                    *(
                        (len(self.regions) - len(answer.regions) + k, region.box)
                        for k, region in enumerate(answer.regions)
                    ),
                ]
                if not answer.pending:
                    self.cells.append(Cell(asked.over, self._named(known)))
                    decided += _area(asked.over)
                elif _area(asked.over) <= _SMALLEST * area:
                    self.cells.append(Cell(asked.over, None))
                else:
                    parts = _halves(asked.over, answer.cut)
                    self.whole_of |= dict.fromkeys(parts, asked.over)
                    following += [Asked(part, answer.pending, tuple(known), answer.suspect) for part in parts]
                if self.progress is not None:
                    self.progress(int(1000 * decided / area), 1000)
            else:
                round_ = following
                continue
            self.cells += [Cell(one.over, None) for one in following]
            break
        return self._result()

    def _result(self) -> ZerosOver:
        """What is found, without the proofs on which no decided cell rests."""
        used, named = set[Over](), set[int]()
        for cell in self.cells:
            over: Over | None = cell.over
            while cell.regions is not None and over is not None and over not in used:
                used.add(over)
                over = self.whole_of.get(over)
            named.update(cell.regions or ())
        numbers = {old: new for new, old in enumerate(sorted(named))}
        cells = [Cell(c.over, None if c.regions is None else tuple(numbers[k] for k in c.regions)) for c in self.cells]
        leaves = [
            replace(leaf, proof=numbers[leaf.proof]) if isinstance(leaf.proof, int) else leaf
            for leaf in self.leaves
            if leaf.over in used
        ]
        regions = [self.regions[old] for old in numbers]
        return ZerosOver(self.field, self.axes, self.sides, tuple(cells), tuple(regions), tuple(leaves), self.spent)

    def _named(self, known: list[tuple[int, Box]]) -> tuple[int, ...]:
        assert all(lies_in(np.array(box), self.sides) for _, box in known)
        return tuple(number for number, _ in known)


def _halves(over: Over, cut: int) -> tuple[Over, Over]:
    low, high = over[cut]
    middle = (low + high) / 2
    return (*over[:cut], (low, middle), *over[cut + 1 :]), (*over[:cut], (middle, high), *over[cut + 1 :])


def _area(over: Over) -> Fraction:
    return math.prod((high - low for low, high in over), start=Fraction(1))


def _texts(over: Over) -> list[list[str]]:
    return [[str(low), str(high)] for low, high in over]


def _leaf(leaf: Leaf) -> dict[str, Any]:
    content: dict[str, Any] = {"over": _texts(leaf.over), "box": [list(side) for side in leaf.box]}
    if isinstance(leaf.proof, int):
        return content | {"region": leaf.proof}
    if isinstance(leaf.proof, NoZeroBySign):
        return content | {"coordinate": leaf.proof.coordinate}
    return content | {"direction": list(leaf.proof.direction)}


def _zeros(stabilities: tuple[Stability, ...]) -> str:
    number = counted(len(stabilities), "zero")
    return f"{number}, {', '.join(stabilities)}" if stabilities else number


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
