"""Certificates are checked side by side in threads, though mpmath has one precision of intervals for all."""

from concurrent.futures import ThreadPoolExecutor

from bases import base
from forgeries import signed
from mpmath import iv

from adamsym.checker import check_certificate


def test_verdicts_are_those_of_one_thread():
    """A false one is tried with more bits too: no precision is left behind, in either thread."""
    before, true = iv.prec, base("by sign").content
    false = signed(true | {"rate": 9.0})
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(check_certificate, [true, false] * 4))
    assert [one.valid for one in found] == [True, False] * 4
    assert iv.prec == before
