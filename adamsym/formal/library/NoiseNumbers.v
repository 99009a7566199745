(* N-Lemma 4: numbers q for which m F >= E phi(V) |m| (|m| - q sigma), with m the mean gradient and sigma its deviation. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Lags SignLemma.
Import ListNotations.
Open Scope R_scope.

(* The bracket of the sign lemma at c. *)
Definition bracket (t c : R) (l : list (R * R)) : R := c - E l (fun g => pos (c - g)) / t.

Definition bracket_above (t q : R) (l : list (R * R)) : Prop :=
  exists c, mean l - q * sqrt (variance l) <= bracket t c l.

(* phi(beta2 v) <= phi(v)/t for the values of V: t = sqrt beta2 always serves. *)
Definition kernel_ratio (b : R) (phi : R -> R) (l : list (R * R)) (t : R) : Prop :=
  0 < t < 1 /\ forall v, 0 <= v <= largest l * largest l -> phi (b * v) <= phi v / t.

Definition noise_number (b : R) (phi : R -> R) (l : list (R * R)) (q : R) : Prop :=
  exists t, kernel_ratio b phi l t /\ bracket_above t q l /\ bracket_above t q (opposite l).

Section Noisy.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K).

Lemma noisy_positive l t q T f : law l -> kernel_ratio b phi l t -> bracket_above t q l ->
  is_kernel_mean b phi l T -> is_field a b phi l f -> T * (mean l - q * sqrt (variance l)) <= - f.
Proof.
  intros Hl [Ht Hr] [c Hc] HT Hf. unfold bracket in Hc.
  assert (M0 : 0 <= largest l * largest l) by apply Rle_0_sqr.
  assert (I := sign_inequality a b C K phi Ha Hb Hphi l Hl _ t (square_bounded l) M0 (proj1 Ht) Hr c T f HT Hf).
  assert (T0 := kernel_mean_nonneg b C K phi Hb Hphi l Hl T HT).
  assert (N := Rmult_le_compat_l T _ _ T0 Hc). lra.
Qed.

Lemma kernel_mean_opposite l T : is_kernel_mean b phi l T -> is_kernel_mean b phi (opposite l) T.
Proof.
  apply is_lim_seq_ext. intros n. generalize 0 as v.
  induction n as [|n IH]; intros v; cbn [mean_kernel]; [reflexivity|].
  rewrite E_opposite. apply E_ext. intros x _. rewrite <- IH. f_equal. ring.
Qed.

(* The conclusion of N-Lemma 4. *)
Theorem noisy_mean l q T f : law l -> noise_number b phi l q -> is_kernel_mean b phi l T -> is_field a b phi l f ->
  T * (Rabs (mean l) * (Rabs (mean l) - q * sqrt (variance l))) <= - (mean l * f).
Proof.
  intros Hl (t & Ht & H1 & H2) HT Hf. set (m := mean l).
  destruct (Rle_lt_dec 0 m) as [h|h].
  - rewrite Rabs_pos_eq by exact h.
    assert (N := Rmult_le_compat_l m _ _ h (noisy_positive l t q T f Hl Ht H1 HT Hf)). fold m in N. lra.
  - rewrite Rabs_left by exact h.
    assert (Ht' : kernel_ratio b phi (opposite l) t) by (unfold kernel_ratio; rewrite opposite_largest; exact Ht).
    assert (P := noisy_positive (opposite l) t q T (- f) (opposite_law l Hl) Ht' H2 (kernel_mean_opposite l T HT)
      (field_opposite _ _ _ _ _ Hf)).
    rewrite opposite_mean, opposite_variance in P. fold m in P.
    assert (N := Rmult_le_compat_l (- m) _ _ ltac:(lra) P). lra.
Qed.
End Noisy.

(* t = sqrt beta2, for gradients without a bound; and the better number for |g| <= G. *)
Lemma ratio_root eps b l : 0 < eps -> 0 < b < 1 -> kernel_ratio b (outside eps) l (sqrt b).
Proof.
  intros He Hb. split; [split; [apply sqrt_lt_R0; lra|rewrite <- sqrt_1; apply sqrt_lt_1_alt; lra]|].
  intros v [Hv _]. apply outside_ratio; assumption.
Qed.

Lemma ratio_bounded eps b l G : 0 < eps -> 0 < b < 1 -> largest l <= G -> 0 < G ->
  kernel_ratio b (outside eps) l ((sqrt b * G + eps) / (G + eps)).
Proof.
  intros He Hb HG G0. assert (s0 : 0 < sqrt b) by (apply sqrt_lt_R0; lra).
  assert (s1 : sqrt b < 1) by (rewrite <- sqrt_1; apply sqrt_lt_1_alt; lra).
  assert (p : 0 < sqrt b * G) by (apply Rmult_lt_0_compat; assumption).
  assert (p' : sqrt b * G < G) by (rewrite <- (Rmult_1_l G) at 2; apply Rmult_lt_compat_r; assumption).
  split; [split; [apply Rdiv_lt_0_compat; lra|apply (Rmult_lt_reg_r (G + eps)); [lra|]; unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra]|].
  intros v [Hv HvG]. unfold outside. rewrite sqrt_mult_alt by lra.
  assert (V : sqrt v <= G).
  { rewrite <- (sqrt_square G) by lra. apply sqrt_le_1_alt. eapply Rle_trans; [exact HvG|].
    assert (L := largest_nonneg l). apply Rmult_le_compat; lra. }
  assert (v0 := sqrt_pos v). assert (0 <= sqrt b * sqrt v) by (apply Rmult_le_pos; lra).
  replace (/ (sqrt v + eps) / ((sqrt b * G + eps) / (G + eps))) with (/ ((sqrt v + eps) * (sqrt b * G + eps) / (G + eps))) by (field; lra).
  apply Rinv_le_contravar; [apply Rdiv_lt_0_compat; [apply Rmult_lt_0_compat; lra|lra]|].
  apply (Rmult_le_reg_r (G + eps)); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  assert (0 <= eps * ((1 - sqrt b) * (G - sqrt v))) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]). lra.
