"""Re-checks of a Lyapunov function of the user's own: <grad V, f> < 0 in all of a box, and witnesses against it."""

from adamsym.certificates.form import Box, FunctionCertificate, FunctionLeaf
from adamsym.checker.form import Form
from adamsym.checker.lyapunov import bounds_fault, largest_product, product_at, witnessed_product
from adamsym.checker.zeros import DEPTH, halves, middle
from adamsym.expressions.work import is_cut_short
from adamsym.gradients import Problem, SymbolicGradient


def function_leaf_fault(function: Problem, problem: SymbolicGradient, form: Form, leaf: FunctionLeaf) -> str | None:
    """Return what is wrong with a leaf, or None: V is the loss of ``function``, and f the field of ``problem``."""
    if leaf.by != "enclosure" or _decreases(function, problem, form, leaf.box, DEPTH):
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


def _decreases(function: Problem, problem: SymbolicGradient, form: Form, box: Box, depth: int) -> bool:
    """Whether <grad V, f> < 0 is proven over a box; V is then proven to be smooth there."""
    center = product_at(function, problem, form, middle(box))
    if not center < 0:
        # No halving helps against a value at a point.
        return False
    if largest_product(function, problem, form, box, center) < 0:
        return True
    if depth == 0 or is_cut_short():
        return False
    return all(_decreases(function, problem, form, half, depth - 1) for half in halves(box))
