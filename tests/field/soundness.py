"""Enclosures and error estimates of the package beside :mod:`independent`, over the laws of :mod:`nasty`: counts."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import flint
import independent
import numpy as np
from flint import arb
from nasty import decimals, random_adam, random_atoms, random_probabilities

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField, BatchMean, law_quotient, quotient
from adamsym.field.ball import quadrature as ball_quadrature
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam

BOXES, FEWER_LAGS = 25, 2_000
"""Boxes around one point; lags that are walked for most of them, so that many fit in the time."""

# Gradients and second derivatives in t of one row's loss, written by hand; whether the loss is smooth.
LOSSES = {
    "(t - x)**2/2": (lambda t, x: t - x, lambda t, x: arb(1)),
    "x*t": (lambda t, x: x, lambda t, x: arb(0)),
    "(t*x - 1)**2/2": (lambda t, x: x * (t * x - 1), lambda t, x: x**2),
    "(t - x)**4/4": (lambda t, x: (t - x) ** 3, lambda t, x: 3 * (t - x) ** 2),
    "1/(t - x)": (lambda t, x: -1 / (t - x) ** 2, lambda t, x: 2 / (t - x) ** 3),
    "log(t + x + 5)": (lambda t, x: 1 / (t + x + 5), lambda t, x: -1 / (t + x + 5) ** 2),
    "(t + x + 5)*sqrt(t + x + 5)": (
        lambda t, x: 3 * (t + x + 5).sqrt() / 2,
        lambda t, x: 3 / (4 * (t + x + 5).sqrt()),
    ),
    "exp(t*x/3) - t": (lambda t, x: x / 3 * (t * x / 3).exp() - 1, lambda t, x: (x / 3) ** 2 * (t * x / 3).exp()),
    "(exp(t) - 1 - t)*x": (lambda t, x: x * t.expm1(), lambda t, x: x * t.exp()),
    "log(cosh(t - x))": (lambda t, x: (t - x).tanh(), lambda t, x: 1 - (t - x).tanh() ** 2),
    "(1 - cos(t*x))/(t*x)**2": (
        lambda t, x: x * ((t * x).sin() * t * x - 2 * (1 - (t * x).cos())) / (t * x) ** 3,
        None,
    ),
    "(t + 1000000*x - 999999*x - x)**2*(1 + (t - x)**2)": (
        lambda t, x: 2 * t * (1 + (t - x) ** 2) + t**2 * 2 * (t - x),
        lambda t, x: 2 * (1 + (t - x) ** 2) + 8 * t * (t - x) + 2 * t**2,
    ),
    "Abs(t - x)": (lambda t, x: (t - x).sgn(), None),
    "Abs(t - x)**3": (lambda t, x: 3 * abs(t - x) * (t - x), None),
    "Max(t - x, 0)**2 + t*x/7": (lambda t, x: 2 * (t - x).max(arb(0)) + x / 7, None),
    "Max(2*t, t - x) + t**2/9": (lambda t, x: (2 if t + x > 0 else 1) + 2 * t / 9, None),
}


@dataclass
class Counts:
    """How many comparisons were made, by kind, and every miss."""

    made: Counter = field(default_factory=Counter)
    misses: list[str] = field(default_factory=list)
    closest: float = 0.0
    """The largest |error|/estimate."""

    def point(self, value: float, error: float, truth: arb, case: str) -> None:
        """Compare a value and its estimate with the truth, a ball far smaller than the estimate."""
        self.made["point estimates"] += 1
        with flint.ctx.workprec(independent.BITS):
            # The truth's own radius counts for the estimate: at most a thousandth of it, or the comparison says little.
            off, slack = abs(truth.mid() - arb(value)), truth.rad()
            if not slack <= arb(error) / 1000 + arb("1e-330"):
                self.made["truths too wide"] += 1
            if not (math.isfinite(value) and off <= arb(error) + slack):
                self.misses.append(f"estimate {error!r} of {value!r}, truth {truth}: {case}")
            elif error > 0:
                self.closest = max(self.closest, float(off / arb(error)))

    def enclosed(self, bounds: tuple[arb, arb] | arb, truth: arb, what: str, case: str) -> None:
        """Compare an enclosure with the truth: a miss where they do not meet."""
        self.made[what] += 1
        # Ends are exact, so that comparisons round nothing.
        if isinstance(bounds, arb):
            inside = bounds.overlaps(truth)
        else:
            inside = bounds[0] <= truth.upper() and truth.lower() <= bounds[1]
        if not inside:
            self.misses.append(f"{what} {bounds}, truth {truth}: {case}")

    def add(self, other: "Counts") -> None:
        """Add another's counts."""
        self.made += other.made
        self.misses += other.misses
        self.closest = max(self.closest, other.closest)


