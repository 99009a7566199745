(* The one-lag theorem decided by verified intervals: the lag has one sign on all of a rectangle of weights and pasts. *)
From Coq Require Import Reals List Lra Psatz ZArith QArith Qreals Qminmax Bool.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Real.Xreal Float.Basic Float.Sig Interval.Interval.
From Adamsym Require Import Expectation Field Lags OneLag Operations Rational Histories.
Import ListNotations.
Open Scope R_scope.

(* A rectangle is covered if a test says yes on it, or on both halves. The side to halve is the one that changes
   w M + y more. *)
Section Covered.
Variables (test : Q -> Q -> Q -> Q -> bool) (M : Q).

Fixpoint covers (depth : nat) (w0 w1 y0 y1 : Q) : bool :=
  if test w0 w1 y0 y1 then true else
  match depth with
  | O => false
  | S depth =>
      if Qle_bool ((w1 - w0) * M)%Q (y1 - y0)%Q then
        let y := Qred ((y0 + y1) * (1 # 2)) in covers depth w0 w1 y0 y && covers depth w0 w1 y y1
      else
        let w := Qred ((w0 + w1) * (1 # 2)) in covers depth w0 w y0 y1 && covers depth w w1 y0 y1
  end.

Definition positive_on (F : R -> R -> R) (w0 w1 y0 y1 : Q) : Prop :=
  exists c, 0 < c /\ forall w y, Q2R w0 <= w <= Q2R w1 -> Q2R y0 <= y <= Q2R y1 -> c <= F w y.

Lemma covers_positive F depth : (forall w0 w1 y0 y1, test w0 w1 y0 y1 = true -> positive_on F w0 w1 y0 y1) ->
  forall w0 w1 y0 y1, covers depth w0 w1 y0 y1 = true -> positive_on F w0 w1 y0 y1.
Proof.
  intros Ht. induction depth as [|depth IH]; intros w0 w1 y0 y1 H; cbn [covers] in H;
    destruct (test w0 w1 y0 y1) eqn:T; try (apply Ht; exact T); [discriminate|].
  destruct (Qle_bool _ _) in H; apply andb_prop in H; destruct H as [H1 H2];
    destruct (IH _ _ _ _ H1) as (c1 & p1 & F1); destruct (IH _ _ _ _ H2) as (c2 & p2 & F2);
    exists (Rmin c1 c2); (split; [apply Rmin_pos; assumption|]); intros w y Hw Hy.
  - destruct (Rle_lt_dec y (Q2R (Qred ((y0 + y1) * (1 # 2))))).
    + eapply Rle_trans; [apply Rmin_l|]. apply F1; [assumption|lra].
    + eapply Rle_trans; [apply Rmin_r|]. apply F2; [assumption|lra].
  - destruct (Rle_lt_dec w (Q2R (Qred ((w0 + w1) * (1 # 2))))).
    + eapply Rle_trans; [apply Rmin_l|]. apply F1; [lra|assumption].
    + eapply Rle_trans; [apply Rmin_r|]. apply F2; [lra|assumption].
Qed.
End Covered.

(* The lag and, for mean 0, its third moment, as programs. *)
Section Programs.
Context {T : Type} (o : ops T) (inside_root : bool) (eps : T).

(* The root that the kernel divides by, without the eps that stands outside. *)
Definition root_in (v : T) : T := if inside_root then sqrt_ o (add o v eps) else sqrt_ o v.
Definition divisor_in (r : T) : T := if inside_root then r else add o r eps.

Definition lag_in (l : list (T * T)) (w y : T) : T :=
  mean_of o l (fun g => div o g (divisor_in (root_in (add o (mul o w (mul o g g)) y)))).

Definition third_in (l : list (T * T)) (w y : T) : T :=
  let ry := root_in y in
  mean_of o l (fun g =>
    let r := root_in (add o (mul o w (mul o g g)) y) in
    div o (mul o g (mul o g g)) (mul o (divisor_in r) (add o r ry))).
End Programs.

Lemma lag_in_lag inside_root eps l w y : lag_in Rops inside_root eps l w y = lag (root inside_root eps) l w y.
Proof.
  unfold lag_in, lag. etransitivity; [apply mean_of_E|]. apply E_ext. intros x _.
  destruct inside_root; unfold divisor_in, root_in, root, inside, outside; reflexivity.
Qed.

(* Where the mean is 0, a factor -w phi(y) can be taken out of the lag. *)
Lemma lag_third inside_root eps l w y : 0 < eps -> 0 < w -> 0 < y -> mean l = 0 ->
  lag (root inside_root eps) l w y = - (w * root inside_root eps y * third_in Rops inside_root eps l w y).
Proof.
  intros He Hw Hy Hm.
  replace (lag (root inside_root eps) l w y) with (lag (root inside_root eps) l w y - root inside_root eps y * mean l)
    by (rewrite Hm; ring).
  unfold lag, mean, third_in. cbv zeta.
  match goal with |- _ = - (_ * _ * mean_of Rops l ?k) => replace (mean_of Rops l k) with (E l k) by (symmetry; apply mean_of_E) end.
  rewrite <- !E_scal, E_minus.
  match goal with |- _ = - E l ?k => replace (- E l k) with ((-1) * E l k) by ring end.
  rewrite <- E_scal. apply E_ext. intros x _. set (g := snd x).
  assert (G : 0 <= g * g) by apply Rle_0_sqr.
  assert (V : 0 < w * (g * g) + y) by (assert (0 <= w * (g * g)) by (apply Rmult_le_pos; lra); lra).
  destruct inside_root; unfold root, inside, outside, root_in, divisor_in; simpl.
  - set (v := w * (g * g) + y) in *.
    assert (P : 0 < sqrt (v + eps)) by (apply sqrt_lt_R0; lra). assert (P' : 0 < sqrt (y + eps)) by (apply sqrt_lt_R0; lra).
    assert (S1 := sqrt_sqrt (v + eps) ltac:(lra)). assert (S2 := sqrt_sqrt (y + eps) ltac:(lra)).
    assert (D : w * (g * g) = (sqrt (v + eps) - sqrt (y + eps)) * (sqrt (v + eps) + sqrt (y + eps))).
    { replace ((sqrt (v + eps) - sqrt (y + eps)) * (sqrt (v + eps) + sqrt (y + eps)))
        with (sqrt (v + eps) * sqrt (v + eps) - sqrt (y + eps) * sqrt (y + eps)) by ring. rewrite S1, S2. unfold v. ring. }
    replace (-1 * (w * / sqrt (y + eps) * (g * (g * g) / (sqrt (v + eps) * (sqrt (v + eps) + sqrt (y + eps))))))
      with (-1 * (/ sqrt (y + eps) * (w * (g * g) * g / (sqrt (v + eps) * (sqrt (v + eps) + sqrt (y + eps)))))) by (field; lra).
    rewrite D. field. lra.
  - set (v := w * (g * g) + y) in *.
    assert (P := sqrt_lt_R0 v V). assert (P' := sqrt_lt_R0 y Hy).
    assert (S1 := sqrt_sqrt v ltac:(lra)). assert (S2 := sqrt_sqrt y ltac:(lra)).
    assert (D : w * (g * g) = (sqrt v - sqrt y) * (sqrt v + sqrt y)).
    { replace ((sqrt v - sqrt y) * (sqrt v + sqrt y)) with (sqrt v * sqrt v - sqrt y * sqrt y) by ring.
      rewrite S1, S2. unfold v. ring. }
    replace (-1 * (w * / (sqrt y + eps) * (g * (g * g) / ((sqrt v + eps) * (sqrt v + sqrt y)))))
      with (-1 * (/ (sqrt y + eps) * (w * (g * g) * g / ((sqrt v + eps) * (sqrt v + sqrt y))))) by (field; lra).
    rewrite D. field. lra.
Qed.

Section Enclosed.
Import Intervals.
Let o := Iops bits.
Let ok := Iops_ok bits.
Ltac go := repeat first [assumption | apply (ok_add _ _ ok) | apply (ok_mul _ _ ok) | apply (ok_div _ _ ok) | apply (ok_sqrt _ _ ok)].

Lemma root_in_ok flag ei e vi v : enc ei e -> enc vi v -> enc (root_in o flag ei vi) (root_in Rops flag e v).
Proof. intros. destruct flag; unfold root_in; go. Qed.

Lemma divisor_in_ok flag ei e ri r : enc ei e -> enc ri r -> enc (divisor_in o flag ei ri) (divisor_in Rops flag e r).
Proof. intros. destruct flag; unfold divisor_in; go. Qed.

Lemma lag_in_ok flag ei e li l wi w yi y : enc ei e -> Forall2 enc2 li l -> enc wi w -> enc yi y ->
  enc (lag_in o flag ei li wi yi) (lag_in Rops flag e l w y).
Proof.
  intros He Hl Hw Hy. unfold lag_in. apply mean_of_ok; [exact Hl|]. intros gi g Hg.
  apply (ok_div _ _ ok); [exact Hg|]. apply divisor_in_ok; [exact He|]. apply root_in_ok; [exact He|]. go.
Qed.

Lemma third_in_ok flag ei e li l wi w yi y : enc ei e -> Forall2 enc2 li l -> enc wi w -> enc yi y ->
  enc (third_in o flag ei li wi yi) (third_in Rops flag e l w y).
Proof.
  intros He Hl Hw Hy. unfold third_in. apply mean_of_ok; [exact Hl|]. intros gi g Hg.
  apply (ok_div _ _ ok); [go|]. apply (ok_mul _ _ ok).
  - apply divisor_in_ok; [exact He|]. apply root_in_ok; [exact He|]. go.
  - apply (ok_add _ _ ok); (apply root_in_ok; [exact He|]); go.
Qed.
End Enclosed.

Definition intervals_of (l : list (Q * Q)) : list (Intervals.I.type * Intervals.I.type) :=
  map (fun x => (interval_of (fst x), interval_of (snd x))) l.

Lemma intervals_of_ok l : Forall2 enc2 (intervals_of l) (atoms l).
Proof. unfold intervals_of, atoms. induction l as [|x r IH]; constructor; [split; apply interval_of_ok|exact IH]. Qed.

Definition is_positive (x : Intervals.I.type) : bool := match Intervals.I.sign_strict x with Xgt => true | _ => false end.

(* The squares lie between low and high. *)
Definition squares_between (l : list (Q * Q)) (low high : Q) : bool :=
  is_law l && Qle_bool 0 low && Qle_bool low high
  && forallb (fun x => Qle_bool low (snd x * snd x) && Qle_bool (snd x * snd x) high) l.

Lemma squares_facts l low high : squares_between l low high = true ->
  law (atoms l) /\ 0 <= Q2R low <= Q2R high /\ forall x, In x (atoms l) -> Q2R low <= snd x * snd x <= Q2R high.
Proof.
  unfold squares_between. intros H.
  apply andb_prop in H. destruct H as [H H4]. apply andb_prop in H. destruct H as [H H3].
  apply andb_prop in H. destruct H as [H1 H2].
  split; [apply is_law_law; exact H1|]. split; [split; [apply Q2R_nonneg; exact H2|apply Qle_bool_Q2R; exact H3]|].
  intros x Hx. unfold atoms in Hx. apply in_map_iff in Hx. destruct Hx as (y & <- & Hy). simpl.
  rewrite forallb_forall in H4. specialize (H4 y Hy). apply andb_prop in H4. destruct H4 as [K1 K2].
  apply Qle_bool_Q2R in K1. apply Qle_bool_Q2R in K2. rewrite Q2R_mult in K1, K2. auto.
Qed.

Definition lag_positive (inside_root : bool) (l : list (Q * Q)) (beta2 eps : Q) (depth : nat) (low high : Q) : bool :=
  squares_between l low high &&
  let atoms_in := intervals_of l in
  let eps_in := interval_of eps in
  covers (fun w0 w1 y0 y1 => is_positive (lag_in (Intervals.Iops bits) inside_root eps_in atoms_in (between w0 w1) (between y0 y1)))
    high depth 0 (1 - beta2) (beta2 * low) high.

Lemma is_positive_on F w0 w1 y0 y1 xi : is_positive xi = true ->
  (forall w y, Q2R w0 <= w <= Q2R w1 -> Q2R y0 <= y <= Q2R y1 -> Intervals.enc xi (F w y)) -> positive_on F w0 w1 y0 y1.
Proof.
  unfold is_positive. destruct (Intervals.I.sign_strict xi) eqn:S; try discriminate. intros _ H.
  destruct (positive_interval _ S) as (c & c0 & Hc). exists c. split; [exact c0|]. intros. apply Hc, H; assumption.
Qed.

Theorem negative_by_lag inside_root l beta2 eps depth low high :
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> lag_positive inside_root l beta2 eps depth low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) (atoms l) f -> f < 0.
Proof.
  intros Hb He H a Ha f Hf. unfold lag_positive in H. apply andb_prop in H. destruct H as [H1 H2].
  destruct (squares_facts l low high H1) as (Hl & [L0 LM] & HLM).
  destruct (root_covered inside_root (Q2R eps) He) as [(C & K & Hk) _].
  apply (covers_positive _ _ (fun w y => lag (root inside_root (Q2R eps)) (atoms l) w y)) in H2.
  2:{ intros w0 w1 y0 y1 T. apply (is_positive_on _ _ _ _ _ _ T). intros w y Hw Hy. rewrite <- lag_in_lag.
      apply lag_in_ok; [apply interval_of_ok|apply intervals_of_ok| |];
        eapply Intervals.btw; try apply interval_of_ok; assumption. }
  destruct H2 as (c & c0 & Hc).
  assert (Z0 : Q2R 0 = 0) by apply RMicromega.Q2R_0.
  assert (Z1 : Q2R (1 - beta2) = 1 - Q2R beta2) by (rewrite Q2R_minus, Q2R_one; reflexivity).
  assert (Z2 : Q2R (beta2 * low) = Q2R beta2 * Q2R low) by apply Q2R_mult.
  rewrite Z0, Z1, Z2 in Hc. set (b := Q2R beta2) in *. set (L := Q2R low) in *. set (M := Q2R high) in *.
  assert (B := one_lag a b C K _ Ha Hb Hk (atoms l) Hl L M L0 HLM 1 c).
  assert ((1 - a) * c <= 1 * - f).
  { apply B; [| |exact LM|exact Hf].
    - intros w y Hw Hy. assert (b * L <= (1 - w) * L) by (apply Rmult_le_compat_r; lra).
      assert (0 <= w * M) by (apply Rmult_le_pos; lra).
      generalize (Hc w y ltac:(lra) ltac:(lra)). lra.
    - intros y Hy. assert (0 <= (1 - b) * M) by (apply Rmult_le_pos; lra).
      generalize (Hc (1 - b) y ltac:(lra) ltac:(lra)). lra. }
  assert (0 < (1 - a) * c) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

Theorem positive_by_lag inside_root l beta2 eps depth low high :
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> lag_positive inside_root (opposite_Q l) beta2 eps depth low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) (atoms l) f -> 0 < f.
Proof.
  intros Hb He H a Ha f Hf. apply field_opposite in Hf. rewrite <- opposite_atoms in Hf.
  generalize (negative_by_lag inside_root _ beta2 eps depth low high Hb He H a Ha _ Hf). lra.
Qed.

(* Mean 0: the third moment decides. It is positive where the field is. *)
Definition third_positive (inside_root : bool) (l : list (Q * Q)) (beta2 eps : Q) (depth : nat) (low high : Q) : bool :=
  squares_between l low high && negb (Qle_bool low 0) && Qeq_bool (E_Q l (fun g => g)) 0 &&
  let atoms_in := intervals_of l in
  let eps_in := interval_of eps in
  covers (fun w0 w1 y0 y1 => is_positive (third_in (Intervals.Iops bits) inside_root eps_in atoms_in (between w0 w1) (between y0 y1)))
    high depth 0 (1 - beta2) (beta2 * low) high.

Theorem positive_by_third inside_root l beta2 eps depth low high :
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> third_positive inside_root l beta2 eps depth low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) (atoms l) f -> 0 < f.
Proof.
  intros Hb He H a Ha f Hf. unfold third_positive in H. apply andb_prop in H. destruct H as [H H2].
  apply andb_prop in H. destruct H as [H H0]. apply andb_prop in H. destruct H as [H1 Hlow].
  apply negb_true_iff in Hlow. assert (Low : (0 < low)%Q) by (apply Qnot_le_lt; rewrite <- Qle_bool_iff, Hlow; discriminate).
  apply Qlt_Rlt in Low. rewrite RMicromega.Q2R_0 in Low.
  assert (Hm : mean (atoms l) = 0) by (rewrite mean_atoms; apply Qeq_bool_eq, Qeq_eqR in H0; rewrite H0; apply RMicromega.Q2R_0).
  destruct (squares_facts l low high H1) as (Hl & [L0 LM] & HLM).
  destruct (root_covered inside_root (Q2R eps) He) as [(C & K & Hk) _].
  apply (covers_positive _ _ (fun w y => third_in Rops inside_root (Q2R eps) (atoms l) w y)) in H2.
  2:{ intros w0 w1 y0 y1 T. apply (is_positive_on _ _ _ _ _ _ T). intros w y Hw Hy.
      apply third_in_ok; [apply interval_of_ok|apply intervals_of_ok| |];
        eapply Intervals.btw; try apply interval_of_ok; assumption. }
  destruct H2 as (c & c0 & Hc).
  assert (Z0 : Q2R 0 = 0) by apply RMicromega.Q2R_0.
  assert (Z1 : Q2R (1 - beta2) = 1 - Q2R beta2) by (rewrite Q2R_minus, Q2R_one; reflexivity).
  assert (Z2 : Q2R (beta2 * low) = Q2R beta2 * Q2R low) by apply Q2R_mult.
  rewrite Z0, Z1, Z2 in Hc. set (b := Q2R beta2) in *. set (L := Q2R low) in *. set (M := Q2R high) in *.
  set (phi := root inside_root (Q2R eps)) in *.
  assert (PM : 0 < phi M) by (apply (kernel_pos _ _ _ Hk); lra).
  assert (bL : 0 < b * L) by (apply Rmult_lt_0_compat; lra).
  assert (N : forall w y, 0 < w <= 1 - b -> b * L <= y <= M -> w * phi M * c <= -1 * lag phi (atoms l) w y).
  { intros w y Hw Hy. unfold phi. rewrite lag_third; try assumption; try lra. fold phi.
    replace (-1 * - (w * phi y * third_in Rops inside_root (Q2R eps) (atoms l) w y))
      with (w * (phi y * third_in Rops inside_root (Q2R eps) (atoms l) w y)) by ring.
    rewrite Rmult_assoc. apply Rmult_le_compat_l; [lra|].
    apply Rmult_le_compat; [lra|lra| |apply Hc; lra]. apply (kernel_decreasing _ _ _ Hk). lra. }
  assert (D : 0 < (1 - b) * phi M * c) by (apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; lra|exact c0]).
  assert (B := one_lag a b C K phi Ha Hb Hk (atoms l) Hl L M L0 HLM (-1) ((1 - b) * phi M * c)).
  assert ((1 - a) * ((1 - b) * phi M * c) <= -1 * - f).
  { apply B; [| |exact LM|exact Hf].
    - intros w y Hw Hy. assert (b * L <= (1 - w) * L) by (apply Rmult_le_compat_r; lra).
      assert (0 <= w * M) by (apply Rmult_le_pos; lra).
      assert (0 <= w * phi M * c) by (apply Rmult_le_pos; [apply Rmult_le_pos; lra|lra]).
      generalize (N w y Hw ltac:(lra)). lra.
    - intros y Hy. assert (0 <= (1 - b) * M) by (apply Rmult_le_pos; lra). apply N; lra. }
  assert (0 < (1 - a) * ((1 - b) * phi M * c)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

Theorem negative_by_third inside_root l beta2 eps depth low high :
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> third_positive inside_root (opposite_Q l) beta2 eps depth low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) (atoms l) f -> f < 0.
Proof.
  intros Hb He H a Ha f Hf. apply field_opposite in Hf. rewrite <- opposite_atoms in Hf.
  generalize (positive_by_third inside_root _ beta2 eps depth low high Hb He H a Ha _ Hf). lra.
Qed.
