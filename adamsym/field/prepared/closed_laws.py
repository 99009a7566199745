"""A problem whose gradients have laws in closed form, with all that does not depend on theta made ready."""

from dataclasses import dataclass

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.running import UNIT, Running, stacked
from adamsym.field.arrays.laws import FormNumbers, value_of_law
from adamsym.field.laws.two_numbers import LawOfTwoNumbers
from adamsym.field.prepared.archive import Parts, are_told
from adamsym.field.prepared.program import Program
from adamsym.field.values import FieldValue


@dataclass(frozen=True, eq=False)
class PreparedLaws:
    """What :class:`adamsym.AdamField` has of a problem whose gradients have laws in closed form, and of its method.

    Attributes
    ----------
    names, start, dropped
        The parameters, the start in the problem file, and 0: there are no rows that could be left out.
    program
        Two numbers for each coordinate, of the parameters.
    laws
        What makes each coordinate's law of its two numbers.
    form
        The method's Laplace form.
    """

    names: tuple[str, ...]
    start: dict[str, float] | None
    dropped: int
    program: Program
    laws: tuple[LawOfTwoNumbers, ...]
    form: FormNumbers

    def evaluate(self, theta: FloatArray) -> FieldValue | None:
        """Return f at a point (d,) with an error estimate, as :meth:`adamsym.AdamField.evaluate`.

        None where that does more, or refuses: where a law needs a finer grid, or is none.
        """
        numbers = stacked(self.program, [Running(x, 0.0) for x in theta])
        if not np.isfinite(numbers.value).all():
            return None
        pairs = [Running(x, error) for x, error in zip(numbers.value, numbers.error, strict=True)]
        found = []
        try:
            for law, first, second in zip(self.laws, pairs[::2], pairs[1::2], strict=True):
                own, moved = law(first, second)
                *of_law, is_accurate = value_of_law(own, self.form, self.form.rules)
                if not is_accurate:
                    return None
                found.append((*of_law, moved))
        except InputError:
            return None
        value, error, inverse, moved = np.array(found).T
        value, decay = -value, self.form.decay * theta
        error += moved * (self.form.absolute + self.form.step_bound) * inverse
        return FieldValue(value - decay, error + 2 * UNIT * (np.abs(value) + 2 * np.abs(decay)), self.names)

    def to_bytes(self) -> bytes:
        """Return the problem as an archive of arrays, without any code."""
        plain = {
            "kind": "laws",
            "names": self.names,
            "start": self.start,
            "dropped": self.dropped,
            "program": self.program.to_plain(),
            "laws": [[law.distribution, law.parameters] for law in self.laws],
        }
        return Parts(plain, {}).with_form(self.form).to_bytes()

    @classmethod
    def from_parts(cls, parts: Parts) -> "PreparedLaws":
        """Return the problem that ``to_bytes`` has written.

        Raises
        ------
        ValueError
            If it is none; and what wrong types raise.
        """
        plain = parts.plain
        names, program = tuple(plain["names"]), Program.from_plain(plain["program"])
        laws = tuple(LawOfTwoNumbers(distribution, tuple(numbers)) for distribution, numbers in plain["laws"])
        fits = (
            are_told(names, plain["start"], plain["dropped"])
            and len(laws) == len(names) == program.inputs
            and len(program.outputs) == 2 * len(names)
            and all(type(number) is float for law in laws for number in law.parameters)
        )
        if not fits:
            raise ValueError("no prepared laws")
        return cls(names, plain["start"], plain["dropped"], program, laws, parts.form)
