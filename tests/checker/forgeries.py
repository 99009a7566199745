"""Forgeries: statements that are false for a reason of their own, which neither checker nor certificates gave.

Each function changes a copy of a base's certificate at random. It returns it only if it is sure to be false: None else.
"""

import copy
import inspect
from contextlib import suppress
from fractions import Fraction

import numpy as np
from bases import product

from adamsym.certificates.form import digest_of
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.gradients import Empirical, Problem
from adamsym.gradients.record import problem_from_record
from adamsym.methods import METHODS, make_method
from adamsym.methods.record import method_record

MINIMA = "set of minima"
OVER = "zeros over parameters"
LIST = "zeros over a list"
KINDS = ("zeros", "lyapunov", "lyapunov function", "lyapunov ball", "one zero", MINIMA, "branch", OVER, LIST)
FORGERIES: dict[str, list] = {kind: [] for kind in KINDS}
DECREASE = ("lyapunov", "lyapunov function")
BALL = "lyapunov ball"
PROOFS = {"lyapunov": ["sign", "factor", "minimum", "enclosure"], "lyapunov function": ["enclosure"]}


def forgery(*kinds):
    def register(function):
        for kind in kinds:
            FORGERIES[kind].append(function)
        return function

    return register


def signed(content):
    return content | {"digest": digest_of(content)}


def middle(box):
    return [low + (high - low) / 2 for low, high in box]


def placed(zero, box):
    zero.update(box=box, midpoint=middle(box))


def contains(outer, inner):
    return all(a <= b and d <= c for (a, c), (b, d) in zip(outer, inner, strict=True))


def inner_point(box, rng):
    return [low + (high - low) * rng.uniform(0.05, 0.95) for low, high in box]


# --- zeros -----------------------------------------------------------------------------------------------------------


def a_zero(content, rng):
    listed = [*content["zeros"], *content["beyond"]]
    return rng.choice(listed) if listed else None


@forgery("zeros")
def moved_zero(base, content, rng):
    """Its box is where no zero is: beside the true one, near or far."""
    zero = a_zero(content, rng)
    if zero is None:
        return None
    widths = [high - low for low, high in zero["box"]]
    axis = rng.randrange(len(widths))
    shift = rng.choice([-1, 1]) * widths[axis] * 10 ** rng.uniform(0.35, 5)
    box = [[a + shift * (j == axis), b + shift * (j == axis)] for j, (a, b) in enumerate(zero["box"])]
    placed(zero, box)
    return content if base.holds_a_zero(box) is False else None


@forgery("zeros")
def part_without_the_zero(base, content, rng):
    """Its box is shrunk to a part that the zero is not in."""
    zero = a_zero(content, rng)
    if zero is None:
        return None
    axis = rng.randrange(len(zero["box"]))
    box = [list(side) for side in zero["box"]]
    low, high = box[axis]
    share = rng.uniform(0.05, 0.4)
    box[axis] = [low, low + share * (high - low)] if rng.random() < 0.5 else [high - share * (high - low), high]
    placed(zero, box)
    return content if base.holds_a_zero(box) is False else None


@forgery("zeros")
def doubled_zero(base, content, rng):
    """One zero is listed twice, whole, moved a little, or as the halves of its box: they are no two zeros."""
    key = rng.choice(["zeros", "beyond"])
    if not content[key]:
        return None
    zero = rng.choice(content[key])
    twin = copy.deepcopy(zero)
    axis = rng.randrange(len(zero["box"]))
    low, high = zero["box"][axis]
    way = rng.randrange(3)
    if way == 0:
        cut = low + (high - low) / 2
        placed(zero, [[low, cut] if j == axis else side for j, side in enumerate(zero["box"])])
        placed(twin, [[cut, high] if j == axis else side for j, side in enumerate(twin["box"])])
    elif way == 1:
        shift = (high - low) * rng.uniform(0.5, 3) * rng.choice([-1, 1])
        placed(twin, [[a + shift, b + shift] if j == axis else [a, b] for j, (a, b) in enumerate(twin["box"])])
    content[rng.choice(["zeros", key])].append(twin)
    return content


@forgery("zeros")
def dropped_zero(base, content, rng):
    """A zero is left out, and its leaf is said to hold none."""
    if not content["zeros"]:
        return None
    number = rng.randrange(len(content["zeros"]))
    del content["zeros"][number]
    for leaf in content["leaves"]:
        if leaf["by"] == "zero" and leaf["zero"] == number:
            holds_none(leaf, rng)
        elif leaf["by"] == "zero" and leaf["zero"] > number:
            leaf["zero"] -= 1
    return content if any(base.holds_a_zero(leaf["box"]) for leaf in content["leaves"] if is_free(leaf)) else None


