"""Symmetries of hidden units: copies of a network that are the same function, and the copy next to a reference.

Hidden units that trade places, with their incoming and outgoing weights, leave the function as it is; so does a unit
whose incoming and outgoing weights all change sign, where the activation is odd. Adam commutes with both.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray

from adamsym.expressions.arguments import real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.optional import library
from adamsym.networks.torch_source import TorchGradients

ODD = ("Tanh", "Softsign", "Hardtanh", "Tanhshrink", "Softshrink", "Hardshrink", "Identity")
"""Activations of ``torch.nn`` with h(-x) = -h(x)."""

ELEMENTWISE = (*ODD, "ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "GELU", "SiLU", "Mish", "Softplus",
               "Sigmoid", "LogSigmoid", "Hardsigmoid", "Hardswish")  # fmt: skip

_SAME = 1e-10
"""By which the losses of copies may differ, relative to their size."""

_ROUNDS = 100


@dataclass(frozen=True)
class HiddenLayer:
    """Which parameters belong to the units of a hidden layer.

    Attributes
    ----------
    incoming
        Places in theta of each unit's incoming weights and bias, shape (units, k).
    outgoing
        Places of its outgoing weights, shape (units, m).
    is_odd
        Whether the activation is odd, so that a unit's signs may change.
    """

    incoming: NDArray[np.intp]
    outgoing: NDArray[np.intp]
    is_odd: bool


def hidden_layers(source: TorchGradients) -> tuple[HiddenLayer, ...]:
    """Return the hidden layers of a ``torch.nn.Sequential`` of linear layers with elementwise activations between.

    Raises
    ------
    NotApplicable
        For another module, for frozen or shared parameters, and where the loss tells copies apart, as a regularizer
        may.
    """
    if not isinstance(source, TorchGradients):
        raise NotApplicable(f"hidden_layers: {type(source).__name__} is no TorchGradients; write HiddenLayer(...)")
    nn = library("torch.nn")
    module = source._module
    parts = list(module) if isinstance(module, nn.Sequential) else []
    if not parts or not all(isinstance(part, nn.Linear) for part in parts[::2]) or len(parts) % 2 == 0:
        raise NotApplicable(
            f"hidden_layers: {type(module).__name__} is no Sequential of Linear, activation, Linear, ...; write "
            "HiddenLayer(...)"
        )
    strange = [type(part).__name__ for part in parts[1::2] if type(part).__name__ not in ELEMENTWISE]
    if strange:
        raise NotApplicable(f"hidden_layers: {strange[0]} is no known elementwise activation; write HiddenLayer(...)")
    places = _places(source)
    found = []
    for k, activation in enumerate(parts[1::2]):
        before, after = places[2 * k], places[2 * k + 2]
        weight, bias = before
        incoming = weight if bias is None else np.column_stack([weight, bias])
        # Hardtanh is odd with symmetric limits alone.
        is_odd = type(activation).__name__ in ODD and getattr(activation, "min_val", -1) == -getattr(
            activation, "max_val", 1
        )
        found.append(HiddenLayer(incoming, np.ascontiguousarray(after[0].T), is_odd))
    layers = tuple(found)
    _require_symmetric(source, layers)
    return layers


Places = tuple[NDArray[np.intp], NDArray[np.intp] | None]


def _places(source: TorchGradients) -> dict[int, Places]:
    """Where the weight and the bias of each linear layer stand in theta, by the layer's number."""
    ends = np.cumsum([0, *source._sizes])
    known = {
        name: np.arange(low, high).reshape(shape)
        for name, low, high, shape in zip(source._parameters, ends, ends[1:], source._shapes, strict=False)
    }
    found: dict[int, Places] = {}
    for number, part in list(enumerate(source._module))[::2]:
        wanted = [f"{number}.weight", *([f"{number}.bias"] if part.bias is not None else [])]
        missing = [name for name in wanted if name not in known]
        if missing:
            raise NotApplicable(f"hidden_layers: {missing[0]} is frozen or shared, so that units may not trade places")
        found[number] = known[wanted[0]], known[wanted[1]] if len(wanted) == 2 else None
    return found


def _require_symmetric(source: TorchGradients, layers: Sequence[HiddenLayer]) -> None:
    """Refuse a loss that is not the same at a random copy of a random point."""
    generator = np.random.default_rng(0)
    theta = generator.normal(size=source.dimension)
    copied = theta.copy()
    for layer in layers:
        units = len(layer.incoming)
        signs = generator.choice([-1.0, 1.0], size=units) if layer.is_odd else np.ones(units)
        copied = _copy(copied, layer, np.roll(np.arange(units), 1), signs)
    losses = source.mean_loss([theta, copied])
    if abs(losses[0] - losses[1]) > _SAME * (1 + np.abs(losses).max()):
        raise NotApplicable("hidden_layers: the loss tells copies apart; does a regularizer treat hidden units apart?")


