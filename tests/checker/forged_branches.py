"""Forgeries and rewritings of certificates of branches, registered beside the others."""

import copy
import itertools
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
        if entry is None and content["parameter"] not in parameters_of(method):
            return None
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
    """The certificate speaks of more values than its tubes, of many more or of hardly any."""
    key, way = rng.choice([("low", -1), ("high", 1)])
    content[key] = str(Fraction(content[key]) + way * rng.choice([Fraction(1, 2**80), Fraction(1, 100)]))
    return content


@forgery(KIND)
def a_gap(base, content, rng):
    """A tube is left out, or a joint, or two tubes change places."""
    if not content["joints"]:
        return None
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
    first = min([len(content["joints"]), *(fold["after"] for fold in content["folds"])])
    if first == 0:
        return None
    k = rng.randrange(first)
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
    """A tube in two, with its own box and matrix; a narrow box around the zero is the joint."""
    first = min((fold["after"] for fold in content["folds"]), default=len(content["tubes"]))
    if first == 0:
        return None
    k = rng.randrange(first)
    tube = content["tubes"][k]
    low, high = Fraction(tube["low"]), Fraction(tube["high"])
    cut = low + (high - low) * Fraction(rng.randint(1, 9), 10)
    first, second = (copy.deepcopy(tube) | {"velocity": None} for _ in range(2))
    first["high"] = second["low"] = str(cut)
    content["tubes"][k : k + 1] = [first, second]
    zero = find_zero(field_at(content, cut), middle(tube["box"])).theta
    box = [[x - 1e-9 * max(1, abs(x)), x + 1e-9 * max(1, abs(x))] for x in zero.tolist()]
    content["joints"].insert(k, {"box": box, "preconditioner": tube["preconditioner"]})
    for fold in content["folds"]:
        fold["after"] += 1
    content["changes"] = []
    return content if contains(tube["box"], box) else None


@rewriting(KIND)
def shorter_branch(base, content, rng):
    """The first tubes alone, and the folds between them."""
    number = rng.randint(1, len(content["tubes"]) - 1)
    del content["tubes"][number:]
    content["folds"] = [fold for fold in content["folds"] if fold["after"] < number - 1]
    del content["joints"][number - 1 - len(content["folds"]) :]
    content["changes"] = [change for change in content["changes"] if change["after"] < number]
    ends = [(Fraction(tube["low"]), Fraction(tube["high"])) for tube in content["tubes"]]
    content["low"], content["high"] = str(min(a for a, _ in ends)), str(max(b for _, b in ends))
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
    content["stability"], content["changes"] = "undecided", []
    if rng.random() < 0.5:
        rng.choice(content["tubes"]).update(stability="undecided", stability_matrix=[])
    return content


@forgery(KIND)
def wrong_speed(base, content, rng):
    """The zero moves the other way, or faster or slower than the bounds of its speed say."""
    moving = [tube for tube in content["tubes"] if tube["speed"] is not None]
    if not moving:
        return None
    tube = rng.choice(moving)
    k = rng.randrange(len(tube["speed"]))
    low, high = tube["speed"][k]
    if rng.random() < 0.5 and low * high > 0:
        tube["speed"][k] = [-high, -low]
    else:
        # They share no number with those that hold.
        shift = rng.choice([-1, 1]) * (high - low) * rng.uniform(1.001, 3)
        tube["speed"][k] = [low + shift, high + shift]
    return content


@forgery(KIND)
def speed_of_another_size(base, content, rng):
    """Bounds of a speed for other coordinates than there are, or the upper one first."""
    tube = rng.choice(content["tubes"])
    speed = tube["speed"] or [[0.0, 1.0]] * len(tube["box"])
    tube["speed"] = rng.choice([[*speed, speed[0]], [[high, low] for low, high in speed]])
    return content if tube["speed"] != speed else None


