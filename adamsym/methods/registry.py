"""The methods by name: those here, and those that installed packages offer as entry points."""

import inspect
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_type_hints

from adamsym.expressions.errors import InputError
from adamsym.methods.adam import Adam, AdamEpsInsideRoot, AdamW, AdamWithoutMomentum, NAdam, RMSprop
from adamsym.methods.other_recursions import Adamax, AMSGrad
from adamsym.methods.recursion import Method
from adamsym.methods.sign import Lion, Signum
from adamsym.methods.variants import ADOPT, AdaBelief, Adafactor, AdamClippedByNorm, AdamClippedByValue, RAdam, Yogi

GROUP = "adamsym.methods"
"""The group of entry points: a package's lines ``Name = "package.module:Class"`` under it name its methods."""

METHODS: dict[str, type[Method]] = {
    method.__name__: method
    for method in (
        *(Adam, AdamEpsInsideRoot, AdamW, AdamWithoutMomentum, Adamax, AMSGrad, Lion, NAdam, RMSprop, Signum),
        *(AdaBelief, Adafactor, AdamClippedByNorm, AdamClippedByValue, ADOPT, RAdam, Yogi),
    )
}
"""The methods that are built in. A new one is one entry here."""


def known_methods() -> tuple[str, ...]:
    """Return the names of all methods: those built in, and those that installed packages offer in ``GROUP``."""
    return (*METHODS, *sorted(_installed()))


def method_class(name: str) -> type[Method]:
    """Return the class of a method by its name; a built-in one comes before any other of its name.

    Raises
    ------
    InputError
        If the name is unknown, or what a package offers under it is no class of a method.
    """
    if name in METHODS:
        return METHODS[name]
    installed = _installed()
    if name not in installed:
        shown = repr(name) if len(name) <= 40 else "this name"
        raise InputError(f"adam.method: {shown} is unknown; allowed are {', '.join(known_methods())}")
    offered = installed[name]
    try:
        found = offered.load()
    except Exception as error:
        # Any package's code may stand behind the name: what it raises is the reason that the reader needs.
        raise InputError(f"adam.method: {name} cannot be loaded from {offered.value}: {error}") from error
    if not (inspect.isclass(found) and issubclass(found, Method)):
        raise InputError(f"adam.method: {name} is {offered.value}, which is no subclass of adamsym.methods.Method")
    return found


def _installed() -> dict[str, EntryPoint]:
    return {one.name: one for one in entry_points(group=GROUP) if one.name not in METHODS}


def make_method(name: str, numbers: Mapping[str, int | Decimal | Fraction]) -> Method:
    """Return the method of that name with these numbers, exactly as written, and its own defaults for the others.

    Arguments whose annotation is ``float`` get the nearest float.

    Raises
    ------
    InputError
        If there is no such method, it has no such number, or it refuses one.
    """
    kind = method_class(name)
    known = inspect.signature(kind).parameters
    for number in numbers:
        if number not in known:
            raise InputError(f"adam.{number}: {name} has no such number; allowed are {', '.join(known)}")
    hints = _hints(kind)
    given = {key: float(value) if hints.get(key) is float else value for key, value in numbers.items()}
    try:
        return kind(**given)
    except InputError:
        raise
    except Exception as error:
        # As above: what a class of any package raises is the reason.
        raise InputError(f"adam: {name} cannot be made from these numbers: {error}") from error


def _hints(kind: type[Method]) -> dict[str, Any]:
    try:
        return get_type_hints(kind.__init__)
    except (NameError, TypeError):
        return {}
