"""Float64 enclosures of random and hostile laws, held against balls at points within; copies with one line changed."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace

import flint
import numpy as np

from adamsym import Adam
from adamsym.field.ball.arithmetic import ball_arithmetic, outward
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law as enclose_law_in_balls
from adamsym.field.interval import law as compiled_law
from adamsym.field.interval.tables import tables_of
from adamsym.methods import LaplaceForm

FORMS = [
    Adam(beta1, beta2, eps).laplace
    for beta1, beta2, eps in (
        ("0.9", "0.999", "1e-8"),
        ("0.9", "0.99", "1e-8"),
        ("0.5", "0.9", "0.1"),
        ("0", "0.85", "1e-3"),
        ("0.9", "0.9999", "10"),
        ("0.99", "0.999", "1e-15"),
    )
]
SHORT = [
    Adam(beta1, beta2, eps).laplace
    for beta1, beta2, eps in (
        ("0.5", "0.6", "0.1"),
        ("0.2", "0.3", "1e-8"),
        ("0", "0", "0.01"),
        ("9e-4", "1e-6", "1e-3"),
        ("0.88", "0.8", "1e-15"),
    )
]
"""Second moments whose lags are longer than the rule's steps."""
FOLDER = Path(compiled_law.__file__).parent
BOXES = 16


def random_law(generator: np.random.Generator, hostile: bool):
    """Atoms, weights and slopes (2, n): ordinary, or with rare rows, magnitudes from 1e-300 to 1e300 and ties."""
    n = int(generator.integers(1, 7))
    atoms, weights = generator.normal(0.3, 1, n), generator.integers(1, 10, n).astype(float)
    if hostile:
        kind = generator.integers(5)
        if kind == 0:
            weights[0] = 1e-12
        elif kind == 1:
            atoms *= 10.0 ** generator.uniform(-300, 300)
        elif kind == 2:
            atoms *= 10.0 ** generator.uniform(-20, 20, n)
        elif kind == 3:
            atoms[:] = atoms[0] * generator.choice([-1, 1], n)
        else:
            atoms[generator.random(n) < 0.6] = 0.0
    slopes = generator.normal(0, 1, (2, n)) * 10.0 ** (generator.uniform(-200, 200) if hostile and n == 3 else 0.0)
    return atoms, weights, slopes


def boxes_around(values, generator, widths):
    """Intervals (boxes, .., 2) that hold the values, off their middles."""
    shape = (len(widths), *values.shape)
    width = widths.reshape(-1, *[1] * values.ndim) * (np.abs(values) + generator.choice([0, 1]))
    share = generator.uniform(0, 1, shape)
    return np.stack(
        [np.minimum(values, values - share * width), np.maximum(values, values + (1 - share) * width)], axis=-1
    )


def exact_shares(weights):
    total = sum((flint.arb(float(w)) for w in weights), flint.arb(0))
    return [flint.arb(float(w)) / total for w in weights]


def trial(
    form: LaplaceForm,
    generator: np.random.Generator,
    hostile: bool,
    law: ModuleType = compiled_law,
    boxes: int = BOXES,
    tolerance: float = 1e-9,
):
    """Enclose boxes around one law; return how many intervals miss the balls at it, how many are finite, and all."""
    atoms, weights, slopes = random_law(generator, hostile)
    widths = 10.0 ** generator.uniform(-17, 0.3, boxes)
    widths[0] = 0.0
    with ball_arithmetic():
        tables, shares = tables_of(form), exact_shares(weights)
        found = np.empty((boxes, 3, 2))
        bounds = np.array([outward(share) for share in shares])
        over = boxes_around(atoms, generator, widths), bounds, boxes_around(slopes, generator, widths)
        law.enclose_laws(tables, *over, tolerance, found)
        point = BallLaw([flint.arb(x) for x in atoms], shares, [[flint.arb(x) for x in row] for row in slopes])
        truth = enclose_law_in_balls(point, form, 1e-18)
        missed = 0
        for box in found:
            for (low, high), value in zip(box.tolist(), [truth.value, *truth.slopes], strict=True):
                # A ball that is wholly outside is a miss; nan is one too.
                missed += not (low <= high) or bool(flint.arb(low) > value) or bool(flint.arb(high) < value)
    return missed, int(np.isfinite(found).all(axis=(1, 2)).sum()), boxes


def trials(
    count: int,
    seed: int,
    law: ModuleType = compiled_law,
    boxes: int = BOXES,
    tolerance: float = 1e-9,
    hostile: int = 3,
    forms: Sequence[LaplaceForm] = FORMS,
) -> tuple[int, int, int]:
    """Return misses, finite enclosures and all of so many trials, one of ``hostile`` of them hostile."""
    generator, sums = np.random.default_rng(seed), np.zeros(3, dtype=int)
    for k in range(count):
        sums += trial(forms[k % len(forms)], generator, k % hostile == hostile - 1, law, boxes, tolerance)
    return tuple(sums.tolist())


def copy_with(module: str, old: str, new: str) -> SimpleNamespace:
    """The modules of the intervals, not compiled, with a part of one replaced: what a defect there would do."""
    assert (FOLDER / f"{module}.py").read_text().count(old) == 1
    copied = {}
    for name in ("rounding", "elementary", "moments", "lags", "law", "linear", "exclusion"):
        text = (FOLDER / f"{name}.py").read_text()
        text = text.replace(old, new) if name == module else text
        text = re.sub("from adamsym.field.compiled import .*", "compiled = inner = lambda function: function", text)
        for other in copied:
            text = text.replace(f"from adamsym.field.interval.{other} import", f"from copy_of_{other} import")
        sys.modules[f"copy_of_{name}"] = copied[name] = ModuleType(f"copy_of_{name}")
        exec(compile(text, f"copy_of_{name}", "exec"), copied[name].__dict__)
    return SimpleNamespace(**copied)


if __name__ == "__main__":
    print(trials(int(sys.argv[1]), int(sys.argv[2])))
