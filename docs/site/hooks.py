"""Hooks of mkdocs: pages made from the repository's own files, links that lead out of docs/, formulas as MathML.

README.md is the home page. What a document links outside docs/ becomes a page under ``source/``, or a copy where it is
data. The pages of the API name what the ``__all__`` of each subpackage names. Nothing is loaded from elsewhere when a
page is read.
"""

import html
import logging
import posixpath
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from adamsym.symbolic.rendering import mathml

ROOT = Path(__file__).parents[2]
LOG = logging.getLogger("mkdocs.plugins.adamsym")

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "RELEASING.md": "releasing.md",
    "CITATION.cff": "cite.md",
    "adamsym": "api/index.md",
}
"""Files and folders outside docs/ that have pages of their own."""

API = (
    "gradients",
    "methods",
    "field",
    "certify",
    "checker",
    "dynamics",
    "continuation",
    "networks",
    "symbolic",
    "formal",
    "claims",
    "testing",
    "plots",
    "explorer",
    "parallel",
)
"""Subpackages with a page each, in the order in which one meets them."""

LANGUAGES = {".py": "python", ".toml": "toml", ".v": "coq", ".cff": "yaml"}
COPIED = {".csv", ".json"}
LINK = re.compile(r"(\]\()([^)\s#]+)(#[^)\s]*)?(\))")
FORMULA = re.compile(
    r'<(?P<tag>span|div) class="arithmatex">\\(?P<open>[(\[])(?P<latex>.*?)\\[)\]]</(?P=tag)>', re.DOTALL
)

DISPLAYED = re.compile(r"^(\$\$.+?\$\$\n)", re.DOTALL | re.MULTILINE)
"""Formulas on lines of their own: here, other than on GitHub, they must be paragraphs."""

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):<code>([\w.]+)</code>")
"""References as docstrings write them for Sphinx."""

TIGHT = re.compile(r'<mo( stretchy="false")?>(&#x0007C;|&#x0002F;)</mo>')
"""Bars and slashes, which TeX sets without space around them."""

SHIM = "https://unpkg.com/iframe-worker/shim"


# --- where things of the repository stand on the site -----------------------------------------------------------------


def address(path: str) -> str:
    """Where the site shows a file or folder of the repository, both as paths from the root."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if (ROOT / path).is_dir():
        return f"source/{path}/index.md"
    shown = path.lstrip(".")  # a hidden folder would not be shown
    return f"source/{shown}" if Path(path).suffix in COPIED else f"source/{shown}.md"


def origin(uri: str) -> str:
    """The file of the repository that a page is made from."""
    made = {page: path for path, page in PAGES.items()}
    if uri.startswith("source/"):
        return uri.removeprefix("source/").removesuffix(".md")
    return made.get(uri, f"docs/{uri}")


def targets(text: str, path: str) -> Iterator[str]:
    """Paths of the repository, outside docs/, to which a document links."""
    for link in LINK.finditer(text):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link[2]))
        if (ROOT / target).exists() and not target.startswith(("docs/", "..")) and target not in PAGES:
            yield target


# --- navigation -------------------------------------------------------------------------------------------------------


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the sections whose pages nobody lists by hand: measurements, and the API."""
    measurements = sorted(path.name for path in (ROOT / "docs").glob("benchmark_*.md"))
    sections = {"Measurements": measurements, "API": ["api/index.md", *(f"api/{name}.md" for name in API)]}
    config.nav = [{title: sections.get(title, pages) for title, pages in entry.items()} for entry in config.nav]
    return config


# --- pages ------------------------------------------------------------------------------------------------------------


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made: home, changelog, citation, sources, API."""
    made = {PAGES[path]: (ROOT / path).read_text(encoding="utf-8") for path in PAGES if path.endswith(".md")}
    made["index.md"] = "---\nhide: [navigation]\n---\n\n" + made["index.md"]
    made["cite.md"] = citation()
    made |= api_pages()
    documents = made | {file.src_uri: file.content_string for file in files.documentation_pages()}
    linked = {target for uri, text in documents.items() for target in targets(text, origin(uri))}
    made |= source_pages(linked)
    for uri, content in made.items():
        files.append(File.generated(config, uri, content=content))
    for path in sorted(path for path in with_contents(linked) if Path(path).suffix in COPIED):
        files.append(File.generated(config, address(path), abs_src_path=str(ROOT / path)))
    return files


def with_contents(paths: set[str]) -> set[str]:
    """Paths, and the files in those that are folders."""
    inside = {
        str(file.relative_to(ROOT))
        for path in paths
        if (ROOT / path).is_dir()
        for file in (ROOT / path).iterdir()
        if file.suffix in {*LANGUAGES, *COPIED}
    }
    return paths | inside


def source_pages(linked: set[str]) -> dict[str, str]:
    """The page of each file, its text, and of each folder, what is in it; searches leave them out."""
    pages = {}
    for path in with_contents(linked):
        head = f"---\ntitle: {Path(path).name}\nsearch: {{ exclude: true }}\n---\n\n# {path}\n\n"
        if (ROOT / path).is_dir():
            inside = sorted(file for file in with_contents({path}) if file != path)
            rows = [f"- [{Path(file).name}]({posixpath.relpath(file, path)}): {first_line(file)}" for file in inside]
            pages[address(path)] = head + "\n".join(rows) + "\n"
        elif Path(path).suffix not in COPIED:
            text = (ROOT / path).read_text(encoding="utf-8")
            pages[address(path)] = f"{head}````{LANGUAGES.get(Path(path).suffix, 'text')}\n{text}````\n"
    return pages


def first_line(path: str) -> str:
    """What a file says of itself in its first sentence."""
    if Path(path).suffix in COPIED:
        return "data"
    text = (ROOT / path).read_text(encoding="utf-8")
    comment = re.match(r'\s*(?:"""(.+?)"""|\(\*(.+?)\*\)|((?:#[^\n]*\n)+))', text, re.DOTALL)
    if not comment:
        return ""
    words = re.sub(r"^# ?", "", next(filter(None, comment.groups())), flags=re.MULTILINE).split()
    return html.escape(re.split(r"(?<=\.) (?=[A-Z])", " ".join(words))[0], quote=False).replace("*", r"\*")


def citation() -> str:
    """How to cite, from CITATION.cff."""
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    version = re.search(r"^version: (.*)$", text, re.MULTILINE)[1]  # type: ignore[index]
    year = re.search(r"^date-released: (\d+)", text, re.MULTILINE)[1]  # type: ignore[index]
    return f"""# How to cite

