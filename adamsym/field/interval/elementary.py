"""Elementary functions of intervals in float64, rounded outward; u = 2^-53.

exp. For |x| <= 700 let k be an integer near x/log 2, |k| <= 1011, and r = (x - k h) - k l, where h has 33 bits, so that
k h is exact, and h + l is log 2 to 2^-86: |r| <= 0.3471, and its error is at most 0.70 u: twice 0.347 u from the
subtractions, 2e-7 u from k l. Taylor's polynomial of degree 13 leaves r^14/14! e^|r| <= 0.06 u. In Horner's scheme
p_k = p_(k+1) r + 1/k! the errors are e_k <= u |p_(k+1) r| + u |p_k| + |r| e_(k+1) + u/k!, the last for k >= 3 alone:
e_3 <= 0.45 u, e_2 <= 0.85 u, e_1 <= 1.7 u, and e_0/p_0 <= 2.3 u. The factor 2^k is exact. In all the relative error is
below 3.2 u; the bounds are wider by 8 u, less 1 u for the rounding of that product.

expm1 for |x| <= 0.34 is p_1 x, with a relative error below (1.7/0.84 + 1.1) u < 3.2 u, and bounds as wide.

log x. For any y, log x = y + log z, z = x exp(-y), and 1 - 1/z <= log z <= z - 1: with y a float near log x, z is near
1.

sin, cos. For |x| <= 10^4 let k be an integer near x/(pi/2), r = (x - k h) - k l as above: |r| <= 0.7855, its error at
most 1.7 u. Taylor's polynomials of degrees 17 and 16 leave less than 0.03 u; Horner's schemes in r^2 err by less than
3 u: in all less than 5 u, and the bounds are wider by 8 u.

All others are made of these by sums, products and quotients, rounded outward: at the ends, for they are monotone.
Ends that are out of range give (nan, nan): no enclosure.
"""

import math

import numpy as np

from adamsym.field.compiled import compiled, inner
from adamsym.field.interval.rounding import down, multiply, up

_POWERS = np.array([math.ldexp(1.0, k) for k in range(-1020, 1021)])
_LOG2_HEAD, _LOG2_TAIL = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_PER_LOG2 = 1.44269504088896338700
_HALF_PI_HEAD, _HALF_PI_TAIL = 1.57079632673412561417e00, 6.07710050650619224932e-11
_PER_HALF_PI = 0.6366197723675814
_SHARE = 2.0**-50
"""8 u."""
LARGEST_EXPONENT = 700.0
LARGEST_ANGLE = 1e4
_TINY = 1e-304
"""Above exp(-700)."""


@inner
def _divided_expm1(r: float) -> float:
    """p_1 of the head of this module: near (exp(r) - 1)/r for |r| <= 0.3471."""
    p = 1 / 6227020800.0
    p = p * r + 1 / 479001600.0
    p = p * r + 1 / 39916800.0
    p = p * r + 1 / 3628800.0
    p = p * r + 1 / 362880.0
    p = p * r + 1 / 40320.0
    p = p * r + 1 / 5040.0
    p = p * r + 1 / 720.0
    p = p * r + 1 / 120.0
    p = p * r + 1 / 24.0
    p = p * r + 1 / 6.0
    p = p * r + 0.5
    return p * r + 1.0


@inner
def _near_exp(x: float) -> float:
    """exp(x) for |x| <= 700, to 3.2 u."""
    k = math.floor(x * _PER_LOG2 + 0.5)
    r = (x - k * _LOG2_HEAD) - k * _LOG2_TAIL
    return float((_divided_expm1(r) * r + 1.0) * _POWERS[int(k) + 1020])


@inner
def exp_down(x: float) -> float:
    """Return a float in [0, exp(x)], for x <= 700."""
    return 0.0 if x < -LARGEST_EXPONENT else _near_exp(x) * (1 - _SHARE)


@inner
def exp_up(x: float) -> float:
    """Return a float above exp(x), for x <= 700."""
    return _TINY if x < -LARGEST_EXPONENT else _near_exp(x) * (1 + _SHARE)


@compiled
def exp(a: float, b: float) -> tuple[float, float]:
    """Return exp [a, b]; (nan, nan) above 700."""
    if not b <= LARGEST_EXPONENT:
        return math.nan, math.nan
    return exp_down(a), exp_up(b)


