"""The ledger as an export holds it: a directory of JSON lines, each record with its proof.

manifest.json          what it is, and whether it is all of the ledger
checkpoint             the signed checkpoint that the proofs lead to
checkpoints.jsonl      all others that the ledger had: {"note": ...}
records/*.jsonl        {"position", "writer", "sequence", "leaf", "proof", "body"}; no body where retention dropped it
unfinished             is there until the export is complete
"""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .learned import Entry
from .said import document_of

FORMAT = "gateway-ledger-export/1"


class ExportUnreadable(Exception):
    """The directory is not an export. The message says what is missing."""


@dataclass(frozen=True, slots=True)
class FileSlice:
    """The records of one file. It is named by the position of the first."""

    file: Path

    @property
    def first(self) -> int:
        """That position; -1 for a file of another name."""
        return int(self.file.stem) if self.file.stem.isdecimal() else -1

    def entries(self) -> Iterator[Entry]:
        """The records."""
        for line in _lines(self.file):
            yield _entry(line, self.file)


class ExportSource:
    """Implements `Source` for a directory. Raises `ExportUnreadable`, also for a line that is not one."""

    stores_nodes = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
            self._note = (folder / "checkpoint").read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise ExportUnreadable(f"{folder} holds no manifest.json and checkpoint of an export") from None
        if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
            raise ExportUnreadable(f"{folder} is not an export in the format {FORMAT}")
        self.whole = manifest.get("whole") is True
        self.unfinished = (folder / "unfinished").exists()

    def notes(self) -> Iterator[str]:
        """The checkpoint of the proofs, then the others."""
        yield self._note
        others = self._folder / "checkpoints.jsonl"
        for line in _lines(others) if others.exists() else ():
            yield str(line.get("note"))

    def slices(self) -> Sequence[FileSlice]:
        """All records, a slice a file."""
        return [FileSlice(file) for file in sorted((self._folder / "records").glob("*.jsonl"))]

    def entries(self) -> Iterator[Entry]:
        """All records, file by file."""
        for each in self.slices():
            yield from each.entries()

    def pending(self) -> Iterator[Entry]:
        """None: an export is of what is signed."""
        return iter(())

    def nodes(self) -> Iterator[tuple[int, int, bytes]]:
        """None: the proofs speak for themselves."""
        return iter(())

    def knows(self, decision_id: str) -> bool:
        """Whether a decision of this id was exported."""
        wanted = f'"id":"{decision_id}"'.encode()
        return any(entry.body and wanted in entry.body and b'"do":{' in entry.body for entry in self.entries())

    def lacking(self, keys: Collection[tuple[str, str]]) -> Collection[tuple[str, str]]:  # noqa: ARG002 - of `Source`
        """None: an export never holds keys."""
        return ()


@functools.lru_cache(maxsize=4096)
def _hash(text: str) -> bytes:
    """A hash of a proof. Neighbouring records share most of theirs."""
    return base64.b64decode(text)


def _lines(file: Path) -> Iterator[dict[str, object]]:
    try:
        with file.open("rb") as lines:
            for line in lines:
                read = document_of(line)
                if read is None:
                    raise ExportUnreadable(f"{file.name} holds a line that is not a JSON object")
                yield read
    except OSError:
        raise ExportUnreadable(f"{file.name} cannot be read") from None


def _entry(line: dict[str, object], file: Path) -> Entry:
    body, proof = line.get("body"), line.get("proof")
    try:
        return Entry(
            int(str(line["position"])),
            str(line["writer"]),
            int(str(line["sequence"])),
            bytes.fromhex(str(line["leaf"])),
            body.encode() if isinstance(body, str) else None,
            proof=tuple(map(_hash, proof)) if isinstance(proof, list) else None,
        )
    except (KeyError, ValueError, TypeError):
        raise ExportUnreadable(f"{file.name} holds a line that is not a record") from None
