"""Proven bounds of the field of signs: beside all histories, beside floats, and what they must not hold."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, Independent, PerRowGradients, Problem
from adamsym.expressions.errors import NotApplicable
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.signs import lattice
from adamsym.field.signs.enclosure import enclose_sign_mean
from adamsym.methods import LagWeights, Lion, SignForm, Signum


@pytest.fixture(autouse=True, scope="module")
def coarse():
    """Smaller lattices: bounds hold for every size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lattice, "MOST_CELLS", 2**15)
        yield


SKEWED = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))


def ends(problem, method, theta):
    [[low, high]] = AdamField(problem, method).enclose([[theta, theta]])
    return low, high


def enclosed(values, probabilities, form, size=1):
    with ball_arithmetic():
        found = enclose_sign_mean([flint.arb(x) for x in values], list(map(Fraction, probabilities)), form, size)
        return float(found.lower()), float(found.upper())


def listed(values, probabilities, form, lags):
    """Bounds of E sign M from all histories of so many lags, in rational numbers."""
    weights = [form.weights.weight(k) for k in range(lags)]
    beyond = (form.weights.total - sum(weights)) * max(map(abs, values))
    low = high = Fraction(0)
    for history in itertools.product(range(len(values)), repeat=lags):
        chance = np.prod([Fraction(probabilities[a]) for a in history])
        value = sum(w * Fraction(values[a]) for w, a in zip(weights, history, strict=True))
        if abs(value) > beyond:
            low, high = low + np.sign(value) * chance, high + np.sign(value) * chance
        else:
            low, high = low - chance, high + chance
    return low, high


# --- where values are known -------------------------------------------------------------------------------------------


def test_half_the_weight_on_each_older_gradient_is_uniform():
    # M is uniform between the two values: E sign M = (1 + 0.4)/2 - (1 - 0.4)/2 for -0.6 and 1.4.
    low, high = enclosed([-0.75, 1.25], ["1/2", "1/2"], Signum("0.5").sign_form)
    assert low <= 0.25 <= high < low + 2e-4
    assert not low <= 0.2502 <= high


LAWS = [([-1, 2], ["1/2", "1/2"]), ([-3, 1, 2], ["1/4", "1/2", "1/4"])]
FORMS = [Signum("0.3").sign_form, Lion("0.5", "0.2", 0).sign_form, SignForm(LagWeights((1,), ((1, Fraction(1, 4)),)))]


@pytest.mark.parametrize(("values", "probabilities"), LAWS)
@pytest.mark.parametrize("form", FORMS)
def test_short_memories_beside_all_histories(values, probabilities, form):
    low, high = enclosed(values, probabilities, form)
    least, most = listed(values, probabilities, form, 9 if len(values) == 2 else 6)
    assert low <= most
    assert least <= high
    assert high - low < 1e-3
    assert most - least < 0.1


@given(
    st.lists(st.integers(-6, 6), min_size=2, max_size=4, unique=True),
    st.sampled_from([Signum("0.6"), Signum("0.9"), Lion("0.8", "0.9", 0), Lion("0.9", "0.95", "0.1")]),
    st.integers(1, 3),
    st.integers(-8, 8),
)
@settings(max_examples=25)
def test_drawn_laws_hold_the_float_field(data, method, size, eighths):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": data}), batch_size=size)
    field, theta = AdamField(problem, method), eighths / 8
    [[low, high]] = field.enclose([[theta, theta]])
    found = field.evaluate([theta])
    assert low - found.error[0] <= found.value[0] <= high + found.error[0]
    assert high - low < 0.05


@pytest.mark.parametrize("method", [Lion("1e-9", "0.9", 0), Lion("1e-300", "0.5", 0), Lion("1e-9", "0.9999", 0)])
def test_a_newest_gradient_that_weighs_nearly_all_takes_no_room(method):
    # Beside it the others count for nothing: P(x < 1) = 2/3 at theta = 1.
    low, high = ends(SKEWED, method, 1.0)
    assert low <= -1 / 3 <= high < low + 1e-6
    low, high = ends(SKEWED, method, 1e-12)
    assert -1 / 3 - 1e-6 < low < high < 1.000001


