"""Errors that a user can mend."""

_LONGEST_MESSAGE = 400


class InputError(ValueError):
    """Input that adamsym cannot accept.

    ``str(error)`` is one printable line that names the place and what is allowed there, whatever the input held.
    """

    def __init__(self, message: str) -> None:
        line = "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))
        if len(line) > _LONGEST_MESSAGE:
            line = line[: _LONGEST_MESSAGE - 3] + "..."
        super().__init__(line)


class NotApplicable(InputError):
    """What is asked is meaningless, or has no method here, for a problem of this kind: nothing can be decided."""


class Stopped(KeyboardInterrupt):
    """Ctrl-C, or SIGTERM, during work of several parts; ``partial`` is the result of those that are finished."""

    def __init__(self, partial: object) -> None:
        super().__init__()
        self.partial = partial
