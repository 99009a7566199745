"""Every code block of the README and of docs/ runs, and prints or gives what the documents say."""

import re
from typing import Any

import numpy as np
import pytest
from snippets import NUMBER, ROOT, Block, all_blocks, blocks_of, compare, line_agrees, run

NOT_RUN = {
    ("README.md", "make verify"): "runs the main job and all claims, for minutes; .ci/run and make do it",
    ("README.md", "make test"): "is this run itself",
    ("docs/report.md", "adamsym report examples proofs_checks"): "runs all examples and all claims, for an hour",
}
"""The blocks that no test runs, each named by a text that it alone has, and why."""

SLOW = {
    ("docs/networks.md", "compare("),
    ("docs/dynamics.md", "increment_test("),
    ("docs/pseudo_trajectory.md", "adamsym track"),
    ("docs/report.md", "adamsym report examples/three_points.toml"),
    ("docs/explore.md", "adamsym explore examples/three_zeros.toml"),
    ("docs/sweeps.md", "adamsym sweep examples/parabola_or_sine.toml --over beta2=0.9:0.98"),
    ("docs/maps.md", "adamsym map examples/light_row.toml --of lyapunov"),
}
"""The blocks that only `make test-long` runs."""

BLOCKS = all_blocks()


def entry(block: Block, table: Any) -> tuple[str, str] | None:
    found = [key for key in table if key[0] == block.document and key[1] in block.code]
    return found[0] if found else None


def of(document: str, text: str) -> Block:
    """The one block of a document with a text in it."""
    [found] = [block for block in BLOCKS if block.document == document and text in block.code]
    return found


RUN = [
    pytest.param(block, marks=pytest.mark.slow if entry(block, SLOW) else (), id=str(block))
    for block in BLOCKS
    if not entry(block, NOT_RUN)
]


@pytest.mark.parametrize("block", RUN)
def test_every_block_runs_and_prints_what_it_says(block, tmp_path, monkeypatch):
    for library in ("torch", "jax"):
        if f"import {library}\n" in block.code:
            pytest.importorskip(library, reason=f"needs {library}")
    monkeypatch.chdir(tmp_path)
    names = run(block, tmp_path)
    key = entry(block, FURTHER)
    if key:
        FURTHER[key](names)


def test_the_tables_name_one_block_each():
    assert len(BLOCKS) > 15
    for document, text in (*NOT_RUN, *SLOW, *FURTHER):
        of(document, text)


def test_the_commands_of_make_that_are_not_run_exist():
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for block in BLOCKS:
        for line in block.code.splitlines() if block.language == "sh" else ():
            words = line.split()
            assert words[0] == "adamsym" or (words[0] == "make" and words[1] in targets), line


# --- what the blocks say in words -----------------------------------------------------------------------------------


def starts_end_at_the_attracting_zeros(names):
    assert (names["ends"].index == np.where(names["ends"].points[:, 0] < 1.583, 0, 2)).all()
    assert [zero.stability for zero in names["zeros"]] == ["attracting", "repelling", "attracting"]
    assert np.isfinite(names["portrait"].field).all()


def only_the_right_field_stands(names):
    assert names["own"].p_value > 1e-3
    assert names["other"].p_value < 1e-10


def the_zero_attracts_beside_the_minimum(names):
    assert (names["found"].stability, names["minimum"].kind) == ("attracting", "minimum")
    np.testing.assert_allclose(names["found"].theta, [0.56785, 0.27712, -0.00778], atol=1e-5)
    np.testing.assert_allclose(names["minimum"].distance, 2.02e-4, rtol=3e-3)
    np.testing.assert_allclose(names["minimum"].predicted_distance, 2.07e-4, rtol=3e-3)
    np.testing.assert_allclose(names["at_zero"].operator @ [1.0, 0.0, 0.0], names["at_zero"].jvp([1.0, 0.0, 0.0]))


def parts_are_the_whole(names):
    np.testing.assert_array_equal(names["run"].theta, names["ensemble"].theta)
    assert not names["ensemble"].diverged.any()


def there_is_a_sensitivity_for_every_atom(names):
    assert names["found"].sensitivity.shape == (1, 500)


def the_zero_is_drawn(names):
    np.testing.assert_allclose(names["attracting"].get_xydata(), [[0.999503966699, 0.0]], atol=1e-11)


