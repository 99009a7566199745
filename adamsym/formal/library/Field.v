(* The Adam field, from Adam's own recursion: the definition, forgetting of the start (T3), existence. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation.
Import ListNotations.
Open Scope R_scope.

(* The kernels: Adam divides by sqrt v + eps; with eps inside the root it divides by sqrt (v + eps). *)
Definition outside (eps v : R) : R := / (sqrt v + eps).
Definition inside (eps v : R) : R := / sqrt (v + eps).

Section Recursion.
Variables (beta1 beta2 : R) (phi : R -> R) (l : list (R * R)).

(* The mean of the quotient m_n phi(v_n) after n steps at a fixed theta, started from the moments m and v:
   each step draws a gradient g of the law l and sets m <- beta1 m + (1 - beta1) g, v <- beta2 v + (1 - beta2) g^2. *)
Fixpoint quotient (n : nat) (m v : R) : R :=
  match n with
  | O => m * phi v
  | S n => E l (fun g => quotient n (beta1 * m + (1 - beta1) * g) (beta2 * v + (1 - beta2) * (g * g)))
  end.

(* The value f of the Adam field: minus the limit of that mean, started from m = v = 0 as Adam is. *)
Definition is_field (f : R) : Prop := is_lim_seq (fun n => quotient n 0 0) (- f).
End Recursion.

(* What all proofs use of a kernel: between 0 and C, decreasing, K-Lipschitz as a function of sqrt v. *)
Record kernel (phi : R -> R) (C K : R) : Prop := Kernel {
  kernel_pos : forall v, 0 <= v -> 0 < phi v;
  kernel_le : forall v, 0 <= v -> phi v <= C;
  kernel_lip : forall v w, 0 <= v -> 0 <= w -> Rabs (phi v - phi w) <= K * Rabs (sqrt v - sqrt w);
  kernel_decreasing : forall v w, 0 <= v <= w -> phi w <= phi v }.

Lemma inverse_diff x y c : 0 < c -> c <= x -> c <= y -> Rabs (/ x - / y) <= / c * / c * Rabs (x - y).
Proof.
  intros Hc Hx Hy.
  replace (/ x - / y) with ((/ x * / y) * (y - x)) by (field; lra).
  rewrite Rabs_mult, (Rabs_minus_sym y x).
  apply Rmult_le_compat_r; [apply Rabs_pos|].
  assert (0 < / x) by (apply Rinv_0_lt_compat; lra). assert (0 < / y) by (apply Rinv_0_lt_compat; lra).
  rewrite Rabs_pos_eq by nra.
  apply Rmult_le_compat; try lra; apply Rinv_le_contravar; lra.
Qed.

Lemma outside_kernel eps : 0 < eps -> kernel (outside eps) (/ eps) (/ eps * / eps).
Proof.
  intros He. split; unfold outside.
  - intros v _. apply Rinv_0_lt_compat. generalize (sqrt_pos v). lra.
  - intros v _. apply Rinv_le_contravar; [exact He|]. generalize (sqrt_pos v). lra.
  - intros v w _ _. generalize (sqrt_pos v) (sqrt_pos w). intros P Q.
    eapply Rle_trans; [apply (inverse_diff _ _ eps He); lra|]. right. f_equal. f_equal. ring.
  - intros v w [H1 H2]. apply Rinv_le_contravar; [generalize (sqrt_pos v); lra|].
    apply Rplus_le_compat_r. apply sqrt_le_1_alt. exact H2.
Qed.

Lemma root_diff x y eps : 0 <= x -> 0 <= y -> 0 < eps ->
  Rabs (sqrt (x * x + eps) - sqrt (y * y + eps)) <= Rabs (x - y).
Proof.
  assert (G : forall x y, 0 <= y -> y <= x -> 0 < eps -> Rabs (sqrt (x * x + eps) - sqrt (y * y + eps)) <= Rabs (x - y)).
  { clear. intros x y Hy Hxy He.
    assert (H : y * y <= x * x) by nra.
    assert (M : sqrt (y * y + eps) <= sqrt (x * x + eps)) by (apply sqrt_le_1_alt; lra).
    rewrite !Rabs_pos_eq by lra.
    assert (Q : sqrt (x * x + eps) <= sqrt (y * y + eps) + (x - y)); [|lra].
    assert (S0 := sqrt_sqrt (y * y + eps) ltac:(nra)). assert (P0 := sqrt_pos (y * y + eps)).
    assert (Y : y <= sqrt (y * y + eps)).
    { rewrite <- (sqrt_square y Hy) at 1. apply sqrt_le_1_alt. lra. }
    rewrite <- (sqrt_square (sqrt (y * y + eps) + (x - y))) by lra.
    apply sqrt_le_1_alt. nra. }
  intros Hx Hy He. destruct (Rle_lt_dec y x); [apply G; assumption|].
  rewrite (Rabs_minus_sym (sqrt _)), (Rabs_minus_sym x). apply G; lra.
Qed.

Lemma inside_kernel eps : 0 < eps -> kernel (inside eps) (/ sqrt eps) (/ eps).
Proof.
  intros He. assert (P : 0 < sqrt eps) by (apply sqrt_lt_R0; exact He).
  assert (LE : forall v, 0 <= v -> sqrt eps <= sqrt (v + eps)) by (intros; apply sqrt_le_1_alt; lra).
  split; unfold inside.
  - intros v Hv. apply Rinv_0_lt_compat. generalize (LE v Hv). lra.
  - intros v Hv. apply Rinv_le_contravar; [exact P|]. apply LE. exact Hv.
  - intros v w Hv Hw. eapply Rle_trans; [apply (inverse_diff _ _ (sqrt eps) P); apply LE; assumption|].
    replace (/ sqrt eps * / sqrt eps) with (/ eps).
    2:{ rewrite <- Rinv_mult, sqrt_sqrt by lra. reflexivity. }
    apply Rmult_le_compat_l; [left; apply Rinv_0_lt_compat; exact He|].
    generalize (root_diff (sqrt v) (sqrt w) eps (sqrt_pos v) (sqrt_pos w) He).
    rewrite !sqrt_sqrt by assumption. tauto.
  - intros v w [H1 H2]. apply Rinv_le_contravar; [generalize (LE v H1); lra|]. apply sqrt_le_1_alt. lra.
Qed.

Lemma sqrt_diff v w : 0 <= v -> 0 <= w -> Rabs (sqrt v - sqrt w) <= sqrt (Rabs (v - w)).
Proof.
  assert (G : forall v w, 0 <= w -> w <= v -> Rabs (sqrt v - sqrt w) <= sqrt (Rabs (v - w))).
  { intros x y Hy Hxy. rewrite (Rabs_pos_eq (x - y)) by lra.
    rewrite Rabs_pos_eq by (generalize (sqrt_le_1_alt _ _ Hxy); lra).
    apply Rsqr_incr_0_var; [|apply sqrt_pos]. unfold Rsqr.
    rewrite sqrt_sqrt by lra.
    assert (S1 := sqrt_sqrt x ltac:(lra)). assert (S2 := sqrt_sqrt y Hy).
    generalize (sqrt_pos y) (sqrt_le_1_alt _ _ Hxy). intros. nra. }
  intros Hv Hw. destruct (Rle_lt_dec w v); [apply G; assumption|].
  rewrite (Rabs_minus_sym (sqrt v)), (Rabs_minus_sym v). apply G; lra.
Qed.

(* The second moment stays between the bounds of the squares. *)
Lemma convex b v g M : 0 < b < 1 -> 0 <= v <= M -> g * g <= M -> 0 <= b * v + (1 - b) * (g * g) <= M.
Proof.
  intros Hb Hv Hg. assert (G : 0 <= g * g) by apply Rle_0_sqr.
  assert (0 <= b * v) by (apply Rmult_le_pos; lra). assert (0 <= (1 - b) * (g * g)) by (apply Rmult_le_pos; lra).
  assert (b * v <= b * M) by (apply Rmult_le_compat_l; lra).
  assert ((1 - b) * (g * g) <= (1 - b) * M) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Section Start.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K).
