"""Float64 intervals hold the truth: sums and functions, laws, and expressions over boxes, beside balls or fractions."""

import operator
from fractions import Fraction

import flint
import interval_soundness as soundness
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import adamsym.checker.field as checker_field
from adamsym import Adam, AdamField, Empirical, Problem
from adamsym.checker.arithmetic import BITS
from adamsym.checker.balls import Balls
from adamsym.checker.form import form_of
from adamsym.expressions.functions import FUNCTIONS
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.enclosure import field_over, hulls
from adamsym.field.interval import elementary, instructions, rounding
from adamsym.field.interval.field import IntervalField, IntervalRows
from adamsym.field.interval.tables import tables_of
from adamsym.field.interval.tape import NotCovered, tape_of
from adamsym.methods import AdamEpsInsideRoot, AdamW, NAdam, RMSprop

CASES = 150
OPERATIONS = {"add": operator.add, "subtract": operator.sub, "multiply": operator.mul}


def magnitudes(generator, count, low=-300, high=300):
    return generator.normal(size=count) * 10.0 ** generator.uniform(low, high, count)


def misses_of_sums(module, count=CASES):
    """How many results of point intervals do not hold the exact one, a fraction."""
    generator, missed = np.random.default_rng(0), 0
    for name, exact in OPERATIONS.items():
        for x, y in zip(*magnitudes(generator, (2 * count,), -140, 140).reshape(2, count), strict=True):
            low, high = getattr(module, name)(x, x, y, y)
            missed += not Fraction(low) <= exact(Fraction(x), Fraction(y)) <= Fraction(high)
    for x in magnitudes(generator, count, -150, 150):
        low, high = module.square(x, x)
        missed += not Fraction(low) <= Fraction(x) ** 2 <= Fraction(high)
    return missed


def test_sums_and_products_hold_the_exact_result():
    assert misses_of_sums(rounding) == 0
    for tiny in (5e-324, 1e-310, -3e-309, 0.0):
        low, high = rounding.multiply(tiny, tiny, 0.3, 0.3)
        assert Fraction(low) <= Fraction(tiny) * Fraction(0.3) <= Fraction(high)


@pytest.mark.parametrize("end", ["return x - (abs(x) * _SHARE + _LEAST)", "return x + (abs(x) * _SHARE + _LEAST)"])
def test_a_rounding_that_is_left_out_is_caught(end):
    copied = soundness.copy_with("rounding", end, "return x")
    assert misses_of_sums(copied.rounding) > CASES


@settings(deadline=None, max_examples=100)
@given(*[st.tuples(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150)).map(sorted)] * 2, *[st.floats(0, 1)] * 2)
def test_sums_and_products_of_intervals_hold_all(one, other, s, t):
    x, y = (min(max(a + share * (b - a), a), b) for (a, b), share in ((one, s), (other, t)))
    for name, exact in OPERATIONS.items():
        low, high = getattr(rounding, name)(*one, *other)
        assert Fraction(low) <= exact(Fraction(x), Fraction(y)) <= Fraction(high)
    low, high = rounding.scale(*one, abs(y), abs(y))
    assert Fraction(low) <= Fraction(x) * abs(Fraction(y)) <= Fraction(high)


