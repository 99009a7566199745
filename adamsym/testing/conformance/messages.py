"""What differs between two recursions, as sentences."""

from collections.abc import Callable
from dataclasses import fields

from adamsym.testing.conformance.recursion import Correction, Mix, Recursion


def _correction(form: Correction, letter: str, beta: str, other: str) -> str:
    """How m or v is corrected."""
    return {
        "1 - beta**n": f"{letter} is divided by 1 - {beta}**n",
        "1 - beta**n, kept in the state": f"the bias correction of {letter} overwrites {letter} itself, and is kept",
        "1 - beta": f"{letter} is bias-corrected with the constant 1 - {beta}, without the power n",
        "1 - beta**(n + 1)": f"{letter} is bias-corrected with the power n + 1: its step counter is one ahead",
        "1 - beta**(n - 1)": f"{letter} is bias-corrected with the power n - 1: its step counter is one behind",
        "1 - beta**(2 n)": f"{letter} is bias-corrected with 1 - {beta}**(2 n): the exponent of {beta} is wrong",
        "1 - beta**(n/2)": f"{letter} is bias-corrected with 1 - {beta}**(n/2): the exponent of {beta} is wrong",
        "1 - beta of the other**n": f"{letter} is bias-corrected with {other} in place of {beta}",
        "root of 1 - beta**n": f"{letter} is divided by the root of its bias correction 1 - {beta}**n",
        "square of 1 - beta**n": f"{letter} is divided by the square of its bias correction 1 - {beta}**n"
        + (": the correction stands outside the root" if letter == "v" else ""),
        "1/(1 - beta**n)": f"{letter} is multiplied by its bias correction 1 - {beta}**n, not divided by it",
        "beta**n": f"{letter} is divided by {beta}**n, not by 1 - {beta}**n",
        "1 + beta**n": f"{letter} is divided by 1 + {beta}**n: the sign in its bias correction is wrong",
        "1 - beta*n": f"{letter} is bias-corrected with the product {beta} n in place of the power {beta}**n",
        "1 - n**beta": f"{letter} is bias-corrected with n**{beta} in place of {beta}**n",
        "(1 - beta)**n": f"{letter} is bias-corrected with (1 - {beta})**n in place of 1 - {beta}**n",
        "1 - beta/n": f"{letter} is bias-corrected with {beta}/n in place of {beta}**n",
        "1 - beta**n at the first step only": f"{letter} is bias-corrected at the first step only",
        "1 - product of the present betas": f"{letter} is bias-corrected with the product of the memories so far",
        "1 - the present beta**n": f"{letter} is bias-corrected with the power n of the present memory",
    }[form]


def _mix(mix: Mix, letter: str, beta: str, other: str) -> str:
    """How m or v takes in what is new."""
    what = "the gradient" if letter == "m" else "the square of the gradient"
    return {
        "beta and 1 - beta": f"{letter} is {beta} times the old plus 1 - {beta} times the new",
        "1 - beta and beta": f"the factors {beta} and 1 - {beta} in {letter} are exchanged",
        "beta and beta": f"{what} enters {letter} with the factor {beta}, not 1 - {beta}",
        "beta and 1 - beta of the other": f"{what} enters {letter} with the factor 1 - {other}, not 1 - {beta}",
        "beta of the other and 1 - beta": f"{letter} remembers with {other}, not {beta}",
        "beta of the other and 1 - beta of the other": f"{letter} is averaged with {other} in place of {beta}",
        "1 and 1 - beta": f"the old {letter} is not multiplied by {beta}: {letter} forgets nothing",
        "1 and 1": f"{letter} is a sum, without factors: {letter} forgets nothing",
        "beta**2 and 1 - beta**2": f"{letter} is averaged with the square of {beta}: perhaps updated twice",
        "root of beta and its rest": f"{letter} is averaged with the root of {beta}",
    }[mix]


