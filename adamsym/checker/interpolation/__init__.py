"""Re-checks of Lyapunov regions around interpolating points, and of global ones."""
