r"""C15: for enough batch or memory the loss decreases along the flow, whatever eps, in many dimensions.

N-Lemma 3: E phi(V) <= Lambda(p) phi(S), if E g^4 <= S^2/p and p > delta = 1 - sqrt(beta2). N-Lemma 4: smaller q in
|F - m E phi(V)| <= q sigma E phi(V) for laws whose values weigh at least p, and for batches of rows that do. From both,
N-Theorem 6: if the variances of all coordinates sum to at most eta D^2, D = |grad L|, and |m_i| < q sigma_i for at most
n of them, then

    <grad L, f> <= -c_0 D^2 phi((1 + eta) D^2),   c_0 = 1 - q sqrt(eta) - Lambda q^2/4 max(eta, sqrt(n) mu(eta)),

if c_0 > 0. Tested on drawn laws and on laws near those for which the proofs are sharp. (b) of N-Lemma 4 is attained as
eps -> 0 for RMSprop where the row of weight p alone is not 0; so is (a), slowly, at p = delta. Given E g^4, E phi(V) is
largest where g has one value and 0. N-Theorem 6 is sharp as p, delta/p and eta go to 0: all noise in n equal
coordinates, a spike in the row of weight p, means q sigma/2. A search makes the ratio of the true decrease to the bound
still smaller. F is the package's, with its error estimate, and E phi(V) an own rule on T4's integral.

Just beyond it is otherwise: constants a ten-thousandth smaller fail on these laws; and, by enclosures, a PL problem
with p = 0.89 delta, and N1 in batches of one.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import flint
import numpy as np

from adamsym import Adam, AdamField, Claim, Empirical, Problem
from adamsym.certify.lyapunov import decrease_constants as constants
from adamsym.claims import Finding, all_of, holds, refuted, run_seed, scaled, undecided
from adamsym.field import quotient
from adamsym.field.ball.arithmetic import ball, ball_arithmetic
from adamsym.methods import AdamEpsInsideRoot, AdaptiveMethod, NAdam, RMSprop
from adamsym.methods.kernels import RootPlusEps, complementary_ratio

claim = Claim(
    "C15",
    title="With enough batch or memory the loss is a Lyapunov function, whatever eps",
    statement=(
        r"If the coordinates' variances sum to at most $\eta|\nabla L|^2$, rows weigh at least $p$, $K_4<1/(1-\sqrt"
        r"{\beta_2})$ and $c_0=1-q\sqrt\eta-\frac\Lambda4q^2\max(\eta,\sqrt{d-1}\mu(\eta))>0$, then $\langle\nabla "
        r"L,f\rangle\le-c_0|\nabla L|^2/(\sqrt{1+\eta}|\nabla L|+\varepsilon)$, for every $\varepsilon$."
    ),
    source="N-Lemma 3, N-Lemma 4, N-Theorem 6",
)

ROUNDING = 1e-11
"""What the own rule and sums in float64 may err by, as a share."""


@dataclass(frozen=True)
class Setting:
    """A method, the probabilities of the rows, and the batch."""

    method: AdaptiveMethod
    probabilities: tuple[float, ...]
    batch: int = 1
    replacement: bool = True

    @property
    def least(self) -> Fraction:
        """A fraction that no row's probability is below."""
        return Fraction(min(self.probabilities)) * Fraction(10**12 - 1, 10**12)

    def batches(self) -> tuple[np.ndarray, np.ndarray]:
        """The shares of the rows in each batch, shape (batches, rows), and its probability."""
        rows = range(len(self.probabilities))
        if not self.replacement:
            drawn = list(itertools.combinations(rows, self.batch))
            shares = np.array([np.bincount(one, minlength=len(rows)) for one in drawn]) / self.batch
            return shares, np.full(len(drawn), 1 / len(drawn))
        counts = np.array(
            [np.bincount(c, minlength=len(rows)) for c in itertools.combinations_with_replacement(rows, self.batch)]
        )
        ways = [math.factorial(self.batch) / math.prod(map(math.factorial, map(int, count))) for count in counts]
        weights = np.array(ways) * np.prod(np.array(self.probabilities) ** counts, axis=1)
        return counts / self.batch, weights / weights.sum()

    def constants(self) -> tuple[dict[str, float], float]:
        """All q of N-Lemma 4, and Lambda where |m| < q sigma for the least of them."""
        form, n, b = self.method.laplace, len(self.probabilities), self.batch
        widening = 1.0 if self.replacement else math.sqrt((n - 1) / (n - b))
        with ball_arithmetic():
            factors = constants.sign_factors(constants.growth_bound(form.beta), self.least, b)
            found = {name: float(q) * (1 if name == "variance" else widening) for name, q in factors.items()}
            least = flint.arb(min(found.values()))
            fourth = constants.fourth_moment_bound(least, self.least, b)
            if not self.replacement:
                k = (constants.kurtosis_bound(self.least, b) * widening**4 - 1).sqrt()
                fourth = 1 + (2 * least + k) ** 2
            return found, float(constants.mean_kernel_bound(fourth, form.beta))


