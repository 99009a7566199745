"""The functions that an expression may use: one table for the parser and for all three arithmetics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal

import mpmath
import numpy as np
import sympy as sp

from adamsym.expressions.ball_functions import BALLS


class sigmoid(sp.Function):
    """The logistic function 1/(1 + exp(-z)), kept whole so that no arithmetic overflows or cancels."""

    nargs = 1
    is_real = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the derivative sigmoid(z) sigmoid(-z)."""
        return sigmoid(self.args[0]) * sigmoid(-self.args[0])

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        return 1 / (1 + sp.exp(-self.args[0]))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self._eval_rewrite(sp.exp, self.args)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\operatorname{{sigmoid}}\left({printer._print(self.args[0])}\right)"
        return text if exp is None else rf"{{{text}}}^{{{exp}}}"


class softplus(sp.Function):
    """The function log(1 + exp(z)), kept whole so that no arithmetic overflows."""

    nargs = 1
    is_real = True

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the derivative sigmoid(z)."""
        return sigmoid(self.args[0])

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        return sp.log(1 + sp.exp(self.args[0]))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self._eval_rewrite(sp.exp, self.args)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\operatorname{{softplus}}\left({printer._print(self.args[0])}\right)"
        return text if exp is None else rf"{{{text}}}^{{{exp}}}"


_MOST_EXPONENTIALS = 20
_MOST_SIGMOIDS = 4


class logsumexp(sp.Function):
    """The function log(exp(z_1) + ... + exp(z_n)), kept whole so that no arithmetic overflows."""

    is_real = True

    @classmethod
    def eval(cls, *arguments: sp.Expr) -> sp.Expr | None:
        """Return the argument if there is one, softplus for two of which one is 0, else one order for all."""
        ordered = tuple(sorted(arguments, key=sp.default_sort_key))
        if len(ordered) == 1:
            return ordered[0]
        if len(ordered) == 2 and 0 in ordered:
            return softplus(ordered[1] if ordered[0] == 0 else ordered[0])
        return None if ordered == arguments else cls(*ordered)

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return exp(z_i)/(exp(z_1) + ... + exp(z_n)), for few z as sigmoid(z_i - logsumexp(the others))."""
        if len(self.args) > _MOST_SIGMOIDS:
            # Sigmoids would be as exact, but derivatives of theirs long.
            return sp.exp(self.args[argindex - 1] - self)
        others = (*self.args[: argindex - 1], *self.args[argindex:])
        return sigmoid(self.args[argindex - 1] - logsumexp(*others))

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        return sp.log(sp.Add(*(sp.exp(z) for z in self.args)))

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self._eval_rewrite(sp.exp, self.args)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\operatorname{{logsumexp}}\left({', '.join(printer._print(z) for z in self.args)}\right)"
        return text if exp is None else rf"{{{text}}}^{{{exp}}}"


