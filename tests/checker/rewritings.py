"""Rewritings: other certificates of the same truth, which must be accepted."""

from fractions import Fraction

from forgeries import contains, middle, placed

MINIMA = "set of minima"
OVER = "zeros over parameters"
LIST = "zeros over a list"
KINDS = ("zeros", "lyapunov", "lyapunov function", "lyapunov ball", "one zero", MINIMA, "branch", OVER, LIST)
REWRITINGS: dict[str, list] = {kind: [] for kind in KINDS}
DECREASE = ("lyapunov", "lyapunov function")
BALL = "lyapunov ball"


def rewriting(*kinds):
    def register(function):
        for kind in kinds:
            REWRITINGS[kind].append(function)
        return function

    return register


@rewriting("zeros", *DECREASE)
def other_order(base, content, rng):
    rng.shuffle(content["leaves"])
    items = list(content.items())
    rng.shuffle(items)
    return dict(items)


@rewriting("zeros", *DECREASE)
def halved_leaves(base, content, rng):
    leaf = rng.choice([leaf for leaf in content["leaves"] if leaf["by"] != "witness"] or [None])
    if leaf is None:
        return None
    axis = rng.randrange(len(leaf["box"]))
    low, high = leaf["box"][axis]
    cut = middle([[low, high]])[0]
    if not low < cut < high:
        return None
    for side in ([low, cut], [cut, high]):
        content["leaves"].append(leaf | {"box": [side if j == axis else s for j, s in enumerate(leaf["box"])]})
    content["leaves"].remove(leaf)
    return content


@rewriting("zeros", *DECREASE)
def other_words(base, content, rng):
    for leaf in content["leaves"]:
        leaf["reason"] = rng.choice([None, "for no reason"])
    content["made_by"] = {"hand": "of mine"}
    return content


@rewriting("zeros", "one zero", "branch", OVER, LIST, *DECREASE, BALL, MINIMA)
def other_numerals(base, content, rng):
    """Fractions not in lowest terms, spaces and parentheses in the loss."""
    record, factor = content["problem"], rng.randint(2, 99)
    for name, text in record["columns"].items():
        if isinstance(text, str):
            kind, numbers = text.rstrip(")").split("(")
            other = (f"{Fraction(x).numerator * factor}/{Fraction(x).denominator * factor}" for x in numbers.split(","))
            record["columns"][name] = f" {kind} ({' , '.join(other)} )"
    listed = [column for column in record["columns"].values() if isinstance(column, list)]
    for column in (*listed, record["probabilities"]):
        column[:] = [f"{Fraction(x).numerator * factor}/{Fraction(x).denominator * factor}" for x in column]
    form = rng.choice(["({})", " {} ", "+ {}", "{} + 0"])
    if "field" in record:
        record["field"] = [form.format(text) for text in record["field"]]
    else:
        record["loss"] = form.format(record["loss"])
    if "function" in content:
        content["function"] = form.format(content["function"])
    return content


def numeral(text, rng):
    """The same fraction in other words."""
    value, factor = Fraction(text), rng.randint(2, 99)
    short = value.denominator in (1, 2, 10, 50, 100, 1000)
    return rng.choice(
        [f"{value.numerator * factor}/{value.denominator * factor}", f"{float(value)!r}0" if short else f" {value} "]
    )


@rewriting("zeros", "one zero", "branch", OVER, LIST, *DECREASE, BALL, MINIMA)
def method_in_other_numerals(base, content, rng):
    method = content["problem"]["method"]
    method["parameters"] = {key: numeral(text, rng) for key, text in method["parameters"].items()}
    form = method["laplace"]
    form["head"] = [numeral(text, rng) for text in form["head"]]
    form["terms"] = [[numeral(text, rng) for text in term] for term in form["terms"]]
    form.update({key: numeral(form[key], rng) for key in ("beta", "eps", "decay")})
    return content


@rewriting("zeros", "one zero", "branch", OVER, LIST, *DECREASE, BALL, MINIMA)
def form_in_other_terms(base, content, rng):
    """The same lag weights: terms split, of ratio 0, of amount 0, in another order; zeros at the end of the head."""
    form = content["problem"]["method"]["laplace"]
    terms, head = [], form["head"] or ["0"]
    for amount, ratio in form["terms"]:
        part = Fraction(amount) * Fraction(rng.randint(-9, 9), 7)
        terms += [[str(part), ratio], [str(Fraction(amount) - part), ratio]]
    moved = Fraction(rng.randint(-9, 9), 7)
    terms += [[str(moved), "0"], ["0", "1/3"]]
    rng.shuffle(terms)
    form.update(head=[str(Fraction(head[0]) - moved), *head[1:], *["0"] * rng.randrange(9)], terms=terms)
    return content


