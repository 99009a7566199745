"""What the optimizers of torch, optax and keras should be, from their options: each is honoured, or refused by name."""

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adamsym.expressions.errors import InputError
from adamsym.methods import ADOPT, AdaBelief, Lion, Method, RAdam, Signum, Yogi
from adamsym.testing.conformance.method_steps import MethodSteps
from adamsym.testing.conformance.recursion import EpsPlace, Recursion, SecondMoment


class OptaxRAdam(RAdam):
    """RAdam with eps where optax adds it."""

    eps_after_correction = True


class _Options:
    """The options of one optimizer; what is not taken from them at the end is refused."""

    def __init__(self, function: str, optimizer: Callable[..., Any], given: dict[str, Any], rate: str) -> None:
        self.function, self.name = function, optimizer.__name__
        made = optimizer.__init__ if inspect.isclass(optimizer) else optimizer
        parameters = inspect.signature(made).parameters.values()
        left_out = ("self", "params", rate, "name")
        self.allowed = [p.name for p in parameters if p.kind != p.VAR_KEYWORD and p.name not in left_out]
        defaults = {p.name: p.default for p in parameters if p.name in self.allowed}
        unknown = next((name for name in given if name not in self.allowed), None)
        if unknown is not None:
            raise self.refusal(f"has no option {unknown!r}; it has {', '.join(self.allowed)}")
        self.values, self.defaults = defaults | given, defaults

    def refusal(self, what: str) -> InputError:
        return InputError(f"{self.function}: {self.name} {what}")

    def take(self, name: str, default: Any = None) -> Any:
        """The value of an option; ``default`` where the optimizer has no such option."""
        self.defaults.pop(name, None)
        return self.values.pop(name, default)

    def number(self, name: str, default: float = 0.0) -> float:
        """The value of an option that must be one number."""
        value = self.take(name, default)
        try:
            return float(0.0 if value is None else value)
        except (TypeError, ValueError):
            raise self.refusal(
                f"with {name}={value!r} is not known here; give a number, or declared=, a recursion or a method"
            ) from None

    def none_left(self) -> None:
        """Refuse what was not taken, unless it has its default value."""
        for name, value in self.values.items():
            default = self.defaults.get(name)
            if value is not default and value != default:
                raise self.refusal(
                    f"with {name}={value!r} is not known here; give declared=, a recursion or a method, for it"
                )


def _unknown(function: str, name: str) -> InputError:
    return InputError(
        f"{function}: what {name} should be is not known; give declared=, a recursion or a method, as Lion()"
    )


_OPTAX_METHODS: dict[str, Callable[[_Options], Method]] = {
    "lion": lambda o: Lion(o.number("b1"), o.number("b2"), o.number("weight_decay")),
    "adabelief": lambda o: AdaBelief(o.number("b1"), o.number("b2"), o.number("eps"), o.number("eps_root")),
    "yogi": lambda o: Yogi(o.number("b1"), o.number("b2"), o.number("eps")),
    "radam": lambda o: OptaxRAdam(o.number("b1"), o.number("b2"), o.number("eps")),
    "adopt": lambda o: ADOPT(o.number("b1"), o.number("b2"), o.number("eps")),
    "signum": lambda o: Signum(o.number("beta")),
    "sign_sgd": lambda o: Signum(0),
}
"""Optimizers of optax that no recursion of the family is, as methods; the check compares their steps."""


def _steps_of(options: _Options, method: Callable[[_Options], Method], rate: float) -> MethodSteps:
    """The method's steps; options that it does not take must have their defaults."""
    found = method(options)
    options.none_left()
    return MethodSteps(found, float(rate))


def torch_declared(optimizer: type[Any], lr: float, given: dict[str, Any]) -> Recursion | MethodSteps:
    """Return what an optimizer of ``torch.optim`` is with these options.

    Raises
    ------
    InputError
        If the optimizer or an option is not known here.
    """
    name = optimizer.__name__
    if name not in ("Adam", "AdamW", "NAdam", "RMSprop", "Adamax", "RAdam"):
        raise _unknown("torch_adapter", name)
    options = _Options("torch_adapter", optimizer, given, "lr")
    # How the steps are computed, not what they are.
    for same in ("foreach", "fused", "capturable", "differentiable"):
        options.take(same)
    beta1, beta2 = (float(beta) for beta in options.take("betas", (0.0, options.number("alpha", 0.99))))
    if name == "RAdam":
        # Without decay, which is refused, both kinds of it are one.
        options.take("decoupled_weight_decay")
        return _steps_of(options, lambda o: RAdam(beta1, beta2, o.number("eps")), lr)
    found = Recursion(step_size=float(lr), beta1=beta1, beta2=beta2, eps=options.number("eps"))
    if options.take("maximize"):
        found = replace(found, direction=-1)
    decay = options.number("weight_decay")
    decoupled = options.take("decoupled_weight_decay", name == "AdamW")
    if decay:
        found = replace(found, weight_decay=decay, decay="decoupled" if decoupled else "in the gradient")
    if options.take("amsgrad"):
        found = replace(found, second_moment="largest mean of squares")
    if name == "NAdam":
        slowly = options.number("momentum_decay")
        found = replace(found, numerator="look-ahead with slowly growing weight", momentum_decay=slowly)
    elif name == "Adamax":
        found = replace(found, second_moment="largest gradient, eps added to each")
    elif name == "RMSprop":
        centred: SecondMoment = "variance" if options.take("centered") else "mean of squares"
        found = replace(found, second_corrected=False, second_moment=centred, momentum=options.number("momentum"))
    options.none_left()
    return found


