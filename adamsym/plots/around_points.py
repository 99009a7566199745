"""What is certified around one point, in words and tables: a zero that is alone, and where the loss decreases."""

from adamsym.certify import LyapunovBall, OneZero
from adamsym.certify.digits import rounded_down, rounded_up
from adamsym.certify.results import one_zero_table
from adamsym.field.ball.arithmetic import outward
from adamsym.plots.registry import Finding, Table

_MOST_PARAMETERS = 40
"""Of a zero that the page lists."""


def about_one_zero(found: OneZero) -> Finding:
    """Say whether a zero is certified, its stability, and the critical point beside it; or a whole set of minima."""
    if found.zero is None and found.minima is None:
        return Finding("undecided", found.summary.removeprefix("undecided: "))
    return Finding("holds", found.summary)


def table_of_one_zero(found: OneZero) -> Table:
    """Return the parameters of a zero, where it is alone, and of the critical point of the loss beside it."""
    columns, rows = one_zero_table(found)
    left = len(rows) - _MOST_PARAMETERS
    one = "Certified: exactly one zero lies where the digits shown are, and no other in the box of the third column"
    return Table(
        one if found.minima is None else "The center of the box where the set of minima is certified",
        tuple(columns),
        tuple(tuple(row) for row in rows[:_MOST_PARAMETERS]),
        f"And {left} more parameters: adamsym zeros lists them." if left > 0 else "",
        f"No zero is certified: {found.reason}",
    )


def about_ball(ball: LyapunovBall, everywhere: LyapunovBall) -> Finding:
    """Say where the loss is certified to decrease along the flow: in all of space, or on a box around a point."""
    if everywhere.verdict == "certified":
        text = "certified: L decreases along the flow in all of space, wherever L > 0; all flow lines converge to L = 0"
        return Finding("holds", text)
    if ball.verdict == "certified":
        within = f"within {ball.radius!r} of an interpolating point in each parameter"
        starts = ""
        if ball.trapped_radius is not None:
            starts = f"; all flow lines from within {rounded_down(ball.trapped_radius, 3)} of it converge to L = 0"
        return Finding("holds", f"certified: L decreases along the flow {within}, wherever L > 0{starts}")
    return Finding("undecided", ball.reason or "")


def table_of_ball(ball: LyapunovBall, everywhere: LyapunovBall) -> Table:
    """Return what is certified on the largest box around an interpolating point, and in all of space."""
    both = (ball, everywhere)
    rows = [("verdict", *(found.verdict for found in both))]
    if any(found.verdict == "undecided" for found in both):
        rows.append(("why", *(found.reason or "" for found in both)))
    names = ("theorem", "c_0", "q", "eta", "-<grad L, f> at least", "where", "flow lines that stay", "and with small L")
    columns = [_column(found) for found in both]
    rows += [(name, *(column[k] for column in columns)) for k, name in enumerate(names) if any(c[k] for c in columns)]
    rows += [(f"N-Theorem 6 would hold from {name}", *texts) for name, texts in _wanted(both).items() if any(texts)]
    columns_text = ("", "the largest box that is proven", "all of space")
    return Table("Certified, around an interpolating point near the start", columns_text, tuple(rows))


def _column(found: LyapunovBall) -> tuple[str, ...]:
    """The numbers of a region that is certified; empty texts of one that is not."""
    if found.verdict != "certified" or found.proof is None or found.rate is None:
        return ("",) * 8
    best = found.proof.best
    where = "everywhere" if found.is_global else f"half-width {found.radius!r}"
    level = "" if found.level is None else f", where L <= {rounded_down(found.level, 4)}"
    stay, small = "all" if found.is_global else "", ""
    if found.trapped is not None:
        stay = f"from within {rounded_down(found.trapped.radius, 3)}"
    if found.tube is not None and found.tube.level is not None:
        small = f"from within {rounded_down(found.tube.radius, 3)}, L <= {rounded_down(found.tube.level, 3)}"
    return (
        f"{best.theorem}, q by {best.by}",
        rounded_down(outward(best.share)[0], 4),
        rounded_up(outward(best.q)[1], 4),
        rounded_up(outward(best.eta)[1], 4),
        f"{rounded_down(found.rate, 4)} L{level}",
        where,
        stay,
        small,
    )


def _wanted(both: tuple[LyapunovBall, ...]) -> dict[str, tuple[str, ...]]:
    """The smallest batch, and the smallest beta2, for which regions that are not certified would be."""
    found = [one.explanation if one.verdict == "undecided" else None for one in both]
    return {
        "a batch of": tuple(
            "" if one is None or one.smallest_batch is None else str(one.smallest_batch) for one in found
        ),
        "a beta2 of": tuple(
            "" if one is None or one.smallest_beta2 is None else f"{one.smallest_beta2:.10g}" for one in found
        ),
    }
