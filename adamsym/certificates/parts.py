"""Parts that certificates of all kinds have: boxes, numbers, and the problem and method that they are about."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, FiniteFloat, Tag

from adamsym.expressions.parser import LONGEST_TEXT

MOST_ROWS = 100_000
LARGEST_BATCH = 10**9

Interval = Annotated[list[FiniteFloat], Field(min_length=2, max_length=2)]
Box = Annotated[list[Interval], Field(min_length=1, max_length=1000)]
Matrix = Annotated[list[list[FiniteFloat]], Field(max_length=1000)]


Name = Annotated[str, Field(max_length=80)]
Number = Annotated[str, Field(max_length=2000)]
"""An integer, decimal or fraction as text."""

Distribution = Annotated[str, Field(max_length=200)]
"""A distribution as text, such as Normal(0, 1/2)."""


class Part(BaseModel):
    """JSON data with these keys and no others, of these types and no others."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LaplaceRecord(Part):
    """The field's Laplace form, exactly, as text: -E[M phi(V)] - ``decay`` theta.

    M has the lag weights c_k = head_k + sum of amount ratio^k over ``terms``, pairs (amount, ratio); V has the weights
    (1-beta) beta^k. ``kernel`` names phi, a function of v and eps.
    """

    head: Annotated[list[Number], Field(max_length=64)]
    terms: Annotated[list[Annotated[list[Number], Field(min_length=2, max_length=2)]], Field(max_length=16)]
    beta: Number
    kernel: Name
    eps: Number
    decay: Number


class MethodRecord(Part):
    """A method by its name, with its parameters, exactly, as text; and its Laplace form."""

    name: Name
    parameters: Annotated[dict[Name, Number], Field(max_length=64)]
    laplace: LaplaceRecord


class _SourceRecord(Part):
    """The data and their probabilities, exactly, as text; the method.

    Of continuous data each column is the text of its distribution, and ``probabilities`` is empty. ``sampling`` and
    ``drop_last`` say how minibatches are made of the rows, as in problem files.
    """

    parameters: Annotated[list[Name], Field(min_length=1, max_length=1000)]
    batch_size: Annotated[int, Field(ge=1, le=LARGEST_BATCH)]
    sampling: Literal["replacement", "cyclic", "full"] = "replacement"
    drop_last: bool = False
    columns: dict[Name, Annotated[list[Number], Field(max_length=MOST_ROWS)] | Distribution]
    probabilities: Annotated[list[Number], Field(max_length=MOST_ROWS)]
    method: MethodRecord


class ProblemRecord(_SourceRecord):
    """A problem: its loss as text, the data and the method."""

    loss: Annotated[str, Field(max_length=LONGEST_TEXT)]


class FieldRecord(_SourceRecord):
    """A vector field in place of a loss's gradient: its components as text, the data and the method."""

    field: Annotated[list[Annotated[str, Field(max_length=LONGEST_TEXT)]], Field(min_length=1, max_length=1000)]


def _kind_of_source(value: Any) -> str:
    return "field" if isinstance(value, FieldRecord) or (isinstance(value, dict) and "field" in value) else "loss"


SourceRecord = Annotated[
    Annotated[ProblemRecord, Tag("loss")] | Annotated[FieldRecord, Tag("field")], Discriminator(_kind_of_source)
]


class AnyCertificate(Part):
    """What every certificate has."""

    format: Literal["adamsym certificate 3"]
    made_by: dict[Name, Annotated[str, Field(max_length=80)]]
    problem: SourceRecord
    digest: str


class BoxCertificate(AnyCertificate):
    """A certificate about a box."""

    box: Box
