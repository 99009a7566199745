"""The checker's field of rows in epochs: it holds the field in floats, and Jacobians by differences."""

import numpy as np
import pytest
from arithmetics import ends, holds, in_both, in_both_by_long_tests
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamEpsInsideRoot, AdamField, AdamW, AdamWithoutMomentum, Empirical, NAdam, Problem, RMSprop
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.epochs import _step_bound
from adamsym.checker.field import field_over, form_over
from adamsym.checker.form import form_of
from adamsym.checker.law import gradient_laws, mean_laws

METHODS = [
    Adam(0, "0.9", "0.1"),
    Adam("0.5", "0.9", "1e-3"),
    NAdam("0.5", "0.82", "0.1"),
    AdamW("0.5", "0.9", "0.1", "0.3"),
    RMSprop("0.9", "0.1"),
    AdamWithoutMomentum("0", "0.1"),
    AdamEpsInsideRoot("0.5", "0.9", "0.1"),
]
EPOCHS = [(1, "cyclic", False), (2, "cyclic", False), (2, "cyclic", True), (3, "cyclic", False), (1, "full", False)]
rows = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=7)


@in_both_by_long_tests
@settings(max_examples=40)
@given(rows, st.sampled_from(METHODS), st.sampled_from(EPOCHS), st.tuples(st.floats(-2, 2), st.floats(-2, 2)))
def test_it_holds_the_field_over_boxes(using, data, method, epoch, theta):
    law = Empirical({"x": [x for x, _ in data], "y": [y for _, y in data]})
    batch, sampling, drop_last = epoch
    problem = Problem("(a*x + b - y)**2/2 + a**2*b/3", ["a", "b"], law, batch, sampling, drop_last)
    field, form = AdamField(problem, method), form_of(using, method.laplace)
    corners = np.array(theta) + np.array([[0, 0], [0.25, 0.25], [0, 0.25], [0.125, 0.0625]])
    with using.working():
        box = [using.between(x, x + 0.25) for x in theta]
        over = field_over(problem, form, box, slopes=True)
        for corner in corners:
            at = field_over(problem, form, [using.number(float(x)) for x in corner], slopes=False)
            for value, exact, wide in zip(field(corner), at.value, over.value, strict=True):
                # The interval at a point is narrow, and that over the box holds it.
                assert using.width(exact) < 1e-12
                assert holds(exact, value, 1e-11)
                assert holds(wide, value, 1e-11)
            # Where V is 0 f has no derivative: of quotients of differences the enclosure holds all the same.
            step = 2.0**-12
            for j in range(2):
                shift = step * np.eye(2)[j] * (1 if corner[j] < theta[j] + 0.2 else -1)
                slope = (field(corner + shift) - field(corner)) / shift[j]
                for i in range(2):
                    assert holds(over.jacobian[i][j], float(slope[i]), 1e-8)
        value, *slopes = form_over(problem, form, box, [0.5, -2.0], slopes=True, tolerance=1e-9)
        assert holds(value, 0.5 * field(corners[1])[0] - 2 * field(corners[1])[1], 1e-11)
        assert [ends(x) for x in slopes] == [
            ends(using.dot([using.number(0.5), using.number(-2.0)], column))
            for column in zip(*over.jacobian, strict=True)
        ]


@in_both
def test_the_law_of_one_minibatch_is_not_asked_for(using):
    problem = Problem("(a - x)**2/2", ["a"], Empirical({"x": [0, 1, 3]}), 2, "cyclic")
    with using.working():
        point = [using.number(1)]
        with pytest.raises(NotCheckable, match="rows drawn independently"):
            gradient_laws(using, problem, point, slopes=False)
        # That of the loss is the mean over all rows, though the last minibatch has one row alone.
        [law] = mean_laws(using, problem, point, slopes=False)
        assert abs(float(using.middle(law.mean)) - (1 - 4 / 3)) < 1e-15


@in_both_by_long_tests
@settings(max_examples=40)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=6), st.sampled_from(METHODS))
def test_the_step_bound_of_a_period(using, values, method):
    form = form_of(using, method.laplace)
    with using.working():
        bound = float(using.upper(_step_bound(form, len(values))))
        assert bound <= float(using.upper(form.step_bound)) * (1 + 1e-12)
    field = AdamField(Problem("a*x", ["a"], Empirical({"x": values}), sampling="cyclic"), method)
    assert abs(field([0.0])[0]) <= bound * (1 + 1e-9)
    # It is attained: one minibatch, without momentum or with, moves by M/sqrt V = 1 for a vanishing eps.
    if len(values) == 1 and not isinstance(method, NAdam):
        assert bound == pytest.approx(1)
