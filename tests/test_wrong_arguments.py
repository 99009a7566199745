"""Wrong arguments in Python: every public function accepts what is plain, or says in one line what to write."""

import copy
import inspect
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

import adamsym
from adamsym import (
    Adam,
    AdamField,
    Empirical,
    Independent,
    InputError,
    NAdam,
    Problem,
    StepSizeSchedule,
    SymbolicField,
    basins,
    certificate,
    certify_branch,
    certify_lyapunov,
    certify_lyapunov_ball,
    certify_lyapunov_globally,
    certify_zero,
    certify_zeros_over,
    check_certificate,
    compare_regions,
    derive,
    find_zero,
    find_zeros,
    find_zeros_at_each,
    flow,
    increment_test,
    map_lyapunov,
    map_zeros,
    phase_portrait,
    pseudo_trajectory,
    read_problem,
    simulate,
    sweep,
)
from adamsym.expressions.arguments import checked_arguments, fitting, real, real_array, union_arms
from adamsym.gradients.library import BUILDERS
from adamsym.plots import draw_flow, draw_portrait, recorded_runs
from adamsym.testing import check_optimizer

COLUMNS = {"x": [0, 0, 3]}
PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical(COLUMNS))
ADAM = Adam("0.5", "0.6", "1")
FIELD = AdamField(PROBLEM, ADAM)
SCHEDULE = StepSizeSchedule("0.1/n**0.7")


class Frame:
    """What data frames have in common."""

    def __init__(self, columns):
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, name):
        return np.array(self._columns[name])

    def to_dict(self):
        return {name: dict(enumerate(column)) for name, column in self._columns.items()}

    def __array__(self, dtype=None, copy=None):
        return np.column_stack(list(self._columns.values())).astype(dtype)


