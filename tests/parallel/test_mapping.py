import contextlib
import os
import re
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sent_tasks import Shared, fatal, multiplied_and_killed

from adamsym.expressions.errors import InputError
from adamsym.parallel import Workers, in_a_worker, map_tasks, mapping, open_workers, remote
from adamsym.parallel.mapping import Pace


def divided(shared, task):
    return shared / task


class NotToBeSent(Exception):
    """Cannot be made again elsewhere."""

    def __reduce__(self):
        raise TypeError("no")


def raising(shared, task):
    raise NotToBeSent(f"no{task}")


def all_negated(shared, tasks):
    return [shared - task for task in tasks]


def taken(results):
    """Results up to an error, and the error."""
    found = []
    with contextlib.suppress(StopIteration):
        while True:
            try:
                found.append(next(results))
            except ZeroDivisionError as error:
                return found, str(error)
    return found, None


@given(st.lists(st.integers(-3, 9), max_size=60), st.integers(1, 4), st.integers(1, 20), st.integers(0, 4))
def test_results_come_in_order_from_anywhere(tasks, threads, size, first):
    alone = taken(map_tasks(divided, tasks, shared=1.5))
    assert alone[0] == [1.5 / task for task in tasks[: len(alone[0])]]
    assert (alone[1] is None) == (0 not in tasks)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(threads) as pool:
        patch.setattr(Pace, "size", lambda pace, together, left, workers: size)
        # Fewer than all batches carry the work at first: the others ask for it.
        patch.setattr(mapping, "_AT_FIRST", first)
        assert taken(map_tasks(divided, iter(tasks), shared=1.5, executor=pool)) == alone


@given(st.lists(st.integers(), max_size=60), st.integers(1, 4), st.integers(1, 20), st.integers(1, 5))
def test_each_task_is_finished_once(tasks, threads, size, together):
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(threads) as pool:
        patch.setattr(Pace, "size", lambda pace, together, left, workers: max(size, together))
        with open_workers(all_negated, 7, pool) as workers:
            assert isinstance(workers, Workers)
            for _ in range(2):
                found = list(workers.finished(tasks, together))
                assert sorted(found) == [(k, 7 - task) for k, task in enumerate(tasks)]
    assert not in_a_worker()
    # What an executor's threads have kept goes with the work.
    assert not remote._kept


