"""Checks a certificate: its form, its digest, that its boxes fill the region, and each of its proofs."""

import itertools
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
    Cluster,
    LyapunovCertificate,
    LyapunovLeaf,
    Witness,
    ZeroEntry,
    ZerosCertificate,
    digest_of,
    read_certificate,
)
from adamsym.checker.intervals import BITS, MORE_BITS, NotCheckable, working_precision
from adamsym.checker.lyapunov import check_leaf, statement_fault, witness_fault
from adamsym.checker.zeros import cluster_fault, contains, leaf_fault, leaf_form_fault, meet, middle, zero_fault
from adamsym.expressions.arguments import checked_arguments
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


@checked_arguments
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
    numbers = [*range(-len(_statements(certificate)), len(certificate.leaves))]
    texts = [certificate.model_dump_json()] * len(numbers)
    if executor is None and processes > 1:
        with ProcessPoolExecutor(min(processes, os.cpu_count() or 1)) as pool:
            return _gathered(certificate, pool.map(_check_one, texts, numbers, chunksize=4), len(numbers))
    results = executor.map(_check_one, texts, numbers) if executor else map(_check_one, texts, numbers)
    return _gathered(certificate, results, len(numbers))


def _statements(certificate: Certificate) -> list[tuple[str, Any]]:
    """What a certificate says besides its leaves, each with a name for messages."""
    if isinstance(certificate, LyapunovCertificate):
        witness = [("witness", certificate.witness)] if certificate.witness is not None else []
        return [("factor and minima", None), *witness]
    return [
        *((f"zero {k}", zero) for k, zero in enumerate(certificate.zeros)),
        *((f"zero {k} beyond the box", zero) for k, zero in enumerate(certificate.beyond)),
        *((f"cluster {k}", cluster) for k, cluster in enumerate(certificate.clusters)),
    ]


def _gathered(certificate: Certificate, results: Iterable[tuple[str | None, float | None]], count: int) -> Check:
    rates = []
    for fault, rate in results:
        if fault is not None:
            return Check(False, fault)
        if rate is not None:
            rates.append(rate)
    claimed = certificate.rate if isinstance(certificate, LyapunovCertificate) else None
    proven = len(rates) == len(certificate.leaves) and min(rates)
    if claimed is not None and not 0 <= claimed <= proven:
        return Check(False, f"the rate {claimed:.6g} is more than what is proven")
    return Check(True, f"all {count} proofs hold", count)


def _form_fault(certificate: Certificate, problem: Problem) -> str | None:
    """What is wrong before any analysis: dimensions, the tiling, and what the summary says of the leaves."""
    boxes = [certificate.box, *(leaf.box for leaf in certificate.leaves)]
    if isinstance(certificate, ZerosCertificate):
        listed = [*certificate.zeros, *certificate.beyond]
        boxes += [box for zero in listed for box in (zero.box, *(region.box for region in zero.regions))]
        boxes += [cluster.box for cluster in certificate.clusters]
    if any(len(box) != problem.dimension or any(low > high for low, high in box) for box in boxes):
        return "a box does not fit the problem"
    if not problem.is_smooth:
        return "the loss has kinks"
    if not fills(certificate.box, [leaf.box for leaf in certificate.leaves]):
        return "the boxes do not fill the region by halving"
    undecided = [leaf.box for leaf in certificate.leaves if leaf.by == "undecided"]
    if isinstance(certificate, ZerosCertificate):
        return _zeros_form_fault(certificate, undecided)
    return _lyapunov_form_fault(certificate, bool(undecided))


def _zeros_form_fault(certificate: ZerosCertificate, undecided: list[Box]) -> str | None:
    """What is wrong with where the zeros and the clusters lie, or with what the summary says of the leaves."""
    if certificate.complete == bool(undecided):
        return "complete does not agree with the boxes"
    for k, zero in enumerate(certificate.zeros):
        if not contains(certificate.box, zero.box):
            return f"zero {k} is not proven to lie in the box"
    for k, zero in enumerate(certificate.beyond):
        if contains(certificate.box, zero.box):
            return f"zero {k} beyond the box lies in it"
    listed = [*certificate.zeros, *certificate.beyond]
    if any(meet(one.box, other.box) for one, other in itertools.combinations(listed, 2)):
        return "two of the zeros may be one"
    for k, leaf in enumerate(certificate.leaves):
        fault = leaf_form_fault(certificate, leaf)
        if fault is not None:
            return f"box {k}: {fault}"
    clusters = [cluster.box for cluster in certificate.clusters]
    if any(meet(one, other) for one, other in itertools.combinations(clusters, 2)):
        return "two of the clusters meet"
    if not all(contains(certificate.box, cluster) for cluster in clusters):
        return "a cluster does not lie in the box"
    if not all(any(contains(cluster, box) for cluster in clusters) for box in undecided):
        return "an undecided box lies in no cluster"
    if not all(any(contains(cluster, box) for box in undecided) for cluster in clusters):
        return "a cluster holds no undecided box"
    return None


def _lyapunov_form_fault(certificate: LyapunovCertificate, undecided: bool) -> str | None:
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
    if certificate.rate is not None and verdict != "certified":
        return "there is a rate, but the region is not certified"
    return None


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
            cut = middle([[low, high]])[0]
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
    statements = _statements(certificate)
    name, statement = statements[-1 - number] if number < 0 else (f"box {number}", certificate.leaves[number])
    try:
        for bits in (BITS, MORE_BITS):
            with working_precision(bits):
                fault, rate = _fault_of(certificate, problem, adam, statement)
            if fault is None:
                return None, rate
        return f"{name}: {fault}", None
    except (NotCheckable, ArithmeticError, ValueError) as error:
        return f"{name} cannot be re-checked: {error}", None


def _fault_of(
    certificate: Certificate, problem: Problem, adam: Adam, statement: Any
) -> tuple[str | None, float | None]:
    """What is wrong with one statement of a certificate, and the rate that its proof gives."""
    if isinstance(certificate, ZerosCertificate):
        if isinstance(statement, ZeroEntry):
            return zero_fault(problem, adam, statement), None
        if isinstance(statement, Cluster):
            return cluster_fault(certificate, problem, adam, statement), None
        return leaf_fault(problem, adam, statement), None
    if isinstance(statement, LyapunovLeaf):
        found = check_leaf(certificate, problem, adam, statement)
        return found.fault, found.rate
    if isinstance(statement, Witness):
        return witness_fault(certificate, problem, adam), None
    return statement_fault(certificate, problem), None
