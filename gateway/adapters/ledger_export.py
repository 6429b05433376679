"""Hands the ledger over: a directory in which an auditor finds the records with their proofs.

Written in files of 65,536 records, each under another name until it is whole. An export that was interrupted goes on
with the first file that is missing, towards the checkpoint that it began with. Memory does not grow with the ledger.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from sqlalchemy import Connection, and_, select

from gateway import __version__
from gateway.adapters.sql_cosigned import cosigned_notes
from gateway.adapters.sql_records import document_of
from gateway.adapters.sql_tree import StoredTree, newest_note
from gateway.adapters.tables import checkpoints, records, tree_entries
from gateway.domain.checkpoint import Checkpoint, read_note
from gateway.domain.ledger_export import CSV_COLUMNS, OCSF_VERSION, event_of, line_of, row_of
from gateway.domain.merkle import TILE_WIDTH, tile_path
from gateway.domain.strict_json import dump_json
from gateway.verifier.export import FORMAT

FORMATS = ("jsonl", "csv", "ocsf", "tiles")
PER_FILE = 65_536
_AT_ONCE = 1000
_BEGUN = {
    "unfinished",
    "checkpoint",
    ".checkpoint.part",
    "checkpoints.jsonl",
    ".checkpoints.jsonl.part",
    ".manifest.json.part",
}
"""What may be there of an export that was interrupted before its manifest: it begins anew."""


class ExportRefused(Exception):
    """The directory cannot take this export. The message says why."""


class _Entry(NamedTuple):
    position: int
    writer: str
    sequence: int
    leaf: bytes
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported: formats, and the times (microseconds) from and before which; 0 and a far one for all."""

    formats: tuple[str, ...]
    since: int
    until: int

    @property
    def whole(self) -> bool:
        """Whether that is all of the ledger."""
        return self.since == 0 and self.until == FAR


FAR = 2**62


