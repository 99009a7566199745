"""The laws of the minibatch gradient's coordinates over a box, in interval arithmetic."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import sympy as sp
from mpmath import iv

from adamsym.checker.intervals import Interval, NotCheckable, exact, magnitude, square, total, value_of
from adamsym.optimizer import Adam
from adamsym.problem import Empirical, Problem

MOST_BATCHES = 20_000


@dataclass(frozen=True)
class Law:
    """Atoms g with probabilities, and for each parameter the atoms' derivatives g'."""

    atoms: list[Interval]
    probabilities: list[Interval]
    slopes: list[list[Interval]]

    def mean_of(self, values: Sequence[Interval]) -> Interval:
        """Return E v."""
        return total(p * v for p, v in zip(self.probabilities, values, strict=True))

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
        return [square(g) for g in self.atoms]

    @cached_property
    def mean_square(self) -> Interval:
        """E g^2."""
        return self.mean_of(self.squares)

    @cached_property
    def variance(self) -> Interval:
        """Var g, from its definition."""
        return self.mean_of([square(g - self.mean) for g in self.atoms])

    @cached_property
    def largest(self) -> Interval:
        """G, the largest |g|."""
        return iv.mpf(max(magnitude(g).b for g in self.atoms))

    @cached_property
    def largest_slopes(self) -> list[Interval]:
        """H, the largest |g'|, for each parameter."""
        return [iv.mpf(max(magnitude(h).b for h in column)) for column in self.slopes]


def rows_of(problem: Problem) -> list[dict[sp.Symbol, Interval]]:
    """Return the data rows, exactly."""
    assert isinstance(problem.law, Empirical)
    return [
        {column: exact(x) for column, x in zip(problem.columns, row, strict=True)} for row in problem.law.exact_rows
    ]


def row_values(problem: Problem, expressions: Sequence[sp.Expr], theta: Sequence[Interval]) -> list[list[Interval]]:
    """Return the values of expressions for every row over a box, where the loss as written is proved real and finite.

    Raises
    ------
    NotCheckable
        If that is not proved, or for a function without bounds here.
    """
    parameters = dict(zip(problem.parameters, theta, strict=True))
    rows = rows_of(problem)
    for number, row in enumerate(rows):
        for condition in problem.domain:
            value = value_of(condition.expression, parameters | row)
            if not condition.proved(value.a, value.b):
                raise NotCheckable(f"the loss is not proved real and finite at data row {number}: {condition}")
    return [[value_of(entry, parameters | row) for entry in expressions] for row in rows]


def gradient_laws(problem: Problem, theta: Sequence[Interval], slopes: bool) -> list[Law]:
    """Return the law of each coordinate of the minibatch gradient over a box."""
    d = problem.dimension
    gradients = row_values(problem, problem.gradient_expressions, theta)
    if not slopes:
        return laws_of_rows(problem, gradients)
    place = {pair: k for k, pair in enumerate((i, j) for i in range(d) for j in range(i, d))}
    triangles = row_values(problem, problem.hessian_expressions, theta)
    hessians = [[[triangle[place[min(i, j), max(i, j)]] for j in range(d)] for i in range(d)] for triangle in triangles]
    return laws_of_rows(problem, gradients, hessians)


def laws_of_rows(
    problem: Problem, rows: Sequence[Sequence[Interval]], slopes: Sequence[Sequence[Sequence[Interval]]] = ()
) -> list[Law]:
    """Return the law of each entry of the minibatch mean of one vector for each row."""
    batches = list(minibatches(problem))
    probabilities = [exact(p) for _, p in batches]

    def means(values: Sequence[Interval]) -> list[Interval]:
        return [total(number * values[row] for row, number in batch) / problem.batch_size for batch, _ in batches]

    return [
        Law(
            means([row[i] for row in rows]),
            probabilities,
            [means([slope[i][j] for slope in slopes]) for j in range(problem.dimension)] if slopes else [],
        )
        for i in range(len(rows[0]))
    ]


def minibatches(problem: Problem) -> Iterator[tuple[list[tuple[int, int]], Fraction]]:
    """Yield every minibatch, as pairs (row, how often), with its exact probability."""
    assert isinstance(problem.law, Empirical)
    probabilities, size = problem.law.exact_probabilities, problem.batch_size
    if math.comb(len(probabilities) + size - 1, size) > MOST_BATCHES:
        raise NotCheckable(f"more than {MOST_BATCHES} minibatches")

    def extend(row: int, left: int) -> Iterator[list[tuple[int, int]]]:
        if left == 0:
            yield []
        elif row < len(probabilities):
            for number in range(left + 1):
                for rest in extend(row + 1, left - number):
                    yield ([(row, number)] if number else []) + rest

    for batch in extend(0, size):
        orders = math.factorial(size) // math.prod(math.factorial(number) for _, number in batch)
        yield batch, math.prod((probabilities[row] ** number for row, number in batch), start=Fraction(orders))


def sign_factor(law: Law, adam: Adam) -> Interval:
    """Return q of N-Lemma 1: q^2 = (1 - sqrt beta) G/(sqrt beta G + eps)."""
    root = iv.sqrt(exact(adam.beta))
    return iv.sqrt((1 - root) * law.largest / (root * law.largest + exact(adam.epsilon)))
