"""Mutants: every small change of a formula that the operators below know, by place in the source.

Left out are docstrings, other texts, annotations, decorators, raised errors, assertions and ``__all__``.
"""

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

PACKAGES = ("field", "symbolic", "dynamics")

_SWAPPED = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.Pow: ("**", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
    ast.BitXor: ("^", "|"),
}
_COMPARED = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
}
_DROPPED = {"sqrt", "exp", "log", "expm1", "log1p", "abs", "square", "symmetric"}
"""Functions of one argument that a mutant leaves out."""

_SIBLINGS = {
    "expm1": "exp",
    "exp": "expm1",
    "log1p": "log",
    "erfcx": "erfc",
    "erfc": "erf",
    "min": "max",
    "max": "min",
    "minimum": "maximum",
    "maximum": "minimum",
    "smaller": "larger",
    "larger": "smaller",
    "floor": "ceil",
    "ceil": "floor",
    "any": "all",
    "all": "any",
    "argmin": "argmax",
    "argmax": "argmin",
    "cos": "sin",
    "sin": "cos",
    "upper": "lower",
    "lower": "upper",
    "abs_upper": "abs_lower",
    "abs_lower": "abs_upper",
    "cumsum": "cumprod",
    "union": "intersection",
}


@dataclass(frozen=True)
class Mutant:
    """A change of one file: the bytes from ``begin`` to ``end`` are replaced.

    ``line`` is the number of the first line touched; ``text`` and ``changed`` are the lines touched, before and after.
    ``earlier`` counts the same changes of the same text further up in the file.
    """

    path: str
    begin: int
    end: int
    line: int
    before: str
    after: str
    operator: str
    text: str
    changed: str
    earlier: int = 0

    @property
    def package(self) -> str:
        """The package's room that it changes."""
        return self.path.split("/")[1]

    @property
    def key(self) -> str:
        """A name that stays while the line stays."""
        same = (self.earlier,) if self.earlier else ()
        return hashlib.sha256(repr((self.path, self.text, self.changed, *same)).encode()).hexdigest()[:12]

    def applied(self, source: bytes) -> bytes:
        """Return the changed source."""
        return source[: self.begin] + self.after.encode() + source[self.end :]


class _Places:
    """The places of one source and their replacements."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path, self.source = path, source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """First byte of a node and the first after it."""
        assert isinstance(node, (ast.expr, ast.stmt))
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin = self.starts[node.lineno - 1] + node.col_offset
        return begin, self.starts[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.AST) -> str:
        """A node's source."""
        begin, end = self.span(node)
        return self.source[begin:end].decode()

    def mutant(self, begin: int, end: int, after: str, operator: str) -> Mutant:
        """The replacement of some bytes."""
        line = next(k for k, start in enumerate(self.starts) if start > begin)
        first, last = self.starts[line - 1], self.starts[line]
        while last < end:
            last = next(start for start in self.starts if start >= end)
        text = self.source[first:last].decode()
        changed = (self.source[first:begin] + after.encode() + self.source[end:last]).decode()
        return Mutant(
            self.path,
            begin,
            end,
            line,
            self.source[begin:end].decode(),
            after,
            operator,
            " ".join(text.split()),
            " ".join(changed.split()),
        )

    def between(self, left: ast.AST, right: ast.AST, token: str) -> tuple[int, int] | None:
        """Where an operator stands between its two operands."""
        begin, end = self.span(left)[1], self.span(right)[0]
        found = re.search(re.escape(token), self.source[begin:end].decode())
        return (begin + found.start(), begin + found.end()) if found else None


def mutants_of(path: Path, root: Path) -> list[Mutant]:
    """Return all mutants of one file."""
    source = path.read_bytes()
    places = _Places(path.relative_to(root).as_posix(), source)
    found: dict[tuple[int, int, str], Mutant] = {}
    for node in _formulas(ast.parse(source)):
        for begin, end, after, operator in _replacements(node, places):
            if source[begin:end].decode() != after:
                found.setdefault((begin, end, after), places.mutant(begin, end, after, operator))
    seen: Counter[tuple[str, str]] = Counter()
    numbered = []
    for mutant in sorted(found.values(), key=lambda mutant: mutant.begin):
        numbered.append(replace(mutant, earlier=seen[mutant.text, mutant.changed]))
        seen[mutant.text, mutant.changed] += 1
    return numbered


def all_mutants(root: Path) -> list[Mutant]:
    """Return all mutants of the three rooms."""
    files = [path for package in PACKAGES for path in sorted((root / "adamsym" / package).rglob("*.py"))]
    return [mutant for path in files for mutant in mutants_of(path, root)]


def sample(mutants: Iterable[Mutant], size: int, seed: int) -> list[Mutant]:
    """Return a random sample, of each room in proportion to its number of mutants, in random order.

    Mutants are ordered by a hash of the seed and their key, so that a larger sample goes on from a smaller one, and a
    change elsewhere in the code leaves it as it is.
    """
    ordered = sorted(mutants, key=lambda mutant: hashlib.sha256(f"{seed} {mutant.key}".encode()).digest())
    counts = Counter(mutant.package for mutant in ordered)
    shares = {room: size * count / len(ordered) for room, count in counts.items()}
    left = {room: int(share) for room, share in shares.items()}
    # What rounding down leaves goes to the largest remainders, so that the sample has its size.
    for room in sorted(shares, key=lambda room: left[room] - shares[room])[: size - sum(left.values())]:
        left[room] += 1
    chosen = []
    for mutant in ordered:
        if left[mutant.package]:
            left[mutant.package] -= 1
            chosen.append(mutant)
    return chosen


