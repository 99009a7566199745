"""Expressions as lists of operations: data that can be kept in a file, and carried out on values with running errors.

Only operations of a fixed list are known, so that a program from a file can do nothing but arithmetic.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from adamsym.expressions.running import NAMESPACE, Operand, Running, integer_power

_OPERATORS: dict[str, Callable[..., Any]] = {
    name: getattr(operator, name) for name in ("add", "sub", "mul", "truediv", "pow", "neg")
}

_OF_TEXTS = ("rational", "named")
"""Operations whose operand is a text, and no value."""

OPERATIONS: dict[str, Callable[..., Any]] = (
    NAMESPACE | _OPERATORS | {"integer_power": lambda base, exponent: integer_power(base, int(exponent))}
)

Step = tuple[str, tuple[int | float | str, ...]]
"""An operation and its operands: an integer is the number of an earlier value, a float a number."""


@dataclass(frozen=True)
class Program:
    """Steps on values: first the ``inputs``, then what each step makes; ``outputs`` are the numbers of results."""

    inputs: int
    steps: tuple[Step, ...]
    outputs: tuple[int | float | str, ...]

    def __call__(self, *operands: Running) -> list[Operand]:
        """Return the results for as many operands as there are inputs."""
        return self._carried_out(operands)

    def in_balls(self, shared: Sequence[Any], rows: Iterable[Sequence[Any]], outputs: int) -> list[list[Any]] | None:
        """Return balls that hold so many first results for each row, whose operands come after the ``shared`` ones.

        All operands are balls ``flint.arb``. What does not depend on the row is computed once. None for an operation
        that balls do not know.
        """
        import flint

        table = _in_balls()
        if any(name not in table for name, _ in self.steps):
            return None
        count = len(shared)
        # Slots of values: the inputs, what each step makes, and the numbers among the operands.
        slots: list[Any] = [*shared, *[None] * (self.inputs - count + len(self.steps))]
        of_rows, later = set(range(count, self.inputs)), []
        for number, (name, arguments) in enumerate(self.steps, self.inputs):
            if of_rows.isdisjoint(x for x in arguments if isinstance(x, int)):
                slots[number] = flint.arb(table[name](*(slots[x] if isinstance(x, int) else x for x in arguments)))
                continue
            of_rows.add(number)
            places = []
            for x in arguments:
                places.append(x if isinstance(x, int) else len(slots))
                slots += [] if isinstance(x, int) else [x]
            later.append((number, table[name], places))
        wanted = []
        for one in self.outputs[:outputs]:
            wanted.append(one if isinstance(one, int) else len(slots))
            slots += [] if isinstance(one, int) else [flint.arb(one)]
        found = []
        for row in rows:
            slots[count : self.inputs] = row
            for number, operation, places in later:
                if len(places) == 2:  # nearly all, and in a third of the time
                    left, right = places
                    slots[number] = operation(slots[left], slots[right])
                else:
                    slots[number] = operation(*[slots[k] for k in places])
            found.append([slots[one] for one in wanted])
        return found

    def _carried_out(self, operands: Sequence[Any]) -> list[Any]:
        values = list(operands)

        def of(operand: Any) -> Any:
            return values[operand] if isinstance(operand, int) else operand

        for name, arguments in self.steps:
            values.append(OPERATIONS[name](*map(of, arguments)))
        return [of(one) for one in self.outputs]

    def to_plain(self) -> list[Any]:
        """Return lists, numbers and texts, for JSON."""
        return [self.inputs, [[name, list(arguments)] for name, arguments in self.steps], list(self.outputs)]

    @classmethod
    def from_plain(cls, plain: Any) -> "Program":
        """Return the program that ``to_plain`` has written.

        Raises
        ------
        ValueError
            If it is none: an operation is not known, or an operand does not come before.
        """
        inputs, listed, outputs = plain
        steps = tuple((str(name), tuple(arguments)) for name, arguments in listed)
        for number, (name, arguments) in enumerate(steps):
            texts = name in _OF_TEXTS and len(arguments) == 1 and _is_constant(name, arguments[0])
            if name not in OPERATIONS or not (texts or _are_known(arguments, inputs + number)):
                raise ValueError("no program")
        if not _are_known(outputs, inputs + len(steps)):
            raise ValueError("no program")
        return cls(int(inputs), steps, tuple(outputs))


def _are_known(operands: Sequence[Any], values: int) -> bool:
    return all(type(one) is float or (type(one) is int and 0 <= one < values) for one in operands)


def _is_constant(name: str, text: Any) -> bool:
    if name == "named":
        return text in ("pi", "E")
    above, slash, below = text.partition("/") if isinstance(text, str) else ("", "", "")
    return bool(slash) and above.removeprefix("-").isdecimal() and below.isdecimal() and below.strip("0") != ""


def _in_balls() -> dict[str, Callable[..., Any]]:
    """The operations in ball arithmetic, at the precision of the moment."""
    import flint

    from adamsym.expressions.ball_functions import BALLS, integer_power

    def rational(text: str) -> flint.arb:
        exact = Fraction(text)
        return flint.arb(exact.numerator) / exact.denominator

    own: dict[str, Callable[..., Any]] = {
        "rational": rational,
        "named": lambda name: flint.arb.pi() if name == "pi" else flint.arb(1).exp(),
        "integer_power": lambda base, exponent: integer_power(base, int(exponent)),
    }
    return BALLS | _OPERATORS | own
