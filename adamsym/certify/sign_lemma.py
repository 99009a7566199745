"""The sign lemma over boxes: a cheap proof that one coordinate of the field has the sign of -dL/dtheta_i (N-Lemma 1).

If |g| <= G and all lag weights are at least 0, then f_i, without decay, has strictly the sign of -d_i L wherever
|d_i L| > q sigma_i, whatever the lag weights, with q^2 the largest phi(beta v)/phi(v) - 1 up to v = G^2 and sigma_i the
standard deviation of the minibatch gradient. For Adam q^2 = (1 - sqrt beta) G/(sqrt beta G + eps).
"""

import flint

from adamsym.field.ball.arithmetic import ball
from adamsym.field.ball.law import BallLaw
from adamsym.methods import LaplaceForm


def sign_factor(law: BallLaw, form: LaplaceForm) -> flint.arb:
    """Return an upper bound of q for every law within ``law``; infinity where the lemma proves nothing."""
    if not (form.weights.nonnegative and form.weights.total > 0):
        return flint.arb("inf")
    return form.kernel.ball_growth(law.max_abs, ball(form.beta)).sqrt().upper()


def proven_sign(law: BallLaw, form: LaplaceForm) -> int:
    """Return the sign of -f_i that the sign lemma proves for every law within ``law``: 1, -1, or 0 for none.

    f_i is meant without the form's decay.
    """
    threshold = sign_factor(law, form) * law.variance.upper().sqrt()
    if law.mean > threshold:
        return 1
    return -1 if law.mean < -threshold else 0


def drift_agrees(law: BallLaw, form: LaplaceForm, x: flint.arb) -> bool:
    """Whether the form's decay nowhere pulls against the mean gradient: -decay theta_i and -d_i L have one sign.

    ``x`` holds theta_i. Where the sign lemma proves a sign of f_i without decay, f_i then has it too.
    """
    return bool(form.decay == 0 or (law.mean >= 0 and x >= 0) or (law.mean <= 0 and x <= 0))
