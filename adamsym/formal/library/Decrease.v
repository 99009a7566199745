(* The loss decreases along the flow: N-Theorem 6, and N-Theorem 2 (a) and (b), for gradients in any number of coordinates
   with finitely many values, for Adam's kernel, every beta1 and every eps. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Lags SignLemma NoiseNumbers UniversalBound Sums Coordinates.
Import ListNotations.
Open Scope R_scope.

Definition second_moment (l : list (R * R)) : R := E l (fun g => g * g).
Definition deviation (l : list (R * R)) : R := sqrt (variance l).

Lemma second_moment_parts l : law l -> mean l * mean l + deviation l * deviation l = second_moment l.
Proof.
  intros Hl. unfold deviation, second_moment. rewrite sqrt_sqrt by (apply variance_nonneg; exact Hl).
  rewrite (variance_moments l Hl). ring.
Qed.

(* Adam's kernel lies above its tangents. *)
Lemma outside_tangent eps S v : 0 < eps -> 0 < S -> 0 <= v ->
  outside eps S + - / (2 * sqrt S * ((sqrt S + eps) * (sqrt S + eps))) * (v - S) <= outside eps v.
Proof.
  intros He HS Hv. unfold outside. assert (t0 := sqrt_lt_R0 S HS). assert (s0 := sqrt_pos v).
  assert (tt := sqrt_sqrt S ltac:(lra)). assert (ss := sqrt_sqrt v Hv). set (t := sqrt S) in *. set (s := sqrt v) in *.
  rewrite <- tt, <- ss.
  assert (D : / (s + eps) - (/ (t + eps) + - / (2 * t * ((t + eps) * (t + eps))) * (s * s - t * t))
    = (s - t) * (s - t) * (s + 2 * t + eps) * / (2 * t * ((t + eps) * (t + eps)) * (s + eps))) by (field; lra).
  assert (0 <= (s - t) * (s - t) * (s + 2 * t + eps) * / (2 * t * ((t + eps) * (t + eps)) * (s + eps))); [|lra].
  apply Rmult_le_pos; [apply Rmult_le_pos; [apply Rle_0_sqr|lra]|].
  left. apply Rinv_0_lt_compat. repeat apply Rmult_lt_0_compat; lra.
Qed.

(* Jensen's inequality: E phi(V) >= phi(S). *)
Lemma jensen b eps l T : 0 < b < 1 -> 0 < eps -> law l -> 0 < second_moment l ->
  is_kernel_mean b (outside eps) l T -> outside eps (second_moment l) <= T.
Proof.
  intros Hb He Hl HS HT. set (S := second_moment l) in *.
  refine (is_lim_seq_le (fun _ => outside eps S) _ (outside eps S) T _ (is_lim_seq_const _)
    (kernel_mean_from b _ _ _ Hb (outside_kernel eps He) l Hl S T ltac:(lra) HT)). intros n.
  eapply Rle_trans; [|apply (mean_kernel_le b l Hb Hl _ _ n (fun v Hv => outside_tangent eps S v He HS Hv) S); lra].
  unfold S, second_moment. rewrite (mean_kernel_line b l Hl). lra.
Qed.

(* The margin c0 of the theorems, without its last term if there is no noisy coordinate. *)
Definition margin (q eta : R) (n : nat) (last : R) : R := 1 - q * sqrt eta - match n with O => 0 | _ => last end.

Section Coordinates.
(* A point: in each coordinate the law of the gradient, and the value of the field. *)
Variables (a b eps : R) (x : list (list (R * R) * R)).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (He : 0 < eps).
Hypothesis Hlaw : forall i, In i x -> law (fst i).
Hypothesis Hfield : forall i, In i x -> is_field a b (outside eps) (fst i) (snd i).
Notation m i := (mean (fst i)).
Notation s i := (deviation (fst i)).
Notation D2 := (total (fun i => mean (fst i) * mean (fst i)) x).
Notation J q i := (noisy q (m i) (s i)).
Variables (q eta : R) (n : nat).
Hypotheses (Hq : 0 <= q) (Hnumber : forall i, In i x -> noise_number b (outside eps) (fst i) q).
Hypotheses (HD : 0 < D2) (Hnoise : total (fun i => variance (fst i)) x <= eta * D2).
(* There are at most n coordinates with 0 < |m| < q sigma. *)
Hypothesis few : total (fun i => J q i) x <= INR n.

Lemma eta_nonneg : 0 <= eta.
Proof.
  assert (0 <= total (fun i => variance (fst i)) x) by (apply total_nonneg; intros; apply variance_nonneg, Hlaw; assumption).
  apply (Rmult_le_reg_r D2); [exact HD|]. lra.
Qed.

Lemma clear_coordinate i : In i x -> J q i = 0 ->
  Rabs (m i) * (Rabs (m i) - q * s i) / (sqrt (m i * m i + s i * s i) + eps) <= - (m i * snd i).
Proof.
  intros Hi e. assert (Hl := Hlaw i Hi). destruct (kernel_mean_exists b _ _ _ Hb (outside_kernel eps He) _ Hl) as [T HT].
  assert (N := noisy_mean a b _ _ _ Ha Hb (outside_kernel eps He) _ q T _ Hl (Hnumber i Hi) HT (Hfield i Hi)).
  change (sqrt (variance (fst i))) with (s i) in N.
  assert (P : 0 <= Rabs (m i) * (Rabs (m i) - q * s i)).
  { destruct (noisy_cases q (m i) (s i)) as [[e' _]|[_ P]]; [lra|exact P]. }
  rewrite (second_moment_parts _ Hl). eapply Rle_trans; [|exact N]. unfold Rdiv. rewrite Rmult_comm. apply Rmult_le_compat_r; [exact P|].
  assert (S0 : 0 <= second_moment (fst i)) by (apply E_nonneg; [exact Hl|intros; apply Rle_0_sqr]).
  destruct (Rle_lt_or_eq_dec _ _ S0) as [h|h]; [exact (jensen b eps _ T Hb He Hl h HT)|].
  (* no gradients at all *)
  rewrite <- h. refine (is_lim_seq_le (fun _ => / (sqrt 0 + eps)) _ _ T _ (is_lim_seq_const _) HT). intros k.
  assert (Z := null_mean b (outside eps) _ Hl ltac:(symmetry; exact h) k). rewrite Z. unfold outside. lra.
Qed.

Lemma few_deviations : total (fun i => J q i * s i) x * total (fun i => J q i * s i) x <= INR n * total (fun i => J q i * (s i * s i)) x.
Proof.
  assert (C := total_cauchy (fun i => J q i) (fun i => J q i * s i) x). cbv beta in C.
  assert (e : forall i : list (R * R) * R, J q i * J q i = J q i) by (intros i; destruct (noisy_cases q (m i) (s i)) as [[-> _]|[-> _]]; ring).
  rewrite (total_ext (fun i => J q i * (J q i * s i)) (fun i => J q i * s i)) in C by (intros; rewrite <- Rmult_assoc, e; reflexivity).
  rewrite (total_ext (fun i => J q i * J q i) (fun i => J q i)) in C by (intros; apply e).
  rewrite (total_ext (fun i => J q i * s i * (J q i * s i)) (fun i => J q i * (s i * s i))) in C.
  2:{ intros i _. replace (J q i * s i * (J q i * s i)) with (J q i * J q i * (s i * s i)) by ring. rewrite e. reflexivity. }
  eapply Rle_trans; [exact C|]. apply Rmult_le_compat_r; [|exact few].
  apply total_nonneg. intros i _. apply Rmult_le_pos; [|apply Rle_0_sqr].
  destruct (noisy_cases q (m i) (s i)) as [[-> _]|[-> _]]; lra.
Qed.

(* What both theorems share. *)
Lemma decrease_by_harm h c last : 0 <= h -> 0 < c ->
  (forall i, In i x -> J q i = 1 -> - (h * (s i * s i / (c * s i + eps))) <= - (m i * snd i)) ->
  h * eta <= last -> h * (sqrt (INR n) * mu eta) <= c * last -> 0 < margin q eta n last ->
  total (fun i => m i * snd i) x <= - (margin q eta n last * (D2 / (sqrt (1 + eta) * sqrt D2 + eps))).
Proof.
  intros Hh Hc harmful k1 k2 c0.
  assert (Sum : total (fun i => m i * snd i) x = - total (fun i => - (m i * snd i)) x).
  { rewrite (total_ext (fun i => - (m i * snd i)) (fun i => (-1) * (m i * snd i))) by (intros; ring). rewrite total_scal. ring. }
  rewrite Sum. apply Ropp_le_contravar.
  assert (H0 : total (fun i => s i * s i) x <= eta * D2).
  { rewrite (total_ext _ (fun i => variance (fst i))); [exact Hnoise|].
    intros i Hi. apply sqrt_sqrt, variance_nonneg, Hlaw, Hi. }
  assert (s0 : forall i, In i x -> 0 <= s i) by (intros; apply sqrt_pos).
  assert (FD := few_deviations). unfold margin in *. revert few FD c0 k2. destruct n as [|n']; cbv iota; intros few0 FD c0 k2.
  - assert (none : forall i, In i x -> J q i = 0).
    { intros i Hi. assert (Y : J q i <= total (fun i => J q i) x).
      { apply (total_one (fun i => J q i)); [|exact Hi]. intros k _. destruct (noisy_cases q (m k) (s k)) as [[-> _]|[-> _]]; lra. }
      simpl in few0. destruct (noisy_cases q (m i) (s i)) as [[e _]|[e _]]; [lra|exact e]. }
    apply (heart x (fun i => m i) (fun i => s i) (fun i => - (m i * snd i)) eps q eta 0 1 (INR 0) 0 He Hq eta_nonneg); try assumption; try lra.
    + simpl. lra.
    + exact clear_coordinate.
    + intros i Hi e. rewrite (none i Hi) in e. lra.
  - apply (heart x (fun i => m i) (fun i => s i) (fun i => - (m i * snd i)) eps q eta h c (INR (S n')) last He Hq eta_nonneg); try assumption.
    + apply pos_INR.
    + exact clear_coordinate.
Qed.

(* N-Theorem 6. Lambda bounds E phi(V)/phi(S) where 0 < |m| < q sigma. *)
Theorem decrease_every_eps Lambda : 0 <= Lambda ->
  (forall i T, In i x -> 0 < Rabs (m i) < q * s i -> is_kernel_mean b (outside eps) (fst i) T ->
    T <= Lambda * outside eps (second_moment (fst i))) ->
  0 < margin q eta n (Lambda * (q * q / 4) * Rmax eta (sqrt (INR n) * mu eta)) ->
  total (fun i => m i * snd i) x <=
  - (margin q eta n (Lambda * (q * q / 4) * Rmax eta (sqrt (INR n) * mu eta)) * (D2 / (sqrt (1 + eta) * sqrt D2 + eps))).
Proof.
  intros HL HT c0. set (h := Lambda * (q * q / 4)) in *.
  assert (h0 : 0 <= h) by (apply Rmult_le_pos; [exact HL|assert (X := Rle_0_sqr q); unfold Rsqr in X; lra]).
  apply (decrease_by_harm h 1); try assumption; try lra.
  - intros i Hi e. assert (Hl := Hlaw i Hi). destruct (noisy_cases q (m i) (s i)) as [[_ [p1 p2]]|[e' _]]; [|lra].
    destruct (kernel_mean_exists b _ _ _ Hb (outside_kernel eps He) _ Hl) as [T KT].
    assert (N := noisy_mean a b _ _ _ Ha Hb (outside_kernel eps He) _ q T _ Hl (Hnumber i Hi) KT (Hfield i Hi)).
    change (sqrt (variance (fst i))) with (s i) in N.
    assert (B := HT i T Hi (conj p1 p2) KT). assert (T0 := kernel_mean_nonneg b _ _ _ Hb (outside_kernel eps He) _ Hl T KT).
    assert (s0 : 0 <= s i) by apply sqrt_pos. set (r := Rabs (m i)) in *. set (d := s i) in *.
    assert (X : r * (q * d - r) <= q * q / 4 * (d * d)) by (assert (Y := Rle_0_sqr (q * d / 2 - r)); unfold Rsqr in Y; lra).
    assert (X0 : 0 <= r * (q * d - r)) by (apply Rmult_le_pos; lra).
    assert (Phi0 : outside eps (second_moment (fst i)) <= / (d + eps)).
    { unfold outside. apply Rinv_le_contravar; [lra|]. apply Rplus_le_compat_r. rewrite <- (second_moment_parts _ Hl). fold d.
      rewrite <- (sqrt_square d) at 1 by exact s0. apply sqrt_le_1_alt. assert (Y := Rle_0_sqr (m i)). unfold Rsqr in Y. lra. }
    assert (I : 0 < / (d + eps)) by (apply Rinv_0_lt_compat; lra).
    assert (B2 : T <= Lambda * / (d + eps)) by (eapply Rle_trans; [exact B|apply Rmult_le_compat_l; assumption]).
    assert (M : T * (r * (q * d - r)) <= Lambda * / (d + eps) * (q * q / 4 * (d * d))) by (apply Rmult_le_compat; assumption).
    replace (Lambda * / (d + eps) * (q * q / 4 * (d * d))) with (h * (d * d / (1 * d + eps))) in M by (unfold h; field; lra).
    replace (r * (r - q * d)) with (- (r * (q * d - r))) in N by ring. lra.
  - apply Rmult_le_compat_l; [exact h0|apply Rmax_l].
  - rewrite Rmult_1_l. apply Rmult_le_compat_l; [exact h0|apply Rmax_r].
Qed.

(* N-Theorem 2 (b): the universal bound in place of Lambda, for beta1^2 < beta2. *)
Theorem decrease_large_batches : a * a < b ->
  0 < margin q eta n (Phi a b * q * Rmax (sqrt (1 + q * q) * eta) (sqrt (INR n) * mu eta)) ->
  total (fun i => m i * snd i) x <=
  - (margin q eta n (Phi a b * q * Rmax (sqrt (1 + q * q) * eta) (sqrt (INR n) * mu eta)) * (D2 / (sqrt (1 + eta) * sqrt D2 + eps))).
Proof.
  intros Hab c0. set (c := sqrt (1 + q * q)) in *.
  assert (q2 := Rle_0_sqr q). unfold Rsqr in q2. assert (cp : 0 < c) by (apply sqrt_lt_R0; lra).
  assert (cc : c * c = 1 + q * q) by (apply sqrt_sqrt; lra).
  assert (P0 : 0 <= Phi a b).
  { unfold Phi. destruct (Rle_dec a b); [lra|]. apply step_constant_below; lra. }
  assert (Pq : 0 <= Phi a b * q) by (apply Rmult_le_pos; assumption).
  apply (decrease_by_harm (Phi a b * q * c) c); try assumption.
  - apply Rmult_le_pos; lra.
  - intros i Hi e. assert (Hl := Hlaw i Hi). destruct (noisy_cases q (m i) (s i)) as [[_ [p1 p2]]|[e' _]]; [|lra].
    assert (U := universal_bound_adam a b eps _ _ Ha ltac:(lra) (or_introl Hab) He Hl (Hfield i Hi)).
    change (E (fst i) (fun g => g * g)) with (second_moment (fst i)) in U. rewrite <- (second_moment_parts _ Hl) in U.
    assert (s0 : 0 <= s i) by apply sqrt_pos. set (d := s i) in *. set (S := m i * m i + d * d) in *.
    assert (rS := sqrt_pos S).
    assert (SS : sqrt S <= c * d).
    { rewrite <- (sqrt_square (c * d)) by (apply Rmult_le_pos; lra). apply sqrt_le_1_alt.
      replace (c * d * (c * d)) with (c * c * (d * d)) by ring. rewrite cc. unfold S.
      assert (Y : Rabs (m i) * Rabs (m i) <= q * d * (q * d)) by (apply Rmult_le_compat; lra).
      rewrite <- Rabs_mult, Rabs_pos_eq in Y by apply Rle_0_sqr. lra. }
    assert (cd : 0 <= c * d) by (apply Rmult_le_pos; lra).
    assert (R1 : sqrt S / (sqrt S + eps) <= c * d / (c * d + eps)).
    { apply (Rmult_le_reg_r ((sqrt S + eps) * (c * d + eps))); [apply Rmult_lt_0_compat; lra|].
      replace (sqrt S / (sqrt S + eps) * ((sqrt S + eps) * (c * d + eps))) with (sqrt S * (c * d + eps)) by (field; lra).
      replace (c * d / (c * d + eps) * ((sqrt S + eps) * (c * d + eps))) with (c * d * (sqrt S + eps)) by (field; lra).
      assert (eps * sqrt S <= eps * (c * d)) by (apply Rmult_le_compat_l; lra). lra. }
    assert (U2 : Rabs (snd i) <= Phi a b * (c * d / (c * d + eps))) by (eapply Rle_trans; [exact U|apply Rmult_le_compat_l; assumption]).
    assert (M : Rabs (m i) * Rabs (snd i) <= q * d * (Phi a b * (c * d / (c * d + eps)))).
    { apply Rmult_le_compat; try apply Rabs_pos; lra. }
    rewrite <- Rabs_mult in M. assert (Y := Rle_abs (m i * snd i)).
    replace (q * d * (Phi a b * (c * d / (c * d + eps)))) with (Phi a b * q * c * (d * d / (c * d + eps))) in M by (field; lra). lra.
  - replace (Phi a b * q * c * eta) with (Phi a b * q * (c * eta)) by ring. apply Rmult_le_compat_l; [exact Pq|apply Rmax_l].
  - replace (Phi a b * q * c * (sqrt (INR n) * mu eta)) with (c * (Phi a b * q * (sqrt (INR n) * mu eta))) by ring.
    apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; [exact Pq|apply Rmax_r].
Qed.
End Coordinates.

(* Where q^2 eta < 1 not all coordinates are noisy: n = d - 1 always serves. *)
Lemma not_all_noisy (x : list (list (R * R) * R)) q eta : 0 <= q -> q * q * eta < 1 ->
  (forall i, In i x -> law (fst i)) ->
  0 < total (fun i => mean (fst i) * mean (fst i)) x ->
  total (fun i => variance (fst i)) x <= eta * total (fun i => mean (fst i) * mean (fst i)) x ->
  total (fun i => noisy q (mean (fst i)) (deviation (fst i))) x <= INR (length x - 1).
Proof.
  intros Hq Hqe Hlaw HD Hnoise. set (J := fun i : list (R * R) * R => noisy q (mean (fst i)) (deviation (fst i))).
  assert (G : (exists i, In i x /\ J i = 0) \/ (forall i, In i x -> J i = 1)).
  { clear. induction x as [|i x IH]; [right; intros i []|].
    destruct (noisy_cases q (mean (fst i)) (deviation (fst i))) as [[e _]|[e _]].
    - destruct IH as [(k & Hk & e')|IH]; [left; exists k; split; [right; exact Hk|exact e']|right].
      intros k [<-|Hk]; [exact e|apply IH; exact Hk].
    - left. exists i. split; [left; reflexivity|exact e]. }
  destruct G as [(i & Hi & e)|all].
  - apply in_split in Hi. destruct Hi as (l1 & l2 & ->). rewrite app_length. simpl length. rewrite Nat.add_succ_r. simpl Nat.sub.
    rewrite Nat.sub_0_r.
    assert (B : forall l, total J l <= INR (length l)).
    { intros l. induction l as [|k l IH]; [simpl; lra|]. change (total J (k :: l)) with (J k + total J l). simpl length. rewrite S_INR.
      destruct (noisy_cases q (mean (fst k)) (deviation (fst k))) as [[e' _]|[e' _]]; unfold J at 1; rewrite e'; lra. }
    assert (App : forall u w, total J (u ++ w) = total J u + total J w).
    { intros u w. induction u as [|k u IH]; simpl; [ring|]. rewrite IH. ring. }
    rewrite App, plus_INR. change (total J (i :: l2)) with (J i + total J l2). rewrite e. generalize (B l1) (B l2). lra.
  - exfalso. set (D2 := total (fun i => mean (fst i) * mean (fst i)) x) in *.
    assert (X : D2 <= q * q * total (fun i => variance (fst i)) x).
    { unfold D2. rewrite <- total_scal. apply total_le. intros i Hi.
      destruct (noisy_cases q (mean (fst i)) (deviation (fst i))) as [[_ [h1 h2]]|[e _]].
      - assert (Y : Rabs (mean (fst i)) * Rabs (mean (fst i)) <= q * deviation (fst i) * (q * deviation (fst i))) by (apply Rmult_le_compat; lra).
        rewrite <- Rabs_mult, Rabs_pos_eq in Y by apply Rle_0_sqr.
        replace (q * deviation (fst i) * (q * deviation (fst i))) with (q * q * (deviation (fst i) * deviation (fst i))) in Y by ring.
        unfold deviation in Y at 1 2. rewrite sqrt_sqrt in Y by (apply variance_nonneg, Hlaw, Hi). exact Y.
      - assert (o := all i Hi). unfold J in o. lra. }
    assert (Y := Rmult_le_compat_l (q * q) _ _ (Rle_0_sqr q) Hnoise).
    assert (q * q * eta * D2 < 1 * D2) by (apply Rmult_lt_compat_r; assumption). lra.
Qed.

(* N-Theorem 2 (a): one coordinate, m f <= -(1 - q sqrt eta) m^2 / (sqrt(1 + eta) |m| + eps). *)
Theorem decrease a b eps l f q eta : 0 <= a < 1 -> 0 < b < 1 -> 0 < eps -> law l -> is_field a b (outside eps) l f ->
  0 <= q -> noise_number b (outside eps) l q -> mean l <> 0 -> variance l <= eta * (mean l * mean l) -> q * sqrt eta < 1 ->
  mean l * f <= - ((1 - q * sqrt eta) * (mean l * mean l / (sqrt (1 + eta) * Rabs (mean l) + eps))).
Proof.
  intros Ha Hb He Hl Hf Hq Hn Hm Hv Hqe.
  assert (m2 : 0 < mean l * mean l) by (destruct (Rdichotomy _ _ Hm) as [h|h]; nra).
  assert (e0 : 0 <= eta).
  { apply (Rmult_le_reg_r (mean l * mean l)); [exact m2|]. assert (V := variance_nonneg l Hl). lra. }
  assert (qq : q * q * eta < 1).
  { rewrite <- (sqrt_sqrt eta e0). assert (s0 := sqrt_pos eta). assert (p : 0 <= q * sqrt eta) by (apply Rmult_le_pos; assumption).
    replace (q * q * (sqrt eta * sqrt eta)) with (q * sqrt eta * (q * sqrt eta)) by ring.
    apply Rle_lt_trans with (q * sqrt eta * 1); [apply Rmult_le_compat_l; lra|lra]. }
  assert (few := not_all_noisy [(l, f)] q eta Hq qq). simpl in few.
  assert (X := decrease_by_harm a b eps [(l, f)] Ha Hb He).
  simpl in X. rewrite !Rplus_0_r in X. unfold margin in X. replace (sqrt (mean l * mean l)) with (Rabs (mean l)) in X.
  2:{ change (mean l * mean l) with (Rsqr (mean l)). rewrite sqrt_Rsqr_abs. reflexivity. }
  rewrite !Rplus_0_r in few.
  assert (only : forall P : list (R * R) * R -> Prop, P (l, f) -> forall i, (l, f) = i \/ False -> P i) by (intros P HP i [<-|[]]; exact HP).
  specialize (X (only (fun i => law (fst i)) Hl) (only (fun i => is_field a b (outside eps) (fst i) (snd i)) Hf) q eta O Hq
    (only (fun i => noise_number b (outside eps) (fst i) q) Hn) m2 Hv).
  replace (1 - q * sqrt eta) with (1 - q * sqrt eta - 0) by ring. eapply X with (h := 0) (c := 1) (last := 0); simpl; try lra.
  - rewrite Rplus_0_r. apply few; [|exact m2|exact Hv]. apply (only (fun i => law (fst i)) Hl).
  - intros i [<-|[]] e. exfalso. assert (f0 : noisy q (mean l) (deviation l) <= 0).
    { apply few; [apply (only (fun i => law (fst i)) Hl)|exact m2|exact Hv]. }
    simpl in e. lra.
Qed.

(* N-Theorem 2 (b) with q0^2 = beta2^(-1/2) - 1 and n = d - 1: nothing is asked of the gradients' laws but their noise. *)
Corollary decrease_any_law a b eps (x : list (list (R * R) * R)) eta : 0 <= a < 1 -> 0 < b < 1 -> a * a < b -> 0 < eps ->
  (forall i, In i x -> law (fst i)) -> (forall i, In i x -> is_field a b (outside eps) (fst i) (snd i)) ->
  let D2 := total (fun i => mean (fst i) * mean (fst i)) x in
  let q := sqrt (/ sqrt b - 1) in
  let c0 := margin q eta (length x - 1) (Phi a b * q * Rmax (sqrt (1 + q * q) * eta) (sqrt (INR (length x - 1)) * mu eta)) in
  0 < D2 -> total (fun i => variance (fst i)) x <= eta * D2 -> q * q * eta < 1 -> 0 < c0 ->
  total (fun i => mean (fst i) * snd i) x <= - (c0 * (D2 / (sqrt (1 + eta) * sqrt D2 + eps))).
Proof.
  intros Ha Hb Hab He Hlaw Hfield D2 q c0 HD Hv Hqe Hc0.
  assert (s0 : 0 < sqrt b) by (apply sqrt_lt_R0; lra).
  assert (q0 : 0 <= q) by apply sqrt_pos.
  apply (decrease_large_batches a b eps x Ha Hb He Hlaw Hfield q eta (length x - 1) q0); try assumption.
  - intros i Hi. unfold q. replace (/ sqrt b - 1) with ((1 - sqrt b) / sqrt b) by (field; lra).
    apply number_a; [exact (Hlaw i Hi)|apply ratio_root; assumption].
  - apply (not_all_noisy x q eta); assumption.
Qed.
