"""The lemmas and theorems of an exported file: signs at points, no zero at a critical point, a zero between points."""

from fractions import Fraction

from adamsym.formal.export import (
    Point,
    beta1_text,
    bounds_text,
    component,
    derivative_statement,
    field_statement,
    for_every_beta1,
    from_premise,
    kernel,
    law,
    premise,
    value_text,
)
from adamsym.formal.rational import is_smooth_everywhere, rational_number
from adamsym.formal.setting import Setting
from adamsym.methods.adam import NAdam


def _at(point: Point) -> str:
    return f"(Q2R {rational_number(point.theta[point.coordinate])})"


def sign_lemma(setting: Setting, point: Point) -> str:
    """Return the lemmas of a point, with the sign of Adam's field there as the last of them."""
    sign = _exact_sign(setting, point) if setting.rational else _enclosed_sign(setting, point)
    return sign + _nesterov(setting, point)


def _enclosed_sign(setting: Setting, point: Point) -> str:
    decision, label = point.decision, point.label
    own, covered = beta1_text(setting, decision), _covered(setting)
    flag, values = "true" if setting.inside_root else "false", f"values_{label}"
    lemma = f"{'positive' if decision.sign > 0 else 'negative'}_by_enclosed_{decision.theorem}"
    arguments, laws = " ".join(decision.arguments), law(setting, point, _at(point))
    if decision.theorem == "bracket":
        applied = (
            f"{lemma} {values} _ beta2 {arguments} _ enclosed_{label} ({covered} _ He) H2 computed_{label} {own} H1"
        )
    elif decision.theorem == "histories":
        number = rational_number(decision.for_beta1 or Fraction(0))
        applied = f"{lemma} {flag} {values} _ {number} beta2 eps {arguments} enclosed_{label} H1 H2 He computed_{label}"
    else:
        applied = f"{lemma} {flag} {values} _ beta2 eps {arguments} enclosed_{label} H2 He computed_{label} {own} H1"
    quantifier = for_every_beta1(setting, decision)
    statement = f"is_field {own} (Q2R beta2) {kernel(setting)} {laws} f"
    return (
        bounds_text(setting, point)
        + f"""Lemma sign_{label} : {quantifier}exists f, {statement} /\\ 0 < {decision.sign} * f.
Proof.
  {_given(setting, point)}
  destruct (enclosed_field_exists {values} _ {own} (Q2R beta2) {kernel(setting)} enclosed_{label} law_{label}
    ({covered} _ He) H1 H2) as (f & Hf).
  exists f. split; [exact Hf|]. assert (X := {applied} f Hf). lra.
Qed.
"""
    )


def _covered(setting: Setting) -> str:
    return f"{'inside' if setting.inside_root else 'outside'}_covered"


def _given(setting: Setting, point: Point) -> str:
    """What each proof of a sign begins with: the ranges of beta1, beta2 and eps."""
    own = beta1_text(setting, point.decision)
    free = for_every_beta1(setting, point.decision)
    intro = "intros beta1 H1." if free else f"assert (H1 : 0 <= {own} < 1) by between_0_and_1."
    return f"{intro} assert (H2 : 0 < Q2R beta2 < 1) by between_0_and_1. assert (He : 0 < Q2R eps) by between_0_and_1."


def _exact_sign(setting: Setting, point: Point) -> str:
    decision, label = point.decision, point.label
    own = beta1_text(setting, decision)
    covered = _covered(setting)
    flag = "true" if setting.inside_root else "false"
    word = "positive" if decision.sign > 0 else "negative"
    arguments, values = " ".join(decision.arguments), f"(merge values_{label})"
    if decision.theorem == "bracket":
        applied = f"{word}_by_bracket {values} beta2 {arguments} _ ({covered} _ He) H2 computed_{label} {own} H1"
    elif decision.conditional:
        number = rational_number(decision.for_beta1 or Fraction(0))
        applied = (
            f"{word}_by_quadrature quadrature_lemma {values} {number} beta2 eps {arguments} H1 H2 He computed_{label}"
        )
    elif decision.theorem == "histories":
        number = rational_number(decision.for_beta1 or Fraction(0))
        applied = f"{word}_if_decided {flag} {values} {number} beta2 eps {arguments} H1 H2 He computed_{label}"
    else:
        numbers = f"{flag} {values} beta2 eps {arguments} H2 He computed_{label} {own} H1"
        applied = f"{word}_by_{decision.theorem} {numbers}"
    statement = f"is_field {own} (Q2R beta2) {kernel(setting)} {law(setting, point, _at(point))} f"
    quantifier = for_every_beta1(setting, decision)
    batch = ", <- minibatch_atoms" if setting.batch_size > 1 else ""
    return (
        value_text(setting, point)
        + f"""Lemma sign_{label}{premise([decision])} : {quantifier}exists f, {statement} /\\ 0 < {decision.sign} * f.
Proof.
  {_given(setting, point)}
  rewrite (gradients_atoms {component(setting, point)} exact_{label} rows {_at(point)} exact_value_{label}){batch}.
  apply (merged_sign {own} (Q2R beta2) {kernel(setting)} values_{label} (fun f => 0 < {decision.sign} * f)).
  - exact (rational_field_exists _ {own} (Q2R beta2) _ ({covered} _ He) H1 H2 law_{label}).
  - intros f Hf. assert (X := {applied} f Hf). lra.
Qed.
"""
    )


