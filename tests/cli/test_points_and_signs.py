"""The command zeros where fields have bounds at points alone, and on the border of a box."""

import json
import re
from pathlib import Path

import pytest

from adamsym import AdamField, read_problem
from adamsym.certify import certify_border_point, certify_crossing
from adamsym.field.signs import lattice

PROBLEM = """[problem]
loss = "(theta - x)**2/2"
parameters = ["theta"]
[data]
x = [0, 0, 3]
"""
SIGNUM = '[adam]\nmethod = "Signum"\nbeta1 = {}\n'
PLANE = """[problem]
loss = "(a - x)**2/2 + (b + x)**2"
parameters = ["a", "b"]
[data]
x = [0, 0, 3]
"""
FILES = {
    "adam": PROBLEM,
    "signs": PROBLEM + SIGNUM.format(0.9),
    "no_memory": PROBLEM + SIGNUM.format(0),
    "reshuffled": PROBLEM + 'sampling = "reshuffled"\n',
    "normal": PROBLEM.replace("[0, 0, 3]", '"Normal(0, 1)"') + SIGNUM.format(0.9),
    "plane": PLANE,
    "plane_of_signs": PLANE + SIGNUM.format(0.9),
    "no_zero": PLANE.replace("(a - x)**2/2 + (b + x)**2", "b*x + a").replace("[0, 0, 3]", "[1, 2]"),
}


@pytest.fixture(autouse=True)
def files(run, monkeypatch):
    monkeypatch.setattr(lattice, "MOST_CELLS", 2**14)
    for name, text in FILES.items():
        Path(f"{name}.toml").write_text(text)


def field_of(name):
    source = read_problem(f"{name}.toml")
    return AdamField(source.problem, source.adam)


def between(line):
    """The verdict's words and its two numbers."""
    words, low, high = re.fullmatch(r"(certified: .*) between theta = (\S+) and (\S+)", line).groups()
    return words, float(low), float(high)


@pytest.mark.parametrize(
    ("name", "zero", "widest"), [("signs", 0.9877023, 3e-3), ("reshuffled", 0.9999674578040745, 1e-13)]
)
def test_a_zero_is_certified_where_the_field_is_continuous(run, name, zero, widest):
    lines = run("zeros", f"{name}.toml", "--box", "theta=0.5:1.5").splitlines()
    words, low, high = between(lines[0])
    assert words == "certified: a zero"
    assert low < zero < high < low + widest
    assert lines[1:3] == ["f changes from positive to negative", "other zeros in the box are not excluded"]
    proven = certify_crossing(field_of(name), 0.5, 1.5)
    # What is printed is rounded outwards.
    assert low <= proven.low < proven.high <= high
    assert repr(proven.low) in lines[6]
    assert (
        run("zeros", f"{name}.toml", "--box", "theta=0.5:1.5", "--json") == {"parameters": ["theta"]} | proven.to_dict()
    )


def test_a_jump_is_not_called_a_zero(run):
    lines = run("zeros", "no_memory.toml", "--box", "theta=-1:1").splitlines()
    words, low, high = between(lines[0])
    assert words == "certified: f changes its sign"
    assert low < 0 < high
    assert lines[1].endswith("f is not proven to be continuous there: it may jump across 0")
    assert run("zeros", "no_memory.toml", "--box", "theta=-1:1", "--json")["zero"] is False


@pytest.mark.parametrize(("low", "known"), [("1.5", "f is negative at both ends"), ("0.98770", "f may be 0 at an end")])
def test_what_is_known_is_said_where_no_change_of_sign_is_proven(run, low, known):
    options = ("signs.toml", "--box", f"theta={low}:2.5")
    printed = run("zeros", *options, code=3)
    assert printed.startswith("undecided: no change of sign is proven between theta = ")
    assert printed.splitlines()[0].endswith(known)
    found = run("zeros", *options, "--json", code=3)
    assert found["verdict"] == "undecided"
    assert len(found["bounds"]) == 2


def test_a_point_on_the_border(run):
    options = ("plane.toml", "--at", "a=1,b=0", "--project", "b=0:")
    printed = run("zeros", *options)
    assert printed.startswith(
        "certified: one stationary point of the projected field, b at its lower end, attracting\n"
    )
    proven = certify_border_point(field_of("plane"), [1.0, 0.0], [[-float("inf"), float("inf")], [0, float("inf")]])
    assert run("zeros", *options, "--json") == json.loads(json.dumps({"parameters": ["a", "b"]} | proven.to_dict()))
    # f is positive below 0.9995: it leads into the box there.
    inwards = run("zeros", "adam.toml", "--at", "theta=0.5", "--project", "theta=0.5:2", code=3)
    assert "f is not proven to lead outwards in theta" in inwards
    # No point is known: neither are the bounds.
    found = run("zeros", "no_zero.toml", "--at", "a=0.3,b=-1", "--project", "b=-1:1", "--json", code=3)
    assert found["pushes"] == [[None, None]]
    assert "undecided: " in run("zeros", "no_zero.toml", "--at", "a=0.3,b=-1", "--project", "b=-1:1", code=3)


def test_ends_that_are_no_floats_are_ends(run):
    # The float 0.3 is below 3/10, and the box's end above it.
    [[low, high]] = run("zeros", "adam.toml", "--at", "theta=0.3", "--project", "theta=:0.3", "--json")["box"]
    assert low == high == 0.30000000000000004
    # The next number but one is inside.
    near = "theta=0.29999999999999993"
    assert "no parameter lies at an end" in run("zeros", "adam.toml", "--at", near, "--project", "theta=:0.3", code=2)


@pytest.mark.parametrize(
    ("line", "fragment"),
    [
        ("signs.toml --at theta=1", "--box theta=0:2 certifies a change of its sign"),
        ("plane_of_signs.toml --at a=1,b=1", "the field of Signum has no bounds of its Jacobian\n"),
        ("reshuffled.toml --at theta=1", "the field of reshuffled rows has no bounds of its Jacobian; --box"),
        (
            "plane_of_signs.toml --box a=0:1,b=0:1",
            "a change of its sign is certified of one parameter, and there are 2",
        ),
        ("signs.toml --box theta=1:1", "both ends are 1.0"),
        ("normal.toml --box theta=-1:1", "available for a list of rows alone"),
        ("signs.toml --box theta=0:2 -o out.json", "no certificate format exists for a change of sign"),
        ("signs.toml --box theta=0:2 --width 1e-3", "no boxes are searched"),
        ("adam.toml --at theta=0 --project theta=0:1 -o out.json", "no certificate format exists for a point on the"),
        ("adam.toml --at theta=0.5 --project theta=0:1", "no parameter lies at an end of --project"),
        ("adam.toml --at theta=2 --project theta=0:1", "--at: theta=2.0 lies outside of --project theta=0.0:1.0"),
        ("adam.toml --at theta=2 --project theta=1:0", "lower end above"),
        ("adam.toml --box theta=0:1 --project theta=0:1", "--project: it goes with --at"),
        ("adam.toml --box theta=0:1 --at theta=0 --project theta=0:1", "give one of them"),
        ("signs.toml --at theta=0 --project theta=0:1", "that is what points on the border are certified by"),
    ],
)
def test_wrong_use_is_one_line(run, line, fragment):
    assert fragment in run("zeros", *line.split(), code=2)
    assert not Path("out.json").exists()
