"""Forgeries about kinks: a zero that is none because f jumps over 0 there, or has a jump elsewhere in its region."""

from fractions import Fraction

from forgeries import forgery, middle


def zero_in(content, rng):
    listed = [content["zero"]] if content["kind"] == "one zero" else [*content["zeros"], *content["beyond"]]
    return rng.choice(listed) if listed else None


@forgery("zeros", "one zero")
def jump_over_a_zero(base, content, rng):
    """A kink at the zero: on both sides f is far from 0, with opposite signs, and between them it is nothing."""
    zero = zero_in(content, rng)
    if zero is None or "loss" not in content["problem"]:
        return None
    k = rng.randrange(len(zero["box"]))
    place, name = Fraction(middle(zero["box"])[k]), content["problem"]["parameters"][k]
    kink = rng.choice(["Abs({} - ({}))", "2*Max({}, {})", "2*Max({} - ({}), 0)", "-2*Min({} - ({}), 0)"])
    added = kink.format(name, place)
    slope = f" - {name}" if added.startswith("2") else f" + {name}" if added.startswith("-2") else ""
    content["problem"]["loss"] += f" + ({added}{slope})/10"
    return content


@forgery("zeros")
def zero_at_a_jump(base, content, rng):
    """An undecided cluster at a kink is said to hold a zero, since f changes its sign there."""
    clusters = [cluster for cluster in content["clusters"] if cluster["by"] == "undecided"]
    if not clusters or base.name != "kinks":
        return None
    cluster = rng.choice(clusters)
    if rng.random() < 0.5:
        cluster |= {"by": "faces", "preconditioner": [[10 ** rng.uniform(-3, 3)]]}
    else:
        low, high = cluster["box"][0]
        cluster |= {"by": "point", "point": [rng.choice(["0", str(Fraction(low)), str(Fraction(high))])]}
    return content
