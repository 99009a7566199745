"""A source of stochastic gradients: what everything above needs to know of what is optimised."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import integer, real_array, shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.parser import check_name
from adamsym.expressions.pickling import shallow_copy
from adamsym.gradients.batches import batch_counts, can_list
from adamsym.gradients.laws import Empirical, Law
from adamsym.gradients.sampling import Epoch, checked_epoch, require_replacement

if TYPE_CHECKING:
    from adamsym.expressions.simd import LaneFunction
    from adamsym.gradients.callbacks import LaneCallback

MOST_PARAMETERS = 1000


class StochasticGradient(ABC):
    """G(theta, x) for data rows x drawn from a law; each stochastic gradient is the mean of G over a minibatch.

    A source of its own is a subclass with ``names``, ``law`` and ``row_gradients``: the float field, simulation,
    flows and the Monte-Carlo estimate follow. What has ``row_jacobians`` too has Jacobians of the field; what has
    ``weighted_product`` and ``weighted_transposed_product`` has the field's products with vectors, for many parameters
    too. Proofs and derivations need expressions (:class:`adamsym.gradients.symbolic.SymbolicGradient`); some of them a
    loss that is one (:class:`adamsym.gradients.Problem`).

    Attributes
    ----------
    names
        The parameters, in order.
    law
        The law of one data row x.
    batch_size
        Each stochastic gradient is the mean over this many rows.
    sampling
        How they are drawn: "replacement", independently; "reshuffled", in epochs, each in a new random order of all
        rows; "cyclic", in the order of the rows, again and again; "full", all rows in each step.
    drop_last
        Whether the rows left over at the end of an epoch are left out; else they are a smaller minibatch.
    """

    names: tuple[str, ...]
    law: Law
    batch_size: int = 1
    sampling: str = "replacement"
    drop_last: bool = False

    is_known_everywhere: bool = True
    """Whether there are gradients at every theta, and not at a single point alone."""

    coordinate_laws: Callable[[FloatArray], Sequence[Any]] | None = None
    """A function of theta (d,) that returns the law of each coordinate, as :mod:`adamsym.field` has them; the field
    then needs no rows. None where it is the rows that are known."""

    @classmethod
    def from_plain(cls, value: Any) -> "StochasticGradient | None":
        """Return a source for what is plainly meant as one: an array (n, d) of rows' gradients; else None."""
        from adamsym.gradients.per_row import PerRowGradients

        if not issubclass(PerRowGradients, cls):
            return None
        if callable(value) and hasattr(value, "named_parameters"):
            raise InputError(
                "problem: a module of PyTorch needs a loss and data: write "
                "TorchGradients(module, row_loss, inputs, targets), from adamsym.networks"
            )
        if callable(value):
            raise InputError('problem: a function needs names: write PerRowGradients(function, ["a", "b"])')
        listed = isinstance(value, (list, tuple)) and len(value) > 0 and isinstance(value[0], (list, tuple, np.ndarray))
        is_table = listed or (isinstance(value, np.ndarray) and value.ndim == 2)
        return PerRowGradients(value) if is_table else None

    @abstractmethod
    def row_gradients(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return G(theta, x) for every row x, shape (..., rows, d), for theta (..., d).

        Parameters
        ----------
        theta
            Points, shape (..., d).
        rows
            Data rows, shape (..., rows, columns), broadcast against theta's leading axes; the law's own if omitted.

        Raises
        ------
        InputError
            Where G is not finite or does not exist.
        """

    def row_jacobians(self, theta: ArrayLike, rows: FloatArray | None = None) -> FloatArray:
        """Return the Jacobian of G(., x) for every row x, shape (..., rows, d, d); arguments as ``row_gradients``.

        Raises
        ------
        NotApplicable
            If the source has none.
        """
        raise NotApplicable(f"{type(self).__name__}: no Jacobians of the rows' gradients are given")

    @property
    def has_jacobians(self) -> bool:
        """Whether ``row_jacobians`` or ``weighted_jacobian`` is there; without them flows take differences."""
        given = (type(self).row_jacobians, type(self).weighted_jacobian)
        return given != (StochasticGradient.row_jacobians, StochasticGradient.weighted_jacobian)

    @property
    def has_own_products(self) -> bool:
        """Whether ``weighted_product`` goes another way than through ``weighted_jacobian``, of d x d entries."""
        return type(self).weighted_product is not StochasticGradient.weighted_product

    @property
    def has_products(self) -> bool:
        """Whether ``weighted_product`` and ``weighted_transposed_product`` are there."""
        return self.has_own_products or self.has_jacobians

    @property
    def has_loss(self) -> bool:
        """Whether ``mean_loss`` is there, so that G is the gradient of a loss."""
        return type(self).mean_loss is not StochasticGradient.mean_loss

    @property
    def is_smooth(self) -> bool:
        """Whether G is continuously differentiable in theta; if not, rules for a continuous law converge slowly."""
        return True

    @property
    def dimension(self) -> int:
        """Number d of parameters."""
        return len(self.names)

    def points(self, theta: ArrayLike) -> FloatArray:
        """Return ``theta`` as float64 of shape (..., d).

        Raises
        ------
        InputError
            If the last axis is not d or an entry is not finite.
        """
        points = real_array(theta, "theta")
        if points.ndim == 0 or points.shape[-1] != self.dimension:
            raise InputError(
                f"theta: shape {points.shape} is not allowed; the last axis must be {self.dimension} "
                f"({', '.join(self.names[:6])}{', ...' if self.dimension > 6 else ''})"
                + (", such as [1.0]" if points.ndim == 0 and self.dimension == 1 else "")
            )
        if not np.isfinite(points).all():
            raise InputError("theta: nan or infinity is not allowed; allowed are finite numbers")
        return points

    def mean_loss(self, theta: ArrayLike) -> FloatArray:
        """Return the loss L whose gradient is E G, shape (...), for theta (..., d).

        Raises
        ------
        NotApplicable
            If the source has none.
        """
        raise NotApplicable(f"{type(self).__name__}: there is no loss; its gradients are all that is given")

    @property
    def epoch(self) -> Epoch | None:
        """The minibatches of an epoch; None if rows are drawn independently."""
        return checked_epoch(self.law, self.batch_size, self.sampling, self.drop_last)

    def changed(
        self,
        *,
        law: Law | None = None,
        batch_size: int | None = None,
        sampling: str | None = None,
        drop_last: bool | None = None,
    ) -> Self:
        """Return the same source with another law of the data row, of the same columns, or other minibatches.

        What is compiled is shared, so that this is quick.

        Raises
        ------
        InputError
            If the batch size is no integer from 1 up, or there is no such sampling of its rows; if expressions are not
            real and finite at the rows.
        NotApplicable
            If the rows belong to the source.
        """
        found = shallow_copy(self)
        if law is not None:
            found._take(law)
        if batch_size is not None:
            found.batch_size = integer(batch_size, "problem.batch_size")
            if found.batch_size < 1:
                raise InputError(f"problem.batch_size: {batch_size!r} is not allowed; allowed are integers from 1 up")
        found.sampling = self.sampling if sampling is None else sampling
        found.drop_last = self.drop_last if drop_last is None else drop_last
        checked_epoch(found.law, found.batch_size, found.sampling, found.drop_last)
        # What is kept of the minibatches belongs to the old ones.
        found.__dict__.pop("_batches", None)
        return found

    def _take(self, law: Law) -> None:
        raise NotApplicable(f"data: the rows of {type(self).__name__} are its own; other data make another source")

    # --- means and minibatches ---------------------------------------------------------------------------------

    def gradient(self, theta: ArrayLike) -> FloatArray:
        """Return the mean E G(theta, x), shape (..., d); for a continuous law by the finest of its rules."""
        gradients, probabilities = self.row_atoms(theta, self.law.levels - 1)
        return np.asarray(np.einsum("...rd,r->...d", gradients, probabilities))

    def row_atoms(self, theta: ArrayLike, level: int = 0) -> tuple[FloatArray, FloatArray]:
        """Return the gradients of single rows, shape (..., rows, d), and the rows' probabilities (rows,).

        For a continuous law the rows are the nodes of its rule at ``level``.
        """
        return self.row_gradients(theta, self._rule(level)), self.law.discretise(level)[1]

    def gradient_atoms(self, theta: ArrayLike, level: int = 0) -> tuple[FloatArray, FloatArray]:
        """Return the atoms of the stochastic gradient, shape (..., n, d), and their probabilities (n,).

        They are those of ``row_atoms``, or the means of all minibatches of them.

        Raises
        ------
        InputError
            As ``row_gradients``, and if there are too many minibatches to list.
        """
        shares, probabilities = self.batches(level)
        gradients = self.row_gradients(theta, self._rule(level))
        return gradients if shares is None else np.einsum("nr,...rd->...nd", shares, gradients), probabilities

    def weighted_jacobian(self, theta: ArrayLike, weights: FloatArray, level: int = 0) -> FloatArray:
        """Return sum_a weights[..., i, a] dG_i(theta, x_a)/dtheta_j, shape (..., d, d), for weights (..., d, rows).

        The rows x_a are those of ``row_atoms``; errors are those of ``row_jacobians``.
        """
        return np.asarray(np.einsum("...ia,...aij->...ij", weights, self.row_jacobians(theta, self._rule(level))))

    def weighted_product(self, theta: ArrayLike, weights: FloatArray, vector: FloatArray, level: int = 0) -> FloatArray:
        """Return sum_a weights[i, a] (dG_i(theta, x_a)/dtheta . vector), shape (d,).

        A source with many parameters overrides it, and ``weighted_transposed_product``, by what never holds arrays of
        d x d.

        Parameters
        ----------
        theta, vector
            A point and a direction, shape (d,).
        weights
            Shape (d, rows); the rows x_a are those of ``row_atoms``.

        Raises
        ------
        NotApplicable
            If the source has neither Jacobians nor products of its own.
        """
        return self.weighted_jacobian(theta, weights, level) @ vector

    def weighted_transposed_product(
        self, theta: ArrayLike, weights: FloatArray, vector: FloatArray, level: int = 0
    ) -> FloatArray:
        """Return sum_a sum_i vector_i weights[i, a] dG_i(theta, x_a)/dtheta_j, shape (d,).

        Arguments and errors are those of ``weighted_product``, of which it is the transpose.
        """
        return vector @ self.weighted_jacobian(theta, weights, level)

    def lists_batches(self, level: int = 0) -> bool:
        """Whether the minibatches, drawn with replacement, are few enough to be listed."""
        require_replacement(self.sampling, "a law of one minibatch")
        return self.batch_size == 1 or can_list(len(self.law.discretise(level)[1]), self.batch_size)

    def batches(self, level: int = 0) -> tuple[FloatArray | None, FloatArray]:
        """Return each minibatch's shares of the rows, (n, rows) or None if B = 1, and their probabilities (n,).

        Raises
        ------
        NotApplicable
            If rows are not drawn independently: then one minibatch's law says not enough.
        """
        require_replacement(self.sampling, "a law of one minibatch")
        if level not in self._batches:
            probabilities = self.law.discretise(level)[1]
            listed = (None, probabilities) if self.batch_size == 1 else batch_counts(probabilities, self.batch_size)
            self._batches[level] = listed
        return self._batches[level]

    @cached_property
    def _batches(self) -> dict[int, tuple[FloatArray | None, FloatArray]]:
        return {}

    def _rule(self, level: int) -> FloatArray | None:
        """The nodes of a law's rule; None for an empirical law's own rows, which messages name by number."""
        return None if isinstance(self.law, Empirical) else self.law.discretise(level)[0]

    # --- simulation --------------------------------------------------------------------------------------------

    def lane_gradient(self, lanes: int) -> "LaneFunction | LaneCallback":
        """Return G as a function for ``lanes`` points side by side; it is nan where it does not exist."""
        from adamsym.gradients.callbacks import LaneCallback

        return LaneCallback(self, lanes)


def named_row(row: int, rows: Any) -> str:
    """Return a row for a message: those given have no number that the user knows."""
    return f"data row {row}" if rows is None else "a row drawn from the law"


def require_everywhere(source: StochasticGradient, what: str) -> None:
    """Raise NotApplicable unless there are gradients at every theta."""
    if not source.is_known_everywhere:
        raise NotApplicable(
            f"{what} needs gradients at every theta, and an array holds those at one point: give PerRowGradients a "
            "function theta -> (n, d)"
        )


def parameter_names(parameters: Sequence[str] | Mapping[str, int]) -> tuple[str, ...]:
    """Return the names that a list, or vectors by length, declare; InputError for bad or clashing ones."""
    place = "problem.parameters"
    names: list[str] = []
    if isinstance(parameters, Mapping):
        for name, length in parameters.items():
            if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= MOST_PARAMETERS:
                raise InputError(
                    f"{place}.{name}: {length!r} is not allowed; allowed are lengths from 1 to {MOST_PARAMETERS}"
                )
            names += [f"{name}{k}" for k in range(length)]
    else:
        names = _listed(parameters, place)
    if not 1 <= len(names) <= MOST_PARAMETERS:
        raise InputError(f"{place}: {len(names)} parameters; allowed are 1 to {MOST_PARAMETERS}")
    for name in names:
        check_name(name, place)
    if len(set(names)) < len(names):
        raise InputError(f"{place}: {next(n for n in names if names.count(n) > 1)} stands twice; names must differ")
    return tuple(names)


def _listed(parameters: Sequence[str], place: str) -> list[str]:
    try:
        if not isinstance(parameters, (str, bytes, set)):
            return list(parameters)
    except (TypeError, KeyError, IndexError):
        pass
    raise InputError(f'{place}: {shown(parameters)} is not allowed; give a list of names, such as ["theta"]')
