"""The form of certificates: what their JSON may hold, and no more. The JSON Schema is derived from these classes."""

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, FiniteFloat, ValidationError

from adamsym.certificates.branch_form import BranchCertificate
from adamsym.certificates.earlier import in_format_3, renewed_digest
from adamsym.certificates.minima_form import MinimaInBox, MinimaSetCertificate
from adamsym.certificates.over_form import ZerosOverCertificate
from adamsym.certificates.parts import AnyCertificate, Box, BoxCertificate, Interval, Matrix, Number, Part
from adamsym.expressions.errors import InputError
from adamsym.expressions.files import json_value, read_bytes
from adamsym.expressions.parser import LONGEST_TEXT

LARGEST_FILE = 64 * 2**20
"""Bytes of a certificate."""

MOST_LEAVES = 200_000

MOST_VALUES = 1_000
"""Values of a list."""


class Region(Part):
    """A box in which a zero is alone: Krawczyk's operator with this preconditioner maps it into its inside."""

    box: Box
    preconditioner: Matrix


class ZeroEntry(Part):
    """A zero of f: it lies in ``box``, and is the only one there and in each of ``regions``.

    ``point``, if given, is the zero itself: a rational point at which the gradients of all rows are exactly 0.
    ``critical_point`` is null where there is no loss.
    """

    box: Box
    preconditioner: Matrix
    midpoint: list[FiniteFloat]
    unique: Literal[True]
    stability: Literal["attracting", "repelling", "saddle", "undecided"]
    stability_matrix: Matrix
    critical_point: Literal["yes", "no", "undecided"] | None
    point: list[Number] | None
    regions: Annotated[list[Region], Field(min_length=1, max_length=MOST_LEAVES)]


class ZerosLeaf(Part):
    """A box and why it holds no zero but those listed, or that this is not known.

    ``by`` sign, gradient and direction: it holds none. ``by`` zero: it lies in ``region`` of the zero ``zero`` of
    ``zeros``. ``by`` beyond: it lies in ``region`` of the zero ``zero`` of ``beyond``, but does not meet that zero's
    own box. ``by`` minima: all zeros in it belong to the set number ``set`` of ``sets``; ``inverse`` is what the proof
    needs.
    """

    box: Box
    by: Literal["sign", "gradient", "direction", "minima", "zero", "beyond", "undecided"]
    coordinate: Annotated[int, Field(ge=0)] | None = None
    direction: list[FiniteFloat] | None = None
    zero: Annotated[int, Field(ge=0)] | None = None
    region: Annotated[int, Field(ge=0)] | None = None
    set: Annotated[int, Field(ge=0)] | None = None
    inverse: Matrix | None = None
    reason: str | None = None


class Cluster(Part):
    """A box around undecided leaves that lie side by side.

    ``by`` point: all rows' gradients are 0 at the rational ``point`` in it. ``by`` faces: the coordinates of
    ``preconditioner`` times f have opposite signs on opposite faces (Poincare-Miranda). ``by`` turns: f turns around 0
    along the edges, in two parameters (Kronecker). Each time it holds at least one zero, and none of those listed.
    """

    box: Box
    by: Literal["point", "faces", "turns", "undecided"]
    point: list[Number] | None = None
    preconditioner: Matrix | None = None


class LyapunovLeaf(Part):
    """A box and why <grad L, f> < 0 in it where not all rows' gradients vanish, or that it is not known.

    ``by`` witness: the witness lies in it.
    """

    box: Box
    by: Literal["sign", "factor", "minimum", "enclosure", "witness", "undecided"]
    reason: str | None = None


class Witness(Part):
    """A point where <grad L, f>, or <grad V, f>, is positive, and bounds of its value."""

    point: list[FiniteFloat]
    bounds: Interval


class ZerosInBox(Part):
    """Zeros of f in a box, each in a box that lies in it: all of them, if they are ``complete``.

    ``beyond`` are zeros whose own box does not lie in the box: they are near it, and may lie in it if they meet it. The
    points of ``sets`` are zeros too, in the leaves that name them.
    """

    complete: bool
    zeros: list[ZeroEntry]
    beyond: list[ZeroEntry]
    clusters: list[Cluster]
    sets: Annotated[list[MinimaInBox], Field(default_factory=list, max_length=MOST_LEAVES)]
    leaves: Annotated[list[ZerosLeaf], Field(min_length=1, max_length=MOST_LEAVES)]


