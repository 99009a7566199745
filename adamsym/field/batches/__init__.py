"""Means of minibatches: laws of sums of independent gradients, and the field in them."""
