"""The catalogue: the claims and the formulas behind them (C0), stated in LaTeX, with controls and sources."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import latex2mathml.converter
import pytest

from adamsym import Claim
from adamsym.claims import discover

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "proofs_checks", ROOT / "examples" / "rmsprop_claims"]
FILES = [module.path for module in discover(FOLDERS)]
LONGEST = 340
FEWEST_CONTROLS = 3


def loaded(path: Path) -> tuple[ModuleType, Claim]:
    specification = importlib.util.spec_from_file_location(f"catalogue_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    [claim] = {value for value in vars(module).values() if isinstance(value, Claim)}
    return module, claim


def formulas(statement: str) -> list[str]:
    assert statement.count("$") % 2 == 0
    return statement.split("$")[1::2]


def test_the_claims_and_their_formulas_are_there():
    names = [name for module in discover([ROOT / "proofs_checks"]) for name in module.names or ()]
    assert len(names) >= 30
    assert names == [f"C{number}" for number in range(len(names))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_claim_is_complete(path):
    module, claim = loaded(path)
    assert (module.__doc__ or "").startswith(f"{claim.name}: ")
    sources = re.findall(r"arXiv \d{4}\.\d{5}|N-Theorem \d|N-Lemma \d|N-Proposition \d+", claim.source)
    assert sources
    assert any(source in (module.__doc__ or "") for source in sources), f"the docstring names none of {sources}"
    assert claim.evidence_checks
    assert len(claim.control_checks) >= FEWEST_CONTROLS
    checks = [*claim.evidence_checks, *claim.control_checks]
    assert len({check.__name__ for _, check in checks}) == len(checks)
    assert "$" not in claim.title
    assert "\\" not in claim.title


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_statement_is_a_sentence_with_formulas_that_render(path):
    _, claim = loaded(path)
    assert len(claim.statement) <= LONGEST
    assert claim.statement.endswith(".")
    outside = "".join(claim.statement.split("$")[::2])
    assert not set("\\_^{}") & set(outside), f"LaTeX outside of dollar signs: {outside}"
    assert formulas(claim.statement)
    for formula in formulas(claim.statement):
        root = ElementTree.fromstring(latex2mathml.converter.convert(formula))
        text = "".join(root.itertext())
        assert "\\" not in text, f"{formula} leaves {text}"
        assert "$" not in text


def test_commands_that_do_not_render_are_seen():
    root = ElementTree.fromstring(latex2mathml.converter.convert(r"\nosuchcommand x"))
    assert "\\nosuchcommand" in "".join(root.itertext())
