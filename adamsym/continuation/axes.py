"""What a sweep varies: a number of the method, the batch size or a number in the data; its values, and their scale."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from adamsym.expressions.arguments import shown
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.gradients.entries import DataEntry

Scale = Literal["memory", "logarithmic", "linear"]

MOST_VALUES = 10_000
"""Values of one parameter that are listed."""

_SCALES: dict[str, Scale] = {
    "beta1": "memory",
    "beta2": "memory",
    "eps": "logarithmic",
    "batch_size": "logarithmic",
}


@dataclass(frozen=True)
class Axis:
    """One parameter of a sweep.

    Attributes
    ----------
    name
        "beta2" or another number of the method; "batch_size"; "data.x", the column x, which has this value in all rows;
        "data.x[2]", its entry in row 2 alone, counted from 0.
    values
        The values, exactly: those of a list, or the two ends of an interval.
    is_interval
        Whether all values between the two are meant: then the zeros are followed along them.
    """

    name: str
    values: tuple[Fraction, ...]
    is_interval: bool

    @property
    def scale(self) -> Scale:
        """How values are spaced: "memory" in log(1 - value), as beta1 and beta2 are."""
        return _SCALES.get(self.name, "linear")

    @property
    def entry(self) -> DataEntry | None:
        """The number in the data that the name means; None for a number of the method and the batch size."""
        return DataEntry.named(self.name)

    @property
    def span(self) -> float:
        """How long an interval is on its scale."""
        low, high = (_scaled(self.scale, end) for end in self.values)
        return high - low

    def place(self, value: float | Fraction) -> float:
        """Return where a value of an interval lies on its scale: 0 at its lower end, 1 at the upper one."""
        low, high = (_scaled(self.scale, end) for end in self.values)
        return (_scaled(self.scale, value) - low) / (high - low)

    def value(self, place: float) -> float:
        """Return the value at a place, in the interval; its ends exactly."""
        low, high = (_scaled(self.scale, end) for end in self.values)
        if place <= 0 or place >= 1:
            return float(self.values[0 if place <= 0 else 1])
        scaled = low + place * (high - low)
        if self.scale == "memory":
            scaled = -math.expm1(-scaled)
        elif self.scale == "logarithmic":
            scaled = math.exp(scaled)
        # Next to an end rounding may step out of the interval.
        return min(max(scaled, float(self.values[0])), float(self.values[1]))


def _scaled(scale: Scale, value: float | Fraction) -> float:
    if scale == "memory":
        return -math.log1p(-float(value)) if float(value) < 0.5 else -math.log(1 - Fraction(value))
    return math.log(value) if scale == "logarithmic" else float(value)


def axes_of(over: Mapping[str, Any]) -> tuple[Axis, ...]:
    """Return the parameters of a sweep, from names with their values.

    Parameters
    ----------
    over
        For each name a pair (low, high) or text "0.5:0.9999", an interval; or a list [1, 8, 64] or text "1,8,64", its
        values; "0.5:0.9999:20" are 20 values, equally far apart on the parameter's scale. Batch sizes are listed
        always: an interval of them is all integers in it.

    Raises
    ------
    InputError
        For an unknown form, values that are no numbers or are out of range, or more than one interval.
    """
    if not isinstance(over, Mapping) or not over:
        raise InputError(f'over: {shown(over)} is not allowed; give names with values: {{"beta2": (0.5, 0.99)}}')
    axes = tuple(_axis(name, given) for name, given in over.items())
    check_together(axes)
    intervals = [axis.name for axis in axes if axis.is_interval]
    if len(intervals) > 1:
        raise InputError(
            f"over: {intervals[0]} and {intervals[1]} are both intervals; follow zeros along one, and list the values "
            f"of the other, such as {intervals[1]}=low:high:10"
        )
    return axes


def check_together(axes: Sequence[Axis]) -> None:
    """Raise InputError if two of the parameters change the same numbers of the data, so that one would undo another."""
    seen: list[DataEntry] = []
    for entry in (axis.entry for axis in axes):
        if entry is None:
            continue
        for other in seen:
            if entry.column == other.column and (entry.column == "weights" or None in (entry.row, other.row)):
                raise InputError(f"over {entry}: it changes what {other} changes too; give one of them")
        seen.append(entry)


def _axis(name: object, given: object) -> Axis:
    if not isinstance(name, str):
        raise InputError(f"over: {shown(name)} is no name of a parameter")
    place = f"over {name[:60]}"
    if isinstance(given, str):
        return _from_text(name, given, place)
    if isinstance(given, tuple) and len(given) == 2:
        return _interval(name, [exact_rational(value, place) for value in given], place)
    if isinstance(given, (list, tuple, np.ndarray)) and np.ndim(np.asarray(given, dtype=object)) == 1:
        return _listed(name, list(given), place)
    raise InputError(f"{place}: {shown(given)} is not allowed; allowed are a pair (low, high) or a list of values")


def _from_text(name: str, text: str, place: str) -> Axis:
    parts = text.split(":")
    if len(parts) == 1:
        return _listed(name, [part.strip() for part in text.split(",")], place)
    ends = [exact_rational(part.strip(), place) for part in parts[:2]]
    if len(parts) == 2:
        return _interval(name, ends, place)
    number = parts[2].strip()
    if len(parts) > 3 or not (number.isdecimal() and number.isascii() and 2 <= int(number[:9]) <= MOST_VALUES):
        raise InputError(
            f"{place}: {text[:40]!r} is not allowed; allowed are low:high, low:high:number with 2 to {MOST_VALUES} "
            "values, and lists such as 1,8,64"
        )
    axis = _interval(name, ends, place, whole=False)
    inner = [Fraction(repr(axis.value(float(place)))) for place in np.linspace(0, 1, int(number))[1:-1]]
    values = [ends[0], *inner, ends[1]]
    if name == "batch_size":
        values = [Fraction(round(value)) for value in values]
    return _listed(name, list(dict.fromkeys(values)), place)


def _interval(name: str, ends: Sequence[Fraction], place: str, whole: bool = True) -> Axis:
    low, high = ends
    _check_values(name, ends, place)
    if not low < high:
        raise InputError(f"{place}: the lower end comes first, and the ends differ; not {float(low)}:{float(high)}")
    if name == "batch_size" and whole:
        return _listed(name, range(math.ceil(low), math.floor(high) + 1), place)
    return Axis(name, (low, high), True)


def _listed(name: str, given: Sequence[Number], place: str) -> Axis:
    # Integers from 1 to 10^30 have no len.
    if not given[:1] or given[MOST_VALUES:]:
        raise InputError(f"{place}: {'too many' if given else 'no'} values; allowed are 1 to {MOST_VALUES}")
    values = tuple(exact_rational(value, place) for value in given)
    if len(set(values)) < len(values):
        raise InputError(f"{place}: a value stands twice; give each once")
    _check_values(name, values, place)
    return Axis(name, values, False)


def _check_values(name: str, values: Sequence[Fraction], place: str) -> None:
    """What the scale and the kind of the parameter allow; the method and the data have rules of their own."""
    for value in values:
        if _SCALES.get(name) == "memory" and not 0 <= value < 1:
            raise InputError(f"{place}: {float(value)} is not allowed; allowed are numbers from 0 on, below 1")
        if name == "eps" and not value > 0:
            raise InputError(f"{place}: {float(value)} is not allowed; allowed are positive numbers")
        if name == "batch_size" and not (value.denominator == 1 and value >= 1):
            raise InputError(f"{place}: {float(value)} is not allowed; allowed are integers from 1 up")
