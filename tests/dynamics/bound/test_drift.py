"""Lemmas 3, 4 and 7: deviations of one lag and derivatives along the motion, by simulation against the bounds."""

import dataclasses
import functools
import math

import numpy as np
import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st

from adamsym.dynamics.bound.drift import CoordinateBounds, Sensitivity, largest_slope, worst_case
from adamsym.dynamics.bound.hypotheses import hypotheses
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam

LAGS = 150
SQUARE = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, 2]}, weights=[3, 5, 2]))
TANH = Problem("log(cosh(2*(theta - x)))/2", ["theta"], Empirical({"x": ["-0.5", 1]}, weights=[4, 6]))
CASES = [
    (SQUARE, 0.1, Adam("0.9", "0.95", "0.1")),
    (SQUARE, 0.6, Adam("0.5", "0.9", "0.1")),
    (SQUARE, -1.0, Adam(0, "0.9", "0.3")),
    (TANH, 0.4, Adam(0, "0.95", "0.5")),
    (TANH, 0.1, Adam("0.8", "0.9", "0.05")),
]
IDS = [f"{problem.loss}-{theta}-{adam}" for problem, theta, adam in CASES]


@functools.cache
def constants_at(problem, adam, theta):
    return hypotheses(problem, adam, np.array([[theta, theta]]))


class Frozen:
    """Histories of gradients at one point and their derivatives, all atoms with their probabilities."""

    def __init__(self, problem, theta, adam):
        self.adam = adam
        self.atoms, self.probabilities = (x[..., 0] if x.ndim > 1 else x for x in problem.gradient_atoms([theta]))
        slopes, shares = problem.row_jacobians([theta])[:, 0, 0], problem.batches()[0]
        self.slopes = slopes if shares is None else shares @ slopes
        lags = np.arange(LAGS)
        self.w, self.u = (1 - adam.beta1) * adam.beta1**lags, (1 - adam.beta2) * adam.beta2**lags

    def draw(self, generator, *shape):
        return generator.choice(len(self.atoms), p=self.probabilities, size=shape)

    def quotient(self, x):
        return (x @ self.w) / (np.sqrt((x**2) @ self.u) + self.adam.eps)

    def derivative(self, x, moving):
        """d Phi/d theta, where the gradients at the lags with ``moving`` = slope move, others do not."""
        m, r = x @ self.w, np.sqrt((x**2) @ self.u)
        return (moving @ self.w) / (r + self.adam.eps) - m * ((x * moving) @ self.u) / (r * (r + self.adam.eps) ** 2)


def deviation(frozen, lag, generator, outer=1500, inner=300):
    """Root mean square over the past of the standard deviation that the lag's own gradient gives to Q_j."""
    fresh = frozen.draw(generator, inner, lag)
    squares = np.empty(outer)
    for k in range(outer):
        x = np.empty((inner, LAGS))
        x[:, :lag] = frozen.atoms[fresh]
        x[:, lag:] = frozen.atoms[frozen.draw(generator, LAGS - lag)]
        means = []
        for atom in frozen.atoms:
            x[:, lag] = atom
            means.append(frozen.quotient(x).mean())
        means = np.array(means)
        squares[k] = frozen.probabilities @ (means - frozen.probabilities @ means) ** 2
    return math.sqrt(squares.mean())


@pytest.mark.parametrize(("problem", "theta", "adam"), CASES, ids=IDS)
def test_deviations(problem, theta, adam):
    bounds = CoordinateBounds(adam, constants_at(problem, adam, theta).coordinates[0])
    frozen, generator = Frozen(problem, theta, adam), np.random.default_rng(1)
    lags = np.array([0.0, 1.0, 5.0])
    found = bounds.deviations(lags)
    ratios = [
        deviation(frozen, int(lag), generator, outer=400, inner=100) / bound
        for lag, bound in zip(lags, found, strict=True)
    ]
    assert max(ratios) <= 1
    # No slack of a factor: the bounds mean something.
    assert ratios[0] > 0.4


def sensitivity(frozen, lag, generator, weighted, outer=400, inner=400):
    """Root mean square over the past of d D_j/d theta, times |h| if ``weighted``; the inner means add to it."""
    fresh, copies = frozen.draw(generator, inner, lag), frozen.draw(generator, inner, LAGS - lag)
    moving = np.zeros((inner, LAGS))
    moving[:, :lag] = frozen.slopes[fresh]
    x = np.empty((inner, LAGS))
    x[:, :lag] = frozen.atoms[fresh]
    z, moving_z = x.copy(), moving.copy()
    z[:, lag:], moving_z[:, lag:] = frozen.atoms[copies], frozen.slopes[copies]
    stationary = frozen.derivative(z, moving_z)
    squares = np.empty(outer)
    for k in range(outer):
        past = frozen.atoms[frozen.draw(generator, LAGS)]
        x[:, lag:] = past[: LAGS - lag]
        slope = (frozen.derivative(x, moving) - stationary).mean()
        squares[k] = (slope * (frozen.quotient(past) if weighted else 1.0)) ** 2
    return math.sqrt(squares.mean())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("problem", "theta", "adam"), CASES, ids=IDS)
def test_sensitivities(problem, theta, adam, weighted):
    constants = constants_at(problem, adam, theta)
    bounds = CoordinateBounds(adam, constants.coordinates[0])
    speed = bounds.increment if weighted else None
    found = Sensitivity(bounds, constants.lipschitz, bounds.lag_bounds.increment, speed)
    frozen, generator = Frozen(problem, theta, adam), np.random.default_rng(2)
    lags = np.array([1.0, 4.0, 10.0])
    ratios = [
        sensitivity(frozen, int(lag), generator, weighted) / bound
        for lag, bound in zip(lags, found.at(lags, 0.0), strict=True)
    ]
    assert max(ratios) <= 1
    assert max(ratios) > 0.03


