"""Zeros are found, proven and counted; what is no zero, or not alone, is not called one."""

import json
import multiprocessing
import pickle
import sys
import types
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import flint
import numpy as np
import pytest

from adamsym.certify import find_zeros, search
from adamsym.certify.field_function import FieldFunction
from adamsym.certify.lyapunov.box_task import LyapunovTask
from adamsym.certify.sign_lemma import proven_sign
from adamsym.certify.zeros.krawczyk import certified_zero, krawczyk
from adamsym.certify.zeros.stability import stability_of
from adamsym.certify.zeros.zero_task import ZeroTask
from adamsym.expressions.errors import InputError
from adamsym.field import AdamField
from adamsym.field.ball.arithmetic import ball_arithmetic
from adamsym.field.ball.enclosure import hulls
from adamsym.field.ball.law import BallLaw
from adamsym.gradients import Empirical, Independent, Problem
from adamsym.gradients.record import problem_from_record, problem_record
from adamsym.methods import Adam
from adamsym.parallel import places

THREE_POINTS = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), Adam())
SHORT_MEMORY = AdamField(THREE_POINTS.problem, Adam("0.5", "0.82", "0.1"))
NEURON = AdamField(
    Problem("(a*tanh(b*x) - y)**2/2", ["a", "b"], Empirical({"x": [0.5, -1, 2], "y": [0.3, -0.7, 0.8]})),
    Adam("0.9", "0.99", "0.1"),
)
THREE_ZEROS = AdamField(
    Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 0, 125]}, weights=["0.307", "0.307", "0.386"])),
    Adam("9.99e-4", "1e-6", "1e-8"),
)


def test_three_points():
    found = find_zeros(THREE_POINTS, [[-5, 5]])
    assert found.complete
    (zero,) = found.zeros
    assert zero.stability == "attracting"
    assert 0 < np.ptp(zero.box) <= 1e-10
    assert zero.unique_in[0, 0] < zero.box[0, 0] < zero.midpoint[0] < zero.box[0, 1] < zero.unique_in[0, 1]
    ends = THREE_POINTS(zero.box.T)[:, 0]
    assert ends[0] > 0 > ends[1]
    assert not zero.box[0, 0] <= 1 <= zero.box[0, 1]
    assert zero.critical_point == "no"
    assert zero.gradient[0, 0] <= zero.midpoint[0] - 1 <= zero.gradient[0, 1] < 0
    # The mean lies where the zero is alone: it is certified to be none.
    assert zero.unique_in[0, 0] < 1 < zero.unique_in[0, 1]


def test_the_law_with_three_zeros():
    found = find_zeros(THREE_ZEROS, [[0, 0.025]])
    assert found.complete
    assert sorted(zero.midpoint[0] for zero in found.zeros) == pytest.approx(
        [0.00063138, 0.00310726, 0.01970947], abs=5e-9
    )
    stabilities = {round(zero.midpoint[0], 4): zero.stability for zero in found.zeros}
    assert stabilities == {0.0006: "attracting", 0.0031: "repelling", 0.0197: "attracting"}


@pytest.fixture(
    scope="module",
    params=[[[0.8, 0.95], [0.85, 1.0]], pytest.param([[0.2, 1.2], [0.4, 2]], marks=pytest.mark.slow)],
    ids=["near", "wide"],
)
def of_neuron(request):
    return find_zeros(NEURON, request.param)


def test_two_parameters(of_neuron):
    found = of_neuron
    assert found.complete
    (zero,) = found.zeros
    assert zero.stability == "attracting"
    assert np.abs(NEURON(zero.midpoint)).max() < 1e-12
    assert (np.ptp(zero.box, axis=1) <= 1e-10).all()
    saddle = find_zeros(NEURON, [[-0.03, 0.03], [-0.03, 0.04]])
    assert saddle.complete
    # All rows' gradients are exactly 0 at the origin: it is the zero, and a critical point.
    assert [(zero.stability, zero.critical_point, zero.point) for zero in saddle.zeros] == [("saddle", "yes", (0, 0))]


