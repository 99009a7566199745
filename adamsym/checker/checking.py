"""Checks a certificate: its form, its digest, that its boxes fill the region, and each of its proofs."""

import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from adamsym.certificates.branch_form import BranchCertificate
from adamsym.certificates.form import (
    BallCertificate,
    Certificate,
    FunctionCertificate,
    FunctionLeaf,
    LyapunovCertificate,
    LyapunovLeaf,
    OneZeroCertificate,
    Witness,
    ZerosCertificate,
    ZerosListCertificate,
    digest_of,
    given,
    read_certificate,
)
from adamsym.certificates.minima_form import MinimaSetCertificate
from adamsym.certificates.over_form import ZerosOverCertificate
from adamsym.checker import branch, zeros_in_box, zeros_list, zeros_over
from adamsym.checker.arithmetic import BITS, MORE_BITS, Arithmetic, NotCheckable
from adamsym.checker.balls import Balls
from adamsym.checker.form import Form, form_of
from adamsym.checker.given_function import function_leaf_fault, function_witness_fault
from adamsym.checker.interpolation import minima, region
from adamsym.checker.lyapunov import check_leaf, statement_fault, witness_fault
from adamsym.checker.mpmath_intervals import MpmathIntervals
from adamsym.checker.one_zero import one_zero_fault, one_zero_form_fault
from adamsym.checker.tiling import fills
from adamsym.checker.zeros import contains
from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError
from adamsym.expressions.progress import Progress, counted_off
from adamsym.expressions.results import Result, counted
from adamsym.expressions.sizes import FORMING, derivative_sizes
from adamsym.expressions.work import OutOfWork, budget, is_cut_short, spend
from adamsym.gradients import Empirical, Problem, SymbolicGradient
from adamsym.gradients.record import NESTED_TOO_DEEPLY, problem_from_record
from adamsym.gradients.vector_field import lyapunov_function
from adamsym.methods import LaplaceForm
from adamsym.methods.kernels import supposition
from adamsym.parallel import map_tasks

BUDGET = 300_000_000
"""Operations that a check may take: of balls some two minutes of a processor, of mpmath's intervals ten times that."""

_ALONE = 3_000_000
"""After so many operations, about a second of balls, processes are worth their start."""

_AroundPoint = BallCertificate | MinimaSetCertificate
_OverValues = BranchCertificate | ZerosListCertificate | ZerosOverCertificate
_Whole = _AroundPoint | _OverValues
_CHECKERS: dict[type[Certificate], Any] = {
    BallCertificate: region,
    MinimaSetCertificate: minima,
    BranchCertificate: branch,
    ZerosOverCertificate: zeros_over,
    ZerosListCertificate: zeros_list,
}
"""What checks certificates that divide no box themselves, in three functions each."""

_About = tuple[str, int, bool]
"""A certificate, the budget, and whether to compute slowly."""


@dataclass(frozen=True, repr=False)
class Check(Result):
    """Whether a certificate is valid; if not, why; and how many proofs were re-checked.

    ``undecided``: not valid only because the check was given up for too much work; more of it might decide. ``budget``
    is then so many operations that the check would go on, about those of all proofs if they are alike; None if it is
    not the budget that was too small.
    """

    valid: bool
    reason: str
    proofs: int = 0
    undecided: bool = False
    budget: int | None = None

    @property
    def verdict(self) -> str:
        """Certified if the certificate is valid, else undecided or refuted."""
        return "certified" if self.valid else "undecided" if self.undecided else "refuted"

    @property
    def summary(self) -> str:
        """Whether the certificate is valid, and how many proofs were re-checked, or why it is not."""
        return f"valid, {counted(self.proofs, 'proof')} re-checked" if self.valid else f"not valid: {self.reason}"

    def to_dict(self) -> dict[str, Any]:
        """Return the result as ``adamsym check --json`` prints it."""
        found = {"valid": self.valid, "reason": self.reason, "proofs": self.proofs}
        found |= {"undecided": True} if self.undecided else {}
        return found | ({} if self.budget is None else {"budget": self.budget})


@dataclass(frozen=True)
class _Subject:
    """The gradients, the Laplace form of f, that in each arithmetic to try, and a function V in place of the loss."""

    problem: SymbolicGradient
    laplace: LaplaceForm
    forms: tuple[Form, ...]
    function: Problem | None

    @property
    def work(self) -> int:
        """Operations for forming what the proofs need."""
        return FORMING * sum(_size(one) for one in (self.problem, self.function) if one is not None)


