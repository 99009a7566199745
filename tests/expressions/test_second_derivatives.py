"""Hessians through shared subexpressions: those of SymPy, with d^2 operations."""

import numpy as np
import pytest
import sympy as sp

from adamsym.expressions import second_derivatives
from adamsym.expressions.compilation import compile_float
from adamsym.expressions.second_derivatives import compile_jacobian, shared_jacobian

A, B, C, X = symbols = sp.symbols("a b c x", real=True)
LOSSES = [
    (sp.tanh(A * X + B) - C) ** 2 / 2,
    sp.exp(A * B * C) * sp.log(1 + (A - X) ** 2) + sp.sqrt(1 + C**2),
    (A * X + B - C * X**2) ** 2,
    sp.cos(A * sp.sin(B * X)) / (2 + sp.tanh(C)) + A**3 * B,
    A * X + B * C,
]
LONG = sp.log(1 + sp.exp(X * sp.Add(A, B * X, C**2, A * B, B * C / 3, X / 7)))


@pytest.mark.parametrize("many", [0, 4], ids=["in one pass", "as expressions"])
@pytest.mark.parametrize("loss", [*LOSSES, LONG], ids=[*map(str, LOSSES), "long sum"])
def test_they_are_the_derivatives_of_the_gradient(loss, many, monkeypatch):
    monkeypatch.setattr(second_derivatives, "MANY", many)
    parameters = [A, B, C]
    gradient = [sp.diff(loss, p) for p in parameters]
    points = np.random.default_rng(1).normal(size=(4, 7))
    found = compile_jacobian(symbols, gradient, parameters, symmetric=True)(*points)
    plain = [sp.diff(gradient[i], parameters[j]) for i in range(3) for j in range(i, 3)]
    expected = compile_float(symbols, plain)(*points)
    assert found.shape == (7, 6)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12 * np.abs(expected).max())
    wrong = compile_jacobian(symbols, [gradient[1], gradient[0], gradient[2]], parameters, symmetric=True)(*points)
    assert np.abs(wrong - expected).max() > 1e-3 * np.abs(expected).max()
    square = compile_jacobian(symbols, gradient, parameters, symmetric=False)(*points)
    full = compile_float(symbols, [sp.diff(value, p) for value in gradient for p in parameters])(*points)
    np.testing.assert_allclose(square, full, rtol=1e-11, atol=1e-12 * np.abs(expected).max())


def test_partial_derivatives_in_one_pass_are_as_many_as_parameters(monkeypatch):
    """Of a function of one sum: written out, the entries of the Hessian would be d^2/2 expressions."""
    written = []
    monkeypatch.setattr(
        second_derivatives,
        "compile_float",
        lambda symbols, expressions, statements: written.append(
            sum(1 + value.count_ops() for value in [*expressions, *(value for _, value in statements)])
        ),
    )

    def operations(d):
        w, x = sp.symbols(f"w:{d}", real=True), sp.symbols(f"x:{d}", real=True)
        loss = (sp.tanh(sp.Add(*(a * b for a, b in zip(w, x, strict=True)))) - X) ** 2 / 2
        compile_jacobian([*w, *x, X], [sp.diff(loss, p) for p in w], w, symmetric=True)
        return written[-1]

    few, many = operations(24), operations(48)
    assert many < 2.2 * few


def test_operations_grow_like_the_number_of_entries():
    def operations(d):
        w, x = sp.symbols(f"w:{d}", real=True), sp.symbols(f"x:{d}", real=True)
        loss = (sp.tanh(sp.Add(*(a * b for a, b in zip(w, x, strict=True)))) - X) ** 2 / 2
        statements, entries = shared_jacobian([sp.diff(loss, p) for p in w], w, symmetric=True)
        return sum(1 + value.count_ops() for _, value in statements) + sum(1 + value.count_ops() for value in entries)

    few, many = operations(12), operations(24)
    assert many < 4.5 * few
