"""Problem files to begin with: rules as stated, files that load and run, and none that is overwritten."""

import csv
import gzip
import io
import tomllib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from adamsym import AdamField, read_problem
from adamsym.__main__ import main
from adamsym.gradients.reading import problem_of
from adamsym.gradients.starting import LOSSES, choose, problem_text
from adamsym.gradients.survey import survey

EXAMPLES = Path(__file__).parents[2] / "examples"


def write(text, name="data.csv"):
    Path(name).write_text(text)
    return name


def test_without_a_table_it_is_the_three_points(run):
    assert run("init").endswith("written to problem.toml\n")
    one, other = read_problem("problem.toml"), read_problem(EXAMPLES / "three_points.toml")
    assert (repr(one.problem), repr(one.adam), one.start) == (repr(other.problem), repr(other.adam), other.start)
    assert run("field", "problem.toml").startswith("no zero: max |f| = 0.577")


def test_no_file_is_overwritten_unless_it_is_asked_for(run):
    Path("problem.toml").write_text("mine")
    assert "exists already; add --force" in run("init", code=2)
    assert Path("problem.toml").read_text() == "mine"
    run("init", "--force")
    assert read_problem("problem.toml").start == {"theta": 2.0}
    write("x,y\n1,two\n3,two\n")
    before = Path("problem.toml").read_bytes()
    assert "no column" in run("init", "data.csv", "--force", "--target", "z", code=2)
    assert Path("problem.toml").read_bytes() == before


def test_regression(run):
    found = run("init", str(EXAMPLES / "diabetes.csv"), "--json")
    assert found["loss"] == "least_squares"
    assert found["target"] == ["progression"]
    assert len(found["inputs"]) == 10
    assert (found["rows"], found["dropped"], found["left_out"]) == (442, 0, {})
    text = run("init", str(EXAMPLES / "diabetes.csv"), "-o", "other.toml")
    assert text.startswith("least_squares of progression: 442 rows, 10 inputs, 11 parameters\n")
    assert len(run("field", "other.toml", "--json")["field"]) == 11


PEOPLE = "id;Größe [m];colour;note;response;w0;all\n1;1,70;red;a;yes;3;1\n2;;blue;b;no;4;1\n3;1,85;red;c;no;5;1\n"
PEOPLE += "".join(f"{k};1,{k}5;green;n{k};{'yes' if k % 3 else 'no'};{k % 7};1\n" for k in range(4, 20))


def test_a_table_as_people_have_them(run):
    Path("people.csv.gz").write_bytes(gzip.compress(("\ufeff" + PEOPLE).encode()))
    printed = run("init", "people.csv.gz")
    assert "logistic of response_yes: 18 rows, 3 inputs, 4 parameters" in printed
    assert "Target: 'response', by its name." in printed
    assert "1 of 19 rows lack an entry and are left out." in printed
    assert "Left out: 'id' (row numbers), 'note' (text), 'all' (one value)." in printed
    found = read_problem("problem.toml")
    assert set(found.problem.law.names) == {"Groe_m", "x_w0", "response_yes", "colour_red"}
    first = dict(zip(found.problem.law.names, found.problem.law.exact_rows[0], strict=True))
    assert first["response_yes"] == 1
    assert first["colour_red"] == 1
    assert (first["x_w0"], first["Groe_m"]) == (3, Fraction("1.7"))
    data = tomllib.loads(Path("problem.toml").read_text())["data"]
    assert (data["delimiter"], data["decimal"], data["missing"]) == (";", ",", "drop")
    assert main(["field", "problem.toml"]) == 0


TARGETS = [
    ("0\n1\n1", "logistic", ["y"]),
    ("1\n2\n1", "logistic", ["y_2"]),
    ("no\nyes\nno", "logistic", ["y_yes"]),
    ("a\nb\nc", "softmax", ["y_a", "y_b"]),
    ("a\nb\nc\na", "softmax", ["y_a", "y_b"]),
    ("1.5\n2\n3", "least_squares", ["y"]),
    ("0\n2\n1", "least_squares", ["y"]),
]


