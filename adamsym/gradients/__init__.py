"""What is optimised: sources of stochastic gradients, laws of the data, a library of losses, problem files."""

from adamsym.gradients.continuous import Independent
from adamsym.gradients.coordinate_laws import CoordinateLaws
from adamsym.gradients.laws import Empirical, Law
from adamsym.gradients.per_row import PerRowGradients
from adamsym.gradients.problem import Problem
from adamsym.gradients.source import StochasticGradient
from adamsym.gradients.symbolic import SymbolicGradient
from adamsym.gradients.vector_field import VectorField

__all__ = [
    "CoordinateLaws",
    "Empirical",
    "Independent",
    "Law",
    "PerRowGradients",
    "Problem",
    "StochasticGradient",
    "SymbolicGradient",
    "VectorField",
]
