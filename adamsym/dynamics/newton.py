"""Newton's method with Krylov solvers for f(theta) = 0, from products with the derivative alone (Knoll and Keyes 2004).

Each step solves Df s = -f up to a share of |f|: few products far from a zero, quadratic convergence near one. A line
search on |f| and a cap on steps keep it from running away.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse.linalg

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.progress import Progress

DENSE = 32
"""So few parameters get all columns of Df, and a direct solver."""

CUT = 1e-6
"""Singular values that are a smaller share of the largest are left out where the direct solver's step leads nowhere:
next to curves of zeros, where Df is singular up to rounding."""

DENSE_IF_SLOW = 2000
"""Up to here all columns are formed where the Krylov solver does not converge."""

RESTART, CYCLES = 60, 4
"""GMRES keeps so many vectors, and starts again so often."""

LOOSEST, TIGHTEST = 1e-2, 1e-6
"""A linear system is solved to max |f|, within these, of its right-hand side."""

STEEP = 0.1
"""A step by a share s of Newton's must reduce |f| by the share STEEP s (Armijo)."""

LEAST_SHARE = 1 / 16
"""Of Newton's step. Far from its zeros f is almost constant: there |f| may fall for ever along steps that lead away."""

CAP = 0.5
"""The largest step in any parameter, for parameters of size 1: the linearization is trusted no further."""

MOST_STEPS = 50
"""Before the flow is tried."""

FAR, NOT_FAR = 5e-3, 1e-4
"""Where Newton's step is longer than the first for parameters of size 1, and than the second, |f| may be small without
a zero nearby: where f falls like exp(-theta), it is some 1/50 of theta."""

ROUNDING = 4 * 2.0**-52
"""A step this small, for parameters of size 1, is lost in their rounding: no float is nearer to a zero."""


class Spent(Exception):
    """The budget of evaluations and products is spent."""


@dataclass
class Work:
    """What may be spent: each value of f and each product with Df counts one; ``progress`` is told of it."""

    budget: int
    spent: int = 0
    progress: Progress | None = None

    def spend(self, number: int = 1) -> None:
        """Count, before the work is done.

        Raises
        ------
        Spent
            If that is more than is left.
        """
        if self.spent + number > self.budget:
            raise Spent
        self.spent += number
        if self.progress is not None:
            self.progress(self.spent, self.budget)


@dataclass(frozen=True)
class Linear:
    """f at a point, its error estimate, and v -> Df v."""

    value: FloatArray
    error: FloatArray
    product: Callable[[FloatArray], FloatArray]


@dataclass(frozen=True)
class System:
    """A system of equations f(theta) = 0; ``is_symmetric`` says that Df is."""

    value: Callable[[FloatArray], FloatArray]
    linearize: Callable[[FloatArray], Linear]
    is_symmetric: bool = False


