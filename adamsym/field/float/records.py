"""What the quadrature works on: plain records that compiled code can read."""

from typing import NamedTuple

import numpy as np

from adamsym.expressions.compilation import FloatArray

Indices = np.ndarray[tuple[int, ...], np.dtype[np.int_]]


class LagGrid(NamedTuple):
    """Spacing and lag sums for one (alpha, beta).

    ``spacing`` is h; ``per_octave`` is log(2)/h, 0 where that is no integer; ``stride`` is the number of nodes from x
    to the node that the recursions look back to, 0 if beta = 0; ``decay`` is the factor of Q there. ``filter_b`` and
    ``filter_r`` are the weights of the samples at x - REACH h, ..., x + (REACH - 1) h; empty where every lag falls on a
    node, so that nothing is interpolated. ``checks_b`` and ``checks_r``, shape (len(CHECKS), 2 REACH), are the shorter
    filters less these.
    """

    spacing: float
    per_octave: int
    stride: int
    decay: float
    filter_b: FloatArray
    filter_r: FloatArray
    checks_b: FloatArray
    checks_r: FloatArray

    @property
    def exact_lags(self) -> bool:
        """Whether every lag falls on a node."""
        return len(self.filter_b) == 0


class CutoffTable(NamedTuple):
    """The cutoff at s = exp(j spacing), j = first, first + 1, ..., in units of s where eps is 1."""

    first: int
    values: FloatArray


class Rule(NamedTuple):
    """All that the integral needs of the optimizer: decay rates, lag weights, the grid, the cutoff.

    The weights are ``current_weight`` of the newest gradient and ``amount`` alpha^k of all; they sum to ``total``.
    ``alias`` bounds the trapezoidal rule's error in units of E|M| phi(V) (theory T5), ``slope_alias`` that for the
    control variate's slope, in units of its integral.
    """

    one_less_alpha: float
    one_less_beta: float
    one_less_alpha_beta: float
    current_weight: float
    amount: float
    total: float
    eps_inside_root: bool
    grid: LagGrid
    alias: float
    slope_alias: float
    cutoff: CutoffTable


class Moments(NamedTuple):
    """Of a scaled law, with y = g^2 - least: least, E g, E y, Cov(g, y), and the largest |g|."""

    least: float
    mean: float
    mean_excess: float
    covariance: float
    largest: float


class Samples(NamedTuple):
    """Work space along the grid.

    s, the weights h s rho(s), exp(-s), A, B - 1, B, log B, A/B, S and Q, and the weights times e^S.
    """

    s: FloatArray
    weight: FloatArray
    control: FloatArray
    a: FloatArray
    b_less_one: FloatArray
    b: FloatArray
    log_b: FloatArray
    ratio: FloatArray
    s_sum: FloatArray
    q_sum: FloatArray
    product: FloatArray


class SortedAtoms(NamedTuple):
    """Work space for the atoms of one law, y = g^2 - min g^2, in the order of the octaves of y, the largest first.

    Octave b holds the y from U/2 to U, U = 2^-b times the unit; after the last octave stand the atoms with y = 0.

    Attributes
    ----------
    y, g, p, weighted
        y, g, the probabilities, and p g, shape (n,).
    place
        Where each atom stood in the law, shape (n,).
    begin
        Where each octave begins, and where the last one and the atoms with y = 0 end, shape (octaves + 2,).
    units
        U of each octave, and 0 for the atoms with y = 0, shape (octaves + 1,).
    plain, signed
        (-1)^j E[u^j]/j! and (-1)^j E[g u^j]/j!, u = y/U, over the atoms from each octave on, shape (octaves + 1, 15).
    taken
        The probability of the atoms before each octave, shape (octaves + 1,).
    power, start
        exp(-t y) at the last node of each phase, and at its first, shape (phases, n).
    active, dead
        For each phase, the octave from which power series serve, and the one before which exp(-t y) is nothing.
    """

    y: FloatArray
    g: FloatArray
    p: FloatArray
    weighted: FloatArray
    place: Indices
    begin: Indices
    units: FloatArray
    plain: FloatArray
    signed: FloatArray
    taken: FloatArray
    power: FloatArray
    start: FloatArray
    active: Indices
    dead: Indices
