"""What results have in common: a short repr, a page for notebooks, a dictionary, a data frame, one natural picture."""

import importlib
import inspect
import json
import pkgutil
import re
import sys
import typing
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import is_dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from matplotlib import pyplot
from matplotlib.figure import Figure
from test_every_public_function import public

import adamsym
from adamsym import (
    Adam,
    AdamField,
    Empirical,
    InputError,
    Problem,
    StepSizeSchedule,
    basins,
    certificate,
    certify_lyapunov,
    certify_lyapunov_ball,
    certify_zero,
    check_certificate,
    compare_regions,
    find_zero,
    find_zeros,
    find_zeros_at_each,
    flow,
    increment_test,
    map_lyapunov,
    map_zeros,
    phase_portrait,
    pseudo_trajectory,
    simulate,
    sweep,
)
from adamsym.__main__ import main
from adamsym.certify import certify_border_point, certify_crossing
from adamsym.certify.certificate import Certifiable
from adamsym.claims import Claim, holds, refuted, run_claim
from adamsym.continuation.axes import Axis
from adamsym.continuation.cells import Region
from adamsym.continuation.certified import CertifiedBranch
from adamsym.continuation.completeness import Cell, ZerosOver
from adamsym.continuation.motion import Motion
from adamsym.continuation.tube_proofs import Tube
from adamsym.expressions.errors import NotApplicable
from adamsym.expressions.results import VERDICTS, Record, Result, counted, plain
from adamsym.field import monte_carlo
from adamsym.formal import KernelReport, prove_sign
from adamsym.networks.comparison import Comparison, MeanIterate
from adamsym.networks.reporting import NetworkReport
from adamsym.networks.training import Training
from adamsym.report.collection import Report
from adamsym.report.sections import Check, ProblemReport, SectionReport
from adamsym.symbolic import Derivation
from adamsym.symbolic.derivation import checked_step
from adamsym.symbolic.equality import exact_equality
from adamsym.testing.conformance.checking import Conformance
from adamsym.testing.conformance.recursion import Recursion

ADAM = Adam("0.5", "0.6", "1")
PROBLEM = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]}))
PLANE = Problem("(a - x)**2/2 + b**2", ["a", "b"], Empirical({"x": [0, 0, 3]}))
SPACE = Problem("(a - x)**2/2 + b**2 + c**2", ["a", "b", "c"], Empirical({"x": [0, 0, 3]}))
EVEN = Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [-1, 1]}))
FITTED = Problem("(a*b - x)**2/2", ["a", "b"], Empirical({"x": [1]}))
ONE_ROW = Problem("(a - x)**2/2", ["a"], Empirical({"x": [0]}))
FIELD = AdamField(PROBLEM, ADAM)
SCHEDULE = StepSizeSchedule("0.05/n**0.7")
BOX = [[0.0, 2.0]]
HALF = Fraction(1, 2)


def a_claim():
    claim = Claim("c99_made_up", "made <up>", "$1 = 1$", "nowhere")
    claim.evidence("symbolic")(lambda: holds("it is", 1))
    for name in ("one", "two"):
        claim.control(name)(lambda: refuted("it is not", 1))
    return run_claim(claim)


def a_branch():
    one = np.array([[1.0]])
    tubes = [
        Tube(k * HALF, (k + 1) * HALF, np.array([[k, k + 1.0]]), one, "attracting", one, np.array([1.0]), 1, 1, 1)
        for k in range(2)
    ]
    return CertifiedBranch(FIELD, Axis("eps", (Fraction(0), Fraction(1)), True), tuple(tubes), (), "")


def zeros_over():
    over = ((Fraction(0), Fraction(1)),)
    region = Region(over, ((0.5, 1.0),), ((1.0,),), "attracting", ((1.0,),))
    axis = Axis("eps", (Fraction(0), Fraction(1)), True)
    return ZerosOver(FIELD, (axis,), np.array(BOX), (Cell(over, (0,)),), (region,), (), 1)


