"""Multiple zeros come as one box, said to hold at least one zero where that is proven, and not otherwise."""

import copy
import json
from fractions import Fraction
from pathlib import Path

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.certificates.form import digest_of
from adamsym.certify import BoxFunction, certificate, find_zeros
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.zeros.clusters import clusters_of, groups_of
from adamsym.certify.zeros.winding import winding_number
from adamsym.checker import check_certificate
from adamsym.checker.winding import winds
from adamsym.field import AdamField
from adamsym.field.ball.enclosure import BoxEnclosure, hulls
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.reading import read_problem
from adamsym.methods import Adam

CASES = Path(__file__).parents[1] / "cases"
QUICK = Adam("0.5", "0.9", "0.1")


def of(loss, names=("t",), rows=(1,)):
    return AdamField(Problem(loss, list(names), Empirical({"x": list(rows)})), QUICK)


CUBE = of("x*t**4/4")
"""f = -t^3 up to a positive factor: a triple zero."""

IRRATIONAL = of("x*(t - sqrt(2)/10)**4/4")
SQUARE = of("x*(t - sqrt(2)/10)**3/3")
"""A double zero at an irrational point, where f does not change its sign."""

PLANE = of("x*(a**4/4 + a**2*b**2 + (b - sqrt(2)/10)**4/4)", ("a", "b"))


def written(found):
    return json.loads(json.dumps(certificate(found), allow_nan=False))


def reason(content, change):
    changed = copy.deepcopy(content)
    change(changed)
    changed["digest"] = digest_of(changed)
    result = check_certificate(changed)
    assert not result.valid
    return result.reason


def test_a_double_zero_of_the_default_adam():
    file = read_problem(CASES / "double_root.toml")
    found = find_zeros(AdamField(file.problem, file.adam), [[-1, 1]])
    [cluster] = found.clusters
    assert cluster.by == "point"
    assert cluster.point == (0,)
    assert check_certificate(written(found)).valid


@pytest.mark.parametrize(
    ("field", "truth", "by"),
    [
        (of("x*t**3/3"), 0, "point"),
        (of("x*(t - 1/3)**4/4"), Fraction(1, 3), "point"),
        (IRRATIONAL, 2**0.5 / 10, "faces"),
        (SQUARE, 2**0.5 / 10, "undecided"),
    ],
    ids=["double", "rational", "sign change", "no sign change"],
)
def test_a_multiple_zero_is_one_box(field, truth, by):
    found = find_zeros(field, [[-1, 1.1]])
    assert not found.complete
    assert found.zeros == ()
    [cluster] = found.clusters
    assert cluster.by == by
    assert cluster.holds_zero == (by != "undecided")
    assert cluster.box[0, 0] < truth < cluster.box[0, 1]
    assert np.ptp(cluster.box) < 1e-10
    assert cluster.leaves == len(found.undecided)
    assert check_certificate(written(found)).valid


@pytest.fixture(scope="module")
def plane():
    return find_zeros(PLANE, [[-0.1, 0.13], [0.1, 0.2]], budget=40)


def test_a_multiple_zero_in_the_plane(plane):
    [cluster] = plane.clusters
    # Its faces show one zero at least; that there are no more is not said.
    assert cluster.by == "faces"
    assert cluster.preconditioner.shape == (2, 2)
    assert check_certificate(written(plane)).valid


U = "(a - sqrt(2)/10)"


