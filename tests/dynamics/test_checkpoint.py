"""Checkpoints: a killed run goes on bit for bit; files of other runs, damaged and foreign ones are refused."""

import functools
import os
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest

from adamsym.dynamics import ensemble, simulate
from adamsym.expressions.errors import InputError
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.methods import Adam, AdamW, StepSizeSchedule

SCRIPT = """
from adamsym.dynamics import ensemble
from adamsym.methods import Adam, StepSizeSchedule
from adamsym.gradients import Empirical, Problem
ensemble.SECONDS_BETWEEN_CHECKPOINTS = 0.02
problem = Problem("(w*x + b - y)**2/2", ["w", "b"], Empirical({"x": [0, 1, 2], "y": [1, 0, 5]}), batch_size=2)
ensemble.simulate(problem, Adam(), StepSizeSchedule("0.1/n**0.5"), [0.0, 1.0], 10**9, 30, 4, checkpoint="c.npz")
"""


@functools.cache
def problem(y=5, law=None):
    law = law or Empirical({"x": [0, 1, 2], "y": [1, 0, y]})
    return Problem("(w*x + b - y)**2/2", ["w", "b"], law, batch_size=2)


def run(steps=500, **changes):
    arguments = {"problem": problem(), "method": Adam(), "schedule": StepSizeSchedule("0.1/n**0.5")}
    arguments |= {"theta0": [0.0, 1.0], "chains": 30, "seed": 4}
    return simulate(steps=steps, **(arguments | changes))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "c.npz"


def test_a_killed_run_goes_on_bit_for_bit(path, tmp_path):
    # SIGKILL at whatever moment, some checkpoints after the first.
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=tmp_path)
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with np.load(path, allow_pickle=False) as file:
        reached = int(file["step"])
    resumed = run(reached + 1000, checkpoint=path, resume=True)
    whole = run(reached + 1000)
    np.testing.assert_array_equal(resumed.theta, whole.theta)
    assert (run(reached + 999).theta != whole.theta).any()


@pytest.mark.parametrize("law", [None, Independent({"x": "Normal(0, 1)", "y": "Uniform(0, 1)"})], ids=["rows", "law"])
def test_records_go_on_too(path, law, monkeypatch):
    monkeypatch.setattr(ensemble, "SECONDS_BETWEEN_CHECKPOINTS", 0)
    monkeypatch.setattr("adamsym.dynamics.run._STEPS_AT_ONCE", 50)
    options = {"record_every": 30, "problem": problem(law=law)}
    whole = run(1000, **options)
    stopped = []

    def stop(step):
        stopped.append(step)
        raise KeyboardInterrupt

    monkeypatch.setattr(ensemble, "SECONDS_BETWEEN_REPORTS", 0)
    with pytest.raises(KeyboardInterrupt):
        run(1000, **options, checkpoint=path, progress=stop)
    assert not path.exists()
    assert stopped == [50]
    run(430, **options, checkpoint=path)
    resumed = run(1000, **options, checkpoint=path, resume=True, threads=1)
    np.testing.assert_array_equal(resumed.theta, whole.theta)
    np.testing.assert_array_equal(resumed.recorded, whole.recorded)
    assert sorted(file.name for file in path.parent.iterdir()) == ["c.npz"]
    # A finished run is there at once, and without a file one starts from the beginning.
    np.testing.assert_array_equal(run(1000, **options, checkpoint=path, resume=True).recorded, whole.recorded)
    path.unlink()
    np.testing.assert_array_equal(run(1000, **options, checkpoint=path, resume=True).theta, whole.theta)


def test_failures_go_on(path):
    overflowing = {
        "problem": Problem("-exp(exp(theta*x))", ["theta"], Empirical({"x": [0, 1]})),
        "theta0": [0.5],
        "schedule": StepSizeSchedule(1),
    }
    whole = run(30, **overflowing)
    run(6, **overflowing, checkpoint=path)
    resumed = run(30, **overflowing, checkpoint=path, resume=True)
    assert (whole.diverged > 0).any()
    assert len(set(whole.diverged.tolist())) > 2
    np.testing.assert_array_equal(resumed.diverged, whole.diverged)
    np.testing.assert_array_equal(resumed.theta, whole.theta)


OTHERS = {
    "problem": {"problem": problem(6)},
    "law": {"problem": problem(law=Independent({"x": "Normal(0, 1)", "y": "Uniform(0, 1)"}))},
    "method": {"method": Adam("0.9", "0.998")},
    "class": {"method": AdamW(weight_decay=0)},
    "schedule": {"schedule": StepSizeSchedule("0.1/n**0.6")},
    "start": {"theta0": [0.0, 2.0]},
    "chains": {"chains": 31},
    "seed": {"seed": 5},
    "record": {"record_every": 10},
    "fewer steps": {"steps": 499},
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_checkpoints_of_other_runs_are_refused(path, change):
    run(checkpoint=path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="checkpoint"):
        run(**change, checkpoint=path, resume=True)
    with pytest.raises(InputError, match="exists already"):
        run(checkpoint=path)
    assert path.read_bytes() == before


def rewritten(path, **changes):
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | changes))


DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-300]),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("theta = 1"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a flipped byte": lambda path: path.write_bytes(path.read_bytes().replace(b"\x3f", b"\x40")),
    "another archive": lambda path: zipfile.ZipFile(path, "w").writestr("a.txt", "a"),
    "a bare array": lambda path: (
        np.save(path.with_suffix(".npy"), np.zeros(3)),
        path.with_suffix(".npy").replace(path),
    ),
    "objects": lambda path: rewritten(path, theta=np.array([{}], object)),
    "another shape": lambda path: rewritten(path, theta=np.zeros((2, 30))),
    "another type": lambda path: rewritten(path, diverged=np.zeros((30, 1))),
    "larger": lambda path: rewritten(path, state0=np.zeros((10**6, 2))),
    "a negative step": lambda path: rewritten(path, step=np.array(-1)),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_and_foreign_files_are_refused(path, damage):
    run(checkpoint=path)
    assert run(501, checkpoint=path, resume=True).steps == 501
    damage(path)
    with pytest.raises(InputError, match="checkpoint"):
        run(501, checkpoint=path, resume=True)


class Executed:
    """What a pickle of it does when it is read."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_nothing_in_a_checkpoint_is_executed(path, tmp_path):
    """A pickle of the right size in place of an array of numbers: its header alone tells them apart."""
    mark = tmp_path / "executed"
    run(checkpoint=path)
    with np.load(path) as file:
        size = file["theta"].nbytes
    assert size > 400
    rewritten(path, theta=np.array([Executed(mark), b"x" * (size - 200)], dtype=object))
    with zipfile.ZipFile(path) as archive:
        assert size < archive.getinfo("theta.npy").file_size <= size + 2**10
    with pytest.raises(InputError, match="no checkpoint, or damaged"):
        run(501, checkpoint=path, resume=True)
    assert not mark.exists()
    # The control: read without care, the file does what it says.
    with np.load(path, allow_pickle=True) as file:
        assert file["theta"].shape == (2,)
    assert mark.exists()


def test_only_regular_files_are_gone_on_from(path):
    path.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="not a regular file"):
        run(checkpoint=path, resume=True)
