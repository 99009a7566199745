(* The field is a continuous function of theta (T2), so a change of its sign encloses a zero. *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field.
Import ListNotations.
Open Scope R_scope.

Section Near.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K).

Definition near (D : R) (x y : R * R) := fst x = fst y /\ Rabs (snd x - snd y) <= D.

Lemma E_near D l l' f k B : Forall2 (near D) l l' -> (forall x, In x l -> 0 <= fst x) -> 0 <= B ->
  (forall x y, In y l' -> near D x y -> Rabs (f (snd x) - k (snd y)) <= B) -> Rabs (E l f - E l' k) <= B * E l (fun _ => 1).
Proof.
  intros F P HB. induction F as [|[p g] [p' g'] l l' [e n] F IH]; intros Hk; simpl.
  - rewrite Rminus_0_r, Rabs_R0. lra.
  - simpl in e, n. subst p'.
    replace (p * f g + E l f - (p * k g' + E l' k)) with (p * (f g - k g') + (E l f - E l' k)) by ring.
    eapply Rle_trans; [apply Rabs_triang|]. rewrite Rmult_plus_distr_l. apply Rplus_le_compat.
    + assert (0 <= p) by exact (P (p, g) (or_introl eq_refl)).
      rewrite Rabs_mult, (Rabs_pos_eq p) by assumption. rewrite Rmult_1_r, Rmult_comm.
      apply Rmult_le_compat_r; [assumption|]. apply (Hk (p, g) (p, g')); [left; reflexivity|split; [reflexivity|assumption]].
    + apply IH; [intros; apply P; right; assumption|intros; apply Hk; [right; assumption|assumption]].
Qed.

(* sqrt v_n is a norm of the history, so it changes no more than the gradients do. *)
Lemma norm_one D p p' g g' : 0 <= p -> 0 <= p' -> 0 <= D -> p <= p' + D -> Rabs g <= Rabs g' + D ->
  sqrt (b * (p * p) + (1 - b) * (g * g)) <= sqrt (b * (p' * p') + (1 - b) * (g' * g')) + D.
Proof.
  intros Hp Hp' HD h1 h2. set (N := sqrt (b * (p' * p') + (1 - b) * (g' * g'))).
  assert (N0 : 0 <= N) by apply sqrt_pos.
  assert (NN : N * N = b * (p' * p') + (1 - b) * (g' * g')) by (apply sqrt_sqrt; nra).
  rewrite <- (sqrt_Rsqr (N + D)) by lra. apply sqrt_le_1_alt. unfold Rsqr.
  set (q := Rabs g) in *. set (q' := Rabs g') in *.
  assert (q0 : 0 <= q) by apply Rabs_pos. assert (q0' : 0 <= q') by apply Rabs_pos.
  replace (g * g) with (q * q) by (unfold q; rewrite <- Rabs_mult; apply Rabs_pos_eq; nra).
  replace (g' * g') with (q' * q') in NN by (unfold q'; rewrite <- Rabs_mult; apply Rabs_pos_eq; nra).
  assert (J : b * p' + (1 - b) * q' <= N).
  { apply Rsqr_incr_0_var; [|assumption]. unfold Rsqr. rewrite NN.
    assert (0 <= b * (1 - b)) by (apply Rmult_le_pos; lra).
    assert (0 <= b * (1 - b) * ((p' - q') * (p' - q'))) by (apply Rmult_le_pos; [assumption|apply Rle_0_sqr]). nra. }
  assert (p * p <= (p' + D) * (p' + D)) by nra. assert (q * q <= (q' + D) * (q' + D)) by nra.
  assert (b * (p * p) <= b * ((p' + D) * (p' + D))) by (apply Rmult_le_compat_l; lra).
  assert ((1 - b) * (q * q) <= (1 - b) * ((q' + D) * (q' + D))) by (apply Rmult_le_compat_l; lra).
  assert (2 * D * (b * p' + (1 - b) * q') <= 2 * D * N) by (apply Rmult_le_compat_l; lra).
  nra.
Qed.

Lemma norm_near D v v' g g' : 0 <= v -> 0 <= v' -> 0 <= D -> Rabs (sqrt v - sqrt v') <= D -> Rabs (g - g') <= D ->
  Rabs (sqrt (b * v + (1 - b) * (g * g)) - sqrt (b * v' + (1 - b) * (g' * g'))) <= D.
Proof.
  intros Hv Hv' HD h1 h2. apply Rabs_le_between in h1.
  assert (H : Rabs g <= Rabs g' + D) by (generalize (Rabs_triang_inv g g'); lra).
  assert (H0 : Rabs g' <= Rabs g + D) by (generalize (Rabs_triang_inv g' g); rewrite (Rabs_minus_sym g' g); lra).
  assert (A := norm_one D (sqrt v) (sqrt v') g g' (sqrt_pos _) (sqrt_pos _) HD ltac:(lra) H).
  assert (B := norm_one D (sqrt v') (sqrt v) g' g (sqrt_pos _) (sqrt_pos _) HD ltac:(lra) H0).
  rewrite !sqrt_sqrt in A by assumption. rewrite !sqrt_sqrt in B by assumption. apply Rabs_le. lra.
Qed.

Variables (l l' : list (R * R)) (D H : R).
Hypotheses (Hl : law l) (HD : 0 <= D) (Hll : Forall2 (near D) l l') (HH : forall x, In x l' -> Rabs (snd x) <= H).

Lemma quotient_near n : forall m v m' v', 0 <= v -> 0 <= v' -> Rabs (m - m') <= D -> Rabs (sqrt v - sqrt v') <= D -> Rabs m' <= H ->
  Rabs (quotient a b phi l n m v - quotient a b phi l' n m' v') <= D * (C + H * K).
Proof.
  destruct (kernel_constants C K phi Hphi) as [C0 K0].
  induction n as [|n IH]; intros m v m' v' Hv Hv' Hm Hs Hh; cbn [quotient].
  - replace (m * phi v - m' * phi v') with ((m - m') * phi v + m' * (phi v - phi v')) by ring.
    eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, Rmult_plus_distr_l. apply Rplus_le_compat.
    + apply Rmult_le_compat; try apply Rabs_pos; [assumption|].
      rewrite Rabs_pos_eq by (left; apply (kernel_pos _ _ _ Hphi v Hv)). apply (kernel_le _ _ _ Hphi v Hv).
    + replace (D * (H * K)) with (H * (K * D)) by ring.
      apply Rmult_le_compat; try apply Rabs_pos; [assumption|].
      eapply Rle_trans; [apply (kernel_lip _ _ _ Hphi v v' Hv Hv')|]. apply Rmult_le_compat_l; assumption.
  - rewrite <- (Rmult_1_r (D * _)). rewrite <- (proj2 Hl) at 1.
    assert (0 <= H) by (eapply Rle_trans; [apply Rabs_pos|exact Hh]).
    apply (E_near D); [assumption|apply Hl|apply Rmult_le_pos; [assumption|]; assert (0 <= H * K) by (apply Rmult_le_pos; assumption); lra|].
    intros x y Hy [_ Hxy]. apply IH.
    + assert (0 <= snd x * snd x) by nra. nra.
    + assert (0 <= snd y * snd y) by nra. nra.
    + replace (a * m + (1 - a) * snd x - (a * m' + (1 - a) * snd y)) with (a * (m - m') + (1 - a) * (snd x - snd y)) by ring.
      eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, (Rabs_pos_eq a), (Rabs_pos_eq (1 - a)) by lra.
      generalize (Rabs_pos (m - m')) (Rabs_pos (snd x - snd y)). intros. nra.
    + apply norm_near; assumption.
    + eapply Rle_trans; [apply Rabs_triang|]. rewrite !Rabs_mult, (Rabs_pos_eq a), (Rabs_pos_eq (1 - a)) by lra.
      generalize (HH y Hy) (Rabs_pos m') (Rabs_pos (snd y)). intros. nra.
Qed.

Lemma field_near f f' : law l' -> is_field a b phi l f -> is_field a b phi l' f' -> 0 <= H -> Rabs (f - f') <= D * (C + H * K).
Proof.
  intros Hl' Hf Hf' H0. unfold is_field in Hf, Hf'.
  assert (L := is_lim_seq_abs _ _ (is_lim_seq_minus' _ _ _ _ Hf Hf')). simpl in L.
  replace (Rabs (f - f')) with (Rabs (- f - - f')) by (rewrite <- Rabs_Ropp; f_equal; ring).
  apply (is_lim_seq_le _ (fun _ => D * (C + H * K)) (Rabs (- f - - f')) (D * (C + H * K)) ) in L; [exact L| |apply is_lim_seq_const].
  intros n. apply quotient_near; try lra.
  - rewrite Rminus_0_r, Rabs_R0. exact HD.
  - rewrite Rminus_eq_0, Rabs_R0. exact HD.
  - rewrite Rabs_R0. exact H0.
Qed.
End Near.

(* Data with rows of any type, each with its probability, and the gradient of a row at theta. *)
Definition gradients {A : Type} (g : R -> A -> R) (rows : list (R * A)) (theta : R) : list (R * R) :=
  map (fun r => (fst r, g theta (snd r))) rows.

(* A law that moves with theta, its probabilities fixed and its values continuous. *)
Definition continuous_law (laws : R -> list (R * R)) (theta : R) : Prop :=
  forall e, 0 < e -> exists delta, 0 < delta /\ forall u, Rabs (u - theta) < delta -> Forall2 (near e) (laws u) (laws theta).

Lemma gradients_continuous {A : Type} (g : R -> A -> R) (rows : list (R * A)) theta :
  (forall r, In r rows -> continuity_pt (fun t => g t (snd r)) theta) -> continuous_law (gradients g rows) theta.
Proof.
  intros Hc e He. unfold gradients. revert Hc. induction rows as [|r l IH]; intros Hc.
  - exists 1. split; [lra|]. intros. constructor.
  - destruct IH as (d1 & d1p & H1); [intros; apply Hc; right; assumption|].
    destruct (Hc r (or_introl eq_refl) e He) as (d2 & d2p & H2).
    exists (Rmin d1 d2). split; [apply Rmin_pos; assumption|]. intros u Hu. simpl. constructor.
    + split; [reflexivity|]. simpl. destruct (Req_dec u theta) as [->|ne]; [rewrite Rminus_eq_0, Rabs_R0; lra|].
      left. apply H2. split; [split; [exact I|auto]|]. eapply Rlt_le_trans; [exact Hu|apply Rmin_r].
    + apply H1. eapply Rlt_le_trans; [exact Hu|apply Rmin_l].
Qed.

Section Zero.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K).
Variable laws : R -> list (R * R).
Hypothesis Hl : forall theta, law (laws theta).

(* The field as a function. *)
Definition field (theta : R) : R := - real (Lim_seq (fun n => quotient a b phi (laws theta) n 0 0)).

Lemma field_is theta : is_field a b phi (laws theta) (field theta).
Proof.
  destruct (field_exists a b C K phi Ha Hb Hphi _ (Hl theta) _ (largest_bound _)) as [f Hf].
  unfold field, is_field in *. rewrite (is_lim_seq_unique _ _ Hf). simpl. rewrite Ropp_involutive. exact Hf.
Qed.

Lemma field_continuous theta : continuous_law laws theta -> continuity_pt field theta.
Proof.
  intros Hc e He. set (H := largest (laws theta)).
  destruct (kernel_constants C K phi Hphi) as [C0 K0]. assert (H0 := largest_nonneg (laws theta)). fold H in H0.
  set (B := C + H * K + 1). assert (HB : 0 < B) by (unfold B; assert (0 <= H * K) by (apply Rmult_le_pos; assumption); lra).
  assert (E0 : 0 < e / B / 2) by (assert (0 < e / B) by (apply Rdiv_lt_0_compat; lra); lra).
  destruct (Hc (e / B / 2) E0) as (d & dp & Hd).
  exists d. split; [exact dp|]. intros u [_ Hu]. simpl in *. unfold R_dist in *.
  eapply Rle_lt_trans.
  - apply (field_near a b C K phi Ha Hb Hphi _ _ (e / B / 2) H (Hl u) ltac:(lra) (Hd u Hu) (largest_bound _) _ _ (Hl theta)
      (field_is u) (field_is theta) H0).
  - apply Rle_lt_trans with (e / B / 2 * B).
    + apply Rmult_le_compat_l; [lra|]. unfold B. lra.
    + replace (e / B / 2 * B) with (e / 2) by (field; lra). lra.
Qed.

(* A zero of the field, with decoupled weight decay, lies between two points where it has opposite signs. *)
Theorem zero_between lambda lo hi s flo fhi : lo < hi ->
  (forall theta, lo <= theta <= hi -> continuous_law laws theta) ->
  is_field a b phi (laws lo) flo -> is_field a b phi (laws hi) fhi ->
  0 < s * (flo - lambda * lo) -> s * (fhi - lambda * hi) < 0 ->
  exists theta f, lo < theta < hi /\ is_field a b phi (laws theta) f /\ f - lambda * theta = 0.
Proof.
  intros Hlt Hc Hlo Hhi Slo Shi.
  rewrite (field_unique _ _ _ _ _ _ Hlo (field_is lo)) in Slo. rewrite (field_unique _ _ _ _ _ _ Hhi (field_is hi)) in Shi.
  set (k := fun t => - (s * (field t - lambda * t))).
  destruct (Ranalysis5.IVT_interv k lo hi) as (z & Hz & Ez); [|exact Hlt|unfold k; lra|unfold k; lra|].
  - intros t Ht. unfold k. apply continuity_pt_opp, continuity_pt_mult; [apply continuity_pt_const; intros ? ?; reflexivity|].
    apply continuity_pt_minus; [apply field_continuous, (Hc t Ht)|].
    apply continuity_pt_mult; [apply continuity_pt_const; intros ? ?; reflexivity|apply continuity_pt_id].
  - exists z, (field z). unfold k in Ez. assert (s <> 0) by (intros ->; lra).
    assert (Z : field z - lambda * z = 0).
    { apply Ropp_eq_0_compat in Ez. rewrite Ropp_involutive in Ez. apply Rmult_integral in Ez. tauto. }
    split; [|split; [apply field_is|exact Z]].
    split.
    + destruct (Req_dec z lo) as [->|n]; [rewrite Z in Slo; lra|lra].
    + destruct (Req_dec z hi) as [->|n]; [rewrite Z in Shi; lra|lra].
Qed.
End Zero.
