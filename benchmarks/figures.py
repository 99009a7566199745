"""The figures of the pages of benchmarks as JSON, so that versions can be compared: ``benchmarks/compare.py`` does it.

Run after a page has been written; ``make benchmarks`` and ``make mutation`` do:

    python benchmarks/figures.py

A figure is the first number of a cell of a table, in seconds if its unit is one of time. It goes by the heading above it,
the first cell of its row, numbered where several rows begin alike, and the head of its column.
"""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
SECONDS = {"ns": 1e-9, "µs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}
NUMBER = re.compile(r"([-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)\s*(%|/s|[µa-z]+)?(?![\w.])")

Figures = dict[str, dict[str, float | str]]


def cells(line: str) -> list[str]:
    """The cells of a row of a table, without marks of emphasis and of code."""
    return [cell.strip().replace("**", "").replace("`", "") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def tables(text: str) -> Iterator[tuple[str, list[str], list[list[str]]]]:
    """The heading above each table of a page, its head and its rows."""
    heading, lines = "", text.splitlines()
    for k, line in enumerate(lines):
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if re.fullmatch(r"\|(\s*:?-+:?\s*\|)+", line.strip()):
            rows = []
            for row in lines[k + 1 :]:
                if not row.startswith("|"):
                    break
                rows.append(cells(row))
            yield heading, cells(lines[k - 1]), rows


def figure(cell: str) -> dict[str, float | str] | None:
    """The first number of a cell, and its unit; a cell that begins with words has none."""
    found = NUMBER.match(cell)
    if found is None:
        return None
    number, unit = float(found[1].replace(",", "")), found[2] or ""
    if unit in SECONDS:
        return {"value": float(f"{number * SECONDS[unit]:.12g}"), "unit": "s"}
    return {"value": number, "unit": unit if unit in ("%", "/s") else ""}


def figures_of(text: str) -> Figures:
    """All figures of a page, by heading, row and column."""
    found: Figures = {}
    for heading, head, rows in tables(text):
        times: Counter[str] = Counter()
        for row in rows:
            times[row[0]] += 1
            name = row[0] if times[row[0]] == 1 else f"{row[0]} #{times[row[0]]}"
            for column, cell in list(zip(head, row, strict=False))[1:]:
                known = figure(cell)
                if known is not None:
                    found[f"{heading} | {name} | {column}"] = known
    return found


def content(page: Path) -> dict[str, object]:
    """What is kept of a page."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    return {"page": page.name, "version": version, "figures": figures_of(page.read_text(encoding="utf-8"))}


def pages() -> list[Path]:
    """The pages of benchmarks."""
    return sorted((ROOT / "docs").glob("benchmark_*.md"))


def result(page: Path) -> Path:
    """Where the figures of a page are kept."""
    return RESULTS / f"{page.stem.removeprefix('benchmark_')}.json"


def main() -> None:
    """Write the figures of all pages."""
    RESULTS.mkdir(exist_ok=True)
    for page in pages():
        text = json.dumps(content(page), indent=1, ensure_ascii=False)
        result(page).write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
