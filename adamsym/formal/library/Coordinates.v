(* The central inequality of N-Theorem 6 and N-Theorem 2 (b): benefit and harm of the coordinates, as real numbers. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Adamsym Require Import Sums.
Import ListNotations.
Open Scope R_scope.

Definition mu (eta : R) : R := if Rle_dec eta 1 then sqrt eta else (1 + eta) / 2.

Lemma mu_bound eta r : 0 <= r <= eta -> 0 <= mu eta /\ r * (1 + eta - r) <= mu eta * mu eta.
Proof.
  intros Hr. unfold mu. destruct (Rle_dec eta 1) as [h|h].
  - split; [apply sqrt_pos|]. rewrite sqrt_sqrt by lra. assert (0 <= (eta - r) * (1 - r)) by (apply Rmult_le_pos; lra). lra.
  - split; [lra|]. assert (X := Rle_0_sqr ((1 + eta) / 2 - r)). unfold Rsqr in X. lra.
Qed.

(* N_I of the proof: with z^2 what the clear coordinates have of D^2, and x^2 = q^2 times their variance. *)
Lemma benefit h z x D2 : 0 <= h < 1 -> 0 <= z -> 0 <= x -> 0 < D2 -> (1 - h * h) * D2 <= z * z - x * x -> x * x <= h * h * D2 ->
  (1 - h) * D2 <= z * (z - x).
Proof.
  intros Hh Hz Hx HD H1 H2.
  assert (hh : h * h < 1) by (assert (h * h <= h * 1) by (apply Rmult_le_compat_l; lra); lra).
  assert (X : x <= h * z).
  { apply Rsqr_incr_0_var; [|apply Rmult_le_pos; lra]. unfold Rsqr.
    assert (A := Rmult_le_compat_l (h * h) _ _ (Rle_0_sqr h) H1).
    assert (B := Rmult_le_compat_l (1 - h * h) _ _ ltac:(lra) H2). lra. }
  assert (zx : 0 <= z - x) by (assert (h * z <= 1 * z) by (apply Rmult_le_compat_r; lra); lra).
  apply (Rmult_le_reg_l (1 + h)); [lra|].
  assert (0 <= (z - x) * (h * z - x)) by (apply Rmult_le_pos; lra). lra.
Qed.

(* s^2/(c s + eps) as a function of 1/s lies below its tangents. *)
Lemma harm_line c eps s w : 0 < c -> 0 < eps -> 0 <= s -> 0 <= w ->
  s * s / (c * s + eps) <= eps * (w * w) / ((c + eps * w) * (c + eps * w)) * (s * s) + c / ((c + eps * w) * (c + eps * w)) * s.
Proof.
  intros Hc He Hs Hw. assert (cs : 0 <= c * s) by (apply Rmult_le_pos; lra). assert (ew : 0 <= eps * w) by (apply Rmult_le_pos; lra).
  assert (D : eps * (w * w) / ((c + eps * w) * (c + eps * w)) * (s * s) + c / ((c + eps * w) * (c + eps * w)) * s - s * s / (c * s + eps)
    = c * eps * s * ((s * w - 1) * (s * w - 1)) * / ((c + eps * w) * (c + eps * w) * (c * s + eps))) by (field; lra).
  assert (0 <= c * eps * s * ((s * w - 1) * (s * w - 1)) * / ((c + eps * w) * (c + eps * w) * (c * s + eps))); [|lra].
  apply Rmult_le_pos.
  - apply Rmult_le_pos; [|apply Rle_0_sqr]. apply Rmult_le_pos; [apply Rmult_le_pos; lra|exact Hs].
  - left. apply Rinv_0_lt_compat. apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; lra|lra].
Qed.

(* 1 where the mean is not 0 and is small beside the deviation, 0 elsewhere. *)
Definition noisy (q m s : R) : R :=
  if Rlt_dec 0 (Rabs m) then if Rlt_dec (Rabs m) (q * s) then 1 else 0 else 0.

Lemma noisy_cases q m s :
  (noisy q m s = 1 /\ 0 < Rabs m < q * s) \/ (noisy q m s = 0 /\ 0 <= Rabs m * (Rabs m - q * s)).
Proof.
  unfold noisy. destruct (Rlt_dec 0 (Rabs m)) as [h|h]; [destruct (Rlt_dec (Rabs m) (q * s)) as [k|k]|].
  - left. auto.
  - right. split; [reflexivity|]. apply Rmult_le_pos; lra.
  - right. split; [reflexivity|]. replace (Rabs m) with 0 by (generalize (Rabs_pos m); lra). lra.
