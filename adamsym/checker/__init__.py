"""Re-checks certificates by itself: its own evaluation, in balls or in intervals of mpmath; no code of the makers."""

from adamsym.checker.checking import Check, check_certificate

__all__ = ["Check", "check_certificate"]