def _copy(theta: FloatArray, layer: HiddenLayer, order: NDArray[np.intp], signs: FloatArray) -> FloatArray:
    """The copy whose unit j is unit ``order[j]`` times ``signs[j]``."""
    found = theta.copy()
    for places in (layer.incoming, layer.outgoing):
        found[places] = theta[places[order]] * signs[:, None]
    return found


def canonical(theta: ArrayLike, reference: ArrayLike, layers: Sequence[HiddenLayer]) -> FloatArray:
    """Return the copies of points that are next to a reference, shape (..., d).

    Units are assigned so that the sum of squared distances to the reference's is least. With one hidden layer the
    copy is the nearest of all. With more, layers are assigned in turn until nothing changes: an exact copy of the
    reference comes back to it if its units differ, but for other points a nearer copy may be missed.

    Parameters
    ----------
    theta
        Points, shape (..., d); those with nan stay.
    reference
        Shape (d,).
    layers
        Of :func:`hidden_layers`, in the order of the network; none leaves the points as they are.

    Raises
    ------
    InputError
        If shapes do not fit.
    """
    points, target = real_array(theta, "theta"), real_array(reference, "reference")
    if target.ndim != 1 or points.ndim == 0 or points.shape[-1] != len(target) or not np.isfinite(target).all():
        raise InputError(
            f"reference: shapes {points.shape} and {target.shape} are not allowed; allowed are (..., d) and (d,), "
            "finite"
        )
    for layer in layers:
        if max(layer.incoming.max(), layer.outgoing.max()) >= len(target):
            raise InputError(f"layers: they have places beyond the {len(target)} parameters")
    flat = [_nearest_copy(point, target, layers) for point in points.reshape(-1, len(target))]
    return np.array(flat).reshape(points.shape)


def _nearest_copy(point: FloatArray, target: FloatArray, layers: Sequence[HiddenLayer]) -> FloatArray:
    if not np.isfinite(point).all():
        return point
    # By incoming weights alone, from the inputs on: in an exact copy they settle all units.
    started = point
    for layer in layers if len(layers) > 1 else ():
        started = _assigned(started, target, layer, (layer.incoming,))
    found = [_descended(start, target, layers) for start in (point, started)]
    return min(found, key=lambda copy: float(((copy - target) ** 2).sum()))


def _descended(point: FloatArray, target: FloatArray, layers: Sequence[HiddenLayer]) -> FloatArray:
    """Assign layers in turn until nothing changes; one layer is assigned once for all."""
    for _ in range(_ROUNDS):
        before = point
        for layer in layers:
            point = _assigned(point, target, layer, (layer.incoming, layer.outgoing))
        if len(layers) == 1 or (point == before).all():
            break
    return point


def _assigned(
    point: FloatArray, target: FloatArray, layer: HiddenLayer, weights: Sequence[NDArray[np.intp]]
) -> FloatArray:
    """The copy by this layer's units whose weights are nearest to the target's."""
    units, wanted = (np.concatenate([at[places] for places in weights], axis=1) for at in (point, target))
    costs = np.stack([((wanted[:, None] - sign * units) ** 2).sum(axis=2) for sign in (1.0, -1.0)])
    if not layer.is_odd:
        costs = costs[:1]
    _, order = scipy.optimize.linear_sum_assignment(costs.min(axis=0))
    signs = np.where(costs.argmin(axis=0)[np.arange(len(order)), order] == 0, 1.0, -1.0)
    return _copy(point, layer, order, signs)


def copy_margins(theta: FloatArray, reference: FloatArray, layers: Sequence[HiddenLayer]) -> FloatArray:
    """Return each unit's distance from where another copy would be as near to the reference, shape (..., units).

    These places are hyperplanes, one for each change of a unit's sign and for each trade of two units; the distance is
    that to the nearest, and not negative for the nearest copy. Units without a hyperplane are left out.
    """
    found = [np.empty((*theta.shape[:-1], 0))]
    for layer in layers:
        own, wanted = (
            np.concatenate([at[..., places] for places in (layer.incoming, layer.outgoing)], axis=-1)
            for at in (theta, reference)
        )
        products = own @ wanted.T
        squares = np.diagonal(products, axis1=-2, axis2=-1)
        signs = (1.0, -1.0) if layer.is_odd else (1.0,)
        both = products + np.swapaxes(products, -1, -2)
        margins = []
        for sign in signs:
            apart = np.linalg.norm(wanted[:, None] - sign * wanted, axis=-1)
            # Units that are alike in the reference are never told apart.
            traded = (squares[..., :, None] + squares[..., None, :] - sign * both) / np.sqrt(2)
            margins.append(np.divide(traded, apart, out=np.zeros_like(traded), where=apart > 0))
        itself = np.eye(len(wanted), dtype=bool)
        least = np.where(itself, np.inf, np.minimum.reduce(margins)).min(axis=-1)
        if layer.is_odd:
            size = np.linalg.norm(wanted, axis=-1)
            least = np.minimum(least, np.divide(squares, size, out=np.zeros_like(squares), where=size > 0))
        if layer.is_odd or len(wanted) > 1:
            found.append(least)
    return np.concatenate(found, axis=-1)
