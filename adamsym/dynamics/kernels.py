"""The compiled loops: random rows, gradients and updates of blocks of chains side by side.

A block holds one chain in each of its lanes: entry j of lane l stands at ``j*lanes + l`` of the block's arrays. The
number of lanes is a constant of the machine code; loops over the lanes become vector instructions.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing import signature
from numba.extending import intrinsic

from adamsym.field.compiled import compiled

ROOT_PLUS_EPS, ROOT_OF_SUM, SQUARE_PLUS_EPS, ONE = range(4)
DENOMINATORS = {"sqrt(v) + eps": ROOT_PLUS_EPS, "sqrt(v + eps)": ROOT_OF_SUM, "v + eps": SQUARE_PLUS_EPS, "1": ONE}

_CACHED = 2**14
"""Numbers of a table that stay near the processor: it takes them lanes side by side. Beyond, rows are read one by one,
for the columns of a row lie side by side in memory."""

_LARGEST = float(np.finfo(np.float64).max)
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _inlined(function: _Function) -> _Function:
    return cast("_Function", numba.njit(forceinline=True, error_model="numpy", _nrt=False)(function))


def _instruction(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that writes LLVM code, for what Numba has no word for."""
    return cast("Callable[..., Any]", intrinsic(function))


@_instruction
def _fma(typing: Any, a: Any, b: Any, c: Any) -> Any:
    """a b + c, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return signature(types.float64, types.float64, types.float64, types.float64), generate


@_instruction
def _call(typing: Any, address: Any, points: Any, rows: Any, values: Any, scratch: Any) -> Any:
    """Call the C function of four pointers to float64 at ``address`` on the data of four arrays."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointers = [
            context.make_array(kind)(context, builder, array).data
            for kind, array in zip(signature.args[1:], arguments[1:], strict=True)
        ]
        function = ir.FunctionType(ir.VoidType(), [pointer.type for pointer in pointers])
        builder.call(builder.inttoptr(arguments[0], function.as_pointer()), pointers)
        return context.get_dummy_value()

    return signature(types.none, types.intp, points, rows, values, scratch), generate


@_inlined
def _next_words(random: Any, words: Any, lanes: int) -> None:
    """One output of each lane's xoshiro256++ (Blackman and Vigna 2021)."""
    for lane in range(lanes):
        s0, s1, s2, s3 = random[lane], random[lanes + lane], random[2 * lanes + lane], random[3 * lanes + lane]
        total = s0 + s3
        words[lane] = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
        shifted = s1 << np.uint64(17)
        s2 ^= s0
        s3 ^= s1
        random[lanes + lane] = s1 ^ s2
        random[lane] = s0 ^ s3
        random[2 * lanes + lane] = s2 ^ shifted
        random[3 * lanes + lane] = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))


@_inlined
def _draw_rows(words: Any, table: Any, thresholds: Any, aliases: Any, rows: Any, lanes: int) -> None:
    """One row of the table for each lane by Walker's alias method; equal weights have no thresholds."""
    count = len(table)
    scale = count * 2.0**-53
    if len(thresholds) == 0:
        for lane in range(lanes):
            words[lane] = np.uint64(np.int64(words[lane] >> np.uint64(11)) * scale)
    else:
        for lane in range(lanes):
            place = np.int64(words[lane] >> np.uint64(11)) * scale
            cell = np.uint64(place)
            words[lane] = cell if place - cell < thresholds[cell] else aliases[cell]
    if table.size <= _CACHED:
        for k in range(table.shape[1]):
            for lane in range(lanes):
                rows[k * lanes + lane] = table[words[lane], k]
    else:
        for lane in range(lanes):
            for k in range(table.shape[1]):
                rows[k * lanes + lane] = table[words[lane], k]


