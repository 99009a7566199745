"""A room imports only from the floors below it; modules stay short."""

import ast
from pathlib import Path

import adamsym

ROOT = Path(adamsym.__file__).parent
FLOORS = {
    "expressions": 0,
    "optimizer": 1,
    "problem": 2,
    "checker": 3,
    "symbolic": 3,
    "field": 4,
    "certify": 5,
    "dynamics": 5,
    "claims": 6,
    "testing": 7,
    "view": 7,
    "cli": 8,
}
LONGEST_MODULE = 420
LONGEST_FUNCTION = 70


def imported_rooms(source: str) -> set[str]:
    """The rooms of adamsym that a module imports, at any depth."""
    rooms = set()
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports name their room"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("adamsym.")}
    return rooms


def faults(room: str, source: str) -> list[str]:
    return [other for other in imported_rooms(source) if other != room and FLOORS.get(other, 99) >= FLOORS[room]]


def modules():
    return [path for path in sorted(ROOT.rglob("*.py")) if path.parent != ROOT]


def test_every_room_has_a_floor():
    rooms = {path.relative_to(ROOT).parts[0] for path in modules()}
    assert rooms == set(FLOORS)
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_rooms_import_from_below():
    found = {str(path): faults(path.relative_to(ROOT).parts[0], path.read_text()) for path in modules()}
    assert len(found) > 30
    assert {path: rooms for path, rooms in found.items() if rooms} == {}


def test_an_import_from_above_is_seen():
    assert faults("problem", "from adamsym.field import AdamField") == ["field"]
    assert faults("problem", "def f():\n    import adamsym.claims.claim") == ["claims"]
    assert faults("field", "from adamsym import newroom") == ["newroom"]
    assert faults("field", "from adamsym.problem import Problem") == []


def test_modules_and_functions_are_short():
    for path in modules():
        source = path.read_text()
        assert source.count("\n") <= LONGEST_MODULE, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno <= LONGEST_FUNCTION, (path, node.name)


EVALUATING = {"eval", "exec", "compile", "parse_expr", "__import__"}
UNPICKLING = {"pickle", "marshal", "shelve", "dill", "joblib"}


def evaluations(source: str) -> list[str]:
    """The calls and imports of a module that could run text or bytes; ``re.compile`` runs nothing."""
    found = []
    for node in ast.walk(ast.parse(source)):
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