_GRADIENT = {
    "as given": "the gradient is taken as it is given",
    "one step late": "the gradient is that of the step before: it is stale",
    "clipped by value": "the gradient is clipped to at most {clip:.9g} in each coordinate",
    "clipped by the norm of its tensor": "the gradient of each tensor is clipped to norm {clip:.9g}",
    "clipped by the norm of all tensors": "the gradient is clipped to norm {clip:.9g} over all tensors",
    "clipped by the norm of all tensors plus 1e-6": "the gradient is clipped to norm {clip:.9g} over all tensors, as "
    "torch.nn.utils.clip_grad_norm_ does",
    "divided by the norm of its tensor": "the gradient of each tensor is divided by its norm",
    "centred over its tensor": "the mean of each tensor's gradient is subtracted from it",
    "its sign": "the sign of the gradient is used in place of the gradient",
}
_COUNTER = {
    "n": "the step counter is n",
    "n + 1": "the step counter is one ahead: the corrections use n + 1 at step n",
    "n - 1": "the step counter is one behind: the corrections use n - 1 at step n",
    "n - 1, at least 1": "the step counter is one behind: the corrections use n - 1 at step n, and 1 at the first",
    "1 always": "the step counter stays at 1: the corrections are the constants 1 - beta1 and 1 - beta2",
    "2 n": "the step counter counts every step twice: the corrections use 2 n at step n",
    "counts tensors": "the step counter counts every tensor as a step",
}
_AHEAD = {
    "next step": "the look-ahead's momentum is weighted and corrected as of the next step",
    "this step": "the look-ahead's momentum is weighted and corrected as of this step, not the next",
    "no product": "the look-ahead is corrected with its present weight alone, not with the product of all",
    "gradient not corrected": "the gradient in the look-ahead is not bias-corrected",
    "gradient without its factor": "the gradient enters the look-ahead without its factor 1 - beta1",
    "m without its factor": "m enters the look-ahead without its factor beta1",
    "gradient left out": "the gradient itself is missing in the look-ahead",
    "weights exchanged": "the weights of gradient and m in the look-ahead are exchanged",
}
_SCALING = {
    "none": "the step is not scaled",
    "trust ratio of each tensor": "each tensor's step is scaled by its trust ratio, as in LAMB",
    "clipped by value": "the update is clipped to at most {clip:.9g} in each coordinate",
    "clipped by root mean square": "the update of each tensor is clipped to root mean square {clip:.9g} (Adafactor)",
    "one step late": "each step is the one that belongs to the step before",
}
_NUMERATOR = {
    "m": "the numerator is the running mean m of the gradients",
    "gradient": "the numerator is the gradient itself: there is no momentum",
    "look-ahead": "the numerator is Nesterov's look-ahead",
    "look-ahead with slowly growing weight": "the numerator is a look-ahead of slowly growing weight, as torch's",
    "look-ahead with growing weight": "the numerator is a look-ahead of growing weight, as keras's",
    "sign of m": "the numerator is the sign of m",
    "m plus gradient": "the numerator is m plus the gradient",
    "square of m": "the numerator is the square of m",
}
_SECOND_MOMENT = {
    "mean of squares": "v is the running mean of the squared gradients",
    "largest mean of squares": "v never decreases: the largest mean of squares so far is used (amsgrad)",
    "largest corrected mean of squares": "v never decreases: the largest corrected mean so far is used (amsgrad)",
    "largest mean of squares, kept as v": "v never decreases: v itself is replaced by the largest so far",
    "smallest mean of squares": "v never increases: the smallest mean of squares so far is used, not the largest",
    "largest gradient": "v is the largest recent gradient, as in Adamax",
    "largest gradient, eps added to each": "v is the largest recent gradient, as in Adamax, with eps added to each",
    "largest gradient, eps added before the comparison": "eps is added to the old v before it is compared",
    "largest gradient, bias-corrected": "v is the largest recent gradient, bias-corrected, which Adamax's is not",
    "largest gradient, which never decreases": "v is the largest gradient ever: it is not multiplied by beta2",
    "largest signed gradient": "v is the largest recent gradient with its sign: the absolute value is missing",
    "largest mean gradient": "v is the largest running mean of the absolute gradients",
    "sum of absolute values": "v is the sum of forgotten and new absolute value, not the larger of the two",
    "variance": "v is centred: the squared mean gradient is subtracted",
    "sum of squares": "v is the sum of all squared gradients and forgets nothing, as in Adagrad",
    "mean of all squares": "v is the plain mean of all squared gradients and forgets nothing",
    "squares, not averaged": "v is the present squared gradient: it is not averaged",
}
_AVERAGED = {
    "squares": "v averages the squared gradients",
    "squares of deviations from m before": "v averages squared deviations from the m of the step before",
    "squares of deviations from m": "v averages squared deviations from m, as in AdaBelief",
    "squares of differences": "v averages the squares of the gradients' changes",
    "absolute values": "v averages absolute values: the gradients are not squared",
    "gradients": "v averages the gradients: they are not squared",
    "absolute cubes": "v averages the cubes of absolute values, not squares",
    "squares of m": "v averages the squares of m, not of the gradients",
    "squares of corrected m": "v averages the squares of the corrected m, not of the gradients",
    "products of m and gradient": "v averages the products of m and the gradient, not squared gradients",
    "squares over all coordinates": "v is averaged over the coordinates: all share one v",
    "squares over its tensor": "v is averaged over the coordinates of each tensor, which share one v",
    "squares over its row": "v is averaged over the coordinates of each row (the last axis), which share one v",
    "squares over its column": "v is averaged over the coordinates of each column (the first axis), which share one v",
}
_EPS_PLACE = {
    "outside the root": "eps is added outside the square root, after the bias correction of v",
    "inside the root": "eps is added inside the square root",
    "outside the root, before the correction": "eps is added outside the square root, before v is bias-corrected",
    "inside the root, before the correction": "eps is added inside the square root, before v is bias-corrected",
    "nowhere": "eps is not added anywhere",
    "outside and inside the root": "eps is added in two places: outside and inside the square root",
    "outside the root, before and after the correction": "eps is added in two places: before and after v is corrected",
    "outside the root, and inside before the correction": "eps is added in two places: outside the square root, "
    "and inside it before v is bias-corrected",
    "squared, inside the root": "the square of eps is added inside the square root",
    "its root, outside the root": "the square root of eps is added outside the square root",
    "twice, outside the root": "eps is added twice outside the square root",
    "subtracted": "eps is subtracted, not added",
    "larger of root and eps": "eps is a lower bound and not added: the larger of sqrt(v) and eps is taken",
    "larger of v and eps, inside the root": "eps is a lower bound of v and not added: the root of the larger is taken",
    "added to v at each step": "eps is added to v itself at each step, and is kept in it",
    "added to each square": "eps is added to each squared gradient",
    "divided by the root of the correction": "eps is multiplied by the root of the bias correction of v",
    "times the step size": "eps is multiplied by the step size",
    "added to the quotient": "eps is added to the quotient, not to the denominator",
    "multiplied": "the root of v is multiplied by 1 + eps: eps is not added",
}