def optax_declared(optimizer: Callable[..., Any], learning_rate: Any, given: dict[str, Any]) -> Recursion | MethodSteps:
    """Return what an optimizer of ``optax`` is with these options; errors as :func:`torch_declared`."""
    name = optimizer.__name__
    if name in _OPTAX_METHODS:
        return _steps_of(
            _Options("optax_adapter", optimizer, given, "learning_rate"), _OPTAX_METHODS[name], learning_rate
        )
    if name not in ("adam", "adamw", "nadam", "nadamw", "amsgrad", "adamax", "adamaxw", "rmsprop"):
        raise _unknown("optax_adapter", name)
    options = _Options("optax_adapter", optimizer, given, "learning_rate")
    beta2 = options.number("decay", 0.9) if name == "rmsprop" else options.number("b2")
    found = Recursion(
        step_size=float(learning_rate),
        beta1=options.number("b1"),
        beta2=beta2,
        eps=options.number("eps"),
        eps_root=options.number("eps_root"),
    )
    if found.eps_root and not found.eps:
        found = replace(found, eps=found.eps_root, eps_root=0.0, eps_place="inside the root")
    nesterov = options.take("nesterov")
    if nesterov and name != "rmsprop":
        found = replace(found, numerator="look-ahead")
    decay = options.number("weight_decay")
    if decay:
        found = replace(found, weight_decay=decay, decay="decoupled")
    if name == "amsgrad":
        corrected = options.take("bias_correction_mu"), options.take("bias_correction_nu")
        largest: SecondMoment = "largest corrected mean of squares" if corrected[1] else "largest mean of squares"
        found = replace(
            found, second_moment=largest, first_corrected=bool(corrected[0]), second_corrected=bool(corrected[1])
        )
    elif name.startswith("adamax"):
        found = replace(found, second_moment="largest gradient, eps added to each")
    elif name == "rmsprop":
        place: EpsPlace = "inside the root" if options.take("eps_in_sqrt") else "outside the root"
        centred: SecondMoment = "variance" if options.take("centered") else "mean of squares"
        found = replace(found, eps_place=place, second_moment=centred, momentum=options.number("momentum"))
        found = replace(found, second_corrected=bool(options.take("bias_correction")))
        if nesterov and found.momentum:
            found = replace(found, momentum_kind="Nesterov's")
    options.none_left()
    return found


def keras_declared(optimizer: type[Any], learning_rate: Any, given: dict[str, Any]) -> Recursion | MethodSteps:
    """Return what an optimizer of ``keras.optimizers`` is with these options; errors as :func:`torch_declared`."""
    name = optimizer.__name__
    if name not in ("Adam", "AdamW", "Nadam", "Adamax", "RMSprop", "Lion"):
        raise _unknown("keras_adapter", name)
    options = _Options("keras_adapter", optimizer, given, "learning_rate")
    # The average of the parameters is kept beside them, unless it overwrites them.
    options.take("use_ema"), options.take("ema_momentum")
    if name == "Lion":
        return _steps_of(
            options, lambda o: Lion(o.number("beta_1"), o.number("beta_2"), o.number("weight_decay")), learning_rate
        )
    try:
        rate = float(learning_rate)
    except TypeError:
        raise options.refusal("with a schedule of learning rates is not known here; give a number") from None
    beta2 = options.number("rho", 0.9) if name == "RMSprop" else options.number("beta_2")
    found = Recursion(
        step_size=rate,
        beta1=options.number("beta_1"),
        beta2=beta2,
        eps=options.number("epsilon"),
        eps_place="outside the root, before the correction",
    )
    decay = options.number("weight_decay")
    if decay:
        found = replace(found, weight_decay=decay, decay="decoupled")
    for option, what in (
        ("clipvalue", "clipped by value"),
        ("clipnorm", "clipped by the norm of its tensor"),
        ("global_clipnorm", "clipped by the norm of all tensors"),
    ):
        threshold = options.take(option)
        if threshold is not None:
            changed: dict[str, Any] = {"gradient": what, "clip": float(threshold)}
            found = replace(found, **changed)
    if options.take("amsgrad"):
        found = replace(found, second_moment="largest mean of squares")
    if name == "Nadam":
        found = replace(found, numerator="look-ahead with growing weight", eps_place="outside the root")
    elif name == "Adamax":
        found = replace(found, second_moment="largest gradient", eps_place="outside the root")
    elif name == "RMSprop":
        centred: SecondMoment = "variance" if options.take("centered") else "mean of squares"
        found = replace(found, eps_place="inside the root", second_corrected=False, second_moment=centred)
        found = replace(found, momentum=options.number("momentum"))
    options.none_left()
    return found
