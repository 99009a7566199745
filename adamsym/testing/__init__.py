"""Property tests for everyone: strategies, properties, a conformance check of optimizers, a pytest plugin."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adamsym.testing.conformance import Adapter as Adapter
    from adamsym.testing.conformance import Conformance as Conformance
    from adamsym.testing.conformance import Recursion as Recursion
    from adamsym.testing.conformance import check_optimizer as check_optimizer
    from adamsym.testing.conformance import keras_adapter as keras_adapter
    from adamsym.testing.conformance import optax_adapter as optax_adapter
    from adamsym.testing.conformance import torch_adapter as torch_adapter
    from adamsym.testing.conformance import update_adapter as update_adapter

_CONFORMANCE = (
    "Adapter",
    "Conformance",
    "Recursion",
    "check_optimizer",
    "keras_adapter",
    "optax_adapter",
    "torch_adapter",
    "update_adapter",
)

__all__ = [*_CONFORMANCE, "properties", "strategies"]


def __getattr__(name: str) -> Any:
    # pytest imports this package at every start, for its plugin: nothing heavy before it is used.
    if name in ("properties", "strategies"):
        return import_module(f"adamsym.testing.{name}")
    if name in _CONFORMANCE:
        return getattr(import_module("adamsym.testing.conformance"), name)
    raise AttributeError(f"module 'adamsym.testing' has no attribute {name!r}")
