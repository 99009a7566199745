"""F = E[M phi(V)] and its derivatives over a box, in intervals, by this module's own means.

F = c mu phi(y) + int w(s) [G(s) - c mu exp(-y s)] dx, s = e^x, w(s) = s rho(s), G(s) = E[M exp(-s V)], c the sum of the
lag weights, y near E g^2 (theory T4); the sum of c mu w(s) exp(-y s) is taken together with c mu phi(y).
Node by node, the first lags are multiplied out until t = (1-beta) beta^K s is small; the rest is summed up from the
power series of log B and A/B. Bounds: |g| <= G, |g'| <= H, C the step bound, |c|_1 the sum of the |c_k|; for u right of
the last s |G(u)| <= |c|_1 G P(u), |G'(u)| <= H (|c|_1 P(u) + (4/e) C P(u/2)); left of the first one the integrand is at
most w(s) s k, k from third moments; the trapezoidal rule errs by at most 2 K/(cos a (exp(2 pi a/h) - 1)),
K = E|M| phi(V), for every a < pi/2 (theory T5).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.continuous_law import ContinuousLaw
from adamsym.checker.epochs import epoch_field
from adamsym.checker.form import Form
from adamsym.checker.kernels import KernelBounds
from adamsym.checker.law import Law, gradient_laws
from adamsym.checker.many_atoms import ManyAtoms
from adamsym.checker.moment_products import MomentProducts
from adamsym.checker.products import LARGEST_STEP, Products, step_of
from adamsym.checker.shared_lags import SharedLags
from adamsym.expressions.work import cut_short, spend
from adamsym.gradients import SymbolicGradient

TOLERANCE = 1e-15
"""Share of the scale that a truncation may have."""
_SHARE, _ERRORS = 1e-4, 0.05
"""Errors that are sought, of what is not known anyhow; and those that are accepted, of how wide the sums are."""
LEAST_SQUARE, LARGEST = 1e-240, 1e100
"""Between these mean squares and atoms no float leaves its range; other laws have the crude bounds."""
_LEAST_ALLOWED = 1e-280
_MOST_NODES = 1200
_MOST_LAGS = 40_000


@dataclass(frozen=True)
class FieldOver:
    """Intervals around f_i and df_i/dtheta_j."""

    value: list[Interval]
    jacobian: list[list[Interval]]


def field_over(
    problem: SymbolicGradient, form: Form, theta: Sequence[Interval], slopes: bool, tolerance: float = TOLERANCE
) -> FieldOver:
    """Return f = -F - decay theta, and Df if ``slopes``, over a box."""
    if (epoch := problem.epoch) is not None:
        return FieldOver(*epoch_field(problem, form, epoch, theta, slopes))
    found = [quotient(law, form, tolerance) for law in gradient_laws(form.using, problem, theta, slopes)]
    decay = form.using.exact(form.decay)
    return FieldOver(
        [-one[0] - decay * side for one, side in zip(found, theta, strict=True)],
        [[-slope - (decay if i == j else 0) for j, slope in enumerate(one[1:])] for i, one in enumerate(found)],
    )


def form_over(
    problem: SymbolicGradient,
    form: Form,
    theta: Sequence[Interval],
    direction: Sequence[float],
    slopes: bool,
    tolerance: float,
) -> list[Interval]:
    """Return y f, y = ``direction``, and its derivatives if ``slopes``, over a box; no f_i with y_i = 0 is enclosed."""
    using, decay = form.using, form.using.exact(form.decay)
    if (epoch := problem.epoch) is not None:
        values, jacobian = epoch_field(problem, form, epoch, theta, slopes)
        lines = [[value, *line] for value, line in zip(values, jacobian, strict=True)]
        return [using.dot([using.number(y) for y in direction], column) for column in zip(*lines, strict=True)]
    found = [using.number(0)] * (1 + len(theta) * slopes)
    for i, (law, y) in enumerate(zip(gradient_laws(using, problem, theta, slopes), direction, strict=True)):
        if y != 0:
            drift = [decay * theta[i], *(decay if i == j else using.number(0) for j in range(len(found) - 1))]
            own = quotient(law, form, tolerance)
            found = [x - y * (part + shift) for x, part, shift in zip(found, own, drift, strict=True)]
    return found


def quotient(law: Law, form: Form, tolerance: float) -> list[Interval]:
    """Return intervals around F and its derivatives for every law within ``law``."""
    spend((0 if isinstance(law, ContinuousLaw) else len(law.atoms)) * (8 + 6 * len(law.slopes)))
    means = [form.sum * mean for mean in (law.mean, *law.mean_slopes)]
    crude = _crude(law, form, means)
    center, square = form.using.middle(law.mean_square), form.using.square(law.norm)
    in_range = center > LEAST_SQUARE and law.norm < LARGEST
    if not (form.size > 0 and in_range and form.kernel.drop(square) >= 1e-14 * form.kernel.largest):
        return crude
    found = None
    for share in sorted({max(tolerance, _SHARE * _blur(law, form)), tolerance}, reverse=True):
        found = _by_quadrature(law, form, center, means, share, tolerance)
        if found is None or found.is_fine(form.using):
            break
    if found is None:
        return crude
    enclosed = [x + form.using.around_zero(error) for x, error in zip(found.sums, found.errors, strict=True)]
    return [form.using.overlap(x, y) for x, y in zip(enclosed, crude, strict=True)]


def _crude(law: Law, form: Form, means: list[Interval]) -> list[Interval]:
    """Bounds for any law, narrow next to interpolation: what F and F' differ by from c mu phi(0), c mu' phi(0).

    With d = phi(0) - phi(E g^2), these are at most |c|_1 G d, and H (|c|_1 + 2 C) d; with K = ``root_slope`` at most
    |c|_1 E g^2 K, and 2 |c|_1 G H K.
    """
    using = form.using
    # Of norms, the root of phi(0) times it bounds that of phi(0) - phi(V).
    drop = form.kernel.largest * law.tail(form.kernel.drop(law.mean_square) / form.kernel.largest)
    errors = [
        form.size * law.norm * drop,
        *(h * (form.size + 2 * form.step_bound) * drop for h in law.slope_norms),
    ]
    slope = form.kernel.root_slope
    if slope is not None:
        by_roots = [
            form.size * using.magnitude(law.mean_square) * slope,
            *(2 * form.size * law.norm * h * slope for h in law.slope_norms),
        ]
        errors = [using.least_bound(pair) for pair in zip(errors, by_roots, strict=True)]
    found = [mean * form.kernel.largest + using.around_zero(error) for mean, error in zip(means, errors, strict=True)]
    return [using.overlap(found[0], using.around_zero(_magnitude_bound(law, form))), *found[1:]]


def _magnitude_bound(law: Law, form: Form) -> Interval:
    """A bound of E|M| phi(V), from |M| <= C sqrt V and |M| <= |c|_1 G."""
    if not form.using.is_bounded(law.max_abs):
        anywhere = form.kernel.rooted_anywhere()
        bounds = [] if anywhere is None else [form.step_bound * anywhere]
    else:
        bounds = [form.step_bound * form.kernel.rooted(law.max_abs)]
    plain = form.size * law.norm * form.kernel.largest
    return form.using.least_bound([*bounds, plain])


@dataclass(frozen=True)
class _Sums:
    """What the nodes add up to for F and its derivatives, and bounds of what each of these errs by."""

    sums: list[Interval]
    errors: list[Interval]

    def is_fine(self, using: Arithmetic) -> bool:
        """Whether the errors hardly count beside how uncertain the sums are."""
        return all(error <= _ERRORS * using.width(x) for error, x in zip(self.errors, self.sums, strict=True))


def _by_quadrature(
    law: Law, form: Form, center: Interval, means: list[Interval], share: float, tolerance: float
) -> _Sums | None:
    """F and its derivatives by the quadrature; None if already its first node would take too much work.

    The rule and the nodes left out before the first one may err by a ``share`` of the scale; those after the last one
    by the tolerance, or by a share of how uncertain the sums are.
    """
    using, bound = form.using, form.step_bound
    largest, rule = _rule(law, form, center, means, share, tried=share > tolerance)
    products, (_, step) = _products(law, form, largest), step_of(using, form.beta, largest)
    width = float(using.middle(step))
    cubes = _cubes(law, form, center, means)
    j, left = _first_node(law, form, center, step, float(using.largest(cubes)), share)
    # The means are taken out of the sums: so their widths hardly count.
    zeros = [using.number(0)] * len(means)
    node = _nodes(form.kernel, form.beta, largest)
    sums, control, lags = zeros, form.kernel.of(center), 0
    earlier, node_weights = list[Interval](), list[Interval]()
    half = math.ceil(math.log(2) / width) + 1
    # Of P(u), of P(u/2) and of exp(-y u).
    shares = [
        (form.size * law.norm, using.number(0), using.magnitude(means[0])),
        *(
            (h * form.size, h * (4 * using.exponential(using.number(-1)) * bound), using.magnitude(m))
            for h, m in zip(law.slope_norms, means[1:], strict=True)
        ),
    ]

    def tails(weights: Interval, product: Interval, decay: Interval) -> Iterator[Interval]:
        """Bounds of what the nodes right of the last one add."""
        before = earlier[-1 - half] if len(earlier) > half else using.number(1)
        product, before = law.tail(product), law.tail(before)
        return ((a * product + b * before + c * decay) * weights for a, b, c in shares)

    while True:
        s, weight, beyond = node(j)
        needed = products.lags_at(s)
        if lags + needed > _MOST_LAGS or len(earlier) > _MOST_NODES:
            cut_short()
            if not earlier:
                return None
            break
        product, values = products.at(s, needed)
        decay = using.exponential(-center * s)
        # Of many atoms G comes alone; its derivatives come in the end.
        sums = [x + weight * g for x, g in zip(sums, values, strict=False)]
        control -= weight * decay
        node_weights.append(weight)
        earlier.append(using.upper(product))
        lags += needed
        last = beyond, earlier[-1], decay
        if len(earlier) > half and _negligible(using, tails(*last), [*sums, *zeros[len(sums) :]], tolerance):
            break
        j += 1
    if isinstance(products, ManyAtoms):
        sums += products.derivatives(node_weights)
    magnitude = using.magnitude
    return _Sums(
        [m * control + x for m, x in zip(means, sums, strict=True)],
        [
            using.upper(magnitude(t) + magnitude(k * left) + magnitude(e))
            for t, k, e in zip(tails(*last), cubes, rule, strict=True)
        ],
    )


def _products(law: Law, form: Form, largest: Fraction) -> Products | ManyAtoms:
    """What knows the products over the lags, for nodes at most so far apart."""
    if isinstance(law, ContinuousLaw):
        return MomentProducts(law, form, largest)
    if SharedLags.suits(form, largest):
        return SharedLags(law, form, largest)
    return ManyAtoms(law, form, largest) if ManyAtoms.suits(law, form, largest) else Products(law, form, largest)


def _blur(law: Law, form: Form) -> float:
    """About what share of F and F' may not be known anyhow: as the gradients are in a box, or the numbers in ranges."""
    using, beta, eps = form.using, form.using.exact(form.beta), form.kernel.eps
    numbers = [beta / using.middle(1 - beta), eps / using.middle(eps)]
    numbers += [using.exact(x) for term in form.terms for x in term]
    numbers += [law.mean / law.norm] if isinstance(law, ContinuousLaw) else [g / using.magnitude(g) for g in law.atoms]
    return min(1.0, max(using.width(x) for x in numbers if using.is_bounded(x)))


