"""The page of an exploration in a browser: sliders moved by script and by keys, what it shows, what it says it loads.

Without Chromium these tests are skipped, or fail where the variable ADAMSYM_NEEDS_BROWSER is set, as in .ci/run.
"""

import re
from fractions import Fraction
from functools import cache

import pytest
import readability
from devtools import Browser

from adamsym import Adam, AdamField, Empirical, Problem, explore, find_zero, find_zeros

PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
FIELD = AdamField(PROBLEM, Adam("0.5", "0.99", "0.01"))
BOX = [[-5, 5]]
VALUES = {"beta2": ["0.9", "0.99", "0.999"], "beta1": ["0.5"], "eps": ["0.01", "1"], "batch_size": [1]}

READY = "new Promise(done => { const look = () => window.adamsym?.shown ? done() : setTimeout(look, 10); look(); })"

MOVED = """
((name, value) => {
  const input = document.getElementById('slider-' + name);
  input.value = value;
  input.dispatchEvent(new Event('input', {bubbles: true}));
})
"""

SHOWN = """
(() => {
  const columns = name => Bokeh.documents[0].get_model_by_name(name + '_columns').data;
  const text = name => document.getElementById('value-' + name).textContent;
  return {
    texts: {beta2: text('beta2'), eps: text('eps')},
    zeros: [...columns('zeros').x],
    certified: [...columns('certified').x],
    here: [...columns('here').y],
    field: [...columns('field').y],
    row: document.querySelector('#zeros tbody td').textContent,
    headline: document.getElementById('headline').textContent,
    proof: document.getElementById('proof').textContent,
    isProof: document.querySelector('.proof').classList.contains('certified'),
  };
})()
"""

# What is wrong with sliders and figures for those who do not see, or use no mouse.
FAULTS = """
(() => {
  const faults = [];
  for (const input of document.querySelectorAll('input')) {
    if (!input.labels.length || !input.labels[0].textContent.trim()) faults.push('no label of ' + input.id);
    if (!input.getAttribute('aria-valuetext')) faults.push('no value of ' + input.id);
    if (input.tabIndex < 0) faults.push('no key reaches ' + input.id);
  }
  for (const figure of document.querySelectorAll('figure'))
    if (!figure.getAttribute('aria-label') || !figure.querySelector('figcaption').textContent.trim())
      faults.push('no text for a figure');
  for (const drawing of document.querySelectorAll('.drawing'))
    if (drawing.getBoundingClientRect().height < 100) faults.push('an empty figure');
  return faults;
})()
"""


