"""Where the grid of the quadrature begins and ends, and what counts as rounding."""

import math

LEFT_END = 1e-6
"""The first node has s at most this, in units of 1/E g^2 ..."""

LEFT_END_SERIES = 1e-8
"""... and t max g^2 at most this: there the start values' series are exact to rounding."""

LARGEST_SLOPE = 2.0
"""A control variate with a larger slope, as rare large atoms make it, would lose digits by cancellation."""

NEGLIGIBLE_START = 1e-17
"""Without the slope the integral starts where what lies left of it is at most this share of the scale."""

LOG_NEGLIGIBLE = math.log(1e-18)
"""Log of the share of the scale that the truncated right tail may have at most."""

MOST_NODES = 2**15
"""Nodes of one grid: room for 300 units of log s at the finest spacing."""

HIGH_PART = 2.0**36
"""Parts of 1 that the high part of the spacing is a multiple of: with MOST_NODES its multiples fit in 53 bits."""

ROUNDING = 1e-14
"""Rounding errors, in units of the scale."""

LINEAR_BELOW = 1e-30
"""Where max |g|/eps is at most this, F = E g/eps up to a relative 1e-30 of E|g|/eps (theory T9)."""
