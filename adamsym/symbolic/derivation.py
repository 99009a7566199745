"""Derivations: steps that carry how they were checked. A step whose check fails cannot be made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adamsym.expressions.results import Record, Result, counted
from adamsym.symbolic.equality import Check


class DerivationError(ArithmeticError):
    """A step of a derivation failed its check; the message is one line that names the step."""


@dataclass(frozen=True, repr=False)
class Step(Record):
    """One step: its statement in words, its formulas in LaTeX, and how it was checked.

    The statement has LaTeX between single dollars.

    ``identities`` counts the exact identities in the check; the rest of it, if there is any, is evidence at points.
    Build it with :func:`checked_step`, which runs the check.
    """

    title: str
    statement_text: str
    equations: tuple[str, ...]
    check: str
    ok: bool
    identities: int = 0

    @property
    def summary(self) -> str:
        """The title, and how it was checked."""
        return f"{self.title} (checked: {self.check})"

    @property
    def latex(self) -> str:
        """The formulas as one LaTeX expression, without math delimiters."""
        if len(self.equations) == 1:
            return self.equations[0]
        return r"\begin{gathered} " + r" \\ ".join(self.equations) + r" \end{gathered}" if self.equations else ""


def checked_step(title: str, statement_text: str, equations: Sequence[str], check: Callable[[], Check]) -> Step:
    """Run ``check`` and return the step.

    Raises
    ------
    DerivationError
        If the check is not ok; the message names the step.
    """
    outcome = check()
    if not outcome.ok:
        raise DerivationError(f"{title}: {outcome.text}")
    return Step(title, statement_text, tuple(equations), outcome.text, True, outcome.identities)


@dataclass(frozen=True, repr=False)
class Derivation(Result):
    """A derivation whose every step passed its check.

    Raises
    ------
    DerivationError
        If there is no step, or one whose check failed.
    """

    title: str
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise DerivationError(f"{self.title}: no steps")
        for step in self.steps:
            if not step.ok:
                raise DerivationError(f"{step.title}: {step.check}")

    @property
    def verdict(self) -> str:
        """Holds: a step whose check fails cannot be made."""
        return "holds"

    @property
    def summary(self) -> str:
        """The title, and how many steps passed their checks."""
        return f"{self.title}: {counted(len(self.steps), 'step')}, each passed its check"

    def columns(self, names: Sequence[str] | None = None) -> dict[str, list[Any]]:
        """Return one row for each step."""
        keys = ("title", "statement_text", "latex", "check", "ok", "identities")
        return {key: [getattr(step, key) for step in self.steps] for key in keys}

    def to_dict(self) -> dict[str, Any]:
        """Return ``{"steps": [{"title", "latex", "check", "ok"}, ...]}``, ready for JSON."""
        return {
            "steps": [
                {"title": step.title, "latex": step.latex, "check": step.check, "ok": step.ok} for step in self.steps
            ]
        }

    def to_markdown(self) -> str:
        """Return the derivation as Markdown with LaTeX formulas between double dollars."""
        from adamsym.symbolic.rendering import markdown

        return markdown(self)

    def to_latex(self) -> str:
        """Return the derivation as a complete LaTeX article."""
        from adamsym.symbolic.rendering import article

        return article(self)

    def to_html(self) -> str:
        """Return the derivation as one self-contained HTML page with MathML formulas."""
        from adamsym.symbolic.rendering import page

        return page(self)

    def _body_html(self) -> str:
        from adamsym.symbolic.rendering import body

        return body(self)
