"""Certificates from strangers: bounded work, whatever they hold; malformed ones are refused in one line."""

import copy
import itertools
import json
import os
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import pytest
import sympy as sp
from arithmetics import BALLS, ends, holds, in_both
from bases import base
from forgeries import signed

from adamsym.certificates.form import LyapunovLeaf, digest_of, read_certificate
from adamsym.checker import Check, check_certificate, checking, lyapunov
from adamsym.checker.exact_values import value_at
from adamsym.checker.form import form_of
from adamsym.checker.law import minibatches
from adamsym.checker.tiling import fills, held, some_meet
from adamsym.checker.values import value_of
from adamsym.checker.zeros import rational_point
from adamsym.expressions.errors import InputError
from adamsym.expressions.sizes import check_derivative_size, derivative_sizes, second_derivatives
from adamsym.expressions.work import OutOfWork, budget, spend
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.record import problem_record
from adamsym.methods import Adam

CASES = Path(__file__).parents[1] / "cases"


def renewed(name):
    """A case of format 1 in format 2."""
    content = json.loads((CASES / name).read_text())
    return signed(content | {"format": "adamsym certificate 2", "beyond": [], "clusters": []})


def test_what_is_spent_is_counted():
    with budget(10) as meter:
        spend(4)
        assert meter.left == 6
        with pytest.raises(OutOfWork):
            spend(7)
    spend(10**9)  # Without a budget nothing is counted.


@pytest.mark.parametrize("name", ["k1_expexp.json", "k3_beta.json"])
def test_too_much_work_is_undecided(name):
    found = check_certificate(renewed(name))
    assert not found.valid
    assert found.undecided


def test_the_verdict_depends_on_the_budget_alone():
    content = base("attracting").content
    whole = check_certificate(content)
    assert whole.valid
    assert not whole.undecided
    for operations in (1, 1000, 20_000):
        found = check_certificate(content, operations=operations)
        assert (found.valid, found.undecided) == (False, True)
        with ThreadPoolExecutor(1) as pool:
            assert check_certificate(content, operations=operations, executor=pool) == found
    assert check_certificate(content, processes=2) == whole


def test_processes_check_what_is_left_after_a_while(monkeypatch):
    """The same proofs in the same order, counted alike."""
    content, seen = base("by sign").content, []
    alone = check_certificate(content, progress=lambda *pair: seen.append(pair))
    assert seen == [(k, alone.proofs) for k in range(1, alone.proofs + 1)]
    monkeypatch.setattr(checking, "_ALONE", 1)
    assert check_certificate(content, processes=2) == alone


def test_work_does_not_turn_false_statements_valid():
    content = copy.deepcopy(base("attracting").content)
    content["zeros"][0]["stability"] = "repelling"
    for operations in (10, 10_000, 10**7):
        assert not check_certificate(signed(content), operations=operations).valid


@in_both
@pytest.mark.parametrize("loss", ["exp(exp(exp(theta)))", "sinh(exp(exp(theta)))", "cosh(exp(exp(theta)))"])
def test_huge_numbers_are_not_computed_with(using, loss):
    theta = sp.Symbol("theta", real=True)
    with using.working(), pytest.raises(OutOfWork):
        value_of(using, sp.sympify(loss, locals={"theta": theta}), {theta: using.between(20, 21)})


@in_both
def test_tiny_ones_and_bounded_functions_of_huge_ones_are_enclosed(using):
    with using.working():
        huge = using.power(using.exponential(using.number(20)), 4)
        tiny = using.exponential(-huge)
        assert holds(tiny, 0)
        assert ends(tiny)[1] > 0
        x = sp.Symbol("x", real=True)
        for function, low, high in ((sp.sin, -1, 1), (sp.cos, -1, 1), (sp.tanh, 1, 1)):
            found = value_of(using, function(x), {x: huge})
            assert holds(found, low)
            assert holds(found, high)