def a_network_report(zero, comparison):
    check = Check("the zero", "floating point", "undecided", "it may be", False)
    page = Report((ProblemReport("net", "", "", (), (SectionReport("", check),), 0.0),), (), None, "", ())
    return NetworkReport(zero, comparison, page)


def everything():
    """A result of each kind, some also in an unusual state, with how its line begins."""
    with ThreadPoolExecutor(1) as executor:
        zeros = find_zeros(FIELD, BOX, executor=executor)
        region = certify_lyapunov(FIELD, [[1.5, 2.0]], executor=executor)
        yield zeros, "certified: exactly 1 zero in the box"
        yield find_zeros(FIELD, BOX, budget=1, executor=executor), "undecided: 0 zeros certified; 2 boxes left"
        yield region, "certified: the loss decreases"
        yield certify_lyapunov(FIELD, BOX, budget=2, executor=executor), ""
        yield find_zeros_at_each(FIELD, "beta2", "0.6,0.7", BOX, executor=executor), "certified: all zeros in the box"
        yield sweep(FIELD, {"beta2": "0.6:0.7"}, start=[0.9], points=4, executor=executor), "floating point: 1 branch"
        over = {"beta1": "0.4:0.5", "beta2": "0.6:0.7"}
        yield map_zeros(FIELD, over, start=[0.9], points=2, executor=executor), "floating point: 2 x 2 pairs"
        yield map_lyapunov(FIELD, over, [[1.5, 2]], points=2, executor=executor), "floating point: 2 x 2 pairs"
    yield compare_regions(region), "certified: K = 1, mu = "
    yield certify_zero(FIELD, [0.9]), "certified: one zero, alone within"
    border = [[-1.0, 1.0], [1.0, 2.0]]
    yield (
        certify_border_point(AdamField(PLANE, ADAM), [0.9, 1.0], border),
        "certified: one stationary point of the projec",
    )
    yield certify_border_point(FIELD, [0.0], [[0.0, 1.0]]), "undecided: no stationary point of the projected field is"
    yield certify_crossing(FIELD, 0.5, 1.5), "certified: the field changes from positive to negative for theta from"
    yield certify_crossing(FIELD, 1.5, 2.5), "undecided: no change of sign is proven"
    minima = certify_zero(AdamField(FITTED, ADAM), [1, 1])
    yield minima, "certified: a set of minima of dimension 1"
    yield minima.minima, "certified: a set of minima of dimension 1"
    yield certify_lyapunov_ball(AdamField(ONE_ROW, Adam("0.5", "0.9", "1")), [0.1]), "certified: the loss decreases"
    yield check_certificate(certificate(zeros)), "certified: valid, "
    yield check_certificate(certificate(zeros) | {"digest": "0"}), "refuted: not valid: "
    yield a_branch(), "certified: one branch of zeros for eps from 0 to 1, attracting: 2 tubes"
    yield zeros_over(), "certified: for every eps from 0 to 1 exactly 1 zero"
    yield Motion(HALF, Fraction(1), np.array(BOX), np.array([[1.0, 2.0]])), "certified: 1 coordinate for beta2 from 0.5"
    zero = find_zero(FIELD, [1.0])
    yield zero, "floating point: converged: 1 parameter at ("
    yield zero.critical_point, "floating point: 0.098"
    yield flow(FIELD, [2.0], [0, 1]), "floating point: 1 solution in 1 parameter at 2 times; end"
    yield flow(FIELD, [[2.0], [1.0]], [0, 1, 2]), "floating point: 2 solutions in 1 parameter at 3 times; end"
    chains = "floating point: 4 chains in 1 parameter after 50 steps; none diverged"
    yield simulate(PROBLEM, ADAM, SCHEDULE, [2.0], 50, 4, 0), chains
    yield simulate(PLANE, ADAM, SCHEDULE, [2.0, 1.0], 50, 4, 0), "floating point: 4 chains in 2 parameters"
    found = pseudo_trajectory(PROBLEM, ADAM, SCHEDULE, [2.0], [10, 50], 0.1, chains=4)
    yield found, "holds: within the bound: 2 of 2 windows"
    yield (
        increment_test(PROBLEM, ADAM, FIELD, StepSizeSchedule("0.001"), [1.5], 20, 0.01, chains=4),
        "statistical: p = ",
    )
    yield phase_portrait(FIELD, BOX, 5), "floating point: the field on a grid of 5 points in 1 parameter"
    yield basins(FIELD, BOX, 3, [[0.9]], 1.0, 0.1), "floating point: 1 of 3 starts reach an attracting zero by time 1"
    yield FIELD.evaluate([1.0]), "floating point: f = [-0.034"
    yield FIELD.evaluate(np.ones((5, 1))), "floating point: f at 5 points in 1 parameter, max |f| = "
    yield FIELD.linearize([1.0]), "floating point: 1 parameter; max |f| = "
    yield FIELD.hyperparameter_derivatives([1.0]), "floating point: max |df/dbeta1| = "
    yield monte_carlo(PROBLEM, ADAM, [1.0], 0, steps=50, chains=4), "statistical: f = ["
    step = checked_step("One", "It is <one>, $x_1$.", ["1 = 1"], lambda: exact_equality(sp.Integer(1), sp.Integer(1)))
    yield Derivation("A field", (step, step)), "holds: A field: 2 steps"
    yield a_claim(), "holds: c99_made_up, made <up>: all evidence holds"
    declared = Recursion(beta1=0.9, beta2=0.999)
    yield Conformance("mine <b>", True, declared, declared, (), None, None), "holds: mine <b>: conforms"
    yield Conformance("mine", False, declared, None, ("it differs",), None, None), "refuted: mine: does NOT conform"
    means = np.ones((1, 2, 1))
    yield Training(np.array([4]), np.array([0.1]), means, means[0], np.zeros(2, np.int64)), "floating point: 2 chains"
    windows = tuple(MeanIterate(*np.linspace(0.1, 1, 6) + k) for k in range(2))
    compared = Comparison(windows, windows[0], np.ones(1), 1.0, 2, 0)
    yield compared, "statistical: "
    yield a_network_report(zero, compared), "undecided: converged"
    yield prove_sign(PROBLEM, ADAM, [2]), "stated: f_theta(2) < 0, for every beta1"
    yield prove_sign(EVEN, ADAM, [0]), "undecided: the sign of f_theta at 0"
    yield KernelReport(True, ("classic",), "", "8.16.1"), "formal: accepted by coqc 8.16.1"
    yield KernelReport(False, (), "Error: <no>", "8.16.1"), "refuted: NOT accepted (Error: <no>) by coqc"


