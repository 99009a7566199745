"""The documentation's site: pages made of the repository's files, links, formulas; it builds without a warning."""

import importlib.util
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]
pytest.importorskip("mkdocs", reason="needs adamsym[docs]")


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("site_hooks", ROOT / "docs" / "site" / "hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def page(uri):
    return SimpleNamespace(file=SimpleNamespace(src_uri=uri, dest_uri=uri.replace(".md", ".html")))


@pytest.mark.parametrize(
    ("uri", "link", "shown"),
    [
        ("maps.md", "../README.md#python", "index.md#python"),
        ("maps.md", "theory.md", "theory.md"),
        ("maps.md", "../examples/huber.toml", "source/examples/huber.toml.md"),
        ("maps.md", "../examples/diabetes.csv", "source/examples/diabetes.csv"),
        ("maps.md", "../proofs_checks", "source/proofs_checks/index.md"),
        ("index.md", "docs/maps.md", "maps.md"),
        ("index.md", "adamsym", "api/index.md"),
        ("source/examples/index.md", "huber.toml", "huber.toml.md"),
        ("maps.md", "nowhere.md", "nowhere.md"),
        ("maps.md", "https://arxiv.org", "https://arxiv.org"),
    ],
)
def test_links_lead_to_the_page_that_shows_what_they_name(hooks, uri, link, shown):
    assert hooks.on_page_markdown(f"a [b]({link}).", page(uri), None, None) == f"a [b]({shown})."
    code = f"```python\n[b]({link})\n```"
    assert hooks.on_page_markdown(code, page(uri), None, None) == code


def test_formulas_are_mathml_and_bad_ones_are_warned_of(hooks, caplog):
    html = r'<p><span class="arithmatex">\(a_k &lt; |x|\)</span></p>'
    typeset = hooks.on_page_content(html, page("maps.md"), None, None)
    assert "<math" in typeset
    assert "arithmatex" not in typeset
    assert not caplog.records
    hooks.on_page_content(html.replace("a_k", r"\text{<script>}"), page("maps.md"), None, None)
    assert "cannot be typeset" in caplog.text


def test_the_api_has_the_public_names_alone(hooks):
    pages = hooks.api_pages()
    assert "::: adamsym.certify.find_zeros\n" in pages["api/certify.md"]
    assert "[`find_zeros`][adamsym.certify.find_zeros]" in pages["api/index.md"]
    assert not re.findall(r"^::: .*\._", "".join(pages.values()), re.MULTILINE)


def test_references_of_docstrings_are_links(hooks):
    html = "<p>:meth:<code>AdamField.enclose</code>, :func:<code>adamsym.find_zeros</code>, "
    html += ":mod:<code>adamsym.x</code></p>"
    assert hooks.on_page_content(html, page("api/field.md"), None, None) == (
        '<p><autoref optional identifier="adamsym.field.AdamField.enclose"><code>AdamField.enclose</code></autoref>, '
        '<autoref optional identifier="adamsym.certify.find_zeros"><code>find_zeros</code></autoref>, '
        "<code>adamsym.x</code></p>"
    )


def test_how_to_cite_says_what_the_citation_file_says(hooks):
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", text, re.MULTILINE)[1] in hooks.citation().split("```")[1]


# --- the whole site, some 20 CPU seconds each time --------------------------------------------------------------------


def build(root, target):
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "mkdocs",
            "build",
            "--strict",
            "--config-file",
            root / "mkdocs.yml",
            "--site-dir",
            target,
        ],
        cwd=root,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


class Faults(HTMLParser):
    """Pictures without a text in their place, and what a page loads from elsewhere."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "img" and not given.get("alt"):
            self.found.append(f"no alt: {given.get('src')}")
        loaded = given.get("href") if tag == "link" else given.get("src")
        if loaded and loaded.startswith(("http:", "https:", "//")):
            self.found.append(f"loads {loaded}")


def faults(text):
    parser = Faults()
    parser.feed(text)
    prose = re.sub(r"<(script|style|pre|code|math)\b.*?</\1>", "", text, flags=re.DOTALL)
    return parser.found + [
        f"not typeset: {found}" for found in re.findall(r"\$.{,40}|arithmatex|:[a-z]+:(?=\s|$)", prose)
    ]


@pytest.mark.slow
def test_the_site_builds_without_a_warning_and_loads_nothing(tmp_path):
    built = build(ROOT, tmp_path)
    assert built.returncode == 0, built.stderr
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) > 100
    assert {str(page): found for page in pages if (found := faults(page.read_text(encoding="utf-8")))} == {}


@pytest.mark.slow
def test_a_broken_link_fails_the_build(tmp_path):
    for name in sorted(path.name for path in ROOT.iterdir() if not path.name.startswith(".")):
        if name not in ("docs", "build"):
            (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "docs").mkdir()
    for path in (ROOT / "docs").iterdir():
        (tmp_path / "docs" / path.name).symlink_to(path)
    (tmp_path / "docs" / "glossary.md").unlink()
    (tmp_path / "docs" / "glossary.md").write_text("# Glossary\n\n[x](nowhere.md)\n", encoding="utf-8")
    built = build(tmp_path, tmp_path / "site")
    assert built.returncode == 1
    assert "'nowhere.md'" in built.stderr


def test_faults_are_found():
    assert faults("<p>good <img src='a.png' alt='a curve'><code>$x$</code></p>") == []
    assert faults("<img src='a.png'>") == ["no alt: a.png"]
    assert faults("<script src='https://unpkg.com/x'></script>") == ["loads https://unpkg.com/x"]
    assert faults("<p>:func:<code>x</code> it</p>") == ["not typeset: :func:"]
    assert faults("<p>$x$</p>") == ["not typeset: $x$</p>"]
