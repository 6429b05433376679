"""What an index file holds, as arrays that are mapped into memory: processes share one copy."""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.detection.index_file import Header, IndexKey, IndexKind, IndexRefused, padding, read_header

Hashes = NDArray[np.uint64]
Rows = NDArray[np.uint32]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Column:
    """The hashes of one column, sorted, and the row of each; where hashes are equal, rows are sorted."""

    hashes: Hashes
    rows: Rows


@dataclass(frozen=True, slots=True)
class Index:
    """An index that was opened: `columns` by name, or the fingerprints (`prints`) of documents."""

    header: Header
    key: IndexKey
    columns: Mapping[str, Column]
    prints: Hashes


def open_index(path: Path, digest: str, key: IndexKey) -> Index:
    """The index in `path`. Raises `IndexRefused` where its SHA-256 is not `digest`, or its key not `key`."""
    try:
        with path.open("rb") as file:
            header, start = read_header(file)
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise IndexRefused(f"cannot be read: {error.strerror}") from None
    if hashlib.sha256(mapped).hexdigest() != digest:
        raise IndexRefused("is not the file that the policy was loaded with")
    if header.key_id != key.id:
        raise IndexRefused("was built with another key")
    return _mapped(header, key, mapped, start)


def _mapped(header: Header, key: IndexKey, body: mmap.mmap, start: int) -> Index:
    if header.kind is IndexKind.FINGERPRINT:
        return Index(header, key, {}, np.frombuffer(body, "<u8", header.counts[0], start))
    columns: dict[str, Column] = {}
    for name, count in zip(header.columns, header.counts, strict=True):
        hashes = np.frombuffer(body, "<u8", count, start)
        columns[name] = Column(hashes, np.frombuffer(body, "<u4", count, start + 8 * count))
        start += 12 * count + len(padding(count))
    return Index(header, key, columns, np.empty(0, "<u8"))


def hashes_of(key: IndexKey, values: Iterable[str]) -> Hashes:
    """The hash of each value."""
    return np.frombuffer(key.hashes(values), "<u8")


def places_in(hashes: Hashes, asked: Hashes) -> Places:
    """For each asked hash the place of its first equal in `hashes`, which are sorted; -1 where there is none."""
    if not len(hashes):
        return np.full(len(asked), -1, dtype=np.int64)
    places = np.searchsorted(hashes, asked)
    there = hashes[np.minimum(places, len(hashes) - 1)] == asked
    return np.where(there, places, -1)
