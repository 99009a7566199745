"""Forgeries and rewritings of sets of minima, in certificates of their own and in those of zeros."""

from fractions import Fraction

import numpy as np
from forgeries import change_problem, field_of, forgery, inner_point
from rewritings import rewriting

KIND = "set of minima"

FITTED = 1e-10
"""A loss above which, with a gradient that is not tiny, no point with L = 0 is within 1e-9."""


def loss_at(field, point):
    return float(field.problem.mean_loss(np.array(point)))


def is_far_from_minima(field, center, near):
    """Whether no point with L = 0 is so near, by how much losses may change on the way."""
    if near > 1e-6:
        return False
    rows, slopes = field.problem.row_losses(center), field.problem.row_gradients(center)
    large = rows > FITTED
    # l = R^2/2 and the gradient of l is R a: R changes by at most near |a|_1, here with room for the curvature.
    return bool((rows[large] > near * np.abs(slopes[large]).sum(axis=1)).any())


# --- a certificate of its own ----------------------------------------------------------------------------------------


@forgery(KIND)
def another_dimension(base, content, rng):
    content["dimension"] += rng.choice([-1, 1]) if content["dimension"] > 1 else 1
    return content


@forgery(KIND)
def fewer_rows(base, content, rng):
    """A row less, and a dimension more, though its residual is no combination of the others'."""
    if len(content["rows"]) < 2:
        return None
    k = rng.randrange(len(content["rows"]))
    del content["rows"][k]
    content["dimension"] += 1
    content["inverse"] = [[x for j, x in enumerate(line) if j != k] for line in content["inverse"]]
    return content


@forgery(KIND)
def more_rows(base, content, rng):
    """A row that says the same as another, or the same row once more: their gradients are not independent."""
    record, rows = content["problem"], content["rows"]
    if content["dimension"] < 2:
        return None
    if rng.random() < 0.5:
        for column in (*record["columns"].values(), record["probabilities"]):
            column.append(column[rows[0]])
        half = str(Fraction(record["probabilities"][-1]) / 2)
        record["probabilities"][rows[0]] = record["probabilities"][-1] = half
        rows.append(len(record["probabilities"]) - 1)
    else:
        rows.append(rows[0])
    content["dimension"] -= 1
    content["inverse"] = [[*line, line[0] * rng.uniform(0, 1)] for line in content["inverse"]]
    return content


@forgery(KIND)
def row_of_no_data(base, content, rng):
    content["rows"][rng.randrange(len(content["rows"]))] = len(content["problem"]["probabilities"]) + rng.randrange(3)
    return content


@forgery(KIND)
def center_off_the_set(base, content, rng):
    """No point with L = 0 is near the new center."""
    k = rng.randrange(len(content["center"]))
    content["center"][k] += rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 0)
    return content if is_far_from_minima(base.field, np.array(content["center"]), content["near"]) else None


@forgery(KIND)
def over_a_critical_point(base, content, rng):
    """The region, or that without other zeros, reaches over a zero with L > 0 at which all gradients are 0."""
    if not base.zeros or content["radius"] is None:
        return None
    point = base.zeros[0].point
    away = max(abs(x - y) for x, y in zip(point, content["center"], strict=True))
    radius = away * (1 + 10 ** rng.uniform(-3, 1))
    if rng.random() < 0.5 and content["alone"] is not None:
        content.update(radius=rng.choice([radius, None]), alone={"radius": radius})
    else:
        content.update(radius=rng.choice([radius, None]), alone=rng.choice([content["alone"], None]))
    return content


@forgery(KIND)
def set_of_another_problem(base, content, rng):
    """Other data, probabilities or another method: no point with L = 0 is near, or f is not 0 there, or not alone."""
    record = content["problem"]
    if not change_problem(record, rng):
        return None
    field = field_of(record)
    if field is None:
        return None
    center = np.array(content["center"])
    if field.adam.laplace.decay != 0:
        return content
    return content if is_far_from_minima(field, center, content["near"]) else None


@forgery(KIND)
def set_of_a_flat_loss(base, content, rng):
    """The fourth power of the residual: its gradient vanishes at every point of the set."""
    text = content["problem"]["loss"]
    content["problem"]["loss"] = f"({text})**2" if rng.random() < 0.5 else text.replace(")**2", ")**4")
    return content


@forgery(KIND)
def set_of_no_square(base, content, rng):
    """What is added changes L = 0 into L < 0, or is no part of a square."""
    name = rng.choice(content["problem"]["parameters"])
    content["problem"]["loss"] += rng.choice([f" - {name}**2/100", f" + {name}/100", " - 1/10**9", f" + exp({name})"])
    return content


@forgery(KIND)
def boxes_in_the_wrong_order(base, content, rng):
    """The point may lie outside of the region, or f is alone in more than that."""
    if content["radius"] is None:
        return None
    way = rng.choice(["near", "alone", "everywhere"])
    if way == "near":
        content["near"] = content["radius"] * (1 + 10 ** rng.uniform(-3, 1))
    elif content["alone"] is None:
        return None
    else:
        content["alone"]["radius"] = None if way == "everywhere" else content["radius"] * (1 + 10 ** rng.uniform(-3, 1))
    return content


