"""How rows are drawn is a property of the problem: read, copied, written; what supposes another refuses."""

import dataclasses
import json

import pytest

from adamsym.certificates.form import digest_of
from adamsym.certificates.parts import ProblemRecord
from adamsym.certify import (
    certificate,
    certify_lyapunov,
    certify_lyapunov_ball,
    certify_lyapunov_globally,
    certify_zero,
)
from adamsym.checker import check_certificate
from adamsym.continuation import certify_branch, certify_zeros_over, find_zeros_at_each, map_lyapunov, map_zeros, sweep
from adamsym.dynamics import increment_test, pseudo_trajectory
from adamsym.expressions.errors import InputError, NotApplicable
from adamsym.field import AdamField
from adamsym.field.interval.field import IntervalRows
from adamsym.gradients import Empirical, Independent, PerRowGradients, Problem, VectorField
from adamsym.gradients.reading import read_problem
from adamsym.gradients.record import problem_of_record, problem_record, problem_text
from adamsym.gradients.sampling import SAMPLINGS, Epoch
from adamsym.methods import Adam, StepSizeSchedule
from adamsym.symbolic import SymbolicField
from adamsym.symbolic.expectation import gradient_atoms

LOSS, LAW = "(theta - x)**2/2", Empirical({"x": [0, 0, 3, 1, 5]})
OTHERS = tuple(one for one in SAMPLINGS if one != "replacement")
SCHEDULE = StepSizeSchedule("0.1/n")


def mean(sampling="cyclic", **options):
    return Problem(LOSS, ["theta"], LAW, sampling=sampling, **options)


@pytest.mark.parametrize(
    ("rows", "batch", "drop_last", "sizes"),
    [(5, 1, False, [1] * 5), (5, 2, False, [2, 2, 1]), (5, 2, True, [2, 2]), (4, 2, True, [2, 2]), (5, 5, False, [5])],
)
def test_epochs_are_cut_as_torch_cuts_them(rows, batch, drop_last, sizes):
    torch = pytest.importorskip("torch")
    epoch = Epoch(rows, batch, drop_last, False)
    assert [epoch.size(k) for k in range(epoch.batches)] == sizes
    assert epoch.used == sum(sizes)
    loader = torch.utils.data.DataLoader(torch.arange(rows), batch_size=batch, drop_last=drop_last)
    assert [len(one) for one in loader] == sizes
    with pytest.raises(AssertionError):
        assert [len(one) for one in loader] == [*sizes, 1]


def test_files_say_how_rows_are_drawn(tmp_path):
    text = '[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\nbatch_size = 2\n[data]\nx = [0, 1, 4]\n'
    file = tmp_path / "problem.toml"
    file.write_text(text)
    assert read_problem(file).problem.sampling == "replacement"
    file.write_text(text + 'sampling = "reshuffled"\ndrop_last = true\n')
    problem = read_problem(file).problem
    assert (problem.sampling, problem.drop_last) == ("reshuffled", True)
    assert problem.law.names == ("x",)
    (tmp_path / "table.csv").write_text("x,y\n0,1\n2,3\n")
    file.write_text(text.replace("x = [0, 1, 4]", 'file = "table.csv"') + 'sampling = "cyclic"\n')
    assert read_problem(file).problem.sampling == "cyclic"
    for wrong in ('sampling = "cycle"', "sampling = 3", 'sampling = "cyclic"\ndrop_last = 1', "drop_last = true"):
        file.write_text(text + wrong + "\n")
        with pytest.raises(InputError, match=r"^problem.toml: data\.(sampling|drop_last): .*(allowed|leave it out)"):
            read_problem(file)


def test_what_does_not_go_together_is_refused():
    for arguments, message in [
        ((Independent({"x": "Normal(0, 1)"}), 1, "cyclic"), "a continuous law has none"),
        ((Empirical({"x": [0, 1]}, weights=[1, 2]), 1, "reshuffled"), "every row has the same weight"),
        ((LAW, 2, "full"), "it is 5, all rows"),
        ((LAW, 7, "cyclic", True), "no whole batch of 7"),
    ]:
        with pytest.raises(InputError, match=message):
            Problem(LOSS, ["theta"], *arguments)
    assert Problem(LOSS, ["theta"], LAW, 7, "cyclic").epoch == Epoch(5, 5, False, False)
    assert Problem(LOSS, ["theta"], LAW, 5, "full").epoch == mean("full").epoch


def test_changed_problems_keep_it_or_check_the_new_one():
    problem = mean(batch_size=2, drop_last=True)
    assert problem.changed(batch_size=3).epoch == Epoch(5, 3, True, False)
    assert problem.changed(sampling="reshuffled").epoch == Epoch(5, 2, True, True)
    assert problem.changed(law=Empirical({"x": [1, 2]})).epoch.rows == 2
    with pytest.raises(InputError, match="no whole batch"):
        problem.changed(batch_size=6)
    with pytest.raises(InputError, match="same weight"):
        problem.changed(law=Empirical({"x": [1, 2]}, weights=[1, 3]))
    rows = PerRowGradients([[1.0], [2.0]]).changed(sampling="cyclic")
    assert rows.epoch == Epoch(2, 1, False, False)


