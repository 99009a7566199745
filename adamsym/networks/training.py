"""Real optimizers on ensembles of chains: where their iterates are on average while the steps decay."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.expressions.arguments import checked_arguments, real_array
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result, counted, plain
from adamsym.gradients.sampling import require_replacement
from adamsym.methods import StepSizeSchedule
from adamsym.networks.jax_chains import JaxChains
from adamsym.networks.jax_source import JaxGradients
from adamsym.networks.source import NetworkGradients
from adamsym.networks.symmetry import HiddenLayer, canonical, copy_margins
from adamsym.networks.torch_chains import TorchChains
from adamsym.networks.torch_source import TorchGradients

_DRAWS_AT_ONCE = 2**20
"""Numbers of rows that are drawn together: 8 MB."""

_STEPS_AT_ONCE = 2**9

_MOST_NUMBERS = 2**27
"""Parameters of all chains in all windows: 1 GB."""


@dataclass(frozen=True, repr=False)
class Training(Result):
    """Where chains of a real optimizer were, on average over windows of steps.

    It has no picture: in many parameters it is read beside a prediction, as a :class:`Comparison` shows it.

    Attributes
    ----------
    ends
        The windows' last steps, shape (w,), rising; each window begins after half as many steps.
    step_sizes
        The mean step size in each window, shape (w,).
    means
        Each chain's mean iterate over each window, shape (w, chains, d); nan where it has diverged.
    theta
        The parameters after the last step, shape (chains, d); nan where a chain has diverged.
    diverged
        For each chain the step up to which it was seen to diverge, or 0, shape (chains,).
    start
        Where the chains began, shape (chains, d); None if that is not known.
    margins
        For each window, chain and hidden unit the mean of the unit's distance from where another copy of the network
        would be as near to the reference, and of its square, over the blocks of steps that were matched: shape
        (w, chains, units, 2), no unit without layers; None if that is not known.
    """

    ends: NDArray[np.int64]
    step_sizes: FloatArray
    means: FloatArray
    theta: FloatArray
    diverged: NDArray[np.int64]
    start: FloatArray | None = None
    margins: FloatArray | None = None

    @property
    def verdict(self) -> str:
        """Floating point."""
        return "floating point"

    @property
    def summary(self) -> str:
        """How many chains ran for how long, and how many diverged."""
        gone = int((self.diverged > 0).sum())
        chains = f"{counted(len(self.theta), 'chain')} in {counted(self.theta.shape[-1], 'parameter')}"
        sizes = f"mean step sizes {self.step_sizes[0]:.2g} to {self.step_sizes[-1]:.2g}"
        return (
            f"{chains}, {counted(int(self.ends[-1]), 'step')}, {counted(len(self.ends), 'window')} of {sizes}; "
            f"{gone or 'none'} diverged"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the windows, the chains' means over them and their last states, in lists."""
        return {
            "ends": plain(self.ends),
            "step_sizes": plain(self.step_sizes),
            "means": plain(self.means),
            "theta": plain(self.theta),
            "diverged": plain(self.diverged),
            "start": plain(self.start),
            "margins": plain(self.margins),
        }


class _Chains(Protocol):
    @property
    def theta(self) -> FloatArray: ...

    def advance(self, numbers: NDArray[np.intp], step_sizes: FloatArray) -> FloatArray: ...


@checked_arguments
def train(
    source: NetworkGradients,
    optimizer: Callable[..., Any],
    schedule: StepSizeSchedule,
    theta0: ArrayLike,
    steps: int,
    chains: int,
    seed: int,
    *,
    windows: int = 4,
    layers: Sequence[HiddenLayer] = (),
    reference: ArrayLike | None = None,
    progress: Callable[[int], None] | None = None,
) -> Training:
    """Return where independent chains of a real optimizer were, on average over windows of steps.

    Each chain draws minibatches of its own, with replacement and by the rows' weights, from a generator of its own:
    the draws of chain k depend neither on the number of chains nor on the library. The windows are the last half of
    all steps, the last half of those before, and so on. All is in float64. Memory: some ``windows`` + 8 arrays of
    chains x d, and the activations of chains x B rows.

    Parameters
    ----------
    source
        A network of PyTorch or JAX.
    optimizer
        For PyTorch a function of ``parameters`` and ``lr``, as the classes of ``torch.optim`` are, such as
        ``partial(torch.optim.Adam, betas=(0.9, 0.99))``; all chains are one parameter, so that it must be elementwise.
        For JAX one of ``learning_rate`` that returns a transformation of optax, such as ``partial(optax.adam,
        b2=0.99)``.
    schedule
        Step sizes gamma_n, n = 1, 2, ..., which are set before each step.
    theta0
        Start, shape (d,) for all chains or (chains, d).
    steps, chains
        Positive integers; steps at least 2**windows.
    seed
        A non-negative integer.
    layers, reference
        Hidden layers, as of :func:`hidden_layers`, and a point (d,), theta0 if it is one point and this is omitted.
        Every 512 steps or fewer the mean iterate is replaced by its copy next to the reference, by :func:`canonical`,
        before it is averaged over the window. Without it a chain whose units change sign or places within a window,
        as they do while noise is large, has the mean of different copies of a network, which is no network of use.
    progress
        Called with the number of steps done, now and then.

    Raises
    ------
    InputError
        If an argument is out of range, or the optimizer's update of a chain depends on other chains.
    """
    require_replacement(source.sampling, "training of chains")
    start = _checked_start(source, theta0, steps, chains, seed, windows)
    near = _checked_reference(theta0, reference, layers)
    made: _Chains
    if isinstance(source, TorchGradients):
        made = TorchChains(source, optimizer, start)
    elif isinstance(source, JaxGradients):
        made = JaxChains(source, optimizer, start)
    else:
        raise InputError(f"source: {type(source).__name__} has no optimizers; give TorchGradients or JaxGradients")
    draws = _Draws(source, chains, seed)
    return _windowed(made, draws, schedule, steps, windows, _Copies(near, layers), progress)