@pytest.mark.parametrize(("values", "loss", "target"), TARGETS)
def test_the_target_suggests_the_loss(run, values, loss, target):
    write("y,x\n" + "\n".join(f"{y},{x}" for y, x in zip(values.split(), (3, 1, 5, 2), strict=False)))
    found = run("init", "data.csv", "--json")
    assert (found["loss"], found["target"], found["inputs"]) == (loss, target, ["x"])


def test_categories_are_those_of_rows_that_lack_no_entry(run):
    write("day;size;kind;y\n1.2.;180,5;b;1\n2.2.;;c;2\n1.2.;165,0;a;7\n3.2.;190,2;a;3\n3.2.;170,1;b;5\n")
    found = run("init", "data.csv", "--json")
    assert (found["inputs"], found["rows"]) == (["day_3_2", "size", "kind_b"], 4)
    assert read_problem("problem.toml").dropped == 1
    write("kind,x,y\na,1,2\na,3,1\nb,,7\na,5,2\n")
    found = run("init", "data.csv", "--json", "--force")
    assert (found["inputs"], found["left_out"]) == (["x"], {"kind": "one value where no entry lacks"})
    write("x,y\n1,1\n3,1\n,2\n5,1\n")
    assert run("init", "data.csv", "--json", "--force")["loss"] == "least_squares"


def test_texts_that_all_differ_are_no_categories(run):
    write("day,x,y\n1.2.,1,2\n2.2.,3,1\n3.2.,5,7\n4.2.,5,2\n")
    assert run("init", "data.csv", "--json")["left_out"] == {"day": "text"}


@pytest.mark.parametrize("entry", ["1,234.5", "-1.000.000", "12 %", "$3", "1,5", "4 €", "1'000"])
def test_numbers_with_other_marks_are_no_categories(run, entry):
    write(f'x,price,y\n1,"{entry}",2\n3,"{entry}",1\n4,5,1\n5,7,1\n')
    found = run("init", "data.csv")
    assert f"Left out: 'price' (numbers with other marks, as {entry!r})." in found
    write(f'x,price,y\n1,"{entry}",2\n3,"{entry}",1\n4,many,1\n5,many,1\n')
    assert len(run("init", "data.csv", "--json", "--force")["inputs"]) == 2


def test_a_first_line_of_numbers_is_noticed(run):
    write("1,2.5,3\n2,3,4\n3,5,9\n")
    assert "Names: the first line has numbers alone; if they are data, put a line" in run("init", "data.csv")
    assert "# Names: the first line has numbers alone" in Path("problem.toml").read_text()
    write("x,2.5,3\n2,3,4\n3,5,9\n")
    assert "first line" not in run("init", "data.csv", "--force")


def test_of_one_column_the_mean_is_estimated(run):
    write("height\n1.5\n1.5\n1.9\n")
    assert run("init", "data.csv").startswith("mean_estimation: 3 rows, 1 input, 1 parameter")
    assert read_problem("problem.toml").problem.text == "(-height + theta)**2/2"


SLOW = ("overparametrized_least_squares",)


@pytest.mark.parametrize(
    "loss", [pytest.param(loss, marks=pytest.mark.slow if loss in SLOW else ()) for loss in LOSSES]
)
def test_every_loss_can_be_asked_for(run, loss):
    write("z,x,label\n" + "".join(f"{k % 3},{k % 4},{k % 2}\n" for k in (0, 1, 2, 3, 5, 7, 9, 10, 12)))
    one_input = ["--columns", "x"] if loss == "polynomial_regression" else []
    found = run("init", "data.csv", "--loss", loss, *one_input, "--json")
    assert found["loss"] == loss
    assert found["inputs"] == ["x"] if one_input else ["z", "x", *(["label"] if loss == "mean_estimation" else [])]
    read = read_problem("problem.toml")
    start = [read.start[name] for name in read.problem.names]
    assert abs(AdamField(read.problem, read.adam).evaluate(start).value).max() > 1e-3


