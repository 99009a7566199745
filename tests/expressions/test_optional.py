"""Optional libraries: what is there is returned, and for what is not the extra is named."""

import math
import sys

import pytest

from adamsym.expressions.errors import InputError
from adamsym.expressions.optional import library


def test_a_library_that_is_there_is_returned():
    assert library("math") is math


@pytest.mark.parametrize(("name", "extra"), [("torch", "torch"), ("keras", "keras"), ("optax", "jax")])
def test_a_library_that_is_missing_names_its_extra(monkeypatch, name, extra):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=rf"^{name}: not installed; install adamsym\[{extra}\]$"):
        library(name)
