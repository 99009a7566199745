"""The theorems' Lyapunov regions beside the certified one, for constants K and mu enclosed over the region.

T6 and N-Theorem 1 give sublevel sets {L < level}; N-Theorem 2, where it applies, all of the region.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adamsym.certify.lyapunov import LyapunovRegion
from adamsym.expressions.compilation import FloatArray
from adamsym.problem import Empirical

SAMPLES = 20_000


@dataclass(frozen=True)
class Regions:
    """Constants over the certified boxes, the levels of the theorems, and the shares of the region they cover.

    ``smoothness`` K bounds the rows' Hessians, ``pl`` mu has |grad L|^2 >= 2 mu L: both proven on the certified boxes
    (None where a box gave none). The levels are computed from them in float64. ``shares`` are estimates from 20,000
    points drawn with seed 0, but for that of ``certified``, which is the volume of the certified boxes.
    """

    smoothness: float | None
    pl: float | None
    level_t6: float | None
    level_theorem_1: float | None
    theorem_2: bool | None
    shares: dict[str, float | None]


def compare_regions(found: LyapunovRegion) -> Regions:
    """Return the regions of T6, N-Theorem 1, N-Theorem 2 and the certified one, side by side."""
    outcomes = [outcome for _, outcome in found.certified]
    smoothness = _extreme(max, [outcome["smoothness"] for outcome in outcomes])
    pl = _extreme(min, [outcome["pl"] for outcome in outcomes])
    if found.undecided or found.witness is not None or smoothness is None or not pl:
        return Regions(smoothness, pl, None, None, None, _shares(found, None, None, None))
    t6 = level_t6(smoothness, pl, found.adam.eps)
    assert isinstance(found.problem.law, Empirical)
    heaviest = 1 / float(min(found.problem.law.exact_probabilities))
    eta = (smoothness / pl - 1) / found.problem.batch_size
    one = level_theorem_1(smoothness, eta, heaviest, found.adam.beta2, found.adam.eps)
    two = theorem_2_applies(eta, found.problem.dimension, found.adam.beta1, found.adam.beta2)
    return Regions(smoothness, pl, t6, one, two, _shares(found, t6, one, two))


def level_t6(smoothness: float, pl: float, eps: float) -> float:
    """Return mu^2 eps^2/(2 K^3) (theory T6)."""
    return pl**2 * eps**2 / (2 * smoothness**3)


def level_theorem_1(smoothness: float, eta: float, rows: float, beta2: float, eps: float) -> float:
    """Return the explicit level of N-Theorem 1; ``rows`` is N, or 1 over the least probability of a row."""
    one_less_root = (1 - beta2) / (1 + math.sqrt(beta2))
    noise = 16 * one_less_root**2 * eta**2 * rows
    return eps**2 / (2 * smoothness) * (16.0 if noise == 0 else min(16.0, 1 / noise))


def theorem_2_applies(eta: float, dimension: int, beta1: float, beta2: float) -> bool:
    """Whether N-Theorem 2 makes L a strict Lyapunov function everywhere, for every eps."""
    if beta2 == 0:
        return False
    noise = 1 / math.sqrt(beta2) - 1
    if dimension == 1:
        return noise * eta < 1
    bound = 1.0 if beta1 <= beta2 else (1 - beta1) / (1 - beta1 / math.sqrt(beta2))
    return 16 * bound**2 * noise * dimension * eta * (1 + eta) <= 1


def _extreme(pick: Callable[[list[float]], float], values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return pick(known) if known and len(known) == len(values) else None


def _shares(found: LyapunovRegion, t6: float | None, one: float | None, two: bool | None) -> dict[str, float | None]:
    low, high = found.region[:, 0], found.region[:, 1]
    points: FloatArray = np.random.default_rng(0).uniform(low, high, (SAMPLES, len(low)))
    losses = found.problem.mean_loss(points)
    return {
        "T6": None if t6 is None else float((losses < t6).mean()),
        "N-Theorem 1": None if one is None else float((losses < one).mean()),
        "N-Theorem 2": None if two is None else float(two),
        "certified": found.share,
    }
