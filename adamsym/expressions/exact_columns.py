"""Columns of exact numbers, with the floats nearest to them: kept as text or floats, from which the fractions follow.

Fractions take eight times the room and most of the time in which a large table is read, and values of the field by
number need none.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import overload

import numpy as np

from adamsym.expressions.collection import no_collection
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.numbers import exact_rationals

BoolArray = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]

_PLAIN = r"[ \t]*+[+-]?+(?:[0-9]{1,40}+(?:\.[0-9]{0,40}+)?+|\.[0-9]{1,40}+)(?:[eE][+-]?+[0-9]{1,2}+)?+[ \t]*+"
_PLAIN_LINES = re.compile(rf"{_PLAIN}(?:\n{_PLAIN})*+")
"""Decimals that are surely in range, a line each; nothing is tried twice."""

_SURE_RANGE = (1e-99, 1e99)
"""Floats whose shortest decimals are surely in range."""

_SURE_DIGITS = 15
"""So many digits tell decimals apart as floats: two of them are never nearest to the same one."""


class ExactColumn(Sequence[Fraction]):
    """Exact numbers, at least one, each 0 or between 1e-300 and 1e300 in magnitude."""

    @property
    @abstractmethod
    def floats(self) -> FloatArray:
        """The floats nearest to them, ties to even: a new array of shape (n,)."""

    @abstractmethod
    def fractions(self) -> Sequence[Fraction]:
        """Return the numbers as fractions, which are made at each call."""

    @abstractmethod
    def are_floats(self) -> BoolArray:
        """Return which of the numbers are floats, shape (n,)."""

    @overload
    def __getitem__(self, index: int) -> Fraction: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Fraction]: ...

    def __getitem__(self, index: int | slice) -> Fraction | Sequence[Fraction]:
        """Return a number, or some."""
        return self.fractions()[index]

    def __iter__(self) -> Iterator[Fraction]:
        """Go through the numbers."""
        return iter(self.fractions())


@dataclass(frozen=True, eq=False)
class Fractions(ExactColumn):
    """Numbers kept as fractions."""

    numbers: Sequence[Fraction]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.numbers)

    @property
    def floats(self) -> FloatArray:
        """The nearest floats."""
        return np.array([float(x) for x in self.numbers])

    def fractions(self) -> Sequence[Fraction]:
        """Return the numbers."""
        return self.numbers

    def are_floats(self) -> BoolArray:
        """Return which are floats."""
        return np.array([_is_float(x) for x in self.numbers])


@dataclass(frozen=True, eq=False)
class Decimals(ExactColumn):
    """Decimals kept as they are written or, without ``text``, floats that count as the shortest decimals for them.

    Attributes
    ----------
    nearest
        The nearest floats, without a negative zero.
    text
        Lines of plain decimals; or None.
    """

    nearest: FloatArray
    text: str | None = None

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.nearest)

    @property
    def floats(self) -> FloatArray:
        """The nearest floats."""
        return self.nearest.copy()

    def _lines(self) -> list[str]:
        return list(map(repr, self.nearest.tolist())) if self.text is None else self.text.split("\n")

    def fractions(self) -> Sequence[Fraction]:
        """Return the numbers; those written alike are one and the same object."""
        lines = self._lines()
        with no_collection():
            found = {line: Fraction(Decimal(line)) for line in dict.fromkeys(lines)}
            return [found[line] for line in lines]

    def are_floats(self) -> BoolArray:
        """Return which are floats; of few the fraction has to be made."""
        size = np.abs(self.nearest)
        lines = None if self.text is None else self.text.split("\n")
        lengths = np.full(len(size), 17) if lines is None else np.fromiter(map(len, lines), np.int_, len(lines))
        # These floats have 15 digits at most: of decimals that have no more it is the one that is nearest to them.
        scaled = size * 2.0**10
        short = ((size < 1e5) & (scaled == np.floor(scaled))) | ((size < 1e15) & (size == np.floor(size)))
        sure = short & (True if lines is None else lengths <= _SURE_DIGITS)
        # A float with an odd number over 2**q is a decimal with a digit at 10**-q, and its digits end in those of 5**q.
        most = np.ceil(np.log2(10) / np.log2(5) * lengths)
        with np.errstate(over="ignore"):
            fine = np.ldexp(size, most.astype(np.int_))
        found, known = np.array(sure), dict[str, bool]()
        for k in np.flatnonzero(~sure & (fine == np.floor(fine))).tolist():
            line = repr(float(self.nearest[k])) if lines is None else lines[k]
            if line not in known:
                known[line] = _is_float(Fraction(Decimal(line)))
            found[k] = known[line]
        return found


@dataclass(frozen=True, eq=False)
class Joined(ExactColumn):
    """Columns one below the other."""

    parts: tuple[ExactColumn, ...]

    @cached_property
    def _length(self) -> int:
        return sum(map(len, self.parts))

    def __len__(self) -> int:
        """Return how many there are."""
        return self._length

    @property
    def floats(self) -> FloatArray:
        """The nearest floats."""
        return np.concatenate([part.floats for part in self.parts])

    def fractions(self) -> Sequence[Fraction]:
        """Return the numbers."""
        return [x for part in self.parts for x in part.fractions()]

    def are_floats(self) -> BoolArray:
        """Return which are floats."""
        return np.concatenate([part.are_floats() for part in self.parts])


def plain_column(entries: Sequence[str], decimal: str = ".") -> Decimals | None:
    """Return the numbers of texts that are all plain decimals, surely in range; None of others.

    ``decimal`` stands before the decimals of a number.
    """
    text = "\n".join(entries)
    if text.count("\n") != len(entries) - 1:
        return None
    if decimal != ".":
        if "." in text:
            return None
        text = text.replace(decimal, ".")
    if _PLAIN_LINES.fullmatch(text) is None:
        return None
    return Decimals(np.fromiter(map(float, text.split("\n")), np.float64, len(entries)) + 0.0, text)


def exact_column(values: Sequence[object], place: str) -> ExactColumn:
    """Return numbers of any kind, at least one, as :func:`exact_rational` reads them; ``place`` is the list's.

    Raises
    ------
    InputError
        If a value is no finite number, or out of range; the message names its place in the list.
    """
    if isinstance(values, ExactColumn):
        return values
    if set(map(type, values)) == {float}:
        floats = np.array(values) + 0.0
        size = np.abs(floats)
        if ((size == 0) | ((size >= _SURE_RANGE[0]) & (size <= _SURE_RANGE[1]))).all():
            return Decimals(floats)
    return Fractions(exact_rationals(values, place))


def _is_float(x: Fraction) -> bool:
    """Whether a number is a float; most decimals are seen not to be by their denominators, without a conversion."""
    return x.denominator & (x.denominator - 1) == 0 and float(x) == x
