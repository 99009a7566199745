"""A family of recursions that holds Adam, its relatives, and the usual ways to get them wrong."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from adamsym.expressions.compilation import FloatArray

Gradient = Literal[
    "as given",
    "one step late",
    "clipped by value",
    "clipped by the norm of its tensor",
    "clipped by the norm of all tensors",
    "clipped by the norm of all tensors plus 1e-6",
    "divided by the norm of its tensor",
    "centred over its tensor",
    "its sign",
]
Counter = Literal["n", "n + 1", "n - 1", "n - 1, at least 1", "1 always", "2 n", "counts tensors"]
Correction = Literal[
    "1 - beta**n",
    "1 - beta**n, kept in the state",
    "1 - beta",
    "1 - beta**(n + 1)",
    "1 - beta**(n - 1)",
    "1 - beta**(2 n)",
    "1 - beta**(n/2)",
    "1 - beta of the other**n",
    "root of 1 - beta**n",
    "square of 1 - beta**n",
    "1/(1 - beta**n)",
    "beta**n",
    "1 + beta**n",
    "1 - beta*n",
    "1 - n**beta",
    "(1 - beta)**n",
    "1 - beta/n",
    "1 - beta**n at the first step only",
    "1 - product of the present betas",
    "1 - the present beta**n",
]
Mix = Literal[
    "beta and 1 - beta",
    "1 - beta and beta",
    "beta and beta",
    "beta and 1 - beta of the other",
    "beta of the other and 1 - beta",
    "beta of the other and 1 - beta of the other",
    "1 and 1 - beta",
    "1 and 1",
    "beta**2 and 1 - beta**2",
    "root of beta and its rest",
]
Start = Literal["0", "the first gradient", "1"]
Numerator = Literal[
    "m",
    "gradient",
    "look-ahead",
    "look-ahead with slowly growing weight",
    "look-ahead with growing weight",
    "sign of m",
    "m plus gradient",
    "square of m",
]
Ahead = Literal[
    "next step",
    "this step",
    "no product",
    "gradient not corrected",
    "gradient without its factor",
    "m without its factor",
    "gradient left out",
    "weights exchanged",
]
SecondMoment = Literal[
    "mean of squares",
    "largest mean of squares",
    "largest corrected mean of squares",
    "largest mean of squares, kept as v",
    "smallest mean of squares",
    "largest gradient",
    "largest gradient, eps added to each",
    "largest gradient, eps added before the comparison",
    "largest gradient, bias-corrected",
    "largest gradient, which never decreases",
    "largest signed gradient",
    "largest mean gradient",
    "sum of absolute values",
    "variance",
    "sum of squares",
    "mean of all squares",
    "squares, not averaged",
]
Averaged = Literal[
    "squares",
    "squares of deviations from m",
    "squares of deviations from m before",
    "squares of differences",
    "absolute values",
    "gradients",
    "absolute cubes",
    "squares of m",
    "squares of corrected m",
    "products of m and gradient",
    "squares over all coordinates",
    "squares over its tensor",
    "squares over its row",
    "squares over its column",
]
EpsPlace = Literal[
    "outside the root",
    "inside the root",
    "outside the root, before the correction",
    "inside the root, before the correction",
    "nowhere",
    "outside and inside the root",
    "outside the root, before and after the correction",
    "outside the root, and inside before the correction",
    "squared, inside the root",
    "its root, outside the root",
    "twice, outside the root",
    "subtracted",
    "larger of root and eps",
    "larger of v and eps, inside the root",
    "added to v at each step",
    "added to each square",
    "divided by the root of the correction",
    "times the step size",
    "added to the quotient",
    "multiplied",
]
Decay = Literal[
    "none",
    "decoupled",
    "decoupled, not times the step size",
    "in the gradient",
    "decoupled, after the step",
    "decoupled, with the square of the step size",
    "decoupled, for matrices only",
    "decoupled, without the parameter",
    "decoupled, not times the step size, without the parameter",
    "decoupled, of the sign of the parameter",
    "decoupled, of the square of the parameter",
    "decoupled, of the first parameters",
    "in the gradient, without the parameter",
    "in the gradient, of the sign of the parameter",
    "in the gradient, for m only",
    "in the gradient, for v only",
    "in the gradient and decoupled",
    "in the numerator",
]
Scaling = Literal[
    "none",
    "trust ratio of each tensor",
    "clipped by value",
    "clipped by root mean square",
    "one step late",
]
Momentum = Literal["added up", "averaged", "Nesterov's"]


@dataclass(frozen=True)
class Recursion:
    """One recursion: theta changes by -step_size numerator/denominator and weight decay.

    Everything that may differ is one attribute; the defaults are Adam's. m and v are the running means with memories
    ``beta1`` and ``beta2``.

    Attributes
    ----------
    numerator, second_moment, eps_place, decay
        What the words say. The weights of the look-ahead that grow are beta1 (1 - 0.5 * 0.96**(n psi)), with psi
        ``momentum_decay`` (``torch.optim.NAdam``) and 1 (``keras.optimizers.Nadam``).
    first_corrected, second_corrected
        Whether m is divided by 1 - beta1**n, and v by 1 - beta2**n, or by what ``first_correction`` and
        ``second_correction`` say.
    root
        Whether the root of v is taken; its power ``exponent`` if not 1/2.
    first_weighted, second_weighted
        Whether the new gradient enters m with the factor 1 - beta1, and its square v with 1 - beta2.
    first_mix, second_mix
        The factors of the old and of the new in m and in v.
    first_start, second_start
        What m and v are before the first step; "the first gradient", for v, is its square.
    stale_first, stale_second
        Whether m and v of the step before are used.
    decay_sign, direction
        1, or -1: decay that grows, gradients that are climbed (``maximize``).
    gradient
        What is done to the gradient before anything else; ``clip`` is the threshold.
    counter
        The number n in the corrections at the n-th step.
    averaged
        What v is a mean of.
    ahead
        How the look-ahead is computed; right is "next step".
    scaling
        What is done to the quotient.
    eps_root
        A second eps, added inside the root.
    momentum, momentum_kind
        Momentum of the quotients, as in RMSprop.
    reset_every
        Number of steps after which m and v begin anew; never, if 0.
    frozen_after
        Step after which v is kept; never, if 0.
    step_sizes, memories1, memories2
        One number for each step, in place of ``step_size``, ``beta1`` and ``beta2``; constant if empty.
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
    gradient: Gradient = "as given"
    counter: Counter = "n"
    first_correction: Correction = "1 - beta**n"
    second_correction: Correction = "1 - beta**n"
    first_mix: Mix = "beta and 1 - beta"
    second_mix: Mix = "beta and 1 - beta"
    first_start: Start = "0"
    second_start: Start = "0"
    ahead: Ahead = "next step"
    scaling: Scaling = "none"
    averaged: Averaged = "squares"
    exponent: float = 0.5
    eps_root: float = 0.0
    clip: float = 1.0
    momentum: float = 0.0
    momentum_kind: Momentum = "added up"
    momentum_decay: float = 0.004
    reset_every: int = 0
    frozen_after: int = 0
    step_sizes: tuple[float, ...] = ()
    memories1: tuple[float, ...] = ()
    memories2: tuple[float, ...] = ()

    def changed(self, **attributes: Any) -> "Recursion":
        """Return the recursion with other attributes."""
        return replace(self, **attributes)

    def increments(self, gradients: FloatArray, theta: FloatArray) -> FloatArray:
        """Return the changes of theta, shape (n, d), that the gradients (n, d) make, one row a step.

        Theta is one tensor. Values may be infinite or nan where the recursion divides by zero.
        """
        from adamsym.testing.conformance.replay import increments

        return increments(self, gradients, theta)


