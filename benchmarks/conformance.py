"""Which recursion the optimizers of torch, optax, keras, jax and others are, and which field each follows, measured.

Run with ``make benchmarks``: writes docs/benchmark_conformance.md. With ``--new`` the rows that stand there are kept.
Those of pytorch-optimizer are measured where it is installed, as by ``pip install pytorch-optimizer``; else they are kept.
"""

import os
import platform
import re
import sys
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")
import jax
import keras
import numpy as np
import optax
import torch
from jax.example_libraries import optimizers as jax_optimizers

from adamsym.expressions.compilation import FloatArray
from adamsym.methods import AdaBelief, Adafactor, Adamax, AdamClippedByValue, Lion, Method, Signum, Yogi
from adamsym.testing import (
    Adapter,
    Conformance,
    Recursion,
    check_optimizer,
    keras_adapter,
    optax_adapter,
    torch_adapter,
    update_adapter,
)

try:
    OTHERS: Any = import_module("pytorch_optimizer")
except ImportError:
    OTHERS = None
OTHER = "pytorch_optimizer"

DOCS = Path(__file__).parents[1] / "docs"
TORCH, OPTAX, KERAS = torch.optim, optax, keras.optimizers
BETAS, B, BETA = {"betas": (0.8, 0.7)}, {"b1": 0.8, "b2": 0.7}, {"beta_1": 0.8, "beta_2": 0.7}
MEMORIES = (0.8, 0.7)


def jax_adapter(make: Callable[..., Any], declared: Recursion, **options: float) -> Adapter:
    """Return the adapter of a triple of functions of ``jax.example_libraries.optimizers``."""

    def made(step_size: float) -> tuple[Callable[[Any], Any], Callable[..., Any]]:
        init, update, parameters = make(step_size, **options)
        update = jax.jit(update)

        def start(theta: Any) -> Any:
            with jax.enable_x64(True):
                return 0, init(jax.numpy.asarray(theta))

        def step(gradient: Any, state: Any, theta: Any) -> Any:
            n, inner = state
            with jax.enable_x64(True):
                inner = update(n, jax.numpy.asarray(gradient), inner)
                return np.asarray(parameters(inner)), (n + 1, inner)

        return start, step

    return update_adapter(made, declared, f"jax {make.__name__}")


def clipped_adam(learning_rate: float) -> Any:
    """Adam of gradients that are clipped by value, in optax's parts."""
    return optax.chain(optax.clip(1.5), optax.adam(learning_rate, **B))


