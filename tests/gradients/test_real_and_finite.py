"""A loss must be real and finite as written, at every point that is evaluated and over every box that is certified."""

from pathlib import Path

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp

from adamsym import (
    Adam,
    AdamField,
    Empirical,
    Independent,
    InputError,
    Problem,
    StepSizeSchedule,
    certificate,
    certify_lyapunov,
    check_certificate,
    compare_regions,
    find_zeros,
    flow,
    read_problem,
    simulate,
)
from adamsym.certificates.form import digest_of
from adamsym.certify.field_function import NOT_REAL
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.balls import Balls
from adamsym.checker.law import gradient_laws
from adamsym.expressions.domain import DomainError

CASES = Path(__file__).parents[1] / "cases"
ROWS = Empirical({"x": [1, 2]})
ADAM = Adam("0.5", "0.9", "1e-3")

UNREAL = [
    ("log(w*x)", -1.0),
    ("log(w*x)", 0.0),
    ("log(w**2)*0 + w", 0.0),
    ("w + w/w", 0.0),
    ("exp(log(w))*x", -2.0),
    ("sqrt(w)**2*x", -0.5),
    ("w**2 + 0*sqrt(x - 1 - w)", 0.5),
    ("w**2*(w - 1)**0", 1.0),
    ("(w**(1/3))**3", -1.0),
    ("w*x + 0/(1 + w)", -1.0),
    ("1/(1/(w - 2) - 1/(w - 2) + 1) + w", 2.0),
]


@pytest.mark.parametrize(("loss", "at"), UNREAL)
def test_no_point_outside_of_the_domain_is_evaluated(loss, at):
    problem = Problem(loss, ["w"], ROWS)
    field, point = AdamField(problem, ADAM), [at]
    evaluations = [
        problem.row_gradients,
        problem.row_losses,
        problem.row_jacobians,
        problem.mean_loss,
        field,
        field.jacobian,
        lambda w: field.enclose([[w[0], w[0]]]),
        lambda w: problem.row_gradients_mpmath([mpmath.mpf(w[0])]),
        lambda w: flow(field, w, (0, 1)),
        lambda w: find_zeros(field, [[w[0], w[0]]]),
    ]
    for evaluate in evaluations:
        with pytest.raises(InputError, match="real and finite") as caught:
            evaluate(point)
        assert "\n" not in str(caught.value)
    with pytest.raises(NotCheckable, match="not proved real"):
        gradient_laws(Balls(), problem, [flint.arb(at)], slopes=False)


@pytest.mark.parametrize(("loss", "at"), UNREAL)
def test_points_inside_of_the_domain_are(loss, at):
    # The control: the same losses at a point where they are real.
    inside = next(w for w in (-0.7, 0.9, 3.5) if not fails(Problem(loss, ["w"], ROWS), w))
    problem = Problem(loss, ["w"], ROWS)
    assert np.isfinite(AdamField(problem, ADAM)([inside])).all()
    assert gradient_laws(Balls(), problem, [flint.arb(inside)], slopes=True)
    problem.require_domain([flint.arb(inside)])


@pytest.mark.parametrize(("loss", "inside", "outside"), [("log(w*x)*w/w", 1.0, -1.0), ("w**2 + 0*sqrt(w)", 0.5, -0.5)])
def test_chains_outside_of_the_domain_fail(loss, inside, outside):
    problem = Problem(loss, ["w"], ROWS)
    ran = simulate(problem, ADAM, StepSizeSchedule("1e-9"), [[inside], [outside]], 3, chains=2, seed=0)
    assert ran.diverged.tolist() == [False, True]


def fails(problem, w):
    try:
        problem.row_gradients([w])
    except InputError:
        return True
    return False


def test_the_message_names_the_row_and_the_condition():
    problem = Problem("log(theta - x)", ["theta"], Empirical({"x": [0, 5]}))
    with pytest.raises(DomainError, match=r"^problem.loss: .* data row 1 .*log\(theta - x\) needs theta - x positive$"):
        problem.row_gradients([3.0])


def test_rows_at_which_the_loss_is_real_for_no_parameters_are_refused():
    with pytest.raises(InputError, match=r"data row 1, where log\(x\) needs x positive"):
        Problem("theta**2 + 0*log(x)", ["theta"], Empirical({"x": [1, 0]}))
    with pytest.raises(InputError, match=r"where sqrt\(x\) needs x at least 0"):
        Problem("theta**2*sqrt(x)", ["theta"], Independent({"x": "Normal(0, 1)"}))
    Problem("theta**2*sqrt(x)", ["theta"], Independent({"x": "Exponential(1)"}))


def test_continuous_laws_are_tested_at_their_nodes():
    problem = Problem("0*log(theta - x) + (theta - x)**2/2", ["theta"], Independent({"x": "Uniform(0, 1)"}))
    field = AdamField(problem, Adam())
    assert np.isfinite(field([1.5])).all()
    with pytest.raises(DomainError, match="a row drawn from the law"):
        field([0.5])


@pytest.mark.parametrize(
    ("loss", "law", "inside", "outside"),
    [
        ("0*log(theta - x)", "Uniform(0, 1)", 1.25, 0.999),
        ("0*log(theta - x)", "Normal(0, 1)", None, 500.0),
        ("0*log(theta + x)", "Exponential(1)", 0.0, -1e-3),
        ("0*sqrt(theta*x)", "Gamma(2, 1)", 1.0, -1.0),
        ("0*log(theta**2 + x**3)", "Normal(0, 1)", None, 30.0),
        ("0*sqrt(theta - x*(1 - x))", "Beta(2, 2)", 1.0, -0.1),
    ],
)
def test_rows_of_small_probability_count_too(loss, law, inside, outside):
    problem = Problem(f"{loss} + (theta - x)**2", ["theta"], Independent({"x": law}))
    with pytest.raises(DomainError, match="real and finite"):
        problem.gradient([outside])
    if inside is not None:
        assert np.isfinite(problem.gradient([inside])).all()