LIKE_ADAMAX = tuple(
    kind
    for kind in get_args(SecondMoment)
    if kind.startswith(("largest gradient", "largest signed", "largest mean gradient", "sum of absolute"))
)
"""Denominators that are no root of a mean of squares."""

_FIRST = ("numerator", "ahead", "first_corrected", "first_correction", "first_weighted", "first_mix", "first_start")
_SECOND = ("second_moment", "averaged", "eps_place", "root", "second_corrected", "second_correction")
GROUPS: dict[str, tuple[str, ...]] = {
    "numerator": (*_FIRST, "stale_first"),
    "denominator": (*_SECOND, "second_weighted", "second_mix", "second_start", "stale_second"),
    "gradient": ("gradient", "counter", "direction", "momentum_kind"),
    "change": ("decay", "decay_sign", "scaling"),
}
"""Attributes by what they enter: the numerator alone, the denominator alone, both, or what is made of the quotient."""

CHOICES: dict[str, tuple[object, ...]] = {
    "numerator": get_args(Numerator),
    "second_moment": get_args(SecondMoment),
    "averaged": get_args(Averaged),
    "eps_place": get_args(EpsPlace),
    "decay": get_args(Decay),
    "gradient": get_args(Gradient),
    "counter": get_args(Counter),
    "ahead": get_args(Ahead),
    "scaling": get_args(Scaling),
    "momentum_kind": get_args(Momentum),
    "direction": (1, -1),
    "decay_sign": (1, -1),
    "first_correction": get_args(Correction),
    "second_correction": get_args(Correction),
    "first_mix": get_args(Mix),
    "second_mix": get_args(Mix),
    "first_start": ("0", "the first gradient"),
    "second_start": get_args(Start),
} | dict.fromkeys(
    ("root", "first_corrected", "second_corrected", "first_weighted", "second_weighted", "stale_first", "stale_second"),
    (True, False),
)
"""What each attribute but the numbers may be."""

assert set(CHOICES) == {name for names in GROUPS.values() for name in names}
assert set(CHOICES) < {field.name for field in fields(Recursion)}
