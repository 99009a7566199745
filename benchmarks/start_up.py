"""How long the command line takes to start, old against new: writes docs/benchmark_start_up.md.

Run ``python benchmarks/start_up.py OLD [EXAMPLE ...]``, where OLD is a checkout of the commit to compare with; of all
examples, or of those named, then without the search for zeros, which compiles most. CPU seconds, user and
system, of each process with its children: what else the machine does adds little, so that several run side by side, old
beside new.
"""

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
COLD = ("hyperbola", "huber", "exponential")
"""Examples whose first value is measured with empty caches: a smooth loss, one with kinks, continuous data."""

SEARCH = ["zeros", "examples/three_points.toml", "--box", "theta=-1:2", "--workers", "1"]
SIDE_BY_SIDE = 6


class Version:
    """One state of the code, with caches of its own that are empty at first."""

    def __init__(self, code: Path, scratch: Path) -> None:
        self.code, self.scratch = code, scratch

    def seconds(self, arguments: Sequence[str], caches: str) -> float | None:
        """Return the CPU seconds of one command with these caches; None if it refuses its input."""
        folder = self.scratch / caches
        own = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        own |= {"PYTHONPATH": str(self.code), "PYTHONPYCACHEPREFIX": str(self.scratch / "bytecode")}
        own |= {"NUMBA_CACHE_DIR": str(folder / "numba"), "ADAMSYM_CACHE": str(folder / "adamsym")}
        own |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "adamsym", *arguments]
        process = subprocess.Popen(
            command, cwd=self.code, env=own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return None if process.returncode == 2 else used.ru_utime + used.ru_stime

    def cold(self, arguments: Sequence[str], name: str) -> float | None:
        """Return the CPU seconds of a run without any cache but Python's own bytecode, as an installer leaves it."""
        shutil.rmtree(self.scratch / name, ignore_errors=True)
        return self.seconds(arguments, name)

    def warm(self, arguments: Sequence[str], name: str) -> float | None:
        """Return the CPU seconds of a run after one with the same caches."""
        self.seconds(arguments, name)
        return self.seconds(arguments, name)


def shown(value: float | None) -> str:
    """Return a figure for the table."""
    return "-" if value is None else f"{value:.2f}"


Row = tuple[str, float | None, float | None]


def table(title: str, rows: Sequence[Row], measured: str) -> str:
    """Return a table of old and new figures, and how they were measured."""
    lines = [f"## {title}", "", measured, "", "| | old | new |", "| --- | ---: | ---: |"]
    return "\n".join([*lines, *(f"| {name} | {shown(old)} | {shown(new)} |" for name, old, new in rows)])


def page(old: Path, commit: str, named: Sequence[str]) -> str:
    """Return the page, measured in one run."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        versions = [Version(old, Path(folder) / "old"), Version(ROOT, Path(folder) / "new")]
        chosen_ones = [path for path in EXAMPLES if not named or path.stem in named]
        files = [f"examples/{path.name}" for path in chosen_ones if (old / "examples" / path.name).exists()]

        def rows(kind: str, commands: dict[str, Sequence[str]], caches: str = "warm") -> list[Row]:
            jobs = [(version, arguments, name) for name, arguments in commands.items() for version in versions]
            found = list(
                pool.map(lambda job: getattr(job[0], kind)(job[1], f"{caches}{job[2] if kind == 'cold' else ''}"), jobs)
            )
            print(caches, kind, found, flush=True)
            return [(name, *found[2 * k : 2 * k + 2]) for k, name in enumerate(commands)]

        stems = {f"`{Path(file).stem}`": file for file in files}
        helped = rows("warm", {"`adamsym --help`": ["--help"], "`adamsym zeros --help`": ["zeros", "--help"]})
        warm = rows("warm", {stem: ["field", file] for stem, file in stems.items()})
        derived = rows("seconds", {stem: ["derive", file] for stem, file in stems.items()})
        chosen = {stem: ["field", file] for stem, file in stems.items() if Path(file).stem in COLD}
        cold = rows("cold", chosen, "cold")
        searched = (
            [] if named else rows("cold", {"cold": SEARCH}, "search") + rows("seconds", {"warm": SEARCH}, "searchcold")
        )
    longest = [max((new for *_, new in one if new is not None), default=0.0) for one in (warm, cold, derived)]
    command = " ".join(["python benchmarks/start_up.py OLD", *named])
    parts = [
        "# Start-up of the command line, old against new",
        f"Old is commit {commit}. All figures are CPU seconds, user and system together, of one process with its children "
        f"(`wait4`), with one thread, all from one run of `{command}`, {SIDE_BY_SIDE} processes side by side on a machine "
        "that does other work too: differences below a fifth say nothing. Python "
        f"{platform.python_version()}, {platform.machine()}. Python's bytecode is there, as after an installation.",
        table("Help", helped, "One run after another one."),
        table(
            "`adamsym field FILE`, warm",
            warm,
            "One run at the file's [start], after one of the same file that filled the caches of adamsym and of Numba. The "
            f"longest of the new ones takes {longest[0]:.2f} s.",
        ),
        table(
            "`adamsym field FILE`, cold",
            cold,
            f"One run with empty caches of adamsym and of Numba. The longest of the new ones takes {longest[1]:.2f} s.",
        ),
        table(
            "`adamsym derive FILE`",
            derived,
            "One run; nothing of it is kept between runs. A dash: the command refuses the file, for it has no loss. The "
            f"longest of the new ones takes {longest[2]:.2f} s.",
        ),
    ]
    if searched:
        how = "Cold: one run with empty caches. Warm: one run after that."
        parts.append(table(f"`adamsym {' '.join(SEARCH)}`", searched, how))
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    checkout = Path(sys.argv[1]).resolve()
    described = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=checkout, capture_output=True, text=True)
    (ROOT / "docs" / "benchmark_start_up.md").write_text(
        page(checkout, described.stdout.strip(), sys.argv[2:]), encoding="utf-8"
    )
