"""Certified branches: fields over ranges hold those of their numbers; tubes hold what Newton's method finds."""

import json
from dataclasses import replace
from fractions import Fraction

import flint
import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import (
    Adam,
    AdamEpsInsideRoot,
    AdamField,
    AdamW,
    Empirical,
    Independent,
    InputError,
    NAdam,
    Problem,
    RMSprop,
    VectorField,
    certificate,
    certify_branch,
    check_certificate,
    find_zero,
    find_zeros,
    sweep,
)
from adamsym.certificates.form import json_schema
from adamsym.checker.balls import Balls
from adamsym.checker.field import field_over as checked_over
from adamsym.checker.form import form_of
from adamsym.continuation import tubes, turns
from adamsym.continuation.tube_proofs import Prover
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import field_over
from adamsym.gradients.entries import DataEntry, law_over, law_with, problem_over
from adamsym.methods.record import parameters_of

THREE = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam("0.9", "0.999", "1e-8"))
RARE = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 40]}, ["0.49", "0.49", "0.02"]))
METHODS = [
    (Adam("0.3", "0.9", "1e-4"), "beta1", ("0", "0.5")),
    (Adam("0.3", "0.9", "1e-4"), "beta2", ("0.3", "0.99")),
    (Adam("0.3", "0.9", "1e-4"), "eps", ("1e-6", "2")),
    (AdamEpsInsideRoot("0.3", "0.9", "1e-4"), "eps", ("1e-6", "2")),
    (NAdam("0.3", "0.9", "1e-2"), "beta1", ("0", "0.8")),
    (AdamW("0.3", "0.9", "1e-2", "0.1"), "weight_decay", ("0", "1")),
    (RMSprop("0.9", "1e-2"), "beta2", ("0.1", "0.95")),
]


@settings(max_examples=15)
@given(st.sampled_from(METHODS), st.data())
def test_fields_over_ranges_hold_those_of_their_numbers(drawn, data):
    method, name, interval = drawn
    low, high = map(Fraction, interval)
    share, length = (Fraction(data.draw(st.integers(0, 100)), 100) for _ in range(2))
    start = low + share * (high - low) * Fraction(9, 10)
    end = start + length * (high - start) / 8
    inner = start + Fraction(data.draw(st.integers(0, 10)), 10) * (end - start)
    theta = data.draw(st.floats(-3, 45))
    one = type(method)(**{**parameters_of(method), name: inner})
    form = method.laplace_over(name, start, end)
    with ball_arithmetic():
        whole = field_over(RARE, form, [flint.arb(theta)], True)
        point = field_over(RARE, one.laplace, [flint.arb(theta)], True)
        assert whole.value[0].contains(point.value[0].mid())
        assert whole.jacobian[0][0].contains(point.jacobian[0][0].mid())
    using = Balls()
    with using.working():
        again = checked_over(RARE, form_of(using, form), [using.number(theta)], True)
        assert again.value[0].overlaps(whole.value[0])
        assert again.value[0].contains(point.value[0].mid())
        assert again.jacobian[0][0].contains(point.jacobian[0][0].mid())


DATA = [
    (RARE, "data.x[2]", ("30", "45")),
    (RARE, "data.x[0]", ("-2", "2")),
    (RARE, "data.weights[2]", ("0.01", "0.1")),
    (RARE.changed(batch_size=3), "data.weights[0]", ("0.3", "0.6")),
    (RARE.changed(batch_size=60), "data.weights[1]", ("0.3", "0.31")),
    (RARE.changed(batch_size=60), "data.x[1]", ("0.9", "1.2")),
    (Problem("(theta - x)**2/2 + exp(-y*theta/9)", ["theta"], {"x": [0, 1], "y": [2, 2]}), "data.y", ("1", "4")),
]