def _nesterov(setting: Setting, point: Point) -> str:
    if not isinstance(setting.method, NAdam):
        return ""
    return f"""Lemma nesterov_{point.label} : forall beta1, 0 <= beta1 < 1 ->
  exists f, {field_statement(setting, point, _at(point))} /\\ 0 < {point.decision.sign} * f.
Proof.
  intros beta1 H1. apply nesterov_sign; [exact H1|apply sign_{point.label}; exact H1|apply sign_{point.label}; lra].
Qed.
"""


def _decay(setting: Setting, at: str) -> str:
    return f" - Q2R weight_decay * {at}" if setting.method.exact_decay else ""


def sign_statement(setting: Setting, point: Point) -> str:
    """Return the statement of a sign: existence of the field's value is part of it."""
    compared = "0 <" if point.decision.sign > 0 else "0 >"
    value = f"f{_decay(setting, _at(point))}"
    quantifier = for_every_beta1(setting, point.decision)
    return f"({quantifier}exists f, {field_statement(setting, point, _at(point))} /\\ {compared} {value})"


def _sign_proof(setting: Setting, point: Point) -> str:
    lemma = f"{'nesterov' if isinstance(setting.method, NAdam) else 'sign'}_{point.label}"
    free = for_every_beta1(setting, point.decision)
    decay = (
        f" assert (D : 0 <= - {point.decision.sign} * (Q2R weight_decay * {_at(point)})) by between_0_and_1."
        if setting.method.exact_decay
        else ""
    )
    given = "intros beta1 H1. " if free else ""
    applied = f"({lemma} beta1 H1)" if free else f"({lemma}{from_premise(point.decision)})"
    return f"{given}destruct {applied} as (f & Hf & S). exists f. split; [exact Hf|].{decay} lra."


def _derivative_proof(setting: Setting, point: Point) -> str:
    unfolded = f"unfold loss, gradient_{setting.names[point.coordinate]}"
    if setting.loss is None or _is_smooth(setting, point.coordinate):
        return f"intros r _. {unfolded}. auto_derive; [repeat split; auto|same_arguments; field]."
    return f"intros r H. unfold rows in H. each_row H ltac:({unfolded}; derivative_numbers)."


def _is_smooth(setting: Setting, coordinate: int) -> bool:
    expressions = [setting.components[coordinate], *([] if setting.loss is None else [setting.loss])]
    return all(is_smooth_everywhere(expression) for expression in expressions)


def sign_theorem(setting: Setting, points: list[Point]) -> tuple[str, str]:
    """Return the name of a theorem and its text: the signs at points, and that gradients are the loss's."""
    parts, proofs = [], []
    for point in points:
        if setting.loss is not None:
            parts.append(f"({derivative_statement(setting, point, _at(point))})")
            proofs.append(_derivative_proof(setting, point))
        parts.append(sign_statement(setting, point))
        proofs.append(_sign_proof(setting, point))
    return "sign", _theorem("sign", parts, proofs, premise([point.decision for point in points]))


def not_zero_theorem(setting: Setting, points: list[Point], critical: list[str]) -> tuple[str, str]:
    """Return a theorem that the point is critical and no zero; ``critical`` are the labels of the exact means."""
    parts, proofs = [], []
    for point, label in zip(_every_coordinate(setting, points[0]), critical, strict=True):
        if setting.loss is not None:
            parts.append(f"({derivative_statement(setting, point, _at(point))})")
            proofs.append(_derivative_proof(setting, point))
        parts.append(f"(mean (gradients {component(setting, point)} (weighted rows) {_at(point)}) = 0)")
        proofs.append(f"exact {label}.")
    parts.append(sign_statement(setting, points[0]))
    proofs.append(_sign_proof(setting, points[0]))
    assumed = premise([point.decision for point in points])
    return "critical_but_no_zero", _theorem("critical_but_no_zero", parts, proofs, assumed)


def _every_coordinate(setting: Setting, point: Point) -> list[Point]:
    return [Point(f"mean_{name}", point.theta, k, point.decision) for k, name in enumerate(setting.names)]


def critical_lemmas(setting: Setting, decided: Point) -> tuple[str, list[str]]:
    """Return lemmas that the mean of each component of the gradient is 0, and their names."""
    text, names = "", []
    for point in _every_coordinate(setting, decided):
        values = value_text(setting, point)
        shown = values[: values.index("Lemma law_")]
        label = f"critical_{point.label}"
        text += (
            shown
            + f"""Lemma {label} : mean (gradients {component(setting, point)} (weighted rows) {_at(point)}) = 0.
Proof.
  rewrite (gradients_atoms {component(setting, point)} exact_{point.label} rows {_at(point)} exact_value_{point.label}).
  apply mean_zero. vm_compute. reflexivity.
Qed.
"""
        )
        names.append(label)
    return text, names


