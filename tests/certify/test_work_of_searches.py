"""The work of a search is counted in operations: what is found within a budget depends on nothing else."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import flint
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from adamsym import Adam, AdamField, Empirical, Problem, certify_lyapunov, find_zeros
from adamsym.certify import field_function, search, tasks
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.outcomes import EXAMINED_FOR_ZEROS, SPENT, TOO_MUCH, Split, Undecided
from adamsym.certify.search import OPERATIONS_OF_A_BOX
from adamsym.certify.tasks import MOST_OPERATIONS, Task
from adamsym.certify.zeros.clusters import clusters_of
from adamsym.certify.zeros.interval_search import IntervalSearch
from adamsym.certify.zeros.zero_task import ZeroTask
from adamsym.expressions.compilation import compile_ball
from adamsym.expressions.errors import InputError
from adamsym.expressions.work import OutOfWork, budget, spend
from adamsym.field import small
from adamsym.field.ball import quadrature
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.law import BallLaw
from adamsym.field.ball.quadrature import enclose_law
from adamsym.parallel.mapping import Pace

RARE = Empirical({"x": [1000, -1]}, weights=["1/1000000", "999999/1000000"])
NASTY = AdamField(Problem("(theta - x)**2/2", ["theta"], RARE), Adam(beta2="0.99999"))
"""The power series end early for the rare row; a node is 40,000 lags, and an enclosure a second, not a millisecond."""

QUICK = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam("0.5", "0.82", "0.1"))
START = ((0.0, 1.0),)


@dataclass(frozen=True)
class Counted(Task):
    """Halves boxes down to a width; the number of a box gives the operations that it takes."""

    costs: tuple[int, ...]
    smallest: float = 2.0**-5

    kinds = EXAMINED_FOR_ZEROS

    @property
    def identity(self):
        return repr(self)

    def examine(self, box):
        [(low, high)] = box
        spend(self.costs[int(low / self.smallest) % len(self.costs)])
        return Split(0) if high - low > self.smallest else Undecided("small")

    def too_much(self, box):
        return Undecided(TOO_MUCH)


costs = st.lists(st.sampled_from([0, 1, OPERATIONS_OF_A_BOX - 1, OPERATIONS_OF_A_BOX, 7 * OPERATIONS_OF_A_BOX]))


@settings(deadline=None, max_examples=40)
@given(costs.filter(len), st.integers(1, 120), st.integers(1, 4))
def test_what_is_found_depends_on_the_budget_alone(costs, most, threads):
    task = Counted(tuple(costs))
    alone = search.search(task, START, most, executor=None)
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(threads) as pool:
        patch.setattr(search, "ALONE_BELOW", 1)
        patch.setattr(Pace, "size", lambda self, together, left, workers: 3)
        assert dataclasses.asdict(search.search(task, START, most, executor=pool)) == dataclasses.asdict(alone)
    # Each box is charged, and none is begun once the budget is spent.
    assert alone.charged == alone.examined + sum(
        task.costs[int(low * 32) % len(costs)] // OPERATIONS_OF_A_BOX for [(low, _)] in examined_by(task, most)
    )
    assert bool(alone.left) == (alone.charged >= most and alone.examined < 63)
    dearest = 1 + max(costs) // OPERATIONS_OF_A_BOX
    assert alone.charged < most + dearest
    assert not alone.stopped


@dataclass(frozen=True)
class FirstAlone(Counted):
    """What is found in the first boxes differs by the operations that are left for them."""

    first: int = 0

    @property
    def first_operations(self):
        return self.first

    def first_examined(self, box, most):
        found = self.examined(box)
        return tasks.Examined(found.outcome, found.operations + 1 + most % 7)


@given(costs.filter(len), st.integers(1, 120), st.integers(1, 4), st.sampled_from([1, 9, 40, OPERATIONS_OF_A_BOX]))
def test_how_many_boxes_come_first_depends_on_the_operations_alone(costs, most, threads, first):
    """Not on workers, nor on a journal that knows some of them."""
    task = FirstAlone(tuple(costs), first=first)
    alone = dataclasses.asdict(search.search(task, START, most))
    # The first box is among them: it takes more.
    assert search.search(task, START, 1).operations > search.search(Counted(tuple(costs)), START, 1).operations
    written = {}
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(threads) as pool:
        patch.setattr(search, "ALONE_BELOW", 1)
        patch.setattr(search, "journal_of", lambda owner, path: nullcontext(({}, written.__setitem__)))
        pooled = search.search(task, START, most, executor=pool, journal=Path("none"))
        known = dict(list(written.items())[: len(written) // 2])
        patch.setattr(search, "journal_of", lambda owner, path: nullcontext((known, lambda *_: None)))
        resumed = search.search(task, START, most, executor=pool, journal=Path("none"))
    assert dataclasses.asdict(pooled) == alone == dataclasses.asdict(resumed)


def test_small_searches_compile_nothing(monkeypatch):
    """Balls finish them; larger ones ask float64 intervals, and so does a small one that may not begin with balls."""

    def none(self, boxes):
        raise AssertionError("float64 intervals are asked")

    monkeypatch.setattr(IntervalSearch, "examined", none)
    assert find_zeros(QUICK, [[0.5, 1.5]]).complete
    monkeypatch.setattr(field_function, "_FIRST_OPERATIONS", 1000)
    with pytest.raises(AssertionError, match="are asked"):
        find_zeros(QUICK, [[0.5, 1.5]])
    monkeypatch.setattr(field_function, "_FIRST_OPERATIONS", 10**6)
    monkeypatch.setattr(small, "MOST", 500)
    with pytest.raises(AssertionError, match="are asked"):
        find_zeros(QUICK, [[0.5, 1.5]])


def examined_by(task, most):
    boxes = []
    search.search(
        Watching(task.costs, task.smallest, boxes.append),
        START,
        most,
    )
    return boxes


@dataclass(frozen=True)
class Watching(Counted):
    watch: object = None

    def examine(self, box):
        self.watch(box)
        return super().examine(box)


@given(costs.filter(len), st.integers(1, 120), st.integers(1, 4))
def test_workers_that_go_ahead_examine_no_box_twice(costs, most, threads):
    """Nor do they begin many more boxes than the budget allows."""
    boxes, recorded = [], []
    task = Watching(tuple(costs), watch=boxes.append)
    with ThreadPoolExecutor(threads) as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "journal_of", lambda owner, path: nullcontext(({}, lambda box, _: recorded.append(box))))
        found = search.search(task, START, most, executor=pool, journal=Path("none"))
    assert len(set(boxes)) == len(boxes) <= 2 * most
    assert len(set(recorded)) == len(recorded) >= found.examined
    assert set(recorded) <= set(boxes)


def test_workers_go_on_with_parts_for_a_while(monkeypatch):
    """As long as they have time, and no further than they may."""
    task = Counted((0,))
    [line] = tasks._with_parts(task, [(START[:1], 20)])
    assert [box for box, _ in line[:3]] == [((0.0, 1.0),), ((0.0, 0.5),), ((0.5, 1.0),)]
    assert len(line) == 19
    monkeypatch.setattr(tasks, "SECONDS_OF_PARTS", -1.0)
    asked = [(((low, low + 0.5),), 20) for low in (0.0, 0.5)]
    assert [[box for box, _ in line] for line in tasks._with_parts(task, asked)] == [[box] for box, _ in asked]


def test_a_journal_knows_the_operations(tmp_path):
    task, path = Counted((3 * OPERATIONS_OF_A_BOX, 0)), tmp_path / "journal"
    whole = search.search(task, START, 10)
    search.search(task, START, 4, journal=path)
    assert search.search(task, START, 10, journal=path) == whole
    lines = path.read_text().splitlines()
    assert [json.loads(line)["outcome"]["operations"] for line in lines[1:3]] == [3 * OPERATIONS_OF_A_BOX] * 2
    assert search._from_json(task, {"by": "split", "axis": 0}).operations == 0
    with pytest.raises(ValueError, match="no number of operations"):
        search._from_json(task, {"by": "split", "axis": 0, "operations": -1})


def test_a_box_that_takes_too_much_is_halved_and_said_to():
    task = Counted((MOST_OPERATIONS + 1,))
    found = search.search(task, START, 10)
    assert found.leaves == [(START, Undecided(TOO_MUCH))]
    # What was not done is charged too, where it is not known: nothing is for nothing.
    assert found.operations == MOST_OPERATIONS


def test_tasks_ask_for_halves_of_what_is_too_much(monkeypatch):
    monkeypatch.setattr(tasks, "MOST_OPERATIONS", 5000)
    monkeypatch.setattr(FieldFunction, "intervals", None)
    task = ZeroTask(FieldFunction(QUICK), ((-5.0, 5.0),), 1e-6)
    assert task.examined(((-5.0, 5.0),)).outcome == Split(0)
    smallest = ((1.0, 1.0 + 2.0**-52),)
    assert task.examined(smallest).outcome == Undecided(TOO_MUCH)
    found = certify_lyapunov(QUICK, [[0.5, 1.7]], budget=5)
    assert (found.verdict, found.examined) == ("undecided", 5)


@pytest.mark.parametrize("what", [find_zeros, certify_lyapunov])
@pytest.mark.parametrize("lags", [40_000, pytest.param(quadrature.MOST_LAGS, marks=pytest.mark.slow)])
def test_rare_rows_and_long_memory_end_within_the_budget(what, lags, monkeypatch):
    monkeypatch.setattr(FieldFunction, "intervals", None)
    monkeypatch.setattr(quadrature, "MOST_LAGS", lags)
    monkeypatch.setattr("adamsym.certify.zeros.clusters.MOST_TRIED", 0)
    found = what(NASTY, [[-2, 3]], budget=10)
    assert found.operations < 10 * OPERATIONS_OF_A_BOX + 10**7
    assert found.examined < 10
    assert {outcome.reason for _, outcome in found.leaves if isinstance(outcome, Undecided)} == {SPENT}


def test_the_command_says_what_was_spent(tmp_path, capsys, monkeypatch):
    from adamsym.__main__ import main

    monkeypatch.setattr(quadrature, "MOST_LAGS", 40_000)
    monkeypatch.setattr("adamsym.certify.zeros.clusters.MOST_TRIED", 0)
    (tmp_path / "nasty.toml").write_text(
        '[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n'
        "[data]\nx = [1000, -1]\nweights = [1, 999999]\n[adam]\nbeta2 = 0.99999\n"
    )
    arguments = ["zeros", str(tmp_path / "nasty.toml"), "--box", "theta=-2:3", "--budget", "10", "--workers", "1"]
    assert main(arguments) == 3
    printed = capsys.readouterr().out
    assert printed.startswith("undecided: 0 zeros certified")
    assert "the budget is spent, with" in printed
    assert main(["zeros", str(tmp_path / "nasty.toml"), "--box", "theta=1500:2000", "--budget", "1"]) == 0
    assert "budget" not in capsys.readouterr().out


def test_proofs_of_clusters_have_a_budget_too(monkeypatch):
    flat = AdamField(Problem("x*(t - sqrt(2)/10)**4/4", ["t"], Empirical({"x": [1]})), Adam("0.5", "0.9", "0.1"))
    undecided = [(((-1.0, 1.1),), "for a reason")]
    [proven] = clusters_of(FieldFunction(flat), undecided, [])
    monkeypatch.setattr("adamsym.certify.zeros.clusters.MOST_OPERATIONS", 2000)
    [left] = clusters_of(FieldFunction(flat), undecided, [])
    assert (proven.by, left.by) == ("faces", "undecided")


@pytest.mark.parametrize("operations", [0, 10**4, 10**6])
def test_an_enclosure_is_wide_where_it_would_take_more(operations):
    with ball_arithmetic():
        law = BallLaw(
            [flint.arb(1000), flint.arb(-1)],
            [flint.arb(1) / 10**6, 1 - flint.arb(1) / 10**6],
            [[flint.arb(1)] * 2],
        )
        form = Adam(beta2="0.999").laplace
        fine = enclose_law(law, form)
        with budget(10**9) as meter:
            coarse = enclose_law(law, form, operations=operations)
        assert 10**9 - meter.left < operations + 10**5
        for one, other in zip([coarse.value, *coarse.slopes], [fine.value, *fine.slopes], strict=True):
            assert one.contains(other)
        assert (float(coarse.value.rad()) > 1e-6) == (operations < 10**6)
        assert float(fine.value.rad()) < 1e-15


def wide_law(half):
    """Three rows, uncertain by ``half``."""
    atoms = [flint.arb(value, half) for value in (3, -1, "0.5")]
    return BallLaw(atoms, [flint.arb(1) / 3] * 3, [[flint.arb(2, half)] * 3])


@pytest.mark.parametrize(("half", "cut"), [(12, True), ("0.001", False)])
def test_a_wide_box_is_left_early_and_a_narrow_one_is_not(half, cut):
    form = Adam(beta2="0.999").laplace
    with ball_arithmetic():
        counts, found = [], []
        for lags in (None, quadrature.WIDE_LAGS):
            with budget(10**9) as meter:
                found.append(enclose_law(wide_law(half), form, 1e-9, wide_lags=lags))
            counts.append(10**9 - meter.left)
        exact = enclose_law(wide_law(0), form)
        for whole, early, point in zip(*([one.value, *one.slopes] for one in (*found, exact)), strict=True):
            assert early.contains(point.mid())
            # More lags would have given nothing better.
            assert early.rad() <= whole.rad() * flint.arb("1.01")
    assert (counts[1] < counts[0] / 3) == cut
    assert cut or counts[0] == counts[1]


def test_a_search_leaves_wide_boxes_early(monkeypatch):
    monkeypatch.setattr(FieldFunction, "intervals", None)
    box = ((-40.0, 45.0),)
    rows = Empirical({"x": [1, 2, 30], "y": [1, 1, 40]})
    task = ZeroTask(FieldFunction(AdamField(Problem("(a*x - y)**2/2", ["a"], rows), Adam(beta2="0.999"))), box, 1e-9)
    early = task.examined(box)
    monkeypatch.setattr("adamsym.certify.field_function.WIDE_LAGS", None)
    whole = task.examined(box)
    assert early.outcome == whole.outcome == Split(0)
    assert early.operations < whole.operations / 3


def test_a_field_of_many_rows_has_no_more_for_its_lags(monkeypatch):
    """All coordinates share it: however many rows there are, fewer lags are walked."""
    monkeypatch.setattr("adamsym.field.ball.enclosure.MOST_OPERATIONS", 10**5)
    rows = [1000] + [-1] * 50
    law = Empirical({"x": rows}, weights=[Fraction(1, 10**6)] + [(1 - Fraction(1, 10**6)) / 50] * 50)
    field = AdamField(Problem("(a - x)**2/2 + (b - x)**2", ["a", "b"], law), Adam(beta2="0.9999"))
    with budget(10**9) as meter:
        bounds = field.enclose([[0, 0], [1, 1]])
    assert 10**9 - meter.left < 4 * 10**5
    assert (bounds[:, 0] <= field([0.0, 1.0])).all()
    assert (field([0.0, 1.0]) <= bounds[:, 1]).all()


@pytest.mark.parametrize("count", [1, 10, 100])
def test_evaluating_expressions_counts(count):
    x = sp.Symbol("x", real=True)
    function = compile_ball([x], [sp.sin(k * x) + sp.exp(k * x) for k in range(1, count + 1)])
    with budget(10**6) as meter:
        function(flint.arb(1))
    assert 6 * count <= 10**6 - meter.left <= 14 * count + 2
    with budget(4 * count), pytest.raises(OutOfWork):
        function(flint.arb(1))


def test_quadrature_counts_every_lag(monkeypatch):
    """The count of an enclosure without a limit is that of the lags walked, times what one takes."""
    steps, step = [], quadrature.LagRecursion._step
    monkeypatch.setattr(quadrature.LagRecursion, "_step", lambda self: steps.append(1) or step(self))
    counts = []
    for beta in ("0.99", "0.999"):
        steps.clear()
        with ball_arithmetic(), budget(10**9) as meter:
            law = BallLaw([flint.arb(100), flint.arb(-1)], [flint.arb(1) / 10**4, 1 - flint.arb(1) / 10**4])
            enclose_law(law, Adam(beta2=beta).laplace)
        counts.append((len(steps), 10**9 - meter.left))
    (few, cheap), (many, dear) = counts
    assert many > 5 * few > 0
    assert dear - cheap == pytest.approx((many - few) * quadrature.lag_operations(law, 1), rel=0.3)


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(InputError, match="budget"):
        find_zeros(QUICK, [[0, 1]], budget=0)
