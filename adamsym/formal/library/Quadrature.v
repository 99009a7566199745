(* A sign by quadrature: the Laplace form of the field (T4) and the errors of the trapezoidal rule (T5) are stated here,
   and not proved; what follows from them is computed in verified intervals and proved. *)
From Coq Require Import Reals List Lra Lia ZArith QArith Qreals Bool.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Real.Xreal Float.Basic Float.Sig Interval.Interval.
From Adamsym Require Import Expectation Field Operations Rational Histories.
Import ListNotations.
Open Scope R_scope.

(* The law of the gradient g, the method's numbers, bounds of g^2, and the node where the recursion starts. *)
Record problem (T : Type) := Problem {
  gradient_law : list (T * T); beta1 : T; beta2 : T; eps : T; least : T; largest_square : T; start : T }.
Arguments Problem {T}. Arguments gradient_law {T}. Arguments beta1 {T}. Arguments beta2 {T}. Arguments eps {T}.
Arguments least {T}. Arguments largest_square {T}. Arguments start {T}.

(* The nodes are start * exp (j h), j = -lower .. upper, h = spacing * ln (1 / beta2); rho is computed by a series. *)
Record nodes := Nodes { spacing : nat; lower : nat; upper : nat; terms : nat }.

(* P(s) = E exp (-s V) and G(s) = E[M exp (-s V)] at a node s. *)
Record state (T : Type) := State { node : T; P_at : T; G_at : T }.
Arguments State {T}. Arguments node {T}. Arguments P_at {T}. Arguments G_at {T}.

(* One program, for the real numbers and for intervals. *)
Section Program.
Context {T : Type} (o : ops T).
Local Notation "x + y" := (add o x y). Local Notation "x - y" := (sub o x y).
Local Notation "x * y" := (mul o x y). Local Notation "x / y" := (div o x y).
Local Notation "'#' z" := (ofZ o z%Z) (at level 1).

(* E[g exp (-t g^2)] and E exp (-t g^2), of probabilities, values and their squares. *)
Fixpoint transforms (l : list (T * T * T)) (t : T) : T * T :=
  match l with
  | [] => (# 0, # 0)
  | (p, g, square) :: l =>
      let e := p * exp_ o (# 0 - t * square) in
      let rest := transforms l t in (g * e + fst rest, e + snd rest)
  end.
Definition squared (l : list (T * T)) : list (T * T * T) := map (fun x => (fst x, snd x, snd x * snd x)) l.

(* From s to s / b: P(s) = B P(b s) and G(s) = (1 - a) A P(b s) + a B G(b s), with the transforms A, B at (1 - b) s. *)
Definition one_lag (l : list (T * T * T)) (a a1 inverse w : T) (x : state T) : state T :=
  let s := node x * inverse in
  let AB := transforms l (w * s) in
  State s (snd AB * P_at x) (a1 * fst AB * P_at x + a * snd AB * G_at x).
Fixpoint lags l a a1 inverse w (k : nat) (x : state T) : state T :=
  match k with O => x | S k => lags l a a1 inverse w k (one_lag l a a1 inverse w x) end.

(* The sum of x^j / (3 * 5 * ... * (2 j + 1)), j = 0 .. k, and its term j = k, both with 2 i + 3 as the first factor. *)
Fixpoint series (k : nat) (i : Z) (x : T) : T :=
  match k with O => # 1 | S k => # 1 + x / # (2 * i + 3) * series k (i + 1) x end.
Fixpoint term (k : nat) (i : Z) (x : T) : T :=
  match k with O => # 1 | S k => x / # (2 * i + 3) * term k (i + 1) x end.

(* s rho(s) = sqrt (s / pi) (1 - sqrt pi e exp (e^2) erfc e), e = eps sqrt s, with the error function's series. *)
Definition weight (k : nat) (small s : T) : T :=
  let e := small * sqrt_ o s in
  sqrt_ o (s / pi_ o) * (# 1 - e * (sqrt_ o (pi_ o) * exp_ o (e * e) - # 2 * (e * series k 0 (# 2 * (e * e))))).

(* The nodes from start on, by the recursion; those below it, by G(s) = mean - slope s. *)
Fixpoint upper_sum l a a1 inverse w small (k m n : nat) (x : state T) (sum : T) : T :=
  let sum := sum + weight k small (node x) * G_at x in
  match n with O => sum | S n => upper_sum l a a1 inverse w small k m n (lags l a a1 inverse w m x) sum end.
Fixpoint lower_sum small mean slope ratio (k n : nat) (s : T) : T :=
  match n with
  | O => # 0
  | S n => weight k small s * (mean - s * slope) + lower_sum small mean slope ratio k n (s * ratio)
  end.

Variables (x : problem T) (k : nodes).
Definition moment1 := mean_of o (gradient_law x) (fun g => g).
Definition moment2 := mean_of o (gradient_law x) (fun g => g * g).
Definition moment3 := mean_of o (gradient_law x) (fun g => g * g * g).
Definition moment4 := mean_of o (gradient_law x) (fun g => g * g * (g * g)).
(* E[M V] and E[V^2]. *)
Definition mean_MV := moment1 * moment2
  + (# 1 - beta1 x) * (# 1 - beta2 x) / (# 1 - beta1 x * beta2 x) * (moment3 - moment1 * moment2).
Definition mean_VV := moment2 * moment2 + (# 1 - beta2 x) / (# 1 + beta2 x) * (moment4 - moment2 * moment2).
(* The constant of T1, the step, the first and the last node. *)
Definition constant := (# 1 - beta1 x) / sqrt_ o ((# 1 - beta2 x) * (# 1 - beta1 x * beta1 x / beta2 x)).
Definition step := # (Z.of_nat (spacing k)) * ln_ o (# 1 / beta2 x).
Definition first_node := start x * exp_ o (# 0 - # (Z.of_nat (lower k)) * step).
Definition last_node := start x * exp_ o (# (Z.of_nat (upper k)) * step).

(* Bounds of P and G at start, by Taylor's formula. *)
Definition P_upper := # 1 - start x * moment2 + start x * start x * mean_VV / # 2.
Definition P_lower := P_upper
  - start x * start x * start x * (largest_square x * largest_square x * largest_square x) / # 6.
Definition G_middle := moment1 - start x * mean_MV.
Definition G_radius := start x * start x * (largest_square x * largest_square x) * sqrt_ o moment2 / # 2.
Definition G_lower := G_middle - G_radius.
Definition G_upper := G_middle + G_radius.

Definition rule (P G : T) : T := step * (
  lower_sum (eps x) moment1 mean_MV (exp_ o (# 0 - step)) (terms k) (lower k) (start x * exp_ o (# 0 - step))
  + upper_sum (squared (gradient_law x)) (beta1 x) (# 1 - beta1 x) (# 1 / beta2 x) (# 1 - beta2 x) (eps x)
      (terms k) (spacing k) (upper k) (State (start x) P G) (# 0)).

(* The errors: of the trapezoidal rule on the line, with a = 3/2 and cos a > 7/100; of the nodes left out below the first
   and above the last; of Taylor's formula at the nodes below start; of the series of rho. *)
Definition trapezoidal_error := # 2 * constant / (# 7 / # 100 * (exp_ o (# 3 * pi_ o / step) - # 1)).
Definition error_below := # 2 * sqrt_ o moment2 * sqrt_ o (first_node / pi_ o).
Definition error_above :=
  sqrt_ o moment2 * exp_ o (# 0 - last_node * least x) / (least x * sqrt_ o (pi_ o * last_node)).
Definition taylor_error := largest_square x * largest_square x * sqrt_ o moment2
  * (start x * start x * sqrt_ o (start x / pi_ o)) / # 5.
Definition square_of_e := eps x * eps x * last_node.
Definition series_remainder := # 4 * square_of_e * term (S (terms k)) 0 (# 2 * square_of_e).
Definition series_error := series_remainder * sqrt_ o moment2 * sqrt_ o (last_node / pi_ o)
  * step / (# 1 - exp_ o (# 0 - step / # 2)).
Definition error := trapezoidal_error + error_below + error_above + taylor_error + series_error.

(* Where these bounds hold: all of these are positive. *)
Definition sides : list T := [
  beta2 x - beta1 x * beta1 x; least x; start x; # 2 * least x * last_node - # 1;
  # (2 * Z.of_nat (terms k) + 5) - # 4 * square_of_e; # 1 - series_remainder ].
End Program.

(* The quadrature lemma, T4 and T5 of docs/theory.md: true on paper, and here a premise of what is concluded.
   It is for every law, as the paper has it, and knows of no particular problem. *)
Definition QuadratureLemma : Prop := forall (x : problem R) (k : nodes) (f : R),
  law (gradient_law x) -> 0 <= beta1 x < 1 -> 0 < beta2 x < 1 -> 0 < eps x -> (0 < spacing k)%nat ->
  (forall g, In g (gradient_law x) -> least x <= snd g * snd g <= largest_square x) ->
  (forall side, In side (sides Rops x k) -> 0 < side) ->
  is_field (beta1 x) (beta2 x) (outside (eps x)) (gradient_law x) f ->
  exists P G, P_lower Rops x <= P <= P_upper Rops x /\ G_lower Rops x <= G <= G_upper Rops x /\
    Rabs (- f - rule Rops x k P G) <= error Rops x k.

(* The program over an arithmetic that encloses the real numbers encloses the program over them. *)
Section Enclosed.
Context {T : Type} (rel : T -> R -> Prop) (o : ops T) (ok : Intervals.ops_ok rel o).
Let hadd := Intervals.ok_add _ _ ok. Let hsub := Intervals.ok_sub _ _ ok. Let hmul := Intervals.ok_mul _ _ ok. Let hdiv := Intervals.ok_div _ _ ok.
Let hexp := Intervals.ok_exp _ _ ok. Let hln := Intervals.ok_ln _ _ ok. Let hsqrt := Intervals.ok_sqrt _ _ ok. Let hZ := Intervals.ok_Z _ _ ok. Let hpi := Intervals.ok_pi _ _ ok.
Ltac go := repeat first [ assumption | apply hadd | apply hsub | apply hmul | apply hdiv | apply hexp | apply hln
  | apply hsqrt | apply hZ | apply hpi ].

Definition rel2 (x : T * T) (y : R * R) := rel (fst x) (fst y) /\ rel (snd x) (snd y).
Definition rel3 (x : T * T * T) (y : R * R * R) :=
  rel (fst (fst x)) (fst (fst y)) /\ rel (snd (fst x)) (snd (fst y)) /\ rel (snd x) (snd y).
Definition rel_state (x : state T) (y : state R) :=
  rel (node x) (node y) /\ rel (P_at x) (P_at y) /\ rel (G_at x) (G_at y).

Lemma mean_ok li l : Forall2 rel2 li l ->
  forall fi f, (forall xi x, rel xi x -> rel (fi xi) (f x)) -> rel (mean_of o li fi) (mean_of Rops l f).
Proof.
  induction 1 as [|[pi gi] [p g] li l [h1 h2] Hl IH]; intros fi f Hf; cbn [mean_of]; [apply hZ|].
  apply hadd; [apply hmul; [exact h1|apply Hf; exact h2]|apply IH; assumption].
Qed.

Lemma squared_ok li l : Forall2 rel2 li l -> Forall2 rel3 (squared o li) (squared Rops l).
Proof.
  induction 1 as [|[pi gi] [p g] li l [h1 h2] Hl IH]; constructor; [|exact IH].
  split; [exact h1|split; [exact h2|]]. apply (hmul _ _ _ _ h2 h2).
Qed.

Lemma transforms_ok li l : Forall2 rel3 li l -> forall ti t, rel ti t ->
  rel (fst (transforms o li ti)) (fst (transforms Rops l t)) /\ rel (snd (transforms o li ti)) (snd (transforms Rops l t)).
Proof.
  induction 1 as [|[[pi gi] si] [[p g] s] li l [h1 [h2 h3]] Hl IH]; intros ti t Ht; simpl in *; [split; go|].
  destruct (IH ti t Ht) as [k1 k2]. split; go.
Qed.

Lemma series_ok k : forall i xi x, rel xi x -> rel (series o k i xi) (series Rops k i x).
Proof. induction k; intros; simpl; go. apply IHk; assumption. Qed.

Lemma term_ok k : forall i xi x, rel xi x -> rel (term o k i xi) (term Rops k i x).
Proof. induction k; intros; simpl; go. apply IHk; assumption. Qed.

Lemma weight_ok k ei e si s : rel ei e -> rel si s -> rel (weight o k ei si) (weight Rops k e s).
Proof. intros; unfold weight; simpl; go. apply series_ok. simpl; go. Qed.

Section Sums.
Variables (li : list (T * T * T)) (l : list (R * R * R)).
Hypothesis Hl : Forall2 rel3 li l.
Variables (ai a1i ii wi ei : T) (a a1 i w e : R).
Hypotheses (Ha : rel ai a) (Ha1 : rel a1i a1) (Hi : rel ii i) (Hw : rel wi w) (He : rel ei e).

Lemma one_lag_ok x y : rel_state x y -> rel_state (one_lag o li ai a1i ii wi x) (one_lag Rops l a a1 i w y).
Proof.
  intros (h1 & h2 & h3).
  destruct (transforms_ok li l Hl (mul o wi (mul o (node x) ii)) (w * (node y * i))) as [k1 k2]; [go|].
  unfold one_lag; repeat split; simpl; go.
Qed.

Lemma lags_ok m : forall x y, rel_state x y -> rel_state (lags o li ai a1i ii wi m x) (lags Rops l a a1 i w m y).
Proof. induction m; intros; simpl; [assumption|]. apply IHm, one_lag_ok; assumption. Qed.

Lemma upper_sum_ok k m n : forall x y si s, rel_state x y -> rel si s ->
  rel (upper_sum o li ai a1i ii wi ei k m n x si) (upper_sum Rops l a a1 i w e k m n y s).
Proof.
  induction n; intros x y si s H Hs; pose proof H as (h1 & h2 & h3); cbn [upper_sum];
  pose proof (weight_ok k _ _ _ _ He h1) as W.
  - apply hadd; [assumption|]. apply hmul; assumption.
  - apply IHn; [apply lags_ok; assumption|]. apply hadd; [assumption|]. apply hmul; assumption.
Qed.

Lemma lower_sum_ok mi m ci c ri r k n : rel mi m -> rel ci c -> rel ri r -> forall si s, rel si s ->
  rel (lower_sum o ei mi ci ri k n si) (lower_sum Rops e m c r k n s).
Proof.
  intros Hm Hc Hr. induction n; intros si s Hs; cbn [lower_sum]; [apply hZ|].
  apply hadd; [apply hmul; [apply weight_ok; assumption|simpl; go]|apply IHn; apply hmul; assumption].
Qed.
End Sums.

Variables (xi : problem T) (x : problem R) (k : nodes).
Hypothesis Hl : Forall2 rel2 (gradient_law xi) (gradient_law x).
Hypotheses (H1 : rel (beta1 xi) (beta1 x)) (H2 : rel (beta2 xi) (beta2 x)) (H3 : rel (eps xi) (eps x)).
Hypotheses (H4 : rel (least xi) (least x)) (H5 : rel (largest_square xi) (largest_square x)) (H6 : rel (start xi) (start x)).

Lemma moments_ok : rel (moment1 o xi) (moment1 Rops x) /\ rel (moment2 o xi) (moment2 Rops x) /\
  rel (moment3 o xi) (moment3 Rops x) /\ rel (moment4 o xi) (moment4 Rops x).
Proof. repeat split; apply (mean_ok _ _ Hl); intros; simpl; go. Qed.
Let M1 := proj1 moments_ok. Let M2 := proj1 (proj2 moments_ok).
Let M3 := proj1 (proj2 (proj2 moments_ok)). Let M4 := proj2 (proj2 (proj2 moments_ok)).

Lemma mean_MV_ok : rel (mean_MV o xi) (mean_MV Rops x).
Proof. unfold mean_MV; go. Qed.
Lemma mean_VV_ok : rel (mean_VV o xi) (mean_VV Rops x).
Proof. unfold mean_VV; go. Qed.
Lemma step_ok : rel (step o xi k) (step Rops x k).
Proof. unfold step; go. Qed.
Lemma first_node_ok : rel (first_node o xi k) (first_node Rops x k).
Proof. assert (S := step_ok). unfold first_node; go. Qed.
Lemma last_node_ok : rel (last_node o xi k) (last_node Rops x k).
Proof. assert (S := step_ok). unfold last_node; go. Qed.
Let MV := mean_MV_ok. Let VV := mean_VV_ok. Let St := step_ok. Let Fn := first_node_ok. Let Ln := last_node_ok.

Lemma P_upper_ok : rel (P_upper o xi) (P_upper Rops x).
Proof. unfold P_upper; go. Qed.
Let PU := P_upper_ok.
Lemma P_lower_ok : rel (P_lower o xi) (P_lower Rops x).
Proof. unfold P_lower; go. Qed.
Lemma G_lower_ok : rel (G_lower o xi) (G_lower Rops x).
Proof. unfold G_lower, G_middle, G_radius; go. Qed.
Lemma G_upper_ok : rel (G_upper o xi) (G_upper Rops x).
Proof. unfold G_upper, G_middle, G_radius; go. Qed.

Lemma square_of_e_ok : rel (square_of_e o xi k) (square_of_e Rops x k).
Proof. unfold square_of_e; go. Qed.
Let Sq := square_of_e_ok.
Lemma series_remainder_ok : rel (series_remainder o xi k) (series_remainder Rops x k).
Proof. unfold series_remainder. go. apply term_ok; go. Qed.
Let Re := series_remainder_ok.

Lemma constant_ok : rel (constant o xi) (constant Rops x).
Proof. unfold constant; go. Qed.
Let Co := constant_ok.

Lemma error_ok : rel (error o xi k) (error Rops x k).
Proof. unfold error, trapezoidal_error, error_below, error_above, taylor_error, series_error; go. Qed.

Lemma sides_ok : Forall2 rel (sides o xi k) (sides Rops x k).
Proof. unfold sides; repeat constructor; go. Qed.

Lemma rule_ok Pi P Gi G : rel Pi P -> rel Gi G -> rel (rule o xi k Pi Gi) (rule Rops x k P G).
Proof.
  intros HP HG. unfold rule. apply hmul; [exact St|]. apply hadd.
  - apply lower_sum_ok; go.
  - apply upper_sum_ok; go; [apply squared_ok; exact Hl|]. split; [exact H6|split; assumption].
Qed.
End Enclosed.

(* Rational problems. *)
Definition rational_problem (l : list (Q * Q)) (a b e low high s : Q) : problem R :=
  Problem (atoms l) (Q2R a) (Q2R b) (Q2R e) (Q2R low) (Q2R high) (Q2R s).
Definition interval_problem (l : list (Q * Q)) (a b e low high s : Q) : problem Intervals.I.type :=
  Problem (map (fun x => (interval_of (fst x), interval_of (snd x))) l) (interval_of a) (interval_of b) (interval_of e)
    (interval_of low) (interval_of high) (interval_of s).

Definition positive_interval_b (xi : Intervals.I.type) : bool :=
  match Intervals.I.sign_strict xi with Xgt => true | _ => false end.

Lemma positive_interval_b_pos xi x : Intervals.enc xi x -> positive_interval_b xi = true -> 0 < x.
Proof.
  unfold positive_interval_b. intros H E. destruct (Intervals.I.sign_strict xi) eqn:S; try discriminate.
  exact (Intervals.pos xi x H S).
Qed.

(* What is computed: where the bounds hold, and that the rule exceeds the error. *)
Definition quadrature_positive (l : list (Q * Q)) (a b e low high s : Q) (m below above t : nat) : bool :=
  let o := Intervals.Iops bits in
  let x := interval_problem l a b e low high s in
  let k := Nodes m below above t in
  is_law l && Nat.ltb 0 m && forallb (fun g => Qle_bool low (snd g * snd g) && Qle_bool (snd g * snd g) high) l
  && forallb positive_interval_b (sides o x k)
  && positive_interval_b (sub o
       (rule o x k (Intervals.I.join (P_lower o x) (P_upper o x)) (Intervals.I.join (G_lower o x) (G_upper o x)))
       (error o x k)).

Lemma squares_between (l : list (Q * Q)) (low high : Q) :
  forallb (fun g => Qle_bool low (snd g * snd g) && Qle_bool (snd g * snd g) high) l = true ->
  forall g, In g (atoms l) -> Q2R low <= snd g * snd g <= Q2R high.
Proof.
  intros H g Hg. unfold atoms in Hg. apply in_map_iff in Hg. destruct Hg as (y & <- & Hy). cbn [snd].
  rewrite forallb_forall in H. specialize (H y Hy). apply andb_prop in H. destruct H as [K1 K2].
  apply Qle_bool_Q2R in K1. apply Qle_bool_Q2R in K2. rewrite Q2R_mult in K1, K2. auto.
Qed.

Theorem negative_by_quadrature (quadrature_lemma : QuadratureLemma) l a b e low high s m below above t :
  0 <= Q2R a < 1 -> 0 < Q2R b < 1 -> 0 < Q2R e -> quadrature_positive l a b e low high s m below above t = true ->
  forall f, is_field (Q2R a) (Q2R b) (outside (Q2R e)) (atoms l) f -> f < 0.
Proof.
  intros Ha Hb He H f Hf. unfold quadrature_positive in H.
  assert (ok := Intervals.Iops_ok bits). set (o := Intervals.Iops bits) in *. set (xi := interval_problem l a b e low high s) in *.
  set (k := Nodes m below above t) in *. set (x := rational_problem l a b e low high s).
  apply andb_prop in H. destruct H as [H H5]. apply andb_prop in H. destruct H as [H H4].
  apply andb_prop in H. destruct H as [H H3]. apply andb_prop in H. destruct H as [H1 H2].
  assert (L : Forall2 (rel2 Intervals.enc) (gradient_law xi) (gradient_law x)).
  { unfold xi, x. simpl. unfold atoms. clear. induction l as [|y r IH]; constructor; [split; apply interval_of_ok|exact IH]. }
  assert (R1 : Intervals.enc (beta1 xi) (beta1 x)) by apply interval_of_ok.
  assert (R2 : Intervals.enc (beta2 xi) (beta2 x)) by apply interval_of_ok.
  assert (R3 : Intervals.enc (eps xi) (eps x)) by apply interval_of_ok.
  assert (R4 : Intervals.enc (least xi) (least x)) by apply interval_of_ok.
  assert (R5 : Intervals.enc (largest_square xi) (largest_square x)) by apply interval_of_ok.
  assert (R6 : Intervals.enc (start xi) (start x)) by apply interval_of_ok.
  destruct (quadrature_lemma x k f) as (P & G & HP & HG & D).
  - apply is_law_law. exact H1.
  - exact Ha.
  - exact Hb.
  - exact He.
  - apply Nat.ltb_lt. exact H2.
  - exact (squares_between l low high H3).
  - assert (S : Forall2 Intervals.enc (sides o xi k) (sides Rops x k)) by (apply (sides_ok Intervals.enc o ok); assumption).
    revert H4. clear - S.
    induction S as [|ui u us vs Hs S IH]; simpl; intros H4 side Hside; [contradiction|].
    apply andb_prop in H4. destruct H4 as [K1 K2]. destruct Hside as [<-|Hside]; [|exact (IH K2 side Hside)].
    exact (positive_interval_b_pos ui u Hs K1).
  - exact Hf.
  - assert (W : 0 < rule Rops x k P G - error Rops x k).
    { apply (positive_interval_b_pos _ _) with (2 := H5). apply (Intervals.ok_sub _ _ ok).
      - apply (rule_ok Intervals.enc o ok); try assumption.
        + apply (Intervals.btw _ _ _ _ _) with (3 := HP); [apply (P_lower_ok _ _ ok)|apply (P_upper_ok _ _ ok)]; assumption.
        + apply (Intervals.btw _ _ _ _ _) with (3 := HG); [apply (G_lower_ok _ _ ok)|apply (G_upper_ok _ _ ok)]; assumption.
      - apply (error_ok _ _ ok); assumption. }
    apply Rabs_le_between in D. lra.
Qed.

Theorem positive_by_quadrature (quadrature_lemma : QuadratureLemma) l a b e low high s m below above t :
  0 <= Q2R a < 1 -> 0 < Q2R b < 1 -> 0 < Q2R e ->
  quadrature_positive (opposite_Q l) a b e low high s m below above t = true ->
  forall f, is_field (Q2R a) (Q2R b) (outside (Q2R e)) (atoms l) f -> 0 < f.
Proof.
  intros Ha Hb He H f Hf. apply field_opposite in Hf. rewrite <- opposite_atoms in Hf.
  generalize (negative_by_quadrature quadrature_lemma _ a b e low high s m below above t Ha Hb He H _ Hf). lra.
Qed.