@_inlined
def _mean_gradient(
    theta: Any, random: Any, g: Any, source: Any, batch_size: int, work: Any, law: Any, place: int, lanes: int
) -> None:
    """Mean gradient of a block's next minibatch, of rows that are drawn or stand in ``given`` from ``place`` on."""
    part, scratch, drawn, words = work
    table, thresholds, aliases, given = law
    for b in range(batch_size):
        rows = drawn
        if len(given) > 0:
            rows = given[place + b]
        elif len(table) > 1:
            _next_words(random, words, lanes)
            _draw_rows(words, table, thresholds, aliases, drawn, lanes)
        if b == 0:
            for address in source:
                _call(address, theta, rows, g, scratch)
        else:
            for address in source:
                _call(address, theta, rows, part, scratch)
            for i in range(len(g)):
                g[i] += part[i]
    if batch_size > 1:
        for i in range(len(g)):
            g[i] /= batch_size


@_inlined
def _first_rows(table: Any, drawn: Any, lanes: int) -> None:
    """The first row for each lane: a table of one row draws nothing."""
    for k in range(table.shape[1]):
        drawn[k * lanes : (k + 1) * lanes] = table[0, k]


@_inlined
def _update(
    theta: Any, m: Any, v: Any, g: Any, constants: Any, factors: Any, box: Any, variant: Any, rooted: bool
) -> int:
    """Take one step, rounded as torch's lerp_, addcmul_ and addcdiv_; return how many theta or v are not finite.

    The variant is the denominator; whether beta1 <= 1/2, where lerp_ starts from the other end; and whether theta is
    projected onto ``box``, its lower and upper ends as arrays like theta. ``rooted``: a factor of the root is 1.
    """
    kind, heavy, projected = variant
    weight1, beta2, weight2, eps = constants
    momentum, current, root, shrink = factors
    bad = 0
    for i in range(len(theta)):
        mean = _fma(-(g[i] - m[i]), 1 - weight1, g[i]) if heavy else _fma(weight1, g[i] - m[i], m[i])
        square = _fma(weight2 * g[i], g[i], beta2 * v[i])
        if kind == ROOT_OF_SUM:
            denominator = np.sqrt(square / root + eps)
        elif kind == SQUARE_PLUS_EPS:
            denominator = square / root + eps
        elif kind == ROOT_PLUS_EPS:
            denominator = (np.sqrt(square) if rooted else np.sqrt(square) / root) + eps
        else:
            denominator = 1.0
        moved = shrink * theta[i] - (momentum * mean + current * g[i]) / denominator
        if projected:
            # What is no number stays none.
            moved = box[0, i] if moved < box[0, i] else box[1, i] if moved > box[1, i] else moved
        m[i], v[i], theta[i] = mean, square, moved
        bad += int(not ((abs(moved) <= _LARGEST) & (square <= _LARGEST)))
    return bad


@_inlined
def _mark_failures(theta: Any, v: Any, diverged: Any, step: int, lanes: int) -> int:
    """Mark the chains that have diverged with the step, and return the number of all marked ones."""
    marked = 0
    for lane in range(lanes):
        if diverged[lane] == 0:
            for i in range(lane, len(theta), lanes):
                if not (abs(theta[i]) <= _LARGEST and v[i] <= _LARGEST):
                    diverged[lane] = step
        if diverged[lane] > 0:
            marked += 1
            theta[lane::lanes] = np.nan
    return marked