@pytest.fixture(scope="module")
def page():
    return explore(FIELD, BOX, start=[2.0], values=VALUES).to_html()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    found = Browser(tmp_path_factory.mktemp("browser"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def opened(browser, page, tmp_path_factory):
    """The page, opened once; tests bring its sliders back to where they were."""
    return open_page(browser, page, tmp_path_factory.mktemp("page"))


def open_page(browser, text, folder):
    file = folder / "page.html"
    file.write_text(text, encoding="utf-8")
    browser.open(file.as_uri())
    browser.run(READY)
    return browser


@cache
def proven(beta2, eps):
    field = AdamField(PROBLEM, Adam("0.5", beta2, eps))
    [zero] = find_zeros(field, BOX, budget=2_000).zeros
    return zero.midpoint[0], find_zero(field, [1.0]).critical_point.distance


def differences(browser):
    """Move the sliders to all positions, and say where the page shows something else than there is."""
    faults = []
    for i, beta2 in enumerate(reversed(VALUES["beta2"])):
        for j, eps in enumerate(VALUES["eps"]):
            browser.run(f"{MOVED}('beta2', {i}); {MOVED}('eps', {j})")
            shown, (zero, distance) = browser.run(SHOWN), proven(beta2, eps)
            assert shown["texts"]["beta2"].endswith(f"β₂ = {beta2}")
            assert shown["texts"]["eps"].endswith(f"ε = {eps}")
            if len(shown["zeros"]) != 1 or abs(shown["zeros"][0] - zero) > 1e-9:
                faults.append(f"zero at {beta2}, {eps}")
            if abs(float(shown["row"]) - zero) > 1e-9:
                faults.append(f"table at {beta2}, {eps}")
            if abs(shown["here"][0] - distance) > 1e-9:
                faults.append(f"distance at {beta2}, {eps}")
            if shown["isProof"] != ((beta2, eps) == ("0.99", "0.01")) or bool(shown["certified"]) != shown["isProof"]:
                faults.append(f"proof at {beta2}, {eps}")
    browser.run("document.getElementById('own').click()")
    return faults


def test_zeros_are_where_they_are_proven_at_every_position_of_the_sliders(opened):
    assert differences(opened) == []
    assert opened.console == []
    assert [one for one in opened.requests if not one.startswith(("file:", "data:"))] == []


def test_a_proof_is_shown_for_exactly_its_parameters(opened):
    where = "For β₂ = 0.99, β₁ = 0.5, ε = 0.01, batch size = 1 and theta in [-5, 5]: certified: exactly 1 zero"
    assert opened.run(SHOWN)["proof"].startswith(where)
    opened.run(f"{MOVED}('eps', 1)")
    assert opened.run(SHOWN)["proof"].endswith("All that is shown is by number.")
    opened.run("document.getElementById('own').click()")
    assert opened.run(SHOWN)["proof"].startswith(where)


def test_the_field_that_is_drawn_is_the_field(opened):
    opened.run(f"{MOVED}('beta2', 2)")
    values = AdamField(PROBLEM, Adam("0.5", "0.9", "0.01"))([[-5.0], [0.0], [5.0]])[:, 0]
    drawn = opened.run(SHOWN)["field"]
    assert [drawn[0], drawn[150], drawn[300]] == pytest.approx(values / abs(values).max(), abs=1e-6)
    opened.run("document.getElementById('own').click()")


KEYS = {"ArrowRight": (39, "0.9"), "ArrowLeft": (37, "0.99"), "Home": (36, "0.999"), "End": (35, "0.9")}


def test_sliders_are_used_by_keys(opened):
    opened.run("document.getElementById('slider-beta2').focus()")
    for key, (code, beta2) in KEYS.items():
        opened.press(key, code)
        shown = opened.run(SHOWN)
        assert shown["texts"]["beta2"].endswith(f"β₂ = {beta2}")
        assert shown["zeros"] == pytest.approx([proven(beta2, "0.01")[0]], abs=1e-9)
    opened.press("Tab", 9)
    assert opened.run("document.activeElement.id") == "slider-eps"
    opened.run("document.getElementById('own').click()")


DATA = {"beta2": ["0.9"], "beta1": ["0.5"], "data.x[2]": [1, 3, 5], "data.weights[0]": ["0.2", "0.6"]}
WEIGHTS = {"0.2": ["0.2", "0.4", "0.4"], "0.6": ["0.6", "0.2", "0.2"], "1/3": None}

MINIMUM = """
(() => {
  const found = Bokeh.documents[0], columns = name => found.get_model_by_name(name + '_columns').data;
  const text = name => document.getElementById('value-' + name).textContent;
  return {
    texts: [text('data.x[2]'), text('data.weights[0]')],
    rests: [...columns('rests').x],
    slope: columns('descent').y[150],
    zeros: [...columns('zeros').x],
    certified: [...columns('certified').x],
    label: found.get_model_by_name('close_x_axis').axis_label,
    headline: document.getElementById('headline').textContent,
    proof: document.getElementById('proof').textContent,
  };
})()
"""


@pytest.fixture(scope="module")
def page_over_data():
    field = AdamField(PROBLEM, Adam("0.5", "0.9", "0.01"))
    return explore(field, BOX, start=[2.0], values=DATA, time=0.1).to_html(certify="all")


def data_differences(browser):
    """Move the sliders for the data to all positions, and say where the page shows another problem's points."""
    faults = []
    for i, entry in enumerate(DATA["data.x[2]"]):
        for j, (weight, weights) in enumerate(sorted(WEIGHTS.items(), key=lambda one: Fraction(one[0]))):
            browser.run(f"{MOVED}('data.x[2]', {i}); {MOVED}('data.weights[0]', {j})")
            shown = browser.run(MINIMUM)
            assert shown["texts"] == [str(entry), weight]
            law = Empirical({"x": [0, 0, entry]}, weights)
            least = float(law.exact_probabilities[2] * entry)
            field = AdamField(Problem("(theta - x)**2/2", ["theta"], law), Adam("0.5", "0.9", "0.01"))
            [zero] = find_zeros(field, BOX, budget=2_000).zeros
            if shown["rests"] != pytest.approx([least], abs=1e-9) or f"{least:.6g}" not in shown["label"]:
                faults.append(f"minimum at {entry}, {weight}")
            if shown["slope"] != pytest.approx(least / (5 + least), abs=1e-6):
                faults.append(f"slope at {entry}, {weight}")
            if [*shown["zeros"], *shown["certified"]] != pytest.approx([zero.midpoint[0]] * 2, abs=1e-9):
                faults.append(f"zero at {entry}, {weight}")
            where = f", data.x[2] = {entry}, data.weights[0] = {weight} and theta in [-5, 5]: certified: exactly 1 zero"
            if where not in shown["proof"] or f"{zero.midpoint[0]:.8f}"[:9] not in shown["proof"]:
                faults.append(f"proof at {entry}, {weight}")
    return faults


def test_sliders_for_the_data_move_zeros_minima_and_proofs(browser, page_over_data, tmp_path):
    open_page(browser, page_over_data, tmp_path)
    assert data_differences(browser) == []
    assert browser.console == []
    assert browser.run(FAULTS) == []
    least = re.compile(r'"rests": \{"x": \[1\.66666666\d+')
    assert least.search(page_over_data)
    open_page(browser, least.sub('"rests": {"x": [1.6667', page_over_data), tmp_path)
    assert data_differences(browser) == ["minimum at 5, 1/3"]


FITS = """(async () => {
  const root = document.documentElement;
  for (let k = 0; k < 500 && root.scrollWidth > root.clientWidth; k++) await new Promise(done => setTimeout(done, 20));
  return root.scrollWidth <= root.clientWidth;
})()"""
"""Whether the page is at last no wider than the window: figures follow its size a little later."""


@pytest.mark.parametrize("width", [400, 1280])
def test_nobody_is_left_out(opened, width):
    opened.resize(width)
    assert opened.run(FITS)
    assert opened.run(FAULTS) + opened.run(readability.FAULTS) == []


def test_nothing_is_loaded(page):
    assert addresses(page) == []
    assert addresses(page.replace("<main>", '<main><img src="https://example.org/x.png">')) != []
    assert len(page) < 2_000_000


def addresses(page):
    """What the page's tags refer to outside of it; scripts hold text that looks like tags."""
    bare = re.sub(r"(?s)(<script[^>]*>).*?</script>", r"\1", page)
    tags = re.findall(r"<(?:script|link|img|iframe|a|source)\b[^>]*>", bare)
    return [found for tag in tags for found in re.findall(r'(?:src|href)\s*=\s*"?((?!data:)[^">\s]+)', tag)]


def changed(page, old, new):
    assert old in page
    return page.replace(old, new)


def test_a_page_with_faults_is_rejected(browser, page, tmp_path):
    """All at once, a wrong zero too: each is seen, and the page without them has none."""
    zero = re.escape(repr(float(proven("0.9", "1")[0]))[:11]) + r"\d*"
    assert re.search(zero, page)
    faulty = re.sub(zero, lambda found: repr(float(found[0]) + 1e-6), page)
    faulty = changed(faulty, "</main>", "</main><script>nothing.here()</script>")
    faulty = changed(faulty, 'label for="slider-eps"', "span")
    faulty = changed(faulty, "font-size: .875rem; color: #444444", "font-size: .875rem; color: #aaaaaa")
    faulty = changed(faulty, "</footer>", '<p style="width: 1500px">wide</p></footer>')
    faulty = re.sub(r'<figure role="group" aria-label="[^"]*"', "<figure", faulty)
    faulty = changed(faulty, "min-height: 310px; }", "height: 10px; overflow: hidden }")
    open_page(browser, faulty, tmp_path)
    assert set(differences(browser)) == {"zero at 0.9, 1", "table at 0.9, 1"}
    assert any("nothing is not defined" in one for one in browser.console)
    faults = " ".join(browser.run(FAULTS) + browser.run(readability.FAULTS))
    for fault in ("contrast of", "no label of slider-eps", "too wide", "no text for a figure", "an empty figure"):
        assert fault in faults