def test_the_head_counts_where_it_is_cut_short(monkeypatch):
    # M = g_0 - 5 g_1 is about -1 for means of many; the oldest gradient of the other form decides alone.
    monkeypatch.setattr(lattice, "MOST_PRODUCTS", 7000)
    low, _ = enclosed([-0.5, 1], ["1/2", "1/2"], SignForm(LagWeights((Fraction(1), Fraction(-5)), ())), 3500)
    assert low <= -0.999
    monkeypatch.setattr(lattice, "MOST_PRODUCTS", 10)
    form = SignForm(LagWeights((Fraction(0),) * 9 + (Fraction(100),), ((Fraction(1), Fraction(1, 2)),)))
    low, high = enclosed([-1, 2], ["1/2", "1/2"], form)
    assert low <= 0 <= high


def test_weights_whose_inverse_is_a_pisot_number_are_bounded_too():
    # (sqrt 5 - 1)/2, nearly: the characteristic function hardly decays.
    problem = SKEWED.changed(law=Empirical({"x": [-1, 1]}))
    field = AdamField(problem, Signum("0.6180339887"))
    [[low, high]] = field.enclose([[0.2, 0.2]])
    found = field.evaluate([0.2])
    assert high - low < 1e-3
    assert max(low, found.value[0] - found.error[0]) <= min(high, found.value[0] + found.error[0])


# --- ties -------------------------------------------------------------------------------------------------------------


def test_sums_that_are_exactly_0_have_no_sign():
    for theta, value in ((0.0, 1 / 3), (0.5, -1 / 3), (3.0, -2 / 3)):
        low, high = ends(SKEWED, Signum(0), theta)
        assert low <= value <= high <= low + 1e-15
    # Of 0.9 g_0 + 0.1 g_1, and g = -1, 9: 0 with the probability 1/4.
    form = SignForm(LagWeights((Fraction(1, 10), Fraction(9, 10)), ()))
    low, high = enclosed([-1, 9], ["1/2", "1/2"], form)
    assert low == high == 0.25
    # Of g_0 + g_1, one half; and of means of two.
    form = SignForm(LagWeights((Fraction(1), Fraction(1)), ()))
    assert enclosed([-1, 1], ["1/2", "1/2"], form) == (0, 0)
    assert enclosed([-1, 1, 2], ["1/2", "1/4", "1/4"], Signum(0).sign_form, 2) == (0.25, 0.25)


def test_gradients_that_may_be_0_leave_their_probability_undecided():
    [[low, high]] = AdamField(SKEWED, Signum(0)).enclose([[-1e-9, 1e-9]])
    assert low == pytest.approx(1 / 3 - 2 / 3)
    assert high == pytest.approx(1)


def test_gradients_of_one_sign_are_decided():
    for method in (Signum("0.5"), Signum("0.999"), Lion()):
        problem = SKEWED.changed(law=Empirical({"x": [0, 1]}))
        assert ends(problem, method, 0.0)[0] > 1 - 1e-15
    assert ends(SKEWED, Signum("0.9", "0.5"), 7.0) == pytest.approx((-4.5, -4.5), abs=1e-14)
    constant = SKEWED.changed(law=Empirical({"x": [2, 2]}))
    assert ends(constant, Signum("0.9"), 2.0) == pytest.approx((0, 0), abs=1e-15)
    assert ends(constant, Signum("0.9"), 2.5) == pytest.approx((-1, -1), abs=1e-15)
    [[low, high]] = AdamField(constant, Signum("0.9")).enclose([[1.9, 2.1]])
    assert (low, high) == pytest.approx((-1, 1))


# --- boxes ------------------------------------------------------------------------------------------------------------


