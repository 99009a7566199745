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

(* Both kernels are 1/(r + e), where r r is v and a constant. *)
Lemma root_parts inside_root eps : 0 < eps -> exists e k, 0 <= e /\ forall v, 0 < v ->
  0 < root_in Rops inside_root eps v /\ root_in Rops inside_root eps v * root_in Rops inside_root eps v = v + k /\
  divisor_in Rops inside_root eps (root_in Rops inside_root eps v) = root_in Rops inside_root eps v + e /\
  root inside_root eps v = / (root_in Rops inside_root eps v + e).
Proof.
  intros He. destruct inside_root; unfold root, inside, outside, root_in, divisor_in; simpl.
  - exists 0, eps. split; [lra|]. intros v Hv. rewrite Rplus_0_r.
    split; [apply sqrt_lt_R0; lra|]. split; [apply sqrt_sqrt; lra|auto].
  - exists eps, 0. split; [lra|]. intros v Hv. rewrite Rplus_0_r.
    split; [apply sqrt_lt_R0; lra|]. split; [apply sqrt_sqrt; lra|auto].
Qed.

(* Where the mean is 0, a factor -w phi(y) can be taken out of the lag. *)
Lemma lag_third inside_root eps l w y : 0 < eps -> 0 < w -> 0 < y -> mean l = 0 ->
  lag (root inside_root eps) l w y = - (w * root inside_root eps y * third_in Rops inside_root eps l w y).
Proof.
  intros He Hw Hy Hm. destruct (root_parts inside_root eps He) as (e & k & e0 & Hr).
  destruct (Hr y Hy) as (y0 & yy & _ & yr).
  replace (lag (root inside_root eps) l w y) with (lag (root inside_root eps) l w y - root inside_root eps y * mean l)
    by (rewrite Hm; ring).
  unfold lag, mean, third_in. cbv zeta.
  match goal with |- _ = - (_ * _ * mean_of Rops l ?k) => replace (mean_of Rops l k) with (E l k) by (symmetry; apply mean_of_E) end.
  rewrite <- !E_scal, E_minus.
  match goal with |- _ = - E l ?k => replace (- E l k) with ((-1) * E l k) by ring end.
  rewrite <- E_scal. apply E_ext. intros x _. set (g := snd x).
  assert (V : 0 < w * (g * g) + y) by (assert (0 <= w * (g * g)) by (apply Rmult_le_pos; [lra|apply Rle_0_sqr]); lra).
  destruct (Hr _ V) as (v0 & vv & vd & vr). rewrite vr, yr.
  change (add Rops (mul Rops w (mul Rops g g)) y) with (w * (g * g) + y). rewrite vd.
  set (r := root_in Rops inside_root eps (w * (g * g) + y)) in *. set (ry := root_in Rops inside_root eps y) in *. simpl.
  assert (D : w * (g * g) = (r - ry) * (r + ry)) by (replace ((r - ry) * (r + ry)) with (r * r - ry * ry) by ring; rewrite vv, yy; ring).
  replace (-1 * (w * / (ry + e) * (g * (g * g) / ((r + e) * (r + ry)))))
    with (-1 * (/ (ry + e) * (w * (g * g) * g / ((r + e) * (r + ry))))) by (field; lra).
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

Lemma is_positive_on F w0 w1 y0 y1 xi : is_positive xi = true ->
  (forall w y, Q2R w0 <= w <= Q2R w1 -> Q2R y0 <= y <= Q2R y1 -> Intervals.enc xi (F w y)) -> positive_on F w0 w1 y0 y1.
Proof.
  unfold is_positive. destruct (Intervals.I.sign_strict xi) eqn:S; try discriminate. intros _ H.
  destruct (positive_interval _ S) as (c & c0 & Hc). exists c. split; [exact c0|]. intros. apply Hc, H; assumption.
Qed.

(* A program is positive on the rectangle of all weights and pasts: what is computed, and what it says of every law that the
   intervals li enclose. *)
Definition covers_rectangle (program_in : list (Intervals.I.type * Intervals.I.type) -> Intervals.I.type -> Intervals.I.type -> Intervals.I.type)
  (li : list (Intervals.I.type * Intervals.I.type)) (beta2 : Q) (depth : nat) (low high : Q) : bool :=
  covers (fun w0 w1 y0 y1 => is_positive (program_in li (between w0 w1) (between y0 y1))) high depth
    0 (1 - beta2) (beta2 * low) high.