CALLS = {
    Problem: {"loss": "(theta - x)**2/2", "parameters": ["theta"], "law": Empirical(COLUMNS), "batch_size": 2},
    adamsym.VectorField: {
        "field": ["theta - x"],
        "parameters": ["theta"],
        "law": Empirical(COLUMNS),
        "batch_size": 2,
        "lyapunov": "theta**2",
    },
    adamsym.PerRowGradients: {
        "gradients": [[1.0], [2.0]],
        "parameters": ["theta"],
        "weights": [1, 2],
        "batch_size": 2,
        "jacobians": None,
        "rows": 2,
    },
    Empirical: {"columns": COLUMNS, "weights": [1, 2, 3]},
    Independent: {"columns": {"x": "Normal(0, 1)"}},
    Adam: {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    adamsym.AdamEpsInsideRoot: {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    adamsym.AdamW: {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01},
    adamsym.AdamWithoutMomentum: {"beta2": 0.999, "eps": 1e-8},
    NAdam: {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
    adamsym.RMSprop: {"beta2": 0.99, "eps": 1e-8},
    StepSizeSchedule: {"text": 0.1},
    SCHEDULE.__call__: {"n": [1, 2]},
    AdamField: {
        "problem": PROBLEM,
        "adam": ADAM,
        "tolerance": 1e-12,
        "threads": 1,
        "backend": "numba",
        "progress": None,
    },
    adamsym.progress_bar: {"text": "the field"},
    FIELD.__call__: {"theta": [1.0]},
    FIELD.evaluate: {"theta": [1.0]},
    FIELD.jacobian: {"theta": [1.0]},
    FIELD.linearize: {"theta": [1.0]},
    FIELD.enclose: {"box": [[1.0, 1.0]]},
    PROBLEM.mean_loss: {"theta": [1.0]},
    PROBLEM.gradient: {"theta": [1.0]},
    SymbolicField: {"problem": PROBLEM, "adam": ADAM},
    adamsym.explore: {
        "field": FIELD,
        "box": [[1.5, 2.0]],
        "start": [1.0],
        "plane": ["theta"],
        "values": {"beta2": [0.999]},
        "time": 1.0,
        "step_size": 0.1,
        "seed": 0,
        "budget": 5,
        "title": "three points",
    },
    derive: {"problem": Empirical(COLUMNS), "adam": ADAM},
    flow: {
        "field": FIELD,
        "theta0": [1.0],
        "times": [0, 0.1],
        "tolerance": 1e-6,
        "failing": "nan",
        "budget": 100,
        "method": "RK45",
        "project": None,
    },
    simulate: {
        "problem": PROBLEM,
        "method": ADAM,
        "schedule": SCHEDULE,
        "theta0": [1.0],
        "steps": 2,
        "chains": 2,
        "seed": 0,
        "record_every": 1,
        "project": [[0, 2]],
        "threads": 1,
        "checkpoint": None,
        "resume": False,
        "progress": None,
    },
    increment_test: {
        "problem": PROBLEM,
        "method": ADAM,
        "field": lambda theta: 1.0 - theta,
        "schedule": StepSizeSchedule("0.001"),
        "theta0": [1.5],
        "start": 20,
        "length": 0.01,
        "chains": 4,
        "seed": 0,
    },
    pseudo_trajectory: {
        "problem": PROBLEM,
        "adam": ADAM,
        "schedule": SCHEDULE,
        "theta0": [1.0],
        "starts": [5],
        "length": 0.1,
        "chains": 3,
        "seed": 0,
        "region": [[0.0, 2.0]],
        "level": 0.05,
    },
    phase_portrait: {"field": FIELD, "box": [[0.0, 1.0]], "resolution": 3},
    basins: {
        "field": FIELD,
        "box": [[0.0, 1.0]],
        "resolution": 3,
        "zeros": [[1.0]],
        "time": 0.1,
        "radius": 0.1,
        "attracting": True,
        "tolerance": 1e-3,
    },
    find_zero: {"field": FIELD, "theta0": [1.0], "tolerance": 1e-8, "budget": 50, "eigenvalues": 1},
    find_zeros: {"field": FIELD, "box": [[1.5, 2.0]], "width": 1e-10, "budget": 3, "executor": None, "journal": None},
    certify_zero: {"field": FIELD, "theta": [1.0], "most": 10},
    sweep: {
        "field": FIELD,
        "over": {"beta2": [0.999]},
        "start": [1.0],
        "box": None,
        "points": 4,
        "executor": None,
        "journal": None,
    },
    find_zeros_at_each: {"field": FIELD, "name": "batch_size", "values": [1], "box": [[1.5, 2.0]], "budget": 3},
    map_lyapunov: {
        "field": FIELD,
        "over": {"beta1": [0.9], "beta2": [0.999]},
        "box": [[1.5, 2.0]],
        "points": 2,
        "certify": False,
        "executor": None,
        "journal": None,
    },
    map_zeros: {
        "field": FIELD,
        "over": {"beta1": [0.9], "beta2": [0.999]},
        "start": [1.0],
        "box": None,
        "points": 2,
        "executor": None,
        "journal": None,
    },
    certify_branch: {"field": FIELD, "name": "beta2", "low": "0.999", "high": "0.9991", "start": [1.0]},
    certify_zeros_over: {
        "field": FIELD,
        "over": {"beta2": ("0.999", "0.9991")},
        "box": [[1.5, 2.0]],
        "operations": 10,
        "executor": None,
    },
    certify_lyapunov_ball: {"field": FIELD, "at": [1.0], "radius": 0.1},
    certify_lyapunov_globally: {"field": FIELD, "at": [1.0]},
    certify_lyapunov: {
        "field": FIELD,
        "region": [[1.5, 2.0]],
        "minima": None,
        "budget": 3,
        "executor": None,
        "journal": None,
    },
    read_problem: {"path": "none.toml"},
}
"""Arguments that each function accepts, but for a file that is missing and a law in place of a problem."""


@cache
def calls():
    """All of them; what some are about is found when a test asks for it, and not while the tests are collected."""
    found = find_zeros(FIELD, [[1.5, 2.0]])
    return CALLS | {
        compare_regions: {"found": certify_lyapunov(FIELD, [[1.5, 2.0]], budget=2)},
        certificate: {"found": found},
        check_certificate: {"source": certificate(found), "executor": None, "processes": 1, "slow": False},
    }


WRONG = {
    "None": None,
    "text": "abc",
    "empty text": "",
    "an object": object(),
    "a class": Adam,
    "an empty list": [],
    "an empty dict": {},
    "a dict": {"theta": 1.0},
    "a set": {1.0},
    "a list of None": [None],
    "a list of text": ["a"],
    "ragged": [[1.0], [1.0, 2.0]],
    "deep": [[[[1.0]]]],
    "minus one": -1,
    "zero": 0,
    "two and a half": 2.5,
    "nan": float("nan"),
    "infinity": float("inf"),
    "huge": 10**400,
    "complex": 1j,
    "complex numbers": np.array([1j]),
    "true": True,
    "bytes": b"abc",
    "a scalar array": np.array(2.0),
    "a list of nan": [float("nan")],
    "dates": np.array(["2020-01-01"], dtype="datetime64[D]"),
    "a function": lambda value: value,
    "a generator": (x for x in ()),
    "a frame": Frame(COLUMNS),
    "an array": np.array([0.0, 0.0, 3.0]),
    "a problem": PROBLEM,
    "a method": ADAM,
    "a field": FIELD,
    "a schedule": SCHEDULE,
    "a law": Empirical(COLUMNS),
}

DEAR = {(derive, "problem", "a problem"), (increment_test, "field", "a field")}
"""Right arguments that take seconds."""


def name_of(function):
    return getattr(function, "__qualname__", str(function))


def attempted(function, arguments):
    """Call, and return the message of a refusal; anything else than an InputError is a fault."""
    try:
        function(**arguments)
    except InputError as error:
        message = str(error)
        assert "\n" not in message
        assert 5 < len(message) <= 400
        return message
    return None


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_arguments_are_refused_in_one_line(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused, faults = 0, []
    for function, arguments in calls().items():
        for name in arguments:
            if (function, name, wrong) in DEAR:
                continue
            try:
                refused += attempted(function, {**arguments, name: WRONG[wrong]}) is not None
            except Exception as error:
                faults.append(f"{name_of(function)}({name} = {wrong}): {type(error).__name__}: {error}")
    assert faults == []
    assert refused > len(calls()) / 2


# --- what is plain is accepted ----------------------------------------------------------------------------------------

LOSS = ("(theta - x)**2/2", ["theta"])
ROWS = Empirical(COLUMNS).exact_rows


@pytest.mark.parametrize(
    "columns",
    [
        COLUMNS,
        {"x": np.array([0, 0, 3])},
        {"x": np.array([0.0, 0.0, 3.0], dtype=np.float32)},
        {"x": ["0", "0", "3"]},
        {"x": (Fraction(0), Decimal(0), 3)},
        {"x": range(0)} | {"x": [0, 0, 3]},
        Frame(COLUMNS),
        np.array([(0.0,), (0.0,), (3.0,)], dtype=[("x", "f8")]),
    ],
)
def test_columns_in_place_of_a_law(columns):
    assert Problem(*LOSS, columns).law.exact_rows == ROWS
    assert Empirical(columns).exact_rows == ROWS
    assert Empirical(columns, np.array([1, 1, 2])).exact_probabilities[2] == Fraction(1, 2)


def test_distributions_in_place_of_a_law():
    assert isinstance(Problem(*LOSS, {"x": "Normal(0, 1)"}).law, Independent)


@pytest.mark.parametrize(
    "law", [[0, 0, 3], np.array([0.0, 3.0]), None, 3.0, "x", {"x": "abc"}, {"x": "Normal(0, 1)", "y": 1}]
)
def test_what_is_no_law_is_refused(law):
    with pytest.raises(InputError, match=r"Empirical\(\{|allowed"):
        Problem(*LOSS, law)


def test_numbers_and_text_in_place_of_schedules_and_paths(tmp_path):
    expected = simulate(PROBLEM, ADAM, StepSizeSchedule("0.1"), [1.0], 5, 2, 0).theta
    for schedule in ("0.1", 0.1, np.float64(0.1)):
        assert (simulate(PROBLEM, ADAM, schedule, [1], np.int64(5), np.int32(2), np.uint8(0)).theta == expected).all()
    with ThreadPoolExecutor(1) as executor:
        journal = str(tmp_path / "journal")
        assert find_zeros(FIELD, [[Fraction(3, 2), Decimal(2)]], executor=executor, journal=journal).complete


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: flow([1.0], FIELD, [0, 1]),
            "give an AdamField, such as AdamField(problem, Adam()); the order is flow(",
        ),
        (lambda: flow(PROBLEM, [1.0], [0, 1]), "a Problem is no AdamField"),
        (lambda: simulate(ADAM, PROBLEM, SCHEDULE, [1.0], 2, 2, 0), "the order is simulate(problem, method, schedule,"),
        (lambda: AdamField(ADAM, PROBLEM), "the order is AdamField(problem, adam, tolerance, threads, backend)"),
        (lambda: AdamField(PROBLEM, 0.9), "0.9 is no Method; give a Method, such as Adam()"),
        (lambda: find_zeros(FIELD, "theta=1:2"), "box: 'theta=1:2' is not allowed; allowed is a list or array"),
        (lambda: find_zeros(FIELD, [[1, 2]], budget=1e4), "budget: 10000.0 is not allowed; allowed is an integer"),
        (lambda: FIELD({"theta": 1.0}), "give the numbers in order, as a list or an array"),
        (lambda: simulate(PROBLEM, ADAM, None, [1.0], 2, 2, 0), 'StepSizeSchedule("0.1/n**0.7")'),
    ],
)
def test_messages_say_what_to_write(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: Problem(Empirical(COLUMNS), "(theta - x)**2/2"),
            "problem.loss: an Empirical is not allowed; the order is Problem(loss, parameters, law)",
        ),
        (
            lambda: Problem("(theta - x)**2/2", Empirical(COLUMNS), ["theta"]),
            'problem.parameters: an Empirical is not allowed; give a list of names, such as ["theta"]',
        ),
        (
            lambda: adamsym.VectorField(Empirical(COLUMNS), ["x - theta"]),
            "problem.field: an Empirical is not allowed; the order is VectorField(field, parameters, law)",
        ),
        (
            lambda: Problem(lambda theta, x: (theta - x) ** 2, ["theta"], COLUMNS),
            "problem.loss: a function is not allowed; allowed are text, such as '(theta - x)**2/2', and expressions of "
            "SymPy",
        ),
        (
            lambda: Problem("(theta - x)**2/2", "theta", COLUMNS),
            "problem.parameters: 'theta' is not allowed; give a list of names, such as [\"theta\"]",
        ),
        (
            lambda: Empirical(np.array([0, 0, 3])),
            'data: a ndarray has no names of columns; write Empirical({"x": [0.0, 0.0, 3.0]})',
        ),
        (
            lambda: Adam(lr=0.1),
            'Adam: lr is no argument of a method; step sizes are a StepSizeSchedule("0.1/n**0.7"), given to what runs '
            "the method",
        ),
        (lambda: Adam(betas=(0.9, 0.999)), "Adam: betas is no argument of a method; write beta1=0.9, beta2=0.999"),
        (lambda: NAdam(epsilon=1e-8), "NAdam: epsilon is no argument of a method; write eps"),
        (lambda: FIELD(1.0), "theta: shape () is not allowed; the last axis must be 1 (theta), such as [1.0]"),
        (
            lambda: find_zeros(FIELD, [-5, 5]),
            "box: shape (2,) is not allowed; give (1, 2), a lower and an upper end for each parameter, such as "
            "[[-1, 1]]",
        ),
        (
            lambda: FIELD.enclose([1.0]),
            "box: shape (1,) is not allowed; give (1, 2) or (n, .., 2), a lower and an upper end for each parameter; "
            "for a point both are equal",
        ),
        (
            lambda: find_zeros([[1, 2]], FIELD),
            "field: [[1, 2]] is not allowed; allowed is an AdamField or a BoxFunction, such as "
            "AdamField(problem, Adam()); the order is find_zeros(field, box)",
        ),
        (
            lambda: simulate(PROBLEM, ADAM, lambda n: 0.1, [1.0], 2, 2, 0),
            "schedule: a function is no StepSizeSchedule; give a StepSizeSchedule, such as "
            'StepSizeSchedule("0.1/n**0.7"); the order is '
            "simulate(problem, method, schedule, theta0, steps, chains, seed)",
        ),
    ],
)
def test_mistakes_of_users_of_numpy_and_torch(call, message):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == message


