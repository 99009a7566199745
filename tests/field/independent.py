"""F = E[M/(sqrt V + eps)] and its derivatives in balls of 192 bits, for tests alone: nothing of adamsym is imported.

What it shares with the package is the theorem (theory T4): F is the integral of rho(s) G(s), G(s) = E[M exp(-s V)].
All else differs. B, A are summed as they stand, without taking anything out; the kernel comes from erfc or from its
enveloping series; the sums over the lags are taken lag by lag on a lattice, or, next to beta = 1, by weights at
Chebyshev points within each step, from the generating function of the lags' moments, with the difference to the weights
of 20 of the 26 points as their error; all numbers are balls throughout. The trapezoidal rule in x = log s has steps of
at most 0.16: the proven error 2 K/(cos a (exp(2 pi a/h) - 1)), K = E|M|/(sqrt V + eps) <= min(C, E|g|/eps), is then
below 1e-24 K. :mod:`test_independent` holds it against listed histories and plain integrals.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

import flint
from flint import arb

BITS = 192

LARGEST_STEP = 0.16
"""Step of the rule in log s."""

SHORTEST_LAG = 0.006
"""Lags of at least this are walked one by one."""

TOLERANCE = 1e-26
"""Share of the scale that each end of the integral may have."""

MOST_POINTS = 60_000
"""Points at which the transforms may be evaluated."""


class TooMuchWork(Exception):
    """More points than allowed, an integral that does not end, or precision that does not suffice."""


@dataclass(frozen=True)
class Method:
    """Decay rates and eps; the numerator is current g_0 + (1 - current) M."""

    alpha: Fraction
    beta: Fraction
    eps: Fraction
    current: Fraction = Fraction(0)
    inside: bool = False
    """Whether eps stands inside the root."""


def ball(value: Fraction | int) -> arb:
    value = Fraction(value)
    return arb(value.numerator) / value.denominator


def radius(size: arb) -> arb:
    """The ball of everything of magnitude at most ``size``."""
    return arb(0, size.abs_upper())


@dataclass(frozen=True)
class Transforms:
    """A, B, E|g| exp(-t g^2), and the derivatives of A and B along each direction."""

    a: arb
    b: arb
    size: arb
    slopes: list[tuple[arb, arb]]


class FiniteLaw:
    """Atoms with probabilities, as balls; ``directions`` are the atoms' derivatives in some parameters."""

    def __init__(self, atoms: Sequence[arb], probabilities: Sequence[arb], directions: Sequence[Sequence[arb]] = ()):
        self.atoms, self.probabilities, self.directions = (
            list(atoms),
            list(probabilities),
            [list(d) for d in directions],
        )
        self.squares = [g * g for g in self.atoms]
        self.max_abs = max((abs(g).upper() for g in self.atoms), key=lambda x: x)
        self.mean, self.size = self.expect(self.atoms), self.expect([abs(g) for g in self.atoms])
        self.square = self.expect(self.squares)
        self.cube = self.expect([abs(g) * q for g, q in zip(self.atoms, self.squares, strict=True)])
        self.fourth = self.expect([q * q for q in self.squares])
        self.widest = [max((abs(h).upper() for h in d), key=lambda x: x) for d in self.directions]

    def expect(self, values: Sequence[arb]) -> arb:
        return sum((p * v for p, v in zip(self.probabilities, values, strict=True)), arb(0))

    def at(self, t: arb) -> Transforms:
        minus = -t
        weights = [p * (minus * q).exp() for p, q in zip(self.probabilities, self.squares, strict=True)]
        values = [w * g for w, g in zip(weights, self.atoms, strict=True)]
        slopes = []
        for direction in self.directions:
            da = sum(
                (w * h * (1 - 2 * t * q) for w, h, q in zip(weights, direction, self.squares, strict=True)), arb(0)
            )
            db = -2 * t * sum((v * h for v, h in zip(values, direction, strict=True)), arb(0))
            slopes.append((da, db))
        return Transforms(sum(values, arb(0)), sum(weights, arb(0)), sum(map(abs, values), arb(0)), slopes)

    def crossed(self, direction: Sequence[arb], power: int) -> tuple[arb, arb]:
        """E g^power h and E|g^power h|."""
        products = [g**power * h for g, h in zip(self.atoms, direction, strict=True)]
        return self.expect(products), self.expect([abs(x) for x in products])


