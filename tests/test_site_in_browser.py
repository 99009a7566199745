"""The documentation's site in a browser: contrast in both schemes, keys, narrow screens, texts for pictures, console.

Without Chromium these tests are skipped, or fail where the variable ADAMSYM_NEEDS_BROWSER is set, as in .ci/run.
"""

import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import readability
from devtools import Browser

ROOT = Path(__file__).parents[1]
pytest.importorskip("mkdocs", reason="needs adamsym[docs]")

WIDE = "<mrow>" + "<mi>x</mi><mo>+</mo>" * 20 + "<mi>y</mi></mrow></math>"

PAGE = f"""# A page

A paragraph with a [link](index.md), `code`, and <math>{WIDE}

1. A step with <math>{WIDE}

<math display="block">{WIDE}

| word | number |
| --- | --- |
| a | 1 |

```python
# a comment
class Circle(Shape):
    def area(self, r: float = 1.5) -> float | None:
        print(f"{{r}} {{self.name!r}}")
        return None if r in (0, -2) else abs(r) ** 2  # noqa
```

```console
$ adamsym field problem.toml
an answer
```

```toml
[problem]
loss = "(theta - x)**2/2"
parameters = ["theta"]
beta = 0.9
```
"""

HOOKS = f"""
import runpy

made = runpy.run_path({str(ROOT / "docs" / "site" / "hooks.py")!r})
on_post_page, on_post_template = made["on_post_page"], made["on_post_template"]
"""
"""The hooks of the site that change its own files, none of those that add pages."""

FOCUSED = """
(() => {
  const one = document.activeElement, seen = element => element && getComputedStyle(element).outlineStyle !== 'none';
  return {
    name: (one.textContent.trim() || one.getAttribute('aria-label') || '').slice(0, 40),
    isSeen: seen(one) || (one.matches('input') && seen(one.nextElementSibling)),
  };
})()
"""

SOON = """
(isThere => new Promise(done => {
  let left = 3000;
  const look = () => isThere() || !left-- ? done(isThere()) : setTimeout(look, 20);
  look();
}))
"""
"""A condition's value as soon as it holds; one that never does fails its test after so many looks."""

IS_READY = f"{SOON}(() => document.querySelector('.md-search-result__meta').textContent.includes('Type to start'))"

FOUND = f"{SOON}(() => document.querySelector('.md-search-result__link')?.getAttribute('href'))"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = Browser(tmp_path_factory.mktemp("browser"))
    found.call("Page.addScriptToEvaluateOnNewDocument", source="localStorage.clear()")
    yield found
    found.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One page in the site's own style."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    folder = tmp_path_factory.mktemp("site")
    (folder / "docs" / "site").mkdir(parents=True)
    for name in ("style.css", "iframe-worker.js"):
        shutil.copy(ROOT / "docs" / "site" / name, folder / "docs" / "site")
    (folder / "hooks.py").write_text(HOOKS, encoding="utf-8")
    (folder / "docs" / "index.md").write_text(PAGE, encoding="utf-8")
    (folder / "docs" / "other.md").write_text("# Another\n\nIt speaks of Lyapunov.\n", encoding="utf-8")
    config = load_config(
        str(ROOT / "mkdocs.yml"),
        docs_dir=str(folder / "docs"),
        site_dir=str(folder / "out"),
        nav=[{"Home": "index.md"}, {"More": [{"Other": "other.md"}]}],
        hooks=[str(folder / "hooks.py")],
        plugins=["search", "offline"],
        exclude_docs="",
        not_in_nav="",
    )
    logging.getLogger("mkdocs").setLevel(logging.ERROR)
    build(config)
    return folder / "out"


def faults(browser, page, scheme, width):
    """What is wrong with a page in a scheme of colours, and at a width."""
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(page.as_uri(), width)
    shown = browser.run("document.body.dataset.mdColorScheme")
    assert shown == {"light": "default", "dark": "slate"}[scheme]
    elsewhere = [one for one in browser.requests if not one.startswith(("file:", "data:", "blob:"))]
    return browser.run(readability.FAULTS) + browser.console + elsewhere


@pytest.mark.parametrize(("scheme", "width"), [("light", 400), ("dark", 1280)])
def test_a_page_is_readable(browser, site, scheme, width):
    assert faults(browser, site / "index.html", scheme, width) == []


def test_what_cannot_be_read_is_found(browser, site):
    """The control: grey on grey, a picture without words, a line too long for a phone, a failing script."""
    text = (site / "index.html").read_text(encoding="utf-8")
    bad = "<p style='color:#999'>faint</p><img src='none.png'><a href='#x' style='display:block;height:9px'></a>"
    bad += "<pre style='width:600px'>wide</pre><script>console.error('broken')</script>"
    assert "A paragraph" in text
    worse = site / "worse.html"
    worse.write_text(text.replace("<p>A paragraph", bad + "<p>A paragraph"), encoding="utf-8")
    found = " ".join(faults(browser, worse, "light", 400))
    for fault in ("contrast of faint", "no text for", "no picture", "no name of <a", "too wide", "broken"):
        assert fault in found


def tab_stops(browser, number):
    """Where the key Tab leads."""
    stops = []
    for _ in range(number):
        browser.press("Tab", 9)
        stops.append(browser.run(FOCUSED))
    return stops


def unseen(stops):
    # The field of the search shows a caret.
    return [stop["name"] for stop in stops if not stop["isSeen"] and stop["name"] != "Search"]


def test_all_is_reached_by_keys(browser, site):
    browser.open((site / "index.html").as_uri())
    stops = tab_stops(browser, 12)
    assert stops[0]["name"] == "Skip to content"
    names = [stop["name"] for stop in stops]
    assert {"Search", "Dark colours", "Home", "More", "link"} <= set(names)
    assert names.index("Search") < names.index("Home") < names.index("link")
    assert unseen(stops) == []
    browser.open((site / "index.html").as_uri())
    browser.press("Tab", 9)
    browser.press("Enter", 13)
    assert browser.run("location.hash") == "#a-page"


def test_a_focus_that_cannot_be_seen_is_found(browser, site):
    """The control."""
    browser.open((site / "index.html").as_uri())
    browser.run("document.head.insertAdjacentHTML('beforeend', '<style>* { outline: none !important }</style>')")
    assert "Home" in unseen(tab_stops(browser, 12))


def test_the_search_is_used_by_keys(browser, site):
    browser.open((site / "index.html").as_uri())
    browser.press("/", 191)
    assert browser.run("document.activeElement.classList.contains('md-search__input')")
    assert browser.run(IS_READY)
    browser.call("Input.insertText", text="lyapunov")
    # The search listens for keys, not for what is put in.
    browser.press("End", 35)
    assert browser.run(FOUND).partition("?")[0] == (site / "other.html").as_uri()
    assert browser.console == []


@pytest.mark.slow
def test_every_page_of_the_whole_site_is_readable(browser, tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    # The page for what is not found is read from a server's root.
    pages = [page for page in sorted(tmp_path.rglob("*.html")) if page.name != "404.html"]
    assert len(pages) > 100
    found = {
        f"{page.relative_to(tmp_path)} {scheme} {width}": wrong
        for page in pages
        for scheme, width in (("light", 400), ("dark", 1280))
        if (wrong := faults(browser, page, scheme, width))
    }
    assert found == {}
