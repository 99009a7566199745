(* The loss decreases at a point of a problem in two coordinates: the gradients are 1 or 2, and 0 or 1. *)
From Adamsym Require Import Export Sums Coordinates Decrease UniversalBound.

Definition first := [(/ 2, 1); (/ 2, 2)].
Definition second := [(/ 2, 0); (/ 2, 1)].
Definition eta := / 5.
Theorem loss_decreases f k : is_field (9 / 10) (999 / 1000) (outside (/ 100000000)) first f ->
  is_field (9 / 10) (999 / 1000) (outside (/ 100000000)) second k -> mean first * f + mean second * k < 0.
Proof.
  intros Hf Hk.
  assert (L1 : law first) by (split; [intros z [<-|[<-|[]]]; simpl; lra|simpl; lra]).
  assert (L2 : law second) by (split; [intros z [<-|[<-|[]]]; simpl; lra|simpl; lra]).
  assert (T := decrease_any_law (9 / 10) (999 / 1000) (/ 100000000) [(first, f); (second, k)] eta).
  cbv zeta in T. simpl length in T. simpl Nat.sub in T.
  unfold total in T. cbn [fst snd] in T. rewrite !Rplus_0_r in T.
  assert (P : Phi (9 / 10) (999 / 1000) = 1) by (unfold Phi; destruct (Rle_dec (9 / 10) (999 / 1000)); lra).
  assert (Mu : mu eta = sqrt eta) by (unfold mu, eta; destruct (Rle_dec (/ 5) 1); lra).
  rewrite P, Mu in T.
  set (D2 := mean first * mean first + mean second * mean second) in *.
  assert (D : D2 = 5 / 2) by (unfold D2; simpl; unfold mean; simpl; lra).
  set (c0 := margin _ _ _ _) in *.
  assert (C : 0 < c0).
  { unfold c0, margin, eta. simpl INR. rewrite sqrt_1.
    unfold Rmax. destruct Rle_dec; interval with (i_prec 60). }
  assert (Q : 0 < c0 * (D2 / (sqrt (1 + eta) * sqrt D2 + / 100000000))).
  { apply Rmult_lt_0_compat; [exact C|]. rewrite D. unfold eta. interval with (i_prec 60). }
  apply Rle_lt_trans with (2 := Ropp_lt_gt_0_contravar _ Q). apply T; clear T; try lra.
  - intros i [<-|[<-|[]]]; assumption.
  - intros i [<-|[<-|[]]]; assumption.
  - rewrite D. unfold variance, mean, eta; simpl; lra.
  - unfold eta. interval with (i_prec 60).
Qed.
Print Assumptions loss_decreases.