class SmoothLaw:
    """A law given by functions t -> A, B and its moments E g, E|g| (a bound), E g^2, E|g|^3 (a bound), E g^4."""

    directions: tuple[()] = ()
    widest: tuple[()] = ()

    def __init__(self, transforms: Callable[[arb], tuple[arb, arb]], moments: Sequence[arb]) -> None:
        self._transforms = transforms
        self.mean, self.size, self.square, self.cube, self.fourth = moments
        self.max_abs = arb("inf")

    def at(self, t: arb) -> Transforms:
        a, b = self._transforms(t)
        # E|g| exp(-t g^2) <= sqrt(E g^2 exp(-t g^2) B) <= sqrt(B/(e t)), and at most E|g|.
        bound = (b / (t * arb(1).exp())).sqrt().upper()
        return Transforms(a, b, bound if bound < self.size else self.size.upper(), [])


def normal_law(mean: Fraction, deviation: Fraction) -> SmoothLaw:
    m, v = ball(mean), ball(deviation) ** 2

    def transforms(t: arb) -> tuple[arb, arb]:
        q = 1 + 2 * t * v
        b = (-t * m * m / q).exp() / q.sqrt()
        return m * b / q, b

    second, fourth = m**2 + v, m**4 + 6 * m**2 * v + 3 * v**2
    return SmoothLaw(transforms, (m, second.sqrt(), second, (second * fourth).sqrt(), fourth))


def uniform_law(low: Fraction, high: Fraction) -> SmoothLaw:
    with flint.ctx.workprec(4 * BITS):
        a, b = ball(low), ball(high)
    moments = [sum((a**j * b ** (k - j) for j in range(k + 1)), arb(0)) / (k + 1) for k in range(1, 5)]

    def transforms(t: arb) -> tuple[arb, arb]:
        with flint.ctx.workprec(4 * BITS):
            root = t.sqrt()
            spread = (root * b).erf() - (root * a).erf() if not a > 0 else (root * a).erfc() - (root * b).erfc()
            big_b = arb.pi().sqrt() * spread / (2 * root * (b - a))
            big_a = ((-t * a * a).exp() - (-t * b * b).exp()) / (2 * t * (b - a))
        return big_a, big_b

    mean, second, _, fourth = moments
    return SmoothLaw(transforms, (mean, second.sqrt(), second, (second * fourth).sqrt(), fourth))


def exponential_law(start: Fraction, scale: Fraction) -> SmoothLaw:
    """G = start + scale X, X exponential with mean 1."""
    with flint.ctx.workprec(4 * BITS):
        m, c = ball(start), ball(scale)
    moments = [
        sum((math.comb(k, j) * m ** (k - j) * c**j * math.factorial(j) for j in range(k + 1)), arb(0))
        for k in range(1, 5)
    ]

    def transforms(t: arb) -> tuple[arb, arb]:
        with flint.ctx.workprec(4 * BITS):
            # With sigma the sign of scale: int over x > 0 of exp(-x - t (m + c x)^2), completing the square.
            root = t.sqrt()
            rate = 1 / (2 * abs(c) * root)
            z = (m if c > 0 else -m) * root + rate
            if z > 2:
                # sqrt(pi) exp(z^2) erfc(z) = U(1/2, 1/2, z^2), U Tricomi's function.
                b = rate * (z * z).hypgeom_u(arb(1) / 2, arb(1) / 2) * (-t * m * m).exp()
            else:
                b = (arb.pi().sqrt() * rate) * z.erfc() * (z * z - t * m * m).exp()
            # d/dg exp(-t g^2) = -2 t g exp(-t g^2) integrates by parts.
            a = ((-t * m * m).exp() - b) / (2 * t * c)
        return a, b

    mean, second, _, fourth = moments
    return SmoothLaw(transforms, (mean, second.sqrt(), second, (second * fourth).sqrt(), fourth))


