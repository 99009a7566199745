"""Exact rationals from the numbers that users write."""

import math
import numbers
import re
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from adamsym.expressions.errors import InputError

Number = int | float | str | Decimal | Fraction

LARGEST_EXPONENT = 300
"""Numbers are 0 or lie between 10**-300 and 10**300 in magnitude, so that each has a float near it."""

_LONGEST_LITERAL = 1000

_SURELY_IN_RANGE = 900
"""Bits of numerator and denominator: 2**900 is less than 10**300. Large tables are read in half the time."""


_PLAIN = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")
"""Decimals that are surely in range: all that most tables hold."""


def plain_rational(text: str) -> Fraction | None:
    """Return what :func:`exact_rational` does of a plain decimal, in a third of the time; None of other text."""
    return Fraction(Decimal(text)) if _PLAIN.fullmatch(text) else None


def exact_rationals(values: Iterable[object], place: str) -> list[Fraction]:
    """Return :func:`exact_rational` of each value, those of large tables in half the time; ``place`` is the list's."""
    found: list[Fraction] = []
    for k, value in enumerate(values):
        kind = type(value)
        if kind is Fraction and _surely_in_range(value):  # type: ignore[arg-type]
            found.append(value)  # type: ignore[arg-type]
        elif kind is float and (plain := plain_rational(repr(value))) is not None:
            found.append(plain)
        else:
            found.append(exact_rational(value, f"{place}[{k}]"))
    return found


def _surely_in_range(value: Fraction) -> bool:
    return max(value.numerator.bit_length(), value.denominator.bit_length()) < _SURELY_IN_RANGE


def exact_rational(value: object, place: str) -> Fraction:
    """Return ``value`` as an exact fraction; a float counts as the shortest decimal that prints it (0.1 is 1/10).

    Parameters
    ----------
    value
        An int, float, ``Decimal``, ``Fraction``, NumPy scalar, or text such as ``"0.1"``, ``"-3e-4"``, ``"1/3"``.
    place
        Where the value stands, for the message.

    Raises
    ------
    InputError
        If the value is no finite number, or its magnitude is outside 1e-300 ... 1e300.
    """
    if isinstance(value, bool) or not isinstance(value, (str, numbers.Number)):
        raise InputError(f"{place}: {_shown(value)} is not a number; allowed are finite real numbers such as -3 or 0.5")
    try:
        if isinstance(value, (numbers.Rational, Decimal)):
            return _bounded(value, place)
        if isinstance(value, str):
            text = value.strip()
            if len(text) > _LONGEST_LITERAL or "_" in text or not text.isascii():
                raise ValueError
            return _bounded(Fraction(text) if "/" in text else Decimal(text), place)
        return _bounded(Decimal(repr(float(value))), place)  # type: ignore[arg-type]
    except InputError:
        raise
    except (ValueError, ArithmeticError, TypeError):
        raise InputError(f"{place}: {_shown(value)} is not a finite real number; write it as -3, 0.5 or 1e-8") from None


def _bounded(value: numbers.Rational | Decimal, place: str) -> Fraction:
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise InputError(f"{place}: {value} is not allowed; allowed are finite real numbers")
        if value and abs(value.adjusted()) > LARGEST_EXPONENT:
            raise InputError(f"{place}: {value:.3e} is out of range; magnitudes from 1e-300 to 1e300 are allowed")
        return Fraction(value)
    if type(value) is Fraction and _surely_in_range(value):
        return value
    fraction = Fraction(int(value.numerator), int(value.denominator))
    size = math.log2(10) * LARGEST_EXPONENT
    if max(fraction.numerator.bit_length(), fraction.denominator.bit_length()) > 4 * size:
        raise InputError(f"{place}: a fraction this long is not allowed; at most {int(4 * size)} bits are")
    if fraction and not Fraction(1, 10**LARGEST_EXPONENT) <= abs(fraction) <= 10**LARGEST_EXPONENT:
        raise InputError(f"{place}: a fraction out of range; magnitudes from 1e-300 to 1e300 are allowed")
    return fraction


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