def _rule(
    law: Law, form: Form, center: Interval, means: list[Interval], share: float, tried: bool
) -> tuple[Fraction, list[Interval]]:
    """How far apart nodes may be at most, and the errors of the rule: the longest step that errs by a share at most."""
    using, typical = form.using, form.kernel.of(center)
    # What is only tried may be far off for slopes: where they are steep they are uncertain as well.
    steepest = form.kernel.at(law.lowest) if tried else typical
    scales = [share * law.norm * typical, *(share * h * steepest for h in law.slope_norms)]
    for factor in (Fraction(2), Fraction(3, 2), Fraction(1)):
        largest = factor * LARGEST_STEP
        _, step = step_of(using, form.beta, largest)
        errors = _trapezoidal_errors(law, form, step, center, means)
        if all(using.magnitude(error) <= scale for error, scale in zip(errors, scales, strict=True)):
            break
    return largest, errors


def _cubes(law: Law, form: Form, center: Interval, means: list[Interval]) -> list[Interval]:
    """k with |G(s) - c mu exp(-y s)| <= s k, and likewise for the derivatives."""
    using = form.using
    cube, square = law.mean_cube, using.square(law.norm)
    return [
        using.upper(form.size * cube + using.magnitude(means[0]) * center),
        *(
            using.upper(3 * form.size * h * square + using.magnitude(m) * center)
            for h, m in zip(law.slope_norms, means[1:], strict=True)
        ),
    ]


