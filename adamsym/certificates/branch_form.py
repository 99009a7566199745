"""The form of what is said of branches of zeros over an interval of a number of the method or of the data."""

from typing import Annotated, Literal

from pydantic import Field

from adamsym.certificates.parts import AnyCertificate, Box, Matrix, Number, Part

MOST_TUBES = 100_000


DataNumber = Annotated[str, Field(pattern=r"^data\.[A-Za-z][A-Za-z0-9_]*(\[[0-9]{1,9}\])?$", max_length=200)]


class TubeEntry(Part):
    """For every value of the parameter from ``low`` to ``high`` exactly one zero of f is in ``box``."""

    low: Number
    high: Number
    box: Box
    preconditioner: Matrix
    stability: Literal["attracting", "repelling", "saddle", "undecided"]
    stability_matrix: Matrix


class JointEntry(Part):
    """Where two tubes meet, a zero is in ``box``, which lies in the boxes of both: so they hold the same zero there."""

    box: Box
    preconditioner: Matrix


class BranchCertificate(AnyCertificate):
    """For every value of ``parameter`` from ``low`` to ``high`` a zero of f, which depends continuously on the value.

    It is the only one in the box of the value's tube. ``parameter`` is a number of the method, or one in the data:
    "data.x[2]" is the entry of the column x in row 2, counted from 0, "data.x" that of all rows, "data.weights[2]" the
    probability of row 2, beside which the others keep their proportions. All other numbers are those of ``problem``.
    ``stability`` is that of all of these zeros. Of zeros elsewhere nothing is said.
    """

    kind: Literal["branch"]
    parameter: Literal["beta1", "beta2", "eps", "weight_decay"] | DataNumber
    low: Number
    high: Number
    stability: Literal["attracting", "repelling", "saddle", "undecided"]
    tubes: Annotated[list[TubeEntry], Field(min_length=1, max_length=MOST_TUBES)]
    joints: Annotated[list[JointEntry], Field(max_length=MOST_TUBES)]

    @property
    def leaves(self) -> tuple[()]:
        """None: no box is divided."""
        return ()
