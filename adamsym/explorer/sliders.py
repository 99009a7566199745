"""The sliders of an exploration: which numbers vary, and the values that they take."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from adamsym.continuation.axes import Axis, axes_of, check_together
from adamsym.continuation.families import check_axis, check_name, field_at, value_of
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.gradients import Empirical
from adamsym.gradients.entries import DataEntry
from adamsym.methods.record import parameters_of

MOST_SLIDERS = 6

MOST_STATES = 1_000
"""Positions of all sliders together whose fields are computed in advance."""

MOST_BATCHES = 300
"""Multisets of rows in a minibatch, up to which larger minibatches are among the default values."""

FINE = 100
"""Parts into which a local server cuts each slider, beside its listed values."""

_DEFAULTS: dict[str, tuple[str, ...]] = {
    "beta2": ("0.9999", "0.9997", "0.999", "0.997", "0.99", "0.97", "0.9", "0.7", "0.5"),
    "beta1": ("0", "0.5", "0.9"),
    "eps": ("1e-8", "0.01"),
}
"""Beside the problem's own value; those that its method does not allow are left out."""

_LABELS = {"beta2": "log₁₀(1 − β₂)", "beta1": "β₁", "eps": "log₁₀ ε", "batch_size": "batch size"}
_SYMBOLS = {"beta2": "β₂", "beta1": "β₁", "eps": "ε", "batch_size": "batch size"}


@dataclass(frozen=True)
class Slider:
    """One number that varies.

    Attributes
    ----------
    axis
        Its name, "beta2", "beta1", "eps", "batch_size", another number of the method or "data.x[2]", an entry of the
        data, and its values exactly, in the order of the slider: rising, those of beta2 falling, so that
        log(1 - beta2) rises.
    own
        The position of the value that the problem itself has.
    """

    axis: Axis
    own: int

    @property
    def name(self) -> str:
        """The name of the number."""
        return self.axis.name

    @property
    def label(self) -> str:
        """What stands beside the slider."""
        return _LABELS.get(self.name, self.name)

    def scaled(self, value: Fraction | float) -> float:
        """Return a value as the slider's label shows it: beta2 and eps in logarithms."""
        if self.name == "beta2":
            return math.log10(1 - Fraction(value))
        return math.log10(value) if self.name == "eps" else float(value)

    def text(self, value: Fraction) -> str:
        """Return a value in words: on the slider's scale, and as itself where that is something else."""
        if self.name in ("beta2", "eps"):
            scaled = f"{self.scaled(value):.2f}".replace("-0.00", "0.00").replace("-", "−")
            return f"{scaled}, {_SYMBOLS[self.name]} = {exact_text(value)}"
        return exact_text(value)


def exact_text(value: Fraction) -> str:
    """Return a number exactly: as a decimal if a short one is equal to it, else as a fraction."""
    if value.denominator == 1 and abs(value) < 10**15:
        return str(value.numerator)
    decimal = repr(float(value))
    return decimal.replace("e-0", "e-") if Fraction(decimal) == value else str(value)


def state_text(values: Mapping[str, Fraction]) -> str:
    """Return the values of the sliders in words, each exactly."""
    return ", ".join(f"{_SYMBOLS.get(name, name)} = {exact_text(value)}" for name, value in values.items())


def sliders_of(field: AdamField, given: Mapping[str, Any] | None) -> tuple[Slider, ...]:
    """Return the sliders: those of the defaults, with the values given in place of theirs.

    Raises
    ------
    InputError
        If a name is unknown, a value is not allowed, two sliders change the same numbers of the data, or there are
        more than 1,000 positions of all sliders together.
    NotApplicable
        If rows are drawn in epochs, or there is a slider for an entry of a continuous law.
    """
    varies_data = any(DataEntry.named(str(name)) for name in given or ())
    wanted: dict[str, Any] = {name: list(values) for name, values in _defaults(field, varies_data).items()}
    wanted |= given or {}
    if len(wanted) > MOST_SLIDERS:
        raise InputError(f"values: {len(wanted)} sliders; allowed are {MOST_SLIDERS}")
    sliders = tuple(_slider(field, name, values, name in (given or {})) for name, values in wanted.items())
    check_together([slider.axis for slider in sliders])
    states = math.prod(len(slider.axis.values) for slider in sliders)
    if states > MOST_STATES:
        raise InputError(
            f"values: {states:,} positions of the sliders; allowed are {MOST_STATES:,}: give fewer values, such as "
            f"--values {sliders[0].name}={exact_text(sliders[0].axis.values[0])}"
        )
    return sliders


def _defaults(field: AdamField, varies_data: bool) -> dict[str, tuple[str, ...]]:
    """The usual values; beside sliders for the data eps and the batch size stay, lest there be too many positions."""
    own = parameters_of(field.adam)
    found = {name: values for name, values in _DEFAULTS.items() if name in own}
    if varies_data and "eps" in found:
        found["eps"] = (own["eps"],)
    law, size = field.problem.law, field.problem.batch_size
    sizes = [size]
    if isinstance(law, Empirical) and not varies_data:
        rows = len(law.rows)
        sizes += [b for b in (2 * size, 4 * size) if math.comb(rows + b - 1, b) <= MOST_BATCHES]
    return {**found, "batch_size": tuple(map(str, sizes))}


def _slider(field: AdamField, name: str, values: Any, is_given: bool) -> Slider:
    [axis] = axes_of({name: values})
    check_name(field, axis)
    if axis.is_interval:
        ends = ":".join(map(exact_text, axis.values))
        raise InputError(
            f"values {name}: an interval is not allowed; give a list, or low:high:number, such as {name}={ends}:9"
        )
    if axis.entry is not None:
        check_axis(field, Axis(name, (min(axis.values), max(axis.values)), True))
    own = value_of(field, axis)
    if own is None:
        raise InputError(f"values {name}: its rows differ; give one of them, such as {name}[0]")
    kept = {value for value in axis.values if is_given or _is_allowed(field, axis, value)} | {own}
    ordered = sorted(kept, reverse=name == "beta2")
    return Slider(Axis(name, tuple(ordered), False), ordered.index(own))


def _is_allowed(field: AdamField, axis: Axis, value: Fraction) -> bool:
    try:
        field_at(field, {axis: value})
    except InputError:
        return False
    return True


def finer(slider: Slider) -> Slider:
    """Return a slider with more values between its ends, of few digits, beside its own ones; for a local server."""
    values = set(slider.axis.values)
    low, high = min(values), max(values)
    if low == high:
        return slider
    between = Axis(slider.name, (low, high), True)
    for place in range(1, FINE):
        values.add(_rounded(between, between.value(place / FINE)))
    kept = sorted((one for one in values if low <= one <= high), reverse=slider.name == "beta2")
    return Slider(Axis(slider.name, tuple(kept), False), kept.index(slider.axis.values[slider.own]))


def _rounded(between: Axis, value: float) -> Fraction:
    """A value of few digits nearby; of beta1 and beta2 so that 1 less the value has few."""
    if between.name == "batch_size":
        return Fraction(round(value))
    if between.scale == "memory":
        return 1 - Fraction(f"{1 - value:.2g}")
    if between.scale == "logarithmic":
        return Fraction(f"{value:.2g}")
    low, high = between.values
    unit = Fraction(10) ** math.floor(math.log10((high - low) / FINE))
    return round(Fraction(value) / unit) * unit
