"""Certified statements about the Adam field: all zeros in a box, Lyapunov regions, certificates."""

from adamsym.certify.zeros import Zero, Zeros, find_zeros

__all__ = ["Zero", "Zeros", "find_zeros"]
