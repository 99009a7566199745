"""The field of methods that move along the sign of a sum of past gradients."""
