(* The loss decreases along the flow where the noise is small beside the gradient: N-Theorem 6 in one coordinate, which
   is N-Theorem 2 (a), for gradients with finitely many values, every beta1 and every eps. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Lags SignLemma Continuity Rational.
Import ListNotations.
Open Scope R_scope.

(* Adam's kernel lies above its tangents. *)
Lemma outside_tangent eps s t : 0 < eps -> 0 <= s -> 0 < t ->
  / (t + eps) - / (2 * t * ((t + eps) * (t + eps))) * (s * s - t * t) <= / (s + eps).
Proof.
  intros He Hs Ht.
  assert (D : / (s + eps) - (/ (t + eps) - / (2 * t * ((t + eps) * (t + eps))) * (s * s - t * t))
    = (s - t) * (s - t) * (s + 2 * t + eps) * / (2 * t * ((t + eps) * (t + eps)) * (s + eps))) by (field; lra).
  assert (0 <= (s - t) * (s - t) * (s + 2 * t + eps) * / (2 * t * ((t + eps) * (t + eps)) * (s + eps))); [|lra].
  apply Rmult_le_pos; [apply Rmult_le_pos; [apply Rle_0_sqr|lra]|].
  left. apply Rinv_0_lt_compat. repeat apply Rmult_lt_0_compat; lra.
Qed.

Section Decrease.
Variables (a b eps : R) (l : list (R * R)).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (He : 0 < eps) (Hl : law l).
Notation S := (E l (fun g => g * g)).
Notation U := (mean_kernel b (outside eps) l).

(* Jensen's inequality: from any start the mean of phi(v_n) is at least phi(S), up to what the start still weighs. *)
Lemma mean_kernel_jensen n : 0 < S -> forall v, 0 <= v ->
  outside eps S - / (2 * sqrt S * ((sqrt S + eps) * (sqrt S + eps))) * (b ^ n * (v - S)) <= U n v.
Proof.
  intros HS. set (k := / (2 * sqrt S * ((sqrt S + eps) * (sqrt S + eps)))).
  induction n as [|n IH]; intros v Hv; cbn [mean_kernel].
  - unfold outside. generalize (outside_tangent eps (sqrt v) (sqrt S) He (sqrt_pos v) (sqrt_lt_R0 S HS)).
    rewrite !sqrt_sqrt by lra. fold k. simpl. lra.
  - apply Rle_trans with (E l (fun g => (outside eps S - k * (b ^ n * (b * v - S))) + (- (k * (b ^ n * (1 - b)))) * (g * g))).
    + rewrite E_plus, E_scal, (E_const l _ Hl). right. simpl. ring.
    + apply E_le; [apply Hl|]. intros x _.
      assert (G : 0 <= snd x * snd x) by apply Rle_0_sqr. assert (0 <= b * v) by (apply Rmult_le_pos; lra).
      assert (0 <= (1 - b) * (snd x * snd x)) by (apply Rmult_le_pos; lra).
      eapply Rle_trans; [|apply IH; lra]. right. ring.
Qed.

(* Where the mean is positive and large beside the deviation. *)
Lemma decrease_positive eta f : 0 < mean l -> variance l <= eta * (mean l * mean l) -> 0 <= eta ->
  sqrt (/ sqrt b - 1) * sqrt eta < 1 -> is_field a b (outside eps) l f ->
  f <= - ((1 - sqrt (/ sqrt b - 1) * sqrt eta) * (mean l * outside eps ((1 + eta) * (mean l * mean l)))).
Proof.
  intros Hm Hv Heta Hq Hf. set (m := mean l) in *. set (q := sqrt (/ sqrt b - 1)) in *. set (t := sqrt b).
  assert (t0 : 0 < t) by (apply sqrt_lt_R0; lra).
  assert (t1 : t < 1) by (unfold t; rewrite <- sqrt_1; apply sqrt_lt_1_alt; lra).
  destruct (best_c l t Hl (conj t0 t1)) as [c Hc].
  replace ((1 - t) / t) with (/ t - 1) in Hc by (field; lra). fold t in q. fold q m in Hc.
  assert (Sig : sqrt (variance l) <= sqrt eta * m).
  { rewrite <- (sqrt_square m) by lra. rewrite <- sqrt_mult_alt by lra. apply sqrt_le_1_alt. exact Hv. }
  assert (q0 : 0 <= q) by apply sqrt_pos.
  assert (q * sqrt (variance l) <= q * (sqrt eta * m)) by (apply Rmult_le_compat_l; assumption).
  set (P := E l (fun g => pos (c - g)) / t) in *.
  assert (B : (1 - q * sqrt eta) * m <= c - P) by lra.
  assert (S0 : S = variance l + m * m) by (rewrite (variance_moments l Hl); fold m; ring).
  assert (mm : 0 < m * m) by (apply Rmult_lt_0_compat; exact Hm). assert (V := variance_nonneg l Hl).
  assert (SP : 0 < S) by lra.
  set (M := largest l * largest l).
  assert (HM : forall x, In x l -> snd x * snd x <= M) by apply square_bounded.
  assert (M0 : 0 <= M) by apply Rle_0_sqr.
  destruct (ex_finite_lim_seq_incr (fun n => U n M) (/ eps)) as [T HT].
  - intros n. apply (mean_kernel_grows b _ _ (outside eps) Hb (outside_kernel eps He) l Hl M HM M0).
  - intros n. eapply Rle_trans; [apply (mean_kernel_decreasing b _ _ _ Hb (outside_kernel eps He) l Hl n 0 M); lra|].
    rewrite <- (E_const l (/ eps) Hl). clear - He Hb Hl.
    assert (G : forall v, 0 <= v -> U n v <= / eps).
    { induction n as [|n IH]; intros v Hv; cbn [mean_kernel]; [apply (kernel_le _ _ _ (outside_kernel eps He) v Hv)|].
      rewrite <- (E_const l (/ eps) Hl). apply E_le; [apply Hl|]. intros x _. apply IH.
      assert (0 <= snd x * snd x) by apply Rle_0_sqr. assert (0 <= b * v) by (apply Rmult_le_pos; lra).
      assert (0 <= (1 - b) * (snd x * snd x)) by (apply Rmult_le_pos; lra). lra. }
    rewrite (E_const l (/ eps) Hl). apply G. lra.
  - assert (J : outside eps S <= T).
    { set (k := / (2 * sqrt S * ((sqrt S + eps) * (sqrt S + eps)))).
      refine (is_lim_seq_le (fun n => outside eps S - k * (b ^ n * (M - S))) _ (outside eps S) T _ _ HT).
      - intros n. apply (mean_kernel_jensen n SP M M0).
      - replace (Finite (outside eps S)) with (Finite (outside eps S - k * (0 * (M - S)))) by (f_equal; ring).
        apply is_lim_seq_minus'; [apply is_lim_seq_const|]. apply (is_lim_seq_scal_l _ k (0 * (M - S))).
        apply (is_lim_seq_scal_r (fun n => b ^ n) (M - S) 0). apply is_lim_seq_geom. rewrite Rabs_pos_eq; lra. }
    assert (I := sign_inequality a b _ _ (outside eps) Ha Hb (outside_kernel eps He) l Hl M t HM M0 t0
      (fun v Hv => outside_ratio eps b v He Hb (proj1 Hv)) c T f HT Hf).
    fold P in I.
    assert (D : outside eps ((1 + eta) * (m * m)) <= outside eps S).
    { apply (kernel_decreasing _ _ _ (outside_kernel eps He)). split; lra. }
    assert (O : 0 < outside eps ((1 + eta) * (m * m))).
    { apply (kernel_pos _ _ _ (outside_kernel eps He)). apply Rmult_le_pos; lra. }
    assert (W : 0 <= (1 - q * sqrt eta) * m) by (apply Rmult_le_pos; lra).
    assert ((1 - q * sqrt eta) * m * outside eps ((1 + eta) * (m * m)) <= (c - P) * T) by (apply Rmult_le_compat; lra).
    replace ((1 - q * sqrt eta) * (m * outside eps ((1 + eta) * (m * m))))
      with ((1 - q * sqrt eta) * m * outside eps ((1 + eta) * (m * m))) by ring. lra.
Qed.
End Decrease.

(* With either sign of the mean: m f <= -(1 - q sqrt eta) m^2 / (sqrt(1 + eta) |m| + eps). *)
Theorem decrease a b eps l eta f : 0 <= a < 1 -> 0 < b < 1 -> 0 < eps -> law l ->
  mean l <> 0 -> variance l <= eta * (mean l * mean l) -> 0 <= eta -> sqrt (/ sqrt b - 1) * sqrt eta < 1 ->
  is_field a b (outside eps) l f ->
  mean l * f <= - ((1 - sqrt (/ sqrt b - 1) * sqrt eta) * (mean l * mean l * outside eps ((1 + eta) * (mean l * mean l)))).
Proof.
  intros Ha Hb He Hl Hm Hv Heta Hq Hf.
  assert (Mo : mean (opposite l) = - mean l).
  { unfold mean. rewrite E_opposite. rewrite (E_ext l (fun g => - g) (fun g => (-1) * g)) by (intros; ring). rewrite E_scal. ring. }
  assert (Lo : law (opposite l)).
  { destruct Hl as [H1 H2]. split; [|rewrite E_opposite; exact H2]. intros x Hx. unfold opposite in Hx.
    apply in_map_iff in Hx. destruct Hx as (y & <- & Hy). exact (H1 y Hy). }
  assert (Vo : variance (opposite l) = variance l).
  { unfold variance. rewrite E_opposite, Mo. apply E_ext. intros x _. ring. }
  destruct (Rdichotomy _ _ Hm) as [h|h].
  - assert (D := decrease_positive a b eps (opposite l) Ha Hb He Lo eta (- f)). rewrite Mo, Vo in D.
    replace (- mean l * - mean l) with (mean l * mean l) in D by ring.
    specialize (D ltac:(lra) Hv Heta Hq (field_opposite _ _ _ _ _ Hf)).
    set (X := outside eps ((1 + eta) * (mean l * mean l))) in *. set (r := 1 - sqrt (/ sqrt b - 1) * sqrt eta) in *.
    assert (N := Rmult_le_compat_l (- mean l) _ _ ltac:(lra) D). lra.
  - assert (D := decrease_positive a b eps l Ha Hb He Hl eta f ltac:(lra) Hv Heta Hq Hf).
    set (X := outside eps ((1 + eta) * (mean l * mean l))) in *. set (r := 1 - sqrt (/ sqrt b - 1) * sqrt eta) in *.
    assert (N := Rmult_le_compat_l (mean l) _ _ ltac:(lra) D). lra.
Qed.
