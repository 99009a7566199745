"""Finite checks that stand for asymptotic statements: an expansion in a small quantity, and the limit of runs."""

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from adamsym.claims.finding import Finding, holds, refuted, undecided
from adamsym.expressions.errors import InputError

ORDER_TOLERANCE = 0.01
"""By which the fitted order may be off, its interval of 99 per cent included."""

FIRST_TOLERANCE, SECOND_TOLERANCE = 1e-3, 5e-3
"""By which the first coefficient may be off, relative to itself, and the second, relative to both together."""


def check_expansion(
    small: ArrayLike, values: ArrayLike, coefficients: tuple[float, float | None], order: float = 1
) -> Finding:
    """Return whether values = a h^order + b h^(order + 1) + ..., for h in ``small``.

    The order is fitted to log|values| = constant + p log h + c h + d h^2. It must be ``order`` to ``ORDER_TOLERANCE``,
    its interval of 99 per cent included. The coefficients are the values at h = 0 of polynomials that fit
    values/h^order and the rest.

    Parameters
    ----------
    small, values
        At least six numbers h > 0 that tend to 0, and the values there, all of one sign; shape (n,).
    coefficients
        The claimed a, not 0, and b; None where b is not claimed.

    Raises
    ------
    InputError
        If there are fewer than six different h, or some h is not positive.
    """
    h, found = np.asarray(small, dtype=float), np.asarray(values, dtype=float)
    first, second = coefficients
    if h.shape != found.shape or h.ndim != 1 or len(np.unique(h)) < 6 or not (h > 0).all():
        raise InputError("check_expansion: at least six different numbers h > 0 and as many values are needed")
    if not np.isfinite(found).all() or np.unique(np.sign(found)).size != 1 or found[0] == 0:
        return undecided(f"the values are not all of one sign: {found}")
    columns = np.column_stack([np.ones_like(h), np.log(h), h, h**2])
    fit, *_ = np.linalg.lstsq(columns, np.log(np.abs(found)))
    freedom = len(h) - columns.shape[1]
    variance = np.sum((columns @ fit - np.log(np.abs(found))) ** 2) / freedom
    spread = np.sqrt(variance * np.linalg.inv(columns.T @ columns)[1, 1]) * scipy.stats.t.isf(0.005, freedom)
    limit = _value_at_0(h, found / h**order, 2)
    text = f"order {fit[1]:.5f} +- {spread:.1g} (99%), claimed {order:g}; coefficient {limit:.6f}, {first:.6f}"
    right = abs(fit[1] - order) + spread <= ORDER_TOLERANCE and abs(limit / first - 1) <= FIRST_TOLERANCE
    if second is not None:
        rest = _value_at_0(h, (found / h**order - first) / h, 3)
        right = right and abs(rest - second) <= SECOND_TOLERANCE * (abs(first) + abs(second))
        text += f"; second {rest:.5f}, {second:.5f}"
    return (holds if right else refuted)(text, cases=len(h))


def _value_at_0(h: NDArray[np.float64], values: NDArray[np.float64], degree: int) -> float:
    return float(np.polynomial.Polynomial.fit(h, values, degree)(0))


def check_limit(
    point: ArrayLike, ends: ArrayLike, earlier: ArrayLike, *, level: float, bias: float, shrinking: float
) -> Finding:
    """Return whether independent runs converge to ``point``, by two tests in each coordinate.

    The mean end differs from the point by no more than Student's quantile and ``bias``; and the ends' variance is at
    most ``shrinking`` times the earlier one, as far as an F-test can tell. Together they reject a true statement with a
    chance of at most ``level`` (Bonferroni), for normal ends.

    Parameters
    ----------
    point
        The claimed limit, shape (d,).
    ends, earlier
        Where the runs ended, and where they were some time before; shape (runs, d), at least two runs.
    bias
        Distance of the mean end that is allowed beside its standard error: a bound or a multiple of the step size.
    shrinking
        Ratio of the variances that is allowed beside the F-test's quantile, such as that of the step sizes.
    """
    limit, last, before = (np.asarray(array, dtype=float) for array in (point, ends, earlier))
    runs, dimension = last.shape
    error = level / (2 * dimension)
    off = np.abs(last.mean(axis=0) - limit)
    spread, spread_before = last.std(axis=0, ddof=1), before.std(axis=0, ddof=1)
    allowed = scipy.stats.t.isf(error / 2, runs - 1) * spread / np.sqrt(runs) + bias
    widest = np.sqrt(scipy.stats.f.isf(error, runs - 1, runs - 1) * shrinking)
    shrunk = np.divide(spread, spread_before, out=np.zeros_like(spread), where=spread_before > 0)
    worst = int(np.argmax(off - allowed))
    text = (
        f"{runs} runs off {np.round(limit, 6)} by {off[worst]:.1e} (allowed {allowed[worst]:.1e}),"
        f" spread times {shrunk.max():.2f} ({widest:.2f})"
    )
    right = (off <= allowed).all() and (spread <= widest * spread_before).all()
    return (holds if right else refuted)(text, cases=2 * dimension)