Lemma rectangle_covered program_in (program : list (R * R) -> R -> R -> R) li l beta2 depth low high :
  (forall wi w yi y, Intervals.enc wi w -> Intervals.enc yi y -> Intervals.enc (program_in li wi yi) (program l w y)) ->
  covers_rectangle program_in li beta2 depth low high = true ->
  exists c, 0 < c /\ forall w y, 0 <= w <= 1 - Q2R beta2 -> Q2R beta2 * Q2R low <= y <= Q2R high -> c <= program l w y.
Proof.
  intros program_ok H. unfold covers_rectangle in H.
  apply (covers_positive _ _ (program l)) in H.
  - unfold positive_on in H. rewrite RMicromega.Q2R_0, Q2R_minus, Q2R_one, Q2R_mult in H. exact H.
  - intros w0 w1 y0 y1 T. apply (is_positive_on _ _ _ _ _ _ T). intros w y Hw Hy.
    apply program_ok; eapply Intervals.btw; try apply interval_of_ok; assumption.
Qed.

(* A lower bound of the lag on the rectangle, positive at the largest weight, gives the sign of the field. *)
Lemma sign_on_rectangle a b C K phi l L M s bound f : 0 <= a < 1 -> 0 < b < 1 -> kernel phi C K -> law l -> 0 <= L <= M ->
  (forall x, In x l -> L <= snd x * snd x <= M) ->
  (forall w y, 0 < w <= 1 - b -> b * L <= y <= M -> bound w <= s * lag phi l w y) ->
  (forall w, 0 < w <= 1 - b -> 0 < bound w) -> is_field a b phi l f -> 0 < s * - f.
Proof.
  intros Ha Hb Hk Hl [L0 LM] HLM Hbound Hpositive Hf.
  assert (D := Hpositive (1 - b) ltac:(lra)).
  assert ((1 - a) * bound (1 - b) <= s * - f).
  { apply (one_lag a b C K phi Ha Hb Hk l Hl L M L0 HLM s (bound (1 - b))); [| |exact LM|exact Hf].
    - intros w y Hw Hy. assert (b * L <= (1 - w) * L) by (apply Rmult_le_compat_r; lra).
      assert (0 <= w * M) by (apply Rmult_le_pos; lra).
      eapply Rle_trans; [|apply Hbound; lra]. left. apply Hpositive. exact Hw.
    - intros y Hy. assert (0 <= (1 - b) * M) by (apply Rmult_le_pos; lra). apply Hbound; lra. }
  assert (0 < (1 - a) * bound (1 - b)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

Lemma negative_if_lag inside_root li l beta2 eps depth low high : Forall2 enc2 li l ->
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> law l -> 0 <= Q2R low <= Q2R high ->
  (forall x, In x l -> Q2R low <= snd x * snd x <= Q2R high) ->
  covers_rectangle (lag_in (Intervals.Iops bits) inside_root (interval_of eps)) li beta2 depth low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) l f -> f < 0.
Proof.
  intros Hli Hb He Hl HLM Hx H a Ha f Hf. destruct (root_covered inside_root (Q2R eps) He) as [(C & K & Hk) _].
  apply (rectangle_covered _ (lag_in Rops inside_root (Q2R eps)) li l) in H.
  2:{ intros. apply lag_in_ok; [apply interval_of_ok|assumption|assumption|assumption]. }
  destruct H as (c & c0 & Hc). assert (0 < 1 * - f); [|lra].
  apply (sign_on_rectangle a (Q2R beta2) C K _ _ _ _ 1 (fun _ => c) f Ha Hb Hk Hl HLM Hx); [|intros; exact c0|exact Hf].
  intros w y Hw Hy. rewrite Rmult_1_l, <- lag_in_lag. apply Hc; lra.
Qed.

Definition lag_positive (inside_root : bool) (l : list (Q * Q)) (beta2 eps : Q) (depth : nat) (low high : Q) : bool :=
  squares_between l low high &&
  let li := intervals_of l in
  let eps_in := interval_of eps in
  covers_rectangle (lag_in (Intervals.Iops bits) inside_root eps_in) li beta2 depth low high.

