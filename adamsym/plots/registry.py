"""The one registry of what can be shown of a problem: ``adamsym plot``, ``adamsym report`` and notebooks read it.

A new plot, or a new section of the report, is one function under :func:`plot_kind` or :func:`section`. Nothing heavy is
imported here: the command line lists the kinds in its help.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from adamsym.expressions.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from adamsym.plots.context import PlotContext
    from adamsym.symbolic.derivation import Step

Verdict = Literal["holds", "refuted", "undecided", "not applicable", "internal error"]
Grade = Literal["symbolic", "certified", "statistical", "floating point"]

ENTRY_POINTS = "adamsym.plots"
"""The group of entry points under which other packages name modules or functions that add to the registry."""


class Finding(NamedTuple):
    """A verdict and its reason, in one line."""

    verdict: Verdict
    text: str

    def __str__(self) -> str:
        # Certified findings say so themselves.
        return self.text if self.verdict == "holds" else f"{self.verdict}: {self.text}"


@dataclass(frozen=True)
class Question:
    """What a finding answers: one line of the report's summary.

    ``of_theory`` distinguishes statements that hold for every problem, whose refutation is a fault, from questions
    about this one, whose answer may be no.
    """

    text: str
    grade: Grade
    of_theory: bool = False


@dataclass(frozen=True)
class Picture:
    """One pair of axes, drawn only when it is wanted: ``draw`` is given the axes and computes nothing."""

    title: str
    caption: str
    draw: Callable[["Axes"], object]
    width: float = 5.0


@dataclass(frozen=True)
class Table:
    """A table of numbers: its caption, columns, rows, and a note below; ``empty`` stands in place of no rows."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    empty: str = "No rows."


@dataclass(frozen=True)
class Content:
    """What a section shows, all of it optional.

    Attributes
    ----------
    finding
        The answer to the section's question.
    pictures
        Side by side in the file that ``adamsym plot`` writes; each a figure of its own in the report.
    table
        A table of numbers.
    facts
        Labels and values.
    steps
        Steps of a derivation.
    varied
        Hyper-parameters that the pictures vary: their title gives no value of them.
    """

    finding: Finding | None = None
    pictures: tuple[Picture, ...] = ()
    table: Table | None = None
    facts: tuple[tuple[str, str], ...] = ()
    steps: "tuple[Step, ...]" = ()
    varied: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The finding and the captions, in one line."""
        finding = [] if self.finding is None else [f"{str(self.finding).rstrip('.')}."]
        return " ".join((*finding, *(picture.caption for picture in self.pictures)))


Make = Callable[["PlotContext"], Content]
AnyMake = TypeVar("AnyMake", bound=Make)


@dataclass(frozen=True)
class Section:
    """One entry of the registry.

    Attributes
    ----------
    name
        The kind of plot, as ``adamsym plot`` takes it.
    summary
        What it shows, in a phrase.
    make
        Computes its content. It raises :class:`InputError` where the problem or the settings do not allow it, and
        :class:`NotApplicable` where it has no meaning; anything else that it raises is a fault of the program.
    drawn
        Whether it is a kind of plot.
    heading
        Of the report. Sections that follow each other under the same heading share it.
    question
        What its finding answers; None where there is no finding.
    group
        Sections of one group are computed in one process of the report and share what is computed once; a group of
        its own lets something long run beside the rest. None leaves the section out of the report.
    """

    name: str
    summary: str
    make: Make = field(repr=False)
    drawn: bool
    heading: str
    question: Question | None
    group: str | None


_SECTIONS: dict[str, Section] = {}


def plot_kind(
    summary: str,
    *,
    heading: str = "Further plots",
    question: Question | None = None,
    group: str | None = "searches",
) -> Callable[[AnyMake], AnyMake]:
    """Return a decorator that registers a kind of plot, also a section of the report, under the function's name.

    Parameters
    ----------
    summary
        What it shows, in a phrase, for the help.
    heading, question, group
        As in :class:`Section`.
    """
    return _registering(summary, True, heading, question, group)


def section(
    summary: str, *, heading: str, question: Question | None = None, group: str | None = "searches"
) -> Callable[[AnyMake], AnyMake]:
    """Return a decorator that registers a section of the report that is no plot; arguments as for :func:`plot_kind`."""
    return _registering(summary, False, heading, question, group)


def _registering(
    summary: str, drawn: bool, heading: str, question: Question | None, group: str | None
) -> Callable[[AnyMake], AnyMake]:
    def register(make: AnyMake) -> AnyMake:
        name = make.__name__
        known = _SECTIONS.get(name)
        # A module that is run twice, as in a notebook, replaces its own; it never replaces another's.
        if known is not None and (known.make.__module__, known.make.__qualname__) != (
            make.__module__,
            make.__qualname__,
        ):
            raise InputError(f"plots: {name!r} stands in the registry already; give the function another name")
        _SECTIONS[name] = Section(name, summary, make, drawn, heading, question, group)
        return make

    return register


def remove(name: str) -> None:
    """Take a section out of the registry again; of an unknown name nothing happens."""
    _SECTIONS.pop(name, None)


def sections() -> dict[str, Section]:
    """Return all sections by name, in the order of the report: those of adamsym, then those of other packages."""
    import adamsym.plots.sections  # noqa: F401 (it registers what adamsym itself shows)

    for point in entry_points(group=ENTRY_POINTS):
        try:
            point.load()
        except Exception as error:
            # The fault lies in another package, which the user has installed.
            raise InputError(
                f"entry point {point.name!r} of the group {ENTRY_POINTS}: {point.value} cannot be imported "
                f"({type(error).__name__}: {error}); mend or uninstall the package that declares it"
            ) from error
    return dict(_SECTIONS)


def plot_kinds() -> dict[str, Section]:
    """Return the kinds of plots by name."""
    return {name: one for name, one in sections().items() if one.drawn}


def known_kind(name: str) -> Section:
    """Return the kind of plot of a name.

    Raises
    ------
    InputError
        If there is none; it lists the names.
    """
    kinds = plot_kinds()
    if name not in kinds:
        raise InputError(f"plot: {name[:40]!r} is no kind of plot; allowed are {', '.join(kinds)}")
    return kinds[name]
