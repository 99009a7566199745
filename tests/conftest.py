"""How Hypothesis draws here: without limits of time, and in the default run the same inputs every time."""

from hypothesis import HealthCheck, settings


def pytest_configure(config):
    # New inputs are for the long run, which a person starts and looks at; the default run tells what a change broke.
    longer = "slow" in config.option.markexpr and "not slow" not in config.option.markexpr
    inputs = {} if longer else {"derandomize": True, "database": None}
    # What is slow on a busy machine is no fault of a test.
    settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow], **inputs)
    # A profile that is asked for stays: the mutation tests have one.
    if settings.get_current_profile_name() in ("default", "ci"):
        settings.load_profile("here")
