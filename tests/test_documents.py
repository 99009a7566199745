"""The examples in the README and the documents run as they stand."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adamsym import AdamField, read_problem
from adamsym.claims import run_claims

ROOT = Path(__file__).parents[1]


def block(document: str, language: str, number: int = 0) -> str:
    """One code block of a language, the first if not told otherwise."""
    found = re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)
    assert len(found) > number, f"{document} has no {language} block {number}"
    return str(found[number])


def test_readme_python():
    names: dict[str, object] = {}
    exec(block("README.md", "python"), names)
    assert isinstance(names["field"], AdamField)


def test_laws_of_the_documents():
    names: dict[str, object] = {}
    exec(block("docs/laws.md", "python"), names)
    assert names["found"].sensitivity.shape == (1, 500)


def test_dynamics_of_the_documents(monkeypatch):
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(block("docs/dynamics.md", "python"), names)
    assert names["solutions"].zero == pytest.approx([1.03, 3.32, 17.0], rel=3e-3)
    assert (names["ends"].index == np.where(names["ends"].points[:, 0] < 1.55, 0, 2)).all()
    assert np.isfinite(names["portrait"].field).all()


def test_the_increments_of_the_documents():
    names: dict[str, Any] = {}
    exec(block("docs/dynamics.md", "python", 1), names)
    assert names["own"].p_value > 1e-3
    assert names["other"].p_value < 1e-10


def test_the_chains_of_the_documents():
    names: dict[str, Any] = {}
    exec(block("docs/dynamics.md", "python", 2), names)
    np.testing.assert_array_equal(names["run"].theta, names["ensemble"].theta)
    assert names["ensemble"].recorded.shape == (10, 100, 1)
    assert not names["ensemble"].failed.any()


def test_plots_of_the_documents(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    names: dict[str, Any] = {}
    exec(block("docs/report.md", "python"), names)
    np.testing.assert_allclose(names["attracting"].get_xydata(), [[0.999503966699, 0.0]], atol=1e-11)
    assert (tmp_path / "three_points.svg").read_bytes().startswith(b"<?xml")


def test_readme_problem_and_its_printed_field(tmp_path):
    file = tmp_path / "three_points.toml"
    file.write_text(block("README.md", "toml"))
    source = read_problem(file)
    printed = re.search(r"theta\s+1\.0\s+(\S+)", block("README.md", "console"))
    assert printed is not None
    assert AdamField(source.problem, source.adam)([1.0])[0] == pytest.approx(float(printed[1]), abs=1e-14)


def test_problem_file_of_the_documents(tmp_path):
    file = tmp_path / "problem.toml"
    file.write_text(block("docs/problem_files.md", "toml"), encoding="utf-8")
    assert read_problem(file).start == {"theta": 2.0}


def test_claim_of_the_documents(tmp_path):
    (tmp_path / "s1.py").write_text(block("docs/claims.md", "python"), encoding="utf-8")
    [report] = run_claims([tmp_path])
    assert (report.name, report.verdict) == ("S1", "holds"), report.detail


def test_three_lines_check_an_optimizer():
    pytest.importorskip("torch", reason="needs torch")
    names: dict[str, Any] = {}
    exec(block("docs/testing.md", "python"), names)
    assert names["found"].conforms


def test_a_fault_is_named_as_printed(capsys):
    exec(block("docs/testing.md", "python", 1), {})
    printed = capsys.readouterr().out
    assert printed.startswith(block("docs/testing.md", "text"))


def test_properties_of_the_documents():
    names: dict[str, Any] = {}
    exec(block("docs/testing.md", "python", 2), names)
    names["test_my_field"]()
