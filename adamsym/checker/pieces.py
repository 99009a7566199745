"""Abs, Max and Min in the checker: for each choice of signs of what they compare a smooth loss, derived by itself.

A pattern holds a sign for each switch, such as a - b of Max(a, b). Over a box where a switch may be 0 both signs are
tried: what is said of the gradient there holds for each pattern that may occur, and for all between them. The gradient
is continuous in the box if any two patterns that differ by the sign of one switch have the same gradient where it is 0:
of the patterns that meet in a point one then follows from another, sign after sign.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import sympy as sp

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.values import value_of, values_of
from adamsym.expressions.polynomials import bounded_polynomial
from adamsym.expressions.sizes import derivative_sizes
from adamsym.expressions.work import spend
from adamsym.gradients import Problem, SymbolicGradient

MOST_UNDECIDED = 6
"""Switches that may be 0 at once, in one box and for one row; more are not told apart."""

FORMING_SHARE = 10
"""Operations for a node of a pattern's derivatives at each use: they are formed once, but what is counted is not to
depend on what is remembered."""

_MOST_NODES, _MOST_TERMS = 200, 4_000
"""Of a switch that is factored, and of a polynomial that is multiplied out."""

Pattern = tuple[int, ...]


class MayJump(NotCheckable):
    """A row's gradient is not proven to be continuous over a box."""


class TooManyKinks(MayJump):
    """More switches may be 0 than are told apart."""


class Either(sp.Function):
    """Either(sign, a, b) is a for the sign 1, and b for -1."""

    nargs = 3

    @classmethod
    def eval(cls, sign: sp.Expr, first: sp.Expr, second: sp.Expr) -> sp.Expr | None:
        """Return what a known sign picks."""
        return (first if sign == 1 else second) if sign.is_Number else None


