"""The form of what is said of sets of minima: in a certificate of their own, and beside the zeros in a box."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from adamsym.certificates.parts import AnyCertificate, Matrix, Part

Rows = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=1000)]


class Alone(Part):
    """f has no other zeros in the box of half-width ``radius`` around the center; in all of R^d if it is null."""

    radius: Annotated[FiniteFloat, Field(gt=0)] | None


class MinimaSetCertificate(AnyCertificate):
    """The points with L = 0 form a manifold of this ``dimension`` in a box around ``center``, or in all of R^d.

    The box has the half-width ``radius``, and is all of R^d if it is null. Within ``near`` of the center, in the sup
    norm, there is such a point; and f vanishes at all of them. ``rows``: the residuals of the others are combinations
    of theirs. ``inverse`` is near an inverse from the right of the matrix of their gradients at the center; proofs need
    it.
    """

    kind: Literal["set of minima"]
    dimension: Annotated[int, Field(ge=1)]
    rows: Rows
    center: Annotated[list[FiniteFloat], Field(min_length=1, max_length=1000)]
    inverse: Matrix
    near: Annotated[FiniteFloat, Field(ge=0)]
    radius: Annotated[FiniteFloat, Field(gt=0)] | None
    alone: Alone | None

    @property
    def leaves(self) -> tuple[()]:
        """None: the region is proved whole."""
        return ()


class PointOfSet(Part):
    """Within ``near`` of ``center``, in the sup norm, there is a point with L = 0; the proof needs ``inverse``."""

    center: Annotated[list[FiniteFloat], Field(min_length=1, max_length=1000)]
    inverse: Matrix
    near: Annotated[FiniteFloat, Field(ge=0)]


class MinimaInBox(Part):
    """A set of minima in the leaves that name it: a manifold of this ``dimension``; ``point`` is in one of the leaves.

    The residuals of all rows are combinations of those of ``rows``. Without a point it may be empty.
    """

    dimension: Annotated[int, Field(ge=1)]
    rows: Rows
    point: PointOfSet | None