@pytest.fixture(scope="module")
def results():
    return list(everything())


def concrete(kind=Result):
    """All classes of results in adamsym."""
    for module in pkgutil.walk_packages(adamsym.__path__, "adamsym."):
        if not re.search("torch|jax|__main__", module.name):
            importlib.import_module(module.name)
    waiting, found = [kind], set()
    while waiting:
        for one in waiting.pop().__subclasses__():
            waiting.append(one)
            if one.__module__.startswith("adamsym."):
                found.add(one)
    return found - {Certifiable, Result}


NO_RESULT = {
    "a problem, a method, or what is made to be used further": [
        "Adam", "Adapter", "Empirical", "LaplaceForm", "Method", "Problem", "ProblemFile", "SignForm",
        "StepSizeSchedule", "ClaimModule", "Explorer", "HiddenLayer", "Runs", "LyapunovDerivative",
    ],
    "what a check of a claim or of a step returns, in one line": ["Finding", "equality.Check"],
    "one number with its error, on which fields are built": ["LawQuotient", "Quotient", "SignMean"],
}  # fmt: skip
"""Classes that public functions return and that are no results, by reason."""


def returned(names):
    """The classes of adamsym that functions return, by their annotations."""
    found = set()
    for value in names.values():
        if inspect.isfunction(value):
            waiting = [typing.get_type_hints(inspect.unwrap(value)).get("return")]
            while waiting:
                one = waiting.pop()
                waiting += typing.get_args(one)
                if inspect.isclass(one) and one.__module__.startswith("adamsym"):
                    found.add(one)
    return found


