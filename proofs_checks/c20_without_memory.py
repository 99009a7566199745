r"""C20: without memory, and for normal gradients, Adam's field is -erf(m/(sqrt(2) sigma)): the sign's mean.

Cited: the abstract of arXiv 1705.07774 reads Adam as taking its direction from the sign of stochastic gradients, and
its magnitude from their relative variance. Added here: the case beta1 = beta2 = 0, in which the sign is all there is.

Then M = g and V = g^2, so F = E[g/(|g| + eps)] (T9), and for g ~ N(m, sigma^2) without eps F = E sign(g) =
erf(m/(sqrt 2 sigma)). With eps, and m > 0, the difference is E[eps sign(g)/(|g| + eps)]: with the density p, and as
(p(t) - p(-t)) <= 2 (m/sigma^2) t cosh(mt/sigma^2) p_0(t), p_0(t) the density of N(0, sigma^2) times
exp(-m^2/(2 sigma^2)),

$$0\le\operatorname{erf}\frac m{\sqrt2\sigma}-F=\varepsilon\int_0^\infty\frac{p(t)-p(-t)}{t+\varepsilon}dt
\le\varepsilon\frac m{\sigma^2}\int_{-\infty}^\infty\cosh\frac{mt}{\sigma^2}p_0(t)dt=\varepsilon\frac m{\sigma^2}.$$

N-Lemma 2 bounds |F| by 1 there: erf never reaches it. For batches of B sigma is divided by sqrt B.
"""

from collections.abc import Callable
from functools import cache

import flint
from hypothesis import strategies as st
from scipy.special import erf

from adamsym import Adam, AdamField, Claim, Independent, Problem
from adamsym.claims import Finding, all_of, check_property, holds, refuted, rounds_to, undecided

claim = Claim(
    "C20",
    title="Without memory and for normal gradients Adam's field is -erf(m/(sqrt(2) sigma))",
    statement=(
        r"Let $g$ be normal with mean $m > 0$ and variance $\sigma^2$, and $\beta_1=\beta_2=0$. Then $-f$ is at most "
        r"$\varepsilon\frac m{\sigma^2}$ below $\mathrm{erf}\frac m{\sqrt2\sigma}$, and never above it."
    ),
    source="arXiv 1705.07774; T9, N-Lemma 2",
)

EPS = "1e-8"
AT_THREE_TENTHS = "0.2358228444"


@cache
def field(mean: str, deviation: str, batch: int = 1, beta1: str = "0", beta2: str = "0", eps: str = EPS) -> AdamField:
    law = Independent({"g": f"Normal({mean}, {deviation})"})
    return AdamField(Problem("g*theta", ["theta"], law, batch), Adam(beta1, beta2, eps))


def of_ratio(ratio: flint.arb) -> flint.arb:
    return (ratio / flint.arb(2).sqrt()).erf()


def encloses(
    mean: str,
    deviation: str,
    batch: int = 1,
    beta2: str = "0",
    eps: str = EPS,
    form: Callable[[flint.arb], flint.arb] = of_ratio,
) -> Finding:
    """Is F proven to lie between form(m/sigma) - eps m/sigma^2 and form(m/sigma)?"""
    low, high = -field(mean, deviation, batch, beta2=beta2, eps=eps).enclose([[0, 0]])[0][::-1]
    m, sigma = flint.arb(mean), flint.arb(deviation) / flint.arb(batch).sqrt()
    most = form(m / sigma)
    least = most - flint.arb(eps) * m / sigma**2
    text = f"N({mean}, {deviation}^2), B = {batch}, eps = {eps}: F in [{low:.12f}, {high:.12f}], claimed "
    text += f"{least.str(12)} to {most.str(12)}"
    if flint.arb(high) < least or flint.arb(low) > most:
        return refuted(text)
    return holds(text, cases=1) if flint.arb(low) >= least and flint.arb(high) <= most else undecided(text)


@claim.evidence("certified")
def enclosures() -> Finding:
    cases = [("0.3", "1"), ("0.01", "1"), ("2", "0.5"), ("5", "1")]
    larger = [encloses("0.3", "1", eps="1e-3"), encloses("1", "2", eps="0.1"), encloses("0.3", "1", batch=4)]
    return all_of([*(encloses(mean, deviation) for mean, deviation in cases), *larger])


@claim.control("erf(m/(2 sigma))")
def another_root() -> Finding:
    return encloses("0.3", "1", form=lambda ratio: (ratio / 2).erf())


@claim.control("the first order in m, without erf")
def first_order() -> Finding:
    return encloses("0.3", "1", form=lambda ratio: ratio * (2 / flint.arb.pi()).sqrt())


@claim.control("beta2 = 0.5")
def with_memory() -> Finding:
    return encloses("0.3", "1", beta2="0.5")


def ten_digits(value: str) -> Finding:
    """Is erf(0.3/sqrt 2) this to ten digits, and do all F with eps = 1e-8 lie within 1e-8 of it?"""
    exact = of_ratio(flint.arb("0.3"))
    return all_of([encloses("0.3", "1"), rounds_to(value, exact, "erf(0.3/sqrt 2)")])


@claim.evidence("certified")
def the_value_at_three_tenths() -> Finding:
    return ten_digits(AT_THREE_TENTHS)


@claim.control("six less in the last digits")
def other_digits() -> Finding:
    return ten_digits("0.2358228438")


def field_by_number(beta1: str, beta2: str) -> Finding:
    """Is the float field -erf(m/(sqrt 2 sigma)) for drawn m and sigma, up to what the claim allows and 1e-9?"""

    def equal(mean: int, deviation: int) -> None:
        m, sigma = mean / 64, deviation / 64
        value = -field(repr(m), repr(sigma), 1, beta1, beta2)([0.0])[0]
        exact = erf(m / (2**0.5 * sigma))
        assert abs(value - exact) <= 1e-9 + 1e-8 * abs(m) / sigma**2, f"m = {m}, sigma = {sigma}: {value}, {exact}"

    return check_property(equal, st.integers(-256, 256), st.integers(8, 256), examples=100)


@claim.evidence("property")
def drawn_laws() -> Finding:
    return field_by_number("0", "0")


@claim.control("a memory of the gradients, beta1 = 0.3, beta2 = 0.1")
def memory_of_gradients() -> Finding:
    return field_by_number("0.3", "0.1")
