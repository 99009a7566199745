"""Derivations of whole problems: their steps, and what makes them fail."""

import re

import pytest
import sympy as sp

from adamsym.field import AdamField
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.gradients.continuous import Column
from adamsym.methods import Adam
from adamsym.symbolic import DerivationError, SymbolicField, derive, lyapunov, point_checks
from adamsym.symbolic.equality import EXACT, Check
from adamsym.symbolic.expectation import expectation

TITLES = ["Gradient", "Frozen chain", "Step bound", "Kernel", "Laplace form", "Limits", "Expansion", "Lyapunov"]


@pytest.fixture(scope="module")
def mean_estimation():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    return derive(problem, Adam("0.9", "0.99", "0.1"))


def test_mean_estimation_has_every_step(mean_estimation):
    titles = [step.title for step in mean_estimation.steps]
    assert all(any(title.startswith(start) for title in titles) for start in TITLES)
    assert len(titles) == len(TITLES) + 1
    assert "Where Adam stops" in titles[7]
    assert all(step.ok and step.check for step in mean_estimation.steps)


def test_each_step_says_how_it_was_checked(mean_estimation):
    for step in mean_estimation.steps:
        assert step.check.startswith(EXACT[:6]) or "not a proof" in step.check
    assert mean_estimation.steps[4].check.startswith("30 digits at 2 random points with mpmath (not a proof)")


def test_the_expansion_shows_the_first_two_moments(mean_estimation):
    (step,) = (step for step in mean_estimation.steps if step.title.startswith("Expansion"))
    theta = sp.Symbol("theta")
    second = (2 * theta**2 + (theta - 3) ** 2) / 3
    assert step.equations[-2:] == (rf"m = {sp.latex(theta - 1)}", f"S = {sp.latex(sp.expand_mul(second))}")
    assert step.identities >= 5


