(* N-Theorem 3 (ii): gradients with two values and mean 0. The field vanishes there in the symmetric case alone;
   otherwise it has the sign of E[g^3], whatever beta1, beta2 and eps are. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Lags OneLag.
Import ListNotations.
Open Scope R_scope.

(* How much a kernel decreases, at least, on [0, Z]. *)
Definition steep (phi : R -> R) : Prop :=
  forall Z, 0 < Z -> exists k, 0 < k /\ forall x z, 0 <= x <= z -> z <= Z -> k * (z - x) <= phi x - phi z.

Lemma root_steep x z Z : 0 < Z -> 0 <= x <= z -> z <= Z -> (z - x) <= 2 * sqrt Z * (sqrt z - sqrt x).
Proof.
  intros HZ Hx Hz.
  assert (S1 := sqrt_sqrt x ltac:(lra)). assert (S2 := sqrt_sqrt z ltac:(lra)).
  assert (A := sqrt_le_1_alt x z ltac:(lra)). assert (B := sqrt_le_1_alt z Z ltac:(lra)). assert (P := sqrt_pos x).
  rewrite <- S1, <- S2 at 1.
  replace (sqrt z * sqrt z - sqrt x * sqrt x) with ((sqrt z + sqrt x) * (sqrt z - sqrt x)) by ring.
  apply Rmult_le_compat_r; lra.
Qed.

Lemma inverse_steep u v Q : 0 < u <= v -> v <= Q -> (v - u) * (/ Q * / Q) <= / u - / v.
Proof.
  intros Hu Hv. replace (/ u - / v) with ((v - u) * (/ u * / v)) by (field; lra).
  apply Rmult_le_compat_l; [lra|].
  assert (0 < / Q) by (apply Rinv_0_lt_compat; lra).
  apply Rmult_le_compat; try lra; apply Rinv_le_contravar; lra.
Qed.

Lemma outside_steep eps : 0 < eps -> steep (outside eps).
Proof.
  intros He Z HZ. assert (P := sqrt_lt_R0 Z HZ). set (Q := sqrt Z + eps).
  assert (HQ : 0 < / Q) by (apply Rinv_0_lt_compat; unfold Q; lra).
  assert (HI : 0 < / (2 * sqrt Z)) by (apply Rinv_0_lt_compat; lra).
  exists (/ (2 * sqrt Z) * (/ Q * / Q)). split; [apply Rmult_lt_0_compat; [lra|apply Rmult_lt_0_compat; lra]|].
  intros x z Hx Hz. unfold outside.
  assert (A := sqrt_le_1_alt x z ltac:(lra)). assert (B := sqrt_le_1_alt z Z ltac:(lra)). assert (X := sqrt_pos x).
  eapply Rle_trans; [|apply (inverse_steep _ _ Q); unfold Q; lra].
  replace (/ (2 * sqrt Z) * (/ Q * / Q) * (z - x)) with ((/ (2 * sqrt Z) * (z - x)) * (/ Q * / Q)) by ring.
  apply Rmult_le_compat_r; [left; apply Rmult_lt_0_compat; lra|].
  apply (Rmult_le_reg_l (2 * sqrt Z)); [lra|]. rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
  replace (sqrt z + eps - (sqrt x + eps)) with (sqrt z - sqrt x) by ring. apply root_steep; lra.
Qed.

Lemma inside_steep eps : 0 < eps -> steep (inside eps).
Proof.
  intros He Z HZ. set (Q := sqrt (Z + eps)). assert (P : 0 < Q) by (apply sqrt_lt_R0; lra).
  assert (HQ : 0 < / Q) by (apply Rinv_0_lt_compat; exact P).
  exists (/ (2 * Q) * (/ Q * / Q)). split; [apply Rmult_lt_0_compat; [apply Rinv_0_lt_compat; lra|apply Rmult_lt_0_compat; lra]|].
  intros x z Hx Hz. unfold inside.
  assert (X : 0 < sqrt (x + eps)) by (apply sqrt_lt_R0; lra).
  assert (A := sqrt_le_1_alt (x + eps) (z + eps) ltac:(lra)). assert (B := sqrt_le_1_alt (z + eps) (Z + eps) ltac:(lra)).
  eapply Rle_trans; [|apply (inverse_steep _ _ Q); unfold Q; lra].
  replace (/ (2 * Q) * (/ Q * / Q) * (z - x)) with ((/ (2 * Q) * (z - x)) * (/ Q * / Q)) by ring.
  apply Rmult_le_compat_r; [left; apply Rmult_lt_0_compat; lra|].
  apply (Rmult_le_reg_l (2 * Q)); [lra|]. rewrite <- Rmult_assoc, Rinv_r, Rmult_1_l by lra.
  generalize (root_steep (x + eps) (z + eps) (Z + eps) ltac:(lra) ltac:(lra) ltac:(lra)). fold Q. lra.
Qed.

(* A law on two values is a mixture of them. *)
Lemma two_values l u v : law l -> (forall x, In x l -> snd x = u \/ snd x = v) ->
  exists p, 0 <= p <= 1 /\ forall k, E l k = p * k u + (1 - p) * k v.
Proof.
  intros [Hp H1] Hv.
  assert (G : exists p q, 0 <= p /\ 0 <= q /\ forall k, E l k = p * k u + q * k v).
  { clear H1. induction l as [|[r g] l IH].
    - exists 0, 0. repeat split; try lra. intros k. simpl. ring.
    - destruct IH as (p & q & P & Q & K).
      + intros x Hx. apply Hp. right. exact Hx.
      + intros x Hx. apply Hv. right. exact Hx.
      + assert (R0 := Hp (r, g) (or_introl eq_refl)). simpl in R0.
        destruct (Hv (r, g) (or_introl eq_refl)) as [e|e]; simpl in e; subst g.
        * exists (r + p), q. repeat split; try lra. intros k. simpl. rewrite K. ring.
        * exists p, (r + q). repeat split; try lra. intros k. simpl. rewrite K. ring. }
  destruct G as (p & q & P & Q & K). assert (S := K (fun _ => 1)). rewrite H1 in S.
  exists p. split; [lra|]. intros k. rewrite K. replace q with (1 - p) by lra. reflexivity.
Qed.

Section TwoValues.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K) (Hsteep : steep phi).
Variables (l : list (R * R)) (u v : R).
Hypotheses (Hl : law l) (Hu : 0 < u) (Hv : 0 < v).
Hypothesis Hvalues : forall x, In x l -> snd x = u \/ snd x = - v.
Hypothesis Hmean : mean l = 0.