# --- the kernel -----------------------------------------------------------------------------------------------------


def weight(s: arb, method: Method) -> arb:
    """S rho(s)."""
    eps = ball(method.eps)
    if method.inside:
        return (s / arb.pi()).sqrt() * (-eps * s).exp()
    z = eps**2 * s
    if z > 10_000:
        # 1 - sqrt(pi z) erfcx(sqrt z) = 1/(2z) - 3/(2z)^2 + ..., between any two partial sums.
        total, term = arb(0), arb(1)
        for n in range(1, 22):
            term = -term * (2 * n - 1) / (2 * z)
            total -= term
        return (s / arb.pi()).sqrt() * (total + radius(term))
    with flint.ctx.workprec(BITS + 64):
        return (s / arb.pi()).sqrt() - s * eps * z.exp() * z.sqrt().erfc()


# --- sums over the lags -----------------------------------------------------------------------------------------------

_POINTS, _FEWER = 26, (0, 1, 3, 4, 6, 8, 9, 11, 12, 13, 14, 16, 17, 19, 21, 22, 24, 25, 7, 18)


@lru_cache(maxsize=256)
def block_weights(alpha: Fraction, count: int) -> tuple[list[arb], list[arb], list[arb]]:
    """Points u in [0, 1] and weights for sum_{k < count} alpha^k f(k/count), from all points, and from some of them."""
    with flint.ctx.workprec(2048):
        cap, flint.ctx.cap = flint.ctx.cap, _POINTS + 2
        try:
            a, ratio = ball(alpha), ball(alpha) ** count
            # sum_k alpha^k exp(z k/count) = (alpha^count exp(z) - 1)/(alpha exp(z/count) - 1).
            terms = range(_POINTS + 2)
            above = [ratio / math.factorial(j) - (j == 0) for j in terms]
            below = [a / (math.factorial(j) * arb(count) ** j) - (j == 0) for j in terms]
            if alpha == 1:
                above, below = above[1:], below[1:]
            quotient = flint.arb_series(above, _POINTS) / flint.arb_series(below, _POINTS)
            moments = [quotient[j] * math.factorial(j) for j in range(_POINTS)]
        finally:
            flint.ctx.cap = cap
        u = [(1 - (arb.pi() * (2 * i + 1) / (2 * _POINTS)).cos()) / 2 for i in range(_POINTS)]

        def solved(chosen: Sequence[int]) -> list[arb]:
            matrix = flint.arb_mat([[u[i] ** j for i in chosen] for j in range(len(chosen))])
            right = flint.arb_mat([[moments[j]] for j in range(len(chosen))])
            found = [row[0] for row in matrix.solve(right).tolist()]
            result = [arb(0)] * _POINTS
            for i, one in zip(chosen, found, strict=True):
                result[i] = one
            return result

        return u, solved(range(_POINTS)), solved(sorted(_FEWER))


@dataclass
class Node:
    """S, Q, Q of |g|, and for each direction S' and Q', at one s; each a ball."""

    s: arb
    log_product: arb
    ratio: arb
    size: arb
    slopes: list[tuple[arb, arb]] = field(default_factory=list)
    newest: arb = field(default_factory=lambda: arb(0))
    newest_slopes: list[arb] = field(default_factory=list)


def start_node(law: FiniteLaw | SmoothLaw, method: Method, s: arb) -> Node:
    """The sums at small s, by Jensen's inequality and Taylor's formula."""
    alpha, beta = ball(method.alpha), ball(method.beta)
    c, lags, lags_squared = law.square, (1 - beta) / (1 - alpha * beta), (1 - beta) / (1 + beta)
    grown = (s * c).exp()
    log_product = (-s * c).union(-s * c + s**2 * lags_squared * law.fourth / 2)
    ratio = law.mean / (1 - alpha) + radius(s * lags * (law.cube + abs(law.mean) * c) * grown)
    slopes = []
    for direction in law.directions:
        (first, first_size), (_, third_size) = law.crossed(direction, 1), law.crossed(direction, 3)
        h, h_size = law.crossed(direction, 0)
        _, square = law.crossed(direction, 2)
        s_slope = -2 * s * first + radius(s**2 * lags_squared * 2 * (third_size + first_size * c * grown))
        rest = s * lags * grown**2 * (3 * square + h_size * c + 2 * law.size * first_size)
        slopes.append((s_slope, h / (1 - alpha) + radius(rest)))
    return Node(s, log_product, ratio, (law.size * grown / (1 - alpha)).upper(), slopes)


