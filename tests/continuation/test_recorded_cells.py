"""Cells of values that are kept in a journal: what was interrupted goes on, and ends as it would have."""

import json

import pytest

from adamsym import AdamField, AdamW, Empirical, InputError, Problem, certify_zeros_over
from adamsym.certify import certificate
from adamsym.certify.journal import journal_of
from adamsym.continuation import recorded_cells

FIELD = AdamField(
    Problem("(theta**2 - 1)**2*(1 + x) + theta/2", ["theta"], Empirical({"x": [0, 0, "0.5"]})),
    AdamW("0", "0.82", "1", "0.1"),
)
ABOUT = (FIELD, {"weight_decay": ("1.2", "1.8")}, [[-2, 2]])
FEW, MORE = 120_000, 200_000


class Interrupted(Exception):
    pass


@pytest.fixture
def cells(monkeypatch):
    """Which cells are examined."""
    done = []
    examined = recorded_cells.examined

    def counted(question, asked):
        done.append(asked.over)
        answer = examined(question, asked)
        # Nothing is lost in a journal.
        assert recorded_cells._answer(json.loads(json.dumps(recorded_cells._data(answer)))) == answer
        return answer

    monkeypatch.setattr(recorded_cells, "examined", counted)
    return done


def test_an_interrupted_search_ends_as_it_would_have(cells, tmp_path):
    whole = certify_zeros_over(*ABOUT, operations=FEW)
    number = len(cells)
    assert number >= 5
    assert whole.regions
    del cells[:]

    def interrupt(done, of):
        if len(cells) == 3:
            raise Interrupted

    kept = tmp_path / "kept"
    with pytest.raises(Interrupted):
        certify_zeros_over(*ABOUT, operations=FEW, journal=kept, progress=interrupt)
    with kept.open("ab") as file:
        file.write(b'{"box": [[3')
    del cells[:]
    resumed = certify_zeros_over(*ABOUT, operations=FEW, journal=kept)
    assert len(cells) == number - 3
    assert certificate(resumed) == certificate(whole)
    assert resumed.operations == whole.operations
    # With more operations it goes on where they were spent, to what it would have found at once.
    del cells[:]
    more = certify_zeros_over(*ABOUT, operations=MORE, journal=kept)
    again = len(cells)
    del cells[:]
    assert certificate(more) == certificate(certify_zeros_over(*ABOUT, operations=MORE))
    assert 0 < again == len(cells) - number


def test_journals_of_other_searches_and_damaged_ones_are_refused(tmp_path):
    kept = tmp_path / "kept"
    certify_zeros_over(*ABOUT, operations=1, journal=kept)
    with pytest.raises(InputError, match="belongs to another"):
        certify_zeros_over(FIELD, {"weight_decay": ("1.2", "1.8")}, [[-2, 3]], operations=1, journal=kept)
    owner = json.loads(kept.read_text().splitlines()[0])["task"]
    lines = [json.loads(line) for line in kept.read_text().splitlines()[1:]]
    del lines[0]["outcome"]["pending"]
    kept.unlink()
    with journal_of(owner, kept) as (_, append):
        append(lines[0]["box"], lines[0]["outcome"])
    with pytest.raises(InputError, match="an entry is damaged"):
        certify_zeros_over(*ABOUT, operations=1, journal=kept)
