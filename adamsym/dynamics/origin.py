"""What a result in time is about: its pictures take their title and the names of the parameters from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from adamsym.expressions.columns import plain_names
from adamsym.expressions.results import own_names
from adamsym.gradients import StochasticGradient
from adamsym.methods import Method


@dataclass(frozen=True)
class Origin:
    """Whose gradients, and which optimizer's moves.

    Attributes
    ----------
    problem, method
        The source of the gradients, and the optimizer.
    """

    problem: StochasticGradient
    method: Method

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(self.problem.names)


def names_in_columns(
    names: Sequence[str] | None, origin: Origin | None, dimension: int, taken: Sequence[str]
) -> list[str]:
    """Return the columns' names of parameters: those given, else those of the problem; errors as of ``own_names``."""
    return own_names(names, plain_names(dimension) if origin is None else origin.names, taken)
