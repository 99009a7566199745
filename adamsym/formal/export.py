"""Statements and their proofs as text for Coq."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from adamsym.formal.deciding import Decision
from adamsym.formal.rational import is_smooth_everywhere, rational_number, rational_text, real_text
from adamsym.formal.setting import Setting
from adamsym.methods.adam import NAdam

# fmt: off
_KEYWORDS = frozenset({
    "as", "at", "by", "cofix", "else", "end", "exists", "exists2", "fix", "for", "forall", "fun", "if", "in",
    "is", "let", "match", "mod", "Prop", "return", "Set", "SProp", "then", "Type", "using", "where", "with",
    "Q2R", "R", "Q", "r", "row", "t", "exp", "ln", "sqrt", "tanh", "sin", "cos", "sigmoid", "softplus",
    "Axiom", "CoFixpoint", "Definition", "Fixpoint", "Hypothesis", "Parameter", "Theorem", "Variable",
})
# fmt: on


def parameter(name: str) -> str:
    """Return what a parameter is called in Coq: no two parameters, and no parameter and a column, the same."""
    if re.match(r"(theta_)*data_", name):
        return f"theta_{name}"
    return f"{name}_" if name.rstrip("_") in _KEYWORDS else name


def column(name: str) -> str:
    """Return what the field of a row is called in Coq."""
    return f"data_{name}"


@dataclass(frozen=True)
class Point:
    """A decided coordinate at a point; ``label`` sets the names of its lemmas apart."""

    label: str
    theta: tuple[Fraction, ...]
    coordinate: int
    decision: Decision


def heading(lines: Sequence[str], quadrature: bool = False) -> str:
    """Return a comment, and what the file needs of the library."""
    comment = "\n   ".join(line.replace("*)", "* )").replace("(*", "( *").replace('"', "'") for line in lines)
    return f"(* {comment} *)\nFrom Adamsym Require Import Export{' Quadrature' if quadrature else ''}.\n"


def data_text(setting: Setting) -> str:
    """Return the rows, the loss and the numbers of the method."""
    fields = "; ".join(f"{column(name)} : Q" for name in setting.columns)
    rows = ";\n  ".join(
        f"({p.numerator} # {p.denominator}, Row {' '.join(rational_number(x) for x in row)})"
        for p, row in zip(setting.probabilities, setting.rows, strict=True)
    )
    method = setting.method
    numbers = [("beta2", method.beta), ("eps", method.epsilon)]
    if setting.method.exact_decay:
        numbers.append(("weight_decay", method.exact_decay))
    text = f"""
(* The data: each row with its probability. *)
Record row := Row {{ {fields} }}.
Definition rows : list (Q * row) := [
  {rows}]%Q.