def test_boxes_hold_their_points_and_the_zero_is_bracketed():
    law = Empirical({"x": [0, 0, 3, 1], "y": [1, 2, 0, 5]}, ["1/8", "3/8", "1/4", "1/4"])
    problem = Problem("(tanh(a*x) + b - y)**2/2", ["a", "b"], law)
    field, theta = AdamField(problem, Lion("0.8", "0.9", "0.1")), np.array([0.3, 1.7])
    box = np.stack([theta - 0.002, theta + 0.002], axis=-1)
    bounds = field.enclose(box)
    points = np.random.default_rng(0).uniform(box[:, 0], box[:, 1], (6, 2))
    values = field(points)
    assert ((bounds[:, 0] <= values + 1e-10) & (values <= bounds[:, 1] + 1e-10)).all()
    assert (bounds[:, 1] - bounds[:, 0] < 0.1).all()
    left, right = (ends(SKEWED, Signum("0.9"), theta) for theta in (0.987, 0.9885))
    assert left[0] > 0 > right[1]


def test_many_boxes_in_threads_and_batches_of_many_rows():
    field = AdamField(SKEWED, Signum("0.7"))
    boxes = np.array([[[x, x]] for x in (0.25, 0.5, 1.25)])
    with ThreadPoolExecutor(2) as pool:
        assert (field.enclose(boxes, pool) == field.enclose(boxes)).all()
    most = SKEWED.changed(batch_size=100_000)
    assert ends(most, Signum("0.9"), 1.5) == pytest.approx((-1, 1))
    many = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": list(range(300))}), batch_size=64)
    [[low, high]] = AdamField(many, Signum("0.9")).enclose([[151.0, 151.0]])
    assert -1.00001 <= low <= AdamField(many, Signum("0.9"))([151.0])[0] <= high <= 1.00001


# --- controls ---------------------------------------------------------------------------------------------------------


def without_roundings(self):
    self.low = self.high = self.squares = self.mean = flint.arb(0)


def with_mean_roundings(self):
    self.squares = flint.arb(0)


def without_coarser_cells(self):
    self.coarser = flint.arb(0)


@pytest.mark.parametrize(
    # Of many lags in an octave the roundings are several cells; of few the coarser cells count.
    ("beta1", "cells", "forgetful"),
    [("0.99", 256, without_roundings), ("0.99", 256, with_mean_roundings), ("0.7", 1024, without_coarser_cells)],
)
def test_bounds_by_few_cells_hold_and_without_their_parts_do_not(beta1, cells, forgetful, monkeypatch):
    for name in ("MOST_CELLS", "LEAST_CELLS"):
        monkeypatch.setattr(lattice, name, cells)
    field, points = AdamField(SKEWED, Signum(beta1), tolerance=1e-10), np.linspace(0.6, 1.4, 17)
    values = field(points[:, None])[:, 0]

    def misses():
        low, high = field.enclose(points[:, None, None] + np.zeros((17, 1, 2)))[:, 0].T
        return ((values < low - 1e-10) | (values > high + 1e-10)).sum()

    assert misses() == 0
    own = lattice._Lattice.sign_of

    def sign_of(self, shift, moved):
        forgetful(self)
        return own(self, shift, moved)

    monkeypatch.setattr(lattice._Lattice, "sign_of", sign_of)
    assert misses() > 0


def test_what_has_no_bounds_is_said():
    field = AdamField(SKEWED, Signum("0.9"))
    with pytest.raises(NotApplicable, match="need not be differentiable"):
        field.enclose_jacobian([[0.0, 1.0]])
    with pytest.raises(NotApplicable, match="a list of rows alone"):
        AdamField(Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"})), Lion()).enclose([[0, 0]])
    with pytest.raises(NotApplicable, match="an enclosure"):
        AdamField(PerRowGradients([[1.0], [2.0]]), Lion()).enclose([[0.0, 0.0]])
    with pytest.raises(ValueError, match="box: shape"):
        field.enclose([0.0, 1.0])
    low, high = ends(SKEWED, Signum("0.9"), 1.0)
    adam = AdamField(SKEWED, Adam("0.9"))([1.0])[0]
    assert not low <= adam <= high
