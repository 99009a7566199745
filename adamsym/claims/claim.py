"""Claims: one statement of a theory, its evidence, and the near misses that its checks must reject."""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import get_args

from adamsym.claims.finding import Finding, Grade
from adamsym.expressions.errors import InputError

Check = Callable[[], Finding]

FEWEST_CONTROLS = 2
"""A claim with fewer controls never holds."""


@dataclass(eq=False)
class Claim:
    """One statement, to which functions of a claims module are attached as evidence and as controls.

    Parameters
    ----------
    name
        Short name, such as ``"C5"``.
    title, statement
        One line each.
    source
        Where the statement stands.
    needs
        Names of optional libraries without which nothing can be checked: the claim is then not applicable.

    Examples
    --------
    >>> from adamsym.claims import Claim, holds, refuted
    >>> claim = Claim("E1", title="Evenness", statement="4 is even.", source="Euclid, Elements IX")
    >>> def even(n):
    ...     return holds(f"{n} = 2*{n // 2}", cases=1) if n % 2 == 0 else refuted(f"{n} is odd")
    >>> @claim.evidence("symbolic")
    ... def four():
    ...     return even(4)
    >>> @claim.control("an odd number")
    ... def five():
    ...     return even(5)
    """

    name: str
    title: str
    statement: str
    source: str
    needs: tuple[str, ...] = ()
    _evidence: list[tuple[str, Check]] = field(default_factory=list, init=False, repr=False)
    _controls: list[tuple[str, Check]] = field(default_factory=list, init=False, repr=False)

    def evidence(self, grade: Grade) -> Callable[[Check], Check]:
        """Return a decorator that attaches a function without arguments as evidence of this grade.

        Raises
        ------
        InputError
            If the grade is none of symbolic, certified, property, statistical, formal.
        """
        if grade not in get_args(Grade):
            raise InputError(f"claim {self.name}: {grade!r} is no grade; allowed are {', '.join(get_args(Grade))}")

        def attach(check: Check) -> Check:
            self._evidence.append((grade, check))
            return check

        return attach

    def control(self, name: str) -> Callable[[Check], Check]:
        """Return a decorator that attaches a function without arguments as the control ``name``: it must be refuted."""

        def attach(check: Check) -> Check:
            self._controls.append((name, check))
            return check

        return attach

    @property
    def missing(self) -> tuple[str, ...]:
        """The libraries that it needs and that are not installed."""
        return tuple(name for name in self.needs if find_spec(name) is None)

    @property
    def evidence_checks(self) -> tuple[tuple[str, Check], ...]:
        """Grades and functions of the evidence."""
        return tuple(self._evidence)

    @property
    def control_checks(self) -> tuple[tuple[str, Check], ...]:
        """Names and functions of the controls."""
        return tuple(self._controls)
