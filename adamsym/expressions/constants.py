"""Arithmetic on expressions from strangers: constants stay small, so that SymPy never runs long.

SymPy combines constants as soon as it sees them (9**9**9 would fill the memory). Before every operation the result's
size is bounded; after it, a constant must be a real number of magnitude at most 1e300.
"""

import math
from collections.abc import Callable, Mapping, Sequence

import sympy as sp

from adamsym.expressions.errors import InputError
from adamsym.expressions.functions import FUNCTIONS

LARGEST_POWER = 100
LARGEST_MAGNITUDE = 1e300

MOST_BITS = 8192
"""Bits of a rational constant's numerator and denominator."""

_MOST_OPERATIONS = 100
"""Operations in a constant that is not rational, such as sqrt(2) + pi."""


def bounded_sum(terms: Sequence[sp.Expr], place: str) -> sp.Expr:
    """Return the sum of the terms; InputError if its constant part is out of bounds."""
    total, others = sp.S.Zero, []
    for term in terms:
        if term.is_Rational:
            total = _checked(total + term, place)
        else:
            others.append(term)
    if not others:
        return total
    return others[0] if len(others) == 1 and total == 0 else _made(lambda: sp.Add(total, *others), place)


def bounded_product(factors: Sequence[sp.Expr], place: str) -> sp.Expr:
    """Return the product of the factors; InputError if its constant part is out of bounds."""
    total, others = sp.S.One, []
    for factor in factors:
        coefficient, rest = factor.as_coeff_Mul(rational=True)
        total = _checked(total * coefficient, place)
        if rest != 1:
            others.append(rest)
    if not others:
        return total
    return others[0] if len(others) == 1 and total == 1 else _made(lambda: sp.Mul(total, *others), place)


def bounded_power(base: sp.Expr, exponent: sp.Expr, place: str) -> sp.Expr:
    """Return base**exponent; InputError if a constant exponent exceeds 100 or a constant would be out of bounds."""
    if not exponent.free_symbols:
        exponent_size = abs(_value(exponent, place))
        if exponent_size > LARGEST_POWER or (exponent.is_Rational and exponent.q > LARGEST_POWER):
            raise InputError(
                f"{place}: the exponent {_shown(exponent)} is not allowed; allowed are exponents from "
                f"-{LARGEST_POWER} to {LARGEST_POWER}, as fractions with denominators up to {LARGEST_POWER}"
            )
        if base == 0 and _value(exponent, place) <= 0:
            raise InputError(f"{place}: 0**{_shown(exponent)} is not a real number; division by zero")
        coefficient, _ = base.as_coeff_Mul(rational=True)
        if _bits(coefficient) * max(exponent_size, 1) > MOST_BITS:
            raise InputError(f"{place}: a power of {_shown(coefficient)} is too large; {_ALLOWED}")
        if not base.free_symbols:
            magnitude = abs(_value(base, place))
            if magnitude and exponent_size * abs(math.log10(magnitude)) > 2 * math.log10(LARGEST_MAGNITUDE):
                raise InputError(f"{place}: the power {_shown(base)}**{_shown(exponent)} is too large; {_ALLOWED}")
    elif not base.free_symbols and _value(base, place) <= 0:
        raise InputError(f"{place}: {_shown(base)} to a variable power is not real-valued; the base must be positive")
    result = _made(lambda: sp.Pow(base, exponent), place)
    for factor in sp.Mul.make_args(result):
        power = factor.as_base_exp()[1]
        if power.is_Number and abs(power) > LARGEST_POWER:
            raise InputError(f"{place}: a power of a power makes the exponent {_shown(power)}; allowed is up to 100")
    return result


def bounded_function(name: str, arguments: Sequence[sp.Expr], place: str) -> sp.Expr:
    """Return the function of the grammar at the arguments; InputError if the value is a constant out of bounds."""
    return _made(lambda: FUNCTIONS[name].symbolic(*arguments), place)


def bounded_substitution(expression: sp.Expr, values: Mapping[sp.Expr, sp.Expr], place: str) -> sp.Expr:
    """Return an expression with values in place of symbols; InputError if a constant in it would be out of bounds."""
    known: dict[sp.Expr, sp.Expr] = dict(values)

    def visit(node: sp.Expr) -> sp.Expr:
        if node not in known:
            known[node] = _rebuilt(node, [visit(argument) for argument in node.args], place) if node.args else node
        return known[node]

    return visit(expression)


def _rebuilt(node: sp.Expr, arguments: list[sp.Expr], place: str) -> sp.Expr:
    if node.is_Add:
        return bounded_sum(arguments, place)
    if node.is_Mul:
        return bounded_product(arguments, place)
    if node.is_Pow:
        return bounded_power(arguments[0], arguments[1], place)
    return _made(lambda: node.func(*arguments), place)


_ALLOWED = "constants must be real numbers of magnitude up to 1e300"


def _made(make: Callable[[], sp.Expr], place: str) -> sp.Expr:
    try:
        result = make()
    except (InputError, KeyboardInterrupt):
        raise
    except Exception as error:
        raise InputError(f"{place}: SymPy cannot form this expression: {str(error)[:100]}") from None
    return _checked(result, place)


def _checked(result: sp.Expr, place: str) -> sp.Expr:
    """The result, if it is a constant within bounds or no constant."""
    if result.is_Rational:
        if _bits(result) > MOST_BITS:
            raise InputError(f"{place}: a constant is too large or too long; {_ALLOWED}")
        if abs(result) > LARGEST_MAGNITUDE:
            raise InputError(f"{place}: the constant {_shown(result)} is too large; {_ALLOWED}")
    elif not result.free_symbols:
        _value(result, place)
    return result


def _value(constant: sp.Expr, place: str) -> float:
    """A constant as a float; InputError unless it is real and within bounds."""
    if constant.is_Rational and _bits(constant) <= MOST_BITS:
        value = sp.Float(constant, 15)
    else:
        if constant.count_ops() > _MOST_OPERATIONS:
            raise InputError(f"{place}: a constant of more than {_MOST_OPERATIONS} operations; write its decimals")
        try:
            value = sp.N(constant, 15)
        except Exception:
            raise InputError(f"{place}: the constant {_shown(constant)} cannot be evaluated; {_ALLOWED}") from None
    if not value.is_Float or not value.is_finite or abs(value) > LARGEST_MAGNITUDE:
        if value == 0:
            return 0.0
        raise InputError(f"{place}: the constant {_shown(constant)} is not real or too large; {_ALLOWED}")
    return float(value)


def _bits(number: sp.Rational) -> int:
    return int(number.p).bit_length() + int(number.q).bit_length()


def _shown(expression: sp.Expr) -> str:
    if expression.is_Rational and _bits(expression) > 120:
        return f"{sp.Float(expression, 3)}"
    return str(expression)[:60]