@pytest.mark.parametrize(
    ("loss", "by"),
    [
        (f"x*({U}**3/3 - {U}*b**2)", "turns"),
        pytest.param(f"x*({U}**3/3 - {U}*b**2 + b**2*{U}**2)", "turns", marks=pytest.mark.slow),
        (f"x*({U}**3/3 + b**2/2)", "undecided"),
        (f"x*({U}**3/3 + b**2/2 + {U}/10**6)", "undecided"),
    ],
    ids=["monkey saddle", "bent", "two that cancel", "next to none"],
)
def test_f_turns_around_a_multiple_zero(loss, by):
    """Around a monkey saddle f turns twice, which no linear map of it makes signs on faces of."""
    found = find_zeros(of(loss, ("a", "b")), [[-0.2, 0.45], [-0.3, 0.35]], budget=20)
    assert not any(cluster.holds_zero and cluster.by != by for cluster in found.clusters)
    if by == "turns":
        [cluster] = found.clusters
        assert cluster.by == by
        content = written(found)
        assert check_certificate(content).valid
        assert "name" in reason(content, lambda c: c["clusters"][0].update(by="faces"))

        def elsewhere(c):
            c["problem"]["loss"] = c["problem"]["loss"] + " + a*x"

        assert "edges" in reason(content, elsewhere) or "sign" in reason(content, elsewhere)


@given(st.integers(-3, 3), st.integers(-9, 9), st.integers(-9, 9), st.floats(0.2, 2), st.floats(0.2, 2))
@settings(max_examples=20)
def test_powers_turn_as_often_as_they_say(power, right, up, width, height):
    """z^n, or the conjugate's, around a box that holds 0 or not."""

    class Power(BoxFunction):
        dimension = 2

        def enclose(self, theta, slopes, tolerance):
            z = flint.acb(theta[0], theta[1] if power > 0 else -theta[1])
            value = z ** abs(power)
            return BoxEnclosure([value.real, value.imag], [])

    sides = np.array([[right / 4 - width, right / 4 + width], [up / 4 - height, up / 4 + height]])
    holds = (sides[:, 0] < 0).all() and (sides[:, 1] > 0).all()
    found = winding_number(Power(), sides, 1e-12)
    assert found in ({power, 0} if holds else {0})
    if holds and np.abs(sides).min() > 0.1:
        assert found == power
        assert winds(lambda box: Power().enclose(hulls(np.array(box)), False, 0).value, sides.tolist()) == (power != 0)


def test_what_is_undecided_for_lack_of_budget_may_be_proven_to_hold_a_zero():
    found = find_zeros(IRRATIONAL, [[-1, 1.1]], budget=1)
    [cluster] = found.clusters
    assert cluster.by == "faces"
    none = find_zeros(IRRATIONAL, [[0.15, 1.1]], budget=1)
    assert not any(cluster.holds_zero for cluster in none.clusters)


def test_zeros_that_are_listed_are_not_announced_again():
    """t^3 - t: what is left next to the zeros listed is not said to hold one, though a face test would say so."""
    box = ((-1.5, 1.6),)
    field = of("x*(t**4/4 - t**2/2)")
    [alone] = clusters_of(FieldFunction(field), [(box, "left")], [])
    assert alone.holds_zero
    [beside] = clusters_of(FieldFunction(field), [(box, "left")], [np.array([[-1.1, -0.9]])])
    assert not beside.holds_zero


def test_a_curve_of_minima_is_one_cluster_that_holds_zeros():
    curve = of("(a*b*x - x)**4", ("a", "b"), (1, 2))
    found = find_zeros(curve, [[0.5, 2], [0.5, 2]], budget=60)
    [cluster] = found.clusters
    assert cluster.by == "point"
    a, b = cluster.point
    assert a * b == 1
    assert check_certificate(written(found)).valid


