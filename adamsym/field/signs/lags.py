"""The lag weights of a sign form as floats."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.methods import SignForm

MOST_LAGS = 2_000_000

_REST = 1e-18
"""What the lags that are left out weigh, of all."""


@dataclass(frozen=True, eq=False)
class Lags:
    """The weights c_0, c_1, ... as far as they count.

    Attributes
    ----------
    weights
        Shape (lags,); what is left out weighs 1e-18 of all.
    total, absolute, squares
        The sums of c_k, |c_k| and c_k^2.
    finite
        Whether nothing is left out.
    slowest
        The largest ratio of the geometric terms: 0 if the weights are finitely many.
    listed
        From which lag on the weights are one geometric sequence; their number if there is none.
    """

    weights: FloatArray
    total: float
    absolute: float
    squares: float
    finite: bool
    slowest: float
    listed: int

    def power_sums(self, start: int, orders: int) -> tuple[float, FloatArray]:
        """Return the largest |c_k|, k >= start, and the sums of (c_k/largest)^j over these k, for j < orders."""
        near = self.weights[start:]
        largest = float(np.abs(near).max(initial=0.0)) or 1.0
        head = max(0, self.listed - start)
        found = np.zeros(orders)
        powers = np.ones(len(near[:head]))
        for j in range(orders):
            found[j] = powers.sum()
            powers = powers * near[:head] / largest
        if len(near) > head:
            # Geometric from here on.
            exponents = np.arange(1, orders)
            found[1:] += (near[head] / largest) ** exponents / -np.expm1(exponents * np.log(self.slowest))
        return largest, found


@lru_cache(maxsize=64)
def lags_of(form: SignForm) -> Lags:
    """Return the lags of a sign form.

    Raises
    ------
    NotApplicable
        If more than two million lags count.
    """
    head, terms = form.weights.head, form.weights.terms
    slowest = max((float(ratio) for amount, ratio in terms if amount), default=0.0)
    count = len(head) + 1
    if slowest > 0:
        wanted = np.log(_REST * (1 - slowest) / max(1, len(terms))) / np.log(slowest) if slowest < 1 else np.inf
        if wanted > MOST_LAGS:
            raise NotApplicable(f"adam: a memory ratio of {slowest} is too long for the field of a sign method")
        count += int(wanted)
    k = np.arange(count)
    weights = np.zeros(count)
    weights[: len(head)] = [float(x) for x in head]
    for amount, ratio in terms:
        weights += float(amount) * float(ratio) ** k
    # Those of the head are sums that may cancel.
    weights[: len(head) + 1] = [float(form.weights.weight(lag)) for lag in range(len(head) + 1)]
    used = np.flatnonzero(weights)
    weights = weights[: used[-1] + 1] if len(used) else weights[:1]
    absolute, squares = float(np.abs(weights).sum()), float((weights**2).sum())
    single = len([ratio for amount, ratio in terms if amount and ratio]) == 1
    listed = len(head) + 1 if single else len(weights)
    return Lags(weights, float(form.weights.total), absolute, squares, slowest == 0, slowest, listed)
