"""Functions of JAX as sources of stochastic gradients."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.expressions.arguments import shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number
from adamsym.expressions.optional import library
from adamsym.networks.source import (
    ROWS_TRIED,
    SAME,
    NetworkGradients,
    Numbers,
    entry_names,
    in_one_line,
    require_functions,
)


class JaxGradients(NetworkGradients):
    """The gradients of a function of JAX in its parameters, for each row of a data set.

    All is computed in float64, in a context of its own: the setting ``jax_enable_x64`` of the session stays as it is.
    Without it give parameters and data as NumPy arrays, since JAX's own are then float32.

    Parameters
    ----------
    apply
        A pure function of the parameters and a batch, whose first axis are the rows, that returns one array whose
        first axis are the rows, each on its own; a function of one row is ``jax.vmap(function, (None, 0))``.
    params
        A pytree of float64 arrays: all of them are theta. What is not trained is closed over by ``apply``.
    row_loss
        A function of the output and the target of one row (without the axis of the batch) that returns one number.
    inputs, targets
        Arrays, float64 or integers, with a row each along the first axis. They are copied.
    batch_size
        Rows of a minibatch, drawn independently with replacement.
    weights
        One for each row, as of :class:`adamsym.gradients.Empirical`; equal if omitted.
    regularizer
        A function of ``params`` that returns a number: it is added to the loss of every row.
    chunk_rows
        Rows that are differentiated at once; chosen by the number of parameters if omitted. Fewer take less memory.

    Raises
    ------
    InputError
        For parameters or data that are not float64, functions that couple the rows of a batch or differ from call to
        call, numbers of rows that differ, and losses that are no finite number.
    """

    def __init__(
        self,
        apply: Callable[..., Any],
        params: Any,
        row_loss: Callable[..., Any],
        inputs: Any,
        targets: Any,
        batch_size: int = 32,
        *,
        weights: Sequence[Number] | None = None,
        regularizer: Callable[..., Any] | None = None,
        chunk_rows: int | None = None,
    ) -> None:
        self._jax = library("jax")
        functions = {"apply": apply, "row_loss": row_loss, "regularizer": regularizer}
        require_functions(functions, optional="regularizer")
        self._apply, self._row_loss, self._regularizer = apply, row_loss, regularizer
        leaves, self._tree = self._jax.tree_util.tree_flatten_with_path(params)
        named = [(self._jax.tree_util.keystr(path, simple=True, separator="."), leaf) for path, leaf in leaves]
        arrays = [_float64(leaf, f"params: {name or 'the array'}") for name, leaf in named]
        shapes = [(name or "params", array.shape) for (name, _), array in zip(named, arrays, strict=True)]
        self._shapes = [array.shape for array in arrays]
        self._ends = np.cumsum([0, *(array.size for array in arrays)])
        if not self._ends[-1]:
            raise InputError("params: no numbers; at least one parameter is needed")
        self.names = entry_names(shapes)
        self._start = np.concatenate([array.reshape(-1) for array in arrays])
        self._inputs, self._targets = _data(inputs, "inputs"), _data(targets, "targets")
        if len(self._inputs) != len(self._targets):
            raise InputError(
                f"targets: {len(self._targets)} rows, but inputs have {len(self._inputs)}; give a target for each row"
            )
        self._set_rows(len(self._inputs), batch_size, weights)
        with self._refusing():
            self._refuse_coupled_rows()
            self._set_chunks(self._refuse_losses(), chunk_rows)
            self._try_out()

    def __repr__(self) -> str:
        """The sizes."""
        return f"<JaxGradients: {self.dimension} parameters, {self._rows} rows, minibatches of {self.batch_size}>"

    @property
    def theta(self) -> FloatArray:
        """The parameters that were given, shape (d,)."""
        return self._start.copy()

    def parameters(self, theta: ArrayLike) -> Any:
        """Return theta (d,) as a pytree like ``params``, of float64 NumPy arrays."""
        return self._pytree(self._point(theta, "parameters").copy())

    def _pytree(self, flat: Any) -> Any:
        leaves = [
            flat[low:high].reshape(shape)
            for low, high, shape in zip(self._ends, self._ends[1:], self._shapes, strict=False)
        ]
        return self._jax.tree_util.tree_unflatten(self._tree, leaves)

    # --- one row, and chunks of rows ------------------------------------------------------------------------------

    def _row(self, flat: Any, row: Any, target: Any) -> Any:
        params = self._pytree(flat)
        loss = self._row_loss(self._apply(params, row[None])[0], target)
        if self._regularizer is not None:
            loss = loss + self._regularizer(params)
        if self._jax.numpy.shape(loss):
            raise InputError(
                f"row_loss: it returns shape {loss.shape} for one row; it must return one number, as with .sum()"
            )
        return loss

    def _over_rows(self, function: Callable[..., Any], flat: Any, rows: Any, targets: Any) -> Any:
        return self._jax.vmap(function, (0 if flat.ndim == 2 else None, 0, 0))(flat, rows, targets)

    @cached_property
    def _compiled(self) -> dict[str, Callable[..., Any]]:
        jax = self._jax
        row, gradient = self._row, jax.grad(self._row)

        def weighted(flat: Any, rows: Any, targets: Any, weights: Any) -> Any:
            return jax.grad(lambda point: weights @ self._over_rows(row, point, rows, targets))(flat)

        def tangents(flat: Any, rows: Any, targets: Any, vector: Any) -> Any:
            return jax.jvp(lambda point: self._over_rows(gradient, point, rows, targets), (flat,), (vector,))[1]

        def cotangent(flat: Any, rows: Any, targets: Any, vectors: Any) -> Any:
            return jax.vjp(lambda point: self._over_rows(gradient, point, rows, targets), flat)[1](vectors)[0]

        def losses(flat: Any, rows: Any, targets: Any) -> Any:
            return self._over_rows(row, flat, rows, targets)

        def gradients(flat: Any, rows: Any, targets: Any) -> Any:
            return self._over_rows(gradient, flat, rows, targets)

        return {one.__name__: jax.jit(one) for one in (weighted, tangents, cotangent, losses, gradients)}

    def _run(self, name: str, theta: FloatArray, numbers: Numbers, *others: FloatArray) -> FloatArray:
        with self._wide():
            rows, targets = self._inputs[numbers], self._targets[numbers]
            return np.array(self._compiled[name](theta, rows, targets, *others))

    def _losses(self, theta: FloatArray, numbers: Numbers) -> FloatArray:
        return self._run("losses", theta, numbers)

    def _gradients(self, theta: FloatArray, numbers: Numbers) -> FloatArray:
        return self._run("gradients", theta, numbers)

    def _weighted_gradient(self, theta: FloatArray, numbers: Numbers, weights: FloatArray) -> FloatArray:
        return self._run("weighted", theta, numbers, weights)

    def _tangents(self, theta: FloatArray, numbers: Numbers, vector: FloatArray) -> FloatArray:
        return self._run("tangents", theta, numbers, vector)

    def _cotangent(self, theta: FloatArray, numbers: Numbers, vectors: FloatArray) -> FloatArray:
        return self._run("cotangent", theta, numbers, vectors)

    # --- what is refused ------------------------------------------------------------------------------------------

    def _refuse_coupled_rows(self) -> None:
        rows = self._inputs[np.linspace(0, self._rows - 1, min(self._rows, ROWS_TRIED)).astype(int)]
        if len(rows) == 1:
            rows = np.concatenate([rows, rows])
        outputs, again = self._outputs(rows), self._outputs(rows)
        within = SAME * float(np.abs(outputs).max(initial=0.0))

        def differ(one: Any, other: Any) -> bool:
            return not np.allclose(one, other, rtol=0.0, atol=within, equal_nan=True)

        if differ(outputs, again):
            raise InputError("apply: two calls give different outputs; it must be a function of params and rows alone")
        others = np.roll(rows, 1, axis=0)
        if np.array_equal(others, rows) and rows.dtype.kind == "f":
            others = 1.5 - rows
        for k in range(len(rows)):
            single = self._outputs(rows[k : k + 1])[0]
            changed = others.copy()
            changed[k] = rows[k]
            if differ(outputs[k], single) or differ(self._outputs(changed)[k], single):
                raise InputError(
                    "apply: the output of a row depends on the other rows of its batch; the field needs a loss of each "
                    "row alone"
                )

    def _outputs(self, rows: Any) -> Any:
        found = self._apply(self._pytree(self._jax.numpy.asarray(self._start)), self._jax.numpy.asarray(rows))
        if not hasattr(found, "shape"):
            raise InputError(f"apply: it returns a {type(found).__name__}; let it return one array")
        if found.ndim == 0 or len(found) != len(rows):
            raise InputError(
                f"apply: for {len(rows)} rows it returns shape {found.shape}; the first axis must be the rows, as with "
                "jax.vmap(function, (None, 0))"
            )
        return np.asarray(found)

    def _refuse_losses(self) -> int:
        """Refuse a loss that is not of float64 throughout; return how many numbers it makes of one row."""
        steps = self._jax.make_jaxpr(self._row)(self._start, self._inputs[0], self._targets[0])
        for kind in ("float32", "float16", "bfloat16"):
            if steps.out_avals[0].dtype == kind or f"new_dtype={kind}" in str(steps):
                raise InputError(f"apply or row_loss: it computes in {kind}; compute in float64 throughout")
        return sum(result.aval.size for step in steps.jaxpr.eqns for result in step.outvars)

    def _try_out(self) -> None:
        """Refuse losses that are not finite, and what cannot be differentiated, on two rows."""
        rows = np.arange(min(2, self._rows))
        self._require_finite(self._losses(self._start, rows), rows, "the loss")
        self._finite(self._gradients(self._start, rows), rows)

    def _wide(self) -> Any:
        """Return the context in which JAX computes in float64."""
        return self._jax.enable_x64(True)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Say in one line what JAX, the function or the loss refuses."""
        try:
            with self._wide():
                yield
        except InputError:
            raise
        except Exception as error:
            raise InputError(f"apply or row_loss: {in_one_line(error)}") from error


def _float64(values: Any, place: str) -> FloatArray:
    array = _plain(values, place)
    if array.dtype != np.float64:
        raise InputError(
            f"{place} is {array.dtype}; fields need float64: give NumPy arrays of float64, or set "
            'jax.config.update("jax_enable_x64", True) before they are made'
        )
    found: FloatArray = array
    return found


def _data(values: Any, place: str) -> Any:
    array = _plain(values, place)
    if array.ndim == 0 or len(array) == 0:
        raise InputError(f"{place}: shape {array.shape} is not allowed; the first axis must be the rows")
    return array if array.dtype.kind in "biu" else _float64(array, place)


def _plain(values: Any, place: str) -> Any:
    if not hasattr(values, "dtype"):
        raise InputError(f"{place}: {shown(values)} is not allowed; give an array")
    return np.array(values)
