"""Names of parameters."""

from collections.abc import Mapping, Sequence

from adamsym.expressions.arguments import shown
from adamsym.expressions.errors import InputError
from adamsym.expressions.parser import check_name

MOST_PARAMETERS = 1000


def parameter_names(parameters: Sequence[str] | Mapping[str, int]) -> tuple[str, ...]:
    """Return the names that a list, or vectors by length, declare; InputError for bad or clashing ones."""
    place = "problem.parameters"
    names: list[str] = []
    if isinstance(parameters, Mapping):
        for name, length in parameters.items():
            if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= MOST_PARAMETERS:
                raise InputError(
                    f"{place}.{name}: {length!r} is not allowed; allowed are lengths from 1 to {MOST_PARAMETERS}"
                )
            names += [f"{name}{k}" for k in range(length)]
    else:
        names = _listed(parameters, place)
    if not 1 <= len(names) <= MOST_PARAMETERS:
        raise InputError(f"{place}: {len(names)} parameters; allowed are 1 to {MOST_PARAMETERS}")
    for name in names:
        check_name(name, place)
    if len(set(names)) < len(names):
        raise InputError(f"{place}: {next(n for n in names if names.count(n) > 1)} stands twice; names must differ")
    return tuple(names)


def _listed(parameters: Sequence[str], place: str) -> list[str]:
    try:
        if not isinstance(parameters, (str, bytes, set)):
            return list(parameters)
    except (TypeError, KeyError, IndexError):
        pass
    raise InputError(f'{place}: {shown(parameters)} is not allowed; give a list of names, such as ["theta"]')
