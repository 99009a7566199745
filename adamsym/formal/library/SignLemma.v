(* The sign lemma (N-Lemma 1 and the inequality of N-Lemma 4): the field has the sign of minus the mean gradient
   unless that mean is small beside the standard deviation, for every beta1. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Lags.
Import ListNotations.
Open Scope R_scope.

Section SignLemma.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K).
Variable l : list (R * R).
Hypothesis Hl : law l.
Variables M t : R.
Hypothesis HM : forall x, In x l -> snd x * snd x <= M.
Hypothesis M0 : 0 <= M.
Hypothesis Ht : 0 < t.
Hypothesis ratio : forall v, 0 <= v <= M -> phi (b * v) <= phi v / t.
Notation U := (mean_kernel b l phi).
Notation decreasing := (kernel_decreasing _ _ _ Hphi).
Notation W := (lags a b phi l).

Lemma mean_kernel_ratio n : forall v, 0 <= v <= M -> U n (b * v) <= U n v / t.
Proof.
  induction n as [|n IH]; intros v Hv; cbn [mean_kernel]; [apply ratio; exact Hv|].
  unfold Rdiv. rewrite (Rmult_comm (E l _)), <- E_scal. apply E_le; [apply Hl|]. intros x Hx.
  rewrite (Rmult_comm (/ t)). fold (U n (b * v + (1 - b) * (snd x * snd x)) / t).
  eapply Rle_trans; [|apply IH; apply convex; auto].
  apply (mean_kernel_decreasing b l Hb Hl phi n decreasing).
  assert (G : 0 <= snd x * snd x) by apply Rle_0_sqr. generalize (convex b v (snd x) M Hb Hv (HM x Hx)). intros [X _].
  split; [apply Rmult_le_pos; lra|].
  assert (0 <= (1 - b) * ((1 - b) * (snd x * snd x))) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]). lra.
Qed.

Lemma mean_kernel_nonneg n v : 0 <= v <= M -> 0 <= U n v.
Proof.
  intros Hv. eapply Rle_trans; [|apply (mean_kernel_above b l Hb Hl phi n M decreasing HM M0 v Hv)].
  left. apply (kernel_pos _ _ _ Hphi). exact M0.
Qed.

Variable c : R.
Notation P := (E l (fun g => pos (c - g))).

Lemma lag_below n v : 0 <= v <= M ->
  c * U (S n) v - P / t * U n v <= E l (fun g => g * U n ((1 - b) * (g * g) + b * v)).
Proof.
  intros Hv. cbn [mean_kernel].
  replace (P / t * U n v) with (U n v / t * P) by (field; lra).
  rewrite <- !E_scal, E_minus. apply E_le; [apply Hl|]. intros x Hx. cbv beta.
  set (g := snd x). rewrite (Rplus_comm (b * v)). set (u := U n ((1 - b) * (g * g) + b * v)).
  assert (G : 0 <= g * g) by apply Rle_0_sqr. generalize (HM x Hx). fold g. intros X.
  assert (V := convex b v g M Hb Hv X). assert (0 <= (1 - b) * (g * g)) by (apply Rmult_le_pos; lra).
  assert (0 <= b * v) by (apply Rmult_le_pos; lra).
  assert (u0 : 0 <= u) by (apply mean_kernel_nonneg; lra).
  assert (u1 : u <= U n v / t).
  { eapply Rle_trans; [|apply mean_kernel_ratio; exact Hv].
    apply (mean_kernel_decreasing b l Hb Hl phi n decreasing). lra. }
  assert (p0 := pos_nonneg (c - g)). assert (p1 := pos_ge (c - g)).
  assert (pos (c - g) * u <= U n v / t * pos (c - g)) by (rewrite (Rmult_comm (U n v / t)); apply Rmult_le_compat_l; assumption).
  assert ((c - g) * u <= pos (c - g) * u) by (apply Rmult_le_compat_r; assumption). lra.
