"""The code blocks of the documents: found, run, and what they produce compared with what the documents print.

A number that a document prints agrees with one that was found if the two differ by at most a unit in the last digit
printed, and numbers with more than 12 digits if they differ by at most 1e-14 absolutely or 1e-12 relatively: that is
what docs/accuracy.md promises, further digits depend on the processor. Whole numbers agree only if they are equal.
Every other character must be the same, but for empty lines and the widths of gaps. A line ``...`` of a printed output
stands for any lines.
"""

import ast
import dataclasses
import io
import math
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import settings

from adamsym.__main__ import main
from adamsym.claims import run_claims
from adamsym.gradients.reading import read_problem

ROOT = Path(__file__).parents[1]
NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")


@dataclasses.dataclass(frozen=True)
class Block:
    """One fenced block of a document, and the text that the next block prints as its output, if one does."""

    document: str
    language: str
    code: str
    printed: str | None = None

    def __str__(self) -> str:
        """The document and what the block begins with, as the name of a test."""
        return f"{self.document}: {self.language}: {self.code.splitlines()[0].strip()[:60]}"


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks_of(text: str, document: str) -> list[Block]:
    """The blocks of a document in order. A text block right after a Python block is what that one prints."""
    found: list[Block] = []
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert text.count("```") == 2 * len(fences), f"{document}: a fence that is not closed"
    for language, code in fences:
        if language == "sh":  # each command by itself
            found += [Block(document, language, line + "\n") for line in code.splitlines() if line.strip()]
        elif language == "text":
            assert found, f"{document}: output of no block"
            assert found[-1].language == "python", f"{document}: output of no Python block"
            assert found[-1].printed is None, f"{document}: a second output"
            found[-1] = dataclasses.replace(found[-1], printed=code)
        else:
            found.append(Block(document, language, code))
    return found


def all_blocks() -> list[Block]:
    return [
        block
        for path in documents()
        for block in blocks_of(path.read_text(encoding="utf-8"), str(path.relative_to(ROOT)))
    ]


# --- numbers and words ----------------------------------------------------------------------------------------------


def last_digit(number: str) -> float:
    """What one more in the last digit of a printed number is worth."""
    mantissa, _, exponent = number.lower().partition("e")
    return float(10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])))


def agree(printed: str, found: str) -> bool:
    """Whether two numbers agree to the digits that are printed and promised."""
    if printed == found:
        return True
    if re.fullmatch(r"[-+]?\d+", printed):
        return False
    theirs, ours = float(printed), float(found)
    digits = printed.lower().partition("e")[0].lstrip("+-0.").replace(".", "")
    allowed = max(1e-14, 1e-12 * abs(theirs)) if len(digits) > 12 else 1.001 * last_digit(printed)
    return abs(theirs - ours) <= allowed


def line_agrees(printed: str, found: str) -> bool:
    """Whether two lines agree: numbers by their digits, all else, but the widths of gaps, by its characters."""
    words = [re.sub(r"\s+", " ", NUMBER.sub("#", line)).strip() for line in (printed, found)]
    numbers = [NUMBER.findall(line) for line in (printed, found)]
    return words[0] == words[1] and all(agree(*pair) for pair in zip(*numbers, strict=True))


def compare(printed: str, found: str) -> None:
    """Assert that an output is what the document prints, line by line."""
    left = [line for line in found.split("\n") if line.strip()]
    skipping = False
    for line in [line for line in printed.split("\n") if line.strip()]:
        if line.strip() == "...":
            skipping = True
            continue
        while skipping and left and not line_agrees(line, left[0]):
            left.pop(0)
        assert left, f"printed, but not found: {line!r}"
        assert line_agrees(line, left[0]), f"printed:\n{line}\nfound:\n{left[0]}"
        left.pop(0)
        skipping = False
    assert skipping or not left, f"found, but not printed: {left}"


# --- commands -------------------------------------------------------------------------------------------------------


def commands(block: Block) -> list[tuple[list[str], str]]:
    """The commands of a console or sh block, each with the output that is printed below it."""
    if block.language == "sh":
        return [(shlex.split(block.code, comments=True), "")]
    parts = re.split(r"^\$ ", block.code, flags=re.MULTILINE)
    assert parts[0] == "", f"{block}: output before the first command"
    return [(shlex.split(line), output) for line, _, output in (part.partition("\n") for part in parts[1:])]


def output_of(command: list[str]) -> str:
    """Run a command of adamsym in this process and return what it prints: all must be well."""
    assert command[0] == "adamsym", f"not a command of adamsym: {command}"
    printed = io.StringIO()
    with redirect_stdout(printed):
        code = main(command[1:])
    assert code == 0, f"{command} returned {code}: {printed.getvalue()}"
    return printed.getvalue()


def run_commands(block: Block) -> None:
    for command, printed in commands(block):
        found = output_of(command)
        if block.language == "console":
            compare(printed, found)


# --- Python ---------------------------------------------------------------------------------------------------------


