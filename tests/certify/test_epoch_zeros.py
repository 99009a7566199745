"""Zeros of the field of rows in their own order: certified, and where long runs of torch on this order end."""

import numpy as np
import pytest

from adamsym.certify import certificate, certify_zero, find_zeros
from adamsym.certify.box_function import Undefined
from adamsym.certify.epoch_function import EpochFunction
from adamsym.checker import check_certificate
from adamsym.cli.app import run
from adamsym.dynamics import find_zero
from adamsym.expressions.errors import NotApplicable
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic, hull
from adamsym.gradients import Empirical, Problem
from adamsym.methods import Adam

X = [0.0, 0.0, 3.0]
METHOD = Adam(0, "0.9", "1e-8")


def field_of(sampling, method=METHOD):
    return AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": X}), sampling=sampling), method)


@pytest.mark.parametrize("sampling", ["cyclic", "full"])
def test_zeros_are_certified(sampling):
    # All rows at once: V is 0 at the zero, and Df next to it is -1/eps up to a quarter of it.
    field = field_of(sampling, METHOD if sampling == "cyclic" else Adam("0.9", "0.999", "0.1"))
    one, every = certify_zero(field, [1.0]), find_zeros(field, [[-5.0, 5.0]])
    assert one.certified
    assert every.complete
    assert len(every.zeros) == 1
    low, high = one.zero.box[0]
    assert low - 1e-11 <= find_zero(field, [1.0]).theta[0] <= high + 1e-11
    assert one.zero.stability == "attracting"
    bounds = field.enclose([[[low - 1e-12] * 2], [[high + 1e-12] * 2]])[:, 0]
    assert bounds[0, 0] > 0 > bounds[1, 1]
    for found in (one, every):
        for slow in (False, True):
            assert check_certificate(certificate(found), slow=slow).valid
    assert one.zero.critical_point == ("no" if sampling == "cyclic" else "undecided")
    assert one.critical.kind == "minimum"
    independent = certify_zero(field_of("replacement"), [1.0]).zero.box[0]
    assert independent[1] < low - 0.01
    if sampling == "full":
        assert low <= 1 <= high


def test_two_parameters_in_batches():
    law = Empirical({"x": [0, 1, 2, 3], "y": [1, 2, 0, 5]})
    problem = Problem("(a*x + b - y)**2/2", ["a", "b"], law, 2, "cyclic")
    found = find_zeros(AdamField(problem, Adam("0.5", "0.9", "0.1")), [[0.6, 1.3], [0.2, 0.8]])
    assert found.complete
    assert len(found.zeros) == 1


def test_what_is_not_proven_stays_undefined():
    problem = Problem("log(theta)*x + theta**2", ["theta"], Empirical({"x": [1, -2]}), sampling="cyclic")
    function = EpochFunction(AdamField(problem, METHOD))
    with ball_arithmetic():
        assert function.enclose([hull(1.0, 1.1)], True, 1e-9).value[0].is_finite()
        with pytest.raises(Undefined, match="real"):
            function.enclose([hull(-1.0, 1.1)], False, 1e-9)
        kinked = Problem("Abs(theta - x)", ["theta"], Empirical({"x": [1, -2]}), sampling="cyclic")
        with pytest.raises(Undefined, match="jump"):
            EpochFunction(AdamField(kinked, METHOD)).enclose([hull(0.9, 1.1)], False, 1e-9)
    with pytest.raises(NotApplicable, match="a proof over boxes is available for"):
        find_zeros(field_of("reshuffled"), [[0.0, 2.0]])


def test_the_commands_write_certificates_and_check_them(tmp_path, capsys):
    file, path = tmp_path / "problem.toml", tmp_path / "zero.json"
    text = '[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n[data]\nx = [0, 0, 3]\nsampling = "{}"\n'
    file.write_text(text.format("cyclic"))
    for where, what in ((["--at", "theta=1"], "one zero"), (["--box", "theta=-5:5"], "exactly 1 zero")):
        assert run(["zeros", str(file), *where, "-o", str(path)]) == 0
        assert f"certified: {what}" in capsys.readouterr().out
        assert run(["check", str(path)]) == 0
        assert "valid" in capsys.readouterr().out
    file.write_text(text.format("reshuffled"))
    for where, why in ((["--at", "theta=1"], "no bounds of its Jacobian"), (["--box", "theta=-5:5"], "no certificate")):
        assert run(["zeros", str(file), *where, "-o", str(tmp_path / "other.json")]) == 2
        error = capsys.readouterr().err
        assert why in error
        assert error.count("\n") == 1
    assert not (tmp_path / "other.json").exists()


def test_a_search_in_processes_finds_the_same():
    field = field_of("cyclic", Adam("0.5", "0.9", "0.1"))
    here, elsewhere = find_zeros(field, [[-5.0, 5.0]]), find_zeros(field, [[-5.0, 5.0]], executor=2)
    assert certificate(here) == certificate(elsewhere)


def step_size(n):
    return 3 / (n + 30)


def run_of_torch(shuffle, steps, seed=0):
    """Theta after each step of torch.optim.Adam with the steps of ``step_size`` on a DataLoader."""
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X, dtype=torch.float64))
    generator = torch.Generator().manual_seed(seed)
    loader = torch.utils.data.DataLoader(data, batch_size=1, shuffle=shuffle, generator=generator)
    theta = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([theta], betas=(METHOD.beta1, METHOD.beta2), eps=METHOD.eps, foreach=False)
    found = []
    while len(found) < steps:
        for (batch,) in loader:
            optimizer.param_groups[0]["lr"] = step_size(len(found) + 1)
            theta.grad = theta.detach() - batch.mean()
            optimizer.step()
            found.append(theta.item())
    return np.array(found)


def limits():
    return {one: find_zero(field_of(one), [1.0]).theta[0] for one in ("replacement", "reshuffled", "cyclic")}


@pytest.mark.parametrize("steps", [3000, pytest.param(60_000, marks=pytest.mark.slow)])
def test_torch_on_a_sequential_sampler_ends_at_the_zero_of_the_cycle(steps):
    end = run_of_torch(False, steps)[-3:].mean()
    # Of the order of the last step; the other zeros are 0.0017 and 0.028 away.
    allowed, zeros = step_size(steps), limits()
    assert abs(end - zeros["cyclic"]) < allowed
    assert abs(end - zeros["replacement"]) > 0.02 > allowed
    assert abs(end - zeros["reshuffled"]) > allowed


@pytest.mark.parametrize("steps", [3000, pytest.param(60_000, marks=pytest.mark.slow)])
def test_torch_on_reshuffled_rows_ends_at_the_zero_of_the_orders(steps):
    # Means over eight late blocks of whole epochs, and five standard errors of their mean.
    late = run_of_torch(True, steps)[steps // 2 :]
    blocks = late[: len(late) // 24 * 24].reshape(8, -1).mean(axis=1)
    error = 5 * blocks.std(ddof=1) / np.sqrt(8) + step_size(steps // 2)
    zeros = limits()
    assert abs(blocks.mean() - zeros["reshuffled"]) < error
    assert abs(blocks.mean() - zeros["replacement"]) > error
