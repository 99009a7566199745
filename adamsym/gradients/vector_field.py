"""A stochastic vector field that need not be the gradient of a loss: games, fixed-point iterations."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from adamsym.expressions.arguments import shown
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.domain import Condition
from adamsym.expressions.errors import InputError
from adamsym.expressions.parser import LONGEST_TEXT, parse_with_domain
from adamsym.expressions.pickling import shared_property
from adamsym.expressions.second_derivatives import compile_jacobian
from adamsym.expressions.signatures import readably
from adamsym.expressions.sizes import check_derivative_size, first_derivatives
from adamsym.expressions.writing import source_text
from adamsym.gradients.laws import Law
from adamsym.gradients.problem import Problem
from adamsym.gradients.symbolic import SymbolicGradient

LONGEST_FIELD = 10 * LONGEST_TEXT
"""Characters of all components together."""

_SWITCHING = (sp.Abs, sp.Max, sp.Min)


class VectorField(SymbolicGradient):
    """A stochastic vector G(theta, x) that takes the place of a gradient: the method moves against it.

    Its Jacobian in theta need not be symmetric, so that there need not be a loss: G may hold the gradients of several
    players of a game, each in the parameters of its own, or theta minus a map whose fixed points are sought.

    Parameters
    ----------
    field
        The components of G for one row, one for each parameter in order; each as :class:`Problem` takes a loss.
    parameters, law, batch_size, sampling, drop_last
        As of :class:`Problem`.
    lyapunov
        A smooth function of the parameters, and of data columns over which its mean is taken, that is to be shown to
        decrease along the flow (:func:`adamsym.certify_lyapunov`); as a loss is written.

    Raises
    ------
    InputError
        For malformed components or not one for each parameter, clashing or bad names, a component that is 0 everywhere,
        or one that is not real and finite at a data row whatever the parameters.

    Attributes
    ----------
    texts, lyapunov_text
        The components as written, and the Lyapunov function, or None.

    Examples
    --------
    A damped game: x minimises, and y maximises, x*y + x**2/2 - y**2/2, with noise in x's gradient.

    >>> from adamsym import Empirical
    >>> game = VectorField(["x + y + z", "y - x"], ["x", "y"], Empirical({"z": [-1, 1]}))
    >>> game.gradient([2.0, 1.0])
    array([ 3., -1.])
    """

    place = "problem.field"
    component = "the field"
    is_symmetric = False

    @readably
    def __init__(
        self,
        field: Sequence[str | sp.Expr],
        parameters: Sequence[str] | Mapping[str, int],
        law: Law | Mapping[str, Any],
        batch_size: int = 1,
        lyapunov: str | sp.Expr | None = None,
        sampling: str = "replacement",
        drop_last: bool = False,
    ) -> None:
        super().__init__(parameters, law, batch_size, sampling, drop_last)
        components = _listed(field)
        if len(components) != self.dimension:
            raise InputError(
                f"problem.field: {len(components)} components for {self.dimension} parameters; give one for each, in "
                f"the order {', '.join(self.names[:6])}{', ...' if self.dimension > 6 else ''}"
            )
        if sum(len(one) for one in components if isinstance(one, str)) > LONGEST_FIELD:
            raise InputError(f"problem.field: more than {LONGEST_FIELD} characters in all")
        symbols = {symbol.name: symbol for symbol in self._symbols}
        texts, expressions, domain = [], [], dict[Condition, None]()
        for k, component in enumerate(components):
            place = f"{self.place}[{k}]"
            texts.append(source_text(component, symbols, place))
            expression, conditions = parse_with_domain(texts[k], symbols, place)
            if expression == 0:
                raise InputError(f"{place}: 0 everywhere; nothing would move {self.names[k]}")
            expressions.append(expression)
            domain |= dict.fromkeys(conditions)
        self.texts: tuple[str, ...] = tuple(texts)
        self._complete(tuple(expressions), tuple(domain))
        self.lyapunov_text: str | None = None
        if lyapunov is not None:
            self.lyapunov_text = lyapunov_function(lyapunov, self.names, self.law).text

    def __repr__(self) -> str:
        """Python that makes this field again."""
        lyapunov = f", lyapunov={self.lyapunov_text!r}" if self.lyapunov_text is not None else ""
        return f"VectorField({list(self.texts)!r}, {list(self.names)!r}, {self.law!r}{self._minibatches}{lyapunov})"

    @property
    def written(self) -> tuple[sp.Expr, ...]:
        """The components."""
        return self.gradient_expressions

    @shared_property
    def jacobian_expressions(self) -> tuple[sp.Expr, ...]:
        """The d x d derivatives of the components, row by row; away from kinks."""
        entries = [
            entry
            for k, component in enumerate(self.gradient_expressions)
            for entry in first_derivatives(component, self.parameters, f"{self.place}[{k}]")
        ]
        if any(entry.has(sp.Derivative, sp.Subs, sp.re, sp.im, sp.I) for entry in entries):
            raise InputError(f"{self.place}: its derivatives are not real-valued; keep roots and logs real")
        return tuple(entries)

    @shared_property
    def _float_jacobian(self) -> Callable[..., FloatArray]:
        for k, component in enumerate(self.gradient_expressions):
            check_derivative_size(component, self.parameters, f"{self.place}[{k}]")
        return compile_jacobian(self._symbols, self.gradient_expressions, self.parameters, symmetric=False)

    @shared_property
    def is_smooth(self) -> bool:
        """Whether the components have no Abs, Max or Min that could switch as the parameters move."""
        moving = set(self.parameters)
        return not any(
            atom.free_symbols & moving for one in self.gradient_expressions for atom in one.atoms(*_SWITCHING)
        )


class _Potential(Problem):
    """A function of the user whose decrease is to be proven, as the loss of a problem."""

    place = "problem.lyapunov"
    what = "the function"


def lyapunov_function(text: str | sp.Expr, names: Sequence[str], law: Law) -> Problem:
    """Return a Lyapunov function, or the mean of one over the data, as the loss of a problem.

    Raises
    ------
    InputError
        If it is malformed, depends not on all parameters, or has kinks.
    """
    found = _Potential(text, names, law)
    if not found.is_smooth:
        raise InputError("problem.lyapunov: Abs, Max and Min are not allowed; give a smooth function")
    return found


def _listed(field: Any) -> list[Any]:
    # Not whatever can be iterated: a data frame would give the names of its columns.
    if isinstance(field, (list, tuple, sp.MatrixBase, sp.Tuple)):
        return list(field)
    if isinstance(field, np.ndarray) and field.ndim == 1:
        return list(field.tolist())
    raise InputError(
        f'problem.field: {shown(field)} is not allowed; give the list of its components, such as ["x + y", "y - x"]'
    )