Qed.

Lemma lags_below n : forall v, 0 <= v <= M -> (1 - a ^ S n) * (c * U (S n) v - P / t * U n v) <= W (S n) v.
Proof.
  induction n as [|n IH]; intros v Hv.
  - cbn [lags]. rewrite E_zero, Rplus_0_r. replace (1 - a ^ 1) with ((1 - a) * a ^ 0) by (simpl; ring).
    apply Rmult_le_compat_l; [simpl; lra|]. apply lag_below. exact Hv.
  - assert (Hp : 0 <= (1 - a) * a ^ S n) by (apply Rmult_le_pos; [lra|apply pow_le; lra]).
    replace (1 - a ^ S (S n)) with ((1 - a) * a ^ S n + (1 - a ^ S n)) by (simpl; ring).
    rewrite Rmult_plus_distr_r. change (W (S (S n)) v) with
      ((1 - a) * a ^ S n * E l (fun g => g * U (S n) ((1 - b) * (g * g) + b * v)) + E l (fun g => W (S n) (b * v + (1 - b) * (g * g)))).
    apply Rplus_le_compat; [apply Rmult_le_compat_l; [exact Hp|apply lag_below; exact Hv]|].
    change (U (S (S n)) v) with (E l (fun g => U (S n) (b * v + (1 - b) * (g * g)))).
    change (U (S n) v) with (E l (fun g => U n (b * v + (1 - b) * (g * g)))).
    rewrite <- !E_scal, E_minus, <- E_scal. apply E_le; [apply Hl|]. intros x Hx. cbv beta.
    apply IH. apply convex; auto.
Qed.

(* From the largest value on the mean kernel grows with n. *)
Lemma mean_kernel_grows n : U n M <= U (S n) M.
Proof.
  cbn [mean_kernel]. rewrite <- (E_const l (U n M) Hl). apply E_le; [apply Hl|]. intros x Hx.
  apply (mean_kernel_decreasing b l Hb Hl phi n decreasing). apply convex; [exact Hb|lra|auto].
Qed.

Lemma lags_bracket n : (1 - a ^ S n) * ((c - P / t) * U (S n) M) <= W (S n) M.
Proof.
  eapply Rle_trans; [|apply lags_below; lra]. apply Rmult_le_compat_l.
  - assert (a ^ S n <= 1); [|lra]. rewrite <- (pow1 (S n)). apply pow_incr. lra.
  - assert (0 <= P / t).
    { apply Rmult_le_pos; [apply E_nonneg; [exact Hl|intros; apply pos_nonneg]|left; apply Rinv_0_lt_compat; exact Ht]. }
    assert (G := mean_kernel_grows n). assert (P / t * U n M <= P / t * U (S n) M) by (apply Rmult_le_compat_l; assumption). lra.
Qed.

Lemma one_minus_pow : is_lim_seq (fun n => 1 - a ^ S n) 1.
Proof.
  replace (Finite 1) with (Finite (1 - 0)) by (f_equal; ring).
  apply is_lim_seq_minus'; [apply is_lim_seq_const|]. apply (is_lim_seq_incr_1 (fun n => a ^ n)).
  apply is_lim_seq_geom. rewrite Rabs_pos_eq; lra.
Qed.

(* The inequality with any c, where T is the mean of phi(V). *)
Theorem sign_inequality (T f : R) : is_kernel_mean b phi l T -> is_field a b phi l f -> (c - P / t) * T <= - f.
Proof.
  intros HT0 Hf. assert (HT := kernel_mean_from b C K phi Hb Hphi l Hl M T M0 HT0). assert (D := lags_limit a b C K phi Ha Hb Hphi l Hl M f M0 Hf). apply is_lim_seq_incr_1 in D.
  apply (is_lim_seq_le (fun n => (1 - a ^ S n) * ((c - P / t) * U (S n) M)) (fun n => W (S n) M) ((c - P / t) * T) (- f)).
  - apply lags_bracket.
  - apply is_lim_seq_incr_1 in HT. replace ((c - P / t) * T) with (1 * ((c - P / t) * T)) by ring.
    apply is_lim_seq_mult'; [apply one_minus_pow|]. apply (is_lim_seq_scal_l _ (c - P / t) T HT).
  - exact D.
