"""Slopes over intervals from values at nodes: they hold the slopes between these, and are far narrower than others."""

import flint
import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, Problem, certificate, certify_zeros_over, check_certificate
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.interpolated_slope import interpolated_slope
from adamsym.checker import between_nodes as checked_nodes
from adamsym.checker import pushes, zeros_over
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.balls import Balls
from adamsym.checker.form import form_of
from adamsym.continuation import cell_field
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import hulls
from adamsym.field.slopes import between_nodes
from adamsym.field.slopes.between_nodes import nodes_for

THREE = AdamField(
    Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, 125]}, ["0.307", "0.307", "0.386"])),
    Adam("9.99e-4", "1e-6", "1e-8"),
)
"""The law of three zeros, two of which vanish in a fold near theta = 0.008."""


def around(center, share):
    return np.array([[center * (1 - share), center * (1 + share)]])


def slopes_at(function, points):
    return [function.enclose([flint.arb(float(x))], True, 1e-15).jacobian[0][0] for x in points]


@settings(max_examples=4, phases=[Phase.generate])
@given(st.lists(st.integers(-6, 6), min_size=2, max_size=3, unique=True), st.integers(-30, 30), st.floats(0.02, 0.15))
def test_slopes_between_nodes_hold_those_at_points(rows, tenths, share):
    """Those of the maker and of the checker, in the same interval."""
    problem = Problem("(2*theta - x)**2/4 + theta/3", ["theta"], Empirical({"x": rows}))
    center, method = tenths / 10, Adam("0.2", "0.4", "0.01")
    reach = share * np.abs(problem.row_gradients([center])).min() / 2
    assume(reach > 1e-3)
    function, sides = FieldFunction(AdamField(problem, method)), np.array([[center - reach, center + reach]])
    with ball_arithmetic():
        found = interpolated_slope(function, sides, 1e-4, 1e-9)
        values = slopes_at(function, np.linspace(*sides[0], 3))
        assert all(found.contains(value) for value in values)
        middles = [float(value.mid()) for value in values]
    using, box = Balls(), [[float(x) for x in sides[0]]]
    with using.working():
        own = checked_nodes.slope_between(problem, form_of(using, method.laplace), box, using.number(1e-4), 1e-9)
        assert using.lower(own) <= min(middles)
        assert using.upper(own) >= max(middles)
        assert using.width(own) < 2 * float(found.rad()) + 1e-3


def test_they_are_far_narrower_next_to_a_fold():
    function = FieldFunction(THREE)
    with ball_arithmetic():
        sides = around(0.008, 0.15)
        plain = function.enclose(hulls(sides), True, 1e-9).jacobian[0][0]
        found = interpolated_slope(function, sides, 0.01, 1e-9)
        assert found.rad() < plain.rad() / 20
        assert all(found.contains(value) for value in slopes_at(function, np.linspace(*sides[0], 5)))


def test_where_a_gradient_vanishes_nearby_there_is_none():
    function = FieldFunction(THREE)
    with ball_arithmetic():
        assert interpolated_slope(function, around(0.008, 0.38), 10.0, 1e-9) is None
        assert interpolated_slope(function, np.array([[-0.01, 0.02]]), 10.0, 1e-9) is None
        # Gradients that are not affine, and more parameters, are not covered.
        bent = AdamField(Problem("(theta**2 - x)**2", ["theta"], Empirical({"x": [-1, -2]})), Adam())
        assert interpolated_slope(FieldFunction(bent), around(1.0, 0.01), 10.0, 1e-9) is None
        two = AdamField(Problem("(a - x)**2 + (b - x)**2", ["a", "b"], Empirical({"x": [1, 2]})), Adam())
        assert interpolated_slope(FieldFunction(two), np.array([[3.0, 3.1]] * 2), 10.0, 1e-9) is None


