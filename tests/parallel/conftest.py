import sys
import types

import pytest


@pytest.fixture(scope="module", autouse=True)
def quick_processes():
    """Processes import the main module when they start: of a test run that is all of pytest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", types.ModuleType("__main__"))
        yield
