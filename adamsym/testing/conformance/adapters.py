"""Optimizers as the conformance check sees them: from torch, optax, keras, or a plain pair init and update."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.optional import library
from adamsym.methods import Method
from adamsym.testing.conformance.declarations import keras_declared, optax_declared, torch_declared
from adamsym.testing.conformance.method_steps import MethodSteps, declared_as
from adamsym.testing.conformance.recursion import Recursion
from adamsym.testing.conformance.rounding import PRECISIONS
from adamsym.testing.conformance.tensors import Layout, Shape

Step = Callable[[Sequence[FloatArray]], Sequence[Any]]
"""Takes the gradients at the present parameters, one array for each tensor, and returns the next parameters so."""


@dataclass(frozen=True)
class Adapter:
    """An optimizer that can be given gradients step by step.

    Attributes
    ----------
    name
        What the optimizer is called in reports.
    declared
        The recursion that it should be, or the steps of a method.
    start
        Takes the first parameters, a list of arrays, and a step size; returns a new run's step.
    precision
        The format of its parameters and moments: "float64", "float32", "bfloat16" or "float16". Parameters that come
        back in a shorter format count as that.
    scalars
        The format in which it computes its numbers and bias corrections; at best that of the moments or "float32".
    """

    name: str
    declared: Recursion | MethodSteps
    start: Callable[[Sequence[FloatArray], float], Step]
    precision: str = "float64"
    scalars: str = "float64"

    def accepted(self, shapes: Sequence[Shape]) -> tuple[Layout, tuple[str, ...]]:
        """Return the shapes that the optimizer takes, and for each other one what it says.

        Raises
        ------
        InputError
            If it returns parameters of another shape than the first one's.
        """
        taken, refused = [shapes[0]], []
        self._stepped([np.zeros(shapes[0])], [np.full(shapes[0], 0.5)])
        try:
            self._stepped([np.zeros(shape) for shape in shapes], [np.full(shape, 0.5) for shape in shapes])
        except Exception:
            # Which shapes it was, and why, the loop finds out.
            pass
        else:
            return Layout(tuple(shapes)), ()
        for shape in shapes[1:]:
            try:
                self._stepped([np.zeros(shape)], [np.full(shape, 0.5)])
            except Exception as error:
                # The result names the shapes that were left out, and why.
                refused.append(f"{shape}: {type(error).__name__}: {error}".splitlines()[0])
            else:
                taken.append(shape)
        return Layout(tuple(taken)), tuple(refused)

    def _stepped(self, theta: list[FloatArray], gradient: list[FloatArray]) -> list[FloatArray]:
        return self._checked(self.start(theta, self.declared.step_size)(gradient), theta)

    def _checked(self, found: Sequence[Any], theta: Sequence[FloatArray]) -> list[FloatArray]:
        arrays = [np.asarray(tensor) for tensor in found]
        for array, like in zip(arrays, theta, strict=True):
            if array.shape != like.shape:
                raise InputError(f"{self.name}: a step must return parameters of shape {like.shape}, not {array.shape}")
        return arrays

    def response(self, gradients: FloatArray, theta: FloatArray, layout: Layout) -> tuple[FloatArray, FloatArray, str]:
        """Return the changes under gradients (n, d), the parameters before them, and the format they came back in."""
        now = layout.split(theta)
        step = self.start(layout.split(theta), self.declared.step_size)
        states, precision = [theta], self.precision
        for gradient in gradients:
            now = self._checked(step(layout.split(gradient)), now)
            for tensor in now:
                name = str(tensor.dtype)
                if name in PRECISIONS and PRECISIONS[name].unit > PRECISIONS[precision].unit:
                    precision = name
            states.append(layout.join([np.asarray(tensor, dtype=float) for tensor in now]))
        found = np.array(states)
        with np.errstate(invalid="ignore"):
            changes = np.diff(found, axis=0)
        if precision == "float64" and _on_the_grid_of_float32(found, changes):
            precision = "float32"
        return changes, found[:-1], precision

    def increments(self, gradients: FloatArray, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the changes of one vector under the gradients (n, d), and the parameters before them."""
        changes, before, _ = self.response(gradients, theta, Layout((theta.shape,)))
        return changes, before


def _on_the_grid_of_float32(states: FloatArray, changes: FloatArray) -> bool:
    """Whether all parameters, or all changes of those that begin at 0, are numbers of float32."""
    if not (np.isfinite(changes) & (changes != 0)).any():
        return False
    for x in (states, changes[:, states[0] == 0]):
        x = x[np.isfinite(x)]
        with np.errstate(over="ignore"):
            if x.any() and np.array_equal(x.astype(np.float32).astype(float), x):
                return True
    return False


