(* The universal bound (N-Lemma 2): |f| <= Phi sqrt S phi(S), with S the mean of g^2. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Lags Squares.
Import ListNotations.
Open Scope R_scope.

(* What the bound uses of a kernel: v phi(v)^2 lies below its tangents. Both kernels of Adam have it. *)
Definition concave_square (phi : R -> R) : Prop :=
  forall S, 0 < S -> exists k, forall v, 0 <= v -> v * (phi v * phi v) <= S * (phi S * phi S) + k * (v - S).

Lemma outside_concave eps : 0 < eps -> concave_square (outside eps).
Proof.
  intros He S HS. set (t := sqrt S). assert (t0 : 0 < t) by (apply sqrt_lt_R0; exact HS).
  exists (eps / ((t + eps) * (t + eps) * (t + eps))). intros v Hv. unfold outside. fold t.
  assert (S1 : t * t = S) by (apply sqrt_sqrt; lra). assert (S2 := sqrt_sqrt v Hv). assert (s0 := sqrt_pos v).
  set (s := sqrt v) in *. rewrite <- S1, <- S2.
  assert (D : t * t * (/ (t + eps) * / (t + eps)) + eps / ((t + eps) * (t + eps) * (t + eps)) * (s * s - t * t) - s * s * (/ (s + eps) * / (s + eps))
    = eps * ((s - t) * (s - t)) * (s * s + 2 * (s * t) + 2 * (eps * s) + eps * t) * / ((t + eps) * (t + eps) * (t + eps) * ((s + eps) * (s + eps)))).
  { field. lra. }
  assert (0 <= eps * ((s - t) * (s - t)) * (s * s + 2 * (s * t) + 2 * (eps * s) + eps * t) * / ((t + eps) * (t + eps) * (t + eps) * ((s + eps) * (s + eps)))); [|lra].
  apply Rmult_le_pos.
  - apply Rmult_le_pos; [apply Rmult_le_pos; [lra|apply Rle_0_sqr]|].
    assert (0 <= s * t) by (apply Rmult_le_pos; lra).
    assert (0 <= eps * s) by (apply Rmult_le_pos; lra). assert (0 <= eps * t) by (apply Rmult_le_pos; lra). nra.
  - left. apply Rinv_0_lt_compat. repeat apply Rmult_lt_0_compat; lra.
Qed.

Lemma inside_concave eps : 0 < eps -> concave_square (inside eps).
Proof.
  intros He S HS. exists (eps / ((S + eps) * (S + eps))). intros v Hv. unfold inside.
  rewrite <- !Rinv_mult, !sqrt_sqrt by lra.
  assert (D : S * / (S + eps) + eps / ((S + eps) * (S + eps)) * (v - S) - v * / (v + eps)
    = eps * ((v - S) * (v - S)) * / ((S + eps) * (S + eps) * (v + eps))) by (field; lra).
  assert (0 <= eps * ((v - S) * (v - S)) * / ((S + eps) * (S + eps) * (v + eps))); [|lra].
  apply Rmult_le_pos; [apply Rmult_le_pos; [lra|apply Rle_0_sqr]|].
  left. apply Rinv_0_lt_compat. repeat apply Rmult_lt_0_compat; lra.
Qed.

(* A product is at most half the sum of the squares, with any weight. *)
Lemma product_split x y w : 0 < w -> x * y <= (w * (x * x) + / w * (y * y)) / 2.
Proof.
  intros Hw. assert (E0 : w * (x * x) + / w * (y * y) - 2 * (x * y) = / w * ((w * x - y) * (w * x - y))) by (field; lra).
  assert (0 <= / w * ((w * x - y) * (w * x - y))); [|lra].
  apply Rmult_le_pos; [left; apply Rinv_0_lt_compat; exact Hw|apply Rle_0_sqr].
Qed.

Section Universal.
Variables (a b C K : R) (phi : R -> R) (l : list (R * R)).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K) (Hconcave : concave_square phi) (Hl : law l).
Notation S := (E l (fun g => g * g)).
Notation next v g := (b * v + (1 - b) * (g * g)).
Notation G := (sqrt S * phi S).

