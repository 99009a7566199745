"""Re-checks of branches: one zero in each tube, the same one where two tubes meet, folds, and the stability.

For all p in a part P of a tube's values f is enclosed at once, with the numbers of the Laplace form, or those of the
data, in ranges. With a point c of the box X, c - Y f(c, P) + (1 - Y J) (X - c) in the inside of X, J around Df over X
and all the tube's values, proves for each p exactly one zero in X; it depends continuously on p, since f does and X is
compact. At a joint a zero that is in the boxes of both tubes is the one of each. Where the branch turns back:
:mod:`adamsym.checker.folds`.
"""

from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from adamsym.certificates.branch_form import BranchCertificate, JointEntry, TubeEntry
from adamsym.certificates.parts import Box
from adamsym.checker import folds, speeds
from adamsym.checker.arithmetic import Arithmetic, Interval
from adamsym.checker.field import field_over
from adamsym.checker.folds import FoldStatement, Values, parts_of
from adamsym.checker.form import Form, form_of, method_of
from adamsym.checker.pushes import Over, parameter_of
from adamsym.checker.zeros import FINER, ROUGH, contains, known_well_enough, maps_inside, middle, sides, stability_by
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational
from adamsym.expressions.work import is_cut_short, spend
from adamsym.gradients import SymbolicGradient
from adamsym.gradients.entries import DataEntry, problem_over
from adamsym.methods.method import require_formulas

DEPTH = 6
"""A part of a tube's values that is not settled whole may be halved so many times."""

Statement = tuple[str, TubeEntry | JointEntry | FoldStatement]
"""A tube, or with "speed" how its zero moves, a joint with the value at which it is, or what is said of a fold."""


def form_fault(certificate: BranchCertificate, problem: SymbolicGradient) -> str | None:
    """Return what is wrong before any analysis: with the tubes' ends, the boxes, or the summary; or None."""
    tubes, joints = certificate.tubes, certificate.joints
    if not problem.is_smooth:
        return "the expressions have kinks"
    boxes = [*(tube.box for tube in tubes), *(joint.box for joint in joints)]
    boxes += [box for fold in certificate.folds for box in folds.boxes(fold)]
    if any(len(box) != problem.dimension or any(low > high for low, high in box) for box in boxes):
        return "a box does not fit the problem"
    if any(tube.velocity is not None and len(tube.velocity) != problem.dimension for tube in tubes):
        return "a velocity does not fit the problem"
    fault = next((fault for tube in tubes if (fault := speeds.form_fault(tube)) is not None), None)
    if fault is not None:
        return fault
    ends = [(_number(tube.low), _number(tube.high)) for tube in tubes]
    if (min(low for low, _ in ends), max(high for _, high in ends)) != (
        _number(certificate.low),
        _number(certificate.high),
    ):
        return "the tubes do not reach from the lower end to the upper one"
    if any(low > high for low, high in ends):
        return "a tube ends before it begins"
    entry = DataEntry.named(certificate.parameter)
    if entry is not None:
        try:
            problem_over(entry, problem, _number(certificate.low), _number(certificate.high))
        except InputError as error:
            return str(error)
    return _order_fault(certificate, ends) or _stability_fault(certificate)


def _order_fault(certificate: BranchCertificate, ends: list[tuple[Fraction, Fraction]]) -> str | None:
    """What is wrong with how tubes follow one another along the branch, with the joints, or where folds are."""
    tubes, at = certificate.tubes, {fold.after: fold for fold in certificate.folds}
    if [fold.after for fold in certificate.folds] != sorted(at) or any(number >= len(tubes) - 1 for number in at):
        return "the folds are not in order between tubes"
    if len(certificate.joints) != len(tubes) - 1 - len(at):
        return "there is not one joint between each two tubes"
    joints = iter(certificate.joints)
    rises = not at or _number(certificate.folds[0].absent) > _number(certificate.folds[0].present)
    for k, (a, b) in enumerate(pairwise(ends)):
        fold = at.get(k)
        if fold is not None:
            fault = folds.form_fault(fold, tubes[k], tubes[k + 1])
            present, absent = _number(fold.present), _number(fold.absent)
            if fault is not None:
                return f"fold after tube {k}: {fault}"
            if present == absent or rises != (absent > present):
                return f"fold after tube {k}: the branch does not come from that side"
            if not present == a[rises] == b[rises]:
                return f"fold after tube {k}: the tubes do not end where it begins"
            rises = not rises
            continue
        if a[rises] != b[not rises]:
            return "a tube does not begin where the one before ends"
        joint = next(joints)
        if not (contains(tubes[k].box, joint.box) and contains(tubes[k + 1].box, joint.box)):
            return f"joint {k} does not lie in the tubes on both sides"
    return None


