"""What ``adamsym zeros`` says where a field has bounds at points alone: a change of its sign; a point on a border."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from adamsym.cli.assignments import parse_box
from adamsym.cli.options import HOLDS, UNDECIDED, as_given, read_problem_and_point
from adamsym.cli.output import hint, print_result, print_table, working
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.certify import BorderPoint, Crossing
    from adamsym.field import AdamField
    from adamsym.gradients.reading import ProblemFile

_BOUNDS = ["proven lower bound of f", "proven upper bound of f"]


def has_bounds_alone(source: "ProblemFile") -> bool:
    """Whether the Jacobian of a problem's field is not enclosed: of sign methods, and of reshuffled rows."""
    return (
        source.adam.laplace is None and source.adam.sign_form is not None
    ) or source.problem.sampling == "reshuffled"


def no_zero_near(source: "ProblemFile") -> InputError:
    """Return why ``--at`` cannot certify a zero there, and what can be certified."""
    name = source.problem.names[0]
    instead = f"; --box {name}=0:2 certifies a change of its sign" if source.problem.dimension == 1 else ""
    return InputError(f"--at: {_why(source)}{instead}")


def change_of_sign(
    source: "ProblemFile", field: "AdamField", box: Sequence[Sequence[float]], output: Path | None, as_json: bool
) -> int:
    """Certify a change of sign of a field of one parameter in a range."""
    if source.problem.dimension != 1:
        raise InputError(
            f"--box: {_why(source)}; a change of its sign is certified of one parameter, and there are "
            f"{source.problem.dimension}"
        )
    _refuse_output(output, "a change of sign")
    [(low, high)] = box
    if low == high:
        raise InputError(f"--box: both ends are {low!r}; a change of sign needs a lower and an upper end")
    from adamsym.certify import certify_crossing

    with working("certifying"):
        found = certify_crossing(field, low, high)
    if as_json:
        print_result(found, source.problem.names)
    else:
        _print_crossing(found)
    return HOLDS if found.direction else UNDECIDED


def border_point(file: Path, at: list[str], project: list[str], output: Path | None, as_json: bool, quiet: bool) -> int:
    """Certify a stationary point of the projected field on the border of the box."""
    _refuse_output(output, "a point on the border")
    source, theta = read_problem_and_point(file, at, "--at")
    if has_bounds_alone(source):
        raise InputError(f"--project: {_why(source)}; that is what points on the border are certified by")
    box = parse_box(project, source.problem.names, "--project", is_open=True)
    theta = [_at_its_end(x, *ends) for x, ends in zip(theta, box, strict=True)]
    for name, x, (low, high) in zip(source.problem.names, theta, box, strict=True):
        if not low <= x <= high:
            raise InputError(f"--at: {name}={x!r} lies outside of --project {name}={low!r}:{high!r}")
    if not any(x in ends for x, ends in zip(theta, box, strict=True)):
        raise InputError("--at: no parameter lies at an end of --project; without --project a zero inside is certified")
    from adamsym.certify import certify_border_point
    from adamsym.field import AdamField

    with working("certifying"):
        found = certify_border_point(AdamField(source.problem, source.adam), theta, box)
    if as_json:
        print_result(found, source.problem.names)
    else:
        _print_border_point(found)
        hint(quiet, "flow", file, *as_given("--project", project))
    return UNDECIDED if found.reason else HOLDS


def _at_its_end(x: float, low: float, high: float) -> float:
    """An end of a side if x is the float next to it: ends that are no floats are rounded outwards, as a box's are."""
    if x in (low, high):
        return x
    return next((end for end in (low, high) if math.nextafter(end, x) == x), x)


def _why(source: "ProblemFile") -> str:
    if source.problem.sampling == "reshuffled":
        return "the field of reshuffled rows has no bounds of its Jacobian"
    return f"the field of {type(source.adam).__name__} has no bounds of its Jacobian"


def _refuse_output(output: Path | None, what: str) -> None:
    if output is not None:
        raise InputError(f"-o: no certificate format exists for {what}; --json prints all that is proven")


def _print_crossing(found: "Crossing") -> None:
    from adamsym.certify.digits import interval_text, rounded_down, rounded_up

    if not found.direction:
        place = f"between {found.name} = {found.low!r} and {found.high!r}"
        signs = {int(low > 0) - int(high < 0) for low, high in found.ends}
        known = next(iter(signs)) if len(signs) == 1 else 0
        same = {1: "f is positive at both ends", -1: "f is negative at both ends"}
        print(f"undecided: no change of sign is proven {place}; {same.get(known, 'f may be 0 at an end')}")
    else:
        low, high = interval_text(found.low, found.high)[1:-1].split(", ")
        place = f"between {found.name} = {low} and {high}"
        what = "a zero" if found.is_continuous else "f changes its sign"
        print(f"certified: {what} {place}")
        jumps = "" if found.is_continuous else "; f is not proven to be continuous there: it may jump across 0"
        ways = {-1: "from positive to negative", 1: "from negative to positive"}
        print(f"f changes {ways[found.direction]}{jumps}")
        print("other zeros in the box are not excluded")
    rows = [
        [repr(end), rounded_down(float(low)), rounded_up(float(high))]
        for end, (low, high) in zip((found.low, found.high), found.ends, strict=True)
    ]
    print_table([found.name, *_BOUNDS], rows, numbers=[found.name, *_BOUNDS])


def _print_border_point(found: "BorderPoint") -> None:
    from adamsym.certify.digits import interval_text, rounded_down, rounded_up

    print(f"{found.verdict}: {found.summary}")
    ends = {1: "upper end", -1: "lower end", 0: "only value"}
    held = dict(zip(found.held, found.pushes.tolist(), strict=True))
    rows = []
    for i, name in enumerate(found.names):
        where = ends[found.held[i]] if i in held else "-"
        low, high = found.box[i].tolist()
        place = repr(low) if low == high else interval_text(low, high)
        known = i in held and not math.isnan(held[i][0])
        bounds = [rounded_down(held[i][0]), rounded_up(held[i][1])] if known else ["-", "-"]
        rows.append([name, place, where, *bounds])
    columns = ["parameter", "at", "held at", *_BOUNDS]
    print_table(columns, rows, numbers=["at", *_BOUNDS])
