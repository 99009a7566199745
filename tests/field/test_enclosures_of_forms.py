"""Enclosures for other lag weights and kernels than Adam's, beside values that share nothing with them but T4."""

from dataclasses import replace
from fractions import Fraction

import flint
import independent
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from own_kernel import TwoRates

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball, ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.gradients import Empirical, Problem
from adamsym.methods import (
    Adam,
    AdamEpsInsideRoot,
    AdamW,
    AdamWithoutMomentum,
    LagWeights,
    LaplaceForm,
    NAdam,
    RMSprop,
)
from adamsym.methods.kernels import RootOfSum, RootPlusEps

# Atoms with their weights; the third is next to certain, the last two are rare and large or small and common.
LAWS = {
    "skewed": [(-1, 3), (2, 1), (0, 1)],
    "rare": [(-1, 10**6), (300, 1), (0, 10**6)],
    "no zero": [(Fraction(-1, 1000), 2), (3, 1)],
}
SLOPES = [Fraction(7, 10), Fraction(-13, 10), Fraction(2, 5)]

METHODS = [
    RMSprop(),
    RMSprop("0", "1e-3"),
    AdamWithoutMomentum("0.999", "1e-8"),
    NAdam(),
    NAdam("0.5", "0.3", "10"),
    NAdam("0.9", "0.99", "1e-30"),
    AdamEpsInsideRoot(),
    AdamEpsInsideRoot("0.3", "0.1", "1e-20"),
    AdamEpsInsideRoot("0.9", "0.99", "5"),
]
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
SEVERAL = [
    LaplaceForm(LagWeights((HALF,), ((Fraction(1, 5), THIRD), (Fraction(-1, 10), HALF))), Fraction(9, 10), kernel)
    for kernel in (RootPlusEps(Fraction(1, 100)), RootOfSum(Fraction(1, 10**6)))
]


def law_of(law):
    total = sum(weight for _, weight in law)
    return [Fraction(g) for g, _ in law], [Fraction(weight, total) for _, weight in law]


def enclosed(law, form, slopes=True):
    atoms, probabilities = law_of(law)
    with ball_arithmetic():
        turned = [[ball(h) for h in SLOPES[: len(atoms)]]] if slopes else []
        return enclose_law(BallLaw([ball(g) for g in atoms], [ball(p) for p in probabilities], turned), form)


def expected(law, form):
    """F and its slope by the independent evaluator: F is linear in the lag weights."""
    atoms, probabilities = law_of(law)
    inside = isinstance(form.kernel, RootOfSum)
    with flint.ctx.workprec(independent.BITS):
        balls = independent.FiniteLaw(
            [independent.ball(g) for g in atoms],
            [independent.ball(p) for p in probabilities],
            [[independent.ball(h) for h in SLOPES[: len(atoms)]]],
        )
        total = [arb(0), arb(0)]
        parts = [(amount / (1 - ratio), ratio, Fraction(0)) for amount, ratio in form.weights.terms]
        for weight, alpha, current in [*parts, *((head, Fraction(0), Fraction(1)) for head in form.weights.head)]:
            method = independent.Method(alpha, form.beta, form.kernel.epsilon, current, inside)
            found = independent.quotient(balls, method)
            total = [x + independent.ball(weight) * y for x, y in zip(total, found, strict=True)]
        return total


FORMS = [*(method.laplace for method in METHODS), *SEVERAL]
CASES = [(name, form) for k, form in enumerate(FORMS) for j, name in enumerate(LAWS) if (k + j) % len(LAWS) == 0]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_enclosures_hold_independent_values(name, form):
    agrees_and_excludes(name, form)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", LAWS)
def test_all_enclosures_hold_independent_values(name, form):
    agrees_and_excludes(name, form)


def agrees_and_excludes(name, form):
    found, (value, slope) = enclosed(LAWS[name], form), expected(LAWS[name], form)
    assert found.value.overlaps(value)
    assert found.slopes[0].overlaps(slope)
    with ball_arithmetic():
        assert found.value.rad() < (abs(value).upper() + 1) * arb("1e-15")
        # Other weights are excluded: a millionth of the newest gradient more.
        more = replace(form.weights, head=(*form.weights.head, Fraction(0))[:1])
        more = replace(more, head=(more.head[0] + Fraction(1, 10**6),))
        assert not enclosed(LAWS[name], replace(form, weights=more)).value.overlaps(value)


def test_relatives_exclude_each_other():
    law = LAWS["skewed"]
    forms = [method("0.5", "0.9", "0.1").laplace for method in (Adam, NAdam, AdamEpsInsideRoot)] + [
        RMSprop("0.9", "0.1").laplace
    ]
    found = [enclosed(law, form, slopes=False).value for form in forms]
    for i, one in enumerate(found):
        for other in found[i + 1 :]:
            assert not one.overlaps(other)


