"""A subpackage imports only from layers below its own; modules stay short."""

import ast
import re
from functools import cache
from pathlib import Path

import adamsym

ROOT = Path(adamsym.__file__).parent
LAYERS = {
    "expressions": 0,
    "parallel": 1,
    "methods": 1,
    "certificates": 1,
    "gradients": 2,
    "claims": 2,
    "checker": 3,
    "symbolic": 3,
    "formal": 3,
    "field": 4,
    "certify": 5,
    "dynamics": 5,
    "continuation": 6,
    "plots": 7,
    "testing": 7,
    "report": 8,
    "networks": 9,
    "explorer": 9,
    "cli": 10,
}
LONGEST_MODULE = 420
LONGEST_FUNCTION = 70
MODULES_OF_A_FOLDER = 12


@cache
def parsed(source: str) -> ast.Module:
    return ast.parse(source)


def imported_packages(source: str) -> set[str]:
    """The subpackages of adamsym that a module imports, at any depth."""
    packages = set()
    for node in ast.walk(parsed(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their subpackage"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        packages |= {name.split(".")[1] for name in names if name.startswith("adamsym.")}
    return packages


def faults(package: str, source: str) -> list[str]:
    return [
        other for other in imported_packages(source) if other != package and LAYERS.get(other, 99) >= LAYERS[package]
    ]


def modules():
    return [path for path in sorted(ROOT.rglob("*.py")) if path.parent != ROOT]


def test_every_subpackage_has_a_layer():
    packages = {path.relative_to(ROOT).parts[0] for path in modules()}
    assert packages == set(LAYERS)
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_contributing_says_which_layer_each_has_and_which_folders_the_field():
    text = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert {name: int(layer) for layer, names, _ in rows for name in re.findall(r"`(\w+)`", names)} == LAYERS
    [about] = [about for _, names, about in rows if names == "`field`"]
    folders = {path.parent.name for path in (ROOT / "field").glob("*/__init__.py")}
    assert set(re.findall(r"`(\w+)/`", about)) == folders


def test_subpackages_import_from_below():
    found = {str(path): faults(path.relative_to(ROOT).parts[0], path.read_text()) for path in modules()}
    assert len(found) > 30
    assert {path: packages for path, packages in found.items() if packages} == {}


def test_an_import_from_above_is_seen():
    assert faults("gradients", "from adamsym.field import AdamField") == ["field"]
    assert faults("gradients", "def f():\n    import adamsym.claims.claim") == ["claims"]
    assert faults("field", "from adamsym import newpackage") == ["newpackage"]
    assert faults("field", "from adamsym.gradients import Problem") == []


def test_modules_and_functions_are_short():
    for path in modules():
        source = path.read_text()
        assert source.count("\n") <= LONGEST_MODULE, path
        for node in ast.walk(parsed(source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno <= LONGEST_FUNCTION, (path, node.name)


def test_folders_of_the_field_are_small():
    folders = [ROOT / "field", *(path for path in (ROOT / "field").iterdir() if (path / "__init__.py").exists())]
    assert len(folders) > 4
    for folder in folders:
        assert len(list(folder.glob("[!_]*.py"))) <= MODULES_OF_A_FOLDER, folder


EVALUATING = {"eval", "exec", "compile", "parse_expr", "__import__"}
UNPICKLING = {"pickle", "marshal", "shelve", "dill", "joblib"}


def evaluations(source: str) -> list[str]:
    """The calls and imports of a module that could run text or bytes; ``re.compile`` runs nothing."""
    found = []
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) != "re.compile":
            found.append(ast.unparse(node.func).split(".")[-1])
        elif isinstance(node, ast.Import):
            found += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(node.module or "").split(".")[0], *(alias.name for alias in node.names)]
    return [name for name in found if name in EVALUATING | UNPICKLING]


def test_nothing_evaluates_text():
    assert {str(path): found for path in ROOT.rglob("*.py") if (found := evaluations(path.read_text()))} == {}


def test_an_evaluation_is_seen():
    assert evaluations("def f(text):\n    return eval(text)") == ["eval"]
    assert evaluations("sympy.parsing.parse_expr(text)") == ["parse_expr"]
    assert evaluations("from pickle import loads") == ["pickle"]
    assert evaluations("re.compile(text)\njson.loads(text)") == []


def test_no_two_test_files_share_a_name():
    """Pytest imports them by their bare names."""
    names = [path.name for path in Path(__file__).parent.rglob("*.py") if path.name != "conftest.py"]
    assert len(names) > 100
    assert {name for name in names if names.count(name) > 1} == set()


OPTIONAL = {"torch", "jax", "keras", "optax", "distributed", "dask", "bokeh"}


def imported_at_once(source: str) -> set[str]:
    """What importing a module imports: all that no function waits with, nor the checker of types alone sees."""
    waiting, found = list(parsed(source).body), set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif not isinstance(node, ast.FunctionDef | ast.Lambda) and "TYPE_CHECKING" not in ast.unparse(node)[:20]:
            waiting += ast.iter_child_nodes(node)
    return found


def needing(sources: dict[str, str]) -> set[str]:
    """The modules, by name, that cannot be imported without an optional library."""
    imports = {name: imported_at_once(source) for name, source in sources.items()}
    found = {name for name, given in imports.items() if OPTIONAL & {one.split(".")[0] for one in given}}
    while more := {name for name, given in imports.items() if given & found} - found:
        found |= more
    return found


def test_only_modules_and_folders_named_after_an_optional_library_need_it():
    """The others import such a module, as they do a library, where it is used."""
    sources = {
        ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path.read_text()
        for path in ROOT.rglob("*.py")
    }
    named = {name for name in sources if OPTIONAL & {part.split("_")[0] for part in name.split(".")}}
    assert needing(sources) - named == set()


def test_a_need_of_an_optional_library_is_seen():
    first = {"a": "import torch.nn", "b": "try:\n    from jax import numpy\nexcept ImportError:\n    pass"}
    later = {"c": "def f():\n    import torch", "d": "if TYPE_CHECKING:\n    import jax", "e": "def f():\n    import a"}
    assert needing(first | later | {"g": "from a import x", "h": "class H:\n    import g"}) == {"a", "b", "g", "h"}
