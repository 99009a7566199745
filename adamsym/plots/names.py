"""Names of parameters as they are typeset in figures and captions, theta1 as θ₁: plain text, for any font."""

import inspect
import re
from collections.abc import Collection

from adamsym.expressions.results import counted
from adamsym.field import AdamField
from adamsym.gradients import StochasticGradient
from adamsym.methods import Method

_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eps": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "rho": "ρ", "sigma": "σ", "tau": "τ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def typeset(name: str) -> str:
    """Return a name typeset: Greek letters as such, numbers after a letter as subscripts; other names as they are."""
    found = re.fullmatch(r"([A-Za-z]+)_?(\d*)(\[[\d,]+\])?", name)
    if found is None:
        return name
    word, number, index = found.groups()
    if word not in _GREEK and (len(word) > 1 or not number):
        return name
    return _GREEK.get(word, word) + number.translate(_SUBSCRIPTS) + (index or "")


def method_text(method: Method, varied: Collection[str] = ()) -> str:
    """Return a method with its hyper-parameters, such as Adam, β₁ = 0.9, β₂ = 0.999, ε = 1e-08, but for varied ones."""
    values = {name: getattr(method, name) for name in inspect.signature(type(method)).parameters if name not in varied}
    numbers = [
        f"{typeset(name)} = {value:.8g}" if isinstance(value, float) else f"{typeset(name)} = {value}"
        for name, value in values.items()
    ]
    return ", ".join((type(method).__name__, *numbers))


def field_text(field: AdamField, name: str = "", varied: Collection[str] = ()) -> str:
    """Return a title for figures of a field: the problem's name if it has one, the method, and how rows are drawn.

    Without values of what is ``varied`` in the figure.
    """
    return source_text(field.problem, field.adam, name, varied)


def source_text(problem: StochasticGradient, method: Method, name: str = "", varied: Collection[str] = ()) -> str:
    """Return the same of gradients and a method, whether or not the method has a field."""
    text = method_text(method, varied)
    if problem.batch_size > 1 and "batch_size" not in varied:
        text += f", minibatches of {counted(problem.batch_size, 'row')}"
    sampling = getattr(problem, "sampling", "replacement")
    if sampling != "replacement":
        text += f", {sampling}"
    return f"{name}: {text}" if name else text
