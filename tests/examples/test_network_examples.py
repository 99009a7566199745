"""The networks of examples/: their sizes, and the field at the trained point."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from adamsym import Adam, AdamField, find_zero

pytest.importorskip("torch", reason="needs torch")

FOLDER = Path(__file__).parents[2] / "examples"


def script(name):
    specification = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_network_on_diabetes():
    source = script("diabetes_network").network(1)
    assert (source.dimension, len(source.law.rows)) == (37, 442)
    # Standardized targets have variance 1, of which the network 0 explains nothing.
    assert source.mean_loss(np.zeros(37)) == pytest.approx(0.5, rel=1e-12)
    assert source.mean_loss(np.zeros(37)) > source.mean_loss(source.theta) > 0.25


@pytest.mark.slow
def test_adam_does_not_rest_where_the_loss_of_the_network_does():
    example = script("diabetes_network")
    source = example.network(1)
    theta = example.trained(source)
    assert np.abs(source.gradient(theta)).max() < 1e-15
    assert source.mean_loss(theta) < 0.25
    for beta2, size, distance in (("0.999", 0.000865, 0.0132), ("0.99", 0.00708, 0.112)):
        field = AdamField(source, Adam(beta2=beta2))
        found = field.evaluate(theta)
        assert np.abs(found.value).max() == pytest.approx(size, rel=1e-2)
        assert found.error.max() < 1e-12
        zero = find_zero(field, theta)
        assert (zero.outcome, zero.stability) == ("converged", "attracting")
        np.testing.assert_allclose(zero.critical_point.theta, theta, atol=1e-8)
        assert zero.critical_point.distance == pytest.approx(distance, rel=1e-2)


def test_the_network_on_digits():
    example = script("digits_network")
    source = example.network(32, (64, 3, 10))
    assert (source.dimension, len(source.law.rows)) == (235, 1797)
    # The network 0 gives each digit the same probability.
    assert source.mean_loss(np.zeros(235)) == pytest.approx(np.log(10), rel=1e-12)
    theta = example.trained(source, 5)
    assert source.mean_loss(theta) < source.mean_loss(source.theta)
    assert example.network(1).dimension == 9442
