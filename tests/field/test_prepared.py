"""Problems made ready: NumPy alone gives the values of the compiled loops, and refuses what needs more than that."""

import dataclasses
import io
import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_laws import laws

from adamsym import Adam, AdamEpsInsideRoot, AdamField, AdamW, Empirical, Independent, NAdam, Problem, VectorField
from adamsym.expressions.precision import ball_bits
from adamsym.expressions.running import stacked
from adamsym.field import quotient
from adamsym.field.arrays.laws import values_of_laws
from adamsym.field.float.forms import float_form
from adamsym.field.prepared.preparing import form_numbers, prepared
from adamsym.field.prepared.problem import _ball_of
from adamsym.field.prepared.program import Program
from adamsym.field.prepared.reading import from_bytes
from adamsym.methods import RMSprop, Signum

METHODS = [
    Adam(0.9, 0.999, 1e-8),
    Adam(0, 0, 1e-2),
    Adam(0.5, 0.3, 1),
    RMSprop(beta2=0.9, eps=1e-4),
    AdamEpsInsideRoot(0.9, 0.99, 1e-6),
    AdamW(0.9, 0.95, 1e-3, weight_decay=0.1),
]
ROWS = Empirical({"x": [0.1, -2, 3], "y": [1, 0, 1]}, weights=[1, 2, 3])
LOSSES = {
    "(a*x + b - y)**2/2": ["a", "b"],
    "softplus(a*x) - y*a*x + exp(-b**2*x)": ["a", "b"],
    "tanh(a*x)**2/3 + log(1 + a**2) + pi*a/7 + (1 + a**2)**(1/3) + erf(a*x)": ["a"],
    "logsumexp(a*x, -a, 2) + 1/(1 + a**2)**(3/2) + sqrt(1 + x**2*a**2)": ["a"],
}


@settings(max_examples=40)
@given(law=laws, method=st.sampled_from(METHODS))
def test_the_quadrature_agrees_with_the_compiled_loops(law, method):
    atoms, weights = (np.array(part, dtype=float) for part in zip(*law, strict=True))
    p = weights / weights.sum()
    form = form_numbers(float_form(method), len(atoms))
    found, wanted = values_of_laws([atoms], p, form, 1e-13), quotient(atoms[None], p, method)
    assert found is not None
    value, error, inverse = (float(part[0]) for part in (found.value, found.error, found.inverse))
    assert abs(value - wanted.value[0]) <= error + wanted.error[0]
    assert error <= 2 * wanted.error[0] + 1e-300
    assert inverse == pytest.approx(wanted.inverse[0], rel=1e-6)


def test_an_eps_below_all_floats_beside_the_gradients_is_left_to_the_compiled_loops():
    for method in (Adam(0, 0.99, "1e-300"), AdamEpsInsideRoot(0, 0.99, "1e-300")):
        form = form_numbers(float_form(method), 3)
        assert values_of_laws([np.array([1e200, -2e200, 3e200])], np.array([0.2, 0.3, 0.5]), form, 1e-13) is None


KINKED = Problem("Max(a*x - y, 0)**2 + Abs(a*x)/3", ["a"], ROWS)


@pytest.mark.parametrize("problem", [KINKED, KINKED.changed(batch_size=2)])
def test_the_field_by_arrays_is_that_of_the_compiled_loops(problem):
    for method in (METHODS[0], NAdam(0.9, 0.99, 1e-3)):
        fields = [AdamField(problem, method, backend=backend) for backend in ("numpy", "numba")]
        found, wanted = (field.evaluate([[0.5], [-2.0], [0.25]]) for field in fields)
        assert (abs(found.value - wanted.value) <= found.error + wanted.error).all()
        assert (found.error <= 2 * wanted.error).all()
        np.testing.assert_allclose(fields[0].jacobian([0.5]), fields[1].jacobian([0.5]), rtol=1e-12)


