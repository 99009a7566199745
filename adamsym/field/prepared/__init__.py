"""The field of a problem of which all that does not depend on theta is kept, with NumPy alone: nothing to compile."""
