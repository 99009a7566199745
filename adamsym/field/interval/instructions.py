"""The instructions of tapes, carried out for all rows and many boxes."""

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.field.compiled import compiled, inner
from adamsym.field.interval import elementary
from adamsym.field.interval.arrays import BoolArray, IntArray
from adamsym.field.interval.rounding import add, multiply

ADD, MULTIPLY, NEGATE, POWER, RECIPROCAL, ROOT = range(6)
UNARY = {
    name: 6 + k
    for k, name in enumerate(
        ("exp", "log", "log1p", "tanh", "sigmoid", "softplus", "sin", "cos", "sinh", "cosh", "Abs", "sign"),
    )
}
MAX = 6 + len(UNARY)
LARGEST_POWER = 1000

LARGEST = 1e150
"""Values beyond this are given up: no product of two that are not is out of range."""

_exp, _log, _log1p, _tanh, _sigmoid = (
    elementary.exp,
    elementary.log,
    elementary.log1p,
    elementary.tanh,
    elementary.sigmoid,
)
_softplus, _sin, _cos, _sinh, _cosh = (
    elementary.softplus,
    elementary.sin,
    elementary.cos,
    elementary.sinh,
    elementary.cosh,
)
_power, _reciprocal, _root = elementary.power, elementary.reciprocal, elementary.sqrt


@inner
def _absolute(a: float, b: float) -> tuple[float, float]:
    """|x|."""
    if a >= 0:
        return a, b
    return (-b, -a) if b <= 0 else (0.0, max(-a, b))


@inner
def _sign(a: float, b: float) -> tuple[float, float]:
    """The sign of x; all from -1 to 1 where x may be 0."""
    if a > 0:
        return 1.0, 1.0
    return (-1.0, -1.0) if b < 0 else (-1.0, 1.0)


@inner
def _function(code: int, a: float, b: float) -> tuple[float, float]:
    """One of UNARY."""
    if code == 6:
        return _exp(a, b)
    if code == 7:
        return _log(a, b)
    if code == 8:
        return _log1p(a, b)
    if code == 9:
        return _tanh(a, b)
    if code == 10:
        return _sigmoid(a, b)
    if code == 11:
        return _softplus(a, b)
    if code == 12:
        return _sin(a, b)
    if code == 13:
        return _cos(a, b)
    if code == 14:
        return _sinh(a, b)
    if code == 15:
        return _cosh(a, b)
    return _absolute(a, b) if code == 16 else _sign(a, b)


@inner
def _carried_out(code: int, a: float, b: float, c: float, d: float, number: int) -> tuple[float, float]:
    """One instruction; ``number`` is the second operand's own, as an exponent."""
    if code == ADD:
        return add(a, b, c, d)
    if code == MULTIPLY:
        return multiply(a, b, c, d)
    if code == NEGATE:
        return -b, -a
    if code == POWER:
        return _power(a, b, number)
    if code == RECIPROCAL:
        return _reciprocal(a, b)
    if code == ROOT:
        return _root(a, b)
    if code == MAX:
        return max(a, c), max(b, d)
    return _function(code, a, b)


@inner
def _copy(intervals: FloatArray, registers: FloatArray, start: int) -> None:
    """Put intervals into the registers from one on: an assignment of slices brings along the text of its error."""
    for k in range(intervals.shape[0]):
        registers[start + k, 0], registers[start + k, 1] = intervals[k, 0], intervals[k, 1]


@compiled
def evaluate(
    code: IntArray,
    first: IntArray,
    second: IntArray,
    constants: FloatArray,
    outputs: IntArray,
    boxes: FloatArray,
    columns: FloatArray,
    values: FloatArray,
    known: BoolArray,
) -> None:
    """Fill values (boxes, outputs, rows, 2) for boxes (boxes, d, 2) and columns (rows, c, 2).

    ``known`` (boxes) becomes whether all of a box's are finite and below ``LARGEST``; what is filled in is else of no
    use. A value is the same function of its box alone, whatever the other boxes are.
    """
    parameters, inputs = boxes.shape[1], boxes.shape[1] + columns.shape[1]
    start = inputs + constants.shape[0]
    registers = np.empty((start + code.shape[0], 2))
    _copy(constants, registers, inputs)
    for k in range(boxes.shape[0]):
        _copy(boxes[k], registers, 0)
        known[k] = True
        for row in range(columns.shape[0]):
            _copy(columns[row], registers, parameters)
            for i in range(code.shape[0]):
                x = first[i]
                operation = code[i]
                y = second[i] if operation <= MULTIPLY or operation == MAX else x
                low, high = _carried_out(
                    operation, registers[x, 0], registers[x, 1], registers[y, 0], registers[y, 1], second[i]
                )
                # Also false of nan.
                if not (low >= -LARGEST and high <= LARGEST):
                    known[k] = False
                    break
                registers[start + i, 0], registers[start + i, 1] = low, high
            if not known[k]:
                break
            for o in range(outputs.shape[0]):
                values[k, o, row, 0], values[k, o, row, 1] = registers[outputs[o], 0], registers[outputs[o], 1]