def test_expressions_that_sympy_left_alone_keep_their_conditions():
    w, x = sp.symbols("w x", real=True)
    unsimplified = [
        (sp.Mul(w, sp.Pow(w, -1), evaluate=False) + w * x, "w other than 0"),
        (sp.Pow(sp.sqrt(w), 2, evaluate=False), "w at least 0"),
        (sp.exp(sp.log(w), evaluate=False), "w positive"),
        (w * x + sp.log(w * x) - sp.log(x), "w\\*x positive"),
    ]
    for loss, condition in unsimplified:
        with pytest.raises(DomainError, match=f"needs {condition}"):
            Problem(loss, ["w"], ROWS).row_gradients([-1.0 if condition != "w other than 0" else 0.0])


D1 = read_problem(CASES / "d1.toml")
D1_FIELD = AdamField(D1.problem, D1.adam)


def test_where_the_loss_is_real_nowhere_the_input_is_bad():
    with pytest.raises(InputError, match=r"box: the loss is real and finite nowhere in it: .*log\(theta\)"):
        find_zeros(D1_FIELD, [[-3, -0.5]])
    with pytest.raises(InputError, match=r"region: the loss is real and finite nowhere in it"):
        certify_lyapunov(D1_FIELD, [[-3, -2]])
    with pytest.raises(InputError, match="not proved real and finite over the box"):
        D1_FIELD.enclose([[-1, 2]])


def settled(leaves):
    """The boxes about which something is certified."""
    return [box for box, outcome in leaves if outcome.by not in ("undecided", "split")]


def test_nothing_is_certified_beyond_the_edge_of_the_domain():
    found = find_zeros(D1_FIELD, [[-3, 3]])
    [zero] = found.zeros
    assert abs(zero.midpoint[0] - np.sqrt(1.5)) < 0.05
    assert not found.complete
    assert {outcome.reason for _, outcome in found.leaves if outcome.by == "undecided"} == {NOT_REAL}
    assert settled(found.leaves)
    assert all(box[0][0] > 0 for box in settled(found.leaves))
    assert check_certificate(certificate(found)).valid
    region = certify_lyapunov(D1_FIELD, [[-1, 3]])
    assert settled(region.leaves)
    assert all(box[0][0] > 0 for box in settled(region.leaves))
    assert compare_regions(region).shares["T6"] is None


def test_the_checker_proves_the_domain_by_itself():
    # The field of a loss with the same gradient, real everywhere it is certified; then the loss is exchanged.
    loss = "theta**2/2 - x*log(theta**2)/2"
    problem = Problem(loss, ["theta"], D1.problem.law)
    found = certificate(find_zeros(AdamField(problem, D1.adam), [[-3, -0.5]]))
    assert check_certificate(found).valid
    for unreal in ("theta**2/2 - x*log(theta)", f"{loss} + 0*sqrt(theta)", f"{loss} + sqrt(theta) - sqrt(theta)"):
        forged = {**found, "problem": {**found["problem"], "loss": unreal}}
        forged["digest"] = digest_of(forged)
        assert not check_certificate(forged).valid


def test_boxes_that_touch_the_edge():
    # sqrt(theta) is real at 0, its gradient is not bounded there; squared again, it is.
    bounded = AdamField(Problem("sqrt(theta)**4*x + theta", ["theta"], ROWS), ADAM)
    assert np.isfinite(bounded.enclose([[1e-300, 1e-299]])).all()
    with pytest.raises(InputError, match=r"not bounded over the box|not proved real"):
        AdamField(Problem("sqrt(theta)*x", ["theta"], ROWS), ADAM).enclose([[0, 1]])
    with pytest.raises(DomainError, match="not proved real"):
        bounded.enclose([[-1e-300, 1]])
    corner = AdamField(Problem("(a - x)**2 + (b - x)**2 + 0*log(a + b)", ["a", "b"], ROWS), ADAM)
    assert np.isfinite(corner.enclose([[1e-3, 1], [-1e-9, 1]])).all()
    with pytest.raises(DomainError, match="not proved real"):
        corner.enclose([[0, 1], [0, 1]])


def test_one_bad_row_of_many_is_enough():
    problem = Problem("(theta - x)**2 + 0*log(theta - x)", ["theta"], Empirical({"x": [*range(50), 60]}))
    with pytest.raises(DomainError, match="data row 50"):
        problem.row_gradients([55.0])
    with pytest.raises(DomainError, match="data row 50"):
        problem.require_domain([flint.arb(55, 1)])
    problem.require_domain([flint.arb(62, 1)])


def test_a_random_box_is_proved_real_only_where_it_is():
    generator = np.random.default_rng(0)
    theta = sp.Symbol("theta", real=True)
    problem = Problem("theta**2*x + 0*log(theta**3 - theta)", ["theta"], ROWS)
    proved = refuted = 0
    for _ in range(150):
        low, high = np.sort(generator.uniform(-2, 2, 2) * generator.choice([1, 0.1]))
        ball = flint.arb(low).union(flint.arb(high))
        points = [sp.Rational(x) for x in np.linspace(low, high, 9)]
        real = [bool((theta**3 - theta).subs(theta, x) > 0) for x in points]
        try:
            problem.require_domain([ball])
        except DomainError:
            pass
        else:
            proved += 1
            assert all(real)
        if problem.refute_domain([ball]) is not None:
            refuted += 1
            assert not any(real)
    assert proved > 10
    assert refuted > 10
