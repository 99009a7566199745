"""The key of machine code kept on disk goes by folders: no compiled function may reach what lies in another one."""

import ast
import importlib
import importlib.util
import pkgutil
import re
import types
from pathlib import Path

import pytest
from numba.core.registry import CPUDispatcher

import adamsym
from adamsym.field.compiled import _sources, compiled

ROOT = Path(adamsym.__file__).parent
WITH_LOOPS = ("adamsym.field.batches", "adamsym.field.float", "adamsym.field.interval", "adamsym.dynamics")


def read_by(code):
    """The global names that a function's code reads, those of functions inside it as well."""
    inside = [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*map(read_by, inside))


def imported_by(module):
    """What a module has by ``from adamsym... import name``: each name with the file that defines it."""
    tree = ast.parse(Path(module.__file__).read_text())
    return {
        alias.asname or alias.name: Path(importlib.import_module(node.module).__file__)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module.startswith("adamsym.")
        for alias in node.names
    }


def compiled_in(module):
    """The Python functions of a module that are compiled, those that compiled ones alone call included."""
    loops = [value.py_func for value in vars(module).values() if isinstance(value, CPUDispatcher)]
    lines = Path(module.__file__).read_text().splitlines()
    plain = [value for value in vars(module).values() if isinstance(value, types.FunctionType)]
    plain = [value for value in plain if value.__module__ == module.__name__ and not hasattr(value, "__wrapped__")]
    inside = [value for value in plain if lines[value.__code__.co_firstlineno - 1] == "@inner"]
    return [value for value in loops + inside if value.__module__ == module.__name__]


def reached_elsewhere(module):
    """What compiled functions of a module read from other folders of adamsym: the function's name, and that of it."""
    apart = {name for name, file in imported_by(module).items() if file.parent != Path(module.__file__).parent}
    own = compiled_in(module)
    return [(function.__name__, name) for function in own for name in sorted(read_by(function.__code__) & apart)]


def modules_with_loops():
    for name in WITH_LOOPS:
        for found in pkgutil.iter_modules(importlib.import_module(name).__path__, name + "."):
            yield importlib.import_module(found.name)


def test_compiled_functions_reach_no_other_folder():
    modules = list(modules_with_loops())
    assert sum(len(compiled_in(module)) for module in modules) > 90
    assert [(module.__name__, *one) for module in modules for one in reached_elsewhere(module)] == []


def test_modules_with_compiled_functions_are_those_of_the_folders():
    found = {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts[:-1])
        for path in ROOT.rglob("*.py")
        if re.search("field.compiled import (compiled|inlined|inner)", path.read_text())
    }
    assert found == set(WITH_LOOPS)


@pytest.mark.parametrize("decorator", ["compiled", "inner"])
def test_reaching_another_folder_is_seen(tmp_path, decorator):
    text = (
        f"from adamsym.field.compiled import {decorator}\n"
        "from adamsym.field.float.grid import REACH\n\n\n"
        f"@{decorator}\ndef beyond(x: float) -> float:\n    return x * REACH\n"
    )
    (tmp_path / "beyond.py").write_text(text)
    specification = importlib.util.spec_from_file_location("beyond", tmp_path / "beyond.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    assert reached_elsewhere(module) == [("beyond", "REACH")]


def test_a_change_in_a_folder_changes_the_key(tmp_path):
    def loop(x):
        return x

    (tmp_path / "one.py").write_text("a = 1\n")
    before = _sources(tmp_path)
    _sources.cache_clear()
    assert _sources(tmp_path) == before
    (tmp_path / "two.py").write_text("b = 2\n")
    _sources.cache_clear()
    assert _sources(tmp_path) != before
    assert compiled(loop).py_func.__qualname__.endswith("_" + _sources(Path(__file__).parent))
