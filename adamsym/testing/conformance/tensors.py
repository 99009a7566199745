"""Parameters of several shapes, seen as one row of coordinates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from adamsym.expressions.compilation import FloatArray

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """Tensors of the given shapes, one after the other, each in C order."""

    shapes: tuple[Shape, ...]

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of coordinates of each tensor."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @cached_property
    def dimension(self) -> int:
        """Number of all coordinates."""
        return sum(self.sizes)

    def split(self, row: FloatArray) -> list[FloatArray]:
        """Return copies of the tensors of a row of coordinates."""
        parts = np.split(row, np.cumsum(self.sizes)[:-1])
        return [part.reshape(shape).copy() for part, shape in zip(parts, self.shapes, strict=True)]

    def join(self, tensors: Sequence[FloatArray]) -> FloatArray:
        """Return the row of coordinates of the tensors."""
        return np.concatenate([np.reshape(tensor, -1) for tensor in tensors])

    @cached_property
    def owner(self) -> FloatArray:
        """The number of the tensor that each coordinate belongs to."""
        return np.repeat(np.arange(len(self.shapes)), self.sizes).astype(float)

    @cached_property
    def matrices(self) -> FloatArray:
        """Whether the tensor of each coordinate has more than one dimension: 1.0 or 0.0."""
        return np.repeat([float(len(shape) > 1) for shape in self.shapes], self.sizes)

    @cached_property
    def over_all(self) -> FloatArray:
        """The matrix that averages over all coordinates."""
        return np.full((self.dimension, self.dimension), 1 / self.dimension)

    @cached_property
    def over_tensors(self) -> FloatArray:
        """The matrix that averages over each tensor."""
        return self._averages([np.zeros(shape) for shape in self.shapes])

    @cached_property
    def over_rows(self) -> FloatArray:
        """The matrix that averages along the last axis of each tensor."""
        return self._averages([self._labels(shape, -1) for shape in self.shapes])

    @cached_property
    def over_columns(self) -> FloatArray:
        """The matrix that averages along the first axis of each tensor."""
        return self._averages([self._labels(shape, 0) for shape in self.shapes])

    @staticmethod
    def _labels(shape: Shape, axis: int) -> FloatArray:
        """For each coordinate the number of the line along an axis that it lies in."""
        if not shape:
            return np.zeros(shape)
        lines = list(shape)
        lines[axis] = 1
        return np.broadcast_to(np.arange(math.prod(lines), dtype=float).reshape(lines), shape)

    def _averages(self, labels: list[FloatArray]) -> FloatArray:
        """The matrix that averages over coordinates with the same label in the same tensor."""
        label = self.join(labels)
        same = (label[:, None] == label[None, :]) & (self.owner[:, None] == self.owner[None, :])
        return np.asarray(same / same.sum(axis=0))

    def place(self, coordinate: int) -> str:
        """Return where a coordinate of the row lies, in words."""
        number = int(self.owner[coordinate])
        shape, first = self.shapes[number], sum(self.sizes[:number])
        if not shape:
            return "the scalar"
        index = tuple(int(i) for i in np.unravel_index(coordinate - first, shape))
        kind = "vector" if len(shape) == 1 else "matrix" if len(shape) == 2 else "tensor"
        return f"coordinate {index[0] if len(shape) == 1 else index} of the {kind} of shape {shape}"

    def __str__(self) -> str:
        return ", ".join(str(shape) for shape in self.shapes)