@inner
def _log_of(x: float, near: float) -> tuple[float, float]:
    """log x, x > 0, given a float near it."""
    if not abs(near) <= LARGEST_EXPONENT:
        return math.nan, math.nan
    low, high = down(x * exp_down(-near)), up(x * exp_up(-near))
    if not (low > 0.5 and high < 2):
        return math.nan, math.nan
    return down(near + down(1 - up(1 / low))), up(near + up(high - 1))


@compiled
def log(a: float, b: float) -> tuple[float, float]:
    """Return log [a, b]; (nan, nan) unless 0 < a."""
    if not (a > 0 and b >= a):
        return math.nan, math.nan
    return _log_of(a, math.log(a))[0], _log_of(b, math.log(b))[1]


@inner
def _log1p_of(x: float) -> tuple[float, float]:
    """log(1 + x), x > -1; x - x^2/2 (1 + 2 x^2) <= log(1 + x) <= x next to 0."""
    if abs(x) < 2.0**-26:
        square = up(x * x)
        return down(x - up(square * (0.5 + 2.0**-20))), x
    low, high = _log_of(down(1 + x), math.log1p(x))[0], _log_of(up(1 + x), math.log1p(x))[1]
    return low, high


@compiled
def log1p(a: float, b: float) -> tuple[float, float]:
    """Return log(1 + [a, b]); (nan, nan) unless a > -1 by a little."""
    if not (a > -1 + 2.0**-50 and b >= a):
        return math.nan, math.nan
    return _log1p_of(a)[0], _log1p_of(b)[1]


@inner
def _tanh_of(x: float) -> tuple[float, float]:
    """tanh x = m/(m + 2), m = exp(2 x) - 1; for x >= 0."""
    if x > 20:
        return 1 - 2.0**-53, 1.0
    if 2 * x <= 0.34:
        m = _divided_expm1(2 * x) * (2 * x)
        low, high = max(0.0, down(m * (1 - _SHARE))), up(m * (1 + _SHARE))
    else:
        low, high = down(exp_down(2 * x) - 1), up(exp_up(2 * x) - 1)
    return max(0.0, down(low / up(low + 2))), min(1.0, up(high / down(high + 2)))


@compiled
def tanh(a: float, b: float) -> tuple[float, float]:
    """Return tanh [a, b]."""
    low = _tanh_of(a)[0] if a >= 0 else -_tanh_of(-a)[1]
    high = _tanh_of(b)[1] if b >= 0 else -_tanh_of(-b)[0]
    return low, high


@inner
def _sigmoid_of(x: float) -> tuple[float, float]:
    """e^x/(1 + e^x), e^x below 1 for x <= 0, and 1/(1 + e^-x) for x >= 0."""
    low, high = exp_down(-abs(x)), exp_up(-abs(x))
    if x >= 0:
        return down(1 / up(1 + high)), min(1.0, up(1 / down(1 + low)))
    return max(0.0, down(low / up(1 + low))), up(high / down(1 + high))


@compiled
def sigmoid(a: float, b: float) -> tuple[float, float]:
    """Return the logistic function of [a, b]."""
    return _sigmoid_of(a)[0], _sigmoid_of(b)[1]


@inner
def _softplus_of(x: float) -> tuple[float, float]:
    """max(x, 0) + log(1 + exp(-|x|))."""
    low, high = exp_down(-abs(x)), exp_up(-abs(x))
    large = max(x, 0.0)
    return max(0.0, down(large + _log1p_of(low)[0])), up(large + _log1p_of(high)[1])


@compiled
def softplus(a: float, b: float) -> tuple[float, float]:
    """Return log(1 + exp [a, b])."""
    return _softplus_of(a)[0], _softplus_of(b)[1]


@compiled
def sinh(a: float, b: float) -> tuple[float, float]:
    """Return sinh [a, b]; (nan, nan) beyond 700."""
    if not (a >= -LARGEST_EXPONENT and b <= LARGEST_EXPONENT):
        return math.nan, math.nan
    return down(down(exp_down(a) - exp_up(-a)) / 2), up(up(exp_up(b) - exp_down(-b)) / 2)


@compiled
def cosh(a: float, b: float) -> tuple[float, float]:
    """Return cosh [a, b]; (nan, nan) beyond 700."""
    large = max(abs(a), abs(b))
    small = 0.0 if a <= 0 <= b else min(abs(a), abs(b))
    if not large <= LARGEST_EXPONENT:
        return math.nan, math.nan
    low = down(down(exp_down(small) + exp_down(-small)) / 2)
    return max(1.0, low), up(up(exp_up(large) + exp_up(-large)) / 2)