@settings(max_examples=14)
@given(st.sampled_from(DATA), st.data())
def test_fields_over_ranges_of_the_data_hold_those_of_their_numbers(drawn, data):
    problem, name, interval = drawn
    entry = DataEntry.named(name)
    assert str(entry) == name
    low, high = map(Fraction, interval)
    share, length, inner = (Fraction(data.draw(st.integers(0, 100)), 100) for _ in range(3))
    start = low + share * (high - low) * Fraction(9, 10)
    end = start + length * (high - start) / 8
    theta, form = data.draw(st.floats(-3, 45)), Adam("0.3", "0.9", "0.01").laplace
    over = problem_over(entry, problem, start, end)
    one = problem.changed(law=law_with(entry, problem.law, start + inner * (end - start)))
    assert sum(one.law.exact_probabilities) == 1
    assert entry.values(one.law)[0] == start + inner * (end - start)
    with ball_arithmetic():
        whole = field_over(over, form, [flint.arb(theta)], True)
        point = field_over(one, form, [flint.arb(theta)], True)
        assert whole.value[0].contains(point.value[0].mid())
        assert whole.jacobian[0][0].contains(point.jacobian[0][0].mid())
    using = Balls()
    with using.working():
        again = checked_over(over, form_of(using, form), [using.number(theta)], True)
        assert again.value[0].overlaps(whole.value[0])
        assert again.value[0].contains(point.value[0].mid())
        assert again.jacobian[0][0].contains(point.jacobian[0][0].mid())


class _Stepped(Adam):
    """A weight that jumps at beta1 = 1/2."""

    @property
    def current_weight(self):
        return Fraction(0) if self.alpha > Fraction(1, 2) else Fraction(3, 4)


class _Tied(Adam):
    """One memory makes two."""

    def __init__(self, beta2="0.5", eps="0.01"):
        super().__init__(Fraction(beta2) * Fraction(9, 10), beta2, eps)


class _Kept(Adam):
    """A weight that is computed once."""

    def __init__(self, beta1="0.5", beta2="0.9", eps="0.01"):
        super().__init__(beta1, beta2, eps)
        object.__setattr__(self, "kept", 1 - self.alpha)

    @property
    def current_weight(self):
        return self.kept


class _Floated(Adam):
    """A weight from what the number is rounded to."""

    @property
    def current_weight(self):
        return 1 - Fraction(repr(self.beta1))


class _Vanishing(Adam):
    """A weight that is never 0 but at one number."""

    @property
    def current_weight(self):
        return Fraction(0) if self.alpha == Fraction("0.45") else Fraction(1, 2)


@pytest.mark.parametrize(
    ("method", "name", "reason"),
    [
        (_Stepped("0.49", "0.9", "0.01"), "beta1", "a range from 0.4 to 0.51 is compared to 0.5"),
        (_Vanishing("0.49", "0.9", "0.01"), "beta1", "a range from 0.4 to 0.51 is compared to 0.45"),
        (_Tied(), "beta2", "over a range of beta2 is not that of its values"),
        (_Kept(), "beta1", "over a range of beta1 is not that of its values"),
        (_Floated("0.5", "0.9", "0.01"), "beta1", "over a range of beta1 is not that of its values"),
    ],
)
def test_a_class_whose_form_over_a_range_is_not_that_of_its_values_is_refused(method, name, reason):
    """Else branches would be certified, and their certificates found valid, with zeros outside of their tubes."""
    with pytest.raises(InputError, match=reason):
        method.laplace_over(name, Fraction("0.4"), Fraction("0.51"))


def test_branches_are_proven_for_the_methods_of_the_package_alone():
    field = AdamField(THREE.problem, _Stepped("0.3", "0.9", "0.01"))
    with pytest.raises(InputError, match="not for _Stepped"):
        certify_branch(field, "beta1", "0.2", "0.3", [1.0])
    normal = AdamField(Problem("(theta - x)**2/2", ["theta"], Independent({"x": "Normal(0, 1)"})), Adam())
    with pytest.raises(InputError, match="needs listed rows"):
        certify_branch(normal, "beta2", "0.9", "0.99", [0.0])


def test_a_class_whose_form_follows_from_its_numbers_has_one_over_ranges():
    form = _Stepped("0.3", "0.9", "0.01").laplace_over("beta1", Fraction("0.2"), Fraction("0.5"))
    assert form.weights.head == (Fraction(3, 4),)
    # At beta1 = 0 NAdam has one term less.
    assert NAdam("0.3", "0.9", "0.01").laplace_over("beta1", Fraction(0), Fraction("0.5")).weights.terms


