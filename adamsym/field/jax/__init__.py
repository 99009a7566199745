"""The quadrature of many finite laws as arrays in JAX, for accelerators."""