Theorem negative_by_lag inside_root l beta2 eps depth low high :
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> lag_positive inside_root l beta2 eps depth low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) (atoms l) f -> f < 0.
Proof.
  intros Hb He H. apply andb_prop in H. destruct H as [H1 H2]. destruct (squares_facts l low high H1) as (Hl & HLM & Hx).
  exact (negative_if_lag inside_root _ _ beta2 eps depth low high (intervals_of_ok l) Hb He Hl HLM Hx H2).
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
  negb (Qle_bool low 0) && Qeq_bool (E_Q l (fun g => g)) 0 &&
  squares_between l low high &&
  let li := intervals_of l in
  let eps_in := interval_of eps in
  covers_rectangle (third_in (Intervals.Iops bits) inside_root eps_in) li beta2 depth low high.

Theorem positive_by_third inside_root l beta2 eps depth low high :
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> third_positive inside_root l beta2 eps depth low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) (atoms l) f -> 0 < f.
Proof.
  intros Hb He H a Ha f Hf. unfold third_positive in H. apply andb_prop in H. destruct H as [H H2].
  apply andb_prop in H. destruct H as [H H1]. apply andb_prop in H. destruct H as [Hlow H0].
  apply negb_true_iff in Hlow. assert (Low : (0 < low)%Q) by (apply Qnot_le_lt; rewrite <- Qle_bool_iff, Hlow; discriminate).
  apply Qlt_Rlt in Low. rewrite RMicromega.Q2R_0 in Low.
  assert (Hm : mean (atoms l) = 0) by (rewrite mean_atoms; apply Qeq_bool_eq, Qeq_eqR in H0; rewrite H0; apply RMicromega.Q2R_0).
  destruct (root_covered inside_root (Q2R eps) He) as [(C & K & Hk) _].
  destruct (squares_facts l low high H1) as (Hl & HLM & Hx).
  apply (rectangle_covered _ (third_in Rops inside_root (Q2R eps)) _ (atoms l)) in H2.
  2:{ intros. apply third_in_ok; [apply interval_of_ok|apply intervals_of_ok|assumption|assumption]. }
  destruct H2 as (c & c0 & Hc).
  set (b := Q2R beta2) in *. set (L := Q2R low) in *. set (M := Q2R high) in *. set (phi := root inside_root (Q2R eps)) in *.
  assert (PM : 0 < phi M) by (apply (kernel_pos _ _ _ Hk); lra).
  assert (bL : 0 < b * L) by (apply Rmult_lt_0_compat; lra).
  assert (0 < -1 * - f); [|lra].
  apply (sign_on_rectangle a b C K phi (atoms l) L M (-1) (fun w => w * phi M * c) f Ha Hb Hk Hl HLM Hx); [| |exact Hf].
  - intros w y Hw Hy. unfold phi. rewrite lag_third; try assumption; try lra. fold phi.
    replace (-1 * - (w * phi y * third_in Rops inside_root (Q2R eps) (atoms l) w y))
      with (w * (phi y * third_in Rops inside_root (Q2R eps) (atoms l) w y)) by ring.
    rewrite Rmult_assoc. apply Rmult_le_compat_l; [lra|].
    apply Rmult_le_compat; [lra|lra| |apply Hc; lra]. apply (kernel_decreasing _ _ _ Hk). lra.
  - intros w Hw. apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; lra|exact c0].
Qed.

Theorem negative_by_third inside_root l beta2 eps depth low high :
  0 < Q2R beta2 < 1 -> 0 < Q2R eps -> third_positive inside_root (opposite_Q l) beta2 eps depth low high = true ->
  forall beta1, 0 <= beta1 < 1 -> forall f, is_field beta1 (Q2R beta2) (root inside_root (Q2R eps)) (atoms l) f -> f < 0.
Proof.
  intros Hb He H a Ha f Hf. apply field_opposite in Hf. rewrite <- opposite_atoms in Hf.
  generalize (positive_by_third inside_root _ beta2 eps depth low high Hb He H a Ha _ Hf). lra.
Qed.
