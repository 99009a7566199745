(* The quotient taken apart by the lags of the gradients in the first moment. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field.
Import ListNotations.
Open Scope R_scope.

Section Lags.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K).
Variable l : list (R * R).
Hypothesis Hl : law l.

(* The mean of phi(v_n) after n steps from v. *)
Fixpoint mean_kernel (n : nat) (v : R) : R :=
  match n with O => phi v | S n => E l (fun g => mean_kernel n (b * v + (1 - b) * (g * g))) end.

(* The mean quotient after n steps from m = 0. *)
Fixpoint lags (n : nat) (v : R) : R :=
  match n with
  | O => 0
  | S n => (1 - a) * a ^ n * E l (fun g => g * mean_kernel n ((1 - b) * (g * g) + b * v))
           + E l (fun g => lags n (b * v + (1 - b) * (g * g)))
  end.

Lemma quotient_lags n : forall m v, quotient a b phi l n m v = a ^ n * m * mean_kernel n v + lags n v.
Proof.
  induction n as [|n IH]; intros m v; cbn [quotient mean_kernel lags]; [simpl; ring|].
  rewrite (E_ext l _ (fun g => a ^ S n * m * mean_kernel n (b * v + (1 - b) * (g * g))
     + ((1 - a) * a ^ n * (g * mean_kernel n ((1 - b) * (g * g) + b * v)) + lags n (b * v + (1 - b) * (g * g))))).
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

Lemma mean_kernel_decreasing n : forall v w, 0 <= v <= w -> mean_kernel n w <= mean_kernel n v.
Proof.
  induction n as [|n IH]; intros v w Hvw; cbn [mean_kernel]; [apply (kernel_decreasing _ _ _ Hphi); exact Hvw|].
  apply E_le; [apply Hl|]. intros x _. apply IH. assert (0 <= snd x * snd x) by apply Rle_0_sqr. nra.
Qed.

Lemma mean_kernel_above n M : (forall x, In x l -> snd x * snd x <= M) -> 0 <= M ->
  forall v, 0 <= v <= M -> phi M <= mean_kernel n v.
Proof.
  intros HM H0. induction n as [|n IH]; intros v Hv; cbn [mean_kernel]; [apply (kernel_decreasing _ _ _ Hphi); exact Hv|].
  rewrite <- (E_const l (phi M) Hl). apply E_le; [apply Hl|]. intros x Hx. apply IH.
  assert (0 <= snd x * snd x) by apply Rle_0_sqr. generalize (HM x Hx). intros. split; nra.
Qed.
End Lags.
