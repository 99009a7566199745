"""The derivation of the field of rows in their own order, and that its checks can fail."""

import pytest
import sympy as sp

from adamsym.expressions.errors import NotApplicable
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam, AdamW, NAdam, RMSprop
from adamsym.symbolic import cycles, derive
from adamsym.symbolic.derivation import DerivationError


def problem_of(sampling="cyclic", size=1, rows=(0, 0, 3)):
    return Problem("(theta - x)**2/2", ["theta"], Empirical({"x": list(rows)}), size, sampling)


@pytest.mark.parametrize("method", [Adam(), NAdam(), RMSprop(), AdamW()], ids=str)
def test_cycles_are_derived(method):
    found = derive(problem_of(), method)
    assert [step.title for step in found.steps] == ["Gradient of the loss", "Moments of the cycle", "Field"]
    assert all(step.ok for step in found.steps)
    assert "P = 3" in found.steps[1].statement_text
    assert (r"\lambda" in found.steps[2].latex) == isinstance(method, AdamW)
    assert found.steps[1].identities >= 3
    assert "1 - \\beta^{P}" in found.to_markdown()


def test_batches_and_all_rows_at_once():
    ragged = derive(problem_of(size=2, rows=range(5)), Adam())
    assert "3 minibatches of 2 rows, the last of 1" in ragged.steps[0].statement_text
    assert "P = 1" in derive(problem_of("full"), Adam()).steps[1].statement_text
    losses = Problem("(tanh(a*x) + b - y)**2/2", ["a", "b"], {"x": list(range(150)), "y": [1] * 150}, 1, "cyclic")
    assert derive(losses, Adam()).steps[2].ok


def test_wrong_sums_are_refuted(monkeypatch):
    right = cycles._sum_of_cycle
    for wrong in (
        lambda values, amount, ratio, j: right(values, amount, ratio, j - 1),
        lambda values, amount, ratio, j: right(values, amount, ratio, j) * (1 - ratio ** len(values)),
    ):
        monkeypatch.setattr(cycles, "_sum_of_cycle", wrong)
        with pytest.raises(DerivationError, match="Moments of the cycle"):
            derive(problem_of(), Adam())
    monkeypatch.setattr(cycles, "_sum_of_cycle", lambda values, *rest: right(values, *rest) + sp.Rational(1, 10**30))
    method = cycles.symbolic_method(Adam())
    assert not cycles._turn_check(problem_of(), method, problem_of().epoch).ok


def test_what_is_not_derived():
    with pytest.raises(NotApplicable, match="a derivation, but for rows in their own order, supposes"):
        derive(problem_of("reshuffled"), Adam())
    with pytest.raises(NotApplicable, match="at most 1000 minibatches"):
        derive(problem_of(rows=range(1001)), Adam())
