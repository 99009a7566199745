(* Gradients averaged over minibatches of rows that are drawn independently, with replacement. *)
From Coq Require Import Reals List Lra Psatz QArith Qreals.
From Coquelicot Require Import Coquelicot.
From Adamsym Require Import Expectation Field Continuity Rational.
Import ListNotations.
Open Scope R_scope.
Local Arguments Qred : simpl never.

(* The law of the sum of n independent gradients, and of the mean of B of them. *)
Fixpoint sums (n : nat) (l : list (R * R)) : list (R * R) :=
  match n with
  | O => [(1, 0)]
  | S n => flat_map (fun x => map (fun y => (fst x * fst y, snd x + snd y)) (sums n l)) l
  end.

Definition minibatch (B : positive) (l : list (R * R)) : list (R * R) :=
  map (fun x => (fst x, snd x / IZR (Zpos B))) (sums (Pos.to_nat B) l).

Fixpoint sums_Q (n : nat) (l : list (Q * Q)) : list (Q * Q) :=
  match n with
  | O => [(1%Q, 0%Q)]
  | S n => flat_map (fun x => map (fun y => (Qred (fst x * fst y), Qred (snd x + snd y))) (sums_Q n l)) l
  end.

Definition minibatch_Q (B : positive) (l : list (Q * Q)) : list (Q * Q) :=
  map (fun x => (fst x, Qred (snd x * (1 # B)))) (sums_Q (Pos.to_nat B) l).

Lemma atoms_app l k : atoms (l ++ k) = atoms l ++ atoms k.
Proof. unfold atoms. apply map_app. Qed.

Lemma Qred_Q2R x : Q2R (Qred x) = Q2R x.
Proof. apply Qeq_eqR, Qred_correct. Qed.

Lemma sums_atoms n l : atoms (sums_Q n l) = sums n (atoms l).
Proof.
  induction n as [|n IH]; cbn [sums sums_Q]; [simpl; rewrite Q2R_one, RMicromega.Q2R_0; reflexivity|].
  rewrite <- IH. clear IH. generalize (sums_Q n l). intros k.
  induction l as [|x l IH]; [reflexivity|]. simpl. rewrite atoms_app. rewrite <- IH. f_equal.
  unfold atoms. rewrite !map_map. apply map_ext. intros y. cbn [fst snd].
  rewrite !Qred_Q2R, Q2R_mult, Q2R_plus. reflexivity.
Qed.

Lemma minibatch_atoms B l : atoms (minibatch_Q B l) = minibatch B (atoms l).
Proof.
  unfold minibatch_Q, minibatch. rewrite <- sums_atoms. unfold atoms. rewrite !map_map. apply map_ext. intros x. cbn [fst snd].
  rewrite Qred_Q2R, Q2R_mult. f_equal. unfold Q2R at 2. simpl. unfold Rdiv. ring.
Qed.

Lemma E_app l k f : E (l ++ k) f = E l f + E k f.
Proof. induction l as [|[p g] l IH]; simpl; [ring|]. rewrite IH. ring. Qed.

Lemma sums_law n l : law l -> law (sums n l).
Proof.
  intros Hl. induction n as [|n [IH1 IH2]]; cbn [sums].
  - split; [|simpl; ring]. intros x [<-|[]]. simpl. lra.
  - destruct Hl as [P1 P2]. split.
    + intros x Hx. apply in_flat_map in Hx. destruct Hx as (y & Hy & Hx). apply in_map_iff in Hx.
      destruct Hx as (z & <- & Hz). simpl. apply Rmult_le_pos; [apply P1; exact Hy|apply IH1; exact Hz].
    + eapply eq_trans; [|exact P2]. clear P1 P2 IH1. revert IH2. generalize (sums n l). intros k Hk.
      induction l as [|[p g] l IH]; [reflexivity|]. cbn [flat_map E]. rewrite E_app, IH. f_equal. cbn [fst snd].
      transitivity (p * E k (fun _ => 1)); [|rewrite Hk; reflexivity].
      clear. induction k as [|[r h] k IH]; simpl; [ring|]. rewrite IH. ring.
Qed.

Lemma minibatch_law B l : law l -> law (minibatch B l).
Proof.
  intros Hl. destruct (sums_law (Pos.to_nat B) l Hl) as [H1 H2]. unfold minibatch. split.
  - intros x Hx. apply in_map_iff in Hx. destruct Hx as (y & <- & Hy). simpl. apply H1. exact Hy.
  - eapply eq_trans; [|exact H2]. clear. induction (sums _ l) as [|[p g] k IH]; simpl; [reflexivity|]. rewrite IH. reflexivity.
Qed.

(* The law of a minibatch moves continuously if that of a row does. *)
Lemma near_append D l l' k k' : Forall2 (near D) l l' -> Forall2 (near D) k k' -> Forall2 (near D) (l ++ k) (l' ++ k').
Proof. intros H1 H2. apply Forall2_app; assumption. Qed.

Lemma sums_near n D l l' : 0 <= D -> Forall2 (near D) l l' -> Forall2 (near (INR n * D)) (sums n l) (sums n l').
Proof.
  intros HD H. induction n as [|n IH].
  - constructor; [|constructor]. split; [reflexivity|]. simpl. rewrite Rminus_eq_0, Rabs_R0. lra.
  - cbn [sums]. revert IH. generalize (sums n l) (sums n l'). intros k k' IH.
    induction H as [|x y l l' [H1 H2] H IHl]; [constructor|]. cbn [flat_map]. apply Forall2_app; [|exact IHl].
    clear IHl H. induction IH as [|u v k k' [K1 K2] K IHk]; [constructor|]. simpl. constructor; [|exact IHk].
    split; cbn [fst snd]; [rewrite H1, K1; reflexivity|].
    replace (snd x + snd u - (snd y + snd v)) with ((snd x - snd y) + (snd u - snd v)) by ring.
    eapply Rle_trans; [apply Rabs_triang|].
    change (Rabs (snd x - snd y) + Rabs (snd u - snd v) <= INR (S n) * D). rewrite S_INR. lra.
Qed.

Lemma minibatch_near B D l l' : 0 <= D -> Forall2 (near D) l l' -> Forall2 (near D) (minibatch B l) (minibatch B l').
Proof.
  intros HD H. unfold minibatch. assert (S := sums_near (Pos.to_nat B) D l l' HD H).
  rewrite INR_IPR in S. change (IPR B) with (IZR (Zpos B)) in S.
  assert (P : 0 < IZR (Zpos B)) by (apply IZR_lt; reflexivity).
  induction S as [|u v k k' [K1 K2] K IHk]; [constructor|]. simpl. constructor; [|exact IHk].
  split; cbn [fst snd]; [exact K1|].
  replace (snd u / IZR (Z.pos B) - snd v / IZR (Z.pos B)) with ((snd u - snd v) * / IZR (Zpos B)) by (field; lra).
  rewrite Rabs_mult, (Rabs_pos_eq (/ _)) by (left; apply Rinv_0_lt_compat; exact P).
  apply (Rmult_le_reg_r (IZR (Zpos B))); [exact P|]. rewrite Rmult_assoc, Rinv_l, Rmult_1_r by lra.
  rewrite (Rmult_comm D). exact K2.
Qed.

Lemma minibatch_continuous B laws theta : continuous_law laws theta -> continuous_law (fun t => minibatch B (laws t)) theta.
Proof.
  intros H e He. destruct (H e He) as (d & dp & Hd). exists d. split; [exact dp|]. intros u Hu.
  apply minibatch_near; [lra|apply Hd; exact Hu].
Qed.
