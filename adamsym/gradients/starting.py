"""Problem files to begin with: written from a table by stated rules, with comments that say what was chosen and why."""

import inspect
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adamsym.expressions.errors import InputError
from adamsym.expressions.parser import check_name
from adamsym.gradients.library import BUILDERS, build
from adamsym.gradients.survey import MOST_CATEGORIES, Column, Survey
from adamsym.gradients.tables import Indicator

TARGETS = ("y", "target", "label", "class", "outcome", "response")
"""Names of columns that are taken for the target, in capitals too."""

OF_LABELS = ("logistic", "hinge", "squared_hinge", "exponential")
OF_CLASSES = "softmax"
OF_NO_TARGET = "mean_estimation"

LOSSES = (
    OF_NO_TARGET,
    *(name for name, one in BUILDERS.items() if inspect.signature(one).parameters.keys() >= {"inputs", "target"}),
    OF_CLASSES,
)
"""Entries of the library that a table of inputs and a target fits."""

_SYMMETRIC = ("tanh_network", "deep_linear_network", "phase_retrieval")
"""Losses whose gradients vanish at 0."""


@dataclass(frozen=True)
class Start:
    """A problem to begin with.

    Attributes
    ----------
    loss, target, inputs
        The entry of the library, the columns of the target (none of means, several of classes) and of the inputs, by
        the names that they have in the problem file.
    columns, indicators
        Which columns have another name in the file, and which stand for categories.
    reasons
        Why, in whole sentences.
    left_out
        Columns of the table that are not used, and why.
    missing
        Whether some of the columns used lack entries.
    """

    loss: str
    target: tuple[str, ...]
    inputs: tuple[str, ...]
    columns: Mapping[str, str]
    indicators: Mapping[str, Indicator]
    reasons: tuple[str, ...]
    left_out: Mapping[str, str]
    missing: bool

    @property
    def options(self) -> dict[str, Any]:
        """The options of the library's entry."""
        inputs = {"inputs": list(self.inputs)}
        if self.loss == OF_CLASSES:
            return inputs | {"targets": list(self.target)}
        return inputs | ({"target": self.target[0]} if self.target else {})


def choose(
    found: Survey, loss: str | None = None, target: str | None = None, inputs: Sequence[str] | None = None
) -> Start:
    """Choose what is to be learned from a table, and by which loss; what is given stays as it is.

    The target is the column whose name is one of ``TARGETS``, else the last one that is of use; a table of one column
    has none. Of a target with the values 0 and 1, or with two different entries, the loss is ``logistic``; of one with
    three to ten different texts ``softmax``; else ``least_squares``; of no target ``mean_estimation``. The inputs are
    all other columns of numbers, and indicators of all categories but the first of the others.

    Raises
    ------
    InputError
        If a column does not exist or is of no use, or the target does not fit the loss.
    """
    if loss is not None and loss not in LOSSES:
        raise InputError(f"--loss: {loss[:40]!r} is not allowed; allowed are {', '.join(LOSSES)}")
    known = {column.name: column for column in found.columns}
    _check_asked(known, [] if target is None else [target], "--target")
    _check_asked(known, inputs or [], "--columns")
    usable = [column for column in found.columns if column.kind in ("numbers", "categories")]
    if not usable:
        kinds = ", ".join(f"{column.name[:20]!r}: {column.kind}" for column in found.columns[:6])
        raise InputError(f"{found.table.path.name}: no column of numbers or of categories ({kinds})")
    chosen, why = (known[target], "asked for") if target is not None else _target(usable, loss, inputs or [])
    others = [known[name] for name in inputs] if inputs else [column for column in usable if column is not chosen]
    if chosen is not None and chosen in others:
        raise InputError(f"--columns: {chosen.name[:40]!r} is the target; leave it out, or name another with --target")
    chosen, others, gone = _where_no_entry_lacks(found, chosen, others)
    loss, about = (loss, "asked for") if loss is not None else _loss(chosen)
    if target is not None and loss == OF_NO_TARGET:
        raise InputError(f"--target: {loss} has no target; leave it out")
    names = _Names(found.columns)
    outputs = [] if chosen is None else _outputs(chosen, loss, names)
    columns = [name for column in others for name in names.of_input(column)]
    if not columns:
        raise InputError(f"{found.table.path.name}: no column but the target is of use; name others with --columns")
    used = others if chosen is None else [*others, chosen]
    in_use = {column.name for column in used}
    left = {column.name: gone.get(column.name) or _why_left(column) for column in found.columns}
    left = {name: reason for name, reason in left.items() if name not in in_use}
    about_target = () if chosen is None else (f"Target: {chosen.name!r}, {why}.",)
    return Start(
        loss,
        tuple(outputs),
        tuple(columns),
        names.renamed,
        names.indicators,
        (f"Loss: {loss}, {about}.", *about_target, *[_NO_NAMES] * found.names_are_numbers),
        left,
        missing=any(column.missing for column in used),
    )


