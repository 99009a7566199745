"""exp(e^2) erfc(e) and erf by series and a continued fraction, in the checker's intervals."""

from adamsym.checker.arithmetic import Arithmetic, Interval

_SERIES_BELOW = 2
"""Above, 1 - sqrt(pi) e erfcx(e) by the series would be a difference of close numbers."""

_ERROR_SERIES_BELOW = 6
"""Above, 1 - erf is so small that few digits of it are needed."""

_MOST_TERMS, _MOST_LEVELS = 400, 120

_SMALL, _LARGE = 2.0**-20, 2.0**20
"""Outside, the density of a squared kernel is a difference of close numbers."""


def complement(using: Arithmetic, e: Interval) -> Interval:
    """Return 1 - sqrt(pi) e erfcx(e), e > 0."""
    if e < _SERIES_BELOW:
        return 1 - e * (using.root(using.pi) * using.exponential(using.square(e)) - 2 * _series(using, e))
    # sqrt(pi) erfcx(e) = 1/(e + (1/2)/(e + 1/(e + (3/2)/(e + ...)))): convergents lie on alternate sides.
    enough, tails = _depth(float(using.middle(e)) if e < 1e9 else 1e9, using.bits), []
    for depth in (enough, enough + 1):
        tail = e
        for k in range(depth, 1, -1):
            tail = e + using.number(k) / 2 / tail
        tails.append(using.number(1) / 2 / tail)
    tail = using.hull(*tails)
    return tail / (e + tail)


def squared_density(using: Arithmetic, e: Interval) -> Interval:
    """Return (1 + 2 e^2) erfcx(e) - 2 e/sqrt(pi), e > 0: the density of 1/(sqrt(v) + eps)^2, e = eps sqrt(s)."""
    root, square = using.root(using.pi), using.square(e)
    if not e > _SMALL:
        # It is completely monotone in e: partial sums of its power series lie on alternate sides.
        below = 1 - 4 * e / root + 3 * square - 16 * e * square / (3 * root)
        return using.between(using.lower(below), using.upper(below + using.number(5) / 2 * using.square(square)))
    if not e < _LARGE:
        # int exp(-e^2 t) t^(1/2) (1 + t)^(-2) dt times 2/pi, with 1 - 2 t <= (1 + t)^(-2) <= 1.
        most = 1 / (root * e * square)
        return using.between(using.lower(most * (1 - 3 / square)), using.upper(most))
    return (1 - complement(using, e) * (1 + 2 * square)) / (root * e)


def error_function_of(using: Arithmetic, x: Interval) -> Interval:
    """Return erf(x) of a point."""
    size = abs(x)
    decay, root = using.exponential(-using.square(size)), using.root(using.pi)
    if size < _ERROR_SERIES_BELOW:
        value = 2 / root * decay * _series(using, size)
    else:
        value = 1 - decay * (1 - complement(using, size)) / (size * root)
    return value if x >= 0 else -value


def _series(using: Arithmetic, e: Interval) -> Interval:
    """exp(e^2) erf(e) sqrt(pi)/2 = sum 2^k e^(2k+1)/(2k+1)!! for 0 <= e < 6."""
    term, series, square = e, using.number(0), 2 * using.square(e)
    last_place = 2.0**-using.bits
    for k in range(_MOST_TERMS):
        series += term
        ratio = square / (2 * k + 3)
        term *= ratio
        if ratio < 0.2 and term <= last_place * series:
            break
    # Where the ratio of two terms is below 1/5, it stays so.
    return series + using.between(0, using.upper(term * 5 / 4))


def _depth(e: float, bits: int) -> int:
    """How deep the fraction is to be for convergents that agree to so many bits, at most 120."""
    quotient, change, depth = e, 1.0, 1
    while change > 2.0**-bits and depth < _MOST_LEVELS:
        # With denominators B, B_(k+1) = e B_k + (k/2) B_(k-1), the changes are (k/2) B_(k-1)/B_(k+1) times the last.
        following = e + depth / 2 / quotient
        change *= depth / 2 / (quotient * following)
        quotient, depth = following, depth + 1
    return depth
