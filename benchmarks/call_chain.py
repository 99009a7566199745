"""How many functions of adamsym a command calls, and how deep: ``python benchmarks/call_chain.py zeros FILE --box ...``.

Imports come first and are not counted, nor are comprehensions; what is cached is computed, and counted.
"""

import contextlib
import importlib
import io
import pkgutil
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

import adamsym
from adamsym.__main__ import main

ROOT = Path(adamsym.__file__).parent


def import_all() -> None:
    """Import every module but those that need an optional package."""
    for module in pkgutil.walk_packages(adamsym.__path__, "adamsym."):
        with contextlib.suppress(ImportError):
            importlib.import_module(module.name)


def calls_of(arguments: list[str]) -> tuple[Counter[tuple[str, str]], int]:
    """Return how often each function of adamsym, by module and name, is called, and how many are so within each other."""
    found: Counter[tuple[str, str]] = Counter()
    depth = deepest = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal depth, deepest
        code = frame.f_code
        if not code.co_filename.startswith(str(ROOT)) or code.co_name.startswith("<"):
            return
        if event == "call":
            found[str(Path(code.co_filename).relative_to(ROOT)), code.co_qualname] += 1
            depth += 1
            deepest = max(deepest, depth)
        elif event == "return":
            depth -= 1

    sys.setprofile(note)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            main(arguments)
    finally:
        sys.setprofile(None)
    return found, deepest


if __name__ == "__main__":
    import_all()
    calls, deepest = calls_of(sys.argv[1:])
    modules = {module for module, _ in calls}
    print(f"{len(calls)} functions in {len(modules)} modules, at most {deepest} within each other")
    for package, count in sorted(Counter(module.split("/")[0] for module, _ in calls).items()):
        within = sum(module.split("/")[0] == package for module in modules)
        print(f"  {package}: {count} functions in {within} modules")
