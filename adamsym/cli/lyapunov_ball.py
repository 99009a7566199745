"""What ``adamsym lyapunov --ball`` and ``--global`` do, and what they print."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from adamsym.cli.options import HOLDS, UNDECIDED, read_problem_and_point
from adamsym.cli.output import about_certificate, check_writable, print_result, print_table, working, write_output
from adamsym.expressions.errors import InputError
from adamsym.expressions.numbers import exact_rational

if TYPE_CHECKING:
    from adamsym.certify import LyapunovBall
    from adamsym.certify.interpolation.explanation import Explanation
    from adamsym.certify.interpolation.regions import Starts

LARGEST = "largest"
"""The radius that stands for the largest that can be proved."""


def certify_around_point(
    file: Path, ball: str | None, at: list[str] | None, output: Path | None, explain: bool, as_json: bool
) -> int:
    """Certify a box around an interpolating point, or all of space if ``ball`` is None, and return the exit code."""
    check_writable(output, (".json",))
    radius = None if ball is None or ball.strip() == LARGEST else _radius(ball)
    source, point = read_problem_and_point(file, at, "--at", default=0.0 if ball is None else None)
    with working("certifying"):
        from adamsym.certify import certificate, certify_lyapunov_ball, certify_lyapunov_globally
        from adamsym.field import AdamField

        field = AdamField(source.problem, source.adam)
        if ball is None:
            found = certify_lyapunov_globally(field, point)
        else:
            found = certify_lyapunov_ball(field, point, radius=radius)
    if output is not None:
        write_output(output, json.dumps(certificate(found)))
    if as_json:
        print_result(found, source.problem.names)
    else:
        _print_ball(found)
        if explain or found.verdict == "undecided":
            _print_explanation(found.explanation)
        if output is not None:
            print(about_certificate(output))
    return HOLDS if found.verdict == "certified" else UNDECIDED


def _radius(text: str) -> float:
    try:
        radius = float(exact_rational(text, "--ball"))
    except InputError as error:
        raise InputError(f"{error}; {LARGEST} is allowed too") from None
    if not radius > 0:
        raise InputError(f"--ball: {text} is not allowed; allowed are positive numbers, and {LARGEST}")
    return radius


def _print_ball(found: "LyapunovBall") -> None:
    from adamsym.certify.digits import rounded_down, rounded_up

    if found.verdict == "undecided":
        where = "in all of space" if found.is_global else f"on the box of half-width {found.radius:.6g}"
        print(f"undecided {where}: {found.reason}")
        return
    assert found.near is not None
    assert found.rate is not None
    point = f"one is proved to lie within {rounded_up(found.near, 3)} of the center"
    if found.is_global:
        print("certified: L decreases along the flow in all of space wherever L > 0")
        print(f"every flow line converges to a point with L = 0; {point}")
        print(f"where L <= {rounded_down(found.level or 0.0)}, as at the start, L decays at least like ", end="")
        print(f"exp(-{rounded_down(found.rate)} t)")
        return
    print(f"certified: L decreases along the flow wherever L > 0 on the box of half-width {found.radius!r}")
    print(f"there -<grad L, f> >= {rounded_down(found.rate)} L; of the points with L = 0 {point}")
    for starts in (found.trapped, found.tube):
        if starts is not None:
            print(_starts_text(starts))


def _starts_text(starts: "Starts") -> str:
    from adamsym.certify.digits import rounded_down, rounded_up

    level = "" if starts.level is None else f" with L <= {rounded_down(starts.level, 4)}"
    rate = f"L decays at least like exp(-{rounded_down(starts.rate, 4)} t)"
    radius, within = rounded_down(starts.radius, 4), rounded_up(starts.within, 4)
    return f"flow lines from within {radius}{level} stay within {within} and converge to L = 0: {rate}"


def _print_explanation(found: "Explanation | None") -> None:
    if found is None:
        return
    where = "at the center alone" if found.radius == 0 else "there"
    print(f"proved {where}: |g|^2 for one row is on average at most {found.kappa:.6g} |grad L|^2, so for the batches")
    print(f"eta = {found.eta:.6g}; |grad L|^2 >= 2 mu L, mu = {found.mu:.6g}")
    print(f"N/B = {found.rows_a_draw:.6g}, and 1/(1 - sqrt(beta2)) = {found.limit:.6g}")
    rows = [
        [
            one.theorem,
            "holds" if one.holds else "does not hold",
            _shown(one.share),
            f"{_shown(one.q)} ({one.q_by})",
            _shown(one.factor),
            "; ".join(one.fails) if one.fails else "carries the verdict" if one.theorem == found.carried_by else "",
        ]
        for one in found.theorems
    ]
    print_table(["theorem", "", "c_0", "q", "Lambda, Phi, 1 + x", "why"], rows)
    batch = None if found.smallest_batch is None else f"from B = {found.smallest_batch}"
    beta2 = None if found.smallest_beta2 is None else f"from beta2 = {found.smallest_beta2:.10g}"
    known = " or ".join(text for text in (batch, beta2) if text)
    holds = f"N-Theorem 6 holds {known} on" if known else "N-Theorem 6 is not known to hold for any B or beta2"
    print(f"with these kappa and mu {holds}, all else unchanged")


def _shown(number: float | None) -> str:
    return "-" if number is None else f"{number:.4g}"
