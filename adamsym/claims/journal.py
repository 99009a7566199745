"""What a running module has found so far, line by line in a file: a killed process leaves all but its last line."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from adamsym.claims.report import ControlReport, EvidenceReport


@dataclass(frozen=True)
class Record:
    """One finished piece of evidence, or one finished control, of a claim."""

    claim: str
    evidence: EvidenceReport | None = None
    control: ControlReport | None = None


@dataclass(frozen=True)
class Journal:
    """A file of records, written by one process while another reads it."""

    path: Path

    def writer(self, claim: str) -> Callable[[EvidenceReport | ControlReport], None]:
        """Return a function that appends reports of this claim."""

        def write(report: EvidenceReport | ControlReport) -> None:
            kind = "evidence" if isinstance(report, EvidenceReport) else "control"
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"claim": claim, kind: asdict(report)}) + "\n")

        return write

    def read(self) -> tuple[Record, ...]:
        """Return the whole records written so far; lines cut short, as a full disk leaves them, are none."""
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")[:-1]
        except (FileNotFoundError, UnicodeDecodeError):
            return ()
        return tuple(record for record in map(_record, lines) if record is not None)


def _record(line: str) -> Record | None:
    try:
        read = json.loads(line)
        evidence = EvidenceReport(**read["evidence"]) if "evidence" in read else None
        control = ControlReport(**read["control"]) if "control" in read else None
        return Record(read["claim"], evidence, control)
    except (ValueError, KeyError, TypeError):
        return None