@settings(max_examples=30)
@given(law=laws, method=st.sampled_from(METHODS))
def test_derivatives_by_arrays_are_those_of_the_compiled_loops(law, method):
    atoms, weights = (np.array(part, dtype=float) for part in zip(*law, strict=True))
    p, form = weights / weights.sum(), float_form(method)
    numbers = form_numbers(form, len(atoms))
    found, wanted = values_of_laws([atoms], p, numbers, 1e-13, slopes=True), quotient(atoms[None], p, method, True)
    # What is left of slopes that cancel is rounding.
    rounding = 1e-13 * form.largest / max(abs(atoms).max(), form.size)
    np.testing.assert_allclose(found.slopes[0], wanted.sensitivity[0], rtol=1e-9, atol=rounding + 1e-300)


def test_derivatives_by_arrays_are_those_of_differences():
    atoms, p, step = np.array([1.0, -0.5, 2.0, 0.3]), np.array([0.4, 0.3, 0.2, 0.1]), 1e-5
    for method in METHODS:
        form = form_numbers(float_form(method), 4)
        found = values_of_laws([atoms], p, form, 1e-13, slopes=True).slopes[0]
        ends = [
            values_of_laws([atoms + sign * step * row for row in np.eye(4)], p, form, 1e-13).value for sign in (1, -1)
        ]
        np.testing.assert_allclose(found, (ends[0] - ends[1]) / (2 * step), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("method", [Adam(0.9, 0.99, 1e-2), METHODS[4]])
def test_a_lag_more_or_less_is_seen(method):
    """The control: the lag sums, the filters and the control variate all count."""
    atoms, p = np.array([1.0, -0.5, 2.0]), np.array([0.5, 0.3, 0.2])
    form = form_numbers(float_form(method), 3)
    known = values_of_laws([atoms], p, form, 1e-13)
    (value,), (error,) = known.value, known.error
    rule = form.rules[0]
    changed = [
        rule._replace(grid=rule.grid._replace(decay=rule.grid.decay * 0.99)),
        rule._replace(grid=rule.grid._replace(filter_b=np.roll(rule.grid.filter_b, 1))),
        rule._replace(amount=rule.amount * 1.001),
        rule._replace(cutoff=rule.cutoff._replace(first=rule.cutoff.first + 1)),
    ]
    for other in changed:
        found = values_of_laws([atoms], p, dataclasses.replace(form, rules=(other,)), 1e-3)
        assert found is None or abs(found.value[0] - value) > 1e3 * error


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("method", [METHODS[0], METHODS[5]])
def test_values_are_those_of_the_field(loss, method):
    problem = Problem(loss, LOSSES[loss], ROWS)
    ready = prepared(problem, method)
    ready = from_bytes(ready.to_bytes())
    theta = np.array([0.75, -0.3])[: problem.dimension]
    found, wanted = ready.evaluate(theta), AdamField(problem, method).evaluate(theta)
    assert (abs(found.value - wanted.value) <= found.error + wanted.error).all()
    assert (found.error <= 2 * wanted.error).all()
    elsewhere = ready.evaluate(theta + 1e-6)
    assert (abs(elsewhere.value - wanted.value) > elsewhere.error + wanted.error).any()  # the control


@pytest.mark.parametrize(
    ("problem", "refused"),
    [
        # The kinks at y/x: there rows switch, with a jump or without, and floats near 1/3 do not tell on which side.
        (KINKED, [0.0, 10.0, 1 / 3]),
        (KINKED.changed(batch_size=2), [0.0, 10.0, 1 / 3]),
        (Problem("log(a)*x + sqrt(a + x + 9) + 1/(a - 1)", ["a"], ROWS, 3), [0.0, -1.0, 1.0]),
        (Problem("(a - x)**2/2 + tanh(a*y)", ["a"], ROWS, 4), []),
    ],
    ids=repr,
)
def test_kinks_domains_and_minibatches_are_those_of_the_field(problem, refused):
    """Where a row may be at a kink, or outside the domain, the field itself is asked."""
    for method in (METHODS[0], METHODS[5]):
        ready = from_bytes(prepared(problem, method).to_bytes())
        for theta in (0.5, 0.7, 2.0):
            found, wanted = ready.evaluate(np.array([theta])), AdamField(problem, method).evaluate([theta])
            assert (abs(found.value - wanted.value) <= found.error + wanted.error).all()
            assert (found.error <= 2 * wanted.error).all()
        if problem.batch_size > 1:
            of_rows = dataclasses.replace(ready, shares=None, probabilities=problem.law.probabilities)
            other = of_rows.evaluate(np.array([theta]))
            assert (abs(other.value - wanted.value) > other.error + wanted.error).all()  # the control
        assert [ready.evaluate(np.array([theta])) for theta in refused] == [None] * len(refused)
        without = dataclasses.replace(ready, relations=(), program=_first_output(ready.program))
        assert any(without.evaluate(np.array([theta])) is not None for theta in refused) == bool(refused)


def _first_output(program):
    return Program(program.inputs, program.steps, program.outputs[:1])


def with_plain(content, path, value):
    """The archive with another value at a place of its plain data; the arrays stay."""
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    plain = json.loads(arrays["plain"].tobytes())
    place = plain
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    file = io.BytesIO()
    np.savez(file, **(arrays | {"plain": np.frombuffer(json.dumps(plain).encode(), dtype=np.uint8)}))
    return file.getvalue()


@pytest.mark.parametrize(
    "path",
    [("names", 0), ("start", "a"), ("dropped",), ("form", "eps"), ("form", "decay"), ("relations", 0),
     ("rules", 0, 0, "alias"), ("rules", 0, 0, "eps_inside_root"), ("rules", 0, 1, "stride"), ("rules", 0, 2),
     ("program", 2)],
)  # fmt: skip
@pytest.mark.parametrize("value", [None, "text", [], {}, 1e999])
def test_an_archive_of_other_types_is_none(path, value):
    """The right arrays beside the wrong plain data."""
    content = prepared(KINKED, METHODS[0], {"a": 0.5}, 0).to_bytes()
    allowed = (path == ("names", 0) and value == "text") or (
        value == 1e999 and path[-1] in ("a", "eps", "decay", "alias")
    )
    assert (from_bytes(with_plain(content, path, value)) is None) == (not allowed)


@pytest.mark.parametrize("name", ["rows", "probabilities", "filter_b0", "checks_r0", "cutoff0", "exact_rows"])
def test_an_archive_of_other_arrays_is_none(name):
    content = prepared(KINKED, METHODS[0], {"a": 0.5}, 0).to_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    for other in (arrays[name].astype(complex), arrays[name].astype(str), arrays[name][None]):
        file = io.BytesIO()
        np.savez(file, **(arrays | {name: other}))
        assert from_bytes(file.getvalue()) is None


def test_what_is_kept_gives_the_same_values_and_a_broken_archive_none():
    ready = prepared(Problem("(a*x + b - y)**2/2", ["a", "b"], ROWS), METHODS[0], {"a": 0.5, "b": 0.0}, 3)
    content = ready.to_bytes()
    again = from_bytes(content)
    assert (again.names, again.start, again.dropped) == (("a", "b"), {"a": 0.5, "b": 0.0}, 3)
    one, other = ready.evaluate(np.array([0.5, 0.25])), again.evaluate(np.array([0.5, 0.25]))
    assert one.value.tolist() == other.value.tolist()
    assert one.error.tolist() == other.error.tolist()
    for broken in (b"", b"PK\x03\x04", content[: len(content) // 2], content[:-30]):
        assert from_bytes(broken) is None


@pytest.mark.parametrize(
    ("array", "value"),
    [("rows", np.array(3.0)), ("probabilities", np.array(1.0)), ("plain", np.array(3.0))],
)
def test_an_archive_of_arrays_of_other_shapes_is_none(array, value):
    content = prepared(Problem("(a*x + b - y)**2/2", ["a", "b"], ROWS), METHODS[0], {}, 0).to_bytes()
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    assert array in arrays
    file = io.BytesIO()
    np.savez(file, **(arrays | {array: value}))
    assert from_bytes(file.getvalue()) is None


def test_an_archive_that_says_it_is_larger_than_memory_is_none():
    content = prepared(KINKED, METHODS[0], {"a": 0.5}, 0).to_bytes()
    file, header = io.BytesIO(), io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**15, 2)})
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, header.getvalue() if name == "rows.npy" else old.read(name))
    assert from_bytes(file.getvalue()) is None


