(* Averages of the squares over the second moment: the older a square, the larger its share (of N-Lemma 2). *)
From Coq Require Import Reals List Lra Lia Psatz.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Lags.
Import ListNotations.
Open Scope R_scope.

(* A mean with geometric weights, what is left over standing for all later terms. *)
Fixpoint geometric (x : R) (u : list R) (rest : R) : R :=
  match u with [] => rest | y :: u => (1 - x) * y + x * geometric x u rest end.

Fixpoint rising (u : list R) (rest : R) : Prop :=
  match u with [] => True | y :: u => (forall z, In z u -> y <= z) /\ y <= rest /\ rising u rest end.

Lemma geometric_above x u rest y : 0 <= x <= 1 -> (forall z, In z u -> y <= z) -> y <= rest -> y <= geometric x u rest.
Proof.
  intros Hx. induction u as [|z u IH]; intros H Hr; simpl; [exact Hr|].
  assert (y <= z) by (apply H; left; reflexivity).
  assert (y <= geometric x u rest) by (apply IH; [intros; apply H; right; assumption|exact Hr]).
  assert ((1 - x) * y <= (1 - x) * z) by (apply Rmult_le_compat_l; lra).
  assert (x * y <= x * geometric x u rest) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(* A longer memory gives more weight to the later terms. *)
Lemma geometric_le x y u rest : 0 <= x <= y -> y <= 1 -> rising u rest -> geometric x u rest <= geometric y u rest.
Proof.
  intros Hx Hy. induction u as [|z u IH]; simpl; [lra|]. intros (H1 & H2 & H3).
  assert (I := IH H3). assert (A := geometric_above y u rest z ltac:(lra) H1 H2).
  assert (x * geometric x u rest <= x * geometric y u rest) by (apply Rmult_le_compat_l; lra).
  assert (x * (geometric y u rest - z) <= y * (geometric y u rest - z)) by (apply Rmult_le_compat_r; lra). lra.
Qed.

Lemma geometric_rest x u rest : geometric x u rest = geometric x u 0 + x ^ length u * rest.
Proof. induction u as [|y u IH]; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma geometric_append x u q : geometric x (u ++ [q]) 0 = geometric x u 0 + x ^ length u * ((1 - x) * q).
Proof. induction u as [|y u IH]; simpl; [ring|]. rewrite IH. ring. Qed.

Section Bound.
Variables (b : R) (psi : R -> R) (l : list (R * R)) (M : R).
Hypotheses (Hb : 0 < b < 1) (Hl : law l).
Hypothesis HM : forall x, In x l -> snd x * snd x <= M.
Hypothesis psi_decreasing : forall v w, 0 <= v <= w -> psi w <= psi v.
Hypothesis psi_nonneg : forall v, 0 <= v -> 0 <= psi v.
Notation next v g := (b * v + (1 - b) * (g * g)).
Notation psi_mean := (mean_kernel b l psi).

Lemma psi_mean_nonneg n v : 0 <= v -> 0 <= psi_mean n v.
Proof. intros Hv. rewrite <- (mean_kernel_const b l Hl 0 n v). apply mean_kernel_le; assumption. Qed.

Lemma psi_mean_bound n v : 0 <= v -> psi_mean n v <= psi 0.
Proof.
  intros Hv. rewrite <- (mean_kernel_const b l Hl (psi 0) n v). apply mean_kernel_le; [exact Hb|exact Hl| |exact Hv].
  intros w Hw. apply psi_decreasing. lra.
Qed.

(* E[g^2 psi(v)] with g the oldest gradient of n + 1. *)
Definition oldest (n : nat) (v : R) : R := E l (fun g => (g * g) * psi_mean n ((1 - b) * (g * g) + b * v)).

(* The terms u_k = E[g_k^2 psi(v_n)], k steps before the newest. *)
Fixpoint term (n k : nat) (v : R) : R :=
  match n with
  | O => 0
  | S n => if Nat.eqb k n then oldest n v else E l (fun g => term n k (next v g))
  end.