def test_a_branch_may_begin_where_there_is_no_momentum():
    found = certify_branch(AdamField(THREE.problem, Adam("0", "0.5", "0.1")), "beta1", 0, "0.1", [1.0])
    assert found.complete
    content = json.loads(json.dumps(certificate(found)))
    assert check_certificate(content).valid
    assert not check_certificate(content | {"low": "-1/10"}, digest=False).valid


def test_a_field_beside_a_range_is_not_held():
    with ball_arithmetic():
        form = THREE.adam.laplace_over("eps", Fraction("0.1"), Fraction("0.1001"))
        whole = field_over(THREE.problem, form, [flint.arb("1.5")], False).value[0]
        outside = field_over(THREE.problem, Adam("0.9", "0.999", "0.105").laplace, [flint.arb("1.5")], False).value[0]
        assert not whole.overlaps(outside)


def test_the_branch_of_three_points():
    found = certify_branch(THREE, "beta2", "0.82", "0.9999", [0.96])
    assert found.complete
    assert found.stability == "attracting"
    assert len(found.tubes) < 40
    assert found.tubes[0].low == Fraction("0.82")
    assert found.tubes[-1].high == Fraction("0.9999")
    for tube in found.tubes:
        for value in (tube.low, (tube.low + tube.high) / 2, tube.high):
            zero = find_zero(AdamField(THREE.problem, Adam("0.9", value, "1e-8")), tube.box.mean(axis=1)).theta
            assert (tube.box[:, 0] < zero).all()
            assert (zero < tube.box[:, 1]).all()
    content = json.loads(json.dumps(certificate(found)))
    jsonschema.validate(content, json_schema())
    check = check_certificate(content)
    assert check.valid
    # Of each tube its zero and its speed, and the joints between.
    assert check.proofs == 3 * len(found.tubes) - 1


@pytest.mark.slow
def test_branches_are_checked_in_the_other_arithmetic():
    for name, low, high in (("beta2", "0.82", "0.9999"), ("beta1", "0.5", "0.9"), ("eps", "1e-8", "1")):
        content = json.loads(json.dumps(certificate(certify_branch(THREE, name, low, high, [1.0]))))
        assert check_certificate(content, slow=True).valid


ONE_ROW = Problem("(theta**2 - 1)**2 + theta/2 + x", ["theta"], Empirical({"x": [0]}))
"""Weight decay draws a minimum towards 0, until it meets a maximum and vanishes."""


def around_a_fold(decay):
    """The method with this weight decay; without memory enclosures are fast."""
    return AdamField(ONE_ROW, AdamW("0", "0", "1", decay))


@pytest.fixture
def without_speeds(monkeypatch):
    """They take most of the time."""
    monkeypatch.setattr(tubes, "with_speeds", lambda branch: branch)


@pytest.fixture(scope="module")
def folded():
    # Tubes grow shorter in proportion to the distance from the fold: here they stop early.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tubes, "_FOLD", 0.3)
        # So far from the fold that takes long to prove.
        patched.setattr(turns, "proven_nondegenerate", lambda *_: None)
        patched.setattr(tubes, "with_speeds", lambda branch: branch)
        return certify_branch(around_a_fold("1.18"), "weight_decay", "1.18", "1.3", [0.4])


def test_a_branch_is_certified_around_a_fold(folded):
    (branch,) = sweep(around_a_fold("1.18"), {"weight_decay": ("1.18", "1.3")}, start=[0.4], points=12).branches
    (turn,) = branch.folds
    ((number, fold),) = folded.folds
    low, high = fold.ends
    assert folded.complete
    assert low < turn.value < high
    assert fold.box[0, 0] < turn.zero[0] < fold.box[0, 1]
    assert [{tube.stability for tube in arm} for arm in folded.arms] == [{"attracting"}, {"repelling"}]
    assert folded.tubes[number].high == low == folded.tubes[number + 1].high
    assert "attracting, then repelling" in folded.summary
    assert "a fold at weight_decay in [1." in folded.summary
    shown = folded.to_dict()["branches"][0]
    about = {"after": number, "value": [float(low), float(high)], "enclosure": fold.box.tolist()}
    assert shown["folds"] == [about | {"nondegenerate": False}]
    assert shown["changes"] == []
    assert [row[-1] for row in folded.table()[1]].count("fold") == 1
    # Both zeros at the fold's lower value, by a search of its box; none at the upper one.
    for value, number_of_zeros in ((low, 2), (high, 0)):
        found = find_zeros(around_a_fold(value), fold.box)
        assert found.complete
        assert len(found.zeros) == number_of_zeros
    content = json.loads(json.dumps(certificate(folded)))
    jsonschema.validate(content, json_schema())
    assert check_certificate(content).valid


