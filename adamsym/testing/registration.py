"""Types in use get their strategies: when Hypothesis is loaded after them, and when pytest has collected tests.

Anywhere else ``import adamsym.testing.strategies`` registers them; importing adamsym alone registers nothing.
"""

import sys


def register_if_used() -> None:
    """Register the strategies of adamsym's types, if Hypothesis and the packages of these types are loaded already."""
    if {"hypothesis", "adamsym.methods", "adamsym.gradients"} <= sys.modules.keys():
        # Registers them as it is imported.
        import adamsym.testing.strategies  # noqa: F401
