"""Points from the command line: ``theta=0.5``, ``w0=1,w1=2``, ``w=[1,2]``."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational


def parse_point(
    texts: Sequence[str], names: Sequence[str], option: str, start: Mapping[str, float] | None = None
) -> list[float]:
    """Return one number per parameter, in the order of ``names``.

    Parameters
    ----------
    texts
        Assignments, several to a text if separated by commas; ``w=[1,2]`` stands for ``w0=1,w1=2``.
    names
        The parameters.
    option
        The option's name, for messages.
    start
        Values of the parameters that no text names.

    Raises
    ------
    InputError
        If a parameter is unknown, set twice or left without a value, or a value is no finite number.
    """
    return [float(value) for value in parse_exact_point(texts, names, option, start)]


def parse_exact_point(
    texts: Sequence[str], names: Sequence[str], option: str, start: Mapping[str, float] | None = None
) -> list[Fraction]:
    """Return the numbers exactly as they are written; parameters and errors as of :func:`parse_point`."""
    values: dict[str, Fraction] = {}
    for text in texts:
        for name, value in _assignments(text, option):
            if name not in names:
                raise InputError(f"{option}: {name!r} is no parameter; the parameters are {_listed(names)}")
            if name in values:
                raise InputError(f"{option}: {name} is set twice; give each parameter once")
            values[name] = value
    merged = {name: exact_rational(value, option) for name, value in (start or {}).items()} | values
    missing = [name for name in names if name not in merged]
    if missing:
        example = f"{option} {missing[0]}=0.5"
        raise InputError(f"{option}: no value for {_listed(missing)}; give one, such as {example}")
    return [merged[name] for name in names]


def _assignments(text: str, option: str) -> list[tuple[str, Fraction]]:
    pairs: list[tuple[str, Fraction]] = []
    for part in _split(text, option):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name:
            raise InputError(f"{option}: {part.strip()[:40]!r} is no assignment; write name=number, such as theta=0.5")
        if value.startswith("[") and value.endswith("]"):
            entries = enumerate(value[1:-1].split(","))
            pairs += [(f"{name}{k}", exact_rational(entry.strip(), option)) for k, entry in entries]
        else:
            pairs.append((name, exact_rational(value.strip(), option)))
    return pairs


def _split(text: str, option: str) -> list[str]:
    """Split at the commas outside brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "[") - (character == "]")
        if depth not in (0, 1):
            raise InputError(f"{option}: brackets do not match in {text[:40]!r}; write w=[1,2]")
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    if depth:
        raise InputError(f"{option}: brackets do not match in {text[:40]!r}; write w=[1,2]")
    return parts


def _outward(text: str, direction: float, option: str) -> float:
    """The float next to a number, or the next one in a direction: a box holds all that is written."""
    exact = exact_rational(text.strip(), option)
    near = float(exact)
    return near if (Fraction(near) - exact) * math.copysign(1, direction) >= 0 else math.nextafter(near, direction)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def parse_box(texts: Sequence[str], names: Sequence[str], option: str, *, is_open: bool = False) -> list[list[float]]:
    """Return lower and upper end of each parameter, in the order of ``names``, from texts such as ``a=-1:1,b=0:2``.

    If ``is_open``, an end may be left out, as in ``a=0:``, and a parameter too: then -inf or inf stands for it.

    Raises
    ------
    InputError
        If a parameter is unknown, set twice or left out, or its range is no pair of finite numbers, the lower first.
    """
    ranges: dict[str, list[float]] = {}
    for given in texts:
        for part in given.split(","):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            low, colon, high = value.partition(":")
            if not equals or not colon:
                raise InputError(f"{option}: {part.strip()[:40]!r} is no range; write name=low:high, as theta=-5:5")
            if name not in names:
                raise InputError(f"{option}: {name!r} is no parameter; the parameters are {_listed(names)}")
            if name in ranges:
                raise InputError(f"{option}: {name} is set twice; give each parameter once")
            ranges[name] = [
                end if is_open and not text.strip() else _outward(text, end, option)
                for text, end in ((low, -math.inf), (high, math.inf))
            ]
            if ranges[name][0] > ranges[name][1]:
                raise InputError(f"{option}: {name}={value} has its lower end above its upper end")
    missing = [name for name in names if name not in ranges]
    if is_open:
        ranges |= {name: [-math.inf, math.inf] for name in missing}
    elif missing:
        raise InputError(f"{option}: no range for {_listed(missing)}; give one, such as {option} {missing[0]}=-5:5")
    return [ranges[name] for name in names]
