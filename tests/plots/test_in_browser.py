"""The page in a browser: no errors, figures that show something, formulas of some size, nothing wider than the screen.

Without Chromium these tests are skipped, or fail where the variable ADAMSYM_NEEDS_BROWSER is set, as in .ci/run.
"""

import json
import re
import subprocess
from html import escape, unescape

import pytest
from chromium import FLAGS, executable
from test_report import claim, report_of

from adamsym.report.page import render_page

WIDTHS = (400, 1200)
PRINTING = ("--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom")

# The page lies in frames of either width; this script looks into them, so that the page itself needs none.
MEASURE = """
const found = [];
function painted(image) {
  const canvas = document.createElement('canvas');
  canvas.width = 200; canvas.height = 150;
  const pen = canvas.getContext('2d');
  pen.fillStyle = 'white'; pen.fillRect(0, 0, 200, 150);
  pen.drawImage(image, 0, 0, 200, 150);
  const dots = pen.getImageData(0, 0, 200, 150).data;
  let count = 0;
  for (let k = 0; k < dots.length; k += 4) if (dots[k] + dots[k + 1] + dots[k + 2] < 700) count += 1;
  return count;
}
window.addEventListener('load', () => {
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument, root = page.documentElement;
    const images = [...page.images].map(image => image.naturalWidth ? painted(image) : 0);
    const formulas = [...page.querySelectorAll('math')].map(one => {
      const box = one.getBoundingClientRect();
      return Math.min(box.width, box.height);
    });
    found.push({width: root.scrollWidth, view: root.clientWidth, images, formulas, text: page.body.innerText.length});
  }
  const answer = document.createElement('pre');
  answer.id = 'answer';
  answer.textContent = JSON.stringify(found);
  document.body.append(answer);
});
"""


@pytest.fixture(scope="module")
def browser():
    return executable()


@pytest.fixture(scope="module")
def page(problem):
    told = claim(statement=r"If $\beta_1^2 < \beta_2$ then $|f| \le C$.")
    return render_page(report_of(problem, claims=[told]))


def look(browser, folder, page):
    """What a browser finds wrong with a page, and what it measured in frames of each width."""
    frames = "".join(f'<iframe width="{w}" height="900" srcdoc="{escape(page)}"></iframe>' for w in WIDTHS)
    outer = folder / "outer.html"
    outer.write_text(
        f'<!DOCTYPE html><meta charset="utf-8"><style>iframe {{ border: 0 }}</style>{frames}<script>{MEASURE}</script>'
    )
    command = [browser, *FLAGS, *PRINTING, f"--user-data-dir={folder / 'profile'}", outer.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = re.search(r'<pre id="answer">(.*?)</pre>', done.stdout, re.DOTALL)
    if answer is None:
        return ["the browser did not answer"], []
    measured = json.loads(unescape(answer[1]))
    faults = re.findall(r"CONSOLE.*", done.stderr)
    for width, one in zip(WIDTHS, measured, strict=True):
        if one["width"] > one["view"] or one["view"] > width:
            faults.append(f"{one['width']} wide in a window of {width}")
        faults += [f"figure {k} is empty" for k, dots in enumerate(one["images"]) if dots < 100]
        faults += [f"formula {k} has no size" for k, size in enumerate(one["formulas"]) if size < 2]
    return faults, measured


def test_the_page_is_sound(browser, tmp_path, page):
    faults, measured = look(browser, tmp_path, page)
    assert faults == []
    for one in measured:
        assert len(one["images"]) == 7
        assert len(one["formulas"]) > 10
        assert one["text"] > 2000


EMPTY = "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciIHdpZHRoPSI5IiBoZWlnaHQ9IjkiLz4="


CHANGES = {
    "a script error": (
        lambda page: re.sub(r"<meta http-equiv[^>]*>", "", page) + "<script>nothing.here()</script>",
        "nothing is not defined",
    ),
    "an empty figure": (
        lambda page: re.sub(r'src="data:[^"]*"', f'src="{EMPTY}"', page, count=1),
        "figure 0 is empty",
    ),
    "too wide": (
        lambda page: page.replace("</main>", '<p style="width: 1500px">wide</p></main>'),
        "wide in a window of 400",
    ),
    "no formulas": (lambda page: page.replace("</style>", "math { display: none }</style>"), "formula 0 has no size"),
}


def with_changes(page, changes):
    for change, _ in changes:
        changed = change(page)
        assert changed != page
        page = changed
    return page


def test_a_page_that_is_not_is_rejected(browser, tmp_path, page):
    """All faults at once: each is seen, and the page without them has none."""
    faults, _ = look(browser, tmp_path, with_changes(page, CHANGES.values()))
    for name, (_, fault) in CHANGES.items():
        assert any(fault in one for one in faults), (name, faults)


def test_a_script_is_rejected(browser, tmp_path, page):
    faults, _ = look(browser, tmp_path, page.replace("</main>", "</main><script>nothing.here()</script>"))
    assert any("CONSOLE" in fault for fault in faults), faults


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_each_fault_is_seen_alone(browser, tmp_path, page, name):
    faults, _ = look(browser, tmp_path, with_changes(page, [CHANGES[name]]))
    assert any(CHANGES[name][1] in one for one in faults), faults
