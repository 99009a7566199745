"""How much plots and the report compute."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Budgets, times and seeds, with the defaults of the commands ``plot`` and ``report``.

    All are counts: what is found is the same on a fast machine and on a slow one.

    Attributes
    ----------
    time
        How long the flow is followed.
    doublings
        How often, at most, that time is doubled for basins, while more starts arrive.
    step_size
        Expression in the step number n.
    steps
        Of the runs drawn over the flow; None for as many as its time takes, at most 100,000.
    chains
        Chains of the pseudo-trajectory windows, of which at most ten are drawn over the flow.
    seed
        Seed of all randomness.
    budget
        Most boxes that each certified search examines; those beyond are undecided.
    resolution
        Points along each of two parameters in a portrait.
    starts, length
        Steps at which windows begin, and their length in sums of step sizes.
    sweep
        The parameter over which the zero near the start is followed, and its values as text, or "" for those around
        its own; None for no sweep.
    certify
        Whether the branch of the sweep is certified.
    map_over
        Two parameters over which zeros are counted, with their values as text; none for no map.
    """

    time: float = 10.0
    step_size: str = "0.1/n**0.7"
    steps: int | None = None
    chains: int = 100
    seed: int = 0
    budget: int = 2_000
    resolution: int = 41
    starts: tuple[int, ...] = (1_000, 10_000, 100_000)
    length: float = 1.0
    sweep: tuple[str, str] | None = None
    certify: bool = False
    map_over: tuple[tuple[str, str], ...] = ()
    doublings: int = 6
