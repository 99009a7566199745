"""A user's method, with lag weights and a kernel of its own, all the way to a checked certificate."""

import copy
import json
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from forgeries import signed
from own_kernel import TwoRates

from adamsym.certify import certificate, certify_lyapunov, find_zeros
from adamsym.checker import check_certificate
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.methods import METHODS, LagWeights, LaplaceForm, Method, RMSprop
from adamsym.methods.record import method_record


@dataclass(frozen=True)
class HalfOfTheNewest(Method):
    """A share of the newest gradient, a little of the one before, and a running mean, over two rates of V."""

    share: float = 0.5
    eps: Fraction = Fraction(1, 5)

    def initial_state(self, shape):
        return (np.zeros(shape),) * 3

    def step(self, state, gradient, theta, n):
        before, m, v = state
        m, v = 0.5 * m + 0.5 * gradient, 0.6 * v + 0.4 * gradient**2
        numerator = self.share * gradient + 0.05 * before + 0.4 * m
        return (gradient, m, v), -numerator * self.laplace.kernel.of(v)

    @property
    def memory(self):
        return 2.0

    @property
    def laplace(self):
        share = exact_rational(self.share, "share")
        weights = LagWeights((share, Fraction(1, 20)), ((Fraction(1, 5), Fraction(1, 2)),))
        return LaplaceForm(weights, Fraction(3, 5), TwoRates(exact_rational(self.eps, "eps")))


FIELD = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), HalfOfTheNewest())


@pytest.fixture
def is_known(monkeypatch):
    monkeypatch.setitem(METHODS, "HalfOfTheNewest", HalfOfTheNewest)


@pytest.fixture(scope="module")
def contents():
    found = find_zeros(FIELD, [[0.45, 0.5]], width=1e-6), certify_lyapunov(FIELD, [[2.5, 3.0]])
    return [json.loads(json.dumps(certificate(one))) for one in found]


def test_its_certificates_are_checked(contents, is_known):
    zeros, region = contents
    assert zeros["complete"]
    assert len(zeros["zeros"]) == 1
    assert region["verdict"] == "certified"
    assert zeros["problem"]["method"] == {
        "name": "HalfOfTheNewest",
        "parameters": {"share": "1/2", "eps": "1/5"},
        "laplace": {
            "head": ["1/2", "1/20"],
            "terms": [["1/5", "1/2"]],
            "beta": "3/5",
            "kernel": "1/(v + eps) + 1/(v + 100 eps)",
            "eps": "1/5",
            "decay": "0",
        },
    }
    for content in contents:
        found = check_certificate(content)
        assert found.valid, found.reason
        assert "supposing that the kernel 1/(v + eps) + 1/(v + 100 eps) is a Stieltjes function" in found.reason


@pytest.mark.parametrize("parameters", [{"share": "2"}, pytest.param({"eps": "1/50"}, marks=pytest.mark.slow)])
def test_those_of_other_parameters_are_refused(contents, parameters, is_known):
    content = copy.deepcopy(contents[0])
    method = content["problem"]["method"]
    method["parameters"] |= parameters
    assert "has another one" in check_certificate(signed(content)).reason
    changed = {key: Fraction(value) for key, value in method["parameters"].items()}
    content["problem"]["method"] = method_record(HalfOfTheNewest(float(changed["share"]), changed["eps"]))
    assert "Krawczyk" in check_certificate(signed(content)).reason


def test_where_it_is_unknown_its_certificates_are_not_valid(contents):
    for content in contents:
        found = check_certificate(content)
        assert not found.valid
        assert "problem.method.name: 'HalfOfTheNewest' is unknown here" in found.reason


class Disguised(TwoRates):
    """Another kernel under the name of a built-in one."""

    name = "1/(sqrt(v) + eps)"


def test_a_kernel_cannot_borrow_a_name():
    form = LaplaceForm(LagWeights((Fraction(1),), ()), Fraction(3, 5), Disguised(Fraction(1, 5)))

    class Borrowing(HalfOfTheNewest):
        laplace = form

    with pytest.raises(InputError, match="is that of a built-in one"):
        method_record(Borrowing())


def test_what_is_supposed_is_said_of_other_kernels_alone():
    found = find_zeros(FIELD, [[0.45, 0.5]], width=1e-6)
    assert found.to_dict()["supposes"] == found.supposes
    assert "Stieltjes function" in found.supposes
    plain = find_zeros(AdamField(FIELD.problem, RMSprop("0.5", "0.1")), [[0.4, 0.5]], width=1e-3)
    assert plain.supposes is None
    assert "supposes" not in plain.to_dict()


@dataclass(frozen=True)
class Weighted(HalfOfTheNewest):
    weights: LagWeights | None = None


def test_a_method_whose_numbers_are_none_has_no_certificate():
    with pytest.raises(InputError, match=r"adam\.weights: .* is not a number"):
        method_record(Weighted(weights=LagWeights((), ())))
