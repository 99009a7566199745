(* The quotient taken apart by the lags of the gradients in the first moment. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field.
Import ListNotations.
Open Scope R_scope.

Lemma next_nonneg b v g : 0 < b < 1 -> 0 <= v -> 0 <= b * v + (1 - b) * (g * g).
Proof.
  intros Hb Hv. assert (G : 0 <= g * g) by apply Rle_0_sqr.
  assert (0 <= b * v) by (apply Rmult_le_pos; lra). assert (0 <= (1 - b) * (g * g)) by (apply Rmult_le_pos; lra). lra.
Qed.

Section Means.
Variables (b : R) (l : list (R * R)).
Hypotheses (Hb : 0 < b < 1) (Hl : law l).

(* The mean of phi(v_n) after n steps from v. *)
Fixpoint mean_kernel (phi : R -> R) (n : nat) (v : R) : R :=
  match n with O => phi v | S n => E l (fun g => mean_kernel phi n (b * v + (1 - b) * (g * g))) end.

Lemma mean_kernel_le phi psi n : (forall v, 0 <= v -> phi v <= psi v) -> forall v, 0 <= v -> mean_kernel phi n v <= mean_kernel psi n v.
Proof.
  intros H. induction n as [|n IH]; intros v Hv; cbn [mean_kernel]; [apply H; exact Hv|].
  apply E_le; [apply Hl|]. intros x _. apply IH, next_nonneg; assumption.
Qed.

(* What the start still weighs in the mean of v_n. *)
Lemma mean_kernel_line p q n : forall v,
  mean_kernel (fun v => p + q * (v - E l (fun g => g * g))) n v = p + q * (b ^ n * (v - E l (fun g => g * g))).
Proof.
  set (S := E l (fun g => g * g)). induction n as [|n IH]; intros v; cbn [mean_kernel]; [simpl; ring|].
  rewrite (E_ext l _ (fun g => (p + q * (b ^ n * (b * v - S))) + q * (b ^ n * (1 - b)) * (g * g))) by (intros; rewrite IH; ring).
  rewrite E_plus, E_scal, (E_const l _ Hl). fold S. simpl. ring.
Qed.

Lemma mean_kernel_const c n : forall v, mean_kernel (fun _ => c) n v = c.
Proof.
  induction n as [|n IH]; intros v; cbn [mean_kernel]; [reflexivity|].
  rewrite (E_ext l _ (fun _ => c)) by (intros; apply IH). apply E_const. exact Hl.
Qed.

Lemma mean_kernel_decreasing phi n : (forall v w, 0 <= v <= w -> phi w <= phi v) ->
  forall v w, 0 <= v <= w -> mean_kernel phi n w <= mean_kernel phi n v.
Proof.
  intros H. induction n as [|n IH]; intros v w Hvw; cbn [mean_kernel]; [apply H; exact Hvw|].
  apply E_le; [apply Hl|]. intros x _. apply IH. split; [apply next_nonneg; [exact Hb|lra]|].
  assert (b * v <= b * w) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Lemma mean_kernel_above phi n M : (forall v w, 0 <= v <= w -> phi w <= phi v) ->
  (forall x, In x l -> snd x * snd x <= M) -> 0 <= M -> forall v, 0 <= v <= M -> phi M <= mean_kernel phi n v.
Proof.
  intros H HM H0. induction n as [|n IH]; intros v Hv; cbn [mean_kernel]; [apply H; exact Hv|].
  rewrite <- (E_const l (phi M) Hl). apply E_le; [apply Hl|]. intros x Hx. apply IH, convex; auto.
Qed.
End Means.

Section Lags.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K).
Variable l : list (R * R).
Hypothesis Hl : law l.

Notation U := (mean_kernel b l phi).

(* The mean of phi(V), V the second moment after infinitely many steps. *)
Definition is_kernel_mean (T : R) : Prop := is_lim_seq (fun n => U n 0) T.

Lemma mean_kernel_forget n : forall v w, 0 <= v -> 0 <= w ->
  Rabs (U n v - U n w) <= K * sqrt (b ^ n * Rabs (v - w)).
Proof.
  destruct (kernel_constants C K phi Hphi) as [_ K0].
  induction n as [|n IH]; intros v w Hv Hw; cbn [mean_kernel].
  - simpl pow. rewrite Rmult_1_l. eapply Rle_trans; [apply (kernel_lip _ _ _ Hphi v w Hv Hw)|].
    apply Rmult_le_compat_l; [exact K0|]. apply sqrt_diff; assumption.
  - rewrite E_minus. apply E_abs; [exact Hl|]. intros x _. cbv beta.
    eapply Rle_trans; [apply IH; apply next_nonneg; assumption|]. right. f_equal. f_equal.
    replace (b * v + (1 - b) * (snd x * snd x) - (b * w + (1 - b) * (snd x * snd x))) with (b * (v - w)) by ring.
    rewrite Rabs_mult, (Rabs_pos_eq b) by lra. simpl. ring.