def intervals_of(name, generator, count):
    """Intervals and points in them, within the function's domain or about it."""
    start = magnitudes(generator, count, -12, 2.9)
    start[: count // 8] = magnitudes(generator, count // 8)
    if FUNCTIONS[name].domain is not None:
        start = np.abs(start) * (1 if name != "log1p" else generator.choice([1, -1e-3], count))
    width = np.abs(start) * 10.0 ** generator.uniform(-17, 0.5, count) * (generator.random(count) < 0.8)
    inner = np.clip(start + generator.random(count) * width, start, start + width)
    return np.stack([start, start + width, inner], axis=1).tolist()


def misses_of_functions(name, function, count=CASES):
    generator, missed, answered, widest = np.random.default_rng(1), 0, 0, 0.0
    with ball_arithmetic(2000):
        for low, high, inner in intervals_of(name, generator, count):
            below, above = function(low, high)
            if not (np.isfinite(below) and np.isfinite(above)):
                continue
            answered += 1
            for x in (low, high, inner):
                truth = FUNCTIONS[name].ball(flint.arb(x))
                missed += not below <= above or bool(truth < flint.arb(below)) or bool(truth > flint.arb(above))
            if low == high:
                widest = max(widest, (above - below) / max(abs(below), 1e-9))
    return missed, answered, widest


@pytest.mark.parametrize("name", [*(name for name in instructions.UNARY if name not in ("Abs", "sign")), "sqrt"])
def test_functions_hold_their_values(name):
    missed, answered, widest = misses_of_functions(name, getattr(elementary, name))
    assert missed == 0
    assert answered > CASES / 3
    assert widest < 1e-5


@pytest.mark.parametrize(
    ("part", "by", "names"),
    [
        ("    p = p * r + 1 / 120.0\n", "    p = p * r + 1 / 121.0\n", ["exp", "tanh"]),
        (
            "_LOG2_TAIL = 6.93147180369123816490e-01, 1.9",
            "_LOG2_TAIL = 6.93147180369123816490e-01, 1.8",
            ["exp", "log"],
        ),
        ("2.0**-50\n", "0.0\n", ["exp", "sin"]),
        ("high = 1.0\n        elif", "pass\n        elif", ["sin", "cos"]),
    ],
)
def test_functions_that_are_a_little_wrong_are_caught(part, by, names):
    copied = soundness.copy_with("elementary", part, by)
    for name in names:
        assert misses_of_functions(name, getattr(copied.elementary, name), 3 * CASES)[0] > 0


@given(st.floats(-1e3, 1e3), st.floats(0, 10), st.integers(1, 9), st.floats(0, 1))
def test_powers_and_reciprocals_hold_theirs(low, width, exponent, share):
    high = low + width
    x = Fraction(min(max(low + share * width, low), high))
    below, above = elementary.power(low, high, exponent)
    assert Fraction(below) <= x**exponent <= Fraction(above)
    below, above = elementary.reciprocal(low, high)
    assert (below != below) == (low <= 1e-150 and high >= -1e-150)
    assert below != below or Fraction(below) <= 1 / x <= Fraction(above)


def test_laws_hold_what_balls_say_of_points_in_them():
    missed, finite, boxes = soundness.trials(60, seed=0)
    assert missed == 0
    # Hostile laws that are out of range are left to balls; nothing else is.
    assert finite > 0.9 * boxes


def test_laws_of_short_memory_hold_it_too():
    missed, finite, boxes = soundness.trials(15, seed=2, forms=soundness.SHORT)
    assert missed == 0
    assert finite > 0.9 * boxes


@pytest.mark.slow
def test_a_million_laws_hold_what_balls_say():
    missed, finite, boxes = soundness.trials(1_000_000 // soundness.BOXES, seed=7)
    assert missed == 0
    assert finite > 0.9 * boxes


@pytest.mark.parametrize(
    ("tolerance", "module", "part", "by"),
    [
        (0.03, "law", "tails[r] + errors[r] + left[r] * tables.left[node]", "tails[r] + errors[r]"),
        (
            1e-6,
            "lags",
            "        e, f = add(e, f, g, h)\n        g, h = scale(state[n + 1 + j",
            "        g, h = scale(state[n + 1 + j",
        ),
    ],
    ids=["left tail", "a part of a derivative"],
)
def test_laws_without_one_of_their_parts_are_caught(tolerance, module, part, by):
    copied = soundness.copy_with(module, part, by)
    assert soundness.trials(6, seed=1, law=copied.law, boxes=2, tolerance=tolerance, hostile=100)[0] > 0


def test_the_copies_are_sound_as_they_are():
    copied = soundness.copy_with("rounding", "    return x - (abs(x)", "    return x - (abs(x)")
    assert soundness.trials(6, seed=1, law=copied.law, boxes=2, tolerance=0.03, hostile=100)[0] == 0


ROWS = {"x": ["0.3", -1, 2, "1/3"], "y": [1, "-0.7", 2, 0]}
LOSSES = [
    ("(a*tanh(b*x) - y)**2/2", "ab", Adam(), 1),
    ("softplus(a*x + b) - y*(a*x + b)/2 + a**2/20", "ab", Adam("0.5", "0.9", "1e-3"), 2),
    ("softplus(a*x + b) - y*(a*x + b)/2 + a**2/20", "ab", Adam("0.3", "0.6", "1e-3"), 2),
    ("exp(a*x/3) - y*a*x/9 + (a*b - 1)**2/2", "ab", RMSprop("0.99"), 1),
    ("log(1 + (a*x + b*y)**2) + sqrt(1 + a**2) + cos(b*x)", "ab", AdamW("0.9", "0.99", "1e-8", weight_decay="0.1"), 1),
    ("(a - x)**2/(1 + b**2) + sinh(b/3) + cosh(a/5)*y**2 + pi*sigmoid(a - b)", "ab", AdamEpsInsideRoot(), 1),
]


@pytest.mark.parametrize(("loss", "names", "method", "batch"), LOSSES)
def test_fields_over_boxes_hold_what_balls_say_of_points_in_them(loss, names, method, batch):
    problem = Problem(loss, list(names), Empirical(ROWS), batch_size=batch)
    field, generator = IntervalField(problem, method.laplace), np.random.default_rng(3)
    low = generator.uniform(-2, 2, (8, 2))
    boxes = np.stack([low, low + 10.0 ** generator.uniform(-14, -0.3, (8, 2))], axis=-1)
    points = np.clip(low + generator.random((8, 2)) * np.ptp(boxes, axis=-1), boxes[..., 0], boxes[..., 1])
    rows = field.rows_over(boxes, points)
    over, lags = field.over(rows, 1e-9)
    center, _ = field.at_middles(rows, 1e-12)
    assert rows.known.all()
    assert (lags >= 0).all()
    thresholds, means = field.sign_thresholds(rows, plain=False), field.means(rows.atoms)
    with ball_arithmetic():
        for k, point in enumerate(points):
            truth = field_over(problem, method.laplace, hulls(np.stack([point, point], axis=-1)), slopes=True)
            for i in range(2):
                for (below, above), value in zip(over[k, i], [truth.value[i], *truth.jacobian[i]], strict=True):
                    assert flint.arb(below) <= value <= flint.arb(above)
                assert flint.arb(center[k, i, 0, 0]) <= truth.value[i] <= flint.arb(center[k, i, 0, 1])
                assert center[k, i, 0, 1] - center[k, i, 0, 0] < 1e-8
    # Each box alone gives the same.
    alone = field.rows_over(boxes[3:4], points[3:4])
    assert (field.over(alone, 1e-9)[0] == over[3:4]).all()
    assert (field.sign_thresholds(alone, plain=False) == thresholds[3:4]).all()
    assert np.isfinite(means).all()


RANGES_PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, 4]}))
RANGES = IntervalRows(RANGES_PROBLEM)
"""The rows, compiled once; the form is another one each time."""