@checked_arguments
def update_adapter(
    make: Callable[[float], tuple[Callable[[FloatArray], Any], Callable[..., tuple[FloatArray, Any]]]],
    declared: Recursion | Method,
    name: str = "optimizer",
    dtype: Any = "float64",
) -> Adapter:
    """Return the adapter of a plain optimizer: a pair of functions for every step size.

    Parameters
    ----------
    make
        Takes a step size and returns ``init`` and ``update``: ``init(theta)`` is a state, and
        ``update(gradient, state, theta)`` the next parameters and the next state. Each tensor is a run of its own.
    declared
        What the optimizer should be: a recursion, or any method.
    dtype
        Of the arrays that it is given: "float64", "float32" or "float16".

    Raises
    ------
    InputError
        If an argument is of a wrong kind; and when it runs, if a function returns anything but a pair.
    """
    dtype = _format(dtype, "update_adapter", ("float64", "float32", "float16"))

    def start(tensors: Sequence[FloatArray], step_size: float) -> Step:
        runs: list[list[Any]] = []
        for tensor in tensors:
            init, update = _pair(make(step_size), "make(step_size) must return two functions, init and update")
            theta = tensor.astype(dtype)
            runs.append([update, theta, init(theta.copy())])

        def step(gradients: Sequence[FloatArray]) -> list[FloatArray]:
            found = []
            for run, gradient in zip(runs, gradients, strict=True):
                update, theta, state = run
                # Copies: neither may be changed under the reader's hands.
                returned = update(gradient.astype(dtype), state, theta)
                theta, run[2] = _pair(returned, "update must return two things, the next parameters and the next state")
                run[1] = np.array(theta)
                found.append(run[1].copy())
            return found

        return step

    return Adapter(name, declared_as(declared), start, dtype, "float64" if dtype == "float64" else "float32")


def _pair(value: Any, rule: str) -> tuple[Any, Any]:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise InputError(f"update_adapter: {rule}")
    return value[0], value[1]


@checked_arguments
def torch_adapter(
    optimizer: type[Any],
    declared: Recursion | Method | None = None,
    lr: float = 1e-3,
    dtype: Any = "float64",
    **options: Any,
) -> Adapter:
    """Return the adapter of a class of ``torch.optim``, or of one with the same interface.

    Parameters
    ----------
    declared
        What it should be, a recursion or any method; for Adam, AdamW, NAdam, RMSprop, Adamax and RAdam of
        ``torch.optim`` known from the options.
    dtype
        Of the parameters: "float64", "float32", "bfloat16" or "float16", or torch's own.
    lr, options
        The optimizer's own.

    Raises
    ------
    InputError
        If torch is missing, the optimizer refuses an option, or ``declared`` is needed.
    """
    torch = library("torch")
    name, dtype = optimizer.__name__, _format(dtype, "torch_adapter", tuple(PRECISIONS))
    should = torch_declared(optimizer, lr, options) if declared is None else declared_as(declared, lr)

    def start(tensors: Sequence[FloatArray], step_size: float) -> Step:
        kind = getattr(torch, dtype)
        # Differentiable steps change the parameters in place, which torch allows for those without gradients only.
        wants = not options.get("differentiable", False)
        parameters = [torch.tensor(theta, dtype=kind, requires_grad=wants) for theta in tensors]
        running = optimizer(parameters, lr=step_size, **options)

        def step(gradients: Sequence[FloatArray]) -> list[FloatArray]:
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = torch.tensor(gradient, dtype=kind)
            running.step()
            return [np.array(parameter.detach().to(torch.float64).numpy()) for parameter in parameters]

        return step

    # torch keeps step counters and NAdam's products of weights as float32.
    short = name == "NAdam" or options.get("differentiable") or options.get("fused") or dtype != "float64"
    adapter = Adapter(f"torch {name}", should, start, dtype, "float32" if short else "float64")
    return _tried(adapter, "torch_adapter", name)


