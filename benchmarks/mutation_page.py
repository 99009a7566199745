"""Writes docs/benchmark_mutation.md from the outcomes of mutation.py and the reasons given for survivors."""

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core_mutants import LISTED
from mutants import PACKAGES

DOCS = Path(__file__).parents[1] / "docs"

KINDS = {
    "equivalent": "Nothing that the package promises changes: the same values, or the same to rounding.",
    "slack": "A proven bound becomes wider, or loses a little of a slack that no input is known to use up.",
    "heuristics": "Speed, memory, the choice of a grid, or the last digits of an accuracy that is aimed at; proven bounds stay.",
    "message": "Only words, or how something is shown.",
    "gap": "The tests and claims should notice, and do not.",
}
"""Kinds of reasons why a mutant survives."""

_HOW = """## How

`make mutation` makes copies of the project and changes one place of one of them at a time; the project itself is never
touched. The operators: `+ - * / ** // %` exchanged; a summand, factor, divisor or exponent left out; `<` against `<=`
and `>=`; a sign or `not` dropped; whole numbers one up or down, others shifted or doubled; `sqrt`, `exp`, `log`,
`expm1`, `log1p`, `abs` left out or exchanged with a relative (`expm1` with `exp`, `erfcx` with `erfc`, `min` with `max`,
`sin` with `cos`, `upper` with `lower` ...); `and` against `or`; an index, a `range` or an exponent one off; `x += y`
left out; a condition turned round. Texts, annotations, raised errors, assertions and `__repr__` are left alone.

A mutant of the sample first meets {first:.0f} seconds of tests, chosen by what they cover, and dies with the first that
fails, if that fails again when it is run alone. (Without a mutant the tests of these packages pass in a random order and in
its reverse.) Lines inside machine code (Numba) are invisible to coverage.py and lines behind a cache are seen in one test
only, so the tests of the whole file and of the files that import it follow those of the line. Survivors meet more tests,
those written since, and all claim modules as `--quick` runs them, unless reading them shows a reason, which stands
above. Mutants of compiled code get a folder of machine code of their own. A run that takes {slower} times as long as
without a mutant counts as killed, by time-out. Random tests (Hypothesis) draw the same examples every time.

The core formulas are broken by hand and meet the claims alone, module by module up to the first that does not hold.

Without a mutant all tests pass and all claims hold; otherwise nothing is tried. Controls: {controls} changes that change
nothing (factors or summands exchanged) meet such tests and three claim modules, and {survived} of them survive.

Why no library: cosmic-ray 8.7 runs one test command for all mutants and has no operator for a call or a term left out, an
index one off, or `exp` for `expm1`; the choice of tests, the folders of machine code and the claims as a second court
would have had to be written anyway. The operators here are 150 lines over Python's own `ast`.
"""


def wilson(killed: int, tried: int) -> tuple[float, float]:
    """Return Wilson's 95 per cent interval of a share."""
    z, share = 1.959964, killed / tried
    middle = share + z**2 / (2 * tried)
    half = z * math.sqrt(share * (1 - share) / tried + z**2 / (4 * tried**2))
    return (middle - half) / (1 + z**2 / tried), (middle + half) / (1 + z**2 / tried)


def write_page(
    outcomes: Sequence[dict[str, Any]],
    reasons: dict[str, dict[str, str]],
    known: int,
    size: int,
    seed: int,
    first_look: float = 30.0,
    slower: int = 4,
) -> None:
    """Write the page."""
    drawn = [one for one in outcomes if one["kind"] == "sample"]
    core = [one for one in outcomes if one["kind"] == "core"]
    tested = [one for one in outcomes if one["kind"] == "tested"]
    controls = [one for one in outcomes if one["kind"] == "control"]
    if not drawn or not core:
        return
    how = _HOW.format(
        first=first_look,
        slower=slower,
        controls=len(controls),
        survived=sum(one["killed"] is None for one in controls),
    )
    parts = [
        "# What notices when a formula is broken",
        _verdict(drawn, core, reasons, known, size, seed, first_look),
        _rooms(drawn, reasons),
        "## Core formulas, against the claims alone",
        _core_table(core, reasons),
        *(["## Formulas that no claim speaks of, against tests", _core_table(tested, reasons)] if tested else []),
        "## Survivors of the sample",
        *_survivors(drawn, reasons),
        how,
    ]
    text = "\n\n".join(part.strip() for part in parts) + "\n"
    (DOCS / "benchmark_mutation.md").write_text(text, encoding="utf-8")


