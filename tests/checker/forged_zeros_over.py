"""Forgeries and rewritings of certificates of all zeros over hyper-parameters, registered beside the others."""

import copy
from fractions import Fraction

from forgeries import OVER, change_problem, forgery, middle
from rewritings import rewriting

from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients.record import problem_from_record
from adamsym.methods.record import parameters_of


def field_at(content, values):
    """The field with values of the parameters, or None."""
    problem, method = problem_from_record(content["problem"])
    given = dict(zip(content["parameters"], values, strict=True))
    try:
        return AdamField(problem, type(method)(**{**parameters_of(method), **given}))
    except (InputError, TypeError):
        return None


def corners(over):
    """The lowest values of a cell, the highest, and those in the middle."""
    ends = [(Fraction(low), Fraction(high)) for low, high in over]
    return [tuple(low + (high - low) * Fraction(k, 2) for low, high in ends) for k in (0, 1, 2)]


def leaves_out(content, box, over):
    """Whether f is known to have no zero in a box for some values: it has a strict sign there, by enclosures."""
    for values in corners(over):
        field = field_at(content, values)
        if field is not None:
            bounds = field.enclose(box)
            if ((bounds[:, 0] > 0) | (bounds[:, 1] < 0)).any():
                return True
    return False


def decided(content):
    return [cell for cell in content["cells"] if cell["zeros"] is not None]


@forgery(OVER)
def moved_region(base, content, rng):
    """A region is where no zero is for some values; what lies in it moves with it."""
    region = rng.choice(content["regions"])
    axis = rng.randrange(len(region["box"]))
    low, high = region["box"][axis]
    shift = rng.choice([-1, 1]) * (high - low) * rng.uniform(1, 3)
    region["box"][axis] = [low + shift, high + shift]
    return content if leaves_out(content, region["box"], region["over"]) else None


@forgery(OVER)
def part_of_a_region(base, content, rng):
    """A region is shrunk to a part without the zero."""
    region = rng.choice(content["regions"])
    low, high = region["box"][0]
    share = rng.uniform(0.02, 0.2)
    region["box"][0] = rng.choice([[low, low + share * (high - low)], [high - share * (high - low), high]])
    return content if leaves_out(content, region["box"], region["over"]) else None


@forgery(OVER)
def a_zero_less(base, content, rng):
    """A cell has all of its zeros but one."""
    zeros = rng.choice(decided(content))["zeros"]
    if zeros:
        zeros.remove(rng.choice(zeros))
    return content


@forgery(OVER)
def a_zero_more(base, content, rng):
    """A cell has a zero twice, or one of another cell."""
    cell, region = rng.choice(decided(content)), copy.deepcopy(rng.choice(content["regions"]))
    way = rng.choice(["twice", "copy", "of another"])
    if way == "twice":
        cell["zeros"] += cell["zeros"][:1]
    elif way == "copy":
        region["over"] = cell["over"]
        content["regions"].append(region)
        cell["zeros"].append(len(content["regions"]) - 1)
    else:
        cell["zeros"] += [k for k in range(len(content["regions"])) if k not in cell["zeros"]][:1]
    return content


@forgery(OVER)
def zeros_excluded(base, content, rng):
    """Where one zero is, none is said to be: its box gets a direction, or the sign of a coordinate."""
    inner = [one for one in content["proofs"] if "region" in one]
    own = rng.choice([one["region"] for one in inner])
    for one in inner:
        if one["region"] == own:
            del one["region"]
            way = rng.choice(["direction", "coordinate"])
            one[way] = [1.0] * len(one["box"]) if way == "direction" else 0
    for cell in decided(content):
        cell["zeros"] = [number for number in cell["zeros"] if number != own]
    return content


@forgery(OVER)
def an_undecided_cell_decided(base, content, rng):
    """An undecided cell has the zeros of another."""
    left = [cell for cell in content["cells"] if cell["zeros"] is None]
    if not left:
        return None
    rng.choice(left)["zeros"] = list(rng.choice(decided(content))["zeros"])
    return content


@forgery(OVER)
def beyond_the_values(base, content, rng):
    """The certificate speaks of more values than its cells."""
    side = rng.choice(content["over"])
    k = rng.randrange(2)
    side[k] = str(Fraction(side[k]) * (Fraction(99, 100) if k == 0 else Fraction(1001, 1000)))
    return content


