"""Certificates of format 2 in format 3: they were about Adam alone, and named its parameters only."""

from collections.abc import Callable, Mapping
from typing import Any

from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational

Content = dict[str, Any]


def in_format_3(content: Content) -> Content:
    """Return the content of a certificate of format 2 with Adam's Laplace form, a = 1 - beta1 times beta1^k.

    Raises
    ------
    InputError
        If it does not name Adam's parameters.
    """
    given = content.get("problem")
    problem: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    adam = problem.get("adam")
    if not isinstance(adam, Mapping) or set(adam) != {"beta1", "beta2", "eps"}:
        raise InputError("certificate.problem.adam: format 2 has beta1, beta2 and eps there, all of them")
    for name, value in adam.items():
        if not isinstance(value, str):
            raise InputError(f"certificate.problem.adam.{name}: allowed are numbers as text")
    laplace = {
        "head": [],
        "terms": [[str(1 - exact_rational(adam["beta1"], "certificate.problem.adam.beta1")), adam["beta1"]]],
        "beta": adam["beta2"],
        "kernel": "1/(sqrt(v) + eps)",
        "eps": adam["eps"],
        "decay": "0",
    }
    method = {"name": "Adam", "parameters": dict(adam), "laplace": laplace}
    return content | {
        "format": "adamsym certificate 3",
        "problem": {key: value for key, value in problem.items() if key != "adam"} | {"method": method},
    }


def renewed_digest(old: Content, new: Content, digest_of: Callable[[Content], str]) -> str:
    """Return the digest of ``new`` in place of that of the same certificate in format 2; a wrong one stays wrong."""
    problem = {key: value for key, value in new["problem"].items() if key != "method"}
    earlier = new | {"format": old["format"], "problem": problem | {"adam": old["problem"]["adam"]}}
    return digest_of(new) if digest_of(earlier) == old["digest"] else str(old["digest"])
