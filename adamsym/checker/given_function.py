"""Re-checks of a Lyapunov function of the user's own: <grad V, f> < 0 in all of a box, and witnesses against it."""

from adamsym.certificates.form import FunctionCertificate, FunctionLeaf
from adamsym.certificates.parts import Box
from adamsym.checker.form import Form
from adamsym.checker.lyapunov import NEVER, at_point, bounds_fault, largest_product, proven_in_parts, witnessed_product
from adamsym.checker.zeros import COARSE, DIRECTION_DEPTH, middle
from adamsym.gradients import Problem, SymbolicGradient


def function_leaf_fault(function: Problem, problem: SymbolicGradient, form: Form, leaf: FunctionLeaf) -> str | None:
    """Return what is wrong with a leaf, or None: V is the loss of ``function``, and f the field of ``problem``."""

    def proof(box: Box) -> float | None:
        center = at_point(function, problem, form, middle(box), COARSE)
        if not center.product < 0:
            return NEVER
        # V is then proven to be smooth in all of the box.
        return 0.0 if largest_product(function, problem, form, box, center) < 0 else None

    if leaf.by != "enclosure" or proven_in_parts(proof, leaf.box, 0.0, DIRECTION_DEPTH) is not None:
        return None
    return "<grad V, f> < 0 is not proven there"


def function_witness_fault(
    certificate: FunctionCertificate, function: Problem, problem: SymbolicGradient, form: Form
) -> str | None:
    """Return what is wrong with the witness, or None."""
    witness = certificate.witness
    if witness is None or len(witness.point) != problem.dimension:
        return "there is no witness"
    return bounds_fault(witness, witnessed_product(function, problem, form, witness.point), "V")
