"""Where the loss is proven to be a strict Lyapunov function of theta' = f(theta): <grad L, f> < 0 off the minima."""

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import flint
import numpy as np
from numpy.typing import ArrayLike

from adamsym.certify.exact_points import Point, loss_is_at_most_zero, vanishes
from adamsym.certify.krawczyk import middle
from adamsym.certify.lyapunov_decrease import Descent, below, by_enclosure, by_signs, by_spread, spread_of_matrices
from adamsym.certify.minima import CommonFactor, common_factor, common_minima
from adamsym.certify.search import NOT_REAL, Box, Outcome, Search, Task, search, shares_of, starting_box
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball, ball_arithmetic, norm_bound, outward
from adamsym.field.ball.enclosure import field_of, gradient_laws, hulls, laws_of_rows
from adamsym.field.ball.law import BallLaw
from adamsym.gradients import Problem
from adamsym.gradients.problem import require_loss
from adamsym.gradients.record import problem_from_record, problem_record
from adamsym.methods import Adam, LaplaceForm, require_adam, require_laplace

TOLERANCE = 1e-13
SMALLEST_SHARE = 2.0**-30
"""Boxes narrower than this share of the region are split no further."""

_SHARE_OF_WITNESS = 1e-3
"""Share of its value that the uncertainty of <grad L, f> at a witness may have."""

PROOFS = ("sign", "factor", "minimum", "enclosure")
"""How a box is certified: N-Lemma 1; next to minima, by a common factor or a common minimum; an enclosure."""

Verdict = Literal["certified", "refuted", "undecided"]


@dataclass(frozen=True)
class LyapunovRegion:
    """What is certified about <grad L, f> in ``region``.

    ``certified``: it is negative in all of the region but where every row's gradient vanishes. ``refuted``: it is
    positive at ``witness``, proven by ``witness_bounds``. ``undecided``: some boxes are left. ``rate`` is a proven c
    with -<grad L, f> >= c L on the certified boxes, so that L decays at least like exp(-c t) while the flow stays
    there; None if L is not proven to be bounded by what decreases, as next to a minimum where L is not proven to be 0.
    At each of ``minima`` the gradients of all rows are exactly 0. ``leaves`` lists all boxes with what is proven of
    each. ``stopped``: the search was told to stop.
    """

    problem: Problem
    adam: Adam
    region: FloatArray
    minima: tuple[Point, ...]
    witness: FloatArray | None
    witness_bounds: tuple[float, float] | None
    leaves: tuple[tuple[Box, Outcome], ...]
    undecided: tuple[Box, ...]
    examined: int
    stopped: bool = False

    @property
    def verdict(self) -> Verdict:
        """Whether the region is certified, refuted or undecided."""
        if self.witness is not None:
            return "refuted"
        return "undecided" if self.undecided else "certified"

    @property
    def certified(self) -> tuple[tuple[Box, Outcome], ...]:
        """The certified boxes with their proofs."""
        return tuple(leaf for leaf in self.leaves if leaf[1]["by"] in PROOFS)

    @property
    def share(self) -> float:
        """The certified boxes' share of the region's volume."""
        # Halved first, and side by side: no volume is out of range.
        halved = [np.ptp(np.array(box) / 2, axis=1) / np.ptp(self.region / 2, axis=1) for box, _ in self.certified]
        return float(sum(np.prod(shares) for shares in halved))

    @property
    def rate(self) -> float | None:
        """The decay rate proven on the certified boxes."""
        return _least(outcome["rate"] for _, outcome in self.certified)


def _least(values: Iterable[float | None]) -> float | None:
    listed = list(values)
    known = [value for value in listed if value is not None]
    return min(known) if known and len(known) == len(listed) else None


