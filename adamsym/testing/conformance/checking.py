"""The conformance check of an optimizer."""

import inspect
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.results import Result
from adamsym.methods import METHODS, Method
from adamsym.testing.conformance.adapters import Adapter
from adamsym.testing.conformance.field_test import FieldTest, field_test
from adamsym.testing.conformance.identification import MOST_DIFFERENCES, Identification, identify
from adamsym.testing.conformance.messages import differences
from adamsym.testing.conformance.method_map import field_method
from adamsym.testing.conformance.method_steps import MethodSteps, declared_as
from adamsym.testing.conformance.probing import STEPS, BoolArray, ProbeResponse, apply_probes, at_first_sight
from adamsym.testing.conformance.recursion import Recursion
from adamsym.testing.conformance.replay import replay

LEVEL = 1e-6
"""Chance that an optimizer that follows its field is rejected by the test of its runs."""


@dataclass(frozen=True, repr=False)
class Conformance(Result):
    """What an optimizer is, and whether it is what it should be. It has no picture: the answer is a sentence.

    Attributes
    ----------
    name
        The optimizer's.
    conforms
        Whether its steps under the designed gradients are the declared recursion's to the rounding of its format, and
        its runs follow that recursion's field.
    declared, identified
        The recursion, or the method, that it should be, and the one that it is; None where none was found.
    differences
        One sentence for each difference.
    field
        The method whose field it should follow, as Python; None where adamsym knows none.
    field_test
        Its runs against that field; None where there is none, or they were not made.
    precision
        The floating-point format to whose rounding its steps were compared.
    probed
        What was tried: the number of steps, and the shapes of the parameters.
    alternatives
        Other recursions, with as few differences, that answer the designed gradients alike.
    observations
        What was seen before any recursion was tried: steps that are not finite, or do not move.
    """

    name: str
    conforms: bool
    declared: Recursion | MethodSteps
    identified: Recursion | MethodSteps | None
    differences: tuple[str, ...]
    field: str | None
    field_test: FieldTest | None
    precision: str = "float64"
    probed: str = ""
    alternatives: tuple[Recursion, ...] = ()
    observations: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Holds if the optimizer conforms, else refuted."""
        return "holds" if self.conforms else "refuted"

    @property
    def summary(self) -> str:
        """Whether the optimizer conforms."""
        return str(self).splitlines()[0]

    def to_dict(self) -> dict[str, Any]:
        """Return the result in texts and numbers, ready for JSON; recursions as Python writes them."""
        return {
            "name": self.name,
            "conforms": self.conforms,
            "precision": self.precision,
            "declared": repr(self.declared),
            "identified": None if self.identified is None else repr(self.identified),
            "differences": list(self.differences),
            "alternatives": [repr(other) for other in self.alternatives],
            "observations": list(self.observations),
            "field": self.field,
            "field_test": None if self.field_test is None else asdict(self.field_test),
            "probed": self.probed,
        }

    def __str__(self) -> str:
        to = "" if self.precision == "float64" else f" to {self.precision}"
        lines = [f"{self.name}: " + (f"conforms{to}" if self.conforms else "does NOT conform")]
        said = [*(line for line in self.observations if line not in self.differences), *self.differences]
        lines += [f"  {line}" for line in said]
        if isinstance(self.declared, Recursion):
            lines += [f"  or: {'; '.join(differences(self.declared, other))}" for other in self.alternatives]
        if self.field is None:
            lines.append("  the limiting field of its recursion is not implemented")
        elif self.field_test is None:
            lines.append(f"  its runs were not compared with the field of {self.field}")
        else:
            found = self.field_test
            verdict = "follows" if found.p_value >= LEVEL else "does not follow"
            measured = f"{found.measured:.5g} +- {found.standard_error:.2g}"
            lines.append(f"  its mean step {verdict} the field of {self.field}:")
            lines.append(f"  measured {measured}, field {found.expected:.5g}, p = {found.p_value:.2g}")
        if self.probed:
            lines.append(f"  probed: {self.probed}")
        return "\n".join(lines)


@checked_arguments
def check_optimizer(adapter: Adapter, seed: int = 0, method: Method | None = None) -> Conformance:
    """Return what an optimizer is, and whether it is what it should be.

    It is given designed gradients for scalars, vectors and matrices, from which its recursion is identified: bias
    corrections, the place of eps, memories, weight decay, amsgrad, signs, and more (:class:`Recursion`). Its steps are
    compared to the rounding of the format of its parameters, by a running error bound. Then chains of it run with a
    tiny step on a skewed problem, and their mean step is tested against the field that it should follow, at level 1e-6.

    An optimizer that should be a method outside of this family is compared with the method's own steps, to an estimate
    of the rounding, and said is where it first deviates; the field of such a method is estimated by Monte Carlo.

    Parameters
    ----------
    seed
        Of the runs' data.
    method
        What the optimizer should be, in place of what its adapter declares.

    Raises
    ------
    InputError
        If its steps have a wrong shape.
    """
    if method is not None:
        adapter = replace(adapter, declared=declared_as(method, adapter.declared.step_size))
    declared = adapter.declared
    probe = apply_probes(adapter)
    identified, alternatives, said, seen, lost = _compared(probe, declared)
    if isinstance(declared, Recursion) and identified is None and not lost and probe.precision.name == "float64":
        shorter = probe.in_precision("float32")
        if shorter.explained_by(declared):
            probe, identified, said = shorter, declared, ()
            seen = "parameters are float64, but the steps are what was declared to the rounding of float32 only"
    followed = _followed(declared, method)
    # How long its runs remember their start is a matter of what it is, not of what it should be.
    running = replace(adapter, declared=identified) if isinstance(identified, Recursion) else adapter
    found = None if followed is None or lost else field_test(running, followed, seed, probe.precision)
    conforms = identified == declared and (found is None or found.p_value >= LEVEL)
    return Conformance(
        adapter.name,
        conforms,
        declared,
        identified,
        said,
        None if followed is None else repr(followed),
        found,
        probe.precision.name,
        _probed(probe),
        alternatives,
        () if seen is None else (seen,),
    )


def _followed(declared: Recursion | MethodSteps, method: Method | None) -> Method | None:
    """The method whose field the optimizer should follow; None if adamsym knows none, or the method has none."""
    if isinstance(declared, MethodSteps):
        method = declared.method
    if method is None:
        assert isinstance(declared, Recursion)
        return field_method(declared)
    return method if method.laplace is not None or math.isfinite(method.memory) else None


def _compared(
    probe: ProbeResponse, declared: Recursion | MethodSteps
) -> tuple[Recursion | MethodSteps | None, tuple[Recursion, ...], tuple[str, ...], str | None, bool]:
    """The recursion found, those that do as well, the differences, what is seen at once, and whether all is lost."""
    sight = at_first_sight(probe)
    seen, lost = sight if sight is not None else (None, False)
    if isinstance(declared, MethodSteps):
        departure = _departure(probe, declared)
        if departure is None:
            return declared, (), (), seen, False
        return None, (), (seen if lost and seen is not None else departure,), seen, lost
    if probe.explained_by(declared):
        return declared, (), (), seen, False
    if lost and seen is not None:
        return None, (), (seen,), seen, True
    found = identify(probe, declared)
    if found.recursions:
        first, *others = found.recursions
        return first, tuple(others), differences(declared, first), seen, False
    if seen is not None and "finite" in seen:
        return (
            None,
            (),
            (seen, *_rounded_away(probe, declared)),
            seen,
            not np.isfinite(probe.observed).any(axis=0).all(),
        )
    known = _known_method(probe, declared)
    if known is not None:
        return known, (), (f"its steps are those of {known.method!r}",), seen, False
    return None, (), (_deviation(probe, declared, found),), seen, False


def _known_method(probe: ProbeResponse, declared: Recursion) -> MethodSteps | None:
    """The method outside of the family, with the declared numbers or its own eps, whose steps these are."""
    if probe.precision.unit > 2.0**-24:
        # In 16 bits too much is explained by rounding.
        return None
    numbers = {"beta1": declared.beta1, "beta2": declared.beta2, "eps": declared.eps}
    for kind in METHODS.values():
        own = {name: value for name, value in numbers.items() if name in inspect.signature(kind).parameters}
        for left_out in ((), ("eps",)):
            try:
                method = kind(**{name: value for name, value in own.items() if name not in left_out})
            except InputError:
                continue
            steps = declared_as(method, declared.step_size)
            # Most differ at once, and a step of many replays is dear.
            if isinstance(steps, MethodSteps) and all(_makes(steps, part) for part in (probe.beginning(3), probe)):
                return steps
    return None


def _makes(steps: MethodSteps, probe: ProbeResponse) -> bool:
    """Whether these steps make all changes of the probe."""
    return not probe.deviations_from(steps.replayed(probe.run, probe.precision, probe.scalars)).any()


def _rounded_away(probe: ProbeResponse, declared: Recursion) -> tuple[str, ...]:
    """Whether eps is lost in the format."""
    if 0 < declared.eps < probe.precision.tiny:
        return (f"eps = {declared.eps:g} rounds to 0 in {probe.precision.name}",)
    return ()


def _deviation(probe: ProbeResponse, declared: Recursion, found: Identification) -> str:
    """Where the optimizer leaves the nearest recursion, as a sentence."""
    nearest = found.nearest
    same = (
        "what was declared"
        if nearest == declared
        else f"the declared one where {' and '.join(differences(declared, nearest))}"
    )
    predicted = replay(nearest, probe.run)
    assert predicted is not None
    wrong = probe.deviations(nearest)
    assert wrong is not None
    return (
        f"its steps are explained by no recursion known here with at most {MOST_DIFFERENCES} differences; the nearest "
        f"is {same}, {_first_place(probe, wrong, predicted, (found.step, found.coordinate))}"
    )


def _departure(probe: ProbeResponse, declared: MethodSteps) -> str | None:
    """Where the optimizer leaves the steps of a method, in words; None if it does not."""
    found = declared.replayed(probe.run, probe.precision, probe.scalars)
    wrong = probe.deviations_from(found)
    if not wrong.any():
        return None
    step = int(np.argmax(wrong.any(axis=1)))
    first = _first_place(probe, wrong, found.value, (step, int(np.argmax(wrong[step]))))
    return f"its steps should be those of {declared.method!r}, {first}"


def _first_place(probe: ProbeResponse, wrong: BoolArray, predicted: FloatArray, first: tuple[int, int]) -> str:
    """From where on, and by how much, an optimizer deviates."""
    owner, shapes = probe.run.layout.owner[wrong.any(axis=0)], probe.run.layout.shapes
    touched = sorted({shapes[int(number)] for number in owner}, key=str)
    only = ""
    if len(touched) < len(set(shapes)):
        only = f" (only tensors of shape {' and '.join(map(str, touched))} deviate)"
    step, coordinate = first
    return (
        f"from which it first deviates at step {step + 1}, {probe.run.layout.place(coordinate)}: it moves by "
        f"{probe.observed[first]:.6g}, not {predicted[first]:.6g}{only}"
    )


def _probed(probe: ProbeResponse) -> str:
    what = f"{STEPS} steps in {probe.precision.name}, parameters of shapes {probe.run.layout}"
    return what + (f"; it cannot take {'; '.join(probe.refused)}" if probe.refused else "")
