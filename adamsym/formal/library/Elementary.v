(* Functions that losses are made of beside those of Coq's library, with their derivatives. *)
From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

Definition sigmoid (x : R) : R := / (1 + exp (- x)).
Definition softplus (x : R) : R := ln (1 + exp x).

Lemma is_derive_sigmoid x : is_derive sigmoid x (sigmoid x * sigmoid (- x)).
Proof.
  unfold sigmoid. rewrite Ropp_involutive. assert (P := exp_pos (- x)). assert (P' := exp_pos x). auto_derive; [lra|].
  rewrite exp_Ropp in *. field. split; lra.
Qed.

Lemma is_derive_softplus x : is_derive softplus x (sigmoid x).
Proof.
  unfold softplus, sigmoid. assert (P := exp_pos x). auto_derive; [lra|]. rewrite exp_Ropp. field. split; lra.
Qed.

Lemma is_derive_tanh x : is_derive tanh x (1 - tanh x * tanh x).
Proof.
  unfold tanh. assert (P : 0 < cosh x) by (unfold cosh; generalize (exp_pos x) (exp_pos (- x)); lra).
  auto_derive; [lra|]. field. lra.
Qed.

(* So that auto_derive knows them. *)
Global Instance UnaryDiff_sigmoid : UnaryDiff sigmoid := {| UnaryDiff_H := is_derive_sigmoid |}.
Global Instance UnaryDiff_softplus : UnaryDiff softplus := {| UnaryDiff_H := is_derive_softplus |}.
Global Instance UnaryDiff_tanh : UnaryDiff tanh := {| UnaryDiff_H := is_derive_tanh |}.
