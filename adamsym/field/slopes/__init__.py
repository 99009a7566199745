"""Derivatives of the field in the numbers of the method, enclosed in ball arithmetic (theory N-Proposition 8)."""

from adamsym.field.slopes.in_numbers import slope_in_beta, slope_in_eps, slope_in_ratio

__all__ = ["slope_in_beta", "slope_in_eps", "slope_in_ratio"]