def method_of(adam: Adam) -> independent.Method:
    return independent.Method(adam.alpha, adam.beta, adam.epsilon)


def truths(atoms: list[arb], probabilities: list[Fraction], directions: list[list[arb]], adam: Adam) -> list[arb]:
    law = independent.FiniteLaw(atoms, [independent.ball(p) for p in probabilities], directions)
    return independent.quotient(law, method_of(adam))


def around(rng: np.random.Generator, value: float, width: float) -> arb:
    """A ball of about so much width that holds a float, which stands anywhere in it or on its end."""
    share = rng.choice([0.0, 1.0, rng.random()])
    return arb(value).union(arb(value - share * width)).union(arb(value + (1 - share) * width))


def variants(rng: np.random.Generator, g: np.ndarray, p: np.ndarray, adam: Adam) -> Iterator[tuple]:
    """Laws and methods with the same F, up to its sign: other units, another order, an atom divided."""
    for k in range(3):
        power = int(rng.integers(-30, 31)) if k and 1e-290 < adam.eps < 1e290 else 0
        unit, order = 2.0**power, rng.permutation(len(g))
        method = Adam(adam.alpha, adam.beta, adam.epsilon * Fraction(unit))
        yield unit * g, p, method, 1
        yield -unit * g[order], p[order], method, -1
        halved = np.append(p, p[0] / 2)
        halved[0] /= 2
        yield unit * np.append(g, g[0]), halved, method, 1


def law_case(rng: np.random.Generator, counts: Counts) -> None:
    """Atoms and probabilities: four point estimates, and enclosures of laws of balls."""
    adam, atoms = random_adam(rng), random_atoms(rng)
    probabilities = random_probabilities(rng, len(atoms))
    slopes = [float(h) for h in rng.normal(size=len(atoms)) * 10 ** rng.uniform(-2, 2)]
    case = f"{adam!r}, atoms {atoms}, probabilities {[str(p) for p in probabilities]}, slopes {slopes}"
    with flint.ctx.workprec(independent.BITS):
        value, slope = truths([arb(g) for g in atoms], probabilities, [[arb(h) for h in slopes]], adam)
        floats = np.array([float(p) for p in probabilities])
        for one, weights, method, sign in variants(rng, np.array(atoms), floats, adam):
            try:
                found = quotient(one[None], weights, method)
            except ValueError:
                counts.made["points refused"] += 1
                continue
            counts.point(float(found.value[0]), float(found.error[0]), sign * value, case)
    for k in range(BOXES):
        width = 0.0 if k == 0 else 10 ** rng.uniform(-17, 0.5)
        with ball_arithmetic():
            balls = [around(rng, one, abs(one) * width + (width if one == 0 else 0)) for one in atoms]
            turned = [around(rng, one, abs(one) * width) for one in slopes]
            law = BallLaw(balls, [independent.ball(p) for p in probabilities], [turned] if k % 2 else [])
            found = enclose_law(law, adam.laplace)
            counts.enclosed(found.value, value, "enclosures", f"{case}, width {width}")
            if k % 2:
                counts.enclosed(found.slopes[0], slope, "enclosures of derivatives", f"{case}, width {width}")


def batches_of(rows: list[Fraction], size: int) -> dict[tuple[int, ...], Fraction]:
    """How often each row stands in a minibatch, with exact probabilities."""
    found: dict[tuple[int, ...], Fraction] = {(0,) * len(rows): Fraction(1)}
    for _ in range(size):
        grown: dict[tuple[int, ...], Fraction] = {}
        for counts, p in found.items():
            for row, share in enumerate(rows):
                key = tuple(n + (k == row) for k, n in enumerate(counts))
                grown[key] = grown.get(key, Fraction(0)) + p * share
        found = grown
    return found


