"""Re-checks of all zeros over hyper-parameters: the cells, what each of them rests on, and the proofs over cells.

A box X with |1 - Y Df| < 1 in one norm for all matrices Df over parts that cover it holds one zero at most, for every
value: f(y) - f(x) = A (y - x) with A in the convex hull of these. Where the coordinates of Y f have opposite signs on
opposite faces it holds one at least (Poincare and Miranda), in its inside. So two such boxes whose insides do not meet
hold different zeros.
"""

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from adamsym.certificates.form import ZerosLeaf
from adamsym.certificates.over_form import OverLeaf, RegionEntry, Values, ZerosOverCertificate
from adamsym.certificates.parts import Box, Matrix
from adamsym.checker.arithmetic import Interval, is_not_zero
from adamsym.checker.between_nodes import slope_between
from adamsym.checker.field import field_over
from adamsym.checker.form import Form, form_of, method_of
from adamsym.checker.tiling import fills
from adamsym.checker.zeros import COARSE, contains, halves, leaf_fault, middle, sides, signs_on_faces, stability_by
from adamsym.expressions.numbers import exact_rational
from adamsym.expressions.work import is_cut_short, spend
from adamsym.gradients import SymbolicGradient
from adamsym.methods import LaplaceForm
from adamsym.methods.method import require_formulas

_DEPTH = 5
"""A box around a zero may be halved so many times for its Jacobians."""

_DEPTH_ON_LINE = 14
"""The same of one without zeros: next to where an atom vanishes enclosures are wide but for narrow parts."""

_LEFT = 0.2
"""What the slope between nodes may err by, as a share of what would be enough."""

_DEPTH_OF_VALUES = 3
"""The ranges of values that a proof is over may be halved so many times."""

Ranges = tuple[tuple[Fraction, Fraction], ...]


def form_fault(certificate: ZerosOverCertificate, problem: SymbolicGradient) -> str | None:
    """Return what is wrong before any analysis: with the cells, or with what each of them rests on; or None."""
    if not problem.is_smooth:
        return "the expressions have kinks"
    names = certificate.parameters
    if len(set(names)) < len(names):
        return "a parameter is named twice"
    boxes = [certificate.box, *(region.box for region in certificate.regions), *(one.box for one in certificate.proofs)]
    if any(len(box) != problem.dimension or any(low > high for low, high in box) for box in boxes):
        return "a box does not fit the problem"
    whole = _ranges(certificate.over)
    cells = [_ranges(cell.over) for cell in certificate.cells]
    places = [
        *(_ranges(region.over) for region in certificate.regions),
        *(_ranges(one.over) for one in certificate.proofs),
    ]
    if any(len(one) != len(names) or any(low > high for low, high in one) for one in (whole, *cells, *places)):
        return "the values do not fit the parameters"
    if not _halved(whole, cells):
        return "the cells do not fill the values by halving"
    for k, one in enumerate(certificate.proofs):
        fault = _leaf_fault(certificate, one)
        if fault is not None:
            return f"proof {k}: {fault}"
    groups = _grouped(places[len(certificate.regions) :])
    for k, cell in enumerate(certificate.cells):
        spend(1 + len(groups))
        if cell.zeros is not None:
            here = [j for place, numbers in groups.items() if _holds(place, cells[k]) for j in numbers]
            fault = _cell_fault(certificate, cells[k], cell.zeros, [certificate.proofs[j] for j in here])
            if fault is not None:
                return f"cell {k}: {fault}"
    return None


def _cell_fault(
    certificate: ZerosOverCertificate, cell: Ranges, zeros: list[int], proofs: Sequence[OverLeaf]
) -> str | None:
    """What is wrong with the list of a cell's zeros, where all ``proofs`` hold."""
    if not all(number < len(certificate.regions) for number in zeros) or len(set(zeros)) < len(zeros):
        return "names no region, or one twice"
    regions = [certificate.regions[number] for number in zeros]
    if not all(_holds(_ranges(region.over), cell) for region in regions):
        return "a zero is not proven for all of its values"
    if not all(contains(certificate.box, region.box) for region in regions):
        return "a zero is not proven to lie in the box"
    if any(_insides_meet(a.box, b.box) for k, a in enumerate(regions) for b in regions[:k]):
        return "two of the zeros may be one"
    if any(one.region is not None and one.region not in zeros for one in proofs):
        return "a zero is not listed"
    return None if proofs and fills(certificate.box, [one.box for one in proofs]) else "the boxes do not fill the box"


