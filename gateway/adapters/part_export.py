"""Some records of the ledger as an export of a part: each with the proof that it is under the newest checkpoint.

The same format as a whole export, so the same verifier checks it; a table beside it is for people.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from gateway import __version__
from gateway.adapters.ledger_export import ExportRefused
from gateway.adapters.sql_records import StoredRecord
from gateway.adapters.sql_tree import StoredTree, newest_note
from gateway.domain.checkpoint import read_note
from gateway.domain.ledger_export import CSV_COLUMNS, line_of, row_of
from gateway.domain.merkle import leaf_hash
from gateway.verifier.export import FORMAT


class PartExport:
    """An export into an empty directory."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._tree = StoredTree(connection)
        self._note = newest_note(connection)
        self._folder = folder
        if not self._note:
            raise ExportRefused("there is no signed checkpoint yet: the running gateway makes one within a second")

    def write(self, records: Iterable[StoredRecord]) -> int:
        """Write those that the checkpoint covers. How many that were."""
        manifest = {"format": FORMAT, "whole": False, "formats": ["jsonl", "csv"], "gateway_version": __version__}
        (self._folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        (self._folder / "checkpoint").write_text(self._note, encoding="utf-8")
        (self._folder / "records").mkdir()
        size, count = read_note(self._note).size, 0
        with (
            (self._folder / "records" / "000000000000.jsonl").open("w", encoding="utf-8") as lines,
            (self._folder / "records.csv").open("w", encoding="utf-8", newline="") as table,
        ):
            rows = csv.writer(table)
            rows.writerow(CSV_COLUMNS)
            for record in records:
                if 0 <= record.position < size:
                    lines.write(self._line(record, size))
                    rows.writerow(row_of(record.position, record.document))
                    count += 1
        return count

    def _line(self, record: StoredRecord, size: int) -> str:
        proof = self._tree.inclusion(record.position, size)
        leaf = leaf_hash(record.body)
        return line_of(record.position, record.writer, record.sequence, leaf, record.body, proof)
