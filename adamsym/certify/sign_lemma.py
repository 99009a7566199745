"""The sign lemma over boxes: a cheap proof that one coordinate of the field has the sign of -dL/dtheta_i (N-Lemma 1).

If |g| <= G then f_i has strictly the sign of -d_i L wherever |d_i L| > q sigma_i, for every beta1, with
q^2 = (1 - sqrt beta) G/(sqrt beta G + eps) and sigma_i the standard deviation of the minibatch gradient.
"""

import flint

from adamsym.field.ball.arithmetic import ball
from adamsym.field.ball.law import BallLaw
from adamsym.methods import Adam


def sign_factor(law: BallLaw, adam: Adam) -> flint.arb:
    """Return an upper bound of q for every law within ``law``."""
    root = ball(adam.beta).sqrt()
    largest = law.max_abs
    return ((1 - root) * largest / (root * largest + ball(adam.epsilon))).sqrt().upper()


def proven_sign(law: BallLaw, adam: Adam) -> int:
    """Return the sign of -f_i that the sign lemma proves for every law within ``law``: 1, -1, or 0 for none."""
    threshold = sign_factor(law, adam) * law.variance.upper().sqrt()
    if law.mean > threshold:
        return 1
    return -1 if law.mean < -threshold else 0
