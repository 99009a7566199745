"""Exact SymPy expressions to text of the grammar: what is read from it is the same expression, digit for digit."""

from collections.abc import Callable, Mapping

import sympy as sp

from adamsym.expressions.arguments import shown
from adamsym.expressions.constants import MOST_BITS
from adamsym.expressions.errors import InputError
from adamsym.expressions.functions import FUNCTIONS
from adamsym.expressions.numbers import LARGEST_EXPONENT
from adamsym.expressions.parser import LONGEST_TEXT

DEEPEST = 120
"""Levels of an expression: what is nested more deeply the grammar would not read either."""

_SUM, _PRODUCT, _POWER, _ATOM = range(4)

_INSTEAD = {
    "tan": "sin(z)/cos(z)",
    "cot": "cos(z)/sin(z)",
    "sign": "z/Abs(z), or a loss of Abs, Max and Min",
    "Heaviside": "a loss of Abs, Max and Min",
    "Piecewise": "a loss of Abs, Max and Min",
    "erfc": "1 - erf(z)",
    "coth": "cosh(z)/sinh(z)",
}


def expression_text(expression: sp.Expr, place: str) -> str:
    """Return text of the grammar for an expression; floating-point numbers of any precision become exact fractions.

    Raises
    ------
    InputError
        If the expression holds a function or constant that the grammar does not have; the message names it.
    """
    if not isinstance(expression, sp.Expr):
        raise InputError(f"{place}: {str(expression)[:40]!r} is no expression; give one as text or of SymPy")
    return _written(expression, place, 0)[0]


def source_text(expression: str | sp.Expr, symbols: Mapping[str, sp.Symbol], place: str) -> str:
    """Return text to parse: text as it is, at most 20,000 characters, or that of an expression in the symbols.

    Raises
    ------
    InputError
        For longer text, and as ``expression_text``; or if the expression has a symbol that is none of those.
    """
    if isinstance(expression, str):
        if len(expression) > LONGEST_TEXT:
            raise InputError(f"{place}: {len(expression)} characters; at most {LONGEST_TEXT} are allowed")
        return expression
    if not isinstance(expression, sp.Expr):
        what = "allowed are text, such as '(theta - x)**2/2', and expressions of SymPy"
        raise InputError(f"{place}: {shown(expression)} is not allowed; {what}")
    text = expression_text(expression, place)
    unknown = sorted(str(symbol) for symbol in expression.free_symbols - set(symbols.values()))
    if unknown:
        raise InputError(
            f"{place}: {unknown[0]} is neither a parameter nor a data column (both are real symbols); "
            f"known are {', '.join(symbols)}"
        )
    return text


def _written(node: sp.Expr, place: str, depth: int) -> tuple[str, int]:
    """The text, and how tightly its outermost operation binds."""
    if depth > DEEPEST:
        raise InputError(f"{place}: nested too deeply; write it with fewer functions of functions")
    if isinstance(node, sp.Symbol):
        return node.name, _ATOM
    if isinstance(node, (sp.Rational, sp.Float)):
        return _number(node, place)
    if node == sp.pi:
        return "pi", _ATOM
    if node == sp.E:
        return "exp(1)", _ATOM

    def within(part: sp.Expr, least: int) -> str:
        text, binding = _written(part, place, depth + 1)
        return text if binding >= least else f"({text})"

    if node.is_Add:
        terms = [within(term, _PRODUCT) for term in node.as_ordered_terms()]
        return terms[0] + "".join(f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in terms[1:]), _SUM
    if node.is_Mul:
        return _product(node, within, place)
    if node.is_Pow:
        return _power(node, within)
    name = type(node).__name__
    if name in FUNCTIONS and node.args:
        arguments = sorted(node.args, key=sp.default_sort_key) if name in ("Max", "Min") else node.args
        return f"{name}({', '.join(within(argument, _SUM) for argument in arguments)})", _ATOM
    raise InputError(f"{place}: {_unknown(node, name)}; allowed are {', '.join(FUNCTIONS)}, numbers and pi")


def _number(value: sp.Rational | sp.Float, place: str) -> tuple[str, int]:
    numerators, denominators, negative = _fraction(value, place)
    if not denominators:
        return ("-" if negative else "") + numerators, _PRODUCT if negative else _ATOM
    return ("-" if negative else "") + "/".join([numerators, *denominators]), _PRODUCT


def _fraction(value: sp.Rational | sp.Float, place: str) -> tuple[str, list[str], bool]:
    """Numerator, factors of the denominator that the grammar takes one by one, and the sign."""
    if not value.is_finite:
        raise InputError(f"{place}: {value} is not allowed; allowed are finite numbers")
    exact = sp.Rational(value)
    p, q = abs(int(exact.p)), int(exact.q)
    if p.bit_length() + q.bit_length() > MOST_BITS:
        raise InputError(
            f"{place}: a number of {p.bit_length() + q.bit_length()} bits; at most {MOST_BITS} are allowed"
        )
    denominators = []
    while q > 10**LARGEST_EXPONENT and q % 2**100 == 0:
        q //= 2**100
        denominators.append("2**100")
    if max(p, q) > 10**LARGEST_EXPONENT:
        raise InputError(f"{place}: a number too long to be read back; numbers have at most {LARGEST_EXPONENT} digits")
    return str(p), ([str(q)] if q != 1 else []) + denominators, bool(exact < 0)


def _product(node: sp.Mul, within: Callable[[sp.Expr, int], str], place: str) -> tuple[str, int]:
    above: list[str] = []
    below: list[str] = []
    negative = False
    for factor in node.as_ordered_factors():
        if isinstance(factor, (sp.Rational, sp.Float)):
            numerator, denominators, minus = _fraction(factor, place)
            above += [] if numerator == "1" else [numerator]
            below += denominators
            negative ^= minus
        elif factor.is_Pow and _is_negative(factor.exp):
            below.append(_raised(factor.base, -_exact(factor.exp), within))
        else:
            above.append(within(factor, _POWER))
    return ("-" if negative else "") + "*".join(above or ["1"]) + "".join(f"/{factor}" for factor in below), _PRODUCT


def _power(node: sp.Pow, within: Callable[[sp.Expr, int], str]) -> tuple[str, int]:
    if _is_negative(node.exp):
        return f"1/{_raised(node.base, -_exact(node.exp), within)}", _PRODUCT
    return _raised(node.base, _exact(node.exp), within), _POWER


def _raised(base: sp.Expr, exponent: sp.Expr, within: Callable[[sp.Expr, int], str]) -> str:
    if exponent == sp.S.Half:
        return f"sqrt({within(base, _SUM)})"
    if exponent == 1:
        return within(base, _POWER)
    return f"{within(base, _ATOM)}**{within(exponent, _ATOM)}"


def _exact(number: sp.Expr) -> sp.Expr:
    return sp.Rational(number) if isinstance(number, sp.Float) and number.is_finite else number


def _is_negative(exponent: sp.Expr) -> bool:
    return isinstance(exponent, (sp.Rational, sp.Float)) and bool(exponent < 0)


def _unknown(node: sp.Expr, name: str) -> str:
    if not node.args:
        return f"the constant {str(node)[:40]} is not allowed"
    instead = f" (write {_INSTEAD[name]})" if name in _INSTEAD else ""
    return f"the function {name[:40]} is not allowed{instead}"