Cite the software, and the theory that it verifies.

```bibtex
@software{{adamsym,
  title   = {{adamsym: verification of the theory of the Adam optimizer}},
  author  = {{{{The adamsym developers}}}},
  version = {{{version}}},
  year    = {{{year}}}
}}

@article{{dereich_jentzen_kassing_2025,
  title   = {{ODE approximation for the Adam algorithm: General and overparametrized setting}},
  author  = {{Dereich, Steffen and Jentzen, Arnulf and Kassing, Sebastian}},
  journal = {{arXiv preprint arXiv:2511.04622}},
  year    = {{2025}}
}}
```

The same in the [Citation File Format](https://citation-file-format.github.io):

```yaml
{text}```
"""


# --- the API ----------------------------------------------------------------------------------------------------------


def api_pages() -> dict[str, str]:
    """A page for each subpackage, and one that lists the names that `import adamsym` gives."""
    pages, home = {}, homes()
    for name in API:
        module = import_module(f"adamsym.{name}")
        pages[f"api/{name}.md"] = f"# adamsym.{name}\n\n{module.__doc__}\n\n" + "".join(
            f"::: adamsym.{name}.{public}\n\n" for public in module.__all__
        )
    adamsym = import_module("adamsym")
    rows = [
        f"| [`{public}`][{home[public]}.{public}] | {summary(getattr(adamsym, public))} |"
        for public in adamsym.__all__
        if public in home
    ]
    subpackages = [f"| [adamsym.{name}]({name}.md) | {summary(import_module(f'adamsym.{name}'))} |" for name in API]
    by_subject = ["# API", "## By subject", table("subpackage", subpackages)]
    pages["api/index.md"] = "\n\n".join([*by_subject, "## Names of `adamsym` itself", table("name", rows), ""])
    return pages


@cache
def homes() -> dict[str, str]:
    """The subpackage on whose page each public name stands."""
    home: dict[str, str] = {}
    for name in API:
        home |= {one: f"adamsym.{name}" for one in import_module(f"adamsym.{name}").__all__ if one not in home}
    return home


def referred(found: re.Match[str]) -> str:
    """A reference of a docstring, as a link where its name has a place on the site; else the name alone."""
    parts = found[1].split(".")
    while len(parts) > 1 and parts[0] not in homes():
        parts = parts[1:]
    if parts[0] not in homes():
        return f"<code>{found[1]}</code>"
    name = ".".join(parts)
    return f'<autoref optional identifier="{homes()[parts[0]]}.{name}"><code>{name}</code></autoref>'


def table(head: str, rows: list[str]) -> str:
    """A table of two columns, the second without a head."""
    return "\n".join([f"| {head} | |", "| --- | --- |", *rows])


def summary(thing: object) -> str:
    """The first sentence of a docstring, as a cell of a table."""
    return " ".join((thing.__doc__ or "").strip().partition("\n\n")[0].split()).replace("|", r"\|").replace("``", "`")


# --- text -------------------------------------------------------------------------------------------------------------


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead the links of a document to the pages that show what they name."""
    uri = page.file.src_uri
    here = posixpath.dirname(uri)
    path = origin(uri)

    def led(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link[2]))
        if not (ROOT / target).exists():
            return link[0]
        return f"{link[1]}{posixpath.relpath(address(target), here or '.')}{link[3] or ''}{link[4]}"

    parts = re.split(r"(^(```+)\w*\n.*?^\2$)", markdown, flags=re.DOTALL | re.MULTILINE)
    text = "".join(part if k % 3 == 1 else LINK.sub(led, part) for k, part in enumerate(parts) if k % 3 != 2)
    return DISPLAYED.sub(r"\n\1\n", text)


def on_page_content(content: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Typeset the formulas, where a strict build fails at one that cannot be, and link references of docstrings."""

    def typeset(found: re.Match[str]) -> str:
        latex = html.unescape(found["latex"]).strip()
        formula = mathml(latex, "inline" if found["open"] == "(" else "block")
        if not formula.startswith("<math"):
            LOG.warning(f"{page.file.src_uri}: a formula that cannot be typeset: {latex}")
        formula = TIGHT.sub(r'<mo lspace="0" rspace="0"\1>\2</mo>', formula)
        return formula.replace("<mo minsize=", '<mo stretchy="true" symmetric="true" lspace="0" rspace="0" minsize=')

    return ROLE.sub(referred, FORMULA.sub(typeset, content))


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Take from the site itself the one script that the theme would load from elsewhere."""
    return output.replace(
        SHIM, posixpath.relpath("site/iframe-worker.js", posixpath.dirname(page.file.dest_uri) or ".")
    )


def on_post_template(output: str, template_name: str, config: MkDocsConfig) -> str:
    """The same for pages that no document is behind."""
    return output.replace(SHIM, "site/iframe-worker.js")
