"""Proven bounds of the fields that a formula gives, over boxes: sums over rows in ball arithmetic."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from fractions import Fraction
from functools import reduce
from typing import Any

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, outward, symmetric
from adamsym.field.ball.enclosure import checked_boxes, field_of, hulls, minibatches, rows_over
from adamsym.field.ball.law import BallLaw
from adamsym.field.long_run import require_formula
from adamsym.gradients import StochasticGradient, SymbolicGradient
from adamsym.gradients.symbolic import require_expressions
from adamsym.methods import Adafactor, Adam, AdamClippedByNorm, AdamClippedByValue, AMSGrad, Method, require_laplace
from adamsym.parallel import map_tasks

Vectors = Sequence[Sequence[flint.arb]]


@checked_arguments
def enclose_long_run_field(
    problem: StochasticGradient, method: Method, box: ArrayLike, executor: Executor | int | None = None
) -> FloatArray:
    """Return proven bounds of :func:`long_run_field` over boxes: (d, 2) or (n, d, 2) in, the same shape out.

    At points they are a few units in the last place apart; over boxes the gradients' balls are put into the formula.
    The method's numbers are the floats that it holds, exactly.

    Raises
    ------
    InputError
        If the shape is wrong, a lower end exceeds its upper end, or there are too many minibatches to list.
    NotApplicable
        If no formula is known for the method, the gradients have no expressions, the data is no list of rows, or these
        are not drawn independently.

    Source: theory, N-Proposition 14.

    Examples
    --------
    >>> from adamsym import Empirical, Problem
    >>> from adamsym.methods import AMSGrad
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> print(enclose_long_run_field(problem, AMSGrad(), [[0.999, 0.999]]) > 0)
    [[ True  True]]
    """
    require_formula(problem, method)
    source = require_expressions(problem, "an enclosure")
    boxes = checked_boxes(source, box)
    each = boxes.reshape(-1, source.dimension, 2)
    return np.array(list(map_tasks(_bounds, each, shared=(source, method), executor=executor))).reshape(boxes.shape)


def _bounds(of: tuple[SymbolicGradient, Method], box: FloatArray) -> list[tuple[float, float]]:
    problem, method = of
    with ball_arithmetic():
        rows, _ = rows_over(problem, hulls(box), slopes=False)
        batches = minibatches(problem)
        atoms = [
            [sum((ball(share) * rows[row][i] for row, share in shares), flint.arb(0)) for i in range(problem.dimension)]
            for shares, chance in batches
            if chance > 0
        ]
        chances = [chance for _, chance in batches if chance > 0]
        return [outward(value) for value in _FORMULAS[type(method)](method, atoms, chances)]


def _mean(atoms: Vectors, chances: Sequence[flint.arb]) -> list[flint.arb]:
    return [sum((p * g for p, g in zip(chances, column, strict=True)), flint.arb(0)) for column in _columns(atoms)]


def _columns(atoms: Vectors) -> list[tuple[flint.arb, ...]]:
    return list(zip(*atoms, strict=True))


Ends = tuple[flint.arb, flint.arb]
"""The least and the largest value of what is never negative: a ball around both may reach below 0."""


def _ends(value: flint.arb) -> Ends:
    return value.abs_lower(), value.abs_upper()


def _root_of_squares(values: Sequence[flint.arb], shares: Sequence[flint.arb], eps: flint.arb) -> Ends:
    """The root of a sum of squares with shares, and eps."""

    def at(sizes: Iterable[flint.arb]) -> flint.arb:
        return (sum((p * x**2 for p, x in zip(shares, sizes, strict=True)), flint.arb(0)) + eps).sqrt()

    return at(g.abs_lower() for g in values), at(g.abs_upper() for g in values)


def _over(value: flint.arb, divisor: Ends) -> flint.arb:
    """The quotient, monotone in the divisor."""
    low, high = divisor
    return (value / low).union(value / high)


def _largest(method: AMSGrad, atoms: Vectors, chances: Sequence[flint.arb]) -> list[flint.arb]:
    eps, found = ball(Fraction(method.eps)), []
    for mean, column in zip(_mean(atoms, chances), _columns(atoms), strict=True):
        low, high = (reduce(flint.arb.max, sizes) for sizes in zip(*map(_ends, column), strict=True))
        found.append(-_over(mean, (low + eps, high + eps)).intersection(symmetric(flint.arb(1))))
    return found


def _growing(method: Adafactor, atoms: Vectors, chances: Sequence[flint.arb]) -> list[flint.arb]:
    eps, clip, one = ball(Fraction(method.eps)), ball(Fraction(method.clip)), flint.arb(1)
    roots = [_root_of_squares(column, chances, eps) for column in _columns(atoms)]
    # The mean square of what is clipped is at most that of clip in all entries.
    most = symmetric(clip * flint.arb(len(roots)).sqrt())
    clipped = []
    for atom in atoms:
        update = [_over(g, root) for g, root in zip(atom, roots, strict=True)]
        low, high = _root_of_squares(update, [one / len(update)] * len(update), flint.arb(0))
        by = one.max(low / clip), one.max(high / clip)
        clipped.append([_over(u, by).intersection(most) for u in update])
    return [-mean for mean in _mean(clipped, chances)]


def _by_value(method: AdamClippedByValue, atoms: Vectors, chances: Sequence[flint.arb]) -> list[flint.arb]:
    clip = ball(Fraction(method.clip))
    return _of_adam(method, [[g.min(clip).max(-clip) for g in atom] for atom in atoms], chances)


def _by_norm(method: AdamClippedByNorm, atoms: Vectors, chances: Sequence[flint.arb]) -> list[flint.arb]:
    clip = ball(Fraction(method.clip))
    clipped = []
    for atom in atoms:
        low, high = _root_of_squares(atom, [flint.arb(1)] * len(atom), flint.arb(0))
        by = low.max(clip) / clip, high.max(clip) / clip
        clipped.append([_over(g, by).intersection(symmetric(clip)) for g in atom])
    return _of_adam(method, clipped, chances)


def _of_adam(
    method: AdamClippedByValue | AdamClippedByNorm, atoms: Vectors, chances: Sequence[flint.arb]
) -> list[flint.arb]:
    """Adam's field for the law of each coordinate of the clipped gradient."""
    adam = Adam(Fraction(method.beta1), Fraction(method.beta2), Fraction(method.eps))
    form = require_laplace(adam, "an enclosure")
    return field_of([BallLaw(column, chances) for column in _columns(atoms)], form).value


_FORMULAS: dict[type[Method], Callable[[Any, Vectors, Sequence[flint.arb]], list[flint.arb]]] = {
    AMSGrad: _largest,
    Adafactor: _growing,
    AdamClippedByValue: _by_value,
    AdamClippedByNorm: _by_norm,
}
