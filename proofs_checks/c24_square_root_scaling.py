r"""C24: the square-root scaling of batch and step keeps Adam's drift per sample where noise dominates, and only there.

Cited: the abstract of arXiv 2205.10287 derives a square root scaling rule for the hyperparameters of RMSprop and Adam
when the batch size changes; how it scales each is not in the abstract, and taken from common use. Added here: what the
rule does to the drift, for every ratio of signal to noise.

The rule: batches kappa times as large, the step times sqrt(kappa), 1 - beta1 and 1 - beta2 times kappa, eps over
sqrt(kappa). The drift per sample is step F/(batch size). As beta2 -> 1, F -> m/(sqrt S + eps) (T9), where S is
m^2 + sigma^2/kappa for means of kappa gradients; so the drift per sample is the step for single ones times

$$\frac{\sqrt\kappa}{\kappa}\cdot\frac m{\sqrt{m^2+\sigma^2/\kappa}+\varepsilon/\sqrt\kappa}=
\frac m{\sqrt{\kappa m^2+\sigma^2}+\varepsilon}.$$

Its ratio to that for kappa = 1 is near 1 where kappa m^2 is small beside sigma^2, and falls to 1/sqrt(kappa) where
noise is small. The finite statement: for normal gradients and 1 - beta2 = 1e-5 (before scaling), enclosures of F prove
the ratio to within kappa (1 - beta2).
"""

from collections.abc import Callable
from fractions import Fraction
from functools import cache

import flint
import sympy as sp

from adamsym import Adam, AdamField, Claim, Independent, Problem
from adamsym.claims import Finding, all_of, holds, refuted, rounds_to, undecided

claim = Claim(
    "C24",
    title="Square-root scaling keeps the drift per sample where noise dominates, and only there",
    statement=(
        r"Let batches be $\kappa$ times as large, the step times $\sqrt\kappa$, $1-\beta_i$ times $\kappa$, "
        r"$\varepsilon$ over $\sqrt\kappa$. As $\beta_2\to1$ the drift per sample tends to its old value times "
        r"$\frac{\sqrt{m^2+\sigma^2}+\varepsilon}{\sqrt{\kappa m^2+\sigma^2}+\varepsilon}$."
    ),
    source="arXiv 2205.10287; T9, N-Lemma 2",
)

TO_ONE = Fraction(1, 10**5)
"""1 - beta2 of single gradients."""

MEMORY = Fraction(1, 20)
"""1 - beta1 of single gradients."""

RATIOS = {
    ("0.01", 4): "0.99985",
    ("0.01", 16): "0.99925",
    ("0.1", 4): "0.98547",
    ("0.1", 16): "0.93311",
    ("1", 4): "0.63246",
    ("1", 16): "0.34300",
}
"""Of the drifts per sample, by the ratio of signal to noise and kappa, for eps -> 0."""


# --- The limit -------------------------------------------------------------------------------------------------------


def limit_is(power: sp.Rational) -> Finding:
    """Is the limit the one stated, if the step is multiplied by kappa^power?"""
    m, sigma, eps, kappa = sp.symbols("m sigma epsilon kappa", positive=True)
    scaled = kappa**power / kappa * m / (sp.sqrt(m**2 + sigma**2 / kappa) + eps / sp.sqrt(kappa))
    ratio = scaled / (m / (sp.sqrt(m**2 + sigma**2) + eps))
    stated = (sp.sqrt(m**2 + sigma**2) + eps) / (sp.sqrt(kappa * m**2 + sigma**2) + eps)
    left = sp.simplify(sp.simplify(ratio / stated) - 1)
    return (holds if left == 0 else refuted)(f"limit over the one stated, less 1: {left}", cases=1)


@claim.evidence("symbolic")
def the_limit() -> Finding:
    return limit_is(sp.Rational(1, 2))


@claim.control("steps in proportion to the batch size")
def linear_scaling() -> Finding:
    return limit_is(sp.Integer(1))


def closed_form(ratio: flint.arb, kappa: int, eps: flint.arb) -> flint.arb:
    return ((ratio**2 + 1).sqrt() + eps) / ((kappa * ratio**2 + 1).sqrt() + eps)


