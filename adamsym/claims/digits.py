"""Numbers that are stated to some digits: whether what is proven rounds to them."""

import math
import re
from fractions import Fraction

import flint

from adamsym.claims.finding import Finding, holds, refuted, undecided
from adamsym.expressions.errors import InputError

_DECIMAL = re.compile(r"[+-]?[0-9]+(?:\.([0-9]*))?(?:e([+-]?[0-9]{1,3}))?", re.ASCII)


def rounding_interval(digits: str) -> tuple[Fraction, Fraction]:
    """Return the ends of the interval of numbers that round to a decimal number.

    They are half a unit of its last digit away, zeros at its end counted: 0.10 is said of more numbers than 0.100.

    Raises
    ------
    InputError
        If the text is no decimal number, such as -0.125 or 4.014e-4.

    Examples
    --------
    >>> rounding_interval("0.25")
    (Fraction(49, 200), Fraction(51, 200))
    """
    found = _DECIMAL.fullmatch(digits)
    if found is None:
        raise InputError(f"digits: {digits[:40]!r} is not allowed; allowed are decimal numbers, as -0.125 or 4.014e-4")
    half = Fraction(10) ** (int(found[2] or 0) - len(found[1] or "")) / 2
    return Fraction(digits) - half, Fraction(digits) + half


def rounds_to(digits: str, value: flint.arb | tuple[Fraction | float, Fraction | float], what: str) -> Finding:
    """Return whether what is enclosed rounds to a decimal number: holds and refuted are proven, if the enclosure is.

    Parameters
    ----------
    digits
        The number that is claimed, as text.
    value
        A ball, or lower and upper bounds.
    what
        What is enclosed, in words, for the finding's detail.

    Raises
    ------
    InputError
        If the text is no decimal number.
    """
    least, most = rounding_interval(digits)
    low, high = _ends(value)
    text = f"{what} in [{float(low):.12g}, {float(high):.12g}], claimed {digits}"
    if not low <= high:
        return undecided(f"{what} is not known, claimed {digits}")
    if high < least or low > most:
        return refuted(text)
    return holds(text, cases=1) if least < low and high < most else undecided(text)


def _ends(value: flint.arb | tuple[Fraction | float, Fraction | float]) -> tuple[Fraction | float, Fraction | float]:
    """Both ends, exactly; nan and infinities as floats."""
    if isinstance(value, flint.arb):
        if not value.is_finite():
            return -math.inf, math.inf
        low, high = (_exactly(end) for end in (value.lower(), value.upper()))
        return low, high
    first, last = (float(x) if isinstance(x, float) and not math.isfinite(x) else Fraction(x) for x in value)
    return first, last


def _exactly(point: flint.arb) -> Fraction:
    mantissa, exponent = point.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)
