"""The Adam field of a network: modules of PyTorch and functions of JAX as sources of stochastic gradients.

The libraries are imported when a class of this package is used, and not before.
"""

from adamsym.networks.jax_source import JaxGradients
from adamsym.networks.source import NetworkGradients
from adamsym.networks.torch_source import TorchGradients

__all__ = ["JaxGradients", "NetworkGradients", "TorchGradients"]
