"""Text to exact SymPy expressions, and these to functions over floats, mpmath numbers and balls."""
