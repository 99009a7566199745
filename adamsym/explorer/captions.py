"""What stands beside each figure: a sentence in place of it, and what its lines and marks mean."""

from dataclasses import dataclass

from adamsym.explorer.exploration import Explorer
from adamsym.explorer.landscape import Landscape
from adamsym.explorer.view import rest_name, shown_slider

# Okabe and Ito's hues, as in adamsym.plots, but dark enough to be told from white as thin lines.
FIELD, DESCENT, LINES, RUN, CERTIFIED, TEXT = "#0072b2", "#b04a00", "#404040", "#007a59", "#7a2e8e", "#222222"

_ENDS = "Flow lines that end early could not be followed on."


@dataclass(frozen=True)
class Key:
    """What a line or mark means: "line", "dashed", "arrow", "circle", "ring", "diamond", "dot" or "bar", its colour."""

    shape: str
    colour: str
    text: str


@dataclass(frozen=True)
class Caption:
    """The sentence that stands for a figure, and its keys."""

    text: str
    keys: tuple[Key, ...]


def captions(explorer: Explorer) -> dict[str, Caption]:
    """Return the caption of each figure, in the order of the page; there is no close-up without distances."""
    land = explorer.landscape
    found = _on_line(land) if len(land.plane) == 1 else _in_plane(land)
    if not explorer.has_distances:
        del found["close"]
    slider = shown_slider(explorer)
    if slider is not None:
        text = (
            f"How far the {rest_name(land)} nearest to the start is from the zero of f nearest to it, on a logarithmic "
            f"scale over {slider.label}; equal points are left out."
        )
        found["curve"] = Caption(text, (Key("dot", TEXT, "distance"), Key("circle", FIELD, "at the sliders")))
    return found


def _marks(land: Landscape) -> tuple[Key, ...]:
    return (
        Key("diamond", DESCENT, rest_name(land)),
        Key("circle", FIELD, "zero of f"),
        Key("ring", CERTIFIED, "certified zero"),
    )


def _descent(land: Landscape) -> str:
    return "minus the gradient of L" if land.has_loss else "minus the mean field"


def _run(land: Landscape) -> Key:
    return Key("line", RUN, f"a run of {type(land.base.adam).__name__}")


def _close(land: Landscape) -> Caption:
    text = f"Close-up of the {rest_name(land)} nearest to the start and the zero of f nearest to it."
    lines = (Key("line", FIELD, "f"), Key("dashed", DESCENT, _descent(land))) if land.dimension == 1 else ()
    return Caption(text, (*lines, *_marks(land)[:2], Key("bar", TEXT, "their distance")))


def _on_line(land: Landscape) -> dict[str, Caption]:
    [name] = land.names
    text = f"f and {_descent(land)} over {name}, each divided by its largest size in the box."
    time = f"Flow lines of f from several starts, and a run of the optimizer, over time; dotted: {rest_name(land)}."
    return {
        "field": Caption(text, (Key("line", FIELD, "f"), Key("dashed", DESCENT, _descent(land)), *_marks(land))),
        "close": _close(land),
        "time": Caption(f"{time} {_ENDS}", (Key("line", LINES, "flow of f"), _run(land))),
    }


def _in_plane(land: Landscape) -> dict[str, Caption]:
    shown = " and ".join(land.names[k] for k in land.plane)
    projected = land.dimension > 2
    where = "; the flow from the start, the run and the points are projected on the plane" if projected else ""
    text = f"Directions of f over {shown}, darker where it is larger, down to a thousandth{where}. {_ENDS}"
    other = f"Directions of {_descent(land)} over {shown}, darker where it is larger."
    name = "lines of steepest descent" if land.has_loss else "flow of it"
    lines = () if projected else (Key("line", LINES, name),)
    return {
        "field": Caption(text, (Key("arrow", FIELD, "f"), Key("line", LINES, "flow of f"), _run(land), *_marks(land))),
        "descent": Caption(other, (Key("arrow", DESCENT, _descent(land)), *lines, *_marks(land))),
        "close": _close(land),
    }