@dataclass(frozen=True)
class _Copies:
    """The copies of mean iterates over a block of steps next to a reference."""

    reference: FloatArray
    layers: Sequence[HiddenLayer]

    def of(self, means: FloatArray) -> FloatArray:
        return canonical(means, self.reference, self.layers) if self.layers else means

    def margins(self, copied: FloatArray) -> FloatArray:
        found = copy_margins(copied, self.reference, self.layers)
        return np.stack([found, found**2], axis=-1)


def _windowed(
    made: _Chains,
    draws: "_Draws",
    schedule: StepSizeSchedule,
    steps: int,
    windows: int,
    copies: _Copies,
    progress: Callable[[int], None] | None,
) -> Training:
    """Take all steps; the mean iterates over a block of steps are replaced by ``copies``."""
    start = made.theta
    shape = start.shape
    edges = [0, *(steps >> (windows - k) for k in range(windows + 1))]
    step_sizes, means = np.zeros(windows + 1), np.full((windows + 1, *shape), np.nan)
    diverged, margins = np.zeros(len(made.theta), np.int64), []
    for k, (first, end) in enumerate(pairwise(edges)):
        total, squares = np.zeros(shape), np.zeros_like(copies.margins(start))
        for before, last in _blocks(first, end, draws.each):
            sizes = schedule(np.arange(before + 1, last + 1))
            means_of = copies.of(made.advance(draws.next(last - before), sizes) / (last - before))
            total += means_of * (last - before)
            squares += copies.margins(means_of) * (last - before) / (end - first)
            step_sizes[k] += sizes.sum() / (end - first)
            diverged[(diverged == 0) & ~np.isfinite(total).all(axis=1)] = last
            if progress is not None:
                progress(last)
        means[k] = np.where((diverged > 0)[:, None], np.nan, total / (end - first))
        margins.append(np.where((diverged > 0)[:, None, None], np.nan, squares))
    theta = np.where((diverged > 0)[:, None], np.nan, made.theta)
    return Training(np.array(edges[2:]), step_sizes[1:], means[1:], theta, diverged, start, np.array(margins[1:]))


def _checked_start(
    source: NetworkGradients, theta0: ArrayLike, steps: int, chains: int, seed: int, windows: int
) -> FloatArray:
    for name, value, least in (("chains", chains, 1), ("seed", seed, 0), ("windows", windows, 1)):
        if value < least:
            raise InputError(f"{name}: {value} is not allowed; allowed are integers from {least} up")
    if windows > 40 or steps < 2**windows:
        raise InputError(f"steps: {steps} are too few for {counted(windows, 'window')}; take at least 2**windows")
    start = source.points(theta0)
    if start.shape not in ((source.dimension,), (chains, source.dimension)):
        raise InputError(f"theta0: shape {start.shape} is not allowed; allowed are (d,) and (chains, d)")
    if (windows + 8) * chains * source.dimension > _MOST_NUMBERS:
        raise InputError(
            f"chains: {chains} of {source.dimension} parameters in {counted(windows, 'window')} need more than 1 GB; "
            "take fewer"
        )
    return np.array(np.broadcast_to(start, (chains, source.dimension)))


def _checked_reference(theta0: ArrayLike, reference: ArrayLike | None, layers: Sequence[HiddenLayer]) -> FloatArray:
    point = real_array(theta0 if reference is None else reference, "reference")
    if layers and point.ndim != 1:
        raise InputError("reference: chains start at different points; name one, next to which copies are taken")
    return point


def _blocks(first: int, last: int, draws: int) -> Iterator[tuple[int, int]]:
    """Ranges of steps that are taken at once."""
    size = max(1, min(_STEPS_AT_ONCE, _DRAWS_AT_ONCE // draws))
    for start in range(first, last, size):
        yield start, min(start + size, last)


class _Draws:
    """The numbers of the rows that each chain draws, from a generator for each."""

    def __init__(self, source: NetworkGradients, chains: int, seed: int) -> None:
        self._generators = [np.random.default_rng([seed, chain]) for chain in range(chains)]
        self._batch_size = source.batch_size
        self.each = chains * source.batch_size
        probabilities = source.law.discretise(0)[1]
        self._rows = len(probabilities)
        self._cumulated = None if np.ptp(probabilities) == 0 else np.cumsum(probabilities)[:-1]

    def next(self, steps: int) -> NDArray[np.intp]:
        """Return numbers of rows, shape (steps, chains, B)."""
        shape = (steps, self._batch_size)
        uniform = np.stack([generator.random(shape) for generator in self._generators], axis=1)
        if self._cumulated is None:
            return np.asarray(uniform * self._rows, dtype=np.intp)
        return np.searchsorted(self._cumulated, uniform, side="right")