(* Exchanging two neighbours: an older square is divided by less. *)
Lemma older n v : 0 <= v -> E l (fun g => oldest n (next v g)) <= oldest (S n) v.
Proof.
  intros Hv. unfold oldest. cbn [mean_kernel].
  set (A := fun x y => psi_mean n ((1 - b) * x + b * (b * v + (1 - b) * y))).
  set (T := E l (fun h => E l (fun g => (h * h - g * g) * A (g * g) (h * h)))).
  assert (T1 : E l (fun g => g * g * E l (fun h => psi_mean n (next ((1 - b) * (g * g) + b * v) h)))
    = E l (fun h => E l (fun g => (h * h) * A (g * g) (h * h)))).
  { apply E_ext. intros g _. rewrite <- E_scal. apply E_ext. intros h _. f_equal. unfold A. f_equal. ring. }
  assert (T2 : E l (fun h => E l (fun g => g * g * psi_mean n ((1 - b) * (g * g) + b * next v h)))
    = E l (fun h => E l (fun g => (g * g) * A (g * g) (h * h)))) by reflexivity.
  rewrite T1. change (E l (fun h => E l (fun g => g * g * psi_mean n ((1 - b) * (g * g) + b * next v h)))
    <= E l (fun h => E l (fun g => (h * h) * A (g * g) (h * h)))). rewrite T2.
  assert (T0 : E l (fun h => E l (fun g => (h * h) * A (g * g) (h * h))) - E l (fun h => E l (fun g => (g * g) * A (g * g) (h * h))) = T).
  { rewrite E_minus. unfold T. apply E_ext. intros h _. rewrite E_minus. apply E_ext. intros g _. ring. }
  assert (Sym : T = E l (fun h => E l (fun g => (g * g - h * h) * A (h * h) (g * g)))) by (unfold T; apply E_swap).
  assert (P : 0 <= T + T).
  { rewrite Sym at 2. unfold T. rewrite <- E_plus. apply E_nonneg; [exact Hl|]. intros h _.
    rewrite <- E_plus. apply E_nonneg; [exact Hl|]. intros g _.
    set (x := snd g * snd g). set (y := snd h * snd h).
    replace ((y - x) * A x y + (x - y) * A y x) with ((y - x) * (A x y - A y x)) by ring.
    assert (X : 0 <= x) by apply Rle_0_sqr. assert (Y : 0 <= y) by apply Rle_0_sqr.
    assert (N : forall p q, 0 <= p -> 0 <= q -> 0 <= (1 - b) * p + b * (b * v + (1 - b) * q)).
    { intros p q Hp Hq. assert (0 <= (1 - b) * p) by (apply Rmult_le_pos; lra).
      assert (0 <= (1 - b) * q) by (apply Rmult_le_pos; lra). assert (0 <= b * v) by (apply Rmult_le_pos; lra).
      assert (0 <= b * (b * v + (1 - b) * q)) by (apply Rmult_le_pos; lra). lra. }
    assert (D : forall p q, 0 <= p -> p <= q -> (1 - b) * p + b * (b * v + (1 - b) * q) <= (1 - b) * q + b * (b * v + (1 - b) * p)).
    { intros p q Hp Hq. assert (0 <= (1 - b) * (1 - b) * (q - p)) by (apply Rmult_le_pos; [apply Rle_0_sqr|lra]). lra. }
    destruct (Rle_lt_dec x y) as [h1|h1].
    - apply Rmult_le_pos; [lra|]. unfold A.
      generalize (mean_kernel_decreasing b l Hb Hl psi n psi_decreasing _ _ (conj (N x y X Y) (D x y X h1))). lra.
    - replace ((y - x) * (A x y - A y x)) with ((x - y) * (A y x - A x y)) by ring. apply Rmult_le_pos; [lra|]. unfold A.
      generalize (mean_kernel_decreasing b l Hb Hl psi n psi_decreasing _ _ (conj (N y x Y X) (D y x Y ltac:(lra)))). lra. }
  lra.
Qed.

Lemma term_next n k v : (S k < n)%nat -> 0 <= v -> term n k v <= term n (S k) v.
Proof.
  revert k v. induction n as [|n IH]; intros k v Hk Hv; [lia|]. cbn [term].
  destruct (Nat.eqb_spec k n) as [e|_]; [lia|].
  destruct (Nat.eqb_spec (S k) n) as [e|ne].
  - subst n. cbn [term]. rewrite Nat.eqb_refl. apply older. exact Hv.
  - apply E_le; [apply Hl|]. intros x _. apply IH; [lia|apply next_nonneg; [exact Hb|exact Hv]].
Qed.

Lemma term_rises n k j v : (k <= j)%nat -> (j < n)%nat -> 0 <= v -> term n k v <= term n j v.
Proof.
  intros Hk. induction Hk as [|j Hk IH]; intros Hj Hv; [lra|].
  eapply Rle_trans; [apply IH; [lia|exact Hv]|]. apply term_next; [lia|exact Hv].
Qed.

Lemma oldest_bound n v : 0 <= v -> oldest n v <= M * psi 0.
Proof.
  intros Hv. unfold oldest. rewrite <- (E_const l (M * psi 0) Hl). apply E_le; [apply Hl|]. intros x Hx.
  assert (G : 0 <= snd x * snd x) by apply Rle_0_sqr.
  assert (V : 0 <= (1 - b) * (snd x * snd x) + b * v).
  { assert (0 <= (1 - b) * (snd x * snd x)) by (apply Rmult_le_pos; lra). assert (0 <= b * v) by (apply Rmult_le_pos; lra). lra. }
  apply Rmult_le_compat; [exact G|apply psi_mean_nonneg; exact V|apply HM; exact Hx|apply psi_mean_bound; exact V].
Qed.

Lemma term_bound n k v : 0 <= v -> 0 <= M -> term n k v <= M * psi 0.
Proof.
  intros Hv M0. revert k v Hv. induction n as [|n IH]; intros k v Hv; cbn [term].
  - apply Rmult_le_pos; [exact M0|apply psi_nonneg; lra].
  - destruct (Nat.eqb k n); [apply oldest_bound; exact Hv|].
    rewrite <- (E_const l (M * psi 0) Hl). apply E_le; [apply Hl|]. intros x _. apply IH, next_nonneg; assumption.
