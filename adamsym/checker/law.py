"""The laws of the minibatch gradient's coordinates over a box, in intervals."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import sympy as sp

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.batch_law import BatchLaw
from adamsym.checker.continuous_rows import continuous_laws
from adamsym.checker.coordinate_law import Law as Law
from adamsym.checker.form import Form
from adamsym.checker.pieces import TooManyKinks, pieces_of
from adamsym.checker.values import value_of, values_of
from adamsym.expressions.work import OutOfWork, spend
from adamsym.gradients import Empirical, Independent, Problem, SymbolicGradient

MOST_BATCHES = 20_000

MOST_LISTED = 1_000
"""Minibatches up to which laws list them; for others see :mod:`adamsym.checker.batch_law`."""


@lru_cache(maxsize=4)
def rows_of(using: Arithmetic, problem: SymbolicGradient) -> list[dict[sp.Symbol, Interval]]:
    """Return the data rows, exactly."""
    if not isinstance(problem.law, Empirical):
        raise NotCheckable("this needs the rows of an empirical law")
    return [
        {column: using.exact(x) for column, x in zip(problem.columns, row, strict=True)}
        for row in problem.law.exact_rows
    ]


def row_values(
    using: Arithmetic, problem: SymbolicGradient, expressions: Sequence[sp.Expr], theta: Sequence[Interval]
) -> list[list[Interval]]:
    """Return the values of expressions for every row over a box, where the loss as written is proved real and finite.

    Raises
    ------
    NotCheckable
        If that is not proved, or for a function without bounds here.
    """
    parameters = dict(zip(problem.parameters, theta, strict=True))
    rows = rows_of(using, problem)
    for number, row in enumerate(rows):
        for condition in problem.domain:
            value = value_of(using, condition.expression, parameters | row)
            if not condition.proved(using.lower(value), using.upper(value)):
                raise NotCheckable(f"{problem.place}: not proved real and finite at data row {number}: {condition}")
    return [values_of(using, expressions, parameters | row) for row in rows]


def row_gradients(using: Arithmetic, problem: SymbolicGradient, theta: Sequence[Interval]) -> list[list[Interval]]:
    """Return every row's gradient over a box; where it jumps, all between the gradients on both sides."""
    pieces = pieces_of(problem)
    if pieces is None:
        return row_values(using, problem, problem.gradient_expressions, theta)
    try:
        return [pieces.gradients(using, values) for values in _rows_over(using, problem, theta)]
    except TooManyKinks:
        return row_values(using, problem, problem.gradient_expressions, theta)


def row_jacobians(using: Arithmetic, problem: SymbolicGradient, theta: Sequence[Interval]) -> list[list[Interval]]:
    """Return for every row the entries of its Jacobian, or generalized Jacobian, over a box: those that places name.

    Raises
    ------
    MayJump
        If the gradients are not proven to be continuous.
    """
    pieces = pieces_of(problem)
    if pieces is None:
        return row_values(using, problem, problem.jacobian_expressions, theta)
    return [pieces.jacobians(using, values) for values in _rows_over(using, problem, theta)]


def require_continuous(using: Arithmetic, problem: SymbolicGradient, theta: Sequence[Interval]) -> None:
    """Raise NotCheckable unless every row's gradient is proven to be continuous, and bounded, over a box."""
    if isinstance(problem.law, Independent):
        continuous_laws(using, problem, theta, slopes=False)
        return
    pieces = pieces_of(problem)
    if pieces is None or not isinstance(problem, Problem):
        row_gradients(using, problem, theta)
    else:
        for values in _rows_over(using, problem, theta):
            pieces.require_continuous(using, values)


def _rows_over(
    using: Arithmetic, problem: SymbolicGradient, theta: Sequence[Interval]
) -> list[dict[sp.Symbol, Interval]]:
    """The values of parameters and columns for every row, where the loss as written is proved real and finite."""
    row_values(using, problem, [], theta)
    parameters = dict(zip(problem.parameters, theta, strict=True))
    return [parameters | row for row in rows_of(using, problem)]


