"""Checks a certificate: its form, its digest, that its boxes fill the region, and each of its proofs."""

import json
import os
from collections.abc import Iterable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from adamsym.checker.form import (
    Box,
    Certificate,
    LyapunovCertificate,
    ZerosCertificate,
    digest_of,
    read_certificate,
)
from adamsym.checker.intervals import NotCheckable, working_precision
from adamsym.checker.lyapunov import check_leaf, witness_fault
from adamsym.checker.zeros import leaf_fault, zero_fault
from adamsym.expressions.errors import InputError
from adamsym.optimizer import Adam
from adamsym.problem import Problem
from adamsym.problem.record import problem_from_record


@dataclass(frozen=True)
class Check:
    """Whether a certificate is valid; if not, why; and how many proofs were re-checked."""

    valid: bool
    reason: str
    proofs: int = 0


def check_certificate(
    source: Path | str | dict[str, Any], executor: Executor | None = None, processes: int = 1, digest: bool = True
) -> Check:
    """Re-check a certificate with interval arithmetic of mpmath; nothing in it is trusted, executed or unpickled.

    Parameters
    ----------
    source
        A file, or its content as JSON data.
    executor
        Where the proofs are checked; in this process if omitted and ``processes`` is 1.
    processes
        Processes to start if there is no executor.
    digest
        Whether a wrong digest makes the certificate invalid; it guards against accidents, the proofs against the rest.

    Raises
    ------
    InputError
        If the source cannot be read as a certificate.
    """
    certificate = read_certificate(source)
    content = certificate.model_dump(mode="json")
    if digest and digest_of(content) != certificate.digest:
        return Check(False, "the digest does not match the content")
    try:
        problem, _ = problem_from_record(certificate.problem.model_dump())
    except InputError as error:
        return Check(False, f"the problem is not valid: {error}")
    fault = _form_fault(certificate, problem)
    if fault is not None:
        return Check(False, fault)
    numbers = [*range(-_proofs_before(certificate), len(certificate.leaves))]
    texts = [certificate.model_dump_json()] * len(numbers)
    if executor is None and processes > 1:
        with ProcessPoolExecutor(min(processes, os.cpu_count() or 1)) as pool:
            return _gathered(certificate, pool.map(_check_one, texts, numbers, chunksize=4), len(numbers))
    results = executor.map(_check_one, texts, numbers) if executor else map(_check_one, texts, numbers)
    return _gathered(certificate, results, len(numbers))


def _proofs_before(certificate: Certificate) -> int:
    """Proofs that are no leaves: one for each zero; one for a witness."""
    return len(certificate.zeros) if isinstance(certificate, ZerosCertificate) else 1


def _gathered(certificate: Certificate, results: Iterable[tuple[str | None, float | None]], count: int) -> Check:
    rates = []
    for fault, rate in results:
        if fault is not None:
            return Check(False, fault)
        if rate is not None:
            rates.append(rate)
    claimed = certificate.rate if isinstance(certificate, LyapunovCertificate) else None
    if claimed is not None and not (rates and 0 <= claimed <= min(rates)):
        return Check(False, f"the rate {claimed:.6g} is more than what is proven")
    return Check(True, f"all {count} proofs hold", count)


def _form_fault(certificate: Certificate, problem: Problem) -> str | None:
    """What is wrong before any analysis: dimensions, the tiling, and what the summary says of the leaves."""
    boxes = [certificate.box, *(leaf.box for leaf in certificate.leaves)]
    if isinstance(certificate, ZerosCertificate):
        boxes += [box for zero in certificate.zeros for box in (zero.box, *(region.box for region in zero.regions))]
    if any(len(box) != problem.dimension or any(low > high for low, high in box) for box in boxes):
        return "a box does not fit the problem"
    if not problem.is_smooth:
        return "the loss has kinks"
    if not fills(certificate.box, [leaf.box for leaf in certificate.leaves]):
        return "the boxes do not fill the region by halving"
    undecided = any(leaf.by == "undecided" for leaf in certificate.leaves)
    if isinstance(certificate, ZerosCertificate):
        if certificate.complete == undecided:
            return "complete does not agree with the boxes"
        for k, zero in enumerate(certificate.zeros):
            if any(_meet(zero.box, other.box) for other in certificate.zeros[:k]):
                return f"zero {k} may be one that stands before it"
        return None
    refuted = certificate.witness is not None
    if refuted != any(leaf.by == "witness" for leaf in certificate.leaves):
        return "the witness does not agree with the boxes"
    verdict = "refuted" if refuted else "undecided" if undecided else "certified"
    return None if certificate.verdict == verdict else "the verdict does not agree with the boxes"


def _meet(one: Box, other: Box) -> bool:
    return all(a <= d and c <= b for (a, b), (c, d) in zip(one, other, strict=True))


def fills(region: Box, boxes: list[Box]) -> bool:
    """Whether boxes are what repeated halving of a region leaves: they then cover it, and no two overlap."""
    stack = [(region, boxes)]
    while stack:
        whole, parts = stack.pop()
        if len(parts) == 1:
            if parts[0] != whole:
                return False
            continue
        for axis, (low, high) in enumerate(whole):
            cut = low + (high - low) / 2
            left = [part for part in parts if part[axis][1] <= cut]
            if 0 < len(left) < len(parts) and all(part[axis][0] >= cut for part in parts if part[axis][1] > cut):
                right = [part for part in parts if part[axis][1] > cut]
                stack.append(([*whole[:axis], [low, cut], *whole[axis + 1 :]], left))
                stack.append(([*whole[:axis], [cut, high], *whole[axis + 1 :]], right))
                break
        else:
            return False
    return True


@lru_cache(maxsize=2)
def _read(text: str) -> tuple[Certificate, Problem, Adam]:
    certificate = read_certificate(json.loads(text))
    return certificate, *problem_from_record(certificate.problem.model_dump())


def _check_one(text: str, number: int) -> tuple[str | None, float | None]:
    """Check one proof; negative numbers are those that are no leaves. For worker processes."""
    certificate, problem, adam = _read(text)
    try:
        with working_precision():
            if isinstance(certificate, ZerosCertificate):
                if number < 0:
                    fault = zero_fault(problem, adam, certificate.zeros[-1 - number])
                    return (None if fault is None else f"zero {-1 - number}: {fault}"), None
                fault = leaf_fault(certificate, problem, adam, certificate.leaves[number])
                return (None if fault is None else f"box {number}: {fault}"), None
            if number < 0:
                return (witness_fault(certificate, problem, adam) if certificate.witness else None), None
            found = check_leaf(certificate, problem, adam, certificate.leaves[number])
            return (None if found.fault is None else f"box {number}: {found.fault}"), found.rate
    except (NotCheckable, ArithmeticError, ValueError) as error:
        return f"proof {number} cannot be re-checked: {error}", None
