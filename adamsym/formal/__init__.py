"""Statements about the Adam field that a proof kernel checks: a Coq library, and files that state and prove."""

from adamsym.formal.coqc import KernelReport, check_with_coq
from adamsym.formal.prove import FormalStatement, prove_not_zero, prove_sign, prove_zero, write_library

__all__ = [
    "FormalStatement",
    "KernelReport",
    "check_with_coq",
    "prove_not_zero",
    "prove_sign",
    "prove_zero",
    "write_library",
]
