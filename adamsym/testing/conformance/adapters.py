"""Optimizers as the conformance check sees them: from torch, optax, keras, or a plain pair init and update."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.testing.conformance.recursion import EpsPlace, Recursion, SecondMoment

Step = Callable[[FloatArray], FloatArray]
"""Takes the gradient at the present parameters, shape (d,), and returns the next parameters, float64, shape (d,)."""


@dataclass(frozen=True)
class Adapter:
    """An optimizer that can be played.

    Attributes
    ----------
    name
        What the optimizer is called in reports.
    declared
        The recursion that it should be.
    start
        Takes the first parameters, shape (d,), and a step size; returns a new run's step.
    agreement
        Relative agreement of the changes that may be asked of it: the rounding of its own numbers.
    """

    name: str
    declared: Recursion
    start: Callable[[FloatArray, float], Step]
    agreement: float = 1e-9

    def increments(self, gradients: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the changes of the parameters under the gradients (n, d), and the parameters before them."""
        step = self.start(theta, self.declared.step_size)
        states = [theta, *(np.asarray(step(gradient), dtype=float) for gradient in gradients)]
        wrong = next((state.shape for state in states if state.shape != theta.shape), None)
        if wrong is not None:
            raise InputError(f"{self.name}: a step must return parameters of shape {theta.shape}, not {wrong}")
        found = np.array(states)
        with np.errstate(invalid="ignore"):
            return np.diff(found, axis=0), found[:-1]


def update_adapter(
    make: Callable[[float], tuple[Callable[[FloatArray], Any], Callable[..., tuple[FloatArray, Any]]]],
    declared: Recursion,
    name: str = "optimizer",
) -> Adapter:
    """Return the adapter of a plain optimizer: a pair of functions for every step size.

    Parameters
    ----------
    make
        Takes a step size and returns ``init`` and ``update``: ``init(theta)`` is a state, and
        ``update(gradient, state, theta)`` the next parameters and the next state.
    declared
        What the optimizer should be.
    """

    def start(theta: FloatArray, step_size: float) -> Step:
        init, update = make(step_size)
        now: list[Any] = [theta.copy(), init(theta.copy())]

        def step(gradient: FloatArray) -> FloatArray:
            now[0], now[1] = update(gradient, now[1], now[0])
            return np.array(now[0], dtype=float)

        return step

    return Adapter(name, declared, start)


def torch_adapter(optimizer: type[Any], declared: Recursion | None = None, lr: float = 1e-3, **options: Any) -> Adapter:
    """Return the adapter of a class of ``torch.optim``, or of one with the same interface, in float64.

    Parameters
    ----------
    declared
        What it should be; for Adam, AdamW, NAdam, RMSprop and Adamax of ``torch.optim`` known from the options.
    lr, options
        The optimizer's own.

    Raises
    ------
    InputError
        If torch is missing, or ``declared`` is needed.
    """
    torch = _library("torch")

    def start(theta: FloatArray, step_size: float) -> Step:
        parameters = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
        running = optimizer([parameters], lr=step_size, **options)

        def step(gradient: FloatArray) -> FloatArray:
            parameters.grad = torch.tensor(gradient, dtype=torch.float64)
            running.step()
            return np.array(parameters.detach().numpy())

        return step

    name = optimizer.__name__
    # torch keeps NAdam's products of weights as float32.
    agreement = 1e-5 if name == "NAdam" else 1e-9
    return Adapter(f"torch {name}", declared or _torch_declared(name, lr, options), start, agreement)


def _torch_declared(name: str, lr: float, options: dict[str, Any]) -> Recursion:
    beta1, beta2 = options.get("betas", (0.9, 0.999))
    common = Recursion(step_size=lr, beta1=beta1, beta2=beta2, eps=options.get("eps", 1e-8))
    decay = options.get("weight_decay", 0.01 if name == "AdamW" else 0.0)
    decoupled = name == "AdamW" or options.get("decoupled_weight_decay", False)
    if decay:
        common = replace(common, weight_decay=decay, decay="decoupled" if decoupled else "in the gradient")
    if name in ("Adam", "AdamW"):
        return replace(common, second_moment="largest mean of squares") if options.get("amsgrad") else common
    if name == "NAdam":
        return replace(common, numerator="look-ahead with slowly growing weight")
    if name == "Adamax":
        return replace(common, second_moment="largest gradient, eps added to each")
    if name == "RMSprop" and not options.get("momentum"):
        centred: SecondMoment = "variance" if options.get("centered") else "mean of squares"
        alpha = options.get("alpha", 0.99)
        return replace(common, beta1=0.0, beta2=alpha, second_corrected=False, second_moment=centred)
    raise InputError(f"torch_adapter: what {name} should be is not known; give declared=Recursion(...)")