def _decay(r: Recursion) -> str:
    w = f"weight decay {r.weight_decay:g}"
    return {
        "none": "there is no weight decay",
        "decoupled": f"{w} is decoupled from the gradient",
        "decoupled, not times the step size": f"{w} is not multiplied by the step size",
        "in the gradient": f"{w} is added to the gradient",
        "decoupled, after the step": f"{w} is applied after the step, to the parameters that it has reached",
        "decoupled, with the square of the step size": f"{w} is multiplied by the step size twice",
        "decoupled, for matrices only": f"{w} is applied to matrices only, not to vectors",
        "decoupled, without the parameter": f"{w} is subtracted without the parameter: it is a constant",
        "decoupled, not times the step size, without the parameter": f"{w} is subtracted without the parameter, and "
        "without the step size: it is a constant",
        "decoupled, of the sign of the parameter": f"{w} is that of the sign of the parameter (l1)",
        "decoupled, of the square of the parameter": f"{w} is that of the square of the parameter",
        "decoupled, of the first parameters": f"{w} is that of the parameters at the start, not the present ones",
        "in the gradient, without the parameter": f"{w} is added to the gradient without the parameter, a constant",
        "in the gradient, of the sign of the parameter": f"{w} of the parameter's sign is added to the gradient (l1)",
        "in the gradient, for m only": f"{w} is added to the gradient that enters m, but not to that of v",
        "in the gradient, for v only": f"{w} is added to the gradient that enters v, but not to that of m",
        "in the gradient and decoupled": f"{w} is applied twice: in the gradient and decoupled from it",
        "in the numerator": f"{w} is added to the numerator, and divided by the root of v",
    }[r.decay]


