"""The contractors and the search for zeros know nothing of fields: zeros of a polynomial map are certified as well."""

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.certify import BoxFunction, certificate, find_zeros
from adamsym.certify.box_function import Undefined
from adamsym.expressions.errors import InputError
from adamsym.field.ball.enclosure import BoxEnclosure


class Circle(BoxFunction):
    """(x^2 + y^2 - 1, y - slope x): it vanishes at (1, slope)/sqrt(1 + slope^2) and at the opposite point."""

    dimension = 2

    def __init__(self, slope):
        self.slope = slope

    def enclose(self, theta, slopes, tolerance):
        x, y = theta
        value = [x**2 + y**2 - 1, y - self.slope * x]
        return BoxEnclosure(value, [[2 * x, 2 * y], [flint.arb(-self.slope), flint.arb(1)]] if slopes else [])


@settings(max_examples=4, deadline=None)
@given(st.floats(-4, 4))
def test_the_zeros_of_a_polynomial_map(slope):
    found = find_zeros(Circle(slope), [[-1.3, 1.2], [-1.1, 1.4]])
    assert found.complete, slope
    expected = np.array([1, slope]) / np.hypot(1, slope)
    left, right = (zero.box for zero in found.zeros)  # Ordered by x.
    for box, point in ((left, -expected), (right, expected)):
        # numpy's root and division are within an ulp of the truth.
        assert (box[:, 0] <= point + 1e-15).all()
        assert (point - 1e-15 <= box[:, 1]).all()
        assert (np.ptp(box, axis=1) <= 1e-10).all()
    assert {outcome.by for _, outcome in found.leaves} == {"direction", "zero"}
    assert [zero.stability for zero in found.zeros] == [
        stability(np.array([[2 * x, 2 * y], [-slope, 1]])) for x, y in (zero.midpoint for zero in found.zeros)
    ]
    assert all(zero.critical_point is None and zero.gradient is None for zero in found.zeros)


def stability(jacobian):
    parts = np.linalg.eigvals(jacobian).real
    return "attracting" if (parts < 0).all() else "repelling" if (parts > 0).all() else "saddle"


def test_where_there_is_no_zero_none_is_found():
    found = find_zeros(Circle(0.5), [[-0.8, 0.8], [-1.1, 1.4]])
    assert found.complete
    assert found.zeros == ()
    none = find_zeros(Circle(0.5), [[1.1, 2], [-1, 1]])
    assert none.complete
    assert none.zeros == ()


class Tangent(Circle):
    """(x^2 + y^2 - 1, y - 1): a double zero at (0, 1)."""

    def __init__(self):
        super().__init__(0)

    def enclose(self, theta, slopes, tolerance):
        found = super().enclose(theta, slopes, tolerance)
        return BoxEnclosure([found.value[0], found.value[1] - 1], found.jacobian)

    def vanishes(self, point):
        return point == (0, 1)


def test_a_double_zero_is_one_cluster_of_a_zero_known_exactly():
    found = find_zeros(Tangent(), [[-1.5, 1.4], [0.3, 1.6]], budget=60)
    assert not found.complete
    assert found.zeros == ()
    [cluster] = [cluster for cluster in found.clusters if cluster.holds_zero]
    assert (cluster.by, cluster.point) == ("point", (0, 1))


class HalfPlane(Circle):
    """The same where x > 0 alone."""

    def enclose(self, theta, slopes, tolerance):
        if not theta[0] > 0:
            raise Undefined("x must be positive")
        return super().enclose(theta, slopes, tolerance)

    def undefined(self, theta):
        return "x is at most 0" if theta[0] <= 0 else None


def test_the_domain_is_kept():
    found = find_zeros(HalfPlane(0.5), [[-1.3, 1.2], [-1.1, 1.4]], budget=60)
    [zero] = found.zeros
    assert zero.midpoint[0] == pytest.approx(2 / 5**0.5)
    assert all(box[0][0] > 0 for box, outcome in found.leaves if outcome.by != "undecided")
    assert {outcome.reason for _, outcome in found.leaves if outcome.by == "undecided"} <= {
        "x must be positive",
        "the budget was spent before it was examined",
    }
    with pytest.raises(InputError, match="box: x is at most 0; take another box"):
        find_zeros(HalfPlane(0.5), [[-1, -0.5], [0, 1]])


def test_what_needs_a_problem_says_so(tmp_path):
    found = find_zeros(Circle(0.5), [[1.1, 2], [-1, 1]])
    with pytest.raises(InputError, match="AdamField"):
        certificate(found)
    with pytest.raises(InputError, match="journal: Circle has no identity"):
        find_zeros(Circle(0.5), [[1.1, 2], [-1, 1]], journal=tmp_path / "journal")
    with pytest.raises(InputError, match="field: 3 is not allowed; allowed is an AdamField or a BoxFunction"):
        find_zeros(3, [[0, 1]])
