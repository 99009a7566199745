"""Gradients of losses in Max, Min and Abs: the gradient at a switch if both sides agree there, and over boxes."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import flint
import numpy as np
import sympy as sp

from adamsym.expressions.compilation import FloatArray, compile_ball, compile_float, compile_mpmath
from adamsym.expressions.errors import InputError
from adamsym.expressions.pickling import WithoutCached
from adamsym.expressions.pieces import Pick, derivatives, pieces_of
from adamsym.gradients.jumps import Crossing

MOST_TIES = 8
"""Switches at once at one point and row whose pieces are compared: all 2^8 of them."""

AGREEMENT = 1e-12
"""Share of the largest one-sided gradient by which others may differ by rounding."""

_MOST_UNDECIDED = 6
"""Switches in a box of which each side is enclosed by itself; more are enclosed together, which is wider."""


class Piecewise(WithoutCached):
    """The gradient and Hessian of a loss by its smooth pieces; arguments are the parameters, then the columns."""

    def __init__(self, loss: sp.Expr, parameters: Sequence[sp.Symbol], columns: Sequence[sp.Symbol]) -> None:
        found = pieces_of(loss)
        self._sides, self._switches = found.sides, found.switches
        self._parameters, self._symbols = tuple(parameters), (*parameters, *columns)
        moving: set[sp.Symbol] = set(parameters)
        for side, switch in zip(found.sides, found.switches, strict=True):
            if switch.free_symbols & moving:
                moving.add(side)
        self._moving = [k for k, side in enumerate(found.sides) if side in moving]
        self._loss = found.expression

    @property
    def switches(self) -> bool:
        """Whether a Max, Min or Abs may switch as the parameters move."""
        return bool(self._moving)

    @cached_property
    def _gradient(self) -> list[sp.Expr]:
        return [derivatives([self._loss], parameter)[0] for parameter in self._parameters]

    @cached_property
    def _crossings(self) -> dict[int, Crossing]:
        return {k: Crossing(self._gradient, k, self._sides, self._switches) for k in self._moving}

    def is_continuous(self, signs: Sequence[int]) -> bool:
        """Return whether the gradient is proven to be continuous where the switches have these signs, 0 for both."""
        return all(crossing.is_continuous(signs) for k, crossing in self._crossings.items() if signs[k] == 0)

    @cached_property
    def written_switches(self) -> list[sp.Expr]:
        """The switches without ``Pick``: by the signs of those before them."""
        written: dict[sp.Symbol, sp.Expr] = {}

        def choice(side: sp.Expr, first: sp.Expr, second: sp.Expr) -> sp.Expr:
            return (first + second) / 2 + side * (first - second) / 2

        found = []
        for side, switch in zip(self._sides, self._switches, strict=True):
            found.append(switch.replace(Pick, choice).xreplace(written))
            written[side] = sp.sign(found[-1])
        return found

    @cached_property
    def _hessian(self) -> list[sp.Expr]:
        d = len(self._parameters)
        return [derivatives([self._gradient[i]], self._parameters[j])[0] for i in range(d) for j in range(i, d)]

    # --- float64 -----------------------------------------------------------------------------------------------

    @cached_property
    def _float_switches(self) -> list[Callable[..., FloatArray]]:
        return [compile_float((*self._symbols, *self._sides[:k]), [switch]) for k, switch in enumerate(self._switches)]

    @cached_property
    def _float_gradient(self) -> Callable[..., FloatArray]:
        return compile_float((*self._symbols, *self._sides), self._gradient)

    @cached_property
    def _float_hessian(self) -> Callable[..., FloatArray]:
        return compile_float((*self._symbols, *self._sides), self._hessian)

    @cached_property
    def _float_slopes(self) -> Callable[..., FloatArray]:
        slopes = [derivatives([switch], p)[0] for switch in self._switches for p in self._parameters]
        return compile_float((*self._symbols, *self._sides), slopes)

    def _decided(self, arguments: Sequence[FloatArray]) -> tuple[list[FloatArray], list[FloatArray]]:
        """The sides, and where a switch is exactly 0: there the side is 1."""
        sides: list[FloatArray] = []
        ties = []
        for switch in self._float_switches:
            value = switch(*arguments, *sides)[..., 0]
            ties.append(value == 0)
            sides.append(np.where(value == 0, 1.0, np.sign(value)))
        return sides, ties

    def gradients(self, arguments: Sequence[FloatArray]) -> tuple[FloatArray, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return the gradients, shape (..., rows, d), and where the one-sided ones differ, shape (..., rows)."""
        sides, ties = self._decided(arguments)
        found = self._float_gradient(*arguments, *sides)
        shape = found.shape[:-1]
        broken = np.zeros(shape, dtype=bool)
        tied = np.zeros((*shape, len(self._moving)), dtype=bool)
        for n, k in enumerate(self._moving):
            tied[..., n] = ties[k]
        somewhere = np.asarray(tied.any(axis=-1))
        patterns, which = np.unique(tied[somewhere], axis=0, return_inverse=True)
        for number, pattern in enumerate(patterns):
            where = somewhere.copy()
            where[somewhere] = which.ravel() == number
            active = [k for k, is_tied in zip(self._moving, pattern, strict=True) if is_tied]
            given = [np.broadcast_to(a, shape)[where] for a in arguments]
            fixed = [np.broadcast_to(side, shape)[where] for side in sides]
            found[where], broken[where] = self._at_ties(given, fixed, active)
        return found, broken

    def _at_ties(
        self, arguments: list[FloatArray], sides: list[FloatArray], active: list[int]
    ) -> tuple[FloatArray, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Gradients (n, d) where the switches ``active`` are 0, and whether the pieces that meet there differ."""
        count = len(arguments[0])
        if len(active) > MOST_TIES:
            return np.zeros((count, len(self._parameters))), np.ones(count, dtype=bool)
        patterns = list(itertools.product((1.0, -1.0), repeat=len(active)))
        chosen = [self._with(sides, active, pattern) for pattern in patterns]
        pieces = np.stack([self._float_gradient(*arguments, *one) for one in chosen])
        gradients, broken = pieces[0].copy(), ~_agree(pieces)
        for n in np.flatnonzero(broken) if len(active) > 1 else ():
            normals = [self._normals([a[n] for a in arguments], [s[n] for s in one], active) for one in chosen]
            met = [k for k, pattern in enumerate(patterns) if _borders(np.array(pattern), normals[k])]
            if met and _agree(pieces[met][:, n : n + 1])[0]:
                gradients[n], broken[n] = pieces[met[0], n], False
        return gradients, broken

    @staticmethod
    def _with(sides: list[FloatArray], active: list[int], pattern: tuple[float, ...]) -> list[FloatArray]:
        result = list(sides)
        for k, side in zip(active, pattern, strict=True):
            result[k] = np.full_like(sides[k], side)
        return result

    def _normals(self, arguments: list[Any], sides: list[Any], active: list[int]) -> FloatArray:
        slopes = self._float_slopes(*arguments, *sides).reshape(len(self._switches), len(self._parameters))
        return slopes[active]

    def hessians(self, arguments: Sequence[FloatArray]) -> FloatArray:
        """Return the upper triangles of the Hessians, (..., rows, d(d+1)/2); at a switch those of one side."""
        return self._float_hessian(*arguments, *self._decided(arguments)[0])

    # --- balls and mpmath --------------------------------------------------------------------------------------

    @cached_property
    def _ball_switches(self) -> list[Callable[..., list[flint.arb]]]:
        return [compile_ball((*self._symbols, *self._sides[:k]), [switch]) for k, switch in enumerate(self._switches)]

    @cached_property
    def _ball_gradient(self) -> Callable[..., list[flint.arb]]:
        return compile_ball((*self._symbols, *self._sides), self._gradient)

    @cached_property
    def _ball_hessian(self) -> Callable[..., list[flint.arb]]:
        return compile_ball((*self._symbols, *self._sides), self._hessian)

    def gradient_ball(self, arguments: Sequence[flint.arb]) -> list[flint.arb]:
        """Return balls that hold the gradient at every point of the balls; at switches all one-sided gradients."""
        return self._hull(self._ball_gradient, arguments)

    def hessian_ball(self, arguments: Sequence[flint.arb]) -> list[flint.arb]:
        """Return balls that hold the Hessian's upper triangle, at switches of both sides."""
        return self._hull(self._ball_hessian, arguments)

    def may_jump(self, arguments: Sequence[flint.arb]) -> bool:
        """Whether the gradient is not proven to be continuous over the balls."""
        signs, sides = list[int](), list[flint.arb]()
        for switch in self._ball_switches:
            value = switch(*arguments, *sides)[0]
            signs.append(1 if value > 0 else -1 if value < 0 else 0)
            sides.append(flint.arb(signs[-1]) if signs[-1] else flint.arb(0, 1))
        return not self.is_continuous(signs)

    def _hull(self, compiled: Callable[..., list[flint.arb]], arguments: Sequence[flint.arb]) -> list[flint.arb]:
        found: list[flint.arb] | None = None
        for sides in self._patterns(arguments, [], _MOST_UNDECIDED):
            values = compiled(*arguments, *sides)
            found = values if found is None else [a.union(b) for a, b in zip(found, values, strict=True)]
        assert found is not None
        return found

    def _patterns(self, arguments: Sequence[flint.arb], sides: list[flint.arb], left: int) -> Iterator[list[flint.arb]]:
        """All sides that may occur together in the box; beyond ``left`` undecided switches one ball for both sides."""
        if len(sides) == len(self._switches):
            yield sides
            return
        value = self._ball_switches[len(sides)](*arguments, *sides)[0]
        if value > 0 or value < 0:
            yield from self._patterns(arguments, [*sides, flint.arb(1 if value > 0 else -1)], left)
        elif left:
            for side in (1, -1):
                yield from self._patterns(arguments, [*sides, flint.arb(side)], left - 1)
        else:
            yield from self._patterns(arguments, [*sides, flint.arb(0, 1)], 0)

    @cached_property
    def _mpmath_functions(self) -> tuple[list[Callable[..., list[Any]]], Callable[..., list[Any]]]:
        switches = [
            compile_mpmath((*self._symbols, *self._sides[:k]), [switch]) for k, switch in enumerate(self._switches)
        ]
        return switches, compile_mpmath((*self._symbols, *self._sides), self._gradient)

    def gradient_mpmath(self, arguments: Sequence[Any]) -> list[Any]:
        """Return the gradient at mpmath numbers; at a switch that of one side."""
        switches, gradient = self._mpmath_functions
        sides: list[int] = []
        try:
            for switch in switches:
                sides.append(1 if switch(*arguments, *sides)[0] >= 0 else -1)
            return gradient(*arguments, *sides)
        except (ArithmeticError, ValueError):
            raise InputError(
                "problem.loss: the gradient is not finite at a data row and the given parameters"
            ) from None

    # --- compiled lanes ----------------------------------------------------------------------------------------

    def lane_gradient(self) -> list[sp.Expr]:
        """Return the gradient with its sides as functions of their switches; nan where its pieces differ."""
        from adamsym.expressions.simd import SideOf, UnlessKink

        def known(fixed: dict[sp.Symbol, sp.Expr]) -> dict[sp.Symbol, sp.Expr]:
            mapping: dict[sp.Symbol, sp.Expr] = {}
            for side, switch in zip(self._sides, self._switches, strict=True):
                mapping[side] = fixed.get(side, SideOf(switch.xreplace(mapping)))
            return mapping

        usual = known({})
        first, *others = [entry.xreplace(usual) for entry in self._gradient]
        for k in self._moving:
            above, below = (
                [entry.xreplace(known({self._sides[k]: sp.Integer(side)})) for entry in self._gradient]
                for side in (1, -1)
            )
            jump = sp.Add(*((a - b) ** 2 for a, b in zip(above, below, strict=True)))
            size = sp.Add(*(a**2 + b**2 for a, b in zip(above, below, strict=True)))
            rounding = sp.Float(AGREEMENT**2) * size
            first = UnlessKink(first, self._switches[k].xreplace(usual), jump - rounding)
        return [first, *others]


def _agree(pieces: FloatArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether gradients (patterns, n, d) are finite and the same but for rounding, shape (n,)."""
    with np.errstate(invalid="ignore"):
        spread, size = np.ptp(pieces, axis=0).max(axis=-1), np.abs(pieces).max(axis=(0, -1))
    return np.asarray(np.isfinite(pieces).all(axis=(0, -1)) & (spread <= AGREEMENT * size))


def _borders(pattern: FloatArray, normals: FloatArray) -> bool:
    """Whether the piece on the sides ``pattern`` of planes with these normals comes up to the point where they meet."""
    signed = pattern[:, None] * normals
    signed = signed[np.abs(signed).max(axis=1) > 0]
    if not np.isfinite(signed).all():
        return True
    signed = signed / np.abs(signed).max(axis=1, initial=1e-300, keepdims=True)
    # Slow to import, and hardly ever needed.
    import scipy.optimize

    found = scipy.optimize.linprog(
        np.zeros(normals.shape[1]), A_ub=-signed, b_ub=-np.ones(len(signed)), bounds=[(-1e9, 1e9)] * normals.shape[1]
    )
    return bool(found.status != 2)