_NO_NAMES = "Names: the first line has numbers alone; if they are data, put a line with the columns' names above it."


def _where_no_entry_lacks(
    found: Survey, target: Column | None, inputs: Sequence[Column]
) -> tuple[Column | None, list[Column], dict[str, str]]:
    """The columns in the rows that are kept, of which each category must have one; and why inputs are left out then."""
    reduced = found.without_gaps([*inputs] if target is None else [*inputs, target])
    chosen = None if target is None else reduced.pop()
    if chosen is not None and chosen.kind not in ("numbers", "categories", "row numbers", "mostly empty"):
        raise InputError(f"{found.table.path.name}: the target {chosen.name[:40]!r} has {chosen.kind}; fill in entries")
    gone = {column.name: column.kind for column in reduced if column.kind.startswith("one value where")}
    return chosen, [column for column in reduced if column.name not in gone], gone


def _check_asked(known: Mapping[str, Column], names: Iterable[str], option: str) -> None:
    for name in names:
        if name not in known:
            listed = ", ".join(list(known)[:12]) + (" and others" if len(known) > 12 else "")
            raise InputError(f"{option}: no column {name[:40]!r}; the columns are {listed}")
        if known[name].kind not in ("numbers", "categories", "row numbers", "mostly empty"):
            raise InputError(f"{option}: the column {name[:40]!r} is of no use: {known[name].kind}")


def _target(usable: Sequence[Column], loss: str | None, inputs: Sequence[str]) -> tuple[Column | None, str]:
    """The column that is to be learned, and why it is that one."""
    left = [column for column in usable if column.name not in inputs]
    if loss == OF_NO_TARGET or (loss is None and len(usable) == 1):
        return None, ""
    if not left:
        raise InputError("--columns: no column is left for the target; leave one out, or take --loss mean_estimation")
    named = [column for column in left if column.name.lower() in TARGETS]
    return (named[0], "by its name") if named else (left[-1], "the last column that is of use")


def _loss(target: Column | None) -> tuple[str, str]:
    """The loss that the target suggests, and why."""
    if target is None:
        return OF_NO_TARGET, "for there is one column"
    if target.is_label or len(target.values) == 2:
        return "logistic", "for the target has two values"
    if target.kind == "categories":
        return OF_CLASSES, f"for the target has {len(target.values)} categories"
    classes = f" (--loss {OF_CLASSES} takes its {len(target.values)} values for classes)"
    return "least_squares", "for the target is a number" + classes * (len(target.values) <= MOST_CATEGORIES)


def _outputs(target: Column, loss: str, names: "_Names") -> list[str]:
    """The names of the columns of the target: numbers as they are, and indicators of classes."""
    values = target.values
    if loss == OF_CLASSES:
        if not 2 <= len(values) <= 10:
            raise InputError(
                f"--loss: {loss} needs a target of 2 to 10 classes; {target.name[:40]!r} has more or fewer"
            )
        return [names.indicator(target, text) for text in values[:-1]]
    if loss in OF_LABELS and not target.is_label:
        if len(values) != 2:
            raise InputError(f"--loss: {loss} needs a target of two values; {target.name[:40]!r} has others")
        return [names.indicator(target, values[1])]
    if target.kind == "categories":
        raise InputError(f"--loss: {loss} needs a target of numbers; {target.name[:40]!r} has categories, for softmax")
    return [names.number(target)]


def _why_left(column: Column) -> str:
    return "not asked for" if column.kind in ("numbers", "categories") else column.kind


class _Names:
    """Names that columns have in the problem file: their own where these may stand in an expression."""

    def __init__(self, columns: Iterable[Column]) -> None:
        self._taken = {column.name for column in columns}
        self.renamed: dict[str, str] = {}
        self.indicators: dict[str, Indicator] = {}

    def of_input(self, column: Column) -> list[str]:
        """A column of numbers, or indicators of all categories but the first."""
        if column.kind != "categories":
            return [self.number(column)]
        return [self.indicator(column, text) for text in column.values[1:]]

    def number(self, column: Column) -> str:
        if _may_be_named(column.name):
            return column.name
        name = self._new(column.name)
        self.renamed[name] = column.name
        return name

    def indicator(self, column: Column, text: str) -> str:
        name = self._new(f"{column.name}_{text}")
        self.indicators[name] = Indicator(column.name, text)
        return name

    def _new(self, text: str) -> str:
        """A name like a text that no column has yet."""
        plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
        base = re.sub(r"\W+", "_", plain).strip("_")[:30]
        base = base if _may_be_named(base) else f"x_{base}".rstrip("_")
        found, k = base, 2
        while found in self._taken:
            found, k = f"{base}_{k}", k + 1
        self._taken.add(found)
        return found


