"""Certificates about continuous data: the checker's laws against the maker's, records, and what is refused."""

import copy
import random
from fractions import Fraction

import numpy as np
import pytest
from arithmetics import ends
from bases import UNIFORM, base
from flint import arb
from forgeries import signed

from adamsym import Adam, AdamField, Problem
from adamsym.certify import certificate, certify_lyapunov
from adamsym.checker import check_certificate
from adamsym.checker.balls import Balls
from adamsym.checker.continuous_law import ContinuousLaw
from adamsym.checker.field import field_over, quotient
from adamsym.checker.form import form_of
from adamsym.checker.moment_products import MomentProducts
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.expressions.errors import InputError
from adamsym.field.ball.arithmetic import ball, ball_arithmetic
from adamsym.field.ball.continuous_law import ContinuousLaw as MakersLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.field.ball.standard_laws import STANDARD_LAWS
from adamsym.gradients.record import problem_from_record, problem_record

KINDS = tuple(STANDARD_LAWS)


def as_ball(x):
    low, high = ends(x)
    return arb(low).union(arb(high))


def checked(using, kind, p, q, adam, radius=0):
    """F and its derivatives in p and q by the checker, as balls."""
    with using.working():
        one, zero = using.number(1), using.number(0)
        start = using.exact(Fraction(p)) + using.around_zero(using.number(radius))
        law = ContinuousLaw(using, kind, start, using.exact(Fraction(q)), [(one, zero), (zero, one)])
        return [as_ball(x) for x in quotient(law, form_of(using, adam.laplace), 1e-15)]


def enclosed(kind, p, q, adam, radius=0):
    """The same by what makes certificates."""
    with ball_arithmetic():
        sides = ball(Fraction(p)) + arb(0, radius), ball(Fraction(q))
        found = enclose_law(
            MakersLaw(STANDARD_LAWS[kind], *sides, [(arb(1), arb(0)), (arb(0), arb(1))]), adam.laplace, 1e-15
        )
    return [found.value, *found.slopes]


def _check_agreement(cases, seed, using=None, betas=("0.5", "0.9", "0.99", "0.999")):
    rng = random.Random(seed)
    for _ in range(cases):
        kind, scale = rng.choice(KINDS), Fraction(10) ** rng.randint(-10, 10)
        p, q = (Fraction(rng.choice(texts)) * scale for texts in (["0", "0.3", "-1", "5"], ["1", "-1", "0.5", "0.01"]))
        adam = Adam(rng.choice(["0", "0.5"]), rng.choice(betas), scale * Fraction(10) ** rng.randint(-4, 0))
        radius = rng.choice([0, 0, float(scale) * 1e-3])
        found, other = checked(using or Balls(), kind, p, q, adam, radius), enclosed(kind, p, q, adam, radius)
        assert all(x.overlaps(y) for x, y in zip(found, other, strict=True)), (kind, p, q, adam)
        if radius == 0 and q >= scale / 10 and adam.beta > 0:
            # Next to 0 / 0, where q is small beside p, the checker takes more bits.
            assert float(found[0].rad()) < 1e-11, (kind, p, q, adam)


def test_checker_and_maker_agree_on_continuous_laws():
    _check_agreement(8, seed=1)


@pytest.mark.slow
def test_checker_and_maker_agree_on_many_continuous_laws():
    _check_agreement(1500, seed=2, betas=("0", "0.5", "0.82", "0.9", "0.99", "0.999"))
    _check_agreement(40, seed=3, using=MpmathIntervals(), betas=("0.5", "0.9"))


@pytest.mark.parametrize(
    "kind", ["Normal", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("Uniform", "Exponential"))]
)
def test_mpmath_intervals_agree_too(kind):
    adam = Adam("0", "0.5", "0.1")
    found, other = checked(MpmathIntervals(), kind, "0.4", "-1", adam), enclosed(kind, "0.4", "-1", adam)
    assert all(x.overlaps(y) for x, y in zip(found, other, strict=True))
    assert all(float(x.rad()) < 1e-13 for x in found)


def test_without_remainders_the_checker_is_wrong(monkeypatch):
    """A control: what the Taylor polynomials leave out matters where they are used too far."""
    case = "Exponential", "0.2", 1, Adam("0.5", "0.9", "0.01")
    assert checked(Balls(), *case)[0].overlaps(enclosed(*case)[0])
    monkeypatch.setattr(MomentProducts, "_range", lambda self: (self.using.number(0.1), 1e-30))
    monkeypatch.setattr(MomentProducts, "_beyond", _without_rest(MomentProducts._beyond))
    assert not checked(Balls(), *case)[0].overlaps(enclosed(*case)[0])


def _without_rest(beyond):
    def changed(self, t, s):
        self.columns = [(values, [self.using.number(0)] * len(tops)) for values, tops in self.columns]
        return beyond(self, t, s)

    return changed


def test_data_of_another_spread_are_refused():
    """A rate wrong by a millionth moves the zero out of its box."""
    content = copy.deepcopy(base("exponential data").content)
    assert check_certificate(content).valid
    content["problem"]["columns"] = {"x": "Exponential(1000001/1000000)"}
    assert not check_certificate(signed(content)).valid