class Lags:
    """The nodes s, s e^h, s e^2h, ... with their sums over the lags."""

    def __init__(self, law: FiniteLaw | SmoothLaw, method: Method, first: arb) -> None:
        self.law, self.method, self.work = law, method, 0
        self.alpha, self.beta = ball(method.alpha), ball(method.beta)
        self.blocks = False
        if method.beta == 0:
            self.stride, self.per_node, spacing = 0, 1, arb(LARGEST_STEP)
        else:
            lag = -self.beta.log()
            length = float(lag)
            self.stride = max(1, math.ceil(length / LARGEST_STEP))
            self.per_node = 1 if self.stride > 1 else int(LARGEST_STEP / length)
            spacing = lag / self.stride
            self.blocks = length < SHORTEST_LAG
        self.step = spacing * self.per_node
        self.growth = spacing.exp()
        if self.blocks:
            self.points = block_weights(Fraction(1), self.per_node)
            self.ratio_points = block_weights(method.alpha, self.per_node)
            self.shifts = [(-self.step * u).exp() for u in self.points[0]]
            self.before = [start_node(law, method, first * (-self.step).exp())]
            self.next_s = first
        else:
            back = max(self.stride, 1)
            self.before = [start_node(law, method, first * self.growth**-k) for k in range(back, 0, -1)]
            self.next_s = first

    def _values(self, s: arb) -> tuple[arb, arb, arb, list[tuple[arb, arb]]]:
        self.work += 1
        if self.work > MOST_POINTS:
            raise TooMuchWork
        found = self.law.at((1 - self.beta) * s)
        inverse = 1 / found.b
        ratio = found.a * inverse
        slopes = [(db * inverse, (da - ratio * db) * inverse) for da, db in found.slopes]
        return found.b.log(), ratio, found.size * inverse, slopes

    def next_node(self) -> Node:
        return self._next_block() if self.blocks else self._next_walked()

    def _next_walked(self) -> Node:
        node = None
        for _ in range(self.per_node):
            log_b, ratio, size, slopes = self._values(self.next_s)
            if self.stride == 0:
                node = Node(self.next_s, log_b, ratio, size, slopes)
            else:
                old = self.before.pop(0)
                joined = [
                    (x + s_old, y + self.alpha * q_old)
                    for (x, y), (s_old, q_old) in zip(slopes, old.slopes, strict=True)
                ]
                node = Node(
                    self.next_s,
                    log_b + old.log_product,
                    ratio + self.alpha * old.ratio,
                    size + self.alpha * old.size,
                    joined,
                )
                self.before.append(node)
            node.newest, node.newest_slopes = ratio, [y for _, y in slopes]
            self.next_s = self.next_s * self.growth
        assert node is not None
        return node

    def _next_block(self) -> Node:
        s = self.next_s
        values = [self._values(s * shift) for shift in self.shifts]
        here = self._values(s)
        _, plain, plain_fewer = self.points
        _, decayed, decayed_fewer = self.ratio_points

        def summed(column: Sequence[arb], full: Sequence[arb], fewer: Sequence[arb]) -> arb:
            one = sum((w * x for w, x in zip(full, column, strict=True)), arb(0))
            other = sum((w * x for w, x in zip(fewer, column, strict=True)), arb(0))
            return one + radius(one - other)

        old, decay = self.before[0], self.alpha**self.per_node
        node = Node(
            s,
            summed([v[0] for v in values], plain, plain_fewer) + old.log_product,
            summed([v[1] for v in values], decayed, decayed_fewer) + decay * old.ratio,
            summed([v[2] for v in values], decayed, decayed_fewer) + decay * old.size,
            [
                (
                    summed([v[3][j][0] for v in values], plain, plain_fewer) + s_old,
                    summed([v[3][j][1] for v in values], decayed, decayed_fewer) + decay * q_old,
                )
                for j, (s_old, q_old) in enumerate(old.slopes)
            ],
        )
        node.newest, node.newest_slopes = here[1], [y for _, y in here[3]]
        self.before = [node]
        self.next_s = s * self.step.exp()
        return node