def holds_none(leaf, rng):
    d = len(leaf["box"])
    leaf.update(zero=None, region=None, coordinate=None, direction=None, reason=None)
    by = rng.choice(["sign", "gradient", "direction"])
    if by == "sign":
        leaf.update(by=by, coordinate=rng.randrange(d))
    else:
        leaf.update(by=by, direction=[rng.uniform(-1, 1) for _ in range(d)])


def is_free(leaf):
    return leaf["by"] in ("sign", "gradient", "direction")


@forgery("zeros")
def merged_zeros(base, content, rng):
    """Two zeros of the box are said to be one, in a box that holds both, or with a region that holds both."""
    if len(content["zeros"]) < 2:
        return None
    one, other = rng.sample(range(len(content["zeros"])), 2)
    kept, lost = content["zeros"][one], content["zeros"][other]
    both = [[min(a, c), max(b, d)] for (a, b), (c, d) in zip(kept["box"], lost["box"], strict=True)]
    regions = [{"box": both, "preconditioner": kept["preconditioner"]}]
    kept["regions"] = regions if rng.random() < 0.5 else kept["regions"] + regions
    if rng.random() < 0.5:
        placed(kept, both)
    del content["zeros"][other]
    for leaf in content["leaves"]:
        if leaf["zero"] is not None and leaf["by"] == "zero":
            whole = leaf["zero"] == other or len(kept["regions"]) == 1
            leaf.update(zero=one - (other < one), region=len(kept["regions"]) - 1 if whole else leaf["region"])
    return content


@forgery("zeros")
def zero_of_anothers_region(base, content, rng):
    """Two zeros exchange their regions, or the leaves around them do, or one takes the other's region along."""
    if len(content["zeros"]) < 2:
        return None
    one, other = rng.sample(content["zeros"], 2)
    way = rng.randrange(3)
    if way == 0:
        one["regions"], other["regions"] = other["regions"], one["regions"]
    elif way == 1:
        one["regions"] = one["regions"] + other["regions"]
    else:
        pair = [content["zeros"].index(one), content["zeros"].index(other)]
        for leaf in content["leaves"]:
            if leaf["by"] == "zero" and leaf["zero"] in pair:
                leaf["zero"] = pair[1 - pair.index(leaf["zero"])]
    return content


@forgery("zeros")
def direction_of_no_use(base, content, rng):
    """y f is said to have no zero in a leaf, but has opposite signs at two of its points."""
    leaves = [leaf for leaf in content["leaves"] if leaf["by"] == "direction"]
    if not leaves or len(content["box"]) < 2:
        return None
    leaf = rng.choice(leaves)
    # Orthogonal to f at a point, turned back a little: the sign changes near the point.
    f = base.field(inner_point(leaf["box"], rng))
    y = np.array([-f[1], f[0]]) * rng.choice([-1, 1]) + rng.uniform(-0.02, 0.02) * f
    values = [float(y @ base.field(inner_point(leaf["box"], rng))) for _ in range(12)]
    if not min(values) < -1e-9 < 1e-9 < max(values):
        return None
    leaf["direction"] = [float(x) for x in y]
    return content


@forgery("zeros")
def gradient_within_the_noise(base, content, rng):
    """y m is said to be beyond what the sign lemmas leave open, but is nearly 0 at a point of the leaf."""
    free = [leaf for leaf in content["leaves"] if is_free(leaf)]
    if not free or len(content["box"]) < 2:
        return None
    leaf, problem = rng.choice(free), base.field.problem
    point = inner_point(leaf["box"], rng)
    m = problem.gradient(point)
    y = np.array([-m[1], m[0]]) + rng.uniform(-1e-6, 1e-6) * m
    leaf.update(by="gradient", direction=[float(x) for x in y], coordinate=None)
    rows = None if isinstance(problem.law, Empirical) else problem.law.discretise(0)[0]
    return content if (np.ptp(problem.row_gradients(point, rows), axis=0) > 0.01 * abs(m)).all() else None


