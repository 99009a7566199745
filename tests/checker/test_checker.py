"""The checker: its intervals hold the truth, true certificates pass, and what is changed in them is caught."""

import copy
import json
import math
import random
from fractions import Fraction
from pathlib import Path

import jsonschema
import mpmath
import numpy as np
import pytest
import sympy as sp
from arithmetics import ends, holds, in_both, in_both_by_long_tests, meet, middle, width
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.certificates.form import json_schema
from adamsym.certify import certificate, certify_lyapunov, find_zeros
from adamsym.checker import check_certificate
from adamsym.checker import field as field_module
from adamsym.checker import products as products_module
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.balls import Balls
from adamsym.checker.field import field_over, quotient
from adamsym.checker.form import form_of
from adamsym.checker.law import Law, minibatches, sign_factor
from adamsym.checker.lyapunov import _by_spread, _rate
from adamsym.checker.scaled_erfc import complement
from adamsym.checker.tiling import fills
from adamsym.checker.values import value_of
from adamsym.checker.zeros import DIRECTION_DEPTH, direction_holds
from adamsym.expressions.errors import InputError
from adamsym.expressions.functions import FUNCTIONS
from adamsym.expressions.parser import parse_expression
from adamsym.expressions.polynomials import bounded_polynomial
from adamsym.field import AdamField
from adamsym.field.ball import enclosure
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.reading import read_problem
from adamsym.gradients.record import problem_from_record
from adamsym.methods import Adam

THREE_POINTS = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
HYPERBOLA = AdamField(
    Problem("(a*b*x - y)**2/2", ["a", "b"], Empirical({"x": [1, 2, -0.5], "y": [1, 2, -0.5]})), Adam(0.5, 0.9, 0.01)
)
TRAP = AdamField(
    Problem("s*30*theta**2/2 + (1 - s)*sin(theta)**2/2", ["theta"], Empirical({"s": [1, 0]}, weights=["0.02", "0.98"])),
    Adam("0.5", "0.9", "0.01"),
)
SADDLE = AdamField(
    Problem("(a*tanh(b*x) - y)**2/2", ["a", "b"], Empirical({"x": [0.5, -1, 2], "y": [0.3, -0.7, 0.8]})),
    Adam("0.9", "0.99", "0.1"),
)


def written(found):
    return json.loads(json.dumps(certificate(found)))


@pytest.fixture(
    scope="module",
    params=[Adam("0.5", "0.82", "0.1"), pytest.param(Adam(), marks=pytest.mark.slow)],
    ids=["short memory", "defaults"],
)
def zeros(request):
    return written(find_zeros(AdamField(THREE_POINTS.problem, request.param), [[-5, 5]]))


@pytest.fixture(scope="module")
def saddle():
    field = AdamField(SADDLE.problem, Adam("0.5", "0.82", "0.1"))
    return written(find_zeros(field, [[-0.01, 0.01], [-0.01, 0.012]]))


@pytest.fixture(scope="module")
def curve():
    return written(certify_lyapunov(HYPERBOLA, [[0.5, 2], [0.5, 2]]))


@pytest.fixture(scope="module")
def minimum():
    return written(certify_lyapunov(TRAP, [[-0.25, 0.25]]))


@pytest.fixture(scope="module")
def refuted():
    return written(certify_lyapunov(TRAP, [[2.2, 2.3]]))


def test_true_certificates_pass(zeros, saddle, curve, minimum, refuted):
    for content in (zeros, saddle, curve, minimum, refuted):
        found = check_certificate(content)
        assert found.valid, found.reason
        assert found.proofs >= 2
        jsonschema.validate(content, json_schema())
    assert saddle["zeros"][0]["stability"] == "saddle"
    assert curve["factor"] in ("a*b - 1", "1 - a*b")
    assert minimum["minima"] == [["0"]]
    assert refuted["verdict"] == "refuted"


def test_the_published_schema_is_that_of_the_checker(zeros):
    published = json.loads((Path(__file__).parents[2] / "docs" / "certificate.schema.json").read_text())
    assert published == json_schema()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(zeros | {"complete": "yes"}, published)


