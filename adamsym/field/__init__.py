"""The Adam field by number: spectral quadrature, Jacobian, laws, Monte-Carlo oracle, enclosures."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adamsym.field.adam_field import AdamField as AdamField
    from adamsym.field.batches.batch_mean import BatchMean as BatchMean
    from adamsym.field.batches.batch_quotient import batch_quotient as batch_quotient
    from adamsym.field.bias import batch_bias as batch_bias
    from adamsym.field.bias import memory_bias as memory_bias
    from adamsym.field.float.laplace_quadrature import Quotient as Quotient
    from adamsym.field.float.laplace_quadrature import quotient as quotient
    from adamsym.field.laws.gradient_laws import Atoms as Atoms
    from adamsym.field.laws.gradient_laws import Density as Density
    from adamsym.field.laws.gradient_laws import Exponential as Exponential
    from adamsym.field.laws.gradient_laws import GradientLaw as GradientLaw
    from adamsym.field.laws.gradient_laws import Mixture as Mixture
    from adamsym.field.laws.gradient_laws import Normal as Normal
    from adamsym.field.laws.gradient_laws import Uniform as Uniform
    from adamsym.field.laws.law_quotient import LawQuotient as LawQuotient
    from adamsym.field.laws.law_quotient import law_quotient as law_quotient
    from adamsym.field.linearization import Linearization as Linearization
    from adamsym.field.long_run import long_run_field as long_run_field
    from adamsym.field.long_run_ball import enclose_long_run_field as enclose_long_run_field
    from adamsym.field.signs.sign_mean import SignMean as SignMean
    from adamsym.field.signs.sign_mean import sign_mean as sign_mean
    from adamsym.field.simulated import Estimate as Estimate
    from adamsym.field.simulated import monte_carlo as monte_carlo
    from adamsym.field.values import FieldValue as FieldValue

_MODULES = {
    "AdamField": "adamsym.field.adam_field",
    "Atoms": "adamsym.field.laws.gradient_laws",
    "BatchMean": "adamsym.field.batches.batch_mean",
    "Density": "adamsym.field.laws.gradient_laws",
    "Estimate": "adamsym.field.simulated",
    "Exponential": "adamsym.field.laws.gradient_laws",
    "FieldValue": "adamsym.field.values",
    "GradientLaw": "adamsym.field.laws.gradient_laws",
    "LawQuotient": "adamsym.field.laws.law_quotient",
    "Linearization": "adamsym.field.linearization",
    "Mixture": "adamsym.field.laws.gradient_laws",
    "Normal": "adamsym.field.laws.gradient_laws",
    "Quotient": "adamsym.field.float.laplace_quadrature",
    "SignMean": "adamsym.field.signs.sign_mean",
    "Uniform": "adamsym.field.laws.gradient_laws",
    "batch_bias": "adamsym.field.bias",
    "batch_quotient": "adamsym.field.batches.batch_quotient",
    "enclose_long_run_field": "adamsym.field.long_run_ball",
    "law_quotient": "adamsym.field.laws.law_quotient",
    "long_run_field": "adamsym.field.long_run",
    "memory_bias": "adamsym.field.bias",
    "monte_carlo": "adamsym.field.simulated",
    "quotient": "adamsym.field.float.laplace_quadrature",
    "sign_mean": "adamsym.field.signs.sign_mean",
}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    # What needs one module of this subpackage need not wait for Numba, SciPy and SymPy.
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module 'adamsym.field' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
