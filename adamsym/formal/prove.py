"""Statements about the Adam field that Coq checks: what can be said of a problem, as a file with its proof."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.expressions.results import Result
from adamsym.formal.deciding import decide, decide_from_bounds
from adamsym.formal.export import Point, data_text, gradient_text, heading
from adamsym.formal.proofs import critical_lemmas, not_zero_theorem, sign_lemma, sign_theorem, zero_theorem
from adamsym.formal.quadrature import require_conditional
from adamsym.formal.setting import Setting, exact_point, require_real, setting_of
from adamsym.gradients.source import StochasticGradient
from adamsym.methods.adam import NAdam
from adamsym.methods.recursion import Method

PREMISE = "the quadrature lemma (T4 and T5 of docs/theory.md), which is proved on paper and not in Coq"
"""What a conditional statement assumes."""

_CONDITIONAL = (
    "CONDITIONAL: the theorem has a premise, quadrature_lemma : QuadratureLemma, which is T4 and T5 of theory.md.\n"
    "   It is proved on paper and not in Coq; its terms of error stand in the library's file Quadrature.v:\n"
    "   trapezoidal_error, error_below, error_above, taylor_error and series_error, all of them computed by Coq here."
)


@dataclass(frozen=True, repr=False)
class FormalStatement(Result):
    """A statement for Coq, or why there is none. It is proved once ``coqc`` has accepted the text.

    Attributes
    ----------
    statement
        What is stated, in words.
    method
        The theorem of the library that it rests on, in words; what is missing where nothing was decided.
    theorem
        The name of the theorem in the text; empty where nothing was decided.
    text
        The file for Coq; empty where nothing was decided.
    premise
        What the theorem assumes, in words; empty where it assumes nothing.
    """

    statement: str
    method: str
    theorem: str
    text: str
    premise: str = ""

    @property
    def grade(self) -> str:
        """What the statement is once ``coqc`` has accepted it: "formal", or "conditional" on its premise."""
        return "conditional" if self.premise else "formal"

    @property
    def decided(self) -> bool:
        """Whether there is a text."""
        return bool(self.text)

    @property
    def verdict(self) -> str:
        """ "stated": Coq is still to be asked; or "undecided"."""
        return "stated" if self.decided else "undecided"

    @property
    def summary(self) -> str:
        """The statement, with the word "conditional" before it if it has a premise."""
        return f"conditional: {self.statement}" if self.premise else self.statement

    def to_dict(self) -> dict[str, str]:
        """Return the statement, its grade, the method and the name of the theorem as JSON data."""
        found = {"statement": self.statement, "grade": self.grade, "method": self.method, "theorem": self.theorem}
        return found | ({"premise": self.premise} if self.premise else {})


def prove_sign(
    problem: StochasticGradient,
    method: Method,
    theta: Sequence[Number] | Mapping[str, Number],
    coordinates: Sequence[str] = (),
    conditional: bool = False,
) -> FormalStatement:
    """Return the sign of components of the field at a point, with a proof for Coq from Adam's recursion.

    The sign holds for every beta1 where the sign lemma or the one-lag theorem decides it, else for the method's own
    beta1, by all histories of a few gradients. Floats look for the proof; that it is one, Coq alone says.

    Parameters
    ----------
    problem, method
        Finitely many rows, drawn independently; a loss, or a vector field, of quotients of polynomials and of exp, log,
        sqrt, tanh, sigmoid, softplus, sin and cos; a method whose recursion the Coq library has.
    theta
        The point. A float is the shortest decimal that prints it; fractions and text are taken exactly.
    coordinates
        Parameters whose components are stated; all of them if omitted.
    conditional
        Whether the quadrature lemma may be a premise of the theorem, where no theorem decides without it: the statement
        is then *conditional*. It reaches much nearer to a zero, for the method's own beta1, where no gradient is 0.

    Raises
    ------
    NotApplicable
        If the library has no definition for the problem or the method.
    InputError
        If the point or a coordinate is not allowed.
    """
    setting = setting_of(problem, method)
    point = exact_point(theta, setting)
    require_real(problem, point, point)
    names = tuple(dict.fromkeys(coordinates)) or setting.names
    points = []
    for name in names:
        if name not in setting.names:
            raise InputError(
                f"--coordinate: {name!r} is no parameter; the parameters are {', '.join(setting.names[:6])}"
            )
        found = _decided(setting, point, setting.names.index(name), f"at_{name}", conditional)
        if found is None:
            return _undecided(setting, point, name, conditional)
        points.append(found)
    signs = ", ".join(
        f"f_{name}({_shown(point)}) {'>' if found.decision.sign > 0 else '<'} 0"
        for name, found in zip(names, points, strict=True)
    )
    theorem, proof = sign_theorem(setting, points)
    return _statement(setting, signs, points, theorem, "".join(sign_lemma(setting, p) for p in points) + proof)


def prove_not_zero(
    problem: StochasticGradient, method: Method, theta: Sequence[Number] | Mapping[str, Number]
) -> FormalStatement:
    """Return that a critical point of the loss is no zero of the field, with a proof for Coq.

    Parameters and errors as of :func:`prove_sign`; also InputError if the point is not exactly critical, and
    NotApplicable unless the loss is a rational expression.
    """
    setting = setting_of(problem, method)
    point = exact_point(theta, setting)
    if not setting.rational:
        raise NotApplicable(
            "--not-zero: it is for rational losses, whose derivative at a rational point is exactly 0 or is not; "
            "--at states the sign of the field"
        )
    require_real(problem, point, point)
    if setting.method.exact_decay:
        raise NotApplicable("adam.method: with weight decay a critical point of the loss is not asked to be a zero")
    for k, name in enumerate(setting.names):
        mean = sum(p * g for p, g in setting.gradients(point, k))
        if mean:
            raise InputError(
                f"--at: the derivative of the loss by {name} is {mean} there, and not 0: no critical point"
            )
    for k, name in enumerate(setting.names):
        found = _decided(setting, point, k, f"at_{name}")
        if found is not None:
            text, labels = critical_lemmas(setting, found)
            theorem, proof = not_zero_theorem(setting, [found], labels)
            words = f"{_shown(point)} is a critical point of the loss, and f_{name} is not 0 there"
            return _statement(
                setting, words, [found], theorem, sign_lemma(setting, found) + text + proof, all_gradients=True
            )
    return _undecided(setting, point, ", ".join(setting.names))


def prove_zero(
    problem: StochasticGradient, method: Method, low: Number, high: Number, conditional: bool = False
) -> FormalStatement:
    """Return that the field of a problem with one parameter has a zero between two points, with a proof for Coq.

    ``conditional`` and errors as of :func:`prove_sign`; also NotApplicable for NAdam, whose continuity the library
    does not have, and InputError unless ``low`` is below ``high``.
    """
    setting = setting_of(problem, method)
    if len(setting.names) != 1 or isinstance(method, NAdam):
        raise NotApplicable("--zero: a zero between two points is stated for one parameter, and not for NAdam")
    ends = (exact_rational(low, "--zero"), exact_rational(high, "--zero"))
    if not ends[0] < ends[1]:
        raise InputError(f"--zero: {ends[0]} is not below {ends[1]}")
    require_real(problem, ends[:1], ends[1:])
    labels = ("low", "high")
    found = [_decided(setting, (end,), 0, label, conditional) for end, label in zip(ends, labels, strict=True)]
    for end, point in zip(ends, found, strict=True):
        if point is None:
            return _undecided(setting, (end,), setting.names[0], conditional)
    first, second = (point for point in found if point is not None)
    if first.decision.sign == second.decision.sign:
        word = "positive" if first.decision.sign > 0 else "negative"
        raise InputError(
            f"--zero: the field is {word} at {ends[0]} and at {ends[1]}; a zero is stated where its sign changes"
        )
    points = _same_beta1(first, second)
    theorem, proof = zero_theorem(setting, *points)
    words = f"the field has a zero strictly between {ends[0]} and {ends[1]}"
    return _statement(setting, words, list(points), theorem, "".join(sign_lemma(setting, p) for p in points) + proof)


def _same_beta1(first: Point, second: Point) -> tuple[Point, Point]:
    """Both signs for every beta1, or both for the same number: an only one is then asked of both."""
    numbers = {p.decision.for_beta1 for p in (first, second)} - {None}
    if not numbers or first.decision.for_beta1 == second.decision.for_beta1:
        return first, second
    number = numbers.pop()

    def fixed(point: Point) -> Point:
        return replace(point, decision=replace(point.decision, for_beta1=number))

    return fixed(first), fixed(second)


def _decided(
    setting: Setting, point: tuple[Fraction, ...], coordinate: int, label: str, conditional: bool = False
) -> Point | None:
    if conditional:
        require_conditional(setting)
    if setting.rational:
        decision = decide(setting, setting.law(point, coordinate), conditional)
    else:
        decision = decide_from_bounds(setting, setting.law_bounds(point, coordinate))
    if decision is None or decision.sign * setting.method.exact_decay * point[coordinate] > 0:
        return None
    return Point(label, point, coordinate, decision)


def _shown(point: Sequence[Fraction]) -> str:
    text = ", ".join(str(x) for x in point)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _of_beta1(setting: Setting, points: Sequence[Point]) -> str:
    numbers = [p.decision.for_beta1 for p in points if p.decision.for_beta1 is not None]
    if not setting.every_beta1:
        return ""
    return f"for beta1 = {numbers[0]}" if numbers else "for every beta1 in [0, 1)"


def _statement(
    setting: Setting, words: str, points: list[Point], theorem: str, proofs: str, all_gradients: bool = False
) -> FormalStatement:
    method = setting.method
    numbers = f"beta2 = {method.beta}, eps = {method.epsilon}"
    decay = f", weight decay {method.exact_decay}" if method.exact_decay else ""
    what = f"{words}, {_of_beta1(setting, points)}".rstrip(", ") + f"; {type(method).__name__}, {numbers}{decay}"
    loss = "" if setting.loss is None else f"loss {setting.loss}"
    conditional = any(p.decision.conditional for p in points)
    lines = [
        *([_CONDITIONAL] if conditional else []),
        what + ".",
        f"Problem: {loss or 'a vector field'}; {len(setting.rows)} rows, minibatches of {setting.batch_size}.",
        "The library stands in the folder that `adamsym prove --library` writes; check this file with",
        "coqc -R THAT_FOLDER Adamsym THIS_FILE",
    ]
    coordinates = range(len(setting.names)) if all_gradients else dict.fromkeys(p.coordinate for p in points)
    text = (
        heading(lines, conditional)
        + data_text(setting)
        + "".join(gradient_text(setting, k) for k in coordinates)
        + proofs
    )
    return FormalStatement(
        what, "; ".join(dict.fromkeys(p.decision.words for p in points)), theorem, text, PREMISE if conditional else ""
    )


def _undecided(setting: Setting, point: Sequence[Fraction], name: str, conditional: bool = False) -> FormalStatement:
    reason = (
        "none of the sign lemma, the one-lag theorem and all histories of a few gradients decides it; near a zero of "
        "the field only a value can, see adamsym field --enclose"
    )
    if conditional:
        reason = f"not even the quadrature lemma, as a premise, decides it within the nodes allowed; {reason}"
    return FormalStatement(f"the sign of f_{name} at {_shown(point)}: undecided", reason, "", "")


def library_files() -> dict[str, str]:
    """Return the Coq library: its files by name, in no order; ``_CoqProject`` and ``Makefile`` compile them."""
    folder = files("adamsym.formal") / "library"
    return {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".v") or entry.name in ("_CoqProject", "Makefile")
    }


def write_library(folder: Path) -> list[Path]:
    """Write the Coq library into a folder, which is made if it is not there, and return the files' paths.

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in sorted(library_files().items()):
            (folder / name).write_text(text, encoding="utf-8")
            written.append(folder / name)
    except OSError as error:
        raise InputError(f"--library: cannot write to {str(folder)[:80]!r}: {error.strerror}") from None
    return written
