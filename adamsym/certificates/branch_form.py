"""The form of what is said of branches of zeros over an interval of a number of the method or of the data."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat

from adamsym.certificates.parts import AnyCertificate, Box, Matrix, Number, Part

MOST_TUBES = 100_000
MOST_LEAVES = 20_000
MOST_PARTS = 10_000

Parts = Annotated[int, Field(ge=1, le=MOST_PARTS)]


DataNumber = Annotated[str, Field(pattern=r"^data\.[A-Za-z][A-Za-z0-9_]*(\[[0-9]{1,9}\])?$", max_length=200)]


class TubeEntry(Part):
    """For every value of the parameter from ``low`` to ``high`` exactly one zero of f is in ``box``.

    Each coordinate's derivative in the value is within that of ``speed``, if there is one. The rest helps the proof:
    about how the zero moves, into how many equal parts the values are cut where f is enclosed, and into how many cells
    and parts the box and the values where Df is.
    """

    low: Number
    high: Number
    box: Box
    preconditioner: Matrix
    stability: Literal["attracting", "repelling", "saddle", "undecided"]
    stability_matrix: Matrix
    speed: Box | None = None
    velocity: Annotated[list[FiniteFloat], Field(max_length=1000)] | None = None
    cells: Parts = 1
    slope_parts: Parts = 1
    parts: Parts = 1


class JointEntry(Part):
    """Where two tubes meet, a zero is in ``box``, which lies in the boxes of both: so they hold the same zero there."""

    box: Box
    preconditioner: Matrix


class FoldLeaf(Part):
    """A box in which ``direction`` times f is not 0; or which lies in the box of the fold's zero ``zero``."""

    box: Box
    direction: list[FiniteFloat] | None = None
    zero: Annotated[int, Field(ge=0, le=1)] | None = None


class NondegenerateEntry(Part):
    """In a fold's box Df is singular at one zero, for all values together, where the branch turns back as a parabola.

    ``leaves`` fill the box: on those with a direction f is not 0, on the others Df is regular at all zeros, or these
    turn to the fold's side. ``right`` and ``left`` are about the kernels of Df at the fold, and ``inverse`` is about
    that of the matrix that Df makes with them: they help the proof.
    """

    right: Annotated[list[FiniteFloat], Field(max_length=1000)]
    left: Annotated[list[FiniteFloat], Field(max_length=1000)]
    inverse: Matrix
    leaves: Annotated[list[FoldLeaf], Field(min_length=1, max_length=MOST_LEAVES)]


class FoldEntry(Part):
    """After tube ``after`` the branch turns back: the next tube ends where this one does, at the value ``present``.

    At ``present`` exactly two zeros of f are in ``box``, one in the box of each of ``zeros``, which lie in the two
    tubes: ``at_present`` fills the box. At ``absent`` none is: ``at_absent`` fills it. For no value between is one on
    its border: ``border`` fills its faces. So a connected set of zeros in ``box`` joins the two, for values from
    ``present`` to less than ``absent``, and at one of them Df is singular. With ``nondegenerate`` there is no other
    singular zero in the box for these values, the zeros are one curve, and the fold is nondegenerate.
    """

    after: Annotated[int, Field(ge=0)]
    present: Number
    absent: Number
    box: Box
    zeros: Annotated[list[JointEntry], Field(min_length=2, max_length=2)]
    at_present: Annotated[list[FoldLeaf], Field(min_length=1, max_length=MOST_LEAVES)]
    at_absent: Annotated[list[FoldLeaf], Field(min_length=1, max_length=MOST_LEAVES)]
    border: Annotated[list[FoldLeaf], Field(min_length=2, max_length=MOST_LEAVES)]
    parts: Parts = 1
    nondegenerate: NondegenerateEntry | None = None


class ChangeEntry(Part):
    """Between two tubes the stability changes, and a pair of complex eigenvalues of Df crosses the imaginary axis."""

    before: Annotated[int, Field(ge=0)]
    after: Annotated[int, Field(ge=0)]


class BranchCertificate(AnyCertificate):
    """For every value of ``parameter`` from ``low`` to ``high`` a zero of f, on one connected branch.

    The tubes follow one another along the branch: each begins where the one before ends, and the values grow, or fall,
    but at ``folds``. In the box of a value's tube the zero is the only one, and continuous in the value. ``parameter``
    is a number of the method, or one in the data: "data.x[2]" is the entry of the column x in row 2, counted from 0,
    "data.x" that of all rows, "data.weights[2]" the probability of row 2, beside which the others keep their
    proportions. All other numbers are those of ``problem``. ``stability`` is that of the zeros of all tubes;
    ``changes`` says where it changes, but at folds. Of zeros elsewhere nothing is said.
    """

    kind: Literal["branch"]
    parameter: Literal["beta1", "beta2", "eps", "weight_decay"] | DataNumber
    low: Number
    high: Number
    stability: Literal["attracting", "repelling", "saddle", "undecided"]
    tubes: Annotated[list[TubeEntry], Field(min_length=1, max_length=MOST_TUBES)]
    joints: Annotated[list[JointEntry], Field(max_length=MOST_TUBES)]
    folds: Annotated[list[FoldEntry], Field(default_factory=list, max_length=1000)]
    changes: Annotated[list[ChangeEntry], Field(default_factory=list, max_length=1000)]

    @property
    def leaves(self) -> tuple[()]:
        """None: no box is divided."""
        return ()
