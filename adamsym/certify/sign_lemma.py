"""The sign lemmas over boxes: a cheap proof that one coordinate of the field has the sign of -dL/dtheta_i.

If |g| <= G and all lag weights are at least 0, then f_i, without decay, has strictly the sign of -d_i L wherever
|d_i L| > q sigma_i, whatever the lag weights. In N-Lemma 1 q^2 is the largest phi(beta v)/phi(v) - 1 up to v = G^2, for
Adam (1 - sqrt beta) G/(sqrt beta G + eps), and sigma_i the standard deviation of the minibatch gradient; N-Lemma 4 puts
smaller numbers in the place of q sigma_i where no value is rare.
"""

import flint

from adamsym.field.ball.arithmetic import ball
from adamsym.field.ball.law import EnclosedLaw
from adamsym.methods import LaplaceForm


def sign_factor(law: EnclosedLaw, form: LaplaceForm) -> flint.arb:
    """Return an upper bound of q for every law within ``law``; infinity where the lemma proves nothing."""
    if not (form.weights.nonnegative and form.weights.total > 0):
        return flint.arb("inf")
    return form.kernel.ball_growth(law.max_abs, ball(form.beta)).sqrt().upper()


def sign_threshold(law: EnclosedLaw, over: EnclosedLaw, form: LaplaceForm) -> flint.arb:
    """Return an upper bound of the least q sigma of N-Lemma 4 for every law of h within ``law``; infinity if of none.

    ``over`` is of the gradients rho h, with a factor rho that all rows share. (a) sqrt(q1) sigma, here with q1 for the
    lemma's q_1^2; (b) q1 sup |h - Eh|; (c) q1 (E(h - Eh)^4/delta_1)^(1/4), delta_1 = q1/(1 + q1).
    """
    root = sign_factor(over, form)
    found = root * law.variance.upper().sqrt()
    growth = (root**2).upper()
    if not (growth > 0 and growth.is_finite()):
        return found
    farthest, fourth = law.max_square_deviation.sqrt(), law.mean_fourth_deviation.upper()
    for other in (growth * farthest, growth * (fourth * (1 + growth) / growth).root(4)):
        if other < found:
            found = other
    return found.upper()


def proven_sign(law: EnclosedLaw, form: LaplaceForm) -> int:
    """Return the sign of -f_i that the sign lemmas prove for every law within ``law``: 1, -1, or 0 for none.

    f_i is meant without the form's decay.
    """
    threshold = sign_threshold(law, law, form)
    if law.mean > threshold:
        return 1
    return -1 if law.mean < -threshold else 0


def drift_agrees(law: EnclosedLaw, form: LaplaceForm, x: flint.arb) -> bool:
    """Whether the form's decay nowhere pulls against the mean gradient: -decay theta_i and -d_i L have one sign.

    ``x`` holds theta_i. Where the sign lemma proves a sign of f_i without decay, f_i then has it too.
    """
    return bool(form.decay == 0 or (law.mean >= 0 and x >= 0) or (law.mean <= 0 and x <= 0))
