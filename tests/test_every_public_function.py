"""Every public function and class is used in a test with drawn inputs, or is in a table with a reason."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import adamsym

PACKAGES = [
    "adamsym",
    "adamsym.certify",
    "adamsym.checker",
    "adamsym.claims",
    "adamsym.dynamics",
    "adamsym.field",
    "adamsym.formal",
    "adamsym.methods",
    "adamsym.gradients",
    "adamsym.networks",
    "adamsym.parallel",
    "adamsym.continuation",
    "adamsym.symbolic",
    "adamsym.testing",
    "adamsym.plots",
    "adamsym.explorer",
]
RECORDS = "only holds what the function that returns it has found"
INTERFACE = "an interface: classes that fit it are tested"
ITS_OWN_TEXTS = "takes the texts or files of the package itself, which are tried one by one"
WITHOUT = {
    ITS_OWN_TEXTS: ["check_with_coq", "write_library"],
    INTERFACE: ["GradientLaw", "Kernel", "Law"],
    RECORDS: [
        "Change",
        "Check",
        "ClaimReport",
        "Cluster",
        "Conformance",
        "CriticalPoint",
        "ControlReport",
        "Estimate",
        "EvidenceReport",
        "Expansion",
        "Explorer",
        "FieldValue",
        "FormalStatement",
        "IncrementTest",
        "Joint",
        "KernelReport",
        "Fold",
        "StabilityChange",
        "LawQuotient",
        "Leaf",
        "LyapunovDerivative",
        "LyapunovBall",
        "LyapunovRegion",
        "ModuleProgress",
        "Motion",
        "NetworkReport",
        "PseudoTrajectory",
        "Quotient",
        "Regions",
        "Scene",
        "SignMean",
        "Verdict",
        "Window",
        "Zero",
        "ZeroPoint",
        "Zeros",
    ],
}
"""What needs no test with drawn inputs, by reason."""


def public() -> dict[str, object]:
    """The functions and classes in the lists ``__all__`` of the subpackages, and of modules that are listed there."""
    found = {}
    for package in map(importlib.import_module, PACKAGES):
        for name in package.__all__:
            value = getattr(package, name)
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
                module = importlib.import_module(node.module)
                # A module of a package need not have been imported before.
                value = getattr(module, alias.name, None) or importlib.import_module(f"{node.module}.{alias.name}")
                yield alias.asname or alias.name, value


def resolve(node, imported):
    if isinstance(node, ast.Name):
        return imported.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(module := resolve(node.value, imported), ModuleType):
        return getattr(module, node.attr, None)
    return None


def missing(sources: Iterable[str], names: dict[str, object]) -> list[str]:
    """The names that no test with drawn inputs exercises, and that have no reason to lack one."""
    objects = set().union(*(exercised(source) for source in sources))
    excused = {name for listed in WITHOUT.values() for name in listed}
    return [name for name, value in names.items() if id(value) not in objects and name.split(".")[-1] not in excused]


SOURCES = [path.read_text() for path in sorted(Path(__file__).parent.rglob("test_*.py"))]


def test_every_public_function_meets_drawn_inputs():
    packages = [f"adamsym.{found.name}" for found in pkgutil.iter_modules(adamsym.__path__) if found.ispkg]
    listed = {name for name in packages if hasattr(importlib.import_module(name), "__all__")}
    assert {"adamsym"} | listed == set(PACKAGES)
    assert len(public()) > 100
    assert missing(SOURCES, public()) == []


def test_one_that_meets_none_is_seen():
    def made_up():
        """No test knows it."""

    assert missing(SOURCES, public() | {"adamsym.made_up": made_up}) == ["adamsym.made_up"]
    flow = "import adamsym\n@given(x)\ndef test(x):\n    adamsym.flow(x)\n"
    plain = flow.replace("@given(x)\n", "")
    names = {"adamsym.flow": adamsym.flow}
    assert missing([flow], names) == []
    assert missing([plain], names) == ["adamsym.flow"]


def test_excuses_are_needed_and_name_what_exists():
    objects = set().union(*map(exercised, SOURCES))
    known = {}
    for name, value in public().items():
        known.setdefault(name.split(".")[-1], []).append(id(value) in objects)
    excused = [name for listed in WITHOUT.values() for name in listed]
    assert [name for name in excused if name not in known] == []
    assert [name for name in excused if all(known[name])] == []