def test_moments_beat_the_worst_case():
    problem, theta, adam = SQUARE, 0.1, Adam("0.9", "0.99", "0.1")
    constants = constants_at(problem, adam, theta)
    bounds = CoordinateBounds(adam, constants.coordinates[0])
    lags = np.arange(1.0, 3000.0)
    new = Sensitivity(bounds, constants.lipschitz, bounds.lag_bounds.increment, bounds.increment)
    old = new.largest * np.minimum(new._worst_case(lags, 0.0), new.cap)
    assert new.at(lags, 0.0).sum() < 0.1 * old.sum()


def test_each_piece_of_the_worst_case():
    """Lemma 7 piece by piece: with nothing else, what is left is what (ii) and (iii) say of the older gradients."""
    lags = np.arange(1.0, 6.0)
    for adam in (Adam("0.9", "0.95", "0.1"), Adam("0.5", "0.9", "0.3")):
        alpha, c, rho = adam.beta1, adam.step_bound, adam.beta1 / math.sqrt(adam.beta2)
        coordinate = constants_at(SQUARE, adam, 0.1).coordinates[0]
        for largest, i1, i2, i4 in ((2.1, 1.5, 1.7, 2.0), (0.01, 3.0, 5.0, 7.0)):
            constants = dataclasses.replace(coordinate, largest=largest, slope=3.0)
            found = worst_case(adam, constants, lags, 0.0, 0.0, {1: i1, 2: i2, 4: i4, 8: 9.0})
            # Twice alpha^j |M| phi(r) r, or C (alpha/sqrt(beta))^j/(r + eps); and alpha^j/(r + eps) of the newest.
            older = [min(2 * alpha**j * largest * i4 * i4, c * rho**j * i2) + alpha**j * i1 for j in lags]
            np.testing.assert_allclose(found, 3.0 * np.array(older), rtol=1e-13)
            # A copy with G^2 under the root: C min(beta^j G/(r + eps)^2, beta^(j/2)/(r + eps)) more.
            more = worst_case(adam, constants, lags, 0.0, largest, {1: i1, 2: i2, 4: i4, 8: 9.0}) - found
            beta = adam.beta2
            copy = [c * min(beta**j * largest * i4 * i4, beta ** (j / 2) * i1) for j in lags]
            np.testing.assert_allclose(more, 3.0 * np.array(copy), rtol=1e-12)


def test_rare_denominators_count_as_lemma_7_says():
    for problem, theta, adam in CASES:
        bounds = CoordinateBounds(adam, constants_at(problem, adam, theta).coordinates[0])
        c, threshold = adam.step_bound, 1.5 * bounds.thresholds[0]
        alone = bounds.constants.denominators.norm(lambda r, s=threshold, eps=adam.eps: (r < s) / (r + eps), 2)
        # (i): L (1 + C) at both roots; (iii): C L at one.
        known = bounds.constants.slope * (2 * (1 + c) + c) * alone
        assert bounds.decay([], threshold, 1.0).rare == pytest.approx(known, rel=1e-12)
        assert bounds.decay([], 0.0, 1.0).rare == 0


def test_norms_of_the_increment():
    for problem, theta, adam in CASES:
        bounds = CoordinateBounds(adam, constants_at(problem, adam, theta).coordinates[0])
        frozen, generator = Frozen(problem, theta, adam), np.random.default_rng(3)
        drawn = frozen.quotient(frozen.atoms[frozen.draw(generator, 4000, LAGS)])
        for p in (2, 4, 6):
            measured = float((np.abs(drawn) ** p).mean()) ** (1 / p)
            assert 0.3 * bounds.increment[p] < measured <= bounds.increment[p]


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(st.data())
def test_the_largest_slope(data):
    adam = data.draw(st.sampled_from([adam for _, _, adam in CASES]))
    entries = st.floats(-3, 3)
    x = np.array(data.draw(st.lists(entries, min_size=1, max_size=12)))
    change = np.array(data.draw(st.lists(st.floats(-1, 1), min_size=len(x), max_size=len(x))))
    lags = np.arange(len(x))
    w, u = (1 - adam.beta1) * adam.beta1**lags, (1 - adam.beta2) * adam.beta2**lags

    def phi(y):
        return float(w @ y) / (math.sqrt(float(u @ y**2)) + adam.eps)

    size = float(np.abs(change).max())
    difference = abs(phi(x + change) - phi(x))
    assert difference <= largest_slope(adam) * size * (1 + 1e-9) + 1e-15
    if size:
        target(difference / (largest_slope(adam) * size))


def test_a_much_smaller_slope_is_refuted():
    adam = Adam("0.9", "0.95", "0.1")
    lags = np.arange(600)
    w, u = (1 - adam.beta1) * adam.beta1**lags, (1 - adam.beta2) * adam.beta2**lags
    best = 0.0
    for power in (0.0, 0.5, 1.0):
        for scale in np.geomspace(1e-4, 1, 50):
            x = scale * (w / u) ** power
            m, r = w @ x, math.sqrt(u @ x**2)
            # The steepest change of all gradients by at most 1.
            gradient = w / (r + adam.eps) - m * u * x / (r * (r + adam.eps) ** 2)
            best = max(best, float(np.abs(gradient).sum()))
    assert 0.8 * largest_slope(adam) < best <= largest_slope(adam)