def test_texts_and_reprs_tell_them_apart():
    every = [Problem(LOSS, ["theta"], LAW, sampling=one) for one in SAMPLINGS]
    assert len({problem_text(one) for one in every}) == len({repr(one) for one in every}) == len(SAMPLINGS)
    assert problem_text(mean(batch_size=2)) != problem_text(mean(batch_size=2, drop_last=True))
    assert "sampling" not in problem_text(every[0])
    for one in every:
        assert eval(repr(one)).epoch == one.epoch
    field = VectorField(["theta - x"], ["theta"], LAW, sampling="cyclic", lyapunov="theta**2")
    assert eval(repr(field)).sampling == "cyclic"


@pytest.mark.parametrize("sampling", OTHERS)
@pytest.mark.parametrize(
    "ask",
    [
        lambda problem, field: problem.gradient_atoms([0.5]),
        lambda problem, field: gradient_atoms(problem, 0),
        lambda problem, field: IntervalRows(problem),
        lambda problem, field: SymbolicField(problem, Adam()),
        lambda problem, field: certify_lyapunov(field, [[0.0, 1.0]]),
        lambda problem, field: certify_lyapunov_ball(field, [1.0]),
        lambda problem, field: certify_lyapunov_globally(field),
        lambda problem, field: sweep(field, {"beta2": (0.9, 0.99)}, start=[1.0]),
        lambda problem, field: find_zeros_at_each(field, "batch_size", [1, 2], [[0.0, 3.0]]),
        lambda problem, field: certify_zeros_over(field, {"beta2": (0.9, 0.91)}, [[0.0, 3.0]]),
        lambda problem, field: map_zeros(field, {"beta1": [0, 0.5], "beta2": [0.9, 0.99]}, start=[1.0], points=2),
        lambda problem, field: map_lyapunov(field, {"beta1": [0, 0.5], "beta2": [0.9, 0.99]}, [[0.0, 3.0]]),
        lambda problem, field: certify_branch(field, "beta2", 0.9, 0.99, [1.0]),
        lambda problem, field: pseudo_trajectory(problem, Adam(), SCHEDULE, [1.0], [10], 1.0, 2, 0),
        lambda problem, field: increment_test(problem, Adam(), field, SCHEDULE, [1.0], 10, 1.0),
    ],
)
def test_what_supposes_independent_rows_refuses_others(sampling, ask):
    problem = mean(sampling)
    with pytest.raises(NotApplicable, match=r"^data\.sampling: .*" + f"(independent|'{sampling}'|available)"):
        ask(problem, AdamField(problem, Adam()))


@pytest.mark.parametrize(
    "problem", [mean("replacement"), mean("full"), mean(batch_size=2), mean(batch_size=2, drop_last=True)]
)
def test_records_say_how_rows_are_drawn(problem):
    record = json.loads(json.dumps(problem_record(problem, Adam())))
    ProblemRecord.model_validate(record)
    again = problem_of_record(record)
    assert (again.epoch, again.batch_size, again.sampling) == (problem.epoch, problem.batch_size, problem.sampling)
    assert ("sampling" in record) == (problem.sampling != "replacement")


def test_no_record_is_of_reshuffled_rows():
    with pytest.raises(NotApplicable, match=r"^data\.sampling: no proof of 'reshuffled' rows"):
        problem_record(mean("reshuffled"), Adam())
    record = json.loads(json.dumps(problem_record(mean(), Adam()))) | {"sampling": "reshuffled"}
    with pytest.raises(ValueError, match="sampling"):
        ProblemRecord.model_validate(record)


def relabelled(content, sampling):
    content = json.loads(json.dumps(content))
    content["problem"] |= {"sampling": sampling, "drop_last": False}
    content["digest"] = digest_of(content)
    return content


def test_certificates_of_one_way_are_none_of_another():
    for own in ("replacement", "cyclic", "full"):
        found = certificate(certify_zero(AdamField(mean(own), Adam("0.5", "0.9", "0.1")), [1.5]))
        for other in ("replacement", "cyclic", "full"):
            assert check_certificate(relabelled(found, other)).valid == (other == own)


def test_what_is_said_of_a_lyapunov_region_supposes_independent_rows():
    found = certificate(certify_lyapunov(AdamField(mean("replacement"), Adam("0.5", "0.9", "0.1")), [[5.0, 6.0]]))
    assert check_certificate(relabelled(found, "replacement")).valid
    for other in ("cyclic", "full"):
        check = check_certificate(relabelled(found, other))
        assert check.reason == "what it says is proved for rows drawn independently alone"


def test_an_epoch_is_a_value():
    assert dataclasses.replace(Epoch(5, 2, False, False), drop_last=True) == Epoch(5, 2, True, False)
