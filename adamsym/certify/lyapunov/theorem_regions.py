"""The theorems' Lyapunov regions beside the certified one, for constants K and mu enclosed over the region.

T6 and N-Theorem 1 give sublevel sets {L < level}; N-Theorems 2 and 6, where they apply, all of the region.
"""

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import flint
import numpy as np

from adamsym.certify.lyapunov.box_regions import LyapunovRegion
from adamsym.certify.lyapunov.decrease_constants import Noise, level_theorem_1, theorem_2b, theorem_6
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import DomainError
from adamsym.expressions.results import Result
from adamsym.field.ball.arithmetic import ball_arithmetic, norm_bound, outward
from adamsym.field.ball.enclosure import divided, hulls
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.jumps import JumpError
from adamsym.methods import LaplaceForm, require_laplace
from adamsym.methods.kernels import RootPlusEps

SAMPLES = 20_000
PIECES = 256
"""Boxes into which a region is divided for a bound over it: fewer where there are more than 16 rows."""

_TENTHS = 150
"""Factors 1.1 that K may lie above the Hessians' bound: up to a million."""


@dataclass(frozen=True, repr=False)
class Regions(Result):
    """Constants over the certified boxes, the levels of the theorems, and the shares of the region they cover.

    ``smoothness`` K has |grad l_j|^2 <= 2 K l_j on the region if no l_j is negative around it, ``pl`` mu has
    |grad L|^2 >= 2 mu L: both proven (None where a box gave none). That l_j >= 0 is the user's to establish; where a
    point drawn speaks against it, K is None. The levels follow from K and mu; they are proved for
    means of gradients over sqrt(v) + eps without decay (Adam, RMSprop, NAdam) and None for others. ``shares`` are
    estimates from 20,000 points drawn with seed 0, but for that of ``certified``, the volume of the certified boxes.
    """

    smoothness: float | None
    pl: float | None
    level_t6: float | None
    level_theorem_1: float | None
    theorem_2: bool | None
    theorem_6: bool | None
    shares: dict[str, float | None]

    @property
    def verdict(self) -> str:
        """Certified if both constants are proven, else undecided; shares are estimates in any case."""
        return "undecided" if self.smoothness is None or self.pl is None else "certified"

    @property
    def summary(self) -> str:
        """The two constants."""
        texts = ("none" if x is None else f"{x:.4g}" for x in (self.smoothness, self.pl))
        return "K = {}, mu = {}; shares of the region are estimates".format(*texts)

    def to_dict(self) -> dict[str, Any]:
        """Return the constants, the levels and the shares under the theorems' names, as ``adamsym lyapunov --json``."""
        return {
            "K": self.smoothness,
            "mu": self.pl,
            "T6": self.level_t6,
            "N-Theorem 1": self.level_theorem_1,
            "N-Theorem 2": self.theorem_2,
            "N-Theorem 6": self.theorem_6,
            "shares": self.shares,
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each region: the share of the box that it covers."""
        shares = [[name, "" if x is None else f"{100 * x:.4g}%"] for name, x in self.shares.items()]
        return ["region", "share of the box"], shares


@checked_arguments
def compare_regions(found: LyapunovRegion) -> Regions:
    """Return the regions of T6, N-Theorems 1, 2 and 6 and the certified one, side by side."""
    outcomes = [outcome for _, outcome in found.certified]
    hessians = _extreme(max, [outcome.smoothness for outcome in outcomes])
    whole = not found.undecided and found.witness is None
    smoothness = pointwise_smoothness(found.problem, found.region, hessians) if hessians and whole else None
    if smoothness is not None and not _is_smooth(found.problem, found.region, smoothness):
        smoothness = None
    pl = _extreme(min, [outcome.pl for outcome in outcomes])
    unknown = Regions(smoothness, pl, None, None, None, None, _shares(found, None, None, None, None))
    if smoothness is None or not pl:
        return unknown
    form = require_laplace(found.adam, "a Lyapunov region")
    if not has_levels(form):
        return unknown
    try:
        levels = _levels(found.problem, form, smoothness, pl)
    except ArithmeticError:
        # Beyond the range of floats.
        return unknown
    return Regions(smoothness, pl, *levels, _shares(found, *levels))


def _levels(problem: Problem, form: LaplaceForm, smoothness: float, pl: float) -> tuple[float, float, bool, bool]:
    """The levels of T6 and N-Theorem 1, whether N-Theorems 2 and 6 apply; ArithmeticError if one is out of range."""
    assert isinstance(problem.law, Empirical)
    with ball_arithmetic():
        spread = (flint.arb(smoothness) / flint.arb(pl) - 1).upper().max(flint.arb(0))
        least = min(problem.law.exact_probabilities)
        noise = Noise(spread, least, problem.batch_size, problem.dimension - 1)
        one = level_theorem_1(form, noise, flint.arb(smoothness))
        two, six = theorem_2b(form, noise).holds, theorem_6(form, noise).holds
    t6 = level_t6(smoothness, pl, float(form.kernel.epsilon))
    if not (math.isfinite(t6) and one > 0):
        raise OverflowError
    return t6, one, two, six


def has_levels(form: LaplaceForm) -> bool:
    """Whether the theorems' levels are proved for a field: M a mean of gradients, Adam's kernel, no decay."""
    is_mean = form.weights.nonnegative and form.weights.total == 1
    # Not one that a class derives from it: its phi may be another.
    return is_mean and form.decay == 0 and type(form.kernel) is RootPlusEps


def _is_smooth(problem: Problem, region: FloatArray, smoothness: float) -> bool:
    """Whether |grad l_j|^2 <= 2 K l_j at points drawn: it need not be, where some l_j is negative."""
    points = np.random.default_rng(0).uniform(region[:, 0], region[:, 1], (SAMPLES // 20, len(region)))
    losses = problem.row_losses(points)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = (problem.row_gradients(points) ** 2).sum(axis=-1)
        allowed = 2 * smoothness * losses + 1e-9 * np.abs(losses).max()
    return bool((np.isfinite(squares) & (squares <= allowed)).all())


def pointwise_smoothness(problem: Problem, region: FloatArray, hessians: float) -> float | None:
    """Return K with |grad l_j|^2 <= 2 K l_j on a region where ``hessians`` bounds the rows' Hessians; None if none.

    0 <= l_j(theta - grad l_j/K) <= l_j(theta) - |grad l_j|^2/(2 K) if K bounds the Hessian along that step: on the
    region widened by sup |grad l_j|/K. A larger K has shorter steps; this is the least, up to a tenth, that will do.
    """
    assert isinstance(problem.law, Empirical)
    most = min(PIECES, 16 * PIECES / len(problem.law.rows))
    with ball_arithmetic():
        gradients = (row for cell in divided(region, most) for row in problem.row_gradients_ball(hulls(cell)))
        try:
            steepest = outward(_largest(gradients))[1]
        except DomainError:
            return None
        if not math.isfinite(steepest):
            return None

        def suffices(smoothness: float) -> bool:
            margin = steepest / smoothness * (1 + 1e-12)
            with np.errstate(over="ignore"):
                wider = np.nextafter(region + margin * np.array([-1.0, 1.0]), [-np.inf, np.inf])
                if not np.isfinite(np.ptp(wider, axis=1)).all():
                    return False
            matrices = (matrix for cell in divided(wider, most) for matrix in problem.row_jacobians_ball(hulls(cell)))
            try:
                return bool(_largest(itertools.chain(*matrix) for matrix in matrices) <= smoothness)
            except (DomainError, JumpError):
                return False

        tried = (hessians * (1 + 1e-12) * 1.1**k for k in range(_TENTHS))
        return next((smoothness for smoothness in tried if suffices(smoothness)), None)


def _largest(vectors: Iterable[Iterable[flint.arb]]) -> flint.arb:
    """The largest Euclidean norm, as an upper bound; infinite or nan if one is."""
    return reduce(lambda a, b: a.max(b), map(norm_bound, vectors), flint.arb(0))


def level_t6(smoothness: float, pl: float, eps: float) -> float:
    """Return mu^2 eps^2/(2 K^3) (theory T6)."""
    return pl**2 * eps**2 / (2 * smoothness**3)


def _extreme(pick: Callable[[list[float]], float], values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return pick(known) if known and len(known) == len(values) else None


def _shares(
    found: LyapunovRegion, t6: float | None, one: float | None, two: bool | None, six: bool | None
) -> dict[str, float | None]:
    low, high = found.region[:, 0], found.region[:, 1]
    points: FloatArray = np.random.default_rng(0).uniform(low, high, (SAMPLES, len(low)))

    def below(level: float | None) -> float | None:
        # Levels are known only where the loss is proved real in all of the region.
        return None if level is None else float((found.problem.mean_loss(points) < level).mean())

    return {
        "T6": below(t6),
        "N-Theorem 1": below(one),
        "N-Theorem 2": None if two is None else float(two),
        "N-Theorem 6": None if six is None else float(six),
        "certified": found.share,
    }
