"""Proofs of Lyapunov regions made of boxes, and the constants of the theorems on decrease."""