(* E[v phi(v)^2] is at most S phi(S)^2, from the start S. *)
Lemma concave_mean n : 0 < S -> mean_kernel b l (fun v => v * (phi v * phi v)) n S <= G * G.
Proof.
  intros HS. destruct (Hconcave S HS) as [k Hk].
  eapply Rle_trans; [apply mean_kernel_le with (psi := fun v => S * (phi S * phi S) + k * (v - S)); [exact Hb|exact Hl|exact Hk|lra]|].
  rewrite (mean_kernel_line b l Hl). replace (G * G) with (sqrt S * sqrt S * (phi S * phi S)) by ring. rewrite sqrt_sqrt by lra. lra.
Qed.

Lemma bound_positive : 0 < S -> 0 < G.
Proof. intros HS. apply Rmult_lt_0_compat; [apply sqrt_lt_R0; exact HS|apply (kernel_pos _ _ _ Hphi); lra]. Qed.

Lemma mean_kernel_combination p q F H n : forall v,
  mean_kernel b l (fun v => p * F v + q * H v) n v = p * mean_kernel b l F n v + q * mean_kernel b l H n v.
Proof.
  induction n as [|n IH]; intros v; cbn [mean_kernel]; [reflexivity|].
  rewrite <- !E_scal, <- E_plus. apply E_ext. intros. apply IH.
Qed.

(* Any beta1 with beta1^2 < beta2: |m| <= c sqrt v along the recursion (T1). *)
Lemma quotient_step c n : 0 <= c -> a * a < b -> (1 - a) * (1 - a) <= c * c * ((1 - b) * (1 - a * a / b)) ->
  forall m v, 0 <= v -> m * m <= c * c * v ->
  Rabs (quotient a b phi l n m v) <= c * mean_kernel b l (fun v => sqrt v * phi v) n v.