@given(
    st.lists(st.tuples(st.integers(1, 1000), st.floats(0, 10)), min_size=1, max_size=20),
    st.integers(1, 64),
    st.integers(0, 10**6),
    st.integers(1, 100),
)
def test_batches_take_about_as_long_as_they_should(batches, together, left, workers):
    pace = Pace()
    assert pace.size(together, 0, workers) == together
    for tasks, seconds in batches:
        pace.note(tasks, seconds)
    size = pace.size(together, left, workers)
    share = -(-left // (2 * workers)) if left else 10**9
    assert min(together, share) <= size <= share
    assert size <= max(together, mapping._FASTEST_GROWTH * max(tasks for tasks, _ in batches))
    slowest = max(seconds / tasks for tasks, seconds in batches)
    fastest = min(seconds / tasks for tasks, seconds in batches)
    assert size <= together or size * fastest <= mapping.SECONDS_OF_A_BATCH * (1 + 1e-9)
    if size < min(share, mapping._FASTEST_GROWTH):
        assert (size + 1) * slowest >= mapping.SECONDS_OF_A_BATCH * (1 - 1e-9)


def test_a_worker_that_dies_loses_nothing(tmp_path):
    """The work is sent to each process once, and the tasks of the one that dies are done again."""
    shared = Shared(3, tmp_path / "loads", tmp_path / "mark")
    found = list(map_tasks(multiplied_and_killed, range(300), shared=shared, executor=2))
    assert (tmp_path / "mark").exists()
    assert [value for value, _ in found] == [3 * task for task in range(300)]
    loads = (tmp_path / "loads").read_text().split()
    assert len(loads) == len(set(loads)) <= 4
    assert {str(process) for _, process in found} <= set(loads)
    assert os.getpid() not in {process for _, process in found}


def test_a_task_that_ends_its_process_each_time_is_named():
    found, results = [], map_tasks(fatal, range(100, 10, -1), executor=1)
    with pytest.raises(BrokenProcessPool, match=r"^task 84 \(17\) ends its worker process each time"):
        found.extend(results)
    assert found == list(range(100, 100 - len(found), -1))


class KilledWorker(Exception):
    """As that of Dask."""


class Losing(Executor):
    """Calls at once; some functions are lost with their workers, and the first ones are not known."""

    def __init__(self, error=KilledWorker):
        self.error, self.sizes = error, []

    def submit(self, function, name, work, tasks):
        future = Future()
        self.sizes.append(len(tasks))
        if 13 in tasks:
            future.set_exception(self.error())
        else:
            future.set_result(function(name, work, tasks))
        return future


@given(st.integers(1, 10), st.integers(14, 40))
def test_a_task_that_a_cluster_gives_up_is_named(size, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pace, "size", lambda pace, together, left, workers: size)
        executor, found = Losing(), set()
        with (
            open_workers(all_negated, 0, executor) as workers,
            pytest.raises(BrokenProcessPool, match=r"task 14 \(13\)"),
        ):
            found.update(workers.finished(range(count)))
        # Those beside it were tried again, one by one.
        beside = range(13 - 13 % size, 13)
        assert {(k, -k) for k in beside} <= found
        assert set(executor.sizes) <= {size, 1, count % size}


def test_another_error_of_an_executor_is_told_as_it_is():
    with pytest.raises(OSError, match=r"^$"):
        list(map_tasks(divided, [13], executor=Losing(OSError)))


def test_an_executor_that_gives_up_is_told(monkeypatch):
    class Cancelling(Losing):
        def submit(self, function, name, work, tasks):
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(InputError, match="executor: it has given up tasks"):
        list(map_tasks(divided, [1], executor=Cancelling()))


def test_a_worker_with_other_versions_is_refused(monkeypatch):
    wanted = tuple((name, "1.2.3" if name == "numpy" else version) for name, version in remote.versions())
    monkeypatch.setattr(mapping, "versions", lambda: wanted)
    with pytest.raises(InputError, match=re.escape("here is 1.2.3: results might differ")):
        list(map_tasks(divided, [1], executor=Losing()))


def test_an_executor_without_workers_is_not_waited_for(monkeypatch):
    class Gone(Losing):
        def submit(self, function, name, work, tasks):
            return Future()

        def check(self):
            raise InputError("no workers")

    monkeypatch.setattr(mapping, "_SECONDS_BETWEEN_CHECKS", 0.001)
    with pytest.raises(InputError, match="no workers"):
        list(map_tasks(divided, [1], executor=Gone()))


def test_an_error_that_cannot_be_made_again_is_told():
    with pytest.raises(RuntimeError, match="NotToBeSent: no1"):
        list(map_tasks(raising, [1], executor=Losing()))


def test_what_cannot_be_sent_is_told():
    with pytest.raises(InputError, match=r"shared: cannot be sent to processes: .*lambda"):
        list(map_tasks(divided, [1], shared=lambda: 1, executor=1))


def test_tasks_are_taken_as_they_are_wanted():
    begun = []
    results = map_tasks(divided, (begun.append(k) or k for k in range(1, 10**9)), shared=1, executor=Losing())
    assert [next(results) for _ in range(5)] == [1 / k for k in range(1, 6)]
    results.close()
    assert len(begun) < 10**6


@pytest.mark.parametrize(
    ("function", "executor", "fragment"),
    [
        (lambda shared, task: task, 1, "function: a lambda"),
        (divided, 0, "executor: 0 processes"),
        (divided, "2", "executor"),
        (3, None, "function"),
    ],
)
def test_bad_input(function, executor, fragment):
    with pytest.raises(InputError, match=fragment):
        map_tasks(function, [1], executor=executor)
