"""Property tests as findings: Hypothesis looks for a falsifying example."""

from collections.abc import Callable
from typing import Any

import hypothesis
from hypothesis import strategies

from adamsym.claims.finding import Finding, holds, refuted, undecided
from adamsym.claims.settings import run_seed, scaled, thorough

FEWEST_QUICK = 50
"""Inputs that a quick run draws at least, where the check asks for as many."""

_SIMPLIFYING = (hypothesis.Phase.shrink, hypothesis.Phase.explain)


def check_property(
    test: Callable[..., object],
    *inputs: strategies.SearchStrategy[Any],
    examples: int = 100,
    seed: int = 0,
    shrink: bool = True,
    fewest: int = FEWEST_QUICK,
) -> Finding:
    """Return whether ``test`` stands on ``examples`` inputs that Hypothesis draws, one argument per strategy.

    Refuted if ``test`` raises AssertionError or returns False: the detail is the simplest such input found. Undecided
    if it raises anything else, or if fewer than ``examples`` inputs ran to their end: inputs that
    ``hypothesis.assume`` rejects do not count, and of a smaller finite set ask for no more than it has.

    Parameters
    ----------
    examples
        Inputs at the usual effort; a run of claims with ``--quick`` draws fewer, one with ``--full`` more.
    seed
        Seed of the drawing, to which the run's own is added. Equal seeds give equal inputs where the same modules are
        imported, as in :func:`run_claims`: Hypothesis draws numbers that stand in them as well.
    shrink
        Whether to look for the simplest falsifying input; where each takes seconds, the first will do.
    fewest
        Inputs that a quick run draws at least, if ``examples`` are no fewer; at least 1.
    """
    examples = scaled(examples, fewest=min(examples, max(1, fewest)))
    failing: list[str] = []
    runs = 0

    def run(drawn: tuple[Any, ...]) -> None:
        nonlocal runs
        try:
            falsified = test(*drawn) is False
        except AssertionError as error:
            failing[:] = [_shown(drawn, error)]
            raise
        if falsified:
            failing[:] = [_shown(drawn, None)]
            raise AssertionError("falsified")
        runs += 1

    phases = [phase for phase in hypothesis.Phase if (shrink and thorough()) or phase not in _SIMPLIFYING]
    prepared = hypothesis.settings(
        max_examples=examples,
        phases=phases,
        database=None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(hypothesis.HealthCheck),
        verbosity=hypothesis.Verbosity.quiet,
    )(hypothesis.seed(run_seed(seed))(hypothesis.given(strategies.tuples(*inputs))(run)))
    try:
        prepared()
    except AssertionError:
        if failing:
            return refuted(f"falsified by {failing[0]}", cases=runs + 1)
        raise
    except hypothesis.errors.Unsatisfiable:
        return undecided("no input satisfied the test's assumptions")
    except Exception as error:
        return undecided(f"the test raised {type(error).__name__}: {error}")
    if runs < examples:
        return undecided(f"only {runs} of {examples} inputs ran to their end")
    return holds(f"{runs} inputs drawn by Hypothesis, none falsifies", cases=runs)


def _shown(drawn: tuple[Any, ...], error: AssertionError | None) -> str:
    reason = f" ({error})" if error is not None and str(error) else ""
    return f"{', '.join(map(repr, drawn))}{reason}"