ADAM = Recursion(beta1=0.8, beta2=0.7)
EPS_FIRST = ADAM.changed(eps_place="outside the root, before the correction")
LARGEST_WITH_EPS = "largest gradient, eps added to each"
OPTIMIZERS: list[tuple[str, Adapter]] = [
    ("torch Adam", torch_adapter(TORCH.Adam, **BETAS)),
    ("torch Adam, weight_decay=0.1", torch_adapter(TORCH.Adam, weight_decay=0.1, **BETAS)),
    ("torch AdamW", torch_adapter(TORCH.AdamW, **BETAS)),
    ("torch NAdam", torch_adapter(TORCH.NAdam, **BETAS)),
    ("torch RMSprop", torch_adapter(TORCH.RMSprop, alpha=0.7)),
    ("torch RMSprop, centered", torch_adapter(TORCH.RMSprop, alpha=0.7, centered=True)),
    ("torch Adamax", torch_adapter(TORCH.Adamax, **BETAS)),
    ("torch Adam, amsgrad", torch_adapter(TORCH.Adam, amsgrad=True, **BETAS)),
    ("optax adam", optax_adapter(OPTAX.adam, **B)),
    ("optax adam, eps_root", optax_adapter(OPTAX.adam, eps=0, eps_root=0.1, **B)),
    ("optax adamw", optax_adapter(OPTAX.adamw, **B)),
    ("optax nadam", optax_adapter(OPTAX.nadam, **B)),
    ("optax rmsprop", optax_adapter(OPTAX.rmsprop, decay=0.7)),
    ("optax adamax", optax_adapter(OPTAX.adamax, **B)),
    ("optax amsgrad", optax_adapter(OPTAX.amsgrad, **B)),
    ("keras Adam", keras_adapter(KERAS.Adam, **BETA)),
    ("keras AdamW", keras_adapter(KERAS.AdamW, **BETA)),
    ("keras Nadam", keras_adapter(KERAS.Nadam, **BETA)),
    ("keras RMSprop", keras_adapter(KERAS.RMSprop, rho=0.7)),
    ("keras Adamax", keras_adapter(KERAS.Adamax, **BETA)),
    ("keras Adam, amsgrad", keras_adapter(KERAS.Adam, amsgrad=True, **BETA)),
    ("keras Adam, clipnorm=1", keras_adapter(KERAS.Adam, clipnorm=1.0, **BETA)),
    ("torch RAdam", torch_adapter(TORCH.RAdam, **BETAS)),
    ("optax radam", optax_adapter(OPTAX.radam, **B)),
    ("optax adabelief", optax_adapter(OPTAX.adabelief, **B)),
    ("optax yogi", optax_adapter(OPTAX.yogi, **B)),
    ("optax lion", optax_adapter(OPTAX.lion, **B)),
    ("optax adopt", optax_adapter(OPTAX.contrib.adopt, **B)),
    (
        "optax adafactor, no parameter scale",
        # Its schedule is computed in float32.
        replace(optax_adapter(OPTAX.adafactor, Adafactor(), multiply_by_parameter_scale=False), scalars="float32"),
    ),
    ("optax clip(1.5), adam", optax_adapter(clipped_adam, AdamClippedByValue(*MEMORIES, 1e-8, 1.5))),
    ("jax adam", jax_adapter(jax_optimizers.adam, ADAM, **B)),
    (
        "jax adamax",
        jax_adapter(jax_optimizers.adamax, ADAM.changed(second_moment="largest gradient"), **B),
    ),
    (
        "jax rmsprop",
        jax_adapter(
            jax_optimizers.rmsprop,
            Recursion(beta1=0.0, beta2=0.7, second_corrected=False, eps_place="inside the root"),
            gamma=0.7,
        ),
    ),
]


def of_vectors(adapter: Adapter) -> Adapter:
    """The optimizer of vectors and numbers alone."""

    def start(tensors: Sequence[FloatArray], step_size: float) -> Any:
        if any(tensor.ndim > 1 for tensor in tensors):
            raise ValueError("vectors alone")
        return adapter.start(tensors, step_size)

    return replace(adapter, start=start)


if OTHERS is not None:
    signs = torch_adapter(OTHERS.SignSGD, Signum(0.8), momentum=0.8)
    OPTIMIZERS += [
        (f"{OTHER} AdaBelief", torch_adapter(OTHERS.AdaBelief, AdaBelief(*MEMORIES), **BETAS)),
        (f"{OTHER} Lion", torch_adapter(OTHERS.Lion, Lion(*MEMORIES, 0), weight_decay=0.0, **BETAS)),
        (f"{OTHER} Yogi", torch_adapter(OTHERS.Yogi, Yogi(*MEMORIES), **BETAS)),
        (f"{OTHER} SignSGD, momentum=0.8", signs),
        (f"{OTHER} AdaMax", torch_adapter(OTHERS.AdaMax, ADAM.changed(second_moment=LARGEST_WITH_EPS), **BETAS)),
        (f"{OTHER} AdamP, vectors", of_vectors(torch_adapter(OTHERS.AdamP, EPS_FIRST, **BETAS))),
    ]
