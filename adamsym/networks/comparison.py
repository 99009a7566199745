"""The predicted zero of the field and the real ends of an optimizer, extrapolated to step 0, with error bars."""

from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.expressions.arguments import real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, counted, plain
from adamsym.networks.symmetry import HiddenLayer, canonical, copy_margins
from adamsym.networks.training import Training

SEPARATE = 3.0
"""Deviations from a hyperplane: where the mean of a normal law is so far off, reflecting what lies beyond moves it by
less than a thousandth of a deviation."""


@dataclass(frozen=True)
class MeanIterate:
    """Where a mean iterate is, against a zero z of the field and a critical point c of the loss.

    Attributes
    ----------
    step_size
        The mean step size; 0 for what is extrapolated.
    along
        Its place on the line from c, at 0, to z, at 1: (theta - c).(z - c)/|z - c|^2. Beyond 1/2 it is nearer to z.
    along_error
        The standard error of ``along``: that of the projections of independent chains.
    to_zero, to_critical
        Its distances to z and c.
    noise
        Its root mean square distance from where it would be with infinitely many chains.
    """

    step_size: float
    along: float
    along_error: float
    to_zero: float
    to_critical: float
    noise: float

    @property
    def standard_errors_closer(self) -> float:
        """By how many standard errors it is nearer to the zero than to the critical point; negative if it is not."""
        return (self.along - 0.5) / self.along_error


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """Where an optimizer ends, against a predicted zero z of the field and a critical point c of the loss.

    Attributes
    ----------
    windows
        The mean iterate in each window, by falling step size.
    end
        The mean iterate extrapolated to step 0.
    theta
        That point itself, shape (d,).
    distance
        |z - c|.
    chains, left_out
        Chains that count, and those that do not: they have diverged, or are farther than ``radius`` from z and c.
    began_at_zero
        Whether the chains began, on average, nearer to z than to c and within |z - c| of it. Then an end near z may be
        their start, which they have not left: a run from c says more.
    separation
        How many standard deviations of the chains lie between them and where another copy of the network would be as
        near: the least over hidden units and windows used; infinite without layers. Below ``SEPARATE`` matching copies
        may move the mean, by taking chains that have crossed over to the other side.
    """

    windows: tuple[MeanIterate, ...]
    end: MeanIterate
    theta: FloatArray
    distance: float
    chains: int
    left_out: int
    began_at_zero: bool = False
    separation: float = np.inf

    @property
    def copies_overlap(self) -> bool:
        """Whether copies of the network are not told apart well enough for a mean of them."""
        return self.separation < SEPARATE

    @property
    def verdict(self) -> str:
        """Statistical."""
        return "statistical"

    @property
    def side(self) -> str:
        """Which of the two is nearer to the end, and how sure that is."""
        which = "the zero" if self.end.along > 0.5 else "the critical point"
        return f"nearer to {which} by {abs(self.end.standard_errors_closer):.1f} standard errors"

    @property
    def summary(self) -> str:
        """Where the end is, and how sure that is."""
        end = self.end
        began = "; they began nearer to the zero" if self.began_at_zero else ""
        overlap = f"; copies of the network overlap, {self.separation:.1f} deviations apart"
        return (
            f"{end.to_zero:.2g} from the zero and {end.to_critical:.2g} from the critical point (noise "
            f"{end.noise:.1g}); {end.along:.3f} +- {end.along_error:.2g} of the way to the zero: {self.side}, "
            f"{counted(self.chains, 'chain')}{began}"
            f"{overlap if self.copies_overlap else ''}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers, in lists."""
        return {
            "windows": [asdict(window) for window in self.windows],
            "end": asdict(self.end),
            "standard_errors_closer": plain(self.end.standard_errors_closer),
            "theta": plain(self.theta),
            "distance": self.distance,
            "chains": self.chains,
            "left_out": self.left_out,
            "began_at_zero": self.began_at_zero,
            "separation": plain(self.separation) if np.isfinite(self.separation) else None,
        }

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Return a row for each window, and one for step 0."""
        columns = ["step size", "of the way to the zero", "+-", "to the zero", "to the critical point", "noise"]
        return columns, [[f"{value:.3g}" for value in astuple(one)] for one in (*self.windows, self.end)]

    def plot(self, ax: Any = None) -> Any:
        """Draw the distances to the zero and to the critical point against the step size; see ``Result.plot``."""
        import_module("adamsym.networks.drawing")  # it registers how this is drawn, and loads Matplotlib
        return super().plot(ax)


def compare(
    trainings: Training | Sequence[Training],
    zero: ArrayLike,
    critical_point: ArrayLike,
    *,
    layers: Sequence[HiddenLayer] = (),
    radius: float | None = None,
    windows: int = 2,
    chains: Sequence[int] | None = None,
) -> Comparison:
    """Return how far mean iterates end from a zero of the field and from a critical point.

    The mean iterate's bias is of the order of the step, so that a straight line in the step size is fitted to the last
    windows, by least squares and for each chain alone; its values at step 0 are independent, and their mean over the
    chains has a standard error that counts what windows of a chain have in common.

    Parameters
    ----------
    trainings
        One run with decaying steps, or several, independent of each other, such as with different constant steps.
    zero, critical_point
        z and c, shape (d,).
    layers
        Hidden layers whose units are matched with those of c, by :func:`canonical`, before anything is averaged: copies
        next to z would favour z. ``separation`` says whether it matters.
    radius
        Chains whose last mean is farther from both z and c are left out: they are at another minimum. All stay if
        omitted.
    windows
        How many of the last windows of each run are extrapolated; all are shown.
    chains
        Numbers of the chains to use, such as those with another start; all if omitted.

    Raises
    ------
    InputError
        If shapes do not fit, z is c, fewer than two chains count, or there are not two step sizes.
    """
    runs = [trainings] if isinstance(trainings, Training) else list(trainings)
    z, c = (real_array(point, name) for point, name in ((zero, "zero"), (critical_point, "critical_point")))
    dimension = _checked_dimension(runs, z, c)
    if layers:
        z = canonical(z, c, layers)
    chosen = [_kept(run, z, c, layers, radius, chains) for run in runs]
    kept = [means for means, _ in chosen]
    places = [(r, w) for r, run in enumerate(runs) for w in range(len(run.ends))]
    sizes = np.array([runs[r].step_sizes[w] for r, w in places])
    used = np.array([w >= len(runs[r].ends) - windows for r, w in places])
    weights = _extrapolating(np.where(used, sizes, np.nan))
    combined = [np.zeros((means.shape[1], dimension)) for means in kept]
    for weight, (r, w) in zip(weights, places, strict=True):
        if weight:
            combined[r] += weight * kept[r][w]
    windows_found = [_measured(sizes[k], [kept[r][w]], z, c)[1] for k, (r, w) in enumerate(places)]
    theta, end = _measured(0.0, combined, z, c)
    counting = sum(means.shape[1] for means in kept)
    given = sum(len(run.theta) if chains is None else len(chains) for run in runs)
    return Comparison(
        tuple(sorted(windows_found, key=lambda window: -window.step_size)),
        end,
        theta,
        float(np.linalg.norm(z - c)),
        counting,
        given - counting,
        any(_began_at_zero(run, z, c, layers, chains) for run in runs),
        min(_separation(run, *one, c, layers, windows) for run, one in zip(runs, chosen, strict=True)),
    )


def _began_at_zero(
    run: Training, zero: FloatArray, critical: FloatArray, layers: Sequence[HiddenLayer], chains: Sequence[int] | None
) -> bool:
    if run.start is None:
        return False
    start = run.start if chains is None else run.start[list(chains)]
    mean = (canonical(start, zero, layers) if layers else start).mean(axis=0)
    to_zero, to_critical = (np.linalg.norm(mean - point) for point in (zero, critical))
    return bool(to_zero < min(to_critical, np.linalg.norm(zero - critical)))


def _checked_dimension(runs: Sequence[Training], zero: FloatArray, critical: FloatArray) -> int:
    if not runs or not all(isinstance(run, Training) for run in runs):
        raise InputError("trainings: give what train(...) returns, or a list of such")
    dimension = int(runs[0].theta.shape[-1])
    if any(run.theta.shape[-1] != dimension for run in runs):
        raise InputError("trainings: their numbers of parameters differ")
    for name, point in (("zero", zero), ("critical_point", critical)):
        if point.shape != (dimension,) or not np.isfinite(point).all():
            raise InputError(f"{name}: shape {point.shape} is not allowed; allowed is ({dimension},), finite")
    if (zero == critical).all():
        raise InputError("zero: it is the critical point itself; there is nothing to tell apart")
    return dimension


def _kept(
    run: Training,
    zero: FloatArray,
    critical: FloatArray,
    layers: Sequence[HiddenLayer],
    radius: float | None,
    chains: Sequence[int] | None,
) -> tuple[FloatArray, NDArray[np.intp]]:
    """The means of the chains that count, as copies next to the critical point, (w, chains, d), and their numbers."""
    numbers = np.arange(run.means.shape[1])[slice(None) if chains is None else list(chains)]
    numbers = numbers[np.isfinite(run.means[-1, numbers]).all(axis=1)]
    means = run.means[:, numbers]
    if layers:
        means = canonical(means, critical, layers)
    if radius is not None:
        off = np.minimum(*(np.linalg.norm(means[-1] - point, axis=1) for point in (zero, critical)))
        means, numbers = means[:, off <= radius], numbers[off <= radius]
    if len(numbers) < 2:
        raise InputError(f"trainings: {counted(len(numbers), 'chain')} near the two points; at least 2 are needed")
    return means, numbers


def _separation(
    run: Training,
    means: FloatArray,
    numbers: NDArray[np.intp],
    critical: FloatArray,
    layers: Sequence[HiddenLayer],
    windows: int,
) -> float:
    """How many deviations the chains are from where copies are equally near, in blocks of steps and in windows."""
    own = copy_margins(means[-windows:], critical, layers)
    moments = [np.stack([own, own**2], axis=-1)]
    if run.margins is not None:
        moments.append(run.margins[-windows:, numbers])
    found = [np.inf]
    for one in moments:
        mean, square = np.moveaxis(one.mean(axis=1), -1, 0)
        deviation = np.sqrt(np.maximum(square - mean**2, 0.0))
        found += np.divide(mean, deviation, out=np.full_like(mean, np.inf), where=deviation > 0).ravel().tolist()
    return float(min(found))


def _extrapolating(sizes: FloatArray) -> FloatArray:
    """Weights of values at step sizes, nan where none is used, in the least-squares line's value at step 0."""
    used = np.isfinite(sizes)
    if len(np.unique(sizes[used])) < 2:
        raise InputError("trainings: all step sizes are equal; the end is extrapolated from two or more")
    found = np.zeros(len(sizes))
    scaled = sizes[used] / sizes[used].max()
    found[used] = np.linalg.pinv(np.column_stack([np.ones_like(scaled), scaled]))[0]
    return found


def _measured(
    step_size: float, groups: Sequence[FloatArray], zero: FloatArray, critical: FloatArray
) -> tuple[FloatArray, MeanIterate]:
    """The sum of the means of independent groups of points (chains, d), and where it is."""
    mean = np.sum([group.mean(axis=0) for group in groups], axis=0)
    line = (zero - critical) / ((zero - critical) @ (zero - critical))
    along = (mean - critical) @ line
    error = np.sqrt(sum((group @ line).var(ddof=1) / len(group) for group in groups))
    noise = np.sqrt(sum(group.var(axis=0, ddof=1).sum() / len(group) for group in groups))
    to_zero, to_critical = (np.linalg.norm(mean - point) for point in (zero, critical))
    return mean, MeanIterate(*map(float, (step_size, along, error, to_zero, to_critical, noise)))