@forgery("zeros")
def gradient_along_another_direction(base, content, rng):
    """A leaf's proof by the mean gradient names a y for which y m changes its sign within the leaf."""
    leaves = [leaf for leaf in content["leaves"] if leaf["by"] == "gradient"]
    if not leaves or len(content["box"]) < 2:
        return None
    leaf = rng.choice(leaves)
    m = base.field.problem.gradient(inner_point(leaf["box"], rng))
    y = np.array([-m[1], m[0]]) * rng.choice([-1, 1]) + rng.uniform(-0.02, 0.02) * m
    values = [float(y @ base.field.problem.gradient(inner_point(leaf["box"], rng))) for _ in range(12)]
    if not min(values) < -1e-9 < 1e-9 < max(values):
        return None
    leaf["direction"] = [float(x) for x in y]
    return content


@forgery("zeros")
def enlarged_over_a_zero(base, content, rng):
    """A free leaf, the certificate's whole box, is enlarged until it holds a zero that is not listed."""
    free = [leaf for leaf in content["leaves"] if is_free(leaf)]
    if not free:
        return None
    leaf, zero = rng.choice(free), rng.choice(base.zeros)
    box = [
        [min(a, x - rng.uniform(0.001, 0.3)), max(b, x + rng.uniform(0.001, 0.3))]
        for (a, b), x in zip(leaf["box"], zero.point, strict=True)
    ]
    leaf["box"] = box
    content.update(box=box, leaves=[leaf], zeros=[], beyond=[], clusters=[], complete=True)
    return content if base.holds_a_zero(box) else None


@forgery("zeros")
def leaf_without_its_zero(base, content, rng):
    """A leaf that holds a zero is said to hold none."""
    leaves = [leaf for leaf in content["leaves"] if base.holds_a_zero(leaf["box"])]
    if not leaves:
        return None
    holds_none(rng.choice(leaves), rng)
    content["complete"] = not any(leaf["by"] == "undecided" for leaf in content["leaves"])
    if content["complete"]:
        content["clusters"] = []
    return content


@forgery("zeros")
def leaf_of_another_region(base, content, rng):
    """A leaf is said to lie in a region that does not hold it."""
    listed = [
        (key, k, r) for key in ("zeros", "beyond") for k, z in enumerate(content[key]) for r in range(len(z["regions"]))
    ]
    if not listed:
        return None
    key, number, region = rng.choice(listed)
    leaf = rng.choice(content["leaves"])
    if contains(content[key][number]["regions"][region]["box"], leaf["box"]):
        return None
    leaf.update(by="zero" if key == "zeros" else "beyond", zero=number, region=region, coordinate=None, direction=None)
    return content


@forgery("zeros")
def wrong_stability(base, content, rng):
    zero = a_zero(content, rng)
    if zero is None:
        return None
    known = next(k for k in base.zeros if all(a < x < b for x, (a, b) in zip(k.point, zero["box"], strict=True)))
    wrong = [s for s in ("attracting", "repelling", "saddle") if s != known.stability]
    zero["stability"] = rng.choice(wrong)
    factor = rng.choice([1.0, -1.0])
    zero["stability_matrix"] = [[factor * x for x in row] for row in zero["stability_matrix"]]
    return content


@forgery("zeros")
def wrong_critical_point(base, content, rng):
    """A zero where the loss's gradient is not 0 is said to be a critical point, or the reverse."""
    zero = a_zero(content, rng)
    if zero is None:
        return None
    known = next(k for k in base.zeros if all(a < x < b for x, (a, b) in zip(k.point, zero["box"], strict=True)))
    if "field" in content["problem"]:
        zero.update(critical_point=rng.choice(["no", "undecided"]))
    elif known.critical:
        zero.update(critical_point="no", point=None)
    else:
        zero.update(critical_point="yes", point=[str(Fraction(x)) for x in inner_point(zero["box"], rng)])
    return content


@forgery("zeros")
def wrong_midpoint(base, content, rng):
    zero = a_zero(content, rng)
    if zero is None:
        return None
    axis = rng.randrange(len(zero["box"]))
    zero["midpoint"][axis] = float(np.nextafter(zero["midpoint"][axis], rng.choice([-10, 10])))
    return content


@forgery("zeros")
def region_without_the_zero(base, content, rng):
    """A region that is said to hold the zero's own box does not."""
    zero = a_zero(content, rng)
    if zero is None:
        return None
    region = rng.choice(zero["regions"])
    axis = rng.randrange(len(zero["box"]))
    low, high = region["box"][axis]
    cut = middle(zero["box"])[axis]
    region["box"][axis] = [low, cut] if rng.random() < 0.5 else [cut, high]
    return content


