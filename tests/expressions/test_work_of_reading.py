"""Reading a text and deriving it is counted before SymPy does either: texts of strangers cost no more than a budget."""

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem, find_zeros
from adamsym.certificates.form import digest_of
from adamsym.certify import certificate
from adamsym.checker import check_certificate
from adamsym.expressions import parser, sizes
from adamsym.expressions.parser import parse_with_domain
from adamsym.expressions.work import OutOfWork, budget

SYMBOLS = {name: sp.Symbol(name, real=True) for name in ("theta", "x")}
ROWS = Empirical({"x": [1, 2]})
PLENTY = 10**9


def of_terms(count):
    return " + ".join(f"sin({k}*theta - x)**9" for k in range(2, count + 2))


def spent(make):
    with budget(PLENTY) as meter:
        make()
    return PLENTY - meter.left


@settings(max_examples=20)
@given(st.lists(st.sampled_from(["theta", "x", "2", "sin(theta)", "(theta - x)**2"]), min_size=1, max_size=20))
def test_reading_counts_its_tokens(terms):
    text = " + ".join(terms)
    tokens = sum({"sin(theta)": 4, "(theta - x)**2": 7}.get(term, 1) + 1 for term in terms)
    # Each term has a sign or the end after it.
    assert spent(lambda: parse_with_domain(text, SYMBOLS, "loss")) == parser.READING * tokens


def test_reading_and_deriving_count_alike_for_every_term():
    few, many = (spent(lambda count=count: Problem(of_terms(count), ["theta"], ROWS)) for count in (5, 10))
    # A term has 10 tokens with its sign; its derivative has more nodes than the term.
    assert many - few >= 5 * (10 * parser.READING + 10 * sizes.FORMING)
    assert many / few == pytest.approx(2, rel=0.02)


class Asked(BaseException):
    """SymPy has been asked."""


def asked(*arguments):
    raise Asked


def refused(text, operations):
    """Whether a loss is refused for want of work, and not only by SymPy's part, which raises."""
    with pytest.raises((OutOfWork, Asked)) as caught, budget(operations):
        Problem(text, ["theta"], ROWS)
    return caught.type is OutOfWork


def test_a_text_beyond_the_budget_is_not_shown_to_sympy(monkeypatch):
    monkeypatch.setattr("sympy.Add", asked)
    assert refused(of_terms(800), 800 * 10 * parser.READING)
    # The control: with enough of it SymPy is asked.
    assert not refused(of_terms(800), PLENTY)


def test_a_derivative_beyond_the_budget_is_not_formed(monkeypatch):
    text = of_terms(50)
    read = spent(lambda: parse_with_domain(text, SYMBOLS, "loss"))
    monkeypatch.setattr("adamsym.gradients.problem.first_derivatives", asked)
    assert refused(text, read + 50 * 10 * sizes.FORMING)
    assert not refused(text, PLENTY)


def test_a_certificate_of_a_huge_loss_is_undecided_before_it_is_read(monkeypatch):
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], ROWS), Adam("0.5", "0.9", "0.1"))
    content = certificate(find_zeros(field, [[5.0, 6.0]]))
    assert check_certificate(content).valid
    huge = content | {"problem": content["problem"] | {"loss": of_terms(800)}}
    huge["digest"] = digest_of(huge)
    asked = []
    monkeypatch.setattr("adamsym.gradients.problem.first_derivatives", lambda *given: asked.append(given))
    found = check_certificate(huge, operations=1_000_000)
    assert (found.valid, found.undecided, found.reason) == (False, True, "the budget of work is spent")
    assert not asked
    # The small one needs its reading counted too.
    assert check_certificate(content, operations=1000).undecided


def test_there_is_a_longest_text(monkeypatch):
    monkeypatch.setattr(parser, "MOST_TOKENS", 9)
    assert parse_with_domain("theta+x+theta+x+1", SYMBOLS, "loss")[0] == sp.sympify("2*theta + 2*x + 1").subs(SYMBOLS)
    with pytest.raises(InputError, match=r"^loss: more than 9 numbers, names and signs; write it shorter$"):
        parse_with_domain("theta+x+theta+x+1+x", SYMBOLS, "loss")