Qed.

Section Heart.
(* Coordinates with the mean m and the deviation s of their gradient, and with x = -m f; the bounds of x are what is used
   of the field. *)
Context {A : Type}.
Variables (l : list A) (m s x : A -> R) (eps q eta h c n kappa : R).
Notation J i := (noisy q (m i) (s i)).
Notation D2 := (total (fun i => m i * m i) l).
Hypotheses (He : 0 < eps) (Hq : 0 <= q) (Heta : 0 <= eta) (Hh : 0 <= h) (Hc : 0 < c) (Hn : 0 <= n).
Hypothesis Hs : forall i, In i l -> 0 <= s i.
Hypothesis HD : 0 < D2.
Hypothesis Hnoise : total (fun i => s i * s i) l <= eta * D2.
Hypothesis clear : forall i, In i l -> J i = 0 ->
  Rabs (m i) * (Rabs (m i) - q * s i) / (sqrt (m i * m i + s i * s i) + eps) <= x i.
Hypothesis harmful : forall i, In i l -> J i = 1 -> - (h * (s i * s i / (c * s i + eps))) <= x i.
Hypothesis few : total (fun i => J i * s i) l * total (fun i => J i * s i) l <= n * total (fun i => J i * (s i * s i)) l.
Hypotheses (kappa1 : h * eta <= kappa) (kappa2 : h * (sqrt n * mu eta) <= c * kappa).
Hypothesis margin : 0 < 1 - q * sqrt eta - kappa.

Notation Z := (total (fun i => (1 - J i) * (m i * m i)) l).
Notation A1 := (total (fun i => (1 - J i) * (s i * s i)) l).
Notation A2 := (total (fun i => J i * (s i * s i)) l).
Notation tau := (sqrt (Z + A1)).

Lemma J_cases i : (J i = 1 /\ 0 < Rabs (m i) < q * s i) \/ (J i = 0 /\ 0 <= Rabs (m i) * (Rabs (m i) - q * s i)).
Proof. apply noisy_cases. Qed.

Lemma J_range i : 0 <= J i <= 1.
Proof. destruct (J_cases i) as [[-> _]|[-> _]]; lra. Qed.

Lemma parts_nonneg : 0 <= Z /\ 0 <= A1 /\ 0 <= A2.
Proof.
  repeat split; apply total_nonneg; intros i _; generalize (J_range i); intros; apply Rmult_le_pos; try apply Rle_0_sqr; lra.
Qed.

Lemma noise_parts : A1 + A2 <= eta * D2.
Proof.
  rewrite <- total_plus. eapply Rle_trans; [|exact Hnoise]. apply total_le. intros. lra.
Qed.

Lemma square_abs y : Rabs y * Rabs y = y * y.
Proof. rewrite <- Rabs_mult. apply Rabs_pos_eq, Rle_0_sqr. Qed.

Lemma signal_parts : D2 - q * q * A2 <= Z.
Proof.
  assert (D2 <= q * q * A2 + Z); [|lra]. rewrite <- total_scal, <- total_plus. apply total_le. intros i Hi.
  destruct (J_cases i) as [[-> [h1 h2]]|[-> _]]; [|lra].
  assert (Rabs (m i) * Rabs (m i) <= q * s i * (q * s i)) by (apply Rmult_le_compat; lra). rewrite square_abs in H. lra.
Qed.

Lemma below_tau i : In i l -> J i = 0 -> sqrt (m i * m i + s i * s i) <= tau.
Proof.
  intros Hi e. apply sqrt_le_1_alt. rewrite <- total_plus.
  eapply Rle_trans; [|apply (total_one (fun i => (1 - J i) * (m i * m i) + (1 - J i) * (s i * s i)) l i); [|exact Hi]].
  - cbv beta. rewrite e. lra.
  - intros k _. generalize (J_range k). intros. assert (0 <= (1 - J k) * (m k * m k)) by (apply Rmult_le_pos; [lra|apply Rle_0_sqr]).
    assert (0 <= (1 - J k) * (s k * s k)) by (apply Rmult_le_pos; [lra|apply Rle_0_sqr]). lra.
Qed.

Lemma tau_positive : 0 < tau + eps.
Proof. generalize (sqrt_pos (Z + A1)). lra. Qed.

