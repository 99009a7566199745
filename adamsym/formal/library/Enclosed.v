(* Laws whose values are real numbers between rational bounds: the sign of the field from the bounds. *)
From Coq Require Import Reals List Lra Psatz QArith Qreals Bool.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Real.Xreal Float.Basic Float.Sig Interval.Interval.
From Adamsym Require Import Expectation Field Continuity Rational Minibatch Operations Histories OneLagDecided.
Import ListNotations.
Open Scope R_scope.
Local Arguments Qred : simpl never.

(* A probability, and the bounds of a value. *)
Definition bounds : Type := (Q * (Q * Q))%type.

Definition within (x : bounds) (y : R * R) : Prop := fst y = Q2R (fst x) /\ Q2R (fst (snd x)) <= snd y <= Q2R (snd (snd x)).

Definition encloses (l : list bounds) (k : list (R * R)) : Prop := Forall2 within l k.

Definition lower (l : list bounds) : list (Q * Q) := map (fun x => (fst x, fst (snd x))) l.

(* The bounds of the opposite values. *)
Definition turned (l : list bounds) : list bounds := map (fun x => (fst x, (- snd (snd x), - fst (snd x))%Q)) l.

Lemma encloses_turned l k : encloses l k -> encloses (turned l) (opposite k).
Proof.
  induction 1 as [|x y l k [e H] F IH]; constructor; [|exact IH]. split; cbn [fst snd]; [exact e|].
  rewrite !Q2R_opp. lra.
Qed.

Lemma encloses_gradients {A : Type} (g : R -> A -> R) (rows : list (Q * A)) theta (b : list (Q * Q)) :
  Forall2 (fun x r => Q2R (fst x) <= g theta (snd r) <= Q2R (snd x)) b rows ->
  encloses (combine (map fst rows) b) (gradients g (weighted rows) theta).
Proof.
  induction 1 as [|x r b rows H F IH]; [constructor|]. cbn [map combine]. constructor; [|exact IH]. split; [reflexivity|exact H].
Qed.

Section Enclosed.
Variables (l : list bounds) (k : list (R * R)).
Hypothesis H : encloses l k.

Lemma enclosed_probability : (forall x, In x (atoms (lower l)) -> 0 <= fst x) -> forall y, In y k -> 0 <= fst y.
Proof.
  unfold lower, atoms. induction H as [|x y r s [e _] F IH]; intros P z Hz; [contradiction|]. cbn [map] in P.
  destruct Hz as [<-|Hz]; [rewrite e; apply (P _ (or_introl eq_refl))|apply (IH F); [intros; apply P; right; assumption|exact Hz]].
Qed.

Lemma enclosed_constant c : E k (fun _ => c) = E (atoms (lower l)) (fun _ => c).
Proof. unfold lower, atoms. induction H as [|x [p g] r s [e _] F IH]; [reflexivity|]. simpl in *. rewrite e, (IH F). reflexivity. Qed.

Lemma enclosed_law : law (atoms (lower l)) -> law k.
Proof. intros [P S]. split; [apply enclosed_probability; exact P|rewrite enclosed_constant; exact S]. Qed.

Lemma enclosed_decreasing f : (forall x y, x <= y -> f y <= f x) -> law (atoms (lower l)) -> E k f <= E (atoms (lower l)) f.
Proof.
  intros Hf [P _]. revert P. unfold lower, atoms. induction H as [|x [p g] r s [e [B _]] F IH]; intros P; [simpl; lra|]. simpl in *. subst p.
  apply Rplus_le_compat; [|apply (IH F); intros; apply P; right; assumption].
  apply Rmult_le_compat_l; [apply (P _ (or_introl eq_refl))|apply Hf; exact B].
Qed.

Definition enclosed_intervals : list (Intervals.I.type * Intervals.I.type) :=
  map (fun x => (interval_of (fst x), between (fst (snd x)) (snd (snd x)))) l.

Lemma enclosed_intervals_ok : Forall2 enc2 enclosed_intervals k.
Proof.
  unfold enclosed_intervals. induction H as [|x y r s [e B] F IH]; constructor; [|exact (IH F)]. split; cbn [fst snd].
  - rewrite e. apply interval_of_ok.
  - exact (Intervals.btw _ _ _ _ _ (interval_of_ok _) (interval_of_ok _) B).
