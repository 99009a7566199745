"""Adam written plainly, once right and in many wrong ways, apart from the package."""

import numpy as np

FAULTS = {
    "no bias correction of m": "m is not bias-corrected",
    "no bias correction of v": "v is not bias-corrected",
    "eps inside": "eps is added inside the square root",
    "no eps": "eps is not added anywhere",
    "beta swapped": "beta1 and beta2 are swapped",
    "sqrt forgotten": "the square root of v is missing",
    "stale v": "v is that of the step before",
    "stale m": "m is that of the step before",
    "wrong axis": "v is averaged over the coordinates",
    "m without its factor": "the gradient enters m without the factor 1 - beta1",
    "v without its factor": "its square enters v without the factor 1 - beta2",
    "decay's sign": "GROWS the parameters: its sign is wrong",
    "decay in the gradient": "weight decay 0.1 is added to the gradient",
    "decay not times the step": "is not multiplied by the step size",
    "v of deviations": "squared deviations from m",
    "v never decreases": "v never decreases",
    "sums all squares": "forgets nothing",
    "ascent": "the sign of the step is wrong",
    "another beta1": "beta1 is 0.85, not 0.8",
    "another beta2": "beta2 is 0.97, not 0.95",
    "no momentum": "there is no momentum",
    "sign of m": "the numerator is the sign of m",
}
"""Each fault, and words that name it."""


def plain_adamw(step_size, fault="", beta1=0.8, beta2=0.95, eps=1e-8, weight_decay=0.0):
    """``init`` and ``update`` of AdamW with one fault; none if empty."""
    if fault == "beta swapped":
        beta1, beta2 = beta2, beta1
    beta1 = 0.85 if fault == "another beta1" else beta1
    beta2 = 0.97 if fault == "another beta2" else beta2

    def init(theta):
        zeros = np.zeros_like(theta)
        return 0, zeros, zeros, zeros

    def update(gradient, state, theta):
        n, m_before, v_before, largest = state
        n += 1
        if fault == "decay in the gradient":
            gradient = gradient + weight_decay * theta
        m = beta1 * m_before + (1 if fault == "m without its factor" else 1 - beta1) * gradient
        square = gradient * gradient
        if fault == "wrong axis":
            square = np.full_like(square, square.mean())
        if fault == "v of deviations":
            square = (gradient - m) ** 2
        v = beta2 * v_before + (1 if fault == "v without its factor" else 1 - beta2) * square
        if fault == "sums all squares":
            v = v_before + square
        largest = np.maximum(largest, v)
        first = m_before if fault == "stale m" else gradient if fault == "no momentum" else m
        second = v_before if fault == "stale v" else largest if fault == "v never decreases" else v
        if fault not in ("no bias correction of m", "no momentum"):
            first = first / (1 - beta1**n)
        if fault != "no bias correction of v":
            second = second / (1 - beta2**n)
        if fault == "sign of m":
            first = np.sign(first)
        with np.errstate(all="ignore"):
            if fault == "eps inside":
                quotient = first / np.sqrt(second + eps)
            elif fault == "no eps":
                quotient = first / np.sqrt(second)
            else:
                quotient = first / ((second if fault == "sqrt forgotten" else np.sqrt(second)) + eps)
        direction = 1 if fault == "ascent" else -1
        changed = theta + direction * step_size * quotient
        if fault == "decay's sign":
            changed = changed + step_size * weight_decay * theta
        elif fault == "decay not times the step":
            changed = changed - weight_decay * theta
        elif fault != "decay in the gradient":
            changed = changed - step_size * weight_decay * theta
        return changed, (n, m, v, largest)

    return init, update