def test_minima_are_read_where_a_leaf_rests_on_them_and_counted(monkeypatch):
    """Else a file with many minima and many leaves takes days within any budget."""
    read, count = [], 300
    monkeypatch.setattr(lyapunov, "rational_point", lambda *given: read.append(given) or rational_point(*given))
    problem = Problem("x**2/2 + p*x", ["x"], Empirical({"p": [0, 0]}))
    ends = [1 + k / 8 for k in range(9)]
    leaves = [{"box": [[a, b]], "by": "sign", "reason": None} for a, b in itertools.pairwise(ends)]
    content = {
        "format": "adamsym certificate 3",
        "made_by": {},
        "kind": "lyapunov",
        "problem": problem_record(problem, Adam("1/2", "9/10", "1/10")),
        "box": [[1.0, 2.0]],
        "verdict": "certified",
        "witness": None,
        "rate": None,
        "factor": None,
        "minima": [["0"]] * count,
        "leaves": leaves,
    }
    assert check_certificate(signed(content)).valid
    assert len(read) == count
    with budget(10**6) as meter:
        certificate, form = read_certificate(signed(content)), form_of(BALLS, Adam("1/2", "9/10", "1/10").laplace)
        before = meter.left
        lyapunov.check_leaf(certificate, problem, form, certificate.leaves[0])
        plain, before = before - meter.left, meter.left
        lyapunov.check_leaf(certificate, problem, form, LyapunovLeaf(box=[[1.0, 1.125]], by="minimum"))
        assert before - meter.left > plain + count


def test_minibatches_are_counted_before_they_are_listed():
    for rows, size in ((100, 10**9), (3, 10**9), (200, 200)):
        problem = Problem("(theta - x)**2", ["theta"], Empirical({"x": list(range(rows))}), batch_size=size)
        with pytest.raises(OutOfWork):
            minibatches(BALLS, problem)
    problem = Problem("(theta - x)**2", ["theta"], Empirical({"x": list(range(3000))}))
    assert len(minibatches(BALLS, problem)) == 3000
    problem = Problem("(theta - x)**2", ["theta"], Empirical({"x": [1, 2]}), batch_size=5000)
    with BALLS.working():
        listed = minibatches(BALLS, problem)
        assert len(listed) == 5001
        assert holds(BALLS.total(p for _, p in listed), 1)


def test_exact_values_do_not_grow_without_bound():
    x = sp.Symbol("x", real=True)
    expression = x
    for _ in range(8):
        expression = (expression + 1) ** 100
    with pytest.raises(OutOfWork):
        value_at(BALLS, expression, {x: Fraction(3, 2)})
    product = sp.Mul(*[(x + k) ** 99 for k in range(1, 60)])
    with pytest.raises(OutOfWork):
        value_at(BALLS, product, {x: Fraction(10**9 + 7, 10**9 + 9)})


def test_derivatives_are_measured_before_they_are_formed():
    theta = sp.Symbol("theta", real=True)
    small, large = sp.prod([theta - k for k in range(20)]), sp.prod([theta - k for k in range(900)])
    formed = sum(1 for _ in sp.preorder_traversal(sp.diff(small, theta)))
    assert formed <= derivative_sizes(small, [theta])[1] <= 4 * formed
    check_derivative_size(small, [theta], "loss", order=2)
    with pytest.raises(InputError, match="loss: its derivatives would have about"):
        check_derivative_size(large, [theta], "loss")
    many = sp.symbols("p:1000", real=True)
    with pytest.raises(InputError, match="its 500500 second derivatives would have more than"):
        second_derivatives(sp.Add(*many) ** 3, [], many, "loss")
    text = "*".join(f"(theta - {k}*x)" for k in range(900))
    with pytest.raises(InputError, match="its derivatives would have"):
        Problem(text, ["theta"], Empirical({"x": [1, 2]}))


def comb(count):
    """Leaves of [0, 1] that are halved on one side again and again, in two dimensions by turns."""
    box, leaves = [[0.0, 1.0], [0.0, 1.0]], []
    for k in range(count):
        axis = k % 2
        low, high = box[axis]
        cut = low + (high - low) / 2
        leaves.append([[cut, high] if j == axis else side for j, side in enumerate(box)])
        box = [[low, cut] if j == axis else side for j, side in enumerate(box)]
    return [*leaves, box]