def test_a_field_in_place_of_a_problem_and_a_method():
    """One order of arguments everywhere: field, where, how."""
    found = simulate(FIELD, SCHEDULE, [1.0], 5, 2, 0)
    assert (found.theta == simulate(PROBLEM, ADAM, SCHEDULE, [1.0], 5, 2, 0).theta).all()
    windows = pseudo_trajectory(FIELD, SCHEDULE, [1.0], [5], 0.1, chains=3).windows
    [expected] = pseudo_trajectory(PROBLEM, ADAM, SCHEDULE, [1.0], [5], 0.1, chains=3).windows
    np.testing.assert_array_equal(windows[0].distances, expected.distances)
    short = ("0.001", [1.5], 20, 0.01)
    own = increment_test(FIELD, *short, chains=4).p_value
    assert own == increment_test(PROBLEM, ADAM, FIELD, *short, chains=4).p_value
    with pytest.raises(InputError, match="schedule: a Problem is no StepSizeSchedule"):
        simulate(FIELD, PROBLEM, [1.0], 5, 2, 0)


def test_unknown_arguments_are_python_s_own_errors():
    with pytest.raises(TypeError, match="unexpected keyword argument 'momentum'"):
        Adam(momentum=0.9)


def test_methods_and_problems_are_still_copied():
    """What refuses wrong arguments early is no hindrance to copies, which are made without arguments."""
    for one in (ADAM, NAdam()):
        assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    assert repr(copy.copy(PROBLEM)) == repr(PROBLEM)


