"""Lyapunov regions around points where all rows are fitted, for losses that are squares."""