def _formulas(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that no formula stands in."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.Raise, ast.Assert, ast.JoinedStr, ast.Import, ast.ImportFrom)):
            continue
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            if "repr" not in node.name:
                for statement in node.body:
                    yield from _formulas(ast.Module([statement], []))
                if isinstance(node, ast.FunctionDef):
                    yield from _formulas(ast.Module([ast.Expr(x) for x in node.args.defaults], []))
            continue
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            continue
        if isinstance(node, ast.AnnAssign):
            if node.value is not None:
                yield from _formulas(ast.Module([ast.Expr(node.value)], []))
            continue
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            continue
        if not (isinstance(node, ast.Expr) and not hasattr(node, "lineno")):
            yield node
        yield from _formulas(node)


def _replacements(node: ast.AST, at: _Places) -> Iterator[tuple[int, int, str, str]]:
    """Begin, end, replacement and name of every operator's changes at one node."""
    if isinstance(node, ast.BinOp):
        yield from _of_operation(node, at)
    elif isinstance(node, ast.AugAssign):
        token, other = _SWAPPED.get(type(node.op), ("", ""))
        place = at.between(node.target, node.value, f"{token}=") if token else None
        if place:
            yield *place, f"{other}=", "arithmetic"
        yield *at.span(node), "pass", "statement left out"
    elif isinstance(node, ast.Compare):
        for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
            token, others = _COMPARED.get(type(op), ("", ()))
            place = at.between(left, right, token) if token else None
            if place:
                yield from ((*place, other, "comparison") for other in others)
    elif isinstance(node, ast.BoolOp):
        token, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        if place := at.between(node.values[0], node.values[1], token):
            yield *place, other, "and, or"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        yield *at.span(node), f"({at.text(node.operand)})", "sign"
    elif isinstance(node, ast.Constant):
        yield from ((*at.span(node), other, "constant") for other in _other_constants(node.value))
    elif isinstance(node, ast.Call):
        yield from _of_call(node, at)
    elif isinstance(node, ast.Subscript):
        if isinstance(node.ctx, ast.Load) and _is_index(node.slice):
            yield *at.span(node.slice), f"{at.text(node.slice)} + 1", "index"
    elif isinstance(node, (ast.If, ast.IfExp)) and isinstance(node.test, (ast.Name, ast.Call, ast.Attribute)):
        yield *at.span(node.test), f"(not {at.text(node.test)})", "condition"


def _of_operation(node: ast.BinOp, at: _Places) -> Iterator[tuple[int, int, str, str]]:
    operands = (node.left, node.right)
    if type(node.op) not in _SWAPPED or any(
        isinstance(x, (ast.List, ast.ListComp, ast.Tuple, ast.JoinedStr)) or isinstance(getattr(x, "value", None), str)
        for x in operands
    ):
        return
    token, other = _SWAPPED[type(node.op)]
    if place := at.between(*operands, token):
        yield *place, other, "arithmetic"
    left, right = map(at.text, operands)
    yield *at.span(node), f"({left})", "term left out"
    if isinstance(node.op, (ast.Add, ast.Mult)):
        yield *at.span(node), f"({right})", "term left out"
    if isinstance(node.op, ast.Pow) and isinstance(node.right, (ast.Name, ast.BinOp)):
        yield *at.span(node.right), f"({right} + 1)", "index"


def _of_call(node: ast.Call, at: _Places) -> Iterator[tuple[int, int, str, str]]:
    function = node.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    end = at.span(function)[1]
    if name in _SIBLINGS:
        yield end - len(name), end, _SIBLINGS[name], "call"
    if name in _DROPPED and len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
        yield *at.span(node), f"({at.text(node.args[0])})", "call left out"
    if name in _DROPPED and not node.args and isinstance(function, ast.Attribute):
        yield *at.span(node), f"({at.text(function.value)})", "call left out"
    if name == "range":
        stop = node.args[0] if len(node.args) == 1 else node.args[1]
        yield *at.span(stop), f"{at.text(stop)} - 1", "index"


def _is_index(node: ast.expr) -> bool:
    """Whether a subscript is a running number."""
    names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
    return isinstance(node, (ast.Name, ast.BinOp)) and bool(names) and all(len(name) <= 2 for name in names)


def _other_constants(value: object) -> list[str]:
    if isinstance(value, bool):
        return [str(not value)]
    if isinstance(value, int):
        return [str(value + 1), *([str(value - 1)] if value > 0 else [])]
    if isinstance(value, float):
        return [repr(value + 1) if 0.01 <= value < 1000 else repr(2 * value or 1.0), *(["0.0"] if value == 1 else [])]
    return []


def replaced(root: Path, path: str, line: str, before: str, after: str, alike: int = 1) -> Mutant:
    """Return the mutant that changes the first ``before`` in ``line``; there must be ``alike`` lines like it.

    Of several lines alike the last is changed.

    Raises
    ------
    ValueError
        If the line, or the part of it, is not there as often.
    """
    source = (root / path).read_bytes()
    places = [k for k, found in enumerate(source.splitlines()) if found.strip() == line.encode()]
    if len(places) != alike or before not in line:
        raise ValueError(f"{path}: {len(places)} lines, not {alike}, are: {line}")
    at = _Places(path, source)
    begin = source.index(before.encode(), at.starts[places[-1]])
    return at.mutant(begin, begin + len(before.encode()), after, "by hand")
