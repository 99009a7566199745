"""The form of what is said of branches of zeros over an interval of a hyper-parameter."""

from typing import Annotated, Literal

from pydantic import Field

from adamsym.certificates.parts import AnyCertificate, Box, Matrix, Number, Part

MOST_TUBES = 100_000


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

    It is the only one in the box of the value's tube. The other numbers of the method are those of ``problem``.
    ``stability`` is that of all of these zeros. Of zeros elsewhere nothing is said.
    """

    kind: Literal["branch"]
    parameter: Literal["beta1", "beta2", "eps", "weight_decay"]
    low: Number
    high: Number
    stability: Literal["attracting", "repelling", "saddle", "undecided"]
    tubes: Annotated[list[TubeEntry], Field(min_length=1, max_length=MOST_TUBES)]
    joints: Annotated[list[JointEntry], Field(max_length=MOST_TUBES)]

    @property
    def leaves(self) -> tuple[()]:
        """None: no box is divided."""
        return ()
