"""The field of forms that no method here has: several geometric terms, older gradients alone, a kernel of one's own."""

from dataclasses import dataclass, replace
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_kernel import TwoRates

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField, BatchMean, law_quotient, quotient
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.gradients import Empirical, Problem
from adamsym.methods import LagWeights, LaplaceForm, Method
from adamsym.methods.kernels import RootOfSum, RootPlusEps

THIRD, TENTH = Fraction(1, 3), Fraction(1, 10)
SEVERAL = LagWeights((THIRD,), ((TENTH, Fraction(1, 2)), (Fraction(1, 5), Fraction(3, 5)), (-TENTH, THIRD)))
LONG = LagWeights((THIRD, Fraction(0), TENTH), ((TENTH, Fraction(1, 2)),))


@dataclass(frozen=True)
class TwoMemories(Method):
    """Two running means of the gradients, and a kernel of its own."""

    eps: Fraction = TENTH
    weights: LagWeights = SEVERAL

    def initial_state(self, shape):
        return (np.zeros(shape),) * 4

    def step(self, state, gradient, theta, n):
        *means, v = state
        v = 0.9 * v + 0.1 * gradient**2
        means = [float(ratio) * m + gradient for m, (_, ratio) in zip(means, self.weights.terms, strict=True)]
        numerator = float(self.weights.head[0]) * gradient
        numerator = numerator + sum(float(a) * m for m, (a, _) in zip(means, self.weights.terms, strict=True))
        return (*means, v), -numerator * self.laplace.kernel.of(v)

    @property
    def memory(self):
        return 10.0

    @property
    def laplace(self):
        return LaplaceForm(self.weights, Fraction(9, 10), TwoRates(self.eps))


def enclosed(atoms, probabilities, form):
    with ball_arithmetic():
        p = [flint.arb(float(x)) for x in probabilities]
        return enclose_law(BallLaw([flint.arb(float(g)) for g in atoms], [x / sum(p, flint.arb(0)) for x in p]), form)


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    st.lists(st.floats(-4, 4).map(lambda x: round(x, 3)), min_size=1, max_size=4),
    st.sampled_from([SEVERAL, LONG, LagWeights((), ((Fraction(50), THIRD),)), LagWeights((), ())]),
    st.sampled_from([Fraction(1, 2), Fraction(999, 1000)]),
    st.sampled_from([RootPlusEps(TENTH), RootOfSum(Fraction(1, 10**6)), TwoRates(THIRD)]),
)
def test_estimates_hold_the_enclosures(atoms, weights, beta, kernel):
    form = LaplaceForm(weights, beta, kernel)
    probabilities = np.full(len(atoms), 1 / len(atoms))
    found, held = quotient(np.array([atoms]), probabilities, form), enclosed(atoms, probabilities, form).value
    assert abs(float(held.mid()) - found.value[0]) <= found.error[0] + float(held.rad())
    assert found.error[0] <= 1e-12 * float(1 + weights.absolute_bound) * (1 + float(kernel.of(np.zeros(()))))


@pytest.mark.parametrize(
    "form", [LaplaceForm(w, Fraction(9, 10), RootPlusEps(TENTH)) for w in (SEVERAL, LONG)], ids=str
)
def test_derivatives_in_the_atoms_are_differences(form):
    atoms, probabilities = np.array([1.0, -2.0, 0.5]), np.array([0.5, 0.25, 0.25])
    slopes = quotient(atoms[None], probabilities, form, sensitivity=True).sensitivity[0]
    for k in range(3):
        moved = [quotient((atoms + h * np.eye(3)[k])[None], probabilities, form).value[0] for h in (1e-5, -1e-5)]
        assert slopes[k] == pytest.approx((moved[0] - moved[1]) / 2e-5, abs=1e-8)
    other = quotient(atoms[None], probabilities, replace(form, weights=LagWeights((THIRD,), ())), sensitivity=True)
    assert abs(other.sensitivity[0] - slopes).max() > 1e-3


def test_laws_by_their_transforms_take_several_terms():
    form = LaplaceForm(SEVERAL, Fraction(99, 100), RootPlusEps(TENTH))
    rows, p = np.array([-1.0, 0.0, 3.0]), np.array([0.5, 0.3, 0.2])
    law = BatchMean(rows, p, 2)
    listed = {}
    for i in range(3):
        for j in range(3):
            mean = (rows[i] + rows[j]) / 2
            listed[mean] = listed.get(mean, 0) + p[i] * p[j]
    exact = quotient(np.array([list(listed)]), np.array(list(listed.values())), form)
    found = law_quotient(law, form, adjoints=True)
    assert found.value == pytest.approx(exact.value[0], abs=1e-12)
    step = 1e-5
    ends = [law_quotient(BatchMean(rows + h * np.eye(3)[2], p, 2), form).value for h in (step, -step)]
    assert law.sensitivity(found.adjoints)[2] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)
    with pytest.raises(InputError, match="sums of geometric ones"):
        law_quotient(law, LaplaceForm(LONG, Fraction(99, 100), RootPlusEps(TENTH)))


def test_a_method_of_ones_own_has_all_of_the_field():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), TwoMemories())
    found = field.evaluate([0.7])
    (low, high), slopes = field.enclose([[0.7, 0.7]])[0], field.enclose_jacobian([[0.7, 0.7]])[0, 0]
    assert abs(found.value[0] - (low + high) / 2) <= found.error[0]
    jacobian = field.jacobian([0.7])[0, 0]
    assert slopes[0] - 1e-12 <= jacobian <= slopes[1] + 1e-12
    difference = (field([0.7 + 1e-5])[0] - field([0.7 - 1e-5])[0]) / 2e-5
    assert jacobian == pytest.approx(difference, abs=1e-7)
    # By the recursion alone: a long run at fixed theta.
    generator, method = np.random.default_rng(1), TwoMemories()
    state, total = method.initial_state((400,)), 0.0
    for n in range(1, 1200):
        state, change = method.step(state, 0.7 - 3.0 * (generator.random(400) < 1 / 3), np.full(400, 0.7), n)
        total += change.mean() if n >= 200 else 0.0
    assert total / 1000 == pytest.approx(found.value[0], abs=0.01)
    other = AdamField(field.problem, TwoMemories(weights=LagWeights((THIRD,), SEVERAL.terms[:2])))
    assert total / 1000 != pytest.approx(other([0.7])[0], abs=0.01)


def test_derivatives_in_the_numbers_of_a_method():
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), TwoMemories())
    with pytest.raises(InputError, match="beta2 and eps"):
        field.hyperparameter_derivatives([0.7])
