"""The laws of the minibatch gradient's coordinates over a box, in intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import sympy as sp

from adamsym.checker.arithmetic import Arithmetic, Interval, NotCheckable
from adamsym.checker.form import Form
from adamsym.checker.pieces import TooManyKinks, pieces_of
from adamsym.checker.values import value_of, values_of
from adamsym.expressions.work import OutOfWork, spend
from adamsym.gradients import Empirical, Problem, SymbolicGradient

MOST_BATCHES = 20_000


@dataclass(frozen=True)
class Law:
    """Atoms g with probabilities, and for each parameter the atoms' derivatives g'."""

    using: Arithmetic
    atoms: list[Interval]
    probabilities: list[Interval]
    slopes: list[list[Interval]]

    def mean_of(self, values: Sequence[Interval]) -> Interval:
        """Return E v."""
        return self.using.dot(self.probabilities, values)

    @cached_property
    def mean(self) -> Interval:
        """E g."""
        return self.mean_of(self.atoms)

    @cached_property
    def mean_slopes(self) -> list[Interval]:
        """E g' for each parameter."""
        return [self.mean_of(column) for column in self.slopes]

    @cached_property
    def squares(self) -> list[Interval]:
        """g^2."""
        return [self.using.square(g) for g in self.atoms]

    @cached_property
    def mean_square(self) -> Interval:
        """E g^2."""
        return self.mean_of(self.squares)

    @cached_property
    def deviations(self) -> list[Interval]:
        """|g - E g|^2."""
        return [self.using.square(g - self.mean) for g in self.atoms]

    @cached_property
    def variance(self) -> Interval:
        """Var g, from its definition."""
        return self.mean_of(self.deviations)

    @cached_property
    def max_abs(self) -> Interval:
        """G, the largest |g|."""
        return self.using.largest(map(self.using.magnitude, self.atoms))

    @cached_property
    def max_abs_slopes(self) -> list[Interval]:
        """H, the largest |g'|, for each parameter."""
        return [self.using.largest(map(self.using.magnitude, column)) for column in self.slopes]


@lru_cache(maxsize=4)
def rows_of(using: Arithmetic, problem: SymbolicGradient) -> list[dict[sp.Symbol, Interval]]:
    """Return the data rows, exactly."""
    assert isinstance(problem.law, Empirical)
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
    """Return the law of each coordinate of the minibatch gradient over a box; ``MayJump`` as ``row_jacobians``."""
    d = problem.dimension
    gradients = row_gradients(using, problem, theta)
    if not slopes:
        return laws_of_rows(using, problem, gradients)
    place = {pair: k for k, pair in enumerate(problem.jacobian_places)}
    # Of a Hessian the upper triangle is known, of another Jacobian all of it.
    numbers = [[place.get((i, j), place.get((j, i), -1)) for j in range(d)] for i in range(d)]
    rows = row_jacobians(using, problem, theta)
    return laws_of_rows(
        using, problem, gradients, [[[entries[k] for k in line] for line in numbers] for entries in rows]
    )


def laws_of_rows(
    using: Arithmetic,
    problem: SymbolicGradient,
    rows: Sequence[Sequence[Interval]],
    slopes: Sequence[Sequence[Sequence[Interval]]] = (),
) -> list[Law]:
    """Return the law of each entry of the minibatch mean of one vector for each row."""
    batches = minibatches(using, problem)
    entries = len(rows[0]) * (1 + (problem.dimension if slopes else 0))
    spend(2 * entries * sum(1 + len(batch) for batch, _ in batches))
    probabilities = [p for _, p in batches]

    def means(values: Sequence[Interval]) -> list[Interval]:
        return [using.total(number * values[row] for row, number in batch) / problem.batch_size for batch, _ in batches]

    return [
        Law(
            using,
            means([row[i] for row in rows]),
            probabilities,
            [means([slope[i][j] for slope in slopes]) for j in range(problem.dimension)] if slopes else [],
        )
        for i in range(len(rows[0]))
    ]


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
    if not _can_list(rows, size):
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


def _can_list(rows: int, size: int) -> bool:
    """Whether the binomial coefficient (rows + size - 1 over size) is small enough; without computing a huge one."""
    smaller, count = min(rows - 1, size), 1
    for k in range(1, smaller + 1):
        count = count * (rows + size - 1 - smaller + k) // k
        if count > MOST_BATCHES:
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
    return form.using.upper(form.using.root(form.kernel.growth(form.beta, law.max_abs)))


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
    r = using.upper(using.square(q))
    fourth = using.upper(law.mean_of([using.square(deviation) for deviation in law.deviations]))
    bounds = [
        q * using.root(using.upper(law.variance)),
        r * using.root(using.largest(law.deviations)),
        using.root(using.root(r * r * r * (1 + r) * fourth)),
    ]
    return using.least_bound(map(using.upper, bounds))