@rewriting(KIND)
def less_said_of_a_speed(base, content, rng):
    """No bounds of the speed, of one tube or of all, or wider ones."""
    for tube in content["tubes"] if rng.random() < 0.5 else [rng.choice(content["tubes"])]:
        speed = tube["speed"]
        if speed is not None and rng.random() < 0.5:
            tube["speed"] = [
                [low - rng.uniform(0, 2) * abs(low), high + rng.uniform(0, 2) * abs(high)] for low, high in speed
            ]
        else:
            tube["speed"] = None
    return content


# --- folds and changes of the stability -------------------------------------------------------------------------------


def one_fold(content, rng):
    return rng.choice(content["folds"]) if content["folds"] else None


def zeros_at(content, fold, value):
    """The zeros in a fold's box at a value, by number; of one parameter."""
    ((low, high),) = fold["box"]
    field = field_at(content, value)
    places = [low + (high - low) * k / 400 for k in range(401)]
    signs = [float(field([x])[0]) > 0 for x in places]
    return [a for a, one, other in zip(places, signs, signs[1:], strict=False) if one != other]


@forgery(KIND)
def fold_elsewhere(base, content, rng):
    """The zeros are said to have vanished at a value at which they are there, or to be there where they are not."""
    fold = one_fold(content, rng)
    if fold is None:
        return None
    present, absent = Fraction(fold["present"]), Fraction(fold["absent"])
    way = rng.choice(["earlier", "all"])
    moved = present + (absent - present) * Fraction(rng.randint(1, 20), 100)
    fold["absent"] = str(moved)
    if way == "all":
        fold["at_absent"] = [leaf for leaf in fold["at_present"] if leaf.get("zero") is None] or fold["at_absent"]
    return content if len(zeros_at(content, fold, moved)) == 2 else None


@forgery(KIND)
def fold_of_one_zero(base, content, rng):
    """Both zeros of a fold are said to be the same one; or one of the two is where none is."""
    fold = one_fold(content, rng)
    if fold is None:
        return None
    k = rng.randrange(2)
    if rng.random() < 0.5:
        fold["zeros"][k] = copy.deepcopy(fold["zeros"][1 - k])
        return content
    ((low, high),) = fold["zeros"][k]["box"]
    shift = rng.choice([-1, 1]) * (high - low) * rng.uniform(1.1, 4)
    fold["zeros"][k]["box"] = [[low + shift, high + shift]]
    return content


@forgery(KIND)
def fold_with_a_gap(base, content, rng):
    """Of the boxes that fill that of a fold, or its border, one is left out, is another one, or is given no proof."""
    fold = one_fold(content, rng)
    if fold is None:
        return None
    leaves = fold[rng.choice(["at_present", "at_absent", "border"])]
    k, way = rng.randrange(len(leaves)), rng.choice(["out", "twice", "no proof"])
    if way == "out":
        del leaves[k]
    elif way == "twice":
        leaves[k] = copy.deepcopy(leaves[k - 1])
    else:
        leaves[k].pop("direction", None)
        leaves[k]["zero"] = rng.randrange(2)
        held = fold["zeros"][leaves[k]["zero"]]["box"]
        return None if contains(held, leaves[k]["box"]) and leaves is fold["at_present"] else content
    return content if leaves else None


@forgery(KIND)
def fold_left_out(base, content, rng):
    """The branch turns back, and no fold is said to be there; or the fold is between other tubes."""
    fold = one_fold(content, rng)
    if fold is None:
        return None
    if rng.random() < 0.5:
        content["folds"].remove(fold)
        if rng.random() < 0.5:
            content["joints"].insert(fold["after"], copy.deepcopy(fold["zeros"][0]))
        return content
    fold["after"] += rng.choice([-1, 1])
    return content


