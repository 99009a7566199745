"""Chains of an optimizer of PyTorch, all as one parameter of shape (chains, d)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.optional import library
from adamsym.networks.torch_functions import plain_attention
from adamsym.networks.torch_source import TorchGradients

TRIED = 3
"""Steps, on drawn gradients, after which a chain must be where it would be without the others."""


class TorchChains:
    """Chains that advance together; each has minibatches of its own.

    ``optimizer(parameters, lr=...)`` returns the optimizer, as the classes of ``torch.optim`` do. Its update must be
    elementwise: then the chains, rows of one parameter, do not know of each other.
    """

    def __init__(self, source: TorchGradients, optimizer: Callable[..., Any], theta: FloatArray) -> None:
        self._torch = library("torch")
        self._source = source
        _require_elementwise(optimizer, source.dimension)
        self._theta = source._tensor(theta)
        self._theta.grad = self._torch.zeros_like(self._theta)
        self._optimizer = _made(optimizer, self._theta)
        self._gradients: Callable[..., Any] | None = None

    @property
    def theta(self) -> FloatArray:
        """Where the chains are, shape (chains, d)."""
        return np.array(self._theta.numpy(force=True))

    def advance(self, numbers: NDArray[np.intp], step_sizes: FloatArray) -> FloatArray:
        """Take steps with the rows of numbers (steps, chains, B); return the sum of theta after each, (chains, d)."""
        source, total = self._source, self._torch.zeros_like(self._theta)
        with self._torch.no_grad():
            for chosen, step_size in zip(
                self._torch.tensor(numbers, device=total.device), step_sizes.tolist(), strict=True
            ):
                given = (self._theta, source._inputs[chosen], source._targets[chosen])
                if self._gradients is None:
                    self._gradients = self._traced(given)
                self._theta.grad.copy_(self._gradients(*given))
                for group in self._optimizer.param_groups:
                    group["lr"] = step_size
                self._optimizer.step()
                total += self._theta
        return np.array(total.numpy(force=True))

    def _traced(self, given: tuple[Any, ...]) -> Callable[..., Any]:
        """The gradients of all chains' minibatches as one list of operations, which takes a tenth of the time."""
        torch = self._torch

        def loss(flat: Any, rows: Any, targets: Any) -> Any:
            return torch.func.vmap(self._source._row, in_dims=(None, 0, 0))(flat, rows, targets).mean()

        mapped = torch.func.vmap(torch.func.grad(loss))

        def function(*of_chains: Any) -> Any:
            with plain_attention():
                return mapped(*of_chains)

        with self._source._refusing():
            traced: Callable[..., Any] = library("torch.fx.experimental.proxy_tensor").make_fx(function)(*given)
            # At another point and with rows in another order: what was fixed by the trace would show.
            other = (given[0] + 0.01 * torch.ones_like(given[0]), given[1].flip(0), given[2].flip(0))
            found, expected = traced(*other), function(*other)
            size = expected.abs().max()
            agrees = bool(((found - expected).abs() <= 1e-12 * size).all())
        return traced if agrees else function


def _made(optimizer: Callable[..., Any], parameter: Any) -> Any:
    try:
        made = optimizer([parameter], lr=1e-3)
    except Exception as error:
        raise InputError(f"optimizer: {type(error).__name__}: {error}") from error
    if not hasattr(made, "param_groups") or not hasattr(made, "step"):
        raise InputError(
            f"optimizer: it returns a {type(made).__name__}; give a class of torch.optim, or partial(torch.optim.Adam, "
            "betas=(0.9, 0.99))"
        )
    return made


def _require_elementwise(optimizer: Callable[..., Any], dimension: int) -> None:
    """Refuse an optimizer with which a chain depends on the others, by a few steps with it alone."""
    torch = library("torch")
    gradients = torch.tensor(np.random.default_rng(0).normal(size=(TRIED, 3, dimension)) * [[[1.0], [100.0], [0.01]]])
    ends = []
    for rows in (slice(0, 3), slice(0, 1)):
        parameter = torch.ones((rows.stop, dimension), dtype=torch.float64)
        made = _made(optimizer, parameter)
        for gradient in gradients:
            parameter.grad = gradient[rows].clone()
            try:
                with torch.no_grad():
                    made.step()
            except Exception as error:
                raise InputError(f"optimizer: {type(error).__name__}: {error}") from error
        ends.append(parameter[0])
    if not torch.allclose(*ends, rtol=1e-9, atol=1e-12):
        raise InputError(
            f"optimizer: the update of {type(made).__name__} is not elementwise: a chain's depends on the other chains"
        )