def _may_be_named(name: str) -> bool:
    """Whether a column may have this name: parameters of the library have others."""
    if re.fullmatch(r"(?:w|b|c|theta)\d*(?:_\d+)*", name):
        return False
    try:
        check_name(name, "")
    except InputError:
        return False
    return True


# --- the file -------------------------------------------------------------------------------------------------------


def problem_text(start: Start, found: Survey, folder: Path) -> str:
    """Return the text of a problem file in ``folder``, with comments."""
    path, form = found.table.path, found.table.form
    lines = [f"# Written by adamsym init from {_comment(path.name)}: {found.rows} rows, {len(found.columns)} columns."]
    lines += [f"# {_comment(reason)}" for reason in start.reasons]
    if start.left_out:
        left = ", ".join(f"{name!r} ({why})" for name, why in list(start.left_out.items())[:8])
        more = f" and {len(start.left_out) - 8} more" if len(start.left_out) > 8 else ""
        lines.append(f"# Left out: {_comment(left)}{more}.")
    lines += ["# Choose otherwise: adamsym init --help. All keys: docs/problem_files.md. Nothing here is executed.", ""]
    formula = (inspect.getdoc(BUILDERS[start.loss]) or "").partition("\n")[0].removeprefix("Return ")
    lines += ["[problem]", f"library = {_quoted(start.loss)}", f"# {formula}"]
    lines += ['# In its place a loss of your own: loss = "(w0*x + b - y)**2/2" and parameters = ["w0", "b"]']
    lines += ["batch_size = 1                  # rows drawn for each gradient", "", "[problem.options]"]
    lines += [f"{key} = {_quoted(value)}" for key, value in start.options.items()]
    lines += [*_other_options(start.loss), "", "[data]"]
    lines += [f"file = {_quoted(os.path.relpath(path, folder))}"]
    lines += [f"delimiter = {_quoted(form.delimiter)}"] if form.delimiter != "," else []
    lines += [f"decimal = {_quoted(form.decimal)}"] if form.decimal != "." else []
    lines += [
        'missing = "drop"                # rows that lack an entry are left out; "error" refuses them'
    ] * start.missing
    if start.columns:
        lines += ["", "[data.columns]                  # names that may stand in a loss, and those in the table"]
        lines += [f"{name} = {_quoted(column)}" for name, column in start.columns.items()]
    if start.indicators:
        lines += ["", "[data.indicators]               # 1 where the column has this entry, else 0"]
        lines += [
            f"{name} = {{ {_quoted(one.column)} = {_quoted(one.text)} }}" for name, one in start.indicators.items()
        ]
    lines += ["", "[adam]", 'method = "Adam"                 # or AdamW, NAdam, RMSprop, Lion, ...']
    lines += ["beta1 = 0.9", "beta2 = 0.999", "eps = 1e-8", ""]
    lines += ["[start]                         # the commands' default point", *_start_lines(start)]
    return "\n".join(lines) + "\n"


def _other_options(loss: str) -> list[str]:
    """The options left out, as comments."""
    parameters = inspect.signature(BUILDERS[loss]).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.default is not inspect.Parameter.empty}
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in defaults.items()}
    return [f"# {name} = {json.dumps(value)}" for name, value in values.items()]


def _start_lines(start: Start) -> list[str]:
    """Values of the parameters: 0, unless rows meet kinks there, or all gradients vanish."""
    _, names = build(start.loss, start.options, [*start.inputs, *start.target])
    if start.loss in _SYMMETRIC:
        return [f"{name} = {(7 * k) % 11 / 10 - 0.5:.1f}" for k, name in enumerate(names)]
    jumps = start.loss in ("absolute", "quantile", "hinge")
    # A number that no row is likely to meet.
    values = {name: 0.01234 if jumps and name == "b" else 0.0 for name in names}
    return [f"{name} = {value}" for name, value in values.items()]


def _quoted(value: str | list[str]) -> str:
    """Basic strings of TOML."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(text: str) -> str:
    """Text as a comment may hold it: one line, no control characters."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
