"""Re-checks of lists of zeros for several values of a parameter: for each value those of a certificate of zeros."""

from functools import lru_cache

from adamsym.certificates.form import ZerosCertificate, ZerosListCertificate
from adamsym.certificates.parts import LARGEST_BATCH
from adamsym.checker import zeros_in_box
from adamsym.checker.arithmetic import Arithmetic, NotCheckable
from adamsym.checker.form import Form, form_of, method_of
from adamsym.checker.zeros_in_box import Statement
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational
from adamsym.expressions.work import spend
from adamsym.gradients import SymbolicGradient
from adamsym.gradients.entries import DataEntry, law_with
from adamsym.methods import LaplaceForm
from adamsym.methods.record import method_with

_CHANGE = 10_000
"""About how many operations it takes to read a problem or a method with another number."""


def statements(certificate: ZerosListCertificate) -> list[tuple[str, tuple[int, Statement]]]:
    """Return what a certificate asserts, each with a name for messages, and the number of its value."""
    found = list[tuple[str, tuple[int, Statement]]]()
    for k, one in enumerate(certificate.at):
        leaves = ((f"box {number}", leaf) for number, leaf in enumerate(one.leaves))
        # Zeros come last, for they take long.
        named = (*leaves, *zeros_in_box.statements(_alone(certificate, k)))
        found += [(f"{certificate.parameter} = {one.value[:40]}: {name}", (k, said)) for name, said in named]
    return found


def form_fault(certificate: ZerosListCertificate, problem: SymbolicGradient) -> str | None:
    """Return what is wrong before any analysis, with a value or with what is said for it; or None."""
    for k, one in enumerate(certificate.at):
        spend(_CHANGE)
        try:
            own = _problem_at(problem, certificate.parameter, one.value)
            if own is problem:
                _form_at(certificate.problem.method.model_dump_json(), certificate.parameter, one.value)
        except (InputError, NotCheckable) as error:
            return f"{certificate.parameter} = {one.value[:40]}: {error}"
        fault = zeros_in_box.form_fault(_alone(certificate, k), own)
        if fault is not None:
            return f"{certificate.parameter} = {one.value[:40]}: {fault}"
    return None


def statement_fault(
    certificate: ZerosListCertificate, problem: SymbolicGradient, form: Form, statement: tuple[int, Statement]
) -> str | None:
    """Return what is wrong with one statement or leaf for one value, or None."""
    number, said = statement
    value = certificate.at[number].value
    own = _problem_at(problem, certificate.parameter, value)
    if own is problem:
        form = _read_form(form.using, certificate.problem.method.model_dump_json(), certificate.parameter, value)
    return zeros_in_box.statement_fault(_alone(certificate, number), own, form, said)


def _alone(certificate: ZerosListCertificate, number: int) -> ZerosCertificate:
    """What is said for one value, as a certificate of zeros; its problem is still the one for all values."""
    said, head = dict(certificate.at[number]), dict(certificate)
    return ZerosCertificate.model_construct(
        **{key: head[key] for key in ("format", "made_by", "problem", "digest", "box")},
        **{key: said[key] for key in ("complete", "zeros", "beyond", "clusters", "sets", "leaves")},
        kind="zeros",
    )


@lru_cache(maxsize=8)
def _problem_at(problem: SymbolicGradient, parameter: str, value: str) -> SymbolicGradient:
    """The problem with another batch size, or another number in the data; itself for a number of the method."""
    entry, number = DataEntry.named(parameter), exact_rational(value, f"certificate.at {parameter}")
    if entry is not None:
        return problem.changed(law=law_with(entry, problem.law, number))
    if parameter != "batch_size":
        return problem
    if number.denominator > 1 or not 1 <= number <= LARGEST_BATCH:
        raise InputError("allowed are integers from 1 up")
    return problem.changed(batch_size=int(number))


@lru_cache(maxsize=64)
def _form_at(record: str, parameter: str, value: str) -> LaplaceForm:
    """The Laplace form of the method with another number."""
    method = method_of(record)
    form = method_with(method, {parameter: value}).laplace
    # What is supposed of a kernel is said of that of the problem.
    if form is None or method.laplace is None or form.kernel.name != method.laplace.kernel.name:
        raise NotCheckable("the method has no Laplace form with the kernel of the problem")
    return form


@lru_cache(maxsize=64)
def _read_form(using: Arithmetic, record: str, parameter: str, value: str) -> Form:
    return form_of(using, _form_at(record, parameter, value))