@settings(deadline=None, max_examples=8)
@given(
    st.sampled_from(["0.99", "0.9", "0.5", "0.01", "0.00001"]),
    st.sampled_from(["0.1", "1e-3", "1e-8"]),
    st.floats(-2, 5),
    st.floats(0, 0.5),
    st.lists(st.integers(0, 8), min_size=3, max_size=3),
    st.lists(st.integers(0, 12), min_size=2, max_size=2),
)
def test_fields_over_ranges_hold_what_balls_say_of_their_numbers(beta2, eps, theta, width, shares, lengths):
    low = Fraction(beta2)
    high = low + (1 - low) * Fraction(1 + lengths[0], 100)
    root = Fraction(int(1e6 * float(low) ** 0.5), 10**6)
    alphas = root / 3, root / 3 + root * Fraction(1 + lengths[1], 40)
    form = Adam(root / 3, low, eps).laplace_over_all({"beta1": alphas, "beta2": (low, high)})
    field = RANGES.with_form(form)
    box = np.array([[theta, theta + width]])
    rows = field.rows_over(box[None], box.mean(axis=1)[None])
    (found,), _ = field.over(rows, 1e-9)
    share = [Fraction(k, 8) for k in shares]
    one = Adam(alphas[0] + share[0] * (alphas[1] - alphas[0]), low + share[1] * (high - low), eps)
    point = theta + float(share[2]) * width
    with ball_arithmetic():
        at = field_over(RANGES_PROBLEM, one.laplace, [flint.arb(point)], True)
        whole = field_over(RANGES_PROBLEM, form, hulls(box), True)
        for (a, b), ball, over in (
            (found[0, 0], at.value[0], whole.value[0]),
            (found[0, 1], at.jacobian[0][0], whole.jacobian[0][0]),
        ):
            assert flint.arb(float(a)) <= ball.mid() <= flint.arb(float(b))
            # And they are about as narrow as balls.
            assert b - a <= 4 * float(over.rad()) + 1e-6 * (1 + float(abs(over).upper()))


