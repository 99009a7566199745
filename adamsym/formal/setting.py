"""What a statement for Coq is about: a problem with finitely many rows, a method, and a point, all of them exact."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TypeVar

import flint
import sympy as sp

from adamsym.expressions.domain import DomainError
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.formal.elementary import functions, require_comparable, require_elementary, value_bounds
from adamsym.formal.rational import value
from adamsym.gradients.laws import Empirical
from adamsym.gradients.problem import Problem
from adamsym.gradients.source import StochasticGradient
from adamsym.gradients.symbolic import SymbolicGradient, require_expressions
from adamsym.methods.adam import Adam, AdamEpsInsideRoot, AdamW, AdamWithoutMomentum, NAdam, RMSprop
from adamsym.methods.kernels import ball
from adamsym.methods.method import AdaptiveMethod
from adamsym.methods.recursion import Method

_Value = TypeVar("_Value")

_WHAT = "a statement for Coq"

_DOMAIN_BITS = 400
_HALVINGS = 8
"""How often an interval is halved, at most, until what is written is proved real on each part."""

METHODS = (Adam, AdamEpsInsideRoot, AdamW, AdamWithoutMomentum, NAdam, RMSprop)
MOST_ROWS = 2_000
MOST_BATCHES = 5_000
"""Ordered minibatches, each an atom of the law that Coq computes."""

Atoms = tuple[tuple[Fraction, Fraction], ...]
"""The law of a stochastic gradient: probabilities and values."""

BoundedAtoms = tuple[tuple[Fraction, Fraction, Fraction], ...]
"""The same with values between bounds: probabilities, lower and upper bounds."""


@dataclass(frozen=True)
class Setting:
    """A problem, a method and how its numbers enter, exactly.

    Attributes
    ----------
    names, columns
        Parameters and data columns.
    rows, probabilities
        The data.
    loss
        The loss of a row; None where the problem is a vector field.
    components
        The gradient of a row, by parameter.
    """

    names: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[Fraction, ...], ...]
    probabilities: tuple[Fraction, ...]
    loss: sp.Expr | None
    components: tuple[sp.Expr, ...]
    batch_size: int
    method: AdaptiveMethod

    @property
    def inside_root(self) -> bool:
        """Whether eps stands inside the root."""
        return isinstance(self.method, AdamEpsInsideRoot)

    @property
    def every_beta1(self) -> bool:
        """Whether a statement may hold for every beta1: a method without one has beta1 = 0."""
        return not isinstance(self.method, (RMSprop, AdamWithoutMomentum))

    @property
    def rational(self) -> bool:
        """Whether the loss and its gradient are rational expressions, whose values at rational points are exact."""
        return not any(functions(expression) for expression in self.expressions)

    @property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """The components of the gradient, and the loss if there is one."""
        return self.components if self.loss is None else (*self.components, self.loss)

    def gradients(self, theta: Sequence[Fraction], coordinate: int) -> Atoms:
        """Return the law of a component of one row's gradient; equal values stand as often as their rows do.

        Raises
        ------
        InputError
            Where a row's gradient is not defined.
        """
        exact = self._row_by_row(theta, coordinate, value)
        return tuple(zip(self.probabilities, exact, strict=True))

    def row_bounds(self, theta: Sequence[Fraction], coordinate: int) -> BoundedAtoms:
        """Return bounds of a component of each row's gradient, for expressions that are not rational.

        Raises
        ------
        InputError
            Where a row's gradient is not defined.
        """
        found = self._row_by_row(theta, coordinate, value_bounds)
        return tuple((p, low, high) for p, (low, high) in zip(self.probabilities, found, strict=True))

    def _row_by_row(
        self, theta: Sequence[Fraction], coordinate: int, of: Callable[[sp.Expr, dict[str, Fraction]], _Value]
    ) -> list[_Value]:
        point = dict(zip(self.names, theta, strict=True))
        found = []
        for number, row in enumerate(self.rows):
            try:
                found.append(of(self.components[coordinate], point | dict(zip(self.columns, row, strict=True))))
            except ZeroDivisionError:
                raise InputError(
                    f"--at: the gradient of row {number} is not defined there; take another point"
                ) from None
        return found

    def law(self, theta: Sequence[Fraction], coordinate: int) -> Atoms:
        """Return the law of a component of a minibatch's gradient, equal values together."""
        single = merged(self.gradients(theta, coordinate))
        total: Atoms = ((Fraction(1), Fraction(0)),)
        for _ in range(self.batch_size):
            total = merged(tuple((p * q, g + h) for (p, g), (q, h) in product(total, single)))
        return tuple((p, g / self.batch_size) for p, g in total)

    def law_bounds(self, theta: Sequence[Fraction], coordinate: int) -> BoundedAtoms:
        """Return bounds of a component of each minibatch's gradient."""
        single, size = self.row_bounds(theta, coordinate), self.batch_size
        total: BoundedAtoms = ((Fraction(1), Fraction(0), Fraction(0)),)
        for _ in range(size):
            total = tuple((p * q, a + c, b + d) for (p, a, b), (q, c, d) in product(single, total))
        return tuple((p, low / size, high / size) for p, low, high in total)