METHODS: dict[str, Method] = {
    "torch Adamax": Adamax(*MEMORIES),
    "optax adamax": Adamax(*MEMORIES),
    f"{OTHER} AdaMax": Adamax(*MEMORIES),
    "optax clip(1.5), adam": AdamClippedByValue(*MEMORIES, 1e-8, 1.5),
}
"""What recursions are as methods, whose field is estimated."""

OUTSIDE: list[tuple[str, Adapter, str]] = [
    (
        "optax schedule_free_adamw",
        optax_adapter(OPTAX.contrib.schedule_free_adamw, ADAM),
        "it moves an average of all its points, and takes gradients between that and the last one: the weight of the "
        "past never falls at a rate, so that no law of its moments is stationary",
    ),
    (
        "optax prodigy",
        optax_adapter(OPTAX.contrib.prodigy, ADAM),
        "it estimates its step size from how far it has come, one number for all parameters that only grows",
    ),
    (
        "optax novograd",
        optax_adapter(OPTAX.novograd, ADAM),
        "its v is one number for each tensor, and m averages normalised gradients",
    ),
    (
        "optax adan",
        optax_adapter(OPTAX.adan, ADAM),
        "m and v average differences of successive gradients as well: gradients at two points are compared",
    ),
    (
        "torch Adafactor",
        torch_adapter(TORCH.Adafactor, ADAM),
        "it keeps rows' and columns' means of v for matrices, and multiplies steps by the size of the parameters; for "
        "vectors, without that, it is `Adafactor`",
    ),
]
if OTHERS is not None:
    OUTSIDE += [
        (
            f"{OTHER} AdamP",
            torch_adapter(OTHERS.AdamP, EPS_FIRST, **BETAS),
            "where the gradient is nearly orthogonal to a matrix, or to its rows, the step loses what lies along it, so "
            "that parameters are coupled; of vectors the steps are Adam's",
        ),
        (
            f"{OTHER} Lamb",
            torch_adapter(OTHERS.Lamb, ADAM, **BETAS),
            "each tensor's step is as long as the tensor times the step size",
        ),
        (
            f"{OTHER} StableAdamW",
            torch_adapter(OTHERS.StableAdamW, ADAM, **BETAS),
            "each tensor's step is shortened by how far the gradient's square exceeds v",
        ),
    ]


def what_it_is(found: Conformance) -> str:
    """The recursion, in a few words."""
    r = found.identified
    if r is None:
        return "not identified"
    if not isinstance(r, Recursion):
        return f"`{type(r.method).__name__}`'s own steps"
    words = [] if r.gradient == "as given" else [f"gradients {r.gradient}"]
    words += [r.numerator, r.second_moment]
    if not r.second_moment.startswith("largest gradient"):
        words.append(f"eps {r.eps_place}")
    if not r.second_corrected and not r.second_moment.startswith("largest"):
        words.append("no bias correction")
    if r.decay != "none":
        words.append(f"weight decay {r.decay}")
    return "; ".join(words)


def field_of(found: Conformance) -> str:
    """The field's method, with short numbers."""
    if found.field is None:
        return "none known"
    shown = re.sub(r"Fraction\((\d+), (\d+)\)", lambda m: f"{int(m[1]) / int(m[2]):g}", found.field)
    return f"`{shown.replace('e-0', 'e-')}`"


def row_of(name: str, adapter: Adapter) -> str:
    """Return the row of an optimizer in the table."""
    found = check_optimizer(adapter, method=METHODS.get(name))
    measured = "- | - | -"
    if found.field_test is not None:
        f = found.field_test
        p_value = f"{f.p_value:.2f}" if f.p_value >= 0.01 else f"{f.p_value:.1g}"
        measured = f"{f.measured:.4f} ± {f.standard_error:.4f} | {f.expected:.4f} | {p_value}"
    return f"| {name} | {'yes' if found.conforms else 'NO'} | {what_it_is(found)} | {field_of(found)} | {measured} |"