def problem_case(rng: np.random.Generator, counts: Counts) -> None:
    """A loss with poles, kinks or a domain, at a point and on boxes around it."""
    loss = str(rng.choice(list(LOSSES)))
    gradient, hessian = LOSSES[loss]
    adam, size = random_adam(rng), int(rng.integers(1, 4))
    x = [decimals(v, int(rng.integers(1, 5))) for v in rng.normal(size=size) * 10 ** rng.uniform(-3, 0.5)]
    x = [v if abs(v) > Fraction(1, 10**6) else Fraction(1, 3) for v in x]
    probabilities = random_probabilities(rng, size)
    batch = int(rng.choice([1, 1, 2, 3]))
    near = float(rng.choice(x)) if rng.random() < 0.4 else 0.0
    theta = float(near + rng.normal() * 10 ** rng.uniform(-12, 0.5))
    data = f"x = {list(map(str, x))}, weights {list(map(str, probabilities))}"
    case = f"{loss}, {data}, batch {batch}, {adam!r}, t = {theta!r}"
    try:
        problem = Problem(loss, ["t"], Empirical({"x": x}, weights=probabilities), batch_size=batch)
        found = AdamField(problem, adam).evaluate([theta])
    except (InputError, ValueError):
        counts.made["points refused"] += 1
        return
    with flint.ctx.workprec(1024):
        rows = [gradient(arb(theta), independent.ball(v)) for v in x]
        turned = [hessian(arb(theta), independent.ball(v)) for v in x] if hessian else []
        listed = batches_of(probabilities, batch)

        def means(values):
            return [sum((n * v for n, v in zip(key, values, strict=True)), arb(0)) / batch for key in listed]

        atoms, slopes = means(rows), [means(turned)] if turned else []
    with flint.ctx.workprec(independent.BITS):
        value, *slope = (-one for one in truths(atoms, list(listed.values()), slopes, adam))
    counts.point(float(found.value[0]), float(found.error[0]), value, case)
    adam_field = AdamField(problem, adam)
    for k in range(BOXES):
        width = 0.0 if k == 0 else 10 ** rng.uniform(-16, 1)
        low, high = (theta - width * rng.choice([0, rng.random(), 1]), theta + width * rng.choice([0, rng.random(), 1]))
        for what, enclose, truth in [
            ("enclosures", adam_field.enclose, value),
            ("enclosures of derivatives", adam_field.enclose_jacobian, slope[0] if slope and k % 5 == 0 else None),
        ]:
            if truth is None:
                continue
            try:
                bounds = enclose([[low, high]]).reshape(-1)
            except InputError:
                counts.made[f"{what} refused"] += 1
                continue
            ends = arb(float(bounds[0])), arb(float(bounds[1]))
            counts.enclosed(ends, truth, what, f"{case}, box {low!r}:{high!r}")


def continuous_case(rng: np.random.Generator, counts: Counts) -> None:
    """A law of the data in closed form, at several points."""
    name = str(rng.choice(["Normal", "Uniform", "Exponential"]))
    first, second = decimals(rng.normal(), 3), decimals(10 ** rng.uniform(-3, 2), 3)
    texts = {"Normal": f"Normal({first}, {second})", "Uniform": f"Uniform({first}, {first + second})"}
    text = texts.get(name, f"Exponential({1 / second})")
    adam = random_adam(rng)
    problem = Problem("(t - x)**2/2", ["t"], Independent({"x": text}))
    for _ in range(4):
        theta = Fraction(float(float(first) + rng.normal() * 10 ** rng.uniform(-6, 2)))
        case = f"{text}, {adam!r}, t = {float(theta)!r}"
        try:
            found = AdamField(problem, adam).evaluate([float(theta)])
        except (InputError, ValueError):
            counts.made["points refused"] += 1
            continue
        with flint.ctx.workprec(independent.BITS):
            if name == "Normal":
                law = independent.normal_law(theta - first, second)
            elif name == "Uniform":
                law = independent.uniform_law(theta - first - second, theta - first)
            else:
                law = independent.exponential_law(theta, -second)
            value = independent.quotient(law, method_of(adam))[0]
            counts.made["continuous"] += 1
            counts.point(float(found.value[0]), float(found.error[0]), -value, case)