(* The weight that both values share: E|g|/2. *)
Lemma shared : exists c, 0 < c /\ forall k, E l (fun g => g * k (g * g)) = c * (k (u * u) - k (v * v)).
Proof.
  destruct (two_values l u (- v) Hl Hvalues) as (p & Hp & Kp).
  assert (M := Kp (fun g => g)). fold (mean l) in M. rewrite Hmean in M.
  assert (PU : p * u = (1 - p) * v) by lra.
  exists (p * u). split.
  - destruct (Rle_lt_or_eq_dec 0 p (proj1 Hp)) as [h|h]; [apply Rmult_lt_0_compat; assumption|]. subst p. lra.
  - intros k. rewrite (Kp (fun g => g * k (g * g))). replace (- v * - v) with (v * v) by ring.
    replace (p * (u * k (u * u)) + (1 - p) * (- v * k (v * v))) with (p * u * k (u * u) - (1 - p) * v * k (v * v)) by ring.
    rewrite <- PU. ring.
Qed.

Lemma squares x : In x l -> Rmin (u * u) (v * v) <= snd x * snd x <= Rmax (u * u) (v * v).
Proof.
  intros Hx. destruct (Hvalues x Hx) as [-> | ->]; replace (- v * - v) with (v * v) by ring;
    split; first [apply Rmin_l|apply Rmin_r|apply Rmax_l|apply Rmax_r].
Qed.