@forgery("zeros")
def zero_elsewhere_in_the_list(base, content, rng):
    """A zero in the box is said to lie beyond it, or the reverse."""
    key, other = ("zeros", "beyond") if content["zeros"] else ("beyond", "zeros")
    if not content[key]:
        return None
    content[other].append(content[key].pop())
    for leaf in content["leaves"]:
        if leaf["by"] in ("zero", "beyond"):
            leaf["by"] = "zero" if other == "zeros" else "beyond"
    return content


@forgery("zeros")
def cut_off(base, content, rng):
    """The certificate's box is cut down to leaves that the listed zero does not lie in."""
    keep = [leaf for leaf in content["leaves"] if is_free(leaf)]
    if not keep or not content["zeros"]:
        return None
    leaf = rng.choice(keep)
    content.update(box=leaf["box"], leaves=[leaf], complete=True, clusters=[])
    return content


@forgery("zeros")
def decided_cluster(base, content, rng):
    """A cluster is said to hold a zero at a point that is none, or where there is no zero."""
    if not content["clusters"]:
        return None
    cluster = rng.choice(content["clusters"])
    if rng.random() < 0.5:
        point = inner_point(cluster["box"], rng)
        if any(all(x == y for x, y in zip(k.point, point, strict=True)) for k in base.zeros):
            return None
        if any(abs(x - y) < 1e-15 for k in base.zeros for x, y in zip(k.point, point, strict=True)):
            return None
        cluster.update(by="point", point=[str(Fraction(x)) for x in point], preconditioner=None)
        return content
    # An undecided leaf that holds no zero, with a cluster of its own.
    leaves = [leaf for leaf in content["leaves"] if is_free(leaf) and base.holds_a_zero(leaf["box"]) is False]
    if not leaves:
        return None
    leaf = rng.choice(leaves)
    leaf.update(by="undecided", coordinate=None, direction=None, reason="unknown")
    box = [[low + (high - low) * 0.0, high] for low, high in leaf["box"]]
    content["clusters"] = [c for c in content["clusters"] if not touch(c["box"], box)]
    matrix = np.diag([rng.choice([-1.0, 1.0]) for _ in box]).tolist()
    content["clusters"].append({"box": box, "by": "faces", "point": None, "preconditioner": matrix})
    return content


@forgery("zeros")
def turning_around_nothing(base, content, rng):
    """F is said to turn around 0 along the edges of a leaf that holds no zero."""
    leaves = [leaf for leaf in content["leaves"] if is_free(leaf) and base.holds_a_zero(leaf["box"]) is False]
    if not leaves or content["clusters"]:
        return None
    leaf = rng.choice(leaves)
    leaf.update(by="undecided", coordinate=None, direction=None, reason="unknown")
    content["clusters"] = [{"box": leaf["box"], "by": "turns", "point": None, "preconditioner": None}]
    content["complete"] = False
    return content


def touch(one, other):
    return all(a <= d and c <= b for (a, b), (c, d) in zip(one, other, strict=True))


@forgery("zeros")
def shifted_cluster(base, content, rng):
    """A cluster no longer holds its leaves, or there are two of the same."""
    if not content["clusters"]:
        return None
    cluster = rng.choice(content["clusters"])
    if rng.random() < 0.5:
        content["clusters"].append(copy.deepcopy(cluster))
        return content
    low, high = cluster["box"][0]
    cluster["box"][0] = [low + (high - low) * rng.uniform(0.01, 0.9), high]
    return content


@forgery("zeros")
def flipped_complete(base, content, rng):
    content["complete"] = not content["complete"]
    return content


@forgery("zeros")
def translated(base, content, rng):
    """All boxes are moved, the problem is not."""
    shift = rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 0)
    for zero in (*content["zeros"], *content["beyond"]):
        placed(zero, [[a + shift, b + shift] for a, b in zero["box"]])
        for region in zero["regions"]:
            region["box"] = [[a + shift, b + shift] for a, b in region["box"]]
    listed = [*content["zeros"], *content["beyond"]]
    return content if any(base.holds_a_zero(zero["box"]) is False for zero in listed) else None


@forgery("zeros")
def changed_problem(base, content, rng):
    """Other data, probabilities, parameters, batch or loss: f then has a strict sign over the box of a listed zero."""
    if not change_problem(content["problem"], rng):
        return None
    field = field_of(content["problem"])
    if field is None:
        return None
    for zero in (*content["zeros"], *content["beyond"]):
        try:
            bounds = field.enclose(zero["box"])
        except NotApplicable:
            # The law of batches of continuous data may have no enclosure: then nothing is known to be false.
            return None
        if ((bounds[:, 0] > 0) | (bounds[:, 1] < 0)).any():
            return content
    return None


