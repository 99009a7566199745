(* What exported files need: everything of the library, and the tactics that their proofs are made of. *)
From Coq Require Export Reals List QArith Qreals Lra.
From Coquelicot Require Export Coquelicot.
From Interval Require Export Tactic.
From Adamsym Require Export Expectation Field Continuity Rational Minibatch Nesterov Histories OneLagDecided Enclosed Elementary.
Export ListNotations.
Open Scope R_scope.

(* A rational constant as a quotient of integers. *)
Lemma Q2R_make n d : Q2R (n # d) = IZR n / IZR (Zpos d).
Proof. reflexivity. Qed.

(* Two rational expressions in data, one in R and one in Q, are equal. *)
Ltac same_value :=
  rewrite ?Q2R_minus, ?Q2R_opp, ?Q2R_plus, ?Q2R_mult, ?Q2R_plus, ?Q2R_mult, ?Q2R_minus, ?Q2R_opp, ?Q2R_make;
  repeat rewrite ?Q2R_minus, ?Q2R_opp, ?Q2R_plus, ?Q2R_mult, ?Q2R_make; field.

Ltac between_0_and_1 := unfold Q2R; simpl; lra.

(* One row after the other: H says that the row is one of a list. *)
Ltac each_row H tac := cbn [In] in H; repeat (destruct H as [<-|H]; [cbn [fst snd]; tac|]); try destruct H.

Ltac unfold_functions := unfold sigmoid, softplus, tanh, sinh, cosh.
Ltac nonzero := first [apply Rgt_not_eq; lra | apply Rlt_not_eq; lra | lra
  | unfold_functions; first [interval with (i_prec 60) | apply Rgt_not_eq; interval with (i_prec 60) | apply Rlt_not_eq; interval with (i_prec 60)]].
Ltac plain := unfold Q2R; cbn [Qnum Qden].

(* The gradient of a row in numbers: its exact value was computed. *)
Ltac exact_numbers :=
  match goal with |- _ = Q2R ?q => let v := eval vm_compute in q in change (Q2R q) with (Q2R v) end;
  cbn; plain; field; repeat split; nonzero.

(* The derivative of sigmoid(z) is sigmoid(z) sigmoid(-z), whatever -z looks like. *)
Ltac same_arguments := repeat match goal with |- context [sigmoid ?a] => match goal with |- context [sigmoid ?b] =>
  tryif constr_eq a b then fail else replace (sigmoid a) with (sigmoid b) by (f_equal; first [ring | field; repeat split; nonzero]) end end.

(* The derivative of a row's loss, in numbers. *)
Ltac derivative_numbers :=
  auto_derive; [cbn; plain; repeat split; first [exact I | nonzero] | cbn; plain; same_arguments; field; repeat split; nonzero].

(* The same between two points: Ht bounds the parameter. *)
Ltac nonzero_on Ht :=
  first [exact I | unfold_functions; first [apply Rgt_not_eq; interval with (i_prec 60) | apply Rlt_not_eq; interval with (i_prec 60) | interval with (i_prec 60)]].
Ltac derivative_on Ht :=
  unfold Q2R in Ht; cbn [Qnum Qden] in Ht;
  auto_derive; [cbn; plain; repeat split; nonzero_on Ht | cbn; plain; same_arguments; field; repeat split; nonzero_on Ht].
Ltac smooth_row := auto_derive; repeat split; auto.
Ltac smooth_numbers Ht :=
  unfold Q2R in Ht; cbn [Qnum Qden] in Ht; auto_derive; cbn; plain; repeat split; nonzero_on Ht.

(* Bounds of the gradients, one row after the other. *)
Ltac enclosed_row :=
  cbn [fst snd]; cbn; plain; unfold_functions; split; interval with (i_prec 120).
Ltac enclosed_rows unfolded := repeat (constructor; [unfolded; enclosed_row|]); constructor.

Lemma mean_zero l : Qeq_bool (E_Q l (fun g => g)) 0 = true -> mean (atoms l) = 0.
Proof. intros H. rewrite mean_atoms. apply Qeq_bool_eq, Qeq_eqR in H. rewrite H. apply RMicromega.Q2R_0. Qed.
