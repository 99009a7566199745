"""What is released: metadata that agree, and packages that hold what they must, install and run."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
RELEASE = re.compile(r"^## (\d+\.\d+\.\d+) \u2013 (\d{4}-\d\d-\d\d)$", re.MULTILINE)


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_version_changelog_and_citation_agree():
    version, date = RELEASE.findall(text("CHANGELOG.md"))[0]
    assert version == PROJECT["version"]
    citation = text("CITATION.cff")
    assert re.search(rf"^version: {re.escape(version)}$", citation, re.MULTILINE)
    assert re.search(rf"^date-released: {date}$", citation, re.MULTILINE)


def test_sections_of_the_changelog_have_versions_the_newest_first():
    sections = re.findall(r"^## (.*)$", text("CHANGELOG.md"), re.MULTILINE)
    versions = [tuple(map(int, section.split()[0].split("."))) for section in sections]
    assert versions == sorted(versions, reverse=True)
    assert len(set(versions)) == len(versions)


def test_no_entry_of_the_changelog_stands_twice():
    entries = re.findall(r"^- .*$", text("CHANGELOG.md"), re.MULTILINE)
    assert len(entries) > 90
    assert len(set(entries)) == len(entries)


def test_classifiers_exist_and_name_the_pythons_that_are_tested():
    known = pytest.importorskip("trove_classifiers", reason="needs the list of classifiers")
    assert set(PROJECT["classifiers"]) <= known.classifiers
    named = [one.rpartition(" :: ")[2] for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert tuple(named) == PYTHONS
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    [matrix] = re.findall(r"python-version: \[(.*)\]", text(".github/workflows/ci.yml"))
    assert tuple(part.strip(' "') for part in matrix.split(",")) == PYTHONS


def test_addresses_are_of_the_paper_alone():
    assert set(PROJECT["urls"].values()) == {"https://arxiv.org/abs/2511.04622"}


def test_pre_commit_runs_what_make_lint_runs_and_fetches_nothing():
    hooks = text(".pre-commit-config.yaml")
    assert re.findall(r"repo: (\S+)", hooks) == ["local"]
    [lint] = re.findall(r"^lint:.*\n((?:\t.*\n)+)", text("Makefile"), re.MULTILINE)
    for command in lint.replace("$(BIN)/", "").split("\n"):
        assert f"entry: .venv/bin/{command.strip()}" in hooks if command.strip() else True


# --- packages -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel that is built from the sdist, and the sdist."""
    pytest.importorskip("hatchling", reason="needs what builds packages")
    folder = tmp_path_factory.mktemp("packages")
    build(ROOT, folder, "sdist")
    [sdist] = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    build(folder / sdist.name.removesuffix(".tar.gz"), folder, "wheel")
    [wheel] = folder.glob("*.whl")
    return wheel, sdist


def build(project, folder, target):
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder), "-t", target]
    subprocess.run(command, cwd=project, check=True, capture_output=True)


def modules(folder):
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")}


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(built):
    names = set(zipfile.ZipFile(built[0]).namelist())
    assert built[0].name == f"adamsym-{PROJECT['version']}-py3-none-any.whl"
    assert {name.partition("/")[0] for name in names} == {"adamsym", f"adamsym-{PROJECT['version']}.dist-info"}
    assert modules("adamsym") <= names
    assert "adamsym/py.typed" in names
    data = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "adamsym").rglob("*")
        if path.suffix in (".html", ".js", ".css", ".jinja", ".j2", ".tex", ".md")
    }
    assert data
    assert data <= names
    assert not any("__pycache__" in name or name.endswith(".pyc") for name in names)
    entries = zipfile.ZipFile(built[0]).read(f"adamsym-{PROJECT['version']}.dist-info/entry_points.txt").decode()
    assert "adamsym = adamsym.__main__:main" in entries


@pytest.mark.slow
def test_the_sdist_holds_what_the_tests_and_the_claims_need(built):
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("adamsym", "tests", "proofs_checks", "examples", "benchmarks"):
        assert modules(folder) <= names
    assert {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "RELEASING.md",
        "constraints.txt",
        "Makefile",
    } <= names
    assert "docs/theory.md" in names
    assert not any(name.startswith((".venv", ".git/")) for name in names)


@pytest.mark.slow
def test_the_installed_wheel_runs(built, tmp_path):
    target = tmp_path / "installed"
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-index",
        "--no-deps",
        "--target",
        str(target),
        str(built[0]),
    ]
    subprocess.run(install, check=True, capture_output=True)
    environment = os.environ | {"PYTHONPATH": str(target)}

    def run(*words):
        done = subprocess.run(words, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = run(sys.executable, "-c", "import adamsym; print(adamsym.__file__, adamsym.__version__)")
    assert where.split() == [str(target / "adamsym" / "__init__.py"), PROJECT["version"]]
    adamsym = (sys.executable, "-m", "adamsym")
    assert run(*adamsym, "--version") == f"adamsym {PROJECT['version']}\n"
    run(*adamsym, "init")
    assert "no zero" in run(*adamsym, "field", "problem.toml")
    assert "certified: one zero" in run(*adamsym, "zeros", "problem.toml", "--at", "theta=1", "-o", "zero.json")
    assert run(*adamsym, "check", "zero.json").startswith("valid")
    run(*adamsym, "plot", "loss", "problem.toml", "-o", "loss.svg")