def _first_node(
    law: Law, form: Form, center: Interval, step: Interval, cube: float, tolerance: float
) -> tuple[int, Interval]:
    """The number of a node so far left that those left of it do not count; and the sum of h w(u) u over those."""
    using = form.using
    width, everywhere = float(using.middle(step)), float(using.middle(form.kernel.largest))
    scale = min(float(form.kernel.rooted(law.norm)), float(center) ** 0.5 * everywhere)
    allowed = max(tolerance * scale / cube, _LEAST_ALLOWED)
    j = math.floor(math.log(allowed) * 2 / 3 / width)
    for _ in range(_MOST_NODES):
        left = _weights_before(form.kernel, using.exponential(step * j), step)
        if float(using.upper(left)) <= allowed:
            return j, left
        j -= math.ceil(0.5 / width)
    raise NotCheckable("a kernel that is not bounded at 0")


def _negligible(using: Arithmetic, tails: Iterable[Interval], sums: list[Interval], tolerance: float) -> bool:
    return all(t < max(tolerance, 0.01 * using.width(x)) for t, x in zip(tails, sums, strict=True))


def _trapezoidal_errors(
    law: Law, form: Form, step: Interval, center: Interval, means: list[Interval]
) -> list[Interval]:
    """The rule's errors; a derivative's integrand on Im x = a is at most H (|c|_1 E phi(V)/cos a + 2 C b/cos^2 a).

    b is a bound of E V |phi'(V)|. V is at least ``lowest``, phi falls, and v |phi'(v)| <= phi(v).
    """
    using, everywhere = form.using, form.kernel.at(law.lowest)
    bent = using.least_bound([form.kernel.scaled_slope, everywhere])
    a = using.number(1.5)
    along, decay = using.cosine(a), 2 / (using.exponential(2 * using.pi * a / step) - 1)
    control = form.kernel.of(center)
    errors = [decay * (_magnitude_bound(law, form) + using.magnitude(means[0]) * control) / along]
    for h, mean in zip(law.slope_norms, means[1:], strict=True):
        slope = h * (form.size * everywhere + 2 * form.step_bound * bent / along)
        errors.append(decay * (slope + using.magnitude(mean) * control) / along)
    return errors


