(* Sums over the coordinates of a point: a list, and a function of its elements. *)
From Coq Require Import Reals List Lra Lia Psatz.
Import ListNotations.
Open Scope R_scope.

Fixpoint total {A : Type} (F : A -> R) (l : list A) : R :=
  match l with [] => 0 | x :: l => F x + total F l end.

Section Sums.
Context {A : Type}.
Implicit Types (F G : A -> R) (l : list A).

Lemma total_plus F G l : total (fun x => F x + G x) l = total F l + total G l.
Proof. induction l as [|x l IH]; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma total_scal c F l : total (fun x => c * F x) l = c * total F l.
Proof. induction l as [|x l IH]; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma total_le F G l : (forall x, In x l -> F x <= G x) -> total F l <= total G l.
Proof.
  induction l as [|x l IH]; simpl; intros H; [lra|].
  apply Rplus_le_compat; [apply H; left; reflexivity|apply IH; intros; apply H; right; assumption].
Qed.

Lemma total_ext F G l : (forall x, In x l -> F x = G x) -> total F l = total G l.
Proof. intros H. apply Rle_antisym; apply total_le; intros x Hx; rewrite (H x Hx); lra. Qed.

Lemma total_nonneg F l : (forall x, In x l -> 0 <= F x) -> 0 <= total F l.
Proof.
  induction l as [|x l IH]; simpl; intros H; [lra|].
  assert (0 <= F x) by (apply H; left; reflexivity). assert (0 <= total F l) by (apply IH; intros; apply H; right; assumption). lra.
Qed.

Lemma total_one F l x : (forall y, In y l -> 0 <= F y) -> In x l -> F x <= total F l.
Proof.
  induction l as [|y l IH]; simpl; intros H Hx; [contradiction|].
  assert (0 <= F y) by (apply H; left; reflexivity). assert (0 <= total F l) by (apply total_nonneg; intros; apply H; right; assumption).
  destruct Hx as [->|Hx]; [lra|]. assert (F x <= total F l) by (apply IH; [intros; apply H; right; assumption|exact Hx]). lra.
Qed.

(* Cauchy's inequality. *)
Lemma total_cauchy F G l :
  total (fun x => F x * G x) l * total (fun x => F x * G x) l <= total (fun x => F x * F x) l * total (fun x => G x * G x) l.
Proof.
  set (T := total (fun x => F x * G x) l). set (f := total (fun x => F x * F x) l). set (g := total (fun x => G x * G x) l).
  assert (P : forall k, 0 <= f + 2 * k * T + k * k * g).
  { intros k. apply Rle_trans with (total (fun x => (F x + k * G x) * (F x + k * G x)) l).
    - apply total_nonneg. intros. apply Rle_0_sqr.
    - right. rewrite (total_ext _ (fun x => F x * F x + (2 * k * (F x * G x) + k * k * (G x * G x)))) by (intros; ring).
      rewrite !total_plus, !total_scal. fold T f g. ring. }
  assert (g0 : 0 <= g) by (apply total_nonneg; intros; apply Rle_0_sqr).
  destruct (Rle_lt_or_eq_dec 0 g g0) as [h|h].
  - assert (X := P (- T / g)). replace (f + 2 * (- T / g) * T + - T / g * (- T / g) * g) with ((f * g - T * T) * / g) in X by (field; lra).
    assert (0 <= f * g - T * T); [|lra].
    apply (Rmult_le_reg_r (/ g)); [apply Rinv_0_lt_compat; exact h|]. rewrite Rmult_0_l. exact X.
  - rewrite <- h, Rmult_0_r. destruct (Req_dec T 0) as [z|z]; [rewrite z; lra|exfalso].
    assert (X := P (- (f + 1) / (2 * T))). rewrite <- h in X.
    replace (f + 2 * (- (f + 1) / (2 * T)) * T + - (f + 1) / (2 * T) * (- (f + 1) / (2 * T)) * 0) with (-1) in X by (field; exact z). lra.
Qed.
End Sums.
