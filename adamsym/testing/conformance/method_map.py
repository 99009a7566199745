"""Which recursion of the family a method is, and which method's field a recursion follows: the one place that says."""

from collections.abc import Callable
from typing import Any

from adamsym.methods import (
    Adam,
    Adamax,
    AdamClippedByNorm,
    AdamClippedByValue,
    AdamEpsInsideRoot,
    AdamW,
    AdamWithoutMomentum,
    AdaptiveMethod,
    AMSGrad,
    Method,
    NAdam,
    RMSprop,
)
from adamsym.testing.conformance.recursion import Recursion

_DIFFERENCES: dict[type[Method], Callable[[Any], dict[str, Any]]] = {
    Adam: lambda method: {},
    AdamEpsInsideRoot: lambda method: {"eps_place": "inside the root"},
    AdamW: lambda method: {"decay": "decoupled" if method.decay else "none", "weight_decay": method.decay},
    AdamWithoutMomentum: lambda method: {},
    NAdam: lambda method: {"numerator": "look-ahead"},
    RMSprop: lambda method: {"second_corrected": False},
    Adamax: lambda method: {"second_moment": "largest gradient, eps added to each"},
    AMSGrad: lambda method: {"second_moment": "largest mean of squares"},
    AdamClippedByNorm: lambda method: {"gradient": "clipped by the norm of its tensor", "clip": method.clip},
    AdamClippedByValue: lambda method: {"gradient": "clipped by value", "clip": method.clip},
}
"""In what a method differs from Adam, in the family's words. A subclass takes steps that may be its own."""


def recursion_of(method: Method, step_size: float = 1e-3) -> Recursion | None:
    """Return the recursion of the family that takes the method's steps; None if the family does not hold it."""
    if type(method) not in _DIFFERENCES:
        return None
    numbers: Any = method
    plain = Recursion(step_size=step_size, beta1=numbers.beta1, beta2=numbers.beta2, eps=numbers.eps)
    return plain.changed(**_DIFFERENCES[type(method)](method))


def field_method(recursion: Recursion) -> AdaptiveMethod | None:
    """Return the method whose field the recursion follows for vanishing steps; None if adamsym knows none."""
    r = recursion
    known = r.second_moment == "mean of squares" and r.root and r.first_weighted and r.second_weighted
    current = not (r.stale_first or r.stale_second) and r.direction == 1 and r.eps_place != "nowhere"
    if not (known and current) or (r.decay != "none" and (r.decay, r.decay_sign) != ("decoupled", 1)):
        return None
    if not _lasting_is_plain(r):
        return None
    inside, decays = r.eps_place.startswith("inside"), r.decay == "decoupled" and r.weight_decay > 0
    beta1 = 0.0 if r.numerator == "gradient" else r.beta1
    if not (beta1**2 < r.beta2 < 1 or beta1 == r.beta2 == 0) or r.eps <= 0:
        return None
    if r.numerator.startswith("look-ahead"):
        return None if inside or decays else NAdam(beta1, r.beta2, r.eps)
    if (r.numerator != "m" and r.numerator != "gradient") or (inside and decays):
        return None
    if decays:
        return AdamW(beta1, r.beta2, r.eps, r.weight_decay)
    return AdamEpsInsideRoot(beta1, r.beta2, r.eps) if inside else Adam(beta1, r.beta2, r.eps)


def _lasting_is_plain(r: Recursion) -> bool:
    """Whether nothing else is declared that lasts: clipping, momentum of quotients, a second eps, schedules."""
    plain = Recursion()
    names: tuple[str, ...] = (
        "gradient",
        "counter",
        "first_correction",
        "second_correction",
        "first_mix",
        "second_mix",
        "ahead",
    )
    names += ("scaling", "averaged", "exponent", "eps_root", "momentum", "reset_every", "frozen_after")
    names += ("step_sizes", "memories1", "memories2")
    places = ("outside the root", "inside the root")
    return all(getattr(r, name) == getattr(plain, name) for name in names) and r.eps_place.split(",")[0] in places
