"""Every public function and class is used in a test with drawn inputs, or is in a table with a reason."""

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import adamsym

ROOMS = [
    "adamsym",
    "adamsym.certify",
    "adamsym.checker",
    "adamsym.claims",
    "adamsym.dynamics",
    "adamsym.field",
    "adamsym.optimizer",
    "adamsym.problem",
    "adamsym.symbolic",
    "adamsym.testing",
    "adamsym.view",
]
WITHOUT: dict[str, str] = {}


def public() -> dict[str, object]:
    """The functions and classes in the lists ``__all__`` of the rooms, and of the modules that are listed there."""
    found = {}
    for room in map(importlib.import_module, ROOMS):
        for name in room.__all__:
            value = getattr(room, name)
            if isinstance(value, ModuleType):
                found |= {f"{name}.{n}": v for n, v in vars(value).items() if is_defined_in(value, n, v)}
            elif inspect.isroutine(value) or inspect.isclass(value):
                found[f"{value.__module__}.{name}"] = value
    return found


def is_defined_in(module: ModuleType, name: str, value: object) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")


def exercised(source: str) -> set[int]:
    """Identities of the objects of adamsym that tests with ``@given`` name, or same-file helpers that they name."""
    tree = ast.parse(source)
    imported = dict(imports(tree))
    parts = {name: node for node in tree.body for name in defines(node)}
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and is_given(node)]
    reached, waiting = set(), [*tests]
    objects = set()
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Name) and node.id in parts and node.id not in reached:
                reached.add(node.id)
                waiting.append(parts[node.id])
            objects.add(id(resolve(node, imported)))
    return objects


def is_given(test):
    return any(isinstance(d, ast.Call) and ast.unparse(d.func) == "given" for d in test.decorator_list)


def defines(node):
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def imports(tree: ast.Module) -> Iterator[tuple[str, object]]:
    for node in tree.body:
        if isinstance(node, ast.Import) and any(alias.name == "adamsym" for alias in node.names):
            yield "adamsym", adamsym
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "adamsym":
            for alias in node.names:
                yield alias.asname or alias.name, getattr(importlib.import_module(node.module), alias.name)


def resolve(node, imported):
    if isinstance(node, ast.Name):
        return imported.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(module := resolve(node.value, imported), ModuleType):
        return getattr(module, node.attr, None)
    return None


def test_show():
    objects = set().union(*(exercised(path.read_text()) for path in Path(__file__).parent.rglob("test_*.py")))
    print()
    for name, value in public().items():
        print("ok " if id(value) in objects else "MISSING", name, type(value).__name__)