Proof.
  intros Hc Hab HC. induction n as [|n IH]; intros m v Hv Hm; cbn [quotient mean_kernel].
  - assert (P := kernel_pos _ _ _ Hphi v Hv). rewrite Rabs_mult, (Rabs_pos_eq (phi v)) by lra.
    rewrite <- Rmult_assoc. apply Rmult_le_compat_r; [lra|].
    apply Rsqr_incr_0_var; [|apply Rmult_le_pos; [exact Hc|apply sqrt_pos]]. unfold Rsqr.
    rewrite <- Rabs_mult, Rabs_pos_eq by apply Rle_0_sqr.
    replace (c * sqrt v * (c * sqrt v)) with (c * c * (sqrt v * sqrt v)) by ring. rewrite sqrt_sqrt by exact Hv. exact Hm.
  - eapply Rle_trans; [apply E_abs_le; exact Hl|]. rewrite <- E_scal. apply E_le; [apply Hl|]. intros x _. cbv beta.
    set (g := snd x). apply IH; [apply next_nonneg; assumption|].
    set (u := a * a / b) in *. assert (ub : u * b = a * a) by (unfold u; field; lra).
    assert (u1 : u < 1) by (apply (Rmult_lt_reg_r b); lra).
    assert (u0 : 0 <= u) by (apply (Rmult_le_reg_r b); [lra|]; rewrite ub; assert (0 <= a * a) by apply Rle_0_sqr; lra).
    assert (G0 : 0 <= g * g) by apply Rle_0_sqr.
    (* (a m + (1-a) g)^2 <= b m^2 + (1-a)^2 g^2/(1-u) by Cauchy-Schwarz with the weights u and 1 - u *)
    assert (X : (1 - u) * ((a * m + (1 - a) * g) * (a * m + (1 - a) * g)) <= (1 - u) * (b * (m * m)) + (1 - a) * (1 - a) * (g * g)).
    { assert (Y : 0 <= b * ((1 - u) * m - a / b * ((1 - a) * g)) * ((1 - u) * m - a / b * ((1 - a) * g))).
      { rewrite Rmult_assoc. apply Rmult_le_pos; [lra|apply Rle_0_sqr]. }
      assert (e : b * ((1 - u) * m - a / b * ((1 - a) * g)) * ((1 - u) * m - a / b * ((1 - a) * g))
        = b * (1 - u) * (1 - u) * (m * m) - 2 * (1 - u) * (a * m * ((1 - a) * g)) + u * ((1 - a) * g * ((1 - a) * g))).
      { unfold u. field. lra. }
      rewrite e in Y. replace (a * m * (a * m)) with (u * b * (m * m)) by (rewrite ub; ring).
      replace ((1 - u) * ((a * m + (1 - a) * g) * (a * m + (1 - a) * g)))
        with ((1 - u) * (a * a * (m * m)) + 2 * (1 - u) * (a * m * ((1 - a) * g)) + (1 - u) * ((1 - a) * g * ((1 - a) * g))) by ring.
      rewrite <- ub. lra. }
    assert (N : (1 - a) * (1 - a) * (g * g) <= c * c * ((1 - b) * (1 - u)) * (g * g)) by (apply Rmult_le_compat_r; assumption).
    assert (B : b * (m * m) <= b * (c * c * v)) by (apply Rmult_le_compat_l; lra).
    assert (B' : (1 - u) * (b * (m * m)) <= (1 - u) * (b * (c * c * v))) by (apply Rmult_le_compat_l; lra).
    apply (Rmult_le_reg_l (1 - u)); [lra|]. lra.
Qed.

Lemma start_at_S f : 0 < S -> is_field a b phi l f -> is_lim_seq (fun n => Rabs (quotient a b phi l n 0 S)) (Rabs f).
Proof.
  intros HS Hf. rewrite <- (Rabs_Ropp f). apply (is_lim_seq_abs _ (- f)).
  apply (any_start a b C K phi Ha Hb Hphi l Hl _ (largest_bound l)); [lra|apply largest_nonneg|exact Hf].
Qed.

(* With T1's constant. *)
Lemma bound_by_step c f : 0 <= c -> a * a < b -> (1 - a) * (1 - a) <= c * c * ((1 - b) * (1 - a * a / b)) ->
  0 < S -> is_field a b phi l f -> Rabs f <= c * G.
Proof.
  intros Hc Hab HC HS Hf. assert (G0 := bound_positive HS). assert (s0 := sqrt_lt_R0 _ HS). assert (p0 := kernel_pos _ _ _ Hphi S (Rlt_le _ _ HS)).
  refine (is_lim_seq_le _ (fun _ => c * G) _ _ _ (start_at_S f HS Hf) (is_lim_seq_const _)). intros n.
  assert (S0 : 0 <= c * c * S) by (apply Rmult_le_pos; [apply Rle_0_sqr|lra]).
  eapply Rle_trans; [apply (quotient_step c n Hc Hab HC 0 S); lra|]. apply Rmult_le_compat_l; [exact Hc|].
  apply Rle_trans with (mean_kernel b l (fun v => G / 2 * 1 + / G / 2 * (v * (phi v * phi v))) n S).
  - apply mean_kernel_le; [exact Hb|exact Hl| |lra]. intros v Hv.
    assert (P := product_split 1 (sqrt v * phi v) G G0).
    replace (sqrt v * phi v * (sqrt v * phi v)) with (sqrt v * sqrt v * (phi v * phi v)) in P by ring.
    rewrite sqrt_sqrt in P by exact Hv. lra.
  - rewrite (mean_kernel_combination _ _ (fun _ => 1)), (mean_kernel_const b l Hl 1).
    assert (M := concave_mean n HS).
    assert (I : 0 < / G / 2) by (assert (0 < / G) by (apply Rinv_0_lt_compat; exact G0); lra).
    assert (N := Rmult_le_compat_l _ _ _ (Rlt_le _ _ I) M).
    replace (/ G / 2 * (G * G)) with (G / 2) in N by (field; lra). lra.
Qed.

(* |m| phi(v) is at most half of lambda m^2/(v + d) + (v + d) phi(v)^2 / lambda. *)
Lemma quotient_split lambda d n : 0 < lambda -> 0 < d -> forall m r v, 0 <= v -> m * m <= r ->
  Rabs (quotient a b phi l n m v) <=
  (lambda * squares b (fun v => / (v + d)) l a n r v
   + / lambda * mean_kernel b l (fun v => (v + d) * (phi v * phi v)) n v) / 2.
Proof.
  intros Hk Hd. induction n as [|n IH]; intros m r v Hv Hr; cbn [quotient squares mean_kernel].
  - assert (P := kernel_pos _ _ _ Hphi v Hv). rewrite Rabs_mult, (Rabs_pos_eq (phi v)) by lra.
    set (p := phi v) in *. set (w := v + d). assert (W : 0 < w) by (unfold w; lra).
    assert (Q := product_split (Rabs m) (w * p) (lambda * / w * w)).
    assert (e : lambda * / w * w = lambda) by (field; lra). rewrite e in Q. specialize (Q Hk).
    assert (I : 0 < / w) by (apply Rinv_0_lt_compat; exact W).
    assert (Q' := Rmult_le_compat_l (/ w) _ _ ltac:(lra) Q).
    replace (/ w * (Rabs m * (w * p))) with (Rabs m * p) in Q' by (field; lra).
    replace (/ w * ((lambda * (Rabs m * Rabs m) + / lambda * (w * p * (w * p))) / 2))
      with ((lambda * (Rabs m * Rabs m * / w) + / lambda * (w * (p * p))) / 2) in Q' by (field; lra).
    assert (Rabs m * Rabs m <= r) by (rewrite <- Rabs_mult, Rabs_pos_eq by apply Rle_0_sqr; exact Hr).
    assert (lambda * (Rabs m * Rabs m * / w) <= lambda * (r * / w)).
    { apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_r; lra. }
    lra.
  - apply Rle_trans with (E l (fun g => lambda / 2 * squares b (fun v => / (v + d)) l a n (a * r + (1 - a) * (g * g)) (next v g)
      + / lambda / 2 * mean_kernel b l (fun v => (v + d) * (phi v * phi v)) n (next v g))).
    + eapply Rle_trans; [apply E_abs_le; exact Hl|]. apply E_le; [apply Hl|]. intros x _. cbv beta.
      assert (G1 : 0 <= snd x * snd x) by apply Rle_0_sqr. set (g := snd x) in *.
      assert (J : 0 <= a * (1 - a) * ((m - g) * (m - g))).
      { apply Rmult_le_pos; [apply Rmult_le_pos; lra|apply Rle_0_sqr]. }
      assert (a * (m * m) <= a * r) by (apply Rmult_le_compat_l; lra).
      assert (N := next_nonneg b v g Hb Hv).
      eapply Rle_trans; [apply (IH _ (a * r + (1 - a) * (g * g))); lra|]. right. field. lra.
    + right. rewrite E_plus, !E_scal. field. lra.
Qed.

(* Where beta1 <= beta2 the constant is 1. *)
Lemma bound_of_one f : a <= b -> 0 < S -> is_field a b phi l f -> Rabs f <= G.
Proof.
  intros Hab HS Hf. assert (G0 := bound_positive HS). assert (s0 := sqrt_lt_R0 _ HS). assert (p0 := kernel_pos _ _ _ Hphi S (Rlt_le _ _ HS)). set (M := largest l * largest l).
  assert (HM : forall x, In x l -> snd x * snd x <= M) by apply square_bounded.
  assert (M0 : 0 <= M) by apply Rle_0_sqr.
  assert (L := start_at_S f HS Hf). destruct (kernel_constants C K phi Hphi) as [C0 _].
  (* for every d > 0 the limit is at most G + d k *)
  set (k := C * C * / G / 2).
  assert (I : 0 < / G) by (apply Rinv_0_lt_compat; exact G0).
  assert (k0 : 0 <= k) by (assert (0 <= C * C * / G) by (apply Rmult_le_pos; [apply Rle_0_sqr|lra]); unfold k; lra).
  assert (B : forall d, 0 < d -> Rabs f <= G + d * k).
  { intros d Hd.
    assert (U : is_lim_seq (fun n => G + d * k + b ^ n * (G / 2 * (M * / d))) (G + d * k)).
    { replace (Finite (G + d * k)) with (Finite (G + d * k + 0 * (G / 2 * (M * / d)))) by (f_equal; ring).
      apply is_lim_seq_plus'; [apply is_lim_seq_const|]. apply (is_lim_seq_scal_r (fun n => b ^ n) _ 0).
      apply is_lim_seq_geom. rewrite Rabs_pos_eq; lra. }
    refine (is_lim_seq_le _ _ (Rabs f) (G + d * k) _ L U). intros n.
    eapply Rle_trans; [apply (quotient_split G d n G0 Hd 0 0 S); lra|].
    assert (S1 : squares b (fun v => / (v + d)) l a n 0 S <= 1 + b ^ n * (M * / d)).
    { assert (Q := squares_bound b (fun v => / (v + d)) l M Hb Hl HM). cbv beta in Q. rewrite Rplus_0_l in Q. apply Q; try lra; try exact M0.
      - intros v w [h1 h2]. apply Rinv_le_contravar; lra.
      - intros v Hv. left. apply Rinv_0_lt_compat. lra.
      - intros r v [h1 h2]. apply (Rmult_le_reg_r (v + d)); [lra|]. rewrite Rmult_assoc, Rinv_l by lra. lra. }
    assert (S2 : mean_kernel b l (fun v => (v + d) * (phi v * phi v)) n S <= G * G + d * (C * C)).
    { eapply Rle_trans; [apply mean_kernel_le with (psi := fun v => 1 * (v * (phi v * phi v)) + d * (C * C)); [exact Hb|exact Hl| |lra]|].
      - intros v Hv. assert (P := kernel_pos _ _ _ Hphi v Hv). assert (Q := kernel_le _ _ _ Hphi v Hv).
        assert (phi v * phi v <= C * C) by (apply Rmult_le_compat; lra).
        assert (d * (phi v * phi v) <= d * (C * C)) by (apply Rmult_le_compat_l; lra). lra.
      - rewrite (mean_kernel_combination 1 d _ (fun _ => C * C)), (mean_kernel_const b l Hl). generalize (concave_mean n HS). lra. }
    assert (G * squares b (fun v => / (v + d)) l a n 0 S <= G * (1 + b ^ n * (M * / d))) by (apply Rmult_le_compat_l; lra).
    assert (N := Rmult_le_compat_l (/ G) _ _ ltac:(lra) S2).
    replace (/ G * (G * G + d * (C * C))) with (G + d * (2 * k)) in N by (unfold k; field; lra). lra. }
  apply Rnot_lt_le. intros h.
  set (d := (Rabs f - G) / (2 * (k + 1))). assert (d0 : 0 < d) by (apply Rdiv_lt_0_compat; lra).
  assert (X := B d d0). assert (d * k <= d * (k + 1)) by (apply Rmult_le_compat_l; lra).
  assert (d * (k + 1) = (Rabs f - G) / 2) by (unfold d; field; lra). lra.
Qed.
End Universal.

(* The constant of N-Lemma 2, and T1's, which is never the larger one where beta1 > beta2. *)
Definition Phi (a b : R) : R := if Rle_dec a b then 1 else (1 - a) / (1 - a / sqrt b).

Lemma step_constant_below a b : 0 <= a < 1 -> 0 < b < 1 -> b < a -> a * a < b ->
  0 <= (1 - a) / (1 - a / sqrt b) /\
  (1 - a) * (1 - a) <= (1 - a) / (1 - a / sqrt b) * ((1 - a) / (1 - a / sqrt b)) * ((1 - b) * (1 - a * a / b)).
Proof.
  intros Ha Hb Hba Hab. set (s := sqrt b). assert (s0 : 0 < s) by (apply sqrt_lt_R0; lra).
  assert (ss : s * s = b) by (apply sqrt_sqrt; lra). assert (as' : a < s) by (apply Rsqr_incrst_0; unfold Rsqr; lra).
  assert (s1 : s < 1) by (apply Rsqr_incrst_0; unfold Rsqr; lra).
  set (c := a / s). assert (ac : a = c * s) by (unfold c; field; lra).
  assert (c0 : s < c) by (apply (Rmult_lt_reg_r s); [exact s0|]; lra).
  assert (c1 : c < 1) by (apply (Rmult_lt_reg_r s); [exact s0|]; lra).
  replace (a * a / b) with (c * c) by (rewrite ac, <- ss; field; lra).
  split; [apply Rmult_le_pos; [lra|left; apply Rinv_0_lt_compat; lra]|].
  replace ((1 - a) / (1 - c) * ((1 - a) / (1 - c)) * ((1 - b) * (1 - c * c)))
    with ((1 - a) * (1 - a) * ((1 - b) * (1 + c) / (1 - c))) by (field; lra).
  rewrite <- (Rmult_1_r ((1 - a) * (1 - a))) at 1. apply Rmult_le_compat_l; [apply Rle_0_sqr|].
  apply (Rmult_le_reg_r (1 - c)); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r, Rmult_1_l by lra.
  (* (1 - b)(1 + c) - (1 - c) = 2 c - b (1 + c) *)
  assert (b < s) by (rewrite <- ss; rewrite <- (Rmult_1_r s) at 3; apply Rmult_lt_compat_l; lra).
  assert (b * (1 + c) <= b * 2) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(* Where the mean square is 0, expectations are values at 0. *)
Lemma null_law l F : law l -> E l (fun g => g * g) = 0 -> E l F = F 0.
Proof.
  intros Hl HS. rewrite <- (E_const l (F 0) Hl). destruct Hl as [Hp _]. revert HS Hp. induction l as [|[p g] r IH]; intros HS Hp; [reflexivity|].
  simpl in *. assert (P : 0 <= p) by (apply (Hp (p, g)); left; reflexivity).
  assert (0 <= p * (g * g)) by (apply Rmult_le_pos; [exact P|apply Rle_0_sqr]).
  assert (0 <= E r (fun g => g * g)).
  { rewrite <- (E_zero r). apply E_le; [intros; apply Hp; right; assumption|intros; apply Rle_0_sqr]. }
  rewrite IH; [|lra|intros; apply Hp; right; assumption].
  assert (Z : p * (g * g) = 0) by lra. apply Rmult_integral in Z. destruct Z as [->|Z]; [ring|].
  apply Rmult_integral in Z. destruct Z as [->| ->]; ring.
Qed.

Lemma null_quotient a b phi l : law l -> E l (fun g => g * g) = 0 -> forall n, quotient a b phi l n 0 0 = 0.
Proof.
  intros Hl HS. induction n as [|n IH]; cbn [quotient]; [ring|]. rewrite (null_law l _ Hl HS).
  replace (a * 0 + (1 - a) * 0) with 0 by ring. replace (b * 0 + (1 - b) * (0 * 0)) with 0 by ring. exact IH.
Qed.

Lemma null_mean b phi l : law l -> E l (fun g => g * g) = 0 -> forall n, mean_kernel b l phi n 0 = phi 0.
Proof.
  intros Hl HS. induction n as [|n IH]; cbn [mean_kernel]; [reflexivity|]. rewrite (null_law l _ Hl HS).
  replace (b * 0 + (1 - b) * (0 * 0)) with 0 by ring. exact IH.
Qed.

(* No memory at all: the field is minus the mean of g phi(g^2). *)
Lemma memoryless phi l : law l -> forall n m v, quotient 0 0 phi l (S n) m v = E l (fun g => g * phi (g * g)).
Proof.
  intros Hl. induction n as [|n IH]; intros m v; cbn [quotient].
  - apply E_ext. intros x _. f_equal; [ring|f_equal; ring].
  - rewrite (E_ext l _ (fun _ => E l (fun g => g * phi (g * g)))); [apply E_const; exact Hl|].
    intros x _. exact (IH (0 * m + (1 - 0) * snd x) (0 * v + (1 - 0) * (snd x * snd x))).
Qed.

(* N-Lemma 2, for both kernels. *)
Theorem universal_bound a b phi C K l f : 0 <= a < 1 -> 0 <= b < 1 -> a * a < b \/ a = 0 /\ b = 0 ->
  kernel phi C K -> concave_square phi -> law l -> is_field a b phi l f ->
  Rabs f <= Phi a b * (sqrt (E l (fun g => g * g)) * phi (E l (fun g => g * g))).
Proof.
  intros Ha Hb Hab Hk Hc Hl Hf. set (S := E l (fun g => g * g)).
  assert (S0 : 0 <= S) by (apply E_nonneg; [exact Hl|intros; apply Rle_0_sqr]).
  destruct (Rle_lt_or_eq_dec 0 S S0) as [HS|HS].
  2:{ rewrite <- HS, sqrt_0, Rmult_0_l, Rmult_0_r.
      assert (Z : - f = 0); [|replace f with 0 by lra; rewrite Rabs_R0; lra].
      assert (L : is_lim_seq (fun _ => 0) (- f)).
      { refine (is_lim_seq_ext _ _ _ _ Hf). intros n. apply null_quotient; [exact Hl|symmetry; exact HS]. }
      apply is_lim_seq_unique in L. rewrite Lim_seq_const in L. injection L. auto. }
  unfold Phi. destruct Hab as [Hab|[-> ->]].
  - assert (b0 : 0 < b < 1) by (assert (0 <= a * a) by apply Rle_0_sqr; lra).
    destruct (Rle_dec a b) as [h|h].
    + rewrite Rmult_1_l. exact (bound_of_one a b C K phi l Ha b0 Hk Hc Hl f h HS Hf).
    + destruct (step_constant_below a b Ha b0 ltac:(lra) Hab) as [c0 c1].
      exact (bound_by_step a b C K phi l Ha b0 Hk Hc Hl _ f c0 Hab c1 HS Hf).
  - destruct (Rle_dec 0 0) as [_|h]; [rewrite Rmult_1_l|lra].
    assert (e : - f = E l (fun g => g * phi (g * g))).
    { apply is_lim_seq_incr_1 in Hf.
      assert (L : is_lim_seq (fun _ => E l (fun g => g * phi (g * g))) (- f)).
      { refine (is_lim_seq_ext _ _ _ _ Hf). intros n. apply memoryless. exact Hl. }
      apply is_lim_seq_unique in L. rewrite Lim_seq_const in L. injection L. auto. }
    rewrite <- Rabs_Ropp, e. eapply Rle_trans; [apply E_abs_le; exact Hl|].
    assert (G0 := bound_positive C K phi l Hk HS). fold S in G0. destruct (Hc S HS) as [k Hk'].
    set (G := sqrt S * phi S) in *.
    assert (GG : S * (phi S * phi S) = G * G) by (unfold G; replace (sqrt S * phi S * (sqrt S * phi S)) with (sqrt S * sqrt S * (phi S * phi S)) by ring; rewrite sqrt_sqrt by lra; reflexivity).
    eapply Rle_trans; [apply E_le with (k := fun g => (G - / G / 2 * k * S) + / G / 2 * k * (g * g)); [apply Hl|]|].
    + intros x _. set (g := snd x). assert (G1 : 0 <= g * g) by apply Rle_0_sqr.
      assert (P := kernel_pos _ _ _ Hk _ G1). rewrite Rabs_mult, (Rabs_pos_eq (phi _)) by lra.
      assert (Q := product_split 1 (Rabs g * phi (g * g)) G G0).
      replace (Rabs g * phi (g * g) * (Rabs g * phi (g * g))) with (Rabs g * Rabs g * (phi (g * g) * phi (g * g))) in Q by ring.
      rewrite <- Rabs_mult, (Rabs_pos_eq (g * g)) in Q by exact G1.
      assert (I : 0 < / G) by (apply Rinv_0_lt_compat; exact G0).
      assert (N := Rmult_le_compat_l _ _ _ (Rlt_le _ _ I) (Hk' _ G1)). rewrite GG in N.
      replace (/ G * (G * G + k * (g * g - S))) with (G + / G * k * (g * g) - / G * k * S) in N by (field; lra). lra.
    + rewrite E_plus, E_scal, (E_const l _ Hl). fold S. lra.
Qed.

(* Adam: |f| <= Phi sqrt S / (sqrt S + eps). *)
Corollary universal_bound_adam a b eps l f : 0 <= a < 1 -> 0 <= b < 1 -> a * a < b \/ a = 0 /\ b = 0 -> 0 < eps -> law l ->
  is_field a b (outside eps) l f ->
  Rabs f <= Phi a b * (sqrt (E l (fun g => g * g)) / (sqrt (E l (fun g => g * g)) + eps)).
Proof.
  intros Ha Hb Hab He. exact (universal_bound a b (outside eps) _ _ l f Ha Hb Hab (outside_kernel eps He) (outside_concave eps He)).
Qed.

(* T1's constant in its place, which is smaller where beta1 > beta2. *)
Corollary universal_bound_step a b phi C K l f : 0 <= a < 1 -> 0 < b < 1 -> a * a < b ->
  kernel phi C K -> concave_square phi -> law l -> 0 < E l (fun g => g * g) -> is_field a b phi l f ->
  Rabs f <= (1 - a) / sqrt ((1 - b) * (1 - a * a / b)) * (sqrt (E l (fun g => g * g)) * phi (E l (fun g => g * g))).
Proof.
  intros Ha Hb Hab Hk Hc Hl HS Hf. set (d := (1 - b) * (1 - a * a / b)).
  assert (d0 : 0 < d).
  { apply Rmult_lt_0_compat; [lra|]. assert (a * a / b < 1); [|lra].
    apply (Rmult_lt_reg_r b); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  assert (s0 := sqrt_lt_R0 d d0). assert (ss := sqrt_sqrt d ltac:(lra)).
  apply (bound_by_step a b C K phi l Ha Hb Hk Hc Hl); try assumption.
  - apply Rmult_le_pos; [lra|left; apply Rinv_0_lt_compat; exact s0].
  - fold d. revert s0 ss. generalize (sqrt d). intros r s0 ss. rewrite <- ss. right. field. lra.
Qed.
