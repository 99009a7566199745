"""What is small enough to be done without compiled loops, in one place for all commands."""

import pytest

from adamsym import Adam, AdamField, Empirical, Independent, Problem
from adamsym.field.small import is_small
from adamsym.methods import Signum

ADAM = Adam(0.9, 0.99, 1e-3)


def problem(rows=3, parameters=1, **options):
    names = [f"a{k}" for k in range(parameters)]
    loss = " + ".join(f"({name}*x - y)**2/2" for name in names)
    return Problem(loss, names, Empirical({"x": list(range(1, rows + 1)), "y": [1] * rows}), **options)


@pytest.mark.parametrize("work", [{"values": 1000}, {"boxes": 1}])
def test_little_work_is_small_and_more_of_each_kind_is_not(work):
    assert is_small(problem(), ADAM, **work)
    assert not is_small(problem(), ADAM, **{name: 100_000 * number for name, number in work.items()})
    assert not is_small(problem(rows=11_000), ADAM, **work)
    assert not is_small(problem(parameters=90), ADAM, **work)


def test_a_search_begins_with_balls_up_to_20000_gradients_and_derivatives():
    assert is_small(problem(rows=10_000), ADAM, boxes=1)
    assert not is_small(problem(rows=10_001), ADAM, boxes=1)
    assert not is_small(Problem("(a - x)**2/2", ["a"], Independent({"x": "Normal(0, 1)"})), ADAM, boxes=1)


def test_a_lag_that_is_just_a_fine_grids_spacing_has_a_value_by_arrays():
    # Of few rows lags from a fifth of the spacing on divide the grid: those of beta2 from 0.9863 to 0.9885 the finest.
    field = AdamField(problem(), Adam(0.9, 0.987, 1e-3), backend="numpy")
    found, ((low, high),) = field.evaluate([0.5]), field.enclose([[0.5, 0.5]])
    assert found.error[0] < 1e-12
    assert low - found.error[0] < found.value[0] < high + found.error[0]


@pytest.mark.parametrize(
    ("other", "method"),
    [
        (problem(sampling="cyclic"), ADAM),
        (problem(sampling="reshuffled"), ADAM),
        (problem(rows=200, batch_size=50), ADAM),
        (problem(), Signum(0.9)),
    ],
    ids=repr,
)
def test_what_arrays_do_not_serve_is_not_small(other, method):
    assert not is_small(other, method, values=1)


def test_values_and_jacobians_by_arrays_compile_nothing(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("loops are compiled")

    monkeypatch.setattr("adamsym.field.arrays.quotients.batch_quotient", refuse)
    small = AdamField(problem(parameters=2), ADAM, backend="numpy")
    theta = [0.5, 0.25]
    assert abs(small.jacobian(theta)).max() > 0
    assert small.linearize(theta).value.tolist() == small(theta).tolist()
    # The control: minibatches that are not listed go to the compiled loops.
    with pytest.raises(AssertionError, match="are compiled"):
        AdamField(problem(rows=200, batch_size=50), ADAM, backend="numpy")([0.5])
