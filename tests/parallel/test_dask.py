"""With a real cluster of Dask distributed: a scheduler here, and two workers in processes of their own."""

import json
import os
import sys
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from killing_task import KillingTask
from sent_tasks import Shared, multiplied_and_killed

from adamsym import Adam, AdamField, Empirical, Problem, certificate, check_certificate, find_zeros
from adamsym.__main__ import main
from adamsym.certify import search
from adamsym.certify.zeros import all_zeros
from adamsym.expressions.errors import InputError
from adamsym.parallel import cluster, clusters, map_tasks

distributed = pytest.importorskip("distributed", reason="needs distributed")

FIELD = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam("0.5", "0.6", "1"))
FILE = """
[problem]
loss = "(theta - x)**2/2"
parameters = ["theta"]
[data]
x = [0, 0, 3]
[adam]
beta1 = 0.5
beta2 = 0.6
eps = 1
"""


def connect(address):
    with cluster(address, seconds=0.2):
        pass


@pytest.fixture(scope="module")
def address():
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as local:
        yield local.scheduler_address


def test_a_worker_that_dies_loses_nothing(address, tmp_path):
    """The work is sent to each worker once, not with each batch; tasks of the one that dies are done again."""
    with cluster(address) as executor:
        shared = Shared(3, tmp_path / "loads", tmp_path / "mark")
        found = list(map_tasks(multiplied_and_killed, range(300), shared=shared, executor=executor))
    assert (tmp_path / "mark").exists()
    assert [value for value, _ in found] == [3 * task for task in range(300)]
    workers = {process for _, process in found}
    assert len(workers) > 1
    assert os.getpid() not in workers
    # The first batches carry the work, and what a lost worker has left may carry it again.
    assert len((tmp_path / "loads").read_text().split()) <= 20


def test_commands_give_the_same_to_the_last_digit(address, tmp_path, capsys, monkeypatch):
    file, output = tmp_path / "problem.toml", tmp_path / "zeros.json"
    file.write_text(FILE)
    monkeypatch.setattr(all_zeros.ZeroTask, "first_operations", 0)
    alone = certificate(find_zeros(FIELD, [[-5, 5]]))
    monkeypatch.setattr(search, "ALONE_BELOW", 1)
    assert main(["zeros", str(file), "--box", "theta=-5:5", "--cluster", address, "-o", str(output)]) == 0
    assert json.loads(output.read_text()) == alone
    assert not output.with_name("zeros.json.journal").exists()
    found = capsys.readouterr().out
    assert main(["check", str(output), "--cluster", address]) == 0
    assert capsys.readouterr().out == f"valid: {check_certificate(alone).reason}\n"
    assert found.startswith("certified: exactly 1 zero")


@pytest.mark.parametrize("where", ["cluster", pytest.param("workers", marks=pytest.mark.slow)])
def test_a_worker_that_dies_in_a_search_loses_nothing(address, tmp_path, capsys, monkeypatch, where):
    """Its boxes are examined again, once: the same answer and the same certificate to the last digit."""
    file, mark, output = tmp_path / "problem.toml", tmp_path / "mark", tmp_path / "zeros.json"
    file.write_text(FILE)
    command = ["zeros", str(file), "--box", "theta=-5:5", "--json", "-o", str(output)]
    monkeypatch.setattr(all_zeros.ZeroTask, "first_operations", 0)
    assert main([*command, "--workers", "1"]) == 0
    alone, certified = capsys.readouterr().out, output.read_text()
    monkeypatch.setattr(search, "ALONE_BELOW", 1)
    monkeypatch.setattr(all_zeros, "ZeroTask", partial(KillingTask, mark=mark, parent=os.getpid()))
    place = ["--cluster", address] if where == "cluster" else ["--workers", "2"]
    assert main([*command, *place]) == 0
    assert mark.exists()
    assert capsys.readouterr().out == alone
    assert output.read_text() == certified
    assert '"examined": 1,' not in alone


def test_chains_are_the_same_to_the_last_digit(address, tmp_path, capsys):
    file = tmp_path / "problem.toml"
    file.write_text(FILE)
    command = ["simulate", str(file), "--from", "theta=1", "--steps", "30", "--chains", "70", "--json"]
    assert main(command) == 0
    alone = capsys.readouterr().out
    assert main([*command, "--cluster", address]) == 0
    assert capsys.readouterr().out == alone
    assert main([*command, "--cluster", address, "--threads", "2"]) == 2
    assert capsys.readouterr().err.startswith("adamsym: --cluster: it does not go with --threads")


def test_one_place_is_asked(capsys):
    assert main(["check", "zeros.json", "--cluster", "tcp://127.0.0.1:1", "--workers", "2"]) == 2
    assert capsys.readouterr().err == "adamsym: --workers, --cluster: give one of them\n"


@pytest.mark.parametrize("wrong", ["tcp://127.0.0.1:1", "nothing://127.0.0.1:1", "file.toml"])
def test_an_address_without_a_scheduler_is_told(wrong):
    with pytest.raises(InputError, match=r"^cluster '.*': no scheduler answers there: .") as caught:
        connect(wrong)
    assert "\n" not in str(caught.value)


@settings(max_examples=20)
@given(st.text(st.characters(exclude_characters=":")))
def test_text_that_is_no_address_is_told(text):
    with pytest.raises(InputError, match=r"^cluster .*: no scheduler answers there: .") as caught, cluster(text, 0.2):
        pass
    assert "\n" not in str(caught.value)


def test_a_cluster_without_workers_is_told():
    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", processes=False) as local,
        pytest.raises(InputError, match=r"has no workers; start some: dask worker"),
    ):
        connect(local.scheduler_address)


def test_workers_that_go_are_noticed(monkeypatch):
    """A cluster that loses all of its workers is waited for, and not for ever."""

    class Client:
        def __init__(self):
            self.workers = {"one": 1}

        def nthreads(self):
            return self.workers

        def get_executor(self, pure):
            return None

    client = Client()
    executor = clusters.ClusterExecutor(client, "tcp://host:1")
    times = iter([0.0, 59.0, 0.0, 59.0, 61.0])
    # Not that of the module time: event loops of clusters in other threads take it too.
    monkeypatch.setattr(clusters, "monotonic", lambda: 1000 + next(times))
    executor.check()
    client.workers = {}
    executor.check()
    executor.check()
    client.workers = {"one": 1}
    executor.check()
    client.workers = {}
    executor.check()
    executor.check()
    with pytest.raises(InputError, match="has had no workers for 60 seconds"):
        executor.check()


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match=r"distributed: not installed; install adamsym\[cluster\]"):
        connect("tcp://127.0.0.1:1")


def test_the_executor_of_dask_itself_does_as_well(address):
    with distributed.Client(address, set_as_default=False) as client, client.get_executor() as executor:
        assert list(map_tasks(pow, range(9), shared=2, executor=executor)) == [2**k for k in range(9)]
