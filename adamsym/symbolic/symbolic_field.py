"""The Adam field of a problem in SymPy: series, Laplace form, limits, expansion near beta = 1, Lyapunov derivative."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import mpmath
import sympy as sp

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import compile_mpmath
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.precision import decimal_digits
from adamsym.gradients import Problem
from adamsym.gradients.sampling import require_replacement
from adamsym.methods import Method, require_laplace
from adamsym.methods.kernels import RootPlusEps
from adamsym.symbolic.expansion import expansion_coefficients, generic_expansion, kernel_values, mean, second_moment
from adamsym.symbolic.expectation import expectation
from adamsym.symbolic.laplace import Laplace, laplace
from adamsym.symbolic.lyapunov import LyapunovDerivative, lyapunov_derivative
from adamsym.symbolic.method import SymbolicMethod, decay, symbolic_method
from adamsym.symbolic.moments import moment_expressions, moment_numbers
from adamsym.symbolic.stationary_moments import mean_quotient
from adamsym.symbolic.symbols import alpha, epsilon, eta, phi


class SymbolicField:
    """The field f = -F of a problem in the paper's symbols; ``values`` maps them to the optimizer's exact numbers.

    Parameters
    ----------
    problem, adam
        What is optimised and by what.

    Examples
    --------
    >>> from adamsym import Adam, Empirical, Problem
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [-1, 1]}))
    >>> SymbolicField(problem, Adam()).limits["beta -> 1"]
    (theta/(epsilon + sqrt((theta - 1)**2/2 + (theta + 1)**2/2)),)
    """

    @checked_arguments
    def __init__(self, problem: Problem, adam: Method) -> None:
        require_replacement(problem.sampling, "a symbolic form of the field")
        self.problem = problem
        self.adam = adam
        self.method = symbolic_method(adam)
        self.values: dict[sp.Symbol, sp.Rational] = {letter: x for letter, x in self.method.values if letter != decay}

    @property
    def _own(self) -> SymbolicMethod | None:
        """The method, where it is not Adam's field up to decay."""
        return None if self.method.is_adam else self.method

    @property
    def series(self) -> sp.Expr:
        """F = E[M phi(V)] as stationary series in the gradients g_0, g_1, ... of one coordinate; for Adam
        phi(V) = 1/(sqrt(V) + epsilon)."""
        return mean_quotient(self._own)

    @cached_property
    def laplace(self) -> Laplace:
        """The Laplace form (theory T4): rho, and A, B per coordinate."""
        return laplace(self.problem, self._own)

    @cached_property
    def limits(self) -> dict[str, tuple[sp.Expr, ...]]:
        """Limits of F (theory T9), one expression per coordinate, by name.

        ``beta -> 1`` at fixed lag weights; ``alpha = beta = 0``; ``epsilon -> oo`` of F/phi(0), for Adam epsilon F;
        ``deterministic``: every stochastic gradient replaced by its mean. Of lag weights in numbers, ``alpha = beta =
        0`` is the field of the newest gradient alone, with the weight c_0.
        """
        each = [self.coordinate_limits(i) for i in range(self.problem.dimension)]
        return {name: tuple(limits[name] for limits in each) for name in each[0]}

    def coordinate_limits(self, coordinate: int) -> dict[str, sp.Expr]:
        """Return the limits of one coordinate of F, by the names in ``limits``."""
        mean_gradient = expectation(self.problem, coordinate, lambda g: g)
        square = expectation(self.problem, coordinate, lambda g: g**2)
        if self._own is not None:
            return self._own_limits(coordinate, mean_gradient, square, self._own)
        return {
            "beta -> 1": mean_gradient * phi(square),
            "alpha = beta = 0": expectation(self.problem, coordinate, _of_newest),
            "epsilon -> oo": mean_gradient,
            "deterministic": mean_gradient / (sp.Abs(mean_gradient) + epsilon),
        }

    def _own_limits(
        self, coordinate: int, mean_gradient: sp.Expr, square: sp.Expr, method: SymbolicMethod
    ) -> dict[str, sp.Expr]:
        newest = sp.cancel(method.weight(0).subs(alpha, 0))
        return {
            "beta -> 1": method.total * mean_gradient * method.phi(square),
            "alpha = beta = 0": expectation(self.problem, coordinate, lambda g: newest * g * method.phi(g**2)),
            "epsilon -> oo": method.total * mean_gradient,
            "deterministic": method.total * mean_gradient * method.phi(mean_gradient**2),
        }

    def expansion(self, order: int) -> "Expansion":
        """Return the expansion of F in eta = 1 - beta at fixed alpha, up to eta**order (T7, N-section 2(a)).

        Raises
        ------
        InputError
            If the order is not 0, 1, 2, 3 or 4.
        """
        return Expansion(self.problem, self.adam, order, expansion_coefficients(order, self._own), self._own)

    @cached_property
    def lyapunov_derivative(self) -> LyapunovDerivative:
        """The derivative of the mean loss along the flow, and its bound near interpolation (theory T6)."""
        form = require_laplace(self.adam, "the bound of T6")
        is_mean = form.weights.total == 1 and form.weights.nonnegative
        if not (is_mean and form.decay == 0 and isinstance(form.kernel, RootPlusEps)):
            raise NotApplicable(
                "adam: the bound of T6 is derived for the denominator sqrt(v) + eps, a mean of gradients and no decay"
            )
        return lyapunov_derivative(self.problem, self._own)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle f = -{sp.latex(self.series)}$"