def test_means_of_minibatches_that_are_not_listed_are_not_covered():
    """Rows of both signs are far from 0, their means are not: between nodes F' may be as large as it likes."""
    rows = Empirical({"x": ["-1", "-1.3", "1.2", "1.1"]})
    problem, method = Problem("(theta - x)**2/2", ["theta"], rows, batch_size=10**9), Adam("0.5", "0.51", "1e-8")
    using, box = Balls(), [[-0.08, 0.11]]
    with using.working():
        form, theta = form_of(using, method.laplace), [using.number(0.5)]
        assert checked_nodes.slope_between(problem, form, box, using.number(2), 1e-9) is None
        for number in ("beta", "ratio", "eps"):
            with pytest.raises(NotCheckable, match="minibatches"):
                pushes.pushed(problem, form, theta, pushes.Parameter(number))
        # It jumps from 1 to -1 in a box of which nothing would be seen at the nodes.
        assert not zeros_over._is_free(problem, form, box, 0, None)


@pytest.mark.parametrize("number", [3, 5, 8])
def test_the_rest_covers_what_the_polynomial_errs_by(number):
    """1/(1 - z/R) has the poles of the worst: with it as F' the polynomial errs, and by no more than the rest."""
    with ball_arithmetic():
        radius, reach = flint.arb(1), flint.arb("0.6")
        # |1/(1 - z)| <= 1/(1 - S) in |z| <= S: it is as F' of an F that is at most 1.
        found = next(
            nodes for k in range(40) if (nodes := nodes_for(reach, radius, radius, 100 / 1.5**k)).number >= number
        )
        values = [1 / (1 - place) for place in found.places]
        hull = found.hull(values)
        exact = between_nodes.Nodes(reach, found.number, flint.arb(0)).hull(values)
        ends = [1 / (1 - x) for x in (-reach, reach)]
        assert all(hull.contains(value) for value in ends)
        assert hull.rad() - exact.rad() <= float(found.rest) * 1.01


def test_the_rest_covers_the_polynomial_that_no_node_sees(monkeypatch):
    """T_n vanishes at all n nodes; with its largest value on the ellipse as the bound there, it is within the rest."""
    monkeypatch.setattr(between_nodes, "_SHARES", (flint.arb("0.9"),))
    monkeypatch.setattr(checked_nodes, "_SHARES", (0.9,))
    rho, using = 3 + 8**0.5, Balls()

    def unseen(n):
        """T_n on [-1, 1], where F' is at most 1/(R - S) = 10/3 on the ellipse, S = 3."""
        return 10 / 3 / ((rho**n + rho**-n) / 2)

    for allowed in (1e-2, 1e-4, 1e-6):
        with ball_arithmetic():
            found = nodes_for(flint.arb(1), 10 / flint.arb(3), flint.arb(1), allowed)
            assert unseen(found.number) < float(found.rest) <= allowed
        with using.working():
            form, one = form_of(using, THREE.adam.laplace), using.number(1)
            number, rest = checked_nodes._nodes(form, one, 10 * one / 3, one, using.number(allowed))
            assert unseen(number) < float(rest) <= allowed


def test_what_is_unknown_at_nodes_is_unknown_between_them():
    """If F' is 0 up to 1 at each node, it may be 1 at all of them."""
    using, n = Balls(), 4
    with ball_arithmetic():
        hull = between_nodes.Nodes(flint.arb(1), n, flint.arb(0)).hull([flint.arb(0, 1)] * n)
        assert hull.contains(flint.arb(0, 1))
    with using.working():
        values = [using.around_zero(using.number(1))] * n
        own = checked_nodes._hull(using, checked_nodes._cosines(using, n), values, using.number(0))
        assert own.contains(flint.arb(0, 1))
        rows, places = checked_nodes._cosines(using, n), np.cos(np.pi * (2 * np.arange(n) + 1) / (2 * n))
        # The rest counts, and what is linear at the nodes goes from -1 to 1.
        assert checked_nodes._hull(using, rows, [using.number(0)] * n, using.number(1)).contains(flint.arb(0, 1))
        line = checked_nodes._hull(using, rows, [using.number(float(x)) for x in places], using.number(1e-9))
        assert 1 <= float(using.upper(line)) < 1 + 1e-6


