"""Compiled: the transforms A(t) = E[g exp(-t g^2)] and B(t) = E[exp(-t g^2)] of finitely many atoms.

With y = g^2 - least, least = min g^2: both leave out the factor exp(-t least). Atoms with t y below 1/2 are summed by
power series; beyond, an atom takes one exponential for each phase of the grid, and from octave to octave its square.
"""

import math

from adamsym.field.compiled import compiled, inlined
from adamsym.field.float.nodes import first_index, is_finished, nodes_at_once, nodes_of_control, padding, place_nodes
from adamsym.field.float.records import Moments, Rule, Samples, SortedAtoms
from adamsym.field.float.sorted_atoms import SERIES_TERMS

SERIES_RANGE = 0.5
"""Atoms with t y up to this are summed by power series: no exponential is needed."""

NOTHING_FROM = 64.0
"""exp(-64) is below 1e-27: beside such an atom others, or the least, make up both transforms."""

_NEGLIGIBLE_TERM = 1e-18
"""Powers of t y below this are left out, beside the first."""

_BLOCK = 1024
"""Atoms summed in one go, in four sums: keeps rounding errors of long sums small."""


@compiled
def log_one_plus(x: float) -> float:
    """Return log(1 + x) for -1 < x <= 0; by 2 artanh(x/(2 + x)), which is faster, where its series is short."""
    if x > -0.05:
        z = x / (2.0 + x)
        square = z * z
        return 2.0 * z * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0 + square * (1.0 / 9.0)))))
    return math.log1p(x)


@compiled
def sum_series(begin: int, end: int, octave: int, rule: Rule, atoms: SortedAtoms, samples: Samples) -> None:
    """Fill A and B - 1 of the atoms from an octave on by power series; the nodes stand in the inner loops for speed."""
    if begin == end:
        return
    unit = rule.one_less_beta * atoms.units[octave]
    terms, power = 1, samples.s[end - 1] * unit
    while terms < SERIES_TERMS and power > _NEGLIGIBLE_TERM:
        terms += 1
        power *= samples.s[end - 1] * unit
    for i in range(begin, end):
        samples.a[i], samples.b_less_one[i] = atoms.signed[octave, terms], atoms.plain[octave, terms]
    for j in range(terms - 1, -1, -1):
        # B starts with 1, which is left out.
        plain, signed = atoms.plain[octave, j] if j > 0 else 0.0, atoms.signed[octave, j]
        for i in range(begin, end):
            z = samples.s[i] * unit
            samples.a[i] = samples.a[i] * z + signed
            samples.b_less_one[i] = samples.b_less_one[i] * z + plain


@inlined
def sum_powers(first: int, stop: int, phase: int, atoms: SortedAtoms) -> tuple[float, float]:
    """Return sum p g f and sum p f, f = exp(-t y), in blocks and in four sums each, which are added up side by side."""
    a_sum, b_sum = 0.0, 0.0
    p, weighted, f = atoms.p, atoms.weighted, atoms.power
    for begin in range(first, stop, _BLOCK):
        end = min(begin + _BLOCK, stop)
        whole = end - (end - begin) % 4
        a0, a1, a2, a3, b0, b1, b2, b3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(begin, whole, 4):
            a0, b0 = a0 + weighted[i] * f[phase, i], b0 + p[i] * f[phase, i]
            a1, b1 = a1 + weighted[i + 1] * f[phase, i + 1], b1 + p[i + 1] * f[phase, i + 1]
            a2, b2 = a2 + weighted[i + 2] * f[phase, i + 2], b2 + p[i + 2] * f[phase, i + 2]
            a3, b3 = a3 + weighted[i + 3] * f[phase, i + 3], b3 + p[i + 3] * f[phase, i + 3]
        for i in range(whole, end):
            a0, b0 = a0 + weighted[i] * f[phase, i], b0 + p[i] * f[phase, i]
        a_sum, b_sum = a_sum + ((a0 + a1) + (a2 + a3)), b_sum + ((b0 + b1) + (b2 + b3))
    return a_sum, b_sum


@inlined
def rest_by_series(z: float, octave: int, atoms: SortedAtoms) -> tuple[float, float]:
    """Return A and B - 1 of the atoms from an octave on, z = t U: even and odd powers by themselves, side by side."""
    square, plain, signed = z * z, atoms.plain, atoms.signed
    even_a, even_b = signed[octave, SERIES_TERMS], plain[octave, SERIES_TERMS]
    odd_a, odd_b = signed[octave, SERIES_TERMS - 1], plain[octave, SERIES_TERMS - 1]
    for j in range(SERIES_TERMS - 2, 0, -2):
        even_a, even_b = even_a * square + signed[octave, j], even_b * square + plain[octave, j]
        odd_a, odd_b = odd_a * square + signed[octave, j - 1], odd_b * square + plain[octave, j - 1]
    return (even_a * square + signed[octave, 0]) + z * odd_a, even_b * square + z * odd_b


