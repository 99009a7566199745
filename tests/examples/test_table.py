"""The table of zeros for real data, and PyTorch's Adam at three of its places."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "examples"))
import diabetes_table as example

MINIMUM = float(example.progression().mean())


def test_a_small_table_tends_to_the_minimum():
    """With longer memory and with larger minibatches, as a zero at another place would not."""
    table = example.zeros((0.9999, 0.999), (1, 2), None)
    below = MINIMUM - table
    assert (below > 0).all()
    assert (np.diff(below, axis=0) > 0).all()
    assert (np.diff(below, axis=1) < 0).all()
    # To leading order the memory's bias is proportional to 1 - beta2, and about to 1/B.
    assert below[1] / below[0] == pytest.approx(10, rel=0.05)
    assert below[:, 0] / below[:, 1] == pytest.approx(2, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("beta2", "size"), example.PLACES)
def test_torch_ends_where_the_table_says(beta2, size):
    pytest.importorskip("torch")
    [[zero]] = example.zeros((beta2,), (size,), None)
    runs = example.torch_average(beta2, size, zero)
    assert runs.agrees(zero)
    if beta2 == 0.9:
        assert not runs.agrees(MINIMUM)
        assert not runs.agrees(example.zeros((0.9,), (5 - size,), None)[0, 0])
