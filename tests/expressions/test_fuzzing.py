"""Hostile texts and files: nothing but InputError comes out, with bounded work, and nothing is executed.

The long run (`make test-long`) plays 900,000 expressions and 100,000 files.
"""

import itertools
import random
import sys
from pathlib import Path

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym.expressions.errors import InputError
from adamsym.expressions.parser import parse_expression
from adamsym.gradients.reading import read_problem

SYMBOLS = {name: sp.Symbol(name, real=True) for name in ("theta", "x")}
WORDS = "theta x pi e 0 1 2 3.5 .5 1e9 1e-400 7/0 ( ) , + - * / ** ** exp( log( sqrt( tanh( sin( Abs( Max( Min("
HOSTILE = "__import__('os').system('true') eval( lambda : ; . [ ] { } ^ % = < > ' \" # \\ @ ! & | ~ ` $ ? \0 é θ 𝟙"
LONG = ["9**9**9", "1e999999999", "(" * 70, "x.__class__", "theta" * 9, "1" * 500, "-" * 300, "**-1", " ", "\t", "\n"]
PIECES = [*WORDS.split(), *HOSTILE.split(), *LONG, "os", "None", "True"]
MOST_CALLS = 2_000_000
"""Function calls that no single text may take, generously: seconds, on whatever processor."""

FORBIDDEN = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "os.remove"}
HOSTILE_NAMES = {"__import__", "system", "eval", "os", "__class__", "lambda"}
seen: list[str] = []
watching = False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    # SymPy's lambdify executes what it prints of a parsed expression; no name of the input's own may be there.
    names = getattr(arguments[0], "co_names", ()) if event == "exec" else ()
    imported = event == "exec" and Path(getattr(arguments[0], "co_filename", "")).is_file()
    if watching and not imported and (event in FORBIDDEN or HOSTILE_NAMES & set(names)):
        seen.append(event)


sys.addaudithook(_watch)


def played(action, *arguments) -> bool:
    """Whether the action accepts its input; anything but InputError, an execution, or much work is an error."""
    global watching
    calls, watching, refusal = itertools.count(), True, None
    sys.setprofile(lambda frame, event, called: next(calls))
    try:
        action(*arguments)
    except InputError as error:
        refusal = str(error)
    finally:
        sys.setprofile(None)
        watching = False
    assert seen == []
    assert next(calls) < 2 * MOST_CALLS, arguments  # each call is seen once as it begins and once as it ends
    assert refusal is None or ("\n" not in refusal and len(refusal) < 2000)
    return refusal is None


def text_of(generator: random.Random) -> str:
    return "".join(generator.choice(PIECES) for _ in range(generator.randint(1, 14)))


GOOD = (Path(__file__).parents[2] / "examples" / "three_points.toml").read_text(encoding="utf-8")


def file_of(generator: random.Random) -> bytes:
    """A good file with some bytes, words or lines changed."""
    lines = GOOD.splitlines()
    for _ in range(generator.randint(1, 4)):
        kind, where = generator.randrange(5), generator.randrange(len(lines))
        if kind == 0:
            lines[where] = lines[generator.randrange(len(lines))]
        elif kind == 1:
            lines[where] = f"{generator.choice('abcx').join(lines[where].split('=')[:1])} = {value_of(generator)}"
        elif kind == 2:
            lines.insert(where, f"{generator.choice(['loss', 'x', 'eps', 'file', 'library'])} = {value_of(generator)}")
        elif kind == 3:
            cut = generator.randrange(len(lines[where]) + 1)
            lines[where] = lines[where][:cut] + generator.choice(PIECES) + lines[where][cut:]
        else:
            lines[where] = f"[{generator.choice(['problem', 'data', 'adam', 'start', 'a.b', ''])}]"
    content = "\n".join(lines).encode("utf-8", "surrogateescape")
    if generator.random() < 0.1:
        cut = generator.randrange(len(content))
        content = content[:cut] + bytes([generator.randrange(256)]) + content[cut + 1 :]
    return content


def value_of(generator: random.Random) -> str:
    values = ["nan", "inf", "-1", "[]", "[1, [2]]", "true", "1979-05-27", "{ a = 1 }", "1e308", "9" * 400, '"9**9**9"']
    return generator.choice([*values, f'"{text_of(generator)}"', "'../../etc/passwd'", '"Normal(0, 0)"'])


def play_texts(seed: int, count: int) -> int:
    generator = random.Random(seed)
    return sum(played(parse_expression, text_of(generator), SYMBOLS, "loss") for _ in range(count))


def play_files(folder: Path, seed: int, count: int) -> int:
    generator, accepted = random.Random(seed), 0
    for _ in range(count):
        (folder / "fuzzed.toml").write_bytes(file_of(generator))
        accepted += played(read_problem, folder / "fuzzed.toml")
    return accepted


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map("".join)))
def test_any_text_is_read_or_refused(text):
    played(parse_expression, text, SYMBOLS, "loss")


def test_texts_and_files():
    # Some are accepted: the fuzzing reaches what lies behind the grammar.
    assert play_texts(0, 3000) > 20


def test_files(tmp_path):
    assert 10 < play_files(tmp_path, 0, 600) < 600


@pytest.mark.slow
def test_a_million_inputs(tmp_path):
    assert play_texts(1, 900_000) > 5000
    assert play_files(tmp_path, 1, 100_000) > 1500


def test_an_execution_is_seen(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "MOST_CALLS", 10_000)
    with pytest.raises(AssertionError):
        played(eval, "__import__('os')")
    seen.clear()
    with pytest.raises(AssertionError):
        played(lambda: [abs(number) for number in range(MOST_CALLS + 1)])
    with pytest.raises(ZeroDivisionError):
        played(lambda: 1 / 0)