@inlined
def raise_powers(t: float, phase: int, octaves: int, rule: Rule, atoms: SortedAtoms, again: bool) -> tuple[int, int]:
    """Bring exp(-t y) of the atoms that neither series nor nothing serve up to t; return where these begin and end.

    To be called with increasing t, twice the last of the same phase where the grid stands in octaves; ``again`` when
    this is done a second time.
    """
    begin, y, power, start = atoms.begin, atoms.y, atoms.power, atoms.start
    before, active, dead = atoms.active[phase], atoms.active[phase], atoms.dead[phase]
    while active < octaves and t * atoms.units[active] > SERIES_RANGE:
        active += 1
    while dead < active and 0.5 * t * atoms.units[dead] > NOTHING_FROM:
        dead += 1
    first, new, end = begin[dead], max(begin[before], begin[dead]), begin[active]
    if rule.grid.per_octave == 0:
        new = first
    for i in range(first, new):
        power[phase, i] *= power[phase, i]
    if again and rule.grid.per_octave > 0:
        for i in range(new, end):
            power[phase, i] = start[phase, i]
    else:
        for i in range(new, end):
            power[phase, i] = math.exp(-t * y[i])
            start[phase, i] = power[phase, i]
    atoms.active[phase], atoms.dead[phase] = active, dead
    return first, end


@compiled
def transforms(begin: int, end: int, octaves: int, rule: Rule, atoms: SortedAtoms, samples: Samples) -> int:
    """Fill A, B - 1 and B, each accurate, at some nodes, and return the number of exponentials and squares taken."""
    phases, work = len(atoms.active), 0
    for i in range(begin, end):
        t, phase = samples.s[i] * rule.one_less_beta, i % phases
        first, stop = raise_powers(t, phase, octaves, rule, atoms, False)
        octave = atoms.active[phase]
        a, less_one = rest_by_series(t * atoms.units[octave], octave, atoms)
        b = atoms.plain[octave, 0] + less_one
        if octave > 0:
            a_sum, b_sum = sum_powers(first, stop, phase, atoms)
            a, b, less_one = a + a_sum, b + b_sum, less_one + (b_sum - atoms.taken[octave])
        samples.a[i], samples.b_less_one[i], samples.b[i] = a, less_one, b
        work += stop - first
    return work


@compiled
def take_logarithms(begin: int, end: int, samples: Samples) -> None:
    """Fill log B and A/B from A, B - 1 and, where that is less than -1/2, from B itself."""
    for i in range(begin, end):
        less_one = samples.b_less_one[i]
        if less_one > -0.5:
            samples.log_b[i], samples.ratio[i] = log_one_plus(less_one), samples.a[i] / (1.0 + less_one)
        else:
            samples.log_b[i], samples.ratio[i] = math.log(samples.b[i]), samples.a[i] / samples.b[i]


@compiled
def sample_atoms(
    octaves: int, atoms: SortedAtoms, moments: Moments, eps: float, rule: Rule, samples: Samples
) -> tuple[int, int]:
    """Fill log B and A/B; return the number of nodes, -1 if there is no room, and of exponentials and squares taken."""
    _, right = padding(rule)
    index = first_index(moments, eps, rule)
    atoms.active[:], atoms.dead[:] = 0, 0
    # No literal 0, for which what is called would be compiled once more.
    none = min(0, octaves)
    total, work, count, end = 0.0, 0, none, nodes_of_control(index, eps, rule)
    while end <= len(samples.s):
        place_nodes(count, end, index, eps, rule, samples)
        in_series = count
        while in_series < end and samples.s[in_series] * rule.one_less_beta * atoms.units[0] <= SERIES_RANGE:
            in_series += 1
        sum_series(count, in_series, 0, rule, atoms, samples)
        work += transforms(in_series, end, octaves, rule, atoms, samples)
        take_logarithms(count, end, samples)
        for i in range(max(0, count - 1 - right), end - 1 - right):
            total += samples.log_b[i]
        if is_finished(end, total, moments, eps, rule, samples):
            return end, work
        count, end = end, end + nodes_at_once(rule)
    return -1, work
