"""What is proven in cells of hyper-parameters, kept in a journal, so that a run can go on after an interruption.

What is proven in a cell depends on what is asked of it alone, and stands in the journal beside that. So a run that goes
on ends as one that was never interrupted; or, with more operations, farther. A journal is one's own file.
"""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from adamsym.certify.boxes import Box
from adamsym.certify.journal import Data, Journal, journal_of
from adamsym.certify.outcomes import NoZeroByDirection, NoZeroBySign
from adamsym.continuation.cells import Answer, Asked, Leaf, Over, Question, Region, examined
from adamsym.expressions.errors import InputError
from adamsym.parallel import map_tasks


class Cells:
    """Answers to what is asked of cells, in order: those of a journal, and new ones, which are appended to it."""

    def __init__(self, question: Question, kept: Journal) -> None:
        self.question = question
        self._known, self._append = kept
        self._done = 0

    def answers(self, round_: Sequence[Asked], executor: Executor | int | None) -> Iterator[Answer]:
        """Yield the answers to a round, each when it is wanted; what was not wanted counts as not asked."""
        first = self._done
        known = [self._recorded(first + k, asked) for k, asked in enumerate(round_)]
        left = (asked for asked, answer in zip(round_, known, strict=True) if answer is None)
        found = map_tasks(examined, left, shared=self.question, executor=executor)
        for asked, recorded in zip(round_, known, strict=True):
            answer = next(found) if recorded is None else recorded
            if recorded is None:
                self._append(_place(self._done), _data(answer) | {"about": _about(asked), "by": "cell"})
            self._done += 1
            yield answer

    def _recorded(self, number: int, asked: Asked) -> Answer | None:
        known = self._known.get(_place(number))
        if known is None or known.get("about") != _about(asked):
            return None
        try:
            return _answer(known)
        except (KeyError, TypeError, ValueError, ZeroDivisionError):
            raise InputError("journal: an entry is damaged; give another file") from None


@contextmanager
def cells_of(question: Question, journal: Path | None) -> Iterator[Cells]:
    """The cells of a question, with a journal if one is given.

    Raises
    ------
    InputError
        If the file is no journal, belongs to another question, or cannot be written to.
    """
    about = f"cells\n{question.function.identity}\n{question.names}\n{question.start}"
    with journal_of(hashlib.sha256(about.encode()).hexdigest(), journal) as kept:
        yield Cells(question, kept)


def _place(number: int) -> Box:
    return ((float(number), float(number)),)


def _about(asked: Asked) -> str:
    return hashlib.sha256(repr(asked).encode()).hexdigest()


def _data(answer: Answer) -> Data:
    return {
        "leaves": [[_texts(leaf.over), leaf.box, _proof(leaf)] for leaf in answer.leaves],
        "regions": [vars(region) | {"over": _texts(region.over)} for region in answer.regions],
        "pending": answer.pending,
        "cut": answer.cut,
        "operations": answer.operations,
        "suspect": answer.suspect,
    }


def _answer(data: Data) -> Answer:
    leaves = tuple(Leaf(_over(over), _box(box), _proof_of(proof)) for over, box, proof in data["leaves"])
    matrices = ("preconditioner", "stability_matrix")
    regions = tuple(
        Region(
            **{**one, "over": _over(one["over"]), "box": _box(one["box"])}
            | {key: _matrix(one[key]) for key in matrices}
        )
        for one in data["regions"]
    )
    pending = tuple(_box(box) for box in data["pending"])
    suspect = None if data["suspect"] is None else tuple(map(float, data["suspect"]))
    return Answer(leaves, regions, pending, int(data["cut"]), max(1, int(data["operations"])), suspect)


def _texts(over: Over) -> list[list[str]]:
    return [[str(low), str(high)] for low, high in over]


def _over(texts: Any) -> Over:
    return tuple((Fraction(low), Fraction(high)) for low, high in texts)


def _box(sides: Any) -> Box:
    return tuple((float(low), float(high)) for low, high in sides)


def _matrix(rows: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(map(float, row)) for row in rows)


def _proof(leaf: Leaf) -> int | dict[str, Any]:
    return leaf.proof if isinstance(leaf.proof, int) else vars(leaf.proof)


def _proof_of(data: Any) -> NoZeroBySign | NoZeroByDirection | int:
    if isinstance(data, int):
        return data
    if "coordinate" in data:
        return NoZeroBySign(int(data["coordinate"]))
    return NoZeroByDirection(tuple(map(float, data["direction"])))
