"""The exploration of a field: its sliders, what is seen at their positions, and the page and server that show it."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from adamsym.continuation.families import field_at
from adamsym.explorer.landscape import Landscape, checked_time, run_settings
from adamsym.explorer.scene import Scene, no_scene, scene_of
from adamsym.explorer.sliders import Slider, sliders_of
from adamsym.explorer.verdicts import Verdict, verdict_of
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.expressions.optional import library
from adamsym.expressions.progress import Progress
from adamsym.expressions.results import counted
from adamsym.field import AdamField
from adamsym.parallel import map_tasks

if TYPE_CHECKING:
    from adamsym.explorer.bokeh_page import Page

PORT = 5006
"""The local server's usual port."""

BUDGET = 2_000
"""Boxes that a certified search may examine."""

_KEPT = 100
"""Landscapes of other data that are kept."""


@dataclass(frozen=True, repr=False)
class Explorer:
    """A field with sliders for its numbers, as :func:`adamsym.explore` makes it; nothing is computed until it is asked.

    Attributes
    ----------
    landscape
        What sliders of the method do not change: the box, the grid, minus the gradient on it, the minima of the loss;
        of the problem itself.
    sliders
        The numbers that vary, with their values.
    budget
        Boxes that a certified search may examine.
    title
        The heading of the page.
    """

    landscape: Landscape
    sliders: tuple[Slider, ...]
    budget: int
    title: str
    _landscapes: dict[tuple[Fraction, ...], Landscape] = dataclasses.field(default_factory=dict, compare=False)

    @property
    def summary(self) -> str:
        """The sliders and the number of their positions."""
        varying = [slider.name for slider in self.sliders if len(slider.axis.values) > 1]
        return f"{counted(len(self.states), 'position')} of sliders" + (f" for {', '.join(varying)}" if varying else "")

    def __repr__(self) -> str:
        return f"<Explorer: {self.summary}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the box and the sliders in lists, numbers and texts, ready for JSON."""
        return {
            "box": self.landscape.box.tolist(),
            "start": self.landscape.start.tolist(),
            "sliders": {slider.name: [str(value) for value in slider.axis.values] for slider in self.sliders},
            "positions": len(self.states),
        }

    @property
    def states(self) -> list[tuple[int, ...]]:
        """Every position of all sliders, the last slider fastest."""
        return list(itertools.product(*(range(len(slider.axis.values)) for slider in self.sliders)))

    @property
    def own(self) -> tuple[int, ...]:
        """The position at which the sliders show the problem itself."""
        return tuple(slider.own for slider in self.sliders)

    def values(self, state: Sequence[int]) -> dict[str, Fraction]:
        """Return the values of the sliders at a position."""
        return {slider.name: slider.axis.values[k] for slider, k in zip(self.sliders, state, strict=True)}

    @property
    def entries(self) -> tuple[Slider, ...]:
        """The sliders for the data, which change the loss."""
        return tuple(slider for slider in self.sliders if slider.axis.entry is not None)

    @property
    def has_distances(self) -> bool:
        """Whether distances from a minimum are shown; where data vary, also if the problem itself has none."""
        return bool(self.entries) or self.landscape.reference is not None

    def landscape_at(self, values: Mapping[str, Fraction]) -> Landscape:
        """Return the landscape of the data with these values."""
        key = tuple(values[slider.name] for slider in self.entries)
        if not key:
            return self.landscape
        if key not in self._landscapes:
            if len(self._landscapes) >= _KEPT:
                self._landscapes.clear()
            changed = {slider.axis: value for slider, value in zip(self.entries, key, strict=True)}
            self._landscapes[key] = replace(self.landscape, base=field_at(self.landscape.base, changed))
        return self._landscapes[key]

    def field(self, values: Mapping[str, Fraction]) -> AdamField:
        """Return the field with these values.

        Raises
        ------
        InputError
            If a value is not allowed, or not beside the others.
        """
        named = {slider.name: slider.axis for slider in self.sliders}
        return field_at(self.landscape.base, {named[name]: value for name, value in values.items()})

    def scene(self, **values: Number) -> Scene:
        """Return what is seen by number at values of the sliders; those left out are the problem's own.

        Raises
        ------
        InputError
            If there is no slider of that name, or a value is no number.
        """
        return self._scene(self._completed(values))

    def certify(self, **values: Number) -> Verdict:
        """Return what is proven of the zeros at values of the sliders; those left out are the problem's own.

        Raises
        ------
        InputError
            As for :meth:`scene`.
        """
        return self.prove(self._completed(values))

    def _completed(self, values: Mapping[str, Number]) -> dict[str, Fraction]:
        complete = self.values(self.own)
        for name, value in values.items():
            if name not in complete:
                raise InputError(f"{name[:40]!r} has no slider; there are {', '.join(complete)}")
            complete[name] = exact_rational(value, name)
        return complete

    def _scene(self, values: Mapping[str, Fraction]) -> Scene:
        try:
            one = self.field(values)
        except InputError as error:
            return no_scene(self.landscape, values, str(error))
        return scene_of(self.landscape_at(values), one, values)

    def prove(self, values: Mapping[str, Fraction], stop: Callable[[], bool] = lambda: False) -> Verdict:
        """Return what is proven at all these values; of a search that ``stop`` ends, less."""
        try:
            one = self.field(values)
        except InputError as error:
            return Verdict(values, "not applicable", str(error))
        return verdict_of(self.landscape_at(values), one, values, self.budget, stop)

    def positions(
        self, certify: str = "none", executor: Executor | int | None = None, progress: Progress | None = None
    ) -> "Iterator[tuple[Scene, Verdict | None]]":
        """Yield what is seen at every position, in the order of ``states``, and what is proven there, if it is to be.

        Arguments and errors as for :meth:`page`.
        """
        if certify not in ("own", "all", "none"):
            raise InputError(f'certify: {certify[:20]!r} is not allowed; allowed are "own", "all" and "none"')
        states, own = self.states, self.own
        tasks = [(self.values(one), certify == "all" or (certify == "own" and one == own)) for one in states]
        for number, found in enumerate(map_tasks(_at, tasks, shared=self, executor=executor)):
            yield found
            if progress is not None:
                progress(number + 1, len(states))

    def page(
        self, *, certify: str = "own", executor: Executor | int | None = None, progress: Progress | None = None
    ) -> "Page":
        """Return the page, all positions of the sliders computed in advance, and what it says of the problem itself.

        Parameters
        ----------
        certify
            At which positions zeros are certified: "own", that of the problem itself, "all" or "none".
        executor
            Where positions are computed: a number of processes, or an executor as of :func:`adamsym.parallel.cluster`;
            here if omitted. The page is the same, to the last byte.
        progress
            Called with how many positions are done, and how many there are.

        Raises
        ------
        InputError
            If Bokeh is not installed, ``certify`` is something else, there are to be fewer than 1 processes, or the
            page would be too large.
        """
        library("bokeh")
        from adamsym.explorer.bokeh_page import page_of

        return page_of(self, certify, executor, progress)

    def to_html(
        self, *, certify: str = "own", executor: Executor | int | None = None, progress: Progress | None = None
    ) -> str:
        """Return the page as one self-contained text; arguments and errors as for :meth:`page`."""
        return self.page(certify=certify, executor=executor, progress=progress).html

    def save(
        self,
        path: str | Path,
        *,
        certify: str = "own",
        executor: Executor | int | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Write the page to a file; arguments and errors as for :meth:`page`."""
        text = self.to_html(certify=certify, executor=executor, progress=progress)
        Path(path).write_text(text, encoding="utf-8")

    def serve(
        self, port: int = PORT, *, open_browser: bool = False, started: Callable[[str], None] | None = None
    ) -> None:
        """Serve the page on this machine alone, computing as its sliders move, until it is interrupted.

        Parameters
        ----------
        port
            Of localhost; 0 for any that is free.
        open_browser
            Whether to open the page in a browser.
        started
            Called with the page's address when it can be opened; it is printed if omitted.

        Raises
        ------
        InputError
            If Bokeh is not installed, or the port is in use or not allowed.
        """
        library("bokeh")
        from adamsym.explorer.bokeh_server import serve

        serve(self, port, open_browser, print if started is None else started)


def _at(explorer: Explorer, task: tuple[Mapping[str, Fraction], bool]) -> tuple[Scene, Verdict | None]:
    """What is seen at one position, and what is proven there."""
    values, is_certified = task
    return explorer._scene(values), explorer.prove(values) if is_certified else None


@checked_arguments
def explore(
    field: AdamField,
    box: ArrayLike | None = None,
    *,
    start: ArrayLike | None = None,
    plane: Sequence[str] | None = None,
    values: Mapping[str, Any] | None = None,
    time: float | None = None,
    step_size: str | float | None = None,
    seed: int = 0,
    budget: int = BUDGET,
    title: str = "The Adam field",
) -> Explorer:
    """Return an exploration of a field: an interactive page, or a local server, with sliders for its numbers.

    It shows the field against minus the gradient, zeros moving away from minima, flow lines and a run of the optimizer.

    Parameters
    ----------
    field
        The Adam field.
    box
        Lower and upper end of each parameter that is drawn, shape (1, 2) or (2, 2); chosen around the flow if omitted.
        Of more than two parameters those of all, shape (d, 2): then zeros are sought, and certified, in all of it.
    start
        Where the run begins, d numbers, 1 for every parameter if omitted; of more than two parameters those that are
        not drawn have these values.
    plane
        The names of the parameters that are drawn, two of more; the first two if omitted.
    values
        For each of beta1, beta2, eps, batch_size, another number of the method, or of the data "data.x[2]", the entry
        of x in row 2, or "data.weights[2]", its probability, the values of its slider: a list, or text "1,8,64" or
        "0.5:0.9999:9". Usual ones where omitted, of data none; the field's own value is always among them.
    time
        How long flow lines are; as long as the box is wide if omitted.
    step_size
        Of the run, an expression in the step number n; equal steps, 2,000 in that time, if omitted.
    seed
        Of the run.
    budget
        Boxes that each certified search may examine.
    title
        The heading of the page.

    Raises
    ------
    InputError
        If an argument is not as above, or there are more than 1,000 positions of the sliders.
    NotApplicable
        If rows are drawn in epochs, or there is a slider for an entry of a continuous law.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem, explore
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> explorer = explore(AdamField(problem, Adam()), [[-5, 5]], values={"eps": [1e-8], "batch_size": [1]})
    >>> explorer
    <Explorer: 21 positions of sliders for beta2, beta1>
    >>> round(explorer.scene(beta2=0.99).distance, 6)
    0.004631
    """
    if seed < 0 or budget < 1:
        raise InputError(f"seed, budget: {seed}, {budget} are not allowed; a seed is at least 0, a budget at least 1")
    sliders = sliders_of(field, values)
    start_point, shown, whole, given = _drawn(field, start, tuple(plane or ()), box)
    length = checked_time(time, whole[list(shown)])
    run = run_settings(step_size, length, seed)
    return Explorer(Landscape(field, start_point, shown, whole, length, run, given), sliders, budget, title)


def _drawn(
    field: AdamField, start: ArrayLike | None, plane: tuple[str, ...], box: ArrayLike | None
) -> tuple[FloatArray, tuple[int, ...], FloatArray, FloatArray | None]:
    """The start, the numbers of the parameters that are drawn, the box of these, and that of all if it is given."""
    from adamsym.plots.context import PlotContext, plane_of
    from adamsym.plots.settings import Settings

    names = field.problem.names
    theta = np.ones(len(names)) if start is None else field.problem.points(start)
    if theta.shape != (len(names),):
        raise InputError(f"start: shape {theta.shape} is not allowed; give {len(names)} numbers")
    shown = plane_of(names, plane)
    sides = None if box is None else _checked_sides(box, len(shown), len(names))
    whole = None if sides is None or len(sides) == len(shown) else np.array(sides)
    drawn = sides if sides is None or whole is None else tuple(sides[k] for k in shown)
    return theta, shown, PlotContext(field, tuple(theta.tolist()), Settings(), shown, drawn).box, whole


def _checked_sides(box: ArrayLike, count: int, d: int) -> tuple[tuple[float, float], ...]:
    sides = np.asarray(box, dtype=np.float64)
    if sides.shape not in ((count, 2), (d, 2)) or not np.isfinite(sides).all() or not (sides[:, 0] < sides[:, 1]).all():
        every = "" if d == count else f", or for each of all, shape ({d}, 2)"
        raise InputError(
            f"box: give a lower and a higher end for each parameter that is drawn, shape ({count}, 2){every}"
        )
    return tuple((float(low), float(high)) for low, high in sides)
