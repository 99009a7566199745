"""The pytest plugin: claims as tests, profiles, fixtures, summary; nothing for projects that do not use it."""

import json
import subprocess
import sys

import pytest
from hypothesis import settings

# Runs inside this process find what claims need, which may be loaded only once.
import adamsym.certify
import adamsym.claims
import adamsym.dynamics
import adamsym.symbolic  # noqa: F401

pytest_plugins = ["pytester"]

CLAIMS = """
from adamsym import Claim
from adamsym.claims import holds, refuted, undecided, run_seed, scaled
claim = Claim("K", title="t", statement="s", source="here")
@claim.evidence("certified")
def evidence():
    return {evidence}
@claim.evidence("property")
def sizes():
    return holds(f"{{scaled(100)}} cases, seed {{run_seed(1)}}", cases=scaled(100))
claim.control("one")(lambda: refuted("no"))
claim.control("two")(lambda: {control})
"""


@pytest.fixture
def project(pytester):
    pytester.makeini("[pytest]\nadamsym_claims = claims\n")
    folder = pytester.mkdir("claims")

    def with_claims(evidence="holds('yes', cases=1)", control="refuted('no')"):
        (folder / "k.py").write_text(CLAIMS.format(evidence=evidence, control=control))
        return pytester

    return with_claims


def test_claims_are_collected(project):
    found = project().runpytest_inprocess("-v")
    found.assert_outcomes(passed=4)
    found.stdout.fnmatch_lines(
        [
            "*K: certified: evidence PASSED*",
            "*K: property: sizes PASSED*",
            "*K: control: one PASSED*",
            "*K: control: two PASSED*",
            "evidence that holds: 1 certified, 1 property; controls rejected: 2; failed: 0",
        ]
    )


@pytest.mark.parametrize(
    ("evidence", "control", "line"),
    [
        (
            "refuted('it is odd')",
            "refuted('no')",
            "K: certified: evidence: refuted, where it should be holds: it is odd",
        ),
        ("undecided('too slow')", "refuted('no')", "*where it should be holds: too slow"),
        ("holds('no case', cases=0)", "refuted('no')", "*undecided, where it should be holds*"),
        ("1/0", "refuted('no')", "*undecided, where it should be holds: ZeroDivisionError*"),
        ("holds('yes', cases=1)", "holds('accepted', cases=1)", "K: control: two: holds, where it should be refuted*"),
        ("holds('yes', cases=1)", "undecided('who knows')", "*undecided, where it should be refuted: who knows"),
        ("holds('yes', cases=1)", "1/0", "*undecided, where it should be refuted: ZeroDivisionError*"),
    ],
)
def test_what_does_not_hold_fails(project, evidence, control, line):
    found = project(evidence, control).runpytest_inprocess()
    found.assert_outcomes(passed=3, failed=1)
    found.stdout.fnmatch_lines([line, "*failed: 1"])


def test_a_file_without_claims_and_a_claim_without_controls_are_errors(project, pytester):
    project()
    (pytester.path / "claims" / "empty.py").write_text("x = 1\n")
    bare = 'from adamsym import Claim\nclaim = Claim("B", title="t", statement="s", source="here")\n'
    (pytester.path / "claims" / "bare.py").write_text(bare)
    found = pytester.runpytest_inprocess("--continue-on-collection-errors")
    found.assert_outcomes(passed=4, errors=2)
    found.stdout.fnmatch_lines_random(["*defines no Claim*", "*at least 2 controls*"])


@pytest.fixture
def profile_kept():
    before = settings.get_current_profile_name()
    yield
    settings.load_profile(before)


@pytest.mark.usefixtures("profile_kept")
def test_profiles_and_seed(project, pytester):
    project(evidence="refuted(f'{scaled(100)} cases, seed {run_seed(1)}')")
    pytester.makepyfile(
        """
        from hypothesis import given, settings, strategies as st
        @given(st.integers())
        def test_drawn(n):
            assert settings.default.max_examples == 20
        """
    )
    quick = pytester.runpytest_inprocess("--adamsym-profile", "quick", "--adamsym-seed", "1")
    quick.assert_outcomes(passed=4, failed=1)
    quick.stdout.fnmatch_lines(["*25 cases, seed 1000004"])
    full = pytester.runpytest_inprocess("--adamsym-profile", "full")
    full.assert_outcomes(passed=3, failed=2)
    full.stdout.fnmatch_lines(["*300 cases, seed 1"])


def test_fixtures_and_types(pytester):
    pytester.makepyfile(
        """
        from hypothesis import given, strategies as st
        from adamsym import Adam, AdamField, Empirical, Problem, StepSizeSchedule

        def test_skewed(adamsym_skewed_data):
            problem, adam = adamsym_skewed_data
            assert AdamField(problem, adam)([1.0])[0] < -1e-4

        def test_minima(adamsym_hyperbola):
            problem, adam = adamsym_hyperbola
            assert abs(AdamField(problem, adam)([2.0, 0.5])).max() == 0

        def test_spurious(adamsym_two_losses):
            problem, adam = adamsym_two_losses
            assert AdamField(problem, adam)([3.12])[0] > 0 > AdamField(problem, adam)([3.13])[0]

        @given(st.from_type(Adam), st.from_type(Problem), st.from_type(Empirical), st.from_type(StepSizeSchedule))
        def test_types(adam, problem, law, schedule):
            assert adam.alpha**2 < adam.beta or adam.alpha == adam.beta == 0
            assert schedule([1])[0] > 0
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=4)


def test_a_project_that_does_not_use_it_pays_nothing(pytester):
    pytester.makepyfile(
        """
        import sys, json

        def test_loaded(request):
            assert request.config.pluginmanager.hasplugin("adamsym")
            heavy = {"numpy", "sympy", "scipy", "numba", "flint", "hypothesis", "adamsym.testing.strategies"}
            assert not heavy & set(sys.modules), heavy & set(sys.modules)
        """
    )
    found = pytester.runpytest_subprocess("-p", "no:hypothesispytest")
    found.assert_outcomes(passed=1)
    assert "adamsym" not in found.stdout.str().split("test session starts")[1].split("collected")[1]


def test_importing_the_plugin_and_hypothesis_is_light():
    script = (
        "import sys, json, pytest, hypothesis; before = set(sys.modules); import adamsym.testing.plugin;"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    # Hypothesis's entry point may have brought the first two.
    assert {"adamsym", "adamsym.testing", "adamsym.testing.plugin"}.issuperset(json.loads(done.stdout))
