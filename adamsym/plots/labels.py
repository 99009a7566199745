"""Labels, limits and legends that all plots share."""

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.legend import Legend
from numpy.typing import ArrayLike

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.plots.names import typeset

_NAMED = 3
"""Of so many fixed parameters the values are shown; of more, the number."""


def label_axes(axes: Axes, horizontal: str, vertical: str) -> None:
    """Label both axes with plain text: a dollar sign in a name is no formula. Names of parameters are typeset."""
    axes.set_xlabel(typeset(horizontal), parse_math=False)
    axes.set_ylabel(typeset(vertical), parse_math=False)


def varying(points: FloatArray, names: Sequence[str]) -> tuple[int, ...]:
    """Return the numbers of the one or two parameters that vary over a grid (r, d) or (r, s, d).

    Raises
    ------
    InputError
        If there is not one name for each parameter.
    """
    if len(names) != points.shape[-1]:
        raise InputError(f"names: {len(names)} names; give one for each of {points.shape[-1]} parameters")
    flat = points.reshape(-1, points.shape[-1])
    return tuple(int(k) for k in np.flatnonzero(np.ptp(flat, axis=0) > 0))


def slice_label(points: FloatArray, names: Sequence[str], shown: Sequence[int]) -> str:
    """Return what is fixed on a grid that varies ``shown`` alone; empty if all parameters are shown."""
    others = [k for k in range(len(names)) if k not in shown]
    if not others:
        return ""
    if len(others) > _NAMED:
        return f"\nslice: the other {len(others)} parameters are fixed"
    point = points.reshape(-1, points.shape[-1])[0]
    return "\nslice: " + ", ".join(f"{typeset(names[k])} = {point[k]:.6g}" for k in others)


def include(axes: Axes, points: ArrayLike, *, vertical: bool = True) -> None:
    """Let automatic limits include points, shape (n, 2)."""
    axes.update_datalim(np.asarray(points, dtype=np.float64), updatey=vertical)
    axes.autoscale_view()


def place_legend(axes: Axes, *others: Axes, columns: int = 2) -> Legend | None:
    """Put one legend below the axes, where it hides nothing; equal labels count once.

    Parameters
    ----------
    axes
        Where the legend goes; with ``others`` it goes below the whole figure and tells their artists too.
    columns
        Entries side by side.
    """
    entries: dict[str, Artist] = {}
    for one in (axes, *others):
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return None
    options = {"ncols": columns, "frameon": False, "handlelength": 2.4}
    figure = axes.get_figure(root=True)
    assert figure is not None
    # "outside" makes a constrained layout leave room for it.
    return figure.legend(list(entries.values()), list(entries), loc="outside lower center", **options)