def test_a_branch_that_is_not_certified_whole_says_so(monkeypatch):
    monkeypatch.setattr(tubes, "MOST_TUBES", 2)
    found = certify_branch(around_a_fold("1.18"), "weight_decay", "1.18", "1.3", [0.4])
    assert found.summary.startswith("certified in part")
    assert "2 tubes are the most" in found.reason
    assert check_certificate(json.loads(json.dumps(certificate(found)))).valid
    monkeypatch.setattr(tubes, "_SHORTEST", 1.0)
    monkeypatch.setattr(Prover, "tube", lambda *_: None)
    found = certify_branch(around_a_fold("1.18"), "weight_decay", "1.18", "1.3", [0.4])
    assert found.summary == "undecided: no tube is proven beyond weight_decay = 1.18"


SPIRAL = VectorField(["-x/2 + y + x**3 + n", "-x - y/2 + y**3"], ["x", "y"], Empirical({"n": [-1, 1]}))
"""A game of two players, whose rest loses its stability to oscillations where weight decay is small."""


def test_where_complex_eigenvalues_cross_the_axis_is_enclosed():
    field = AdamField(SPIRAL, AdamW("0", "0.9", "1", "0.1"))
    found = certify_branch(field, "weight_decay", "0.36", "0.38", [0.0, 0.0])
    (change,) = found.changes
    low, high = found.between(change)
    assert found.complete
    assert 0 < high - low < Fraction("1e-7")
    kinds = [found.tubes[k].stability for k in (change.before, change.after)]
    assert kinds == ["repelling", "attracting"]
    for value, sign in ((low, 1), (high, -1)):
        values = np.linalg.eigvals(AdamField(SPIRAL, AdamW("0", "0.9", "1", value)).jacobian([0.0, 0.0]))
        assert (np.sign(values.real) == sign).all()
        assert (np.abs(values.imag) > 0.1).all()
    assert "from repelling to attracting at weight_decay in [0.3687" in found.summary
    assert found.to_dict()["branches"][0]["changes"][0]["kind"] == "Hopf"
    assert check_certificate(json.loads(json.dumps(certificate(found)))).valid


@pytest.mark.usefixtures("without_speeds")
def test_a_zero_that_jumps_is_refused():
    """Without joints two tubes around different zeros would pass for one branch."""
    two = Problem("(theta - 1)**2*(theta + 1)**2*(1 + x)", ["theta"], Empirical({"x": [0, 0, 0.5]}))
    field = AdamField(two, Adam("0", "0.9", "1"))
    found = certify_branch(field, "eps", "0.5", "0.6", [0.9])
    other = certify_branch(field, "eps", "0.5", "0.6", [-0.9])
    assert found.complete
    assert other.complete
    crossed = replace(found, tubes=(*found.tubes[:1], *other.tubes[1:]), joints=(found.joints[0], *other.joints[1:]))
    check = check_certificate(json.loads(json.dumps(certificate(crossed))))
    assert not check.valid
    assert "joint 0 does not lie in the tubes on both sides" in check.reason


