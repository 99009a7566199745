"""How much work a certificate's check takes, estimated before it is done: from some of its proofs."""

from pathlib import Path
from typing import Any

from adamsym.certificates.form import read_certificate
from adamsym.checker.arithmetic import NotCheckable
from adamsym.checker.checking import BUDGET, check_of, numbers_of, rounded_up, work_before_proofs
from adamsym.expressions.errors import InputError

FEW = 64
"""Of certificates with fewer proofs nothing is estimated: to try some would take as long as the check."""

_SAMPLES = 8

_MARGIN = 2.0
"""The budget is so many times the estimate: proofs differ."""


def budget_for(source: Path | str | dict[str, Any]) -> int | None:
    """Return a budget of operations for a certificate's check where the usual one may be too small; else None.

    Some proofs are checked, evenly spread, and the others are taken to be like them. That says nothing of whether the
    certificate is valid, and no check relies on it.
    """
    certificate = read_certificate(source)
    numbers = numbers_of(certificate)
    if len(numbers) < FEW:
        return None
    try:
        check, before = check_of(certificate), work_before_proofs(certificate)
    except (InputError, NotCheckable):
        return None
    some = [numbers[k * (len(numbers) - 1) // (_SAMPLES - 1)] for k in range(_SAMPLES)]
    wanted = before + _MARGIN * len(numbers) * sum(check(number).operations for number in some) / _SAMPLES
    return rounded_up(wanted) if wanted > BUDGET else None