@pytest.mark.parametrize(
    "steps",
    [
        [["system", [0]]],
        [["__import__", [0]]],
        [["add", [0, 1]]],
        [["add", [0, -1]]],
        [["add", [0, True]]],
        [["add", ["0", 0]]],
        [[["add"], [0, 0]]],
    ],
)
def test_programs_know_their_operations_and_what_came_before(steps):
    good = [1, [["add", [0, 2.0]], ["exp", [1]]], [2]]
    assert Program.from_plain(json.loads(json.dumps(good))).to_plain() == good
    with pytest.raises((ValueError, TypeError)):
        Program.from_plain([1, steps, [1]])
    with pytest.raises(ValueError, match="no program"):
        Program.from_plain([1, good[1], [3]])


LAWS = [
    Problem("a**2*x/2 + a*y + b**2*x", ["a", "b"], Independent({"x": "Normal(1, 2)", "y": "Normal(0, 1/3)"}), 3),
    Problem("a**2*x/2 + exp(b)*y - sin(a)*b", ["a", "b"], Independent({"x": "Uniform(-1, 3)", "y": "Exponential(2)"})),
    Problem("(a - x)**2/2", ["a"], Independent({"x": "Exponential(1)"})),
]


@pytest.mark.parametrize("method", [METHODS[0], METHODS[4], METHODS[5]])
@pytest.mark.parametrize("problem", LAWS, ids=repr)
def test_values_of_laws_in_closed_form_lie_in_the_balls(problem, method):
    ready = from_bytes(prepared(problem, method).to_bytes())
    field, theta = AdamField(problem, method), np.array([0.75, -0.3])[: problem.dimension]
    found, bounds = ready.evaluate(theta), field.enclose(np.stack((theta, theta), axis=-1))
    assert (bounds[:, 0] - found.error <= found.value).all()
    assert (found.value <= bounds[:, 1] + found.error).all()
    assert (found.error <= 2 * field.evaluate(theta).error).all()
    elsewhere = ready.evaluate(theta + 1e-6)
    outside = (elsewhere.value < bounds[:, 0] - elsewhere.error) | (elsewhere.value > bounds[:, 1] + elsewhere.error)
    assert outside.any()  # the control


