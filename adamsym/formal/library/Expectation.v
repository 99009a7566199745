(* Expectations under laws with finitely many atoms. *)
From Coq Require Import Reals List Lra Psatz.
From Coquelicot Require Import Coquelicot.
Import ListNotations.
Open Scope R_scope.

(* An atom is a pair (probability, value); E l f is the expectation of f under the law l. *)
Fixpoint E (l : list (R * R)) (f : R -> R) : R :=
  match l with [] => 0 | (p, g) :: l => p * f g + E l f end.

Definition law (l : list (R * R)) : Prop := (forall x, In x l -> 0 <= fst x) /\ E l (fun _ => 1) = 1.

Definition mean (l : list (R * R)) : R := E l (fun g => g).

Definition variance (l : list (R * R)) : R := E l (fun g => (g - mean l) * (g - mean l)).

Lemma E_ext l f k : (forall x, In x l -> f (snd x) = k (snd x)) -> E l f = E l k.
Proof.
  induction l as [|[p g] l IH]; intros H; simpl; [reflexivity|].
  rewrite IH by (intros; apply H; right; assumption).
  f_equal. f_equal. exact (H (p, g) (or_introl eq_refl)).
Qed.

Lemma E_plus l f k : E l (fun x => f x + k x) = E l f + E l k.
Proof. induction l as [|[p g] l IH]; simpl; [lra|]. rewrite IH. ring. Qed.

Lemma E_scal l c f : E l (fun x => c * f x) = c * E l f.
Proof. induction l as [|[p g] l IH]; simpl; [lra|]. rewrite IH. ring. Qed.

Lemma E_zero l : E l (fun _ => 0) = 0.
Proof. induction l as [|[p g] l IH]; simpl; [reflexivity|]. rewrite IH. ring. Qed.

Lemma E_minus l f k : E l f - E l k = E l (fun x => f x - k x).
Proof.
  rewrite (E_ext l (fun x => f x - k x) (fun x => f x + (-1) * k x)) by (intros; ring).
  rewrite E_plus, E_scal. ring.
Qed.

(* The order in which two independent variables are averaged does not matter. *)
Lemma E_swap l k f : E l (fun x => E k (fun y => f x y)) = E k (fun y => E l (fun x => f x y)).
Proof.
  induction l as [|[p g] l IH]; simpl; [symmetry; apply E_zero|].
  rewrite IH, <- E_scal, <- E_plus. reflexivity.
Qed.

Lemma E_le l f k :
  (forall x, In x l -> 0 <= fst x) -> (forall x, In x l -> f (snd x) <= k (snd x)) -> E l f <= E l k.
Proof.
  induction l as [|[p g] l IH]; intros P H; simpl; [lra|].
  apply Rplus_le_compat; [|apply IH; intros; [apply P|apply H]; right; assumption].
  apply Rmult_le_compat_l; [exact (P (p, g) (or_introl eq_refl))|exact (H (p, g) (or_introl eq_refl))].
Qed.

Lemma E_nonneg l f : law l -> (forall x, In x l -> 0 <= f (snd x)) -> 0 <= E l f.
Proof. intros L H. rewrite <- (E_zero l). apply E_le; [apply L|exact H]. Qed.

Lemma E_const l c : law l -> E l (fun _ => c) = c.
Proof.
  intros [_ H]. rewrite (E_ext l _ (fun _ => c * 1)) by (intros; ring).
  rewrite (E_scal l c (fun _ => 1)), H. ring.
Qed.

Lemma E_abs l f k : law l -> (forall x, In x l -> Rabs (f (snd x)) <= k) -> Rabs (E l f) <= k.
Proof.
  intros L H. apply Rabs_le. split.
  - rewrite <- (E_const l (- k) L). apply E_le; [apply L|].
    intros x Hx. generalize (H x Hx). intros K. apply Rabs_le_between in K. lra.
  - rewrite <- (E_const l k L). apply E_le; [apply L|].
    intros x Hx. generalize (H x Hx). intros K. apply Rabs_le_between in K. lra.
Qed.

(* (E f)^2 <= E f^2, since the variance is not negative. *)
Lemma E_square l f : law l -> E l f * E l f <= E l (fun x => f x * f x).
Proof.
  intros L. set (m := E l f).
  assert (H : 0 <= E l (fun x => (f x - m) * (f x - m))).
  { apply E_nonneg; [exact L|]. intros x _. apply Rle_0_sqr. }
  rewrite (E_ext l _ (fun x => f x * f x + ((- 2 * m) * f x + m * m))) in H by (intros; ring).
  rewrite !E_plus, E_scal, (E_const l (m * m) L) in H. fold m in H. lra.
