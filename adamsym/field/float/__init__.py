"""Float64: the Laplace quadrature of finite laws, with error estimates and derivatives (theory T4)."""
