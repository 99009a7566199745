"""The headless browser that tests look at pages with."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def executable() -> str:
    """The browser; without one the test is skipped, or fails where ADAMSYM_NEEDS_BROWSER is set."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("ADAMSYM_NEEDS_BROWSER"):
        pytest.fail("no Chromium, but ADAMSYM_NEEDS_BROWSER is set")
    if found is None:
        pytest.skip("no Chromium on this machine: install chromium to look at the page")
    return found