def zero_theorem(setting: Setting, low: Point, high: Point) -> tuple[str, str]:
    """Return a theorem that a zero lies between two points; the problem has one parameter."""
    parts, proofs = [f"({_zero_statement(setting, low, high)})"], [_zero_proof(setting, low, high)]
    if setting.loss is not None:
        between = f"forall theta, {_at(low)} <= theta <= {_at(high)} -> "
        parts.insert(0, f"({between}{derivative_statement(setting, low, 'theta')})")
        proof = _derivative_proof(setting, low)
        if not _is_smooth(setting, 0):
            tactic = f"ltac:(unfold loss, gradient_{setting.names[0]}; derivative_on Ht)"
            proof = f"intros r H. unfold rows in H. each_row H {tactic}."
        proofs.insert(0, f"intros theta Ht. {proof}")
    return "zero", _theorem("zero", parts, proofs, premise([low.decision, high.decision]))


def _zero_statement(setting: Setting, low: Point, high: Point) -> str:
    inside = f"{_at(low)} < theta < {_at(high)}"
    quantifier, decay = for_every_beta1(setting, low.decision), _decay(setting, "theta")
    if not decay:
        return f"{quantifier}exists theta, {inside} /\\ {field_statement(setting, low, 'theta', '0')}"
    return f"{quantifier}exists theta f, {inside} /\\ {field_statement(setting, low, 'theta')} /\\ f{decay} = 0"


def _zero_proof(setting: Setting, low: Point, high: Point) -> str:
    """The signs at both ends, the law's continuity, and the intermediate value theorem."""
    own, ends = beta1_text(setting, low.decision), (_at(low), _at(high))
    laws = f"(fun theta => {law(setting, low, 'theta')})"
    decay = "Q2R weight_decay" if setting.method.exact_decay else "0"
    covered = f"{'inside' if setting.inside_root else 'outside'}_kernel"
    free = for_every_beta1(setting, low.decision)
    given = "intros beta1 H1." if free else f"assert (H1 : 0 <= {own} < 1) by between_0_and_1."
    lows, highs = (f"sign_{p.label}{from_premise(p.decision)}{' beta1 H1' if free else ''}" for p in (low, high))
    decays = "".join(
        f"\n  assert (D{k} : 0 <= - {p.decision.sign} * ({decay} * {end})) by between_0_and_1."
        for k, (p, end) in enumerate(zip((low, high), ends, strict=True))
    )
    a_law = f"{'apply minibatch_law; ' if setting.batch_size > 1 else ''}apply weighted_law; vm_compute; reflexivity"
    end = "exists theta. split; [exact T1|]. replace 0 with f by lra. exact T2."
    if setting.method.exact_decay:
        end = "exists theta, f. auto."
    return f"""{given}
  assert (H2 : 0 < Q2R beta2 < 1) by between_0_and_1. assert (He : 0 < Q2R eps) by between_0_and_1.
  destruct ({lows}) as (f0 & F0 & S0). destruct ({highs}) as (f1 & F1 & S1).{decays}
  assert (A : forall theta, law ({laws} theta)) by (intros theta; {a_law}).
  assert (T : forall theta, {ends[0]} <= theta <= {ends[1]} -> continuous_law {laws} theta).
  {{ {_continuity(setting, low)} }}
  assert (O : {ends[0]} < {ends[1]}) by between_0_and_1.
  destruct (zero_between {own} (Q2R beta2) _ _ {kernel(setting)} H1 H2 ({covered} _ He) {laws} A ({decay})
    {ends[0]} {ends[1]} {low.decision.sign} f0 f1 O T F0 F1 ltac:(lra) ltac:(lra)) as (theta & f & T1 & T2 & T3).
  {end}"""


def _continuity(setting: Setting, point: Point) -> str:
    """The proof that the law moves continuously: each row's gradient does."""
    gradient = f"gradient_{setting.names[0]}"
    batch = ""
    if setting.batch_size > 1:
        single = f"(fun theta => gradients {component(setting, point)} (weighted rows) theta)"
        batch = f"apply (minibatch_continuous {setting.batch_size} {single}). "
    rows, smooth = "", "smooth_row"
    if not _is_smooth(setting, 0):
        rows = " unfold weighted, rows in Hr. cbn [map] in Hr. each_row Hr ltac:(idtac)."
        smooth = "smooth_numbers Ht"
    return f"""intros theta Ht. {batch}apply gradients_continuous. intros r Hr.{rows}
    all: apply continuity_pt_filterlim, (ex_derive_continuous (fun t => {gradient} t _)).
    all: unfold {gradient}; {smooth}."""


def _theorem(name: str, parts: list[str], proofs: list[str], assumed: str = "") -> str:
    body = " /\\\n  ".join(parts)
    lines = []
    for k, proof in enumerate(proofs):
        lines.append(f"  split. {{ {proof} }}" if k + 1 < len(proofs) else f"  {proof}")
    return (
        f"\nTheorem {name}{assumed} :\n  {body}.\nProof.\n" + "\n".join(lines) + f"\nQed.\nPrint Assumptions {name}.\n"
    )
