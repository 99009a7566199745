"""The slope of f over an interval from its values at Chebyshev's nodes, in intervals (theory N-Lemma 6).

With atoms g + z u, |z u| <= 3/8 |g|, F is analytic in |z| < R and at most K there, so that F' is at most K/(R - S) in
|z| <= S. An ellipse with foci -r and r and half-axes of sum rho r, S = r (rho + 1/rho)/2, lies in there. F' is then
sum a_k T_k(z/r) on [-r, r], |a_k| <= 2 K/(R - S) rho^-k. At the n zeros of T_n every T_k is 0, or up to its sign one
of T_0, ..., T_(n-1): the polynomial with the same values differs from F' by at most 2 sum |a_k|, k >= n.
"""

from collections.abc import Sequence
from functools import lru_cache

from adamsym.certificates.parts import Box
from adamsym.checker.arithmetic import Arithmetic, Interval
from adamsym.checker.bends import bound_in_disc, radius_of_disc
from adamsym.checker.field import field_over
from adamsym.checker.form import Form
from adamsym.checker.law import gradient_laws
from adamsym.expressions.work import spend
from adamsym.gradients import SymbolicGradient

_FEWEST, _MOST = 3, 20
"""Nodes."""

_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Of R, that S may be."""


def slope_between(
    problem: SymbolicGradient, form: Form, box: Box, allowed: Interval, tolerance: float
) -> Interval | None:
    """Return an interval around f' over an interval of the one parameter in which f is known to be smooth.

    None where the gradients are not affine or not listed, where one vanishes nearby, and where it takes too many nodes
    to know F' up to ``allowed`` between them.
    """
    if problem.dimension != 1 or problem.epoch is not None or not _is_affine(problem):
        return None
    using, ((low, high),) = form.using, box
    center = using.number(low + (high - low) / 2)
    (law,) = gradient_laws(using, problem, [center], slopes=True)
    if not law.is_listed:
        return None
    reach = using.largest([using.number(high) - center, center - using.number(low)])
    radius = radius_of_disc(law)
    if radius is None or not reach > 0 or not radius > reach:
        return None
    chosen = _nodes(form, reach, radius, bound_in_disc(law, form), allowed)
    if chosen is None:
        return None
    number, rest = chosen
    rows = _cosines(using, number)
    slopes = [
        field_over(problem, form, [center + reach * row[1]], slopes=True, tolerance=tolerance).jacobian[0][0]
        for row in rows
    ]
    return _hull(using, rows, slopes, rest)


@lru_cache(maxsize=8)
def _is_affine(problem: SymbolicGradient) -> bool:
    """Whether every row's gradient is affine in the parameters: its derivatives are without them."""
    symbols = set(problem.parameters)
    return problem.is_smooth and not any(entry.free_symbols & symbols for entry in problem.jacobian_expressions)


def _nodes(
    form: Form, reach: Interval, radius: Interval, bound: Interval, allowed: Interval
) -> tuple[int, Interval] | None:
    """The fewest nodes that leave at most ``allowed``, and what they leave; None if they are too many."""
    using, best = form.using, None
    for share in _SHARES:
        ratio = share * radius / reach
        if not using.lower(ratio) > 1:
            continue
        rho = using.lower(ratio) + using.root(using.square(using.lower(ratio)) - 1)
        scale = 4 * bound / ((1 - using.number(share)) * radius * (1 - 1 / rho))
        for number in range(_FEWEST, _MOST + 1 if best is None else best[0]):
            rest = using.upper(scale / using.power(rho, number))
            if rest <= allowed:
                best = number, rest
                break
    return best


def _hull(
    using: Arithmetic, rows: Sequence[Sequence[Interval]], slopes: Sequence[Interval], rest: Interval
) -> Interval:
    """What sum a_k T_k may be for values in some intervals at the nodes: with their middles, and up to the rest.

    A change of the values by at most e_i changes it by at most (2 sum e_i^2)^(1/2), as sum l_i^2 <= 2.
    """
    n, middles = len(slopes), [using.middle(slope) for slope in slopes]
    spend(2 * n * n)
    errors = using.total(using.square(using.magnitude(x - c)) for x, c in zip(slopes, middles, strict=True))
    tops = [abs(using.dot(middles, [row[k] for row in rows])) for k in range(1, n)]
    spread = 2 * using.total(tops) / n + using.root(2 * errors) + rest
    return using.total(middles) / n + using.around_zero(spread)


@lru_cache(maxsize=64)
def _cosines(using: Arithmetic, number: int) -> tuple[tuple[Interval, ...], ...]:
    """T_k at each of the nodes, k = 0, 1, ...; the node over r is T_1."""
    return tuple(
        tuple(using.cosine(using.pi * (k * (2 * i + 1)) / (2 * number)) for k in range(number)) for i in range(number)
    )