@pytest.mark.parametrize("jacobian", [[[0, 1], [1, 0]], [[0, 2, 0], [2, 0, 0], [0, 0, -1]], [[1, 0], [0, -1]]])
def test_a_saddle_is_one_whatever_the_pivots(jacobian):
    """Without rounding the first pivot of the matrix that proves it is 0."""
    assert stability_of([[flint.arb(x) for x in row] for row in jacobian])[0] == "saddle"


def test_a_box_without_zeros_and_one_with_a_zero_on_its_edge():
    found = find_zeros(THREE_POINTS, [[1, 5]])
    assert found.complete
    assert found.zeros == ()
    assert found.beyond == () or found.beyond[0].box[0, 1] < 1
    zero = find_zeros(THREE_POINTS, [[0, 2]]).zeros[0]
    for box in ([[float(zero.midpoint[0]), 2]], [[-1, float(zero.midpoint[0])]]):
        edge = find_zeros(THREE_POINTS, box)
        # A float next to the zero: it is decided on which side the zero lies, or said that this is not decided.
        assert edge.complete == (not edge.undecided)
        assert len(edge.zeros) + len(edge.beyond) == 1
        if edge.undecided:
            assert all("widen the box" in cluster.reason for cluster in edge.clusters)
            assert max(high - low for ((low, high),) in edge.undecided) < 1e-14


def test_every_part_of_the_box_is_accounted_for(of_neuron):
    found, box = of_neuron, of_neuron.box
    areas = [np.prod(np.ptp(np.array(leaf), axis=1)) for leaf, _ in found.leaves]
    assert sum(areas) == pytest.approx(np.prod(np.ptp(box, axis=1)), rel=1e-12)
    assert {outcome.by for _, outcome in found.leaves} <= {"sign", "gradient", "direction", "zero"}


@pytest.mark.parametrize("budget", [80, pytest.param(300, marks=pytest.mark.slow)])
def test_a_curve_of_zeros_stays_undecided(budget):
    """Of a residual whose gradient vanishes on the curve nothing is said of a manifold."""
    curve = AdamField(Problem("(a*b*x - y)**4", ["a", "b"], Empirical({"x": [1, 2], "y": [1, 2]})), Adam(0.5, 0.9, 0.1))
    found = find_zeros(curve, [[0.5, 2], [0.5, 2]], budget=budget)
    assert not found.complete
    assert found.examined == budget
    assert found.zeros == ()
    for a in np.linspace(0.55, 1.9, 20):
        assert any(low[0] <= a <= low[1] and high[0] <= 1 / a <= high[1] for low, high in found.undecided)


def test_a_double_zero_stays_undecided():
    """At the fold between one zero and three, Df = 0: no uniqueness can be proven."""
    flat = AdamField(Problem("theta**4/4", ["theta"], Empirical({"x": [1]})), Adam(0.5, 0.9, 0.1))
    found = find_zeros(flat, [[-1, 1]])
    assert not found.complete
    assert found.zeros == ()
    assert all("singular" in outcome.reason for _, outcome in found.leaves if outcome.by == "undecided")
    assert all(low <= 1e-3 and high >= -1e-3 for ((low, high),) in found.undecided)


def test_budget_and_executors_and_journals(tmp_path: Path, monkeypatch):
    box = [[-5, 5]]
    alone = find_zeros(SHORT_MEMORY, box)
    journal = tmp_path / "journal"
    part = find_zeros(SHORT_MEMORY, box, budget=6, journal=journal)
    monkeypatch.setattr("adamsym.certify.search.ALONE_BELOW", 2)
    with ThreadPoolExecutor(1) as pool:
        pooled = find_zeros(SHORT_MEMORY, box, executor=pool)
    assert pooled.leaves == alone.leaves
    assert part.examined == 6
    assert not part.complete
    lines = journal.read_text().splitlines()
    assert len(lines) == 7
    # A crash in the middle of a line loses that box alone.
    journal.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:10])
    examined = []
    original, first = ZeroTask.all_examined, ZeroTask.first_examined
    monkeypatch.setattr(ZeroTask, "all_examined", lambda self, boxes: examined.extend(boxes) or original(self, boxes))
    monkeypatch.setattr(
        ZeroTask, "first_examined", lambda self, box, most: examined.append(box) or first(self, box, most)
    )
    with ThreadPoolExecutor(2) as pool:
        whole = find_zeros(SHORT_MEMORY, box, journal=journal, executor=pool)
    assert whole.leaves == alone.leaves
    assert len(examined) == alone.examined - 5
    with pytest.raises(InputError, match="another problem"):
        find_zeros(SHORT_MEMORY, [[0, 1]], journal=journal)
    journal.write_text("no journal\n")
    with pytest.raises(InputError, match="no journal"):
        find_zeros(SHORT_MEMORY, box, journal=journal)


