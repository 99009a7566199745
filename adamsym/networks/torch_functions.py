"""Functions of PyTorch that ``torch.func`` gets wrong or lacks, computed by others."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from adamsym.expressions.optional import library


def _layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any) -> Any:
    axes = tuple(range(-len(normalized_shape), 0))
    centred = x - x.mean(axes, keepdim=True)
    found = centred * (centred.square().mean(axes, keepdim=True) + eps).rsqrt()
    found = found if weight is None else found * weight
    return found if bias is None else found + bias


def _weight_norm(v: Any, g: Any, dim: int = 0) -> Any:
    axes = tuple(k for k in range(v.ndim) if dim == -1 or k != dim % v.ndim)
    return v * (g / v.square().sum(axes, keepdim=True).sqrt())


@contextmanager
def plain_attention() -> Iterator[None]:
    """Compute attention by the kernels that vmap and the forward mode know."""
    torch = library("torch")
    was_fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_fast)


def twice_differentiable() -> Any:
    """Return a context in which layer and weight normalization have right second derivatives under ``torch.func``.

    There torch 2.13 takes the saved mean and deviation, or norm, for constants in second derivatives, without a word
    (github.com/pytorch/pytorch/issues/196700).
    """
    torch = library("torch")
    written = {
        torch.nn.functional.layer_norm: _layer_norm,
        torch.layer_norm: _layer_norm,
        torch._weight_norm: _weight_norm,
    }

    class Written(library("torch.overrides").TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return written.get(function, function)(*args, **(kwargs or {}))

    return Written()
