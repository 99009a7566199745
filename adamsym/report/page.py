"""The report as one HTML page: no scripts, nothing from elsewhere, every text escaped."""

import base64

from markupsafe import Markup

from adamsym.report.collection import Report
from adamsym.report.sections import Image
from adamsym.report.widths import formula_width
from adamsym.symbolic.rendering import environment, mathml, prose_markup

GRADES = {
    "symbolic": "exact algebra",
    "certified": "proven bounds",
    "property": "drawn by Hypothesis, none falsifies",
    "statistical": "a test with an error level",
    "formal": "accepted by a proof kernel",
    "floating point": "numbers without a proof",
}
"""What each grade of evidence means."""

MARKS = {
    "holds": "\u2713",
    "refuted": "\u2717",
    "undecided": "?",
    "not applicable": "\u2013",
    "not run": "\u2013",
    "internal error": "!",
}
"""Of verdicts, beside the word: colour is not all that tells them apart."""


def render_page(report: Report) -> str:
    """Return the page; it shows what the report holds and computes nothing."""
    templates = environment("adamsym.report")
    templates.filters.update(
        block=lambda latex: Markup(mathml(latex)),  # escapes what is no plain MathML
        formula_width=formula_width,
        statement=prose_markup,
        source=image_source,
    )
    return templates.get_template("report.html.jinja").render(
        report=report,
        claims=report.claims,
        grades=GRADES,
        marks=MARKS,
        title=page_title(report),
    )


def page_title(report: Report) -> str:
    """Return the page's title: how many problems and claims."""
    parts = []
    for things, word in ((report.problems, "problem"), (report.claims, "claim")):
        if things:
            parts.append(f"{len(things)} {word}" + ("s" if len(things) > 1 else ""))
    return "adamsym report: " + (" and ".join(parts) or "nothing to show")


def image_source(image: Image) -> str:
    """Return a figure as the data of an image."""
    return "data:image/svg+xml;base64," + base64.b64encode(image.svg).decode("ascii")