def _stability_fault(certificate: BranchCertificate) -> str | None:
    """What is wrong with what the summary says of the stability, and of its changes."""
    kinds, turns = [tube.stability for tube in certificate.tubes], {fold.after for fold in certificate.folds}
    if certificate.stability != "undecided" and any(kind != certificate.stability for kind in kinds):
        return "the stability is not that of every tube"
    for change in certificate.changes:
        if not change.before < change.after < len(kinds):
            return "a change of the stability is not between two tubes"
        if turns & set(range(change.before, change.after)):
            return "a change of the stability is at a fold"
        pair = kinds[change.before], kinds[change.after]
        if "undecided" in pair or pair[0] == pair[1]:
            return "the stability does not change where it is said to"
    return None


def statements(certificate: BranchCertificate) -> list[tuple[str, Statement]]:
    """Return what a certificate asserts, each with a name for messages."""
    found: list[tuple[str, Statement]] = [(f"tube {k}", ("", tube)) for k, tube in enumerate(certificate.tubes)]
    at, joints = {fold.after: fold for fold in certificate.folds}, iter(certificate.joints)
    for k, (one, other) in enumerate(pairwise(certificate.tubes)):
        if k in at:
            found += [(f"fold after tube {k}: {name}", ("", part)) for name, part in folds.statements(at[k])]
        else:
            value = one.high if _number(one.high) == _number(other.low) else one.low
            found.append((f"joint {k}", (value, next(joints))))
    moving = [(k, tube) for k, tube in enumerate(certificate.tubes) if tube.speed is not None]
    return found + [(f"speed in tube {k}", ("speed", tube)) for k, tube in moving]


def statement_fault(
    certificate: BranchCertificate, problem: SymbolicGradient, form: Form, statement: Statement
) -> str | None:
    """Return what is wrong with one statement, or None: of the problem, or of the form, over all its values."""
    value, entry = statement

    def over(low: Fraction, high: Fraction) -> tuple[SymbolicGradient, Form]:
        return _over_values(certificate, problem, form, low, high)

    if isinstance(entry, JointEntry):
        at = _number(value)
        return None if maps_inside(*over(at, at), entry.box, entry.preconditioner) else NO_ZERO
    if isinstance(entry, TubeEntry) and value == "speed":
        ends = _number(certificate.low), _number(certificate.high)
        return speeds.fault(over, entry, parameter_of(certificate.parameter, over, *ends))
    if isinstance(entry, TubeEntry):
        return _tube_fault(over, entry)
    return folds.statement_fault(over, entry, certificate.parameter)


NO_ZERO = "Krawczyk's operator does not prove a zero in it"


def _tube_fault(over: Over, tube: TubeEntry) -> str | None:
    """What is wrong with a tube: with its zero, or with the stability."""
    low, high = _number(tube.low), _number(tube.high)
    using = over(low, high)[1].using
    fault: str | None = "Krawczyk's operator does not prove one zero in it for all values"
    for finer in (1, 2):
        slopes = _slopes(over, cells_of(tube.box, finer * tube.cells), parts_of(low, high, finer * tube.slope_parts))
        if not _contracts(using, tube, slopes):
            continue
        if not all(_part_holds(over, tube, slopes, part, DEPTH) for part in parts_of(low, high, tube.parts)):
            return fault
        if tube.stability in ("undecided", stability_by(using, slopes, tube.stability_matrix)):
            return None
        fault = "its stability is not proven"
    return fault


def cells_of(box: Box, most: int) -> list[Box]:
    """Return equal cells that fill a box, at most so many, as many along each side."""
    number, cells = max(1, int(most ** (1 / len(box)) + 1e-9)), [list[list[float]]()]
    for low, high in box:
        cuts = [low, *(low + (high - low) * k / number for k in range(1, number)), high]
        cells = [[*cell, [a, b]] for cell in cells for a, b in pairwise(cuts)]
    return cells


