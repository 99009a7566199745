"""Figures of benchmarks: what is kept is what the pages say, and versions are compared by it."""

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("figures")


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("compare")


def test_what_is_kept_is_what_the_pages_say(figures):
    pages = figures.pages()
    assert len(pages) > 9
    assert {path.name for path in figures.RESULTS.iterdir()} == {figures.result(page).name for page in pages}
    for page in pages:
        kept = json.loads(figures.result(page).read_text(encoding="utf-8"))
        assert kept["figures"] == figures.figures_of(page.read_text(encoding="utf-8")), "run benchmarks/figures.py"
        assert len(kept["figures"]) > 10, page


PAGE = """# A page
## Times

| case | now | before | found |
| --- | ---: | --- | --- |
| a search | **1.5 s** | 2,300 ms | 3 zeros, complete |
| a search | 99.7% of 3 s | 1.2e-05 | - |
| `a check` | 4 /s | 3 to 5 | yes |

words 5

| n | seconds |
| --- | --- |
| 10 | 7 |
"""


def test_figures_are_the_first_numbers_of_cells(figures):
    found = {name: (one["value"], one["unit"]) for name, one in figures.figures_of(PAGE).items()}
    assert found == {
        "Times | a search | now": (1.5, "s"),
        "Times | a search | before": (2.3, "s"),
        "Times | a search | found": (3.0, ""),
        "Times | a search #2 | now": (99.7, "%"),
        "Times | a search #2 | before": (1.2e-05, ""),
        "Times | a check | now": (4.0, "/s"),
        "Times | a check | before": (3.0, ""),
        "Times | 10 | seconds": (7.0, ""),
    }
    assert figures.figures_of(PAGE.replace("2,300 ms", "2,400 ms")) != figures.figures_of(PAGE)


def kept(folder: Path, figures: ModuleType, text: str) -> str:
    folder.mkdir()
    content = {"page": "page.md", "version": "1", "figures": figures.figures_of(text)}
    (folder / "page.json").write_text(json.dumps(content))
    return str(folder)


def test_versions_are_compared_by_ratios(figures, compare, tmp_path, capsys):
    old = kept(tmp_path / "old", figures, PAGE)
    changed = PAGE.replace("1.5 s", "500 ms").replace("4 /s", "8 /s").replace("| 10 | 7 |", "| 20 | 7 |")
    new = kept(tmp_path / "new", figures, changed.replace("2,300 ms", "2,301 ms"))
    assert compare.main([old, new]) == 0
    printed = capsys.readouterr().out
    assert "7 figures in both, 2 of them changed by a factor of 1.1 or more" in printed
    assert f"1 only in {old}, 1 only in {new}" in printed
    assert [line for line in printed.splitlines() if line.startswith("| page")] == [
        "| page.md / Times / a search / now | 1.5 | 0.5 | 0.333 |",
        "| page.md / Times / a check / now | 4 | 8 | 2 |",
    ]
    assert compare.main([f"{old}/page.json", new, "--like", "check", "--least", "3"]) == 0
    assert "2 figures in both, 0 of them" in capsys.readouterr().out


@pytest.mark.parametrize("content", [None, "{", "[]", "{}", '{"page": "p", "figures": {"a": 1}}'])
def test_what_holds_no_figures_is_one_line(compare, tmp_path, capsys, content):
    if content is not None:
        (tmp_path / "page.json").write_text(content)
    assert compare.main([str(tmp_path), str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_exponents_of_growth_are_those_of_powers(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    growth = importlib.import_module("large_growth")
    sizes = (10, 100, 1000)
    assert growth.exponents(sizes, [n**2 / 7 for n in sizes]) == pytest.approx((2, 2))
    whole, last = growth.exponents(sizes, [50 + n**1.5 for n in sizes])
    assert whole < 1.4 < last < 1.5
    runs = [{"a": {"10": 3.0, "100": 20.0, "1000": 400.0}}, {"a": {"10": 2.0, "100": 30.0, "1000": 200.0}}]
    table = growth.table(runs, {"a": "what"}, sizes, "rows")
    assert table.splitlines()[0] == "| rows | 10 | 100 | 1,000 | exponent | of the last two |"
    assert table.splitlines()[2] == "| what | 2 | 20 | 200 | 1.00 | 1.00 |"
