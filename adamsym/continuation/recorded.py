"""Proofs along a branch that are kept in a journal, so that a run can go on after an interruption.

What a call proves depends on its arguments, and on how many cells the last tube needed: both stand in the journal
beside the outcome and the operations that it took, which are charged again. So a run that goes on ends as one that was
never interrupted. A journal is one's own file: what is proven is shown by a certificate.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from adamsym.certify.field_function import FieldFunction
from adamsym.certify.journal import Data, Journal, journal_of
from adamsym.continuation.axes import Axis
from adamsym.continuation.tube_proofs import Joint, Over, Prover, Tube
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.work import operations_left, spend
from adamsym.field import AdamField


@contextmanager
def prover_of(field: AdamField, axis: Axis, over: Over, start: FloatArray, journal: Path | None) -> Iterator[Prover]:
    """The prover of a branch through a start, with a journal if one is given.

    Raises
    ------
    InputError
        If the file is no journal, belongs to another branch, or cannot be written to.
    """
    if journal is None:
        yield Prover(field, axis, over)
        return
    about = f"branch\n{FieldFunction(field).identity}\n{axis}\n{start.tolist()}"
    with journal_of(hashlib.sha256(about.encode()).hexdigest(), journal) as kept:
        yield RecordedProver(field, axis, over, kept)


class RecordedProver(Prover):
    """A prover that takes from a journal what it holds, call after call, and appends the rest."""

    def __init__(self, field: AdamField, axis: Axis, over: Over, kept: Journal) -> None:
        super().__init__(field, axis, over)
        self._known, self._append = kept
        self._calls = 0

    def tube(self, low: Fraction, high: Fraction, theta: FloatArray) -> Tube | None:
        """Return the tube over an interval around the zero that is near ``theta``; None if none is proven."""
        about = f"tube {low} {high} {theta.tolist()} {self._cells}"
        found = self._recorded(about, lambda: _tube_data(super(RecordedProver, self).tube(low, high, theta)))
        with _undamaged():
            tube = None if found["tube"] is None else _tube(found["tube"])
            self._cells = int(found["cells"])
        return tube

    def joint(self, value: Fraction, one: Tube, other: Tube, theta: FloatArray) -> Joint | None:
        """Return a box around the zero where two tubes meet, in both of their boxes; None if none is proven."""
        about = f"joint {value} {one.box.tolist()} {other.box.tolist()} {theta.tolist()}"
        found = self._recorded(about, lambda: _joint_data(super(RecordedProver, self).joint(value, one, other, theta)))
        with _undamaged():
            joint = found["joint"]
            return None if joint is None else Joint(value, *(_floats(joint[key]) for key in ("box", "preconditioner")))

    def _recorded(self, about: str, prove: Callable[[], Data]) -> Data:
        """What the journal says of this call, if it is the same as then; else what is proven now."""
        place = ((float(self._calls), float(self._calls)),)
        self._calls += 1
        known = self._known.get(place)
        if known is not None and known.get("about") == about:
            with _undamaged():
                spend(max(0, int(known["operations"])))
                return known
        before = operations_left()
        found = prove()
        found |= {"cells": self._cells, "about": about, "by": "proof"}
        found["operations"] = 0 if before is None else before - (operations_left() or 0)
        self._append(place, found)
        return found


@contextmanager
def _undamaged() -> Iterator[None]:
    """Entries that lack something, or hold something else, are an error of the file."""
    try:
        yield
    except (KeyError, TypeError, ValueError):
        raise InputError("journal: an entry is damaged; give another file") from None


def _floats(numbers: Any) -> FloatArray:
    return np.array(numbers, dtype=np.float64)


def _tube_data(tube: Tube | None) -> Data:
    if tube is None:
        return {"tube": None}
    arrays = ("box", "preconditioner", "stability_matrix", "velocity")
    plain: dict[str, Any] = {name: getattr(tube, name).tolist() for name in arrays}
    plain |= {name: getattr(tube, name) for name in ("stability", "cells", "slope_parts", "parts")}
    return {"tube": plain | {"low": str(tube.low), "high": str(tube.high)}}


def _tube(data: Data) -> Tube:
    arrays = {name: _floats(data[name]) for name in ("box", "preconditioner", "stability_matrix", "velocity")}
    return Tube(**{**data, **arrays, "low": Fraction(data["low"]), "high": Fraction(data["high"])})


def _joint_data(joint: Joint | None) -> Data:
    if joint is None:
        return {"joint": None}
    return {"joint": {"box": joint.box.tolist(), "preconditioner": joint.preconditioner.tolist()}}
