"""C16: trained by Adam with vanishing steps, a network ends at a zero of its Adam field, where its loss has no critical
point.

Cited: C4's theorem, of the abstract of arXiv 2511.04622. Added here: a network for which the two are told apart.

The finite statement, for one network: tanh 2-2-1 whose output weights are fixed at 1 and -1, on 48 rows with skewed
residuals. 256 runs of torch.optim.Adam with minibatches of one row and 4096 steps gamma_n = 10/(n + 100), half of them
from the critical point c of the loss, half from around it. Their means over the last quarter of the steps but one and
over the last half are extrapolated to step 0, for each run. The mean end

- differs in no coordinate from the zero z of the field by more than Student's quantile and twice the last mean step
  size, for what is of second order in the step;
- differs from c in some coordinate by more than that.

z is found in floating point, with max |f| at most 1e-10; |z - c| = 0.126. Needs torch.
"""

from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
import scipy.stats

from adamsym import Adam, AdamField, Claim, find_zero
from adamsym.claims import Finding, holds, refuted, run_seed, scaled, undecided
from adamsym.networks import TorchGradients, Training, train

claim = Claim(
    "C16",
    title="A network that Adam trains ends at a zero of its field, not at a critical point",
    statement=(
        r"For a network with skewed residuals: where Adam with $\gamma_n\to0$ and $\sum\gamma_n=\infty$ converges to "
        r"some $\theta^*$, $f(\theta^*)=0$, and $\nabla L(\theta^*)\ne0$ though $L$ has a critical point nearby."
    ),
    source="arXiv 2511.04622",
    needs=("torch",),
)

LEVEL = 1e-4
"""Chance that the tests of all coordinates together reject a true statement (Bonferroni), but for the bias allowed."""

STEPS, SCHEDULE = 4096, "10/(n + 100)"
BIAS = 2
"""Step sizes by which the extrapolated mean end may be off its limit."""

CRITICAL = np.array([1.0, 0.0, 0.0, 1.0])
"""The hidden weights at which the residuals below have mean 0 at each place: a critical point of the loss, exactly."""

SIDE = np.array([-1.0, 0.0, 1.0, 2.0])
SKEWED, SYMMETRIC = (-0.125, -0.125, 0.25), (-0.1875, 0.1875)


@dataclass(frozen=True)
class Case:
    """Residuals at each place of the grid, Adam's beta1 and beta2, and whether every minibatch is the whole data."""

    residuals: tuple[float, ...]
    betas: tuple[float, float] = (0.5, 0.7)
    is_full_batch: bool = False


CASE = Case(SKEWED)


def network(case: Case) -> TorchGradients:
    """Return the network with its data: on a grid what it gives at CRITICAL, plus each of the residuals."""
    import torch

    hidden, output = torch.nn.Linear(2, 2, bias=False), torch.nn.Linear(2, 1, bias=False)
    module = torch.nn.Sequential(hidden, torch.nn.Tanh(), output).double()
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor(CRITICAL).reshape(2, 2))
        output.weight.copy_(torch.tensor([[1.0, -1.0]]))
    output.weight.requires_grad_(False)
    grid = torch.tensor(np.array([(a, b) for a in SIDE for b in SIDE]))
    residuals = torch.tensor(case.residuals, dtype=torch.float64)
    inputs = grid.repeat_interleave(len(residuals), 0)
    targets = module(grid).detach().repeat_interleave(len(residuals), 0) + residuals.repeat(len(grid))[:, None]
    if case.is_full_batch:
        # One row that is the whole data.
        inputs, targets = inputs[None], targets[None]
    return TorchGradients(module, lambda output, target: (output - target).square().mean() / 2, inputs, targets, 1)


@cache
def zero(case: Case) -> np.ndarray:
    """Return the zero of the case's field next to CRITICAL."""
    found = find_zero(AdamField(network(case), Adam(*case.betas)), CRITICAL)
    if found.outcome != "converged":
        raise ArithmeticError(f"no zero: {found.reason}")
    return found.theta


@cache
def trained(case: Case, chains: int, seed: int) -> Training:
    """Return runs of torch.optim.Adam."""
    import torch

    torch.set_num_threads(1)
    away = 0.1 * np.random.default_rng(seed).normal(size=(chains, len(CRITICAL)))
    away[::2] = 0
    optimizer = partial(torch.optim.Adam, betas=case.betas, fused=True)
    return train(network(case), optimizer, SCHEDULE, CRITICAL + away, STEPS, chains, seed, windows=2)


def ends_at_the_zero(case: Case, predicted: np.ndarray) -> Finding:
    """Is the runs' mean end ``predicted``, and not CRITICAL?"""
    # Full batches differ by their starts alone.
    chains = 16 if case.is_full_batch else scaled(256, fewest=192)
    runs = trained(case, chains, run_seed(16))
    if runs.diverged.any():
        return undecided(f"{(runs.diverged > 0).sum()} runs diverged")
    first, last = runs.step_sizes
    ends = (first * runs.means[1] - last * runs.means[0]) / (first - last)
    error = ends.std(axis=0, ddof=1) / np.sqrt(chains)
    allowed = scipy.stats.t.isf(LEVEL / (2 * len(CRITICAL)), chains - 1) * error + BIAS * last
    off, away = (np.abs(ends.mean(axis=0) - point) for point in (predicted, CRITICAL))
    worst, best = int(np.argmax(off - allowed)), int(np.argmax(away - allowed))
    text = (
        f"{chains} runs: mean end off the zero by {off[worst]:.4f} (allowed {allowed[worst]:.4f}), off the critical "
        f"point by {away[best]:.4f} (more than {allowed[best]:.4f} wanted)"
    )
    right = (off <= allowed).all() and (away > allowed).any()
    return (holds if right else refuted)(text, cases=2 * len(CRITICAL))


@claim.evidence("statistical")
def torch_adam_on_skewed_residuals() -> Finding:
    return ends_at_the_zero(CASE, zero(CASE))


@claim.control("the zero of the field with another beta2")
def another_beta2() -> Finding:
    return ends_at_the_zero(CASE, zero(replace(CASE, betas=(0.5, 0.9))))


@claim.control("symmetric residuals: the zero is the critical point")
def symmetric_residuals() -> Finding:
    case = replace(CASE, residuals=SYMMETRIC)
    return ends_at_the_zero(case, zero(case))


@claim.control("full batches: the zero is the critical point")
def full_batches() -> Finding:
    case = replace(CASE, is_full_batch=True)
    return ends_at_the_zero(case, zero(case))
