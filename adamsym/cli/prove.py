"""The command that writes statements for Coq."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from adamsym.cli.assignments import parse_exact_point
from adamsym.cli.options import HOLDS, REFUTED, UNDECIDED, Json, read_file
from adamsym.cli.output import check_writable, print_json, working, write_output
from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from adamsym.formal import KernelReport

REALS = frozenset(
    {
        "ClassicalDedekindReals.sig_forall_dec",
        "ClassicalDedekindReals.sig_not_dec",
        "Classical_Prop.classic",
        "FunctionalExtensionality.functional_extensionality_dep",
    }
)
"""What Coq's own real numbers, and their library, rest on."""

MACHINE_INTEGERS = ("PrimInt63.", "Uint63.", "CarryType.")
"""Where the kernel's integers of 63 bits and their specification are, by which intervals compute."""


def prove(
    file: Annotated[Path | None, typer.Argument(help="A problem file (TOML).", show_default=False)] = None,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", help="The point theta=1, taken exactly; the rest from [start].", show_default=False),
    ] = None,
    coordinate: Annotated[
        list[str] | None,
        typer.Option("--coordinate", help="Whose component's sign; all without it.", show_default=False),
    ] = None,
    not_zero: Annotated[
        bool, typer.Option("--not-zero", help="The point is critical for the loss, and no zero of the field.")
    ] = False,
    zero: Annotated[
        str | None, typer.Option("--zero", help="In place of --at: a zero lies between, 0.998:1.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write the statement and its proof (.v).", show_default=False)
    ] = None,
    library: Annotated[
        Path | None, typer.Option("--library", help="Write the Coq library into this folder.", show_default=False)
    ] = None,
    conditional: Annotated[
        bool,
        typer.Option("--conditional", help="The quadrature lemma may be a premise: sharper, and conditional on it."),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Ask coqc, if it is installed.")] = False,
    as_json: Json = False,
) -> int:
    """State the sign of the field at a point, or a zero between two, with a proof that Coq checks."""
    from adamsym.formal import FormalStatement, prove_not_zero, prove_sign, prove_zero, write_library

    check_writable(output, (".v",))
    if library is not None:
        written = write_library(library)
        if file is None:
            print(f"the Coq library, {len(written)} files, is in {library}: compile it with make -C {library}")
            return HOLDS
    if file is None:
        raise InputError("FILE: no problem file; give one, or --library FOLDER alone")
    if zero is not None and (at or coordinate or not_zero):
        raise InputError("--zero: it names two points; leave out --at, --coordinate and --not-zero")
    if not_zero and coordinate:
        raise InputError("--not-zero: it is about all components; leave out --coordinate")
    if not_zero and conditional:
        raise InputError("--conditional: it is for --at and --zero; leave out --not-zero")
    source = read_file(file)
    with working("looking for a proof"):
        if zero is not None:
            low, colon, high = zero.partition(":")
            if not colon:
                raise InputError(f"--zero: {zero[:40]!r} is no pair of points; write 0.998:1")
            found: FormalStatement = prove_zero(source.problem, source.adam, low, high, conditional)
        else:
            theta = parse_exact_point(at or (), source.problem.names, "--at", source.start)
            found = (
                prove_not_zero(source.problem, source.adam, theta)
                if not_zero
                else prove_sign(source.problem, source.adam, theta, coordinate or (), conditional)
            )
    if not found.decided:
        return _undecided(found.statement, found.method, as_json)
    if output is not None:
        write_output(output, found.text)
    return _tell(found.to_dict(), found.text, output, check, as_json)


def _undecided(statement: str, reason: str, as_json: bool) -> int:
    if as_json:
        print_json({"verdict": "undecided", "statement": statement, "file": None, "method": reason})
    else:
        print(f"undecided: {statement.removesuffix(': undecided')}")
        print(reason)
    return UNDECIDED


def _tell(found: dict[str, str], text: str, output: Path | None, check: bool, as_json: bool) -> int:
    from adamsym.formal.coqc import check_with_coq

    report = None
    if check:
        with working("coqc is checking"):
            report = check_with_coq(text)
    if as_json:
        file = None if output is None else str(output)
        kernel = {} if report is None else {"accepted": report.accepted, "axioms": list(report.axioms)}
        print_json({"verdict": _verdict(found, report), **found, "file": file, **kernel})
    elif report is not None and not report.accepted:
        print(f"{_graded(found)}NOT accepted by coqc {report.version}: {report.message}")
    else:
        if report is None:
            print(f"{_graded(found)}stated, and to be checked by coqc: {found['statement']}")
        else:
            print(f"{_graded(found)}accepted by coqc {report.version}: {found['statement']}")
            print(f"axioms: {_grouped(report.axioms)}")
        print(f"by {found['method']}")
        if "premise" in found:
            print(f"premise: {found['premise']}")
        if output is not None:
            print(f"written to {output}; its theorem is {found['theorem']}")
            if report is None:
                library = "adamsym prove --library adamsym_coq && make -C adamsym_coq"
                print(f"check it: {library} && coqc -R adamsym_coq Adamsym {output}")
        else:
            print("the file: add -o statement.v")
    return REFUTED if report is not None and not report.accepted else HOLDS


def _verdict(found: dict[str, str], report: "KernelReport | None") -> str:
    """Stated until a kernel is asked; then its grade, which is no better than its premise, or refuted."""
    if report is None:
        return "stated"
    return found["grade"] if report.accepted else "refuted"


def _grouped(axioms: Sequence[str]) -> str:
    """Whose the axioms are: all are named but those of machine integers, of which proofs with intervals use some 50."""
    integers = [axiom for axiom in axioms if axiom.startswith(MACHINE_INTEGERS)]
    reals = [axiom for axiom in axioms if axiom in REALS]
    others = [axiom for axiom in axioms if axiom not in {*integers, *reals}]
    parts = [
        f"{len(names)} {whose} ({', '.join(names)})"
        for names, whose in ((others, "that Coq does not come with"), (reals, "of Coq's real numbers"))
        if names
    ]
    parts += [f"{len(integers)} of its machine integers (named with --json)"] if integers else []
    return ", ".join(parts) or "none"


def _graded(found: dict[str, str]) -> str:
    return "conditional: " if found["grade"] == "conditional" else ""