def test_tensors_are_arrays():
    torch = pytest.importorskip("torch", reason="needs torch")
    expected = FIELD([1.0])
    for tensor in (torch.tensor([1.0]), torch.tensor([1.0], requires_grad=True, dtype=torch.float64)):
        np.testing.assert_array_equal(FIELD(tensor), expected)
    assert Empirical({"x": torch.tensor([0.0, 0.0, 3.0])}).exact_rows == ROWS


def test_what_is_of_torch_is_told_from_what_has_its_name_here():
    torch = pytest.importorskip("torch", reason="needs torch")
    module = torch.nn.Linear(1, 1)
    with pytest.raises(
        InputError, match=r"a module of PyTorch needs a loss and data: write TorchGradients\(module, row"
    ):
        AdamField(module, ADAM)
    with pytest.raises(InputError, match=r"adam: an Adam of torch is no Method; give a Method, such as Adam\(\);"):
        AdamField(PROBLEM, torch.optim.Adam(module.parameters()))
    with pytest.raises(InputError, match=r"adapter: the class Adam is no Adapter; give an Adapter, such as torch_ad"):
        adamsym.testing.check_optimizer(torch.optim.Adam)


def test_data_frames_of_pandas_are_columns():
    pandas = pytest.importorskip("pandas", reason="needs pandas")
    assert Problem(*LOSS, pandas.DataFrame(COLUMNS)).law.exact_rows == ROWS
    with pytest.raises(InputError, match=r"data: a Series has no names of columns; write Empirical\(\{"):
        Problem(*LOSS, pandas.Series([0, 0, 3], name="x"))


