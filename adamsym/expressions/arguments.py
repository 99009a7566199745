"""Arguments of public functions, checked by their annotations: what is given is accepted where its meaning is plain.

Anything else is refused in one line that says what to write.
"""

import inspect
import math
import numbers
import operator
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import cache, wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    ParamSpec,
    Protocol,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.expressions.errors import InputError
from adamsym.expressions.signatures import readable

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result", covariant=True)

_PROBLEM = 'Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 3]}))'

EXAMPLES = {
    "AdamField": "AdamField(problem, Adam())",
    "AdaptiveMethod": "Adam()",
    "Method": "Adam()",
    "Adam": "Adam()",
    "StochasticGradient": _PROBLEM,
    "SymbolicGradient": _PROBLEM,
    "Problem": _PROBLEM,
    "StepSizeSchedule": 'StepSizeSchedule("0.1/n**0.7")',
    "Zeros": "find_zeros(field, box)",
    "LyapunovRegion": "certify_lyapunov(field, box)",
    "Executor": "ThreadPoolExecutor()",
    "Flow": "flow(field, theta0, times)",
    "ZeroPoint": "find_zero(field, theta0)",
    "Ensemble": "simulate(problem, method, schedule, theta0, steps, chains, seed)",
    "Runs": "recorded_runs(ensemble, schedule, theta0)",
    "PhasePortrait": "phase_portrait(field, box, 41)",
    "Basins": "basins(field, box, 41, zeros, time, radius)",
    "Adapter": "torch_adapter(torch.optim.Adam)",
    "Recursion": "Recursion(beta1=0.9, beta2=0.999)",
    "type": "torch.optim.Adam",
    "Axes": "figure.add_subplot()",
    "Figure": "matplotlib.figure.Figure()",
}
"""How arguments of these classes are written."""


def plain_type(hint: Any) -> Any:
    """Return the type that an alias stands for: from Python 3.12 on NumPy's are made by the statement ``type``."""
    return getattr(hint, "__value__", hint)


def union_arms(hint: Any) -> list[Any]:
    """Return the types of a union, those of unions within it one by one; of another type itself."""
    plain = plain_type(hint)
    if get_origin(plain) not in (Union, UnionType):
        return [plain]
    return [arm for part in get_args(plain) for arm in union_arms(part)]


_ARRAY = frozenset(union_arms(ArrayLike))