Qed.

(* (a) q^2 = (1 - t)/t, N-Lemma 1's: for t = sqrt beta2 it is 1/sqrt beta2 - 1. *)
Theorem number_a b phi l t : law l -> kernel_ratio b phi l t -> noise_number b phi l (sqrt ((1 - t) / t)).
Proof.
  intros Hl Ht. exists t. split; [exact Ht|]. destruct Ht as [Ht _].
  split; [exact (best_c l t Hl Ht)|exact (best_c (opposite l) t (opposite_law l Hl) Ht)].
Qed.

(* The bracket at c = m + y. *)
Lemma bracket_at t y l : law l -> 0 < t ->
  bracket t (mean l + y) l = mean l - (/ t - 1) * y - / t * E l (fun g => pos (g - mean l - y)).
Proof.
  intros Hl Ht. unfold bracket. set (m := mean l).
  rewrite (E_ext l (fun g => pos (m + y - g)) (fun g => pos (g - m - y) + ((m + y) + (-1) * g))).
  2:{ intros x _. unfold pos. replace (m + y - snd x) with (- (snd x - m - y)) by ring. rewrite Rabs_Ropp. lra. }
  rewrite !E_plus, E_scal, !(E_const l _ Hl). fold (mean l). fold m. field. lra.
Qed.

(* Anything that bounds q1^2 y + (1 + q1^2) E(g - m - y)^+ for both signs is a number. *)
Lemma number_by_y b phi l t q y z : law l -> kernel_ratio b phi l t ->
  E l (fun g => pos (g - mean l - y)) <= z -> E l (fun g => pos (- (g - mean l) - y)) <= z ->
  (/ t - 1) * y + / t * z <= q * sqrt (variance l) -> noise_number b phi l q.
Proof.
  intros Hl Ht H1 H2 Hq. exists t. split; [exact Ht|]. destruct Ht as [[t0 t1] _].
  assert (I : 0 < / t) by (apply Rinv_0_lt_compat; exact t0). split.
  - exists (mean l + y). rewrite bracket_at by assumption.
    assert (N := Rmult_le_compat_l (/ t) _ _ (Rlt_le _ _ I) H1). lra.
  - exists (mean (opposite l) + y). rewrite bracket_at by (try apply opposite_law; assumption).
    rewrite opposite_variance, opposite_mean, E_opposite.
    rewrite (E_ext l (fun g => pos (- g - - mean l - y)) (fun g => pos (- (g - mean l) - y))) by (intros; f_equal; ring).
    assert (N := Rmult_le_compat_l (/ t) _ _ (Rlt_le _ _ I) H2). lra.
Qed.

(* (b) q sigma = (1/t - 1) sup |g - m|. *)
Theorem number_b b phi l t q y : law l -> kernel_ratio b phi l t ->
  (forall x, In x l -> Rabs (snd x - mean l) <= y) -> (/ t - 1) * y <= q * sqrt (variance l) -> noise_number b phi l q.
Proof.
  intros Hl Ht Hy Hq. apply (number_by_y b phi l t q y 0 Hl Ht); [| |lra].
  - right. rewrite (E_ext l _ (fun _ => 0)); [apply E_zero|]. intros x Hx. assert (B := Hy x Hx).
    assert (A := Rle_abs (snd x - mean l)). unfold pos. rewrite Rabs_left1 by lra. lra.
  - right. rewrite (E_ext l _ (fun _ => 0)); [apply E_zero|]. intros x Hx. assert (B := Hy x Hx).
    assert (A := Rle_abs (- (snd x - mean l))). rewrite Rabs_Ropp in A. unfold pos. rewrite Rabs_left1 by lra. lra.
Qed.

(* A value of probability p is at most sigma sqrt(1/p - 1) away from the mean. *)
Lemma value_near_mean l p g : law l -> In (p, g) l -> 0 < p -> (g - mean l) * (g - mean l) <= (/ p - 1) * variance l.
Proof.
  intros Hl Hin Hp.
  assert (G : forall m, E l (fun x => x - m) = 0 -> p * ((g - m) * (g - m)) <= (1 - p) * E l (fun x => (x - m) * (x - m))).
  { intros m Hm. apply in_split in Hin. destruct Hin as (l1 & l2 & ->). destruct Hl as [H1 H2].
    assert (App : forall (u w : list (R * R)) (F : R -> R), E (u ++ w) F = E u F + E w F).
    { intros u w F. induction u as [|[r h] u IH]; simpl; [ring|]. rewrite IH. ring. }
    rewrite App in *. simpl in *.
    (* the others: E 1 = 1 - p, E(x - m) = -p (g - m), and Cauchy-Schwarz *)
    set (r := E l1 (fun _ => 1) + E l2 (fun _ => 1)). set (s := E l1 (fun x => x - m) + E l2 (fun x => x - m)).
    set (v := E l1 (fun x => (x - m) * (x - m)) + E l2 (fun x => (x - m) * (x - m))).
    assert (Pos : forall F, (forall x, 0 <= F x) -> 0 <= E l1 F + E l2 F).
    { intros F HF. assert (A1 : 0 <= E l1 F).
      { rewrite <- (E_zero l1). apply E_le; [intros; apply H1, in_or_app; left; assumption|intros; apply HF]. }
      assert (A2 : 0 <= E l2 F).
      { rewrite <- (E_zero l2). apply E_le; [intros; apply H1, in_or_app; right; right; assumption|intros; apply HF]. }
      lra. }
    assert (CS : forall k, 0 <= v + 2 * k * s + k * k * r).
    { intros k. assert (P := Pos (fun x => (x - m + k) * (x - m + k)) (fun x => Rle_0_sqr _)).
      rewrite (E_ext l1 _ (fun x => (x - m) * (x - m) + (2 * k * (x - m) + k * k * 1))) in P by (intros; ring).
      rewrite (E_ext l2 _ (fun x => (x - m) * (x - m) + (2 * k * (x - m) + k * k * 1))) in P by (intros; ring).
      rewrite !E_plus, !E_scal in P. unfold r, s, v. lra. }
    assert (r0 : r = 1 - p) by (unfold r; lra). assert (s0 : s = - p * (g - m)) by (unfold s; lra).
    assert (rp : 0 <= r) by (apply Pos; intros; lra).
    assert (T : p * p * ((g - m) * (g - m)) <= r * v).
    { destruct (Rle_lt_or_eq_dec 0 r rp) as [h|h].
      - assert (X := CS (- s / r)). replace (v + 2 * (- s / r) * s + - s / r * (- s / r) * r) with ((r * v - s * s) / r) in X by (field; lra).
        assert (Y : 0 <= r * v - s * s).
        { apply (Rmult_le_reg_r (/ r)); [apply Rinv_0_lt_compat; exact h|]. rewrite Rmult_0_l. exact X. }
        rewrite s0 in Y. lra.
      - assert (Z : s = 0).
        { destruct (Req_dec s 0) as [z|z]; [exact z|exfalso].
          assert (X := CS (- (v + 1) / (2 * s))). rewrite <- h in X.
          replace (v + 2 * (- (v + 1) / (2 * s)) * s + - (v + 1) / (2 * s) * (- (v + 1) / (2 * s)) * 0) with (-1) in X by (field; exact z). lra. }
        rewrite Z in s0. replace (p * p * ((g - m) * (g - m))) with (- p * (g - m) * (- p * (g - m))) by ring. rewrite <- s0, <- h. lra. }
    replace (E l1 (fun x => (x - m) * (x - m)) + (p * ((g - m) * (g - m)) + E l2 (fun x => (x - m) * (x - m))))
      with (v + p * ((g - m) * (g - m))) by (unfold v; ring).
    rewrite r0 in T. lra. }
  assert (Hm : E l (fun x => x - mean l) = 0).
  { rewrite (E_ext l _ (fun x => x + - mean l)) by (intros; ring). rewrite E_plus, (E_const l _ Hl). unfold mean. ring. }
  assert (X := G (mean l) Hm). fold (variance l) in X.
  apply (Rmult_le_reg_l p); [exact Hp|]. replace (p * ((/ p - 1) * variance l)) with ((1 - p) * variance l) by (field; lra). exact X.
Qed.

Theorem number_b_rare b phi l t p : law l -> kernel_ratio b phi l t -> 0 < p -> (forall x, In x l -> p <= fst x) ->
  noise_number b phi l ((/ t - 1) * sqrt (/ p - 1)).
Proof.
  intros Hl Ht Hp Hx. apply (number_b b phi l t _ (sqrt (/ p - 1) * sqrt (variance l)) Hl Ht); [|lra].
  intros [r g] Hin. cbn [snd]. assert (pr := Hx _ Hin). cbn [fst] in pr.
  assert (V := variance_nonneg l Hl). assert (N := value_near_mean l r g Hl Hin ltac:(lra)).
  assert (I : / r <= / p) by (apply Rinv_le_contravar; lra).
  rewrite <- sqrt_Rsqr_abs. destruct (Rle_lt_dec 0 (/ p - 1)) as [h|h].
  - rewrite <- sqrt_mult by assumption. apply sqrt_le_1_alt. unfold Rsqr. eapply Rle_trans; [exact N|].
    apply Rmult_le_compat_r; lra.
  - rewrite (sqrt_neg_0 (/ p - 1)) by lra. rewrite Rmult_0_l. rewrite <- sqrt_0. apply sqrt_le_1_alt. unfold Rsqr.
    eapply Rle_trans; [exact N|]. assert ((/ r - 1) * variance l <= 0 * variance l) by (apply Rmult_le_compat_r; lra). lra.
Qed.

(* (c) q = (1/t - 1) (kurtosis/(1 - t))^(1/4), for E(g - m)^4 <= kurtosis sigma^4. *)
Lemma pos_fourth x y : 0 < y -> pos (x - y) <= 27 / 256 * (x * x * (x * x)) * / (y * y * y).
Proof.
  intros Hy. assert (I : 0 < / (y * y * y)) by (apply Rinv_0_lt_compat; repeat apply Rmult_lt_0_compat; exact Hy).
  assert (x4 : 0 <= x * x * (x * x)) by (apply Rmult_le_pos; apply Rle_0_sqr).
  destruct (Rle_lt_dec x y) as [h|h].
  - unfold pos. rewrite Rabs_left1 by lra. assert (0 <= 27 / 256 * (x * x * (x * x)) * / (y * y * y)) by (apply Rmult_le_pos; lra). lra.
  - unfold pos. rewrite Rabs_pos_eq by lra. replace ((x - y + (x - y)) / 2) with ((x - y) * (y * y * y) * / (y * y * y)) by (field; lra).
    apply Rmult_le_compat_r; [lra|].
    assert (e : 27 * (x * x * (x * x)) - 256 * ((x - y) * (y * y * y))
      = (3 * x - 4 * y) * (3 * x - 4 * y) * (3 * (x * x) + 8 * (x * y) + 16 * (y * y))) by ring.
    assert (0 <= (3 * x - 4 * y) * (3 * x - 4 * y) * (3 * (x * x) + 8 * (x * y) + 16 * (y * y))).
    { apply Rmult_le_pos; [apply Rle_0_sqr|]. assert (0 <= x * y) by (apply Rmult_le_pos; lra). assert (X := Rle_0_sqr x). assert (Y := Rle_0_sqr y). unfold Rsqr in *. lra. }
    lra.
Qed.

Theorem number_c b phi l t k : law l -> kernel_ratio b phi l t -> 0 < k ->
  E l (fun g => (g - mean l) * (g - mean l) * ((g - mean l) * (g - mean l))) <= k * (variance l * variance l) ->
  noise_number b phi l ((/ t - 1) * sqrt (sqrt (k / (1 - t)))).
Proof.
  intros Hl Ht Hk H4. assert (V := variance_nonneg l Hl). pose proof Ht as [[t0 t1] _].
  set (s := sqrt (variance l)). assert (ss : s * s = variance l) by (apply sqrt_sqrt; exact V).
  set (r := sqrt (sqrt (k / (1 - t)))).
  assert (K0 : 0 < k / (1 - t)) by (apply Rdiv_lt_0_compat; lra).
  assert (r0 : 0 < r) by (apply sqrt_lt_R0, sqrt_lt_R0; exact K0).
  assert (r4 : r * r * (r * r) = k / (1 - t)).
  { assert (e : r * r = sqrt (k / (1 - t))) by (apply sqrt_sqrt; left; apply sqrt_lt_R0; exact K0).
    rewrite e. apply sqrt_sqrt. lra. }
  destruct (Rle_lt_or_eq_dec 0 s (sqrt_pos _)) as [s0|s0].
  - set (y := 3 / 4 * r * s). assert (y0 : 0 < y) by (unfold y; repeat apply Rmult_lt_0_compat; lra).
    set (F := E l (fun g => (g - mean l) * (g - mean l) * ((g - mean l) * (g - mean l)))) in *.
    set (z := 27 / 256 * / (y * y * y) * F).
    assert (I : 0 < 27 / 256 * / (y * y * y)).
    { apply Rmult_lt_0_compat; [lra|apply Rinv_0_lt_compat, Rmult_lt_0_compat; [apply Rmult_lt_0_compat|]; exact y0]. }
    apply (number_by_y b phi l t _ y z Hl Ht).
    + unfold z, F. rewrite <- E_scal. apply E_le; [apply Hl|]. intros x _. eapply Rle_trans; [apply pos_fourth; exact y0|]. right. ring.
    + unfold z, F. rewrite <- E_scal. apply E_le; [apply Hl|]. intros x _. eapply Rle_trans; [apply pos_fourth; exact y0|]. right. ring.
    + assert (Z : z <= (1 - t) * (r * s) / 4).
      { assert (N := Rmult_le_compat_l _ _ _ (Rlt_le _ _ I) H4). fold z in N. eapply Rle_trans; [exact N|]. right. rewrite <- ss.
        replace k with (r * r * (r * r) * (1 - t)) by (rewrite r4; field; lra). unfold y. field. lra. }
      assert (It : 0 < / t) by (apply Rinv_0_lt_compat; exact t0).
      assert (N := Rmult_le_compat_l (/ t) _ _ (Rlt_le _ _ It) Z).
      replace (/ t * ((1 - t) * (r * s) / 4)) with ((/ t - 1) * (r * s) / 4) in N by (field; lra). fold s. unfold y. lra.
  - (* no deviation: all that has a probability is the mean *)
    apply (number_by_y b phi l t _ 0 0 Hl Ht); fold s; rewrite <- ?s0; try lra.
    + apply (Rle_trans _ (sqrt (variance l))); [|fold s; lra].
      apply Rle_trans with (E l (fun g => Rabs (g - mean l))).
      * apply E_le; [apply Hl|]. intros x _. unfold pos. rewrite Rminus_0_r. generalize (Rle_abs (snd x - mean l)). lra.
      * apply Rsqr_incr_0_var; [|apply sqrt_pos]. unfold Rsqr. fold s. rewrite ss. eapply Rle_trans; [apply E_square; exact Hl|].
        right. apply E_ext. intros x _. rewrite <- Rabs_mult. apply Rabs_pos_eq, Rle_0_sqr.
    + apply (Rle_trans _ (sqrt (variance l))); [|fold s; lra].
      apply Rle_trans with (E l (fun g => Rabs (g - mean l))).
      * apply E_le; [apply Hl|]. intros x _. unfold pos. rewrite Rminus_0_r, Rabs_Ropp. generalize (Rle_abs (- (snd x - mean l))). rewrite Rabs_Ropp. lra.
      * apply Rsqr_incr_0_var; [|apply sqrt_pos]. unfold Rsqr. fold s. rewrite ss. eapply Rle_trans; [apply E_square; exact Hl|].
        right. apply E_ext. intros x _. rewrite <- Rabs_mult. apply Rabs_pos_eq, Rle_0_sqr.
Qed.
