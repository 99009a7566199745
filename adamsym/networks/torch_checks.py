"""Which modules and data of PyTorch have gradients row by row; each refusal is one line that names the layer."""

from inspect import signature
from typing import Any

import numpy as np

from adamsym.expressions.arguments import shown
from adamsym.expressions.errors import InputError
from adamsym.expressions.optional import library
from adamsym.networks.source import ROWS_TRIED, SAME


def checked_parameters(module: Any) -> dict[str, Any]:
    """Return the trained parameters by name, each once.

    Raises
    ------
    InputError
        If it is no module, a parameter or buffer is not float64, or none is trained.
    """
    torch = library("torch")
    if not isinstance(module, torch.nn.Module):
        raise InputError(f"module: {shown(module)} is not allowed; give a torch.nn.Module")
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if torch.nn.parameter.is_lazy(tensor):
            raise InputError(f"module: {name} has no shape yet; call the module once on data")
        if tensor.is_complex():
            raise InputError(f"module: {name} is complex; allowed are real parameters")
        if tensor.is_floating_point() and tensor.dtype != torch.float64:
            kind = str(tensor.dtype).removeprefix("torch.")
            raise InputError(f"module: {name} is {kind}; fields need float64: call module.double()")
    trained = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    if not sum(parameter.numel() for parameter in trained.values()):
        raise InputError("module: no trained parameter; at least one must have requires_grad")
    devices = {str(tensor.device) for tensor in (*module.parameters(), *module.buffers())}
    if len(devices) > 1:
        raise InputError(f"module: it lies on several devices ({', '.join(sorted(devices))}); allowed is one")
    return trained


def refuse_layers(module: Any) -> None:
    """Raise InputError for layers that are known to couple rows, to be random, or to change the module."""
    layers = library("torch").nn.modules
    for name, layer in module.named_modules():
        place = f"module: {name or 'it'} is {type(layer).__name__}"
        if isinstance(layer, layers.batchnorm._BatchNorm):
            raise InputError(
                f"{place}, which couples the rows of a batch; use LayerNorm or GroupNorm, or fold it into the layer "
                "before (torch.nn.utils.fusion)"
            )
        if isinstance(layer, layers.instancenorm._InstanceNorm) and layer.track_running_stats:
            raise InputError(f"{place} with running statistics, which couple the rows; set track_running_stats=False")
        if layer.training and _drops(layer, layers):
            raise InputError(f"{place} in training mode, which is random; call module.eval()")
        if getattr(layer, "max_norm", None) is not None:
            raise InputError(f"{place} with max_norm, which changes the parameters; leave max_norm out")


def _drops(layer: Any, layers: Any) -> bool:
    if isinstance(layer, layers.dropout._DropoutNd):
        return bool(layer.p > 0)
    # Attention and recurrent layers have a number of this name.
    share = getattr(layer, "dropout", 0.0)
    return isinstance(layer, layers.activation.RReLU) or (isinstance(share, float) and share > 0)


def checked_data(inputs: Any, targets: Any, device: Any) -> tuple[Any, Any]:
    """Return inputs and targets as tensors.

    Raises
    ------
    InputError
        If they are no tensors or arrays, or of another format, device or number of rows.
    """
    found = [_tensor(inputs, "inputs", device), _tensor(targets, "targets", device)]
    if len(found[0]) != len(found[1]):
        raise InputError(f"targets: {len(found[1])} rows, but inputs have {len(found[0])}; give a target for each row")
    return found[0], found[1]


def _tensor(data: Any, place: str, device: Any) -> Any:
    torch = library("torch")
    if isinstance(data, np.ndarray) and data.dtype.kind in "biuf":
        data = torch.tensor(data, device=device)
    if not isinstance(data, torch.Tensor) or data.layout != torch.strided:
        raise InputError(f"{place}: {shown(data)} is not allowed; give a dense tensor or an array of numbers")
    if data.ndim == 0 or len(data) == 0:
        raise InputError(f"{place}: shape {tuple(data.shape)} is not allowed; the first axis must be the rows")
    if data.device != device:
        raise InputError(f"{place}: on {data.device}, but the module is on {device}; write {place}.to({str(device)!r})")
    if data.is_complex() or (data.is_floating_point() and data.dtype != torch.float64):
        kind = str(data.dtype).removeprefix("torch.")
        raise InputError(f"{place}: {kind} is not allowed; allowed are float64 and integers: write {place}.double()")
    return data.detach().clone()


