"""Compare the figures of two versions: ``python benchmarks/compare.py OLD NEW [--least 1.2] [--like seconds]``.

OLD and NEW are folders such as ``benchmarks/results``, or single files in them. Of each figure that both have the ratio
new/old is printed, the largest changes first; figures that only one has are counted. To compare with an earlier commit:

    git worktree add /tmp/old v0.1.0
    python benchmarks/compare.py /tmp/old/benchmarks/results benchmarks/results
"""

import argparse
import json
import math
import sys
from pathlib import Path

Known = dict[str, tuple[float, str]]


def read(place: Path) -> Known:
    """The figures of a file, or of all files of a folder, by page and name."""
    files = sorted(place.glob("*.json")) if place.is_dir() else [place]
    if not files:
        raise ValueError(f"{place}: no file of figures (.json)")
    found: Known = {}
    for file in files:
        content = json.loads(file.read_text(encoding="utf-8"))
        for name, one in content["figures"].items():
            found[f"{content['page']} | {name}"] = (float(one["value"]), str(one["unit"]))
    return found


def changes(old: Known, new: Known) -> list[tuple[str, float, float, float]]:
    """Names, old and new values and their ratios, the largest changes first; of equal units, and not of zeros."""
    rows = []
    for name in old.keys() & new.keys():
        (before, unit), (after, other) = old[name], new[name]
        if unit == other and before * after > 0:
            rows.append((name, before, after, after / before))
    return sorted(rows, key=lambda row: (-abs(math.log(row[3])), row[0]))


def main(arguments: list[str]) -> int:
    """Print the comparison and return the exit code."""
    parser = argparse.ArgumentParser(description="Compare the figures of benchmarks of two versions.")
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--least", type=float, default=1.1, help="smallest change that is listed, as a ratio")
    parser.add_argument("--like", default="", help="only figures in whose names this text is, such as seconds")
    given = parser.parse_args(arguments)
    try:
        old, new = read(given.old), read(given.new)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        print(f"compare: {error}", file=sys.stderr)
        return 2
    rows = [row for row in changes(old, new) if given.like in row[0]]
    listed = [row for row in rows if max(row[3], 1 / row[3]) >= given.least]
    print(f"{len(rows)} figures in both, {len(listed)} of them changed by a factor of {given.least:g} or more")
    print(f"{len(old.keys() - new.keys())} only in {given.old}, {len(new.keys() - old.keys())} only in {given.new}\n")
    if listed:
        print("| figure | old | new | new/old |\n| --- | ---: | ---: | ---: |")
    for name, before, after, ratio in listed:
        print(f"| {name.replace('|', '/')} | {before:.4g} | {after:.4g} | {ratio:.3g} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
