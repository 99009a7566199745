"""Float64: laws of one gradient coordinate, Laplace quadrature with error estimates, adjoints."""
