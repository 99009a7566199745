"""Where a loss is not differentiable, and whether it is real and finite at the data."""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp


@dataclass(frozen=True)
class Kink:
    """The gradient jumps where ``switch`` is 0, its gradient ``slope`` in the parameters is not, and ``jump`` is not.

    ``slope`` and ``jump`` are sums of squares: of the switch's gradient and of the jump of the loss's gradient.
    """

    switch: sp.Expr
    slope: sp.Expr
    jump: sp.Expr


def kinks(gradient: Sequence[sp.Expr], parameters: Sequence[sp.Symbol]) -> tuple[Kink, ...]:
    """Return the kinks of a loss from the sign and Heaviside functions that its gradient holds."""
    found = []
    atoms = set().union(*(derivative.atoms(sp.sign, sp.Heaviside) for derivative in gradient))
    for atom in sorted(atoms, key=sp.default_sort_key):
        switch = atom.args[0]
        if not switch.free_symbols & set(parameters):
            continue
        low = -1 if isinstance(atom, sp.sign) else 0
        jumps = [
            derivative.xreplace({atom: sp.S.One}) - derivative.xreplace({atom: sp.Integer(low)})
            for derivative in gradient
        ]
        slopes = [sp.diff(switch, parameter) for parameter in parameters]
        found.append(Kink(switch, sp.Add(*(s**2 for s in slopes)), sp.Add(*(j**2 for j in jumps))))
    return tuple(found)


def data_terms(expressions: Sequence[sp.Expr], parameters: Sequence[sp.Symbol]) -> tuple[sp.Expr, ...]:
    """Return the largest subexpressions in the data columns alone: they must be finite at every row."""
    terms: set[sp.Expr] = set()
    seen: set[sp.Expr] = set()
    stack = list(expressions)
    while stack:
        expression = stack.pop()
        if expression in seen:
            continue
        seen.add(expression)
        if not expression.free_symbols or expression.is_Symbol:
            continue
        if expression.free_symbols & set(parameters):
            stack.extend(expression.args)
        else:
            terms.add(expression)
    return tuple(sorted(terms, key=sp.default_sort_key))


def finite_forms(expressions: Sequence[sp.Expr]) -> str:
    """Return how to write what overflows or is 0/0, itself or its gradient, by the functions that it holds."""
    written = sp.Tuple(*expressions)
    if written.has(sp.exp):
        return (
            "write 1/(1 + exp(-z)) as sigmoid(z), log(1 + exp(z)) as softplus(z), log(exp(a) + exp(b)) as "
            "logsumexp(a, b), or take smaller parameters"
        )
    if written.has(sp.cosh, sp.sinh):
        return "write log(cosh(z)) as logsumexp(z, -z) - log(2) and sinh(z)/cosh(z) as tanh(z)"
    if any(power.exp.is_negative or not power.exp.is_Integer for power in written.atoms(sp.Pow)):
        return "a root or quotient is at the edge of its domain: add a positive number, as in sqrt(z**2 + 1e-12)"
    return "take smaller parameters"
