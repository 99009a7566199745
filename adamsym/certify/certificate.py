"""Certificates: what was proven, as JSON that :mod:`adamsym.checker` re-checks by itself."""

import math
from importlib.metadata import version
from typing import Any

import numpy as np

from adamsym.certificates.form import digest_of
from adamsym.certify.epoch_function import EpochFunction
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.interpolation.minima_set import MinimaSet
from adamsym.certify.interpolation.regions import LyapunovBall
from adamsym.certify.lyapunov.box_regions import LyapunovRegion
from adamsym.certify.minima import common_factor
from adamsym.certify.outcomes import as_json
from adamsym.certify.zeros.all_zeros import Zero, Zeros
from adamsym.certify.zeros.minima_boxes import MinimaInBox
from adamsym.certify.zeros.one_zero import CriticalPoint, OneZero
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.results import Result
from adamsym.expressions.writing import expression_text
from adamsym.gradients import SymbolicGradient
from adamsym.gradients.record import problem_record
from adamsym.methods import Method

RATE_MARGIN = 0.98
"""The certificate claims this share of the rate, and a witness's bounds wider by it: the checker's arithmetic has its
own small excess."""

BALL_MARGIN = 0.999
"""The same for what is said of a box around a point, which is proved of a box wider by a thousandth."""

_NAMED_BY_PROOFS = ("coordinate", "direction", "zero", "region", "reason")
"""What the leaves of zeros may name; null where they do not."""


class Certifiable(Result):
    """A result of a layer above that says itself what its certificate holds."""

    def certificate_content(self) -> dict[str, Any]:
        """Return the certificate without its digest."""
        raise NotImplementedError


@checked_arguments
def certificate(found: Zeros | OneZero | LyapunovRegion | LyapunovBall | Certifiable) -> dict[str, Any]:
    """Return the certificate, as JSON data, of zeros, a set of minima, a branch of zeros, or a Lyapunov region.

    Its form is published in ``docs/certificate.schema.json``; write it with ``json.dump``.
    """
    if isinstance(found, Certifiable):
        content = found.certificate_content()
    elif isinstance(found, LyapunovBall):
        content = _ball(found)
    elif isinstance(found, OneZero):
        content = _one_zero(found)
    else:
        content = _zeros(found) if isinstance(found, Zeros) else _lyapunov(found)
    return content | {"digest": digest_of(content)}


def _head(problem: SymbolicGradient, method: Method, box: FloatArray) -> dict[str, Any]:
    return head_of(problem, method) | {"box": box.tolist()}


def head_of(problem: SymbolicGradient, method: Method) -> dict[str, Any]:
    """Return what all certificates begin with."""
    return {
        "format": "adamsym certificate 3",
        "made_by": {name: version(name) for name in ("adamsym", "python-flint", "sympy", "numpy")},
        "problem": problem_record(problem, method),
    }


def _zeros(found: Zeros) -> dict[str, Any]:
    function = _field_of(found)
    return _head(function.problem, function.method, found.box) | {"kind": "zeros"} | zeros_in_box(found)


def zeros_in_box(found: Zeros) -> dict[str, Any]:
    """Return what a certificate says of the zeros in its box."""
    leaves = [
        {"box": [list(side) for side in box]} | dict.fromkeys(_NAMED_BY_PROOFS) | as_json(outcome)
        for box, outcome in found.leaves
    ]
    return {
        "complete": found.complete,
        "zeros": [_zero(zero) for zero in found.zeros],
        "beyond": [_zero(zero) for zero in found.beyond],
        "clusters": [
            {
                "box": cluster.box.tolist(),
                "by": cluster.by,
                "point": None if cluster.point is None else [str(x) for x in cluster.point],
                "preconditioner": None if cluster.preconditioner is None else cluster.preconditioner.tolist(),
            }
            for cluster in found.clusters
        ],
        "sets": [_minima_in_box(one) for one in found.sets],
        "leaves": leaves,
    }


def _minima_in_box(found: MinimaInBox) -> dict[str, Any]:
    point = None
    if found.center is not None and found.inverse is not None and found.near is not None:
        near = found.near / BALL_MARGIN
        point = {"center": found.center.tolist(), "inverse": found.inverse.tolist(), "near": near}
    return {"dimension": found.dimension, "rows": list(found.rows), "point": point}


def _field_of(found: Zeros | OneZero) -> FieldFunction | EpochFunction:
    if not isinstance(found.function, FieldFunction | EpochFunction):
        raise NotApplicable("found: a certificate is about the field of a problem; give zeros of an AdamField")
    return found.function


