"""What is so small that nothing is compiled for it: loops take a quarter of a minute to compile, once on a machine.

Arrays and balls, which compile nothing, are slower for each value: here it is decided, for all commands alike, up to
where they are taken. The costs are CPU microseconds on one machine, rounded; only their proportions matter.
"""

from adamsym.gradients import Empirical, StochasticGradient
from adamsym.methods import Method

MOST = 2_500_000
"""Work that is done without compiling: more would be a nuisance where the loops are compiled already."""

LAW, ATOM = 400, 2
"""Of one coordinate of a value by arrays, and for each atom of its law."""

BALL = 125
"""Of a gradient or a derivative of a row in balls, with its part in the enclosure."""

_OTHER_ATOMS = 2**12
"""Nodes of a continuous law's rules, about."""


def is_small(problem: StochasticGradient, method: Method, *, values: int = 0, boxes: int = 0) -> bool:
    """Return whether so many values of the field by arrays, and enclosures in balls, cost less than compiling loops.

    Parameters
    ----------
    problem, method
        Those of the field.
    values
        Values of the field, with ``backend="numpy"``; some of them may be Jacobians.
    boxes
        Enclosures of the field and its Jacobian; of continuous data there are no loops in their place.

    Returns
    -------
    bool
        False also where arrays have no part: for rows drawn in epochs, minibatches that are too many to be listed, and
        methods without a Laplace form.
    """
    law, d = problem.law, problem.dimension
    listed = isinstance(law, Empirical)
    if (
        problem.sampling != "replacement"
        or method.laplace is None
        or (values and listed and not problem.lists_batches())
    ):
        return False
    if boxes and not listed:
        return False
    cost = values * d * (LAW + ATOM * (_atoms(problem) if values else 0))
    return cost + (boxes * BALL * len(law.rows) * d * (1 + d) if isinstance(law, Empirical) else 0) <= MOST


def _atoms(problem: StochasticGradient) -> int:
    return len(problem.batches()[1]) if isinstance(problem.law, Empirical) else _OTHER_ATOMS
