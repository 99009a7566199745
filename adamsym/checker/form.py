"""The Laplace form of a method as the checker reads it: sums over the lag weights, and bounds of the kernel."""

import json
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.kernels import KernelBounds, bounds_of
from adamsym.expressions.ranges import Range
from adamsym.expressions.work import spend
from adamsym.methods import LaplaceForm, Method
from adamsym.methods.record import method_from_record


@dataclass(frozen=True)
class Form:
    """f = -E[M phi(V)] - decay theta, M with the weights c_k = head_k + sum of amount ratio^k over ``terms``.

    No ratio is 0, though a range of ratios may begin there (0^0 = 1); head is empty where it would be 0. The sums are
    intervals of the arithmetic in ``using``, as are the bounds of the kernel. ``laplace`` is the form as the method
    gives it.
    """

    using: Arithmetic
    head: tuple[Fraction, ...]
    terms: tuple[tuple[Fraction, Fraction], ...]
    beta: Fraction
    kernel: KernelBounds
    decay: Fraction
    laplace: LaplaceForm

    @property
    def sum(self) -> Interval:
        """c = sum c_k, so that E M = c E g."""
        return self._sums[0]

    @property
    def size(self) -> Interval:
        """A bound of |c|_1 = sum |c_k|."""
        return self._sums[1]

    @property
    def step_bound(self) -> Interval:
        """A bound of C with |M| <= C sqrt V (theory T1), C = (sum c_k^2/((1-beta) beta^k))^(1/2)."""
        return self._sums[2]

    @cached_property
    def _sums(self) -> tuple[Interval, Interval, Interval]:
        using = self.using
        head, beta = [using.exact(x) for x in self.head], using.exact(self.beta)
        terms = [(using.exact(amount), using.exact(ratio)) for amount, ratio in self.terms]
        plain = using.total(head) + using.total(amount / (1 - ratio) for amount, ratio in terms)
        size = using.total(abs(amount) * using.power(ratio, len(head)) / (1 - ratio) for amount, ratio in terms)
        squares = using.total(a * b / (1 - p * q / beta) for a, p in terms for b, q in terms)
        for k, weight in enumerate(head):
            geometric = using.total(amount * using.power(ratio, k) for amount, ratio in terms)
            size += abs(weight + geometric)
            squares += weight * (weight + 2 * geometric) / using.power(beta, k)
        bound = using.root(using.upper(squares) / (1 - beta))
        return plain, using.upper(size), using.upper(bound)

    def weight(self, k: int) -> Fraction:
        """Return c_k for a lag of ``head``, exactly."""
        return self.head[k] + sum((amount * ratio**k for amount, ratio in self.terms), Fraction(0))

    @cached_property
    def averages(self) -> bool:
        """Whether all c_k >= 0 are proven, and c > 0: a weight of head may take something off those of the terms."""
        if not all(amount >= 0 for amount, _ in self.terms):
            return False
        first = [self.weight(k) for k in range(len(self.head))]
        return all(x >= 0 for x in first) and (any(x > 0 for x in first) or bool(self.terms))


@lru_cache(maxsize=16)
def method_of(record: str) -> Method:
    """Return the method that a certificate describes, as JSON."""
    return method_from_record(json.loads(record))


def form_of(using: Arithmetic, laplace: LaplaceForm) -> Form:
    """Return what the checker reads of a Laplace form.

    Raises
    ------
    NotCheckable
        If no C with |M| <= C sqrt V is known.
    """
    head = list(laplace.weights.head) or [Fraction(0)]
    head[0] += sum((amount for amount, ratio in laplace.weights.terms if ratio == 0), Fraction(0))
    while head and _is_zero(head[-1]):
        head.pop()
    terms = tuple((amount, ratio) for amount, ratio in laplace.weights.terms if ratio != 0 and not _is_zero(amount))
    spend(len(head) + len(terms))
    if not all(ratio >= 0 for _, ratio in terms):
        raise NotCheckable("a range of ratios below 0")
    if not all(ratio**2 < laplace.beta for _, ratio in terms) or (laplace.beta == 0 and len(head) > 1):
        raise NotCheckable("the numerator is not bounded by the root of the second moment")
    return Form(using, tuple(head), terms, laplace.beta, bounds_of(using, laplace.kernel), laplace.decay, laplace)


def _is_zero(value: Fraction | Range) -> bool:
    """Whether an exact number is 0: a range is not."""
    return not isinstance(value, Range) and value == 0
