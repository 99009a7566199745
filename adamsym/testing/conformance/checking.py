"""The conformance check of an optimizer."""

from dataclasses import dataclass

from adamsym.expressions.arguments import checked_arguments
from adamsym.testing.conformance.adapters import Adapter
from adamsym.testing.conformance.following import Following, field_method, following
from adamsym.testing.conformance.identification import MOST_DIFFERENCES, identify, play
from adamsym.testing.conformance.recursion import Recursion
from adamsym.testing.conformance.words import differences

LEVEL = 1e-6
"""Chance that an optimizer that follows its field is rejected by the test of its runs."""


@dataclass(frozen=True)
class Conformance:
    """What an optimizer is, and whether it is what it should be.

    Attributes
    ----------
    name
        The optimizer's.
    conforms
        Whether its steps under the designed gradients are the declared recursion's to rounding, and its runs follow
        that recursion's field.
    declared, identified
        The recursion that it should be, and the one that it is; None where none was found.
    differences
        One sentence for each difference.
    field
        The method whose field it should follow, as Python; None where adamsym knows none.
    following
        Its runs against that field; None where there is none.
    """

    name: str
    conforms: bool
    declared: Recursion
    identified: Recursion | None
    differences: tuple[str, ...]
    field: str | None
    following: Following | None

    def __str__(self) -> str:
        lines = [f"{self.name}: " + ("conforms" if self.conforms else "does NOT conform")]
        lines += [f"  {difference}" for difference in self.differences]
        if self.field is None or self.following is None:
            lines.append("  adamsym knows no field that it should follow")
        else:
            found = self.following
            verdict = "follows" if found.p_value >= LEVEL else "does not follow"
            measured = f"{found.measured:.5g} +- {found.standard_error:.2g}"
            lines.append(f"  its mean step {verdict} the field of {self.field}:")
            lines.append(f"  measured {measured}, field {found.expected:.5g}, p = {found.p_value:.2g}")
        return "\n".join(lines)


@checked_arguments
def check_optimizer(adapter: Adapter, seed: int = 0) -> Conformance:
    """Return what an optimizer is, and whether it is what it should be.

    It is played designed gradients, from which its recursion is identified: bias corrections, the place of eps,
    memories, weight decay, amsgrad, signs, and more (:class:`Recursion`). Then chains of it run with a tiny step on a
    skewed problem, and their mean step is tested against the field that it should follow, at level 1e-6.

    Parameters
    ----------
    seed
        Of the runs' data.

    Raises
    ------
    InputError
        If its steps have a wrong shape.
    """
    declared = adapter.declared
    probes = play(adapter)
    identified = declared if probes.explained_by(declared) else identify(probes, declared)
    said = (
        differences(declared, identified)
        if identified is not None
        else (f"its steps are explained by no recursion known here with at most {MOST_DIFFERENCES} differences",)
    )
    method = field_method(declared)
    found = None if method is None else following(adapter, method, seed)
    conforms = identified == declared and (found is None or found.p_value >= LEVEL)
    field = None if method is None else repr(method)
    return Conformance(adapter.name, conforms, declared, identified, said, field, found)
