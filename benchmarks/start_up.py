"""How long the command line takes to start, old against new: writes docs/benchmark_start_up.md.

Run ``python benchmarks/start_up.py OLD``, where OLD is a checkout of the commit to compare with, with its own modules
importable from it. CPU seconds, user and system, of each process with its children, in turns: old, new, old, new.
"""

import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
TURNS = 2
"""Runs of each warm command; the least counts, for other work on the machine only adds."""


class Version:
    """One state of the code, with caches of its own that are empty at first."""

    def __init__(self, code: Path, scratch: Path) -> None:
        self.code, self.scratch = code, scratch

    def environment(self, caches: Path) -> dict[str, str]:
        """Return the environment of a run: one thread, this code, and these caches."""
        own = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        own |= {"PYTHONPATH": str(self.code), "PYTHONPYCACHEPREFIX": str(self.scratch / "bytecode")}
        own |= {"NUMBA_CACHE_DIR": str(caches / "numba"), "ADAMSYM_CACHE": str(caches / "adamsym")}
        return own | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}

    def seconds(self, arguments: Sequence[str], caches: Path) -> float | None:
        """Return the CPU seconds of one command; None if it refuses its input."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "adamsym", *arguments]
        done = subprocess.run(command, cwd=self.code, env=self.environment(caches), capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode == 2:
            return None
        return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)

    def warm(self, arguments: Sequence[str], runs: int = TURNS) -> float | None:
        """Return the least CPU seconds of some runs after one that fills the caches."""
        caches = self.scratch / "warm"
        self.seconds(arguments, caches)
        found = [self.seconds(arguments, caches) for _ in range(runs)]
        return min((one for one in found if one is not None), default=None)

    def cold(self, arguments: Sequence[str]) -> float | None:
        """Return the CPU seconds of a run without any cache but Python's own bytecode, as an installer leaves it."""
        caches = self.scratch / "cold"
        shutil.rmtree(caches, ignore_errors=True)
        return self.seconds(arguments, caches)


def shown(value: float | None) -> str:
    """Return a figure for the table."""
    return "-" if value is None else f"{value:.2f}"


def table(title: str, rows: list[tuple[str, float | None, float | None]]) -> str:
    """Return a table of old and new figures."""
    lines = [f"## {title}", "", "| | old | new |", "| --- | ---: | ---: |"]
    return "\n".join([*lines, *(f"| {name} | {shown(old)} | {shown(new)} |" for name, old, new in rows)])


def both(versions: Sequence[Version], kind: str, arguments: Sequence[str]) -> tuple[float | None, float | None]:
    """Return a figure of the old and of the new version, one right after the other."""
    old, new = (getattr(version, kind)(arguments) for version in versions)
    return old, new


def page(old: Path, commit: str) -> str:
    """Return the page, measured in one run."""
    with tempfile.TemporaryDirectory() as folder:
        versions = [Version(old, Path(folder) / "old"), Version(ROOT, Path(folder) / "new")]
        help_ = [
            (f"`adamsym {' '.join(one)}`", *both(versions, "warm", one)) for one in (["--help"], ["zeros", "--help"])
        ]
        files = [f"examples/{path.name}" for path in EXAMPLES if (old / "examples" / path.name).exists()]
        warm = [(f"`{Path(file).stem}`", *both(versions, "warm", ["field", file])) for file in files]
        chosen = [
            "examples/hyperbola.toml",
            "examples/breast_cancer.toml",
            "examples/huber.toml",
            "examples/exponential.toml",
        ]
        cold = [(f"`{Path(file).stem}`", *both(versions, "cold", ["field", file])) for file in chosen]
        derive = [(f"`{Path(file).stem}`", *both(versions, "cold", ["derive", file])) for file in files]
        print("derived", flush=True)
        search = ["zeros", "examples/three_points.toml", "--box", "theta=-1:2", "--workers", "1"]
        zeros = [("cold", *both(versions, "cold", search)), ("warm", *both(versions, "warm", search))]
    slowest = max((new for *_, new in derive if new is not None), default=0.0)
    waiting = max((new for *_, new in warm if new is not None), default=0.0)
    tables = [
        f"# Start-up of the command line, old against new\n\nOld is commit {commit}. All figures are CPU seconds, user and "
        "system together, of one process with its children (`getrusage`), one thread; old and new in turns, in one run of "
        f"`python benchmarks/start_up.py`, Python {platform.python_version()}, {platform.machine()}. Python's bytecode is "
        "there, as after an installation.",
        table("Help", help_) + f"\n\nThe least of {TURNS} runs after a first one.",
        table("`adamsym field FILE`, warm", warm)
        + f"\n\nThe least of {TURNS} runs at the file's [start], after a first one that filled the caches. The longest of "
        f"the new ones takes {waiting:.2f}. A dash: the command refuses the file.",
        table("`adamsym field FILE`, cold", cold) + "\n\nOne run with an empty cache of adamsym and of Numba.",
        table("`adamsym derive FILE`", derive)
        + f"\n\nOne run each; nothing of it is kept between runs. The longest of the new ones takes {slowest:.2f}. A dash: "
        "the command refuses the file, for there is no loss.",
        table("`adamsym zeros examples/three_points.toml --box theta=-1:2 --workers 1`", zeros)
        + f"\n\nCold: one run with empty caches. Warm: the least of {TURNS} runs after a first one.",
    ]
    return "\n\n".join(tables) + "\n"


if __name__ == "__main__":
    checkout = Path(sys.argv[1]).resolve()
    described = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=checkout, capture_output=True, text=True)
    (ROOT / "docs" / "benchmark_start_up.md").write_text(page(checkout, described.stdout.strip()), encoding="utf-8")