def spread_out(beta: str, times: float, others: int) -> tuple[float, ...]:
    """One row of weight ``times`` delta, others of equal weight."""
    p = times * (1 - math.sqrt(float(beta)))
    return (p, *[(1 - p) / others] * others)


def equal(rows: int) -> tuple[float, ...]:
    return (1 / rows,) * rows


SETTINGS = [
    Setting(Adam("0.5", "0.9", "1e-9"), equal(3)),
    Setting(Adam("0.9", "0.99", "1e-9"), spread_out("0.99", 1.2, 4)),
    Setting(Adam("0.9", "0.999", "0.01"), spread_out("0.999", 2, 3)),
    Setting(Adam("0", "0.5", "1e-9"), equal(3)),
    Setting(Adam("0.9", "0.99", "1e-9"), equal(4), batch=3),
    Setting(Adam("0.5", "0.9", "0.1"), equal(3), batch=4),
    Setting(Adam("0.9", "0.99", "1e-9"), equal(6), batch=2, replacement=False),
    Setting(RMSprop("0.99", "1e-9"), spread_out("0.99", 1.5, 3)),
    Setting(NAdam("0.9", "0.999", "1e-9"), spread_out("0.999", 4, 3)),
    Setting(AdamEpsInsideRoot("0.9", "0.99", "1e-4"), equal(5)),
]
SHARP = Setting(Adam("0.5", "0.9999", "1e-9"), spread_out("0.9999", 200, 2))
"""delta/p = 1/200 and p = 1/100: for small ones q, and the constant of N-Theorem 6, are best possible."""
SHARPEST = Setting(Adam("0.5", "0.9999999992", "1e-30"), spread_out("0.9999999992", 50_000, 2))
"""delta/p = p = 1/50,000."""
BORDER = [
    Setting(RMSprop("0.99", "1e-30"), spread_out("0.99", 1, 3)),
    Setting(Adam("0.9", "0.8101", "1e-12"), equal(5)),
    Setting(Adam("0", "0.05", "1e-12"), equal(2)),
]
"""For the lemmas: p = delta; beta2 next to beta1^2; and next to 0."""
LIGHT = Setting(Adam("0.9", "0.99", "1e-9"), spread_out("0.99", 0.3, 3))
"""p < delta: here N-Theorem 6 says nothing, N-Theorem 2(b) does."""


# --- Single laws ---------------------------------------------------------------------------------------------------


def drawn_rows(setting: Setting, laws: int, rng: np.random.Generator) -> np.ndarray:
    """Rows' gradients, shape (laws, rows): heavy-tailed ones, the lightest row alone, and spikes in it beside others.

    The last have a mean of some part of q sigma, of either sign, for the batch's sigma.
    """
    p = np.array(setting.probabilities)
    loose = rng.normal(size=(laws, len(p))) * np.exp(rng.normal(size=(laws, 1)) + rng.normal(size=(laws, len(p))))
    spike = np.where(np.arange(len(p)) == p.argmin(), 1 / p.min() - 1, -1.0)
    rows = spike + rng.choice([0, 0.01, 0.3], (laws, 1)) * rng.normal(size=(laws, len(p)))
    rows -= (rows @ p)[:, None]
    rows /= np.sqrt(rows**2 @ p)[:, None]
    q = min(setting.constants()[0].values()) / math.sqrt(setting.batch)
    rows = rows + q * rng.uniform(0, 1.6, (laws, 1))
    alone = np.exp(rng.normal(size=(laws, 1))) * (np.arange(len(p)) == p.argmin())
    kind = rng.random((laws, 1))
    return np.where(kind < 0.25, loose, np.where(kind < 0.5, alone, rows)) * rng.choice([-1, 1], (laws, 1))


