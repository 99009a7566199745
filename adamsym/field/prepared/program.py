"""Expressions as lists of operations: data that can be kept in a file, and carried out on values with running errors.

Only operations of a fixed list are known, so that a program from a file can do nothing but arithmetic.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from adamsym.expressions.running import NAMESPACE, Operand, Running, integer_power

OPERATIONS: dict[str, Callable[..., Any]] = NAMESPACE | {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "pow": operator.pow,
    "neg": operator.neg,
    "integer_power": lambda base, exponent: integer_power(base, int(exponent)),
}

Step = tuple[str, tuple[int | float, ...]]
"""An operation and its operands: an integer is the number of an earlier value, a float a number."""


@dataclass(frozen=True)
class Program:
    """Steps on values: first the ``inputs``, then what each step makes; ``outputs`` are the numbers of results."""

    inputs: int
    steps: tuple[Step, ...]
    outputs: tuple[int | float, ...]

    def __call__(self, *operands: Running) -> list[Operand]:
        """Return the results for as many operands as there are inputs."""
        values: list[Operand] = list(operands)

        def of(operand: int | float) -> Operand:
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
            if name not in OPERATIONS or not _are_known(arguments, inputs + number):
                raise ValueError("no program")
        if not _are_known(outputs, inputs + len(steps)):
            raise ValueError("no program")
        return cls(int(inputs), steps, tuple(outputs))


def _are_known(operands: Sequence[Any], values: int) -> bool:
    return all(type(one) is float or (type(one) is int and 0 <= one < values) for one in operands)
