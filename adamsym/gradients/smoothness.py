"""Where a loss is not differentiable."""

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
