"""The command that writes a problem file to begin with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adamsym.cli.options import HOLDS, Json, Quiet
from adamsym.cli.output import check_writable, hint, print_json, working, write_output
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.gradients.starting import Start

_LISTED = 8

THREE_POINTS = """\
# The smallest problem that shows what Adam does: a mean is estimated from the data 0, 0, 3. The loss is least at the
# mean 1, and Adam stops at 0.9995. Nothing in this file is executed; an unknown key is an error.
[problem]
loss = "(theta - x)**2/2"       # loss of one data row, in parameters and columns of the data
parameters = ["theta"]          # or vectors by length: { w = 2, b = 1 } declares w0, w1, b0
batch_size = 1                  # rows drawn for each gradient

[data]
x = [0.0, 0.0, 3.0]             # a list for each column; or file = "table.csv"

[adam]
method = "Adam"                 # or AdamW, NAdam, RMSprop, Lion, ...
beta1 = 0.9
beta2 = 0.999
eps = 1e-8

[start]                         # the commands' default point
theta = 2.0
"""


def _losses() -> list[str]:
    from adamsym.gradients.starting import LOSSES

    return list(LOSSES)


def init(
    table: Annotated[
        Path | None,
        typer.Argument(
            help="A CSV file (.csv, .csv.gz) whose first line names the columns; without one, the example of three "
            "points.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", help="The problem file (.toml).")] = Path("problem.toml"),
    target: Annotated[
        str | None,
        typer.Option(
            "--target",
            help="The column that is to be learned.",
            show_default="y, target, label, class, outcome or response, else the last",
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(
            "--loss",
            help="The library's loss.",
            autocompletion=_losses,
            show_default="logistic for two values, softmax for three to ten texts, least_squares for numbers",
        ),
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--columns", help="The inputs, by commas or repetition.", show_default="all others of use"),
    ] = None,
    delimiter: Annotated[
        str | None, typer.Option("--delimiter", help="What stands between entries.", show_default="found")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option("--decimal", help="What stands before decimals.", show_default="found")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there already.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write a problem file, with comments, from a table or as an example."""
    check_writable(output, (".toml",))
    if output.exists() and not force:
        raise InputError(f"-o: {str(output)[:80]!r} exists already; add --force to replace it, or name another file")
    if table is None:
        if (target, loss, columns, delimiter, decimal) != (None, None, None, None, None):
            raise InputError("--target, --loss, --columns, --delimiter and --decimal are of a table; give one")
        write_output(output, THREE_POINTS)
        _say(["the three points 0, 0, 3, whose mean Adam misses"], {"rows": 3}, output, as_json, quiet)
        return HOLDS
    from adamsym.gradients.starting import choose, problem_text
    from adamsym.gradients.survey import survey
    from adamsym.gradients.tables import AUTO

    with working("reading the table"):
        found = survey(table, AUTO if delimiter is None else delimiter.replace("\\t", "\t"), decimal)
        start = choose(found, loss, target, _names(columns))
        parameters, dropped = _write(problem_text(start, found, output.parent), output)
    lines = [
        _summary(start, found.rows - dropped, parameters),
        *start.reasons,
        *([f"{dropped} of {found.rows} rows lack an entry and are left out."] if dropped else []),
        *_left_out(start),
    ]
    known: dict[str, object] = {"loss": start.loss, "target": list(start.target), "inputs": list(start.inputs)}
    known |= {"rows": found.rows - dropped, "dropped": dropped, "left_out": dict(start.left_out)}
    _say(lines, known, output, as_json, quiet)
    return HOLDS


def _names(texts: list[str] | None) -> list[str] | None:
    return [name.strip() for text in texts for name in text.split(",")] if texts else None


def _write(text: str, output: Path) -> tuple[int, int]:
    """Write a problem file that can be read, and evaluated at its start; say how many parameters and rows left out."""
    from adamsym.gradients.reading import problem_of

    found = problem_of(text, output)
    assert found.start is not None
    found.problem.row_gradients([found.start[name] for name in found.problem.names])
    write_output(output, text)
    return len(found.problem.names), found.dropped


def _summary(start: "Start", rows: int, parameters: int) -> str:
    of = f" of {', '.join(start.target)}" if start.target else ""
    return f"{start.loss}{of}: {rows} rows, {_counted(len(start.inputs), 'input')}, {_counted(parameters, 'parameter')}"


def _counted(number: int, name: str) -> str:
    return f"{number} {name}" + "s" * (number != 1)


def _left_out(start: "Start") -> list[str]:
    left = [f"{name[:40]!r} ({why})" for name, why in start.left_out.items()]
    more = f" and {len(left) - _LISTED} more" if len(left) > _LISTED else ""
    return [f"Left out: {', '.join(left[:_LISTED])}{more}."] if left else []


def _say(lines: list[str], known: dict[str, object], output: Path, as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json({"problem": str(output)} | known)
    else:
        print("\n".join([*lines, f"written to {output}"]))
        hint(quiet, "field", output)
