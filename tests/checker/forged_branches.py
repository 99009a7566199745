"""Forgeries and rewritings of certificates of branches, registered beside the others."""

import copy
from fractions import Fraction

from forgeries import change_problem, contains, forgery, middle
from rewritings import rewriting

from adamsym.dynamics import find_zero
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients.entries import DataEntry, law_with
from adamsym.gradients.record import problem_from_record
from adamsym.methods.record import parameters_of

KIND = "branch"


def field_at(content, value):
    """The field with a value of the parameter, or None."""
    entry = DataEntry.named(content["parameter"])
    try:
        problem, method = problem_from_record(content["problem"])
        if entry is not None:
            return AdamField(problem.changed(law=law_with(entry, problem.law, value)), method)
        return AdamField(problem, type(method)(**{**parameters_of(method), content["parameter"]: value}))
    except InputError:
        return None


def leaves_out(content, tube, value):
    """Whether f is known to have no zero in a tube's box at a value: it has a strict sign there, by enclosures."""
    field = field_at(content, value)
    if field is None:
        return False
    bounds = field.enclose(tube["box"])
    return bool(((bounds[:, 0] > 0) | (bounds[:, 1] < 0)).any())


@forgery(KIND)
def moved_tube(base, content, rng):
    """A tube's box is where no zero is; the joints move with it."""
    tube = rng.choice(content["tubes"])
    axis = rng.randrange(len(tube["box"]))
    low, high = tube["box"][axis]
    shift = rng.choice([-1, 1]) * (high - low) * rng.uniform(1, 20)
    tube["box"][axis] = [low + shift, high + shift]
    content["joints"] = [
        joint | {"box": meeting(a["box"], b["box"]) or joint["box"]}
        for joint, a, b in zip(content["joints"], content["tubes"], content["tubes"][1:], strict=False)
    ]
    return content if leaves_out(content, tube, Fraction(tube["low"])) else None


def meeting(one, other):
    sides = [[max(a, c), min(b, d)] for (a, b), (c, d) in zip(one, other, strict=True)]
    return sides if all(low < high for low, high in sides) else None


@forgery(KIND)
def longer_tube(base, content, rng):
    """A tube reaches over the next one's values, where its box holds no zero any more."""
    tubes, joints = content["tubes"], content["joints"]
    k, number = 0, rng.randint(1, len(tubes) - 1)
    kept, last = tubes[k], tubes[k + number]
    if not leaves_out(content, kept, Fraction(last["high"])):
        return None
    kept["high"] = last["high"]
    del tubes[k + 1 : k + number + 1]
    del joints[k : k + number]
    if joints:
        box = meeting(kept["box"], tubes[k + 1]["box"])
        if box is None:
            return None
        joints[k]["box"] = box
    return content


@forgery(KIND)
def beyond_the_ends(base, content, rng):
    """The certificate speaks of more values than its tubes."""
    key, factor = rng.choice([("low", Fraction(99, 100)), ("high", Fraction(1001, 1000))])
    content[key] = str(Fraction(content[key]) * factor)
    return content


@forgery(KIND)
def a_gap(base, content, rng):
    """A tube is left out, or a joint, or two tubes change places."""
    way = rng.choice(["tube", "joint", "order"])
    k = rng.randrange(len(content["joints"]))
    if way == "order":
        content["tubes"][k], content["tubes"][k + 1] = content["tubes"][k + 1], content["tubes"][k]
    else:
        del content[f"{way}s"][k]
    return content


@forgery(KIND)
def joint_without_the_zero(base, content, rng):
    """A joint's box lies in both tubes, but the zero is not in it."""
    k = rng.randrange(len(content["joints"]))
    both = meeting(content["tubes"][k]["box"], content["tubes"][k + 1]["box"])
    value = Fraction(content["tubes"][k]["high"])
    zero = find_zero(field_at(content, value), middle(content["joints"][k]["box"])).theta
    axis = rng.randrange(len(both))
    low, high = both[axis]
    below, above = [low, zero[axis] - (zero[axis] - low) / 3], [zero[axis] + (high - zero[axis]) / 3, high]
    side = rng.choice([below, above])
    box = [side if j == axis else own for j, own in enumerate(both)]
    content["joints"][k]["box"] = box
    return content if contains(both, box) and side[0] < side[1] else None


