"""The Adam field by number: spectral quadrature, Jacobian, Monte-Carlo oracle, enclosures."""

from adamsym.field.adam_field import AdamField, FieldValue
from adamsym.field.monte_carlo import Estimate, monte_carlo

__all__ = ["AdamField", "Estimate", "FieldValue", "monte_carlo"]