@dataclass(frozen=True)
class _Proof:
    """What became of one proof: what is wrong, or the rate that it gives; and the operations that it took."""

    fault: str | None
    rate: float | None = None
    undecided: bool = False
    operations: int = 0


@checked_arguments
def check_certificate(
    source: Path | str | dict[str, Any],
    executor: Executor | None = None,
    processes: int = 1,
    digest: bool = True,
    operations: int = BUDGET,
    slow: bool = False,
    progress: Progress | None = None,
) -> Check:
    """Re-check a certificate with code of its own; nothing in the certificate is trusted, executed or unpickled.

    Parameters
    ----------
    source
        A file, or its content as JSON data.
    executor
        Where the proofs are checked; in this process if omitted and ``processes`` is 1.
    processes
        Processes that check if there is no executor. They start when this one has worked for a while; each reads the
        certificate once.
    digest
        Whether a wrong digest makes the certificate invalid; it guards against accidents, the proofs against the rest.
    operations
        Most operations on intervals: of balls about a microsecond each, of mpmath's intervals 10. A certificate that
        needs more is undecided; how many it needs depends on the arithmetic, but neither on the machine nor on the
        number of processes.
    slow
        Whether to compute with mpmath's intervals in place of flint's balls, with which certificates are made too.
    progress
        Called after each proof with the number of proofs checked and of all; :func:`adamsym.progress_bar` gives one.

    Raises
    ------
    InputError
        If the source cannot be read as a certificate, or there is to be no process.
    BrokenProcessPool
        If a proof ends its worker process again and again, or processes cannot start.
    """
    if processes < 1:
        raise InputError(f"check_certificate: processes = {processes} is not allowed; allowed are integers from 1 up")
    certificate = read_certificate(source)
    if digest and digest_of(given(certificate)) != certificate.digest:
        return Check(False, "the digest does not match the content")
    try:
        with budget(operations) as meter:
            try:
                subject = _subject(certificate, slow)
            except (InputError, NotCheckable) as error:
                return Check(False, f"the problem is not valid: {error}")
            spend(subject.work)
            fault = _form_fault(certificate, subject.problem)
    except OutOfWork as error:
        return Check(False, str(error), undecided=True, budget=None if meter.left else rounded_up(2 * operations))
    if fault is not None:
        return Check(False, fault)
    numbers = numbers_of(certificate)
    about = certificate.model_dump_json(), meter.left, slow
    proofs = _proofs(about, numbers, executor, processes)
    found = counted_off(proofs, [1] * len(numbers), len(numbers), progress)
    return _gathered(certificate, found, len(numbers), operations, meter.left)


def work_before_proofs(certificate: Certificate) -> int:
    """Return how many operations a check needs before its first proof."""
    return _subject(certificate, False).work


def check_of(certificate: Certificate) -> Callable[[int], _Proof]:
    """Return what checks one proof of a certificate, by its number, within the usual budget."""
    return _checked(certificate.model_dump_json(), BUDGET, False)


def numbers_of(certificate: Certificate) -> list[int]:
    """Return the numbers of the proofs in the order in which they are checked; those of leaves are not negative."""
    before, leaves = [-1 - k for k in range(len(_statements(certificate)))], range(len(certificate.leaves))
    # What leaves rest on comes first, but zeros last: they take long.
    return [*leaves, *before] if isinstance(certificate, ZerosCertificate) else [*before, *leaves]


def _proofs(about: _About, numbers: Sequence[int], executor: Executor | None, processes: int) -> Iterator[_Proof]:
    """The proofs in order, wherever they are checked."""
    left = deque(numbers)
    if executor is None:
        check, spent = _checked(*about), 0
        while left and (processes == 1 or spent < _ALONE):
            proof = check(left.popleft())
            spent += proof.operations
            yield proof
    if left:
        where = min(processes, len(left)) if executor is None else executor
        yield from map_tasks(_check_one, left, shared=about, executor=where)


def _size(problem: SymbolicGradient) -> int:
    """About how many nodes the expressions have, with those of the derivatives that proofs need."""
    orders = 3 if isinstance(problem, Problem) else 2
    sizes = [derivative_sizes(entry, problem.parameters)[:orders] for entry in problem.written]
    return sum(map(sum, sizes))


def _arithmetics(slow: bool) -> tuple[Arithmetic, ...]:
    """The arithmetics to try a proof in."""
    return tuple((MpmathIntervals if slow else Balls)(bits) for bits in (BITS, MORE_BITS))