def gradient_laws(using: Arithmetic, problem: SymbolicGradient, theta: Sequence[Interval], slopes: bool) -> list[Law]:
    """Return the law of each coordinate of the minibatch gradient over a box; ``MayJump`` as ``row_jacobians``.

    With slopes the rows' gradients are met with their mean-value forms about the middle.
    """
    if isinstance(problem.law, Independent):
        return continuous_laws(using, problem, theta, slopes)
    return laws_of_rows(using, problem, *rows_over(using, problem, theta, slopes))


def mean_laws(using: Arithmetic, problem: SymbolicGradient, theta: Sequence[Interval], slopes: bool) -> list[Law]:
    """Return laws with the means of the gradient of L and its derivatives: of minibatches, or of single rows.

    L is the mean over all rows, however they are drawn.
    """
    return gradient_laws(using, _of_single_rows(problem), theta, slopes)


@lru_cache(maxsize=4)
def _of_single_rows(problem: SymbolicGradient) -> SymbolicGradient:
    if problem.sampling == "replacement":
        return problem
    return problem.changed(sampling="replacement", batch_size=1, drop_last=False)


def rows_over(
    using: Arithmetic, problem: SymbolicGradient, theta: Sequence[Interval], slopes: bool
) -> tuple[list[list[Interval]], list[list[list[Interval]]]]:
    """Return every row's gradient over a box, and its Jacobian if ``slopes``; ``MayJump`` as ``row_jacobians``.

    With slopes the gradients are met with their mean-value forms about the middle.
    """
    d = problem.dimension
    gradients = row_gradients(using, problem, theta)
    if not slopes:
        return gradients, []
    place = {pair: k for k, pair in enumerate(problem.jacobian_places)}
    # Of a Hessian the upper triangle is known, of another Jacobian all of it.
    numbers = [[place.get((i, j), place.get((j, i), -1)) for j in range(d)] for i in range(d)]
    rows = row_jacobians(using, problem, theta)
    jacobians = [[[entries[k] for k in line] for line in numbers] for entries in rows]
    return _narrowed(using, problem, theta, gradients, jacobians), jacobians


def _narrowed(
    using: Arithmetic,
    problem: SymbolicGradient,
    theta: Sequence[Interval],
    gradients: list[list[Interval]],
    jacobians: Sequence[Sequence[Sequence[Interval]]],
) -> list[list[Interval]]:
    """What of each row's gradient over a box is in g(m) + g'(X) (X - m)."""
    points = [using.middle(side) for side in theta]
    if all(side == point for side, point in zip(theta, points, strict=True)):
        return gradients
    shifts = [side - point for side, point in zip(theta, points, strict=True)]
    spend(len(gradients) * len(theta) ** 2)
    return [
        [using.overlap(g, at + using.dot(line, shifts)) for g, at, line in zip(gradient, center, jacobian, strict=True)]
        for gradient, center, jacobian in zip(gradients, row_gradients(using, problem, points), jacobians, strict=True)
    ]


def laws_of_rows(
    using: Arithmetic,
    problem: SymbolicGradient,
    rows: Sequence[Sequence[Interval]],
    slopes: Sequence[Sequence[Sequence[Interval]]] = (),
) -> list[Law]:
    """Return the law of each entry of the minibatch mean of one vector for each row: a list if there are few.

    Raises
    ------
    NotCheckable
        If rows are not drawn independently: then one minibatch's law says not enough.
    """
    assert isinstance(problem.law, Empirical)
    if problem.sampling != "replacement":
        raise NotCheckable("this supposes rows drawn independently")
    columns = [
        (
            [row[i] for row in rows],
            [[slope[i][j] for slope in slopes] for j in range(problem.dimension)] if slopes else [],
        )
        for i in range(len(rows[0]))
    ]
    if problem.batch_size > 1 and not _can_list(len(rows), problem.batch_size, MOST_LISTED):
        chances = [using.exact(p) for p in problem.law.exact_probabilities]
        return [BatchLaw(using, values, chances, own, problem.batch_size) for values, own in columns]
    batches = minibatches(using, problem)
    entries = len(rows[0]) * (1 + (problem.dimension if slopes else 0))
    spend(2 * entries * sum(1 + len(batch) for batch, _ in batches))
    probabilities = [p for _, p in batches]

    def means(values: Sequence[Interval]) -> list[Interval]:
        return [using.total(number * values[row] for row, number in batch) / problem.batch_size for batch, _ in batches]

    return [Law(using, means(values), probabilities, list(map(means, own))) for values, own in columns]


