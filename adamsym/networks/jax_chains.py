"""Chains of an optimizer of optax, each with a state of its own by ``jax.vmap``."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.optional import library
from adamsym.networks.jax_source import JaxGradients


class JaxChains:
    """Chains that advance together; each has minibatches of its own.

    ``optimizer(learning_rate=...)`` returns the transformation, as ``optax.adam`` does.
    """

    def __init__(self, source: JaxGradients, optimizer: Callable[..., Any], theta: FloatArray) -> None:
        self._jax, self._optax = library("jax"), library("optax")
        self._source = source
        with source._wide():
            try:
                self._transformation = self._optax.inject_hyperparams(optimizer)(learning_rate=1e-3)
                self._theta = self._jax.numpy.asarray(theta)
                self._state = self._jax.vmap(lambda flat: self._transformation.init(source._pytree(flat)))(self._theta)
            except Exception as error:
                raise InputError(
                    f"optimizer: {type(error).__name__}: {' '.join(str(error).split())[:200]}; give one that takes "
                    "learning_rate, such as optax.adam or partial(optax.adam, b2=0.99)"
                ) from error
            self._advance = self._jax.jit(self._steps)

    @property
    def theta(self) -> FloatArray:
        """Where the chains are, shape (chains, d)."""
        return np.array(self._theta)

    def advance(self, numbers: NDArray[np.intp], step_sizes: FloatArray) -> FloatArray:
        """Take steps with the rows of numbers (steps, chains, B); return the sum of theta after each, (chains, d)."""
        with self._source._wide():
            self._theta, self._state, total = self._advance(self._theta, self._state, numbers, step_sizes)
            return np.array(total)

    def _steps(self, theta: Any, state: Any, numbers: Any, step_sizes: Any) -> Any:
        jax, source = self._jax, self._source
        inputs, targets = jax.numpy.asarray(source._inputs), jax.numpy.asarray(source._targets)

        def loss(flat: Any, chosen: Any) -> Any:
            return source._over_rows(source._row, flat, inputs[chosen], targets[chosen]).mean()

        def updated(flat: Any, own: Any, chosen: Any, step_size: Any) -> Any:
            gradient = source._pytree(jax.grad(loss)(flat, chosen))
            own = own._replace(hyperparams={**own.hyperparams, "learning_rate": step_size})
            changes, own = self._transformation.update(gradient, own, source._pytree(flat))
            leaves = jax.tree_util.tree_leaves(changes)
            return flat + jax.numpy.concatenate([leaf.reshape(-1) for leaf in leaves]), own

        def step(carried: Any, given: Any) -> Any:
            theta, state, total = carried
            theta, state = jax.vmap(updated, (0, 0, 0, None))(theta, state, *given)
            return (theta, state, total + theta), None

        carried, _ = jax.lax.scan(step, (theta, state, jax.numpy.zeros_like(theta)), (numbers, step_sizes))
        return carried
