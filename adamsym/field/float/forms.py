"""Which Laplace forms the compiled quadrature takes, and what it needs to know of them."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.methods import LagWeights, LaplaceForm, Method, require_laplace
from adamsym.methods.kernels import RootOfSum, RootPlusEps


@dataclass(frozen=True)
class FloatForm:
    """A form as floats.

    Attributes
    ----------
    form
        The form itself.
    step_bound, largest
        C with |M| <= C sqrt V (theory T1), and the bound of |M| phi(V) that follows; infinity where none does.
    total, absolute
        The sums of the lag weights and of their magnitudes.
    size
        1/phi(0): eps, or sqrt(eps) inside the root.
    eps, eps_inside_root
        Of a kernel here.
    parts
        Pairs (factor, form) whose fields, times the factors, add up to the field: each form has at most the newest
        gradient and one geometric term, with magnitudes that sum to at most 1. Empty where the compiled quadrature does
        not know the kernel or the head is longer.
    """

    form: LaplaceForm
    step_bound: float
    largest: float
    total: float
    absolute: float
    size: float
    eps: float
    eps_inside_root: bool
    parts: tuple[tuple[float, LaplaceForm], ...]

    def most(self, magnitude: FloatArray) -> FloatArray:
        """Return what |F| is at most, from E|g|: the step bound, also where E|g|/eps is out of range."""
        with np.errstate(over="ignore"):
            return np.minimum(self.largest, self.absolute * magnitude / self.size)


def float_form(method: Method | LaplaceForm) -> FloatForm:
    """Return the form of a method as floats, or that given.

    Raises
    ------
    InputError
        If the method has no Laplace form, or there is no step bound (theory T1).
    """
    return _float_form(method if isinstance(method, LaplaceForm) else require_laplace(method, "a quadrature"))


@lru_cache(maxsize=256)
def _float_form(form: LaplaceForm) -> FloatForm:
    weights, kernel, eps = form.weights, form.kernel, float(form.kernel.epsilon)
    known, inside = type(kernel) in (RootPlusEps, RootOfSum), isinstance(kernel, RootOfSum)
    size = (math.sqrt(eps) if inside else eps) if known else 1 / float(kernel.of(np.zeros(())))
    parts = _parts(form) if known and len(weights.head) <= 1 else ()
    bound = math.sqrt(float(form.square_bound))
    largest = math.inf if kernel.root_bound is None else bound * float(kernel.root_bound)
    return FloatForm(
        form, bound, largest, float(weights.total), float(weights.absolute_bound), size, eps, inside, parts
    )


def _parts(form: LaplaceForm) -> tuple[tuple[float, LaplaceForm], ...]:
    head, terms = form.weights.head, form.weights.terms
    listed = [LagWeights(head, terms[:1]), *(LagWeights((), (term,)) for term in terms[1:])]
    scales = [weights.absolute_bound or 1 for weights in listed]
    return tuple(
        (float(scale), LaplaceForm(weights.divided_by(scale), form.beta, form.kernel))
        for scale, weights in zip(map(Fraction, scales), listed, strict=True)
    )


def require_parts(form: FloatForm, what: str) -> tuple[tuple[float, LaplaceForm], ...]:
    """Return the parts of a form that the compiled quadrature takes.

    Raises
    ------
    NotApplicable
        If there are none.
    """
    if not form.parts:
        raise NotApplicable(
            f"adam: {what} is available for the denominators sqrt(v) + eps and sqrt(v + eps), and for lag weights that "
            "are sums of geometric ones after the newest gradient"
        )
    return form.parts
