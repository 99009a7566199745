"""What a search finds of each box, as records; and these as JSON data, for journals and certificates."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from adamsym.certify.boxes import Box

Matrix = tuple[tuple[float, ...], ...]
Proof = Literal["sign", "factor", "minimum", "enclosure"]
"""How a decrease is proven: N-Lemma 1; next to minima, by a common factor or a common minimum; an enclosure."""

Stability = Literal["attracting", "repelling", "saddle", "undecided"]


@dataclass(frozen=True)
class Split:
    """The box is to be halved along ``axis``."""

    by: ClassVar[str] = "split"
    axis: int


@dataclass(frozen=True)
class Undecided:
    """Nothing is proven of the box, for a ``reason``."""

    by: ClassVar[str] = "undecided"
    reason: str


@dataclass(frozen=True)
class NoZeroBySign:
    """A ``coordinate`` of f is proven to have one sign in the box."""

    by: ClassVar[str] = "sign"
    coordinate: int


@dataclass(frozen=True)
class NoZeroByGradient:
    """The mean gradient m and the sign lemmas prove it: |y m| > sum |y_i| q_i sigma_i, y = ``direction``."""

    by: ClassVar[str] = "gradient"
    direction: tuple[float, ...]


@dataclass(frozen=True)
class NoZeroByDirection:
    """An enclosure shows that y f is not 0 in the box, for y = ``direction``."""

    by: ClassVar[str] = "direction"
    direction: tuple[float, ...]


@dataclass(frozen=True)
class OnlyMinima:
    """Every zero of f in the box is a point with L = 0, on a manifold; ``inverse`` is what the proof needs."""

    by: ClassVar[str] = "minima"
    inverse: Matrix


@dataclass(frozen=True)
class InSet:
    """The same, of the set of minima number ``set``."""

    by: ClassVar[str] = "minima"
    set: int
    inverse: Matrix


@dataclass(frozen=True)
class ZeroFound:
    """Exactly one zero is in ``unique_in``, where the examined box lies, and it is in ``box``.

    Krawczyk's operator with the two preconditioners proves it. ``stability_matrix`` proves the stability.
    """

    by: ClassVar[str] = "zero"
    box: Box
    preconditioner: Matrix
    unique_in: Box
    region_preconditioner: Matrix
    stability: Stability
    stability_matrix: Matrix


@dataclass(frozen=True)
class InRegion:
    """The box lies where one zero is alone: in ``region`` of the zero number ``zero`` in the box searched."""

    by: ClassVar[str] = "zero"
    zero: int
    region: int


@dataclass(frozen=True)
class Beyond:
    """The same of a zero beyond the box searched; the box does not meet that zero's own box."""

    by: ClassVar[str] = "beyond"
    zero: int
    region: int


@dataclass(frozen=True)
class Decrease:
    """The loss L decreases along the flow in the box, but where all rows' gradients vanish.

    ``by`` is the proof. ``rate`` and ``pl`` are lower bounds of -<grad L, f>/L and |grad L|^2/(2 L), None where not
    known; ``loss`` encloses L, and ``smoothness`` bounds the rows' Hessians.
    """

    by: Proof
    rate: float | None
    pl: float | None
    loss: tuple[float | None, float | None]
    smoothness: float | None


@dataclass(frozen=True)
class Witness:
    """<grad L, f> is positive at ``point``, and lies between ``bounds``."""

    by: ClassVar[str] = "witness"
    point: tuple[float, ...]
    bounds: tuple[float, float]


ZeroOutcome = (
    Split
    | Undecided
    | NoZeroBySign
    | NoZeroByGradient
    | NoZeroByDirection
    | OnlyMinima
    | InSet
    | ZeroFound
    | InRegion
    | Beyond
)
LyapunovOutcome = Split | Undecided | Decrease | Witness
Outcome = ZeroOutcome | LyapunovOutcome

SPENT, STOPPED = (f"{why} before it was examined" for why in ("the budget was spent", "the search was stopped"))
"""Why a box stays undecided that was not examined."""

TOO_MUCH = "it takes more operations than one box may"
"""Why a box stays undecided that takes too much work."""

EXAMINED_FOR_ZEROS: Mapping[str, type[Outcome]] = {
    kind.by: kind
    for kind in (Split, Undecided, NoZeroBySign, NoZeroByGradient, NoZeroByDirection, OnlyMinima, ZeroFound)
}
EXAMINED_FOR_DECREASE: Mapping[str, type[Outcome]] = {
    **{kind.by: kind for kind in (Split, Undecided, Witness)},
    **dict.fromkeys(("sign", "factor", "minimum", "enclosure"), Decrease),
}
"""The records that examining a box may give, by what the journal calls them."""


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Return a record as JSON data: ``by`` and its fields."""
    return {"by": outcome.by} | {name: _lists(value) for name, value in vars(outcome).items()}


def from_json(data: Mapping[str, Any], kinds: Mapping[str, type[Outcome]]) -> Outcome:
    """Return the record that :func:`as_json` wrote.

    Raises
    ------
    ValueError
        If it is none of ``kinds``, or its fields are others.
    """
    kind = kinds.get(data.get("by", ""))
    if kind is None:
        raise ValueError(f"no outcome is called {data.get('by')!r}")
    given = {name: _tuples(value) for name, value in data.items() if name != "by" or kind is Decrease}
    try:
        return kind(**given)
    except TypeError as error:
        raise ValueError(str(error)) from None


def matrix_of(rows: Iterable[Iterable[float]]) -> Matrix:
    """Return a matrix as tuples of floats."""
    return tuple(tuple(float(x) for x in row) for row in rows)


def _lists(value: Any) -> Any:
    return [_lists(entry) for entry in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value