def _weights_before(kernel: KernelBounds, first: Interval, step: Interval) -> Interval:
    """A bound of the sum of h w(u) u over the nodes u < ``first``: w(u) <= phi(1/u) <= phi(1/first)."""
    ratio = kernel.using.exponential(-step)
    return step * first * kernel.of(1 / first) * ratio / (1 - ratio)


def _weights_beyond(kernel: KernelBounds, s: Interval, step: Interval) -> Interval:
    """A bound of the sum of h w(u) over the nodes u > s: rho falls, so it is at most h/(1 - e^-h) times its integral.

    The integral of rho beyond s is at most phi(0) - phi(1/s).
    """
    using = kernel.using
    return using.upper(step / (1 - using.exponential(-step)) * kernel.drop(1 / s))


@lru_cache(maxsize=64)
def _nodes(kernel: KernelBounds, beta: Fraction, largest: Fraction) -> Callable[[int], tuple[Interval, ...]]:
    """What gives s = e^(j h), the weight h s rho(s), and a bound of the sum of those right of it; all are kept."""
    using, (_, step) = kernel.using, step_of(kernel.using, beta, largest)

    @cache
    def node(j: int) -> tuple[Interval, Interval, Interval]:
        s = using.exponential(step * j)
        return s, step * kernel.weight(s), _weights_beyond(kernel, s, step)

    return node
