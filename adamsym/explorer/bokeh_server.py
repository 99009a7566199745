"""A local server of an exploration: what sliders ask for is computed on the fly, by number first, then certified."""

import asyncio
import json
import webbrowser
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import partial

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.models import ColumnDataSource
from bokeh.server.server import Server

from adamsym.explorer.bokeh_figures import figures_of
from adamsym.explorer.bokeh_page import setup_of_sliders, template, variables_of
from adamsym.explorer.exploration import Explorer
from adamsym.explorer.packing import packed_view
from adamsym.explorer.scene import distance_of
from adamsym.explorer.sliders import finer
from adamsym.explorer.verdicts import Verdict
from adamsym.explorer.view import View, shown_slider, view_of
from adamsym.expressions.errors import InputError

_KEPT = 4_096
"""Distances that are kept for the figure of distances."""

_SEARCHING = "The certified search is running; what is shown is by number."


class Session:
    """One page that is open: its document, and the position that was asked for last.

    The script of the page writes a position into the source "asked", and reads words from the source "answer"; the
    columns of the figures reach it by themselves.
    """

    def __init__(self, explorer: Explorer, document: Document, executor: ThreadPoolExecutor) -> None:
        self._fine = replace(explorer, sliders=tuple(finer(slider) for slider in explorer.sliders))
        self._coarse, self._document, self._executor = explorer, document, executor
        self._distances: dict[tuple[Fraction, ...], float] = {}
        self._number = 0
        view = self._view(self._fine.own, None)
        self._asked = ColumnDataSource(data={"position": list(self._fine.own)}, name="asked")
        self._answer = ColumnDataSource(data={"text": [json.dumps(packed_view(view))]}, name="answer")
        figures = figures_of(self._fine, view)
        # Sources that no figure draws are parts of the document by a figure's tags.
        next(iter(figures.values())).tags = [self._asked, self._answer]
        for one in figures.values():
            document.add_root(one)
        document.title = f"adamsym: {explorer.title}"
        document.template = template()
        setup = {"sliders": setup_of_sliders(self._fine), "without": _SEARCHING}
        notes = ["Computed on this machine as the sliders move, by number first; then zeros are certified."]
        document.template_variables.update(variables_of(self._fine, setup, notes))
        self._asked.on_change("data", self._on_asked)
        self._certify(self._fine.own)

    def _view(self, state: Sequence[int], verdict: Verdict | None) -> View:
        explorer = self._fine
        self._scene = explorer.scene(**explorer.values(state))
        return view_of(self._coarse, self._scene, self._curve(state), verdict)

    def _curve(self, state: Sequence[int]) -> list[float]:
        """Distances at the listed values of one slider, the others as they are."""
        slider = shown_slider(self._coarse)
        if slider is None:
            return []
        values = self._fine.values(state)
        return [self._distance(values | {slider.name: value}) for value in slider.axis.values]

    def _distance(self, values: dict[str, Fraction]) -> float:
        key = tuple(values.values())
        if key not in self._distances:
            if len(self._distances) >= _KEPT:
                self._distances.clear()
            try:
                self._distances[key] = distance_of(self._fine.landscape_at(values), self._fine.field(values))
            except InputError:
                self._distances[key] = float("nan")
        return self._distances[key]

    def _on_asked(self, _attribute: str, _old: object, new: dict[str, Sequence[int]]) -> None:
        sliders = self._fine.sliders
        # What a page sends is checked as what anybody sends.
        state = [int(k) for k in new["position"][: len(sliders)]]
        if len(state) == len(sliders) and all(
            0 <= k < len(slider.axis.values) for k, slider in zip(state, sliders, strict=True)
        ):
            self._show(self._view(state, None))
            self._certify(state)

    def _show(self, view: View) -> None:
        for columns in (view.drawn, view.points):
            for name, data in columns.items():
                source = self._document.get_model_by_name(f"{name}_columns")
                if isinstance(source, ColumnDataSource):
                    source.data = {**source.data, **data}
        for name, (start, end) in view.ranges.items():
            found = self._document.get_model_by_name(name)
            if found is not None:
                found.update(start=start, end=end)
        for name, text in view.labels.items():
            found = self._document.get_model_by_name(name)
            if found is not None:
                found.update(axis_label=text)
        self._answer.data = {"text": [json.dumps(packed_view(view))]}

    def _certify(self, state: Sequence[int]) -> None:
        """Begin a certified search; one that is under way for another position ends."""
        self._number += 1
        number, scene, values = self._number, self._scene, self._fine.values(state)
        curve = self._curve(state)
        search = self._executor.submit(self._fine.prove, values, lambda: self._number != number)

        def tell(verdict: Verdict) -> None:
            if self._number == number:
                self._show(view_of(self._coarse, scene, curve, verdict))

        search.add_done_callback(
            lambda done: (
                done.exception() is None
                and self._document.add_next_tick_callback(partial(tell, done.result())) is not None
            )
        )


def serve(explorer: Explorer, port: int, open_browser: bool, started: Callable[[str], None]) -> None:
    """Serve the page until it is interrupted; arguments and errors as for :meth:`Explorer.serve`."""
    if not 0 <= port <= 65_535:
        raise InputError(f"port: {port} is not allowed; allowed are 0 to 65535")
    with suppress(KeyboardInterrupt):
        asyncio.run(_serving(explorer, port, open_browser, started))


async def _serving(explorer: Explorer, port: int, open_browser: bool, started: Callable[[str], None]) -> None:
    with ThreadPoolExecutor(1) as executor:
        application = Application(FunctionHandler(lambda document: _open(explorer, document, executor)))
        try:
            server = Server({"/": application}, port=port, address="localhost")
        except OSError as error:
            raise InputError(f"port: {port} cannot be served: {error.strerror or error}; give another") from None
        server.start()
        address = f"http://localhost:{server.port}/"
        started(address)
        if open_browser:
            webbrowser.open(address)
        try:
            await asyncio.Event().wait()
        finally:
            server.stop()


def _open(explorer: Explorer, document: Document, executor: ThreadPoolExecutor) -> None:
    Session(explorer, document, executor)
