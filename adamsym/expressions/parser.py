"""A whitelist grammar for expressions: text in, exact SymPy out. Nothing is ever evaluated as Python.

    sum     = product {("+" | "-") product}
    product = signed {("*" | "/") signed}
    signed  = {"+" | "-"} power
    power   = atom ["**" signed]
    atom    = number | name | "pi" | function "(" sum {"," sum} ")" | "(" sum ")"

Constants are bounded before SymPy combines them (:mod:`adamsym.expressions.constants`): no text makes it run long.
"""

import difflib
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from adamsym.expressions.constants import bounded_function, bounded_power, bounded_product, bounded_sum
from adamsym.expressions.domain import Condition, Relation, condition, listed
from adamsym.expressions.errors import InputError
from adamsym.expressions.functions import FUNCTIONS
from adamsym.expressions.numbers import exact_rational
from adamsym.expressions.work import spend

LONGEST_TEXT = 20_000
MOST_TOKENS = 200_000

READING = 150
"""Operations that a token counts for: SymPy takes some tenths of a millisecond to put it into an expression."""

DEEPEST_NESTING = 60

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z_0-9]*)"
    r"|(?P<operator>\*\*|[-+*/(),])",
    re.ASCII,
)

_HINTS = {
    "^": "for powers write **",
    ".": "attributes are not allowed",
    "[": "indexing is not allowed; name each entry, such as w0",
    "'": "text is not allowed",
    '"': "text is not allowed",
    "=": "comparisons and assignments are not allowed",
    "<": "comparisons are not allowed",
    ">": "comparisons are not allowed",
    ";": "give one expression",
    "%": "the remainder is not allowed",
}


def check_name(name: object, place: str) -> str:
    """Return ``name`` if it may name a parameter or a data column.

    Raises
    ------
    InputError
        If it is no ASCII identifier of at most 40 characters that starts with a letter, or a reserved word.
    """
    if (
        not isinstance(name, str)
        or not name.isidentifier()
        or not name.isascii()
        or len(name) > 40
        or name.startswith("_")
        or keyword.iskeyword(name)
        or name in FUNCTIONS
        or name == "pi"
    ):
        raise InputError(
            f"{place}: {str(name)[:40]!r} cannot be a name; allowed are letters, digits and _ after a letter, "
            "at most 40 characters, except names of functions and keywords"
        )
    return name


def parse_expression(text: str, symbols: Mapping[str, sp.Symbol], place: str) -> sp.Expr:
    """Return ``text`` as an exact SymPy expression; decimals become fractions (0.1 is 1/10).

    Parameters
    ----------
    text
        The expression, at most 20,000 characters.
    symbols
        The names that it may use.
    place
        Where it stands, for messages.

    Raises
    ------
    InputError
        If the text is not in the grammar, a constant in it is not real or larger than 1e300, or SymPy cannot make
        sense of it. The message names the place and what is allowed.
    """
    if not isinstance(text, str):
        raise InputError(f'{place}: {str(text)[:40]!r} is no text; give an expression such as "(theta - x)**2/2"')
    if len(text) > LONGEST_TEXT:
        raise InputError(f"{place}: {len(text)} characters; at most {LONGEST_TEXT} are allowed")
    return parse_with_domain(text, symbols, place)[0]


