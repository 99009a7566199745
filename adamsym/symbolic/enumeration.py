"""An independent path to F over a finite history: every history listed, at mpmath's working precision."""

from collections.abc import Callable, Sequence
from typing import Any

import mpmath

from adamsym.expressions.precision import decimal_digits

_MOST_HISTORIES = 50_000


def listed_quotient(
    atoms: Sequence[Any], probabilities: Sequence[Any], alpha: Any, beta: Any, epsilon: Any, lags: int
) -> Any:
    """Return E[M/(sqrt(V) + epsilon)] over ``lags`` gradients drawn from the atoms, by listing all histories.

    M and V are built by their recursions m' = alpha m + (1 - alpha) g and v' = beta v + (1 - beta) g**2 from m = v = 0.

    Raises
    ------
    ValueError
        If there are too many histories to list.
    """
    if len(atoms) ** lags > _MOST_HISTORIES:
        raise ValueError(f"{len(atoms)}**{lags} histories are too many to list")
    steps = [((1 - alpha) * g, (1 - beta) * g * g, p) for g, p in zip(atoms, probabilities, strict=True)]
    states = [(mpmath.mpf(0), mpmath.mpf(0), mpmath.mpf(1))]
    for _ in range(lags):
        states = [(alpha * m + dm, beta * v + dv, w * p) for m, v, w in states for dm, dv, p in steps]
    return mpmath.fsum(w * m / (mpmath.sqrt(v) + epsilon) for m, v, w in states)


def listed_direction(
    atoms: Sequence[Any], probabilities: Sequence[Any], weights: Sequence[Any], memory: Any, phi: Callable[[Any], Any]
) -> Any:
    """Return E[M phi(V)] over as many gradients as there are ``weights`` c_0, c_1, ..., by listing all histories.

    V = (1 - memory) (g_0**2 + memory g_1**2 + ...). Errors as :func:`listed_quotient`.
    """
    if len(atoms) ** len(weights) > _MOST_HISTORIES:
        raise ValueError(f"{len(atoms)}**{len(weights)} histories are too many to list")
    states = [(mpmath.mpf(0), mpmath.mpf(0), mpmath.mpf(1))]
    law = list(zip(atoms, probabilities, strict=True))
    for lag, weight in enumerate(weights):
        share = (1 - memory) * memory**lag
        states = [(m + weight * g, v + share * g * g, w * p) for m, v, w in states for g, p in law]
    return mpmath.fsum(w * m * phi(v) for m, v, w in states)


def half_line_integral(
    function: Callable[[Any], Any], atoms: Sequence[Any], smallest_weight: Any, epsilon: Any, digits: int
) -> Any:
    """Return the integral of a Laplace integrand over s > 0 to about ``digits`` digits.

    It is the trapezoidal rule in y, s = exp(y - exp(-y))/c**2, c the larger of epsilon and the largest atom. Towards 0
    the integrand in log s is at most sqrt(s) E|g|, which falls doubly exponentially in y; to the right it decays like
    exp(-s smallest_weight g**2) for the smallest non-zero g. In the strip |Im y| < 1 it has no singularity, and grows
    only where s c**2 is below 2: so the rule errs by about exp(-2 pi/h).
    """
    sizes = sorted(abs(g) for g in atoms if g != 0)
    if not sizes:
        raise ValueError("all gradients vanish")
    accuracy = (digits + 3) * mpmath.log(10)
    low, scale = -mpmath.log(2 * accuracy), max(sizes[-1], epsilon)
    top = accuracy / (smallest_weight * sizes[0] ** 2)
    high = mpmath.log(top * scale**2) + 1
    step = 2 * mpmath.pi / (accuracy + 10)
    # rho is a difference of close numbers where epsilon**2 s is large: those digits are added to the precision.
    lost = max(0, int(mpmath.log10(1 + epsilon**2 * top))) + 5
    with decimal_digits(digits + 10 + lost):
        places = [low + n * step for n in range(int((high - low) / step) + 2)]
        points = [(mpmath.exp(y - mpmath.exp(-y)) / scale**2, 1 + mpmath.exp(-y)) for y in places]
        return step * mpmath.fsum(slope * x * function(x) for x, slope in points)
