"""Derivatives of the field in the numbers of the method, enclosed in ball arithmetic (theory N-Proposition 8)."""

from adamsym.field.slopes.in_beta import slope_in_beta

__all__ = ["slope_in_beta"]
