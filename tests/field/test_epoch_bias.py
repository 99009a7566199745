"""Where zeros lie to first order in 1 - beta2, against the zeros themselves (theory N-Proposition 13)."""

import numpy as np
import pytest

from adamsym.dynamics import find_zero
from adamsym.expressions.errors import NotApplicable
from adamsym.field import AdamField
from adamsym.field.bias import leading_gradient
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam

ETA = 1e-3
CASES = {
    "three rows": ([0, 0, 3], 1, False),
    "five rows": ([0, 1, 3, -2, 5.5], 1, False),
    "batches": ([0, 1, 3, -2, 7, 5.5], 2, False),
    "rows left out": ([0, 1, 3, -2, 5.5], 2, True),
}


def shift(problem, center, beta1, eta):
    """The zero's distance from a point beside it, over eta."""
    method = Adam(beta1, str(1 - eta), "0.1")
    return (find_zero(AdamField(problem, method), [center + 0.01]).theta[0] - center) / eta


@pytest.mark.parametrize("beta1", ["0.9", pytest.param("0", marks=pytest.mark.slow)])
@pytest.mark.parametrize("sampling", ["reshuffled", "cyclic"])
@pytest.mark.parametrize(("rows", "size", "drop_last"), CASES.values(), ids=CASES)
def test_zeros_lie_where_the_expansion_says(rows, size, drop_last, sampling, beta1):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": rows}), size, sampling, drop_last)
    center = float(np.mean(rows[:4])) if (sampling, drop_last) == ("cyclic", True) else float(np.mean(rows))
    predicted = leading_gradient(problem, Adam(beta1, str(1 - ETA), "0.1"), np.array([center]))[0] / ETA
    found = shift(problem, center, beta1, ETA)
    # The next order: it falls with eta.
    assert abs(found - predicted) < 20 * ETA * max(abs(predicted), 1e-3)
    whole = problem.changed(sampling="replacement", drop_last=False)
    independent = leading_gradient(whole, Adam(beta1, str(1 - ETA), "0.1"), np.array([center]))[0] / ETA
    assert abs(found - independent) > 0.01


def share(beta1, count):
    """The factor of N-Proposition 13, for batches of an epoch of ``count``."""
    k = np.arange(count)
    return float(((1 - beta1) * beta1**k * (1 - k / count) * (1 - k / (count - 1)) / 2).sum())


def test_reshuffled_rows_move_zeros_by_a_known_share():
    law = Empirical({"x": [0, 1, 3, -2, 5.5]})
    drawn, shuffled = (Problem("(theta - x)**2/2", ["theta"], law, 1, one) for one in ("replacement", "reshuffled"))
    for beta1 in (0.0, 0.5, 0.9):
        method = Adam(str(beta1), "0.999", "0.1")
        first, second = (leading_gradient(one, method, np.array([1.5]))[0] for one in (drawn, shuffled))
        assert second / first == pytest.approx(share(beta1, 5), rel=1e-12)
    assert share(0.0, 5) == pytest.approx(0.5)
    # The data of the README at Adam's usual beta1.
    assert share(0.9, 3) == pytest.approx(0.065)


def test_batches_of_several_sizes_have_no_expansion_here():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 3]}), 2, "reshuffled")
    with pytest.raises(NotApplicable, match="batches of one size"):
        leading_gradient(problem, Adam(), np.array([1.0]))
    full = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 3]}), 3, "reshuffled")
    assert leading_gradient(full, Adam(), np.array([4 / 3])) == 0
