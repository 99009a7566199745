(* The sign of the field for given beta1 and beta2 from all histories of n gradients: the older rest is an interval. *)
From Coq Require Import Reals List Lra Psatz ZArith.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Real.Xreal Float.Basic Float.Sig Interval.Interval.
From Coq Require Import QArith Qreals Bool.
From Adamsym Require Import Expectation Field Operations Rational.
Import ListNotations.
Open Scope R_scope.

Section Box.
Variables (a b C K : R) (phi : R -> R).
Hypotheses (Ha : 0 <= a < 1) (Hb : 0 < b < 1) (Hphi : kernel phi C K).
Variables (l : list (R * R)) (ml mu L M : R).
Hypotheses (Hl : law l) (HL : 0 <= L).
Hypothesis Hbox : forall x, In x l -> ml <= snd x <= mu /\ L <= snd x * snd x <= M.
Variables (n : nat) (s c : R).
Hypothesis Hn : forall m v, ml <= m <= mu -> L <= v <= M -> c <= s * quotient a b phi l n m v.

Lemma longer k : forall m v, ml <= m <= mu -> L <= v <= M -> c <= s * quotient a b phi l (k + n) m v.
Proof.
  induction k as [|k IH]; intros m v Hm Hv; [apply Hn; assumption|]. change (S k + n)%nat with (S (k + n)). cbn [quotient].
  rewrite <- E_scal, <- (E_const l c Hl). apply E_le; [apply Hl|]. intros x Hx. destruct (Hbox x Hx) as [[h1 h2] [h3 h4]].
  apply IH; split; nra.
Qed.