@pytest.mark.parametrize(
    ("table", "options", "words"),
    [
        ("x,y\n1,2\n3,4\n5,1\n", ["--target", "z"], "--target: no column 'z'; the columns are x, y"),
        ("x,y\n1,2\n3,4\n5,1\n", ["--columns", "x,z"], "--columns: no column 'z'"),
        ("x,y\n1,2\n3,4\n5,1\n", ["--columns", "x,y"], "--columns: no column is left for the target"),
        ("x,y\n1,2\n3,4\n5,1\n", ["--columns", "x", "--target", "x"], "'x' is the target; leave it out"),
        ("x,y\n1,2\n3,4\n5,1\n", ["--loss", "wide"], "--loss: 'wide' is not allowed; allowed are mean_estimation"),
        ("x,y\n1,2\n3,4\n5,1\n", ["--loss", "hinge"], "hinge needs a target of two values"),
        ("x,y\n1,a\n3,b\n5,c\n", ["--loss", "poisson"], "poisson needs a target of numbers; 'y' has categories"),
        ("x,y\n1,2\n3,4\n5,1\n", ["--loss", "mean_estimation", "--target", "y"], "has no target; leave it out"),
        ("x,y\n1,2\n3,4\n5,1\n", ["--delimiter", "x"], "data.delimiter: 'x' is not allowed"),
        ("x,y\n1,2\n3,4\n5,1\n", ["-o", "problem.txt"], "has no known ending; allowed: .toml"),
        ("x,y\n1,2\n1,2\n1,2\n", [], "no column of numbers or of categories ('x': one value, 'y': one value)"),
        ("y\n1%\n2%\n", [], "no column of numbers or of categories ('y': numbers with other marks, as '1%')"),
        ("x,y\n1,a\n,b\n2,a\n", ["--target", "y"], "the target 'y' has one value where no entry lacks; fill in"),
        ("x,y\n", [], "no rows below the header"),
        ("", [], "empty"),
        ("x,y\n1,2\n3\n", ["--delimiter", ","], "line 3: 1 entries, but the header names 2"),
    ],
)
def test_one_line_says_what_is_wrong(run, table, options, words):
    write(table)
    assert words in run("init", "data.csv", *options, code=2)
    assert not Path("problem.toml").exists()


def test_options_of_a_table_need_one(run):
    assert "are of a table" in run("init", "--target", "y", code=2)
    assert "no such file" in run("init", "nowhere.csv", code=2)


numbers = st.decimals(-1000, 1000, places=2).map(str)
texts = st.sampled_from(["red", "bl ue", "Grün", '\x7f"\\'])
kinds = st.sampled_from([numbers, numbers, st.integers(0, 5).map(str), texts])
printable = st.characters(codec="utf-8", exclude_categories=("C", "Z"))
anything = st.characters(codec="utf-8", exclude_characters="\r\n\0")
# A column whose name is not printable is left out: most are named so that they are used.
names = st.sampled_from([printable, printable, printable, anything]).flatmap(
    lambda characters: st.text(characters, min_size=1, max_size=12).map(str.strip)
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.lists(names, min_size=2, max_size=4, unique=True), st.sampled_from(",;\t|"))
def test_what_is_written_for_a_drawn_table_loads_with_its_numbers(tmp_path_factory, data, header, delimiter):
    rows = data.draw(st.integers(4, 6))
    columns = [data.draw(st.lists(data.draw(kinds), min_size=rows, max_size=rows)) for _ in header]
    columns[0][data.draw(st.integers(0, rows - 1))] = data.draw(st.sampled_from(["NA", "1", "red"]))
    folder = tmp_path_factory.mktemp("tables")
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter)
    writer.writerows([header, *zip(*columns, strict=True)])
    (folder / "t.csv").write_bytes(buffer.getvalue().encode())
    found = survey(folder / "t.csv", delimiter)
    assume(sum(column.kind in ("numbers", "categories") for column in found.columns) > 1)
    start = choose(found)
    known = dict(zip(header, columns, strict=True))
    used = [what.column for what in start.indicators.values()] + list(start.columns.values())
    used += [name for name in (*start.inputs, *start.target) if name in known and name not in start.columns]
    kept = [k for k in range(rows) if all(known[name][k] != "NA" for name in used)]
    assume(kept)
    problem = problem_of(problem_text(start, found, folder), folder / "p.toml").problem
    mean = np.array(problem.law.exact_probabilities) @ problem.law.exact_rows
    for name, value in zip(problem.law.names, mean, strict=True):
        one = start.indicators.get(name)
        texts = known[one.column if one else start.columns.get(name, name)]
        values = [Fraction(texts[k] == one.text) if one else Fraction(texts[k]) for k in kept]
        assert value == sum(values) / len(kept)
