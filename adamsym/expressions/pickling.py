"""Objects that are copied and sent to other processes, with what they keep or without it."""

from functools import cached_property
from typing import Any, TypeVar, overload

_Object = TypeVar("_Object")
_Value = TypeVar("_Value")

_SHARED = "_shared"


class shared_property(cached_property[_Value]):
    """A cached property that copies of an object by :func:`shallow_copy` have in common, whichever asks first."""

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> "shared_property[_Value]": ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> _Value: ...

    def __get__(self, instance: object, owner: type[Any] | None = None) -> "shared_property[_Value] | _Value":
        """Return the value, and keep it."""
        if instance is None:
            return self
        assert self.attrname is not None
        shared = vars(instance).setdefault(_SHARED, {})
        if self.attrname not in shared:
            shared[self.attrname] = self.func(instance)
        value: _Value = shared[self.attrname]
        vars(instance)[self.attrname] = value
        return value


class WithoutCached:
    """Pickled without what its cached properties hold, such as compiled functions: that is made again when wanted."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes but for those of cached properties."""
        kinds = type(self).__mro__
        cached = {name for kind in kinds for name, value in vars(kind).items() if isinstance(value, cached_property)}
        return {name: value for name, value in vars(self).items() if name not in cached | {_SHARED}}


def shallow_copy(value: _Object) -> _Object:
    """Return another object of the same attributes, with what its cached properties hold; however it is pickled."""
    found = object.__new__(type(value))
    if any(isinstance(one, shared_property) for kind in type(value).__mro__ for one in vars(kind).values()):
        value.__dict__.setdefault(_SHARED, {})
    found.__dict__.update(value.__dict__)
    return found