_STARTS = {"0": "0", "the first gradient": "what first enters it", "1": "1"}
_PHRASES: dict[str, Callable[[Recursion], str]] = {
    "numerator": lambda r: _NUMERATOR[r.numerator],
    "second_moment": lambda r: _SECOND_MOMENT[r.second_moment],
    "averaged": lambda r: _AVERAGED[r.averaged],
    "eps_place": lambda r: _EPS_PLACE[r.eps_place],
    "root": lambda r: "the square root of v is taken" if r.root else "the square root of v is missing",
    "first_corrected": lambda r: f"m is {'' if r.first_corrected else 'not '}bias-corrected",
    "second_corrected": lambda r: f"v is {'' if r.second_corrected else 'not '}bias-corrected",
    "first_weighted": lambda r: f"the gradient enters m with{'' if r.first_weighted else 'out'} the factor 1 - beta1",
    "second_weighted": lambda r: f"its square enters v with{'' if r.second_weighted else 'out'} the factor 1 - beta2",
    "stale_first": lambda r: f"m is that of {'the step before: it is stale' if r.stale_first else 'this step'}",
    "stale_second": lambda r: f"v is that of {'the step before: it is stale' if r.stale_second else 'this step'}",
    "decay": _decay,
    "decay_sign": lambda r: (
        f"weight decay {'shrinks' if r.decay_sign == 1 else 'GROWS'} the parameters"
        + ("" if r.decay_sign == 1 else ": its sign is wrong")
    ),
    "direction": lambda r: "it descends" if r.direction == 1 else "it climbs: the sign of the step is wrong",
    "gradient": lambda r: _GRADIENT[r.gradient].format(clip=r.clip),
    "counter": lambda r: _COUNTER[r.counter],
    "first_correction": lambda r: _correction(r.first_correction, "m", "beta1", "beta2"),
    "second_correction": lambda r: _correction(r.second_correction, "v", "beta2", "beta1"),
    "first_mix": lambda r: _mix(r.first_mix, "m", "beta1", "beta2"),
    "second_mix": lambda r: _mix(r.second_mix, "v", "beta2", "beta1"),
    "first_start": lambda r: f"m begins with {_STARTS[r.first_start]}",
    "second_start": lambda r: f"v begins with {_STARTS[r.second_start]}",
    "ahead": lambda r: _AHEAD[r.ahead],
    "scaling": lambda r: _SCALING[r.scaling].format(clip=r.clip),
    "momentum_kind": lambda r: f"momentum of the quotients is {r.momentum_kind}",
    "exponent": lambda r: f"v is taken to the power {r.exponent:.9g}, not 1/2",
    "eps_root": lambda r: f"{r.eps_root:.9g} is added to v inside the square root",
    "momentum": lambda r: (
        f"the quotients have momentum {r.momentum:.9g}"
        + ("" if r.momentum_kind == "added up" else f", {r.momentum_kind}")
    ),
    "reset_every": lambda r: f"m and v begin anew every {r.reset_every} steps" if r.reset_every else "m and v go on",
    "frozen_after": lambda r: f"v is kept as it is after step {r.frozen_after}" if r.frozen_after else "v goes on",
    "step_sizes": lambda r: (
        f"the step size changes from step to step: {_shown(r.step_sizes)} (a schedule, or another bias correction)"
    ),
    "memories1": lambda r: f"beta1 is no constant, it follows a schedule: {_shown(r.memories1)}",
    "memories2": lambda r: f"beta2 is no constant, it follows a schedule: {_shown(r.memories2)}",
}


def _shown(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values[:5]) + f", ..., {values[-1]:.4g}" if values else "constant"


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
        if name in _SILENT and _SILENT[name](declared, found):
            continue
        if name in _PHRASES:
            said.append(_PHRASES[name](found))
        else:
            said.append(f"{name} is {value:.9g}, not {should:.9g}")
    return tuple(said)


_SILENT: dict[str, Callable[[Recursion, Recursion], bool]] = {
    # Said together with what they belong to.
    "weight_decay": lambda declared, found: found.decay != declared.decay,
    "clip": lambda declared, found: (found.gradient, found.scaling) != (declared.gradient, declared.scaling),
    "momentum_kind": lambda declared, found: declared.momentum == 0,
    "first_correction": lambda declared, found: (
        bool(found.memories1) and found.first_correction.endswith("1 - beta**n")
    ),
}