Qed.

(* All values lie between lo and hi, their squares between low and high. *)
Definition within_box (lo hi low high : Q) (x : bounds) : bool :=
  let a := fst (snd x) in let b := snd (snd x) in
  Qle_bool lo a && Qle_bool b hi && Qle_bool (a * a) high && Qle_bool (b * b) high
  && (Qle_bool low 0 || Qle_bool 0 a && Qle_bool low (a * a) || Qle_bool b 0 && Qle_bool low (b * b)).

Definition boxed (lo hi low high : Q) : bool :=
  is_law (lower l) && Qle_bool lo hi && Qle_bool 0 low && Qle_bool low high && forallb (within_box lo hi low high) l.

Lemma within_box_square lo hi low high x y : within_box lo hi low high x = true -> within x y ->
  Q2R lo <= snd y <= Q2R hi /\ Q2R low <= snd y * snd y <= Q2R high.
Proof.
  intros T [_ [B1 B2]]. unfold within_box in T. destruct x as [p [a b]]. cbn [fst snd] in *.
  apply andb_prop in T. destruct T as [T T5]. apply andb_prop in T. destruct T as [T T4]. apply andb_prop in T. destruct T as [T T3].
  apply andb_prop in T. destruct T as [T1 T2].
  apply Qle_bool_Q2R in T1. apply Qle_bool_Q2R in T2. apply Qle_bool_Q2R in T3. apply Qle_bool_Q2R in T4. rewrite Q2R_mult in T3, T4.
  split; [lra|]. set (g := snd y) in *. split.
  - apply orb_prop in T5. destruct T5 as [T5|T5]; [apply orb_prop in T5; destruct T5 as [T5|T5]|].
    + apply Qle_bool_Q2R in T5. rewrite RMicromega.Q2R_0 in T5. assert (G := Rle_0_sqr g). unfold Rsqr in G. lra.
    + apply andb_prop in T5. destruct T5 as [K1 K2]. apply Qle_bool_Q2R in K1. apply Qle_bool_Q2R in K2.
      rewrite RMicromega.Q2R_0 in K1. rewrite Q2R_mult in K2.
      assert (Q2R a * Q2R a <= g * g) by (apply Rmult_le_compat; lra). lra.
    + apply andb_prop in T5. destruct T5 as [K1 K2]. apply Qle_bool_Q2R in K1. apply Qle_bool_Q2R in K2.
      rewrite RMicromega.Q2R_0 in K1. rewrite Q2R_mult in K2.
      assert (- Q2R b * - Q2R b <= - g * - g) by (apply Rmult_le_compat; lra). lra.
  - destruct (Rle_lt_dec 0 g) as [h|h].
    + assert (g * g <= Q2R b * Q2R b) by (apply Rmult_le_compat; lra). lra.
    + assert (- g * - g <= - Q2R a * - Q2R a) by (apply Rmult_le_compat; lra). lra.
Qed.

Lemma boxed_facts lo hi low high : boxed lo hi low high = true ->
  law k /\ Q2R lo <= Q2R hi /\ 0 <= Q2R low <= Q2R high /\
  forall y, In y k -> Q2R lo <= snd y <= Q2R hi /\ Q2R low <= snd y * snd y <= Q2R high.
Proof.
  unfold boxed. intros T.
  apply andb_prop in T. destruct T as [T T5]. apply andb_prop in T. destruct T as [T T4]. apply andb_prop in T. destruct T as [T T3].
  apply andb_prop in T. destruct T as [T1 T2].
  split; [apply enclosed_law, is_law_law; exact T1|]. split; [apply Qle_bool_Q2R; exact T2|].
  split; [split; [apply Q2R_nonneg; exact T3|apply Qle_bool_Q2R; exact T4]|].
  clear T1. induction H as [|x y r s Hxy F IH]; intros z Hz; [contradiction|]. simpl in T5. apply andb_prop in T5. destruct T5 as [K1 K2].
  destruct Hz as [<-|Hz]; [exact (within_box_square lo hi low high x y K1 Hxy)|exact (IH F K2 z Hz)].
Qed.
End Enclosed.