@pytest.mark.parametrize("by", ["factor", "minimum"])
def test_what_needs_rows_is_refused_and_no_crash(by):
    content = copy.deepcopy(base("exponential data by sign").content)
    content["leaves"][0]["by"] = by
    assert not check_certificate(signed(content)).valid
    content = copy.deepcopy(base("exponential data by sign").content)
    content["factor"] = "theta"
    assert not check_certificate(signed(content)).valid
    ball_content = copy.deepcopy(base("ball undecided").content)
    ball_content["problem"]["columns"] = dict.fromkeys(ball_content["problem"]["columns"], "Normal(0, 1)")
    ball_content["problem"]["probabilities"] = []
    found = check_certificate(signed(ball_content))
    assert not found.valid
    assert "continuous" in found.reason


def test_a_loss_that_is_not_affine_in_the_data_is_refused():
    content = copy.deepcopy(base("exponential data by sign").content)
    content["problem"]["loss"] = "(theta - x)**2/2 + theta*x**2/100"
    found = check_certificate(signed(content))
    assert not found.valid
    assert "affine" in found.reason


def test_records_of_continuous_data_are_read_back():
    problem = Problem("(u - x)**2/2 + (v - y)**2", ["u", "v"], {"x": "Normal(1/3, 0.1)", "y": "Normal(0, 2)"}, 5)
    record = problem_record(problem, Adam())
    assert record["columns"] == {"x": "Normal(1/3, 1/10)", "y": "Normal(0, 2)"}
    assert record["probabilities"] == []
    read, method = problem_from_record(record)
    assert problem_record(read, method) == record


@pytest.mark.parametrize(
    ("columns", "probabilities", "fragment"),
    [
        ({"x": "Normal(0, 1)", "y": ["1"]}, [], "for each"),
        ({"x": "Normal(0, 1)"}, ["1"], "continuous columns have none"),
        ({"x": "Normal(0)"}, [], "takes 2 numbers"),
    ],
)
def test_other_records_are_refused(columns, probabilities, fragment):
    record = problem_record(Problem("(theta - x)**2/2", ["theta"], {"x": "Normal(0, 1)"}), Adam())
    with pytest.raises(InputError, match=fragment):
        problem_from_record(record | {"columns": columns, "probabilities": probabilities})


def test_regions_of_continuous_data_are_certified_refuted_and_checked():
    """The zero 0.935 lies below the mean 1: between the two the loss increases."""
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], {"x": "Exponential(1)"}), Adam("0.5", "0.9", "1e-3"))
    for region, verdict in (([[1.2, 4.0]], "certified"), ([[0.95, 0.99]], "refuted")):
        found = certify_lyapunov(field, region, executor=1)
        assert found.verdict == verdict
        assert found.rate is None
        assert check_certificate(certificate(found)).valid


@pytest.mark.parametrize("kind", KINDS)
def test_far_out_transforms_over_boxes_are_bounded_by_the_density(kind):
    """There the integrals are those of a density that hardly changes, and the box alone leaves far more open."""
    using, p, q, root = Balls(), -0.5, 0.8, 100.0
    x = np.linspace(-9, 9, 721)
    z = (x / root - p) / q
    density = {"Normal": np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), "Uniform": 0.5 + 0 * z, "Exponential": np.exp(-z)}
    weights = density[kind] * np.exp(-(x**2)) * (x[1] - x[0]) / (q * root)
    exact = [weights @ x / root, weights.sum()]
    for of_z in (1, z):
        exact += [(of_z * weights) @ (1 - 2 * x**2), -2 * root * (of_z * weights) @ x]
    with using.working():
        one, zero = using.number(1), using.number(0)
        sides = [using.number(side) + using.around_zero(using.number(0.04)) for side in (p, q)]
        law = ContinuousLaw(using, kind, *sides, [(one, zero), (zero, one)])
        a, b, slopes = law.transforms(using.number(root) * root)
        found = [as_ball(y) for y in (a, b, *(part for pair in slopes for part in pair))]
    assert all(y.contains(arb(value, 1e-12)) for y, value in zip(found, exact, strict=True))
    assert found[1] < 0.03
    assert found[0].rad() < 2e-4
    # The derivatives of A and of B.
    assert all(pair[0].rad() < 0.06 for pair in (found[2:4], found[4:6]))
    assert all(pair[1].rad() < 4 for pair in (found[2:4], found[4:6]))


def test_wide_boxes_of_uniform_data_are_enclosed():
    """Products over the lags fall although B is known up to more than 1 from the middle of the box alone."""
    using, field = Balls(), UNIFORM
    with using.working():
        side = using.number(1.1156) + using.around_zero(using.number(0.02))
        found = field_over(field.problem, form_of(using, field.adam.laplace), [side], True, 1e-9)
        assert found.jacobian[0][0] < 0
        assert as_ball(found.jacobian[0][0]).rad() < 3
