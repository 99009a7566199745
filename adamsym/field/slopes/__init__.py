"""Derivatives of the field in the numbers of the method, enclosed in ball arithmetic (theory N-Proposition 8)."""
