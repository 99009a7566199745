"""Proven intervals as decimals: no digit is shown that is not one of every point in them."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal

MOST_DIGITS = 17


def shared_digits(low: float, high: float) -> str:
    """Return the decimal to which every number between two rounds, with as many digits as there are such.

    Numbers that share no digit are given as an interval.
    """
    for digits in range(MOST_DIGITS - 2, 0, -1):
        text = f"{low:#.{digits}g}"
        if text == f"{high:#.{digits}g}" and low * high > 0:
            return text.rstrip(".")
    return "0" if low == high == 0 else interval_text(low, high)


def interval_text(low: float, high: float) -> str:
    """Return an interval in decimals, rounded outward by no more than about a tenth of its width."""
    for digits in range(2, MOST_DIGITS + 1):
        down = Context(prec=digits, rounding=ROUND_FLOOR).create_decimal(Decimal(low))
        up = Context(prec=digits, rounding=ROUND_CEILING).create_decimal(Decimal(high))
        if (up - down) <= Decimal("1.1") * (Decimal(high) - Decimal(low)):
            break
    return f"[{_plain(down)}, {_plain(up)}]"


def rounded_down(number: float, digits: int = 6) -> str:
    """Return a decimal of so many digits that is not above a number."""
    return _plain(Context(prec=digits, rounding=ROUND_FLOOR).create_decimal_from_float(number))


def rounded_up(number: float, digits: int = 6) -> str:
    """Return a decimal of so many digits that is not below a number."""
    return _plain(Context(prec=digits, rounding=ROUND_CEILING).create_decimal_from_float(number))


def _plain(number: Decimal) -> str:
    """A decimal as Python prints floats: not every small number in powers of ten."""
    if number == 0:
        return "0"
    return f"{number.normalize():f}" if -5 <= number.adjusted() < 16 else f"{number.normalize():e}"
