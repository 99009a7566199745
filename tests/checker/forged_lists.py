"""Forgeries and rewritings of lists of zeros for several values of a parameter, registered beside the others."""

import copy
from fractions import Fraction

from bases import Base, Known
from forged_branches import in_the_data
from forgeries import FORGERIES, LIST, forgery, middle
from rewritings import REWRITINGS, rewriting

from adamsym.continuation.axes import Axis
from adamsym.continuation.families import field_at
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients.record import problem_from_record

HEAD = ("format", "made_by", "problem", "box", "digest")


def field_of(content, value):
    """The field for a value, or None."""
    try:
        return field_at(
            AdamField(*problem_from_record(content["problem"])),
            {Axis(content["parameter"], (Fraction(value),), False): Fraction(value)},
        )
    except InputError:
        return None


def leaves_out(content, one):
    """Whether some box around a zero that is listed for a value has none, since f has a strict sign over it."""
    field = field_of(content, one["value"])
    if field is None:
        return False
    bounds = [field.enclose(zero["box"]) for zero in one["zeros"]]
    return any(((each[:, 0] > 0) | (each[:, 1] < 0)).any() for each in bounds)


def alone(base, one):
    """What is said for one value as a base of its own, and its content."""
    content = {key: base.content[key] for key in HEAD} | {"kind": "zeros"} | one
    value = content.pop("value")
    zeros = [
        Known(tuple(middle(zero["box"])), zero["stability"], zero["critical_point"] == "yes") for zero in one["zeros"]
    ]
    ambient = tuple(map(tuple, base.content["box"]))
    return Base(base.name, copy.deepcopy(content), field_of(base.content, value), tuple(zeros), ambient)


def with_one_changed(table, base, content, rng):
    """What is said for one value, changed as if it were a certificate of zeros."""
    k = rng.randrange(len(content["at"]))
    own = alone(base, content["at"][k])
    found = rng.choice(table["zeros"])(own, copy.deepcopy(own.content), rng)
    if found is None or any(found[key] != base.content[key] for key in HEAD if key != "made_by"):
        return None
    content["at"][k] = {"value": content["at"][k]["value"]} | {
        key: value for key, value in found.items() if key not in (*HEAD, "kind")
    }
    return content


@forgery(LIST)
def one_of_a_list(base, content, rng):
    """What is said for one value is false."""
    for _ in range(8):
        found = with_one_changed(FORGERIES, base, copy.deepcopy(content), rng)
        if found is not None and found != base.content:
            return found
    return None


@forgery(LIST)
def values_that_change_places(base, content, rng):
    """What holds for one value is said for another."""
    one, other = rng.sample(content["at"], 2)
    one["value"], other["value"] = other["value"], one["value"]
    return content if leaves_out(content, one) or leaves_out(content, other) else None


@forgery(LIST)
def another_value(base, content, rng):
    one = rng.choice(content["at"])
    one["value"] = str(Fraction(one["value"]) + rng.choice([1, 2, Fraction(1, 10), Fraction(1, 100)]))
    return content if leaves_out(content, one) else None


@forgery(LIST)
def no_such_value(base, content, rng):
    rng.choice(content["at"])["value"] = rng.choice(["0", "-1", "1/2", "x", "1e999"])
    return content if content["parameter"] == "batch_size" else None


@forgery(LIST)
def another_parameter_of_a_list(base, content, rng):
    names = {"beta1", "beta2", "eps", "batch_size", *in_the_data(content)} - {content["parameter"]}
    content["parameter"] = rng.choice(sorted(names))
    fields = [field_of(content, one["value"]) for one in content["at"]]
    return content if None in fields or any(leaves_out(content, one) for one in content["at"]) else None


@forgery(LIST)
def a_list_in_another_box(base, content, rng):
    """The boxes do not fill it."""
    axis = rng.randrange(len(content["box"]))
    low, high = content["box"][axis]
    content["box"][axis] = rng.choice([[low - 1, high], [low, high + 1], [low, low + (high - low) * 0.75]])
    return content


@rewriting(LIST)
def one_rewritten(base, content, rng):
    for _ in range(8):
        found = with_one_changed(REWRITINGS, base, copy.deepcopy(content), rng)
        if found is not None:
            return found
    return None


@rewriting(LIST)
def another_order_of_values(base, content, rng):
    rng.shuffle(content["at"])
    return content


@rewriting(LIST)
def fewer_values(base, content, rng):
    del content["at"][rng.randrange(len(content["at"]))]
    return content
