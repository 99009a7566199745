"""The field of minibatches that repeat, in intervals: a mean over one epoch of P steps, by this module's own sums.

x_0, ..., x_{P-1} go on with period P. S_j = sum_{k>=0} r^k x_{j-k} has S_{j+1} = x_{j+1} + r S_j, and S_{P-1} is one
period's part over 1 - r^P. F = (1/P) sum_j M_j phi(V_j), M and V such sums (theory, N-Proposition 11). Where V_j may be
0, |M phi'(V) V'| <= 2 C max|g'| v |phi'(v)|, for |M| <= C sqrt V and |V'| <= 2 max|g'| sqrt V: there intervals hold
the generalized derivatives.
"""

from collections.abc import Sequence

from adamsym.checker.arithmetic import Arithmetic, Interval
from adamsym.checker.form import Form
from adamsym.checker.law import rows_over
from adamsym.expressions.work import spend
from adamsym.gradients import SymbolicGradient
from adamsym.gradients.sampling import Epoch


def epoch_field(
    problem: SymbolicGradient, form: Form, epoch: Epoch, theta: Sequence[Interval], slopes: bool
) -> tuple[list[Interval], list[list[Interval]]]:
    """Return f = -F - decay theta of rows in their own order, and Df if ``slopes``, over a box.

    Raises
    ------
    MayJump, NotCheckable
        As :func:`adamsym.checker.law.rows_over`; and for a kernel that is not built in.
    """
    using, d = form.using, problem.dimension
    gradients, jacobians = rows_over(using, problem, theta, slopes)
    spend((1 + d * slopes) * d * len(gradients) * (6 + 3 * len(form.terms)))
    decay = using.exact(form.decay)
    values, derivatives = [], []
    for i in range(d):
        own = _means(using, [row[i] for row in gradients], epoch)
        moved = [_means(using, [row[i][j] for row in jacobians], epoch) for j in range(d) if slopes]
        value, found = _quotient(form, own, moved)
        values.append(-value - decay * theta[i])
        derivatives.append([-slope - (decay if i == j else 0) for j, slope in enumerate(found)])
    return values, derivatives if slopes else [[] for _ in values]


def _means(using: Arithmetic, rows: Sequence[Interval], epoch: Epoch) -> list[Interval]:
    """The means over the minibatches, in the order of the rows."""
    places = ((k * epoch.batch_size, epoch.size(k)) for k in range(epoch.batches))
    return [using.total(rows[first : first + size]) / size for first, size in places]


def _quotient(
    form: Form, gradients: list[Interval], slopes: Sequence[list[Interval]]
) -> tuple[Interval, list[Interval]]:
    """F of one coordinate, and its derivatives."""
    using, count = form.using, len(gradients)
    numerators, squares = _numerators(form, gradients), _squares(form, [using.square(g) for g in gradients])
    phi = [form.kernel.of(v) for v in squares]
    value = using.dot(numerators, phi) / count
    found, bound = [], _step_bound(form, count)
    for own in slopes:
        drift = _squares(form, [2 * g * h for g, h in zip(gradients, own, strict=True)])
        most = using.around_zero(2 * bound * using.largest(map(using.magnitude, own)) * form.kernel.scaled_slope)
        by_roots = [
            m * form.kernel.slope(v) * moved if v > 0 else most
            for m, v, moved in zip(numerators, squares, drift, strict=True)
        ]
        found.append((using.dot(_numerators(form, own), phi) + using.total(by_roots)) / count)
    return value, found


def _step_bound(form: Form, count: int) -> Interval:
    """A bound of C with |M| <= C sqrt V: that of T1, or by the weights of all lags that meet the same step."""
    using = form.using
    unit = [using.number(int(j == 0)) for j in range(count)]
    pairs = list(zip(_numerators(form, unit), _squares(form, unit), strict=True))
    if not all(w > 0 for _, w in pairs):
        return form.step_bound
    squares = using.total(using.square(c) / w for c, w in pairs)
    return using.least_bound([form.step_bound, using.root(using.upper(squares))])


def _squares(form: Form, values: list[Interval]) -> list[Interval]:
    beta = form.using.exact(form.beta)
    return [(1 - beta) * total for total in _sums(form.using, values, beta)]


def _numerators(form: Form, values: list[Interval]) -> list[Interval]:
    """The sums with the lag weights, at each step of the epoch."""
    using, count = form.using, len(values)
    found = [
        using.total(using.exact(head) * values[(j - k) % count] for k, head in enumerate(form.head))
        for j in range(count)
    ]
    for amount, ratio in form.terms:
        sums = _sums(using, values, using.exact(ratio))
        found = [x + using.exact(amount) * total for x, total in zip(found, sums, strict=True)]
    return found


def _sums(using: Arithmetic, values: list[Interval], ratio: Interval) -> list[Interval]:
    """S_j = sum_{k>=0} ratio^k x_{j-k}, at each step j of the epoch."""
    total = using.number(0)
    for x in values:
        total = x + ratio * total
    total /= 1 - using.power(ratio, len(values))
    found = []
    for x in values:
        total = x + ratio * total
        found.append(total)
    return found
