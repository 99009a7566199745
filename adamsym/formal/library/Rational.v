(* Laws whose atoms are rational numbers, and the sign lemma decided by exact arithmetic. *)
From Coq Require Import Reals List Lra Lia Psatz QArith Qreals Qminmax Bool.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Lags SignLemma Continuity.
Import ListNotations.
Open Scope R_scope.

Definition atoms (l : list (Q * Q)) : list (R * R) := map (fun x => (Q2R (fst x), Q2R (snd x))) l.

(* Rows of data with rational probabilities, as rows with real ones. *)
Definition weighted {A : Type} (rows : list (Q * A)) : list (R * A) := map (fun r => (Q2R (fst r), snd r)) rows.

Definition gradients_Q {A : Type} (g : A -> Q) (rows : list (Q * A)) : list (Q * Q) :=
  map (fun r => (fst r, g (snd r))) rows.

Lemma gradients_atoms {A : Type} (g : R -> A -> R) (gQ : A -> Q) (rows : list (Q * A)) theta :
  (forall r, In r rows -> g theta (snd r) = Q2R (gQ (snd r))) ->
  gradients g (weighted rows) theta = atoms (gradients_Q gQ rows).
Proof.
  unfold gradients, weighted, atoms, gradients_Q. rewrite !map_map. intros H. apply map_ext_in. intros r Hr. simpl.
  rewrite (H r Hr). reflexivity.
Qed.

Lemma gradients_ext {A : Type} (g k : R -> A -> R) (rows : list (R * A)) theta :
  (forall x, g theta x = k theta x) -> gradients g rows theta = gradients k rows theta.
Proof. intros H. unfold gradients. apply map_ext. intros r. rewrite H. reflexivity. Qed.

(* Exact expectations. *)
Fixpoint E_Q (l : list (Q * Q)) (f : Q -> Q) : Q :=
  match l with [] => 0%Q | (p, g) :: l => Qred (p * f g + E_Q l f)%Q end.

Lemma E_Q_E l fq f : (forall x, Q2R (fq x) = f (Q2R x)) -> Q2R (E_Q l fq) = E (atoms l) f.
Proof.
  intros H. induction l as [|[p g] l IH]; cbn [E_Q E atoms map fst snd]; [apply RMicromega.Q2R_0|].
  rewrite (Qeq_eqR _ _ (Qred_correct _)), Q2R_plus, Q2R_mult, H, IH. reflexivity.
Qed.

Definition is_law (l : list (Q * Q)) : bool :=
  forallb (fun x => Qle_bool 0 (fst x)) l && Qeq_bool (E_Q l (fun _ => 1%Q)) 1.

Lemma Q2R_one : Q2R 1 = 1.
Proof. unfold Q2R. simpl. lra. Qed.

Lemma Q2R_nonneg x : Qle_bool 0 x = true -> 0 <= Q2R x.
Proof. intros H. apply Qle_bool_iff, Qle_Rle in H. rewrite RMicromega.Q2R_0 in H. exact H. Qed.

Lemma is_law_law l : is_law l = true -> law (atoms l).
Proof.
  unfold is_law. intros H. apply andb_prop in H. destruct H as [H1 H2]. split.
  - intros x Hx. unfold atoms in Hx. apply in_map_iff in Hx. destruct Hx as (y & <- & Hy). simpl.
    apply Q2R_nonneg. rewrite forallb_forall in H1. apply H1. exact Hy.
  - apply Qeq_bool_eq, Qeq_eqR in H2. rewrite Q2R_one in H2. transitivity (Q2R (E_Q l (fun _ => 1%Q))); [symmetry; apply E_Q_E; intros; apply Q2R_one|].
    exact H2.
Qed.

(* A law does not depend on theta. *)
Lemma weighted_law {A : Type} (g : R -> A -> R) (rows : list (Q * A)) theta :
  is_law (map (fun r => (fst r, 0%Q)) rows) = true -> law (gradients g (weighted rows) theta).
Proof.
  intros H. apply is_law_law in H. destruct H as [H1 H2]. unfold atoms in *. rewrite map_map in H1, H2. simpl in H1, H2.
  unfold gradients, weighted. rewrite map_map. simpl. split.
  - intros x Hx. apply in_map_iff in Hx. destruct Hx as (r & <- & Hr).
    exact (H1 _ (in_map (fun r => (Q2R (fst r), Q2R 0)) rows r Hr)).
  - eapply eq_trans; [|exact H2]. clear. induction rows as [|r l IH]; simpl; [reflexivity|]. rewrite IH. reflexivity.
Qed.

Lemma mean_atoms l : mean (atoms l) = Q2R (E_Q l (fun g => g)).
Proof. symmetry. apply E_Q_E. reflexivity. Qed.