@checked_arguments
def certify_lyapunov(
    field: AdamField,
    region: ArrayLike,
    *,
    minima: Sequence[Sequence[Number]] | None = None,
    budget: int = 20_000,
    executor: Executor | None = None,
    journal: Path | None = None,
    progress: Callable[[int, int], None] = lambda examined, pending: None,
    stop: Callable[[], bool] = lambda: False,
) -> LyapunovRegion:
    """Prove that <grad L, f> < 0 in a region but at the minima, or give a point where it is positive.

    Whole boxes are settled by the sign lemma (N-Lemma 1); next to minima of all rows at once by the same lemma or
    N-Theorem 1 for the gradients divided by what vanishes; others by enclosures of <grad L, f>.

    Parameters
    ----------
    field
        The field, of a loss without kinks and an empirical law.
    region
        Lower and upper end of each parameter, shape (d, 2).
    minima
        Points where every row's gradient vanishes exactly, if they are single; looked for if omitted. Curves of minima
        are seen where all rows' gradients share a polynomial factor.
    budget
        Most boxes to examine; those beyond are undecided.
    executor, journal, progress, stop
        See :func:`adamsym.certify.search.search`.

    Raises
    ------
    InputError
        For a bad region, a loss with kinks, a continuous law, minima that are none, or a journal of another search.
    """
    adam, problem = require_adam(field.adam, "a Lyapunov region"), require_loss(field.problem, "a Lyapunov region")
    whole, start = starting_box(problem, region, "region")
    if not (whole[:, 0] < whole[:, 1]).all() or budget < 1:
        raise InputError(
            "region: each parameter needs a lower end below its upper end, and the budget must be positive"
        )
    record = problem_record(problem, adam)
    points = common_minima(problem, whole) if minima is None else _exact_minima(problem, minima)
    arguments = {"problem": record, "start": start, "minima": [[str(x) for x in point] for point in points]}
    task = Task(examine, json.dumps(arguments))
    found = search(task, start, budget, executor, journal, progress, _is_witness, stop)
    return _gathered(problem, adam, whole, tuple(points), found)


def _is_witness(outcome: Outcome) -> bool:
    return bool(outcome["by"] == "witness")


def _exact_minima(problem: Problem, minima: Sequence[Sequence[Number]]) -> list[Point]:
    points = []
    for k, point in enumerate(minima):
        if len(point) != problem.dimension:
            raise InputError(f"minima[{k}]: {len(point)} numbers; give one for each of {problem.dimension} parameters")
        exact = tuple(exact_rational(x, f"minima[{k}]") for x in point)
        if not vanishes(problem, exact):
            raise InputError(f"minima[{k}]: the gradients of the rows do not all vanish there, or not provably")
        points.append(exact)
    return points


def _gathered(
    problem: Problem, adam: Adam, whole: FloatArray, minima: tuple[Point, ...], found: Search
) -> LyapunovRegion:
    first = next((outcome for _, outcome in found.leaves if _is_witness(outcome)), None)
    reason = "the search was stopped" if found.stopped else "the budget was spent"
    reason = f"{reason} before it was examined" if first is None else "the witness against the region ended the search"
    other: Outcome = {"by": "undecided", "reason": "<grad L, f> is positive in it, and at the witness too"}
    leaves = [
        (box, other if _is_witness(outcome) and outcome is not first else outcome) for box, outcome in found.leaves
    ]
    leaves += [(box, {"by": "undecided", "reason": reason}) for box in found.left]
    undecided = tuple(box for box, outcome in leaves if outcome["by"] == "undecided")
    witness = None if first is None else np.array(first["point"])
    bounds = None if first is None else (first["bounds"][0], first["bounds"][1])
    return LyapunovRegion(
        problem, adam, whole, minima, witness, bounds, tuple(leaves), undecided, found.examined, found.stopped
    )


@dataclass(frozen=True)
class _Case:
    problem: Problem
    form: LaplaceForm
    start: Box
    minima: list[tuple[Point, bool]]
    """Each with whether the mean loss is proven to be at most 0 there."""
    factor: CommonFactor | None


@lru_cache(maxsize=4)
def _read(arguments: str) -> _Case:
    given: dict[str, Any] = json.loads(arguments)
    problem, method = problem_from_record(given["problem"])
    adam = require_adam(method, "a Lyapunov region")
    points = [tuple(Fraction(x) for x in point) for point in given["minima"]]
    minima = [(point, loss_is_at_most_zero(problem, point)) for point in points]
    start: Box = tuple((low, high) for low, high in given["start"])
    return _Case(problem, require_laplace(adam, "a Lyapunov region"), start, minima, common_factor(problem))


def examine(arguments: str, box: Box) -> Outcome:
    """Say what is proven about <grad L, f> in one box; for worker processes."""
    case = _read(arguments)
    with ball_arithmetic():
        return _examine(case, box)