def test_wrong_intervals_are_named():
    with pytest.raises(InputError, match="the lower end comes first"):
        certify_branch(THREE, "beta2", "0.99", "0.9", [1.0])
    with pytest.raises(InputError, match="batch sizes are no interval"):
        certify_branch(THREE, "batch_size", 1, 4, [1.0])
    for name, reason in (("data.x[3]", "there is no row 3"), ("data.y", "no column y"), ("data.weights", "of one row")):
        with pytest.raises(InputError, match=reason):
            certify_branch(THREE, name, "0.1", "0.4", [1.0])
    with pytest.raises(InputError, match="above 0 and below 1"):
        certify_branch(THREE, "data.weights[0]", "0.5", 1, [1.0])
    with pytest.raises(InputError, match="give one point"):
        certify_branch(THREE, "beta2", "0.9", "0.99", [[1.0]])


@pytest.mark.parametrize(
    ("name", "low", "high", "other"),
    [
        pytest.param("data.x[2]", "2.9", "3.1", "data.x[0]", marks=pytest.mark.slow),
        ("data.weights[2]", "0.3", "0.32", "data.weights[1]"),
    ],
)
def test_branches_over_numbers_of_the_data(name, low, high, other):
    found = certify_branch(THREE, name, low, high, [1.0])
    assert found.complete
    assert found.stability == "attracting"
    entry = DataEntry.named(name)
    for tube in found.tubes:
        for value in (tube.low, (tube.low + tube.high) / 2, tube.high):
            law = law_with(entry, THREE.problem.law, value)
            zero = find_zero(AdamField(THREE.problem.changed(law=law), THREE.adam), tube.box.mean(axis=1)).theta
            assert (tube.box[:, 0] < zero).all()
            assert (zero < tube.box[:, 1]).all()
    content = json.loads(json.dumps(certificate(found)))
    jsonschema.validate(content, json_schema())
    assert check_certificate(content).valid
    # Of another row, another column or none, and over more values, it is false.
    for change in ({"parameter": other}, {"parameter": "data.y[2]"}, {"parameter": "eps"}, {"high": "3.2"}):
        assert not check_certificate(content | change, digest=False).valid


def test_a_range_of_the_data_in_which_gradients_may_jump_is_refused():
    kinked = AdamField(Problem("Abs(theta - x)", ["theta"], {"x": [0, 1, 3]}), Adam())
    with pytest.raises(InputError, match="may jump within a range of the data"):
        certify_branch(kinked, "data.x[1]", "0.9", "1.1", [1.0])
    with pytest.raises(InputError, match="no rows"):
        law_over(DataEntry("x", 0), Independent({"x": "Normal(0, 1)"}), Fraction(0), Fraction(1))


def standing():
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 1, 2]}))
    return certify_branch(AdamField(problem, Adam("0.3", "0.9", "0.1")), "beta2", "0.74", "0.75", [1.0])


@pytest.mark.usefixtures("without_speeds")
def test_a_zero_that_stands_still_needs_few_tubes():
    found = standing()
    assert found.complete
    assert len(found.tubes) <= 12
    assert max(tube.parts for tube in found.tubes) <= 20


@pytest.mark.slow
def test_a_zero_that_stands_still_is_checked():
    """Its box is so narrow that the field must be enclosed in many parts, which takes as many proofs."""
    assert check_certificate(json.loads(json.dumps(certificate(standing())))).valid


def moves(x):
    """Whether the zero moves with the memory: that of rows which lie symmetrically stands still."""
    return sorted(x)[1] - min(x) != max(x) - sorted(x)[1]


@settings(max_examples=1)
@given(st.lists(st.integers(-5, 5), min_size=3, max_size=3, unique=True).filter(moves), st.integers(0, 99))
def test_drawn_branches_hold_zeros_and_are_checked(x, percent):
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": x})), Adam("0.3", "0.9", "0.1"))
    found = certify_branch(field, "beta2", "0.74", "0.75", [float(np.mean(x))])
    assert found.complete
    assert check_certificate(json.loads(json.dumps(certificate(found)))).valid
    value = Fraction("0.74") + Fraction(percent, 100) * Fraction("0.01")
    zero = find_zero(AdamField(field.problem, Adam("0.3", value, "0.1")), [float(np.mean(x))]).theta
    tube = next(tube for tube in found.tubes if tube.low <= value <= tube.high)
    assert (tube.box[:, 0] < zero).all()
    assert (zero < tube.box[:, 1]).all()
