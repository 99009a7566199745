"""Losses that are not real, or real and hard to evaluate: what the commands say."""

from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "cases"
D1 = str(CASES / "d1.toml")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("field", D1, "--at", "theta=-1", "--enclose"), "log(theta) needs theta positive"),
        (("field", D1, "--at", "theta=0"), "log(theta) needs theta positive"),
        (("zeros", D1, "--box", "theta=-3:-.5"), "real and finite nowhere"),
        (("lyapunov", D1, "--box", "theta=-3:-2"), "real and finite nowhere"),
        (("flow", D1, "--from", "theta=-1", "--time", "1"), "log(theta) needs theta positive"),
    ],
)
def test_a_loss_that_is_not_real_is_bad_input(run, command, message):
    assert message in run(*command, code=2)


def test_over_the_edge_of_the_domain_the_box_is_undecided(run):
    found = run("zeros", D1, "--box", "theta=-1:3", "-o", "zeros.json", "--json", code=3)
    assert found["complete"] is False
    [zero] = found["zeros"]
    assert zero["midpoint"][0] == pytest.approx(1.5**0.5, abs=1e-3)
    assert run("check", "zeros.json", "--workers", "1", "--json")["valid"] is True


def test_gradients_at_switches_and_of_large_exponents(run):
    found = run("field", str(CASES / "theta_min_max.toml"), "--at", "theta=-1", "--enclose", "--json")
    assert found["field"][0] == pytest.approx(0.0618670586455759)
    assert run("field", str(CASES / "sqrtmax.toml"), "--at", "t=1", "--json")["field"] == [0]
    text = (
        '[problem]\nloss = "x*log(1 + exp(800*t))"\nparameters = ["t"]\n[data]\nx = [1]\n[adam]\nbeta1 = 0\nbeta2 = 0\n'
    )
    Path("steep.toml").write_text(text)
    [value] = run("field", "steep.toml", "--at", "t=1", "--json")["field"]
    assert value == pytest.approx(-1, abs=1e-9)
