"""Methods by name: those built in, and those of packages that are installed beside adamsym."""

import inspect
import json
import os
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, InputError, Problem
from adamsym.__main__ import main
from adamsym.gradients.reading import read_problem
from adamsym.methods import METHODS, Method, RMSprop, known_methods, make_method, method_class

MODULE = '''
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from adamsym.expressions.numbers import exact_rational
from adamsym.methods import AdaptiveMethod, Method


@dataclass(frozen=True, init=False)
class QuasiHyperbolic(AdaptiveMethod):
    """QHAdam with nu2 = 1: the numerator (1 - nu) g + nu m."""

    nu: float
    _exact_nu: Fraction = field(repr=False)

    def __init__(self, beta1="0.9", beta2="0.999", eps="1e-8", nu="0.7"):
        super().__init__(beta1, beta2, eps)
        object.__setattr__(self, "_exact_nu", exact_rational(nu, "adam.nu"))
        object.__setattr__(self, "nu", float(self._exact_nu))

    @property
    def current_weight(self):
        return 1 - self._exact_nu

    def step_factors(self, first, sizes):
        factors = super().step_factors(first, sizes)
        return factors._replace(momentum=self.nu * factors.momentum, current=(1 - self.nu) * sizes)


@dataclass(frozen=True)
class Signs(Method):
    """Steps along the sign of the gradient."""

    shrinking: float = 0.0
    memory = 1.0

    def initial_state(self, shape):
        return ()

    def step(self, state, gradient, theta, n):
        return (), -np.sign(gradient) - self.shrinking * theta


class Nothing:
    pass


class Fussy(Signs):
    def __init__(self, shrinking=0.0):
        raise ValueError("not today")
'''

ENTRY_POINTS = """[adamsym.methods]
QuasiHyperbolic = more_methods:QuasiHyperbolic
Signs = more_methods:Signs
Nothing = more_methods:Nothing
Missing = more_methods:Missing
Fussy = more_methods:Fussy
Adam = more_methods:Signs
"""

FILE = """[problem]
loss = "(theta - x)**2/2"
parameters = ["theta"]
[data]
x = [0, 0, 3]
[start]
theta = 2
[adam]
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages with one that offers methods."""
    folder = tmp_path / "site"
    about = folder / "more_methods-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: more-methods\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    (folder / "more_methods.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    sys.modules.pop("more_methods", None)


def read(tmp_path, text):
    file = tmp_path / "problem.toml"
    file.write_text(FILE + text)
    return read_problem(file).adam


def test_installed_methods_are_known_and_found(site, tmp_path):
    assert known_methods() == (*METHODS, "Fussy", "Missing", "Nothing", "QuasiHyperbolic", "Signs")
    found = read(tmp_path, 'method = "QuasiHyperbolic"\nnu = 0.3\nbeta2 = 0.99')
    assert (found.beta, found.current_weight) == (Fraction(99, 100), Fraction(7, 10))
    problem = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
    with_nu, plain = (AdamField(problem, method)([0.7])[0] for method in (found, Adam("0.9", "0.99")))
    memoryless = AdamField(problem, RMSprop("0.99"))([0.7])[0]
    assert with_nu == pytest.approx(0.3 * plain + 0.7 * memoryless, abs=1e-12)
    # An annotation float gets a float; the package's Adam does not take the place of the built-in one.
    assert isinstance(read(tmp_path, 'method = "Signs"\nshrinking = 0.5').shrinking, float)
    assert read(tmp_path, 'method = "Adam"') == Adam()


def test_without_the_package_they_are_unknown(tmp_path):
    with pytest.raises(InputError, match=r"adam\.method: 'Signs' is unknown; allowed are Adam, .*Yogi$"):
        read(tmp_path, 'method = "Signs"')
    assert known_methods() == tuple(METHODS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('method = "Nothing"', "Nothing is more_methods:Nothing, which is no subclass of adamsym.methods.Method"),
        ('method = "Missing"', "Missing cannot be loaded from more_methods:Missing"),
        ('method = "Fussy"', "Fussy cannot be made from these numbers: not today"),
        ('method = "Signs"\nbeta1 = 0.5', "adam.beta1: Signs has no such number; allowed are shrinking"),
        ('method = "Signs"\nbeta3 = 0.5', "adam.beta3: unknown key; allowed are method, shrinking"),
        ('method = "Signs"\nshrinking = "a"', "adam.shrinking: 'a' is not allowed; allowed is a number"),
        ('method = "QuasiHyperbolic"\nnu = inf', "adam.nu"),
        ('method = "Sings"', "'Sings' is unknown; allowed are Adam, AdamEpsInsideRoot, "),
    ],
)
def test_wrong_names_and_numbers_are_refused_in_one_line(site, tmp_path, text, words):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def command(site, *arguments):
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, "-m", "adamsym", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
        check=False,
    )


def test_the_command_line_finds_them(site, tmp_path, capsys):
    file = tmp_path / "problem.toml"
    file.write_text(FILE + 'method = "Signs"\nshrinking = 0.5')
    assert main(["simulate", str(file), "--steps", "50", "--chains", "4", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) >= {"theta"}
    refused = command(site, "field", str(file))
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "Signs has no Laplace form" in refused.stderr
    assert "monte_carlo" in refused.stderr


@given(st.sampled_from(sorted(METHODS)), st.decimals("0.82", "0.99", places=4))
def test_methods_are_made_from_their_names_and_numbers(name, value):
    kind = method_class(name)
    number = {"Adafactor": "decay", "Signum": "beta1"}.get(name, "beta2")
    made = make_method(name, {number: value})
    assert isinstance(made, Method)
    assert type(made) is kind is METHODS[name]
    assert made == kind(**{number: Fraction(value)})
    assert name in known_methods()
    for parameter in inspect.signature(kind).parameters:
        assert isinstance(getattr(made, parameter), float)
    with pytest.raises(InputError, match=rf"adam\.gamma: {name} has no such number"):
        make_method(name, {"gamma": Decimal(1)})