# The small law of the checks has atoms of the problem, and the sign of a long sum takes long to ask.
@lru_cache(maxsize=64)
def _of_newest(g: sp.Expr) -> sp.Expr:
    return g / (sp.Abs(g) + epsilon)


@dataclass(frozen=True, eq=False)
class Expansion:
    """F up to eta**order: ``coefficients`` in the symbols of the moments and of the kernel's derivatives at S."""

    problem: Problem
    adam: Method
    order: int
    coefficients: tuple[sp.Expr, ...]
    method: SymbolicMethod | None = None

    @property
    def generic(self) -> sp.Expr:
        """The sum of coefficients times powers of eta, for any law."""
        return generic_expansion(self.order, self.method)

    @cached_property
    def moments(self) -> tuple[dict[sp.Symbol, sp.Expr], ...]:
        """Per coordinate the problem's moments by letter, as expressions in the parameters, m and S."""
        return tuple(moment_expressions(self.problem, i, self.order) for i in range(self.problem.dimension))

    def explicit(self, coordinate: int = 0) -> sp.Expr:
        """Return F of one coordinate in the parameters, alpha, epsilon and eta."""
        values = self.moments[coordinate]
        centre = {mean: values[mean], second_moment: values[second_moment]}
        full = self.generic.xreplace(kernel_values(2 * self.order, self.method))
        return full.xreplace({letter: value.xreplace(centre) for letter, value in values.items()})

    def evaluate(self, theta: Sequence[Any], adam: Method | None = None, digits: int = 30) -> list[Any]:
        """Return the expansion of F at ``theta`` (d numbers) as d mpmath numbers.

        Parameters
        ----------
        theta
            Numbers, taken as they are.
        adam
            Another optimizer of the same class, for its alpha, beta and epsilon; the field's own if omitted.
        digits
            Working precision; a continuous law gives about 12 digits, fewer if high moments sit in its tails.

        Raises
        ------
        InputError
            If the number of parameters is wrong or every gradient of a coordinate vanishes, where S = 0.
        """
        if len(theta) != self.problem.dimension:
            raise InputError(f"theta: {len(theta)} numbers; the problem has {self.problem.dimension} parameters")
        values = dict(symbolic_method(adam or self.adam).values)
        values.setdefault(alpha, sp.S.Zero)
        full = self.generic.xreplace(kernel_values(2 * self.order, self.method))
        with decimal_digits(digits + 15):
            numbers = moment_numbers(self.problem, theta, self.order)
            if any(moments[second_moment] <= 0 for moments in numbers):
                raise InputError("theta: a gradient vanishes at every data row; the expansion needs E g**2 > 0")
            symbols = [*numbers[0], alpha, epsilon, eta]
            fixed = [mpmath.mpf(values[x].p) / values[x].q for x in (alpha, epsilon, eta)]
            compiled = compile_mpmath(symbols, [full])
            return [compiled(*moments.values(), *fixed)[0] for moments in numbers]
