"""Forgeries and rewritings of certificates that say how rows are drawn, registered beside the others."""

from forgeries import field_of, forgery
from rewritings import DECREASE, rewriting

from adamsym.expressions.errors import InputError

ZEROS = ("zeros", "one zero")


def has_no_zero(content):
    """Whether f of the changed problem has a strict sign over the box of a zero."""
    field = field_of(content["problem"])
    if field is None:
        return False
    listed = [content["zero"]] if content["kind"] == "one zero" else [*content["zeros"], *content["beyond"]]
    try:
        found = [field.enclose(zero["box"]) for zero in listed]
    except InputError:
        return False
    return any(((bounds[:, 0] > 0) | (bounds[:, 1] < 0)).any() for bounds in found)


@forgery(*ZEROS)
def drawn_in_another_way(base, content, rng):
    """Rows in order, all at once or independent, and what is left over at the end counted or not."""
    record = content["problem"]
    ways = ["replacement", "cyclic", "full"]
    record["sampling"] = rng.choice([way for way in ways if way != record.get("sampling", "replacement")])
    record["drop_last"] = record["sampling"] == "cyclic" and rng.random() < 0.5
    if rng.random() < 0.3:
        record["batch_size"] = rng.choice([1, 2, 3])
    return content if has_no_zero(content) else None


@forgery(*ZEROS)
def rows_in_another_order(base, content, rng):
    record = content["problem"]
    if record.get("sampling") != "cyclic":
        return None
    order = list(range(len(record["probabilities"])))
    rng.shuffle(order)
    record["columns"] = {name: [column[k] for k in order] for name, column in record["columns"].items()}
    return content if has_no_zero(content) else None


@rewriting(*ZEROS)
def the_cycle_from_another_row_on(base, content, rng):
    record, count = content["problem"], len(content["problem"]["probabilities"])
    if record.get("sampling") != "cyclic" or record["batch_size"] != 1:
        return None
    first = rng.randrange(1, count)
    record["columns"] = {name: column[first:] + column[:first] for name, column in record["columns"].items()}
    return content


@rewriting(*ZEROS, *DECREASE)
def what_goes_without_saying(base, content, rng):
    """Rows are drawn independently, and none are left over, where nothing else is said."""
    record = content["problem"]
    if "sampling" in record:
        return None
    return content | {"problem": record | {"sampling": "replacement"} | rng.choice([{}, {"drop_last": False}])}