Lemma clear_part : sqrt Z * (sqrt Z - q * sqrt A1) / (tau + eps) <= total (fun i => (1 - J i) * x i) l.
Proof.
  destruct parts_nonneg as (Z0 & A10 & _). assert (T := tau_positive). assert (I : 0 < / (tau + eps)) by (apply Rinv_0_lt_compat; exact T).
  set (F := fun i => (1 - J i) * Rabs (m i)). set (G := fun i => (1 - J i) * s i).
  assert (Cauchy := total_cauchy F G l).
  assert (FF : total (fun i => F i * F i) l = Z).
  { apply total_ext. intros i _. unfold F. destruct (J_cases i) as [[-> _]|[-> _]]; [ring|]. rewrite <- (square_abs (m i)). ring. }
  assert (GG : total (fun i => G i * G i) l = A1).
  { apply total_ext. intros i _. unfold G. destruct (J_cases i) as [[-> _]|[-> _]]; ring. }
  rewrite FF, GG in Cauchy. set (N := total (fun i => F i * G i) l) in *.
  assert (NN : N <= sqrt Z * sqrt A1).
  { apply Rsqr_incr_0_var; [|apply Rmult_le_pos; apply sqrt_pos]. unfold Rsqr.
    replace (sqrt Z * sqrt A1 * (sqrt Z * sqrt A1)) with ((sqrt Z * sqrt Z) * (sqrt A1 * sqrt A1)) by ring.
    rewrite !sqrt_sqrt by assumption. exact Cauchy. }
  apply Rle_trans with ((Z - q * N) / (tau + eps)).
  - apply Rmult_le_compat_r; [lra|]. assert (q * N <= q * (sqrt Z * sqrt A1)) by (apply Rmult_le_compat_l; assumption).
    assert (S := sqrt_sqrt Z Z0). lra.
  - unfold Rdiv. rewrite (Rmult_comm _ (/ (tau + eps))). set (it := / (tau + eps)) in *. replace (Z - q * N) with (Z + (- q) * N) by ring. unfold N.
    rewrite <- (total_scal (- q)), <- total_plus, <- (total_scal it). apply total_le. intros i Hi. unfold F, G.
    destruct (J_cases i) as [[-> _]|[e P]]; [lra|]. generalize (clear i Hi e) (below_tau i Hi e). rewrite e. intros C B.
    assert (sq := sqrt_pos (m i * m i + s i * s i)).
    eapply Rle_trans; [|rewrite Rminus_0_r, Rmult_1_l; exact C]. unfold Rdiv. rewrite (Rmult_comm (Rabs (m i) * (Rabs (m i) - q * s i))).
    replace ((1 - 0) * (m i * m i) + - q * ((1 - 0) * Rabs (m i) * ((1 - 0) * s i))) with (Rabs (m i) * (Rabs (m i) - q * s i))
      by (rewrite <- (square_abs (m i)); ring).
    apply Rmult_le_compat_r; [exact P|]. unfold it. apply Rinv_le_contravar; lra.
Qed.

Lemma tau_bounds : tau * tau = Z + A1 /\ tau * tau <= D2 + A1 /\ tau <= sqrt (1 + eta) * sqrt D2.
Proof.
  destruct parts_nonneg as (Z0 & A10 & A20). assert (N := noise_parts).
  assert (ZD : Z <= D2).
  { apply total_le. intros i _. generalize (J_range i) (Rle_0_sqr (m i)). unfold Rsqr. intros.
    assert (0 <= J i * (m i * m i)) by (apply Rmult_le_pos; lra). lra. }
  rewrite sqrt_sqrt by lra. split; [reflexivity|]. split; [lra|].
  rewrite <- sqrt_mult by lra. apply sqrt_le_1_alt. lra.
Qed.

