"""Conformance of optimizers: which recursion one is, and which field it follows."""

from adamsym.testing.conformance.adapters import Adapter, keras_adapter, optax_adapter, torch_adapter, update_adapter
from adamsym.testing.conformance.checking import Conformance, check_optimizer
from adamsym.testing.conformance.field_test import FieldTest
from adamsym.testing.conformance.recursion import Recursion

__all__ = [
    "Adapter",
    "Conformance",
    "FieldTest",
    "Recursion",
    "check_optimizer",
    "keras_adapter",
    "optax_adapter",
    "torch_adapter",
    "update_adapter",
]
