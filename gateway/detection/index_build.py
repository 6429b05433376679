"""Builds index files, from a table or from documents, in bounded memory: hashes are put into 256 files by their first
byte, and each of these is sorted by itself.

An index takes its place in one step, so whoever reads the folder sees the old one or the new one.
"""

from __future__ import annotations

import csv
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from gateway.detection.index_data import Hashes, hashes_of
from gateway.detection.index_file import Header, IndexKey, IndexKind, IndexRefused, padding, write_header
from gateway.detection.indexed import fingerprints
from gateway.detection.letters import letters_of
from gateway.detection.shadow import fold

MAX_ROWS = 50_000_000
MAX_DOCUMENT = 64 << 20
"""Bytes of one document."""
_SHORTEST = 2
"""A value of one letter would be found everywhere."""
_LONGEST = 200
_BATCH = 50_000
_ENTRY = np.dtype([("hash", "<u8"), ("row", "<u4")])

Progress = Callable[[int], None]
"""Told the bytes that were read."""


@dataclass(frozen=True, slots=True)
class Built:
    """What became of a source. `skipped` are values, or documents, that are too short or too long to be looked for."""

    header: Header
    skipped: int


def build_table(source: Path, columns: Sequence[str], out: Path, key: IndexKey, progress: Progress) -> Built:
    """The index of some columns of a CSV file in UTF-8 whose first line names them.

    Raises `IndexRefused` and `OSError`.
    """
    empty = Header(IndexKind.EXACT_MATCH, key.id, 0, tuple(columns), (), (), 0)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        sorters = [_Sorter(Path(folder) / str(number)) for number in range(len(columns))]
        read = _Read()
        for batch in _batches(_rows(source, columns, progress)):
            for number, sorter in enumerate(sorters):
                _put(sorter, key, [row[number] for row in batch], read)
            read.rows += len(batch)
        header = replace(
            empty,
            items=read.rows,
            counts=tuple(sorter.count for sorter in sorters),
            lengths=tuple(sorted(read.lengths)),
            words=read.words,
        )
        _write(out, header, lambda file: _write_columns(file, sorters))
    return Built(header, read.skipped)


class _Read:
    """What is counted while a table is read."""

    def __init__(self) -> None:
        self.rows = 0
        self.skipped = 0
        self.words = 0
        self.lengths: set[int] = set()


def _put(sorter: _Sorter, key: IndexKey, values: Sequence[str], read: _Read) -> None:
    """The values of one column, for the rows that are next."""
    kept: list[str] = []
    rows: list[int] = []
    for row, value in enumerate(values, read.rows):
        letters = letters_of(fold(value).text)
        if _SHORTEST <= len(letters.text) <= _LONGEST:
            kept.append(letters.text)
            rows.append(row)
            read.words = max(read.words, len(letters.begins))
            read.lengths.add(len(letters.text))
        elif value:
            read.skipped += 1
    sorter.add(hashes_of(key, kept), np.array(rows, "<u4"))


def _rows(source: Path, columns: Sequence[str], progress: Progress) -> Iterator[tuple[str, ...]]:
    """The wanted columns of each line."""
    with source.open("rb") as raw:
        reader = csv.reader(_lines(raw, source.name, progress), strict=True)
        try:
            names = [name.strip() for name in next(reader, [])]
            places = [_place(names, column, source.name) for column in columns]
            for count, row in enumerate(reader):
                if count >= MAX_ROWS:
                    raise IndexRefused(f"{source.name}: more than {MAX_ROWS} rows")
                if row and len(row) != len(names):
                    raise IndexRefused(
                        f"{source.name}:{reader.line_num}: {len(row)} fields where {len(names)} are named"
                    )
                if row:
                    yield tuple(row[place] for place in places)
        except csv.Error:
            raise IndexRefused(f"{source.name}:{reader.line_num}: not readable as CSV") from None


def _lines(raw: BinaryIO, name: str, progress: Progress) -> Iterator[str]:
    for number, line in enumerate(raw, 1):
        progress(len(line))
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise IndexRefused(f"{name}:{number}: not UTF-8") from None