def direct(law, form):
    """T4 as it stands: the integral over s of rho(s) P(s) sum_k c_k A(s_k)/B(s_k), over all lags that matter.

    With E M exp(-s E g^2) taken out, whose integral is E M phi(E g^2).
    """
    atoms, probabilities = law_of(law)
    largest = max(map(abs, atoms)) ** 2
    with flint.ctx.workprec(128):
        h, p, g = ball(Fraction(1, 5)), [ball(x) for x in probabilities], [ball(x) for x in atoms]
        center = sum((x * y * y for x, y in zip(p, g, strict=True)), arb(0))
        mean = ball(form.weights.total) * sum((x * y for x, y in zip(p, g, strict=True)), arb(0))
        total = mean * form.kernel.ball_of(center)
        for j in range(-160, 40):
            s = (h * j).exp()
            log_product, ratio, k = arb(0), arb(0), 0
            while True:
                weight = s * ball((1 - form.beta) * form.beta**k)
                if k >= len(form.weights.head) and float(weight) * float(largest) < 1e-24:
                    # What is left: B is 1 and A is E g.
                    rest = form.weights.total - sum((form.weights.weight(i) for i in range(k)), Fraction(0))
                    ratio += ball(rest) * sum((x * y for x, y in zip(p, g, strict=True)), arb(0))
                    break
                kernel = [x * (-weight * y * y).exp() for x, y in zip(p, g, strict=True)]
                b = sum(kernel, arb(0))
                log_product += b.log()
                ratio += ball(form.weights.weight(k)) * sum((x * y for x, y in zip(kernel, g, strict=True)), arb(0)) / b
                k += 1
            total += h * form.kernel.ball_weight(s) * (log_product.exp() * ratio - mean * (-center * s).exp())
        return total + arb(0, arb("1e-18"))


LONG = LagWeights((HALF, Fraction(0), Fraction(-1, 4), THIRD), ((Fraction(1, 10), THIRD),))


@pytest.mark.parametrize(
    ("kernel", "beta"), [(TwoRates(Fraction(1, 10)), HALF), (RootPlusEps(Fraction(1, 10)), Fraction(1, 5))], ids=str
)
def test_long_heads_and_a_kernel_of_ones_own(kernel, beta):
    law, form = [(-1, 3), (2, 1)], LaplaceForm(LONG, beta, kernel)
    value = direct(law, form)
    assert float(value.rad()) < 1e-15
    found = enclosed(law, form)
    assert found.value.overlaps(value)
    assert float(found.value.rad()) < 1e-15
    moved = replace(form, weights=replace(LONG, head=(HALF, Fraction(0), Fraction(-1, 4), THIRD - Fraction(1, 10**9))))
    assert not enclosed(law, moved).value.overlaps(value)
    # The derivative, by a difference of direct products.
    shift = Fraction(1, 10**6)
    ends = [
        direct([(g + sign * shift * h, w) for (g, w), h in zip(law, SLOPES, strict=False)], form) for sign in (1, -1)
    ]
    with ball_arithmetic():
        slope = (ends[0] - ends[1]) / (2 * ball(shift))
        assert abs(slope - found.slopes[0]) < arb("1e-9")
        assert not abs(slope - found.slopes[0] * arb("1.0001")) < arb("1e-9")


def test_decay_is_a_drift():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    plain, with_decay = (AdamField(problem, method) for method in (Adam(), AdamW(weight_decay="0.1")))
    box = [[0.8, 0.80001]]
    (low, high), (below, above) = plain.enclose(box)[0], with_decay.enclose(box)[0]
    assert below <= low - 0.08 <= below + 1e-5
    assert above - 1e-5 <= high - 0.08 <= above
    slopes, slopes_with = plain.enclose_jacobian(box), with_decay.enclose_jacobian(box)
    assert slopes_with == pytest.approx(slopes - 0.1, rel=1e-12)
    # The zero lies where the field with decay changes its sign.
    left, right = with_decay.enclose([[[0.875, 0.875]], [[0.8753, 0.8753]]])[:, 0]
    assert left[0] > 0
    assert right[1] < 0


weights = st.builds(
    lambda head, terms: LagWeights(tuple(head), tuple(terms)),
    st.lists(st.sampled_from([Fraction(k, 4) for k in range(-4, 5)]), max_size=3),
    st.lists(
        st.tuples(st.sampled_from([Fraction(k, 8) for k in (-4, -1, 1, 3)]), st.sampled_from([0, HALF, THIRD])),
        max_size=2,
    ),
)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    weights,
    st.sampled_from([Fraction(2, 5), Fraction(99, 100)]),
    st.sampled_from([RootPlusEps, RootOfSum, TwoRates]),
    st.floats(0, 1),
    st.floats(0, 0.3),
)
def test_wide_laws_hold_the_laws_inside(weights, beta, kernel, share, radius):
    form = LaplaceForm(LagWeights(weights.head, tuple((a, Fraction(r)) for a, r in weights.terms)), beta, kernel(THIRD))
    with ball_arithmetic():
        p = [arb(1) / 3, arb(2) / 3]
        wide = enclose_law(BallLaw([arb(1, radius), arb(-2, radius)], p, [[arb(1, radius), arb(3, radius)]]), form)
        shift = arb(radius) * (2 * share - 1)
        inside = enclose_law(BallLaw([1 + shift, -2 - shift], p, [[1 - shift, 3 + shift]]), form)
    assert wide.value.overlaps(inside.value)
    assert wide.slopes[0].overlaps(inside.slopes[0])


def test_what_has_no_step_bound_is_refused():
    law = [(-1, 1), (2, 1)]
    for weights, beta in [(((), ((HALF, HALF),)), Fraction(1, 4)), (((HALF, HALF), ()), Fraction(0))]:
        with pytest.raises(InputError, match="beta2"):
            enclosed(law, LaplaceForm(LagWeights(*weights), beta, RootPlusEps(HALF)))