def checked_arguments(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Return the function with its arguments checked by its annotations, and converted where their meaning is plain.

    Integers of NumPy count as integers, any real number as a float, text as a path; ``ArrayLike`` must hold real
    numbers. A class may have a method ``from_plain`` that reads other values, and returns None for those it cannot.

    Raises
    ------
    InputError
        When the function is called with an argument that does not fit.
    """
    signature = inspect.signature(function)

    @cache
    def hints() -> dict[str, Any]:
        return get_type_hints(function)

    @wraps(function)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # Python's own words for arguments left out or unknown
        for name, value in bound.arguments.items():
            if name in hints():
                try:
                    bound.arguments[name] = fitting(value, hints()[name], name)
                except _WrongKind as error:
                    raise InputError(f"{error}; {_order(function.__qualname__, signature)}") from None
        return function(*bound.args, **bound.kwargs)

    # For help alone: what is checked follows the annotations.
    checked.__signature__ = readable(signature)  # type: ignore[attr-defined]
    return checked


class _Field(Protocol):
    problem: Any
    adam: Any


class _TakesField(Protocol[Parameters, Result]):
    """A function that may be called as it is written, or with a field first."""

    @overload
    def __call__(self, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result: ...

    @overload
    def __call__(self, field: _Field, /, *others: Any, **named: Any) -> Result: ...


def takes_field(function: Callable[Parameters, Result]) -> _TakesField[Parameters, Result]:
    """Return the function, which also takes a field in place of its first arguments ``problem`` and the method.

    A field has both as attributes, ``problem`` and ``adam``. Where a third argument is ``field``, it is that field too.
    """
    names = list(inspect.signature(function).parameters)
    with_field = names[2:3] == ["field"]

    @wraps(function)
    def expanded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if args and hasattr(args[0], "problem") and hasattr(args[0], "adam"):
            field: Any = args[0]
            given: Any = (field.problem, field.adam, *((field,) if with_field else ()), *args[1:])
            return function(*given, **kwargs)
        return function(*args, **kwargs)

    return cast(_TakesField[Parameters, Result], expanded)


class _WrongKind(InputError):
    """An argument of another class: perhaps the arguments stand in another order."""


def _order(name: str, signature: inspect.Signature) -> str:
    names = [one for one, parameter in signature.parameters.items() if parameter.kind is not parameter.KEYWORD_ONLY]
    shown = ", ".join(one for one in names if one != "self")
    return f"the order is {name.removesuffix('.__init__')}({shown})"


def fitting(value: Any, hint: Any, name: str) -> Any:
    """Return a value as its annotation says, or raise InputError."""
    hint = plain_type(hint)
    if hint is Any or (value is None and _allows_none(hint)):
        return value
    if get_origin(hint) in (Union, UnionType):
        return _one_of(value, hint, name)
    if get_origin(hint) is Literal:
        if not any(type(value) is type(one) and value == one for one in get_args(hint)):
            raise InputError(
                f"{name}: {shown(value)} is not allowed; allowed are {', '.join(map(repr, get_args(hint)))}"
            )
        return value
    if get_origin(hint) is Sequence:
        return _sequence(value, get_args(hint)[0], name)
    if get_origin(hint) is Callable:
        if not callable(value):
            raise InputError(f"{name}: {shown(value)} is not allowed; allowed is a function")
        return value
    simple = {int: integer, float: real, bool: _truth, str: _string, Path: _path}
    if hint in simple:
        return simple[hint](value, name)
    if get_origin(hint) is tuple:
        return tuple(_sequence(value, int, name))
    if get_origin(hint) is np.ndarray:
        return real_array(value, name)
    return _instance(value, get_origin(hint) or hint, name)


def _allows_none(hint: Any) -> bool:
    return NoneType in get_args(hint)


def _one_of(value: Any, hint: Any, name: str) -> Any:
    arms = [arm for arm in union_arms(hint) if arm is not NoneType]
    if set(arms) >= _ARRAY:
        return real_array(value, name)
    if len(arms) == 1:
        return fitting(value, arms[0], name)
    # What the value is an instance of already comes first: then nothing is raised.
    for arm in sorted(arms, key=lambda arm: not _is_instance(value, get_origin(arm) or arm)):
        with suppress(InputError):
            return fitting(value, arm, name)
    message = f"{name}: {shown(value)} is not allowed; allowed is {' or '.join(map(_in_words, arms))}"
    example = next((EXAMPLES[arm.__name__] for arm in arms if getattr(arm, "__name__", "") in EXAMPLES), None)
    raise InputError(message) if example is None else _WrongKind(f"{message}, such as {example}")


def _is_instance(value: Any, kind: Any) -> bool:
    return isinstance(kind, type) and isinstance(value, kind)


def _in_words(hint: Any) -> str:
    words = {int: "an integer", float: "a number", str: "text", Path: "the path of a file", Sequence: "a list"}
    kind = get_origin(hint) or hint
    return words.get(kind) or f"{_article(kind.__name__)} {kind.__name__}"


def _sequence(value: Any, hint: Any, name: str) -> list[Any]:
    if isinstance(value, (str, bytes, Mapping, set, frozenset)) or not hasattr(value, "__len__"):
        raise InputError(f"{name}: {shown(value)} is not allowed; allowed is a list")
    try:
        entries = list(value)
    except TypeError:
        raise InputError(f"{name}: {shown(value)} is not allowed; allowed is a list") from None
    return [fitting(entry, hint, f"{name}[{k}]") for k, entry in enumerate(entries)]


def _instance(value: Any, hint: Any, name: str) -> Any:
    if not isinstance(hint, type) or isinstance(value, hint):
        return value
    plain = getattr(hint, "from_plain", None)
    found = None if plain is None else plain(value)
    if found is not None:
        return found
    if hint.__name__ == "Executor" and hasattr(value, "submit"):
        return value
    wanted = f"{_article(hint.__name__)} {hint.__name__}"
    example = f", such as {EXAMPLES[hint.__name__]}" if hint.__name__ in EXAMPLES else ""
    raise _WrongKind(f"{name}: {shown(value)} is no {hint.__name__}; give {wanted}{example}")


def _article(word: str) -> str:
    return "an" if word[0] in "AEIO" else "a"


def integer(value: Any, name: str) -> int:
    """Return an integer, also one of NumPy; raise InputError for anything else."""
    found = None
    if not isinstance(value, (bool, np.bool_)):
        with suppress(TypeError):
            found = operator.index(value)
    if found is None or abs(found) >= 2**63:
        allowed = "an integer" if found is None else "an integer of at most 63 bits"
        raise InputError(f"{name}: {shown(value)} is not allowed; allowed is {allowed}")
    return found


def real(value: Any, name: str) -> float:
    """Return a real number, also a fraction or one of NumPy, as a float; raise InputError for anything else."""
    is_number = isinstance(value, (numbers.Real, Decimal)) or (hasattr(value, "dtype") and np.ndim(value) == 0)
    if is_number and not isinstance(value, (bool, np.bool_, np.complexfloating)):
        try:
            found = float(value)
        except (TypeError, ValueError, OverflowError, RuntimeError):
            found = math.nan
        if not math.isnan(found):
            return found
    raise InputError(f"{name}: {shown(value)} is not allowed; allowed is a number")


def real_array(value: Any, name: str) -> NDArray[np.float64]:
    """Return an array of real numbers as float64; raise InputError for what is none, or has no shape.

    Fractions and decimals are rounded to the nearest float.
    """
    if isinstance(value, Mapping):
        raise InputError(f"{name}: {shown(value)} is not allowed; give the numbers in order, as a list or an array")
    try:
        found = np.asarray(detached(value))
        entries = found.ravel().tolist() if found.dtype.kind == "O" else []
        if found.dtype.kind not in "biufO" or any(isinstance(entry, (str, NoneType, complex)) for entry in entries):
            raise TypeError
        return found.astype(np.float64)
    except (TypeError, ValueError, OverflowError, RuntimeError):
        raise InputError(f"{name}: {shown(value)} is not allowed; allowed is a list or array of real numbers") from None


def detached(value: Any) -> Any:
    """Return a tensor of torch as an array, also one that requires gradients or lies on a device; else the value."""
    if type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    return value


def _truth(value: Any, name: str) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name}: {shown(value)} is not allowed; allowed are True and False")
    return bool(value)


def _string(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name}: {shown(value)} is not allowed; allowed is text")
    return value


def _path(value: Any, name: str) -> Path:
    if not isinstance(value, (str, os.PathLike)) or isinstance(os.fspath(value), bytes):
        raise InputError(f"{name}: {shown(value)} is not allowed; allowed is the path of a file")
    return Path(value)


def shown(value: Any) -> str:
    """Return a value for a message: short text, or the name of its class; of another package's Adam, of which."""
    if isinstance(value, (str, int, float, complex, NoneType)) or (
        isinstance(value, (list, tuple, dict)) and len(value) <= 4
    ):
        text = repr(value) if not isinstance(value, int) or value.bit_length() < 200 else ""
        if 0 < len(text) <= 40:
            return text
    if isinstance(value, type):
        return f"the class {value.__name__}"
    name, package = type(value).__name__, type(value).__module__.partition(".")[0]
    of = f" of {package}" if name in EXAMPLES and package != "adamsym" else ""
    return f"{_article(name[0].upper())} {name}{of}"