def batch_case(rng: np.random.Generator, counts: Counts) -> None:
    """The mean of many draws from two atoms, without listing, beside the binomial law."""
    size = int(rng.integers(4, 120))
    atoms = rng.normal(size=2) * 10 ** rng.uniform(-3, 3)
    p = Fraction(int(rng.integers(1, 20)), 20)
    beta = decimals(rng.uniform(0.9, 0.999))
    adam = Adam(decimals(rng.uniform(0, 0.9) * float(beta) ** 0.5), beta, Fraction(f"{10 ** rng.uniform(-10, 3):.3e}"))
    case = f"mean of {size} from {atoms.tolist()}, {p}, {adam!r}"
    if p == 1:
        return
    try:
        found = law_quotient(BatchMean(atoms, np.array([float(p), float(1 - p)]), size), adam)
    except ValueError:
        counts.made["points refused"] += 1
        return
    with flint.ctx.workprec(independent.BITS):
        first, second = (arb(float(g)) for g in atoms)
        means = [(k * first + (size - k) * second) / size for k in range(size + 1)]
        chances = [math.comb(size, k) * p**k * (1 - p) ** (size - k) for k in range(size + 1)]
        value = truths(means, chances, [], adam)[0]
        counts.made["large minibatches"] += 1
        counts.point(found.value, found.error, value, case)


def derivative_case(rng: np.random.Generator, counts: Counts) -> None:
    """Derivatives in the hyper-parameters, beside differences of order 4 of the truth."""
    atoms, adam = [float(g) for g in rng.normal(size=int(rng.integers(1, 4)))], random_adam(rng)
    if not (Fraction(1, 100) < adam.beta < 1 - Fraction(1, 10**5) and 1e-8 < adam.eps < 1e4):
        return
    probabilities = random_probabilities(rng, len(atoms))
    problem = Problem("x*t", ["t"], Empirical({"x": [Fraction(g) for g in atoms]}, weights=probabilities))
    found = AdamField(problem, adam).hyperparameter_derivatives([1.0])
    exact, room = [independent.ball(Fraction(g)) for g in atoms], adam.beta - adam.alpha**2
    steps = {
        "beta1": min(adam.alpha, room) / 2**18,
        "beta2": min(room, 1 - adam.beta) / 2**18,
        "eps": adam.epsilon / 2**18,
    }
    for name, step in steps.items():
        if step == 0:
            continue
        with flint.ctx.workprec(independent.BITS):

            def at(shift, name=name):
                shifts = [shift if name == one else 0 for one in steps]
                moved = Adam(adam.alpha + shifts[0], adam.beta + shifts[1], adam.epsilon + shifts[2])
                return -truths(exact, probabilities, [], moved)[0]

            slope = 8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))
            truth = slope / (12 * independent.ball(step))
            value, error = getattr(found, name), getattr(found, f"error_{name}")
            counts.made["derivatives in hyper-parameters"] += 1
            # The difference's own error: five powers of 2^-18 beside the derivative.
            truth += arb(0, abs(truth).upper() * arb(2) ** -60)
            counts.point(float(value[0]), float(error[0]), truth, f"d{name}: {adam!r}, {atoms}, {probabilities}")


CASES = [law_case] * 14 + [problem_case] * 4 + [continuous_case] * 2 + [batch_case, derivative_case]


def sweep(seed: int, cases: int, points: int = 12_000, walked: int = FEWER_LAGS) -> Counts:
    """Run so many cases; what would cost the truth more than ``points`` transforms is left out, and counted."""
    counts = Counts()
    usual, allowed = ball_quadrature.MOST_LAGS, independent.MOST_POINTS
    try:
        independent.MOST_POINTS = points
        for number in range(cases):
            rng = np.random.default_rng([seed, number])
            ball_quadrature.MOST_LAGS = usual if number % 20 == 0 else walked
            case = CASES[int(rng.integers(len(CASES)))]
            try:
                case(rng, counts)
            except independent.TooMuchWork:
                counts.made["truths that take too long"] += 1
    finally:
        ball_quadrature.MOST_LAGS, independent.MOST_POINTS = usual, allowed
    return counts