@forgery(OVER)
def a_region_over_more_values(base, content, rng):
    """A region is said to hold over all values, and the box does not hold the zero of some."""
    region = rng.choice(content["regions"])
    region["over"] = content["over"]
    center, reach = middle(region["box"]), [(high - low) / 20 for low, high in region["box"]]
    if rng.random() < 0.5:
        region["box"] = [[m - r, m + r] for m, r in zip(center, reach, strict=True)]
    return content if leaves_out(content, region["box"], region["over"]) else None


@forgery(OVER)
def a_gap_in_the_cells(base, content, rng):
    """A cell or a proof is left out, or a box is a little shorter."""
    way = rng.choice(["cells", "proofs", "box", "over"])
    if way in ("cells", "proofs"):
        content[way].remove(rng.choice(content[way]))
    elif way == "box":
        box = rng.choice(content["proofs"])["box"]
        box[0][1] -= (box[0][1] - box[0][0]) * 10 ** rng.uniform(-9, -1)
    else:
        side = rng.choice(rng.choice(content["cells"])["over"])
        low, high = map(Fraction, side)
        side[1] = str(high - (high - low) / 10 ** rng.randint(1, 9))
    return content


@forgery(OVER)
def wrong_stability_over_a_cell(base, content, rng):
    region = rng.choice(content["regions"])
    kinds = [kind for kind in ("attracting", "repelling", "saddle") if kind != region["stability"]]
    if region["stability"] == "undecided":
        return None
    region["stability"] = rng.choice(kinds)
    if rng.random() < 0.5:
        region["stability_matrix"] = [[-x for x in row] for row in region["stability_matrix"]]
    return content


@forgery(OVER)
def other_parameters(base, content, rng):
    """The same cells, said to be over other numbers of the method."""
    k = rng.randrange(len(content["parameters"]))
    others = [name for name in ("beta1", "beta2", "eps", "weight_decay") if name not in content["parameters"]]
    content["parameters"][k] = rng.choice(others)
    regions = content["regions"]
    field = field_at(content, corners(content["over"])[0])
    return content if field is None or any(leaves_out(content, one["box"], one["over"]) for one in regions) else None


@forgery(OVER)
def zeros_of_another_problem(base, content, rng):
    """Other data, probabilities, batch or method: f has a strict sign over the box of a region."""
    if not change_problem(content["problem"], rng):
        return None
    return content if any(leaves_out(content, one["box"], one["over"]) for one in content["regions"]) else None


@rewriting(OVER)
def divided_cell(base, content, rng):
    """A cell in two: what holds over it holds over both."""
    k = rng.randrange(len(content["cells"]))
    cell, axis = content["cells"][k], rng.randrange(len(content["parameters"]))
    low, high = map(Fraction, cell["over"][axis])
    cut = str((low + high) / 2)
    first, second = copy.deepcopy(cell), copy.deepcopy(cell)
    first["over"][axis][1] = second["over"][axis][0] = cut
    content["cells"][k : k + 1] = [second, first]
    return content


@rewriting(OVER)
def divided_proof(base, content, rng):
    """A box in two."""
    k = rng.randrange(len(content["proofs"]))
    one = content["proofs"][k]
    axis = rng.randrange(len(one["box"]))
    low, high = one["box"][axis]
    first, second = copy.deepcopy(one), copy.deepcopy(one)
    first["box"][axis][1] = second["box"][axis][0] = middle([[low, high]])[0]
    content["proofs"][k : k + 1] = [second, first]
    return content


@rewriting(OVER)
def less_said_of_cells(base, content, rng):
    """A cell that is decided is said to be undecided, or a stability."""
    if rng.random() < 0.5:
        rng.choice(content["regions"]).update(stability="undecided", stability_matrix=[])
    else:
        rng.choice(content["cells"])["zeros"] = None
    return content


@rewriting(OVER)
def cells_in_another_order(base, content, rng):
    """Cells, proofs and regions in another order, and fractions in other words."""
    order = list(range(len(content["regions"])))
    rng.shuffle(order)
    content["regions"] = [content["regions"][k] for k in order]
    for one in content["proofs"]:
        if "region" in one:
            one["region"] = order.index(one["region"])
    for cell in decided(content):
        cell["zeros"] = [order.index(number) for number in cell["zeros"]]
    for entry in (*content["cells"], *content["proofs"]):
        entry["over"] = [
            [f"{3 * Fraction(x).numerator}/{3 * Fraction(x).denominator}" for x in s] for s in entry["over"]
        ]
    rng.shuffle(content["cells"])
    rng.shuffle(content["proofs"])
    return content