Qed.

(* The same with a number in place of T. *)
Theorem sign_bound f : 0 <= c - P / t -> is_field a b phi l f -> (c - P / t) * phi M <= - f.
Proof.
  intros Hc Hf. assert (D := lags_limit a b C K phi Ha Hb Hphi l Hl M f M0 Hf). apply is_lim_seq_incr_1 in D.
  apply (is_lim_seq_le (fun n => (1 - a ^ S n) * ((c - P / t) * phi M)) (fun n => W (S n) M) ((c - P / t) * phi M) (- f)).
  - intros n. eapply Rle_trans; [|apply lags_bracket]. apply Rmult_le_compat_l.
    + assert (a ^ S n <= 1); [|lra]. rewrite <- (pow1 (S n)). apply pow_incr. lra.
    + apply Rmult_le_compat_l; [exact Hc|]. apply (mean_kernel_above b l Hb Hl phi (S n) M decreasing HM M0). lra.
  - replace (Finite ((c - P / t) * phi M)) with (Finite (1 * ((c - P / t) * phi M))) by (f_equal; ring).
    apply is_lim_seq_mult'; [apply one_minus_pow|apply is_lim_seq_const].
  - exact D.
Qed.
End SignLemma.

(* The best c: the bracket is then at least m - q sigma with q^2 = (1 - t)/t. *)
Lemma best_c l t : law l -> 0 < t < 1 ->
  exists c, mean l - sqrt ((1 - t) / t) * sqrt (variance l) <= c - E l (fun g => pos (c - g)) / t.