@forgery(KIND)
def wrong_stability_of_a_branch(base, content, rng):
    kinds = [kind for kind in ("attracting", "repelling", "saddle") if kind != base.content["stability"]]
    content["stability"] = wrong = rng.choice(kinds)
    for tube in content["tubes"] if rng.random() < 0.8 else ():
        tube["stability"] = wrong
        if rng.random() < 0.5:
            tube["stability_matrix"] = [[-x for x in row] for row in tube["stability_matrix"]]
    return content


@forgery(KIND)
def another_parameter(base, content, rng):
    """The same tubes, said to be over another number of the method, another row, another column or a probability."""
    content["parameter"] = rng.choice(sorted({"beta1", "eps", *in_the_data(content)} - {content["parameter"]}))
    tube = content["tubes"][0]
    field = field_at(content, Fraction(tube["low"]))
    return content if field is None or leaves_out(content, tube, Fraction(tube["low"])) else None


def in_the_data(content):
    columns = content["problem"]["columns"]
    rows = range(len(next(iter(columns.values()))))
    return [
        *(f"data.{name}[{k}]" for name in [*columns, "weights"] for k in rows),
        *(f"data.{name}" for name in columns),
    ]


@forgery(KIND)
def no_such_number(base, content, rng):
    """The parameter is a row or a column that is not there, or the probability of all rows."""
    column, row = rng.choice([*content["problem"]["columns"].items()])
    content["parameter"] = rng.choice([f"data.{column}[{len(row)}]", f"data.{column}no[0]", "data.weights"])
    return content


@forgery(KIND)
def branch_of_another_problem(base, content, rng):
    """Other data, probabilities, batch or method: f has a strict sign over the box of a tube."""
    if not change_problem(content["problem"], rng):
        return None
    if any(leaves_out(content, tube, Fraction(tube["low"])) for tube in (content["tubes"][0], content["tubes"][-1])):
        return content
    return None


@rewriting(KIND)
def divided_tube(base, content, rng):
    """A tube in two, with its own box and matrix: its box is a joint as well."""
    k = rng.randrange(len(content["tubes"]))
    tube = content["tubes"][k]
    low, high = Fraction(tube["low"]), Fraction(tube["high"])
    cut = str(low + (high - low) * Fraction(rng.randint(1, 9), 10))
    first, second = copy.deepcopy(tube), copy.deepcopy(tube)
    first["high"] = second["low"] = cut
    content["tubes"][k : k + 1] = [first, second]
    content["joints"].insert(k, {"box": tube["box"], "preconditioner": tube["preconditioner"]})
    return content


@rewriting(KIND)
def shorter_branch(base, content, rng):
    """The first tubes alone."""
    number = rng.randint(1, len(content["tubes"]) - 1)
    del content["tubes"][number:]
    del content["joints"][number - 1 :]
    content["high"] = content["tubes"][-1]["high"]
    return content


@rewriting(KIND)
def another_number_in_its_place(base, content, rng):
    """What the problem says of the number that is varied does not count."""
    entry = DataEntry.named(content["parameter"])
    if entry is None or entry.column == "weights":
        return None
    column = content["problem"]["columns"][entry.column]
    for k in range(len(column)) if entry.row is None else [entry.row]:
        column[k] = str(rng.randint(-9, 9))
    return content


@rewriting(KIND)
def less_said_of_a_branch(base, content, rng):
    """The stability is left open, of all or of one tube; another value stands for the parameter in the method."""
    content["stability"] = "undecided"
    if rng.random() < 0.5:
        rng.choice(content["tubes"]).update(stability="undecided", stability_matrix=[])
    return content
