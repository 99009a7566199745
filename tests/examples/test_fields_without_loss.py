"""The two examples that are no gradient: what is certified of them, and that the runs and the flow are drawn."""

from pathlib import Path

import numpy as np
import pytest

from adamsym import AdamField, find_zeros, flow, read_problem

FOLDER = Path(__file__).parents[2] / "examples"
SIDES = [[-1.0, 1.0], [-1.0, 1.0]]


@pytest.fixture(params=["damped_game", "noisy_rotation"])
def source(request):
    return read_problem(FOLDER / f"{request.param}.toml")


def test_their_zeros_are_certified(source):
    field = AdamField(source.problem, source.adam)
    jacobians = source.problem.row_jacobians([0.3, -0.2])
    assert not np.allclose(jacobians, jacobians.swapaxes(-1, -2))
    found = find_zeros(field, SIDES)
    assert found.complete
    [zero] = found.zeros
    assert zero.critical_point is None
    real = np.linalg.eigvals(field.jacobian(zero.midpoint)).real
    if source.path.stem == "damped_game":
        assert zero.stability == "attracting"
        np.testing.assert_allclose(zero.midpoint, [-0.02439411491, -0.02529540464], atol=1e-10)
        assert (real < 0).all()
        assert np.abs(source.problem.gradient([0.0, 0.0])).max() < 1e-15
        end = flow(field, [2.0, 1.0], [0.0, 30.0]).theta[-1]
        np.testing.assert_allclose(end, zero.midpoint, atol=1e-6)
    else:
        assert zero.stability == "undecided"
        assert np.abs(real).max() < 1e-12
        # It turns: after some time it is on the other side, as far away.
        path = flow(field, [2.0, 1.0], np.linspace(0, 30, 61)).theta
        assert path[:, 0].min() < -1.5
        assert np.hypot(*path.T).min() > 1.5


def test_the_zero_of_the_game_is_one_of_the_field(source):
    """Not that of the mean of G: the opposite field has the same zero, with the opposite stability."""
    [zero] = find_zeros(AdamField(source.problem, source.adam), [[-0.1, 0.1], [-0.1, 0.1]]).zeros
    opposite = type(source.problem)(
        [f"-({component})" for component in source.problem.texts], source.problem.names, source.problem.law
    )
    [other] = find_zeros(AdamField(opposite, source.adam), [[-0.1, 0.1], [-0.1, 0.1]]).zeros
    np.testing.assert_allclose(other.midpoint, zero.midpoint, atol=1e-9)
    assert other.stability == {"attracting": "repelling", "undecided": "undecided"}[zero.stability]
