"""What is optimised: problems, laws of the data, a library of losses, problem files."""

from adamsym.problem.continuous import Independent
from adamsym.problem.laws import Empirical, Law
from adamsym.problem.problem import Problem

__all__ = ["Empirical", "Independent", "Law", "Problem"]