@forgery("zeros")
def exchanged_components(base, content, rng):
    """Two components of a field are exchanged: it vanishes where it did, but its stability is another."""
    record = content["problem"]
    if "field" not in record or not content["zeros"]:
        return None
    i, j = rng.sample(range(len(record["field"])), 2)
    record["field"][i], record["field"][j] = record["field"][j], record["field"][i]
    real = np.linalg.eigvals(field_of(record).jacobian(content["zeros"][0]["midpoint"])).real
    claimed = content["zeros"][0]["stability"]
    return content if claimed == "attracting" and real.max() > 1e-3 else None


@forgery("zeros")
def loss_for_a_field(base, content, rng):
    """A loss stands in place of a field: that of which one component is a derivative."""
    record = content["problem"]
    if "field" not in record or not content["zeros"]:
        return None
    [first, second] = record.pop("field")
    record["loss"] = f"({first})**2/2 + ({second})**2/2"
    return content


def field_of(record):
    try:
        problem, adam = problem_from_record(record)
        return AdamField(problem, adam)
    except InputError:
        return None


def change_parameter(record, name, value):
    """Change one of a method's parameters, and its Laplace form with it."""
    restate(record, record["name"], record["parameters"] | {name: value})


def restate(record, name, parameters):
    """Name a method with parameters, those of them that it has, and state its form; False if it allows none."""
    kind = METHODS[name]
    known = [key for key in inspect.signature(kind).parameters if key in parameters]
    with suppress(InputError):
        record.update(method_record(kind(**{key: parameters[key] for key in known})))
        return True
    record["parameters"] = parameters
    return False


def moved_distribution(text, rng):
    """A continuous column of another mean, another spread, or another kind."""
    name, rest = text.rstrip(")").split("(")
    numbers = [Fraction(x) for x in rest.split(",")]
    if name == "Exponential":
        numbers[0] *= Fraction(rng.choice([50, 90, 110, 300]), 100)
    elif name == "Normal" and rng.random() < 0.5:
        numbers[1] *= Fraction(rng.choice([50, 150, 300]), 100)
    else:
        shift = Fraction(rng.choice([-1, 1]) * rng.randint(5, 300), 100)
        numbers = [numbers[0] + shift, numbers[1] if name == "Normal" else numbers[1] + shift]
    return f"{name}({', '.join(map(str, numbers))})"


def largest_gradient(problem, point):
    """The largest entry of a row's gradient at a point, among some rows of continuous data."""
    rows = None if isinstance(problem.law, Empirical) else problem.law.discretise(0)[0]
    return abs(problem.row_gradients(point, rows)).max()


def change_problem(record, rng):
    """Change one thing in a problem."""
    way = rng.choice(["data", "data", "probabilities", "beta1", "beta2", "eps", "decay", "name", "batch", "loss"])
    if way == "data":
        name, column = rng.choice(list(record["columns"].items()))
        if isinstance(column, str):
            record["columns"][name] = moved_distribution(column, rng)
            return True
        k = rng.randrange(len(column))
        column[k] = str(Fraction(column[k]) + Fraction(rng.choice([-1, 1]) * rng.randint(1, 300), 100))
    elif way == "probabilities":
        if len(record["probabilities"]) < 2:
            return False
        i, j = rng.sample(range(len(record["probabilities"])), 2)
        probabilities = [Fraction(p) for p in record["probabilities"]]
        moved = probabilities[i] * Fraction(rng.randint(1, 99), 100)
        probabilities[i] -= moved
        probabilities[j] += moved
        record["probabilities"] = [str(p) for p in probabilities]
    elif way == "batch":
        record["batch_size"] = rng.choice([size for size in (1, 2, 3) if size != record["batch_size"]])
    elif way == "loss":
        added = f" + {rng.choice([-1, 1]) * rng.randint(1, 50)}/100"
        if "field" in record:
            record["field"][rng.randrange(len(record["field"]))] += added
        else:
            record["loss"] += f"{added}*{rng.choice(record['parameters'])}"
    elif way == "name":
        names = [name for name in WITH_FORM if name != record["method"]["name"]]
        return restate(record["method"], rng.choice(names), record["method"]["parameters"])
    elif way == "decay":
        decay = rng.choice(["1/100", "1/3", "2"])
        return restate(
            record["method"], "AdamW", {"beta1": "0"} | record["method"]["parameters"] | {"weight_decay": decay}
        )
    else:
        if way not in record["method"]["parameters"]:
            return False
        new = {
            "beta1": ["0", "1/2", "99/100"],
            "beta2": ["9/10", "99/100", "9999/10000"],
            "eps": ["1/10", "1", "1/100"],
        }
        change_parameter(record["method"], way, rng.choice(new[way]))
    return True