@pytest.mark.parametrize("seed", range(20))
def test_stability_is_that_of_the_eigenvalues(seed):
    generator = np.random.default_rng(seed)
    d = int(generator.integers(1, 5))
    matrix = generator.normal(size=(d, d)) - generator.choice([-2, 0, 2]) * np.eye(d)
    parts = np.linalg.eigvals(matrix).real
    expected = "attracting" if (parts < 0).all() else "repelling" if (parts > 0).all() else "saddle"
    balls = [[flint.arb(float(x)) for x in row] for row in matrix]
    assert stability_of(balls)[0] == expected
    wide = [[x + flint.arb(0, 100) for x in row] for row in balls]
    assert stability_of(wide)[0] == "undecided"


def test_centers_are_neither():
    rotation = [[flint.arb(0), flint.arb(1)], [flint.arb(-1), flint.arb(0)]]
    assert stability_of(rotation)[0] == "undecided"


def test_zeros_are_narrowed_where_the_first_box_contracts_weakly():
    """The first box is 4e-3 wide, and its image four times widened is no smaller."""
    law = Empirical({"a": [1, 0]}, weights=["0.02", "0.98"])
    problem = Problem("a*30*theta**2/2 + (1 - a)*sin(theta)**2/2", ["theta"], law)
    zeros = find_zeros(AdamField(problem, Adam("0.5", "0.9", "0.01")), [[-0.5, 3.5]]).zeros
    assert [zero.stability for zero in zeros] == ["attracting", "repelling", "attracting"]
    assert all(np.ptp(zero.box) <= 1e-10 for zero in zeros)
    assert zeros[2].midpoint[0] == pytest.approx(3.1235816, abs=1e-7)


def test_krawczyk_does_not_prove_a_zero_where_there_is_none():
    with ball_arithmetic():
        inverse = np.array([[-1.4]])
        around = np.array([[0.98, 1.02]])
        image = krawczyk(FieldFunction(THREE_POINTS), around, inverse, 1e-13)
        assert around[0, 0] < image[0, 0] < image[0, 1] < around[0, 1]
        beside = np.array([[1.0, 1.02]])
        image = krawczyk(FieldFunction(THREE_POINTS), beside, inverse, 1e-13)
        assert image[0, 0] < beside[0, 0]


def test_a_zero_beside_the_region_is_not_claimed():
    """The zero 0.9995 is near enough for Newton's method, but not in the region tried."""
    function = FieldFunction(THREE_POINTS)
    with ball_arithmetic():
        for sides, expected in (([[0.999, 1.001]], True), ([[1.01, 1.02]], False), ([[0.97, 0.98]], False)):
            box = np.array(sides)
            over = function.enclose(hulls(box), True, 1e-18)
            assert (certified_zero(function, box, over, 1e-10, box) is not None) == expected


def test_the_sign_lemma_proves_signs_and_no_more():
    generator = np.random.default_rng(4)
    proven = 0
    for _ in range(300):
        atoms = generator.normal(size=3) * 10 ** generator.uniform(-2, 2, size=3) + generator.normal()
        weights = generator.integers(1, 200, size=3)
        probabilities = [flint.arb(int(w)) / int(weights.sum()) for w in weights]
        adam = Adam("0.5", str(generator.choice(["0.3", "0.9", "0.999"])), str(generator.choice(["1e-8", "1"])))
        sign = proven_sign(BallLaw([flint.arb(float(g)) for g in atoms], probabilities), adam.laplace)
        law = Empirical({"g": list(atoms)}, weights=[int(w) for w in weights])
        value = AdamField(Problem("theta*g", ["theta"], law), adam)([0.0])[0]
        if sign:
            assert np.sign(-value) == sign
            proven += 1
    assert 50 < proven < 295