def _place(names: Sequence[str], column: str, source: str) -> int:
    if names.count(column) != 1:
        raise IndexRefused(f"{source}:1: the first line has to name the column {column!r} once")
    return names.index(column)


def _batches(rows: Iterable[tuple[str, ...]]) -> Iterator[list[tuple[str, ...]]]:
    batch: list[tuple[str, ...]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def build_documents(
    sources: Sequence[Path], without: Sequence[Path], out: Path, key: IndexKey, progress: Progress
) -> Built:
    """The index of the fingerprints of text files in UTF-8, less those of `without`.

    Raises `IndexRefused` and `OSError`.
    """
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        known, public = _Sorter(Path(folder) / "known"), _Sorter(Path(folder) / "public")
        taken = sum(_take(path, known, key, progress) for path in sources)
        for path in without:
            _take(path, public, key, progress)
        with tempfile.TemporaryFile() as body:
            count = sum(_write_difference(body, *both) for both in zip(known.parts(), public.parts(), strict=True))
            header = Header(IndexKind.FINGERPRINT, key.id, taken, (), (count,), (), 0)
            body.seek(0)
            _write(out, header, lambda file: shutil.copyfileobj(body, file))
    return Built(header, len(sources) - taken)


def _take(path: Path, sorter: _Sorter, key: IndexKey, progress: Progress) -> bool:
    """Whether a document is long enough for a fingerprint; all it has are put into the sorter."""
    data = path.read_bytes() if path.stat().st_size <= MAX_DOCUMENT else b""
    if not data and path.stat().st_size:
        raise IndexRefused(f"{path.name}: larger than {MAX_DOCUMENT >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise IndexRefused(f"{path.name}: not UTF-8 text") from None
    _, hashes = fingerprints(letters_of(fold(text).text), key)
    sorter.add(hashes, np.zeros(len(hashes), "<u4"))
    progress(len(data))
    return len(hashes) > 0


def _write_difference(file: BinaryIO, known: NDArray[np.void], public: NDArray[np.void]) -> int:
    hashes = np.setdiff1d(known["hash"], public["hash"])
    file.write(hashes.tobytes())
    return len(hashes)


class _Sorter:
    """Hashes with rows, put into files by the first byte of the hash."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._files = [folder / f"{byte:02x}" for byte in range(256)]
        self.count = 0

    def add(self, hashes: Hashes, rows: NDArray[np.uint32]) -> None:
        """Take these."""
        entries = np.empty(len(hashes), _ENTRY)
        entries["hash"], entries["row"] = hashes, rows
        first = (hashes >> np.uint64(56)).astype(np.uint8)
        for byte in np.unique(first):
            with self._files[byte].open("ab") as file:
                file.write(entries[first == byte].tobytes())
        self.count += len(hashes)

    def parts(self) -> Iterator[NDArray[np.void]]:
        """All, sorted, in 256 parts."""
        for path in self._files:
            part = np.fromfile(path, _ENTRY) if path.exists() else np.empty(0, _ENTRY)
            yield part[np.lexsort((part["row"], part["hash"]))]


def _write_columns(file: BinaryIO, sorters: Iterable[_Sorter]) -> None:
    for sorter in sorters:
        with tempfile.TemporaryFile() as rows:
            for part in sorter.parts():
                file.write(part["hash"].tobytes())
                rows.write(part["row"].tobytes())
            rows.seek(0)
            shutil.copyfileobj(rows, file)
        file.write(padding(sorter.count))


def _write(out: Path, header: Header, body: Callable[[BinaryIO], object]) -> None:
    """Header and body under another name, then into place."""
    fresh = out.with_name(f".{out.name}.{os.getpid()}")
    with ExitStack() as undo:
        undo.callback(lambda: fresh.unlink(missing_ok=True))
        with fresh.open("wb") as file:
            write_header(file, header)
            body(file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(out)
