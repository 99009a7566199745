"""What is optimised: problems, laws of the data, a library of losses, problem files."""

from adamsym.gradients.continuous import Independent
from adamsym.gradients.laws import Empirical, Law
from adamsym.gradients.problem import Problem

__all__ = ["Empirical", "Independent", "Law", "Problem"]