def test_laws_that_are_none_are_left_to_the_field():
    """A product of two columns has no closed form; and numbers out of range make no law."""
    product = Problem("(a*x - y)**2/2", ["a"], Independent({"x": "Normal(1, 2)", "y": "Normal(0, 1)"}))
    assert prepared(product, METHODS[0]) is None
    ready = prepared(Problem("exp(a)*x", ["a"], Independent({"x": "Normal(1, 2)"})), METHODS[0])
    assert ready.evaluate(np.array([0.5])) is not None
    assert ready.evaluate(np.array([1e3])) is None


EQUAL = Empirical({"x": [0.1, -2, 3], "y": [1, 0, 1]})
EPOCHS = [
    Problem(str(KINKED.loss), ["a"], EQUAL, sampling="cyclic"),
    Problem(str(KINKED.loss), ["a"], EQUAL, sampling="full"),
    Problem("(a*x - y)**2/2 + log(a)", ["a"], Empirical({"x": [1, 2, -1, 1], "y": [0, 1, 3, 0]}), 3, sampling="cyclic"),
    Problem("(a*x - y)**2/2 + b*x", ["a", "b"], Empirical({"x": [1, 2, 1], "y": [0, 1, 0]}), sampling="reshuffled"),
]


@pytest.mark.parametrize("method", [METHODS[0], METHODS[1], METHODS[5], NAdam(0.9, 0.99, 1e-3)])
@pytest.mark.parametrize("problem", [one for one in EPOCHS if one.sampling != "full"], ids=repr)
def test_epochs_are_those_of_the_field(problem, method):
    ready, theta = from_bytes(prepared(problem, method).to_bytes()), np.array([0.75, -0.3])[: problem.dimension]
    found, wanted = ready.evaluate(theta), AdamField(problem, method).evaluate(theta)
    assert (abs(found.value - wanted.value) <= found.error + wanted.error).all()
    assert (found.error <= 2 * wanted.error).all()
    elsewhere = ready.evaluate(theta + 1e-6)
    assert (abs(elsewhere.value - wanted.value) > elsewhere.error + wanted.error).any()  # the control
    other = dataclasses.replace(
        ready, epoch=dataclasses.replace(ready.epoch, batch_size=3 - ready.epoch.batch_size // 2)
    )
    assert abs(other.evaluate(theta).value - found.value).max() > 1e-6  # and how the rows are drawn counts


def test_epochs_at_kinks_and_of_many_orders_are_left_to_the_field():
    ready = prepared(EPOCHS[0], METHODS[0])
    assert [ready.evaluate(np.array([theta])) for theta in (0.0, 10.0, 1 / 3)] == [None] * 3
    many = Problem("(a - x)**2/2", ["a"], Empirical({"x": list(range(9))}), sampling="reshuffled")
    assert prepared(many, METHODS[0]) is None
    assert prepared(many.changed(sampling="cyclic"), METHODS[0]) is not None


@pytest.mark.parametrize(
    ("problem", "path"),
    [
        *((EPOCHS[3], path) for path in [("epoch", 0), ("epoch", 1), ("epoch", 3), ("kinds",), ("kinds", 0)]),
        *((EPOCHS[3], path) for path in [("form", 0), ("form", 1, 0), ("form", 1), ("form", 2, 1), ("program", 0)]),
        *((LAWS[1], path) for path in [("laws",), ("laws", 0, 0), ("laws", 0, 1), ("names",), ("program", 2)]),
        *((problem, ("kind",)) for problem in (EPOCHS[3], LAWS[1], KINKED)),
    ],
)
@pytest.mark.parametrize("value", [None, "text", [], {}, 1e999, 10**6, -1])
def test_an_archive_of_other_epochs_or_laws_is_none(problem, path, value):
    content = prepared(problem, METHODS[0]).to_bytes()
    assert from_bytes(content) is not None
    assert from_bytes(with_plain(content, path, value)) is None


@pytest.mark.parametrize(
    "problem",
    [
        VectorField(["Abs(a)*x"], ["a"], ROWS),
        Problem("(a - x)**2/2", ["a"], Independent({"x": "Gamma(2, 1)"})),
        Problem("log(a)*x", ["a"], Independent({"x": "Normal(0, 1)"})),
        Problem("Abs(a)*x", ["a"], Independent({"x": "Normal(0, 1)"})),
        Problem("(a - x)**2/2", ["a"], ROWS, 2000),
    ],
    ids=repr,
)
def test_other_problems_are_left_to_the_field(problem):
    assert prepared(problem, METHODS[0]) is None


def test_methods_of_other_forms_are_left_to_the_field():
    problem = Problem("(a - x)**2/2", ["a"], ROWS)
    assert prepared(problem, METHODS[0]) is not None
    assert prepared(problem, NAdam(0.9, 0.99, 1e-3)) is None or len(float_form(NAdam(0.9, 0.99, 1e-3)).parts) == 1
    assert prepared(problem, Signum(0.9)) is None


def test_points_where_more_is_needed_are_left_to_the_field():
    ready = prepared(Problem("exp(a*x) + (1 + a**2)**(-1)", ["a"], ROWS), METHODS[0])
    assert ready.evaluate(np.array([0.5])) is not None
    assert ready.evaluate(np.array([1e3])) is None  # gradients overflow


def test_gradients_whose_terms_cancel_are_mended_by_balls():
    problem = Problem("((1e9 + a)*x - 1e9*x)**2/2 + cosh(a)", ["a"], ROWS)
    ready, theta = prepared(problem, METHODS[0]), np.array([1e-7])
    found, wanted = ready.evaluate(theta), AdamField(problem, METHODS[0]).evaluate(theta)
    assert (abs(found.value - wanted.value) <= found.error + wanted.error).all()
    assert (found.error <= 1.5 * wanted.error).all()
    without = dataclasses.replace(ready, exact_rows=None)
    assert without.evaluate(theta) is None  # the control: it is the balls that mend


def test_rows_of_small_decimals_and_of_many_columns_are_mended_too():
    """Decimals of 17 digits below 1e-2 have denominators beyond 64 bits."""
    small = ["6.420707435172087e-05", "-1.2345678901234567e-09", "0.00012345678901234567", "1/3", "2.5e-20", "3"]
    law = Empirical({"x": small, **{f"y{k}": small for k in range(5)}})
    problem = Problem("((1e9 + a)*x - 1e9*x)**2*1e8/2 + y0 + y1 + y2 + y3 + y4 + cosh(a)", ["a"], law)
    ready, theta = prepared(problem, METHODS[0]), np.array([1e-7])
    kept = zip(ready.rows.ravel().tolist(), *ready.exact_rows.reshape(2, -1).tolist(), strict=True)
    with ball_bits(128):
        for numbers, x in zip(kept, (x for row in law.exact_rows for x in row), strict=True):
            ball = _ball_of(*numbers)
            assert (ball * x.denominator).contains(x.numerator)
            assert not (ball * x.denominator).contains(x.numerator + 1)  # the control
    again = from_bytes(ready.to_bytes())
    found, wanted = again.evaluate(theta), AdamField(problem, METHODS[0]).evaluate(theta)
    assert (abs(found.value - wanted.value) <= found.error + wanted.error).all()
    assert (found.error <= 1.5 * wanted.error).all()


def test_a_planted_power_of_ten_is_refused():
    """It would fill the memory."""
    ready = prepared(KINKED, METHODS[0])
    planted = ready.exact_rows.copy()
    planted[1, 0, 0] = -(10**12)
    assert from_bytes(dataclasses.replace(ready, exact_rows=planted).to_bytes()) is None
    assert from_bytes(ready.to_bytes()) is not None


def test_ten_thousand_rows_are_mended_and_gradients_computed_in_parts(monkeypatch):
    """Of so many rows the exact numbers are kept; no step of a program is an array of more rows than a part."""
    rows = 12_000
    law = Empirical({"x": np.linspace(-1, 1, rows), "y": np.cos(np.arange(rows)), "z": np.sin(np.arange(rows))})
    problem = Problem("(a*x + b*z - y)**2/2", ["a", "b"], law)
    ready, theta, widths = prepared(problem, METHODS[0]), np.array([0.3, 0.2]), []
    assert ready.exact_rows is not None
    whole = ready.evaluate(theta)
    monkeypatch.setattr("adamsym.field.prepared.rows._ROWS_AT_ONCE", 5000)
    monkeypatch.setattr(
        "adamsym.field.prepared.rows.stacked",
        lambda program, operands: widths.append(len(operands[-1].value)) or stacked(program, operands),
    )
    parts = ready.evaluate(theta)
    assert widths == [5000, 5000, 2000]
    assert (parts.value.tolist(), parts.error.tolist()) == (whole.value.tolist(), whole.error.tolist())