Definition opposite_Q (l : list (Q * Q)) : list (Q * Q) := map (fun x => (fst x, - snd x)%Q) l.

Lemma opposite_atoms l : atoms (opposite_Q l) = opposite (atoms l).
Proof. unfold atoms, opposite_Q, opposite. rewrite !map_map. apply map_ext. intros x. simpl. rewrite Q2R_opp. reflexivity. Qed.

(* Laws with the same expectations have the same field; so equal values may be merged. *)
Lemma quotient_same l k : (forall f, E l f = E k f) ->
  forall a b phi n m v, quotient a b phi l n m v = quotient a b phi k n m v.
Proof.
  intros H a b phi n. induction n as [|n IH]; intros m v; cbn [quotient]; [reflexivity|].
  rewrite H. apply E_ext. intros x _. apply IH.
Qed.

Lemma field_same l k a b phi f : (forall f, E l f = E k f) -> is_field a b phi l f -> is_field a b phi k f.
Proof.
  intros H. unfold is_field. apply is_lim_seq_ext. intros n. apply quotient_same. exact H.
Qed.

Fixpoint insert (p g : Q) (l : list (Q * Q)) : list (Q * Q) :=
  match l with
  | [] => [(p, g)]
  | (r, h) :: l => if Qeq_bool g h then (Qred (p + r), h) :: l else (r, h) :: insert p g l
  end.

Fixpoint merge (l : list (Q * Q)) : list (Q * Q) :=
  match l with [] => [] | (p, g) :: l => insert p g (merge l) end.

Lemma insert_E p g l f : E (atoms (insert p g l)) f = Q2R p * f (Q2R g) + E (atoms l) f.
Proof.
  induction l as [|[r h] l IH]; [reflexivity|]. cbn [insert]. destruct (Qeq_bool g h) eqn:e.
  - apply Qeq_bool_eq, Qeq_eqR in e. cbn [atoms map E fst snd]. rewrite (Qeq_eqR _ _ (Qred_correct _)), Q2R_plus, e. ring.
  - cbn [atoms map E fst snd]. fold (atoms (insert p g l)). fold (atoms l). rewrite IH. ring.
Qed.

Lemma merge_E l f : E (atoms (merge l)) f = E (atoms l) f.
Proof.
  induction l as [|[p g] l IH]; [reflexivity|]. cbn [merge]. rewrite insert_E, IH. reflexivity.
Qed.

Lemma field_merged l a b phi f : is_field a b phi (atoms l) f -> is_field a b phi (atoms (merge l)) f.
Proof. apply field_same. intros k. symmetry. apply merge_E. Qed.

(* A kernel that the sign lemma covers: the two kernels of Adam are. *)
Record covered (phi : R -> R) : Prop := Covered {
  covered_kernel : exists C K, kernel phi C K;
  covered_ratio : forall b v, 0 < b < 1 -> 0 <= v -> phi (b * v) <= phi v / sqrt b }.

Lemma outside_covered eps : 0 < eps -> covered (outside eps).
Proof. intros He. split; [eexists; eexists; apply outside_kernel; exact He|]. intros. apply outside_ratio; assumption. Qed.

Lemma inside_covered eps : 0 < eps -> covered (inside eps).
Proof. intros He. split; [eexists; eexists; apply inside_kernel; exact He|]. intros. apply inside_ratio; assumption. Qed.

Definition pos_Q (x : Q) : Q := if Qle_bool 0 x then x else 0%Q.

Lemma pos_Q_pos x : Q2R (pos_Q x) = pos (Q2R x).
Proof.
  unfold pos_Q, pos. destruct (Qle_bool 0 x) eqn:e.
  - apply Q2R_nonneg in e. rewrite Rabs_pos_eq by exact e. lra.
  - assert (H : ~ (0 <= x)%Q) by (rewrite <- Qle_bool_iff, e; discriminate).
    apply Qnot_le_lt, Qlt_Rlt in H. rewrite RMicromega.Q2R_0 in *. rewrite Rabs_left by exact H. lra.
Qed.

(* What is computed: the bracket c - E(c - g)^+ / t is positive, with t^2 <= beta2. *)
Definition bracket_positive (l : list (Q * Q)) (beta2 t c : Q) : bool :=
  is_law l && negb (Qle_bool t 0) && Qle_bool (t * t) beta2
  && negb (Qle_bool (c * t) (E_Q l (fun g => pos_Q (c - g)%Q))).

(* The sign lemma with rational t and c, for any law. *)
Lemma negative_if_bracket l b t c phi : covered phi -> 0 < b < 1 -> law l -> 0 < t -> t * t <= b ->
  E l (fun g => pos (c - g)) < c * t ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 b phi l f -> f < 0.