def _subject(certificate: Certificate, slow: bool) -> _Subject:
    """What a certificate is about; the method named has the Laplace form."""
    problem, method = problem_from_record(certificate.problem.model_dump())
    if method.laplace is None:
        raise NotCheckable("the method has no Laplace form")
    function = None
    if isinstance(certificate, FunctionCertificate):
        try:
            function = lyapunov_function(certificate.function, problem.names, problem.law)
        except RecursionError:
            raise InputError(f"certificate.function: {NESTED_TOO_DEEPLY}") from None
    forms = tuple(form_of(using, method.laplace) for using in _arithmetics(slow))
    return _Subject(problem, method.laplace, forms, function)


def _statements(certificate: Certificate) -> list[tuple[str, Any]]:
    """What a certificate says besides its leaves, each with a name for messages."""
    if isinstance(certificate, _Whole):
        return list(_CHECKERS[type(certificate)].statements(certificate))
    if isinstance(certificate, OneZeroCertificate):
        critical = [("critical point", certificate.critical)] if certificate.critical is not None else []
        return [("zero", certificate.zero), *critical]
    if isinstance(certificate, LyapunovCertificate):
        witness = [("witness", certificate.witness)] if certificate.witness is not None else []
        return [("factor and minima", None), *witness]
    if isinstance(certificate, FunctionCertificate):
        return [("witness", certificate.witness)] if certificate.witness is not None else []
    return list(zeros_in_box.statements(certificate))


def _gathered(certificate: Certificate, proofs: Iterable[_Proof], count: int, operations: int, left: int) -> Check:
    """Put the proofs together, in their order, up to the first that does not hold or is beyond the budget.

    Of the ``operations`` allowed so many were ``left`` for them, and each was allowed all of these.
    """
    rates, most = [], left
    for number, proof in enumerate(proofs):
        left -= proof.operations
        more = rounded_up(
            max(2 * operations if proof.operations >= most else 0, (operations - left) * count / (number + 1))
        )
        if left < 0:
            reason = f"the budget of work is spent after {number} of {count} proofs"
            return Check(False, reason, number, undecided=True, budget=more)
        if proof.fault is not None:
            cut = proof.undecided and proof.operations >= most
            return Check(False, proof.fault, number, undecided=proof.undecided, budget=more if cut else None)
        if proof.rate is not None:
            rates.append(proof.rate)
    claimed = certificate.rate if isinstance(certificate, LyapunovCertificate) else None
    proven = min(rates) if rates and len(rates) == len(certificate.leaves) else 0.0
    if claimed is not None and not 0 <= claimed <= proven:
        return Check(False, f"the rate {claimed:.6g} is more than what is proven")
    supposed = supposition(certificate.problem.method.laplace.kernel)
    return Check(True, f"all {count} proofs hold" + ("" if supposed is None else f", supposing that {supposed}"), count)


def rounded_up(operations: float) -> int:
    """Return a number of operations with two digits, no smaller one."""
    unit: int = 10 ** max(0, len(str(math.ceil(operations))) - 2)
    return math.ceil(operations / unit) * unit


def _form_fault(certificate: Certificate, problem: SymbolicGradient) -> str | None:
    """What is wrong before any analysis: dimensions, the tiling, and what the summary says of the leaves."""
    if problem.sampling != "replacement" and not isinstance(certificate, (ZerosCertificate, OneZeroCertificate)):
        return "what it says is proved for rows drawn independently alone"
    if isinstance(certificate, _Whole):
        smooth_loss = isinstance(problem, Problem) and problem.is_smooth
        if isinstance(certificate, _AroundPoint) and not smooth_loss:
            return "there is no loss without kinks"
        if not isinstance(certificate, ZerosListCertificate) and not isinstance(problem.law, Empirical):
            return "the law of the data is continuous: there are no rows to be fitted"
        fault: str | None = _CHECKERS[type(certificate)].form_fault(certificate, problem)
        return fault
    if isinstance(certificate, ZerosCertificate):
        return zeros_in_box.form_fault(certificate, problem)
    boxes = [certificate.box, *(leaf.box for leaf in certificate.leaves)]
    if isinstance(certificate, OneZeroCertificate):
        boxes.append(certificate.zero.box)
        boxes += [] if certificate.critical is None else [certificate.critical.box, certificate.critical.unique_in]
    if any(len(box) != problem.dimension or any(low > high for low, high in box) for box in boxes):
        return "a box does not fit the problem"
    if isinstance(certificate, LyapunovCertificate) and not isinstance(problem, Problem):
        return "there is no loss to be a Lyapunov function"
    if isinstance(certificate, OneZeroCertificate):
        return one_zero_form_fault(certificate, problem)
    if not fills(certificate.box, [leaf.box for leaf in certificate.leaves]):
        return "the boxes do not fill the region by halving"
    undecided = [leaf.box for leaf in certificate.leaves if leaf.by == "undecided"]
    fault = _lyapunov_form_fault(certificate, bool(undecided))
    rate = certificate.rate if isinstance(certificate, LyapunovCertificate) else None
    if fault is None and rate is not None and certificate.verdict != "certified":
        return "there is a rate, but the region is not certified"
    return fault


