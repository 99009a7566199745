"""What was made ready and kept, read again: one of several kinds."""

from typing import Protocol

from adamsym.expressions.compilation import FloatArray
from adamsym.field.prepared.archive import BROKEN, Parts
from adamsym.field.values import FieldValue


class Prepared(Protocol):
    """A problem with all that does not depend on theta made ready."""

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters."""

    @property
    def start(self) -> dict[str, float] | None:
        """The start in the problem file."""

    @property
    def dropped(self) -> int:
        """How many of the table's rows were left out."""

    def evaluate(self, theta: FloatArray) -> FieldValue | None:
        """Return f at a point (d,) with an error estimate, as :meth:`adamsym.AdamField.evaluate`, or None."""

    def to_bytes(self) -> bytes:
        """Return an archive of arrays, without any code."""


def from_bytes(content: bytes) -> Prepared | None:
    """Return what ``to_bytes`` has written; None if the bytes are no such archive."""
    try:
        parts = Parts.from_bytes(content)
        return _of_kind(parts.plain["kind"], parts)
    except BROKEN:
        return None


def _of_kind(kind: str, parts: Parts) -> Prepared:
    if kind == "laws":
        from adamsym.field.prepared.closed_laws import PreparedLaws

        return PreparedLaws.from_parts(parts)
    if kind == "rows":
        from adamsym.field.prepared.problem import PreparedProblem

        return PreparedProblem.from_parts(parts)
    if kind == "epochs":
        from adamsym.field.prepared.epochs import PreparedEpochs

        return PreparedEpochs.from_parts(parts)
    raise ValueError("no kind of prepared problem")