def merged(atoms: Atoms) -> Atoms:
    """Return the law with the probabilities of equal values added."""
    together: dict[Fraction, Fraction] = {}
    for probability, number in atoms:
        together[number] = together.get(number, Fraction(0)) + probability
    return tuple((probability, number) for number, probability in together.items())


def setting_of(source: StochasticGradient, method: Method) -> Setting:
    """Return the exact setting of a problem and a method.

    Raises
    ------
    NotApplicable
        If the library of Coq has no definition for them: a continuous law, an order of the rows, a method whose
        recursion is none of Adam's, an expression with other functions than Coq's library has, too many rows.
    """
    if type(method) not in METHODS or not isinstance(method, AdaptiveMethod):
        names = ", ".join(kind.__name__ for kind in METHODS)
        raise NotApplicable(f"adam.method: {type(method).__name__} is not defined in the Coq library; it has {names}")
    problem = require_expressions(source, _WHAT)
    law = problem.law
    if not isinstance(law, Empirical):
        raise NotApplicable("data: a statement for Coq needs finitely many rows")
    if problem.sampling != "replacement":
        raise NotApplicable(
            f"problem.sampling: {problem.sampling!r} is not defined in the Coq library; only independent rows are"
        )
    if not 0 < method.beta < 1:
        raise NotApplicable("adam.beta2: the Coq library has 0 < beta2 < 1")
    rows = len(law.exact_rows)
    if rows > MOST_ROWS:
        raise NotApplicable(f"data: {rows} rows; statements for Coq have at most {MOST_ROWS}")
    if problem.batch_size > 1 and rows**problem.batch_size > MOST_BATCHES:
        raise NotApplicable(
            f"problem.batch_size: {rows} rows give more than {MOST_BATCHES} minibatches of {problem.batch_size}; "
            "Coq would list them all"
        )
    loss = problem.loss if isinstance(problem, Problem) else None
    for expression in (*([] if loss is None else [loss]), *problem.gradient_expressions):
        require_elementary(expression, problem.place)
    if loss is not None:
        for expression in problem.gradient_expressions:
            require_comparable(loss, expression, problem.place)
    return Setting(
        problem.names,
        law.names,
        law.exact_rows,
        law.exact_probabilities,
        loss,
        problem.gradient_expressions,
        problem.batch_size,
        method,
    )


def exact_point(
    theta: Sequence[Number] | Mapping[str, Number], source: SymbolicGradient | Setting
) -> tuple[Fraction, ...]:
    """Return a point as exact fractions, one for each parameter; a float is the shortest decimal that prints it.

    Raises
    ------
    InputError
        If there are too many or too few numbers, or one is not finite.
    """
    numbers = [theta[name] for name in source.names] if isinstance(theta, Mapping) else list(theta)
    if len(numbers) != len(source.names):
        raise InputError(f"theta: {len(numbers)} numbers for {len(source.names)} parameters")
    return tuple(exact_rational(number, f"theta[{k}]") for k, number in enumerate(numbers))


def require_real(
    source: StochasticGradient, low: Sequence[Fraction], high: Sequence[Fraction], halvings: int = _HALVINGS
) -> None:
    """Prove that what the problem's file says is real and finite for every row, at all points between two.

    Coq has a number for 1/0, for the root and the logarithm of -1: a statement may be true there, of a component in
    which they do not stand, and the loss of the file has no value. It also knows the loss only as it was simplified.

    Raises
    ------
    DomainError
        If that is not proved; the message names the row and the condition.
    """
    problem = require_expressions(source, _WHAT)
    with flint.ctx.workprec(_DOMAIN_BITS):
        box = [ball(a) if a == b else ball(a).union(ball(b)) for a, b in zip(low, high, strict=True)]
        try:
            problem.require_domain(box)
            return
        except DomainError:
            if list(low) == list(high) or not halvings or problem.refute_domain(box):
                raise
    middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
    require_real(source, low, middle, halvings - 1)
    require_real(source, middle, high, halvings - 1)