class Pieces:
    """The derivatives of a problem with Abs, Max or Min of parameters, for each pattern of signs."""

    def __init__(self, problem: SymbolicGradient) -> None:
        self.problem, self._signs, self._switches = problem, list[sp.Symbol](), list[sp.Expr]()
        written = problem.written if isinstance(problem, Problem) else problem.gradient_expressions
        known: dict[sp.Expr, sp.Expr] = {}
        self._written = [self._rewritten(entry, known) for entry in written]
        moving: set[sp.Symbol] = set(problem.parameters)
        for sign, switch in zip(self._signs, self._switches, strict=True):
            if switch.free_symbols & moving:
                moving.add(sign)
        self._moving = [sign in moving for sign in self._signs]
        self._gradients: dict[Pattern, list[sp.Expr]] = {}
        self._jacobians: dict[Pattern, list[sp.Expr]] = {}
        self._agreeing: dict[tuple[Pattern, int], bool] = {}
        orders = 2 if isinstance(problem, Problem) else 1
        self._work = sum(sum(derivative_sizes(entry, problem.parameters)[: 1 + orders]) for entry in written)

    @property
    def move(self) -> bool:
        """Whether some switch depends on the parameters."""
        return any(self._moving)

    def gradients(self, using: Arithmetic, values: Mapping[sp.Symbol, Interval]) -> list[Interval]:
        """Return intervals around the gradient for each pattern that may occur, and all between."""
        found = []
        for pattern, _ in self._over(using, values):
            spend(FORMING_SHARE * self._work)
            found.append(values_of(using, self._gradient(pattern), values))
        return [using.hull(*entries) for entries in zip(*found, strict=True)]

    def jacobians(self, using: Arithmetic, values: Mapping[sp.Symbol, Interval]) -> list[Interval]:
        """Return the same of the entries of the Jacobian, if the gradient is continuous.

        Raises
        ------
        MayJump
            If that is not proven.
        """
        patterns = self.require_continuous(using, values)
        found = [values_of(using, self._jacobian(pattern), values) for pattern in patterns]
        return [using.hull(*entries) for entries in zip(*found, strict=True)]

    def require_continuous(self, using: Arithmetic, values: Mapping[sp.Symbol, Interval]) -> list[Pattern]:
        """Return the patterns that may occur; errors as ``jacobians``."""
        found = []
        for pattern, undecided in self._over(using, values):
            spend(FORMING_SHARE * self._work * (1 + len(undecided)))
            if not all(self._agree(pattern, k) for k in undecided if self._moving[k]):
                raise MayJump(f"{self.problem.place}: the gradient may jump there")
            # Bounded on all of the box: no pole hides where the pieces meet.
            values_of(using, self._gradient(pattern), values)
            found.append(pattern)
        return found

    # --- patterns ----------------------------------------------------------------------------------------------

    def _over(
        self, using: Arithmetic, values: Mapping[sp.Symbol, Interval], pattern: Pattern = (), undecided: Pattern = ()
    ) -> Iterator[tuple[Pattern, Pattern]]:
        """The patterns that may occur, each with the numbers of the switches that may be 0."""
        k = len(pattern)
        if k == len(self._switches):
            yield pattern, undecided
            return
        value = value_of(using, self._chosen(self._switches[k], pattern), values)
        if value > 0 or value < 0:
            yield from self._over(using, values, (*pattern, 1 if value > 0 else -1), undecided)
            return
        if len(undecided) == MOST_UNDECIDED:
            raise TooManyKinks("too many kinks meet in a box")
        for sign in (1, -1):
            yield from self._over(using, values, (*pattern, sign), (*undecided, k))

    def _chosen(self, expression: sp.Expr, pattern: Pattern) -> sp.Expr:
        signs = zip(self._signs, pattern, strict=False)
        return expression.xreplace({symbol: sp.Integer(sign) for symbol, sign in signs})

    def _gradient(self, pattern: Pattern) -> list[sp.Expr]:
        if pattern not in self._gradients:
            chosen = [self._chosen(entry, pattern) for entry in self._written]
            self._gradients[pattern] = self._derived(chosen) if isinstance(self.problem, Problem) else chosen
        return self._gradients[pattern]

    def _jacobian(self, pattern: Pattern) -> list[sp.Expr]:
        if pattern not in self._jacobians:
            d, entries = self.problem.dimension, self._derived(self._gradient(pattern))
            self._jacobians[pattern] = [entries[i * d + j] for i, j in self.problem.jacobian_places]
        return self._jacobians[pattern]

    def _derived(self, expressions: Sequence[sp.Expr]) -> list[sp.Expr]:
        found = []
        for entry in expressions:
            found += [sp.diff(entry, parameter) for parameter in self.problem.parameters]
        return found

    def _agree(self, pattern: Pattern, k: int) -> bool:
        """Whether two patterns that differ by the sign k have the same gradient where the switch is 0."""
        if not isinstance(self.problem, Problem):
            # Components are continuous themselves.
            return True
        if (pattern, k) not in self._agreeing:
            other = (*pattern[:k], -pattern[k], *pattern[k + 1 :])
            switch = self._chosen(self._switches[k], pattern)
            pairs = zip(self._gradient(pattern), self._gradient(other), strict=True)
            agree = all(_is_multiple(a - b, switch) for a, b in pairs)
            self._agreeing[pattern, k] = self._agreeing[other, k] = agree
        return self._agreeing[pattern, k]

    # --- switches ----------------------------------------------------------------------------------------------

    def _rewritten(self, node: sp.Expr, known: dict[sp.Expr, sp.Expr]) -> sp.Expr:
        if node not in known:
            known[node] = self._by_signs(node, [self._rewritten(argument, known) for argument in node.args])
        return known[node]

    def _by_signs(self, node: sp.Expr, arguments: list[sp.Expr]) -> sp.Expr:
        if isinstance(node, sp.Abs):
            return Either(self._sign_of(arguments[0]), arguments[0], -arguments[0])
        if not isinstance(node, (sp.Max, sp.Min)):
            return node.func(*arguments) if arguments else node
        result = arguments[0]
        for other in arguments[1:]:
            sign = self._sign_of(result - other)
            result = Either(sign if isinstance(node, sp.Max) else -sign, result, other)
        return result

    def _sign_of(self, switch: sp.Expr) -> sp.Expr:
        """The sign as a product of those of the factors that are not squared, where these are found."""
        symbols = sorted(switch.free_symbols, key=lambda symbol: str(symbol.name))
        polynomial = None
        if symbols and not switch.has(Either) and derivative_sizes(switch, ())[0] <= _MOST_NODES:
            polynomial = bounded_polynomial(switch, symbols)
        if polynomial is None:
            return sp.sign(switch) if switch.is_Rational else self._known_sign(switch)
        constant, factors = polynomial.factor_list()
        return sp.sign(constant) * sp.Mul(*(self._known_sign(f.as_expr()) for f, power in factors if power % 2))

    def _known_sign(self, switch: sp.Expr) -> sp.Expr:
        for symbol, known in zip(self._signs, self._switches, strict=True):
            if switch in (known, -known):
                return symbol if switch == known else -symbol
        self._signs.append(sp.Dummy(f"sign{len(self._signs)}", real=True))
        self._switches.append(switch)
        return self._signs[-1]


def _is_multiple(expression: sp.Expr, divisor: sp.Expr) -> bool:
    """Whether an expression is proven to be 0 where ``divisor`` is 0, and all in it is finite."""
    if expression == 0 or expression.xreplace({divisor: sp.S.Zero, -divisor: sp.S.Zero}) == 0:
        return True
    if divisor.is_Number or _expanded(expression) > _MOST_TERMS or _expanded(divisor) > _MOST_TERMS:
        return False
    try:
        dividend, divisor = sp.parallel_poly_from_expr([expression, divisor], field=True)[0]
    except (sp.PolynomialError, sp.GeneratorsNeeded):
        return False
    return bool(not divisor.is_zero and dividend.rem(divisor).is_zero)


def _expanded(expression: sp.Expr) -> float:
    """A bound of how many terms an expression has when its sums are multiplied out."""
    if not (expression.is_Add or expression.is_Mul or expression.is_Pow):
        return 1
    if expression.is_Pow:
        base, power = _expanded(expression.base), expression.exp
        return 1 if base == 1 or not (power.is_Integer and power > 0) else base ** min(int(power), 64)
    parts = [_expanded(argument) for argument in expression.args]
    return sum(parts) if expression.is_Add else math.prod(parts)


@lru_cache(maxsize=4)
def pieces_of(problem: SymbolicGradient) -> Pieces | None:
    """Return the pieces of what is written with Abs, Max or Min of parameters; None if nothing is."""
    if not any(entry.has(sp.Abs, sp.Max, sp.Min) for entry in problem.written):
        return None
    found = Pieces(problem)
    return found if found.move else None