# --- both kinds: which method ----------------------------------------------------------------------------------------


WITH_FORM = ("Adam", "AdamEpsInsideRoot", "AdamW", "AdamWithoutMomentum", "NAdam", "RMSprop")


def values_of(record):
    """The field of a stated method at some points of a problem of its own, in floats."""
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3, -1]}))
    field = AdamField(problem, make_method(record["name"], {k: Fraction(v) for k, v in record["parameters"].items()}))
    return np.array([field([theta])[0] for theta in (-0.7, 0.2, 1.1, 5.0)])


@forgery("zeros", "one zero", "branch", OVER, LIST, *DECREASE, BALL, MINIMA)
def name_of_another_method(base, content, rng):
    """The form stays, but the method named has another field: seen at some points."""
    record = content["problem"]["method"]
    before, form = values_of(record), record["laplace"]
    other = rng.choice([name for name in WITH_FORM if name != record["name"]])
    if not restate(record, other, {"beta1": "1/2", "weight_decay": "1/7"} | record["parameters"]):
        return None
    record["laplace"] = form
    return content if abs(values_of(record) - before).max() > 1e-6 else None


@forgery("zeros", "one zero", "branch", OVER, LIST, *DECREASE, BALL, MINIMA)
def parameters_of_another_field(base, content, rng):
    """The form stays, but the method named has other parameters."""
    record = content["problem"]["method"]
    before, key = values_of(record), rng.choice(list(record["parameters"]))
    record["parameters"][key] = str(Fraction(record["parameters"][key]) * Fraction(rng.randint(990, 999), 1000))
    return content if abs(values_of(record) - before).max() > 1e-9 else None


@forgery("zeros", "one zero", "branch", OVER, LIST, *DECREASE, BALL, MINIMA)
def form_of_another_method(base, content, rng):
    """The method stays, but one thing in the form that is stated is another: no such form is the same."""
    form = content["problem"]["method"]["laplace"]
    way = rng.choice(["beta", "eps", "decay", "kernel", "head", "terms", "ratio", "late head", "none"])
    factor = Fraction(rng.randint(990, 999), 1000)
    if way in ("beta", "eps"):
        form[way] = str(Fraction(form[way]) * factor)
    elif way == "decay":
        form["decay"] = str(Fraction(form["decay"]) + rng.choice([-1, 1]) * Fraction(rng.randint(1, 9), 100))
    elif way == "kernel":
        kernels = ["1/(sqrt(v) + eps)", "1/sqrt(v + eps)", "1/(v + eps)", "1"]
        form["kernel"] = rng.choice([name for name in kernels if name != form["kernel"]])
    elif way == "head":
        form["head"] = [str(Fraction(form["head"][0] if form["head"] else 0) + Fraction(1, rng.randint(2, 999)))]
    elif way == "late head":
        form["head"] = [*(form["head"] or ["0"]), *["0"] * rng.randrange(4), str(Fraction(1, rng.randint(2, 999)))]
    elif way == "none":
        form.update(head=[], terms=[])
    elif not form["terms"]:
        form["terms"] = [["1/7", "1/2"]]
    elif way == "terms":
        form["terms"][0][0] = str(Fraction(form["terms"][0][0]) * factor)
    else:
        form["terms"][0][1] = str((Fraction(form["terms"][0][1]) + 1) / 2)
    return content


# --- both kinds: how the leaves lie -----------------------------------------------------------------------------------


@forgery("zeros", *DECREASE)
def badly_tiled(base, content, rng):
    """The leaves are not what repeated halving leaves of the box."""
    leaf = rng.choice(content["leaves"])
    axis = rng.randrange(len(leaf["box"]))
    low, high = leaf["box"][axis]
    way = rng.randrange(5)
    if way == 0 and len(content["leaves"]) > 1:
        content["leaves"].remove(leaf)
    elif way == 1:
        content["leaves"].append(copy.deepcopy(leaf))
    elif way == 2:
        leaf["box"][axis] = [low, high + (high - low) * 10 ** rng.uniform(-9, 0)]
    elif way == 3:
        leaf["box"][axis] = [low + (high - low) * 10 ** rng.uniform(-9, -0.1), high]
    else:
        low, high = content["box"][axis]
        content["box"][axis] = [low - (high - low) * 10 ** rng.uniform(-9, 0), high]
    return content


