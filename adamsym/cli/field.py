"""The command that evaluates the field: at a point, or at those of a file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from adamsym.cli.assignments import parse_point
from adamsym.cli.options import HOLDS, POINT_HELP, File, Json, Output, Quiet, as_given, read_file
from adamsym.cli.output import check_table, complain, hint, print_result, print_table, working, write_table
from adamsym.cli.prepared import content_key, kept_problem, prepared_problem, tell_dropped
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.expressions.columns import Columns
    from adamsym.expressions.compilation import FloatArray
    from adamsym.field.values import FieldValue
    from adamsym.gradients.reading import ProblemFile

_SHOWN, _NAMED = 20, 3
"""Points of a file that are printed, and so many of their parameters."""


class _Values(NamedTuple):
    """What is printed: parameters, points, values, proven bounds, and whether the values are estimates."""

    names: tuple[str, ...]
    theta: "FloatArray"
    found: "FieldValue"
    bounds: "FloatArray | None" = None
    estimated: bool = False


def field(
    file: File,
    at: Annotated[list[str] | None, typer.Option("--at", help=POINT_HELP, show_default=False)] = None,
    points: Annotated[
        Path | None,
        typer.Option(
            "--points",
            help="In place of --at: a .csv, .npz or .parquet table with a column for each parameter.",
            show_default=False,
        ),
    ] = None,
    enclose: Annotated[bool, typer.Option("--enclose", help="Add proven bounds (ball arithmetic).")] = False,
    output: Output = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Evaluate the Adam field at a point, or at the points of a table."""
    if at and points is not None:
        raise InputError("--at, --points: give one of them: a point, or a file of points")
    check_table(output)
    ready, source = (None, None) if enclose or points is not None else _at_a_point(file, at)
    values = ready or _evaluated(source or read_file(file), at, points, enclose)
    names, theta, found, bounds, estimated = values
    if output is not None:
        write_table(output, _columns(names, theta, found, bounds))
    if as_json:
        more = {"estimated": True} if estimated else {}
        more |= {} if bounds is None else {"enclosure": bounds.tolist()}
        print_result(found, names, at=theta.tolist(), **more)
        return HOLDS
    if estimated:
        print(
            "estimated by Monte Carlo, for the orders of the rows are too many to sum over: errors are standard errors"
        )
    if points is None:
        _print_point(names, theta, found, bounds)
    else:
        _print_points(names, theta, found, output)
    if output is not None:
        print(f"written to {output}")
    if points is None:
        hint(quiet, "zeros", file, *(as_given("--at", at) or ["--at", f"{names[0]}={float(theta[0])!r}"]))
    return HOLDS


def _at_a_point(file: Path, at: list[str] | None) -> "tuple[_Values | None, ProblemFile | None]":
    """The value of a problem that is ready for evaluation, or None; and what was read, if anything was.

    Nothing but NumPy is loaded where the problem was made ready before.
    """
    import numpy as np

    key = content_key(file)
    ready, source = kept_problem(key), None
    if ready is None:
        source = read_file(file)
        ready = prepared_problem(source, key)
    if ready is None:
        return None, source
    theta = np.array(parse_point(at or (), ready.names, "--at", ready.start))
    try:
        found = ready.evaluate(theta)
    except (ArithmeticError, LookupError, TypeError, ValueError, MemoryError):
        # What is kept may have been tampered with: then it is as if it were not there.
        if source is not None:
            raise
        found = None
    if found is None:
        return None, source
    if source is None:
        tell_dropped(file, ready.dropped)
    return _Values(ready.names, theta, found), source