@checked_arguments
def optax_adapter(
    optimizer: Callable[..., Any],
    declared: Recursion | Method | None = None,
    learning_rate: float = 1e-3,
    dtype: Any = "float64",
    **options: Any,
) -> Adapter:
    """Return the adapter of a function of ``optax`` that makes a gradient transformation.

    Parameters and errors as :func:`torch_adapter`; known are adam, adamw, nadam, nadamw, amsgrad, adamax, adamaxw,
    rmsprop, lion, adabelief, yogi, radam, signum, sign_sgd and adopt (of ``optax.contrib``).
    """
    jax, optax = library("jax"), library("optax")
    dtype = _format(dtype, "optax_adapter", tuple(PRECISIONS))
    wide = dtype == "float64"

    def start(tensors: Sequence[FloatArray], step_size: float) -> Step:
        with jax.enable_x64(wide):
            transformation = optimizer(step_size, **options)
            parameters = [jax.numpy.asarray(theta, dtype=dtype) for theta in tensors]
            now: list[Any] = [parameters, transformation.init(parameters)]

            @jax.jit  # type: ignore[untyped-decorator]
            def advance(gradients: Any, state: Any, parameters: Any) -> Any:
                updates, state = transformation.update(gradients, state, parameters)
                return optax.apply_updates(parameters, updates), state

        def step(gradients: Sequence[FloatArray]) -> list[FloatArray]:
            with jax.enable_x64(wide):
                now[0], now[1] = advance([jax.numpy.asarray(g, dtype=dtype) for g in gradients], now[1], now[0])
                return [np.array(theta, dtype=float) for theta in now[0]]

        return step

    # optax.nadam is a partial of optax.adam.
    name, fixed = getattr(optimizer, "func", optimizer).__name__, getattr(optimizer, "keywords", {})
    shown = " ".join([f"optax {name}", *(f"{key}={value}" for key, value in fixed.items())])
    known = getattr(optimizer, "func", optimizer)
    should = (
        optax_declared(known, learning_rate, fixed | options)
        if declared is None
        else declared_as(declared, learning_rate)
    )
    adapter = Adapter(shown, should, start, dtype, "float64" if wide else "float32")
    return _tried(adapter, "optax_adapter", name)


@checked_arguments
def keras_adapter(
    optimizer: type[Any],
    declared: Recursion | Method | None = None,
    learning_rate: float = 1e-3,
    dtype: Any = "float64",
    **options: Any,
) -> Adapter:
    """Return the adapter of a class of ``keras.optimizers``, with the backend that keras is set to.

    Parameters and errors as :func:`torch_adapter`; known are Adam, AdamW, Nadam, Adamax, RMSprop
    and Lion.
    """
    keras = library("keras")
    dtype = _format(dtype, "keras_adapter", tuple(PRECISIONS))

    def start(tensors: Sequence[FloatArray], step_size: float) -> Step:
        with _keras_with(keras, dtype):
            parameters = [keras.Variable(theta, dtype=dtype) for theta in tensors]
            running = optimizer(learning_rate=step_size, **options)
            running.build(parameters)

        def step(gradients: Sequence[FloatArray]) -> list[FloatArray]:
            with _keras_with(keras, dtype):
                running.apply([keras.ops.convert_to_tensor(gradient, dtype=dtype) for gradient in gradients])
                values = [keras.ops.cast(parameter.value, "float64") for parameter in parameters]
                return [np.array(keras.ops.convert_to_numpy(value), dtype=float) for value in values]

        return step

    name = optimizer.__name__
    should = (
        keras_declared(optimizer, learning_rate, options) if declared is None else declared_as(declared, learning_rate)
    )
    # keras computes powers of its memories in the format of the parameters, and norms with float32.
    clipped = isinstance(should, Recursion) and should.gradient.startswith("clipped by the norm")
    short = dtype == "float64" and clipped
    return _tried(Adapter(f"keras {name}", should, start, dtype, "float32" if short else dtype), "keras_adapter", name)


@contextmanager
def _keras_with(keras: Any, dtype: str) -> Iterator[None]:
    before = keras.config.floatx()
    wide = library("jax").enable_x64(dtype == "float64") if keras.config.backend() == "jax" else nullcontext()
    keras.config.set_floatx(dtype)
    try:
        with wide:
            yield
    finally:
        keras.config.set_floatx(before)


def _format(dtype: Any, function: str, allowed: Sequence[str]) -> str:
    """The name of a floating-point format that is given as text or as a library's own object."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    name = name.removeprefix("torch.")
    if name not in allowed:
        raise InputError(f"{function}: dtype={name!r} is not allowed; allowed are {', '.join(allowed)}")
    return name


def _tried(adapter: Adapter, function: str, name: str) -> Adapter:
    """The adapter, after one step: what a library refuses is said at once."""
    try:
        adapter.start([np.zeros(2)], adapter.declared.step_size)([np.ones(2)])
    except Exception as error:
        # Whatever the library raises is the reason that the reader needs.
        raise InputError(f"{function}: {name} cannot run with these options: {error}".splitlines()[0]) from error
    return adapter