def _polynomial(places, values, z):
    """The polynomial with these values, by Lagrange's formula."""
    total = 0.0
    for i, (x, y) in enumerate(zip(places, values, strict=True)):
        total += y * np.prod([(z - u) / (x - u) for j, u in enumerate(places) if j != i])
    return total


def test_nodes_are_those_of_chebyshev_and_the_rest_is_above_the_error():
    """The true error of the polynomial of F' is within the rest, and not far below it for an F' with a near pole."""
    function = FieldFunction(THREE)
    with ball_arithmetic():
        center, reach = 0.008, flint.arb("0.0012")
        nodes = nodes_for(reach, flint.arb("0.003"), flint.arb("3.6"), 5.0)
        places = [float(place.mid()) for place in nodes.places]
        values = [float(x.mid()) for x in slopes_at(function, center + np.array(places))]
        inside = np.linspace(-float(reach), float(reach), 9)
        exact = [float(x.mid()) for x in slopes_at(function, center + inside)]
    errors = [abs(_polynomial(places, values, z) - y) for z, y in zip(inside, exact, strict=True)]
    assert 0 < max(errors) < float(nodes.rest)
    assert np.allclose(
        sorted(places), np.sort(float(reach) * np.cos(np.pi * (2 * np.arange(len(places)) + 1) / (2 * len(places))))
    )


def test_signs_at_ends_and_where_the_slope_vanishes():
    cell = cell_field.CellField(FieldFunction(THREE))
    with ball_arithmetic():
        assert cell.may_cross(np.array([[0.018, 0.022]]))
        assert not cell.may_cross(np.array([[0.03, 0.04]]))
        # The slope vanishes between the zeros at .0031 and .0197: a secant comes nearer.
        point = np.array([0.0085])
        before = cell.enclose(np.stack([point, point], axis=1))
        near = cell.critical(point, before)
        after = cell.enclose(np.stack([near, near], axis=1))
        assert abs(float(after.jacobian[0][0].mid())) < abs(float(before.jacobian[0][0].mid())) / 2


@pytest.fixture(scope="module")
def beside_the_fold():
    return certify_zeros_over(THREE, {"beta1": ("9.46e-4", "9.48e-4")}, [[0.004, 0.016]], operations=1_000_000)


def test_next_to_a_fold_few_boxes_are_enough(beside_the_fold, monkeypatch):
    found = beside_the_fold
    assert found.shares == {2: 1.0}
    assert {found.stabilities(cell) for cell in found.cells} == {("repelling", "attracting")}
    # Without nodes it takes several times as many operations.
    monkeypatch.setattr(cell_field, "interpolated_slope", lambda *given: None)
    without = certify_zeros_over(THREE, {"beta1": ("9.46e-4", "9.48e-4")}, [[0.004, 0.016]])
    assert without.operations > 3 * found.operations


def test_the_checkers_slopes_are_those_of_the_field_in_question():
    using, box = Balls(), [[0.0158, 0.0162]]
    with using.working():
        allowed = using.number(0.02)
        one, other = (
            checked_nodes.slope_between(THREE.problem, form_of(using, method.laplace), box, allowed, 1e-9)
            for method in (THREE.adam, Adam("0", "1e-6", "1e-8"))
        )
        exact = float(THREE.jacobian([0.016])[0, 0])
        assert using.lower(one) <= exact <= using.upper(one)
        assert one > other or one < other


@pytest.mark.slow
def test_the_certificate_is_valid_and_needs_the_nodes(beside_the_fold, monkeypatch):
    content = certificate(beside_the_fold)
    assert check_certificate(content).valid
    assert check_certificate(content, slow=True, operations=10**10).valid
    monkeypatch.setattr("adamsym.checker.zeros_over.slope_between", lambda *given: None)
    assert not check_certificate(content, operations=10**8).valid
