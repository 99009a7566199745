"""The page of an exploration: all positions of its sliders computed in advance, in one self-contained file."""

import json
import re
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import jinja2
import numpy as np
from bokeh.document import Document
from bokeh.embed import file_html
from bokeh.resources import INLINE

from adamsym.explorer.bokeh_figures import figures_of
from adamsym.explorer.captions import captions
from adamsym.explorer.exploration import Explorer
from adamsym.explorer.landscape import SCATTERED, Landscape
from adamsym.explorer.packing import check_size, packed_drawn, packed_view
from adamsym.explorer.scene import no_scene
from adamsym.explorer.view import View, point_text, rest_name, shortened, shown_slider, view_of
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.progress import Progress
from adamsym.expressions.results import counted
from adamsym.gradients import Problem, VectorField
from adamsym.symbolic.rendering import environment

_OTHERS = 6
"""Parameters outside the plane whose values are listed."""

_WRITTEN = 200
"""Characters of a loss; longer ones are cut."""

_RANDOM = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""Bokeh's names of elements."""


@dataclass(frozen=True)
class Page:
    """A page as HTML, and its words at the position of the problem itself."""

    html: str
    words: dict[str, str]


def page_of(explorer: Explorer, certify: str, executor: Executor | int | None, progress: Progress | None) -> Page:
    """Return the page; arguments as for :meth:`Explorer.page`."""
    states = explorer.states
    nothing = no_scene(explorer.landscape, explorer.values(explorer.own), "")
    check_size(view_of(explorer, nothing, [], None).drawn, len(states))
    views = views_of(explorer, certify, executor, progress)
    own = states.index(explorer.own)
    document = Document()
    for one in figures_of(explorer, views[own]).values():
        document.add_root(one)
    setup = {
        "sliders": setup_of_sliders(explorer),
        "drawn": packed_drawn(views),
        "views": [packed_view(view) for view in views],
    }
    proven = [view.words["state"] for view in views if view.words["proof"]]
    setup["without"] = (
        f"Not at this position of the sliders; this page holds {'a proof' if proven else 'none'}"
        f"{' for ' + proven[0] + ' alone' if len(proven) == 1 else ''}. All that is shown is by number."
    )
    notes = [
        f"{counted(len(states), 'position')} of the sliders were computed when this page was made; nothing else is "
        "shown, and nothing is computed or loaded now.",
        _where_certified(proven, len(states)),
    ]
    html: str = file_html(
        document,
        INLINE,
        title=f"adamsym: {explorer.title}",
        template=template(),
        template_variables=variables_of(explorer, setup, notes),
    )
    return Page(reproducible(html), views[own].words)


def reproducible(html: str) -> str:
    """Return a page with names of elements and models by number, in place of Bokeh's: random ones, and ever new ones.

    They are replaced where Bokeh writes them, which no text does: in JSON a quotation mark within a text is escaped.
    """
    head, tag, body = html.partition("<body>")
    before, items, after = re.split(r"(const render_items = \[.*\];)", body)
    [document] = re.findall(r"getElementById\('([^']+)'\)\.textContent", before)
    models = dict.fromkeys(re.findall(r'"id":"(p\d+)"', body))
    elements = dict.fromkeys([document, *re.findall(_RANDOM, items)])
    named = {old: f"p{number}" for number, old in enumerate(models, 1)}
    named |= {old: f"bokeh-{number}" for number, old in enumerate(elements, 1)}

    def renamed(found: re.Match[str]) -> str:
        return named.get(found[0], found[0])

    written = rf'(?<="id":")p\d+(?=")|(?<=data-root-id=")p\d+(?=")|{_RANDOM}'
    before, after = (re.sub(written, renamed, part) for part in (before, after))
    return "".join((head, tag, before, re.sub(rf'(?<=")p\d+(?=")|{_RANDOM}', renamed, items), after))


def written_of(explorer: Explorer) -> str:
    """Return the loss, or the field, as it was written; nothing for one that was not."""
    problem = explorer.landscape.base.problem
    text = f"loss {problem.text}" if isinstance(problem, Problem) else ""
    if isinstance(problem, VectorField):
        text = f"field {', '.join(problem.texts)}"
    line = " ".join(text.split())
    return line if len(line) <= _WRITTEN else line[:_WRITTEN] + " …"


def _where_certified(proven: list[str], states: int) -> str:
    if not proven:
        return "Nothing on this page is certified."
    where = "at every position" if len(proven) == states else f"at {'; '.join(proven[:1])} alone"
    return f"Zeros were certified {where}; all else is by number."


