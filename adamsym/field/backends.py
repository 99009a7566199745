"""Where the quadrature of listed atoms runs."""

from collections.abc import Callable
from importlib.util import find_spec

from adamsym.expressions.arguments import shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.progress import Progress
from adamsym.field.batches.batch_quotient import batch_quotient
from adamsym.field.float.laplace_quadrature import Quotient
from adamsym.methods import LaplaceForm, Method

BACKENDS = ("numba", "numpy", "jax")
"""Compiled loops on the processor; arrays there, with nothing to compile; arrays on JAX's default device."""


def quotient_of(backend: str) -> Callable[..., Quotient]:
    """Return what takes the place of :func:`adamsym.field.batches.batch_quotient.batch_quotient` for a backend.

    Raises
    ------
    InputError
        If there is no such backend, or its library is not installed.
    """
    if backend not in BACKENDS:
        raise InputError(f"backend: {shown(backend)} is not allowed; allowed are {', '.join(map(repr, BACKENDS))}")
    if backend == "numba":
        return batch_quotient
    if backend == "numpy":
        from adamsym.field.arrays.quotients import array_quotient

        return array_quotient
    if find_spec("jax") is None:
        raise InputError("backend: jax is not installed; install adamsym[jax], or take 'numba'")
    return _by_jax


def _by_jax(
    atoms: FloatArray,
    probabilities: FloatArray,
    size: int,
    method: Method | LaplaceForm,
    sensitivity: bool,
    tolerance: float,
    threads: int,
    progress: Progress | None,
) -> Quotient:
    """Gauss rules of minibatches have few nodes: they stay with the compiled path."""
    if size > 1:
        return batch_quotient(atoms, probabilities, size, method, sensitivity, tolerance, threads, progress)
    from adamsym.field.jax.laws import jax_quotient

    return jax_quotient(atoms, probabilities, method, sensitivity, tolerance, threads, progress)
