"""Intervals of float64, rounded outward: enclosures of the field for searches, many times as fast as balls."""