def views_of(
    explorer: Explorer, certify: str, executor: Executor | int | None = None, progress: Progress | None = None
) -> list[View]:
    """Return the views of all positions, in their order."""
    found = list(explorer.positions(certify, executor, progress))
    shape = tuple(len(slider.axis.values) for slider in explorer.sliders)
    distances = np.array([scene.distance for scene, _ in found]).reshape(shape)
    slider = shown_slider(explorer)
    views = []
    for state, (scene, verdict) in zip(explorer.states, found, strict=True):
        curve: FloatArray = np.empty(0)
        if slider is not None:
            along = list(state)
            along[explorer.sliders.index(slider)] = slice(None)  # type: ignore[call-overload]
            curve = distances[tuple(along)]
        views.append(view_of(explorer, scene, curve.tolist(), verdict))
    return views


def _seeds_of(land: Landscape) -> list[str]:
    """Where zeros were sought, of more than two parameters."""
    if land.dimension <= 2:
        return []
    nearby = "" if land.reference is None else f", the {rest_name(land)}"
    scattered = "" if land.given is None else f" and {SCATTERED} over the box of all parameters"
    boxes = "No box of all parameters was searched: such a one, given with --box, has all its zeros certified."
    return [
        f"Zeros of f are those that Newton's method and the flow reach from {len(land.seeds)} points: the start{nearby}"
        f", 8 near the edges of the plane that is drawn{scattered}; there may be others.",
        *([boxes] if land.given is None else []),
    ]


def _about_data(explorer: Explorer) -> list[str]:
    """What the sliders for the data mean."""
    meant = []
    for entry in (slider.axis.entry for slider in explorer.entries):
        if entry is None or entry.row is None:
            meant.append(f"{entry} is the number in all rows of its column")
        elif entry.column == "weights":
            meant.append(f"{entry} is the probability of row {entry.row}, and the others keep their proportions")
        else:
            meant.append(f"{entry} is the entry of {entry.column} in row {entry.row}")
    if not meant:
        return []
    return [f"{'; '.join(meant)}; rows are counted from 0. With the data the loss changes, and its minima move."]


def _start_is_outside(land: Landscape) -> list[str]:
    low, high = land.sides.T
    start = land.start[list(land.plane)]
    if ((low <= start) & (start <= high)).all():
        return []
    return ["The start lies outside the box, so that the run may not be seen: another can be given with --at."]


def setup_of_sliders(explorer: Explorer) -> list[dict[str, Any]]:
    """Return the sliders for the page's script: their labels, and a text for each value."""
    return [
        {
            "name": slider.name,
            "label": slider.label,
            "texts": [slider.text(value) for value in slider.axis.values],
            "own": slider.own,
        }
        for slider in explorer.sliders
    ]


def template() -> jinja2.Template:
    """Return the template of the page, for both the file and the server."""
    return environment("adamsym.explorer").get_template("page.html.jinja")


def variables_of(explorer: Explorer, setup: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return what the template needs beside Bokeh's own variables."""
    land = explorer.landscape
    fixed = [
        f"{slider.label} = {slider.text(slider.axis.values[0])}"
        for slider in explorer.sliders
        if len(slider.axis.values) == 1
    ]
    shown = ", ".join(f"{land.names[k]} in [{land.box[k, 0]:g}, {land.box[k, 1]:g}]" for k in land.plane)
    others = [k for k in range(land.dimension) if k not in land.plane]
    rest = shortened([f"{land.names[k]} = {land.start[k]:g}" for k in others], _OTHERS)
    return {
        "heading": explorer.title,
        "sliders": [one for one in setup["sliders"] if len(one["texts"]) > 1],
        "numbers": {one["name"]: k for k, one in enumerate(setup["sliders"])},
        "fixed": fixed,
        "shown": shown + (f"; in the plane where {rest}" if others else ""),
        "start": point_text(land.names, land.start),
        "written": written_of(explorer),
        "rest_name": rest_name(land),
        "names": shortened(land.names, 3),
        "captions": captions(explorer),
        # What a file must not load, a browser does not.
        "alone": "views" in setup,
        "notes": notes + _seeds_of(land) + _about_data(explorer) + _start_is_outside(land),
        # No tag begins in JSON, so that none ends the script that holds it.
        "setup": json.dumps(setup, allow_nan=False).replace("<", "\\u003c"),
    }