def strays(names):
    excused = tuple(f".{name}" for listed in NO_RESULT.values() for name in listed)
    found = (one for one in returned(names) if not issubclass(one, Result))
    return sorted(one.__name__ for one in found if not f"{one.__module__}.{one.__name__}".endswith(excused))


def test_what_public_functions_return_is_a_result():
    assert strays(public()) == []
    kinds = [f"{one.__module__}.{one.__name__}" for one in returned(public())]
    assert all(any(kind.endswith(name) for kind in kinds) for listed in NO_RESULT.values() for name in listed)

    class Stray:
        """Printed by its internals."""

    Stray.__module__ = "adamsym.made_up"

    def made_up() -> Stray | None: ...

    assert strays({"made_up": made_up}) == ["Stray"]


def test_every_kind_of_result_is_tried(results):
    assert concrete() - {type(found) for found, _ in results} == set()
    assert all(is_dataclass(one) and one.__dataclass_params__.frozen for one in concrete())


def test_every_result_is_short_and_complete(results):
    for found, words in results:
        assert repr(found).startswith(f"<{type(found).__name__}: {words}"), repr(found)
        assert found.verdict in VERDICTS
        assert repr(found).removeprefix(f"<{type(found).__name__}: ").startswith(found.verdict)
        assert len(repr(found)) < 320, repr(found)
        assert "\n" not in repr(found)
        written = json.dumps(found.to_dict(), allow_nan=False)
        assert json.loads(written) == found.to_dict()