class LedgerExport:
    """One export into one directory."""

    def __init__(self, connection: Connection, folder: Path, wanted: Wanted) -> None:
        self._connection = connection
        self._folder = folder
        self._wanted = wanted
        self._tree = StoredTree(connection)

    def begin(self) -> Checkpoint:
        """Take up what is there, or begin. The checkpoint that is exported. Raises `ExportRefused`."""
        manifest = {
            "format": FORMAT,
            "whole": self._wanted.whole,
            "formats": list(self._wanted.formats),
            "since_us": self._wanted.since,
            "until_us": self._wanted.until,
            "ocsf_version": OCSF_VERSION,
            "gateway_version": __version__,
        }
        file = self._folder / "manifest.json"
        if file.exists():
            if json.loads(file.read_text(encoding="utf-8")) != manifest:
                raise ExportRefused(f"{self._folder} holds another export: choose an empty directory")
            return read_note((self._folder / "checkpoint").read_text(encoding="utf-8"))
        if self._folder.exists() and {each.name for each in self._folder.iterdir()} - _BEGUN:
            raise ExportRefused(f"{self._folder} is not empty")
        note = newest_note(self._connection)
        if not note:
            raise ExportRefused("there is no signed checkpoint yet: the running gateway makes one within a second")
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "unfinished").touch()
        _write(self._folder / "checkpoint", note.encode())
        older = self._connection.execute(select(checkpoints.c.note).where(checkpoints.c.size < read_note(note).size))
        others = (*map(str, older.scalars()), *cosigned_notes(self._connection))
        lines = [dump_json({"note": each}).decode() + "\n" for each in others]
        _write(self._folder / "checkpoints.jsonl", "".join(lines).encode())
        _write(file, json.dumps(manifest, indent=1).encode())
        return read_note(note)

    def write(self, checkpoint: Checkpoint, ticks: Iterator[None]) -> int:
        """Write what is not there yet. How many records that were."""
        written = 0
        for first in range(0, checkpoint.size, PER_FILE):
            names = {name: self._folder / _file(name, first) for name in self._wanted.formats if name != "tiles"}
            missing = {name: path for name, path in names.items() if not path.exists()}
            if missing:
                entries = self._entries(first, min(first + PER_FILE, checkpoint.size))
                written += self._write_files(missing, entries, checkpoint.size, ticks)
        if "tiles" in self._wanted.formats:
            self._write_tiles(checkpoint.size)
        (self._folder / "unfinished").unlink(missing_ok=True)
        return written

    def _write_files(self, files: dict[str, Path], entries: Iterator[_Entry], size: int, ticks: Iterator[None]) -> int:
        count = 0
        parts = {name: path.with_name(f".{path.name}.part") for name, path in files.items()}
        for path in parts.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        opened = {name: path.open("w", encoding="utf-8", newline="") for name, path in parts.items()}
        try:
            writers = [self._writer(name, file, size) for name, file in opened.items()]
            for entry in entries:
                for write in writers:
                    write(entry)
                count += 1
                next(ticks, None)
        finally:
            for file in opened.values():
                file.flush()
                os.fsync(file.fileno())
                file.close()
        for name, path in files.items():
            parts[name].replace(path)
        return count

    def _writer(self, name: str, file: TextIO, size: int) -> Callable[[_Entry], None]:
        match name:
            case "jsonl":
                return lambda entry: self._write_line(entry, file, size)
            case "csv":
                table = csv.writer(file)
                table.writerow(CSV_COLUMNS)
                return lambda entry: _write_row(entry, table.writerow)
            case _:
                return lambda entry: _write_event(entry, file)

    def _write_line(self, entry: _Entry, file: TextIO, size: int) -> None:
        proof = self._tree.inclusion(entry.position, size)
        file.write(line_of(entry.position, entry.writer, entry.sequence, entry.leaf, entry.body, proof))

    def _entries(self, first: int, end: int) -> Iterator[_Entry]:
        """The wanted records at these positions. One that was dropped has no time: it is in whole exports only."""
        same = and_(records.c.writer == tree_entries.c.writer, records.c.sequence == tree_entries.c.sequence)
        joined = tree_entries.outerjoin(records, same)
        columns = select(*tree_entries.c, records.c.body).select_from(joined).order_by(tree_entries.c.position)
        for at in range(first, end, _AT_ONCE):
            here = columns.where(tree_entries.c.position.between(at, min(at + _AT_ONCE, end) - 1))
            if not self._wanted.whole:
                here = here.where(records.c.at >= self._wanted.since, records.c.at < self._wanted.until)
            rows: Sequence[Any] = self._connection.execute(here).all()
            for position, writer, sequence, leaf, body in rows:
                yield _Entry(position, writer, sequence, bytes(leaf), None if body is None else bytes(body))

    def _write_tiles(self, size: int) -> None:
        """The tree and the records in C2SP's tlog-tiles, for other people's tools."""
        level, count = 0, size
        while count:
            for number in range(-(-count // TILE_WIDTH)):
                hashes = self._tree.tile(level, number)[: count - number * TILE_WIDTH]
                _write_once(self._folder / tile_path(level, number, len(hashes)), b"".join(hashes))
            level, count = level + 1, count // TILE_WIDTH
        for number in range(-(-size // TILE_WIDTH)):
            first = number * TILE_WIDTH
            bodies = [entry.body or b"" for entry in self._entries(first, min(first + TILE_WIDTH, size))]
            bundle = b"".join(len(body).to_bytes(2, "big") + body for body in bodies)
            _write_once(self._folder / tile_path("entries", number, len(bodies)), bundle)


def _file(name: str, first: int) -> str:
    folder, ending = {"jsonl": ("records", "jsonl"), "csv": ("csv", "csv"), "ocsf": ("ocsf", "jsonl")}[name]
    return f"{folder}/{first:012d}.{ending}"


def _write_once(path: Path, data: bytes) -> None:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)


def _write(path: Path, data: bytes) -> None:
    """A whole file under its name or none, however this ends."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _write_row(entry: _Entry, write: Callable[[Sequence[str]], object]) -> None:
    if entry.body is not None:
        write(row_of(entry.position, document_of(entry.body)))


def _write_event(entry: _Entry, file: TextIO) -> None:
    event = event_of(entry.position, document_of(entry.body), __version__) if entry.body is not None else None
    if event is not None:
        file.write(dump_json(event).decode() + "\n")