def test_a_range_of_beta2_widens_f_little_more_than_f_varies():
    # One of 50 gradients is steep: what hardly any batch feels is not to widen the products over the lags.
    law = Empirical({"a": [1, 0]}, ["0.02", "0.98"])
    problem, ends = Problem("15*a*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], law), ("0.96", "0.961")
    form = Adam("0.5", "0.9", "0.01").laplace_over("beta2", *map(Fraction, ends))
    first, last = (AdamField(problem, Adam("0.5", end, "0.01"))(np.array([3.0]))[0] for end in ends)
    way, point = abs(last - first), np.array([[[3.0, 3.0]]])
    field = IntervalField(problem, form)
    with ball_arithmetic():
        balls = outward(field_over(problem, form, hulls(point[0]), False).value[0])
    floats = field.over(field.rows_over(point, point[..., 0]), 1e-9)[0][0, 0, 0]
    using = Balls(BITS)
    with using.working():
        enclosed = checker_field.field_over(problem, form_of(using, form), [using.number(3)], slopes=False).value[0]
        checked = outward(enclosed)
    for low, high in (balls, floats, checked):
        assert low <= min(first, last)
        assert max(first, last) <= high
        assert high - low < 2.6 * way


@settings(deadline=None, max_examples=12)
@given(
    st.sampled_from(["0", "1e-6", "0.01", "0.3", "0.6", "0.8", "0.8187"]),
    st.sampled_from(["0.1", "1e-3", "1e-8"]),
    st.floats(0, 0.99),
    st.floats(-2, 5),
    st.floats(0, 0.5),
    st.floats(0, 1),
)
def test_fields_of_short_memory_hold_what_balls_say(beta2, eps, alpha, theta, width, share):
    """Below exp(-h) a lag is longer than a step, and each node multiplies out lags of its own."""
    adam = Adam(Fraction(int(1e6 * alpha * float(beta2) ** 0.5), 10**6), beta2, eps)
    field, box = RANGES.with_form(adam.laplace), np.array([[theta, theta + width]])
    assert field.tables.own_lags
    point = theta + share * width
    rows = field.rows_over(box[None], np.array([[point]]))
    (found,), (lags,) = field.over(rows, 1e-9)
    (center,), _ = field.at_middles(rows, 1e-12)
    assert lags >= 0
    with ball_arithmetic():
        at = field_over(RANGES_PROBLEM, adam.laplace, [flint.arb(point)], True)
        whole = field_over(RANGES_PROBLEM, adam.laplace, hulls(box), True)
        for (a, b), ball, over in (
            (found[0, 0], at.value[0], whole.value[0]),
            (found[0, 1], at.jacobian[0][0], whole.jacobian[0][0]),
            (center[0, 0], at.value[0], at.value[0]),
        ):
            assert flint.arb(float(a)) <= ball.mid() <= flint.arb(float(b))
            assert b - a <= 4 * float(over.rad()) + 1e-6 * (1 + float(abs(over).upper()))


LAGS = "for k in range(lags - 1, -1, -1)", "for k in range(lags - 2, -1, -1)"


@pytest.mark.parametrize(("part", "by"), [LAGS])
def test_short_memory_without_a_lag_is_caught(part, by):
    form = Adam("0.3", "0.6", "1e-3").laplace
    with ball_arithmetic():
        wanted = field_over(RANGES_PROBLEM, form, [flint.arb(1.0)], False).value[0]
        atoms = np.array([[[1 - x, 1 - x] for x in (-1.0, 0.0, 4.0)]])
        shares = np.array([[np.nextafter(1 / 3, 0), np.nextafter(1 / 3, 1)]] * 3)
        found = np.empty((1, 1, 2))
        copied = soundness.copy_with("lags", part, by)
        copied.law.enclose_laws(tables_of(form), atoms, shares, np.empty((1, 0, 3, 2)), 1e-9, found)
        assert not flint.arb(float(found[0, 0, 0])) <= -wanted.mid() <= flint.arb(float(found[0, 0, 1]))


@pytest.mark.parametrize(("part", "by"), [LAGS])
def test_ranges_without_a_lag_are_caught(part, by):
    form = Adam("0.3", "0.9", "1e-3").laplace_over_all({"beta2": (Fraction("0.9"), Fraction("0.9001"))})
    with ball_arithmetic():
        wanted = field_over(RANGES_PROBLEM, Adam("0.3", "0.9", "1e-3").laplace, [flint.arb(1.0)], False).value[0]
        atoms = np.array([[[1 - x, 1 - x] for x in (-1.0, 0.0, 4.0)]])
        shares = np.array([[np.nextafter(1 / 3, 0), np.nextafter(1 / 3, 1)]] * 3)
        for module, holds in (
            (soundness.copy_with("lags", part, part), True),
            (soundness.copy_with("lags", part, by), False),
        ):
            found = np.empty((1, 1, 2))
            module.law.enclose_laws(tables_of(form), atoms, shares, np.empty((1, 0, 3, 2)), 1e-9, found)
            low, high = found[0, 0]
            assert (flint.arb(float(low)) <= -wanted.mid() <= flint.arb(float(high))) == holds


def test_what_is_not_covered_is_left_to_balls():
    data = Empirical(ROWS)
    for loss in ("logsumexp(a, a*x, 1)", "(a*x - y)**2/2 + log(a)", "(a**2 + 1)**(1/3)*x"):
        with pytest.raises(NotCovered):
            IntervalField(Problem(loss, ["a"], data), Adam().laplace)
    with ball_arithmetic():
        for method in (Adam(beta2="0.9999999"), NAdam(), Adam(eps="1e-40")):
            assert tables_of(method.laplace) is None
        a = sp.Symbol("a", real=True)
        with pytest.raises(NotCovered, match="erf"):
            tape_of([a], [sp.erf(a)])


@pytest.mark.parametrize("low", [1e60, -1e200, 700.0])
def test_values_out_of_range_are_not_known(low):
    problem = Problem("exp(a*x) + a**6*y**2", ["a"], Empirical(ROWS))
    field = IntervalField(problem, Adam().laplace)
    boxes = np.array([[[low, 2 * abs(low)]], [[0.0, 1.0]]])
    rows = field.rows_over(boxes, boxes.mean(axis=-1))
    assert rows.known.tolist() == [False, True]
