"""What is optimised: sources of stochastic gradients, laws of the data, a library of losses, problem files."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adamsym.gradients.continuous import Independent as Independent
    from adamsym.gradients.coordinate_laws import CoordinateLaws as CoordinateLaws
    from adamsym.gradients.laws import Empirical as Empirical
    from adamsym.gradients.laws import Law as Law
    from adamsym.gradients.per_row import PerRowGradients as PerRowGradients
    from adamsym.gradients.problem import Problem as Problem
    from adamsym.gradients.source import StochasticGradient as StochasticGradient
    from adamsym.gradients.symbolic import SymbolicGradient as SymbolicGradient
    from adamsym.gradients.vector_field import VectorField as VectorField

_MODULES = {
    "CoordinateLaws": "adamsym.gradients.coordinate_laws",
    "Empirical": "adamsym.gradients.laws",
    "Independent": "adamsym.gradients.continuous",
    "Law": "adamsym.gradients.laws",
    "PerRowGradients": "adamsym.gradients.per_row",
    "Problem": "adamsym.gradients.problem",
    "StochasticGradient": "adamsym.gradients.source",
    "SymbolicGradient": "adamsym.gradients.symbolic",
    "VectorField": "adamsym.gradients.vector_field",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    # What needs one module of this subpackage need not wait for SciPy and SymPy.
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'adamsym.gradients' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