@lru_cache
def advancing(lanes: int, kind: int, heavy: bool, projected: bool) -> Callable[..., None]:
    """Return the loop for blocks of ``lanes`` chains, by the variant of the update; its code is kept on disk."""

    def advance(
        first: int,
        last: int,
        step: int,
        state: tuple[Any, Any, Any, Any, Any],
        gradient: Any,
        batch_size: int,
        work: tuple[Any, Any, Any, Any, Any],
        law: tuple[Any, Any, Any, Any],
        constants: tuple[float, float, float, float],
        factors: Any,
        box: Any,
        record_every: int,
        recorded: Any,
    ) -> None:
        """Carry the blocks from ``first`` to before ``last`` through the steps of ``factors``, after ``step`` steps."""
        g, part, scratch, drawn, words = work
        size, variant = state[0].shape[1], (kind, heavy, projected)
        _first_rows(law[0], drawn, lanes)
        for block in range(first, last):
            theta, m, v = state[0][block], state[1][block], state[2][block]
            random, diverged = state[3][block], state[4][block]
            marked = 0
            for lane in range(lanes):
                marked += int(diverged[lane] > 0)
            for k in range(factors.shape[1]):
                own = (part, scratch, drawn, words)
                _mean_gradient(theta, random, g, gradient, batch_size, own, law, k * batch_size, lanes)
                step_factors = (factors[0, k], factors[1, k], factors[2, k], factors[3, k])
                if factors[2, k] == 1.0:
                    bad = _update(theta, m, v, g, constants, step_factors, box, variant, True)
                else:
                    bad = _update(theta, m, v, g, constants, step_factors, box, variant, False)
                now = step + k + 1
                if bad > marked * (size // lanes):
                    marked = _mark_failures(theta, v, diverged, now, lanes)
                if record_every > 0 and now % record_every == 0:
                    record = recorded[now // record_every - step // record_every - 1]
                    for lane in range(min(lanes, len(record) - block * lanes)):
                        for j in range(record.shape[1]):
                            record[block * lanes + lane, j] = theta[j * lanes + lane]

    # Without reference counts: counting those of arrays costs more than the arithmetic on a single chain.
    return compiled(advance, _nrt=False)


@lru_cache
def gradients_of(lanes: int) -> Callable[..., None]:
    """Return the loop that evaluates the next gradients of blocks of ``lanes`` chains; its code is kept on disk."""

    def evaluate(
        theta: Any,
        random: Any,
        gradients: Any,
        source: Any,
        batch_size: int,
        work: tuple[Any, Any, Any, Any],
        law: tuple[Any, Any, Any, Any],
        place: int,
    ) -> None:
        """Write the gradients of all blocks; ``given``, if any, holds each block's rows from ``place`` on."""
        _first_rows(law[0], work[2], lanes)
        apart = len(law[3]) // len(theta)
        for block in range(len(theta)):
            at = block * apart + place
            _mean_gradient(theta[block], random[block], gradients[block], source, batch_size, work, law, at, lanes)

    return compiled(evaluate, _nrt=False)


def _fill_words(random: Any, words: Any) -> None:
    """Fill ``words`` (draws, lanes) with the next outputs of a block's generators."""
    for k in range(len(words)):
        _next_words(random, words[k], words.shape[1])


fill_words = compiled(_fill_words, _nrt=False)


@_inlined
def _mixed(z: Any) -> Any:
    """The output function of SplitMix64 (Steele, Lea and Flood 2014)."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _fill_orders(words: Any, first: int, orders: Any) -> None:
    """Fill ``orders`` (epochs, rows, lanes) with uniformly random orders of the rows, of epochs from ``first`` on.

    Each depends on its lane's words (4 lanes) and the number of its epoch alone (Fisher and Yates, Durstenfeld 1964).
    """
    epochs, rows, lanes = orders.shape
    increment = np.uint64(0x9E3779B97F4A7C15)
    for epoch in range(epochs):
        for lane in range(lanes):
            number = np.uint64(first + epoch)
            state = _mixed(words[lane] ^ _mixed(words[lanes + lane] + number * increment))
            for k in range(rows):
                orders[epoch, k, lane] = k
            for k in range(rows - 1, 0, -1):
                state += increment
                other = np.int64(np.int64(_mixed(state) >> np.uint64(11)) * ((k + 1) * 2.0**-53))
                kept = orders[epoch, k, lane]
                orders[epoch, k, lane] = orders[epoch, other, lane]
                orders[epoch, other, lane] = kept


fill_orders = compiled(_fill_orders, _nrt=False)
