"""Random laws and methods from the corners: rare atoms, 16 orders of magnitude, any eps, beta2 from 0 to 1 - 1e-9."""

from fractions import Fraction

import numpy as np

from adamsym.methods import Adam


def decimals(value: float, digits: int = 6) -> Fraction:
    """A fraction near a float, with few digits, so that it can be written down."""
    return Fraction(f"{value:.{digits}g}")


def random_adam(rng: np.random.Generator) -> Adam:
    kind = rng.integers(8)
    if kind == 0:
        beta = Fraction(0)
    elif kind == 1:
        beta = decimals(10 ** rng.uniform(-12, -1))
    elif kind <= 4:
        beta = decimals(rng.uniform(0.05, 0.995))
    else:
        beta = 1 - decimals(10 ** rng.uniform(-9 if kind == 5 else -5, -1.5), 3)
    root = float(beta) ** 0.5
    alpha = Fraction(0)
    if beta:
        pick = rng.integers(4)
        if pick == 1:
            alpha = decimals(rng.uniform(0, 1) * root)
        elif pick == 2:
            alpha = decimals(root * (1 - 10 ** rng.uniform(-6, -1)), 12)
        elif pick == 3:
            alpha = min(Fraction(9, 10), decimals(0.9 * root))
        if not alpha**2 < beta:
            alpha = decimals(0.5 * root)
    eps = 10 ** (rng.uniform(-300, 300) if rng.random() < 0.2 else rng.uniform(-12, 3))
    return Adam(alpha, beta, Fraction(f"{eps:.3e}"))


def random_atoms(rng: np.random.Generator) -> list[float]:
    size = int(rng.integers(1, 5))
    kind = rng.integers(6)
    signs = rng.choice([-1.0, 1.0], size)
    if kind <= 1:
        atoms = rng.normal(size=size) + rng.normal()
    elif kind == 2:
        atoms = signs * 10 ** rng.uniform(-8, 8, size)
    elif kind == 3:
        atoms = signs * 10 ** rng.uniform(-2, 2, size)
    elif kind == 4:
        atoms = (
            rng.normal()
            * (1 + 10 ** rng.uniform(-12, -2) * rng.normal(size=size))
            * (signs if rng.random() < 0.5 else 1)
        )
    else:
        atoms = np.concatenate([rng.normal(size=size), [0.0]])
    if rng.random() < 0.15:
        atoms = atoms * 10 ** rng.uniform(-60, 60)
    return [float(g) for g in atoms]


def random_probabilities(rng: np.random.Generator, size: int) -> list[Fraction]:
    kind = rng.integers(4)
    if kind == 3:
        weights = [Fraction(1)] + [Fraction(f"{10 ** rng.uniform(-12, -3):.3e}") for _ in range(size - 1)]
    elif kind == 0:
        weights = [Fraction(1)] * size
    elif kind == 1:
        weights = [Fraction(int(w)) for w in rng.integers(1, 60, size)]
    else:
        weights = [Fraction(f"{10 ** rng.uniform(-12, 0):.3e}") for _ in range(size)]
    return [w / sum(weights) for w in weights]
