"""The gradients that an optimizer is given, and what is seen before any recursion is tried."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from adamsym.expressions.compilation import FloatArray
from adamsym.testing.conformance.adapters import Adapter
from adamsym.testing.conformance.moments import Run
from adamsym.testing.conformance.recursion import Recursion
from adamsym.testing.conformance.replay import replay
from adamsym.testing.conformance.rounding import PRECISIONS, Precision, Rounded
from adamsym.testing.conformance.tensors import Layout, Shape

BoolArray = npt.NDArray[np.bool_]

STEPS = 48
SHAPES: tuple[Shape, ...] = ((12,), (), (1,), (3, 4), (4, 2), (2, 4), (2, 1, 2, 2))
"""A vector of designed gradients, and tensors for rules that look at shapes."""

SCREEN = {"float64": 1e-9, "float32": 2e-3, "bfloat16": 0.3, "float16": 0.1}
"""Relative deviations that exclude a recursion at once; those within are compared to their proper rounding."""


@dataclass(frozen=True)
class ProbeResponse:
    """What an optimizer did under the designed gradients.

    Attributes
    ----------
    run
        The gradients and the parameters before each, as rows of coordinates, with the shapes.
    observed
        The changes of the parameters, shape (n, d).
    precision, scalars
        The formats of its parameters and of its numbers.
    refused
        Shapes that it cannot take, with what it said.
    """

    run: Run
    observed: FloatArray
    precision: Precision
    scalars: Precision
    refused: tuple[str, ...] = ()

    def explained_by(self, recursion: Recursion) -> bool:
        """Return whether the recursion makes the same changes, up to the rounding of the optimizer's format."""
        deviation = self.deviations(recursion)
        return deviation is not None and not deviation.any()

    def deviations(self, recursion: Recursion) -> BoolArray | None:
        """Return where the changes are not the recursion's, True or False, (n, d); None if it has no meaning."""
        found = replay(recursion, self.run.in_precision(self.precision, self.scalars))
        return None if found is None else self.deviations_from(found)

    def deviations_from(self, found: Rounded) -> BoolArray:
        """Return where the changes are not these, up to their errors and the rounding of the parameters."""
        predicted, error = (np.broadcast_to(x, self.observed.shape) for x in (found.value, found.error))
        # Parameters that are lost stay lost, though the moments go on.
        going_on = np.isfinite(np.asarray(self.run.before))
        return np.asarray(going_on & ~same(predicted, self.observed, error + self.last_rounding()))

    def last_rounding(self) -> FloatArray:
        """Return the error of the observed changes: parameters are rounded after each step."""
        before = np.asarray(self.run.before)
        with np.errstate(invalid="ignore"):
            size = np.abs(before) + np.abs(before + self.observed)
        return np.asarray(2 * self.precision.unit * size + self.precision.tiny)

    def screened(self, predicted: FloatArray, step_size: float) -> bool:
        """Return whether the predicted changes (n, d) are near the observed ones: quick, and not to rounding."""
        with np.errstate(invalid="ignore"):
            allowed = SCREEN[self.precision.name] * (np.abs(self.observed) + step_size) + 4 * self.last_rounding()
            return bool((same(predicted, self.observed, allowed) | ~np.isfinite(np.asarray(self.run.before))).all())

    def beginning(self, steps: int) -> ProbeResponse:
        """Return the probe's first steps."""
        run = Run(self.run.gradients[:steps], self.run.before[:steps], self.run.layout)
        return ProbeResponse(run, self.observed[:steps], self.precision, self.scalars, self.refused)

    def in_precision(self, name: str) -> ProbeResponse:
        """Return the same probe, to be compared to another format's rounding."""
        scalars = PRECISIONS["float32"] if PRECISIONS[name].unit >= 2.0**-24 else self.scalars
        return ProbeResponse(self.run, self.observed, PRECISIONS[name], scalars, self.refused)


def same(predicted: FloatArray, observed: FloatArray, allowed: FloatArray) -> BoolArray:
    """Return where two agree: within what is allowed, or both not finite in the same way."""
    with np.errstate(invalid="ignore"):
        equal = (predicted == observed) | (np.isnan(predicted) & np.isnan(observed))
        # Bounds that are infinite or nan say nothing: the format has lost the number.
        lost = ~np.isfinite(allowed) & np.isfinite(predicted) & np.isfinite(observed)
        return np.asarray(equal | lost | (np.abs(predicted - observed) <= allowed))


