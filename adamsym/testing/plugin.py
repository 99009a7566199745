"""The pytest plugin: profiles, problems as fixtures, folders of claims as tests, a summary of evidence.

Imported at every start of pytest where adamsym is installed: nothing heavy is imported before it is used.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from adamsym.claims.settings import Settings
    from adamsym.gradients import Problem
    from adamsym.methods import Adam

_EXAMPLES = {"quick": 20, "full": 1000}
"""Inputs that Hypothesis draws for each test under a profile."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and the ini value."""
    group = parser.getgroup("adamsym")
    group.addoption("--adamsym-profile", choices=sorted(_EXAMPLES), help="effort of claims and of Hypothesis")
    group.addoption("--adamsym-seed", type=int, default=0, metavar="N", help="seed of claims (default: 0)")
    parser.addini("adamsym_claims", "folders whose Python files are collected as claims", type="paths", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Load the profile into Hypothesis, where one is asked for."""
    profile = config.getoption("--adamsym-profile")
    if profile is None:
        return
    import hypothesis

    name = f"adamsym-{profile}"
    hypothesis.settings.register_profile(name, hypothesis.settings(max_examples=_EXAMPLES[profile], deadline=None))
    hypothesis.settings.load_profile(name)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Give the types of adamsym their strategies, where the tests that were collected use both."""
    from adamsym.testing.registration import register_if_used

    register_if_used()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ClaimFile | None":
    """Collect the Python files of the folders of claims."""
    folders = parent.config.getini("adamsym_claims")
    if file_path.suffix == ".py" and file_path.name[0].isalpha() and file_path.parent in folders:
        return ClaimFile.from_parent(parent, path=file_path)
    return None


class ClaimFile(pytest.File):
    """One module of claims."""

    def collect(self) -> Any:
        """Yield an item for each piece of evidence, each control, and each claim's number of controls."""
        from adamsym.claims.claim import FEWEST_CONTROLS
        from adamsym.claims.running import import_claims

        claims = import_claims(self.path)
        if not claims:
            raise self.CollectError(f"{self.path.name} defines no Claim at its top level")
        for claim in claims:
            checks = [
                (f"{grade}: {check.__name__}", "evidence", grade, check) for grade, check in claim.evidence_checks
            ]
            checks += [(f"control: {name}", "control", "", check) for name, check in claim.control_checks]
            enough = bool(claim.evidence_checks) and len(claim.control_checks) >= FEWEST_CONTROLS
            if not enough:
                raise self.CollectError(f"{claim.name}: a claim has evidence and at least {FEWEST_CONTROLS} controls")
            for name, kind, grade, check in checks:
                yield ClaimItem.from_parent(self, name=f"{claim.name}: {name}", kind=kind, grade=grade, check=check)


class ClaimItem(pytest.Item):
    """One piece of evidence, which must hold, or one control, which must be refuted."""

    def __init__(self, *, kind: str, grade: str, check: Any, **rest: Any) -> None:
        super().__init__(**rest)
        self.kind, self.grade, self.check = kind, grade, check

    def runtest(self) -> None:
        """Run the check with the run's effort and seed."""
        from adamsym.claims.report import timed
        from adamsym.claims.settings import checking_with

        with checking_with(_settings(self.config)):
            finding, *_ = timed(self.check)
        self.user_properties.append(("adamsym", (self.kind, self.grade)))
        wanted = "holds" if self.kind == "evidence" else "refuted"
        if finding.verdict != wanted:
            raise NotAsItShould(f"{self.name}: {finding.verdict}, where it should be {wanted}: {finding.detail}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the finding alone."""
        if isinstance(excinfo.value, NotAsItShould):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return where the claim stands."""
        return self.path, None, self.name


class NotAsItShould(Exception):
    """Evidence that does not hold, or a control that is not refuted."""


def _settings(config: pytest.Config) -> "Settings":
    from adamsym.claims.settings import Settings

    return Settings(config.getoption("--adamsym-profile") or "usual", config.getoption("--adamsym-seed"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how much evidence held and how many controls were rejected, where there were claims."""
    held: dict[str, int] = {}
    rejected = failed = 0
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, value in getattr(report, "user_properties", ()):
                if name != "adamsym":
                    continue
                kind, grade = value
                if outcome == "failed":
                    failed += 1
                elif kind == "control":
                    rejected += 1
                else:
                    held[grade] = held.get(grade, 0) + 1
    if not (held or rejected or failed):
        return
    grades = ", ".join(f"{count} {grade}" for grade, count in sorted(held.items())) or "none"
    terminalreporter.write_sep("=", "adamsym")
    terminalreporter.write_line(f"evidence that holds: {grades}; controls rejected: {rejected}; failed: {failed}")


@pytest.fixture
def adamsym_skewed_data() -> "tuple[Problem, Adam]":
    """(theta - x)^2/2 for the data 0, 0, 3, with the usual Adam: its zero is not the mean."""
    from adamsym.gradients import Empirical, Problem
    from adamsym.methods import Adam

    return Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam()


@pytest.fixture
def adamsym_hyperbola() -> "tuple[Problem, Adam]":
    """(a b x - y)^2/2 for y = x: overparametrized, with the minima a b = 1."""
    from adamsym.gradients import Empirical, Problem
    from adamsym.methods import Adam

    law = Empirical({"x": [1, 2, "-0.5"], "y": [1, 2, "-0.5"]})
    return Problem("(a*b*x - y)**2/2", ["a", "b"], law), Adam("0.9", "0.99", 1)


@pytest.fixture
def adamsym_two_losses() -> "tuple[Problem, Adam]":
    """N1, globally Polyak-Lojasiewicz: the field has a spurious attracting zero at 3.12358."""
    from adamsym.gradients import Empirical, Problem
    from adamsym.methods import Adam

    law = Empirical({"a": [1, 0]}, ["1/50", "49/50"])
    return Problem("a*15*theta**2 + (1 - a)*sin(theta)**2/2", ["theta"], law), Adam("0.5", "0.9", "0.01")
