"""How thoroughly and from which seed claims are checked: set by the run, read by the checks."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, get_args

from adamsym.expressions.errors import InputError

Effort = Literal["quick", "usual", "full"]

EFFORTS: tuple[str, ...] = get_args(Effort)
_FACTORS = {"quick": 0.25, "usual": 1.0, "full": 3.0}


@dataclass(frozen=True)
class Settings:
    """Effort and seed of one run of claims.

    Parameters
    ----------
    effort
        "quick", "usual" or "full": a quarter of the cases, all, three times as many.
    seed
        Added to the seeds that checks name, so that another seed means other random inputs everywhere.

    Raises
    ------
    InputError
        If the effort is none of the three, or the seed is no integer from 0 to 2**32 - 1.
    """

    effort: Effort = "usual"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.effort not in EFFORTS:
            raise InputError(f"effort: {self.effort!r} is not known; allowed are {', '.join(EFFORTS)}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < 2**32:
            raise InputError(f"seed: {self.seed!r} is no integer from 0 to 2**32 - 1")


_USUAL = Settings()
_SETTINGS: ContextVar[Settings] = ContextVar("settings", default=_USUAL)


@contextmanager
def checking_with(settings: Settings) -> Iterator[None]:
    """Let all checks that run inside read these settings."""
    token = _SETTINGS.set(settings)
    try:
        yield
    finally:
        _SETTINGS.reset(token)


def current_settings() -> Settings:
    """Return the settings of the run that goes on."""
    return _SETTINGS.get()


def scaled(cases: int, fewest: int = 1) -> int:
    """Return how many cases a check has to run where it runs ``cases`` at the usual effort, but not below ``fewest``.

    >>> scaled(100)
    100
    >>> with checking_with(Settings("quick")):
    ...     scaled(100), scaled(100, fewest=40)
    (25, 40)
    """
    return max(fewest, math.ceil(cases * _FACTORS[_SETTINGS.get().effort]))


def thorough() -> bool:
    """Return whether the run is more than quick: then refuted properties are simplified."""
    return _SETTINGS.get().effort != "quick"


def run_seed(seed: int) -> int:
    """Return the seed that a check has to use where it uses ``seed`` in the run whose seed is 0.

    >>> run_seed(8)
    8
    """
    # An odd multiple: seeds named in one claim stay apart from each other in every run.
    return (seed + 1_000_003 * _SETTINGS.get().seed) % 2**32
