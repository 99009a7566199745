"""The derivation of the field of Signum, Lion and other methods with a sign form, and that its checks can fail."""

import random
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from adamsym.cli.app import run
from adamsym.expressions.errors import NotApplicable
from adamsym.field import Atoms, sign_mean
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Lion, Method, SignForm, Signum
from adamsym.methods.laplace import LagWeights
from adamsym.symbolic import derive, sign_checks
from adamsym.symbolic.derivation import DerivationError
from adamsym.symbolic.point_checks import small_problem
from adamsym.symbolic.symbols import alpha

MEAN = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
TITLES = [
    "Gradient of the loss",
    "Frozen chain and stationary series",
    "Characteristic function",
    "Inversion",
    "A series with a bound for every law",
    "Bounds by the newest gradients",
    "Limits",
]
MEDIANS = "Where the method stops: medians"


@dataclass(frozen=True)
class Lookahead(Method):
    """A method of one's own: half of the newest gradient, beside two means of different memory."""

    @property
    def memory(self):
        return 200.0

    def initial_state(self, shape):
        return np.zeros(shape), np.zeros(shape)

    def step(self, state, gradient, theta, n):
        fast, slow = 0.5 * state[0] + 0.5 * gradient, 0.995 * state[1] + 0.005 * gradient
        return (fast, slow), -np.sign(0.5 * gradient + fast - slow)

    @property
    def sign_form(self):
        half = Fraction(1, 2)
        return SignForm(LagWeights((half,), ((half, half), (Fraction(-1, 200), Fraction(199, 200)))))


@pytest.mark.parametrize("method", [Signum(), Signum(0), Lion(), Lion("0.5", 0, 0), Lookahead()], ids=str)
def test_sign_methods_are_derived(method):
    found = derive(MEAN, method)
    plain = method.sign_form.decay == 0 and method.sign_form.weights.total == 1
    assert [step.title for step in found.steps] == TITLES + [MEDIANS] * plain
    assert all(step.ok for step in found.steps)
    text = found.to_markdown()
    assert type(method).__name__ in text
    assert (r"\lambda" in text) == (method.sign_form.decay != 0)
    assert found.steps[1].identities >= 9
    assert found.steps[3].identities == 2


def test_batches_many_parameters_and_continuous_data():
    law = Empirical({"x": list(range(30)), "y": [k % 7 for k in range(30)]})
    found = derive(Problem("(a*tanh(b*x/9) + c - y)**2/2", ["a", "b", "c"], law, 8), Signum())
    assert [step.title for step in found.steps] == TITLES
    assert r"\chi_{3}" in found.steps[2].latex
    normal = derive(Problem("(theta - x)**2/2", ["theta"], {"x": "Normal(0, 1)"}), Lion())
    assert r"\int" in normal.steps[2].latex
    named = derive(Problem("(chi - omega)**2/2", ["chi"], Empirical({"omega": [0, 1]})), Signum())
    assert r"\mathrm{chi}" in named.steps[0].latex or r"\mathtt{chi}" in named.steps[0].latex


def replaced(monkeypatch, name, wrong, title):
    monkeypatch.setattr(sign_checks, name, wrong)
    with pytest.raises(DerivationError, match=title):
        derive(MEAN, Signum())
    monkeypatch.undo()


def test_wrong_formulas_are_refuted(monkeypatch):
    right = sign_checks.weights_of

    def changed(**what):
        return lambda method, form: sign_checks.Weights(**(vars(right(method, form)) | what))

    replaced(monkeypatch, "weights_of", changed(of=lambda k: (1 - alpha) * alpha ** (k + 1)), TITLES[1])
    replaced(monkeypatch, "weights_of", changed(total=1 / (1 - alpha)), TITLES[1])
    replaced(monkeypatch, "weights_of", changed(argument=lambda m, g: (g, alpha * m + (1 - alpha) * g)), TITLES[1])
    replaced(monkeypatch, "weights_of", changed(squares=(1 - alpha) / (1 - alpha**2)), TITLES[6])
    expected = sign_checks.expectation
    replaced(monkeypatch, "expectation", lambda p, i, of: expected(p, i, lambda g: of(-g)), TITLES[2])
    value = sign_checks.bounded_sum
    replaced(monkeypatch, "bounded_sum", lambda *a: (-value(*a)[0], value(*a)[1]), TITLES[4])
    replaced(monkeypatch, "bounded_sum", lambda *a: (value(*a)[0], value(*a)[1] - 1), TITLES[4])
    plus = sign_checks.decided_histories
    replaced(monkeypatch, "decided_histories", lambda *a: plus(*a)[::-1], TITLES[5])
    replaced(monkeypatch, "decided_histories", lambda *a: (plus(*a)[0] + 0.3, plus(*a)[1] + 0.3), TITLES[5])


@dataclass(frozen=True)
class Wrong(Lookahead):
    """Its form leaves out a term."""

    @property
    def sign_form(self):
        return SignForm(LagWeights((Fraction(1, 2),), ((Fraction(1, 2), Fraction(1, 2)),)))


def test_a_form_that_is_not_the_methods_own_is_refuted():
    with pytest.raises(DerivationError, match="does not move along the sign of the sum"):
        derive(MEAN, Wrong())
    mean, deviation = sp.Symbol("m", real=True), sp.Symbol("sigma", positive=True)
    assert all(check.ok for check in sign_checks.normal_checks(mean, deviation))


def test_the_bounds_are_of_the_field_that_is_computed():
    method = Signum("0.25")
    small = small_problem(MEAN, 0)
    atoms, chances = sign_checks.small_law(small, random.Random(5))
    own = np.array([float(method.sign_form.weights.weight(k)) for k in range(40)])
    value, bound = sign_checks.bounded_sum(atoms, chances, own, 4096)
    plus, minus = sign_checks.decided_histories(atoms, chances, own, 8)
    computed = sign_mean(Atoms(tuple(atoms), tuple(chances)), method).value
    assert abs(computed - value) <= bound + 1e-12
    assert abs(computed - (plus - minus)) <= 1 - plus - minus + 1e-12
    assert bound < 0.2


def test_rows_in_epochs_are_refused():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}), sampling="cyclic")
    with pytest.raises(NotApplicable, match="the derivation of Lion supposes rows drawn independently"):
        derive(problem, Lion())


def test_the_command(tmp_path, capsys):
    file = tmp_path / "p.toml"
    file.write_text(
        '[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n'
        '[data]\nx = [0, 0, 3]\n[adam]\nmethod = "Signum"\n'
    )
    assert run(["derive", str(file)]) == 0
    assert "all 8 steps passed" in capsys.readouterr().out
