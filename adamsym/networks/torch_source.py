"""Modules of PyTorch as sources of stochastic gradients."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number
from adamsym.expressions.optional import library
from adamsym.networks.source import SAME, NetworkGradients, Numbers, entry_names, in_one_line, require_functions
from adamsym.networks.torch_checks import (
    checked_data,
    checked_parameters,
    refuse_coupled_rows,
    refuse_layers,
    weights_that_count,
)
from adamsym.networks.torch_functions import plain_attention, twice_differentiable

_HESSIANS_AT_ONCE = 2**20
"""Numbers of the rows' Hessians that are made at once: 8 MB, and some times that on the way."""


class TorchGradients(NetworkGradients):
    """The gradients of a module of PyTorch in its trained parameters, for each row of a data set.

    Parameters
    ----------
    module
        A ``torch.nn.Module`` in float64 that maps a batch, whose first axis are the rows, to one tensor whose first
        axis are the rows, each on its own. Its parameters with ``requires_grad`` are theta, in the order of
        ``module.named_parameters()``; frozen ones are constants, and those shared between layers are there once.
    row_loss
        A function of the output and the target of one row (without the axis of the batch) that returns one number.
    inputs, targets
        Tensors or arrays, float64 or integers, with a row each along the first axis, on the device of the module. They
        are copied.
    batch_size
        Rows of a minibatch, drawn independently with replacement.
    weights
        One for each row, as of :class:`adamsym.gradients.Empirical`; equal if omitted.
    regularizer
        A function of the trained parameters, a dictionary of tensors by name, that returns a number: it is added to
        the loss of every row, as in ``lambda p: 0.01 * sum((w**2).sum() for w in p.values())``.
    chunk_rows
        Rows that are differentiated at once; chosen by the number of parameters if omitted. Fewer take less memory.

    Raises
    ------
    InputError
        For modules or data that are not float64 or lie on different devices, layers that couple the rows of a
        batch, are random or change the module (batch normalization, dropout in training mode), modules without
        trained parameters, numbers of rows that differ, losses that are no finite number, that depend on trained
        tensors other than theta, or whose class weights cancel.

    Examples
    --------
    With a module and its data in float64::

        source = TorchGradients(module, torch.nn.functional.cross_entropy, inputs, targets, batch_size=32)
        field = AdamField(source, Adam())
        field(source.theta)
    """

    def __init__(
        self,
        module: Any,
        row_loss: Callable[..., Any],
        inputs: Any,
        targets: Any,
        batch_size: int = 32,
        *,
        weights: Sequence[Number] | None = None,
        regularizer: Callable[..., Any] | None = None,
        chunk_rows: int | None = None,
    ) -> None:
        self._torch = library("torch")
        self._parameters = checked_parameters(module)
        require_functions({"row_loss": row_loss, "regularizer": regularizer}, optional="regularizer")
        self._module, self._row_loss, self._regularizer = module, row_loss, regularizer
        refuse_layers(module)
        self._device = next(iter(self._parameters.values())).device
        self._inputs, self._targets = checked_data(inputs, targets, self._device)
        shapes = [(name, tuple(parameter.shape)) for name, parameter in self._parameters.items()]
        self._shapes = [shape for _, shape in shapes]
        self._sizes = [parameter.numel() for parameter in self._parameters.values()]
        self.names = entry_names(shapes)
        self._set_rows(len(self._inputs), batch_size, weights)
        with self._refusing():
            self._set_chunks(refuse_coupled_rows(module, self._inputs), chunk_rows)
            self._try_out()

    def __repr__(self) -> str:
        """The module's class and the sizes."""
        return (
            f"<TorchGradients: {type(self._module).__name__} with {self.dimension} parameters, {self._rows} rows, "
            f"minibatches of {self.batch_size}>"
        )

    # --- the module's parameters ----------------------------------------------------------------------------------

    @property
    def theta(self) -> FloatArray:
        """The module's present parameters, shape (d,); InputError if they are float64 no more."""
        self._require_float64()
        flat = [parameter.detach().reshape(-1) for parameter in self._parameters.values()]
        return np.array(self._torch.cat(flat).cpu().numpy())

    def parameters(self, theta: ArrayLike) -> dict[str, Any]:
        """Return theta (d,) as tensors by name, as ``module.named_parameters()`` has them."""
        tensor = self._tensor(self._point(theta, "parameters"))
        return {name: part.clone() for name, part in self._by_name(tensor).items()}

    def load(self, theta: ArrayLike) -> None:
        """Write theta (d,) into the module; InputError if its parameters are float64 no more."""
        self._require_float64()
        with self._torch.no_grad():
            for name, value in self.parameters(theta).items():
                self._parameters[name].copy_(value)

    def _require_float64(self) -> None:
        """Refuse a module that was converted: its frozen parameters and buffers are rounded too."""
        for name, parameter in self._parameters.items():
            if parameter.dtype != self._torch.float64:
                raise InputError(f"module: {name} has become {parameter.dtype}; call module.double()")

    def _tensor(self, values: FloatArray) -> Any:
        return self._torch.tensor(values, dtype=self._torch.float64, device=self._device)

    def _by_name(self, flat: Any) -> dict[str, Any]:
        parts = flat.split(self._sizes)
        return {
            name: part.reshape(shape) for name, part, shape in zip(self._parameters, parts, self._shapes, strict=True)
        }

    # --- one row, and chunks of rows ------------------------------------------------------------------------------

    def _row(self, flat: Any, row: Any, target: Any) -> Any:
        parameters = self._by_name(flat)
        output = self._torch.func.functional_call(self._module, parameters, (row[None],))
        loss = self._row_loss(output[0], target)
        if self._regularizer is not None:
            loss = loss + self._regularizer(parameters)
        if not isinstance(loss, self._torch.Tensor) or loss.ndim:
            what = f"shape {tuple(loss.shape)}" if hasattr(loss, "shape") else shown(loss)
            raise InputError(f"row_loss: it returns {what} for one row; it must return one number, as with .sum()")
        return loss

    def _gradient(self, flat: Any, row: Any, target: Any) -> Any:
        return self._torch.func.grad(self._row)(flat, row, target)

    def _mapped(self, function: Callable[..., Any], flat: Any, numbers: Numbers) -> Any:
        """Return the function's values for rows, at one point or at one for each row."""
        self._require_float64()
        rows = self._torch.tensor(numbers, device=self._device)
        mapped = self._torch.func.vmap(function, in_dims=(None if flat.ndim == 1 else 0, 0, 0))
        with plain_attention():
            return mapped(flat, self._inputs[rows], self._targets[rows])

    def _losses(self, theta: FloatArray, numbers: Numbers) -> FloatArray:
        with self._torch.no_grad(), self._refusing():
            return _array(self._mapped(self._row, self._tensor(theta), numbers))

    def _gradients(self, theta: FloatArray, numbers: Numbers) -> FloatArray:
        with self._refusing():
            return _array(self._mapped(self._gradient, self._tensor(theta), numbers))

    def _weighted_gradient(self, theta: FloatArray, numbers: Numbers, weights: FloatArray) -> FloatArray:
        shares = self._tensor(weights)
        summed = self._torch.func.grad(lambda flat: shares @ self._mapped(self._row, flat, numbers))
        with self._refusing():
            return _array(summed(self._tensor(theta)))

    def _tangents(self, theta: FloatArray, numbers: Numbers, vector: FloatArray) -> FloatArray:
        point, along = self._tensor(theta), self._tensor(vector)
        with twice_differentiable():
            if self._has_forward_mode:
                try:
                    derivative = self._torch.func.jvp
                    return _array(
                        derivative(lambda at: self._mapped(self._gradient, at, numbers), (point,), (along,))[1]
                    )
                except NotImplementedError:
                    self._has_forward_mode = False

            def slope(flat: Any, row: Any, target: Any) -> Any:
                return self._gradient(flat, row, target) @ along

            # Hessians are symmetric: the derivative along a vector is the gradient of the slope along it.
            return _array(self._mapped(self._torch.func.grad(slope), point, numbers))

    _has_forward_mode: bool = True
    """Whether all operations of the network have derivatives forward over reverse."""

    def _cotangent(self, theta: FloatArray, numbers: Numbers, vectors: FloatArray) -> FloatArray:
        with twice_differentiable():
            point = self._tensor(theta)
            back = self._torch.func.vjp(lambda flat: self._mapped(self._gradient, flat, numbers), point)[1]
            return _array(back(self._tensor(vectors))[0])

    def _weighted_hessian(self, point: FloatArray, weights: FloatArray) -> FloatArray:
        """All columns at once where the rows' Hessians are small: d products cost d calls of the module."""
        if not self._has_hessians or self.chunk_rows < self._rows or weights.size * len(point) > _HESSIANS_AT_ONCE:
            return super()._weighted_hessian(point, weights)
        vector = np.random.default_rng(0).normal(size=len(point))
        # This compares the library's products with differences too, once.
        expected = None if self._are_hessians_compared else self.weighted_product(point, weights, vector)
        try:
            with twice_differentiable():
                rows = self._mapped(self._torch.func.jacrev(self._gradient), self._tensor(point), self._all)
            found = np.einsum("ia,aij->ij", weights, _array(rows))
        except RuntimeError:
            self._has_hessians = False
            return super()._weighted_hessian(point, weights)
        if expected is not None:
            allowed = SAME * (np.abs(found) @ np.abs(vector)).max()
            self._has_hessians = bool(np.abs(found @ vector - expected).max() <= allowed)
            self._are_hessians_compared = True
        return found if self._has_hessians else super()._weighted_hessian(point, weights)

    _has_hessians: bool = True
    """Whether the library has all columns of a Hessian at once, and they agree with a product."""

    _are_hessians_compared: bool = False

    # --- what is refused ------------------------------------------------------------------------------------------

    def _try_out(self) -> None:
        """Refuse a loss that is no finite number of float64 or no function of theta, on two rows."""
        rows = np.arange(min(2, self._rows))
        losses = self._mapped(self._row, self._tensor(self.theta), rows)
        if losses.dtype != self._torch.float64:
            raise InputError(f"row_loss: it returns {losses.dtype}; compute in float64 throughout")
        self._require_finite(_array(losses), rows, "the loss")
        with self._torch.enable_grad(), weights_that_count():
            loss = self._row(self._tensor(self.theta), self._inputs[0], self._targets[0])
        if loss.requires_grad:
            raise InputError(
                "module or row_loss: the loss depends on trained tensors besides theta; give a penalty as "
                "regularizer=, register layers as in nn.ModuleList, and set requires_grad_(False) on constants"
            )
        self._finite(self._gradients(self.theta, rows), rows)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Say in one line what torch, the module or the loss refuses."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:
            if "randomness" in str(error):
                raise InputError(
                    "module: a layer is random; the field needs one function: call module.eval(), or take the layer out"
                ) from None
            raise InputError(f"module or row_loss: {in_one_line(error)}") from error


def _array(tensor: Any) -> FloatArray:
    found: FloatArray = tensor.detach().cpu().numpy()
    return found