# --- the integral -----------------------------------------------------------------------------------------------------


def _coefficients(method: Method) -> tuple[arb, arb, arb]:
    """Weights of the newest ratio and of Q in the numerator; the constant C of |numerator| <= C sqrt V."""
    alpha, beta, current = ball(method.alpha), ball(method.beta), ball(method.current)
    momentum = (1 - current) * (1 - alpha)
    older = arb(0) if method.alpha == 0 else momentum**2 * alpha**2 / (beta - alpha**2)
    return current, momentum, (((current + momentum) ** 2 + older) / (1 - beta)).sqrt()


def quotient(law: FiniteLaw | SmoothLaw, method: Method) -> list[arb]:
    """Balls around F and its derivative along each direction. Call within ``flint.ctx.workprec(BITS)``."""
    newest, momentum, bound = _coefficients(method)
    eps = ball(method.eps)
    size = eps.sqrt() if method.inside else eps
    if law.size == 0:
        slopes = [law.crossed(d, 0)[0] / size for d in law.directions]
        return [arb(0), *slopes]
    c = law.square.mid()
    limit = (law.size / size).upper()
    scale = bound.upper() if bound < limit else limit
    control = 1 / ((c + eps).sqrt() if method.inside else c.sqrt() + eps)
    means = [law.mean, *(law.crossed(d, 0)[0] for d in law.directions)]
    factors = [law.cube + abs(law.mean) * c]
    allowed = [scale * TOLERANCE]
    for h, mean in zip(law.widest, means[1:], strict=True):
        factors.append(h * c + 2 * law.max_abs**2 * h + abs(mean) * c)
        allowed.append((h / (c.sqrt() + size) + arb("1e-300")) * TOLERANCE)
    # There S is known to TOLERANCE.
    most = min(float((arb("1e-9") / c).log()), float((arb(TOLERANCE).sqrt() / law.fourth.sqrt()).log()))
    first = min(_first(k, tolerance, size, most) for k, tolerance in zip(factors, allowed, strict=True))
    lags = Lags(law, method, arb(math.exp(first)) if first > -700 else arb(first).exp())
    step = lags.step
    totals, controls = [arb(0)] * len(means), arb(0)
    nodes: list[tuple[arb, arb]] = []
    start = lags.next_s
    half = math.ceil(math.log(2) / float(step)) + 1
    while True:
        node = lags.next_node()
        w = step * weight(node.s, method)
        product = node.log_product.exp()
        numerator = newest * node.newest + momentum * node.ratio
        totals[0] += w * product * numerator
        for j, (s_slope, q_slope) in enumerate(node.slopes):
            totals[1 + j] += w * product * (s_slope * numerator + newest * node.newest_slopes[j] + momentum * q_slope)
        decay = (-c * node.s).exp()
        controls += w * decay
        largest = product * (newest * node.size + momentum * node.size)
        nodes.append((product.upper(), largest.upper()))
        if len(nodes) % 4:
            continue
        earlier = nodes[-1 - half][0] if len(nodes) > half else arb(1)
        tails = _right_tails(law, method, lags, nodes, node, means, decay, bound, size, earlier)
        if all(t <= a for t, a in zip(tails, allowed, strict=True)):
            break
    lefts = [k * _left_weights(start, step, size) for k in factors]
    frequency = 2 * arb.pi() / step
    angle = frequency.atan().mid()
    share = 2 / (angle * frequency).expm1() / angle.cos()
    rules = [share * (scale + abs(law.mean) * control)]
    for h, mean in zip(law.widest, means[1:], strict=True):
        rules.append(share * (h / size * (1 + bound / (4 * angle.cos())) + abs(mean) * control))
    errors = [x + y + z for x, y, z in zip(tails, lefts, rules, strict=True)]
    rest = control - controls
    found = [t + m * rest + radius(e) for t, m, e in zip(totals, means, errors, strict=True)]
    if not all(one.is_finite() for one in found):
        raise TooMuchWork
    return found


