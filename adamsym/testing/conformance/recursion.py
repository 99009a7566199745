"""A family of recursions that holds Adam, its relatives, and the usual ways to get them wrong."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np

from adamsym.expressions.compilation import FloatArray

Numerator = Literal[
    "m",
    "gradient",
    "look-ahead",
    "look-ahead with slowly growing weight",
    "look-ahead with growing weight",
    "sign of m",
]
SecondMoment = Literal[
    "mean of squares",
    "largest mean of squares",
    "largest corrected mean of squares",
    "largest gradient",
    "largest gradient, eps added to each",
    "mean of squared deviations from m",
    "variance",
    "sum of squares",
    "mean over all coordinates",
]
EpsPlace = Literal[
    "outside the root",
    "inside the root",
    "outside the root, before the correction",
    "inside the root, before the correction",
    "nowhere",
]
Decay = Literal["none", "decoupled", "decoupled, not times the step size", "in the gradient"]


@dataclass(frozen=True)
class Recursion:
    """One recursion: theta changes by -step_size numerator/denominator and weight decay.

    Everything that may differ is one attribute; the defaults are Adam's. m and v are the running means with memories
    ``beta1`` and ``beta2``.

    Attributes
    ----------
    numerator, second_moment, eps_place, decay
        What the words say. The weights of the look-ahead that grow are beta1 (1 - 0.5 * 0.96**(n psi)), with psi 0.004
        (``torch.optim.NAdam``) and 1 (``keras.optimizers.Nadam``).
    first_corrected, second_corrected
        Whether m is divided by 1 - beta1**n, and v by 1 - beta2**n.
    root
        Whether the root of v is taken.
    first_weighted, second_weighted
        Whether the new gradient enters m with the factor 1 - beta1, and its square v with 1 - beta2.
    stale_first, stale_second
        Whether m and v of the step before are used.
    decay_sign, direction
        1, or -1 for the wrong sign.
    """

    step_size: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    numerator: Numerator = "m"
    second_moment: SecondMoment = "mean of squares"
    eps_place: EpsPlace = "outside the root"
    root: bool = True
    first_corrected: bool = True
    second_corrected: bool = True
    first_weighted: bool = True
    second_weighted: bool = True
    stale_first: bool = False
    stale_second: bool = False
    decay: Decay = "none"
    decay_sign: int = 1
    direction: int = 1

    def increments(self, gradients: FloatArray, theta: FloatArray) -> FloatArray:
        """Return the changes of theta, shape (n, d), that the gradients (n, d) make, one row a step.

        Values may be infinite or nan where the recursion divides by zero.
        """
        state = _State(self, np.array(theta, dtype=float))
        with np.errstate(all="ignore"):
            return np.array([state.step(gradient) for gradient in gradients])


CHOICES: dict[str, tuple[object, ...]] = {
    "numerator": get_args(Numerator),
    "second_moment": get_args(SecondMoment),
    "eps_place": get_args(EpsPlace),
    "decay": get_args(Decay),
    "direction": (1, -1),
    "decay_sign": (1, -1),
} | dict.fromkeys(
    ("root", "first_corrected", "second_corrected", "first_weighted", "second_weighted", "stale_first", "stale_second"),
    (True, False),
)
"""What each attribute but the numbers may be."""

assert set(CHOICES) < {field.name for field in fields(Recursion)}


class _State:
    """The moments of one run."""

    def __init__(self, recursion: Recursion, theta: FloatArray) -> None:
        self.r, self.theta, self.n = recursion, theta, 0
        self.m, self.v = np.zeros_like(theta), np.zeros_like(theta)
        self.mean, self.largest = np.zeros_like(theta), np.zeros_like(theta)
        self.product = 1.0

    def step(self, gradient: FloatArray) -> FloatArray:
        r = self.r
        self.n += 1
        before_m, before_v = self.m, self.v
        decay = r.decay_sign * r.weight_decay * self.theta
        if r.decay == "in the gradient":
            gradient = gradient + decay
        self.m = r.beta1 * self.m + ((1 - r.beta1) if r.first_weighted else 1.0) * gradient
        self.v = self._second(gradient)
        first = before_m if r.stale_first else self.m
        second = before_v if r.stale_second else self.v
        change = -r.direction * r.step_size * self._numerator(first, gradient) / self._denominator(second)
        if r.decay == "decoupled":
            change = change - r.step_size * decay
        elif r.decay == "decoupled, not times the step size":
            change = change - decay
        # Parameters that are lost stay lost, though the moments go on.
        change = np.where(np.isfinite(self.theta), change, np.nan)
        self.theta = self.theta + change
        return change

    def _second(self, gradient: FloatArray) -> FloatArray:
        r = self.r
        new = (1 - r.beta2) if r.second_weighted else 1.0
        kind = r.second_moment
        if kind == "largest gradient":
            return np.maximum(r.beta2 * self.v, np.abs(gradient))
        if kind == "largest gradient, eps added to each":
            return np.maximum(r.beta2 * self.v, np.abs(gradient) + r.eps)
        if kind == "mean of squared deviations from m":
            return r.beta2 * self.v + new * (gradient - self.m) ** 2
        if kind == "sum of squares":
            return self.v + gradient**2
        square = np.full_like(gradient, np.mean(gradient**2)) if kind == "mean over all coordinates" else gradient**2
        self.mean = r.beta2 * self.mean + new * gradient
        return r.beta2 * self.v + new * square

    def _numerator(self, first: FloatArray, gradient: FloatArray) -> FloatArray:
        r, n = self.r, self.n
        if r.numerator == "gradient":
            return gradient
        if r.numerator.startswith("look-ahead with"):
            psi = 0.004 if "slowly" in r.numerator else 1.0
            now, ahead = (r.beta1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in (n, n + 1))
            self.product *= now
            current, later = (1 - now) * gradient / (1 - self.product), ahead * first / (1 - self.product * ahead)
            return np.asarray(current + later)
        corrected, ahead_corrected = first, first
        current = gradient
        if r.first_corrected:
            corrected = first / (1 - r.beta1**n)
            ahead_corrected, current = first / (1 - r.beta1 ** (n + 1)), gradient / (1 - r.beta1**n)
        if r.numerator == "look-ahead":
            return r.beta1 * ahead_corrected + (1 - r.beta1) * current
        return np.asarray(np.sign(corrected)) if r.numerator == "sign of m" else corrected

    def _denominator(self, second: FloatArray) -> FloatArray:
        r = self.r
        kind = r.second_moment
        if kind == "largest gradient, eps added to each":
            return second
        if kind == "largest gradient":
            return second + r.eps
        correction = 1 - r.beta2**self.n if r.second_corrected else 1.0
        if kind == "largest mean of squares":
            second = self.largest = np.maximum(self.largest, second)
        elif kind == "largest corrected mean of squares":
            second = self.largest = np.maximum(self.largest, second / correction)
            correction = 1.0
        elif kind == "variance":
            second = second - self.mean**2
        root: Callable[[FloatArray], FloatArray] = np.sqrt if r.root else np.asarray
        eps = 0.0 if r.eps_place == "nowhere" else r.eps
        if r.eps_place == "inside the root":
            return root(second / correction + eps)
        if r.eps_place == "inside the root, before the correction":
            return root(second + eps) / root(np.asarray(correction))
        if r.eps_place == "outside the root, before the correction":
            return (root(second) + eps) / root(np.asarray(correction))
        return root(second / correction) + eps