(* What is computed, and what it proves: the sign lemma needs the lower bounds alone. *)
Definition enclosed_bracket_positive (l : list bounds) (beta2 t c : Q) : bool := bracket_positive (lower l) beta2 t c.

Theorem negative_by_enclosed_bracket l k beta2 t c phi : encloses l k -> covered phi -> 0 < Q2R beta2 < 1 ->
  enclosed_bracket_positive l beta2 t c = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) phi k f -> f < 0.
Proof.
  intros H Hphi Hb T. destruct (bracket_facts (lower l) beta2 t c T) as (Hl & t0 & tt & B).
  apply (negative_if_bracket k (Q2R beta2) (Q2R t) (Q2R c) phi Hphi Hb (enclosed_law l k H Hl) t0 tt).
  eapply Rle_lt_trans; [|exact B]. apply (enclosed_decreasing l k H); [|exact Hl]. intros x y Hxy.
  unfold pos, Rabs. destruct (Rcase_abs (Q2R c - y)), (Rcase_abs (Q2R c - x)); lra.
Qed.

Definition enclosed_lag_positive (inside_root : bool) (l : list bounds) (beta2 eps : Q) (depth : nat) (lo hi low high : Q) : bool :=
  boxed l lo hi low high &&
  let li := enclosed_intervals l in
  let eps_in := interval_of eps in
  covers_rectangle (lag_in (Intervals.Iops bits) inside_root eps_in) li beta2 depth low high.

Theorem negative_by_enclosed_lag inside_root l k beta2 eps depth lo hi low high : encloses l k ->
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> enclosed_lag_positive inside_root l beta2 eps depth lo hi low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) k f -> f < 0.
Proof.
  intros H Hb He T. apply andb_prop in T. destruct T as [T1 T2].
  destruct (boxed_facts l k H lo hi low high T1) as (Hl & _ & HLM & Hx).
  exact (negative_if_lag inside_root _ k beta2 eps depth low high (enclosed_intervals_ok l k H) Hb He Hl HLM (fun x Hin => proj2 (Hx x Hin)) T2).
Qed.

Definition enclosed_decided (inside_root : bool) (l : list bounds) (beta1 beta2 eps : Q) (n : nat) (lo hi low high : Q) : bool :=
  boxed l lo hi low high && histories_positive inside_root (enclosed_intervals l) beta1 beta2 eps n lo hi low high.

Theorem negative_by_enclosed_histories inside_root l k beta1 beta2 eps n lo hi low high : encloses l k ->
  0 <= Q2R beta1 < 1 -> 0 < Q2R beta2 < 1 -> 0 < Q2R eps -> enclosed_decided inside_root l beta1 beta2 eps n lo hi low high = true ->
  forall f, is_field (Q2R beta1) (Q2R beta2) (root inside_root (Q2R eps)) k f -> f < 0.
Proof.
  intros H Ha Hb He T. apply andb_prop in T. destruct T as [T1 T2].
  destruct (boxed_facts l k H lo hi low high T1) as (F1 & F2 & F3 & F4).
  exact (negative_if_histories inside_root _ k beta1 beta2 eps n lo hi low high (enclosed_intervals_ok l k H) Ha Hb He F1 F2 F3 F4 T2).
Qed.

(* A positive field is a negative one of the opposite law. *)
Lemma positive_if_turned beta1 beta2 phi k : (forall f, is_field beta1 beta2 phi (opposite k) f -> f < 0) ->
  forall f, is_field beta1 beta2 phi k f -> 0 < f.
Proof. intros N f Hf. generalize (N (- f) (field_opposite _ _ _ _ _ Hf)). lra. Qed.

Theorem positive_by_enclosed_bracket l k beta2 t c phi : encloses l k -> covered phi -> 0 < Q2R beta2 < 1 ->
  enclosed_bracket_positive (turned l) beta2 t c = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) phi k f -> 0 < f.
Proof.
  intros H Hphi Hb T beta1 Ha. apply positive_if_turned.
  exact (negative_by_enclosed_bracket _ _ beta2 t c phi (encloses_turned l k H) Hphi Hb T beta1 Ha).
Qed.

