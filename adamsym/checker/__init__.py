"""Re-checks certificates by itself: interval arithmetic of mpmath, its own evaluation, nothing of what made them."""

from adamsym.checker.checking import Check, check_certificate

__all__ = ["Check", "check_certificate"]
