"""Functions that can be enclosed over boxes: all that the contractors and the search for zeros need to know of them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import flint
import numpy as np

from adamsym.certify.boxes import Point, middle
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field.ball.enclosure import BoxEnclosure


class Undefined(InputError):
    """A function is not proven to be defined and continuous in all of a box; the message says why."""


class Over:
    """A function over one box of balls: an object of its own where several questions share work, such as gradients."""

    def __init__(self, function: "BoxFunction", theta: Sequence[flint.arb]) -> None:
        self.function, self.theta = function, list(theta)

    @property
    def is_continuous(self) -> bool:
        """Whether f is proven to be continuous in the box; if not, ``enclosure`` without slopes may hold it still."""
        return True

    def enclosure(self, *, slopes: bool, tolerance: float) -> BoxEnclosure:
        """Return f, and Df if ``slopes``, over the box."""
        return self.function.enclose(self.theta, slopes, tolerance)

    def nonzero(self) -> int | None:
        """Return a coordinate of f that is proven, at less cost than that of an enclosure, to be nowhere 0; or None."""
        return None


class BoxFunction(ABC):
    """A function f from boxes in R^d to R^d, Lipschitz continuous wherever it is proven to be defined.

    A class of one's own needs ``dimension`` and ``enclose``.

    Attributes
    ----------
    dimension
        The number d of parameters and of coordinates of f.
    scale
        The size that the tolerances of ``enclose`` are shares of.
    """

    dimension: int
    scale: float = 1.0

    @abstractmethod
    def enclose(self, theta: Sequence[flint.arb], slopes: bool, tolerance: float) -> BoxEnclosure:
        """Return balls that hold f, and its Jacobian if ``slopes``, at every point of the balls ``theta``.

        Where f has no Jacobian they hold all matrices of Clarke's generalized one: so that f(y) - f(x) = A (y - x) with
        A among those enclosed, for all x and y in the box.

        At a point their radii are about ``tolerance`` times ``scale``. Called within ``ball_arithmetic()``.

        Raises
        ------
        Undefined
            If f is not proven to be defined and Lipschitz continuous in all of the box.
        """

    def at(self, theta: Sequence[flint.arb]) -> Over:
        """Return f over a box, for several questions; raises ``Undefined`` as ``enclose``, now or when asked."""
        return Over(self, theta)

    def undefined(self, theta: Sequence[flint.arb]) -> str | None:
        """Return why f is proven to be defined nowhere in a box; None if that is not proven."""
        return None

    def vanishes(self, point: Point) -> bool:
        """Whether f is proven to be exactly 0 at a rational point."""
        return False

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return tuple(f"x{j}" for j in range(self.dimension))

    @property
    def identity(self) -> str:
        """Text that two functions share only if they are the same: journals belong to it."""
        raise NotApplicable(
            f"journal: {type(self).__name__} has no identity for a journal to belong to; search without"
        )


def values_at(function: BoxFunction, point: FloatArray, tolerance: float) -> list[flint.arb]:
    """Return balls around f at a point (d,) of floats."""
    return function.enclose([flint.arb(float(x)) for x in point], False, tolerance).value


def values_in_middle(function: BoxFunction, sides: FloatArray, tolerance: float) -> list[flint.arb]:
    """Return balls around f at the midpoint of a box (d, 2)."""
    return values_at(function, middle(np.asarray(sides)), tolerance)


def along(direction: Sequence[float], values: Sequence[flint.arb]) -> flint.arb:
    """Return a ball around y f."""
    return sum((flint.arb(float(y)) * f for y, f in zip(direction, values, strict=True)), flint.arb(0))