Theorem positive_by_enclosed_lag inside_root l k beta2 eps depth lo hi low high : encloses l k ->
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> enclosed_lag_positive inside_root (turned l) beta2 eps depth lo hi low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) k f -> 0 < f.
Proof.
  intros H Hb He T beta1 Ha. apply positive_if_turned.
  exact (negative_by_enclosed_lag inside_root _ _ beta2 eps depth lo hi low high (encloses_turned l k H) Hb He T beta1 Ha).
Qed.

Theorem positive_by_enclosed_histories inside_root l k beta1 beta2 eps n lo hi low high : encloses l k ->
  0 <= Q2R beta1 < 1 -> 0 < Q2R beta2 < 1 -> 0 < Q2R eps -> enclosed_decided inside_root (turned l) beta1 beta2 eps n lo hi low high = true ->
  forall f, is_field (Q2R beta1) (Q2R beta2) (root inside_root (Q2R eps)) k f -> 0 < f.
Proof.
  intros H Ha Hb He T. apply positive_if_turned.
  exact (negative_by_enclosed_histories inside_root _ _ beta1 beta2 eps n lo hi low high (encloses_turned l k H) Ha Hb He T).
Qed.

(* The bounds of minibatches' means. *)
Fixpoint bounds_of_sums (n : nat) (l : list bounds) : list bounds :=
  match n with
  | O => [(1%Q, (0%Q, 0%Q))]
  | S n => flat_map (fun x => map (fun y => (Qred (fst x * fst y),
      (Qred (fst (snd x) + fst (snd y)), Qred (snd (snd x) + snd (snd y))))) (bounds_of_sums n l)) l
  end.

Definition bounds_of_minibatch (B : positive) (l : list bounds) : list bounds :=
  map (fun x => (fst x, (Qred (fst (snd x) * (1 # B)), Qred (snd (snd x) * (1 # B))))) (bounds_of_sums (Pos.to_nat B) l).

Lemma encloses_sums n l k : encloses l k -> encloses (bounds_of_sums n l) (sums n k).
Proof.
  intros H. induction n as [|n IH]; cbn [bounds_of_sums sums].
  - constructor; [|constructor]. split; cbn [fst snd]; rewrite ?Q2R_one, ?RMicromega.Q2R_0; lra.
  - revert IH. generalize (bounds_of_sums n l) (sums n k). intros s t Hs.
    induction H as [|x y l k [e [B1 B2]] F IHk]; [constructor|]. cbn [flat_map]. apply Forall2_app; [|exact IHk].
    clear - e B1 B2 Hs. induction Hs as [|u v s t [e' [C1 C2]] G IH]; [constructor|]. cbn [map]. constructor; [|exact IH].
    split; cbn [fst snd]; rewrite !Qred_Q2R; [rewrite Q2R_mult, e, e'; reflexivity|rewrite !Q2R_plus; lra].
Qed.

Lemma encloses_minibatch B l k : encloses l k -> encloses (bounds_of_minibatch B l) (minibatch B k).
Proof.
  intros H. unfold bounds_of_minibatch, minibatch. assert (S := encloses_sums (Pos.to_nat B) l k H).
  assert (P : 0 < / IZR (Zpos B)) by (apply Rinv_0_lt_compat, IZR_lt; reflexivity).
  assert (e : Q2R (1 # B) = / IZR (Zpos B)) by (unfold Q2R; simpl; ring).
  induction S as [|u v s t [e' [C1 C2]] G IH]; [constructor|]. cbn [map]. constructor; [|exact IH].
  split; cbn [fst snd]; [exact e'|]. rewrite !Qred_Q2R, !Q2R_mult, e. unfold Rdiv.
  split; apply Rmult_le_compat_r; lra.
Qed.

(* The field of a law with such bounds exists. *)
Theorem enclosed_field_exists l k beta1 beta2 phi : encloses l k -> is_law (lower l) = true -> covered phi ->
  0 <= beta1 < 1 -> 0 < beta2 < 1 -> exists f, is_field beta1 beta2 phi k f.
Proof.
  intros H Hl [(C & K & Hk) _] Ha Hb.
  exact (field_exists beta1 beta2 C K phi Ha Hb Hk k (enclosed_law l k H (is_law_law _ Hl)) _ (largest_bound _)).
Qed.
