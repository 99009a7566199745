"""A method as plain data: its name, its exact parameters and its Laplace form, as certificates hold them."""

import inspect
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.expressions.numbers import Number, exact_rational
from adamsym.methods.kernels import BUILT_IN
from adamsym.methods.laplace import LagWeights, LaplaceForm
from adamsym.methods.recursion import Method, attributes_of
from adamsym.methods.registry import METHODS, known_methods, make_method, method_class

MOST_HEAD_WEIGHTS = 64
MOST_TERMS = 16


def method_record(method: Method) -> dict[str, Any]:
    """Return a method's name, parameters and Laplace form as JSON data; every number is text, exactly as a fraction.

    Raises
    ------
    NotApplicable
        If the method has no Laplace form.
    InputError
        If its form is longer than a certificate may hold.
    """
    form, name = method.laplace, type(method).__name__
    if form is None:
        raise NotApplicable(f"adam: {name} has no Laplace form, which a certificate states")
    if len(form.weights.head) > MOST_HEAD_WEIGHTS or len(form.weights.terms) > MOST_TERMS:
        raise InputError(
            f"adam: the lag weights of {name} are too long for a certificate, which holds at most "
            f"{MOST_HEAD_WEIGHTS} weights of their own and {MOST_TERMS} geometric terms"
        )
    return {"name": name, "parameters": parameters_of(method), "laplace": _form_record(form)}


def parameters_of(method: Method) -> dict[str, str]:
    """Return the arguments of the method's class by name, each as text, exactly."""
    exact = {"beta1": "alpha", "beta2": "beta", "eps": "epsilon", "weight_decay": "exact_decay"}
    found = {}
    for name in inspect.signature(type(method)).parameters:
        kept = getattr(method, exact.get(name, name), None)
        found[name] = str(exact_rational(getattr(method, name) if kept is None else kept, f"adam.{name}"))
    return found


def method_text(method: Method) -> str:
    """Return text that two methods share only if they are of one class, with exactly the same numbers and form."""
    kind, numbers = type(method), {name: str(value) for name, value in attributes_of(method).items()}
    return f"{kind.__module__}.{kind.__qualname__} {numbers} {method.laplace}"


def method_with(method: Method, numbers: Mapping[str, Number]) -> Method:
    """Return the method with other numbers in place of some of its own.

    Raises
    ------
    InputError
        If it has no such number, or a value is not allowed.
    """
    own = parameters_of(method)
    for name in numbers:
        if name not in own:
            raise InputError(f"{name[:40]!r} is unknown; {type(method).__name__} has {', '.join(own)}")
    return type(method)(**{**own, **numbers})


def _form_record(form: LaplaceForm) -> dict[str, Any]:
    if type(form.kernel) is not BUILT_IN.get(form.kernel.name, type(form.kernel)):
        raise InputError(f"adam: the kernel name {form.kernel.name!r} is that of a built-in one; give yours another")
    return {
        "head": [str(weight) for weight in form.weights.head],
        "terms": [[str(amount), str(ratio)] for amount, ratio in form.weights.terms],
        "beta": str(form.beta),
        "kernel": form.kernel.name,
        "eps": str(form.kernel.epsilon),
        "decay": str(form.decay),
    }


def method_from_record(record: Mapping[str, Any]) -> Method:
    """Return the method that :func:`method_record` described, after comparing its Laplace form with the one described.

    Raises
    ------
    InputError
        If the record is malformed, the method is unknown here, or its form is another one; the message names the place.
    """
    place = "problem.method"
    name, parameters, laplace = (record.get(key) for key in ("name", "parameters", "laplace"))
    if set(record) != {"name", "parameters", "laplace"} or not isinstance(parameters, Mapping):
        raise InputError(f"{place}: allowed are name, parameters and laplace, all of them")
    # To look for installed ones takes long.
    if not isinstance(name, str) or (name not in METHODS and name not in known_methods()):
        raise InputError(f"{place}.name: {str(name)[:80]!r} is unknown here; known are {', '.join(known_methods())}")
    known = list(inspect.signature(method_class(name)).parameters)
    if sorted(parameters) != sorted(known) or not all(isinstance(value, str) for value in parameters.values()):
        raise InputError(f"{place}.parameters: {name} has {', '.join(known)}; give each as text")
    method = make_method(name, {key: exact_rational(text, f"{place}.parameters") for key, text in parameters.items()})
    if method.laplace is None:
        raise InputError(f"{place}.name: {name} has no Laplace form")
    fault = _difference(_stated_form(laplace), _canonical(_form_record(method.laplace)))
    if fault is not None:
        raise InputError(f"{place}.laplace.{fault}: {name} with these parameters has another one")
    return method


def _stated_form(laplace: object) -> dict[str, Any]:
    place = "problem.method.laplace"
    if not isinstance(laplace, Mapping) or set(laplace) != {"head", "terms", "beta", "kernel", "eps", "decay"}:
        raise InputError(f"{place}: allowed are head, terms, beta, kernel, eps and decay, all of them")
    head, terms = laplace["head"], laplace["terms"]
    if not isinstance(head, list) or not isinstance(terms, list):
        raise InputError(f"{place}: head and terms are lists")
    if len(head) > MOST_HEAD_WEIGHTS or len(terms) > MOST_TERMS:
        raise InputError(f"{place}: at most {MOST_HEAD_WEIGHTS} weights in head and {MOST_TERMS} terms are allowed")
    if any(not isinstance(term, list) or len(term) != 2 for term in terms):
        raise InputError(f"{place}.terms: allowed are pairs of an amount and a ratio")
    return _canonical(laplace)


def _canonical(laplace: Mapping[str, Any]) -> dict[str, Any]:
    """A form that two records share exactly if they have the same weights c_k, kernel, eps, beta and decay.

    Powers of different positive ratios are linearly independent, however many c_k are left out: so terms of one ratio
    are added up, those of ratio 0 belong to c_0, and what is 0 is left out.
    """
    place = "problem.method.laplace"
    head = [exact_rational(weight, f"{place}.head") for weight in laplace["head"]] or [Fraction(0)]
    terms: dict[Fraction, Fraction] = {}
    for amount, ratio in laplace["terms"]:
        at = exact_rational(ratio, f"{place}.terms")
        terms[at] = terms.get(at, Fraction(0)) + exact_rational(amount, f"{place}.terms")
    LagWeights((), tuple((amount, ratio) for ratio, amount in terms.items()))  # Raises unless the ratios are in [0, 1).
    head[0] += terms.pop(Fraction(0), Fraction(0))
    while head and head[-1] == 0:
        head.pop()
    numbers = {key: exact_rational(laplace[key], f"{place}.{key}") for key in ("beta", "eps", "decay")}
    return {
        "head": head,
        "terms": {ratio: amount for ratio, amount in terms.items() if amount},
        "kernel": laplace["kernel"],
        **numbers,
    }


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    return next((key for key in one if one[key] != other[key]), None)
