"""Branches whose proofs are kept in a journal: what was interrupted goes on, and ends as it would have."""

import json

import pytest

from adamsym import AdamField, AdamW, Empirical, InputError, Problem
from adamsym.certify import certificate, journal
from adamsym.continuation import certify_branch, tubes
from adamsym.continuation.tube_proofs import Prover

FIELD = AdamField(Problem("(theta - x)**2/2", ["theta"], Empirical({"x": [0, 0, 3]})), AdamW("0", "0", "1", "0.1"))
ABOUT = (FIELD, "weight_decay", "0.1", "0.14", [0.8])


class Interrupted(Exception):
    pass


@pytest.fixture
def proofs(monkeypatch):
    """How many tubes are tried to be proven."""
    tried = []
    tube = Prover.tube

    def counted(self, low, high, theta):
        tried.append((low, high))
        return tube(self, low, high, theta)

    monkeypatch.setattr(Prover, "tube", counted)
    return tried


@pytest.mark.parametrize("half_a_line", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_an_interrupted_branch_ends_as_it_would_have(proofs, tmp_path, half_a_line):
    whole = certify_branch(*ABOUT)
    number = len(proofs)
    assert whole.complete
    assert number >= 4

    def interrupt(done, of):
        if len(proofs) == number + 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        certify_branch(*ABOUT, journal=tmp_path / "kept", progress=interrupt)
    if half_a_line:
        with (tmp_path / "kept").open("ab") as file:
            file.write(b'{"box": [[3')
    del proofs[:]
    resumed = certify_branch(*ABOUT, journal=tmp_path / "kept")
    assert len(proofs) == number - 3
    assert certificate(resumed) == certificate(whole)
    assert resumed.to_dict() == whole.to_dict()
    del proofs[:]
    assert certificate(certify_branch(*ABOUT, journal=tmp_path / "kept")) == certificate(whole)
    assert not proofs


def test_operations_of_what_is_kept_count(tmp_path, monkeypatch):
    """The budget ends a branch where it would have ended without an interruption."""
    certify_branch(*ABOUT, journal=tmp_path / "whole")
    kept = [json.loads(line)["outcome"] for line in (tmp_path / "whole").read_text().splitlines()[1:]]
    assert all(one["operations"] > 0 for one in kept)
    monkeypatch.setattr(tubes, "MOST_OPERATIONS", int(0.6 * sum(one["operations"] for one in kept)))
    ended = certify_branch(*ABOUT)
    assert not ended.complete
    assert ended.tubes
    for _ in range(2):
        assert certificate(certify_branch(*ABOUT, journal=tmp_path / "kept")) == certificate(ended)
    again = certify_branch(*ABOUT, journal=tmp_path / "whole")
    assert certificate(again) == certificate(ended)


def test_a_journal_of_another_branch_is_refused(tmp_path):
    certify_branch(FIELD, "weight_decay", "0.1", "0.101", [0.8], journal=tmp_path / "kept")
    for other in (("0.1", "0.102", [0.8]), ("0.1", "0.101", [0.75])):
        with pytest.raises(InputError, match="belongs to another problem"):
            certify_branch(FIELD, "weight_decay", *other, journal=tmp_path / "kept")


def test_what_was_asked_otherwise_is_proven_anew(proofs, tmp_path):
    """As where another version, or another machine, follows the branch a little differently."""
    kept = tmp_path / "kept"
    first = certify_branch(*ABOUT, journal=kept)
    number, lines = len(proofs), kept.read_text()
    assert lines.count('"about": "tube ') == number
    owner = json.loads(lines.splitlines()[0])["task"]
    entry = json.loads(lines.splitlines()[1])
    entry["outcome"]["about"] = "tube 0 1 [0.0] 1"
    entry.pop("digest")
    changed = json.dumps(entry | {"digest": journal._digest(owner, entry)})
    kept.write_text("\n".join([lines.splitlines()[0], changed, *lines.splitlines()[2:]]) + "\n")
    del proofs[:]
    assert certificate(certify_branch(*ABOUT, journal=kept)) == certificate(first)
    assert len(proofs) == 1


@pytest.mark.parametrize(
    "damage",
    [{"cells": "x"}, {"tube": {"box": [[0.0, 1.0]]}}, {"tube": {"box": [["a", 1.0]]}}, {"operations": None}],
    ids=["cells", "missing", "text", "operations"],
)
def test_an_entry_of_other_content_is_one_line(tmp_path, damage):
    kept, about = tmp_path / "kept", (FIELD, "weight_decay", "0.1", "0.101", [0.8])
    certify_branch(*about, journal=kept)
    first, second, *others = kept.read_text().splitlines()
    owner, entry = json.loads(first)["task"], json.loads(second)
    entry.pop("digest")
    if isinstance(damage.get("tube"), dict) and damage["tube"]["box"][0][0] == "a":
        damage = {"tube": entry["outcome"]["tube"] | damage["tube"]}
    entry["outcome"] |= damage
    changed = json.dumps(entry | {"digest": journal._digest(owner, entry)})
    kept.write_text("\n".join([first, changed, *others]) + "\n")
    with pytest.raises(InputError, match="an entry is damaged"):
        certify_branch(*about, journal=kept)