def _leaf_fault(certificate: ZerosOverCertificate, one: OverLeaf) -> str | None:
    """What is wrong with what a proof names."""
    if sum(named is not None for named in (one.coordinate, one.direction, one.region)) != 1:
        return "does not name one reason"
    if one.coordinate is not None and one.coordinate >= len(one.box):
        return "names no coordinate"
    if one.direction is not None and (len(one.direction) != len(one.box) or not any(one.direction)):
        return "names no direction"
    if one.region is None:
        return None
    if one.region >= len(certificate.regions):
        return "names no region"
    region = certificate.regions[one.region]
    if not (contains(region.box, one.box) and _holds(_ranges(region.over), _ranges(one.over))):
        return "is not within its region"
    return None


def statements(certificate: ZerosOverCertificate) -> list[tuple[str, RegionEntry | OverLeaf]]:
    """Return what is to be proven, each with a name for messages."""
    regions: list[tuple[str, RegionEntry | OverLeaf]] = [
        (f"region {k}", region) for k, region in enumerate(certificate.regions)
    ]
    return [*regions, *((f"proof {k}", one) for k, one in enumerate(certificate.proofs) if one.region is None)]


def statement_fault(
    certificate: ZerosOverCertificate, problem: SymbolicGradient, form: Form, statement: RegionEntry | OverLeaf
) -> str | None:
    """Return what is wrong with one proof over a cell, or None."""
    return _fault_over(certificate, problem, form, statement, _ranges(statement.over), _DEPTH_OF_VALUES)


def _fault_over(
    certificate: ZerosOverCertificate,
    problem: SymbolicGradient,
    form: Form,
    statement: RegionEntry | OverLeaf,
    values: Ranges,
    depth: int,
) -> str | None:
    """What is wrong with a proof for values in some ranges, which are halved where that helps."""
    method, names = certificate.problem.method.model_dump_json(), tuple(certificate.parameters)
    over = form_of(form.using, _laplace_over(method, names, values))
    if isinstance(statement, RegionEntry):
        fault = _region_fault(problem, over, statement)
    else:
        by: Literal["sign", "direction"] = "sign" if statement.coordinate is not None else "direction"
        leaf = ZerosLeaf(box=statement.box, by=by, coordinate=statement.coordinate, direction=statement.direction)
        if by == "direction" and problem.dimension == 1:
            fault = None if _is_free(problem, over, leaf.box, _DEPTH_ON_LINE, None) else "the field may vanish in it"
        else:
            fault = leaf_fault(problem, over, leaf)
    axis = max(range(len(values)), key=lambda j: _share(values[j]))
    low, high = values[axis]
    if fault is None or depth == 0 or is_cut_short() or low == high:
        return fault
    for half in ((low, (low + high) / 2), ((low + high) / 2, high)):
        fault = _fault_over(
            certificate, problem, form, statement, (*values[:axis], half, *values[axis + 1 :]), depth - 1
        )
        if fault is not None:
            return fault
    return None


def _is_free(problem: SymbolicGradient, form: Form, box: Box, depth: int, positive: bool | None) -> bool:
    """Whether f has no zero in a box of one parameter, from its value in the middle and its slope; or so in parts.

    F is ``positive`` in all of them or in none.
    """
    using, (side,) = form.using, sides(form.using, box)
    point = using.number(middle(box)[0])
    value = field_over(problem, form, [point], slopes=False, tolerance=COARSE).value[0]
    above = bool(value > 0)
    if not is_not_zero(value) or positive not in (None, above):
        return False
    over, shift = field_over(problem, form, [side], slopes=True, tolerance=COARSE), side - point
    if is_not_zero(over.value[0]) or is_not_zero(value + over.jacobian[0][0] * shift):
        return True
    allowed = _LEFT * using.least_magnitude(value) / using.magnitude(shift)
    slope = slope_between(problem, form, box, using.lower(allowed), COARSE)
    if slope is not None and is_not_zero(value + slope * shift):
        return True
    if depth == 0 or is_cut_short():
        return False
    return all(_is_free(problem, form, half, depth - 1, above) for half in halves(box))


def _share(values: tuple[Fraction, Fraction]) -> Fraction:
    """How long a range is beside what it is away from 0 and 1."""
    low, high = values
    return (high - low) / max(low, high - low) if high >= 1 else (high - low) / max((high - low), min(low, 1 - high))