def optax_adapter(
    optimizer: Callable[..., Any], declared: Recursion | None = None, learning_rate: float = 1e-3, **options: Any
) -> Adapter:
    """Return the adapter of a function of ``optax`` that makes a gradient transformation, in float64.

    Parameters and errors as :func:`torch_adapter`; known are adam (with nesterov: nadam), adamw, amsgrad, adamax and
    rmsprop.
    """
    jax, optax = _library("jax"), _library("optax")

    def start(theta: FloatArray, step_size: float) -> Step:
        with jax.enable_x64(True):
            transformation = optimizer(step_size, **options)
            parameters = jax.numpy.asarray(theta)
            now: list[Any] = [parameters, transformation.init(parameters)]

            @jax.jit  # type: ignore[untyped-decorator]
            def advance(gradient: Any, state: Any, parameters: Any) -> Any:
                updates, state = transformation.update(gradient, state, parameters)
                return optax.apply_updates(parameters, updates), state

        def step(gradient: FloatArray) -> FloatArray:
            with jax.enable_x64(True):
                now[0], now[1] = advance(jax.numpy.asarray(gradient), now[1], now[0])
                return np.array(now[0])

        return step

    # optax.nadam is a partial of optax.adam.
    name, fixed = getattr(optimizer, "func", optimizer).__name__, getattr(optimizer, "keywords", {})
    given = fixed | options
    shown = " ".join([f"optax {name}", *(f"{key}={value}" for key, value in fixed.items())])
    return Adapter(shown, declared or _optax_declared(name, learning_rate, given), start)


def _optax_declared(name: str, learning_rate: float, options: dict[str, Any]) -> Recursion:
    common = Recursion(
        step_size=learning_rate,
        beta1=options.get("b1", 0.9),
        beta2=options.get("b2", 0.999),
        eps=options.get("eps", 1e-8),
    )
    if options.get("eps_root"):
        if options.get("eps") != 0:
            raise InputError("optax_adapter: eps_root with eps > 0 is two numbers; give eps=0")
        common = replace(common, eps=options["eps_root"], eps_place="inside the root")
    if name == "adam":
        return replace(common, numerator="look-ahead") if options.get("nesterov") else common
    if name == "adamw":
        return replace(common, weight_decay=options.get("weight_decay", 1e-4), decay="decoupled")
    if name == "amsgrad":
        return replace(common, second_moment="largest corrected mean of squares")
    if name == "adamax":
        return replace(common, second_moment="largest gradient, eps added to each")
    if name == "rmsprop" and not (options.get("momentum") or options.get("centered")):
        inside = options.get("eps_in_sqrt", True)
        place: EpsPlace = "inside the root" if inside else "outside the root"
        corrected = options.get("bias_correction", False)
        decay = options.get("decay", 0.9)
        return replace(common, beta1=0.0, beta2=decay, eps_place=place, second_corrected=corrected)
    raise InputError(f"optax_adapter: what {name} should be is not known; give declared=Recursion(...)")


def keras_adapter(
    optimizer: type[Any], declared: Recursion | None = None, learning_rate: float = 1e-3, **options: Any
) -> Adapter:
    """Return the adapter of a class of ``keras.optimizers``, in float64, with the backend that keras is set to.

    Parameters and errors as :func:`torch_adapter`; known are Adam, AdamW, Nadam, Adamax and RMSprop.
    """
    keras = _library("keras")

    def start(theta: FloatArray, step_size: float) -> Step:
        with _keras_in_float64(keras):
            parameters = keras.Variable(theta, dtype="float64")
            running = optimizer(learning_rate=step_size, **options)
            running.build([parameters])

        def step(gradient: FloatArray) -> FloatArray:
            with _keras_in_float64(keras):
                running.apply([keras.ops.convert_to_tensor(gradient, dtype="float64")])
                return np.array(keras.ops.convert_to_numpy(parameters.value), dtype=float)

        return step

    name = optimizer.__name__
    return Adapter(f"keras {name}", declared or _keras_declared(name, learning_rate, options), start)


def _keras_declared(name: str, learning_rate: float, options: dict[str, Any]) -> Recursion:
    common = Recursion(
        step_size=learning_rate,
        beta1=options.get("beta_1", 0.9),
        beta2=options.get("beta_2", 0.999),
        eps=options.get("epsilon", 1e-7),
        eps_place="outside the root, before the correction",
    )
    decay = options.get("weight_decay", 0.004 if name == "AdamW" else None)
    if decay:
        common = replace(common, weight_decay=decay, decay="decoupled")
    if name in ("Adam", "AdamW"):
        return replace(common, second_moment="largest mean of squares") if options.get("amsgrad") else common
    if name == "Nadam":
        return replace(common, numerator="look-ahead with growing weight", eps_place="outside the root")
    if name == "Adamax":
        return replace(common, second_moment="largest gradient")
    if name == "RMSprop" and not (options.get("momentum") or options.get("centered")):
        rho = options.get("rho", 0.9)
        return replace(common, beta1=0.0, beta2=rho, eps_place="inside the root", second_corrected=False)
    raise InputError(f"keras_adapter: what {name} should be is not known; give declared=Recursion(...)")


@contextmanager
def _keras_in_float64(keras: Any) -> Iterator[None]:
    before = keras.config.floatx()
    wide = _library("jax").enable_x64(True) if keras.config.backend() == "jax" else nullcontext()
    keras.config.set_floatx("float64")
    try:
        with wide:
            yield
    finally:
        keras.config.set_floatx(before)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise InputError(f"{name} is not installed; install it to check its optimizers") from None