Variable l : list (R * R).
Hypothesis Hl : law l.
Variable H : R.
Hypothesis HH : forall x, In x l -> Rabs (snd x) <= H.
Notation Q := (quotient a b phi l).

Lemma kernel_constants : 0 <= C /\ 0 <= K.
Proof.
  generalize (kernel_pos _ _ _ Hphi 0 (Rle_refl 0)) (kernel_le _ _ _ Hphi 0 (Rle_refl 0)). intros P L. split; [lra|].
  generalize (kernel_lip _ _ _ Hphi 1 0 ltac:(lra) ltac:(lra)) (Rabs_pos (phi 1 - phi 0)).
  rewrite sqrt_1, sqrt_0, Rminus_0_r, Rabs_R1. lra.
Qed.

(* T3: two starts of the moments are forgotten at the rates beta1^n and sqrt(beta2)^n. *)
Lemma forget n : forall m v m' v', 0 <= v -> 0 <= v' -> Rabs m' <= H ->
  Rabs (Q n m v - Q n m' v') <= C * (a ^ n * Rabs (m - m')) + H * (K * sqrt (b ^ n * Rabs (v - v'))).
Proof.
  destruct kernel_constants as [C0 K0].
  induction n as [|n IH]; intros m v m' v' Hv Hv' Hm; cbn [quotient].
  - replace (m * phi v - m' * phi v') with ((m - m') * phi v + m' * (phi v - phi v')) by ring.
    eapply Rle_trans; [apply Rabs_triang|]. simpl pow. rewrite !Rmult_1_l, !Rabs_mult.
    apply Rplus_le_compat.
    + rewrite Rmult_comm. apply Rmult_le_compat_r; [apply Rabs_pos|].
      rewrite Rabs_pos_eq by (left; apply (kernel_pos _ _ _ Hphi v Hv)). apply (kernel_le _ _ _ Hphi v Hv).
    + apply Rmult_le_compat; try apply Rabs_pos; [assumption|].
      eapply Rle_trans; [apply (kernel_lip _ _ _ Hphi v v' Hv Hv')|].
      apply Rmult_le_compat_l; [exact K0|]. apply sqrt_diff; assumption.
  - rewrite E_minus. apply E_abs; [assumption|]. intros x Hx. cbv beta.
    eapply Rle_trans; [apply IH|].
    + assert (0 <= snd x * snd x) by nra. nra.
    + assert (0 <= snd x * snd x) by nra. nra.
    + eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, (Rabs_pos_eq a), (Rabs_pos_eq (1 - a)) by lra.
      generalize (HH x Hx) (Rabs_pos m') (Rabs_pos (snd x)). intros. nra.
    + right. f_equal; f_equal.
      * replace (a * m + (1 - a) * snd x - (a * m' + (1 - a) * snd x)) with (a * (m - m')) by ring.
        rewrite Rabs_mult, (Rabs_pos_eq a) by lra. simpl. ring.
      * replace (b * v + (1 - b) * (snd x * snd x) - (b * v' + (1 - b) * (snd x * snd x))) with (b * (v - v')) by ring.
        rewrite Rabs_mult, (Rabs_pos_eq b) by lra. simpl. do 2 f_equal. ring.
Qed.

Lemma pow_root_vanishes c : is_lim_seq (fun n => sqrt (b ^ n * c)) 0.
Proof.
  rewrite <- sqrt_0. apply (is_lim_seq_continuous sqrt (fun n => b ^ n * c) 0); [apply continuity_pt_sqrt; lra|].
  replace (Finite 0) with (Rbar_mult 0 c) by (simpl; f_equal; ring).
  apply is_lim_seq_scal_r. apply is_lim_seq_geom. rewrite Rabs_pos_eq; lra.
Qed.

(* So the limit may be taken from any start. *)
Lemma any_start m v f : 0 <= v -> 0 <= H -> is_field a b phi l f -> is_lim_seq (fun n => Q n m v) (- f).
Proof.
  intros Hv H0 HF.
  assert (D : is_lim_seq (fun n => Q n m v - Q n 0 0) 0).
  { apply is_lim_seq_abs_0.
    apply (is_lim_seq_le_le (fun _ => 0) _ (fun n => C * (a ^ n * Rabs m) + H * (K * sqrt (b ^ n * Rabs v)))).
    - intros n. split; [apply Rabs_pos|].
      eapply Rle_trans; [apply forget; try lra; rewrite Rabs_R0; assumption|]. rewrite !Rminus_0_r. lra.
    - apply is_lim_seq_const.
    - replace (Finite 0) with (Finite (C * (0 * Rabs m) + H * (K * 0))) by (f_equal; ring).
      apply is_lim_seq_plus'.
      + apply (is_lim_seq_scal_l _ C (0 * Rabs m)). apply (is_lim_seq_scal_r _ (Rabs m) 0).
        apply is_lim_seq_geom. rewrite Rabs_pos_eq; lra.
      + apply (is_lim_seq_scal_l _ H (K * 0)). apply (is_lim_seq_scal_l _ K 0). apply pow_root_vanishes. }
  apply (is_lim_seq_ext (fun n => Q n 0 0 + (Q n m v - Q n 0 0))); [intros; ring|].
  replace (Finite (- f)) with (Finite (- f + 0)) by (f_equal; ring). apply is_lim_seq_plus'; assumption.
Qed.

Lemma pow_sqrt n : sqrt (b ^ n) = sqrt b ^ n.
Proof. induction n; simpl; [apply sqrt_1|]. rewrite sqrt_mult_alt by lra. rewrite IHn. reflexivity. Qed.

Lemma one_more n : 0 <= H ->
  Rabs (Q (S n) 0 0 - Q n 0 0) <= C * H * a ^ n + H * (K * H) * sqrt b ^ n.
Proof.
  intros H0. destruct kernel_constants as [C0 K0].
  cbn [quotient]. rewrite <- (E_const l (Q n 0 0) Hl) at 1. rewrite E_minus.
  apply E_abs; [assumption|]. intros x Hx. cbv beta.
  assert (0 <= snd x * snd x) by nra. assert (X := HH x Hx). assert (X' := Rabs_pos (snd x)).
  eapply Rle_trans; [apply forget; [nra|lra|rewrite Rabs_R0; lra]|].
  rewrite !Rminus_0_r, !Rmult_0_r, !Rplus_0_l, sqrt_mult_alt, pow_sqrt by (apply pow_le; lra).
  rewrite (Rabs_mult (1 - a)), (Rabs_pos_eq (1 - a)), (Rabs_pos_eq ((1 - b) * _)) by (try lra; nra).
  assert (S1 : sqrt ((1 - b) * (snd x * snd x)) <= H).
  { rewrite <- (sqrt_Rsqr H H0). apply sqrt_le_1_alt. unfold Rsqr.
    rewrite <- (Rabs_pos_eq (snd x * snd x)), Rabs_mult by assumption. nra. }
  assert (P1 := pow_le a n (proj1 Ha)). assert (P2 := pow_le (sqrt b) n (sqrt_pos b)).
  apply Rplus_le_compat.
  - rewrite Rmult_assoc. apply Rmult_le_compat_l; [assumption|]. rewrite Rmult_comm. apply Rmult_le_compat_r; [assumption|]. nra.
  - replace (H * (K * H) * sqrt b ^ n) with (H * (K * (sqrt b ^ n * H))) by ring.
    apply Rmult_le_compat_l; [assumption|]. apply Rmult_le_compat_l; [assumption|]. apply Rmult_le_compat_l; assumption.
Qed.

(* The limit exists, so that no statement about the field is empty. *)
Theorem field_exists : exists f : R, is_field a b phi l f.
Proof.
  assert (Hmax : exists G, 0 <= G /\ forall x, In x l -> Rabs (snd x) <= G).
  { exists (largest l). split; [apply largest_nonneg|apply largest_bound]. }
  assert (H0 : 0 <= H).
  { destruct l as [|x r]; [destruct Hl as [_ N]; simpl in N; lra|].
    eapply Rle_trans; [apply Rabs_pos|apply (HH x (or_introl eq_refl))]. }
  assert (Ser : ex_series (fun n => Q (S n) 0 0 - Q n 0 0)).
  { apply (ex_series_le (K := R_AbsRing) (V := R_CompleteNormedModule) _
      (fun n => C * H * a ^ n + H * (K * H) * sqrt b ^ n)).
    - intros n. apply one_more. exact H0.
    - apply (ex_series_plus (fun n => C * H * a ^ n) (fun n => H * (K * H) * sqrt b ^ n)).
      + apply (ex_series_scal_l (C * H) (fun n => a ^ n)). apply ex_series_geom. rewrite Rabs_pos_eq; lra.
      + apply (ex_series_scal_l (H * (K * H)) (fun n => sqrt b ^ n)). apply ex_series_geom.
        rewrite Rabs_pos_eq by apply sqrt_pos. rewrite <- sqrt_1. apply sqrt_lt_1_alt. lra. }
  destruct Ser as [s Ser]. exists (- (s + Q 0 0 0)). unfold is_field. rewrite Ropp_involutive.
  apply is_lim_seq_incr_1.
  apply (is_lim_seq_ext (fun n => sum_n (fun n => Q (S n) 0 0 - Q n 0 0) n + Q 0 0 0)).
  - intros n. induction n as [|n IH]; [rewrite sum_O; ring|]. rewrite sum_Sn.
    change (plus ?x ?y) with (x + y). rewrite <- IH. ring_simplify. lra || ring.
  - apply (is_lim_seq_plus' _ _ s); [exact Ser|apply is_lim_seq_const].
Qed.
End Start.

Lemma field_unique a b phi l f f' : is_field a b phi l f -> is_field a b phi l f' -> f = f'.
Proof.
  unfold is_field. intros H1 H2. apply is_lim_seq_unique in H1. apply is_lim_seq_unique in H2.
  rewrite H1 in H2. injection H2. lra.
Qed.

(* Turning the sign of all gradients turns the sign of the field. *)
Definition opposite (l : list (R * R)) : list (R * R) := map (fun x => (fst x, - snd x)) l.
Lemma E_opposite l f : E (opposite l) f = E l (fun g => f (- g)).
Proof. induction l as [|[p g] l IH]; simpl; [reflexivity|]. rewrite IH. reflexivity. Qed.

Lemma quotient_opposite a b phi l n : forall m v, quotient a b phi (opposite l) n (- m) v = - quotient a b phi l n m v.
Proof.
  induction n as [|n IH]; intros m v; cbn [quotient]; [ring|].
  rewrite E_opposite.
  transitivity (-1 * E l (fun g => quotient a b phi l n (a * m + (1 - a) * g) (b * v + (1 - b) * (g * g)))); [|ring].
  rewrite <- E_scal. apply E_ext. intros x _.
  replace (a * - m + (1 - a) * - snd x) with (- (a * m + (1 - a) * snd x)) by ring.
  replace (- snd x * - snd x) with (snd x * snd x) by ring. rewrite IH. ring.
Qed.

Lemma field_opposite a b phi l f : is_field a b phi l f -> is_field a b phi (opposite l) (- f).
Proof.
  unfold is_field. intros H. apply (is_lim_seq_ext (fun n => - quotient a b phi l n 0 0)).
  - intros n. rewrite <- quotient_opposite. rewrite Ropp_0. reflexivity.
  - apply (is_lim_seq_opp _ (- f)) in H. exact H.
Qed.

Lemma opposite_law l : law l -> law (opposite l).
Proof.
  intros [H1 H2]. split; [|rewrite E_opposite; exact H2]. intros x Hx. unfold opposite in Hx.
  apply in_map_iff in Hx. destruct Hx as (y & <- & Hy). exact (H1 y Hy).
Qed.

Lemma opposite_mean l : mean (opposite l) = - mean l.
Proof.
  unfold mean. rewrite E_opposite, (E_ext l (fun g => - g) (fun g => (-1) * g)) by (intros; ring). rewrite E_scal. ring.
Qed.

Lemma opposite_variance l : variance (opposite l) = variance l.
Proof. unfold variance. rewrite E_opposite, opposite_mean. apply E_ext. intros x _. ring. Qed.

Lemma opposite_largest l : largest (opposite l) = largest l.
Proof. induction l as [|[p g] l IH]; simpl; [reflexivity|]. rewrite Rabs_Ropp. f_equal. exact IH. Qed.
