"""F = E[M phi(V)] and its derivatives in the parameters, enclosed: every truncation is bounded (theory T5).

With G(s) = E[M exp(-s V)], F = int w(s) G(s) dx, s = e^x, w(s) = s rho(s). The control variate mu exp(-b s), mu = E M,
b near E g^2, has the integral mu phi(b). The trapezoidal rule with step h, on all of the real line, errs by at most
2 K/(cos a (e^(2 pi a/h) - 1)) for every a < pi/2, K = E|M| phi(V). Notation of the bounds: |g| <= G, |g'| <= H over
the law's atoms, C the step bound, c the sum of all |c_k|, M' and V' the derivatives: |M| <= min(c G, C sqrt V),
|M'| <= c H, |V'| <= 2 H min(G, sqrt V).
"""

import itertools
import math
from dataclasses import dataclass
from functools import cached_property, partial

import flint

from adamsym.expressions.ranges import Range
from adamsym.expressions.work import spend
from adamsym.field.ball.arithmetic import ball, larger, smaller, symmetric
from adamsym.field.ball.continuous_law import ContinuousLaw
from adamsym.field.ball.form_bounds import FormBounds, bounds_of, parts_of
from adamsym.field.ball.lag_series import LagSeries, LagSums, end_of_series
from adamsym.field.ball.law import BallLaw, EnclosedLaw, Law
from adamsym.field.ball.moment_series import MomentSeries
from adamsym.field.ball.quadrature_nodes import (
    CHUNK,
    LARGEST_STEPS,
    LagRecursion,
    LagWalk,
    lag_operations,
    lattice,
    nodes,
    powers,
)
from adamsym.field.ball.sensitivities import LEAST_REMAINDER, Sensitivities
from adamsym.methods import LaplaceForm

TOLERANCE = 1e-18
"""Share of the scale min(1, sqrt(E g^2)/eps) that each truncation of the integral may have."""

_SHARE_OF_RADIUS = 0.01
"""The integral ends too where its tail is this small beside what is uncertain already."""

_LOOK_EVERY = 4
"""Nodes between two looks at the tail, which cost about a third of a node each; there is a look too where the power
series end, since lags that are walked one by one may cost far more."""

_SHARE_OF_WIDTH = 0.001
"""Share of what the atoms' radii make uncertain that each other truncation may have."""

MOST_NODES = 3000
"""Nodes and ..."""

MOST_LAGS = 100_000
"""... lattice points beyond the power series, at most: then the enclosure is left as wide as it is."""

WIDE_LAGS, _WIDE = 1_000, 0.25
"""Lattice points that are enough in a search for a law whose atoms are wide: uncertain by more than this share of its
root mean square. More of them hardly narrow its enclosure, and halving the box does."""

MOST_OPERATIONS = 200_000_000
"""Operations on balls that these may take, at most: a law of many atoms has fewer of them, with the same effect."""

MANY = 256
"""Atoms times parameters, from which on derivatives are taken in the atoms first."""

_LEAST_SIZE, _LARGEST_SIZE = 1e-120, 1e100
"""Between these root mean squares and atoms no float here leaves its range; other laws get the crude bounds."""


@dataclass(frozen=True)
class LawEnclosure:
    """Balls that hold F, and its derivative in each parameter, for every law within a :class:`BallLaw`."""

    value: flint.arb
    slopes: list[flint.arb]


@dataclass(frozen=True)
class _Sums:
    """Sums over the nodes from the first on, of w G and its derivatives, of w exp(-b s), and bounds of the rest."""

    totals: list[flint.arb]
    control: flint.arb
    tails: list[flint.arb]


