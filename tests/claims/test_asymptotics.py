"""Finite checks of expansions and limits, on values made for them and on near misses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adamsym.claims import Finding, all_of, check_expansion, check_limit, holds, refuted, undecided
from adamsym.expressions.errors import InputError

SMALL = [2.0**-k for k in range(7, 15)]

sizes = st.builds(lambda sign, size: sign * size, st.sampled_from([-1, 1]), st.floats(0.1, 10))
orders = st.sampled_from([0.5, 1.0, 2.0])


def expansion(first: float, second: float, order: float) -> list[float]:
    return [first * h**order + second * h ** (order + 1) + first * h ** (order + 2) for h in SMALL]


@given(sizes, st.floats(-1, 1), orders)
def test_an_expansion_is_recognised(first, share, order):
    values = expansion(first, share * first, order)
    assert check_expansion(SMALL, values, (first, share * first), order).verdict == "holds"
    assert check_expansion(SMALL, values, (first, None), order).verdict == "holds"


@given(sizes, st.floats(-1, 1), orders)
def test_near_misses_of_an_expansion_are_rejected(first, share, order):
    values, second = expansion(first, share * first, order), share * first
    assert check_expansion(SMALL, values, (first, None), order + 0.02).verdict == "refuted"
    assert check_expansion(SMALL, values, (1.003 * first, None), order).verdict == "refuted"
    assert check_expansion(SMALL, values, (-first, None), order).verdict == "refuted"
    assert check_expansion(SMALL, values, (first, second + 0.03 * abs(first)), order).verdict == "refuted"


def test_each_tolerance_of_an_expansion_binds_by_itself():
    h = np.array(SMALL)

    def verdict(values, first=None, second=None):
        # If none is claimed, the first coefficient is the one that the values have: only the order is then in question.
        own = float(np.polynomial.Polynomial.fit(h, values / h, 2)(0))
        return check_expansion(h, values, (own if first is None else first, second)).verdict

    assert verdict(h**1.008) == verdict(h**0.992) == "holds"
    assert verdict(h**1.012) == verdict(h**0.988) == "refuted"
    # Noise of 0.3 per cent leaves the fitted order right, but uncertain by more than 0.01.
    noise = np.array([1, -1] * 4)
    assert verdict(h * (1 + 0.001 * noise)) == "holds"
    assert verdict(h * (1 + 0.003 * noise)) == "refuted"
    values = h * (1 + h / 2 + h**2)
    assert verdict(values, 1.0008) == verdict(values, 0.9992) == "holds"
    assert verdict(values, 1.0012) == verdict(values, 0.9988) == "refuted"
    assert verdict(values, 1, 0.506) == verdict(values, 1, 0.494) == "holds"
    assert verdict(values, 1, 0.509) == verdict(values, 1, 0.491) == "refuted"


def test_an_expansion_needs_values_of_one_sign_and_enough_of_them():
    assert check_expansion(SMALL, [1, -1] * 4, (1, None)).verdict == "undecided"
    assert check_expansion(SMALL, [0] * 8, (1, None)).verdict == "undecided"
    assert check_expansion(SMALL, [1] * 7 + [np.nan], (1, None)).verdict == "undecided"
    for small in (SMALL[:5], [*SMALL[:7], 0.0], [SMALL[0]] * 8):
        with pytest.raises(InputError, match="at least six"):
            check_expansion(small, [1.0] * len(small), (1, None))


def runs(seed: int, shift: float = 0.0, spread: float = 0.5, dimension: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Ends around ``shift`` whose standard deviation has become ``spread`` times the earlier one, 1."""
    earlier, ends = np.random.default_rng(seed).standard_normal((2, 100, dimension))
    return shift + spread * ends, earlier


def limit_of(ends: np.ndarray, earlier: np.ndarray, *, level: float = 1e-4, bias: float = 0.0) -> Finding:
    return check_limit(np.zeros(ends.shape[1]), ends, earlier, level=level, bias=bias, shrinking=0.25)


@pytest.mark.parametrize(("spread", "bias"), [(0.1, 0.0), (0.5, 10.0)], ids=["by the mean", "by the variance"])
def test_true_limits_are_rejected_as_often_as_stated(spread, bias):
    # Each of the two tests takes half of the level, here 50 of 1000, nearly exactly for independent coordinates: the
    # variance has just shrunk by what is allowed, or far more. 20 is over three standard errors.
    found = [limit_of(*runs(seed, spread=spread), level=0.1, bias=bias).verdict for seed in range(1000)]
    rejected = sum(verdict != "holds" for verdict in found)
    assert 30 <= rejected <= 70


@given(st.integers(0, 2**32 - 1))
def test_wrong_limits_are_rejected(seed):
    # So low a level that no seed will ever be found that rejects a true limit.
    assert limit_of(*runs(seed), level=1e-12).verdict == "holds"
    assert limit_of(*runs(seed, shift=0.6)).verdict == "refuted"
    assert limit_of(*runs(seed, shift=0.6), level=1e-12, bias=0.6).verdict == "holds"
    assert limit_of(*runs(seed, spread=1.5)).verdict == "refuted"


def test_a_limit_is_wrong_if_one_coordinate_is():
    ends, earlier = runs(1)
    ends[:, 1] += 0.6
    found = limit_of(ends, earlier)
    assert found.verdict == "refuted"
    assert found.cases == 4
    assert limit_of(np.zeros((10, 1)), np.zeros((10, 1))).verdict == "holds"
    assert limit_of(np.ones((10, 1)), np.ones((10, 1))).verdict == "refuted"


kinds = st.sampled_from([holds("a", 2), refuted("b", 1), undecided("c")])


@given(st.lists(kinds, min_size=1, max_size=5))
def test_findings_together_are_the_worst_of_them(findings):
    verdicts = [finding.verdict for finding in findings]
    worst = next(verdict for verdict in ("refuted", "undecided", "holds") if verdict in verdicts)
    found = all_of(iter(findings))
    assert found.verdict == worst
    assert found.cases == (2 * len(findings) if worst == "holds" else found.cases)


def test_no_findings_are_no_evidence():
    assert all_of([]).verdict == "undecided"
