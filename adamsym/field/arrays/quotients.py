"""F of listed laws in NumPy, in place of the compiled loops: for a few values, which compiling would outlast."""

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.progress import Progress
from adamsym.field.arrays.laws import ArrayValues, values_of_laws
from adamsym.field.batches.batch_quotient import batch_quotient
from adamsym.field.float.forms import float_form
from adamsym.field.float.laplace_quadrature import Quotient, check_laws
from adamsym.field.prepared.preparing import MOST_ATOMS, form_numbers, work_of
from adamsym.field.prepared.problem import TOLERANCE
from adamsym.methods import LaplaceForm, Method


def array_quotient(
    atoms: FloatArray,
    probabilities: FloatArray,
    size: int,
    method: Method | LaplaceForm,
    sensitivity: bool = False,
    tolerance: float = TOLERANCE,
    threads: int = 1,
    progress: Progress | None = None,
) -> Quotient:
    """Return F and an error estimate as :func:`adamsym.field.batch_quotient` does; arguments and errors are the same.

    What NumPy does not serve goes to the compiled loops: minibatches, forms of several parts, very fine or long grids,
    and many atoms.
    """
    check_laws(atoms, probabilities, tolerance, threads)
    numbers = form_numbers(float_form(method), atoms.shape[1])
    served = size == 1 and tolerance >= TOLERANCE and work_of(*atoms.shape) <= MOST_ATOMS
    if not served or numbers is None:
        return batch_quotient(atoms, probabilities, size, method, sensitivity, tolerance, threads, progress)
    value, error, inverse = np.empty((3, len(atoms)))
    slopes = np.empty(atoms.shape) if sensitivity else None
    own = np.broadcast_to(probabilities, atoms.shape)
    for k, (law, p) in enumerate(zip(atoms, own, strict=True)):
        found = values_of_laws([law], p, numbers, tolerance, sensitivity)
        if found is None:
            one = batch_quotient(law[None], p, 1, method, sensitivity, tolerance)
            found = ArrayValues(one.value, one.error, one.inverse, one.sensitivity)
        (value[k],), (error[k],), (inverse[k],) = found.value, found.error, found.inverse
        if slopes is not None and found.slopes is not None:
            slopes[k] = found.slopes[0]
        if progress is not None:
            progress(k + 1, len(atoms))
    return Quotient(value, error, inverse, slopes, np.zeros(len(atoms), dtype=np.int_))