Qed.

Definition terms (n : nat) (v : R) : list R := map (fun k => term n k v) (seq 0 n).

Lemma terms_rise n v : 0 <= v -> 0 <= M -> rising (terms n v) (M * psi 0).
Proof.
  intros Hv M0. unfold terms.
  assert (G : forall m k, (k + m <= n)%nat -> rising (map (fun j => term n j v) (seq k m)) (M * psi 0)).
  { induction m as [|m IH]; intros k Hk; [exact I|]. cbn [seq map rising]. repeat split.
    - intros z Hz. apply in_map_iff in Hz. destruct Hz as (j & <- & Hj). apply in_seq in Hj. apply term_rises; [lia|lia|exact Hv].
    - apply term_bound; assumption.
    - apply IH. lia. }
  apply G. lia.
Qed.

(* The mean of r_n psi(v_n), where r_n is the average of the squares with the memory x. *)
Fixpoint squares (x : R) (n : nat) (r v : R) : R :=
  match n with O => r * psi v | S n => E l (fun g => squares x n (x * r + (1 - x) * (g * g)) (next v g)) end.

Lemma geometric_E x n (f : nat -> R -> R) : geometric x (map (fun k => E l (f k)) n) 0 = E l (fun g => geometric x (map (fun k => f k g) n) 0).
Proof.
  induction n as [|k n IH]; simpl; [symmetry; apply E_zero|]. rewrite IH, <- !E_scal, <- E_plus. reflexivity.
Qed.

Lemma squares_terms x n : forall r v, squares x n r v = x ^ n * r * psi_mean n v + geometric x (terms n v) 0.
Proof.
  induction n as [|n IH]; intros r v; cbn [squares mean_kernel]; [simpl; ring|].
  assert (T : terms (S n) v = map (fun k => E l (fun g => term n k (next v g))) (seq 0 n) ++ [oldest n v]).
  { unfold terms. rewrite seq_S, map_app. f_equal.
    - apply map_ext_in. intros k Hk. apply in_seq in Hk. cbn [term]. destruct (Nat.eqb_spec k n); [lia|reflexivity].
    - cbn [map plus term]. rewrite Nat.eqb_refl. reflexivity. }
  rewrite T, geometric_append, map_length, seq_length, geometric_E.
  rewrite (E_ext l _ (fun g => x ^ S n * r * psi_mean n (next v g)
    + ((1 - x) * x ^ n * ((g * g) * psi_mean n ((1 - b) * (g * g) + b * v)) + geometric x (terms n (next v g)) 0))).
  2:{ intros g _. rewrite IH. rewrite (Rplus_comm ((1 - b) * _) (b * v)).
      replace (x ^ S n) with (x * x ^ n) by reflexivity. ring. }
  rewrite !E_plus, !E_scal. unfold oldest, terms. ring.
Qed.

(* With the memory of v the mean is at most 1, so with a shorter one too, up to what is far away. *)
Lemma squares_own n : (forall r v, 0 <= r <= v -> r * psi v <= 1) -> forall r v, 0 <= r <= v -> squares b n r v <= 1.
Proof.
  intros H. induction n as [|n IH]; intros r v Hr; cbn [squares]; [apply H; exact Hr|].
  eapply Rle_trans; [|right; apply (E_const l 1 Hl)]. apply E_le; [apply Hl|]. intros x _. apply IH.
  assert (G : 0 <= snd x * snd x) by apply Rle_0_sqr. assert (0 <= (1 - b) * (snd x * snd x)) by (apply Rmult_le_pos; lra).
  assert (0 <= b * r) by (apply Rmult_le_pos; lra). assert (b * r <= b * v) by (apply Rmult_le_compat_l; lra).
  split; lra.
Qed.

Lemma squares_bound a n v : 0 <= a <= b -> 0 <= v -> 0 <= M -> (forall r v, 0 <= r <= v -> r * psi v <= 1) ->
  squares a n 0 v <= 1 + b ^ n * (M * psi 0).
Proof.
  intros Ha Hv M0 H. assert (O := squares_own n H 0 v ltac:(lra)). rewrite squares_terms in *.
  assert (G := geometric_le a b (terms n v) (M * psi 0) Ha ltac:(lra) (terms_rise n v Hv M0)).
  rewrite (geometric_rest a), (geometric_rest b) in G.
  assert (L : length (terms n v) = n) by (unfold terms; rewrite map_length, seq_length; reflexivity). rewrite L in G.
  assert (0 <= a ^ n * (M * psi 0)).
  { apply Rmult_le_pos; [apply pow_le; lra|]. apply Rmult_le_pos; [exact M0|apply psi_nonneg; lra]. }
  rewrite !Rmult_0_r, !Rmult_0_l in *. lra.
Qed.
End Bound.