Qed.

Lemma kernel_mean_from v T : 0 <= v -> is_kernel_mean T -> is_lim_seq (fun n => U n v) T.
Proof.
  intros Hv HT.
  assert (D : is_lim_seq (fun n => U n v - U n 0) 0).
  { apply is_lim_seq_abs_0. apply (is_lim_seq_le_le (fun _ => 0) _ (fun n => K * sqrt (b ^ n * Rabs (v - 0)))).
    - intros n. split; [apply Rabs_pos|]. apply mean_kernel_forget; lra.
    - apply is_lim_seq_const.
    - replace (Finite 0) with (Finite (K * 0)) by (f_equal; ring).
      apply (is_lim_seq_scal_l _ K 0). apply pow_root_vanishes. exact Hb. }
  apply (is_lim_seq_ext (fun n => U n 0 + (U n v - U n 0))); [intros; ring|].
  replace (Finite T) with (Finite (T + 0)) by (f_equal; ring). apply is_lim_seq_plus'; assumption.
Qed.

Lemma kernel_mean_exists : exists T, is_kernel_mean T.
Proof.
  destruct (ex_finite_lim_seq_decr (fun n => U n 0) 0) as [T HT]; [| |exists T; exact HT].
  - intros n. cbn [mean_kernel]. rewrite <- (E_const l (U n 0) Hl).
    apply E_le; [apply Hl|]. intros x _. apply mean_kernel_decreasing; [exact Hb|exact Hl|exact (kernel_decreasing _ _ _ Hphi)|].
    split; [lra|apply next_nonneg; lra].
  - intros n. apply Rle_trans with (mean_kernel b l (fun _ => 0) n 0);
      [right; symmetry; apply mean_kernel_const; exact Hl|]. apply mean_kernel_le; [exact Hb|exact Hl| |lra].
    intros v Hv. left. apply (kernel_pos _ _ _ Hphi v Hv).
Qed.

Lemma kernel_mean_nonneg T : is_kernel_mean T -> 0 <= T.
Proof.
  intros HT. refine (is_lim_seq_le (fun _ => 0) _ 0 T _ (is_lim_seq_const 0) HT). intros n.
  apply Rle_trans with (mean_kernel b l (fun _ => 0) n 0);
      [right; symmetry; apply mean_kernel_const; exact Hl|]. apply mean_kernel_le; [exact Hb|exact Hl| |lra].
  intros v Hv. left. apply (kernel_pos _ _ _ Hphi v Hv).
Qed.

(* The mean quotient after n steps from m = 0. *)
Fixpoint lags (n : nat) (v : R) : R :=
  match n with
  | O => 0
  | S n => (1 - a) * a ^ n * E l (fun g => g * U n ((1 - b) * (g * g) + b * v))
           + E l (fun g => lags n (b * v + (1 - b) * (g * g)))
  end.

Lemma quotient_lags n : forall m v, quotient a b phi l n m v = a ^ n * m * U n v + lags n v.
Proof.
  induction n as [|n IH]; intros m v; cbn [quotient mean_kernel lags]; [simpl; ring|].
  rewrite (E_ext l _ (fun g => a ^ S n * m * U n (b * v + (1 - b) * (g * g))
     + ((1 - a) * a ^ n * (g * U n ((1 - b) * (g * g) + b * v)) + lags n (b * v + (1 - b) * (g * g))))).
  2:{ intros x _. rewrite IH. rewrite (Rplus_comm ((1 - b) * _) (b * v)). simpl. ring. }
  rewrite E_plus, E_plus, !E_scal. reflexivity.
Qed.

(* So the field is minus the limit of the lags, from any start of the second moment. *)
Lemma lags_limit v f : 0 <= v -> is_field a b phi l f -> is_lim_seq (fun n => lags n v) (- f).
Proof.
  intros Hv Hf. apply (is_lim_seq_ext (fun n => quotient a b phi l n 0 v)).
  - intros n. rewrite quotient_lags. ring.
  - apply (any_start a b C K phi Ha Hb Hphi l Hl (largest l) (largest_bound l)); [exact Hv|apply largest_nonneg|exact Hf].
Qed.
End Lags.