@lru_cache(maxsize=4)
def minibatches(using: Arithmetic, problem: SymbolicGradient) -> list[tuple[list[tuple[int, int]], Interval]]:
    """Return every minibatch, as pairs (row, how often), with its probability n! prod p_j^k_j/k_j!.

    Raises
    ------
    OutOfWork
        If there are too many.
    """
    assert isinstance(problem.law, Empirical)
    rows, size = len(problem.law.exact_probabilities), problem.batch_size
    if not _can_list(rows, size, MOST_BATCHES):
        raise OutOfWork(f"there are more than {MOST_BATCHES} minibatches")
    if rows == 1:
        return [([(0, size)], using.number(1))]
    terms = []
    for p in problem.law.exact_probabilities:
        powers = [using.number(1)]
        for k in range(1, size + 1):
            powers.append(powers[-1] * using.exact(p) / k)
        terms.append(powers)
    orders = using.number(1)
    for k in range(2, size + 1):
        orders *= k

    def drawn(first: int, left: int) -> Iterator[tuple[list[tuple[int, int]], Interval]]:
        """The ways to draw ``left`` more rows from number ``first`` on."""
        if left == 0:
            yield [], orders
            return
        for row in range(first, rows):
            for number in [left] if row == rows - 1 else range(1, left + 1):
                for others, weight in drawn(row + 1, left - number):
                    yield [(row, number), *others], weight * terms[row][number]

    return list(drawn(0, size))


def _can_list(rows: int, size: int, most: int) -> bool:
    """Whether the binomial coefficient (rows + size - 1 over size) is at most this; without computing a huge one."""
    smaller, count = min(rows - 1, size), 1
    for k in range(1, smaller + 1):
        count = count * (rows + size - 1 - smaller + k) // k
        if count > most:
            return False
    return True


def sign_factor(law: Law, form: Form) -> Interval:
    """Return q of N-Lemma 1: q^2 = phi(beta G^2)/phi(G^2) - 1 where this quotient increases, in general a bound.

    Raises
    ------
    NotCheckable
        If some weight c_k may be negative, or all are 0: there is no such lemma then.
    """
    if not form.averages:
        raise NotCheckable("the sign lemma needs lag weights that are not negative")
    bounded = form.using.is_bounded(law.max_abs)
    growth = form.kernel.growth(form.beta, law.max_abs) if bounded else form.kernel.growth_anywhere(form.beta)
    return form.using.upper(form.using.root(growth)) if form.using.is_bounded(growth) else form.using.number(math.inf)


def noise_bound(law: Law, over: Law, form: Form) -> Interval:
    """Return a number that |E h| has to exceed for F to have its sign (N-Lemma 4): the least of its (a), (b) and (c).

    h is within ``law``; the gradients, within ``over``, are multiples of h by one number. With q_1^2 = r:
    sqrt(r) sigma, r sup |h - E h|, and (r^3 (1 + r) E(h - E h)^4)^(1/4).

    Raises
    ------
    NotCheckable
        As :func:`sign_factor`.
    """
    using = form.using
    q = sign_factor(over, form)
    if not using.is_bounded(q):
        return q
    r = using.upper(using.square(q))
    fourth = using.upper(law.fourth_deviation)
    bounds = [
        q * using.root(using.upper(law.variance)),
        *([r * using.root(law.max_deviation)] if using.is_bounded(law.max_deviation) else []),
        using.root(using.root(r * r * r * (1 + r) * fourth)),
    ]
    return using.least_bound(map(using.upper, bounds))