def changed_digit(value, generator):
    """A number or a text with one digit changed."""
    text = value if isinstance(value, str) else repr(value)
    places = [k for k, character in enumerate(text) if character.isdigit()]
    k = generator.choice(places)
    digit = generator.choice([d for d in "0123456789" if d != text[k]])
    new = text[:k] + digit + text[k + 1 :]
    try:
        return new if isinstance(value, str) else type(value)(float(new))
    except (ValueError, OverflowError):
        return value


def numbers(content, path=()):
    """Paths of all numbers, and of all texts with digits."""
    if isinstance(content, bool):
        return
    if isinstance(content, (int, float)) or (isinstance(content, str) and any(c.isdigit() for c in content)):
        yield path
    elif isinstance(content, (list, dict)):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from numbers(value, (*path, key))


def with_change(content, path, generator):
    changed = copy.deepcopy(content)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = changed_digit(place[path[-1]], generator)
    return changed


def rejected(content, digest):
    try:
        return not check_certificate(content, digest=digest).valid
    except InputError:
        return True


def test_every_changed_digit_breaks_the_digest(zeros):
    generator = random.Random(0)
    for path in numbers(zeros):
        changed = with_change(zeros, path, generator)
        if changed != zeros:
            assert rejected(changed, digest=True), path


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_changed_digits_that_matter_are_caught_by_the_proofs(zeros, times):
    """With the digest ignored: box, zeros and problem; free are the matrices that only help the proofs, and names."""
    generator = random.Random(1)
    matters = [
        path
        for path in numbers(zeros)
        if path[0] == "box"
        or (path[0] == "leaves" and path[2] == "box")
        or (path[0] == "zeros" and path[2] in ("box", "midpoint"))
    ]
    assert len(matters) > 15
    for path in matters:
        for _ in range(times):
            changed = with_change(zeros, path, generator)
            assert changed == zeros or rejected(changed, digest=False), (path, changed)


@pytest.mark.slow
@pytest.mark.parametrize("zeros", [Adam()], ids=["defaults"], indirect=True)
def test_changed_problems_are_caught_unless_the_statement_stays_true(zeros):
    """By default the forgeries do, which change problems too."""
    generator = random.Random(2)
    for path in [path for path in numbers(zeros) if path[0] == "problem"]:
        changed = with_change(zeros, path, generator)
        if changed == zeros or rejected(changed, digest=False):
            continue
        problem, adam = problem_from_record(changed["problem"])
        (low, high) = changed["zeros"][0]["box"][0]
        ends = AdamField(problem, adam).enclose([[[low, low]], [[high, high]]])[:, 0]
        assert ends[0, 0] > 0 > ends[1, 1], path


def test_false_statements_are_caught(zeros, saddle, curve, minimum, refuted):
    def reason(content, change):
        changed = copy.deepcopy(content)
        change(changed)
        found = check_certificate(changed, digest=False)
        assert not found.valid
        return found.reason

    def stability(content):
        content["zeros"][0]["stability"] = "repelling"

    assert "stability" in reason(zeros, stability)
    # P = -1 has the inertia of a repelling zero, but J P + P J > 0 proves nothing.
    assert "stability" in reason(
        zeros, lambda c: c["zeros"][0].update(stability="repelling", stability_matrix=[[-1.0]])
    )
    assert "stability" in reason(saddle, lambda c: c["zeros"][0].update(stability="attracting"))
    assert "critical point" in reason(saddle, lambda c: c["zeros"][0].update(critical_point="no"))
    assert "complete" in reason(zeros, lambda c: c.update(complete=False))
    assert "region" in reason(zeros, lambda c: c["leaves"].pop())

    def mean_is_a_zero(content):
        content["zeros"][0].update(box=[[1 - 1e-12, 1 + 1e-12]], midpoint=[1.0])

    assert "Krawczyk" in reason(zeros, mean_is_a_zero) or "midpoint" in reason(zeros, mean_is_a_zero)
    assert "zero" in reason(zeros, lambda c: c.update(zeros=c["zeros"] * 2))
    assert "rate" in reason(curve, lambda c: c.update(rate=100 * c["rate"]))
    assert "verdict" in reason(curve, lambda c: c.update(verdict="undecided"))
    assert "factor" in reason(curve, lambda c: c.update(factor="a*b - 1.001"))
    assert "moderate degree" in reason(curve, lambda c: c.update(factor="(a*b - 1)**90"))
    assert "proven" in reason(curve, lambda c: c.update(factor=None))
    assert "vanish" in reason(minimum, lambda c: c.update(minima=[["1/1000"]]))
    assert "proven" in reason(minimum, lambda c: c.update(minima=[]))
    assert "bounds" in reason(refuted, lambda c: c["witness"].update(bounds=[1.0, 2.0]))
    assert "witness" in reason(refuted, lambda c: c["witness"].update(point=[1.0]))
    assert "verdict" in reason(refuted, lambda c: c.update(verdict="certified"))
    assert "witness" in reason(refuted, lambda c: c.update(witness=None))


