"""Which theorem of the Coq library decides a sign: looked for by numbers; what is found, Coq computes again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.formal.quadrature import by_quadrature
from adamsym.formal.rational import rational_number
from adamsym.formal.setting import Atoms, BoundedAtoms, Setting
from adamsym.methods.adam import NAdam

_BITS = 40
"""The root of beta2 is rounded down to so many bits after the point."""

_MOST_EVALUATIONS = 60_000
"""Atoms times rectangles that Coq may have to evaluate: some ten seconds."""

_MOST_HISTORIES = 20_000
_DEPTH = 40
_MARGIN = 1e-12
"""Lower bounds below this share of their terms are left to others: Coq's own rounding must not spoil them."""


OWN_BETA1 = ("histories", "quadrature")
"""Theorems about the method's own beta1."""


@dataclass(frozen=True)
class Decision:
    """The sign of a component of the field at a point, and the theorem of the library that proves it.

    Attributes
    ----------
    sign
        Of the field without weight decay: 1 or -1.
    theorem
        "bracket" (the sign lemma), "lag" (the one-lag theorem), "third" (the same for mean 0), "histories", or, under
        the premise of the quadrature lemma, "quadrature".
    arguments
        What the theorem's computation takes besides the law, as terms of Coq.
    words
        The theorem in words.
    for_beta1
        The only beta1 that it holds for; None if it holds for every beta1.
    """

    sign: int
    theorem: str
    arguments: tuple[str, ...]
    words: str
    for_beta1: Fraction | None = None

    @property
    def conditional(self) -> bool:
        """Whether the theorem has the quadrature lemma as a premise."""
        return self.theorem == "quadrature"


Found = tuple[str, tuple[str, ...], str] | None


@dataclass(frozen=True)
class _Box:
    """Bounds of all values, and of their squares."""

    lo: Fraction
    hi: Fraction
    low: Fraction
    high: Fraction

    @property
    def text(self) -> tuple[str, ...]:
        return tuple(map(rational_number, (self.lo, self.hi, self.low, self.high)))


def _box(atoms: BoundedAtoms) -> _Box:
    squares = [(low * low, high * high) for _, low, high in atoms]
    least = [
        Fraction(0) if low <= 0 <= high else min(pair) for (_, low, high), pair in zip(atoms, squares, strict=True)
    ]
    lo, hi = min(low for _, low, _ in atoms), max(high for _, _, high in atoms)
    return _Box(lo, hi, min(least), max(max(pair) for pair in squares))


def decide(setting: Setting, atoms: Atoms, conditional: bool = False) -> Decision | None:
    """Return the first decision that is found, the cheapest theorems first; None if there is none.

    Decisions for every beta1 come before one for the method's own, and one under a premise comes last and only if
    ``conditional`` is set.
    """
    searches = (_bracket, _third, _lag, _histories, *([_quadrature] if conditional else []))
    return _first(setting, tuple((p, g, g) for p, g in atoms), searches)


def decide_from_bounds(setting: Setting, atoms: BoundedAtoms) -> Decision | None:
    """Return the first decision about a law whose values are known between bounds; None if there is none."""
    return _first(setting, atoms, (_bracket, _lag, _histories))


def _first(setting: Setting, atoms: BoundedAtoms, searches: Sequence[Callable[..., Found]]) -> Decision | None:
    for search in searches:
        for sign in (1, -1):
            # Each theorem is about a negative field; a positive one is that of the opposite gradients.
            turned = tuple((p, -high, -low) if sign > 0 else (p, low, high) for p, low, high in atoms)
            # The sign lemma needs the lower bounds alone: E(c - g)^+ decreases in g. The others take all bounds in Coq,
            # which are too near to each other to matter here.
            found = search(setting, tuple((p, low) for p, low, _ in turned), _box(turned))
            if found is not None:
                theorem, arguments, words = found
                own = setting.method.alpha if theorem in OWN_BETA1 else None
                return Decision(sign, theorem, arguments, words, own)
    return None