@pytest.mark.parametrize("width", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_a_network_stays_short(width):
    terms = "+".join(f"c{i}*tanh(a{i}*x+b{i})" for i in range(width))
    data = Empirical({"x": [n / 10 for n in range(13)], "y": [n * n / 100 for n in range(13)]})
    problem = Problem(f"({terms}-y)**2/2", {"a": width, "b": width, "c": width}, data)
    derivation = derive(problem, Adam())
    assert len(derivation.to_markdown()) < 60_000
    assert f"Coordinates 1, 2 and {3 * width} of {3 * width}" in derivation.steps[0].statement_text
    shown = [equation.split(" = ")[0] for equation in derivation.steps[0].equations]
    assert shown == ["l", "g_{1}", "g_{2}", f"g_{{{3 * width}}}"]


@pytest.mark.parametrize("batch_size", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_law_whose_field_vanishes_everywhere(batch_size):
    """Symmetric gradients make F = 0, where comparing values would say nothing."""
    problem = Problem("theta*x", ["theta"], Empirical({"x": [-1, 1]}), batch_size=batch_size)
    assert all(step.ok for step in derive(problem, Adam()).steps)


def test_a_continuous_law():
    problem = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(1, 2)"}), batch_size=2)
    derivation = derive(problem, Adam())
    assert EXACT.replace("the difference", "2 differences") in derivation.steps[4].check
    assert "drawn from the law" in derivation.steps[4].statement_text


@pytest.mark.parametrize(
    ("loss", "law", "size", "integrals"),
    [
        ("(theta - x)**2/2", {"x": "Exponential(1)"}, 1, False),
        ("(theta*x - y)**2/2", {"x": "Normal(1, 2)", "y": "Gamma(1/2, 3)"}, 3, False),
        ("(tanh(theta)*x - 1)**2/2", {"x": "Uniform(-1, 3)"}, 1, False),
        ("softplus(theta*x) - y*theta*x", {"x": "Normal(0, 1)", "y": "Beta(1/2, 2)"}, 2, True),
    ],
)
def test_moments_of_continuous_laws_are_closed_forms(loss, law, size, integrals):
    problem = Problem(loss, ["theta"], Independent(law), batch_size=size)
    moments = [expectation(problem, 0, lambda g, n=n: g**n) for n in (1, 2)]
    assert [x.has(sp.Integral) for x in moments] == [integrals] * 2
    # What is averaged exactly is in no integral: over the columns in which g is no polynomial alone.
    assert all(len(found.limits) == 1 for x in moments for found in x.atoms(sp.Integral))
    assert point_checks.has_moments_rule(problem, moments)
    assert point_checks.moments_rule_check(problem, moments, 0).ok
    mean, square = moments
    for wrong in (
        [mean * sp.Rational(1000001, 1000000), square],
        [mean, square + problem.parameters[0]],
        [-mean, square],
    ):
        assert not point_checks.moments_rule_check(problem, wrong, 0).ok


def test_a_wrong_moment_of_a_continuous_law_stops_the_derivation(monkeypatch):
    leave_out_the_slow_checks(monkeypatch)
    problem = Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Exponential(1)"}))
    right = Column.moment
    monkeypatch.setattr(Column, "moment", lambda column, n: right(column, n) + (n == 2))
    with pytest.raises(DerivationError, match=r"^Expansion near beta = 1: refuted"):
        derive(problem, Adam())


def test_three_continuous_columns_have_no_rule_but_closed_forms(monkeypatch):
    leave_out_the_slow_checks(monkeypatch)
    law = Independent({"x": "Normal(1, 2)", "y": "Uniform(0, 1)", "z": "Beta(1/2, 3)"})
    problem = Problem("(a - x)**2 + (b - y)**2 + (c - z)**2", ["a", "b", "c"], law)
    (step,) = (step for step in derive(problem, Adam()).steps if step.title.startswith("Expansion"))
    assert not any("int" in equation for equation in step.equations)
    assert "quadrature" not in step.statement_text


def test_control_a_wrong_gradient_stops_the_derivation():
    problem = Problem("(theta - x)**2/2 + sin(theta)", ["theta"], Empirical({"x": [0, 1]}))
    problem.gradient_expressions = tuple(-g for g in problem.gradient_expressions)
    with pytest.raises(DerivationError, match=r"^Gradient of the loss: refuted"):
        derive(problem, Adam())


def leave_out_the_slow_checks(monkeypatch):
    for slow in ("laplace.kernel_check", "point_checks.laplace_check", "point_checks.kernel_number_check"):
        monkeypatch.setattr(f"adamsym.symbolic.{slow}", lambda *_, **__: Check(True, "left out in this test"))


@pytest.mark.parametrize(
    ("place", "title"),
    [
        ("laplace.kernel_check", "Kernel of the denominator"),
        ("point_checks.laplace_check", "Laplace form"),
        ("expansion_checks.published_check", "Expansion near beta = 1"),
        ("point_checks.moments_check", "Expansion near beta = 1"),
        ("lyapunov.bound_check", "Lyapunov derivative near interpolation"),
    ],
)
def test_a_failing_check_names_its_step(monkeypatch, place, title):
    leave_out_the_slow_checks(monkeypatch)
    monkeypatch.setattr(f"adamsym.symbolic.{place}", lambda *_, **__: Check(False, "refuted: on purpose"))
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 3]}))
    with pytest.raises(DerivationError, match=f"^{re.escape(title)}: refuted: on purpose$"):
        derive(problem, Adam())


def test_lyapunov_bound_and_controls():
    for size in (1, 4):
        bound, level = lyapunov.decrease_bound(size), lyapunov.sublevel(size)
        assert lyapunov.bound_check(size).ok
        assert not lyapunov.bound_check(size, 2 * bound).ok
        assert not lyapunov.bound_check(size, bound, 2 * level).ok
        assert not lyapunov.bound_check(size + 1, bound, level).ok
        assert not lyapunov.bound_check(size, bound * (1 + lyapunov.gradient_max), level).ok
        assert not lyapunov.bound_check(size, -(lyapunov.gradient_norm**2), level).ok
    assert lyapunov.numerator_square_check().ok
    assert lyapunov.remainder_check().ok
    k, mu, eps = lyapunov.smoothness, lyapunov.pl_constant, sp.Symbol("epsilon", positive=True)
    assert sp.simplify(lyapunov.sublevel() - mu**2 * eps**2 / (2 * k**3)) == 0


def test_the_one_root_of_a_bound():
    x, eps = lyapunov.gradient_max, sp.Symbol("epsilon", positive=True)
    assert lyapunov._only_root(1 - 3 * x / eps) == eps / 3
    for bound in (sp.Integer(1), (x - 1) * (x - 2), 1 / x):
        assert lyapunov._only_root(bound) is sp.nan