Proof.
  intros [(C & K & Hk) Hr] Hb Hl T H3 B a Ha f Hf. set (P := E l (fun g => pos (c - g))) in *.
  assert (M0 : 0 <= largest l * largest l) by apply Rle_0_sqr.
  assert (R0 : forall v, 0 <= v <= largest l * largest l -> phi (b * v) <= phi v / t).
  { intros v [Hv _]. eapply Rle_trans; [apply Hr; assumption|]. unfold Rdiv.
    apply Rmult_le_compat_l; [left; apply (kernel_pos _ _ _ Hk v Hv)|].
    apply Rinv_le_contravar; [exact T|]. apply Rsqr_incr_0_var; [|apply sqrt_pos].
    unfold Rsqr. rewrite sqrt_sqrt by lra. exact H3. }
  assert (c0 : 0 < c - P / t).
  { apply (Rmult_lt_reg_r t); [exact T|]. rewrite Rmult_0_l, Rmult_minus_distr_r.
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra. lra. }
  assert (S := sign_bound a b C K phi Ha Hb Hk l Hl _ t (square_bounded l) M0 T R0 c f ltac:(fold P; lra) Hf).
  fold P in S. assert (0 < (c - P / t) * phi (largest l * largest l)).
  { apply Rmult_lt_0_compat; [exact c0|apply (kernel_pos _ _ _ Hk _ M0)]. }
  lra.
Qed.

Lemma bracket_facts l beta2 t c : bracket_positive l beta2 t c = true ->
  law (atoms l) /\ 0 < Q2R t /\ Q2R t * Q2R t <= Q2R beta2 /\ E (atoms l) (fun g => pos (Q2R c - g)) < Q2R c * Q2R t.
Proof.
  intros H. unfold bracket_positive in H.
  apply andb_prop in H. destruct H as [H H4]. apply andb_prop in H. destruct H as [H H3].
  apply andb_prop in H. destruct H as [H1 H2].
  apply negb_true_iff in H2. assert (T : (0 < t)%Q) by (apply Qnot_le_lt; rewrite <- Qle_bool_iff, H2; discriminate).
  apply Qlt_Rlt in T. rewrite RMicromega.Q2R_0 in T.
  apply Qle_bool_iff, Qle_Rle in H3. rewrite Q2R_mult in H3.
  apply negb_true_iff in H4.
  assert (B : (E_Q l (fun g => pos_Q (c - g)) < c * t)%Q) by (apply Qnot_le_lt; rewrite <- Qle_bool_iff, H4; discriminate).
  apply Qlt_Rlt in B. rewrite Q2R_mult, (E_Q_E l _ (fun g => pos (Q2R c - g))) in B.
  2:{ intros x. rewrite pos_Q_pos, Q2R_minus. reflexivity. }
  split; [apply is_law_law; exact H1|auto].
Qed.

Theorem negative_by_bracket l beta2 t c phi : covered phi -> 0 < Q2R beta2 < 1 -> bracket_positive l beta2 t c = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) phi (atoms l) f -> f < 0.
Proof.
  intros Hphi Hb H. destruct (bracket_facts l beta2 t c H) as (Hl & T & TT & B).
  exact (negative_if_bracket (atoms l) (Q2R beta2) (Q2R t) (Q2R c) phi Hphi Hb Hl T TT B).
Qed.

Theorem positive_by_bracket l beta2 t c phi : covered phi -> 0 < Q2R beta2 < 1 -> bracket_positive (opposite_Q l) beta2 t c = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) phi (atoms l) f -> 0 < f.
Proof.
  intros Hphi Hb H a Ha f Hf. apply field_opposite in Hf. rewrite <- opposite_atoms in Hf.
  generalize (negative_by_bracket _ beta2 t c phi Hphi Hb H a Ha _ Hf). lra.
Qed.

(* The field of a law with rational atoms exists. *)
Theorem rational_field_exists l beta1 beta2 phi : covered phi -> 0 <= beta1 < 1 -> 0 < beta2 < 1 -> is_law l = true ->
  exists f, is_field beta1 beta2 phi (atoms l) f.
Proof.
  intros [(C & K & Hk) _] Ha Hb Hl. apply is_law_law in Hl.
  exact (field_exists beta1 beta2 C K phi Ha Hb Hk (atoms l) Hl _ (largest_bound _)).
Qed.

(* What is shown of the merged law holds of the law. *)
Lemma merged_sign beta1 beta2 phi l (P : R -> Prop) :
  (exists f, is_field beta1 beta2 phi (atoms l) f) ->
  (forall f, is_field beta1 beta2 phi (atoms (merge l)) f -> P f) ->
  exists f, is_field beta1 beta2 phi (atoms l) f /\ P f.
Proof. intros (f & Hf) H. exists f. split; [exact Hf|]. apply H, field_merged. exact Hf. Qed.
