"""A problem whose rows are drawn in epochs, with all that does not depend on theta made ready."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.running import UNIT
from adamsym.field.epochs.arrangements import Arrangements
from adamsym.field.epochs.periodic import periodic_field
from adamsym.field.epochs.shuffled import shuffled_field
from adamsym.field.float.forms import float_form
from adamsym.field.prepared.archive import Parts
from adamsym.field.prepared.rows import PreparedRows, rows_of_parts
from adamsym.field.values import FieldValue
from adamsym.gradients.sampling import Epoch
from adamsym.methods import LagWeights, LaplaceForm
from adamsym.methods.kernels import BUILT_IN


@dataclass(frozen=True, eq=False)
class PreparedEpochs(PreparedRows):
    """What :class:`adamsym.field.epochs.epoch_field.EpochField` has of a problem, and of its method.

    Attributes
    ----------
    epoch
        The minibatches of an epoch.
    kinds
        For each reshuffled row the number of its kind: rows with the same data are alike. None in another order.
    form
        The method's Laplace form, exactly.
    """

    epoch: Epoch
    kinds: tuple[int, ...]
    form: LaplaceForm

    def evaluate(self, theta: FloatArray) -> FieldValue | None:
        """Return f at a point (d,) with an error estimate, as that field; None where it does more, or refuses."""
        gradients = self.gradients(theta)
        if gradients is None:
            return None
        (values, errors), form = (part[None] for part in gradients), float_form(self.form)
        if self.epoch.is_shuffled:
            found = shuffled_field(values, form, Arrangements(self.kinds, self.epoch), errors)
        else:
            found = periodic_field(values, form, self.epoch, errors)
        if not np.isfinite(found.value).all():
            return None
        value, decay = -found.value[0], float(self.form.decay) * theta
        error = found.error[0] + 2 * UNIT * (np.abs(value) + 2 * np.abs(decay))
        return FieldValue(value - decay, error, self.names)

    def to_bytes(self) -> bytes:
        """Return the problem as an archive of arrays, without any code."""
        parts = self.parts_of_rows("epochs")
        own = {"epoch": list(vars(self.epoch).values()), "kinds": self.kinds, "form": _plain(self.form)}
        return Parts(parts.plain | own, parts.arrays).to_bytes()

    @classmethod
    def from_parts(cls, parts: Parts) -> "PreparedEpochs":
        """Return the problem that ``to_bytes`` has written.

        Raises
        ------
        ValueError
            If it is none; and what wrong types raise.
        """
        of_rows, kinds = rows_of_parts(parts), tuple(parts.plain["kinds"])
        rows, size, drop_last, is_shuffled = parts.plain["epoch"]
        epoch = Epoch(rows, size, drop_last, is_shuffled)
        fits = (
            [type(one) for one in parts.plain["epoch"]] == [int, int, bool, bool]
            and rows == len(of_rows.rows)
            and len(kinds) == (rows if is_shuffled else 0)
            and 1 <= size <= rows
            and all(type(kind) is int for kind in kinds)
            and set(kinds) == set(range(len(set(kinds))))
        )
        if not fits or (is_shuffled and not Arrangements(kinds, epoch).are_few):
            raise ValueError("no prepared epochs")
        return cls(**vars(of_rows), epoch=epoch, kinds=kinds, form=_form(parts.plain["form"]))


def is_written(form: LaplaceForm) -> bool:
    """Return whether a form can be kept: its kernel is one of those built in."""
    return type(form.kernel) is BUILT_IN.get(form.kernel.name)


def _plain(form: LaplaceForm) -> list[Any]:
    numbers = [form.beta, form.kernel.epsilon, form.decay, *form.weights.head]
    pairs = [number for term in form.weights.terms for number in term]
    return [form.kernel.name, *([[x.numerator, x.denominator] for x in part] for part in (numbers, pairs))]


def _form(plain: Sequence[Any]) -> LaplaceForm:
    name, *parts = plain
    # Numbers as text might have exponents without end.
    (beta, epsilon, decay, *head), pairs = ([Fraction(above, below) for above, below in part] for part in parts)
    weights = LagWeights(tuple(head), tuple(zip(pairs[::2], pairs[1::2], strict=True)))
    return LaplaceForm(weights, beta, BUILT_IN[name](epsilon), decay)