@pytest.mark.parametrize("batch_size", [1, 2])
def test_moments_and_others_that_are_not(batch_size):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}), batch_size)
    (theta,) = problem.parameters
    mean, square = theta - 1, (theta - 1) ** 2 + sp.Rational(2, batch_size)
    assert point_checks.moments_check(problem, [mean, square], 0).ok
    for wrong in ([mean, square - mean**2], [mean, mean**2], [-mean, square], [mean, square * mean]):
        assert not point_checks.moments_check(problem, wrong, 0).ok


def test_the_remainder_bound_and_a_mean_that_breaks_it():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 5]}))
    mean = problem.parameters[0] - 2
    assert point_checks.remainder_bound_check(problem, mean, 0).ok
    assert not point_checks.remainder_bound_check(problem, -9 * mean, 0).ok


def test_the_remainder_bound_is_seen_at_four_points(monkeypatch):
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 5]}))
    calls, listed = [], point_checks.listed_quotient
    monkeypatch.setattr(point_checks, "listed_quotient", lambda *arguments: calls.append(1) or listed(*arguments))
    assert "4 random points" in point_checks.remainder_bound_check(problem, problem.parameters[0] - 2, 0).text
    assert len(calls) == 4


def test_checks_take_epsilon_from_one_to_eight_times_the_gradients_size(monkeypatch):
    seen, listed = [], point_checks.listed_quotient

    def watched(atoms, weights, a, b, e, lags):
        seen.append(e / (sum(w * g * g for g, w in zip(atoms, weights, strict=True)) ** 0.5))
        return listed(atoms, weights, a, b, e, lags)

    monkeypatch.setattr(point_checks, "listed_quotient", watched)
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 10, 50]}))
    assert point_checks.remainder_bound_check(problem, problem.parameters[0] - 20, 0).ok
    assert len(seen) == 4
    assert all(abs(ratio - round(ratio)) < 1e-9 and 1 <= round(ratio) <= 8 for ratio in map(float, seen))


@pytest.mark.parametrize(
    ("law", "batch_size", "said"),
    [
        (Empirical({"x": [0, 1, 2, 3, 4]}), 1, "3 rows of the data, weighted 1:2:3"),
        (Empirical({"x": [0, 1, 2, 3, 4]}), 4, "2 rows of the data, weighted 1:2 in batches of 2"),
        (Independent({"x": "Uniform(0, 1)"}), 1, "3 rows drawn from the law, weighted 1:2:3"),
    ],
)
def test_checks_say_on_what_rows(law, batch_size, said, monkeypatch):
    leave_out_the_slow_checks(monkeypatch)
    problem = Problem("(theta - x)**2/2", ["theta"], law, batch_size)
    steps = derive(problem, Adam("0.9", "0.99", "0.1")).steps
    assert f"Checked in the first coordinate on {said}" in next(
        step.statement_text for step in steps if step.title.startswith("Laplace")
    )
    small = point_checks.small_problem(problem, 0)
    assert small.batch_size == min(batch_size, 2)
    assert len(small.law.exact_rows) == int(said[0])


def test_transforms_have_an_index_only_where_there_are_several(mean_estimation):
    def laplace_step(derivation):
        return "".join(next(step for step in derivation.steps if step.title.startswith("Laplace")).equations)

    plane = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1], "y": [1, 3]}))
    assert "A(t)" in laplace_step(mean_estimation)
    assert "A_{1}(t)" in laplace_step(derive(plane, Adam("0.9", "0.99", "0.1")))


def test_lyapunov_derivative_is_minus_gradient_times_field():
    one = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 2]}))
    found = SymbolicField(one, Adam()).lyapunov_derivative
    assert found.derivative == -(found.gradient[0] * SymbolicField(one, Adam()).series)
    assert sp.expand(found.gradient[0] - (one.parameters[0] - 1)) == 0
    two = Problem("(a - x)**2/2 + b**2*x", ["a", "b"], one.law)
    assert len(SymbolicField(two, Adam()).lyapunov_derivative.gradient) == 2


def test_the_field_offers_its_symbolic_forms():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 3]}))
    symbolic = AdamField(problem, Adam("0.9", "0.9999", "0.1")).symbolic
    numeric = -AdamField(problem, symbolic.adam)([0.4])[0]
    assert float(symbolic.expansion(2).evaluate([0.4])[0]) == pytest.approx(float(numeric), rel=1e-9)
    assert symbolic._repr_latex_().startswith("$\\displaystyle f = -\\mathbb{E}")
    assert symbolic.laplace.field.has(sp.Integral)