# --- Lyapunov regions -------------------------------------------------------------------------------------------------


@forgery("lyapunov")
def faster_rate(base, content, rng):
    """More than -<grad L, f>/L is at some point."""
    if content["verdict"] != "certified":
        return None
    ratios = []
    for point in (inner_point(content["box"], rng) for _ in range(20)):
        loss = float(base.field.problem.mean_loss(point))
        if loss > 1e-9:
            ratios.append(-base.product(point) / loss)
    content["rate"] = min(ratios) * rng.uniform(1.001, 3)
    return content


@forgery(*DECREASE)
def other_verdict(base, content, rng):
    content["verdict"] = rng.choice([v for v in ("certified", "refuted", "undecided") if v != content["verdict"]])
    return content


@forgery("lyapunov")
def rate_without_certainty(base, content, rng):
    if content["verdict"] == "certified":
        return None
    content["rate"] = rng.uniform(0, 1e-6)
    return content


@forgery(*DECREASE)
def witness_elsewhere(base, content, rng):
    """Outside the box, or at a point where <grad L, f> is not what the bounds say."""
    if content["witness"] is None:
        return None
    witness, leaf = content["witness"], next(leaf for leaf in content["leaves"] if leaf["by"] == "witness")
    if rng.random() < 0.5:
        side = leaf["box"][0]
        witness["point"][0] = side[1] + rng.choice([1e-9, 0.1, 1]) if rng.random() < 0.5 else side[0] - 0.1
        return content
    point = inner_point(leaf["box"], rng)
    witness["point"] = point
    low, high = witness["bounds"]
    return content if abs(base.product(point) - (low + high) / 2) > 2 * (high - low) else None


@forgery(*DECREASE)
def wrong_bounds(base, content, rng):
    if content["witness"] is None:
        return None
    low, high = content["witness"]["bounds"]
    shift = rng.choice([-1, 1]) * 3 * (high - low) * 10 ** rng.uniform(0, 2)
    content["witness"]["bounds"] = sorted([low + shift, high + shift])
    return content if not low + shift <= base.product(content["witness"]["point"]) <= high + shift else None


@forgery(*DECREASE)
def certified_against_a_witness(base, content, rng):
    """A box in which <grad L, f> is positive somewhere is said to be certified."""
    leaves = [leaf for leaf in content["leaves"] if leaf["by"] in ("witness", "undecided")]
    proven = [leaf for leaf in leaves if any(base.product(x) > 1e-9 for x in points_of(base, leaf["box"], rng))]
    if not proven:
        return None
    for leaf in leaves:
        leaf["by"] = rng.choice(PROOFS[base.kind])
    content.update(witness=None, verdict="certified")
    if "rate" in content:
        content["rate"] = rng.choice([None, 1e-6])
    return content


def points_of(base, box, rng):
    """Points of a box: at random, and just beside zeros of f, on the side of the loss's critical point."""
    drawn = [inner_point(box, rng) for _ in range(5)]
    for zero in base.zeros:
        near = [[x + 2e-4 for x in zero.point], [x - 2e-4 for x in zero.point]]
        drawn += [point for point in near if all(a < x < b for x, (a, b) in zip(point, box, strict=True))]
    return drawn


@forgery(*DECREASE)
def invented_witness(base, content, rng):
    """A point where <grad L, f> is negative is called a witness."""
    leaf = rng.choice(content["leaves"])
    point = inner_point(leaf["box"], rng)
    if not base.product(point) < -1e-9:
        return None
    for other in content["leaves"]:
        if other["by"] == "witness":
            other["by"] = "undecided"
    leaf["by"] = "witness"
    value = abs(base.product(point))
    content.update(verdict="refuted", witness={"point": point, "bounds": [value / 2, 2 * value]})
    if "rate" in content:
        content["rate"] = None
    return content


@forgery("lyapunov")
def invented_factor(base, content, rng):
    """A polynomial that does not divide the rows' gradients: it vanishes where some gradient does not."""
    name = content["problem"]["parameters"][0]
    offset = rng.randint(20, 90)
    point = [offset / 7 for _ in content["problem"]["parameters"]]
    if not largest_gradient(base.field.problem, point) > 1e-6:
        return None
    content["factor"] = rng.choice(
        [f"{name} - {offset}/7", f"({name} - {offset}/7)**2", f"{name}**3 - ({offset}/7)**3"]
    )
    return content