Proof.
  intros Hl Ht. set (m := mean l). set (sigma := sqrt (variance l)). set (r := sqrt (t * (1 - t))).
  assert (V := variance_nonneg l Hl).
  assert (T0 : 0 < t * (1 - t)) by (apply Rmult_lt_0_compat; lra).
  assert (r0 : 0 < r) by (apply sqrt_lt_R0; exact T0). assert (rr : r * r = t * (1 - t)) by (apply sqrt_sqrt; lra).
  assert (s0 : 0 <= sigma) by apply sqrt_pos. assert (ss : sigma * sigma = variance l) by (apply sqrt_sqrt; exact V).
  exists (m + sigma * (2 * t - 1) / (2 * r)). set (c := m + sigma * (2 * t - 1) / (2 * r)).
  assert (B := E_pos l c Hl). fold m in B.
  assert (Sq : sqrt ((c - m) * (c - m) + variance l) = sigma / (2 * r)).
  { rewrite <- ss. replace ((c - m) * (c - m) + sigma * sigma) with ((sigma / (2 * r)) * (sigma / (2 * r))).
    - apply sqrt_square. apply Rmult_le_pos; [exact s0|left; apply Rinv_0_lt_compat; lra].
    - unfold c. set (i := / (2 * r)). assert (I : i * (2 * r) = 1) by (unfold i; field; lra).
      replace (sigma * (2 * t - 1) / (2 * r)) with (sigma * (2 * t - 1) * i) by reflexivity.
      replace (sigma / (2 * r)) with (sigma * i) by reflexivity.
      replace (sigma * i * (sigma * i)) with (sigma * sigma * (i * i) * ((2 * t - 1) * (2 * t - 1) + 4 * (r * r))) by (rewrite rr; ring).
      replace (sigma * sigma * (i * i) * ((2 * t - 1) * (2 * t - 1) + 4 * (r * r)))
        with (sigma * sigma * (i * i) * ((2 * t - 1) * (2 * t - 1)) + sigma * sigma * ((i * (2 * r)) * (i * (2 * r)))) by ring.
      rewrite I. ring. }
  rewrite Sq in B. unfold c at 1 in B.
  assert (B' : E l (fun g => pos (c - g)) / t <= sigma / (2 * r)).
  { apply (Rmult_le_reg_r t); [lra|]. unfold Rdiv at 1. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
    eapply Rle_trans; [exact B|]. right. unfold c. field. lra. }
  assert (Q : sqrt ((1 - t) / t) = (1 - t) / r).
  { rewrite <- (sqrt_square ((1 - t) / r)) by (apply Rmult_le_pos; [lra|left; apply Rinv_0_lt_compat; exact r0]).
    f_equal. replace ((1 - t) / r * ((1 - t) / r)) with ((1 - t) * (1 - t) / (r * r)) by (field; lra).
    rewrite rr. field. lra. }
  rewrite Q. fold m. fold sigma.
  assert (m - (1 - t) / r * sigma = c - sigma / (2 * r)) by (unfold c; field; lra). lra.
Qed.

(* Both kernels have the ratio sqrt(beta2). *)
Lemma outside_ratio eps b v : 0 < eps -> 0 < b < 1 -> 0 <= v -> outside eps (b * v) <= outside eps v / sqrt b.
Proof.
  intros He Hb Hv. unfold outside. rewrite sqrt_mult_alt by lra.
  assert (P := sqrt_lt_R0 b (proj1 Hb)). assert (V := sqrt_pos v).
  assert (sqrt b <= 1) by (rewrite <- sqrt_1; apply sqrt_le_1_alt; lra).
  unfold Rdiv. rewrite <- Rinv_mult. apply Rinv_le_contravar; [apply Rmult_lt_0_compat; lra|]. nra.
Qed.

Lemma inside_ratio eps b v : 0 < eps -> 0 < b < 1 -> 0 <= v -> inside eps (b * v) <= inside eps v / sqrt b.
Proof.
  intros He Hb Hv. unfold inside, Rdiv. rewrite <- Rinv_mult, <- sqrt_mult_alt by lra.
  apply Rinv_le_contravar; [apply sqrt_lt_R0; nra|]. apply sqrt_le_1_alt. nra.
Qed.

(* N-Lemma 1 for Adam, uniform in eps and beta1: if |m| > q0 sigma, q0^2 = 1/sqrt(beta2) - 1, the field has strictly
   the sign of minus the mean gradient. *)
Theorem sign_lemma a b eps l f : 0 <= a < 1 -> 0 < b < 1 -> 0 < eps -> law l ->
  sqrt (/ sqrt b - 1) * sqrt (variance l) < mean l -> is_field a b (outside eps) l f -> f < 0.
Proof.
  intros Ha Hb He Hl Hm Hf. set (t := sqrt b).
  assert (t0 : 0 < t) by (apply sqrt_lt_R0; lra).
  assert (t1 : t < 1) by (unfold t; rewrite <- sqrt_1; apply sqrt_lt_1_alt; lra).
  destruct (best_c l t Hl (conj t0 t1)) as [c Hc].
  replace ((1 - t) / t) with (/ t - 1) in Hc by (field; lra). fold t in Hm.
  set (M := largest l * largest l).
  assert (HM : forall x, In x l -> snd x * snd x <= M) by apply square_bounded.
  assert (M0 : 0 <= M) by apply Rle_0_sqr.
  assert (B := sign_bound a b _ _ (outside eps) Ha Hb (outside_kernel eps He) l Hl M t HM M0 t0
    (fun v Hv => outside_ratio eps b v He Hb (proj1 Hv)) c f ltac:(lra) Hf).
  assert (P := kernel_pos _ _ _ (outside_kernel eps He) M M0).
  assert (0 < (c - E l (fun g => pos (c - g)) / t) * outside eps M) by (apply Rmult_lt_0_compat; lra). lra.
Qed.