(* The method's numbers. *)
""" + "".join(f"Definition {name} : Q := {rational_number(number)[1:-1]}.\n" for name, number in numbers)
    if setting.loss is not None:
        head = f"Definition loss {_binders(setting)} (r : row) : R :="
        text += f"\n(* The loss of a row. *)\n{head}\n  {_real(setting, setting.loss)}.\n"
    return text


def _binders(setting: Setting) -> str:
    return f"({' '.join(parameter(name) for name in setting.names)} : R)"


def _real(setting: Setting, expression: object) -> str:
    columns = set(setting.columns)
    return real_text(expression, lambda name: f"Q2R ({column(name)} r)" if name in columns else parameter(name))


def gradient_text(setting: Setting, coordinate: int) -> str:
    """Return a component of the gradient of a row, and what it is of the loss."""
    name = setting.names[coordinate]
    what = "Its derivative by" if setting.loss is not None else "The component of the field of a row for"
    return f"""
(* {what} {name}. *)
Definition gradient_{name} {_binders(setting)} (r : row) : R :=
  {_real(setting, setting.components[coordinate])}.
"""


def _applied(setting: Setting, function: str, coordinate: int, variable: str, theta: Sequence[Fraction]) -> str:
    """A function of the parameters with the variable in a coordinate's place and the other parameters at theta."""
    others = [variable if k == coordinate else f"(Q2R {rational_number(x)})" for k, x in enumerate(theta)]
    return f"{function} {' '.join(others)}"


def component(setting: Setting, point: Point) -> str:
    """Return the gradient as a function of the coordinate and the row, the other parameters at the point."""
    name = setting.names[point.coordinate]
    return f"(fun t => {_applied(setting, f'gradient_{name}', point.coordinate, 't', point.theta)})"


def law(setting: Setting, point: Point, at: str) -> str:
    """Return the law of the minibatches' gradients where the coordinate has the value ``at``."""
    single = f"(gradients {component(setting, point)} (weighted rows) {at})"
    return single if setting.batch_size == 1 else f"(minibatch {setting.batch_size} {single})"


def derivative_statement(setting: Setting, point: Point, at: str) -> str:
    """Return that the gradient is the derivative of the loss by the coordinate, row by row, at ``at``."""
    loss = _applied(setting, "loss", point.coordinate, "t", point.theta)
    return f"forall r, In r rows -> is_derive (fun t => {loss} (snd r)) {at} ({component(setting, point)} {at} (snd r))"


def field_statement(setting: Setting, point: Point, at: str, f: str = "f") -> str:
    """Return that ``f`` is the field's component, without weight decay."""
    kind = "is_nesterov_field" if isinstance(setting.method, NAdam) else "is_field"
    return f"{kind} {beta1_text(setting, point.decision)} (Q2R beta2) {kernel(setting)} {law(setting, point, at)} {f}"


def beta1_text(setting: Setting, decision: Decision) -> str:
    """Return beta1: a variable, or the number that the decision is for."""
    if not setting.every_beta1 and decision.for_beta1 is None:
        return "0"
    return "beta1" if decision.for_beta1 is None else f"(Q2R {rational_number(decision.for_beta1)})"


def kernel(setting: Setting) -> str:
    """Return the kernel."""
    return f"({'inside' if setting.inside_root else 'outside'} (Q2R eps))"


def premise(decisions: Sequence[Decision]) -> str:
    """Return the premise of a theorem that rests on these decisions, if there is one."""
    return " (quadrature_lemma : QuadratureLemma)" if any(d.conditional for d in decisions) else ""


def from_premise(decision: Decision) -> str:
    """Return the argument of a lemma that has the premise."""
    return " quadrature_lemma" if decision.conditional else ""


def for_every_beta1(setting: Setting, decision: Decision) -> str:
    """Return the quantifier before a statement, if there is one."""
    free = setting.every_beta1 and decision.for_beta1 is None
    return "forall beta1, 0 <= beta1 < 1 -> " if free else ""


def value_text(setting: Setting, point: Point) -> str:
    """Return lemmas: the gradients at the point as rational numbers, and the sign that they give."""
    name, label = setting.names[point.coordinate], point.label
    numbers = dict(zip(setting.names, point.theta, strict=True))
    columns = set(setting.columns)
    exact = rational_text(
        setting.components[point.coordinate],
        lambda part: f"{column(part)} r" if part in columns else rational_number(numbers[part]),
    )
    at = f"(Q2R {rational_number(point.theta[point.coordinate])})"
    decision = point.decision
    batch = f"minibatch_Q {setting.batch_size} (" if setting.batch_size > 1 else ""
    law_text = "values" if decision.sign * (1 if decision.theorem == "third" else -1) > 0 else "(opposite_Q values)"
    law_text = law_text.replace("values", f"(merge values_{label})")
    # Coq computes once, when it checks the proof: a quadrature takes some ten seconds.
    computed = "vm_cast_no_check (eq_refl true)." if decision.conditional else "vm_compute. reflexivity."
    return f"""
(* The gradients by {name} at the point, as rational numbers. *)
Definition exact_{label} (r : row) : Q := {exact}%Q.
Definition values_{label} : list (Q * Q) :=
  {batch}gradients_Q exact_{label} rows{")" if batch else ""}.
Lemma exact_value_{label} : forall r, In r rows ->
  {component(setting, point)} {at} (snd r) = Q2R (exact_{label} (snd r)).
Proof.{_value_proof(setting, point)} Qed.
Lemma law_{label} : is_law values_{label} = true.
Proof. vm_compute. reflexivity. Qed.
(* {decision.words}, as a computation. *)
Lemma computed_{label} : {_computation(setting, decision, law_text)} = true.
Proof. {computed} Qed.
"""


def bounds_text(setting: Setting, point: Point) -> str:
    """Return lemmas: rational bounds of the gradients at the point, and the sign that they give."""
    name, label, decision = setting.names[point.coordinate], point.label, point.decision
    rows = ";\n  ".join(
        f"({rational_number(low)}, {rational_number(high)})"
        for _, low, high in setting.row_bounds(point.theta, point.coordinate)
    )
    at = f"(Q2R {rational_number(point.theta[point.coordinate])})"
    batch = f"bounds_of_minibatch {setting.batch_size} (" if setting.batch_size > 1 else ""
    minibatches = f" apply (encloses_minibatch {setting.batch_size})." if batch else ""
    values = f"values_{label}" if decision.sign < 0 else f"(turned values_{label})"
    return f"""
(* Bounds of the gradients by {name} at the point, row by row. *)
Definition bounds_{label} : list (Q * Q) := [
  {rows}]%Q.
Definition values_{label} : list bounds :=
  {batch}combine (map fst rows) bounds_{label}{")" if batch else ""}.
Lemma enclosed_{label} : encloses values_{label} {law(setting, point, at)}.
Proof.
  unfold values_{label}.{minibatches} apply encloses_gradients.
  unfold bounds_{label}, rows. enclosed_rows ltac:(unfold gradient_{name}).
Qed.
Lemma law_{label} : is_law (lower values_{label}) = true.
Proof. vm_compute. reflexivity. Qed.
(* {decision.words}, as a computation. *)
Lemma computed_{label} : enclosed_{_computation(setting, decision, values)} = true.
Proof. vm_compute. reflexivity. Qed.
"""


def _value_proof(setting: Setting, point: Point) -> str:
    name = setting.names[point.coordinate]
    unfolded = f"unfold exact_{point.label}, gradient_{name}"
    if is_smooth_everywhere(setting.components[point.coordinate]):
        return f" intros [p r] _. {unfolded}. cbn [snd]. same_value."
    return f" intros r H. unfold rows in H. each_row H ltac:({unfolded}; exact_numbers)."


def _computation(setting: Setting, decision: Decision, law_text: str) -> str:
    arguments = " ".join(decision.arguments)
    flag = "true" if setting.inside_root else "false"
    if decision.conditional:
        own = rational_number(decision.for_beta1 or Fraction(0))
        return f"quadrature_positive {law_text} {own} beta2 eps {arguments}"
    if decision.theorem == "bracket":
        return f"bracket_positive {law_text} beta2 {arguments}"
    if decision.theorem == "histories":
        own = rational_number(decision.for_beta1 or Fraction(0))
        return f"decided {flag} {law_text} {own} beta2 eps {arguments}"
    return f"{decision.theorem}_positive {flag} {law_text} beta2 eps {arguments}"
