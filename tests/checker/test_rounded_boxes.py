"""What is asserted of a box is proven of the box itself, though a ball around it is wider: here much wider."""

import pytest
from arithmetics import BALLS
from bases import base
from flint import arb

from adamsym.checker.balls import Balls
from adamsym.checker.form import form_of
from adamsym.checker.zeros import maps_inside, sides

PLAIN = Balls.between


def doubled(self, low, high):
    """A ball of twice the radius."""
    found = PLAIN(self, low, high)
    return arb(found.mid(), 2 * found.rad()) if found.is_finite() else found


@pytest.mark.parametrize("between", [PLAIN, doubled])
@pytest.mark.parametrize(("share", "holds"), [(0, True), (0.3, True), (0.6, False), (-0.6, False), (0.9, False)])
def test_a_zero_lies_in_its_box_itself(monkeypatch, between, share, holds):
    """Half a width from the middle is the box's end; the ball of twice the radius reaches on."""
    known = base("attracting")
    zero, problem = known.content["zeros"][0], known.field.problem
    ((low, high),) = zero["box"]
    box = [[low + share * (high - low), high + share * (high - low)]]
    with BALLS.working():
        form = form_of(BALLS, known.field.adam.laplace)
        monkeypatch.setattr(Balls, "between", between)
        assert maps_inside(problem, form, box, zero["preconditioner"]) == holds
        # The control: the ball holds the zero all the same.
        assert (sides(BALLS, box)[0].contains(arb(known.zeros[0].point[0]))) == (holds or between is doubled)