def parse_with_domain(text: str, symbols: Mapping[str, sp.Symbol], place: str) -> tuple[sp.Expr, tuple[Condition, ...]]:
    """Return ``text``, up to 200,000 tokens of it, as an expression, and the conditions under which it is real.

    Where the conditions hold, every part of the expression as written is a finite real number.

    Raises
    ------
    InputError
        As :func:`parse_expression` does.
    OutOfWork
        If it would take more operations than a budget leaves: before SymPy sees any of it.
    """
    tokens = _tokens(text, place)
    spend(READING * len(tokens))
    reader = _Reader(text, tokens, symbols, place)
    expression = reader.sum(0)
    reader.expect_end()
    if expression.has(sp.I, sp.nan, sp.zoo, sp.oo, sp.S.NegativeInfinity):
        raise InputError(f"{place}: the expression is not real-valued and finite")
    return expression, listed(reader.conditions)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def _tokens(text: str, place: str) -> list[_Token]:
    found: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            character = text[position]
            hint = _HINTS.get(character, "allowed are numbers, names, + - * / **, parentheses and functions")
            raise InputError(f"{place}: {character!r} at character {position + 1}: {hint}")
        if match.lastgroup != "space":
            if len(found) == MOST_TOKENS:
                raise InputError(f"{place}: more than {MOST_TOKENS} numbers, names and signs; write it shorter")
            found.append(_Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    return [*found, _Token("end", "the end", len(text))]


class _Reader:
    """Recursive descent over the tokens; sums and products of any length are loops."""

    def __init__(self, text: str, tokens: list[_Token], symbols: Mapping[str, sp.Symbol], place: str) -> None:
        self.text, self.tokens, self.symbols, self.place = text, tokens, symbols, place
        self.index = 0
        self.conditions: list[Condition | None] = []

    @property
    def token(self) -> _Token:
        return self.tokens[self.index]

    def take(self, *texts: str) -> str | None:
        """Step over an operator if it is one of ``texts``."""
        token = self.token
        if token.kind == "operator" and token.text in texts:
            self.index += 1
            return token.text
        return None

    def fail(self, what: str) -> InputError:
        token = self.token
        found = token.text if token.kind == "end" else f"{token.text[:40]!r} at character {token.position + 1}"
        return InputError(f"{self.place}: {found}: {what}")

    def require(self, expression: sp.Expr, relation: Relation, start: int) -> None:
        """Note a condition of what was written from token ``start`` up to here."""
        source = self.text[self.tokens[start].position : self.tokens[self.index].position].strip()
        self.conditions.append(condition(expression, relation, source, self.place))

    def expect_end(self) -> None:
        if self.token.kind != "end":
            raise self.fail("expected an operator (+ - * / **) or the end")

    def sum(self, depth: int) -> sp.Expr:
        if depth > DEEPEST_NESTING:
            raise self.fail(f"nested too deeply; at most {DEEPEST_NESTING} levels of parentheses are allowed")
        terms = [self.product(depth)]
        while sign := self.take("+", "-"):
            term = self.product(depth)
            terms.append(term if sign == "+" else -term)
        return bounded_sum(terms, self.place)

    def product(self, depth: int) -> sp.Expr:
        start = self.index
        factors = [self.signed(depth)]
        while operator := self.take("*", "/"):
            factor = self.signed(depth)
            if operator == "/":
                if factor == 0:
                    raise InputError(f"{self.place}: division by zero; divide by something that is not always 0")
                self.require(factor, "nonzero", start)
                factor = bounded_power(factor, sp.S.NegativeOne, self.place)
            factors.append(factor)
        return bounded_product(factors, self.place)

    def signed(self, depth: int) -> sp.Expr:
        negative = False
        while sign := self.take("+", "-"):
            negative ^= sign == "-"
        value = self.power(depth)
        return -value if negative else value

    def power(self, depth: int) -> sp.Expr:
        start = self.index
        base = self.atom(depth)
        if not self.take("**"):
            return base
        if depth > DEEPEST_NESTING:
            raise self.fail(f"nested too deeply; at most {DEEPEST_NESTING} powers of powers are allowed")
        exponent = self.signed(depth + 1)
        result = bounded_power(base, exponent, self.place)
        relation = _needed_of_base(exponent)
        if relation is not None:
            self.require(base, relation, start)
        return result

    def atom(self, depth: int) -> sp.Expr:
        token = self.token
        if token.kind == "number":
            self.index += 1
            fraction = exact_rational(token.text, self.place)
            return sp.Rational(fraction.numerator, fraction.denominator)
        if token.kind == "name":
            return self.named(depth)
        if self.take("("):
            value = self.sum(depth + 1)
            self.close()
            return value
        raise self.fail("expected a number, a name or a parenthesis")

    def named(self, depth: int) -> sp.Expr:
        name = self.token.text
        called = self.tokens[self.index + 1].text == "("
        if called and name in FUNCTIONS:
            self.index += 2
            return self.function(name, depth)
        if called and (name in self.symbols or name == "pi"):
            raise self.fail(f"it is no function; for a product write {name[:40]}*(...)")
        if name == "pi" or name in self.symbols:
            self.index += 1
            return sp.pi if name == "pi" else self.symbols[name]
        if name in FUNCTIONS:
            raise self.fail(f"a function needs its argument, as in {name}(x)")
        known = [*FUNCTIONS] if called else [*self.symbols, "pi"]
        close = difflib.get_close_matches(name[:40], known, n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise self.fail(f"unknown {'function' if called else 'name'}{meant}; known are {_listed(known)}")

    def function(self, name: str, depth: int) -> sp.Expr:
        start = self.index - 2
        arguments = [self.sum(depth + 1)]
        while self.take(","):
            arguments.append(self.sum(depth + 1))
        self.close()
        least, most = FUNCTIONS[name].arguments
        if not least <= len(arguments) <= most:
            wanted = str(least) if least == most else f"{least} to {most}"
            raise InputError(f"{self.place}: {name} takes {wanted} arguments, not {len(arguments)}")
        result = bounded_function(name, arguments, self.place)
        relation = FUNCTIONS[name].domain
        if relation is not None:
            self.require(arguments[0] + (1 if name == "log1p" else 0), relation, start)
        return result

    def close(self) -> None:
        if not self.take(")"):
            raise self.fail("expected ) or an operator")


def _needed_of_base(exponent: sp.Expr) -> Relation | None:
    """What a power's base must be for the power to be a finite real number; 0**0 is none."""
    if exponent.is_Integer:
        return None if exponent > 0 else "nonzero"
    return "nonnegative" if exponent.is_Rational and exponent > 0 else "positive"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