def test_arguments_left_out_are_python_s_own_errors():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'times'"):
        flow(FIELD, [1.0])


def test_every_public_function_that_takes_objects_is_called_here():
    listed = {one for one in calls() if inspect.isfunction(one) or inspect.isclass(one)}
    others = {"Claim", "Derivation", "library", "__version__", "InputError", "StochasticGradient"}
    public = {getattr(adamsym, name) for name in adamsym.__all__ if name not in others}
    assert public - listed == set()


def test_the_kinds():
    """The control of the checks themselves: near misses on both sides."""

    @checked_arguments
    def plain(count: int, size: float = 1.0, name: str | None = None):
        return count, size, name

    assert plain(np.int8(3), Fraction(1, 2)) == (3, 0.5, None)
    assert plain(3, name="x", size=np.float32(2)) == (3, 2.0, "x")
    for arguments in ((3.0,), (True,), ("3",), (None,), (3, "1"), (3, 1j), (3, True), (3, None), (3, 1.0, 2), (2**63,)):
        with pytest.raises(InputError):
            plain(*arguments)
    assert real(float("inf"), "x") == float("inf")
    assert real_array([[1, Fraction(1, 4)]], "x").tolist() == [[1.0, 0.25]]


def test_an_alias_stands_for_its_type():
    """From Python 3.12 on NumPy's types of arrays are aliases, made by the statement ``type``."""

    class Alias:
        __value__ = ArrayLike

    assert union_arms(Alias()) == union_arms(ArrayLike)
    assert len(union_arms(ArrayLike)) > 1
    assert fitting([1, 2], Alias(), "x").tolist() == [1, 2]
    assert fitting(Path("p.toml"), str | os.PathLike[str], "path") == Path("p.toml")
    with pytest.raises(InputError, match="a list or array"):
        fitting(Path("p.toml"), ArrayLike, "x")