def grid(level):
    return [[[i / 2**level, (i + 1) / 2**level]] for i in range(2**level)]


def test_boxes_are_compared_in_bounded_work():
    random.Random(0).shuffle(boxes := grid(14))
    with budget(10**9) as meter:
        assert fills([[0.0, 1.0]], boxes)
        assert not fills([[0.0, 1.0]], boxes[1:])
        apart = [[[low + 1e-9, high - 1e-9]] for ((low, high),) in boxes]
        assert not some_meet(apart)
        assert some_meet(boxes)
        assert held(apart, boxes) == (True, True)
        assert held(apart, boxes[1:]) == (False, True)
        assert held(apart[1:], boxes) == (True, False)
    assert 10**9 - meter.left < 5e5
    assert fills([[0.0, 1.0], [0.0, 1.0]], comb(300))
    with budget(1000), pytest.raises(OutOfWork):
        fills([[0.0, 1.0], [0.0, 1.0]], comb(1500))
    long = [[[0.0, 1.0], [k, k + 0.5]] for k in range(3000)]
    with budget(10**5), pytest.raises(OutOfWork):
        some_meet(long)


# --- malformed files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["h_deepprob300.json", "h_dup.json", "k1_expexp.json"])
def test_malformed_cases_are_refused(name):
    with pytest.raises(InputError, match="certificate"):
        check_certificate(CASES / name)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_special_files_are_refused(make, tmp_path):
    make(tmp_path / "certificate.json")
    with pytest.raises(InputError, match="not a regular file"):
        check_certificate(tmp_path / "certificate.json")


def test_a_large_file_is_refused_unread(tmp_path):
    file = tmp_path / "certificate.json"
    file.touch()
    os.truncate(file, 100 * 2**20)
    with pytest.raises(InputError, match="larger than"):
        check_certificate(file)


SCRAPS = [None, True, -1, 10**400, 1e308, -0.0, "", "x", "9" * 1500, [], {}, [[]], "1/0", "\ud800", "1e999", [[0, 1]]]


def damaged(content, rng):
    """A certificate with one thing replaced, removed, repeated or moved."""
    content = copy.deepcopy(content)
    place, key = content, rng.choice(list(content))
    while isinstance(place[key], (dict, list)) and place[key] and rng.random() < 0.85:
        place = place[key]
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
    way = rng.randrange(4)
    if way == 0:
        del place[key]
    elif way == 1 and isinstance(place, list):
        place.append(copy.deepcopy(place[key]))
    elif way == 2:
        place[key] = copy.deepcopy(content[rng.choice(list(content))]) if content else None
    else:
        place[key] = rng.choice(SCRAPS)
    return content


def redigested(content):
    try:
        return content | {"digest": digest_of(content)}
    except (ValueError, RecursionError, UnicodeEncodeError):
        return content


many = pytest.mark.parametrize("count", [60, pytest.param(300, marks=pytest.mark.slow)])


@many
def test_damaged_certificates_are_refused_or_checked(count):
    rng = random.Random(7)
    names = ["attracting", "empty", "beyond", "by sign", "by factor", "undecided"]
    for _ in range(count):
        content = redigested(damaged(base(rng.choice(names)).content, rng))
        # Any other exception fails the test.
        with suppress(InputError):
            assert isinstance(check_certificate(content, operations=100_000), Check)


@many
def test_damaged_bytes_are_refused_or_checked(tmp_path, count):
    rng = random.Random(8)
    file = tmp_path / "certificate.json"
    text = json.dumps(base("empty").content).encode()
    for _ in range(count):
        changed = bytearray(text)
        for _ in range(rng.randint(1, 3)):
            k = rng.randrange(len(changed))
            changed[k : k + rng.randrange(3)] = rng.choice([b"", b'"', b"[", b"}", b"9", b"\xff", b"e", b"\x00", b"-"])
        file.write_bytes(bytes(changed))
        with suppress(InputError):
            assert isinstance(check_certificate(file, digest=False, operations=100_000), Check)
