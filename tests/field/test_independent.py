"""The independent evaluator by itself: closed forms, listed histories, plain integrals, and its own two ways."""

import itertools
from fractions import Fraction

import flint
import independent
import mpmath
import pytest
from flint import arb
from independent import FiniteLaw, Method, ball


def value(law, probabilities, method, directions=()):
    with flint.ctx.workprec(independent.BITS):
        atoms = [ball(Fraction(g)) for g in law]
        turned = [[ball(Fraction(h)) for h in direction] for direction in directions]
        return independent.quotient(FiniteLaw(atoms, [ball(Fraction(p)) for p in probabilities], turned), method)


def method(alpha, beta, eps, **others):
    return Method(Fraction(alpha), Fraction(beta), Fraction(eps), **others)


def close(found, expected, digits):
    """Whether a ball holds a number, and is as narrow as so many digits; a number moved by as little lies outside."""
    with flint.ctx.workprec(independent.BITS):
        size = abs(expected) * arb(10) ** -digits
        moved = found.contains(expected + 2 * size)
        return found.overlaps(expected) and bool(found.rad() < size) and not moved


THIRDS = [Fraction(2, 3), Fraction(1, 3)]


@pytest.mark.parametrize("beta", ["0", "1/1000", "3/5", "0.99", "0.9999", "0.999999999"])
@pytest.mark.parametrize("eps", ["1e-30", "1/10", "1e40"])
def test_deterministic_gradients(beta, eps):
    for alpha in {Fraction(0), Fraction(beta) * Fraction(9, 10)}:
        (found,) = value([-3], [1], method(alpha, beta, eps))
        with flint.ctx.workprec(independent.BITS):
            assert close(found, -3 / (3 + ball(Fraction(eps))), 18)


@pytest.mark.parametrize("current", [Fraction(0), Fraction(1, 3)])
@pytest.mark.parametrize("inside", [False, True])
def test_no_memory_is_the_plain_mean(inside, current):
    atoms, p = [-1, 4, 0], [Fraction(1, 2), Fraction(1, 10**9), Fraction(1, 2) - Fraction(1, 10**9)]
    (found,) = value(atoms, p, method(0, 0, "1/7", inside=inside, current=current))
    with flint.ctx.workprec(independent.BITS):
        eps = ball(Fraction(1, 7))
        terms = [
            ball(q) * g / ((arb(g * g) + eps).sqrt() if inside else abs(g) + eps) for g, q in zip(atoms, p, strict=True)
        ]
        assert close(found, sum(terms, arb(0)), 20)


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("current", [Fraction(0), Fraction(2, 5)])
def test_short_memories_are_listed(inside, current):
    alpha, beta, eps, lags = Fraction(1, 200), Fraction(1, 500), Fraction(1, 10), 10
    atoms = (-1, 3)
    (found,) = value(atoms, THIRDS, method(alpha, beta, eps, inside=inside, current=current))
    with flint.ctx.workprec(independent.BITS):
        total = arb(0)
        for history in itertools.product((0, 1), repeat=lags):
            m = sum((alpha**k * (1 - alpha) * atoms[one] for k, one in enumerate(history)), Fraction(0))
            v = sum((beta**k * (1 - beta) * atoms[one] ** 2 for k, one in enumerate(history)), Fraction(0))
            chance = Fraction(2) ** (lags - sum(history)) / 3**lags
            numerator = ball(current * atoms[history[0]] + (1 - current) * m)
            total += ball(chance) * numerator / ((ball(v + eps)).sqrt() if inside else ball(v).sqrt() + ball(eps))
        # Older gradients weigh less than 1e-22 in M.
        assert close(found, total + arb(0, 1e-21), 19)


