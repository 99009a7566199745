"""Every label of the theory that code, claims or documents cite is defined in docs/theory.md; its formulas render."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import latex2mathml.converter
import pytest

ROOT = Path(__file__).parents[1]
COVERED = ["c01_bounded_and_lipschitz.py", "c10_symmetry_and_bias.py"]
THEORY = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")

LABEL = re.compile(
    r"(?<![\w\[.])(?:"
    r"T[1-9]\b"  # T1, T2's; not [T1]{fontenc}
    r"|N[1-9]\b"
    r"|N-(?:Lemma|Theorem|Proposition|Corollary|section)\s+\d+(?:'(?!s))?(?:\([a-z]+\))?"
    r"|N-\d+(?:\([a-z]+\))?"  # an abbreviation that nothing defines
    r")"
)


def cited(text: str) -> set[str]:
    return {re.sub(r"\s+", " ", label) for label in LABEL.findall(text)}


def defined(document: str) -> set[str]:
    """Labels in headings, with the parts (a), (i), ... that stand in bold below the heading."""
    labels: set[str] = set()
    for heading, body in re.findall(r"^#+ (.*)\n((?:(?!#+ ).*\n)*)", document, re.MULTILINE):
        for label in cited(heading):
            labels |= {label, *(f"{label}{part}" for part in re.findall(r"^\*\*(\([a-z]+\))\*\*", body, re.MULTILINE))}
    return labels


def unknown(text: str, document: str = THEORY) -> set[str]:
    return cited(text) - defined(document)


def files() -> Iterator[Path]:
    for folder in ("adamsym", "proofs_checks", "examples"):
        yield from (ROOT / folder).rglob("*.py")
        yield from (ROOT / folder).rglob("*.toml")
    yield from (ROOT / "docs").glob("*.md")
    yield ROOT / "README.md"


def formulas(document: str) -> list[str]:
    blocks = re.findall(r"\$\$(.*?)\$\$", document, re.DOTALL)
    return blocks + re.findall(r"\$([^$]+)\$", re.sub(r"\$\$.*?\$\$", "", document, flags=re.DOTALL))


def test_every_label_that_is_cited_is_defined():
    missing = {str(path.relative_to(ROOT)): unknown(path.read_text(encoding="utf-8")) for path in files()}
    assert not {path: labels for path, labels in missing.items() if labels}


def test_labels_are_found_where_they_are_cited():
    claims = [(ROOT / "proofs_checks" / name).read_text(encoding="utf-8") for name in COVERED]
    assert {"T1", "T2", "N-Theorem 3(iii)", "N-section 2(d)"} <= cited("\n".join(claims))
    assert {f"T{n}" for n in range(1, 10)} <= defined(THEORY)
    assert {"N1", "N2", "N-Theorem 2(a)", "N-section 2(d)", "N-Proposition 6"} <= defined(THEORY)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("by N-Lemma 7 it is", "N-Lemma 7"),
        ("(N-Theorem\n2(c))", "N-Theorem 2(c)"),
        ("source=N-Theorem 3(v)", "N-Theorem 3(v)"),
        ("T7, N-2(a)", "N-2(a)"),
        ("a control, N3", "N3"),
        ("N-section 5", "N-section 5"),
    ],
)
def test_an_unknown_label_is_reported(text, label):
    assert unknown(text) == {label}


def test_a_label_is_unknown_once_its_heading_is_gone():
    without = re.sub(r"^### T3\..*$", "### Frozen moments", THEORY, flags=re.MULTILINE)
    assert unknown("as in T3 and T4", without) == {"T3"}


@pytest.mark.parametrize("text", [r"\usepackage[T1]{fontenc}", "E[T]", "T10", "self.T1", "N = 3", "UTF1"])
def test_what_is_no_label_is_passed_over(text):
    assert not cited(text)


def test_the_formulas_of_the_theory_render():
    assert THEORY.count("$") % 2 == 0
    for formula in formulas(THEORY):
        root = ElementTree.fromstring(latex2mathml.converter.convert(formula))
        text = "".join(root.itertext())
        assert "\\" not in text, f"{formula} leaves {text}"
        assert "$" not in text


def test_markdown_leaves_the_formulas_alone():
    for formula in formulas(THEORY):
        assert not re.search(r"\\[^A-Za-z]|\*", formula), f"Markdown takes the backslash or the star of {formula}"
        assert not re.search(r"^\s*[-+=>]", formula.lstrip("\n"), re.MULTILINE) or "\n" not in formula, formula


def test_links_of_the_theory_lead_somewhere():
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", THEORY, re.MULTILINE)
    }
    for target in re.findall(r"\]\(([^)]+)\)", THEORY):
        path, _, anchor = target.partition("#")
        assert (ROOT / "docs" / path).exists(), target
        assert path or anchor in headings, target