@pytest.mark.parametrize("kind", ["sign", pytest.param("enclosure", marks=pytest.mark.slow), "minimum", "factor"])
def test_a_box_where_the_loss_rises_is_not_proven_by_any_kind(refuted, kind):
    leaf = {"box": [[2.0, 2.5]], "by": kind, "reason": None}
    changed = refuted | {"leaves": [leaf], "verdict": "certified", "witness": None, "box": [[2.0, 2.5]]}
    assert "proven" in check_certificate(changed, digest=False).reason


PAIR, RARE = (
    Problem("x*theta", ["theta"], Empirical({"x": [-3, 3]}, [p, 1 - p])) for p in (Fraction(1, 2), Fraction(1, 1000))
)


@in_both
def test_the_spread_counts_noise_twice(using):
    """As for what makes certificates: Q = 1 - q sqrt(eta) - q^2 eta x/4, over eps (1 + x), with x = 3 here."""
    one, law = using.number(1), Law(using, [using.number(-3), using.number(3)], [using.number(0.5)] * 2, [])
    form = form_of(using, Adam("0.5", "0.9", "1").laplace)
    with using.working():
        eta = using.square(using.exact(Fraction("0.8")) / sign_factor(law, form))
        assert _by_spread(one, eta, [law], form, one) is None
        # Two equal rows have a smaller q; where one is rare, q_0 sqrt(eta) is 0.93, and then 1.02.
        assert _by_spread(one, 2 * eta, [law], form, one, PAIR) > 0
        assert _by_spread(one, eta, [law], form, one, RARE) > 0
        assert _by_spread(one, eta * 6 / 5, [law], form, one, RARE) is None
        found = _by_spread(one, eta / 4, [law], form, one)
    assert found == pytest.approx((1 - 0.4 - 0.16 * 3 / 4) / 4)


def test_boxes_of_other_dimensions_are_caught(zeros, saddle):
    for content, side in ((zeros, [[0.0, 1.0]]), (saddle, [])):
        for change in (
            lambda c, side=side: c["leaves"][-1].update(box=c["leaves"][-1]["box"][:1] + side),
            lambda c, side=side: c["zeros"][0].update(box=c["zeros"][0]["box"][:1] + side),
            lambda c, side=side: c["zeros"][0]["regions"][0].update(box=c["zeros"][0]["regions"][0]["box"][:1] + side),
            lambda c: c["leaves"][0].update(box=[interval[::-1] for interval in c["leaves"][0]["box"]]),
        ):
            changed = copy.deepcopy(content)
            change(changed)
            assert "does not fit" in check_certificate(changed, digest=False).reason


def test_exclusions_are_checked(zeros):
    changed = copy.deepcopy(zeros)
    for leaf in changed["leaves"]:
        if leaf["by"] == "zero":
            leaf.update(by="sign", coordinate=0, zero=None, region=None)
    assert "sign lemma" in check_certificate(changed, digest=False).reason
    for leaf in changed["leaves"]:
        if leaf["by"] == "sign" and leaf["box"][0][0] < 0.9 < leaf["box"][0][1]:
            leaf.update(by="direction", direction=[1.0], coordinate=None)
    assert not check_certificate(changed, digest=False).valid


@pytest.mark.parametrize(
    "content",
    [
        {"kind": "other"},
        {"kind": "zeros"},
        [1, 2],
        {"kind": "zeros", "leaves": [[[[]]]]},
    ],
)
def test_other_forms_are_bad_input(content, tmp_path):
    file = tmp_path / "certificate.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError, match="certificate"):
        check_certificate(file)