def refuse_coupled_rows(module: Any, inputs: Any) -> int:
    """Return how many numbers a call makes of one row.

    Raises
    ------
    InputError
        If the output of a row changes with the other rows of its batch, or from call to call.
    """
    torch = library("torch")
    rows = inputs[np.linspace(0, len(inputs) - 1, min(len(inputs), ROWS_TRIED)).astype(int)]
    if len(rows) == 1:
        rows = torch.cat([rows, rows])
    made = [0]
    with _watching(made):
        outputs = _outputs(module, rows)
    within = SAME * (outputs.abs().max().item() if outputs.numel() else 0.0)

    def differ(one: Any, other: Any) -> bool:
        return not torch.allclose(one, other, rtol=0.0, atol=within, equal_nan=True)

    if differ(outputs, _outputs(module, rows)):
        raise InputError("module: two calls give different outputs; call module.eval(), or take what is random out")
    others = rows.roll(1, 0)
    if torch.equal(others, rows) and rows.is_floating_point():
        others = 1.5 - rows
    for k in range(len(rows)):
        single = _outputs(module, rows[k : k + 1])[0]
        changed = others.clone()
        changed[k] = rows[k]
        if differ(outputs[k], single) or differ(_outputs(module, changed)[k], single):
            raise InputError(
                "module: the output of a row depends on the other rows of its batch; the field needs a loss of each "
                "row alone"
            )
    return made[0] // len(rows)


def _outputs(module: Any, rows: Any) -> Any:
    """The module's outputs, with buffers that are copies: a call that changes them is refused."""
    torch = library("torch")
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    with torch.no_grad():
        outputs = torch.func.functional_call(module, buffers, (rows,))
    if not isinstance(outputs, torch.Tensor):
        raise InputError(f"module: it returns a {type(outputs).__name__}; wrap it so that it returns one tensor")
    if outputs.ndim == 0 or len(outputs) != len(rows):
        raise InputError(
            f"module: for {len(rows)} rows it returns shape {tuple(outputs.shape)}; the first axis must be the rows"
        )
    for name, buffer in module.named_buffers():
        if not torch.equal(buffer, buffers[name]):
            raise InputError(f"module: {name} changes when it is called; call module.eval()")
    return outputs


def weights_that_count() -> Any:
    """Return a context that refuses class weights which cancel in the loss of one row.

    The mean of ``cross_entropy`` and ``nll_loss`` is divided by the weights: of one row with one class, by its own.
    """
    functions = library("torch.nn.functional")

    class Weighing(library("torch.overrides").TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if function in (functions.cross_entropy, functions.nll_loss):
                given = signature(function).bind(*args, **(kwargs or {})).arguments
                is_one_class = given["target"].ndim == 0 and not given["target"].is_floating_point()
                if is_one_class and given.get("weight") is not None and given.get("reduction", "mean") == "mean":
                    raise InputError(
                        f"row_loss: in {function.__name__} of one row class weights cancel, since its mean is divided "
                        "by them; write reduction='sum'"
                    )
            return function(*args, **(kwargs or {}))

    return Weighing()


def _watching(made: list[int]) -> Any:
    """A context that counts the numbers which are made, and in which no float64 may turn into a shorter format."""
    torch = library("torch")

    def tensors(values: Any) -> list[Any]:
        return [one for one in torch.utils._pytree.tree_leaves(values) if isinstance(one, torch.Tensor)]

    class Watching(library("torch.utils._python_dispatch").TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            found = function(*args, **(kwargs or {}))
            is_double = any(one.dtype == torch.float64 for one in tensors((args, kwargs)))
            for one in tensors(found):
                made[0] += one.numel()
                if is_double and one.is_floating_point() and one.dtype != torch.float64:
                    kind = str(one.dtype).removeprefix("torch.")
                    raise InputError(f"module: it turns float64 into {kind}; compute in float64 throughout")
            return found

    return Watching()