def limits_are(values: dict[tuple[str, int], str]) -> Finding:
    """Are these the limits without eps, to five digits?"""
    found = {key: closed_form(flint.arb(key[0]), key[1], flint.arb(0)) for key in values}
    return all_of(rounds_to(digits, found[key], f"ratio for {key}") for key, digits in values.items())


@claim.evidence("certified")
def its_values() -> Finding:
    return limits_are(RATIOS)


@claim.control("their squares, the ratios of S, where noise dominates")
def squares() -> Finding:
    return limits_are({("0.01", 4): "0.99970", ("0.01", 16): "0.99850"})


# --- The field -------------------------------------------------------------------------------------------------------


@cache
def drift(signal: str, kappa: int, eps: Fraction, scaled_memory: bool) -> flint.arb:
    """F for means of kappa gradients from N(signal, 1), a proven ball."""
    problem = Problem("g*theta", ["theta"], Independent({"g": f"Normal({signal}, 1)"}), kappa)
    factor = kappa if scaled_memory else 1
    low, high = AdamField(problem, Adam(1 - factor * MEMORY, 1 - factor * TO_ONE, eps)).enclose([[0, 0]])[0]
    return flint.arb(-high).union(flint.arb(-low))


def per_sample(signal: str, kappa: int, eps: Fraction, scaled_eps: bool = True) -> flint.arb:
    """The ratio of drifts per sample, a proven ball."""
    root = flint.arb(kappa).sqrt()
    # kappa is a square: eps over its root is exact.
    divisor = int(kappa**0.5) if scaled_eps else 1
    return drift(signal, kappa, eps / divisor, True) / drift(signal, 1, eps, True) / root


Limit = Callable[[flint.arb, int, flint.arb], flint.arb]


def tends_to(limit: Limit, eps: Fraction, scaled_eps: bool = True) -> Finding:
    """Is the ratio proven to be within kappa (1 - beta2) of the limit, for all ratios of signal to noise?"""
    worst, text = flint.arb(0), []
    for signal, kappa in RATIOS:
        found = per_sample(signal, kappa, eps, scaled_eps)
        off = abs(found - limit(flint.arb(signal), kappa, flint.arb(flint.fmpq(eps.numerator, eps.denominator))))
        share = off / (kappa * flint.arb(flint.fmpq(TO_ONE.numerator, TO_ONE.denominator)))
        worst = worst.max(share)
        text.append(f"{signal}, {kappa}: {found.str(6, radius=False)}")
    detail = f"{'; '.join(text)}; off by up to {worst.str(3, radius=False)} kappa (1 - beta2)"
    if worst > 1:
        return refuted(detail, cases=len(RATIOS))
    return holds(detail, cases=len(RATIOS)) if worst < 1 else undecided(detail)


@claim.evidence("certified")
def enclosures_with_little_eps_and_with_much() -> Finding:
    return all_of([tends_to(closed_form, Fraction(1, 10**8)), tends_to(closed_form, Fraction(1, 2))])


@claim.control("eps kept as it was")
def eps_unscaled() -> Finding:
    return tends_to(closed_form, Fraction(1, 2), scaled_eps=False)


def keeps_the_drift(signal: str) -> Finding:
    """Is the drift per sample proven to stay within 1 in 1000, for kappa = 4 and 16?"""
    found = [per_sample(signal, kappa, Fraction(1, 10**8)) for kappa in (4, 16)]
    text = f"signal/noise {signal}: ratios {', '.join(ball.str(6, radius=False) for ball in found)}"
    if any(abs(ball - 1) > flint.arb("1e-3") for ball in found):
        return refuted(text, cases=2)
    return holds(text, cases=2) if all(abs(ball - 1) < flint.arb("1e-3") for ball in found) else undecided(text)


@claim.evidence("certified")
def where_noise_dominates() -> Finding:
    return keeps_the_drift("0.01")


@claim.control("as much signal as noise")
def as_much_signal() -> Finding:
    return keeps_the_drift("1")