@rewriting("zeros", "one zero", "branch", OVER, LIST, *DECREASE, BALL, MINIMA)
def another_name_of_the_method(base, content, rng):
    """Methods of the same form: AdamW without decay, Adam and RMSprop without momentum."""
    method = content["problem"]["method"]
    if method["name"] == "Adam":
        method.update(name="AdamW", parameters=method["parameters"] | {"weight_decay": "0"})
    elif method["name"] in ("RMSprop", "AdamWithoutMomentum"):
        other = rng.choice([name for name in ("RMSprop", "AdamWithoutMomentum", "Adam") if name != method["name"]])
        method.update(name=other, parameters=method["parameters"] | ({"beta1": "0"} if other == "Adam" else {}))
    else:
        return None
    return content


@rewriting("zeros")
def wider_box(base, content, rng):
    for zero in content["zeros"]:
        widths = [(high - low) * rng.uniform(0.01, 0.5) for low, high in zero["box"]]
        box = [[a - w, b + w] for w, (a, b) in zip(widths, zero["box"], strict=True)]
        if not contains(content["box"], box) or not all(contains(r["box"], box) for r in zero["regions"]):
            return None
        placed(zero, box)
    return content


@rewriting("zeros")
def less_said_of_zeros(base, content, rng):
    for zero in (*content["zeros"], *content["beyond"]):
        zero.update(stability="undecided")
        if rng.random() < 0.5 and "loss" in content["problem"]:
            zero.update(critical_point="undecided", point=None)
    return content


@rewriting("zeros")
def other_helpers(base, content, rng):
    """What only helps proofs, changed a little; a region twice."""
    for zero in (*content["zeros"], *content["beyond"]):
        for part in (zero, *zero["regions"]):
            part["preconditioner"] = [[x * (1 + 1e-6 * rng.uniform(-1, 1)) for x in r] for r in part["preconditioner"]]
        zero["stability_matrix"] = [[2 * x for x in row] for row in zero["stability_matrix"]]
    for leaf in content["leaves"]:
        if leaf["by"] in ("gradient", "direction"):
            leaf["direction"] = [-3 * x for x in leaf["direction"]]
    return content


@rewriting("zeros")
def sign_as_a_linear_form(base, content, rng):
    """The sign lemma is the proof by the mean gradient along an axis."""
    leaves = [leaf for leaf in content["leaves"] if leaf["by"] == "sign"]
    if not leaves:
        return None
    leaf = rng.choice(leaves)
    y = [rng.choice([-7.0, 0.1]) * (i == leaf["coordinate"]) for i in range(len(leaf["box"]))]
    leaf.update(by="gradient", coordinate=None, direction=y)
    return content


@rewriting("zeros")
def less_said_of_a_leaf(base, content, rng):
    """A leaf is undecided, in a cluster of its own."""
    leaves = [leaf for leaf in content["leaves"] if leaf["by"] in ("sign", "gradient", "direction")]
    if not leaves or content["clusters"]:
        return None
    leaf = rng.choice(leaves)
    leaf.update(by="undecided", coordinate=None, direction=None, reason="left")
    content["clusters"] = [{"box": leaf["box"], "by": "undecided", "point": None, "preconditioner": None}]
    content["complete"] = False
    return content


@rewriting("zeros")
def less_said_of_clusters(base, content, rng):
    for cluster in content["clusters"]:
        cluster.update(by="undecided", point=None, preconditioner=None)
    return content if content["clusters"] else None


@rewriting("lyapunov")
def slower_rate(base, content, rng):
    content["rate"] = None if content["rate"] is None else rng.choice([None, 0.0, content["rate"] * rng.random()])
    return content


@rewriting(*DECREASE)
def wider_bounds(base, content, rng):
    if content["witness"] is None:
        return None
    low, high = content["witness"]["bounds"]
    content["witness"]["bounds"] = [low * rng.uniform(0.1, 1), high * rng.uniform(1, 9)]
    return content


@rewriting("lyapunov")
def other_factor(base, content, rng):
    if content["factor"] is None:
        return None
    content["factor"] = f"{rng.choice([-1, 1]) * rng.randint(1, 9)}/7*({content['factor']})"
    return content


@rewriting(*DECREASE)
def undecided_region(base, content, rng):
    if content["verdict"] != "certified":
        return None
    rng.choice(content["leaves"])["by"] = "undecided"
    content["verdict"] = "undecided"
    if "rate" in content:
        content["rate"] = None
    return content


@rewriting("lyapunov function")
def function_of_the_same_slope(base, content, rng):
    """A constant more, and, where no bounds are stated, several times as much."""
    number = rng.randint(-99, 99)
    content["function"] += rng.choice([f" + {number}", f" + exp({number})/7", f" - {number}**2"])
    if content["witness"] is None:
        content["function"] = f"{rng.randint(1, 99)}/7*({content['function']})"
    return content
