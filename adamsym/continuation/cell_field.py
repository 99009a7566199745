"""The field over a cell of values, enclosed over boxes of theta; of one parameter its slope from points, too."""

from dataclasses import dataclass

import flint
import numpy as np

from adamsym.certify.box_function import values_in_middle
from adamsym.certify.boxes import middle
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.interpolated_slope import interpolated_slope
from adamsym.certify.zeros.krawczyk import approximate_inverse, direction_without_zero, exact_matrix
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.work import spend
from adamsym.field.ball.enclosure import BoxEnclosure, hulls

Matrix = list[list[flint.arb]]

TOLERANCE = 1e-9

_REGULAR = 0.8
"""Where 1 - Y Df is not smaller than this at a point, that it is smaller than 1 around it is not worth proving."""

_LEFT, _WIDER = 0.1, 4
"""What the slope between nodes may err by, as a share of what would decide; and how many times as wide as at a point it
is over a box where nodes may help."""

_ASIDE = 0.02
"""Share of theta between two points of a secant."""


@dataclass(frozen=True)
class CellField:
    """F and Df for all values in a cell; call within ``ball_arithmetic()``."""

    function: FieldFunction

    def enclose(self, sides: FloatArray) -> BoxEnclosure:
        """Return f and Df over a box (d, 2)."""
        return self.function.enclose(hulls(sides), True, TOLERANCE)

    def values(self, sides: FloatArray) -> list[flint.arb]:
        """Return f in the middle of a box."""
        return values_in_middle(self.function, sides, TOLERANCE)

    def critical(self, point: FloatArray, over: BoxEnclosure) -> FloatArray:
        """Return about where f' is 0 for the middle of the values, of one parameter: by a secant from a point."""
        beside = point + _ASIDE * np.maximum(np.abs(point), 1e-3)
        other = self.enclose(np.stack([beside, beside], axis=1))
        one, two = float(over.jacobian[0][0].mid()), float(other.jacobian[0][0].mid())
        found = point - one * (beside - point) / (two - one) if two != one else point
        return found if np.isfinite(found).all() else point

    def sharper(self, sides: FloatArray, over: BoxEnclosure, center: list[flint.arb], is_open: bool) -> BoxEnclosure:
        """Return the enclosure with a slope that is known better, where that may say more of the box."""
        if len(sides) > 1 or direction_without_zero(over, center, sides) is not None:
            return over
        at, reach, size = self._slope_in_middle(sides), np.ptp(sides, axis=1)[0] / 2, float(center[0].abs_lower())
        least = float(at.abs_lower())
        if not is_open and least * reach >= size:
            return over
        return BoxEnclosure(
            over.value, self._interpolated(sides, over.jacobian, at, least if is_open else size / reach)
        )

    def slopes(self, sides: FloatArray) -> Matrix:
        """Return Df over a box, as well as it is known where it is regular."""
        found = self.enclose(sides).jacobian
        if len(sides) > 1:
            return found
        at = self._slope_in_middle(sides)
        return self._interpolated(sides, found, at, float(at.abs_lower()))

    def may_cross(self, sides: FloatArray) -> bool:
        """Return whether f is not known to have one sign at both ends; of more parameters that is not asked."""
        if len(sides) > 1:
            return True
        low, high = (self.values(np.array([[end, end]]))[0] for end in sides[0])
        return not (low * high > 0)

    def _slope_in_middle(self, sides: FloatArray) -> flint.arb:
        """F' there, of one parameter."""
        return self.enclose(np.stack([middle(sides)] * 2, axis=1)).jacobian[0][0]

    def _interpolated(self, sides: FloatArray, slopes: Matrix, at: flint.arb, size: float) -> Matrix:
        """F' over a box by nodes, up to a share of ``size``, where that is narrower; ``at`` is F' in the middle."""
        allowed, radius = _LEFT * size, float(slopes[0][0].rad())
        if not 0 < allowed < radius or radius < _WIDER * float(at.rad()):
            return slopes
        found = interpolated_slope(self.function, sides, allowed, TOLERANCE)
        return slopes if found is None or float(found.rad()) > radius else [[found]]

    def is_singular(self, jacobian: Matrix) -> bool:
        """Return whether Df at a point may be singular for some of the values."""
        return not ratio_of(jacobian, approximate_inverse(jacobian), np.ones(len(jacobian))) < _REGULAR


def ratio_of(jacobian: Matrix, inverse: FloatArray | None, reach: FloatArray) -> float:
    """Return the norm of 1 - Y Df, that of which boxes of the size ``reach`` are the balls; infinity without a Y."""
    if inverse is None or not (reach > 0).all():
        return np.inf
    d = len(inverse)
    spend(2 * d**3)
    rest = exact_matrix(np.eye(d)) - exact_matrix(inverse) * flint.arb_mat(jacobian)
    bounds = np.array([[float(entry.abs_upper()) for entry in row] for row in rest.tolist()])
    with np.errstate(all="ignore"):
        return float(np.nan_to_num((bounds @ reach / reach).max(), nan=np.inf)) * (1 + 1e-9)