def test_the_glossary_has_every_verdict():
    text = (Path(__file__).parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
    [line] = re.findall(r"^\| verdict \| (.*) \|$", text, re.MULTILINE)
    assert tuple(re.findall(r"\*([a-z ]+)\*", line)) == VERDICTS


def test_parts_of_results_are_short(results):
    parts = concrete(Record) - concrete() - {Result, Certifiable}
    assert len(parts) > 5
    [swept] = [found for found, _ in results if type(found).__name__ == "Sweep"]
    [claim] = [found for found, _ in results if type(found).__name__ == "ClaimReport"]
    [derivation] = [found for found, _ in results if type(found).__name__ == "Derivation"]
    branch = swept.branches[0]
    shown = {
        repr(one)
        for one in (results[0][0].zeros[0], branch, branch.points[0], claim.evidence[0], claim.controls[0],
                    derivation.steps[0])
    }  # fmt: skip
    assert all(len(one) < 250 and "array" not in one for one in shown)
    assert "<ControlReport: rejected: one: it is not>" in shown
    assert f"<Branch: {len(branch.points)} zeros for beta2 from 0.6 to 0.7>" in shown


def test_a_notebook_shows_the_verdict_the_table_and_the_picture(results):
    tables = pictures = 0
    for found in {type(found): found for found, _ in results}.values():
        html = found._repr_html_()
        start = re.fullmatch(r"<p><span style=[^>]*>([a-z ]+)</span> <strong>(\w+)</strong>: .*", html.split("</p>")[0])
        assert start.groups() == (found.verdict, type(found).__name__)
        assert "<b>" not in html
        assert "<up>" not in html
        assert ("<th" in html) == bool(found.table()[1])
        image = re.search('<img alt="([^"]+)".*src="data:image/png;base64,', html)
        assert image is None or html.index("</p>") < html.rindex("<img")
        tables, pictures = tables + ("<table>" in html), pictures + (image is not None)
    assert tables > 12
    assert pictures > 12


def test_a_derivation_in_a_notebook_has_titles_prose_formulas_and_checks(results):
    [found] = [found for found, _ in results if type(found).__name__ == "Derivation"]
    html = found._repr_html_()
    for step in found.steps:
        assert f". {step.title}</h2>\n<p>It is &lt;one&gt;, <math" in html
    assert html.count("Checked: ") == len(found.steps)
    assert html.count("<math") == sum(len(step.equations) + step.statement_text.count("$") // 2 for step in found.steps)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_data_frames(results, library):
    module = pytest.importorskip(library)
    for found, _ in results:
        columns = found.columns()
        frame = found.to_dataframe(library=library)
        assert isinstance(frame, module.DataFrame)
        assert list(frame.columns) == list(columns)
        assert len({len(column) for column in columns.values()}) == 1
        assert len(frame) == len(next(iter(columns.values()))) > 0 or "undecided" in repr(found)
    zeros = results[0][0].to_dataframe(["t"], library=library)
    assert zeros["lower.t"][0] <= zeros["t"][0] <= zeros["upper.t"][0]
    with pytest.raises(InputError, match="names: 2 different names; give one for each of 1 parameters"):
        results[0][0].to_dataframe(["a", "b"], library=library)


def test_data_frames_without_their_libraries(results, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    found = results[0][0]
    with pytest.raises(NotApplicable, match=r"^to_dataframe: pandas not installed; install adamsym\[dataframe\]"):
        found.to_dataframe(library="pandas")
    with pytest.raises(InputError, match="library: 'R' is not allowed; allowed are pandas and polars"):
        found.to_dataframe(library="R")
    if importlib.util.find_spec("polars"):
        assert type(found.to_dataframe()).__module__.startswith("polars")
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(NotApplicable, match=r"^to_dataframe: pandas and polars not installed; "):
        found.to_dataframe()


def test_natural_pictures(results):
    drawn = 0
    for found, _ in results:
        axes = Figure().add_subplot()
        with suppress(NotApplicable):
            assert found.plot(axes) is axes
            assert axes.has_data(), found
        drawn += axes.has_data()
        with pytest.raises(InputError, match="ax: ndarray is no Axes; give Axes, such as"):
            found.plot(np.array([axes]))
    assert drawn > 15


def test_a_figure_is_made_where_none_is_given(results):
    axes = results[0][0].plot()
    assert axes.get_figure() is pyplot.gcf()
    pyplot.close(axes.get_figure())


def test_zeros_are_a_table_in_a_notebook(results):
    html = results[0][0]._repr_html_()
    assert '<th scope="col">theta</th><th scope="col">box width</th><th scope="col">stability</th>' in html
    assert "<td>attracting</td>" in html


def test_what_has_no_picture_says_so():
    with pytest.raises(NotApplicable, match="an ensemble in 3 parameters cannot be drawn; one or two can"):
        simulate(SPACE, ADAM, SCHEDULE, [2.0, 1.0, 1.0], 5, 4, 0).plot(Figure().add_subplot())
    with pytest.raises(NotApplicable, match="plot: Linearization has no picture of its own"):
        FIELD.linearize([1.0]).plot()


def test_values_of_the_field():
    found = FIELD.evaluate([2.0])
    assert found.to_dict() == {"field": found.value.tolist(), "error": found.error.tolist()}
    assert found.table()[1] == [["theta", repr(float(found.value[0])), f"{found.error[0]:.1e}"]]
    assert AdamField(PLANE, ADAM).evaluate([[1, 2], [3, 4]]).table()[0][1] == "f at the first point"
    assert repr(AdamField(PLANE, ADAM)) == "<AdamField: 2 parameters, Adam(beta1=0.5, beta2=0.6, eps=1.0)>"


def test_columns_have_the_names_of_the_problem():
    field, start = AdamField(PLANE, ADAM), [2.0, 1.0]
    assert list(field.evaluate(start).columns()) == ["f.a", "f.b", "error.a", "error.b"]
    assert list(flow(field, start, [0, 1]).columns())[2:4] == ["a", "b"]
    runs = simulate(PLANE, ADAM, SCHEDULE, start, 5, 4, 0)
    assert list(runs.columns())[2:4] == [row[0] for row in runs.table()[1]] == ["a", "b"]
    assert find_zero(field, [1.0, 0.1]).columns()["parameter"] == ["a", "b"]
    assert list(runs.columns(["u", "v"]))[2:4] == ["u", "v"]
    epochs = Problem("(a - x)**2/2 + b**2", ["a", "b"], Empirical({"x": [0, 3]}), sampling="cyclic")
    assert list(AdamField(epochs, ADAM).evaluate(start).columns())[:2] == ["f.a", "f.b"]


def test_help_shows_types_by_their_names():
    shown = {name: str(inspect.signature(getattr(adamsym, name))) for name in adamsym.__all__ if name[0].islower()
             and inspect.isfunction(getattr(adamsym, name))}  # fmt: skip
    assert len(shown) > 15
    assert shown["find_zero"].startswith(
        "(field: AdamField, theta0: ArrayLike, *, tolerance: float = 1e-10, budget: int"
    )
    assert shown["find_zero"].endswith(") -> ZeroPoint")
    for text in (*shown.values(), str(inspect.signature(AdamField)), str(inspect.signature(Problem))):
        assert not re.search(r"numpy\._|typing\.|collections\.abc|<function|adamsym\.", text), text
        assert len(text) < 450
    assert "_SupportsArray" in str(inspect.signature(inspect.unwrap(adamsym.flow)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([[1.0, np.nan]]), [[1.0, None]]),
        (np.float64("inf"), None),
        ((1, (2.5, "a")), [1, [2.5, "a"]]),
        (np.array("end"), "end"),
    ],
)
def test_plain_values(value, expected):
    assert plain(value) == expected
    json.dumps(plain(value), allow_nan=False)


def test_counts():
    assert [counted(k, "chain") for k in (0, 1, 2)] == ["0 chains", "1 chain", "2 chains"]


def test_the_command_line_prints_the_verdict_the_names_and_what_to_dict_returns(tmp_path, capsys):
    file = tmp_path / "p.toml"
    file.write_text(
        '[problem]\nloss = "(theta - x)**2/2"\nparameters = ["theta"]\n[data]\nx = [0, 0, 3]\n'
        "[adam]\nbeta1 = 0.5\nbeta2 = 0.6\neps = 1\n"
    )
    schedule = StepSizeSchedule("0.1/n**0.7")
    # The command compiles nothing for so small a problem: its sums are others, in the last digit.
    in_arrays = AdamField(PROBLEM, ADAM, backend="numpy")
    expected = {
        ("zeros", "--box", "theta=0:2"): find_zeros(FIELD, BOX),
        ("zeros", "--at", "theta=1"): certify_zero(FIELD, [1]),
        ("lyapunov", "--box", "theta=1.5:2"): certify_lyapunov(FIELD, [[1.5, 2.0]]),
        ("flow", "--from", "theta=2", "--time", "1", "--samples", "3"): flow(in_arrays, [2.0], [0, 0.5, 1]),
        ("simulate", "--from", "theta=2", "--steps", "5", "--chains", "2"): simulate(
            PROBLEM, ADAM, schedule, [2.0], 5, 2, 0
        ),
    }
    for (command, *options), found in expected.items():
        main([command, str(file), *options, "--json"])
        printed = json.loads(capsys.readouterr().out)
        assert printed == {"verdict": found.verdict, "parameters": ["theta"]} | found.to_dict()
    main(["derive", str(file), "--json"])
    assert json.loads(capsys.readouterr().out)["verdict"] == "holds"
