"""Gradients that Python computes, called from the compiled loops of simulation like machine code."""

import ctypes
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.gradients.source import StochasticGradient

_Pointer = ctypes.POINTER(ctypes.c_double)
_Function = ctypes.CFUNCTYPE(None, _Pointer, _Pointer, _Pointer, _Pointer)


@dataclass(frozen=True)
class LaneCallback:
    """A C function of ``points, rows, values, scratch`` as :class:`adamsym.expressions.simd.LaneFunction` has them.

    It calls ``source.row_gradients``. What that raises cannot pass through machine code: it is kept in ``raised``, and
    the values are nan.
    """

    source: StochasticGradient
    lanes: int
    scratch: int = 0
    raised: list[BaseException] = field(default_factory=list)
    _kept: list[object] = field(default_factory=list, repr=False)

    @property
    def addresses(self) -> NDArray[np.intp]:
        """Where the function is; valid as long as this object."""
        if not self._kept:
            self._kept.append(_Function(self._call))
        return np.array([ctypes.cast(self._kept[0], ctypes.c_void_p).value], np.intp)  # type: ignore[arg-type]

    def check(self) -> None:
        """Raise what a call has raised, other than InputError: that says where a gradient does not exist."""
        if self.raised:
            raise self.raised.pop()

    def _call(self, points, rows, values, scratch) -> None:  # type: ignore[no-untyped-def]
        d, columns = self.source.dimension, len(self.source.law.names)
        out = np.ctypeslib.as_array(values, (d, self.lanes))
        out[:] = np.nan
        if self.raised:
            return
        try:
            theta = np.ctypeslib.as_array(points, (d, self.lanes)).T.copy()
            drawn = np.ctypeslib.as_array(rows, (columns, self.lanes)).T.copy()
            known = np.isfinite(theta).all(axis=1)
            out[:, known] = self._gradients(theta[known], drawn[known]).T
        except BaseException as error:
            self.raised.append(error)

    def _gradients(self, theta: FloatArray, rows: FloatArray) -> FloatArray:
        """G(theta[k], rows[k]) for each k, shape (n, d); nan where it does not exist."""
        try:
            return self.source.row_gradients(theta, rows[:, None, :])[:, 0, :]
        except InputError:
            if len(theta) == 1:
                return np.full(theta.shape, np.nan)
            return np.concatenate([self._gradients(theta[k : k + 1], rows[k : k + 1]) for k in range(len(theta))])