def mean_kernel(atoms: np.ndarray, p: np.ndarray, method: AdaptiveMethod) -> np.ndarray:
    """E phi(V) for each law: the trapezoidal rule in log s on T4's integral, with the lags on the rule's own grid."""
    kernel, beta, p = method.laplace.kernel, float(method.laplace.beta), np.broadcast_to(p, atoms.shape)
    scale = np.sqrt((atoms**2 * p).sum(axis=1))[:, None]
    squares, fine = (atoms / scale) ** 2, -math.log(beta)
    every = max(1, math.floor(0.15 / fine))
    stride = max(1, math.ceil(fine / 0.15))
    x = np.arange(-36, 60 - 2 * math.log(method.eps) + 2 * np.log(scale.max()), fine / stride)
    with np.errstate(divide="ignore"):
        logs = np.log1p(np.einsum("lta,la->lt", np.expm1(-np.exp(x)[:, None] * (1 - beta) * squares[:, None]), p))
    for start in range(stride):
        logs[:, start::stride] = np.cumsum(logs[:, start::stride], axis=1)
    nodes, step = x[::every], every * fine / stride
    s = np.exp(nodes)
    if type(kernel) is RootPlusEps:
        weights = np.sqrt(s / np.pi) * complementary_ratio(method.eps / scale * np.sqrt(s))
    else:
        weights = np.sqrt(s / np.pi) * np.exp(-method.eps / scale**2 * s)
    # Below the first node the integrand is that root.
    rest = np.sqrt(s[0] / np.pi) / math.expm1(step / 2)
    return step * ((weights * np.exp(logs[:, ::every])).sum(axis=1) + rest) / scale[:, 0]


def laws_of(setting: Setting, laws: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, ...]]:
    """Some laws at a time: batch means, their probabilities, F, its error estimate, E phi(V)."""
    shares, weights = setting.batches()
    beta = float(setting.method.laplace.beta)
    at_once = max(1, int(20_000_000 * -math.log(beta) / (140 * len(weights))))
    for start in range(0, laws, at_once):
        atoms = drawn_rows(setting, min(at_once, laws - start), rng) @ shares.T
        found = quotient(atoms, weights, setting.method)
        yield atoms, weights, found.value, found.error, mean_kernel(atoms, weights, setting.method)


def sign_lemma(settings: list[Setting], laws: int, factor: float = 1) -> Finding:
    """Is |F - m E phi(V)| <= q sigma E phi(V) with ``factor`` times each of N-Lemma 4's q?"""
    rng, cases, most = np.random.default_rng(run_seed(15)), 0, 0.0
    for setting in settings:
        q = factor * min(setting.constants()[0].values())
        for atoms, weights, value, error, kernel in laws_of(setting, laws, rng):
            mean = atoms @ weights
            sigma = np.sqrt((atoms - mean[:, None]) ** 2 @ weights)
            size = np.abs(value - mean * kernel) / (q * sigma * kernel)
            margin = (error + ROUNDING * np.abs(mean) * kernel) / (q * sigma * kernel) + ROUNDING
            worst = (size - margin).argmax()
            if size[worst] - margin[worst] > 1:
                return refuted(f"{size[worst]:.5f} q sigma for {setting}, values {atoms[worst].tolist()}", cases + 1)
            cases, most = cases + len(atoms), max(most, float(size.max()))
    return holds(f"{cases} laws and batches; the largest |F - m E phi(V)| is {most:.6f} q sigma E phi(V)", cases)


def kernel_lemma(
    settings: list[Setting], laws: int, closed: Callable[[float, float], float] | None = None, factor: float = 1
) -> Finding:
    """Is phi(S) <= E phi(V) <= Lambda phi(S) for the law's own K_4, with ``closed(p, delta)`` for Lambda(p)?

    And is E phi(V) at most that of 0 and one value with the same S and ``factor`` times that K_4?
    """
    rng, cases, most, nearest = np.random.default_rng(run_seed(16)), 0, 0.0, 0.0
    for setting in settings:
        form = setting.method.laplace
        delta = 1 - math.sqrt(float(form.beta))
        for atoms, weights, *_, kernel in laws_of(setting, laws, rng):
            square = atoms**2 @ weights
            p = np.minimum(1, square**2 / (factor * (atoms**4 @ weights)) * (1 - ROUNDING))
            two = np.stack([np.sqrt(square / p), np.zeros_like(p)], axis=1)
            of_two = kernel / mean_kernel(two, np.stack([p, 1 - p], axis=1), setting.method)
            kernel_at = form.kernel.of(square)
            bound = np.array([bound_of(form.beta, one) if closed is None else closed(one, delta) for one in p])
            share = np.maximum(kernel / (bound * kernel_at), of_two)
            if (kernel < kernel_at * (1 - ROUNDING)).any() or (share > 1 + ROUNDING).any():
                worst = share.argmax()
                text = f"E phi(V) is {share[worst]:.6f} of its bound for {setting}, values {atoms[worst].tolist()}"
                return refuted(text, cases + 1)
            cases += len(bound)
            most = max(most, float(np.where(p < 0.5, kernel / (bound * kernel_at), 0).max()))
            nearest = max(nearest, float(of_two.max()))
    text = (
        f"{cases} laws and batches; the largest E phi(V) is {nearest:.6f} of that of two values, for p < 1/2 {most:.4f}"
    )
    return holds(f"{text} Lambda phi(S)", cases)