def _region_fault(problem: SymbolicGradient, form: Form, region: RegionEntry) -> str | None:
    d = problem.dimension
    if len(region.preconditioner) != d or any(len(row) != d for row in region.preconditioner):
        return "its preconditioner does not fit"
    if not all(low < high for low, high in region.box):
        return "its box has no inside"
    fault = _jacobians_fault(problem, form, region, region.box, _DEPTH)
    if fault is not None:
        return fault
    return None if signs_on_faces(problem, form, region.box, region.preconditioner) else "signs of f are not proven"


def _jacobians_fault(problem: SymbolicGradient, form: Form, region: RegionEntry, part: Box, depth: int) -> str | None:
    """What is not proven of Df over a part of a region: that it holds one zero at most; the stability."""
    over = field_over(problem, form, sides(form.using, part), slopes=True, tolerance=COARSE)
    fault = _jacobian_fault(form, region, over.jacobian)
    if fault is not None and len(part) == 1:
        point = form.using.number(middle(part)[0])
        slope = field_over(problem, form, [point], slopes=True, tolerance=COARSE).jacobian[0][0]
        allowed = _LEFT * form.using.least_magnitude(slope)
        between = slope_between(problem, form, part, form.using.lower(allowed), COARSE) if allowed > 0 else None
        fault = fault if between is None else _jacobian_fault(form, region, [[between]])
    if fault is None or depth == 0 or is_cut_short():
        return fault
    for half in halves(part):
        fault = _jacobians_fault(problem, form, region, half, depth - 1)
        if fault is not None:
            return fault
    return None


def _jacobian_fault(form: Form, region: RegionEntry, jacobian: list[list[Interval]]) -> str | None:
    """What matrices in an enclosure do not prove of a region."""
    if not _contracts(form, region.box, region.preconditioner, jacobian):
        return "may hold several zeros"
    if region.stability == "undecided":
        return None
    proven = stability_by(form.using, jacobian, region.stability_matrix)
    return None if proven == region.stability else "its stability is not proven"


def _contracts(form: Form, box: Box, preconditioner: Matrix, jacobian: list[list[Interval]]) -> bool:
    """Whether |1 - Y Df| < 1 in the norm of which ``box`` is a ball."""
    using, d = form.using, len(box)
    spend(2 * d**3)
    reach = [using.number(high) - using.number(low) for low, high in box]
    for i, row in enumerate(preconditioner):
        total = using.number(0)
        for j in range(d):
            product = using.total(y * line[j] for y, line in zip(row, jacobian, strict=True))
            total += using.magnitude(int(i == j) - product) * reach[j]
        if not total < reach[i]:
            return False
    return True


def _halved(whole: Ranges, cells: list[Ranges]) -> bool:
    """Whether cells are what repeated halving of the values leaves: they then cover these, and no two overlap."""
    stack = [(whole, cells)]
    while stack:
        one, parts = stack.pop()
        if len(parts) == 1:
            if parts[0] != one:
                return False
            continue
        for axis, (low, high) in enumerate(one):
            spend(1 + len(parts) // 10)
            cut = (low + high) / 2
            left = [part for part in parts if part[axis][1] <= cut]
            right = [part for part in parts if part[axis][0] >= cut]
            if left and right and len(left) + len(right) == len(parts) and low < high:
                stack.append(((*one[:axis], (low, cut), *one[axis + 1 :]), left))
                stack.append(((*one[:axis], (cut, high), *one[axis + 1 :]), right))
                break
        else:
            return False
    return True


def _grouped(places: list[Ranges]) -> dict[Ranges, list[int]]:
    found: dict[Ranges, list[int]] = {}
    for k, place in enumerate(places):
        found.setdefault(place, []).append(k)
    return found


def _holds(outer: Ranges, inner: Ranges) -> bool:
    return all(a <= b and c <= d for (a, d), (b, c) in zip(outer, inner, strict=True))


def _insides_meet(one: Box, other: Box) -> bool:
    return all(a < d and c < b for (a, b), (c, d) in zip(one, other, strict=True))


@lru_cache(maxsize=256)
def _laplace_over(record: str, names: tuple[str, ...], ranges: Ranges) -> LaplaceForm:
    return require_formulas(method_of(record), "a range").laplace_over_all(dict(zip(names, ranges, strict=True)))


def _ranges(values: Values) -> Ranges:
    return tuple((_number(low), _number(high)) for low, high in values)


@lru_cache(maxsize=4096)
def _number(text: str) -> Fraction:
    return exact_rational(text, "certificate.over")
