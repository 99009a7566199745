(* NAdam: the numerator beta1 m + (1 - beta1) g. Its field is a mixture of the fields of Adam and of RMSprop. *)
From Coq Require Import Reals List Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field.
Import ListNotations.
Open Scope R_scope.

Section Nesterov.
Variables (beta1 beta2 : R) (phi : R -> R) (l : list (R * R)).

(* The mean of NAdam's quotient after n steps from the moments m and v; g is the newest gradient. *)
Fixpoint nesterov_quotient (n : nat) (m v g : R) : R :=
  match n with
  | O => (beta1 * m + (1 - beta1) * g) * phi v
  | S n => E l (fun g => nesterov_quotient n (beta1 * m + (1 - beta1) * g) (beta2 * v + (1 - beta2) * (g * g)) g)
  end.

Definition is_nesterov_field (f : R) : Prop := is_lim_seq (fun n => nesterov_quotient n 0 0 0) (- f).

Lemma nesterov_mixture n : forall m v g,
  nesterov_quotient n m v g = beta1 * quotient beta1 beta2 phi l n m v + (1 - beta1) * quotient 0 beta2 phi l n g v.
Proof.
  induction n as [|n IH]; intros m v g; cbn [nesterov_quotient quotient]; [ring|].
  rewrite <- !E_scal, <- E_plus. apply E_ext. intros x _. rewrite IH.
  replace (0 * g + (1 - 0) * snd x) with (snd x) by ring. reflexivity.
Qed.

(* So a sign that Adam's field has for every beta1 is NAdam's too. *)
Lemma nesterov_field f k : is_field beta1 beta2 phi l f -> is_field 0 beta2 phi l k ->
  is_nesterov_field (beta1 * f + (1 - beta1) * k).
Proof.
  unfold is_field, is_nesterov_field. intros Hf Hk.
  apply (is_lim_seq_ext (fun n => beta1 * quotient beta1 beta2 phi l n 0 0 + (1 - beta1) * quotient 0 beta2 phi l n 0 0)).
  - intros n. symmetry. apply nesterov_mixture.
  - replace (- (beta1 * f + (1 - beta1) * k)) with (beta1 * - f + (1 - beta1) * - k) by ring.
    apply is_lim_seq_plus'.
    + apply (is_lim_seq_scal_l _ beta1 (- f) Hf).
    + apply (is_lim_seq_scal_l _ (1 - beta1) (- k) Hk).
Qed.
End Nesterov.

Lemma nesterov_sign beta1 beta2 phi l s : 0 <= beta1 < 1 ->
  (exists f, is_field beta1 beta2 phi l f /\ 0 < s * f) -> (exists f, is_field 0 beta2 phi l f /\ 0 < s * f) ->
  exists f, is_nesterov_field beta1 beta2 phi l f /\ 0 < s * f.
Proof.
  intros Ha (f & Hf & Sf) (k & Hk & Sk). exists (beta1 * f + (1 - beta1) * k). split; [apply nesterov_field; assumption|].
  replace (s * (beta1 * f + (1 - beta1) * k)) with (beta1 * (s * f) + (1 - beta1) * (s * k)) by ring.
  assert (0 <= beta1 * (s * f)) by (apply Rmult_le_pos; lra). assert (0 < (1 - beta1) * (s * k)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.