def bound_of(beta: Fraction, p: float) -> float:
    with ball_arithmetic():
        return float(constants.mean_kernel_bound(1 / flint.arb(p), beta))


def blindly(p: float, delta: float) -> float:
    """The closed form of Lambda(p) on both sides of delta."""
    return math.sqrt((1 - delta) ** 2 * p * (2 * p - delta) / ((2 - delta) * (p - delta) ** 2))


# --- The decrease of the loss --------------------------------------------------------------------------------------


def unit(rows: np.ndarray, copies: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Rows' gradients in units in which D = 1, shape (points, 3, rows); the third coordinate is there so many times."""
    mean = rows @ p
    return rows / np.sqrt((mean[:, :2] ** 2).sum(axis=1) + copies * mean[:, 2] ** 2)[:, None, None]


Bound = Callable[[float, float, np.ndarray, np.ndarray], np.ndarray]


def c_0(q: float, size: float, eta: np.ndarray, harmed: np.ndarray) -> np.ndarray:
    """N-Theorem 6's, ``size`` is Lambda."""
    mu = np.where(eta <= 1, np.sqrt(eta), (1 + eta) / 2)
    return np.asarray(1 - q * np.sqrt(eta) - size * q**2 / 4 * (harmed > 0) * np.maximum(eta, np.sqrt(harmed) * mu))


def c_0_without_a_least_weight(q: float, _: float, eta: np.ndarray, harmed: np.ndarray) -> np.ndarray:
    """N-Theorem 2(b)'s, for beta1 <= beta2: Phi = 1."""
    mu = np.where(eta <= 1, np.sqrt(eta), (1 + eta) / 2)
    worst = (harmed > 0) * np.maximum(np.sqrt(1 + q**2) * eta, np.sqrt(harmed) * mu)
    return np.asarray(1 - q * np.sqrt(eta) - q * worst)


def copies_for(bound: Bound, q: float, size: float, eta: np.ndarray, level: np.ndarray) -> np.ndarray:
    """The most copies for which c_0 stays above a level; 1 if none."""
    low, high = np.zeros_like(eta), np.full_like(eta, 200.0)
    for _ in range(60):
        middle = (low + high) / 2
        above = bound(q, size, eta, 2**middle) > level
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.floor(2**low)


def starts(setting: Setting, bound: Bound, members: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows' gradients in three coordinates, and copies of the third, with c_0 from 0.05 to 0.8.

    Near those that the proof of N-Theorem 6 has at worst: the copies have a spike in the lightest row and a mean of
    about half of q sigma, the first coordinate is good and has noise. A half of them are just those: the means exactly
    that, and all other noise symmetric or none.
    """
    p, b, n = np.array(setting.probabilities), setting.batch, len(setting.probabilities)
    factors, size = setting.constants()
    q, exact = min(factors.values()), (rng.random(members) < 0.5)[:, None]
    eta = np.exp(rng.uniform(-16, math.log(min(25, (0.7 / q) ** 2)), members))
    copies = copies_for(bound, q, size, eta, rng.uniform(0.05, 0.8, members))
    lightest = np.arange(n) == p.argmin()
    spike = np.where(lightest, 1 / p.min() - 1, -1.0)
    spike = spike / np.sqrt(spike**2 @ p)
    noise = rng.normal(size=(members, 2, n)) * [[[1.0], [0.01]]]
    noise[:, 0] = np.where(exact, np.where(lightest, 0, (-1.0) ** np.arange(n)), noise[:, 0])
    noise -= (noise @ p)[..., None]
    share = np.where(eta > 1, (1 + eta) / 2, np.where(exact[:, 0], 1, 0.9) * eta)
    rows = np.empty((members, 3, n))
    rows[:, 2] = spike + q / math.sqrt(b) * np.where(exact, 0.5, rng.uniform(0.3, 0.8, (members, 1)))
    rows[:, 2] *= np.sqrt(b * share / copies)[:, None]
    rows[:, :2] = noise * np.sqrt(b * (eta - share) / (noise**2 @ p).sum(axis=1))[:, None, None]
    rows[:, 0] += 1
    return unit(shaken(rows, p, np.where(exact, 0, 0.05), rng), copies, p), copies


def shaken(rows: np.ndarray, p: np.ndarray, size: np.ndarray | float, rng: np.random.Generator) -> np.ndarray:
    """Rows' gradients with their means and their parts of mean 0 moved, each by about a share."""
    size, mean = np.reshape(size, (-1, 1, 1)), (rows @ p)[..., None]
    moved = (rows - mean) * np.exp(size * rng.normal(size=rows.shape))
    return np.asarray(mean * np.exp(size * rng.normal(size=mean.shape)) + moved - (moved @ p)[..., None])


def decreases(setting: Setting, rows: np.ndarray, copies: np.ndarray, bound: Bound) -> tuple[np.ndarray, ...]:
    """The decrease of the loss along the flow, its error, its lower bound, and c_0, at each point."""
    shares, weights = setting.batches()
    factors, size = setting.constants()
    q, number = min(factors.values()), np.stack([np.ones_like(copies), np.ones_like(copies), copies], axis=1)
    atoms = rows @ shares.T
    found = quotient(atoms.reshape(-1, len(weights)), weights, setting.method)
    mean = atoms @ weights
    variance = (atoms - mean[..., None]) ** 2 @ weights
    # Without replacement the variance is smaller than q and Lambda are meant for; they are widened for it.
    eta = (number * variance).sum(axis=1)
    harmed = (number * ((np.abs(mean) < q * np.sqrt(variance) * (1 + 1e-9)) & (mean != 0))).sum(axis=1)
    constant = bound(q, size, eta, harmed)
    true = (number * mean * found.value.reshape(mean.shape)).sum(axis=1)
    error = np.abs(mean) * (found.error + ROUNDING * np.abs(found.value)).reshape(mean.shape)
    error += np.abs(found.value).reshape(mean.shape) * 1e-15 * (np.abs(atoms) @ weights)
    error = (number * error).sum(axis=1)
    return true, error, constant * setting.method.laplace.kernel.of(1 + eta), constant


def decrease_theorem(settings: list[Setting], members: int, rounds: int = 30, bound: Bound = c_0) -> Finding:
    """Does the loss decrease as fast as N-Theorem 6 says, at points moved to where it decreases the least?"""
    rng, cases, least, least_of_half = np.random.default_rng(run_seed(17)), 0, np.inf, np.inf
    for setting in settings:
        p = np.array(setting.probabilities)
        rows, copies = starts(setting, bound, members, rng)
        best = np.full(members, np.inf)
        for step in range(rounds):
            tried = unit(shaken(rows, p, 0.1 * 0.8**step, rng), copies, p) if step else rows
            true, error, bounded, constant = decreases(setting, tried, copies, bound)
            valid = constant > 1e-3
            ratio = np.where(valid, true / bounded, np.inf)
            below = valid & (true + error < bounded)
            if below.any():
                k = int(below.argmax())
                text = f"{true[k]:.6g} +- {error[k]:.1g} is below {bounded[k]:.6g} for {setting}"
                return refuted(f"{text}, {copies[k]:.0f} copies, rows {tried[k].tolist()}", cases + 1)
            cases += int(valid.sum())
            least = min(least, float(ratio.min()))
            least_of_half = min(least_of_half, float(np.where(constant < 0.5, ratio, np.inf).min()))
            rows = np.where((ratio < best)[:, None, None], tried, rows)
            best = np.minimum(best, ratio)
    text = f"{cases} points; the smallest decrease is {least:.6f} of its bound, {least_of_half:.6f} where c_0 < 1/2"
    return holds(text, cases)


# --- Enclosures ----------------------------------------------------------------------------------------------------


def decreases_at(problem: Problem, adam: Adam, points: np.ndarray) -> Finding:
    """Is <grad L, f> < 0 at the points, by enclosures? Refuted by one where it is proven positive."""
    boxes = np.stack([points, points], axis=-1)
    unproven = 0
    for point, field in zip(points, AdamField(problem, adam).enclose(boxes), strict=True):
        rows = problem.row_gradients_ball([flint.arb(x) for x in point])
        slope = flint.arb(0)
        for i, (low, high) in enumerate(field):
            mean = sum(ball(p) * row[i] for p, row in zip(problem.law.exact_probabilities, rows, strict=True))
            slope += mean * flint.arb(low).union(flint.arb(high))
        if slope > 0:
            text = f"{float(slope.lower()):.6g} <= <grad L, f> <= {float(slope.upper()):.6g} at {point.tolist()}"
            return refuted(text, cases=len(points))
        unproven += not slope < 0
    return undecided(f"{unproven} points undecided") if unproven else holds(f"{len(points)} points", len(points))


WIDE = Empirical({"a": [1, 1, 0], "b": [1, -1, 0], "c": [0, 1, 1], "d": [0, 0, 1], "e": [1, 0, -1]})
"""Rows a_j of which the mean of a_j a_j' has no eigenvalue in (0, 1/2): kappa <= 6."""


@claim.evidence("certified")
def a_regression_at_drawn_points() -> Finding:
    adam = Adam("0.5", "0.9", "1e-8")
    with ball_arithmetic():
        proved = constants.theorem_6(adam.laplace, constants.Noise(flint.arb(5), Fraction(1, 3), 1, 4))
    if not proved.holds:
        return undecided("; ".join(proved.fails))
    problem = Problem("(a*t + b*u + c*v + d*w + e*z)**2/2", ["t", "u", "v", "w", "z"], WIDE)
    points = np.random.default_rng(run_seed(18)).normal(size=(scaled(20), 5))
    return decreases_at(problem, adam, points * 10.0 ** np.linspace(-12, 2, len(points))[:, None])


@claim.evidence("property")
def the_signs() -> Finding:
    return all_of([sign_lemma([*SETTINGS, *BORDER], scaled(100)), sign_lemma([SHARP], 10)])


@claim.evidence("property")
def the_kernel() -> Finding:
    return kernel_lemma([*SETTINGS, *BORDER], scaled(100))


@claim.control("q a ten-thousandth smaller")
def a_smaller_q() -> Finding:
    return sign_lemma(SETTINGS[7:8], 40, factor=0.9999)


@claim.control("q a fiftieth smaller at p = 1 - sqrt(beta2)")
def a_smaller_q_of_the_variance() -> Finding:
    return sign_lemma(BORDER[:1], 40, factor=0.98)


@claim.control("K_4 a ten-thousandth smaller")
def a_smaller_fourth_moment() -> Finding:
    return kernel_lemma(SETTINGS[1:2], 40, factor=0.9999)


@claim.control("p just below 1 - sqrt(beta2)")
def too_light_a_row() -> Finding:
    light = Setting(Adam("0.9", "0.99", "1e-12"), spread_out("0.99", 0.9, 3))
    return kernel_lemma([light], 60, closed=blindly)


@claim.control("Lambda for a row of twice the weight")
def a_smaller_bound() -> Finding:
    return kernel_lemma(SETTINGS[1:2], 60, closed=lambda p, delta: blindly(min(1, 2 * p), delta))


@claim.evidence("property")
def the_decrease() -> Finding:
    return decrease_theorem([*SETTINGS, SHARP, SHARPEST], scaled(110))


@claim.evidence("property")
def the_decrease_without_a_least_weight() -> Finding:
    return decrease_theorem([LIGHT, SETTINGS[3]], scaled(40), bound=c_0_without_a_least_weight)


@claim.control("the harm in c_0 a ten-thousandth smaller")
def a_smaller_harm() -> Finding:
    return decrease_theorem([SHARPEST], 20, bound=lambda q, size, eta, harmed: c_0(q, 0.9999 * size, eta, harmed))


@claim.control("a PL problem with p = 0.89 (1 - sqrt(beta2))")
def pl_with_a_light_row() -> Finding:
    law = Empirical({"x": ["0.98013", "-0.22526"], "y": ["-0.45827", "1"]}, ["0.0004465", "0.9995535"])
    problem = Problem("(x*u + y*w)**2/2", ["u", "w"], law)
    return decreases_at(problem, Adam("0.9", "0.999", "1e-12"), np.array([[8075.3, 1820.0]]))


@claim.control("N1: batches of one row")
def spurious() -> Finding:
    law = Empirical({"a": [1, 0]}, weights=["0.02", "0.98"])
    problem = Problem("a*15*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], law)
    return decreases_at(problem, Adam("0.5", "0.9", "0.01"), np.array([[2.2]]))
