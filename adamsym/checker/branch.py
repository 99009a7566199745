"""Re-checks of branches: one zero in each tube, the same one where two tubes meet, its stability.

For all p from low to high f is enclosed at once, with the numbers of the Laplace form, or those of the data, in ranges.
Krawczyk's operator in the inside of a tube's box X proves for each p exactly one zero in X; it depends continuously on
p, since f does and X is compact. At a joint a zero that is in the boxes of both tubes is the one of each.
"""

import itertools
import json
from fractions import Fraction
from functools import lru_cache

from adamsym.certificates.branch_form import BranchCertificate, JointEntry, TubeEntry
from adamsym.checker.field import field_over
from adamsym.checker.form import Form, form_of
from adamsym.checker.zeros import contains, maps_inside, sides, stability_by
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational
from adamsym.gradients import SymbolicGradient
from adamsym.gradients.entries import DataEntry, problem_over
from adamsym.methods import LaplaceForm
from adamsym.methods.method import require_formulas
from adamsym.methods.record import method_from_record

Statement = tuple[int, TubeEntry | JointEntry]
"""A tube, or the joint at its upper end, by the number of the tube."""


def form_fault(certificate: BranchCertificate, problem: SymbolicGradient) -> str | None:
    """Return what is wrong before any analysis: with the tubes' ends, the boxes, or the summary; or None."""
    tubes, joints = certificate.tubes, certificate.joints
    if not problem.is_smooth:
        return "the expressions have kinks"
    boxes = [*(tube.box for tube in tubes), *(joint.box for joint in joints)]
    if any(len(box) != problem.dimension or any(low > high for low, high in box) for box in boxes):
        return "a box does not fit the problem"
    ends = [(_number(tube.low), _number(tube.high)) for tube in tubes]
    if (ends[0][0], ends[-1][1]) != (_number(certificate.low), _number(certificate.high)):
        return "the tubes do not reach from the lower end to the upper one"
    if any(low > high for low, high in ends) or any(a[1] != b[0] for a, b in itertools.pairwise(ends)):
        return "a tube does not begin where the one before ends"
    if len(joints) != len(tubes) - 1:
        return "there is not one joint between each two tubes"
    for k, joint in enumerate(joints):
        if not (contains(tubes[k].box, joint.box) and contains(tubes[k + 1].box, joint.box)):
            return f"joint {k} does not lie in the tubes on both sides"
    if certificate.stability != "undecided" and any(tube.stability != certificate.stability for tube in tubes):
        return "the stability is not that of every tube"
    entry = DataEntry.named(certificate.parameter)
    if entry is not None:
        try:
            problem_over(entry, problem, ends[0][0], ends[-1][1])
        except InputError as error:
            return str(error)
    return None


def statements(certificate: BranchCertificate) -> list[tuple[str, Statement]]:
    """Return what a certificate asserts, each with a name for messages."""
    tubes: list[tuple[str, Statement]] = [(f"tube {k}", (k, tube)) for k, tube in enumerate(certificate.tubes)]
    return [*tubes, *((f"joint {k}", (k, joint)) for k, joint in enumerate(certificate.joints))]


def statement_fault(
    certificate: BranchCertificate, problem: SymbolicGradient, form: Form, statement: Statement
) -> str | None:
    """Return what is wrong with one tube or joint, or None: of the problem, or of the form, over all its values."""
    number, entry = statement
    tube = certificate.tubes[number]
    low = tube.low if isinstance(entry, TubeEntry) else tube.high
    problem, over = _over_values(certificate, problem, form, low, tube.high)
    if isinstance(entry, JointEntry):
        holds = maps_inside(problem, over, entry.box, entry.preconditioner)
        return None if holds else "Krawczyk's operator does not prove a zero in it"
    whole = field_over(problem, over, sides(over.using, entry.box), slopes=True)
    if not maps_inside(problem, over, entry.box, entry.preconditioner, whole):
        return "Krawczyk's operator does not prove one zero in it for all values"
    if entry.stability == "undecided":
        return None
    proven = stability_by(over.using, whole.jacobian, entry.stability_matrix)
    return None if proven == entry.stability else "its stability is not proven"


def _over_values(
    certificate: BranchCertificate, problem: SymbolicGradient, form: Form, low: str, high: str
) -> tuple[SymbolicGradient, Form]:
    """The problem and the form, one of them with ranges that hold all values of the parameter."""
    if DataEntry.named(certificate.parameter) is not None:
        return _problem_over(problem, certificate.parameter, low, high), form
    method = certificate.problem.method.model_dump_json()
    return problem, form_of(form.using, _laplace_over(method, certificate.parameter, low, high))


@lru_cache(maxsize=4)
def _problem_over(problem: SymbolicGradient, parameter: str, low: str, high: str) -> SymbolicGradient:
    entry = DataEntry.named(parameter)
    assert entry is not None
    return problem_over(entry, problem, _number(low), _number(high))


@lru_cache(maxsize=256)
def _laplace_over(record: str, parameter: str, low: str, high: str) -> LaplaceForm:
    method = method_from_record(json.loads(record))
    return require_formulas(method, "a range").laplace_over(parameter, _number(low), _number(high))


def _number(text: str) -> Fraction:
    return exact_rational(text, "certificate.tubes")
