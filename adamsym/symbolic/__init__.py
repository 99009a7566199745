"""SymPy forms of the Adam field, and derivations whose every step is checked."""

from adamsym.symbolic.derivation import Derivation, DerivationError, Step
from adamsym.symbolic.derive import derive
from adamsym.symbolic.equality import Check, exact_equality, numerical_equality
from adamsym.symbolic.lyapunov import LyapunovDerivative, lyapunov_derivative
from adamsym.symbolic.symbolic_field import Expansion, SymbolicField

__all__ = [
    "Check",
    "Derivation",
    "DerivationError",
    "Expansion",
    "LyapunovDerivative",
    "Step",
    "SymbolicField",
    "derive",
    "exact_equality",
    "lyapunov_derivative",
    "numerical_equality",
]
