"""The form of what is said of all zeros in a box, for all values of one or two hyper-parameters."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from adamsym.certificates.parts import Box, BoxCertificate, Matrix, Number, Part

MOST_CELLS, MOST_PROOFS = 100_000, 200_000

NumberInterval = Annotated[list[Number], Field(min_length=2, max_length=2)]
Values = Annotated[list[NumberInterval], Field(min_length=1, max_length=2)]
"""Of each hyper-parameter the lowest and the highest value."""


class CellEntry(Part):
    """For every value in ``over`` the zeros in the box are exactly those in these of ``regions``.

    It is null where that is not known.
    """

    over: Values
    zeros: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=1000)] | None


class RegionEntry(Part):
    """For every value in ``over`` exactly one zero of f is in ``box``, of this stability."""

    over: Values
    box: Box
    preconditioner: Matrix
    stability: Literal["attracting", "repelling", "saddle", "undecided"]
    stability_matrix: Matrix


class OverLeaf(Part):
    """For every value in ``over`` no zero is in ``box``, or only that of a region.

    It names one of three: the ``coordinate`` of f whose sign the sign lemmas prove; a ``direction`` y with y f != 0; or
    the ``region`` that it lies in.
    """

    over: Values
    box: Box
    coordinate: Annotated[int, Field(ge=0)] | None = None
    direction: list[FiniteFloat] | None = None
    region: Annotated[int, Field(ge=0)] | None = None


class ZerosOverCertificate(BoxCertificate):
    """All zeros of f in ``box`` for the values of ``parameters`` in ``over``, but for the undecided ``cells``.

    The cells are what repeated halving of ``over`` leaves. What is said over larger values than a cell's holds in it.
    The other numbers of the method are those of ``problem``.
    """

    kind: Literal["zeros over parameters"]
    parameters: Annotated[list[Literal["beta1", "beta2", "eps", "weight_decay"]], Field(min_length=1, max_length=2)]
    over: Values
    cells: Annotated[list[CellEntry], Field(min_length=1, max_length=MOST_CELLS)]
    regions: Annotated[list[RegionEntry], Field(max_length=MOST_PROOFS)]
    proofs: Annotated[list[OverLeaf], Field(max_length=MOST_PROOFS)]

    @property
    def leaves(self) -> tuple[()]:
        """None: those of this kind are not checked one by one alone."""
        return ()