(* The field has strictly the sign of u - v. *)
Theorem two_values_sign s f : 0 < s * (v - u) -> is_field a b phi l f -> 0 < s * - f.
Proof.
  intros Hs Hf. destruct shared as (c & c0 & Kc).
  set (L := Rmin (u * u) (v * v)). set (M := Rmax (u * u) (v * v)).
  assert (L0 : 0 <= L) by (apply Rmin_glb; nra).
  assert (LM : L <= M) by (eapply Rle_trans; [apply Rmin_l|apply Rmax_l]).
  assert (Mu : u * u <= M) by apply Rmax_l. assert (Mv : v * v <= M) by apply Rmax_r.
  assert (M0 : 0 < M) by nra.
  destruct (Hsteep M M0) as (k & k0 & Hk).
  assert (N : forall w y, 0 < w <= 1 - b -> 0 <= y <= (1 - w) * M ->
    c * k * w * (s * (v * v - u * u)) <= s * lag phi l w y).
  { intros w y Hw Hy. unfold lag. rewrite (Kc (fun q => phi (w * q + y))).
    assert (Wu : 0 <= w * (u * u) <= w * M) by (split; [apply Rmult_le_pos; nra|apply Rmult_le_compat_l; lra]).
    assert (Wv : 0 <= w * (v * v) <= w * M) by (split; [apply Rmult_le_pos; nra|apply Rmult_le_compat_l; lra]).
    assert (Z : (1 - w) * M + w * M = M) by ring.
    destruct (Rle_lt_dec u v) as [h|h].
    - assert (s0 : 0 <= s) by nra. assert (q : w * (u * u) <= w * (v * v)) by (apply Rmult_le_compat_l; nra).
      assert (X := Hk (w * (u * u) + y) (w * (v * v) + y) ltac:(lra) ltac:(lra)).
      replace (c * k * w * (s * (v * v - u * u))) with (s * c * (k * (w * (v * v) + y - (w * (u * u) + y)))) by ring.
      replace (s * (c * (phi (w * (u * u) + y) - phi (w * (v * v) + y)))) with (s * c * (phi (w * (u * u) + y) - phi (w * (v * v) + y))) by ring.
      apply Rmult_le_compat_l; [apply Rmult_le_pos; lra|exact X].
    - assert (s0 : 0 <= - s) by nra. assert (q : w * (v * v) <= w * (u * u)) by (apply Rmult_le_compat_l; nra).
      assert (X := Hk (w * (v * v) + y) (w * (u * u) + y) ltac:(lra) ltac:(lra)).
      replace (c * k * w * (s * (v * v - u * u))) with (- s * c * (k * (w * (u * u) + y - (w * (v * v) + y)))) by ring.
      replace (s * (c * (phi (w * (u * u) + y) - phi (w * (v * v) + y)))) with (- s * c * (phi (w * (v * v) + y) - phi (w * (u * u) + y))) by ring.
      apply Rmult_le_compat_l; [apply Rmult_le_pos; lra|exact X]. }
  assert (D : 0 < s * (v * v - u * u)).
  { replace (s * (v * v - u * u)) with (s * (v - u) * (v + u)) by ring. apply Rmult_lt_0_compat; lra. }
  assert (CK : 0 < c * k) by (apply Rmult_lt_0_compat; assumption).
  assert (B : (1 - a) * (c * k * (1 - b) * (s * (v * v - u * u))) <= s * - f).
  { apply (one_lag a b C K phi Ha Hb Hphi l Hl L M L0 squares s); [| |exact LM|exact Hf].
    - intros w y Hw Hy. assert (0 <= (1 - w) * L) by (apply Rmult_le_pos; lra).
      eapply Rle_trans; [|apply N; lra].
      apply Rmult_le_pos; [apply Rmult_le_pos; lra|lra].
    - intros y Hy. assert (0 <= b * L) by (apply Rmult_le_pos; lra). apply N; [lra|].
      replace (1 - (1 - b)) with b by ring. lra. }
  assert (0 < (1 - a) * (c * k * (1 - b) * (s * (v * v - u * u)))); [|lra].
  apply Rmult_lt_0_compat; [lra|]. apply Rmult_lt_0_compat; [|exact D]. apply Rmult_lt_0_compat; lra.
Qed.

Theorem two_values_symmetric f : u = v -> is_field a b phi l f -> f = 0.
Proof.
  intros e Hf. destruct shared as (c & c0 & Kc).
  assert (Z : forall w y, lag phi l w y = 0).
  { intros w y. unfold lag. rewrite (Kc (fun q => phi (w * q + y))). rewrite e. ring. }
  assert (L0 : 0 <= Rmin (u * u) (v * v)) by (apply Rmin_glb; nra).
  assert (LM : Rmin (u * u) (v * v) <= Rmax (u * u) (v * v)) by (eapply Rle_trans; [apply Rmin_l|apply Rmax_l]).
  assert (B : forall s, (1 - a) * 0 <= s * - f).
  { intros s. apply (one_lag a b C K phi Ha Hb Hphi l Hl _ _ L0 squares s); [| |exact LM|exact Hf];
      intros; rewrite Z; lra. }
  generalize (B 1) (B (-1)). lra.
Qed.

(* N-Theorem 3 (ii): the field is 0 if and only if the two values are symmetric. *)
Theorem two_values_zero f : is_field a b phi l f -> (f = 0 <-> u = v).
Proof.
  intros Hf. split; [|intros; apply two_values_symmetric; assumption].
  intros ->. destruct (Rtotal_order u v) as [h|[h|h]]; [|exact h|].
  - generalize (two_values_sign 1 0 ltac:(lra) Hf). lra.
  - generalize (two_values_sign (-1) 0 ltac:(lra) Hf). lra.
Qed.
End TwoValues.