def designed_gradients(eps: float, layout: Layout, largest: float = 1e3) -> FloatArray:
    """Return gradients of shape (``STEPS``, d), each column made to show one thing.

    In the first vector, constant and alternating ones show the corrections, drawn ones the memories, an impulse the
    tails, large ones before small ones a maximum, zeros weight decay and stale moments, those of the sizes of eps and
    of its root where eps is added. In the tensor of shape (2, 4) gradients are orthogonal to parameters. All have
    8 significant bits, as many as every format holds.
    """
    generator = np.random.default_rng(1)
    n = np.arange(STEPS)
    drawn = generator.standard_normal((STEPS, layout.dimension))
    reach = np.log10(largest)
    sizes = 10.0 ** generator.uniform(-reach, reach, STEPS)
    columns = [
        np.ones(STEPS),
        (-1.0) ** n,
        drawn[:, 0],
        drawn[:, 1] + 2,
        np.where(n < 6, largest / 10, 0.01) * drawn[:, 2],
        np.where(n < 4, 0.0, drawn[:, 3]),
        np.where(n == 0, 1.0, 0.0),
        np.zeros(STEPS),
        sizes * np.sign(drawn[:, 1]),
        eps * drawn[:, 0],
        eps**0.5 * drawn[:, 1],
        np.where(n % 7 == 0, 20.0, 0.05) * drawn[:, 4],
    ]
    gradients = drawn.copy()
    gradients[:, : len(columns)] = np.column_stack(columns)[:, : layout.dimension]
    start = 0
    for number, (shape, size) in enumerate(zip(layout.shapes, layout.sizes, strict=True)):
        part = gradients[:, start : start + size]
        if shape == (2, 4):
            part[:] = np.repeat(part[:, [0, 4]], 4, axis=1)
        elif number:
            # Tensors of different sizes: norms over one and over all differ.
            part *= 3.0 ** (number % 3)
        start += size
    return to_8_bits(gradients)


def first_parameters(layout: Layout) -> FloatArray:
    """Return the parameters to start from: most are 0, so that small steps lose no digits."""
    generator = np.random.default_rng(2)
    theta = [np.zeros(shape) for shape in layout.shapes]
    for tensor, shape in zip(theta, layout.shapes, strict=True):
        if shape == (2, 4):
            tensor[:] = [[0.5, -0.5, 0.25, -0.25], [-1.0, 1.0, 0.75, -0.75]]
        elif len(shape) > 1:
            tensor[:] = generator.uniform(-2, 2, shape)
        elif tensor.size > 7:
            tensor[[3, 7, 8]] = [-0.75, 1.5, 0.5]
        elif shape == (1,):
            tensor[0] = -0.25
    return to_8_bits(layout.join(theta))


def to_8_bits(x: FloatArray) -> FloatArray:
    """Return the nearest numbers of 8 significant bits."""
    mantissa, exponent = np.frexp(x)
    return np.asarray(np.ldexp(np.round(mantissa * 256) / 256, exponent))


def apply_probes(adapter: Adapter) -> ProbeResponse:
    """Return how the optimizer answers the designed gradients, in all shapes that it takes."""
    layout, refused = adapter.accepted(SHAPES)
    largest = 30.0 if adapter.precision == "float16" else 1e3
    gradients = designed_gradients(adapter.declared.eps, layout, largest)
    theta = first_parameters(layout)
    observed, before, precision = adapter.response(gradients, theta, layout)
    scalars = adapter.scalars
    if PRECISIONS[precision].unit > PRECISIONS[scalars].unit:
        scalars = "float32"
    run = Run(gradients, before, layout)
    return ProbeResponse(run, observed, PRECISIONS[precision], PRECISIONS[scalars], refused)


def at_first_sight(probe: ProbeResponse) -> tuple[str, bool] | None:
    """Return what is seen without any recursion, and whether nothing is left to identify; None if all is in order."""
    observed, gradients = probe.observed, np.asarray(probe.run.gradients)
    finite = np.isfinite(observed)
    if not finite.all():
        step = int(np.flatnonzero(~finite.all(axis=1))[0])
        lost, count = int((~finite[step]).sum()), observed.shape[1]
        pushed = gradients[step] != 0
        everywhere = not finite[step][pushed].any()
        where = "" if everywhere else f" in {lost} of {count} coordinates"
        zero = not everywhere and not gradients[: step + 1, ~finite[step]].any()
        because = ", those whose gradients are 0" if zero else ""
        return f"not finite from step {step + 1}{where}{because}", everywhere and step < 3
    if not observed.any():
        return f"it does not move: no parameter changes in {len(observed)} steps", True
    still = np.asarray(~observed.any(axis=1) & gradients.any(axis=1))
    # A step late, or with moments of the step before, only the first step is still.
    if still[1:].any():
        steps = ", ".join(str(int(n) + 1) for n in np.flatnonzero(still)[:6])
        more = ", ..." if still.sum() > 6 else ""
        return f"it does not move at {int(still.sum())} of {len(observed)} steps: {steps}{more}", False
    return None
