"""The commands. Everything heavy is imported inside them, so that ``--help`` is quick."""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from adamsym.cli import cache, certify, dynamics, explore, field, init, maps, plots, prove, sweep, verify
from adamsym.cli.examples import epilog
from adamsym.cli.options import (
    BAD_INPUT,
    FAULT,
    HOLDS,
    INTERRUPTED,
    NOBODY_READS,
    REFUTED,
    TERMINATED,
    File,
    Json,
    read_file,
)
from adamsym.cli.output import (
    Printed,
    check_writable,
    complain,
    deliver,
    print_result,
    print_table,
    tell,
    working,
    write_output,
)
from adamsym.cli.signals import ends_like_ctrl_c, says_when_stopped
from adamsym.expressions.errors import InputError

_HELP = "Verify the theory of the Adam optimizer for a loss and data of your own."

_EPILOG = """\b
First steps:
  adamsym init                            writes problem.toml, an example
  adamsym field problem.toml --enclose    Adam's field there, with proven bounds
  adamsym zeros problem.toml --at theta=1 where Adam stops, proven

Exit codes: 0 all holds, 1 something refuted, 2 bad input, 3 undecided."""

app = typer.Typer(
    name="adamsym",
    help=_HELP,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True, help=_HELP)
def top(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> int:
    """Print the version, or the help where no command is given."""
    if version:
        from importlib.metadata import version as installed

        print(f"adamsym {installed('adamsym')}")
    elif context.invoked_subcommand is None:
        print(context.get_help())
    return HOLDS


def derive(
    file: File,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Write a .md, .tex or .html file.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> int:
    """Derive the Adam field of the problem, step by checked step."""
    check_writable(output, (".md", ".tex", ".html"))
    source = read_file(file)
    from adamsym.symbolic import DerivationError
    from adamsym.symbolic import derive as derivation_of

    try:
        with working("deriving"):
            derivation = derivation_of(source.problem, source.adam)
    except DerivationError as error:
        complain(f"refuted: the derivation stops at a step whose check fails: {error}")
        return REFUTED
    if output is not None:
        render = {".md": derivation.to_markdown, ".tex": derivation.to_latex, ".html": derivation.to_html}
        write_output(output, render[output.suffix]())
    if as_json:
        print_result(derivation)
        return HOLDS
    print(f"derived: all {len(derivation.steps)} steps passed their checks")
    if output is None:
        print_table(["step", "check"], [[step.title, step.check] for step in derivation.steps])
        print("The formulas: add -o derivation.html (or .md, .tex)")
    else:
        print(f"written to {output}")
    return HOLDS


_COMMANDS: dict[str, tuple[Callable[..., int], str]] = {
    "init": (init.init, "Write a problem file from a table, or an example."),
    "field": (field.field, "Evaluate the Adam field at a point, or at those of a table."),
    "derive": (derive, "Derive the field, step by checked step."),
    "zeros": (certify.zeros, "Certify zeros of the field: all in a box, or one."),
    "sweep": (sweep.sweep, "Follow zeros as parameters or data change."),
    "map": (maps.map_, "Count zeros over two parameters."),
    "lyapunov": (certify.lyapunov, "Certify where the loss decreases along the flow."),
    "check": (certify.check, "Re-check a certificate with other code."),
    "prove": (prove.prove, "State signs and zeros for Coq, with proofs."),
    "flow": (dynamics.flow, "Solve theta' = f(theta)."),
    "simulate": (dynamics.simulate, "Run many chains of Adam itself."),
    "track": (dynamics.track, "Measure how far Adam gets from its flow."),
    "verify": (verify.verify, "Check claims: evidence and controls."),
    "explore": (explore.explore, "See the field on a page with sliders, or serve it."),
    "plot": (plots.plot, "Draw one plot of a problem."),
    "report": (plots.report, "Write one page about problems and claims."),
    "cache": (cache.cache, "Show or remove what is kept between runs."),
}
"""The commands, and how the list of commands puts them."""

for _name, (_function, _summary) in _COMMANDS.items():
    _class = plots.PlotCommand if _name == "plot" else None
    app.command(_name, cls=_class, short_help=_summary, epilog=epilog(_name))(says_when_stopped(_function))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; errors are one line on standard error.

    What a command prints is kept until it ends: whether it can be written decides on the exit code, and nothing that
    cannot be written stops a command half way.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (the interpreter closes it)
    if sys.stdout is None:
        complain("standard output is closed; redirect it, for example to /dev/null")
        return BAD_INPUT
    printed = Printed(sys.stdout)
    with redirect_stdout(printed):
        try:
            with ends_like_ctrl_c() as ended:
                code = _run(list(sys.argv[1:] if arguments is None else arguments))
            code = TERMINATED if ended and code == INTERRUPTED else code
        except Exception:
            # The interpreter's own exit code would say that something is refuted.
            tell(f"{traceback.format_exc()}adamsym: this is a fault of adamsym, not of its input; please report it")
            code = FAULT
    try:
        deliver(printed.getvalue(), sys.stdout)
    except BrokenPipeError:
        return NOBODY_READS
    except OSError as error:
        complain(f"standard output cannot be written: {error.strerror or error}")
        return BAD_INPUT
    return code


def _run(arguments: list[str]) -> int:
    try:
        code = app(arguments, standalone_mode=False, prog_name="adamsym")
    except InputError as error:
        complain(str(error))
    except typer.TyperException as error:
        message, context = error.format_message().rstrip("."), getattr(error, "ctx", None)
        see = f"see {'adamsym' if context is None else context.command_path} --help"
        complain(f"{message} {see.capitalize()}" if message.endswith("?") else f"{message}; {see}")
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        # A full disk, too many open files: nothing that the problem or its theory can be blamed for.
        name = f": {str(error.filename)[:80]!r}" if error.filename else ""
        complain(f"the system refuses: {error.strerror or error}{name}")
    except MemoryError:
        complain("there is not enough memory for this; take fewer rows, parameters, chains or a smaller batch")
    except (SystemExit, typer.Abort) as error:
        # A script of completion ends so when it is printed or installed. Typer turns a broken pipe and an early end of
        # a file into these too, with exit codes that say something else here.
        if isinstance(error, SystemExit) and error.code == 0:
            return HOLDS
        complain("another process that this one needs has ended; run the command again")
    else:
        return code if isinstance(code, int) else HOLDS
    return BAD_INPUT