def test_records_describe_problems_exactly():
    record = problem_record(THREE_ZEROS.problem, THREE_ZEROS.adam)
    problem, adam = problem_from_record(json.loads(json.dumps(record)))
    assert problem_record(problem, adam) == record
    assert adam == THREE_ZEROS.adam
    assert problem.law.exact_probabilities == THREE_ZEROS.problem.law.exact_probabilities
    for key, value in (("loss", "__import__('os')"), ("batch_size", 0), ("probabilities", ["1/2", "1/4", "1/8"])):
        with pytest.raises(InputError):
            problem_from_record(record | {key: value})
    with pytest.raises(InputError, match=r"problem\.method"):
        problem_from_record({"loss": "theta"})


@pytest.mark.parametrize(
    ("field", "box", "fragment"),
    [
        (THREE_POINTS, [[1, 0]], "lower first"),
        (THREE_POINTS, [[0, np.nan]], "finite"),
        (THREE_POINTS, [[[0, 1]]], "shape"),
        (
            AdamField(Problem("(theta*x)**2", ["theta"], Independent({"x": "Normal(0, 1)"})), Adam()),
            [[0, 1]],
            "affine in Normal columns",
        ),
    ],
)
def test_bad_input(field, box, fragment):
    with pytest.raises(InputError, match=fragment):
        find_zeros(field, box)


def workers_started() -> int:
    started = []

    class Counted(ProcessPoolExecutor):
        def __init__(self, *arguments, **options):
            started.append(1)
            super().__init__(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "ALONE_BELOW", 1)
        patch.setattr(ZeroTask, "first_operations", 0)
        patch.setattr(places, "ProcessPoolExecutor", Counted)
        find_zeros(SHORT_MEMORY, [[0, 3]])
    return len(started)


@pytest.fixture(scope="module")
def pool():
    """A process of its own, which imports everything: once for all tests."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.slow
def test_a_worker_starts_no_workers(pool):
    assert pool.submit(workers_started).result() == 0
    assert workers_started() == 1


def test_a_script_without_guard_is_told_what_to_write(tmp_path, monkeypatch):
    """Workers run the script again, which starts a process while they start: they end, as a search's own would."""
    script = types.ModuleType("__main__")
    script.__file__ = str(tmp_path / "unguarded.py")
    child = "from multiprocessing import get_context\nget_context('spawn').Process(target=print).start()\n"
    Path(script.__file__).write_text(child)
    monkeypatch.setitem(sys.modules, "__main__", script)
    monkeypatch.setattr(search, "ALONE_BELOW", 1)
    monkeypatch.setattr(ZeroTask, "first_operations", 0)
    with pytest.raises(BrokenProcessPool, match="if __name__ == '__main__':"):
        find_zeros(SHORT_MEMORY, [[-5, 5]], executor=1)


def test_other_numbers_of_processes_find_the_same(monkeypatch):
    monkeypatch.setattr(ZeroTask, "first_operations", 0)
    alone = find_zeros(SHORT_MEMORY, [[0, 3]], budget=6)
    monkeypatch.setattr(search, "ALONE_BELOW", 1)
    assert find_zeros(SHORT_MEMORY, [[0, 3]], budget=6, executor=1).leaves == alone.leaves
    with pytest.raises(InputError, match="executor: 0 processes"):
        find_zeros(SHORT_MEMORY, [[0, 3]], executor=0)


@pytest.mark.slow
def test_executors_of_processes_find_the_same(monkeypatch, pool):
    alone = find_zeros(SHORT_MEMORY, [[0, 3]], budget=6)
    monkeypatch.setattr(search, "ALONE_BELOW", 1)
    monkeypatch.setattr(ZeroTask, "first_operations", 0)
    assert find_zeros(SHORT_MEMORY, [[0, 3]], budget=6, executor=pool).leaves == alone.leaves


def test_a_problem_is_read_once_in_a_process():
    function = FieldFunction(SHORT_MEMORY)
    first, second = (pickle.loads(pickle.dumps(function)) for _ in range(2))
    assert first is second is not function
    task = LyapunovTask(function, ((0.0, 1.0),), ())
    assert task.factor is None
    assert pickle.loads(pickle.dumps(task)) is pickle.loads(pickle.dumps(task))
