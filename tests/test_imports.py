"""Importing adamsym and asking for help stay light; the public names are there; the docstrings' examples run."""

import doctest
import importlib
import json
import pkgutil
import subprocess
import sys

import pytest

import adamsym

HEAVY = ["numpy", "scipy", "sympy", "flint", "hypothesis", "pydantic", "mpmath", "rich.table", "matplotlib", "jinja2"]


def loaded_after(code: str) -> list[str]:
    script = f"import sys, json\n{code}\nsys.stderr.write(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return json.loads(done.stderr)


def test_import_and_help_are_light():
    assert loaded_after("import adamsym") == []
    assert loaded_after("from adamsym.__main__ import main\nassert main(['--help']) == 0") == []
    assert "numpy" in loaded_after("import adamsym; adamsym.Adam")


def test_public_names():
    for name in adamsym.__all__:
        assert getattr(adamsym, name) is not None
        assert name in dir(adamsym)
    with pytest.raises(AttributeError, match="nothing_here"):
        adamsym.nothing_here  # noqa: B018


def test_examples_in_docstrings():
    names = [
        "adamsym",
        *(m.name for m in pkgutil.walk_packages(adamsym.__path__, "adamsym.") if "__main__" not in m.name),
    ]
    results = [doctest.testmod(importlib.import_module(name)) for name in names]
    assert sum(result.attempted for result in results) >= 15
    assert sum(result.failed for result in results) == 0


def test_importing_registers_nothing():
    """Hypothesis's registry changes when strategies are asked for, and not because a name of adamsym is used."""
    script = (
        "import sys, hypothesis; from adamsym import Adam, Empirical, Problem; "
        "assert 'adamsym.testing.strategies' not in sys.modules; "
        "from hypothesis import strategies as st; import adamsym.testing.strategies; st.from_type(Adam).validate()"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