def _first(factor: arb, allowed: arb, size: arb, most: float) -> float:
    """Log of where the integral may begin: what lies left of it is below what is allowed; at most ``most``."""
    with flint.ctx.workprec(64):
        tiny = arb(10) ** -700
        ratio = (allowed / (factor + tiny)).log()
        by_root = float(ratio) * 2 / 3 - 2
        by_eps = 2 * float((allowed * size**2 / (factor + tiny)).log()) - 4
        return min(max(by_root, by_eps), most)


def _left_weights(s: arb, step: arb, size: arb) -> arb:
    """Bounds the sum of h w(u) u over the nodes left of s: w(u) <= sqrt(u/pi), and <= 1/(2 sqrt(pi u) size^2)."""
    steep, flat = (-step * 3 / 2).exp(), (-step / 2).exp()
    one = s * (s / arb.pi()).sqrt() * steep / (1 - steep)
    other = s.sqrt() / (2 * arb.pi().sqrt() * size**2) * flat / (1 - flat)
    return step * (one if one < other else other)


def _right_tails(law, method, lags, nodes, node, means, decay, bound, size, earlier) -> list[arb]:
    """Bounds of the nodes u right of the last one, s.

    E|numerator| exp(-u V) decreases in u and is at most C E sqrt V exp(-u V) <= C (2 e u)^(-1/2). The weights sum up to
    at most 1/eps and the rule's error, are at most u^(-1/2)/(2 sqrt(pi) eps^2) and at most sqrt(u/pi).
    """
    s, step = node.s, lags.step
    product, largest = nodes[-1]
    flat, whole = (-step / 2).exp(), (-step).exp()
    falling = step / (2 * arb.pi().sqrt() * size**2)
    weights = min((falling / s.sqrt() * flat / (1 - flat)).upper(), (arb("1.01") / size).upper(), key=_float)
    control = abs(means[0]) * decay * weights
    candidates = [
        largest * weights,
        bound * falling / (2 * arb(1).exp()).sqrt() / s * whole / (1 - whole),
    ]
    walked = _walked_tail(law, method, lags, nodes, s) if not lags.blocks and not method.inside else None
    if walked is not None:
        candidates.append(walked)
    tails = [min((x.upper() for x in candidates), key=_float) + control]
    for h, mean in zip(law.widest, means[1:], strict=True):
        tails.append((h * (product + 4 / arb(1).exp() * bound * earlier) + abs(mean) * decay) * weights)
    return [t.upper() for t in tails]


def _float(x: arb) -> float:
    value = float(x.log()) if x > 0 else -math.inf
    return math.inf if math.isnan(value) else value


def _walked_tail(law, method, lags, nodes, s) -> arb | None:
    """Where every gradient but 0 has left A: N(u) = alpha B(t) N(beta u) from lag to lag, a geometric series."""
    if not isinstance(law, FiniteLaw) or lags.per_node > 1:
        return None
    t = (1 - lags.beta) * s
    exponents = [t * q for q in law.squares if not q.contains(0)]
    if not exponents or not all(x > 40 for x in exponents) or any(q.contains(0) and q.rad() > 0 for q in law.squares):
        return None
    here = law.at(t)
    newest = lags.step * (s / arb.pi()).sqrt() * here.size * 2
    if method.beta == 0:
        return newest
    ratio = lags.alpha * here.b / lags.beta.sqrt()
    if not ratio < 1 or len(nodes) < lags.stride:
        return None
    last = arb(0)
    for k in range(lags.stride):
        u = s * lags.growth**-k
        last += lags.step * (u / arb.pi()).sqrt() * nodes[-1 - k][1]
    return (last * ratio + newest * 2) / (1 - ratio)
