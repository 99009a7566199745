"""The field's slope over an interval of its one parameter, from enclosures at points of it."""

import flint

from adamsym.certify.boxes import middle
from adamsym.certify.field_function import FieldFunction
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.work import spend
from adamsym.field.ball.law import BallLaw
from adamsym.field.slopes.between_nodes import nodes_for
from adamsym.field.slopes.second import bound_in_disc, reach_of


def interpolated_slope(
    function: FieldFunction, sides: FloatArray, allowed: float, tolerance: float
) -> flint.arb | None:
    """Return a ball around f' over an interval (1, 2) in which f is enclosed; None where no such ball is known.

    It is known for one parameter and gradients that are affine in it, where none of these vanishes nearby. What the
    polynomial between the nodes leaves open is at most ``allowed``. Call within ``ball_arithmetic()``.
    """
    if function.dimension != 1 or not function.is_affine:
        return None
    center = flint.arb(float(middle(sides)[0]))
    (law,) = function.at([center]).sloped_laws
    if not isinstance(law, BallLaw):
        return None
    spend(8 * len(law.atoms))
    reach = max((abs(flint.arb(float(end)) - center).upper() for end in sides[0]), key=float)
    radius = reach_of(law.atoms, law.slopes[0])
    if not (reach > 0 and radius > reach and radius.is_finite()):
        return None
    nodes = nodes_for(reach, radius, bound_in_disc(law, function.form), allowed)
    if nodes is None:
        return None
    points = [[center + place] for place in nodes.places]
    spend(2 * nodes.number**2)
    return nodes.hull([one.jacobian[0][0] for one in function.enclose_each(points, True, tolerance)])