def test_unreadable_files_are_bad_input(tmp_path, zeros):
    file = tmp_path / "certificate.json"
    for text in (
        "{",
        "[" * 100_000,
        json.dumps(zeros).replace("-5.0", "NaN", 1),
        json.dumps(zeros)[:-1] + ', "more": 1}',
    ):
        file.write_text(text)
        with pytest.raises(InputError, match="certificate"):
            check_certificate(file)
    with pytest.raises(InputError, match="cannot read"):
        check_certificate(tmp_path / "none.json")


@in_both_by_long_tests
@pytest.mark.parametrize("adam", [Adam(), Adam("0.5", "0.9", "0.1"), Adam(0, 0, 1), Adam("0.02", "0.001", "1e-8")])
@pytest.mark.parametrize("points", [[[-0.3, 0.4]], pytest.param([[0.9, 1.2], [1e-9, 1e-9]], marks=pytest.mark.slow)])
def test_two_evaluations_agree(using, adam, points):
    """The checker's field and Jacobian, and those that certificates are made with: each holds the value."""
    field = AdamField(SADDLE.problem, adam)
    for theta in points:
        with using.working():
            form = form_of(using, adam.laplace)
            found = field_over(field.problem, form, [using.number(x) for x in theta], slopes=True)
        value = field.enclose([[x, x] for x in theta])
        slopes = field.enclose_jacobian([[x, x] for x in theta])
        for i in range(2):
            assert meet(found.value[i], *value[i])
            assert width(found.value[i]) <= 1e-13
            for j in range(2):
                assert meet(found.jacobian[i][j], *slopes[i, j])
                assert width(found.jacobian[i][j]) <= 1e-16 / adam.eps + 1e-10 + 1e-11 * abs(slopes[i, j, 0])


BOUNDED = {
    "long memory": ([-1.0, 2.0, 0.5], [0.5, 0.25, 0.25], Adam("0.9", "0.99", "0.1")),
    "short memory": ([-1.0, 3.0], [0.25, 0.75], Adam("0.3", "0.5", "0.5")),
}


def quotient_over(using, name, tolerance=1e-15):
    atoms, weights, adam = BOUNDED[name]
    slopes = [[using.number(x) for x in (0.7, -1.3, 0.4)[: len(atoms)]]]
    law = Law(using, [using.number(g) for g in atoms], [using.number(w) for w in weights], slopes)
    with using.working():
        return quotient(law, form_of(using, adam.laplace), tolerance)


def holds_all(outer, inner):
    return all(holds(x, middle(y)) for x, y in zip(outer, inner, strict=True))


def holds_none(outer, inner):
    return not any(holds(x, middle(y)) for x, y in zip(outer, inner, strict=True))


@in_both_by_long_tests
@pytest.mark.parametrize("name", BOUNDED)
def test_the_checkers_truncation_bounds_suffice_and_are_needed(using, name, monkeypatch):
    fine = quotient_over(using, name)
    assert holds_all(quotient_over(using, name, 1e-3), fine)

    def starts_late(law, form, center, step, cube, tolerance):
        j = math.floor(math.log(1e-3) / float(using.middle(step)))
        return j, field_module._weights_before(form.kernel, using.exponential(step * j), step)

    monkeypatch.setattr(field_module, "_first_node", starts_late)
    assert holds_all(quotient_over(using, name), fine)
    monkeypatch.setattr(field_module, "_weights_before", lambda *_: using.number(0))
    assert holds_none(quotient_over(using, name), fine)
    monkeypatch.undo()
    # Without a bound of the right tail the sum ends at once. What is remembered has one.
    monkeypatch.setattr(field_module, "_nodes", field_module._nodes.__wrapped__)
    monkeypatch.setattr(field_module, "_weights_beyond", lambda *_: using.number(0))
    assert not holds_all(quotient_over(using, name), fine)


