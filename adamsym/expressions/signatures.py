"""Signatures as ``help`` shows them: names of types as one writes them, and not what they stand for."""

import inspect
from collections.abc import Callable
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.expressions.numbers import Number

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., Any])
AnyClass = TypeVar("AnyClass", bound=type)

_WHOLE = (("ArrayLike", frozenset(get_args(ArrayLike))), ("Number", frozenset(get_args(Number))))
"""Unions that have a name of their own; from Python 3.12 on ArrayLike is no union, but an alias that has its name."""

_ARRAYS = {np.dtype[np.float64]: "FloatArray", np.float64: "FloatArray"}


class Shown:
    """An annotation, or a default, whose ``repr`` is its readable text; made when it is asked for."""

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text()


def readable(signature: inspect.Signature) -> inspect.Signature:
    """Return a signature for the eye: it binds as the given one, but its annotations are texts.

    Defaults that are functions are shown as "...": their addresses say nothing.
    """
    parameters = [
        parameter.replace(annotation=_shown(parameter.annotation), default=_default(parameter.default))
        for parameter in signature.parameters.values()
    ]
    return signature.replace(parameters=parameters, return_annotation=_shown(signature.return_annotation))


def readably(function: AnyFunction) -> AnyFunction:
    """Return the function, which ``help`` shows by a readable signature."""
    function.__signature__ = readable(inspect.signature(function))  # type: ignore[attr-defined]
    return function


def shown_by_init(kind: AnyClass) -> AnyClass:
    """Return the class, which ``help`` shows by what its ``__init__`` takes, and not by its ``__new__``."""
    signature = inspect.signature(vars(kind)["__init__"])
    parameters = list(signature.parameters.values())[1:]
    own = signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    kind.__signature__ = own  # type: ignore[attr-defined]
    return kind


def _shown(annotation: Any) -> Any:
    return annotation if annotation is inspect.Signature.empty else Shown(lambda: type_text(annotation))


def _default(default: Any) -> Any:
    return Shown(lambda: "...") if inspect.isfunction(default) else default


def type_text(annotation: Any) -> str:
    """Return a type as one writes it: without modules, aliases by their names."""
    if isinstance(annotation, str):
        return annotation
    if annotation is NoneType or annotation is None:
        return "None"
    arguments, origin = get_args(annotation), get_origin(annotation)
    if origin in (Union, UnionType):
        return _union_text(arguments)
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is np.ndarray or origin is NDArray:
        return _ARRAYS.get(arguments[-1], "NDArray")
    if origin is not None:
        return f"{getattr(origin, '__name__', origin)}[{', '.join(map(_argument_text, arguments))}]"
    return getattr(annotation, "__name__", None) or str(annotation).removeprefix("typing.")


def _argument_text(argument: Any) -> str:
    """A list, of a callable's arguments, or a type."""
    if isinstance(argument, list):
        return f"[{', '.join(map(type_text, argument))}]"
    return "..." if argument is Ellipsis else type_text(argument)


def _union_text(arguments: tuple[Any, ...]) -> str:
    left, texts = list(arguments), list[str]()
    for name, whole in _WHOLE:
        if whole and whole <= set(left):
            texts.append(name)
            left = [one for one in left if one not in whole]
    rest = [type_text(one) for one in left if one is not NoneType]
    return " | ".join((*rest, *texts, *(["None"] if NoneType in left else [])))