def _evaluated(source: "ProblemFile", at: list[str] | None, points: Path | None, enclose: bool) -> "_Values":
    """The values of any problem."""
    import numpy as np

    names = source.problem.names
    if points is None:
        theta = np.array(parse_point(at or (), names, "--at", source.start))
    else:
        from adamsym.gradients.points import read_points

        theta = read_points(points, names)
    from adamsym.field import AdamField
    from adamsym.field.epochs.epoch_field import EpochField

    # A single point is not worth compiling loops.
    is_plain = points is None and source.problem.sampling == "replacement" and source.adam.laplace is not None
    adam_field = AdamField(source.problem, source.adam, backend="numpy" if is_plain else "numba")
    with working("evaluating the field"):
        estimated = isinstance(adam_field, EpochField) and adam_field.is_beyond
        found = _estimate(source, theta) if estimated else adam_field.evaluate(theta)
        bounds = adam_field.enclose(np.stack((theta, theta), axis=-1)) if enclose else None
    if bounds is not None:
        plain, found = found, found.within(bounds)
        low, high = np.moveaxis(bounds, -1, 0)
        if ((plain.value + plain.error < low) | (plain.value - plain.error > high)).any():
            complain("float64 fails here: f is taken from the proven bounds, and they give its error")
    return _Values(names, theta, found, bounds, estimated)


def _estimate(source: "ProblemFile", theta: "FloatArray") -> "FieldValue":
    """The field by Monte Carlo, with its standard error."""
    import numpy as np

    from adamsym.field import monte_carlo
    from adamsym.field.values import FieldValue

    flat = theta.reshape(-1, theta.shape[-1])
    found = [monte_carlo(source.problem, source.adam, point, seed=0) for point in flat]
    values, errors = ([getattr(one, name) for one in found] for name in ("value", "standard_error"))
    return FieldValue(np.array(values).reshape(theta.shape), np.array(errors).reshape(theta.shape))


def _columns(
    names: tuple[str, ...], theta: "FloatArray", found: "FieldValue", bounds: "FloatArray | None"
) -> "Columns":
    """One row for each point: its parameters, f, the error estimates, and the proven bounds."""
    columns = dict(zip(names, theta.reshape(-1, len(names)).T, strict=True)) | found.columns(names)
    if bounds is not None:
        low, high = bounds.reshape(-1, len(names), 2).transpose(2, 1, 0)
        columns |= {f"lower.{name}": one for name, one in zip(names, low, strict=True)}
        columns |= {f"upper.{name}": one for name, one in zip(names, high, strict=True)}
    return columns


def _print_point(names: tuple[str, ...], theta: "FloatArray", found: "FieldValue", bounds: "FloatArray | None") -> None:
    size, tolerance = abs(found.value).max(), found.error.max()
    print("a zero to within the error estimate" if size <= tolerance else f"no zero: max |f| = {size:.6g}")
    columns = ["parameter", "at", "f", "error estimate"]
    numbers = zip(names, theta.tolist(), found.value.tolist(), found.error.tolist(), strict=True)
    rows = [[name, repr(x), repr(value), f"{error:.1e}"] for name, x, value, error in numbers]
    if bounds is not None:
        columns += ["proven lower bound", "proven upper bound"]
        rows = [row + [repr(end) for end in ends] for row, ends in zip(rows, bounds.tolist(), strict=True)]
    print_table(columns, rows, numbers=columns[1:])


def _print_points(names: tuple[str, ...], theta: "FloatArray", found: "FieldValue", output: Path | None) -> None:
    zeros = int((abs(found.value) <= found.error).all(axis=-1).sum())
    print(f"f at {len(theta)} points, {zeros or 'none'} of them zeros to within the error estimate")
    shown = names[:_NAMED]
    columns = [*shown, *(f"f.{name}" for name in shown), "largest error estimate"]
    rows = []
    for at, value, error in zip(theta[:_SHOWN], found.value[:_SHOWN], found.error[:_SHOWN], strict=True):
        rows.append([*(f"{x:.10g}" for x in (*at[:_NAMED], *value[:_NAMED])), f"{error.max():.1e}"])
    print_table(columns, rows, numbers=columns)
    if len(theta) > _SHOWN and output is None:
        print(f"and {len(theta) - _SHOWN} more points: -o field.csv writes them all, and --json prints them")
