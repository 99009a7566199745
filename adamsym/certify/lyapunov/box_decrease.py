"""Proofs that <grad L, f> < 0 over one box, each with a lower bound of -<grad L, f>/L (N-Lemma 4, N-Theorem 1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

import flint

from adamsym.certify.lyapunov.decrease_constants import Noise, theorem_1, theorem_2b, theorem_6
from adamsym.certify.outcomes import Proof
from adamsym.certify.sign_lemma import sign_factor, sign_threshold
from adamsym.field.ball.arithmetic import ball, larger, outward, square
from adamsym.field.ball.enclosure import BoxEnclosure
from adamsym.field.ball.law import EnclosedLaw
from adamsym.methods import LaplaceForm


@dataclass(frozen=True)
class Bounds:
    """A proof's kind, and lower bounds over the box of -<grad L, f>/L and |grad L|^2/(2 L); None where L is unknown."""

    by: Proof
    rate: float | None
    pl: float | None


def below(value: flint.arb, loss: flint.arb | None) -> float | None:
    """Return a float below value/loss and not below 0; None if ``loss`` is no positive bound."""
    if loss is None or not loss.is_finite() or not loss > 0:
        return None
    return max(0.0, outward(value / loss)[0])


def by_signs(
    laws: Sequence[EnclosedLaw], over: Sequence[EnclosedLaw], form: LaplaceForm, loss: flint.arb | None, name: Proof
) -> Bounds | None:
    """N-Lemma 4 in each coordinate, for the laws of h where the gradients ``over`` are rho h.

    -m_i f_i >= |m_i| (|m_i| - q sigma_i) phi(S_i), S_i = E g_i^2, where |m_i| > q sigma_i, times the sum of the lag
    weights; it is 0 where all atoms are 0.
    """
    weight = ball(form.weights.total)
    total, mean_square = flint.arb(0), flint.arb(0)
    for h, g in zip(laws, over, strict=True):
        if h.vanishes:
            continue
        mean = h.mean.abs_lower()
        excess = mean - sign_threshold(h, g, form)
        if not excess > 0:
            return None
        mean_square += mean**2
        total += weight * mean * excess * form.kernel.ball_of(g.mean_square.upper())
    return Bounds(name, below(total, loss), below(mean_square / 2, loss)) if total > 0 else None


def by_spread(
    mean_square: flint.arb,
    variance: flint.arb,
    over: Sequence[EnclosedLaw],
    form: LaplaceForm,
    loss: flint.arb | None,
    name: Proof,
    rows: tuple[Fraction, int] | None = None,
) -> Bounds | None:
    """N-Theorem 1: -<grad L, f> >= D^2 phi(E|g|^2) Q, Q = 1 - q sqrt(eta) - q^2 eta x/4, x = phi(0)/phi(E|g|^2) - 1.

    The sum of the lag weights is a factor of the bound.

    ``mean_square`` is below |E h|^2, ``variance`` above sum Var h_i, for gradients rho h: eta is at most the quotient.
    ``rows`` are the least probability of a row and the batch: with them q is smaller (N-Lemma 4), and N-Theorems 2(b)
    and 6 give another c_0 in the place of Q, for their phi((1 + eta) D^2) comes from phi(E|g|^2), which is less.
    """
    if not mean_square > 0:
        return None
    eta = (variance / mean_square).upper()
    size = sum((g.mean_square for g in over), flint.arb(0)).upper()
    lowest = form.kernel.ball_of(size)
    x = (form.kernel.ball_of(flint.arb(0)) / lowest - 1).upper()
    q = flint.arb(0)
    for g in over:
        q = q.max(sign_factor(g, form))
    share = 1 - q * eta.sqrt() - q**2 * eta * x / 4
    if rows is not None and eta.is_finite():
        noise = Noise(eta * rows[1], *rows, len(over) - 1)
        largest = reduce(larger, (g.max_abs for g in over))
        for proved in (theorem_1(form, noise, largest, size), theorem_2b(form, noise), theorem_6(form, noise)):
            share = proved.share if proved.holds and not share > proved.share else share
    if not share > 0:
        return None
    return Bounds(
        name, below(ball(form.weights.total) * mean_square * lowest * share, loss), below(mean_square / 2, loss)
    )


def by_enclosure(
    laws: Sequence[EnclosedLaw],
    at_middle: Sequence[EnclosedLaw],
    over: BoxEnclosure,
    center: Sequence[flint.arb],
    shifts: Sequence[flint.arb],
) -> flint.arb:
    """Return a ball around <grad L, f> over the box: sum m_i f_i, and its mean-value form.

    Its gradient is sum_i (d_j m_i) f_i + m_i d_j f_i.
    """
    plain = sum((law.mean * f for law, f in zip(laws, over.value, strict=True)), flint.arb(0))
    linear = sum((law.mean * f for law, f in zip(at_middle, center, strict=True)), flint.arb(0))
    for j, shift in enumerate(shifts):
        slope = flint.arb(0)
        for law, f, row in zip(laws, over.value, over.jacobian, strict=True):
            slope += law.mean_slopes[j] * f + law.mean * row[j]
        linear += slope * shift
    if not linear.is_finite():
        return plain
    return plain.intersection(linear) if plain.is_finite() else linear


def spread_of_matrices(laws: Sequence[EnclosedLaw], inverse: Sequence[Sequence[float]]) -> tuple[flint.arb, flint.arb]:
    """Return a lower bound of |E A v|^2 and an upper one of sum Var (A v)_i, for |v| = 1; ``laws`` are A's entries'.

    With Y near 1/E A, |E A v| >= (1 - |1 - Y E A|)/|Y| in Frobenius norms; and Var (A v)_i <= sum_j Var A_ij.
    """
    d = len(inverse)
    defect, size = flint.arb(0), flint.arb(0)
    for i in range(d):
        for j in range(d):
            entry = sum((flint.arb(inverse[i][k]) * laws[k * d + j].mean for k in range(d)), flint.arb(0))
            defect += square(int(i == j) - entry)
            size += flint.arb(inverse[i][j]) ** 2
    least = (1 - defect.upper().sqrt()) / size.sqrt()
    variance = sum((law.variance for law in laws), flint.arb(0)).upper()
    return (least.lower() ** 2 if least > 0 else flint.arb(0)), variance