def comments(code: str) -> dict[int, str]:
    """The comment at the end of each line that has one beside code."""
    import tokenize

    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return {
        token.start[0]: token.string.lstrip("# ")
        for token in tokens
        if token.type == tokenize.COMMENT and token.line[: token.start[1]].strip()
    }


def claimed(comment: str) -> list[str]:
    """The numbers and quoted words that a comment says of the value: those of its first clause that has any."""
    for clause in re.split(r"[:;] ", comment):
        found = re.findall(rf"{NUMBER.pattern}(?:\.\.\.)?", clause) + re.findall(r'"[^"]*"', clause)
        if found:
            return found
    return []


def parts_of(value: Any) -> Iterator[float | str]:
    """All numbers and texts in a value, its shape's entries among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (bool, np.bool_)) or value is None:
        return
    elif isinstance(value, (int, float, np.number)):
        yield float(value)
    elif isinstance(value, np.ndarray):
        yield from map(float, value.shape)
        yield from map(float, np.real(value[np.isfinite(value)]).ravel())
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from parts_of(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from parts_of(one)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from parts_of(getattr(value, field.name))
        yield from parts_of(getattr(value, "midpoint", None))


def is_said(claim: str, parts: list[float | str]) -> bool:
    """Whether a quoted word or a number, rounded or cut off by ``...``, is among the parts of a value."""
    if claim.startswith('"'):
        return claim.strip('"') in parts
    number = claim.removesuffix("...")
    if re.fullmatch(r"[-+]?\d+", number):
        allowed = 1e-9
    else:
        allowed = last_digit(number) * (1 if claim.endswith("...") else 0.501)
    return any(abs(abs(part) - abs(float(number))) <= allowed for part in parts if isinstance(part, float))


def values_and_comments(code: str, names: dict[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Run a block statement by statement: the text, value and comment of each that is commented and has a value."""
    beside = comments(code)
    for statement in ast.parse(code).body:
        source = ast.get_source_segment(code, statement) or ""
        assert statement.end_lineno is not None
        comment = beside.get(statement.end_lineno, "")
        if isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), "<document>", "eval"), names)
        else:
            exec(compile(ast.Module([statement], []), "<document>", "exec"), names)
            single = isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
            value = names[statement.targets[0].id] if single else None  # type: ignore[attr-defined]
        if comment and value is not None:
            yield source, value, comment


def run_python(block: Block) -> dict[str, Any]:
    """Run a block as a reader does, with Hypothesis's own profile; its test functions too. Return its names."""
    names: dict[str, Any] = {"__name__": "document"}
    printed = io.StringIO()
    current = settings.get_current_profile_name()
    settings.load_profile("default")
    try:
        with redirect_stdout(printed):
            for source, value, comment in values_and_comments(block.code, names):
                parts = list(parts_of(value))
                for claim in claimed(comment):
                    # What stands in the code itself, such as the size of a minibatch, a comment may repeat.
                    said = is_said(claim, parts) or claim in NUMBER.findall(source)
                    assert said, f"{source}  # {comment}\n{claim} is not in {value!r}"
            for name in [name for name in names if name.startswith("test_")]:
                drawn = getattr(names[name], "_hypothesis_internal_use_settings", None)
                assert drawn is None or drawn.deadline is None, f"{name} has a deadline, and a first call compiles"
                names[name]()
    finally:
        settings.load_profile(current)
    if block.printed is not None:
        compare(block.printed, printed.getvalue())
    return names


def run_claim(block: Block, folder: Path) -> None:
    (folder / "claims").mkdir()
    (folder / "claims" / "claim.py").write_text(block.code, encoding="utf-8")
    reports = run_claims([folder / "claims"], time_limit=math.inf)
    assert reports
    assert all(report.verdict == "holds" for report in reports), [report.detail for report in reports]


# --- TOML -----------------------------------------------------------------------------------------------------------


def run_toml(block: Block, folder: Path) -> None:
    """Read a whole problem file as one, and anything else as TOML."""
    if "problem" in tomllib.loads(block.code):
        file = folder / "problem.toml"
        file.write_text(block.code, encoding="utf-8")
        source = read_problem(file)
        named = re.match(r"# (\S+\.toml)\n", block.code)
        if named and (ROOT / "examples" / named[1]).exists():
            example = read_problem(ROOT / "examples" / named[1])
            assert (repr(source.problem), source.adam) == (repr(example.problem), example.adam)


def run(block: Block, folder: Path) -> dict[str, Any]:
    """Run a block in a folder that has the examples and claims beside it, and return the names that it defines."""
    for place in ("examples", "proofs_checks"):
        (folder / place).symlink_to(ROOT / place)
    kinds: dict[str, Callable[[], Any]] = {
        "console": lambda: run_commands(block),
        "sh": lambda: run_commands(block),
        "toml": lambda: run_toml(block, folder),
        "python": lambda: run_claim(block, folder) if "Claim(" in block.code else run_python(block),
    }
    assert block.language in kinds, f"{block}: no way to run {block.language or 'a block without a language'}"
    return kinds[block.language]() or {}
