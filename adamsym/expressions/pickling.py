"""Objects that are copied and sent to other processes, with what they keep or without it."""

from functools import cached_property
from typing import Any, TypeVar

_Object = TypeVar("_Object")


class WithoutCached:
    """Pickled without what its cached properties hold, such as compiled functions: that is made again when wanted."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes but for those of cached properties."""
        kinds = type(self).__mro__
        cached = {name for kind in kinds for name, value in vars(kind).items() if isinstance(value, cached_property)}
        return {name: value for name, value in vars(self).items() if name not in cached}


def shallow_copy(value: _Object) -> _Object:
    """Return another object of the same attributes, with what its cached properties hold; however it is pickled."""
    found = object.__new__(type(value))
    found.__dict__.update(value.__dict__)
    return found