def enclose_law(
    law: EnclosedLaw,
    form: LaplaceForm,
    tolerance: float = TOLERANCE,
    operations: int = MOST_OPERATIONS,
    wide_lags: int | None = None,
) -> LawEnclosure:
    """Return balls around F = E[M phi(V)] and its derivatives.

    At points the radius is about ``tolerance`` of the scale; it grows with the atoms' radii. Call within
    ``ball_arithmetic()``. Where the lags beyond the power series are too many, or would take more than so many
    ``operations``, the balls are wide. With ``wide_lags`` no more lattice points are walked for laws of wide atoms.

    Raises
    ------
    InputError
        If the form has no step bound (theory T1).
    """
    bounds = bounds_of(form)
    universal = bounds.universal(law.mean_magnitude)
    if universal == 0:
        return LawEnclosure(flint.arb(0), [bounds.total * bounds.at_zero * slope for slope in law.mean_slopes])
    if not all(h.is_finite() for h in law.slope_norms):
        plain = enclose_law(law.without_slopes(), form, tolerance, operations, wide_lags)
        return LawEnclosure(plain.value, [flint.arb(0, "inf") for _ in law.mean_slopes])
    crude = _crude(law, bounds, universal)
    center = law.mean_square.mid()
    in_range = center.sqrt() >= _LEAST_SIZE and law.norm <= _LARGEST_SIZE
    if not in_range or law.norm < tolerance * bounds.knee:
        return LawEnclosure(crude[0], crude[1:])
    rule = _Rule(law, form, center, tolerance, universal)
    first = rule.first_chunk()
    wide = law.spread * float(rule.control) > _WIDE
    most = wide_lags if wide and wide_lags is not None else MOST_LAGS
    sums = None if wide else rule.sums_by_sensitivities(first, operations)
    sums = sums or rule.sums(first, min(most, operations // lag_operations(law, len(rule.parts))))
    left = rule.left_tails(first)
    # The control variate's integral less its sum: with mu taken out, its width hardly counts.
    control = form.kernel.ball_of(center) - sums.control
    found = [
        total + bounds.total * mean * control + symmetric(tail + error + truncated)
        for mean, total, tail, error, truncated in zip(
            [law.mean, *law.mean_slopes], sums.totals, sums.tails, rule.errors, left, strict=True
        )
    ]
    narrowed = [_intersection(x, y) for x, y in zip(found, crude, strict=True)]
    return LawEnclosure(narrowed[0], narrowed[1:])


def _crude(law: EnclosedLaw, bounds: FormBounds, universal: flint.arb) -> list[flint.arb]:
    """Bounds without a quadrature, sharp where G is small (T1, T2, T6): see :class:`FormBounds`."""
    linear = bounds.total * law.mean * bounds.at_zero + symmetric(bounds.departure(law))
    found = [_intersection(linear, symmetric(universal))]
    for h, mean in zip(law.slope_norms, law.mean_slopes, strict=True):
        linear = bounds.total * mean * bounds.at_zero + symmetric(bounds.slope_departure(law, h))
        found.append(_intersection(linear, symmetric(h * bounds.lipschitz)))
    return found


def _intersection(left: flint.arb, right: flint.arb) -> flint.arb:
    if not left.is_finite() or right.contains(left):
        return left if left.is_finite() else right
    return right if left.contains(right) else left.intersection(right)


class _Rule:
    """The trapezoidal rule for one law: where it begins and ends, its sums, and its proven errors."""

    def __init__(
        self, law: EnclosedLaw, form: LaplaceForm, center: flint.arb, tolerance: float, universal: flint.arb
    ) -> None:
        self.law, self.form, self.center, self.bounds = law, form, center, bounds_of(form)
        self.tolerance = tolerance
        self.control = form.kernel.ball_of(center)
        size = float(center.sqrt())
        self.tolerances = _tolerances(law, self.bounds, size, float(self.control), tolerance)
        for largest_step in LARGEST_STEPS:
            self.lattice = lattice(form.beta, largest_step)
            self.errors = self.trapezoidal_errors(universal)
            if all(error <= allowed for error, allowed in zip(self.errors, self.tolerances, strict=True)):
                break
        self.step = self.lattice.step
        self.four, self.all_weights = 4 / flint.arb(1).exp(), (flint.arb("1.001") * self.bounds.at_zero).upper()
        # Where the gradients are small the kernel's decay alone ends the integral.
        knee = float(self.bounds.knee)
        farthest = 200 / size**2 + (1e24 / knee / knee if size <= knee else 0)
        self.farthest, self.parts = farthest, parts_of(form.weights)
        self.end = min(farthest, end_of_series(law.width, form)) if isinstance(law, Law) else self.series.end

    def first_chunk(self) -> int:
        """The chunk where the rule may begin: what lies to the left is negligible, and the series hold there."""
        cubes = self._left_factors()
        wanted = [
            float(tolerance / larger(factor, flint.arb(1e-300))) ** (2 / 3)
            for tolerance, factor in zip(self.tolerances, cubes, strict=True)
            if tolerance > 0
        ]
        first = min([*wanted, self.end * math.exp(-2 * float(self.step))])
        return math.floor(math.log(max(first, 1e-300)) / float(self.step) / CHUNK)

    def _left_factors(self) -> list[flint.arb]:
        """Factors k of |G - mu exp(-b s)| <= k s, and of the like for the derivatives."""
        law, largest, absolute = self.law, self.law.norm, self.bounds.absolute
        control = abs(self.bounds.total) * self.center
        value = absolute * law.mean_cube + abs(law.mean) * control
        slopes = [
            3 * absolute * h * largest**2 + abs(mean) * control
            for h, mean in zip(law.slope_norms, law.mean_slopes, strict=True)
        ]
        return [factor.upper() for factor in (value, *slopes)]

    def left_tails(self, chunk: int) -> list[flint.arb]:
        """Bounds of the nodes left of the first."""
        first = nodes(self.lattice, self.form.kernel, chunk).s[0]
        weights = self.form.kernel.weights_left(first, self.step)
        return [factor * weights for factor in self._left_factors()]

    def trapezoidal_errors(self, universal: flint.arb) -> list[flint.arb]:
        """Bounds of the rule's errors, at the nearly best a: tan a = 2 pi/h.

        On the line Im x = a, |s| = Re s/cos a; int rho(r) r e^(-r V) dr = -phi'(V), so that the part of M V' is at most
        2 C H V (-phi'(V)), over cos^2 a.
        """
        frequency = 2 * flint.arb.pi() / self.lattice.step
        a = frequency.atan().mid()
        cosine, decay = a.cos(), 2 / (a * frequency).expm1()
        control = abs(self.bounds.total) * self.control
        errors = [decay * (universal + abs(self.law.mean) * control) / cosine]
        slope = self.bounds.at_zero * self.bounds.absolute + self.bounds.by_squares / cosine
        for h, mean in zip(self.law.slope_norms, self.law.mean_slopes, strict=True):
            errors.append(decay * (h * slope + abs(mean) * control) / cosine)
        return errors

    @cached_property
    def series(self) -> LagSums:
        """The series of the products, with their derivatives in the parameters."""
        if isinstance(self.law, ContinuousLaw):
            return MomentSeries(self.law, self.form, self.farthest, self.tolerance)
        assert isinstance(self.law, Law)
        return LagSeries(self.law, self.form, self.farthest)

    @cached_property
    def walk(self) -> LagWalk | None:
        """How the lags are multiplied out where beta is a range; else None."""
        return LagWalk(self.law, self.form, self.series) if isinstance(self.form.beta, Range) else None

    def sums_by_sensitivities(self, chunk: int, operations: int) -> _Sums | None:
        """Return the same as ``sums`` for a law of many atoms, by its derivatives in them; None for others."""
        law = self.law
        if self.walk or not isinstance(law, BallLaw) or len(law.atoms) * (1 + len(law.slopes)) < MANY:
            return None
        if not law.max_square > law.min_square:
            return None
        remainder = math.log(max(1e-6 * self.tolerance, LEAST_REMAINDER))
        run = Sensitivities(law, self.form, self.lattice, self.end, remainder)
        total, control = flint.arb(0), flint.arb(0)
        half = math.ceil(math.log(2) / float(self.step)) + 1
        products: list[flint.arb] = []
        last = [flint.arb("inf")] * (1 + len(law.mean_slopes))
        for place in map(partial(nodes, self.lattice, self.form.kernel), itertools.count(chunk)):
            for s, weight in zip(place.s, place.weights, strict=True):
                if s <= self.end:
                    value = run.near(s, weight)
                else:
                    pieces = run.pieces_to(s)
                    if pieces is None:
                        return None
                    operations -= run.operations(len(pieces))
                    if operations < 0:
                        return self._with_slopes(run, total, control, last)
                    value = run.far(s, weight, pieces)
                products.append(run.product)
                decay = (-self.center * s).exp()
                control += weight * decay
                total += weight * value
                earlier = products[-1 - half].upper() if len(products) > half else flint.arb(1)
                last = self._right_tails(s, run.product.upper(), earlier, decay)
                if (
                    self._negligible(last, [total] + [flint.arb(0)] * len(law.mean_slopes))
                    or len(products) > MOST_NODES
                ):
                    return self._with_slopes(run, total, control, last)
        raise AssertionError

    def _with_slopes(self, run: Sensitivities, total: flint.arb, control: flint.arb, tails: list[flint.arb]) -> _Sums:
        if not run.law.slopes:
            return _Sums([total], control, tails)
        column = flint.arb_mat([[entry] for entry in run.gradient()])
        slopes = [row[0] for row in (flint.arb_mat(run.law.slopes) * column).tolist()]
        return _Sums([total, *slopes], control, tails)

    def sums(self, chunk: int, most: int) -> _Sums:
        """Sum over the nodes, from a chunk on, until the rest is negligible or ``most`` lags are walked."""
        law = self.law
        totals, control = [flint.arb(0)] * (1 + len(law.mean_slopes)), flint.arb(0)
        half = math.ceil(math.log(2) / float(self.step)) + 1
        products: list[flint.arb] = []
        recursion, lags = None, 0
        columns = 1 + len(law.mean_slopes)
        last = flint.arb(0), flint.arb(1), flint.arb(1), flint.arb(1)  # s, P(s), P(s/2), exp(-b s)
        while True:
            place = nodes(self.lattice, self.form.kernel, chunk)
            allowed = place.up_to(self.series.end)
            spend(CHUNK * columns * (20 + self.series.terms // 5))
            rows = []
            if allowed:
                last_t = (1 - ball(self.form.beta)) * place.s[allowed - 1]
                rows = self.series.values(powers(self.lattice, chunk, self.series.terms), last_t)
            for k, (s, weight) in enumerate(zip(place.s, place.weights, strict=True)):
                if k < allowed:
                    product, values = _from_series(rows[k], s * self.series.center)
                else:
                    needed = self.walk.lags_at(s) if self.walk else self.lattice.per_node
                    if lags + needed > most:
                        return _Sums(totals, control, self._right_tails(*last))
                    spend(needed * lag_operations(law, len(self.series.parts)))
                    if self.walk:
                        product, values = self.walk.at(s, needed)
                    else:
                        before = chunk * CHUNK + k - 1
                        recursion = recursion or LagRecursion(law, self.form, self.series, self.lattice, before)
                        product, values = recursion.next_node()
                    factor = (-s * law.min_square).exp()
                    product, values = factor * product, [factor * value for value in values]
                    lags += needed
                products.append(product)
                decay = (-self.center * s).exp()
                control += weight * decay
                totals = [total + weight * value for total, value in zip(totals, values, strict=True)]
                earlier = products[-1 - half].upper() if len(products) > half else flint.arb(1)
                last = s, product.upper(), earlier, decay
                if k % _LOOK_EVERY == _LOOK_EVERY - 1 or k == allowed - 1:
                    tails = self._right_tails(*last)
                    if self._negligible(tails, totals) or len(products) > MOST_NODES:
                        return _Sums(totals, control, tails)
            chunk += 1

    def _negligible(self, tails: list[flint.arb], totals: list[flint.arb]) -> bool:
        return all(
            tail <= max(tolerance, _SHARE_OF_RADIUS * float(total.rad())) or not total.is_finite()
            for tail, tolerance, total in zip(tails, self.tolerances, totals, strict=True)
        )

    def _right_tails(self, s: flint.arb, product: flint.arb, earlier: flint.arb, decay: flint.arb) -> list[flint.arb]:
        """Bounds of the nodes u right of s; ``earlier`` bounds P(s/2).

        |G(u)| <= c G P(u), and since u V exp(-u V/2) <= 2/e, |G'(u)| <= c H P(u) + (4/e) C H P(u/2). The weights sum up
        to at most int rho ds = phi(0) and the rule's error, and to what the kernel bounds.
        """
        bounds, law, four = self.bounds, self.law, self.four
        weights = smaller(self.form.kernel.weights_right(s, self.step).upper(), self.all_weights)
        control, absolute = abs(bounds.total) * decay, bounds.absolute
        product, earlier = law.tail(product), law.tail(earlier)
        tails = [(absolute * law.norm * product + abs(law.mean) * control) * weights]
        for h, mean in zip(law.slope_norms, law.mean_slopes, strict=True):
            tails.append((h * (absolute * product + four * bounds.step * earlier) + abs(mean) * control) * weights)
        return [tail.upper() for tail in tails]


def _tolerances(law: EnclosedLaw, bounds: FormBounds, size: float, control: float, tolerance: float) -> list[float]:
    """What F and each derivative may lose: a share of their scales, or of what the atoms' radii make uncertain."""
    spread = law.spread * control
    scale = min(float(bounds.root), size * float(bounds.at_zero))
    found = [max(tolerance * scale, _SHARE_OF_WIDTH * spread)]
    relative = max(tolerance, _SHARE_OF_WIDTH * spread)
    return found + [relative * float(h) * control for h in law.slope_norms]


def _from_series(row: list[flint.arb], exponent: flint.arb) -> tuple[flint.arb, list[flint.arb]]:
    """P, and N with its derivatives, from a row (S, Q, S_1, Q_1, ...)."""
    log_product, ratio, *slopes = row
    product = (log_product - exponent).exp()
    derivatives = [product * (x * ratio + y) for x, y in zip(slopes[::2], slopes[1::2], strict=True)]
    return product, [product * ratio, *derivatives]
