"""Forgeries and rewritings of certificates of one zero, registered beside the others."""

import copy
from functools import cache

import numpy as np
from bases import WELLS
from forgeries import change_problem, contains, field_of, forgery, largest_gradient, middle, placed
from rewritings import rewriting

from adamsym.certify import certificate, certify_zero

KIND = "one zero"


def shifted(box, axis, shift):
    return [[a + shift * (j == axis), b + shift * (j == axis)] for j, (a, b) in enumerate(box)]


def a_shift(box, rng):
    """An axis, and more than the box's length along it, and than zeros are known to."""
    axis = rng.randrange(len(box))
    return axis, rng.choice([-1, 1]) * max(1e-7, box[axis][1] - box[axis][0]) * 10 ** rng.uniform(0.35, 5)


@forgery(KIND)
def moved_zero_alone(base, content, rng):
    """The zero's box is where no zero is, inside of the region or not."""
    zero = content["zero"]
    placed(zero, shifted(zero["box"], *a_shift(zero["box"], rng)))
    return content if base.holds_a_zero(zero["box"]) is False else None


@forgery(KIND)
def region_with_two_zeros(base, content, rng):
    """The region reaches over another zero: it is not alone there."""
    near = middle(content["zero"]["box"])
    others = [zero.point for zero in base.zeros if np.abs(np.subtract(zero.point, near)).max() > 1e-3]
    if not others:
        return None
    other = rng.choice(others)
    content["box"] = [
        [min(a, x - rng.uniform(1e-3, 0.5)), max(b, x + rng.uniform(1e-3, 0.5))]
        for (a, b), x in zip(content["box"], other, strict=True)
    ]
    return content


@forgery(KIND)
def region_elsewhere(base, content, rng):
    """The zero does not lie in the region where it is said to be alone."""
    axis = rng.randrange(len(content["box"]))
    low, high = content["box"][axis]
    content["box"] = shifted(content["box"], axis, rng.choice([-1, 1]) * (high - low) * rng.uniform(0.6, 3))
    return content


@forgery(KIND)
def wrong_stability_of_one(base, content, rng):
    kinds = [kind for kind in ("attracting", "repelling", "saddle") if kind != base.content["zero"]["stability"]]
    content["zero"]["stability"] = rng.choice(kinds)
    if rng.random() < 0.5:
        content["zero"]["stability_matrix"] = [[-x for x in row] for row in content["zero"]["stability_matrix"]]
    return content


@forgery(KIND)
def wrong_kind_of_critical_point(base, content, rng):
    critical = content["critical"]
    if critical is None:
        return None
    critical["kind"] = rng.choice([kind for kind in ("minimum", "maximum", "saddle") if kind != critical["kind"]])
    if rng.random() < 0.5:
        critical["kind_matrix"] = [[-x for x in row] for row in critical["kind_matrix"]]
    return content


@forgery(KIND)
def wrong_distance(base, content, rng):
    """The bounds leave out the distance of the two points, which is known to about 1e-7."""
    critical = content["critical"]
    if critical is None:
        return None
    true = float(np.linalg.norm(np.subtract(middle(content["zero"]["box"]), middle(critical["box"]))))
    shift = 10 ** rng.uniform(-6, 1)
    way = rng.choice(["below", "above", "swapped"])
    low = max(0.0, true - 2 * shift)
    critical["distance"] = {"below": [low, true - shift], "above": [true + shift, true + 2 * shift]}.get(
        way, [1.0, 0.5]
    )
    return content if way != "below" or true - shift >= low else None


@forgery(KIND)
def moved_critical_point(base, content, rng):
    """No critical point is in its box, which leaves the true one out but not the region where that is alone."""
    critical = content["critical"]
    if critical is None:
        return None
    box = shifted(critical["box"], *a_shift(critical["box"], rng))
    away = np.abs(np.subtract(middle(box), middle(critical["box"]))).max()
    critical.update(box=box, distance=[0.0, critical["distance"][1] + 2 * len(box) * away])
    critical["nearest"] = False
    return content if contains(critical["unique_in"], box) else None