Lemma harmful_part : - (kappa * D2 / (tau + eps)) <= total (fun i => J i * x i) l.
Proof.
  destruct parts_nonneg as (Z0 & A10 & A20). assert (T := tau_positive). assert (I : 0 < / (tau + eps)) by (apply Rinv_0_lt_compat; exact T).
  set (H := total (fun i => J i * (s i * s i / (c * s i + eps))) l).
  assert (L : - (h * H) <= total (fun i => J i * x i) l).
  { unfold H. replace (- (h * total (fun i => J i * (s i * s i / (c * s i + eps))) l))
      with ((- h) * total (fun i => J i * (s i * s i / (c * s i + eps))) l) by ring.
    rewrite <- total_scal. apply total_le. intros i Hi. destruct (J_cases i) as [[e _]|[e _]]; rewrite e; [|lra].
    generalize (harmful i Hi e). lra. }
  assert (kD : 0 <= kappa * D2).
  { apply Rmult_le_pos; [|lra]. eapply Rle_trans; [|exact kappa1]. apply Rmult_le_pos; assumption. }
  assert (B : h * H <= kappa * D2 / (tau + eps)); [|lra].
  destruct (Rle_lt_or_eq_dec 0 A2 A20) as [A2p|A2z].
  2:{ assert (HZ : H <= / eps * A2).
      { unfold H. rewrite <- total_scal. apply total_le. intros i Hi. generalize (Hs i Hi). intros s0.
        assert (cs : 0 <= c * s i) by (apply Rmult_le_pos; lra).
        destruct (J_cases i) as [[-> _]|[-> _]]; [|lra]. rewrite !Rmult_1_l. unfold Rdiv. rewrite Rmult_comm.
        apply Rmult_le_compat_r; [apply Rle_0_sqr|]. apply Rinv_le_contravar; lra. }
      rewrite <- A2z, Rmult_0_r in HZ. apply Rle_trans with (h * 0); [apply Rmult_le_compat_l; assumption|]. rewrite Rmult_0_r.
      apply Rmult_le_pos; lra. }
  (* w^2 = n/A2, so that the sum of the deviations is at most w A2 *)
  set (S1 := total (fun i => J i * s i) l) in *. set (w := sqrt n / sqrt A2).
  assert (rA : 0 < sqrt A2) by (apply sqrt_lt_R0; exact A2p). assert (rAA := sqrt_sqrt A2 A20).
  assert (rn := sqrt_pos n). assert (rnn := sqrt_sqrt n Hn).
  assert (w0 : 0 <= w) by (apply Rmult_le_pos; [exact rn|left; apply Rinv_0_lt_compat; exact rA]).
  assert (wA : w * A2 = sqrt n * sqrt A2) by (unfold w; rewrite <- rAA at 2; field; lra).
  assert (SA : S1 <= w * A2).
  { rewrite wA. apply Rsqr_incr_0_var; [|apply Rmult_le_pos; lra]. unfold Rsqr.
    replace (sqrt n * sqrt A2 * (sqrt n * sqrt A2)) with ((sqrt n * sqrt n) * (sqrt A2 * sqrt A2)) by ring. rewrite rnn, rAA. exact few. }
  set (d := c + eps * w). assert (d0 : 0 < d) by (unfold d; assert (0 <= eps * w) by (apply Rmult_le_pos; lra); lra).
  assert (HB : H <= A2 * w / d).
  { apply Rle_trans with (eps * (w * w) / (d * d) * A2 + c / (d * d) * S1).
    - unfold H, S1. rewrite <- !total_scal, <- total_plus. apply total_le. intros i Hi.
      assert (HL := harm_line c eps (s i) w Hc He (Hs i Hi) w0). fold d in HL.
      destruct (J_cases i) as [[-> _]|[-> _]]; lra.
    - assert (cd : 0 <= c / (d * d)) by (apply Rmult_le_pos; [lra|left; apply Rinv_0_lt_compat, Rmult_lt_0_compat; exact d0]).
      assert (X := Rmult_le_compat_l _ _ _ cd SA).
      replace (A2 * w / d) with (eps * (w * w) / (d * d) * A2 + c / (d * d) * (w * A2)); [lra|]. unfold d. field. unfold d in d0. lra. }
  assert (HH := Rmult_le_compat_l h _ _ Hh HB). eapply Rle_trans; [exact HH|].
  apply (Rmult_le_reg_r (d * (tau + eps))); [apply Rmult_lt_0_compat; assumption|].
  replace (h * (A2 * w / d) * (d * (tau + eps))) with (h * (A2 * w) * tau + eps * w * (h * A2)) by (field; lra).
  replace (kappa * D2 / (tau + eps) * (d * (tau + eps))) with (c * kappa * D2 + eps * w * (kappa * D2)) by (unfold d; field; lra).
  assert (AD : A2 <= eta * D2) by (generalize noise_parts; lra).
  apply Rplus_le_compat.
  2:{ apply Rmult_le_compat_l; [apply Rmult_le_pos; lra|]. apply Rle_trans with (h * (eta * D2)); [apply Rmult_le_compat_l; assumption|].
      assert (h * eta * D2 <= kappa * D2) by (apply Rmult_le_compat_r; lra). lra. }
  destruct tau_bounds as (_ & tt & _). assert (t0 := sqrt_pos (Z + A1)). set (t := tau) in *.
  destruct (mu_bound eta (A2 / D2)) as [m0 mb].
  { split; [apply Rmult_le_pos; [exact A20|left; apply Rinv_0_lt_compat; exact HD]|].
    apply (Rmult_le_reg_r D2); [exact HD|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra. lra. }
  assert (AT : sqrt A2 * t <= mu eta * D2).
  { apply Rsqr_incr_0_var; [|apply Rmult_le_pos; lra]. unfold Rsqr.
    replace (sqrt A2 * t * (sqrt A2 * t)) with (sqrt A2 * sqrt A2 * (t * t)) by ring. rewrite rAA.
    apply Rle_trans with (A2 * (D2 + eta * D2 - A2)).
    - apply Rmult_le_compat_l; [exact A20|]. generalize noise_parts. lra.
    - assert (X := Rmult_le_compat_r (D2 * D2) _ _ (Rle_0_sqr D2) mb).
      replace (A2 / D2 * (1 + eta - A2 / D2) * (D2 * D2)) with (A2 * (D2 + eta * D2 - A2)) in X by (field; lra). lra. }
  replace (A2 * w) with (sqrt n * sqrt A2) by (rewrite <- wA; ring).
  apply Rle_trans with (h * sqrt n * (mu eta * D2)).
  - replace (h * (sqrt n * sqrt A2) * t) with (h * sqrt n * (sqrt A2 * t)) by ring. apply Rmult_le_compat_l; [apply Rmult_le_pos; lra|exact AT].
  - replace (h * sqrt n * (mu eta * D2)) with (h * (sqrt n * mu eta) * D2) by ring. apply Rmult_le_compat_r; [lra|exact kappa2].
Qed.

(* The central inequality. *)
Theorem heart : (1 - q * sqrt eta - kappa) * (D2 / (sqrt (1 + eta) * sqrt D2 + eps)) <= total x l.
Proof.
  destruct parts_nonneg as (Z0 & A10 & A20). assert (N := noise_parts). assert (SP := signal_parts).
  assert (T := tau_positive). destruct tau_bounds as (_ & _ & tb). assert (C := clear_part). assert (H := harmful_part).
  rewrite (total_ext x (fun i => (1 - J i) * x i + J i * x i)) by (intros; ring). rewrite total_plus.
  assert (k0 : 0 <= kappa) by (eapply Rle_trans; [apply Rmult_le_pos; [exact Hh|exact Heta]|exact kappa1]).
  assert (e0 := sqrt_pos eta). assert (ee := sqrt_sqrt eta Heta).
  assert (qe : 0 <= q * sqrt eta) by (apply Rmult_le_pos; assumption).
  assert (B : (1 - q * sqrt eta) * D2 <= sqrt Z * (sqrt Z - q * sqrt A1)).
  { apply benefit; [lra|apply sqrt_pos|apply Rmult_le_pos; [exact Hq|apply sqrt_pos]|exact HD| |];
      replace (q * sqrt A1 * (q * sqrt A1)) with (q * q * (sqrt A1 * sqrt A1)) by ring;
      replace (q * sqrt eta * (q * sqrt eta)) with (q * q * (sqrt eta * sqrt eta)) by ring; rewrite ?ee, !sqrt_sqrt by assumption;
      assert (X := Rmult_le_compat_l (q * q) _ _ (Rle_0_sqr q) N).
    - lra.
    - assert (0 <= q * q * A2) by (apply Rmult_le_pos; [apply Rle_0_sqr|exact A20]). lra. }
  assert (I : 0 < / (tau + eps)) by (apply Rinv_0_lt_compat; exact T).
  apply Rle_trans with ((1 - q * sqrt eta - kappa) * D2 / (tau + eps)).
  - unfold Rdiv. rewrite Rmult_assoc. apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat_l; [lra|].
    apply Rinv_le_contravar; lra.
  - assert (B' := Rmult_le_compat_r _ _ _ (Rlt_le _ _ I) B). unfold Rdiv in *. lra.
Qed.
End Heart.
