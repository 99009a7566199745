"""What a result in time is about: its pictures take their title and the names of the parameters from it."""

from dataclasses import dataclass

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