@cache
def another_critical_point():
    """A minimum of the wells that is not the critical point next to the zero between them."""
    return certificate(certify_zero(WELLS, [1.0]))["critical"]


@forgery(KIND)
def farther_critical_point(base, content, rng):
    """Another critical point, truly one and truly so far away, is said to be the nearest."""
    if base.field is not WELLS:
        return None
    critical = copy.deepcopy(another_critical_point())
    away = abs(middle(critical["box"])[0] - middle(content["zero"]["box"])[0])
    critical.update(distance=[away * (1 - 1e-6), away * (1 + 1e-6)], nearest=True)
    content["critical"] = critical
    return content


@forgery(KIND)
def critical_or_not(base, content, rng):
    """At a zero where the mean gradient is 0 it is denied; or it is said that all rows' gradients are 0."""
    zero = content["zero"]
    if zero["critical_point"] is None:
        return None
    symmetric = len(base.zeros) == 1 and np.abs(base.field.problem.gradient(base.zeros[0].point)).max() == 0
    if symmetric and rng.random() < 0.5:
        zero["critical_point"] = "no"
        return content
    zero.update(critical_point="yes", point=[repr(x) for x in middle(zero["box"])])
    return content if largest_gradient(base.field.problem, middle(zero["box"])) > 1e-6 else None


@forgery(KIND)
def zero_of_another_problem(base, content, rng):
    """With other data or parameters f is not 0 there, by far more than it can change in the box."""
    if not change_problem(content["problem"], rng):
        return None
    field = field_of(content["problem"])
    box = content["zero"]["box"]
    if field is None or max(b - a for a, b in box) > 1e-8:
        return None
    return content if np.abs(field(middle(box))).max() > 1e-4 else None


# --- true, in other words --------------------------------------------------------------------------------------------


@rewriting(KIND)
def less_said_of_one_zero(base, content, rng):
    zero = content["zero"]
    zero.update(stability="undecided")
    if rng.random() < 0.5:
        content["critical"] = None
    elif content["critical"] is not None:
        content["critical"].update(kind="undecided", nearest=False)
    if "loss" in content["problem"]:
        zero.update(critical_point="undecided", point=None)
    return content


@rewriting(KIND)
def wider_boxes_of_one(base, content, rng):
    """Wider boxes around the two points, and wider bounds of their distance."""
    zero, critical = content["zero"], content["critical"]
    grown = [[a - (b - a) * rng.random(), b + (b - a) * rng.random()] for a, b in zero["box"]]
    if not contains(content["box"], grown):
        return None
    placed(zero, grown)
    if critical is not None:
        low, high = critical["distance"]
        widened = max(b - a for a, b in grown) * len(grown)
        critical.update(distance=[max(0.0, 0.9 * low - widened), 1.1 * high + widened], nearest=False)
    zero.update(critical_point=None if zero["critical_point"] is None else "undecided", point=None)
    return content


@rewriting(KIND)
def smaller_region(base, content, rng):
    """A part of the region around its middle, in which the zero's box lies."""
    share = rng.uniform(0.3, 0.99)
    centre = middle(content["box"])
    part = [[x - share * (x - a), x + share * (b - x)] for x, (a, b) in zip(centre, content["box"], strict=True)]
    if not contains(part, content["zero"]["box"]):
        return None
    content["box"] = part
    return content


@rewriting(KIND)
def other_helpers_of_one(base, content, rng):
    """What only helps proofs, changed a little."""
    content["preconditioner"] = [
        [x * (1 + 1e-4 * rng.uniform(-1, 1)) for x in row] for row in content["preconditioner"]
    ]
    content["zero"]["stability_matrix"] = [[2 * x for x in row] for row in content["zero"]["stability_matrix"]]
    if content["critical"] is not None:
        content["critical"]["kind_matrix"] = [[3 * x for x in row] for row in content["critical"]["kind_matrix"]]
    return content
