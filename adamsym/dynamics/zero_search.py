"""Zeros of the field by Newton's method from products with vectors, for many parameters too: no certificate."""

from itertools import count

import numpy as np
from numpy.typing import ArrayLike

from adamsym.dynamics.critical_points import critical_point
from adamsym.dynamics.flow import flow
from adamsym.dynamics.newton import Linear, Newton, Spent, System, Work
from adamsym.dynamics.run import check_integers
from adamsym.dynamics.spectrum import ACCURATE, NOTHING, Spectrum, leading_eigenvalues
from adamsym.dynamics.zero_point import ZeroOutcome, ZeroPoint, ZeroStability
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.progress import Progress
from adamsym.field import AdamField
from adamsym.field.linearization import require_products
from adamsym.gradients.source import require_everywhere

TOLERANCE = 1e-10

BUDGET = 20_000
"""Evaluations and products, all together."""

MOST_ERROR = 1e-6
"""A field that is known less well than this has no zero that could be told."""

FLOW_BUDGET, LONGEST = 1000, 7
"""Where Newton's steps fail the flow is followed for so many evaluations at most, and for times 1, 2, 4, ..., 2^LONGEST
for parameters of size 1, which is how far Adam moves in them."""

FLOW_TOLERANCE = 1e-4


@checked_arguments
def find_zero(
    field: AdamField,
    theta0: ArrayLike,
    *,
    tolerance: float = TOLERANCE,
    budget: int = BUDGET,
    eigenvalues: int = 4,
    progress: Progress | None = None,
) -> ZeroPoint:
    """Return the zero of the field that Newton's method reaches from theta0, its stability, and what lies beside it.

    This is numerics, not a certificate: that there is a zero near the point returned, that it is attracting, and that
    the loss has a minimum near it is evidence in floating point. :func:`adamsym.find_zeros` certifies all zeros in a
    box, for a few parameters and losses that are expressions.

    Newton's method with GMRES needs products with Df alone: some hundred for networks with a ridge. Where its line
    search fails a piece of the flow is followed. It may reach any zero, the nearest or not, an attracting one or not:
    start where training has ended, or where :func:`adamsym.flow` has led.

    Parameters
    ----------
    field
        The Adam field; its source needs products or Jacobians (see :meth:`AdamField.linearize`).
    theta0
        The start, shape (d,).
    tolerance
        max |f_i| at a zero, between 1e-14 and 1e-2. Where the field's own error estimate is larger, that is enough.
    budget
        Evaluations of f and of the mean gradient, and products with their derivatives, that may be spent in all; the
        result does not depend on how fast they are.
    eigenvalues
        How many leading eigenvalues of Df are wanted, 1 to 20.
    progress
        Called with what of the budget is spent, and the budget, as it is spent.

    Raises
    ------
    InputError
        If an argument is not as above, or the gradient is not finite at theta0.
    NotApplicable
        If the source has no products, or its gradients are known at one point alone.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> found = find_zero(AdamField(problem, Adam()), [1.0])
    >>> print(found.outcome, round(found.theta[0], 10), found.stability)
    converged 0.9995039667 attracting
    >>> print(found.critical_point)
    <CriticalPoint: floating point: 0.000496 from a minimum of the loss (leading order: 0.0005)>
    """
    require_everywhere(field.problem, "find_zero")
    start = require_products(field.problem, theta0)
    check_integers("find_zero", {"budget": (budget, 3), "eigenvalues": (eigenvalues, 1)})
    if not 1e-14 <= tolerance <= 1e-2 or eigenvalues > 20:
        raise InputError("find_zero: allowed are a tolerance from 1e-14 to 1e-2 and up to 20 eigenvalues")
    return _found(field, start, tolerance, Work(budget, progress=progress), eigenvalues)


def _found(field: AdamField, start: FloatArray, tolerance: float, work: Work, count: int) -> ZeroPoint:
    newton = Newton(_field_system(field), start, tolerance, MOST_ERROR, work)
    outcome, reason = _searched(field, newton, work)
    spectrum, critical, change = NOTHING, None, np.inf
    why = "no zero was reached, beside which a critical point could lie"
    if outcome == "converged":
        spectrum = leading_eigenvalues(newton.linear.product, len(start), min(count, len(start)), work)
        change = newton.change_near()
        critical, why = critical_point(field, newton.theta, start, work)
    return ZeroPoint(
        outcome,
        newton.theta,
        float(np.abs(newton.linear.value).max()),
        float(newton.linear.error.max()),
        reason,
        _stability(spectrum, field.tolerance, change),
        spectrum.eigenvalues,
        spectrum.residuals,
        critical,
        why,
        work.spent,
        tuple(field.problem.names),
    )


def _field_system(field: AdamField) -> System:
    def linearize(theta: FloatArray) -> Linear:
        found = field.linearize(theta)
        return Linear(found.value, found.error, found.jvp)

    return System(lambda theta: field.evaluate(theta).value, linearize)


def _searched(field: AdamField, newton: Newton, work: Work) -> tuple[ZeroOutcome, str]:
    """Newton's method, and pieces of the flow where its steps fail: the outcome, and why it is no better."""
    try:
        for piece in count():
            if newton.run():
                if (far := newton.distance_if_far(newton.last_step())) is not None:
                    return "stalled", f"|f| is small, but Newton's step to a zero is {far:.2g} long: there may be none"
                return "converged", _how_well(newton)
            time = 2.0 ** min(piece, LONGEST) * max(1.0, float(np.abs(newton.theta).max()))
            if (reason := _along_the_flow(field, newton, time, work)) is not None:
                return "stalled", reason
    except InputError as error:
        return "stalled", f"Newton's method cannot go on: {error}"
    except Spent:
        pass
    return "out of budget", f"the budget of {work.budget} evaluations and products is spent"


def _how_well(newton: Newton) -> str:
    """Why the search ended though |f| is larger than was asked for; nothing if it is not."""
    if np.abs(newton.linear.value).max() <= newton.enough:
        return ""
    if newton.is_at_rounding:
        return "Newton's step from there is lost in the rounding of theta"
    return "|f| is within the field's own error estimate"


def _along_the_flow(field: AdamField, newton: Newton, time: float, work: Work) -> str | None:
    """Follow the flow from where Newton's method is; return the reason why there is no going on, or None."""
    work.spend(FLOW_BUDGET)
    try:
        found = flow(field, newton.theta, [0.0, time], tolerance=FLOW_TOLERANCE, budget=FLOW_BUDGET)
        end = found.at(min(float(found.reached), time))
        if found.outcome == "kink":
            newton.stop_at(end)
            return "a kink of the loss lies there, on which the flow rests: f jumps, and is not 0 beside it"
        if found.outcome == "stopped":
            return f"the flow cannot be followed on: {'; '.join(found.notes[0])}"
        newton.move(end)
    except InputError as error:
        return f"the flow cannot be followed on: {error}"
    return None


def _stability(spectrum: Spectrum, tolerance: float, change: float) -> ZeroStability:
    """The sign of the largest real part, where it is larger than its residual and the doubt about Df at the zero."""
    if not spectrum.is_complete or not len(spectrum.eigenvalues):
        return "not decided"
    real = spectrum.eigenvalues.real
    doubt = spectrum.residuals + change + 10 * max(tolerance, ACCURATE) * spectrum.size
    if (real + doubt < 0).all():
        return "attracting"
    return "not attracting" if (real - doubt > 0).any() else "not decided"
