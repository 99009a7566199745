"""The Adam field of a network: modules of PyTorch and functions of JAX as sources of stochastic gradients.

The libraries are imported when a class of this package is used, and not before.
"""

from adamsym.networks.comparison import Comparison, MeanIterate, compare
from adamsym.networks.jax_source import JaxGradients
from adamsym.networks.source import NetworkGradients
from adamsym.networks.symmetry import HiddenLayer, canonical, hidden_layers
from adamsym.networks.torch_source import TorchGradients
from adamsym.networks.training import Training, train

__all__ = [
    "Comparison",
    "HiddenLayer",
    "JaxGradients",
    "MeanIterate",
    "NetworkGradients",
    "TorchGradients",
    "Training",
    "canonical",
    "compare",
    "hidden_layers",
    "train",
]