@forgery(KIND)
def fold_said_twice(base, content, rng):
    """The branch turns back once, and is said to turn twice: between the same tubes, or on one more arm."""
    fold = one_fold(content, rng)
    if fold is None:
        return None
    second = copy.deepcopy(fold)
    if rng.random() < 0.5:
        content["tubes"].insert(fold["after"] + 2, copy.deepcopy(content["tubes"][fold["after"]]))
        second["after"] += 1
        second["zeros"].reverse()
        if rng.random() < 0.5:
            second["present"], second["absent"] = fold["absent"], fold["present"]
    content["folds"].insert(content["folds"].index(fold) + 1, second)
    return content


@forgery(KIND)
def zeros_on_the_border(base, content, rng):
    """The box of a fold is that of one of its zeros, or ends between the two: one zero crosses its border."""
    fold = one_fold(content, rng)
    if fold is None:
        return None
    ((low, high),) = fold["box"]
    first, second = sorted(zero["box"][0] for zero in fold["zeros"])
    cut = first[1] + (second[0] - first[1]) * rng.uniform(0.1, 0.9)
    kept = rng.choice([[low, cut], [cut, high]])
    fold["box"] = [kept]
    fold["border"] = [{"box": [[end, end]], "direction": [rng.choice([-1.0, 1.0])]} for end in kept]
    for name in ("at_present", "at_absent"):
        fold[name] = [{"box": [kept], "direction": [1.0]}]
    return content


@forgery(KIND)
def only_fold_without_proof(base, content, rng):
    """A part of the box is left out or doubled; f is said not to vanish where the fold is; or vectors do not fit."""
    fold = one_fold(content, rng)
    if fold is None or fold["nondegenerate"] is None:
        return None
    about, way = fold["nondegenerate"], rng.choice(["out", "twice", "no zero", "vectors"])
    leaves = about["leaves"]
    k = rng.randrange(len(leaves))
    if way == "out":
        del leaves[k]
        return content if leaves else None
    if way == "twice":
        leaves.append(copy.deepcopy(leaves[k]))
    elif way == "vectors":
        about[rng.choice(["right", "left"])].append(1.0)
    else:
        for leaf in leaves:
            leaf["direction"] = [rng.choice([-1.0, 1.0])]
    return content


@rewriting(KIND)
def less_said_of_a_fold(base, content, rng):
    """That the fold is the only one is not said; or with vectors of other lengths."""
    fold = one_fold(content, rng)
    if fold is None or fold["nondegenerate"] is None:
        return None
    if rng.random() < 0.5:
        fold["nondegenerate"] = None
        return content
    about, factor = fold["nondegenerate"], rng.choice([2.0, -1.0, 0.5])
    d = len(about["right"])
    about["right"] = [factor * x for x in about["right"]]
    about["inverse"] = [
        [entry / factor if k == d else entry for k, entry in enumerate(row)] for row in about["inverse"]
    ]
    return content


@forgery(KIND)
def change_that_is_none(base, content, rng):
    """The stability is said to change between tubes between which it does not, or where a fold is."""
    decided = [k for k, tube in enumerate(content["tubes"]) if tube["stability"] != "undecided"]
    pairs = [
        (k, m)
        for k, m in itertools.pairwise(decided)
        if content["tubes"][k]["stability"] == content["tubes"][m]["stability"]
        or any(k <= fold["after"] < m for fold in content["folds"])
    ]
    if not pairs:
        return None
    before, after = rng.choice(pairs)
    content["changes"] = [*content["changes"], {"before": before, "after": after}]
    if rng.random() < 0.5 and not content["folds"]:
        kinds = {"attracting": "repelling", "repelling": "attracting", "saddle": "attracting"}
        tube = content["tubes"][after]
        tube["stability"] = kinds[tube["stability"]]
        content["stability"] = "undecided"
    return content


@rewriting(KIND)
def more_parts(base, content, rng):
    """More parts and cells than needed; other points of a tube's box near its zeros."""
    tube = rng.choice(content["tubes"])
    tube["parts"] *= rng.randint(1, 3)
    tube["cells"] *= rng.randint(1, 2)
    return content