def _lyapunov_form_fault(certificate: LyapunovCertificate | FunctionCertificate, undecided: bool) -> str | None:
    """What is wrong with where the witness lies, or with what the summary says of the leaves."""
    places = [leaf.box for leaf in certificate.leaves if leaf.by == "witness"]
    if len(places) != (certificate.witness is not None):
        return "the witness does not agree with the boxes"
    if certificate.witness is not None:
        point = [[x, x] for x in certificate.witness.point]
        if not contains(places[0], point):
            return "the witness does not lie in its box"
    verdict = "refuted" if places else "undecided" if undecided else "certified"
    if certificate.verdict != verdict:
        return "the verdict does not agree with the boxes"
    return None


@lru_cache(maxsize=2)
def _checked(text: str, operations: int, slow: bool) -> Callable[[int], _Proof]:
    """A function that checks one proof of a certificate; negative numbers are those that are no leaves."""
    certificate = read_certificate(json.loads(text))
    subject = _subject(certificate, slow)
    statements = _statements(certificate)

    def check(number: int) -> _Proof:
        name, statement = statements[-1 - number] if number < 0 else (f"box {number}", certificate.leaves[number])
        with budget(operations) as meter:
            try:
                proof = _checked_proof(certificate, subject, name, statement)
            except OutOfWork as error:
                proof = _Proof(f"{name}: {error}", undecided=True)
            except RecursionError:
                proof = _Proof(f"{name}: the expressions are nested too deeply", undecided=True)
        undecided = proof.fault is not None and (proof.undecided or meter.cut_short)
        return replace(proof, undecided=undecided, operations=operations - meter.left)

    return check


def _checked_proof(certificate: Certificate, subject: _Subject, name: str, statement: Any) -> _Proof:
    try:
        for form in subject.forms:
            with form.using.working():
                fault, rate = _fault_of(certificate, subject, form, statement)
            if fault is None:
                return _Proof(None, rate)
            if is_cut_short():
                break
        return _Proof(f"{name}: {fault}")
    except (NotCheckable, ArithmeticError, ValueError) as error:
        return _Proof(f"{name} cannot be re-checked: {error}")


def _check_one(about: _About, number: int) -> _Proof:
    """Check a proof, wherever it is: the certificate is read once in each process."""
    return _checked(*about)(number)


def _fault_of(
    certificate: Certificate, subject: _Subject, form: Form, statement: Any
) -> tuple[str | None, float | None]:
    """What is wrong with one statement of a certificate, and the rate that its proof gives."""
    problem, function = subject.problem, subject.function
    if isinstance(certificate, OneZeroCertificate):
        return one_zero_fault(certificate, problem, form, statement), None
    if isinstance(certificate, ZerosCertificate):
        return zeros_in_box.statement_fault(certificate, problem, form, statement), None
    if isinstance(certificate, FunctionCertificate):
        assert function is not None
        if isinstance(statement, FunctionLeaf):
            return function_leaf_fault(function, problem, form, statement), None
        return function_witness_fault(certificate, function, problem, form), None
    if isinstance(certificate, _OverValues):
        fault: str | None = _CHECKERS[type(certificate)].statement_fault(certificate, problem, form, statement)
        return fault, None
    if not isinstance(problem, Problem):
        raise NotCheckable("there is no loss")
    if isinstance(certificate, _AroundPoint):
        checker = _CHECKERS[type(certificate)]
        return checker.statement_fault(certificate, problem, subject.laplace, form, statement), None
    if isinstance(statement, LyapunovLeaf):
        found = check_leaf(certificate, problem, form, statement)
        return found.fault, found.rate
    if isinstance(statement, Witness):
        return witness_fault(certificate, problem, form), None
    return statement_fault(certificate, problem, form), None