def _verdict(
    drawn: Sequence[dict[str, Any]],
    core: Sequence[dict[str, Any]],
    reasons: dict[str, dict[str, str]],
    known: int,
    size: int,
    seed: int,
    first_look: float,
) -> str:
    killed = sum(one["killed"] is not None for one in drawn)
    alive = Counter(_kind(one, reasons) for one in drawn if not one["killed"])
    without = len(drawn) - alive["equivalent"]
    promised = without - alive["heuristics"] - alive["message"]
    noticed = sum(one["killed"] is not None for one in core)
    gaps = alive["gap"] + alive["unread"]
    later = sum(one["killed"] is not None and one["again"] for one in drawn)
    untried = len(LISTED["core"]) - len(core)
    planned = (
        f"Of the {size} drawn the first {len(drawn)}, in random order, have been tried; `make mutation` goes on. "
        if len(drawn) < size
        else ""
    )
    return (
        f"**{killed} of {len(drawn)} mutants drawn at random are killed: {_share(killed, len(drawn))}.** Survivors: "
        + ", ".join(f"{alive[kind]} {kind}" for kind in (*KINDS, "unread") if alive[kind])
        + f". Without the equivalent ones {killed} of {without} are killed, {_share(killed, without)}; without those that "
        f"change only heuristics and words as well, {killed} of {promised}, {_share(killed, promised)}. "
        f"{gaps or 'None'} of the survivors {'is a known gap' if gaps < 2 else 'are known gaps'} in the tests.\n\n"
        f"**{noticed} of {len(core)} core formulas, broken by hand, make a claim fail**, without any test"
        f"{f'; {untried} more are listed and not tried yet' if untried else ''}.\n\n"
        f"The sample is drawn from all {known:,} mutants of adamsym/field, adamsym/symbolic and adamsym/dynamics, from each "
        f"package in proportion, with seed {seed}. {planned}The first look, {first_look:.0f} seconds "
        f"of tests, killed {killed - later}, {_share(killed - later, len(drawn))}. The others met more tests and all claims; "
        "where a survivor then showed a gap, a test was written and the mutant tried again. The shares above are those of "
        "the tests as they are now; a fresh sample lies between the two."
    )


def _rooms(drawn: Sequence[dict[str, Any]], reasons: dict[str, dict[str, str]]) -> str:
    rows = [
        "| package | drawn | killed by tests | by claims | by time-out | survive | of these equivalent | killed | 95% interval | "
        "without equivalent |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: |",
    ]
    for package in (*PACKAGES, "all"):
        own = [one for one in drawn if package in (one["package"], "all")]
        count = Counter(one["killed"] for one in own)
        killed = len(own) - count[None]
        same = sum(_kind(one, reasons) == "equivalent" for one in own if not one["killed"])
        low, high = wilson(killed, len(own))
        rows.append(
            f"| {package} | {len(own)} | {count['tests']} | {count['claims']} | {count['time-out']} | {count[None]} | {same} "
            f"| {killed / len(own):.1%} | {low:.1%} to {high:.1%} | {killed / (len(own) - same):.1%} |"
        )
    return "\n".join(rows)


def _core_table(core: Sequence[dict[str, Any]], reasons: dict[str, dict[str, str]]) -> str:
    rows = ["| formula | where | change | what fails |", "| --- | --- | --- | --- |"]
    for one in sorted(
        core, key=lambda one: (("methods", *PACKAGES, "networks").index(one["package"]), one["path"], one["line"])
    ):
        if one["killed"]:
            by = "time-out" if one["killed"] == "time-out" else f"**{one['by']}** {_short(one.get('detail', ''), 90)}"
        else:
            reason = reasons.get(one["key"], {"reason": "not explained yet"})
            by = f"none: {reason['reason']}"
        rows.append(f"| {one['meaning']} | {_place(one)} | {_change(one)} | {_cell(by)} |")
    return "\n".join(rows)


def _survivors(drawn: Sequence[dict[str, Any]], reasons: dict[str, dict[str, str]]) -> list[str]:
    parts = []
    alive = sorted((one for one in drawn if not one["killed"]), key=lambda one: (one["path"], one["line"]))
    for kind, meaning in (*KINDS.items(), ("unread", "Not looked at yet.")):
        own = [one for one in alive if _kind(one, reasons) == kind]
        if own:
            rows = [f"**{kind}** ({len(own)}). {meaning}", "", "| where | change | reason |", "| --- | --- | --- |"]
            for one in own:
                reason = reasons.get(one["key"], {"reason": ""})["reason"]
                rows.append(f"| {_place(one)} | {_change(one)} | {_cell(reason)} |")
            parts.append("\n".join(rows))
    timed_out = [one for one in drawn if one["killed"] == "time-out"]
    if timed_out:
        rows = ["Killed by time-out:", "", "| where | change |", "| --- | --- |"]
        parts.append("\n".join([*rows, *(f"| {_place(one)} | {_change(one)} |" for one in timed_out)]))
    return parts


def _kind(one: dict[str, Any], reasons: dict[str, dict[str, str]]) -> str:
    return reasons.get(one["key"], {"kind": "unread"})["kind"]


def _share(part: int, whole: int) -> str:
    low, high = wilson(part, whole)
    return f"{part / whole:.1%} (95% Wilson interval {low:.1%} to {high:.1%})"


def _place(one: dict[str, Any]) -> str:
    return f"{one['path'].removeprefix('adamsym/')}:{one['line']}"


def _change(one: dict[str, Any]) -> str:
    return f"`{_code(one['before'])}` → `{_code(one['after'])}` in `{_code(one['text'], 70)}`"


def _code(text: str, most: int = 60) -> str:
    return _short(" ".join(text.split()), most).replace("|", "\\|").replace("`", "'")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