@in_both_by_long_tests
@pytest.mark.parametrize("name", BOUNDED)
def test_the_checkers_series_and_rule_bounds_suffice_and_are_needed(using, name, monkeypatch):
    fine, plain = quotient_over(using, name), products_module.Products._beyond
    for few in (
        lambda: monkeypatch.setattr(products_module, "MOST_TERMS", 4),
        lambda: monkeypatch.setattr(products_module.Products, "_terms_at", lambda self, ratio: 4),
    ):
        few()
        assert holds_all(quotient_over(using, name), fine)

        def without_remainders(self, t, s):
            with monkeypatch.context() as patch:
                patch.setattr(type(using), "around_zero", lambda self, size: self.number(0))
                return plain(self, t, s)

        monkeypatch.setattr(products_module.Products, "_beyond", without_remainders)
        assert holds_none(quotient_over(using, name), fine)
        monkeypatch.undo()
    cached = (products_module.step_of, field_module._nodes)
    monkeypatch.setattr(products_module, "LARGEST_STEP", Fraction(5, 2))
    for function in cached:
        function.cache_clear()
    try:
        assert holds_all(quotient_over(using, name), fine)
        monkeypatch.setattr(field_module, "_trapezoidal_errors", lambda *_: [using.number(0)] * 2)
        assert holds_none(quotient_over(using, name), fine)
    finally:
        for function in cached:
            function.cache_clear()


@in_both_by_long_tests
@settings(deadline=None, max_examples=2, derandomize=True)
@given(a=st.floats(-2, 2), b=st.floats(-2, 2), width=st.floats(0, 0.2), first=st.floats(0, 1), second=st.floats(0, 1))
def test_boxes_hold_the_values_inside(using, a, b, width, first, second):
    box = [(a, a + width), (b, b + width)]
    theta = [low + share * (high - low) for (low, high), share in zip(box, (first, second), strict=True)]
    with using.working():
        form = form_of(using, SADDLE.adam.laplace)
        found = field_over(SADDLE.problem, form, [using.between(*side) for side in box], slopes=True)
    value, slopes = SADDLE(theta), SADDLE.jacobian(theta)
    for i in range(2):
        assert holds(found.value[i], value[i], 1e-13)
        for j in range(2):
            assert holds(found.jacobian[i][j], slopes[i, j], 1e-10)


@in_both
@pytest.mark.parametrize("e", ["1e-8", "0.3", "1.9", "1.99", "2", "2.01", "10", "1e6"])
def test_the_kernel(using, e):
    with using.working(), mpmath.workdps(60):
        found, x = complement(using, using.exact(Fraction(e))), mpmath.mpf(e)
        expected = 1 - mpmath.sqrt(mpmath.pi) * x * mpmath.exp(x**2) * mpmath.erfc(x) if x < 100 else 1 / (2 * x**2)
        assert holds(found, expected, 0 if x < 100 else expected * 3 / x**2)
        assert width(found) <= 1e-14 * expected


@in_both
@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_hold_their_values(using, name):
    x = sp.Symbol("x", real=True)
    arguments = [x, x / 3 - 1, sp.Rational(1, 3)][: FUNCTIONS[name].arguments[1]]
    expression = FUNCTIONS[name].symbolic(*([x**2 + 1] if name in ("log", "log1p", "sqrt") else arguments))
    generator = np.random.default_rng(0)
    for _ in range(20):
        low, extent = generator.uniform(-4, 4), generator.uniform(0, 1)
        with using.working():
            found = value_of(using, expression, {x: using.between(low, low + extent)})
        for share in (0, 0.5, 1):
            value = float(expression.subs(x, sp.Float(low + share * extent, 30)).evalf(20))
            assert holds(found, value, 1e-14 * (1 + abs(value)))
        assert width(found) < 160 * extent + 1e-14


@in_both
@pytest.mark.parametrize("text", ["log(x)", "1/x", "sqrt(x)", "x**(1/3)"])
def test_what_has_no_bounds_says_so(using, text):
    x = sp.Symbol("x", real=True)
    with using.working(), pytest.raises(NotCheckable):
        value_of(using, parse_expression(text, {"x": x}, "t"), {x: using.between(-1, 1)})