def test_false_clusters_are_refused():
    content = written(find_zeros(CUBE, [[-1, 1.1]], budget=40))
    [cluster] = content["clusters"]
    assert cluster["by"] == "point"
    assert check_certificate(content).valid

    def first(c):
        return c["clusters"][0]

    assert "rows' gradients" in reason(content, lambda c: first(c).update(point=["1/1000"]))
    assert "not in it" in reason(content, lambda c: first(c).update(point=["1000"]))
    assert "needs" in reason(content, lambda c: first(c).update(point=None))
    assert "needs" in reason(content, lambda c: first(c).update(by="undecided"))
    assert "no cluster" in reason(content, lambda c: c.update(clusters=[]))
    assert "meet" in reason(content, lambda c: c.update(clusters=c["clusters"] * 2))
    assert "no undecided box" in reason(
        content,
        lambda c: c["clusters"].append({"box": [[0.9, 1.0]], "by": "undecided", "point": None, "preconditioner": None}),
    )
    assert "not lie in the box" in reason(content, lambda c: first(c).update(box=[[-1.5, 1.5]]))
    faces = {"by": "faces", "point": None}
    # f falls: Y = -1 is right, Y = 1 and a matrix that is not invertible are wrong.
    true = copy.deepcopy(content)
    true["clusters"][0].update(faces, preconditioner=[[-1.0]])
    assert check_certificate(true, digest=False).valid
    for matrix in ([[1.0]], [[0.0]], [[]], [[-1.0, 0.0]]):
        assert "signs" in reason(content, lambda c, m=matrix: first(c).update(faces, preconditioner=m))
    square = written(find_zeros(SQUARE, [[-1, 1.1]], budget=40))
    for y in (-1.0, 1.0):
        assert "signs" in reason(square, lambda c, y=y: first(c).update(faces, preconditioner=[[y]]))


@pytest.mark.parametrize("false", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in (1, 2, 3))])
def test_signs_on_faces_need_both_coordinates(plane, false):
    content = written(plane)
    [cluster] = content["clusters"]
    assert cluster["by"] == "faces"
    first, second = cluster["preconditioner"]
    matrix = ([first, first], [second, second], [second, first], [first, [-y for y in second]])[false]
    assert "signs" in reason(content, lambda c: c["clusters"][0].update(preconditioner=matrix))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=15))
def test_groups_do_not_touch_and_hold_all(corners):
    boxes = [np.array([[a, a + w], [b, b + w]], dtype=float) for a, b, w in corners]
    groups = groups_of(boxes)
    assert sorted(number for group in groups for number in group) == list(range(len(boxes)))
    hulls = []
    for group in groups:
        sides = np.array([boxes[number] for number in group])
        hulls.append((sides[..., 0].min(axis=0), sides[..., 1].max(axis=0)))
    for k, (low, high) in enumerate(hulls):
        for other_low, other_high in hulls[:k]:
            assert ((high < other_low) | (other_high < low)).any()
    # Boxes that touch are together.
    for i, one in enumerate(boxes):
        for j, other in enumerate(boxes[:i]):
            if (one[:, 0] <= other[:, 1]).all() and (other[:, 0] <= one[:, 1]).all():
                assert any(i in group and j in group for group in groups)


@pytest.mark.parametrize(
    ("loss", "names"),
    [("x/t**2", ("t",)), ("-log(t**2) + x*t", ("t",)), ("x/(t*t) + s*s/4", ("t", "s"))],
)
def test_a_pole_of_the_loss_is_no_zero(loss, names):
    """F changes its sign at a pole, but is not continuous there: no zero follows."""
    field, d = of(loss, names), len(names)
    box = np.array([[-(2.0**-30), 2.0**-29]] + [[-0.5, 0.75]] * (d - 1))
    (cluster,) = clusters_of(FieldFunction(field), [(tuple(map(tuple, box.tolist())), "")], [])
    assert cluster.by == "undecided"
    found = find_zeros(field, [[-1, 1.3]] + [[-0.5, 0.75]] * (d - 1), budget=60)
    assert not any(cluster.holds_zero for cluster in found.clusters if cluster.box[0, 0] <= 0 <= cluster.box[0, 1])
    content = written(found)

    def lie(changed):
        k = next(k for k, one in enumerate(found.clusters) if one.box[0, 0] <= 0 <= one.box[0, 1])
        changed["clusters"][k] |= {"by": "faces", "preconditioner": np.eye(d).tolist()}

    assert "not proved real and finite" in reason(content, lie) or "signs" in reason(content, lie)