@pytest.mark.parametrize(("alpha", "beta"), [("0.9", "0.99"), ("0", "0.99"), ("0.994", "0.99"), ("0.5", "0.992")])
def test_blocks_of_lags_agree_with_lags_walked_one_by_one(alpha, beta, monkeypatch):
    atoms, p, directions = (
        [-1, 3, 0],
        [Fraction(1, 2), Fraction(1, 1000), Fraction(499, 1000)],
        [[1, -2, Fraction(1, 3)]],
    )
    walked = value(atoms, p, method(alpha, beta, "1/100"), directions)
    monkeypatch.setattr(independent, "SHORTEST_LAG", 1.0)
    for one, other in zip(walked, value(atoms, p, method(alpha, beta, "1/100"), directions), strict=True):
        assert one.overlaps(other)
        assert float(other.rad()) < 1e-20
        assert one.mid() != other.mid()


@pytest.mark.parametrize(("beta", "alpha"), [("0.3", "0.5"), ("0.97", "0.9"), ("0.9999", "0.9")])
def test_derivatives_are_those_of_the_value(beta, alpha):
    atoms, direction, step = [Fraction(-1), Fraction(3)], [Fraction(1), Fraction(-2)], Fraction(1, 10**8)
    _, slope = value(atoms, THIRDS, method(alpha, beta, "1/10"), [direction])
    ends = [
        value([g + k * step * h for g, h in zip(atoms, direction, strict=True)], THIRDS, method(alpha, beta, "1/10"))[0]
        for k in (-2, -1, 1, 2)
    ]
    with flint.ctx.workprec(independent.BITS):
        difference = (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * ball(step))
        assert abs(difference - slope) < arb("1e-14")
        assert not abs(difference * arb("1.0000001") - slope) < arb("1e-14")


def test_symmetric_laws_give_zero_and_units_do_not_matter():
    (found,) = value([-2, 2, 5, -5], [Fraction(1, 4)] * 4, method("0.9", "0.999", "1e-8"))
    assert found.contains(0)
    assert float(found.rad()) < 1e-20
    (one,) = value([1, -3], THIRDS, method("0.9", "0.95", "1e-3"))
    (other,) = value([10**30, -3 * 10**30], THIRDS, method("0.9", "0.95", "1e27"))
    assert one.overlaps(other)
    assert not one.overlaps(value([1, -3], THIRDS, method("0.9", "0.95", "1.000000000000000001e-3"))[0])


@pytest.mark.parametrize("name", ["normal", "uniform", "exponential"])
def test_continuous_laws_without_memory_are_plain_integrals(name):
    first, second, eps = Fraction(1, 3), Fraction(5, 2), Fraction(1, 10)
    law = {
        "normal": lambda: independent.normal_law(first, second),
        "uniform": lambda: independent.uniform_law(first - 1, first + second),
        "exponential": lambda: independent.exponential_law(first, -second),
    }[name]
    with flint.ctx.workprec(independent.BITS):
        (found,) = independent.quotient(law(), method(0, 0, eps))
    with mpmath.workdps(30):
        a, b, e = (mpmath.mpf(x.numerator) / x.denominator for x in (first, second, eps))

        def part(g):
            return g / (abs(g) + e)

        if name == "normal":
            expected = mpmath.quad(lambda g: part(g) * mpmath.npdf(g, a, b), [-40, -10, -1, 0, 1, 10, 40])
        elif name == "uniform":
            expected = mpmath.quad(part, [a - 1, 0, a + b]) / (b + 1)
        else:
            expected = mpmath.quad(lambda x: part(a - b * x) * mpmath.exp(-x), [0, a / b, 1, 5, 20, 80])
        assert abs(float(found) - float(expected)) < 1e-15
        assert abs(mpmath.mpf(str(found.mid().str(30, radius=False))) - expected) < 1e-18


def test_work_is_bounded(monkeypatch):
    monkeypatch.setattr(independent, "MOST_POINTS", 300)
    with pytest.raises(independent.TooMuchWork):
        value([0, 1], [1 - Fraction(1, 10**12), Fraction(1, 10**12)], method("0.9", "0.9", "1e-290"))
