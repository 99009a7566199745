"""The Adam field of a network: modules of PyTorch and functions of JAX as sources of stochastic gradients.

The libraries are imported when a class of this package is used, and not before; so is what pages are made with.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from adamsym.networks.comparison import Comparison, MeanIterate, compare
from adamsym.networks.jax_source import JaxGradients
from adamsym.networks.source import NetworkGradients
from adamsym.networks.symmetry import HiddenLayer, canonical, hidden_layers
from adamsym.networks.torch_source import TorchGradients
from adamsym.networks.training import Training, train

if TYPE_CHECKING:
    from adamsym.networks.reporting import NetworkReport as NetworkReport
    from adamsym.networks.reporting import report as report

__all__ = [
    "Comparison",
    "HiddenLayer",
    "JaxGradients",
    "MeanIterate",
    "NetworkGradients",
    "NetworkReport",
    "TorchGradients",
    "Training",
    "canonical",
    "compare",
    "hidden_layers",
    "report",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in ("NetworkReport", "report"):
        return getattr(import_module("adamsym.networks.reporting"), name)
    raise AttributeError(f"module 'adamsym.networks' has no attribute {name!r}")