def _one_zero(found: OneZero) -> dict[str, Any]:
    function, zero = _field_of(found), found.zero
    if found.minima is not None:
        return head_of(function.problem, function.method) | _minima_set(found.minima)
    if zero is None:
        raise NotApplicable(f"found: no zero is certified, of which there could be a certificate: {found.reason}")
    own = ("box", "midpoint", "stability", "stability_matrix", "critical_point", "point")
    return _head(function.problem, function.method, zero.unique_in) | {
        "kind": "one zero",
        "preconditioner": zero.preconditioner.tolist(),
        "zero": {key: value for key, value in _zero(zero).items() if key in own},
        "critical": None if found.critical is None else _critical(found.critical),
    }


def _minima_set(found: MinimaSet) -> dict[str, Any]:
    return {
        "kind": "set of minima",
        "dimension": found.dimension,
        "rows": list(found.rows),
        "center": found.center.tolist(),
        "inverse": found.inverse.tolist(),
        "near": min(found.near / BALL_MARGIN, found.radius),
        "radius": _or_all(found.radius),
        "alone": None if found.alone is None else {"radius": _or_all(found.alone)},
    }


def _or_all(radius: float) -> float | None:
    """A half-width; None for all of space."""
    return None if math.isinf(radius) else radius


def _critical(critical: CriticalPoint) -> dict[str, Any]:
    low, high = critical.distance
    return {
        "box": critical.box.tolist(),
        "unique_in": critical.unique_in.tolist(),
        "preconditioner": critical.preconditioner.tolist(),
        "kind": critical.kind,
        "kind_matrix": critical.kind_matrix.tolist(),
        "distance": [low, high],
        "nearest": critical.nearest,
    }


def _zero(zero: Zero) -> dict[str, Any]:
    return {
        "box": zero.box.tolist(),
        "preconditioner": zero.preconditioner.tolist(),
        "midpoint": zero.midpoint.tolist(),
        "unique": True,
        "stability": zero.stability,
        "stability_matrix": zero.stability_matrix.tolist(),
        "critical_point": zero.critical_point,
        "point": None if zero.point is None else [str(x) for x in zero.point],
        "regions": [{"box": region.tolist(), "preconditioner": matrix.tolist()} for region, matrix in zero.regions],
    }


def _lyapunov(found: LyapunovRegion) -> dict[str, Any]:
    content = _head(found.source, found.adam, found.region) | {
        "verdict": found.verdict,
        "witness": _witness(found),
        "leaves": [
            {"box": [list(side) for side in box], "by": outcome.by, "reason": getattr(outcome, "reason", None)}
            for box, outcome in found.leaves
        ],
    }
    if found.source is not found.problem:
        return content | {"kind": "lyapunov function", "function": found.problem.text}
    factor = common_factor(found.problem)
    return content | {
        "kind": "lyapunov",
        "rate": None if found.rate is None or found.verdict != "certified" else RATE_MARGIN * found.rate,
        "factor": None if factor is None else expression_text(factor.factor, "certificate.factor"),
        "minima": [[str(x) for x in point] for point in found.minima],
    }


def _ball(found: LyapunovBall) -> dict[str, Any]:
    """What is certified around a point, with a little less than what was proved."""
    proof = found.proof if found.verdict == "certified" else None
    center = np.zeros(found.problem.dimension) if found.center is None else found.center
    # In a region that is not certified none may be proved.
    near = None if found.near is None or found.near > found.radius else found.near
    return head_of(found.problem, found.adam) | {
        "kind": "lyapunov ball",
        "verdict": found.verdict,
        "center": center.tolist(),
        "radius": None if found.is_global else found.radius,
        "inverse": [[] for _ in center] if found.inverse is None else found.inverse.tolist(),
        "balances": None if found.balances is None else [balance.tolist() for balance in found.balances],
        "near": None if near is None else min(near / BALL_MARGIN, found.radius),
        "decrease": None
        if proof is None
        else {
            "eta": float(proof.noise.eta) / BALL_MARGIN,
            "mu": float(proof.bounds.pl) * BALL_MARGIN,
            "c_0": float(proof.best.share) * BALL_MARGIN,
            "rate": (found.rate or 0.0) * BALL_MARGIN,
            "level": found.level,
        },
        "starts": [
            {
                "radius": starts.radius * BALL_MARGIN,
                "level": None if starts.level is None else starts.level * BALL_MARGIN,
                "within": starts.within,
                "rate": starts.rate * BALL_MARGIN,
            }
            for starts in (found.trapped, found.tube)
            if proof is not None and starts is not None
        ],
    }


def _witness(found: LyapunovRegion) -> dict[str, Any] | None:
    if found.witness is None or found.witness_bounds is None:
        return None
    low, high = found.witness_bounds
    return {"point": found.witness.tolist(), "bounds": [RATE_MARGIN * low, high / RATE_MARGIN]}
