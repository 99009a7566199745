"""The Adam field by number: spectral quadrature, Jacobian, laws, Monte-Carlo oracle, enclosures."""

from adamsym.field.adam_field import AdamField
from adamsym.field.batches.batch_mean import BatchMean
from adamsym.field.batches.batch_quotient import batch_quotient
from adamsym.field.bias import batch_bias, memory_bias
from adamsym.field.float.laplace_quadrature import Quotient, quotient
from adamsym.field.laws.gradient_laws import Atoms, Density, Exponential, GradientLaw, Mixture, Normal, Uniform
from adamsym.field.laws.law_quotient import LawQuotient, law_quotient
from adamsym.field.linearization import Linearization
from adamsym.field.long_run import long_run_field
from adamsym.field.monte_carlo import Estimate, monte_carlo
from adamsym.field.signs.sign_mean import SignMean, sign_mean
from adamsym.field.values import FieldValue

__all__ = [
    "AdamField",
    "Atoms",
    "BatchMean",
    "Density",
    "Estimate",
    "Exponential",
    "FieldValue",
    "GradientLaw",
    "LawQuotient",
    "Linearization",
    "Mixture",
    "Normal",
    "Quotient",
    "SignMean",
    "Uniform",
    "batch_bias",
    "batch_quotient",
    "law_quotient",
    "long_run_field",
    "memory_bias",
    "monte_carlo",
    "quotient",
    "sign_mean",
]