Qed.

Lemma variance_moments l : law l -> variance l = E l (fun g => g * g) - mean l * mean l.
Proof.
  intros L. unfold variance. set (m := mean l).
  rewrite (E_ext l _ (fun x => x * x + ((- 2 * m) * x + m * m))) by (intros; ring).
  rewrite !E_plus, E_scal, (E_const l (m * m) L). fold (mean l). fold m. ring.
Qed.

Lemma variance_nonneg l : law l -> 0 <= variance l.
Proof. intros L. apply E_nonneg; [exact L|]. intros x _. apply Rle_0_sqr. Qed.

(* Scarf's inequality: the mean of the positive part by the first two moments. *)
Definition pos (x : R) : R := (x + Rabs x) / 2.

Lemma pos_ge x : x <= pos x.
Proof. unfold pos, Rabs. destruct Rcase_abs; lra. Qed.

Lemma pos_nonneg x : 0 <= pos x.
Proof. unfold pos, Rabs. destruct Rcase_abs; lra. Qed.

Lemma E_pos l c : law l ->
  E l (fun g => pos (c - g)) <= (c - mean l + sqrt ((c - mean l) * (c - mean l) + variance l)) / 2.
Proof.
  intros L. set (m := mean l). unfold pos.
  rewrite (E_ext l _ (fun x => / 2 * (c - x) + / 2 * Rabs (c - x))) by (intros; field).
  rewrite E_plus, !E_scal.
  assert (H1 : E l (fun x => c - x) = c - m).
  { rewrite (E_ext l _ (fun x => c + (-1) * x)) by (intros; ring).
    rewrite E_plus, E_scal, (E_const l c L). unfold m, mean. ring. }
  assert (H2 : E l (fun x => Rabs (c - x)) <= sqrt ((c - m) * (c - m) + variance l)).
  { apply Rsqr_incr_0_var; [|apply sqrt_pos]. unfold Rsqr.
    rewrite sqrt_sqrt by (generalize (variance_nonneg l L) (Rle_0_sqr (c - m)); unfold Rsqr; lra).
    eapply Rle_trans; [apply E_square; exact L|]. right.
    rewrite (E_ext l _ (fun x => x * x + ((- 2 * c) * x + c * c))).
    2:{ intros x _. rewrite <- Rabs_mult, Rabs_pos_eq by apply Rle_0_sqr. ring. }
    rewrite !E_plus, E_scal, (E_const l (c * c) L), (variance_moments l L). fold (mean l). fold m. ring. }
  change (E l (Rminus c)) with (E l (fun x => c - x)). rewrite H1. lra.
Qed.

(* A bound of all values, as a maximum. *)
Fixpoint largest (l : list (R * R)) : R :=
  match l with [] => 0 | (_, g) :: l => Rmax (Rabs g) (largest l) end.

Lemma largest_nonneg l : 0 <= largest l.
Proof.
  induction l as [|[p g] l IH]; simpl; [lra|]. eapply Rle_trans; [exact IH|apply Rmax_r].
Qed.

Lemma largest_bound l x : In x l -> Rabs (snd x) <= largest l.
Proof.
  induction l as [|[p g] l IH]; simpl; [tauto|]. intros [<-|H].
  - apply Rmax_l.
  - eapply Rle_trans; [apply IH; exact H|apply Rmax_r].
Qed.

Lemma E_abs_le l f : law l -> Rabs (E l f) <= E l (fun x => Rabs (f x)).
Proof.
  intros [Hp _]. induction l as [|[p g] l IH]; simpl; [rewrite Rabs_R0; lra|].
  eapply Rle_trans; [apply Rabs_triang|]. apply Rplus_le_compat.
  - rewrite Rabs_mult, (Rabs_pos_eq p) by (apply (Hp (p, g)); left; reflexivity). lra.
  - apply IH. intros x Hx. apply Hp. right. exact Hx.
Qed.

Lemma square_bounded l x : In x l -> snd x * snd x <= largest l * largest l.
Proof.
  intros Hx. assert (B := largest_bound l x Hx). assert (B0 := Rabs_pos (snd x)).
  rewrite <- (Rabs_pos_eq (snd x * snd x)) by apply Rle_0_sqr. rewrite Rabs_mult. apply Rmult_le_compat; assumption.
Qed.
