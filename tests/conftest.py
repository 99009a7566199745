"""How Hypothesis draws here: without limits of time, and in the default run the same inputs every time.

The long run, ``make test-long``, plays every test with drawn inputs too: ten times as many, and other ones each time.
"""

import gc
import math
import os

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from hypothesis.internal.conjecture import providers

MORE = 10


def is_long(config):
    return "slow" in config.option.markexpr and "not slow" not in config.option.markexpr


def pytest_configure(config):
    # What other runs have kept is no part of a test.
    os.environ["ADAMSYM_CACHE"] = "off"
    # Nor is how long something takes on a busy machine.
    from adamsym.expressions import progress

    progress.SECONDS_BETWEEN_LINES = math.inf
    # While modules are imported there is next to nothing to collect.
    gc.disable()
    inputs = {} if is_long(config) else {"derandomize": True, "database": None}
    # What is slow on a busy machine is no fault of a test.
    settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow], **inputs)
    # A profile that is asked for stays: the mutation tests have one.
    if settings.get_current_profile_name() in ("default", "ci"):
        settings.load_profile("here")
    if not is_long(config):
        # Hypothesis also draws numbers that stand in imported modules: then a test's inputs depend on those before it.
        providers._get_local_constants = providers.Constants


@pytest.fixture
def wide_jax():
    """JAX in float64, for one test: the setting of the process stays."""
    jax = pytest.importorskip("jax")
    with jax.enable_x64(True):
        yield jax


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items if is_long(config) else ():
        test = getattr(item, "obj", None)
        if is_hypothesis_test(test) and item.get_closest_marker("slow") is None:
            few = test._hypothesis_internal_use_settings
            more = settings(few, max_examples=MORE * few.max_examples, derandomize=False, database=None)
            test._hypothesis_internal_use_settings = more
            item.add_marker("slow")


def pytest_collection_finish(session):
    # What the imports have made stays: the collector need not look at it again and again.
    gc.freeze()
    gc.set_threshold(100_000, 50, 20)
    gc.enable()