def _slopes(over: Over, cells: list[Box], parts: list[Values]) -> list[list[Interval]]:
    """Intervals around Df in all cells for all values."""
    found: list[list[Interval]] | None = None
    for part in parts:
        problem, form = over(*part)
        using = form.using
        for cell in cells:
            own = field_over(problem, form, sides(using, cell), slopes=True, tolerance=ROUGH).jacobian
            pairs = own if found is None else found
            found = [[using.hull(x, y) for x, y in zip(a, b, strict=True)] for a, b in zip(pairs, own, strict=True)]
    assert found is not None
    return found


def _contracts(using: Arithmetic, tube: TubeEntry, slopes: list[list[Interval]]) -> bool:
    """Whether (1 - Y J) (X - c) with the midpoint c of X is within X - c: a proof can succeed."""
    d = len(tube.box)
    if len(tube.preconditioner) != d or any(len(row) != d for row in tube.preconditioner):
        return False
    return _inside(using, tube, slopes, middle(tube.box), [using.number(0)] * d)


def _part_holds(over: Over, tube: TubeEntry, slopes: list[list[Interval]], part: Values, depth: int) -> bool:
    """Whether a tube's box holds one zero for each value in a part of its values."""
    low, high = part
    problem, form = over(low, high)
    using = form.using
    point = _point(tube, (low + high) / 2)
    enough = known_well_enough(tube.box, tube.preconditioner)
    for tolerance in (enough,) if low < high else (enough, FINER):
        value = field_over(problem, form, [using.number(x) for x in point], slopes=False, tolerance=tolerance).value
        if _inside(using, tube, slopes, point, value):
            return True
    if depth == 0 or low == high or is_cut_short():
        return False
    return all(_part_holds(over, tube, slopes, half, depth - 1) for half in parts_of(low, high, 2))


def _point(tube: TubeEntry, value: Fraction) -> list[float]:
    """A point of the box, about where the zero is at a value: any one may be taken."""
    away = float(value - (_number(tube.low) + _number(tube.high)) / 2)
    rates = [0.0] * len(tube.box) if tube.velocity is None else tube.velocity
    moved = [x + rate * away for x, rate in zip(middle(tube.box), rates, strict=True)]
    return [min(max(x, low), high) for x, (low, high) in zip(moved, tube.box, strict=True)]


def _inside(
    using: Arithmetic, tube: TubeEntry, slopes: list[list[Interval]], point: list[float], value: list[Interval]
) -> bool:
    """Whether c - Y f + (1 - Y J) (X - c) lies in the inside of X."""
    theta, center = sides(using, tube.box), [using.number(x) for x in point]
    spend(2 * len(theta) ** 3)
    for i, row in enumerate(tube.preconditioner):
        entry = center[i] - using.dot(row, value)
        for j, (side, x) in enumerate(zip(theta, center, strict=True)):
            product = using.dot(row, (line[j] for line in slopes))
            entry += (int(i == j) - product) * (side - x)
        # The box itself, for its interval may be wider.
        if not (entry > tube.box[i][0] and entry < tube.box[i][1]):
            return False
    return True


def _over_values(
    certificate: BranchCertificate, problem: SymbolicGradient, form: Form, low: Fraction, high: Fraction
) -> tuple[SymbolicGradient, Form]:
    """The problem and the form, one of them with ranges that hold all values of the parameter between two."""
    if DataEntry.named(certificate.parameter) is not None:
        return _problem_over(problem, certificate.parameter, low, high), form
    record = certificate.problem.method.model_dump_json()
    return problem, _form_over(form.using, record, certificate.parameter, low, high)


@lru_cache(maxsize=16)
def _problem_over(problem: SymbolicGradient, parameter: str, low: Fraction, high: Fraction) -> SymbolicGradient:
    entry = DataEntry.named(parameter)
    assert entry is not None
    return problem_over(entry, problem, low, high)


@lru_cache(maxsize=256)
def _form_over(using: Arithmetic, record: str, parameter: str, low: Fraction, high: Fraction) -> Form:
    return form_of(using, require_formulas(method_of(record), "a range").laplace_over(parameter, low, high))


def _number(text: str) -> Fraction:
    return exact_rational(text, "certificate.tubes")