@forgery(KIND)
def inverse_of_nothing(base, content, rng):
    """An inverse of another shape, or of zeros: nothing is proven by it."""
    way = rng.choice(["zeros", "row", "column"])
    if way == "zeros":
        content["inverse"] = [[0.0 for _ in line] for line in content["inverse"]]
    elif way == "row":
        content["inverse"].append(content["inverse"][0])
    else:
        content["inverse"] = [[*line, 1.0] for line in content["inverse"]]
    return content


@rewriting(KIND)
def less_said_of_a_set(base, content, rng):
    content["near"] *= rng.uniform(1, 9)
    if content["radius"] is None:
        content["radius"] = 10 ** rng.uniform(-2, 1)
    else:
        content["radius"] *= rng.uniform(0.3, 1)
    if content["alone"] is not None:
        known = content["alone"]["radius"]
        most = content["radius"] if known is None else min(known, content["radius"])
        content["alone"] = rng.choice([None, {"radius": most * rng.uniform(0.3, 1)}])
    return content


@rewriting(KIND)
def rows_in_another_order(base, content, rng):
    order = list(range(len(content["rows"])))
    rng.shuffle(order)
    content["rows"] = [content["rows"][k] for k in order]
    content["inverse"] = [[line[k] for k in order] for line in content["inverse"]]
    return content


@rewriting(KIND)
def another_row_for_the_same(base, content, rng):
    """Of rows that say the same another one stands for all: the inverse is divided by how much more it says."""
    if base.name != "set of minima of one curve":
        return None
    content["rows"] = [1]
    content["inverse"] = [[x / 2 for x in line] for line in content["inverse"]]
    return content


# --- beside the zeros in a box ---------------------------------------------------------------------------------------


def a_leaf_of_a_set(content, rng):
    leaves = [leaf for leaf in content["leaves"] if leaf["by"] == "minima"]
    return rng.choice(leaves) if leaves else None


@forgery("zeros")
def set_of_another_dimension(base, content, rng):
    if not content["sets"]:
        return None
    one = rng.choice(content["sets"])
    if rng.random() < 0.5:
        one["dimension"] += 1
    else:
        one["rows"].append(one["rows"][0])
        one["dimension"] = max(1, one["dimension"] - 1)
    return content


@forgery("zeros")
def leaf_over_another_zero(base, content, rng):
    """The whole box is one leaf of a set, and holds a zero of f with L > 0."""
    leaf = a_leaf_of_a_set(content, rng)
    if leaf is None:
        return None
    others = [zero for zero in base.zeros if loss_at(base.field, zero.point) > FITTED]
    if not others:
        return None
    box = [
        [min(a, x - rng.uniform(1e-3, 0.5)), max(b, x + rng.uniform(1e-3, 0.5))]
        for (a, b), x in zip(leaf["box"], others[0].point, strict=True)
    ]
    content.update(box=box, leaves=[leaf | {"box": box}], sets=[content["sets"][leaf["set"]]], complete=True)
    content["leaves"][0]["set"] = 0
    content.update(zeros=[], beyond=[], clusters=[])
    return content


@forgery("zeros")
def point_off_its_set(base, content, rng):
    """The point of a set is none with L = 0, or lies in no leaf of its set."""
    if not content["sets"]:
        return None
    one = rng.choice(content["sets"])
    if one["point"] is None:
        return None
    center = inner_point(content["box"], rng)
    one["point"].update(center=center)
    return content if is_far_from_minima(base.field, np.array(center), one["point"]["near"]) else None


@forgery("zeros")
def set_without_leaves(base, content, rng):
    if not content["sets"]:
        return None
    content["sets"].append(rng.choice(content["sets"]))
    return content


@forgery("zeros")
def leaf_of_no_set(base, content, rng):
    leaf = a_leaf_of_a_set(content, rng)
    if leaf is None:
        return None
    leaf["set"] = rng.choice([None, len(content["sets"]) + rng.randrange(3)])
    return content


@forgery("zeros")
def sets_of_another_problem(base, content, rng):
    """With decay f is not 0 where L is; of a fourth power the gradients vanish; rows contradict each other."""
    record = content["problem"]
    if not content["sets"]:
        return None
    if rng.random() < 0.3:
        record["loss"] = record["loss"].replace(")**2", ")**4")
        return content
    if not change_problem(record, rng):
        return None
    field = field_of(record)
    points = [one["point"] for one in content["sets"] if one["point"] is not None]
    if field is None or field.adam.laplace.decay != 0:
        return content if field is not None else None
    far = [is_far_from_minima(field, np.array(point["center"]), point["near"]) for point in points]
    return content if any(far) else None


@rewriting("zeros")
def less_said_of_sets(base, content, rng):
    if not content["sets"]:
        return None
    for one in content["sets"]:
        if one["point"] is not None and rng.random() < 0.5:
            one["point"] = None
    return content
