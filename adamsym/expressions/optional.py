"""Libraries that are there if the user has installed them."""

from importlib import import_module
from typing import Any

from adamsym.expressions.errors import InputError

_EXTRA = {"distributed": "cluster", "optax": "jax", "bokeh": "explore"}
"""The extra that brings a library, where it has another name."""


def library(name: str) -> Any:
    """Return an optional library.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise InputError(f"{name}: not installed; install adamsym[{_EXTRA.get(name, name)}]") from None
