"""The gallery: each script runs, is short, and the page says of it what it finds."""

import ast
import importlib.util
import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from snippets import compare

ROOT = Path(__file__).parents[2]
GALLERY = ROOT / "examples" / "gallery"
SPEC = importlib.util.spec_from_file_location("gallery_make", GALLERY / "make.py")
make = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make)
PAGE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")

CHEAP = ("formal", "game", "lyapunov", "own_claim")
"""The scripts that the default suite runs; the others compile something, or import PyTorch."""


def sections():
    return {
        re.search(r"gallery/(\w+)\.svg", part)[1]: part for part in re.split(r"^(?=## )", PAGE, flags=re.MULTILINE)[1:]
    }


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in CHEAP else pytest.mark.slow) for name in make.SCRIPTS]
)
def test_a_script_draws_and_finds_what_the_page_says(name):
    if name == "network_zero":
        pytest.importorskip("torch", reason="needs torch")
    module, figure = make.script(name), Figure()
    found = module.draw(figure)
    assert all(axes.has_data() for axes in figure.axes)
    compare(sections()[name].strip(), make.section(name, module, found).strip())
    with pytest.raises(AssertionError):
        compare(sections()[name].strip(), make.section(name, module, found + "!").strip())


def test_the_page_shows_all_scripts_and_no_others():
    assert list(sections()) == list(make.SCRIPTS)
    assert len(make.SCRIPTS) >= 10
    assert {path.stem for path in GALLERY.glob("*.py")} == {*make.SCRIPTS, "make"}
    assert {path.stem for path in (ROOT / "docs" / "gallery").iterdir()} == {*make.SCRIPTS}


@pytest.mark.parametrize("name", make.SCRIPTS)
def test_scripts_are_short_and_say_what_their_picture_shows(name):
    text = (GALLERY / f"{name}.py").read_text(encoding="utf-8")
    docstring = ast.get_docstring(ast.parse(text), clean=False)
    code = [line for line in text.replace(docstring, "").splitlines() if line.strip()]
    assert len(code) - 1 <= 30
    [alt] = re.findall(r'^ALT = "(.*)"$', text, re.MULTILINE)
    assert 40 < len(alt) < 200
    assert f"![{alt}](gallery/{name}.svg)" in PAGE