@inner
def _sin_rest(z: float) -> float:
    """(sin(r)/r - 1)/z, z = r^2, to degree 17 of sin."""
    p = 1 / 355687428096000.0
    p = p * z - 1 / 1307674368000.0
    p = p * z + 1 / 6227020800.0
    p = p * z - 1 / 39916800.0
    p = p * z + 1 / 362880.0
    p = p * z - 1 / 5040.0
    p = p * z + 1 / 120.0
    return p * z - 1 / 6.0


@inner
def _cos_rest(z: float) -> float:
    """(cos(r) - 1)/z, z = r^2, to degree 16 of cos."""
    p = 1 / 20922789888000.0
    p = p * z - 1 / 87178291200.0
    p = p * z + 1 / 479001600.0
    p = p * z - 1 / 3628800.0
    p = p * z + 1 / 40320.0
    p = p * z - 1 / 720.0
    p = p * z + 1 / 24.0
    return p * z - 0.5


@inner
def _near_sin(x: float, quarters: int) -> float:
    """sin(x + quarters pi/2), |x| <= 10^4, to 5 u."""
    k = math.floor(x * _PER_HALF_PI + 0.5)
    r = (x - k * _HALF_PI_HEAD) - k * _HALF_PI_TAIL
    z = r * r
    turn = (int(k) + quarters) % 4
    value = r + r * z * _sin_rest(z) if turn % 2 == 0 else 1.0 + z * _cos_rest(z)
    return value if turn < 2 else -value


@inner
def _sine(a: float, b: float, quarters: int) -> tuple[float, float]:
    """sin([a, b] + quarters pi/2): its extrema are where x/(pi/2) + quarters is an odd integer."""
    if not (a >= -LARGEST_ANGLE and b <= LARGEST_ANGLE):
        return math.nan, math.nan
    first, second = _near_sin(a, quarters), _near_sin(b, quarters)
    low, high = max(-1.0, min(first, second) - _SHARE), min(1.0, max(first, second) + _SHARE)
    # The first and the last quarter that may be met, one more on either side if rounding leaves it open.
    start = math.ceil(a * _PER_HALF_PI - 1e-9) + quarters
    end = math.floor(b * _PER_HALF_PI + 1e-9) + quarters
    if end - start >= 4:
        return -1.0, 1.0
    for quarter in range(int(start), int(end) + 1):
        if quarter % 4 == 1:
            high = 1.0
        elif quarter % 4 == 3:
            low = -1.0
    return low, high


@compiled
def sin(a: float, b: float) -> tuple[float, float]:
    """Return sin [a, b]; (nan, nan) beyond 10^4."""
    return _sine(a, b, 0)


@compiled
def cos(a: float, b: float) -> tuple[float, float]:
    """Return cos [a, b]; (nan, nan) beyond 10^4."""
    return _sine(a, b, 1)


@compiled
def power(a: float, b: float, exponent: int) -> tuple[float, float]:
    """Return [a, b]^exponent for exponent >= 1: from the ends, for even exponents those of |x|."""
    low, high = a, b
    if exponent % 2 == 0:
        low, high = (0.0 if a <= 0 <= b else min(abs(a), abs(b))), max(abs(a), abs(b))
    least, _ = _power_of(low, exponent)
    _, most = _power_of(high, exponent)
    return (max(0.0, least) if exponent % 2 == 0 else least), most


@inner
def _power_of(x: float, exponent: int) -> tuple[float, float]:
    """x^exponent by repeated squares; nothing is finite beyond 1e150."""
    low, high, base_low, base_high, left = 1.0, 1.0, x, x, exponent
    while left > 0:
        if left % 2 == 1:
            low, high = multiply(low, high, base_low, base_high)
        left //= 2
        if left > 0:
            base_low, base_high = multiply(base_low, base_high, base_low, base_high)
        if not (low >= -1e150 and high <= 1e150 and (left == 0 or base_high <= 1e150)):
            return math.nan, math.nan
    return low, high


@compiled
def reciprocal(a: float, b: float) -> tuple[float, float]:
    """Return 1/[a, b]; (nan, nan) if it may hold 0."""
    if not (a > 1e-150 or b < -1e-150):
        return math.nan, math.nan
    return down(1 / b), up(1 / a)


@compiled
def sqrt(a: float, b: float) -> tuple[float, float]:
    """Return the roots of [a, b], which IEEE rounds to the nearest; (nan, nan) if it may be negative."""
    if not a >= 0:
        return math.nan, math.nan
    return max(0.0, down(math.sqrt(a))), up(math.sqrt(b))
