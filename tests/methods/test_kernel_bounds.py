"""The bounds of kernels hold, for those here and for a user's own, and are not far from what is needed."""

from fractions import Fraction

import flint
import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_kernel import TwoRates

from adamsym.expressions.errors import InputError
from adamsym.field.ball.arithmetic import ball, ball_arithmetic
from adamsym.methods import Adam, AdaptiveMethod, Lion, StieltjesKernel, require_laplace
from adamsym.methods.kernels import RootOfSum, RootPlusEps
from adamsym.testing.strategies import adam_relatives

KERNELS = {
    RootPlusEps: lambda v, e: 1 / (mpmath.sqrt(v) + e),
    RootOfSum: lambda v, e: 1 / mpmath.sqrt(v + e),
    TwoRates: lambda v, e: 1 / (v + e) + 1 / (v + 100 * e),
}
DENSITIES = {
    RootPlusEps: lambda s, e: (
        1 / mpmath.sqrt(mpmath.pi * s) - e * mpmath.exp(e**2 * s) * mpmath.erfc(e * mpmath.sqrt(s))
    ),
    RootOfSum: lambda s, e: mpmath.exp(-e * s) / mpmath.sqrt(mpmath.pi * s),
    TwoRates: lambda s, e: mpmath.exp(-e * s) + mpmath.exp(-100 * e * s),
}


def bounded(kernel, root, beta, s, step):
    """Each bound beside what it bounds, by mpmath's values at 60 digits."""
    e = mpmath.mpf(kernel.epsilon.numerator) / kernel.epsilon.denominator
    phi, rho = KERNELS[type(kernel)], DENSITIES[type(kernel)]
    v, at_zero = root**2, phi(mpmath.mpf(0), e)
    slope = -mpmath.diff(lambda x: phi(x, e), v)
    grid = [v * mpmath.mpf(2) ** -k for k in range(12)]
    left = [s * mpmath.exp(-step * j) for j in range(1, int(60 / step))]
    right = [s * mpmath.exp(step * j) for j in range(1, int(60 / step))]
    with ball_arithmetic():
        growth = kernel.ball_growth(flint.arb(str(root)), flint.arb(str(beta)))
        from_left = kernel.weights_left(flint.arb(str(s)), flint.arb(str(step)))
        from_right = kernel.weights_right(flint.arb(str(s)), flint.arb(str(step)))
        yield "growth", growth, max(phi(beta * x, e) / phi(x, e) - 1 for x in grid)
        yield "left", from_left, sum(step * u**2 * rho(u, e) for u in left)
        yield "right", from_right, sum(step * u * rho(u, e) for u in right)
        yield "slope", ball(kernel.slope_share) * kernel.ball_of(flint.arb(0)), v * slope
        if kernel.root_bound is not None:
            yield "root", ball(kernel.root_bound), root * phi(v, e)
        if kernel.root_slope is not None:
            yield "root slope", ball(kernel.root_slope), 2 * root * slope
        yield "value", kernel.ball_of(flint.arb(0)), at_zero


def above(bound, value):
    return float(bound.upper()) >= float(value) * (1 - 1e-12)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    st.sampled_from(list(KERNELS)),
    st.integers(-6, 3),
    st.integers(-8, 6),
    st.sampled_from(["0.001", "0.5", "0.999"]),
    st.integers(-8, 8),
    st.sampled_from(["0.2", "0.4"]),
)
def test_no_bound_is_below_what_it_bounds(kind, epsilon, root, beta, s, step):
    kernel = kind(Fraction(10) ** epsilon)
    assert isinstance(kernel, StieltjesKernel)
    with mpmath.workdps(60):
        arguments = mpmath.mpf(10) ** root, mpmath.mpf(beta), mpmath.mpf(10) ** s, mpmath.mpf(step)
        for name, bound, value in bounded(kernel, *arguments):
            assert above(bound, value), f"{name} of {kernel}: {bound} is below {value}"


@pytest.mark.parametrize("kind", [RootPlusEps, RootOfSum])
@pytest.mark.parametrize(("name", "root"), [("slope", {RootPlusEps: 1, RootOfSum: 2**0.5}), ("growth", None)])
def test_bounds_are_sharp_for_the_kernels_here(kind, name, root):
    """At the worst argument the bound holds with little room: the half of it would be wrong."""
    with mpmath.workdps(60):
        at = mpmath.mpf(root[kind] if root else 3)
        found = {
            n: (b, v) for n, b, v in bounded(kind(Fraction(1)), at, mpmath.mpf("0.5"), mpmath.mpf(1), mpmath.mpf(1))
        }
    bound, value = found[name]
    assert above(bound, value)
    assert not above(bound * flint.arb("0.99"), value)


@given(adam_relatives())
def test_relatives_have_a_laplace_form(method):
    assert require_laplace(method, "this") == method.laplace


@given(st.sampled_from(["v + eps", "1"]))
def test_what_has_no_laplace_form_says_so(denominator):
    class Other(AdaptiveMethod):
        pass

    Other.denominator = denominator
    with pytest.raises(InputError, match="this needs a Laplace form"):
        require_laplace(Other(0, 0, 1), "this")
    with pytest.raises(InputError, match="Lion has none"):
        require_laplace(Lion(), "this")
    assert require_laplace(Adam(), "this").decay == 0