@pytest.mark.parametrize("builder", BUILDERS.values(), ids=BUILDERS)
def test_names_of_columns_are_lists(builder):
    """Text is no list of names of one letter."""
    signature = inspect.signature(builder)
    lists = [name for name in ("inputs", "left", "right") if name in signature.parameters]
    outputs = {"target": "y", "targets": ["y"]}
    names = {name: ["x"] for name in lists} | {key: y for key, y in outputs.items() if key in signature.parameters}
    loss, parameters = builder(**names)
    assert {str(symbol) for symbol in loss.free_symbols} <= {"x", "y", *parameters}
    for wrong in ("age", None, 3, [3], {"age"}, Frame(COLUMNS)):
        with pytest.raises(InputError):
            builder(**{**names, lists[0]: wrong})


def test_drawings_and_optimizers():
    axes = Figure().add_subplot()
    found = flow(FIELD, [1.0], [0, 0.1])
    with pytest.raises(InputError, match="names: 'theta' is not allowed; allowed is a list"):
        draw_flow(axes, found, "theta")
    with pytest.raises(InputError, match=r"the order is draw_flow\(axes, flow, names\)"):
        draw_flow(found, axes, ["theta"])
    with pytest.raises(InputError, match=r"no PhasePortrait; give a PhasePortrait, such as phase_portrait\("):
        draw_portrait(axes, FIELD, ["theta"])
    with pytest.raises(InputError, match="no Adapter"):
        check_optimizer(ADAM)
    ensemble = simulate(PROBLEM, ADAM, SCHEDULE, [1.0], 4, 2, 0, record_every=2)
    assert recorded_runs(ensemble, "0.1/n**0.7", [1]).theta.shape == (3, 2, 1)
    with pytest.raises(InputError, match="theta0: shape"):
        recorded_runs(ensemble, SCHEDULE, [1.0, 2.0, 3.0])
