"""What ``adamsym sweep`` and ``adamsym map`` prove of all zeros in a box for every value of one or two parameters."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adamsym.cli.assignments import parse_box
from adamsym.cli.executors import executor_of
from adamsym.cli.options import HOLDS, UNDECIDED, read_file
from adamsym.cli.output import about_certificate, check_writable, print_result, print_table, write_output
from adamsym.cli.signals import said_when_stopped
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.continuation import ZerosOver

PICTURES = (".svg", ".png", ".pdf")


def is_interval(name: str, values: str) -> bool:
    """Return whether the values of an option ``--over`` are an interval of a number that is no integer."""
    return len(values.split(":")) == 2 and name != "batch_size"


def certified_cells(
    file: Path,
    wanted: dict[str, str],
    box: list[str],
    output: Path | None,
    workers: int | None,
    cluster: str | None,
    journal: Path | None,
    as_json: bool,
    operations: int | None = None,
) -> int:
    """Certify all zeros over intervals, write a certificate or a picture, and print what is found."""
    lists = [name for name, values in wanted.items() if not is_interval(name, values)]
    if lists:
        raise InputError(f"--certify: {lists[0]} is no interval; give one such as --over beta2=0.82:0.9999")
    check_writable(output, (".json", *PICTURES))
    source = read_file(file)
    region = parse_box(box, source.problem.names, "--box")
    from adamsym.continuation import certify_zeros_over
    from adamsym.expressions.progress import progress_bar
    from adamsym.field import AdamField

    field = AdamField(source.problem, source.adam)
    kept = f" What is finished is in {journal}: add --resume." if journal else ""
    with (
        said_when_stopped(journal, "--journal"),
        executor_of(workers, cluster, kept) as executor,
        progress_bar("thousandths of the values decided") as progress,
    ):
        options: dict[str, Any] = {"executor": executor, "journal": journal, "progress": progress}
        options |= {} if operations is None else {"operations": operations}
        found = certify_zeros_over(field, wanted, region, **options)
    written = output if found.undecided_share < 1 else None
    if written is not None:
        _write(found, written, file.stem)
    if as_json:
        print_result(found)
    else:
        print(found.summary)
        columns, rows = found.table()
        print_table(columns, rows, numbers=[name for name in columns if name != "stabilities"])
        if written is not None:
            is_certificate = written.suffix == ".json"
            print(about_certificate(written) if is_certificate else f"written to {written}")
    return HOLDS if found.complete else UNDECIDED


def _write(found: "ZerosOver", output: Path, title: str) -> None:
    if output.suffix == ".json":
        from adamsym.certify import certificate

        write_output(output, json.dumps(certificate(found)))
        return
    from adamsym.plots.cells import cells_figure
    from adamsym.plots.saving import figure_bytes

    write_output(output, figure_bytes(cells_figure(found, title), output.suffix[1:]))