@given(st.lists(st.integers(0, 100), max_size=12), st.integers(0, 1), st.integers(0, 3))
def test_tilings(cuts, axis, fault):
    boxes = [[[-1.0, 1.0], [0.0, 3.0]]]
    for cut in cuts:
        box = boxes.pop(cut % len(boxes))
        side = (cut // 7) % 2
        low, high = box[side]
        middle = low + (high - low) / 2
        halves = [[low, middle], [middle, high]]
        boxes += [[half if k == side else box[k] for k in range(2)] for half in halves]
    whole = [[-1.0, 1.0], [0.0, 3.0]]
    assert fills(whole, boxes)
    assert not fills([[-1.0, 1.0], [0.0, 3.5]], boxes)
    if len(boxes) > 1:
        assert not fills(whole, boxes[1:])
        assert not fills(whole, [boxes[1], *boxes[1:]])
    wrong = copy.deepcopy(boxes)
    wrong[0][axis][fault % 2] += 1e-9
    assert not fills(whole, wrong)


@in_both
def test_minibatches_are_all_there(using):
    problem = Problem("(theta - x)**2", ["theta"], Empirical({"x": [0, 1, 2]}, weights=[1, 2, 3]), batch_size=4)
    with using.working():
        listed = minibatches(using, problem)
        assert holds(using.total(p for _, p in listed), 1)
    assert abs(sum(float(middle(p)) for _, p in listed) - 1) < 1e-15
    assert len(listed) == 15
    assert all(sum(number for _, number in batch) == 4 for batch, _ in listed)


def test_polynomials_are_bounded():
    a, b = sp.symbols("a b", real=True)
    assert bounded_polynomial((a + b) ** 10, [a, b]).total_degree() == 10
    assert bounded_polynomial((a + b) ** 10_000, [a, b]) is None
    assert bounded_polynomial(sp.sin(a), [a, b]) is None
    assert bounded_polynomial(a / b, [a, b]) is None


@in_both_by_long_tests
@pytest.mark.parametrize(
    ("example", "box"),
    [
        ("neuron", [[0.9370, 0.9395], [1.651, 1.6575]]),
        ("neuron", [[-2.3e-10, 5.3e-11], [-3.1e-10, 7.0e-11]]),
        ("three_points", [[0.99, 1.0]]),
    ],
)
def test_enclosures_are_no_wider_than_those_that_certificates_rest_on(using, example, box):
    """What the search proves from the enclosure over one box the checker proves from its own, without cutting it."""
    file = read_problem(Path(__file__).parents[2] / "examples" / f"{example}.toml")
    with using.working():
        form = form_of(using, file.adam.laplace)
        found = field_over(file.problem, form, [using.between(*side) for side in box], slopes=True)
    with ball_arithmetic():
        known = enclosure.field_over(file.problem, file.adam.laplace, enclosure.hulls(np.array(box)), True, 1e-13)
        pairs = zip((found.value, *found.jacobian), (known.value, *known.jacobian), strict=True)
        for wide, narrow in (pair for row in pairs for pair in zip(*row, strict=True)):
            assert width(wide) <= 1.03 * 2 * float(narrow.rad())


@in_both
def test_rates_among_the_smallest_floats_are_rounded_down(using):
    with using.working(), mpmath.workprec(2000):
        for share in ("0.6", "1.6", "2.9"):
            exact_rate = using.exact(Fraction(share) * Fraction(1, 2**1074))
            assert _rate(using, exact_rate, using.number(1)) <= ends(exact_rate)[0]
            # The control: float() alone rounds to nearest.
            assert float(using.lower(exact_rate)) > ends(exact_rate)[1]


@pytest.mark.parametrize("weight", [1e-6, pytest.param(1e-12, marks=pytest.mark.slow)])
def test_zeros_next_to_a_rare_atom_check(weight):
    """The squares' width, 9, is far above E g^2, which is next to 0: a truncation of 1e-16 is not enough."""
    law = Empirical({"x": [0, 3]}, weights=[1, weight])
    field = AdamField(Problem("(theta - x)**2/2", ["theta"], law), Adam("0.5", "0.9", "0.1"))
    found = find_zeros(field, [[weight / 10, weight]])
    assert np.ptp(found.zeros[0].box) < 1e-16
    checked = check_certificate(certificate(found))
    assert checked.valid, checked.reason


@pytest.mark.parametrize("high", [-9e-13, 9e-13])
def test_the_sign_of_the_field_is_proven_very_near_a_zero(high):
    """The control is a box with the zero inside."""
    problem, box = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, 1]})), [[-4e-12, high]]
    with (using := Balls()).working():
        form = form_of(using, Adam("0.5", "0.9", "0.1").laplace)
        assert direction_holds(problem, form, box, [1.0], DIRECTION_DEPTH, None) == (high < 0)
