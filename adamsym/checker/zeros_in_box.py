"""Re-checks of what a certificate says of the zeros in its box."""

from adamsym.certificates.form import Cluster, ZeroEntry, ZerosCertificate, ZerosLeaf
from adamsym.certificates.minima_form import MinimaInBox
from adamsym.checker.form import Form
from adamsym.checker.interpolation import minima_leaves
from adamsym.checker.tiling import fills, zeros_form_fault
from adamsym.checker.zeros import cluster_fault, leaf_fault, zero_fault
from adamsym.gradients import SymbolicGradient

Statement = ZeroEntry | Cluster | MinimaInBox | ZerosLeaf


def statements(certificate: ZerosCertificate) -> list[tuple[str, Statement]]:
    """Return what is said besides the leaves, each with a name for messages."""
    return [
        *((f"zero {k}", zero) for k, zero in enumerate(certificate.zeros)),
        *((f"zero {k} beyond the box", zero) for k, zero in enumerate(certificate.beyond)),
        *((f"cluster {k}", cluster) for k, cluster in enumerate(certificate.clusters)),
        *((f"set {k}", one) for k, one in enumerate(certificate.sets)),
    ]


def form_fault(certificate: ZerosCertificate, problem: SymbolicGradient) -> str | None:
    """Return what is wrong before any analysis: dimensions, the tiling, and what it names; or None."""
    listed = [*certificate.zeros, *certificate.beyond]
    boxes = [
        certificate.box,
        *(leaf.box for leaf in certificate.leaves),
        *(box for zero in listed for box in (zero.box, *(region.box for region in zero.regions))),
        *(cluster.box for cluster in certificate.clusters),
    ]
    if any(len(box) != problem.dimension or any(low > high for low, high in box) for box in boxes):
        return "a box does not fit the problem"
    if certificate.sets and problem.sampling != "replacement":
        return "sets of minima suppose rows drawn independently"
    if not fills(certificate.box, [leaf.box for leaf in certificate.leaves]):
        return "the boxes do not fill the region by halving"
    undecided = [leaf.box for leaf in certificate.leaves if leaf.by == "undecided"]
    return zeros_form_fault(certificate, undecided) or minima_leaves.form_fault(certificate, problem)


def statement_fault(
    certificate: ZerosCertificate, problem: SymbolicGradient, form: Form, statement: Statement
) -> str | None:
    """Return what is wrong with one statement or leaf, or None."""
    if isinstance(statement, ZeroEntry):
        return zero_fault(problem, form, statement)
    if isinstance(statement, Cluster):
        return cluster_fault(certificate, problem, form, statement)
    if isinstance(statement, MinimaInBox) or statement.by == "minima":
        return minima_leaves.statement_fault(certificate, problem, form, statement)
    return leaf_fault(problem, form, statement)
