"""What differs between two recursions, in words."""

from collections.abc import Callable
from dataclasses import fields

from adamsym.testing.conformance.recursion import Recursion

_PHRASES: dict[str, Callable[[Recursion], str]] = {
    "numerator": lambda r: {
        "m": "the numerator is the running mean m of the gradients",
        "gradient": "the numerator is the gradient itself: there is no momentum",
        "look-ahead": "the numerator is Nesterov's look-ahead",
        "look-ahead with slowly growing weight": "the numerator is a look-ahead of slowly growing weight, as torch's",
        "look-ahead with growing weight": "the numerator is a look-ahead of growing weight, as keras's",
        "sign of m": "the numerator is the sign of m",
    }[r.numerator],
    "second_moment": lambda r: {
        "mean of squares": "v is the running mean of the squared gradients",
        "largest mean of squares": "v never decreases: the largest mean of squares so far is used (amsgrad)",
        "largest corrected mean of squares": "v never decreases: the largest corrected mean so far is used (amsgrad)",
        "largest gradient": "v is the largest recent gradient, as in Adamax",
        "largest gradient, eps added to each": "v is the largest recent gradient, as in Adamax, with eps added to each",
        "mean of squared deviations from m": "v averages squared deviations from m, as in AdaBelief",
        "variance": "v is centred: the squared mean gradient is subtracted",
        "sum of squares": "v is the sum of all squared gradients and forgets nothing, as in Adagrad",
        "mean over all coordinates": "v is averaged over the coordinates: all share one v",
    }[r.second_moment],
    "eps_place": lambda r: {
        "outside the root": "eps is added outside the square root, after the bias correction of v",
        "inside the root": "eps is added inside the square root",
        "outside the root, before the correction": "eps is added outside the square root, before v is bias-corrected",
        "inside the root, before the correction": "eps is added inside the square root, before v is bias-corrected",
        "nowhere": "eps is not added anywhere",
    }[r.eps_place],
    "root": lambda r: "the square root of v is taken" if r.root else "the square root of v is missing",
    "first_corrected": lambda r: f"m is {'' if r.first_corrected else 'not '}bias-corrected",
    "second_corrected": lambda r: f"v is {'' if r.second_corrected else 'not '}bias-corrected",
    "first_weighted": lambda r: f"the gradient enters m with{'' if r.first_weighted else 'out'} the factor 1 - beta1",
    "second_weighted": lambda r: f"its square enters v with{'' if r.second_weighted else 'out'} the factor 1 - beta2",
    "stale_first": lambda r: f"m is that of {'the step before' if r.stale_first else 'this step'}",
    "stale_second": lambda r: f"v is that of {'the step before: it is stale' if r.stale_second else 'this step'}",
    "decay": lambda r: {
        "none": "there is no weight decay",
        "decoupled": f"weight decay {r.weight_decay:g} is decoupled from the gradient",
        "decoupled, not times the step size": f"weight decay {r.weight_decay:g} is not multiplied by the step size",
        "in the gradient": f"weight decay {r.weight_decay:g} is added to the gradient",
    }[r.decay],
    "decay_sign": lambda r: (
        f"weight decay {'shrinks' if r.decay_sign == 1 else 'GROWS'} the parameters"
        + ("" if r.decay_sign == 1 else ": its sign is wrong")
    ),
    "direction": lambda r: "it descends" if r.direction == 1 else "it climbs: the sign of the step is wrong",
}


def differences(declared: Recursion, found: Recursion) -> tuple[str, ...]:
    """Return one sentence for each thing in which ``found`` is not what was declared."""
    said = []
    swapped = (found.beta1, found.beta2) == (declared.beta2, declared.beta1) != (declared.beta1, declared.beta2)
    if swapped:
        said.append(f"beta1 and beta2 are swapped: m remembers with {found.beta1:g}, v with {found.beta2:g}")
    for name in (field.name for field in fields(Recursion)):
        should, value = getattr(declared, name), getattr(found, name)
        if value == should or (swapped and name in ("beta1", "beta2")):
            continue
        if name in _PHRASES:
            said.append(_PHRASES[name](found))
        elif name != "weight_decay" or found.decay == declared.decay:
            said.append(f"{name} is {value:.9g}, not {should:.9g}")
    return tuple(said)
