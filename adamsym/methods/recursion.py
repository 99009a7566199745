"""The contract of a method: one recursion with open state, from which everything else about it follows."""

import dataclasses
import inspect
from abc import ABC, abstractmethod
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.methods.laplace import LaplaceForm

if TYPE_CHECKING:
    from adamsym.methods.sign import SignForm

State = tuple[FloatArray, ...]
"""What a method remembers: any number of arrays (..., k), with the leading axes of the gradients."""


_STEP_SIZES = 'step sizes are a StepSizeSchedule("0.1/n**0.7"), given to what runs the method'
_OTHER_NAMES = {
    "lr": _STEP_SIZES,
    "learning_rate": _STEP_SIZES,
    "betas": "write beta1=0.9, beta2=0.999",
    "b1": "write beta1",
    "b2": "write beta2",
    "beta_1": "write beta1",
    "beta_2": "write beta2",
    "epsilon": "write eps",
    "amsgrad": "write AMSGrad()",
    "params": "the parameters are those of the problem, as in AdamField(problem, Adam())",
}
"""What the optimizers of torch, optax and keras call their arguments, and what to write."""


class Method(ABC):
    """A recursion theta_n = theta_(n-1) + gamma_n change_n, whose change follows from a state and the gradient.

    The recursion is the truth about a method: simulation, conformance and the field by Monte Carlo use nothing else. A
    method whose change is a mean of past gradients, times a function of a mean of their squares, states this as its
    Laplace form as well; from that follow quadrature, enclosures, derivations and certificates. One that moves along
    the sign of a sum of past gradients states its sign form, from which its field and its derivation follow.

    A method of your own is a frozen dataclass, whose fields are its numbers, with ``initial_state``, ``step`` and
    ``memory``, and ``laplace`` or ``sign_form`` where it has one.
    """

    def __new__(cls, *numbers: Any, **named: Any) -> "Method":
        """Refuse what the libraries' optimizers take and a method does not, with what to write instead."""
        names = inspect.signature(cls.__init__).parameters
        for name in named:
            if name not in names and name in _OTHER_NAMES:
                raise InputError(f"{cls.__name__}: {name} is no argument of a method; {_OTHER_NAMES[name]}")
        return super().__new__(cls)

    @abstractmethod
    def initial_state(self, shape: tuple[int, ...]) -> State:
        """Return the state before the first step, for parameters of ``shape`` (..., d)."""

    @abstractmethod
    def step(self, state: State, gradient: FloatArray, theta: FloatArray, n: int) -> tuple[State, FloatArray]:
        """Return the state after step n = 1, 2, ... and the change of theta for the step size 1.

        ``gradient`` and ``theta``, the parameters before the step, have the same shape (..., d), and so has the change.
        Entries of leading axes, such as chains, do not touch each other. The arrays given are not changed in place.
        """

    @property
    @abstractmethod
    def memory(self) -> float:
        """In how many steps the weight of the past in the state falls by the factor e; inf where it never does."""

    @property
    def laplace(self) -> LaplaceForm | None:
        """What the field and all proofs need to know of the method; None where it has no Laplace form."""
        return None

    @property
    def sign_form(self) -> "SignForm | None":
        """The lag weights of a method that moves along the sign of a sum of past gradients; else None."""
        return None


def attributes_of(method: Method) -> dict[str, Any]:
    """Return what distinguishes a method from others of its class: its fields, or all of its attributes, by name."""
    if dataclasses.is_dataclass(method):
        return {field.name: getattr(method, field.name) for field in dataclasses.fields(method)}
    return dict(vars(method))


def memory_number(value: Number, name: str) -> Fraction:
    """Return a number of [0, 1) such as ``beta1``, exactly.

    Raises
    ------
    InputError
        If it is no number, or outside.
    """
    exact = exact_rational(value, f"adam.{name}")
    if not 0 <= exact < 1 or float(exact) == 1.0:
        raise InputError(f"adam.{name}: {float(exact)} is not allowed; allowed is 0 <= {name} < 1")
    return exact


def positive_number(value: Number, name: str) -> Fraction:
    """Return a number above 0 such as ``eps``, exactly; errors as :func:`memory_number`."""
    exact = exact_rational(value, f"adam.{name}")
    if exact <= 0 or float(exact) == 0.0:
        raise InputError(f"adam.{name}: {value} is not allowed; allowed is {name} > 0, such as 1e-8")
    return exact


def decay_number(value: Number, name: str = "weight_decay") -> Fraction:
    """Return a number from 0 up, exactly; errors as :func:`memory_number`."""
    exact = exact_rational(value, f"adam.{name}")
    if exact < 0:
        raise InputError(f"adam.{name}: {value} is not allowed; allowed are numbers from 0 up")
    return exact
