"""Which recursion torch's, optax's and keras's optimizers are, and which field each follows, measured.

Run with ``make benchmarks``: writes docs/benchmark_conformance.md.
"""

import os
import platform
import re
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
import jax
import keras
import optax
import torch

from adamsym.testing import Adapter, Conformance, check_optimizer, keras_adapter, optax_adapter, torch_adapter

DOCS = Path(__file__).parents[1] / "docs"
TORCH, OPTAX, KERAS = torch.optim, optax, keras.optimizers
BETAS, B, BETA = {"betas": (0.8, 0.7)}, {"b1": 0.8, "b2": 0.7}, {"beta_1": 0.8, "beta_2": 0.7}
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
]


def what_it_is(found: Conformance) -> str:
    """The recursion, in a few words."""
    r = found.identified
    if r is None:
        return "not identified"
    words = [r.numerator, r.second_moment]
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


def main() -> None:
    """Check all, and write the page."""
    rows, start = [], time.process_time()
    for name, adapter in OPTIMIZERS:
        found = check_optimizer(adapter)
        measured = "-"
        if found.field_test is not None:
            f = found.field_test
            p_value = f"{f.p_value:.2f}" if f.p_value >= 0.01 else f"{f.p_value:.1g}"
            measured = f"{f.measured:.4f} ± {f.standard_error:.4f} | {f.expected:.4f} | {p_value}"
        else:
            measured = "- | - | -"
        rows.append(
            f"| {name} | {'yes' if found.conforms else 'NO'} | {what_it_is(found)} | {field_of(found)} | {measured} |"
        )
        print(rows[-1])
    seconds = time.process_time() - start
    conforming = sum("| yes |" in row for row in rows)
    page = f"""# Which field does each optimizer follow?

{conforming} of {len(rows)} optimizers are what their documentation says, to rounding; each that has a field follows it.
Checked in {seconds:.0f} CPU seconds with `check_optimizer` ([testing.md](testing.md)): torch {torch.__version__.split("+")[0]}, optax \
{optax.__version__}, keras {keras.__version__} (on torch), jax {jax.__version__}, Python {platform.python_version()}.

| optimizer | as documented | numerator; v; eps | field it should follow | mean step, measured | field there | p |
| --- | --- | --- | --- | --- | --- | --- |
{chr(10).join(rows)}

The mean step over step size is that of 2048 independent chains held at θ = 2 for the loss (θ-x)²/2 with the data 0, 0, 3;
p is that of Student's test against the field, which is rejected below 1e-6. Memories are 0.8 and 0.7: short, so that fields
differ.

- Where eps is added changes what a step is, but not the field much for small eps: keras's Adam adds it before v is
  corrected, which vanishing steps forget; optax's rmsprop and keras's RMSprop add it inside the root, which they do not.
- RMSprop, with or without bias correction, follows the field of Adam with beta1 = 0.
- torch's NAdam follows NAdam's field only after some ten thousand steps: its look-ahead's weight grows so slowly.
- amsgrad's v never forgets, Adamax's v is no mean, centred RMSprop's v is a variance, and decay that is added to the
  gradient belongs to another loss: for these the limiting field is not implemented.
"""
    (DOCS / "benchmark_conformance.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
