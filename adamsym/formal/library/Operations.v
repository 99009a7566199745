(* Arithmetic as a parameter: one program runs over the real numbers and over the verified intervals of Interval. *)
From Coq Require Import Reals List ZArith Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Real.Xreal Float.Basic Float.Sig Interval.Interval.
From Interval Require Import Float.Specific_bigint Float.Specific_ops Interval.Float_full.
Import ListNotations.

Record ops (T : Type) := Ops {
  add : T -> T -> T; sub : T -> T -> T; mul : T -> T -> T; div : T -> T -> T;
  exp_ : T -> T; ln_ : T -> T; sqrt_ : T -> T; ofZ : Z -> T; pi_ : T }.
Arguments add {T}. Arguments sub {T}. Arguments mul {T}. Arguments div {T}.
Arguments exp_ {T}. Arguments ln_ {T}. Arguments sqrt_ {T}. Arguments ofZ {T}. Arguments pi_ {T}.

Definition Rops : ops R := Ops R Rplus Rminus Rmult Rdiv exp ln sqrt IZR PI.

(* The rational n/d. *)
Definition q {T} (o : ops T) (n d : Z) : T := div o (ofZ o n) (ofZ o d).

Module Make (F : FloatOps with Definition radix := Zaux.radix2 with Definition sensible_format := true).
Module I := FloatIntervalFull F.
Definition Iops (prec : F.precision) : ops I.type :=
  Ops I.type (I.add prec) (I.sub prec) (I.mul prec) (I.div prec) (I.exp prec) (I.ln prec) (I.sqrt prec) (I.fromZ prec) (I.pi prec).

Definition enc (xi : I.type) (x : R) := contains (I.convert xi) (Xreal x).

Record ops_ok {T} (rel : T -> R -> Prop) (o : ops T) : Prop := {
  ok_add : forall xi x yi y, rel xi x -> rel yi y -> rel (add o xi yi) (x + y)%R;
  ok_sub : forall xi x yi y, rel xi x -> rel yi y -> rel (sub o xi yi) (x - y)%R;
  ok_mul : forall xi x yi y, rel xi x -> rel yi y -> rel (mul o xi yi) (x * y)%R;
  ok_div : forall xi x yi y, rel xi x -> rel yi y -> rel (div o xi yi) (x / y)%R;
  ok_exp : forall xi x, rel xi x -> rel (exp_ o xi) (exp x);
  ok_ln : forall xi x, rel xi x -> rel (ln_ o xi) (ln x);
  ok_sqrt : forall xi x, rel xi x -> rel (sqrt_ o xi) (sqrt x);
  ok_Z : forall z, rel (ofZ o z) (IZR z);
  ok_pi : rel (pi_ o) PI }.

Lemma nan_any : forall xi x, contains xi Xnan -> contains xi (Xreal x).
Proof. intros [|l u] x H; [exact Logic.I | destruct H]. Qed.

Lemma Iops_ok : forall prec, ops_ok enc (Iops prec).
Proof.
  intros prec. split; unfold enc; simpl.
  - intros xi x yi y Hx Hy. exact (I.add_correct prec xi yi (Xreal x) (Xreal y) Hx Hy).
  - intros xi x yi y Hx Hy. exact (I.sub_correct prec xi yi (Xreal x) (Xreal y) Hx Hy).
  - intros xi x yi y Hx Hy. exact (I.mul_correct prec xi yi (Xreal x) (Xreal y) Hx Hy).
  - intros xi x yi y Hx Hy. generalize (I.div_correct prec xi yi (Xreal x) (Xreal y) Hx Hy).
    unfold Xdiv, Xdiv'. destruct (is_zero y); [apply nan_any | auto].
  - intros xi x Hx. exact (I.exp_correct prec xi (Xreal x) Hx).
  - intros xi x Hx. generalize (I.ln_correct prec xi (Xreal x) Hx).
    unfold Xln, Xln'. simpl. destruct (is_positive x); auto using nan_any.
  - intros xi x Hx. generalize (I.sqrt_correct prec xi (Xreal x) Hx).
    unfold Xsqrt, Xsqrt'. simpl. try destruct (is_negative x); auto using nan_any.
  - intros z. apply I.fromZ_correct.
  - apply I.pi_correct.
Qed.

Lemma btw xi yi x y z : enc xi x -> enc yi y -> (x <= z <= y)%R -> enc (I.join xi yi) z.
Proof.
  intros Hx Hy Hz. unfold enc in *.
  refine (contains_connected _ x y _ _ z Hz); apply I.join_correct; auto.
Qed.
Lemma neg xi x : enc xi x -> I.sign_strict xi = Xlt -> (x < 0)%R.
Proof. intros H E. generalize (I.sign_strict_correct xi). rewrite E. intros K. exact (proj2 (K _ H)). Qed.

Lemma pos xi x : enc xi x -> I.sign_strict xi = Xgt -> (0 < x)%R.
Proof. intros H E. generalize (I.sign_strict_correct xi). rewrite E. intros K. exact (proj2 (K _ H)). Qed.

Lemma q_ok prec n d : enc (q (Iops prec) n d) (q Rops n d).
Proof.
  exact (ok_div enc (Iops prec) (Iops_ok prec) _ _ _ _ (ok_Z enc _ (Iops_ok prec) n) (ok_Z enc _ (Iops_ok prec) d)).
Qed.
End Make.

(* Intervals with ends of 60 bits in exact integers: no floating point of the machine is trusted. *)
Module F := SpecificFloat BigIntRadix2.
Module Intervals := Make F.
Definition bits : F.precision := F.PtoP 60.