class Newton:
    """Newton's method from a point; ``theta`` is where it is, ``linear`` what is known there.

    ``enough`` is max |f| at a solution. Where an error estimate is larger, but at most ``most_error``, |f| within it
    is enough too; and where Newton's step is lost in the rounding of theta.
    """

    def __init__(self, system: System, theta: FloatArray, enough: float, most_error: float, work: Work) -> None:
        self.system, self.enough, self.most_error, self.work = system, enough, most_error, work
        self.is_at_rounding = False
        self.theta: FloatArray
        self.linear: Linear
        self.move(theta)

    def stop_at(self, theta: FloatArray) -> None:
        """Go to a point at which there is no value."""
        nothing = np.full_like(theta, np.nan)
        self.theta, self.linear = theta, Linear(nothing, nothing, self.linear.product)

    def move(self, theta: FloatArray) -> None:
        """Go to a point, and linearize there."""
        self.work.spend(2)
        linear = self.system.linearize(theta)
        self.theta, self.linear = theta, linear

    @property
    def is_solved(self) -> bool:
        """Whether |f| is small enough."""
        allowed = np.maximum(self.enough, np.where(self.linear.error <= self.most_error, self.linear.error, 0.0))
        return bool((np.abs(self.linear.value) <= allowed).all())

    def run(self) -> bool:
        """Take steps until |f| is small enough, or no step reduces it; return which.

        Raises
        ------
        Spent
            If the budget is spent.
        """
        for _ in range(MOST_STEPS):
            if self.is_solved:
                return True
            if not self._goes_on():
                return self.is_at_rounding
        return self.is_solved

    def last_step(self) -> FloatArray:
        """Return the step from a solution to where Newton's method takes the zero to be; 0 if that is rounding.

        Raises
        ------
        Spent
            If the budget is spent.
        """
        value = self.linear.value
        if self.is_at_rounding or not value.any():
            return np.zeros_like(value)
        return solved(self.linear.product, -value, LOOSEST, self.work, self.system.is_symmetric, CUT, cycles=1)

    def distance_if_far(self, step: FloatArray) -> float | None:
        """How long the last step is, if it is too long to say that there is a zero; else None."""
        far = float(np.abs(step).max())
        return far if far > max(NOT_FAR, FAR * float(np.abs(self.theta).max())) else None

    def change_near(self) -> float:
        """|(Df(theta + 3 s) - Df(theta)) s|/|s| for the last step s: so much of Df may be another at the zero.

        At a zero where Df vanishes along s it is |Df s|/|s| at least, up to order 3. Infinite if the budget is spent,
        or f is not defined there.
        """
        try:
            step = self.last_step()
            length = np.linalg.norm(step)
            if length == 0:
                return 0.0
            self.work.spend(4)
            along = step / length
            change = self.system.linearize(self.theta + 3 * step).product(along) - self.linear.product(along)
        except (Spent, InputError):
            return np.inf
        return float(np.linalg.norm(change))

    def _goes_on(self) -> bool:
        """Take a step that reduces |f|; return whether there is one."""
        for cut in (None, CUT) if len(self.theta) <= DENSE else (None,):
            step = self._step(cut)
            if (found := self._reduced(step)) is not None:
                self.move(found)
                return True
            if self._is_lost(step):
                self.is_at_rounding = True
                break
        return False

    def _step(self, cut: float | None) -> FloatArray:
        value = self.linear.value
        share = float(np.clip(np.abs(value).max(), TIGHTEST, LOOSEST))
        return solved(self.linear.product, -value, share, self.work, self.system.is_symmetric, cut)

    def _is_lost(self, step: FloatArray) -> bool:
        """Whether a step that leads to the zero is lost in the rounding of theta."""
        if np.abs(step).max() > ROUNDING * np.abs(self.theta).max():
            return False
        self.work.spend()
        left = np.linalg.norm(self.linear.product(step) + self.linear.value)
        return bool(left <= np.linalg.norm(self.linear.value) / 2)

    def _reduced(self, step: FloatArray) -> FloatArray | None:
        """The first of the points along the step, each half as far as the one before, at which |f| is reduced."""
        longest = np.abs(step).max()
        if not np.isfinite(longest) or longest == 0:
            return None
        before = float(np.linalg.norm(self.linear.value))
        # Not by min(1, allowed / longest), which overflows.
        allowed = CAP * max(1.0, float(np.abs(self.theta).max()))
        share = 1.0 if longest <= allowed else allowed / longest
        while share >= LEAST_SHARE:
            trial = self.theta + share * step
            self.work.spend()
            try:
                after = float(np.linalg.norm(self.system.value(trial)))
            except InputError:
                after = np.inf
            if after <= (1 - STEEP * share) * before:
                return np.asarray(trial)
            share /= 2
        return None


def solved(
    product: Callable[[FloatArray], FloatArray],
    right: FloatArray,
    share: float,
    work: Work,
    is_symmetric: bool,
    cut: float | None = None,
    cycles: int = CYCLES,
) -> FloatArray:
    """Return s with |A s - right| <= ``share`` |right|, or as near as it comes, A given by its products.

    For more than a few parameters by GMRES, or MINRES for a symmetric A, without a preconditioner: where the loss is
    not too ill-conditioned some 20 to 60 products are enough, and to form one costs d of them; the exact diagonal of A
    saved none for a network of 997 parameters. Else directly; singular values below the share ``cut`` of the largest
    are left out. Fewer ``cycles`` give what they come to.
    """
    d = len(right)

    def counted(vector: FloatArray) -> FloatArray:
        work.spend()
        return product(vector.ravel())

    if d > DENSE:
        operator = scipy.sparse.linalg.LinearOperator((d, d), matvec=counted, dtype=np.float64)
        if is_symmetric:
            found, slow = scipy.sparse.linalg.minres(operator, right, rtol=share, maxiter=RESTART * cycles)
        else:
            found, slow = scipy.sparse.linalg.gmres(operator, right, rtol=share, restart=RESTART, maxiter=cycles)
        if slow == 0 or d > DENSE_IF_SLOW or cycles < CYCLES:
            return np.asarray(found)
    columns = np.column_stack([counted(unit) for unit in np.eye(d)])
    # Least squares, for a matrix that may be singular.
    return np.asarray(np.linalg.lstsq(columns, right, rcond=cut)[0])
