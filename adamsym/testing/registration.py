"""Types that are in use get their strategies, when Hypothesis is loaded after them or they after it."""

import sys


def register_if_used() -> None:
    """Register the strategies of adamsym's types, if Hypothesis and the rooms of these types are loaded already."""
    if {"hypothesis", "adamsym.optimizer", "adamsym.problem"} <= sys.modules.keys():
        # Registers them as it is imported.
        import adamsym.testing.strategies  # noqa: F401
