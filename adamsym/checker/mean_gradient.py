"""Linear forms y m of the mean gradient m over a box, beside what the sign lemmas leave open of them."""

from collections.abc import Sequence
from dataclasses import replace

from adamsym.checker.arithmetic import Interval
from adamsym.checker.continuous_law import ContinuousLaw
from adamsym.checker.form import Form
from adamsym.checker.law import Law, gradient_laws, noise_bound
from adamsym.expressions.work import spend
from adamsym.gradients import SymbolicGradient


def sign_beyond_noise(
    problem: SymbolicGradient,
    form: Form,
    theta: Sequence[Interval],
    points: Sequence[Interval],
    direction: Sequence[float],
) -> int | None:
    """Return s with s y m > sum |y_i| q_i sigma_i in all of a box: 1, -1, or 0 where none is proven.

    ``points`` is a point of the box. None if that inequality is not proven there either: in no part of the box around
    it would it be. y m and the rows' distances from m are bounded by their values and in mean-value form (theory,
    N-Lemma 4).

    Raises
    ------
    NotCheckable
        If some weight c_k may be negative, or the loss is not proved real in all of the box.
    """
    using = form.using
    over = gradient_laws(using, problem, theta, slopes=True)
    at = gradient_laws(using, problem, points, slopes=False)
    shifts = [x - point for x, point in zip(theta, points, strict=True)]
    used = [(y, over[i], at[i]) for i, y in enumerate(direction) if y != 0]
    center = using.total(y * law.mean for y, _, law in used)
    found = using.overlap(
        using.total(y * law.mean for y, law, _ in used),
        center
        + using.total(using.total(y * law.mean_slopes[j] for y, law, _ in used) * x for j, x in enumerate(shifts)),
    )
    noise = using.total(abs(y) * noise_bound(_narrowed(law, point, shifts), law, form) for y, law, point in used)
    if using.least_magnitude(found) > noise:
        return 1 if found > 0 else -1
    at_point = using.total(abs(y) * noise_bound(law, law, form) for y, _, law in used)
    return 0 if using.least_magnitude(center) > at_point else None


def _narrowed(law: Law, at: Law, shifts: Sequence[Interval]) -> Law:
    """The law with narrower distances from its mean, where it lists atoms."""
    return law if isinstance(law, ContinuousLaw) else replace(law, apart=_apart(law, at, shifts))


def _apart(law: Law, at: Law, shifts: Sequence[Interval]) -> list[Interval]:
    """g - E g over a box: from g itself, and from g - E g at a point and its derivatives."""
    using, found = law.using, []
    spend(len(law.atoms) * (4 + 3 * len(shifts)))
    for k, (g, point) in enumerate(zip(law.atoms, at.atoms, strict=True)):
        moved = using.total(
            (column[k] - mean) * shift for column, mean, shift in zip(law.slopes, law.mean_slopes, shifts, strict=True)
        )
        found.append(using.overlap(g - law.mean, point - at.mean + moved))
    return found
