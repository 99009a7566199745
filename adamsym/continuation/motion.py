"""How fast the zero of a certified branch moves with beta2: proven bounds of dtheta/dbeta2 = -Df^-1 df/dbeta2."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import flint
import numpy as np

from adamsym.certify.field_function import FieldFunction
from adamsym.certify.zeros.krawczyk import approximate_inverse, krawczyk
from adamsym.continuation.certified import CertifiedBranch
from adamsym.continuation.tube_proofs import Tube
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.columns import parameter_names
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.results import Result, counted, plain
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.enclosure import hulls
from adamsym.field.ball.law import BallLaw
from adamsym.field.slopes.in_beta import slope_in_beta
from adamsym.methods import LaplaceForm
from adamsym.methods.method import AdaptiveMethod, require_formulas

_TOLERANCE = 1e-12
"""Of enclosures over pieces, as a share of f's scale."""

MOST_HALVINGS = 7
"""How often a tube is halved while the sign of a component is open."""


@dataclass(frozen=True, repr=False)
class Motion(Result):
    """For every value from ``low`` to ``high`` the zero is in ``box`` and moves with ``speed``, shapes (d, 2)."""

    low: Fraction
    high: Fraction
    box: FloatArray
    speed: FloatArray

    @property
    def verdict(self) -> str:
        """Certified."""
        return "certified"

    @property
    def summary(self) -> str:
        """Over which values, and how many coordinates are proven to increase or to decrease."""
        up, down = self.signs.count(1), self.signs.count(-1)
        values = f"for beta2 from {float(self.low):g} to {float(self.high):g}"
        return f"{counted(len(self.speed), 'coordinate')} {values}: {up} increase, {down} decrease"

    def to_dict(self) -> dict[str, Any]:
        """Return the values, the box and the bounds of the speed in lists, ready for JSON."""
        values = [float(self.low), float(self.high)]
        return {"value": values, "enclosure": plain(self.box), "speed": plain(self.speed), "signs": list(self.signs)}

    def columns(self, names: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row for each parameter: the ends of the zero's box and of its speed."""
        boxes, words = {"zero": self.box, "speed": self.speed}, ("lower", "upper")
        ends = {f"{name}_{end}": box[:, k] for name, box in boxes.items() for k, end in enumerate(words)}
        return {"parameter": parameter_names(names, len(self.box), ()), **ends}

    @property
    def signs(self) -> tuple[int, ...]:
        """Whether each coordinate of the zero is proven to increase, 1, or to decrease, -1; else 0."""
        return tuple(int(low > 0) - int(high < 0) for low, high in self.speed)


@checked_arguments
def enclose_motion(branch: CertifiedBranch) -> tuple[Motion, ...]:
    """Return proven bounds of dtheta/dbeta2 along a certified branch over beta2, piece after piece.

    By the theorem on implicit functions Df dtheta/dbeta2 = -df/dbeta2, and all three are enclosed over each piece of
    each tube (theory N-Proposition 8). A tube is halved up to seven times where the sign of a component is open. Bounds
    are crude where a row's gradient may be 0 in the tube, and infinite where Df may have no inverse.

    Raises
    ------
    NotApplicable
        For another parameter than beta2; for methods whose lag weights depend on it; for minibatches that are too many
        to be listed.

    Examples
    --------
    >>> from adamsym import Adam, AdamField, Empirical, Problem, certify_branch
    >>> problem = Problem("(theta - x)**2/2", parameters=["theta"], law=Empirical({"x": [0, 0, 3]}))
    >>> found = certify_branch(AdamField(problem, Adam()), "beta2", "0.99", "0.991", [1.0])
    >>> {piece.signs for piece in enclose_motion(found)}
    {(1,)}
    """
    if branch.axis.name != "beta2":
        raise NotApplicable(f"branch: its parameter is {branch.axis.name}; how zeros move is enclosed for beta2 alone")
    method = require_formulas(branch.field.adam, "a proof over a range of beta2")
    function = FieldFunction(branch.field)
    with ball_arithmetic():
        return tuple(piece for tube in branch.tubes for piece in _pieces(function, method, tube))


def _pieces(function: FieldFunction, method: AdaptiveMethod, tube: Tube, halvings: int = 0) -> Iterator[Motion]:
    """The motion over a tube, or a part of one: over halves of it while a sign is open."""
    form = method.laplace_over("beta2", tube.low, tube.high)
    over = function.with_form(form)
    box, jacobian = _narrowed(over, tube)
    motion = Motion(tube.low, tube.high, box, _speed(over, form, box, jacobian))
    if all(motion.signs) or halvings == MOST_HALVINGS or tube.low == tube.high:
        yield motion
        return
    middle = (tube.low + tube.high) / 2
    for low, high in ((tube.low, middle), (middle, tube.high)):
        yield from _pieces(function, method, replace(tube, low=low, high=high, box=box), halvings + 1)


def _narrowed(function: FieldFunction, tube: Tube) -> tuple[FloatArray, list[list[flint.arb]]]:
    """A box in the tube's that holds its zeros too, by Krawczyk's operator, and Df over it."""
    box = tube.box
    over = function.enclose(hulls(box), True, _TOLERANCE)
    inverse = approximate_inverse(over.jacobian)
    image = krawczyk(function, box, tube.preconditioner if inverse is None else inverse, _TOLERANCE, over)
    if image is None or not np.isfinite(image).all():
        return box, over.jacobian
    narrow = np.stack([np.maximum(image[:, 0], box[:, 0]), np.minimum(image[:, 1], box[:, 1])], axis=1)
    assert (narrow[:, 0] <= narrow[:, 1]).all(), "a tube without a zero"
    return narrow, function.enclose(hulls(narrow), True, _TOLERANCE).jacobian


def _speed(function: FieldFunction, form: LaplaceForm, box: FloatArray, jacobian: list[list[flint.arb]]) -> FloatArray:
    """Bounds of -Df^-1 df/dbeta2 over a box."""
    laws = function.at(hulls(box)).laws
    if not all(isinstance(law, BallLaw) for law in laws):
        raise NotApplicable("branch: how zeros move is enclosed where the minibatches are few enough to be listed")
    # f = -F - decay theta.
    moved = [slope_in_beta(law, form) for law in laws if isinstance(law, BallLaw)]
    try:
        solved = flint.arb_mat(jacobian).solve(flint.arb_mat([[entry] for entry in moved]))
    except ZeroDivisionError:
        return np.full_like(box, [-np.inf, np.inf])
    return np.array([outward(row[0]) for row in solved.tolist()])