@forgery("lyapunov")
def invented_minimum(base, content, rng):
    """A point at which some row's gradient is not 0."""
    point = inner_point(content["box"], rng)
    if not largest_gradient(base.field.problem, point) > 1e-9:
        return None
    content["minima"].append([str(Fraction(x)) for x in point])
    return content


@forgery(*DECREASE)
def region_of_another_problem(base, content, rng):
    """With other data or parameters, <grad L, f> has the wrong sign at some point."""
    if not change_problem(content["problem"], rng):
        return None
    field = field_of(content["problem"])
    if field is None:
        return None
    witness = content["witness"]
    points = [witness["point"]] if witness else [inner_point(content["box"], rng) for _ in range(6)]
    for point in points:
        value = product(field, content.get("function"), point)
        low, high = witness["bounds"] if witness else (-np.inf, 0.0)
        if content["verdict"] != "undecided" and not low - 1e-7 <= value <= high + 1e-7:
            return content
    return None


@forgery(*DECREASE)
def enlarged_region(base, content, rng):
    """A certified box is one leaf, enlarged over points where <grad L, f> is positive."""
    if content["verdict"] != "certified" or not base.zeros:
        return None
    by = rng.choice(content["leaves"])["by"]
    point = list(base.zeros[0].point)
    box = [
        [min(a, x - rng.uniform(1e-3, 1)), max(b, x + rng.uniform(1e-3, 1))]
        for (a, b), x in zip(content["box"], point, strict=True)
    ]
    leaf = content["leaves"][0] | {"by": by, "box": box}
    content.update(box=box, leaves=[leaf])
    if "rate" in content:
        content["rate"] = rng.choice([None, 0.0])
    near = np.linspace(-0.9, 0.9, 19)[:, None] * [min(x - a, b - x) for x, (a, b) in zip(point, box, strict=True)]
    return content if any(base.product(point + step) > 1e-9 for step in near) else None


# --- a function of the user's own -------------------------------------------------------------------------------------


@forgery("lyapunov function")
def another_function(base, content, rng):
    """A function that increases somewhere where it is said to decrease, or has another slope at the witness."""
    name, number = rng.choice(content["problem"]["parameters"]), rng.uniform(-9, 9)
    text = content["function"]
    content["function"] = rng.choice(
        [f"-({text})", f"{text} + {number!r}*{name}", f"{text} + {number!r}*sin(9*{name})", f"{text} - {name}**4"]
    )
    if content["witness"] is not None:
        low, high = content["witness"]["bounds"]
        value = product(base.field, content["function"], content["witness"]["point"])
        return None if low - 1e-7 <= value <= high + 1e-7 else content
    leaf = rng.choice([leaf for leaf in content["leaves"] if leaf["by"] == "enclosure"] or [None])
    points = [] if leaf is None else [inner_point(leaf["box"], rng) for _ in range(20)]
    return content if any(product(base.field, content["function"], x) > 1e-7 for x in points) else None


@forgery("lyapunov function")
def function_that_is_not_smooth(base, content, rng):
    """With a pole, a kink or an edge of its domain in a part that is proven, so small that little else changes."""
    leaf = rng.choice([leaf for leaf in content["leaves"] if leaf["by"] == "enclosure"] or [None])
    if leaf is None:
        return None
    place = rng.choice(
        ["1/(x - {})", "log(x - {})", "sqrt(x - {})", "Abs(x - {})", "Max(x, {})", "(x - {})**2/(x - {})"]
    )
    k = rng.randrange(len(leaf["box"]))
    point = str(Fraction(inner_point(leaf["box"], rng)[k]))
    added = place.replace("x,", f"{content['problem']['parameters'][k]},")
    added = added.replace("x ", f"{content['problem']['parameters'][k]} ").replace("{}", point)
    content["function"] += f" + {added}/10**{rng.randint(9, 99)}"
    return content


@forgery("lyapunov function")
def function_of_another_field(base, content, rng):
    """The components of the field change their sign, one or all: the function increases along what moves there now."""
    components = content["problem"]["field"]
    for k in range(len(components)) if rng.random() < 0.5 else [rng.randrange(len(components))]:
        components[k] = f"-({components[k]})"
    field = field_of(content["problem"])
    leaves = [leaf for leaf in content["leaves"] if leaf["by"] == "enclosure"]
    points = [inner_point(leaf["box"], rng) for leaf in leaves for _ in range(5)]
    if content["witness"] is not None:
        return content if product(field, content["function"], content["witness"]["point"]) < -1e-7 else None
    return content if any(product(field, content["function"], x) > 1e-7 for x in points) else None
