"""Projection onto a box: where theta is put after a step, and what is left of a velocity at the border."""

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.gradients import StochasticGradient


def checked_projection(
    project: ArrayLike | None, source: StochasticGradient, starts: FloatArray, place: str
) -> FloatArray | None:
    """Return the box onto which theta is projected, shape (d, 2), or None.

    Raises
    ------
    InputError
        If it is no lower and upper end for each parameter, the lower first, or a start (..., d) lies outside.
    """
    if project is None:
        return None
    box, d = real_array(project, f"{place}.project"), source.dimension
    if box.shape != (d, 2):
        raise InputError(
            f"{place}: project of shape {box.shape}; allowed are a lower and an upper end for each parameter, "
            f"shape ({d}, 2), where -inf and inf leave a side open"
        )
    low, high = box.T
    if not (low <= high).all() or (low == np.inf).any() or (high == -np.inf).any():
        k = int(np.argmin((low <= high) & (low < np.inf) & (high > -np.inf)))
        raise InputError(
            f"{place}: project from {low[k]:g} to {high[k]:g} in {source.names[k]} is not allowed; the lower end "
            "comes first, and both are numbers, but for an open side"
        )
    outside = ~((starts >= low) & (starts <= high)).reshape(-1, d).all(axis=0)
    if outside.any():
        k = int(np.argmax(outside))
        raise InputError(
            f"{place}: a start lies outside of [{low[k]:g}, {high[k]:g}] in {source.names[k]}; allowed are points in "
            "the box that project gives"
        )
    return box


def tangent(velocity: FloatArray, theta: FloatArray, box: FloatArray) -> FloatArray:
    """Return the projection of a velocity (d,) onto the tangent cone of the box at theta: it never leads outwards."""
    low, high = box.T
    inwards = np.where(theta <= low, np.maximum(velocity, 0.0), velocity)
    return np.where(theta >= high, np.minimum(inwards, 0.0), inwards)