class log1p(sp.Function):
    """The function log(1 + z), accurate for small z."""

    nargs = 1

    def fdiff(self, argindex: int = 1) -> sp.Expr:
        """Return the derivative 1/(1 + z)."""
        return 1 / (1 + self.args[0])

    def _eval_is_extended_real(self) -> bool | None:
        return (1 + self.args[0]).is_positive or None

    def _eval_rewrite(self, rule: Any, args: Any, **hints: Any) -> sp.Expr:
        return sp.log(1 + self.args[0])

    def _eval_evalf(self, prec: int) -> sp.Expr:
        return self._eval_rewrite(sp.log, self.args)._eval_evalf(prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        text = rf"\log\left(1 + {printer._print(self.args[0])}\right)"
        return text if exp is None else rf"{{{text}}}^{{{exp}}}"


def read_log(z: sp.Expr) -> sp.Expr:
    """Return log(z); where z is made of exponentials by sums, products and powers, as what does not overflow.

    log(1 + exp(u)) is softplus(u), log(exp(u) + exp(v)) is logsumexp(u, v), log(sigmoid(u)) is -softplus(-u), and so
    on: identities for all real u and v.
    """
    found = _log_of_exponentials(z) if z.has(sp.exp, sigmoid) else None
    return sp.log(z) if found is None else found


def read_log1p(z: sp.Expr) -> sp.Expr:
    """Return log(1 + z), read as ``read_log`` does."""
    if z.is_Rational:
        return sp.log(1 + z)
    found = _log_of_exponentials(1 + z) if z.has(sp.exp, sigmoid) else None
    return log1p(z) if found is None else found


def _log_of_exponentials(z: sp.Expr) -> sp.Expr | None:
    """log(z) for z of exponentials and positive numbers; None for others, which may not be positive."""
    if z.is_Rational or z == sp.pi:
        return sp.log(z) if z > 0 else None
    if isinstance(z, sp.exp):
        return z.args[0]
    if isinstance(z, sigmoid):
        return -softplus(-z.args[0])
    if z.is_Pow and z.exp.is_Rational:
        base = _log_of_exponentials(z.base)
        return None if base is None else z.exp * base
    if not (z.is_Add or z.is_Mul):
        return None
    rest = 1 - z
    if isinstance(rest, sigmoid):
        return -softplus(rest.args[0])
    parts = [_log_of_exponentials(part) for part in z.args]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if z.is_Add and len(known) > _MOST_EXPONENTIALS:
        return None
    return logsumexp(*known) if z.is_Add else _sum_of_logs(z.args, known)


def _sum_of_logs(factors: Sequence[sp.Expr], logs: Sequence[sp.Expr]) -> sp.Expr:
    """The sum; a + c logsumexp(u, v) as c logsumexp(u + a/c, v + a/c), so that the two do not cancel."""
    shift = sp.Add(*(log for factor, log in zip(factors, logs, strict=True) if isinstance(factor, sp.exp)))
    others = [log for factor, log in zip(factors, logs, strict=True) if not isinstance(factor, sp.exp)]
    whole = [(k, *log.as_coeff_Mul()) for k, log in enumerate(others) if log.has(logsumexp, softplus)]
    if shift != 0 and len(whole) == 1 and isinstance(whole[0][2], (logsumexp, softplus)):
        k, coefficient, kept = whole[0]
        arguments = kept.args if isinstance(kept, logsumexp) else (sp.S.Zero, *kept.args)
        moved = coefficient * logsumexp(*(z + shift / coefficient for z in arguments))
        return sp.Add(*others[:k], moved, *others[k + 1 :])
    return sp.Add(*logs)


def _float_sigmoid(z: Any) -> Any:
    # SciPy takes longer to import than most losses to evaluate.
    import scipy.special

    return scipy.special.expit(z)


def _float_pick(side: Any, first: Any, second: Any) -> Any:
    return np.where(side > 0, first, np.where(side < 0, second, np.nan))


def _mp_logsumexp(*numbers: Any) -> Any:
    largest = max(range(len(numbers)), key=lambda k: numbers[k])
    rest = [mpmath.exp(z - numbers[largest]) for k, z in enumerate(numbers) if k != largest]
    return numbers[largest] + mpmath.log1p(mpmath.fsum(rest))


def _mp_heaviside(z: Any, _at_zero: object = None) -> Any:
    return (1 + mpmath.sign(z)) / 2


@dataclass(frozen=True)
class Function:
    """One function of the grammar, in every arithmetic: an entry of the table below is all that a new one needs.

    Attributes
    ----------
    symbolic
        A SymPy function of the same name, which knows its derivative.
    ball
        An enclosure, of balls.
    arguments
        The least and the largest number of arguments.
    kink
        Whether it is not smooth.
    domain
        What its argument (for log1p, 1 more) must be for a real value; None if all real numbers are allowed.
    array, scalar
        In float64, of NumPy arrays and of one number, which Numba compiles.
    precise
        Of mpmath's numbers.
    rounded
        With a bound of the rounding, of :class:`adamsym.expressions.running.Running` operands.
    interval
        The checker's own bounds, of mpmath's intervals; without them its certificates cannot be checked.

    Of the last five the functions built in have tables of their own, where SymPy's or NumPy's names do not suffice.
    """

    symbolic: Callable[..., sp.Expr]
    ball: Callable[..., Any]
    arguments: tuple[int, int] = (1, 1)
    kink: bool = False
    domain: Literal["positive", "nonnegative"] | None = None
    array: Callable[..., Any] | None = None
    scalar: Callable[..., float] | None = None
    precise: Callable[..., Any] | None = None
    rounded: Callable[..., Any] | None = None
    interval: Callable[..., Any] | None = None


FUNCTIONS: dict[str, Function] = {
    **{name: Function(getattr(sp, name), BALLS[name]) for name in ("exp", "sin", "cos", "sinh", "cosh", "atan", "erf")},
    "log": Function(read_log, BALLS["log"], domain="positive"),
    "log1p": Function(read_log1p, BALLS["log1p"], domain="positive"),
    "sqrt": Function(sp.sqrt, BALLS["sqrt"], domain="nonnegative"),
    "tanh": Function(sp.tanh, BALLS["tanh"]),
    "sigmoid": Function(sigmoid, BALLS["sigmoid"]),
    "softplus": Function(softplus, BALLS["softplus"]),
    "logsumexp": Function(logsumexp, BALLS["logsumexp"], arguments=(1, _MOST_EXPONENTIALS)),
    "Abs": Function(sp.Abs, BALLS["Abs"], kink=True),
    "Max": Function(sp.Max, BALLS["Max"], arguments=(1, 20), kink=True),
    "Min": Function(sp.Min, BALLS["Min"], arguments=(1, 20), kink=True),
}
"""What the grammar allows, by name. A new function is one entry here."""


def implementations(arithmetic: str, built_in: Mapping[str, Any]) -> dict[str, Any]:
    """Return the functions in one arithmetic by name: those of a table, and those that entries bring themselves."""
    entries = {name: getattr(function, arithmetic) for name, function in FUNCTIONS.items()}
    return {**built_in, **{name: own for name, own in entries.items() if own is not None}}


FLOAT_NAMESPACE: dict[str, Any] = {
    "sigmoid": _float_sigmoid,
    "softplus": lambda z: np.logaddexp(0.0, z),
    "logsumexp": lambda *z: reduce(np.logaddexp, z),
    "log1p": np.log1p,
    "Pick": _float_pick,
    "Heaviside": np.heaviside,
}
MPMATH_NAMESPACE: dict[str, Any] = {
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "softplus": lambda z: mpmath.log1p(mpmath.exp(-abs(z))) + max(z, mpmath.mpf(0)),
    "logsumexp": _mp_logsumexp,
    "Pick": lambda side, first, second: first if side > 0 else second,
    "Heaviside": _mp_heaviside,
}