Theorem histories f : ml <= mu -> L <= M -> is_field a b phi l f -> c <= s * - f.
Proof.
  intros Hm HM Hf.
  assert (D := any_start a b C K phi Ha Hb Hphi l Hl _ (largest_bound l) ml L f HL (largest_nonneg l) Hf).
  apply (is_lim_seq_incr_n _ n) in D. assert (D' := is_lim_seq_scal_l _ s _ D).
  refine (is_lim_seq_le (fun _ => c) _ c (s * - f) _ (is_lim_seq_const c) D').
  intros k. apply longer; lra.
Qed.
End Box.

(* The recursion as a program. *)
Section Program.
Context {T : Type} (o : ops T) (kernel : T -> T) (a a1 b b1 : T).

Fixpoint mean_of (l : list (T * T)) (f : T -> T) : T :=
  match l with [] => ofZ o 0 | (p, g) :: l => add o (mul o p (f g)) (mean_of l f) end.

Fixpoint program (l : list (T * T)) (n : nat) (m v : T) : T :=
  match n with
  | O => mul o m (kernel v)
  | S n => mean_of l (fun g => program l n (add o (mul o a m) (mul o a1 g)) (add o (mul o b v) (mul o b1 (mul o g g))))
  end.
End Program.

Definition outside_in {T} (o : ops T) (eps v : T) : T := div o (ofZ o 1) (add o (sqrt_ o v) eps).
Definition inside_in {T} (o : ops T) (eps v : T) : T := div o (ofZ o 1) (sqrt_ o (add o v eps)).

Lemma mean_of_E l f : mean_of Rops l f = E l f.
Proof. induction l as [|[p g] l IH]; simpl; [reflexivity|]. rewrite IH. reflexivity. Qed.

Lemma program_quotient phi ker a b l n : (forall v, ker v = phi v) ->
  forall m v, program Rops ker a (1 - a) b (1 - b) l n m v = quotient a b phi l n m v.
Proof.
  intros Hk. induction n as [|n IH]; intros m v; cbn [program quotient]; [simpl; rewrite Hk; reflexivity|].
  rewrite mean_of_E. apply E_ext. intros x _. apply IH.
Qed.

Section Enclosed.
Import Intervals.
Let o := Iops bits.
Let ok := Iops_ok bits.
Definition enc2 (x : I.type * I.type) (y : R * R) := enc (fst x) (fst y) /\ enc (snd x) (snd y).

Lemma mean_of_ok li l : Forall2 enc2 li l ->
  forall fi f, (forall xi x, enc xi x -> enc (fi xi) (f x)) -> enc (mean_of o li fi) (mean_of Rops l f).
Proof.
  induction 1 as [|[pi gi] [p g] li l [h1 h2] Hl IH]; intros fi f Hf; cbn [mean_of]; [apply (ok_Z _ _ ok)|].
  apply (ok_add _ _ ok); [apply (ok_mul _ _ ok); [exact h1|apply Hf; exact h2]|apply IH; assumption].
Qed.

Lemma program_ok ki k ai a a1i a1 bi b b1i b1 li l n :
  (forall xi x, enc xi x -> enc (ki xi) (k x)) -> enc ai a -> enc a1i a1 -> enc bi b -> enc b1i b1 -> Forall2 enc2 li l ->
  forall mi m vi v, enc mi m -> enc vi v -> enc (program o ki ai a1i bi b1i li n mi vi) (program Rops k a a1 b b1 l n m v).
Proof.
  intros Hk A A1 B B1 Hl. induction n as [|n IH]; intros mi m vi v Hm Hv; cbn [program].
  - apply (ok_mul _ _ ok); [assumption|apply Hk; assumption].
  - apply mean_of_ok; [assumption|]. intros xi x Hx.
    apply IH; repeat first [apply (ok_add _ _ ok) | apply (ok_mul _ _ ok) | assumption].
Qed.

Lemma outside_ok ei e xi x : enc ei e -> enc xi x -> enc (outside_in o ei xi) (outside_in Rops e x).
Proof.
  intros He Hx. apply (ok_div _ _ ok); [apply (ok_Z _ _ ok)|]. apply (ok_add _ _ ok); [apply (ok_sqrt _ _ ok)|]; assumption.
Qed.

Lemma inside_ok ei e xi x : enc ei e -> enc xi x -> enc (inside_in o ei xi) (inside_in Rops e x).
Proof.
  intros He Hx. apply (ok_div _ _ ok); [apply (ok_Z _ _ ok)|]. apply (ok_sqrt _ _ ok), (ok_add _ _ ok); assumption.
Qed.
End Enclosed.

(* The same for laws with rational atoms: what is computed, and what it proves. *)
Definition interval_of (x : Q) : Intervals.I.type := q (Intervals.Iops bits) (Qnum x) (Zpos (Qden x)).

Lemma interval_of_ok x : Intervals.enc (interval_of x) (Q2R x).
Proof. exact (Intervals.q_ok bits (Qnum x) (Zpos (Qden x))). Qed.

Definition between (x y : Q) : Intervals.I.type := Intervals.I.join (interval_of x) (interval_of y).

Definition intervals_of (l : list (Q * Q)) : list (Intervals.I.type * Intervals.I.type) :=
  map (fun x => (interval_of (fst x), interval_of (snd x))) l.

Lemma intervals_of_ok l : Forall2 enc2 (intervals_of l) (atoms l).
Proof. unfold intervals_of, atoms. induction l as [|x r IH]; constructor; [split; apply interval_of_ok|exact IH]. Qed.

Definition run (kernel : Intervals.I.type -> Intervals.I.type) (li : list (Intervals.I.type * Intervals.I.type)) (beta1 beta2 : Q)
  (n : nat) (lo hi low high : Q) : Intervals.I.type :=
  program (Intervals.Iops bits) kernel (interval_of beta1) (interval_of (1 - beta1)) (interval_of beta2) (interval_of (1 - beta2))
    li n (between lo hi) (between low high).

(* All gradients lie between lo and hi, their squares between low and high. *)
Definition bounded (l : list (Q * Q)) (lo hi low high : Q) : bool :=
  is_law l && Qle_bool lo hi && Qle_bool 0 low && Qle_bool low high
  && forallb (fun x => Qle_bool lo (snd x) && Qle_bool (snd x) hi
                       && Qle_bool low (snd x * snd x) && Qle_bool (snd x * snd x) high) l.

Lemma Qle_bool_Q2R x y : Qle_bool x y = true -> Q2R x <= Q2R y.
Proof. intros H. apply Qle_Rle, Qle_bool_iff. exact H. Qed.

(* The largest lower bound is not named: a positive interval has a positive lower end. *)
Lemma positive_interval xi : Intervals.I.sign_strict xi = Xgt -> exists c, 0 < c /\ forall x, Intervals.enc xi x -> c <= x.
Proof.
  intros H. destruct (Intervals.I.convert xi) as [|[|lower] upper] eqn:E.
  - exfalso. generalize (Intervals.pos xi 0 ltac:(unfold Intervals.enc; rewrite E; exact Logic.I) H). lra.
  - destruct upper as [|u].
    + exfalso. generalize (Intervals.pos xi 0 ltac:(unfold Intervals.enc; rewrite E; simpl; auto) H). lra.
    + exfalso. generalize (Intervals.pos xi (Rmin u 0) ltac:(unfold Intervals.enc; rewrite E; simpl; split; [auto|apply Rmin_l]) H).
      generalize (Rmin_r u 0). lra.
  - destruct upper as [|u].
    + exists lower. split.
      * apply (Intervals.pos xi lower); [unfold Intervals.enc; rewrite E; simpl; split; [lra|auto]|exact H].
      * intros x. unfold Intervals.enc. rewrite E. simpl. tauto.
    + destruct (Rle_lt_dec lower u) as [h|h].
      * exists lower. split.
        -- apply (Intervals.pos xi lower); [unfold Intervals.enc; rewrite E; simpl; lra|exact H].
        -- intros x. unfold Intervals.enc. rewrite E. simpl. tauto.
      * exists 1. split; [lra|]. intros x. unfold Intervals.enc. rewrite E. simpl. lra.
Qed.

Section Decided.
Variables (phi ker : R -> R) (kernel : Intervals.I.type -> Intervals.I.type).
Hypothesis Hphi : covered phi.
Hypothesis Hker : forall v, ker v = phi v.
Hypothesis Hkernel : forall xi x, Intervals.enc xi x -> Intervals.enc (kernel xi) (ker x).
Variables (li : list (Intervals.I.type * Intervals.I.type)) (l : list (R * R)).
Variables (beta1 beta2 : Q) (n : nat) (lo hi low high : Q).
Hypotheses (Hli : Forall2 enc2 li l) (Ha : 0 <= Q2R beta1 < 1) (Hb : 0 < Q2R beta2 < 1) (Hl : law l).
Hypotheses (Hlo : Q2R lo <= Q2R hi) (Hlow : 0 <= Q2R low <= Q2R high).
Hypothesis Hbox : forall x, In x l -> Q2R lo <= snd x <= Q2R hi /\ Q2R low <= snd x * snd x <= Q2R high.

Lemma run_ok m v : Q2R lo <= m <= Q2R hi -> Q2R low <= v <= Q2R high ->
  Intervals.enc (run kernel li beta1 beta2 n lo hi low high) (quotient (Q2R beta1) (Q2R beta2) phi l n m v).
Proof.
  intros Hm Hv. rewrite <- (program_quotient phi ker) by exact Hker. unfold run.
  apply program_ok; try apply interval_of_ok; [exact Hkernel| | |exact Hli| |].
  - replace (1 - Q2R beta1) with (Q2R (1 - beta1)); [apply interval_of_ok|]. rewrite Q2R_minus, Q2R_one. reflexivity.
  - replace (1 - Q2R beta2) with (Q2R (1 - beta2)); [apply interval_of_ok|]. rewrite Q2R_minus, Q2R_one. reflexivity.
  - exact (Intervals.btw _ _ _ _ _ (interval_of_ok lo) (interval_of_ok hi) Hm).
  - exact (Intervals.btw _ _ _ _ _ (interval_of_ok low) (interval_of_ok high) Hv).
Qed.

Theorem negative_by_histories f : Intervals.I.sign_strict (run kernel li beta1 beta2 n lo hi low high) = Xgt ->
  is_field (Q2R beta1) (Q2R beta2) phi l f -> f < 0.
Proof.
  intros H Hf. destruct Hphi as [(C & K & Hk) _]. destruct (positive_interval _ H) as (c & c0 & Hc).
  assert (B := histories (Q2R beta1) (Q2R beta2) C K phi Ha Hb Hk l (Q2R lo) (Q2R hi) (Q2R low) (Q2R high) Hl (proj1 Hlow) Hbox n 1 c).
  assert (c <= 1 * - f); [|lra]. apply B; [|exact Hlo|exact (proj2 Hlow)|exact Hf].
  intros m v Hm Hv. rewrite Rmult_1_l. apply Hc. apply run_ok; assumption.
Qed.
End Decided.

Lemma bounded_facts l lo hi low high : bounded l lo hi low high = true ->
  law (atoms l) /\ Q2R lo <= Q2R hi /\ 0 <= Q2R low <= Q2R high /\
  forall x, In x (atoms l) -> Q2R lo <= snd x <= Q2R hi /\ Q2R low <= snd x * snd x <= Q2R high.
Proof.
  unfold bounded. intros H.
  apply andb_prop in H. destruct H as [H H5]. apply andb_prop in H. destruct H as [H H4].
  apply andb_prop in H. destruct H as [H H3]. apply andb_prop in H. destruct H as [H1 H2].
  split; [apply is_law_law; exact H1|]. split; [apply Qle_bool_Q2R; exact H2|].
  split; [split; [apply Q2R_nonneg; exact H3|apply Qle_bool_Q2R; exact H4]|].
  intros x Hx. unfold atoms in Hx. apply in_map_iff in Hx. destruct Hx as (y & <- & Hy). simpl.
  rewrite forallb_forall in H5. specialize (H5 y Hy).
  apply andb_prop in H5. destruct H5 as [H5 K4]. apply andb_prop in H5. destruct H5 as [H5 K3].
  apply andb_prop in H5. destruct H5 as [K1 K2].
  apply Qle_bool_Q2R in K1. apply Qle_bool_Q2R in K2. apply Qle_bool_Q2R in K3. apply Qle_bool_Q2R in K4.
  rewrite Q2R_mult in K3, K4. auto.
Qed.

Definition root (inside_root : bool) (eps : R) : R -> R := if inside_root then inside eps else outside eps.

Lemma root_covered inside_root eps : 0 < eps -> covered (root inside_root eps).
Proof. destruct inside_root; [apply inside_covered|apply outside_covered]. Qed.

(* For both kernels. *)
Definition histories_positive (inside_root : bool) (li : list (Intervals.I.type * Intervals.I.type)) (beta1 beta2 eps : Q) (n : nat)
  (lo hi low high : Q) : bool :=
  let o := Intervals.Iops bits in
  let kernel := if inside_root then inside_in o (interval_of eps) else outside_in o (interval_of eps) in
  match Intervals.I.sign_strict (run kernel li beta1 beta2 n lo hi low high) with Xgt => true | _ => false end.

Lemma negative_if_histories inside_root li l beta1 beta2 eps n lo hi low high : Forall2 enc2 li l ->
  0 <= Q2R beta1 < 1 -> 0 < Q2R beta2 < 1 -> 0 < Q2R eps -> law l -> Q2R lo <= Q2R hi -> 0 <= Q2R low <= Q2R high ->
  (forall x, In x l -> Q2R lo <= snd x <= Q2R hi /\ Q2R low <= snd x * snd x <= Q2R high) ->
  histories_positive inside_root li beta1 beta2 eps n lo hi low high = true ->
  forall f, is_field (Q2R beta1) (Q2R beta2) (root inside_root (Q2R eps)) l f -> f < 0.
Proof.
  intros Hli Ha Hb He Hl F2 F3 F4 H f Hf. unfold histories_positive in H.
  destruct (Intervals.I.sign_strict _) eqn:S in H; try discriminate. clear H.
  assert (G : forall phi ker kernel, covered phi -> (forall v, ker v = phi v) ->
    (forall xi x, Intervals.enc xi x -> Intervals.enc (kernel xi) (ker x)) ->
    Intervals.I.sign_strict (run kernel li beta1 beta2 n lo hi low high) = Xgt ->
    is_field (Q2R beta1) (Q2R beta2) phi l f -> f < 0).
  { intros phi ker kernel G1 G2 G3. exact (negative_by_histories phi ker kernel G1 G2 G3 li l beta1 beta2 n lo hi low high Hli Ha Hb Hl F2 F3 F4 f). }
  destruct inside_root; simpl in *; unfold outside_in, inside_in in *.
  - apply (G _ (inside_in Rops (Q2R eps)) _ (inside_covered _ He)) in S; auto.
    + intros v. unfold inside_in, inside. simpl. unfold Rdiv. apply Rmult_1_l.
    + intros. apply inside_ok; [apply interval_of_ok|assumption].
  - apply (G _ (outside_in Rops (Q2R eps)) _ (outside_covered _ He)) in S; auto.
    + intros v. unfold outside_in, outside. simpl. unfold Rdiv. apply Rmult_1_l.
    + intros. apply outside_ok; [apply interval_of_ok|assumption].
Qed.

Definition decided (inside_root : bool) (l : list (Q * Q)) (beta1 beta2 eps : Q) (n : nat) (lo hi low high : Q) : bool :=
  bounded l lo hi low high && histories_positive inside_root (intervals_of l) beta1 beta2 eps n lo hi low high.

Theorem negative_if_decided inside_root l beta1 beta2 eps n lo hi low high :
  0 <= Q2R beta1 < 1 -> 0 < Q2R beta2 < 1 -> 0 < Q2R eps -> decided inside_root l beta1 beta2 eps n lo hi low high = true ->
  forall f, is_field (Q2R beta1) (Q2R beta2) (root inside_root (Q2R eps)) (atoms l) f -> f < 0.
Proof.
  intros Ha Hb He H. apply andb_prop in H. destruct H as [H1 H2]. destruct (bounded_facts l lo hi low high H1) as (F1 & F2 & F3 & F4).
  exact (negative_if_histories inside_root _ _ beta1 beta2 eps n lo hi low high (intervals_of_ok l) Ha Hb He F1 F2 F3 F4 H2).
Qed.

Theorem positive_if_decided inside_root l beta1 beta2 eps n lo hi low high :
  0 <= Q2R beta1 < 1 -> 0 < Q2R beta2 < 1 -> 0 < Q2R eps ->
  decided inside_root (opposite_Q l) beta1 beta2 eps n lo hi low high = true ->
  forall f, is_field (Q2R beta1) (Q2R beta2) (root inside_root (Q2R eps)) (atoms l) f -> 0 < f.
Proof.
  intros Ha Hb He H f Hf. apply field_opposite in Hf. rewrite <- opposite_atoms in Hf.
  generalize (negative_if_decided inside_root _ beta1 beta2 eps n lo hi low high Ha Hb He H _ Hf). lra.
Qed.