def outside_row(name: str, adapter: Adapter, reason: str) -> str:
    """Return the row of an optimizer that no recursion here explains, or what it is taken for."""
    found = check_optimizer(adapter)
    said = "; ".join(found.differences)
    place = re.search(r"deviates at (step \d+)", said)
    what = f"from {place[1]} on" if found.identified is None and place else "taken for another recursion"
    shapes = re.search(r"only tensors of shape (.*?) deviate", said)
    if shapes and all(re.search(r"\d, \d", shape) for shape in shapes[1].split(" and ")):
        what = f"in matrices and tensors alone, {what}"
    return f"| {name} | {'CONFORMS' if found.conforms else what} | {reason} |"


def main() -> None:
    """Check all, or with ``--new`` those that the page lacks, and write the page."""
    page = DOCS / "benchmark_conformance.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    stand = {line.split(" | ")[0].removeprefix("| "): line for line in lines if line.startswith("| ")}
    kept, rows, outside = stand if "--new" in sys.argv else {}, [], []
    for name, adapter in OPTIMIZERS:
        rows.append(kept[name] if name in kept else row_of(name, adapter))
        print(rows[-1], flush=True)
    for name, adapter, reason in OUTSIDE:
        outside.append(kept[name] if name in kept else outside_row(name, adapter, reason))
        print(outside[-1], flush=True)
    if OTHERS is None:
        unmeasured = [line for name, line in stand.items() if name.startswith(OTHER)]
        rows += [line for line in unmeasured if line.count(" | ") == 6]
        outside += [line for line in unmeasured if line.count(" | ") == 2]
    page.write_text(page_of(rows, outside), encoding="utf-8")


def page_of(rows: list[str], outside: list[str]) -> str:
    """Return the page."""
    conforming = sum("| yes |" in row for row in rows)
    versions = (
        f"torch {torch.__version__.split('+')[0]}, optax {optax.__version__}, keras {keras.__version__} (on torch), "
        f"jax {jax.__version__}, {OTHER} {metadata.version('pytorch-optimizer') if OTHERS else '4.1.0'}, "
        f"Python {platform.python_version()}"
    )
    head = f"""{conforming} of {len(rows)} optimizers from five packages are what their documentation says, to rounding; each \
that has a field follows it. One check takes a few CPU seconds, with `check_optimizer` \
([testing.md](testing.md)): {versions}."""
    return f"""# Which field does each optimizer follow?

{textwrap.fill(head, 120)}

| optimizer | as documented | numerator; v; eps | field it should follow | mean step, measured | field there | p |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

The mean step over step size is that of 2048 independent chains held at θ = 2 for the loss (θ-x)²/2 with the data 0, 0, 3;
p is that of Student's test against the field, which is rejected below 1e-6. Memories are 0.8 and 0.7: short, so that fields
differ. Fields of methods without a Laplace form are estimated by Monte Carlo, whose standard error is counted.

- Where eps is added changes what a step is, but not the field much for small eps: keras's Adam adds it before v is
  corrected, which vanishing steps forget; optax's rmsprop and keras's RMSprop add it inside the root, which they do not.
- RMSprop, with or without bias correction, follows the field of Adam with beta1 = 0; RAdam that of Adam.
- torch's NAdam follows NAdam's field only after some ten thousand steps: its look-ahead's weight grows so slowly.
- Without a stationary law are amsgrad, whose v never forgets, Adafactor, whose memory grows, and Yogi, whose v forgets at no
  rate; what is known of their limits says [theory.md](theory.md). keras's and jax's Adamax add eps elsewhere than
  `Adamax`; the norm that clips couples coordinates, which are the chains here; centred RMSprop's v is a variance; and
  decay that is added to the gradient belongs to another loss: for these the limiting field is not implemented here.

## Outside

These are no methods of this package. Each was compared with Adam of the same memories.

| optimizer | leaves Adam's steps | why |
| --- | --- | --- |
{chr(10).join(outside)}
"""


if __name__ == "__main__":
    main()