class ZerosCertificate(BoxCertificate, ZerosInBox):
    """Zeros of f in ``box``, each in a box that lies in it: all of them, if it is ``complete``.

    ``beyond`` are zeros whose own box does not lie in ``box``: they are near it, and may lie in it if they meet it. The
    points of ``sets`` are zeros too, in the leaves that name them.
    """

    kind: Literal["zeros"]


class ZerosAtValue(ZerosInBox):
    """What is certified of the zeros in the box at one ``value`` of the parameter."""

    value: Number


class ZerosListCertificate(BoxCertificate):
    """For each of the values ``at`` of ``parameter`` zeros of f in ``box``, as a certificate of zeros has them.

    ``parameter`` is a number of the method, the batch size, or a number in the data, as in a certificate of a branch.
    All other numbers are those of ``problem``.
    """

    kind: Literal["zeros over a list"]
    parameter: Annotated[str, Field(max_length=200)]
    at: Annotated[list[ZerosAtValue], Field(min_length=1, max_length=MOST_VALUES)]

    @property
    def leaves(self) -> tuple[()]:
        """None of its own: each value has them."""
        return ()


class LyapunovCertificate(BoxCertificate):
    """<grad L, f> < 0 in ``box`` where not every row's gradient vanishes; or a witness against it.

    ``rate`` is a c with -<grad L, f> >= c L in all of ``box``. ``factor`` divides every row's gradient. At each of
    ``minima`` the gradients of all rows are exactly 0.
    """

    kind: Literal["lyapunov"]
    verdict: Literal["certified", "refuted", "undecided"]
    witness: Witness | None
    rate: FiniteFloat | None
    factor: str | None
    minima: list[list[str]]
    leaves: Annotated[list[LyapunovLeaf], Field(min_length=1, max_length=MOST_LEAVES)]


class FunctionLeaf(Part):
    """A box and why <grad V, f> < 0 in all of it, or that it is not known. ``by`` witness: the witness lies in it."""

    box: Box
    by: Literal["enclosure", "witness", "undecided"]
    reason: str | None = None


class FunctionCertificate(BoxCertificate):
    """<grad V, f> < 0 in all of ``box``; or a witness against it.

    V is the mean over the data of the expression ``function``, in the parameters and the columns of ``problem``.
    """

    kind: Literal["lyapunov function"]
    function: Annotated[str, Field(max_length=LONGEST_TEXT)]
    verdict: Literal["certified", "refuted", "undecided"]
    witness: Witness | None
    leaves: Annotated[list[FunctionLeaf], Field(min_length=1, max_length=MOST_LEAVES)]


class BallDecrease(Part):
    """Bounds that hold in all of a region: sum sigma_i^2 <= ``eta`` D^2 and D^2 >= 2 ``mu`` L, D = |grad L|.

    -<grad L, f> is at least ``c_0`` D^2 phi((1 + ``eta``) D^2) there, and at least ``rate`` L wherever L is at most
    ``level``, in all of the region if this is null.
    """

    eta: Annotated[FiniteFloat, Field(ge=0)]
    mu: Annotated[FiniteFloat, Field(gt=0)]
    c_0: Annotated[FiniteFloat, Field(gt=0)]
    rate: Annotated[FiniteFloat, Field(ge=0)]
    level: Annotated[FiniteFloat, Field(ge=0)] | None


class BallStarts(Part):
    """Flow lines from points up to ``radius`` from the center, with L at most ``level`` if this is no null.

    They stay ``within`` that distance of it in the sup norm, and converge to a point with L = 0. On the way L is at
    most exp(-``rate`` t) times what it was.
    """

    radius: Annotated[FiniteFloat, Field(ge=0)]
    level: Annotated[FiniteFloat, Field(ge=0)] | None
    within: Annotated[FiniteFloat, Field(gt=0)]
    rate: Annotated[FiniteFloat, Field(ge=0)]


class BallCertificate(AnyCertificate):
    """<grad L, f> < 0 where L > 0 on the box of half-width ``radius`` around ``center``; on all of R^d if it is null.

    Within ``near`` of the center, in the sup norm, there is a point with L = 0. ``inverse`` is near an inverse from the
    right of the matrix of the residuals' gradients at the center; proofs need it. They may also need ``balances``, two
    symmetric positive definite matrices with a row and a column for each residual.
    """

    kind: Literal["lyapunov ball"]
    verdict: Literal["certified", "undecided"]
    center: Annotated[list[FiniteFloat], Field(min_length=1, max_length=1000)]
    radius: Annotated[FiniteFloat, Field(gt=0)] | None
    inverse: Matrix
    balances: Annotated[list[Matrix], Field(min_length=2, max_length=2)] | None = None
    near: Annotated[FiniteFloat, Field(ge=0)] | None
    decrease: BallDecrease | None
    starts: Annotated[list[BallStarts], Field(max_length=16)]

    @property
    def leaves(self) -> tuple[()]:
        """None: the region is proved whole."""
        return ()