FURTHER = {
    ("docs/dynamics.md", "basins("): starts_end_at_the_attracting_zeros,
    ("docs/dynamics.md", "increment_test("): only_the_right_field_stands,
    ("docs/dynamics.md", "run.advance("): parts_are_the_whole,
    ("docs/dynamics.md", "find_zero("): the_zero_attracts_beside_the_minimum,
    ("docs/laws.md", "law_quotient("): there_is_a_sensitivity_for_every_atom,
    ("docs/report.md", "draw_portrait("): the_zero_is_drawn,
}
"""Checks of what a block's comments say in words rather than numbers."""


# --- controls -------------------------------------------------------------------------------------------------------


def digits_changed(text: str) -> list[tuple[str, str]]:
    """Copies of a text in each of which one of the first ten digits of a number is another, with that number."""
    copies = []
    for number in NUMBER.finditer(text):
        significant = [k for k, sign in enumerate(number[0].lower().partition("e")[0]) if sign.isdigit()]
        leading = len(re.match(r"[-+0.]*", number[0])[0])  # type: ignore[index]
        for k in [k for k in significant if k >= min(leading, significant[-1])][:10]:
            where = number.start() + k
            copies.append((text[:where] + str((int(text[where]) + 5) % 10) + text[where + 1 :], number[0]))
    return copies


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "console"], ids=str)
def test_a_changed_digit_of_an_output_is_noticed(block):
    printed = block.code.split("\n", 1)[1]
    compare(printed, printed)
    copies = digits_changed(printed)
    assert len(copies) > 10
    for copy, number in copies:
        with pytest.raises(AssertionError):
            compare(copy, printed)
        assert number in printed


WRONG = {
    "a digit of an output": ("docs/certificates.md", "-o zeros.json", "0.9995039", "0.9995049"),
    "a word of an output": ("docs/certificates.md", "-o zeros.json", "attracting   no", "attracting   yes"),
    "a value in a comment": ("docs/laws.md", "memory_bias(", "(-0.5, 4.0)", "(-0.5, 4.1)"),
    "a small value in a comment": ("docs/laws.md", "memory_bias(", "-0.000355", "-0.000365"),
    "a shape in a comment": ("docs/dynamics.md", "run.advance(", "(10, 100, 1)", "(10, 101, 1)"),
    "a digit of a problem": ("README.md", "# three_points.toml", "0.9\n", "0.8\n"),
    "no output": ("docs/testing.md", "def my_adam", "print(check", "str(check"),
    "a deadline": ("docs/testing.md", "def test_my_field", "@settings(deadline=None)", "@settings()"),
    "another claim": ("docs/claims.md", "Claim(", "[-1.0, 0.0, 0.0, 1.0]", "[-1.0, 0.0, 0.0, 1.1]"),
}


ONE_OF_A_KIND = [
    pytest.param(case, marks=pytest.mark.slow if name == "a word of an output" else (), id=name)
    for name, case in WRONG.items()
]


@pytest.mark.parametrize("case", ONE_OF_A_KIND)
def test_documents_that_say_something_else_fall(case, tmp_path, monkeypatch):
    document, text, right, wrong = case
    block = of(document, text)
    assert right in block.code
    changed = Block(document, block.language, block.code.replace(right, wrong), block.printed)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError):
        run(changed, tmp_path)


def test_what_cannot_be_run_is_no_block_that_passes(tmp_path):
    with pytest.raises(AssertionError, match="no way to run"):
        run(Block("a document", "", "x"), tmp_path)
    with pytest.raises(AssertionError, match="not closed"):
        blocks_of("```python\nx = 1\n", "a document")
    with pytest.raises(AssertionError, match="output of no block"):
        blocks_of("```text\nx\n```\n", "a document")


def test_numbers_agree_to_the_digits_that_are_promised():
    assert line_agrees("f = -0.0003504336740446466 here", "f = -0.0003504336740446473 here")
    assert not line_agrees("f = -0.0003504336740446466", "f = -0.0003504336740946466")
    assert line_agrees("p = 0.59", "p = 0.60")
    assert not line_agrees("p = 0.59", "p = 0.61")
    assert not line_agrees("11 boxes", "12 boxes")
    assert not line_agrees("x 1.5 y", "x 1.5 z")
    compare("a\n...\nd", "a\nb\nc\nd")
    with pytest.raises(AssertionError, match="not printed"):
        compare("a", "a\nb")
    with pytest.raises(AssertionError, match="not found"):
        compare("a\nb", "a")
