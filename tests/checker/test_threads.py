"""Certificates are checked side by side in threads, though mpmath and flint have one precision each for all."""

from concurrent.futures import ThreadPoolExecutor

import flint
import pytest
from bases import base
from forgeries import signed
from mpmath import iv

from adamsym.checker import check_certificate


@pytest.mark.parametrize("slow", [[False] * 8, [True] * 8, [False, False, True, True] * 2])
def test_verdicts_are_those_of_one_thread(slow):
    """A false one is tried with more bits too: no precision is left behind, in either thread."""
    before, true = (iv.prec, flint.ctx.prec), base("by sign").content
    false = signed(true | {"rate": 9.0})
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda content, slow: check_certificate(content, slow=slow), [true, false] * 4, slow))
    assert [one.valid for one in found] == [True, False] * 4
    assert (iv.prec, flint.ctx.prec) == before