def _examine(case: _Case, box: Box) -> Outcome:
    problem, form = case.problem, case.form
    sides = np.array(box)
    theta = hulls(sides)
    try:
        losses = problem.row_losses_ball(theta)
        laws = gradient_laws(problem, theta, slopes=True)
    except DomainError:
        nowhere = problem.refute_domain(theta) is not None
        return {"by": "undecided", "reason": NOT_REAL} if nowhere else _split(case, box, NOT_REAL)
    except InputError:
        return _split(case, box, "the gradient is not bounded over the box")
    loss = _mean(problem, losses)
    descent = by_signs(laws, laws, form, loss.upper(), "sign") or next_to_minima(case, theta, laws)
    if descent is not None:
        return _certified(problem, theta, loss, descent)
    points = [flint.arb(float(x)) for x in middle(sides)]
    shifts = [x - m for x, m in zip(theta, points, strict=True)]
    at_middle = gradient_laws(problem, points, slopes=False)
    center = field_of(at_middle, form, TOLERANCE).value
    product = sum((law.mean * f for law, f in zip(at_middle, center, strict=True)), flint.arb(0))
    # Not by a hair: a checker with other arithmetic is to prove it too.
    if product > 0 and product.rad() < _SHARE_OF_WITNESS * product.mid():
        return {"by": "witness", "point": middle(sides).tolist(), "bounds": outward(product)}
    over = field_of(laws, form, TOLERANCE)
    product = by_enclosure(laws, at_middle, over, center, shifts)
    if product < 0:
        square = sum((law.mean.abs_lower() ** 2 for law in laws), flint.arb(0))
        upper = loss.upper()
        return _certified(problem, theta, loss, Descent("enclosure", below(-product, upper), below(square / 2, upper)))
    return _split(case, box, "<grad L, f> may be 0: a zero of f, or a critical point that is no minimum of every row")


def _mean(problem: Problem, values: Sequence[flint.arb]) -> flint.arb:
    probabilities = problem.law.exact_probabilities  # type: ignore[attr-defined]
    return sum((ball(p) * value for p, value in zip(probabilities, values, strict=True)), flint.arb(0))


def _certified(problem: Problem, theta: list[flint.arb], loss: flint.arb, descent: Descent) -> Outcome:
    """The outcome, with what the comparison of regions needs: bounds of L, the rows' Hessians and the PL ratio."""
    smoothness = flint.arb(0)
    for hessian in problem.row_jacobians_ball(theta):
        smoothness = smoothness.max(norm_bound(itertools.chain(*hessian)))
    low, high = outward(loss) if loss.is_finite() else (None, None)
    return {
        "by": descent.by,
        "rate": descent.rate,
        "pl": descent.pl,
        "loss": [low, high],
        "smoothness": outward(smoothness)[1] if smoothness.is_finite() else None,
    }


def next_to_minima(case: _Case, theta: list[flint.arb], laws: list[BallLaw]) -> Descent | None:
    """N-Lemma 1 or N-Theorem 1 for the gradients with their common zero divided out."""
    problem, form = case.problem, case.form
    if case.factor is not None:
        quotients = case.factor.over(theta)
        divided = laws_of_rows(problem, quotients.gradients)
        square = sum((law.mean.abs_lower() ** 2 for law in divided), flint.arb(0)).lower()
        variance = sum((law.variance for law in divided), flint.arb(0)).upper()
        found = by_signs(divided, laws, form, quotients.loss, "factor")
        found = found or by_spread(square, variance, laws, form, quotients.loss, "factor")
        if found is not None:
            return found
    for point, without_loss in case.minima:
        found = _around(problem, form, theta, [ball(x) for x in point], laws, without_loss)
        if found is not None:
            return found
    return None


def _around(
    problem: Problem,
    form: LaplaceForm,
    theta: list[flint.arb],
    point: list[flint.arb],
    laws: list[BallLaw],
    without_loss: bool,
) -> Descent | None:
    """The same around a single common minimum: g = A (theta - theta*), A within the Hessians over the joint hull.

    L <= |A| |theta - theta*|^2/2 only if L(theta*) <= 0 is proven: ``without_loss``.
    """
    if not all(abs(x.mid() - p) <= 4 * x.rad() for x, p in zip(theta, point, strict=True)):
        return None
    d = problem.dimension
    try:
        hessians = problem.row_jacobians_ball([x.union(p) for x, p in zip(theta, point, strict=True)])
    except DomainError:
        return None
    entries = laws_of_rows(problem, [[entry for row in hessian for entry in row] for hessian in hessians])
    means = [[entries[i * d + j].mean for j in range(d)] for i in range(d)]
    if not all(entry.is_finite() for row in means for entry in row):
        return None
    half_norm = norm_bound(itertools.chain(*means)).upper() / 2
    loss = half_norm if without_loss else None
    if d == 1:
        found = by_signs(entries, laws, form, loss, "minimum")
        if found is not None:
            return found
    matrix = np.array([[float(entry.mid()) for entry in row] for row in means])
    if np.linalg.cond(matrix) > 1e12:
        return None
    square, variance = spread_of_matrices(entries, np.linalg.inv(matrix).tolist())
    return by_spread(square, variance, laws, form, loss, "minimum")


def _split(case: _Case, box: Box, reason: str) -> Outcome:
    shares = shares_of(box, case.start)
    if not shares or max(shares.values()) <= SMALLEST_SHARE:
        return {"by": "undecided", "reason": reason}
    return {"by": "split", "axis": max(shares, key=lambda j: shares[j])}
