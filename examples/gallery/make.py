"""Runs the scripts of the gallery and writes docs/gallery.md, with their pictures in docs/gallery.

``python examples/gallery/make.py`` runs all, ``python examples/gallery/make.py sweep`` one, whose finding it prints.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from matplotlib.figure import Figure

from adamsym.plots import save_figure

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
SCRIPTS = (
    "bias",
    "spurious_attractor",
    "three_zeros",
    "runs",
    "sweep",
    "lyapunov",
    "network_zero",
    "game",
    "own_optimizer",
    "own_claim",
    "formal",
)
"""In the order of the page."""

HEAD = """# Gallery

Each picture is drawn by a script of at most 30 lines of code, which runs in a few seconds.
`python examples/gallery/make.py sweep` runs one of them, writes its picture and prints what stands below it.
"""


def script(name: str) -> ModuleType:
    """Return the script of a name as a module."""
    spec = importlib.util.spec_from_file_location(f"gallery_{name}", HERE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def section(name: str, module: ModuleType, found: str) -> str:
    """Return what the page says of a script: its docstring, its picture, and what it found."""
    title, _, prose = (module.__doc__ or "").strip().partition("\n\n")
    picture = f"![{module.ALT}](gallery/{name}.svg)"
    source = f"Script: [{name}.py](../examples/gallery/{name}.py)"
    return f"## {title.rstrip('.')}\n\n{prose}\n\n{picture}\n\n> {found}\n\n{source}\n"


def make(name: str) -> str:
    """Draw the picture of a script and return its section."""
    module = script(name)
    figure = Figure(figsize=(7, 4), layout="constrained")
    found = module.draw(figure)
    (DOCS / "gallery").mkdir(exist_ok=True)
    save_figure(figure, DOCS / "gallery" / f"{name}.svg")
    print(f"{name}: {found}")
    return section(name, module, found)


if __name__ == "__main__":
    if sys.argv[1:]:
        for chosen in sys.argv[1:]:
            make(chosen)
    else:
        (DOCS / "gallery.md").write_text("\n".join([HEAD, *map(make, SCRIPTS)]), encoding="utf-8")