def _bracket(setting: Setting, atoms: Atoms, _box: _Box) -> Found:
    """c - E(c - g)^+ / t is positive for some c; as a function of c it is concave, with its corners at the values."""
    beta = setting.method.beta
    t = Fraction(isqrt((beta.numerator << 2 * _BITS) // beta.denominator), 1 << _BITS)
    below = mass = Fraction(0)
    best, where = Fraction(0), None
    for probability, g in sorted(atoms, key=lambda atom: atom[1]):
        # E(g' - x)^+ with the probability and the mean of the values up to g.
        bracket = g - (mass * g - below) / t
        if bracket > best:
            best, where = bracket, g
        mass += probability
        below += probability * g
    if where is None:
        return None
    return (
        "bracket",
        (rational_number(t), rational_number(where)),
        "the sign lemma (N-Lemma 1 and the inequality of N-Lemma 4)",
    )


def _lag(setting: Setting, atoms: Atoms, box: _Box) -> Found:
    """The lag is positive on all weights and pasts."""
    if sum(p * g for p, g in atoms) <= 0:
        return None
    depth = _cover(setting, _lag_terms, atoms, box)
    bounds = box.text[2:] if setting.rational else box.text
    return None if depth is None else ("lag", (str(depth), *bounds), "the one-lag theorem")


def _third(setting: Setting, atoms: Atoms, box: _Box) -> Found:
    """The mean is 0, and minus the third moment is positive on all weights and pasts."""
    if sum(p * g for p, g in atoms) or box.low == 0:
        return None
    # Minus the third moment has the sign of the opposite law's: the theorem is about a positive field there.
    depth = _cover(setting, _third_terms, tuple((p, -g) for p, g in atoms), box)
    if depth is None:
        return None
    arguments = (str(depth), *box.text[2:])
    return "third", arguments, "the one-lag theorem with the factor of the mean 0 taken out"


Bounds = tuple[FloatArray, FloatArray]


def _root(setting: Setting, v: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(v + float(setting.method.epsilon)) if setting.inside_root else np.sqrt(v))


def _divisor(setting: Setting, root: FloatArray) -> FloatArray:
    return root if setting.inside_root else root + float(setting.method.epsilon)


def _lag_terms(setting: Setting, g: FloatArray, rectangle: FloatArray) -> Bounds:
    """g / divisor, from below and above, on rectangles (w0, w1, y0, y1): shapes (rectangles, atoms)."""
    w0, w1, y0, y1 = rectangle.T[:, :, None]
    small = _divisor(setting, _root(setting, w0 * g**2 + y0))
    large = _divisor(setting, _root(setting, w1 * g**2 + y1))
    return np.minimum(g / small, g / large), np.maximum(g / small, g / large)


def _third_terms(setting: Setting, g: FloatArray, rectangle: FloatArray) -> Bounds:
    w0, w1, y0, y1 = rectangle.T[:, :, None]
    ends = []
    for w, y in ((w0, y0), (w1, y1)):
        root = _root(setting, w * g**2 + y)
        ends.append(g**3 / (_divisor(setting, root) * (root + _root(setting, y))))
    return np.minimum(*ends), np.maximum(*ends)


def _cover(
    setting: Setting, terms: Callable[[Setting, FloatArray, FloatArray], Bounds], atoms: Atoms, box: _Box
) -> int | None:
    """The depth at which all rectangles of a bisection have a positive sum of terms, as the library bisects them."""
    probabilities, g = (np.array([float(x) for x in numbers]) for numbers in zip(*atoms, strict=True))
    beta, low, high = (float(x) for x in (setting.method.beta, box.low, box.high))
    rectangles = np.array([[0.0, 1 - beta, beta * low, high]])
    evaluated = 0
    for depth in range(_DEPTH):
        evaluated += rectangles.size // 4 * len(g)
        if evaluated > _MOST_EVALUATIONS:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            lower, upper = terms(setting, g, rectangles)
            size = (probabilities * np.maximum(abs(lower), abs(upper))).sum(axis=1)
            positive = (probabilities * lower).sum(axis=1) > _MARGIN * size
            if ((probabilities * upper).sum(axis=1) < 0).any():
                return None
        rectangles = rectangles[~positive]
        if not len(rectangles):
            return depth
        rectangles = np.concatenate(list(_halves(rectangles, high)))
    return None


def _halves(rectangles: FloatArray, high: float) -> Iterator[FloatArray]:
    w0, w1, y0, y1 = rectangles.T
    side = np.where((w1 - w0) * high <= y1 - y0, 2, 0)
    rows = np.arange(len(rectangles))
    middle = (rectangles[rows, side] + rectangles[rows, side + 1]) / 2
    for end in (side + 1, side):
        half = rectangles.copy()
        half[rows, end] = middle
        yield half


def _histories(setting: Setting, atoms: Atoms, box: _Box) -> Found:
    """The mean quotient after n steps is positive whatever the older moments are."""
    if isinstance(setting.method, NAdam):
        return None
    alpha, beta = float(setting.method.alpha), float(setting.method.beta)
    p, g = (np.array([float(x) for x in numbers]) for numbers in zip(*atoms, strict=True))
    m0, m1, v0, v1, weight = (np.array([float(x)]) for x in (box.lo, box.hi, box.low, box.high, 1))
    for steps in range(1, 64):
        if len(m0) * len(g) > _MOST_HISTORIES:
            return None
        m0, m1 = ((alpha * m[:, None] + (1 - alpha) * g).ravel() for m in (m0, m1))
        v0, v1 = ((beta * v[:, None] + (1 - beta) * g**2).ravel() for v in (v0, v1))
        weight = (weight[:, None] * p).ravel()
        with np.errstate(divide="ignore"):
            inverses = [1 / _divisor(setting, _root(setting, v)) for v in (v1, v0)]
        lower = np.minimum.reduce([m0 * inverse for inverse in inverses])
        if (weight * lower).sum() > 1e-9 * (weight * abs(lower)).sum():
            arguments = (str(steps), *box.text)
            return "histories", arguments, f"all histories of {steps} gradients, the older ones as an interval"
    return None


def _quadrature(setting: Setting, atoms: Atoms, _box: _Box) -> Found:
    arguments = by_quadrature(setting, atoms)
    if arguments is None:
        return None
    return (
        "quadrature",
        arguments,
        "the trapezoidal rule for the Laplace form (T4, T5), from the quadrature lemma as a premise",
    )