class IsolatedZero(Part):
    """A zero of f: exactly one lies in ``box``. The other fields are those of the entries of a list of zeros."""

    box: Box
    midpoint: list[FiniteFloat]
    stability: Literal["attracting", "repelling", "saddle", "undecided"]
    stability_matrix: Matrix
    critical_point: Literal["yes", "no", "undecided"] | None
    point: list[Number] | None


class NearbyCriticalPoint(Part):
    """A critical point of the loss: exactly one lies in ``box``, and no other one in ``unique_in``.

    Its Euclidean distance from the zero lies between the two numbers ``distance``; ``nearest``: no critical point of
    the loss is nearer to the zero. ``kind`` says which signs the Hessian's eigenvalues have there.
    """

    box: Box
    unique_in: Box
    preconditioner: Matrix
    kind: Literal["minimum", "maximum", "saddle", "undecided"]
    kind_matrix: Matrix
    distance: Interval
    nearest: bool


class OneZeroCertificate(BoxCertificate):
    """One zero of f, alone in ``box``; and, where it is given, a critical point of the loss beside it.

    Of zeros elsewhere nothing is said.
    """

    kind: Literal["one zero"]
    preconditioner: Matrix
    zero: IsolatedZero
    critical: NearbyCriticalPoint | None

    @property
    def leaves(self) -> tuple[()]:
        """None: the region is proved whole."""
        return ()


Certificate = (
    ZerosCertificate
    | LyapunovCertificate
    | FunctionCertificate
    | BallCertificate
    | OneZeroCertificate
    | MinimaSetCertificate
    | BranchCertificate
    | ZerosOverCertificate
    | ZerosListCertificate
)

KINDS: dict[str, type[Certificate]] = {
    "zeros": ZerosCertificate,
    "lyapunov": LyapunovCertificate,
    "lyapunov function": FunctionCertificate,
    "lyapunov ball": BallCertificate,
    "one zero": OneZeroCertificate,
    "set of minima": MinimaSetCertificate,
    "branch": BranchCertificate,
    "zeros over parameters": ZerosOverCertificate,
    "zeros over a list": ZerosListCertificate,
}
"""The classes of certificates by their ``kind``."""


def digest_of(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a certificate's content without its digest."""
    bare = {key: value for key, value in content.items() if key != "digest"}
    return hashlib.sha256(json.dumps(bare, sort_keys=True, allow_nan=False).encode()).hexdigest()


def given(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as JSON data, with the keys that it was given with."""
    return certificate.model_dump(mode="json", exclude_unset=True)


def read_certificate(source: Path | str | dict[str, Any]) -> Certificate:
    """Return a certificate from a file or from JSON data.

    Raises
    ------
    InputError
        If it cannot be read or has another form; the message names the place.
    """
    if isinstance(source, dict):
        content: Any = source
    else:
        place = f"certificate {str(source)[:80]!r}"
        content = json_value(read_bytes(Path(source), LARGEST_FILE, place), place)
    kind = content.get("kind") if isinstance(content, dict) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise InputError(f"certificate: kind must be {', '.join(KINDS)}")
    if content.get("format") == "adamsym certificate 1":
        raise InputError(
            "certificate.format: certificates of format 1 did not say which zeros lie in the box, and are no longer "
            f"read; make a new one: adamsym {kind.split()[0]} FILE --box ... -o CERTIFICATE"
        )
    if content.get("format") != "adamsym certificate 2":
        return _validated(KINDS[kind], content)
    new = _validated(KINDS[kind], in_format_3(content))
    return new.model_copy(update={"digest": renewed_digest(content, given(new), digest_of)})


def _validated(kind: type[Certificate], content: dict[str, Any]) -> Certificate:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        # Which of the two kinds of source was meant is no place in the file.
        loc = [part for k, part in enumerate(first["loc"]) if not (k == 1 and first["loc"][0] == "problem")]
        place = ".".join(str(part) for part in loc)
        raise InputError(f"certificate.{place[:80]}: {first['msg']}") from None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of certificates."""
    from pydantic import TypeAdapter

    schema: dict[str, Any] = TypeAdapter(Certificate).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "adamsym certificate", **schema}
