"""What is proven of the zeros at one position of the sliders."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal

import numpy as np

from adamsym.certify import OneZero, Zero, Zeros, certify_zero, find_zeros
from adamsym.certify.digits import shared_digits
from adamsym.certify.results import one_zero_summary, zeros_summary
from adamsym.dynamics import find_zero
from adamsym.explorer.landscape import Landscape
from adamsym.explorer.scene import zeros_from_seeds
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import counted
from adamsym.field import AdamField

LISTED, COORDINATES = 6, 3
"""Zeros, and coordinates of each, whose digits are listed."""


@dataclass(frozen=True, repr=False)
class Verdict:
    """What is proven at exactly these values of the sliders.

    Attributes
    ----------
    values
        The values of the sliders.
    verdict
        "certified": all zeros in the box, or of more than two parameters without a box of all of them those that were
        found by number; "undecided": some boxes are left, or not all of these zeros are proven; "not applicable":
        nothing can be certified of such a field.
    text
        What is proven, or why nothing is.
    zeros
        The certified zeros' midpoints, (k, d).
    """

    values: Mapping[str, Fraction]
    verdict: Literal["certified", "undecided", "not applicable"]
    text: str
    zeros: FloatArray = field(default_factory=lambda: np.empty((0, 0)))

    def __repr__(self) -> str:
        return f"<Verdict: {self.text}>"


def verdict_of(
    landscape: Landscape,
    one: AdamField,
    values: Mapping[str, Fraction],
    budget: int,
    stop: Callable[[], bool] = lambda: False,
) -> Verdict:
    """Return what is proven of a field over a landscape, within a budget of boxes; less if ``stop`` says so."""
    try:
        if landscape.searched is None:
            return _near_seeds(landscape, one, values, stop)
        # One thread: such searches are short, and processes would take longer to start.
        with ThreadPoolExecutor(1) as executor:
            found = find_zeros(one, landscape.searched, budget=budget, executor=executor, stop=stop)
        if found.complete or landscape.dimension <= 2:
            return _of_box(found, landscape, values)
        near = _near_seeds(landscape, one, values, stop)
        return replace(near, verdict="undecided", text=f"{zeros_summary(found)}. By other means: {near.text}")
    except InputError as error:
        return Verdict(values, "not applicable", str(error))


def _near_seeds(
    landscape: Landscape, one: AdamField, values: Mapping[str, Fraction], stop: Callable[[], bool]
) -> Verdict:
    """What is proven of zeros that are found by number, wherever they are."""
    near = [zero.theta for zero in zeros_from_seeds(landscape, one)] or [find_zero(one, landscape.start).theta]
    return _of_some([certify_zero(one, theta) for theta in near[:LISTED] if not stop()], landscape, values)


def _of_box(found: Zeros, landscape: Landscape, values: Mapping[str, Fraction]) -> Verdict:
    listed = "; ".join(f"{_digits(landscape, zero.box)} ({zero.stability})" for zero in found.zeros[:LISTED])
    more = f" and {len(found.zeros) - LISTED} more" if len(found.zeros) > LISTED else ""
    text = zeros_summary(found) + (f": {listed}{more}" if listed else "")
    middles = np.array([zero.midpoint for zero in found.zeros]).reshape(-1, landscape.dimension)
    return Verdict(values, "certified" if found.complete else "undecided", text, middles)


def _of_some(found: Sequence[OneZero], landscape: Landscape, values: Mapping[str, Fraction]) -> Verdict:
    """Of zeros near several points; boxes that overlap may hold the same zero, which is then counted once."""
    if not found:
        return Verdict(values, "undecided", "undecided: the search was stopped")
    if len(found) == 1:
        return _of_one(found[0], landscape, values)
    apart: list[Zero] = []
    for one in (each.zero for each in found if each.zero is not None):
        if all(_are_apart(one.box, other.box) for other in apart):
            apart.append(one)
    open_ones = sum(each.zero is None for each in found)
    listed = "; ".join(f"{_digits(landscape, one.box)} ({one.stability})" for one in apart)
    text = f"certified: {counted(len(apart), 'zero')} near points found by number, and there may be others: {listed}"
    if open_ones:
        text = f"{text}; none is proven near {counted(open_ones, 'more point')}"
    if not apart:
        text = f"undecided: no zero is proven near {counted(open_ones, 'point')} found by number"
    middles = np.array([one.midpoint for one in apart]).reshape(-1, landscape.dimension)
    return Verdict(values, "certified" if not open_ones else "undecided", text, middles)


def _are_apart(one: FloatArray, other: FloatArray) -> bool:
    return bool(((one[:, 1] < other[:, 0]) | (other[:, 1] < one[:, 0])).any())


def _of_one(found: OneZero, landscape: Landscape, values: Mapping[str, Fraction]) -> Verdict:
    if found.zero is None:
        verdict: Literal["certified", "undecided"] = "certified" if found.certified else "undecided"
        return Verdict(values, verdict, one_zero_summary(found), np.empty((0, landscape.dimension)))
    text = f"{one_zero_summary(found)}. It is at {_digits(landscape, found.zero.box)}"
    return Verdict(values, "certified", text, found.zero.midpoint[None])


def _digits(landscape: Landscape, box: FloatArray) -> str:
    """The proven digits of a point's first coordinates."""
    listed = [f"{name} = {shared_digits(*side)}" for name, side in zip(landscape.names, box.tolist(), strict=True)]
    return ", ".join([*listed[:COORDINATES], *(["…"] if len(listed) > COORDINATES else [])])
