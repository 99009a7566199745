(* The one-lag theorem: the sign of a mean with a single lag in it, for all weights and pasts, is that of the field. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Lags.
Import ListNotations.
Open Scope R_scope.

Definition lag (phi : R -> R) (l : list (R * R)) (w y : R) : R := E l (fun g => g * phi (w * (g * g) + y)).

Section OneLag.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K).
Variable l : list (R * R).
Hypothesis Hl : law l.
Variables L M : R.
Hypothesis HL : 0 <= L.
Hypothesis HLM : forall x, In x l -> L <= snd x * snd x <= M.
Variables (s d : R).
Hypothesis lag_sign : forall w y, 0 < w <= 1 - b -> (1 - w) * L <= y <= (1 - w) * M -> 0 <= s * lag phi l w y.
Hypothesis lag_first : forall y, b * L <= y <= b * M -> d <= s * lag phi l (1 - b) y.

Lemma lag_later n : forall w c, 0 < w <= 1 - b -> (1 - w) * L <= c <= (1 - w) * M ->
  0 <= s * E l (fun g => g * mean_kernel b l phi n (w * (g * g) + c)).
Proof.
  induction n as [|n IH]; intros w c Hw Hc; cbn [mean_kernel]; [apply lag_sign; assumption|].
  rewrite (E_ext l _ (fun g => E l (fun k => g * mean_kernel b l phi n (b * w * (g * g) + (b * c + (1 - b) * (k * k)))))).
  2:{ intros x _. rewrite E_scal. f_equal. apply E_ext. intros y _. f_equal. ring. }
  rewrite E_swap, <- E_scal. rewrite <- (E_zero l). apply E_le; [apply Hl|].
  intros k Hk. generalize (HLM k Hk). intros [k1 k2].
  apply IH; [split; [apply Rmult_lt_0_compat; lra|nra]|]. split; nra.
Qed.

Lemma lags_sign n : forall v, L <= v <= M -> 0 <= s * lags a b phi l n v.
Proof.
  induction n as [|n IH]; intros v Hv; cbn [lags]; [lra|].
  rewrite Rmult_plus_distr_l. apply Rplus_le_le_0_compat.
  - replace (s * ((1 - a) * a ^ n * E l (fun g => g * mean_kernel b l phi n ((1 - b) * (g * g) + b * v))))
      with ((1 - a) * a ^ n * (s * E l (fun g => g * mean_kernel b l phi n ((1 - b) * (g * g) + b * v)))) by ring.
    apply Rmult_le_pos; [apply Rmult_le_pos; [lra|apply pow_le; lra]|]. apply lag_later; [lra|]. split; nra.
  - rewrite <- E_scal, <- (E_zero l). apply E_le; [apply Hl|]. intros k Hk. generalize (HLM k Hk). intros [k1 k2].
    apply IH. split; nra.
Qed.

Lemma lags_bound n : forall v, L <= v <= M -> (1 - a) * d <= s * lags a b phi l (S n) v.
Proof.
  induction n as [|n IH]; intros v Hv.
  - cbn [lags mean_kernel]. rewrite E_zero. simpl pow.
    replace (s * ((1 - a) * 1 * E l (fun g => g * phi ((1 - b) * (g * g) + b * v)) + 0))
      with ((1 - a) * (s * lag phi l (1 - b) (b * v))) by (unfold lag; ring).
    apply Rmult_le_compat_l; [lra|]. apply lag_first. split; nra.
  - remember (S n) as n' eqn:En. cbn [lags]. rewrite Rmult_plus_distr_l. rewrite <- (Rplus_0_l ((1 - a) * d)).
    apply Rplus_le_compat.
    + replace (s * ((1 - a) * a ^ n' * E l (fun g => g * mean_kernel b l phi n' ((1 - b) * (g * g) + b * v))))
        with ((1 - a) * a ^ n' * (s * E l (fun g => g * mean_kernel b l phi n' ((1 - b) * (g * g) + b * v)))) by ring.
      apply Rmult_le_pos; [apply Rmult_le_pos; [lra|apply pow_le; lra]|]. apply lag_later; [lra|]. split; nra.
    + rewrite <- E_scal, <- (E_const l ((1 - a) * d) Hl). apply E_le; [apply Hl|].
      intros k Hk. generalize (HLM k Hk). intros [k1 k2]. apply IH. split; nra.
Qed.

Theorem one_lag f : L <= M -> is_field a b phi l f -> (1 - a) * d <= s * - f.
Proof.
  intros HLM' Hf.
  assert (D := lags_limit a b C K phi Ha Hb Hphi l Hl L f HL Hf). apply is_lim_seq_incr_1 in D.
  assert (S' := is_lim_seq_scal_l _ s _ D).
  apply (is_lim_seq_le (fun _ => (1 - a) * d) (fun n => s * lags a b phi l (S n) L) ((1 - a) * d) (s * - f)).
  - intros n. apply lags_bound. lra.
  - apply is_lim_seq_const.
  - exact S'.
Qed.
End OneLag.
