"""Gradients given by the law of each coordinate, without rows of data."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.gradients.source import StochasticGradient, parameter_names

_NEEDED = ("moments", "magnitude_bound", "transforms", "sample")


class _Seeds:
    """The law of a seed: what the coordinates are drawn from."""

    names = ("seed",)
    levels = 1

    def sample(self, generator: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
        return generator.random((*shape, 1))

    def discretise(self, level: int) -> tuple[FloatArray, FloatArray]:
        raise NotApplicable("CoordinateLaws: laws of coordinates have no rows")


class CoordinateLaws(StochasticGradient):
    """Stochastic gradients whose coordinates have the laws that a function of theta gives, drawn independently.

    The float field takes the laws as they are; simulation, Monte-Carlo estimates and flows follow.

    Parameters
    ----------
    laws
        A function of theta (d,) that returns one law for each coordinate: those of :mod:`adamsym.field`, such as
        ``Normal``, or a class of one's own with the members of :class:`adamsym.field.GradientLaw`.
    parameters
        As of :class:`adamsym.gradients.Problem`.

    Raises
    ------
    InputError
        If ``laws`` is no function, or does not return one law for each coordinate.

    Examples
    --------
    >>> from adamsym import Adam, AdamField
    >>> from adamsym.field import Normal
    >>> source = CoordinateLaws(lambda theta: [Normal(theta[0], 1.0)], ["theta"])
    >>> print(AdamField(source, Adam())([0.0]) == 0)
    [ True]
    """

    def __init__(
        self, laws: Callable[[FloatArray], Sequence[Any]], parameters: Sequence[str] | Mapping[str, int]
    ) -> None:
        if not callable(laws):
            raise InputError(
                f"laws: {shown(laws)} is not allowed; give a function of theta that returns a list of laws"
            )
        self.names = parameter_names(parameters)
        self.law = _Seeds()
        self._laws = laws

    def coordinate_laws(self, theta: FloatArray) -> Sequence[Any]:
        """Return the laws of the coordinates at one point (d,)."""
        found = list(self._laws(self.points(theta)))
        if len(found) != self.dimension:
            raise InputError(f"laws: {len(found)} laws for {self.dimension} parameters; give one for each")
        for law in found:
            missing = [name for name in _NEEDED if not hasattr(law, name)]
            if missing:
                raise InputError(f"laws: {shown(law)} has no {missing[0]}; a law has {', '.join(_NEEDED)}")
        return found

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """Return the mean, shape (..., d)."""
        points = self.points(theta)
        means = [
            [law.moments[0] for law in self.coordinate_laws(point)] for point in points.reshape(-1, self.dimension)
        ]
        return np.array(means).reshape(points.shape)

    def row_gradients(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return one draw for each seed in ``rows`` (..., rows, 1), shape (..., rows, d).

        The seeds beside each other at one point make one stream of draws, which the first of them begins.
        """
        if rows is None:
            raise NotApplicable("CoordinateLaws: laws of coordinates have no rows")
        points = self.points(theta)
        leading = np.broadcast_shapes(points.shape[:-1], rows.shape[:-2])
        # At a single point all seeds are beside each other.
        alone = points.ndim == 1
        flat = points.reshape(-1, self.dimension) if alone else np.broadcast_to(points, (*leading, self.dimension))
        seeds = (rows if alone else np.broadcast_to(rows, (*leading, *rows.shape[-2:]))).reshape(-1, 1)
        flat = flat.reshape(-1, self.dimension)
        count = len(seeds) // max(1, len(flat))
        drawn = [self._draw(point, seeds[k * count, 0], count) for k, point in enumerate(flat) if count]
        return np.array(drawn).reshape(*leading, rows.shape[-2], self.dimension)

    def _draw(self, point: FloatArray, seed: float, count: int) -> FloatArray:
        generator = np.random.default_rng(int(seed * 2.0**53))
        return np.stack([law.sample(generator, (count,)) for law in self.coordinate_laws(point)], axis=-1)
