"""What runs inside a copy of the project: a pytest plugin that measures, chooses and orders tests, and a claims runner.

All is told by environment variables: MUTATION_MEASURE names a file to write durations and covered lines to;
MUTATION_TESTS one with the tests to run, in their order; MUTATION_KEEPS_CODE says that no compiled function changes.
"""

import importlib.util
import json
import os
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import Phase, settings

PACKAGES = ("field", "symbolic", "dynamics")

# Failing examples need not become small.
settings.register_profile(
    "mutation", derandomize=True, database=None, deadline=None, phases=(Phase.explicit, Phase.generate, Phase.target)
)
settings.load_profile("mutation")


def keep_compiled_code() -> None:
    """Let the code on disk stay valid: its digest covers all files of a folder, also those that it does not use."""
    name = "adamsym.field.compiled"
    specification = importlib.util.find_spec("adamsym")
    assert specification is not None
    assert specification.origin is not None
    path = Path(specification.origin).parent / "field" / "compiled.py"
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None
    assert found.loader is not None
    module: ModuleType = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    module._sources = lambda folder: "unchanged"  # type: ignore[attr-defined]


if os.environ.get("MUTATION_KEEPS_CODE"):
    keep_compiled_code()


class Measurement:
    """Durations of tests, and the lines that each executes; machine code shows none."""

    def __init__(self, target: Path, root: Path) -> None:
        import coverage

        self.target, self.root, self.durations = target, root, defaultdict(float)
        self.coverage = coverage.Coverage(
            data_file=None, source=[str(root / "adamsym" / package) for package in PACKAGES], config_file=False
        )
        self.coverage.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Attribute what follows to a test."""
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add up set-up, call and tear-down."""
        self.durations[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Write everything down."""
        self.coverage.stop()
        with warnings.catch_warnings():
            # Tests that execute nothing of the packages are no fault.
            warnings.simplefilter("ignore")
            data = self.coverage.get_data()
        lines: dict[str, dict[str, list[str]]] = {}
        for file in data.measured_files():
            by_line = data.contexts_by_lineno(file)
            known = {str(line): [test for test in tests if test] for line, tests in by_line.items()}
            lines[Path(file).relative_to(self.root).as_posix()] = {k: tests for k, tests in known.items() if tests}
        self.target.write_text(json.dumps({"durations": self.durations, "lines": lines}))


class Choice:
    """Runs the chosen tests only, in their order, after those that were not known when they were chosen."""

    def __init__(self, chosen: list[str], known: list[str]) -> None:
        self.places = dict.fromkeys(known) | {test: k for k, test in enumerate(chosen)}

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        """Leave out what is not chosen."""
        places = {item: self.places.get(item.nodeid, -1) for item in items}
        config.hook.pytest_deselected(items=[item for item in items if places[item] is None])
        items[:] = sorted((item for item in items if places[item] is not None), key=lambda item: places[item] or 0)


def pytest_configure(config: Any) -> None:
    """Register what the environment asks for."""
    if target := os.environ.get("MUTATION_MEASURE"):
        config.pluginmanager.register(Measurement(Path(target), Path(config.rootpath)))
    if chosen := os.environ.get("MUTATION_TESTS"):
        config.pluginmanager.register(Choice(**json.loads(Path(chosen).read_text())))


def run_claims(paths: list[str]) -> dict[str, Any]:
    """Run modules of claims, as ``--quick`` does, until one does not hold."""
    from adamsym.claims.running import Selection, run_module
    from adamsym.claims.settings import Settings

    seconds = {}
    for path in paths:
        start = time.perf_counter()
        for report in run_module(path, Selection(), Settings("quick"), None):
            if report.verdict != "holds":
                return {"claim": report.name, "verdict": report.verdict, "detail": report.detail, "module": path}
        seconds[path] = time.perf_counter() - start
    return {"claim": None, "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(run_claims(sys.argv[1:])))
